"""Kinds of treatment standardised: what each would show if the people of every kind were alike in
what goes with the kind.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import exit_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    known_characteristics,
    others_of,
)
from kettrack.analysis.subgroups.groups import (
    compared_groups,
    grouping_name,
    groups_of,
    silent_caveats,
    silent_groups,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.causal.standardised import standardised_ratio
from kettrack.estimators.intervals import exact_ends, is_at_border
from kettrack.estimators.survival.competing_risks import pseudo_values
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import (
    ALIKE_WITHIN_SD,
    FEWEST_EFFECTIVE_OUTCOMES,
    FEWEST_EVENTS,
    FEWEST_MISSING_PER_COLUMN,
    FEWEST_PEOPLE_IN_ARM,
)
from kettrack.vocabulary.made_of import COUNTED, Kept, LikeCounts, Scaled
from kettrack.vocabulary.plain_words import share_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "group": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "standardised": "derived",
    "standardised_low": "derived",
    "standardised_high": "derived",
    "difference": "derived",
    "difference_low": "derived",
    "difference_high": "derived",
    "effective": "derived",
    "apart_before": "derived",
    "apart_after": "derived",
    "most_apart": "label",
}
_DECIMALS: Final = {"apart_before": 2, "apart_after": 2, "effective": 0}
_SHOWN: Final = tuple(name for name in _ROLES if name != "key")
_PERCENT: Final = 100.0


class _Everybody(NamedTuple):
    """All people at risk: what each adds in percent, and what may go with the kind of treatment."""

    outcome: Floats
    columns: Floats
    names: list[str]


class _Kind(NamedTuple):
    """One kind: who has it, its weighted share, and what each person adds to its error."""

    inside: Bools
    share: float
    influence: Floats
    effective: float
    apart: tuple[float, float]
    most_apart: str
    held: list[str]


@question(
    "standardised",
    recipes=(
        COUNTED,
        Scaled(
            value="standardised",
            of="n",
            ends=("standardised_low", "standardised_high"),
            weighted=True,
        ),
        Scaled(
            value="difference",
            of="n",
            ends=("difference_low", "difference_high"),
            weighted=True,
        ),
        LikeCounts(values=("effective",)),
        Kept(
            values=(
                "apart_before",
                "apart_after",
            ),
            of="n",
        ),
    ),
    asks="Do routes, or drugs, differ once their people are made alike?",
    unit="percent of patients",
    estimand=(
        f"Chance of a response by session {TOLD_SESSION} under each kind of treatment, were the"
        " people of every kind like everybody in what was recorded at the start and goes with the"
        " kind. It is an association unless everything that goes with the kind was recorded."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
    show=_SHOWN,
)
def standardised(cohort: DerivedCohort, column: str = "route") -> Answer:
    """Response under each route, drug or other kind, standardised over what goes with it.

    Parameters
    ----------
    column : str
        As for `by`.

    Returns
    -------
    Result
        Row `all`, then one row per kind with `FEWEST_PEOPLE_IN_ARM` people: `n` people, `events`
        who responded by the session; `estimate` (as counted) and `standardised` in percent, each
        with an interval of its own; `difference` from the first kind, standardised (intervals hold
        all at once);
        `effective` (number of people that the weighted ones count like), `apart_before` and
        `apart_after` (largest distance of the kind from everybody in any characteristic, in SDs,
        before and after weighting) and `most_apart` (in which it was largest). A kind whose people
        count like fewer than `FEWEST_EFFECTIVE_OUTCOMES` has no standardised share. Refused with
        fewer than two kinds.
    """
    name = grouping_name(cohort, column)
    exits = first_course_exits(cohort).set_index("patient_id")
    at_risk = exits[exits["step"] > 0]
    group = groups_of(cohort, name).reindex(at_risk.index)
    silent = silent_groups(cohort, group, FEWEST_PEOPLE_IN_ARM)
    # Nothing is known of them, so the others are not made like them either.
    at_risk = at_risk[~group.isin(silent)]
    group = group[~group.isin(silent)]
    labels = compared_groups(cohort, group, FEWEST_PEOPLE_IN_ARM)
    if len(labels) < 2:
        raise NotIdentified(
            f"fewer than two groups by {name.replace('_', ' ')} have {FEWEST_PEOPLE_IN_ARM} people"
            " at risk, and scores after session 1.",
            f"{name} of each patient, for more people.",
        )
    # Every kind is set beside everybody, so that all are made like the same people.
    everybody = _everybody(cohort, name, at_risk)
    kinds = [_kind(everybody, (group == label).to_numpy(bool)) for label in labels]
    table = _table(labels, kinds, at_risk, everybody.outcome)
    return Answer(
        table=table,
        sentence=_sentence(table, labels),
        caveats=(
            *silent_caveats(silent),
            *_caveats(cohort, name, table, kinds),
        ),
        level=LEVEL,
        rows=partial(exit_rows, "responded", at_risk, list(CAUSES), group),
    )


def _everybody(
    cohort: DerivedCohort,
    name: str,
    at_risk: pd.DataFrame,
) -> _Everybody:
    """Pseudo-values, and one column for every group and number of the other characteristics."""
    outcome = pseudo_values(
        at_risk["step"].to_numpy(),
        at_risk["cause"].to_numpy(),
        len(CAUSES),
        TOLD_SESSION,
    )[0]
    parts: list[Floats] = []
    names: list[str] = []
    for each in others_of(name, known_characteristics(cohort, at_risk.index)):
        # A number says what its groups say, in one column.
        own = each.number[:, None] if len(each.number) else each.dummies
        parts += [own, each.unknown]
        names += [each.label] * (own.shape[1] + 1)
    # Where nothing else is known there are no columns, and weighting changes nothing.
    nothing = np.empty((len(at_risk), 0))
    return _Everybody(_PERCENT * outcome, np.hstack([nothing, *parts]), names)


def _kind(everybody: _Everybody, inside: Bools) -> _Kind:
    """The share of one kind, weighted so that its people are like everybody in what goes with
    it.
    """
    plain = inside.astype(np.float64)
    before = _apart(everybody.columns, plain)
    # As many columns as the smaller side can carry, those that go with the kind most first.
    few = min(int(inside.sum()), int((~inside).sum())) // FEWEST_MISSING_PER_COLUMN
    order = np.argsort(-before, kind="stable")
    told = (before > ALIKE_WITHIN_SD) & _both_sides(everybody.columns, inside)
    order = order[told[order]][:few]
    found = standardised_ratio(
        inside,
        everybody.columns[:, order],
        everybody.outcome,
        np.ones(len(inside)),
    )
    after = _apart(everybody.columns, found.weights)
    # Where a column tells without exception who has the kind, nobody stands for the others.
    enough = found.effective >= FEWEST_EFFECTIVE_OUTCOMES
    usable = enough and not found.separated
    top = int(order[0]) if len(order) else -1
    return _Kind(
        inside=inside,
        share=found.value if usable else np.nan,
        influence=found.influence,
        effective=found.effective,
        apart=(float(before.max(initial=0)), float(after.max(initial=0))),
        most_apart=everybody.names[top] if top >= 0 else "",
        held=list(dict.fromkeys(everybody.names[place] for place in order)),
    )


def _both_sides(columns: Floats, inside: Bools) -> Bools:
    """Columns in which people of the kind, and others, are of more than one sort."""
    enough = np.ones(columns.shape[1], dtype=bool)
    for side in (inside, ~inside):
        own = columns[side]
        # The commonest value of a group's column is 0 or 1; a number has many.
        commonest = np.maximum((own == 0).sum(axis=0), (own == 1).sum(axis=0))
        enough &= len(own) - commonest >= FEWEST_EVENTS
    return enough


def _apart(columns: Floats, weights: Floats) -> Floats:
    """Distance of the weighted people from everybody in each column, in SDs of everybody."""
    spread = columns.std(axis=0)
    distance = np.abs(weights @ columns / weights.sum() - columns.mean(axis=0))
    # A column that is the same for everybody has no distance.
    return np.where(spread > 0, distance / np.where(spread > 0, spread, 1), 0.0)


def _table(
    labels: list[str],
    kinds: list[_Kind],
    at_risk: pd.DataFrame,
    outcome: Floats,
) -> pd.DataFrame:
    """One row per kind; the first is what the others are compared with."""
    # Bonferroni: the differences share the level.
    joint = 1 - (1 - LEVEL) / (len(kinds) - 1)
    responded = (at_risk["cause"] == 1) & (at_risk["step"] <= TOLD_SESSION)
    rows = [_counted_row("all", "everybody", responded, outcome)]
    for place, (label, kind) in enumerate(zip(labels, kinds, strict=True)):
        counted = _counted_row(
            f"kind_{place}", label, responded[kind.inside], outcome[kind.inside]
        )
        row = counted | {
            **_named("standardised", kind.share, _share_ends(kind, LEVEL)),
            "effective": kind.effective,
            "apart_before": kind.apart[0],
            "apart_after": kind.apart[1],
            "most_apart": kind.most_apart,
        }
        if place:
            gap = kind.share - kinds[0].share
            row |= _named("difference", gap, _gap_ends(kind, kinds[0], joint))
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    return table.astype(dict.fromkeys(("n", "events"), "Int64"))


def _counted_row(
    key: str,
    label: str,
    responded: pd.Series,
    outcome: Floats,
) -> dict[str, Any]:
    """Some people as counted."""
    share = float(outcome.mean())
    low, high = _ends(share, _error(outcome), len(outcome), LEVEL)
    return {
        "key": key,
        "group": label,
        "n": len(outcome),
        "events": int(responded.sum()),
        "estimate": share,
        "ci_low": low,
        "ci_high": high,
    }


def _error(influence: Floats) -> float:
    """Standard error of a mean that each person adds so much to."""
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))


def _ends(
    share: float,
    error: float,
    people: float,
    level: float,
) -> tuple[float, float]:
    """The interval of a share in percent: exact where nobody has it, or everybody."""
    half = _reach(level) * error
    # A share has no interval outside of 0 to 100 %.
    low, high = exact_ends(
        share / _PERCENT,
        max(share - half, 0) / _PERCENT,
        min(share + half, _PERCENT) / _PERCENT,
        people,
        level,
    )
    return _PERCENT * float(low), _PERCENT * float(high)


def _share_ends(kind: _Kind, level: float) -> tuple[float, float]:
    """The interval of a standardised share; missing where it is."""
    if not np.isfinite(kind.share):
        return np.nan, np.nan
    return _ends(kind.share, _error(kind.influence), kind.effective, level)


def _gap_ends(kind: _Kind, first: _Kind, level: float) -> tuple[float, float]:
    """The interval of a difference between two kinds."""
    gap = kind.share - first.share
    # One person may add to both, by way of the weights.
    half = _reach(level) * _error(kind.influence - first.influence)
    at_border = [is_at_border(each.share / _PERCENT) for each in (kind, first)]
    if not any(at_border) or not np.isfinite(gap):
        return gap - half, gap + half
    # A share without a spread of its own has exact ends, and they reach into the difference
    # (Newcombe 1998, Stat Med 17:873, method 10).
    low, high = _share_ends(kind, level)
    first_low, first_high = _share_ends(first, level)
    below = np.hypot(kind.share - low, first_high - first.share)
    above = np.hypot(high - kind.share, first.share - first_low)
    return gap - float(below), gap + float(above)


def _reach(level: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri((1 - level) / 2))


def _named(name: str, middle: float, ends: tuple[float, float]) -> dict[str, float]:
    """A number with its interval, as columns."""
    return {name: middle, f"{name}_low": ends[0], f"{name}_high": ends[1]}


def _sentence(table: pd.DataFrame, labels: list[str]) -> str:
    """Every kind as counted and standardised, and the differences that are beyond chance."""
    parts = []
    # Everybody comes first, and needs no standardising.
    kinds = table.iloc[1:].to_dict("records")
    for row, label in zip(kinds, labels, strict=True):
        name = in_sentence(label)
        key = row["key"]
        if np.isnan(row["standardised"]):
            parts.append(f"{name}, {{{key}.estimate:%}} as counted, not standardised")
            continue
        share = share_with_interval(key, of="standardised", ends="standardised")
        parts.append(f"{name}, {{{key}.estimate:%}} as counted, {share} standardised")
    # Only an interval that holds for all differences at once makes a sentence.
    outside = table[(table["difference_low"] > 0) | (table["difference_high"] < 0)]
    judged = (
        " No standardised difference from the first is beyond chance, which is not the same as no"
        " difference."
        if outside.empty
        else " Beyond chance, beside the first: "
        + "; ".join(
            f"{in_sentence(str(row.group))}, {{{row.key}.difference}} points"
            f" ({{{row.key}.difference_low}} to {{{row.key}.difference_high}})"
            for row in outside.itertuples()
        )
        + "."
    )
    return (
        f"Response by session {TOLD_SESSION}, standardised over what goes with the treatment:"
        f" {'; '.join(parts)}.{judged}"
    )


def _caveats(
    cohort: DerivedCohort,
    name: str,
    table: pd.DataFrame,
    kinds: list[_Kind],
) -> tuple[str, ...]:
    """What goes with the kind, how it was taken out, and what stays in."""
    held = list(dict.fromkeys(label for kind in kinds for label in kind.held))
    what = name.replace("_", " ")
    goes_with = (
        f"Known at the start, and apart between kinds of {what} by more than"
        f" {ALIKE_WITHIN_SD:g} SD: {', '.join(held)}. These are what the shares are standardised"
        " over; some of them are apart by chance alone."
        if held
        else f"Nothing known at the start is apart between kinds of {what} by more than"
        f" {ALIKE_WITHIN_SD:g} SD, so standardising changes nothing."
    )
    few = int(table["standardised"].iloc[1:].isna().sum())
    return (
        goes_with,
        f"Each kind is weighted by the inverse of its chance, from a logistic regression with one"
        f" column for every {FEWEST_MISSING_PER_COLUMN} people, the furthest apart first. After"
        " weighting, the kinds should be apart by at most"
        f" {ALIKE_WITHIN_SD:g} SD; what is above is not made alike. Why somebody got this kind may"
        " not be recorded at all.",
        "Route and drug go together in most clinics: neither can be told apart from the other, and"
        " neither is standardised over the other.",
        "The intervals of the shares are each for itself, those of the differences hold for all of"
        " them at once (Bonferroni).",
        *(
            [
                "Some kinds have no standardised share: after weighting their people count like"
                f" fewer than {FEWEST_EFFECTIVE_OUTCOMES}, or are told apart without exception."
            ]
            if few
            else []
        ),
        f"{rule_words(cohort)}.",
    )
