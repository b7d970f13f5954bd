"""BDI-II: depression, self-report.

Sources
-------
- CamCOPS: task documentation of the Cambridge Cognitive and Psychiatric Assessment Kit
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import (
    MODERATE_EDGE,
    Fact,
    Instrument,
    severity_bands,
)

BDI2: Final = Instrument(
    name="BDI-II",
    title="Beck Depression Inventory, second edition (21 items)",
    construct="depression",
    minimum=0,
    maximum=63,
    item_maxima=(3,) * 21,  # items 16 and 18 have seven options, still scored 0-3
    recall_days=Fact(14, "CamCOPS"),
    bands=severity_bands("minimal 0-13; mild 14-19; moderate 20-28; severe 29-63"),
    bands_source="published BDI-II bands (not the 10/19/30 edges of the first BDI)",
    caseness=Fact(20, MODERATE_EDGE, "convention"),
    remission=(
        Fact(
            13,
            "upper edge of the minimal band; no published cut-off could be verified",
            "convention",
        ),
        Fact(9, "unconfirmed", "recalled"),
    ),
    reliable_change=Fact(9.4, "SD 12.75 (unconfirmed), r .93", "recalled"),
    suicidality_item=Fact(9, "CamCOPS"),
    loinc="89209-1",
    loinc_panel="89210-9",
    licence="Pearson, commercial",
)
