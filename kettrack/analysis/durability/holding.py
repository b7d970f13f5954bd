"""Maintenance: how far apart sessions were, and over which intervals a response was still there at
the next session.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.maintenance import (
    HOLDING,
    HoldingRules,
    holding_intervals,
    maintenance_intervals,
)
from kettrack.vocabulary.days import MAINTENANCE_GAP_ENDS
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept, Share

# Rows of the table of gaps by session number.
_MOST_SESSIONS: Final = 24
# Upper edges in days, around the usual rhythms: twice a week, weekly, every 2 and 3 weeks, monthly,
# longer.
# Beside the usual bands: sessions closer than any maintenance, and two months or more.
EDGES: Final = (4, *MAINTENANCE_GAP_ENDS, 59)
# Not "5-10", which a spreadsheet takes for a date.
LENGTHS: Final = (
    "0 to 4",
    "5 to 10",
    "11 to 17",
    "18 to 24",
    "25 to 38",
    "39 to 59",
    "60+",
)
# Of each length, as a column of counts and as a row of the table.
LENGTH_KEYS: Final = {band: f"days_{band.replace(' ', '_')}" for band in LENGTHS}
RULES: Final = HoldingRules()
ABOUT: Final = {
    "between": "held up to one length, failed at a longer one",
    "at_least": "held at every length tried",
    "at_most": "held at no length tried",
    "contradictory": "contradictory: failed at one no longer than one that held",
    "not_estimable": (
        f"not estimable: fewer than {RULES.fewest_intervals} rated intervals"
    ),
}
_COLLECT: Final = (
    f"a score in the {RULES.score_days} days before each maintenance session."
)
_LENGTH_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "days": "label",
    "n": "denominator",
    "rated": "denominator",
    "estimate": "derived",
    "intervals": "count",
    "held": "count",
    "failed": "count",
    "not_well_at_start": "count",
    "not_known": "count",
}


@question(
    "maintenance_lengths",
    recipes=(Share(value="estimate", events="held", of="rated"),),
    asks="Over which maintenance intervals did a response hold?",
    unit="percent of rated intervals",
    estimand=(
        "Maintenance intervals that began with a response, by length: was the person still"
        " responding at the next session?"
    ),
    roles=_LENGTH_ROLES,
    show=(
        "days",
        "n",
        "intervals",
        "rated",
        "held",
        "failed",
        "estimate",
        "not_well_at_start",
        "not_known",
    ),
)
def maintenance_lengths(cohort: DerivedCohort) -> Answer:
    """Maintenance intervals by length: how many held, failed, did not begin well, or are not known.

    Returns
    -------
    Result
        One row per length: `people` with any, `intervals`, `held` and `failed` of `rated`,
        `estimate` (% held of rated; no interval, since one person gives many), `not_well_at_start`,
        `not_known`. Refused when no interval can be rated.
    """
    intervals = _rateable(cohort)
    return Answer(
        table=_by_length(intervals),
        rows=partial(_interval_rows, intervals),
        sentence=(
            "{all.n} people had {all.intervals} maintenance intervals. {all.rated} of these began"
            " with a response and were scored at their end: {all.held} held"
            " ({all.estimate:%}) and {all.failed} failed. {all.not_known} cannot be rated because"
            " a score is missing."
        ),
        caveats=_caveats(cohort),
    )


def _interval_rows(intervals: pd.DataFrame) -> pd.DataFrame:
    """One row per maintenance interval: `curve` by its length, `status` whether it held, missing
    where it is not rated.
    """
    result = intervals["result"].astype("object")
    # Neither held nor failed: a score is missing, or there was no response to lose.
    rated = result.isin(["held", "failed"])
    held = (result == "held").astype("boolean")
    keys = length_band(intervals["days"]).map(LENGTH_KEYS)
    return pd.DataFrame(
        {
            "curve": keys.astype("object"),
            "patient_id": intervals["patient_id"],
            "time": intervals["days"],
            "status": held.where(rated),
            "cause": result,
            "weight": 1.0,
        }
    )


def _rateable(cohort: DerivedCohort) -> pd.DataFrame:
    """Maintenance intervals, when at least one of them can be rated."""
    intervals = maintenance_intervals(cohort, RULES)
    if not intervals["result"].isin(["held", "failed"]).any():
        reason = (
            "no maintenance interval began with a response and was scored at its end."
        )
        raise NotIdentified(reason, _COLLECT)
    return intervals


def length_band(days: pd.Series) -> pd.Categorical:
    """Days as one of `LENGTHS`.

    Examples
    --------
    >>> list(length_band(pd.Series([4, 5, 60])))
    ['0 to 4', '5 to 10', '60+']
    """
    # Left side: an upper edge belongs to its band.
    codes = np.searchsorted(np.array(EDGES), days.to_numpy(np.int64), side="left")
    return pd.Categorical.from_codes(codes, list(LENGTHS), ordered=True)  # type: ignore[call-overload]


def _by_length(intervals: pd.DataFrame) -> pd.DataFrame:
    banded = intervals.assign(days=length_band(intervals["days"]))
    parts = [(band, banded[banded["days"] == band]) for band in LENGTHS]
    rows = [_counts(LENGTH_KEYS[band], band, part) for band, part in parts]
    return pd.DataFrame([*rows, _counts("all", "all", banded)])


def _counts(key: str, days: str, part: pd.DataFrame) -> dict[str, object]:
    counts = {
        name: int((part["result"] == name).sum())
        for name in ("held", "failed", "not_well_at_start", "not_known")
    }
    rated = counts["held"] + counts["failed"]
    share = 100 * counts["held"] / rated if rated else np.nan
    people = part["patient_id"].nunique()
    return (
        {"key": key, "days": days, "n": people, "intervals": len(part), "rated": rated}
        | counts
        | {"estimate": share}
    )


@question(
    "holding_interval",
    recipes=(
        Share(value="estimate", events="events", of="n"),
        Kept(
            values=(
                "longest_held",
                "shortest_failed",
            ),
            of="events",
        ),
    ),
    asks="Which interval holds, by each patient's own log?",
    unit="people",
    estimand=(
        "How long each patient's response lasts without a session: longer than the longest"
        " interval that held, and at most the shortest that failed. Only"
        f" patients with {RULES.fewest_intervals} rated intervals or more are counted."
    ),
    roles={
        "key": "key",
        "about": "label",
        "n": "denominator",
        "events": "count",
        "estimate": "derived",
        "longest_held": "derived",
        "shortest_failed": "derived",
    },
    decimals={"longest_held": 0, "shortest_failed": 0},
    show=("about", "n", "events", "estimate", "longest_held", "shortest_failed"),
)
def holding_interval(cohort: DerivedCohort) -> Answer:
    """How many patients' own logs bound the interval that holds, and where the bounds lie.

    Returns
    -------
    Result
        One row per kind of answer: `events` of `n` people with any maintenance interval, and the
        medians of `longest_held` and `shortest_failed` (days) among them. Refused when nobody has
        enough rated intervals (`HoldingRules.fewest_intervals`).
    """
    people = holding_intervals(_rateable(cohort), RULES)
    if (people["holding"] == "not_estimable").all():
        raise NotIdentified(
            f"nobody has {RULES.fewest_intervals} maintenance intervals that began with a"
            " response and were scored at their end.",
            _COLLECT,
        )
    return Answer(
        table=pd.DataFrame([_answer(people, kind) for kind in HOLDING]),
        rows=partial(_holding_rows, people),
        sentence=(
            "Of {between.n} people with maintenance sessions, {between.events} have an interval"
            " that holds, bounded on both sides. In {at_least.events} people, the response held"
            " over every length that was tried; in {at_most.events} people, it held over none."
            " {contradictory.events} have contradictory intervals. {not_estimable.events} have"
            f" fewer than {RULES.fewest_intervals} rated intervals."
        ),
        caveats=_caveats(cohort),
    )


def _holding_rows(people: pd.DataFrame) -> pd.DataFrame:
    """One row per person: `curve` by the kind of answer, `start` the longest interval that held and
    `time` the shortest that failed.
    """
    return pd.DataFrame(
        {
            "curve": people["holding"].astype("object"),
            "patient_id": people["patient_id"],
            "start": people["longest_held"],
            "time": people["shortest_failed"],
            "status": True,
            "cause": people["holding"].astype("object"),
            "weight": 1.0,
            "value": people["n_intervals"],
        }
    )


def _answer(people: pd.DataFrame, kind: str) -> dict[str, object]:
    here = people[people["holding"] == kind]
    n = len(people)
    return {
        "key": kind,
        "about": ABOUT[kind],
        "n": n,
        "events": len(here),
        "estimate": 100 * len(here) / n,
        "longest_held": _median(here["longest_held"]),
        "shortest_failed": _median(here["shortest_failed"]),
    }


def _median(days: pd.Series) -> float:
    """Median of the days that are known; NaN without any."""
    median = days.astype("Float64").median()
    return np.nan if pd.isna(median) else float(median)


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    response = cohort.criteria.response
    rule = response.words if response is not None else "not defined"
    return (
        (
            f"An interval held when the response rule ({rule}) is met at the session that begins"
            " the interval and at the session that ends it. It failed when the rule is met at the"
            " first only. The score is the last one since the session before, at most"
            f" {RULES.score_days} days old. This is kettrack's convention. {rule_words(cohort)}."
        ),
        (
            "This is an association only. People come sooner when they feel worse, so a short"
            " interval may follow from failing, and a long one may lead to it. One score at each"
            " end is subject to measurement error."
        ),
        (
            "The time after a person's last session is not an interval. People who left, well or"
            " ill, are not counted in it."
        ),
    )


@question(
    "session_intervals",
    recipes=(Kept(values=("estimate",), of="n"),),
    asks="How far apart were sessions, by session number?",
    unit="days",
    estimand=(
        "Days since the session before, among the people who came back for that session."
    ),
    roles={
        "session": "key",
        "n": "denominator",
        "estimate": "derived",
        **dict.fromkeys(LENGTH_KEYS.values(), "count"),
    },
    decimals={"estimate": 0},
)
def session_intervals(cohort: DerivedCohort) -> Answer:
    """How long people waited for each session: counts by session number and length of the gap
    before it.

    Returns
    -------
    Result
        One row per session from the second, to the last that at least `FEWEST_PEOPLE` had (at most
        the 24th): `n` people who had it, one count per length in days, and `estimate` = median
        days.
    """
    sessions = cohort.courses.dropna(subset=["gap_days"])
    sessions = sessions[sessions["session_number"] <= _MOST_SESSIONS]
    number = sessions["session_number"]
    counts = pd.crosstab(number, length_band(sessions["gap_days"]), dropna=False)
    counts = counts.reindex(columns=LENGTHS).fillna(0).astype(int)
    counts = counts.rename(columns=LENGTH_KEYS)
    medians = sessions.groupby("session_number")["gap_days"].median().astype(float)
    table = counts.assign(n=counts.sum(axis=1), estimate=medians)
    table = table.rename_axis("session").rename_axis(None, axis=1).reset_index()
    table = table[table["n"] >= FEWEST_PEOPLE].reset_index(drop=True)
    return Answer(
        table=table[["session", "n", "estimate", *counts]],
        rows=partial(_gap_rows, sessions),
        sentence=_gaps_said(table),
        caveats=(
            (
                f"Sessions that fewer than {FEWEST_PEOPLE} people had are left out. Later rows are"
                " about fewer and different people."
            ),
        ),
    )


def _gaps_said(table: pd.DataFrame) -> str:
    if table.empty:
        return f"No session after the first was had by {FEWEST_PEOPLE} people or more."
    last = f"row{table['session'].max()}"
    first = f"row{table['session'].min()}"
    return (
        f"The median wait was {{{first}.estimate}} days before session {{{first}.session}}"
        f" ({{{first}.n}} people) and {{{last}.estimate}} days before session"
        f" {{{last}.session}} ({{{last}.n}} people)."
    )


def _gap_rows(sessions: pd.DataFrame) -> pd.DataFrame:
    """One row per person and session: `curve` by its number, `time` the days since the one
    before.
    """
    # Also the sessions that too few people had for a row of the table.
    numbers = sessions["session_number"].astype("int64")
    return pd.DataFrame(
        {
            "curve": [f"session_{number}" for number in numbers],
            "patient_id": sessions["patient_id"],
            "time": sessions["gap_days"],
            "status": True,
            "cause": "came_back",
            "weight": 1.0,
        }
    )
