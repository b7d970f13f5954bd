"""Column names that promise something identifying, in English, French and German, read in whole
words.

A word such as `name`, `number` or `time` says nothing alone: `score_name` is harmless,
`patient_name` is not.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# One of these anywhere in the name is enough.
_TELLING: Final[dict[str, frozenset[str]]] = {
    "a name": _words(
        "firstname lastname surname forename fullname familyname givenname middlename maidenname"
        " patientname clientname initials vorname nachname familienname prenom nomdefamille"
        " initialen initiales nickname"
    ),
    "a date of birth": _words(
        "dob birth birthday birthdate birthdt birthyear dateofbirth geburtsdatum geburtstag"
        " geburt naissance datenaissance gebdat"
    ),
    "a record number": _words(
        "mrn ssn nino npi medicare medicaid passport socialsecurity versichertennummer"
        " krankenversicherungsnummer ahv nhsno nhsnumber"
    ),
    "a telephone number": _words(
        "phone telephone tel mobilephone cellphone fax telefon handy mobil telefax telefonnummer"
        " portable"
    ),
    "an e-mail address": _words(
        "email mail courriel emailaddress mailadresse emailadresse"
    ),
    "an address": _words(
        "address addr street city county postcode postalcode zip zipcode adresse anschrift"
        " strasse plz postleitzahl wohnort ville codepostal rue latitude longitude gps"
    ),
    "a network address": _words("ipaddress url website"),
    "a person or firm": _words(
        "employer kin insurance insurer employeur arbeitgeber krankenkasse versicherung assurance"
        " mutuelle"
    ),
    "a picture": _words("photo photograph picture foto"),
    "free text": _words(
        "notes note comment comments remarks remark freetext kommentar bemerkung bemerkungen"
        " notizen commentaire commentaires remarque remarques narrative"
    ),
    "a date or time": _words("timestamp datetime datum"),
}
# These are enough as the whole name, or together with one of the words beside them.
_PEOPLE: Final = _words(
    "first last middle given family full patient client person maiden preferred fore sur user"
    " subject participant mother father parent partner spouse contact clinician provider doctor"
    " physician therapist nurse prescriber gp arzt therapeut patienten patientin medecin referrer"
    " relative carer guardian famille"
)
_NUMBERS: Final = _words("number no num nr nummer numero id code")
_IN_COMPANY: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "name": ("a name", _PEOPLE),
    "names": ("a name", _PEOPLE),
    "nom": ("a name", _PEOPLE),
    "ne": ("a date of birth", _words("le e")),
    "nee": ("a date of birth", _words("le")),
    "nhs": ("a record number", _NUMBERS),
    "chi": ("a record number", _NUMBERS),
    "record": ("a record number", _words("number no num nr medical hospital patient")),
    "chart": ("a record number", _NUMBERS),
    "hospital": ("a record number", _words("number no num nr")),
    "mobile": ("a telephone number", _NUMBERS | _PEOPLE),
    "policy": ("an insurance number", _NUMBERS),
    "account": ("an account number", _NUMBERS),
    "iban": ("an account number", frozenset()),
    "serial": ("a device number", _NUMBERS),
    "lot": ("a lot number", _NUMBERS),
    "device": ("a device number", _NUMBERS),
    "provider": ("a person or firm", _NUMBERS),
    "clinician": ("a person or firm", _NUMBERS),
    "therapist": ("a person or firm", _NUMBERS),
    "physician": ("a person or firm", _NUMBERS),
    "prescriber": ("a person or firm", _NUMBERS),
    "doctor": ("a person or firm", frozenset()),
    "ip": ("a network address", _words("address adresse")),
    "social": ("a record number", _words("security")),
    "survey": ("a record number", _words("identifier")),
    "free": ("free text", _words("text")),
    "driver": ("a licence number", _words("license licence")),
    "place": ("an address", _words("residence")),
    "house": ("an address", _NUMBERS),
}
_LAST_WORD_TIMES: Final = _words("date dates dt time zeit heure")
_NUMBER_WORDS: Final = _words(
    "number no num nr nummer numero record chart hospital medical identifier contact cell"
    " identity"
)


def words_of(name: str) -> list[str]:
    """Return the words of a column name, without case and accents.

    Examples
    --------
    >>> words_of("PatientName"), words_of("Né(e) le"), words_of("birth.dt")
    (['patient', 'name'], ['ne', 'e', 'le'], ['birth', 'dt'])
    """
    spaced = re.sub(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Þ])", " ", name.replace("ß", "ss"))
    plain = (
        unicodedata.normalize("NFKD", spaced)
        .encode("ascii", "ignore")
        .decode()
        .casefold()
    )
    return re.findall(r"[a-z]+|\d+", plain)


def reason_in_name(name: str, small_numbers: bool = False) -> str | None:
    """Say what a column is by its name, None where the name is harmless.

    Parameters
    ----------
    name : str
        As written.
    small_numbers : bool
        Whether the column holds numbers of up to four digits: `infusion_time` is then a duration,
        not a time of day.

    Examples
    --------
    >>> reason_in_name("patient_name"), reason_in_name("score_name"), reason_in_name("Geburtsdatum")
    ('a name', None, 'a date of birth')
    """
    words = words_of(name)
    joined = "".join(words)
    for reason, telling in _TELLING.items():
        if joined in telling or any(word in telling for word in words):
            return reason
    for word in words:
        reason, company = _IN_COMPANY.get(word, ("", frozenset()))
        if reason and (
            len(words) == 1 or any(other in company for other in words if other != word)
        ):
            return reason
    if words and words[-1] in _LAST_WORD_TIMES and not small_numbers:
        return "a date or time"
    return (
        "a date or time"
        if words[:1] in (["date"], ["datum"]) and not small_numbers
        else None
    )


def hints_at_number(name: str) -> bool:
    """Tell whether a name fits a record, identity or telephone number."""
    return any(word in _NUMBER_WORDS for word in words_of(name))


def all_known_words() -> frozenset[str]:
    """Every word that says what a column is: none of them is part of a person's name."""
    telling = frozenset[str]().union(*_TELLING.values())
    return (
        telling
        | frozenset(_IN_COMPANY)
        | _PEOPLE
        | _NUMBERS
        | _LAST_WORD_TIMES
        | _NUMBER_WORDS
        | {"dates", "hour", "hours"}
    )
