"""Two groups compared: log-rank, Cox and means agree with statsmodels, scipy and SQL."""

import duckdb
import numpy as np
import pytest
from sample_answers import derived_sample
from scipy.stats import ttest_ind
from spec.tables import cohort as text_cohort
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff

import kettrack as kt
from kettrack.analysis.association.fixed_week import scores_at_week
from kettrack.errors import UsageError

LOG = "patient | observed_to_day\n a | 100"


@pytest.fixture(scope="module")
def by_route():
    return kt.estimate("two_groups", derived_sample(), column="route")


def test_log_rank_and_cox_agree_with_statsmodels(by_route):
    table = by_route.table.set_index("key")
    rows = by_route.rows().dropna(subset=["group"])
    counted = duckdb.sql(
        "select \"group\", count(*), count(*) filter (cause = 'event') from rows"
        ' group by "group" order by count(*) desc'
    ).fetchall()
    groups = table.loc[["group_1", "group_2"], ["about", "n", "events"]]
    assert [tuple(row) for row in groups.to_numpy()] == counted
    time = rows["time"].to_numpy(float) + 1
    event = (rows["cause"] == "event").to_numpy(float)
    second = (rows["group"] == table.loc["group_2", "about"]).to_numpy(float)
    chi2, p = survdiff(time, event, second)
    assert table.loc["log_rank", ["estimate", "p"]].tolist() == pytest.approx([chi2, p])
    fit = PHReg(time, second[:, None], event, ties="efron").fit()
    assert np.log(table.loc["hazard_ratio", "estimate"]) == pytest.approx(fit.params[0])
    half = np.log(table.loc["hazard_ratio", "ci_high"]) - fit.params[0]
    assert half == pytest.approx(1.96 * fit.bse[0], rel=0.1)


def test_difference_in_means_is_welchs(by_route):
    table = by_route.table.set_index("key")
    cohort = derived_sample()
    people = scores_at_week(cohort, 12).dropna(subset=["score"])
    first = cohort.sessions.groupby("patient_id")["route"].first().astype(str)
    means = [
        people.loc[
            first.reindex(people.index) == table.loc[f"group_{k}", "about"], "change"
        ]
        for k in (2, 1)
    ]
    found = ttest_ind(*means, equal_var=False)
    ends = found.confidence_interval()
    row = table.loc["difference"]
    assert row[["ci_low", "ci_high", "p"]].tolist() == pytest.approx(
        [ends.low, ends.high, found.pvalue]
    )


def test_small_groups_and_unknown_columns():
    cohort = derived_sample()
    with pytest.raises(UsageError, match="Nothing can be split by"):
        kt.estimate("two_groups", cohort, column="shoe size")
    clinic = text_cohort(
        "patient | day | score\n a | -1 | 20\n a | 7 | 9", patients=LOG
    )
    refused = kt.estimate("two_groups", clinic)
    assert refused.status == "refused"
    assert "two groups" in refused.reason
