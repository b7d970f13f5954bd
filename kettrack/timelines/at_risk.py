"""The known scores at which patients are at risk, one after the other: what a run is looked for
in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.timelines.kernels import NO_ROW

# How a value is compared with a cut, by `RunLimits.operator`.
_COMPARED: Final = (np.less_equal, np.greater_equal, np.greater, np.less)


@dataclass(frozen=True, slots=True)
class ScoresAtRisk:
    """The known scores at which patients are at risk, one after the other.

    Of each score: its `row` among all rows, its `patient` and `day`, whether it `holds` the
    predicate, and the `end`, one past the last place of the same patient. `begin` has the first
    place of each patient.
    """

    row: Ints
    patient: Ints
    day: Ints
    holds: Bools
    end: Ints
    begin: Ints

    @classmethod
    def at_risk(
        cls,
        offsets: Numbers,
        day: Numbers,
        value: Numbers,
        known: Bools,
        begin: Ints,
        cuts: Floats,
        operator: int,
    ) -> ScoresAtRisk:
        """Those from row `begin` of each patient; a patient with `NO_ROW` has none."""
        # Whole stretches of rows are listed: patients who are not at risk cost nothing.
        there = np.flatnonzero(begin != NO_ROW)
        first = begin[there]
        size = np.maximum(offsets[there + 1] - first, 0)
        patient = np.repeat(there, size)
        shift = first - (np.cumsum(size) - size)
        row = np.arange(len(patient)) + np.repeat(shift, size)
        scored = known[row]
        row = row[scored]
        patient = patient[scored]
        n_rows = np.bincount(patient, minlength=len(begin))
        ends = np.cumsum(n_rows)
        return cls(
            row=row,
            patient=patient,
            day=day[row].astype(np.int64),
            holds=_COMPARED[operator](value[row], cuts[patient]),
            end=ends[patient],
            begin=ends - n_rows,
        )

    def __len__(self) -> int:
        return len(self.row)

    def next_not_holding(self) -> Ints:
        """First place from each on, of any patient, that does not hold; one more than there are
        places.
        """
        places = np.where(
            self.holds,
            len(self),
            np.arange(len(self)),
        )
        at_end = np.append(places, len(self))
        return np.minimum.accumulate(at_end[::-1])[::-1]

    def last_not_holding(self) -> Ints:
        """Last place up to each, of any patient, that does not hold; -1 = none."""
        places = np.where(
            self.holds,
            NO_ROW,
            np.arange(len(self)),
        )
        return np.maximum.accumulate(places)

    def days_later(self, place: Ints, days: int) -> Ints:
        """First place of the same patient, or behind it, so many days after some places."""
        # One rising number over all patients, so that one search serves them all.
        low = self.day.min(initial=0)
        span = self.day.max(initial=0) - low + 1
        key = self.patient * span + (self.day - low)
        # No day is farther away than the whole span.
        wanted = self.day[place] - low + min(days, span)
        beyond = wanted >= span
        found = np.searchsorted(key, key[place] + min(days, span))
        return np.where(
            beyond,
            self.end[place],
            found,
        )
