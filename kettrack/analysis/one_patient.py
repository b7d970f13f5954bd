"""One patient of a cohort: whether something about a single person may be shown, and the rows."""

from __future__ import annotations

import pandas as pd

from kettrack.errors import UsageError
from kettrack.privacy.policies import get_policy
from kettrack.timelines.derived import DerivedCohort


def rows_of(
    frame: pd.DataFrame,
    patient_id: str,
) -> pd.DataFrame:
    """Rows of one patient, numbered from 0."""
    # Through an array of numpy: a nullable column answers with missing truths.
    own = (frame["patient_id"] == patient_id).to_numpy(bool)
    return frame[own].reset_index(drop=True)


def require_internal(cohort: DerivedCohort, what: str) -> None:
    """Stop where `what`, which shows a single patient, would leave the clinic.

    Raises
    ------
    UsageError
        Under a release policy.
    """
    if get_policy(cohort.settings.policy).for_release:
        raise UsageError(
            f"A {what} shows a single patient, so it is made under the policy internal only."
        )


def require_patient(cohort: DerivedCohort, patient_id: str) -> None:
    """Stop where the cohort has no such patient.

    Raises
    ------
    UsageError
        Which does not repeat the code: it may be a name, typed by mistake.
    """
    if patient_id not in set(cohort.patients["patient_id"]):
        raise UsageError(
            "No patient of the cohort has this code. The codes stand in patient_id of sessions.csv."
        )
