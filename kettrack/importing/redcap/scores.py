"""A scale on a form as rows of scores."""

from __future__ import annotations

import re
from collections.abc import (
    Iterable,
    Mapping,
)
from dataclasses import (
    dataclass,
    field,
)
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.redcap.cells import FormCells
from kettrack.importing.redcap.dictionary import DataDictionary
from kettrack.importing.redcap.occasions import FormTime
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    OpenQuestion,
    Remark,
    Remarks,
)
from kettrack.importing.source import DATE
from kettrack.vocabulary.instruments import (
    BDI2,
    CADSS,
    GAD7,
    HAMD17,
    IDS_SR30,
    INSTRUMENTS,
    MADRS,
    PCL5,
    PHQ9,
    QIDS_SR16,
)

FROM_0: Final = "from 0, as they stand"
FROM_1: Final = "from 1: take 1 off"
# How names of fields begin. HAMD and BDI alone may be another version, so they need their number.
_BEGINS: Final[Mapping[str, str]] = {
    PHQ9.name: r"phq_?(?:9|nine)",
    GAD7.name: r"gad_?(?:7|seven)",
    MADRS.name: r"madrs",
    QIDS_SR16.name: r"qids(?:_?sr)?(?:_?16)?",
    IDS_SR30.name: r"ids_?(?:sr)?_?30",
    HAMD17.name: r"(?:ham_?d|hdrs|hrsd)_?17",
    BDI2.name: r"bdi_?(?:2|ii)",
    PCL5.name: r"pcl_?5",
    CADSS.name: r"cadss",
}
# `phq_1 ... phq_9` without the 9 in front: only a whole set of questions tells which scale it is.
_LOOSE: Final[Mapping[str, str]] = {PHQ9.name: r"phq", GAD7.name: r"gad"}
_ITEM: Final = r"_?(?:q|item|i)?_?0?(\d{1,2})"
_TOTAL: Final = r"_?(?:total_?score|sum_?score|total|score|sum|tot|summary)"


def contract_cells(
    scale: FoundScale,
    patient: pa.Array,
    occasion: FormTime,
    cells: FormCells,
) -> dict[str, pa.Array]:
    """The columns of the contract: patient, time, scale, total, questions."""
    columns = {"patient_id": patient}
    if occasion.date is not None:
        columns[DATE] = occasion.date
    if occasion.day is not None:
        columns["day"] = occasion.day
    columns["instrument"] = pa.repeat(scale.instrument, len(patient))
    if scale.total:
        columns["score"] = cells.columns[scale.total]
    for number, name in scale.items.items():
        columns[f"item_{number}"] = cells.columns[name]
    return columns


def with_points(
    scale: FoundScale,
    cells: FormCells,
    dictionary: DataDictionary,
    place: tuple[str, str],
    answers: Answers,
    remarks: Remarks,
) -> FoundScale | None:
    """The scale with its answers as points; None where its codes are not those of the scale.

    Parameters
    ----------
    scale : FoundScale
        As found by names.
    cells : FormCells
        Of the form; words of an export with labels become the points of their codes.
    dictionary : DataDictionary
        Says which codes there are.
    place : tuple of str
        File and form as they may be printed.
    answers : mapping
        To questions.
    remarks : Remarks
        Takes what was changed, and the question.
    """
    first = _first_code(scale, dictionary)
    if first is None:
        return None
    # An export with labels writes the words of the answers.
    n_words = 0
    for number, name in scale.items.items():
        known = dictionary.fields.get(name)
        if known and known.choices:
            last = first + INSTRUMENTS[scale.instrument].item_maxima[number - 1]
            points = range(first, last + 1)
            n_words += _take_points(cells, name, known.choices, points)
    _say_words(n_words, place, remarks)
    return _from_zero(scale, cells, place, answers, remarks) if first else scale


def _from_zero(
    scale: FoundScale,
    cells: FormCells,
    place: tuple[str, str],
    answers: Answers,
    remarks: Remarks,
) -> FoundScale:
    """The scale with 1 taken off answers that are coded from 1, where their owner says so."""
    file, form = place
    question = OpenQuestion(
        key=f"coded_from.{form}",
        asks=f"The data dictionary codes the answers of {scale.instrument} on the form"
        f" {form} from 1; the scale counts them from 0. How are they to be read?",
        choices=(FROM_1, FROM_0),
        why="Totals are too high by one point for each question if this is wrong.",
    )
    if remarks.answer(question, answers) != FROM_1:
        return scale
    for name in scale.items.values():
        cells.columns[name] = _one_less(cells.columns[name])
    reason = (
        "answers were coded from 1: 1 was taken off each, and the total is made anew"
    )
    said = Remark(file=file, table=form, action="mended", reason=reason)
    remarks.add(said)
    # REDCap added up the codes as they stood, so its total is as wrong as they.
    cells.columns.pop(scale.total, None)
    return FoundScale(
        instrument=scale.instrument, items=scale.items, uncounted=scale.uncounted
    )


def _first_code(
    scale: FoundScale,
    dictionary: DataDictionary,
) -> int | None:
    """The lowest code of the answers, 0 or 1; None where they are coded in another way."""
    maxima = INSTRUMENTS[scale.instrument].item_maxima
    firsts = set()
    for number, name in scale.items.items():
        known = dictionary.fields.get(name)
        codes = _codes(known.choices) if known else ()
        if not codes:
            continue
        first = codes[0]
        behind = first + maxima[number - 1] + 1
        # More answers than the scale has, or fewer: it is another form of it. A code apart from
        # the others, such as 9 for "does not wish to say", is no answer.
        if behind in codes or not set(range(first, behind)) <= set(codes):
            return None
        firsts.add(first)
    if not firsts <= {0} and not firsts <= {1}:
        return None
    return next(iter(firsts), 0)


def _codes(
    choices: Mapping[str, str],
) -> tuple[int, ...]:
    """Codes that can be an answer: those for "missing" are negative or no numbers."""
    return tuple(sorted(int(code) for code in choices if re.fullmatch(r"\d+", code)))


def _take_points(
    cells: FormCells,
    name: str,
    choices: Mapping[str, str],
    points: range,
) -> int:
    """Turn labels into their codes, and choices that are no answer into the reason why none is
    there. The number of labels is returned.
    """
    column = cells.columns[name]
    codes = pa.nulls(len(column), pa.string())
    if _in_words(column, choices, cells.labelled):
        labels = {label: code for code, label in choices.items()}
        # What is no label, such as a code, stays as it is.
        place = pc.index_in(column, pa.array(list(labels)))
        codes = pa.array(list(labels.values())).take(place)
        column = pc.coalesce(codes, column)
    answers = {str(point) for point in points}
    whys = {code: label for code, label in choices.items() if code not in answers}
    if whys:
        place = pc.index_in(column, pa.array(list(whys)))
        why = pa.array(list(whys.values())).take(place)
        known = cells.reasons.get(name, pa.nulls(len(column), pa.string()))
        cells.reasons[name] = pc.coalesce(why, known)
        column = pc.if_else(why.is_valid(), None, column)
    cells.columns[name] = column
    return len(codes) - int(codes.null_count)


def _in_words(
    column: pa.Array,
    choices: Mapping[str, str],
    labelled: bool | None,
) -> bool:
    """Whether answers are written as labels: a label may look like the code of another answer."""
    if labelled is not None:
        return labelled
    coded = pc.is_in(column.drop_null(), pa.array(list(choices)))
    return not pc.all(coded, min_count=0).as_py()


def _say_words(
    n_words: int,
    place: tuple[str, str],
    remarks: Remarks,
) -> None:
    if n_words:
        file, form = place
        said = Remark(
            file=file,
            table=form,
            action="mended",
            reason="answers in words were read as their codes in the data dictionary",
            count=n_words,
        )
        remarks.add(said)


def _one_less(
    column: pa.Array,
) -> pa.Array:
    words = column.to_pylist()
    less = [
        str(int(word) - 1) if word and re.fullmatch(r"\d+", word) else word
        for word in words
    ]
    return pa.array(less, pa.string())


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScale:
    """A scale on a form.

    Parameters
    ----------
    instrument : str
        Its name.
    items : mapping
        Number of a question to its field.
    total : str
        Field of the total; empty where there is none.
    uncounted : str
        Field of the question that is on the form and not in the total; empty where there is none.
    """

    instrument: str
    items: Mapping[int, str] = field(default_factory=dict)
    total: str = ""
    uncounted: str = ""

    @property
    def fields(
        self,
    ) -> frozenset[str]:
        """All fields of the scale."""
        return frozenset(
            filter(None, [*self.items.values(), self.total, self.uncounted])
        )


def scales_in(
    names: Iterable[str],
) -> tuple[FoundScale, ...]:
    """Find the scales among the fields of a form.

    Parameters
    ----------
    names : iterable of str
        Names of fields.

    Examples
    --------
    >>> [one.instrument for one in scales_in(["phq9_date", "phq9_total", "madrs_score"])]
    ['PHQ-9', 'MADRS']
    >>> scales_in(["bdi_total", "hamd_total", "phq_total"])
    ()
    """
    fields = list(names)
    found = [_scale(instrument, fields) for instrument in _BEGINS]
    return tuple(one for one in found if one is not None)


def _scale(
    instrument: str,
    fields: list[str],
) -> FoundScale | None:
    begins = _BEGINS[instrument]
    items = _items(begins, fields) or _items(_LOOSE.get(instrument, "(?!)"), fields)
    totals = [name for name in fields if _fits(begins + _TOTAL, name)]
    # The tenth field of PHQ-9 must not make it a scale of ten questions.
    uncounted = INSTRUMENTS[instrument].uncounted_item
    beside = items.pop(uncounted, "") if uncounted else ""
    whole = set(items) == set(range(1, INSTRUMENTS[instrument].n_items + 1))
    # Two totals, or questions beyond the last one, are those of a form that is not known here.
    if len(totals) > 1 or (items and not whole) or not (items or totals):
        return None
    return FoundScale(
        instrument=instrument,
        items=items,
        total="".join(totals),
        uncounted=beside,
    )


def _items(
    begins: str,
    fields: Iterable[str],
) -> dict[int, str]:
    """Number of a question to its field."""
    found = {}
    for name in fields:
        fit = re.fullmatch(begins + _ITEM, name, re.IGNORECASE)
        if fit:
            found[int(fit[1])] = name
    return dict(sorted(found.items()))


def _fits(
    pattern: str,
    name: str,
) -> bool:
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None
