"""What a death changes in answers that follow people over time."""

import pandas as pd
import pytest

import kettrack as kt
from kettrack.timelines.derived import derive

SESSION_DAYS = (0, 4, 8, 12, 16, 20)
DIED_ON = 41
PEOPLE = [f"p{number:02d}" for number in range(24)]


def clinic(dead_to: int = 399, event: str = "death"):
    """Everybody responds by day 25 and is scored to day 32; every second person dies on day 41, and
    their logs go on to `dead_to`.
    """
    sessions = [(name, day) for name in PEOPLE for day in SESSION_DAYS]
    scores = [(name, -1, 20) for name in PEOPLE]
    scores += [(name, day, 8) for name in PEOPLE for day in (25, 32)]
    dead = PEOPLE[::2]
    return derive(
        kt.cohort_from_frames(
            pd.DataFrame(sessions, columns=["patient_id", "day"]),
            pd.DataFrame(scores, columns=["patient_id", "day", "score"]).assign(
                instrument="PHQ-9"
            ),
            pd.DataFrame(
                {
                    "patient_id": PEOPLE,
                    "observed_to_day": [
                        dead_to if name in dead else 399 for name in PEOPLE
                    ],
                }
            ),
            events=pd.DataFrame({"patient_id": dead, "day": DIED_ON, "event": event}),
        )
    )


@pytest.mark.parametrize("event", ["death", "suicide"])
def test_nobody_is_in_a_state_after_a_death(event):
    cohort = clinic(event=event)
    segments = cohort.state_segments
    dead = segments["patient_id"].isin(PEOPLE[::2])
    assert segments.loc[dead, "to_day"].max() == DIED_ON
    # A state holds for 28 days after the last score.
    assert segments.loc[~dead, "to_day"].max() == 32 + 28 + 1
    table = kt.estimate("state_occupancy", cohort).table.set_index("week")
    # Week 5 ends on day 35, week 6 on day 42.
    assert table.loc[[5, 6, 8], "response"].tolist() == [24, 12, 12]
    assert table.loc[[5, 6, 8], "log_ended"].tolist() == [0, 12, 12]


@pytest.mark.parametrize("dead_to", [399, 84, DIED_ON])
def test_a_death_is_a_reason_to_stop(dead_to):
    table = kt.estimate("time_to_discontinuation", clinic(dead_to)).table
    week = table[table["week"] == 4].set_index("reason")["events"]
    assert week.to_dict() == {"any_reason": 24, "died": 12, "unknown": 12}


@pytest.mark.parametrize(
    "name",
    [
        "response_by_session",
        "response_by_week",
        "response_by_any_session",
        "time_to_response",
        "worsening_by_week",
        "state_occupancy",
        "time_to_discontinuation",
    ],
)
def test_deaths_are_named_where_people_are_followed(name):
    cohort = clinic()
    said = kt.estimate(name, cohort).caveats
    assert sum(one.startswith("Deaths in this log: 12.") for one in said) == 1
    none = kt.estimate(name, derive(kt.load_cohort(kt.sample_folder()))).caveats
    assert not any("Deaths in this log" in one for one in none)
