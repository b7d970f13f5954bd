"""ADSL: one record per patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.exporting.data_sets import DATA_SETS
from kettrack.exporting.words import NO, TREATMENT_STATUSES, YES, study_days
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.cdisc_words import (
    CDISC_HISPANIC,
    TO_CDISC_RACES,
    TO_CDISC_SEXES,
)


def subject_rows(
    cohort: DerivedCohort,
    study: str,
) -> pd.DataFrame:
    """The records of ADSL.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    study : str
        Name of the study.
    """
    patients = cohort.patients.reset_index(drop=True)
    outcomes = cohort.outcomes.reset_index(drop=True)
    columns: dict[str, Any] = {"STUDYID": study, "USUBJID": patients["patient_id"]}
    columns |= _as_recorded(patients)
    columns |= _treatment(cohort, outcomes)
    columns |= _rated(cohort, outcomes)
    return DATA_SETS["ADSL"].frame(columns)


def _as_recorded(patients: pd.DataFrame) -> dict[str, Any]:
    """What stands in the table of patients."""
    ethnicity = patients["ethnicity"]
    age = patients["age"]
    years = pd.Series("YEARS", index=age.index).where(age.notna())
    hispanic = ethnicity == "hispanic"
    found = {
        "SUBJID": patients["patient_id"],
        "SITEID": patients["site"],
        "AGE": age,
        "AGEU": years,
        "SEX": patients["sex"].map(TO_CDISC_SEXES),
        "RACE": ethnicity.map(TO_CDISC_RACES),
        # A patient of another word may be hispanic too: the clinic has one column for both.
        "ETHNIC": pd.Series(CDISC_HISPANIC, index=age.index).where(hispanic),
        "ETHGRP": ethnicity.str.upper(),
        "DIAG": patients["diagnosis"].str.upper(),
        "NFAILAD": patients["failed_antidepressants"],
        "STARTYR": patients["start_year"],
        "NPRIOR": patients["prior_sessions"],
        "NPLAN": patients["planned_sessions"],
        "ENDRSN": patients["stop_reason"].str.upper(),
    }
    for name, column in _FLAG_COLUMNS.items():
        found[name] = yes_no(patients[column])
    for name, column in _DAY_COLUMNS.items():
        found[name] = study_days(patients[column])
    return found


_FLAG_COLUMNS: Final[Mapping[str, str]] = {
    "ANXFL": "anxiety",
    "PTSDFL": "ptsd",
    "SUDFL": "substance_use",
    "PSYTHFL": "psychotherapy",
}
_DAY_COLUMNS: Final[Mapping[str, str]] = {
    "ENDDY": "stop_day",
    "LOGENDY": "observed_to_day",
    "LSTCNDY": "last_contact_day",
}


def yes_no(truth: pd.Series) -> pd.Series:
    """Truth values as Y and N; missing ones stay missing.

    Examples
    --------
    >>> yes_no(pd.Series([True, False, None], dtype="boolean")).tolist()
    ['Y', 'N', nan]
    """
    return truth.map({True: YES, False: NO}).astype("str")


def _treatment(
    cohort: DerivedCohort,
    outcomes: pd.DataFrame,
) -> dict[str, Any]:
    sessions = cohort.cohort.columns("sessions", ["patient_id", "day", "drug"])
    # Every patient of a cohort has a session, and both tables have the same order.
    by_patient = sessions.groupby("patient_id", sort=False)
    order = outcomes["patient_id"]
    # Not `first`, which would pass over an empty cell.
    drug = by_patient["drug"].nth(0).to_numpy()
    last = by_patient["day"].last().reindex(order).reset_index(drop=True)
    return {
        "TRT01A": pd.Series(drug, dtype="str").str.upper(),
        "TRTSDY": 1,
        "TRTEDY": study_days(last),
        "NSESS": outcomes["n_sessions"],
        "EOTSTT": outcomes["care_status"].astype("object").map(TREATMENT_STATUSES),
    }


def _rated(
    cohort: DerivedCohort,
    outcomes: pd.DataFrame,
) -> dict[str, Any]:
    """Who counts on the primary instrument."""
    reason = outcomes["exclusion_reason"].astype("str")
    return {
        "SAFFL": YES,
        "RATEDFL": yes_no(pd.Series(np.asarray(cohort.rated, bool))),
        "INCLFL": yes_no(outcomes["included"]),
        "EXCLRSN": reason.str.upper(),
        "BASE": outcomes["baseline"],
        "BASEDY": study_days(outcomes["baseline_day"]),
        "NASSESS": outcomes["n_assessments"],
        "LSTASDY": study_days(outcomes["end_day"]),
    }
