"""Answers by group: who is in which group, what is compared, what is refused, and what no group
explains.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from simulated import simulated_cohort
from spec.tables import cohort, one_each

from kettrack import Cohort, cohort_from_frames, estimate
from kettrack.analysis.subgroups.comparison import _times
from kettrack.analysis.subgroups.groups import groups_of, unknown_words
from kettrack.analysis.subgroups.split_questions import SPLIT_QUESTIONS
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.survival.competing_risks import count_competing_risks
from kettrack.timelines.derived import derive

PEOPLE = """
patient | day | score
early   |  -1 | 20
early   |   9 | 16        # 20 % after session 2
late    |  -1 | 20
late    |   9 | 17        # 15 %
unseen  |  -1 | 12
unseen  |   3 |  2        # scored after session 1 only
bare    |   5 | 12        # no baseline
"""
SESSIONS = "patient | days\n early | 0 7 14\n late | 0 7 14\n unseen | 0 7\n bare | 0 7"


@pytest.fixture(scope="module")
def weekly() -> Cohort:
    return simulated_cohort("A", 400, seed=2)


def test_severity_is_that_of_the_baseline() -> None:
    found = groups_of(derive(cohort(PEOPLE, SESSIONS)), "severity")
    assert found.dropna().astype(str).to_dict() == {
        "early": "severe",
        "late": "severe",
        "unseen": "moderate",
    }


def test_early_response_is_known_at_session_2() -> None:
    found = groups_of(derive(cohort(PEOPLE, SESSIONS)), "early_response")
    assert found.dropna().astype(str).to_dict() == {
        "early": "20 % or more by session 2",
        "late": "below 20 % by session 2",
    }


def test_route_is_that_of_the_first_session_most_common_first() -> None:
    clinic = cohort(PEOPLE, SESSIONS)
    sessions = clinic.sessions.assign(
        route=["im", "iv", "iv", "iv", "iv", "iv", "iv", "iv", "iv", None][
            : len(clinic.sessions)
        ]
    )
    made = cohort_from_frames(sessions, clinic.scores)
    found = groups_of(derive(made), "route")
    assert found.cat.categories.tolist() == ["iv", "im"]
    assert one_each(found.rename("route").reset_index(), "route")["bare"] == "im"


CHARACTERISTICS = """
patient | age | sex     | ptsd  | site | failed_antidepressants
a       | 30  | female  | TRUE  | K1   | 1
b       | 40  | female  | FALSE | K2   | 1
c       | 50  | male    |       | K2   | 1
d       | 60  | unknown | FALSE | K2   | 0
"""
# Asked for by this name, the groups of these people: a missing one is in no group.
GROUPED = {
    "age": "age 40 or less, age 40 or less, age 41 to 50, age 51 or more",
    "sex": "female, female, male, nan",
    "ptsd": "ptsd: yes, ptsd: no, nan, ptsd: no",
    "site": "K1, K2, K2, K2",
    "failed-antidepressants": (
        "failed antidepressants 1 or more, failed antidepressants 1 or more,"
        " failed antidepressants 1 or more, failed antidepressants 0"
    ),
    "GAD-7": "GAD-7 mild, nan, nan, nan",
}


@pytest.fixture(scope="module")
def recorded() -> Cohort:
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in CHARACTERISTICS.strip().splitlines()
    ]
    patients = pd.DataFrame(rows[1:], columns=["patient_id", *rows[0][1:]])
    people = patients["patient_id"].tolist()
    scores = pd.DataFrame(
        {"patient_id": people, "day": -1, "instrument": "PHQ-9", "score": 15}
    )
    other = pd.DataFrame(
        {
            "patient_id": ["a", "a", "b", "c"],
            # of a the later counts; b is scored after the session, c too early
            "day": [-9, 0, 0, -31],
            "instrument": "GAD-7",
            "score": [20, 6, 6, 6],
            "timing": ["", "before", "after", ""],
        }
    )
    sessions = pd.DataFrame({"patient_id": people, "day": 0})
    return cohort_from_frames(
        sessions, pd.concat([scores, other]), patients.replace("", None)
    )


@pytest.mark.parametrize("by", GROUPED)
def test_every_column_and_every_other_scale_makes_groups(
    recorded: Cohort, by: str
) -> None:
    found = groups_of(derive(recorded), by)
    assert ", ".join(found.astype("object").map(str)) == GROUPED[by]


def test_the_commonest_level_is_what_others_are_compared_with(recorded: Cohort) -> None:
    assert groups_of(derive(recorded), "site").cat.categories.tolist() == ["K2", "K1"]


def test_what_comes_later_or_is_not_recorded_makes_no_group(recorded: Cohort) -> None:
    for by in ("stop_reason", "observed_to_day", "patient_id", "ethnicity", "phq_9"):
        with pytest.raises(
            UsageError, match="There are: severity, route, early_response, age, sex"
        ):
            groups_of(derive(recorded), by)


def test_people_who_began_worse_are_found_to_respond_alike(weekly: Cohort) -> None:
    """The share of the first group plus the difference is the share of the other."""
    table = estimate("response_by_session", weekly, by="severity").table
    first = table[table["difference"].isna()].set_index("at")["estimate"]
    others = table.dropna(subset=["difference"])
    assert len(others)
    assert (others["at"].map(first) + others["difference"]).to_numpy() == pytest.approx(
        others["estimate"].to_numpy()
    )
    assert (others["difference_low"] < others["difference"]).all()


def test_early_responders_respond_more_often_later(weekly: Cohort) -> None:
    found = estimate("response_by_session", weekly, by="early_response")
    table = found.table.dropna(subset=["difference"])
    assert (table["difference_low"] > 0).all()
    assert table["at"].min() > 2  # the landmark itself is no result
    assert "Landmark" in " ".join(found.caveats)


def test_groups_made_by_chance_do_not_differ(weekly: Cohort) -> None:
    """A route drawn at random explains nothing: the joint intervals hold zero in nearly every
    draw.
    """
    missed = 0
    rng = np.random.default_rng(5)
    for _ in range(10):
        route = pd.Series(
            rng.choice(["iv", "im"], len(weekly.patients)),
            index=weekly.patients["patient_id"],
        )
        sessions = weekly.sessions.assign(
            route=weekly.sessions["patient_id"].map(route)
        )
        clinic = replace(weekly, sessions=sessions)
        table = estimate("response_by_session", clinic, by="route").table.dropna(
            subset=["difference"]
        )
        missed += bool(
            ((table["difference_low"] > 0) | (table["difference_high"] < 0)).any()
        )
    assert missed <= 2


def test_small_groups_are_named(weekly: Cohort) -> None:
    found = sample_answer("response_by_session", by="severity")
    assert any(
        "groups with fewer than 11 people at risk" in caveat for caveat in found.caveats
    )


def test_going_on_is_compared_among_those_who_had_hardly_improved() -> None:
    """Of those below 20 % after session 3 who went on; the sheet counts the same people."""
    clinic = simulated_cohort("D", 900, seed=6)
    sheet = (
        estimate("should_we_go_on", clinic)
        .table.set_index("key")
        .loc["after3_below_20"]
    )
    table = estimate("should_we_go_on", clinic, by="severity").table
    assert table.drop_duplicates("group")["n"].sum() <= sheet["n"]
    assert table["n"].min() >= 11
    first = table[table["difference"].isna()].set_index("at")["estimate"]
    others = table.dropna(subset=["difference"])
    assert (others["at"].map(first) + others["difference"]).to_numpy() == pytest.approx(
        others["estimate"].to_numpy()
    )


def test_early_groups_are_the_rows_of_the_futility_sheet() -> None:
    """Same score, same people: those who went on after session 2 and can be followed."""
    sheet = sample_answer("should_we_go_on").table.set_index("key")["n"]
    groups = sample_answer("response_by_session", by="early_response")
    at = groups.table.drop_duplicates("group")["n"].tolist()
    assert at == sheet[["after2_below_20", "after2_20_to_49"]].tolist()


def test_who_is_in_no_group_is_counted_by_reason() -> None:
    clinic = cohort(PEOPLE, SESSIONS + "\n one | 0")
    people = groups_of(derive(clinic), "early_response")
    assert unknown_words(derive(clinic), people, "early_response") == [
        "1 people who had fewer than 2 sessions",
        "2 people without a score after session 2, before the next and within 14 days",
    ]
    assert unknown_words(
        derive(clinic), groups_of(derive(clinic), "severity"), "severity"
    ) == ["2 people without a recorded baseline"]


def test_who_is_counted_in_no_group_is_said_and_a_few_are_no_number(
    weekly: Cohort,
) -> None:
    """Three people without a recorded baseline; four whose logs end too early."""
    ids = weekly.patients["patient_id"]
    logs = weekly.patients["observed_to_day"].mask(ids.isin(ids[:4]), 14)
    scores = weekly.scores
    known = scores["patient_id"].isin(ids[4:7]) & (scores["day"] <= 0)
    thin = replace(
        weekly,
        patients=weekly.patients.assign(observed_to_day=logs),
        scores=scores[~known],
    )
    for policy, logs_end, unknown in (
        ("internal", "4", "3"),
        ("cms", "fewer than 11", "fewer than 11"),
    ):
        settings = replace(thin.settings, policy=policy)
        asked = replace(thin, settings=settings)
        answer = estimate("response_by_session", asked, by="severity")
        said = " ".join(answer.caveats)
        assert f"Not counted in any group: {logs_end} people" in said
        assert f"no group: {unknown} people without a recorded baseline" in said


def test_a_refusal_names_the_group_that_ends_first() -> None:
    step = np.repeat([1, 4], [5, 15])
    nothing_happens = np.zeros(20, int)
    ends_early = count_competing_risks(np.minimum(step, 1), nothing_happens, 4)
    all_leave = count_competing_risks(np.minimum(step, 1), nothing_happens + 2, 4)
    goes_on = count_competing_risks(step, nothing_happens, 4)
    asked = SPLIT_QUESTIONS["should_we_go_on"]
    with pytest.raises(
        NotIdentified,
        match="at 2 or 3 sessions after session 3. By then, fewer than 11 people of 'severe' are"
        " left: it can be shown only up to 1 sessions",
    ):
        _times(asked, {"moderate": goes_on, "severe": ends_early}, "severity")
    # who has left for another reason stays in the count
    assert _times(asked, {"moderate": goes_on, "severe": all_leave}, "severity") == [
        2,
        3,
    ]


def test_rates_in_maintenance_are_compared_by_ratio() -> None:
    table = sample_answer("maintenance", by="severity").table
    rates = 700 * table["events"] / table["person_days"]
    assert table["estimate"].to_numpy() == pytest.approx(rates.to_numpy())
    assert table["ratio"].iloc[1:].to_numpy() == pytest.approx(
        (rates.iloc[1:] / rates.iloc[0]).to_numpy()
    )
    assert (table["ratio_low"].iloc[1:] < table["ratio"].iloc[1:]).all()


def test_refused_when_there_is_nobody_to_compare() -> None:
    found = estimate(
        "response_by_session",
        cohort(PEOPLE, SESSIONS, "patient | observed_to_day\n early | 140"),
        by="route",
    )
    assert (found.status, found.name) == ("refused", "response_by_session_by_route")


@pytest.mark.parametrize(
    ("name", "by"), [("ladder", "route"), ("response_by_session", "shoe_size")]
)
def test_what_cannot_be_asked_lists_what_can(
    weekly: Cohort, name: str, by: str
) -> None:
    with pytest.raises(UsageError, match="response_by_session|early_response"):
        estimate(name, weekly, by=by)
