"""Every session and the one that followed it, and the interval that was planned at a session
against the one that was kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, log_end_days, require_log_end
from kettrack.analysis.person_rows import COLUMNS
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats, Objects
from kettrack.errors import NotIdentified
from kettrack.estimators.clustered import clustered_share
from kettrack.privacy.policies import get_policy
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    COMPLETE_LOG_DAYS,
    MAINTENANCE_GAP_ENDS,
    ON_TIME_SHARE,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import ByRow
from kettrack.vocabulary.plain_words import share_with_interval

EVERYTHING: Final = "all"
ENOUGH_OF_EACH: Final = f"Groups with fewer than {FEWEST_PEOPLE} people have no rows."

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "planned": "label",
    "next_session": "label",
    "sessions": "denominator",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_KINDS: Final = {
    "early": "earlier than planned",
    "on_time": "on time",
    "late": "later than planned",
    "not_kept": f"none within {COMPLETE_LOG_DAYS} days of the planned day",
}
_COLUMN: Final = "planned_next_days"


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
        without one) `days_known` (for how long after it the log is complete, up to a death) and,
        where it was written down, `planned_next_days`.
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
    ends = pd.Series(log_end_days(cohort), index=cohort.patients["patient_id"])
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


@question(
    "planned_intervals",
    recipes=(ByRow(of="sessions", events="events", percent=True),),
    asks="Did people come when the next session was planned?",
    unit="percent of sessions",
    estimand=(
        "Share of the sessions at which the days to the next one were planned after which it came"
        " earlier, on time, later, or not within"
        f" {COMPLETE_LOG_DAYS} days of the planned day, by the planned interval."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
)
def planned_intervals(cohort: DerivedCohort) -> Answer:
    """Planned against kept: how the next session came, by how far off it was planned.

    Returns
    -------
    Result
        One row per planned interval (`planned`; the first is `all`) and how it went: `events` of
        `sessions` with a plan as `estimate`, with an interval that counts people as clusters, and
        the `n` people they are of. On time = within `ON_TIME_SHARE` of the planned days, at least
        one day. Counted are sessions whose log is complete for `COMPLETE_LOG_DAYS` days after the
        planned day. Refused where no plan is recorded, with fewer than `FEWEST_PEOPLE` people, and
        where no log says how far it reaches.
    """
    require_log_end(cohort)
    rows = following_sessions(cohort)
    rows = rows[rows["planned"].notna()]
    # Whoever came is judged by the same condition as whoever did not.
    rows = rows[rows["days_known"] >= rows["planned"] + COMPLETE_LOG_DAYS]
    if rows["patient_id"].nunique() < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a session with a planned interval and a log"
            f" that is complete for {COMPLETE_LOG_DAYS} days after the planned day.",
            f"{_COLUMN} of each session in sessions.csv: the days to the next one, as planned.",
        )
    rows = rows.assign(kind=_kept(rows), group=_planned_bands(rows))
    policy = cohort.policy
    table = split_rows(rows, _KINDS, "next_session", policy)
    table = table.rename(columns={"group": "planned"})
    return Answer(
        table=table.reindex(columns=list(_ROLES)),
        sentence=_sentence(table),
        caveats=(
            f"On time: at most {100 * ON_TIME_SHARE:g} % of the planned days earlier or later, and"
            " at least one day (kettrack's own convention). A session counts when its log is"
            f" complete for {COMPLETE_LOG_DAYS} days after the planned day. A log ends with a"
            " death.",
            "Later or not at all has many reasons: people who are well, people who are not helped,"
            " money, the clinic's own calendar. A plan that was changed in between is not known.",
            f"Intervals hold {100 * LEVEL:g} % and count people as clusters (Korn and Graubard"
            f" 1998). {ENOUGH_OF_EACH}",
            *groups_not_shown(rows, table, "planned", policy),
        ),
        level=LEVEL,
        people=int(rows["patient_id"].nunique()),
        rows=partial(_person_rows, rows),
    )


def _tolerance(planned: Floats) -> Floats:
    """Days by which a session may be off and still be on time."""
    return np.asarray(np.maximum(np.floor(ON_TIME_SHARE * planned), 1), np.float64)


def _kept(rows: pd.DataFrame) -> Objects:
    """How the next session came, against the plan."""
    planned = rows["planned"].to_numpy(np.float64)
    # No further session is infinitely late.
    off = rows["gap"].to_numpy(np.float64) - planned
    tolerance = _tolerance(planned)
    # The first condition that holds decides.
    conditions = [
        off > COMPLETE_LOG_DAYS,
        off > tolerance,
        off < -tolerance,
    ]
    kinds = ["not_kept", "late", "early"]
    return np.asarray(np.select(conditions, kinds, "on_time"), object)


def _planned_bands(rows: pd.DataFrame) -> pd.Categorical:
    """Band of the planned interval, around the usual rhythms."""
    planned = rows["planned"].to_numpy(np.float64)
    # The same bands as those of the kept intervals.
    place = np.searchsorted(np.array(MAINTENANCE_GAP_ENDS), planned, "left")
    lows = [1, *(end + 1 for end in MAINTENANCE_GAP_ENDS)]
    closed = [
        f"{low} to {end} days"
        for low, end in zip(lows, MAINTENANCE_GAP_ENDS, strict=False)
    ]
    names = [*closed, f"{lows[-1]} days or more"]
    return pd.Categorical.from_codes(place, names, ordered=True)  # type: ignore[call-overload]


def _sentence(table: pd.DataFrame) -> str:
    """How all planned intervals were kept."""
    # Under a release policy a part with a small count is not there.
    if f"{EVERYTHING}_on_time" not in set(table["key"]):
        return (
            "How all planned intervals were kept is not shown: a part of it is small."
        )
    said = {
        "on_time": "on time",
        "early": "earlier",
        "late": "later",
    }
    parts = [
        f"{share_with_interval(f'{EVERYTHING}_{key}')} {words}"
        for key, words in said.items()
    ]
    none = f"{EVERYTHING}_not_kept"
    return (
        f"Of {{{none}.sessions}} sessions of {{{none}.n}} people with a planned next one, it came"
        f" {', '.join(parts)}; after {share_with_interval(none)} nobody came within"
        f" {COMPLETE_LOG_DAYS} days of the planned day. This does not say why."
    )


def _person_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Days off the plan of each session, as the value; missing where nobody came again."""
    # Negative is early.
    off = rows["gap"] - rows["planned"].astype(np.float64)
    return pd.DataFrame(
        {
            "curve": "planned",
            "group": rows["group"].astype(str),
            "patient_id": rows["patient_id"],
            "start": rows["day"],
            "status": rows["kind"] != "not_kept",
            "cause": rows["kind"],
            "weight": 1.0,
            "value": off.where(np.isfinite(off)),
        }
    ).reindex(columns=list(COLUMNS))
