"""The functions that make the records of the data sets after CDISC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import pandas as pd

from kettrack.exporting.adam.adverse_events import adverse_event_rows
from kettrack.exporting.adam.doses import dose_rows
from kettrack.exporting.adam.scores import QuestionnaireBlocks
from kettrack.exporting.adam.subjects import subject_rows
from kettrack.exporting.adam.times_to_event import time_rows
from kettrack.exporting.blocks import Blocks
from kettrack.timelines.derived import DerivedCohort

Maker = Callable[[DerivedCohort, str], Blocks]


def _in_one_block(
    make: Callable[[DerivedCohort, str], pd.DataFrame],
) -> Maker:
    """A data set that is small also where the clinic is large."""

    def made(cohort: DerivedCohort, study: str) -> Blocks:
        return [make(cohort, study)]

    return made


# In the order in which they are written.
CDISC_MAKERS: Final[Mapping[str, Maker]] = {
    "ADSL": _in_one_block(subject_rows),
    # Each answer to each question of each form is a record of its own.
    "ADQS": QuestionnaireBlocks,
    "ADTTE": _in_one_block(time_rows),
    "ADAE": _in_one_block(adverse_event_rows),
    # Sessions stand in the collected form: the analysis asks no more of them.
    "EX": _in_one_block(dose_rows),
}
