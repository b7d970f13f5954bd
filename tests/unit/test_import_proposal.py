"""Layouts that nobody has described, all invented: the map that is proposed, and what is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from import_tables import source_of, source_of_file

from kettrack.importing.import_map import ImportMap, TableMap, WideBlock
from kettrack.importing.proposal.propose import propose
from kettrack.importing.proposal.score_columns import NamedOccasion, parse_heading
from kettrack.importing.remarks import Remarks


def told(plan: ImportMap) -> list[str]:
    """A map as lines: the table, its columns with their units, and words below a column."""
    return [line for part in plan.tables for line in _of_part(part)]


def _of_part(part: TableMap) -> Iterator[str]:
    yield f"{part.to} {part.source}"
    for name, source in part.columns.items():
        unit = f" ({part.units[name]})" if name in part.units else ""
        yield f"  {name}<-{source}{unit}"
        for word, meant in part.values.get(name, {}).items():
            yield f"    {word}={meant}"
    for name, word in part.constants.items():
        yield f"  {name}={word}"
    for name, words in part.where.items():
        yield f"  where {name} in {list(words)}"
    for block in part.wide:
        yield _of_block(block)


def _of_block(block: WideBlock) -> str:
    whens = []
    for column, day in block.columns.items():
        when = block.dates.get(column) or block.sessions.get(column) or day
        said = f"{when:g}" if isinstance(when, float) else str(when)
        whens.append(f"{column}@{said}")
    timing = block.constants.get("timing", "")
    return f"  {block.into} {timing}: ".replace(" :", ":") + ", ".join(whens)


class Layout(NamedTuple):
    """Tables, the map they get, the keys of what is asked, and answers given before."""

    tables: dict[str, str]
    expected: str
    asked: tuple[str, ...] = ()
    answers: dict[str, str] | None = None


# Codes under a name that nobody knows.
NUMBERED = {
    "given": """
        lfdnr | Infusion date | Ketamine dose (mg)
        K1 | 2025-01-13 | 40
        K1 | 2025-01-16 | 45
        K2 | 2025-01-16 | 50
        K3 | 2025-01-16 | 50
        K4 | 2025-01-16 | 50
    """,
    "mood": """
        lfdnr | Date | PHQ-9
        K1 | 2025-01-13 | 20
        K1 | 2025-01-20 | 12
        K2 | 2025-01-16 | 14
        K3 | 2025-01-16 | 14
        K4 | 2025-01-16 | 14
    """,
}
LAYOUTS = {
    "two sheets with dates, doses by weight, names and notes": Layout(
        {
            "Visits": """
                MRN | Patient name | Visit date | Treatment | Dose (mg/kg) | Weight lb | BP | Notes
                1001 | Jane Doe | 01/13/2025 | Ketamine IV | 0.5 | 150 | 120/80 | felt odd
                1001 | Jane Doe | 01/16/2025 | Ketamine IV | 0.5 | 151 | 130/85 | ok
                1002 | John Roe | 01/17/2025 | Ketamine IM | 0.75 | 180 | 125/75 | called his wife
            """,
            "PHQ-9": """
                MRN | Date completed | Total
                1001 | 01/12/2025 | 20
                1002 | 01/16/2025 | 18
            """,
        },
        """
        sessions Visits
          patient_id<-MRN
          date<-Visit date
          drug<-Treatment
            Ketamine IV=ketamine
            Ketamine IM=ketamine
          route<-Treatment
            Ketamine IV=iv
            Ketamine IM=im
          weight_kg<-Weight lb (lb)
          dose_mg<-Dose (mg/kg) (mg/kg)
          systolic_before<-BP
          diastolic_before<-BP
        scores PHQ-9
          patient_id<-MRN
          date<-Date completed
          score<-Total
          instrument=PHQ-9
        """,
    ),
    "names of eight letters, and a date in the column that says completed": Layout(
        {
            "dosing": """
                subjid | infdt | trt | dosemg
                1001 | 2025-01-13 | SPRAVATO | 56
                1001 | 2025-01-16 | SPRAVATO | 84
            """,
            "quest": """
                subjid | completed | scale | total
                1001 | 2025-01-12 | PHQ-9 | 20
                1001 | 2025-01-16 | PHQ-9 | 18
            """,
        },
        """
        sessions dosing
          patient_id<-subjid
          date<-infdt
          drug<-trt
            SPRAVATO=esketamine
          dose_mg<-dosemg
          route<-trt
            SPRAVATO=intranasal
        scores quest
          patient_id<-subjid
          date<-completed
          score<-total
          instrument<-scale
        """,
    ),
    "appointments of every kind, one column saying the drug and the kind": Layout(
        {
            "Appointments": """
                Patient ID | Appointment date | Appointment type | Appointment status
                1001 | 01/06/2025 | New Patient Consult | Completed
                1001 | 01/13/2025 | Ketamine Infusion | Completed
                1001 | 01/16/2025 | IM Ketamine | Completed
                1002 | 01/17/2025 | Spravato Treatment | Completed
                1002 | 01/20/2025 | Ketamine Infusion | No Show
            """,
        },
        """
        sessions Appointments
          patient_id<-Patient ID
          date<-Appointment date
          drug<-Appointment type
            Ketamine Infusion=ketamine
            IM Ketamine=ketamine
            Spravato Treatment=esketamine
          route<-Appointment type
            IM Ketamine=im
            Spravato Treatment=intranasal
            Ketamine Infusion=
          status<-Appointment status
          where Appointment type in ['IM Ketamine', 'Ketamine Infusion', 'Spravato Treatment']
        """,
    ),
    "German, three sheets, scales below each other": Layout(
        {
            "Sitzungen": """
                Pat.-Nr. | Datum | Präparat | Gewicht
                A1 | 13.01.2025 | Spravato 84mg | 71
                A1 | 16.01.2025 | Spravato 56 mg | 71
            """,
            "Fragebogen": """
                Pat.-Nr. | Datum | Skala | Summenwert
                A1 | 12.01.2025 | PHQ-9 | 20
                A1 | 12.01.2025 | MADRS | 31
            """,
            "Stammdaten": """
                Pat.-Nr. | Name | Geburtsdatum | Geschlecht | Diagnose
                A1 | Meier, Anna | 03.05.1980 | w | F33.2
                A2 | Huber, Karl | 03.05.1981 | m | F31.3
            """,
        },
        """
        sessions Sitzungen
          patient_id<-Pat.-Nr.
          date<-Datum
          drug<-Präparat
            Spravato 84mg=esketamine
            Spravato 56 mg=esketamine
          route<-Präparat
            Spravato 84mg=intranasal
            Spravato 56 mg=intranasal
          weight_kg<-Gewicht
          dose_mg<-Präparat
            Spravato 84mg=84
            Spravato 56 mg=56
        scores Fragebogen
          patient_id<-Pat.-Nr.
          date<-Datum
          score<-Summenwert
          instrument<-Skala
        patients Stammdaten
          patient_id<-Pat.-Nr.
          birth_date<-Geburtsdatum
          sex<-Geschlecht
            w=female
            m=male
          diagnosis<-Diagnose
            F33.2=major_depression
            F31.3=bipolar
        """,
    ),
    "French, items below their date": Layout(
        {
            "Séances": """
                N° dossier | Date de la séance | Voie | Dose (mg)
                12 | 13/01/2025 | IV | 40
                13 | 14/01/2025 | sous-cutanée | 40
            """,
            "phq9": """
                N° dossier | Date | q1 | q2 | q3 | q4 | q5 | q6 | q7 | q8 | q9 | total
                12 | 13/01/2025 | 2 | 3 | 2 | 1 | 2 | 2 | 1 | 0 | 1 | 14
                13 | 13/01/2025 | 2 | 3 | 2 | 1 | 2 | 2 | 1 | 0 | 0 | 13
            """,
        },
        """
        sessions Séances
          patient_id<-N° dossier
          date<-Date de la séance
          route<-Voie
            IV=iv
            sous-cutanée=sc
          dose_mg<-Dose (mg)
        scores phq9
          patient_id<-N° dossier
          date<-Date
          item_1<-q1
          item_2<-q2
          item_3<-q3
          item_4<-q4
          item_5<-q5
          item_6<-q6
          item_7<-q7
          item_8<-q8
          item_9<-q9
          score<-total
          instrument=PHQ-9
        """,
    ),
    "English, one item beside the total, and shortened blood pressure": Layout(
        {
            "Infusions": """
                MRN | Date of infusion | Route | BP sys peak | BP dia peak
                12 | 13/01/2025 | IV | 150 | 90
                13 | 14/01/2025 | IV | 142 | 85
            """,
            "PHQ9": """
                MRN | Date | PHQ-9 total | Q9 suicidal thoughts
                12 | 13/01/2025 | 14 | 1
                13 | 13/01/2025 | 13 | 0
            """,
        },
        """
        sessions Infusions
          patient_id<-MRN
          date<-Date of infusion
          route<-Route
            IV=iv
          systolic_peak<-BP sys peak
          diastolic_peak<-BP dia peak
        scores PHQ9
          patient_id<-MRN
          date<-Date
          score<-PHQ-9 total
          item_9<-Q9 suicidal thoughts
          instrument=PHQ-9
        """,
    ),
    "Spanish, total and its own date beside the dose": Layout(
        {
            "Registro": """
                NHC | Fecha infusión | Fármaco | Vía | Dosis (mg) | PHQ-9 fecha | PHQ-9 total
                8801 | 13/01/2025 | ketamina | intravenosa | 40 | 12/01/2025 | 21
                8802 | 14/01/2025 | ketamina | intramuscular | 45 | 14/01/2025 | 17
            """
        },
        """
        sessions Registro
          patient_id<-NHC
          date<-Fecha infusión
          drug<-Fármaco
            ketamina=ketamine
          route<-Vía
            intravenosa=iv
            intramuscular=im
          dose_mg<-Dosis (mg)
        scores Registro
          patient_id<-NHC
          date<-PHQ-9 fecha
          score<-PHQ-9 total
          instrument=PHQ-9
        """,
    ),
    "Dutch, two scales in one row": Layout(
        {
            "Metingen": """
                Patiëntnummer | Datum | PHQ9 totaal | MADRS score
                K1 | 13-01-2025 | 20 | 31
                K2 | 14-01-2025 | 11 | 15
            """,
            "Behandelingen": """
                Patiëntnummer | Behandeldatum | Middel | Toedieningsweg
                K1 | 13-01-2025 | esketamine | neusspray
                K2 | 14-01-2025 | esketamine | neusspray
            """,
        },
        """
        scores Metingen
          patient_id<-Patiëntnummer
          date<-Datum
          score<-PHQ9 totaal
          instrument=PHQ-9
        scores Metingen
          patient_id<-Patiëntnummer
          date<-Datum
          score<-MADRS score
          instrument=MADRS
        sessions Behandelingen
          patient_id<-Patiëntnummer
          date<-Behandeldatum
          drug<-Middel
          route<-Toedieningsweg
            neusspray=intranasal
        """,
    ),
    "Italian": Layout(
        {
            "Sedute": """
                Codice paziente | Data seduta | Farmaco | Via di somministrazione | Dosaggio
                X1 | 13/01/2025 | ketamina | endovenosa | 40 mg
                X2 | 14/01/2025 | ketamina | endovenosa | 42 mg
            """
        },
        """
        sessions Sedute
          patient_id<-Codice paziente
          date<-Data seduta
          drug<-Farmaco
            ketamina=ketamine
          route<-Via di somministrazione
            endovenosa=iv
          dose_mg<-Dosaggio
        """,
    ),
    "one row per patient, visits beside each other": Layout(
        {
            "wide": """
                id | sex | infusion1_date | infusion2_date | phq9_baseline | phq9_week2 | phq9_week4
                1 | F | 2025-01-13 | 2025-01-16 | 20 | 15 | 11
                2 | M | 2025-02-13 | 2025-02-16 | 22 | 18 |
            """
        },
        """
        sessions wide
          patient_id<-id
          date: infusion1_date@infusion1_date, infusion2_date@infusion2_date
        scores wide
          patient_id<-id
          instrument=PHQ-9
          score before: phq9_baseline@0
          score: phq9_week2@14, phq9_week4@28
        patients wide
          patient_id<-id
          sex<-sex
            F=female
            M=male
        """,
    ),
    "sessions in words and numbers beside each other": Layout(
        {
            "wide": """
                ID|Drug|Weight (lb) | First infusion | Inf 2 | Dose 1 | Dose 2 | phq_pre | phq_w2
                1 | Ketamine | 150 | 2025-01-13 | 2025-01-16 | 40 mg | 0.5 mg/kg | 20 | 15
                2 | Ketamine | 160 | 2025-02-13 | | 35 mg | | 22 | 18
            """
        },
        """
        sessions wide
          patient_id<-ID
          drug<-Drug
            Ketamine=ketamine
          weight_kg<-Weight (lb) (lb)
          date: First infusion@First infusion, Inf 2@Inf 2
          dose_mg: Dose 1@First infusion, Dose 2@Inf 2
        scores wide
          patient_id<-ID
          instrument=PHQ-9
          score before: phq_pre@0
          score: phq_w2@14
        """,
    ),
    "items of each visit beside each other": Layout(
        {
            "forms": """
                id | gad7_w2_q1 | gad7_w2_q2 | gad7_w4_q1 | gad7_w4_q2
                1 | 3 | 2 | 1 | 0
                2 | 1 | 1 | 1 | 0
            """,
            "doses": """
                id | date given
                1 | 2025-01-13
                2 | 2025-01-14
            """,
        },
        """
        scores forms
          patient_id<-id
          instrument=GAD-7
          item_1: gad7_w2_q1@14, gad7_w4_q1@28
          item_2: gad7_w2_q2@14, gad7_w4_q2@28
        sessions doses
          patient_id<-id
          date<-date given
        """,
    ),
    "a scale by number of session": Layout(
        {
            "scores": """
                id | madrs_s1 | madrs_s2 | madrs_s3
                1 | 33 | 25 | 20
                2 | 30 | 31 | 28
            """,
            "infusions": """
                id | date | mg
                1 | 2025-01-13 | 40
                2 | 2025-01-14 | 40
            """,
        },
        """
        scores scores
          patient_id<-id
          instrument=MADRS
          score: madrs_s1@1, madrs_s2@2, madrs_s3@3
        sessions infusions
          patient_id<-id
          date<-date
          dose_mg<-mg
        """,
    ),
    "visits of which some are sessions": Layout(
        {
            "log": """
                Patient ID | Date | Visit type | PHQ-9
                K1 | 2025-01-13 | Ketamine infusion | 20
                K1 | 2025-01-30 | Follow-up | 11
            """
        },
        """
        sessions log
          patient_id<-Patient ID
          date<-Date
          where Visit type in ['Ketamine infusion']
        scores log
          patient_id<-Patient ID
          date<-Date
          score<-PHQ-9
          instrument=PHQ-9
        """,
    ),
    "a dose only where there was a session": Layout(
        {
            "log": """
                Patient ID | Date | Dose | PHQ-9
                K1 | 2025-01-13 | 40 | 20
                K1 | 2025-01-30 |  | 11
            """
        },
        """
        sessions log
          patient_id<-Patient ID
          date<-Date
          dose_mg<-Dose
          where Dose in []
        scores log
          patient_id<-Patient ID
          date<-Date
          score<-PHQ-9
          instrument=PHQ-9
        """,
    ),
    "scores alone: was there a session?": Layout(
        {
            "log": """
                Patient | Date | PHQ-9
                K1 | 2025-01-13 | 20
                K1 | 2025-01-16 | 18
            """
        },
        """
        scores log
          patient_id<-Patient
          date<-Date
          score<-PHQ-9
          instrument=PHQ-9
        sessions log
          patient_id<-Patient
          date<-Date
        """,
        ("sessions.log",),
    ),
    "there was none": Layout(
        {
            "log": """
                Patient | Date | PHQ-9
                K1 | 2025-01-13 | 20
                K1 | 2025-01-16 | 18
            """
        },
        """
        scores log
          patient_id<-Patient
          date<-Date
          score<-PHQ-9
          instrument=PHQ-9
        """,
        answers={"sessions.log": "no"},
    ),
    "weeks, and a version that the name leaves open": Layout(
        {
            "hdrs": """
                id | hamd | week
                1 | 26 | 0
                1 | 22 | 1
            """
        },
        """
        scores hdrs
          patient_id<-id
          day<-week (weeks)
          score<-hamd
          instrument=HAMD-17
        """,
        ("version.HAMD",),
    ),
    "words for visits": Layout(
        {
            "scores": """
                subject | timepoint | qids_total
                1 | Baseline | 20
                1 | Week 2 | 12
                1 | Month 3 | 8
            """
        },
        """
        scores scores
          patient_id<-subject
          day<-timepoint
            Baseline=0
            Week 2=14
            Month 3=91
          score<-qids_total
          instrument=QIDS-SR16
        """,
    ),
    "a column of numbers that could count anything": Layout(
        {
            "scores": """
                subject | time | madrs
                1 | 1 | 30
                1 | 2 | 22
            """
        },
        """
        scores scores
          patient_id<-subject
          day<-time (weeks)
          score<-madrs
          instrument=MADRS
        """,
        answers={"counts.scores.time": "weeks"},
    ),
    "an attendance, a status and a site": Layout(
        {
            "Appointments": """
                Client ID | Session date | Attendance | Route | Clinic
                1 | 2025-01-13 | attended | IV | North
                2 | 2025-01-14 | DNA | IV | South
            """
        },
        """
        sessions Appointments
          patient_id<-Client ID
          date<-Session date
          route<-Route
            IV=iv
          status<-Attendance
        patients Appointments
          patient_id<-Client ID
          site<-Clinic
        """,
    ),
    "before and after each session": Layout(
        {
            "Spravato log": """
                Chart # | Infusion # | Date of service | Dose | Pre PHQ-9 | Post PHQ-9
                1 | 1 | 1/13/2025 | 56 mg | 20 | 17
                1 | 2 | 1/16/2025 | 84 mg | 18 | 15
                2 | 1 | 1/16/2025 | 56 mg | 22 | 20
            """
        },
        """
        sessions Spravato log
          patient_id<-Chart #
          date<-Date of service
          dose_mg<-Dose
          drug=esketamine
          route=intranasal
        scores Spravato log
          patient_id<-Chart #
          date<-Date of service
          score<-Pre PHQ-9
          instrument=PHQ-9
          timing=before
        scores Spravato log
          patient_id<-Chart #
          date<-Date of service
          score<-Post PHQ-9
          instrument=PHQ-9
          timing=after
        """,
    ),
    "dates and doses beside each other": Layout(
        {
            "Patients": """
                ID | Primary Dx | Session 1 date | Session 1 dose | Session 2 date | Session 2 dose
                C1 | F33.1 | 2025-01-13 | 40 | 2025-01-16 | 45
                C2 | F33.1 | 2025-01-14 | 50 | 2025-01-17 | 55
            """
        },
        """
        sessions Patients
          patient_id<-ID
          date: Session 1 date@Session 1 date, Session 2 date@Session 2 date
          dose_mg: Session 1 dose@Session 1 date, Session 2 dose@Session 2 date
        patients Patients
          patient_id<-ID
          diagnosis<-Primary Dx
            F33.1=major_depression
        """,
    ),
    "scores by the number of a session that has its own": Layout(
        {
            "visits": """
                id | date | session number
                1 | 2025-01-13 | 1
                1 | 2025-01-16 | 3
            """,
            "phq9": """
                id | session number | total
                1 | 1 | 20
                1 | 3 | 15
            """,
        },
        """
        sessions visits
          patient_id<-id
          date<-date
          session_number<-session number
        scores phq9
          patient_id<-id
          session_number<-session number
          score<-total
          instrument=PHQ-9
        """,
    ),
    "kettrack's own names": Layout(
        {
            "sessions": """
                patient_id | date | heart_rate_peak | spo2_min | dissociation | stopped_early
                1 | 2025-01-13 | 90 | 95 | 12 | no
            """,
            "scores": """
                patient_id | date | instrument | score | timing | item_1 | item_2
                1 | 2025-01-13 | GAD-7 | 12 | pre | 2 | 1
            """,
        },
        """
        sessions sessions
          patient_id<-patient_id
          date<-date
          heart_rate_peak<-heart_rate_peak
          spo2_min<-spo2_min
          dissociation<-dissociation
          stopped_early<-stopped_early
        scores scores
          patient_id<-patient_id
          date<-date
          score<-score
          item_1<-item_1
          item_2<-item_2
          timing<-timing
            pre=before
          instrument<-instrument
        """,
    ),
    "before and after the treatment": Layout(
        {
            "madrs": """
                id | pre | week 4
                1 | 30 | 20
                2 | 31 | 18
            """
        },
        """
        scores madrs
          patient_id<-id
          instrument=MADRS
          score before: pre@0
          score: week 4@28
        """,
    ),
    "nothing but names": Layout(
        {
            "log": """
                Patient name | Infusion date | Ketamine dose (mg)
                Jane Doe | 2025-01-13 | 40
                Jane Doe | 2025-01-16 | 45
                John Roe | 2025-01-16 | 50
            """
        },
        "",
        ("patient_id.log",),
    ),
    "numbers of sessions and visits within names": Layout(
        {
            "trial": """
                subjid|agent|trtdt1|trtdt2|dose2|phqdt_0|phq9_0_i1|phqdt_1|phq9_1_i1|phqdt_2
                K1|Ketamine|2025-01-13|2025-01-16|45|2025-01-12|3|2025-01-20|1|2025-01-27
                K2|Ketamine|2025-01-14|2025-01-18|45|2025-01-13|3|2025-01-21|2|2025-01-29
            """
        },
        """
        sessions trial
          patient_id<-subjid
          drug<-agent
            Ketamine=ketamine
          date: trtdt1@trtdt1, trtdt2@trtdt2
          dose_mg: dose2@trtdt2
        scores trial
          patient_id<-subjid
          instrument=PHQ-9
          item_1: phq9_0_i1@phqdt_0, phq9_1_i1@phqdt_1
        """,
    ),
    "codes of a name that nobody knows": Layout(
        NUMBERED,
        "",
        ("patient_id.given",),
    ),
    "a name that is answered for another table": Layout(
        NUMBERED,
        """
        sessions given
          patient_id<-lfdnr
          date<-Infusion date
          dose_mg<-Ketamine dose (mg)
          drug=ketamine
        scores mood
          patient_id<-lfdnr
          date<-Date
          score<-PHQ-9
          instrument=PHQ-9
        """,
        answers={"patient_id.given": "lfdnr"},
    ),
    "nothing but names, answered": Layout(
        {
            "log": """
                Patient name | Infusion date | Ketamine dose (mg)
                Jane Doe | 2025-01-13 | 40
                John Roe | 2025-01-16 | 50
            """
        },
        """
        sessions log
          patient_id<-Patient name
          date<-Infusion date
          dose_mg<-Ketamine dose (mg)
          drug=ketamine
        """,
        answers={"patient_id.log": "Patient name"},
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str) -> None:
    layout = LAYOUTS[name]
    remarks = Remarks()
    plan = propose(source_of(**layout.tables), layout.answers or {}, remarks)
    expected = [line.removeprefix(" " * 8) for line in layout.expected.splitlines()]
    assert told(plan) == [line for line in expected if line.strip()]
    assert [one.key for one in remarks.asked] == list(layout.asked)


def asked(**tables: str) -> Remarks:
    remarks = Remarks()
    propose(source_of(**tables), {}, remarks)
    return remarks


DRUGS = """
    id | date | drug
    1 | 2025-01-13 | Ketamine
    2 | 2025-01-13 | Ketamine
    3 | 2025-01-13 | Ketamine
    4 | 2025-01-13 | {first}
    5 | 2025-01-13 | {second}
    6 | 2025-01-13 | {third}
"""


def test_a_word_of_several_patients_is_asked() -> None:
    words = DRUGS.format(first="KX", second="KX", third="KX")
    assert [one.key for one in asked(sessions=words).asked] == ["value.drug.KX"]


@pytest.mark.parametrize(
    "words",
    [
        ("KX", "KX", "Ketamine"),
        ("Jane Smith", "Jane Smith", "Jane Smith"),
        ("jane", "jane", "jane"),
        ("12345678", "12345678", "12345678"),
    ],
    ids=["of two patients", "a name", "a first name", "a number"],
)
def test_a_word_that_could_be_somebody_is_not_shown(
    words: tuple[str, str, str],
) -> None:
    first, second, third = words
    remarks = asked(sessions=DRUGS.format(first=first, second=second, third=third))
    assert remarks.asked == []


def test_an_answer_goes_into_the_map() -> None:
    words = DRUGS.format(first="KX", second="KX", third="KX")
    answers = {"value.drug.KX": "esketamine"}
    plan = propose(source_of(sessions=words), answers, Remarks())
    assert plan.tables[0].values["drug"] == {"Ketamine": "ketamine", "KX": "esketamine"}


def test_scales_that_are_not_built_in_are_left_out_with_the_reason() -> None:
    tables = {
        "scores": """
            id | date | phq2 | HAMD-21 | MADRS-S | phq9 | phq9 severity
            1 | 2025-01-13 | 2 | 20 | 18 | 15 | moderate
        """
    }
    plan = propose(source_of(**tables), {}, Remarks())
    left = plan.unused["scores"]
    assert [left[name][:13] for name in ("phq2", "HAMD-21", "MADRS-S")] == [
        "a scale that "
    ] * 3
    assert "what of it stands here" in left["phq9 severity"]
    assert [dict(part.constants) for part in plan.tables if part.to == "scores"] == [
        {"instrument": "PHQ-9"}
    ]


def test_columns_that_are_numbered_are_items_where_their_values_are_answers() -> None:
    items = " | ".join(f"phq{number}" for number in range(1, 10))
    low = " | ".join("1" * 9)
    high = " | ".join(["20"] * 9)
    as_items = propose(
        source_of(s=f"id | date | {items}\n1 | 2025-01-13 | {low}"), {}, Remarks()
    )
    as_visits = propose(
        source_of(s=f"id | date | {items}\n1 | 2025-01-13 | {high}"), {}, Remarks()
    )
    assert as_items.tables[0].columns["item_9"] == "phq9"
    assert list(as_visits.tables[0].wide[0].columns) == items.split(" | ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PHQ-9 Q10", ("PHQ-9", "item", 10, None)),
        ("phqnine_01", ("PHQ-9", "total", 0, None)),
        ("phq9_summary", ("PHQ-9", "total", 0, None)),
        ("PHQ9_date", ("PHQ-9", "date", 0, None)),
        ("bdi_intake", ("BDI?", "total", 0, NamedOccasion(unit="start"))),
        ("wk2bdi", ("BDI?", "total", 0, NamedOccasion(unit="week", number=2))),
        ("bdi.S3", ("BDI?", "total", 0, NamedOccasion(unit="session", number=3))),
        ("bdi_weekSix", ("BDI?", "total", 0, NamedOccasion(unit="week", number=6))),
        ("weeeek8bdi", ("BDI?", "total", 0, NamedOccasion(unit="week", number=8))),
        ("bdi_s12_end", ("BDI?", "total", 0, NamedOccasion(unit="session", number=12))),
        (
            "beck.dep.inv_sess7",
            ("BDI?", "total", 0, NamedOccasion(unit="session", number=7)),
        ),
        ("bdi_followup2", ("BDI?", "total", 0, NamedOccasion(unit="later", number=2))),
        ("HAM17_Total", ("HAMD-17", "total", 0, None)),
        ("BDI-II total", ("BDI-II", "total", 0, None)),
        (
            "gad7_month6_item3",
            ("GAD-7", "item", 3, NamedOccasion(unit="month", number=6)),
        ),
    ],
)
def test_names_of_columns(name: str, expected: tuple[object, ...]) -> None:
    readings = [parse_heading(name.lower()), parse_heading(name)]
    found = next(one for one in readings if one and one.understood)
    assert (found.scale, found.part, found.item, found.occasion) == expected


REAL = [
    # file, tables that are found, parts of reasons and keys that must be there
    ("suddengains/sgdata.csv", ["scores"], "version.BDI"),
    ("suddengains/sgdata_bad.csv", ["scores"], "version.BDI"),
    ("btheb/BtheB.csv", [], "patient_id."),
    ("clinicalsignificance/claus_2020.csv", ["patients", "scores"], "counts."),
    ("riesby/riesby.csv", ["scores"], "version.HAMD"),
    ("nimh_ketamine_moa/phenotype.tsv", ["scores"], "day."),
]


@pytest.mark.parametrize(("name", "to", "key"), REAL)
def test_real_files(name: str, to: list[str], key: str, reference_data: Path) -> None:
    remarks = Remarks()
    plan = propose(source_of_file(reference_data / name), {}, remarks)
    assert sorted({part.to for part in plan.tables}) == to
    assert any(one.key.startswith(key) for one in remarks.asked)


def test_every_column_of_the_messy_header_is_an_occasion(reference_data: Path) -> None:
    source = source_of_file(reference_data / "suddengains/sgdata_bad.csv")
    plan = propose(source, {}, Remarks())
    found = {column for block in plan.tables[0].wide for column in block.columns}
    named = source.tables[0].data.column_names
    assert found == set(named[1:16])


@pytest.mark.parametrize(
    ("name", "columns"),
    [("cgd", ["center", "random"]), ("jasa", ["birth.dt", "accept.dt", "tx.date"])],
)
def test_identifying_columns_are_left_out(
    name: str, columns: list[str], reference_data: Path
) -> None:
    source = source_of_file(reference_data / f"survival_R/{name}.csv")
    plan = propose(source, {}, Remarks())
    # A centre becomes a code, a date a day; whatever else could identify is left out.
    taken = {
        column
        for part in plan.tables
        for meaning, column in part.columns.items()
        if meaning not in ("site", "date", "birth_date")
    }
    assert not taken & set(columns)


def test_dates_of_sessions_that_begin_with_the_second_are_asked_about() -> None:
    source = source_of(
        wide="""
        id | Start | Infusion 2 date | Infusion 3 date
        1 | 2025-01-13 | 2025-01-16 | 2025-01-20
        2 | 2025-02-13 | 2025-02-16 | 2025-02-20
        """
    )
    remarks = Remarks()
    propose(source, {}, remarks)
    (question,) = [one for one in remarks.asked if one.key == "first_session.wide"]
    assert question.choices == ("Start", "it is not in the file")
    for answer, first in (
        ("Start", "Start"),
        ("it is not in the file", "Infusion 2 date"),
    ):
        remarks = Remarks()
        plan = propose(source, {"first_session.wide": answer}, remarks)
        (part,) = [one for one in plan.tables if one.to == "sessions"]
        assert next(iter(part.wide[0].columns)) == first
        assert remarks.asked == []


def form(
    *questions: str, answers: tuple[str, ...] = ("Not at all", "Several days")
) -> str:
    """The sheet of an online form that two people filled in."""
    header = " | ".join(["Timestamp", "Patient code", *questions])
    rows = [
        " | ".join([f"1/{day}/2024 10:23:11", code, *[answer] * len(questions)])
        for day, code, answer in zip((15, 29), ("AB12", "CD34"), answers, strict=True)
    ]
    return "\n".join([header, *rows])


@pytest.mark.parametrize(
    ("n_questions", "scale"),
    [(9, "PHQ-9"), (7, "GAD-7"), (8, "")],
)
def test_questions_written_out_in_full(n_questions: int, scale: str) -> None:
    questions = [
        f"{number}. Trouble with something" for number in range(1, n_questions + 1)
    ]
    source = source_of(
        answers=form(*questions, "10. How difficult", answers=("0", "1"))
    )
    assert not any(one.to == "scores" for one in propose(source, {}, Remarks()).tables)
    for answers in (
        ("Not at all", "Nearly every day"),
        ("0 - not at all", "2 = Several days"),
    ):
        source = source_of(answers=form(*questions, answers=answers))
        plan = propose(source, {}, Remarks())
        parts = [one for one in plan.tables if one.to == "scores"]
        assert [one.constants["instrument"] for one in parts] == [scale] * bool(scale)
        if parts:
            assert parts[0].columns["date"] == "Timestamp"
            assert parts[0].columns[f"item_{n_questions}"] == questions[-1]


def test_two_forms_in_one_sheet() -> None:
    depressed = [f"{number}. Question" for number in range(1, 10)]
    anxious = [f"{number}. Other question" for number in range(1, 8)]
    plan = propose(source_of(answers=form(*depressed, *anxious)), {}, Remarks())
    parts = [one for one in plan.tables if one.to == "scores"]
    assert [one.constants["instrument"] for one in parts] == ["PHQ-9", "GAD-7"]
    assert parts[1].columns["item_1"] == "1. Other question"


SCORES = """
    Record ID | Patient ID | Date | Total
    1 | K1 | 2025-01-13 | 20
    2 | K1 | 2025-01-16 | 18
    3 | K2 | 2025-01-16 | 15
"""


def test_the_number_of_a_row_is_no_patient() -> None:
    plan = propose(source_of(PHQ9=SCORES), {}, Remarks())
    assert plan.tables[0].columns["patient_id"] == "Patient ID"


def test_tables_agree_on_what_tells_patients_apart() -> None:
    sessions = """
        Chart | Case number | Infusion date
        9 | K1 | 2025-01-13
        8 | K2 | 2025-01-16
    """
    scores = SCORES.replace("Patient ID", "Case no")
    plan = propose(source_of(PHQ9=scores, log=sessions), {}, Remarks())
    found = [part.columns["patient_id"] for part in plan.tables]
    assert found == ["Case no", "Case number"]


def test_two_dates_that_are_as_likely_are_asked() -> None:
    log = """
        MRN | Signed | Seen | Drug
        1 | 2025-01-13 | 2025-01-12 | ketamine
        2 | 2025-01-14 | 2025-01-12 | ketamine
    """
    assert [one.key for one in asked(log=log).asked] == ["date.log"]
    plan = propose(source_of(log=log), {"date.log": "Seen"}, Remarks())
    assert plan.tables[0].columns["date"] == "Seen"


def test_dissociation_belongs_to_the_session() -> None:
    source = source_of(
        infusions="""
        Patient code | Infusion date | Dose (mg) | BP post | CADSS | PHQ-9
        a | 2024-01-16 | 40 | 135/88 | 20 | 21
        b | 2024-01-17 | 35 | 140/90 | 30 | 18
        """
    )
    plan = propose(source, {}, Remarks())
    assert [one.to for one in plan.tables] == ["sessions", "scores"]
    columns = plan.tables[0].columns
    assert columns["dissociation"] == "CADSS"
    assert columns["systolic_after"] == "BP post"
    assert "systolic_before" not in columns
    assert plan.tables[1].constants == {"instrument": "PHQ-9"}


def test_the_lowest_is_no_minute_and_a_clock_may_be_a_length() -> None:
    source = source_of(
        infusions="""
        Patient code | Infusion date | Dose (mg) | SpO2 min | Length
        a | 2024-01-16 | 40 | 95 | 0:40
        b | 2024-01-17 | 35 | 97 | 45 min
        """
    )
    part = propose(source, {}, Remarks()).tables[0]
    assert part.columns["spo2_min"] == "SpO2 min"
    assert part.columns["duration_min"] == "Length"
    assert part.units == {}
