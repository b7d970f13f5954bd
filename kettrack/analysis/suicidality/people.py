"""What each person answered on suicidal thoughts, on one scale: before session 1, and after it; and
what every such answer has to say beside its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.suicidality.readings import (
    ideation_answers,
    is_treated,
    is_untreated,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.instruments import CSSRS

COLLECT: Final = (
    "each answer of a scale that asks about suicidal thoughts, such as item_9 of the PHQ-9, in"
    f" the {BASELINE_WINDOW_DAYS} days before session 1 and after it."
)
# The least answer that is a thought of suicide, on every scale.
ANY_THOUGHT: Final = 1
_KEPT: Final = "suicidality answers by person"

BY_ITSELF: Final = (
    "People begin treatment when they are worse than usual. So thoughts of suicide are more common"
    " before session 1 than they are for the same people at other times, and answers fall"
    " afterwards even where sessions do nothing. A fall alone is no effect of treatment."
)
EXACT: Final = f"Brackets hold exact {100 * LEVEL:g} % intervals (Clopper and Pearson)."
RECORDED: Final = (
    "An answer is what somebody wrote on a form. It does not replace a talk, and nobody knows what"
    " people thought who were not asked. For single people see the review list."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers on one scale; arrays have one entry per patient, missing where nobody asked.

    Parameters
    ----------
    scale : str
        Its name.
    item : str
        What was asked, in words.
    rows : DataFrame
        The answers after session 1, in order: `who` (place of the patient) `day` `value`.
    earlier, before : float64
        The last two answers in the days before session 1.
    first, highest, last : float64
        Of the answers after session 1.
    last_day : float64
        Day of the last of them.
    """

    scale: str
    item: str
    rows: pd.DataFrame
    earlier: Floats
    before: Floats
    first: Floats
    highest: Floats
    last: Floats
    last_day: Floats

    @property
    def asked_before(self) -> Bools:
        """Who was asked in the days before session 1."""
        return np.isfinite(self.before)

    @property
    def asked_after(self) -> Bools:
        """Who was asked after session 1."""
        return np.isfinite(self.highest)

    @property
    def asked_twice(self) -> Bools:
        """Who was asked before session 1 and after it."""
        return self.asked_before & self.asked_after


def asked_by_scale(
    cohort: DerivedCohort,
) -> list[Asked]:
    """Every scale on which anybody was asked, the main one first.

    The main one is the primary instrument where it asks, else the one by which most people were
    asked before session 1 and after it. Answers of two scales are never put together: a 1 on one
    scale is no 1 on another.
    """
    found: list[Asked] = cohort.once(_KEPT, lambda: _by_scale(cohort))
    return found


def main_scale(
    cohort: DerivedCohort,
) -> Asked:
    """The scale that a sentence is about.

    Raises
    ------
    NotIdentified
        When no scale of this log asked anybody.
    """
    scales = asked_by_scale(cohort)
    if not scales:
        raise NotIdentified(
            "nobody was asked about suicidal thoughts by a scale that holds such a question.",
            COLLECT,
        )
    return scales[0]


def ever_asked(
    cohort: DerivedCohort,
) -> Bools:
    """Who was ever asked, by any scale and at any time, per patient."""
    answers = ideation_answers(cohort)
    everyone = pd.Index(cohort.patients["patient_id"])
    # Each name of many is looked up among the few, and not the other way round.
    place = everyone.get_indexer(pd.Index(answers["patient_id"]))
    asked = np.zeros(len(everyone), bool)
    asked[place[place >= 0]] = True
    return asked


def no_placebo(
    cohort: DerivedCohort,
) -> Bools:
    """Who is counted at all, per patient: everybody but those who had placebo."""
    return ~np.asarray(cohort.log_reasons["placebo"], bool)


def _by_scale(
    cohort: DerivedCohort,
) -> list[Asked]:
    answers = ideation_answers(cohort)
    everyone = pd.Index(cohort.patients["patient_id"])
    place = everyone.get_indexer(pd.Index(answers["patient_id"]))
    # Places of patients are found once, for every scale.
    answers = answers.assign(who=place)
    groups = answers.groupby("instrument", sort=False)
    scales = [
        _asked(str(name), rows, len(everyone), cohort)
        for name, rows in groups
        if len(rows)
    ]
    # Response is told on the primary instrument, so that harm stands on the same one.
    primary = cohort.instrument.name
    return sorted(
        scales,
        key=lambda asked: (
            asked.scale != primary,
            -int(asked.asked_twice.sum()),
        ),
    )


def _asked(
    name: str,
    answers: pd.DataFrame,
    n: int,
    cohort: DerivedCohort,
) -> Asked:
    """What was answered on one scale."""
    before = answers[is_untreated(answers)]
    rows = answers[is_treated(answers)]
    value = rows.groupby("who")["value"]
    # The last answer but one, of people who gave two.
    earlier = before.groupby("who")["value"].nth(-2)
    earlier.index = pd.Index(before.loc[earlier.index, "who"])
    last = before.groupby("who")["value"].last()
    days = rows.groupby("who")["day"].last()
    parts = {
        "earlier": earlier,
        "before": last,
        "first": value.first(),
        "highest": value.max(),
        "last": value.last(),
        "last_day": days,
    }
    arrays = {
        column: series.reindex(range(n)).to_numpy(np.float64)
        for column, series in parts.items()
    }
    return Asked(
        scale=name,
        item=_item_words(name, cohort),
        rows=rows[["who", "day", "value"]].reset_index(drop=True),
        **arrays,
    )


def _item_words(
    name: str,
    cohort: DerivedCohort,
) -> str:
    """What was asked: the question of a scale, or a scale that asks nothing else."""
    if name == CSSRS.name:
        return f"{name} ideation"
    item = cohort.settings.known_instruments[name].suicidality_item
    return name if item is None else f"question {item.value:.0f} of the {name}"


def recall_words(
    cohort: DerivedCohort,
    scale: str,
) -> str:
    """How far back a scale looks, where that is known; empty otherwise."""
    recall = cohort.settings.known_instruments[scale].recall()
    if recall.assumed:
        return ""
    return (
        f"The {scale} asks about the last {recall.days:g} days, so an early answer also speaks of"
        " the days before session 1."
    )
