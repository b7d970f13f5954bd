"""PHQ-9: depression, self-report, and the primary instrument unless a clinic says otherwise.

Sources
-------
- MII: PRO module of the German Medical Informatics Initiative (FHIR questionnaire, LOINC codes)
- IAPT: rules of NHS Talking Therapies as registered in NCT05134103 (a case above 9, reliable
  change 6)
- Arrieta 2017, J Clin Psychol 73:1076: up to two missing answers are replaced by the mean of the
  others; read in the documentation of the R package qscorer (scoring_phq9)
- McInnes 2022, J Affect Disord 301:486;  SUSTAIN-3, PMC10439056;  McMillan 2010
- MN Community Measurement: Depression Remission at Twelve Months (NQF 0710, CMS159, page of the
  eCQI Resource Center), which HEDIS has adapted, as NCQA says
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import Fact, Instrument, severity_bands

# An index score lies above this in MN Community Measurement's measures. NCQA publishes no number
# for the elevated score of its own; programs that count it take the same.
ELEVATED_ABOVE: Final = 9

PHQ9: Final = Instrument(
    name="PHQ-9",
    title="Patient Health Questionnaire, depression (9 items)",
    construct="depression",
    minimum=0,
    maximum=27,
    item_maxima=(3,) * 9,
    # the nine symptoms of depression in DSM-5, each in a word
    item_names=(
        "interest",
        "mood",
        "sleep",
        "energy",
        "appetite",
        "self-worth",
        "concentration",
        "movement",
        "thoughts of death",
    ),
    most_missing=Fact(2, "Arrieta 2017, in the documentation of the R package qscorer"),
    # on how difficult the problems make life: on the form, never in the total
    uncounted_item=10,
    recall_days=Fact(14, "MII questionnaire"),
    bands=severity_bands(
        "minimal 0-4; mild 5-9; moderate 10-14; moderately severe 15-19; severe 20-27"
    ),
    bands_source="MII questionnaire documentation",
    caseness=Fact(10, "IAPT: above 9"),
    remission=(
        Fact(4, "McInnes 2022; SUSTAIN-3 (PMC10439056): below 5"),
        Fact(9, "McMillan 2010, with a 50 % drop"),
    ),
    reliable_change=Fact(6, "IAPT"),
    suicidality_item=Fact(9, "MII questionnaire"),
    loinc="44261-6",
    loinc_panel="44249-1",
    item_text_may_ship=True,
    licence="no permission needed to reproduce, translate, display or distribute",
)
