"""Scores that were taken and never reached the log, by chance that an analysis may know."""

from __future__ import annotations

from dataclasses import fields, replace
from math import log

import numpy as np

from kettrack.arrays import Ints
from kettrack.simulation.history import History
from kettrack.simulation.scoring import expit


def lose_final_scores(history: History, rng: np.random.Generator) -> History:
    """The history without the final scores that go missing under `LostFinal`; unchanged in a
    scenario without it.
    """
    lost = history.parameters.extras.lost_final
    if lost is None:
        return history
    above = (_last_on_treatment(history) - lost.pivot).astype(np.float64)
    missing = rng.random(history.people.n) < np.round(
        expit(log(lost.missing / (1 - lost.missing)) + lost.slope * above), 12
    )
    scores = history.scores
    kept = ~missing[scores.who] | (scores.day < history.parameters.last_day)
    return replace(
        history,
        scores=type(scores)(
            *(getattr(scores, field.name)[kept] for field in fields(scores))
        ),
    )


def _last_on_treatment(history: History) -> Ints:
    """Last score of each patient up to the day of the last session, the final score apart."""
    scores = history.scores
    n = history.people.n
    last_session = np.full(n, -1)
    np.maximum.at(last_session, history.sessions.who, history.sessions.day)
    on = (scores.day <= last_session[scores.who]) & (
        scores.day < history.parameters.last_day
    )
    last = history.people.first_score.copy()
    # the log is in order of days: the last one written stays
    last[scores.who[on]] = scores.score[on]
    return last
