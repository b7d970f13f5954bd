"""Doses in mg: from text such as `0.5 mg/kg`, from a column of units, and from the weight of the
patient: the last one on or before the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import (
    dataclass,
    field,
)
from typing import Final

import numpy as np
import pandas as pd
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
from kettrack.importing.source import (
    DATE,
    DOSE,
    DOSE_UNIT,
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
WEIGHT: Final = "weight_kg"
_ID: Final = "patient_id"
_DAY: Final = "day"
# A weight without a date is older than any limit.
UNDATED: Final = np.inf


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


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWeights:
    """Weights that stand in other tables than the doses.

    Parameters
    ----------
    rows : DataFrame
        `who` `date` `day` `kg`; a row has a date, a day, or neither.
    """

    rows: pd.DataFrame = field(default_factory=lambda: _frame({}, 0))

    def timed(self, kind: str) -> pd.DataFrame:
        """Those with a date, or with a day: `who` `when` `kg`."""
        return _timed(self.rows, kind).dropna()

    @property
    def undated(self) -> pd.Series[float]:
        """Patient to weight, where one without a date stands there and no other one."""
        times = self.rows[[DATE, _DAY]]
        without = times.isna().all(axis="columns")
        bare = self.rows[without]
        of_each = bare.groupby("who")["kg"]
        first = of_each.first()
        # Of two different ones nobody can tell which is the later.
        return first[of_each.nunique() == 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWeights:
    """For each row the last weight of its patient on or before its day.

    Parameters
    ----------
    kg, age : float array
        In kilograms, and how many days old it is; NaN where there is none.
    """

    kg: Floats
    age: Floats


def weights_of(
    details: pa.Table | None,
) -> KnownWeights:
    """The weights in a table of details.

    Parameters
    ----------
    details : pyarrow.Table or None
        With `patient_id`, and `date` or `day` where they are known.
    """
    if details is None or WEIGHT not in details.column_names:
        return KnownWeights()
    # A row of blood pressures alone tells no weight.
    filled = details.filter(pc.is_valid(details[WEIGHT]))
    columns = {name: filled[name].combine_chunks() for name in filled.column_names}
    return KnownWeights(rows=_frame(columns, len(filled)))


def last_weights(
    columns: Mapping[str, pa.Array],
    n_rows: int,
    known: KnownWeights,
) -> LastWeights:
    """The last weight on or before each row, of the same rows and of other tables.

    Parameters
    ----------
    columns : mapping
        `patient_id`, `date` or `day`, and `weight_kg`, as far as they are there.
    n_rows : int
        How many rows.
    known : KnownWeights
        In other tables.
    """
    own = _frame(columns, n_rows)
    # A source counts in dates or in days; one cannot be turned into the other here.
    kind = DATE if own[DATE].notna().any() else _DAY
    rows = _timed(own, kind)
    weighed = pd.concat(
        [rows, known.timed(kind)],
        ignore_index=True,
    )
    weighed["on"] = weighed["when"]
    wanted = _in_time(rows.drop(columns="kg"))
    found = pd.merge_asof(
        wanted,
        _in_time(weighed),
        on="when",
        by="who",
    )
    found["age"] = found["when"] - found["on"]
    # A merge numbers its rows anew.
    found.index = wanted.index
    placed = found[["kg", "age"]].reindex(own.index)
    # A dated weight goes before one without a date, however old it is.
    bare = own["who"].map(known.undated)
    only_bare = placed["kg"].isna() & bare.notna()
    return LastWeights(
        kg=_plain(placed["kg"].where(~only_bare, bare)),
        age=_plain(placed["age"].where(~only_bare, UNDATED)),
    )


def _in_time(
    rows: pd.DataFrame,
) -> pd.DataFrame:
    """Whole rows in the order of their days; of one day in the order in which they stand."""
    return rows.dropna().sort_values("when", kind="stable")


def _timed(
    frame: pd.DataFrame,
    kind: str,
) -> pd.DataFrame:
    named = frame.rename(columns={kind: "when"})
    return named[["who", "when", "kg"]]


def _plain(values: pd.Series[float]) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _frame(
    columns: Mapping[str, pa.Array],
    n_rows: int,
) -> pd.DataFrame:
    """`who` `date` `day` `kg` of some rows; times in days."""
    who = columns[_ID].to_pylist() if _ID in columns else []
    frame = pd.DataFrame(index=range(n_rows))
    # Texts and a column without a text must join, so neither is inferred.
    frame["who"] = pd.Series(who, dtype="object")
    for name in (DATE, _DAY, WEIGHT):
        frame[name] = _numbers(columns.get(name), n_rows)
    return frame.rename(columns={WEIGHT: "kg"})


def _numbers(
    values: pa.Array | None,
    n_rows: int,
) -> Floats:
    if values is None:
        return np.full(n_rows, np.nan)
    if pa.types.is_date(values.type):
        values = values.cast(pa.int32())
    numbers = pc.fill_null(values.cast(pa.float64()), np.nan)
    return np.array(numbers.to_numpy(zero_copy_only=False))


def too_old(found: LastWeights, most_days: int) -> Bools:
    """Which weights are older than a number of days, or have no date."""
    young = found.age <= most_days
    return np.isfinite(found.kg) & ~young


NO_WEIGHTS: Final = KnownWeights()
