"""Blood pressure before, at its peak and after; oxygen; and how far pressure rose by what was
given.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import joined
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.safety.sessions import (
    GROUPINGS,
    SafetySessions,
    half_measured,
    left_out_words,
    safety_sessions,
)
from kettrack.analysis.safety.shares import (
    MEAN_ROLES,
    SHARE_CAVEAT,
    SHARE_DECIMALS,
    SHARE_RECIPES,
    SHARE_ROLES,
    mean_row,
    people_rows,
    share_row,
)
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.privacy.policies import get_policy
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import MEANS
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval
from kettrack.vocabulary.safety import PHASES, VITAL_LIMITS

_COLLECT: Final = (
    "systolic_before, systolic_peak, systolic_after and the same of diastolic, and spo2_min, of"
    " each session in sessions.csv."
)
_NOTHING: Final = "blood pressure is recorded at no session."
_MEAN_CAVEAT: Final = (
    f"Means are over sessions with a record; the {100 * LEVEL:g} % intervals count people as"
    " clusters. Sessions without a measurement, such as those at home, do not count."
)
_MEASURES: Final = {
    "before": "before the session",
    "peak": "highest",
    "after": "after the session",
    "rise": "rise from before to the highest",
    "left": "after the session minus before",
}
_KINDS: Final = ("systolic", "diastolic")
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "pressure": "label",
    "measure": "label",
    **MEAN_ROLES,
}


@question(
    "blood_pressure",
    recipes=(MEANS,),
    asks="How far does blood pressure rise in a session, and does it come back?",
    unit="mmHg",
    log_end=False,
    estimand=(
        "Mean blood pressure before, at its highest and after, over the sessions at which both are"
        " recorded, and mean rise within a session."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
)
def blood_pressure(cohort: DerivedCohort) -> Answer:
    """Mean systolic and diastolic pressure before, at the peak and after, and the rise.

    Returns
    -------
    Result
        One row per pressure and measure: `estimate` in mmHg with its interval, over `sessions` of
        `n` people. Refused when no pressure is recorded.
    """
    found = safety_sessions(cohort)
    everything = np.ones(len(found.person), bool)
    rows = [
        {
            "key": f"{kind}_{measure}",
            "pressure": kind,
            "measure": words,
            **mean_row(found, f"{kind}_{measure}", everything),
        }
        for kind in _KINDS
        for measure, words in _MEASURES.items()
    ]
    table = pd.DataFrame(rows)
    # A measure that nobody recorded has no row.
    table = table[table["sessions"] > 0].reset_index(drop=True)
    if table.empty:
        raise NotIdentified(_NOTHING, _COLLECT)
    return Answer(
        table=table,
        sentence=_pressure_sentence(set(table["key"])),
        caveats=(_MEAN_CAVEAT, *left_out_words(found)),
        level=LEVEL,
    )


def _pressure_sentence(there: set[str]) -> str:
    """The rise of both pressures, and what is left of it."""
    parts = [
        f"{kind} pressure rose by a mean of {value_with_interval(f'{kind}_rise')} mmHg, from"
        f" {{{kind}_before.estimate}} to {{{kind}_peak.estimate}}"
        for kind in _KINDS
        if f"{kind}_rise" in there
    ]
    if not parts:
        return "No session has a pressure before it and a highest one, so that no rise is known."
    words = f"{'; '.join(parts)}."
    # Whether it comes back is the other half of the question.
    if "systolic_left" in there:
        words += (
            " After the session, systolic pressure was"
            f" {value_with_interval('systolic_left')} mmHg above its start."
        )
    return f"{words[0].upper()}{words[1:]}"


_LIMIT_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "limit": "label",
    **SHARE_ROLES,
    "source": "label",
}


@question(
    "vital_signs_limits",
    recipes=(*SHARE_RECIPES,),
    asks="How often do blood pressure and oxygen reach a limit?",
    unit="per 100 sessions",
    log_end=False,
    estimand=(
        "Share of the sessions with a measurement at which a limit was reached, and share of the"
        " people measured who reached it at least once."
    ),
    roles=_LIMIT_ROLES,
    decimals=SHARE_DECIMALS,
    show=tuple(name for name in _LIMIT_ROLES if name != "key"),
)
def vital_signs_limits(cohort: DerivedCohort) -> Answer:
    """Sessions and people at which blood pressure or oxygen reached a published limit.

    Returns
    -------
    Result
        One row per limit: `events` of `sessions` as `estimate` per 100 with its interval,
        `people_with` of `n` people as `people_share` with its own, and the `source` of the limit.
        Refused when nothing is measured.
    """
    found = safety_sessions(cohort)
    everything = np.ones(len(found.person), bool)
    rows = []
    for limit in VITAL_LIMITS:
        row = share_row(found, limit.key, everything)
        # A convention is called one in every row.
        source = limit.source or "kettrack's convention"
        if row["sessions"]:
            rows.append(
                {"key": limit.key, "limit": limit.words, **row, "source": source}
            )
    if not rows:
        raise NotIdentified("neither blood pressure nor oxygen is recorded.", _COLLECT)
    table = pd.DataFrame(rows)
    parts = {key: (key, everything) for key in table["key"]}
    return Answer(
        table=table,
        sentence=_limit_sentence(table),
        caveats=(
            SHARE_CAVEAT,
            *left_out_words(found),
            *_half_measured_words(found, cohort.policy),
        ),
        level=LEVEL,
        rows=lambda: joined(people_rows(found, parts)),
    )


def _half_measured_words(found: SafetySessions, policy: str) -> tuple[str, ...]:
    """How many sessions one missing pressure leaves out, and what the other one showed."""
    sessions, reached = half_measured(found.values)
    if not sessions:
        return ()
    said = get_policy(policy).said_beside_tables
    return (
        f"One of the two pressures of a limit is missing in {said(sessions)} of the sessions. Such"
        " sessions are in no rate of that limit. By the pressure that is known,"
        f" {said(reached)} of them reached it.",
    )


def _limit_sentence(table: pd.DataFrame) -> str:
    """Each limit: sessions, and people; what was never seen, with what that leaves open."""
    parts = []
    for row in table.itertuples():
        key = str(row.key)
        limit = str(row.limit)
        said = f"{limit[0].upper()}{limit[1:]}"
        # What was never seen is told with what that leaves possible.
        seen = (
            f"{share_with_interval(key)} of {{{key}.sessions}} sessions, and at least once in"
            f" {{{key}.people_with}} of {{{key}.n}} people"
        )
        never = (
            f"none of {{{key}.sessions}} sessions, which leaves up to {{{key}.ci_high}} per 100"
            " possible"
        )
        parts.append(f"{said}: {seen if row.events else never}.")
    return " ".join(parts)


# ---- the rise by what was given

_RISE_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "grouping": "label",
    "group": "label",
    "pressure": "label",
    **MEAN_ROLES,
}


@question(
    "pressure_rise",
    recipes=(MEANS,),
    asks="Does blood pressure rise more with the dose, the route, or the session?",
    unit="mmHg",
    log_end=False,
    estimand=(
        "Mean rise from before to the highest pressure, over the sessions of one phase, route, drug"
        " or dose band. It is an association, not a cause."
    ),
    roles=_RISE_ROLES,
    show=tuple(name for name in _RISE_ROLES if name != "key"),
)
def pressure_rise(cohort: DerivedCohort) -> Answer:
    """Mean rise of systolic and diastolic pressure by phase, route, drug, dose and psychotherapy.

    Returns
    -------
    Result
        One row per group; diastolic pressure for phases and routes only. Groups of fewer than
        `FEWEST_PEOPLE` people are left out. Refused when no rise is known of any group.
    """
    found = safety_sessions(cohort)
    rows = [
        row
        for grouping in GROUPINGS
        for place, (group, inside) in enumerate(found.split(grouping))
        for row in _rise_rows(found, grouping, f"{grouping}{place}", group, inside)
    ]
    if not rows:
        raise NotIdentified(
            f"the rise of blood pressure is known of fewer than {FEWEST_PEOPLE} people.",
            _COLLECT,
        )
    table = pd.DataFrame(rows)
    return Answer(
        table=table,
        sentence=_rise_sentence(table),
        caveats=(
            _MEAN_CAVEAT,
            "Groups differ in more than the dose or the route, so a difference does not say what"
            " causes it. Doses are rounded, and the bands are kettrack's own.",
            *left_out_words(found),
        ),
        level=LEVEL,
        people=_measured(found),
    )


def _measured(found: SafetySessions) -> int:
    """People whose systolic rise is known at one session or more."""
    # The groups overlap, so that their numbers cannot be added up.
    known = ~np.isnan(found.values["systolic_rise"])
    return len(np.unique(found.person[known]))


def _rise_rows(
    found: SafetySessions, grouping: str, key: str, group: str, inside: Bools
) -> list[dict[str, Any]]:
    """The rise of one group, where enough people were measured."""
    rows = []
    # Both pressures of every dose band would be a table that nobody reads.
    kinds = _KINDS if grouping in ("phase", "route") else _KINDS[:1]
    for kind in kinds:
        row = mean_row(found, f"{kind}_rise", inside)
        if row["n"] >= FEWEST_PEOPLE:
            labels = {"key": f"{key}_{kind}", "grouping": GROUPINGS[grouping]}
            rows.append({**labels, "group": group, "pressure": kind, **row})
    return rows


def _rise_sentence(table: pd.DataFrame) -> str:
    """The systolic rise by route, then in the first and the last phase."""
    systolic = table[table["pressure"] == "systolic"]
    parts = []
    for grouping in ("route", "phase"):
        shown = systolic[systolic["grouping"] == GROUPINGS[grouping]]
        # The drug and the dose are in the table; a sentence with all of them could not be read.
        # Of one group alone nothing can be compared.
        if len(shown) < 2:
            continue
        named = [
            f"{value_with_interval(str(row.key))} with {row.group}"
            if grouping == "route"
            else f"{value_with_interval(str(row.key))} in {row.group}"
            for row in shown.itertuples()
            if grouping == "route" or row.group in [phase.words for phase in PHASES]
        ]
        parts.append("; ".join(named))
    if not parts:
        row = systolic["key"].iloc[0] if len(systolic) else table["key"].iloc[0]
        return f"Mean rise in mmHg: {value_with_interval(row)}."
    return f"Mean systolic rise in mmHg: {'. '.join(parts)}."
