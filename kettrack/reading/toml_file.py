"""A TOML file as tables, with the line of each of its keys, so that a problem can say where."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from kettrack.errors import why_not_read
from kettrack.reading.problems import Ledger
from kettrack.reading.settings_schema import KeyPath, Place

# A bare key, or one in quotation marks of either kind.
_KEY: Final = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_PATH: Final = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_KEY_LINE: Final = re.compile(rf"\s*({_PATH})\s*=")
_HEADER_LINE: Final = re.compile(rf"\s*(\[\[?)\s*({_PATH})\s*\]")
_LONG_TEXT_MARKS: Final = ('"""', "'''")
_LIST: Final = "[["
# What the parser of Python says, and what a person can do about it; the first that fits.
# A name twice: of several answers to one question all but one may have kept their mark.
_IN_WORDS: Final = (
    (
        r"Cannot overwrite a value|Cannot declare",
        "a name stands twice; keep one of its lines",
    ),
    (
        r"Illegal character '\\n'|Unterminated string|Expected '\"|Expected \"'",
        "a text has no quotation mark at its end",
    ),
    (
        r"Illegal character|invalid character",
        "a sign stands here that nobody sees; delete it, and type the line again",
    ),
    (
        r"Invalid value",
        'this is no value; text needs quotation marks, as in key = "text", numbers have none',
    ),
    (
        r"Expected '=' after a key",
        'a line is a name, an = and a value, as in instrument = "PHQ-9"',
    ),
    (r"Unclosed array", "a list has no ] at its end"),
    (r"Unclosed inline table", "a table has no } at its end"),
    (
        r"Expected newline",
        "something stands behind a value; write one name and its value in a line",
    ),
    (
        r"Unescaped",
        "in a text a \\ stands twice; or put the text in single quotation marks",
    ),
    (
        r"Invalid statement|Invalid initial character",
        "a line begins with a name, with [ or with #",
    ),
)
_DEEPEST: Final = 20  # tables within tables; kettrack itself has four
_TOO_DEEP: Final = (
    "brackets or names are nested too deeply; kettrack needs no more than four levels"
)


class TomlFile(NamedTuple):
    """What stands in a file, and where.

    Parameters
    ----------
    content : mapping
        As `tomllib` returns it.
    top : Place
        The place of the whole file; a table in a list of tables is at its number, from 0.
    """

    content: Mapping[str, Any]
    top: Place


def read_toml(
    path: Path,
    ledger: Ledger,
) -> TomlFile | None:
    """Read a file; None, and a problem that repeats nothing of it, where it is no TOML at all.

    Parameters
    ----------
    path : Path
        The file.
    ledger : Ledger
        Takes the problem.
    """
    try:
        # Editors of Windows put a byte order mark in front, which TOML does not allow.
        text = path.read_text("utf-8-sig")
        content = tomllib.loads(text)
    except OSError as error:
        ledger.problem(path.name, None, "", "", why_not_read(error))
        return None
    except UnicodeDecodeError:
        expected = "not valid TOML: not UTF-8; save it as UTF-8"
        ledger.problem(path.name, None, "", "", expected)
        return None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        expected = f"not valid TOML: {_in_words(message)}"
        at = re.search(r"at line (\d+)", message)
        ledger.problem(path.name, int(at[1]) if at else None, "", "", expected)
        return None
    # Nothing of ours is nested more than a few times, or has more than a few digits.
    except RecursionError:
        ledger.problem(path.name, None, "", "", _TOO_DEEP)
        return None
    except ValueError:
        expected = "a number has thousands of digits; write one that can be meant"
        ledger.problem(path.name, None, "", "", expected)
        return None
    # A key with a thousand points is nested as well, and shows so only here.
    if _is_deep(content):
        ledger.problem(path.name, None, "", "", _TOO_DEEP)
        return None
    top = Place(path.name, ledger, _lines_of_keys(text))
    return TomlFile(content, top)


def _is_deep(content: Mapping[str, Any]) -> bool:
    """Whether tables or lists lie in each other deeper than any that means something here."""
    layer: list[object] = [content]
    for _ in range(_DEEPEST):
        inner = [
            *(one.values() for one in layer if isinstance(one, dict)),
            *(one for one in layer if isinstance(one, list)),
        ]
        layer = [value for values in inner for value in values]
    return bool(layer)


def _in_words(message: str) -> str:
    """What the parser says, in words that tell what to do."""
    for pattern, words in _IN_WORDS:
        if re.search(pattern, message):
            return words
    return _without_quotes(message)


def _without_quotes(message: str) -> str:
    """What the parser says without what it quotes of the file, which may be a name."""
    return re.sub(r"'[^']{2,}'|\"[^\"]{2,}\"", "(hidden)", message)


def _lines_of_keys(text: str) -> dict[KeyPath, int]:
    """Path of each key and table of a valid file to the line where it is first named."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    seen: Counter[KeyPath] = Counter()
    in_long_text = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not in_long_text:
            # tomllib gives no line numbers, so the lines are found by a second reading.
            header = _HEADER_LINE.match(line)
            key = _KEY_LINE.match(line)
            if header:
                table = _table(header, seen)
                # The first line wins: there the key was named.
                lines.setdefault(table, number)
            elif key:
                path = (*table, *_keys(key[1]))
                lines.setdefault(path, number)
        # An odd number of marks opens or closes a text of several lines, which holds no keys.
        n_marks = sum(line.count(mark) for mark in _LONG_TEXT_MARKS)
        if n_marks % 2:
            in_long_text = not in_long_text
    return lines


def _table(header: re.Match[str], seen: Counter[KeyPath]) -> KeyPath:
    """The path of a header; the tables of a list are numbered."""
    written = _keys(header[2])
    path: KeyPath = ()
    for depth in range(1, len(written)):
        path = (*path, written[depth - 1])
        # Below a list the last of its tables is meant.
        if seen[path]:
            path = (*path, str(seen[path] - 1))
    path = (*path, written[-1])
    if header[1] == _LIST:
        seen[path] += 1
        return (*path, str(seen[path] - 1))
    return path


def _keys(dotted: str) -> KeyPath:
    """`columns."a b"` to its parts."""
    parts: list[str] = re.findall(_KEY, dotted)
    return tuple(part.strip("\"'") for part in parts)
