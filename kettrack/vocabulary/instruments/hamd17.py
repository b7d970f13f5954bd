"""HAMD-17: depression, rated by a clinician.

Sources
-------
- Zimmerman 2013, J Affect Disord 150:384 (bands)
- Szegedi 2003 and 2009 (remission);  PMC6884875, table 1 (order of items)
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import (
    MODERATE_EDGE,
    Fact,
    Instrument,
    severity_bands,
)

HAMD17: Final = Instrument(
    name="HAMD-17",
    title="Hamilton Depression Rating Scale (17 items)",
    construct="depression",
    minimum=0,
    maximum=52,
    # Items go up to 4 or up to 2, which is why the order matters.
    item_maxima=(4, 4, 4, 2, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 4, 2, 2),
    recall_days=Fact(7, "unconfirmed", "recalled"),
    bands=severity_bands("none 0-7; mild 8-16; moderate 17-23; severe 24-52"),
    bands_source="Zimmerman 2013 (the IDSQ table puts the edges at 14, 20 and 26 instead)",
    caseness=Fact(17, MODERATE_EDGE, "convention"),
    remission=(Fact(7, "Szegedi 2003, 2009"),),
    suicidality_item=Fact(3, "PMC6884875, table 1"),
    item_text_may_ship=True,
    licence="public domain (NINDS CDE)",
)
