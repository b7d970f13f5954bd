"""What a report says before its first notebook: the main figures in sentences, and what they were
made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kettrack import __version__
from kettrack.analysis import overview
from kettrack.privacy.disclosure import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.result import Result
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.rules import Rule

HEADINGS: Final = {
    "how_many_sessions": "How many sessions until people respond?",
    "how_long_it_lasts": "How long does it last?",
    "ladder": "Who is counted",
    "session_counts": "Sessions",
    "response_by_session": "Response",
    "remission_by_session": "Remission",
    "state_after_course": "After the first course",
    "worsening": "Worse at some score",
}
MORE: Final = {
    "how_many_sessions": "02_sessions_to_response.ipynb",
    "how_long_it_lasts": "04_durability_and_maintenance.ipynb",
}  # notebook with the table, the curve and the caveats behind an answer


@dataclass(frozen=True, slots=True)
class Finding:
    """A heading, the sentences below it, in small print what their numbers are about, and the
    notebook that has more.
    """

    heading: str
    sentences: tuple[str, ...]
    about: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The first page as plain text, ready to be laid out.

    Parameters
    ----------
    banner : str
        What may be done with the report.
    findings : tuple of Finding
        In order.
    made_from : dict
        Label to text: extract, instrument, rules, version, hash of the input.
    pictured : bool
        Whether the first figure of the notebook on sessions belongs beside the first answers: not
        where it would be empty.
    """

    banner: str
    findings: tuple[Finding, ...]
    made_from: dict[str, str]
    pictured: bool = False


def first_page(cohort: Cohort) -> FirstPage:
    """Write the first page of a cohort's report."""
    results = overview.first_page(cohort)
    curve = results[0]
    pictured = curve.status == "ok" and bool(curve.table["estimate"].notna().any())
    banner = get_policy(cohort.settings.policy).banner
    return FirstPage(
        banner,
        tuple(finding(result) for result in results),
        made_from(cohort),
        pictured,
    )


def finding(result: Result) -> Finding:
    """A result as a heading, sentences and small print."""
    plain = result.name.replace("_", " ")
    heading = HEADINGS.get(result.name, plain[:1].upper() + plain[1:])
    sentences = tuple(line for line in result.text.splitlines() if line.strip())
    return Finding(heading, sentences, result.estimand, MORE.get(result.name, ""))


def made_from(cohort: Cohort) -> dict[str, str]:
    """What stands at the foot of the first page, so that a number can be traced."""
    settings = cohort.settings
    provenance = cohort.provenance
    said = {
        "Extract": settings.extract or "not named (set `extract` in kettrack.toml)",
        "Instrument": f"{cohort.instrument.name}: {cohort.instrument.title}",
        "Rules": cohort.criteria.label,
        "Response": _words(cohort.criteria.response),
        "Remission": _words(cohort.criteria.remission),
        "Worse": _words(cohort.criteria.deterioration),
        "Baseline": (
            f"{settings.baseline} score in the {BASELINE_WINDOW_DAYS} days up to the first"
            " session"
        ),
        "Disclosure policy": settings.policy,
        "Input": f"{', '.join(provenance.files)}; SHA-256 {provenance.input_sha256[:12]}",
        "Let through the identifier check": ", ".join(provenance.allowed),
        "Version": f"kettrack {__version__}",
    }
    return {label: text for label, text in said.items() if text}


def _words(rule: Rule | None) -> str:
    return rule.words if rule else "not defined by these rules"
