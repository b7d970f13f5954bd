"""Exact counts of some people, before anything of them leaves: what sites and buckets add up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pandas as pd

from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce, rules_of_site
from kettrack.errors import NotIdentified
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.tallies import add_tallies
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive

CountTables = Mapping[str, Mapping[str, pd.DataFrame]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCounts:
    """PeopleCounts for some questions. Made by `count_people`.

    Parameters
    ----------
    people : int
        People with at least one session.
    rules : RulesInForce
        By which they were counted.
    tables : mapping
        Question to its tables, by name.
    refused : mapping
        Question to the reason why it cannot be counted, and what to record.
    """

    people: int
    rules: RulesInForce
    tables: CountTables
    refused: Mapping[str, tuple[str, str]]

    def answer(self, question: str) -> Answer:
        """The answer to one question.

        Raises
        ------
        NotIdentified
            Where it could not be counted, or the counts are too little.
        """
        if question not in self.tables:
            raise NotIdentified(*self.refused[question])
        tables = summed([self], question)
        return PARTS[question].answer(tables, self.rules)


def count_people(
    cohort: Cohort | DerivedCohort, names: Collection[str]
) -> PeopleCounts:
    """Count what some questions need.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        Some people.
    names : collection of str
        Questions that can be pooled.
    """
    given = derive(cohort)
    # Some questions leave columns out under a release policy; the policy works on the counts.
    showing_all = replace(given.settings, policy="internal")
    derived = derive(replace(given.cohort, settings=showing_all))
    tables = {}
    refused = {}
    for name in names:
        # What some cannot count, others may.
        try:
            tables[name] = PARTS[name].count(derived)
        except NotIdentified as error:
            refused[name] = (error.reason, error.collect)
    return PeopleCounts(
        people=len(derived.patients),
        rules=rules_of_site(derived),
        tables=tables,
        refused=refused,
    )


def added(parts: Sequence[PeopleCounts]) -> PeopleCounts:
    """PeopleCounts of different people, counted by the same rules, added up."""
    first = parts[0]
    asked = [*first.tables, *first.refused]
    tables = {}
    refused = {}
    for name in asked:
        here = summed(parts, name)
        if here:
            tables[name] = here
        else:
            refused[name] = first.refused[name]
    known = any(one.rules.log_end_known for one in parts)
    return PeopleCounts(
        people=sum(one.people for one in parts),
        rules=replace(first.rules, log_end_known=known),
        tables=tables,
        refused=refused,
    )


class Counted(Protocol):
    """Sites and buckets alike."""

    @property
    def tables(self) -> Mapping[str, Mapping[str, pd.DataFrame]]:
        """Question to its tables, by name."""
        ...


def summed(
    sites: Sequence[Counted],
    question: str,
) -> dict[str, pd.DataFrame]:
    """The tables of one question, added up over the sites that have counted it.

    Parameters
    ----------
    sites : sequence of Counted
        Those that have not counted it add nothing.
    question : str
        One that can be pooled.
    """
    counted = []
    for site in sites:
        # A site that could not count it has sent a reason instead.
        counted.append(site.tables.get(question, {}))
    shapes = PARTS[question].shapes
    found = {}
    for name, shape in shapes.items():
        there = []
        for tables in counted:
            if name in tables:
                there.append(tables[name])
        # A table may be missing: a rule that is not defined, a site in which nobody responded.
        if there:
            found[name] = add_tallies(shape, there)
    return found
