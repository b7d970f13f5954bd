"""Names of columns: innocent ones pass with harmless values, and as many guilty ones stop."""

from __future__ import annotations

import pandas as pd
import pytest

from kettrack.privacy.identifiers import find_identifiers
from kettrack.privacy.identifying_names import promise_of
from kettrack.privacy.identifying_people import may_be_shown

YES_NO = "yes no yes yes no"
COUNT = "0 2 1 14 3"
# Each has a telling word and is about something else: name -> values.
INNOCENT = {
    "city_size": "large small medium large small",
    "city_population": "250000 18000 1400000 90500 7200",
    "inner_city": YES_NO,
    "capital_city_resident": YES_NO,
    "city_noise_level": "3 4 2 5 1",
    "birth_order": "1 2 1 3 2",
    "birth_control": YES_NO,
    "birth_weight": "3200 2750 4010 3480 2990",
    "birth_complications": YES_NO,
    "birth_trauma_score": COUNT,
    "preterm_birth": YES_NO,
    "given_birth_recently": YES_NO,
    "country_of_birth_known": YES_NO,
    "phone_followup": YES_NO,
    "phone_use_hours": "1.5 3 0.25 4 2",
    "phone_type": "smartphone landline smartphone none landline",
    "number_of_phone_calls": COUNT,
    "phone_visits": COUNT,
    "telephone_session": YES_NO,
    "telephone_screening_score": "12 14 9 20 17",
    "video_or_phone": "video phone phone video phone",
    "fax_sent": YES_NO,
    "fax_received_count": COUNT,
    "county_level_deprivation": "1 5 3 2 4",
    "county_income_index": "41250 38900 52100 47000 33500",
    "rural_county": YES_NO,
    "street_drug_use": "never weekly never daily monthly",
    "street_noise_rating": "2 3 1 5 4",
    "zip_code_deprivation_index": "0.37 0.41 0.12 0.9 0.55",
    "postcode_deprivation": "1 10 4 7 2",
    "email_reminder_sent": YES_NO,
    "email_reminders": COUNT,
    "email_consent": YES_NO,
    "prefers_email": YES_NO,
    "mail_survey_returned": YES_NO,
    "contact_by_mail": YES_NO,
    "address_changed": YES_NO,
    "address_verified": YES_NO,
    "number_of_address_changes": COUNT,
    "insurance_type": "private public self public private",
    "insurance_covered": YES_NO,
    "insurance_denials": COUNT,
    "employer_sponsored": YES_NO,
    "employer_size": "small large small small large",
    "kin_support_score": "12 30 22 18 25",
    "medicaid_status": "active none active pending none",
    "medicare_coverage": YES_NO,
    "passport_control_anxiety": "0 1 3 2 1",
    "photo_taken": YES_NO,
    "photo_consent": YES_NO,
    "picture_naming_test": "27 30 25 29 30",
    "foto_app_used": YES_NO,
    "notes_available": YES_NO,
    "note_length": "120 840 33 1500 410",
    "comment_count": COUNT,
    "comments_given": YES_NO,
    "number_of_comments": COUNT,
    "website_visits": COUNT,
    "url_clicked": YES_NO,
    "gps_app_installed": YES_NO,
    "portable_pump_used": YES_NO,
    "handy_nutzung_minuten": "30 120 45 200 10",
    "mobil_erreichbar": "ja nein ja ja nein",
    "initials_present": YES_NO,
    "patient_record_complete": YES_NO,
    "number_of_provider_contacts": COUNT,
    "social_security_benefits": YES_NO,
    "hospital_number_of_days": COUNT,
    "time": "pre post post pre followup",
    "part_time": YES_NO,
    "first_time": YES_NO,
    "up_to_date": YES_NO,
    "survey_identifier_check": YES_NO,
}
# With no telling word at all, or none that counts; they passed before, and must.
ALWAYS_HARMLESS = """
    name_of_scale postal_survey_returned ip_infusion_pump family_history score_name site_name
    first_drug_name last_session_name nombre_de_seances number_of_sessions chi_square policy_version
    medical_history national_guideline emergency_visit house_staff mobile_user
    location_in_room lot_size
"""
# Each stops, whatever the column holds: name -> values that look harmless.
GUILTY = """
    name | first_name | patient_name | name_of_patient | surname_1 | maiden_name
    initials | username | vorname | nachname | nom du patient | prénom | apellidos
    cognome | achternaam | nazwisko | efternamn | provider_name | clinician_name | dob
    birth_date | year_of_birth | birth_month | date_of_birth_text | Geburtsdatum
    Geburtsjahr | date de naissance | fecha_nacimiento | data_di_nascita
    geboortedatum | data urodzenia | data de nascimento | email | e_mail_address
    work_email | correo electrónico | phone | home_phone | phone_number
    emergency_phone | mobile number | Telefonnummer | telefono | téléphone portable
    fax_no | address | address_line_1 | street | house_number | city | home_city
    county_code | postcode | postcode_district | zip3 | zip_prefix | PLZ | code postal
    codigo_postal | woonplaats | kod pocztowy | dirección | ip_address | url
    employer | next_of_kin | insurance_no | policy_number | account_id | device_id
    lot_number | provider_id | photo | notes | free_text | SSN
    social_security_number | NHS number | NINO | national_insurance_number
    national_id | Sozialversicherungsnummer | Steuer-ID | KVNR | Versichertennummer
    NIR | numéro de sécurité sociale | DNI | NIE | NIF | codice fiscale | CPF | BSN
    burgerservicenummer | rijksregisternummer | PESEL | personnummer | CPR-nummer
    fødselsnummer | MRN | medical_record_number | hospital_no | chart_number
    Patientennummer | PatientenNr | Fallnummer | Aktenzeichen | dossiernummer
    numéro de dossier | historia clínica | número de historia clínica
    cartella clinica | numero_cartella | prontuário | IPP
"""
# A name that leaves a doubt, with values that do not: name -> values.
GUILTY_VALUES = {
    "city_of_clinic": "Leeds York Hull Leeds Ripon",
    "phone_followup": "0551-234567 0551-234568 0551-234569 0551-2345 0551-99887",
    "birth_cohort": "1942 1951 1980 1975 1969",
    "zip_of_school": "021 100 945 606 303",
    "email_reminder_sent": "a@example.org b@example.org c@example.org d@example.org e@example.org",
    "address_changed": "Hill_Road_12 Mill_Lane_3 Elm_Street_40 Oak_Road_7 Bay_View_1",
    "visit_date": "2024-05-01 2024-05-02 2024-05-03 2024-05-04 2024-05-05",
    "session_time": "9:30 10:15 11:00 9:45 14:20",
    "phone_contact_type": "Jane Robert Susan Maria Peter",
    "insurance_plan": "A123456780 B123456782 C123456784 D123456786 E123456788",
    "comment_given": "sad tired_and_alone better_than_before felt_well afraid_of_needles",
}


def names(text: str) -> list[str]:
    cells = [name.strip() for line in text.splitlines() for name in line.split("|")]
    return [name for name in cells if name]


def column(name: str, values: str) -> pd.DataFrame:
    return pd.DataFrame({name: values.split()})


@pytest.mark.parametrize("name", INNOCENT)
def test_an_innocent_column_passes(name):
    assert promise_of(name), "the name has no telling word"
    assert find_identifiers(column(name, INNOCENT[name])) == []


@pytest.mark.parametrize("name", ALWAYS_HARMLESS.split())
def test_a_word_that_tells_nothing_here(name):
    assert promise_of(name) is None


@pytest.mark.parametrize("name", names(GUILTY))
def test_a_guilty_column_stops_whatever_it_holds(name):
    for values in (YES_NO, COUNT):
        (found,) = find_identifiers(column(name, values))
        assert found.stop


@pytest.mark.parametrize("name", GUILTY_VALUES)
def test_a_softened_name_does_not_excuse_its_values(name):
    (found,) = find_identifiers(column(name, GUILTY_VALUES[name]))
    assert found.stop


def test_there_are_as_many_guilty_ones():
    assert len(INNOCENT) >= 60
    assert len(names(GUILTY)) >= len(INNOCENT)


# A lost line end puts the first record behind the last column's name.
GLUED = """
Example-000 | extra&Example-000 | totalExample-000 | commentExample | commentMüller | example-001
example1980 | Example_42 | scoreExample | ExampleScore | comment-Example | commentEXAMPLE
"""
NOT_GLUED = """
sessionNumber | visitDate | MADRSTotal | PTSDScore | Stimmung | Stimmung_1 | ybocs_01 | DASS-21
BDI-II | EQ-5D-5L | QSORRES | TRT01P | QIDS-SR16 | score_YBOCS | moodRating | wellbeing-01
"""


@pytest.mark.parametrize("heading", names(GLUED))
def test_a_heading_that_ends_in_a_record_is_hidden(heading):
    assert not may_be_shown(heading)


@pytest.mark.parametrize("heading", names(NOT_GLUED))
def test_a_heading_of_one_name_is_shown(heading):
    assert may_be_shown(heading)


@pytest.mark.parametrize(
    ("text", "file", "shown"),
    [
        ("Appointment Status", False, True),
        ("Geb.-Datum", False, True),
        ("PHQ-9 Frage 1", False, True),
        ("Größe (cm)", False, True),
        ("Jane Frage", False, False),
        ("Otto Smith (JS)", False, False),
        ("phq9_responses.csv", True, True),
        ("jane_responses.csv", True, False),
        # a row whose cells were not parted
        ("mrn\tname\tS000\tAshworth", False, False),
        ("mrn;name;S000;Ashworth", False, False),
        ("mrn|name|S000|Ashworth", False, False),
        ("Mood; sleep; energy", False, True),
        ("M Ashworth, Anna", False, False),
        ("Group C total", False, True),
        # signs that nobody sees take no name apart
        ("An\x00na Ashworth", False, False),
        ("An\xadna Ash\u200bworth", False, False),
        ("Stim\xadmung", False, True),
        ("Visit\nDate", False, True),
    ],
)
def test_a_heading_of_known_words_is_no_name(text, file, shown):
    assert may_be_shown(text, file=file) is shown
