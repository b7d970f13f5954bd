"""Who is called not scored: only people whom nobody ever scored again."""

from __future__ import annotations

import pandas as pd
import pytest

import kettrack as kt
from kettrack.settings import Settings

LONG = 400  # days to which every log is complete


def straight_on(
    every: int,
    scored: list[int],
    sessions: int = 24,
    planned: int | None = None,
    score: int = 17,
) -> pd.DataFrame:
    """Table of `response_by_session`: twenty people with a session every so many days, and the same
    score on each day of a list.
    """
    days = [every * step for step in range(sessions)]
    names = [f"P{place:03d}" for place in range(20)]
    given = [{"patient_id": name, "day": day} for name in names for day in days]
    scores = [
        {"patient_id": name, "day": day, "score": 20 if day == 0 else score}
        for name in names
        for day in [0, *scored]
    ]
    patients = pd.DataFrame({"patient_id": names, "observed_to_day": LONG})
    patients["planned_sessions"] = pd.array([planned] * len(names), dtype="Int64")
    cohort = kt.cohort_from_frames(
        pd.DataFrame(given),
        pd.DataFrame(scores).assign(instrument="PHQ-9", timing="before"),
        patients,
        settings=Settings(),
    )
    answer = kt.estimate("response_by_session", cohort)
    assert answer.status == "ok", answer.text
    return pd.DataFrame(answer.table)


def test_plan6_straight_on() -> None:
    """Twice a week for six sessions, then weekly: scored 14 days after the sixth, which is after
    the first booster.
    """
    days = [0, 3, 7, 10, 14, 17, 24, 31, 38, 45, 52]
    names = [f"P{place:03d}" for place in range(20)]
    given = [{"patient_id": name, "day": day} for name in names for day in days]
    scores = [
        {"patient_id": name, "day": day, "score": 17 if day else 20}
        for name in names
        for day in (0, 14, 31, 45)
    ]
    patients = pd.DataFrame({"patient_id": names, "observed_to_day": 140})
    cohort = kt.cohort_from_frames(
        pd.DataFrame(given),
        pd.DataFrame(scores).assign(instrument="PHQ-9", timing="before"),
        patients.assign(planned_sessions=6),
        settings=Settings(),
    )
    answer = kt.estimate("response_by_session", cohort)
    last = answer.table.iloc[-1]
    assert (last["not_scored"], last["scored_later"]) == (0, 100)
    assert "0 % were never scored after its last session" in answer.text
    # nobody knows how they were at the end of the six sessions
    assert last["at_most"] == 100
    assert "If everyone who was not scored in time had responded as well" in answer.text


@pytest.mark.parametrize(
    ("every", "sessions", "planned", "scored"),
    [
        (3, 20, 4, [26]),  # a plan of another number
        (3, 24, None, [68]),  # no plan
        (1, 36, 20, [34]),  # TMS: daily, 20 planned and 36 given
        (1, 36, None, [34]),
        (2, 30, 28, [58]),
        (3, 12, 6, [32]),  # ECT: 6 to 12
        (3, 12, None, [48]),
        (7, 20, 3, [100]),  # scored months later
    ],
)
def test_whoever_is_scored_later_is_not_called_not_scored(
    every: int, sessions: int, planned: int | None, scored: list[int]
) -> None:
    last = straight_on(every, scored, sessions, planned).iloc[-1]
    assert last["not_scored"] == 0
    known = last[["completed", "stopped", "scored_later", "still_in_course"]].sum()
    assert known == pytest.approx(100)


def test_whom_nobody_scored_again_is_still_called_not_scored() -> None:
    last = straight_on(3, [4], planned=6).iloc[-1]
    assert (last["not_scored"], last["scored_later"]) == (100, 0)
    assert last["at_most"] == 100
