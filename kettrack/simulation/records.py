"""The patients and events tables: who people are on paper, why they left as far as was written
down, what else happened.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints, Objects
from kettrack.simulation.detail import (
    DIAGNOSIS,
    ETHNICITY_OTHERWISE,
    FOLLOWED_LESS_ETHNICITY,
    OPENING_DAY_OF_YEAR,
    OPENING_YEAR,
    SEX,
    SITE,
    Characteristics,
    Happenings,
)
from kettrack.simulation.habits import NOT_STOPPED, PLANNED_END, REASON_CODE
from kettrack.simulation.history import History
from kettrack.vocabulary.columns import STOP_REASONS

DAYS_PER_YEAR = 365
EVENT_DETAIL_SHARES: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "medication_change": (
        ("started", 0.2),
        ("stopped", 0.2),
        ("dose_up", 0.25),
        ("dose_down", 0.2),
        ("switched", 0.15),
    ),
    "hospitalisation": (
        ("worsening", 0.6),
        ("other_psychiatric", 0.2),
        ("medical", 0.2),
    ),
    "tms": (("started", 1.0),),
    "ect": (("started", 1.0),),
    "suicide_attempt": (("", 1.0),),
}


def pick(
    shares: tuple[tuple[str, float], ...], n: int, rng: np.random.Generator
) -> Objects:
    """Draw n names by their shares."""
    edges = np.round(np.cumsum([share for _, share in shares]), 9)
    names = np.array([name for name, _ in shares], dtype=object)
    return names[
        np.minimum(np.searchsorted(edges, rng.random(n), side="right"), len(names) - 1)
    ]


def draw_characteristics(
    history: History, numbers: Characteristics, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per patient: age to start year; a few values are not stated."""
    people = history.people
    n = people.n
    age = np.clip(
        np.rint(rng.normal(numbers.age_mean, numbers.age_sd, n)),
        numbers.age_low,
        numbers.age_high,
    )
    ethnicity = np.where(
        people.followed_less, FOLLOWED_LESS_ETHNICITY, pick(ETHNICITY_OTHERWISE, n, rng)
    )
    table = pd.DataFrame(
        {"age": age.astype(np.int64), "sex": pick(SEX, n, rng), "ethnicity": ethnicity}
    )
    table["site"], table["diagnosis"] = pick(SITE, n, rng), pick(DIAGNOSIS, n, rng)
    table["failed_antidepressants"] = np.minimum(
        1 + rng.poisson(numbers.failed_mean - 1, n), numbers.failed_most
    )
    prior = rng.integers(1, numbers.prior_most + 1, n)
    table["prior_sessions"] = np.where(rng.random(n) < numbers.prior, prior, 0)
    table["planned_sessions"] = people.planned
    for name in ("anxiety", "ptsd", "substance_use", "psychotherapy"):
        table[name] = (
            pd.Series(rng.random(n) < getattr(numbers, name))
            .astype("boolean")
            .mask(rng.random(n) < numbers.unstated)
        )
    table["age"] = table["age"].astype("Int64").mask(rng.random(n) < numbers.unstated)
    table["start_year"] = (
        OPENING_YEAR + (people.start_day + OPENING_DAY_OF_YEAR) // DAYS_PER_YEAR
    )
    return table


def last_days(history: History) -> tuple[Ints, Ints]:
    """Day of the last session, and of the last session or score, of each patient."""
    session, anything = (np.full(history.people.n, -DAYS_PER_YEAR) for _ in range(2))
    np.maximum.at(session, history.sessions.who, history.sessions.day)
    anything[:] = session
    np.maximum.at(anything, history.scores.who, history.scores.day)
    return session, anything


def add_endings(
    patients: pd.DataFrame,
    history: History,
    numbers: Characteristics | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Add how far the log goes and why treatment ended: exactly without `numbers`, else as far and
    as late as it was noted.
    """
    last_session, last_anything = last_days(history)
    n = history.people.n
    seen = history.people.seen_to
    stopped = history.reason != NOT_STOPPED
    if numbers is None:
        noted = stopped & (history.reason != PLANNED_END)
        delay = np.zeros(n, np.int64)
    else:
        noted = stopped & (rng.random(n) < numbers.stop_recorded)
        delay = rng.integers(0, numbers.stop_noted_within + 1, n)
    day = np.minimum(last_session + delay, seen)
    names = np.array([*STOP_REASONS, ""], dtype=object)[history.reason]
    patients["observed_to_day"] = seen
    patients["last_contact_day"] = np.maximum(
        last_anything, np.where(noted, day, last_anything)
    )
    patients["stop_day"] = pd.Series(day).astype("Int64").where(noted)
    patients["stop_reason"] = pd.Series(names).where(noted & (names != ""))
    return patients


def _scatter(
    expected: Floats, seen: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Positions and days of events that come at random: `expected` number per patient, evenly over
    the days seen.
    """
    count = rng.poisson(expected)
    who = np.repeat(np.arange(len(count)), count)
    return who, np.floor(rng.random(len(who)) * (seen[who] + 1)).astype(np.int64)


def _rows(who: Ints, day: Ints, event: str, detail: Objects | str) -> pd.DataFrame:
    return pd.DataFrame({"who": who, "day": day, "event": event, "detail": detail})


def _lost(
    history: History, numbers: Happenings, rng: np.random.Generator
) -> pd.DataFrame:
    """Some who left without a word are written down as lost, weeks later."""
    last_session, last_anything = last_days(history)
    quiet = (history.reason == REASON_CODE["unknown"]) & (last_anything <= last_session)
    day = last_session + rng.integers(
        numbers.lost_noted_after[0], numbers.lost_noted_after[1] + 1, len(quiet)
    )
    who = np.flatnonzero(
        quiet
        & (day <= history.people.seen_to)
        & (rng.random(len(quiet)) < numbers.lost_after_silent_stop)
    )
    return _rows(who, day[who], "lost_to_follow_up", "")


def draw_events(
    history: History, serious: Bools, numbers: Happenings, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per patient and event; `serious` marks the sessions with a serious adverse event."""
    seen = last_days(history)[1]
    years = np.maximum(seen, 0) / DAYS_PER_YEAR
    tables = [_lost(history, numbers, rng)]
    for event, details in EVENT_DETAIL_SHARES.items():
        who, day = _scatter(getattr(numbers, event) * years, seen, rng)
        tables.append(_rows(who, day, event, pick(details, len(who), rng)))
    bad = np.flatnonzero(serious)
    tables.append(
        _rows(
            history.sessions.who[bad],
            history.sessions.day[bad],
            "adverse_event",
            "other",
        )
    )
    return pd.concat(tables, ignore_index=True).drop_duplicates(["who", "day", "event"])
