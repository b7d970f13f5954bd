"""A real ketamine cross-over through the real command line: change and response on MADRS after each
infusion.

Answers computed with R 4.2.2 on `phenotype.tsv` of OpenNeuro ds005917, commit 3dad5b3: people with
major depression, each score against ses-b0, response = MADRS change of -50 % or less.
"""

import subprocess
import sys

import pandas as pd
import pytest
from reference.nimh import write_cohort

from kettrack import load_cohort
from kettrack.timelines.tables import outcomes_table, timeline_table

# (drug, day): scored at baseline too, responded, remitted (10 or less), mean change, mean percent
# change
ANSWERS = {
    ("ketamine", 2): (27, 6, 4, -9.2222, -27.6471),
    ("ketamine", 10): (26, 3, 2, -4.3846, -11.9675),
    ("placebo", 2): (26, 1, 0, -1.9615, -4.7830),
    ("placebo", 10): (26, 0, 0, 0.7692, 3.2788),
}


@pytest.fixture(scope="module")
def folders(reference_data, tmp_path_factory):
    """Cohort folder of each infusion."""
    parent = tmp_path_factory.mktemp("nimh")
    return {
        drug: write_cohort(reference_data, parent / drug, drug)
        for drug in ("ketamine", "placebo")
    }


@pytest.fixture(scope="module")
def timelines(folders, plain_environment):
    """What `kettrack timeline` writes for each infusion; it must say nothing else."""
    written = {}
    for drug, folder in folders.items():
        output = folder.parent / f"{drug}.csv"
        command = [
            sys.executable,
            "-W",
            "error",
            "-m",
            "kettrack",
            "timeline",
            folder,
            "--instrument",
            "MADRS",
            "-o",
            output,
        ]
        done = subprocess.run(
            command, env=plain_environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        written[drug] = pd.read_csv(output).merge(
            pd.read_csv(folder / "patients.csv"), on="patient_id"
        )
    return written


@pytest.mark.parametrize(("drug", "day"), ANSWERS)
def test_change_and_response_in_major_depression(timelines, drug, day):
    timeline = timelines[drug]
    rated = timeline[
        (timeline["diagnosis"] == "major_depression")
        & (timeline["day"] == day)
        & timeline["change"].notna()
    ]
    n, n_response, n_remission, change, percent_change = ANSWERS[drug, day]
    assert len(rated) == n
    assert (rated["percent_change"] <= -50).sum() == n_response
    assert (rated["state"] == "remission").sum() == n_remission
    assert rated["state"].isin(["response", "remission"]).sum() == n_response
    assert rated["change"].mean() == pytest.approx(change, abs=1e-4)
    assert rated["percent_change"].mean() == pytest.approx(percent_change, abs=1e-4)


def test_one_infusion_is_behind_every_score_after_it(timelines):
    for timeline in timelines.values():
        assert timeline.loc[timeline["day"] < 0, "sessions_to_date"].eq(0).all()
        after = timeline[timeline["day"] > 0]
        assert after["sessions_to_date"].eq(1).all()
        assert after["days_since_session"].eq(after["day"]).all()
        assert after["course"].eq("induction").all()


def test_healthy_controls_have_no_percent_change_from_0_and_no_state(timelines):
    for timeline in timelines.values():
        healthy = timeline[timeline["diagnosis"].isna() & (timeline["day"] > 0)]
        from_zero = healthy[healthy["baseline"] == 0]
        assert len(from_zero) > 0
        assert from_zero["percent_change"].isna().all()
        assert from_zero["change"].equals(from_zero["score"].rename("change"))
        assert healthy["state"].isna().all()  # below caseness


def test_outcomes_leave_out_placebo_and_say_why(folders):
    ketamine, placebo = (
        outcomes_table(load_cohort(folders[drug], instrument="MADRS"))
        for drug in ("ketamine", "placebo")
    )
    assert ketamine["included"].any()
    assert "placebo" not in set(ketamine["exclusion_reason"].dropna())
    assert not placebo["included"].any()
    assert "placebo" in set(placebo["exclusion_reason"])


def test_first_response_is_the_first_of_the_two_scores_that_shows_it(folders):
    cohort = load_cohort(folders["ketamine"], instrument="MADRS")
    timeline = timeline_table(cohort)
    outcomes = outcomes_table(cohort)
    shown = timeline[(timeline["percent_change"] <= -50) & timeline["state"].notna()]
    expected = shown.groupby("patient_id")["day"].min()
    assert (
        outcomes.set_index("patient_id")["response_day"].dropna().to_dict()
        == expected.to_dict()
    )
    assert outcomes["response_session"].dropna().eq(1).all()


def test_the_folder_says_nothing_that_could_identify(folders):
    for folder in folders.values():
        cohort = load_cohort(folder, instrument="HAMD-17")
        assert cohort.provenance.allowed == ()
        assert set(pd.read_csv(folder / "patients.csv").columns) == {
            "patient_id",
            "age",
            "sex",
            "diagnosis",
        }
