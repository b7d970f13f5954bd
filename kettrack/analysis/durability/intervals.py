"""Between which scores responses were lost: the Turnbull estimate, which never says where in
between.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.durability.counts import (
    Watched,
    count_exits,
    days_since_origin,
    exits,
    watch,
)
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.estimators.survival.turnbull import Turnbull, fit_turnbull
from kettrack.estimators.survival.turnbull_band import (
    FEWEST_TO_SUBSAMPLE,
    subsample_survival,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.plain_words import share_with_interval

DAYS: Final = (4 * DAYS_IN_WEEK, 8 * DAYS_IN_WEEK)
_SEED: Final = 1
_SUBSAMPLES: Final = 500
# A share nearer to 0 or 1 than this is at that end.
_EXACT: Final = 1e-9
# Two bounds nearer than this are one share.
_SAME: Final = 1e-6
# Days: how far a loss on the day of the last good score is put before its own day.
_HALF_A_DAY: Final = 0.5
ESTIMAND: Final = (
    "When people who had responded at the end of the planned course lose the response, whatever"
    " sessions follow: between which two scores."
)
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "kind": "label",
    "dated": "label",
    "day": "label",
    "left": "derived",
    "right": "derived",
    "n": "denominator",
    "at_risk": "count",
    "people": "count",
    "estimate": "derived",
    "least": "derived",
    "most": "derived",
    "at_first_score": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "largest_gradient": "derived",
}


@question(
    "durability_intervals",
    asks="Between which scores were responses lost, and how sure is that?",
    unit="percent of people",
    estimand=ESTIMAND,
    roles=ROLES,
    decimals={"left": 1, "right": 1, "largest_gradient": 5},
    show=tuple(name for name in ROLES if name != "key"),
)
def durability_intervals(cohort: DerivedCohort) -> Answer:
    """Stretches of days in which responses were lost, each between a score that held and one that
    did not.

    From the same score as `durability`, treatment policy, under the rule in force. A loss on day r
    with the last good score on day l lies in (l, r]; with both on one day in (r - 0.5, r]. Who did
    not lose it is open from the last score that could have shown it.

    Returns
    -------
    Result
        `kind` `box`: one row per stretch (`left`, `right`] in days that can hold losses (right
        missing = after the last score); `estimate` = % in it, `people` the number that is about.
        The data decide how much a box holds, not where inside it. `kind` `share`: % still
        responding on each of `DAYS` with at least `FEWEST_PEOPLE` at risk (`at_risk`, as in
        `durability`), between `least` and `most`, `estimate` where those are equal, with an
        interval from subsamples (missing where there are too few people for them);
        `at_first_score`: the % of `durability`, where a loss is dated at the score that shows it.
        `dated` `when scored`, or earlier by half the days that the instrument looks back.
        `largest_gradient` is 1 at the maximum (Karush-Kuhn-Tucker). Refused below `FEWEST_PEOPLE`.
    """
    watched = watch(cohort, "end_of_course")[0]
    n = len(watched.whatever)
    if n < FEWEST_PEOPLE:
        raise NotIdentified(
            f"only {n} people are known to have responded at the end of the planned course; it"
            f" takes {FEWEST_PEOPLE}.",
            f"a score in the {cohort.criteria.late_after_days} days after the planned course, for"
            " everyone.",
        )
    table = pd.DataFrame(_rows(watched, _shift(cohort)), columns=list(ROLES))
    return Answer(
        table=table,
        sentence=_sentence(table, watched),
        caveats=_caveats(cohort, watched, table),
        level=LEVEL,
        seed=_SEED,
    )


def _shift(cohort: DerivedCohort) -> float:
    """Half the days that the instrument looks back: a score speaks of the middle of its window."""
    recall = cohort.instrument.recall()
    # No loss is dated earlier by a window that is only assumed.
    return 0.0 if recall.assumed else recall.days / 2


def intervals(watched: Watched, earlier: float = 0.0) -> tuple[Floats, Floats]:
    """Ends of each patient's interval (left, right] in days since the origin; right is infinite
    without a loss.

    Parameters
    ----------
    watched : Watched
        From `watch`.
    earlier : float
        Days by which losses are dated before their score.
    """
    rows = watched.whatever
    after = days_since_origin(rows, "after_day")
    lost = days_since_origin(rows, "lost_day")
    held = days_since_origin(rows, "held_to_day")
    right = np.where(np.isnan(lost), np.inf, np.maximum(lost - earlier, _HALF_A_DAY))
    left = np.where(np.isnan(lost), held, after)
    # Dated earlier, a loss may come to lie before the last good score: no interval is empty.
    left = np.where(left >= right, right - _HALF_A_DAY, left)
    return np.maximum(left, 0.0), right


def _rows(watched: Watched, shift: float) -> list[dict[str, object]]:
    """Boxes and shares as dated by the scores, and the shares again when dated earlier."""
    found = _dated(watched, 0.0)
    boxes = _boxes(found)
    shares = _shares(watched, found, 0.0, "when scored")
    if shift:
        shares += _shares(
            watched, _dated(watched, shift), shift, f"{shift:g} days earlier"
        )
    return [*boxes, *shares]


def _dated(watched: Watched, earlier: float) -> Turnbull:
    return fit_turnbull(*intervals(watched, earlier))


def _boxes(found: Turnbull) -> list[dict[str, object]]:
    n = int(found.n)
    held = np.flatnonzero(found.mass > 0)
    return [
        {
            "key": f"box_{place}",
            "kind": "box",
            "dated": "when scored",
            "day": pd.NA,
            "left": found.left[box],
            "right": found.right[box] if np.isfinite(found.right[box]) else np.nan,
            "n": n,
            "people": round(found.mass[box] * n),
            "estimate": 100 * found.mass[box],
            "largest_gradient": found.largest_gradient,
        }
        for place, box in enumerate(held, start=1)
    ]


def _shares(
    watched: Watched, found: Turnbull, earlier: float, dated: str
) -> list[dict[str, object]]:
    left = exits(watched, "treatment_policy")
    at_risk = [int((left["time"] >= day).sum()) for day in DAYS]
    by_score = estimate_survival(count_exits(left, "treatment_policy"), LEVEL).estimate
    least, most = found.survival(DAYS)
    low, high = _band(watched, earlier)
    # At either end all subsamples agree, which is no interval.
    inside = (most > _EXACT) & (least < 1 - _EXACT)
    low = np.where(inside, low, np.nan)
    high = np.where(inside, high, np.nan)
    least = np.where(least < _EXACT, 0, least)
    most = np.where(most < _EXACT, 0, most)
    decided = most - least <= _SAME
    return [
        {
            "key": f"day_{day}" if not earlier else f"earlier_{day}",
            "kind": "share",
            "dated": dated,
            "day": day,
            "n": int(found.n),
            "at_risk": at_risk[place],
            "people": round((least[place] + most[place]) / 2 * found.n),
            "estimate": 100 * least[place] if decided[place] else np.nan,
            "least": 100 * least[place],
            "most": 100 * most[place],
            "at_first_score": 100 * by_score[day],
            "ci_low": 100 * low[place],
            "ci_high": 100 * high[place],
            "largest_gradient": found.largest_gradient,
        }
        for place, day in enumerate(DAYS)
        if at_risk[place] >= FEWEST_PEOPLE
    ]


def _band(watched: Watched, earlier: float) -> tuple[Floats, Floats]:
    """Ends of the intervals of the shares at `DAYS`; NaN where there are too few people."""
    try:
        left, right = intervals(watched, earlier)
        band = subsample_survival(left, right, DAYS, replicates=_SUBSAMPLES, seed=_SEED)
    except NotIdentified:
        # Too few for subsamples: the caveat says so.
        nothing = np.full(len(DAYS), np.nan)
        return nothing, nothing
    return band.ci_low, band.ci_high


def _sentence(table: pd.DataFrame, watched: Watched) -> str:
    """Shares that enough people stand behind, and the bridge to those of `durability`."""
    there = set(table["key"])
    told = [day for day in DAYS if f"day_{day}" in there]
    parts = [
        (
            f"{_share(table, f'day_{day}')} were still responding {day} days later"
            f" ({{day_{day}.at_risk}} people at risk)"
            if day in told
            else f"fewer than {FEWEST_PEOPLE} people were at risk {day} days later"
        )
        for day in DAYS
    ]
    said = (
        f"Of {{{table['key'].iloc[0]}.n}} people who had responded at the end of the planned"
        f" course, {' and '.join(parts)}."
    )
    if not told:
        return said
    same = " and ".join(f"{{day_{day}.at_first_score:%}}" for day in told)
    dated = "the score" if watched.rule.run.count == 1 else "the first of the scores"
    said += (
        f" For the same people, the curve by day (durability) gives {same}. That curve dates a"
        f" loss at {dated} that shows it. Here the loss may lie anywhere between the last good"
        " score and that one."
    )
    if not table["key"].str.startswith("earlier_").any():
        return said
    earlier = " and ".join(_share(table, f"earlier_{day}") for day in told)
    return f"{said} With losses dated {{earlier_{told[0]}.dated}}, it is {earlier}."


def _share(table: pd.DataFrame, key: str) -> str:
    """One number where the data decide it, else two bounds."""
    decided = table.loc[table["key"] == key, "estimate"].notna().item()
    if decided:
        return share_with_interval(key)
    interval = f"({{{key}.ci_low:pc}} to {{{key}.ci_high:%}})"
    return f"between {{{key}.least:%}} and {{{key}.most:%}} {interval}"


def _caveats(
    cohort: DerivedCohort, watched: Watched, table: pd.DataFrame
) -> tuple[str, ...]:
    few = table.loc[table["kind"] == "share", "ci_low"].isna().all()
    interval = (
        f"There are no intervals: they need {FEWEST_TO_SUBSAMPLE} people."
        if few
        else f"Brackets hold {100 * LEVEL:g} % intervals from {_SUBSAMPLES} subsamples of n^(2/3)"
        f" people (seed {_SEED})."
    )
    dated = (
        " The first of these scores dates the loss."
        if watched.rule.run.count > 1
        else ""
    )
    return (
        f"Loss of response: {watched.rule.words}. {rule_words(cohort)}.{dated}",
        (
            "Nobody knows where inside its box a loss lies. On a day inside a box, the share is"
            f" known only between two bounds. {interval} The error shrinks only with the cube"
            " root of the number of people."
        ),
        "The answer is valid only if feeling worse is not a reason for being scored.",
    )
