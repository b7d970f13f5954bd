"""`kettrack estimate`: the same result in words, as a table and as JSON; refusals and unknown
names.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from kettrack import estimate, load_cohort, sample_folder
from kettrack.analysis.registry import load_questions
from kettrack.cli import main
from kettrack.simulation.cohort import simulate
from kettrack.simulation.cohort_files import write_cohort_folder
from kettrack.simulation.presets import CLINIC

SAMPLE = str(sample_folder())
SCORES_ONLY = {
    "sessions.csv": "patient_id,day\na,0\na,7\n",
    "scores.csv": "patient_id,day,instrument,score\na,-1,PHQ-9,20\na,7,PHQ-9,9\n",
}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]):
    def _run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["estimate", *map(str, arguments)])
        return int(left.value.code or 0), *capfd.readouterr()

    return _run


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder that records too little for a response curve."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for name, text in SCORES_ONLY.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_list_names_every_estimate_with_its_question(run) -> None:
    code, out, _ = run("--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(load_questions())
    for line, asked in zip(out.splitlines(), load_questions().values(), strict=True):
        # What can be set stands behind the question, as it is typed.
        asks, _, options = line.partition("--set ")
        assert asks.rstrip().endswith(("?", "."))
        assert (
            bool(options) == bool(asked.options) or asked.name == "sessions_and_change"
        )


def test_words_table_and_json_agree(run, tmp_path: Path) -> None:
    wanted = estimate("worsening", load_cohort(SAMPLE))
    assert run("worsening", SAMPLE)[1].startswith(wanted.text)
    printed = json.loads(run("worsening", SAMPLE, "--json")[1])
    assert printed == json.loads(wanted.to_json())
    assert run("worsening", SAMPLE, "-o", tmp_path / "w.json") == (0, "", "")
    assert json.loads((tmp_path / "w.json").read_text(encoding="utf-8")) == printed
    assert run("worsening", SAMPLE, "-o", tmp_path / "w.csv") == (0, "", "")
    assert pd.read_csv(tmp_path / "w.csv")["events"].tolist() == [
        row["events"] for row in printed["table"]
    ]


def test_a_dash_is_as_good_as_an_underscore(run) -> None:
    assert run("session-counts", SAMPLE) == run("session_counts", SAMPLE)


def test_refusal_leaves_with_3_and_says_what_to_record(
    run, bare: Path, tmp_path: Path
) -> None:
    code, out, err = run("response_by_session", bare)
    assert (code, out) == (3, "")
    assert "observed_to_day" in err
    code, out, _ = run("response_by_session", bare, "--json")
    said = json.loads(out)
    assert (code, said["status"], said["table"]) == (3, "refused", [])
    assert "observed_to_day" in said["collect"]
    code, _, err = run("response_by_session", bare, "-o", tmp_path / "r.csv")
    assert (code, (tmp_path / "r.csv").exists()) == (3, False)
    assert err.rstrip().endswith("r.csv' was not written.")


def test_a_refusal_shows_what_it_rests_on(run, tmp_path: Path) -> None:
    # Few of those who stopped are scored in this clinic.
    write_cohort_folder(simulate(CLINIC, 240, 20261121), tmp_path, "SYNTHETIC")
    code, out, err = run("stop-after", tmp_path)
    assert code == 3
    assert "To answer it, record" in err
    assert "Everybody followed from session 1" in out


def test_refusal_says_that_an_older_file_is_still_there(
    run, bare: Path, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text("older\n", encoding="utf-8")
    err = run("response_by_session", bare, "-o", tmp_path / "r.csv")[2]
    assert (
        "r.csv' was not written. The file of that name is from an earlier run." in err
    )
    assert (tmp_path / "r.csv").read_text(encoding="utf-8") == "older\n"
    assert (
        "not written"
        not in run("response_by_session", bare, "-o", tmp_path / "r.json")[2]
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("respons_by_session", SAMPLE), "response_by_session"),
        (
            ("worsening", SAMPLE, "-o", "x.txt"),
            "'x.txt' does not end in .csv or .parquet or .json.",
        ),
        (("worsening", SAMPLE, "--json", "-o", "x.csv"), "end in .json"),
    ],
)
def test_bad_usage_leaves_with_2(run, arguments: tuple[str, ...], told: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())


def test_how_far_back_a_score_looks_can_be_said(run) -> None:
    code, told, _ = run(
        "next-session", SAMPLE, "--instrument", "MADRS", "--recall-days", 7
    )
    assert code == 0
    assert "MADRS asks about the last 7 days" in told
    code, _, error = run("durability", SAMPLE, "--recall-days", 7)
    assert code == 2
    assert "These questions take it:" in error
    assert "next_session" in error


def test_an_option_of_a_question_can_be_set(run) -> None:
    cohort = load_cohort(SAMPLE)
    for name, options, texts in (
        ("paired_change", {"week": 4}, ["week=4"]),
        ("specification", {"also": ("SUSTAIN-1",)}, ["also = SUSTAIN-1,"]),
        ("two_groups", {"column": "sex", "week": 6}, ["column=sex", "week=6"]),
        ("missing_scores", {"horizon": "week_4"}, ["horizon=week_4"]),
    ):
        wanted = estimate(name, cohort, **options)
        sets = [word for text in texts for word in ("--set", text)]
        assert run(name, SAMPLE, "--json", *sets)[1].strip() == wanted.to_json(), name


@pytest.mark.parametrize(
    ("name", "setting", "told"),
    [
        ("paired_change", "week", "--set takes NAME=VALUE"),
        ("paired_change", "week=soon", "week is a whole number, not 'soon'"),
        ("paired_change", "week=0", "A week is a whole number above 0, not 0"),
        ("paired_change", "week=99999999999", "beyond 1,000,000"),
        ("paired_change", "month=3", "takes no option 'month'. Its options are: week"),
        ("worsening", "week=3", "takes no option 'week'. Its options are: none"),
        ("swimmer", "seed=-1", "a whole number from 0 up is needed"),
        ("response_by_session", "event=loss", "event is 'response' or 'remission'"),
        ("change_by_item", "week=-2", "A week is a whole number above 0, not -2"),
        ("missing_scores", "horizon=week_5", "A horizon is one of end_of_induction"),
        ("sessions_and_change", "stop=x", "only Python can hand over"),
    ],
)
def test_an_option_that_cannot_be_set_is_told(
    run, name: str, setting: str, told: str
) -> None:
    code, out, errors = run(name, SAMPLE, "--set", setting)
    assert (code, out) == (2, "")
    assert told in errors.replace("\n", " ")


def test_an_option_is_not_lost_beside_groups(run) -> None:
    code, _, errors = run(
        "response_by_session", SAMPLE, "--by", "sex", "--set", "event=remission"
    )
    assert code == 2
    assert "event changes nothing" in errors.replace("\n", " ")
    twice = run("next_session", SAMPLE, "--recall-days", 7, "--set", "recall-days=7")
    assert twice[0] == 2
    assert "recall_days is given twice" in twice[2]


def test_under_a_policy_that_hides_an_answer_with_options_is_refused(run) -> None:
    """No report knows its numbers, so nobody has looked what the two tell together."""
    code, out, errors = run(
        "paired_change", SAMPLE, "--set", "week=3", "--policy", "cms"
    )
    assert (code, out) == (2, "")
    said = " ".join(errors.split())
    assert "an answer with options cannot be protected together with a report" in said
    assert "Choose --policy release, which rounds, or leave out week." in said
    asked = run("paired_change", SAMPLE, "--set", "week=3", "--policy", "release")
    assert asked[0] == 0
