"""Whether two checkouts read the same folders the same: problems, notes, tables and outcomes.

The folders are a few patients of the sample, written as many ways as files come: other encodings,
separators, line ends and quotation marks, rows out of order or twice, blank lines, Parquet of other
types; and in part of them cells, columns and rows that are wrong. Each checkout reads them in a
process of its own. Ends with 1 when anything differs.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import pickle
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLES = ("sessions", "scores", "patients", "events")
# What stands in cells of real exports: other words, other numbers, dates, marks, names.
ODD = (
    *(
        "",
        "NA",
        " 7",
        "7 ",
        "7.0",
        "1e1",
        "-1",
        "31",
        "99",
        "-9",
        "999",
        "0",
        "1",
        "TRUE",
    ),
    *("2024-01-05", "01/02/2024", "45000", "20240501", "12:30", "no", "x", 'a"b', "é"),
    *(
        "ketamin",
        "Ketamine",
        "IV",
        "PHQ9",
        "PHQ-9",
        "MADRS",
        "before",
        "After",
        "Wells",
    ),
    *("0,5", "1,500", "1.5", ".", "1E+05", "-0", "+3", "nan", "none", "12.958333"),
    *("headache;nausea", "sedation; headache", "unknown"),
)
SETTINGS = (
    'duplicates = "mean"\n',
    'duplicates = "worst"\n',
    'instrument = "GAD-7"\n',
)
# Run with the folders and the file of results; PYTHONPATH says which checkout.
READ = """
import pickle, sys, warnings
import kettrack as kt
warnings.simplefilter("ignore")
told = {}
for folder in sys.argv[2:]:
    check = kt.check_folder(folder)
    told[folder] = [check.problems.values.tolist(), list(check.notes)]
    if check.problems.empty:
        cohort = kt.load_cohort(folder)
        told[folder] += [getattr(cohort, name) for name in
                         ("sessions", "scores", "patients", "events", "exclusions")]
        told[folder].append(cohort.provenance.input_sha256)
        for table in (kt.outcomes_table, kt.courses_table):
            try:
                told[folder].append(table(cohort))
            except kt.KettrackError as error:
                told[folder].append(str(error))
pickle.dump(told, open(sys.argv[1], "wb"))
"""
Rows = list[list[str]]


def main() -> None:
    """Write the folders, read them with both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("against", type=Path, help="the other checkout")
    parser.add_argument("--folders", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folders = [
            write_folder(
                Path(scratch) / str(number), random.Random(asked.seed + number)
            )
            for number in range(asked.folders)
        ]
        ours, theirs = (
            read_with(checkout, folders, Path(scratch) / "told.pickle")
            for checkout in (ROOT, asked.against.resolve())
        )
    differ = [folder for folder in ours if not same(ours[folder], theirs[folder])]
    kinds = Counter(
        "loaded" if len(told) > 2 else "with problems" for told in ours.values()
    )
    print(f"{asked.folders} folders ({dict(kinds)}): {len(differ)} read otherwise")
    for folder in differ[:5]:
        print(f"seed {asked.seed + int(Path(folder).name)}, --folders 1")
    sys.exit(bool(differ))


def read_with(checkout: Path, folders: list[Path], file: Path) -> dict[str, list[Any]]:
    """What one checkout says of every folder."""
    subprocess.run(
        [sys.executable, "-c", READ, file, *folders],
        cwd=tempfile.gettempdir(),
        env={**os.environ, "PYTHONPATH": str(checkout)},
        check=True,
    )
    told: dict[str, list[Any]] = pickle.loads(file.read_bytes())
    return told


def same(one: object, other: object) -> bool:
    """Whether two things say the same; a missing value equals itself."""
    import pandas as pd

    if isinstance(one, pd.DataFrame) and isinstance(other, pd.DataFrame):
        try:
            pd.testing.assert_frame_equal(one, other)
        except AssertionError:
            return False
        return True
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if one is other:
        return True
    return one is not pd.NA and other is not pd.NA and one == other


def write_folder(folder: Path, chance: random.Random) -> Path:
    """A folder of tables that somebody could have exported."""
    folder.mkdir()
    clean = chance.random() < 0.6
    as_parquet = chance.random() < 0.25
    tables = {name: sample(name) for name in TABLES}
    codes = sorted({row[0] for row in tables["patients"][1:]})
    chosen = set(chance.sample(codes, chance.choice([3, 8, 20])))
    for name, (names, *rows) in tables.items():
        if name in ("patients", "events") and chance.random() < 0.15:
            continue
        own = [row for row in rows if row[0] in chosen]
        if not clean:
            spoil(names, own, chance)
        shuffle(own, chance)
        if as_parquet:
            write_parquet(folder / f"{name}.parquet", names, own, chance)
        else:
            text = as_text([names, *own], chance, clean)
            coding = chance.choice(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "cp1252"])
            (folder / f"{name}.csv").write_bytes(text.encode(coding, "replace"))
    if chance.random() < 0.3:
        (folder / "kettrack.toml").write_text(chance.choice(SETTINGS))
    return folder


def sample(name: str) -> Rows:
    """A table of the sample, its names first."""
    with (ROOT / f"data/sample/{name}.csv").open() as file:
        return list(csv.reader(file))


def spoil(names: list[str], rows: Rows, chance: random.Random) -> None:
    """Cells, columns and codes as they should not be."""
    share = chance.choice([0.0, 0.001, 0.01, 0.1])
    for row in rows:
        row[:] = [odd(chance) if chance.random() < share else cell for cell in row]
    place = chance.randrange(len(names))
    what = chance.choice(["nothing", "odd", "gone", "renamed", "more", "codes"])
    if what == "gone":
        for row in (names, *rows):
            del row[place]
    if what == "renamed":
        names[place] = chance.choice(["Name", "Day", "status", names[-1], "mrn"])
    if what == "more":
        names.append(chance.choice(["comment", "status", "extra", "email"]))
    for row in rows:
        spoil_row(row, what, place, chance)


def odd(chance: random.Random) -> str:
    """Something that does not belong into most columns."""
    return chance.choice(ODD)


def spoil_row(row: list[str], what: str, place: int, chance: random.Random) -> None:
    """What is wrong with a column, in one of its rows."""
    if what == "odd":
        row[place] = odd(chance)
    elif what == "more":
        row.append(odd(chance))
    elif what == "codes":
        row[0] = chance.choice([row[0], row[0].lower(), f"0{row[0]}", f"{row[0]} "])


def shuffle(rows: Rows, chance: random.Random) -> None:
    """Rows twice, rows that nearly are, and rows in another order."""
    if rows and chance.random() < 0.3:
        rows.insert(0, list(chance.choice(rows)))
    if rows and chance.random() < 0.3:
        rows.append([*chance.choice(rows)[:-1], "1"])
    if chance.random() < 0.2:
        chance.shuffle(rows)


def as_text(rows: Rows, chance: random.Random, clean: bool) -> str:
    """Delimited text as some program writes it."""
    separator = chance.choice([",", ",", ",", ";", "\t", "|"])
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    if chance.random() < 0.3:
        writer = csv.writer(
            text, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL
        )
    writer.writerows(rows)
    lines = text.getvalue().split("\n")
    blank = separator * (len(rows[0]) - 1)
    if chance.random() < 0.2:
        lines.insert(chance.randrange(1, len(lines)), chance.choice(["", blank]))
    if chance.random() < 0.1:
        lines = [line + separator * 2 if line else line for line in lines]
    if chance.random() < 0.1:
        lines[:0] = chance.choice([["Export"], ["", ""], [f"sep={separator}"]])
    if not clean and chance.random() < 0.2:
        place = chance.randrange(len(lines))
        lines[place] = chance.choice(['"', separator, ""]) + lines[place][1:]
    return chance.choice(["\n", "\n", "\r\n", "\r"]).join(lines)


def write_parquet(
    file: Path, names: list[str], rows: Rows, chance: random.Random
) -> None:
    """Numbers where every cell is one, else text, in one of the kinds that Arrow has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = []
    for place in range(len(names)):
        cells = [row[place] or None for row in rows]
        try:
            numbers = [None if cell is None else float(cell) for cell in cells]
            column = pa.array(numbers, pa.float64())
            if chance.random() < 0.5:
                column = column.cast(pa.int32())
        except (ValueError, pa.ArrowInvalid):
            column = pa.array(cells, pa.string())
            kind = chance.choice(["text", "text", "coded", "large"])
            if kind == "coded":
                column = column.dictionary_encode()
            elif kind == "large":
                column = column.cast(pa.large_string())
        columns.append(column)
    table = pa.Table.from_arrays(columns, names=names)
    pq.write_table(table, file, row_group_size=chance.choice([50, 1000]))


if __name__ == "__main__":
    main()
