"""Loss of response in maintenance, by days since the last session and by the interval then in use.
Association only.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.analysis.context import (
    LEVEL,
    NORMAL,
    made_from,
    refusal,
    release,
    rule_words,
)
from kettrack.analysis.durability.counts import loss_rule
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.cox import fit_cox
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.repeated_loss import maintenance_origins
from kettrack.timelines.spells import loss_rows

FEWEST_PEOPLE: Final = 11
FEWEST_EVENTS: Final = 5
PER: Final = 700  # days in 100 person-weeks
# Upper edges in days; the last band is open.
SINCE: Final = {"0-7": 7, "8-14": 14, "15-28": 28, "29-42": 42, "43+": 1_000_000}
INTERVAL: Final = {"0-10": 10, "11-17": 17, "18-24": 24, "25-38": 38, "39+": 1_000_000}
COX: Final = {
    "ratio_since_15_28": "15-28 days since the last session, against 14 or fewer",
    "ratio_since_29": "29 days or more, against 14 or fewer",
    "ratio_doubling": "twice as long an interval between the last two sessions",
}
ESTIMAND: Final = (
    "Rate at which a response held in maintenance is lost, by days since the last session and by"
    " the interval then in use, as it happens in this clinic."
)
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "kind": "label",
    "about": "label",
    "n": "denominator",
    "events": "count",
    "person_days": "derived",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}


@question(
    "maintenance",
    asks="When is a response lost in maintenance, by days since the last session?",
    by_group=True,
)
def maintenance(cohort: DerivedCohort) -> Result:
    """How often a response is lost in maintenance, by how long ago the last session was.

    Watched from the first score that shows a response after the first session beyond the first
    course, to the first loss under the rule in force, or the last score that could have shown one.
    Each stretch between two scores has one exposure, that of the score that ends it, counting only
    sessions up to the score that begins it: one given in between may have been given because the
    response was going.

    Returns
    -------
    Result
        `kind` `rate`: `events` (losses) in `n` people over `person_days`, `estimate` per 100
        person-weeks with an interval that takes patients as clusters, for `all`, by days since the
        last session (`since_...`) and by the interval between the last two sessions
        (`interval_...`). `kind` `hazard ratio`: Cox model of both, patients as clusters. Refused
        with fewer than 11 people or 5 losses.
    """
    try:
        stretches = split_by_day(maintenance_stretches(cohort))
        _require(stretches)
    except NotIdentified as error:
        return release(refusal("maintenance", cohort, error, ESTIMAND), cohort)
    ratios, why_none = _ratios(stretches)
    result = Result(
        name="maintenance",
        table=pd.DataFrame([*_rates(stretches), *ratios], columns=list(ROLES)),
        roles=ROLES,
        decimals={"person_days": 0, "estimate": 2, "ci_low": 2, "ci_high": 2},
        show=tuple(name for name in ROLES if name != "key"),
        sentence=_sentence(),
        estimand=ESTIMAND,
        caveats=_caveats(cohort, why_none),
        made_from=made_from(cohort, unit="losses per 100 person-weeks", level=LEVEL),
    )
    return release(result, cohort)


def _sentence() -> str:
    by_days = ", ".join(
        f"{{since_{_key(band)}.estimate}} at {band} days" for band in SINCE
    )
    return (
        "{all.events} of {all.n} people lost a response held in maintenance over"
        " {all.person_days} days: {all.estimate} losses per 100 person-weeks"
        f" ({{all.ci_low}}-{{all.ci_high}}). By days since the last session: {by_days}. An"
        " association, not what a longer interval does. For the interval that each person's own"
        " log says still holds, see holding_interval."
    )


def _require(stretches: pd.DataFrame) -> None:
    people = stretches["patient_id"].nunique()
    losses = int(stretches["event"].sum())
    if people < FEWEST_PEOPLE or losses < FEWEST_EVENTS:
        raise NotIdentified(
            f"{people} people held a response in maintenance and were scored again, and {losses}"
            f" of them lost it; it takes {FEWEST_PEOPLE} people and {FEWEST_EVENTS} losses.",
            "scores between maintenance sessions, for everyone.",
        )


def maintenance_stretches(cohort: DerivedCohort) -> pd.DataFrame:
    """Stretches between two scores in maintenance while a response was held, with their exposure.

    Returns
    -------
    DataFrame
        One row per patient and stretch (`start`, `stop`] in days since the first score that shows
        the response: `patient_id` `start` `stop` `event` (bool: lost at its end) `since` (days from
        the last session to its end) `interval` (days between the last two sessions); both count
        only sessions up to the day of its first score.

    Raises
    ------
    NotIdentified
        When the rules in force define no response or no loss of it.
    """
    rule = loss_rule(cohort)
    rows = loss_rows(cohort, maintenance_origins(cohort), rule)
    end = rows["lost_day"].fillna(rows["held_to_day"])
    line = cohort.timeline.dropna(subset=["score"])[
        ["patient_id", "day"]
    ].drop_duplicates()
    line = line.join(
        rows.assign(end_day=end)[["origin_day", "lost_day", "end_day"]],
        on="patient_id",
        how="inner",
    )
    event_rows = (
        rows["lost_day"]
        .dropna()
        .rename("day")
        .reset_index()
        .join(
            rows.assign(end_day=end)[["origin_day", "lost_day", "end_day"]],
            on="patient_id",
        )
    )
    line = (
        pd.concat([line, event_rows])
        .drop_duplicates(["patient_id", "day"])
        .sort_values(["patient_id", "day"])
    )
    line = line[(line["day"] >= line["origin_day"]) & (line["day"] <= line["end_day"])]
    line = line.assign(begin=line.groupby("patient_id")["day"].shift(1)).dropna(
        subset=["begin"]
    )
    sessions = cohort.courses[["patient_id", "day", "gap_days"]].drop_duplicates(
        ["patient_id", "day"]
    )
    sessions = sessions.rename(columns={"day": "session_day"}).astype(
        {"session_day": "int64"}
    )
    ordered = line.astype({"begin": "int64"}).sort_values("begin", kind="stable")
    out = pd.merge_asof(
        ordered,
        sessions.sort_values("session_day"),
        left_on="begin",
        right_on="session_day",
        by="patient_id",
    )
    out = out.assign(
        start=out["begin"] - out["origin_day"],
        stop=out["day"] - out["origin_day"],
        event=(out["day"] == out["lost_day"]).fillna(False).astype(bool),
        since=out["day"] - out["session_day"],
        interval=out["gap_days"],
    )
    columns = ["start", "stop", "since", "interval"]
    out = out.astype(dict.fromkeys(columns, "int64")).sort_values(
        ["patient_id", "start"], ignore_index=True
    )
    return out[["patient_id", "start", "stop", "event", "since", "interval"]]


def split_by_day(stretches: pd.DataFrame) -> pd.DataFrame:
    """Stretches cut where the days since the last session pass from one band to the next: each day
    counts where it lies.

    The band at the end of a stretch is known only when the next score comes; a day's own band is
    known on the day.
    """
    begin = stretches["since"] - (stretches["stop"] - stretches["start"])
    parts = []
    low = -1_000_000
    for high in SINCE.values():
        since_start = begin.clip(lower=low)
        since_stop = stretches["since"].clip(upper=high)
        part = stretches.assign(
            start=stretches["start"] + (since_start - begin),
            stop=stretches["start"] + (since_stop - begin),
            event=stretches["event"] & (stretches["since"] <= high),
            since=since_stop,
        )
        parts.append(part[since_stop > since_start])
        low = high
    return pd.concat(parts).sort_values(
        ["patient_id", "start"], kind="stable", ignore_index=True
    )


def _band(days: pd.Series, bands: dict[str, int]) -> npt.NDArray[np.object_]:
    names = np.array(list(bands), object)
    return names[
        np.searchsorted(np.array(list(bands.values())), days.to_numpy(), side="left")
    ]


def _key(band: str) -> str:
    return band.replace("-", "_").replace("+", "")


def _rates(stretches: pd.DataFrame) -> list[dict[str, object]]:
    since = _band(stretches["since"], SINCE)
    interval = _band(stretches["interval"], INTERVAL)
    rows = [_rate("all", "all", stretches)]
    rows += [
        _rate(
            f"since_{_key(band)}",
            f"{band} days since the last session",
            stretches[since == band],
        )
        for band in SINCE
    ]
    rows += [
        _rate(
            f"interval_{_key(band)}",
            f"{band} days between the last two sessions",
            stretches[interval == band],
        )
        for band in INTERVAL
    ]
    return rows


def _rate(key: str, about: str, part: pd.DataFrame) -> dict[str, object]:
    """Losses per 100 person-weeks; without a loss the upper limit is that of a Poisson count of
    0.
    """
    people = (
        part.assign(days=part["stop"] - part["start"])
        .groupby("patient_id")[["event", "days"]]
        .sum()
        .astype(float)
    )
    events = people["event"].sum()
    days = people["days"].sum()
    rate = np.nan
    low = np.nan
    high = np.nan
    if days:
        rate = PER * events / days
        low = 0.0
        high = -np.log((1 - LEVEL) / 2) * PER / days
    if events:
        spread = (
            NORMAL
            * np.sqrt(((people["event"] - events / days * people["days"]) ** 2).sum())
            / events
        )
        low = rate * np.exp(-spread)
        high = rate * np.exp(spread)
    numbers: dict[str, object] = {
        "n": len(people),
        "events": int(events),
        "person_days": days,
    }
    return (
        {"key": key, "kind": "rate", "about": about}
        | numbers
        | {"estimate": rate, "ci_low": low, "ci_high": high}
    )


def _ratios(stretches: pd.DataFrame) -> tuple[list[dict[str, object]], str]:
    """Hazard ratios, or none and the reason."""
    since = stretches["since"]
    days = stretches["stop"] - stretches["start"]
    columns = [
        (since > 14) & (since <= 28),
        since > 28,
        np.log2(stretches["interval"].clip(lower=1)),
    ]
    x = np.column_stack([np.asarray(column, float) for column in columns])
    try:
        fit = fit_cox(
            stretches["start"],
            stretches["stop"],
            stretches["event"],
            x,
            stretches["patient_id"],
            names=list(COX),
        )
    except NotIdentified as error:
        return [], error.reason
    low, high = (
        np.exp(fit.coefficient + side * NORMAL * fit.robust_error) for side in (-1, 1)
    )
    ratio = np.exp(fit.coefficient)
    shared = {
        "kind": "hazard ratio",
        "n": fit.n_patients,
        "events": fit.events,
        "person_days": float(days.sum()),
    }
    return [
        {
            "key": key,
            "about": about,
            "estimate": ratio[place],
            "ci_low": low[place],
            "ci_high": high[place],
        }
        | shared
        for place, (key, about) in enumerate(COX.items())
    ], ""


def _caveats(cohort: DerivedCohort, why_none: str) -> tuple[str, ...]:
    return (
        (
            f"Loss of response: {loss_rule(cohort)}; {rule_words(cohort)}. Only the first loss in"
            " maintenance of each person."
        ),
        (
            "Association only: who feels worse comes sooner and who feels well later, and only"
            " those who held a response and still came are here. A session given after the last"
            " good score does not count, so that one given for worsening is not taken for its"
            " cause; days are counted from the one before."
        ),
        (
            f"No hazard ratios: {why_none}"
            if why_none
            else (
                "Hazard ratios by a Cox model on days since the first score watched, Breslow"
                " ties, patients as clusters."
            )
        ),
    )
