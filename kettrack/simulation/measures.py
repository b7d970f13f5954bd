"""What is recorded with a PHQ-9 total: its items, now and then a GAD-7, and a MADRS in some
patients.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.detail import OtherScales
from kettrack.simulation.history import ScoreLog
from kettrack.vocabulary.instruments import GAD7, MADRS, PHQ9

ITEM_NAMES = tuple(f"item_{i}" for i in range(1, PHQ9.n_items + 1))
HIGHEST_ANSWER = 3
OTHER_ITEMS = PHQ9.n_items - 1
_CHUNK = 100_000  # rows whose items are drawn at once, to keep memory small


def _suicidality(
    scores: ScoreLog, n: int, scales: OtherScales, rng: np.random.Generator
) -> Ints:
    """Answer to item 9: a person's own proneness plus severity, cut at equal steps, kept possible
    for the total.
    """
    prone = scales.suicidality_person_sd * rng.standard_normal(n)[scores.who]
    error = scales.suicidality_error_sd * rng.standard_normal(len(scores.who))
    latent = (
        scales.suicidality_intercept
        + scales.suicidality_slope * scores.severity
        + prone
        + error
    )
    answer = np.clip(
        np.ceil(np.round(latent / scales.suicidality_step, 9)), 0, HIGHEST_ANSWER
    ).astype(np.int64)
    lowest = np.maximum(scores.score - OTHER_ITEMS * HIGHEST_ANSWER, 0)
    return np.clip(answer, lowest, np.minimum(scores.score, HIGHEST_ANSWER))


def _share_out(
    total: Ints, liking: Floats, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Share totals over the first eight items: of 24 points, the `total` with the highest keys are
    given.

    The keys of an item's three points are sorted by chance plus the item's liking, so nothing
    exceeds 3 and all add up.
    """
    keys = np.repeat(liking, HIGHEST_ANSWER, axis=1) + rng.gumbel(
        size=(len(total), OTHER_ITEMS * HIGHEST_ANSWER)
    )
    place = np.argsort(
        np.argsort(-np.round(keys, 9), axis=1, kind="stable"), axis=1, kind="stable"
    )
    given = place < total[:, None]
    return given.reshape(len(total), OTHER_ITEMS, HIGHEST_ANSWER).sum(axis=2)


def draw_items(
    scores: ScoreLog, n: int, scales: OtherScales, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Answers to the nine items of each score (rows × 9); they add up to the total."""
    own = np.asarray(scales.item_weight) + scales.item_person_sd * rng.standard_normal(
        (n, OTHER_ITEMS)
    )
    ninth = _suicidality(scores, n, scales, rng)
    pages = []
    for start in range(0, len(ninth), _CHUNK):
        rows = slice(start, start + _CHUNK)
        shared = _share_out(
            scores.score[rows] - ninth[rows], own[scores.who[rows]], rng
        )
        pages.append(np.column_stack([shared, ninth[rows]]))
    return np.concatenate(pages)


def phq9_rows(
    scores: ScoreLog, n: int, scales: OtherScales, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per PHQ-9: total and items; in a few one item is missing, and with it the total."""
    items = pd.DataFrame(
        draw_items(scores, n, scales, rng), columns=list(ITEM_NAMES)
    ).astype("Int64")
    incomplete = rng.random(len(items)) < scales.incomplete
    left_out = rng.integers(0, PHQ9.n_items, len(items))
    for place, name in enumerate(ITEM_NAMES):
        items[name] = items[name].mask(incomplete & (left_out == place))
    total = pd.Series(scores.score).astype("Int64").mask(incomplete)
    return pd.DataFrame(
        {"row": np.arange(len(total)), "instrument": PHQ9.name, "score": total}
    ).join(items)


def _other_scale(
    name: str, severity: Floats, highest: float, taken: Bools
) -> pd.DataFrame:
    score = np.clip(np.rint(np.round(severity, 9)), 0, highest).astype(np.int64)
    rows = np.flatnonzero(taken)
    return pd.DataFrame(
        {
            "row": rows,
            "instrument": name,
            "score": pd.Series(score[rows]).astype("Int64"),
        }
    )


def gad7_rows(
    scores: ScoreLog, anxious: Bools, scales: OtherScales, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per GAD-7, taken with most PHQ-9s: moves with depression around the person's own
    level.
    """
    own = scales.gad7_person_sd * rng.standard_normal(len(anxious))
    own += scales.gad7_anxiety * (anxious - anxious.mean())
    severity = (
        scales.gad7_intercept + scales.gad7_slope * scores.severity + own[scores.who]
    )
    severity += scales.gad7_error_sd * rng.standard_normal(len(scores.who))
    return _other_scale(
        GAD7.name,
        severity,
        GAD7.maximum,
        rng.random(len(scores.who)) < scales.gad7_share,
    )


def madrs_rows(
    scores: ScoreLog, n: int, scales: OtherScales, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per MADRS: in some patients, always with the scores before the first session, now and
    then later.
    """
    rated = (rng.random(n) < scales.madrs_people)[scores.who]
    severity = scales.madrs_intercept + scales.madrs_slope * scores.severity
    severity += scales.madrs_error_sd * rng.standard_normal(len(scores.who))
    taken = rated & (
        (scores.day <= 0) | (rng.random(len(scores.who)) < scales.madrs_share)
    )
    return _other_scale(MADRS.name, severity, MADRS.maximum, taken)
