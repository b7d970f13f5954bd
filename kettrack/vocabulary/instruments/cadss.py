"""CADSS: dissociation during a session.

Sources
-------
- Bremner: the scale and its licence
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import Fact, Instrument

CADSS: Final = Instrument(
    name="CADSS",
    title="Clinician-Administered Dissociative States Scale (23 items)",
    construct="dissociation",
    minimum=0,
    maximum=92,
    item_maxima=(4,) * 23,
    recall_days=Fact(0, "rated during the session"),
    percent_change=False,  # a safety measure, not an outcome
    licence="Bremner",
)
