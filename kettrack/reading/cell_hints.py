"""What is said beside what was expected, where the form of a cell shows what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kettrack.arrays import Objects
from kettrack.vocabulary.columns import Column

# Unit of the column -> forms that people write, and what to do with them.
_FORMS: Final = {
    "mg": (
        (r"mg\s*(?:/|per)\s*kg", "a dose per kg, times the weight, is a dose in mg"),
        (r"^[\d.,]+\s*m?g$", "write the number without its unit, in mg"),
    ),
    "mmHg": (
        (r"^\d{2,3}\s*/\s*\d{2,3}$", "systolic and diastolic have a column each"),
        (r"^\d{2,3}\s*mm\s*hg$", "write the number without its unit"),
    ),
}


def hints(
    column: Column,
    levels: Objects,
    wrong: Iterable[int],
) -> dict[int, str]:
    """What was expected, with what to do, for cells of a form that is known.

    Parameters
    ----------
    column : Column
        Of numbers.
    levels : ndarray of object
        Its distinct cells as text.
    wrong : iterable of int
        Places of those that are no such number.

    Examples
    --------
    >>> from kettrack.vocabulary.columns import TABLES
    >>> dose = next(one for one in TABLES["sessions"].columns if one.name == "dose_mg")
    >>> hints(dose, ["0.5 mg/kg", "4000"], [0, 1])
    {0: 'a number of mg, 0 to 2000; a dose per kg, times the weight, is a dose in mg'}
    """
    told: dict[int, str] = {}
    for place in wrong:
        text = str(levels[place]).strip()
        for form, advice in _FORMS.get(column.unit, ()):
            if re.search(form, text, re.IGNORECASE):
                told[place] = f"{column.expected}; {advice}"
                break
    return told
