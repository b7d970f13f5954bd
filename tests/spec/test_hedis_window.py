"""HEDIS "Depression Remission or Response" as its pages publish it: a PHQ-9 above 9, then the most
recent score of days 120 to 240 after it; remission is below 5, response is half or less.

Read on NCQA's page of the measure (days, the three rates), in the provider tips of Horizon BCBSNJ
for 2023 (the most recent score, below 5, at least 50 percent lower), and on the eCQI page of CMS159
(above 9). The elevated score is the baseline here, on day -1.
"""

from __future__ import annotations

import pandas as pd
from spec.tables import cohort, plain, read

from kettrack.analysis.horizons.visits import MONTHS, flags_of, visit_at
from kettrack.timelines.derived import derive
from kettrack.vocabulary.instruments.phq9 import ELEVATED_ABOVE, PHQ9

# `later`: day and score of each later score.
PEOPLE = """
    patient        | before | later          | followed | remission | response
    first_day      |     20 | 119:4          |      yes |       yes |      yes
    day_too_early  |     20 | 118:4          |       no |        no |       no
    last_day       |     20 | 239:4          |      yes |       yes |      yes
    day_too_late   |     20 | 240:4          |       no |        no |       no
    most_recent    |     20 | 130:4 230:19   |      yes |        no |       no
    recent_is_best |     20 | 130:19 230:4   |      yes |       yes |      yes
    missing_recent |     20 | 130:4 230:     |      yes |       yes |      yes
    five           |     20 | 180:5          |      yes |        no |      yes
    half           |     20 | 180:10         |      yes |        no |      yes
    above_half     |     20 | 180:11         |      yes |        no |       no
    odd_half       |     19 | 180:10         |      yes |        no |       no
    well_not_half  |     10 | 180:5          |      yes |        no |      yes
    four_of_ten    |     10 | 180:4          |      yes |       yes |      yes
    nobody_asked   |     20 | 20:4           |       no |        no |       no
    not_elevated   |      9 | 180:1          |          |           |
    no_index       |        | 180:1          |          |           |
"""


def test_who_counts_and_what_the_most_recent_score_is():
    told = read(PEOPLE).set_index("patient")
    rows = ["patient | day | score"]
    for name, row in told.iterrows():
        if row["before"]:
            rows.append(f"{name} | -1 | {row['before']}")
        for later in row["later"].split():
            rows.append(f"{name} | {later.replace(':', ' | ')}")
    clinic = derive(cohort("\n".join(rows)))
    visit = visit_at(clinic, MONTHS)
    counted = clinic.patients["patient_id"].to_numpy()[visit.person]
    scored = visit.scored
    flags = flags_of(clinic, visit.baseline[scored], visit.score[scored])
    found = pd.DataFrame({"followed": scored}, index=counted)
    for name in ("remission", "response"):
        found[name] = False
        found.loc[scored, name] = flags[name]
    said = {who: [plain(cell) for cell in row] for who, *row in found.itertuples()}
    expected = told[list(found)].dropna().eq("yes")
    assert said == {who: row for who, *row in expected.itertuples()}


def test_elevated_is_a_case():
    assert PHQ9.caseness is not None
    assert PHQ9.caseness.value == ELEVATED_ABOVE + 1
