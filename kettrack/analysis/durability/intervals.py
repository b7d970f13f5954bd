"""Between which scores responses were lost: the Turnbull estimate, which never says where in
between.
"""

from __future__ import annotations

from functools import partial
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
from kettrack.estimators.intervals import effective_number, exact_ends
from kettrack.estimators.survival.life_table import (
    estimate_survival,
    share_before,
    steps_to_show,
)
from kettrack.estimators.survival.turnbull import Turnbull, fit_turnbull
from kettrack.estimators.survival.turnbull_band import (
    FEWEST_TO_SUBSAMPLE,
    subsample_survival,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept, Scaled
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
    recipes=(
        Scaled(value="estimate", of="n", ends=("ci_low", "ci_high"), weighted=True),
        Scaled(value="least", of="n", most="estimate"),
        Scaled(value="most", of="n", least="estimate"),
        Scaled(value="at_first_score", of="n"),
        Kept(
            values=(
                "left",
                "right",
                "largest_gradient",
            ),
            of="n",
        ),
    ),
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
        responding on each of `DAYS` to which the curve of `durability` goes (`at_risk` as there),
        between `least` and `most`, `estimate` where those are equal, with an
        interval from subsamples (missing where there are too few people for them; exact ends at 0
        and 100 %);
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
        rows=partial(_person_rows, watched),
    )


def _person_rows(watched: Watched) -> pd.DataFrame:
    """The interval (start, time] in which each person lost the response; without a loss only
    start, after which it is open.
    """
    left, right = intervals(watched)
    lost = np.isfinite(right)
    rows = {
        "curve": "when_scored",
        "patient_id": watched.whatever.index,
        "start": left,
        "time": np.where(lost, right, np.nan),
        "status": lost,
        "cause": np.where(lost, "lost", "log_ends"),
        "weight": 1.0,
    }
    return pd.DataFrame(rows)


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
    counts = count_exits(exits(watched, "treatment_policy"), "treatment_policy")
    days = np.array(DAYS)
    shown = steps_to_show(
        counts.still_counted, counts.censored, FEWEST_PEOPLE, max(DAYS) + 1
    )
    # Where everybody has left, the curve goes on as it is, with nobody at risk.
    place = np.minimum(days, len(counts.censored) - 1)
    at_risk = np.where(days < len(counts.censored), counts.at_risk[place], 0)
    by_score = estimate_survival(counts, LEVEL).estimate
    number = effective_number(counts.at_risk, share_before(by_score))
    least, most = found.survival(DAYS)
    least = np.where(least < _EXACT, 0, least)
    most = np.where(most < _EXACT, 0, most)
    # At either end all subsamples agree, which is no interval; between them one half stands in.
    end = np.select([most < _EXACT, least > 1 - _EXACT], [0.0, 1.0], 0.5)
    low, high = exact_ends(
        end,
        *_band(watched, earlier),
        number[place],
        LEVEL,
    )
    decided = most - least <= _SAME
    return [
        {
            "key": f"day_{day}" if not earlier else f"earlier_{day}",
            "kind": "share",
            "dated": dated,
            "day": day,
            "n": int(found.n),
            "at_risk": int(at_risk[row]),
            "people": round((least[row] + most[row]) / 2 * found.n),
            "estimate": 100 * least[row] if decided[row] else np.nan,
            "least": 100 * least[row],
            "most": 100 * most[row],
            "at_first_score": 100 * by_score[place[row]],
            "ci_low": 100 * low[row],
            "ci_high": 100 * high[row],
            "largest_gradient": found.largest_gradient,
        }
        for row, day in enumerate(DAYS)
        if day < shown
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
            else f"fewer than {FEWEST_PEOPLE} people could still be counted {day} days later"
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
    few = table["n"].max() < FEWEST_TO_SUBSAMPLE
    interval = (
        "There are no intervals between 0 and 100 %: they need"
        f" {FEWEST_TO_SUBSAMPLE} people."
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
