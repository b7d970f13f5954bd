"""One data set of CDISC, whatever kind of file it stood in, and access to its variables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats, Ints
from kettrack.importing.remarks import Action, Remark, Remarks
from kettrack.importing.statistics.stored import code_as_text

SUBJECT: Final = "USUBJID"
STUDY: Final = "STUDYID"
# A whole date, alone or with a time behind it.
_WHOLE: Final = r"^(\d{4}-\d{2}-\d{2})(?:$|T)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One data set.

    Parameters
    ----------
    file : str
        Name of its file.
    name : str
        Its own name, in capitals: `QS`, `ADQS`.
    domain : str
        What kind of observations it holds: `QS` also where a study splits it into several.
    columns : mapping
        Variable, in capitals, to its cells.
    rows : int array
        Number of each record in the file.
    labels : mapping
        Variable to its label.
    """

    file: str
    name: str
    domain: str
    columns: Mapping[str, pa.Array]
    rows: Ints
    labels: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.rows)

    def has(
        self,
        variable: str,
    ) -> bool:
        """Whether a variable is there and any of its cells is filled."""
        cells = self.columns.get(variable)
        return cells is not None and cells.null_count < len(cells)

    def texts(self, *variables: str) -> pd.Series[str]:
        """Cells as text without blanks around them; of several variables the first that is filled;
        missing where nothing stands.
        """
        found = no_texts(len(self))
        for variable in variables:
            if self.has(variable):
                found = found.where(found.notna(), _as_text(self.columns[variable]))
        return found

    def words(self, *variables: str) -> pd.Series[str]:
        """As `texts`, in capitals: words of a codelist."""
        return self.texts(*variables).str.upper()

    def numbers(self, *variables: str) -> Floats:
        """Cells as numbers; of several variables the first that holds one."""
        found = pd.Series(np.nan, index=range(len(self)), dtype="float64")
        for variable in variables:
            if self.has(variable):
                cells = _as_text(self.columns[variable])
                found = found.fillna(pd.to_numeric(cells, errors="coerce"))
        values = found.to_numpy(dtype=np.float64)
        return np.where(np.isfinite(values), values, np.nan)

    def dates(self, *variables: str) -> pd.Series[str]:
        """Whole dates as text, `2025-01-06`; missing where a date is partial or absent."""
        texts = self.texts(*variables)
        whole = texts.str.extract(_WHOLE, expand=False)
        # A day that the calendar does not have is no date either.
        real = pd.to_datetime(whole, format="%Y-%m-%d", errors="coerce")
        return whole.where(real.notna().to_numpy())

    def say(
        self,
        rows: Bools,
        action: Action,
        reason: str,
        remarks: Remarks,
    ) -> None:
        """Remark on whole records."""
        remarks.said += [
            Remark(
                file=self.file,
                table=self.name,
                row=row,
                action=action,
                reason=reason,
            )
            for row in self.rows[rows].tolist()
        ]

    def note(
        self,
        reason: str,
        count: int,
        remarks: Remarks,
    ) -> None:
        """Note something of the whole data set."""
        self.count(count, "noted", reason, remarks)

    def count(
        self,
        count: int,
        action: Action,
        reason: str,
        remarks: Remarks,
    ) -> None:
        """Remark on a number of records, without naming them."""
        remarks.add(
            Remark(
                file=self.file,
                table=self.name,
                action=action,
                reason=reason,
                count=count,
            )
        )


def no_texts(n_rows: int) -> pd.Series[str]:
    """A column of text in which nothing stands yet."""
    nothing: list[str | None] = [None] * n_rows
    return pd.Series(nothing, dtype="str")


def _as_text(cells: pa.Array) -> pd.Series[str]:
    kind = cells.type
    if pa.types.is_floating(kind):
        texts = [
            # "Not a number" is how some programs write an empty cell.
            None if value is None or np.isnan(value) else code_as_text(value)
            for value in cells.to_pylist()
        ]
        cells = pa.array(texts, pa.string())
    elif pa.types.is_timestamp(kind):
        # The day of the clinic's clock, where a zone is stated.
        if kind.tz is not None:
            cells = pc.local_timestamp(cells)
        # As ISO 8601, with the T that CDISC writes.
        cells = pc.strftime(
            cells.cast(pa.timestamp("s"), safe=False), "%Y-%m-%dT%H:%M:%S"
        )
    # Blanks fill up texts of fixed length.
    trimmed = pc.utf8_trim_whitespace(cells.cast(pa.string()))
    filled = pc.if_else(
        pc.equal(trimmed, ""),
        pa.scalar(None, pa.string()),
        trimmed,
    )
    return pd.Series(filled.to_numpy(zero_copy_only=False), dtype="str")


def text_cells(texts: pd.Series[str]) -> pa.Array:
    """A column of text as Arrow has it; null where nothing stands."""
    cells = texts.to_numpy(dtype=object)
    return pa.array(cells, pa.string(), mask=np.asarray(texts.isna()))


def filled_only(
    columns: Mapping[str, pa.Array],
    needed: Collection[str],
) -> pa.Table:
    """A table without the columns in which nothing stands, but for those that are needed."""
    kept = {
        name: cells
        for name, cells in columns.items()
        if name in needed or cells.null_count < len(cells)
    }
    return pa.table(kept)
