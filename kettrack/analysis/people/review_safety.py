"""Safety reasons of the review list: what is known of suicidal thoughts, of every patient, whatever
the care status.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import pandas as pd

from kettrack.analysis.suicidality.readings import (
    behaviour_answers,
    cssrs_forms,
    is_untreated,
    suicidality_readings,
)
from kettrack.timelines.derived import DerivedCohort

COLUMNS: Final = ("patient_id", "reason", "day", "words")
_ONE: Final = ["patient_id", "instrument"]


def safety_reasons(cohort: DerivedCohort) -> pd.DataFrame:
    """Patients with a reason to be looked at for suicidal thoughts.

    An answer stays in force until the next one, however old: nobody is taken off for want of a
    newer one. Its day is always given.

    Returns
    -------
    DataFrame
        At most one row per patient and reason: `patient_id` `reason` (suicidality_high, cssrs_high,
        cssrs_behaviour, suicidality_rise, suicidality_not_recorded) `day` (of the answer; of the
        unanswered score for the last reason; missing when there is none) `words`.
    """
    rules = cohort.criteria.review
    readings = suicidality_readings(cohort)
    cssrs = cssrs_forms(cohort.scores)
    latest = _latest_answers(readings)
    answers = pd.concat([readings, cssrs])
    parts = [
        _high(latest, rules.suicidality_item),
        _intent(cssrs, rules.cssrs),
        _behaviour(cohort.scores),
        _risen(latest),
        _not_recorded(cohort, answers),
    ]
    return pd.concat(parts, ignore_index=True)


def _high(
    latest: pd.DataFrame,
    least: int,
) -> pd.DataFrame:
    """Last answers to an item from the threshold on."""
    rows = latest[latest["value"] >= least]
    items = _item_words(rows)
    words = [f"{item} at the last answer" for item in items]
    return _flagged("suicidality_high", rows, words)


def _intent(
    cssrs: pd.DataFrame,
    least: int,
) -> pd.DataFrame:
    """Last C-SSRS forms that show ideation from the threshold on, or leave it open."""
    last = cssrs.drop_duplicates("patient_id", keep="last")
    rows = last[last["highest"] >= least]
    words = [
        f"C-SSRS ideation was {_ideation(row)} at the last answer"
        + (", and the rest is blank: intent is not ruled out" * (row["value"] < least))
        for row in rows.to_dict("records")
    ]
    return _flagged("cssrs_high", rows, words)


def _ideation(
    form: Mapping[Hashable, Any],
) -> str:
    """What a form says of ideation, in words."""
    at_least = "at least " if form["value"] < form["highest"] else ""
    return f"{at_least}{form['value']:g}"


def _behaviour(scores: pd.DataFrame) -> pd.DataFrame:
    """Last answers to the question on suicidal behaviour, where they are a yes."""
    answers = behaviour_answers(scores)
    last = answers.drop_duplicates("patient_id", keep="last")
    yes = last[last["value"] > 0]
    said = "C-SSRS question on suicidal behaviour was answered yes"
    words = [said] * len(yes)
    return _flagged("cssrs_behaviour", yes, words)


def _item_words(rows: pd.DataFrame) -> list[str]:
    """What the item was, one text per row."""
    names = rows["instrument"]
    values = rows["value"]
    return [
        f"suicidality item of {name} was {value:g}"
        for name, value in zip(names, values, strict=True)
    ]


def _flagged(
    reason: str,
    rows: pd.DataFrame,
    words: list[str],
) -> pd.DataFrame:
    """One row per patient: of several instruments the one answered last."""
    flagged = pd.DataFrame({"patient_id": rows["patient_id"]})
    flagged = flagged.assign(
        day=rows["day"].astype("Int64"),
        reason=reason,
        words=pd.array(words, dtype="str"),
    )
    flagged = flagged.sort_values("day", kind="stable")
    flagged = flagged.drop_duplicates("patient_id", keep="last")
    return flagged[list(COLUMNS)]


def _latest_answers(readings: pd.DataFrame) -> pd.DataFrame:
    """Latest answer of each patient and instrument, the one before it, and the last before the
    first session.
    """
    series = readings.groupby(_ONE, sort=False)
    before = series[["value", "day"]].shift(1)
    out = readings.assign(previous=before["value"], previous_day=before["day"])
    out = out.drop_duplicates(_ONE, keep="last")
    recent = readings[is_untreated(readings)]
    recent = recent.drop_duplicates(_ONE, keep="last")
    start = recent[[*_ONE, "value", "day"]]
    names = {"value": "start", "day": "start_day"}
    start = start.rename(columns=names)
    return out.merge(start, "left", _ONE)


def _risen(latest: pd.DataFrame) -> pd.DataFrame:
    """Higher than the answer before, or than the one before treatment."""
    value = latest["value"]
    since_last = value > latest["previous"]
    since_start = value > latest["start"]
    rows = latest[since_last | since_start]
    against = [_before_words(row) for row in rows.to_dict("records")]
    items = _item_words(rows)
    pairs = zip(items, against, strict=True)
    words = [f"{item}; it was {other}" for item, other in pairs]
    return _flagged("suicidality_rise", rows, words)


def _before_words(row: Mapping[Hashable, Any]) -> str:
    """The answer that a rise is measured against."""
    # A rise since the last answer is the fresher news of the two.
    if row["value"] > row["previous"]:
        day = row["previous_day"]
        return f"{row['previous']:g} on day {day:.0f}"
    day = row["start_day"]
    return f"{row['start']:g} before treatment (day {day:.0f})"


def _not_recorded(
    cohort: DerivedCohort,
    known: pd.DataFrame,
) -> pd.DataFrame:
    """Patients whose last assessment of the primary instrument came with no answer on suicidal
    thoughts, from any scale.
    """
    everyone = pd.Index(cohort.patients["patient_id"])
    scores = cohort.scores
    primary = scores["instrument"] == cohort.settings.instrument
    own = scores[primary]
    days = own.groupby("patient_id")["day"]
    scored = days.max().reindex(everyone)
    last = known.sort_values("day", kind="stable")
    last = last.drop_duplicates("patient_id", keep="last")
    last = last.set_index("patient_id")
    last = last.reindex(everyone)
    answered = last["day"].astype("Float64")
    # Without any score there is nothing to be later than: only a missing answer counts then.
    older = answered < scored.astype("Float64")
    never = answered.isna()
    unanswered = never | older.fillna(False)
    silent = unanswered.to_numpy(bool)
    rows = pd.DataFrame(
        {
            "patient_id": everyone,
            "day": scored.to_numpy(),
        }
    )
    older_answers = last[silent]
    answers = older_answers.to_dict("records")
    words = [_answer_words(answer) for answer in answers]
    return _flagged("suicidality_not_recorded", rows[silent], words)


def _answer_words(answer: Mapping[Hashable, Any]) -> str:
    """What the last answer was, where there is any."""
    day = answer["day"]
    if pd.isna(day):
        return "no answer on suicidal thoughts was ever recorded"
    name = answer["instrument"]
    return (
        "no answer on suicidal thoughts with the last score; the last answer was"
        f" {_ideation(answer)} ({name}) on day {day:.0f}"
    )
