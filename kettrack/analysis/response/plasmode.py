"""What the same clinic would show if sessions did nothing: fitted to its own scores, and counted like any cohort."""

from __future__ import annotations

import operator
from collections import deque
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.exits import counted_outcomes, first_course_exits
from kettrack.errors import NotIdentified
from kettrack.estimators.attendance import GOES_ON, LEFT, PLANNED_END, SessionRows, fit_attendance
from kettrack.estimators.plasmode import Panel, PlasmodeModel, simulate_plasmode
from kettrack.estimators.score_process import ScoreSeries, fit_score_process
from kettrack.reading.cohort import Cohort
from kettrack.timelines.bucket import Array
from kettrack.timelines.courses import STOP_AFTER_DAYS, CourseRules, first_courses
from kettrack.timelines.tables import timeline_table

SEED: Final = 20130513
SIMULATED: Final = 4_000  # people in the null cohort: Monte-Carlo error of a percentage below one point
FITTED_DAYS: Final = 182  # scores up to so long after session 1 teach the course of severity
FOLLOWED_DAYS: Final = 75  # scores so long after the last session are drawn too: a confirming one may come 60 days later
NULL_CAVEAT: Final = (
    "Null: the same people, plans and score days with sessions that do nothing: natural course, regression to the mean, noise "
    f"and the clinic's own stopping; {SIMULATED:,} people simulated from a model of the clinic's own scores (seed {SEED}). It "
    "assumes that stopping follows the scores. What comes with treatment but not from the sessions counts for them; what only "
    "the first session does may count as natural course."
)


# The last null cohorts with what they were made from: several estimates of one cohort ask for the same.
_KEPT: deque[tuple[tuple[pd.DataFrame, ...], tuple[object, ...], Cohort]] = deque(maxlen=2)


def fit_plasmode(cohort: Cohort) -> PlasmodeModel:
    """Fit scores, stopping and scoring of the first course.

    Raises
    ------
    NotIdentified
        When there are too few score pairs without a session in between, nobody can be counted, or the log has no end.
    """
    exits = first_course_exits(cohort).set_index("patient_id")
    people = exits.index[exits["step"] > 0]
    if people.empty:
        raise NotIdentified("nobody is at risk.", "observed_to_day, and a score in the 30 days before session 1.")
    known = counted_outcomes(cohort)
    line = _scores(cohort, known.index)
    process = fit_score_process(_series(cohort, known, line))
    course = first_courses(cohort).loc[people]
    if (course["length"] < 2).all():
        raise NotIdentified("nobody had a second session.", "courses of more than one session.")
    plan = cohort.patients.set_index("patient_id")["planned_sessions"].astype("Float64").reindex(people)
    rules, scale = CourseRules(), cohort.instrument
    return PlasmodeModel(
        process=process,
        attendance=fit_attendance(_session_rows(cohort, known, line, course)),
        baseline=known.loc[people, "baseline"].to_numpy(float),
        baseline_day=known.loc[people, "baseline_day"].to_numpy(float),
        planned=np.asarray(plan.fillna(rules.induction_sessions), np.int64),
        longest_gap=np.where(plan.notna(), STOP_AFTER_DAYS, rules.series_gap_days).astype(float),
        lowest=scale.minimum,
        highest=scale.maximum,
        whole_numbers=scale.whole_numbers,
    )


def null_cohort(cohort: Cohort, simulated: int = SIMULATED, seed: int = SEED) -> Cohort:
    """The cohort as it would look if sessions did nothing, many times over, as a cohort that every estimate can count.

    Parameters
    ----------
    cohort : Cohort
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
    frames = (cohort.sessions, cohort.scores, cohort.patients)
    for kept, chosen, made in _KEPT:
        if all(map(operator.is_, kept, frames)) and chosen == (_rating(cohort), simulated, seed):
            return replace(made, settings=cohort.settings)
    model = repeat_people(fit_plasmode(cohort), simulated)
    made = panel_cohort(simulate_plasmode(model, 0.0, np.random.default_rng(seed)), model, cohort)
    _KEPT.appendleft((frames, (_rating(cohort), simulated, seed), made))
    return made


def _rating(cohort: Cohort) -> tuple[str, str, str]:
    """What of the settings the fit depends on."""
    return cohort.instrument.name, cohort.criteria.hash, cohort.settings.baseline


def repeat_people(model: PlasmodeModel, at_least: int) -> PlasmodeModel:
    """The same clinic with everyone in it so often that there are at least so many people."""
    times = -(-at_least // model.baseline.size)
    return replace(
        model,
        baseline=np.tile(model.baseline, times),
        baseline_day=np.tile(model.baseline_day, times),
        planned=np.tile(model.planned, times),
        longest_gap=np.tile(model.longest_gap, times),
    )


def panel_cohort(panel: Panel, model: PlasmodeModel, cohort: Cohort) -> Cohort:
    """A simulated panel under the settings of the cohort it was fitted to; every log is complete."""
    people = np.arange(model.baseline.size)
    sessions = pd.DataFrame({"patient_id": panel.session_person, "day": panel.session_day.astype(np.int32)})
    sessions["order"] = sessions.groupby(["patient_id", "day"]).cumcount().to_numpy(np.int32) + 1
    last = sessions.groupby("patient_id")["day"].max()
    before = pd.DataFrame({"patient_id": people, "day": model.baseline_day, "timing": "before", "score": model.baseline})
    timing = np.where(panel.score_after, "after", "before")
    later = pd.DataFrame({"patient_id": panel.score_person, "day": panel.score_day, "timing": timing, "score": panel.score})
    scores = pd.concat([before, later]).sort_values(["patient_id", "day"], kind="stable", ignore_index=True)
    scores = scores.drop_duplicates(["patient_id", "day", "timing"], keep="last", ignore_index=True)
    planned = np.where(model.longest_gap == STOP_AFTER_DAYS, model.planned, np.nan)
    patients = pd.DataFrame(
        {"patient_id": people, "planned_sessions": planned, "observed_to_day": last.to_numpy() + 1000, "stop_day": np.nan}
    )
    whole = dict.fromkeys(("planned_sessions", "observed_to_day", "stop_day"), "Int64")
    return replace(
        cohort,
        sessions=_like(cohort.sessions, sessions.assign(drug="ketamine")),
        scores=scores.assign(instrument=cohort.instrument.name, day=scores["day"].astype(np.int32)),
        patients=patients.astype(whole).assign(prior_sessions=0, stop_reason=None),
        events=cohort.events.iloc[:0],
    )


def _like(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with every column of a table; what is not simulated is missing."""
    missing = [str(name) for name in table if name not in rows]
    return rows.assign(**{name: pd.Series(index=rows.index, dtype=table[name].dtype) for name in missing})


def _scores(cohort: Cohort, people: pd.Index) -> pd.DataFrame:
    """Known scores after session 1, with the session of the first course each belongs to and the days since it."""
    line = timeline_table(cohort).dropna(subset=["score"])
    line = line[(line["sessions_to_date"] > 0) & line["patient_id"].isin(people)]
    length = first_courses(cohort)["length"].reindex(line["patient_id"]).to_numpy()
    session = np.minimum(line["sessions_to_date"].to_numpy(), length)
    days = cohort.sessions["day"].to_numpy()[_first_row(cohort).reindex(line["patient_id"]).to_numpy() + session - 1]
    return line[["patient_id", "day", "score", "sessions_to_date"]].assign(session=session, offset=line["day"] - days)


def _first_row(cohort: Cohort) -> pd.Series:
    """Row of each patient's first session."""
    ids = cohort.sessions["patient_id"]
    return pd.Series(np.arange(len(ids)), index=ids.to_numpy()).groupby(level=0).first()


def _series(cohort: Cohort, known: pd.DataFrame, line: pd.DataFrame) -> ScoreSeries:
    """Baseline and later scores of each person, padded, with the sessions in between."""
    early = line[line["day"] <= FITTED_DAYS]
    column = known.index.get_indexer(pd.Index(early["patient_id"]))
    row = early.groupby("patient_id").cumcount().to_numpy() + 1
    shape = (int(row.max(initial=0)) + 1, len(known))
    score, day, to_date, ages = (np.full(shape, value) for value in (np.nan, np.nan, 0.0, 0.0))
    score[0], day[0] = known["baseline"].to_numpy(float), known["baseline_day"].to_numpy(float)
    for table, name in ((score, "score"), (day, "day"), (to_date, "sessions_to_date")):
        table[row, column] = early[name].to_numpy(float)
    sums = np.append(0.0, np.cumsum(cohort.sessions["day"].to_numpy(float)))
    begin = _first_row(cohort).reindex(known.index).to_numpy()
    given = np.maximum.accumulate(to_date, axis=0).astype(np.int64)
    between = np.diff(given, axis=0, prepend=0)
    total = np.diff(sums[begin + given], axis=0, prepend=sums[begin][None])
    ages = np.where(between > 0, day - total / np.maximum(between, 1), 0.0)
    days = np.diff(day, axis=0, prepend=day[:1])
    return ScoreSeries(score, np.nan_to_num(days), between.astype(float), np.nan_to_num(ages))


def _session_rows(cohort: Cohort, known: pd.DataFrame, line: pd.DataFrame, course: pd.DataFrame) -> SessionRows:
    """Sessions of the first course whose log is complete, with what was known by then and what followed."""
    rows = cohort.sessions[cohort.sessions["patient_id"].isin(course.index)][["patient_id", "day"]].reset_index(drop=True)
    rows["session"] = rows.groupby("patient_id").cumcount() + 1
    rows["gap"] = rows.groupby("patient_id")["day"].shift(-1) - rows["day"]
    complete = cohort.patients.set_index("patient_id")["observed_to_day"].astype("Float64") - STOP_AFTER_DAYS
    here = course.reindex(rows["patient_id"])
    inside = rows["session"].to_numpy() <= here["length"].to_numpy()
    told = rows["day"].to_numpy() <= complete.reindex(rows["patient_id"]).fillna(-1).to_numpy(float)
    ends = rows["session"].to_numpy() == here["length"].to_numpy()
    rows["kind"] = np.where(ends, np.where(here["as_planned"].to_numpy(bool), PLANNED_END, LEFT), GOES_ON)
    rows["gap"] = rows["gap"].where(~ends)
    rows = rows[inside & told]
    rows = rows.merge(_last_known(rows, known, line), on=["patient_id", "session"])
    offsets = _offsets(rows, line)
    scored = (line.groupby(["patient_id", "session"]).size() > 0).reindex(_keys(rows), fill_value=False).to_numpy()
    earlier = pd.Series(scored).groupby(rows["patient_id"].to_numpy()).cumsum().to_numpy() - scored
    today = line[line["offset"] == 0].groupby(["patient_id", "session"]).size()
    return SessionRows(
        last=rows["last"].to_numpy(float),
        baseline=known.loc[rows["patient_id"], "baseline"].to_numpy(float),
        session=rows["session"].to_numpy(np.int64),
        scored_before=(earlier + 0.5) / rows["session"].to_numpy(),
        followed_by=rows["kind"].to_numpy(np.int64),
        same_day=today.reindex(_keys(rows), fill_value=0).to_numpy() > 0,
        gap=rows["gap"].to_numpy(float),
        offsets=offsets,
    )


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["patient_id", "session"]])


def _last_known(rows: pd.DataFrame, known: pd.DataFrame, line: pd.DataFrame) -> pd.DataFrame:
    """Last score by the end of the day of each session; the baseline where there is none after it."""
    before = known.reset_index()[["patient_id", "baseline"]].rename(columns={"baseline": "score"}).assign(day=-1)
    scores = pd.concat([before, line[["patient_id", "day", "score"]]]).sort_values("day", kind="stable")
    days = rows[["patient_id", "session", "day"]].sort_values("day", kind="stable")
    scores, days = scores.astype({"day": np.int64}), days.astype({"day": np.int64})
    return pd.merge_asof(days, scores, on="day", by="patient_id").rename(columns={"score": "last"}).drop(columns="day")


def _offsets(rows: pd.DataFrame, line: pd.DataFrame) -> Array:
    """Days from each session to the later scores that belong to it, NaN-padded."""
    later = line[(line["offset"] > 0) & (line["offset"] <= FOLLOWED_DAYS)].drop_duplicates(["patient_id", "session", "offset"])
    place = _keys(rows).get_indexer(_keys(later))
    later = later.assign(place=place)[place >= 0]
    number = later.groupby("place").cumcount().to_numpy()
    out = np.full((len(rows), int(number.max(initial=0)) + 1), np.nan)
    out[later["place"].to_numpy(), number] = later["offset"].to_numpy(float)
    return out
