"""Safety reasons of the review list: what is known of suicidal thoughts, of every patient, whatever
the care status.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import CSSRS

COLUMNS: Final = ("patient_id", "reason", "day", "words")
_ONE: Final = ["patient_id", "instrument"]


def suicidality_readings(cohort: DerivedCohort) -> pd.DataFrame:
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
    there = [part for part in parts if len(part)]
    columns = ["patient_id", "instrument", "day", "timing", "value"]
    return (
        pd.concat(there, ignore_index=True)[columns]
        if there
        else pd.DataFrame(columns=columns)
    )


def _item_of(scale: Instrument) -> str:
    item = scale.suicidality_item
    return f"item_{item.value:.0f}" if item is not None and item.usable else ""


def _answers(scores: pd.DataFrame, scale: Instrument) -> pd.DataFrame:
    rows = scores[scores["instrument"] == scale.name]
    item = _item_of(scale)
    if item not in rows:
        return rows.iloc[:0].assign(value=0.0)
    rows = rows[rows[item].notna()]
    return rows.assign(value=rows[item].astype("float64"))


def safety_reasons(cohort: DerivedCohort) -> pd.DataFrame:
    """Patients with a reason to be looked at for suicidal thoughts.

    An answer stays in force until the next one, however old: nobody is taken off for want of a
    newer one. Its day is always given.

    Returns
    -------
    DataFrame
        At most one row per patient and reason: `patient_id` `reason` (suicidality_high, cssrs_high,
        suicidality_rise, suicidality_not_recorded) `day` (of the answer; of the unanswered score
        for the last reason; missing when there is none) `words`.
    """
    rules = cohort.criteria.review
    readings = suicidality_readings(cohort)
    cssrs = cohort.scores[
        (cohort.scores["instrument"] == CSSRS.name) & cohort.scores["score"].notna()
    ]
    latest = _with_before(readings)
    high = latest[latest["value"] >= rules.suicidality_item]
    intent = cssrs.drop_duplicates("patient_id", keep="last").query(
        "score >= @rules.cssrs"
    )
    parts = [
        _flagged(
            "suicidality_high",
            high,
            [f"{words} at the last answer" for words in _item_words(high)],
        ),
        _flagged(
            "cssrs_high",
            intent,
            [
                f"C-SSRS ideation was {score:g} at the last answer"
                for score in intent["score"]
            ],
        ),
        _risen(latest),
        _not_recorded(
            cohort, pd.concat([readings, cssrs.assign(value=cssrs["score"])])
        ),
    ]
    return pd.concat(parts, ignore_index=True)


def _item_words(rows: pd.DataFrame) -> list[str]:
    return [
        f"suicidality item of {name} was {value:g}"
        for name, value in zip(rows["instrument"], rows["value"], strict=True)
    ]


def _flagged(reason: str, rows: pd.DataFrame, words: list[str]) -> pd.DataFrame:
    """One row per patient: of several instruments the one answered last."""
    flagged = pd.DataFrame(
        {"patient_id": rows["patient_id"], "day": rows["day"].astype("Int64")}
    ).assign(reason=reason, words=pd.array(words, dtype="str"))
    return flagged.sort_values("day", kind="stable").drop_duplicates(
        "patient_id", keep="last"
    )[list(COLUMNS)]


def _with_before(readings: pd.DataFrame) -> pd.DataFrame:
    """Latest answer of each patient and instrument, the one before it, and the last before the
    first session.
    """
    before = readings.groupby(_ONE, sort=False)[["value", "day"]].shift(1)
    out = readings.assign(
        previous=before["value"], previous_day=before["day"]
    ).drop_duplicates(_ONE, keep="last")
    untreated = (readings["day"] < 0) | (
        (readings["day"] == 0) & (readings["timing"] != "after")
    )
    recent = readings[
        untreated & (readings["day"] >= -BASELINE_WINDOW_DAYS)
    ].drop_duplicates(_ONE, keep="last")
    start = recent[[*_ONE, "value", "day"]].rename(
        columns={"value": "start", "day": "start_day"}
    )
    return out.merge(start, "left", _ONE)


def _risen(latest: pd.DataFrame) -> pd.DataFrame:
    """Higher than the answer before, or than the one before treatment."""
    since_last = latest["value"] > latest["previous"]
    rows = latest[since_last | (latest["value"] > latest["start"])]
    since_start = [
        f"{value:g} before treatment (day {day:.0f})"
        for value, day in zip(rows["start"], rows["start_day"], strict=True)
    ]
    before = [
        f"{value:g} on day {day:.0f}"
        for value, day in zip(rows["previous"], rows["previous_day"], strict=True)
    ]
    against = np.where(since_last[rows.index], before, since_start)
    words = [
        f"{item}, {other}"
        for item, other in zip(_item_words(rows), against, strict=True)
    ]
    return _flagged("suicidality_rise", rows, words)


def _not_recorded(cohort: DerivedCohort, known: pd.DataFrame) -> pd.DataFrame:
    """Patients whose last assessment of the primary instrument came with no answer on suicidal
    thoughts, from any scale.
    """
    everyone = pd.Index(cohort.patients["patient_id"])
    scores = cohort.scores[cohort.scores["instrument"] == cohort.settings.instrument]
    scored = scores.groupby("patient_id")["day"].max().reindex(everyone)
    last = known.sort_values("day", kind="stable").drop_duplicates(
        "patient_id", keep="last"
    )
    last = last.set_index("patient_id").reindex(everyone)
    answered = last["day"].astype("Float64")
    silent = (
        answered.isna() | (answered < scored.astype("Float64")).fillna(False)
    ).to_numpy(bool)
    rows = pd.DataFrame({"patient_id": everyone, "day": scored.to_numpy()})[silent]
    words = [
        (
            "no answer on suicidal thoughts was ever recorded"
            if np.isnan(day)
            else (
                f"no answer on suicidal thoughts with the last score; {value:g} ({name}) on day"
                f" {day:.0f}"
            )
        )
        for day, value, name in zip(
            answered[silent].to_numpy(float, na_value=np.nan),
            last["value"][silent],
            last["instrument"][silent],
            strict=True,
        )
    ]
    return _flagged("suicidality_not_recorded", rows, words)
