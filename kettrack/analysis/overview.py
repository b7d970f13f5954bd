"""The longer answers behind the first page of a report: the main figures of a cohort in sentences,
the two questions of every clinic first. How many sessions until people respond, and how long does
it last?
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd

from kettrack.analysis.association.trajectories import LAST_WEEK_SHOWN, trajectories
from kettrack.analysis.courses.session_counts import session_counts
from kettrack.analysis.courses.worsening import worsening, worsening_by_week
from kettrack.analysis.durability.curve import (
    durability_alone,
    durability_from_response,
)
from kettrack.analysis.durability.in_short import (
    how_long_from_response,
    how_long_it_lasts,
)
from kettrack.analysis.durability.words import as_logs_end
from kettrack.analysis.people.ladder import ladder
from kettrack.analysis.response.across_courses import response_by_week
from kettrack.analysis.response.after_course import state_after_course
from kettrack.analysis.response.among_scored import among_scored
from kettrack.analysis.response.curve_words import (
    told_session,
    told_steps,
    unscored_words,
)
from kettrack.analysis.response.responders import responders
from kettrack.analysis.response.response_curve import curve_alone
from kettrack.analysis.safety.adverse_events import adverse_events
from kettrack.analysis.suicidality.in_short import suicidality_in_short
from kettrack.privacy.disclosure import hide_page_differences
from kettrack.privacy.policies import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.result import Result
from kettrack.settings import LAST_ROW
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval

# Sessions named on the way to the last one that is named.
_NAMED_SESSIONS: Final = (2, 4, 6)
# What the first answer of the page says in short.
_SAID_IN_SHORT: Final = ("response by session",)
# Where the name of a question is no topic.
_AS_TOPIC: Final = {"responders": "why the numbers of responders differ"}
# Weeks whose mean score is named where nothing can be said by session.
_SCORED_WEEKS: Final = (2, 4, 8, LAST_WEEK_SHOWN)
_MEANS_ESTIMAND: Final = (
    "Mean score in a week after session 1, among those who were scored in that week."
)
_DESCRIBES: Final = (
    "This is what happened in this clinic, counting everyone who started. It does not say what"
    " more sessions would do."
)
# In place of that where the folder chose the end of its logs: then not everyone counts.
_CHOSEN: Final = (
    "This is not everyone who started: {{row{last}.n}} people count, and {{row{last}.too_new}} are"
    f" left out because they have no session or score {COMPLETE_LOG_DAYS} days after session 1 or"
    f" later, and logs are taken to be complete to the {LAST_ROW}. So the shares are often too"
    " good. They do not say what more sessions would do."
)
# The benchmark itself is not on this page: the trials `no_effect_benchmark` do not all bear it out,
# and in a clinic of another kind it was far too low (docs/decisions/response.md).
_NO_EFFECT_SAID: Final = (
    "Some people respond even where sessions do nothing, because depression also gets better by"
    " itself and scores vary. How many that may be is estimated in the section on response, and not"
    " here: in some kinds of simulated clinic that estimate is far too low."
)
_NOT_TOLD: Final = (
    "{started.left} people started. This page does not say how many of them can be analysed,"
    " because together with the other numbers that could reveal a hidden count."
)
_SCORED_ONLY: Final = (
    " These are shares of the people who were scored then; the shares by session count everyone"
    " who started."
)
# Said beside the first good figure where the harm is hidden.
_WORSE_HIDDEN: Final = (
    " How many got worse cannot be shown under this policy, since too few people are behind it."
    " That does not mean nobody."
)
_WORSE: Final = ("worsening", "worsening_by_week")
_GOOD: Final = ("how_many_sessions", "among_scored")


def first_page(cohort: Cohort | DerivedCohort) -> list[Result]:
    """Results whose sentences a reader sees first.

    Returns
    -------
    list of Result
        How many sessions and how long it lasts, in short; then who is counted, sessions, response,
        worsening, suicidality and side effects, remission, what followed, and why numbers of
        responders differ.
        Under a release policy no number of people on the page lies so near to another that their
        difference would tell a hidden one.
    """
    cohort = derive(cohort)
    # The benchmark is not on this page, and fitting it would take most of the time.
    response = curve_alone(cohort, "response")
    remission = curve_alone(cohort, "remission")
    chosen = cohort.settings.log_complete_to == LAST_ROW
    # The short answers come first; worsening stands beside response.
    page = [
        how_many_sessions(response),
        _as_logs_end(how_long_it_lasts(durability_alone(cohort)), cohort),
        _as_logs_end(how_long_from_response(durability_from_response(cohort)), cohort),
        _add_words(_ladder_of_curve(ladder(cohort), response), _log_end_words(cohort)),
        session_counts(cohort),
        response,
        response_by_week(cohort),
        worsening_by_week(cohort),
        worsening(cohort),
        suicidality_in_short(cohort),
        # Good news never stands without the harm beside it.
        adverse_events(cohort),
        remission,
        _add_words(
            state_after_course(cohort),
            _SCORED_ONLY if response.status == "ok" and not chosen else "",
        ),
    ]
    # Steps of a few people each would only say that they are hidden.
    if cohort.policy == "internal":
        page.append(responders(cohort))
    # Sessions and scores alone tell how people are among those who were scored.
    if response.status == "refused":
        page[:0] = [among_scored(cohort), scores_by_week(trajectories(cohort))]
    policy = cohort.policy
    return harm_beside_good(hide_page_differences(one_refusal_per_cause(page), policy))


def harm_beside_good(page: list[Result]) -> list[Result]:
    """The page whose first good figure says so where nobody may be told how many got worse.

    Parameters
    ----------
    page : list of Result
        Through the gate.
    """
    worse = [result for result in page if result.name in _WORSE]
    if not worse or not all(result.all_hidden for result in worse):
        return page
    return [
        _add_words(result, _WORSE_HIDDEN)
        if result.name in _GOOD and not result.all_hidden
        else result
        for result in page
    ]


def _as_logs_end(result: Result, cohort: DerivedCohort) -> Result:
    return replace(result, sentence=as_logs_end(result.sentence, cohort))


def one_refusal_per_cause(page: list[Result]) -> list[Result]:
    """The page with the first refusal of each cause; it names the later ones, which are left out.

    Parameters
    ----------
    page : list of Result
        Some of them refused.
    """
    kept = []
    causes: dict[str, list[str]] = {}
    for result in page:
        told = result.status == "refused" and result.reason in causes
        if not told:
            kept.append(result)
        if result.status == "refused":
            causes.setdefault(result.reason, []).append(result.name.replace("_", " "))
    return [_with_others(result, causes.get(result.reason, [])) for result in kept]


def _with_others(result: Result, refused: list[str]) -> Result:
    """A refusal that also says what else is not answered for its reason."""
    others = [
        _AS_TOPIC.get(name, name) for name in refused[1:] if name not in _SAID_IN_SHORT
    ]
    if not others:
        return result
    listed = " and ".join(filter(None, [", ".join(others[:-1]), others[-1]]))
    same = f"For the same reason there is no answer on {listed}."
    return replace(result, reason=f"{result.reason} {same}")


def _add_words(result: Result, words: str) -> Result:
    """The result with more words in its sentence; a refusal as it is."""
    if result.status != "ok":
        return result
    return replace(result, sentence=f"{result.sentence}{words}")


def _log_end_words(cohort: DerivedCohort) -> str:
    """Where logs are taken to end by the folder's own choice; nothing where that is recorded."""
    if cohort.settings.log_complete_to != LAST_ROW:
        return ""
    return (
        f" Where observed_to_day is missing, a log is taken to be complete to the {LAST_ROW}: this"
        " was chosen in the settings. Shares by session then leave out people who left without a"
        " later score, and are often too good."
    )


# ---- how many sessions


def how_many_sessions(response: Result) -> Result:
    """By which session half had responded, or that fewer than half did.

    Parameters
    ----------
    response : Result
        From `response_by_session`, through the gate.

    Returns
    -------
    Result
        The same table with a shorter sentence; a refusal as it is.
    """
    refused = response.status == "refused"
    chosen = response.made_from.get("log_complete_to") == LAST_ROW
    sentence = "" if refused else _sessions_sentence(response.table, chosen)
    return replace(
        response,
        name="how_many_sessions",
        table_of=response.name,
        sentence=sentence,
    )


def _sessions_sentence(table: pd.DataFrame, chosen: bool) -> str:
    """The median, the shares on the way, who left without a response, the null, and who counts
    where the folder chose the end of its logs.
    """
    table = told_steps(table)
    last = int(table["session"].iloc[-1])
    # A curve that ends early is told to its own last session.
    there = set(table["session"])
    named = sorted(
        {step for step in _NAMED_SESSIONS if step < last and step in there} | {last}
    )
    shares = ", ".join(
        f"{share_with_interval(f'row{session}')} by session {session}"
        for session in named
    )
    ends = _CHOSEN.format(last=last) if chosen else _DESCRIBES
    return (
        f"{_median_words(table.iloc[-1])}: {shares}.\nBy session {last},"
        f" {{row{last}.stopped:%}} had stopped without a response,"
        f" {{row{last}.not_scored:%}} were no longer scored, and {{row{last}.scored_later:%}} only"
        " later."
        f" {unscored_words(f'row{last}', 'responded').strip()}\n"
        f"{_confirmed_words(table).strip()}\n{_NO_EFFECT_SAID}\n{ends}"
    )


def _confirmed_words(table: pd.DataFrame) -> str:
    """The same share where a second score must confirm a response; empty where none is known."""
    session = told_session(table)
    if "confirmed" not in table or table["confirmed"].isna().all():
        return ""
    return (
        "When a second score must confirm a response,"
        f" {share_with_interval(f'row{session}', of='confirmed', ends='confirmed')} had responded"
        f" by session {session}. "
    )


def _median_words(end: pd.Series) -> str:
    """The first session by which half had responded, with its interval, from the last row."""
    session = f"{end['session']:.0f}"
    row = f"row{session}"
    if pd.isna(end["half_by"]):
        return (
            f"Fewer than half had responded by session {session}, the last session that can be"
            " shown"
        )
    low, high = (
        f"{{{row}.{name}}}" if pd.notna(end[name]) else "not reached"
        for name in ("half_by_low", "half_by_high")
    )
    return (
        f"Half of the people had responded by session {{{row}.half_by}} (95 % interval {low} to"
        f" {high})"
    )


# ---- scores by week


def scores_by_week(means: Result) -> Result:
    """The mean score before session 1 and some weeks later, each with its number of people.

    Parameters
    ----------
    means : Result
        From `trajectories`, through the gate.

    Returns
    -------
    Result
        The same table with a shorter sentence; a refusal as it is.
    """
    refused = means.status == "refused"
    sentence = "" if refused else _means_sentence(means.table)
    return replace(
        means, name="scores_by_week", sentence=sentence, estimand=_MEANS_ESTIMAND
    )


def _means_sentence(table: pd.DataFrame) -> str:
    """The weeks of the page that enough people were scored in."""
    shown = table[(table["axis"] == "week") & table["estimate"].notna()]
    later = [week for week in _SCORED_WEEKS if week in set(shown["at"])]
    if not later:
        return "In no week after session 1 were enough people scored for a mean."
    weeks = ", ".join(
        f"{value_with_interval(f'week_everybody_{week}')} in week {week}"
        f" ({{week_everybody_{week}.n}} people)"
        for week in later
    )
    return (
        "The mean score was {week_everybody_0.estimate} before session 1"
        f" ({{week_everybody_0.n}} people), then {weeks}. Each mean is of the people who were"
        " scored in that week: later ones are fewer and other people."
    )


# ---- who is counted


def _ladder_of_curve(steps: Result, response: Result) -> Result:
    """The ladder, and how the people of the curve fit it; under a release policy only how many
    started.
    """
    if get_policy(steps.policy).smallest_count > 1:
        return replace(steps, sentence=_NOT_TOLD)
    return _add_words(steps, people_of_curve(steps, response))


def people_of_curve(steps: Result, response: Result) -> str:
    """How the people behind the shares by session fit the ladder; nothing under a release policy,
    or where it was refused.

    Parameters
    ----------
    steps : Result
        From `ladder`.
    response : Result
        From `response_by_session`.
    """
    if response.status == "refused" or steps.policy != "internal":
        return ""
    n = int(response.table["n"].iloc[0])
    too_new = int(response.table["too_new"].iloc[0])
    # The ladder drops people never scored after session 1; the curve counts them.
    rungs = steps.table.set_index("key")
    analysable = int(rungs["left"]["analysable"])
    unscored = int(rungs["lost"]["no_follow_up"])
    if n == analysable:
        return ""
    everyone = n + too_new
    if everyone == analysable + unscored:
        who = f"the {analysable:,} analysable people and the {unscored:,} who were never scored"
    else:
        who = "everyone with a rated baseline and no session before the log, scored or not"
    waiting = f"; {too_new:,} do not have one yet" if too_new else ""
    return (
        f" The shares by session count {everyone:,} people: {who}. {n:,} of them have a log"
        f" that is complete for {COMPLETE_LOG_DAYS} days after session 1{waiting}."
    )
