"""Who is watched for losing a response, from which score, and until when."""

from dataclasses import replace
from typing import Any

import pytest
from sample_answers import derived_sample
from spec.tables import cohort, one_each

from kettrack.analysis.durability.counts import CAUSES, exits, settle, watch
from kettrack.analysis.durability.intervals import intervals
from kettrack.analysis.durability.maintenance import maintenance_stretches
from kettrack.timelines.derived import derive
from kettrack.timelines.repeated_loss import repeated_losses
from kettrack.timelines.spells import loss_rows, response_origins, single_score

# The course is planned to have three sessions, on days 0, 4 and 8, unless said otherwise; half of
# the baseline is 10.
SCORES = """
    patient     | day | score
    at_once     | -1  | 20
    at_once     |  9  | 10      # exactly half
    at_once     | 30  | 10
    later_score | -1  | 20
    later_score |  9  | 11
    later_score | 22  | 10      # day 14 after the session
    too_late    | -1  | 20
    too_late    | 23  |  5      # day 15
    treated     | -1  | 20
    treated     | 15  |  5      # after the fourth session
    same_day    | -1  | 20
    same_day    | 12  |  5      # on the day of the fourth session, before it
    empty       | -1  | 20
    empty       |  9  |         # incomplete: shows nothing
    unfinished  | -1  | 20
    unfinished  |  5  |  5      # two of three sessions
    no_plan     | -1  | 20
    no_plan     |  9  |  5      # without a plan the course ends at session 6
    six         | -1  | 20
    six         | 21  |  5
    no_response | -1  | 20
    no_response |  9  | 11
    mild        | -1  |  9
    mild        |  9  |  1
    unclear     |  9  |  1
    """
SESSIONS = """
    patient     | days
    at_once     | 0 4 8
    later_score | 0 4 8
    too_late    | 0 4 8
    treated     | 0 4 8 12
    same_day    | 0 4 8 12
    empty       | 0 4 8
    unfinished  | 0 4
    no_plan     | 0 4 8
    six         | 0 4 8 12 16 20 24
    no_response | 0 4 8
    mild        | 0 4 8
    unclear     | 0 4 8
    """
NAMES = [line.split("|")[0].strip() for line in SESSIONS.strip().splitlines()[1:]]
PLANS = "patient | planned_sessions\n" + "\n".join(
    f"{name} | {'' if name in ('no_plan', 'six') else 3}" for name in NAMES
)


def origins(clinic: Any, origin: str = "end_of_course") -> dict[str, Any]:
    """Patient -> (day, day of the next session) or why not."""
    table = response_origins(derive(clinic), origin)  # type: ignore[arg-type]
    shown = one_each(table, "origin_day", "retreated_day", "why_not")
    return {
        patient: why or (day, again) for patient, (day, again, why) in shown.items()
    }


def test_a_response_is_watched_from_the_score_after_the_planned_course():
    assert origins(cohort(SCORES, SESSIONS, PLANS)) == {
        "at_once": (9, None),
        "later_score": (22, None),
        "too_late": "not_scored",
        "treated": "not_scored",
        "same_day": (12, 12),
        "empty": "not_scored",
        "unfinished": "course_not_finished",
        "no_plan": "course_not_finished",
        "six": (21, 24),
        "no_response": "no_response",
        "mild": "below_caseness",
        "unclear": "no_baseline",
    }


def test_or_from_the_first_response_of_the_first_course():
    found = origins(cohort(SCORES, SESSIONS, PLANS), "first_response")
    watched = {
        patient: what for patient, what in found.items() if not isinstance(what, str)
    }
    assert watched == {
        "at_once": (9, None),
        "later_score": (22, None),
        "same_day": (12, 12),  # a session beyond the planned course is a retreatment
        "unfinished": (5, None),
        "no_plan": (9, None),
        # without a plan the seventh belongs to the same run of sessions
        "six": (21, None),
    }


def test_or_from_the_first_response_of_all_whichever_session_it_follows():
    found = origins(cohort(SCORES, SESSIONS, PLANS), "any_response")
    watched = {
        patient: what for patient, what in found.items() if not isinstance(what, str)
    }
    assert watched == {
        "at_once": (9, None),
        "later_score": (22, None),
        "too_late": (23, None),  # however long after the last session
        "treated": (15, None),  # a session beyond the plan is none of the past
        "same_day": (12, 12),
        "unfinished": (5, None),
        "no_plan": (9, None),
        "six": (21, 24),  # the next session of all
    }
    assert (found["mild"], found["unclear"]) == ("below_caseness", "no_baseline")


def test_every_responder_of_the_outcomes_is_watched():
    clinic = derived_sample()
    rows = response_origins(clinic, "any_response")
    watched = set(rows.loc[rows["why_not"].isna(), "patient_id"])
    outcomes = clinic.outcomes[clinic.rated]
    proven = outcomes["response_status"].isin(["single", "confirmed"])
    assert watched == set(outcomes.loc[proven, "patient_id"])
    assert len(watched) > 200


def test_a_response_that_needs_a_second_score_is_watched_from_that_score():
    scores = (
        "patient | day | score\n a | -1 | 20\n a | 9 | 5\n a | 16 | 5\n a | 40 | 5\n b | -1 |"
        " 20\n b | 9 | 5\n b | 16 | 12"
    )
    clinic = cohort(
        scores,
        "patient | days\n a | 0 4 8\n b | 0 4 8",
        "patient | planned_sessions\n a | 3\n b | 3",
    )
    clinic = replace(
        clinic, settings=replace(clinic.settings, criteria="convention, confirmed")
    )
    assert origins(clinic) == {"a": (16, None), "b": "no_response"}


# Everyone responds on day 10, after one planned session on day 0; a score above 10 is above the
# line.
FOLLOWED = """
    patient       | day | score
    kept          | 17  | 10
    kept          | 24  | 10
    lost          | 17  | 11
    lost          | 24  | 11     # seven days later
    refuted       | 17  | 11
    refuted       | 24  | 10
    waits         | 17  | 10
    waits         | 24  | 11     # nobody asked again: not even day 24 is decided, in nobody
    too_close     | 17  | 10
    too_close     | 20  | 11     # three days later confirms nothing
    expired       | 17  | 10
    expired       | 24  | 11
    expired       | 90  | 10     # more than 60 days later
    expired       | 97  | 10
    never_again   |     |
    treated       | 17  | 11
    treated       | 24  | 11     # confirmed after a session on day 20
    before        | 17  | 11
    before        | 24  | 11     # confirmed, and treated on the same day afterwards
    same_day      | 10  | 15
    same_day      | 17  | 15
    """
PEOPLE = list(
    dict.fromkeys(
        line.split("|")[0].strip() for line in FOLLOWED.strip().splitlines()[1:]
    )
)


def followed(**settings: Any) -> Any:
    """Cohort of `FOLLOWED`, with baselines, origins, and two sessions that come later."""
    rows = ["patient | day | score | timing"]
    for name in PEOPLE:
        rows += [f"{name} | -1 | 20 | before", f"{name} | 10 | 10 | before"]
    for line in FOLLOWED.strip().splitlines()[1:]:
        name, day, score = (cell.strip() for cell in line.partition("#")[0].split("|"))
        rows += [
            f"{name} | {day} | {score} |"
            f" {'after' if name == 'same_day' and day == '10' else 'before'}"
        ] * bool(day)
    days = {"treated": "0 20", "before": "0 24"}
    sessions = "patient | days\n" + "\n".join(
        f"{name} | {days.get(name, '0')}" for name in PEOPLE
    )
    plans = "patient | planned_sessions | observed_to_day\n" + "\n".join(
        f"{name} | 1 | 300" for name in PEOPLE
    )
    return cohort("\n".join(rows), sessions, plans, **settings)


def shown(rows: Any) -> dict[str, Any]:
    return one_each(
        rows.reset_index(),
        "status",
        "after_day",
        "lost_day",
        "known_day",
        "held_to_day",
    )


def test_a_loss_lies_between_two_scores_and_is_known_at_a_third():
    clinic = followed()
    rows = shown(
        loss_rows(
            derive(clinic),
            response_origins(derive(clinic)),
            clinic.criteria.loss_of_response,
        )
    )
    assert {name: row for name, row in rows.items() if row[0] == "confirmed"} == {
        "lost": ("confirmed", 10, 17, 24, 17),
        "treated": ("confirmed", 10, 17, 24, 17),
        "before": ("confirmed", 10, 17, 24, 17),
        "same_day": ("confirmed", 10, 10, 17, 10),
    }
    assert {name: row[4] for name, row in rows.items() if row[0] != "confirmed"} == {
        "kept": 17,  # day 24 has no later score that could have confirmed a loss on it
        "refuted": 17,
        "waits": 17,
        "too_close": 10,  # day 17 is decided by no score seven days later
        "expired": 17,  # not 90: for more than 60 days nobody knew
        "never_again": 10,
    }


def test_by_a_single_score_everyone_is_followed_to_the_last_score():
    clinic = followed()
    rows = shown(
        loss_rows(
            derive(clinic),
            response_origins(derive(clinic)),
            single_score(clinic.criteria.loss_of_response),
        )
    )
    assert (rows["kept"], rows["never_again"]) == (
        ("none", None, None, None, 24),
        ("none", None, None, None, 10),
    )
    assert rows["refuted"][:3] == ("single", 10, 17)


@pytest.mark.parametrize(
    ("estimand", "expected"),
    [
        (
            "treatment_policy",
            {"treated": (7, "lost"), "before": (7, "lost"), "kept": (7, "censored")},
        ),
        (
            "composite",
            {"treated": (7, "lost"), "before": (7, "lost"), "kept": (7, "censored")},
        ),
        (
            "hypothetical",
            {
                "treated": (10, "retreated"),
                "before": (7, "lost"),
                "kept": (7, "censored"),
            },
        ),
    ],
)
def test_what_a_session_does_depends_on_the_question(estimand, expected):
    left = exits(watch(derive(followed()), "end_of_course")[0], estimand)
    assert {
        name: (int(left.time[name]), CAUSES[left.cause[name]]) for name in expected
    } == expected


SILENCE = """
    patient    | days after the response, each with its score | log to
    silent     | 7:5 14:5 21:5                                | 150
    log_ends   | 7:5 14:5 21:5                                | 59   # 28 days after the last score
    day_later  | 7:5 14:5 21:5                                | 66   # in whole weeks: 63
    no_log_end | 7:5 14:5 21:5                                |
    waits      | 7:5 14:5 21:15                               | 150
    lost       | 7:5 14:15 21:15                              | 150
    back_later | 7:5 14:5 21:5                                | 150  # a session 40 days after it
    back_soon  | 7:5 14:5 21:5                                | 150  # a session 10 days after it
    """


def silence() -> Any:
    lines = [line.split("#")[0] for line in SILENCE.strip().splitlines()[1:]]
    people = [[cell.strip() for cell in line.split("|")] for line in lines]
    scores = ["patient | day | score"]
    for name, answers, _ in people:
        scores += [f"{name} | -1 | 20", f"{name} | 10 | 5"]
        for answer in answers.split():
            day, score = answer.split(":")
            scores.append(f"{name} | {10 + int(day)} | {score}")
    again = {"back_later": 50, "back_soon": 20}
    sessions = [f"{name} | 0 {again.get(name, '')}" for name, *_ in people]
    ends = [f"{name} | 1 | {end}" for name, _, end in people]
    return cohort(
        "\n".join(scores),
        "\n".join(["patient | days", *sessions]),
        "\n".join(["patient | planned_sessions | observed_to_day", *ends]),
    )


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        # the day after the last score, 21 days after the response
        ("lost", {"silent": (22, 1), "no_log_end": (22, 1), "waits": (21, 1)}),
        # to the end of the log, in whole weeks, or for a year
        ("held", {"silent": (137, 0), "no_log_end": (364, 0), "waits": (137, 0)}),
    ],
)
def test_the_silent_lost_it_after_their_last_score_or_held_it(how, expected):
    watched = watch(derive(silence()), "end_of_course")[0]
    assert watched.silent.to_dict() == {
        "back_later": True,
        "back_soon": True,
        "day_later": True,
        "log_ends": False,
        "lost": False,
        "no_log_end": True,
        "silent": True,
        "waits": True,
    }
    left = exits(settle(watched, how, silent=True), "treatment_policy")
    found = {name: tuple(map(int, row)) for name, row in left.T.items()}
    # who is no longer in the log is not silent; who has lost it stays lost
    assert found["log_ends"] == (14, 0)
    assert found["lost"] == (14, 1)
    assert {name: found[name] for name in expected} == expected


def test_who_was_treated_again_before_the_silence_is_no_loss_without_a_session():
    watched = watch(derive(silence()), "end_of_course")[0]
    left = exits(settle(watched, "lost", silent=True), "hypothetical")
    found = {name: tuple(map(int, row)) for name, row in left.T.items()}
    assert found["back_soon"] == (10, 2)
    assert found["back_later"] == (22, 1)
    # and who holds on comes back to be treated again
    held = exits(settle(watched, "held", silent=True), "composite")
    assert tuple(held.loc["back_later"]) == (40, 2)


def test_without_the_silent_only_what_waits_is_settled():
    watched = watch(derive(silence()), "end_of_course")[0]
    for how in ("lost", "held"):
        left = exits(settle(watched, how), "treatment_policy")
        assert tuple(left.loc["silent"]) == (14, 0)


def test_a_session_that_comes_first_ends_the_composite():
    scores = "patient | day | score\n" + "\n".join(
        f"a | {day} | {score}"
        for day, score in [(-1, 20), (10, 5), (17, 5), (24, 5), (31, 15), (38, 15)]
    )
    clinic = cohort(
        scores, "patient | days\n a | 0 20", "patient | planned_sessions\n a | 1"
    )
    watched = watch(derive(clinic), "end_of_course")[0]
    found = {
        kind: tuple(exits(watched, kind).iloc[0])
        for kind in ("treatment_policy", "composite", "hypothetical")
    }
    assert found == {
        "treatment_policy": (21, 1),
        "composite": (10, 2),
        "hypothetical": (10, 2),
    }


def test_an_admission_is_a_loss_under_rules_that_say_so():
    scores = "patient | day | instrument | score\n" + "\n".join(
        f"{name} | {day} | MADRS | {score}"
        for name in "abcd"
        for day, score in [(-1, 30), (10, 8), (20, 8), (30, 8)]
    )
    sessions = "patient | days\n" + "\n".join(f"{name} | 0" for name in "abcd")
    plans = "patient | planned_sessions\n" + "\n".join(f"{name} | 1" for name in "abcd")
    events = """
        patient | day | event           | detail
        a       | 25  | hospitalisation | worsening
        b       | 25  | hospitalisation | medical
        c       | 58  | suicide_attempt |            # 28 days after the last score
        d       | 59  | suicide_attempt |            # too long after it
        """
    clinic = cohort(
        scores, sessions, plans, events, instrument="MADRS", criteria="SUSTAIN-1"
    )
    rows = shown(watch(derive(clinic), "end_of_course")[0].whatever)
    assert {name: row[1:3] for name, row in rows.items()} == {
        "a": (24, 25),
        "b": (None, None),
        "c": (57, 58),
        "d": (None, None),
    }


def test_intervals_for_the_turnbull_estimate():
    watched = watch(derive(followed()), "end_of_course")[0]
    names = list(watched.whatever.index)
    found = dict(zip(names, zip(*intervals(watched), strict=True), strict=True))
    assert found["lost"] == (0, 7)
    assert found["kept"] == (7, float("inf"))
    assert found["same_day"] == (0, 0.5)
    earlier = dict(zip(names, zip(*intervals(watched, 7), strict=True), strict=True))
    assert (earlier["lost"], earlier["kept"]) == ((0, 0.5), (7, float("inf")))


def test_losses_after_a_response_regained_count_again():
    course = [
        (-1, 20),
        (10, 5),
        (17, 15),
        (24, 15),
        (31, 5),
        (38, 15),
        (45, 15),
        (52, 15),
        (59, 5),
    ]
    scores = "patient | day | score\n" + "\n".join(
        f"a | {day} | {score}" for day, score in course
    )
    clinic = cohort(scores)
    people, losses = repeated_losses(derive(clinic), clinic.criteria.loss_of_response)
    # day 52, the last that day 59 could have confirmed
    assert people["followed_to"].to_dict() == {"a": 42}
    assert losses["day"].tolist() == [7, 28]


def test_a_session_after_the_last_good_score_is_no_exposure():
    scores = "patient | day | score\n" + "\n".join(
        f"a | {day} | {score}"
        for day, score in [(-1, 20), (5, 5), (30, 5), (50, 5), (65, 15), (72, 15)]
    )
    clinic = cohort(
        scores, "patient | days\n a | 0 20 40 60", "patient | planned_sessions\n a | 1"
    )
    rows = maintenance_stretches(derive(clinic))
    assert rows[
        ["start", "stop", "event", "since", "interval"]
    ].to_numpy().tolist() == [
        [0, 20, False, 30, 20],  # the session on day 40 came after the score on day 30
        # and that on day 60, five days before the loss, after the score on day 50
        [20, 35, True, 25, 20],
    ]
