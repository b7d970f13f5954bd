"""The five answers at the top of a report, each a few words around one number: how many got much
better, how long it lasted, what harm was seen, who was counted, and what more sessions change.

Every answer is a shorter sentence over tables that are told in full below it. So no number stands
here that is not in one of those tables, after the disclosure gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from kettrack.analysis.context import rule_words, shown_steps
from kettrack.analysis.courses.worsening import worsening
from kettrack.analysis.durability.curve import counted_durability
from kettrack.analysis.durability.words import rows_said
from kettrack.analysis.next_session.answer import next_session
from kettrack.analysis.overview import first_page
from kettrack.analysis.page_tables import (
    CURVE,
    EVENTS,
    HELD,
    NEXT,
    NOT_KNOWN,
    NOT_SHOWN,
    RECORDED_KINDS,
    SUICIDALITY,
    PageTables,
)
from kettrack.analysis.people.ladder import ladder
from kettrack.analysis.response.curve_words import GOOD_AND_BAD, told_session
from kettrack.analysis.response.response_curve import curve_alone
from kettrack.analysis.safety.adverse_events import adverse_events
from kettrack.analysis.suicidality.in_short import suicidality_in_short
from kettrack.analysis.suicidality.no_log_end import no_end_words
from kettrack.analysis.suicidality.recorded import IN_SHORT
from kettrack.errors import UsageError
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
_GOOD_NEWS: Final = ("response", "lasting")
_HARM_HIDDEN: Final = (
    "The harm that belongs beside it is hidden, because too few people are behind it."
)
_ENDS: Final = ("estimate", "ci_low", "ci_high")
_CURVE_DRAWN: Final = ["session", *_ENDS, "at_most"]


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
        The one number to remember, with its interval; `Not known` where it is refused, and `Not
        shown` where a release policy hides it.
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


# The fifth answer before it is there.
WORKED_OUT: Final = ShortAnswer(
    key="more_sessions",
    question="What does one more session change?",
    headline="Being worked out",
    sentence="This answer takes longer than the others.",
    picture=pd.DataFrame(),
    behind=(),
)


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
    page = PageTables({result.name: result for result in results}, cohort)
    makers = (_response, _lasting, _harm, _counted, _more_sessions)
    return [_beside_harm(maker(page), page) for maker in makers]


def quick_answers(
    cohort: DerivedCohort,
    more: ShortAnswer | None = None,
) -> list[ShortAnswer]:
    """What `short_answers` says under the policy `internal`, from the fewest tables.

    Parameters
    ----------
    cohort : DerivedCohort
        Under `internal`: what one page of a release may show is decided over all of its answers.
    more : ShortAnswer, optional
        From `more_sessions_answer`, which takes seconds; without it the fifth answer says that it
        is being worked out.

    Returns
    -------
    list of ShortAnswer
        Always five.

    Raises
    ------
    UsageError
        Under a policy for release.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> quick_answers(derive(load_cohort(sample_folder())))[-1].headline
    'Being worked out'
    """
    if get_policy(cohort.policy).for_release:
        raise UsageError("Under a policy for release, short_answers gives the answers.")
    curve = curve_alone(cohort, "response")
    held = counted_durability(cohort)
    results = {
        CURVE: replace(curve, name=CURVE),
        HELD: replace(held, name=HELD),
        "ladder": ladder(cohort),
        "worsening": worsening(cohort),
        EVENTS: adverse_events(cohort),
        SUICIDALITY: suicidality_in_short(cohort),
    }
    page = PageTables(results, cohort)
    answers = [maker(page) for maker in (_response, _lasting, _harm, _counted)]
    return [*answers, more or WORKED_OUT]


def more_sessions_answer(cohort: DerivedCohort) -> ShortAnswer:
    """The fifth answer alone, which takes longer than the others together.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> more_sessions_answer(derive(load_cohort(sample_folder()))).key
    'more_sessions'
    """
    return _more_sessions(PageTables({NEXT: next_session(cohort)}, cohort))


def _beside_harm(answer: ShortAnswer, page: PageTables) -> ShortAnswer:
    """The answer; good news is not shown where a policy hides the harm beside it."""
    if answer.key not in _GOOD_NEWS or not page.hides_harm():
        return answer
    return replace(
        answer,
        headline=NOT_SHOWN,
        sentence=_HARM_HIDDEN,
        picture=pd.DataFrame(),
    )


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
        if answer.headline not in (NOT_KNOWN, NOT_SHOWN)
        else f"{answer.question}\n{answer.headline}. {answer.sentence}"
        for answer in short_answers(cohort)
    ]
    extract = cohort.settings.extract or "extract not named"
    rules = f"Rules: {rule_words(cohort)}. Extract: {extract}."
    banner = get_policy(cohort.policy).banner
    ways = (
        "Cautions, tables and figures: kettrack report FOLDER -o report.html\n"
        "One row per patient: kettrack outcomes FOLDER -o outcomes.csv"
    )
    return visible("\n\n".join([*answers, rules, banner, ways]))


# ---- how many got much better


def _response(page: PageTables) -> ShortAnswer:
    session = _session_told(page)
    headline, sentence = page.lacks_curve(session)
    # The good figure and the bad one are both shown, or none.
    both = all(page.knows(CURVE, str(session), column) for column in GOOD_AND_BAD)
    known = both and not page.nobody_scored(session)
    if known:
        row = f"row{session}"
        rule = _rule_words(page.cohort)
        headline = page.says(CURVE, share_with_interval(row))
        sentence = page.says(
            CURVE,
            f"of {{{row}.n}} people had responded by session {session}: {rule}."
            f" {{{row}.stopped:%}} had stopped without a response. Some get better without"
            " sessions.",
        )
    return ShortAnswer(
        key="response",
        question="How many got much better, and by when?",
        headline=headline,
        sentence=sentence,
        picture=shown_steps(page.rows(CURVE))[_CURVE_DRAWN]
        if known
        else pd.DataFrame(),
        behind=page.behind("response"),
    )


def _rule_words(cohort: DerivedCohort) -> str:
    """What a response is; its words are no template."""
    response = cohort.criteria.response
    assert response is not None, "a curve of responses has a rule"
    return in_sentence(response.predicate.words)


def _session_told(page: PageTables) -> int:
    """The session that the page tells, or the last one of a curve that ends before it."""
    rows = page.rows(CURVE)
    return _SESSION if rows.empty else told_session(rows, _SESSION)


# ---- how long it lasted


def _lasting(page: PageTables) -> ShortAnswer:
    headline, sentence = page.lacks_lasting()
    told = weeks_told(page)
    if told:
        key = list(told)[-1]
        headline = page.says(HELD, share_with_interval(key))
        sentence = page.says(
            HELD,
            f"of {{{key}.n}} responders still responded {told[key]} weeks later without another"
            f" session. {{{key}.again_first:%}} had another session first,"
            f" {{{key}.lost_first:%}} lost the response.",
        )
    return ShortAnswer(
        key="lasting",
        question="How long did it last after the first course?",
        headline=headline,
        sentence=sentence,
        picture=_firsts_drawn(page, told),
        behind=page.behind("lasting"),
    )


def weeks_told(page: PageTables) -> dict[str, int]:
    """Row of the table of how long it lasted -> week, where what came first is known.

    Parameters
    ----------
    page : PageTables
        With the table `how_long_it_lasts`.
    """
    rows = page.rows(HELD)
    if rows.empty:
        return {}
    return {
        key: day // DAYS_IN_WEEK
        for key, day in rows_said(rows, "composite")
        if all(page.knows(HELD, key, column) for column in ("estimate", "lost_first"))
    }


def _firsts_drawn(page: PageTables, told: Mapping[str, int]) -> pd.DataFrame:
    """One row per week told: still responding, another session first, lost first."""
    if not told:
        return pd.DataFrame()
    shares = page.rows(HELD).loc[list(told)]
    shares = shares[["estimate", "again_first", "lost_first"]]
    return shares.assign(week=list(told.values()))


# ---- harm


def _harm(page: PageTables) -> ShortAnswer:
    headline, about = page.lacks("worsening", "Who got worse cannot be told.", "worse")
    if page.knows("worsening", "worse"):
        headline = page.says("worsening", share_with_interval("worse"))
        about = page.says("worsening", "of {worse.n} people were worse at least once.")
        # A sentence of its own on why a number is hidden would stand between two findings.
        if not page.knows("worsening", "worse", "n"):
            about = "of the people scored were worse at least once. How many is hidden."
    parts = [about, _side_effects(page), _thoughts(page), _recorded_events(page)]
    return ShortAnswer(
        key="harm",
        question="How many got worse, and what harm was seen?",
        headline=headline,
        sentence=" ".join(part for part in parts if part),
        picture=_harm_drawn(page),
        behind=page.behind("harm"),
    )


def _side_effects(page: PageTables) -> str:
    """How often side effects came, and serious ones, or that it is not known."""
    if not page.knows(EVENTS, ANY_EVENT):
        return f"Side effects: {_lower(page, EVENTS, ANY_EVENT)}."
    looked_at = "of sessions"
    # A session without a record is none without side effects.
    if page.knows(EVENTS, ANY_EVENT, "sessions"):
        looked_at = f"of {{{ANY_EVENT}.sessions}} sessions"
    common = page.says(
        EVENTS, f"Side effects came at {{{ANY_EVENT}.estimate:%}} {looked_at}"
    )
    if page.only_where_they_came():
        common = f"{common} (only sessions with one have a record)"
    if not page.was_asked(EVENTS, SERIOUS):
        return f"{common}; whether any were serious is not recorded."
    if not page.knows(EVENTS, SERIOUS, "events"):
        # Beside good news a hidden harm must not read as none.
        if _lower(page, EVENTS, SERIOUS) == NOT_SHOWN.lower():
            return f"{common}; serious ones: not shown, which does not mean none."
        return f"{common}; whether any were serious is not known."
    # None seen is not none possible, so it stands beside the sessions that were looked at.
    serious = page.says(
        EVENTS, f"serious ones at {{{SERIOUS}.events}} of {{{SERIOUS}.sessions}}."
    )
    return f"{common}; {serious}"


def _lower(page: PageTables, name: str, row: str) -> str:
    """`not known` or `not shown`, for the middle of a sentence."""
    return page.lacks(name, "", row)[0].lower()


def _thoughts(page: PageTables) -> str:
    if not page.knows(SUICIDALITY, "grew"):
        return f"Thoughts of suicide: {_lower(page, SUICIDALITY, 'grew')}."
    return page.says(
        SUICIDALITY, "Thoughts of suicide grew at least once in {grew.estimate:%}."
    )


def _recorded_events(page: PageTables) -> str:
    """Attempts, admissions and deaths; nothing where the log has no events."""
    told = [kind for kind in RECORDED_KINDS if page.knows(SUICIDALITY, kind, "events")]
    # Of one that is hidden nobody shall think that it did not happen.
    hidden = [
        kind
        for kind in RECORDED_KINDS
        if kind not in told and _lower(page, SUICIDALITY, kind) == NOT_SHOWN.lower()
    ]
    counted = ", ".join(f"{{{kind}.events}} {RECORDED_KINDS[kind]}" for kind in told)
    sentence = page.says(SUICIDALITY, f"Recorded: {counted}.") if told else ""
    names = " and ".join(RECORDED_KINDS[kind] for kind in hidden)
    unsaid = f"{names.capitalize()}: not shown." if hidden else ""
    besides = page.says(SUICIDALITY, no_end_words(page.cohort, IN_SHORT))
    return " ".join(part for part in (sentence, unsaid, besides) if part)


def _harm_drawn(page: PageTables) -> pd.DataFrame:
    """One row per kind of harm that is known: of people, and of sessions."""
    kinds = (
        ("worsening", "worse", "people: worse"),
        (SUICIDALITY, "grew", "people: thoughts of suicide grew"),
        (EVENTS, ANY_EVENT, "sessions: a side effect"),
        (EVENTS, SERIOUS, "sessions: a serious one"),
    )
    rows = [
        page.rows(name).loc[key, list(_ENDS)].to_dict() | {"what": words}
        for name, key, words in kinds
        if page.knows(name, key)
    ]
    return pd.DataFrame(rows)


# ---- who was counted


def _counted(page: PageTables) -> ShortAnswer:
    headline, sentence = page.lacks(
        "ladder", "How many started cannot be told.", "started"
    )
    parts = [sentence]
    if page.knows("ladder", "started", "left"):
        headline = page.says("ladder", "{started.left} people")
        parts = ["started."]
    session = _session_told(page)
    if page.knows(CURVE, str(session)):
        row = f"row{session}"
        counted = page.says(
            CURVE,
            f"{{{row}.n}} are counted above. By session {session}, {{{row}.not_scored:%}} were no"
            f" longer scored, {{{row}.scored_later:%}} too late, so at most {{{row}.at_most:%}}"
            " responded.",
        )
        parts.append(counted)
    return ShortAnswer(
        key="counted",
        question="Who was counted, and who is not known?",
        headline=headline,
        sentence=" ".join(parts),
        picture=_counted_drawn(page, str(session)),
        behind=page.behind("counted"),
    )


def _counted_drawn(page: PageTables, session: str) -> pd.DataFrame:
    """Who started and who is counted, with how many percent of each are not known."""
    # One bar alone compares nothing, and a hidden number has no length.
    started = page.knows("ladder", "started", "left")
    counted = page.knows(CURVE, session, "not_scored")
    if not started or not counted or not page.knows(CURVE, session, "n"):
        return pd.DataFrame()
    curve = page.rows(CURVE).loc[session]
    people = [page.rows("ladder").loc["started", "left"], curve["n"]]
    return pd.DataFrame(
        {
            "what": ["started", "counted above"],
            "people": people,
            "unknown": [0.0, curve["not_scored"]],
        }
    )


# ---- what more sessions change


def _more_sessions(page: PageTables) -> ShortAnswer:
    headline, sentence = page.lacks(
        NEXT,
        "These data cannot tell what one more session does.",
        NEXT,
    )
    picture = pd.DataFrame()
    if page.knows(NEXT, NEXT):
        row = page.rows(NEXT).loc[NEXT]
        difference = page.says(NEXT, value_with_interval(NEXT))
        headline = f"{difference} points"
        fits = row["ci_low"] <= 0 <= row["ci_high"]
        doubt = "; zero is possible too" if fits else ""
        sentence = (
            "after one more session, against similar people who paused, if all their reasons were"
            f" recorded. Below 0 is better{doubt}."
        )
        picture = pd.DataFrame([row[list(_ENDS)]])
    return ShortAnswer(
        key=WORKED_OUT.key,
        question=WORKED_OUT.question,
        headline=headline,
        sentence=sentence,
        picture=picture,
        behind=page.behind("more_sessions"),
    )
