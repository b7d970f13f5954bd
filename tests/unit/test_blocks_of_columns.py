"""A column that comes in blocks says in each row what stands in it, however blocks are coded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettrack.reading.near_numbers import near_numbers
from kettrack.reading.raw import Cells, Encoder

FARTHEST = [-(2**63), -(2**63) + 1, -1, 0, 2**62, 2**63 - 2, 2**63 - 1]
# Close together in most blocks, with a number far away in some.
NUMBERS = st.one_of(
    st.none(),
    st.integers(-3, 3),
    st.integers(100, 400),
    st.sampled_from(FARTHEST),
)
DECIMALS = st.one_of(st.none(), st.sampled_from([0.5, 7.25, 12.0, -0.0, 3.0]))
BLOCKS = st.one_of(
    st.tuples(st.just(pa.int64()), st.lists(st.lists(NUMBERS), min_size=1)),
    st.tuples(st.just(pa.float64()), st.lists(st.lists(DECIMALS), min_size=1)),
    st.tuples(
        st.just(pa.bool_()),
        st.lists(st.lists(st.one_of(st.none(), st.booleans())), min_size=1),
    ),
)


def cells_of(kind: pa.DataType, blocks: list[list[object]]) -> Cells:
    encoder = Encoder()
    for block in blocks:
        encoder.add(pa.array(block, kind))
    return encoder.cells()


def as_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if float(value).is_integer() else repr(value)


@given(BLOCKS)
def test_every_row_says_what_stands_in_it(kind_and_blocks):
    kind, blocks = kind_and_blocks
    cells = cells_of(kind, blocks)
    told = [cells.levels[code] if code >= 0 else None for code in cells.codes]
    assert told == [as_text(value) for block in blocks for value in block]
    assert len(set(cells.levels)) == len(cells.levels)
    assert cells.counts.all()


def test_numbers_of_several_blocks_rise():
    cells = cells_of(pa.int64(), [[7, 5], [None, 300, 6], [5]])
    assert cells.levels.tolist() == ["5", "6", "7", "300"]
    assert cells.codes.tolist() == [2, 0, -1, 3, 1, 0]


@pytest.mark.parametrize("n_numbers", [100, 127, 128, 1000])
def test_numbers_that_no_row_has_are_told(n_numbers: int):
    values = np.arange(0, n_numbers, 3)
    near = near_numbers(pa.array([*values.tolist(), None, n_numbers - 1]))
    expected = np.zeros(n_numbers, dtype=bool)
    expected[[*values, n_numbers - 1]] = True
    assert near is not None
    assert near.used.tolist() == expected.tolist()
