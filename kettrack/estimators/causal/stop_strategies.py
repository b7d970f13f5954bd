"""Following a strategy of "so many sessions, then stop": how likely it was, and what the weighted
followers say.

Time after each session is cut into bins. In each bin a logistic model says how likely the next
session was, given what was known before the bin began. Whoever followed a strategy although that
was unlikely stands for those who departed from it: the weight is one over the probability of all
that the strategy asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.estimators.regression.least_squares import fit_least_squares
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.estimators.regression.logistic_steps import step_logistic

_LEAST = 1e-300  # a probability that rounds to 0 keeps a logarithm


@dataclass(frozen=True, slots=True)
class GapRows:
    """One row per patient, session and bin of the time after it, sorted in this order.

    Parameters
    ----------
    patient : int64, shape (rows,)
        0, 1, ... people - 1.
    session : int64, shape (rows,)
        1, 2, ...: the session after which the time runs.
    bin : int64, shape (rows,)
        Bin of the days after it.
    at_risk : bool, shape (rows,)
        Whether the bin began before the next session came. Elsewhere the history is the last that
        was known before it.
    event : bool, shape (rows,)
        The next session came in the bin.
    in_grace : bool, shape (rows,)
        The bin belongs to the time in which going on must happen.
    history : float64, shape (rows, columns)
        Covariates known before the bin began, without an intercept.
    people : int
        Number of patients, those without a row included.
    """

    patient: Ints
    session: Ints
    bin: Ints
    at_risk: Bools
    event: Bools
    in_grace: Bools
    history: Floats
    people: int

    def take(self, kept: Bools) -> GapRows:
        """Some of the rows."""
        return GapRows(
            patient=self.patient[kept],
            session=self.session[kept],
            bin=self.bin[kept],
            at_risk=self.at_risk[kept],
            event=self.event[kept],
            in_grace=self.in_grace[kept],
            history=self.history[kept],
            people=self.people,
        )


def possible_rows(rows: GapRows) -> Bools:
    """Rows in whose bin, and up to whose session, a next session was ever seen; elsewhere the
    hazard is 0.

    A bin, or a last session, after which nobody ever comes would only send a coefficient to
    infinity.

    Returns
    -------
    bool, shape (rows,)
    """
    # seen of anybody: a bin is possible for all or for none
    seen = np.unique(rows.bin[rows.event])
    last = rows.session[rows.event].max(initial=0)
    in_bin = np.isin(rows.bin, seen)
    return np.asarray(in_bin & (rows.session <= last))


def session_hazard(
    rows: GapRows,
    counted: Numbers | None = None,
) -> Floats:
    """Fitted probability that the next session comes in the bin, if it did not come before.

    Parameters
    ----------
    rows : GapRows
        Only `possible_rows`.
    counted : number, shape (replicates, people), optional
        How often each patient counts; default once.

    Returns
    -------
    float64, shape (rows,) or (replicates, rows)

    Notes
    -----
    Two models, each with an intercept per bin: going on within the grace, and coming back after it.
    Who goes on and who comes back do so for other reasons, and one set of coefficients for both
    biased the means by a point in a simulation.
    """

    def fit(part: Bools) -> Floats:
        x, y, who = _at_risk(rows, part)
        drawn = None if counted is None else counted[:, who]
        return fit_logistic(
            x,
            y,
            drawn,
        )

    return _predicted(rows, [fit(part) for part in _two_parts(rows)])


def stepped_hazard(
    rows: GapRows,
    counted: Numbers,
    parts: int,
) -> Iterator[Floats]:
    """`session_hazard` of replicates by `step_logistic`, in parts that fit into memory; each shape
    (some replicates, rows).
    """
    fits = []
    for part in _two_parts(rows):
        x, y, who = _at_risk(rows, part)
        beta = step_logistic(
            x,
            y,
            who,
            counted,
        )
        fits.append(np.array_split(beta, parts))
    for few in zip(*fits, strict=True):
        yield _predicted(rows, few)


def _two_parts(rows: GapRows) -> list[Bools]:
    """Rows within the grace and after it, where there are any."""
    return [part for part in (rows.in_grace, ~rows.in_grace) if part.any()]


def _columns(
    rows: GapRows,
    part: Bools,
) -> Floats:
    """An intercept for each bin, and the history."""
    bins = rows.bin[part]
    own = bins[:, None] == np.unique(bins)
    columns = np.column_stack([own, rows.history[part]])
    return columns.astype(np.float64)


def _at_risk(
    rows: GapRows,
    part: Bools,
) -> tuple[Floats, Bools, Ints]:
    """Columns, event and patient of the rows that a model is fitted to."""
    of = rows.at_risk[part]
    x = _columns(rows, part)[of]
    event = rows.event[part][of]
    who = rows.patient[part][of]
    return x, event, who


def _predicted(
    rows: GapRows,
    fits: Sequence[Floats],
) -> Floats:
    """Fitted to those at risk, predicted for every row: what the strategy asks is asked of all."""
    parts = _two_parts(rows)
    replicates = fits[0].shape[:-1] if fits else ()
    out = np.zeros((*replicates, len(rows.bin)))
    for part, beta in zip(parts, fits, strict=True):
        out[..., part] = predict_logistic(_columns(rows, part), beta)
    return out


@dataclass(frozen=True, slots=True)
class Following:
    """What a strategy asked of those who followed it.

    Parameters
    ----------
    sessions : int64, shape (people,)
        Sessions of each follower under the strategy; 0 = did not follow it.
    had_to_go_on : bool, shape (rows,)
        Rows of the gaps in which the next session had to come within the grace.
    had_to_stay_away : float64, shape (rows,)
        Share of the bin, 0 to 1, in which no session might come.
    still_due : float64, shape (rows,), optional
        In the gap in which a rule ended the sessions before the next one came, the share of each
        bin of the grace that was left; missing in all other rows.
    """

    sessions: Ints
    had_to_go_on: Bools
    had_to_stay_away: Floats
    still_due: Floats | None = None

    @property
    def followed(self) -> Bools:
        """Who followed it."""
        return np.asarray(self.sessions > 0)


def stop_after_last(
    rows: GapRows,
    last: Ints,
    followed: Bools,
    away_in_grace_only: bool = False,
) -> Following:
    """Every patient beside the strategy they followed: as many sessions as they had, then none.

    Parameters
    ----------
    rows : GapRows
        Of everybody.
    last : int64, shape (people,)
        Number of their last session.
    followed : bool, shape (people,)
        Whether they followed it, that is, no session came afterwards that the strategy forbids.
    away_in_grace_only : bool
        Sessions after the grace are none of the strategy's business.
    """
    theirs = followed[rows.patient]
    at_last = rows.session == last[rows.patient]
    # the gaps before the last session had to end in the grace, the one after it must not
    forbidden = np.ones(len(rows.bin), dtype=bool)
    if away_in_grace_only:
        forbidden = rows.in_grace
    stayed_away = theirs & at_last & forbidden
    return Following(
        sessions=np.where(followed, last, 0),
        had_to_go_on=theirs & ~at_last & rows.in_grace,
        had_to_stay_away=stayed_away.astype(np.float64),
    )


def probability_within_grace(
    rows: GapRows,
    hazard: Floats,
) -> tuple[Ints, Floats]:
    """Probability of a next session within the grace after each session.

    Returns
    -------
    first : int64, shape (gaps,)
        First row of each gap.
    chance : float64, shape (gaps,) or (replicates, gaps)
    """
    return _chance_to_go_on(rows, _log_away(hazard))


def _chance_to_go_on(
    rows: GapRows,
    away: Floats,
) -> tuple[Ints, Floats]:
    first = _first_rows(rows)
    if not len(first):
        return first, away[..., :0]
    in_grace = away * rows.in_grace
    logs = np.add.reduceat(in_grace, first, axis=-1)
    # 1 - exp(sum of logarithms), with all digits of a small chance
    return first, -np.expm1(logs)


def _first_rows(rows: GapRows) -> Ints:
    """First row of each gap; rows are sorted by patient and session."""
    new_patient = np.diff(rows.patient, prepend=-1)
    new_session = np.diff(rows.session, prepend=-1)
    return np.flatnonzero(new_patient | new_session)


def _log_away(hazard: Floats) -> Floats:
    """Log of the chance of no session in each bin."""
    # a hazard of 1 leaves a chance just above 0, whose logarithm exists
    below_1 = np.minimum(hazard, 1 - 1e-16)
    return np.log1p(-below_1)


def following_probability(
    rows: GapRows,
    hazard: Floats,
    following: Following,
) -> Floats:
    """Probability of following the strategy all along, given the history; 1 for those who did not.

    Parameters
    ----------
    rows : GapRows
        Only `possible_rows`.
    hazard : float64, shape (rows,) or (replicates, rows)
        From `session_hazard`.
    following : Following
        Of the same rows.

    Returns
    -------
    float64, shape (people,) or (replicates, people)

    Notes
    -----
    A strategy draws the days to the next session as the clinic does, among those within the grace.
    Whoever a rule stopped before the next session came had, by the strategy, the chance (1 - S(G) /
    S(t)) / (1 - S(G)) of what is seen without it, S the fitted chance of no session up to a day, t
    the day of the rule, G the end of the grace. Counting it as 1 would let those who had stopped
    coming by themselves stand for people who were still to come.

    Examples
    --------
    >>> rows = GapRows(
    ...     patient=np.array([0, 0]),
    ...     session=np.array([1, 2]),
    ...     bin=np.array([0, 0]),
    ...     at_risk=np.array([True, True]),
    ...     event=np.array([True, False]),
    ...     in_grace=np.array([True, True]),
    ...     history=np.zeros((2, 0)),
    ...     people=1,
    ... )
    >>> asked = stop_after_last(rows, np.array([2]), np.array([True]))
    >>> following_probability(rows, np.array([0.8, 0.25]), asked).round(3).tolist()
    [0.6]
    """
    away = _log_away(hazard)
    first, chance = _chance_to_go_on(rows, away)
    owner = rows.patient[first]
    asked = following.had_to_go_on[first]
    going_on = _log(chance[..., asked])
    kept_away = np.flatnonzero(following.had_to_stay_away)
    share = following.had_to_stay_away[kept_away]
    staying_away = away[..., kept_away] * share
    parts = [
        (going_on, owner[asked]),
        (staying_away, rows.patient[kept_away]),
    ]
    if following.still_due is not None and len(first):
        cut = ~np.isnan(following.still_due[first])
        still_due = np.nan_to_num(following.still_due)
        in_time = np.add.reduceat(away * still_due, first, axis=-1)
        left = -np.expm1(in_time)[..., cut]
        # the chance without the rule, over what was left of it when the rule came
        without = _log(chance[..., cut])
        ended = without - _log(left)
        parts.append((ended, owner[cut]))
    logs = np.zeros((*hazard.shape[:-1], rows.people))
    for values, who in parts:
        if len(who):
            # rows of a person are one stretch: a sum over each stretch is a sum over a person
            begins = np.flatnonzero(np.diff(who, prepend=-1))
            sums = np.add.reduceat(values, begins, axis=-1)
            logs[..., who[begins]] += sums
    return np.asarray(
        np.exp(logs),
        dtype=np.float64,
    )


def _log(chance: Floats) -> Floats:
    return np.log(np.maximum(chance, _LEAST))


def share_following(
    sessions: Ints,
    counted: Numbers | None = None,
) -> Floats:
    """Share of all patients who followed the same strategy; it stabilises their weights.

    Returns
    -------
    float64, shape (people,) or (replicates, people)
        0 for those who followed none.
    """
    most = sessions.max(initial=0)
    strategies = np.arange(1, most + 1)
    # who follows which: one product counts the followers, another hands the shares back to them
    follows = sessions[:, None] == strategies
    members = follows.astype(np.float64)
    weights = np.ones(len(sessions))
    if counted is not None:
        weights = counted.astype(np.float64)
    total = weights.sum(axis=-1, keepdims=True)
    share = (weights @ members) / total
    return np.asarray(
        share @ members.T,
        dtype=np.float64,
    )


def observed_chance(
    x: Floats,
    observed: Bools,
    among: Bools,
    counted: Numbers | None = None,
) -> Floats:
    """Fitted probability that the outcome was observed; 1 where nothing is missing.

    Parameters
    ----------
    x : float64, shape (people, columns)
        What was known before the outcome was due, with an intercept.
    observed, among : bool, shape (people,)
        Whose outcome is there, and whom the model is about.
    counted : number, shape (replicates, people), optional
        How often each patient counts.
    """
    seen = observed[among]
    if seen.all() or not seen.any():
        return np.ones(len(x) if counted is None else counted.shape)
    weights = None if counted is None else counted[:, among]
    beta = fit_logistic(x[among], seen, weights)
    # weights divide by it
    return np.maximum(predict_logistic(x, beta), 1e-12)


def smooth_means(
    sessions: Ints,
    outcome: Floats,
    weights: Floats,
    at: tuple[int, ...],
) -> Floats:
    """Mean outcome under "stop after k" from a weighted quadratic in k, the marginal structural
    model.

    Parameters
    ----------
    sessions : int64, shape (followers,)
        Strategy of each follower.
    outcome : float64, shape (followers,)
        Observed.
    weights : float64, shape (followers,) or (replicates, followers)
        Of following it and being observed.
    at : tuple of int
        Strategies whose mean is wanted.

    Returns
    -------
    float64, shape (at,) or (replicates, at)

    Examples
    --------
    >>> k, score = np.array([1, 2, 3, 4]), np.array([9.0, 8.0, 7.0, 6.0])
    >>> smooth_means(k, score, np.ones(4), (2, 4)).round(6).tolist()
    [8.0, 6.0]
    """
    beta = fit_least_squares(_powers(sessions), outcome, weights)
    return np.asarray(
        beta @ _powers(np.array(at)).T,
        dtype=np.float64,
    )


def _powers(k: npt.ArrayLike) -> Floats:
    number = np.asarray(k, dtype=np.float64)
    intercept = np.ones(len(number))
    return np.column_stack([intercept, number, number**2 / 10])


def weighted_mean(
    outcome: Floats,
    weights: Floats,
) -> Floats:
    """Mean of the followers of one strategy, missing where nobody has a weight; shape () or
    (replicates,).
    """
    total = weights.sum(axis=-1)
    safe = np.where(total > 0, total, 1)
    return np.where(
        total > 0,
        (weights @ outcome) / safe,
        np.nan,
    )
