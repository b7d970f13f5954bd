"""Words that begin a row of totals or means below a table: the only place that lists them.

English, German, French, Spanish, Italian and Dutch, as spreadsheets and plain dictionaries have
them; no publication lists them.
"""

from __future__ import annotations

from typing import Final

_TOTALS: Final = (
    "total totals sum mean average avg median sd std stdev n count min max minimum maximum range"
    " subtotal gesamt summe mittelwert mittel durchschnitt anzahl standardabweichung somme moyenne"
    " médiane effectif suma promedio media mediana totale somma numero totaal som gemiddelde aantal"
)
TOTAL_WORDS: Final = frozenset(_TOTALS.split()) | {
    "grand total",
    "std dev",
    "std. dev.",
}
# Where a patient's code belongs these may be one: initials, short names.
_SHORTEST: Final = 4


def is_no_code(text: str) -> bool:
    """Whether a word that stands where a patient's code belongs begins a row of totals.

    Examples
    --------
    >>> [is_no_code(word) for word in ("Total", " mean:", "Max", "N", "Summer")]
    [True, True, False, False, False]
    """
    word = text.strip(" :=.").casefold()
    return word in TOTAL_WORDS and len(word) >= _SHORTEST
