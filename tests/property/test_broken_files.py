"""Whatever stands in a file that comes in: it is read, or told as a problem. It is never a fault of
kettrack, and never a warning.

`make fuzz` tries for long what the suite tries in seconds; `guided_fuzz.py` tries the files of
every import too.
"""

from __future__ import annotations

import os

import pytest
from doors import PIECES, Door, folder_doors
from hypothesis import given, settings
from hypothesis import strategies as st

# Of one kind of file; `make fuzz` sets more.
EXAMPLES = int(os.environ.get("KETTRACK_FUZZ", "25"))
BYTES = st.sampled_from(PIECES).map(str.encode) | st.binary(min_size=1, max_size=4)
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), BYTES), min_size=1, max_size=4
)
Change = list[tuple[float, int, bytes]]
DOORS = folder_doors()


def changed(content: bytes, changes: Change) -> bytes:
    """A file with some stretches of it replaced."""
    for share, n_gone, piece in changes:
        begin = int(share * len(content))
        content = content[:begin] + piece + content[begin + n_gone :]
    return content


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
@settings(max_examples=EXAMPLES)
@given(changes=CHANGES)
def test_a_broken_file(door: Door, changes: Change) -> None:
    door.enter(changed(door.seed, changes))


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
@settings(max_examples=max(EXAMPLES // 5, 1))
@given(cut=st.floats(0, 1))
def test_a_file_that_is_cut_off(door: Door, cut: float) -> None:
    door.enter(door.seed[: int(cut * len(door.seed))])


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_the_good_file_is_read(door: Door) -> None:
    """Else what is broken would be judged by files that nobody could read anyway."""
    assert not door.enter(door.seed)


def test_a_file_of_one_line_that_is_no_utf8() -> None:
    """Its last letter takes more bytes once it is UTF-8; one of them was cut off."""
    by_name = {door.name: door for door in DOORS}
    by_name["events.csv"].enter(b"patient_id,day,event,'\x80")
