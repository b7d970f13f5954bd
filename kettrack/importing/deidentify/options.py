"""How tables are de-identified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


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
    keep : tuple of str
        Columns to let through although they look as if they could identify.
    """

    key: bytes | None = None
    extract_date: date | None = None
    keep: tuple[str, ...] = ()
