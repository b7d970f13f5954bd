"""Curves under a policy that hides: steps are taken together until they may be shown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import sample_answer

from kettrack.privacy import disclosure
from kettrack.privacy.policies import get_policy
from kettrack.privacy.release.cells import Printed, ReleaseCell, read_counts
from kettrack.privacy.release.merging import merged_curve
from kettrack.privacy.release.protect import without
from kettrack.privacy.release.step_blocks import (
    blocks_of,
    counted_columns,
    one_curve,
)
from kettrack.vocabulary.made_of import IncidenceCurve

CURVE = IncidenceCurve(
    step="session",
    n="n",
    at_risk="at_risk",
    causes={"estimate": "well", "left": "new_left", "moved": "new_moved"},
    censored="log_ends",
    ends=("ci_low", "ci_high"),
    free="still",
    sums={"at_most": ("estimate", "left")},
    half_by=("half_by", "half_low", "half_high"),
)
SMALLEST = 11


def curve(well, left, moved, log_ends, n):
    """A table before the gate: its figures play no part, so they are only there."""
    table = pd.DataFrame(
        {
            "session": range(1, len(well) + 1),
            "n": n,
            "well": well,
            "new_left": left,
            "new_moved": moved,
            "log_ends": log_ends,
        }
    )
    gone = table[["well", "new_left", "new_moved", "log_ends"]].sum(axis=1)
    return table.assign(at_risk=n - gone.cumsum().shift(fill_value=0))


def sums(table, column):
    return table[column].dropna().astype(int).cumsum().to_dict()


@pytest.mark.parametrize(
    ("well", "left", "moved", "shown"),
    [
        # Session by session enough: every row stays.
        ([20, 15, 12], [12, 11, 13], [0, 0, 0], [0, 1, 2]),
        # 4 and 8 are too few, and 12 together; others enough in each.
        ([20, 4, 8], [12, 11, 13], [0, 0, 0], [0, 2]),
        # The last session alone may not be shown, so it takes the one before it along.
        ([20, 15, 3], [12, 11, 13], [0, 0, 0], [0, 2]),
        # Few would be left after it, so the curve ends before.
        ([20, 15, 12], [12, 11, 71], [0, 0, 0], [0, 1]),
        # Nobody responds later, and nobody is not hidden.
        ([20, 0, 0], [12, 11, 13], [0, 0, 0], [0, 1, 2]),
        # Others count together: 6 and 5 who left or moved are 11.
        ([20, 15, 12], [6, 6, 6], [5, 5, 5], [0, 1, 2]),
        # Never enough.
        ([3, 2, 1], [1, 1, 1], [0, 0, 0], []),
    ],
)
def test_rows_are_taken_together_until_they_may_be_shown(well, left, moved, shown):
    table = merged_curve(CURVE, curve(well, left, moved, [0, 0, 0], 150), SMALLEST)
    assert np.flatnonzero(table["estimate"].notna()).tolist() == shown
    exact = np.cumsum(well)
    for row in shown:
        assert sums(table, "well")[row] == exact[row]
        assert table["estimate"][row] == pytest.approx(100 * exact[row] / 150)


def test_columns_go_before_rows():
    """Who left is known by the end, who moved is too few: the two are told together."""
    exact = curve([20, 15, 12], [9, 8, 14], [3, 3, 4], [0, 0, 0], 150)
    table = merged_curve(CURVE, exact, SMALLEST)
    assert table["estimate"].notna().all()
    # 31 left and 10 moved: with one of the two the other would follow.
    assert table[["new_left", "new_moved", "left", "moved"]].isna().all(axis=None)
    blocks = blocks_of(CURVE, table)
    assert blocks.others.tolist() == [12, 11, 18]


def test_one_of_three_others_stands_by_the_end_alone():
    three = replace(CURVE, causes=CURVE.causes | {"died": "new_died"}, sums={})
    exact = curve([20, 15, 12], [9, 8, 14], [3, 5, 4], [0, 0, 0], 170)
    exact["new_died"] = [4, 4, 3]
    exact["at_risk"] -= exact["new_died"].cumsum().shift(fill_value=0)
    table = merged_curve(three, exact, SMALLEST)
    assert table["new_left"].tolist() == [pd.NA, pd.NA, 31]
    assert table["left"].iloc[-1] == pytest.approx(100 * 31 / 170)


def test_whoever_stopped_is_told_before_larger_numbers_of_others():
    """12 left, 9 moved, 30 died: one of them must go. Who left stands beside who got well."""
    three = replace(CURVE, causes=CURVE.causes | {"died": "new_died"}, sums={})
    exact = curve([20, 15, 12], [4, 4, 4], [4, 3, 2], [0, 0, 0], 170)
    exact["new_died"] = [10, 10, 10]
    exact["at_risk"] -= exact["new_died"].cumsum().shift(fill_value=0)
    table = merged_curve(three, exact, SMALLEST)
    # With 30 told as well, the 9 who moved would follow.
    assert table["new_left"].tolist() == [pd.NA, pd.NA, 12]
    assert table["new_died"].isna().all()


def test_few_logs_that_end_are_followed_on():
    exact = curve([20, 15, 12], [12, 11, 13], [0, 0, 0], [4, 3, 2], 150)
    table = merged_curve(CURVE, exact, SMALLEST)
    assert table["log_ends"].isna().all()
    assert table["estimate"].iloc[-1] == pytest.approx(100 * 47 / 150)
    # 4 + 7 of the first two sessions may be told together.
    exact = curve([20, 15, 12], [12, 11, 13], [0, 0, 0], [4, 7, 2], 150)
    assert merged_curve(CURVE, exact, SMALLEST)["log_ends"].tolist() == [
        pd.NA,
        11,
        pd.NA,
    ]


counts = st.lists(st.integers(0, 30), min_size=6, max_size=6)


@given(counts, counts, counts, counts, st.integers(0, 40))
def test_no_number_of_a_curve_is_small(well, left, moved, log_ends, rest):
    people = sum([*well, *left, *moved, *log_ends, rest])
    exact = curve(well, left, moved, log_ends, people)
    table = merged_curve(CURVE, exact, SMALLEST)
    for column in counted_columns(CURVE):
        known = table[column].dropna().astype(int)
        assert ((known == 0) | (known >= SMALLEST)).all()
        # What is told is true: the sum up to this step.
        true = exact[column].cumsum()
        assert (known.cumsum() == true[known.index]).all()
    blocks = blocks_of(CURVE, table)
    if blocks is None:
        return
    others = exact["new_left"] + exact["new_moved"]
    assert (np.cumsum(blocks.others) == others.cumsum()[blocks.rows]).all()
    assert ((blocks.others == 0) | (blocks.others >= SMALLEST)).all()


@pytest.mark.parametrize("policy", ["cms", "opensafely"])
def test_a_sentence_tells_the_last_session_that_is_shown(policy):
    exact = sample_answer("response_by_session")
    gated = disclosure.apply(replace(exact, policy=""), policy)
    shown = gated.table[gated.table["estimate"].notna()]
    assert 1 < len(shown) < len(exact.table)
    # Who stopped is told by the last of them alone, and the sentence tells both.
    told = shown.loc[shown["stopped"].notna(), "session"].tolist()
    assert told == [7]
    assert "responded by session 7 of their first course" in gated.text
    # Logs that end before it blur the share of one way to leave by a little.
    last = exact.table["session"].eq(7)
    true = exact.table.loc[last, "stopped"].item()
    assert shown["stopped"].iloc[-1] == pytest.approx(true, abs=0.5)


def test_a_curve_reads_as_the_sums_that_it_shows():
    exact = sample_answer("response_by_session")
    gated = disclosure.apply(replace(exact, policy=""), "cms")
    read = read_counts({"t": Printed.of(replace(gated, name="t"))})
    true = exact.table.set_index("session")["new_responded"].cumsum()
    told = {cell: n for cell, n in read.items() if "new_responded" in cell.column}
    assert len(told) > 1
    for cell, n in told.items():
        assert n == true[int(cell.row.removeprefix("to "))]
    smallest = get_policy("cms").smallest_count
    assert all(n == 0 or n >= smallest for n in told.values())


@pytest.mark.parametrize(
    ("row", "column", "left"),
    [
        # One of the other causes goes alone; the curve stays.
        ("to 3", "sum of new_left", [0, 1, 2]),
        # A step of the curve takes those after it along.
        ("to 2", "sum of well", [0]),
        ("to 3", "sum of the others", [0, 1]),
        # Without its people there is no curve.
        ("1", "n", []),
    ],
)
def test_what_must_go_takes_what_hangs_on_it_along(row, column, left):
    exact = curve([20, 15, 12], [12, 11, 13], [0, 0, 0], [0, 0, 0], 150)
    roles = {"session": "key", "n": "denominator", "at_risk": "running"}
    roles |= dict.fromkeys(counted_columns(CURVE), "count")
    table = merged_curve(CURVE, exact, SMALLEST)
    # As if one of its numbers was hidden already.
    table["log_ends"] = pd.array([pd.NA] * 3, "Int64")
    shorter = without(
        Printed(table, roles, CURVE), [ReleaseCell("t", row, column)], "t"
    ).table
    assert np.flatnonzero(shorter["estimate"].notna()).tolist() == left
    if column == "sum of new_left":
        assert pd.isna(shorter["left"].iloc[2])


@pytest.mark.parametrize("ticks", [1, 7])
def test_logs_that_end_among_the_steps_of_a_row_do_not_lower_the_curve(ticks):
    """Each day 3 % of those at risk respond, 3 % leave and 4 % of the logs end: told by rows of so
    many days, the curve is that of the days.
    """
    people = 30_000
    days = 14
    left = (1 - 0.06) * (1 - 0.04)
    at_risk = people * left ** np.arange(days)
    well = at_risk * 0.03
    gone = at_risk * 0.03
    ends = (at_risk - well - gone) * 0.04
    rows = np.arange(days).reshape(-1, ticks)
    by_row = [
        np.rint(each[rows].sum(axis=1)).astype(int) for each in (well, gone, ends)
    ]
    share = 100 * 0.03 / 0.06 * (1 - (1 - 0.06) ** days)
    exact = curve(by_row[0], by_row[1], 0 * by_row[0], by_row[2], people)
    recipe = replace(CURVE, ticks=ticks)
    # All rows apart, and all of them taken together: then it would be 5 too low.
    for smallest, rows in ((SMALLEST, days // ticks), (by_row[0][:-1].sum() + 1, 1)):
        table = merged_curve(recipe, exact, int(smallest))
        assert table["estimate"].notna().sum() == rows
        assert table["estimate"].iloc[-1] == pytest.approx(share, abs=2)
        blocks = blocks_of(recipe, table)
        others = by_row[1].cumsum()[blocks.rows]
        assert np.cumsum(blocks.others).tolist() == others.tolist()


def test_several_curves_in_one_table_are_not_taken_together():
    two = pd.concat([curve([9], [9], [9], [9], 50)] * 2)
    assert one_curve([CURVE], two) is None
