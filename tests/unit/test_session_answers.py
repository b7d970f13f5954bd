"""The one table of sessions and change: every method is a row, refusals too; the words stay within
what each row can carry.
"""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated import enter, simulated, simulated_cohort, thin_clinic

from kettrack import Cohort
from kettrack.analysis.association.association import association, slopes
from kettrack.analysis.association.trajectories import trajectories
from kettrack.analysis.calibration.next_session import calibration_check
from kettrack.analysis.calibration.stop_after import stop_after_calibration
from kettrack.analysis.next_session.answer import next_session
from kettrack.analysis.session_answers.answer import session_answers
from kettrack.analysis.stop_after.answer import stop_after
from kettrack.figures.answers import plot_session_answers
from kettrack.result import Result
from kettrack.timelines.derived import derive
from kettrack.trials.next_session import with_left_out_measure

ANSWERS = [
    "naive_slope",
    "adjusted_slope",
    "next_session",
    "stop_after",
    "strict",
    "g_formula",
]
CHECKS = [
    "negative_control",
    "negative_control_detectable",
    "e_value",
    "e_value_limit",
    "overlap",
    "effective_k",
    "effective_m",
    "largest_share",
]
CALIBRATED = [
    "calibration_zero",
    "calibration_point",
    "stop_after_calibration_zero",
    "stop_after_calibration_point",
]
BANNED = ("effect of number of sessions", "proved", "significant", "significantly")


@pytest.fixture(scope="module")
def sample() -> Cohort:
    return thin_clinic()


@pytest.fixture(scope="module")
def weekly() -> Cohort:
    return simulated_cohort("A", 1_000, 1)


@pytest.fixture(scope="module")
def found(weekly) -> dict[str, Result]:
    return {
        "stop": stop_after(weekly, recall_days=0, replicates=40),
        "following": next_session(weekly, recall_days=0),
        "naive": slopes(derive(weekly)),
        "calibrations": (
            calibration_check(weekly, recall_days=0, cohorts=10),
            stop_after_calibration(weekly, recall_days=0, cohorts=12, replicates=4),
        ),
    }


@pytest.fixture(scope="module")
def refusing(sample) -> dict[str, Result]:
    return {
        "stop": stop_after(sample, replicates=10),
        "following": next_session(sample),
        "naive": association(sample),
        "calibrations": (
            calibration_check(sample, cohorts=2),
            stop_after_calibration(sample, cohorts=2),
        ),
    }


def rows_of(result: Result) -> pd.DataFrame:
    return result.table.set_index("key")


def test_every_answer_and_every_check_is_a_row(weekly, found):
    table = session_answers(weekly, **found).table
    assert table["key"].tolist() == [*ANSWERS, *CHECKS, *CALIBRATED]
    assert set(table["status"]) <= {"ok", "refused"}
    assert (table["reason"] == "").tolist() == (table["status"] == "ok").tolist()
    assert table["estimate"].notna().tolist() == (table["status"] == "ok").tolist()


def test_numbers_are_those_of_the_methods(weekly, found):
    rows = rows_of(session_answers(weekly, **found))
    naive = rows_of(found["naive"])
    stop = rows_of(found["stop"])
    following = rows_of(found["following"])
    more = stop.loc["stop_after", "k"] - stop.loc["stop_after", "m"]
    columns = ["estimate", "ci_low", "ci_high"]
    slope = naive.loc["slope_fixed_adjusted", columns].to_numpy(float)
    assert rows.loc["adjusted_slope", columns].to_numpy(float) == pytest.approx(
        more * slope
    )
    assert (
        rows.loc["next_session", columns].tolist()
        == following.loc["next_session", columns].tolist()
    )
    assert (
        rows.loc["stop_after", columns].tolist()
        == stop.loc["stop_after", columns].tolist()
    )
    assert rows.loc["effective_k", "estimate"] == stop.loc["window_k", "ess"]
    assert f"{more} more sessions" in rows.loc["naive_slope", "about"]


def test_the_slopes_are_those_of_the_association(sample, refusing):
    mine = rows_of(slopes(derive(sample)))
    theirs = rows_of(refusing["naive"])
    columns = ["n", "estimate", "ci_low", "ci_high"]
    assert mine[columns].equals(
        theirs.loc[mine.index, columns].astype(mine[columns].dtypes)
    )


def test_the_naive_rows_point_the_wrong_way_and_say_so(weekly, found):
    result = session_answers(weekly, **found)
    rows = rows_of(result)
    assert (
        rows.loc["adjusted_slope", "ci_low"] > 0 > rows.loc["next_session", "ci_high"]
    )
    assert set(rows.loc[["naive_slope", "adjusted_slope"], "kind"]) == {
        "biased by design"
    }
    assert (
        "expected when people who feel well stop; it does not show that sessions harm"
        in result.text
    )
    assert "scored 0." in result.text
    assert (
        "points lower about 7 days later than similar people who did not" in result.text
    )


def test_a_refusal_is_a_row_with_its_reason(sample, refusing):
    result = session_answers(sample, **refusing)
    rows = rows_of(result)
    assert result.status == "ok"
    for key, source in (("next_session", "following"), ("stop_after", "stop")):
        if refusing[source].status == "refused":
            assert rows.loc[key, "status"] == "refused"
            assert rows.loc[key, "reason"] == refusing[source].reason
            assert refusing[source].reason.rstrip(".") in re.sub(
                r"\bThese\b", "these", result.text
            )
    assert "refused" in set(rows["status"])
    # a method that is refused is one row, and nothing of it is checked
    told = set() if refusing["stop"].table.empty else set(refusing["stop"].table["key"])
    assert ("g_formula" in rows.index) == ("g_formula" in told)
    next_refused = refusing["following"].status == "refused"
    assert ("overlap" in rows.index) == (not next_refused)
    reasons = rows.loc[rows["status"] == "refused", "reason"]
    checks = reasons.drop(["next_session", "stop_after"], errors="ignore")
    assert not checks.duplicated().any()
    assert not set(checks) & {
        rows["reason"]["next_session"],
        rows["reason"]["stop_after"],
    }
    assert rows["about"].is_unique


def test_a_negative_control_that_differs_puts_every_answer_in_doubt():
    """Scenario F: sessions do nothing, and a reason that nobody records decides who goes on."""
    clinic = enter(with_left_out_measure(simulated("F", 2_000, 5)))
    stop = stop_after(clinic, 3, 1, recall_days=0, replicates=10)
    following = next_session(clinic, recall_days=0)
    result = session_answers(clinic, stop, following)
    rows = rows_of(result)
    # those of them that are refused for a reason that is told already have no row
    # another way that is refused is a check
    answers = rows[rows["kind"] != "check"]
    doubted = answers.index.intersection(["next_session", "stop_after", "g_formula"])
    assert set(rows.loc[doubted, "kind"]) == {"contradicted by its check"}
    assert "none of these differences must be read as what sessions do" in result.text
    assert "would remove it" not in result.text
    assert "could have gone either way" in result.text
    axes = plot_session_answers(result.table)
    assert "contradicted by its check" in {said.get_text() for said in axes.texts}


def test_small_counts_stay_hidden(weekly, found):
    small = replace(
        found["naive"],
        table=found["naive"].table.assign(estimate=np.nan, n=pd.NA, suppressed=True),
    )
    rows = rows_of(session_answers(weekly, **(found | {"naive": small})))
    assert rows.loc["adjusted_slope", "status"] == "hidden"
    under = replace(weekly, settings=replace(weekly.settings, policy="cms"))
    result = session_answers(under, **found)
    assert result.policy == "cms"
    assert "{" not in result.text


def test_nothing_is_run_twice(weekly, found, monkeypatch):
    for name in ("stop_after", "next_session", "slopes"):
        monkeypatch.setattr(f"kettrack.analysis.session_answers.answer.{name}", None)
    session_answers(weekly, **found)


@pytest.mark.parametrize("clinic", ["sample", "weekly"])
def test_no_text_claims_too_much(clinic, request):
    cohort = request.getfixturevalue(clinic)
    parts = request.getfixturevalue("found" if clinic == "weekly" else "refusing")
    methods = [parts[name] for name in ("stop", "following", "naive")]
    for result in (
        *methods,
        *parts["calibrations"],
        session_answers(cohort, **parts),
        trajectories(cohort),
    ):
        said = words_of(result)
        assert not [word for word in BANNED if re.search(rf"\b{word}\b", said)]
        assert "dose-response" not in said or "association" in said
        assert "needed" not in said or "under continued attendance" in said


def words_of(result: Result) -> str:
    """All that is generated: sentence, estimand, caveats, and every cell of text."""
    cells = [
        str(cell)
        for name in result.table
        for cell in result.table[name]
        if isinstance(cell, str)
    ]
    return " ".join(
        [
            result.text,
            result.estimand,
            result.reason,
            result.collect,
            *result.caveats,
            *cells,
        ]
    ).lower()
