"""What labels ask clinics to watch: sedation, bladder, memory, mania and psychosis, misuse,
benzodiazepines and missed appointments, as far as each is asked about.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import joined
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.safety.adverse_events import rare_words
from kettrack.analysis.safety.sessions import (
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
    share_row,
)
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.safety import ASKED_TERMS, PHASES, AskedTerm

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "asked": "label",
    "column": "label",
    "among": "label",
    **SHARE_ROLES,
    "not_asked": "count",
}
EVERY_SESSION: Final = "all sessions"
# Harm of the bladder and of memory builds up, so the late phase has rows of its own.
_LATE: Final = PHASES[-1]
_BUILDS_UP: Final = ("bladder", "cognition")
# A benzodiazepine that day can make people sleepy, whatever else they were given.
_SEDATION: Final = "moaas_lowest"
_BENZODIAZEPINE: Final = "benzodiazepine"
_WITH: Final = {
    "with": "sessions with a benzodiazepine that day",
    "without": "sessions without one",
}
# Each is told in the sentence, as far as anybody asked.
_SAID: Final = {
    "sedated_moderate": "Moderate sedation or more was seen",
    "unconscious": "Loss of consciousness was seen",
    "bladder_any": "Bladder symptoms were noted",
    "cognition_any": "Problems with memory or thinking were noted",
    "mania": "Signs of mania were noted",
    "psychosis": "Signs of psychosis were noted",
    "misuse_concern": "A concern about misuse was noted",
    "no_show": "An appointment had been missed without notice",
}
_COLUMNS: Final = tuple(dict.fromkeys(term.column for term in ASKED_TERMS))
_COLLECT: Final = (
    f"{', '.join(_COLUMNS)} in sessions.csv, as far as the clinic asks about them: also where the"
    " answer is none."
)


@question(
    "watched_harms",
    recipes=(*SHARE_RECIPES,),
    asks="How often was there sedation, bladder trouble, memory trouble, mania, psychosis, misuse?",
    unit="per 100 sessions",
    log_end=False,
    estimand=(
        "Share of the sessions at which something was asked about and found, and share of the"
        " people asked who had it at least once. All of them came with or after a session; whether"
        " the drug caused them is not known."
    ),
    roles=_ROLES,
    decimals=SHARE_DECIMALS,
    show=tuple(name for name in _ROLES if name != "key"),
)
def watched_harms(cohort: DerivedCohort) -> Answer:
    """Each thing that a clinic asks about in a column of its own: of sessions, and of people.

    Returns
    -------
    Result
        One row per thing that anybody was asked about: `asked` `column` `among`, `events` of
        `sessions` as `estimate` per 100 with its interval, `people_with` of `n` people as
        `people_share`, `not_asked` sessions. Where none was found, the upper end of the interval
        says how often it can be at most. Bladder and memory have rows of the late phase (`_late`),
        sedation has rows with and without a benzodiazepine that day (`_with`, `_without`). Things
        that nobody was asked about have no row and are named in the caveats. Refused when nothing
        was asked.
    """
    found = safety_sessions(cohort)
    parts = _parts(found, cohort.policy == "internal")
    rows = [
        _row(found, key, term, among, inside)
        for key, (term, among, inside) in parts.items()
    ]
    # Without a record there is neither a share nor an upper bound.
    table = pd.DataFrame([row for row in rows if row["sessions"]], columns=list(_ROLES))
    if table.empty:
        raise NotIdentified(
            "nobody was asked about sedation, bladder, memory, mania, psychosis or misuse in a"
            " column of its own.",
            _COLLECT,
        )
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=_caveats(found, table),
        level=LEVEL,
        people=len(found.people),
        rows=partial(_person_rows, found, parts),
    )


_Part = tuple[AskedTerm, str, Bools]


def _parts(
    found: SafetySessions,
    internal: bool,
) -> dict[str, _Part]:
    """Key of each row to what was asked, and the sessions that count."""
    everything = np.ones(len(found.person), bool)
    late = found.number >= _LATE.first
    took = found.flags[_BENZODIAZEPINE]
    parts: dict[str, _Part] = {}
    for term in ASKED_TERMS:
        parts[term.key] = (term, EVERY_SESSION, everything)
        if term.column in _BUILDS_UP:
            parts[f"{term.key}_late"] = (term, _LATE.words, late)
        # Parts that add up to all sessions would give a small one away.
        if term.column == _SEDATION and internal:
            parts[f"{term.key}_with"] = (term, _WITH["with"], took == 1)
            parts[f"{term.key}_without"] = (term, _WITH["without"], took == 0)
    return parts


def _row(
    found: SafetySessions,
    key: str,
    term: AskedTerm,
    among: str,
    inside: Bools,
) -> dict[str, Any]:
    row = share_row(found, term.key, inside)
    return {
        "key": key,
        "asked": term.words,
        "column": term.column,
        "among": among,
        **row,
        "not_asked": int(inside.sum()) - row["sessions"],
    }


def _person_rows(
    found: SafetySessions,
    parts: dict[str, _Part],
) -> pd.DataFrame:
    flags = {key: (term.key, inside) for key, (term, _, inside) in parts.items()}
    return joined(people_rows(found, flags))


def _sentence(table: pd.DataFrame) -> str:
    """Each harm that was asked about; where none was found, what that leaves open."""
    rows = table.set_index("key")
    told = [
        rare_words(rows, key, said) for key, said in _SAID.items() if key in rows.index
    ]
    # A log may hold nothing but who took a benzodiazepine, which is no harm by itself.
    if not told:
        return rare_words(rows, str(rows.index[0]), "It was recorded")
    return " ".join(told)


def _caveats(
    found: SafetySessions,
    table: pd.DataFrame,
) -> tuple[str, ...]:
    asked = set(table["column"])
    silent = [column for column in _COLUMNS if column not in asked]
    # Silence would read as "there was none".
    missing = (
        (f"Nobody was asked about {', '.join(silent)}: nothing is known of them.",)
        if silent
        else ()
    )
    sources = dict.fromkeys(term.source for term in ASKED_TERMS if term.source)
    return (
        SHARE_CAVEAT,
        *missing,
        "A clinic that asks at every session finds more than one that writes down what people"
        " tell. People who are asked only when something seems wrong are not like the others. A"
        " benzodiazepine is given to people who differ in more than that.",
        f"Cuts: {'; '.join(sources)}. The other grades are those that the clinic wrote down.",
        *left_out_words(found),
    )
