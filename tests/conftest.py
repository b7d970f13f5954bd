"""What several tests share: the checkout, the reference data, a browser, and a clean environment
for other processes; and in which order files go to the workers.
"""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no clock: a slow machine is no failure.
settings.register_profile("kettrack", deadline=None, derandomize=True)
settings.load_profile("kettrack")

CHECKOUT = Path(__file__).resolve().parent.parent
# Files that keep a processor busy for long begin first: no worker then waits for them at the end.
LONGEST = (
    "test_sample_report.py",
    "test_gates.py",
    "test_review_invariants.py",
    "05_sessions_and_symptom_change.ipynb",
    "test_nbval_turns_red.py",
    "test_estimates.py",
    "02_sessions_to_response.ipynb",
)
# Files whose tests simulate, read, import or estimate whole clinics again and again, or start
# programs: `make quick` leaves them to `make test`.
WHOLE_CLINICS = {
    "test_against.py",
    "test_calibration_check.py",
    "test_cli.py",
    "test_cli_deidentify.py",
    "test_cli_estimate.py",
    "test_cli_import.py",
    "test_cli_output.py",
    "test_cli_shard.py",
    "test_copied_notebooks.py",
    "test_cox.py",
    "test_durability.py",
    "test_estimates.py",
    "test_export.py",
    "test_faults.py",
    "test_figures.py",
    "test_figures_by_eye.py",
    "test_figures_durability.py",
    "test_figures_patient.py",
    "test_figures_response.py",
    "test_figures_together.py",
    "test_first_page.py",
    "test_for_whom.py",
    "test_futility.py",
    "test_g_formula.py",
    "test_group_tests.py",
    "test_handout.py",
    "test_if_all_continued.py",
    "test_import_cdisc.py",
    "test_import_excel.py",
    "test_import_leaks.py",
    "test_import_omop.py",
    "test_import_redcap.py",
    "test_import_sas.py",
    "test_import_spss.py",
    "test_import_stata.py",
    "test_merged_curves.py",
    "test_messages.py",
    "test_meta_analysis.py",
    "test_odd_cohorts.py",
    "test_papers.py",
    "test_person_rows.py",
    "test_plasmode.py",
    "test_pooling.py",
    "test_pooling_files.py",
    "test_prognosis.py",
    "test_quality.py",
    "test_reading_leaks.py",
    "test_release_check.py",
    "test_release_rounding.py",
    "test_repeated_measures.py",
    "test_report.py",
    "test_response_curve.py",
    "test_review.py",
    "test_rules_in_force.py",
    "test_same_answer_everywhere.py",
    "test_scale_minimum.py",
    "test_score_lines.py",
    "test_session_answers.py",
    "test_sessions_by_number.py",
    "test_shard.py",
    "test_short_answers.py",
    "test_simulation.py",
    "test_simulation_sample.py",
    "test_simulation_scenarios.py",
    "test_specification.py",
    "test_stop_after.py",
    "test_stop_after_calibration.py",
    "test_subgroups.py",
    "test_trajectories.py",
    "test_treatments.py",
    "test_trial_results.py",
    "test_truth_file.py",
    "test_turnbull.py",
    "test_two_files.py",
    "test_users_words.py",
    "test_what_patients_are_told.py",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files of which `make quick` takes no test are not even read."""
    left = config.option.markexpr == "not slow"
    return True if left and collection_path.name in WHOLE_CLINICS else None


def pytest_sessionstart() -> None:
    """What is imported stays, so that nobody need look through it while it grows."""
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))
    for item in items:
        if item.path.name in WHOLE_CLINICS:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Before the first test, in every process that runs some."""
    import read_once

    read_once.install()
    # What is imported by now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    import read_once

    read_once.Running.name = item.path.name


@pytest.fixture(scope="session", autouse=True)
def _answers_of_one_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Processes that share a run share the answers about the sample; the next run has its own."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        import sample_answers

        # Each process has a folder of its own in the folder of the run.
        sample_answers.SAMPLE.share_in(tmp_path_factory.getbasetemp().parent)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Root of the checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the published data sets; they are not part of the repository."""
    named = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not named:
        pytest.skip("KETTRACK_REFERENCE_DATA names no folder of reference data")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"KETTRACK_REFERENCE_DATA names {named}, which is no folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture(scope="session")
def plain_environment() -> dict[str, str]:
    """Environment for other processes, without what the caller's own shell may have switched on."""
    dropped = (
        "MPLBACKEND",
        "KETTRACK_DEBUG",
        "PYTHONPATH",
        "PYTHONWARNINGS",
        "PYTEST_ADDOPTS",
        "NO_COLOR",
        "FORCE_COLOR",
    )
    return {name: value for name, value in os.environ.items() if name not in dropped}
