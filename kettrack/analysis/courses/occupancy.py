"""In which state everyone who started is, week by week, with what is not known as a band of its
own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import death_words, log_end_days, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import STATES
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    COMPLETE_LOG_DAYS,
    DAYS_IN_WEEK,
    HORIZON_DAYS,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.plain_words import UNCHANGED_MEANS

_MOST_WEEKS: Final = 52
# Three months, where the logs of enough people reach so far.
_WEEK_SAID: Final = HORIZON_DAYS // DAYS_IN_WEEK
KNOWN: Final = tuple(reversed(STATES))
BANDS: Final = (*KNOWN, "not_known", "not_known_after_stop", "not_rated", "log_ended")
_ROLES: Final[dict[str, Role]] = {
    "week": "key",
    "n": "denominator",
    **dict.fromkeys((*BANDS, "followed", "treatment_over"), "count"),
}


def occupancy_rows(cohort: DerivedCohort, weeks: int = _MOST_WEEKS) -> pd.DataFrame:
    """Band of each patient at each week.

    Returns
    -------
    DataFrame
        One row per patient and week 0, 1, ...: `patient_id` `week` `band`: the state that still
        holds on day 7 x week (a state holds until the next score, at most
        `Criteria.state_holds_days`); else `log_ended` once the log reaches no further or the person
        has died, `not_rated`
        for those without a rated baseline, `not_known_after_stop` after the last session of a
        treatment known to be over, and `not_known`; and `treatment_over`, whatever the state.
    """
    patients = cohort.patients["patient_id"]
    day = DAYS_IN_WEEK * np.arange(weeks + 1)
    n_weeks = len(day)
    # Patients down, weeks across, in patient order.
    ends = log_end_days(cohort)
    ended = day > ends[:, None]
    over = (day > _treatment_end(cohort)[:, None]) & ~ended
    unrated = np.broadcast_to(~cohort.rated[:, None], ended.shape)
    state = _state_on(cohort, day)
    # -1, no state, points to the empty name appended last.
    names = np.array([*STATES, ""], object)[state]
    # The first condition that holds decides.
    band = np.select(
        [ended, unrated, state >= 0, over],
        [
            np.array("log_ended", object),
            np.array("not_rated", object),
            names,
            np.array("not_known_after_stop", object),
        ],
        np.array("not_known", object),
    )
    return pd.DataFrame(
        {
            "patient_id": np.repeat(patients.to_numpy(), n_weeks),
            "week": np.tile(np.arange(n_weeks), len(patients)),
            "band": pd.Categorical(band.ravel(), categories=list(BANDS)),
            "treatment_over": over.ravel(),
        }
    )


def _state_on(cohort: DerivedCohort, day: Ints) -> Ints:
    """Position in `STATES` of each patient on each day, shape (patients, days); -1 = none holds."""
    segments = cohort.state_segments
    patients = pd.Index(cohort.patients["patient_id"])
    place = patients.get_indexer(segments["patient_id"])
    # Left side: a segment holds on its first day, and no longer on the day that ends it.
    begin = np.searchsorted(day, segments["from_day"].to_numpy(), side="left")
    end = np.searchsorted(day, segments["to_day"].to_numpy(), side="left")
    codes = segments["state"].cat.codes
    out = np.full((len(patients), len(day)), -1, np.int64)
    for patient, first, last, code in zip(place, begin, end, codes, strict=True):
        out[patient, first:last] = code
    return out


def _treatment_end(cohort: DerivedCohort) -> Floats:
    """Day of the last session of a treatment known to be over, in patient order; infinite where it
    is not.
    """
    care = cohort.care
    over = care["care_status"].isin(["stopped", "planned_end"])
    last: pd.Series = care["last_session_day"].astype(float)
    ends: Floats = last.where(over, np.inf).to_numpy()
    return ends


@question(
    "state_occupancy",
    asks="In which state is everyone who started, week by week?",
    unit="people",
    estimand=(
        "State of everyone who started, at the end of each week after session 1; nobody leaves"
        " the denominator."
    ),
    roles=_ROLES,
)
def state_occupancy(cohort: DerivedCohort) -> Answer:
    """People in each state by week after session 1.

    Returns
    -------
    Result
        One row per week, to the last at which the logs of at least `FEWEST_PEOPLE` still run, at
        most 52: one count per band, which add up to `n`, everyone who started, `followed` (their
        log still runs), and `treatment_over`, the people whose treatment had ended, whatever their
        state. Refused when fewer than `FEWEST_PEOPLE` started with a rated baseline.
    """
    if int(cohort.rated.sum()) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a rated baseline.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1.",
        )
    rows = occupancy_rows(cohort)
    counts = pd.crosstab(rows["week"], rows["band"], dropna=False)
    counts = counts.reindex(columns=list(BANDS), fill_value=0)
    table = counts.rename_axis(None, axis=1).assign(
        n=len(cohort.patients),
        followed=len(cohort.patients) - counts["log_ended"],
        treatment_over=_treatments_over(cohort, rows),
    )
    table = table[table["followed"] >= FEWEST_PEOPLE].reset_index()
    week = min(_WEEK_SAID, int(table["week"].max()))
    stops_known = bool(table["treatment_over"].notna().all())
    return Answer(
        table=table[["week", "n", *BANDS, "followed", "treatment_over"]],
        sentence=_sentence(f"row{week}", stops_known),
        caveats=_caveats(cohort),
    )


def _treatments_over(cohort: DerivedCohort, rows: pd.DataFrame) -> pd.Series:
    """People whose treatment is known to be over, by week; missing where that is known of
    nobody.
    """
    counts = rows.groupby("week")["treatment_over"].sum().astype("Int64")
    nobody_knows = (cohort.care["care_status"] == "unknown").all()
    return counts.mask(np.full(len(counts), bool(nobody_knows)))


def _sentence(row: str, stops_known: bool) -> str:
    over = (
        f" {{{row}.not_known_after_stop}} more had ended treatment, and their state is not known."
        if stops_known
        else ""
    )
    return (
        f"{{{row}.n}} people started. At week {{{row}.week}}, {{{row}.remission}} were in"
        f" remission, {{{row}.response}} in response without remission, {{{row}.partial}} in"
        f" partial response, {{{row}.unchanged}} unchanged and {{{row}.worse}} worse. The state of"
        f" {{{row}.not_known}} was not known.{over} {{{row}.not_rated}} had no rated baseline."
        f" The log of {{{row}.log_ended}} ended earlier."
    )


def log_words(cohort: DerivedCohort) -> str:
    """Where logs end, in a sentence."""
    if cohort.patients["observed_to_day"].notna().all():
        return (
            "The log of each person ends at observed_to_day, or at its last row where that is"
            " later."
        )
    return (
        "Where observed_to_day is not recorded, the log is taken to end at its last row. People"
        " who left then look like people followed to the end, and a treatment that is over is not"
        " known to be over."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        (
            f"A state lasts until the next score, at most {cohort.criteria.state_holds_days}"
            " days; after that it is not known. Until the first score the state is 'unchanged'."
            f" {UNCHANGED_MEANS}. {rule_words(cohort)}."
        ),
        (
            "Treatment is over after the last session of people with a recorded stop, or with"
            f" {COMPLETE_LOG_DAYS} days without a session. Their state is shown for as long as a"
            " score tells it."
        ),
        log_words(cohort),
        *death_words(
            cohort,
            "A log ends with a death: these people stand among those whose log ended earlier.",
        ),
        (
            "This is what happened, not the effect of treatment. People whose state is not known"
            " may be better or worse than people who were scored."
        ),
    )
