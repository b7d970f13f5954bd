"""Fixed horizons: which score counts, what it means, and what each way with missing scores makes of
it.
"""

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from scipy.stats import t
from spec.tables import cohort, one_each
from statsmodels.api import GLM
from statsmodels.genmod.families import Binomial

import kettrack as kt
from kettrack.analysis.association.fixed_week import scores_at_week
from kettrack.analysis.horizons.following import followed_rows
from kettrack.analysis.horizons.strategies import STRATEGIES, Estimates, complete
from kettrack.analysis.horizons.visits import (
    HORIZONS,
    WEEKS,
    flags_of,
    scores_on_scale,
    visit_at,
)
from kettrack.analysis.response.after_course import scores_after_course
from kettrack.timelines.derived import derive
from kettrack.vocabulary.days import HEDIS_WINDOW_DAYS
from kettrack.vocabulary.instrument import Fact, Instrument

SCORES = """
    patient | day | score
    near    |  -1 | 20
    near    |  79 | 14
    near    |  86 |  9      # two days from week 12 beat five
    early   |  -1 | 20
    early   |  82 |  4      # of two as near the earlier
    early   |  86 | 18
    beyond  |  -1 | 20
    beyond  |  92 |  9      # a day outside the window
    mild    |  -1 |  5      # no case
    mild    |  84 |  1
    new     |  -1 | 20
    new     |  84 |  9      # the log ends before the window does
    hedis   |  -8 | 20
    hedis   | 112 |  8      # day 120 after the baseline
    hedis   | 232 |  4      # day 240, the most recent
    hedis   | 233 | 19      # a day too late
    course  |  -1 | 20
    course  |  23 | 14      # a day too early after the course
    course  |  24 | 10      # day 14 after it
    course  |  30 |  2      # the first in the window counts
    """
SESSIONS = """
    patient | days
    near    | 0 3 10
    early   | 0 3 10
    beyond  | 0 3 10
    mild    | 0 3 10
    new     | 0 3 10
    hedis   | 0 3 10
    course  | 0 3 10
    """
LOGS = "patient | observed_to_day\n" + "\n".join(
    f"{name} | {90 if name == 'new' else 400}"
    for name in ("near", "early", "beyond", "mild", "new", "hedis", "course")
)
COUNTED = ("beyond", "course", "early", "hedis", "near")


def scores_at(horizon):
    clinic = derive(cohort(SCORES, SESSIONS, LOGS))
    visit = visit_at(clinic, horizon)
    people = clinic.patients["patient_id"].to_numpy()[visit.person]
    table = pd.DataFrame({"patient_id": people, "score": visit.score})
    return one_each(table, "score")


def test_which_score_counts_at_a_week_and_of_whom():
    found = scores_at("week_12")
    assert set(found) == set(COUNTED)
    assert {who: s for who, s in found.items() if s is not None} == {
        "near": 9,
        "early": 4,
    }


def test_the_first_score_after_a_course_and_the_most_recent_of_hedis():
    assert scores_at("end_of_induction")["course"] == 10
    found = scores_at("months_4_to_8")
    assert found["hedis"] == 4
    assert found["near"] is None
    assert HEDIS_WINDOW_DAYS == (120, 240)


def test_a_score_in_the_window_stands_at_no_other_visit():
    visit = visit_at(derived_sample(), "months_4_to_8")
    # week 26 lies inside the window
    assert visit.visits.shape[1] < len(HORIZONS) + 1
    assert np.array_equal(visit.visits[:, visit.place], visit.score, equal_nan=True)


def test_the_horizons_are_those_of_the_questions_that_look_at_one():
    clinic = derived_sample()
    for horizon, week in WEEKS.items():
        plain = scores_at_week(clinic, week)["score"].to_numpy()
        assert np.array_equal(visit_at(clinic, horizon).score, plain, equal_nan=True)
    after = scores_after_course(clinic)["score"].to_numpy()
    found = visit_at(clinic, "end_of_induction").score
    assert np.array_equal(found, after, equal_nan=True)


RULES = """
    patient   | before | after | response | remission | improved | recovered | worse
    half      |     20 |    10 |      yes |           |      yes |           |
    above     |     20 |    11 |          |           |      yes |           |
    well      |     20 |     4 |      yes |       yes |      yes |       yes |
    crossed   |     15 |     9 |          |           |      yes |       yes |
    six       |     26 |    20 |          |           |      yes |           |
    five      |     12 |     7 |          |           |          |           |
    same      |     12 |    12 |          |           |          |           |
    up_five   |     12 |    17 |          |           |          |           |
    up_six    |     12 |    18 |          |           |          |           |  yes
    """
FLAGS = {
    "response": "response",
    "remission": "remission",
    "improved": "reliable_improvement",
    "recovered": "reliable_recovery",
    "worse": "reliable_deterioration",
}


def test_what_a_score_means():
    from spec.tables import read

    rules = read(RULES)
    before = rules["before"].to_numpy(float)
    after = rules["after"].to_numpy(float)
    found = flags_of(derived_sample(), before, after)
    for column, name in FLAGS.items():
        assert (found[name] == rules[column].notna().to_numpy()).all(), name


def test_an_imputed_score_is_the_nearest_that_there_is():
    found = scores_on_scale(derived_sample(), np.array([[4.4, -3.0, 4.6, 29.0]]))
    assert found.tolist() == [[4, 0, 5, 27]]


def test_the_weights_are_those_of_statsmodels():
    clinic = derived_sample()
    visit = visit_at(clinic, "week_12")
    rows = followed_rows(clinic, visit)
    fit = GLM(rows.stays.astype(float), rows.history, family=Binomial()).fit()
    chance = np.ones(len(visit.score))
    np.multiply.at(chance, rows.person, fit.fittedvalues)
    known = visit.scored
    change = (visit.score - visit.baseline)[known]
    mean = np.average(change, weights=1 / chance[known])
    found = Estimates(clinic, visit).weighted()["change"]
    assert found["estimate"] == pytest.approx(mean, abs=1e-6)
    # 300 bootstrap samples of people gave .325.
    half = (found["ci_high"] - found["ci_low"]) / 2
    assert half / 1.96 == pytest.approx(0.325, rel=0.1)


def test_the_sample_agrees_with_plain_loops_and_with_sql():
    asked = sample_answer("missing_scores")
    table = asked.table.set_index("key")
    clinic = derived_sample()
    scores = clinic.scores  # noqa: F841 - read by the SQL
    logs = clinic.patients  # noqa: F841
    known = duckdb.sql(
        """
        with s as (select patient_id, day, score, timing from scores
                   where instrument = 'PHQ-9' and score is not null),
        b as (select patient_id, max_by(score, day) base from s
              where day between -30 and 0 and not (day = 0 and timing = 'after')
              group by 1),
        n as (select patient_id, arg_min(score, abs(day - 84) * 1000 + day) score from s
              where day between 77 and 91 group by 1)
        select count(*) started, count(n.score) n,
               count(*) filter (n.score <= b.base / 2) responded,
               count(*) filter (n.score - b.base >= 6) worse,
               avg(n.score - b.base) change
        from b join logs using (patient_id) left join n using (patient_id)
        where base >= 10 and observed_to_day >= 91 and coalesce(prior_sessions, 0) = 0
        """
    ).fetchall()[0]
    row = table.loc["response_observed"]
    assert known[:3] == (row["started"], row["n"], row["events"])
    assert known[3] == table.loc["reliable_deterioration_observed", "events"]
    assert known[4] == pytest.approx(table.loc["change_observed", "estimate"])
    composite = table.loc["response_non_responder"]
    assert composite["estimate"] == pytest.approx(100 * known[2] / known[0])
    worst = table.loc["reliable_deterioration_worst_case"]
    most = known[3] + known[0] - known[1]
    assert worst["estimate"] == pytest.approx(100 * most / known[0])
    rows = asked.rows()
    assert (len(rows), rows["value"].notna().sum()) == known[:2]
    assert (rows["status"].sum(), rows["status"].notna().sum()) == (known[2], known[1])
    values = rows["value"].dropna().astype(float)
    reach = t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    change = table.loc["change_observed"]
    assert change["ci_high"] - change["estimate"] == pytest.approx(reach)


def test_one_horizon_of_all_is_the_same_as_asked_for_alone():
    every = sample_answer("fixed_horizons").table.set_index("key")
    alone = sample_answer("missing_scores").table.set_index("key")
    for outcome in ("response", "reliable_deterioration", "change"):
        row = every.loc[f"week_12_{outcome}"]
        observed = alone.loc[f"{outcome}_observed", "estimate"]
        assert row["estimate"] == pytest.approx(observed)
        assert row["imputed"] == alone.loc[f"{outcome}_imputed", "estimate"]
        assert row["worst"] == alone.loc[f"{outcome}_worst_case", "estimate"]
    # Of the measure behind it nothing else is published.
    last = [key for key in every.index if key.startswith("months")]
    assert last == ["months_4_to_8_response", "months_4_to_8_remission"]


def simulated(n, leave, drift, seed, delta=0.0):
    """People whose scores walk at random, and leave or not; the scores they would have had."""
    rng = np.random.default_rng(seed)
    base = rng.integers(12, 22, n).astype(float)
    level, last, gone = base.copy(), base.copy(), np.zeros(n, bool)
    names = [f"p{place:04d}" for place in range(n)]
    rows = [pd.DataFrame({"patient_id": names, "day": -1, "score": base})]
    for day in (14, 28, 42, 84):
        level = np.clip(level + rng.normal(drift, 2.5, n), 0, 27)
        gone = gone | (rng.random(n) < leave(last))
        if day == 84:
            level = np.where(gone, np.clip(level + delta, 0, 27), level)
        score = np.round(level)
        last = np.where(gone, last, score)
        seen = pd.DataFrame({"patient_id": names, "day": day, "score": score})
        rows.append(seen[~gone])
    scores = pd.concat(rows).assign(instrument="PHQ-9")
    sessions = pd.DataFrame({"patient_id": np.repeat(names, 2), "day": [0, 7] * n})
    logs = pd.DataFrame({"patient_id": names, "observed_to_day": 400})
    clinic = derive(kt.cohort_from_frames(sessions, scores, logs))
    return clinic, np.round(level) - base


def ill_people_leave(last):
    return 0.05 + 0.25 * (last > 14)


def test_who_leaves_because_of_a_seen_score_is_no_loss_to_three_strategies():
    clinic, change = simulated(900, ill_people_leave, -1.5, 6)
    visit = visit_at(clinic, "week_12")
    estimates = Estimates(clinic, visit)
    completed = complete(visit)
    truth = change.mean()
    assert 0.25 < visit.scored.mean() < 0.65
    assert estimates.observed()["change"]["ci_high"] < truth
    for cells in (
        estimates.weighted(),
        estimates.imputed(completed),
        estimates.repeated(completed.model),
    ):
        found = cells["change"]
        assert found["ci_low"] < truth < found["ci_high"]
        assert found["estimate"] == pytest.approx(truth, abs=0.6)
    base = visit.baseline
    share = 100 * flags_of(clinic, base, base + change)["response"].mean()
    for cells in (estimates.weighted(), estimates.imputed(completed)):
        found = cells["response"]
        assert found["ci_low"] < share < found["ci_high"]
    for best in (True, False):
        bound = estimates.bound(best)["change"]["estimate"]
        assert (bound < truth) == best


def test_who_is_worse_than_anyone_could_see_is_found_by_delta_alone():
    delta = 4.0
    clinic, change = simulated(
        900, lambda last: np.full(len(last), 0.12), -1.5, 6, delta
    )
    visit = visit_at(clinic, "week_12")
    estimates = Estimates(clinic, visit)
    completed = complete(visit)
    alike = estimates.imputed(completed)["change"]
    worse = estimates.imputed(completed, delta)["change"]
    assert alike["ci_high"] < change.mean()
    assert worse["ci_low"] < change.mean() < worse["ci_high"]


def test_where_nothing_changes_nothing_is_found():
    clinic, change = simulated(900, ill_people_leave, 0.0, 7)
    visit = visit_at(clinic, "week_12")
    estimates = Estimates(clinic, visit)
    assert abs(change.mean()) < 0.35
    # The scored only would have said that people got better.
    assert estimates.observed()["change"]["ci_high"] < 0
    found = estimates.imputed(complete(visit))["change"]
    assert found["ci_low"] < change.mean() < found["ci_high"]


def clinic_of(n_silent, last, n=60):
    rows = ["patient | day | score"]
    for place in range(n):
        name = f"p{place:03d}"
        base = 14 + place % 8
        rows += [f"{name} | -1 | {base}", f"{name} | 28 | {base - 4 + place % 3}"]
        if place >= n_silent:
            rows.append(f"{name} | 84 | {last(base, place)}")
    return cohort("\n".join(rows))


def answer_of(n_silent, last):
    return kt.estimate("missing_scores", clinic_of(n_silent, last))


def test_the_tipping_point_is_where_the_interval_reaches_no_change():
    asked = answer_of(30, lambda base, place: base - 2 + place % 3)
    table = asked.table.set_index("key")
    points = table.loc["tipping_no_change", "estimate"]
    assert 0 < points < 10
    assert f"{points:.1f} points worse" in asked.text
    clinic = derive(clinic_of(30, lambda base, place: base - 2 + place % 3))
    visit = visit_at(clinic, "week_12")
    there = Estimates(clinic, visit).imputed(complete(visit), points)["change"]
    assert there["ci_high"] == pytest.approx(0, abs=1e-4)
    moved = answer_of(30, lambda base, place: base + 3 - place % 3)
    assert moved.table.set_index("key").loc["tipping_no_change", "estimate"] == 0
    assert "holds 0" in moved.text


def test_everybody_scored_and_nobody_better():
    asked = answer_of(0, lambda base, place: base)
    table = asked.table.set_index("key")
    for name in ("observed", "non_responder", "weighted", "imputed", "worst_case"):
        row = table.loc[f"response_{name}"]
        assert row["estimate"] == 0, name
        # 0 of 60 is no certainty.
        assert row["ci_high"] == pytest.approx(100 * (1 - 0.025 ** (1 / 60))), name
    assert "Nobody is missing" in asked.text
    assert not [key for key in table.index if key.startswith("tipping")]


def test_too_few_are_refused_and_a_wrong_horizon_named():
    few = cohort(SCORES, SESSIONS, LOGS)
    asked = kt.estimate("missing_scores", few)
    assert asked.status == "refused"
    assert "a score of everybody at week 12" in asked.text
    assert kt.estimate("fixed_horizons", few).status == "refused"
    with pytest.raises(kt.UsageError, match="week_26, months_4_to_8, not 'week_5'"):
        kt.estimate("missing_scores", few, horizon="week_5")
    other = cohort(SCORES, SESSIONS, LOGS, instrument="BDI-II")
    with pytest.raises(kt.UsageError, match="week_26, not 'months_4_to_8'"):
        kt.estimate("missing_scores", other, horizon="months_4_to_8")


def test_the_harm_and_what_is_assumed_stand_in_the_answer():
    asked = sample_answer("missing_scores")
    assert "Worse by a reliable change" in asked.text
    assert "regression to the mean alone" in asked.text
    table = asked.table
    told = {strategy.estimand for strategy in STRATEGIES.values()}
    assert set(table["estimand"].dropna()) <= told | {"treatment policy, sensitivity"}
    assert any("No data can tell" in words for words in asked.caveats)
    every = sample_answer("fixed_horizons")
    assert "worse by a reliable change" in every.text
    assert any(
        "a score above 9 in the measure that HEDIS" in said for said in every.caveats
    )


def test_a_small_count_is_not_told_by_the_bounds_beside_it():
    """10 people were worse at week 12: the worst case less the silent would say so."""
    table = sample_answer("missing_scores", "cms").table.set_index("key")
    hidden = table[table.index.str.startswith("reliable_deterioration")]
    assert len(hidden) > 4
    assert hidden[["events", "estimate", "ci_low", "ci_high"]].isna().all(axis=None)
    assert table.loc["response_worst_case", "estimate"] > 20
    every = sample_answer("fixed_horizons", "cms").table.set_index("key")
    row = every.loc["week_12_reliable_deterioration"]
    assert row[["events", "estimate", "imputed", "best", "worst"]].isna().all()


def test_nobody_is_more_certain_of_the_silent_than_of_the_scored():
    asked = answer_of(20, lambda base, place: base - 1 + place % 3)
    table = asked.table.set_index("key")
    scored = table.loc["response_observed"]
    imputed = table.loc["response_imputed"]
    assert (scored["estimate"], scored["n"], imputed["n"]) == (0, 40, 60)
    assert imputed["ci_high"] > scored["ci_high"] - 1e-6
    assert scored["ci_high"] > 8


def test_scores_that_no_model_fits_leave_the_counts():
    asked = answer_of(20, lambda base, place: 4)
    table = asked.table.set_index("key")
    assert table.loc["response_observed", "estimate"] == 100
    assert "response_imputed" not in table.index
    assert "no model fits" in asked.text
    reasons = [words for words in asked.caveats if words.startswith("Without")]
    assert any("same score at one of the visits" in words for words in reasons)


def turned(sign):
    """40 people on a scale of 0 to 30, and the same ones on the scale turned round."""
    up = sign < 0
    scale = Instrument(
        name="Own",
        title="Own",
        minimum=0,
        maximum=30,
        higher_is_worse=not up,
        caseness=Fact(15, "own", "user"),
        remission=(Fact(22 if up else 8, "own", "user"),),
        reliable_change=Fact(5, "own", "user"),
    )
    rng = np.random.default_rng(8)
    rows = ["patient | day | score"]
    for place in range(60):
        base = int(rng.integers(18, 26))
        for day, drop in ((-1, 0), (28, 3), (84, 2)):
            score = int(np.clip(base - drop + rng.integers(-6, 7) * (day > 0), 0, 30))
            if day < 0 or rng.random() < 0.75:
                rows.append(f"p{place:02d} | {day} | {30 - score if up else score}")
    clinic = cohort("\n".join(rows), instrument="Own", user_instruments=(scale,))
    return kt.estimate("missing_scores", clinic).table.set_index("key")


def test_a_scale_where_more_is_better_gives_the_same_people():
    down, up = turned(1), turned(-1)
    plain = ("observed", "non_responder", "best_case", "worst_case")
    for outcome in ("remission", "reliable_improvement", "reliable_deterioration"):
        for name in plain:
            key = f"{outcome}_{name}"
            if key in down.index:
                assert down.loc[key, "estimate"] == up.loc[key, "estimate"], key
    for name in (*plain, "repeated_measures"):
        key = f"change_{name}"
        expected = -up.loc[key, "estimate"]
        assert down.loc[key, "estimate"] == pytest.approx(expected, abs=1e-4), key
    points = [each.loc["tipping_no_change", "estimate"] for each in (down, up)]
    assert points[0] == pytest.approx(points[1], rel=0.2)
    shares = [each.loc["remission_delta", "estimate"] for each in (down, up)]
    assert shares[0] < down.loc["remission_imputed", "estimate"] + 1e-9
    assert shares[1] < up.loc["remission_imputed", "estimate"] + 1e-9
