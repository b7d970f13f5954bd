"""What a simulated clinic would publish of itself: the figures that calibration holds against
published ones.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kettrack.arrays import Bools
from kettrack.simulation.aligned import (
    Aligned,
    after_course,
    after_session,
    align_simulated,
    finished_course,
)
from kettrack.simulation.cohort import Simulated
from kettrack.simulation.habits import DAYS_PER_WEEK, Scoring
from kettrack.simulation.history import run
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.scoring import NO_SESSION
from kettrack.vocabulary.instruments import GAD7

YEAR = 365
STOPPED_AFTER_DAYS = 60  # nobody counts as stopped sooner
RESPONSE_AT = 0.5
REMISSION_BELOW = 5
COURSE = 6  # sessions after which durability starts
RAISED = (165, 100)  # mmHg


def _responded(rows: pd.DataFrame) -> pd.Series:
    return rows["score"] <= RESPONSE_AT * rows["baseline"]


def measure_baseline(simulated: Simulated, aligned: Aligned) -> dict[str, float]:
    """PHQ-9 and GAD-7 before the first session, in everybody who started."""
    gad7 = simulated.scores[
        (simulated.scores.instrument == GAD7.name) & (simulated.scores.day <= 0)
    ]
    anxiety = (
        gad7[gad7.timing != "after"].groupby("patient_id").score.last().to_numpy(float)
    )
    baseline = aligned.patients.baseline
    return {
        "baseline_mean": baseline.mean(),
        "baseline_sd": baseline.std(),
        "gad7_mean": anxiety.mean(),
        "gad7_sd": anxiety.std(),
        "no_baseline": baseline.isna().mean(),
        "below_case": (baseline < 10).mean(),
    }


def measure_change(aligned: Aligned) -> dict[str, float]:
    """Mean change after sessions 1, 3, 6 in those scored then, and its spread after 6."""
    found = {}
    for session in (1, 3, 6):
        rows = after_session(aligned, session)
        found[f"change_s{session}"] = (rows.score - rows.baseline).mean()
    return found | {"change_sd_s6": (rows.score - rows.baseline).std()}


def measure_ever_responded(aligned: Aligned) -> dict[str, float]:
    """Cumulative response by session, single score: a life table by counts, which the stopped and
    the unscored leave.
    """
    first: pd.Series = pd.Series(dtype=float)
    still = 1.0
    found = {}
    for session in range(1, 11):
        rows = after_session(aligned, session)
        new = rows[~rows.index.isin(first.index)]
        hit = new[_responded(new)]
        still *= 1 - len(hit) / len(new) if len(new) else 1.0
        first = pd.concat([first, pd.Series(session, index=hit.index, dtype=float)])
        found[f"ever_s{session}"] = 1 - still
    return found | {"median_session_of_responders": first.median()}


def measure_course(aligned: Aligned) -> dict[str, float]:
    """Point response 14-31 days after the course in those scored then, and how many were."""
    rows = after_course(aligned)
    due = finished_course(aligned)
    return {
        "response": _responded(rows).mean(),
        "remission": (rows.score < REMISSION_BELOW).mean(),
        "worse": (rows.score > rows.baseline).mean(),
        "change_window": (rows.score - rows.baseline).mean(),
        "followed": due[due].index.isin(rows.index).mean(),
        "followed_of_starters": (
            rows.index.isin(due[due].index).sum()
            / (aligned.patients.seen_to >= YEAR / 6).sum()
        ),
    }


def measure_schedule(aligned: Aligned) -> dict[str, float]:
    """Gaps, drop-out before the planned end, going on, and sessions in a year of those still
    there.
    """
    patients = aligned.patients
    sessions = aligned.sessions
    gap = sessions.groupby("who").day.diff()
    in_course = sessions.number <= sessions.who.map(patients.planned)
    mature = patients[patients.seen_to >= 2 * STOPPED_AFTER_DAYS]
    year = patients[patients.seen_to >= YEAR + STOPPED_AFTER_DAYS]
    kept = year[year.last_day >= YEAR]
    in_year = sessions[sessions.day < YEAR].groupby("who").size()
    return {
        "gap_median": gap[in_course].median(),
        "drop_out": (mature.n_sessions < mature.planned).mean(),
        "maintenance": (mature.n_sessions > mature.planned).mean(),
        "sessions_median": mature.n_sessions.median(),
        "sessions_most": patients.n_sessions.max(),
        "sessions_year": in_year.reindex(kept.index).mean(),
        "retained_year": len(kept) / len(year) if len(year) else np.nan,
    }


def measure_suicidality(aligned: Aligned) -> dict[str, float]:
    """Item 9: above 0 before, of those 0 after session 6, and higher than before after session
    6.
    """
    rows = after_session(aligned, 6)
    before = aligned.patients.baseline_item_9[rows.index]
    return {
        "item9_before": (aligned.patients.baseline_item_9.dropna() > 0).mean(),
        "item9_cleared": (rows.item_9[before > 0] == 0).mean(),
        "item9_worse": (rows.item_9 > before).mean(),
    }


def measure_safety(simulated: Simulated, aligned: Aligned) -> dict[str, float]:
    """Rates per IV session."""
    sessions = simulated.sessions.assign(number=aligned.sessions.number.to_numpy())
    iv = sessions[(sessions.route == "iv") & sessions.adverse_events.notna()]
    dissociation = iv.adverse_events.str.contains("dissociation")
    taken = iv[iv.systolic_peak.notna()]
    raised = (taken.systolic_peak >= RAISED[0]) | (taken.diastolic_peak >= RAISED[1])
    return {
        "dissociation_s1": dissociation[iv.number == 1].mean(),
        "dissociation_later": dissociation[iv.number >= 4].mean(),
        "nausea": iv.adverse_events.str.contains("nausea").mean(),
        "raised_pressure": raised.mean(),
        "stopped_early": iv.stopped_early.mean(),
    }


def measure_selection(aligned: Aligned) -> dict[str, float]:
    """Response at the last score of those with ten or more sessions, and at week 6 of everybody
    scored then.
    """
    scores = aligned.scores
    many = aligned.patients.n_sessions >= 10
    last = scores[scores.rated & (scores.to_date > 0)]
    at_ten = last[last.who.map(many) & (last.to_date >= 10)].groupby("who").first()
    week_six = last[last.day.between(35, 49)].groupby("who").last()
    return {
        "response_ten_sessions": _responded(at_ten).mean(),
        "response_week_six": _responded(week_six).mean(),
    }


def measure_cohort(simulated: Simulated) -> dict[str, float]:
    """Every figure that can be read off one cohort."""
    aligned = align_simulated(simulated)
    return (
        measure_baseline(simulated, aligned)
        | measure_change(aligned)
        | measure_ever_responded(aligned)
        | measure_course(aligned)
        | measure_schedule(aligned)
        | measure_suicidality(aligned)
        | measure_safety(simulated, aligned)
        | measure_selection(aligned)
    )


def measure_durability(parameters: Parameters, n: int, seed: int) -> dict[str, float]:
    """Responders after six sessions and no more, scored every week without gaps: how many keep
    response, by single scores.
    """
    weekly = Scoring(error_sd=parameters.scoring.error_sd)
    history = run(
        replace(parameters, scoring=weekly, last_day=140, open_days=0),
        n,
        seed,
        regime=COURSE,
    )
    baseline = history.people.first_score
    last_session = np.zeros(n, np.int64)
    np.maximum.at(last_session, history.sessions.who, history.sessions.day)
    log = history.scores
    # 0: the first score after the course
    week = (log.day - last_session[log.who] - 1) // DAYS_PER_WEEK
    well = log.score <= RESPONSE_AT * baseline[log.who]
    off_session = (log.timing == NO_SESSION) & (log.day > last_session[log.who])
    starts = _all_well(log.who, well, off_session & (week == 0), n) & (baseline >= 10)
    return {
        f"kept_day_{7 * last}": (
            _all_well(log.who, well, off_session & (week <= last), n)[starts].mean()
        )
        for last in (4, 8)
    }


def _all_well(who: np.ndarray, well: Bools, rows: Bools, n: int) -> Bools:
    """Per patient, whether every one of the chosen scores is well; False without any."""
    seen = np.bincount(who[rows], minlength=n)
    ill = np.bincount(who[rows & ~well], minlength=n)
    return (seen > 0) & (ill == 0)
