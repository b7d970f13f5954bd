"""In which state everyone who started is, week by week, with what is not known as a band of its
own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import STATES

MOST_WEEKS: Final = 52
FEWEST_FOLLOWED: Final = 11
KNOWN: Final = tuple(reversed(STATES))
BANDS: Final = (*KNOWN, "not_known", "not_known_after_stop", "not_rated", "log_ended")
ESTIMAND: Final = (
    "State of everyone who started, at the end of each week after session 1; nobody leaves the"
    " denominator."
)
_ROLES: Final[dict[str, Role]] = {
    "week": "key",
    "n": "denominator",
    **dict.fromkeys((*BANDS, "followed", "treatment_over"), "count"),
}


def occupancy_rows(cohort: DerivedCohort, weeks: int = MOST_WEEKS) -> pd.DataFrame:
    """Band of each patient at each week.

    Returns
    -------
    DataFrame
        One row per patient and week 0, 1, ...: `patient_id` `week` `band`: the state that still
        holds on day 7 x week (a state holds until the next score, at most
        `Criteria.state_holds_days`); else `log_ended` once the log reaches no further, `not_rated`
        for those without a rated baseline, `not_known_after_stop` after the last session of a
        treatment known to be over, and `not_known`; and `treatment_over`, whatever the state.
    """
    patients = cohort.patients["patient_id"]
    day = 7 * np.arange(weeks + 1)
    shape = (len(patients), len(day))
    ended = day > cohort.log_ends.reindex(patients).to_numpy()[:, None]
    over = (day > _treatment_end(cohort)[:, None]) & ~ended
    unrated = np.broadcast_to(~cohort.rated[:, None], shape)
    state = _state_on(cohort, day, shape)
    names = np.array([*STATES, ""], object)[state]
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
            "patient_id": np.repeat(patients.to_numpy(), len(day)),
            "week": np.tile(np.arange(len(day)), len(patients)),
            "band": pd.Categorical(band.ravel(), categories=list(BANDS)),
            "treatment_over": over.ravel(),
        }
    )


def _state_on(
    cohort: DerivedCohort, day: np.ndarray, shape: tuple[int, int]
) -> np.ndarray:
    """Position in `STATES` of each patient on each day; -1 = none holds."""
    segments = cohort.state_segments
    place = pd.Index(cohort.patients["patient_id"]).get_indexer(segments["patient_id"])
    begin = np.searchsorted(day, segments["from_day"].to_numpy(), side="left")
    end = np.searchsorted(day, segments["to_day"].to_numpy(), side="left")
    out = np.full(shape, -1, np.int8)
    for patient, first, last, code in zip(
        place, begin, end, segments["state"].cat.codes, strict=True
    ):
        out[patient, first:last] = code
    return out


def _treatment_end(cohort: DerivedCohort) -> np.ndarray:
    """Day of the last session of a treatment known to be over, in patient order; never reached
    where it is not.
    """
    care = cohort.care
    over = care["care_status"].isin(["stopped", "planned_end"])
    ends: np.ndarray = (
        care["last_session_day"].astype(float).where(over, np.inf).to_numpy()
    )
    return ends


@question(
    "state_occupancy", asks="In which state is everyone who started, week by week?"
)
def state_occupancy(cohort: DerivedCohort) -> Result:
    """People in each state by week after session 1.

    Returns
    -------
    Result
        One row per week, to the last at which the logs of at least 11 people still run, at most 52:
        one count per band, which add up to `n`, everyone who started, `followed` (their log still
        runs), and `treatment_over`, the people whose treatment had ended, whatever their state.
        Refused when fewer than 11 people started with a rated baseline.
    """
    if int((cohort.rated).sum()) < FEWEST_FOLLOWED:
        error = NotIdentified(
            f"fewer than {FEWEST_FOLLOWED} people have a rated baseline.",
            "a score in the 30 days before session 1.",
        )
        return release(refusal("state_occupancy", cohort, error, ESTIMAND), cohort)
    rows = occupancy_rows(cohort)
    counts = pd.crosstab(rows["week"], rows["band"], dropna=False).reindex(
        columns=list(BANDS), fill_value=0
    )
    table = counts.rename_axis(None, axis=1).assign(
        n=len(cohort.patients),
        followed=len(cohort.patients) - counts["log_ended"],
        treatment_over=_treatments_over(cohort, rows),
    )
    table = table[table["followed"] >= FEWEST_FOLLOWED].reset_index()
    result = Result(
        name="state_occupancy",
        table=table[["week", "n", *BANDS, "followed", "treatment_over"]],
        roles=_ROLES,
        sentence=_sentence(
            f"row{min(12, int(table['week'].max()))}",
            bool(table["treatment_over"].notna().all()),
        ),
        estimand=ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="people"),
    )
    return release(result, cohort)


def _treatments_over(cohort: DerivedCohort, rows: pd.DataFrame) -> pd.Series:
    """People whose treatment is known to be over, by week; missing where that is known of
    nobody.
    """
    counts = rows.groupby("week")["treatment_over"].sum().astype("Int64")
    nobody_knows = (cohort.care["care_status"] == "unknown").all()
    return counts.mask(np.full(len(counts), bool(nobody_knows)))


def _sentence(row: str, stops_known: bool) -> str:
    over = (
        f", nor that of {{{row}.not_known_after_stop}} whose treatment was over"
        if stops_known
        else ""
    )
    return (
        f"At week {{{row}.week}}, of {{{row}.n}} people who started, {{{row}.remission}} were in"
        f" remission, {{{row}.response}} in response short of it, {{{row}.partial}} partly"
        f" better, {{{row}.unchanged}} unchanged and {{{row}.worse}} worse; the state of"
        f" {{{row}.not_known}} was not known{over}; {{{row}.not_rated}} had no rated baseline,"
        f" and the log of {{{row}.log_ended}} ends earlier."
    )


def log_words(cohort: DerivedCohort) -> str:
    """Where logs end, in a sentence."""
    if cohort.patients["observed_to_day"].notna().all():
        return (
            "The log of each person ends at observed_to_day, or at its last row where that is"
            " later."
        )
    return (
        "Where observed_to_day is not recorded, the log is taken to end at its last row, so that"
        " people who left look like people followed to the end, and a treatment that is over"
        " counts as not known to be."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        (
            f"A state holds until the next score, at most {cohort.criteria.state_holds_days}"
            " days; then it is not known. The baseline counts as 'unchanged' until the first"
            f" score. {rule_words(cohort)}."
        ),
        (
            "Treatment over: after the last session of people with a recorded stop, or 60 days"
            " without a session. Their state is shown as long as a score says it."
        ),
        log_words(cohort),
        (
            "What happened, not what treatment did: the people whose state is not known may be"
            " better or worse than those scored."
        ),
    )
