"""One table of a source to rows of one table of the contract, as its part of the map says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Ints
from kettrack.importing.answer_rows import (
    as_forms,
)
from kettrack.importing.asked_events import (
    ASKED_EVENTS,
    with_asked_events,
)
from kettrack.importing.clock_times import (
    CLOCK_TIMES,
    with_lengths,
)
from kettrack.importing.contract_columns import (
    constant_column,
    holds_dates,
    read_column,
)
from kettrack.importing.dates_beside import order_beside
from kettrack.importing.dose import (
    DOSE_MG,
    NO_WEIGHTS,
    KnownWeights,
    read_doses,
)
from kettrack.importing.form_table import (
    AnswerRows,
)
from kettrack.importing.import_map import (
    TableMap,
)
from kettrack.importing.journal import (
    Journal,
    SourceColumn,
)
from kettrack.importing.missing_reasons import say_reasons
from kettrack.importing.observed_rows import (
    observed,
    read_record_numbers,
    wanted,
)
from kettrack.importing.occasions import (
    Occasion,
    occasions_of,
)
from kettrack.importing.remarks import (
    ColumnPlace,
)
from kettrack.importing.score_rows import (
    Columns,
    checked_scores,
    telling,
)
from kettrack.importing.source import (
    BIRTH_DATE,
    DATE,
    DOSE,
    DOSE_UNIT,
    ITEM,
    SESSION_DETAILS,
    SESSION_NUMBER,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCE_TABLE,
    STATUS,
    SourceTable,
    contract_table,
)
from kettrack.importing.word_keys import word_key

_ID: Final = "patient_id"
_DAY: Final = "day"
# What else a row cannot be without, and how it is called in a sentence.
_NEEDED: Final = {
    "instrument": "scale",
    "event": "event",
}
_WHEN: Final = (DATE, _DAY, SESSION_NUMBER)
# Read together, or used up before columns are read.
_APART: Final = (
    DATE,
    DOSE_MG,
    DOSE,
    DOSE_UNIT,
    STATUS,
    _ID,
    *CLOCK_TIMES,
)
_PREFIXES_APART: Final = (STATUS, *ASKED_EVENTS)
_SECONDS_A_DAY: Final = 86_400


class TableRows:
    """Makes the rows of one part of the map.

    Parameters
    ----------
    table : SourceTable
        What is read.
    plan : TableMap
        What it becomes.
    journal : Journal
        Takes what is said.
    shared : bool
        Whether another part of the map reads the same table: a row without a score is then a row
        of the other.
    dated : tuple of str
        All columns of dates that the map takes from the table.
    weights : KnownWeights
        Of other tables, for doses per kg.
    """

    def __init__(
        self,
        table: SourceTable,
        plan: TableMap,
        journal: Journal,
        shared: bool,
        dated: tuple[str, ...],
        weights: KnownWeights = NO_WEIGHTS,
    ) -> None:
        self.table = table
        self.plan = plan
        self.journal = journal
        self.shared = shared
        self.dated = dated
        self.weights = weights

    def _of_forms(self) -> TableRows:
        """The same with one row for each form, where the table has one for each answer."""
        plan = self.plan
        if ITEM not in plan.columns:
            return self
        names = dict.fromkeys([*plan.columns.values(), *plan.where])
        answers = AnswerRows(
            table=self.table,
            plan=plan,
            columns={name: self._column(name) for name in names},
            days=self._dates(plan.columns[DATE]) if DATE in plan.columns else None,
        )
        forms = as_forms(answers, self.journal)
        where = self.table.file, self.table.name
        self.journal.joined[where] = (forms.firsts, forms.members)
        return TableRows(
            forms.table,
            forms.plan,
            self.journal,
            self.shared,
            self.dated,
            self.weights,
        )

    def made(self) -> list[pa.Table]:
        """The rows, one table for each occasion."""
        return self._of_forms()._made()

    def _made(self) -> list[pa.Table]:
        self._say_reasons()
        rows = self._observed(self._wanted())
        numbers = read_record_numbers(
            self._column(self.plan.columns[_ID]).take(rows), self.journal
        )
        known = pc.is_valid(numbers).to_numpy(zero_copy_only=False)
        # From here on nothing is said of rows without a patient.
        rows = rows[known]
        base = self._base(rows, numbers.filter(pa.array(known)))
        occasions = occasions_of(self.plan.wide)
        if not occasions:
            return [
                self._finished(
                    base,
                    self._sources(rows),
                    rows,
                )
            ]
        return [self._at(occasion, base, rows) for occasion in occasions]

    def _column(self, name: str) -> SourceColumn:
        table = self.table
        values = table.data[name].combine_chunks()
        if isinstance(values, pa.ChunkedArray):
            # An empty column stays chunked.
            values = pa.array([], values.type)
        place = table.cells.get(name)
        if place is None:
            place = ColumnPlace(
                file=table.file,
                table=table.name,
                column=name,
                rows=table.rows,
            )
        labels = table.value_labels.get(name, {})
        # Readers write a code as 1 or 1.0.
        by_key = {word_key(code): label for code, label in labels.items()}
        numbers = table.numbers.get(name, frozenset())
        return SourceColumn(values, place, by_key, numbers)

    def _dates(self, name: str) -> pa.Array:
        """A whole column of dates, in the order of day and month that the table tells."""
        if name in self.table.cells:
            return self.table.data[name].combine_chunks()
        others = set(self.dated) & set(self.table.data.column_names) - {name}
        beside = [self._column(other) for other in sorted(others)]
        column = self._column(name)
        return self.journal.dates(column, order_beside(column, beside))

    def _sources(self, rows: Ints) -> dict[str, SourceColumn]:
        columns = self.plan.columns.items()
        return {name: self._column(column).take(rows) for name, column in columns}

    def _say_reasons(self) -> None:
        plan = self.plan
        used = {*plan.columns.values()}
        for block in plan.wide:
            used |= {*block.columns}
        # In the order of the source, so that every run says the same.
        for name in self.table.data.column_names:
            if name in used:
                say_reasons(self.table, self._column(name), self.journal)

    def _wanted(self) -> Ints:
        where = self.plan.where
        if not where:
            return np.arange(self.table.data.num_rows)
        # One column that fits is enough: a row with a dose or a drug is a session.
        hits = [wanted(self._column(name), words) for name, words in where.items()]
        return np.flatnonzero(np.logical_or.reduce(hits))

    def _observed(self, rows: Ints) -> Ints:
        """Rows without those that a status says are no observation."""
        for (
            name,
            column,
        ) in self.plan.columns.items():
            if name.rstrip("_0123456789") == STATUS:
                kept = observed(
                    self._column(column).take(rows),
                    self.plan,
                    self.journal,
                )
                rows = rows[kept]
        return rows

    def _base(self, rows: Ints, numbers: pa.Array) -> Columns:
        """The columns that every occasion of a row shares."""
        plan = self.plan
        sources = self._sources(rows)
        base: Columns = {_ID: numbers}
        for name, source in sources.items():
            whole = self._column(plan.columns[name])
            if holds_dates(name, whole):
                dates = self._dates(plan.columns[name])
                base[name] = dates.take(pa.array(rows))
            elif name not in _APART and not name.startswith(_PREFIXES_APART):
                base[name] = read_column(
                    source,
                    name,
                    plan,
                    self.journal,
                )
        if DOSE_MG in sources or DOSE in sources:
            base[DOSE_MG] = read_doses(
                sources,
                base,
                plan,
                self.weights,
                self.journal,
            )
        for (
            name,
            word,
        ) in plan.constants.items():
            base[name] = constant_column(name, word, plan.to, len(rows))
        base = with_lengths(base, sources, self.journal)
        return with_asked_events(base, sources, plan.values, self.journal)

    def _at(
        self,
        occasion: Occasion,
        base: Columns,
        rows: Ints,
    ) -> pa.Table:
        """The rows of one occasion: those in which any of its columns is filled."""
        plan = self.plan
        whole = {name: self._column(column) for name, column in occasion.into.items()}
        filled = np.logical_or.reduce(
            [~source.take(rows).blank for source in whole.values()]
        )
        kept = pa.array(np.flatnonzero(filled))
        rows = rows[filled]
        columns = {name: values.take(kept) for name, values in base.items()}
        columns = self._dated(columns, occasion, rows)
        sources = self._sources(rows)
        if occasion.date:
            sources[DATE] = self._column(occasion.date).take(rows)
        for name, source in whole.items():
            if name != DATE:
                sources[name] = source.take(rows)
                columns[name] = self._cells(name, sources, columns)
        for (
            name,
            word,
        ) in occasion.constants.items():
            columns[name] = constant_column(name, word, plan.to, len(rows))
        return self._finished(columns, sources, rows)

    def _cells(
        self,
        name: str,
        sources: Mapping[str, SourceColumn],
        columns: Columns,
    ) -> pa.Array:
        if name == DOSE_MG:
            return read_doses(
                {name: sources[name]},
                columns,
                self.plan,
                self.weights,
                self.journal,
            )
        return read_column(
            sources[name],
            name,
            self.plan,
            self.journal,
        )

    def _dated(
        self,
        columns: Columns,
        occasion: Occasion,
        rows: Ints,
    ) -> Columns:
        """When the occasion was, in place of what the row says."""
        if occasion.date:
            dates = self._dates(occasion.date)
            return _without_when(columns) | {DATE: dates.take(pa.array(rows))}
        if occasion.session is not None:
            sessions = pa.array(np.full(len(rows), occasion.session))
            return _without_when(columns) | {SESSION_NUMBER: sessions}
        if occasion.day is None:
            return columns
        day = round(occasion.day)
        if DATE in columns:
            # Beside days the date of a row is that of day 0.
            seconds = pa.scalar(day * _SECONDS_A_DAY, pa.duration("s"))
            moved = pc.add(columns[DATE].cast(pa.timestamp("s")), seconds)
            return _without_when(columns) | {DATE: moved.cast(pa.date32())}
        days = pa.array(np.full(len(rows), day, dtype=np.int64))
        return _without_when(columns) | {_DAY: days}

    def _finished(
        self,
        columns: Columns,
        sources: Mapping[str, SourceColumn],
        rows: Ints,
    ) -> pa.Table:
        """The rows that can be used, in the order of the contract, with their origin."""
        plan = self.plan
        if plan.to == "scores" and "instrument" in columns:
            columns = checked_scores(columns, sources, self.journal)
        kept = self._usable(columns, sources, rows)
        order = [
            _ID,
            *_WHEN,
            *contract_table(plan.to).names,
            BIRTH_DATE,
        ]
        made = {name: columns[name] for name in dict.fromkeys(order) if name in columns}
        # Last, so that a problem of any later step can be traced to its place.
        made |= self._origin(rows)
        return pa.table(made).filter(pa.array(kept))

    def _origin(self, rows: Ints) -> Columns:
        table = self.table
        nought = np.zeros(len(rows), dtype=np.int64)
        everywhere = pa.array(nought)
        numbers = table.rows.take(pa.array(rows))
        return {
            SOURCE_FILE: pa.array([table.file]).take(everywhere),
            SOURCE_TABLE: pa.array([table.name]).take(everywhere),
            SOURCE_ROW: numbers.cast(pa.int64()),
        }

    def _usable(
        self,
        columns: Columns,
        sources: Mapping[str, SourceColumn],
        rows: Ints,
    ) -> Bools:
        """Rows with a time, and with what their table cannot be without."""
        kept = np.ones(len(rows), dtype=bool)
        to = self.plan.to
        # A weight that stands once for each patient has no day.
        undated = not columns.keys() & {*_WHEN}
        if to == "patients" or (to == SESSION_DETAILS and undated):
            return kept
        filled = telling(columns)
        if filled is not None and self.shared:
            # Whether such a row belongs to another table is seen at the end.
            kept &= filled
        dated = np.zeros(len(rows), dtype=bool)
        for name in _WHEN:
            dated |= _there(columns, name, len(rows))
        reason = "neither a date nor a day that can be read stands in it"
        kept = self._without(kept, dated, sources, _WHEN, reason)
        for name, what in _NEEDED.items():
            if name in contract_table(to).names:
                named = _there(columns, name, len(rows))
                reason = f"no {what} that is known stands in it"
                kept = self._without(
                    kept,
                    named,
                    sources,
                    (name,),
                    reason,
                )
        return kept

    def _without(
        self,
        kept: Bools,
        there: Bools,
        sources: Mapping[str, SourceColumn],
        names: tuple[str, ...],
        reason: str,
    ) -> Bools:
        """Refuse the rows in which something is not there."""
        # Where the map has no such column, the row is known by its patient.
        decisive = [sources[name] for name in (*names, _ID) if name in sources]
        self.journal.rows(
            decisive[0].place,
            kept & ~there,
            "refused",
            reason,
        )
        return kept & there


def _there(columns: Columns, name: str, n_rows: int) -> Bools:
    """Which rows have something in a column."""
    if name not in columns:
        return np.zeros(n_rows, dtype=bool)
    valid = pc.is_valid(columns[name])
    return np.asarray(valid.to_numpy(zero_copy_only=False), dtype=bool)


def _without_when(columns: Columns) -> Columns:
    return {name: values for name, values in columns.items() if name not in _WHEN}
