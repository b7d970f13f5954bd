"""Doses in mg: from text such as `0.5 mg/kg`, from a column of units, and from the weight of the
patient.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.closed_words import as_words
from kettrack.importing.contract_columns import as_kind
from kettrack.importing.import_map import TableMap
from kettrack.importing.journal import Journal, SourceColumn
from kettrack.importing.quantities import (
    UNKNOWN_UNIT,
    Amounts,
    read_amounts,
)
from kettrack.importing.source import DOSE, DOSE_UNIT
from kettrack.vocabulary.columns import SESSIONS
from kettrack.vocabulary.units import factor

DOSE_MG = "dose_mg"
_COLUMN = SESSIONS[DOSE_MG]


def read_doses(
    sources: Mapping[str, SourceColumn],
    weight: pa.Array | None,
    plan: TableMap,
    journal: Journal,
) -> pa.Array:
    """Doses in mg.

    Parameters
    ----------
    sources : mapping
        `dose_mg`, or `dose` with or without `dose_unit`, to their cells.
    weight : Array of float64, optional
        In kg, of the same rows.
    plan : TableMap
        Holds words and units under `dose_mg` or `dose`.
    journal : Journal
        Takes what is refused.
    """
    name = DOSE_MG if DOSE_MG in sources else DOSE
    source = sources[name]
    unit = plan.units.get(name, "")
    words = plan.values.get(name, {})
    if DOSE_UNIT in sources:
        units = sources[DOSE_UNIT]
        amounts = _by_units(source, units, unit, words, journal)
    else:
        amounts = read_amounts(source, _COLUMN, journal, unit, words)
    values = amounts.values
    # A refused cell is not refused again for want of a weight.
    by_weight = amounts.by_weight & np.isfinite(values)
    kg = np.full(len(values), np.nan)
    if weight is not None:
        kg = pc.fill_null(weight, np.nan).to_numpy(zero_copy_only=False)
    no_weight = by_weight & np.isnan(kg)
    reason = "the dose is per kg, and the row has no weight that can be read"
    journal.cells(source, no_weight, "refused", reason)
    with_weight = np.round(values * kg, 6)
    return as_kind(
        np.where(by_weight, with_weight, values),
        source,
        _COLUMN,
        journal,
    )


def _by_units(
    source: SourceColumn,
    units: SourceColumn,
    unit: str,
    words: Mapping[str, str],
    journal: Journal,
) -> Amounts:
    """Doses whose unit stands in a column of its own: one unit after the other."""
    cells = as_words(units)
    values = np.full(len(cells.codes), np.nan)
    by_weight = np.zeros(len(cells.codes), dtype=bool)
    for code in np.unique(cells.codes).tolist():
        rows = np.flatnonzero(cells.codes == code)
        word = str(cells.levels[code]) if code >= 0 else unit
        part = source.take(rows)
        if word and factor(word, _COLUMN.unit) is None:
            journal.cells(part, ~part.empty, "refused", UNKNOWN_UNIT)
            continue
        amounts = read_amounts(part, _COLUMN, journal, word, words)
        values[rows] = amounts.values
        by_weight[rows] = amounts.by_weight
    return Amounts(values, by_weight)
