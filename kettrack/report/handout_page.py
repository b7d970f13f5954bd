"""A handout for patients as an HTML file of one printed page: no script, and nothing from the
network.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import jinja2
from markupsafe import Markup, escape

from kettrack import __version__
from kettrack.analysis.handout import Handout
from kettrack.escapes import visible
from kettrack.report.catalogue import read_catalogue
from kettrack.report.handout_words import handout_text
from kettrack.report.layout import TEMPLATES
from kettrack.writing import write_text

# A number with its sign, and the name of a scale, stay on one line.
_ON_ONE_LINE: Final = re.compile(r"\d+ %|\b[A-Z]+-[A-Z]*\d+\b")


def write_handout(told: Handout, output: Path, language: str = "en") -> None:
    """Lay a handout out and write it.

    Parameters
    ----------
    told : Handout
        From `handout_figures`.
    output : Path
        The HTML file; it appears whole or not at all.
    language : str
        One of `catalogue.languages`, or the path of a catalogue.
    """
    write_text(handout_page(told, language), output)


def handout_page(told: Handout, language: str = "en") -> str:
    """A handout as HTML.

    Parameters
    ----------
    told : Handout
        From `handout_figures`.
    language : str
        One of `catalogue.languages`, or the path of a catalogue.

    Returns
    -------
    str
        The same figures and language give the same text.
    """
    code, words = read_catalogue(language)
    # Every word of a user or a translator is escaped.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True
    )
    environment.filters["unbroken"] = _unbroken
    style = (TEMPLATES / "handout.css").read_text(encoding="utf-8")
    foot = f"kettrack {__version__} · {told.policy} · {told.instrument}"
    page = environment.get_template("handout.html.j2").render(
        language=code,
        text=handout_text(told, words),
        states=told.states,
        worse=_worse(told),
        foot=foot,
        style=Markup(style),
    )
    return visible(page)


def _unbroken(sentence: str) -> Markup:
    """A sentence that a narrow page does not break in the middle of a number or a name."""
    escaped = str(escape(sentence))
    return Markup(_ON_ONE_LINE.sub(r'<span class="whole">\g<0></span>', escaped))


def _worse(told: Handout) -> dict[str, int]:
    """Of 100 people, those who got worse; nothing where that is not known."""
    if told.worse is None:
        return {}
    worse = round(told.worse)
    return {"worse": worse, "others": 100 - worse}
