"""Which rows of a curve have a number, after the disclosure gate."""

from __future__ import annotations

import pandas as pd


def shown_steps(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a curve that have a number; all rows where none has.

    A release policy may take steps together, and the rows before the last of them are then empty.
    """
    known = table["estimate"].notna()
    # Where everything is hidden, the words are about all rows, and say that they are hidden.
    if not known.any():
        return table
    return table[known]
