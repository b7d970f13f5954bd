"""Whatever stands in a file that comes in: it is read, or told as a problem. It is never a fault of
kettrack, and never a warning.

`make fuzz` tries for long what the suite tries in seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.errors import KettrackError
from kettrack.importing.map_file import read_map
from kettrack.pooling.summary_file import read_summary
from kettrack.privacy.release.manifest import read_manifest
from kettrack.reading.load import load_cohort
from kettrack.resources import sample_folder

# Of one kind of file; `make fuzz` sets more.
EXAMPLES = int(os.environ.get("KETTRACK_FUZZ", "25"))
SESSIONS = (
    "patient_id,day,order,drug,route,dose_mg,weight_kg,adverse_events,serious\n"
    "a1,0,1,ketamine,iv,40,70,nausea;headache,false\nb2,0,,,,,,,\nb2,4,1,esketamine,,56,,,1\n"
)
SCORES = (
    "patient_id,day,instrument,score,timing,item_1\n"
    "a1,-1,PHQ-9,20,before,2\nb2,-1,PHQ-9,15,,1\nb2,9,MADRS,12,after,\n"
)
PATIENTS = (
    "patient_id,age,sex,site,observed_to_day,stop_reason\n"
    "a1,90+,female,A,90,\nb2,41,male,B,9,cost\n"
)
TOML = (
    'instrument = "PHQ-9"\npolicy = "internal"\nextract = "all to 2025"\n[columns.scores]\n'
    'score = "score"\n[instruments.Mood]\nminimum = 0\nmaximum = 10\n'
    'direction = "higher is worse"\n[criteria.own]\ninstrument = "Mood"\n'
    'response = { measure = "percent_change", operator = "at most", limit = -50 }\n'
    'remission = false\n[status]\nkept = "observed"\n'
)
MAP = (
    'kind = "text"\n[[tables]]\nsource = "visits.csv"\nto = "sessions"\n[tables.columns]\n'
    'patient_id = "Record"\ndate = "Visit"\ndrug = "Given"\n[tables.where]\nWhat = ["Infusion"]\n'
    '[tables.units]\nweight_kg = "lb"\n[tables.values.drug]\n"K" = "ketamine"\n[answers]\n'
    '"date_order.visits.csv.Visit" = "day first"\n'
)
SITE = (
    '{"format": "kettrack site summary", "schema": 1, "site": "A", "policy": "internal",'
    ' "people": 20, "rules": {"instrument": "PHQ-9"}, "questions": {"ladder": {"k": [1, 2]}},'
    ' "not_counted": {}}'
)
# What breaks readers elsewhere: marks, ends of lines, numbers without end, halves of letters.
PIECES = st.sampled_from(
    [
        *(
            '"',
            "'",
            '"""',
            ",",
            ";",
            "\t",
            "\n",
            "\r",
            "\r\n",
            "\x00",
            "\x1a",
            "\ufeff",
        ),
        *(
            "[",
            "]",
            "{",
            "}",
            "=",
            "==",
            "#",
            "\\",
            "\\u0000",
            ".",
            "..",
            "-",
            "+",
            "%",
        ),
        *(
            "nan",
            "inf",
            "-inf",
            "1e400",
            "-0",
            "0x1",
            "1_000",
            "9" * 30,
            "9" * 400,
            "1e20",
        ),
        *(
            "true",
            "null",
            "None",
            "NA",
            "=1+1",
            "90+",
            "2024-01-05",
            "12:30",
            "é",
            "ＡＢ",
        ),
        *("\ud7ff", "\u202e", "\U0001f600", "patient_id", "score", "PHQ-9", " " * 50),
    ]
)
BYTES = PIECES.map(lambda text: text.encode()) | st.binary(min_size=1, max_size=4)
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), BYTES), min_size=1, max_size=4
)
Change = list[tuple[float, int, bytes]]


def changed(text: str, changes: Change) -> bytes:
    """A text with some stretches of it replaced."""
    content = text.encode()
    for share, n_gone, piece in changes:
        begin = int(share * len(content))
        content = content[:begin] + piece + content[begin + n_gone :]
    return content


def read_or_told(read: Callable[[], object]) -> None:
    told = None
    try:
        read()
    except KettrackError as error:
        told = error
    # A problem has words, and the exit code of bad input or of a refusal.
    if told is not None:
        assert str(told).strip()
        assert told.exit_code in (2, 3)


@pytest.mark.parametrize(
    "name", ["sessions.csv", "scores.csv", "patients.csv", "kettrack.toml"]
)
@settings(max_examples=EXAMPLES)
@given(changes=CHANGES)
def test_a_folder_with_a_broken_file(name: str, changes: Change) -> None:
    files = {
        "sessions.csv": SESSIONS,
        "scores.csv": SCORES,
        "patients.csv": PATIENTS,
        "kettrack.toml": TOML,
    }
    with TemporaryDirectory() as place:
        folder = Path(place)
        for one, text in files.items():
            content = changed(text, changes) if one == name else text.encode()
            (folder / one).write_bytes(content)
        read_or_told(lambda: load_cohort(folder))


@pytest.mark.parametrize(
    ("text", "read"),
    [(MAP, read_map), (SITE, read_summary), (SITE, read_manifest)],
    ids=["map", "site", "manifest"],
)
@settings(max_examples=EXAMPLES * 2)
@given(changes=CHANGES)
def test_a_broken_file_of_settings(
    text: str, read: Callable[[Path], object], changes: Change
) -> None:
    with TemporaryDirectory() as place:
        file = Path(place) / "file"
        file.write_bytes(changed(text, changes))
        read_or_told(lambda: read(file))


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small table as Parquet."""
    import pandas as pd

    path = tmp_path_factory.mktemp("parquet") / "sessions.parquet"
    frame = pd.read_csv(sample_folder() / "sessions.csv", nrows=3, dtype=str)
    frame[["patient_id", "day"]].to_parquet(path, index=False)
    return path.read_bytes()


@settings(max_examples=EXAMPLES)
@given(cut=st.floats(0, 1))
def test_parquet_that_is_cut_off(parquet: bytes, cut: float) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "scores.csv").write_text(SCORES, encoding="utf-8")
        (folder / "sessions.parquet").write_bytes(parquet[: int(cut * len(parquet))])
        read_or_told(lambda: load_cohort(folder))
