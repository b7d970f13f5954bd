"""Rules of fixed weeks: which score stands for a week, and what a missing or a failing week means.

Week w is aimed at day 7 w. Windows of weeks that are far apart reach 7 days to both sides, weekly
ones 3.
"""

import numpy as np
import pytest
from spec.tables import cohort, said, verdicts

from kettrack import published_rules_table
from kettrack.timelines.bucket import bucket_from_arrays
from kettrack.timelines.published.visits import enough_weeks, visit_rows


def weeks_of(days, weeks, reach):
    """Day that stands for each week of one patient, None where there is none."""
    none = np.zeros(len(days), int)
    bucket = bucket_from_arrays(
        1, none, np.array(days), np.ones(len(days)), np.zeros(1, int), np.zeros(1, int)
    )
    rows = visit_rows(bucket, np.ones(len(days), bool), weeks, reach)[0]
    return [None if row < 0 else days[row] for row in rows]


def test_the_closest_score_stands_for_a_week_and_of_two_equally_close_the_earlier():
    assert weeks_of([20, 27, 30], (4,), 7) == [27]
    assert weeks_of([26, 30], (4,), 7) == [26]
    assert weeks_of([21, 35], (4,), 7) == [21]  # seven days on both sides
    assert weeks_of([20, 36], (4,), 7) == [None]  # eight


def test_no_score_stands_for_two_weeks():
    assert weeks_of([35], (4, 6), 7) == [35, None]  # half-way: the earlier week
    assert weeks_of([36], (4, 6), 7) == [None, 36]
    assert weeks_of([31, 32], (4, 5), 3) == [31, 32]
    assert weeks_of([], (4, 6), 7) == [None, None]


def test_szegedi_stable_response_asks_for_half_at_week_4_and_at_week_6():
    clinic = cohort(
        """
        patient  | day | score      # baseline 20: half is 10
        both     |  -1 | 20
        both     |  28 | 10         # exactly half counts
        both     |  42 |  8
        one      |  -1 | 20
        one      |  28 |  9
        one      |  42 | 11
        lacking  |  -1 | 20
        lacking  |  28 |  9
        lacking  |  42 |            # incomplete
        decided  |  -1 | 20
        decided  |  28 | 15         # not half: week 6 no longer matters
        decided  |  60 |  5
        ended    |  -1 | 20
        ended    |  28 |  9         # the log does not reach week 6
        no_base  |  28 |  3
        mild     |  -1 |  9
        mild     |  28 |  2
        mild     |  42 |  2
        """,
        sessions="""
        patient  | days
        both     | 0
        one      | 0
        lacking  | 0 50
        decided  | 0
        ended    | 0
        no_base  | 0
        mild     | 0
        """,
    )
    assert verdicts("Szegedi stable response", clinic) == {
        "both": ("met", "day 28: 10; day 42: 8"),
        "one": ("not_met", "day 28: 9; day 42: 11"),
        "lacking": ("not_scored", "day 28: 9"),
        "decided": ("not_met", "day 28: 15"),
        "ended": ("too_new", "day 28: 9"),
        "no_base": ("no_baseline", "day 28: 3"),
        "mild": ("below_caseness", "day 28: 2; day 42: 2"),
    }


def test_met_and_not_met_are_seen_alike():
    clinic = cohort(
        """
        patient | day | score
        to_48   |  -1 | 20
        to_48   |  28 |  9
        to_48   |  42 |  9         # met already, but the window of week 6 closes on day 49
        to_49   |  -1 | 20
        to_49   |  28 |  9
        to_49   |  42 |  9
        lacking |  -1 | 20
        """,
        patients="""
        patient | observed_to_day
        to_48   | 48
        to_49   | 49
        lacking |
        """,
    )
    assert said("Szegedi stable response", clinic) == {
        "to_48": "too_new",
        "to_49": "met",
        "lacking": "too_new",
    }


def test_szegedi_stable_remission_is_7_or_less_on_the_hamd17():
    clinic = cohort(
        """
        patient | day | score
        at_7    |  -1 | 24
        at_7    |  28 |  7
        at_7    |  42 |  7
        at_8    |  -1 | 24
        at_8    |  28 |  7
        at_8    |  42 |  8
        lacking |  -1 | 24
        lacking |  42 |  7
        """,
        instrument="HAMD-17",
    )
    assert said("Szegedi stable remission", clinic) == {
        "at_7": "met",
        "at_8": "not_met",
        "lacking": "not_scored",
    }


def weekly(name, thirteen, fourteen, fifteen, sixteen):
    """Rows of a patient scored in the last four weeks; empty = incomplete."""
    days = dict(
        zip((91, 98, 105, 112), (thirteen, fourteen, fifteen, sixteen), strict=True)
    )
    return "\n".join(
        [
            f"{name} | -1 | 35",
            *(f"{name} | {day} | {score}" for day, score in days.items()),
        ]
    )


def test_sustain1_stable_remission_allows_one_lapse_and_only_in_week_13_or_14():
    rows = [
        weekly("all_four", 12, 12, 12, 12),
        weekly("above_at_13", 13, 12, 12, 12),
        weekly("above_at_14", 12, 30, 12, 12),
        weekly("above_at_15", 12, 12, 13, 12),
        weekly("above_at_16", 12, 12, 12, 13),
        weekly("missing_13", "", 12, 12, 12),
        weekly("missing_16", 12, 12, 12, ""),
        weekly("both", 13, "", 12, 12),
    ]
    clinic = cohort("\n".join(["patient | day | score", *rows]), instrument="MADRS")
    assert said("SUSTAIN-1 stable remission", clinic) == {
        "all_four": "met",
        "above_at_13": "met",
        "above_at_14": "met",
        "above_at_15": "not_met",
        "above_at_16": "not_met",
        "missing_13": "met",
        "missing_16": "not_met",
        "both": "not_met",
    }


def test_a_recalled_rule_is_applied_only_when_asked_for_and_says_so():
    clinic = cohort(
        "\n".join(
            [
                "patient | day | score",
                weekly("half", 30, 30, 17, 17),
                weekly("lacking", 5, 5, 5, ""),
            ]
        ),
        instrument="MADRS",
    )
    assert said("SUSTAIN-1 stable response", clinic) == {}
    asked = ("SUSTAIN-1 stable response",)
    assert said("SUSTAIN-1 stable response", clinic, asked) == {
        "half": "met",
        "lacking": "not_met",
    }
    table = published_rules_table(clinic, asked)
    assert (table["standing"] == "recalled").sum() == 2
    assert (
        table.loc[table["standing"] == "recalled", "rule"]
        .str.contains(r"\(recalled\)")
        .all()
    )


def test_escape_week_8_counts_the_missing_and_those_who_stopped_as_not_remitted():
    clinic = cohort(
        """
        patient  | day | score
        at_10    |  -1 | 35
        at_10    |  56 | 10
        at_11    |  -1 | 35
        at_11    |  56 | 11
        lacking  |  -1 | 35
        lacking  |  20 |  8
        stopped  |  -1 | 35
        stopped  |  56 |  5
        later    |  -1 | 35
        later    |  56 |  5
        too_new  |  -1 | 35
        too_new  |  20 |  8
        """,
        instrument="MADRS",
        patients="""
        patient  | observed_to_day | stop_day
        at_10    | 100 |
        at_11    | 100 |
        lacking  | 100 |
        stopped  | 100 | 55
        later    | 100 | 56
        too_new  |  62 |
        """,
        sessions="""
        patient  | days
        at_10    | 0 50
        at_11    | 0 50
        lacking  | 0 50
        stopped  | 0 50
        later    | 0 50
        too_new  | 0 50
        """,
    )
    assert said("ESCAPE-TRD remission at week 8", clinic) == {
        "at_10": "met",
        "at_11": "not_met",
        "lacking": "not_met",
        "stopped": "not_met",
        "later": "met",
        "too_new": "too_new",
    }


@pytest.mark.parametrize(
    ("name", "limit"),
    [("NCT03321526 sustained remission", 12), ("NCT03321526 sustained response", 17)],
)
def test_nct03321526_asks_for_weeks_12_18_and_24_and_takes_missing_as_failed(
    name, limit
):
    scores = {
        "at": (limit, limit, limit),
        "above": (limit, limit, limit + 1),
        "lacking": (limit, "", limit),
    }
    rows = [
        f"{patient} | {day} | {score}"
        for patient, three in scores.items()
        for day, score in zip((-1, 84, 126, 168), (34, *three), strict=True)
    ]
    clinic = cohort("\n".join(["patient | day | score", *rows]), instrument="MADRS")
    assert said(name, clinic) == {"at": "met", "above": "not_met", "lacking": "not_met"}


def test_every_week_held_is_enough():
    assert enough_weeks(np.ones((1, 3), bool), np.zeros(3, bool), 0).all()
