"""Words that begin a row of totals or means below a table: the only place that lists them.

As spreadsheets and plain dictionaries of each language have them; no publication lists them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from typing import Final

# English, German, French, Spanish, Italian and Dutch; Portuguese; the languages of the north and
# the east of Europe; Turkish and Greek; Cyrillic; East Asian; Arabic and Hebrew.
_TOTALS: Final = (
    "total totals sum mean average avg median sd std stdev n count min max minimum maximum range"
    " subtotal gesamt summe mittelwert mittel durchschnitt anzahl standardabweichung somme moyenne"
    " médiane effectif suma promedio media mediana totale somma numero totaal som gemiddelde aantal"
    " gesamtergebnis gesamtsumme zwischensumme teilergebnis ergebnis sous-total eindtotaal"
    " subtotaal subtotale soma média mediana contagem subtotais totais"
    " summa totalt medelvärde medel antal delsumma gennemsnit gjennomsnitt antall yhteensä"
    " keskiarvo mediaani lukumäärä kokku keskmine kopā vidēji suma vidurkis"
    " ogółem razem łącznie średnia liczba celkem součet průměr počet spolu súčet priemer"
    " összesen átlag darab medie numar ukupno zbroj prosjek zbir prosek skupaj vsota povprečje"
    " toplam ortalama σύνολο άθροισμα итого всего сумма среднее количество разом всього усього"
    " середнє общо сума средно 合计 总计 小计 平均 总和 合計 総計 小計 总数 합계 총계 평균 소계"
    ' المجموع الإجمالي المتوسط סה״כ סה"כ ממוצע'
)
_OF_SEVERAL_WORDS: Final = (
    "grand total",
    "std dev",
    "std. dev.",
    "total général",
    "total general",
    "total geral",
    "total gral",
    "totale generale",
    "totale complessivo",
    "suma całkowita",
    "suma końcowa",
    "celkový součet",
    "general total",
    "genel toplam",
    "общий итог",
    "μέσος όρος",
    "i alt",
    "סך הכל",
)


def plain_word(text: str) -> str:
    """A word without the marks around it, in one Unicode form."""
    return unicodedata.normalize("NFC", text).strip(" \u00a0:=.*").casefold()


TOTAL_WORDS: Final = frozenset(map(plain_word, (*_TOTALS.split(), *_OF_SEVERAL_WORDS)))
# Where a patient's code belongs these may be one: initials, short names.
_SHORTEST: Final = 4


def is_no_code(text: str, codes: Container[str] = ()) -> bool:
    """Whether a word that stands where a patient's code belongs begins a row of totals.

    Parameters
    ----------
    text : str
        What stands there.
    codes : container of str
        The codes of the table. A spreadsheet writes the total of one patient as `A1 Total`, or
        `Total A1`.

    Examples
    --------
    >>> [is_no_code(word) for word in ("Total", " mean:", "Max", "N", "Summer", "合计")]
    [True, True, False, False, False, True]
    >>> is_no_code("A1 Total", {"A1"}), is_no_code("A1 Total", {"B2"})
    (True, False)
    """
    word = plain_word(text)
    if word in TOTAL_WORDS:
        # three letters may be initials, two signs of a script without letters are not
        return len(word) >= _SHORTEST or not word[0].isascii()
    before, _, last = text.strip().rpartition(" ")
    first, _, after = text.strip().partition(" ")
    of_one = ((before, last), (after, first))
    return any(
        code in codes and plain_word(word) in TOTAL_WORDS for code, word in of_one
    )
