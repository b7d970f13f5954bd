"""A path or a frame in the wrong place gets a sentence that says what was expected."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import kettrack as kt
from kettrack.errors import UsageError
from kettrack.privacy import disclosure, policies
from kettrack.reading.settings_file import load_settings
from kettrack.writing import write_table

SESSIONS = pd.DataFrame({"patient_id": ["a", "a"], "day": [0, 3]})
SCORES = pd.DataFrame(
    {"patient_id": ["a"], "day": [0], "instrument": ["PHQ-9"], "score": [20]}
)


@pytest.fixture
def cohort() -> kt.Cohort:
    return kt.cohort_from_frames(SESSIONS, SCORES)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.csv"
    SESSIONS.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("function", [kt.load_cohort, kt.check_folder])
@pytest.mark.parametrize("kind", ["Cohort", "DataFrame", "list", "int", "None"])
def test_what_is_no_path(function, kind: str, cohort: kt.Cohort) -> None:
    given = {"Cohort": cohort, "DataFrame": SCORES, "list": [1], "int": 3, "None": None}
    named = {"int": "an int", "None": "None"}.get(kind, f"a {kind}")
    with pytest.raises(UsageError) as caught:
        function(given[kind])
    assert str(caught.value) == (
        f"{function.__name__} needs the path of a cohort folder, but it was given {named}."
    )


@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_in_place_of_its_folder(kind, table: Path) -> None:
    with pytest.raises(UsageError, match=r"is a file\. Name the folder it is in\."):
        kt.load_cohort(kind(table))


def test_no_such_folder() -> None:
    with pytest.raises(UsageError, match=r"There is no folder 'nowhere'\. A cohort"):
        kt.load_cohort("nowhere")


def test_frames_that_are_none(table: Path, cohort: kt.Cohort) -> None:
    for sessions, scores, said in (
        (table, SCORES, "a DataFrame as `sessions`, but it was given a"),
        (SESSIONS, None, "a DataFrame as `scores`, but it was given None"),
        (cohort, SCORES, "a DataFrame as `sessions`, but it was given a Cohort"),
        ([1], SCORES, "a DataFrame as `sessions`, but it was given a list"),
    ):
        with pytest.raises(UsageError, match=said):
            kt.cohort_from_frames(sessions, scores)
    with pytest.raises(UsageError, match="a DataFrame as `patients`"):
        kt.cohort_from_frames(SESSIONS, SCORES, "patients.csv")
    with pytest.raises(UsageError, match="Settings as `settings`, but"):
        kt.cohort_from_frames(SESSIONS, SCORES, settings={"instrument": "MADRS"})


def test_one_column_to_let_through_is_still_a_list(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"write allow=\['site'\]"):
        kt.load_cohort(tmp_path, allow="site")


def test_settings_that_are_no_text(table: Path) -> None:
    SCORES.to_csv(table.with_name("scores.csv"), index=False)
    with pytest.raises(UsageError, match="'instrument' needs a name, .* a list"):
        kt.load_cohort(table.parent, instrument=["PHQ-9", "MADRS"])
    with pytest.raises(UsageError, match="There is no such policy; there are: int"):
        kt.load_cohort(table.parent, policy=11)


def test_a_table_and_its_path_swapped(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="write_table needs a DataFrame as its first"):
        write_table(tmp_path / "scores.csv", SCORES)


def test_the_gate_takes_a_result(cohort: kt.Cohort) -> None:
    for given in (cohort, SCORES, "response_by_session"):
        with pytest.raises(
            UsageError, match=r"apply needs a Result, but it was given a"
        ):
            disclosure.apply(given, "cms")
    with pytest.raises(
        UsageError, match="needs a DataFrame, but it was given a Cohort"
    ):
        disclosure.gate_rows(cohort, "internal")


def test_identifiers_are_looked_for_in_a_frame(cohort: kt.Cohort) -> None:
    with pytest.raises(
        UsageError, match="needs a DataFrame, but it was given a Cohort"
    ):
        kt.find_identifiers(cohort)


def test_a_policy_that_is_no_name(cohort: kt.Cohort) -> None:
    for given in (11, ["cms"], cohort, None):
        with pytest.raises(UsageError, match="get_policy needs the name of a policy"):
            policies.get_policy(given)


@pytest.mark.parametrize("wrong", [["kettrack.toml"], {"instrument": "MADRS"}, None])
def test_a_settings_file_is_a_path(wrong: object) -> None:
    with pytest.raises(UsageError, match=r"load_settings needs the path of a kettrack"):
        load_settings(wrong)


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no settings file"):
        load_settings(tmp_path)
