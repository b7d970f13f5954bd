"""Two cohort folders from the NIMH Ketamine Mechanism of Action study: one for each infusion,
ketamine and placebo.

The data are CC0 (OpenNeuro ds005917, DOI 10.18112/openneuro.ds005917.v1.0.1) and stay where
KETTRACK_REFERENCE_DATA points. A person had one infusion of each kind or of one only; the baseline
(ses-b0) was taken before the first and serves both. The study gives no days between the infusions,
so each folder has its own clock: baseline on day -1, infusion on day 0, scores on days 2 and 10.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import pandas as pd

Drug = Literal["ketamine", "placebo"]

FOLDER: Final = "nimh_ketamine_moa"
LETTER: Final = {"ketamine": "d", "placebo": "p"}
SCALES: Final = {"MADRS_Total": "MADRS", "HAM17_Total": "HAMD-17"}
# healthy controls have none
DIAGNOSES: Final = {"MDD": "major_depression", "BP": "bipolar", "HC": ""}
SEXES: Final = {"F": "female", "M": "male"}


def write_cohort(reference_data: Path, target: Path, drug: Drug) -> Path:
    """Write the cohort folder of one infusion.

    Parameters
    ----------
    reference_data : Path
        Folder of the published data sets.
    target : Path
        Folder to write into; made where it is missing.
    drug : {"ketamine", "placebo"}
        Which infusion.

    Returns
    -------
    Path
        `target`, with `sessions.csv`, `scores.csv` (MADRS and HAMD-17), `patients.csv` and
        `kettrack.toml`.
    """
    target.mkdir(parents=True, exist_ok=True)
    people = _people(reference_data, drug)
    sessions = people[["patient_id"]].assign(day=0, drug=drug, route="iv")
    sessions.to_csv(target / "sessions.csv", index=False)
    _scores(reference_data, drug, people["patient_id"]).to_csv(
        target / "scores.csv", index=False
    )
    people[["patient_id", "age", "sex", "diagnosis"]].to_csv(
        target / "patients.csv", index=False
    )
    extract = (
        f"NIMH ketamine mechanism of action study, {drug} infusion (OpenNeuro ds005917, version"
        " 1.0.1)"
    )
    (target / "kettrack.toml").write_text(f'extract = "{extract}"\n', encoding="utf-8")
    return target


def _people(reference_data: Path, drug: Drug) -> pd.DataFrame:
    """Everyone who had the infusion, without the columns that could identify a person."""
    people = _read(reference_data, "participants.tsv")
    people = people[people[["infusion_1", "infusion_2"]].eq(LETTER[drug]).any(axis=1)]
    return people.assign(
        patient_id=_codes(people),
        age=people["age"].astype("Int64"),
        sex=people["sex"].map(SEXES),
        diagnosis=people["group"].map(DIAGNOSES),
    )


def _scores(reference_data: Path, drug: Drug, chosen: pd.Series) -> pd.DataFrame:
    """One row per person, day and scale; an incomplete total stays as an empty score."""
    days = {"ses-b0": -1, f"ses-{LETTER[drug]}2": 2, f"ses-{LETTER[drug]}10": 10}
    visits = _read(reference_data, "phenotype.tsv")
    visits = visits.assign(
        patient_id=_codes(visits), day=visits["session_id"].map(days)
    )
    visits = visits[visits["day"].notna() & visits["patient_id"].isin(chosen)].astype(
        {"day": int}
    )
    scores = visits.melt(["patient_id", "day"], list(SCALES), "instrument", "score")
    return scores.assign(
        instrument=scores["instrument"].map(SCALES),
        score=scores["score"].astype("Int64"),
    )


def _codes(table: pd.DataFrame) -> pd.Series:
    return table["participant_id"].str.removeprefix("sub-")


def _read(reference_data: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(reference_data / FOLDER / name, sep="\t", na_values="n/a")
