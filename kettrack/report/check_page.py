"""The page of `kettrack check --html`: what is wrong with a folder, or what came in from one that
can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kettrack import __version__
from kettrack.errors import DataProblems, Problem
from kettrack.privacy.policies import get_policy
from kettrack.reading.causes import (
    Cause,
    as_sentence_end,
    causes_of,
    what_to_mend_first,
)
from kettrack.reading.cohort import Cohort
from kettrack.reading.completeness import missing_information
from kettrack.reading.load import load_cohort
from kettrack.reading.problems import counted
from kettrack.report.first_page import FirstPage, PageAnswer, sources_of
from kettrack.report.layout import render
from kettrack.report.run import run_notebooks
from kettrack.timelines.derived import derive
from kettrack.writing import write_text

TITLE: Final = "Data quality"
NOTEBOOK: Final = "00_data_quality.ipynb"
_MOST_VALUES: Final = 5
_MOST_LINES: Final = 20  # of one cause; the table of -o has them all


def write_check_page(
    folder: Path, output: Path, *, allow: tuple[str, ...] = (), **options: str
) -> None:
    """Check a cohort folder, and write what was found as one offline HTML file.

    Parameters
    ----------
    folder : Path
        The cohort folder.
    output : Path
        The HTML file; it appears whole or not at all.
    allow : tuple of str
        Columns let through the identifier check.
    **options : str
        `instrument`, `criteria`, `policy` as for `load_cohort`.

    Raises
    ------
    DataProblems
        After the page is written, when the folder cannot be read.
    """
    try:
        cohort = load_cohort(folder, allow=allow, **options)
    except DataProblems as found:
        write_text(render(TITLE, page_of_problems(found.problems), {}), output)
        raise
    # The pictures come from the notebook, so that a number has one home.
    notebooks = run_notebooks([NOTEBOOK], derive(cohort))
    write_text(render(TITLE, _page_of_cohort(cohort), notebooks), output)


def page_of_problems(problems: Sequence[Problem]) -> FirstPage:
    """What stops the reading, by cause, and what to mend first.

    Parameters
    ----------
    problems : sequence of Problem
        Of one folder.
    """
    causes = causes_of(problems)
    verdict = (
        "This folder cannot be read yet. Nothing is lost: the files were not changed."
    )
    first = what_to_mend_first(causes)
    lines = (verdict, first) if first else (verdict,)
    answers = [PageAnswer("Can it be read?", lines)]
    for place, cause in enumerate(causes, start=1):
        answers.append(_of_cause(place, cause))
    return FirstPage(
        banner="",
        answers=tuple(answers),
        made_from={"Version": f"kettrack {__version__}"},
    )


def _of_cause(place: int, cause: Cause) -> PageAnswer:
    heading = f"{place}. {cause.place}: {counted(cause.n, 'problem')}"
    expected = as_sentence_end(f"{cause.expected[:1].upper()}{cause.expected[1:]}")
    if cause.values:
        there = ", ".join(cause.values[:_MOST_VALUES])
        expected = f"{there}: {as_sentence_end(cause.expected)}"
    if not cause.lines:
        return PageAnswer(heading, (expected,))
    shown = ", ".join(f"{line}" for line in cause.lines[:_MOST_LINES])
    n_more = len(cause.lines) - _MOST_LINES
    more = f" and {n_more:,} more" if n_more > 0 else ""
    noun = "line" if len(cause.lines) == 1 else "lines"
    return PageAnswer(heading, (expected, f"In {noun} {shown}{more}."))


def _page_of_cohort(cohort: Cohort) -> FirstPage:
    """What was noticed, and what is not recorded."""
    answers = [PageAnswer("Can it be read?", ("Yes. There are no problems.",))]
    noticed = tuple(cohort.shown_notes)
    if noticed:
        answers.append(PageAnswer("What the reader noticed or did", noticed))
    lacks = tuple(missing_information(cohort))
    everything = ("Everything that the questions need is recorded for somebody.",)
    answers.append(
        PageAnswer("What is not recorded, and what it costs", lacks or everything)
    )
    return FirstPage(
        banner=get_policy(cohort.settings.policy).banner,
        answers=tuple(answers),
        made_from=sources_of(cohort),
    )
