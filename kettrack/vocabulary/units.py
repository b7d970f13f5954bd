"""Units in which clinics write doses, weights, times and other measures, how much of the unit of
the contract each is, and units behind "a number", in words.

Factors are exact by definition: the pound is 0.45359237 kg, the stone 14 pounds (international yard
and pound agreement, 1959); 1 kPa is 7.500615 mmHg, rounded to the digits that a cuff can tell (NIST
Special Publication 811, appendix B.8). A month is the twelfth part of 365.25 days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kettrack.vocabulary.status_words import bare

_POUND: Final = 0.45359237
_DAYS_OF_YEAR: Final = 365.25
# Unit of the contract to every spelling of a unit, bare, to how much of the former it is. German,
# French, Spanish, Dutch and Italian spellings stand beside the English ones.
_SPELLED: Final[Mapping[str, Mapping[float, str]]] = {
    "mg": {
        1: "mg milligram milligrams milligramm milligramme milligrammes miligramo"
        " miligramos milligrammo milligrammi mgs",
        1000: "g gram grams gramm gramme grammes gramo gramos grammo grammi",
        0.001: "µg μg ug mcg microgram micrograms mikrogramm",
    },
    "kg": {
        1: "kg kgs kilo kilos kilogram kilograms kilogramm kilogramme kilogrammes",
        0.001: "g gram grams gramm",
        _POUND: "lb lbs pound pounds pfund",
        14 * _POUND: "st stone stones",
    },
    "min": {
        1: "min mins minute minutes minuten minuto minutos minuti m",
        60: "h hr hrs hour hours stunde stunden heure heures hora horas uur ora ore std",
        1 / 60: "s sec secs second seconds sekunde sekunden seconde secondes",
    },
    "days": {
        1: "day days tag tage jour jours dia dias día días dag dagen giorno giorni d",
        7: "week weeks woche wochen semaine semaines semana semanas weken settimana"
        " settimane wk wks w",
        _DAYS_OF_YEAR
        / 12: "month months monat monate mois mes meses maand maanden mese mesi",
        _DAYS_OF_YEAR: "year years jahr jahre an ans año años jaar anno anni",
    },
    "years": {
        1: "year years yr yrs y yo jahr jahre an ans año años jaar anno anni",
        1 / 12: "month months monat monate mois mes meses maand maanden mese mesi mo",
    },
    "mmHg": {1: "mmhg", 7.500615: "kpa"},
    "%": {1: "% percent prozent pct", 100: "fraction"},
    "/min": {1: "/min bpm permin min"},
    "points": {1: "points point pts punkte points"},
    "sessions": {1: "sessions session sitzungen"},
    "currency of kettrack.toml": {1: "$ € £ usd eur gbp chf cad aud"},
}

# Units that do not follow an "of" as they stand.
_IN_WORDS: Final[Mapping[str, str]] = {
    "/min": "per minute",
    "%": "of percent",
    "currency of kettrack.toml": "in the currency of kettrack.toml",
}


def _key(unit: str) -> str:
    """A spelling without what makes no difference; a sign alone stays."""
    return bare(unit) or unit.strip()


_FACTORS: Final = {
    target: {
        _key(word): factor for factor, words in of.items() for word in words.split()
    }
    for target, of in _SPELLED.items()
}


def factor(unit: str, target: str) -> float | None:
    """How much of the contract's unit one of another unit is; None where that is not known.

    Parameters
    ----------
    unit : str
        As a clinic writes it; `mg/kg` counts as `mg`, and the caller multiplies by the weight.
    target : str
        Unit of a column of the contract.

    Examples
    --------
    >>> factor("g", "mg"), factor("Std.", "min"), factor("mg/kg", "mg"), factor("ml", "mg")
    (1000, 60, 1, None)
    """
    known = _FACTORS.get(target, {})
    return known.get(_key(mass_of(unit)))


def per_kg(unit: str) -> bool:
    """Whether a unit is one per kilogram of body weight.

    Examples
    --------
    >>> per_kg("mg/kg"), per_kg("mg per kg"), per_kg("kg")
    (True, True, False)
    """
    return mass_of(unit) != unit


def mass_of(unit: str) -> str:
    """The part of a unit before `per kg`."""
    joined = "".join(unit.split()).casefold().replace("per", "/")
    if joined.endswith(("/kg", "/kgkg", "/kgbw", "/kgkörpergewicht")):
        return joined.partition("/")[0]
    return unit


def with_unit(what: str, unit: str) -> str:
    """A number with its unit, as a sentence has it.

    Examples
    --------
    >>> with_unit("a number", "mg"), with_unit("a whole number", "/min"), with_unit("a number", "")
    ('a number of mg', 'a whole number per minute', 'a number')
    """
    if not unit:
        return what
    return f"{what} {_IN_WORDS.get(unit, f'of {unit}')}"
