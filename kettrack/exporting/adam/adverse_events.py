"""ADAE: one record per adverse event of a session, and per grave entry of the events table."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.exporting.adam.subjects import yes_no
from kettrack.exporting.data_sets import DATA_SETS
from kettrack.exporting.words import (
    HARMS,
    NO,
    NO_EVENT,
    NOT_NAMED,
    SERIOUS,
    YES,
    study_days,
)
from kettrack.timelines.derived import DerivedCohort


def adverse_event_rows(
    cohort: DerivedCohort,
    study: str,
) -> pd.DataFrame:
    """The records of ADAE.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    study : str
        Name of the study.
    """
    both = [_of_sessions(cohort), _of_events(cohort)]
    # An empty table has no kinds of columns, and would change those of the other.
    filled = [part for part in both if len(part)]
    found = pd.concat(filled, ignore_index=True) if filled else both[0]
    found = found.sort_values(
        ["USUBJID", "day", "SRCDOM", "SRCSEQ"],
        kind="stable",
        ignore_index=True,
    )
    day = found["day"]
    place = found.groupby("USUBJID", sort=False).cumcount()
    # What came before the first session was not caused by it, and is kept and told apart.
    after = np.where(day >= 0, YES, NO)
    numbered = found.assign(
        STUDYID=study,
        AESEQ=place + 1,
        ASTDY=study_days(day),
        TRTEMFL=after,
    )
    described = DATA_SETS["ADAE"]
    # Columns that only the other source has are empty.
    names = described.names
    whole = numbered.reindex(columns=names)
    return described.frame({name: whole[name] for name in names})


def _of_sessions(cohort: DerivedCohort) -> pd.DataFrame:
    """One row per session and word."""
    wanted = ["patient_id", "day", "adverse_events", "serious", "stopped_early"]
    sessions = cohort.cohort.columns("sessions", wanted).reset_index(drop=True)
    lists = sessions["adverse_events"].astype("object")
    number = sessions.groupby("patient_id", sort=False).cumcount()
    rows = pd.DataFrame(
        {
            "USUBJID": sessions["patient_id"],
            "day": sessions["day"],
            "AETERM": lists.str.split(";"),
            "SESSN": number + 1,
            "SESSSER": yes_no(sessions["serious"]),
            "SESSSTOP": yes_no(sessions["stopped_early"]),
            "SRCDOM": "SESSIONS",
            "SRCSEQ": np.arange(len(sessions)) + 1,
        }
    )
    rows = _with_events(rows.explode("AETERM"))
    alone = ~rows["SRCSEQ"].duplicated(keep=False)
    # One flag for a session with two events does not say which of them was serious.
    told = alone | (rows["SESSSER"] == NO)
    serious = rows["SESSSER"].where(told)
    return rows.assign(AESER=serious)


def _with_events(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of sessions at which something happened, with its word in capitals."""
    words = rows["AETERM"].astype("str")
    term = words.str.strip()
    # "none" says that somebody looked and saw nothing: no event. Empty says that nobody wrote.
    nothing = term.isna() | (term == NO_EVENT)
    # A serious session without a word is harm all the same.
    unnamed = nothing & (rows["SESSSER"] == YES)
    named = term.mask(unnamed, NOT_NAMED)
    kept = unnamed | ~nothing
    return rows.assign(AETERM=named.str.upper())[kept]


def _of_events(cohort: DerivedCohort) -> pd.DataFrame:
    """One row per entry that tells of harm."""
    events = cohort.events.reset_index(drop=True)
    is_harm = events["event"].isin(HARMS)
    harm = events[is_harm]
    serious = harm["event"].isin(SERIOUS)
    yes = pd.Series(YES, index=harm.index)
    return pd.DataFrame(
        {
            "USUBJID": harm["patient_id"],
            "day": harm["day"],
            "AETERM": harm["event"].str.upper(),
            # Whether any other entry was serious is not recorded.
            "AESER": yes.where(serious),
            "AEDETAIL": harm["detail"].str.upper(),
            "SRCDOM": "EVENTS",
            "SRCSEQ": harm.index + 1,
        }
    )
