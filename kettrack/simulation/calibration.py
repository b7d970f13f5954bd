"""How near the synthetic clinic is to published cohorts; prints the table when it is run:
`python -m kettrack.simulation.calibration`.

What the clinic would publish of itself is counted plainly here, apart from the code that is later
tested on it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Ints
from kettrack.simulation.cohort import Simulated, simulate
from kettrack.simulation.history import last_session_days, run
from kettrack.simulation.outcomes import AFTER_SESSION_DAYS, CASE
from kettrack.simulation.parameters import Parameters, Scoring
from kettrack.simulation.presets import CLINIC
from kettrack.simulation.process import NO_SESSION, REMISSION
from kettrack.simulation.targets import TARGETS, Target
from kettrack.vocabulary.days import (
    AFTER_COURSE_DAYS,
    BASELINE_WINDOW_DAYS,
    COMPLETE_LOG_DAYS,
    DAYS_IN_WEEK,
)
from kettrack.vocabulary.instruments import GAD7, PHQ9

CALIBRATION_PATIENTS: Final = 50_000
CALIBRATION_SEED: Final = 7
# McInnes 2022: 4 to 8 sessions within 28 days.
FEWEST_SESSIONS: Final = 4
COURSE_DAYS: Final = 28
RESPONSE_AT: Final = 0.5  # of baseline
RAISED: Final = (165, 100)  # mmHg
YEAR: Final = 365
LAST_DURABILITY_DAY: Final = 140
COURSE: Final = 6  # sessions after which durability starts
_PATIENT: Final = 100_000  # width of a patient's block of sort keys


def summarise_calibration(
    n: int = CALIBRATION_PATIENTS,
    seed: int = CALIBRATION_SEED,
) -> pd.DataFrame:
    """The synthetic clinic beside its targets.

    Parameters
    ----------
    n, seed : int
        Patients simulated, and their seed.

    Returns
    -------
    DataFrame
        One row per target: `target` `aim` (published) `simulated` `low` `high` (band) `inside`
        `kind` `rule` `scored` `source`.
    """
    found = measure_cohort(simulate(CLINIC, n, seed))
    found |= measure_kept_response(CLINIC, n, seed)
    return pd.DataFrame([_target_row(target, found[target.name]) for target in TARGETS])


def _target_row(
    target: Target,
    found: float,
) -> dict[str, object]:
    low, high = target.band
    return {
        "target": target.name,
        "aim": target.value,
        "simulated": round(found, 3),
        "low": low,
        "high": high,
        "inside": low <= found <= high,
        "kind": target.kind,
        "rule": target.rule,
        "scored": target.scored,
        "source": target.source,
    }


# ---- scores against sessions


@dataclass(frozen=True, slots=True)
class AlignedCohort:
    """A cohort ready to be counted.

    Parameters
    ----------
    scores : DataFrame
        One row per complete PHQ-9: `who` `day` `score` `item_9` `to_date` (sessions before it)
        `since` (days since the last) `baseline`.
    patients : DataFrame
        One row per patient: `n_sessions` `planned` `baseline` `course_sessions` `course_day` (last
        session of the first course) `last_day` `seen_to` `rated` (baseline a case, no sessions
        elsewhere before).
    sessions : DataFrame
        One row per session: `who` `day` `number`.
    """

    scores: pd.DataFrame
    patients: pd.DataFrame
    sessions: pd.DataFrame


def align_simulated(simulated: Simulated) -> AlignedCohort:
    """Count sessions before each score, and add baseline and first course."""
    ids = simulated.patients["patient_id"]
    code = pd.Series(np.arange(len(ids)), index=ids)
    table = simulated.sessions
    who = table["patient_id"].map(code)
    sessions = pd.DataFrame({"who": who, "day": table["day"]})
    sessions["number"] = sessions.groupby("who").cumcount() + 1
    scores = _placed_scores(
        simulated,
        code,
        sessions,
    )
    patients = _first_courses(
        simulated,
        sessions,
        scores,
    )
    own = patients[["baseline", "rated", "course_day"]]
    return AlignedCohort(
        scores.join(own, on="who"),
        patients,
        sessions,
    )


def _placed_scores(
    simulated: Simulated,
    code: pd.Series,
    sessions: pd.DataFrame,
) -> pd.DataFrame:
    """The complete PHQ-9s in order, with the sessions before each and the days since the last."""
    table = simulated.scores
    rows = table[(table["instrument"] == PHQ9.name) & table["score"].notna()]
    item_9 = rows["item_9"].to_numpy(float) if "item_9" in rows else np.nan
    scores = pd.DataFrame(
        {
            "who": rows["patient_id"].map(code).to_numpy(),
            "day": rows["day"].to_numpy(),
            "score": rows["score"].to_numpy(float),
            "item_9": item_9,
        }
    )
    # A session stands between the scores before and after it on the same day: it has the odd place
    # of its day, a score before it the even place below, a score after it the even place above.
    after = rows["timing"].eq("after").to_numpy()
    scores["at"] = scores["who"] * _PATIENT + 2 * scores["day"] + 2 * after
    scores = scores.sort_values(
        "at",
        kind="stable",
        ignore_index=True,
    )
    session_day = sessions["day"].to_numpy()
    keys = sessions["who"].to_numpy() * _PATIENT + 2 * session_day + 1
    before = np.searchsorted(keys, scores["at"])
    scores["to_date"] = before - np.searchsorted(keys, scores["who"] * _PATIENT)
    days_since = scores["day"] - session_day[np.maximum(before - 1, 0)]
    scores["since"] = np.where(
        scores["to_date"] > 0,
        days_since,
        np.nan,
    )
    return scores.drop(columns="at")


def _first_courses(
    simulated: Simulated,
    sessions: pd.DataFrame,
    scores: pd.DataFrame,
) -> pd.DataFrame:
    """One row per patient: baseline, length and end of the first course, time in view."""
    table = simulated.patients
    by_patient = sessions.groupby("who")["day"]
    n_sessions = by_patient.size()
    planned = table["planned_sessions"].to_numpy()
    course_sessions = np.minimum(n_sessions, planned)
    at_end = sessions["number"] == sessions["who"].map(course_sessions)
    untreated = scores["to_date"] == 0
    in_window = untreated & (scores["day"] >= -BASELINE_WINDOW_DAYS)
    first = scores[in_window].groupby("who").last()
    patients = pd.DataFrame(
        {"planned": planned, "seen_to": table["observed_to_day"].to_numpy()}
    ).assign(
        n_sessions=n_sessions,
        last_day=by_patient.max(),
        baseline=first["score"],
        baseline_item_9=first["item_9"],
        course_sessions=course_sessions,
        course_day=sessions[at_end].set_index("who")["day"],
    )
    new_to_ketamine = table["prior_sessions"].to_numpy() == 0
    patients["rated"] = (patients["baseline"] >= CASE) & new_to_ketamine
    return patients


def after_session(
    aligned: AlignedCohort,
    session: int,
) -> pd.DataFrame:
    """One row per rated patient with a score after `session`, before the next, at most 14 days
    later: the last of these.
    """
    scores = aligned.scores
    here = scores["to_date"] == session
    near = scores["rated"] & here & (scores["since"] <= AFTER_SESSION_DAYS)
    return scores[near].groupby("who").last()


def after_course(aligned: AlignedCohort) -> pd.DataFrame:
    """One row per rated patient with a score 14-31 days after four or more sessions within 28 days:
    the last one there.
    """
    scores = aligned.scores
    of_finished = scores["who"].map(_has_finished(aligned.patients))
    since = scores["day"] - scores["course_day"]
    in_window = since.between(*AFTER_COURSE_DAYS)
    return scores[of_finished & in_window].groupby("who").last()


def finished_course(aligned: AlignedCohort) -> pd.Series:
    """Whether each patient is rated, had four sessions within 28 days, and was in view to the end
    of the window.
    """
    patients = aligned.patients
    end = patients["course_day"] + AFTER_COURSE_DAYS[1]
    return _has_finished(patients) & (patients["seen_to"] >= end)


def _has_finished(patients: pd.DataFrame) -> pd.Series:
    """Who is rated and had enough sessions within the days of a course."""
    enough = patients["course_sessions"] >= FEWEST_SESSIONS
    return patients["rated"] & enough & (patients["course_day"] <= COURSE_DAYS)


# ---- what a clinic would publish of itself


def measure_cohort(simulated: Simulated) -> dict[str, float]:
    """Every figure that can be read off one cohort."""
    aligned = align_simulated(simulated)
    return {
        **measure_baseline(simulated, aligned),
        **measure_change(aligned),
        **measure_ever_responded(aligned),
        **measure_course(aligned),
        **measure_schedule(aligned),
        **measure_suicidality(aligned),
        **measure_safety(simulated, aligned),
        **measure_selection(aligned),
    }


def has_responded(rows: pd.DataFrame) -> pd.Series:
    """Whether each score is at most half of the baseline beside it."""
    return rows["score"] <= RESPONSE_AT * rows["baseline"]


def measure_baseline(
    simulated: Simulated,
    aligned: AlignedCohort,
) -> dict[str, float]:
    """PHQ-9 and GAD-7 before the first session, in everybody who started."""
    scores = simulated.scores
    before = (scores["day"] <= 0) & (scores["timing"] != "after")
    gad7 = scores[(scores["instrument"] == GAD7.name) & before]
    anxiety = gad7.groupby("patient_id")["score"].last().to_numpy(float)
    baseline = aligned.patients["baseline"]
    return {
        "baseline_mean": baseline.mean(),
        "baseline_sd": baseline.std(),
        "gad7_mean": anxiety.mean(),
        "gad7_sd": anxiety.std(),
        "no_baseline": baseline.isna().mean(),
        "below_case": (baseline < CASE).mean(),
    }


def measure_change(aligned: AlignedCohort) -> dict[str, float]:
    """Mean change after sessions 1, 3, 6 in those scored then, and its spread after 6."""
    found = {}
    for session in (1, 3, 6):
        rows = after_session(aligned, session)
        change = rows["score"] - rows["baseline"]
        found[f"change_s{session}"] = change.mean()
    return found | {"change_sd_s6": change.std()}


def measure_ever_responded(aligned: AlignedCohort) -> dict[str, float]:
    """Cumulative response by session, single score: a life table by counts, which the stopped and
    the unscored leave.
    """
    first: pd.Series = pd.Series(dtype=float)
    still = 1.0
    found = {}
    for session in range(1, 11):
        rows = after_session(aligned, session)
        at_risk = rows[~rows.index.isin(first.index)]
        responds = at_risk[has_responded(at_risk)]
        # a session after which nobody new is scored leaves the curve as it is
        if len(at_risk):
            still *= 1 - len(responds) / len(at_risk)
        new = pd.Series(
            session,
            index=responds.index,
            dtype=float,
        )
        first = pd.concat([first, new])
        found[f"ever_s{session}"] = 1 - still
    return found | {"median_session_of_responders": first.median()}


def measure_course(aligned: AlignedCohort) -> dict[str, float]:
    """Point response 14-31 days after the course in those scored then, and how many were."""
    rows = after_course(aligned)
    finished = finished_course(aligned)
    due = finished[finished].index
    change = rows["score"] - rows["baseline"]
    # two months in view: others had no time to finish a course and its window
    starters = (aligned.patients["seen_to"] >= YEAR / 6).sum()
    return {
        "response": has_responded(rows).mean(),
        "remission": (rows["score"] <= REMISSION).mean(),
        "worse": (change > 0).mean(),
        "change_window": change.mean(),
        "followed": due.isin(rows.index).mean(),
        "followed_of_starters": rows.index.isin(due).sum() / starters,
    }


def measure_schedule(aligned: AlignedCohort) -> dict[str, float]:
    """Gaps, drop-out before the planned end, going on, and sessions in a year of those still
    there.
    """
    patients = aligned.patients
    sessions = aligned.sessions
    gap = sessions.groupby("who")["day"].diff()
    planned = sessions["who"].map(patients["planned"])
    # after the course, everybody is in view long enough to tell stopping from going on
    mature = patients[patients["seen_to"] >= 2 * COMPLETE_LOG_DAYS]
    year = patients[patients["seen_to"] >= YEAR + COMPLETE_LOG_DAYS]
    kept = year[year["last_day"] >= YEAR]
    in_year = sessions[sessions["day"] < YEAR].groupby("who").size()
    return {
        "gap_median": gap[sessions["number"] <= planned].median(),
        "drop_out": (mature["n_sessions"] < mature["planned"]).mean(),
        "maintenance": (mature["n_sessions"] > mature["planned"]).mean(),
        "sessions_median": mature["n_sessions"].median(),
        "sessions_most": patients["n_sessions"].max(),
        "sessions_year": in_year.reindex(kept.index).mean(),
        "retained_year": len(kept) / len(year) if len(year) else np.nan,
    }


def measure_suicidality(aligned: AlignedCohort) -> dict[str, float]:
    """Item 9: above 0 before, of those 0 after session 6, and higher than before after session
    6.
    """
    baseline = aligned.patients["baseline_item_9"]
    rows = after_session(aligned, 6)
    before = baseline[rows.index]
    after = rows["item_9"]
    return {
        "item9_before": (baseline.dropna() > 0).mean(),
        "item9_cleared": (after[before > 0] == 0).mean(),
        "item9_worse": (after > before).mean(),
    }


def measure_safety(
    simulated: Simulated,
    aligned: AlignedCohort,
) -> dict[str, float]:
    """Rates per IV session."""
    number = aligned.sessions["number"].to_numpy()
    sessions = simulated.sessions.assign(number=number)
    noted = sessions["adverse_events"].notna()
    iv = sessions[(sessions["route"] == "iv") & noted]
    dissociation = iv["adverse_events"].str.contains("dissociation")
    taken = iv[iv["systolic_peak"].notna()]
    top, bottom = RAISED
    raised = (taken["systolic_peak"] >= top) | (taken["diastolic_peak"] >= bottom)
    return {
        "dissociation_s1": dissociation[iv["number"] == 1].mean(),
        "dissociation_later": dissociation[iv["number"] >= 4].mean(),
        "nausea": iv["adverse_events"].str.contains("nausea").mean(),
        "raised_pressure": raised.mean(),
        "stopped_early": iv["stopped_early"].mean(),
    }


def measure_selection(aligned: AlignedCohort) -> dict[str, float]:
    """Response at the first score after the tenth session of those who had it, and at week 6 of
    everybody scored then.
    """
    scores = aligned.scores
    treated = scores[scores["rated"] & (scores["to_date"] > 0)]
    had_ten = treated["who"].map(aligned.patients["n_sessions"] >= 10)
    at_ten = treated[had_ten & (treated["to_date"] >= 10)].groupby("who").first()
    week_six = treated[treated["day"].between(35, 49)].groupby("who").last()
    return {
        "response_ten_sessions": has_responded(at_ten).mean(),
        "response_week_six": has_responded(week_six).mean(),
    }


def measure_kept_response(
    parameters: Parameters,
    n: int,
    seed: int,
) -> dict[str, float]:
    """Responders after six sessions and no more, scored every week without gaps: how many keep
    response, by single scores.

    Parameters
    ----------
    parameters : Parameters
        The clinic; its habits of scoring are replaced.
    n, seed : int
        Patients and seed.

    Returns
    -------
    dict of str to float
        `kept_day_28` `kept_day_56`: shares, 0 to 1.
    """
    clinic = replace(
        parameters,
        scoring=Scoring(error_sd=parameters.scoring.error_sd),
        last_day=LAST_DURABILITY_DAY,
        open_days=0,
    )
    history = run(
        clinic,
        n,
        seed,
        regime=COURSE,
    )
    log = history.scores
    baseline = history.people.first_score
    since = log.day - last_session_days(history)[log.who]
    # week 0 holds the first score after the course
    week = (since - 1) // DAYS_IN_WEEK
    well = log.score <= RESPONSE_AT * baseline[log.who]
    off_session = (log.timing == NO_SESSION) & (since > 0)
    responds = _are_all_well(
        log.who,
        well,
        off_session & (week == 0),
        n,
    )
    starts = responds & (baseline >= CASE)
    found = {}
    for last in (4, 8):
        kept = _are_all_well(
            log.who,
            well,
            off_session & (week <= last),
            n,
        )
        found[f"kept_day_{DAYS_IN_WEEK * last}"] = float(kept[starts].mean())
    return found


def _are_all_well(
    who: Ints,
    well: Bools,
    rows: Bools,
    n: int,
) -> Bools:
    """Per patient, whether every one of the chosen scores is well; False without any."""
    seen = np.bincount(who[rows], minlength=n)
    ill = np.bincount(who[rows & ~well], minlength=n)
    return (seen > 0) & (ill == 0)


if __name__ == "__main__":
    table = summarise_calibration()
    sys.stdout.write(table.to_csv(index=False, lineterminator="\n"))
