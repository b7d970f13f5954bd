"""For whom: response by a session in every group that people can be put in at the start, each group
beside the first of its kind, as counted and at equal other characteristics.
"""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import exit_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    BOUND_TOGETHER,
    Characteristic,
    Comparison,
    adjusted_comparison,
    holm,
    known_characteristics,
    others_of,
    shrink,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.pseudo_values import pseudo_values
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE_IN_ARM

_DIFFERENCES: Final = (
    "difference",
    "difference_low",
    "difference_high",
    "adjusted",
    "adjusted_low",
    "adjusted_high",
    "shrunken",
)
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "characteristic": "label",
    "group": "label",
    "n": "denominator",
    "events": "count",
    "without": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(_DIFFERENCES, "derived"),
    "chance": "derived",
    "chance_all": "derived",
}
# `without` is there for disclosure control: n less events tells it.
_SHOWN: Final = tuple(name for name in _ROLES if name not in ("key", "without"))
# Chances are told in percent; those of one look are small.
_DECIMALS: Final = {"chance": 1, "chance_all": 1}
# A row for a number in place of groups.
PER_SPREAD: Final = "per standard deviation"


class _Look(NamedTuple):
    """One characteristic compared: as counted, and at equal others."""

    of: Characteristic
    rows: list[dict[str, object]]
    counted: Comparison
    equal: Comparison


@question(
    "for_whom",
    asks="For whom do sessions help more often, and for whom less often?",
    unit="percent of patients",
    estimand=(
        f"Chance of a first response by session {TOLD_SESSION} of the first course, by what was"
        " known of people at the start. It is an association: it does not say whom sessions would"
        " help."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
    show=_SHOWN,
)
def for_whom(cohort: DerivedCohort) -> Answer:
    """Response in every group that can be told at the start, with its difference from the first
    group of its kind.

    Returns
    -------
    Result
        One row per group of each characteristic, and one per number (`group` says what step it is
        per): `n` `events` `without`, `estimate` `ci_low` `ci_high` (% who had responded by the
        session), `difference` with `difference_low` `difference_high` (points, from the first
        group), `adjusted` with `adjusted_low` `adjusted_high` (the same at equal other
        characteristics; intervals that hold all at once), `shrunken` (drawn toward no difference),
        `chance` (% chance that groups alike would differ so, of this one look) and `chance_all`
        (the same for all looks together). Refused when no characteristic has two groups of
        `FEWEST_PEOPLE_IN_ARM` people.

    Notes
    -----
    Differences are those of a linear regression of pseudo-values with an error that does not ask
    for equal spread, one row a person.
    """
    exits = first_course_exits(cohort).set_index("patient_id")
    # Whoever never was at risk has no pseudo-value; a caveat says so.
    at_risk = exits[exits["step"] > 0]
    characteristics = known_characteristics(cohort, at_risk.index)
    if not characteristics:
        raise NotIdentified(
            "no characteristic has two groups of"
            f" {FEWEST_PEOPLE_IN_ARM} people at risk.",
            "age, sex, diagnosis and the other columns of patients.csv, for more people.",
        )
    step = at_risk["step"].to_numpy()
    outcome = pseudo_values(
        step, at_risk["cause"].to_numpy(), len(CAUSES), TOLD_SESSION
    )[0]
    looks = [
        _look(each, 100 * outcome, at_risk, characteristics) for each in characteristics
    ]
    looks += [
        _number_look(each, 100 * outcome, characteristics)
        for each in characteristics
        if len(each.number)
    ]
    table = _table(looks)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=_caveats(cohort, table, looks, len(exits) - len(at_risk)),
        level=LEVEL,
        rows=partial(exit_rows, "responded", exits, list(CAUSES)),
    )


def _look(
    each: Characteristic,
    outcome: Floats,
    at_risk: pd.DataFrame,
    characteristics: list[Characteristic],
) -> _Look:
    """The groups of one characteristic."""
    rows = [
        _group_row(each, str(label), part)
        for label, part in at_risk.groupby(each.group, observed=True)
    ]
    # What is compared is never held equal, not even as a number.
    others = others_of(each.name, characteristics)
    own = (each.dummies, each.unknown)
    return _Look(
        of=each,
        rows=rows,
        counted=adjusted_comparison(outcome, *own, []),
        equal=adjusted_comparison(outcome, *own, others),
    )


def _number_look(
    each: Characteristic,
    outcome: Floats,
    characteristics: list[Characteristic],
) -> _Look:
    """One characteristic as a straight line in its number."""
    row = {
        "key": f"{each.name}_line",
        "characteristic": each.label,
        "group": f"{PER_SPREAD} ({each.spread:.1f}) more",
        "n": int(each.group.notna().sum()),
    }
    others = others_of(each.name, characteristics)
    own = (each.number[:, None], each.unknown)
    return _Look(
        of=each,
        rows=[row],
        counted=adjusted_comparison(outcome, *own, []),
        equal=adjusted_comparison(outcome, *own, others),
    )


def _group_row(
    each: Characteristic, label: str, part: pd.DataFrame
) -> dict[str, object]:
    """Share of one group who had responded by the session, as its own curve says."""
    counts = count_competing_risks(
        part["step"].to_numpy(), part["cause"].to_numpy(), len(CAUSES)
    )
    curve = estimate_incidence(counts, LEVEL)
    # Where everybody has left, the curve goes on as it is.
    last = min(TOLD_SESSION, len(curve.free)) - 1
    events = int(counts.events[: last + 1, 0].sum())
    # Keys name the place of a group, since labels may hold any signs.
    place = list(each.group.cat.categories).index(label)
    return {
        "key": f"{each.name}_{place}",
        "characteristic": each.label,
        "group": label,
        "n": len(part),
        "events": events,
        "without": len(part) - events,
        "estimate": 100 * float(curve.estimate[last, 0]),
        "ci_low": 100 * float(curve.ci_low[last, 0]),
        "ci_high": 100 * float(curve.ci_high[last, 0]),
    }


def _table(looks: list[_Look]) -> pd.DataFrame:
    """Rows of every look; intervals that hold for all of them at once."""
    from scipy.stats import t

    chance_all = holm(np.array([look.equal.chance for look in looks]))
    n_differences = sum(len(look.equal.difference) for look in looks)
    # Bonferroni: as many differences share the level.
    tail = (1 - LEVEL) / n_differences / 2
    rows = []
    for look, chance in zip(looks, chance_all, strict=True):
        reach = float(t.isf(tail, look.equal.freedom))
        chances = {"chance": 100 * look.equal.chance, "chance_all": 100 * chance}
        # The first group has none: it is what the others are compared with.
        first = len(look.rows) - len(look.equal.difference)
        rows += look.rows[:first]
        for place, row in enumerate(look.rows[first:]):
            rows.append(
                row
                | _ends("difference", look.counted, place, reach)
                | _ends("adjusted", look.equal, place, reach)
                | chances
            )
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    whole = dict.fromkeys(("n", "events", "without"), "Int64")
    return _with_shrunken(table.astype(whole), looks)


def _ends(name: str, found: Comparison, place: int, reach: float) -> dict[str, float]:
    """One difference with its interval."""
    difference = found.difference[place]
    half = reach * found.error[place]
    return {
        name: difference,
        f"{name}_low": difference - half,
        f"{name}_high": difference + half,
    }


def _with_shrunken(table: pd.DataFrame, looks: list[_Look]) -> pd.DataFrame:
    """The table with what is left of each difference between groups after chance is taken off."""
    grouped = [look.equal for look in looks if len(look.rows) > 1]
    difference = np.concatenate([found.difference for found in grouped])
    error = np.concatenate([found.error for found in grouped])
    drawn, _ = shrink(difference, error)
    # A row of a number has no group, and so no estimate.
    later = table["adjusted"].notna() & table["estimate"].notna()
    shrunken = np.full(len(table), np.nan)
    shrunken[later.to_numpy()] = drawn
    return table.assign(shrunken=shrunken)


def _sentence(table: pd.DataFrame) -> str:
    """What stands out of all looks, or that nothing does."""
    grouped = table[table["adjusted"].notna()]
    n_looks = grouped["characteristic"].nunique()
    # An interval that holds for all looks at once is what makes a difference worth a sentence.
    outside = grouped[(grouped["adjusted_low"] > 0) | (grouped["adjusted_high"] < 0)]
    start = f"Response by session {TOLD_SESSION} was compared within {n_looks} characteristics."
    if outside.empty:
        return (
            f"{start} At equal other characteristics no difference is beyond what chance makes of"
            " so many looks. That is not the same as no difference: the table says how large it may"
            " be."
        )
    parts = [
        f"{in_sentence(str(row.characteristic))}, {in_sentence(str(row.group))}:"
        f" {{{row.key}.adjusted}} points"
        f" ({{{row.key}.adjusted_low}} to {{{row.key}.adjusted_high}})"
        for row in outside.itertuples()
    ]
    return (
        f"{start} Beyond what chance makes of so many looks, at equal other characteristics:"
        f" {'; '.join(parts)}, each from the first group. Minus means that fewer responded."
    )


def _caveats(
    cohort: DerivedCohort, table: pd.DataFrame, looks: list[_Look], uncounted: int
) -> tuple[str, ...]:
    """What is held equal, what is drawn together, and how many looks there were."""
    names = ", ".join(look.of.label for look in looks if look.rows[1:])
    n_differences = int(table["adjusted"].notna().sum())
    bound = " and ".join(BOUND_TOGETHER)
    return (
        f"Held equal are, by a linear regression: {names}. {bound.capitalize()} go together, so"
        " neither is held equal while the other is compared; both are standardised over the rest."
        " What was not recorded is not held equal.",
        f"{n_differences} differences were looked at. Their intervals hold for all of them at once"
        " (Bonferroni); `chance` is for one look, `chance_all` for all of them together (Holm). In"
        " 20 looks at groups that are alike, one has a `chance` below 5 %.",
        "`shrunken` is the difference at equal other characteristics, drawn toward no difference by"
        " the part of the spread of all differences that chance explains (empirical Bayes). It is"
        " the better guess for one group, and has no interval here.",
        f"Left out are groups with fewer than {FEWEST_PEOPLE_IN_ARM} people at risk. People whose"
        " characteristic is not recorded stay in the comparison of the others.",
        *(
            [
                "Some people are not counted, because their log is too short or they were not yet"
                " scored."
            ]
            if uncounted
            else []
        ),
        "Severity: people who begin with a higher score also fall further without any effect;"
        " `response_by_session` by severity shows how far.",
        f"{rule_words(cohort)}.",
    )
