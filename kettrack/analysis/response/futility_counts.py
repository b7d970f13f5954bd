"""Counts of the futility sheet: who had improved how little after a session, what they did, whether
they responded later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, LEVEL
from kettrack.analysis.response.exits import (
    CAUSES,
    by_confirmed,
    first_course_exits,
)
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    count_competing_risks,
    estimate_incidence,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets

LANDMARKS: Final = (2, 3, 4, 6)
GROUPS: Final = ("below_20", "20_to_49")
RULES: Final = ("confirmed", "single")
SOON: Final = 2  # sessions
_LITTLE: Final = 20.0  # percent
_NAMES: Final = {
    "estimate": (("estimate", "ci_low", "ci_high"), ("soon", "soon_low", "soon_high")),
    "single": (
        ("single", "single_low", "single_high"),
        ("single_soon", "single_soon_low", "single_soon_high"),
    ),
}


@dataclass(frozen=True, slots=True)
class LandmarkCounts:
    """One group at one landmark; counts of several sites add up, the median day aside.

    Parameters
    ----------
    at_landmark : int
        People with so many sessions and a complete log, in any group.
    responded, unscored : int
        Of those: a score so far meets the response rule; no score within 14 days after the session.
    in_group, stopped, completed, went_on : int
        The group, and what came after the session: no further one, the planned end or a pause,
        another session.
    later : mapping
        Rule to exits of those who went on, on the clock of sessions since the landmark.
    median_day : float
        Day of the landmark score; missing without one.
    """

    at_landmark: int
    responded: int
    unscored: int
    in_group: int
    stopped: int
    completed: int
    went_on: int
    later: dict[str, ExitCounts]
    median_day: float


def count(cohort: DerivedCohort) -> dict[tuple[int, str], LandmarkCounts]:
    """Counts for each landmark and group.

    Raises
    ------
    NotIdentified
        As `first_course_exits`.
    """
    exits = {
        "single": first_course_exits(cohort),
        "confirmed": first_course_exits(by_confirmed(cohort)),
    }
    people = exits["single"].set_index("patient_id").join(cohort.known_courses)
    people = people[people["step"] > 0]
    later = {
        rule: exits[rule].set_index("patient_id").loc[people.index, ["step", "cause"]]
        for rule in RULES
    }
    line = _line(cohort, people.index)
    return {
        (session, group): counted
        for session in LANDMARKS
        for group, counted in _at(session, people, later, line, cohort).items()
    }


def _line(cohort: DerivedCohort, people: pd.Index) -> pd.DataFrame:
    """Known scores after session 1 of people at risk, with improvement in percent and whether the
    response rule is met.
    """
    line = cohort.timeline.dropna(subset=["score"])
    line = line[(line["sessions_to_date"] > 0) & line["patient_id"].isin(people)]
    measures = {
        name: line[name].to_numpy(float)
        for name in ("score", "change", "percent_change")
    }
    improved = -cohort.instrument.sign * line["percent_change"]
    return line.assign(
        meets=meets(cohort.criteria.response, measures), improved=improved
    )


def later_exits(cohort: DerivedCohort, session: int) -> pd.DataFrame:
    """How those left who had improved less than 20 % after a session and went on, by the confirmed
    rule.

    Returns
    -------
    DataFrame
        By `patient_id`: `step` (sessions since the landmark; 0 = never at risk) `cause` (as
        `first_course_exits`).

    Raises
    ------
    NotIdentified
        As `first_course_exits`.
    """
    people = (
        first_course_exits(cohort).set_index("patient_id").join(cohort.known_courses)
    )
    people = people[people["step"] > 0]
    landmark = _Landmark(session, people, _line(cohort, people.index), cohort)
    group = landmark.here[landmark.of_group["below_20"]]
    rows = (
        first_course_exits(by_confirmed(cohort))
        .set_index("patient_id")
        .loc[group.index[group["length"] != session]]
    )
    return rows.assign(step=(rows["step"] - session).clip(lower=0))[["step", "cause"]]


class _Landmark:
    """People at a landmark and the groups they fall into; nothing after the landmark score decides
    who is in them.
    """

    def __init__(
        self,
        session: int,
        people: pd.DataFrame,
        line: pd.DataFrame,
        cohort: DerivedCohort,
    ) -> None:
        self.here = people[people["known"] >= session]
        since = line["days_since_session"].astype("Float64").to_numpy(float)
        in_time = (line["sessions_to_date"] == session) & (
            since <= cohort.criteria.late_after_days
        )
        self.scores = (
            line[in_time].groupby("patient_id").last().reindex(self.here.index)
        )
        met = (
            line[line["sessions_to_date"].le(session - 1) | in_time]
            .groupby("patient_id")["meets"]
            .any()
        )
        self.responded = met.reindex(self.here.index, fill_value=False).to_numpy(bool)
        self.unscored = self.scores["improved"].isna().to_numpy() & ~self.responded
        little = (self.scores["improved"] < _LITTLE).to_numpy()
        some = ~little & ~self.responded & ~self.unscored
        self.of_group = {"below_20": little & ~self.responded, "20_to_49": some}


def _at(
    session: int,
    people: pd.DataFrame,
    later: dict[str, pd.DataFrame],
    line: pd.DataFrame,
    cohort: DerivedCohort,
) -> dict[str, LandmarkCounts]:
    """The groups at one landmark."""
    at = _Landmark(session, people, line, cohort)
    sizes = (len(at.here), int(at.responded.sum()), int(at.unscored.sum()))
    return {
        group: _counted(at.here[chosen], session, later, sizes, at.scores["day"])
        for group, chosen in at.of_group.items()
    }


def _counted(
    group: pd.DataFrame,
    session: int,
    later: dict[str, pd.DataFrame],
    sizes: tuple[int, int, int],
    days: pd.Series,
) -> LandmarkCounts:
    ends = group["length"] == session
    over = ends & group["goes_on"]
    on = group.index[~ends]
    counts = {}
    for rule, exits in later.items():
        rows = exits.loc[on]
        step = (rows["step"] - session).clip(lower=0).to_numpy(np.int64)
        counts[rule] = count_competing_risks(
            step, rows["cause"].to_numpy(np.int64), len(CAUSES)
        )
    day = days.dropna().astype("Float64")
    return LandmarkCounts(
        *sizes,
        in_group=len(group),
        stopped=int((ends & ~over).sum()),
        completed=int(over.sum()),
        went_on=len(on),
        later=counts,
        median_day=float(day.median()) if len(day) else float("nan"),
    )


def estimate(
    counts: dict[tuple[int, str], LandmarkCounts],
    null: dict[tuple[int, str], LandmarkCounts] | None,
) -> pd.DataFrame:
    """The futility sheet; see `should_we_go_on` for the columns."""
    rows = [
        _row(key, found, None if null is None else null[key])
        for key, found in counts.items()
    ]
    return pd.DataFrame(rows)


def _row(
    key: tuple[int, str], found: LandmarkCounts, null: LandmarkCounts | None
) -> dict[str, object]:
    session, group = key
    n = int(found.later["confirmed"].at_risk.max(initial=0))
    row: dict[str, object] = {
        "key": f"after{session}_{group}",
        "landmark": session,
        "group": group,
    }
    names = (
        "at_landmark",
        "responded",
        "unscored",
        "in_group",
        "stopped",
        "completed",
        "went_on",
    )
    row |= {name: getattr(found, name) for name in names} | {"n": n}
    for rule, word in (("confirmed", "estimate"), ("single", "single")):
        row |= _reached(found.later[rule], word, shown=n >= FEWEST)
        nothing = (
            {"null": np.nan, "soon_null": np.nan}
            if null is None
            else _null(null.later[rule])
        )
        prefix = "" if rule == "confirmed" else "single_"
        row |= {f"{prefix}{name}": value for name, value in nothing.items()}
    reason = (
        "" if n >= FEWEST else f"fewer than {FEWEST} people went on and can be followed"
    )
    return row | {"median_day": found.median_day, "reason": reason}


def _reached(counts: ExitCounts, word: str, shown: bool) -> dict[str, float]:
    """Percent who responded by the end of the course, and within two more sessions, with
    intervals.
    """
    end, soon = _NAMES[word]
    if not shown or not len(counts.censored):
        return dict.fromkeys((*end, *soon), np.nan)
    found = estimate_incidence(counts, LEVEL)
    steps = (
        (end, len(counts.censored) - 1),
        (soon, min(SOON, len(counts.censored)) - 1),
    )
    return {
        name: 100 * float(values[step, 0])
        for names, step in steps
        for name, values in zip(
            names, (found.estimate, found.ci_low, found.ci_high), strict=True
        )
    }


def _null(counts: ExitCounts) -> dict[str, float]:
    found = _reached(
        counts, "estimate", shown=int(counts.at_risk.max(initial=0)) >= FEWEST
    )
    return {"null": found["estimate"], "soon_null": found["soon"]}
