"""The pooled report: one offline HTML file from the counts of all sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import nbformat
from matplotlib.axes import Axes
from nbformat import NotebookNode

from kettrack import __version__
from kettrack.figures.all_courses import (
    plot_response_by_any_session,
    plot_response_by_week,
    plot_worsening_by_week,
)
from kettrack.figures.cohort import plot_ladder, plot_session_counts
from kettrack.figures.durability import plot_durability, plot_mean_count
from kettrack.figures.response import plot_response_by_session
from kettrack.figures.safety import plot_adverse_events
from kettrack.figures.sites import plot_sites, plot_sites_funnel
from kettrack.figures.trajectories import plot_trajectories
from kettrack.pooling.between_sites import DIFFERENCES, SIDE_BY_SIDE
from kettrack.pooling.pooled import Pool
from kettrack.privacy.policies import get_policy
from kettrack.report.first_page import FirstPage, PageAnswer, page_answer
from kettrack.report.layout import render
from kettrack.report.made_cells import answer_data, figure_data, made_cell
from kettrack.result import Result
from kettrack.writing import write_text

TITLE: Final = "Ketamine treatment: outcomes of several sites"
_HASH_LETTERS: Final = 12  # enough to tell two inputs apart, short enough to read
# Chapter -> the questions in it, in order. Harm stands before the means of scores.
_CHAPTERS: Final = {
    "Who is counted": ("ladder", "session_counts"),
    "Response and remission": (
        "response_by_session",
        "remission_by_session",
        "response_by_any_session",
        "response_by_week",
        "time_to_response",
        "time_to_remission",
    ),
    "Who got worse, and side effects": (
        "worsening",
        "worsening_by_week",
        "adverse_events",
    ),
    "How long a response lasts": (
        "durability",
        "durability_from_response",
        "durability_of_every_response",
        "recurrent_loss",
    ),
    "Scores": ("paired_change", "score_lines", "trajectories"),
    "How far the sites differ": (DIFFERENCES, SIDE_BY_SIDE),
}
# The figures of a clinic draw the pooled tables as they are.
_DRAWN: Final[dict[str, Callable[..., Axes]]] = {
    "ladder": plot_ladder,
    "session_counts": plot_session_counts,
    "response_by_session": plot_response_by_session,
    "remission_by_session": partial(plot_response_by_session, outcome="remission"),
    "response_by_any_session": plot_response_by_any_session,
    "response_by_week": plot_response_by_week,
    "worsening_by_week": plot_worsening_by_week,
    "adverse_events": plot_adverse_events,
    "durability": plot_durability,
    "durability_from_response": plot_durability,
    "durability_of_every_response": plot_durability,
    "recurrent_loss": plot_mean_count,
    "trajectories": plot_trajectories,
}
# What a reader sees first: good news beside the harm.
_FIRST: Final = (
    "ladder",
    "response_by_session",
    "worsening",
    "durability",
    "adverse_events",
    DIFFERENCES,
)


def write_pooled_report(pooled: Pool, output: str | Path) -> None:
    """Write the report of several sites as one HTML file.

    Parameters
    ----------
    pooled : Pool
        From `pool`.
    output : str or Path
        The file; it appears whole or not at all.
    """
    write_text(render(TITLE, _first_page(pooled), _chapters(pooled)), output)


def _first_page(pooled: Pool) -> FirstPage:
    answers = [_about(pooled), *(page_answer(pooled[name]) for name in _FIRST)]
    return FirstPage(
        banner=get_policy(pooled.policy).banner,
        answers=tuple(answers),
        made_from=_sources(pooled),
    )


def _about(pooled: Pool) -> PageAnswer:
    """From how many sites the numbers come, and what they cannot say."""
    sites = len(pooled.sites)
    people = sum(site.people for site in pooled.sites)
    # Rounded counts are close to the truth, and that must be said first.
    exact = all(site.exact for site in pooled.sites)
    counted = (
        "The counts are exact, so each answer is that of all rows in one folder."
        if exact
        else "The counts went through a disclosure policy at each site, so each answer is close to"
        " that of all rows, and not the same."
    )
    return PageAnswer(
        heading="What this is",
        sentences=(
            f"{sites} sites sent counts of {people:,} people; no row of a person left a site."
            f" {counted}",
            "Sites differ in people, treatment and care. A sum does not say why, and sites are not"
            " ranked here.",
            # No silence about the worst: whoever reads of responses here must know where to ask.
            "Thoughts of suicide, suicide attempts, admissions and deaths are not in these sums."
            " Ask each site for its own report.",
        ),
    )


def _sources(pooled: Pool) -> dict[str, str]:
    """Label to text, for the foot of the first page."""
    rules = pooled.rules
    named = {
        name.replace("_", " ").capitalize(): said
        for name, said in rules.in_words.items()
    }
    # The same for the same sites, in whatever order they were named.
    mark = pooled["ladder"].made_from["input_sha256"][:_HASH_LETTERS]
    return {
        "Instrument": f"{rules.instrument}: {rules.scale}",
        "Rules": rules.label,
        **named,
        "Baseline": rules.baseline,
        "Log complete to": rules.log_complete_to,
        "Disclosure policy": pooled.policy,
        "Input": f"{len(pooled.sites)} summaries; SHA-256 {mark}",
        "Version": f"kettrack {__version__}",
    }


def _chapters(pooled: Pool) -> Mapping[str, NotebookNode]:
    """Each chapter as a notebook that was run; the report knows how to lay these out."""
    return {
        f"{number:02}_pooled.ipynb": _notebook(heading, pooled, names)
        for number, (heading, names) in enumerate(_CHAPTERS.items(), start=1)
    }


def _notebook(heading: str, pooled: Pool, names: tuple[str, ...]) -> NotebookNode:
    cells = [nbformat.v4.new_markdown_cell(f"# {heading}", id="title")]
    for name in names:
        result = pooled[name]
        plain = name.replace("_", " ")
        title = f"## {plain[:1].upper()}{plain[1:]}"
        cells.append(nbformat.v4.new_markdown_cell(title, id=f"{name}-title"))
        cells.append(
            made_cell(f"pooled[{name!r}]", f"{name}-table", answer_data(result))
        )
        if name == SIDE_BY_SIDE and result.status == "ok":
            cells += _forests(pooled)
        if name in _DRAWN and result.status == "ok":
            drawn = f"{_DRAWN_AS.format(name)}"
            cells.append(made_cell(drawn, f"{name}-figure", _picture(name, result)))
    return nbformat.v4.new_notebook(cells=cells)


_DRAWN_AS: Final = 'answer = pooled["{0}"]\n# drawn as in the report of a clinic'


def _forests(pooled: Pool) -> list[NotebookNode]:
    """One forest for each measure, each with its funnel; harm among them."""
    beside = pooled[SIDE_BY_SIDE]
    whole = pooled[DIFFERENCES]
    cells = []
    for key in dict.fromkeys(beside.table["measure"]):
        for plot in (plot_sites, plot_sites_funnel):
            axes = plot(
                beside.table,
                measure=key,
                whole=whole.table if whole.status == "ok" else None,
                caption=beside.caption,
            )
            name = f"{key}-{plot.__name__.replace('_', '-')}"
            source = f"kt.{plot.__name__}(beside, measure={key!r}, whole=differences)"
            cells.append(made_cell(source, name, figure_data(axes)))
    return cells


def _picture(name: str, result: Result) -> dict[str, str]:
    """The figure of an answer, as a notebook holds it."""
    return figure_data(_DRAWN[name](result.table, caption=result.caption))
