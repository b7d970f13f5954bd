"""The null cohort: a clinic whose sessions do nothing, against simulated truth, and when it is
refused.
"""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from simulated import simulated_cohort

from kettrack import (
    Cohort,
    cohort_from_frames,
    estimate,
    load_cohort,
    sample_folder,
)
from kettrack.analysis.response import benchmark as benchmark_module
from kettrack.analysis.response.benchmark import (
    NULL_PEOPLE,
    NullClinics,
    learnt_from,
    null_clinic,
)
from kettrack.analysis.response.exits import first_course_exits
from kettrack.analysis.response.plasmode import (
    fit_plasmode,
    panel_cohort,
    plasmode_data,
    repeat_people,
)
from kettrack.analysis.response.plasmode_rows import score_series, scored_before
from kettrack.analysis.subgroups.comparison import compare_groups
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.attendance import (
    GOES_ON,
    LEFT,
    SessionRows,
    attendance_columns,
    draw_donors,
    fit_attendance,
    refit_attendance,
)
from kettrack.estimators.plasmode.clinic import (
    PanelPeople,
    PlasmodeModel,
    draw_later,
    live_through,
    simulate_plasmode,
)
from kettrack.estimators.plasmode.latent_severity import (
    _log_likelihood,
    fit_score_process,
)
from kettrack.estimators.plasmode.severity_filter import ScoreSeries
from kettrack.estimators.plasmode.severity_start import draw_start, known_start
from kettrack.estimators.regression.logistic import predict_logistic
from kettrack.timelines.derived import DerivedCohort, derive

# Share who respond by week 8 when all go on and sessions do nothing: 400,000 people of scenario B
# forced to twelve sessions.
TRUE_NULL = 0.607


def responded_by(cohort: Cohort, session: int) -> float:
    exits = first_course_exits(derive(cohort))
    return float(((exits["cause"] == 1) & (exits["step"] <= session)).mean())


def null_cohort(cohort: DerivedCohort, simulated: int = NULL_PEOPLE) -> DerivedCohort:
    return panel_cohort(*null_clinic(cohort, simulated).first_course, cohort)


def nobody_stops(model: PlasmodeModel, cohort: Cohort, effect: float = 0.0) -> Cohort:
    model = repeat_people(model, 1_200)
    never = np.full_like(model.attendance.stops, np.nan)
    model = replace(model, attendance=replace(model.attendance, stops=never))
    return panel_cohort(
        simulate_plasmode(model, effect, np.random.default_rng(5)),
        PanelPeople.of(model),
        derive(cohort),
    )


@pytest.fixture(scope="module")
def helped() -> Cohort:
    return simulated_cohort("A", 800, 11)


@pytest.fixture(scope="module")
def model(helped) -> PlasmodeModel:
    return fit_plasmode(derive(helped))


def test_where_sessions_do_nothing_the_null_is_the_curve():
    real = simulated_cohort("B", 800, 12)
    null = null_cohort(derive(real), simulated=1_200)
    for session in (3, 6, 8):
        assert responded_by(null, session) == pytest.approx(
            responded_by(real, session), abs=0.05
        )


def test_where_sessions_help_the_null_finds_what_would_have_happened(helped, model):
    assert responded_by(nobody_stops(model, helped), 8) == pytest.approx(
        TRUE_NULL, abs=0.05
    )
    assert (
        responded_by(null_cohort(derive(helped), simulated=1_200), 8)
        < responded_by(helped, 8) - 0.08
    )


def test_who_stopped_late_has_the_scores_of_people_who_stopped_late(helped, model):
    """Here the log of all ends on day 77: who stopped on day 70 was scored for a week, and not for
    the eleven of somebody who stopped at once.
    """
    real = helped.scores["day"]
    panel = simulate_plasmode(
        repeat_people(model, 1_200), 0.0, np.random.default_rng(5)
    )
    assert real.max() == 77
    # one of the ten nearest may have stopped a week earlier
    assert panel.score_day.max() <= 84
    late = (panel.score_day > 77).mean()
    assert late < 0.005


def test_a_point_per_session_raises_the_curve(helped, model):
    assert (
        responded_by(nobody_stops(model, helped, effect=1.0), 8)
        > responded_by(nobody_stops(model, helped), 8) + 0.1
    )


def test_the_null_cohort_keeps_people_plans_and_the_pace():
    sample = load_cohort(sample_folder())
    null = null_cohort(derive(sample), simulated=1_000)
    exits = first_course_exits(derive(sample)).set_index("patient_id")
    people = exits.index[exits["step"] > 0]
    planned = sample.patients.set_index("patient_id").loc[people, "planned_sessions"]
    times = len(null.patients) / len(people)
    assert times == int(times)
    assert (
        null.patients["planned_sessions"].value_counts().to_dict()
        == (planned.value_counts() * int(times)).to_dict()
    )
    gaps = null.sessions.groupby("patient_id")["day"].diff().dropna()
    real = sample.sessions.groupby("patient_id")["day"].diff()
    assert set(gaps) <= set(real.dropna())
    assert null.scores["score"].between(0, 27).all()
    assert (null.scores["score"] % 1 == 0).all()


def test_early_responders_differ_where_sessions_do_nothing():
    """Counted in a clinic without effect, and told beside it by the benchmark."""
    real = derive(simulated_cohort("clinic-null", 800, 3))
    found = compare_groups("response_by_session", real, "early_response").table
    last = found[found["at"] == found["at"].max()]
    few, many = last["estimate"]
    assert many > few + 15
    assert last["null"].to_numpy() == pytest.approx(last["estimate"], abs=9)
    assert (last["null_low"] < last["null"]).all()


def test_where_scores_jump_the_benchmark_is_refused():
    """A response that is held in full and lost on one day."""
    jumps = derive(simulated_cohort("maintenance", 120, 3))
    with pytest.raises(NotIdentified, match="Scores jump here"):
        null_cohort(jumps)


def test_a_large_clinic_is_judged_by_a_sample_of_its_people(helped, monkeypatch):
    monkeypatch.setattr(benchmark_module, "MOST_LEARNT_FROM", 300)
    cohort = derive(helped)
    learnt = learnt_from(cohort)
    assert len(learnt.patients) == 300
    assert set(learnt.scores["patient_id"]) <= set(learnt.patients["patient_id"])
    assert learnt_from(cohort) is learnt


def test_refused_without_scores_after_stopping(helped):
    last = helped.sessions.groupby("patient_id")["day"].max()
    kept = helped.scores["day"] <= helped.scores["patient_id"].map(last)
    silent = replace(helped, scores=helped.scores[kept].reset_index(drop=True))
    with pytest.raises(
        NotIdentified, match="0 pairs of scores without a session in between"
    ) as refused:
        null_cohort(derive(silent))
    assert "after the last session" in refused.value.collect


def weekly_scores(
    times: float, own_level: float = 10.0, lowest: float = -np.inf, effect: float = 1.0
) -> ScoreSeries:
    """Simulated by other code than the one that fits: weekly scores, half the people treated for
    twelve weeks, half three; the first session does so many times as much as a later one.
    """
    rng = np.random.default_rng(3)
    n = 3_000
    level = rng.normal(own_level, 4, n)
    severity = rng.normal(17, 3, n)
    own = effect * rng.normal(1.0, 0.3, n)
    weeks = np.where(np.arange(n) % 2, 12, 3)
    lifted = np.zeros(n)
    scores = [severity + rng.normal(0, 2, n)]
    sessions = [np.zeros(n)]
    for week in range(1, 13):
        severity = severity + 0.3 * (level - severity) + rng.normal(0, 1, n)
        drop = own * (times if week == 1 else 1.0)
        lifted = 0.85 * lifted + drop * (week <= weeks)
        scores.append(severity - lifted + rng.normal(0, 2, n))
        sessions.append((week <= weeks) * (week > 1.0))
    shape = (13, n)
    first_age = np.full(shape, np.nan)
    first_age[1] = 0
    score = np.array(scores)
    # the baseline is taken as it is; later scores cannot fall below the lowest
    score[1:] = np.maximum(score[1:], lowest)
    at_lowest = score <= lowest
    return ScoreSeries(
        score=score,
        days=np.full(shape, 7.0),
        sessions=np.array(sessions),
        age=np.zeros(shape),
        first_age=first_age,
        begin=np.full(n, -7.0),
        edge=-at_lowest.astype(float),
        step=0.0,
    )


@pytest.mark.parametrize("times", [1.0, 3.0])
def test_the_course_of_severity_is_found_again(times):
    found = fit_score_process(weekly_scores(times)).process
    assert found.session == pytest.approx(1.0, abs=0.2)
    assert found.session * found.first == pytest.approx(times, abs=0.5)
    assert found.level == pytest.approx(10, abs=0.6)
    assert found.error_sd == pytest.approx(2, abs=0.2)
    assert np.exp(-7 * found.drift) == pytest.approx(0.7, abs=0.07)
    assert np.exp(-7 * found.wear) == pytest.approx(0.85, abs=0.06)


def test_scores_at_the_lowest_end_do_not_make_people_alike():
    """A third of all scores are 0: taken at their word they hide errors and low levels."""
    series = weekly_scores(1.0, own_level=4.0, lowest=0.0)
    found, taken = (
        fit_score_process(each).process
        for each in (series, replace(series, edge=0 * series.edge))
    )
    assert (series.edge < 0).mean() > 0.2
    assert found.level == pytest.approx(4, abs=0.6)
    assert found.level_sd == pytest.approx(4, abs=0.4)
    assert found.error_sd == pytest.approx(2, abs=0.1)
    assert found.session == pytest.approx(1.0, abs=0.2)
    assert taken.error_sd < 1.9


def test_sessions_that_do_nothing_do_it_to_everybody():
    series = weekly_scores(0.0, effect=0.0)
    found = fit_score_process(series).process
    assert abs(found.session) < 0.1
    assert found.session_sd < 0.15


def few_people(series: ScoreSeries, n: int) -> ScoreSeries:
    columns = ("score", "days", "sessions", "age", "first_age", "edge")
    parts = {name: getattr(series, name)[:, :n] for name in columns}
    return replace(series, begin=series.begin[:n], **parts)


@pytest.mark.parametrize("times", [1.0, 3.0])
def test_few_people_start_where_their_first_scores_lie(times):
    """True severity at the start is 17, far above the mean of all scores."""
    found = fit_score_process(few_people(weekly_scores(times), 100)).process
    assert found.start == pytest.approx(17, abs=1.6)


def two_scores(second: float) -> ScoreSeries:
    """One person scored a week before session 1, on its day, and a week later."""
    score = np.array([[20.0], [second], [12.0]])
    nothing = np.zeros((3, 1))
    return ScoreSeries(
        score=score,
        days=np.array([[0.0], [7.0], [7.0]]),
        sessions=nothing,
        age=nothing,
        first_age=np.array([[np.nan], [np.nan], [7.0]]),
        begin=np.array([-7.0]),
        edge=nothing,
        step=0.0,
    )


def test_a_second_score_before_treatment_tells_where_somebody_is_going(model):
    fallen, same = (
        known_start(model.process, two_scores(second)) for second in (12.0, 20.0)
    )
    assert fallen.day.tolist() == [0.0]
    assert two_scores(12.0).off_treatment == (1, 1)
    assert fallen.level[0] < same.level[0] - 1
    assert 12 < fallen.severity[0] < 16


def test_drawn_people_drift_to_their_level(model):
    process = model.process
    rng = np.random.default_rng(1)
    start = model.start.of(np.arange(20_000) % model.baseline.size)
    severity, level = draw_start(start, rng)
    later = draw_later(process, severity, level, np.full(20_000, 10_000.0), rng)
    assert later.mean() == pytest.approx(level.mean(), abs=0.1)
    assert severity.std() > start.severity.std()


def test_who_lost_a_response_stops_for_reasons_of_their_own():
    """Half of the people had a best score of 8 and half of 14, all have 15 now: only the first
    stop.
    """
    lost = np.arange(200) % 2 == 0
    rows = SessionRows(
        last=np.full(200, 15.0),
        best=np.where(lost, 8.0, 14.0),
        baseline=np.full(200, 20.0),
        session=np.ones(200, np.int64),
        day=np.zeros(200),
        scored_before=np.full(200, 0.5),
        followed_by=np.where(lost, LEFT, GOES_ON),
        same_day=np.zeros(200, bool),
        gap=np.where(lost, np.nan, 7.0),
        offsets=np.full((200, 1), np.nan),
        much_later=np.full((200, 1), np.nan),
    )
    columns = attendance_columns(
        last=np.full(2, 15.0),
        best=np.array([8.0, 14.0]),
        baseline=np.full(2, 20.0),
        session=1,
        scored_before=np.full(2, 0.5),
    )
    stops = predict_logistic(columns, fit_attendance(rows).stops)
    assert stops[0] > 0.9
    assert stops[1] < 0.1


@pytest.fixture(scope="module")
def learnt(helped):
    return plasmode_data(derive(helped))


def test_people_drawn_anew_are_fitted_as_if_their_rows_were_repeated(learnt):
    """All draws at once, against each fitted by itself."""
    rng = np.random.default_rng(7)
    times = rng.integers(0, 3, (4, learnt.rows.session.size))
    together = refit_attendance(learnt.rows, times)
    rows = learnt.rows
    columns = attendance_columns(
        rows.last,
        rows.best,
        rows.baseline,
        rows.session,
        rows.scored_before,
    )
    log_gap = np.log1p(np.nan_to_num(rows.gap))
    for counts, found in zip(times, together, strict=True):
        repeated = np.repeat(np.arange(counts.size), counts)
        alone = fit_attendance(learnt.rows.of(repeated))
        for one, other in (
            (alone.stops, found.stops),
            (alone.same_day, found.same_day),
            *zip(alone.later, found.later, strict=True),
        ):
            # chances: where all or none have it, coefficients are anything that is far enough
            x = np.column_stack([columns, log_gap])[:, : one.size]
            np.testing.assert_allclose(
                predict_logistic(x, one),
                predict_logistic(x, other),
                atol=1e-6,
            )
        for days, same in zip(alone.offsets, found.offsets, strict=True):
            np.testing.assert_array_equal(days, same)
        np.testing.assert_array_equal(alone.gaps, found.gaps)
        for like, same in zip(alone.alike, found.alike, strict=True):
            np.testing.assert_array_equal(like, same)
        np.testing.assert_array_equal(alone.much_later, found.much_later)


def test_what_never_happens_in_a_draw_is_never_drawn_there(learnt):
    """One draw has nobody who left, and the other has."""
    left = learnt.rows.followed_by == LEFT
    times = np.vstack([~left, np.ones_like(left)]).astype(np.int64)
    without, everybody = refit_attendance(learnt.rows, times)
    assert np.isnan(without.stops).all()
    assert np.isfinite(everybody.stops).all()


def test_a_score_that_is_not_there_says_nothing(learnt):
    """People with fewer scores are let go early; whoever stands beside them changes nothing."""
    series = learnt.series
    short = series.score.copy()
    short[5:, ::2] = np.nan
    series = replace(series, score=short)
    theta = learnt.fit.theta[None]
    everybody = np.arange(series.begin.size)
    together = _log_likelihood(theta, series, everybody)[0]
    for person in (0, 1, 2, 3):
        alone = _log_likelihood(theta, series, everybody[[person]])[0]
        assert alone[0] == pytest.approx(together[person], rel=1e-12)
    # a person with five scores, whatever the length of the table
    cut = ScoreSeries(
        **{
            part.name: value[:5] if np.ndim(value) == 2 else value
            for part in fields(series)
            for value in [getattr(series, part.name)]
        }
    )
    few = _log_likelihood(theta, cut, everybody)[0]
    assert few[0] == pytest.approx(together[0], rel=1e-12)
    assert few[1] != pytest.approx(together[1], rel=1e-3)
    # the last one counts too
    short[4, 0] += 1.0
    moved = _log_likelihood(theta, series, everybody)[0]
    assert moved[0] != pytest.approx(together[0], rel=1e-3)
    assert moved[1] == together[1]


def test_a_score_between_two_sessions_lies_as_far_on_its_way():
    """Gaps of 2 and of 20 days, each with a score in the middle: no score of one comes in the
    other.
    """
    gaps = np.repeat([2.0, 20.0], 50)
    rows = SessionRows(
        last=np.full(100, 15.0),
        best=np.full(100, 15.0),
        baseline=np.full(100, 20.0),
        session=np.ones(100, np.int64),
        day=np.zeros(100),
        scored_before=np.full(100, 0.5),
        followed_by=np.full(100, GOES_ON),
        same_day=np.zeros(100, bool),
        gap=gaps,
        offsets=gaps[:, None] / 2,
        much_later=np.full((100, 1), np.nan),
    )
    attendance = fit_attendance(rows)
    wanted = np.repeat([20.0, 2.0, 6.0], 200)
    gap_of = attendance.alike[GOES_ON]
    donors = gap_of[draw_donors(gap_of, wanted, np.random.default_rng(1))]
    assert (donors[:400] == wanted[:400]).all()
    assert set(donors[400:]) == {2.0, 20.0}


@pytest.mark.parametrize(
    ("change", "begins"),
    [
        # Taken in by the first score: the fall to the second is natural course.
        (-3, -10),
        # No worse than chance would have it.
        (0, -10),
        # Taken in by the second: the rise brought people here.
        (4, -1),
    ],
)
def test_a_rise_before_session_1_is_no_natural_course(change, begins):
    people = [f"p{i:02d}" for i in range(30)]
    noise = np.tile([-1, 0, 1], 10)
    rows = [
        pd.DataFrame({"patient_id": people, "day": day, "score": 14 + noise + moved})
        for day, moved in ((-10, 0), (-1, change + noise), (5, -2))
    ]
    scores = pd.concat(rows).assign(instrument="PHQ-9")
    sessions = pd.DataFrame({"patient_id": people, "day": 0})
    cohort = derive(cohort_from_frames(sessions, scores))
    series = score_series(cohort, scored_before(cohort))
    assert set(series.begin) == {begins}
    # Later scores stay.
    assert (
        np.nansum(~np.isnan(series.score), axis=0) == (2 if begins == -1 else 3)
    ).all()


# ---- beside what is held, and beside slopes


def test_people_followed_on_were_there_before(model):
    """Whose course ended as planned, with the scores they had and later ones."""
    many = repeat_people(model, 1_200)
    clinic = live_through(many, 0.0, np.random.default_rng(5))
    before = clinic.panel()
    people = clinic.follow_on()
    after = clinic.panel()
    assert before.score.size <= after.score.size
    held = np.bincount(before.session_person, minlength=many.baseline.size)
    assert (held[people] == many.planned[people]).all()
    part = after.of(people)
    assert np.unique(part.session_person).tolist() == list(range(people.size))
    # nobody else was scored again
    others = ~np.isin(after.score_person, people)
    assert others.sum() == (~np.isin(before.score_person, people)).sum()


def test_a_response_is_held_as_long_as_where_sessions_do_nothing():
    """Counted in a clinic without effect: its own null says the same."""
    real = derive(simulated_cohort("clinic-null", 800, 3))
    table = estimate("durability", real).table
    told = table.dropna(subset=["null"])
    assert told["day"].tolist() == [28, 56] * 2
    assert set(told["estimand"]) == {"treatment_policy"}
    assert told["null"].to_numpy() == pytest.approx(told["estimate"], abs=10)
    assert (told["null_low"] < told["null"]).all()
    assert (told["null"] < told["null_high"]).all()


def test_a_response_is_followed_until_a_second_score_could_show_its_loss():
    """Eight weeks after a score two weeks after the course, and sixty days for a second one."""
    real = derive(simulated_cohort("clinic-null", 800, 3))
    clinic = null_clinic(real, 4_000)
    followed = panel_cohort(*clinic.course_over, real)
    last = followed.sessions.groupby("patient_id")["day"].max()
    scores = followed.scores
    after = scores["day"] - scores["patient_id"].map(last)
    assert after.max() > 14 + 56 + 60
    first = panel_cohort(*clinic.first_course, real)
    late = first.scores
    ended = first.sessions.groupby("patient_id")["day"].max()
    assert (late["day"] - late["patient_id"].map(ended)).max() <= 75


def test_a_bootstrap_has_as_many_people_as_the_null():
    """Fewer would have more chance of their own, and widen the interval."""
    real = derive(simulated_cohort("clinic", 240, 3))
    at_the_end = False
    clinics = benchmark_module._together(real, at_the_end)
    sizes = np.diff(clinics.first)
    assert len(sizes) == 1 + benchmark_module.NULL_BOOTSTRAPS
    assert (sizes >= NULL_PEOPLE).all()
    # everybody is there equally often
    assert (sizes < NULL_PEOPLE + 400).all()


def test_each_clinic_is_measured_by_its_own_rows():
    """Rows that came in any order, and a clinic without any."""
    rows = pd.DataFrame({"value": [5, 1, 2, 9]}, index=[6, 0, 1, 7])
    clinics = NullClinics(derive(load_cohort(sample_folder())), np.array([0, 2, 5, 8]))
    found = clinics.each(rows, lambda part: [part["value"].sum(), len(part)])
    assert found.tolist() == [[3, 2], [0, 0], [14, 2]]


def test_slopes_differ_from_0_where_sessions_do_nothing():
    real = derive(simulated_cohort("clinic-null", 800, 3))
    table = estimate("association", real).table.set_index("key")
    row = table.loc["slope_last_adjusted"]
    assert row["ci_high"] < -0.2
    assert row["null_low"] < row["estimate"] < row["null_high"]
    assert table.loc["slope_fixed", ["null", "null_low"]].isna().all()
