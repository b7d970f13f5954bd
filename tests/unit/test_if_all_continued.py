"""Weights for those who left, and the curve they give: what can be worked out by hand, and where it
must refuse.
"""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import sample_answer
from spec.tables import cohort

from kettrack import load_cohort, sample_folder
from kettrack.analysis.registry import asked_as
from kettrack.analysis.response.if_all_continued import (
    estimate,
    response_if_all_continued,
)
from kettrack.analysis.response.response_curve import count as count_exits_here
from kettrack.analysis.response.staying_rows import WAYS, count
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.censoring_weights import (
    StayRows,
    estimate_staying,
    replicate_curves,
    staying_probability,
    staying_weights,
    weighted_curve,
)
from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)
from kettrack.timelines.derived import derive
from kettrack.vocabulary.plain_words import percentage


@pytest.fixture(scope="module")
def sample():
    return load_cohort(sample_folder())


@pytest.fixture(scope="module")
def found(sample):
    return response_if_all_continued(sample, replicates=100)


def stay_rows(people):
    """Rows from one list of (covariate, event, goes on) per person."""
    cells = [
        (who, step, *row)
        for who, rows in enumerate(people)
        for step, row in enumerate(rows, start=1)
    ]
    who, step, x, event, on = (np.array(column) for column in zip(*cells, strict=True))
    event = event.astype(bool)
    return StayRows(
        who,
        step,
        event,
        ~event,
        on.astype(bool),
        np.column_stack([np.ones(len(x)), x]).astype(float),
        len(people),
    )


# Eight people, half of them ill (x = 1). Of the ill one in four goes on, and responds; of the
# others all but one go on, and none responds. If everybody had gone on, all four of the ill would
# have responded: one half. The plain curve says 1 in 4.
LEAVING = stay_rows(
    [[(1, 0, 0)]] * 3
    + [[(1, 0, 1), (1, 1, 0)]]
    + [[(0, 0, 0)]]
    + [[(0, 0, 1), (0, 0, 0)]] * 3,
)


def at_first_step(rows):
    """The same rows, decisions after the second step left out of the model."""
    return replace(rows, decided=rows.decided & (rows.step == 1))


def test_those_who_stay_stand_for_those_like_them_who_left():
    rows = at_first_step(LEAVING)
    chance = staying_probability(rows)
    assert chance[rows.step == 1] == pytest.approx([0.25] * 4 + [0.75] * 4)
    found = estimate_staying(rows, chance)
    assert found.estimate == pytest.approx([0, 0.5])
    assert weighted_curve(rows, np.ones(len(rows.step))) == pytest.approx([0, 0.25])
    # weights 4, 4/3, 4/3, 4/3
    assert found.ess[1] == pytest.approx(64 / (16 + 3 * 16 / 9))
    assert found.mean_weight == pytest.approx([1, 1])
    assert found.largest_weight == pytest.approx([1, 2])


def test_a_replicate_is_the_estimate_on_copied_patients():
    """A person who counts twice is the same as two persons, a person who counts nothing is not
    there.
    """
    counts = np.array([[2, 0, 1, 1, 1, 2, 1, 0]])
    copied = np.repeat(np.arange(8), counts[0])
    source = [np.flatnonzero(LEAVING.person == who) for who in copied]
    take = np.concatenate(source)
    names = ("step", "event", "decided", "goes_on", "history")
    again = StayRows(
        np.repeat(np.arange(8), [len(rows) for rows in source]),
        *(getattr(LEAVING, name)[take] for name in names),
        8,
    )
    by_copy = at_first_step(again)
    by_weight = at_first_step(LEAVING)
    expected = weighted_curve(
        by_copy, staying_weights(by_copy, staying_probability(by_copy))
    )
    assert replicate_curves(by_weight, counts)[0] == pytest.approx(expected)


def test_where_nobody_leaves_every_weight_is_one():
    rows = stay_rows([[(1, 0, 1), (1, 1, 0)], [(0, 0, 1), (0, 1, 0)]])
    assert estimate_staying(
        rows, staying_probability(rows)
    ).largest_weight.tolist() == [
        1,
        1,
    ]


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans()), min_size=1, max_size=40))
def test_with_equal_weights_it_is_the_kaplan_meier_curve(sample):
    rows = stay_rows(
        [
            [(0, happened and s == last, s < last) for s in range(1, last + 1)]
            for last, happened in sample
        ]
    )
    step, event = (np.array(column) for column in zip(*sample, strict=True))
    plain = estimate_incidence(
        count_competing_risks(step, event.astype(int), 1)
    ).estimate[:, 0]
    assert weighted_curve(rows, np.ones(len(rows.step))) == pytest.approx(plain)


CLINIC = """
    patient  | day | score
    responds |  -1 | 20
    responds |   1 | 18
    responds |   4 |  9
    stops    |  -1 | 20
    stops    |   1 | 18
    stops    |   4 | 17
    unscored |  -1 | 20
    unscored |   1 | 18
    planned  |  -1 | 20
    planned  |   1 | 18
    planned  |   4 | 17
    new      |  -1 | 20
    new      |   1 | 18
    new      |   4 | 17
    new      |   7 | 17
    newest   |  -1 | 20
    newest   |   1 | 18
    never    |  -1 | 20
    """
DAYS = """
    patient  | days
    responds | 0 3 6
    stops    | 0 3
    unscored | 0 3
    planned  | 0 3
    new      | 0 3 6
    newest   | 0 3
    never    | 0
    """
LOGS = """
    patient  | observed_to_day | planned_sessions
    responds | 200             | 6
    stops    | 200             | 6
    unscored | 200             | 6
    planned  | 200             | 2
    new      | 63              | 6           # complete for 60 days after session 2
    newest   | 56              | 6
    never    | 200             | 6
    """


def test_each_way_out_of_the_risk_set():
    counts = count(derive(cohort(CLINIC, DAYS, LOGS)))
    rows = counts.rows
    ends = {
        name: sorted(rows.step[counts.way == place].tolist())
        for place, name in enumerate(WAYS)
    }
    assert ends == {
        "responded": [2],
        "stopped": [2],
        "not_scored": [1],
        "completed": [2],
        "log_ends": [2],
    }
    assert (rows.step == 1).sum() == 5
    assert (
        counts.left_out["too_new"],
        counts.left_out["never_scored"],
        counts.left_out["response_before"],
    ) == (1, 1, 0)
    # of those who stopped early without a response
    assert (counts.stoppers, counts.stoppers_scored) == (3, 1)
    assert counts.planned_end.sum() == 1


def test_a_planned_end_and_a_response_are_not_decisions_to_stop():
    counts = count(derive(cohort(CLINIC, DAYS, LOGS)))
    rows = counts.rows
    second = rows.step == 2
    decided = dict(
        zip(
            np.array(WAYS)[counts.way[second]],
            zip(rows.decided[second], rows.goes_on[second], strict=True),
            strict=True,
        )
    )
    assert decided["stopped"] == (True, False)
    assert not decided["completed"][0]
    assert not decided["responded"][0]


def test_counts_of_two_clinics_add_up(sample):
    one = count(derive(sample))
    other = count(derive(cohort(CLINIC, DAYS, LOGS)))
    both = one + other
    planned = count(derive(planned_clinic()))
    assert both.rows.people == one.rows.people + other.rows.people
    assert len(both.way) == len(both.rows.step) == len(one.way) + len(other.way)
    assert both.left_out["never_scored"] == one.left_out["never_scored"] + 1
    assert estimate(one + planned, 20)["n"].iloc[0] == one.rows.people + 120


def test_refuses_when_those_who_stop_are_not_scored():
    found = response_if_all_continued(cohort(CLINIC, DAYS, LOGS))
    assert found.status == "refused"
    assert "fewer than 50 % of the people who stopped" in found.reason
    assert "also when someone stops" in found.collect


@pytest.mark.parametrize("late_after_days", [14, 28])
def test_a_refusal_and_a_caveat_read_the_days_of_the_criteria(late_after_days, sample):
    def under_rules(clinic):
        derived = derive(clinic)
        rules = replace(derived.criteria, name="ours", late_after_days=late_after_days)
        found = response_if_all_continued(derived.with_criteria(rules), replicates=20)
        said = " ".join([found.text, *found.caveats])
        return set(re.findall(r"score within (\d+) days", said))

    assert under_rules(cohort(CLINIC, DAYS, LOGS)) == {str(late_after_days)}
    assert under_rules(sample) == {str(late_after_days)}


def test_a_score_of_the_next_session_is_waited_for_as_long_as_the_criteria_say():
    """Somebody goes on, unscored, and the log ends 20 days after the next session: by 14 days the
    score is missing, by 28 days it may still come.
    """
    scores = (
        "patient | day | score\n a | -1 | 20\n a | 1 | 18\n b | -1 | 20\n b | 1 | 18"
    )
    days = "patient | days\n a | 0 50 60\n b | 0"
    logs = "patient | observed_to_day | planned_sessions\n a | 70 | 6\n b | 200 | 6"
    ends = {}
    for late_after_days in (14, 28):
        derived = derive(cohort(scores, days, logs))
        rules = replace(derived.criteria, name="ours", late_after_days=late_after_days)
        counts = count(derived.with_criteria(rules))
        ends[late_after_days] = WAYS[int(counts.way[0])]
    assert ends == {14: "not_scored", 28: "log_ends"}


def test_refuses_without_a_complete_log_and_with_few_patients():
    with pytest.raises(NotIdentified, match="observed_to_day"):
        count(derive(cohort(CLINIC, DAYS)))
    silent = cohort(
        "patient | day | score\n a | -1 | 20\n a | 1 | 18",
        patients="patient | observed_to_day\n a | 200",
    )
    assert "fewer than 50" in response_if_all_continued(silent).reason


def planned_clinic(n=120, planned=3):
    """Everybody has exactly the planned sessions; a third respond at the last one."""
    ids = [f"P{i:03d}" for i in range(n)]
    days = "patient | days\n" + "\n".join(f"{name} | 0 3 6" for name in ids)
    scores = "patient | day | score\n" + "\n".join(
        f"{name} | -1 | 20\n{name} | 1 | 18\n{name} | 4 | 16\n{name} | 7 |"
        f" {9 if i % 3 == 0 else 15}"
        for i, name in enumerate(ids)
    )
    logs = "patient | observed_to_day | planned_sessions\n" + "\n".join(
        f"{name} | 200 | {planned}" for name in ids
    )
    return cohort(scores, days, logs)


def test_beyond_the_planned_number_nothing_is_identified():
    found = response_if_all_continued(planned_clinic(), replicates=50)
    assert found.table["session"].tolist() == [1, 2, 3]
    assert found.table["estimate"].tolist() == pytest.approx([0, 0, 100 / 3])
    assert found.table["plain"].tolist() == pytest.approx([0, 0, 100 / 3])
    assert "the planned end" in found.text
    assert any(
        "beyond the number that was planned" in caveat for caveat in found.caveats
    )


def test_the_curve_of_the_sample(sample, found):
    table = found.table
    ends = table[
        ["new_responded", "new_stopped", "new_not_scored", "new_completed", "log_ends"]
    ].sum(axis=1)
    assert (
        table["at_risk"].iloc[1:].to_numpy()
        == (table["at_risk"] - ends).iloc[:-1].to_numpy()
    ).all()
    assert (table["ci_low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["ci_high"]).all()
    assert table["estimate"].is_monotonic_increasing
    assert table["ess"].between(50, table["at_risk"] + 1e-9).all()
    # nobody is in it whom the curve of the clinic leaves out
    assert table["n"].iloc[0] <= count_exits_here(derive(sample)).at_risk[0]
    assert found.made_from["seed"] == 1
    # the same seed
    pd.testing.assert_frame_equal(
        table, response_if_all_continued(sample, replicates=100).table
    )


def test_small_counts_are_hidden_under_a_release_policy(sample):
    private = replace(sample, settings=replace(sample.settings, policy="cms"))
    table = response_if_all_continued(private, replicates=20).table
    shown = table[["new_responded", "new_stopped", "new_not_scored"]].stack().dropna()
    assert not shown.between(1, 10).any()
    assert table["observed"].isna().all()  # few leave at some sessions


def test_it_says_what_it_rests_on_and_which_curve_describes_the_clinic(found):
    said = found.text + " ".join(found.caveats)
    assert found.text.startswith("If nobody had stopped early, ")
    assert "as far as the recorded scores explain who stops" in found.text
    assert asked_as("response_by_session") in found.text
    assert "every reason to stop" in said
    for word in (
        "effect of number of sessions",
        "dose-response",
        "proved",
        "significant",
        "needed",
    ):
        assert word not in said


def test_what_happened_by_the_same_session_stands_beside_it(found):
    happened = (
        sample_answer("response_by_session")
        .table.set_index("session")["estimate"]
        .loc[found.table["session"]]
    )
    assert found.table["observed"].tolist() == pytest.approx(happened.tolist())
    assert (
        found.table["estimate"] - found.table["difference"]
    ).tolist() == pytest.approx(happened.tolist())
    last = found.table.iloc[-1]
    assert (
        f"stopping included, {percentage(last['observed'])} % had responded by the same"
        in found.text
    )
