"""What is seen at a session: blood pressure, dissociation, adverse events. Planted signals: dose
and route.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats
from kettrack.simulation.detail import ROUTES, Safety
from kettrack.simulation.doses import Given
from kettrack.vocabulary.columns import ADVERSE_EVENTS

WHEN = ("before", "peak", "after")
LOWEST_VITAL = 45  # mmHg and /min: nobody plausible lies below
AFTER_SD = 3.0  # mmHg around the pressure to which it falls back
BACK_BY_END = 0.75  # share of the rise gone when the session ends
HEART_RATE = (74.0, 9.0, 5.0)  # mean, SD between people, SD between sessions, /min
HEART_RATE_RISE = (9.0, 6.0)
SPO2_USUAL = 97.0
SPO2_SPREAD = 1.5
SPO2_LOWEST = 86
NOTED_CADSS = 6  # points that dissociation worth a note has at least
MINUTES_SPREAD = 5
PRICE_SPREAD = 0.2  # what a person pays lies within this share of the usual price
PRICE_STEP = 5


def _usual(
    given: Given, usual: tuple[float, float, float], rng: np.random.Generator
) -> Floats:
    """A vital sign before the session: mean, the person's own deviation, the day's."""
    mean, between, within = usual
    return mean + given.own(between, rng) + within * rng.standard_normal(given.size)


def _whole(values: Floats) -> Floats:
    return np.maximum(np.rint(np.round(values, 9)), LOWEST_VITAL)


def _pressure(before: Floats, rise: Floats, rng: np.random.Generator) -> list[Floats]:
    """Before, highest and after, in whole mmHg."""
    peak = before + np.maximum(rise, 0)
    after = (
        peak
        - BACK_BY_END * np.maximum(rise, 0)
        + AFTER_SD * rng.standard_normal(len(rise))
    )
    return [_whole(before), _whole(peak), _whole(np.minimum(after, peak))]


def draw_vitals(given: Given, safety: Safety, rng: np.random.Generator) -> pd.DataFrame:
    """Vital signs, one row per session; empty where nobody was there to measure. Planted: dose
    raises blood pressure.
    """
    rise = (
        safety.rise
        + safety.rise_per_mg_kg * given.exposure
        + safety.rise_sd * rng.standard_normal(given.size)
    )
    lower_rise = safety.diastolic_rise * rise + AFTER_SD * rng.standard_normal(
        given.size
    )
    upper = _pressure(_usual(given, safety.systolic, rng), rise, rng)
    lower = _pressure(_usual(given, safety.diastolic, rng), lower_rise, rng)
    heart = _usual(given, HEART_RATE, rng)
    vitals = {
        f"systolic_{when}": value for when, value in zip(WHEN, upper, strict=True)
    }
    vitals |= {
        f"diastolic_{when}": value for when, value in zip(WHEN, lower, strict=True)
    }
    vitals["heart_rate_before"] = _whole(heart)
    vitals["heart_rate_peak"] = _whole(
        heart + np.maximum(rng.normal(*HEART_RATE_RISE, given.size), 0)
    )
    fallen = np.abs(SPO2_SPREAD * rng.standard_normal(given.size))
    vitals["spo2_min"] = np.clip(
        np.rint(np.round(SPO2_USUAL - fallen, 9)), SPO2_LOWEST, 100
    )
    measured = rng.random(given.size) < given.number("monitored")
    return pd.DataFrame(vitals).astype("Int64").apply(lambda sign: sign.where(measured))


def draw_dissociation(
    given: Given, safety: Safety, rng: np.random.Generator
) -> tuple[Bools, pd.Series]:
    """Whether dissociation was noted, and the CADSS total. Planted: it depends on the route and
    falls after session 1.
    """
    first = given.number("dissociation_first")
    later = given.number("dissociation_later")
    chance = later + (first - later) * safety.settles ** (given.sessions.number - 1)
    noted = rng.random(given.size) < np.round(chance, 12)
    with_it, without = (
        rng.gamma(*shape, given.size)
        for shape in (safety.cadss_with, safety.cadss_without)
    )
    points = np.clip(
        np.rint(np.round(np.where(noted, with_it + NOTED_CADSS, without), 9)), 0, 92
    )
    return noted, pd.Series(points).astype("Int64").mask(
        rng.random(given.size) < safety.unrecorded
    )


def _raised(vitals: pd.DataFrame, safety: Safety) -> Bools:
    top, bottom = safety.hypertension
    return (
        ((vitals.systolic_peak >= top) | (vitals.diastolic_peak >= bottom))
        .fillna(False)
        .to_numpy(bool)
    )


def _flags(
    given: Given, noted: Bools, raised: Bools, safety: Safety, rng: np.random.Generator
) -> dict[str, Bools]:
    """Yes/no per adverse event and session."""
    factor = np.where(given.sessions.hard, safety.hard_factor, 1.0)
    flags = {
        name: rng.random(given.size) < np.minimum(rate * factor, 0.9)
        for name, rate in safety.rates
    }
    flags["dissociation"] = noted
    flags["hypertension"] = raised & (
        rng.random(given.size) < safety.hypertension_noted
    )
    flags["dysgeusia"] = (given.route == "intranasal") & (
        rng.random(given.size) < safety.dysgeusia_intranasal
    )
    return flags


def _join(flags: dict[str, Bools]) -> pd.Series:
    """Names of the events that happened, in the order of the closed list, joined by `;`; `none` for
    none.
    """
    words = [
        np.where(flags[name], f"{name};", "")
        for name in ADVERSE_EVENTS
        if name in flags
    ]
    joined = pd.Series(["".join(row) for row in zip(*words, strict=True)], dtype=object)
    return joined.str.rstrip(";").replace("", "none")


def draw_incidents(
    given: Given, safety: Safety, rng: np.random.Generator
) -> pd.DataFrame:
    """Everything seen at a session, one row each: vitals, dissociation, adverse events, serious,
    stopped early.
    """
    vitals = draw_vitals(given, safety, rng)
    noted, cadss = draw_dissociation(given, safety, rng)
    events = _join(_flags(given, noted, _raised(vitals, safety), safety, rng))
    ends = np.where(
        given.sessions.hard, safety.stopped_after_hard, safety.stopped_early
    )
    return vitals.assign(
        dissociation=cadss,
        adverse_events=events.mask(rng.random(given.size) < safety.unrecorded),
        serious=rng.random(given.size) < safety.serious,
        stopped_early=rng.random(given.size) < ends,
    )


def describe_sessions(
    given: Given, safety: Safety, rng: np.random.Generator
) -> pd.DataFrame:
    """Everything recorded of a session but who and when; one row per session, in the order of the
    log.
    """
    incidents = draw_incidents(given, safety, rng)
    minutes = given.number("minutes") + rng.integers(-1, 2, given.size) * MINUTES_SPREAD
    whole = np.where(incidents.stopped_early, np.floor(minutes / 2), minutes).astype(
        np.int64
    )
    discount = 1 + PRICE_SPREAD * (2 * rng.random(given.n_patients) - 1)
    price = given.number("price") * discount[given.sessions.who]
    return incidents.assign(
        drug=np.array([ROUTES[route].drug for route in given.route], dtype=object),
        route=given.route,
        dose_mg=given.dose,
        weight_kg=given.weight,
        duration_min=whole,
        cost=np.rint(np.round(price / PRICE_STEP, 9)) * PRICE_STEP,
    )
