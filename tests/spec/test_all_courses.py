"""Response and worsening beyond the first course: who leaves the count when, and why."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from spec.tables import cohort

import kettrack as kt
from kettrack.analysis.courses.by_week import WEEK_CAUSES, event_days, week_exits
from kettrack.analysis.courses.worsening import could_meet, seen_again
from kettrack.analysis.response.across_courses import all_course_exits
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.settings import Settings

LONG = 400  # observed_to_day: complete for 60 days after everything below
SCORES = """
    patient  | day | score
    first    |  -1 | 20
    first    |   9 |  5         # in the first course
    back     |  -1 | 20
    back     |   9 | 18
    back     | 125 |  6         # in the second course
    well     |  -1 | 20
    well     |   9 | 18
    well     |  60 |  4         # long after the last session
    stops    |  -1 | 20
    stops    |   9 | 18
    planned  |  -1 | 20
    planned  |   9 | 18
    silent   |  -1 | 20
    silent   |   2 | 18
    never    |  -1 | 20
    new      |  -1 | 20
    new      |   9 |  5         # the log is not complete for 60 days after it
    """
SESSIONS = """
    patient  | days
    first    | 0 3 7
    back     | 0 3 7 120 123 127
    well     | 0 3 7
    stops    | 0 3 7
    planned  | 0 3 7
    silent   | 0 3 7
    never    | 0 3
    new      | 0 3 7
    """
PATIENTS = f"""
    patient  | observed_to_day | planned_sessions
    first    | {LONG} |
    back     | {LONG} |
    well     | {LONG} |
    stops    | {LONG} |
    planned  | {LONG} | 3
    silent   | {LONG} |
    never    | {LONG} |
    new      | 63     |
    """


@pytest.fixture(scope="module")
def clinic():
    return kt.derive(cohort(SCORES, SESSIONS, PATIENTS))


def left(table, causes):
    names = ("log ends", *causes)
    return {row.patient_id: (row.step, names[row.cause]) for row in table.itertuples()}


def test_sessions_of_all_courses_count(clinic):
    assert left(all_course_exits(clinic), CAUSES) == {
        "first": (3, "responded"),
        "back": (5, "responded"),
        "well": (3, "stopped"),
        "stops": (3, "stopped"),
        "planned": (3, "completed"),
        "silent": (3, "not_scored"),
        "never": (2, "not_scored"),
        "new": (2, "log ends"),
    }
    # the first course alone ends before it
    assert left(first_course_exits(clinic), CAUSES)["back"] == (3, "stopped")


def days(clinic, leaving):
    event = event_days(clinic, clinic.response_rule, clinic.rated)
    exits = week_exits(clinic, event, clinic.rated, leaving)
    # a step is a day counted from 1
    return left(exits.assign(step=exits["step"] - 1), WEEK_CAUSES)


def test_days_since_session_1_count_as_long_as_somebody_scores(clinic):
    expected = {
        "first": (9, "event"),
        "back": (125, "event"),
        "well": (60, "event"),
        "stops": (9, "stopped"),
        "planned": (9, "stopped"),
        "silent": (2, "not_scored"),
        "never": (0, "not_scored"),
        "new": (3, "log ends"),
    }
    assert days(clinic, "last score") == expected
    # where sessions count, those who stopped leave some days after the last one
    stop = 7 + clinic.criteria.late_after_days
    stopped = dict.fromkeys(("well", "stops", "planned"), (stop, "stopped"))
    assert days(clinic, "last session") == expected | stopped


def many(*kinds):
    """Kinds of people, so many of each: scores as day:score, session days."""
    scores, sessions, names = [], [], []
    for number, scored, came in kinds:
        for _ in range(number):
            name = f"P{len(names):03d}"
            names.append(name)
            for word in scored.split():
                day, score = map(int, word.split(":"))
                scores.append((name, day, score, "PHQ-9", "before"))
            sessions += [(name, int(day)) for day in came.split()]
    patients = pd.DataFrame({"patient_id": names, "observed_to_day": LONG})
    columns = ["patient_id", "day", "score", "instrument", "timing"]
    return kt.derive(
        kt.cohort_from_frames(
            pd.DataFrame(sessions, columns=["patient_id", "day"]),
            pd.DataFrame(scores, columns=columns),
            patients,
            settings=Settings(),
        )
    )


def test_a_response_in_the_second_course_stands_in_a_curve():
    clinic = many(
        (20, "0:20 9:5", "0 3 7"),
        (10, "0:20 9:18 125:6 140:6", "0 3 7 120 123 127"),
        (10, "0:20 9:18 60:4", "0 3 7"),
    )
    sessions = kt.estimate("response_by_any_session", clinic).table
    assert sessions["estimate"].tolist()[:5] == [0, 0, 50, 50, 75]
    assert sessions["first_course"].tolist()[:5] == [0, 0, 50, 50, 50]
    bands = sessions[["estimate", *CAUSES[1:], "still_coming"]].sum(axis=1)
    assert bands.tolist() == pytest.approx([100] * len(sessions))
    weeks = kt.estimate("response_by_week", clinic).table.set_index("week")
    assert weeks["estimate"][[1, 2, 8, 9, 17, 18, 26]].tolist() == [
        0,
        50,
        50,
        75,
        75,
        100,
        100,
    ]
    # all are told: nobody's log ended
    assert weeks["log_ends"].sum() == 0
    bands = weeks[["estimate", "stopped", "not_scored", "still_followed"]].sum(axis=1)
    assert bands.tolist() == pytest.approx([100] * len(weeks))


def test_the_ladder_of_responders_adds_up():
    clinic = many(
        (20, "0:20 9:5", "0 3 7"),
        (7, "0:20 9:18 125:6 140:6", "0 3 7 120 123 127"),
        (5, "0:20 9:18 60:4", "0 3 7"),
        (4, "0:20 9:18", "0 3 7"),
    )
    found = kt.estimate("responders", clinic)
    steps = found.table.set_index("key")
    places = ["events", "outcomes", "all_courses", "first_course"]
    assert steps["left"][places].tolist() == [32, 32, 27, 20]
    assert (steps["lost"]["late"], steps["lost"]["later"]) == (5, 7)
    # every row loses exactly what the next has less
    assert (-steps["left"].diff().fillna(0)).tolist() == steps["lost"].tolist()
    curve = kt.estimate("response_by_session", clinic).table
    assert steps["left"]["first_course"] == curve["new_responded"].sum()
    every = kt.estimate("response_by_any_session", clinic).table
    assert steps["left"]["all_courses"] == every["new_responded"].sum()
    assert "27 of them stand in the curve of all courses" in found.text


def test_harm_counts_everybody_and_who_could_be_seen_to_get_worse():
    clinic = many(
        (10, "0:20 9:26 20:20", "0 3 7"),  # worse once
        (5, "0:21 9:27 20:27", "0 3 7"),  # the highest baseline that can; worse twice
        (15, "0:22 9:27", "0 3 7"),  # a rise of 6 does not fit on the scale
        (6, "0:8 9:14 20:8", "0 3 7"),  # below caseness
        (14, "0:20 9:18", "0 3 7"),
        (3, "0:20", "0 3 7"),  # never scored again
    )
    found = kt.estimate("worsening", clinic)
    table = found.table.set_index("key")
    assert table.loc["worse", ["n", "could", "events"]].tolist() == [50, 35, 21]
    assert table.loc["could", ["n", "events"]].tolist() == [35, 21]
    assert table.loc["case", ["n", "events"]].tolist() == [44, 15]
    assert table.loc["below", ["n", "events"]].tolist() == [6, 6]
    assert table.loc["worse_confirmed", ["n", "events"]].tolist() == [50, 5]
    parts = table.loc[["case", "below", "prior"], ["n", "could", "events"]].sum()
    assert parts.tolist() == [50, 35, 21]
    assert "Only 35 of them began far enough" in found.text
    weeks = kt.estimate("worsening_by_week", clinic)
    last = weeks.table.iloc[-1]
    # whoever was never scored again stays in the denominator, as with response
    assert last["n"] == 53
    assert last["estimate"] == pytest.approx(100 * 21 / 53)
    assert last["confirmed"] == pytest.approx(100 * 5 / 53)
    assert last["responded"] == 0
    assert "by week 2 (40 %)" in weeks.text


def test_a_rule_of_two_scores_is_not_told_as_one_score():
    """12 of 20 are worse at one score, 4 of them at a second one a week later."""
    clinic = many(
        (8, "0:15 4:22 9:14", "0 3 7"),
        (4, "0:15 4:22 12:22", "0 3 7"),
        (8, "0:15 9:14", "0 3 7"),
    )
    derived = kt.derive(clinic)
    twice = replace(
        derived.criteria,
        deterioration=seen_again(derived.criteria.deterioration),
    )
    found = kt.estimate("worsening_by_week", derived.with_criteria(twice))
    assert found.table["estimate"].iloc[-1] == pytest.approx(20)
    assert "worse at 2 scores in a row that are 7 to 60 days apart by" in found.text
    assert "one score" not in found.text
    assert "Confirmed" not in found.text


def test_who_came_as_planned_is_not_said_to_have_stopped():
    """A planned end is no stop; the count by week only knows that no session followed."""
    clinic = many((20, "0:15 9:14", "0 3 7"))
    weeks = kt.estimate("worsening_by_week", clinic).text
    assert "had ended before" in weeks
    assert "stopped" not in weeks + kt.estimate("response_by_week", clinic).text


def test_worsening_after_the_last_session_stands_beside_the_curve():
    clinic = many(
        (12, "0:15 9:14 90:25", "0 3 7"),
        (12, "0:15 9:14 90:14", "0 3 7"),
    )
    last = kt.estimate("worsening_by_week", clinic).table.iloc[-1]
    assert (last["estimate"], last["stopped"], last["any_time"]) == (0, 100, 50)


def test_who_could_meet_a_rule_follows_scale_and_rule():
    clinic = many(
        (1, "0:10 9:9", "0"),
        (1, "0:18 9:9", "0"),
        (1, "0:21 9:9", "0"),
        (1, "0:22 9:9", "0"),
        (1, "0:27 9:9", "0"),
    )
    rule = clinic.criteria.deterioration
    assert could_meet(clinic, rule).tolist() == [True, True, True, False, False]


def test_no_placebo_and_no_rule():
    clinic = many((12, "0:20 9:26", "0 3 7"))
    sessions = clinic.sessions.assign(drug="placebo")
    refused = kt.estimate("worsening", clinic.replace(sessions=sessions))
    assert refused.status == "refused"


def test_where_logs_end_early_the_curves_find_the_truth():
    """People drawn by a process of their own; the truth is what full logs show."""
    rng = np.random.default_rng(11)
    n = 1200
    rows, sessions, worse_by, responded_by = [], [], 0, 0
    names = [f"P{place:05d}" for place in range(n)]
    for name in names:
        came = np.cumsum(np.r_[0, rng.choice([3, 4, 7, 14], size=rng.integers(2, 12))])
        sessions += [(name, int(day)) for day in came]
        level = rng.integers(12, 22)
        rows.append((name, 0, level, "PHQ-9", "before"))
        first = {}
        for day in range(6, int(came[-1]) + 8, 7):
            score = int(np.clip(level + rng.normal(-2 - day / 20, 3.5), 0, 27))
            rows.append((name, day, score, "PHQ-9", "after"))
            if score <= level / 2:
                first.setdefault("responded", day)
            if score >= level + 6:
                first.setdefault("worse", day)
        responded_by += first.get("responded", 999) <= 56
        worse_by += first.get("worse", 999) <= 56
    # a log ends on a day that has nothing to do with the person
    ends = rng.integers(60, 200, size=n)
    end = dict(zip(names, ends, strict=True))
    patients = pd.DataFrame({"patient_id": names, "observed_to_day": ends})
    columns = ["patient_id", "day", "score", "instrument", "timing"]
    clinic = kt.derive(
        kt.cohort_from_frames(
            pd.DataFrame(
                [row for row in sessions if row[1] <= end[row[0]]],
                columns=["patient_id", "day"],
            ),
            pd.DataFrame(
                [row for row in rows if row[1] <= end[row[0]]], columns=columns
            ),
            patients,
            settings=Settings(),
        )
    )
    response = kt.estimate("response_by_week", clinic).table.set_index("week").loc[8]
    harm = kt.estimate("worsening_by_week", clinic).table.set_index("week").loc[8]
    assert response["log_ends"] > 0
    assert response["estimate"] == pytest.approx(100 * responded_by / n, abs=3)
    assert harm["any_time"] == pytest.approx(100 * worse_by / n, abs=1.5)


def test_week_1_ends_with_day_7():
    clinic = many(
        (6, "0:20 7:5 60:5", "0 3 10"),
        (6, "0:20 8:5 60:5", "0 3 10"),
        (6, "0:20 14:5 60:5", "0 3 10"),
        (6, "0:20 15:5 60:5", "0 3 10"),
    )
    found = kt.estimate("response_by_week", clinic).table
    assert found["estimate"].tolist()[:4] == [25, 75, 100, 100]
    assert found["new_event"].tolist()[:4] == [6, 12, 6, 0]
    assert found["at_risk"].tolist()[:4] == [24, 18, 6, 0]


def test_who_was_treated_before_is_one_part_of_everybody():
    clinic = many((12, "0:15 9:26", "0 3 7"))
    patients = clinic.patients
    prior = pd.array([4] * 5 + [0] * 7, dtype=patients["prior_sessions"].dtype)
    found = kt.estimate(
        "worsening", clinic.replace(patients=patients.assign(prior_sessions=prior))
    )
    table = found.table.set_index("key")
    parts = ["worse", "case", "below", "prior"]
    assert table.loc[parts, "n"].tolist() == [12, 7, 0, 5]
    assert table.loc[parts, "events"].tolist() == [12, 7, 0, 5]


def test_where_higher_is_better_the_worst_end_is_the_lowest(tmp_path):
    """A fall of 10 points does not fit below a well-being of 10."""
    (tmp_path / "kettrack.toml").write_text(
        """
        instrument = "WHO5"
        [instruments.WHO5]
        construct = "well-being"
        minimum = 0
        maximum = 100
        direction = "higher is better"
        [criteria]
        use = "ours"
        [criteria.ours]
        instrument = "WHO5"
        [criteria.ours.deterioration]
        measure = "change"
        operator = "at most"
        limit = -10
        """
    )
    scores = [("low", -1, 9), ("low", 9, 0), ("edge", -1, 10), ("edge", 9, 0)]
    frame = pd.DataFrame(scores, columns=["patient_id", "day", "score"])
    frame.assign(instrument="WHO5").to_csv(tmp_path / "scores.csv", index=False)
    sessions = pd.DataFrame({"patient_id": ["low", "edge"], "day": 0})
    sessions.to_csv(tmp_path / "sessions.csv", index=False)
    clinic = kt.derive(kt.load_cohort(tmp_path))
    could = could_meet(clinic, clinic.criteria.deterioration)
    assert dict(zip(clinic.bucket.patient_id, could.tolist(), strict=True)) == {
        "low": False,
        "edge": True,
    }
    found = kt.estimate("worsening", clinic).table.set_index("key")
    assert found.loc["worse", ["n", "could", "events"]].tolist() == [2, 1, 1]
