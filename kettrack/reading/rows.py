"""Checks of rows: doses, duplicates, the order within a day, and what a scale says of a score:
its range, its items, and whether the two agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.reading.problems import Ledger, counted, counted_was, show
from kettrack.settings import DuplicateRule
from kettrack.vocabulary.columns import Table
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.totals import total_bounds, total_from_items

# Usual doses are 0.5 to 3 mg/kg or 28 to 400 mg; below this, mg/kg was meant.
_LOWEST_DOSE_MG: Final = 2
_TOLERANCE: Final = 0.051  # T values are given to one decimal


def check_doses(
    sessions: pd.DataFrame,
    file: str,
    ledger: Ledger,
) -> None:
    """Report doses of an active drug so small that mg/kg was written for mg."""
    active = sessions["drug"].astype("str").isin(["ketamine", "esketamine"])
    dose = sessions["dose_mg"]
    # Without a drug a dose of 0 may be a placebo.
    perhaps_active = sessions["drug"].isna() & (dose > 0)
    slip = (dose < _LOWEST_DOSE_MG) & (active | perhaps_active)
    for line, value in dose[slip].items():
        expected = (
            "a dose of an active drug in mg; this looks like mg per kg"
            if value
            else "a dose of an active drug above 0 mg"
        )
        ledger.problem(file, int(str(line)), "dose_mg", show(f"{value:g}"), expected)


def drop_identical(
    frame: pd.DataFrame,
    file: str,
    ledger: Ledger,
) -> pd.DataFrame:
    """Drop rows that say in every column what an earlier row says, and count them."""
    # Columns without a value differ nowhere and only cost time.
    filled = [name for name in frame.columns if _any_filled(frame[name])]
    codes = _by_codes(frame, filled)
    again = (
        codes.duplicated().to_numpy() if filled else np.zeros(len(frame), dtype=bool)
    )
    n_patients = frame["patient_id"][again].nunique()
    ledger.leave_out(
        f"identical to an earlier row of {file}", int(again.sum()), int(n_patients)
    )
    return frame[~again]


def _any_filled(column: pd.Series) -> bool:
    """Whether a column of `read_frame` has a value in any row."""
    values = column.array
    if isinstance(values, pd.Categorical):
        return bool((values.codes >= 0).any())
    return not bool(values.isna().all())


def _by_codes(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns to be compared: codes instead of text, as equal codes are equal words."""
    columns = {name: frame[name].array for name in names}
    codes = {
        name: values.codes if isinstance(values, pd.Categorical) else values
        for name, values in columns.items()
    }
    return pd.DataFrame(codes, index=frame.index, copy=False)


def order_within_day(
    sessions: pd.DataFrame,
    file: str,
    ledger: Ledger,
) -> pd.DataFrame:
    """Number several sessions of one day 1, 2, ... in the order of the file, after any order that
    is given.

    A given order that two sessions share is a problem.
    """
    # Codes make the same groups as the text they stand for, and are compared faster.
    day = [sessions["patient_id"].cat.codes, sessions["day"]]
    given = sessions["order"].notna()
    clash = (
        sessions.assign(patient=day[0]).duplicated(["patient", "day", "order"]) & given
    )
    for line in sessions.index[clash]:
        ledger.problem(
            file,
            int(line),
            "order",
            "",
            "another session of this patient on this day has the same order",
        )
    sized = sessions["order"].groupby(day, sort=False)
    several = sized.transform("size") > 1
    unordered = several & ~given
    if unordered.any():
        days = int(unordered.groupby(day, sort=False).any().sum())
        ledger.note(
            f"{file}: on {counted(days, 'day')} there are several sessions; they are numbered in"
            " the order of the file."
        )
    # Sessions without an order come after those with one, in the order of the file.
    nth_of_rest = (~given).groupby(day, sort=False).cumsum()
    nth = nth_of_rest + sized.transform("max").fillna(0)
    return sessions.assign(order=sessions["order"].where(given, nth))


def one_row_per_key(
    frame: pd.DataFrame,
    table: Table,
    file: str,
    ledger: Ledger,
) -> pd.DataFrame:
    """Report rows that share the table's key and differ otherwise."""
    key = _by_codes(frame, table.key)
    again = key.duplicated().to_numpy()
    for line in frame.index[again]:
        ledger.problem(
            file,
            int(line),
            table.key[-1],
            "",
            f"another, different row is there already; there can be {table.grain}",
        )
    return frame[~again]


def resolve_scores(
    scores: pd.DataFrame,
    rule: DuplicateRule,
    known: dict[str, Instrument],
    file: str,
    ledger: Ledger,
) -> pd.DataFrame:
    """Keep one of several different scores of one patient, instrument and moment; unknown timing
    counts as before.

    Parameters
    ----------
    scores : DataFrame
        In the order of the file, without identical rows.
    rule : {"last", "first", "worst", "mean"}
        `last` and `first` by place in the file; `mean` drops the items, which no longer make the
        total. A missing score never wins over one that is there.
    known : dict
        Instruments by name, for the direction of `worst`.
    file : str
        For messages.
    ledger : Ledger
        Counts what is dropped.
    """
    key = [
        scores["patient_id"].cat.codes,
        scores["instrument"].cat.codes,
        scores["day"],
        # Before and unknown are one moment; after the session is another.
        scores["timing"] == "after",
    ]
    keyed = pd.DataFrame(dict(enumerate(key)))
    if not keyed.duplicated().any():
        return scores
    sign = (
        scores["instrument"]
        .map({name: scale.sign for name, scale in known.items()})
        .astype("float64")
    )
    # The sign turns scales where higher is better; a missing score is never the worst.
    badness = (scores["score"] * sign).fillna(-np.inf)
    place = np.arange(len(scores))
    rank = (
        badness.to_numpy(np.float64)
        if rule == "worst"
        else place * (-1.0 if rule == "first" else 1.0)
    )
    # Sorted last is kept: a score that is there over a missing one, then the rank of the rule, then
    # the later row of the file.
    ranked = keyed.assign(there=scores["score"].notna(), rank=rank, place=place)
    kept = (
        ranked.sort_values(["there", "rank", "place"])
        .drop_duplicates([0, 1, 2, 3], keep="last")["place"]
        .sort_values()
    )
    if rule == "mean":
        scores = _with_means(scores, keyed)
    dropped = scores["patient_id"].drop(scores.index[kept])
    reason = (
        f"another score of {file} is used for the same moment (rule: {rule}; unknown counts"
        " as before)"
    )
    ledger.leave_out(reason, len(dropped), dropped.nunique())
    return scores.iloc[kept]


def _with_means(
    scores: pd.DataFrame,
    keyed: pd.DataFrame,
) -> pd.DataFrame:
    groups = scores["score"].groupby(
        [keyed[name] for name in keyed.columns], sort=False
    )
    merged = groups.transform("count") > 1
    items = {
        name: scores[name].mask(merged)
        for name in scores.columns
        if name.startswith("item_")
    }
    return scores.assign(score=groups.transform("mean"), **items)


def check_scores(
    scores: pd.DataFrame, known: Mapping[str, Instrument], file: str, ledger: Ledger
) -> pd.DataFrame:
    """Check every score against its instrument, and fill empty totals from complete items.

    Parameters
    ----------
    scores : DataFrame
        As `read_frame` returns it, indexed by line.
    known : mapping
        Instrument name to Instrument.
    file : str
        For messages.
    ledger : Ledger
        Takes notes and problems.

    Returns
    -------
    DataFrame
        The same rows; `score` out of range is missing, and filled where it was empty and the items
        are complete.
    """
    checked = scores.copy(deep=False)
    score = scores["score"].to_numpy(np.float64).copy()
    filled = _item_names(scores)
    items = scores[filled].to_numpy(np.float64, copy=True)
    names = scores["instrument"].cat.categories
    for code in np.unique(scores["instrument"].cat.codes):
        if code < 0:  # no instrument, or an unknown one: already reported
            continue
        rows = np.flatnonzero(scores["instrument"].cat.codes == code)
        scale = known[names[code]]
        part = _Part(scale, file, scores.index.to_numpy()[rows], ledger)
        answers = part.check_items(items[rows])
        in_range = part.check_range(score[rows])
        score[rows] = part.check_totals(in_range, answers)
        items[rows] = answers
    checked["score"] = score
    checked[filled] = items
    return checked


def _item_names(scores: pd.DataFrame) -> list[str]:
    return [
        name
        for name in scores.columns
        if name.startswith("item_") and _any_filled(scores[name])
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of one instrument, by their lines in the file."""

    scale: Instrument
    file: str
    lines: Ints
    ledger: Ledger

    def _report(
        self,
        rows: Bools,
        column: str,
        values: Floats,
        expected: str,
    ) -> None:
        for row in np.flatnonzero(rows):
            self.ledger.problem(
                self.file,
                int(self.lines[row]),
                column,
                show(f"{values[row]:g}"),
                expected,
            )

    def check_range(self, score: Floats) -> Floats:
        """Report totals outside the instrument's range, or broken ones of a scale of whole
        numbers.
        """
        scale = self.scale
        wrong = (score < scale.minimum) | (score > scale.maximum)
        if scale.whole_numbers:
            wrong |= np.isfinite(score) & (score != np.round(score))
        kind, article = (
            ("T value", "; not the raw sum")
            if scale.total == "t_value"
            else ("total", "")
        )
        number = "a " if scale.whole_numbers else ""
        self._report(
            wrong,
            "score",
            score,
            f"a {scale.name} {kind} is {number}{scale.range_text}{article}",
        )
        return np.where(wrong, np.nan, score)

    def check_items(self, items: Floats) -> Floats:
        """Report answers beyond the instrument's own maxima, and answers to items it does not
        have.
        """
        good = items.copy()
        for place in range(items.shape[1]):
            answer = items[:, place]
            name = f"item_{place + 1}"
            if place >= self.scale.n_items:
                good[:, place] = self._beyond(place + 1, answer)
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
            good[wrong, place] = np.nan
        return good

    def _beyond(self, number: int, answer: Floats) -> Floats:
        filled = np.isfinite(answer)
        scale = self.scale
        if not filled.any():
            return answer
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
                f"empty; {scale.name} has {scale.n_items} items",
            )
        return np.full(len(answer), np.nan)

    def check_totals(self, score: Floats, items: Floats) -> Floats:
        """Hold stated totals against the items, and fill empty ones where the items are
        complete.
        """
        scale = self.scale
        answered = np.isfinite(items).any(axis=1)
        if not scale.n_items or not answered.any():
            return score
        items = _wide_enough(items, scale.n_items)
        total = total_from_items(scale, items)
        stated = np.isfinite(score)
        complete = np.isfinite(total)
        self._report_disagreement(answered & stated & complete, score, total)
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
            partial & ~stated, "score", "left empty because some items are missing"
        )
        return np.where(stated | ~answered, score, total)

    def _report_disagreement(
        self,
        both: Bools,
        score: Floats,
        total: Floats,
    ) -> None:
        # Rows without one of the two give NaN, and `both` leaves them out.
        with np.errstate(invalid="ignore"):
            differ = both & (np.abs(score - total) > _TOLERANCE)
        for row in np.flatnonzero(differ):
            expected = f"the items give {total[row]:g} by the scoring rule of {self.scale.name}"
            self.ledger.problem(
                self.file,
                int(self.lines[row]),
                "score",
                show(f"{score[row]:g}"),
                expected,
            )

    def _count(self, rows: Bools, what: str, done: str) -> None:
        if rows.any():
            subject = counted_was(int(rows.sum()), f"{self.scale.name} {what}")
            self.ledger.note(f"{self.file}: {subject} {done}.")


def _wide_enough(items: Floats, n_items: int) -> Floats:
    missing = n_items - items.shape[1]
    return (
        np.pad(items, ((0, 0), (0, missing)), constant_values=np.nan)
        if missing > 0
        else items
    )
