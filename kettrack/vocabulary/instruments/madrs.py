"""MADRS: depression, rated by a clinician.

Sources
-------
- Bands: Snaith, in the review text of McDowell
- ESCAPE-TRD, registry record NCT04338321;  KetECT, PMC9154276;  SUSTAIN-1;  SUSTAIN-3;
  NCT03321526
- Carmody 2006, Eur Neuropsychopharmacol 16:601 and 16:611 (treatment-resistant depression)
- Hawley 2002
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import (
    MODERATE_EDGE,
    Fact,
    Instrument,
    severity_bands,
)

MADRS: Final = Instrument(
    name="MADRS",
    title="Montgomery-Åsberg Depression Rating Scale (10 items)",
    construct="depression",
    minimum=0,
    maximum=60,
    item_maxima=(6,) * 10,
    recall_days=Fact(7, "unconfirmed; a 24-hour version exists", "recalled"),
    bands=severity_bands("normal 0-6; mild 7-19; moderate 20-34; severe 35-60"),
    bands_source="Snaith, in McDowell",
    caseness=Fact(20, MODERATE_EDGE, "convention"),
    remission=(
        # Trials disagree; the first is the default, the others can be chosen.
        Fact(10, "ESCAPE-TRD; KetECT (PMC9154276)"),
        Fact(12, "SUSTAIN-1; SUSTAIN-3; NCT03321526"),
        Fact(9, "Hawley 2002: below 10"),
    ),
    reliable_change=Fact(
        9.2,
        "1.96 √2 SD √(1-r): SD 11.0 (Carmody 2006, one year), r .91 (24-hour version)",
        "computed",
    ),
    suicidality_item=Fact(10, "SUSTAIN-1 item order"),
    licence="Royal College of Psychiatrists / Montgomery",
)
