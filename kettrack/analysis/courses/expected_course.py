"""The expected course: where people with a similar baseline stood after as many sessions, as on a
growth chart.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, made_from, refusal, release
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.result import Result, Role
from kettrack.timelines.bucket import Array, Bucket
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.timelines.events import Baselines, ratable
from kettrack.timelines.states import is_assessment
from kettrack.vocabulary.instrument import Instrument

# weight of the session before, the session itself and the one after
NEIGHBOURS: Final = (0.25, 0.5, 0.25)
QUANTILES: Final = {
    "q10": 0.10,
    "q25": 0.25,
    "estimate": 0.50,
    "q75": 0.75,
    "q90": 0.90,
}
KEYS: Final = ["band", "sessions", "score"]
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "band": "label",
    "sessions": "label",
    "n": "denominator",
    **dict.fromkeys(QUANTILES, "derived"),
}
_ESTIMAND: Final = (
    "Score after the k-th session among those with a baseline in the same band who had k sessions"
    " and were scored after them: those who stopped are not in the later rows."
)


def baseline_bands(baseline: Array, instrument: Instrument) -> Array:
    """Severity band of each baseline, as object; None without a baseline, and one band for all
    where none is published.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> baseline_bands(np.array([14.0, 15.0, np.nan]), PHQ9).tolist()
    ['moderate', 'moderately severe', None]
    """
    edges = [band.low for band in instrument.bands] or [instrument.minimum]
    labels = np.array([band.label for band in instrument.bands] or ["all"], object)
    place = np.clip(
        np.searchsorted(edges, baseline, side="right") - 1, 0, len(edges) - 1
    )
    return np.where(np.isnan(baseline), np.array(None, object), labels[place])


def comparable_scores(cohort: Cohort | DerivedCohort) -> pd.DataFrame:
    """Every score that can be set against the expected course.

    Returns
    -------
    DataFrame
        One row per patient and score: `patient_id` `band` (of the baseline) `sessions` (strictly
        before the score; 0 = the baseline itself) `day` `score`. Left out are scores more than
        `state_holds_days` after the last session, and people without a rated baseline, treated
        before the log begins, or on placebo.
    """
    cohort = derive(cohort)
    bucket = cohort.bucket
    baselines = cohort.baselines
    rated = ratable(baselines, cohort.criteria) & ~np.logical_or.reduce(
        list(cohort.log_reasons.values())
    )
    to_date, since = cohort.alignment
    fresh = (
        is_assessment(bucket, baselines)
        & (to_date > 0)
        & (since <= cohort.criteria.state_holds_days)
    )
    chosen = np.flatnonzero(fresh & bucket.score_known & rated[bucket.score_patient])
    later = _rows(
        bucket,
        bucket.score_patient[chosen],
        to_date[chosen],
        bucket.score_day[chosen],
        bucket.score[chosen],
    )
    start = np.flatnonzero(rated)
    first = _rows(
        bucket,
        start,
        np.zeros(start.size, int),
        baselines.day[start],
        baselines.score[start],
    )
    out = pd.concat([first, later], ignore_index=True)
    out.insert(1, "band", _band_of(out, bucket, baselines, cohort.instrument))
    return out.sort_values(
        ["patient_id", "sessions", "day"], kind="stable", ignore_index=True
    )


def _rows(
    bucket: Bucket, patient: Array, sessions: Array, day: Array, score: Array
) -> pd.DataFrame:
    who = bucket.patient_id[patient]
    return pd.DataFrame(
        {
            "patient_id": who,
            "sessions": sessions.astype(int),
            "day": day.astype(int),
            "score": score,
        }
    )


def _band_of(
    rows: pd.DataFrame, bucket: Bucket, baselines: Baselines, instrument: Instrument
) -> pd.Series:
    labels = baseline_bands(baselines.score, instrument)[
        bucket.patient_id.get_indexer(pd.Index(rows["patient_id"]))
    ]
    order = [band.label for band in instrument.bands] or ["all"]
    return pd.Series(pd.Categorical(labels, categories=order, ordered=True))


def count(cohort: DerivedCohort) -> pd.DataFrame:
    """Scores by baseline band and session number, each person once in a cell, with the first score;
    counts can be added.

    Returns
    -------
    DataFrame
        One row per value that occurred: `band` `sessions` `score` `n` (people).
    """
    return count_scores(comparable_scores(cohort))


def count_scores(comparable: pd.DataFrame) -> pd.DataFrame:
    """`count` for scores at hand, from `comparable_scores`."""
    once = comparable.drop_duplicates(["patient_id", "sessions"])
    return once.groupby(KEYS, observed=True).size().rename("n").reset_index()


def add_counts(*counts: pd.DataFrame) -> pd.DataFrame:
    """Counts of several buckets or sites as one."""
    return pd.concat(counts).groupby(KEYS, observed=True)["n"].sum().reset_index()


def estimate(counts: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of the score by baseline band and session number.

    A cell with fewer than 11 people has none. Between two neighbours that are large enough the
    distribution is smoothed over session numbers with weights 1:2:1; the baseline is neither
    smoothed nor a neighbour.

    Returns
    -------
    DataFrame
        One row per cell, to the last session that any band has 11 people at: `key` `band`
        `sessions` `n` `q10` `q25` `estimate` (median) `q75` `q90`.
    """
    keys = ["band", "sessions", "n", *QUANTILES]
    cells = cell_shares(counts)
    sizes = counts.groupby(["band", "sessions"], observed=True)["n"].sum().reset_index()
    enough = sizes.loc[sizes["n"] >= FEWEST, "sessions"]
    table = sizes[sizes["sessions"] <= enough.max()] if len(enough) else sizes.iloc[:0]
    quantiles = [
        _quantiles(cells, band, sessions)
        for band, sessions in zip(table["band"], table["sessions"], strict=True)
    ]
    table = table.reset_index(drop=True).join(
        pd.DataFrame(quantiles, columns=list(QUANTILES), dtype=float)
    )[keys]
    names = (
        table["band"].astype(str).str.replace(" ", "_")
        + "_"
        + table["sessions"].astype(str)
    )
    table.insert(0, "key", names)
    return table


def cell_shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Smoothed share of people at each score.

    Returns
    -------
    DataFrame
        One row per cell with at least 11 people, indexed by `band` and `sessions`; one column per
        score, rising; a row adds up to 1.
    """
    wide = counts.pivot_table(
        index=["band", "sessions"],
        columns="score",
        values="n",
        aggfunc="sum",
        observed=True,
    ).fillna(0.0)
    large = wide[wide.sum(axis=1) >= FEWEST]
    share = large.div(large.sum(axis=1), axis=0)
    before, after = (
        share.reindex([(band, k + step) for band, k in share.index]).to_numpy(float)
        for step in (-1, 1)
    )
    number = share.index.get_level_values("sessions").to_numpy(int)
    inner = (
        (number > 1)
        & ~np.isnan(before[:, :1].sum(axis=1))
        & ~np.isnan(after[:, :1].sum(axis=1))
    )
    smooth = (
        NEIGHBOURS[0] * before
        + NEIGHBOURS[1] * share.to_numpy()
        + NEIGHBOURS[2] * after
    )
    return pd.DataFrame(
        np.where(inner[:, None], smooth, share),
        index=share.index,
        columns=share.columns,
    )


def _quantiles(cells: pd.DataFrame, band: str, sessions: int) -> list[float]:
    """Quantiles of one cell, between scores along the line through the middle of each step."""
    if (band, sessions) not in cells.index:
        return [np.nan] * len(QUANTILES)
    share = cells.to_numpy(float)[cells.index.get_loc((band, sessions))]
    there = share > 0
    middle = (np.cumsum(share) - share / 2)[there]
    return np.interp(
        list(QUANTILES.values()), middle, cells.columns.to_numpy(float)[there]
    ).tolist()


def percentiles(cells: pd.DataFrame, rows: pd.DataFrame, sign: int = 1) -> Array:
    """How many percent of its cell each score is worse than; a score equal to it counts half.

    Parameters
    ----------
    cells : DataFrame
        From `cell_shares`.
    rows : DataFrame
        `band` `sessions` `score`.
    sign : int
        +1 where higher is worse.

    Returns
    -------
    float64, one per row
        NaN where the cell has fewer than 11 people.
    """
    values = cells.columns.to_numpy(float)
    share = cells.to_numpy(float)
    reached = np.cumsum(np.hstack([np.zeros((len(cells), 1)), share]), axis=1)
    place = cells.index.get_indexer(
        pd.MultiIndex.from_arrays([rows["band"].astype(object), rows["sessions"]])
    )
    below = np.searchsorted(values, rows["score"].to_numpy(float), side="left")
    upto = np.searchsorted(values, rows["score"].to_numpy(float), side="right")
    lower = (
        100 * (reached[place, below] + reached[place, upto]) / 2
        if len(cells)
        else np.full(len(rows), np.nan)
    )
    return np.where(place < 0, np.nan, lower if sign > 0 else 100 - lower)


@question("expected_course", asks="What is the usual course of people who began alike?")
def expected_course(cohort: DerivedCohort) -> Result:
    """Quantiles of the score by session number and baseline band, in this cohort.

    Returns
    -------
    Result
        See `estimate` for the table. Refused when no cell holds 11 people.
    """
    table = estimate(count(cohort))
    if table.empty:
        error = NotIdentified(
            "no baseline band has 11 people scored after the same number of sessions.",
            "a score before the first session, and one after each session.",
        )
        return release(refusal("expected_course", cohort, error, _ESTIMAND), cohort)
    result = Result(
        name="expected_course",
        table=table,
        roles=ROLES,
        show=tuple(column for column in ROLES if column != "key"),
        sentence=_sentence(table),
        estimand=_ESTIMAND,
        caveats=(
            (
                f"Cells with fewer than {FEWEST} people are empty. Smoothed over neighbouring"
                " sessions 1:2:1."
            ),
            (
                f"First score after each session, at most {cohort.criteria.state_holds_days} days"
                " later."
            ),
            (
                "Later sessions are those of people who stayed: describes this clinic, not what a"
                " patient would gain by staying."
            ),
        ),
        made_from=made_from(cohort, unit="points"),
    )
    return release(result, cohort)


def _sentence(table: pd.DataFrame) -> str:
    """The largest band, at its start and at session 4, or its last session before."""
    band = table.groupby("band", observed=True)["n"].max().idxmax()
    shown = table[
        (table["band"] == band) & table["estimate"].notna() & (table["sessions"] <= 4)
    ]
    first = shown["key"].iloc[0]
    last = shown["key"].iloc[-1]
    return (
        f"Half of the {{{first}.n}} people who began {band} scored {{{first}.estimate}} or less"
        f" at the start, and half of the {{{last}.n}} with a score after session"
        f" {{{last}.sessions}} scored {{{last}.estimate}} or less then."
    )
