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
from kettrack.simulation.history import History, last_session_days
from kettrack.simulation.parameters import NOT_STOPPED, PLANNED_END, REASON_CODE
from kettrack.simulation.people import place_of, whole_numbers
from kettrack.vocabulary.columns import STOP_REASONS

DAYS_PER_YEAR: Final = 365
YES_NO: Final = ("anxiety", "ptsd", "substance_use", "psychotherapy")
Shares = tuple[tuple[str, float], ...]  # name and share
EVENT_DETAIL_SHARES: Final[dict[str, Shares]] = {
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


def draw_names(
    shares: Shares,
    n: int,
    rng: np.random.Generator,
) -> Objects:
    """Draw n names by their shares."""
    names = np.array([name for name, _ in shares], dtype=object)
    return names[place_of(rng.random(n), [share for _, share in shares])]


def draw_characteristics(
    history: History,
    numbers: Characteristics,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per patient: age to start year; a few values are not stated."""
    people = history.people
    n = people.n
    # The order of the draws is part of a seed: drawn in another order, these are other people.
    age = whole_numbers(rng.normal(numbers.age_mean, numbers.age_sd, n))
    otherwise = draw_names(ETHNICITY_OTHERWISE, n, rng)
    ethnicity = np.where(people.followed_less, FOLLOWED_LESS_ETHNICITY, otherwise)
    sex = draw_names(SEX, n, rng)
    site = draw_names(SITE, n, rng)
    diagnosis = draw_names(DIAGNOSIS, n, rng)
    failed = 1 + rng.poisson(numbers.failed_mean - 1, n)
    prior = rng.integers(1, numbers.prior_most + 1, n)
    had_prior = rng.random(n) < numbers.prior
    answers = {
        name: _yes_no(
            getattr(numbers, name),
            numbers,
            n,
            rng,
        )
        for name in YES_NO
    }
    age_unstated = rng.random(n) < numbers.unstated
    in_range = np.clip(age, numbers.age_low, numbers.age_high)
    opened = people.start_day + OPENING_DAY_OF_YEAR
    return pd.DataFrame(
        {
            "age": pd.Series(in_range).astype("Int64").mask(age_unstated),
            "sex": sex,
            "ethnicity": ethnicity,
            "site": site,
            "diagnosis": diagnosis,
            "failed_antidepressants": np.minimum(failed, numbers.failed_most),
            "prior_sessions": np.where(had_prior, prior, 0),
            "planned_sessions": people.planned,
            **answers,
            "start_year": OPENING_YEAR + opened // DAYS_PER_YEAR,
        }
    )


def _yes_no(
    share: float,
    numbers: Characteristics,
    n: int,
    rng: np.random.Generator,
) -> pd.Series:
    """Yes, no, or missing where it is not stated."""
    answer = pd.Series(rng.random(n) < share).astype("boolean")
    return answer.mask(rng.random(n) < numbers.unstated)


def add_endings(
    patients: pd.DataFrame,
    history: History,
    numbers: Characteristics | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Add how far the log goes and why treatment ended.

    Parameters
    ----------
    patients : DataFrame
        One row per patient, in the order of the history; the columns are added in place.
    history : History
        The run.
    numbers : Characteristics or None
        How often and how late an end is noted; None: exactly, on the day of the last session.
    rng : numpy.random.Generator
        Stream of the events.

    Returns
    -------
    DataFrame
        The same table with `observed_to_day` `last_contact_day` `stop_day` `stop_reason`.
    """
    n = history.people.n
    seen = history.people.seen_to
    stopped = history.reason != NOT_STOPPED
    if numbers is None:
        noted = stopped & (history.reason != PLANNED_END)
        delay = np.zeros(n, np.int64)
    else:
        noted = stopped & (rng.random(n) < numbers.stop_recorded)
        delay = rng.integers(0, numbers.stop_noted_within + 1, n)
    day = np.minimum(last_session_days(history) + delay, seen)
    last_contact = last_contact_days(history)
    noted_contact = np.where(noted, day, last_contact)
    # `NOT_STOPPED` is -1, and a planned end lies behind the last reason: both find the empty name
    names = np.array([*STOP_REASONS, ""], dtype=object)[history.reason]
    patients["observed_to_day"] = seen
    patients["last_contact_day"] = np.maximum(last_contact, noted_contact)
    patients["stop_day"] = pd.Series(day).astype("Int64").where(noted)
    patients["stop_reason"] = pd.Series(names).where(noted & (names != ""))
    return patients


def last_contact_days(history: History) -> Ints:
    """Day of the last session or score of each patient."""
    last = last_session_days(history)
    np.maximum.at(last, history.scores.who, history.scores.day)
    return last


def draw_events(
    history: History,
    serious: Bools,
    numbers: Happenings,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What happened beside the sessions.

    Parameters
    ----------
    history : History
        The run.
    serious : array of bool
        Which sessions had a serious adverse event.
    numbers : Happenings
        Rates per year of observation.
    rng : numpy.random.Generator
        Stream of the events.

    Returns
    -------
    DataFrame
        One row per patient, day and event: `who` (position) `day` `event` `detail`.
    """
    seen = last_contact_days(history)
    years = np.maximum(seen, 0) / DAYS_PER_YEAR
    tables = [_lost_to_follow_up(history, numbers, rng)]
    for event, details in EVENT_DETAIL_SHARES.items():
        rate = getattr(numbers, event)
        who, day = _random_days(rate * years, seen, rng)
        tables.append(
            _rows(
                who,
                day,
                event,
                draw_names(details, len(who), rng),
            )
        )
    sessions = history.sessions
    bad = np.flatnonzero(serious)
    adverse = _rows(
        sessions.who[bad],
        sessions.day[bad],
        "adverse_event",
        "other",
    )
    events = pd.concat([*tables, adverse], ignore_index=True)
    # an event counts once a day
    return events.drop_duplicates(["who", "day", "event"])


def _lost_to_follow_up(
    history: History,
    numbers: Happenings,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Some who left without a word are written down as lost, weeks later."""
    n = history.people.n
    last_session = last_session_days(history)
    # nobody told the clinic why, and no score came after the last session
    left_silently = history.reason == REASON_CODE["unknown"]
    unheard = left_silently & (last_contact_days(history) <= last_session)
    earliest, latest = numbers.lost_noted_after
    day = last_session + rng.integers(earliest, latest + 1, n)
    noted = rng.random(n) < numbers.lost_after_silent_stop
    who = np.flatnonzero(unheard & (day <= history.people.seen_to) & noted)
    return _rows(
        who,
        day[who],
        "lost_to_follow_up",
        "",
    )


def _random_days(
    expected: Floats,
    seen: Ints,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Positions and days of events that come at random: `expected` number per patient, evenly over
    the days seen.
    """
    count = rng.poisson(expected)
    who = np.repeat(np.arange(len(count)), count)
    days_seen = seen[who] + 1
    return who, np.floor(rng.random(len(who)) * days_seen).astype(np.int64)


def _rows(
    who: Ints,
    day: Ints,
    event: str,
    detail: Objects | str,
) -> pd.DataFrame:
    return pd.DataFrame({"who": who, "day": day, "event": event, "detail": detail})
