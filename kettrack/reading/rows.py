"""Checks of rows: doses, duplicates, and the order within a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.reading.problems import Ledger, counted, show
from kettrack.settings import DuplicateRule
from kettrack.vocabulary.columns import Table
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.totals import total_bounds

# Usual doses are 0.5 to 3 mg/kg or 28 to 400 mg; below this, mg/kg was meant.
_LOWEST_DOSE_MG: Final = 2


def check_doses(
    sessions: pd.DataFrame,
    file: str,
    ledger: Ledger,
) -> pd.DataFrame:
    """Report doses of an active drug so small that mg/kg was written for mg, and leave out sessions
    at which no dose was given: a dose of 0 without a drug.

    A placebo has no dose in mg, so its sessions count whatever their dose says.
    """
    drug = sessions["drug"].astype("str")
    dose = sessions["dose_mg"]
    active = drug.isin(["ketamine", "esketamine"])
    perhaps_active = sessions["drug"].isna() & (dose > 0)
    slip = (dose < _LOWEST_DOSE_MG) & (active | perhaps_active)
    for line, value in dose[slip].items():
        expected = (
            "a dose of an active drug in mg; this looks like mg per kg"
            if value
            else "a dose above 0 mg, as a drug is named. If it was not given, empty the column"
            " drug of this row: the row is then left out. If the dose is not known, empty"
            " dose_mg"
        )
        ledger.problem(file, int(str(line)), "dose_mg", show(f"{value:g}"), expected)
    none_given = sessions["drug"].isna() & (dose == 0)
    known = sessions["drug"].notna() | (dose > 0)
    if none_given.any() and not known.any():
        _ask_about_doses(none_given, file, ledger)
        return sessions
    ledger.leave_out(
        f"no dose was given in {file}: dose_mg is 0 and no drug is named (for placebo, write"
        " placebo in the column drug)",
        int(none_given.sum()),
        int(sessions["patient_id"][none_given].nunique()),
    )
    return sessions[~none_given]


def _ask_about_doses(none_given: pd.Series, file: str, ledger: Ledger) -> None:
    """Every dose is 0: most likely 0 stands for "not known", or all sessions were placebo."""
    for line in none_given.index[none_given]:
        ledger.problem(
            file,
            int(line),
            "dose_mg",
            show("0"),
            "a dose above 0 mg in some session; every one is 0. If the dose is not known,"
            " empty dose_mg. For placebo, write placebo in the column drug",
        )


def drop_identical(
    frame: pd.DataFrame,
    file: str,
    ledger: Ledger,
) -> pd.DataFrame:
    """Drop rows that say in every column what an earlier row says, and count them."""
    # Columns without a value differ nowhere and only cost time.
    filled = [name for name in frame.columns if any_filled(frame[name])]
    codes = _by_codes(frame, filled)
    again = (
        codes.duplicated().to_numpy() if filled else np.zeros(len(frame), dtype=bool)
    )
    n_patients = frame["patient_id"][again].nunique()
    ledger.leave_out(
        f"identical to an earlier row of {file}", int(again.sum()), int(n_patients)
    )
    return frame[~again]


def any_filled(column: pd.Series) -> bool:
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
    told = _told(scores, known)
    badness = (told * sign).fillna(-np.inf)
    place = np.arange(len(scores))
    rank = (
        badness.to_numpy(np.float64)
        if rule == "worst"
        else place * (-1.0 if rule == "first" else 1.0)
    )
    # Sorted last is kept: a score that is there over a missing one, then the rank of the rule, then
    # the later row of the file.
    ranked = keyed.assign(there=told.notna(), rank=rank, place=place)
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


def _told(scores: pd.DataFrame, known: dict[str, Instrument]) -> pd.Series:
    """What each row says for sure: its score, or the highest yes of a form that leaves questions
    open. A yes to suicidal intent is no missing answer because another question is blank.
    """
    told = scores["score"].copy()
    items = [name for name in scores.columns if name.startswith("item_")]
    for name, scale in known.items():
        if scale.total != "highest" or len(items) < scale.n_items:
            continue
        own = items[: scale.n_items]
        rows = (scores["instrument"] == name) & told.isna()
        rows &= scores[own].notna().any(axis=1)
        answers = scores.loc[rows, own].to_numpy(np.float64)
        least, _ = total_bounds(scale, answers)
        told[rows] = least
    return told


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
