"""Maintenance: how far apart sessions were, and over which intervals a response was still there at
the next session.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.maintenance import (
    HOLDING,
    HoldingRules,
    holding_intervals,
    maintenance_intervals,
)

MOST_SESSIONS: Final = 24
# Upper edges in days, around the usual rhythms: twice a week, weekly, every 2 and 3 weeks, monthly,
# longer.
EDGES: Final = (4, 10, 17, 24, 38, 59)
LENGTHS: Final = ("0-4", "5-10", "11-17", "18-24", "25-38", "39-59", "60+")
ABOUT: Final = {
    "between": "held up to one length, failed at a longer one",
    "at_least": "held at every length tried",
    "at_most": "held at no length tried",
    "contradictory": "contradictory: failed at one no longer than one that held",
    "not_estimable": "not estimable: fewer than three rated intervals",
}
INTERVAL_ESTIMAND: Final = (
    "Maintenance intervals that began well, by length: was the response still there at the next"
    " session?"
)
HOLDING_ESTIMAND: Final = (
    "How long each patient's response holds: longer than the longest interval that held, at most"
    " the shortest that failed; from three or more rated ones."
)
STRIP_ESTIMAND: Final = (
    "Days since the session before, among those who came back for that session."
)
COLLECT: Final = "a score in the 14 days before each maintenance session."


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
    "maintenance_lengths", asks="Over which maintenance intervals did a response hold?"
)
def maintenance_lengths(cohort: DerivedCohort) -> Result:
    """Maintenance intervals by length: how many held, failed, did not begin well, or are not known.

    Returns
    -------
    Result
        One row per length: `people` with any, `intervals`, `held` and `failed` of `rated`,
        `estimate` (% held of rated; no interval, since one person gives many), `not_well_at_start`,
        `not_known`. Refused when no interval can be rated.
    """
    try:
        table = _by_length(_rateable(cohort))
    except NotIdentified as error:
        return release(
            refusal("maintenance_lengths", cohort, error, INTERVAL_ESTIMAND), cohort
        )
    result = Result(
        name="maintenance_lengths",
        table=table,
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
        sentence=(
            "{all.intervals} maintenance intervals of {all.n} people; {all.rated} began well and"
            " were scored at their end: {all.held} held ({all.estimate} %), {all.failed} failed."
            " {all.not_known} cannot be told for want of a score."
        ),
        estimand=INTERVAL_ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="percent of rated intervals"),
    )
    return release(result, cohort)


def _rateable(cohort: DerivedCohort) -> pd.DataFrame:
    intervals = maintenance_intervals(cohort)
    if not intervals["result"].isin(["held", "failed"]).any():
        reason = (
            "no maintenance interval began with a response and was scored at its end."
        )
        raise NotIdentified(reason, COLLECT)
    return intervals


def length_band(days: pd.Series) -> pd.Categorical:
    """Days as one of `LENGTHS`.

    Examples
    --------
    >>> list(length_band(pd.Series([4, 5, 60])))
    ['0-4', '5-10', '60+']
    """
    codes = np.searchsorted(np.array(EDGES), days.to_numpy(np.int64), side="left")
    return pd.Categorical.from_codes(codes, list(LENGTHS), ordered=True)  # type: ignore[call-overload]


def _by_length(intervals: pd.DataFrame) -> pd.DataFrame:
    banded = intervals.assign(days=length_band(intervals["days"]))
    parts = [(band, banded[banded["days"] == band]) for band in LENGTHS]
    rows = [_counts(f"days_{band}", band, part) for band, part in parts]
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


@question("holding_interval", asks="Which interval holds, by each patient's own log?")
def holding_interval(cohort: DerivedCohort) -> Result:
    """How many patients' own logs bound the interval that holds, and where the bounds lie.

    Returns
    -------
    Result
        One row per kind of answer: `events` of `n` people with any maintenance interval, and the
        medians of `longest_held` and `shortest_failed` (days) among them. Refused when nobody has
        three rated intervals.
    """
    try:
        people = holding_intervals(_rateable(cohort))
        if (people["holding"] == "not_estimable").all():
            raise NotIdentified(
                "nobody has three maintenance intervals that began well and were scored at their"
                " end.",
                COLLECT,
            )
    except NotIdentified as error:
        return release(
            refusal("holding_interval", cohort, error, HOLDING_ESTIMAND), cohort
        )
    roles: dict[str, Role] = {
        "key": "key",
        "about": "label",
        "n": "denominator",
        "events": "count",
        "estimate": "derived",
    }
    result = Result(
        name="holding_interval",
        table=pd.DataFrame([_answer(people, kind) for kind in HOLDING]),
        roles=roles | {"longest_held": "derived", "shortest_failed": "derived"},
        decimals={"longest_held": 0, "shortest_failed": 0},
        show=("about", "n", "events", "estimate", "longest_held", "shortest_failed"),
        sentence=(
            "Of {between.n} people with maintenance sessions, {between.events} have a holding"
            " interval bounded on both sides, {at_least.events} held at every length tried,"
            " {at_most.events} at none; {contradictory.events} are contradictory, and"
            " {not_estimable.events} have fewer than three rated intervals."
        ),
        estimand=HOLDING_ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="people"),
    )
    return release(result, cohort)


def _answer(people: pd.DataFrame, kind: str) -> dict[str, object]:
    here = people[people["holding"] == kind]
    n = len(people)
    medians = {
        name: here[name].astype("Float64").median()
        for name in ("longest_held", "shortest_failed")
    }
    medians = {
        name: np.nan if pd.isna(value) else float(value)
        for name, value in medians.items()
    }
    return {
        "key": kind,
        "about": ABOUT[kind],
        "n": n,
        "events": len(here),
        "estimate": 100 * len(here) / n,
    } | medians


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    rules = HoldingRules()
    return (
        (
            f"Held: {cohort.criteria.response} at the session that begins the interval and at the"
            " one that ends it, by the last score since the session before and at most"
            f" {rules.score_days} days old; failed: at the first only. kettrack's convention."
            f" {rule_words(cohort)}."
        ),
        (
            "Association only: people come sooner when they feel worse, so a short interval may"
            " follow from failing as well as failing from a long one. One score at each end is"
            " noisy."
        ),
        (
            "The stretch after the last session is not an interval; people who left well, or ill,"
            " are not in it."
        ),
    )


@question("session_intervals", asks="How far apart were sessions, by session number?")
def session_intervals(cohort: DerivedCohort) -> Result:
    """How long people waited for each session: counts by session number and length of the gap
    before it.

    Returns
    -------
    Result
        One row per session from the second, to the last that at least 11 people had (at most the
        24th): `n` people who had it, one count per length in days, and `estimate` = median days.
    """
    sessions = cohort.courses.dropna(subset=["gap_days"])
    sessions = sessions[sessions["session_number"] <= MOST_SESSIONS]
    counts = pd.crosstab(
        sessions["session_number"], length_band(sessions["gap_days"]), dropna=False
    ).reindex(columns=LENGTHS)
    counts = counts.fillna(0).astype(int).add_prefix("days_")
    table = counts.assign(
        n=counts.sum(axis=1),
        estimate=sessions.groupby("session_number")["gap_days"].median().astype(float),
    )
    table = table.rename_axis("session").rename_axis(None, axis=1).reset_index()
    table = table[table["n"] >= FEWEST].reset_index(drop=True)
    roles: dict[str, Role] = {
        "session": "key",
        "n": "denominator",
        "estimate": "derived",
    }
    roles |= {f"days_{band}": "count" for band in LENGTHS}
    result = Result(
        name="session_intervals",
        table=table[["session", "n", "estimate", *counts]],
        roles=roles,
        decimals={"estimate": 0},
        sentence=_strip_sentence(table),
        estimand=STRIP_ESTIMAND,
        caveats=(
            (
                f"Sessions that fewer than {FEWEST} people had are left out. Later rows are fewer"
                " and different people."
            ),
        ),
        made_from=made_from(cohort, unit="days"),
    )
    return release(result, cohort)


def _strip_sentence(table: pd.DataFrame) -> str:
    if table.empty:
        return f"No session from the second on was had by {FEWEST} people."
    last = f"row{table['session'].max()}"
    first = f"row{table['session'].min()}"
    return (
        f"The median wait for session {{{first}.session}} was {{{first}.estimate}} days"
        f" ({{{first}.n}} people), for session {{{last}.session}} it was {{{last}.estimate}} days"
        f" ({{{last}.n}} people)."
    )
