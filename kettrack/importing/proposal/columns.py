"""Which column of a table is which of the contract: by its heading, and by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from kettrack.importing.proposal.facts import (
    ColumnFacts,
    mostly_lengths_of_time,
    mostly_measures,
    mostly_pressures,
    some_dates,
)
from kettrack.importing.proposal.headings import (
    EXACT,
    Heading,
    event_asked_in,
    heading_of,
)
from kettrack.importing.proposal.score_columns import scale_named
from kettrack.importing.proposal.words import known_share
from kettrack.importing.source import SourceTable
from kettrack.vocabulary.cell_words import has_words
from kettrack.vocabulary.columns import (
    EARLIEST_DAY,
    LATEST_DAY,
    PATIENTS,
    SCORES,
    SESSIONS,
    Column,
)

# The dates of a source: where nothing better is there, a column of dates is the day of its row.
DATES: Final = ("date", "session_date", "score_date", "birth_date")
_DAYS: Final = ("observed_to_day", "last_contact_day", "stop_day")
_COUNTERS: Final = ("week", "month", "session_number")
_MOST_KINDS: Final = 60
_MOST_CODES: Final = 12
_MOST_SITES: Final = 50
# Of several questionnaires in one table.
_MOST_ITEMS: Final = 400
_SOME: Final = 0.3
_HALF: Final = 0.5
# Of a column without a telling heading: its values must speak for nearly all of it.
_NEARLY_ALL: Final = 0.8
_BY_VALUES: Final = 0.5
_CONTRACT: Final[Mapping[str, Column]] = {
    column.name: column
    for table in (SESSIONS, SCORES, PATIENTS)
    for column in table.columns
}
_LONGEST_LABEL: Final = 60


def columns_of(
    table: SourceTable,
    columns: Sequence[ColumnFacts],
) -> dict[str, list[ColumnFacts]]:
    """Meaning to the columns that it may be, the best first.

    Parameters
    ----------
    table : SourceTable
        Where they stand.
    columns : sequence of ColumnFacts
        Those that are no columns of scores.
    """
    fits: dict[str, list[tuple[float, ColumnFacts]]] = {}
    for facts in columns:
        for meaning, strength in _meanings(facts).items():
            if _holds(meaning, facts, strength):
                fits.setdefault(meaning, []).append((strength, facts))
    return {
        meaning: [facts for _, facts in sorted(found, key=_best_first)]
        for meaning, found in fits.items()
    }


def strength_of(
    meaning: str,
    facts: ColumnFacts,
) -> float:
    """How well a column fits a meaning: 2 = its heading says it, 0.5 = only its values do."""
    return _meanings(facts).get(meaning, 0.0)


def _best_first(
    fit: tuple[float, ColumnFacts],
) -> tuple[float, int]:
    strength, facts = fit
    return -strength, facts.place


def heading(
    facts: ColumnFacts,
) -> Heading:
    """What the name of a column says; its label where the name says nothing."""
    return said_of(facts.name, facts.label)


def said_of(
    name: str,
    label: str,
) -> Heading:
    """As `heading`, of a name and a label."""
    named = heading_of(name)
    if named.meanings or not label or len(label) > _LONGEST_LABEL:
        return named
    labelled = heading_of(label)
    return labelled._replace(unit=named.unit or labelled.unit)


def _meanings(
    facts: ColumnFacts,
) -> dict[str, float]:
    said = heading(facts).meanings
    best = max(said.values(), default=0.0)
    # "Heart rate peak" is that exactly, and no plain heart rate.
    found = {name: fit for name, fit in said.items() if best < EXACT or fit == best}
    if facts.kind == "date" and "birth_date" not in found:
        found.setdefault("date", _BY_VALUES)
    # Words that hardly ever mean anything else speak for a column without a heading.
    for meaning in ("drug", "route", "sex", "diagnosis"):
        if known_share(meaning, facts) >= _NEARLY_ALL and len(facts.levels) > 1:
            found.setdefault(meaning, _BY_VALUES)
    if _names_scales(facts) >= _NEARLY_ALL:
        found.setdefault("instrument", _BY_VALUES)
    return found


def _names_scales(
    facts: ColumnFacts,
) -> float:
    """Share of cells that name a scale."""
    if facts.kind != "text" or len(facts.levels) > _MOST_KINDS:
        return 0.0
    # Also a scale that is not built in is one: the map says what becomes of it.
    named = [scale_named(word) is not None for word in facts.as_words]
    return float(facts.counts[np.array(named, dtype=bool)].sum() / max(facts.n, 1))


def _holds(
    meaning: str,
    facts: ColumnFacts,
    strength: float,
) -> bool:
    """Whether the values of a column can be what its heading says."""
    if facts.kind == "empty":
        return False
    if meaning in _TESTS:
        return _TESTS[meaning](facts)
    if has_words(meaning):
        return _is_closed(meaning, facts, strength)
    column = _CONTRACT.get(meaning)
    if column is None:
        return False
    if column.kind == "yes_no":
        return len(facts.levels) <= _MOST_CODES // 2 and facts.kind != "date"
    return mostly_measures(facts) or facts.kind == "duration"


def _is_closed(
    meaning: str,
    facts: ColumnFacts,
    strength: float,
) -> bool:
    share = known_share(meaning, facts)
    if meaning == "adverse_events":
        # One that asks for a single event says no word of the list.
        return share > 0 and not event_asked_in(facts)
    if share >= _SOME:
        return True
    # Codes without labels are asked about, where the heading leaves no doubt.
    coded = facts.kind == "whole" and len(facts.levels) <= _MOST_CODES
    return strength >= EXACT and coded and meaning != "drug"


def _is_patient(
    facts: ColumnFacts,
) -> bool:
    return facts.kind in ("text", "whole")


def _is_day(
    facts: ColumnFacts,
) -> bool:
    return facts.is_number and facts.within(EARLIEST_DAY, LATEST_DAY)


def _is_counter(
    facts: ColumnFacts,
) -> bool:
    return facts.kind == "whole" and facts.within(-600, 600)


def _is_occasion(
    facts: ColumnFacts,
) -> bool:
    return facts.kind in ("text", "whole") and len(facts.levels) <= _MOST_KINDS


def _is_scale(
    facts: ColumnFacts,
) -> bool:
    return _names_scales(facts) >= _HALF


def _is_site(
    facts: ColumnFacts,
) -> bool:
    return facts.kind in ("text", "whole") and len(facts.levels) <= _MOST_SITES


def _is_unit(
    facts: ColumnFacts,
) -> bool:
    return facts.kind == "text" and len(facts.levels) <= _MOST_CODES


def _is_day_or_date(
    facts: ColumnFacts,
) -> bool:
    return facts.may_be_date or _is_day(facts)


def _is_score(
    facts: ColumnFacts,
) -> bool:
    return mostly_measures(facts) and facts.kind != "date"


def _is_item(
    facts: ColumnFacts,
) -> bool:
    return facts.kind in ("text", "whole") and len(facts.levels) <= _MOST_ITEMS


def _is_answer(
    facts: ColumnFacts,
) -> bool:
    return facts.kind in ("text", "whole") and len(facts.levels) <= _MOST_KINDS


_TESTS: Final[Mapping[str, Callable[[ColumnFacts], bool]]] = {
    "patient_id": _is_patient,
    **dict.fromkeys(DATES, some_dates),
    **dict.fromkeys(_DAYS, _is_day_or_date),
    **dict.fromkeys(_COUNTERS, _is_counter),
    "day": _is_day,
    "duration_min": mostly_lengths_of_time,
    "blood_pressure": mostly_pressures,
    "blood_pressure_peak": mostly_pressures,
    "blood_pressure_after": mostly_pressures,
    "occasion": _is_occasion,
    "instrument": _is_scale,
    "score": _is_score,
    "site": _is_site,
    "item": _is_item,
    "answer": _is_answer,
    "form": _is_patient,
    "dose": _is_score,
    "dose_unit": _is_unit,
}
