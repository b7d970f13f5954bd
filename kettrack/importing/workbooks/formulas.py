"""Formulas that make one number of a column: what tells a row of totals from a patient."""

from __future__ import annotations

import re
from typing import Final

# Points have been taken out: _xlfn.STDEV.S comes as _xlfnSTDEVS.
_ADDS_UP: Final = re.compile(
    r"=?(?:_xlfn)?(?:sum|average|counta?|median|stdev[sp]?|var[sp]?|min|max|subtotal|aggregate)"
    r"\((?:\d+[,;])*([a-z]+)\d+:([a-z]+)\d+\)",
    re.IGNORECASE,
)
# The row of totals of a table that Excel manages: SUBTOTAL(109,Visits[Score]).
_OF_TABLE: Final = re.compile(r"subtotal\(1?\d\d?,\w*\[[^\[\]]+\]\)", re.IGNORECASE)


def adds_up(formula: str) -> bool:
    """Whether a formula adds up, averages or counts the cells of one column.

    Parameters
    ----------
    formula : str
        As Excel or OpenDocument writes it.

    Examples
    --------
    >>> adds_up("AVERAGE(C2:C40)"), adds_up("of:=SUM([.C2:.C40])")
    (True, True)

    The total of a scale goes over a row:

    >>> adds_up("SUM(C2:K2)")
    False
    """
    if _OF_TABLE.match(formula):
        return True
    bare = re.sub(r"^of:|[\[\].$]", "", formula)
    # A range over several columns is no total of one of them.
    found = _ADDS_UP.match(bare)
    return found is not None and found[1].casefold() == found[2].casefold()
