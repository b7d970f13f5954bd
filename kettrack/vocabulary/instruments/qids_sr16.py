"""QIDS-SR16: depression, self-report; sixteen items in nine domains.

Sources
-------
- IDSQ: ids-qids.org, interpretation table
- Rush 2003, Biol Psychiatry 54:573
- Carmody 2006, Eur Neuropsychopharmacol 16:601 (treatment-resistant depression)
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

# Item numbers as on the form, from 1. The highest answer of a domain counts: sleep is 1-4,
# appetite and weight 6-9, restlessness 15-16. Of 6 and 7, and of 8 and 9, one is answered.
_DOMAINS: Final[tuple[Domain, ...]] = (
    ((1,), (2,), (3,), (4,)),
    ((5,),),
    ((6, 7), (8, 9)),
    *(((item,),) for item in range(10, 15)),
    ((15,), (16,)),
)

QIDS_SR16: Final = Instrument(
    name="QIDS-SR16",
    title="Quick Inventory of Depressive Symptomatology, self-report (16 items, 9 domains)",
    construct="depression",
    minimum=0,
    maximum=27,
    item_maxima=(3,) * 16,
    total="domains",
    domains=_DOMAINS,
    recall_days=Fact(7, "IDS/QIDS manual"),
    bands=severity_bands(
        "none 0-5; mild 6-10; moderate 11-15; severe 16-20; very severe 21-27"
    ),
    bands_source="IDSQ",
    caseness=Fact(11, MODERATE_EDGE, "convention"),
    remission=(Fact(5, "IDSQ"),),
    reliable_change=Fact(
        6.0,
        "1.96 √2 SD √(1-r): SD 5.8 (Carmody 2006, one year), alpha .86 (Rush 2003)",
        "computed",
    ),
    suicidality_item=Fact(12, "published item order"),
    licence="Rush / UT Southwestern, licensed",
)
