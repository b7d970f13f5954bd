"""The five answers at the top of a report, each a few words around one number: how many got much
better, how long it lasted, what harm was seen, who was counted, and what more sessions change.

Every answer is a shorter sentence over tables that are told in full below it. So no number stands
here that is not in one of those tables, after the disclosure gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.durability.words import rows_said
from kettrack.analysis.next_session.answer import next_session
from kettrack.analysis.overview import first_page
from kettrack.escapes import in_sentence, visible
from kettrack.privacy.policies import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval
from kettrack.vocabulary.safety import ANY_EVENT, SERIOUS

# Session that the first answer tells, where the curve goes so far.
_SESSION: Final = 6
_NOT_KNOWN: Final = "Not known"
_BELOW: Final = "The reason stands under the details."
# Each answer with the longer ones behind it, by name of the result.
_BEHIND: Final[dict[str, tuple[str, ...]]] = {
    "response": (
        "among_scored",
        "scores_by_week",
        "how_many_sessions",
        "response_by_session",
        "response_by_week",
        "remission_by_session",
        "state_after_course",
    ),
    "lasting": ("how_long_it_lasts", "how_long_from_response"),
    "harm": (
        "worsening",
        "worsening_by_week",
        "adverse_events",
        "suicidality_in_short",
    ),
    "counted": ("ladder", "session_counts", "responders"),
    "more_sessions": ("next_session",),
}


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """One question of a patient, answered in a few words.

    Parameters
    ----------
    key : str
        `response`, `lasting`, `harm`, `counted` or `more_sessions`.
    question : str
        As a patient asks it.
    headline : str
        The one number to remember, with its interval; `Not known` where it is refused or hidden.
    sentence : str
        What the number is about, with the harm or the doubt beside it.
    picture : DataFrame
        What the small picture draws: cells of the tables after the gate; no rows where there is
        nothing to draw.
    behind : tuple of Result
        The longer answers, with their cautions.
    """

    key: str
    question: str
    headline: str
    sentence: str
    picture: pd.DataFrame
    behind: tuple[Result, ...]


def short_answers(cohort: Cohort | DerivedCohort) -> list[ShortAnswer]:
    """The five answers in their fixed order.

    Parameters
    ----------
    cohort : Cohort
        Of any size; what it cannot tell is answered with `Not known`.

    Returns
    -------
    list of ShortAnswer
        Always five.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> answers = short_answers(load_cohort(sample_folder()))
    >>> [answer.key for answer in answers]
    ['response', 'lasting', 'harm', 'counted', 'more_sessions']
    """
    cohort = derive(cohort)
    results = [*first_page(cohort), next_session(cohort)]
    page = {result.name: result for result in results}
    makers = (_response, _lasting, _harm, _counted, _more_sessions)
    answers = [maker(page, cohort) for maker in makers]
    # What no list names, such as the answer of a later version, still has a place.
    named = {name for names in _BEHIND.values() for name in names}
    rest = [result for result in results if result.name not in named]
    counted = answers[3]
    answers[3] = replace(counted, behind=(*counted.behind, *rest))
    return answers


def summary_text(cohort: Cohort | DerivedCohort) -> str:
    """The five answers as plain text, with rules, extract and policy.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> "had responded by session" in summary_text(load_cohort(sample_folder()))
    True
    """
    cohort = derive(cohort)
    answers = [
        f"{answer.question}\n{answer.headline} {answer.sentence}".strip()
        if answer.headline != _NOT_KNOWN
        else f"{answer.question}\n{answer.headline}. {answer.sentence}"
        for answer in short_answers(cohort)
    ]
    extract = cohort.settings.extract or "extract not named"
    rules = f"Rules: {rule_words(cohort)}. Extract: {extract}."
    banner = get_policy(cohort.settings.policy).banner
    ways = (
        "Cautions, tables and figures: kettrack report FOLDER -o report.html\n"
        "One row per patient: kettrack outcomes FOLDER -o outcomes.csv"
    )
    return visible("\n\n".join([*answers, rules, banner, ways]))


def _behind(page: Mapping[str, Result], key: str) -> tuple[Result, ...]:
    # A page without scores by session, or under a release policy, lacks some of them.
    return tuple(page[name] for name in _BEHIND[key] if name in page)


def _known(result: Result | None, *cells: tuple[str, str]) -> bool:
    """Whether a result is answered and some cells of its table are there and not hidden."""
    if result is None or result.status == "refused":
        return False
    key = next(column for column, role in result.roles.items() if role == "key")
    # Rows with a number for a key are named by it.
    rows = {str(name): place for place, name in enumerate(result.table[key])}
    places = [(rows.get(row), column) for row, column in cells]
    return all(
        place is not None and bool(result.table[column].notna().iloc[place])
        for place, column in places
    )


def _say(result: Result, sentence: str) -> str:
    """A sentence over the table of a result."""
    return replace(result, sentence=sentence).text


def _joined(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part)


# ---- how many got much better


def _response(page: Mapping[str, Result], cohort: DerivedCohort) -> ShortAnswer:
    curve = page.get("how_many_sessions")
    session = min(_SESSION, len(curve.table)) if curve is not None else 0
    known = _known(curve, (str(session), "estimate"))
    headline, sentence = _NOT_KNOWN, f"These data cannot tell by session. {_BELOW}"
    if known and curve is not None:
        row = f"row{session}"
        # Words of the rule are no template.
        rule = in_sentence(cohort.criteria.response.predicate.words)
        headline = _say(curve, share_with_interval(row))
        sentence = _say(
            curve,
            f"of {{{row}.n}} people had responded by session {session}: {rule}."
            f" {{{row}.stopped:%}} had stopped without a response. Some get better without"
            " any session.",
        )
    return ShortAnswer(
        key="response",
        question="How many got much better, and by when?",
        headline=headline,
        sentence=sentence,
        picture=_curve_drawn(curve) if known and curve is not None else pd.DataFrame(),
        behind=_behind(page, "response"),
    )


def _curve_drawn(curve: Result) -> pd.DataFrame:
    """One row per session; `at_most` is the share had everyone not scored responded."""
    return curve.table[["session", "estimate", "ci_low", "ci_high", "at_most"]]


# ---- how long it lasted


def _lasting(page: Mapping[str, Result], cohort: DerivedCohort) -> ShortAnswer:
    held = page.get("how_long_it_lasts")
    said = []
    if held is not None and held.status == "ok":
        rows = rows_said(held.table, "composite")
        said = [row for row in rows if _known(held, (row[0], "estimate"))]
    headline, sentence = _NOT_KNOWN, f"Too few people can be followed. {_BELOW}"
    if said and held is not None:
        key, day = said[-1]
        headline = _say(held, share_with_interval(key))
        sentence = _say(
            held,
            f"of {{{key}.n}} responders still responded {day // DAYS_IN_WEEK} weeks later without"
            f" another session. {{{key}.again_first:%}} had another session first,"
            f" {{{key}.lost_first:%}} lost the response.",
        )
    return ShortAnswer(
        key="lasting",
        question="How long did it last after the first course?",
        headline=headline,
        sentence=sentence,
        picture=_firsts_drawn(held, [key for key, _ in said]),
        behind=_behind(page, "lasting"),
    )


def _firsts_drawn(held: Result | None, keys: Sequence[str]) -> pd.DataFrame:
    """One row per week told: still responding, another session first, lost first."""
    if held is None or not keys:
        return pd.DataFrame()
    rows = held.table.set_index("key").loc[list(keys)]
    shares = rows[["estimate", "again_first", "lost_first"]]
    return shares.assign(week=rows["day"] // DAYS_IN_WEEK)


# ---- harm


def _harm(page: Mapping[str, Result], cohort: DerivedCohort) -> ShortAnswer:
    worse = page.get("worsening")
    headline, about = _NOT_KNOWN, "Who got worse cannot be told."
    if worse is not None and _known(worse, ("worse", "estimate")):
        headline = _say(worse, share_with_interval("worse"))
        about = _say(worse, "of {worse.n} people were worse at some score.")
    parts = [
        about,
        _side_effects(page.get("adverse_events")),
        _thoughts(page.get("suicidality_in_short")),
    ]
    return ShortAnswer(
        key="harm",
        question="How many got worse, and what harm was seen?",
        headline=headline,
        sentence=_joined(parts),
        picture=_harm_drawn(page),
        behind=_behind(page, "harm"),
    )


def _harm_drawn(page: Mapping[str, Result]) -> pd.DataFrame:
    """One row per kind of harm that is known: of people, and of sessions."""
    kinds = (
        ("worsening", "worse", "people: worse"),
        ("suicidality_in_short", "grew", "people: thoughts of suicide grew"),
        ("adverse_events", ANY_EVENT, "sessions: a side effect"),
        ("adverse_events", SERIOUS, "sessions: a serious one"),
    )
    rows = []
    for name, key, words in kinds:
        result = page.get(name)
        if result is not None and _known(result, (key, "estimate")):
            row = result.table.set_index("key").loc[key]
            ends = {end: row[end] for end in ("estimate", "ci_low", "ci_high")}
            rows.append({"what": words, **ends})
    return pd.DataFrame(rows)


def _side_effects(events: Result | None) -> str:
    """How often side effects came, and serious ones, or that it is not known."""
    if events is None or not _known(events, (ANY_EVENT, "estimate")):
        return "Side effects: not known."
    common = _say(
        events, f"Side effects came at {{{ANY_EVENT}.estimate:%}} of sessions"
    )
    # None seen is not none possible, so both are told by how many were looked at.
    if not _known(events, (SERIOUS, "events")):
        return f"{common}; whether serious ones, is not known."
    return common + _say(
        events, f"; serious ones at {{{SERIOUS}.events}} of {{{SERIOUS}.sessions}}."
    )


def _thoughts(found: Result | None) -> str:
    """How many had more thoughts of suicide, with attempts and admissions where recorded."""
    if found is None:
        return "Thoughts of suicide: not known."
    words = "Thoughts of suicide: not known."
    if _known(found, ("grew", "estimate")):
        words = _say(
            found, "Thoughts of suicide grew at some answer in {grew.estimate:%}."
        )
    if _known(found, ("attempt", "events"), ("psychiatric", "events")):
        words += " " + _say(
            found,
            "Recorded: {attempt.events} suicide attempts, {psychiatric.events} psychiatric"
            " admissions.",
        )
    return words


# ---- who was counted


def _counted(page: Mapping[str, Result], cohort: DerivedCohort) -> ShortAnswer:
    steps = page.get("ladder")
    curve = page.get("how_many_sessions")
    headline, sentence = _NOT_KNOWN, f"How many started is not shown. {_BELOW}"
    if steps is not None and _known(steps, ("started", "left")):
        headline = _say(steps, "{started.left} people")
        sentence = "started treatment."
    session = min(_SESSION, len(curve.table)) if curve is not None else 0
    if curve is not None and _known(curve, (str(session), "estimate")):
        row = f"row{session}"
        sentence += " " + _say(
            curve,
            f"{{{row}.n}} are counted above. By session {session}, {{{row}.not_scored:%}} were no"
            f" longer scored; had all responded, {{{row}.at_most:%}} would have.",
        )
    return ShortAnswer(
        key="counted",
        question="Who was counted, and who is not known?",
        headline=headline,
        sentence=sentence,
        picture=_counted_drawn(steps, curve, session),
        behind=_behind(page, "counted"),
    )


def _counted_drawn(
    steps: Result | None, curve: Result | None, session: int
) -> pd.DataFrame:
    """Who started and who is counted, with how many percent of each are not known."""
    rows = []
    if steps is not None and _known(steps, ("started", "left")):
        started = steps.table.set_index("key").loc["started"]
        rows.append({"what": "started", "people": started["left"], "unknown": 0.0})
    if curve is not None and _known(curve, (str(session), "not_scored")):
        row = curve.table.set_index("session").loc[session]
        counted = {"what": "counted above", "people": row["n"]}
        rows.append({**counted, "unknown": row["not_scored"]})
    # One bar alone compares nothing, and a hidden number has no length.
    table = pd.DataFrame(rows)
    return table if len(table) > 1 and table.notna().all(axis=None) else pd.DataFrame()


# ---- what more sessions change


def _more_sessions(page: Mapping[str, Result], cohort: DerivedCohort) -> ShortAnswer:
    found = page.get("next_session")
    headline = _NOT_KNOWN
    sentence = f"These data cannot tell what one more session does. {_BELOW}"
    known = found is not None and _known(found, ("next_session", "estimate"))
    if known and found is not None:
        rows = found.table.set_index("key").loc["next_session"]
        headline = f"{_say(found, value_with_interval('next_session'))} points"
        fits = rows["ci_low"] <= 0 <= rows["ci_high"]
        doubt = "The data also fit no difference." if fits else ""
        sentence = _joined(
            [
                "after one more session, against similar people who paused, if all reasons to stop"
                " were recorded. Below 0 is better.",
                doubt,
            ]
        )
    return ShortAnswer(
        key="more_sessions",
        question="What does one more session change?",
        headline=headline,
        sentence=sentence,
        picture=_difference_drawn(found)
        if known and found is not None
        else pd.DataFrame(),
        behind=_behind(page, "more_sessions"),
    )


def _difference_drawn(found: Result) -> pd.DataFrame:
    """The one row of the headline."""
    rows = found.table[found.table["key"] == "next_session"]
    return rows[["estimate", "ci_low", "ci_high"]]
