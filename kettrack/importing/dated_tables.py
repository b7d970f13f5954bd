"""What stands between the map and de-identification: tables of the contract that still have
dates and record numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedTables:
    """The tables that a map makes of a source; None where it makes none.

    Each has the columns of the contract that the source fills: text, int64, float64 or bool. It has
    `date` (date32), `day` (int64) or both, and in each row at least one of them; `birth_date`
    (date32) in patients; `observed_to_day`, `last_contact_day` and `stop_day` of patients are
    date32 where the source has dates there. The last columns are `source_file`, `source_table` and
    `source_row`.

    Parameters
    ----------
    sessions, scores, patients, events : pyarrow.Table or None
        Record numbers are as the source writes them.
    """

    sessions: pa.Table | None = None
    scores: pa.Table | None = None
    patients: pa.Table | None = None
    events: pa.Table | None = None

    def named(self) -> dict[str, pa.Table]:
        """The tables that there are, by name, as `deidentify` takes them."""
        tables = {
            "sessions": self.sessions,
            "scores": self.scores,
            "patients": self.patients,
            "events": self.events,
        }
        return {name: table for name, table in tables.items() if table is not None}
