"""Files are whole or not there, and the same frame gives the same bytes."""

import pandas as pd
import pytest

from kettrack.errors import UsageError
from kettrack.writing import whole_file, write_table, write_text

FRAME = pd.DataFrame(
    {
        "patient_id": ["001", "b"],
        "well": pd.array([True, None], dtype="boolean"),
        "score": [1.5, None],
    }
)


def test_csv_is_plain(tmp_path):
    path = write_table(FRAME, tmp_path / "out.csv")
    assert path.read_bytes() == b"patient_id,well,score\n001,TRUE,1.5\nb,,\n"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_same_frame_gives_the_same_bytes(tmp_path, ending):
    first = write_table(FRAME, tmp_path / f"a.{ending}").read_bytes()
    assert write_table(FRAME.copy(), tmp_path / f"b.{ending}").read_bytes() == first


def test_parquet_comes_back(tmp_path):
    back = pd.read_parquet(write_table(FRAME, tmp_path / "out.parquet"))
    assert back["patient_id"].tolist() == ["001", "b"]
    assert back["score"].isna().tolist() == [False, True]


def test_an_error_leaves_the_old_file_and_no_scraps(tmp_path):
    write_text("old", tmp_path / "page.html")
    with pytest.raises(RuntimeError):
        write_half(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("path", ["out.xlsx", "nowhere/out.csv"])
def test_what_cannot_be_written_is_said(tmp_path, path):
    with pytest.raises(UsageError):
        write_table(FRAME, tmp_path / path)


def test_text_is_never_a_formula(tmp_path):
    frame = pd.DataFrame(
        {
            "site": ["=1+1", "+cmd", "-x", "@a", "-5", "north", None],
            "score": [-1, -2, 0, 0, 0, 0, 0],
        }
    )
    path = write_table(
        frame.assign(kind=frame["site"].astype("category")), tmp_path / "out.csv"
    )
    cells = [line.split(",")[0] for line in path.read_text().splitlines()[1:]]
    assert cells == ["'=1+1", "'+cmd", "'-x", "'@a", "-5", "north", ""]
    assert path.read_text().splitlines()[1] == "'=1+1,-1,'=1+1"


def write_half(path):
    with whole_file(path) as draft:
        draft.write_text("half")
        raise RuntimeError
