"""How tables are de-identified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

ArrowTables = Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deidentification:
    """What the person who de-identifies chose.

    Parameters
    ----------
    key : bytes, optional
        Codes are made with this secret key (HMAC-SHA256), the same for the same patient every time;
        without it they are random.
    extract_date : date, optional
        The day to which the logs are complete. It becomes `observed_to_day`, in whole weeks on each
        patient's clock, and is forgotten.
    start_year : bool
        Whether the calendar year of each patient's first session is kept.
    keep : tuple of str
        Columns to let through although they look as if they could identify.
    """

    key: bytes | None = None
    extract_date: date | None = None
    start_year: bool = False
    keep: tuple[str, ...] = ()
