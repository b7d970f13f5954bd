"""The expected course: where people with a similar baseline stood after as many sessions, as on a
growth chart.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.escapes import as_key, in_sentence
from kettrack.reading.cohort import Cohort
from kettrack.result import Role
from kettrack.timelines.bucket import Array, Bucket
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.timelines.events import Baselines
from kettrack.timelines.states import is_assessment
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept

# Weights of the session before, the session itself and the one after.
NEIGHBOURS: Final = (0.25, 0.5, 0.25)
QUANTILES: Final = {
    "q10": 0.10,
    "q25": 0.25,
    "estimate": 0.50,
    "q75": 0.75,
    "q90": 0.90,
}
_CELL: Final = ["band", "sessions"]
KEYS: Final = [*_CELL, "score"]
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "band": "label",
    "sessions": "label",
    "n": "denominator",
    **dict.fromkeys(QUANTILES, "derived"),
}
# Session at which the sentence says where the largest band stood.
_SESSION_SAID: Final = 4


def baseline_bands(baseline: Array, instrument: Instrument) -> Array:
    """Severity band of each baseline, as object; None without a baseline, and one band for all
    where none is published.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> baseline_bands(np.array([14.0, 15.0, np.nan]), PHQ9).tolist()
    ['moderate', 'moderately severe', None]
    """
    edges = [band.low for band in instrument.bands]
    if not edges:
        edges = [instrument.minimum]
    labels = np.array(_band_names(instrument), object)
    # The last band that begins at or below the score; NaN sorts last and is replaced.
    place = np.searchsorted(edges, baseline, side="right") - 1
    place = np.clip(place, 0, len(edges) - 1)
    nothing = np.array(None, object)
    return np.where(np.isnan(baseline), nothing, labels[place])


def _band_names(instrument: Instrument) -> list[str]:
    """Severity bands in rising order; one for all where none is published."""
    names = [band.label for band in instrument.bands]
    return names or ["all"]


def comparable_scores(cohort: Cohort | DerivedCohort) -> pd.DataFrame:
    """Every score that can be set against the expected course.

    Returns
    -------
    DataFrame
        One row per patient and score: `patient_id` `band` (of the baseline) `sessions` (strictly
        before the score; 0 = the baseline itself) `day` `score`. Left out are scores more than
        `state_holds_days` after the last session, and people without a rated baseline, treated
        before the log begins, or on placebo.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> comparable_scores(load_cohort(sample_folder())).sessions.min()
    np.int64(0)
    """
    cohort = derive(cohort)
    bucket = cohort.bucket
    baselines = cohort.baselines
    rated = cohort.rated
    to_date, since = cohort.alignment
    in_time = since <= cohort.criteria.state_holds_days
    after_session = is_assessment(bucket, baselines) & (to_date > 0) & in_time
    usable = after_session & bucket.score_known & rated[bucket.score_patient]
    chosen = np.flatnonzero(usable)
    later = _rows(
        bucket,
        bucket.score_patient[chosen],
        to_date[chosen],
        bucket.score_day[chosen],
        bucket.score[chosen],
    )
    start = np.flatnonzero(rated)
    none_yet = np.zeros(start.size, int)
    first = _rows(
        bucket,
        start,
        none_yet,
        baselines.day[start],
        baselines.score[start],
    )
    out = pd.concat([first, later], ignore_index=True)
    band = _band_of(out, bucket, baselines, cohort.instrument)
    out.insert(1, "band", band)
    order = ["patient_id", "sessions", "day"]
    return out.sort_values(order, kind="stable", ignore_index=True)


def _rows(
    bucket: Bucket,
    patient: Array,
    sessions: Array,
    day: Array,
    score: Array,
) -> pd.DataFrame:
    """Scores of some patients, given by their place in the bucket, as rows of a table."""
    return pd.DataFrame(
        {
            "patient_id": bucket.patient_id[patient],
            "sessions": sessions.astype(int),
            "day": day.astype(int),
            "score": score,
        }
    )


def _band_of(
    rows: pd.DataFrame,
    bucket: Bucket,
    baselines: Baselines,
    instrument: Instrument,
) -> pd.Series:
    """Baseline band of the patient of each row, as an ordered category."""
    who = pd.Index(rows["patient_id"])
    place = bucket.patient_id.get_indexer(who)
    labels = baseline_bands(baselines.score, instrument)
    bands = pd.Categorical(
        labels[place],
        categories=_band_names(instrument),
        ordered=True,
    )
    return pd.Series(bands)


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
    person_session = ["patient_id", "sessions"]
    once = comparable.drop_duplicates(person_session)
    people = once.groupby(KEYS, observed=True).size()
    return people.rename("n").reset_index()


def estimate(counts: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of the score by baseline band and session number.

    A cell with fewer than `FEWEST_PEOPLE` has none. Between two neighbours that are large enough
    the distribution is smoothed over session numbers with weights 1:2:1; the baseline is neither
    smoothed nor a neighbour.

    Returns
    -------
    DataFrame
        One row per cell, to the last session that any band has `FEWEST_PEOPLE` at: `key` `band`
        `sessions` `n` `q10` `q25` `estimate` (median) `q75` `q90`.
    """
    cells = cell_shares(counts)
    people = counts.groupby(_CELL, observed=True)["n"]
    sizes = people.sum().reset_index()
    enough = sizes.loc[sizes["n"] >= FEWEST_PEOPLE, "sessions"]
    # No session is before the baseline, so that -1 leaves no row.
    last = enough.max() if len(enough) else -1
    table = sizes[sizes["sessions"] <= last].reset_index(drop=True)
    where = zip(table["band"], table["sessions"], strict=True)
    quantiles = [_quantiles(cells, band, sessions) for band, sessions in where]
    names = list(QUANTILES)
    found = pd.DataFrame(quantiles, columns=names, dtype=float)
    table = table.join(found)[[*_CELL, "n", *names]]
    bands = table["band"].astype(str).map(as_key)
    keys = bands + "_" + table["sessions"].astype(str)
    table.insert(0, "key", keys)
    return table


def cell_shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Smoothed share of people at each score.

    Returns
    -------
    DataFrame
        One row per cell with at least `FEWEST_PEOPLE`, indexed by `band` and `sessions`; one column
        per score, rising; a row adds up to 1.
    """
    wide = counts.pivot_table(
        index=_CELL,
        columns="score",
        values="n",
        aggfunc="sum",
        observed=True,
    ).fillna(0.0)
    sizes = wide.sum(axis=1)
    enough = sizes >= FEWEST_PEOPLE
    share = wide[enough].div(sizes[enough], axis=0)
    before = _shares_beside(share, -1)
    after = _shares_beside(share, +1)
    number = share.index.get_level_values("sessions").to_numpy(int)
    # A cell that is not there is NaN throughout: the sum of its first column tells, which is 0 and
    # not NaN where there is no column.
    first_before = before[:, :1].sum(axis=1)
    has_before = ~np.isnan(first_before)
    first_after = after[:, :1].sum(axis=1)
    has_after = ~np.isnan(first_after)
    # The baseline, session 0, is no neighbour of session 1.
    inner = (number > 1) & has_before & has_after
    weight_before, weight_here, weight_after = NEIGHBOURS
    smooth = weight_before * before + weight_here * share.to_numpy()
    smooth = smooth + weight_after * after
    chosen = np.where(inner[:, None], smooth, share)
    return pd.DataFrame(
        chosen,
        index=share.index,
        columns=share.columns,
    )


def _shares_beside(share: pd.DataFrame, step: int) -> Floats:
    """Shares of the cell so many sessions on in the same band; NaN where it is not there."""
    beside = [(band, sessions + step) for band, sessions in share.index]
    return share.reindex(beside).to_numpy(np.float64)


def _quantiles(cells: pd.DataFrame, band: str, sessions: int) -> list[float]:
    """Quantiles of one cell, between scores along the line through the middle of each step."""
    if (band, sessions) not in cells.index:
        return [np.nan] * len(QUANTILES)
    row = cells.index.get_loc((band, sessions))
    share = cells.to_numpy(float)[row]
    there = share > 0
    middle = np.cumsum(share) - share / 2
    scores = cells.columns.to_numpy(float)
    asked = list(QUANTILES.values())
    found = np.interp(asked, middle[there], scores[there])
    return found.tolist()


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
        NaN where the cell has fewer than `FEWEST_PEOPLE`.
    """
    values = cells.columns.to_numpy(float)
    # Share of a cell below each score: one column more than there are scores.
    nothing = np.zeros((len(cells), 1))
    shares = np.hstack([nothing, cells.to_numpy(float)])
    reached = np.cumsum(shares, axis=1)
    bands = rows["band"].astype(object)
    cell = pd.MultiIndex.from_arrays([bands, rows["sessions"]])
    place = cells.index.get_indexer(cell)
    if not len(cells):
        return np.full(len(rows), np.nan)
    score = rows["score"].to_numpy(float)
    left = np.searchsorted(values, score, side="left")
    right = np.searchsorted(values, score, side="right")
    below = reached[place, left]
    up_to = reached[place, right]
    lower = 100 * (below + up_to) / 2
    worse = lower if sign > 0 else 100 - lower
    # A place of -1 is no cell.
    return np.where(place < 0, np.nan, worse)


@question(
    "expected_course",
    recipes=(
        Kept(
            values=(
                "estimate",
                "q10",
                "q25",
                "q75",
                "q90",
            ),
            of="n",
        ),
    ),
    asks="What is the usual course of people with similar baselines?",
    unit="points",
    estimand=(
        "Score after the k-th session, among the people with a baseline in the same band who had"
        " k sessions and were scored after them. People who stopped are not in the later rows."
    ),
    roles=ROLES,
    show=tuple(column for column in ROLES if column != "key"),
    count=count,
)
def expected_course(cohort: DerivedCohort) -> Answer:
    """Quantiles of the score by session number and baseline band, in this cohort.

    Returns
    -------
    Result
        See `estimate` for the table. Refused when no cell holds `FEWEST_PEOPLE`.
    """
    table = estimate(count(cohort))
    if table.empty:
        raise NotIdentified(
            f"no baseline band has {FEWEST_PEOPLE} people scored after the same number of"
            " sessions.",
            "a score before the first session, and one after each session.",
        )
    weights = ":".join(f"{weight / min(NEIGHBOURS):g}" for weight in NEIGHBOURS)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            (
                f"Cells with fewer than {FEWEST_PEOPLE} people are empty. The shares are smoothed"
                f" over neighbouring sessions with weights {weights}."
            ),
            (
                "The score is the first after each session, at most"
                f" {cohort.criteria.state_holds_days} days later."
            ),
            (
                "Later sessions are those of people who stayed. The table describes this clinic,"
                " not what a patient would gain by staying."
            ),
        ),
    )


def _sentence(table: pd.DataFrame) -> str:
    """The largest band, at its start and at the session that is said, or its last one before."""
    sizes = table.groupby("band", observed=True)["n"].max()
    band = sizes.idxmax()
    early = table["sessions"] <= _SESSION_SAID
    own = table["band"] == band
    known = table["estimate"].notna()
    shown = table[own & known & early]
    first = shown["key"].iloc[0]
    last = shown["key"].iloc[-1]
    return (
        f"{{{first}.n}} people began in the band '{in_sentence(str(band))}'. At the start,"
        f" half of them scored {{{first}.estimate}} or less. After session"
        f" {{{last}.sessions}}, {{{last}.n}} of these people were scored, and half of"
        f" those scored {{{last}.estimate}} or less."
    )
