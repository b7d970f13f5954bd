"""ADQS: one record per patient, scale, moment and parameter, against the patient's baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.exporting.adam.parameters import ScaleParameters, parameters_in
from kettrack.exporting.data_sets import DATA_SETS
from kettrack.exporting.words import (
    BASELINE_TYPES,
    TIME_POINTS,
    YES,
    capitals,
    study_days,
)
from kettrack.timelines.bucket import Bucket, bucket_of
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import Baselines, align_scores, find_baselines
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.states import STATES, is_assessment
from kettrack.vocabulary.instruments import get_instrument

_TOTAL: Final = 0  # the first column: items come behind it
# Forms in a block, of whole patients: each may have a record for every item.
_BLOCK: Final = 30_000


@dataclass(frozen=True, slots=True)
class _Records:
    """Which cell of the scores each record of a block is.

    Parameters
    ----------
    form : int array
        Row of the scores of the cohort.
    place : int array
        Place among the columns: the total, then the items.
    value : float array
        What stands there; NaN for a total that is incomplete.
    """

    form: Ints
    place: Ints
    value: Floats

    @property
    def total(self) -> Bools:
        """Which of them are totals."""
        return self.place == _TOTAL


class QuestionnaireBlocks:
    """The records of ADQS, block by block, as often as they are asked for.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    study : str
        Name of the study.
    """

    def __init__(
        self,
        cohort: DerivedCohort,
        study: str,
    ) -> None:
        self._study = study
        self._scores = cohort.scores.reset_index(drop=True)
        names = [str(name) for name in self._scores]
        items = [name for name in names if name.startswith("item_")]
        self._columns = ["score", *items]
        self._forms = forms_of(cohort, self._scores)
        self._parameters = parameters_in(self._scores, self._columns)
        self._states = _states(cohort, self._scores)
        self._baseline = BASELINE_TYPES[cohort.settings.baseline]

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """Blocks of whole patients; an empty one where nobody was ever scored."""
        edges = _edges(self._scores["patient_id"])
        for begin, end in zip(edges[:-1], edges[1:], strict=True):
            yield self._block(int(begin), int(end))

    def _block(
        self,
        begin: int,
        end: int,
    ) -> pd.DataFrame:
        scores = self._scores.iloc[begin:end]
        records = _records(scores, self._columns, begin)
        form = records.form
        # Rows of the block itself.
        row = form - begin
        patient = scores["patient_id"]
        source = capitals(tuple(self._columns))
        columns = {
            "STUDYID": self._study,
            "USUBJID": patient.to_numpy()[row],
            "ASEQ": _numbered(patient, row),
            "BASETYPE": self._baseline,
            # Nothing is imputed: the standard's column for it is there, and empty.
            "DTYPE": None,
            "STATE": self._state(records),
            "SRCDOM": "SCORES",
            "SRCVAR": _chosen(source, records.place),
            "SRCSEQ": form + 1,
        }
        columns |= _named(self._parameters, records)
        columns |= _when(scores, self._forms, form, row)
        columns |= self._values(records)
        return DATA_SETS["ADQS"].frame(columns)

    def _state(self, records: _Records) -> pd.Categorical:
        """States are rated on totals of the primary scale."""
        state = self._states[records.form]
        of_totals = np.where(records.total, state, -1)
        return _chosen(capitals(STATES), of_totals)

    def _values(self, records: _Records) -> dict[str, Any]:
        """Each value against the baseline."""
        forms = self._forms
        form = records.form
        value = records.value
        base = self._bases(records)
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

    def _bases(self, records: _Records) -> Floats:
        """Baseline of each record: that of the total, or the answer in the baseline form."""
        base = self._forms.base[records.form]
        base_row = self._forms.base_row[records.form]
        # The baseline stands among the rows of the same patient, and so near by.
        has_form = base_row != NO_ROW
        for place, name in enumerate(self._columns):
            if place == _TOTAL:
                continue
            here = records.place == place
            answers = self._scores[name].iloc[base_row[here]]
            found = _numbers(answers)
            base[here] = np.where(has_form[here], found, np.nan)
        return base


def _edges(patients: pd.Series) -> Ints:
    """Where blocks begin and the last one ends, never within a patient."""
    n = len(patients)
    code, _ = pd.factorize(patients)
    changes = np.diff(code, prepend=-1)
    begins = np.flatnonzero(changes)
    wanted = np.arange(0, n, _BLOCK)
    place = np.searchsorted(begins, wanted)
    # The last block may be as long as what is left of the patients.
    inside = place[place < len(begins)]
    first = np.unique(begins[inside])
    return np.append(first if n else [0], n)


def _records(
    scores: pd.DataFrame,
    columns: list[str],
    begin: int,
) -> _Records:
    plain = [_numbers(scores[name]) for name in columns]
    cells = np.column_stack(plain)
    there = ~np.isnan(cells)
    # A form without a total has a record for it all the same: that it is incomplete is told.
    there[:, _TOTAL] = True
    # Row by row, so that a form stands together: the total, then its items.
    row, place = np.nonzero(there)
    return _Records(
        form=row + begin,
        place=place,
        value=cells[row, place],
    )


def _numbers(column: pd.Series) -> Floats:
    return column.to_numpy(np.float64, na_value=np.nan)


def _percent(
    change: Floats,
    of: Floats,
) -> Floats:
    # A percent change from nothing means nothing.
    divisor = np.where(of == 0, np.nan, of)
    return 100 * change / divisor


def _numbered(
    patients: pd.Series,
    row: Ints,
) -> Ints:
    """1, 2, ... over the records of each patient, which stand together."""
    code, _ = pd.factorize(patients)
    codes = code[row]
    changes = np.diff(codes, prepend=-1)
    begins = np.flatnonzero(changes)
    lengths = np.diff(begins, append=len(codes))
    first = np.repeat(begins, lengths)
    place = np.arange(len(codes))
    return place - first + 1


def _named(
    parameters: ScaleParameters,
    records: _Records,
) -> dict[str, Any]:
    scale = parameters.scale[records.form]
    number = parameters.number[scale, records.place]
    return {
        "PARAMCD": _chosen(parameters.codes, number),
        "PARAM": _chosen(parameters.words, number),
        "PARAMN": number + 1,
        "PARCAT1": _chosen(parameters.scales, scale),
    }


def _when(
    scores: pd.DataFrame,
    forms: Forms,
    form: Ints,
    row: Ints,
) -> dict[str, Any]:
    sessions = forms.sessions[form]
    most = int(sessions.max(initial=0))
    after = [f"After session {n}" for n in range(1, most + 1)]
    visits = ["Before session 1", *after]
    timing = scores["timing"].astype("object")
    point, points = pd.factorize(timing.map(TIME_POINTS))
    day = study_days(scores["day"])
    return {
        "AVISIT": _chosen(visits, sessions),
        "AVISITN": sessions,
        "ADY": day.to_numpy()[row],
        "ATPT": _chosen(points.tolist(), point[row]),
    }


def _states(
    cohort: DerivedCohort,
    scores: pd.DataFrame,
) -> Ints:
    """Place in `STATES` of each form; -1 where it is not rated."""
    codes = np.full(len(scores), -1, np.int64)
    primary = scores["instrument"] == cohort.instrument.name
    state = cohort.timeline["state"]
    codes[np.flatnonzero(primary)] = state.cat.codes
    return codes


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


@dataclass(frozen=True, slots=True)
class Forms:
    """What is known of each form, in the order of the scores of the cohort.

    Parameters
    ----------
    sessions : int array
        Sessions before it.
    after : bool array
        Whether it came after the first session.
    base : float array
        Baseline of the total; NaN without one.
    base_row : int array
        The form that is the patient's baseline; `NO_ROW` where none is.
    zero : float array
        Lowest score of its scale.
    """

    sessions: Ints
    after: Bools
    base: Floats
    base_row: Ints
    zero: Floats


def forms_of(
    cohort: DerivedCohort,
    scores: pd.DataFrame,
) -> Forms:
    """Hold every form against sessions and baseline.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    scores : DataFrame
        Its scores, with rows numbered from 0.
    """
    n = len(scores)
    found = Forms(
        sessions=np.zeros(n, np.int64),
        after=np.zeros(n, bool),
        base=np.full(n, np.nan),
        base_row=np.full(n, NO_ROW, np.int64),
        zero=np.zeros(n),
    )
    rule = cohort.settings.baseline
    known = cohort.settings.known_instruments
    for name in scores["instrument"].unique().tolist():
        scale = get_instrument(name, known)
        # The rows of one scale come in the same order in the bucket and here.
        of_scale = scores["instrument"] == name
        rows = np.flatnonzero(of_scale)
        bucket = bucket_of(cohort.cohort, name)
        baselines = find_baselines(bucket, rule, scale.sign)
        patient = bucket.score_patient
        aligned = align_scores(bucket)
        found.sessions[rows] = aligned.sessions_to_date
        found.after[rows] = is_assessment(bucket, baselines)
        found.base[rows] = baselines.score[patient]
        found.zero[rows] = scale.minimum
        # A mean is the score of no form.
        if rule != "mean":
            form = _baseline_form(bucket, baselines)
            there = form != NO_ROW
            by_patient = np.where(there, rows[form], NO_ROW)
            found.base_row[rows] = by_patient[patient]
    return found


def _baseline_form(bucket: Bucket, baselines: Baselines) -> Ints:
    """The form whose total is the baseline, for each patient: its row in the bucket."""
    patient = bucket.score_patient
    before = ~is_assessment(bucket, baselines)
    on_day = bucket.score_day == baselines.day[patient]
    same = bucket.score == baselines.score[patient]
    # Of several forms of one day the last one counts, as for the baseline itself.
    return bucket.last_row(before & on_day & same)
