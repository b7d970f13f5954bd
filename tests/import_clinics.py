"""One invented clinic in every format that can be read, with a secret where a file can hold one.

`planted` says where the secret stands; the files are otherwise alike, so that one test can hold
something over all readers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat

SECRET = "Zyxwarth"
FIRST = date(2025, 1, 6)


@dataclass(frozen=True)
class Clinic:
    """Rows of an invented clinic.

    Parameters
    ----------
    planted : frozenset of str
        Places of the secret: `ids` `names` `notes` `drugs` `dates` `scores` `columns` `tables`.
        `nobody`: the first score is of nobody.
    n_patients : int
        How many.
    """

    planted: frozenset[str] = field(default_factory=frozenset)
    n_patients: int = 6

    def _word(self, place: str, otherwise: str) -> str:
        return SECRET if place in self.planted else otherwise

    @property
    def ids(self) -> list[str]:
        if "ids" in self.planted:
            return [f"{SECRET}-{number:03d}" for number in range(self.n_patients)]
        return [f"MRN{number:04d}" for number in range(1, self.n_patients + 1)]

    @property
    def extra(self) -> str:
        """Name of one more column."""
        return f"Anna {SECRET}" if "columns" in self.planted else "extra"

    @property
    def patients(self) -> pd.DataFrame:
        rows = [
            (
                one,
                f"{self._word('names', 'Roe')}, Anna",
                str(date(1980, 1, 1) + timedelta(days=400 * number)),
                "F" if number % 2 else "M",
            )
            for number, one in enumerate(self.ids)
        ]
        return pd.DataFrame(rows, columns=["mrn", "name", "birthdate", "sex"])

    @property
    def sessions(self) -> pd.DataFrame:
        rows = []
        for number, one in enumerate(self.ids):
            for session in range(4):
                day = FIRST + timedelta(days=2 * number + 3 * session)
                first = not rows
                drug = self._word("drugs", "Ketamine") if first else "Ketamine"
                when = self._word("dates", str(day)) if first else str(day)
                note = f"saw {self._word('notes', 'nobody')} today"
                rows.append((one, when, drug, 40 + number, note, "x"))
        columns = ["mrn", "date", "drug", "dose", "notes", self.extra]
        return pd.DataFrame(rows, columns=columns)

    @property
    def scores(self) -> pd.DataFrame:
        rows: list[tuple[str, str, Any]] = []
        for number, one in enumerate(self.ids):
            for week in range(3):
                day = FIRST + timedelta(days=2 * number + 7 * week - 1)
                total: Any = 20 - 4 * week
                if "scores" in self.planted and not rows:
                    total = SECRET
                nobody = "nobody" in self.planted and not rows
                rows.append(("" if nobody else one, str(day), total))
        return pd.DataFrame(rows, columns=["mrn", "phq9_date", "phq9_total"])

    @property
    def name_of_scores(self) -> str:
        return f"Anna {SECRET}" if "tables" in self.planted else "PHQ-9"


def excel(clinic: Clinic, folder: Path) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    tables = {
        "Sessions": clinic.sessions,
        clinic.name_of_scores: clinic.scores,
        "Patients": clinic.patients,
    }
    for name, frame in tables.items():
        sheet = book.create_sheet(name)
        sheet.append(list(frame.columns))
        for row in frame.itertuples(index=False):
            sheet.append(list(row))
    book.save(folder / "log.xlsx")
    return folder / "log.xlsx"


def text(clinic: Clinic, folder: Path) -> Path:
    place = folder / "logs"
    place.mkdir()
    clinic.sessions.to_csv(place / "sessions.csv", index=False)
    clinic.scores.to_csv(place / f"{clinic.name_of_scores}.csv", index=False)
    clinic.patients.to_csv(place / "patients.csv", index=False)
    return place


def _statistics(
    clinic: Clinic, folder: Path, ending: str, write: Callable[..., None]
) -> Path:
    place = folder / "files"
    place.mkdir()
    # These programs allow no blanks in names: the heading in words is the label.
    for name, frame in (
        ("sessions", clinic.sessions),
        ("phq", clinic.scores),
        ("patients", clinic.patients),
    ):
        labels = list(frame.columns)
        short = [
            f"v{number}" if " " in one else one for number, one in enumerate(labels)
        ]
        columns = [one[:8] if ending == "xpt" else one for one in short]
        plain = frame.astype({one: str for one in labels if frame[one].dtype == object})
        plain.columns = pd.Index(columns)
        write(plain, str(place / f"{name}.{ending}"), column_labels=labels)
    return place


def stata(clinic: Clinic, folder: Path) -> Path:
    return _statistics(clinic, folder, "dta", pyreadstat.write_dta)


def spss(clinic: Clinic, folder: Path) -> Path:
    return _statistics(clinic, folder, "sav", pyreadstat.write_sav)


def sas(clinic: Clinic, folder: Path) -> Path:
    return _statistics(clinic, folder, "xpt", pyreadstat.write_xport)


def redcap(clinic: Clinic, folder: Path) -> Path:
    base = clinic.patients.rename(columns={"mrn": "record_id", "birthdate": "dob"})
    base = base.assign(redcap_event_name="baseline_arm_1", demographics_complete="2")
    given = clinic.sessions.rename(
        columns={"mrn": "record_id", "date": "inf_date", "dose": "inf_dose_mg"}
    )
    given = given.assign(
        redcap_event_name="treatment_arm_1",
        redcap_repeat_instrument="infusion",
        redcap_repeat_instance=given.groupby("record_id").cumcount() + 1,
        infusion_complete="2",
    )
    scored = clinic.scores.rename(columns={"mrn": "record_id"})
    scored = scored.assign(
        redcap_event_name="treatment_arm_1",
        redcap_repeat_instrument="phq9",
        redcap_repeat_instance=scored.groupby("record_id").cumcount() + 1,
        phq9_complete="2",
    )
    first = [
        "record_id",
        "redcap_event_name",
        "redcap_repeat_instrument",
        "redcap_repeat_instance",
    ]
    forms = [
        ["name", "dob", "sex", "demographics_complete"],
        ["inf_date", "drug", "inf_dose_mg", "notes", clinic.extra, "infusion_complete"],
        ["phq9_date", "phq9_total", "phq9_complete"],
    ]
    rows = pd.concat([base, given, scored])
    rows = rows[[*first, *(name for form in forms for name in form)]]
    rows.to_csv(folder / "export.csv", index=False)
    return folder / "export.csv"


def fhir(clinic: Clinic, folder: Path) -> Path:
    place = folder / "bulk"
    place.mkdir()
    people = [
        {
            "resourceType": "Patient",
            "id": row.mrn,
            "name": [{"text": row.name_}],
            "birthDate": row.birthdate,
            "gender": "female" if row.sex == "F" else "male",
        }
        for row in clinic.patients.rename(columns={"name": "name_"}).itertuples()
    ]
    observed = [
        {
            "resourceType": "Observation",
            "id": f"o{place}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
            "subject": {"reference": f"Patient/{row.mrn}"},
            "effectiveDateTime": row.phq9_date,
            "valueQuantity": {"value": row.phq9_total},
        }
        for place, row in enumerate(clinic.scores.itertuples())
    ]
    given = [
        {
            "resourceType": "MedicationAdministration",
            "id": f"m{place}",
            "status": "completed",
            "medicationCodeableConcept": {
                "coding": [
                    {
                        "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                        "code": "6130",
                    }
                ],
                "text": row.drug,
            },
            "subject": {"reference": f"Patient/{row.mrn}", "display": row.notes},
            "effectiveDateTime": row.date,
            "dosage": {"dose": {"value": row.dose, "unit": "mg"}},
            "note": [{"text": row.notes}],
        }
        for place, row in enumerate(clinic.sessions.itertuples())
    ]
    kinds = {
        "Patient": people,
        "Observation": observed,
        "MedicationAdministration": given,
    }
    for name, records in kinds.items():
        lines = "\n".join(json.dumps(one) for one in records)
        (place / f"{name}.ndjson").write_text(lines + "\n")
    return place


def omop(clinic: Clinic, folder: Path) -> Path:
    place = folder / "cdm"
    place.mkdir()
    number = {one: str(place) for place, one in enumerate(clinic.ids, start=1)}
    people = clinic.patients
    pd.DataFrame(
        {
            "person_id": people["mrn"].map(number),
            "gender_concept_id": [
                "8532" if sex == "F" else "8507" for sex in people["sex"]
            ],
            "year_of_birth": people["birthdate"].str[:4],
            "birth_datetime": people["birthdate"],
            "person_source_value": people["name"],
        }
    ).to_csv(place / "person.csv", index=False)
    scores = clinic.scores
    pd.DataFrame(
        {
            "measurement_id": range(1, len(scores) + 1),
            "person_id": scores["mrn"].map(number).fillna(""),
            "measurement_concept_id": "0",
            "measurement_date": scores["phq9_date"],
            "value_as_number": scores["phq9_total"],
            "measurement_source_value": "44261-6",
        }
    ).to_csv(place / "measurement.csv", index=False)
    given = clinic.sessions
    pd.DataFrame(
        {
            "drug_exposure_id": range(1, len(given) + 1),
            "person_id": given["mrn"].map(number),
            "drug_concept_id": "0",
            "drug_exposure_start_date": given["date"],
            "drug_source_value": given["drug"],
            "sig": given["notes"],
        }
    ).to_csv(place / "drug_exposure.csv", index=False)
    pd.DataFrame({"note_id": [1], "person_id": [1], "note_text": [SECRET]}).to_csv(
        place / "note.csv", index=False
    )
    return place


def cdisc(clinic: Clinic, folder: Path) -> Path:
    place = folder / "sdtm"
    place.mkdir()
    scores = clinic.scores
    pd.DataFrame(
        {
            "STUDYID": "S1",
            "DOMAIN": "QS",
            "USUBJID": scores["mrn"],
            "QSSEQ": range(1, len(scores) + 1),
            "QSCAT": "PHQ-9",
            "QSTESTCD": "PHQ0111",
            "QSTEST": "PHQ01-Total Score",
            "QSORRES": scores["phq9_total"],
            "QSSTRESN": scores["phq9_total"],
            "QSDTC": scores["phq9_date"],
        }
    ).to_csv(place / "qs.csv", index=False)
    given = clinic.sessions
    pd.DataFrame(
        {
            "STUDYID": "S1",
            "DOMAIN": "EX",
            "USUBJID": given["mrn"],
            "EXSEQ": range(1, len(given) + 1),
            "EXTRT": given["drug"],
            "EXDOSE": given["dose"],
            "EXDOSU": "mg",
            "EXROUTE": "INTRAVENOUS",
            "EXSTDTC": given["date"],
        }
    ).to_csv(place / "ex.csv", index=False)
    people = clinic.patients
    pd.DataFrame(
        {
            "STUDYID": "S1",
            "DOMAIN": "DM",
            "USUBJID": people["mrn"],
            "BRTHDTC": people["birthdate"],
            "SEX": people["sex"],
            "INVNAM": people["name"],
        }
    ).to_csv(place / "dm.csv", index=False)
    return place


def hl7(clinic: Clinic, folder: Path) -> Path:
    people = clinic.patients.set_index("mrn")
    messages = []
    for row in clinic.sessions.itertuples():
        when = row.date.replace("-", "")
        given = f"RXA|0|1|{when}|{when}|6130^{row.drug}^RXNORM|{row.dose}|mg^mg^UCUM"
        messages.append((row.mrn, f"{given}\rNTE|1||{row.notes}"))
    for row in clinic.scores.itertuples():
        when = row.phq9_date.replace("-", "")
        asked = f"OBR|1|||44249-1^PHQ-9^LN|||{when}"
        total = f"OBX|1|NM|44261-6^PHQ-9 total^LN||{row.phq9_total}|||||F"
        messages.append((row.mrn, f"{asked}\r{total}"))
    lines = []
    for number, (patient, segments) in enumerate(messages, start=1):
        known = people.loc[patient] if patient in people.index else None
        name, born, sex = ("", "", "") if known is None else known
        head = r"MSH|^~\&|LAB|NORTH|||20250801120000||ORU^R01|"
        person = f"PID|1||{patient}^^^NORTH^MR||{name.replace(', ', '^')}||"
        person += f"{born.replace('-', '')}|{sex}"
        lines += [f"{head}{number}|P|2.5.1", person, segments]
    (folder / "results.hl7").write_text("\r".join(lines) + "\r")
    return folder / "results.hl7"


# Kind of reader to what writes such a source.
WRITERS: dict[str, Callable[[Clinic, Path], Path]] = {
    "cdisc": cdisc,
    "excel": excel,
    "fhir": fhir,
    "hl7": hl7,
    "omop": omop,
    "redcap": redcap,
    "sas": sas,
    "spss": spss,
    "stata": stata,
    "text": text,
}
