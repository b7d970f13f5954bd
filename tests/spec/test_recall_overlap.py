"""Neighbouring scores overlap when fewer days lie between them than the instrument looks back
(PHQ-9: 14).
"""

import pytest
from spec.tables import cohort

from kettrack.analysis import estimate

CASES = [
    # sessions, days of the scores, % of neighbours closer than 14 days
    ("0", "-20 3", 0),  # the baseline has its own day: 23 days apart
    ("0", "-1 13", 0),  # 14 days apart: the windows touch
    ("0", "-1 12", 100),
    ("0 7", "-20 3 10", 50),
    ("0", "-1 1 14", 100),  # both scores of one session: 2 and 13 days
    ("0 7", "-3 2 16 20", pytest.approx(200 / 3)),  # 5, 14 and 4 days
    # a session so late begins maintenance: what is asked after it belongs to that
    ("0 13", "-3 2 16 20", 100),
    ("0", "-40 -20 3", 0),  # what was asked before the baseline is no part of it
    ("0", "-20 3 100 105", 0),  # nor what was asked after the course
]


@pytest.mark.parametrize(
    ("sessions", "days", "share"),
    CASES,
    ids=[f"sessions {sessions}, scores {days}" for sessions, days, _ in CASES],
)
def test_share_of_neighbours_closer_together_than_the_questions_look_back(
    sessions: str, days: str, share: float
) -> None:
    people = [f"p{number:02}" for number in range(30)]
    scores = [
        f"{person} | {day} | {20 - place}"
        for person in people
        for place, day in enumerate(days.split())
    ]
    clinic = cohort(
        "\n".join(["patient | day | score", *scores]),
        "\n".join(["patient | days", *(f"{person} | {sessions}" for person in people)]),
        "\n".join(
            ["patient | observed_to_day", *(f"{person} | 200" for person in people)]
        ),
    )
    row = estimate("association", clinic).table.set_index("key").loc["recall_overlap"]
    assert (row["estimate"], row["n"]) == (share, 30)
