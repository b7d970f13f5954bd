"""What a scale says of a score: its range, its items, how they are coded, and whether items and
total agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.reading.coded import Coded, CodedRows, coded_numbers
from kettrack.reading.item_coding import coded_wrongly
from kettrack.reading.problems import Ledger, counted_was, show
from kettrack.settings import SETTINGS_FILE
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.totals import (
    rounded_total,
    total_bounds,
    total_from_items,
    total_of_answered,
)

# What statistics programs and registers write where a score is missing.
CODES_FOR_MISSING: Final = (-999, -99, -9, -8, -7, 88, 99, 888, 999, 9999)
_TOLERANCE: Final = 0.051  # T values are given to one decimal


def check_scores(
    scores: CodedRows,
    known: Mapping[str, Instrument],
    file: str,
    ledger: Ledger,
) -> CodedRows:
    """Check every score against its instrument, and fill empty totals from complete items.

    Parameters
    ----------
    scores : CodedRows
        As `read_rows` returns it.
    known : mapping
        Instrument name to Instrument.
    file : str
        For messages.
    ledger : Ledger
        Takes notes and problems.

    Returns
    -------
    CodedRows
        The same rows; `score` out of range is missing, and filled where it was empty and the items
        are complete.
    """
    score = scores["score"].numbers
    changed = False
    checked: dict[str, Coded] = {}
    instrument = scores["instrument"]
    # Rows without an instrument, or with an unknown one, are reported already.
    for code in np.flatnonzero(instrument.used).tolist():
        rows = np.flatnonzero(instrument.codes == code)
        items = _answers(scores, rows)
        scale = known[instrument.values[code]]
        part = _Part(scale, file, scores.lines, rows, ledger)
        answers = part.check_coding(items, score[rows])
        answers = part.check_items(answers)
        given = score[rows]
        in_range = part.check_range(given)
        totals = part.check_totals(in_range, answers)
        # Most totals stay as they are, and then their column does too.
        if not np.array_equal(given, totals, equal_nan=True):
            score[rows] = totals
            changed = True
        for place, name in enumerate(scores.items[: items.shape[1]]):
            column = checked.get(name, scores[name])
            # Most answers stay as they are.
            if answers is not items:
                checked[name] = _with_numbers(column, rows, answers[:, place])
    if changed:
        checked["score"] = coded_numbers(score)
    return scores.replaced(checked)


def _answers(
    scores: CodedRows,
    rows: Ints,
) -> Floats:
    """Items as far as any is answered in these rows: an empty one between two others keeps its
    place.
    """
    # Nothing but the items is looked at here, and nothing else is copied.
    columns = [scores[name].keep(rows) for name in scores.items]
    answered = [place for place, one in enumerate(columns) if one.filled.any()]
    n_items = answered[-1] + 1 if answered else 0
    own = columns[:n_items]
    # Of a registry this is the largest table there is: answers that are whole take half of it.
    kind = np.float32 if all(map(_exact_when_narrow, own)) else np.float64
    # Column after column, as they are looked at.
    answers = np.empty((len(rows), n_items), kind, order="F")
    for place, column in enumerate(own):
        narrow = column.values.astype(kind)
        answers[:, place] = column.said(narrow, kind(np.nan))
    return cast(Floats, answers)


def _exact_when_narrow(column: Coded) -> bool:
    """Whether 32 bits hold each number of a column."""
    numbers = column.values
    # What is too large becomes infinite, and is not equal to it.
    with np.errstate(over="ignore"):
        narrow = numbers.astype(np.float32)
    return np.array_equal(narrow, numbers)


def _with_numbers(
    column: Coded,
    rows: Ints,
    numbers: Floats,
) -> Coded:
    """A column with other numbers in some of its rows."""
    whole = column.numbers
    whole[rows] = numbers
    return coded_numbers(whole)


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one instrument: their places among all rows, whose lines in the file are told."""

    scale: Instrument
    file: str
    lines: Ints
    rows: Ints
    ledger: Ledger

    def _line(self, row: int) -> int:
        """Line in the file of one of the rows."""
        return int(self.lines[self.rows[row]])

    def _report(
        self,
        rows: Bools,
        column: str,
        values: Floats,
        expected: str,
    ) -> None:
        for row in np.flatnonzero(rows).tolist():
            self.ledger.problem(
                self.file,
                self._line(row),
                column,
                show(f"{values[row]:g}"),
                expected,
            )

    def check_range(
        self,
        score: Floats,
    ) -> Floats:
        """Report totals outside the instrument's range, or broken ones of a scale of whole
        numbers.
        """
        scale = self.scale
        wrong = (score < scale.minimum) | (score > scale.maximum)
        kind, article = (
            ("T value", "; not the raw sum")
            if scale.total == "t_value"
            else ("total", "")
        )
        number = "a " if scale.whole_numbers else ""
        expected = f"a {scale.name} {kind} is {number}{scale.range_text}{article}"
        missing = wrong & np.isin(score, CODES_FOR_MISSING)
        self._report(wrong & ~missing, "score", score, expected)
        way_on = "; where a number such as -9 or 999 stands for no score, leave the cell empty"
        self._report(missing, "score", score, f"{expected}{way_on}")
        return self._whole(np.where(wrong, np.nan, score))

    def _whole(self, score: Floats) -> Floats:
        """Totals with decimals on a scale of whole numbers: a problem, unless the clinic says that
        its totals are prorated.
        """
        scale = self.scale
        # In a T value decimals are nothing unusual.
        if not scale.whole_numbers and not scale.prorated:
            return score
        broken = np.isfinite(score) & (score != np.round(score))
        if not scale.prorated:
            self._report(broken, "score", score, self._way_on_for_broken())
            return np.where(broken, np.nan, score)
        done = (
            "rounded, half a point up" if scale.prorated == "round" else "kept as it is"
        )
        self._count(
            broken,
            "total with decimals",
            f"taken to be prorated for missing answers, and {done}",
            "totals with decimals",
        )
        return rounded_total(score) if scale.prorated == "round" else score

    def _way_on_for_broken(self) -> str:
        name = self.scale.name
        table = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
        return (
            f"a {name} total is a whole number. If these are prorated for missing answers, write"
            f' prorated = "round" or "keep" under [instruments.{table}] in {SETTINGS_FILE}'
        )

    def check_coding(
        self,
        items: Floats,
        score: Floats,
    ) -> Floats:
        """Answers from the lowest that the scale has, where the clinic says how its files code
        them; a question where they look coded otherwise.
        """
        scale = self.scale
        if not scale.n_items:
            return items
        question = coded_wrongly(scale, items, score)
        if question:
            answered = np.isfinite(items[:, : scale.n_items]).any(axis=1)
            line = self._line(int(np.argmax(answered)))
            last = f"item_{scale.n_items}"
            self.ledger.problem(self.file, line, f"item_1 to {last}", "", question)
            # One cause, told once: the answers themselves are not reported one by one.
            return np.full_like(items, np.nan)
        start = scale.items_coded_from
        if start is None or start == scale.item_minimum or np.isnan(items).all():
            return items
        self.ledger.note(
            f"{self.file}: answers of {scale.name} were written from {start} up, as"
            f" items_coded_from says; here they count from {scale.item_minimum}."
        )
        moved = items - (start - scale.item_minimum)
        # Items that do not belong to the total are not coded like the others.
        return np.hstack([moved[:, : scale.n_items], items[:, scale.n_items :]])

    def check_items(
        self,
        items: Floats,
    ) -> Floats:
        """Report answers beyond the instrument's own maxima, and answers to items it does not
        have.
        """
        good = items
        for place in range(items.shape[1]):
            answer = items[:, place]
            name = f"item_{place + 1}"
            if place >= self.scale.n_items:
                good = _with_column(good, place, self._beyond(place + 1, answer))
                continue
            low = self.scale.item_minimum
            high = self.scale.item_maxima[place]
            wrong = (answer < low) | (answer > high)
            self._report(
                wrong,
                name,
                answer,
                f"item {place + 1} of {self.scale.name} is {low} to {high}",
            )
            if wrong.any():
                good = _with_column(good, place, np.where(wrong, np.nan, answer))
        return good

    def _beyond(
        self,
        number: int,
        answer: Floats,
    ) -> Floats:
        filled = np.isfinite(answer)
        scale = self.scale
        if not filled.any():
            return answer
        if number == scale.item_apart:
            return self._apart(number, answer)
        if number == scale.uncounted_item or scale.n_items == 0:
            self.ledger.note(
                f"{self.file}: item {number} of {scale.name} is not part of its total and was not"
                " used."
            )
        else:
            self._report(
                filled,
                f"item_{number}",
                answer,
                f"an empty cell, as {scale.name} has {scale.n_items} items",
            )
        return np.full(len(answer), np.nan)

    def _apart(
        self,
        number: int,
        answer: Floats,
    ) -> Floats:
        """An item that is kept by itself: yes or no, and never part of the total."""
        wrong = np.isfinite(answer) & (answer != 0) & (answer != 1)
        name = f"item_{number}"
        expected = f"item {number} of {self.scale.name} is 0 (no) or 1 (yes)"
        self._report(wrong, name, answer, expected)
        self.ledger.note(
            f"{self.file}: item {number} of {self.scale.name} is kept by itself and is not part of"
            " its score."
        )
        return np.where(wrong, np.nan, answer)

    def check_totals(
        self,
        score: Floats,
        items: Floats,
    ) -> Floats:
        """Hold stated totals against the items, and fill empty ones where the items are
        complete.
        """
        scale = self.scale
        own = items[:, : scale.n_items]
        answered: Bools = np.isfinite(own).max(axis=1, initial=False)
        if not scale.n_items or not answered.any():
            self._decide_on_noughts(np.isfinite(score), kept=True)
            return score
        items = _wide_enough(own, scale.n_items)
        total = total_from_items(scale, items)
        complete = np.isfinite(total)
        self._report_disagreement(
            answered & np.isfinite(score) & complete, score, total
        )
        empty = np.isnan(score)
        score = self._believed(score, items, answered, complete)
        stated = np.isfinite(score)
        partial = answered & ~complete
        impossible = partial & stated
        # Only these rows are looked at, so the mask is narrowed within itself.
        low, high = total_bounds(scale, items[impossible])
        stated_total = score[impossible]
        too_low = stated_total < low - _TOLERANCE
        too_high = stated_total > high + _TOLERANCE
        impossible[impossible] = too_low | too_high
        self._report(
            impossible,
            "score",
            score,
            f"no such {scale.name} total is possible with the items given",
        )
        self._count(
            answered & ~stated & complete, "total", "computed from complete items"
        )
        self._count(
            partial & stated & ~impossible,
            "stated total",
            "kept although some items are missing",
        )
        self._count(
            partial & empty, "score", "left empty because some items are missing"
        )
        return np.where(stated | ~answered, score, total)

    def _believed(
        self, score: Floats, items: Floats, answered: Bools, complete: Bools
    ) -> Floats:
        """Stated totals without those that the missing answers make worthless."""
        partial = answered & ~complete
        score = self._without_too_few_answers(score, items, partial)
        score = self._without_sums_of_some(score, items, partial)
        return self._without_sums_of_none(score, answered)

    def _without_too_few_answers(
        self, score: Floats, items: Floats, partial: Bools
    ) -> Floats:
        """Prorated totals without those for which too many answers are missing, where a
        publication says how many may be.
        """
        most = self.scale.most_missing
        if not self.scale.prorated or most is None:
            return score
        n_missing = np.isnan(items).sum(axis=1)
        too_few = partial & np.isfinite(score) & (n_missing > most.value)
        self._count(
            too_few,
            "prorated total",
            f"taken as missing, as more than {most.value:g} answers are missing ({most.source})",
        )
        return np.where(too_few, np.nan, score)

    def _without_sums_of_some(
        self, score: Floats, items: Floats, partial: Bools
    ) -> Floats:
        """Stated totals without those that only add up the items answered: a missing answer is no
        0.
        """
        scale = self.scale
        only_some = partial & np.isfinite(score)
        sums = total_of_answered(scale, items[only_some])
        only_some[only_some] = np.abs(score[only_some] - sums) <= _TOLERANCE
        if only_some.any():
            low, high = total_bounds(scale, items[only_some])
            self._count(
                only_some,
                "stated total",
                "taken as missing, as the items answered give it by themselves and some are"
                f" missing: from {low.min():g} to {high.max():g} is possible",
            )
        return np.where(only_some, np.nan, score)

    def _without_sums_of_none(
        self,
        score: Floats,
        answered: Bools,
    ) -> Floats:
        """Stated totals without a 0 beside nothing but blanks, where other rows have items.

        A form that adds up blanks writes 0, and 0 is remission. Where other totals come without
        items too, some forms have none by design, and their 0 stands.
        """
        bare = np.isfinite(score) & ~answered
        zero = bare & (score == 0)
        by_design = bool((bare & ~zero).any())
        self._decide_on_noughts(bare, kept=by_design)
        done = (
            "kept although doubtful: no item is answered beside it, but other totals of this scale"
            " have no items either"
            if by_design
            else "taken as missing because it is doubtful: no item is answered beside it, while"
            " other rows of this scale have items. Fill in the items where it is true"
        )
        self._count(zero, "total of 0", done, "totals of 0")
        return score if by_design else np.where(zero, np.nan, score)

    def _decide_on_noughts(self, bare: Bools, kept: bool) -> None:
        """Take down what became of totals of 0 without an item, where totals without items are."""
        if self.scale.n_items and bare.any():
            what = f"{self.file}: {self.scale.name} totals of 0 without an item"
            self.ledger.decided(what, "kept" if kept else "taken as missing")

    def _report_disagreement(
        self,
        both: Bools,
        score: Floats,
        total: Floats,
    ) -> None:
        # Rows without one of the two give NaN, and `both` leaves them out.
        with np.errstate(invalid="ignore"):
            differ = both & (np.abs(score - total) > _TOLERANCE)
        for row in np.flatnonzero(differ).tolist():
            expected = f"the items give {total[row]:g} by the scoring rule of {self.scale.name}"
            self.ledger.problem(
                self.file,
                self._line(row),
                "score",
                show(f"{score[row]:g}"),
                expected,
            )

    def _count(
        self,
        rows: Bools,
        what: str,
        done: str,
        several: str = "",
    ) -> None:
        if rows.any():
            name = self.scale.name
            many = f"{name} {several}" if several else ""
            subject = counted_was(int(rows.sum()), f"{name} {what}", many)
            self.ledger.note(f"{self.file}: {subject} {done}.")


def _with_column(
    items: Floats,
    place: int,
    answer: Floats,
) -> Floats:
    """The items with other answers in one column."""
    changed = items.copy()
    changed[:, place] = answer
    return changed


def _wide_enough(
    items: Floats,
    n_items: int,
) -> Floats:
    missing = n_items - items.shape[1]
    return (
        np.pad(items, ((0, 0), (0, missing)), constant_values=np.nan)
        if missing > 0
        else items
    )
