"""Groups compared at equal other characteristics: a linear regression of what each person adds to a
share on all that is known of people at the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.subgroups.characteristics import (
    characteristic_label,
    characteristic_names,
    characteristic_values,
)
from kettrack.analysis.subgroups.groups import (
    compared_groups,
    groups_of,
    large_groups,
    silent_groups,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE_IN_ARM

# One follows from the other in most clinics, so neither is held equal while the other is compared.
BOUND_TOGETHER: Final = ("route", "drug")
# Share of its own length below which a column says nothing that the others do not.
_SAME: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic of the people who are compared.

    Parameters
    ----------
    name, label : str
        As `by` takes it, and as a reader knows it.
    group : Series
        Ordered category of each person; groups too small to compare are missing.
    number : array of float
        The value where it is a number, in standard deviations from the mean; empty otherwise.
    spread : float
        The standard deviation; missing where it is no number.
    """

    name: str
    label: str
    group: pd.Series
    number: Floats
    spread: float

    @property
    def dummies(self) -> Floats:
        """One column for each group after the first, shape (people, groups - 1)."""
        codes = self.group.cat.codes.to_numpy()
        later = np.arange(1, len(self.group.cat.categories))
        return (codes[:, None] == later).astype(np.float64)

    @property
    def unknown(self) -> Floats:
        """One column for those in no group that is compared."""
        return np.asarray(self.group.isna(), np.float64)[:, None]


def known_characteristics(
    cohort: DerivedCohort,
    people: pd.Index,
    *,
    silent: bool = False,
) -> list[Characteristic]:
    """Every characteristic in which at least two groups of these people can be compared, severity
    first.

    Parameters
    ----------
    cohort : DerivedCohort
        Theirs.
    people : Index
        Patient codes of those who count.
    silent : bool
        Also groups in which nobody was scored after session 1: where being scored is what is
        compared.
    """
    found = []
    for name in _names(cohort):
        group = groups_of(cohort, name).reindex(people)
        if silent:
            large = large_groups(group, FEWEST_PEOPLE_IN_ARM)
        else:
            large = compared_groups(cohort, group, FEWEST_PEOPLE_IN_ARM)
        # One group alone has nothing to be compared with.
        if len(large) < 2:
            continue
        kept = group.cat.set_categories(large)
        found.append(
            Characteristic(
                name,
                characteristic_label(cohort, name),
                kept,
                *_number(cohort, name, people),
            )
        )
    return found


def silent_characteristics(cohort: DerivedCohort, people: pd.Index) -> list[str]:
    """Groups that `known_characteristics` leaves out since nobody in them was scored after session
    1, each with its characteristic.
    """
    found = []
    for name in _names(cohort):
        group = groups_of(cohort, name).reindex(people)
        label = characteristic_label(cohort, name)
        silent = silent_groups(cohort, group, FEWEST_PEOPLE_IN_ARM)
        found += [f"{label} {each}" for each in silent]
    return found


def _names(cohort: DerivedCohort) -> tuple[str, ...]:
    return ("severity", *characteristic_names(cohort), "route")


def _number(
    cohort: DerivedCohort,
    name: str,
    people: pd.Index,
) -> tuple[Floats, float]:
    """A number in standard deviations, and one of them; a missing one stands at the mean."""
    none: tuple[Floats, float] = (np.empty(0), np.nan)
    if name == "route":
        return none
    if name == "severity":
        values = cohort.outcomes.set_index("patient_id")["baseline"]
    else:
        values = characteristic_values(cohort, name)
    # yes and no are numbers to pandas too
    if pd.api.types.is_bool_dtype(values.dtype):
        return none
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return none
    number = values.reindex(people).astype("Float64").to_numpy(float, na_value=np.nan)
    spread = float(np.nanstd(number, ddof=1))
    # A number that is the same for everybody explains nothing.
    if not spread:
        return none
    return np.nan_to_num((number - np.nanmean(number)) / spread), spread


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences of one characteristic, in the unit of the outcome.

    Parameters
    ----------
    difference, error : array of float
        Of each group after the first.
    covariance : array of float
        Of the differences.
    freedom : int
        People less columns: of the t distribution of the differences.
    """

    difference: Floats
    error: Floats
    covariance: Floats
    freedom: int

    @property
    def chance(self) -> float:
        """Chance of differences as far from 0, all of them together, if there were none."""
        return self.chance_after(0)

    def chance_after(self, place: int) -> float:
        """The same for those from one on; missing where there are none."""
        from scipy.special import fdtrc

        difference = self.difference[place:]
        covariance = self.covariance[place:, place:]
        n = len(difference)
        if not n:
            return np.nan
        # What repeats another difference counts once, by the pseudoinverse.
        wald = difference @ np.linalg.pinv(covariance, hermitian=True) @ difference
        # Rounding may leave a difference of nothing a little below 0.
        return float(fdtrc(n, self.freedom, np.maximum(wald, 0) / n))

    def along(self, name: str, steps: Floats, level: float) -> dict[str, float]:
        """A sum of the differences, so many times each, with an interval that holds for every such
        sum at once (Scheffé 1953, Biometrika 40:87).
        """
        from scipy.special import fdtri

        n = len(self.difference)
        reach = np.sqrt(n * fdtri(n, self.freedom, level))
        middle = float(steps @ self.difference)
        half = float(reach * np.sqrt(steps @ self.covariance @ steps))
        return {
            name: middle,
            f"{name}_low": middle - half,
            f"{name}_high": middle + half,
        }


def adjusted_comparison(
    outcome: Floats,
    own: Floats,
    unknown: Floats,
    others: list[Characteristic],
) -> Comparison:
    """Differences at equal other characteristics; without others as they are.

    Parameters
    ----------
    outcome : array of float, shape (people,)
        What each person adds.
    own : array of float, shape (people, columns)
        What is compared.
    unknown : array of float, shape (people, 1)
        Those of whom it is not known.
    others : list of Characteristic
        What is held equal.

    Raises
    ------
    NotIdentified
        When the outcome is the same for everybody, or there are too few people.

    Notes
    -----
    The error of each difference, and of each sum of them, is the larger of two: the one that asks
    for no equal spread (White 1980, Econometrica 48:817), and the usual one (Angrist and Pischke
    2009, Mostly Harmless Econometrics, section 8.1). In a group of a dozen people of whom hardly
    anybody responded, the first by itself takes the little spread that was seen for the truth.
    """
    n = len(outcome)
    if np.ptp(outcome) <= _SAME:
        raise NotIdentified(
            "the outcome is the same for everybody, so there is no difference to tell.",
            "the same columns for more people.",
        )
    parts = [np.ones((n, 1)), own, unknown]
    for other in others:
        parts += [other.dummies, other.unknown]
        # within a band or a third people still differ in the number itself
        parts += [other.number[:, None]] if len(other.number) else []
    x = _own_columns(np.hstack(parts))
    if x.shape[1] >= n:
        raise NotIdentified(
            "there are no more people at risk than characteristics to hold equal.",
            "the same columns for more people.",
        )
    # Every column says something of its own by now, so the normal equations can be solved.
    bread = np.linalg.inv(x.T @ x)
    residual = outcome - x @ (bread @ (x.T @ outcome))
    # the error asks for no equal spread, and counts the columns that are fitted
    scores = x * residual[:, None]
    # with few people the normal distribution would be too sure
    freedom = n - x.shape[1]
    spread = n / freedom * bread @ (scores.T @ scores) @ bread
    inside = slice(1, 1 + own.shape[1])
    difference = (bread @ (x.T @ outcome))[inside]
    robust = spread[inside, inside]
    usual = bread[inside, inside] * (residual @ residual) / freedom
    return Comparison(
        difference=difference,
        error=np.sqrt(np.maximum(np.diag(robust), np.diag(usual))),
        covariance=_larger_of(robust, usual),
        freedom=freedom,
    )


def _larger_of(one: Floats, other: Floats) -> Floats:
    """A covariance by which no sum of the differences varies less than by either of two."""
    lacking, directions = np.linalg.eigh(other - one)
    return one + (directions * np.maximum(lacking, 0)) @ directions.T


def _own_columns(x: Floats) -> Floats:
    """Columns that say something that those before them do not."""
    # Worked out on the products of columns, which are few whatever the number of people.
    gram = x.T @ x
    length = np.diag(gram).copy()
    kept = []
    for place in range(len(length)):
        if gram[place, place] <= _SAME * max(length[place], 1):
            continue
        kept.append(place)
        row = gram[place] / gram[place, place]
        gram = gram - np.outer(gram[:, place], row)
    return x[:, kept]


def others_of(
    name: str,
    characteristics: list[Characteristic],
) -> list[Characteristic]:
    """What is held equal while one characteristic is compared."""
    bound = BOUND_TOGETHER if name in BOUND_TOGETHER else (name,)
    return [each for each in characteristics if each.name not in bound]


def holm(chances: Floats) -> Floats:
    """Chances of several looks, each made larger for the looks beside it (Holm 1979, Scand J Stat
    6:65).

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(chances, kind="stable")
    steps = np.arange(
        len(chances),
        0,
        -1,
    )
    raised = np.maximum.accumulate(chances[order] * steps)
    found = np.empty(len(chances))
    found[order] = np.minimum(raised, 1)
    return found


def shrink(
    difference: Floats,
    error: Floats,
) -> tuple[Floats, float]:
    """Differences drawn toward none by as much as chance explains of their spread, and the spread
    that is left (DerSimonian and Laird 1986, Control Clin Trials 7:177, around 0).

    Examples
    --------
    >>> drawn, spread = shrink(np.array([4.0, -4.0, 0.0]), np.array([1.0, 1.0, 1.0]))
    >>> drawn.round(2).tolist(), round(spread, 2)
    ([3.62, -3.62, 0.0], 3.11)
    """
    weight = 1 / error**2
    # Around no difference rather than around their mean: the first group of each is arbitrary.
    excess = float((weight * difference**2).sum()) - len(difference)
    variance = max(0.0, excess / float(weight.sum()))
    share = variance / (variance + error**2)
    # adding 0 makes no difference of a negative 0
    return difference * share + 0.0, float(np.sqrt(variance))
