"""From checked rows to the frames of a cohort: whose rows count, on which clock, in which order and
dtype.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.reading.cells import read_rows
from kettrack.reading.clock import first_days, from_study_days, start_at_day_zero
from kettrack.reading.coded import Coded, CodedRows
from kettrack.reading.headers import match_columns, report_absent, report_absent_status
from kettrack.reading.missing_columns import with_needed_columns
from kettrack.reading.observations import only_observations
from kettrack.reading.patient_codes import report_lost
from kettrack.reading.problems import Ledger, counted
from kettrack.reading.raw import RawTable, give_back_memory
from kettrack.reading.rows import (
    check_doses,
    check_pressures,
    drop_identical,
    one_row_per_key,
    order_within_day,
    resolve_scores,
)
from kettrack.reading.score_checks import check_scores
from kettrack.reading.typed import CheckedTable
from kettrack.reading.unread_status import ask_about_unread
from kettrack.settings import Settings
from kettrack.vocabulary.columns import TABLES, Table

# where a score with unknown timing counts as before the session
SORTED_TIMINGS: Final = ("before", "unknown", "after")
SORTED_BY: Final = {
    "sessions": ("patient_id", "day", "order"),
    "scores": ("patient_id", "instrument", "day", "timing"),
    "patients": ("patient_id",),
    "events": ("patient_id", "day"),
}
CodedTables = dict[str, CodedRows]


def check_tables(
    raws: dict[str, RawTable],
    settings: Settings,
    allow: Sequence[str],
    ledger: Ledger,
) -> dict[str, CheckedTable]:
    """Check every table and bring them into the form of `Cohort`.

    Parameters
    ----------
    raws : dict
        Table name to raw table; a table that is missing is read as one without rows. Each is taken
        out when its turn comes, so that nothing is held twice.
    settings : Settings
        In force.
    allow : sequence of str
        Columns the identifier check lets through.
    ledger : Ledger
        Takes problems, notes and what is left out.

    Returns
    -------
    dict
        `sessions`, `scores`, `patients`, `events`, as documented in `Cohort`; only to be used when
        no problem was found.
    """
    instruments = list(settings.known_instruments)
    # Before the columns are matched: a misspelt name in [columns] explains what is missing below.
    report_absent(raws, settings, ledger)
    report_absent_status(raws, settings, ledger)
    files = {name: raws[name].file if name in raws else name for name in TABLES}
    tables = {}
    for name, table in TABLES.items():
        # A table that is not there lacks every column; a ledger of its own keeps that unsaid.
        heard = ledger if name in raws else Ledger()
        raw = raws.pop(name, None) or _empty_table(name)
        matched = match_columns(raw, table, settings, allow, heard)
        ask_about_unread(matched, settings, heard)
        observed = only_observations(matched, settings, heard)
        complete = with_needed_columns(observed, settings, heard)
        tables[name] = read_rows(complete, instruments, heard)
    # Scores need their instrument, so they are checked after all cells are read.
    tables["scores"] = check_scores(
        tables["scores"], settings.known_instruments, files["scores"], ledger
    )
    _note_scales_without_scores(tables["scores"], files["scores"], ledger)
    check_pressures(tables["sessions"], files["sessions"], ledger)
    tables["sessions"] = check_doses(tables["sessions"], files["sessions"], ledger)
    tables = _one_patient_list(tables)
    whole = {name: _whole_rows(rows, TABLES[name]) for name, rows in tables.items()}
    # Duplicates go before days are moved, while every row still has the day of the file.
    single = _single(whole, settings, files, ledger)
    placed = _placed(single, files, ledger)
    give_back_memory()
    return {name: _finished(name, placed.pop(name)) for name in TABLES}


def _empty_table(
    name: str,
) -> RawTable:
    no_lines = np.zeros(0, dtype=np.int64)
    return RawTable(name=name, file=name, headers=(), columns=(), lines=no_lines)


def _one_patient_list(
    tables: CodedTables,
) -> CodedTables:
    """Give all tables the same sorted list of patients, so that a patient's code means the same
    everywhere.
    """
    # Codes of one patient are compared between tables from here on, without comparing text again.
    seen = [
        pa.array(rows["patient_id"].values, pa.string()) for rows in tables.values()
    ]
    # In the order of Python, which is that of UTF-8.
    everybody = pc.unique(pa.concat_arrays(seen))
    patients = everybody.take(pc.sort_indices(everybody))
    names = np.array(patients.to_pylist(), dtype=object)
    listed = {}
    for (name, rows), own in zip(tables.items(), seen, strict=True):
        column = rows["patient_id"]
        # Most tables are sorted and know everybody: their codes are the places already.
        if own == patients:
            codes = column.codes.astype(np.int32)
        else:
            places = pc.index_in(own, patients).to_numpy()
            codes = column.said(places, np.int32(-1))
        one_list = Coded(codes, names)
        listed[name] = rows.replaced({"patient_id": one_list})
    return listed


def _whole_rows(
    rows: CodedRows,
    table: Table,
) -> CodedRows:
    """Rows whose required cells could be read; the others are already among the problems."""
    # A column that may be empty never costs a row.
    required = [column.name for column in table.columns if column.required]
    filled = [rows[name].filled for name in required]
    return rows.keep(np.logical_and.reduce(filled))


def _single(
    tables: CodedTables,
    settings: Settings,
    files: Mapping[str, str],
    ledger: Ledger,
) -> CodedTables:
    tables = {
        name: drop_identical(rows, TABLES[name], files[name], ledger)
        for name, rows in tables.items()
    }
    return {
        "sessions": order_within_day(tables["sessions"], files["sessions"], ledger),
        "scores": resolve_scores(
            _timed(tables["scores"]),
            settings.duplicates,
            settings.known_instruments,
            files["scores"],
            ledger,
        ),
        "patients": one_row_per_key(
            tables["patients"], TABLES["patients"], files["patients"], ledger
        ),
        # Two events of one kind on one day may both be true.
        "events": tables["events"],
    }


def _timed(
    scores: CodedRows,
) -> CodedRows:
    """Timings in their order in time; an empty cell and the word "unknown" say the same."""
    timing = scores["timing"]
    unknown = SORTED_TIMINGS.index("unknown")
    places = [SORTED_TIMINGS.index(word) for word in timing.values]
    of_words = np.array(places, dtype=np.int8)
    in_time = Coded(
        codes=timing.said(of_words, np.int8(unknown)),
        values=np.array(SORTED_TIMINGS, dtype=object),
    )
    return scores.replaced({"timing": in_time})


def _placed(
    tables: Mapping[str, CodedRows],
    files: Mapping[str, str],
    ledger: Ledger,
) -> CodedTables:
    """Keep the rows of patients with a session, on each patient's own clock."""
    tables = from_study_days(tables, ledger)
    report_lost(tables, files, ledger)
    first = first_days(tables["sessions"])
    kept = {}
    for name, rows in tables.items():
        treated = np.isfinite(first)[rows["patient_id"].codes]
        whose = name if name == "patients" else f"{name} of patients"
        ledger.leave_out(
            f"{whose} without a session",
            int((~treated).sum()),
            rows.n_patients(~treated),
        )
        kept[name] = rows.keep(treated)
    kept["patients"] = _everyone_treated(kept, ledger)
    _note_unscored(kept, ledger)
    return start_at_day_zero(kept, first, ledger)


def _everyone_treated(
    tables: CodedTables,
    ledger: Ledger,
) -> CodedRows:
    """Add an empty row for each treated patient the patients table does not know."""
    patients = tables["patients"]
    known = patients["patient_id"].used
    unknown = np.flatnonzero(tables["sessions"]["patient_id"].used & ~known)
    if len(unknown) and len(patients):
        ledger.note(
            f"{counted(len(unknown), 'patient')} with sessions but without a row in the patients"
            " table: kept, with nothing known about them."
        )
    # Lines below 0 are in no file, so these rows are empty in every column.
    lines = np.append(patients.lines, np.arange(-len(unknown), 0))
    columns = {}
    for name, column in patients.columns.items():
        added = np.full(len(unknown), -1)
        if name == "patient_id":
            added = unknown
        kind = column.codes.dtype
        codes = np.append(column.codes, added.astype(kind))
        columns[name] = Coded(codes, column.values)
    return CodedRows(lines, columns)


def _note_scales_without_scores(
    scores: CodedRows,
    file: str,
    ledger: Ledger,
) -> None:
    """Say which scales have rows and not one score: they are in no answer."""
    instrument = scores["instrument"]
    n_scored = instrument.keep(scores["score"].filled).counts
    n_rows = instrument.counts
    # Those with most rows come first.
    for place in np.argsort(-n_rows, kind="stable").tolist():
        if n_rows[place] and not n_scored[place]:
            name = instrument.values[place]
            rows = counted(int(n_rows[place]), "row")
            ledger.note(f"{file}: {name} has {rows} and not one score.")


def _note_unscored(
    tables: CodedTables,
    ledger: Ledger,
) -> None:
    scored = tables["scores"]["patient_id"].used.sum()
    n_unscored = len(tables["patients"]) - int(scored)
    if n_unscored:
        ledger.note(
            f"No score is recorded for {counted(n_unscored, 'patient')} with sessions. The sessions"
            " are kept."
        )


def _finished(
    name: str,
    rows: CodedRows,
) -> CheckedTable:
    """Sorted, with the columns that a cohort holds."""
    key = rows.key(SORTED_BY[name])
    if (key[1:] < key[:-1]).any():
        # Stable: rows with the same key stay in the order of the file.
        rows = rows.keep(np.argsort(key, kind="stable"))
    table = TABLES[name]
    spare = _unanswered(rows)
    names = [one for one in table.names if one in rows.columns and one not in spare]
    return CheckedTable(table, rows, tuple(names))


def _unanswered(
    rows: CodedRows,
) -> list[str]:
    """Item columns behind the last one that is filled: an empty one between two others stays."""
    last_filled = 0
    for place, name in enumerate(rows.items, start=1):
        if rows[name].filled.any():
            last_filled = place
    return rows.items[last_filled:]
