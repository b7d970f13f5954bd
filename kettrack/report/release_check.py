"""The last page of a report that leaves the clinic: what was hidden and rounded, by which rule, and
what a reader may not conclude; and, for the clinic alone, how far rounding moved each headline.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import pandas as pd

from kettrack.analysis.quality.uniqueness import uniqueness
from kettrack.privacy.disclosure import TAKEN_TOGETHER
from kettrack.privacy.policies import Policy, get_policy
from kettrack.reading.cohort import Cohort
from kettrack.report.first_page import HEADINGS, PageAnswer
from kettrack.result import Result
from kettrack.timelines.derived import derive
from kettrack.vocabulary.plain_words import NOT_SHOWN

if TYPE_CHECKING:
    from nbformat import NotebookNode

_CELL: Final = re.compile(r"<td[^>]*>([^<]*)</td>")
_NUMBER: Final = re.compile(r"-?[\d,]+(?:\.\d+)?")
_HIDDEN: Final = "hidden"
_NUMBERS: Final = ("count", "running", "denominator", "derived")


def release_check(
    cohort: Cohort,
    page: Sequence[Result],
    notebooks: Mapping[str, NotebookNode],
) -> tuple[PageAnswer, ...]:
    """The release check of a report; nothing under a policy that is not for release.

    Parameters
    ----------
    cohort : Cohort
        As it was loaded for the report.
    page : sequence of Result
        From `first_page`.
    notebooks : mapping
        File name to executed notebook.
    """
    policy = get_policy(cohort.settings.policy)
    if not policy.for_release:
        return ()
    return (
        PageAnswer("By which rule", _rule_words(policy)),
        PageAnswer("What is hidden", _hidden_words(page, notebooks)),
        PageAnswer("What a reader may not conclude", _limits(policy)),
        PageAnswer(
            "How easily a person could be found in the rows",
            _found_words(cohort),
            about="The rows do not leave with this report. This is a count, no certificate.",
        ),
    )


def _rule_words(policy: Policy) -> tuple[str, ...]:
    merged = (
        "Of a curve the people who have left so far are rounded, never those of a single step."
        if policy.rounding
        else ""
    )
    if policy.smallest_count > 1:
        merged = f"{TAKEN_TOGETHER} {merged}"
    words = (f"{policy.name}: {policy.banner}", f"Source: {policy.source}.", merged)
    return tuple(filter(None, words))


def _hidden_words(
    page: Sequence[Result],
    notebooks: Mapping[str, NotebookNode],
) -> tuple[str, ...]:
    """How many figures of the first page, and cells of the tables below, are hidden."""
    there = [each for result in page for each in figures_said(result).values()]
    hidden = sum(text == NOT_SHOWN for text in there)
    lines = [f"First page: {hidden} of {len(there)} numbers are hidden."]
    silent = [HEADINGS.get(each.name, each.name) for each in page if _is_silent(each)]
    if silent:
        lines.append(f"Answers that are not shown: {'; '.join(silent)}.")
    for name, notebook in notebooks.items():
        gone, total = _table_cells(notebook)
        if total:
            lines.append(f"{name}: {gone} of {total} numbers in tables are hidden.")
    return tuple(lines)


def _is_silent(result: Result) -> bool:
    return result.status == "ok" and (result.all_hidden or result.one_sided)


def figures_said(result: Result) -> dict[str, str]:
    """Every number that a sentence names, as it reads; all of them hidden where the answer is.

    Parameters
    ----------
    result : Result
        Through the gate.

    Returns
    -------
    dict
        `row.column` to the text of its cell.
    """
    if result.status != "ok":
        return {}
    names = [
        name for _, name, _, _ in string.Formatter().parse(result.sentence) if name
    ]
    numbers = [
        name for name in names if result.roles.get(name.partition(".")[2]) in _NUMBERS
    ]
    if _is_silent(result):
        return dict.fromkeys(numbers, NOT_SHOWN)
    return {name: result.cell_text(name) for name in numbers}


def _table_cells(notebook: NotebookNode) -> tuple[int, int]:
    """Hidden cells of the tables of a notebook, and all that hold a number or are hidden."""
    gone = 0
    total = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            texts = [text.strip() for text in _CELL.findall(html)]
            hidden = sum(text == _HIDDEN for text in texts)
            gone += hidden
            total += hidden + sum(bool(_NUMBER.fullmatch(text)) for text in texts)
    return gone, total


def _limits(policy: Policy) -> tuple[str, ...]:
    """What hiding and rounding take away from a reader."""
    step = policy.rounding.step if policy.rounding else 0
    rounded = (
        f"A count may be off by half a band of {step} people or more. Two counts, or two"
        f" shares, that are less than a band apart may be equal.",
        "Parts need not add up to their total, and a share near 0 % or 100 % may stand for a few"
        " people more or less. Only 0 is exactly 0.",
        "A rare harm is rounded as well: its number can be several times as high as it was, never"
        " 0 where it happened.",
        "The same question asked on another day, with few people more, may give the same numbers or"
        " numbers a whole band apart. The difference says nothing about the people who came.",
    )
    hidden = (
        "A hidden number is not 0, and not small for sure: it may be hidden only because it would"
        " tell another one.",
    )
    always = (
        "Nothing here was checked against other reports of the same clinic. Whoever holds two of"
        " them may subtract.",
    )
    return (*(rounded if step else ()), *hidden, *always)


def _found_words(cohort: Cohort) -> tuple[str, ...]:
    return (uniqueness(derive(cohort)).text,)


def rounding_distances(
    inside: Sequence[Result],
    outside: Sequence[Result],
) -> pd.DataFrame:
    """How far a policy moved each percentage of the first page. For the clinic alone: together with
    the released figure it tells the exact one.

    Parameters
    ----------
    inside, outside : sequence of Result
        From `first_page` of the same folder under `internal`, and under the policy.

    Returns
    -------
    DataFrame
        `answer` `figure` `internal` `released` `distance`; the released figure is missing where it
        is hidden.
    """
    rows = []
    shown = {each.name: each for each in outside}
    for own in inside:
        other = shown.get(own.name)
        said = figures_said(other) if other is not None else {}
        for name, text in figures_said(own).items():
            # A number that only the clinic's own sentence names has nothing to be set beside.
            if own.roles[name.partition(".")[2]] != "derived" or name not in said:
                continue
            hidden = said[name] == NOT_SHOWN
            rows.append(
                {
                    "answer": own.name,
                    "figure": name,
                    "internal": _value(text),
                    "released": None if hidden else _value(said[name]),
                }
            )
    table = pd.DataFrame(rows, columns=["answer", "figure", "internal", "released"])
    table = table.astype({"internal": "float64", "released": "float64"})
    return table.assign(distance=table["released"] - table["internal"])


def _value(text: str) -> float | None:
    return float(text.replace(",", "")) if _NUMBER.fullmatch(text) else None
