"""What a report says before its first notebook: five short answers with a picture each, the longer
ones behind them, and what all were made from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kettrack import __version__
from kettrack.analysis.short_answers import ShortAnswer, short_answers
from kettrack.privacy.policies import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.report.pictures import draw_inline
from kettrack.result import Result
from kettrack.settings import LAST_ROW
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.rules import Rule

# Name of a result -> heading, in the order of the page.
HEADINGS: Final = {
    "among_scored": "How were people when they were scored?",
    "scores_by_week": "Scores by week",
    "how_many_sessions": "How many sessions until people respond?",
    "how_long_it_lasts": "How long does a response last after the first course?",
    "how_long_from_response": "The same, counted from the first response",
    "ladder": "Who is counted",
    "session_counts": "Sessions",
    "response_by_session": "Response",
    "response_by_week": "Response, all courses",
    "worsening_by_week": "When people got worse",
    "worsening": "Who got worse",
    "suicidality_in_short": "Thoughts of suicide, attempts and admissions",
    "adverse_events": "Side effects",
    "remission_by_session": "Remission",
    "state_after_course": "After the first course",
    "responders": "Why numbers of responders differ",
    "next_session": "One more session, or none",
}
# Name of a result -> notebook with the table, the curve and the caveats behind it.
MORE: Final = {
    "suicidality_in_short": "06_safety_and_suicidality.ipynb",
    "among_scored": "02_sessions_to_response.ipynb",
    "scores_by_week": "05_sessions_and_symptom_change.ipynb",
    "how_many_sessions": "02_sessions_to_response.ipynb",
    "response_by_week": "02_sessions_to_response.ipynb",
    "worsening_by_week": "02_sessions_to_response.ipynb",
    "adverse_events": "06_safety_and_suicidality.ipynb",
    "how_long_it_lasts": "04_loss_of_response.ipynb",
    "how_long_from_response": "04_loss_of_response.ipynb",
    "next_session": "05_sessions_and_symptom_change.ipynb",
}
_BETWEEN_SENTENCES: Final = re.compile(r"(?<=[.?!])\s+(?=[A-Z0-9])")
_SENTENCES_TOGETHER: Final = 3
_HASH_LETTERS: Final = (
    12  # of the 64: enough to tell two inputs apart, short enough to read
)


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """One answer of the first page.

    Parameters
    ----------
    heading : str
        Above it.
    sentences : tuple of str
        The answer in order, in paragraphs.
    about : str
        What the numbers are about, in small print.
    more : str
        The notebook that has more; empty for none.
    """

    heading: str
    sentences: tuple[str, ...]
    about: str = ""
    more: str = ""


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """One of the five short answers.

    Parameters
    ----------
    question : str
        Heading.
    headline, sentence : str
        The number to remember, and what it is about.
    picture : str
        An element `svg` without addresses; empty for none.
    behind : tuple of PageAnswer
        The longer answers and cautions, one level down.
    """

    question: str
    headline: str
    sentence: str
    picture: str = ""
    behind: tuple[PageAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The first page as plain text, ready to be laid out.

    Parameters
    ----------
    banner : str
        What may be done with the report.
    answers : tuple of PageAnswer
        In order, where the page has no short ones.
    made_from : dict
        Label to text: extract, instrument, rules, version, hash of the input.
    first : tuple of FirstAnswer
        The short answers of a report.
    foot : str
        Heading over `made_from`.
    """

    banner: str
    answers: tuple[PageAnswer, ...]
    made_from: dict[str, str]
    first: tuple[FirstAnswer, ...] = ()
    foot: str = "What this report is made from"


def compose_first_page(
    cohort: Cohort,
    answers: Sequence[ShortAnswer] | None = None,
) -> FirstPage:
    """The first page of a cohort's report.

    Parameters
    ----------
    cohort : Cohort
        As it was loaded.
    answers : sequence of ShortAnswer, optional
        From `short_answers`, where they are known already.
    """
    told = short_answers(cohort) if answers is None else answers
    return FirstPage(
        banner=get_policy(cohort.settings.policy).banner,
        answers=(),
        made_from=sources_of(cohort),
        first=tuple(first_answer(answer) for answer in told),
    )


def first_answer(answer: ShortAnswer) -> FirstAnswer:
    """A short answer with its picture drawn."""
    said = f"{answer.question} {answer.headline} {answer.sentence}"
    return FirstAnswer(
        question=answer.question,
        headline=answer.headline,
        sentence=answer.sentence,
        picture=draw_inline(answer.key, answer.picture, f"Picture. {said}"),
        behind=tuple(page_answer(result) for result in answer.behind),
    )


def page_answer(result: Result) -> PageAnswer:
    """A result as a heading, sentences and small print."""
    # A question that somebody added has no heading of its own yet.
    plain = result.name.replace("_", " ")
    return PageAnswer(
        heading=HEADINGS.get(result.name, plain[:1].upper() + plain[1:]),
        sentences=paragraphs(result.text),
        about=result.estimand,
        more=MORE.get(result.name, ""),
    )


def paragraphs(text: str) -> tuple[str, ...]:
    """A long answer in paragraphs of few sentences, which can be read; each line begins one.

    Parameters
    ----------
    text : str
        Sentences.

    Examples
    --------
    >>> paragraphs("Of 9, 3 (1.5 to 5) did. 8 weeks on, 2 did. A third. The last.")
    ('Of 9, 3 (1.5 to 5) did. 8 weeks on, 2 did. A third.', 'The last.')
    """
    parts = []
    for line in text.splitlines():
        sentences = sentences_of(line)
        starts = range(0, len(sentences), _SENTENCES_TOGETHER)
        together = [sentences[start : start + _SENTENCES_TOGETHER] for start in starts]
        parts += [" ".join(few) for few in together]
    return tuple(part for part in parts if part)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text.

    Examples
    --------
    >>> sentences_of("Of 9, 3 (1.5 to 5) did. 8 weeks on, 2 did.")
    ['Of 9, 3 (1.5 to 5) did.', '8 weeks on, 2 did.']
    """
    return _BETWEEN_SENTENCES.split(text.strip())


def sources_of(cohort: Cohort | DerivedCohort) -> dict[str, str]:
    """What stands at the foot of the first page, so that a number can be traced; label to text."""
    settings = cohort.settings
    provenance = cohort.provenance
    input_hash = provenance.input_sha256[:_HASH_LETTERS]
    sources = {
        "Extract": settings.extract or "not named (set `extract` in kettrack.toml)",
        "Instrument": f"{cohort.instrument.name}: {cohort.instrument.title}",
        "Rules": cohort.criteria.label,
        "Response": _rule_words(cohort.criteria.response),
        "Remission": _rule_words(cohort.criteria.remission),
        "Worse": _rule_words(cohort.criteria.deterioration),
        "Baseline": (
            f"{settings.baseline} score in the {BASELINE_WINDOW_DAYS} days up to the first session"
        ),
        "Log complete to": (
            f"{settings.log_complete_to}, where observed_to_day is missing"
            if settings.log_complete_to == LAST_ROW
            else ""
        ),
        "Disclosure policy": settings.policy,
        "Input": f"{', '.join(provenance.files)}; SHA-256 {input_hash}",
        "Let through the identifier check": ", ".join(provenance.allowed),
        "Version": f"kettrack {__version__}",
    }
    return {label: text for label, text in sources.items() if text}


def _rule_words(rule: Rule | None) -> str:
    """The rule in force in words."""
    return rule.words if rule else "not defined by these rules"
