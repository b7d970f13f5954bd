"""Sites pooled from their counts: the same as all rows in one folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sample_answers import sample_answer
from spec.tables import cohort as text_cohort

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


# ---- a site that nobody scored


def two_or_three(silent: str) -> dict[str, Cohort]:
    """Sites of 30, 31 and 32 people who had two sessions; of some nobody was scored later."""
    made = {}
    for site, people in zip("abc", (30, 31, 32), strict=True):
        names = [f"{site}{number:02}" for number in range(people)]
        later = () if site in silent else (3, 30)
        scores = "".join(
            f"\n {name} | {day} | {20 if day < 0 else 9 + 4 * (int(name[1:]) % 3)}"
            for name in names
            for day in (-1, *later)
        )
        made[site] = text_cohort(
            f"patient | day | score{scores}",
            "patient | days" + "".join(f"\n {name} | 0 7" for name in names),
            "patient | observed_to_day | planned_sessions"
            + "".join(f"\n {name} | 300 | 2" for name in names),
        )
    return made


def pool_of(cohorts: dict[str, Cohort], folder: Path) -> kt.Pool:
    paths = []
    for site, cohort in cohorts.items():
        path = folder / f"{site}.json"
        path.write_text(kt.summarise(cohort, site=site).to_json(), encoding="utf-8")
        paths.append(path)
    return kt.pool(paths)


OF_A_SHARE = ("responded", "remitted", "stopped")


def test_a_silent_site_is_no_site_with_0_percent(tmp_path: Path) -> None:
    """32 people of whom nothing is known stand in the sum as not scored, as in one folder, and not
    beside the others.
    """
    found = pool_of(two_or_three(silent="c"), tmp_path)
    whole = found["response_by_session"].table.iloc[-1]
    assert whole["n"] == 93
    assert whole["not_scored"] == pytest.approx(100 * 32 / 93)
    beside = found["sites_side_by_side"].table
    shares = beside[beside["measure"].isin(OF_A_SHARE)]
    assert set(shares["site"]) == {"a", "b"}
    apart = found["differences_between_sites"]
    assert apart.table.set_index("key").loc["responded", "sites"] == 2
    for name in ("sites_side_by_side", "differences_between_sites"):
        told = [words for words in found[name].caveats if "nobody was scored" in words]
        assert len(told) == 1
        assert "At 1 of 3 sites" in told[0]


def test_where_somebody_was_scored_at_every_site_nothing_is_said(
    tmp_path: Path,
) -> None:
    found = pool_of(two_or_three(silent=""), tmp_path)
    beside = found["sites_side_by_side"]
    assert set(beside.table["site"]) == {"a", "b", "c"}
    assert not any("nobody was scored" in words for words in beside.caveats)


@pytest.mark.parametrize(
    "question",
    [
        "response_by_session",
        "remission_by_session",
        "response_by_any_session",
        "time_to_response",
        "response_by_week",
    ],
)
def test_silent_sites_alone_are_no_answer(question: str, tmp_path: Path) -> None:
    """Each refuses by itself, and so does the sum."""
    sites = two_or_three(silent="abc")
    alone = kt.estimate(question, sites["a"])
    found = pool_of(sites, tmp_path)[question]
    assert (alone.status, found.status) == ("refused", "refused")
    assert "nobody who is counted was scored" in found.reason


@pytest.mark.parametrize("question", ["time_to_response", "response_by_week"])
def test_people_of_a_silent_site_or_bucket_stay_in_the_sum(
    question: str, tmp_path: Path
) -> None:
    sites = two_or_three(silent="c")
    names = ("sessions", "scores", "patients")
    joined = kt.cohort_from_frames(
        **{
            name: pd.concat([getattr(each, name) for each in sites.values()])
            for name in names
        }
    )
    found = pool_of(sites, tmp_path)[question].table
    expected = kt.estimate(question, joined).table
    assert found["n"].iloc[0] == 93
    shared = [name for name in expected if name in found]
    pd.testing.assert_frame_equal(found[shared], expected[shared])
