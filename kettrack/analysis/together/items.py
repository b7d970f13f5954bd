"""Which symptoms move first: a scale item by item, early and later, in the same people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK, require_week
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import COLUMNS
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.suicidality.readings import is_treated, is_untreated
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.escapes import in_sentence
from kettrack.estimators.intervals import (
    SimultaneousBand,
    patient_weights,
    simultaneous_band,
)
from kettrack.estimators.item_shift import item_shift, shift_replicates, widened
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import ratable
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    DAYS_IN_WEEK,
    EARLY_WEEK,
    HORIZON_TOLERANCE_DAYS,
)
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.limits import FEWEST_PEOPLE_FOR_SLOPE
from kettrack.vocabulary.made_of import MEANS
from kettrack.vocabulary.plain_words import value_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "item": "label",
    "about": "label",
    "week": "label",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_DECIMALS: Final = {"estimate": 2, "ci_low": 2, "ci_high": 2}
CHANGE: Final = "change from before treatment"
AHEAD: Final = "early answer against the usual one at the same total"
_TOTAL: Final = "total"
_SEED: Final = 1
_REPLICATES: Final = 1000
_COLLECT: Final = (
    "the answer to each item, in item_1 and so on of scores.csv, in the"
    f" {BASELINE_WINDOW_DAYS} days before session 1, early and later."
)


@dataclass(frozen=True, slots=True)
class ItemForms:
    """Complete forms of the same people at three times; arrays of shape (people, items).

    Parameters
    ----------
    people : Index
        Patient codes.
    before, early, later : float64
        Answers before session 1, at the early week and at the later one.
    """

    people: pd.Index
    before: Floats
    early: Floats
    later: Floats


@question(
    "change_by_item",
    recipes=(MEANS,),
    asks="Which symptoms move first?",
    unit="points of one item",
    estimand=(
        "Mean change of each item of the scale from before treatment to an early and to a later"
        " week, in the same people; and how far the early answer to each item lies from the one"
        " that people with the same total usually give, before treatment and later."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
    show=tuple(name for name in _ROLES if name != "key"),
)
def change_by_item(
    cohort: DerivedCohort,
    week: int = EARLY_WEEK,
    later: int = WEEK,
    replicates: int = _REPLICATES,
    seed: int = _SEED,
) -> Answer:
    """Each item early and later, and which moved before the others.

    Parameters
    ----------
    week, later : int
        Weeks since session 1.
    replicates : int
        Of the bootstrap.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Result
        Of `n` people with a complete form at all three times: `early_1` and so on, `later_1` and so
        on (mean change of each item) and `early_total` `later_total`; `ahead_1` and so on: mean of
        the early answer minus the answer that the same people give at the same total before
        treatment and later. Where higher is worse, an item below 0 there had already moved further
        than the total says: it moves first. All intervals of the changes hold together, and so do
        all of `ahead` (sup-t band, bootstrap of people). Refused on a scale whose total is no sum
        of items, and with fewer than `FEWEST_PEOPLE_FOR_SLOPE` people.
    """
    scale = cohort.instrument
    require_week(week)
    if week >= later:
        raise UsageError(
            f"The early week ({week}) must come before the later ({later})."
        )
    # Where the highest answer of several counts, an item can move without the total.
    if scale.total != "sum" or not scale.n_items:
        raise NotIdentified(
            f"the total of the {scale.name} is no plain sum of items that kettrack reads.",
            "a scale whose items add up, such as the PHQ-9.",
        )
    forms = item_forms(cohort, week, later)
    if len(forms.people) < FEWEST_PEOPLE_FOR_SLOPE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE_FOR_SLOPE} people who were a case have every item"
            f" before session 1 and within {HORIZON_TOLERANCE_DAYS} days of weeks {week} and"
            f" {later}.",
            _COLLECT,
        )
    # The same draws for both bands: they are of the same people.
    weights = patient_weights(len(forms.people), replicates, seed)
    table = _table(forms, scale, (week, later), weights)
    return Answer(
        table=table,
        sentence=_sentence(table, scale, week, later),
        caveats=_caveats(cohort, replicates, seed),
        level=LEVEL,
        seed=seed,
        rows=partial(_person_rows, forms, scale),
    )


def item_forms(
    cohort: DerivedCohort,
    week: int,
    later: int,
) -> ItemForms:
    """Complete forms of people who were a case and were never treated before the log: the last one
    before session 1, and the one nearest to each week.
    """
    scale = cohort.instrument
    names = [f"item_{number}" for number in range(1, scale.n_items + 1)]
    scores = cohort.scores
    rows = scores[scores["instrument"] == scale.name].reindex(
        columns=["patient_id", "day", "timing", *names]
    )
    # A form with a blank has no total, and so no usual answer at that total.
    rows = rows.dropna(subset=names)
    left_out = np.logical_or.reduce(list(cohort.log_reasons.values()))
    case = ratable(cohort.baselines, cohort.criteria) & ~left_out
    people = cohort.patients["patient_id"][case]
    rows = rows[rows["patient_id"].isin(people)]
    # The timing of the day of session 1 decides on which side of it a form lies.
    untreated = rows[is_untreated(rows)].groupby("patient_id").tail(1)
    treated = rows[is_treated(rows)]
    pages = [
        untreated,
        _nearest(treated, DAYS_IN_WEEK * week),
        _nearest(treated, DAYS_IN_WEEK * later),
    ]
    answers = [page.set_index("patient_id")[names] for page in pages]
    # The same people at all three times: others would bring their own answers in.
    shared = answers[0].index
    for page in answers[1:]:
        shared = shared.intersection(page.index, sort=False)
    before, early, late = (
        np.asarray(page.loc[shared].to_numpy(np.float64), np.float64)
        for page in answers
    )
    return ItemForms(pd.Index(shared), before, early, late)


def _nearest(rows: pd.DataFrame, day: int) -> pd.DataFrame:
    """The form nearest to a day, of two as near the earlier one."""
    away = (rows["day"] - day).abs()
    near = rows.assign(away=away)[away <= HORIZON_TOLERANCE_DAYS]
    near = near.sort_values(["patient_id", "away", "day"], kind="stable")
    return near.groupby("patient_id").head(1)


# ---- rows


def _table(
    forms: ItemForms,
    scale: Instrument,
    weeks: tuple[int, int],
    weights: np.ndarray,
) -> pd.DataFrame:
    """Change of every item and of the total, early and later; and which item is ahead."""
    n = len(forms.people)
    # Early and later side by side, so that one band holds all of them.
    changes = np.hstack([forms.early - forms.before, forms.later - forms.before])
    drawn = weights.astype(np.float64) @ changes / n
    means = changes.mean(axis=0)
    band = widened(means, simultaneous_band(means, drawn, LEVEL), n, 1)
    # What is usual at a total is told by both ends, where totals are high and where they are low.
    reference = (forms.before, forms.later)
    ahead = item_shift(forms.early, reference)
    shifts = shift_replicates(forms.early, reference, weights)
    ahead_band = widened(ahead, simultaneous_band(ahead, shifts, LEVEL), n)
    k = scale.n_items
    rows: list[dict[str, Any]] = []
    for place, (key, week) in enumerate(zip(("early", "later"), weeks, strict=True)):
        inside = slice(place * k, (place + 1) * k)
        part = SimultaneousBand(band.low[inside], band.high[inside], band.critical)
        rows += _item_rows(scale, (key, CHANGE, week), means[inside], part)
        rows.append(_total_row(changes[:, inside].sum(axis=1), key, week))
    rows += _item_rows(scale, ("ahead", AHEAD, weeks[0]), ahead, ahead_band)
    table = pd.DataFrame(rows).assign(n=n)
    return table[list(_ROLES)]


def _item_rows(
    scale: Instrument,
    kind: tuple[str, str, int],
    values: Floats,
    band: SimultaneousBand,
) -> list[dict[str, Any]]:
    """One row for each item."""
    key, about, week = kind
    return [
        {
            "key": f"{key}_{number}",
            "item": scale.item_name(number),
            "about": about,
            "week": week,
            "estimate": values[number - 1],
            "ci_low": band.low[number - 1],
            "ci_high": band.high[number - 1],
        }
        for number in range(1, scale.n_items + 1)
    ]


def _total_row(
    change: Floats,
    key: str,
    week: int,
) -> dict[str, Any]:
    """The sum of the items, with an interval of its own."""
    from scipy.special import stdtrit

    n = len(change)
    mean = float(change.mean())
    # One number by itself needs no band.
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2) * change.std(ddof=1) / np.sqrt(n))
    return {
        "key": f"{key}_{_TOTAL}",
        "item": "total",
        "about": CHANGE,
        "week": week,
        "estimate": mean,
        "ci_low": mean - half,
        "ci_high": mean + half,
    }


# ---- words


def _sentence(
    table: pd.DataFrame,
    scale: Instrument,
    week: int,
    later: int,
) -> str:
    """The totals, then the items that are ahead of the others and those that lag."""
    ahead = table[table["about"] == AHEAD]
    # Better is down on most scales; the sign turns those on which it is up.
    low = (scale.sign * ahead[["ci_low", "ci_high"]]).min(axis=1)
    high = (scale.sign * ahead[["ci_low", "ci_high"]]).max(axis=1)
    first = ahead.loc[(high < 0).to_numpy(), "key"]
    last = ahead.loc[(low > 0).to_numpy(), "key"]
    words = (
        f"In {{early_total.n}} people with every answer at three times, the"
        f" {in_sentence(scale.name)} total had changed by {value_with_interval('early_total')}"
        f" points at week {week} and by {value_with_interval('later_total')} at week {later}."
    )
    # Whoever draws lots among nine items finds a first one: only the band decides.
    if not len(first) and not len(last):
        return (
            f"{words} No symptom can be said to move before the others: at the same total, the"
            f" answers at week {week} are those of other times, as far as the intervals tell."
        )
    parts = {
        "Already further than the total says, so moving first: ": first,
        "Not yet as far as the total says, so moving later (in part because the numbers of all"
        " items add up to 0): ": last,
    }
    told = [
        head
        + "; ".join(f"{{{key}.item}} {value_with_interval(key)} points" for key in keys)
        for head, keys in parts.items()
        if len(keys)
    ]
    return f"{words} {'. '.join(told)}."


def _caveats(
    cohort: DerivedCohort,
    replicates: int,
    seed: int,
) -> tuple[str, ...]:
    recall = cohort.instrument.recall()
    return (
        "Items fall by themselves in people who came because a total was high, and an item that"
        " most people answer high can fall most. So which item moves first is read at the same"
        " total: the early answer against the one that the same people give at that total before"
        " treatment and later. Choosing people by their total does not move it.",
        "The usual answer at a total is a curve of the third degree. The numbers of all items add"
        " up to 0: where one is ahead, others seem to lag a little. It says in which order"
        " symptoms change, not why.",
        f"{recall} An early form therefore also speaks of days before the sessions; an item about"
        " sleep and one about mood may be remembered differently.",
        f"Counted: people who were a case, with every item before session 1 and at both weeks"
        f" (the nearest form, at most {HORIZON_TOLERANCE_DAYS} days away). {rule_words(cohort)}."
        f" The {100 * LEVEL:g} % intervals of all changes hold together, and those of all items"
        f" against the usual answer do (sup-t bands, {replicates} bootstrap samples of people,"
        f" seed {seed}, wider where there are few).",
    )


def _person_rows(
    forms: ItemForms,
    scale: Instrument,
) -> pd.DataFrame:
    """The answer of each person to each item, at the three times in order."""
    parts = []
    pages = (forms.before, forms.early, forms.later)
    for number in range(1, scale.n_items + 1):
        for step, page in enumerate(pages):
            parts.append(
                pd.DataFrame(
                    {
                        "curve": f"item_{number}",
                        "patient_id": forms.people,
                        "time": step,
                        "weight": 1.0,
                        "value": page[:, number - 1],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS))
