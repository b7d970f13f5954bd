"""What becomes of a run when memory, disk or rights fail, or when it is ended: one sentence, the
right exit code, the old file whole, and nothing left behind.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pytest

from kettrack.cli import app as program
from kettrack.cli import main
from kettrack.cli.app import ending_of
from kettrack.cli.output import working
from kettrack.errors import DataProblems, NotRead, NotWritten
from kettrack.importing.deidentify.private_files import new_key
from kettrack.memory import is_short_of_memory
from kettrack.reading.load import load_cohort
from kettrack.writing import (
    remove_leftovers,
    whole_file,
    whole_folder,
    write_text,
)

POSIX = pytest.mark.skipif(os.name == "nt", reason="no such thing there")
FULL = OSError(errno.ENOSPC, "No space left on device")
Whole = Callable[[Path], AbstractContextManager[Path]]
TWO_DAYS = 2 * 24 * 60 * 60
SESSIONS = "patient_id,day\na1,0\nb2,0\n"
SCORES = "patient_id,day,instrument,score\na1,-1,PHQ-9,20\nb2,-1,PHQ-9,15\n"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "sessions.csv").write_text(SESSIONS, encoding="utf-8")
    (folder / "scores.csv").write_text(SCORES, encoding="utf-8")
    return folder


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def write_until_full(path: Path, whole: Whole) -> None:
    """Write half of something to a disk that is then full."""
    with whole(path) as draft:
        half = draft if draft.is_file() else draft / "half.csv"
        half.write_text("half", encoding="utf-8")
        raise FULL


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        pa.ArrowMemoryError("malloc of size 1000 failed"),
        RuntimeError("can't start new thread"),
        ImportError("x.so: failed to map segment from shared object"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_too_little_memory_is_called_so(error: Exception) -> None:
    with pytest.raises(type(error)), working("Reading the cohort folder"):
        raise error
    ending = ending_of(error)
    assert ending.exit_code == 2
    assert ending.text.startswith(
        "There was not enough memory to go on (at this step: Reading the cohort folder)."
    )
    assert "more" in ending.text.rpartition(". ")[2]


def test_memory_behind_another_error_is_found() -> None:
    error = ValueError("seven")
    error.__cause__ = MemoryError()
    assert is_short_of_memory(error)
    assert not is_short_of_memory(ImportError("No module named seven"))


@POSIX
def test_a_limit_on_addresses_is_told_before_anything_is_loaded(
    clinic: Path, plain_environment: dict[str, str]
) -> None:
    import resource

    limit = 600_000_000
    ran = subprocess.run(
        [sys.executable, "-m", "kettrack", "check", str(clinic)],
        env=plain_environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "may use 600 MB here" in ran.stderr
    assert ran.stderr.endswith("ulimit -v unlimited\n")


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_a_full_disk_leaves_the_old_one_and_is_named(
    tmp_path: Path, whole: Whole
) -> None:
    target = tmp_path / "out"
    with pytest.raises(NotWritten, match="the disk is full"):
        write_until_full(target, whole)
    assert names_in(tmp_path) == set()
    if whole is whole_file:
        target.write_text("old", encoding="utf-8")
    else:
        target.mkdir()
        (target / "old.csv").write_text("old", encoding="utf-8")
    before = sorted(names_in(target) if target.is_dir() else {target.read_text()})
    with pytest.raises(NotWritten, match="is as it was"):
        write_until_full(target, whole)
    assert names_in(tmp_path) == {"out"}
    after = sorted(names_in(target) if target.is_dir() else {target.read_text()})
    assert after == before


def test_a_file_in_a_folder_is_told_by_the_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(NotWritten) as caught,
        whole_folder(tmp_path / "out") as draft,
        whole_file(draft / "scores.csv"),
    ):
        raise FULL
    assert str(caught.value).startswith(f"{str(tmp_path / 'out')!r} was not written")


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_is_replaced_as_a_whole(
    tmp_path: Path, can_exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_exchange:
        monkeypatch.setattr("kettrack.writing._exchange", lambda *_: False)
    for text in ("first", "second"):
        with whole_folder(tmp_path / "out") as draft:
            (draft / f"{text}.csv").write_text(text, encoding="utf-8")
    assert names_in(tmp_path / "out") == {"second.csv"}
    assert names_in(tmp_path) == {"out"}


def test_an_interrupt_between_two_steps_keeps_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.csv").write_text("old", encoding="utf-8")
    monkeypatch.setattr("kettrack.writing._exchange", lambda *_: False)
    rename = Path.replace

    def stop_at_the_second(path: Path, target: Path) -> Path:
        if path.name == "draft":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "out"):
        pass
    assert names_in(tmp_path / "out") == {"old.csv"}
    assert names_in(tmp_path) == {"out"}


def aged(path: Path) -> Path:
    """A draft that nothing was written to for two days."""
    then = time.time() - TWO_DAYS
    for one in (*path.rglob("*"), path):
        os.utime(one, (then, then))
    return path


def test_leftovers_go_only_when_old_and_ours(tmp_path: Path) -> None:
    old = tmp_path / ".kettrack-a.csv"
    new = tmp_path / ".kettrack-b.csv"
    other = tmp_path / ".other-c.csv"
    for path in (old, new, other):
        path.write_text("half", encoding="utf-8")
    aged(old)
    aged(other)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".kettrack-link").symlink_to(elsewhere)
    busy = tmp_path / ".kettrack-busy"
    (busy / "draft").mkdir(parents=True)
    aged(busy)
    # The folder itself looks old, but something is still written within it.
    (busy / "draft" / "adqs.csv").write_text("half", encoding="utf-8")
    then = time.time() - TWO_DAYS
    os.utime(busy, (then, then))
    write_text("whole", tmp_path / "out.csv")
    assert names_in(tmp_path) == {
        new.name,
        other.name,
        "elsewhere",
        ".kettrack-link",
        ".kettrack-busy",
        "out.csv",
    }


@POSIX
def test_leftovers_of_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(tmp_path).joinpath(".kettrack-a").write_text("half", encoding="utf-8")
    aged(tmp_path / ".kettrack-a")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    remove_leftovers(tmp_path)
    assert names_in(tmp_path) == {".kettrack-a"}


def test_a_folder_that_waited_is_put_back(tmp_path: Path) -> None:
    waiting = tmp_path / ".kettrack-killed" / "old" / "clinic"
    waiting.mkdir(parents=True)
    (waiting / "scores.csv").write_text("old", encoding="utf-8")
    aged(tmp_path / ".kettrack-killed")
    remove_leftovers(tmp_path)
    assert names_in(tmp_path) == {"clinic"}
    assert names_in(tmp_path / "clinic") == {"scores.csv"}


def test_half_a_key_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, _mode: str) -> object:
        os.close(handle)
        raise FULL

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(NotWritten, match="the disk is full"):
        new_key(tmp_path / "secret.key", None)
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("name", ["sessions.csv", "scores.csv", "kettrack.toml"])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(errno.EACCES, "no"), "no right to read"),
        (FileNotFoundError(errno.ENOENT, "no"), "moved or deleted meanwhile"),
        (OSError(errno.EIO, "no"), "reported a fault"),
    ],
    ids=["right", "vanished", "fault"],
)
def test_a_file_that_cannot_be_read_is_a_problem_of_the_folder(
    clinic: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: OSError,
    said: str,
) -> None:
    (clinic / "kettrack.toml").write_text("", encoding="utf-8")
    opened = Path.open

    def refuse(path: Path, *how: object, **more: object) -> object:
        if path.name == name:
            raise error
        return opened(path, *how, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataProblems) as caught:
        load_cohort(clinic)
    (found,) = (one for one in caught.value.problems if one.file == name)
    assert said in found.expected


def test_a_folder_that_may_not_be_listed(
    clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(errno.EACCES, "no", str(clinic))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(NotRead, match="no right to read"):
        load_cohort(clinic)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_standard_output(
    unbuffered: str, plain_environment: dict[str, str]
) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "kettrack", "version"],
            env=plain_environment | {"PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ran.returncode == 2
    assert ran.stderr.startswith("The answer is cut off")
    assert ran.stderr.count("\n") == 1


@POSIX
def test_a_part_that_fits_is_no_whole(plain_environment: dict[str, str]) -> None:
    """A pipe that takes only some of a long text at a time: Python without a buffer would drop the
    rest in silence.
    """
    long = 1_000_000
    code = (
        "import os, sys; from kettrack.cli.output import buffer_standard_output, answer;"
        f"buffer_standard_output(); answer('x' * {long}); sys.stdout.flush()"
    )
    read, write = os.pipe()
    os.set_blocking(write, False)
    running = subprocess.Popen(
        [sys.executable, "-c", code],
        env=plain_environment | {"PYTHONUNBUFFERED": "1"},
        stdout=write,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    running.wait(timeout=60)
    os.close(read)
    # Nobody has read: it must not end as if all had been taken.
    assert running.returncode != 0


@POSIX
def test_a_closed_pipe_is_silent(
    plain_environment: dict[str, str],
) -> None:
    read, write = os.pipe()
    os.close(read)
    ran = subprocess.run(
        [sys.executable, "-m", "kettrack", "version"],
        env=plain_environment,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert (ran.returncode, ran.stderr) == (141, "")


@POSIX
def test_being_asked_to_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def write_and_be_ended(*_: object, **__: object) -> None:
        @program._guarded
        def write() -> None:
            with whole_file(tmp_path / "out.csv") as draft:
                draft.write_text("half", encoding="utf-8")
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(5)

        write()

    monkeypatch.setattr(program, "app", write_and_be_ended)
    try:
        with pytest.raises(SystemExit) as left:
            main([])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert left.value.code == 143
    assert capfd.readouterr().err == "Stopped before the end; nothing was written.\n"
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("text", ["1e20", "100000000000000000000", "-1"])
def test_weeks_ago_beyond_any_log(
    text: str, clinic: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["review", str(clinic), "--weeks-ago", text])
    assert left.value.code == 2
    assert "--weeks-ago" in capfd.readouterr().err
