"""The door: a folder of CSV and Parquet files, or frames in memory, to a checked `Cohort`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from kettrack.errors import DataProblems, NoCohortFolder, UsageError, WrongArgument
from kettrack.reading.assemble import check_tables
from kettrack.reading.chosen_settings import settings_of_folder, usable_settings
from kettrack.reading.cohort import Cohort, Provenance
from kettrack.reading.folder import read_tables, sha256_of
from kettrack.reading.import_remarks import read_import_remarks
from kettrack.reading.log_end import choose_log_end
from kettrack.reading.patient_codes import folded_codes, note_similar_ids
from kettrack.reading.problems import Ledger, problem_table
from kettrack.reading.raw import table_from_frame
from kettrack.reading.sharded.manifest import is_sharded
from kettrack.reading.sharded.opened import open_sharded
from kettrack.reading.truth_file import read_truths
from kettrack.reading.typed import CheckedTable
from kettrack.settings import Settings


class FolderCheck(NamedTuple):
    """What `check_folder` found.

    Parameters
    ----------
    problems : DataFrame
        One row per problem: `file` `line` `column` `value` (masked) `expected`; empty when the
        folder can be loaded.
    notes : tuple of str
        What was noticed or done.
    """

    problems: pd.DataFrame
    notes: tuple[str, ...]


def load_cohort(
    folder: str | Path, *, allow: Sequence[str] = (), **overrides: object
) -> Cohort:
    """Read and check a cohort folder.

    Parameters
    ----------
    folder : str or Path
        Holds `sessions` and `scores`, optionally `patients` and `events`, each as CSV or Parquet,
        and optionally `kettrack.toml`. Or a folder that `kettrack shard` has made, where all of it
        fits into memory.
    allow : sequence of str
        Columns to let through the identifier check; recorded in the cohort's provenance and notes.
    **overrides
        Fields of `Settings`, over what `kettrack.toml` says; None = not given.

    Returns
    -------
    Cohort
        Its `notes` say what was assumed and done.

    Raises
    ------
    DataProblems
        Carries every problem found. In Parquet files the line is the row, counted from 1.
    UsageError
        When there is no such folder, setting, instrument or criteria, or when an argument is of
        another kind.

    Examples
    --------
    >>> from kettrack import sample_folder
    >>> len(load_cohort(sample_folder()).patients)
    600
    """
    path = _folder_path("load_cohort", folder)
    if is_sharded(path):
        return open_sharded(path, _names(allow), **overrides).whole()
    ledger, cohort = _read_folder(path, _names(allow), overrides)
    _stop_on(ledger, f"The full list: kettrack check {folder} -o problems.csv")
    return cohort


def check_folder(
    folder: str | Path, *, allow: Sequence[str] = (), **overrides: object
) -> FolderCheck:
    """Check a cohort folder and return every problem as a table, without raising for them.

    Parameters
    ----------
    folder, allow, **overrides
        As for `load_cohort`.

    Returns
    -------
    FolderCheck
        `problems` (one row per problem) and `notes`.

    Examples
    --------
    >>> from kettrack import sample_folder
    >>> len(check_folder(sample_folder()).problems)
    0
    """
    path = _folder_path("check_folder", folder)
    try:
        # It was checked when it was made: what is left to find is a file that was changed since.
        if is_sharded(path):
            opened = open_sharded(path, _names(allow), **overrides)
            return FolderCheck(problem_table([]), opened.whole().notes)
        ledger, _ = _read_folder(path, _names(allow), overrides)
    except DataProblems as found:
        # Only a broken settings file raises here; the tables were not read then.
        return FolderCheck(problem_table(found.problems), ())
    return FolderCheck(problem_table(ledger.in_order()), tuple(ledger.notes))


def cohort_from_frames(
    sessions: pd.DataFrame,
    scores: pd.DataFrame,
    patients: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    *,
    settings: Settings | None = None,
    allow: Sequence[str] = (),
) -> Cohort:
    """Check tables in memory by the same rules as files.

    Parameters
    ----------
    sessions, scores, patients, events : DataFrame
        With the columns of the contract, whatever their dtypes; never changed.
    settings : Settings, optional
        Default: all defaults.
    allow : sequence of str
        As for `load_cohort`.

    Returns
    -------
    Cohort
        The same as from files with the same content.

    Raises
    ------
    DataProblems
        Carries every problem; `file` is the table's name, `line` the row counted from 1.
    UsageError
        When a table is no DataFrame, or `settings` are no `Settings`.

    Examples
    --------
    >>> sessions = pd.DataFrame({"patient_id": ["a", "a"], "day": [3, 6]})
    >>> score = {"patient_id": "a", "day": 3, "instrument": "PHQ-9", "score": 20}
    >>> cohort = cohort_from_frames(sessions, pd.DataFrame([score]))
    >>> cohort.sessions["day"].tolist(), cohort.scores["day"].tolist()
    ([0, 3], [0])
    """
    if settings is not None and not isinstance(settings, Settings):
        needed = "Settings as `settings`"
        raise WrongArgument("cohort_from_frames", needed, settings)
    settings = usable_settings(settings or Settings())
    frames = {
        "sessions": sessions,
        "scores": scores,
        "patients": patients,
        "events": events,
    }
    raws = {}
    for name, frame in frames.items():
        # The two tables that a cohort can do without.
        optional = name in ("patients", "events")
        if isinstance(frame, pd.DataFrame):
            raws[name] = table_from_frame(name, frame)
        elif frame is not None or not optional:
            raise WrongArgument("cohort_from_frames", f"a DataFrame as `{name}`", frame)
    allowed = _names(allow)
    ledger = Ledger()
    tables = check_tables(raws, settings, allowed, ledger)
    _note_similar(tables, ledger)
    # No hint of a command: there is no folder that could be checked.
    _stop_on(ledger, "")
    return _cohort(tables, settings, ledger, provenance=Provenance(allowed=allowed))


def _folder_path(function: str, folder: object) -> Path:
    """The folder as a path.

    Raises
    ------
    UsageError
        When it is no path, or when there is no such folder.
    """
    if not isinstance(folder, (str, Path)):
        raise WrongArgument(function, "the path of a cohort folder", folder)
    path = Path(folder)
    if not path.is_dir():
        raise NoCohortFolder(folder)
    return path


def _names(allow: Sequence[str]) -> tuple[str, ...]:
    """The columns to let through; one name by itself would be taken for a list of letters."""
    if isinstance(allow, str):
        raise UsageError(
            f"allow is a list of column names. For one column write allow=[{allow!r}]."
        )
    return tuple(allow)


def _note_similar(tables: Mapping[str, CheckedTable], ledger: Ledger) -> None:
    # Any table will do: all have one list of patients, those without a session among them.
    everyone = tables["sessions"].rows["patient_id"].values
    codes = pd.Index(everyone, dtype="str")
    note_similar_ids(folded_codes(codes), ledger)


def _stop_on(ledger: Ledger, hint: str) -> None:
    if ledger.problems:
        raise DataProblems(ledger.in_order(), hint)


def _cohort(
    tables: Mapping[str, CheckedTable],
    settings: Settings,
    ledger: Ledger,
    **more: Any,
) -> Cohort:
    # A note and no problem: sessions can be counted without a score.
    instrument = tables["scores"].rows["instrument"]
    if not instrument.is_one_of([settings.instrument]).any():
        ledger.note(
            f"There is no {settings.instrument} score; another instrument can be chosen."
        )
    patients, settings = choose_log_end(tables, settings, ledger)
    return Cohort(
        sessions=tables["sessions"],
        scores=tables["scores"],
        patients=patients,
        events=tables["events"],
        settings=settings,
        notes=tuple(ledger.notes),
        exclusions=ledger.exclusions(),
        **more,
    )


def _read_folder(
    folder: Path, allow: tuple[str, ...], overrides: Mapping[str, object]
) -> tuple[Ledger, Cohort]:
    """Read everything, so that the problems of the settings file and those of the tables are said
    together.
    """
    ledger = Ledger()
    settings = settings_of_folder(folder, overrides, ledger)
    if settings is None:  # without it nobody knows what the columns are called
        raise DataProblems(ledger.in_order())
    # Problems of the settings do not stop this: people mend all mistakes in one round.
    raws, hashes = read_tables(folder, settings, ledger)
    tables = check_tables(raws, settings, allow, ledger)
    _note_similar(tables, ledger)
    provenance = Provenance(sha256_of(hashes), tuple(sorted(hashes)), allow)
    cohort = _cohort(
        tables,
        settings,
        ledger,
        provenance=provenance,
        truths=read_truths(folder, ledger),
        import_remarks=read_import_remarks(folder, ledger),
    )
    return ledger, cohort
