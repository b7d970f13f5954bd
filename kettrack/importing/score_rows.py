"""Scores held against their scale: what is out of its range is refused, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats
from kettrack.importing.journal import Journal, SourceColumn
from kettrack.privacy.identifying_people import shown
from kettrack.reading.item_coding import coded_wrongly
from kettrack.reading.problems import counted
from kettrack.reading.score_checks import CODES_FOR_MISSING
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.totals import rounded_total

Columns = dict[str, pa.Array]
_Sources = Mapping[str, SourceColumn]
ROUND: Final = "round"
LEAVE_OUT: Final = "leave out"


def telling(columns: Mapping[str, pa.Array]) -> Bools | None:
    """Rows with a total or an answer; None where no column can hold one."""
    filled = [
        pc.is_valid(values).to_numpy(zero_copy_only=False)
        for name, values in columns.items()
        if name == "score" or name.startswith("item_")
    ]
    return np.logical_or.reduce(filled) if filled else None


def checked_scores(
    columns: Columns,
    sources: _Sources,
    journal: Journal,
) -> Columns:
    """Take out totals and answers that their scale does not have.

    Parameters
    ----------
    columns : dict
        Contract column to values; with `instrument`.
    sources : mapping
        Contract column to the cells that it comes from.
    journal : Journal
        Takes what is refused, and asks about broken totals and items coded from 1.
    """
    checked = dict(columns)
    names = columns["instrument"].dictionary_encode()
    codes = pc.fill_null(names.indices, -1).to_numpy(zero_copy_only=False)
    for code, name in enumerate(names.dictionary.to_pylist()):
        # A scale of the clinic's own is defined in the settings of the folder, and checked there.
        if name in INSTRUMENTS:
            part = _Part(INSTRUMENTS[name], codes == code, journal)
            part.check_items(checked, sources)
            part.check_totals(checked, sources)
    return checked


class _Part:
    """The rows of one scale."""

    def __init__(self, scale: Instrument, rows: Bools, journal: Journal) -> None:
        self.scale = scale
        self.rows = rows
        self.journal = journal

    def check_totals(self, columns: Columns, sources: _Sources) -> None:
        """Totals out of range, codes for missing, and broken totals, each told apart."""
        if "score" not in sources:
            return
        scale = self.scale
        source = sources["score"]
        score = _floats(columns["score"])
        outside = self.rows & ((score < scale.minimum) | (score > scale.maximum))
        missing = outside & np.isin(score, CODES_FOR_MISSING)
        reason = "a code that stands for a missing score"
        self.journal.cells(source, missing, "refused", reason)
        reason = f"out of range: a {scale.name} total is a {scale.range_text}"
        self.journal.cells(source, outside & ~missing, "refused", reason)
        # What is out of range is not told a second time as broken.
        score[outside] = np.nan
        if scale.whole_numbers:
            self._mend_broken(source, score)
        columns["score"] = pa.array(score, from_pandas=True)

    def _mend_broken(self, source: SourceColumn, score: Floats) -> None:
        broken = self.rows & np.isfinite(score) & (score != np.round(score))
        if not broken.any():
            return
        name = self.scale.name
        n_broken = int(broken.sum())
        have = f"{counted(n_broken, 'total')} of {name} {'has' if n_broken == 1 else 'have'}"
        answer = self.journal.ask(
            f"broken_totals.{shown(source.place.table, file=True)}.{name}",
            f"{have} decimals, as totals have that are prorated for missing answers. What shall"
            " become of them?",
            (ROUND, LEAVE_OUT),
            "Rounded totals count like any other; those left out are missing scores.",
        )
        if answer == ROUND:
            self.journal.cells(
                source,
                broken,
                "mended",
                "a broken total, rounded",
            )
            score[broken] = rounded_total(score[broken])
        else:
            reason = f"a {name} total is a whole number, and this one is not"
            self.journal.cells(source, broken, "refused", reason)
            score[broken] = np.nan

    def check_items(self, columns: Columns, sources: _Sources) -> None:
        """Answers that an item does not have, and answers to items that the scale does not
        have.
        """
        # The coding comes first: 4 is out of range only where answers count from 0.
        shift = self._shift(columns, sources)
        scale = self.scale
        for name in [one for one in columns if one.startswith("item_")]:
            number = int(name.removeprefix("item_"))
            answers = _floats(columns[name])
            if number > scale.n_items:
                if scale.n_items and number not in (
                    scale.uncounted_item,
                    scale.item_apart,
                ):
                    extra = self.rows & np.isfinite(answers)
                    reason = f"{scale.name} has {scale.n_items} items"
                    self._refuse(columns, sources, name, extra, reason)
                continue
            # Items that do not belong to the total are not coded like the others.
            answers[self.rows] -= shift
            columns[name] = _whole(answers)
            low = scale.item_minimum
            high = scale.item_maxima[number - 1]
            wrong = self.rows & ((answers < low) | (answers > high))
            reason = f"out of range: item {number} of {scale.name} is {low} to {high}"
            self._refuse(columns, sources, name, wrong, reason)

    def _refuse(
        self,
        columns: Columns,
        sources: _Sources,
        name: str,
        wrong: Bools,
        reason: str,
    ) -> None:
        if wrong.any():
            self.journal.cells(sources[name], wrong, "refused", reason)
            answers = _floats(columns[name])
            columns[name] = _whole(np.where(wrong, np.nan, answers))

    def _shift(self, columns: Columns, sources: _Sources) -> int:
        """How much too high every answer is written."""
        scale = self.scale
        names = [f"item_{number}" for number in range(1, scale.n_items + 1)]
        if not scale.n_items or not any(name in columns for name in names):
            return 0
        n_rows = len(self.rows)
        nothing = np.full(n_rows, np.nan)
        items = [
            _floats(columns[name]) if name in columns else nothing for name in names
        ]
        answers = np.column_stack(items)[self.rows]
        score = _floats(columns["score"]) if "score" in columns else nothing
        if not coded_wrongly(scale, answers, score[self.rows]):
            return 0
        first = next(name for name in names if name in sources)
        low = scale.item_minimum
        answer = self.journal.ask(
            f"items_from.{shown(sources[first].place.table, file=True)}.{scale.name}",
            f"Do the answers to the items of {scale.name} count from {low}, as the scale does, or"
            f" from {low + 1}?",
            (f"from {low}", f"from {low + 1}"),
            "Counted one too high, every sum is too high by the number of items.",
        )
        return int(answer == f"from {low + 1}")


def _floats(values: pa.Array) -> Floats:
    filled = pc.fill_null(values.cast(pa.float64()), np.nan)
    return np.array(filled.to_numpy(zero_copy_only=False), dtype=np.float64)


def _whole(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True).cast(pa.int64())
