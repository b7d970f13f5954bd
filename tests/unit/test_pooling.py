"""Sites pooled from their counts: the same as all rows in one folder."""

from __future__ import annotations

import pandas as pd
import pytest
from sample_answers import sample_answer

import kettrack as kt
from kettrack.pooling.catalogue import PARTS
from kettrack.reading.cohort import Cohort

SITES = ("A", "B", "C")
TABLES = ("sessions", "scores", "patients", "events")
# What a part of the answers rests on beside counts, and what is therefore not pooled.
NOT_POOLED_ROWS = {
    "hypothetical": "estimand",
    "mean_regression_low": "key",
    "mean_regression_high": "key",
}
NULLS = ("null", "null_low", "null_high", "null_confirmed")
OFF_TREATMENT = ("ess",)


def cohort_of(whole: Cohort, patients: pd.Series) -> Cohort:
    """Some people of a cohort as a cohort of their own."""
    frames = {
        name: getattr(whole, name)[getattr(whole, name)["patient_id"].isin(patients)]
        for name in TABLES
    }
    return kt.cohort_from_frames(**frames)


@pytest.fixture(scope="module")
def joined() -> Cohort:
    whole = kt.load_cohort(kt.sample_folder())
    return cohort_of(whole, whole.patients["patient_id"])


@pytest.fixture(scope="module")
def sites(joined: Cohort) -> list[kt.Summary]:
    patients = joined.patients["patient_id"]
    # Sites of very different size, one of them smaller than any curve could be drawn for.
    parts = {"A": patients[:350], "B": patients[350:592], "C": patients[592:]}
    return [
        kt.summarise(cohort_of(joined, people), site=site)
        for site, people in parts.items()
    ]


@pytest.fixture(scope="module")
def pooled(
    sites: list[kt.Summary], tmp_path_factory: pytest.TempPathFactory
) -> kt.Pool:
    folder = tmp_path_factory.mktemp("sites")
    paths = []
    for site in sites:
        path = folder / f"{site.site}.json"
        path.write_text(site.to_json(), encoding="utf-8")
        paths.append(path)
    return kt.pool(paths)


@pytest.mark.parametrize("question", PARTS)
def test_pooled_equals_joined(question: str, pooled: kt.Pool) -> None:
    found = pooled[question].table
    expected = sample_answer(question).table
    for value, column in NOT_POOLED_ROWS.items():
        if column in expected:
            expected = expected[expected[column] != value]
    expected = expected.reset_index(drop=True)
    shared = [name for name in expected if name not in (*NULLS, *OFF_TREATMENT)]
    # The counts to the last digit; what follows from them through the same steps as well.
    pd.testing.assert_frame_equal(
        found[shared].reset_index(drop=True), expected[shared], check_exact=True
    )


@pytest.fixture(scope="module")
def derived(joined: Cohort) -> kt.DerivedCohort:
    return kt.derive(joined)
