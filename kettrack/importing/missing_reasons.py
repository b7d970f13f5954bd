"""Why a cell is empty, where its source says so: counted, and said in the source's own words only
where these are codes or usual words.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from kettrack.importing.journal import Journal, SourceColumn
from kettrack.importing.source import SourceTable
from kettrack.privacy.identifying_people import word_of_nobody
from kettrack.privacy.identifying_words import words_in

# #N/A of a spreadsheet, .a of Stata and SAS, -9 of SPSS.
_CODE: Final = re.compile(r"#[A-Z0-9/!?]+|\.[A-Za-z_]?|-?\d{1,4}")
_WORD: Final = re.compile(r"[^\W\d_]+")
# Words of no-one that stand for a missing answer, beside those that files and studies use.
_USUAL: Final = words_in(
    "refused declined unknown missing asked not applicable done answered available skipped know"
    " don dont t n a na error empty"
)
_HIDDEN: Final = "a reason in words of its own"


def say_reasons(
    table: SourceTable,
    column: SourceColumn,
    journal: Journal,
) -> None:
    """Count the empty cells of a column by the reason that the source gives.

    Parameters
    ----------
    table : SourceTable
        Holds the reasons.
    column : SourceColumn
        One of its columns, as a whole.
    journal : Journal
        Takes one remark for each reason.
    """
    reasons = table.reasons.get(column.place.column)
    if reasons is None:
        return
    counts: Counter[str] = Counter()
    for counted in reasons.value_counts().to_pylist():
        if counted["values"] is not None:
            counts[_shown(counted["values"])] += counted["counts"]
    for reason, count in counts.items():
        said = f"nothing stands there; the source says {reason}"
        journal.counted(column, count, "noted", said)


def _shown(reason: str) -> str:
    """A reason as it may be printed."""
    text = reason.strip()
    words = _WORD.findall(text.casefold())
    harmless = all(word in _USUAL or word_of_nobody(word) for word in words)
    if _CODE.fullmatch(text) or (words and harmless and not re.search(r"\d", text)):
        return text
    return _HIDDEN
