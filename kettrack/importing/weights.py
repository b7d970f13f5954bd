"""Which weight a dose per kilogram is multiplied by: the last one on or before the session."""

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

from kettrack.arrays import (
    Bools,
    Floats,
)
from kettrack.importing.source import (
    DATE,
)

WEIGHT: Final = "weight_kg"
_ID: Final = "patient_id"
_DAY: Final = "day"
# A weight without a date is older than any limit.
UNDATED: Final = np.inf


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
