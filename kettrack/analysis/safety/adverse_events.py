"""How often side effects occurred: per session and per person, over phases, and by treatment."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import joined
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.safety.sessions import (
    GROUPINGS,
    SafetySessions,
    left_out_words,
    safety_sessions,
)
from kettrack.analysis.safety.shares import (
    SHARE_CAVEAT,
    SHARE_DECIMALS,
    SHARE_RECIPES,
    SHARE_ROLES,
    people_rows,
    share_cells,
    share_row,
    share_sums,
)
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.estimators.clustered import ClusterSums
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.safety import (
    ANY_EVENT,
    EVENT_TERMS,
    PHASES,
    SAFETY_SOURCES,
    SERIOUS,
    STOPPED_EARLY,
    published_rate_words,
)

_WORDS: Final = {term.key: term.words for term in EVENT_TERMS}
# The most common ones that the sentence names.
_NAMED: Final = 3
_COLLECT: Final = (
    "adverse_events of each session in sessions.csv (none where there was none), with serious and"
    " stopped_early."
)
_NOT_EVENTS: Final = (ANY_EVENT, SERIOUS, STOPPED_EARLY)
# Events of the table by phase: those of special interest, and those that matter most.
_BY_PHASE: Final = (
    ANY_EVENT,
    *(term.key for term in EVENT_TERMS if term.special),
    SERIOUS,
    STOPPED_EARLY,
)
_BY_TREATMENT: Final = (ANY_EVENT, SERIOUS, STOPPED_EARLY)
# Dose bands are many, so that only the most common question is asked of them.
_ANY_ONLY: Final = ("dose", "dose_per_kg")
_STAYERS: Final = "stayers"
PUBLISHED_CAVEAT: Final = (
    "`published` is what others saw: "
    + "; ".join(f"{name}: {source}" for name, source in SAFETY_SOURCES.items())
    + ". A form that asks at every session finds more than notes of what people tell."
)
_ASSOCIATION: Final = (
    "Groups differ in more than the treatment, so a difference does not say what causes"
    " it."
)
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "event": "label",
    "term": "label",
    "special": "label",
    **SHARE_ROLES,
    "unrecorded": "count",
    "published": "label",
}


@question(
    "adverse_events",
    asks="Which side effects did people have, and how often?",
    unit="per 100 sessions",
    log_end=False,
    estimand=(
        "Share of the sessions with a record at which an adverse event was noted, and share of the"
        " people with a record who had it at least once. All of them came with or after a session"
        " (treatment-emergent); whether the drug caused them is not known."
    ),
    roles=_ROLES,
    balanced=True,
    recipes=SHARE_RECIPES,
    decimals=SHARE_DECIMALS,
    show=tuple(name for name in _ROLES if name != "key"),
)
def adverse_events(cohort: DerivedCohort) -> Answer:
    """Adverse events, serious ones, and sessions stopped early: of sessions, and of people.

    Returns
    -------
    Result
        One row per event: `event` `term` (in the style of MedDRA) `special` (of special interest),
        `events` of `sessions` with a record as `estimate` per 100 with its interval, `people_with`
        of `n` people as `people_share` with its own, `unrecorded` sessions, and `published`.
        Refused when nothing is recorded.
    """
    found = safety_sessions(cohort)
    table = events_table(count_adverse_events(cohort))
    everything = np.ones(len(found.person), bool)
    parts = {key: (key, everything) for key in table["key"]}
    return Answer(
        table=table,
        sentence=events_sentence(table),
        caveats=(SHARE_CAVEAT, *left_out_words(found), PUBLISHED_CAVEAT),
        level=LEVEL,
        people=len(found.people),
        rows=lambda: joined(people_rows(found, parts)),
    )


def count_adverse_events(cohort: DerivedCohort) -> dict[str, tuple[ClusterSums, int]]:
    """Sums over people, and the sessions without a record, by event that the log can hold; both of
    several sites can be added.
    """
    found = safety_sessions(cohort)
    everything = np.ones(len(found.person), bool)
    sums = {term.key: share_sums(found, term.key, everything) for term in EVENT_TERMS}
    return {key: (each, len(found.person) - each.rows) for key, each in sums.items()}


def events_table(counts: Mapping[str, tuple[ClusterSums, int]]) -> pd.DataFrame:
    """One row per event, from `count_adverse_events`.

    Raises
    ------
    NotIdentified
        When nothing is recorded.
    """
    if not any(sums.rows for sums, _ in counts.values()):
        raise NotIdentified("no side effects are recorded at any session.", _COLLECT)
    rows = []
    for term in EVENT_TERMS:
        sums, unrecorded = counts[term.key]
        rows.append(
            {
                "key": term.key,
                "event": term.words,
                "term": term.term,
                "special": "yes" if term.special else "",
                **share_cells(sums),
                "unrecorded": unrecorded,
                "published": published_rate_words(term.key, "sessions"),
            }
        )
    return pd.DataFrame(rows)


def events_sentence(table: pd.DataFrame) -> str:
    """Any event, the most common ones, serious ones, and sessions stopped early."""
    rows = table.set_index("key")
    # Each part needs a record of its own; a log may hold only one of them.
    parts = []
    if rows["sessions"][ANY_EVENT]:
        parts.append(
            f"A side effect was noted at {share_with_interval(ANY_EVENT)} of {{any.sessions}}"
            " sessions with a record, and at least once in {any.people_with} of {any.n} people."
        )
        parts.append(_common_words(rows))
    parts.append(rare_words(rows, SERIOUS, "A serious adverse event was noted"))
    parts.append(
        rare_words(rows, STOPPED_EARLY, "The administration was stopped early")
    )
    return " ".join(filter(None, parts))


def _common_words(rows: pd.DataFrame) -> str:
    """The events that were noted most often."""
    single = rows.drop(list(_NOT_EVENTS))
    # An event that nobody had is not named among the most common ones.
    seen = single[single["events"] > 0]
    seen = seen.sort_values("estimate", ascending=False, kind="stable")
    named = [f"{_WORDS[key]} ({{{key}.estimate:%}})" for key in seen.index[:_NAMED]]
    return f"Most often it was {', '.join(named)}." if named else ""


def rare_words(rows: pd.DataFrame, key: str, said: str) -> str:
    """How often something rare was seen, or that it was not, with what that leaves open.

    Parameters
    ----------
    rows : DataFrame
        Table of shares by key.
    key : str
        Its row.
    said : str
        Beginning of the sentence, such as `A serious adverse event was noted`.
    """
    row = rows.loc[key]
    if not row["sessions"]:
        return ""
    if row["events"]:
        return (
            f"{said} at {{{key}.events}} of {{{key}.sessions}} sessions"
            f" ({{{key}.estimate:%}}, {{{key}.ci_low:pc}} to {{{key}.ci_high:%}}), in"
            f" {{{key}.people_with}} of {{{key}.n}} people."
        )
    # "None" alone would read as "safe".
    return (
        f"{said} at none of {{{key}.sessions}} sessions, which leaves up to"
        f" {{{key}.ci_high}} per 100 sessions possible, and up to"
        f" {{{key}.people_high:%}} of people."
    )


# ---- over phases

_PHASE_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "phase": "label",
    "event": "label",
    **SHARE_ROLES,
    "published": "label",
}


@question(
    "adverse_events_by_phase",
    asks="Do side effects become fewer over the sessions?",
    unit="per 100 sessions",
    log_end=False,
    estimand=(
        "As for all sessions together, in sessions 1 to 8, 9 to 12, and 13 and later, which is how"
        " the esketamine registry counts. Later phases are of fewer and other people; the last rows"
        " follow the same people."
    ),
    roles=_PHASE_ROLES,
    recipes=SHARE_RECIPES,
    decimals=SHARE_DECIMALS,
    show=tuple(name for name in _PHASE_ROLES if name != "key"),
)
def adverse_events_by_phase(cohort: DerivedCohort) -> Answer:
    """Adverse events of special interest, serious ones and sessions stopped early, by phase.

    Returns
    -------
    Result
        One row per phase and event, as `adverse_events`; then the first phase again, of the people
        who came to the last one, where they are `FEWEST_PEOPLE` or more. Refused when nothing is
        recorded.
    """
    found = safety_sessions(cohort)
    phases = dict(_phases(found))
    parts: dict[str, tuple[str, Bools]] = {}
    rows = []
    for key, (words, inside) in phases.items():
        for event in _BY_PHASE:
            row = share_row(found, event, inside)
            # An event that nobody records has no row.
            if not row["sessions"]:
                continue
            name = f"{key}_{event}"
            parts[name] = (event, inside)
            said = published_rate_words(event, "people", key)
            labels = {"key": name, "phase": words, "event": _WORDS[event]}
            rows.append({**labels, **row, "published": said})
    if not rows:
        raise NotIdentified("no side effects are recorded at any session.", _COLLECT)
    table = pd.DataFrame(rows)
    return Answer(
        table=table,
        sentence=_phase_sentence(table),
        caveats=(
            SHARE_CAVEAT,
            "People who stop are often those who tolerate it badly. Fewer side effects in later"
            " sessions are therefore not only tolerance.",
            *left_out_words(found),
            PUBLISHED_CAVEAT,
        ),
        level=LEVEL,
        people=len(found.people),
        rows=partial(_joined_people, found, parts),
    )


def _joined_people(
    found: SafetySessions, parts: dict[str, tuple[str, Bools]]
) -> pd.DataFrame:
    return joined(people_rows(found, parts))


def _phases(found: SafetySessions) -> list[tuple[str, tuple[str, Bools]]]:
    """Each phase, and the first one of the people who came to the last."""
    keys = [*(phase.key for phase in PHASES), "before"]
    labels = found.groups["phase"].cat
    codes = labels.codes.to_numpy()
    phases = [
        (key, (str(words), codes == code))
        for code, (key, words) in enumerate(zip(keys, labels.categories, strict=True))
    ]
    last = len(PHASES) - 1
    # The same people early and late: whoever stopped cannot make later sessions look better.
    stayed = np.zeros(len(found.people), bool)
    stayed[found.person[codes == last]] = True
    same = (codes == 0) & stayed[found.person]
    words = f"{PHASES[0].words}, of people with {PHASES[last].words}"
    # All of them had all sessions of the first phase, so that rounded sessions would tell of few
    # people how many they are.
    if stayed.sum() < FEWEST_PEOPLE:
        return phases
    return [*phases, (_STAYERS, (words, same))]


def _phase_sentence(table: pd.DataFrame) -> str:
    """Any event by phase, and how it was in the people who stayed."""
    there = set(table["key"])
    named = [
        f"{share_with_interval(f'{phase.key}_{ANY_EVENT}')} of {phase.words}"
        for phase in PHASES
        if f"{phase.key}_{ANY_EVENT}" in there
    ]
    if not named:
        return "Only serious events and sessions stopped early are recorded."
    words = f"A side effect was noted at {', '.join(named)}."
    same = f"{_STAYERS}_{ANY_EVENT}"
    if same in there:
        words += (
            f" In the {{{same}.n}} people who came to {PHASES[-1].words}, it was"
            f" {share_with_interval(same)} of their {PHASES[0].words}."
        )
    return words


# ---- by treatment

_GROUP_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "grouping": "label",
    "group": "label",
    "event": "label",
    **SHARE_ROLES,
}


@question(
    "adverse_events_by_treatment",
    asks="Do side effects differ by route, drug, dose, or psychotherapy alongside?",
    unit="per 100 sessions",
    log_end=False,
    estimand=(
        "As for all sessions together, among the sessions of one route, drug, dose band or with"
        " psychotherapy. It is an association, not a cause."
    ),
    roles=_GROUP_ROLES,
    recipes=SHARE_RECIPES,
    decimals=SHARE_DECIMALS,
    show=tuple(name for name in _GROUP_ROLES if name != "key"),
)
def adverse_events_by_treatment(cohort: DerivedCohort) -> Answer:
    """Any adverse event, serious ones and sessions stopped early, by what was given.

    Returns
    -------
    Result
        One row per group and event, as `adverse_events`; dose bands have a row for any event only.
        Groups of fewer than `FEWEST_PEOPLE` people are left out. Refused when nothing is recorded.
    """
    found = safety_sessions(cohort)
    parts: dict[str, tuple[str, Bools]] = {}
    rows = []
    small = 0
    # Phases, the first of the groupings, have a question of their own.
    for grouping, words in list(GROUPINGS.items())[1:]:
        for place, (group, inside) in enumerate(found.split(grouping)):
            events = (ANY_EVENT,) if grouping in _ANY_ONLY else _BY_TREATMENT
            for event in events:
                row = share_row(found, event, inside)
                if row["n"] < FEWEST_PEOPLE:
                    small += bool(row["n"])
                    continue
                key = f"{grouping}{place}_{event}"
                parts[key] = (event, inside)
                labels = {"key": key, "grouping": words, "group": group}
                rows.append({**labels, "event": _WORDS[event], **row})
    if not rows:
        raise NotIdentified(
            f"no route, drug or dose has {FEWEST_PEOPLE} people with recorded side effects.",
            f"{_COLLECT} Also route, drug, dose_mg and weight_kg.",
        )
    table = pd.DataFrame(rows)
    return Answer(
        table=table,
        sentence=_group_sentence(table),
        caveats=(
            SHARE_CAVEAT,
            _ASSOCIATION,
            *_small_words(small),
            *left_out_words(found),
        ),
        level=LEVEL,
        people=len(found.people),
        rows=partial(_joined_people, found, parts),
    )


def _small_words(small: int) -> tuple[str, ...]:
    if not small:
        return ()
    return (f"Left out are groups with fewer than {FEWEST_PEOPLE} people.",)


def _group_sentence(table: pd.DataFrame) -> str:
    """Any event by route, or by the first kind of group there is."""
    any_event = table[table["event"] == _WORDS[ANY_EVENT]]
    if any_event.empty:
        return "Only serious events and sessions stopped early are recorded."
    # A log without routes still tells of drugs or doses.
    first = any_event["grouping"].iloc[0]
    shown = any_event[any_event["grouping"] == first]
    named = [
        f"{share_with_interval(str(row.key))} of sessions with {row.group}"
        for row in shown.itertuples()
    ]
    return f"By {first}, a side effect was noted at {'; '.join(named)}."
