"""The pages of the dashboard as HTML: no script, no font and no style sheet of another place."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from kettrack.analysis.people.review import Listed
from kettrack.analysis.short_answers import WORKED_OUT, ShortAnswer
from kettrack.app.clinics import Clinic, View
from kettrack.app.key_figures import FIGURE_OF, KEY_FIGURES, KeyFigure, Plot, picture
from kettrack.escapes import visible
from kettrack.privacy.policies import get_policy
from kettrack.report.first_page import (
    FirstAnswer,
    FirstPage,
    first_answer,
    page_answer,
    sources_of,
)
from kettrack.report.layout import TEMPLATES, with_percents
from kettrack.report.pictures import as_drawn
from kettrack.report.sections import with_folded_cautions, with_short_findings
from kettrack.report.tables import boxed_tables
from kettrack.result import Result

# Where the answer that takes longest will stand: what is before it is sent at once.
GAP: Final = "<!-- the last answer -->"
OWN: Final = Path(__file__).parent / "template"
TITLE: Final = "Ketamine treatment: outcomes"


@cache
def _environment() -> jinja2.Environment:
    # Every word of a user is escaped, unless it is marked as a page of ours.
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([OWN, TEMPLATES]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    styles = (TEMPLATES / "page.css", OWN / "dashboard.css")
    return "\n".join(path.read_text(encoding="utf-8") for path in styles)


def _page(template: str, **values: Any) -> str:
    layout = _environment().get_template(template)
    style = Markup(_style())
    page = layout.render(style=style, clinic_title=TITLE, **values)
    return with_percents(visible(page))


def answers_page(
    clinic: Clinic, view: View, answers: list[ShortAnswer], rows: bool
) -> str:
    """The five answers, with what can be chosen; `GAP` stands where the last one is missing.

    Parameters
    ----------
    clinic : Clinic
        Of which they are.
    view : View
        What was chosen.
    answers : list of ShortAnswer
        In their order.
    rows : bool
        Whether pages of single patients may be opened.
    """
    waiting = answers[-1] is WORKED_OUT
    told = answers[:-1] if waiting else answers
    return _page(
        "answers.html.j2",
        title=TITLE,
        here="/",
        rows=rows,
        first=[_with_figures(answer, _query(view)) for answer in told],
        gap=Markup(GAP) if waiting else "",
        made_from=sources_of(clinic.under(view)),
        **_shared(clinic, view),
    )


def one_answer(answer: ShortAnswer) -> str:
    """One answer, as it stands among the others."""
    parts = _environment().get_template("answer_parts.html.j2").module
    laid_out: str = parts.short(_with_figures(answer))  # type: ignore[attr-defined]
    return with_percents(visible(laid_out))


def _with_figures(answer: ShortAnswer, query: str = "") -> FirstAnswer:
    """A short answer whose longer ones lead to their figure: the notebooks of a report are not
    here.
    """
    behind = tuple(
        replace(page_answer(result), more=_figure_address(result.name, query))
        for result in answer.behind
    )
    return replace(first_answer(answer), behind=behind)


def _figure_address(name: str, query: str) -> str:
    """The page with the figure of an answer; empty where there is none."""
    figure = FIGURE_OF.get(name)
    return f"/figure/{figure}{query}" if figure else ""


def figure_page(
    clinic: Clinic, view: View, figure: KeyFigure, result: Result, rows: bool
) -> str:
    """One figure with its table.

    Parameters
    ----------
    clinic, view, rows
        As for `answers_page`.
    figure : KeyFigure
        Which.
    result : Result
        The answer that it draws.
    """
    return _page(
        "figure.html.j2",
        title=figure.heading,
        here=f"/figure/{figure.question}",
        rows=rows,
        figure=figure,
        picture=drawn(figure.plot, result, figure.question),
        told=laid_out(result),
        drawable=not result.table.empty,
        **_shared(clinic, view),
    )


def patient_page_of(clinic: Clinic, view: View, code: str, told: str, svg: str) -> str:
    """One patient.

    Parameters
    ----------
    clinic, view
        As for `answers_page`.
    code : str
        Study code.
    told, svg : str
        Table and figure.
    """
    # It is of one person, whatever is chosen for the other pages.
    alone = replace(view, about="")
    return _page(
        "patient.html.j2",
        title=f"Patient {code}",
        here="/review",
        rows=True,
        told=Markup(told),
        picture=Markup(svg),
        **_shared(clinic, alone),
    )


def review_page(clinic: Clinic, view: View, parts: dict[str, list[Listed]]) -> str:
    """Who needs a look.

    Parameters
    ----------
    clinic, view
        As for `answers_page`.
    parts : dict
        Heading to its people, from `review_parts`.
    """
    return _page(
        "review.html.j2",
        title="Who needs a look",
        here="/review",
        rows=True,
        parts=parts,
        **_shared(clinic, view),
    )


def message_page(heading: str, sentences: tuple[str, ...]) -> str:
    """A page of a few words, such as why nothing is shown."""
    return _page("message.html.j2", title=heading, banner="", sentences=sentences)


def problems_page(page: FirstPage) -> str:
    """What is wrong with a folder, by cause.

    Parameters
    ----------
    page : FirstPage
        From `page_of_problems`.
    """
    return _page(
        "problems.html.j2",
        title="This folder cannot be read yet",
        banner="",
        answers=page.answers,
    )


def drawn(plot: Plot, result: Result, key: str) -> str:
    """The figure of an answer as an element of the page; empty for a refusal."""
    if result.table.empty:
        return ""
    whole = picture(plot, result.table, result.caption, "svg").decode("utf-8")
    return Markup(as_drawn(whole, key, f"Figure. {result.text}"))


def laid_out(result: Result) -> str:
    """Sentence, table, estimand and notes of an answer, as in a report."""
    # Escaped by the result itself.
    said = with_short_findings(result._repr_html_())
    table = boxed_tables(said)
    return Markup(with_folded_cautions(table, result.name.replace("_", " ")))


def _shared(clinic: Clinic, view: View) -> dict[str, Any]:
    """What stands on every page of a clinic."""
    return {
        "banner": get_policy(clinic.cohort.settings.policy).banner,
        "view": view,
        "query": _query(view),
        "figures": KEY_FIGURES,
    }


def _query(view: View) -> str:
    """The end of an address that keeps what was chosen."""
    return f"?{view.query}" if view.query else ""
