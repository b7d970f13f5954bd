r"""Users' words are data: one escape for each place where they come out.

The name of an own scale, band or rule, a site, a file and the `extract` may hold any letters. Each
function below makes such words harmless in one kind of output, and nothing else of kettrack does.
The tables themselves keep the words as they are.
"""

from __future__ import annotations

import html
import re
from typing import Final

# What no reader sees and every program obeys: control characters, line ends of Unicode, marks that
# turn the direction of writing, and halves of characters that cannot be written as UTF-8.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Line ends and tabs lay out a page of ours; they have no place in a name.
_NOT_ON_ONE_LINE: Final = re.compile(r"[ \t\r\n]+")
# What has no place in the name of a row.
_MARK: Final = re.compile(r"\W")
# Words from `_` on are no entry of a legend for matplotlib. This sign has no width.
_NO_WIDTH: Final = "\u200b"
_BYTE: Final = 0xFF  # the largest that is written with two digits


def visible(text: str) -> str:
    r"""Text in which every sign that nobody sees stands as its code. Line ends and tabs stay.

    Examples
    --------
    >>> visible("mood\x1b[2J"), visible("abc\u202edef"), visible("two\nlines")
    ('mood\\x1b[2J', 'abc\\u202edef', 'two\nlines')
    """
    return _UNSEEN.sub(_code, text)


def _code(found: re.Match[str]) -> str:
    number = ord(found[0])
    if number <= _BYTE:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}"


def on_one_line(text: str) -> str:
    r"""Text without line ends and tabs, for a caption or a name.

    Examples
    --------
    >>> on_one_line("first half\n of 2025 ")
    'first half of 2025'
    """
    one_line = _NOT_ON_ONE_LINE.sub(" ", text)
    return one_line.strip()


def in_sentence(text: str) -> str:
    """Text for a template that names cells in braces, such as the sentence of a result: its own
    braces are then plain letters.

    Examples
    --------
    >>> in_sentence("Mood {short form}").format()
    'Mood {short form}'
    """
    opened = text.replace("{", "{{")
    return opened.replace("}", "}}")


def as_key(text: str) -> str:
    """Text as the name of a row that a template can name: letters, digits and underscores. Names
    that differ by a mark alone stay two.

    Examples
    --------
    >>> as_key("moderately severe"), as_key("low+"), as_key("low-")
    ('moderately_severe', 'low_43_', 'low_45_')
    """
    spaced = text.replace(" ", "_")
    return _MARK.sub(_number, spaced)


def _number(mark: re.Match[str]) -> str:
    code = ord(mark[0])
    return f"_{code}_"


def in_terminal(text: str) -> str:
    r"""Text for a terminal: it clears no screen, changes no colour and turns no line around.

    Examples
    --------
    >>> in_terminal("S001\x1b[31m")
    'S001\\x1b[31m'
    """
    return visible(text)


def in_html(text: str) -> str:
    """Text for a page.

    Examples
    --------
    >>> in_html('Mood <b> & "rest"')
    'Mood &lt;b&gt; &amp; &quot;rest&quot;'
    """
    seen = visible(text)
    return html.escape(seen)


def in_json(text: str) -> str:
    r"""JSON whose signs that nobody sees stand as their codes; it says the same to a program.

    Examples
    --------
    >>> in_json('"abc\u202edef"')
    '"abc\\u202edef"'
    """
    return _UNSEEN.sub(_json_code, text)


def _json_code(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\u{number:04x}"


def in_figure(text: str) -> str:
    r"""Text for a figure: seen as written, also in a legend. `figures.style.canvas` sees to it that
    two dollar signs set no formula.

    Examples
    --------
    >>> in_figure("mood\x1b[2J")
    'mood\\x1b[2J'
    >>> in_figure("_total").startswith("_")
    False
    """
    seen = visible(text)
    if seen.startswith("_"):
        return f"{_NO_WIDTH}{seen}"
    return seen
