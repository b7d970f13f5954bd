"""GAD-7: anxiety, self-report.

Sources
-------
- MII: PRO module of the German Medical Informatics Initiative (FHIR questionnaire, LOINC codes)
- IAPT: rules of NHS Talking Therapies as registered in NCT05134103 (a case above 7, reliable
  change 4)
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import Fact, Instrument, severity_bands

GAD7: Final = Instrument(
    name="GAD-7",
    title="Generalised Anxiety Disorder scale (7 items)",
    construct="anxiety",
    minimum=0,
    maximum=21,
    item_maxima=(3,) * 7,
    # on how difficult the problems make life: on the form, never in the total
    uncounted_item=8,
    recall_days=Fact(14, "MII questionnaire"),
    bands=severity_bands("minimal 0-4; mild 5-9; moderate 10-14; severe 15-21"),
    bands_source="published edges 5, 10, 15",
    caseness=Fact(8, "IAPT: above 7"),
    remission=(
        Fact(7, "IAPT: no longer a case"),
        Fact(4, "unconfirmed: below 5", "recalled"),
    ),
    reliable_change=Fact(4, "IAPT"),
    loinc="70274-6",
    item_text_may_ship=True,
    licence="as PHQ-9",
)
