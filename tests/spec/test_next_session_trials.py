"""Who is in a trial of the next session, on which arm, and which score is its outcome: every
boundary once.
"""

import numpy as np
from spec.tables import cohort, plain

from kettrack.analysis.next_session.decisions import (
    EXCLUSIONS,
    HISTORY,
    decision_points,
    exclusion_codes,
)
from kettrack.analysis.next_session.trials import find_trials
from kettrack.timelines.derived import derive


def trials_of(clinic, *columns, grace=7, recall=14):
    """Patient -> one tuple per trial: number of the session, then the columns."""
    trials = find_trials(decision_points(derive(clinic)), grace, recall)
    names = clinic.patients["patient_id"].to_numpy()[trials.patient]
    cells = zip(
        names,
        trials.session,
        *(getattr(trials, column) for column in columns),
        strict=True,
    )
    out = {str(name): [] for name in clinic.patients["patient_id"]}
    for name, *values in cells:
        out[name].append(tuple(map(plain, values)))
    return out


def why(clinic, grace=7, recall=14):
    """Patient -> per session day the reason it is no trial; None where it is one."""
    points = decision_points(derive(clinic))
    names = clinic.patients["patient_id"].to_numpy()[points.patient]
    out = {}
    for name, fault in zip(names, exclusion_codes(points, grace, recall), strict=True):
        out.setdefault(str(name), []).append(None if fault < 0 else EXCLUSIONS[fault])
    return out


def test_the_arm_is_settled_on_the_last_day_of_the_grace():
    clinic = cohort(
        "patient | day | score\n in | -1 | 20\n late | -1 | 20\n never | -1 | 20\n same | -1"
        " | 20",
        "patient | days\n in | 0 7\n late | 0 8\n never | 0\n same | 0 0",
        "patient | observed_to_day | planned_sessions\n in | 90 | 6\n late | 90 | 6\n never | 90"
        " | 6\n same | 90 | 6",
    )
    first = {
        name: rows[0]
        for name, rows in trials_of(clinic, "arm", "stopped", "settled").items()
    }
    assert first == {
        "in": (1, True, False, 7),
        "late": (1, False, False, 7),
        "never": (1, False, True, 7),
        "same": (1, False, True, 7),
    }
    assert {name: len(rows) for name, rows in trials_of(clinic).items()} == {
        "in": 2,
        "late": 2,
        "never": 1,
        "same": 1,
    }
    assert [row[1] for row in trials_of(clinic, "arm", grace=8)["late"]] == [
        True,
        False,
    ]


OUTCOMES = """
    patient | day | score | timing
    early   |  -1 | 20    |
    early   |  20 | 11    |          # one day before the window
    early   |  21 | 12    |
    early   |  22 | 13    |
    edge    |  -1 | 20    |
    edge    |  35 | 14    |
    beyond  |  -1 | 20    |
    beyond  |  36 | 14    |
    empty   |  -1 | 20    |
    empty   |  21 |       |          # incomplete: nothing was measured
    empty   |  24 | 15    |
    """
LOGS = "patient | observed_to_day\n early | 35\n edge | 35\n beyond | 35\n empty | 35"


def test_the_outcome_is_the_first_score_of_the_window():
    found = trials_of(cohort(OUTCOMES, patients=LOGS), "outcome", "after")
    assert found == {
        "early": [(1, 12, 21)],
        "edge": [(1, 14, 35)],
        "beyond": [(1, None, None)],
        "empty": [(1, 15, 24)],
    }


def test_the_log_must_cover_the_window_and_nothing_else_of_the_future_decides():
    logs = LOGS.replace("early | 35", "early | 34").replace("beyond | 35", "beyond |")
    assert why(cohort(OUTCOMES, patients=logs)) == {
        "early": ["log_ends"],
        "edge": [None],
        "beyond": ["log_ends"],
        "empty": [None],
    }
    assert why(cohort(OUTCOMES, patients=logs), recall=0)["early"] == [None]


def test_a_score_taken_before_the_session_of_somebody_who_paused_and_came_back_counts():
    clinic = cohort(
        "patient | day | score | timing\n back | -1 | 20 |\n back | 21 | 18 | before\n back | 28"
        " | 6 | before",
        "patient | days\n back | 0 21",
        "patient | observed_to_day | planned_sessions\n back | 90 | 6",
    )
    assert trials_of(clinic, "arm", "outcome", "after", "received")["back"][0] == (
        1,
        False,
        18,
        21,
        0,
    )


def test_without_recall_a_score_of_the_next_session_counts_when_taken_after_it():
    clinic = cohort(
        """
        patient | day | score | timing
        before  |  -1 | 20    |
        before  |   7 | 15    | before
        before  |   9 | 14    |
        after   |  -1 | 20    |
        after   |   7 | 15    | before
        after   |   7 | 13    | after
        unsure  |  -1 | 20    |
        unsure  |   7 | 15    | unknown
        pauses  |  -1 | 20    |
        pauses  |   7 | 15    |
        sooner  |  -1 | 20    |
        sooner  |   7 | 15    | before   # the next session was on day 3
        """,
        "patient | days\n before | 0 7\n after | 0 7\n unsure | 0 7\n pauses | 0\n sooner |"
        " 0 3 7",
        "patient | observed_to_day\n before | 24\n after | 24\n unsure | 24\n pauses | 24\n"
        " sooner | 24",
    )
    first = {
        name: rows[0][1:]
        for name, rows in trials_of(
            clinic, "outcome", "after", "received", recall=0
        ).items()
    }
    assert first == {
        "before": (14, 9, 1),
        "after": (13, 7, 1),
        "unsure": (None, None, None),
        "pauses": (15, 7, 0),
        "sooner": (15, 7, 1),  # session 3 came after the score of its day
    }


def test_the_score_of_the_next_sessions_day_is_no_history():
    clinic = cohort(
        "patient | day | score | timing\n a | -1 | 20 |\n a | 7 | 8 | before\n b | -1 | 20 |\n b"
        " | 7 | 8 |",
        "patient | days\n a | 0 7\n b | 0",
        "patient | observed_to_day\n a | 90\n b | 90",
    )
    trials = find_trials(decision_points(derive(clinic)), 7, 14)
    first = trials.take(trials.session == 1)
    place = [HISTORY.index(name) for name in ("score", "previous_score", "mean_score")]
    assert first.history[:, place].tolist() == [[20, 20, 20], [20, 20, 20]]
    assert np.isnan(first.since).all()  # not even within the grace


def test_scores_within_the_grace_are_known_from_the_next_day():
    clinic = cohort(
        "patient | day | score\n a | -1 | 20\n a | 2 | 15\n a | 5 | 11\n b | -1 | 20\n b | 5"
        " | 11",
        "patient | days\n a | 0 6\n b | 0 5",
        "patient | observed_to_day\n a | 90\n b | 90",
    )
    trials = find_trials(decision_points(derive(clinic)), 7, 14)
    first = trials.take(trials.session == 1)
    assert [[plain(cell) for cell in row] for row in first.since] == [
        [None, None, 15, 15, 15, 11, 11],
        [None] * 5 + [11, 11],
    ]
    # so the second patient's score came too late to decide
    assert first.settled.tolist() == [6, 5]


def test_reasons_to_leave_a_decision_out():
    clinic = cohort(
        """
        patient | day | score
        fresh   | -14 | 20
        stale   | -15 | 20
        planned |  -1 | 20
        twelve  |  -1 | 20
        twelve  |  30 | 20
        mild    |  -1 |  9
        bare    |   2 | 20
        treated |  -1 | 20
        """,
        """
        patient | days
        fresh   | 0
        stale   | 0
        planned | 0 3
        twelve  | 0 3 6 9 12 15 18 21 24 27 30 33
        mild    | 0
        bare    | 0
        treated | 0 10
        """,
        """
        patient | observed_to_day | planned_sessions
        fresh   | 90 | 6
        stale   | 90 | 6
        planned | 90 | 2
        twelve  | 90 |
        mild    | 90 | 6
        bare    | 90 | 6
        treated | 90 | 6
        """,
        "patient | day | event\n treated | -5 | ect",
    )
    found = why(clinic)
    assert found["twelve"] == [None] * 5 + ["no_recent_score"] * 5 + [
        None,
        "planned_end",
    ]
    assert {name: reasons for name, reasons in found.items() if name != "twelve"} == {
        "fresh": [None],
        "stale": ["no_recent_score"],
        "planned": [None, "planned_end"],
        "mild": ["below_caseness"],
        "bare": ["no_baseline"],
        "treated": ["ect_or_tms", None],
    }


def test_deaths_and_admissions_of_the_window_are_seen():
    names = ("day0", "in", "end", "later")
    clinic = cohort(
        "patient | day | score\n" + "\n".join(f" {name} | -1 | 20" for name in names),
        patients="patient | observed_to_day\n"
        + "\n".join(f" {name} | 90" for name in names),
        events="""
        patient | day | event
        day0    |  0  | hospitalisation
        in      |  1  | hospitalisation
        end     | 35  | death
        later   | 36  | death
        """,
    )
    found = trials_of(clinic, "died", "admitted")
    assert found == {
        "day0": [(1, False, False)],
        "in": [(1, False, True)],
        "end": [(1, True, False)],
        "later": [(1, False, False)],
    }


def test_the_measure_left_out_is_of_the_same_time():
    clinic = cohort(
        """
        patient | day | score | instrument
        fresh   |  -1 | 20    | PHQ-9
        fresh   | -14 |  9    | GAD-7
        fresh   |   1 |  3    | GAD-7
        stale   |  -1 | 20    | PHQ-9
        stale   | -15 |  9    | GAD-7
        never   |  -1 | 20    | PHQ-9
        """,
        patients="patient | observed_to_day\n fresh | 90\n stale | 90\n never | 90",
    )
    found = trials_of(clinic, "left_out_measure")
    assert found == {"fresh": [(1, 9)], "stale": [(1, None)], "never": [(1, None)]}


def decided(going_on: int, pausing: int):
    """Why the first decisions of so many people are left out; one reason for all."""
    names = [f"p{number}" for number in range(going_on + pausing)]
    days = ["0 7"] * going_on + ["0"] * pausing
    scores = "".join(f"\n {name} | -1 | 20" for name in names)
    sessions = "".join(
        f"\n {name} | {day}" for name, day in zip(names, days, strict=True)
    )
    logs = "".join(f"\n {name} | 90 | 6" for name in names)
    clinic = cohort(
        f"patient | day | score{scores}",
        f"patient | days{sessions}",
        f"patient | observed_to_day | planned_sessions{logs}",
    )
    (reason,) = {reasons[0] for reasons in why(clinic).values()}
    return reason


def test_nobody_decides_where_hardly_anybody_does_otherwise():
    """At least two in a hundred must go on, and at least two must pause."""
    assert decided(going_on=49, pausing=1) is None
    assert decided(going_on=50, pausing=1) == "nobody_decides"
    assert decided(going_on=60, pausing=0) == "nobody_decides"
    assert decided(going_on=1, pausing=49) is None
    assert decided(going_on=1, pausing=50) == "nobody_decides"


def test_a_few_decisions_may_all_go_one_way_by_chance():
    assert decided(going_on=10, pausing=0) is None
    assert decided(going_on=11, pausing=0) == "nobody_decides"
    assert decided(going_on=0, pausing=10) is None
