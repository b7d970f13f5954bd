"""The examples of the pages on workbooks, text files and HL7 v2 come out as the pages say."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kettrack.cli import main

PAGES = Path(__file__).parents[2] / "docs" / "import"


def page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def map_of(name: str) -> dict[str, Any]:
    block = re.search(r"^```toml\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)
    assert block is not None
    return tomllib.loads(block[1])


def indented(name: str, first: str) -> list[str]:
    """Lines of an indented block that begins with a word."""
    lines = page(name).splitlines()
    start = next(
        place for place, line in enumerate(lines) if line.startswith(f"    {first}")
    )
    block = []
    for line in lines[start:]:
        if not line.startswith("    "):
            break
        block.append(line[4:])
    return block


def cell_of(text: str) -> Any:
    if re.fullmatch(r"\d+ Jan 2024", text):
        day = int(text.partition(" ")[0])
        return dt.date.fromisoformat(f"2024-01-{day:02d}")
    if re.fullmatch(r"\d:\d\d", text):
        return dt.timedelta(minutes=int(text[2:]))
    if re.fullmatch(r"0\d+", text):
        return text
    try:
        return float(text)
    except ValueError:
        return text or None


def workbook(folder: Path) -> Path:
    """The two sheets of the page, each cell where the page has it."""
    made = openpyxl.Workbook()
    sheets = {"": made.active, "Scores": made.create_sheet("Scores")}
    made.active.title = "Visits"
    sheet = made.active
    for line in page("excel.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[1] == "A":
            sheet = sheets[cells[0]]
        elif line.startswith("| ") and cells[0].isdigit():
            for column, text in enumerate(cells[1:], start=1):
                sheet.cell(int(cells[0]), column, cell_of(text))
    path = folder / "log.xlsx"
    made.save(path)
    return path


def exports(folder: Path) -> Path:
    made = folder / "exports"
    made.mkdir()
    names, *lines = indented("text.md", "visits.csv")
    files = names.split()
    for place, name in enumerate(files):
        halves = [re.split(r"\s{2,}", line)[place] for line in lines]
        (made / name).write_text("\n".join(halves) + "\n", encoding="utf-8")
    return made


def messages(folder: Path) -> Path:
    path = folder / "results.hl7"
    path.write_text("\n".join(indented("hl7.md", "MSH")), encoding="utf-8")
    return path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["import", *arguments])
    return int(left.value.code or 0)


@pytest.mark.parametrize("name", ["excel.md", "hl7.md"])
def test_the_map_of_the_page_is_proposed(tmp_path: Path, name: str) -> None:
    source = (workbook if name == "excel.md" else messages)(tmp_path)
    clinic = tmp_path / "clinic"
    assert run(str(source), "-o", str(clinic)) == 0
    proposed = tomllib.loads((tmp_path / "map.toml").read_text(encoding="utf-8"))
    # A map without questions has an empty list of answers.
    assert {"answers": {}} | map_of(name) == {"answers": {}} | proposed
    problems = (clinic / "import_problems.csv").read_text(encoding="utf-8")
    if name == "excel.md":
        assert "log.xlsx,Visits,1,,dropped,it stands above the names" in problems
        assert "log.xlsx,Visits,7,,dropped,a row of totals or means" in problems
        assert "the cell holds the error #N/A" in problems


def test_the_question_of_the_page_on_text_files(tmp_path: Path) -> None:
    source = exports(tmp_path)
    clinic = tmp_path / "clinic"
    where = tmp_path / "map.toml"
    assert run(str(source), "-o", str(clinic)) == 2
    asked = where.read_text(encoding="utf-8")
    answer = '"date_order.visits.csv.Datum" = "day first"'
    assert f"# {answer}" in asked
    where.write_text(asked.replace(f"# {answer}", answer), encoding="utf-8")
    assert tomllib.loads(where.read_text(encoding="utf-8")) == map_of("text.md")
    assert run(str(source), "-o", str(clinic), "--map", str(where)) == 0
    sessions = (clinic / "sessions.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[1] for line in sessions[1:]] == ["0", "3"]
