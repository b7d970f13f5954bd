"""One question that can be pooled: what a site counts for it, and the answer from the sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.pooling.tallies import Shape
from kettrack.timelines.derived import DerivedCohort

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledQuestion:
    """One question that can be pooled.

    Parameters
    ----------
    question : str
        Name in `kettrack.questions()`.
    shapes : mapping
        Name of each table to what stands in it.
    lacks : str
        What of the question's own answer is not pooled, and why; empty where everything is.
    nearly_rows : bool
        Whether the counts are nearly as fine as the people; they leave a site exact or not at all.
    count : callable
        A derived cohort in, tables out; refuses where the site cannot count at all.
    answer : callable
        Sum of the tables of all sites in, answer out; refuses where it is too little.
    """

    question: str
    shapes: Mapping[str, Shape]
    lacks: str = ""
    nearly_rows: bool = False
    count: Callable[[DerivedCohort], dict[str, pd.DataFrame]]
    answer: Callable[[Tables, RulesInForce], Answer]
