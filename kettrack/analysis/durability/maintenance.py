"""Loss of response in maintenance, by days since the last session and by the interval then in use.
Association only.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, NORMAL_QUANTILE, rule_words
from kettrack.analysis.durability.counts import loss_rule
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.arrays import Objects
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.cox import fit_cox
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.repeated_loss import maintenance_origins
from kettrack.timelines.spells import loss_rows
from kettrack.vocabulary.days import DAYS_IN_WEEK, MAINTENANCE_GAP_ENDS
from kettrack.vocabulary.limits import FEWEST_EVENTS, FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept, Rate
from kettrack.vocabulary.plain_words import value_with_interval
from kettrack.vocabulary.rules import NO_LIMIT

# Days in 100 person-weeks.
PER: Final = 100 * DAYS_IN_WEEK
# Upper edge of the last band, which is open.
_OPEN: Final = NO_LIMIT
# Upper edges in days since the last session: a week, two, four and six weeks.
SINCE: Final = {"0-7": 7, "8-14": 14, "15-28": 28, "29-42": 42, "43+": _OPEN}
# Upper edges in days between sessions, around the usual rhythms: weekly, every two, three and four
# weeks.
_BANDS: Final = ("0-10", "11-17", "18-24", "25-38", "39+")
INTERVAL: Final = dict(zip(_BANDS, (*MAINTENANCE_GAP_ENDS, _OPEN), strict=True))
_TWO_WEEKS: Final = SINCE["8-14"]
_FOUR_WEEKS: Final = SINCE["15-28"]
COX: Final = {
    "ratio_since_15_28": (
        f"{_TWO_WEEKS + 1}-{_FOUR_WEEKS} days since the last session, against {_TWO_WEEKS} or"
        " fewer"
    ),
    "ratio_since_29": f"{_FOUR_WEEKS + 1} days or more, against {_TWO_WEEKS} or fewer",
    "ratio_doubling": "twice as long an interval between the last two sessions",
}
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
    recipes=(
        Rate(
            value="estimate",
            events="events",
            ends=("ci_low", "ci_high"),
            rows="kind",
            unit="rate",
        ),
        Kept(
            values=(
                "estimate",
                "ci_low",
                "ci_high",
                "person_days",
            ),
            of="n",
        ),
    ),
    asks="When is a response lost in maintenance, by days since the last session?",
    unit="losses per 100 person-weeks",
    estimand=(
        "Rate at which people in maintenance lose their response, by days since the last session"
        " and by the interval between sessions at the time, as it happens in this clinic."
    ),
    roles=ROLES,
    decimals={"person_days": 0, "estimate": 2, "ci_low": 2, "ci_high": 2},
    show=tuple(name for name in ROLES if name != "key"),
    by_group=True,
)
def maintenance(cohort: DerivedCohort) -> Answer:
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
        with fewer than `FEWEST_PEOPLE` people or `FEWEST_EVENTS` losses.
    """
    stretches = split_by_day(maintenance_stretches(cohort))
    _require(stretches)
    ratios, why_none = _ratios(stretches)
    rows = [*_rates(stretches), *ratios]
    return Answer(
        table=pd.DataFrame(rows, columns=list(ROLES)),
        sentence=_sentence(),
        caveats=_caveats(cohort, why_none),
        level=LEVEL,
        rows=partial(_person_rows, stretches),
    )


def _person_rows(stretches: pd.DataFrame) -> pd.DataFrame:
    """One row per person and stretch at risk, `curve` by the days since the last session, `value` =
    days between the last two sessions.
    """
    bands = _band(stretches["since"], SINCE)
    # At most one loss a person: the watch ends with it.
    lost = stretches["event"]
    return pd.DataFrame(
        {
            "curve": [f"since_{_key(band)}" for band in bands],
            "patient_id": stretches["patient_id"],
            "start": stretches["start"],
            "time": stretches["stop"],
            "status": lost,
            "cause": np.where(lost, "lost", ""),
            "weight": 1.0,
            "value": stretches["interval"],
        }
    )


def _sentence() -> str:
    by_days = ", ".join(
        f"{{since_{_key(band)}.estimate}} at {band} days" for band in SINCE
    )
    return (
        "{all.events} of {all.n} people in maintenance lost their response in {all.person_days}"
        f" days of follow-up: {value_with_interval('all')} losses per 100 person-weeks. By days"
        f" since the last session: {by_days}. This is an association, not the effect of a longer"
        f" interval. What each person's own log shows is asked by {asked_as('holding_interval')}"
    )


def _require(stretches: pd.DataFrame) -> None:
    people = stretches["patient_id"].nunique()
    losses = int(stretches["event"].sum())
    if people < FEWEST_PEOPLE or losses < FEWEST_EVENTS:
        raise NotIdentified(
            f"{people} people had a response in maintenance and were scored again, and {losses}"
            f" of them lost it. At least {FEWEST_PEOPLE} people and {FEWEST_EVENTS} losses are"
            " needed.",
            "scores between maintenance sessions, for everyone.",
        )


def maintenance_stretches(cohort: DerivedCohort) -> pd.DataFrame:
    """Stretches between two scores of people with a response in maintenance, with their exposure.

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
    rows = loss_rows(cohort, maintenance_origins(cohort), loss_rule(cohort))
    rows = rows.assign(end_day=rows["lost_day"].fillna(rows["held_to_day"]))
    line = _watched_days(cohort, rows)
    # A stretch goes from one watched day to the next; the first day of a person ends none.
    begin = line.groupby("patient_id")["day"].shift(1)
    line = line.assign(begin=begin).dropna(subset=["begin"])
    line = line.astype({"begin": "int64"})
    out = pd.merge_asof(
        line.sort_values("begin", kind="stable"),
        _session_days(cohort),
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
    out = out.astype(dict.fromkeys(columns, "int64"))
    out = out.sort_values(["patient_id", "start"], ignore_index=True)
    return out[["patient_id", "start", "stop", "event", "since", "interval"]]


def _watched_days(cohort: DerivedCohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Days with a score, or with an event row that is a loss, from the origin to the end: one row
    per patient and day, in order.
    """
    spell = rows[["origin_day", "lost_day", "end_day"]]
    scored = cohort.timeline.dropna(subset=["score"])[["patient_id", "day"]]
    scored = scored.drop_duplicates().join(spell, on="patient_id", how="inner")
    lost = rows["lost_day"].dropna().rename("day").reset_index()
    lost = lost.join(spell, on="patient_id")
    line = pd.concat([scored, lost]).drop_duplicates(["patient_id", "day"])
    line = line.sort_values(["patient_id", "day"])
    inside = (line["day"] >= line["origin_day"]) & (line["day"] <= line["end_day"])
    return line[inside]


def _session_days(cohort: DerivedCohort) -> pd.DataFrame:
    """Day of each session with the days since the one before, by day: as `merge_asof` asks."""
    sessions = cohort.courses[["patient_id", "day", "gap_days"]]
    sessions = sessions.drop_duplicates(["patient_id", "day"])
    sessions = sessions.rename(columns={"day": "session_day"})
    return sessions.astype({"session_day": "int64"}).sort_values(
        "session_day", kind="stable"
    )


def split_by_day(stretches: pd.DataFrame) -> pd.DataFrame:
    """Stretches cut where the days since the last session pass from one band to the next: each day
    counts where it lies.

    The band at the end of a stretch is known only when the next score comes; a day's own band is
    known on the day.
    """
    begin = stretches["since"] - (stretches["stop"] - stretches["start"])
    parts = []
    low = -_OPEN
    # Each pass keeps the days between two edges: the days of a stretch over all parts add up to it.
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


def _band(days: pd.Series, bands: dict[str, int]) -> Objects:
    names = np.array(list(bands), object)
    edges = np.array(list(bands.values()))
    # Left side: an upper edge belongs to its band.
    return names[np.searchsorted(edges, days.to_numpy(), side="left")]


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
    part = part.assign(days=part["stop"] - part["start"])
    people = part.groupby("patient_id")[["event", "days"]].sum().astype(float)
    events = people["event"].sum()
    days = people["days"].sum()
    rate = np.nan
    low = np.nan
    high = np.nan
    if days:
        rate = PER * events / days
        low = 0.0
        # A Poisson count of mean m is 0 with chance exp(-m).
        high = -np.log((1 - LEVEL) / 2) * PER / days
    if events:
        # Patients are clusters: what each has beyond the events that the rate expects.
        beyond = people["event"] - events / days * people["days"]
        spread = NORMAL_QUANTILE * np.sqrt((beyond**2).sum()) / events
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
        (since > _TWO_WEEKS) & (since <= _FOUR_WEEKS),
        since > _FOUR_WEEKS,
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
    spread = NORMAL_QUANTILE * fit.robust_error
    low = np.exp(fit.coefficient - spread)
    high = np.exp(fit.coefficient + spread)
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
    level = f"{100 * LEVEL:g} %"
    return (
        (
            f"Loss of response: {loss_rule(cohort).words}. {rule_words(cohort)}. Only the first"
            f" loss of each person in maintenance counts. Brackets hold the {level} interval."
        ),
        (
            "This is an association only. People who feel worse come sooner, and people who feel"
            " well come later; only people with a response who still came are here. A session"
            " given after the last good score is left out, so that a session given for worsening"
            " is not taken for its cause; days are counted from the session before it."
        ),
        (
            f"There are no hazard ratios: {why_none}"
            if why_none
            else (
                "Hazard ratios come from a Cox model on days since the first score watched, with"
                " Breslow ties and patients as clusters."
            )
        ),
    )
