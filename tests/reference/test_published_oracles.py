"""Percents, differences, ratios and p values that trials printed: `published_comparisons.csv`, one
row per statistic.

Derived counts are the only whole numbers that fit the printed percents and intervals; each row
names its interval, since published trials use all of them.
"""

import csv
from pathlib import Path

import pytest
from reference.published_survival import GEHAN, counts

from kettrack.estimators.life_table import estimate_survival
from kettrack.estimators.log_rank import log_rank
from kettrack.estimators.proportions import percent_agrees, wilson
from kettrack.estimators.two_proportions import (
    TwoCounts,
    number_to_treat,
    odds_ratio,
    p_value,
    risk_difference,
)

ROWS = list(
    csv.DictReader(
        (Path(__file__).parent / "published_comparisons.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
)
TESTS = {"pearson_chi2": "pearson", "yates_chi2": "yates", "fisher_two_sided": "fisher"}


def four(row):
    return TwoCounts(
        *(int(row[name]) for name in ("events_a", "n_a", "events_b", "n_b"))
    )


def week(row):
    return int(row["outcome"].partition("S(")[2].rstrip(")"))


def remission():
    return estimate_survival(counts(GEHAN["6-MP"]))


COMPUTED = {
    "percent_a": lambda row: wilson(int(row["events_a"]), int(row["n_a"])).estimate,
    "risk_difference_pct": lambda row: risk_difference(four(row), row["method"]),
    "nnt": lambda row: number_to_treat(risk_difference(four(row), "wald")).estimate,
    "odds_ratio": lambda row: odds_ratio(four(row)),
    "p_value": lambda row: p_value(four(row), TESTS[row["method"]]),
    "km_survival": lambda row: remission().estimate[week(row)],
    "km_se": lambda row: remission().standard_error[week(row)],
    "logrank_chi2": lambda row: (
        log_rank([counts(group) for group in GEHAN.values()]).chi2
    ),
}


def test_there_are_80_rows():
    assert len(ROWS) == 80


@pytest.mark.parametrize(
    "row",
    ROWS,
    ids=lambda row: f"{row['study']}-{row['outcome']}-{row['method']}".replace(
        " ", "_"
    ),
)
def test_as_published(row):
    found = COMPUTED[row["statistic"]](row)
    if not isinstance(found, tuple):
        found = (found,)
    told = [row[name] for name in ("value", "ci_low", "ci_high")][: len(found)]
    pairs = [(got, float(said)) for got, said in zip(found, told, strict=True) if said]
    assert pairs
    for got, said in pairs:
        assert got == pytest.approx(said, abs=float(row["tolerance"]))


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row["statistic"] == "percent_a"],
    ids=lambda row: row["outcome"],
)
def test_printed_counts_and_percents_agree(row):
    assert percent_agrees(int(row["events_a"]), int(row["n_a"]), float(row["value"]))


@pytest.mark.parametrize(
    ("events", "n", "percent"),
    [
        pytest.param(46, 83, 63.0, id="Abbar-2022-ketamine"),  # 46 is 63.0 % of 73
        pytest.param(25, 73, 31.6, id="Abbar-2022-placebo"),  # 25 is 31.6 % of 79
        pytest.param(14, 16, 85.7, id="Li-2022"),  # 87.5 %
    ],
)
def test_printed_counts_and_percents_that_do_not_agree(events, n, percent):
    assert not percent_agrees(events, n, percent)
