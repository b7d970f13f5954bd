"""What is recorded with a PHQ-9 total: its items, now and then a GAD-7, and a MADRS in some
patients.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.detail import OtherScales
from kettrack.simulation.history import ScoreLog
from kettrack.simulation.people import whole_numbers
from kettrack.vocabulary.instruments import GAD7, MADRS, PHQ9

ITEM_NAMES: Final = tuple(f"item_{i}" for i in range(1, PHQ9.n_items + 1))
HIGHEST_ANSWER: Final = 3
OTHER_ITEMS: Final = PHQ9.n_items - 1  # all but the one on suicidality
_CHUNK: Final = 100_000  # rows whose items are drawn at once, to keep memory small


def phq9_rows(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per PHQ-9: total and items; in a few one item is missing, and with it the total."""
    answers = draw_items(
        scores,
        n,
        scales,
        rng,
    )
    items = pd.DataFrame(answers, columns=list(ITEM_NAMES)).astype("Int64")
    incomplete = rng.random(len(items)) < scales.incomplete
    left_out = rng.integers(
        0,
        PHQ9.n_items,
        len(items),
    )
    for place, name in enumerate(ITEM_NAMES):
        items[name] = items[name].mask(incomplete & (left_out == place))
    total = pd.Series(scores.score).astype("Int64").mask(incomplete)
    rows = np.arange(len(total))
    table = pd.DataFrame({"row": rows, "instrument": PHQ9.name, "score": total})
    return table.join(items)


def draw_items(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> Ints:
    """Answers to the nine items of each score (rows × 9); they add up to the total."""
    spread = scales.item_person_sd * rng.standard_normal((n, OTHER_ITEMS))
    liking = np.asarray(scales.item_weight) + spread
    ninth = _suicidality_answers(
        scores,
        n,
        scales,
        rng,
    )
    pages = []
    for start in range(
        0,
        len(ninth),
        _CHUNK,
    ):
        rows = slice(start, start + _CHUNK)
        others = scores.score[rows] - ninth[rows]
        shared = _answers_adding_up_to(
            others,
            liking[scores.who[rows]],
            rng,
        )
        pages.append(np.column_stack([shared, ninth[rows]]))
    return np.concatenate(pages)


def _suicidality_answers(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> Ints:
    """Answer to item 9: a person's own proneness plus severity, cut at equal steps, kept possible
    for the total.
    """
    prone = scales.suicidality_person_sd * rng.standard_normal(n)[scores.who]
    error = scales.suicidality_error_sd * rng.standard_normal(len(scores.who))
    usual = scales.suicidality_intercept + scales.suicidality_slope * scores.severity
    steps = np.round((usual + prone + error) / scales.suicidality_step, 9)
    answer = np.clip(
        np.ceil(steps),
        0,
        HIGHEST_ANSWER,
    ).astype(np.int64)
    # the other items can hold so many points and no more; the rest must be the answer to this one
    lowest = np.maximum(scores.score - OTHER_ITEMS * HIGHEST_ANSWER, 0)
    highest = np.minimum(scores.score, HIGHEST_ANSWER)
    return np.clip(
        answer,
        lowest,
        highest,
    )


def _answers_adding_up_to(
    total: Ints,
    liking: Floats,
    rng: np.random.Generator,
) -> Ints:
    """Share totals over the first eight items: of 24 points, the `total` with the highest keys are
    given.

    The keys of an item's three points are sorted by chance plus the item's liking, so nothing
    exceeds 3 and all add up.
    """
    chance = rng.gumbel(size=(len(total), OTHER_ITEMS * HIGHEST_ANSWER))
    keys = np.round(
        np.repeat(
            liking,
            HIGHEST_ANSWER,
            axis=1,
        )
        + chance,
        9,
    )
    # The order of an order is the rank: 0 for the highest key of a row. Stable, since rounded keys
    # may tie.
    order = np.argsort(
        -keys,
        axis=1,
        kind="stable",
    )
    rank = np.argsort(
        order,
        axis=1,
        kind="stable",
    )
    given = rank < total[:, None]
    return given.reshape(
        len(total),
        OTHER_ITEMS,
        HIGHEST_ANSWER,
    ).sum(axis=2)


def gad7_rows(
    scores: ScoreLog,
    anxious: Bools,
    scales: OtherScales,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per GAD-7, taken with most PHQ-9s: moves with depression around the person's own
    level.
    """
    own = scales.gad7_person_sd * rng.standard_normal(len(anxious))
    # centred, so that the mean of all stays where the intercept puts it
    own += scales.gad7_anxiety * (anxious - anxious.mean())
    usual = scales.gad7_intercept + scales.gad7_slope * scores.severity
    error = scales.gad7_error_sd * rng.standard_normal(len(scores.who))
    severity = usual + own[scores.who] + error
    taken = rng.random(len(scores.who)) < scales.gad7_share
    return _other_scale(
        GAD7.name,
        severity,
        GAD7.maximum,
        taken,
    )


def madrs_rows(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per MADRS: in some patients, always with the scores before the first session, now and
    then later.
    """
    rated = (rng.random(n) < scales.madrs_people)[scores.who]
    usual = scales.madrs_intercept + scales.madrs_slope * scores.severity
    error = scales.madrs_error_sd * rng.standard_normal(len(scores.who))
    now_and_then = rng.random(len(scores.who)) < scales.madrs_share
    taken = rated & ((scores.day <= 0) | now_and_then)
    return _other_scale(
        MADRS.name,
        usual + error,
        MADRS.maximum,
        taken,
    )


def _other_scale(
    name: str,
    severity: Floats,
    highest: float,
    taken: Bools,
) -> pd.DataFrame:
    """One row per score taken, rounded and clipped to the range of the scale."""
    score = np.clip(
        whole_numbers(severity),
        0,
        highest,
    ).astype(np.int64)
    rows = np.flatnonzero(taken)
    taken_scores = pd.Series(score[rows]).astype("Int64")
    return pd.DataFrame({"row": rows, "instrument": name, "score": taken_scores})
