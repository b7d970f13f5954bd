"""C-SSRS: severity of suicidal ideation.

Sources
-------
- C-SSRS scoring guide;  Posner 2008
- C-SSRS screener: questions 3 to 5 are asked only after a yes to question 2; question 6 is on
  behaviour
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import Instrument, severity_bands

CSSRS: Final = Instrument(
    name="C-SSRS",
    title="Columbia Suicide Severity Rating Scale, ideation severity (highest yes of five)",
    construct="suicidality",
    minimum=0,
    maximum=5,
    item_maxima=(1,) * 5,
    total="highest",
    # behaviour is no degree of ideation: a yes to it stands by itself
    item_apart=6,
    skips=((2, (3, 4, 5)),),
    bands=severity_bands("none 0-0; ideation 1-3; intent or plan 4-5"),
    bands_source="C-SSRS scoring guide: 4 and 5 are intent",
    percent_change=False,  # ordinal: never averaged, never a percentage
    loinc_panel="93373-9",
    licence="Research Foundation for Mental Hygiene / Posner 2008",
)
