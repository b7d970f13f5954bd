"""What is given at a session: route, weight, dose, and how much of it acts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.arrays import Floats, Ints, Objects
from kettrack.simulation.detail import ROUTES, Safety
from kettrack.simulation.history import SessionLog

WEIGHT_WANDERS = 0.8  # kg from session to session
LOWEST_WEIGHT = 40.0


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

    def number(self, field: str) -> Floats:
        """One number of `RouteDetail` per session."""
        return per_route(self.route, field)

    def own(self, sd: float, rng: np.random.Generator) -> Floats:
        """A deviation that is the patient's own, handed to each of the patient's sessions."""
        return (sd * rng.standard_normal(self.n_patients))[self.sessions.who]


def per_route(route: Objects, field: str) -> Floats:
    """Turn route names into one number of `RouteDetail` each."""
    numbers = np.array([float(getattr(detail, field)) for detail in ROUTES.values()])
    place = {name: code for code, name in enumerate(ROUTES)}
    codes: Ints = np.array([place[name] for name in route], dtype=np.int64)
    return numbers[codes]


def _levels(
    sessions: SessionLog, route: Objects, safety: Safety, rng: np.random.Generator
) -> Floats:
    """Dose level per session in the unit of the route: rises by steps to the person's own
    highest.
    """
    n = len(route)
    start = per_route(route, "start")
    usual = per_route(route, "usual_most")
    step = np.where(rng.random(n) < safety.titrates, per_route(route, "step"), 0.0)
    most = np.maximum(
        usual + per_route(route, "most_sd") * rng.standard_normal(n), start
    )
    return np.minimum(
        start[sessions.who] + step[sessions.who] * (sessions.number - 1),
        most[sessions.who],
    )


def draw_doses(
    sessions: SessionLog,
    route: Objects,
    weight: Floats,
    safety: Safety,
    rng: np.random.Generator,
) -> Given:
    """Dose of each session, rounded as it is drawn up; `route` and `weight` have one entry per
    patient.
    """
    level = _levels(sessions, route, safety, rng)
    given_route = route[sessions.who]
    wandered = weight[sessions.who] + rng.normal(0, WEIGHT_WANDERS, len(level))
    kilos = np.asarray(
        np.round(np.maximum(wandered, LOWEST_WEIGHT), 1), dtype=np.float64
    )
    amount = level * np.where(per_route(given_route, "per_kg") > 0, kilos, 1.0)
    rounding = per_route(given_route, "rounded_to")
    dose = np.maximum(np.rint(np.round(amount / rounding, 9)), 1) * rounding
    return Given(
        sessions,
        len(route),
        given_route,
        kilos,
        dose,
        dose / kilos * per_route(given_route, "acts"),
    )
