"""Every figure of page one again in R: `docs/rebuild.R` works them out from the exported rows with
the package `survival` alone.
"""

from __future__ import annotations

import re
import shutil
import string
import subprocess

import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample

from conftest import CHECKOUT
from kettrack.analysis.overview import first_page
from kettrack.result import Result
from kettrack.writing import write_table

SCRIPT = CHECKOUT / "docs" / "rebuild.R"
# Answers of page one that tell a question in short.
IN_SHORT = {
    "how_many_sessions": "response_by_session",
    "how_long_it_lasts": "durability",
    "how_long_from_response": "durability_from_response",
}
# What comes from simulation or from bootstrap samples, and not from rows.
SIMULATED = {"null", "null_confirmed"}
# The counts beside the hypothetical curve are of days that its weights do not know of.
NOT_OF_WEIGHTS = re.compile(r"(ci|single)_(low|high)|at_risk|lost|censored")


def _has_survival() -> bool:
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "library(survival)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not _has_survival(), reason="R with the package survival is not installed"
)


@pytest.fixture(scope="module")
def page() -> dict[str, list[Result]]:
    """Question -> the answers of page one that are made from it."""
    found: dict[str, list[Result]] = {}
    for result in first_page(derived_sample()):
        found.setdefault(IN_SHORT.get(result.name, result.name), []).append(result)
    return found


@pytest.fixture(scope="module")
def rebuilt(
    page: dict[str, list[Result]], tmp_path_factory: pytest.TempPathFactory
) -> pd.Series:
    """What R makes of the rows: value by question, curve, place and column."""
    folder = tmp_path_factory.mktemp("rebuild")
    rows = folder / "rows"
    rows.mkdir()
    for name, results in page.items():
        assert results[0].rows is not None, f"{name} stands on page one without rows"
        write_table(results[0].rows(), rows / f"{name}.csv")
    target = folder / "rebuilt.csv"
    command = ["Rscript", "--vanilla", str(SCRIPT), str(rows), str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    table = pd.read_csv(target).fillna({"curve": "", "at": -1})
    keys = ["question", "curve", "at", "column"]
    return table.drop_duplicates(keys).set_index(keys)["value"]


def _place(row: pd.Series) -> tuple[str, float]:
    """Curve and place of a row of a table, as R names them."""
    if "estimand" in row:
        return f"{row['estimand']}_{row['rule']}", float(row["day"])
    for clock in ("session", "week", "sessions"):
        if clock in row:
            return "", float(row[clock])
    return str(row["key"]), -1.0


def _keys(result: Result) -> list[str]:
    """Names of the rows as the sentence has them."""
    key = next(name for name, role in result.roles.items() if role == "key")
    return [
        name if isinstance(name, str) else f"row{name}" for name in result.table[key]
    ]


def _is_rebuilt(column: str, curve: str) -> bool:
    if curve.startswith("hypothetical") and NOT_OF_WEIGHTS.fullmatch(column):
        return False
    return column not in SIMULATED


def test_every_figure_that_page_one_tells(
    page: dict[str, list[Result]], rebuilt: pd.Series
) -> None:
    checked = 0
    for question, results in page.items():
        for result in results:
            places = dict(zip(_keys(result), result.table.index, strict=True))
            for _, field, _, _ in string.Formatter().parse(result.sentence):
                if not field:
                    continue
                name, _, column = field.partition(".")
                row = result.table.loc[places[name]]
                curve, at = _place(row)
                # A number of a session, a week or a day names the row and is no figure.
                if not _is_rebuilt(column, curve) or column in ("session", "week"):
                    continue
                told = float(row[column])
                again = rebuilt[question, curve, at, column]
                if not (np.isnan(told) and np.isnan(again)):
                    assert again == pytest.approx(told, abs=1e-6), (question, field)
                checked += 1
    # Were the templates read wrongly, nothing would be compared.
    assert checked > 80


def test_every_row_of_the_tables_behind_it(
    page: dict[str, list[Result]], rebuilt: pd.Series
) -> None:
    compared = 0
    for question, results in page.items():
        columns = set(rebuilt[question].index.get_level_values("column"))
        for _, row in results[0].table.iterrows():
            curve, at = _place(row)
            # Of a curve, the day is its clock; of a share it is a figure.
            clock = {"day"} if "estimand" in row else set()
            for column in columns & set(row.index) - clock:
                again = rebuilt.get((question, curve, at, column), np.nan)
                if pd.isna(row[column]) or not _is_rebuilt(column, curve):
                    continue
                where = (question, curve, at, column)
                assert again == pytest.approx(float(row[column]), abs=1e-6), where
                compared += 1
    assert compared > 2000
