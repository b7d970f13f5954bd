"""Every figure of page one again in R: `docs/rebuild.R` works them out from the exported rows with
the package `survival` alone.
"""

from __future__ import annotations

import re
import shutil
import string
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer

from conftest import CHECKOUT
from kettrack import cohort_from_frames, derive
from kettrack.analysis.overview import first_page
from kettrack.result import Result
from kettrack.settings import Settings
from kettrack.timelines.derived import DerivedCohort
from kettrack.writing import write_table

SCRIPT = CHECKOUT / "docs" / "rebuild.R"
# Answers of page one that tell a question in short.
IN_SHORT = {
    "scores_by_week": "trajectories",
    "how_many_sessions": "response_by_session",
    "how_long_it_lasts": "durability",
    "how_long_from_response": "durability_from_response",
}
# What comes from simulation or from bootstrap samples, and not from rows.
SIMULATED = re.compile(r"(\w+_)?(null|excess)(_\w+)?")
# The counts beside the hypothetical curve are of days that its weights do not know of.
NOT_OF_WEIGHTS = re.compile(r"(ci|single)_(low|high)|at_risk|lost|censored")


@cache
def _has_survival() -> bool:
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "library(survival)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


# Asked when a test runs: to start R takes time, and no other test needs the answer.
pytestmark = pytest.mark.skipif(
    "not _has_survival()", reason="R with the package survival is not installed"
)


# Other curves of response and durability: life tables, competing risks, weights.
BESIDE = (
    "response_by_any_session",
    "should_we_go_on",
    "response_if_all_continued",
    "recurrent_loss",
)
Page = dict[str, list[Result]]


def page_of(cohort: DerivedCohort) -> Page:
    """Question -> the answers of page one that are made from it, refusals left out."""
    found: Page = {}
    for result in first_page(cohort):
        if result.status == "ok":
            name = IN_SHORT.get(result.name, result.name)
            found.setdefault(name, []).append(result)
    return found


def rebuild(page: Page, folder: Path) -> pd.Series:
    """What R makes of the rows: value by question, curve, place and column."""
    rows = folder / "rows"
    rows.mkdir()
    for name, results in page.items():
        assert results[0].rows is not None, f"{name} has no rows"
        write_table(results[0].rows(), rows / f"{name}.csv")
    target = folder / "rebuilt.csv"
    command = ["Rscript", "--vanilla", str(SCRIPT), str(rows), str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    table = pd.read_csv(target).fillna({"curve": "", "at": -1})
    keys = ["question", "curve", "at", "column"]
    return table.drop_duplicates(keys).set_index(keys)["value"]


@pytest.fixture(scope="module")
def page() -> Page:
    return page_of(derived_sample())


@pytest.fixture(scope="module")
def two_files() -> Page:
    """Page one of sessions and scores alone."""
    sample = derived_sample()
    return page_of(derive(cohort_from_frames(sample.sessions, sample.scores)))


@pytest.fixture(scope="module")
def beside() -> Page:
    return {name: [sample_answer(name)] for name in BESIDE}


@pytest.fixture(scope="module")
def rebuilt(
    page: Page, beside: Page, tmp_path_factory: pytest.TempPathFactory
) -> pd.Series:
    return rebuild({**page, **beside}, tmp_path_factory.mktemp("rebuild"))


def _place(row: pd.Series) -> tuple[str, float]:
    """Curve and place of a row of a table, as R names them."""
    if "estimand" in row:
        return f"{row['estimand']}_{row['rule']}", float(row["day"])
    # With a key, `sessions` is a count and `day` a figure.
    clocks = ("session", "week", *(() if "key" in row else ("sessions", "day")))
    for clock in clocks:
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
    return SIMULATED.fullmatch(column) is None


def check_sentences(page: Page, rebuilt: pd.Series) -> int:
    """Hold every figure of every sentence against R; how many there were."""
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
    return checked


def test_every_figure_that_page_one_tells(page: Page, rebuilt: pd.Series) -> None:
    # Were the templates read wrongly, nothing would be compared.
    assert check_sentences(page, rebuilt) > 80


def test_every_figure_that_page_one_of_two_files_tells(
    two_files: Page, tmp_path: Path
) -> None:
    assert {"among_scored", "trajectories"} <= set(two_files)
    assert check_sentences(two_files, rebuild(two_files, tmp_path)) > 60


def montgomery_asberg() -> DerivedCohort:
    """The sample as if it had been scored with MADRS: every item and total doubled, the thought of
    death in item 10.
    """
    sample = derived_sample()
    scores = sample.scores[sample.scores["instrument"] == "PHQ-9"]
    items = 2 * scores[[f"item_{number}" for number in range(1, 10)]]
    doubled = scores.assign(
        instrument="MADRS",
        score=2 * scores["score"],
        **dict(items.items()),
        item_10=items["item_9"],
    ).assign(item_9=0 * items["item_9"])
    frames = (sample.sessions, doubled, sample.patients, sample.events)
    return derive(cohort_from_frames(*frames, settings=Settings(instrument="MADRS")))


def test_page_one_of_a_clinic_with_another_scale(tmp_path: Path) -> None:
    """Worsening, thoughts of suicide, side effects and the state after the course among them."""
    page = page_of(montgomery_asberg())
    asked = {
        "worsening",
        "worsening_by_week",
        "suicidality_in_short",
        "adverse_events",
        "state_after_course",
    }
    assert asked <= set(page)
    again = rebuild(page, tmp_path)
    assert check_sentences(page, again) > 180
    assert check_tables(page, again) > 5000


def test_the_answer_on_one_more_session(tmp_path: Path) -> None:
    """By least squares and its covariance in plain R, from the decisions and their histories."""
    names = ("next_session", "next_session_maintenance")
    again = rebuild({name: [sample_answer(name)] for name in names}, tmp_path)
    for name in names:
        table = sample_answer(name).table.set_index("key")
        for column in ("trials", "n", "estimate", "ci_low", "ci_high"):
            told = float(table.loc[name, column])
            assert again[name, name, -1, column] == pytest.approx(told, abs=1e-6)
        scored = table.loc["all_scored", "estimate"]
        assert again[name, "all_scored", -1, "estimate"] == pytest.approx(scored)


def check_tables(page: Page, rebuilt: pd.Series) -> int:
    """Hold every figure of the tables behind it against R; how many there were."""
    compared = 0
    for question, results in page.items():
        columns = set(rebuilt[question].index.get_level_values("column"))
        for _, row in results[0].table.iterrows():
            curve, at = _place(row)
            # Of a curve, the day is its clock; of a share it is a figure.
            clock = set() if curve and at == -1 else {"day"}
            for column in columns & set(row.index) - clock:
                again = rebuilt.get((question, curve, at, column), np.nan)
                if pd.isna(row[column]) or not _is_rebuilt(column, curve):
                    continue
                where = (question, curve, at, column)
                assert again == pytest.approx(float(row[column]), abs=1e-6), where
                compared += 1
    return compared


def test_every_row_of_the_tables_behind_it(
    page: Page, beside: Page, rebuilt: pd.Series
) -> None:
    assert check_tables({**page, **beside}, rebuilt) > 2000
