"""Buckets of whole patients: nothing is lost, moved or read otherwise on the way to them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import kettrack as kt
from kettrack.errors import DataProblems, UsageError
from kettrack.memory import TooLittleMemory, free_memory_mb
from kettrack.pooling.counts import added, count_people
from kettrack.reading.cohort import Cohort
from kettrack.reading.sharded.bucket_numbers import bucket_number
from kettrack.reading.sharded.manifest import bucket_path
from kettrack.sharding import checked_buckets, make, source_files, source_text, told

TABLES = ("sessions", "scores", "patients", "events")
SESSIONS = "patient_id,day\na,0\na,3\nb,0\n"
SCORES = "patient_id,day,instrument,score\na,-1,PHQ-9,20\na,7,PHQ-9,9\nb,-1,PHQ-9,15\n"


@pytest.fixture(scope="module")
def sample() -> Cohort:
    return kt.load_cohort(kt.sample_folder())


@pytest.fixture(scope="module")
def buckets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample in a few buckets; nobody changes it."""
    place = tmp_path_factory.mktemp("sharded") / "buckets"
    kt.shard(kt.sample_folder(), place, buckets=3)
    return place


@pytest.fixture
def copied(buckets: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(buckets, tmp_path / "copied"))


def written(folder: Path, sessions: str = SESSIONS, scores: str = SCORES) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "sessions.csv").write_bytes(sessions.encode())
    (folder / "scores.csv").write_bytes(scores.encode())
    return folder


def require_equal(found: Cohort, expected: Cohort) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))
    pd.testing.assert_frame_equal(found.exclusions, expected.exclusions)
    assert found.settings == expected.settings
    assert found.provenance == expected.provenance
    assert found.truths == expected.truths


def problems_of(folder: Path, place: Path, **options: object) -> set[str]:
    with pytest.raises(DataProblems) as caught:
        kt.shard(folder, place, **options)  # type: ignore[arg-type]
    assert not place.exists()
    # Neither a draft nor a work folder is left behind.
    assert not list(place.parent.glob(".kettrack-*"))
    return {f"{one.file}: {one}" for one in caught.value.problems}


def said(folder: Path) -> set[str]:
    with pytest.raises(DataProblems) as caught:
        kt.load_cohort(folder)
    return {f"{one.file}: {one}" for one in caught.value.problems}


# ---- the same as all rows at once


def test_all_buckets_are_the_cohort(buckets: Path, sample: Cohort) -> None:
    whole = kt.load_cohort(buckets)
    require_equal(whole, sample)
    assert set(whole.notes) == set(sample.notes)


def test_a_patient_is_in_the_bucket_that_the_code_says(buckets: Path) -> None:
    # The check value that every description of CRC-32 names, and one of the sample's own.
    assert bucket_number("123456789", 2**32) == 0xCBF43926
    assert bucket_number("S001", 2**32) == 0x520FAC09
    folder = kt.open_sharded(buckets)
    seen: list[str] = []
    for number in range(3):
        for name in TABLES:
            codes = getattr(folder.bucket(number), name)["patient_id"].unique()
            assert {bucket_number(code, 3) for code in codes} <= {number}
        seen += folder.bucket(number).patients["patient_id"].tolist()
    assert len(seen) == len(set(seen)) == folder.manifest.n_patients


def test_rows_of_patients_are_as_from_all_rows(buckets: Path, sample: Cohort) -> None:
    folder = kt.open_sharded(buckets)
    for name, table in {
        "outcomes": kt.outcomes_table,
        "timeline": kt.timeline_table,
        "events": kt.state_events_table,
        "courses": kt.courses_table,
    }.items():
        rows = pd.concat(kt.rows_by_bucket(name, folder))
        # Within a patient the order is that of the table.
        whole = rows.sort_values("patient_id", kind="stable").reset_index(drop=True)
        pd.testing.assert_frame_equal(whole, table(sample))


def test_files_say_their_types_and_their_order(buckets: Path) -> None:
    file = pq.ParquetFile(buckets / bucket_path("scores", 1))
    schema = file.schema_arrow
    assert schema.field("day").type == pa.int32()
    assert schema.field("score").type == pa.float64()
    assert schema.field("item_1").type == pa.int32()
    about = json.loads(schema.metadata[b"kettrack"])
    assert about["bucket"] == 1
    assert about["sorted_by"] == ["patient_id", "instrument", "day", "timing"]


# ---- whatever the files look like


def test_blocks_of_a_text_are_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Cohort
) -> None:
    source = tmp_path / "source"
    shutil.copytree(kt.sample_folder(), source)
    text = (source / "scores.csv").read_text(encoding="utf-8")
    # Excel in Europe: marks, semicolons, title lines, two signs at line ends.
    text = "Export of the clinic\n\n" + text.replace(",", ";").replace(";", '";"')
    lines = [f'"{line}"' if ";" in line else line for line in text.splitlines()]
    (source / "scores.csv").write_bytes("\r\n".join(lines).encode("utf-16"))
    monkeypatch.setattr(source_text, "BLOCK_BYTES", 100_000)
    monkeypatch.setattr(source_text, "_STRETCH", 30_001)
    expected = kt.load_cohort(source)
    kt.shard(source, tmp_path / "buckets", buckets=2)
    require_equal(kt.load_cohort(tmp_path / "buckets"), expected)


def test_a_line_end_inside_a_cell_ends_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f'p{n},{n},"a\nb"' for n in range(200)]
    sessions = "patient_id,day,remark\n" + "\n".join(rows) + "\n"
    scores = "patient_id,day,instrument,score\np3,3,PHQ-9,x\n"
    source = written(tmp_path / "source", sessions + "p1,y,\n", scores)
    monkeypatch.setattr(source_text, "BLOCK_BYTES", 500)
    monkeypatch.setattr(source_text, "_STRETCH", 100)
    found = problems_of(source, tmp_path / "buckets", buckets=2)
    assert found == said(source)
    assert any("line 402" in one for one in found)


def test_a_mark_that_is_never_closed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"p{n},{n}\n" for n in range(200))
    source = written(tmp_path / "source", f'patient_id,day\n"{rows}')
    monkeypatch.setattr(source_text, "BLOCK_BYTES", 200)
    monkeypatch.setattr(source_text, "_STRETCH", 100)
    found = problems_of(source, tmp_path / "buckets")
    assert any("never closed" in one for one in found)


def test_parquet_is_read_part_by_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Cohort
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for file in kt.sample_folder().glob("*.csv"):
        pq.write_table(pacsv.read_csv(file), source / f"{file.stem}.parquet")
    monkeypatch.setattr(source_files, "ROWS_A_PART", 1 << 17)
    kt.shard(source, tmp_path / "buckets", buckets=2)
    require_equal(kt.load_cohort(tmp_path / "buckets"), kt.load_cohort(source))


def test_what_only_a_late_part_has_does_not_vanish(tmp_path: Path) -> None:
    source = written(tmp_path / "source", "patient_id,day\n007,0\n8,0\n")
    (source / "scores.csv").unlink()
    parts = source / "scores"
    parts.mkdir()
    head = "patient_id,day,instrument,score"
    (parts / "part-1.csv").write_text(f"{head}\n007,-1,PCL-5,20\n")
    late = ",".join(f"item_{n}" for n in range(1, 10))
    answers = ",".join(["1"] * 9)
    (parts / "part-2.csv").write_text(
        f"{head},{late}\n007,7,PHQ-9,,{answers}\n8,7,PROMIS Depression,55.4{',' * 9}\n"
    )
    (parts / "_SUCCESS").touch()
    made = kt.shard(source, tmp_path / "buckets", buckets=2)
    whole = kt.load_cohort(tmp_path / "buckets")
    # Noughts at the front, a late column and a late decimal.
    assert whole.patients["patient_id"].tolist() == ["007", "8"]
    assert whole.scores["item_9"].notna().sum() == 1
    assert whole.scores["score"].tolist() == [20.0, 9.0, 55.4]
    assert list(made.source) == [
        "scores/part-1.csv",
        "scores/part-2.csv",
        "sessions.csv",
    ]


def test_a_problem_names_the_part_and_its_line(tmp_path: Path) -> None:
    source = written(tmp_path / "source")
    (source / "scores.csv").unlink()
    parts = source / "scores"
    parts.mkdir()
    (parts / "1.csv").write_text(SCORES)
    (parts / "2.csv").write_text("patient_id,day,instrument,score\nb,9,PHQ-9,31\n")
    found = problems_of(source, tmp_path / "buckets", buckets=2)
    assert [one for one in found if one.startswith("scores/2.csv: line 2, score: '31'")]


def test_a_code_through_a_float_meets_itself(tmp_path: Path) -> None:
    source = written(
        tmp_path / "source",
        "patient_id,day\n1,0\n2,0\n3,0\n",
        "patient_id,day,instrument,score\n1.0,-1,PHQ-9,20\n2.0,-1,PHQ-9,20\n3.0,0,PHQ-9,5\n",
    )
    kt.shard(source, tmp_path / "buckets", buckets=3)
    require_equal(kt.load_cohort(tmp_path / "buckets"), kt.load_cohort(source))


# ---- mistakes


def test_all_problems_of_all_buckets_are_told_at_once(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(kt.sample_folder(), source)
    lines = (source / "scores.csv").read_text(encoding="utf-8").splitlines()
    columns = lines[0].split(",")
    score = columns.index("score")
    for number in range(10, 2000, 97):
        cells = lines[number].split(",")
        cells[score] = "999"
        lines[number] = ",".join(cells)
    (source / "scores.csv").write_text("\n".join(lines), encoding="utf-8")
    (source / "sessions.csv").write_text("patient_id,dag\nS001,0\n")
    found = problems_of(source, tmp_path / "buckets", buckets=4)
    assert said(source) <= found
    assert any("line 11" in one for one in found)


def test_what_is_decided_otherwise_in_another_bucket_stops(tmp_path: Path) -> None:
    # Of one bucket the days have a 0, of the other none: read alone, it would be a study clock.
    names = [f"p{n}" for n in range(8)]
    first = [name for name in names if bucket_number(name, 2) == 0]
    sessions = "patient_id,day\n" + "".join(
        f"{name},{0 if name in first else 1}\n{name},{5}\n" for name in names
    )
    scores = "patient_id,day,instrument,score\n" + "".join(
        f"{name},-1,PHQ-9,20\n" for name in names
    )
    source = written(tmp_path / "source", sessions, scores)
    found = problems_of(source, tmp_path / "buckets", buckets=2)
    assert any("the clock that days are counted on" in one for one in found)
    assert any("make fewer buckets" in one for one in found)
    kt.shard(source, tmp_path / "one", buckets=1)
    require_equal(kt.load_cohort(tmp_path / "one"), kt.load_cohort(source))


def test_codes_that_differ_by_nothing_meant_are_noted(tmp_path: Path) -> None:
    sessions = "patient_id,day\n" + "".join(
        f"P{n:03d},0\np{n},0\n" for n in range(1, 9)
    )
    scores = "patient_id,day,instrument,score\nP001,-1,PHQ-9,20\n"
    source = written(tmp_path / "source", sessions, scores)
    made = kt.shard(source, tmp_path / "buckets", buckets=4)
    expected = [
        one for one in kt.load_cohort(source).notes if "16 patient codes" in one
    ]
    assert [one for one in made.notes if "16 patient codes" in one] == expected != []


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        (["1 row was x.", "3 rows were x."], "4 rows were x."),
        (["3 rows were x.", "3 rows were x."], "In 2 of 2 buckets: 3 rows were x."),
        (["PHQ-9 is x.", "PHQ-9 is x."], "PHQ-9 is x."),
        (["PHQ-9 is x."], "In 1 of 2 buckets: PHQ-9 is x."),
        (["2 of 30 days", "4 of 30 days"], "In 2 of 2 buckets, such as: 2 of 30 days"),
    ],
)
def test_notes_of_parts_say_what_is_true_of_the_whole(
    notes: list[str], expected: str
) -> None:
    parts = [told.Found(notes=[note]) for note in notes]
    parts += [told.Found()] * (2 - len(parts))
    assert told.notes_of_buckets(parts) == [expected]


# ---- stopped, and begun again


def test_a_run_that_was_stopped_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "buckets"
    real = checked_buckets.check_bucket
    checked: list[int] = []

    def check(source: object, number: int, work: object) -> object:
        checked.append(number)
        if checked == [0, 1, 2]:
            raise KeyboardInterrupt
        return real(source, number, work)  # type: ignore[arg-type]

    monkeypatch.setattr(make, "check_bucket", check)
    with pytest.raises(KeyboardInterrupt):
        kt.shard(kt.sample_folder(), place, buckets=4)
    assert not place.exists()
    kt.shard(kt.sample_folder(), place, buckets=4)
    assert checked == [0, 1, 2, 2, 3]
    assert not list(tmp_path.glob(".kettrack-*"))
    require_equal(kt.load_cohort(place), kt.load_cohort(kt.sample_folder()))


def test_a_changed_source_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "source")
    place = tmp_path / "buckets"

    def stop(*_anything: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(make, "check_bucket", stop)
        with pytest.raises(KeyboardInterrupt):
            kt.shard(source, place, buckets=2)
    written(source, scores=SCORES.replace("20", "21"))
    kt.shard(source, place, buckets=2)
    assert kt.load_cohort(place).scores["score"].tolist() == [21, 9, 15]


def test_a_source_that_changes_on_the_way_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "source")
    real = make.check_bucket

    def meanwhile(*given: object) -> object:
        written(source, scores=SCORES + "b,9,PHQ-9,3\n")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(make, "check_bucket", meanwhile)
    with pytest.raises(UsageError, match="was changed while it was read"):
        kt.shard(source, tmp_path / "buckets", buckets=1)
    assert not (tmp_path / "buckets").exists()


# ---- files that are not as they were written


def test_a_column_that_nobody_asks_for_is_not_read(
    buckets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    whole = pq.ParquetFile.read

    def noted(file: pq.ParquetFile, columns: list[str]) -> pa.Table:
        read.extend(columns)
        return whole(file, columns)

    monkeypatch.setattr(pq.ParquetFile, "read", noted)
    cohort = kt.open_sharded(buckets).bucket(0)
    kt.outcomes_table(cohort)
    assert {"patient_id", "day", "score"} <= set(read)
    assert not {"systolic_peak", "adverse_events", "cost"} & set(read)
    # Those of two tables come once for each; the codes of patients are listed first.
    assert max(read.count(name) for name in {*read} - {"patient_id", "day"}) == 1
    assert cohort.sessions["systolic_peak"].notna().any()


def test_a_column_of_another_type_is_noticed_before_it_is_read(copied: Path) -> None:
    rows = pq.read_table(copied / bucket_path("sessions", 1))
    place = rows.column_names.index("systolic_peak")
    as_text = rows["systolic_peak"].cast(pa.string())
    rewrite(copied, "sessions", 1, rows.set_column(place, "systolic_peak", as_text))
    with pytest.raises(DataProblems):
        kt.open_sharded(copied).bucket(1)


def test_a_changed_file_is_not_believed(copied: Path) -> None:
    path = copied / bucket_path("scores", 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataProblems, match="it was changed since"):
        kt.load_cohort(copied)


def rewrite(folder: Path, table: str, number: int, rows: pa.Table) -> None:
    """Another content of a bucket, in whose list everything agrees."""
    path = folder / bucket_path(table, number)
    before = path.read_bytes()
    pq.write_table(rows, path)
    listed = folder / "shards.json"
    text = listed.read_text()
    for data, new in ((before, path.read_bytes()),):
        text = text.replace(sha256(data), sha256(new))
    listed.write_text(text)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_order_that_a_file_says_it_has_is_verified(copied: Path) -> None:
    rows = pq.read_table(copied / bucket_path("scores", 1))
    rewrite(copied, "scores", 1, rows.take(np.arange(len(rows))[::-1]))
    with pytest.raises(DataProblems, match="rows in the order"):
        kt.open_sharded(copied).bucket(1)


def test_a_patient_of_another_bucket_is_noticed(copied: Path) -> None:
    for table in TABLES:
        rows = pq.read_table(copied / bucket_path(table, 2))
        rewrite(copied, table, 1, rows)
    with pytest.raises(DataProblems, match="patients of bucket 1 alone"):
        kt.open_sharded(copied).bucket(1)


def test_a_patient_whom_nobody_lists_is_noticed(copied: Path) -> None:
    rows = pq.read_table(copied / bucket_path("scores", 2))
    rewrite(copied, "scores", 1, rows)
    with pytest.raises(DataProblems, match="as kettrack shard has written it"):
        kt.open_sharded(copied).bucket(1)


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"format": "kettrack sharded cohort"}', "\ud83d"]
)
def test_a_list_that_is_none_is_told(copied: Path, text: str) -> None:
    (copied / "shards.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataProblems, match=r"shards\.json"):
        kt.load_cohort(copied)


def test_a_list_cannot_lead_out_of_its_folder(copied: Path) -> None:
    listed = json.loads((copied / "shards.json").read_text())
    listed["rows"]["../scores"] = listed["rows"]["scores"]
    (copied / "shards.json").write_text(json.dumps(listed))
    with pytest.raises(DataProblems, match=r"shards\.json"):
        kt.load_cohort(copied)


def test_settings_that_were_changed_afterwards_are_refused(copied: Path) -> None:
    with (copied / "kettrack.toml").open("a") as file:
        file.write("\n# later\n")
    with pytest.raises(DataProblems, match="shard it again"):
        kt.load_cohort(copied)


def test_what_was_decided_cannot_be_decided_again(buckets: Path) -> None:
    with pytest.raises(UsageError, match="duplicates"):
        kt.load_cohort(buckets, duplicates="worst")
    with pytest.raises(UsageError, match="remark"):
        kt.load_cohort(buckets, allow=["remark"])
    assert kt.load_cohort(buckets, instrument="MADRS").instrument.name == "MADRS"


# ---- where it does not fit


def test_too_little_memory_says_how_much_is_needed(
    buckets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kettrack.memory.free_memory_mb", lambda: 100)
    with pytest.raises(TooLittleMemory, match=r"600 people at once.* 100 MB are free"):
        kt.load_cohort(buckets)


def test_a_log_end_is_chosen_for_all_buckets_alike(tmp_path: Path) -> None:
    source = written(tmp_path / "source")
    (source / "patients.csv").write_text("patient_id,observed_to_day\na,70\nb,\n")
    choice = 'log_complete_to = "last session or score of each patient"\n'
    (source / "kettrack.toml").write_text(choice)
    kt.shard(source, tmp_path / "buckets", buckets=2)
    expected = kt.load_cohort(source)
    require_equal(kt.load_cohort(tmp_path / "buckets"), expected)
    folder = kt.open_sharded(tmp_path / "buckets")
    for number in range(2):
        assert folder.bucket(number).settings == expected.settings


# ---- questions


def test_a_question_that_needs_all_rows_says_so(buckets: Path) -> None:
    folder = kt.open_sharded(buckets)
    with pytest.raises(UsageError, match="'waterfall' needs all rows at once"):
        kt.estimate_by_bucket("waterfall", folder)


@pytest.mark.parametrize("policy", ["internal", "midpoint6"])
def test_a_summary_is_that_of_all_rows(buckets: Path, policy: str) -> None:
    folder = kt.open_sharded(buckets, policy=policy)
    whole = kt.load_cohort(kt.sample_folder(), policy=policy)
    found = json.loads(kt.summarise_by_bucket(folder, "A").to_json())
    expected = json.loads(kt.summarise(whole, "A").to_json())
    for name, question in expected["questions"].items():
        for table, content in question["tables"].items():
            rows = found["questions"][name]["tables"][table]["rows"]
            assert sorted(map(str, rows)) == sorted(map(str, content["rows"])), name
    del found["questions"], expected["questions"]
    assert found == expected


def test_a_place_where_something_else_is_stays(buckets: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "thesis.txt").write_text("years")
    with pytest.raises(UsageError, match="not empty"):
        kt.shard(kt.sample_folder(), kept)
    with pytest.raises(UsageError, match="was not made by kettrack shard"):
        kt.shard(kt.sample_folder(), kept, replace=True)
    with pytest.raises(UsageError, match="in buckets already"):
        kt.shard(buckets, tmp_path / "again")
    with pytest.raises(UsageError, match="or lies in it"):
        kt.shard(buckets.parent, buckets, replace=True)
    with pytest.raises(UsageError, match="1 to 4,096"):
        kt.shard(kt.sample_folder(), tmp_path / "none", buckets=0)
    assert (kept / "thesis.txt").read_text() == "years"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_memory_that_is_free_is_what_the_system_says() -> None:
    said = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    free = free_memory_mb()
    assert said is not None
    # It changes from moment to moment, and a container may leave less.
    assert free is not None
    assert 0 < free < 2 * int(said[1]) * 1024 // 1_000_000


def test_a_blank_form_is_judged_alike_in_all_buckets(tmp_path: Path) -> None:
    # In one bucket all forms have items but a 0; in the other no form has any.
    names = [f"p{n}" for n in range(8)]
    head = "patient_id,day,instrument,score," + ",".join(
        f"item_{n}" for n in range(1, 10)
    )
    filled = f"9,{','.join(['1'] * 9)}"
    blank = f"0{',' * 9}"
    rows = []
    for name in names:
        first = blank if bucket_number(name, 2) else filled
        rows += [f"{name},-1,PHQ-9,{first}", f"{name},7,PHQ-9,{blank}"]
    sessions = "patient_id,day\n" + "".join(f"{name},0\n" for name in names)
    source = written(tmp_path / "source", sessions, "\n".join([head, *rows]) + "\n")
    found = problems_of(source, tmp_path / "buckets", buckets=2)
    assert any("PHQ-9 totals of 0 without an item" in one for one in found)


def test_a_run_that_was_stopped_at_its_end_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "buckets"

    def stop(*_anything: object) -> None:
        raise KeyboardInterrupt

    # The files are on their way to their place, and only the list is missing.
    with monkeypatch.context() as patched:
        patched.setattr(make, "write_shard_list", stop)
        with pytest.raises(KeyboardInterrupt):
            kt.shard(kt.sample_folder(), place, buckets=2)
    assert not place.exists()
    (left,) = tmp_path.glob(".kettrack-*")
    assert left.stat().st_mode & 0o077 == 0
    kt.shard(kt.sample_folder(), place, buckets=2)
    require_equal(kt.load_cohort(place), kt.load_cohort(kt.sample_folder()))


def test_files_that_cannot_be_read_are_told_as_ever(tmp_path: Path) -> None:
    source = written(tmp_path / "source", scores="")
    (source / "sessions.csv").unlink()
    (source / "sessions.parquet").write_bytes(b"PAR1 and no more")
    assert problems_of(source, tmp_path / "buckets", buckets=2) == said(source)
    # Names and no row, and a table that is not there.
    (source / "sessions.parquet").unlink()
    (source / "scores.csv").write_text("patient_id,day,instrument,score\n")
    assert problems_of(source, tmp_path / "buckets", buckets=2) == said(source)


def test_two_columns_of_one_name_are_told_as_ever(tmp_path: Path) -> None:
    source = written(tmp_path / "source", "patient_id,day,day\na,0,1\nb,0,1\n")
    assert problems_of(source, tmp_path / "buckets", buckets=1) == said(source)


def test_what_is_left_out_is_added_up(tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(8)]
    twice = "".join(f"{name},0,NA\n" * 2 for name in names)
    scores = "patient_id,day,instrument,score\np1,-1,PHQ-9,20\n"
    source = written(tmp_path / "source", f"patient_id,day,dose_mg\n{twice}", scores)
    made = kt.shard(source, tmp_path / "buckets", buckets=2)
    expected = kt.load_cohort(source)
    require_equal(kt.load_cohort(tmp_path / "buckets"), expected)
    # Eight rows, four of them in each bucket; words for nothing are counted over all.
    for part in ("Left out: 8 rows of 8 patients", "16 cells were read as empty"):
        told_of_whole = [one for one in expected.notes if part in one]
        assert [one for one in made.notes if part in one] == told_of_whole != []


def test_one_log_with_an_end_is_enough_for_all_buckets(tmp_path: Path) -> None:
    first, other = (
        next(name for name in "abcdefgh" if bucket_number(name, 2) == number)
        for number in range(2)
    )
    sessions = f"patient_id,day\n{first},0\n{other},0\n"
    scores = f"patient_id,day,instrument,score\n{first},-1,PHQ-9,20\n"
    source = written(tmp_path / "source", sessions, scores)
    ends = f"patient_id,observed_to_day\n{first},70\n{other},\n"
    (source / "patients.csv").write_text(ends)
    kt.shard(source, tmp_path / "buckets", buckets=2)
    folder = kt.open_sharded(tmp_path / "buckets")
    counts = [count_people(folder.bucket(number), ["ladder"]) for number in range(2)]
    assert {one.rules.log_end_known for one in counts} == {True, False}
    assert added(counts).rules.log_end_known
