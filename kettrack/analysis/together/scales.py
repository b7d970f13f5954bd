"""The scales of a cohort beside one another, each rated by its own rules and never by those of
another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import scores_at_week
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified, UsageError
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.rules import Rule

# The rules of another scale are not those that were chosen for the primary one.
_OTHER_RULES: Final = "convention"
COLLECT: Final = (
    "scores of another scale, such as the GAD-7, in the"
    f" {BASELINE_WINDOW_DAYS} days before session 1 and after it."
)


def scales_beside(cohort: DerivedCohort) -> list[Instrument]:
    """Scales other than the primary one that anybody has a complete score of, in the order in
    which kettrack lists them.
    """
    scores = cohort.scores
    # A scale of which every form has a blank tells nothing.
    complete = scores["score"].notna()
    there = set(scores.loc[complete, "instrument"].astype(str))
    return [
        scale
        for name, scale in cohort.settings.known_instruments.items()
        if name in there and name != cohort.instrument.name
    ]


def on_scale(cohort: DerivedCohort, name: str) -> DerivedCohort:
    """The same people, with another scale as the primary one; made once."""
    if name == cohort.instrument.name:
        return cohort
    settings = replace(
        cohort.settings,
        instrument=name,
        criteria=_OTHER_RULES,
    )
    return cohort.once(("on scale", name), lambda: cohort.replace(settings=settings))


def choose_other(
    cohort: DerivedCohort,
    name: str,
    fitting: list[Instrument],
    lacking: NotIdentified,
) -> DerivedCohort:
    """The people on the scale that was asked for, or on the fitting one that most were rated on.

    Parameters
    ----------
    name : str
        Of a scale; empty = the one that most people have a baseline on.
    fitting : list of Instrument
        Those the question can be asked of.
    lacking : NotIdentified
        Raised where there is none.

    Raises
    ------
    UsageError
        For a name that is not among those that fit.
    """
    names = [scale.name for scale in fitting]
    if name and name not in names:
        there = ", ".join(names) or "none"
        raise UsageError(
            f"No other scale of this log is called {name!r}; there are: {there}."
        )
    if not names:
        raise lacking
    candidates = [on_scale(cohort, each) for each in ([name] if name else names)]
    # Of equally many people the first in the list stays, so that the answer does not depend on
    # the order of the rows.
    return max(candidates, key=lambda other: int(other.rated.sum()))


def at_week(cohort: DerivedCohort, week: int) -> pd.DataFrame:
    """`scores_at_week` of people who had a session of the drug, with `percent_change`."""
    people = scores_at_week(cohort, week)
    people = people[people["sessions"] > 0]
    zero = cohort.instrument.minimum
    above = (people["baseline"] - zero).abs()
    # Of a baseline at the lowest score there is no percentage.
    percent = 100 * people["change"] / above.where(above > 0)
    return people.assign(percent_change=percent)


def rule_flags(rule: Rule | None, people: pd.DataFrame) -> Bools:
    """Whether one score of each person holds a rule; nobody where there is no rule."""
    measures = {
        name: people[name].to_numpy(np.float64)
        for name in ("score", "change", "percent_change")
    }
    return np.asarray(meets(rule, measures), bool)


def improved_by_error(cohort: DerivedCohort, people: pd.DataFrame) -> Bools | None:
    """Who improved by more than measurement error; None where the scale has no such number."""
    fact = cohort.instrument.reliable_change
    if fact is None or not fact.usable:
        return None
    better = -cohort.instrument.sign * people["change"]
    return np.asarray(better >= fact.value, bool)


def without_caseness(scales: list[Instrument]) -> tuple[str, ...]:
    """That a scale does not say what a case is; nothing where all of them do."""
    names = [scale.name for scale in scales if scale.caseness is None]
    if not names:
        return ()
    # A caveat is no template, so that the names need no escaping.
    return (
        f"{', '.join(names)}: no cut-off for a case is known, so everybody with a baseline counts"
        " as one.",
    )
