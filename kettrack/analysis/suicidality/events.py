"""Attempts, deaths and admissions per person-year: during the first course, and after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, log_end_days, require_log_end
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.suicidality.no_log_end import events_without_end, no_end_words
from kettrack.analysis.suicidality.people import no_placebo
from kettrack.analysis.suicidality.recorded import (
    IN_SHORT,
    WORDS,
    followed,
    recorded_harms,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.exact import poisson_rate
from kettrack.privacy.policies import get_policy
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import DEATHS
from kettrack.vocabulary.days import DAYS_IN_YEAR
from kettrack.vocabulary.made_of import Kept, Rate
from kettrack.vocabulary.plain_words import value_with_interval

# Rates are told per so many person-years.
PER_YEARS: Final = 100
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "what": "label",
    "phase": "label",
    "n": "denominator",
    "people": "count",
    "events": "count",
    "person_years": "derived",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
WHOLE: Final = "all the time since session 1"
DURING: Final = "first course"
AFTER: Final = "after the first course"
BEFORE: Final = "before session 1"


@dataclass(frozen=True, slots=True)
class _Phase:
    """A stretch of each patient's days: from the first of them, and before the second."""

    key: str
    words: str
    begins: Floats
    ends: Floats


@question(
    "attempts_and_admissions",
    recipes=(
        Rate(value="estimate", events="events", ends=("ci_low", "ci_high")),
        Kept(values=("person_years",), of="n"),
    ),
    asks="How often were suicide attempts, deaths and admissions to hospital recorded?",
    unit=f"events per {PER_YEARS} person-years",
    estimand=(
        f"Recorded events per {PER_YEARS} person-years, from session 1 to the end of each log,"
        " during the first course and after it."
    ),
    roles=_ROLES,
    decimals={"estimate": 2, "ci_low": 2, "ci_high": 2, "person_years": 1},
    show=tuple(name for name in _ROLES if name != "key"),
)
def attempts_and_admissions(cohort: DerivedCohort) -> Answer:
    """Events per person-year with exact Poisson intervals; without any event, the upper end of what
    could have been missed.

    Returns
    -------
    Result
        Per event (`attempt` `suicide` `death` `psychiatric` `admission`) and phase: `n` people with
        days in the phase, `people` with an event, `events`, `person_years`, and the rate per
        `PER_YEARS`. Events before session 1 have no rate: nobody knows from which day on the log
        tells them. Neither have those of people whose log has no end. Refused without an events
        table, or where no log says to which day it is complete.
    """
    require_events(cohort)
    people = followed(cohort)
    phases = list(_phases(cohort, people))
    events = recorded_harms(cohort, people)
    rows = [*_rows(events, phases), *events_without_end(cohort)]
    table = pd.DataFrame(rows, columns=list(_ROLES))
    if cohort.policy != "internal":
        # Phases that add up to the whole, and other admissions, would give a small number away.
        whole = table["phase"] == WHOLE
        table = table[whole & (table["key"] != "admission")]
        table = table.reset_index(drop=True)
    return Answer(
        table=table,
        sentence=f"{_sentence(table)} {no_end_words(cohort)}".rstrip(),
        caveats=_caveats(cohort, people),
        level=LEVEL,
        people=int(people.sum()),
        rows=partial(_person_rows, events, phases[0], cohort),
    )


def require_events(
    cohort: DerivedCohort,
) -> None:
    """Refuse where the log cannot tell none from not recorded.

    Raises
    ------
    NotIdentified
        Without any event, or where no log says to which day it is complete.
    """
    if cohort.events.empty:
        raise NotIdentified(
            "the log holds no events at all, so it cannot tell none from not recorded.",
            "events.csv, with suicide attempts, admissions and deaths of everyone.",
        )
    require_log_end(cohort)


def whole_time(
    cohort: DerivedCohort,
) -> dict[str, dict[str, object]]:
    """Attempts, psychiatric admissions and, where there are any, deaths in all the time since
    session 1: kind -> its row.
    """
    whole, events = _told_in_short(cohort)
    return {key: _row(key, rows, whole) for key, rows in events.items()}


def whole_time_rows(
    cohort: DerivedCohort,
) -> pd.DataFrame:
    """The rows of single patients behind `whole_time`."""
    whole, events = _told_in_short(cohort)
    return _person_rows(events, whole, cohort)


def _told_in_short(
    cohort: DerivedCohort,
) -> tuple[_Phase, dict[str, pd.DataFrame]]:
    people = followed(cohort)
    whole = next(_phases(cohort, people))
    events = recorded_harms(cohort, people)
    # most clinics have no deaths, and need no rows that say so
    return whole, {
        key: events[key]
        for key in IN_SHORT
        if key not in DEATHS or _row(key, events[key], whole)["events"]
    }


def _phases(
    cohort: DerivedCohort,
    people: Bools,
) -> Iterator[_Phase]:
    """The whole time since session 1, and its two parts."""
    end = log_end_days(cohort)
    course = cohort.first_courses["end_day"].to_numpy(np.float64)
    # A phase holds whole days: the day of the last session is the last of the course.
    ends = np.where(people, end + 1, 0.0)
    course_ends = np.minimum(course + 1, ends)
    zero = np.zeros(len(ends))
    yield _Phase("", WHOLE, zero, ends)
    yield _Phase("_during", DURING, zero, course_ends)
    yield _Phase("_after", AFTER, course_ends, ends)


def _rows(
    events: dict[str, pd.DataFrame],
    phases: list[_Phase],
) -> Iterator[dict[str, object]]:
    for key, rows in events.items():
        for phase in phases:
            yield _row(key, rows, phase)
        # How long a log reaches back is not recorded, so there is no time to divide by.
        before = rows[rows["day"] < 0]
        if len(before):
            yield {
                "key": f"{key}_before",
                "what": WORDS[key],
                "phase": BEFORE,
                "people": before["who"].nunique(),
                "events": len(before),
            }


def _row(
    key: str,
    rows: pd.DataFrame,
    phase: _Phase,
) -> dict[str, object]:
    """Events of one kind in one phase, per person-year."""
    # Each event is held against the days of its own patient.
    begins = phase.begins[rows["who"]]
    ends = phase.ends[rows["who"]]
    inside = rows[(rows["day"] >= begins) & (rows["day"] < ends)]
    days = np.maximum(phase.ends - phase.begins, 0)
    # A whole day at risk is the part of a year that it is.
    years = float(days.sum()) / DAYS_IN_YEAR
    rate = poisson_rate(len(inside), years / PER_YEARS, LEVEL)
    return {
        "key": f"{key}{phase.key}",
        "what": WORDS[key],
        "phase": phase.words,
        "n": int((days > 0).sum()),
        "people": inside["who"].nunique(),
        "events": len(inside),
        "person_years": years,
        **rate._asdict(),
    }


def _person_rows(
    events: dict[str, pd.DataFrame],
    whole: _Phase,
    cohort: DerivedCohort,
) -> pd.DataFrame:
    """One row per event since session 1, and one per person for the whole time in the log."""
    everyone = pd.Index(cohort.patients["patient_id"])
    at_risk = np.flatnonzero(whole.ends > 0)
    ends = pd.DataFrame({"who": at_risk, "day": whole.ends[at_risk]})
    parts = []
    for key, rows in events.items():
        inside = (rows["day"] >= 0) & (rows["day"] < whole.ends[rows["who"]])
        parts += [
            rows[inside].assign(curve=key, status=True, cause=key),
            ends.assign(curve=key, status=False, cause="log_ends"),
        ]
    # Kinds of events stand one below the other, each with everybody's time.
    both = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(
        {
            "curve": both["curve"],
            "patient_id": everyone[both["who"]],
            "start": 0.0,
            "time": both["day"],
            "status": both["status"],
            "cause": both["cause"],
            "weight": 1.0,
        }
    )


def _sentence(
    table: pd.DataFrame,
) -> str:
    """Attempts and suicides, then admissions; without any event, what could have been missed."""
    # Zero is the number that is most easily read as safe, so it gets its upper end.
    counts = table.set_index("key")["events"]
    attempts = (
        "no suicide attempt was recorded; at the upper end of the interval there are"
        f" {{attempt.ci_high}} per {PER_YEARS} person-years"
        if not counts["attempt"]
        else "{attempt.events} suicide attempts were recorded,"
        f" {value_with_interval('attempt')} per {PER_YEARS} person-years"
    )
    words = (
        f"In {{attempt.person_years}} person-years of {{attempt.n}} people, {attempts}."
    )
    if counts["suicide"]:
        words += " {suicide.events} people died by suicide."
    if counts["death"]:
        words += " {death.events} people died of another or unknown cause."
    if not counts["psychiatric"]:
        return (
            f"{words} No psychiatric admission was recorded (at most {{psychiatric.ci_high}} per"
            f" {PER_YEARS} person-years)."
        )
    return (
        f"{words} {{psychiatric.events}} psychiatric admissions were recorded, of"
        f" {{psychiatric.people}} people: {value_with_interval('psychiatric')} per"
        f" {PER_YEARS} person-years."
    )


def _after_death(
    cohort: DerivedCohort,
    people: Bools,
) -> tuple[str, ...]:
    """That rows lie after a death; the log of anybody else goes on to its last row."""
    ends = np.where(people, log_end_days(cohort), np.inf)
    everyone = pd.Index(cohort.patients["patient_id"])
    who = everyone.get_indexer(pd.Index(cohort.events["patient_id"]))
    beyond = int((cohort.events["day"].to_numpy(np.float64) > ends[who]).sum())
    if not beyond:
        return ()
    # under a policy for release a count of few would tell of single people
    hidden = get_policy(cohort.policy).for_release
    rows = "some rows" if hidden else f"{beyond} rows"
    return (f"Not counted: {rows} of events after a death.",)


def _caveats(
    cohort: DerivedCohort,
    people: Bools,
) -> tuple[str, ...]:
    unknown = int((no_placebo(cohort) & ~people).sum())
    left_out = (
        f" Not counted: {unknown} people whose log does not say to which day it is complete."
        if unknown
        else ""
    )
    return (
        *_after_death(cohort, people),
        "Recorded in this log. An attempt or an admission elsewhere may not have come to the"
        " clinic, so that the true rates can be higher; and more so after the first course, when"
        " people are seen less.",
        f"Brackets hold exact {100 * LEVEL:g} % Poisson intervals. They take events as independent"
        " of each other; where one person has several, they are too narrow: see how many people"
        f" the events are of.{left_out}",
        "The phases hold different people at different times. During the first course people are"
        " at their worst, so that a lower rate afterwards is no effect of the course.",
    )
