"""What a paper says of its methods, written from what was asked of a cohort: data, rules, what each
number is about, what could not be answered, and versions.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from kettrack import __version__
from kettrack.analysis.context import rule_words
from kettrack.privacy.policies import get_policy
from kettrack.report.checklists import strobe_and_record, target
from kettrack.report.first_page import HEADINGS, PageAnswer, sources_of
from kettrack.report.paper_tables import PaperTable
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.rules import Rule

# What numbers come from; the others only draw and lay out.
_LIBRARIES: Final = ("numpy", "pandas", "scipy", "statsmodels")
_RULES: Final = (
    ("Response", "response"),
    ("Remission", "remission"),
    ("Loss of response", "loss_of_response"),
    ("Worse", "deterioration"),
)
_STANDING: Final = {
    "verified": "read in the publication",
    "convention": "a convention of kettrack, since no publication decides",
    "recalled": "not confirmed in the publication",
    "user": "set by the clinic",
}


@dataclass(frozen=True, slots=True)
class Methods:
    """The methods of an analysis.

    Parameters
    ----------
    paragraphs : tuple of PageAnswer
        A heading and sentences each, in the order of a paper.
    checklists : tuple of PaperTable
        STROBE with RECORD, and TARGET, filled where kettrack knows the answer.
    """

    paragraphs: tuple[PageAnswer, ...]
    checklists: tuple[PaperTable, ...]


def describe_methods(cohort: DerivedCohort, found: Mapping[str, Result]) -> Methods:
    """Methods of the main results of a cohort.

    Parameters
    ----------
    cohort : DerivedCohort
        Under the policy of the report: what is hidden there is hidden here.
    found : mapping
        From `ask_for_paper`.

    Examples
    --------
    >>> import kettrack as kt
    >>> from kettrack.report.paper_tables import ask_for_paper
    >>> cohort = kt.derive(kt.load_cohort(kt.sample_folder()))
    >>> methods = describe_methods(cohort, ask_for_paper(cohort))
    >>> [part.heading for part in methods.paragraphs][:2]
    ['Data', 'Scale and rules']
    """
    paragraphs = {
        "Data": _data(cohort, found["ladder"]),
        "Scale and rules": _scale_and_rules(cohort),
        "What the numbers are about": _estimands(found),
        "One more session": _one_more(found["next_session"]),
        "Missing scores and people who stop": _missing(),
        "Uncertainty": _uncertainty(),
        "What could not be answered": _refused(found),
        "Disclosure": _disclosure(cohort),
        "Software": _software(cohort),
    }
    written = [
        PageAnswer(heading, sentences)
        for heading, sentences in paragraphs.items()
        if sentences
    ]
    checklists = (strobe_and_record(found, cohort), target(found["next_session"]))
    return Methods(tuple(written), checklists)


def as_markdown(methods: Methods) -> str:
    """The methods as a text that any word processor opens.

    Parameters
    ----------
    methods : Methods
        From `describe_methods`.
    """
    parts = ["# Methods"]
    for part in methods.paragraphs:
        parts += [f"## {part.heading}", " ".join(part.sentences)]
    for table in methods.checklists:
        parts += [f"## {table.title}", _markdown_table(table), *table.notes]
    return "\n\n".join(parts)


def _markdown_table(table: PaperTable) -> str:
    lines = [table.columns, tuple("---" for _ in table.columns)]
    lines += [row.cells for row in table.rows]
    # A bar would begin another cell.
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _data(cohort: DerivedCohort, ladder: Result) -> tuple[str, ...]:
    settings = cohort.settings
    extract = settings.extract or "the extract is not named"
    return (
        f"The data are the session and score logs of one clinic or study ({extract}).",
        "Each person's first session is day 0, and no calendar dates were used.",
        ladder.text,
    )


def _scale_and_rules(cohort: DerivedCohort) -> tuple[str, ...]:
    criteria = cohort.criteria
    scale = cohort.instrument
    rules = [
        f"{label}: {rule.words}."
        for label, name in _RULES
        if isinstance(rule := getattr(criteria, name), Rule)
    ]
    source = f" Source: {criteria.source}." if criteria.source else ""
    return (
        f"Outcomes were rated with the {scale.name} ({scale.title}; {scale.minimum:g} to"
        f" {scale.maximum:g} points).",
        f"In force was: {rule_words(cohort)} ({_STANDING[criteria.standing]}).{source}",
        *rules,
    )


def _estimands(found: Mapping[str, Result]) -> tuple[str, ...]:
    return tuple(
        f"{HEADINGS.get(name, name.replace('_', ' ').capitalize())}: {result.estimand}"
        for name, result in found.items()
        if result.status == "ok" and result.estimand
    )


def _one_more(result: Result) -> tuple[str, ...]:
    # They tell the method, and what it assumes, in full.
    return result.caveats if result.status == "ok" else ()


def _missing() -> tuple[str, ...]:
    return (
        "No outcome was filled in.",
        "In the curves by session, stopping and completing the course without the outcome are"
        " competing events. People who were not scored are an event of their own; an upper bound"
        " counts them as if they had had the outcome.",
    )


def _uncertainty() -> tuple[str, ...]:
    return (
        "Intervals are at 95 %, and people are the unit: several sessions or scores of one person"
        " are not taken as independent.",
        "No test was made for a headline.",
    )


def _refused(found: Mapping[str, Result]) -> tuple[str, ...]:
    return tuple(
        f"{HEADINGS.get(name, name)}: {result.text}"
        for name, result in found.items()
        if result.status == "refused"
    )


def _disclosure(cohort: DerivedCohort) -> tuple[str, ...]:
    policy = get_policy(cohort.settings.policy)
    if not policy.for_release:
        return ("Nothing is hidden or rounded. These numbers are not for release.",)
    return (policy.banner, f"Source: {policy.source}.")


def _software(cohort: DerivedCohort) -> tuple[str, ...]:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return (
        f"kettrack {__version__} on Python {platform.python_version()} with {libraries}.",
        f"Input: {sources_of(cohort)['Input']}.",
        "Anyone with the same folder and version gets the same numbers.",
    )
