"""Between which scores responses were lost: the Turnbull estimate, which never says where in
between.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import (
    FEWEST,
    LEVEL,
    made_from,
    refusal,
    release,
    rule_words,
)
from kettrack.analysis.durability.counts import Watched, count_exits, exits, watch
from kettrack.analysis.registry import question
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.estimators.survival.turnbull import Turnbull, fit_turnbull
from kettrack.estimators.survival.turnbull_band import subsample_survival
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

DAYS: Final = (28, 56)
SEED: Final = 1
EXACT: Final = 1e-9  # a share nearer to 0 or 1 than this is there
# days: how far a loss on the day of the last good score is put before its own day
SHORT: Final = 0.5
ESTIMAND: Final = (
    "When a response held at the end of the planned course is lost, whatever sessions follow,"
    " between two scores."
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
)
def durability_intervals(cohort: DerivedCohort) -> Result:
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
        The data decide how much a box holds, not where inside it. `kind` `share`: % who still hold
        it at day 28 and 56, as far as 11 are at risk (`at_risk`, as in `durability`), between
        `least` and `most`, `estimate` where those are equal, with an interval from subsamples
        (missing below 50 people); `at_first_score`: the % of `durability`, where a loss is dated at
        the score that shows it. `dated` `when scored`, or `7 days earlier` for an instrument that
        looks back two weeks. `largest_gradient` is 1 at the maximum (Karush-Kuhn-Tucker). Refused
        below 11 people.
    """
    try:
        watched = watch(cohort, "end_of_course")[0]
        if len(watched.whatever) < FEWEST:
            raise NotIdentified(
                f"only {len(watched.whatever)} people are known to have responded at the end of"
                " the planned course.",
                "a score in the 14 days after the planned course, for everyone.",
            )
    except NotIdentified as error:
        return release(refusal("durability_intervals", cohort, error, ESTIMAND), cohort)
    table = pd.DataFrame(_rows(watched, _shift(cohort)), columns=list(ROLES))
    result = Result(
        name="durability_intervals",
        table=table,
        roles=ROLES,
        decimals={"left": 1, "right": 1, "largest_gradient": 5},
        show=tuple(name for name in ROLES if name != "key"),
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=_caveats(cohort, watched, table),
        made_from=made_from(cohort, unit="percent of people", level=LEVEL, seed=SEED),
    )
    return release(result, cohort)


def _shift(cohort: DerivedCohort) -> float:
    """Half the days that the instrument looks back: a score speaks of the middle of its window."""
    recall = cohort.instrument.recall_days
    return recall.value / 2 if recall is not None and recall.usable else 0.0


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
    after, lost, held = (
        (rows[name] - rows["origin_day"]).to_numpy(float, na_value=np.nan)
        for name in ("after_day", "lost_day", "held_to_day")
    )
    right = np.where(np.isnan(lost), np.inf, np.maximum(lost - earlier, SHORT))
    left = np.where(np.isnan(lost), held, after)
    left = np.where(left >= right, right - SHORT, left)
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
    try:
        band = subsample_survival(*intervals(watched, earlier), DAYS, seed=SEED)
        low = band.ci_low
        high = band.ci_high
    except NotIdentified:  # too few for subsamples: the caveat says so
        low = high = np.full(len(DAYS), np.nan)
    # at either end subsamples know no uncertainty
    inside = (most > EXACT) & (least < 1 - EXACT)
    low = np.where(inside, low, np.nan)
    high = np.where(inside, high, np.nan)
    least = np.where(least < EXACT, 0, least)
    most = np.where(most < EXACT, 0, most)
    return [
        {
            "key": f"day_{day}" if not earlier else f"earlier_{day}",
            "kind": "share",
            "dated": dated,
            "day": day,
            "n": int(found.n),
            "at_risk": at_risk[place],
            "people": round((least[place] + most[place]) / 2 * found.n),
            "estimate": 100 * least[place]
            if most[place] - least[place] <= 1e-6
            else np.nan,
            "least": 100 * least[place],
            "most": 100 * most[place],
            "at_first_score": 100 * by_score[day],
            "ci_low": 100 * low[place],
            "ci_high": 100 * high[place],
            "largest_gradient": found.largest_gradient,
        }
        for place, day in enumerate(DAYS)
        if at_risk[place] >= FEWEST
    ]


def _sentence(table: pd.DataFrame) -> str:
    """Shares that enough people stand behind, and the bridge to those of `durability`."""
    told = [day for day in DAYS if f"day_{day}" in set(table["key"])]
    parts = [
        (
            f"{_share(table, f'day_{day}')} still held it {day} days on ({{day_{day}.at_risk}} at"
            " risk)"
            if day in told
            else f"fewer than {FEWEST} were at risk {day} days on"
        )
        for day in DAYS
    ]
    said = (
        f"Of {{{table['key'].iloc[0]}.n}} people who had responded at the end of the planned"
        f" course, {' and '.join(parts)}."
    )
    if not told:
        return said
    same = " and ".join(f"{{day_{day}.at_first_score}} %" for day in told)
    said += (
        f" The same people's curve by day (durability) says {same}: it dates a loss at the first"
        " of the two scores that show it, here it may lie anywhere between the last good score"
        " and that one."
    )
    if not table["key"].str.startswith("earlier_").any():
        return said
    earlier = " and ".join(_share(table, f"earlier_{day}") for day in told)
    return said + f" With losses dated {{earlier_{told[0]}.dated}}: {earlier}."


def _share(table: pd.DataFrame, key: str) -> str:
    """One number where the data decide it, else two bounds."""
    decided = table.loc[table["key"] == key, "estimate"].notna().item()
    share = (
        f"{{{key}.estimate}} %"
        if decided
        else f"between {{{key}.least}} % and {{{key}.most}} %"
    )
    return f"{share} ({{{key}.ci_low}}-{{{key}.ci_high}})"


def _caveats(
    cohort: DerivedCohort, watched: Watched, table: pd.DataFrame
) -> tuple[str, ...]:
    few = table.loc[table["kind"] == "share", "ci_low"].isna().all()
    interval = (
        "No interval: it takes 50 people."
        if few
        else f"Intervals from 500 subsamples of n^(2/3) people, seed {SEED}."
    )
    return (
        (
            f"Loss of response: {watched.words}; {rule_words(cohort)}. The first of the two"
            " scores dates it."
        ),
        (
            "Where inside its box a loss lies, nobody knows; inside one, the share still held is"
            f" only known between two bounds. {interval} The error shrinks only with the cube"
            " root of the number of people."
        ),
        "Valid when scores are not taken because somebody feels worse.",
    )
