"""Questionnaires and ratings (QS, RS, ADQS): one record for each answer becomes one row for each
patient, scale and moment. Codes of tests are known ones, or those that the owner of the data names;
others are asked about where they look like a total.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack.arrays import Bools, Floats, Ints
from kettrack.importing.cdisc.dataset import (
    SUBJECT,
    Dataset,
    filled_only,
    no_texts,
    text_cells,
)
from kettrack.importing.cdisc.study_days import Clock, Times
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.importing.source import SourceTable
from kettrack.vocabulary.cdisc_words import CDISC_ANSWERS, CDISC_SCORES, score_code_of
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.outside_codes import ScoreCode
from kettrack.vocabulary.status_words import (
    OBSERVED,
    StatusColumn,
    status_column,
)

# A parameter table of ADaM: these two, and no prefix of a domain.
_PARAMETER: Final = "PARAMCD"
_VALUE: Final = "AVAL"
_CENSOR: Final = "CNSR"
# Planned time points are free words; these two stand in nearly all that matter here.
_TIMINGS: Final = {r"PRE|BEFORE": "before", r"POST|AFTER": "after"}
_NO_PERSON: Final = "no USUBJID stands in it"
_NO_NUMBER: Final = "no number stands in it"
NOT_USED: Final = "not used"
_KEY: Final = "test_code"
# Eight letters and digits: a code, and nobody's name or number.
_CODE: Final = r"[A-Z_][A-Z0-9_]{0,7}"
_LIKE_A_TOTAL: Final = re.compile("total|score|sum", re.IGNORECASE)
_HIDDEN: Final = "(hidden)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """What the variables of a data set are called."""

    code: str
    test: str
    numbers: tuple[str, ...]
    words: tuple[str, ...]
    visit: tuple[str, ...]
    point: str
    day: str
    date: tuple[str, ...]
    status: tuple[str, ...]


def _names(dataset: Dataset) -> _Names:
    if dataset.has(_PARAMETER):
        return _Names(
            code=_PARAMETER,
            test="PARAM",
            numbers=(_VALUE, "AVALC"),
            words=("AVALC",),
            visit=("AVISITN", "AVISIT", "VISITNUM"),
            point="ATPT",
            day="ADY",
            date=("ADT", "ADTM", "ADTC"),
            # Other flags of analysis choose records for further tables.
            status=("DTYPE", "ANL01FL"),
        )
    two = dataset.domain
    return _Names(
        code=f"{two}TESTCD",
        test=f"{two}TEST",
        # The standard result goes before what was written on the form.
        numbers=(f"{two}STRESN", f"{two}STRESC", f"{two}ORRES"),
        words=(f"{two}STRESC", f"{two}ORRES"),
        visit=("VISITNUM", "VISIT"),
        point=f"{two}TPT",
        day=f"{two}DY",
        date=(f"{two}DTC",),
        status=(f"{two}STAT",),
    )


def holds_scores(dataset: Dataset) -> bool:
    """Whether a data set is one of questionnaires or ratings.

    Parameters
    ----------
    dataset : Dataset
        Any.
    """
    if dataset.domain in ("QS", "RS"):
        return dataset.has(f"{dataset.domain}TESTCD")
    # Times to an event have parameters and values too, and are no ratings.
    if _CENSOR in dataset.columns:
        return False
    return (
        is_analysis(dataset) and dataset.has(_PARAMETER) and _VALUE in dataset.columns
    )


def is_analysis(dataset: Dataset) -> bool:
    """Whether a data set is one of ADaM, which is made from those of SDTM."""
    return dataset.name.startswith("AD")


def score_times(dataset: Dataset) -> Times:
    """When the records of a data set of scores were."""
    names = _names(dataset)
    known = dataset.words(names.code).isin(list(CDISC_SCORES)).to_numpy()
    return Times(
        dataset=dataset,
        study_days=dataset.numbers(names.day),
        dates=dataset.dates(*names.date),
        # The other questionnaires of a trial do not decide.
        wanted=known if known.any() else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scores of one data set.

    Parameters
    ----------
    table : SourceTable
        One row for each patient, scale and moment.
    joined : int array
        Numbers of records whose number stands in the row of another one.
    records : int array
        Numbers of all records but those of other tests, which are counted only.
    """

    table: SourceTable
    joined: Ints
    records: Ints


def form_rows(
    times: Times,
    clock: Clock,
    answers: Answers,
    remarks: Remarks,
) -> Scores:
    """Put the answers of a form into one row.

    Parameters
    ----------
    times : Times
        The data set, and when its records were.
    clock : {"day", "date"}
        Which of both times counts.
    answers : mapping
        To the questions of an earlier run.
    remarks : Remarks
        Takes every record that is left out.
    """
    dataset = times.dataset
    names = _names(dataset)
    observed = _observed(dataset, names, remarks)
    tests = (names.code, names.test)
    known, kept = codes_known(dataset, observed, tests, answers, remarks)
    codes = dataset.words(names.code)
    others = observed & ~kept & np.asarray(codes.notna())
    values = _values(dataset, names, codes, known)
    for missing, reason in (
        (np.isnan(values), _NO_NUMBER),
        (np.asarray(dataset.texts(SUBJECT).isna()), _NO_PERSON),
    ):
        dataset.say(kept & missing, "dropped", reason, remarks)
        kept &= ~missing
    # Times come last: a record without a number needs none.
    kept = times.refuse(clock, kept, remarks)
    meant = codes[kept].map(known)
    long = pd.DataFrame(
        {
            "patient_id": dataset.texts(SUBJECT)[kept],
            "instrument": [one.instrument for one in meant],
            "column": [one.column for one in meant],
            "visit": dataset.texts(*names.visit)[kept],
            "timing": _timing(dataset.words(names.point))[kept],
            "value": values[kept],
            "row": dataset.rows[kept],
        }
    )
    when, cells = times.cells(clock)
    long[when] = cells.filter(pa.array(kept)).to_pandas().to_numpy()
    table, joined = _pivoted(dataset, long, when)
    return Scores(table=table, joined=joined, records=dataset.rows[~others])


def _observed(
    dataset: Dataset,
    names: _Names,
    remarks: Remarks,
) -> Bools:
    """Records without those that were not done, imputed, or not chosen for analysis."""
    kept = np.ones(len(dataset), dtype=bool)
    for variable in names.status:
        kind = status_column(variable, "scores")
        if kind is None or not dataset.has(variable):
            continue
        out = kept & _not_observed(dataset, variable, kind)
        reason = f"it is no observation: {variable} says so"
        dataset.say(out, "dropped", reason, remarks)
        kept &= ~out
    return kept


def _not_observed(
    dataset: Dataset,
    variable: str,
    kind: StatusColumn,
) -> Bools:
    words = dataset.words(variable)
    out = np.zeros(len(words), dtype=bool)
    yes = False
    for word in words.dropna().unique().tolist():
        meaning = kind.meaning(word)
        # The standard fills these variables only where a record is no observation, so a word of a
        # sponsor's own says the same as a known one.
        if meaning is not None and meaning[0] == OBSERVED:
            yes = True
        else:
            out |= np.asarray(words == word)
    # A flag is filled for chosen records only, so beside a yes an empty cell means no.
    if kind.only_with_yes and yes:
        out |= np.asarray(words.isna())
    return out


def _values(
    dataset: Dataset,
    names: _Names,
    codes: pd.Series[str],
    known: Mapping[str, ScoreCode],
) -> Floats:
    """Numbers; where a record has words only, those of the form itself are known."""
    values = dataset.numbers(*names.numbers)
    words = dataset.texts(*names.words).str.casefold()
    for code, meant in known.items():
        answers = CDISC_ANSWERS.get(meant.instrument, {})
        # Only items are answered in words; a total in words would be a band.
        lacking = np.isnan(values) & np.asarray(codes == code)
        if lacking.any() and answers and meant.column != "score":
            values[lacking] = words[lacking].map(answers).to_numpy(dtype=np.float64)
    return values


def _timing(points: pd.Series[str]) -> pd.Series[str]:
    """Before or after the dose of the day, where the planned time says so."""
    found = no_texts(len(points))
    for pattern, timing in _TIMINGS.items():
        hit = points.str.contains(pattern, regex=True, na=False)
        found = found.mask(hit.to_numpy(dtype=bool), timing)
    return found


def _pivoted(
    dataset: Dataset,
    long: pd.DataFrame,
    when: str,
) -> tuple[SourceTable, Ints]:
    """One row for each patient, scale and moment; what is recorded twice stays two rows."""
    moment = ["patient_id", "instrument", when, "visit", "timing"]
    # The second record of the same answer cannot be put into the row of the first.
    again = long.groupby([*moment, "column"], dropna=False).cumcount()
    grouped = long.assign(again=again).groupby(
        [*moment, "again"],
        dropna=False,
        sort=False,
    )
    place = grouped.ngroup().to_numpy()
    firsts = np.unique(place, return_index=True)[1]
    head = long.iloc[firsts]
    columns = {
        "patient_id": text_cells(head["patient_id"]),
        when: pa.array(head[when]),
        "instrument": text_cells(head["instrument"].astype("str")),
        "timing": text_cells(head["timing"]),
    }
    for name in sorted(long["column"].unique(), key=_in_order):
        here = np.asarray(long["column"] == name)
        numbers = np.full(len(head), np.nan)
        numbers[place[here]] = long["value"].to_numpy()[here]
        columns[name] = pa.array(numbers, mask=np.isnan(numbers))
    # A row has the number of its first record; the others are joined to it.
    rows = head["row"].to_numpy()
    table = SourceTable(
        file=dataset.file,
        name=dataset.name,
        data=filled_only(columns, ("patient_id", when, "instrument")),
        rows=pa.array(rows),
        is_a="scores",
    )
    return table, np.setdiff1d(long["row"].to_numpy(), rows)


def _in_order(column: str) -> int:
    """The total, then items by their number."""
    return int(column.partition("_")[2] or 0)


def codes_known(
    dataset: Dataset,
    among: Bools,
    variables: tuple[str, str],
    answers: Answers,
    remarks: Remarks,
) -> tuple[dict[str, ScoreCode], Bools]:
    """Code to what its number is, and the records of such codes; others are dropped and counted.

    Parameters
    ----------
    dataset : Dataset
        Whose codes they are.
    among : bool array
        The records that are looked at.
    variables : tuple of str
        The variable of the code, and the one that says in words what it is.
    answers : mapping
        `test_code.CODE` says what a code is.
    remarks : Remarks
        Takes the records of codes that are not known, and the questions.
    """
    codes = dataset.words(variables[0])
    meanings = dataset.texts(variables[1])
    found: dict[str, ScoreCode] = {}
    none = among & np.asarray(codes.isna())
    dataset.say(none, "dropped", "no code says which test it is", remarks)
    kept = among & ~none
    # What the owner says goes before what the list says.
    for code in codes[kept].unique().tolist():
        here = kept & np.asarray(codes == code)
        answer = answers.get(f"{_KEY}.{code}", "")
        known = score_code_of(answer) if answer else CDISC_SCORES.get(code)
        if known is not None:
            found[code] = known
            continue
        shown_code = code if re.fullmatch(_CODE, code) else _HIDDEN
        if answer != NOT_USED:
            _ask(dataset, shown_code, meanings[here], remarks)
        reason = f"its code {shown_code} is not one of a known scale"
        # A trial asks many other things: their number is told, not each of them.
        dataset.count(int(here.sum()), "dropped", reason, remarks)
        kept &= ~here
    return found, kept


def _ask(
    dataset: Dataset,
    code: str,
    meanings: pd.Series[str],
    remarks: Remarks,
) -> None:
    """Items are many; the total is what a cohort needs."""
    total = any(_LIKE_A_TOTAL.search(one) for one in meanings.dropna().unique())
    if not total or code == _HIDDEN:
        return
    n_records = len(meanings)
    remarks.ask(
        OpenQuestion(
            key=f"{_KEY}.{code}",
            asks=f"{n_records} records of {dataset.name} in {dataset.file} have the code {code},"
            " which is not known. The total of which scale is it?",
            choices=(*INSTRUMENTS, NOT_USED),
            why='Records of other codes are left out. An item is named so: "PHQ-9 item 9".',
        )
    )
