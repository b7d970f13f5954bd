"""Groups that an answer can be split by: known at the start, or at a landmark that is named."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import scored_later
from kettrack.analysis.courses.expected_course import baseline_bands
from kettrack.analysis.registry import asked_as
from kettrack.analysis.response.futility_counts import LITTLE_PERCENT
from kettrack.analysis.subgroups.characteristics import (
    characteristic_groups,
    characteristic_names,
    characteristic_words,
    plain_name,
)
from kettrack.errors import UsageError
from kettrack.privacy.policies import get_policy
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE

# Early is after this session, and by the improvement that splits the futility sheet.
EARLY_SESSION: Final = 2
# What can be known when somebody starts, or at a landmark; nothing that comes later. What else is
# recorded of people stands in `characteristics`.
GROUPINGS: Final = {
    "severity": "severity band of the baseline",
    "route": "route of the first session",
    "early_response": (
        f"improvement of {LITTLE_PERCENT} % or more by the score after session {EARLY_SESSION}"
    ),
}


def groups_of(cohort: DerivedCohort, by: str) -> pd.Series:
    """Group of each patient.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores, sessions and baselines.
    by : str
        One of `all_groupings`.

    Returns
    -------
    Series
        Ordered category by `patient_id`, the group others are compared with first; missing where it
        is not known.

    Raises
    ------
    UsageError
        For an unknown grouping; the message lists those there are.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> from kettrack.timelines.derived import derive
    >>> cohort = derive(load_cohort(sample_folder()))
    >>> groups_of(cohort, "early_response").cat.categories.tolist()
    ['below 20 % by session 2', '20 % or more by session 2']
    """
    name = grouping_name(cohort, by)
    groups = {"severity": _severity, "route": _route, "early_response": _early}
    if name not in groups:
        return characteristic_groups(cohort, name)
    found = groups[name](cohort)
    return found.reindex(pd.Index(cohort.patients["patient_id"], name="patient_id"))


def all_groupings(cohort: DerivedCohort) -> tuple[str, ...]:
    """Names of everything that a cohort can be split by.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> from kettrack.timelines.derived import derive
    >>> "gad_7" in all_groupings(derive(load_cohort(sample_folder())))
    True
    """
    return (*GROUPINGS, *characteristic_names(cohort))


def grouping_name(cohort: DerivedCohort, by: str) -> str:
    """The name of a grouping as it is kept, from the way somebody wrote it.

    Raises
    ------
    UsageError
        For an unknown grouping; the message lists those there are.
    """
    name = plain_name(by)
    there = all_groupings(cohort)
    if name not in there:
        raise UsageError(
            f"Nothing can be split by {by!r}. There are: {', '.join(there)}."
        )
    return name


def grouping_words(cohort: DerivedCohort, by: str) -> str:
    """What a grouping is, in words."""
    name = grouping_name(cohort, by)
    return GROUPINGS.get(name) or characteristic_words(cohort, name)


def severity_caveat() -> str:
    """Why groups by severity differ also where sessions do nothing."""
    return (
        "Severity: people who begin with a higher score also fall further without any effect; how"
        f" far is the answer by severity to {asked_as('response_by_session')}"
    )


def differ_caveat(cohort: DerivedCohort, by: str) -> str:
    """What a difference between groups is not."""
    return (
        f"Groups by {grouping_words(cohort, by)}. The groups differ in more than that, so a"
        " difference between them does not say what causes it."
    )


def left_out_groups(
    people: pd.Series,
    kept: Container[str],
) -> list[str]:
    """Groups that somebody is in but that are not among those compared.

    Parameters
    ----------
    people : Series
        From `groups_of`.
    kept : container of str
        Groups that are compared.
    """
    there = [label for label in people.cat.categories if (people == label).any()]
    return [str(label) for label in there if label not in kept]


def _severity(cohort: DerivedCohort) -> pd.Series:
    """Published band of the baseline; one group for all where no bands are published."""
    instrument = cohort.instrument
    labels = [band.label for band in instrument.bands] or ["all"]
    # Asked for in every simulated clinic, so without the table of decisions.
    bands = baseline_bands(np.asarray(cohort.baselines.score, np.float64), instrument)
    categories = pd.Categorical(bands, categories=labels, ordered=True)
    return pd.Series(
        categories, index=pd.Index(cohort.bucket.patient_id, name="patient_id")
    )


def _route(cohort: DerivedCohort) -> pd.Series:
    """The most common route is what the others are compared with."""
    first = cohort.sessions.groupby("patient_id", sort=False)["route"].first()
    # Equally common routes stay in alphabetical order: the second sort is stable.
    counts = first.value_counts().sort_index()
    order = counts.sort_values(ascending=False, kind="stable").index
    categories = pd.Categorical(
        first,
        categories=list(order),
        ordered=True,
    )
    return pd.Series(categories, index=first.index)


def _early(cohort: DerivedCohort) -> pd.Series:
    """By the landmark score of the futility sheet; without one, and without a baseline above 0, it
    is not known.
    """
    percent = -cohort.instrument.sign * _landmark_scores(cohort)["percent_change"]
    labels = [
        f"below {LITTLE_PERCENT} % by session {EARLY_SESSION}",
        f"{LITTLE_PERCENT} % or more by session {EARLY_SESSION}",
    ]
    # A percentage that is exactly the limit may be a few bits below it.
    reached = (percent >= LITTLE_PERCENT - 1e-9).astype(int)
    codes = np.where(percent.isna(), -1, reached)
    categories = pd.Categorical.from_codes(codes, labels, ordered=True)  # type: ignore[call-overload]
    return pd.Series(categories, index=percent.index)


def _landmark_scores(cohort: DerivedCohort) -> pd.DataFrame:
    """Last score with so many sessions behind it, in time, by `patient_id`."""
    line = cohort.timeline.dropna(subset=["score"])
    since = line["days_since_session"].astype("Float64").to_numpy(float)
    in_time = (line["sessions_to_date"] == EARLY_SESSION).to_numpy(bool) & (
        since <= cohort.criteria.late_after_days
    )
    return line[in_time].groupby("patient_id").last()


def unknown_words(
    cohort: DerivedCohort,
    people: pd.Series,
    by: str,
) -> list[str]:
    """Who is in no group, and why, each reason with its number; people who had the event long
    before are among them.

    Parameters
    ----------
    cohort : DerivedCohort
        As given to `groups_of`.
    people : Series
        From `groups_of`.
    by : str
        One of `all_groupings`.
    """
    without = people.index[people.isna()]
    if by != "early_response":
        short = {"severity": "baseline", "route": "route at the first session"}
        what = short.get(by) or by.replace("_", " ")
        n = len(without)
        return (
            [f"{said_number(cohort, n)} people without a recorded {what}"] if n else []
        )
    n_sessions = cohort.sessions.groupby("patient_id")["day"].size()
    reached = n_sessions.reindex(without).ge(EARLY_SESSION).to_numpy()
    scored = without.isin(_landmark_scores(cohort).index)
    late = cohort.criteria.late_after_days
    unscored_words = (
        f"people without a score after session {EARLY_SESSION}, before the next and within {late}"
        " days"
    )
    reasons = {
        f"people who had fewer than {EARLY_SESSION} sessions": ~reached,
        unscored_words: reached & ~scored,
        "people scored then, but without a baseline": reached & scored,
    }
    return [
        f"{said_number(cohort, int(found.sum()))} {words}"
        for words, found in reasons.items()
        if found.any()
    ]


def said_number(cohort: DerivedCohort, n: int) -> str:
    """A number of people above 0 as a caveat may say it: no gate looks at its words."""
    return get_policy(cohort.policy).said_beside_tables(n)


def never_scored(cohort: DerivedCohort, people: pd.Series) -> set[str]:
    """Groups in which nobody was scored after session 1: 0 % of them would be no answer."""
    scored = pd.Series(scored_later(cohort), cohort.bucket.patient_id)
    group = people.reindex(scored.index)
    anybody = scored.groupby(group, observed=True).any()
    return {str(label) for label, there in anybody.items() if not there}


def large_groups(people: pd.Series, fewest: int) -> list[str]:
    """Groups of at least so many people."""
    sizes = people.value_counts(sort=False)
    return [str(label) for label in sizes.index[sizes >= fewest]]


def compared_groups(
    cohort: DerivedCohort,
    people: pd.Series,
    fewest: int,
) -> list[str]:
    """Those of `large_groups` of whom something is known."""
    silent = never_scored(cohort, people)
    return [label for label in large_groups(people, fewest) if label not in silent]


def silent_groups(
    cohort: DerivedCohort,
    people: pd.Series,
    fewest: int,
) -> list[str]:
    """Those of `large_groups` that `never_scored` names."""
    silent = never_scored(cohort, people)
    return [label for label in large_groups(people, fewest) if label in silent]


def silent_caveats(names: Sequence[str]) -> list[str]:
    """That groups are left out of which nothing is known; empty where there are none."""
    if not names:
        return []
    left_out = ", ".join(names)
    return [
        f"Left out are groups in which nobody was scored after session 1: {left_out}."
    ]


def left_out_caveats(
    cohort: DerivedCohort,
    people: pd.Series,
    kept: Container[str],
) -> list[str]:
    """Which groups are not compared, and why.

    Parameters
    ----------
    cohort : DerivedCohort
        Of everybody.
    people : Series
        From `groups_of`.
    kept : container of str
        Groups that are compared.
    """
    silent = never_scored(cohort, people)
    left_out = left_out_groups(people, kept)
    small = [name for name in left_out if name not in silent]
    too_few = (
        f"Left out are groups with fewer than {FEWEST_PEOPLE} people at risk:"
        f" {', '.join(small)}."
    )
    return [
        *([too_few] if small else []),
        *silent_caveats([name for name in left_out if name in silent]),
    ]
