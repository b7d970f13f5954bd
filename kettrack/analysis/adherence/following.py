"""Every session and the one that followed it, and shares of sessions by how that went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.estimators.clustered import clustered_share
from kettrack.privacy.policies import get_policy
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE

EVERYTHING: Final = "all"
ENOUGH_OF_EACH: Final = f"Groups with fewer than {FEWEST_PEOPLE} people have no rows."


def following_sessions(
    cohort: DerivedCohort,
    course: str = "",
) -> pd.DataFrame:
    """Sessions with the days to the next one of the same person.

    Parameters
    ----------
    course : str
        Only sessions of this kind of course; empty = all.

    Returns
    -------
    DataFrame
        One row per session day: `patient_id` `day` `gap` (days to the next session day; infinite
        without one) `days_known` (for how long after it the log is complete) and, where it was
        written down, `planned_next_days`.
    """
    rows = cohort.courses[["patient_id", "day", "course"]]
    # Courses have the rows of the sessions, in the same order.
    rows = rows.assign(planned=cohort.sessions["planned_next_days"].to_numpy())
    # Two sessions of one day are one occasion to come; its plan is the one written last.
    by_day = rows.groupby(["patient_id", "day"], sort=False, as_index=False)
    rows = by_day.agg({"course": "last", "planned": "last"})
    person = rows["patient_id"]
    following = rows.groupby(person, sort=False)["day"].shift(-1)
    gap = following.astype("Float64") - rows["day"]
    ends = cohort.patients.set_index("patient_id")["observed_to_day"]
    known = person.map(ends).astype("Float64") - rows["day"]
    rows = rows.assign(
        gap=gap.to_numpy(np.float64, na_value=np.inf),
        days_known=known.to_numpy(np.float64, na_value=-np.inf),
    )
    # The rhythm of people treated before the log begins is theirs all the same.
    if course:
        rows = rows[(rows["course"] == course).to_numpy(bool)]
    return rows.reset_index(drop=True)


def split_rows(
    rows: pd.DataFrame,
    kinds: Mapping[str, str],
    name: str,
    policy: str,
) -> pd.DataFrame:
    """Shares of sessions by kind: of all, and of each group.

    Parameters
    ----------
    rows : DataFrame
        `patient_id` `kind` `group` (an ordered category).
    kinds : mapping
        Key of a kind to its words, in order.
    name : str
        Column of the words.
    policy : str
        Under one that hides counts, a group in which a kind is rare is left out: its shares add up.
    """
    groups = {EVERYTHING: rows}
    categories = rows["group"].cat.categories
    groups |= {str(group): rows[rows["group"] == group] for group in categories}
    out: list[dict[str, Any]] = []
    for place, (group, own) in enumerate(groups.items()):
        if _shown(own, policy):
            prefix = f"group{place}" if place else EVERYTHING
            out += _one_group(own, kinds, name, prefix, group)
    columns = [
        "key",
        "group",
        name,
        "sessions",
        "n",
        "events",
        "estimate",
        "ci_low",
        "ci_high",
    ]
    return pd.DataFrame(out, columns=columns)


def _shown(
    rows: pd.DataFrame,
    policy: str,
) -> bool:
    """Whether a group has enough people, and no kind that is too rare to be released."""
    if rows["patient_id"].nunique() < FEWEST_PEOPLE:
        return False
    smallest = get_policy(policy).smallest_count
    sizes = rows["kind"].value_counts()
    # Kinds add up to the group, so that a hidden one follows from the others.
    return not ((sizes > 0) & (sizes < smallest)).any()


def _one_group(
    rows: pd.DataFrame,
    kinds: Mapping[str, str],
    name: str,
    prefix: str,
    group: str,
) -> list[dict[str, Any]]:
    person = pd.factorize(rows["patient_id"])[0]
    each = np.bincount(person)
    out = []
    for key, words in kinds.items():
        of_kind = (rows["kind"] == key).to_numpy(bool)
        events = np.bincount(person[of_kind], minlength=len(each))
        # The sessions of one person are alike, so that people are the clusters.
        share = clustered_share(events, each, LEVEL).interval
        out.append(
            {
                "key": f"{prefix}_{key}",
                "group": group,
                name: words,
                "sessions": len(rows),
                "n": len(each),
                "events": int(events.sum()),
                **share._asdict(),
            }
        )
    return out


def groups_not_shown(
    rows: pd.DataFrame,
    table: pd.DataFrame,
    column: str,
    policy: str,
) -> tuple[str, ...]:
    """Which groups a release policy leaves out; nothing where it leaves out none."""
    if get_policy(policy).smallest_count <= 1:
        return ()
    shown = set(table[column])
    gone = [str(name) for name in rows["group"].cat.categories if name not in shown]
    if not gone:
        return ()
    return (f"Not shown under this policy, or with too few people: {', '.join(gone)}.",)
