"""Words of CDISC: codes of tests and parameters, routes, sexes and races; the only place that lists
them.

Sources
-------
- PHQ-9: codes PHQ0101 to PHQ0111 as several independent programs use them; PHQ9TOT is a parameter
  of a published ADaM template. Sponsors name totals themselves, so other codes are asked about.
- MADRSTOT, QIDSI16 and their like are what kettrack calls totals and items itself, after the
  pattern of PHQ9TOT. No code of an item of MADRS or QIDS could be confirmed.
- Answers of PHQ-9: the wording of the form, free to reproduce
- Routes, sex, race, ethnic group: CDISC SDTM Controlled Terminology, codelists ROUTE, SEX, RACE and
  ETHNIC
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kettrack.vocabulary.instruments import INSTRUMENTS, PHQ9
from kettrack.vocabulary.outside_codes import ScoreCode

_N_PHQ9: Final = 10  # the tenth is on difficulty, and never in the total

# Begin of the parameter codes that kettrack writes. A total ends in TOT and an item in I and its
# number, so that none looks like a code of the standard that nobody has confirmed.
PARAMETER_STEMS: Final[Mapping[str, str]] = {
    "PHQ-9": "PHQ9",
    "QIDS-SR16": "QIDS",
    "IDS-SR30": "IDS",
    "MADRS": "MADRS",
    "HAMD-17": "HAM17",
    "BDI-II": "BDI2",
    "GAD-7": "GAD7",
    "PCL-5": "PCL5",
    "C-SSRS": "CSSRS",
    "CADSS": "CADSS",
    "PROMIS Depression": "PROMD",
}
# A name of SAS transport files has eight letters; TOT, or I and two digits, come behind the stem.
LONGEST_STEM: Final = 5


def parameter_code(stem: str, column: str) -> str:
    """The parameter code of a total or an item.

    Parameters
    ----------
    stem : str
        Of the scale, from `PARAMETER_STEMS` or of its own.
    column : str
        `score` or `item_9`.

    Examples
    --------
    >>> parameter_code("MADRS", "score"), parameter_code("MADRS", "item_9")
    ('MADRSTOT', 'MADRSI9')
    >>> parameter_code("PHQ9", "item_9")
    'PHQ0109'
    """
    if column == "score":
        return f"{stem}TOT"
    item = int(column.removeprefix("item_"))
    # The items of PHQ-9 are the only ones whose codes are known.
    return f"PHQ01{item:02d}" if stem == "PHQ9" else f"{stem}I{item}"


def _own_codes() -> dict[str, ScoreCode]:
    """What kettrack writes, so that it reads it again."""
    found = {}
    for name, stem in PARAMETER_STEMS.items():
        items = [f"item_{item + 1}" for item in range(INSTRUMENTS[name].n_items)]
        for column in ("score", *items):
            found[parameter_code(stem, column)] = ScoreCode(name, column)
    return found


# Code of a test (--TESTCD) or of a parameter (PARAMCD) to what its number is.
CDISC_SCORES: Final[Mapping[str, ScoreCode]] = {
    **_own_codes(),
    **{
        f"PHQ01{item:02d}": ScoreCode(PHQ9.name, f"item_{item}")
        for item in range(1, _N_PHQ9 + 1)
    },
    "PHQ0111": ScoreCode(PHQ9.name, "score"),
    "PHQ9": ScoreCode(PHQ9.name, "score"),
}
# Answers in words, where a record has no number: scale, then answer in small letters.
CDISC_ANSWERS: Final[Mapping[str, Mapping[str, int]]] = {
    PHQ9.name: {
        "not at all": 0,
        "several days": 1,
        "more than half the days": 2,
        "nearly every day": 3,
    }
}
CDISC_ROUTES: Final[Mapping[str, str]] = {
    "INTRAVENOUS": "iv",
    "INTRAVENOUS BOLUS": "iv",
    "INTRAVENOUS DRIP": "iv",
    "INTRAMUSCULAR": "im",
    "SUBCUTANEOUS": "sc",
    "SUBLINGUAL": "sublingual",
    "NASAL": "intranasal",
    "INTRANASAL": "intranasal",
    "ORAL": "oral",
}
CDISC_SEXES: Final[Mapping[str, str]] = {
    "F": "female",
    "M": "male",
    "U": "unknown",
    "UNDIFFERENTIATED": "other",
    "INTERSEX": "other",
}
CDISC_RACES: Final[Mapping[str, str]] = {
    "ASIAN": "asian",
    "BLACK OR AFRICAN AMERICAN": "black",
    "WHITE": "white",
    "AMERICAN INDIAN OR ALASKA NATIVE": "native",
    "NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER": "native",
    "MULTIPLE": "mixed",
    "OTHER": "other",
    "UNKNOWN": "unknown",
    "NOT REPORTED": "unknown",
}
# Stands in a column of its own, and goes before the race.
CDISC_HISPANIC: Final = "HISPANIC OR LATINO"

# The way out: words of the contract to words of the standard. Where several words of the standard
# mean one of the contract, the widest is written.
TO_CDISC_ROUTES: Final[Mapping[str, str]] = {
    "iv": "INTRAVENOUS",
    "im": "INTRAMUSCULAR",
    "sc": "SUBCUTANEOUS",
    "sublingual": "SUBLINGUAL",
    "intranasal": "NASAL",
    "oral": "ORAL",
}
TO_CDISC_SEXES: Final[Mapping[str, str]] = {
    "female": "F",
    "male": "M",
    "other": "UNDIFFERENTIATED",
    "unknown": "U",
}
# `native` means one of two races of the standard, and which one is not recorded.
TO_CDISC_RACES: Final[Mapping[str, str]] = {
    "asian": "ASIAN",
    "black": "BLACK OR AFRICAN AMERICAN",
    "white": "WHITE",
    "mixed": "MULTIPLE",
    "native": "OTHER",
    "other": "OTHER",
    "unknown": "UNKNOWN",
}
_ANSWERED: Final = re.compile(r"(?P<scale>.+?)(?: (?:item|question) (?P<item>\d+))?")


def score_code_of(answer: str) -> ScoreCode | None:
    """What the owner of a file says that a code is: a scale for its total, or a scale and an item.

    Parameters
    ----------
    answer : str
        As typed.

    Examples
    --------
    >>> score_code_of("MADRS"), score_code_of("phq-9 item 9").column
    (ScoreCode(instrument='MADRS', column='score'), 'item_9')
    >>> score_code_of("not used") is None
    True
    """
    found = _ANSWERED.fullmatch(answer.strip())
    scales = {name.casefold(): scale for name, scale in INSTRUMENTS.items()}
    scale = scales.get(found["scale"].casefold()) if found else None
    if found is None or scale is None:
        return None
    if not found["item"]:
        return ScoreCode(scale.name, "score")
    item = int(found["item"])
    # The question on difficulty stands on the form, and counts in no total.
    known = 1 <= item <= scale.n_items or item == scale.uncounted_item
    return ScoreCode(scale.name, f"item_{item}") if known else None
