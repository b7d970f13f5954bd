"""ADQS: one record per patient, scale, moment and parameter, against the patient's baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.exporting.adam.forms import Forms, forms_of
from kettrack.exporting.adam.parameters import parameters_of, stems_of
from kettrack.exporting.data_sets import DATA_SETS
from kettrack.exporting.study_days import study_days
from kettrack.exporting.words import (
    BASELINE_TYPES,
    TIME_POINTS,
    YES,
    capitals,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.states import STATES

_TOTAL = 0  # the first column: items come behind it


@dataclass(frozen=True, slots=True)
class _Records:
    """Which cell of the scores each record is.

    Parameters
    ----------
    columns : list of str
        `score`, then the items.
    form : int array
        Row of the scores.
    place : int array
        Place in `columns`.
    cells : float array, shape (scores, columns)
        What stands in the scores; NaN where nothing does.
    """

    columns: list[str]
    form: Ints
    place: Ints
    cells: Floats

    @property
    def total(self) -> Bools:
        """Which of them are totals."""
        return self.place == _TOTAL

    def in_form(self, form: Ints) -> Floats:
        """The cell of the same column in other forms."""
        return self.cells[form, self.place]


def questionnaire_rows(
    cohort: DerivedCohort,
    study: str,
) -> pd.DataFrame:
    """The records of ADQS.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    study : str
        Name of the study.
    """
    scores = cohort.scores.reset_index(drop=True)
    records = _records(scores)
    forms = forms_of(cohort, scores)
    form = records.form
    patient = scores["patient_id"]
    baseline = BASELINE_TYPES[cohort.settings.baseline]
    source = capitals(tuple(records.columns))
    columns = {
        "STUDYID": study,
        "USUBJID": patient.to_numpy()[form],
        "ASEQ": _numbered(patient, form),
        "BASETYPE": baseline,
        # Nothing is imputed: the standard's column for it is there, and empty.
        "DTYPE": None,
        "STATE": _states(cohort, scores, records),
        "SRCDOM": "SCORES",
        "SRCVAR": _chosen(source, records.place),
        "SRCSEQ": form + 1,
    }
    columns |= _parameters(scores, records)
    columns |= _when(scores, forms, form)
    columns |= _values(forms, records)
    return DATA_SETS["ADQS"].frame(columns)


def _records(scores: pd.DataFrame) -> _Records:
    names = [str(name) for name in scores]
    items = [name for name in names if name.startswith("item_")]
    columns = ["score", *items]
    cells = _cells(scores, columns)
    there = ~np.isnan(cells)
    # A form without a total has a record for it all the same: that it is incomplete is told.
    there[:, _TOTAL] = True
    # Row by row, so that a form stands together: the total, then its items.
    form, place = np.nonzero(there)
    return _Records(
        columns=columns,
        form=form,
        place=place,
        cells=cells,
    )


def _cells(
    scores: pd.DataFrame,
    columns: list[str],
) -> Floats:
    """Totals and items as one table of numbers."""
    plain = [
        scores[name].to_numpy(
            np.float64,
            na_value=np.nan,
        )
        for name in columns
    ]
    return np.column_stack(plain)


def _values(
    forms: Forms,
    records: _Records,
) -> dict[str, Any]:
    """Each value against the baseline."""
    form = records.form
    value = records.in_form(form)
    base = _bases(forms, records)
    # A change has a meaning from the first session on.
    change = np.where(
        forms.after[form],
        value - base,
        np.nan,
    )
    above = _percent(change, base - forms.zero[form])
    known = ~np.isnan(value)
    is_baseline = forms.base_row[form] == form
    return {
        "AVAL": value,
        "BASE": base,
        "CHG": change,
        "PCHG": _percent(change, base),
        # Where an answer begins says the item, and not the scale.
        "PCHGMIN": np.where(records.total, above, np.nan),
        "ABLFL": _flag(is_baseline & known),
        "ANL01FL": _flag(known),
    }


def _bases(
    forms: Forms,
    records: _Records,
) -> Floats:
    """Baseline of each record: that of the total, or the answer in the baseline form."""
    base_row = forms.base_row[records.form]
    answers = records.in_form(base_row)
    # The place of no form is that of the last one, whose answers are not meant.
    answers[base_row == NO_ROW] = np.nan
    return np.where(
        records.total,
        forms.base[records.form],
        answers,
    )


def _percent(
    change: Floats,
    of: Floats,
) -> Floats:
    # A percent change from nothing means nothing.
    divisor = np.where(of == 0, np.nan, of)
    return 100 * change / divisor


def _numbered(
    patients: pd.Series,
    form: Ints,
) -> Ints:
    """1, 2, ... over the records of each patient, which stand together."""
    code, _ = pd.factorize(patients)
    codes = code[form]
    changes = np.diff(codes, prepend=-1)
    begins = np.flatnonzero(changes)
    lengths = np.diff(begins, append=len(codes))
    first = np.repeat(begins, lengths)
    place = np.arange(len(codes))
    return place - first + 1


def _parameters(
    scores: pd.DataFrame,
    records: _Records,
) -> dict[str, Any]:
    scale, scales = pd.factorize(scores["instrument"])
    codes: list[str] = []
    words: list[str] = []
    for name, stem in stems_of(scales.tolist()).items():
        parameters = parameters_of(
            name,
            stem,
            records.columns,
        )
        codes += list(parameters)
        words += list(parameters.values())
    # One number for each pair of scale and column; those that nobody answered are left out.
    of_scale = scale[records.form]
    pair = of_scale * len(records.columns) + records.place
    number, used = pd.factorize(pair, sort=True)
    used_codes = [codes[one] for one in used]
    used_words = [words[one] for one in used]
    return {
        "PARAMCD": _chosen(used_codes, number),
        "PARAM": _chosen(used_words, number),
        "PARAMN": number + 1,
        "PARCAT1": _chosen(scales.tolist(), of_scale),
    }


def _when(
    scores: pd.DataFrame,
    forms: Forms,
    form: Ints,
) -> dict[str, Any]:
    sessions = forms.sessions
    most = int(sessions.max(initial=0))
    after = [f"After session {n}" for n in range(1, most + 1)]
    visits = ["Before session 1", *after]
    timing = scores["timing"].astype("object")
    point, points = pd.factorize(timing.map(TIME_POINTS))
    day = study_days(scores["day"])
    return {
        "AVISIT": _chosen(visits, sessions[form]),
        "AVISITN": sessions[form],
        "ADY": day.to_numpy()[form],
        "ATPT": _chosen(points.tolist(), point[form]),
    }


def _states(
    cohort: DerivedCohort,
    scores: pd.DataFrame,
    records: _Records,
) -> pd.Categorical:
    """States are rated on totals of the primary scale."""
    codes = np.full(len(scores), -1, np.int64)
    primary = scores["instrument"] == cohort.instrument.name
    state = cohort.timeline["state"]
    codes[np.flatnonzero(primary)] = state.cat.codes
    of_totals = np.where(
        records.total,
        codes[records.form],
        -1,
    )
    return _chosen(capitals(STATES), of_totals)


def _flag(flagged: Bools) -> pd.Categorical:
    codes = np.where(flagged, 0, -1)
    return _chosen([YES], codes)


def _chosen(
    words: list[str] | tuple[str, ...],
    codes: Ints,
) -> pd.Categorical:
    """Few words for millions of records: each is held once; -1 is missing."""
    held = pd.Index(words, dtype="str")
    return pd.Categorical.from_codes(codes, held)
