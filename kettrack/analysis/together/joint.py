"""Change on two scales in the same people: who got better on both, on one, or on neither."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK
from kettrack.analysis.context import LEVEL, NORMAL_QUANTILE, rule_words
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.together.scales import (
    COLLECT,
    at_week,
    choose_other,
    improved_by_error,
    rule_flags,
    scales_beside,
    without_caseness,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.clustered import clustered_mean
from kettrack.estimators.exact import clopper_pearson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval

# How two scales go together, from better on both to better on neither.
CELLS: Final = ("both", "first_only", "second_only", "neither")
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "events": "count",
    **dict.fromkeys(CELLS, "count"),
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_DECIMALS: Final = {"estimate": 2, "ci_low": 2, "ci_high": 2}
# Below this number of people Fisher's interval of a correlation has no width.
_FEWEST_FOR_CORRELATION: Final = 4


@question(
    "joint_change",
    recipes=(COUNTED_BY_UNIT,),
    asks="Do depression and another condition get better in the same people?",
    unit="as named in each row",
    estimand=(
        "Improvement on two scales from before treatment to a fixed week, each by the rule of its"
        " own scale, among the people who were a case on both before session 1 and were scored on"
        " both then."
    ),
    roles=_ROLES,
    balanced=True,
    decimals=_DECIMALS,
)
def joint_change(
    cohort: DerivedCohort,
    other: str = "",
    week: int = WEEK,
) -> Answer:
    """Who got better on both scales, on one of them, or on neither.

    Parameters
    ----------
    other : str
        Name of the other scale; default: that of another condition which most people were rated on.
    week : int
        Weeks since session 1.

    Returns
    -------
    Result
        `cells`: how many of `n` people improved on `both`, on the primary scale alone
        (`first_only`), on the other alone (`second_only`), on `neither`. Under the internal policy
        each has a row with its percentage; the four intervals hold together. `still_case`: of those
        who improved on the primary scale, the percentage still a case on the other. `worse`:
        scored worse than before on either, by any amount. `change_first` `change_second`: mean
        changes, in points of each scale. `correlation` of the two changes, with Fisher's interval.
        Improved = by more than measurement error, or by the response rule where the scale has no
        such number. Refused with fewer than `FEWEST_PEOPLE`, and where one of the scales says
        nothing of improvement.
    """
    second = _second(cohort, other)
    pair = (cohort, second)
    people = _both(pair, week)
    flags = [_improved(each, rows) for each, rows in zip(pair, people, strict=True)]
    counts = dict(zip(CELLS, _cells(*flags), strict=True))
    n = len(flags[0])
    rows: list[dict[str, Any]] = [
        {
            "key": "cells",
            "about": "better on both, on one, on neither",
            "unit": "people",
        }
        | {"n": n, **counts}
    ]
    # Rows that add up to everybody would give a small one away.
    internal = cohort.policy == "internal"
    if internal:
        rows += _cell_rows(counts, n, pair)
    # Better and worse stand in one table.
    rows += _harm_rows(pair, people, flags[0], internal)
    rows += _change_rows(pair, people)
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    whole = ["events", *CELLS]
    table[whole] = table[whole].astype("Int64")
    return Answer(
        table=table,
        sentence=_sentence(table, pair, week),
        caveats=_caveats(pair),
        level=LEVEL,
        rows=partial(_person_rows, people[0].index, flags),
    )


def _second(
    cohort: DerivedCohort,
    other: str,
) -> DerivedCohort:
    """The same people on the other scale."""
    # A second scale of the same condition is a matter of agreement, unless it is asked for.
    condition = cohort.instrument.construct
    scales = scales_beside(cohort)
    fitting = [
        scale for scale in scales if other or (scale.construct or "") != condition
    ]
    lacking = NotIdentified("no other condition was scored in this log.", COLLECT)
    return choose_other(cohort, other, fitting, lacking)


def _both(
    pair: tuple[DerivedCohort, DerivedCohort],
    week: int,
) -> list[pd.DataFrame]:
    """Baseline and score of the people who have both on both scales, in the same order."""
    found = [at_week(each, week).dropna(subset=["score"]) for each in pair]
    # Nobody is judged on two scales from a score on one.
    people = found[0].index.intersection(found[1].index, sort=False)
    if len(people) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people were a case on both scales before session 1 and"
            f" were scored on both within {HORIZON_TOLERANCE_DAYS} days of week {week}.",
            "both scales before session 1, and both at that week, for everyone.",
        )
    return [rows.loc[people] for rows in found]


def _improved(
    cohort: DerivedCohort,
    people: pd.DataFrame,
) -> Bools:
    """Who improved, by the rule of the scale itself."""
    better = improved_by_error(cohort, people)
    if better is not None:
        return better
    # Half of a baseline can be less than the error of a scale, so the rule comes second.
    rule = cohort.criteria.response
    if rule is None:
        raise NotIdentified(
            "one of the two scales has neither a reliable change nor a rule for response.",
            "reliable_change of the scale, in kettrack.toml.",
        )
    return rule_flags(rule, people)


def _cells(
    first: Bools,
    second: Bools,
) -> tuple[int, int, int, int]:
    """People in each of the four cells, in the order of `CELLS`."""
    return (
        int((first & second).sum()),
        int((first & ~second).sum()),
        int((~first & second).sum()),
        int((~first & ~second).sum()),
    )


def _cell_rows(
    counts: dict[str, int],
    n: int,
    pair: tuple[DerivedCohort, DerivedCohort],
) -> list[dict[str, Any]]:
    """Percentages of the four, with intervals that hold together."""
    names = [each.instrument.name for each in pair]
    about = {
        "both": "better on both",
        "first_only": f"better on {names[0]} only",
        "second_only": f"better on {names[1]} only",
        "neither": "better on neither",
    }
    # A quarter of the error for each: the four together are then wrong at most as often as one.
    together = 1 - (1 - LEVEL) / len(CELLS)
    return [
        {
            "key": key,
            "about": about[key],
            "unit": "%",
            "n": n,
            "events": count,
            **clopper_pearson(count, n, together)._asdict(),
        }
        for key, count in counts.items()
    ]


def _harm_rows(
    pair: tuple[DerivedCohort, DerivedCohort],
    people: list[pd.DataFrame],
    first: Bools,
    internal: bool,
) -> list[dict[str, Any]]:
    """Who got worse on either scale, and who is still a case beside the good news."""
    worse = [
        each.instrument.sign * rows["change"].to_numpy() > 0
        for each, rows in zip(pair, people, strict=True)
    ]
    flags = {
        "worse": (
            "scored worse than before on either, by any amount",
            worse[0] | worse[1],
        )
    }
    other = pair[1]
    caseness = other.criteria.caseness
    # Its denominator is the sum of two cells, which a release hides.
    if caseness is not None and internal and first.any():
        sign = other.instrument.sign
        case = sign * people[1]["score"].to_numpy() >= sign * caseness.value
        words = (
            f"still a case on {other.instrument.name}, of those better on"
            f" {pair[0].instrument.name}"
        )
        flags["still_case"] = (words, case[first])
    return [
        {
            "key": key,
            "about": about,
            "unit": "%",
            "n": len(flag),
            "events": int(flag.sum()),
            **clopper_pearson(int(flag.sum()), len(flag), LEVEL)._asdict(),
        }
        for key, (about, flag) in flags.items()
    ]


def _change_rows(
    pair: tuple[DerivedCohort, DerivedCohort],
    people: list[pd.DataFrame],
) -> list[dict[str, Any]]:
    """Mean change on each scale, and how the two changes go together."""
    changes = [rows["change"].to_numpy(np.float64) for rows in people]
    n = len(changes[0])
    rows: list[dict[str, Any]] = []
    places = zip(("first", "second"), pair, changes, strict=True)
    for place, each, change in places:
        mean = clustered_mean(change, np.ones(n), LEVEL)
        rows.append(
            {
                "key": f"change_{place}",
                "about": f"mean change, {each.instrument.name}",
                "unit": "points",
                "n": n,
                **mean._asdict(),
            }
        )
    # Better is the same way on both, whichever way each scale runs.
    turned = [
        each.instrument.sign * change
        for each, change in zip(pair, changes, strict=True)
    ]
    rows.append(
        {
            "key": "correlation",
            "about": "correlation of the two changes, better with better",
            "unit": "r",
            "n": n,
            **correlation(*turned),
        }
    )
    return rows


def correlation(
    one: Floats,
    other: Floats,
) -> dict[str, float]:
    """Pearson's correlation with Fisher's interval; missing where one of the two never changes."""
    n = len(one)
    if n < _FEWEST_FOR_CORRELATION or not (np.ptp(one) and np.ptp(other)):
        return {"estimate": np.nan}
    r = float(np.corrcoef(one, other)[0, 1])
    # Two changes that are the same have no interval: the transformation is without end there.
    if abs(r) >= 1:
        return {"estimate": r}
    half = NORMAL_QUANTILE / np.sqrt(n - 3)
    return {
        "estimate": r,
        "ci_low": float(np.tanh(np.arctanh(r) - half)),
        "ci_high": float(np.tanh(np.arctanh(r) + half)),
    }


# ---- words


def _sentence(
    table: pd.DataFrame,
    pair: tuple[DerivedCohort, DerivedCohort],
    week: int,
) -> str:
    """The four cells, the harm, and how the changes go together."""
    there = set(table["key"])
    # The name of a user's scale may hold braces.
    one, two = (in_sentence(each.instrument.name) for each in pair)
    # Under a release policy the cells have counts alone.
    share = {
        key: f", {share_with_interval(key)}" if key in there else "" for key in CELLS
    }
    words = (
        f"Of {{cells.n}} people who were a case on both the {one} and the {two} and were scored on"
        f" both at week {week}, {{cells.both}} had improved on both{share['both']};"
        f" {{cells.first_only}} on the {one} alone{share['first_only']}; {{cells.second_only}} on"
        f" the {two} alone{share['second_only']}; {{cells.neither}} on neither"
        f"{share['neither']}. {share_with_interval('worse')} scored worse than before on one of"
        " them or both."
    )
    if "still_case" in there:
        words += (
            f" Of the {{still_case.n}} people who had improved on the {one},"
            f" {share_with_interval('still_case')} were still a case on the {two}."
        )
    # A scale that never changes goes together with nothing.
    known = table.set_index("key")["estimate"].notna()
    if known["correlation"]:
        words += (
            " The two changes go together with a correlation of"
            f" {value_with_interval('correlation')}."
        )
    return words


def _caveats(pair: tuple[DerivedCohort, DerivedCohort]) -> tuple[str, ...]:
    rules = "; ".join(f"{rule_words(each)}, {improved_words(each)}" for each in pair)
    return (
        "This is association. It does not say that one condition got better because the other did."
        " Scales that ask about the same symptoms, such as sleep or restlessness, change together"
        " for that reason alone, and so do two forms filled in on one day.",
        "Both conditions were bad when people came, so both get better by themselves"
        " (regression to the mean). Only people who were scored on both then are counted.",
        "The four percentages have exact intervals that hold together (Clopper and Pearson with"
        f" Bonferroni's correction, {100 * LEVEL:g} % for all four).",
        *without_caseness([each.instrument for each in pair]),
        f"{rules}.",
    )


def improved_words(cohort: DerivedCohort) -> str:
    """What counts as improved on a scale."""
    scale: Instrument = cohort.instrument
    fact = scale.reliable_change
    if fact is not None and fact.usable:
        return (
            f"improved = better by the reliable change, {fact.value:g} ({fact.source})"
        )
    rule = cohort.criteria.response
    return f"improved = {rule.words}" if rule else "improved = not defined"


def _person_rows(
    people: pd.Index,
    flags: list[Bools],
) -> pd.DataFrame:
    """Who improved on each scale."""
    names = ("first", "second")
    return joined(
        [
            share_rows(name, people, flag)
            for name, flag in zip(names, flags, strict=True)
        ]
    )
