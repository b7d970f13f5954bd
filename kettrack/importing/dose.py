"""Doses in mg: from text such as `0.5 mg/kg`, from a column of units, and from the weight of the
patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
from kettrack.importing.weights import (
    KnownWeights,
    last_weights,
    too_old,
)
from kettrack.privacy.identifying_people import shown
from kettrack.vocabulary.columns import SESSIONS
from kettrack.vocabulary.days import WEIGHT_KEPT_DAYS
from kettrack.vocabulary.units import factor

DOSE_MG = "dose_mg"
_TAKE_IT: Final = "take it"
LAST_WEIGHT: Final = (
    "the dose is per kg; the weight is the last one of the patient on or before the day, at most"
    f" {WEIGHT_KEPT_DAYS} days old"
)
OLD_WEIGHT: Final = (
    "the dose is per kg; the weight is the last one of the patient, older than"
    f" {WEIGHT_KEPT_DAYS} days or without a date"
)
NO_WEIGHT: Final = (
    "the dose is per kg, and no weight of the patient on or before the day is known"
)
_COLUMN = SESSIONS[DOSE_MG]


def read_doses(
    sources: Mapping[str, SourceColumn],
    columns: Mapping[str, pa.Array],
    plan: TableMap,
    weights: KnownWeights,
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
    weights : KnownWeights
        Of other tables.
    journal : Journal
        Takes what is refused, and asks whether an old weight may be taken.
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
        kg = _with_last(kg, lacking, columns, weights, source, journal)
    no_weight = by_weight & np.isnan(kg)
    journal.cells(source, no_weight, "refused", NO_WEIGHT)
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


def _with_last(
    kg: Floats,
    lacking: Bools,
    columns: Mapping[str, pa.Array],
    weights: KnownWeights,
    source: SourceColumn,
    journal: Journal,
) -> Floats:
    """Weights with the last one on or before the day where a row has none; one that is old, or has
    no date, only where the owner of the data says so.
    """
    found = last_weights(columns, len(kg), weights)
    # Nobody can tell from here whether an old weight still holds.
    old = lacking & too_old(found, WEIGHT_KEPT_DAYS)
    fresh = lacking & np.isfinite(found.kg) & ~old
    journal.counted(source, int(fresh.sum()), "mended", LAST_WEIGHT)
    taken = fresh
    if old.any() and _asked(old, source, journal) == _TAKE_IT:
        journal.cells(source, old, "mended", OLD_WEIGHT)
        taken = taken | old
    return np.where(taken, found.kg, kg)


def _asked(
    old: Bools,
    source: SourceColumn,
    journal: Journal,
) -> str:
    return journal.ask(
        f"weight.{shown(source.place.table, file=True)}",
        "Some doses are per kg, and the last weight of the patient is more than"
        f" {WEIGHT_KEPT_DAYS} days old or has no date: {source.place.named},"
        f" {source.rows_in_words(old)}. Shall it be taken?",
        (_TAKE_IT, LEAVE_EMPTY),
        "Without a weight the dose stays empty.",
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
