"""What is given and seen at a session: route, weight, dose, blood pressure, dissociation, adverse
events, and when the next one was planned. Planted signals: dose and route.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints, Objects
from kettrack.simulation.detail import ROUTES, Plans, Safety
from kettrack.simulation.history import SessionLog
from kettrack.simulation.people import whole_numbers
from kettrack.vocabulary.columns import ADVERSE_EVENTS, SESSIONS

WEIGHT_WANDERS: Final = 0.8  # kg from session to session
LOWEST_WEIGHT: Final = 40.0
WHEN: Final = ("before", "peak", "after")
LOWEST_VITAL: Final = 45  # mmHg and /min: nobody plausible lies below
AFTER_SD: Final = 3.0  # mmHg around the pressure to which it falls back
BACK_BY_END: Final = 0.75  # share of the rise gone when the session ends
# Mean, SD between people, SD between sessions, /min.
HEART_RATE: Final = (74.0, 9.0, 5.0)
HEART_RATE_RISE: Final = (9.0, 6.0)
SPO2_USUAL: Final = 97.0
SPO2_SPREAD: Final = 1.5
SPO2_LOWEST: Final = 86
NOTED_CADSS: Final = 6  # points that dissociation worth a note has at least
HIGHEST_CADSS: Final = 92  # 23 items of 0 to 4
MOST_LIKELY: Final = (
    0.9  # highest chance of an adverse event at a session tolerated badly
)
MINUTES_SPREAD: Final = 5
PRICE_SPREAD: Final = (
    0.2  # what a person pays lies within this share of the usual price
)
PRICE_STEP: Final = 5

# Days of the interval that is planned at a session after which nobody came, in a first course.
_USUAL_GAP: Final = 4.0
# Among many thousands of sessions one would lie beyond it, and the clinic would not load.
_FURTHEST: Final = SESSIONS["planned_next_days"].high


# ---- what is given


@dataclass(frozen=True, slots=True)
class Given:
    """One entry per session, but `n_patients`.

    Parameters
    ----------
    sessions : SessionLog
        Who, when and which number.
    n_patients : int
        Number of patients.
    route : array of str
        The patient's own route.
    weight, dose, exposure : array of float
        kg, mg, and mg/kg as if given IV.
    """

    sessions: SessionLog
    n_patients: int
    route: Objects
    weight: Floats
    dose: Floats
    exposure: Floats

    @property
    def size(self) -> int:
        """Number of sessions."""
        return len(self.dose)

    def number(
        self,
        field: str,
    ) -> Floats:
        """One number of `RouteDetail` per session."""
        return per_route(self.route, field)

    def own(
        self,
        sd: float,
        rng: np.random.Generator,
    ) -> Floats:
        """A deviation that is the patient's own, handed to each of the patient's sessions."""
        deviation = sd * rng.standard_normal(self.n_patients)
        return deviation[self.sessions.who]


def per_route(
    route: Objects,
    field: str,
) -> Floats:
    """Turn route names into one number of `RouteDetail` each."""
    numbers = np.array([float(getattr(detail, field)) for detail in ROUTES.values()])
    place = {name: code for code, name in enumerate(ROUTES)}
    codes: Ints = np.array([place[name] for name in route], dtype=np.int64)
    return numbers[codes]


def draw_doses(
    sessions: SessionLog,
    route: Objects,
    weight: Floats,
    safety: Safety,
    rng: np.random.Generator,
) -> Given:
    """Dose of each session, rounded as it is drawn up.

    Parameters
    ----------
    sessions : SessionLog
        Who, when and which number.
    route, weight : array
        Route and usual weight in kg, one entry per patient.
    safety : Safety
        How doses rise.
    rng : numpy.random.Generator
        Stream of the sessions.

    Returns
    -------
    Given
        One entry per session.
    """
    level = _levels(
        sessions,
        route,
        safety,
        rng,
    )
    given_route = route[sessions.who]
    wandered = weight[sessions.who] + rng.normal(0, WEIGHT_WANDERS, len(level))
    kilos: Floats = np.maximum(wandered, LOWEST_WEIGHT).round(1)
    by_weight = per_route(given_route, "per_kg") > 0
    amount = level * np.where(by_weight, kilos, 1.0)
    rounding = per_route(given_route, "rounded_to")
    # at least one step of rounding: nobody is given nothing
    dose = np.maximum(whole_numbers(amount / rounding), 1) * rounding
    exposure = dose / kilos * per_route(given_route, "acts")
    return Given(
        sessions,
        len(route),
        given_route,
        kilos,
        dose,
        exposure,
    )


def _levels(
    sessions: SessionLog,
    route: Objects,
    safety: Safety,
    rng: np.random.Generator,
) -> Floats:
    """Dose level per session in the unit of the route: rises by steps to the person's own
    highest.
    """
    n = len(route)
    titrated = rng.random(n) < safety.titrates
    step = np.where(titrated, per_route(route, "step"), 0.0)
    spread = per_route(route, "most_sd") * rng.standard_normal(n)
    start = per_route(route, "start")
    most = np.maximum(per_route(route, "usual_most") + spread, start)
    who = sessions.who
    level = start[who] + step[who] * (sessions.number - 1)
    return np.minimum(level, most[who])


# ---- what is seen


def describe_sessions(
    given: Given,
    safety: Safety,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Everything recorded of a session but who and when; one row per session, in the order of the
    log.

    Parameters
    ----------
    given : Given
        What is given at each session.
    safety : Safety
        Rates and spreads.
    rng : numpy.random.Generator
        Stream of the sessions.

    Returns
    -------
    DataFrame
        Vital signs (mmHg, /min, %), `dissociation` (CADSS), `adverse_events`, `serious`,
        `stopped_early`, `drug`, `route`, `dose_mg`, `weight_kg`, `duration_min`, `cost`.
    """
    incidents = draw_incidents(given, safety, rng)
    more_or_less = rng.integers(-1, 2, given.size)
    minutes = given.number("minutes") + more_or_less * MINUTES_SPREAD
    # a session that was stopped early took half of its time
    lasted = np.where(incidents.stopped_early, np.floor(minutes / 2), minutes)
    discount = 1 + PRICE_SPREAD * (2 * rng.random(given.n_patients) - 1)
    price = given.number("price") * discount[given.sessions.who]
    return incidents.assign(
        drug=np.array([ROUTES[route].drug for route in given.route], dtype=object),
        route=given.route,
        dose_mg=given.dose,
        weight_kg=given.weight,
        duration_min=lasted.astype(np.int64),
        cost=whole_numbers(price / PRICE_STEP) * PRICE_STEP,
    )


def draw_incidents(
    given: Given,
    safety: Safety,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Everything seen at a session, one row each: vitals, dissociation, adverse events, serious,
    stopped early.
    """
    vitals = draw_vitals(given, safety, rng)
    noted, cadss = draw_dissociation(given, safety, rng)
    raised = _raised(vitals, safety)
    events = _event_names(
        _event_flags(
            given,
            noted,
            raised,
            safety,
            rng,
        )
    )
    hard = given.sessions.hard
    ends = np.where(hard, safety.stopped_after_hard, safety.stopped_early)
    return vitals.assign(
        dissociation=cadss,
        adverse_events=events.mask(rng.random(given.size) < safety.unrecorded),
        serious=rng.random(given.size) < safety.serious,
        stopped_early=rng.random(given.size) < ends,
    )


def draw_vitals(
    given: Given,
    safety: Safety,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Vital signs, one row per session; empty where nobody was there to measure. Planted: dose
    raises blood pressure.
    """
    planted = safety.rise + safety.rise_per_mg_kg * given.exposure
    rise = planted + safety.rise_sd * rng.standard_normal(given.size)
    lower_noise = AFTER_SD * rng.standard_normal(given.size)
    lower_rise = safety.diastolic_rise * rise + lower_noise
    upper = _pressure(_usual_sign(given, safety.systolic, rng), rise, rng)
    lower = _pressure(_usual_sign(given, safety.diastolic, rng), lower_rise, rng)
    heart = _usual_sign(given, HEART_RATE, rng)
    faster = np.maximum(rng.normal(*HEART_RATE_RISE, given.size), 0)
    fallen = np.abs(SPO2_SPREAD * rng.standard_normal(given.size))
    saturation = np.clip(whole_numbers(SPO2_USUAL - fallen), SPO2_LOWEST, 100)
    vitals = {
        **{f"systolic_{when}": upper[when] for when in WHEN},
        **{f"diastolic_{when}": lower[when] for when in WHEN},
        "heart_rate_before": _vital_sign(heart),
        "heart_rate_peak": _vital_sign(heart + faster),
        "spo2_min": saturation,
    }
    measured = rng.random(given.size) < given.number("monitored")
    signs = _possible(pd.DataFrame(vitals))
    return signs.astype("Int64").apply(lambda sign: sign.where(measured))


def _possible(
    vitals: pd.DataFrame,
) -> pd.DataFrame:
    """Held within what the reader takes for a measurement: among many thousands of sessions one
    lies beyond.
    """
    held = vitals.copy()
    for column in SESSIONS.columns:
        # Most columns are no vital sign.
        if column.name in held:
            values = held[column.name]
            held[column.name] = values.clip(column.low, column.high)
    return held


def _usual_sign(
    given: Given,
    usual: tuple[float, float, float],
    rng: np.random.Generator,
) -> Floats:
    """A vital sign before the session: mean, the person's own deviation, the day's."""
    mean, between, within = usual
    return mean + given.own(between, rng) + within * rng.standard_normal(given.size)


def _vital_sign(values: Floats) -> Floats:
    """As it is written down: a whole number that a living person can have."""
    return np.maximum(whole_numbers(values), LOWEST_VITAL)


def _pressure(
    before: Floats,
    rise: Floats,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Before, highest and after, in whole mmHg."""
    risen = np.maximum(rise, 0)
    peak = before + risen
    noise = AFTER_SD * rng.standard_normal(len(rise))
    after = np.minimum(peak - BACK_BY_END * risen + noise, peak)
    pressures = (before, peak, after)
    return dict(zip(WHEN, map(_vital_sign, pressures), strict=True))


def draw_dissociation(
    given: Given,
    safety: Safety,
    rng: np.random.Generator,
) -> tuple[Bools, pd.Series]:
    """Whether dissociation was noted, and the CADSS total. Planted: it depends on the route and
    falls after session 1.
    """
    first = given.number("dissociation_first")
    later = given.number("dissociation_later")
    earlier_sessions = given.sessions.number - 1
    chance = later + (first - later) * safety.settles**earlier_sessions
    noted = rng.random(given.size) < np.round(chance, 12)
    points_with = rng.gamma(*safety.cadss_with, given.size) + NOTED_CADSS
    points_without = rng.gamma(*safety.cadss_without, given.size)
    points = whole_numbers(np.where(noted, points_with, points_without))
    total = pd.Series(np.clip(points, 0, HIGHEST_CADSS)).astype("Int64")
    return noted, total.mask(rng.random(given.size) < safety.unrecorded)


def _raised(
    vitals: pd.DataFrame,
    safety: Safety,
) -> Bools:
    """Whether the highest pressure of a session was hypertension; False where none was measured."""
    top, bottom = safety.hypertension
    raised = (vitals.systolic_peak >= top) | (vitals.diastolic_peak >= bottom)
    return raised.fillna(False).to_numpy(bool)


def _event_flags(
    given: Given,
    noted: Bools,
    raised: Bools,
    safety: Safety,
    rng: np.random.Generator,
) -> dict[str, Bools]:
    """Yes/no per adverse event and session."""
    factor = np.where(given.sessions.hard, safety.hard_factor, 1.0)
    flags = {
        name: rng.random(given.size) < np.minimum(rate * factor, MOST_LIKELY)
        for name, rate in safety.rates
    }
    written_down = rng.random(given.size) < safety.hypertension_noted
    tasted = rng.random(given.size) < safety.dysgeusia_intranasal
    return {
        **flags,
        "dissociation": noted,
        "hypertension": raised & written_down,
        "dysgeusia": (given.route == "intranasal") & tasted,
    }


def _event_names(flags: dict[str, Bools]) -> pd.Series:
    """Names of the events that happened, in the order of the closed list, joined by `;`; `none` for
    none.
    """
    told = [name for name in ADVERSE_EVENTS if name in flags]
    words = [np.where(flags[name], f"{name};", "") for name in told]
    joined = pd.Series(["".join(row) for row in zip(*words, strict=True)], dtype=object)
    return joined.str.rstrip(";").replace("", "none")


def draw_planned_gaps(
    sessions: SessionLog,
    numbers: Plans,
    rng: np.random.Generator,
) -> Floats:
    """Days to the next session as planned at each one; missing where nobody wrote it down.

    Parameters
    ----------
    sessions : SessionLog
        Who, when and which number.
    numbers : Plans
        How often people come late or early.
    rng : numpy.random.Generator
        Stream of the sessions, after everything else that is drawn from it.
    """
    n = len(sessions.day)
    day = sessions.day.astype(np.float64)
    # The log may hold the sessions of a day before those of a person.
    order = np.lexsort((day, sessions.who))
    who = sessions.who[order]
    other = who[1:] != who[:-1]
    gap = np.append(np.diff(day[order]), np.nan)
    # The last session of a person is followed by nothing, not by the next person.
    last = np.append(other, True)
    gap[last] = np.nan
    first = np.append(True, other)
    planned = np.where(
        last,
        _before(gap, first),
        gap,
    )
    late = rng.random(n) < numbers.late
    early = rng.random(n) < numbers.early
    # A share of the interval, so that a month is missed by more days than a week.
    by = rng.uniform(*numbers.off, n) * planned
    moved = np.select(
        [last, late, early],
        [0.0, -by, by],
        0.0,
    )
    days = np.round(planned + moved)
    # Nobody plans the next session for the same day, or beyond what the reader takes.
    days = np.clip(
        days,
        1.0,
        _FURTHEST,
    )
    written = rng.random(n) < numbers.written
    found = np.full(n, np.nan)
    found[order] = np.where(
        written,
        days,
        np.nan,
    )
    return found


def _before(
    gap: Floats,
    first: Bools,
) -> Floats:
    """The interval that led to each session; the usual one at a person's first."""
    earlier = np.append(np.nan, gap[:-1])
    return np.where(
        first,
        _USUAL_GAP,
        earlier,
    )
