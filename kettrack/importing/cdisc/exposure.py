"""Doses given (EX, or EC where a study has no EX) to sessions, with the body weights (VS) that
doses by body weight need.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack.arrays import Bools, Floats
from kettrack.importing.cdisc.dataset import (
    SUBJECT,
    Dataset,
    filled_only,
    text_cells,
)
from kettrack.importing.cdisc.study_days import Clock, Times
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import DOSE, DOSE_UNIT, SourceTable
from kettrack.vocabulary.cdisc_words import CDISC_ROUTES
from kettrack.vocabulary.outside_codes import drug_in_words
from kettrack.vocabulary.units import factor

# Words of SDTM Controlled Terminology.
_PLACEBO: Final = "PLACEBO"
_ONCE: Final = "ONCE"
_NO: Final = "N"
_OTHER_DRUG: Final = "its treatment is neither ketamine, esketamine nor placebo"
_SEVERAL_DAYS: Final = (
    "it covers more than one day, so that the sessions in it cannot be told apart: write one record"
    " for each dose"
)
_NOT_GIVEN: Final = "it did not take place"
_NO_PERSON: Final = "no USUBJID stands in it"
_NUMBER: Final = r"(\d+(?:\.\d+)?)"
# P1DT2H30M: days, hours, minutes, seconds (ISO 8601).
_DURATION: Final = (
    f"^P(?:{_NUMBER}D)?(?:T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?$"
)
_MINUTES: Final = np.array([24 * 60, 60, 1, 1 / 60])
_WEIGHT: Final = "WEIGHT"
_KG: Final = "kg"


def dose_times(dataset: Dataset) -> Times:
    """When the doses of a data set began."""
    two = dataset.domain
    return Times(
        dataset=dataset,
        study_days=dataset.numbers(f"{two}STDY"),
        dates=dataset.dates(f"{two}STDTC"),
    )


def sessions_of(
    times: Times,
    vitals: Sequence[Dataset],
    clock: Clock,
    remarks: Remarks,
) -> SourceTable:
    """One row for each dose.

    Parameters
    ----------
    times : Times
        The data set, and when its records were.
    vitals : sequence of Dataset
        Data sets that hold body weights.
    clock : {"day", "date"}
        Which of both times counts.
    remarks : Remarks
        Takes every record that is left out.
    """
    dataset = times.dataset
    two = dataset.domain
    subjects = dataset.texts(SUBJECT)
    drugs = _drugs(dataset)
    kept = np.ones(len(dataset), dtype=bool)
    for out, reason in (
        (np.asarray(dataset.words(f"{two}OCCUR") == _NO), _NOT_GIVEN),
        (np.asarray(subjects.isna()), _NO_PERSON),
        (np.asarray(drugs.isna()), _OTHER_DRUG),
    ):
        dataset.say(kept & out, "dropped", reason, remarks)
        kept &= ~out
    # One record for four weeks of dosing hides how many sessions there were.
    several = kept & _several_days(dataset)
    dataset.say(several, "refused", _SEVERAL_DAYS, remarks)
    kept = times.refuse(clock, kept & ~several, remarks)
    when, cells = times.cells(clock)
    minutes = _minutes(dataset)
    columns = {
        "patient_id": text_cells(subjects),
        when: cells,
        "drug": text_cells(drugs),
        "route": text_cells(_routes(dataset)),
        DOSE: _numbers(dataset.numbers(f"{two}DOSE")),
        DOSE_UNIT: text_cells(dataset.texts(f"{two}DOSU")),
        "duration_min": _numbers(minutes),
    }
    if vitals:
        weights = weights_at(times, vitals, clock, remarks)
        columns["weight_kg"] = _numbers(weights)
    filled = pa.array(kept)
    return SourceTable(
        file=dataset.file,
        name=dataset.name,
        data=filled_only(columns, ("patient_id", when)).filter(filled),
        rows=pa.array(dataset.rows).filter(filled),
        is_a="sessions",
    )


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _drugs(dataset: Dataset) -> pd.Series[str]:
    """Drug of each record, missing where it is another one."""
    names = dataset.texts(f"{dataset.domain}TRT")
    # Each name once: a trial has few, and many records.
    drug_of = {
        name: "placebo" if _PLACEBO in name.upper() else drug_in_words(name)
        for name in names.dropna().unique().tolist()
    }
    return names.map(drug_of).astype("str")


def _routes(dataset: Dataset) -> pd.Series[str]:
    """Routes as the contract has them; a word that is not known stays, for the map to read."""
    words = dataset.words(f"{dataset.domain}ROUTE")
    return words.map(CDISC_ROUTES).astype("str").fillna(words)


def _several_days(dataset: Dataset) -> Bools:
    """Records that stand for a stretch of days and not for one dose."""
    two = dataset.domain
    last = dataset.numbers(f"{two}ENDY") - dataset.numbers(f"{two}STDY")
    first_date = dataset.dates(f"{two}STDTC")
    last_date = dataset.dates(f"{two}ENDTC")
    dates = np.asarray(
        first_date.notna() & last_date.notna() & (first_date != last_date)
    )
    once = np.asarray(dataset.words(f"{two}DOSFRQ") == _ONCE)
    # An infusion may end after midnight, and is still one.
    short = _between(dataset) < _MINUTES[0]
    return (dates | (last > 0)) & ~once & ~short


def _minutes(dataset: Dataset) -> Floats:
    """Length of the administration: as it is stated, or from its begin to its end."""
    two = dataset.domain
    parts = dataset.words(f"{two}DUR").str.extract(_DURATION)
    numbers = parts.apply(pd.to_numeric).to_numpy(dtype=np.float64)
    stated = np.where(
        np.isnan(numbers).all(axis=1),
        np.nan,
        np.nan_to_num(numbers) @ _MINUTES,
    )
    minutes = np.where(
        np.isnan(stated),
        _between(dataset),
        stated,
    )
    # A length of 0 says that the end was not recorded.
    return np.where(
        minutes > 0,
        minutes,
        np.nan,
    ).round()


def _between(dataset: Dataset) -> Floats:
    """Minutes from begin to end, NaN where either has no time of day."""
    two = dataset.domain
    begin = _moments(dataset.texts(f"{two}STDTC"))
    end = _moments(dataset.texts(f"{two}ENDTC"))
    return (end - begin).dt.total_seconds().to_numpy() / 60


def _moments(texts: pd.Series[str]) -> pd.Series[pd.Timestamp]:
    """Dates with a time of day; an offset is left out, since both ends of a dose have the same."""
    timed = texts.str.extract(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)", expand=False)
    return pd.to_datetime(timed, format="ISO8601", errors="coerce")


def holds_weights(dataset: Dataset) -> bool:
    """Whether a data set holds body weights.

    Parameters
    ----------
    dataset : Dataset
        Any.
    """
    codes = dataset.words("VSTESTCD")
    return dataset.domain == "VS" and bool((codes == _WEIGHT).any())


def weights_at(
    doses: Times,
    vitals: Sequence[Dataset],
    clock: Clock,
    remarks: Remarks,
) -> Floats:
    """For each dose the last weight of the person until then, else the first one after; in kg, NaN
    where there is none.

    Parameters
    ----------
    doses : Times
        When the doses were.
    vitals : sequence of Dataset
        Of the domain VS.
    clock : {"day", "date"}
        Which of both times counts.
    remarks : Remarks
        Takes how many weights were read.
    """
    known = [_weights(one, clock, remarks) for one in vitals]
    if not known:
        return np.full(len(doses.dataset), np.nan)
    weighed = pd.concat(known).sort_values("when", kind="stable")
    wanted = pd.DataFrame(
        {
            "who": doses.dataset.texts(SUBJECT).astype("object"),
            "when": doses.ordinals(clock),
        }
    )
    timed = wanted.dropna().sort_values("when", kind="stable")
    found = pd.Series(np.nan, index=wanted.index)
    # Before the first weighing the first one after is the best there is.
    for direction in ("backward", "forward"):
        merged = pd.merge_asof(
            timed,
            weighed,
            on="when",
            by="who",
            direction=direction,
        )
        nearest = pd.Series(merged["kg"].to_numpy(), index=timed.index)
        found = found.fillna(nearest)
    return np.asarray(found, dtype=np.float64)


def _weights(
    dataset: Dataset,
    clock: Clock,
    remarks: Remarks,
) -> pd.DataFrame:
    """Who weighed how much, and when."""
    times = Times(
        dataset=dataset,
        study_days=dataset.numbers("VSDY"),
        dates=dataset.dates("VSDTC"),
    )
    units = dataset.texts("VSSTRESU", "VSORRESU").fillna(_KG)
    of_unit = {unit: factor(unit, _KG) or np.nan for unit in units.unique().tolist()}
    kilograms = dataset.numbers("VSSTRESN", "VSORRES")
    weighed = pd.DataFrame(
        {
            "who": dataset.texts(SUBJECT).astype("object"),
            "when": times.ordinals(clock),
            "kg": kilograms * units.map(of_unit).to_numpy(dtype=np.float64),
        }
    )
    kept = weighed[dataset.words("VSTESTCD") == _WEIGHT].dropna()
    dataset.note(
        "body weights were taken from it, and nothing else", len(kept), remarks
    )
    return kept
