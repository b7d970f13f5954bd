"""The door: a folder of CSV and Parquet files, or frames in memory, to a checked `Cohort`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from kettrack.errors import DataProblems, NoCohortFolder, UsageError, WrongArgument
from kettrack.privacy.identifying_people import may_be_shown
from kettrack.privacy.identifying_text import HOW_TO_NAME_DATA, reason_in_text
from kettrack.privacy.policies import get_policy
from kettrack.reading.assemble import check_tables
from kettrack.reading.cohort import Cohort, Provenance
from kettrack.reading.folder import read_tables, sha256_of
from kettrack.reading.given_settings import refuse_senseless, refuse_wrong_kinds
from kettrack.reading.import_remarks import read_import_remarks
from kettrack.reading.log_end import choose_log_end
from kettrack.reading.problems import Ledger, did_you_mean, problem_table
from kettrack.reading.raw import table_from_frame
from kettrack.reading.scale_names import scale_meant
from kettrack.reading.settings_file import read_settings
from kettrack.reading.settings_schema import CHOICES
from kettrack.reading.truth_file import read_truths
from kettrack.reading.typed import CheckedTable
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.criteria import PRESETS, get_criteria
from kettrack.vocabulary.instruments import get_instrument


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
        and optionally `kettrack.toml`.
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
    """
    path = _folder_path("load_cohort", folder)
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
    """
    path = _folder_path("check_folder", folder)
    try:
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
    settings = _usable(settings or Settings())
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


def _usable(settings: Settings) -> Settings:
    """Fail at the door, not in the middle of an analysis, when instrument, criteria, policy or a
    rule does not exist.
    """
    refuse_wrong_kinds(settings)
    for name, allowed in CHOICES.items():
        value = getattr(settings, name)
        if value not in allowed:
            near = did_you_mean(str(value), allowed)
            raise UsageError(
                f"There is no such {name}; there are: {', '.join(allowed)}{near}."
            )
    defined = {
        "instrument": list(settings.known_instruments),
        # Published rules go by their first author and a year.
        "criteria": [rules.name for rules in (*settings.user_criteria, *PRESETS)],
    }
    # Callers can pass anything here; `kettrack.toml` is checked by its schema.
    for what in ("instrument", "criteria"):
        value = getattr(settings, what)
        if not isinstance(value, str):
            raise WrongArgument(f"The setting {what!r}", "a name", value)
        # A name of a scale such as HAM-A may look like a person's; where it is defined, it is none.
        if value not in defined[what] and not may_be_shown(value):
            raise UsageError(
                f"There is no such {what}. The name is not repeated here, because it looks"
                " like a person's."
            )
    if settings.instrument not in settings.known_instruments:
        known = defined["instrument"]
        raise UsageError(
            f"No instrument is called {settings.instrument!r}; there are:"
            f" {', '.join(known)}; {scale_meant(settings.instrument, known)}."
        )
    _refuse_identifying_words(settings)
    refuse_senseless(settings)
    # Looked up only to fail now where there is none; the cohort looks them up again.
    instrument = get_instrument(settings.instrument, settings.known_instruments)
    get_criteria(instrument, settings.criteria, settings.user_criteria)
    # What is printed names the policy itself, also where the word for the usual one was given.
    return replace(settings, policy=get_policy(settings.policy).name)


def _refuse_identifying_words(settings: Settings) -> None:
    """Stop at settings from Python or the command line that could identify somebody; those of the
    file are reported with their line.
    """
    scales = [scale.name for scale in settings.user_instruments]
    own = [criteria.name for criteria in settings.user_criteria]
    given_words = {
        "extract": [settings.extract],
        "currency": [settings.currency],
        "user_instruments": scales,
        "user_criteria": own,
    }
    for name, words in given_words.items():
        reasons = [reason for word in words if (reason := reason_in_text(str(word)))]
        if reasons:
            raise UsageError(
                f"The setting {name!r} holds what looks like {reasons[0]}."
                f" {HOW_TO_NAME_DATA.capitalize()}."
            )


def _read_folder(
    folder: Path, allow: tuple[str, ...], overrides: Mapping[str, object]
) -> tuple[Ledger, Cohort]:
    """Read everything, so that the problems of the settings file and those of the tables are said
    together.
    """
    ledger = Ledger()
    settings = _settings(folder, overrides, ledger)
    if settings is None:  # without it nobody knows what the columns are called
        raise DataProblems(ledger.in_order())
    # Problems of the settings do not stop this: people mend all mistakes in one round.
    raws, hashes = read_tables(folder, settings, ledger)
    tables = check_tables(raws, settings, allow, ledger)
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


def _settings(
    folder: Path, overrides: Mapping[str, object], ledger: Ledger
) -> Settings | None:
    """The settings in force: what the caller says, over the file, over the defaults."""
    known = [field.name for field in fields(Settings)]
    for name in overrides:
        # A misspelt keyword would otherwise be taken for an option not given.
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(
                f"There is no setting {name!r}{near or '.'} There are: {', '.join(known)}."
            )
    path = folder / SETTINGS_FILE
    settings = read_settings(path, ledger) if path.is_file() else Settings()
    if settings is None:
        return None
    # The command line passes None for every option that was not given.
    given = {name: value for name, value in overrides.items() if value is not None}
    chosen = replace(settings, **given)  # type: ignore[arg-type]
    # A mistake in the file may be why an instrument is not known; it is told with the others.
    return chosen if ledger.problems else _usable(chosen)
