"""Doses in mg: from text such as `0.5 mg/kg`, from a column of units, and from the weight of the
patient.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats
from kettrack.importing.closed_words import (
    LEAVE_EMPTY,
    as_words,
)
from kettrack.importing.contract_columns import as_kind
from kettrack.importing.import_map import TableMap
from kettrack.importing.journal import Journal, SourceColumn
from kettrack.importing.quantities import (
    UNKNOWN_UNIT,
    Amounts,
    read_amounts,
)
from kettrack.importing.source import DOSE, DOSE_UNIT
from kettrack.privacy.identifying_people import shown
from kettrack.vocabulary.columns import SESSIONS
from kettrack.vocabulary.units import factor

DOSE_MG = "dose_mg"
_LAST_BEFORE = "the last weight before"
_NEVER = 10**9
_COLUMN = SESSIONS[DOSE_MG]


def read_doses(
    sources: Mapping[str, SourceColumn],
    columns: Mapping[str, pa.Array],
    plan: TableMap,
    journal: Journal,
) -> pa.Array:
    """Doses in mg.

    Parameters
    ----------
    sources : mapping
        `dose_mg`, or `dose` with or without `dose_unit`, to their cells.
    columns : mapping
        What has been read of the same rows: `weight_kg`, and for a row without a weight also
        `patient_id` and `date` or `day`.
    plan : TableMap
        Holds words and units under `dose_mg` or `dose`.
    journal : Journal
        Takes what is refused, and asks whether an earlier weight may be taken.
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
    kg = _weights(columns, len(values))
    lacking = by_weight & np.isnan(kg)
    if lacking.any():
        kg = _with_earlier(kg, lacking, columns, source, journal)
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


def _weights(columns: Mapping[str, pa.Array], n_rows: int) -> Floats:
    if "weight_kg" not in columns:
        return np.full(n_rows, np.nan)
    filled = pc.fill_null(columns["weight_kg"], np.nan)
    return np.array(filled.to_numpy(zero_copy_only=False))


def _with_earlier(
    kg: Floats,
    lacking: Bools,
    columns: Mapping[str, pa.Array],
    source: SourceColumn,
    journal: Journal,
) -> Floats:
    """Weights with the last one before where a row has none and the owner of the data says so."""
    earlier = _last_before(kg, columns)
    usable = lacking & np.isfinite(earlier)
    if not usable.any():
        return kg
    answer = journal.ask(
        f"weight.{shown(source.place.table, file=True)}",
        f"Some doses are per kg in rows without a weight: {source.place.named},"
        f" {source.rows_in_words(usable)}. Shall the last weight of the patient before be taken?",
        (_LAST_BEFORE, LEAVE_EMPTY),
        "Without a weight the dose stays empty.",
    )
    if answer != _LAST_BEFORE:
        return kg
    reason = "the dose is per kg; the weight is the last one of the patient before"
    journal.cells(source, usable, "mended", reason)
    return np.where(usable, earlier, kg)


def _last_before(kg: Floats, columns: Mapping[str, pa.Array]) -> Floats:
    """For each row the last weight of its patient up to its day."""
    rows = np.arange(len(kg))
    patients = columns["patient_id"].dictionary_encode().indices.to_numpy()
    time = columns.get("date", columns.get("day"))
    if time is None:
        return np.full(len(kg), np.nan)
    # Rows without a day come last, so that no weight of theirs is taken for an earlier one.
    days = pc.fill_null(time.cast(pa.int32()), _NEVER).to_numpy(zero_copy_only=False)
    order = np.lexsort((rows, days, patients))
    weights = kg[order]
    # The place of the last row with a weight; it counts where it is of the same patient.
    last = np.maximum.accumulate(np.where(np.isfinite(weights), rows, -1))
    known = last >= 0
    same = known & (patients[order][last] == patients[order])
    found = np.full(len(kg), np.nan)
    found[order] = np.where(same, weights[last], np.nan)
    return found


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
