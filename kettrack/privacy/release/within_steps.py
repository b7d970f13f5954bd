"""Logs that end within a row of a curve.

A row that stands for several days or sessions does not say when in it a log ended. Taken to end
after everything else, such logs would count people who are no longer seen as still without the
event, and the curve would be too low.
"""

from __future__ import annotations

import numpy as np

from kettrack.arrays import Floats, Ints
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    Incidence,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import (
    Counts,
    LifeCounts,
    Survival,
    estimate_survival,
)


def gone_before(ended: Counts, steps: Ints | Floats) -> Floats:
    """How many logs of each row are taken to end before what happens in it.

    Parameters
    ----------
    ended : number, shape (rows,)
        Logs that end in each row.
    steps : int, shape (rows,)
        Days or sessions that each row stands for.

    Notes
    -----
    Ends are spread evenly over the steps of a row, and so is what happens in it; on one step a log
    ends after it. Of many steps this is the half of the actuarial life table.

    Examples
    --------
    >>> gone_before(np.array([14, 14]), np.array([1, 7])).tolist()
    [0.0, 6.0]
    """
    share = (steps - 1) / (2 * steps)
    return np.asarray(share * ended, np.float64)


def incidence_of_rows(
    counts: ExitCounts,
    before: Floats,
    level: float,
) -> Incidence:
    """Aalen-Johansen estimate at the end of each row.

    Parameters
    ----------
    counts : ExitCounts
        One step for each row.
    before : float64, shape (rows,)
        From `gone_before`.
    level : float
        Of the interval.
    """
    # Each row becomes two steps: some logs end in the first, everything else is in the second.
    found = estimate_incidence(
        ExitCounts(
            events=_behind(np.zeros_like(counts.events), counts.events),
            censored=_behind(before, counts.censored - before),
        ),
        level,
    )
    return Incidence(
        estimate=found.estimate[1::2],
        ci_low=found.ci_low[1::2],
        ci_high=found.ci_high[1::2],
        free=found.free[1::2],
    )


def survival_of_rows(
    counts: LifeCounts,
    before: Floats,
    level: float,
) -> Survival:
    """Kaplan-Meier estimate at the end of each row; as `incidence_of_rows`."""
    found = estimate_survival(
        LifeCounts(
            events=_behind(np.zeros_like(counts.events), counts.events),
            censored=_behind(before, counts.censored - before),
        ),
        level,
    )
    return Survival(
        time=np.arange(len(before)),
        at_risk=counts.at_risk,
        events=counts.events,
        censored=counts.censored,
        estimate=found.estimate[1::2],
        standard_error=found.standard_error[1::2],
        ci_low=found.ci_low[1::2],
        ci_high=found.ci_high[1::2],
    )


def _behind(first: Counts, second: Counts) -> Counts:
    """Two arrays of rows as one, each row of the second behind that of the first."""
    pairs = np.stack([first, second], axis=1)
    return pairs.reshape(-1, *first.shape[1:])
