"""IDS-SR30: depression, self-report; the long form of the QIDS-SR16.

Sources
-------
- IDSQ: ids-qids.org, interpretation and link tables
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import (
    MODERATE_EDGE,
    Domain,
    Fact,
    Instrument,
    severity_bands,
)

# Item numbers as on the form, from 1. Of 11 and 12 (appetite), and of 13 and 14 (weight), one is
# answered, so 28 of the 30 items count.
_DOMAINS: Final[tuple[Domain, ...]] = (
    *(((item,),) for item in range(1, 11)),
    ((11, 12),),
    ((13, 14),),
    *(((item,),) for item in range(15, 31)),
)

IDS_SR30: Final = Instrument(
    name="IDS-SR30",
    title="Inventory of Depressive Symptomatology, self-report (30 items, 28 counted)",
    construct="depression",
    minimum=0,
    maximum=84,
    item_maxima=(3,) * 30,
    total="domains",
    domains=_DOMAINS,
    recall_days=Fact(7, "IDS/QIDS manual"),
    bands=severity_bands(
        "none 0-13; mild 14-25; moderate 26-38; severe 39-48; very severe 49-84"
    ),
    bands_source="IDSQ",
    caseness=Fact(26, MODERATE_EDGE, "convention"),
    remission=(
        Fact(13, "IDSQ link table: QIDS 5", "computed"),
        Fact(14, "unconfirmed", "recalled"),
    ),
    suicidality_item=Fact(18, "unconfirmed", "recalled"),
    licence="Rush / UT Southwestern, licensed",
)
