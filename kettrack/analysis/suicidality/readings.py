"""Every answer on suicidal thoughts, from whichever scale asks about them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import CSSRS
from kettrack.vocabulary.totals import total_bounds

READING_COLUMNS: Final = [
    "patient_id",
    "instrument",
    "day",
    "timing",
    "value",
]


def suicidality_readings(
    cohort: DerivedCohort,
) -> pd.DataFrame:
    """Every recorded answer to an item on suicidal thoughts, of every instrument that has one.

    Returns
    -------
    DataFrame
        One row per patient, instrument and score with the item filled, whether the total is
        complete or not: `patient_id` `instrument` `day` `timing` `value`, in the order of the
        cohort.
    """
    parts = [
        _answers(cohort.scores, scale)
        for scale in cohort.settings.known_instruments.values()
        if _item_of(scale)
    ]
    there = [part[READING_COLUMNS] for part in parts if len(part)]
    if not there:
        return pd.DataFrame(columns=READING_COLUMNS)
    return pd.concat(there, ignore_index=True)


def _item_of(
    scale: Instrument,
) -> str:
    """Column of the item on suicidal thoughts; empty for a scale without one that is confirmed."""
    item = scale.suicidality_item
    if item is None or not item.usable:
        return ""
    return f"item_{item.value:.0f}"


def _answers(
    scores: pd.DataFrame,
    scale: Instrument,
) -> pd.DataFrame:
    """Scores of a scale with the item filled, and its answer as `value`."""
    rows = scores[scores["instrument"] == scale.name]
    item = _item_of(scale)
    if item not in rows:
        return rows.iloc[:0].assign(value=0.0)
    rows = rows[rows[item].notna()]
    value = rows[item].astype("float64")
    return rows.assign(value=value)


def cssrs_forms(
    scores: pd.DataFrame,
) -> pd.DataFrame:
    """C-SSRS forms with any answer on ideation: the least it can be as `value`, and the most as
    `highest`.

    A form whose last questions are blank is an answer too, and the newest one: a yes to question 4
    with 5 blank is at least 4.
    """
    own = scores["instrument"] == CSSRS.name
    rows = scores[own]
    numbers = range(1, CSSRS.n_items + 1)
    items = [f"item_{number}" for number in numbers]
    table = rows.reindex(columns=items)
    answers = table.to_numpy(np.float64, na_value=np.nan)
    low, high = total_bounds(CSSRS, answers)
    answered = np.isfinite(answers).any(axis=1)
    score = rows["score"].to_numpy(np.float64)
    stated = np.isfinite(score)
    forms = rows.assign(
        value=np.where(stated, score, low), highest=np.where(stated, score, high)
    )
    return forms[stated | answered]


def behaviour_answers(
    scores: pd.DataFrame,
) -> pd.DataFrame:
    """Answers to the C-SSRS question on suicidal behaviour, as `value`: 0 or 1."""
    item = f"item_{CSSRS.item_apart}"
    own = scores["instrument"] == CSSRS.name
    if item not in scores:
        return scores.iloc[:0].assign(value=0.0)
    rows = scores[own & scores[item].notna()]
    value = rows[item].astype("float64")
    return rows.assign(value=value)


def ideation_answers(
    cohort: DerivedCohort,
) -> pd.DataFrame:
    """Every answer that tells whether somebody had thoughts of suicide: the item of a scale, or the
    C-SSRS.

    A C-SSRS form with blanks counts with the least that it can be, since a yes is a yes; it tells
    nothing where all its answers are no.

    Returns
    -------
    DataFrame
        `patient_id` `instrument` `day` `timing` `value`, in the order of the cohort.
    """
    items = suicidality_readings(cohort)
    forms = cssrs_forms(cohort.scores)
    value = forms["value"]
    # A form with blanks may hide a yes; a yes that stands on it is one.
    whole = value == forms["highest"]
    told = forms[whole | (value > 0)]
    parts = [items, told[READING_COLUMNS]]
    there = [part for part in parts if len(part)]
    if not there:
        return items
    return pd.concat(there, ignore_index=True)


def is_untreated(
    readings: pd.DataFrame,
) -> Bools:
    """Which answers were given in the days before session 1 that count as a baseline."""
    day = readings["day"].to_numpy(np.int64)
    in_window = day >= -BASELINE_WINDOW_DAYS
    return np.asarray(~is_treated(readings) & in_window)


def is_treated(
    readings: pd.DataFrame,
) -> Bools:
    """Which answers were given after session 1."""
    day = readings["day"].to_numpy(np.int64)
    # A score of the day of the first session is untreated unless it was taken after it.
    after = readings["timing"] == "after"
    same_day = (day == 0) & after.to_numpy(bool)
    return np.asarray((day > 0) | same_day)
