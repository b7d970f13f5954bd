"""Cohorts of a few kinds of people, each kind written in one line."""

from __future__ import annotations

import pandas as pd

import kettrack as kt
from kettrack.settings import Settings


def people(
    text: str, sessions: str = "0 3 7 10 14 17", observed_to: int = 140, **settings: str
) -> kt.Cohort:
    """Cohort with the same sessions for everybody, as many as were planned.

    Each line is one kind of people: their number, and their scores as `day:score`. The score of day
    0 is from before the first session.
    """
    scores: list[dict[str, object]] = []
    names: list[str] = []
    for line in text.strip().splitlines():
        number, _, written = line.partition("|")
        for _ in range(int(number)):
            names.append(f"P{len(names):03d}")
            for word in written.split():
                day, score = map(int, word.split(":"))
                timing = None if day else "before"
                row = {"patient_id": names[-1], "day": day, "score": score}
                scores.append(row | {"timing": timing})
    days = [int(day) for day in sessions.split()]
    given = [{"patient_id": name, "day": day} for name in names for day in days]
    patients = pd.DataFrame({"patient_id": names, "observed_to_day": observed_to})
    return kt.cohort_from_frames(
        pd.DataFrame(given),
        pd.DataFrame(scores).assign(instrument="PHQ-9"),
        patients.assign(planned_sessions=len(days)),
        settings=Settings(**settings),
    )
