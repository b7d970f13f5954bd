"""Cox regression on rows (start, stop]: covariates that change, late entry, strata, ties, and
errors clustered by patient.

A regression of this kind describes who has the event when; it is an association. Where the
covariate is changed because of the patient's state, no adjustment for that state in the same model
makes it causal.

Own code, since `PHReg` of statsmodels 0.15 counts a row as at risk at its own entry time, so that
two rows of a patient that meet on a day are both at risk on it; its clustered errors under Efron's
ties are those of Breslow's; and a coefficient without bound ends in "Singular matrix". With entries
moved between the event times the coefficients agree to the last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NoReturn, get_args

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.survival.partial_likelihood import (
    Likelihood,
    LikelihoodPoint,
    RiskSets,
    risk_sets,
)

Ties = Literal["breslow", "efron"]
_MOST_STEPS: Final = 60
_NOTHING_LEFT: Final = 1e-10  # log-likelihood that a further step would still gain
# log hazard moved by a step that gains nothing: the maximum is at infinity
_STILL_MOVING: Final = 1e-2
# variation of a standardised covariate, in a risk set or beside the others; less is rounding
_SAME_VARIATION: Final = 1e-9


@dataclass(frozen=True, slots=True)
class CoxFit:
    """Log hazard ratios with two standard errors.

    Parameters
    ----------
    names : tuple of str
        Covariates.
    coefficient : float64, shape (p,)
        Log hazard ratio of one unit.
    standard_error : float64, shape (p,)
        From the information matrix: right when rows of a patient are independent given the
        covariates.
    robust_error : float64, shape (p,)
        Clustered by patient, without small-sample correction.
    loglik : float
        Partial log-likelihood.
    n_patients, n_rows, events : int
        What went in. Rows at risk at no event time are among them and say nothing.
    iterations : int
        Newton steps taken.
    """

    names: tuple[str, ...]
    coefficient: Floats
    standard_error: Floats
    robust_error: Floats
    loglik: float
    n_patients: int
    n_rows: int
    events: int
    iterations: int


def fit_cox(  # noqa: PLR0913 - the columns of a counting process, each by its name
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    event: npt.ArrayLike,
    x: npt.ArrayLike,
    patient: npt.ArrayLike,
    strata: npt.ArrayLike | None = None,
    ties: Ties = "breslow",
    names: Sequence[str] | None = None,
) -> CoxFit:
    """Fit a Cox model to counting-process rows.

    Parameters
    ----------
    start, stop : float, shape (rows,)
        At risk after `start` up to and with `stop`; start < stop, `start` may be -inf. Equal times
        are ties, to the last digit.
    event : bool or 0/1, shape (rows,)
        The event happened at `stop`.
    x : float, shape (rows, p)
        Covariates, valid throughout the row; none missing.
    patient : shape (rows,)
        Identifier, the cluster of the robust error. Rows of a patient may overlap.
    strata : shape (rows,), optional
        Rows are compared within a stratum only.
    ties : {"breslow", "efron"}
        Breslow equals a Poisson regression on risk-set rows with a factor for event time. Efron is
        nearer the truth when many events share a time.
    names : sequence of str, optional
        Names of the covariates; x1, x2, ... otherwise.

    Returns
    -------
    CoxFit

    Raises
    ------
    UsageError
        Columns of different length, missing values, start >= stop, or ties that do not exist.
    NotIdentified
        No events, a covariate that is constant or a combination of others among those at risk, a
        coefficient without bound, or no maximum found.

    Notes
    -----
    Robust error from score residuals summed within patients (Lin and Wei 1989), with Efron ties as
    in Therneau and Grambsch (2000). With Breslow ties it is the cluster sandwich of the Poisson
    regression exactly.

    Examples
    --------
    >>> start, stop, event = [0, 0, 2, 0, 0], [4, 2, 6, 5, 3], [1, 0, 1, 0, 1]
    >>> on, who = [[1.0], [0], [1], [0], [0]], ["a", "b", "b", "c", "d"]
    >>> fit = fit_cox(start, stop, event, on, who, names=["on"])
    >>> fit.events, fit.n_patients, round(float(fit.coefficient[0]), 2)
    (3, 4, -0.35)
    """
    if ties not in get_args(Ties):
        raise UsageError(
            f"There is no way {ties!r} to treat ties; there are {' and '.join(get_args(Ties))}."
        )
    covariates = np.asarray(x, float)
    if covariates.ndim != 2 or not covariates.shape[1]:
        raise UsageError("x must be a table of rows and covariates, at least one.")
    told = (
        tuple(names)
        if names is not None
        else tuple(f"x{place}" for place in range(1, covariates.shape[1] + 1))
    )
    sets, who = _arranged(
        start,
        stop,
        event,
        patient,
        strata,
        covariates,
    )
    # standardised, so that one tolerance serves every covariate; turned back at the end
    scaled, scale = _scaled(covariates[sets.rows], told)
    likelihood = Likelihood(
        sets,
        scaled,
        _fractions(sets, ties),
    )
    start_point = likelihood.at(np.zeros(len(told)))
    _require_own_variation(start_point.information, told, len(sets.slot))
    end, steps = _climb(likelihood, start_point, told)
    inverse = np.linalg.inv(end.information)
    # rows of a patient are summed before they are squared: that is what makes the error robust
    scores = np.zeros((who.max() + 1, len(told)))
    np.add.at(scores, who[sets.rows], likelihood.score_residuals(end))
    robust = inverse @ scores.T
    return CoxFit(
        names=told,
        coefficient=end.beta / scale,
        standard_error=np.sqrt(np.diag(inverse)) / scale,
        robust_error=np.sqrt((robust**2).sum(axis=1)) / scale,
        loglik=end.loglik,
        n_patients=len(scores),
        n_rows=len(covariates),
        events=len(sets.slot),
        iterations=steps,
    )


def _arranged(
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    event: npt.ArrayLike,
    patient: npt.ArrayLike,
    strata: npt.ArrayLike | None,
    x: Floats,
) -> tuple[RiskSets, Ints]:
    """Risk sets, and the number of the patient of each row."""
    since = np.asarray(start, float)
    until = np.asarray(stop, float)
    happened = np.asarray(event, float)
    people = np.asarray(patient)
    groups = np.zeros(len(x)) if strata is None else np.asarray(strata)
    if any(
        column.shape != (len(x),) for column in (since, until, happened, people, groups)
    ):
        raise UsageError(
            "start, stop, event, patient and strata must have one value for each row of x."
        )
    if any((column != column).any() for column in (people, groups)):
        raise UsageError("Some rows have no patient or no stratum.")
    if not (
        np.isfinite(x).all()
        and np.isfinite(until).all()
        and np.isin(happened, (0, 1)).all()
    ):
        raise UsageError(
            "stop and x must be finite numbers and event 0 or 1, none missing."
        )
    if empty := int((~(since < until)).sum()):
        raise UsageError(
            f"{empty} of {len(x)} rows do not start before they stop; a row is (start, stop]."
        )
    if not happened.any():
        raise NotIdentified("nobody had the event.", "more patients, or for longer.")
    stratum, who = (
        np.unique(column, return_inverse=True)[1] for column in (groups, people)
    )
    return risk_sets(
        since,
        until,
        happened == 1,
        stratum,
    ), who


def _scaled(
    x: Floats,
    names: tuple[str, ...],
) -> tuple[Floats, Floats]:
    """Covariates with mean 0 and standard deviation 1 over the rows at risk, and the standard
    deviations.
    """
    if len(names) != x.shape[1]:
        raise UsageError(f"{x.shape[1]} covariates have {len(names)} names.")
    centre = x.mean(axis=0)
    scale = x.std(axis=0)
    # against the size of the values: a constant has no spread but that of rounding
    flat = scale <= 1e-12 * np.abs(centre)
    if flat.any():
        _refuse_constant(names[int(flat.argmax())])
    return (x - centre) / scale, scale


def _fractions(
    sets: RiskSets,
    ties: Ties,
) -> Floats:
    """Share of those with an event at the same time that has left before each event: 0, or 0/d,
    1/d, ... (d - 1)/d.
    """
    if ties == "breslow":
        return np.zeros(len(sets.slot))
    # events are in the order of slots, so the first of each slot is where the ones before it end
    first = np.cumsum(sets.deaths) - sets.deaths
    place = np.arange(len(sets.slot)) - first[sets.slot]
    return place / sets.deaths[sets.slot]


def _climb(
    likelihood: Likelihood,
    point: LikelihoodPoint,
    names: tuple[str, ...],
) -> tuple[LikelihoodPoint, int]:
    """Newton's method, halving steps that lead down."""
    for taken in range(1, _MOST_STEPS + 1):
        step = _solved(point.information, point.score)
        # what the quadratic model says that the step will gain
        if point.score @ step / 2 < _NOTHING_LEFT:
            _require_bound(likelihood.x, step, names)
            return likelihood.at(point.beta + step), taken
        point = _uphill(likelihood, point, step)
    raise _no_maximum()


def _solved(
    information: Floats,
    score: Floats,
) -> Floats:
    """Newton's step; scaled first, so that a covariate whose information fades still gets its
    own.
    """
    # the floor keeps a covariate without information from dividing by 0
    spread = np.sqrt(np.maximum(np.diag(information), 1e-30))
    scaled = information / np.outer(spread, spread)
    try:
        step: Floats = np.linalg.solve(scaled, score / spread) / spread
    except np.linalg.LinAlgError:
        raise _no_maximum() from None
    return step


def _uphill(
    likelihood: Likelihood,
    point: LikelihoodPoint,
    step: Floats,
) -> LikelihoodPoint:
    # far from the maximum a whole step may lead down; a part of it leads up, for the
    # log-likelihood is concave
    rounding = 1e-12 * (1 + abs(point.loglik))
    for halvings in range(30):
        trial = likelihood.at(point.beta + step / 2**halvings)
        if trial.loglik >= point.loglik - rounding:
            return trial
    raise _no_maximum()


def _require_bound(
    x: Floats,
    step: Floats,
    names: tuple[str, ...],
) -> None:
    """Refuse when the coefficients still run although the likelihood has stopped to rise."""
    moved = np.abs(step) * np.ptp(x, axis=0)
    if moved.max() > _STILL_MOVING:
        running = ", ".join(
            name for name, far in zip(names, moved, strict=True) if far > _STILL_MOVING
        )
        raise NotIdentified(
            f"nothing bounds the coefficient of {running}: every event came to those highest, or"
            " lowest, on it.",
            "more events, or fewer covariates.",
        )


def _require_own_variation(
    information: Floats,
    names: tuple[str, ...],
    events: int,
) -> None:
    """Each covariate varies among those at risk, and not only as the ones before it do."""
    for place, name in enumerate(names):
        own = information[place, place]
        shared = information[:place, place]
        if own <= _SAME_VARIATION * events:
            _refuse_constant(name)
        # what is left of its variation when those before it are taken out: one step of Cholesky
        slope = np.linalg.solve(information[:place, :place], shared)
        if own - slope @ shared <= _SAME_VARIATION * own:
            others = ", ".join(
                other
                for other, part in zip(names, slope, strict=False)
                if abs(part) > 1e-6
            )
            raise NotIdentified(
                f"{name} is a combination of {others} among those at risk; they cannot be told"
                " apart.",
                "nothing more: leave one of them out.",
            )


def _no_maximum() -> NotIdentified:
    return NotIdentified(
        "the likelihood has no maximum that could be found.",
        "more events, or fewer covariates.",
    )


def _refuse_constant(name: str) -> NoReturn:
    raise NotIdentified(
        f"{name} is the same for all at risk at every event.",
        f"patients who differ in {name}.",
    )
