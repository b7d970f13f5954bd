"""People (DM, or ADSL where a study has no DM) and adverse events (AE) to patients and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack.importing.cdisc.dataset import (
    SUBJECT,
    Dataset,
    filled_only,
    text_cells,
)
from kettrack.importing.cdisc.study_days import Clock, Times, days_since
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceTable
from kettrack.vocabulary.cdisc_words import (
    CDISC_HISPANIC,
    CDISC_RACES,
    CDISC_SEXES,
)
from kettrack.vocabulary.units import factor

_NO_PERSON: Final = "no USUBJID stands in it"
_YES: Final = "Y"
_LOG_END: Final = "LOGENDY"
# Terms of MedDRA that are events of their own; all others are adverse events.
_EVENTS: Final = {
    "SUICIDE ATTEMPT": "suicide_attempt",
    "COMPLETED SUICIDE": "suicide",
}
# The organ class of MedDRA; a stay in hospital for it may be for worsening or not.
_PSYCHIATRIC: Final = "PSYCHIATRIC DISORDERS"


def patients_of(
    dataset: Dataset,
    clock: Clock,
    remarks: Remarks,
) -> SourceTable:
    """One row for each person: age, sex, ethnic group, site, and the end of the participation, to
    which the records of a trial are complete.

    Parameters
    ----------
    dataset : Dataset
        DM or ADSL.
    clock : {"day", "date"}
        Which of both times counts.
    remarks : Remarks
        Takes every record that is left out.
    """
    subjects = dataset.texts(SUBJECT)
    nobody = np.asarray(subjects.isna())
    dataset.say(nobody, "dropped", _NO_PERSON, remarks)
    columns = {
        "patient_id": text_cells(subjects),
        "age": _ages(dataset),
        "sex": text_cells(_listed(dataset.words("SEX"), CDISC_SEXES)),
        "ethnicity": text_cells(_ethnicities(dataset)),
        "site": text_cells(dataset.texts("SITEID")),
    }
    end = _ends(dataset).cells(clock)[1]
    if end.null_count < len(end):
        columns["observed_to_day"] = end
    kept = pa.array(~nobody)
    return SourceTable(
        file=dataset.file,
        name=dataset.name,
        data=filled_only(columns, ("patient_id",)).filter(kept),
        rows=pa.array(dataset.rows).filter(kept),
        is_a="patients",
    )


def _ages(dataset: Dataset) -> pa.Array:
    """Whole years; a unit that is not known leaves the age empty."""
    # The standard asks for a unit; without one nobody means months.
    units = dataset.words("AGEU").fillna("YEARS")
    of_unit = {
        unit: factor(unit, "years") or np.nan for unit in units.unique().tolist()
    }
    years = dataset.numbers("AGE") * units.map(of_unit).to_numpy(dtype=np.float64)
    whole = np.floor(years)
    known = np.isfinite(whole)
    return pa.array(np.where(known, whole, 0).astype(np.int64), mask=~known)


def _listed(
    words: pd.Series[str],
    known: Mapping[str, str],
) -> pd.Series[str]:
    """Words of the contract; one that is not known stays, for the map to read."""
    return words.map(known).astype("str").fillna(words)


def _ethnicities(dataset: Dataset) -> pd.Series[str]:
    races = _listed(dataset.words("RACE"), CDISC_RACES)
    # One column here for two there: whoever is both is counted by the rarer word.
    hispanic = np.asarray(dataset.words("ETHNIC") == CDISC_HISPANIC)
    return races.mask(hispanic, "hispanic")


def _ends(dataset: Dataset) -> Times:
    """The end of each person's participation."""
    dated = _from_reference(dataset, dataset.dates("RFPENDTC", "EOSDT"))
    # Data sets that kettrack has written hold study days and no dates.
    days = dataset.numbers(_LOG_END)
    return replace(dated, study_days=np.where(np.isnan(days), dated.study_days, days))


def _from_reference(dataset: Dataset, dates: pd.Series[str]) -> Times:
    """Dates of people as study days, too: day 1 is the day of the first dose."""
    first = dataset.dates("RFSTDTC", "TRTSDT")
    since = days_since(dates, first)
    # Study days have no 0.
    study_days = np.where(since >= 0, since + 1, since)
    return Times(dataset=dataset, study_days=study_days, dates=dates)


def deaths_of(
    dataset: Dataset,
    clock: Clock,
    remarks: Remarks,
) -> SourceTable | None:
    """One row for each death; None where there is none.

    Parameters
    ----------
    dataset : Dataset
        DM or ADSL.
    clock : {"day", "date"}
        Which of both times counts.
    remarks : Remarks
        Takes the number of deaths whose day is not known.
    """
    subjects = dataset.texts(SUBJECT)
    times = _from_reference(dataset, dataset.dates("DTHDTC", "DTHDT"))
    died = np.asarray(dataset.words("DTHFL") == _YES) & np.asarray(subjects.notna())
    dated = died & times.known(clock)
    undated = int((died & ~dated).sum())
    if undated:
        reason = "deaths without a whole date, which could not be taken over: number of people"
        dataset.note(reason, undated, remarks)
    if not dated.any():
        return None
    when, cells = times.cells(clock)
    place = pa.array(np.flatnonzero(dated))
    columns = {
        "patient_id": text_cells(subjects).take(place),
        when: cells.take(place),
        "event": pa.array(["death"] * len(place)),
    }
    return SourceTable(
        file=dataset.file,
        # The same records are patients, too.
        name=f"{dataset.name} deaths",
        data=pa.table(columns),
        rows=pa.array(dataset.rows).take(place),
        is_a="events",
    )


def event_times(dataset: Dataset) -> Times:
    """When adverse events began."""
    return Times(
        dataset=dataset,
        study_days=dataset.numbers("AESTDY"),
        dates=dataset.dates("AESTDTC"),
    )


def events_of(
    times: Times,
    clock: Clock,
    remarks: Remarks,
) -> SourceTable:
    """One row for each adverse event; its term, which may be free text, is not taken.

    Parameters
    ----------
    times : Times
        AE, and when its records were.
    clock : {"day", "date"}
        Which of both times counts.
    remarks : Remarks
        Takes every record that is left out.
    """
    dataset = times.dataset
    subjects = dataset.texts(SUBJECT)
    nobody = np.asarray(subjects.isna())
    dataset.say(nobody, "dropped", _NO_PERSON, remarks)
    kept = times.refuse(clock, ~nobody, remarks)
    in_hospital = np.asarray(dataset.words("AESHOSP") == _YES)
    # An attempt that led to a stay in hospital is one event, by the graver word.
    named = dataset.words("AEDECOD").map(_EVENTS).astype("str")
    events = named.fillna("hospitalisation").where(
        named.notna() | in_hospital, "adverse_event"
    )
    organs = dataset.words("AEBODSYS", "AESOC")
    psychiatric = np.asarray(organs == _PSYCHIATRIC)
    kinds = pd.Series(
        np.where(psychiatric, "other_psychiatric", "medical"), dtype="str"
    )
    admitted = np.asarray(events == "hospitalisation") & np.asarray(organs.notna())
    when, cells = times.cells(clock)
    columns = {
        "patient_id": text_cells(subjects),
        when: cells,
        "event": text_cells(events),
        "detail": text_cells(kinds.where(admitted)),
    }
    filled = pa.array(kept)
    return SourceTable(
        file=dataset.file,
        name=dataset.name,
        data=filled_only(columns, ("patient_id", when)).filter(filled),
        rows=pa.array(dataset.rows).filter(filled),
        is_a="events",
    )
