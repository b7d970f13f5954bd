"""Scores and sessions of a cohort as the arrays that the model of the clinic is fitted to."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.plasmode.attendance import (
    GOES_ON,
    LEFT,
    PLANNED_END,
    SessionRows,
)
from kettrack.estimators.plasmode.severity_filter import ScoreSeries
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.kernels import NO_ROW
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, COMPLETE_LOG_DAYS
from kettrack.vocabulary.instrument import Instrument

# Scores up to so long after session 1 (half a year) teach the course of severity.
FITTED_DAYS: Final = 182
# Scores so long after the last session are drawn too: one that confirms may come late.
FOLLOWED_DAYS: Final = 75
# After a planned end for longer: a response that is held for eight weeks needs a later score, up to
# sixty days on, that could have confirmed its loss.
FOLLOWED_LONG_DAYS: Final = 140
# Standard errors by which people are worse at the last score before session 1 than at the first.
_BEYOND_CHANCE: Final = 2.0

# ---- scores as series of people


def scored_before(
    cohort: DerivedCohort,
) -> pd.Index:
    """Everybody with sessions and a score in the baseline window."""
    return cohort.once("scored before", lambda: _scored_before(cohort))


def _scored_before(
    cohort: DerivedCohort,
) -> pd.Index:
    # Arrays, not the timeline: in a large clinic that table takes longer than all else here.
    bucket = cohort.bucket
    before = bucket.score_known & (cohort.alignment.sessions_to_date == 0)
    recent = bucket.score_day >= -BASELINE_WINDOW_DAYS
    scored = bucket.first_row(before & recent) != NO_ROW
    treated = np.diff(bucket.session_offsets) > 0
    return bucket.patient_id[scored & treated]


def score_series(
    cohort: DerivedCohort,
    people: pd.Index,
) -> ScoreSeries:
    """Scores of each person, padded, those before session 1 first, with the sessions in between."""
    line = _early_scores(cohort, people)
    # One column for each person; rows rise by day within a person.
    column = people.get_indexer(pd.Index(line["patient_id"]))
    row = line.groupby("patient_id").cumcount().to_numpy()
    shape = (int(row.max(initial=0)) + 1, len(people))
    score = np.full(shape, np.nan)
    day = np.full(shape, np.nan)
    to_date = np.zeros(shape)
    score[row, column] = line["score"].to_numpy(float)
    day[row, column] = line["day"].to_numpy(float)
    to_date[row, column] = line["sessions_to_date"].to_numpy(float)
    # Padding after a person's last score keeps the sessions so far, so nothing lies in between.
    given = np.maximum.accumulate(to_date, axis=0).astype(np.int64)
    later, age, first_age = _sessions_between(
        cohort,
        people,
        day,
        given,
    )
    days = np.diff(
        day,
        axis=0,
        prepend=day[:1],
    )
    return ScoreSeries(
        score=score,
        days=np.nan_to_num(days),
        sessions=later,
        age=age,
        first_age=first_age,
        begin=day[0],
        edge=_edges(score, cohort.instrument),
        step=0.5 if cohort.instrument.whole_numbers else 0.0,
    )


def _edges(score: Floats, scale: Instrument) -> Floats:
    """-1 where a score is the lowest of its scale, 1 where it is the highest, else 0."""
    highest = score >= scale.maximum
    lowest = score <= scale.minimum
    return highest.astype(float) - lowest


def _early_scores(
    cohort: DerivedCohort,
    people: pd.Index,
) -> pd.DataFrame:
    """Known scores of these people from the baseline window to half a year."""
    line = cohort.timeline.dropna(subset=["score"])
    day = line["day"]
    in_time = (day >= -BASELINE_WINDOW_DAYS) & (day <= FITTED_DAYS)
    scores = line[in_time & line["patient_id"].isin(people)]
    return _from_entry(scores, cohort.instrument.sign)


def _from_entry(scores: pd.DataFrame, sign: int) -> pd.DataFrame:
    """Scores without those before the last one up to session 1, where people came because they felt
    worse.

    Of two scores before session 1 the fall from the first to the second is natural course, if
    people are taken in by the first. Where they are worse at the second they are taken in by that
    one: the rise is then what brought them here, and taken for natural course it would book their
    way back as the work of sessions.
    """
    before = scores[scores["sessions_to_date"] == 0]
    by_patient = before.groupby("patient_id", observed=True)["score"]
    ends = by_patient.agg(["first", "last", "size"])
    twice = ends[ends["size"] > 1]
    rise = sign * (twice["last"] - twice["first"]).to_numpy(float)
    if len(rise) < 2:
        return scores
    error = rise.std(ddof=1) / np.sqrt(len(rise))
    if rise.mean() <= _BEYOND_CHANCE * error:
        return scores
    earlier = before.index[before.duplicated("patient_id", keep="last")]
    return scores.drop(index=earlier)


def _sessions_between(
    cohort: DerivedCohort,
    people: pd.Index,
    day: Floats,
    given: Ints,
) -> tuple[Floats, Floats, Floats]:
    """Later sessions between two scores and their mean days to the second; and the days from the
    very first session, where it lies between them.
    """
    session_day = cohort.sessions["day"].to_numpy(float)
    # A running sum over the whole log: the difference of two of its entries is the sum of the days
    # of one person's sessions between two scores.
    sums = np.append(
        0.0,
        np.cumsum(session_day),
    )
    begin = _first_session_rows(cohort).reindex(people).to_numpy()
    total = np.diff(
        sums[begin + given],
        axis=0,
        prepend=sums[begin][None],
    )
    between = np.diff(
        given,
        axis=0,
        prepend=0,
    )
    first = (given > 0) & (given == between)
    first_day = session_day[begin]
    later = between - first
    mean_day = (total - first * first_day) / np.maximum(later, 1)
    age = np.where(
        later > 0,
        day - mean_day,
        0.0,
    )
    first_age = np.where(
        first,
        day - first_day,
        np.nan,
    )
    return later.astype(float), age, first_age


# ---- sessions as rows


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


def _first_session_rows(
    cohort: DerivedCohort,
) -> pd.Series:
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
    how_ended = np.where(
        as_planned,
        PLANNED_END,
        LEFT,
    )
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
        best=rows["best"].to_numpy(float),
        baseline=known.loc[rows["patient_id"], "baseline"].to_numpy(float),
        session=session,
        day=rows["day"].to_numpy(float),
        scored_before=(earlier + 0.5) / session,
        followed_by=rows["kind"].to_numpy(np.int64),
        same_day=n_today > 0,
        gap=rows["gap"].to_numpy(float),
        offsets=_offsets(rows, line, (0, followed)),
        much_later=_offsets(rows, line, (followed, FOLLOWED_LONG_DAYS)),
    )


def _session_keys(
    rows: pd.DataFrame,
) -> pd.MultiIndex:
    """Patient and session of each row."""
    return pd.MultiIndex.from_frame(rows[["patient_id", "session"]])


def _last_scores(
    rows: pd.DataFrame, known: pd.DataFrame, line: pd.DataFrame
) -> pd.DataFrame:
    """Last and lowest score by the end of the day of each session, the baseline among them."""
    baseline = known["baseline"].rename("score").reset_index().assign(day=-1)
    scores = pd.concat([baseline, line[["patient_id", "day", "score"]]])
    days = rows[["patient_id", "session", "day"]]
    # `merge_asof` takes both sides in order of day, in one type.
    scores = scores.sort_values(
        "day",
        kind="stable",
    ).astype({"day": np.int64})
    scores["best"] = scores.groupby("patient_id")["score"].cummin()
    days = days.sort_values(
        "day",
        kind="stable",
    ).astype({"day": np.int64})
    found = pd.merge_asof(
        days,
        scores,
        on="day",
        by="patient_id",
    )
    return found.rename(columns={"score": "last"}).drop(columns="day")


def _offsets(
    rows: pd.DataFrame,
    line: pd.DataFrame,
    between: tuple[int, int],
) -> Floats:
    """Days from each session to the scores that belong to it, NaN-padded: those later than the
    first of two days, up to the second.
    """
    after, to = between
    in_time = (line["offset"] > after) & (line["offset"] <= to)
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
