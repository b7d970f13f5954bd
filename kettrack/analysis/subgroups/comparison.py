"""One answer by group: the share in each group and how far the groups differ, with intervals that
hold for all differences at once, and never a bare test.
"""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.context import (
    LEVEL,
    made_from,
    refusal,
    release,
    rule_words,
)
from kettrack.analysis.person_rows import exit_rows
from kettrack.analysis.registry import asked_as
from kettrack.analysis.response.benchmark import NULL_COLUMNS
from kettrack.analysis.subgroups.group_benchmark import (
    NO_CHARACTERISTICS,
    OF_SCORES,
    add_group_null,
    null_sentence,
)
from kettrack.analysis.subgroups.groups import (
    EARLY_SESSION,
    differ_caveat,
    grouping_name,
    grouping_words,
    groups_of,
    left_out_caveats,
    never_scored,
    said_number,
    unknown_words,
)
from kettrack.analysis.subgroups.loss_rates import compare_loss_rates
from kettrack.analysis.subgroups.split_questions import SPLIT_QUESTIONS, SplitQuestion
from kettrack.errors import NotIdentified, UsageError
from kettrack.escapes import in_sentence
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.incidence_difference import (
    IncidenceDifference,
    compare_incidence,
)
from kettrack.estimators.survival.life_table import steps_to_show
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.plain_words import percentage, share_with_interval

GROUP_REPLICATES: Final = 1999
GROUP_SEED: Final = 20261122
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
    **dict.fromkeys(NULL_COLUMNS, "derived"),
    "difference": "derived",
    "difference_low": "derived",
    "difference_high": "derived",
}
# `without` is there for disclosure control: n less events tells it, so it is hidden when small.
_SHOWN: Final = tuple(name for name in _ROLES if name not in ("key", "without"))


def compare_groups(name: str, cohort: DerivedCohort, by: str) -> Result:
    """Answer a question by group.

    Parameters
    ----------
    name : str
        One of `SPLIT_QUESTIONS`, or `maintenance`, for which see `compare_loss_rates`.
    cohort : DerivedCohort
        As for the question itself.
    by : str
        One of `all_groupings`; `early_response` starts at session 2, among those who had not
        responded by then.

    Returns
    -------
    Result
        One row per group and time: `group` `at` (session, or day since the end of the planned
        course) `n` (of the group) `at_risk` `events` (so far) `without` (the others) `estimate`
        `ci_low` `ci_high` (% who had the event; pointwise), `null` `null_low` `null_high` (% if
        sessions did nothing, with its interval; missing where no such model can be fitted) and, but
        for the first group, `difference` `difference_low` `difference_high` from it in points
        (intervals that hold all at once). Refused when fewer than two groups have `FEWEST_PEOPLE`
        at risk.

    Raises
    ------
    UsageError
        For a question or a group that is not there.
    """
    if name == "maintenance":
        return compare_loss_rates(cohort, by)
    if name not in SPLIT_QUESTIONS:
        there = ", ".join([*SPLIT_QUESTIONS, "maintenance"])
        raise UsageError(
            f"{name!r} cannot be split by group. These questions can: {there}."
        )
    asked = SPLIT_QUESTIONS[name]
    by = grouping_name(cohort, by)
    named = f"{name}_by_{by}"
    estimand = _estimand(asked, grouping_words(cohort, by))
    people = groups_of(cohort, by)
    try:
        # Only the words of the answer hang on the policy.
        compared = cohort.once_for_all(
            ("compared by group", name, by),
            lambda: _compared(asked, cohort, people, by),
        )
    except NotIdentified as error:
        return release(refusal(named, cohort, error, estimand), cohort)
    table = compared.table
    caveats = _caveats(asked, cohort, people, compared.counts, compared.found, by)
    result = Result(
        name=named,
        table=table,
        roles=_ROLES,
        show=_SHOWN,
        sentence=_sentence(table, asked, by),
        estimand=estimand,
        caveats=(*caveats, compared.null_caveat),
        made_from=made_from(
            cohort,
            unit="percent of patients",
            level=LEVEL,
            seed=GROUP_SEED,
        ),
        rows=partial(_person_rows, asked, cohort, people, by),
    )
    return release(result, cohort)


class _Compared(NamedTuple):
    """The groups of one comparison."""

    counts: dict[str, ExitCounts]
    found: IncidenceDifference
    table: pd.DataFrame
    null_caveat: str


def _compared(
    asked: SplitQuestion,
    cohort: DerivedCohort,
    people: pd.Series,
    by: str,
) -> _Compared:
    counts = _group_counts(asked, cohort, people, by)
    found = compare_incidence(
        list(counts.values()),
        _times(asked, counts, by),
        replicates=GROUP_REPLICATES,
        seed=GROUP_SEED,
    )
    table, null_caveat = add_group_null(
        _table(counts, found),
        cohort,
        partial(_grouped, asked, by),
        asked.n_causes,
        without="" if by in OF_SCORES else NO_CHARACTERISTICS,
        course_over=asked.course_over,
    )
    return _Compared(
        counts,
        found,
        table,
        null_caveat,
    )


def _grouped(
    asked: SplitQuestion,
    by: str,
    cohort: DerivedCohort,
) -> tuple[pd.DataFrame, pd.Series]:
    """Exits of the people whom groups are made of, and the group of everybody."""
    exits = asked.exits(cohort)
    # Whoever left by the landmark is in no group that it splits.
    return exits[exits["step"] > asked.landmark(by)], groups_of(cohort, by)


def _person_rows(
    asked: SplitQuestion, cohort: DerivedCohort, people: pd.Series, by: str
) -> pd.DataFrame:
    """Exits of the people of every group; those of a group too small to compare too."""
    exits = asked.exits(cohort)
    later = exits[exits["step"] > asked.landmark(by)]
    causes = [asked.event.replace(" ", "_")]
    causes += [f"other_{place}" for place in range(2, asked.n_causes + 1)]
    return exit_rows(asked.event, later, causes, people)


def _group_counts(
    asked: SplitQuestion,
    cohort: DerivedCohort,
    people: pd.Series,
    by: str,
) -> dict[str, ExitCounts]:
    """Exits of each group that is large enough, in order."""
    exits = asked.exits(cohort)
    # Whoever left by the landmark is in no group that it splits.
    exits = exits[exits["step"] > asked.landmark(by)]
    group = people.reindex(exits.index)
    silent = never_scored(cohort, people)
    counts = {
        str(label): count_competing_risks(
            part["step"].to_numpy(),
            part["cause"].to_numpy(),
            asked.n_causes,
        )
        for label, part in exits.groupby(group, observed=True)
        if len(part) >= FEWEST_PEOPLE and str(label) not in silent
    }
    # One group alone has nothing to be compared with.
    if len(counts) < 2:
        raise NotIdentified(
            f"fewer than two groups have {FEWEST_PEOPLE} people at risk, and scores after session"
            " 1.",
            f"more people in at least two groups by {by.replace('_', ' ')}; other groups can be"
            " compared with --by.",
        )
    return counts


def _times(asked: SplitQuestion, counts: dict[str, ExitCounts], by: str) -> list[int]:
    """Times up to which every group's curve can be shown; a landmark is no time to compare at."""
    # Groups are compared only where every one of them can still be seen.
    latest = max(asked.times)
    lasts = {label: _last_time(group, latest) for label, group in counts.items()}
    first = min(lasts, key=lambda label: lasts[label])
    times = [time for time in asked.times if asked.landmark(by) < time <= lasts[first]]
    if not times:
        raise NotIdentified(
            f"groups are compared at {asked.at_time(_either(asked.times))}. By then, fewer than"
            f" {FEWEST_PEOPLE} people of '{first}' are left: it can be shown only up to"
            f" {asked.at_time(lasts[first])}, because the logs of the others had ended.",
            "scores and logs that reach further, and more people in the smallest group.",
        )
    return times


def _last_time(group: ExitCounts, latest: int) -> int:
    """Last step at which the curve of a group can be shown."""
    return steps_to_show(group.still_counted, group.censored, FEWEST_PEOPLE, latest)


def _either(times: tuple[int, ...]) -> str:
    """Times as `2, 4 or 6`."""
    before = ", ".join(map(str, times[:-1]))
    return " or ".join(filter(None, [before, str(times[-1])]))


def _table(counts: dict[str, ExitCounts], found: IncidenceDifference) -> pd.DataFrame:
    """One row per group and time; the first group is what the others are compared with."""
    rows = []
    for place, (label, group) in enumerate(counts.items()):
        curve = estimate_incidence(group)
        n = int(group.at_risk[0])
        for row, time in enumerate(found.steps):
            # Where everybody has left, the curve goes on as it is.
            over = time > len(group.censored)
            step = len(group.censored) - 1 if over else time - 1
            # column 0 is the event, the others are ways to leave without it
            events = int(group.events[:time, 0].sum())
            cells: dict[str, object] = {
                "key": f"group{place}_{time}",
                "group": label,
                "at": int(time),
                "n": n,
                "at_risk": 0 if over else int(group.at_risk[step]),
                "events": events,
                "without": n - events,
                "estimate": 100 * float(curve.estimate[step, 0]),
                "ci_low": 100 * float(curve.ci_low[step, 0]),
                "ci_high": 100 * float(curve.ci_high[step, 0]),
            }
            rows.append(cells | _difference(found, row, place))
    return pd.DataFrame(rows)


def _difference(found: IncidenceDifference, row: int, place: int) -> dict[str, float]:
    """The difference of one group from the first, in points; missing for the first itself."""
    values = {
        "difference": found.difference,
        "difference_low": found.ci_low,
        "difference_high": found.ci_high,
    }
    if not place:
        return dict.fromkeys(values, np.nan)
    # Columns of the arrays are the groups after the first.
    return {name: 100 * float(array[row, place - 1]) for name, array in values.items()}


# ---- the words


def _estimand(asked: SplitQuestion, grouping: str) -> str:
    """What the shares are about, and what they are not."""
    among = f", among {asked.among}" if asked.among else ""
    return (
        f"Share of people who had {asked.event} by each {asked.unit}{among}, by {grouping}. It is"
        " an association, not a cause."
    )


def _sentence(table: pd.DataFrame, asked: SplitQuestion, by: str) -> str:
    """Each group at the last time compared, and how far it is from the first."""
    # The latest time says most; the earlier ones stand in the table.
    last = table[table["at"] == table["at"].max()]
    parts = [
        _group_words(row.key, row.group, has_difference=pd.notna(row.difference))
        for row in last.itertuples()
    ]
    time = asked.at_time(f"{{{last['key'].iloc[0]}.at}}")
    landmark = asked.landmark(by)
    without = f"people who had not {asked.event} by session {landmark}"
    whom = without if landmark else asked.among
    among = f", among {whom}" if whom else ""
    return (
        f"Share of people who had {asked.event} by {time}{among}: {'; '.join(parts)}."
        f"{null_sentence(last)}"
    )


def _group_words(key: str, group: str, has_difference: bool) -> str:
    """One group with its share, its size and its difference from the first."""
    words = f"{in_sentence(group)}, {share_with_interval(key)} of {{{key}.n}} people"
    # The first group is what the others are compared with.
    if not has_difference:
        return words
    return (
        f"{words}, a difference of {{{key}.difference}} percentage points"
        f" ({{{key}.difference_low}} to {{{key}.difference_high}})"
    )


def _caveats(
    asked: SplitQuestion,
    cohort: DerivedCohort,
    people: pd.Series,
    counts: dict[str, ExitCounts],
    found: IncidenceDifference,
    by: str,
) -> tuple[str, ...]:
    """What groups are and are not, who is left out, and how the intervals were made."""
    unknown = "; ".join(unknown_words(cohort, people, by))
    uncounted = int((asked.exits(cohort)["step"] <= 0).sum())
    chance = _chance_words(found.p)
    landmark = (
        f"Landmark: session {EARLY_SESSION}, by the score behind the answer to"
        f" {asked_as('should_we_go_on')} People who had the event by then, or had left, or whose"
        " log does not reach past the next session, are not counted."
    )
    return (
        differ_caveat(cohort, by),
        *left_out_caveats(cohort, people, counts),
        *(
            [f"Of everybody in the log, these belong to no group: {unknown}."]
            if unknown
            else []
        ),
        *(
            [
                f"Not counted in any group: {said_number(cohort, uncounted)} people whose log is"
                " too short, or whom no later score could show to have the event."
            ]
            if uncounted
            else []
        ),
        *([landmark] if by == "early_response" else []),
        "Each group is compared with the first one. The 95 % intervals of the differences hold for"
        f" all of them at once: {found.replicates} bootstrap samples of patients, seed"
        f" {found.seed}. When the group labels were permuted at random, {chance} of the draws"
        " differed by as much.",
        f"{rule_words(cohort)}.",
    )


def _chance_words(share: float) -> str:
    """A share of the permutations in words; none of them is never said to be 0 %."""
    return "fewer than 0.1 %" if share < 0.001 else f"{percentage(100 * share)} %"
