"""The chapter of a report that sets the clinic beside another one, or one period beside another."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import nbformat
from nbformat import NotebookNode

from kettrack.analysis.against.answer import against
from kettrack.errors import NotIdentified, UsageError
from kettrack.figures.against import plot_against
from kettrack.privacy.policies import INTERNAL, get_policy
from kettrack.reading.cohort import Cohort
from kettrack.report.made_cells import answer_data, figure_data, made_cell
from kettrack.result import Result

CHAPTER: Final = "00_against.ipynb"
Other = Cohort | str
_TITLE: Final = "# Two sides beside each other"
_ASKED: Final = 'kt.estimate("against", cohort, other=other)'
_DRAWN: Final = "kt.plot_against(answer.table, caption=answer.caption)"
_HEADINGS: Final = {
    "table": "## Every measure",
    "figure": "## How far the sides are apart",
}


def compare_with(cohort: Cohort, other: Other) -> Result:
    """Both sides, through the gate under the policy of the cohort.

    Raises
    ------
    UsageError
        Under a policy that hides small counts: the figures of a side stand elsewhere in the report
        too, or are part of those of everyone, so that what is hidden in one place could be told by
        the other.
    NotIdentified
        When nothing can be compared: a chapter of a refusal would look like a comparison.
    """
    policy = get_policy(cohort.settings.policy)
    if policy.smallest_count > 1:
        raise UsageError(
            f"A report under the policy {policy.name!r} does not compare two sides: whoever has the"
            " figures of everyone and of a part has those of the rest. Choose --policy release,"
            f" which rounds; or ask for the comparison by itself, for readers who get no report:"
            f" kettrack estimate against FOLDER --against FOLDER|PERIOD --policy {policy.name}"
        )
    found = against(cohort, other)
    if found.status == "refused":
        raise NotIdentified(found.reason, found.collect)
    return found


def compare_inside(cohort: Cohort, other: Other) -> Result:
    """The same before the gate, for who decides what may be shown of all tables together."""
    there = other if isinstance(other, str) else _inside(other)
    # A policy may refuse what the clinic itself can see.
    compare_with(cohort, other)
    return compare_with(_inside(cohort), there)


def _inside(cohort: Cohort) -> Cohort:
    settings = replace(cohort.settings, policy=INTERNAL, withheld=())
    return replace(cohort, settings=settings)


def against_chapters(
    cohort: Cohort,
    other: Other | None,
) -> dict[str, NotebookNode]:
    """The chapter by its file name; nothing where no comparison was asked for."""
    if other is None:
        return {}
    return {CHAPTER: against_chapter(compare_with(cohort, other))}


def against_chapter(found: Result) -> NotebookNode:
    """The comparison as a notebook that was run.

    Parameters
    ----------
    found : Result
        From `compare_with`.
    """
    lines = [line for line in found.text.splitlines() if line]
    listed = "\n".join(f"- {line}" for line in lines)
    # The lines stand above, so that the table needs only the last of them: what it does not say.
    short = replace(found, sentence=lines[-1], retell=None)
    figure = plot_against(found.table, caption=found.caption)
    return nbformat.v4.new_notebook(
        cells=[
            _words(f"{_TITLE}\n\n{listed}", "title"),
            _words(_HEADINGS["figure"], "figure-title"),
            made_cell(_DRAWN, "figure", figure_data(figure)),
            _words(_HEADINGS["table"], "table-title"),
            made_cell(_ASKED, "table", answer_data(short)),
        ]
    )


def _words(text: str, name: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(text, id=name)
