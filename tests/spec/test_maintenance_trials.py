"""Trials of the next maintenance session: where they begin, the grace of each, its arm and the days
of its outcome.
"""

import numpy as np
from spec.tables import cohort, plain

from kettrack.analysis.next_session.decisions import (
    EXCLUSIONS,
    HISTORY,
    decision_points,
    exclusion_codes,
)
from kettrack.analysis.next_session.maintenance import (
    MORE_HISTORY,
    maintenance_grace,
    maintenance_points,
)
from kettrack.analysis.next_session.trials import find_trials
from kettrack.timelines.derived import derive

WEEKLY = " ".join(str(day) for day in range(0, 500, 7))


def clinic_of(days, plan="2", scores=WEEKLY, score="15", observed="600", events=""):
    """Patient -> their session days; a score of `score` before day 0 and each of the days in
    `scores`, timed after it.
    """
    rows = [f"{name} | -1 | 20 | before" for name in days]
    rows += [
        f"{name} | {day} | {score} | after" for name in days for day in scores.split()
    ]
    return cohort(
        "patient | day | score | timing\n" + "\n".join(rows),
        "patient | days\n"
        + "\n".join(f"{name} | {given}" for name, given in days.items()),
        "patient | observed_to_day | planned_sessions\n"
        + "\n".join(f"{name} | {observed} | {plan}" for name in days),
        events,
    )


def graces(clinic, share=1.0):
    """Patient -> (maintenance session, day, gap before, grace) of every session day after the first
    course.
    """
    points = maintenance_points(derive(clinic))
    gap = points.history[:, HISTORY.index("last_gap")]
    grace = (share * maintenance_grace(points)).astype(int)
    return _by_patient(clinic, points, points.session, points.day, gap, grace)


def arms(clinic, grace=lambda days: days):
    """Patient -> (maintenance session, grace, went on, day on which that was settled) of every
    trial.
    """
    points = maintenance_points(derive(clinic))
    trials = find_trials(points, grace(maintenance_grace(points)), 14)
    return _by_patient(
        clinic, trials, trials.session, trials.grace, trials.arm, trials.settled
    )


def why(clinic):
    """Patient -> per maintenance session the reason it is no trial; None where it is one."""
    points = maintenance_points(derive(clinic))
    faults = exclusion_codes(points, maintenance_grace(points), 14)
    names = [None if fault < 0 else EXCLUSIONS[fault] for fault in faults]
    return {
        name: [row[0] for row in rows]
        for name, rows in _by_patient(clinic, points, names).items()
    }


def _by_patient(clinic, what, *columns):
    names = clinic.patients["patient_id"].to_numpy()[what.patient]
    out = {}
    for name, *cells in zip(names, *columns, strict=True):
        out.setdefault(str(name), []).append(tuple(map(plain, cells)))
    return out


def test_the_grace_is_one_and_a_half_times_the_gap_before_from_two_weeks_to_sixty_days():
    clinic = clinic_of(
        {
            "short": "0 3 6 14 23 33 44",  # up to a gap of 9 days the least grace
            "long": "0 3 17 38 78 118 159",  # 40 days give 60, and 41 no more
            "odd": "0 3 16",  # 1.5 x 13 = 19.5: whole days
        }
    )
    assert graces(clinic) == {
        "short": [
            (1, 6, 3, 14),
            (2, 14, 8, 14),
            (3, 23, 9, 14),
            (4, 33, 10, 15),
            (5, 44, 11, 16),
        ],
        "long": [
            (1, 17, 14, 21),
            (2, 38, 21, 31),
            (3, 78, 40, 60),
            (4, 118, 40, 60),
            (5, 159, 41, 60),
        ],
        "odd": [(1, 16, 13, 19)],
    }


def test_maintenance_begins_with_the_first_session_that_is_known_to_lie_beyond_the_first_course():
    planned = clinic_of({"paused": "0 3 40 60", "never": "0 3"}, plan="3")
    assert graces(planned) == {"paused": [(1, 60, 20, 30)]}
    dozen = " ".join(str(3 * i) for i in range(13))
    unplanned = clinic_of(
        {"ten": "0 10 20", "eleven": "0 10 21 24", "thirteen": dozen}, plan=""
    )
    assert graces(unplanned) == {
        "eleven": [(1, 21, 11, 16), (2, 24, 3, 14)],
        "thirteen": [(1, 36, 3, 14)],
    }


def test_no_session_day_is_in_both_questions_or_in_none():
    clinic = clinic_of(
        {"a": "0 3 10 24 45 90 93 96", "b": "0 3 70 71", "c": "0"}, plan="3"
    )
    first = decision_points(derive(clinic))
    later = maintenance_points(derive(clinic))
    both = sorted(
        zip([*first.patient, *later.patient], [*first.day, *later.day], strict=True)
    )
    assert [(int(who), int(day)) for who, day in both] == [
        *((0, day) for day in (0, 3, 10, 24, 45, 90, 93, 96)),
        *((1, day) for day in (0, 3, 70, 71)),
        (2, 0),
    ]


def test_the_arm_is_settled_on_the_last_day_of_the_trials_own_grace():
    clinic = clinic_of(
        {"in": "0 3 17 38", "late": "0 3 17 39", "never": "0 3 17", "soon": "0 3 17 20"}
    )
    first = {name: rows[0] for name, rows in arms(clinic).items()}
    assert first == {
        "in": (1, 21, True, 21),
        "late": (1, 21, False, 21),
        "never": (1, 21, False, 21),
        "soon": (1, 21, True, 3),
    }
    halved, doubled = (
        arms(clinic, grace) for grace in (lambda days: days // 2, lambda days: 2 * days)
    )
    assert {name: rows[0] for name, rows in halved.items()} == {
        "in": (1, 10, False, 10),
        "late": (1, 10, False, 10),
        "never": (1, 10, False, 10),
        "soon": (1, 10, True, 3),
    }
    assert {name: rows[0][1:] for name, rows in doubled.items()} == {
        "in": (42, True, 21),
        "late": (42, True, 22),
        "never": (42, False, 42),
        "soon": (42, True, 3),
    }


def test_the_outcome_is_the_first_score_after_the_trials_own_grace_and_the_recall():
    """Grace 22 and 31 days: windows from day 18 + 36 = 54 to 68, and from day 39 + 45 = 84 to
    98.
    """
    days = {"a": "0 3 18 39"}
    clinic = clinic_of(days, scores="3 18 39 53 68 69 83 98 99")
    points = maintenance_points(derive(clinic))
    trials = find_trials(points, maintenance_grace(points), 14)
    assert trials.after.tolist() == [68 - 18, 98 - 39]
    assert trials.received.tolist() == [1, 0]
    outside = maintenance_points(derive(clinic_of(days, scores="3 18 39 53 69 83 99")))
    assert np.isnan(
        find_trials(outside, maintenance_grace(outside), 14).outcome
    ).tolist() == [
        True,
        True,
    ]
    assert why(clinic_of(days, observed="98")) == {"a": [None, None]}
    assert why(clinic_of(days, observed="97")) == {"a": [None, "log_ends"]}


def test_from_its_third_session_on_a_re_induction_is_no_maintenance():
    """Three sessions at most 10 days apart after four weeks; that the first two begin one is not
    known on their day.
    """
    clinic = clinic_of(
        {"again": "0 3 31 34 37 40 70", "two": "0 3 31 34", "sooner": "0 3 30 33 36"},
        plan="2",
    )
    assert why(clinic) == {
        "again": [None, None, "re_induction", "re_induction", None],
        "two": [None, None],
        "sooner": [None, None, None],
    }


def test_other_reasons_are_those_of_the_first_course_and_the_plan_is_none():
    clinic = clinic_of(
        {"a": "0 3 17 60"}, scores="3 17", events="patient | day | event\n a | 10 | tms"
    )
    assert why(clinic) == {"a": ["ect_or_tms", "no_recent_score"]}
    # planned: still the first course
    assert why(clinic_of({"a": "0 3 17"}, plan="3")) == {}


def test_history_tells_of_the_response_now_and_the_longest_gap_it_was_held_over():
    """Half of 20 is a response; on day 52 it is lost, on day 80 back, and nothing later is known on
    a day.
    """
    clinic = cohort(
        """
        patient | day | score | timing
        a       |  -1 | 20    |
        a       |   3 | 10    | after
        a       |  17 |  9    | after
        a       |  38 |  8    | after
        a       |  52 | 11    | after
        a       |  80 | 10    | after
        a       | 110 |  9    | before
        """,
        "patient | days\n a | 0 3 17 38 52 80 110 150",
        "patient | observed_to_day | planned_sessions\n a | 600 | 2",
    )
    points = maintenance_points(derive(clinic))
    assert points.history.shape[1] == len(HISTORY) + len(MORE_HISTORY)
    rows = list(
        zip(
            points.day.tolist(),
            *points.history[:, len(HISTORY) :].T.tolist(),
            strict=True,
        )
    )
    assert rows == [
        (17, 1, 14),
        (38, 1, 21),
        (52, 0, 21),
        (80, 1, 21),
        (110, 1, 30),
        (150, 1, 30),
    ]
    # the number in the patient
    assert points.history[:, HISTORY.index("session")].tolist() == [3, 4, 5, 6, 7, 8]
