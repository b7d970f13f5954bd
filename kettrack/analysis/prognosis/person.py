"""What became of people like one patient, for the review of that patient."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.one_patient import require_internal, require_patient
from kettrack.analysis.prognosis.answer import better, enough, prognosis
from kettrack.analysis.prognosis.forecast import learnt, require_sklearn
from kettrack.analysis.prognosis.landmarks import (
    LANDMARKS,
    Landmark,
    describe,
    landmark,
)
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive

_OF: Final = 100
_COLLECT: Final = "more people, and what may tell them apart, in patients.csv."


def people_like(cohort: Cohort | DerivedCohort, patient_id: str) -> str:
    """Of 100 people like this one, how many responded.

    Parameters
    ----------
    cohort : Cohort
        Under the policy `internal`.
    patient_id : str
        The study code.

    Returns
    -------
    str
        One sentence, from the last landmark that the patient has reached, with how many responded
        of all people there.

    Raises
    ------
    UsageError
        Under a release policy, and for an unknown code.
    NotIdentified
        Where forecasts at that landmark are no better than one number for everybody, or there are
        too few people to tell.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> people_like(load_cohort(sample_folder()), "S012")[:29]
    'Of 100 people like this one a'
    """
    require_sklearn()
    cohort = derive(cohort)
    require_internal(cohort, "forecast")
    require_patient(cohort, patient_id)
    had = int((cohort.sessions["patient_id"] == patient_id).sum())
    session = max(place for place in LANDMARKS if place <= had)
    people = landmark(cohort, session)
    _require_worth(cohort, people)
    model = learnt(people.known, people.responded)
    own = describe(cohort, session, pd.Index([patient_id]))
    # The patient may lack a column that the others have, or have a kind that nobody has.
    own = own.reindex(columns=people.known.columns)
    chance = float(model.predict_proba(own)[0, 1])
    when = f"after session {session}" if session else "before session 1"
    return (
        f"Of {_OF} people like this one {when}, about {np.rint(_OF * chance):.0f} responded by"
        f" session {TOLD_SESSION}; of {_OF} people of all kinds,"
        f" {np.rint(_OF * people.responded.mean()):.0f} did. It is a forecast, and does not say"
        " what more sessions would change."
    )


def _require_worth(cohort: DerivedCohort, people: Landmark) -> None:
    """Refuse where one number for everybody does as well."""
    if not enough(people.responded):
        raise NotIdentified("too few people responded, or did not.", _COLLECT)
    judged = prognosis(cohort).table
    rows = judged[judged["session"] == people.session]
    if rows.empty or not better(rows.iloc[-1]):
        raise NotIdentified(
            f"after session {people.session}, forecasts were no better than one number for"
            " everybody.",
            _COLLECT,
        )
