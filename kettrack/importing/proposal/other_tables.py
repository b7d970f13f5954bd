"""Sessions, patients and events of one table of a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from kettrack.importing.import_map import TableMap
from kettrack.importing.proposal.columns import heading
from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.importing.proposal.session_columns import asked_events, clock_columns
from kettrack.importing.proposal.table_columns import TableColumns
from kettrack.importing.proposal.visits import visits_with_sessions
from kettrack.importing.proposal.when import When
from kettrack.importing.proposal.words import ClosedColumn, word_map
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import BIRTH_DATE, DOSE_UNIT, STATUS
from kettrack.privacy.identifying_names import words_of
from kettrack.vocabulary.cell_words import (
    dose_within,
    has_words,
    word_meant,
)
from kettrack.vocabulary.columns import EVENT_ROWS, PATIENTS, SESSIONS
from kettrack.vocabulary.instruments import CADSS
from kettrack.vocabulary.outside_codes import drug_in_words
from kettrack.vocabulary.status_words import status_column
from kettrack.vocabulary.units import factor

_WHEN: Final = ("patient_id", "day", "order")
# What a session is known by: rows of a visit without any of these are no session.
_TELLING: Final = ("drug", "dose", "route")
_PRESSURES: Final = {
    "blood_pressure": "before",
    "blood_pressure_peak": "peak",
    "blood_pressure_after": "after",
}
# A dose per kilogram is a small number.
_MOST_PER_KG: Final = 3.0
_PER_KG: Final = "mg/kg"
_WHOLE_PERCENT: Final = 100.0


def session_part(
    known: TableColumns,
    when: When,
    answers: Answers,
    remarks: Remarks,
) -> TableMap:
    """The part of the map that takes sessions from a table, one per row.

    Parameters
    ----------
    known : TableColumns
        The table.
    when : When
        The day of its rows.
    answers, remarks
        As for `propose`.
    """
    columns = dict(when.columns) | _contract_columns(known, SESSIONS.names)
    dose = _dose(known)
    if dose:
        columns["dose_mg"] = dose
    if dose and known.best("dose_unit"):
        columns[DOSE_UNIT] = known.best("dose_unit")
    columns |= _pressures(known, columns)
    rated = dissociation_of(known)
    if rated:
        columns.setdefault("dissociation", rated)
    # "Ketamine IV" says both.
    drug = known.best("drug")
    if drug and not known.best("route") and _any_word(known, drug, "route"):
        columns["route"] = drug
    where = _where(known, columns, answers, remarks)
    # Nobody need be asked which drug a telephone call is.
    of_sessions = _with_rows(known, where)
    values = _values(of_sessions, "sessions", columns, answers, remarks)
    if drug and not dose:
        _doses_beside_drugs(known, drug, columns, values)
    columns |= asked_events(known, columns)
    if "duration_min" not in columns:
        columns |= clock_columns(known)
    status = _status(known, "sessions")
    named = {} if drug else _drug_in_names(known, columns)
    part = when.part(known, "sessions", columns | status, named)
    return TableMap(
        source=part.source,
        to=part.to,
        columns=part.columns,
        constants=part.constants,
        values=dict(part.values) | values,
        units=dict(part.units) | _units(known, columns),
        where=where,
    )


def _with_rows(
    known: TableColumns,
    where: Mapping[str, tuple[str, ...]],
) -> TableColumns:
    """The table with no other word of a visit than those that are sessions."""
    kept = []
    for facts in known.facts:
        words = where.get(facts.name)
        if words:
            hit = np.isin(facts.levels.astype(str), words)
            facts = replace(facts, levels=facts.levels[hit], counts=facts.counts[hit])
        kept.append(facts)
    return replace(known, facts=tuple(kept))


def _pressures(
    known: TableColumns,
    columns: Mapping[str, str],
) -> dict[str, str]:
    """Both pressures of a column such as 120/80; it is read for each of the two."""
    found: dict[str, str] = {}
    for meaning, when in _PRESSURES.items():
        both = (f"systolic_{when}", f"diastolic_{when}")
        if known.best(meaning) and both[0] not in columns:
            found |= dict.fromkeys(both, known.best(meaning))
    return found


def _dose(known: TableColumns) -> str:
    """The column of doses; one in milligrams goes before one by weight."""
    fits = known.fits.get("dose", [])
    absolute = [one for one in fits if heading(one).unit == "mg"]
    return (absolute or fits)[0].name if fits else ""


def dissociation_of(
    known: TableColumns,
) -> str:
    """The column of CADSS totals, which are rated during a session and belong to it; empty where
    there is none, or several.

    Parameters
    ----------
    known : TableColumns
        The table.
    """
    found = [
        one.facts.name
        for one in known.scores
        if one.heading.scale == CADSS.name
        and one.heading.part == "total"
        and one.heading.occasion is None
    ]
    return found[0] if len(found) == 1 else ""


def _drug_in_names(
    known: TableColumns,
    columns: Mapping[str, str],
) -> dict[str, str]:
    """The drug that the name of a sheet, file or column of doses says of all rows."""
    names = [columns.get("dose_mg", ""), known.table.name, known.table.file]
    for name in names:
        spaced = " ".join(words_of(name))
        drug = drug_in_words(spaced)
        if drug is None:
            continue
        spray = "spravato" in spaced and "route" not in columns
        # Spravato is a nasal spray and nothing else.
        return {"drug": drug} | ({"route": "intranasal"} if spray else {})
    return {}


def _contract_columns(
    known: TableColumns,
    names: tuple[str, ...],
) -> dict[str, str]:
    return {
        name: known.best(name)
        for name in names
        if name not in _WHEN and known.best(name)
    }


def _column(
    known: TableColumns,
    name: str,
) -> ColumnFacts:
    return next(facts for facts in known.facts if facts.name == name)


def _any_word(
    known: TableColumns,
    column: str,
    meaning: str,
) -> bool:
    facts = _column(known, column)
    return any(word_meant(meaning, word) for word in facts.as_words)


def _values(
    known: TableColumns,
    to: str,
    columns: Mapping[str, str],
    answers: Answers,
    remarks: Remarks,
) -> dict[str, Mapping[str, str]]:
    """Words of each column with a closed list."""
    found: dict[str, Mapping[str, str]] = {}
    for meaning, column in columns.items():
        if not has_words(meaning):
            continue
        closed = ClosedColumn(
            known.table, to, meaning, _column(known, column), known.patient
        )
        shared = list(columns.values()).count(column) > 1
        # "Ketamine" beside "Ketamine IV" names no route, and nobody need be asked.
        quiet = Remarks() if shared and meaning != "drug" else remarks
        words = word_map(closed, answers, quiet)
        if quiet is not remarks:
            # A word that names no drug may be a name, and stays out of the map.
            unsaid = [one for one in _drugs(closed.facts) if one not in words]
            words |= dict.fromkeys(unsaid, "")
        if words:
            found[meaning] = words
    return found


def _drugs(facts: ColumnFacts) -> list[str]:
    """The distinct cells of a column that name a drug, every part of them understood."""
    return [
        str(level)
        for level, word in zip(facts.levels, facts.as_words, strict=True)
        if word_meant("drug", word)
    ]


def _doses_beside_drugs(
    known: TableColumns,
    drug: str,
    columns: dict[str, str],
    values: dict[str, Mapping[str, str]],
) -> None:
    """Doses in mg that stand beside the drug: "Spravato 84 mg"."""
    facts = _column(known, drug)
    doses = {level: dose_within(level) for level in _drugs(facts)}
    in_mg = {
        level: dose.removesuffix(" mg")
        for level, dose in doses.items()
        if dose and dose.endswith(" mg")
    }
    if in_mg:
        columns["dose_mg"] = drug
        values["dose_mg"] = {level: in_mg.get(level, "") for level in doses}


def _units(
    known: TableColumns,
    columns: Mapping[str, str],
) -> dict[str, str]:
    """Units that the headings name, and that of a dose too small for milligrams."""
    found = {}
    for meaning, column in columns.items():
        unit = heading(_column(known, column)).unit
        native = SESSIONS[meaning].unit if meaning in SESSIONS.names else ""
        # "SpO2 min" is the lowest, and no number of minutes.
        if unit and unit != native and factor(unit, native) is not None:
            found[meaning] = unit
    spo2 = columns.get("spo2_min", "")
    # In .xls a percentage comes as the number below it; nobody has a saturation of 1 %.
    if spo2 and (_column(known, spo2).high or _WHOLE_PERCENT) <= 1:
        found["spo2_min"] = "fraction"
    if "dose_mg" in columns and "dose_mg" not in found and DOSE_UNIT not in columns:
        dose = _column(known, columns["dose_mg"])
        small = dose.high is not None and dose.high <= _MOST_PER_KG
        if small and ("weight_kg" in columns or known.weighed_elsewhere):
            found["dose_mg"] = _PER_KG
    return found


def _where(
    known: TableColumns,
    columns: Mapping[str, str],
    answers: Answers,
    remarks: Remarks,
) -> dict[str, tuple[str, ...]]:
    """Which rows are sessions, in a table that holds other visits too."""
    name, words = visits_with_sessions(known, answers, remarks)
    if words:
        return {name: words}
    if not known.scores and not known.best("score"):
        return {}
    n_rows = known.table.data.num_rows
    telling = [known.best(name) for name in _TELLING if known.best(name)]
    # Where any of them is filled in every row, every row is a session.
    if any(_column(known, name).n == n_rows for name in telling):
        return {}
    return dict.fromkeys(telling, ())


def _status(
    known: TableColumns,
    to: str,
) -> dict[str, str]:
    """The columns that say whether a row is an observation."""
    scores = {one.facts.name for one in known.scores}
    found = [
        facts.name
        for facts in known.facts
        # "Completed" may hold the date on which it was.
        if facts.name not in scores
        and facts.n
        and not facts.may_be_date
        and status_column(facts.name, to)
    ]
    return {
        STATUS if not place else f"{STATUS}_{place + 1}": name
        for place, name in enumerate(found)
    }


status_columns = _status


def patient_part(
    known: TableColumns,
    answers: Answers,
    remarks: Remarks,
    unused: dict[str, str],
) -> TableMap | None:
    """The part of the map that takes what describes a person; None where nothing does.

    Parameters
    ----------
    known : TableColumns
        The table.
    answers, remarks
        As for `propose`.
    unused : dict
        Takes columns that differ between the rows of one patient.
    """
    names = [*PATIENTS.names, BIRTH_DATE]
    columns = {}
    for name in known.of_patients:
        column = known.best(name)
        if name not in names or column == known.patient:
            continue
        if known.one_per_patient(column):
            columns[name] = column
        else:
            unused[column] = "it differs between the rows of one patient"
    if BIRTH_DATE in columns:
        # The date of birth gives the age at the first session; another age would disagree.
        columns.pop("age", None)
    # In a log of sessions a yes or no belongs to the session.
    if not set(columns) - {"psychotherapy"}:
        return None
    values = _values(known, "patients", columns, answers, remarks)
    return TableMap(
        source=known.table.name,
        to="patients",
        columns={"patient_id": known.patient, **columns},
        values=values,
    )


def event_part(
    known: TableColumns,
    when: When,
    answers: Answers,
    remarks: Remarks,
) -> TableMap | None:
    """The part of the map that takes events; None where a table has none.

    Parameters
    ----------
    known : TableColumns
        The table.
    when : When
        The day of its rows.
    answers, remarks
        As for `propose`.
    """
    for facts in known.facts:
        words = [word_meant("event", word) for word in facts.as_words]
        telling = "events" in known.hints or "event" in words_of(facts.name)
        if telling and facts.kind == "text" and any(words):
            columns = dict(when.columns) | {"event": facts.name}
            if known.best("detail"):
                columns["detail"] = known.best("detail")
            values = _values(known, EVENT_ROWS.name, columns, answers, remarks)
            part = when.part(known, EVENT_ROWS.name, columns, {})
            return TableMap(
                source=part.source,
                to=part.to,
                columns=part.columns,
                values=dict(part.values) | values,
                units=part.units,
            )
    return None
