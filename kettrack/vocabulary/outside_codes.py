"""Codes by which other systems name scores, answers, drugs and routes: the only place that lists
them. A code counts only together with its system.

Sources
-------
- MII: PRO module of the German Medical Informatics Initiative (PHQ-9: panel, items, total, item on
  difficulty; totals of the other scales as their own files say)
- LL358-3: the LOINC answer list, as read on loinc.org and in the HL7 US Core examples of PHQ-9
- PHR: HL7 Personal Health Record Format, QuestionnaireResponse of GAD-7 (items in order)
- PCO: HL7 Person-Centered Outcomes guide, Questionnaire 69737-5 (panel of GAD-7)
- Synthea27Nj: OMOP extract of OHDSI/EunomiaDatasets (PHQ-2 beside PHQ-9)
- CLIF: "RxNorm/6130 ketamine" in its guide to loading; read once
- 0162: HL7 v2 table of routes, R4 page; SNOMED routes: FHIR value set `route-codes`, R5
- WHO: ATC index
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kettrack.vocabulary.instrument import Standing
from kettrack.vocabulary.instruments import GAD7, INSTRUMENTS, PHQ9

System = Literal["LOINC", "RxNorm", "ATC", "SNOMED", "HL7 0162"]
Drug = Literal["ketamine", "esketamine"]

# One system has an address in FHIR, a number in CDA, a short name in HL7 v2 and one in OMOP.
_SYSTEMS: Final[Mapping[System, str]] = {
    "LOINC": "http://loinc.org 2.16.840.1.113883.6.1 LN LOINC",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm 2.16.840.1.113883.6.88 RXNORM",
    "ATC": "http://www.whocc.no/atc 2.16.840.1.113883.6.73 ATC",
    "SNOMED": "http://snomed.info/sct 2.16.840.1.113883.6.96 SCT SNOMED SNOMED-CT",
    "HL7 0162": "http://terminology.hl7.org/CodeSystem/v2-0162 HL70162",
}
_SYSTEM_OF: Final[Mapping[str, System]] = {
    name.casefold(): system
    for system, names in _SYSTEMS.items()
    for name in names.split()
}


def system_of(name: str) -> System | None:
    """The system of codes that a name stands for, None for one that is not known.

    Parameters
    ----------
    name : str
        An address, an object identifier, or a short name of HL7 v2 or OMOP.

    Examples
    --------
    >>> system_of("http://loinc.org"), system_of("LN"), system_of("urn:oid:2.16.840.1.113883.6.1")
    ('LOINC', 'LOINC', 'LOINC')
    >>> system_of("http://example.org/forms") is None
    True
    """
    bare = name.strip().casefold().removeprefix("urn:oid:").rstrip("/")
    return _SYSTEM_OF.get(bare)


@dataclass(frozen=True, slots=True)
class ScoreCode:
    """What a LOINC code says of a number.

    Parameters
    ----------
    instrument : str
        Name of the scale.
    column : str
        Column of the contract that the number fills, such as `score` or `item_9`.
    """

    instrument: str
    column: str


# MII and the LOINC page of the panel agree; the codes are not in the order of the questions.
_PHQ9_ITEMS: Final = (
    "44250-9",
    "44255-8",
    "44259-0",
    "44254-1",
    "44251-7",
    "44258-2",
    "44252-5",
    "44253-3",
    "44260-8",
    # How difficult the problems make life: on the form, never in the total.
    "69722-7",
)
# PHR. The first two are also the two of GAD-2.
_GAD7_ITEMS: Final = (
    "69725-0",
    "68509-9",
    "69733-4",
    "69734-2",
    "69735-9",
    "69689-8",
    "69736-7",
)


def _items(instrument: str, codes: tuple[str, ...]) -> dict[str, ScoreCode]:
    return {
        code: ScoreCode(instrument, f"item_{number}")
        for number, code in enumerate(codes, start=1)
    }


# LOINC code to what it says: totals and items.
LOINC_SCORES: Final[Mapping[str, ScoreCode]] = {
    **{
        scale.loinc: ScoreCode(scale.name, "score")
        for scale in INSTRUMENTS.values()
        if scale.loinc
    },
    **_items(PHQ9.name, _PHQ9_ITEMS),
    **_items(GAD7.name, _GAD7_ITEMS),
}
# LOINC code of a whole form to its scale. MII files the total of PHQ-9 under the panel.
LOINC_PANELS: Final[Mapping[str, str]] = {
    **{
        scale.loinc_panel: scale.name
        for scale in INSTRUMENTS.values()
        if scale.loinc_panel
    },
    "69737-5": GAD7.name,
}
# LOINC codes that are taken for one of the above, and are not: what they are.
LOINC_OTHERS: Final[Mapping[str, str]] = {
    "55757-9": "the panel of PHQ-2, two questions of PHQ-9",
    "55758-7": "the total of PHQ-2, two questions of PHQ-9",
    "77862-1": "PROMIS Anxiety",
    "93245-9": "the full C-SSRS",
}
# The body weight profile of FHIR, the same in every release (hl7.org/fhir/bodyweight.html).
LOINC_BODY_WEIGHT: Final = "29463-7"
# LL358-3: the answers of PHQ-9 and GAD-7.
LOINC_ANSWERS: Final[Mapping[str, int]] = {
    "LA6568-5": 0,
    "LA6569-3": 1,
    "LA6570-1": 2,
    "LA6571-9": 3,
}


@dataclass(frozen=True, slots=True)
class DrugCode:
    """What a code says of a drug.

    Parameters
    ----------
    drug : {"ketamine", "esketamine"}
        As in the column `drug`.
    route : str
        As in the column `route`, where the code names a product of one route; else empty.
    standing : {"verified", "computed", "convention", "recalled", "user"}
        A recalled code is never used unless the user names it.
    """

    drug: Drug
    route: str = ""
    standing: Standing = "verified"


_DRUGS: Final[Mapping[tuple[System, str], DrugCode]] = {
    ("RxNorm", "6130"): DrugCode("ketamine"),
    ("RxNorm", "2201623"): DrugCode("esketamine", "intranasal"),
    ("RxNorm", "2201625"): DrugCode("esketamine", "intranasal"),
    ("RxNorm", "2119365"): DrugCode("esketamine", standing="recalled"),
    ("ATC", "N06AX27"): DrugCode("esketamine"),
    ("ATC", "N01AX14"): DrugCode("esketamine"),
    ("ATC", "N01AX03"): DrugCode("ketamine", standing="recalled"),
}
# The ingredient; in OMOP its descendants are the products.
INGREDIENTS: Final[Mapping[Drug, tuple[System, str]]] = {"ketamine": ("RxNorm", "6130")}


def drug_of_code(system: str, code: str) -> DrugCode | None:
    """The drug that a code stands for; None for an unknown code, and for one that nobody confirmed.

    Parameters
    ----------
    system : str
        As `system_of` takes it.
    code : str
        The code.

    Examples
    --------
    >>> drug_of_code("http://www.nlm.nih.gov/research/umls/rxnorm", "6130").drug
    'ketamine'
    >>> drug_of_code("http://example.org/accounts", "6130") is None
    True
    """
    known = system_of(system)
    found = _DRUGS.get((known, code.strip())) if known else None
    return found if found and found.standing != "recalled" else None


# Norketamine and dehydronorketamine are what a laboratory measures, not what was given.
_KETAMINE: Final = re.compile(r"\bk[eé]tamin[ea]?\b")
# R/S-ketamine and (R,S)-ketamine are both halves together: ketamine.
_ESKETAMINE: Final = re.compile(
    r"(?<![\w/,])(?:es|s[- ]?|\(s\)[- ]?)k[eé]tamin[ea]?\b|\bspravato\b"
)


def drug_in_words(text: str) -> Drug | None:
    """The drug that a text names, None where it names neither.

    Examples
    --------
    >>> drug_in_words("Ketamine 50 mg/ml inj."), drug_in_words("Spravato 28 mg nasal spray")
    ('ketamine', 'esketamine')
    >>> drug_in_words("S-Ketamin"), drug_in_words("Norketamine level")
    ('esketamine', None)
    """
    small = text.casefold()
    # The longer word first: "S-ketamine" holds the shorter one.
    if _ESKETAMINE.search(small):
        return "esketamine"
    return "ketamine" if _KETAMINE.search(small) else None


# Buccal is no route of the contract, so it is asked about.
_ROUTES: Final[Mapping[str, str]] = {
    "iv": "HL7 0162|IV SNOMED|47625008",
    "im": "HL7 0162|IM SNOMED|78421000",
    "sc": "HL7 0162|SC SNOMED|34206005",
    "sublingual": "HL7 0162|SL SNOMED|37839007",
    "intranasal": "HL7 0162|IN HL7 0162|NS SNOMED|46713006",
    "oral": "HL7 0162|PO SNOMED|26643006",
}


def _routes() -> dict[tuple[str, str], str]:
    found = {}
    for route, codes in _ROUTES.items():
        for system, code in re.findall(r"(HL7 0162|SNOMED)\|(\w+)", codes):
            found[system, code] = route
    return found


_ROUTE_OF: Final = _routes()


def route_of_code(system: str, code: str) -> str | None:
    """The route that a code stands for, as in the column `route`; None for an unknown code.

    Examples
    --------
    >>> route_of_code("HL70162", "IV"), route_of_code("http://snomed.info/sct", "46713006")
    ('iv', 'intranasal')
    """
    known = system_of(system)
    return _ROUTE_OF.get((known, code.strip().upper())) if known else None
