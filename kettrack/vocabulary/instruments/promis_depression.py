"""PROMIS Depression, short form 8a: read as a T value.

Sources
-------
- Kroenke 2020, PMC7103541 (bands)
- Choi 2014, PROsetta, PMC5515387
- PROMIS adult scoring manual (score conversion table of short form 8a)
"""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.instrument import (
    MODERATE_EDGE,
    Fact,
    Instrument,
    severity_bands,
)

# T value of raw sums 8, 9, ... 40: score conversion table of the PROMIS adult scoring manual.
# fmt: off
_T_VALUES: Final = (
    38.2, 44.7, 47.5, 49.4, 50.9, 52.1, 53.2, 54.1, 55.1, 55.9, 56.8, 57.7, 58.5,
    59.4, 60.3, 61.2, 62.1, 63.0, 63.9, 64.9, 65.8, 66.8, 67.7, 68.7, 69.7, 70.7,
    71.7, 72.8, 73.9, 75.0, 76.4, 78.2, 81.3,
)
# fmt: on

PROMIS_DEPRESSION: Final = Instrument(
    name="PROMIS Depression",
    title="PROMIS Depression, short form 8a, as T value (mean 50, SD 10)",
    construct="depression",
    minimum=38.2,
    maximum=81.3,
    item_maxima=(5,) * 8,
    item_minimum=1,
    total="t_value",
    t_values=_T_VALUES,
    whole_numbers=False,
    recall_days=Fact(7, "form"),
    bands=severity_bands(
        "none 38.2-54.9; mild 55-59.9; moderate 60-64.9; moderately severe 65-69.9; severe"
        " 70-81.3"
    ),
    bands_source="Kroenke 2020",
    caseness=Fact(60, MODERATE_EDGE, "convention"),
    remission=(
        Fact(49.9, "unconfirmed: below 50", "recalled"),
        Fact(54.9, "unconfirmed: below 55", "recalled"),
    ),
    reliable_change=Fact(
        5.5, "1.96 √2 SE, SE 2.0 in mid-range (score table)", "computed"
    ),
    percent_change=False,  # a T value has no zero, so a percentage of it says nothing
    loinc="77861-3",
    licence="PROMIS Health Organization; terms apply",
)
