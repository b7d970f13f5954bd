"""Percents, odds ratios and survival that trials printed: `published_comparisons.csv`, one row per
statistic.

An odds ratio of two groups is the coefficient of the logistic regression that the weights use.
kettrack computes no difference of two percents, no interval of an odds ratio, no number needed to
treat and no Fisher or chi-squared test of four counts, so what trials printed of these is not
here.

Derived counts are the only whole numbers that fit the printed percents and intervals.
"""

import csv
import math
from pathlib import Path

import pytest
from reference.published_survival import GEHAN, counts, log_rank_of

from kettrack.estimators.intervals import wilson
from kettrack.estimators.regression.logistic import fit_logistic
from kettrack.estimators.survival.life_table import estimate_survival

ROWS = list(
    csv.DictReader(
        (Path(__file__).parent / "published_comparisons.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
)


def percent_agrees(events, n, percent):
    """Whether a percent printed to one decimal can be the printed count of the printed number,
    however its last digit was rounded; in whole numbers, so that an edge agrees with both.
    """
    return n > 0 and abs(1000 * events - round(10 * percent) * n) * 2 <= n


def week(row):
    return int(row["outcome"].partition("S(")[2].rstrip(")"))


def remission():
    return estimate_survival(counts(GEHAN["6-MP"]))


def odds_ratio(row):
    n = [int(row[name]) for name in ("n_b", "n_a")]
    events = [int(row[name]) for name in ("events_b", "events_a")]
    shares = [some / all_of for some, all_of in zip(events, n, strict=True)]
    return math.exp(fit_logistic([[1, 0], [1, 1]], shares, n)[1])


COMPUTED = {
    "percent_a": lambda row: wilson(int(row["events_a"]), int(row["n_a"])).estimate,
    "odds_ratio": odds_ratio,
    "km_survival": lambda row: remission().estimate[week(row)],
    "km_se": lambda row: remission().standard_error[week(row)],
    "logrank_chi2": lambda row: log_rank_of(
        [counts(group) for group in GEHAN.values()]
    ),
}


def test_there_are_37_rows():
    assert len(ROWS) == 37


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
