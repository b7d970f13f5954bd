"""The functions that make the records of the data sets after CDISC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from kettrack.exporting.adam.adverse_events import adverse_event_rows
from kettrack.exporting.adam.doses import dose_rows
from kettrack.exporting.adam.scores import questionnaire_rows
from kettrack.exporting.adam.subjects import subject_rows
from kettrack.exporting.adam.times_to_event import time_rows
from kettrack.timelines.derived import DerivedCohort

Maker = Callable[[DerivedCohort, str], pd.DataFrame]
# In the order in which they are written.
CDISC_MAKERS: Final[Mapping[str, Maker]] = {
    "ADSL": subject_rows,
    "ADQS": questionnaire_rows,
    "ADTTE": time_rows,
    "ADAE": adverse_event_rows,
    # Sessions stand in the collected form: the analysis asks no more of them.
    "EX": dose_rows,
}
