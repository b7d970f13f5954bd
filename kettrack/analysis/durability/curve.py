"""How long a response lasts: from the end of the planned course, or from the first response, by
three estimands.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.durability.bootstrap import bootstrap_curves
from kettrack.analysis.durability.counts import (
    CAUSES,
    ESTIMANDS,
    Estimand,
    Watched,
    bounds_of,
    count,
    exits,
    settle,
    watch,
)
from kettrack.analysis.durability.day_counts import (
    DayCounts,
    count_by_day,
    days_told,
    ends_of,
    first_day_of_half,
    numbers_by_day,
    shares_by_day,
)
from kettrack.analysis.durability.null import add_null_held, null_held_words
from kettrack.analysis.durability.person_rows import durability_rows
from kettrack.analysis.durability.weights import (
    effective_people,
    untreated_curve,
    untreated_to,
)
from kettrack.analysis.durability.words import (
    KNOWN_TO_RESPOND,
    NO_LONGER,
    NULL_UNKNOWN,
    ORIGINS,
    REPLICATES,
    SEED,
    as_logs_end,
    caveats,
    sentence,
)
from kettrack.analysis.registry import Answer, answered_with_less, question
from kettrack.analysis.response.benchmark import NULL_COLUMNS
from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import (
    effective_number,
    exact_ends,
    percentile_interval,
)
from kettrack.estimators.survival.life_table import share_before
from kettrack.privacy.policies import get_policy
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin, response_origins
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept, LikeCounts, Scaled, StillResponding

# End of a median -> the curve that reaches one half there.
_HALVES: Final = {"day": "estimate", "low": "ci_low", "high": "ci_high"}
_NOT_RATED: Final = ("prior_sessions", "placebo", "no_baseline", "below_caseness")
LEFT_OUT: Final = {"not_rated": _NOT_RATED} | {
    name: (name,) for name in ("course_not_finished", "not_scored", "no_response")
}

# Strategies that are counted, without a model of who has another session.
_COUNTED_ALONE: Final[tuple[Estimand, ...]] = ("treatment_policy", "composite")

# Columns without their ends: what unconfirmed losses, and people no longer scored, could change.
_BOUNDS: Final = ("bound", "silent")


ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "estimand": "label",
    "rule": "label",
    "day": "label",
    "n": "denominator",
    "at_risk": "running",
    "lost": "running",
    "retreated": "running",
    "retreated_unconfirmed": "count",
    "censored": "running",
    "silent": "count",
    **dict.fromkeys(("estimate", "ci_low", "ci_high"), "derived"),
    **dict.fromkeys(ends_of("single"), "derived"),
    **dict.fromkeys(ends_of("lost_first"), "derived"),
    **dict.fromkeys(ends_of("again_first"), "derived"),
    "bound_low": "derived",
    "bound_high": "derived",
    "silent_low": "derived",
    "silent_high": "derived",
    "median_day": "derived",
    "median_low": "derived",
    "median_high": "derived",
    "ess": "derived",
    **dict.fromkeys(LEFT_OUT, "count"),
}
# How a policy that rounds makes the figures again; the weighted strategy first, since the median is
# read off whatever stands there.
RECIPES: Final = (
    Scaled(value="estimate", of="n", ends=("ci_low", "ci_high"), weighted=True),
    StillResponding(),
    LikeCounts(values=("ess",)),
    *(Scaled(value=f"{name}_low", of="n", most="estimate") for name in _BOUNDS),
    *(Scaled(value=f"{name}_high", of="n", least="estimate") for name in _BOUNDS),
)
# After the planned course it is also told what sessions that do nothing would show.
COURSE_ROLES: Final[dict[str, Role]] = ROLES | dict.fromkeys(NULL_COLUMNS, "derived")
DECIMALS: Final = {"median_day": 0, "median_low": 0, "median_high": 0, "ess": 0}
# Wide as it is: the bounds of what no second score confirmed lie within those of the silent.
_NOT_SHOWN: Final = ("key", "ess", "retreated_unconfirmed", "bound_low", "bound_high")
SHOWN: Final = tuple(
    column for column in ROLES if column not in (*_NOT_SHOWN, *LEFT_OUT)
)
_OF_NULL: Final = Kept(values=NULL_COLUMNS, of="n")
_ESTIMAND: Final = (
    "Share of people who are still responding, by day since the score that showed the response:"
    " of those who had responded {}."
)

# What the origin makes of the sessions that follow.
_COUNTED: Final[dict[Origin, tuple[str, ...]]] = {
    "any_response": (
        "Every responder is counted, in whichever course the response came. Many responses come in"
        " the middle of a course. The next session of that course then counts as another session,"
        " so the shares without another session are small by design. Read the treatment policy"
        " first.",
    )
}


@question(
    "durability",
    asks="How long does a response last after the planned course?",
    unit="percent of people",
    estimand=_ESTIMAND.format(ORIGINS["end_of_course"]),
    roles=COURSE_ROLES,
    recipes=(*RECIPES, _OF_NULL),
    decimals=DECIMALS,
    show=(*SHOWN, *NULL_COLUMNS),
    by_group=True,
    count=count,
)
def durability(cohort: DerivedCohort) -> Answer:
    """Percent who are still responding, week by week after the planned course.

    Everyone who shows a response at a score within `Criteria.late_after_days` after the planned
    number of sessions (where no plan is recorded, after session `SESSIONS_WITHOUT_PLAN`), and
    before another session, is watched from that score.

    Returns
    -------
    Result
        One row per estimand, rule and week, as long as at least `FEWEST_PEOPLE` are at risk or have
        had an event. `estimand`, after the strategies of ICH E9(R1): `treatment_policy` (later
        sessions ignored), `hypothetical` (censored at the next session, weighted by the inverse of
        the chance of not having had one), `composite` (loss or next session, whichever comes
        first). `rule`: `in_force` and, where that asks for a second score, `single_score`. `day`
        since that score, `n` watched; `at_risk` at the beginning of the day; `lost`, `retreated`
        and `censored` up to it (under `treatment_policy` the retreated stay at risk);
        `retreated_unconfirmed`: of the retreated, those for whom a score that shows a loss still
        waited for its second (missing under a release policy); `silent`: of the censored, those no
        longer scored although their log goes on (with its bounds missing under a release policy).
        In percent still responding: `estimate` `ci_low`
        `ci_high` (log-log, for `hypothetical` from bootstrap samples of patients; exact ends at 0
        and 100 %), `single` with its ends (the same by a single score, beside the rule in force),
        `bound_low` `bound_high` (if every loss that was never confirmed counts, or none; by a
        single score missing; under `hypothetical` the first alone), `silent_low` `silent_high` (if
        besides all the silent lost it after their last score, or held it to the end of their log).
        Of the `composite`, which with `estimate` add up to 100: `lost_first` and `again_first` with
        their ends (% to whom a loss, or another session, came first: Aalen-Johansen, the strategy
        "while on treatment"). `median_day` with `median_low` and `median_high` (missing = not
        reached), `ess` (effective sample size under the weights), the numbers not watched by
        reason, and `null` `null_low` `null_high` (% still responding where sessions do nothing,
        whatever sessions followed, 4 and 8 weeks later; missing in other rows, and where no such
        model can be fitted). Refused when fewer than `FEWEST_PEOPLE` are watched.
    """
    return _durability(cohort, "end_of_course", null=True)


def durability_alone(cohort: DerivedCohort) -> Result:
    """`durability` without the benchmark, which takes the most of its time: its columns are
    missing.
    """
    return _with_less(cohort, ESTIMANDS)


def counted_durability(cohort: DerivedCohort) -> Result:
    """`durability` by the strategies that are counted: without the benchmark, and without the
    hypothetical strategy, whose weights and bootstrap samples take long too.
    """
    return _with_less(cohort, _COUNTED_ALONE)


def _with_less(cohort: DerivedCohort, kinds: tuple[Estimand, ...]) -> Result:
    return answered_with_less(
        "durability",
        cohort,
        lambda: _durability(cohort, "end_of_course", kinds),
    )


@question(
    "durability_from_response",
    asks="How long does a response last, from when it was first seen?",
    unit="percent of people",
    estimand=_ESTIMAND.format(ORIGINS["first_response"]),
    roles=ROLES,
    recipes=RECIPES,
    decimals=DECIMALS,
    show=SHOWN,
)
def durability_from_response(cohort: DerivedCohort) -> Answer:
    """`durability` from the first proven response of the first course.

    A session after the first course is the retreatment here; those that belong to the course are
    not.
    """
    return _durability(cohort, "first_response")


@question(
    "durability_of_every_response",
    asks="How long does a response last, with every responder counted?",
    unit="percent of people",
    estimand=_ESTIMAND.format(ORIGINS["any_response"]),
    roles=ROLES,
    recipes=RECIPES,
    decimals=DECIMALS,
    show=SHOWN,
    count=partial(count, origin="any_response"),
)
def durability_of_every_response(cohort: DerivedCohort) -> Answer:
    """`durability` from the first proven response, in whichever course and however late.

    Nobody who ever responded is left out: also people who responded after a pause, in maintenance,
    or at a score long after their last session. The next session after that score is the
    retreatment here, whatever course it belongs to.
    """
    return _durability(cohort, "any_response")


def _durability(
    cohort: DerivedCohort,
    origin: Origin,
    kinds: tuple[Estimand, ...] = ESTIMANDS,
    null: bool = False,
) -> Answer:
    watched = cohort.once(("watched", origin), lambda: watch(cohort, origin))
    n = len(watched[0].whatever)
    if n < FEWEST_PEOPLE:
        raise NotIdentified(
            f"{'only ' if n else ''}{n} people are {KNOWN_TO_RESPOND} {ORIGINS[origin]}"
            f"{_earlier(cohort, origin)}; a curve needs {FEWEST_PEOPLE}.",
            f"a score in the {cohort.criteria.late_after_days} days after the planned course and"
            " before any further session, for everyone who has none, and more people.",
        )
    # Each curve is kept: the first page asks for some of them, and a notebook for all.
    curves = [
        cohort.once(
            ("durability", origin, rule.name, kind), partial(_curve, cohort, rule, kind)
        )
        for rule in watched
        for kind in kinds
    ]
    table = pd.concat(curves, ignore_index=True).assign(
        **count_left_out(watched[0].origins)
    )
    # Beside `retreated` and `censored` they would tell of the few others.
    if get_policy(cohort.policy).smallest_count > 1:
        table[["retreated_unconfirmed", "silent"]] = pd.NA
        table[["silent_low", "silent_high"]] = np.nan
    table = with_single_score(table)
    table = table.assign(**dict.fromkeys(NULL_COLUMNS, np.nan))
    null_caveats: tuple[str, ...] = (NULL_UNKNOWN,)
    if null:
        table, null_caveats = add_null_held(table, cohort)
    columns = COURSE_ROLES if origin == "end_of_course" else ROLES
    return Answer(
        table=table[list(columns)],
        sentence=partial(_told, cohort=cohort, origin=origin, kinds=kinds),
        caveats=(
            *_COUNTED.get(origin, ()),
            *caveats(cohort, watched[0]),
            *null_caveats,
        ),
        level=LEVEL,
        seed=SEED,
        rows=partial(durability_rows, cohort, watched),
    )


def _told(
    table: pd.DataFrame,
    cohort: DerivedCohort,
    origin: Origin,
    kinds: tuple[Estimand, ...],
) -> str:
    """The sentence on a table; a policy that rounds may move a median."""
    told = sentence(table, origin, kinds)
    # Only the answer after the planned course has a null.
    null = null_held_words(table) if "null" in table else ""
    return as_logs_end(f"{told}{null}", cohort)


def _earlier(cohort: DerivedCohort, origin: Origin) -> str:
    """How many had responded at all, where they are more than those at the end of the course: some
    have lost it before, and some were not scored there.
    """
    if origin != "end_of_course":
        return ""
    first = response_origins(cohort, "first_response")["why_not"].isna().to_numpy()
    at_end = response_origins(cohort, origin)["why_not"].to_numpy()[first]
    lost = int((at_end == "no_response").sum())
    unscored = int((at_end == "not_scored").sum())
    # Their numbers would tell the number before, which a policy may hide.
    others = f"of the others {NO_LONGER}"
    if unscored > lost:
        others = "of the others were not scored at its end"
    how_many = "most" if lost and unscored else "all"
    why = f" ({how_many} {others})" if lost or unscored else ""
    return f", of {int(first.sum())} who responded during it{why}"


def with_single_score(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the share by a single score beside that by the rule in force."""
    single = table[table["rule"] == "single_score"]
    same = ["estimand", "day"]
    names = dict(zip(("estimate", "ci_low", "ci_high"), ends_of("single"), strict=True))
    beside = single[[*same, *names]].rename(columns=names).assign(rule="in_force")
    return table.merge(beside, on=[*same, "rule"], how="left")


def count_left_out(origins: pd.DataFrame) -> dict[str, int]:
    """Number of people not watched, by reason."""
    why = origins["why_not"]
    return {name: int(why.isin(reasons).sum()) for name, reasons in LEFT_OUT.items()}


def _curve(cohort: DerivedCohort, watched: Watched, estimand: Estimand) -> pd.DataFrame:
    """Weekly rows of one estimand under one rule."""
    counts = count_by_day(watched, estimand)
    days = days_told(counts, estimand)
    if estimand == "hypothetical":
        left = exits(watched, estimand)
        shares = _weighted_shares(cohort, watched, left, days)
    else:
        shares = shares_by_day(counts, estimand, days)
    return weekly_rows(counts, shares, (estimand, watched.name))


def weekly_rows(
    counts: DayCounts,
    shares: Mapping[str, Floats],
    of: tuple[Estimand, str],
) -> pd.DataFrame:
    """Weekly rows of one curve.

    Parameters
    ----------
    counts : DayCounts
        Of everybody watched.
    shares : mapping
        Column to percent on each day told.
    of : (str, str)
        Estimand, and `in_force` or `single_score`.
    """
    estimand, rule = of
    days = days_told(counts, estimand)
    firsts = [*ends_of("lost_first"), *ends_of("again_first")]
    missing = dict.fromkeys(("bound_low", "bound_high", "ess", *firsts), np.nan)
    numbers = numbers_by_day(counts, days)
    n = counts.by_day[:, : len(CAUSES)].sum()
    told = ~np.isnan(shares["estimate"])
    weekly = told & (days % DAYS_IN_WEEK == 0)
    columns = {"day": days, "n": n, **numbers, **missing, **shares}
    rows = {
        name: np.broadcast_to(values, days.shape)[weekly]
        for name, values in columns.items()
    }
    halves = {
        f"median_{end}": first_day_of_half(days[told], shares[column][told])
        for end, column in _HALVES.items()
    }
    keys = [f"{estimand}_{rule}_{day}" for day in rows["day"]]
    table = pd.DataFrame(
        {**rows, **halves, "estimand": estimand, "rule": rule, "key": keys}
    )
    return table.astype({"retreated_unconfirmed": "Int64", "silent": "Int64"})


def _weighted_shares(
    cohort: DerivedCohort, watched: Watched, left: pd.DataFrame, days: Ints
) -> dict[str, Floats]:
    """Percent still responding without a further session, with interval, effective sample size and
    bounds.
    """

    def still(those: Watched) -> Floats:
        return untreated_curve(untreated_to(cohort, those, days), days)

    people = untreated_to(cohort, watched, days)
    estimate = untreated_curve(people, days)
    curves = bootstrap_curves(people, days, estimate, REPLICATES, SEED)
    ess = effective_people(people, left["time"].to_numpy(), days)
    number = effective_number(ess, share_before(estimate))
    # At 0 and 100 % every sample says the same: that is no interval.
    low, high = exact_ends(estimate, *percentile_interval(curves, LEVEL), number, LEVEL)
    enough = np.logical_and.accumulate(number >= FEWEST_PEOPLE)
    found = {
        "estimate": np.where(enough, 100 * estimate, np.nan),
        "ci_low": 100 * low,
        "ci_high": 100 * high,
        "ess": ess,
    }
    lowest = estimate
    for name, silent in bounds_of(watched):
        # What settles more is no nearer than what settles less.
        lowest = np.fmin(lowest, still(settle(watched, "lost", silent)))
        found[f"{name}_low"] = 100 * lowest
    highest = still(settle(watched, "held", silent=True))
    return found | {"silent_high": 100 * np.fmax(estimate, highest)}
