"""From checked rows to the frames of a cohort: whose rows count, on which clock, in which order and
dtype.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray
from pandas.api.types import pandas_dtype

from kettrack.reading.cells import read_frame
from kettrack.reading.clock import first_days, from_study_days, start_at_day_zero
from kettrack.reading.headers import match_columns, report_absent, report_absent_status
from kettrack.reading.missing_columns import with_needed_columns
from kettrack.reading.observations import only_observations
from kettrack.reading.patient_codes import note_similar_ids, report_lost
from kettrack.reading.problems import Ledger, counted
from kettrack.reading.raw import RawTable
from kettrack.reading.rows import (
    check_doses,
    drop_identical,
    one_row_per_key,
    order_within_day,
    resolve_scores,
)
from kettrack.reading.score_checks import check_scores
from kettrack.reading.unread_status import ask_about_unread
from kettrack.settings import Settings
from kettrack.vocabulary.columns import TABLES, Table

# Int64 and boolean are the kinds of pandas that can be missing.
_DTYPES = {
    "text": "str",
    "choice": "str",
    "choices": "str",
    "whole": "Int64",
    "decimal": "float64",
    "yes_no": "boolean",
}
# where a score with unknown timing counts as before the session
_SORTED_TIMINGS = ("before", "unknown", "after")
Frames = dict[str, pd.DataFrame]


def check_tables(
    raws: Mapping[str, RawTable],
    settings: Settings,
    allow: Sequence[str],
    ledger: Ledger,
) -> Frames:
    """Check every table and bring them into the form of `Cohort`.

    Parameters
    ----------
    raws : mapping
        Table name to raw table; a table that is missing is read as one without rows.
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
    frames = {}
    for name, table in TABLES.items():
        raw = raws.get(name) or _empty_table(name)
        # A table that is not there lacks every column; a ledger of its own keeps that unsaid.
        heard = ledger if name in raws else Ledger()
        matched = match_columns(raw, table, settings, allow, heard)
        ask_about_unread(matched, settings, heard)
        observed = only_observations(matched, settings, heard)
        complete = with_needed_columns(observed, settings, heard)
        frames[name] = read_frame(complete, instruments, heard)
    files = {name: raws[name].file if name in raws else name for name in TABLES}
    # Scores need their instrument, so they are checked after all cells are read.
    frames["scores"] = check_scores(
        frames["scores"], settings.known_instruments, files["scores"], ledger
    )
    _note_scales_without_scores(frames["scores"], files["scores"], ledger)
    frames["sessions"] = check_doses(frames["sessions"], files["sessions"], ledger)
    frames = _one_patient_list(frames)
    # Any table will do: all have the same list of patients by now.
    note_similar_ids(frames["sessions"]["patient_id"].cat.categories, ledger)
    whole = {name: _whole_rows(frame, TABLES[name]) for name, frame in frames.items()}
    # Duplicates go before days are moved, while every row still has the day of the file.
    single = _single(whole, settings, files, ledger)
    placed = _placed(single, files, ledger)
    return _finished(placed)


def _empty_table(name: str) -> RawTable:
    no_lines = np.zeros(0, dtype=np.int64)
    return RawTable(name=name, file=name, headers=(), columns=(), lines=no_lines)


def _one_patient_list(frames: Frames) -> Frames:
    """Give all tables the same sorted list of patients, so that a patient's code means the same
    everywhere.
    """
    # Codes of one patient are compared between tables from here on, without comparing text again.
    seen = [frame["patient_id"].cat.categories for frame in frames.values()]
    patients = sorted(
        {patient for categories in seen for patient in categories.tolist()}
    )
    everyone = pd.Index(patients, dtype="str")
    return {
        name: frame.assign(patient_id=frame["patient_id"].cat.set_categories(everyone))
        for name, frame in frames.items()
    }


def _whole_rows(
    frame: pd.DataFrame,
    table: Table,
) -> pd.DataFrame:
    """Rows whose required cells could be read; the others are already among the problems."""
    required = [column.name for column in table.columns if column.required]
    # A column that may be empty never costs a row.
    return frame[frame[required].notna().all(axis=1)]


def _single(
    frames: Frames,
    settings: Settings,
    files: Mapping[str, str],
    ledger: Ledger,
) -> Frames:
    frames = {
        name: drop_identical(frame, files[name], ledger)
        for name, frame in frames.items()
    }
    timing = (
        frames["scores"]["timing"]
        .cat.set_categories(_SORTED_TIMINGS, ordered=True)
        # An empty cell and the word "unknown" say the same.
        .fillna("unknown")
    )
    scores = frames["scores"].assign(timing=timing)
    return {
        "sessions": order_within_day(frames["sessions"], files["sessions"], ledger),
        "scores": resolve_scores(
            scores,
            settings.duplicates,
            settings.known_instruments,
            files["scores"],
            ledger,
        ),
        "patients": one_row_per_key(
            frames["patients"], TABLES["patients"], files["patients"], ledger
        ),
        # Two events of one kind on one day may both be true.
        "events": frames["events"],
    }


def _placed(
    frames: Frames,
    files: Mapping[str, str],
    ledger: Ledger,
) -> Frames:
    """Keep the rows of patients with a session, on each patient's own clock."""
    frames = from_study_days(frames, ledger)
    report_lost(frames, files, ledger)
    first = first_days(
        frames["sessions"], len(frames["sessions"]["patient_id"].cat.categories)
    )
    kept = {}
    for name, frame in frames.items():
        # Code -1, a row without a patient, takes the entry appended: it is not treated.
        first_of_row = np.append(first, np.nan)[frame["patient_id"].cat.codes]
        treated = np.isfinite(first_of_row)
        whose = name if name == "patients" else f"{name} of patients"
        ledger.leave_out(
            f"{whose} without a session",
            int((~treated).sum()),
            int(frame["patient_id"][~treated].nunique()),
        )
        kept[name] = frame[treated]
    kept["patients"] = _everyone_treated(kept, ledger)
    _note_unscored(kept, ledger)
    return start_at_day_zero(kept, first, ledger)


def _everyone_treated(
    frames: Frames,
    ledger: Ledger,
) -> pd.DataFrame:
    """Add an empty row for each treated patient the patients table does not know."""
    treated = frames["sessions"]["patient_id"].drop_duplicates()
    unknown = treated[~treated.isin(frames["patients"]["patient_id"])].array
    if len(unknown) and len(frames["patients"]):
        ledger.note(
            f"{counted(len(unknown), 'patient')} with sessions but without a row in the patients"
            " table: kept, with nothing known about them."
        )
    # With nobody to add, concatenating would only cost time and change dtypes.
    if not len(unknown):
        return frames["patients"]
    # Lines below 0 are in no file, so these rows are empty in every column.
    no_lines = range(-len(unknown), 0)
    blank = frames["patients"].reindex(no_lines).assign(patient_id=unknown)
    return pd.concat([frames["patients"], blank]) if len(frames["patients"]) else blank


def _note_scales_without_scores(
    scores: pd.DataFrame,
    file: str,
    ledger: Ledger,
) -> None:
    """Say which scales have rows and not one score: they are in no answer."""
    n_rows = scores["instrument"].value_counts()
    n_scored = scores["instrument"][scores["score"].notna()].value_counts()
    for name in n_rows.index[(n_rows > 0) & (n_scored.reindex(n_rows.index) == 0)]:
        rows = counted(int(n_rows[name]), "row")
        ledger.note(f"{file}: {name} has {rows} and not one score.")


def _note_unscored(
    frames: Frames,
    ledger: Ledger,
) -> None:
    n_unscored = len(frames["patients"]) - int(frames["scores"]["patient_id"].nunique())
    if n_unscored:
        ledger.note(
            f"No score is recorded for {counted(n_unscored, 'patient')} with sessions. The sessions"
            " are kept."
        )


def _finished(frames: Frames) -> Frames:
    """Sort, and give each column its dtype."""
    keys = {
        "sessions": ["patient_id", "day", "order"],
        "scores": ["patient_id", "instrument", "day", "timing"],
        "patients": ["patient_id"],
        "events": ["patient_id", "day"],
    }
    return {
        # Stable: rows with the same key stay in the order of the file.
        name: _typed(frame.sort_values(keys[name], kind="stable"), TABLES[name])
        for name, frame in frames.items()
    }


def _typed(
    frame: pd.DataFrame,
    table: Table,
) -> pd.DataFrame:
    dtypes = {column.name: _DTYPES[column.kind] for column in table.columns}
    # Days are never missing from here on, so a plain integer will do.
    if "day" in dtypes:
        dtypes["day"] = "int32"
    if table.name == "sessions":
        dtypes["order"] = "int32"
    if table.name == "scores":
        # Timing stays an ordered category: before, unknown, after is its order in time.
        del dtypes["timing"]
        frame, dtypes = _filled_items(frame, dtypes)
    # Column by column into a new frame: pandas would put the whole together anew for each step.
    typed = {
        name: _as_dtype(frame[name], dtypes.get(name, "")) for name in frame.columns
    }
    return pd.DataFrame(typed, index=pd.RangeIndex(len(frame)), copy=False)


def _as_dtype(column: pd.Series, dtype: str) -> ExtensionArray:
    """Values of a column in their dtype; as they are where none is named."""
    if dtype == "str":
        return _as_text(column.array)
    return column.astype(pandas_dtype(dtype)).array if dtype else column.array


def _as_text(words: ExtensionArray) -> ExtensionArray:
    """Categories to text by their codes, which is several times as fast as pandas' own
    conversion.
    """
    # Putting frames together may have turned categories into plain text.
    if not isinstance(words, pd.Categorical):
        return pd.Series(words).astype("str").array
    return words.categories.array.astype("str").take(words.codes, allow_fill=True)


def _filled_items(
    frame: pd.DataFrame,
    dtypes: dict[str, str],
) -> tuple[pd.DataFrame, dict[str, str]]:
    items = [name for name in frame.columns if name.startswith("item_")]
    # Item columns are kept as far as any is filled: an empty one between two others stays.
    last_filled = 0
    for place, name in enumerate(items, start=1):
        if frame[name].notna().any():
            last_filled = place
    kept = frame.drop(columns=items[last_filled:])
    return kept, {name: dtype for name, dtype in dtypes.items() if name in kept}
