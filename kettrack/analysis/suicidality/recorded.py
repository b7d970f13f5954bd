"""Attempts, deaths and admissions as recorded."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.suicidality.people import no_placebo
from kettrack.arrays import Bools
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import DEATHS

# Details of an admission that is for the illness itself, or to keep somebody safe.
_PSYCHIATRIC: Final = (
    "worsening",
    "prevention",
    "other_psychiatric",
)
WORDS: Final = {
    "attempt": "suicide attempt",
    "suicide": "death by suicide",
    "death": "death of another or unknown cause",
    "psychiatric": "psychiatric admission",
    "admission": "any admission to hospital",
}
# What stands beside response on the first page.
IN_SHORT: Final = (
    "attempt",
    "psychiatric",
    "suicide",
    "death",
)


def followed(
    cohort: DerivedCohort,
) -> Bools:
    """Whose log says to which day it is complete, per patient."""
    known = cohort.patients["observed_to_day"].notna().to_numpy(bool)
    return no_placebo(cohort) & known


def recorded_harms(
    cohort: DerivedCohort,
    people: Bools,
) -> dict[str, pd.DataFrame]:
    """The rows of each kind of event of some people: `who` (place of the patient) and `day`."""
    everyone = pd.Index(cohort.patients["patient_id"])
    rows = cohort.events.assign(
        who=everyone.get_indexer(pd.Index(cohort.events["patient_id"]))
    )
    rows = rows[people[rows["who"]]]
    event = rows["event"]
    # Somebody dies once. A log may hold the death and its cause as two rows.
    deaths = rows[event.isin(DEATHS)].groupby("who", as_index=False)["day"].min()
    by_suicide = deaths["who"].isin(rows.loc[event == "suicide", "who"])
    # Admissions for the body's illnesses stand in the count of all.
    admitted = event == "hospitalisation"
    psychiatric = rows["detail"].isin(_PSYCHIATRIC)
    kinds = {
        "attempt": event == "suicide_attempt",
        "psychiatric": admitted & psychiatric,
        "admission": admitted,
    }
    found = {key: rows.loc[kind, ["who", "day"]] for key, kind in kinds.items()}
    found |= {"suicide": deaths[by_suicide], "death": deaths[~by_suicide]}
    return {key: found[key] for key in WORDS}
