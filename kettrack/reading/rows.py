"""Checks of rows: doses, duplicates, and the order within a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.reading.coded import Coded, CodedRows, coded_numbers, repeated
from kettrack.reading.problems import Ledger, counted, show
from kettrack.settings import DuplicateRule
from kettrack.vocabulary.columns import Table
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.limits import LARGE_SHARE_LOST
from kettrack.vocabulary.totals import total_bounds

# Usual doses are 0.5 to 3 mg/kg or 28 to 400 mg; below this, mg/kg was meant.
_LOWEST_DOSE_MG: Final = 2
_ACTIVE: Final = ("ketamine", "esketamine")
_PRESSURES: Final = ("before", "peak", "after")
# What makes one moment of scoring; before and unknown are one, after the session is another.
_MOMENT: Final = ("patient_id", "instrument", "day", "after")


def check_doses(
    sessions: CodedRows,
    file: str,
    ledger: Ledger,
) -> CodedRows:
    """Report doses of an active drug so small that mg/kg was written for mg, and leave out sessions
    at which no dose was given: a dose of 0 without a drug.

    A placebo has no dose in mg, so its sessions count whatever their dose says.
    """
    drug = sessions["drug"]
    dose = sessions["dose_mg"].numbers
    perhaps_active = ~drug.filled & (dose > 0)
    slip = (dose < _LOWEST_DOSE_MG) & (drug.is_one_of(_ACTIVE) | perhaps_active)
    for row in np.flatnonzero(slip).tolist():
        expected = (
            "a dose of an active drug in mg; this looks like mg per kg"
            if dose[row]
            else "a dose above 0 mg, as a drug is named. If it was not given, empty the column"
            " drug of this row: the row is then left out. If the dose is not known, empty"
            " dose_mg"
        )
        line = int(sessions.lines[row])
        ledger.problem(file, line, "dose_mg", show(f"{dose[row]:g}"), expected)
    none_given = ~drug.filled & (dose == 0)
    known = drug.filled | (dose > 0)
    if none_given.any() and not known.any():
        _ask_about_doses(sessions, none_given, file, ledger)
        return sessions
    ledger.leave_out(
        f"no dose was given in {file}: dose_mg is 0 and no drug is named (for placebo, write"
        " placebo in the column drug)",
        int(none_given.sum()),
        sessions.n_patients(none_given),
    )
    return sessions.keep(~none_given)


def _ask_about_doses(
    sessions: CodedRows, none_given: Bools, file: str, ledger: Ledger
) -> None:
    """Every dose is 0: most likely 0 stands for "not known", or all sessions were placebo."""
    for line in sessions.lines[none_given].tolist():
        ledger.problem(
            file,
            line,
            "dose_mg",
            show("0"),
            "a dose above 0 mg in some session; every one is 0. If the dose is not known,"
            " empty dose_mg. For placebo, write placebo in the column drug",
        )


def check_pressures(
    sessions: CodedRows,
    file: str,
    ledger: Ledger,
) -> None:
    """Report two columns of blood pressure that hold each other's values: at most sessions the
    systolic one is the lower of the two.
    """
    for when in _PRESSURES:
        name = f"systolic_{when}"
        other = f"diastolic_{when}"
        high = sessions[name].numbers
        low = sessions[other].numbers
        turned = high < low
        both = ~np.isnan(high + low)
        # a few are slips of a pen, or a simulated clinic's
        if 2 * turned.sum() <= both.sum():
            continue
        ledger.problem(
            file,
            None,
            name,
            "",
            f"above {other}; at {turned.sum()} of {counted(int(both.sum()), 'session')} it is"
            " below. The two columns look swapped",
        )


def drop_identical(
    rows: CodedRows,
    table: Table,
    file: str,
    ledger: Ledger,
) -> CodedRows:
    """Drop rows that say in every column what an earlier row says, and count them."""
    again = np.zeros(len(rows), dtype=bool)
    # Rows that are equal everywhere are equal in their key; only those are compared.
    alike = repeated(rows.key(table.key))
    again[alike] = _codes(rows.keep(alike), list(rows.columns)).duplicated()
    ledger.leave_out(
        f"identical to an earlier row of {file}",
        int(again.sum()),
        rows.n_patients(again),
    )
    return rows.keep(~again)


def _codes(
    rows: CodedRows,
    names: Sequence[str],
) -> pd.DataFrame:
    """Columns to be compared: equal codes are equal values."""
    codes = {name: rows[name].codes for name in names}
    return pd.DataFrame(codes, index=rows.lines, copy=False)


def order_within_day(
    sessions: CodedRows,
    file: str,
    ledger: Ledger,
) -> CodedRows:
    """Number several sessions of one day 1, 2, ... in the order of the file, after any order that
    is given.

    A given order that two sessions share is a problem.
    """
    key = sessions.key(["patient_id", "day"])
    several = repeated(key)
    order = sessions["order"].numbers
    # A session that is alone on its day is the first, whatever the others are.
    numbered = np.where(np.isnan(order), 1.0, order)
    day = pd.Series(key[several])
    given = pd.Series(order[several])
    numbered[several] = _numbered(day, given)
    clash = pd.DataFrame({"day": day, "order": given}).duplicated() & given.notna()
    for line in sessions.lines[several][clash].tolist():
        ledger.problem(
            file,
            line,
            "order",
            "",
            "another session of this patient on this day has the same order",
        )
    if given.isna().any():
        days = day[given.isna()].nunique()
        ledger.note(
            f"{file}: on {counted(days, 'day')} there are several sessions; they are numbered in"
            " the order of the file."
        )
    return sessions.replaced({"order": coded_numbers(numbered)})


def _numbered(
    day: pd.Series,
    given: pd.Series,
) -> pd.Series:
    """The order of sessions that share their day."""
    # Sessions without an order come after those with one, in the order of the file.
    nth_of_rest = given.isna().groupby(day, sort=False).cumsum()
    last_given = given.groupby(day, sort=False).transform("max").fillna(0)
    return given.where(given.notna(), nth_of_rest + last_given)


def one_row_per_key(
    rows: CodedRows,
    table: Table,
    file: str,
    ledger: Ledger,
) -> CodedRows:
    """Report rows that share the table's key and differ otherwise."""
    key = rows.key(table.key)
    again = repeated(key)
    # Of rows with one key the first stays.
    if again.any():
        again = pd.Index(key).duplicated()
    for line in rows.lines[again].tolist():
        ledger.problem(
            file,
            line,
            table.key[-1],
            "",
            f"another, different row is there already; there can be {table.grain}",
        )
    return rows.keep(~again)


def resolve_scores(
    scores: CodedRows,
    rule: DuplicateRule,
    known: dict[str, Instrument],
    file: str,
    ledger: Ledger,
) -> CodedRows:
    """Keep one of several different scores of one patient, instrument and moment; unknown timing
    counts as before.

    Parameters
    ----------
    scores : CodedRows
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
    after = scores["timing"].is_one_of(["after"])
    timed = scores.replaced({"after": coded_numbers(after.astype(np.float64))})
    key = timed.key(_MOMENT)
    several = repeated(key)
    if not several.any():
        return scores
    rivals = scores.keep(several)
    moment = key[several]
    kept = ~several
    kept[several] = _chosen(rivals, moment, rule, known)
    if rule == "mean":
        scores = _with_means(scores, several, moment)
    # Whoever loses a score to another one keeps at least that other one.
    reason = (
        f"another score of {file} is used for the same moment (rule: {rule}; unknown counts"
        " as before)"
    )
    n_out = int((~kept).sum())
    ledger.leave_out(reason, n_out, scores.n_patients(~kept))
    if n_out > LARGE_SHARE_LOST * len(scores):
        ledger.note(
            f"Look at this first: {n_out} of {counted(len(scores), 'score')} in {file} stand"
            " beside another score of the same person, scale and moment, and are left out. If"
            " these are two raters, or two forms, give each its own name in the column instrument."
        )
    return scores.keep(kept)


def _chosen(
    rivals: CodedRows,
    moment: Ints,
    rule: DuplicateRule,
    known: dict[str, Instrument],
) -> Bools:
    """Which of the scores that share their moment are kept: one for each."""
    instrument = rivals["instrument"]
    signs = np.array([known[name].sign for name in instrument.values], np.float64)
    told = _told(rivals, known)
    # The sign turns scales where higher is better; a missing score is never the worst.
    badness = told * instrument.said(signs, np.nan).astype(np.float64)
    place = np.arange(len(rivals))
    rank = place.astype(np.float64)
    if rule == "worst":
        rank = np.nan_to_num(badness, nan=-np.inf)
    elif rule == "first":
        rank = -rank
    # Sorted last is kept: a score that is there over a missing one, then the rank of the rule, then
    # the later row of the file.
    order = np.lexsort([place, rank, np.isfinite(told), moment])
    last = np.append(np.diff(moment[order]) != 0, True)
    chosen = np.zeros(len(rivals), dtype=bool)
    chosen[order[last]] = True
    return chosen


def _told(
    scores: CodedRows,
    known: dict[str, Instrument],
) -> Floats:
    """What each row says for sure: its score, or the highest yes of a form that leaves questions
    open. A yes to suicidal intent is no missing answer because another question is blank.
    """
    told = scores["score"].numbers
    for name, scale in known.items():
        if scale.total != "highest" or len(scores.items) < scale.n_items:
            continue
        own = scores.items[: scale.n_items]
        rows = scores["instrument"].is_one_of([name]) & np.isnan(told)
        answered = [scores[item].filled for item in own]
        rows &= np.logical_or.reduce(answered)
        answers = np.column_stack([scores[item].numbers[rows] for item in own])
        least, _ = total_bounds(scale, answers)
        told[rows] = least
    return told


def _with_means(
    scores: CodedRows,
    several: Bools,
    moment: Ints,
) -> CodedRows:
    """The mean of the scores of each moment, and no items where there is more than one score."""
    score = scores["score"].numbers
    groups = pd.Series(score[several]).groupby(moment, sort=False)
    score[several] = groups.transform("mean")
    merged = np.flatnonzero(several)[groups.transform("count") > 1]
    changed = {"score": coded_numbers(score)}
    for name in scores.items:
        codes = scores[name].codes.copy()
        codes[merged] = -1
        changed[name] = Coded(codes, scores[name].values)
    return scores.replaced(changed)
