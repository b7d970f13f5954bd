"""Counts of the futility sheet: who had improved how little after a session, what they did, whether
they responded later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import exit_rows, joined
from kettrack.analysis.response.exits import (
    CAUSES,
    first_course_exits,
    require_confirmation,
)
from kettrack.arrays import Bools, Floats
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    aalen_johansen,
    count_competing_risks,
    estimate_incidence,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets
from kettrack.vocabulary.limits import FEWEST_PEOPLE

# Sessions after which the sheet asks; clinics review patients there.
LANDMARKS: Final = (2, 3, 4, 6)
RULES: Final = ("confirmed", "single")
# "Soon" is within so many more sessions.
SOON_SESSIONS: Final = 2
# Improvement in percent below which people had hardly improved, as in Lipsitz 2021 and the
# early-stop study of 135 patients.
LITTLE_PERCENT: Final = 20
# The codes of the two groups in tables: below that improvement, and the others without a response.
LITTLE_GROUP: Final = "below_20"
SOME_GROUP: Final = "20_to_49"
_COLUMNS: Final = {
    "estimate": (("estimate", "ci_low", "ci_high"), ("soon", "soon_low", "soon_high")),
    "single": (
        ("single", "single_low", "single_high"),
        ("single_soon", "single_soon_low", "single_soon_high"),
    ),
}
# The people behind each share: without them nobody could tell which shares rest on a few.
EVENT_COUNTS: Final = {
    "estimate": "later_events",
    "soon": "soon_events",
    "single": "single_events",
    "single_soon": "single_soon_events",
}


@dataclass(frozen=True, slots=True)
class LandmarkCounts:
    """One group at one landmark; counts of several sites add up, the median day aside.

    Parameters
    ----------
    at_landmark : int
        People with so many sessions and a complete log, in any group.
    responded, unscored : int
        Of those: a score so far meets the response rule; no score within `late_after_days` after
        the session.
    in_group, stopped, completed, went_on : int
        The group, and what came after the session: no further one, the planned end or a pause,
        another session.
    later : mapping
        Rule to exits of those who went on, on the clock of sessions since the landmark.
    median_day : float
        Day of the landmark scores, in any group; missing without one.
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
    people = _people_at_risk(cohort)
    later = _later(cohort, people.index)
    scores = _scores_at_risk(cohort, people.index)
    return {
        (session, group): counts
        for session in LANDMARKS
        for group, counts in _landmark_counts(
            _Landmark(session, people, scores, cohort), later
        ).items()
    }


def _later(
    cohort: DerivedCohort,
    people: pd.Index,
) -> dict[str, pd.DataFrame]:
    """Exits of people at risk by the confirmed rule, and by a single score."""
    whose = {"confirmed": require_confirmation(cohort), "single": cohort}
    return {
        rule: first_course_exits(under)
        .set_index("patient_id")
        .loc[people, ["step", "cause"]]
        for rule, under in whose.items()
    }


def _went_on(
    landmark: _Landmark,
    chosen: Bools,
) -> pd.Index:
    """Who of a group had another session of the first course."""
    group = landmark.people[chosen]
    return group.index[group["length"] != landmark.session]


def _people_at_risk(cohort: DerivedCohort) -> pd.DataFrame:
    """Exit, length and known part of the first course of everyone at risk, by `patient_id`."""
    exits = first_course_exits(cohort).set_index("patient_id")
    people = exits.join(cohort.known_courses)
    return people[people["step"] > 0]


def _scores_at_risk(
    cohort: DerivedCohort,
    people: pd.Index,
) -> pd.DataFrame:
    """Known scores after session 1 of people at risk, with improvement in percent and whether the
    response rule is met.
    """
    line = cohort.timeline.dropna(subset=["score"])
    line = line[(line["sessions_to_date"] > 0) & line["patient_id"].isin(people)]
    values = {
        name: line[name].to_numpy(float)
        for name in ("score", "change", "percent_change")
    }
    improved = -cohort.instrument.sign * line["percent_change"]
    responds = meets(cohort.criteria.response, values)
    return line.assign(meets=responds, improved=improved)


def later_exits(
    cohort: DerivedCohort,
    session: int,
) -> pd.DataFrame:
    """How those left who had improved by less than `LITTLE_PERCENT` after a session and went on, by
    the confirmed rule.

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
    people = _people_at_risk(cohort)
    scores = _scores_at_risk(cohort, people.index)
    landmark = _Landmark(
        session,
        people,
        scores,
        cohort,
    )
    went_on = _went_on(landmark, landmark.of_group[LITTLE_GROUP])
    confirmed = _later(cohort, people.index)["confirmed"]
    return since(confirmed.loc[went_on], session)


class _Landmark:
    """People at a landmark and the groups they fall into; nothing after the landmark score decides
    who is in them.
    """

    def __init__(
        self,
        session: int,
        people: pd.DataFrame,
        scores: pd.DataFrame,
        cohort: DerivedCohort,
    ) -> None:
        self.session = session
        self.people = people[people["known"] >= session]
        ids = self.people.index
        since = scores["days_since_session"].astype("Float64").to_numpy(float)
        at_session = scores["sessions_to_date"] == session
        in_time = at_session & (since <= cohort.criteria.late_after_days)
        # Rows rise by day within a patient: the last one in time is the landmark score.
        self.scores = scores[in_time].groupby("patient_id").last().reindex(ids)
        so_far = scores["sessions_to_date"].le(session - 1) | in_time
        met = scores[so_far].groupby("patient_id")["meets"].any()
        self.responded = met.reindex(ids, fill_value=False).to_numpy(bool)
        improved = self.scores["improved"]
        self.unscored = improved.isna().to_numpy() & ~self.responded
        # A comparison with a missing improvement is False, so nobody unscored is in it.
        little = (improved < LITTLE_PERCENT).to_numpy()
        some = ~little & ~self.responded & ~self.unscored
        self.of_group = {LITTLE_GROUP: little & ~self.responded, SOME_GROUP: some}


def _landmark_counts(
    landmark: _Landmark, later: dict[str, pd.DataFrame]
) -> dict[str, LandmarkCounts]:
    """The counts of each group at one landmark."""
    return {
        group: _group_counts(landmark, chosen, later)
        for group, chosen in landmark.of_group.items()
    }


def _group_counts(
    landmark: _Landmark, chosen: Bools, later: dict[str, pd.DataFrame]
) -> LandmarkCounts:
    """The counts of one group: what it did after the landmark, and how those left who went on."""
    group = landmark.people[chosen]
    ends = group["length"] == landmark.session
    completed = ends & group["goes_on"]
    went_on = _went_on(landmark, chosen)
    # of everybody scored at the landmark, in any group
    day = landmark.scores["day"].dropna().astype("Float64")
    return LandmarkCounts(
        at_landmark=len(landmark.people),
        responded=int(landmark.responded.sum()),
        unscored=int(landmark.unscored.sum()),
        in_group=len(group),
        stopped=int((ends & ~completed).sum()),
        completed=int(completed.sum()),
        went_on=len(went_on),
        later={
            rule: _count(since(exits.loc[went_on], landmark.session))
            for rule, exits in later.items()
        },
        median_day=float(day.median()) if len(day) else float("nan"),
    )


def since(
    exits: pd.DataFrame,
    session: int,
) -> pd.DataFrame:
    """Exits on the clock of sessions since a landmark."""
    # Who left at the landmark or before gets 0: never at risk on this clock.
    step = (exits["step"] - session).clip(lower=0)
    return exits.assign(step=step.astype(np.int64))


def _count(exits: pd.DataFrame) -> ExitCounts:
    return count_competing_risks(
        exits["step"].to_numpy(np.int64),
        exits["cause"].to_numpy(np.int64),
        len(CAUSES),
    )


def person_rows(cohort: DerivedCohort) -> pd.DataFrame:
    """Exits of everyone who went on, for each landmark, group and rule."""
    return joined(
        [
            exit_rows(f"{key}_{rule}", exits, CAUSES)
            for key, by_rule in exits_after(cohort)
            for rule, exits in by_rule.items()
        ]
    )


def exits_after(
    cohort: DerivedCohort,
) -> Iterator[tuple[str, dict[str, pd.DataFrame]]]:
    """For each row of the sheet, its key and how those left who went on, by each of `RULES`.

    The exits are those of `later_exits`, by `patient_id`.
    """
    people = _people_at_risk(cohort)
    later = _later(cohort, people.index)
    scores = _scores_at_risk(cohort, people.index)
    for session in LANDMARKS:
        landmark = _Landmark(
            session,
            people,
            scores,
            cohort,
        )
        for group, chosen in landmark.of_group.items():
            went_on = _went_on(landmark, chosen)
            yield (
                f"after{session}_{group}",
                {
                    rule: since(exits.loc[went_on], session)
                    for rule, exits in later.items()
                },
            )


def shares_later(exits: pd.DataFrame) -> Floats:
    """Percent who respond by the end of the course, and within `SOON_SESSIONS` more sessions;
    missing where nobody can be followed.

    Parameters
    ----------
    exits : DataFrame
        As from `exits_after`.
    """
    counts = _count(exits)
    steps = len(counts.censored)
    if not steps:
        return np.full(2, np.nan)
    _, _, incidence = aalen_johansen(counts.events, counts.at_risk)
    told_at = [steps - 1, min(SOON_SESSIONS, steps) - 1]
    shares: Floats = 100 * incidence[told_at, 0]
    return shares


def estimate(counts: dict[tuple[int, str], LandmarkCounts]) -> pd.DataFrame:
    """The futility sheet; see `should_we_go_on` for the columns."""
    rows = []
    for key, found in counts.items():
        rows.append(_row(key, found))
    table = pd.DataFrame(rows)
    return table.astype(dict.fromkeys(EVENT_COUNTS.values(), "Int64"))


def _row(
    key: tuple[int, str],
    found: LandmarkCounts,
) -> dict[str, object]:
    """One group at one landmark, with the shares by both rules."""
    session, group = key
    n = n_followed(found)
    shown = n >= FEWEST_PEOPLE
    row: dict[str, object] = {
        "key": f"after{session}_{group}",
        "landmark": session,
        "group": group,
        "at_landmark": found.at_landmark,
        "responded": found.responded,
        "unscored": found.unscored,
        "in_group": found.in_group,
        "stopped": found.stopped,
        "completed": found.completed,
        "went_on": found.went_on,
        "n": n,
    }
    row |= _shares(found.later["confirmed"], "estimate", shown=shown)
    row |= _shares(found.later["single"], "single", shown=shown)
    row["median_day"] = found.median_day
    few = f"fewer than {FEWEST_PEOPLE} people went on and can be followed"
    return row | {"reason": "" if shown else few}


def n_followed(counts: LandmarkCounts) -> int:
    """People of the group who went on and can be followed."""
    return int(counts.later["confirmed"].at_risk.max(initial=0))


def _shares(
    counts: ExitCounts,
    word: str,
    shown: bool,
) -> dict[str, float]:
    """Percent who responded by the end of the course, and within `SOON_SESSIONS` more sessions,
    with intervals and the people behind them.
    """
    end, soon = _COLUMNS[word]
    steps = len(counts.censored)
    if not shown or not steps:
        counted = (EVENT_COUNTS[end[0]], EVENT_COUNTS[soon[0]])
        return dict.fromkeys((*end, *soon, *counted), np.nan)
    found = estimate_incidence(counts, LEVEL)
    values = (found.estimate, found.ci_low, found.ci_high)
    # The end of the course is the last step at which anybody left.
    at = {end: steps - 1, soon: min(SOON_SESSIONS, steps) - 1}
    responded = np.cumsum(counts.events[:, 0])
    people = {
        EVENT_COUNTS[names[0]]: float(responded[step]) for names, step in at.items()
    }
    shares = {
        name: 100 * float(value[step, 0])
        for names, step in at.items()
        for name, value in zip(names, values, strict=True)
    }
    return shares | people
