"""Totals from items: each instrument's own rule, and nothing made of an incomplete form."""

import itertools

import numpy as np
import pytest

from kettrack.vocabulary.instruments import (
    CADSS,
    CSSRS,
    HAMD17,
    IDS_SR30,
    PHQ9,
    PROMIS_DEPRESSION,
    QIDS_SR16,
)
from kettrack.vocabulary.totals import total_bounds, total_from_items

GAP = float("nan")


def total(instrument, *answers):
    return total_from_items(instrument, np.array([answers], dtype=float))[0]


def qids(**changed):
    """All sixteen answers 0, but for those named `i1` to `i16`."""
    return [float(changed.get(f"i{number}", 0)) for number in range(1, 17)]


def ids(**changed):
    return [float(changed.get(f"i{number}", 1)) for number in range(1, 31)]


@pytest.mark.parametrize(
    ("instrument", "answers", "expected"),
    [
        pytest.param(PHQ9, [3] * 9, 27, id="PHQ-9 sums nine items"),
        pytest.param(PHQ9, [1] * 9 + [3], 9, id="PHQ-9 item 10 never counts"),
        pytest.param(PHQ9, [3] * 8 + [GAP], GAP, id="PHQ-9 with a gap has no total"),
        pytest.param(PHQ9, [3] * 8, GAP, id="PHQ-9 with a column too few has no total"),
        pytest.param(HAMD17, HAMD17.item_maxima, 52, id="HAMD-17 reaches its maximum"),
        pytest.param(CADSS, [0] * 23, 0, id="nothing is 0, not missing"),
        pytest.param(
            QIDS_SR16,
            qids(i1=1, i2=3, i4=2),
            3,
            id="QIDS sleep counts once, by its worst item",
        ),
        pytest.param(
            QIDS_SR16, qids(i6=1, i9=2), 2, id="QIDS appetite and weight count once"
        ),
        pytest.param(
            QIDS_SR16,
            qids(i6=GAP, i7=2, i8=1, i9=GAP),
            2,
            id="QIDS 6 or 7, and 8 or 9, may be blank",
        ),
        pytest.param(
            QIDS_SR16,
            qids(i6=GAP, i7=GAP),
            GAP,
            id="QIDS with 6 and 7 blank has no total",
        ),
        pytest.param(
            QIDS_SR16, qids(i15=3, i16=GAP), GAP, id="QIDS with 16 blank has no total"
        ),
        pytest.param(QIDS_SR16, [3.0] * 16, 27, id="QIDS reaches its maximum"),
        pytest.param(IDS_SR30, ids(i11=GAP, i14=GAP), 28, id="IDS counts 28 of 30"),
        pytest.param(
            IDS_SR30,
            ids(i11=GAP, i12=GAP),
            GAP,
            id="IDS with 11 and 12 blank has no total",
        ),
        pytest.param(
            CSSRS,
            [1, 1, 0, 1, 0],
            4,
            id="C-SSRS is the highest yes, not the number of them",
        ),
        pytest.param(CSSRS, [0] * 5, 0, id="C-SSRS none"),
        pytest.param(
            CSSRS, [1, 0, GAP, GAP, GAP], 1, id="C-SSRS asks no more after a no to 2"
        ),
        pytest.param(
            CSSRS, [0, 0, GAP, 1, GAP], 4, id="C-SSRS a yes counts where none was asked"
        ),
        pytest.param(
            CSSRS, [0, GAP, GAP, GAP, GAP], GAP, id="C-SSRS a blank 2 is no no"
        ),
        pytest.param(
            CSSRS, [1, 1, 0, 1, GAP], GAP, id="C-SSRS at least 4 is no number"
        ),
        pytest.param(
            CSSRS, [1, 1, 0, GAP, GAP], GAP, id="C-SSRS unknown above the highest yes"
        ),
        pytest.param(
            CSSRS,
            [GAP, GAP, GAP, GAP, 1],
            5,
            id="C-SSRS needs nothing below the highest yes",
        ),
        pytest.param(PROMIS_DEPRESSION, [1] * 8, 38.2, id="PROMIS lowest raw sum"),
        pytest.param(PROMIS_DEPRESSION, [3] * 8, 62.1, id="PROMIS raw 24"),
        pytest.param(PROMIS_DEPRESSION, [5] * 8, 81.3, id="PROMIS highest raw sum"),
        pytest.param(
            PROMIS_DEPRESSION, [3] * 7 + [GAP], GAP, id="PROMIS needs all items"
        ),
    ],
)
def test_total(instrument, answers, expected):
    assert total(instrument, *answers) == pytest.approx(expected, nan_ok=True)


def test_promis_table_has_one_rising_value_for_each_raw_sum():
    assert len(PROMIS_DEPRESSION.t_values) == 33
    assert list(PROMIS_DEPRESSION.t_values) == sorted(set(PROMIS_DEPRESSION.t_values))


def test_bounds_take_each_gap_at_its_ends():
    low, high = total_bounds(PHQ9, np.array([[3.0] * 7 + [GAP] * 2]))
    assert (low[0], high[0]) == (21, 27)


def test_bounds_know_that_the_other_alternative_was_rightly_left_blank():
    answers = np.array([qids(i1=GAP, i6=GAP, i7=1, i9=GAP)])
    low, high = total_bounds(QIDS_SR16, answers)
    assert (low[0], high[0]) == (1, 4)


def test_bounds_know_what_the_form_skips():
    low, high = total_bounds(
        CSSRS,
        np.array([[1.0, 0, GAP, GAP, GAP], [1, 1, 0, 1, GAP], [1, 1, 1, GAP, GAP]]),
    )
    assert list(zip(low, high, strict=True)) == [(1, 1), (4, 5), (3, 5)]


def test_every_screener_says_what_its_completions_say():
    """All 243 patterns of yes, no and blank against every way to complete them."""
    wrong = []
    for form in itertools.product((0, 1, None), repeat=5):
        possible = set()
        for whole in itertools.product((0, 1), repeat=5):
            fits = all(
                said in (None, answer) for said, answer in zip(form, whole, strict=True)
            )
            # Questions 3 to 5 that are blank were only asked after a yes to 2.
            unasked = whole[1] == 0 and any(
                form[i] is None and whole[i] for i in (2, 3, 4)
            )
            if fits and not unasked:
                yes = [number for number, answer in enumerate(whole, start=1) if answer]
                possible.add(max(yes, default=0))
        answers = np.array([[GAP if said is None else said for said in form]], float)
        low, high = total_bounds(CSSRS, answers)
        known = np.isfinite(total_from_items(CSSRS, answers)[0])
        if (low[0], high[0], known) != (
            min(possible),
            max(possible),
            len(possible) == 1,
        ):
            wrong.append(form)
    assert wrong == []
