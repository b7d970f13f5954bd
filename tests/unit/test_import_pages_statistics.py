"""The examples of `docs/import/` for SPSS, Stata, SAS and CDISC do what the pages say."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from kettrack.cli import main

PAGES = Path(__file__).parents[2] / "docs" / "import"
DRUGS = {"drug": {1.0: "Ketamine IV", 2.0: "Spravato"}}
STATA_DAY_0 = pd.Timestamp("1960-01-01")
SPSS_DAY_0 = pd.Timestamp("1582-10-14")


def blocks(page: str) -> list[str]:
    """What stands between the fences of a page, without maps."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found: list[str] = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return found


def table_of(block: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(block), sep=r"\s{2,}", engine="python", dtype=str)


def write_spss(folder: Path, block: str) -> Path:
    frame = table_of(block)
    when = pd.to_datetime(frame["visit"], format="%d.%m.%Y")
    minutes = pd.to_timedelta("00:" + frame["duration"].where(frame["duration"] != "."))
    written = pd.DataFrame(
        {
            "record": frame["record"],
            "visit": (when - SPSS_DAY_0).dt.total_seconds(),
            "drug": frame["drug"].astype(float),
            "dose_mg": frame["dose_mg"].astype(float),
            # The page shows hours and minutes.
            "duration": minutes.dt.total_seconds() * 60,
            "phq9_total": frame["phq9_total"].astype(float),
        }
    )
    path = folder / "log.sav"
    pyreadstat.write_sav(
        written,
        str(path),
        variable_format={"visit": "EDATE10", "duration": "TIME5"},
        variable_value_labels=DRUGS | {"phq9_total": {-9: "Not filled in"}},
        missing_ranges={"phq9_total": [-9]},
    )
    return path


def write_stata(folder: Path, block: str) -> Path:
    frame = table_of(block)
    when = pd.to_datetime(frame["visit"], format="%d/%m/%Y")
    totals = [
        {".a": "a", ".": None}.get(cell) if cell.startswith(".") else int(cell)
        for cell in frame["phq9_total"]
    ]
    written = pd.DataFrame(
        {
            "record": frame["record"],
            "visit": (when - STATA_DAY_0).dt.days.astype(float),
            "drug": frame["drug"].astype(float),
            "dose_mg": frame["dose_mg"].astype(float),
            "phq9_total": pd.Series(totals, dtype=object),
        }
    )
    path = folder / "log.dta"
    pyreadstat.write_dta(
        written,
        str(path),
        variable_format={"visit": "%tdDD/NN/CCYY"},
        variable_value_labels=DRUGS,
        missing_user_values={"phq9_total": ["a"]},
    )
    return path


def write_sas(folder: Path, block: str) -> Path:
    frame = table_of(block)
    when = pd.to_datetime(frame["VISIT"], format="%B %d, %Y")
    missing = frame["PHQ9_TOTAL"].str.startswith(".")
    # No writer knows letters of missing values, so one number is replaced afterwards.
    sign = 12345.0
    totals = frame["PHQ9_TOTAL"].mask(missing).astype(float)
    totals[frame["PHQ9_TOTAL"] == ".R"] = sign
    written = pd.DataFrame(
        {
            "RECORD": frame["RECORD"],
            "VISIT": (when - STATA_DAY_0).dt.days.astype(float),
            "DOSE_MG": frame["DOSE_MG"].astype(float),
            "PHQ9_TOTAL": totals,
        }
    )
    path = folder / "log.xpt"
    pyreadstat.write_xport(
        written,
        str(path),
        variable_format={"VISIT": "WORDDATE18"},
        table_name="VISITS",
        file_format_version=8,
    )
    # 12345 is hexadecimal 3039: exponent 4, then the digits.
    ibm = bytes.fromhex("4430390000000000")
    data = path.read_bytes()
    assert data.count(ibm) == 1
    path.write_bytes(data.replace(ibm, b"R" + bytes(7)))
    return path


def write_cdisc(folder: Path, page: str) -> Path:
    path = folder / "sdtm"
    path.mkdir()
    text = (PAGES / page).read_text(encoding="utf-8")
    for name in ("qs", "ex", "dm"):
        block = re.search(rf"`sdtm/{name}.csv`\n\n```\n(.*?)```", text, re.DOTALL)
        assert block is not None
        (path / f"{name}.csv").write_text(block[1], encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["spss", "stata", "sas", "cdisc"])
def test_the_example_of_the_page_is_true(
    kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = f"{kind}.md"
    writers = {"spss": write_spss, "stata": write_stata, "sas": write_sas}
    shown = blocks(page)
    source = (
        writers[kind](tmp_path, shown[0])
        if kind in writers
        else write_cdisc(tmp_path, page)
    )
    clinic = tmp_path / "clinic"
    with pytest.raises(SystemExit) as left:
        main(["import", str(source), "-o", str(clinic)])
    assert not left.value.code, capfd.readouterr()
    sessions, scores = shown[-2:]
    assert same_rows(clinic / "sessions.csv", sessions)
    assert same_rows(clinic / "scores.csv", scores)


def same_rows(path: Path, shown: str) -> bool:
    """Whether a table holds what a page shows, whatever the codes and their order."""
    made = path.read_text(encoding="utf-8").strip().splitlines()
    expected = shown.strip().splitlines()

    def rest(lines: list[str]) -> list[str]:
        return sorted(line.partition(",")[2] for line in lines)

    assert made[0] == expected[0]
    assert rest(made) == rest(expected)
    return True
