"""What sessions cost: everybody's money over the people who responded."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from spec.test_all_courses import many

import kettrack as kt
from kettrack.analysis.cost import one_more
from kettrack.analysis.cost.cost import cost_rows
from kettrack.analysis.cost.one_more import _cost_meanwhile, _error
from kettrack.analysis.next_session.answer_table import left_out_instrument
from kettrack.analysis.next_session.outcome_model import Interval, fit_trials, fitted_to
from kettrack.analysis.next_session.protocol import first_course
from kettrack.analysis.next_session.trials import find_trials
from kettrack.estimators.difference import fieller


def priced(*kinds, missing=()):
    clinic = many(*kinds)
    sessions = pd.DataFrame(clinic.sessions[["patient_id", "day"]]).assign(cost=100.0)
    sessions.loc[list(missing), "cost"] = None
    return kt.cohort_from_frames(
        sessions, clinic.scores, clinic.patients, settings=clinic.settings
    )


KINDS = ((10, "0:20 9:5 37:5 65:5 80:5", "0 3 7 120"), (10, "0:20 9:18", "0 3"))


def test_the_money_of_those_who_did_not_respond_counts():
    table = kt.estimate("cost", priced(*KINDS)).table.set_index("key")
    # 10 people with three sessions by week 12, and 10 with two
    assert table.loc["per_patient", "estimate"] == 250
    assert table.loc["per_responder", "estimate"] == 500
    # the response is seen from day 9 to 84, of 30.4 days a month
    assert table.loc["per_month", "estimate"] == pytest.approx(
        5000 / (750 / 30.4375), rel=0.01
    )
    assert pd.isna(table.loc["per_remitter", "estimate"])
    assert pd.isna(table.loc["per_additional_responder", "estimate"])
    low, high = table.loc["per_responder", ["ci_low", "ci_high"]]
    assert low < 500 < high


def test_a_missing_cost_leaves_a_person_out_and_is_counted():
    people, without = cost_rows(kt.derive(priced(*KINDS, missing=[0, 1])))
    assert (len(people), without) == (19, 1)


def test_without_cost_it_is_refused():
    refused = kt.estimate("cost", many(*KINDS))
    assert refused.status == "refused"
    assert "no session has a cost" in refused.reason


def test_the_sample_agrees_with_sql():
    table = sample_answer("cost").table.set_index("key")
    people = cost_rows(derived_sample())[0].reset_index()
    people = people.astype({"patient_id": str})
    sessions = derived_sample().sessions.astype({"patient_id": str})
    assert len(sessions) > len(people)
    counted = duckdb.sql(
        "select sum(cost) from sessions where day <= 84"
        " and patient_id in (select patient_id from people)"
    ).fetchall()[0][0]
    responders = table.loc["per_responder"]
    assert counted / responders["events"] == pytest.approx(responders["estimate"])


# ---- what one more session costs per additional responder


@pytest.fixture(scope="module")
def trials():
    clinic = derived_sample()
    protocol = first_course(7)
    points = protocol.points(clinic, left_out_instrument(clinic))
    return find_trials(points, protocol.grace(points), 14)


def test_the_cost_up_to_a_score_is_that_of_the_sessions_before_it(trials):
    clinic = derived_sample()
    found = _cost_meanwhile(clinic, trials)
    each = clinic.sessions.groupby("patient_id")
    codes = clinic.bucket.patient_id
    for place in range(0, trials.n, 7):
        if not trials.observed[place]:
            assert np.isnan(found[place])
            continue
        own = each.get_group(codes[trials.patient[place]])
        begin = trials.day[place]
        later = own[(own["day"] > begin) & (own["day"] < begin + trials.after[place])]
        on_its_day = own[own["day"] == begin + trials.after[place]]
        fits = [later["cost"].sum(), later["cost"].sum() + on_its_day["cost"].sum()]
        assert any(found[place] == pytest.approx(cost) for cost in fits), place


def test_the_errors_of_both_outcomes_tell_that_of_any_sum_of_them(trials):
    clinic = derived_sample()
    model = fit_trials(trials)
    money = np.nan_to_num(_cost_meanwhile(clinic, trials))
    # all of it is the arm's: the difference is known, and certain
    certain = fitted_to(model, 300.0 * trials.arm).difference()
    assert certain.estimate == pytest.approx(300)
    assert certain.high - certain.low < 1e-6
    score = np.nan_to_num(trials.outcome)
    assert fitted_to(model, score).difference() == model.difference()
    top, bottom = (fitted_to(model, one).difference() for one in (money, score))

    def apart(scale: float) -> float:
        return _error(fitted_to(model, money - scale * score).difference()) ** 2

    both = (_error(top) ** 2 + _error(bottom) ** 2 - apart(1.0)) / 2
    told = _error(top) ** 2 + 25 * _error(bottom) ** 2 - 10 * both
    assert apart(5.0) == pytest.approx(told)


def test_the_cost_per_additional_responder_never_stands_without_its_interval():
    found = sample_answer("cost")
    table = found.table.set_index("key")
    cost, responders, ratio = (
        table.loc[key]
        for key in ("more_cost", "more_responders", "per_additional_responder")
    )
    assert 100 * cost["estimate"] / responders["estimate"] == pytest.approx(
        ratio["estimate"]
    )
    # of the sample it is not clear that anybody more responds
    assert responders["ci_low"] < 0 < responders["ci_high"]
    assert ratio["ci_low"] < ratio["estimate"]
    assert np.isnan(ratio["ci_high"])
    assert "has no upper end" in found.text
    assert "provided that every reason to stop was recorded" in found.text


WORDS = {
    "for each additional person in response (10 to 30)": (20.0, 10.0, 30.0),
    "has no upper end": (20.0, 10.0, np.inf),
    "For each additional person in response the interval begins": (
        np.nan,
        10.0,
        np.inf,
    ),
    "Every cost for each additional person": (20.0, np.nan, np.nan),
    "Fewer people responded": (np.nan, -30.0, -10.0),
}


@pytest.mark.parametrize("words", WORDS)
def test_what_is_said_of_each_interval(words, monkeypatch):
    ratio = Interval(*WORDS[words])
    some = Interval(500.0, 400.0, 600.0)
    more = one_more.OneMore(some, Interval(0.1, 0.0, 0.2), ratio, 25.0, 90)
    monkeypatch.setattr("kettrack.analysis.cost.cost.cost_of_one_more", lambda _: more)
    assert words in kt.estimate("cost", priced(*KINDS)).text


def test_without_trials_it_says_why_there_is_none():
    found = kt.estimate("cost", priced(*KINDS))
    assert "per additional responder cannot be told" in found.text
    assert any("It is refused: " in caveat for caveat in found.caveats)


def test_fiellers_ends_are_where_a_ratio_is_just_refuted():
    top, bottom, variances = 200.0, 0.1, (400.0, 0.0004, 0.1)
    for end in fieller(top, bottom, variances, 1.96):
        spread = variances[0] + end**2 * variances[1] - 2 * end * variances[2]
        assert abs(top - end * bottom) == pytest.approx(1.96 * np.sqrt(spread))


@pytest.mark.parametrize("bottom", [0.02, 0.05, 0.2])
def test_fiellers_interval_holds_the_truth_as_often_as_it_says(bottom):
    rng = np.random.default_rng(1)
    covariance = [[400.0, 0.2], [0.2, 0.0004]]
    drawn = rng.multivariate_normal([200.0, bottom], covariance, 2000)
    truth = 200.0 / bottom
    held = [
        not low > truth and not high < truth
        for low, high in (fieller(*one, (400.0, 0.0004, 0.2), 1.96) for one in drawn)
    ]
    assert 0.94 < np.mean(held) < 0.97


@pytest.mark.parametrize(("score", "words"), [(27, "no score"), (0, "every score")])
def test_where_all_scores_say_the_same_no_cost_per_responder_is_told(score, words):
    """Not an error, and no "-0.0 (-0.0 to 0.0) more people"."""
    sample = kt.load_cohort(kt.sample_folder())
    few = sample.patients["patient_id"].iloc[:150]
    sessions, scores, patients = (
        table[table["patient_id"].isin(few)]
        for table in (sample.sessions, sample.scores, sample.patients)
    )
    scores = scores[scores["instrument"] == "PHQ-9"]
    alike = scores["score"].mask(scores["day"] > 0, score)
    # items would make another total
    plain = scores[["patient_id", "day", "instrument", "timing"]].assign(score=alike)
    cohort = kt.cohort_from_frames(sessions, plain, patients)
    found = kt.estimate("cost", cohort)
    assert "-0.0" not in found.text
    assert any(
        f"{words} after a decision is in response" in caveat for caveat in found.caveats
    )
