"""Who follows "stop after k", and who "at most k, stop once two scores in a row show remission"."""

from dataclasses import replace

import numpy as np
import pytest
from spec.tables import cohort

from kettrack.analysis.stop_after.checks import in_time
from kettrack.analysis.stop_after.comparisons import weigh_arms
from kettrack.analysis.stop_after.rows import STARTS, stop_data
from kettrack.analysis.stop_after.weights import (
    Pair,
    following_at_most,
    static_following,
)
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import derive
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instrument import Fact, Instrument
from kettrack.vocabulary.instruments import PHQ9, PROMIS_DEPRESSION
from kettrack.vocabulary.rules import Predicate, Rule

LONG = 91  # observed_to_day: the outcome window ends there


def clinic(sessions, scores="", patients=""):
    """A clinic in which everybody starts with 20 points, and a `usual` patient goes on for some
    weeks.
    """
    people = [line.split("|")[0].strip() for line in sessions.strip().splitlines()[1:]]
    started = "".join(f"{name} | -1 | 20\n" for name in [*people, "usual"])
    logs = patients or "patient | observed_to_day\n" + "".join(
        f"{name} | {LONG}\n" for name in people
    )
    return cohort(
        "patient | day | score\n" + started + scores,
        sessions.rstrip() + "\n usual | 0 7 14 21\n",
        logs + f"usual | {LONG}\n",
    )


def named(made, values):
    data = stop_data(derive(made))
    return dict(
        zip(
            made.patients["patient_id"].iloc[data.patient],
            np.asarray(values(data)).tolist(),
            strict=True,
        )
    )


def followed(made, usual_care=False):
    return named(made, lambda data: static_following(data, usual_care).sessions)


def at_most(made, most):
    return named(made, lambda data: following_at_most(data, most).followed)


def test_each_session_within_28_days_and_then_none_to_day_84():
    made = clinic("""
        patient    | days
        weekly     | 0 7 14
        just       | 0 28 56       # each on the last day of the grace
        late       | 0 29          # a day too late: departed from every strategy
        back       | 0 7 60        # comes back after the grace
        day_84     | 0 7 84        # the last day on which a session is forbidden
        day_85     | 0 7 85        # after the outcome's day
        twice      | 0 0 7         # two sessions in a day are one
        once       | 0
        """)
    expected = {
        "weekly": 3,
        "just": 3,
        "late": 0,
        "back": 0,
        "day_84": 0,
        "day_85": 2,
        "twice": 2,
        "once": 1,
        "usual": 4,
    }
    assert followed(made) == expected
    assert followed(made, usual_care=True) == expected | {
        "late": 1,
        "back": 2,
        "day_84": 2,
    }


def test_the_cohort_is_fixed_on_day_0():
    made = cohort(
        """
        patient | day | score
        case    |  -1 | 20
        no_base |   5 |  4
        well    |  -1 |  9
        before  |  -1 | 20
        short   |  -1 | 20
        unclear |  -1 | 20
        """,
        "patient | days\n case | 0 7\n no_base | 0 7\n well | 0 7\n before | 0 7\n short | 0 7\n"
        " unclear | 0 7",
        f"""
        patient | observed_to_day | prior_sessions
        case    | {LONG}          |
        no_base | {LONG}          |
        well    | {LONG}          |
        before  | {LONG}          | 2
        short   | {LONG - 1}      |
        unclear |                 |
        """,
    )
    data = stop_data(derive(made))
    assert data.n == 1
    assert data.left_out == {
        "no_baseline": 1,
        "below_caseness": 1,
        "prior_sessions": 1,
        "placebo": 0,
        "log_ends": 2,
    }


def test_refuses_when_nobody_can_be_followed():
    with pytest.raises(NotIdentified, match="no log says to which day it is complete"):
        stop_data(
            derive(
                cohort(
                    "patient | day | score\n a | -1 | 20", "patient | days\n a | 0 7"
                )
            )
        )


def test_the_outcome_is_the_score_nearest_day_84():
    made = clinic(
        "patient | days\n near | 0 7\n tie | 0 7\n first | 0 7\n last | 0 7\n far | 0 7\n bare"
        " | 0 7",
        """
        near  | 80 | 5
        near  | 86 | 6
        tie   | 81 | 7
        tie   | 87 | 8      # as far: the earlier one
        first | 77 | 9
        last  | 91 | 4
        far   | 76 | 3
        far   | 92 | 3
        """,
    )
    data = stop_data(derive(made))
    found = named(made, lambda data: np.where(data.observed, data.outcome, -1))
    assert found == {
        "near": 6,
        "tie": 7,
        "first": 9,
        "last": 4,
        "far": -1,
        "bare": -1,
        "usual": -1,
    }
    assert data.n == 7


def test_history_never_holds_a_score_of_the_day_of_the_next_session():
    made = clinic(
        "patient | days\n a | 0 7 14",
        """
        a | 0 | 18
        a | 3 | 17      # before the bin of days 4-7 begins
        a | 4 | 11      # the day on which it begins
        a | 7 |  3      # only those who came can have it
        """,
    )
    data = stop_data(derive(made))
    rows = data.rows
    last_score = rows.history[:, 2]
    mine = rows.patient == made.patients["patient_id"].tolist().index("a")
    in_bin = STARTS[rows.bin] == 4
    assert last_score[mine & in_bin & (rows.session == 1)].tolist() == [17]
    assert last_score[mine & in_bin & (rows.session == 2)].tolist() == [3]
    assert rows.event[mine & in_bin & (rows.session < 3)].all()


def test_a_response_that_was_there_and_is_lost_is_part_of_the_history():
    made = clinic(
        "patient | days\n a | 0 7 14\n b | 0 7 14",
        """
        a |  2 | 12
        a |  6 |  9      # half of 20 or less
        a | 13 | 11      # no longer
        b |  6 | 25      # the baseline stays the best
        """,
    )
    rows = stop_data(derive(made)).rows
    people = made.patients["patient_id"].tolist()
    best = rows.history[:, 7]
    lost = rows.history[:, 8]
    seen = {}
    for name in "ab":
        mine = (rows.patient == people.index(name)) & (STARTS[rows.bin] == 4)
        order = np.argsort(rows.session[mine])
        seen[name] = list(
            zip(best[mine][order].tolist(), lost[mine][order].tolist(), strict=True)
        )
    assert seen == {"a": [(12, 0), (9, 0), (9, 1)], "b": [(20, 0), (20, 0), (20, 0)]}


def test_bins_in_which_nobody_ever_comes_are_certain():
    data = stop_data(derive(clinic("patient | days\n a | 0 7 14\n b | 0 7")))
    assert set(STARTS[data.rows.bin]) == {4}  # all gaps here are of seven days
    assert data.rows.session.max() == 3  # nobody goes on from session 4


def test_two_scores_in_remission_end_the_sessions():
    made = clinic(
        """
        patient  | days
        stops    | 0 7 14
        due      | 0 7 14 21
        two_more | 0 7 14 21 28
        too_late | 0 7 14 24
        six_days | 0 7 14
        between  | 0 7 14
        full     | 0 7 14 21 28 35
        goes_on  | 0 7 14 21 28 35 42
        short    | 0 7
        unaided  | 0 7
        """,
        """
        stops    |  7 | 4
        stops    | 14 | 4        # trigger on the day of the third session
        due      |  7 | 4
        due      | 14 | 3        # one session in the seven days after it is allowed
        two_more |  7 | 4
        two_more | 14 | 4
        too_late |  7 | 4
        too_late | 14 | 4        # the next one comes ten days after the trigger
        six_days |  8 | 4
        six_days | 14 | 4        # six days apart: no trigger, and 3 are not 6
        between  |  7 | 4
        between  | 10 | 5        # no longer in remission
        between  | 14 | 4
        short    | 14 | 12
        unaided  | 14 | 4
        unaided  | 21 | 4        # within the grace of the second session
        """,
    )
    expected = dict.fromkeys(("stops", "due", "full", "unaided"), True)
    expected |= dict.fromkeys(
        ("two_more", "too_late", "six_days", "between", "goes_on", "short", "usual"),
        False,
    )
    assert at_most(made, 6) == expected
    assert at_most(made, 3) == dict.fromkeys(expected, False) | dict.fromkeys(
        ("stops", "six_days", "between", "unaided"), True
    )  # who has three before the trigger, or on its day, must stop there: `due` goes on


def test_the_slow_count_among_those_who_had_so_many_sessions():
    """85 people come every 12 days, 15 every 18: all have 6 sessions, of which the slow have the
    last on day 90.
    """
    fast = "".join(f"\n f{i} | 0 12 24 36 48 60" for i in range(85))
    slow = "".join(f"\n s{i} | 0 18 36 54 72 90" for i in range(15))
    data = stop_data(derive(clinic(f"patient | days{fast}{slow}")))
    # by day 63; the slow have session 5 on day 72
    assert in_time(data, 14) == (1, 2, 3, 4)
    assert in_time(data, 0) == (1, 2, 3, 4, 5)  # by day 77
    assert np.nanmax(data.first_days) == 72
    assert np.nanmax(data.course_days) == 90


MADRS_CASES = "patient | day | score\n a | -1 | 30\n b | -1 | 30\n usual | -1 | 30\n"
THREE_LOGS = f"patient | observed_to_day\n a | {LONG}\n b | {LONG}\n usual | {LONG}"
THREE = "patient | days\n a | 0 7\n b | 0 7\n usual | 0 7 14 21"


def triggers(scores, **settings):
    made = cohort(f"{scores}", THREE, THREE_LOGS, **settings)
    return stop_data(derive(made)), named(
        made, lambda data: np.where(np.isinf(data.trigger), -1, data.trigger)
    )


@pytest.mark.parametrize(
    ("criteria", "day_of_a"), [("convention", -1), ("SUSTAIN-1", 14)]
)
def test_remission_is_that_of_the_criteria_in_force(criteria, day_of_a):
    scores = MADRS_CASES + "a | 7 | 12\n a | 14 | 11\n b | 7 | 10\n b | 14 | 9"
    _, found = triggers(scores, instrument="MADRS", criteria=criteria)
    # 10 or less by the convention, 12 or less in SUSTAIN-1
    assert found == {"a": day_of_a, "b": 14, "usual": -1}


def test_remission_on_a_scale_where_more_is_better():
    up = Instrument(
        name="Up",
        title="Up",
        minimum=0,
        maximum=30,
        higher_is_worse=False,
        caseness=Fact(15, "own", "user"),
        remission=(Fact(20, "own", "user"),),
    )
    scores = (
        "patient | day | score\n a | -1 | 5\n b | -1 | 5\n usual | -1 | 5\n a | 7 | 20\n a | 14 |"
        " 22\n b | 7 | 19\n b | 14 | 19"
    )
    data, found = triggers(scores, instrument="Up", user_instruments=(up,))
    assert data.no_remission == ""
    assert found == {"a": 14, "b": -1, "usual": -1}


def own(limit_of, operator="at most", limit=-50):
    rule = Rule(Predicate(limit_of, operator, limit))
    return replace(convention(PHQ9), name="own", remission=rule)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (
            own("percent_change"),
            "at least 50 % below baseline, not as a score",
        ),
        (replace(own("score"), remission=None), "define no remission on the PHQ-9"),
    ],
)
def test_without_a_remission_by_the_score_no_rule_ends_the_sessions(rules, why):
    scores = MADRS_CASES.replace("30", "20") + "a | 7 | 4\n a | 14 | 4"
    data, found = triggers(scores, criteria="own", user_criteria=(rules,))
    assert found == {"a": -1, "b": -1, "usual": -1}
    assert why in data.no_remission
    against = weigh_arms(data, Pair(4, 2, False, 4)).refusals["dynamic"]
    assert against is not None
    assert against.reason == data.no_remission


def test_a_remission_nobody_could_confirm_is_not_used():
    assert not PROMIS_DEPRESSION.remission[0].usable
    scores = MADRS_CASES.replace("30", "70") + "a | 7 | 45\n a | 14 | 45"
    data, found = triggers(scores, instrument="PROMIS Depression")
    assert found == {"a": -1, "b": -1, "usual": -1}
    assert "define no remission" in data.no_remission
