"""Names of months and weekdays in six languages, as people write them in dates.

English, German, French, Spanish, Italian and Dutch; small letters, without accents. A short form is
listed where it is no whole word of another month.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _numbered(*lines: str) -> Mapping[str, int]:
    """Each word to the number of its line, from 1."""
    numbered: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        numbered |= dict.fromkeys(line.split(), number)
    return numbered


MONTHS: Final = _numbered(
    "jan january januar janner jaenner janv janvier ene enero gen gennaio januari",
    "feb february februar feber fev fevr fevrier febrero febbraio februari",
    "mar march marz maerz mrz mars marzo mrt maart",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio mei",
    "jun june juni juin junio giu giugno",
    "jul july juli juil juillet julio lug luglio",
    "aug august aou aout ago agosto augustus",
    "sep sept september septembre septiembre setiembre set settembre",
    "oct october okt oktober octobre octubre ott ottobre",
    "nov november novembre noviembre",
    "dec december dez dezember decembre dic diciembre dicembre",
)
# As in ISO 8601: Monday is 1.
WEEKDAYS: Final = _numbered(
    "mon monday montag mo lundi lun lunes lunedi maandag ma",
    "tue tues tuesday dienstag di mardi mar martes martedi dinsdag",
    "wed weds wednesday mittwoch mi mercredi mer miercoles mie mercoledi woensdag wo",
    "thu thur thurs thursday donnerstag do jeudi jeu jueves jue giovedi gio donderdag",
    "fri friday freitag fr vendredi ven viernes vie venerdi vrijdag vr",
    "sat saturday samstag sonnabend sa samedi sam sabado sab sabato zaterdag za",
    "sun sunday sonntag so dimanche dim domingo dom domenica zondag zo",
)
# Words between the parts: 7 de enero de 2025, the 7th of January, le 7 janvier.
BETWEEN: Final = frozenset(
    ("of", "the", "de", "del", "den", "der", "le", "am", "el", "il", "d")
)
