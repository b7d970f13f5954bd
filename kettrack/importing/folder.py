"""A cohort folder from tables with days and codes: checked, and whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from kettrack import __version__
from kettrack.errors import DataProblems, Problem, UsageError
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import ORIGIN, SOURCE_FILE, SOURCE_ROW, SOURCE_TABLE
from kettrack.privacy.identifying_people import shown, shown_names
from kettrack.reading.import_remarks import IMPORT_PROBLEMS_FILE
from kettrack.reading.load import check_folder
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import AGE_CAP, TABLES
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.writing import whole_folder, write_table, write_text

_README: Final = "README.md"
# The first line of a file holds the names of the columns.
_LINE_OF_FIRST_ROW: Final = 2
_AGE: Final = "age"
_QUOTED: Final = r"[\",\r\n]"


def write_cohort(
    tables: Mapping[str, pa.Table],
    folder: Path,
    remarks: Remarks,
    *,
    settings: str = "",
    replace: bool = False,
    allow: Sequence[str] = (),
) -> tuple[str, ...]:
    """Write a cohort folder.

    Parameters
    ----------
    tables : mapping
        As `deidentify` returns them.
    folder : Path
        Where it shall stand.
    remarks : Remarks
        Becomes `import_problems.csv`.
    settings : str
        Content of `kettrack.toml`. Empty = that of the folder that is replaced; where there is
        none, the instrument with the most scores.
    replace : bool
        Whether a folder that an import made before is replaced as a whole.
    allow : sequence of str
        Columns that the check lets through although they look as if they could identify.

    Returns
    -------
    tuple of str
        What the check noticed in the folder.

    Raises
    ------
    UsageError
        When the folder exists and is not to be replaced, or holds other files.
    DataProblems
        When what would be written cannot be read as a cohort; the places are those of the source.
    """
    require_place(folder, replace)
    # Nothing is written where a table that every cohort needs is empty.
    _require_rows(tables, remarks)
    with whole_folder(folder) as draft:
        for name, table in tables.items():
            _write_rows(table, draft / f"{name}.csv")
        write_text(
            settings or _settings_of(folder) or _most_scored(tables),
            draft / SETTINGS_FILE,
        )
        write_table(_shown_remarks(remarks), draft / IMPORT_PROBLEMS_FILE)
        write_text(_readme(tables, remarks), draft / _README)
        # The folder is read as the report will read it, before anybody can use it.
        found = check_folder(draft, allow=allow)
        problems = [
            _in_source(Problem(*one), tables)
            for one in found.problems.astype(object)
            .where(found.problems.notna(), None)
            .itertuples(index=False, name=None)
        ]
        if problems:
            raise DataProblems(problems, _HINT)
    return found.notes


_OF_DEPRESSION: Final = frozenset(
    name for name, scale in INSTRUMENTS.items() if scale.construct == "depression"
)
_HINT: Final = (
    "Lines are rows of your file, columns those of kettrack. Change the map or the file, and run"
    " the command again."
)


def require_place(
    folder: Path,
    replace: bool,
) -> None:
    """Refuse a folder that is there already, unless an import made it and it is to be replaced.

    Parameters
    ----------
    folder : Path
        Where a cohort folder shall stand.
    replace : bool
        Whether one that is there is replaced.

    Raises
    ------
    UsageError
        Saying what is there.
    """
    if folder.is_file():
        raise UsageError(f"{str(folder)!r} is a file. Name a new folder.")
    if not folder.exists():
        return
    there = {path.name for path in folder.iterdir()}
    if there and not replace:
        raise UsageError(
            f"{str(folder)!r} exists already and is not empty. Name a new folder; one that an"
            " import has made can be replaced with --replace, and its kettrack.toml is kept."
        )
    written = {f"{name}.csv" for name in TABLES}
    others = there - written - {SETTINGS_FILE, IMPORT_PROBLEMS_FILE, _README}
    if there and (others or IMPORT_PROBLEMS_FILE not in there):
        # Nothing is lost that somebody else may have put there.
        named = f" It holds {shown_names(sorted(others), file=True)}." if others else ""
        raise UsageError(
            f"{str(folder)!r} was not made by an import, or holds other files as well, so it is"
            f" not replaced.{named} Name a new folder."
        )


def _require_rows(
    tables: Mapping[str, pa.Table],
    remarks: Remarks,
) -> None:
    """Stop where a table that every cohort needs has no row, and say what became of its rows."""
    problems = []
    for name, table in TABLES.items():
        if not table.required or (name in tables and len(tables[name])):
            continue
        lost = Counter(
            one.reason
            for one in remarks.said
            if not one.column and one.action in ("dropped", "refused")
        )
        why = "; ".join(f"{reason} ({n} rows)" for reason, n in lost.most_common(3))
        expected = f"no row of the source became a row of {name}"
        problems.append(
            Problem(name, None, "", "", f"{expected}: {why}" if why else expected)
        )
    if problems:
        raise DataProblems(
            problems,
            "The map says which table and columns of your file they come from.",
        )


def _write_rows(
    table: pa.Table,
    path: Path,
) -> None:
    """One CSV file; columns that hold nothing are left out, unless every row needs them."""
    required = [one.name for one in TABLES[path.stem].columns if one.required]
    # Arrow writes an empty column as commas, which says less than no column.
    kept = [
        name
        for name in table.column_names
        if name not in ORIGIN
        and (name in required or table[name].null_count < len(table))
    ]
    rows = _with_open_age(table.select(kept))
    texts = [rows[name] for name in kept if pa.types.is_string(rows[name].type)]
    quoted = any(
        pc.any(pc.match_substring_regex(pc.unique(text), _QUOTED)).as_py()
        for text in texts
    )
    options = csv.WriteOptions(
        include_header=False,
        # Arrow would put every text in quotes, or none.
        quoting_style="needed" if quoted else "none",
    )
    with path.open("wb") as file:
        file.write(f"{','.join(kept)}\n".encode())
        csv.write_csv(rows, file, options)


def _with_open_age(
    rows: pa.Table,
) -> pa.Table:
    """Write the oldest class as `90+`: a plain 90 would be an age that somebody has."""
    if _AGE not in rows.column_names:
        return rows
    ages = rows[_AGE].cast(pa.int64())
    words = pc.if_else(
        pc.greater_equal(ages, AGE_CAP),
        f"{AGE_CAP}+",
        ages.cast(pa.string()),
    )
    return rows.set_column(rows.column_names.index(_AGE), _AGE, words)


def _settings_of(
    folder: Path,
) -> str:
    """The settings of the folder that is replaced: somebody may have changed them."""
    path = folder / SETTINGS_FILE
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _most_scored(
    tables: Mapping[str, pa.Table],
) -> str:
    """Settings that name the scale of depression with the most scores, or another where there is
    none."""
    scores = tables["scores"]
    # Without the column all scores are of the scale that the settings name.
    if "instrument" not in scores.column_names:
        return f'instrument = "{Settings().instrument}"\n'
    # A form without a total counts by its answers: the total is computed from them.
    telling = [
        pc.is_valid(scores[name])
        for name in scores.column_names
        if name == "score" or name.startswith("item_")
    ]
    filled = scores.filter(reduce(pc.or_, telling)) if telling else scores
    names = Counter(filled["instrument"].to_pylist() or [Settings().instrument])
    # Patients come for their depression: its scale goes before one that is filled in more often.
    # Among equally many the first by name: the same every time.
    best = min(
        names, key=lambda name: (name not in _OF_DEPRESSION, -names[name], name or "")
    )
    quoted = (best or "").replace("\\", "\\\\").replace('"', '\\"')
    said = "# The scale with the most scores, one of depression before others."
    return f'{said}\ninstrument = "{quoted}"\n'


def _shown_remarks(
    remarks: Remarks,
) -> pa.Table:
    """Remarks as a table; names of files and columns that read like a person's are hidden."""
    table = remarks.table()
    # Each name is judged once, however many rows tell of it.
    for column in ("file", "table", "column"):
        levels = table[column].unique()
        masked = {level: _shown(level, column != "column") for level in levels}
        table[column] = table[column].map(masked)
    return table


def _shown(
    name: str,
    file: bool,
) -> str:
    return shown(name, file=file) if name else ""


def _readme(
    tables: Mapping[str, pa.Table],
    remarks: Remarks,
) -> str:
    """What the folder is and how it was made, without a path or a date."""
    actions = Counter[str]()
    for one in remarks.said:
        actions[one.action] += one.count
    done = "\n".join(f"- {actions[action]} {what}" for action, what in _DONE.items())
    sizes = "\n".join(f"- `{name}.csv`: {len(tables[name])} rows" for name in tables)
    return _README_TEXT.format(version=__version__, sizes=sizes, done=done)


_DONE: Final = {
    "dropped": "rows or cells do not count as observations, or nothing asks for them",
    "refused": "rows or cells could not be used as they stand",
    "mended": "cells were read in another form than they were written",
    "noted": "cells were kept and remarked",
}
_README_TEXT: Final = """# A cohort folder

kettrack {version} made this folder from other files. `kettrack check` says whether it can be read,
and `kettrack report` makes the report.

{sizes}

`import_problems.csv` says what happened on the way, with the file, the row and the reason:

{done}

Record numbers became codes, and dates became days since each patient's first session. The folder is
pseudonymised and not anonymous: two or three days with their scores can identify one person among
thousands. Rows of single patients stay in the clinic.
"""


def _in_source(
    problem: Problem,
    tables: Mapping[str, pa.Table],
) -> Problem:
    """The same problem at its place in the source, where its row has one."""
    # Problems of the settings, of a whole file and of its names of columns have no row.
    table = tables.get(problem.file.partition(".")[0])
    line = problem.line or 0
    if table is None or line < _LINE_OF_FIRST_ROW:
        return problem
    origin = table.select(list(ORIGIN)).slice(line - _LINE_OF_FIRST_ROW, 1)
    (row,) = origin.to_pylist()
    # A row for the end of a log stands in no source.
    if row[SOURCE_FILE] is None:
        return problem
    file = shown(row[SOURCE_FILE], file=True)
    name = shown(row[SOURCE_TABLE] or "", file=True)
    return Problem(
        file if name in ("", file) else f"{file}, {name}",
        row[SOURCE_ROW],
        problem.column,
        problem.value,
        problem.expected,
    )
