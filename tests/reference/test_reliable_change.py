"""Jacobson-Truax against published packages: the numbers stand in `reliable_change_answers.json`,
with their sources.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kettrack.errors import UsageError
from kettrack.timelines.published.reliable_change import (
    CHANGES,
    Population,
    classify_change,
    cutoff_a,
    cutoff_b,
    cutoff_c,
    reliable_change_value,
    standard_error_of_difference,
    standard_error_of_measurement,
)

ANSWERS = json.loads(
    (Path(__file__).parent / "reliable_change_answers.json").read_text(encoding="utf-8")
)


def near(answer):
    return pytest.approx(answer["value"], abs=answer["tolerance"])


def counts(changes):
    return {name: int((changes == name).sum()) for name in CHANGES}


def test_reliable_change_value_of_sgdata(reference_data):
    answer = ANSWERS["suddengains"]
    sd = pd.read_csv(reference_data / "suddengains" / "sgdata.csv")["bdi_s0"].std()
    assert sd == near(answer["sd"])
    assert standard_error_of_measurement(sd, answer["reliability"]) == near(
        answer["sem"]
    )
    assert standard_error_of_difference(sd, answer["reliability"]) == near(
        answer["se_diff"]
    )
    assert reliable_change_value(sd, answer["reliability"]) == near(answer["rc_value"])


def test_recovery_in_claus_2020(reference_data):
    answer = ANSWERS["claus_2020"]
    data = pd.read_csv(reference_data / "clinicalsignificance" / "claus_2020.csv")
    waves = data.pivot_table(index="id", columns="time", values="bdi", dropna=False)
    assert len(waves) == answer["n_all"]
    used = waves.dropna(subset=[1, 4])
    assert len(used) == answer["n_used"]

    clinical = Population(used[1].mean(), used[1].std())
    functional = Population(answer["functional_mean"], answer["functional_sd"])
    assert clinical.mean == near(answer["mean_clinical"])
    assert clinical.sd == near(answer["sd_clinical"])
    cutoff = cutoff_c(clinical, functional)
    assert cutoff == near(answer["cutoff"])
    assert cutoff == near(answer["cutoff_exact"])
    assert standard_error_of_difference(clinical.sd, answer["reliability"]) == near(
        answer["s_diff"]
    )

    changes = classify_change(
        waves[1],
        waves[4],
        reliable_change_value(clinical.sd, answer["reliability"]),
        cutoff,
    )
    assert counts(changes) == answer["changes"]
    assert int((changes >= "improved").sum()) == answer["n_reliably_improved"]
    assert int(changes.isna().sum()) == answer["n_all"] - answer["n_used"]


def test_a_scale_where_higher_is_better_in_jacobson_1989(reference_data):
    answer = ANSWERS["jacobson_1989"]
    data = pd.read_csv(reference_data / "clinicalsignificance" / "jacobson_1989.csv")
    das = data.pivot_table(index="subject", columns="time", values="das").dropna()
    assert len(das) == answer["n_used"]
    sd = das["pre"].std()
    assert standard_error_of_difference(sd, answer["reliability"]) == near(
        answer["s_diff"]
    )
    reliable = reliable_change_value(sd, answer["reliability"])
    # nobody crosses it: only the reliable change is compared here
    never = das["pre"].max() + 100
    found = counts(
        classify_change(das["pre"], das["post"], reliable, never, higher_is_worse=False)
    )
    assert (found["improved"], found["deteriorated"]) == (
        answer["n_improved"],
        answer["n_deteriorated"],
    )


@pytest.mark.parametrize(
    ("sd", "reliability", "sem", "se_diff", "reliable"),
    [
        pytest.param(
            10.5, 0.961, 2.073584, 2.93249, 5.747681, id="suddengains, SD 10.5"
        ),
        pytest.param(
            7.5, 0.80, 3.3541, 4.7434, 9.2971, id="Jacobson and Truax, SD 7.5"
        ),
    ],
)
def test_worked_examples(sd, reliability, sem, se_diff, reliable):
    within = 1e-6 if sd == 10.5 else 1e-4
    assert standard_error_of_measurement(sd, reliability) == pytest.approx(
        sem, abs=within
    )
    assert standard_error_of_difference(sd, reliability) == pytest.approx(
        se_diff, abs=within
    )
    assert reliable_change_value(sd, reliability) == pytest.approx(reliable, abs=within)


def test_reliable_change_index_of_jacobson_and_truax():
    assert (47.5 - 32.5) / standard_error_of_difference(7.5, 0.80) == pytest.approx(
        3.1623, abs=1e-4
    )


@pytest.mark.parametrize(
    ("sd", "reliability", "expected"),
    [(6.1, 0.84, 6.76), (5.5, 0.84, 6.10), (5.5, 0.89, 5.06), (6.1, 0.89, 5.61)],
)
def test_phq9_at_published_deviations_and_reliabilities(sd, reliability, expected):
    assert reliable_change_value(sd, reliability) == pytest.approx(expected, abs=0.005)


def test_cutoffs_of_jacobson_and_truax_in_both_directions():
    clinical = Population(40, 7.5)
    functional = Population(60, 7.5)
    assert cutoff_a(clinical, higher_is_worse=False) == pytest.approx(55, abs=1e-9)
    assert cutoff_b(functional, higher_is_worse=False) == pytest.approx(45, abs=1e-9)
    assert cutoff_c(clinical, functional) == pytest.approx(50, abs=1e-9)
    # the mirrored scale, where higher is worse
    assert cutoff_a(Population(60, 7.5)) == pytest.approx(45, abs=1e-9)
    assert cutoff_b(Population(40, 7.5)) == pytest.approx(55, abs=1e-9)


def test_cutoff_c_leans_to_the_narrower_population():
    # two SD from either mean
    assert cutoff_c(Population(30, 10), Population(6, 2)) == pytest.approx(10)


NAN = float("nan")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(
            20, 14, "improved", id="a fall of exactly the reliable change is reliable"
        ),
        pytest.param(20, 15, "unchanged", id="one point less is not"),
        pytest.param(20, 9, "recovered", id="and below the cut-off: recovered"),
        pytest.param(
            20, 10, "improved", id="the cut-off itself is on the clinical side"
        ),
        pytest.param(
            10, 4, "recovered", id="starting at the cut-off is starting as a case"
        ),
        pytest.param(9, 3, "improved", id="from below the cut-off nobody recovers"),
        pytest.param(
            12, 8, "unchanged", id="crossing without reliable change is no recovery"
        ),
        pytest.param(
            14, 20, "deteriorated", id="a rise of exactly the reliable change"
        ),
        pytest.param(14, 19, "unchanged", id="a smaller rise"),
        pytest.param(NAN, 9, None, id="no first score"),
        pytest.param(20, NAN, None, id="no last score"),
        pytest.param(0, 0, "unchanged", id="nothing before, nothing after"),
    ],
)
def test_each_person_has_one_category_in_either_direction(before, after, expected):
    falling = classify_change([before], [after], reliable_change=6, cutoff=10)
    rising = classify_change(
        [27 - before],
        [27 - after],
        reliable_change=6,
        cutoff=27 - 10,
        higher_is_worse=False,
    )
    for changes in (falling, rising):
        assert changes.ordered
        assert changes.isna()[0] if expected is None else changes[0] == expected


def test_confidence_widens_the_reliable_change():
    assert reliable_change_value(6, 0.9, 0.9) == pytest.approx(
        1.645 / 1.96 * reliable_change_value(6, 0.9)
    )
    assert reliable_change_value(6, 1.0) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda: standard_error_of_measurement(0, 0.9),
            "standard deviation is above 0, not 0",
            id="no spread",
        ),
        pytest.param(
            lambda: standard_error_of_measurement(NAN, 0.9),
            "standard deviation is above 0",
            id="spread missing",
        ),
        pytest.param(
            lambda: Population(10, -1),
            "standard deviation is above 0, not -1",
            id="negative spread",
        ),
        pytest.param(
            lambda: standard_error_of_measurement(6, 1.1),
            "reliability lies between 0 and 1, not at 1.1",
            id="r > 1",
        ),
        pytest.param(
            lambda: standard_error_of_measurement(6, NAN),
            "reliability lies between 0 and 1",
            id="r missing",
        ),
        pytest.param(
            lambda: reliable_change_value(6, 0.9, 95),
            "confidence lies between 0 and 1, not at 95",
            id="percent",
        ),
        pytest.param(
            lambda: classify_change([1, 2], [1], 6, 10),
            "2 first and 1 last scores",
            id="lengths",
        ),
        pytest.param(
            lambda: classify_change([1], [2], 0, 10),
            "reliable change is above 0 points, not 0",
            id="no change",
        ),
    ],
)
def test_impossible_values_are_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()


def test_nobody_at_all():
    assert len(classify_change(np.array([]), np.array([]), 6, 10)) == 0
