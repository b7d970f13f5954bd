"""One answer by group: how far groups are apart, with intervals that hold together, and never a
bare test.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, made_from, refusal, release, rule_words
from kettrack.analysis.subgroups.groups import (
    EARLY_SESSION,
    GROUPINGS,
    groups_of,
    unknown_words,
)
from kettrack.analysis.subgroups.questions import QUESTIONS, Question
from kettrack.analysis.subgroups.rates import compare_loss_rates
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.incidence_difference import (
    IncidenceDifference,
    compare_incidence,
)
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

REPLICATES: Final = 1999
SEED: Final = 20261122
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "group": "label",
    "at": "label",
    "n": "denominator",
    "at_risk": "running",
    "events": "count",
    "without": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "difference": "derived",
    "difference_low": "derived",
    "difference_high": "derived",
}


def compare_groups(name: str, cohort: DerivedCohort, by: str) -> Result:
    """Answer a question by group.

    Parameters
    ----------
    name : str
        One of `QUESTIONS`, or `maintenance`, for which see `compare_loss_rates`.
    cohort : DerivedCohort
        As for the question itself.
    by : {"severity", "route", "early_response"}
        Groups; `early_response` starts at session 2, among those who had not responded by then.

    Returns
    -------
    Result
        One row per group and time: `group` `at` (session, or day since the end of the planned
        course) `n` (of the group) `at_risk` `events` (so far) `without` (the others) `estimate`
        `ci_low` `ci_high` (% who had the event; pointwise) and, but for the first group,
        `difference` `difference_low` `difference_high` from it in points (intervals that hold all
        at once). Refused when fewer than two groups have 11 people at risk.

    Raises
    ------
    UsageError
        For a question or a group that is not there.
    """
    if name == "maintenance":
        return compare_loss_rates(cohort, by)
    if name not in QUESTIONS:
        raise UsageError(
            f"{name!r} cannot be split by group; these can:"
            f" {', '.join([*QUESTIONS, 'maintenance'])}."
        )
    question = QUESTIONS[name]
    named = f"{name}_by_{by}"
    estimand = (
        f"Share who had {question.event} by each {question.unit}, by {GROUPINGS.get(by, by)}; an"
        " association, not a cause."
    )
    people = groups_of(cohort, by)
    try:
        counts = _counts(question, cohort, people, by)
        found = compare_incidence(
            list(counts.values()),
            _times(question, counts, by),
            replicates=REPLICATES,
            seed=SEED,
        )
    except NotIdentified as error:
        return release(refusal(named, cohort, error, estimand), cohort)
    table = _table(counts, found)
    result = Result(
        name=named,
        table=table,
        roles=_ROLES,
        show=tuple(name for name in _ROLES if name not in ("key", "without")),
        sentence=_sentence(
            table, question, by == "early_response" and question.after_landmark
        ),
        estimand=estimand,
        caveats=_caveats(cohort, people, counts, found, by),
        made_from=made_from(cohort, unit="percent of patients", level=0.95, seed=SEED),
    )
    return release(result, cohort)


def _counts(
    question: Question, cohort: DerivedCohort, people: pd.Series, by: str
) -> dict[str, ExitCounts]:
    """Exits of each group that is large enough, in order."""
    left = question.exits(cohort)
    left = left[
        left["step"]
        > (EARLY_SESSION if by == "early_response" and question.after_landmark else 0)
    ]
    group = people.reindex(left.index)
    counts = {
        str(label): count_competing_risks(
            part["step"].to_numpy(), part["cause"].to_numpy(), question.n_causes
        )
        for label, part in left.groupby(group, observed=True)
        if len(part) >= FEWEST
    }
    if len(counts) < 2:
        raise NotIdentified(
            f"fewer than two groups have {FEWEST} people at risk.",
            f"more people in at least two groups by {GROUPINGS[by]}; other groups can be compared"
            " with --by.",
        )
    return counts


def _times(question: Question, counts: dict[str, ExitCounts], by: str) -> list[int]:
    """Times at which every group has enough people at risk; a landmark is no time to compare at."""
    first = EARLY_SESSION if by == "early_response" and question.after_landmark else 0
    followed = min(int((group.at_risk >= FEWEST).sum()) for group in counts.values())
    times = [time for time in question.at if first < time <= followed]
    if not times:
        raise NotIdentified(
            f"groups are compared at {question.at_time(_either(question.at))}, where not all"
            f" groups have {FEWEST} people at risk: {_reach(question, counts)}.",
            "scores and logs that reach further, and more people in the smallest group.",
        )
    return times


def _either(times: tuple[int, ...]) -> str:
    return " or ".join(filter(None, [", ".join(map(str, times[:-1])), str(times[-1])]))


def _reach(question: Question, counts: dict[str, ExitCounts]) -> str:
    """The group that ends first, and how far it goes."""
    lasts = {
        label: int((group.at_risk >= FEWEST).sum()) for label, group in counts.items()
    }
    label = min(lasts, key=lambda name: lasts[name])
    return f"'{label}' has them up to {question.at_time(lasts[label])} only"


def _table(counts: dict[str, ExitCounts], found: IncidenceDifference) -> pd.DataFrame:
    rows = []
    for place, (label, group) in enumerate(counts.items()):
        curve = estimate_incidence(group)
        for row, time in enumerate(found.steps):
            n = int(group.at_risk[0])
            events = int(group.events[:time, 0].sum())
            cells: dict[str, object] = {
                "key": f"group{place}_{time}",
                "group": label,
                "at": int(time),
                "n": n,
            }
            cells |= {
                "at_risk": int(group.at_risk[time - 1]),
                "events": events,
                "without": n - events,
            }
            for name in ("estimate", "ci_low", "ci_high"):
                cells[name] = 100 * float(getattr(curve, name)[time - 1, 0])
            apart = (found.difference, found.ci_low, found.ci_high)
            for name, values in zip(
                ("difference", "difference_low", "difference_high"), apart, strict=True
            ):
                cells[name] = 100 * float(values[row, place - 1]) if place else np.nan
            rows.append(cells)
    return pd.DataFrame(rows)


def _sentence(table: pd.DataFrame, question: Question, landmark: bool) -> str:
    """Each group at the last time compared, and how far it is from the first."""
    last = table[table["at"] == table["at"].max()]
    parts = []
    for row in last.itertuples():
        apart = (
            f", {{{row.key}.difference}} points apart ({{{row.key}.difference_low}} to"
            f" {{{row.key}.difference_high}})"
        )
        parts.append(
            f"{row.group}: {{{row.key}.estimate}} % of {{{row.key}.n}} people"
            f" ({{{row.key}.ci_low}}-{{{row.key}.ci_high}})"
            + ("" if np.isnan(row.difference) else apart)
        )
    start = (
        f"Of those without it by session {EARLY_SESSION}, had" if landmark else "Had"
    )
    return (
        f"{start} {question.event} by {question.at_time('{' + last['key'].iloc[0] + '.at}')}:"
        f" {'; '.join(parts)}."
    )


def _caveats(
    cohort: DerivedCohort,
    people: pd.Series,
    counts: dict[str, ExitCounts],
    found: IncidenceDifference,
    by: str,
) -> tuple[str, ...]:
    unknown = unknown_words(cohort, people, by)
    small = [
        str(label)
        for label in people.cat.categories
        if label not in counts and (people == label).any()
    ]
    landmark = (
        [
            f"Landmark: session {EARLY_SESSION}, by the score that the futility sheet uses. People who had the event by then, or "
            "left, or whose log does not reach past the next session, are not counted."
        ]
        if by == "early_response"
        else []
    )
    return (
        (
            f"Groups by {GROUPINGS[by]}. They differ in more than that: a difference between"
            " groups is no reason for it."
        ),
        *(
            [f"Left out, with fewer than {FEWEST} people at risk: {', '.join(small)}."]
            if small
            else []
        ),
        *(
            [f"In no group, of everybody in the log: {'; '.join(unknown)}."]
            if unknown
            else []
        ),
        *landmark,
        (
            "Differences are from the first group; 95 % intervals that hold for all of them at"
            f" once, {found.replicates} bootstrap samples of patients, seed {found.seed}."
            f" Permuting the group labels, {_chance(found.p)} of draws were as far apart."
        ),
        rule_words(cohort) + ".",
    )


def _chance(share: float) -> str:
    return "fewer than 0.1 %" if share < 0.001 else f"{100 * share:.1f} %"
