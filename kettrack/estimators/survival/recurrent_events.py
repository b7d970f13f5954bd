"""Recurrent events on an integer clock: the mean number of events per patient by each step, with
patients as clusters.

Events of one patient come in bunches, so the interval is built from patients, not from events. What
it needs are products within patients, summed over patients; the sums of two clinics add up to those
of both.

Own code: neither scipy nor statsmodels counts recurrent events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Floats, Ints
from kettrack.errors import UsageError

# a variance of 0 is a sum, and may end a few bits beside it
_ROUNDING = 1e-7


@dataclass(frozen=True, slots=True)
class RecurrenceCounts:
    """Events and follow-up as sums over patients. They are nearly as fine as the patients: to be
    added up, not to be shown.

    Parameters
    ----------
    ended : int64, shape (K,)
        Patients whose last step at risk is 1 .. K.
    events : int64, shape (e, 3)
        Step of an event, last step of its patient, and the number of events with these two.
    pairs : int64, shape (p, 3)
        Earlier and later step of two events of one patient, and the number of ordered pairs with
        these two; an event makes a pair with itself.
    never_at_risk : int
        Patients with last step 0.
    """

    ended: Ints
    events: Ints
    pairs: Ints
    never_at_risk: int = 0

    @property
    def at_risk(self) -> Ints:
        """Patients at risk at each step, shape (K,)."""
        # summed from the last step back: whoever ends at a step is at risk up to and with it
        return self.ended[::-1].cumsum()[::-1]

    @property
    def per_step(self) -> Ints:
        """Events at each step, shape (K,)."""
        found = np.zeros(len(self.ended), np.int64)
        np.add.at(
            found,
            self.events[:, 0] - 1,
            self.events[:, 2],
        )
        return found

    def __add__(self, other: RecurrenceCounts) -> RecurrenceCounts:
        ended = np.zeros(max(len(self.ended), len(other.ended)), np.int64)
        for part in (self, other):
            ended[: len(part.ended)] += part.ended
        return RecurrenceCounts(
            ended=ended,
            events=_summed(np.vstack([self.events, other.events])),
            pairs=_summed(np.vstack([self.pairs, other.pairs])),
            never_at_risk=self.never_at_risk + other.never_at_risk,
        )


def _summed(rows: Ints) -> Ints:
    """One row per distinct pair in the first two columns, the third summed."""
    # both columns in one number, larger than any of either, so that rows sort and group as pairs
    size = int(rows.max(initial=0)) + 1
    both = rows[:, 0] * size + rows[:, 1]
    keys, group = np.unique(both, return_inverse=True)
    total = np.zeros(len(keys), np.int64)
    np.add.at(total, group, rows[:, 2])
    return np.column_stack([keys // size, keys % size, total])


def count_recurrences(
    patient: Ints,
    time: Ints,
    is_event: npt.NDArray[np.bool_],
    followed_to: Ints,
) -> RecurrenceCounts:
    """Count recurrent events.

    Parameters
    ----------
    patient : int, shape (rows,)
        Which patient each row is of, a place in `followed_to`.
    time : int, shape (rows,)
        Step of each row, in days or sessions.
    is_event : bool, shape (rows,)
        Rows that are events; others are passed over, and patients without events need no row. Two
        events of a patient at one step count as two.
    followed_to : int, shape (n,)
        Last step at which each patient is followed; at risk from step 1 to it. With 0 a patient is
        only counted.

    Returns
    -------
    RecurrenceCounts

    Raises
    ------
    UsageError
        When an event comes before step 1 or after its patient's follow-up, or a follow-up is below
        0.

    Examples
    --------
    >>> patient, day = np.array([0, 0, 1]), np.array([1, 3, 3])
    >>> counts = count_recurrences(patient, day, np.ones(3, bool), np.array([4, 3, 2]))
    >>> counts.at_risk.tolist(), counts.per_step.tolist()
    ([3, 3, 2, 1], [1, 0, 2, 0])
    """
    who = patient[is_event].astype(np.int64)
    when = time[is_event].astype(np.int64)
    end = followed_to[who].astype(np.int64)
    outside = int(((when < 1) | (when > end)).sum())
    below = int((followed_to < 0).sum())
    if outside or below:
        raise UsageError(
            f"{outside} events lie outside of 1 .. last step followed;"
            f" {below} last steps are < 0."
        )
    ended = np.bincount(followed_to.astype(np.int64), minlength=1)
    one = np.ones(len(who), np.int64)
    return RecurrenceCounts(
        ended=ended[1:],
        events=_summed(np.column_stack([when, end, one])),
        pairs=_summed(_pairs(who, when)),
        never_at_risk=int((followed_to == 0).sum()),
    )


def _pairs(
    who: Ints,
    when: Ints,
) -> Ints:
    """Every ordered pair of events of one patient: earlier step, later step, 1."""
    # events of a patient side by side, so that each patient is one stretch of `when`
    when = when[np.argsort(who, kind="stable")]
    counts = np.bincount(who)
    counts = counts[counts > 0]
    # every event is written once for each event of its patient, itself among them
    partners = np.repeat(counts, counts)
    one = np.repeat(when, partners)
    # number of the partner within the patient: 0, 1, ... begun anew for every event
    begins = np.cumsum(partners) - partners
    place = np.arange(len(one)) - np.repeat(begins, partners)
    stretch = np.repeat(np.cumsum(counts) - counts, counts)
    other = when[np.repeat(stretch, partners) + place]
    earlier = np.minimum(one, other)
    later = np.maximum(one, other)
    return np.column_stack(
        [
            earlier,
            later,
            np.ones(len(one), np.int64),
        ]
    )


@dataclass(frozen=True, slots=True)
class MeanCount:
    """Mean number of events per patient by each step 1 .. K; arrays of shape (K,).

    Parameters
    ----------
    estimate, ci_low, ci_high : float64
        Mean cumulative function and its pointwise interval, events per patient.
    error : float64
        Standard error of the estimate, patients as clusters.
    at_risk, events : int64
        Patients at risk and events at each step.
    """

    estimate: Floats
    ci_low: Floats
    ci_high: Floats
    error: Floats
    at_risk: Ints
    events: Ints


def estimate_mean_count(
    counts: RecurrenceCounts,
    level: float = 0.95,
) -> MeanCount:
    """Mean cumulative function with an interval that holds however events bunch within patients.

    Parameters
    ----------
    counts : RecurrenceCounts
        From `count_recurrences`, or the sum of several.
    level : float
        Coverage of the pointwise interval.

    Returns
    -------
    MeanCount
        Where all patients had as many events, or none, the interval is that of a Poisson count.

    Notes
    -----
    Nelson-Aalen estimate for counts; variance of Lin, Wei, Yang and Ying 2000 (Journal of the Royal
    Statistical Society B 62:711), interval on the log scale; where patients do not differ, as
    before the first event, that of a Poisson count (Garwood 1936, Biometrika 28:437). Valid when
    follow-up ends for reasons that have nothing to do with the events. Death ends them: with more
    than a few deaths the mean is that of patients who would not have died.

    Examples
    --------
    >>> patient, day = np.array([0, 0, 1]), np.array([1, 3, 3])
    >>> counts = count_recurrences(patient, day, np.ones(3, bool), np.array([3, 3, 3]))
    >>> estimate_mean_count(counts).estimate.round(3).tolist()
    [0.333, 0.333, 1.0]
    """
    from scipy.special import ndtri

    at_risk = counts.at_risk
    events = counts.per_step
    rate = events / at_risk
    estimate = np.cumsum(rate)
    error = np.sqrt(_variance(counts, at_risk.astype(float), rate))
    happened = estimate > 0
    safe = np.where(happened, estimate, 1)
    # on the log scale, so that the lower end stays above 0
    factor = np.exp(ndtri(0.5 + level / 2) * error / safe)
    # Everybody with as many events: patients who do not differ tell no error.
    alike = error <= _ROUNDING * estimate
    least, most = _poisson_ends(np.cumsum(events), level)
    low = np.where(
        alike,
        estimate * least,
        estimate / factor,
    )
    high = estimate * np.where(
        alike,
        most,
        factor,
    )
    none_yet = most / at_risk
    return MeanCount(
        estimate=estimate,
        ci_low=low,
        ci_high=np.where(happened, high, none_yet),
        error=error,
        at_risk=at_risk,
        events=events,
    )


def _poisson_ends(
    events: Ints,
    level: float,
) -> tuple[Floats, Floats]:
    """Exact ends of so many events as shares of their number; of none, the upper end as events."""
    from scipy.special import gammaincinv

    tail = (1 - level) / 2
    number = np.maximum(events, 1)
    least = gammaincinv(number, tail)
    most = gammaincinv(events + 1, 1 - tail)
    return (
        np.asarray(least / number),
        np.asarray(most / number),
    )


def _variance(
    counts: RecurrenceCounts,
    at_risk: Floats,
    rate: Floats,
) -> Floats:
    """Sum over patients of the square of own events / at risk, up to t, less what the mean gives
    them, up to t or their end.

    The square is opened into three sums. What a patient is expected to have, `due`, stops growing
    at the patient's last step; so each sum has a part for those who ended, frozen, and one for
    those still followed.
    """
    steps = len(at_risk)
    due = np.cumsum(rate / at_risk)

    def up_to(step: Ints, amount: Floats) -> Floats:
        """Running sum over the steps of amounts that fall on them."""
        return np.cumsum(np.bincount(step - 1, amount, steps))

    step, end, number = counts.events.T
    earlier, later, products = counts.pairs.T
    share = number / at_risk[step - 1]
    # a pair counts once its later event has come
    both = at_risk[earlier - 1] * at_risk[later - 1]
    own = up_to(later, products / both)
    ended = up_to(end, share * due[end - 1])
    followed = due * (up_to(step, share) - up_to(end, share))
    cross = ended + followed
    frozen = np.cumsum(counts.ended * due**2)
    expected = frozen + due**2 * (at_risk - counts.ended)
    # a variance of 0 may come out a rounding below it
    return np.maximum(own - 2 * cross + expected, 0)
