"""Sums from which a mixed model is fitted whose random part is a line for each patient: products
of columns and scores, per patient or by pattern of visits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats


@dataclass(frozen=True, slots=True)
class VisitPattern:
    """People who were scored at the same visits, as sums that add up over clinics.

    Parameters
    ----------
    visits : int64, shape (m,)
        Places of the visits in the list of all, rising.
    people : int
        How many were scored at these visits and no others.
    total : float64, shape (m,)
        Sum of their scores at each visit.
    products : float64, shape (m, m)
        Sum over people of the products of their scores at two visits.
    """

    visits: npt.NDArray[np.int64]
    people: int
    total: Floats
    products: Floats


@dataclass(frozen=True, slots=True)
class LineSums:
    """What the likelihood needs of the rows.

    Parameters
    ----------
    whole : float64, shape (p + 1, p + 1)
        Products of fixed columns and outcome, over all rows.
    first, second : float64, shape (patients, p + 1)
        Products of the two random columns with these, per patient.
    a00, a01, a11 : float64, shape (patients,)
        Products of the random columns among themselves.
    n : int
        Rows.
    people : float64, shape (patients,)
        How many people each of these is.
    restricted : bool
        Whether the likelihood is that of what the fixed part leaves.
    """

    whole: Floats
    first: Floats
    second: Floats
    a00: Floats
    a01: Floats
    a11: Floats
    n: int
    people: Floats
    restricted: bool

    @property
    def degrees(self) -> int:
        """Rows from which the residual variance is estimated."""
        return self.n - (len(self.whole) - 1) * self.restricted

    def condensed(self) -> LineSums:
        """The same sums, in which a few rows stand for the people whose own lines are measured at
        the same places: their products add up to those of all. As it is where hardly any are.
        """
        places = np.column_stack([self.a00, self.a01, self.a11])
        alike, group = np.unique(places, axis=0, return_inverse=True)
        both = np.hstack([self.first, self.second])
        if len(alike) * both.shape[1] >= len(both):
            return self
        in_order = np.argsort(group, kind="stable")
        edges = np.searchsorted(group[in_order], np.arange(len(alike) + 1))
        rows = []
        people = []
        for begin, end in pairwise(edges):
            mine = in_order[begin:end]
            # A triangle has the same products of columns as the rows that it is made of.
            rows.append(np.linalg.qr(both[mine], mode="r"))
            # The first row counts for everybody, the others for nobody.
            people.append(np.zeros(len(rows[-1])))
            people[-1][0] = self.people[mine].sum()
        lengths = [len(each) for each in rows]
        stand = np.vstack(rows)
        first, second = np.hsplit(stand, 2)
        a00, a01, a11 = np.repeat(alike, lengths, axis=0).T
        return replace(
            self,
            first=first,
            second=second,
            a00=a00,
            a01=a01,
            a11=a11,
            people=np.concatenate(people),
        )


def sums_of_rows(
    y: Floats,
    columns: Floats,
    groups: npt.NDArray[np.int64],
    line: Floats,
    restricted: bool,
) -> LineSums:
    """One pass over the rows."""
    size = int(groups.max()) + 1
    both = np.column_stack([columns, y])
    along = line[:, None]
    # Products of the intercept's column of ones, and of the slope's.
    own = _by_patient(
        np.column_stack([np.ones(len(y)), line, line**2]),
        groups,
        size,
    )
    return LineSums(
        whole=both.T @ both,
        first=_by_patient(both, groups, size),
        second=_by_patient(both * along, groups, size),
        a00=own[:, 0],
        a01=own[:, 1],
        a11=own[:, 2],
        n=len(y),
        people=np.ones(size),
        restricted=restricted,
    )


def _by_patient(
    values: Floats,
    groups: npt.NDArray[np.int64],
    size: int,
) -> Floats:
    # One count per column is faster than adding rows into place.
    parts = [
        np.bincount(
            groups,
            column,
            minlength=size,
        )
        for column in values.T
    ]
    return np.column_stack(parts)


def sums_of_patterns(
    patterns: Sequence[VisitPattern],
    columns: Floats,
    line: Floats,
    restricted: bool,
) -> LineSums:
    """What the likelihood needs, in which a few rows stand for the people of each pattern: their
    products add up to those of all.
    """
    p = columns.shape[1]
    whole = np.zeros((p + 1, p + 1))
    rows = []
    own = []
    for pattern in patterns:
        x = columns[pattern.visits]
        along = line[pattern.visits]
        whole += _whole(pattern, x)
        rows.append(_standing_for(pattern, x, along))
        # The first row counts for everybody, the others for nobody.
        people = np.zeros(len(rows[-1]))
        people[0] = pattern.people
        times = np.array([len(along), along.sum(), along @ along])
        own.append(np.column_stack([people, np.tile(times, (len(people), 1))]))
    both = np.vstack(rows)
    apart = np.vstack(own)
    return LineSums(
        whole=whole,
        first=both[:, : p + 1],
        second=both[:, p + 1 :],
        a00=apart[:, 1],
        a01=apart[:, 2],
        a11=apart[:, 3],
        n=sum(pattern.people * len(pattern.visits) for pattern in patterns),
        people=apart[:, 0],
        restricted=restricted,
    )


def _whole(
    pattern: VisitPattern,
    x: Floats,
) -> Floats:
    """Products of fixed columns and outcome over all rows of a pattern."""
    mixed = x.T @ pattern.total
    square = np.trace(pattern.products)
    return np.block(
        [
            [pattern.people * x.T @ x, mixed[:, None]],
            [mixed[None, :], np.array([[square]])],
        ]
    )


def _standing_for(
    pattern: VisitPattern,
    x: Floats,
    along: Floats,
) -> Floats:
    """Rows whose products add up to those of the people: sums of columns and outcome, then the
    same times the slope.
    """
    # Of each person: a constant part, the sum of the scores, and the sum along the slope.
    weights = np.column_stack([np.ones(len(along)), along])
    sums = weights.T @ pattern.total
    gram = np.zeros((3, 3))
    gram[0, 0] = pattern.people
    gram[0, 1:] = sums
    gram[1:, 0] = sums
    gram[1:, 1:] = weights.T @ pattern.products @ weights
    values, vectors = np.linalg.eigh(gram)
    # Sums of squares have no negative part; rounding may leave one.
    roots = (vectors * np.sqrt(np.maximum(values, 0))).T
    constant = roots[:, :1]
    first = np.hstack([constant * x.sum(axis=0), roots[:, 1:2]])
    second = np.hstack([constant * (along @ x), roots[:, 2:]])
    return np.hstack([first, second])
