"""Whatever columns and words are called: a map that was written is read as it was."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.importing.import_map import ImportMap, TableMap, WideBlock
from kettrack.importing.map_file import read_map
from kettrack.importing.map_writing import write_map
from kettrack.importing.remarks import OpenQuestion

RUNS = settings(max_examples=60, deadline=None, derandomize=True)
# A surrogate is no text that a file can hold.
A_NAME = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(
    ["a.b", '"', "'", "\\", "#", "=", "[x]", "a\nb", "\t", "\r", "\x7f", "Ä ö", "'''"]
)
SOME = st.lists(A_NAME, min_size=3, max_size=3, unique=True)


@RUNS
@given(SOME, A_NAME, A_NAME)
def test_names_of_any_kind(names: list[str], word: str, answer: str) -> None:
    first, second, third = names
    wide = WideBlock(
        columns={second: 14, third: None},
        dates={third: first},
        constants={"instrument": word},
    )
    scores = TableMap(
        source=first,
        to="scores",
        columns={"patient_id": second, "date": third},
        values={"timing": {word: "before"}, "score": {answer: ""}},
        where={first: (word, answer), second: ()},
        wide=(wide,),
    )
    plan = ImportMap(
        kind="text",
        tables=(scores,),
        answers={first: answer},
        unused={second: {third: word}},
    )
    question = OpenQuestion(key=second, asks=word, choices=(answer, third), why=first)
    with TemporaryDirectory() as folder:
        path = write_map(
            plan, Path(folder) / "map.toml", [question], {(first, "date"): word}
        )
        assert read_map(path) == plan
