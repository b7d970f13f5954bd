"""Where each row's patient stands in the list of patients."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.arrays import Ints
from kettrack.reading.typed import CheckedTable


def places_by_code(
    table: CheckedTable,
    patients: CheckedTable,
) -> Ints:
    """Place of each row's patient, -1 = not in the list.

    Parameters
    ----------
    table, patients : CheckedTable
        Of one cohort: a code means the same patient in both, so that no name is compared.
    """
    column = table.rows["patient_id"]
    listed = patients.rows["patient_id"].codes
    n_codes = len(column.values)
    place = np.full(n_codes, -1)
    place[listed] = np.arange(len(listed))
    return place[column.codes]


def places_by_name(
    rows: pd.Series,
    patients: pd.Series,
) -> Ints:
    """Place of each row's patient, -1 = not in the list.

    Examples
    --------
    >>> places_by_name(pd.Series(["b", "b", "c"]), pd.Series(["a", "b"])).tolist()
    [1, 1, -1]
    """
    # Rows of one patient stand together, so that each name is looked up once.
    changes = rows != rows.shift()
    begins = np.flatnonzero(changes.to_numpy(bool))
    names = pd.Index(rows.iloc[begins])
    places = pd.Index(patients).get_indexer(names)
    n_rows = np.diff(begins, append=len(rows))
    return np.repeat(places, n_rows)
