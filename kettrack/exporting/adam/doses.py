"""EX: one record per session. Analysis data sets refer to it, and readers of CDISC know it."""

from __future__ import annotations

import pandas as pd

from kettrack.exporting.data_sets import DATA_SETS
from kettrack.exporting.words import study_days
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.cdisc_words import TO_CDISC_ROUTES


def dose_rows(
    cohort: DerivedCohort,
    study: str,
) -> pd.DataFrame:
    """The records of EX.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    study : str
        Name of the study.
    """
    wanted = ["patient_id", "day", "drug", "route", "dose_mg", "duration_min"]
    sessions = cohort.cohort.columns("sessions", wanted).reset_index(drop=True)
    dose = sessions["dose_mg"]
    day = study_days(sessions["day"])
    minutes = sessions["duration_min"]
    length = "PT" + minutes.astype("str") + "M"
    columns = {
        "STUDYID": study,
        "DOMAIN": "EX",
        "USUBJID": sessions["patient_id"],
        "EXSEQ": sessions.groupby("patient_id", sort=False).cumcount() + 1,
        "EXTRT": sessions["drug"].str.upper(),
        "EXDOSE": dose,
        "EXDOSU": pd.Series("mg", index=dose.index).where(dose.notna()),
        "EXDOSFRQ": "ONCE",
        "EXROUTE": sessions["route"].map(TO_CDISC_ROUTES),
        "EXSTDY": day,
        "EXENDY": day,
        # The word for a missing number must not become a length.
        "EXDUR": length.where(minutes.notna()),
    }
    return DATA_SETS["EX"].frame(columns)
