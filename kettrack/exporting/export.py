"""One folder with the standard tables of a cohort: written whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.exporting.adam.adverse_events import adverse_event_rows
from kettrack.exporting.adam.doses import dose_rows
from kettrack.exporting.adam.scores import QuestionnaireBlocks
from kettrack.exporting.adam.subjects import subject_rows
from kettrack.exporting.adam.times_to_event import time_rows
from kettrack.exporting.data_sets import (
    DATA_SETS,
    Blocks,
    DataSet,
    Sizes,
    Write,
    sizes_of,
)
from kettrack.exporting.define import define_json
from kettrack.exporting.episodes import episode_tables
from kettrack.exporting.formats.dataset_json import dataset_json_file
from kettrack.exporting.formats.parquet_files import parquet_file
from kettrack.exporting.formats.transport_files import transport_file
from kettrack.exporting.package import write_package
from kettrack.exporting.provenance import (
    PROVENANCE_FILE,
    LeftOut,
    provenance_json,
)
from kettrack.exporting.words import HARMS
from kettrack.privacy.disclosure import gate_rows
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.writing import csv_text, whole_folder, write_text

Maker = Callable[[DerivedCohort, str], Blocks]

FORMATS: Final = ("parquet", "xpt", "dataset-json", "omop", "datapackage")
# Formats of the data sets of CDISC, and the ending of their files.
_CDISC: Final = {"parquet": ".parquet", "xpt": ".xpt", "dataset-json": ".json"}
DEFAULT_STUDY: Final = "KETTRACK"
# It stands in every record, in names of files and in identifiers of metadata.
_STUDY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,19}")
DEFINE_FILE: Final = "define.json"
README_FILE: Final = "README.md"
Tell = Callable[[str], None]


def _in_one_block(
    make: Callable[[DerivedCohort, str], pd.DataFrame],
) -> Maker:
    """A data set that is small also where the clinic is large."""

    def made(cohort: DerivedCohort, study: str) -> Blocks:
        return [make(cohort, study)]

    return made


# In the order in which they are written.
CDISC_MAKERS: Final[Mapping[str, Maker]] = {
    "ADSL": _in_one_block(subject_rows),
    # Each answer to each question of each form is a record of its own.
    "ADQS": QuestionnaireBlocks,
    "ADTTE": _in_one_block(time_rows),
    "ADAE": _in_one_block(adverse_event_rows),
    # Sessions stand in the collected form: the analysis asks no more of them.
    "EX": _in_one_block(dose_rows),
}


def export(
    cohort: Cohort | DerivedCohort,
    folder: str | Path,
    *,
    formats: Sequence[str] = FORMATS,
    study: str = DEFAULT_STUDY,
    replace: bool = False,
    tell: Tell | None = None,
) -> pd.DataFrame:
    """Write the standard tables of a cohort into a folder: rows of single patients, for use inside
    of the clinic.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        As it came through the reader.
    folder : str or Path
        Made as a whole, or not at all.
    formats : sequence of str
        Of `parquet`, `xpt`, `dataset-json` (ADSL, ADQS, ADTTE, ADAE and EX, after CDISC), `omop`
        (episodes) and `datapackage` (the cohort itself, for kettrack and for others).
    study : str
        STUDYID: letters, digits, `-` and `_`.
    replace : bool
        Whether a folder of an earlier export is replaced as a whole.
    tell : callable, optional
        Called with the name of each file before it is written.

    Returns
    -------
    DataFrame
        One row per file: `file` `records`.

    Raises
    ------
    UsageError
        For an unknown format or name, a folder that is not to be replaced, and under a policy for
        release.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from kettrack import load_cohort, sample_folder
    >>> cohort = load_cohort(sample_folder())
    >>> with TemporaryDirectory() as place:
    ...     files = export(cohort, Path(place) / "out", formats=["omop"])
    >>> files.file.tolist()[:2]
    ['omop/episode.csv', 'omop/episode_event.csv']
    """
    derived = derive(cohort)
    place = Path(folder)
    chosen = check_export(place, formats, study, replace)
    # Rows of single patients leave only through the gate; the patients stand for all tables.
    gate_rows(derived.patients, derived.settings.policy)
    with whole_folder(place) as draft:
        written = _write(derived, draft, chosen, study, tell or _nothing)
    # The description has no records: only the files of the data sets are listed with them.
    return pd.DataFrame(
        {"file": list(written), "records": list(written.values())}
    ).astype({"records": "int64"})


def _nothing(_file: str) -> None:
    """Nobody wants to know how far the work is."""


def check_export(
    folder: Path,
    formats: Sequence[str],
    study: str,
    replace: bool,
) -> list[str]:
    """Refuse what could not be written, before any work is done.

    Parameters
    ----------
    folder, formats, study, replace
        As for `export`.

    Returns
    -------
    list of str
        The formats, each once, in kettrack's order.
    """
    unknown = [one for one in formats if one not in FORMATS]
    if unknown or not formats:
        named = f"no format {unknown[0]!r}" if unknown else "no format named"
        raise UsageError(f"There is {named}. There are: {', '.join(FORMATS)}.")
    if not _STUDY.fullmatch(study):
        raise UsageError(
            "The name of the study must be 1 to 20 letters, digits, - and _, and begin with a"
            " letter or digit."
        )
    _require_place(folder, replace)
    return [one for one in FORMATS if one in formats]


def steps_of(formats: Sequence[str]) -> int:
    """How often `export` calls `tell`: once for each data set after CDISC, however many formats it
    is written in, and once for each of the other formats.

    Examples
    --------
    >>> steps_of(["parquet", "xpt"]), steps_of(["omop"])
    (5, 1)
    """
    cdisc = any(one in _CDISC for one in formats)
    others = [one for one in formats if one not in _CDISC]
    return len(CDISC_MAKERS) * cdisc + len(others)


def _require_place(folder: Path, replace: bool) -> None:
    """Refuse a place where something is that no export has made."""
    if folder.is_file():
        raise UsageError(f"{str(folder)!r} is a file. Name a new folder.")
    if not folder.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {str(folder.parent)!r} to make {folder.name!r} in."
        )
    there = {one.name for one in folder.iterdir()} if folder.exists() else set()
    if not there:
        return
    if not replace:
        raise UsageError(
            f"{str(folder)!r} exists already and is not empty. Name a new folder; one that an"
            " export has made can be replaced with --replace."
        )
    ours = {*FORMATS, DEFINE_FILE, PROVENANCE_FILE, README_FILE}
    # Nothing is lost that somebody else may have put there.
    if there - ours or PROVENANCE_FILE not in there:
        raise UsageError(
            f"{str(folder)!r} was not made by an export, or holds other files as well, so it is not"
            " replaced. Name a new folder."
        )


def _write(
    cohort: DerivedCohort,
    draft: Path,
    formats: list[str],
    study: str,
    tell: Tell,
) -> dict[str, int]:
    """Write every file; each with its number of records."""
    for one in formats:
        (draft / one).mkdir()
    cdisc = [one for one in formats if one in _CDISC]
    written: dict[str, int] = {}
    # One data set is made at a time, so that no two of them fill the memory.
    for name, make in CDISC_MAKERS.items() if cdisc else ():
        tell(name)
        records = _write_blocks(make(cohort, study), name, draft, cdisc, study)
        written |= {_file(name, kind): records for kind in cdisc}
    if "omop" in formats:
        tell("omop")
        for name, frame in episode_tables(cohort).items():
            write_csv(frame, draft / f"omop/{name}.csv")
            written[f"omop/{name}.csv"] = len(frame)
    if "datapackage" in formats:
        tell("datapackage")
        files = write_package(cohort.cohort, study, draft / "datapackage")
        written |= {f"datapackage/{name}": n for name, n in files.items()}
    left_out = _left_out(cohort) if cdisc else []
    _describe(cohort, draft, study, written, left_out)
    return written


def _describe(
    cohort: DerivedCohort,
    draft: Path,
    study: str,
    written: Mapping[str, int],
    left_out: list[LeftOut],
) -> None:
    """Write what the files mean and where they come from."""
    names = {Path(file).stem for file in written}
    # The data package describes itself.
    described = [one for one in DATA_SETS.values() if one.name.lower() in names]
    write_text(define_json(described, study), draft / DEFINE_FILE)
    said = provenance_json(cohort, draft, written, left_out)
    write_text(said, draft / PROVENANCE_FILE)
    write_text(_README, draft / README_FILE)


def _file(name: str, kind: str) -> str:
    return f"{kind}/{name.lower()}{_CDISC[kind]}"


def _write_blocks(
    blocks: Blocks,
    name: str,
    draft: Path,
    kinds: list[str],
    study: str,
) -> int:
    """Write one data set in several formats, and return how many records it has."""
    data_set = DATA_SETS[name]
    sizes = sizes_of(data_set, blocks)
    with ExitStack() as opened:
        writes = [
            opened.enter_context(
                _open(kind, data_set, sizes, draft / _file(name, kind), study)
            )
            for kind in kinds
        ]
        # Every block is made once for all formats.
        for block in blocks:
            for write in writes:
                write(block)
    return sizes.records


def _open(
    kind: str,
    data_set: DataSet,
    sizes: Sizes,
    path: Path,
    study: str,
) -> AbstractContextManager[Write]:
    """The open file of one format."""
    if kind == "parquet":
        return parquet_file(data_set, sizes, path)
    if kind == "xpt":
        return transport_file(data_set, sizes, path)
    return dataset_json_file(data_set, sizes, path, study)


def _left_out(cohort: DerivedCohort) -> list[LeftOut]:
    """Rows of the cohort that have no record in a data set, and why."""
    rated = pd.Series(cohort.rated)
    reasons = cohort.outcomes["exclusion_reason"].astype("str").reset_index(drop=True)
    counted = reasons[~rated].value_counts(sort=False)
    found = [
        ("ADTTE", f"patients not rated: {reason}", int(n))
        for reason, n in counted.items()
    ]
    others = int((~cohort.events["event"].isin(HARMS)).sum())
    if others:
        said = "entries of the events table that are no harm, such as a change of medication"
        found.append(("ADAE", said, others))
    return found


_README: Final = """# Standard tables of a cohort

Rows of single patients, pseudonymised and not anonymous: two or three days with their scores can
identify one person among thousands. They stay in the clinic.

- `parquet/`, `xpt/`, `dataset-json/`: ADSL, ADQS, ADTTE, ADAE and EX, after CDISC
- `omop/`: courses of sessions as episodes, with days in the place of dates
- `datapackage/`: the cohort itself, which kettrack reads and `frictionless validate` checks
- `define.json`: what every variable means, its unit, and when it is empty
- `provenance.json`: versions, rules, files in and out, rows left out and why
"""


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a data set as CSV, as all tables of kettrack are written.

    Parameters
    ----------
    frame : DataFrame
        From `DataSet.frame`.
    path : Path
        Where.
    """
    path.write_bytes(csv_text(frame).encode())
