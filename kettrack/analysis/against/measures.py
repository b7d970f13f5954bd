"""What is set side by side: the five answers of the first page, each at a time that both sides can
be seen at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.against.case_mix import case_mix
from kettrack.analysis.association.fixed_week import WEEK
from kettrack.analysis.context import (
    LEVEL,
    require_log_end,
    require_scored_later,
)
from kettrack.analysis.courses.by_week import (
    WEEK_CAUSES,
    count_days,
    event_days,
    exits_from,
    last_session_day,
    table_by_week,
    week_exits,
)
from kettrack.analysis.courses.worsening import has_baseline, worsening_rule
from kettrack.analysis.durability.counts import count_exits, days_shown, watch
from kettrack.analysis.durability.counts import exits as durability_exits
from kettrack.analysis.durability.words import DAYS_SAID
from kettrack.analysis.next_session.answer import next_session_alone
from kettrack.analysis.response.curve_words import told_session
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.response.response_curve import (
    count_course_exits,
    require_starters,
)
from kettrack.analysis.response.response_curve import estimate as curve_of
from kettrack.analysis.safety.sessions import safety_sessions
from kettrack.analysis.safety.shares import share_row
from kettrack.analysis.suicidality.events import require_events, whole_time
from kettrack.analysis.suicidality.people import Asked, main_scale, no_placebo
from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.difference import Ends
from kettrack.estimators.intervals import wilson
from kettrack.estimators.moments import moments_of
from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
    pseudo_values,
)
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.safety import ANY_EVENT, PHASES, SERIOUS

OF_PEOPLE: Final = "% of people"
OF_SESSIONS: Final = "% of sessions"
PER_YEARS: Final = "per 100 person-years"
POINTS: Final = "points"
_NOT_SCORED: Final = CAUSES.index("not_scored") + 1
_PERCENT: Final = 100.0


@dataclass(frozen=True, slots=True)
class SideFigure:
    """One figure of one side.

    Parameters
    ----------
    n : int
        People behind it.
    ends : Ends
        The figure with its interval, in the unit of the measure.
    events, sessions : int, optional
        People or sessions with the event, and sessions looked at, where it is counted so.
    persons : DataFrame, optional
        What each person adds above and below the line (`part`, `whole`), by `patient_id`; none
        where the figure cannot be standardised.
    """

    n: int
    ends: Ends
    events: int | None = None
    sessions: int | None = None
    persons: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMeasure:
    """One thing that is compared.

    Parameters
    ----------
    key, answer, about, unit : str
        Short name; which of the five answers it belongs to; what it is, with `{}` for the words of
        its time; and its unit.
    figure : callable
        A cohort and a time to the figure of that side; refuses as the answer itself does.
    latest : callable
        The latest time, up to the usual one, at which a cohort can be seen; 0 where there is none.
    time : str
        Words of the time, with `{}` for its number; nothing is said of it where there is none.
    shown_per : int
        How many steps of the time make one of those that `time` names.
    """

    key: str
    answer: str
    about: str
    unit: str
    figure: Callable[[DerivedCohort, int], SideFigure]
    latest: Callable[[DerivedCohort], int] = lambda cohort: 0
    time: str = ""
    shown_per: int = 1


# ---- by session


def _told_session(cohort: DerivedCohort) -> int:
    counts = count_course_exits(first_course_exits(cohort))
    require_starters(counts)
    require_scored_later(cohort, cohort.rated)
    return told_session(curve_of(counts))


def _by_session(
    cohort: DerivedCohort,
    session: int,
    cause: int,
) -> SideFigure:
    """Share of everyone who started that left the first course by one cause."""
    exits = first_course_exits(cohort).set_index("patient_id")
    return _incidence(exits, len(CAUSES), cause, session)


def _incidence(
    exits: pd.DataFrame,
    n_causes: int,
    cause: int,
    step: int,
) -> SideFigure:
    """Share to whom one cause came first by a step, and what each person adds to it."""
    there = exits[exits["step"] > 0]
    steps = there["step"].to_numpy(np.int64)
    causes = _with_first(there["cause"].to_numpy(np.int64), cause)
    counts = count_competing_risks(steps, causes, n_causes)
    curve = estimate_incidence(counts, LEVEL)
    # Where everybody has left, the curve goes on as it is.
    row = min(step, len(curve.free)) - 1
    part = pseudo_values(steps, causes, n_causes, step)[0]
    return SideFigure(
        n=len(there),
        ends=Ends.of(
            _PERCENT * curve.estimate[row, 0],
            _PERCENT * curve.ci_low[row, 0],
            _PERCENT * curve.ci_high[row, 0],
        ),
        events=int(counts.events[: row + 1, 0].sum()),
        persons=_persons(there.index, part),
    )


def _with_first(causes: Ints, cause: int) -> Ints:
    """Causes with one of them in the first place, which is the one that is looked at."""
    changed = causes.copy()
    changed[causes == cause] = 1
    changed[causes == 1] = cause
    return changed


def _persons(
    people: pd.Index,
    part: Floats,
    whole: Floats | None = None,
) -> pd.DataFrame:
    whole = np.ones(len(part)) if whole is None else whole
    return pd.DataFrame({"part": part, "whole": whole}, index=people)


# ---- by week


def _week_shown(
    cohort: DerivedCohort, exits_of: Callable[[DerivedCohort], pd.DataFrame]
) -> int:
    return min(WEEK, len(table_by_week(count_days(exits_of(cohort)))))


def _by_week(
    cohort: DerivedCohort, week: int, exits_of: Callable[[DerivedCohort], pd.DataFrame]
) -> SideFigure:
    exits = exits_of(cohort).set_index("patient_id")
    # Day 0 is the first step.
    return _incidence(exits, len(WEEK_CAUSES), 1, DAYS_IN_WEEK * week + 1)


def _worse(cohort: DerivedCohort) -> pd.DataFrame:
    """The first worse score by day, for as long as somebody scores."""
    rule = worsening_rule(cohort)
    require_log_end(cohort)
    people = has_baseline(cohort)
    require_scored_later(cohort, people)
    days = event_days(cohort, rule, people)
    return week_exits(cohort, days, people, "last score")


def _thoughts(cohort: DerivedCohort) -> pd.DataFrame:
    """The first answer on suicide above the one before session 1, by day."""
    require_log_end(cohort)
    asked = main_scale(cohort)
    people = np.asarray(asked.asked_before & no_placebo(cohort), bool)
    return exits_from(
        cohort,
        _grown_days(asked),
        people,
        "last score",
        asked.last_day,
        asked.last_day > last_session_day(cohort),
    )


def _grown_days(asked: Asked) -> Floats:
    before = asked.before[asked.rows["who"]]
    grown = asked.rows[asked.rows["value"].to_numpy(float) > before]
    first = grown.groupby("who")["day"].first()
    days = first.reindex(range(len(asked.before)))
    return np.asarray(days.fillna(np.inf), np.float64)


# ---- how long it lasted


def _told_day(cohort: DerivedCohort) -> int:
    """Last day told on the first page that the curve reaches."""
    last = int(days_shown(_lasting_exits(cohort), "composite")[-1])
    told = [day for day in DAYS_SAID if day <= last]
    if not told:
        raise NotIdentified(
            f"too few responders are followed for {DAYS_SAID[0] // DAYS_IN_WEEK} weeks after the"
            " first course.",
            "scores after the first course, for everyone.",
        )
    return told[-1]


def _lasting_exits(cohort: DerivedCohort) -> pd.DataFrame:
    """When a response was lost, or another session came, since the end of the planned course."""
    watched = cohort.once(
        ("watched", "end_of_course"), lambda: watch(cohort, "end_of_course")
    )
    left = durability_exits(watched[0], "composite")
    if len(left) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people are known to have responded at the end of the"
            " planned course.",
            "a score after the planned course and before any further session, for everyone.",
        )
    return left


def _lasting(cohort: DerivedCohort, day: int) -> SideFigure:
    """Share still responding without another session."""
    left = _lasting_exits(cohort)
    curve = estimate_survival(count_exits(left, "composite"), LEVEL)
    # Where everybody has left, the curve goes on as it is.
    row = min(day, len(curve.estimate) - 1)
    over = np.where(left["cause"] > 0, np.int64(1), np.int64(0))
    ended = pseudo_values(left["time"].to_numpy(np.int64) + 1, over, 1, day + 1)[0]
    return SideFigure(
        n=len(left),
        ends=Ends.of(
            _PERCENT * curve.estimate[row],
            _PERCENT * curve.ci_low[row],
            _PERCENT * curve.ci_high[row],
        ),
        persons=_persons(left.index, 1 - ended),
    )


# ---- sessions and events


def _noted(
    cohort: DerivedCohort,
    _: int,
    flag: str,
) -> SideFigure:
    """Sessions of the first phase with something noted."""
    found = safety_sessions(cohort)
    inside = _first_phase(found.number)
    row = share_row(found, flag, inside)
    if not row["sessions"]:
        raise NotIdentified(
            f"it is not recorded at any of {PHASES[0].words}.",
            "adverse_events, and serious, for each session.",
        )
    events, sessions = found.by_person(found.flags[flag], inside)
    there = sessions > 0
    return SideFigure(
        n=row["n"],
        ends=Ends.of(row["estimate"], row["ci_low"], row["ci_high"]),
        events=row["events"],
        sessions=row["sessions"],
        persons=_persons(found.people[there], events[there], sessions[there]),
    )


def _first_phase(number: Floats) -> Bools:
    """Sessions that both sides have had: one that goes on for longer has later ones too."""
    phase = PHASES[0]
    return np.asarray((number >= phase.first) & (number <= phase.last), bool)


def _happened(
    cohort: DerivedCohort,
    _: int,
    kind: str,
) -> SideFigure:
    require_events(cohort)
    row = whole_time(cohort)[kind]
    ends = [float(str(row[name])) for name in ("estimate", "ci_low", "ci_high")]
    return SideFigure(
        n=int(str(row["n"])),
        ends=Ends.of(*ends),
        events=int(str(row["events"])),
    )


# ---- who they are


def _rated(cohort: DerivedCohort, _: int) -> SideFigure:
    """Of all who started, those whose change can be rated at all; however short their log is."""
    rated = int(cohort.rated.sum())
    started = len(cohort.patients)
    return SideFigure(
        n=started,
        ends=Ends.of(*wilson(rated, started, LEVEL)),
        events=rated,
    )


def _mean_of(
    cohort: DerivedCohort,
    _: int,
    name: str,
) -> SideFigure:
    """Mean of something that is known when people start."""
    known = case_mix(cohort)[name].dropna().to_numpy(float)
    if len(known) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"{name.replace('_', ' ')} is known of fewer than {FEWEST_PEOPLE} people.",
            f"{name} of each patient.",
        )
    sums = moments_of(known)
    return SideFigure(n=sums.n, ends=Ends.of(sums.mean, *sums.interval(LEVEL)))


# ---- one more session


def _one_more(cohort: DerivedCohort, _: int) -> SideFigure:
    row = next_session_alone(cohort)
    return SideFigure(
        n=int(row["n"]), ends=Ends.of(row["estimate"], row["ci_low"], row["ci_high"])
    )


MEASURES: Final = (
    ComparedMeasure(
        key="severity",
        answer="case mix",
        about="mean score before session 1",
        unit=POINTS,
        figure=partial(_mean_of, name="baseline"),
    ),
    ComparedMeasure(
        key="failed",
        answer="case mix",
        about="antidepressants that had failed before, mean",
        unit="treatments",
        figure=partial(_mean_of, name="failed_antidepressants"),
    ),
    ComparedMeasure(
        key="responded",
        answer="response",
        about="had responded{}",
        time=" by session {}",
        unit=OF_PEOPLE,
        figure=partial(_by_session, cause=1),
        latest=_told_session,
    ),
    ComparedMeasure(
        key="lasting",
        answer="lasting",
        about="still responding{} after the first course, without another session",
        time=" {} weeks",
        unit=OF_PEOPLE,
        shown_per=DAYS_IN_WEEK,
        figure=_lasting,
        latest=_told_day,
    ),
    ComparedMeasure(
        key="worse",
        answer="harm",
        about="worse than before treatment at some score{}",
        time=" by week {}",
        unit=OF_PEOPLE,
        figure=partial(_by_week, exits_of=_worse),
        latest=partial(_week_shown, exits_of=_worse),
    ),
    ComparedMeasure(
        key="side_effect",
        answer="harm",
        about=f"{PHASES[0].words} with a side effect",
        unit=OF_SESSIONS,
        figure=partial(_noted, flag=ANY_EVENT),
    ),
    ComparedMeasure(
        key="serious",
        answer="harm",
        about=f"{PHASES[0].words} with a serious side effect",
        unit=OF_SESSIONS,
        figure=partial(_noted, flag=SERIOUS),
    ),
    ComparedMeasure(
        key="thoughts",
        answer="harm",
        about="thoughts of suicide grew at some answer{}",
        time=" by week {}",
        unit=OF_PEOPLE,
        figure=partial(_by_week, exits_of=_thoughts),
        latest=partial(_week_shown, exits_of=_thoughts),
    ),
    ComparedMeasure(
        key="attempt",
        answer="harm",
        about="suicide attempts recorded",
        unit=PER_YEARS,
        figure=partial(_happened, kind="attempt"),
    ),
    ComparedMeasure(
        key="admission",
        answer="harm",
        about="psychiatric admissions recorded",
        unit=PER_YEARS,
        figure=partial(_happened, kind="psychiatric"),
    ),
    ComparedMeasure(
        key="rated",
        answer="counted",
        about="with a baseline that can be rated, of all who started",
        unit=OF_PEOPLE,
        figure=_rated,
    ),
    ComparedMeasure(
        key="not_known",
        answer="counted",
        about="no longer scored{}",
        time=" by session {}",
        unit=OF_PEOPLE,
        figure=partial(_by_session, cause=_NOT_SCORED),
        latest=_told_session,
    ),
    ComparedMeasure(
        key="one_more",
        answer="more_sessions",
        about="one more session, or none: difference in the score",
        unit=POINTS,
        figure=_one_more,
    ),
)
