"""Whether the tables of the stored notebooks tell the same numbers in two revisions.

    python benchmarks/compare_tables.py BEFORE [AFTER]

BEFORE and AFTER are revisions of git; without AFTER the files on disk are compared. Every table of
every notebook is read from its stored output, from HTML where there is any, else from plain text,
and compared cell by cell with the table at the same place of the same notebook. Numbers and words
are told apart: a number that differs, a table that is missing or one of another shape is a changed
number, and the script ends with 1; cells and headers in which only words differ are counted.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "notebooks"
# A number as tables print it: a sign that no letter or digit precedes, thousands, decimals.
NUMBER = re.compile(r"(?:(?<![\w.)])[-−+])?\d+(?:,\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?")
# How far two columns of a plain table stand apart.
GAP = re.compile(r"\s{2,}")


@dataclass
class Table:
    """A table as printed: rows of cells, and how many of the rows are headers."""

    rows: list[list[str]] = field(default_factory=list)
    headers: int = 0


@dataclass
class Changes:
    """What differs between two revisions."""

    numbers: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    words: int = 0
    cells: int = 0
    tables: int = 0


class Tables(HTMLParser):
    """Collects the tables of a piece of HTML; one inside a cell of another belongs to that cell."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Table] = []
        self._depth = 0
        self._in_head = False
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.found.append(Table())
        elif self._depth != 1:
            return
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self.found[-1].rows.append([])
            self.found[-1].headers += self._in_head
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._depth -= 1
        elif self._depth != 1:
            return
        elif tag == "thead":
            self._in_head = False
        elif tag in ("td", "th") and self._cell is not None:
            self.found[-1].rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def tables_of(notebook: str) -> Iterator[Table]:
    """Tables of a notebook's stored outputs, in order."""
    for cell in json.loads(notebook)["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                parser = Tables()
                parser.feed("".join(data["text/html"]))
                yield from parser.found
            elif "text/plain" in data:
                yield from plain_tables("".join(data["text/plain"]))


def plain_tables(text: str) -> Iterator[Table]:
    """The text as one table, when it has two lines and two columns; its first line is the
    header.
    """
    rows = [GAP.split(line.strip()) for line in text.splitlines() if line.strip()]
    if len(rows) > 1 and all(len(row) > 1 for row in rows[1:]):
        yield Table(rows, headers=1)


def numbers_in(cell: str) -> list[str]:
    """Numbers of a cell to the last digit printed; a minus sign of either kind is the same."""
    return [number.replace("−", "-") for number in NUMBER.findall(cell)]


def compare(place: str, before: Table, after: Table, changes: Changes) -> None:
    """Add what differs between two tables."""
    changes.tables += 1
    shapes = [[len(row) for row in table.rows] for table in (before, after)]
    if shapes[0] != shapes[1]:
        sizes = " and ".join(
            f"{len(shape)} rows, {sum(shape)} cells" for shape in shapes
        )
        changes.numbers.append(f"{place}: another shape ({sizes})")
        return
    for number, (old_row, new_row) in enumerate(
        zip(before.rows, after.rows, strict=True), start=1
    ):
        for old, new in zip(old_row, new_row, strict=True):
            changes.cells += 1
            compare_cells(f"{place}, row {number}", old, new, changes)
            if old != new and number <= before.headers:
                changes.headers.append(f"{place}: {old!r} -> {new!r}")


def compare_cells(place: str, old: str, new: str, changes: Changes) -> None:
    if old == new:
        return
    if numbers_in(old) != numbers_in(new):
        changes.numbers.append(f"{place}: {old!r} -> {new!r}")
    else:
        changes.words += 1


def compare_revisions(before: str, after: str | None, root: Path) -> Changes:
    """Compare all notebooks of two revisions of the repository at `root`."""
    changes = Changes()
    there, here = (notebooks(revision, root) for revision in (before, after))
    for name in sorted(there.keys() | here.keys()):
        if name not in there or name not in here:
            where = before if name in there else after or "the files on disk"
            changes.numbers.append(f"{name}: only in {where}")
            continue
        pairs = zip_longest(tables_of(there[name]), tables_of(here[name]))
        for number, (old, new) in enumerate(pairs, start=1):
            place = f"{name}, table {number}"
            if old is None or new is None:
                where = "added" if old is None else "gone"
                changes.numbers.append(f"{place}: {where}")
            else:
                compare(place, old, new, changes)
    return changes


def notebooks(revision: str | None, root: Path) -> dict[str, str]:
    """Text of every notebook of a revision, or on disk, by its path."""
    if revision is None:
        paths = sorted((root / FOLDER).rglob("*.ipynb"))
        return {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
            for path in paths
            if ".ipynb_checkpoints" not in path.parts
        }
    listed = git(root, "ls-tree", "-r", "--name-only", revision, FOLDER).splitlines()
    return {
        name: git(root, "show", f"{revision}:{name}")
        for name in listed
        if name.endswith(".ipynb")
    }


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    return done.stdout


def main() -> None:
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    before, *rest = sys.argv[1:]
    try:
        changes = compare_revisions(before, rest[0] if rest else None, ROOT)
    except subprocess.CalledProcessError as error:
        raise SystemExit(error.stderr.strip()) from None
    for kind, lines in (("number", changes.numbers), ("header", changes.headers)):
        for line in lines:
            print(f"{kind}  {line}")
    print(
        f"{changes.tables} tables with {changes.cells:,} cells compared:"
        f" {len(changes.numbers)} with changed numbers,"
        f" {changes.words} in which only words changed"
        f" ({len(changes.headers)} header cells changed)."
    )
    raise SystemExit(bool(changes.numbers))


if __name__ == "__main__":
    main()
