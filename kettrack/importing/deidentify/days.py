"""From dates to days on each patient's own clock, on which the first session is day 0."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats
from kettrack.importing.deidentify.options import ArrowTables
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import DATE, ORIGIN
from kettrack.vocabulary.columns import EARLIEST_DAY, LATEST_DAY

_DAY: Final = "day"
NO_CLOCK: Final = (
    "the patient has no session with a date, so that the date cannot become a day"
)
AFTER_EXTRACT: Final = "the date lies after the date of the extract"
NO_DAY: Final = "neither a date nor a day stands in it"
FAR_FROM_FIRST: Final = (
    "the date lies more than ten years before or after the patient's first session; one of"
    " the two is wrong"
)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The first session of each patient.

    Parameters
    ----------
    codes : pyarrow.Array
        Codes of all patients, once each.
    first : float array
        Days since 1970 of the first session; NaN where no session has a date.
    """

    codes: pa.Array
    first: Floats

    def of_rows(self, table: pa.Table) -> Floats:
        """The first session of the patient of each row."""
        places = pc.index_in(table["patient_id"], self.codes).combine_chunks()
        return self.first[places.to_numpy()]


def clocks_of(
    tables: ArrowTables,
) -> Clocks:
    """Find the first session of each patient; the tables have codes by now."""
    ids = [pc.unique(table["patient_id"]) for table in tables.values()]
    codes = pa.concat_arrays(ids).unique()
    first = np.full(len(codes), np.inf)
    sessions = tables.get("sessions")
    if sessions is not None and DATE in sessions.column_names:
        dates = unix_days(sessions[DATE])
        places = pc.index_in(sessions["patient_id"], codes).combine_chunks()
        # A session without a date may have a day of its own; it starts no clock.
        known = np.isfinite(dates)
        np.minimum.at(first, places.to_numpy()[known], dates[known])
    return Clocks(codes, np.where(np.isinf(first), np.nan, first))


def unix_days(
    column: pa.Array | pa.ChunkedArray,
) -> Floats:
    """Dates as days since 1970, or days as they are; NaN where nothing stands."""
    # A table that was put together of several has its columns in pieces.
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    numbers: Floats = pc.fill_null(
        column.cast(pa.float64()),
        np.nan,
    ).to_numpy()
    return numbers


def before_extract(
    table: pa.Table,
    extract: date | None,
    remarks: Remarks,
) -> pa.Table:
    """Refuse rows that are dated after the extract was made."""
    if extract is None or DATE not in table.column_names:
        return table
    late = pc.fill_null(pc.greater(table[DATE], pa.scalar(extract)), False)
    return without_rows(
        table, late.combine_chunks().to_numpy(False), AFTER_EXTRACT, remarks
    )


def with_days(
    table: pa.Table,
    clocks: Clocks,
    remarks: Remarks,
) -> pa.Table:
    """Put `day` in the place of `date`; where a row has both, the date counts.

    Rows that cannot have a day are refused, each with its reason.
    """
    n_rows = len(table)
    given = unix_days(table[_DAY]) if _DAY in table.column_names else _none(n_rows)
    dates = unix_days(table[DATE]) if DATE in table.column_names else _none(n_rows)
    days = dates - clocks.of_rows(table)
    # What the source counted itself is used only where no date is.
    days = np.where(np.isnan(days), given, days)
    far = (days < EARLIEST_DAY) | (days > LATEST_DAY)
    reasons = {
        NO_DAY: np.isnan(days) & np.isnan(dates),
        NO_CLOCK: np.isnan(days) & ~np.isnan(dates),
        # A day that the source itself counted is judged where the folder is checked.
        FAR_FROM_FIRST: far & ~np.isnan(dates),
    }
    gone = [one for one in (DATE, _DAY) if one in table.column_names]
    whole = np.where(
        np.isnan(days),
        0,
        days,
    ).astype(np.int64)
    table = table.drop_columns(gone).append_column(_DAY, pa.array(whole))
    wrong = np.zeros(n_rows, dtype=np.bool_)
    for reason, hit in reasons.items():
        tell_rows(table, hit, reason, remarks)
        wrong |= hit
    return table.filter(pa.array(~wrong))


def _none(n_rows: int) -> Floats:
    return np.full(n_rows, np.nan)


def without_rows(
    table: pa.Table,
    hit: Bools,
    reason: str,
    remarks: Remarks,
) -> pa.Table:
    """Take rows out, and say so."""
    tell_rows(table, hit, reason, remarks)
    return table.filter(pa.array(~hit))


def tell_rows(
    table: pa.Table,
    hit: Bools,
    reason: str,
    remarks: Remarks,
) -> None:
    """Say that rows are refused as a whole: one remark for each row of the source."""
    if not hit.any():
        return
    rows = table.select(list(ORIGIN)).filter(pa.array(hit)).to_pylist()
    for row in rows:
        file, name, number = (row[one] for one in ORIGIN)
        remarks.add(
            Remark(
                file=file or "",
                table=name or "",
                row=number,
                action="refused",
                reason=reason,
            )
        )
