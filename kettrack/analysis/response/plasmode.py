"""What the same clinic would show if sessions did nothing: a model fitted to its own scores and
sessions, simulated, and counted like any cohort.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.exits import counted_outcomes, first_course_exits
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.clinic import (
    GOES_ON,
    LEFT,
    PLANNED_END,
    PlasmodeModel,
    SessionRows,
    SimulatedPanel,
    fit_attendance,
    simulate_plasmode,
)
from kettrack.estimators.plasmode.latent_severity import ScoreSeries, fit_score_process
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, COMPLETE_LOG_DAYS
from kettrack.vocabulary.rules import CourseRules

NULL_SEED: Final = 20130513
# People in the null cohort: the Monte-Carlo error of a percentage is then below one point.
NULL_PEOPLE: Final = 4_000
# Scores up to so long after session 1 (half a year) teach the course of severity.
FITTED_DAYS: Final = 182
# Scores so long after the last session are drawn too: one that confirms may come late.
FOLLOWED_DAYS: Final = 75
# Simulated logs are complete for so long after the last session: longer than any rule asks for.
_COMPLETE_DAYS: Final = 1000
NULL_CAVEAT: Final = (
    f"Null: {NULL_PEOPLE:,} people simulated from a model of this clinic's own scores, in which"
    " sessions do nothing. They have the people, plans and score days of the clinic. The null shows"
    " the natural course, regression to the mean, noise, and the clinic's own way of stopping"
    f" (seed {NULL_SEED}). The model assumes that stopping follows the scores. What comes with"
    " treatment but not from the sessions is credited to the sessions; what only the first session"
    " does may look like natural course. The null is one fitted model without an interval, so its"
    " numbers are approximate."
)


def fit_plasmode(cohort: DerivedCohort) -> PlasmodeModel:
    """Fit scores, stopping and scoring of the first course.

    Raises
    ------
    NotIdentified
        When there are too few score pairs without a session in between, nobody can be counted, or
        the log has no end.
    """
    exits = first_course_exits(cohort).set_index("patient_id")
    people = exits.index[exits["step"] > 0]
    if people.empty:
        raise NotIdentified(
            "nobody is at risk.",
            f"observed_to_day, and a score in the {BASELINE_WINDOW_DAYS} days before session 1.",
        )
    known = counted_outcomes(cohort)
    first = cohort.first_courses
    line = score_rows(cohort, known.index, first["length"])
    process = fit_score_process(_series(cohort, known, line))
    course = first.loc[people]
    if (course["length"] < 2).all():
        raise NotIdentified(
            "nobody had a second session.", "courses of more than one session."
        )
    rows = session_rows(course_rows(cohort, course), known, line)
    patients = cohort.patients.set_index("patient_id")
    plan = patients["planned_sessions"].astype("Float64").reindex(people)
    rules = CourseRules()
    longest_gap = np.where(
        plan.notna(),
        COMPLETE_LOG_DAYS,
        rules.series_gap_days,
    )
    scale = cohort.instrument
    return PlasmodeModel(
        process=process,
        attendance=fit_attendance(rows),
        baseline=known.loc[people, "baseline"].to_numpy(float),
        baseline_day=known.loc[people, "baseline_day"].to_numpy(float),
        planned=np.asarray(
            plan.fillna(rules.induction_sessions),
            np.int64,
        ),
        longest_gap=longest_gap.astype(float),
        lowest=scale.minimum,
        highest=scale.maximum,
        whole_numbers=scale.whole_numbers,
    )


def null_cohort(
    cohort: DerivedCohort, simulated: int = NULL_PEOPLE, seed: int = NULL_SEED
) -> DerivedCohort:
    """The cohort as it would look if sessions did nothing, many times over, as a cohort that every
    estimate can count.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores on and off treatment.
    simulated : int
        At least so many people; everyone is drawn equally often.
    seed : int
        Everything random follows from it.

    Raises
    ------
    NotIdentified
        As `fit_plasmode`.
    """
    key = ("null cohort", simulated, seed)
    return cohort.once(
        key,
        lambda: _simulate(cohort, simulated, seed),
    )


def _simulate(
    cohort: DerivedCohort,
    simulated: int,
    seed: int,
) -> DerivedCohort:
    """The fitted clinic, lived through once more by everyone, with sessions that do nothing."""
    model = repeat_people(fit_plasmode(cohort), simulated)
    panel = simulate_plasmode(model, 0.0, np.random.default_rng(seed))
    return panel_cohort(panel, model, cohort)


def repeat_people(model: PlasmodeModel, at_least: int) -> PlasmodeModel:
    """The same clinic with everyone in it so often that there are at least so many people."""
    times = -(-at_least // model.baseline.size)  # rounded up
    return replace(
        model,
        baseline=np.tile(model.baseline, times),
        baseline_day=np.tile(model.baseline_day, times),
        planned=np.tile(model.planned, times),
        longest_gap=np.tile(model.longest_gap, times),
    )


# ---- the simulated panel as a cohort


def panel_cohort(
    panel: SimulatedPanel, model: PlasmodeModel, cohort: DerivedCohort
) -> DerivedCohort:
    """A simulated panel under the settings of the cohort it was fitted to; every log is
    complete.
    """
    sessions = _panel_sessions(panel)
    last_day = sessions.groupby("patient_id")["day"].max().to_numpy()
    scores = _panel_scores(panel, model)
    score_days = scores["day"].astype(np.int32)
    return cohort.replace(
        sessions=_like(cohort.sessions, sessions.assign(drug="ketamine")),
        scores=scores.assign(
            instrument=cohort.instrument.name,
            day=score_days,
        ),
        patients=_panel_patients(model, last_day),
        events=cohort.events.iloc[:0],
    )


def _panel_sessions(panel: SimulatedPanel) -> pd.DataFrame:
    """Sessions of the panel, numbered within a day."""
    day = panel.session_day.astype(np.int32)
    sessions = pd.DataFrame({"patient_id": panel.session_person, "day": day})
    earlier = sessions.groupby(["patient_id", "day"]).cumcount()
    sessions["order"] = earlier.to_numpy(np.int32) + 1
    return sessions


def _panel_scores(panel: SimulatedPanel, model: PlasmodeModel) -> pd.DataFrame:
    """Baselines and later scores of the panel, one for each person, day and timing."""
    before = pd.DataFrame(
        {
            "patient_id": np.arange(model.baseline.size),
            "day": model.baseline_day,
            "timing": "before",
            "score": model.baseline,
        }
    )
    later = pd.DataFrame(
        {
            "patient_id": panel.score_person,
            "day": panel.score_day,
            "timing": np.where(panel.score_after, "after", "before"),
            "score": panel.score,
        }
    )
    scores = pd.concat([before, later])
    # The sort is stable, so the score drawn last on a day is the one that stays.
    in_order = scores.sort_values(
        ["patient_id", "day"], kind="stable", ignore_index=True
    )
    once = ["patient_id", "day", "timing"]
    return in_order.drop_duplicates(once, keep="last", ignore_index=True)


def _panel_patients(model: PlasmodeModel, last_day: Floats) -> pd.DataFrame:
    """One row per simulated person; who has the long gap of a plan has the plan."""
    has_plan = model.longest_gap == COMPLETE_LOG_DAYS
    patients = pd.DataFrame(
        {
            "patient_id": np.arange(model.baseline.size),
            "planned_sessions": np.where(has_plan, model.planned, np.nan),
            "observed_to_day": last_day + _COMPLETE_DAYS,
            "stop_day": np.nan,
        }
    )
    whole = dict.fromkeys(("planned_sessions", "observed_to_day", "stop_day"), "Int64")
    return patients.astype(whole).assign(
        prior_sessions=0,
        stop_reason=None,
    )


def _like(
    table: pd.DataFrame,
    rows: pd.DataFrame,
) -> pd.DataFrame:
    """Rows with every column of a table; what is not simulated is missing."""
    return rows.assign(
        **{
            str(name): pd.Series(
                index=rows.index,
                dtype=table[name].dtype,
            )
            for name in table
            if name not in rows
        }
    )


# ---- scores and sessions as rows that the model is fitted to


def _series(
    cohort: DerivedCohort, known: pd.DataFrame, line: pd.DataFrame
) -> ScoreSeries:
    """Baseline and later scores of each person, padded, with the sessions in between."""
    early = line[line["day"] <= FITTED_DAYS]
    # One column for each person, row 0 the baseline; rows rise by day within a person.
    column = known.index.get_indexer(pd.Index(early["patient_id"]))
    row = early.groupby("patient_id").cumcount().to_numpy() + 1
    shape = (int(row.max(initial=0)) + 1, len(known))
    score = np.full(shape, np.nan)
    day = np.full(shape, np.nan)
    to_date = np.zeros(shape)
    score[0] = known["baseline"].to_numpy(float)
    day[0] = known["baseline_day"].to_numpy(float)
    score[row, column] = early["score"].to_numpy(float)
    day[row, column] = early["day"].to_numpy(float)
    to_date[row, column] = early["sessions_to_date"].to_numpy(float)
    # Padding after a person's last score keeps the sessions so far, so nothing lies in between.
    given = np.maximum.accumulate(
        to_date,
        axis=0,
    ).astype(np.int64)
    between = np.diff(given, axis=0, prepend=0)
    ages = _mean_ages(cohort, known.index, day, given, between)
    days = np.diff(
        day,
        axis=0,
        prepend=day[:1],
    )
    return ScoreSeries(
        score, np.nan_to_num(days), between.astype(float), np.nan_to_num(ages)
    )


def _mean_ages(
    cohort: DerivedCohort,
    people: pd.Index,
    day: Floats,
    given: np.ndarray,
    between: np.ndarray,
) -> Floats:
    """Mean days from the sessions between two scores to the second of them; 0 without sessions."""
    # A running sum over the whole log: the difference of two of its entries is the sum of the days
    # of one person's sessions between two scores.
    sums = np.append(
        0.0,
        np.cumsum(cohort.sessions["day"].to_numpy(float)),
    )
    begin = _first_session_rows(cohort).reindex(people).to_numpy()
    total = np.diff(
        sums[begin + given],
        axis=0,
        prepend=sums[begin][None],
    )
    mean_day = total / np.maximum(between, 1)
    return np.where(between > 0, day - mean_day, 0.0)


def score_rows(
    cohort: DerivedCohort, people: pd.Index, length: pd.Series
) -> pd.DataFrame:
    """Known scores after session 1, with the session each belongs to and the days since it.

    Parameters
    ----------
    people : Index
        Patients whose scores are used.
    length : Series
        Sessions of the course by `patient_id`; a score after it belongs to its last.

    Returns
    -------
    DataFrame
        `patient_id` `day` `score` `sessions_to_date` `session` `offset` (days).
    """
    line = cohort.timeline.dropna(subset=["score"])
    line = line[(line["sessions_to_date"] > 0) & line["patient_id"].isin(people)]
    to_date = line["sessions_to_date"].to_numpy()
    session = np.minimum(
        to_date,
        length.reindex(line["patient_id"]).to_numpy(),
    )
    begin = _first_session_rows(cohort).reindex(line["patient_id"]).to_numpy()
    # Sessions of a patient lie one after another: the first row and the number give the row.
    session_day = cohort.sessions["day"].to_numpy()[begin + session - 1]
    columns = ["patient_id", "day", "score", "sessions_to_date"]
    return line[columns].assign(
        session=session,
        offset=line["day"] - session_day,
    )


def _first_session_rows(cohort: DerivedCohort) -> pd.Series:
    """Row of each patient's first session, by `patient_id`."""
    ids = cohort.sessions["patient_id"]
    rows = pd.Series(
        np.arange(len(ids)),
        index=ids.to_numpy(),
    )
    return rows.groupby(level=0).first()


def course_rows(
    cohort: DerivedCohort, course: pd.DataFrame, complete: int = COMPLETE_LOG_DAYS
) -> pd.DataFrame:
    """Sessions of a course whose log is complete for so many days after them, and what followed.

    Parameters
    ----------
    course : DataFrame
        `length` `as_planned` by `patient_id`.
    complete : int
        Days.

    Returns
    -------
    DataFrame
        `patient_id` `day` `session` `kind` (as in `attendance`) `gap` (days to the next; missing
        after the last).
    """
    of_course = cohort.sessions["patient_id"].isin(course.index)
    rows = cohort.sessions.loc[of_course, ["patient_id", "day"]].reset_index(drop=True)
    by_patient = rows.groupby("patient_id")
    rows["session"] = by_patient.cumcount() + 1
    rows["gap"] = by_patient["day"].shift(-1) - rows["day"]
    here = course.reindex(rows["patient_id"])
    length = here["length"].to_numpy()
    session = rows["session"].to_numpy()
    ends = session == length
    as_planned = here["as_planned"].to_numpy(bool)
    how_ended = np.where(as_planned, PLANNED_END, LEFT)
    rows["kind"] = np.where(ends, how_ended, GOES_ON)
    rows["gap"] = rows["gap"].where(~ends)
    return rows[(session <= length) & _log_complete(cohort, rows, complete)]


def _log_complete(
    cohort: DerivedCohort,
    rows: pd.DataFrame,
    complete: int,
) -> Bools:
    """Whether the log is complete for so many days after each session; never where its end is
    unknown.
    """
    observed = cohort.patients.set_index("patient_id")["observed_to_day"]
    known_to = observed.astype("Float64") - complete
    # No session comes before day 0, so -1 is later than none of them.
    to_day = known_to.reindex(rows["patient_id"]).fillna(-1).to_numpy(float)
    return np.asarray(rows["day"].to_numpy() <= to_day)


def session_rows(
    rows: pd.DataFrame,
    known: pd.DataFrame,
    line: pd.DataFrame,
    followed: int = FOLLOWED_DAYS,
) -> SessionRows:
    """What was known by the end of the day of each session, and the days of scores after it.

    Parameters
    ----------
    rows : DataFrame
        From `course_rows`.
    known : DataFrame
        `baseline` by `patient_id`.
    line : DataFrame
        From `score_rows`.
    followed : int
        Days after a session to which its scores are drawn.
    """
    rows = rows.merge(
        _last_scores(rows, known, line),
        on=["patient_id", "session"],
    )
    keys = _session_keys(rows)
    session = rows["session"].to_numpy(np.int64)
    n_scores = line.groupby(["patient_id", "session"]).size()
    has_score = n_scores > 0
    scored = has_score.reindex(keys, fill_value=False).to_numpy()
    so_far = pd.Series(scored).groupby(rows["patient_id"].to_numpy()).cumsum()
    earlier = so_far.to_numpy() - scored
    today = line[line["offset"] == 0].groupby(["patient_id", "session"]).size()
    n_today = today.reindex(keys, fill_value=0).to_numpy()
    return SessionRows(
        last=rows["last"].to_numpy(float),
        baseline=known.loc[rows["patient_id"], "baseline"].to_numpy(float),
        session=session,
        scored_before=(earlier + 0.5) / session,
        followed_by=rows["kind"].to_numpy(np.int64),
        same_day=n_today > 0,
        gap=rows["gap"].to_numpy(float),
        offsets=_offsets(rows, line, followed),
    )


def _session_keys(rows: pd.DataFrame) -> pd.MultiIndex:
    """Patient and session of each row."""
    return pd.MultiIndex.from_frame(rows[["patient_id", "session"]])


def _last_scores(
    rows: pd.DataFrame, known: pd.DataFrame, line: pd.DataFrame
) -> pd.DataFrame:
    """Last score by the end of the day of each session; the baseline where there is none after
    it.
    """
    baseline = known["baseline"].rename("score").reset_index().assign(day=-1)
    scores = pd.concat([baseline, line[["patient_id", "day", "score"]]])
    days = rows[["patient_id", "session", "day"]]
    # `merge_asof` takes both sides in order of day, in one type.
    scores = scores.sort_values(
        "day",
        kind="stable",
    ).astype({"day": np.int64})
    days = days.sort_values(
        "day",
        kind="stable",
    ).astype({"day": np.int64})
    found = pd.merge_asof(days, scores, on="day", by="patient_id")
    return found.rename(columns={"score": "last"}).drop(columns="day")


def _offsets(
    rows: pd.DataFrame,
    line: pd.DataFrame,
    followed: int,
) -> Floats:
    """Days from each session to the later scores that belong to it, NaN-padded."""
    in_time = (line["offset"] > 0) & (line["offset"] <= followed)
    later = line[in_time].drop_duplicates(["patient_id", "session", "offset"])
    place = _session_keys(rows).get_indexer(_session_keys(later))
    # -1: a score of a session that is not among the rows
    later = later.assign(place=place)[place >= 0]
    number = later.groupby("place").cumcount().to_numpy()
    out = np.full(
        (len(rows), int(number.max(initial=0)) + 1),
        np.nan,
    )
    out[later["place"].to_numpy(), number] = later["offset"].to_numpy(float)
    return out
