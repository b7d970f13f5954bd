"""How scores are headed: names of scales, of what stands under them, and of occasions.

`phq9_week2`, `BDI.2m`, `madrs total`, `wk2bdi`, `PHQ-9 Frage 3`: a name of a scale and words around
it. Patterns are read on small letters and digits, everything else being one `_`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from kettrack.vocabulary.cell_words import plain
from kettrack.vocabulary.instruments import (
    BDI2,
    CADSS,
    CSSRS,
    GAD7,
    HAMD17,
    IDS_SR30,
    MADRS,
    PCL5,
    PHQ9,
    PROMIS_DEPRESSION,
    QIDS_SR16,
)

Unit = Literal["day", "week", "month", "session", "visit", "start", "later"]

# The first that fits counts. An empty name: a scale that is none of the built-in ones, although
# its name begins like one.
SCALES: Final[tuple[tuple[str, str], ...]] = (
    (r"(?:phq|patient_health_questionnaire)_?(?:2|4|8|15|a)(?![0-9a-z])", ""),
    (r"(?:phq|patient_health_questionnaire)(?:_?(?:9|nine))?", PHQ9.name),
    (r"gad_?2(?![0-9])", ""),
    (
        r"gad(?:_?(?:7|seven))?|generali[sz]ed_anxiety_disorder(?:_[a-z]+)?_(?:7|seven)",
        GAD7.name,
    ),
    (r"madrs_?s(?![a-z]|_?\d)", ""),
    (r"madrs|montgomery(?:_asberg)?", MADRS.name),
    (
        r"(?:ham_?d|hdrs|hrsd|hamilton)_?(?:6|21|24|28)(?![0-9])|ham_?d_?bech|ham_?a(?![a-z])",
        "",
    ),
    (r"(?:ham_?d|hdrs|hrsd|hamilton|ham)_?17", HAMD17.name),
    (r"qids_?c(?![a-z])", ""),
    (r"qids(?:_?sr)?(?:_?16)?", QIDS_SR16.name),
    (r"ids_?sr(?:_?30)?", IDS_SR30.name),
    (r"bdi_?ii(?![a-z0-9])|bdi_?2(?=_(?:total|sum|score|item|q)|$)|beck_ii", BDI2.name),
    (r"pcl_?5?(?![a-z])", PCL5.name),
    (r"c_?ssrs", CSSRS.name),
    (r"cadss", CADSS.name),
    (r"promis_?(?:anx|fat|pain|sleep|phys|social)\w*", ""),
    (r"promis(?:_?dep\w*)?(?:_?8[ab])?", PROMIS_DEPRESSION.name),
    # Versions of these differ, and the name does not say which one it is.
    (r"ham_?d|hdrs|hrsd|hamilton(?:_depression)?", "HAMD?"),
    (r"beck_dep(?:ression)?(?:_inv(?:entory)?)?|bdii?|beck", "BDI?"),
)
# A name without its version, to the scale that it may be.
UNSURE: Final[Mapping[str, str]] = {"HAMD?": HAMD17.name, "BDI?": BDI2.name}

_UNITS: Final[Mapping[Unit, str]] = {
    "day": "d day days tag tage jour jours j dia dias dag dagen giorno giorni",
    "week": (
        "w wk wks week weeks woche wochen semaine semaines sem semana semanas weken settimana"
        " settimane"
    ),
    "month": (
        "m mo mth mths mon month months monat monate mois mes meses maand maanden mese mesi"
    ),
    "session": (
        "s ses sess session sessions inf infusion infusions tx treatment dose sitzung seance"
        " sesion sessie seduta"
    ),
    "visit": "v visit visits visite visita t time timepoint tp wave bezoek termin vis",
    "start": (
        "baseline base bl bsl intake screening screen start initial aufnahme voormeting"
        " basislinie basal entree"
    ),
    "later": (
        "fu fup followup follow end katamnese nameting final last exit discharge"
    ),
}
OCCASION_WORDS: Final[Mapping[str, Unit]] = {
    word: unit for unit, words in _UNITS.items() for word in words.split()
}


# Numbers written out, from the first on: English, German, French, Spanish, Dutch, Italian.
_ORDINALS: Final = (
    "first erste erster erstes premier premiere primera primero primer eerste prima primo",
    "second zweite zweiter zweites deuxieme segunda segundo tweede seconda secondo",
    "third dritte dritter drittes troisieme tercera tercero tercer derde terza terzo",
    "fourth vierte vierter viertes quatrieme cuarta cuarto vierde quarta quarto",
    "fifth funfte fuenfte fünfte cinquieme quinta quinto vijfde",
    "sixth sechste sixieme sexta sexto zesde sesta sesto",
)
ORDINALS: Final[Mapping[str, int]] = {
    word: number
    for number, words in enumerate(_ORDINALS, start=1)
    for word in words.split()
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Said of a session, or of the whole treatment where a patient has one row.
_BEFORE: Final = "pre before vor vorher avant antes voor prima"
_AFTER: Final = "post after nach nachher apres despues dopo"
TIMING_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_BEFORE.split(), "before"),
    **dict.fromkeys(_AFTER.split(), "after"),
}
ITEM_WORDS: Final = _words(
    "q i it item items question frage pregunta vraag domanda itm qu"
)
TOTAL_WORDS: Final = _words(
    "total tot totals sum score scores summary gesamt summe raw totaal totale puntaje puntuacion"
    " punteggio gesamtwert totaalscore sumscore totalscore points punkte pts value wert result"
    " ergebnis t tscore summenwert"
)
DATE_WORDS: Final = _words("date datum fecha data dt dtc dat")
# Words that change nothing; "sr" is self-rated.
EMPTY_SCORE_WORDS: Final = _words(
    "sr self rated report scale the of depression up ii am at in"
)
# What an item asks about, behind its number: "Q9 suicidal thoughts". Without a number such words
# say nothing, since a total may be headed by them too.
ITEM_TOPICS: Final = _words(
    "suicidal suicidality suicide si ideation thoughts thought harm death suizid suizidalitat"
    " suizidgedanken suicidaire suicidaires ideas suicidas suicidio interest mood sleep energy"
    " appetite worth concentration movement"
)
# From zero on; one group per number.
_NUMBERS: Final = (
    "zero null,one eins un uno een,two zwei deux dos twee due,three drei trois tres drie tre,"
    "four vier quatre cuatro quattro,five funf cinq cinco vijf cinque,six sechs seis zes sei,"
    "seven sieben sept siete zeven sette,eight acht huit ocho otto,nine neun neuf nueve negen"
    " nove,ten zehn dix diez tien dieci,eleven elf onze once undici,twelve zwolf douze doce"
    " twaalf dodici"
)
NUMBER_WORDS: Final[Mapping[str, int]] = {
    word: number
    for number, group in enumerate(_NUMBERS.split(","))
    for word in group.split()
}
# Words beside the name of a scale that are no part of a person's name; Otto and Primo are some.
WORDS_OF_SCORES: Final = (
    ITEM_WORDS | TOTAL_WORDS | frozenset(OCCASION_WORDS) | frozenset(TIMING_WORDS)
)
# Of the full names of scales, and of what programs write behind them.
_BESIDE_A_SCALE: Final = _words(
    "patient health questionnaire depression depressive anxiety anxious generalised generalized"
    " disorder scale inventory rating quick of symptomatology self report rated beck hamilton"
    " montgomery asberg columbia suicide severity ptsd checklist for dsm 5 ii total score"
    " assessment fragebogen depressionsskala questionnaire echelle escala vragenlijst scala"
    " item items"
)


def scale_in_words(word: str) -> str | None:
    """The built-in scale that a cell names in other words, None where nobody can tell.

    Parameters
    ----------
    word : str
        As it stands in the cell. Every part of it must be understood.

    Examples
    --------
    >>> scale_in_words("Patient Health Questionnaire (PHQ-9)"), scale_in_words("GAD-7 Anxiety")
    ('PHQ-9', 'GAD-7')
    >>> scale_in_words("PHQ-2"), scale_in_words("PHQ-9 item 9"), scale_in_words("PHQ-9 and GAD-7")
    (None, None, None)
    """
    rest = plain(word).replace(" ", "_")
    named = set()
    while found := _first_scale(rest):
        scale, start, end = found
        named.add(scale)
        rest = f"{rest[:start]}_{rest[end:]}"
    left = {part for part in rest.split("_") if part}
    # "Beck Depression Inventory" leaves its version open, and "BDI-II" behind it says it.
    named -= {unsure for unsure, scale in UNSURE.items() if scale in named}
    # A scale that is none of the built-in ones, or whose version is open, is nobody's guess.
    sure = len(named) == 1 and not named & {"", *UNSURE}
    return named.pop() if sure and left <= _BESIDE_A_SCALE else None


def _first_scale(joined: str) -> tuple[str, int, int] | None:
    for pattern, scale in SCALES:
        found = re.search(rf"(?:^|(?<=_))(?:{pattern})(?![a-z0-9])", joined)
        if found:
            return scale, found.start(), found.end()
    return None
