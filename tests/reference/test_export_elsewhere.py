"""An export in other programs: R reads the transport files, and counts and curves come out the same
as by DuckDB and statsmodels.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

import kettrack as kt
from kettrack.exporting.export import CDISC_MAKERS

SUMS = """
library(haven)
arguments <- commandArgs(trailingOnly = TRUE)
for (path in list.files(arguments[1], pattern = "xpt$", full.names = TRUE)) {
  table <- read_xpt(path)
  name <- sub("[.]xpt$", "", basename(path))
  for (column in names(table)) {
    cells <- table[[column]]
    told <- if (is.numeric(cells)) cells[!is.na(cells)] else nchar(cells, "bytes")
    filled <- if (is.numeric(cells)) length(told) else sum(told > 0)
    cat(name, column, nrow(table), filled, format(sum(told), digits = 17),
        gsub(" ", "_", attr(cells, "label")), "\\n")
  }
}
"""
CURVES = """
library(haven)
library(survival)
arguments <- commandArgs(trailingOnly = TRUE)
times <- read_xpt(file.path(arguments[1], "adtte.xpt"))
for (code in unique(times$PARAMCD)) {
  curve <- survfit(Surv(AVAL, EVENT) ~ 1, data = times[times$PARAMCD == code, ])
  for (place in which(curve$n.event > 0)) {
    cat(code, curve$time[place], curve$n.risk[place],
        format(curve$surv[place], digits = 17), "\\n")
  }
}
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("export") / "out"
    cohort = kt.load_cohort(kt.sample_folder())
    kt.export(cohort, place, formats=["parquet", "xpt", "datapackage"])
    return place


def run_r(script: str, folder: Path, *packages: str) -> pd.DataFrame:
    """What a script prints, as a table; skipped where R or a package is not installed."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    for package in packages:
        asked = ["Rscript", "--vanilla", "-e", f"library({package})"]
        if subprocess.run(asked, capture_output=True, check=False).returncode:
            pytest.skip(f"the R package {package} is not installed")
    path = folder / "script.R"
    path.write_text(script)
    command = ["Rscript", "--vanilla", str(path), str(folder / "xpt")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    path.unlink()
    return pd.DataFrame([line.split() for line in ran.stdout.splitlines()])


def test_r_reads_the_same_numbers(exported: Path) -> None:
    told = run_r(SUMS, exported, "haven").set_index([0, 1])
    assert set(told.index.get_level_values(0)) == {
        name.lower() for name in CDISC_MAKERS
    }
    for name in told.index.unique(0):
        table = pq.read_table(exported / f"parquet/{name}.parquet")
        for field in table.schema:
            n, filled, total, label = told.loc[(name, field.name)]
            cells = table[field.name].to_pandas()
            assert int(n) == table.num_rows
            assert int(filled) == cells.notna().sum(), field.name
            assert label == field.metadata[b"label"].decode().replace(" ", "_")
            if pd.api.types.is_numeric_dtype(cells.dtype):
                # R adds up in another order, with longer numbers.
                assert float(total) == pytest.approx(cells.sum(), rel=1e-12)
            else:
                lengths = [len(cell.encode()) for cell in cells.dropna()]
                assert int(total) == sum(lengths)


def test_curves_of_r_and_of_statsmodels(exported: Path) -> None:
    """And of a plain loop over kettrack's own days, in which no day is added."""
    told = run_r(CURVES, exported, "haven", "survival")
    told.columns = pd.Index(["code", "time", "at_risk", "survival"])
    outcomes = kt.outcomes_table(kt.load_cohort(kt.sample_folder()))
    times = pq.read_table(exported / "parquet/adtte.parquet").to_pandas()
    for code, curve in told.groupby("code"):
        mine = times[times["PARAMCD"] == code]
        other = SurvfuncRight(mine["AVAL"], mine["EVENT"])
        np.testing.assert_array_equal(curve["time"].astype(int), other.surv_times)
        survival = curve["survival"].astype(float)
        np.testing.assert_allclose(survival, other.surv_prob, rtol=1e-12)
        if code == "TTRESP":
            days = outcomes.set_index("patient_id").loc[mine["USUBJID"]]
            left = 1.0
            ends = (
                days["end_day"]
                .fillna(0)
                .where(days["response_status"] == "none", days["response_day"])
            )
            for time, shown in zip(curve["time"].astype(int), survival, strict=True):
                at_risk = int((ends >= time - 1).sum())
                left *= 1 - int((days["response_day"] == time - 1).sum()) / at_risk
                assert shown == pytest.approx(left)


def test_counts_by_sql_from_the_files_of_the_clinic(exported: Path) -> None:
    """What DuckDB counts in the data package is what stands in the data sets."""
    package = exported / "datapackage"
    parquet = exported / "parquet"
    counted = (
        duckdb.sql(f"""
        with heard as (
            select unnest(string_split(adverse_events, ';')) as word, serious
            from read_csv('{package}/sessions.csv', all_varchar = true)
            where adverse_events is not null
        )
        select
            (select count(*) from heard where word <> 'none'),
            (select count(*) from read_csv('{package}/events.csv', all_varchar = true)
             where event in ('adverse_event', 'hospitalisation', 'suicide_attempt',
                             'suicide', 'death')),
            (select count(*) from read_csv('{package}/scores.csv', all_varchar = true)),
            (select count(*) from read_csv('{package}/scores.csv', all_varchar = true)
             where score is not null)
    """)
        .limit(1)
        .fetchall()[0]
    )
    told = (
        duckdb.sql(f"""
        select
            (select count(*) from '{parquet}/adae.parquet'
             where SRCDOM = 'SESSIONS' and AETERM <> 'NOT_NAMED'),
            (select count(*) from '{parquet}/adae.parquet' where SRCDOM = 'EVENTS'),
            (select count(*) from '{parquet}/adqs.parquet' where SRCVAR = 'SCORE'),
            (select count(*) from '{parquet}/adqs.parquet'
             where SRCVAR = 'SCORE' and ANL01FL = 'Y')
    """)
        .limit(1)
        .fetchall()[0]
    )
    assert counted == told
    # Where each record comes from is said by table and row: the cell there is the value.
    traced = (
        duckdb.sql(f"""
        select count(*), count(*) filter (where s.score = q.AVAL and s.day = q.day
                                          and s.patient_id = q.USUBJID)
        from (select *, case when ADY > 0 then ADY - 1 else ADY end as day
              from '{parquet}/adqs.parquet' where SRCVAR = 'SCORE' and AVAL is not null) q
        join (select row_number() over () as line, * from
              read_csv('{package}/scores.csv', types = {{'score': 'DOUBLE'}})) s
        on s.line = q.SRCSEQ
    """)
        .limit(1)
        .fetchall()[0]
    )
    assert traced[0] == traced[1] == told[3]
