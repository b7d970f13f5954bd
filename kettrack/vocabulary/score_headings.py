"""How scores are headed: names of scales, of what stands under them, and of occasions.

`phq9_week2`, `BDI.2m`, `madrs total`, `wk2bdi`, `PHQ-9 Frage 3`: a name of a scale and words around
it. Patterns are read on small letters and digits, everything else being one `_`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

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
    (r"phq_?(?:2|4|8|15|a)(?![0-9a-z])", ""),
    (r"phq(?:_?(?:9|nine))?", PHQ9.name),
    (r"gad_?2(?![0-9])", ""),
    (r"gad(?:_?(?:7|seven))?", GAD7.name),
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
