"""Life tables and competing risks against R 4.2.2 (package survival 3.5-3), scikit-survival 0.28
and live scipy.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from reference.published_survival import AML, GEHAN, counts, log_rank_of
from scipy.stats import CensoredData, ecdf

from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import (
    count_life,
    estimate_survival,
)

AML_CURVES = {
    "Maintained": {
        9: 0.909091,
        13: 0.818182,
        18: 0.715909,
        23: 0.613636,
        31: 0.490909,
        34: 0.368182,
        48: 0.184091,
    },
    "Nonmaintained": {
        5: 0.833333,
        8: 0.666667,
        12: 0.583333,
        23: 0.486111,
        27: 0.388889,
        30: 0.291667,
        33: 0.194444,
        43: 0.097222,
        45: 0.0,
    },
}
LUNG_INTERVALS = {  # S(365) and the median, each with its 95 % interval
    "log": ((0.344722, 0.485838), (285, 363)),
    "log-log": ((0.338714, 0.478381), (284, 361)),
    "plain": ((0.339029, 0.479455), (284, 361)),
}
# Month: progression, death, 1 - Kaplan-Meier of progression, interval of progression
# (scikit-survival, Aalen's variance).
MGUS2 = {
    60: (0.034104, 0.320367, 0.042154, (0.0254, 0.0447)),
    120: (0.063722, 0.531818, 0.095222, (0.0513, 0.0779)),
    240: (0.099814, 0.724028, 0.209562, (0.0817, 0.1201)),
    360: (0.134042, 0.784208, 0.424837, None),
}
MGUS2_BY_SEX = {
    "F": {60: 0.03979, 120: 0.073886, 240: 0.104941},
    "M": {60: 0.029346, 120: 0.05531, 240: 0.095651},
}


@pytest.mark.parametrize("group", AML)
def test_aml_curves(group):
    curve = estimate_survival(counts(AML[group]))
    for week, survival in AML_CURVES[group].items():
        assert curve.estimate[week] == pytest.approx(survival, abs=1e-6)


def test_aml_interval():
    curve = estimate_survival(counts(AML["Maintained"]))
    assert (curve.ci_low[9], curve.ci_high[9]) == pytest.approx(
        (0.508080, 0.986674), abs=1e-6
    )


def test_aml_log_rank():
    assert log_rank_of([counts(group) for group in AML.values()]) == pytest.approx(
        3.396389, abs=1e-6
    )


def test_typed_in_aml_is_the_table_of_the_package(reference_data):
    people = pd.read_csv(reference_data / "survival_R" / "aml.csv")
    for group, rows in people.groupby("x"):
        typed = counts(AML[group])
        there = life(rows, rows["status"] == 1)
        assert np.array_equal(typed.events, there.events)
        assert np.array_equal(typed.censored, there.censored)


@pytest.mark.parametrize("written", [*AML.values(), *GEHAN.values()])
@pytest.mark.parametrize(
    ("ours", "theirs"), [("log-log", "log-log"), ("plain", "linear")]
)
def test_curve_and_interval_of_scipy(written, ours, theirs):
    words = written.split()
    ended = [int(word[:-1]) for word in words if word.endswith("+")]
    happened = [int(word) for word in words if not word.endswith("+")]
    other = ecdf(CensoredData(uncensored=happened, right=ended)).sf
    curve = estimate_survival(counts(written), transform=ours)
    assert curve.estimate == pytest.approx(other.evaluate(curve.time), abs=1e-12)
    # where the curve is 0 or 1, where neither has an interval
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = other.confidence_interval(method=theirs)
    inside = (curve.estimate > 0) & (curve.estimate < 1)
    assert curve.ci_low[inside] == pytest.approx(
        interval.low.evaluate(curve.time)[inside], abs=1e-12
    )
    assert curve.ci_high[inside] == pytest.approx(
        interval.high.evaluate(curve.time)[inside], abs=1e-12
    )


@pytest.fixture(scope="module")
def lung(reference_data):
    return pd.read_csv(reference_data / "survival_R" / "lung.csv")


def life(rows, event):
    return count_life(rows["time"].to_numpy(), event.to_numpy())


@pytest.mark.parametrize("transform", LUNG_INTERVALS)
def test_lung_at_one_year_and_its_median(lung, transform):
    curve = estimate_survival(life(lung, lung["status"] == 2), transform=transform)
    interval, median = LUNG_INTERVALS[transform]
    assert (curve.at_risk[0], curve.events.sum()) == (228, 165)
    assert curve.estimate[365] == pytest.approx(0.409242, abs=1e-6)
    assert (curve.ci_low[365], curve.ci_high[365]) == pytest.approx(interval, abs=1e-6)
    half = [
        int(np.flatnonzero(values <= 0.5)[0])
        for values in (curve.estimate, curve.ci_low, curve.ci_high)
    ]
    assert half == [310, *median]


def test_lung_area_under_the_curve_of_one_year(lung):
    curve = estimate_survival(life(lung, lung["status"] == 2))
    assert curve.estimate[:365].sum() == pytest.approx(263.22, abs=0.005)


def test_lung_by_sex(lung):
    groups = [life(rows, rows["status"] == 2) for _, rows in lung.groupby("sex")]
    curves = [estimate_survival(group).estimate for group in groups]
    assert [int(np.flatnonzero(curve <= 0.5)[0]) for curve in curves] == [270, 426]
    assert log_rank_of(groups) == pytest.approx(10.326742, abs=1e-6)


def test_four_kinds_of_cell_in_veteran(reference_data):
    people = pd.read_csv(reference_data / "survival_R" / "veteran.csv")
    groups = [life(rows, rows["status"] == 1) for _, rows in people.groupby("celltype")]
    assert log_rank_of(groups) == pytest.approx(25.4037, abs=1e-4)


@pytest.fixture(scope="module")
def mgus2(reference_data):
    """Months to progression (cause 1), death without it (2), or the end of follow-up (0)."""
    people = pd.read_csv(reference_data / "survival_R" / "mgus2.csv")
    progressed = people["pstat"] == 1
    month = people["ptime"].where(progressed, people["futime"])
    return people.assign(
        month=month, cause=np.where(progressed, 1, 2 * people["death"])
    )


def exits(rows):
    return count_competing_risks(rows["month"].to_numpy(), rows["cause"].to_numpy(), 2)


def test_myeloma_and_death_in_mgus2(mgus2):
    assert mgus2["cause"].value_counts().to_dict() == {2: 860, 0: 409, 1: 115}
    found = estimate_incidence(exits(mgus2))
    for month, (progression, death, _, _) in MGUS2.items():
        assert found.estimate[month - 1] == pytest.approx(
            [progression, death], abs=1e-6
        )


def test_interval_of_myeloma_in_mgus2(mgus2):
    """Aalen's variance and the delta method agree while many are at risk. At 360 months few are,
    several leave at once, and Aalen's, which takes them one at a time, is another number
    (.0957-.1790): there they are not compared.
    """
    found = estimate_incidence(exits(mgus2))
    for month, (_, _, _, interval) in MGUS2.items():
        if interval is not None:
            assert (
                found.ci_low[month - 1, 0],
                found.ci_high[month - 1, 0],
            ) == pytest.approx(interval, abs=1.5e-4)


def test_what_it_would_be_if_death_were_taken_for_the_end_of_a_log(mgus2):
    wrong = estimate_survival(
        count_life(mgus2["month"].to_numpy(), mgus2["cause"].to_numpy() == 1)
    )
    for month, (_, _, too_much, _) in MGUS2.items():
        assert 1 - wrong.estimate[month] == pytest.approx(too_much, abs=1e-6)


@pytest.mark.parametrize("sex", MGUS2_BY_SEX)
def test_myeloma_by_sex(mgus2, sex):
    found = estimate_incidence(exits(mgus2[mgus2["sex"] == sex]))
    for month, incidence in MGUS2_BY_SEX[sex].items():
        assert found.estimate[month - 1, 0] == pytest.approx(incidence, abs=1e-6)
