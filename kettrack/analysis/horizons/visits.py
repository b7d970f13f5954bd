"""Fixed horizons: of whom a score can be expected there, which score counts, and what it means:
response, remission, reliable change, and change in points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import UsageError
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.published.reliable_change import CHANGES, classify_change
from kettrack.timelines.states import meets
from kettrack.vocabulary.days import (
    AFTER_COURSE_DAYS,
    DAYS_IN_WEEK,
    EARLY_VISIT_TOLERANCE_DAYS,
    EARLY_VISIT_WEEKS,
    HEDIS_WINDOW_DAYS,
    HORIZON_DAYS,
    HORIZON_TOLERANCE_DAYS,
    OTHER_HORIZON_WEEKS,
)
from kettrack.vocabulary.instruments import PHQ9
from kettrack.vocabulary.limits import FEWEST_SCORED_PER_VISIT

COURSE_END: Final = "end_of_induction"
MONTHS: Final = "months_4_to_8"
_MAIN_WEEK: Final = HORIZON_DAYS // DAYS_IN_WEEK
WEEKS: Final = {
    f"week_{week}": week for week in sorted({*OTHER_HORIZON_WEEKS, _MAIN_WEEK})
}
DEFAULT_HORIZON: Final = f"week_{_MAIN_WEEK}"
HORIZONS: Final = (COURSE_END, *WEEKS, MONTHS)
# Horizon -> as a sentence names it.
HORIZON_NAMES: Final = {
    COURSE_END: f"{AFTER_COURSE_DAYS[0]} to {AFTER_COURSE_DAYS[1]} days after the first course",
    **{key: f"week {week}" for key, week in WEEKS.items()},
    MONTHS: "4 to 8 months after the baseline",
}

RESPONSE: Final = "response"
REMISSION: Final = "remission"
IMPROVED: Final = "reliable_improvement"
RECOVERED: Final = "reliable_recovery"
WORSE: Final = "reliable_deterioration"
CHANGE: Final = "change"
EFFECT: Final = "effect_size"
# Outcome -> what it is, and its unit; the harm stands beside the good news.
OUTCOMES: Final = {
    RESPONSE: ("response", "%"),
    REMISSION: ("remission", "%"),
    IMPROVED: ("improved by a reliable change", "%"),
    RECOVERED: ("reliably improved and no longer a case", "%"),
    WORSE: ("worse by a reliable change", "%"),
    CHANGE: ("mean change", "points"),
    EFFECT: (
        "mean change at the severity of everybody counted, in SDs of their baselines",
        "SD",
    ),
}


@dataclass(frozen=True, slots=True)
class Window:
    """Days in which a score of each patient counts; arrays of shape (n,).

    Parameters
    ----------
    low, high : int64
        First and last day.
    target : int64
        The score nearest to this day counts, of two as near the earlier.
    """

    low: Ints
    high: Ints
    target: Ints


@dataclass(frozen=True, slots=True)
class Visit:
    """Scores of everybody who could be scored at a horizon, n people.

    Parameters
    ----------
    horizon : str
        One of `HORIZONS`.
    person : int64, shape (n,)
        Place of each person in the cohort.
    baseline, score : float64, shape (n,)
        In points; the score is missing where there is none in the window.
    visits : float64, shape (n, v)
        Scores at the horizon and at other visits, in time order. A score in the window of the
        horizon stands at no other visit.
    place : int
        Column of the horizon.
    window : Window
        Of the whole cohort.
    """

    horizon: str
    person: Ints
    baseline: Floats
    score: Floats
    visits: Floats
    place: int
    window: Window

    @property
    def scored(self) -> Bools:
        """Who has a score."""
        return ~np.isnan(self.score)


def horizons_of(cohort: DerivedCohort) -> tuple[str, ...]:
    """Horizons that can be asked for: the last one is published for one scale only."""
    published = cohort.instrument.name == PHQ9.name
    return HORIZONS if published else HORIZONS[:-1]


def require_horizon(horizon: str, cohort: DerivedCohort) -> None:
    """Refuse a horizon that does not exist.

    Raises
    ------
    UsageError
        With the names there are.
    """
    names = horizons_of(cohort)
    if horizon not in names:
        raise UsageError(f"A horizon is one of {', '.join(names)}, not {horizon!r}.")


def visit_at(cohort: DerivedCohort, horizon: str) -> Visit:
    """Scores at a horizon, and what else is known of the same people.

    Counted are patients whose change is rated and whose log reaches to the end of the window. Where
    no log says how far it reaches, everybody stays in.
    """
    window = _window(cohort, horizon)
    # Whoever joined too late to be scored there is not missing, but still to come.
    person = np.flatnonzero(cohort.rated & _reaches(cohort, window.high))
    # Of several scores in these months the published measure takes the most recent.
    latest = horizon == MONTHS
    rows = chosen_rows(cohort, window, latest)
    score = score_in(cohort, rows)[person]
    baseline = np.asarray(cohort.baselines.score, dtype=np.float64)[person]
    visits, place = _visits(
        cohort,
        horizon,
        window,
        (person, score),
    )
    return Visit(
        horizon=horizon,
        person=person,
        baseline=baseline,
        score=score,
        visits=visits,
        place=place,
        window=window,
    )


def _window(
    cohort: DerivedCohort,
    horizon: str,
) -> Window:
    if horizon in WEEKS:
        return _week_window(cohort.bucket.n, WEEKS[horizon], HORIZON_TOLERANCE_DAYS)
    # The first score after a course counts, as in its source, so the target is the first day.
    if horizon == COURSE_END:
        ends = cohort.first_courses["end_day"].reindex(cohort.bucket.patient_id)
        start = ends.to_numpy(np.int64)
        edges = AFTER_COURSE_DAYS
    else:
        start = np.asarray(cohort.baselines.day, dtype=np.int64)
        edges = HEDIS_WINDOW_DAYS
    return Window(start + edges[0], start + edges[1], start + edges[0])


def _week_window(
    n: int,
    week: int,
    tolerance: int,
) -> Window:
    day = np.full(n, DAYS_IN_WEEK * week)
    return Window(day - tolerance, day + tolerance, day)


def _reaches(
    cohort: DerivedCohort,
    last: Ints,
) -> Bools:
    """Whether the log of each patient goes on to the last day of the window."""
    observed = cohort.patients["observed_to_day"].astype("Float64")
    if observed.isna().all():
        return np.ones(cohort.bucket.n, bool)
    return np.asarray((observed >= last).fillna(False).to_numpy(bool))


def _visits(
    cohort: DerivedCohort,
    horizon: str,
    window: Window,
    people: tuple[Ints, Floats],
) -> tuple[Floats, int]:
    """Scores at the horizon and at the visits around it, in time order, and the place of the
    horizon.
    """
    person, score = people
    middle = float(np.median(window.target[person])) if len(person) else 0.0
    columns = {middle: score}
    for key, other in week_windows(cohort.bucket.n).items():
        # The same score at two visits would say that they always agree.
        rows = chosen_rows(cohort, other, outside=window)
        if key != horizon:
            # Half a day apart, so that no visit takes the place of the horizon.
            columns[float(other.target[:1].sum()) + 0.5] = score_in(cohort, rows)[
                person
            ]
    kept = _enough(columns, score, middle)
    return np.column_stack([columns[day] for day in kept]), kept.index(middle)


def _enough(
    columns: dict[float, Floats],
    score: Floats,
    middle: float,
) -> list[float]:
    """Days of the horizon and of the visits, the nearest first to be kept, for which enough people
    have a score there and at the horizon; in time order.
    """
    scored = ~np.isnan(score)
    most = max(int(scored.sum()) // FEWEST_SCORED_PER_VISIT, 1)
    kept = [middle]
    for day in sorted(columns, key=lambda each: abs(each - middle)):
        both = int((~np.isnan(columns[day]) & scored).sum())
        enough = both >= FEWEST_SCORED_PER_VISIT * len(columns)
        if day != middle and enough and len(kept) < most:
            kept.append(day)
    return sorted(kept)


def week_windows(n: int) -> dict[str, Window]:
    """Windows of the visits at fixed weeks, in time order, for n patients."""
    early = {
        f"week_{week}": _week_window(n, week, EARLY_VISIT_TOLERANCE_DAYS)
        for week in EARLY_VISIT_WEEKS
    }
    return early | {
        key: _week_window(n, week, HORIZON_TOLERANCE_DAYS)
        for key, week in WEEKS.items()
    }


def chosen_rows(
    cohort: DerivedCohort,
    window: Window,
    latest: bool = False,
    outside: Window | None = None,
) -> Ints:
    """Row of the bucket that counts in a window for each patient; `NO_ROW` without one."""
    bucket = cohort.bucket
    who = bucket.score_patient
    day = np.asarray(bucket.score_day, dtype=np.int64)
    inside = bucket.score_known & (day >= window.low[who]) & (day <= window.high[who])
    if outside is not None:
        inside &= (day < outside.low[who]) | (day > outside.high[who])
    rows = np.flatnonzero(inside)
    away = np.abs(day[rows] - window.target[who[rows]])
    # The row written last stays: the nearest, of two as near the earlier.
    order = np.lexsort((-rows, -away)) if not latest else np.arange(len(rows))
    found = np.full(bucket.n, NO_ROW, dtype=np.int64)
    found[who[rows[order]]] = rows[order]
    return found


def score_in(
    cohort: DerivedCohort,
    rows: Ints,
) -> Floats:
    """Score in each row, NaN for `NO_ROW`."""
    score = np.asarray(cohort.bucket.score, dtype=np.float64)
    if not len(score):
        return np.full(len(rows), np.nan)
    return np.where(rows == NO_ROW, np.nan, score[rows])


def shares_of(cohort: DerivedCohort) -> tuple[str, ...]:
    """Outcomes that are shares of people, as far as the scale and the rules define them."""
    rules = cohort.criteria
    # A recalled value is no default anywhere, so there is then no reliable change.
    reliable = cohort.instrument.reliable_change
    known = reliable is not None and reliable.usable
    case = rules.caseness is not None
    there = {
        RESPONSE: rules.response is not None,
        REMISSION: rules.remission is not None,
        IMPROVED: known,
        RECOVERED: known and case,
        WORSE: known,
    }
    return tuple(name for name, defined in there.items() if defined)


def flags_of(
    cohort: DerivedCohort, baseline: Floats, score: Floats
) -> dict[str, Bools]:
    """Whether each score has each outcome.

    Parameters
    ----------
    cohort : DerivedCohort
        Rules and scale.
    baseline : float64, shape (n,)
    score : float64, shape (n,) or (sets, n)
        Without a missing one.
    """
    change = score - baseline
    above = np.broadcast_to(baseline - cohort.instrument.minimum, score.shape)
    # Nothing can fall by half from the lowest score there is.
    percent = np.divide(
        100 * change, above, out=np.full(score.shape, np.nan), where=above > 0
    )
    measures = {"score": score, "change": change, "percent_change": percent}
    rules = cohort.criteria
    found = {
        RESPONSE: meets(rules.response, measures),
        REMISSION: meets(rules.remission, measures),
        **_reliable(cohort, baseline, score),
    }
    shown = shares_of(cohort)
    return {name: np.asarray(found[name]) for name in OUTCOMES if name in shown}


def scores_on_scale(cohort: DerivedCohort, score: Floats) -> Floats:
    """Imputed scores as the scale has them: a rule speaks of scores that exist, so 4.4 is a 4, and
    nothing lies beyond the ends.
    """
    scale = cohort.instrument
    whole = np.round(score) if scale.whole_numbers else score
    return np.asarray(np.clip(whole, scale.minimum, scale.maximum))


def _reliable(
    cohort: DerivedCohort, baseline: Floats, score: Floats
) -> dict[str, Bools]:
    """The outcomes of reliable change; nothing where the scale has none."""
    scale = cohort.instrument
    reliable = scale.reliable_change
    if reliable is None or not reliable.usable:
        return {}
    caseness = cohort.criteria.caseness
    before = np.broadcast_to(baseline, score.shape).ravel()
    kinds = classify_change(
        before,
        score.ravel(),
        reliable.value,
        caseness.value if caseness else np.nan,
        scale.higher_is_worse,
    )
    code = np.asarray(kinds.codes).reshape(score.shape)
    place = CHANGES.index
    return {
        # Whoever has recovered has improved as well.
        IMPROVED: code >= place("improved"),
        RECOVERED: code == place("recovered"),
        WORSE: code == place("deteriorated"),
    }
