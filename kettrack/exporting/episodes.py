"""Courses as episodes of care, in the shape of the OMOP common data model.

No number of a concept is written: they differ between vocabularies. The words stand in the source
values, and whoever loads the tables maps them. Days stand where the model has dates: a cohort of
kettrack has no dates to give.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.exporting.data_sets import DATA_SETS
from kettrack.timelines.derived import DerivedCohort

_NO_CONCEPT: Final = 0


def episode_tables(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    """The records of the three tables.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    """
    courses = cohort.courses.reset_index(drop=True)
    people = pd.Index(cohort.patients["patient_id"])
    person = people.get_indexer(pd.Index(courses["patient_id"])) + 1
    # A course of a patient is one run of rows: its number changes with the next one.
    pair = pd.MultiIndex.from_arrays([person, courses["course_number"]])
    episode = pd.factorize(pair)[0] + 1
    return {
        "episode": _episodes(courses, person, episode),
        "episode_event": _episode_events(episode),
        "drug_exposure": _exposures(cohort, person),
    }


def _episodes(
    courses: pd.DataFrame,
    person: np.ndarray,
    episode: np.ndarray,
) -> pd.DataFrame:
    rows = courses.assign(person=person, episode=episode)
    found = rows.groupby("episode", sort=True).agg(
        person=("person", "first"),
        patient_id=("patient_id", "first"),
        start=("day", "min"),
        end=("day", "max"),
        number=("course_number", "first"),
        course=("course", "first"),
        n=("day", "size"),
    )
    return DATA_SETS["episode"].frame(
        {
            "episode_id": found.index.to_numpy(),
            "person_id": found["person"].to_numpy(),
            "episode_concept_id": _NO_CONCEPT,
            "episode_start_day": found["start"].to_numpy(),
            "episode_end_day": found["end"].to_numpy(),
            "episode_number": found["number"].to_numpy(),
            "episode_object_concept_id": _NO_CONCEPT,
            "episode_type_concept_id": _NO_CONCEPT,
            "episode_source_value": found["course"].astype("str").to_numpy(),
            "person_source_value": found["patient_id"].to_numpy(),
            "n_sessions": found["n"].to_numpy(),
        }
    )


def _episode_events(episode: np.ndarray) -> pd.DataFrame:
    return DATA_SETS["episode_event"].frame(
        {
            "episode_id": episode,
            "event_id": np.arange(1, len(episode) + 1),
            "episode_event_field_concept_id": _NO_CONCEPT,
        }
    )


def _exposures(cohort: DerivedCohort, person: np.ndarray) -> pd.DataFrame:
    wanted = ["patient_id", "day", "drug", "route", "dose_mg"]
    sessions = cohort.cohort.columns("sessions", wanted).reset_index(drop=True)
    dose = sessions["dose_mg"]
    return DATA_SETS["drug_exposure"].frame(
        {
            "drug_exposure_id": np.arange(1, len(sessions) + 1),
            "person_id": person,
            "drug_concept_id": _NO_CONCEPT,
            "drug_exposure_start_day": sessions["day"],
            "drug_exposure_end_day": sessions["day"],
            "drug_type_concept_id": _NO_CONCEPT,
            "quantity": dose,
            "route_concept_id": _NO_CONCEPT,
            "drug_source_value": sessions["drug"],
            "route_source_value": sessions["route"],
            "dose_unit_source_value": pd.Series("mg", index=dose.index).where(
                dose.notna()
            ),
        }
    )
