"""A secret in every place of every kind of file comes out nowhere: in no folder, map or message, in
no error and in no error behind it.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from import_clinics import SECRET, Clinic
from import_forms import EVERY_FORM
from import_tables import source_of

from kettrack.cli.app import app
from kettrack.cli.coding import QuestionsOpen
from kettrack.importing.map_writing import map_text, with_answers
from kettrack.importing.proposal.propose import propose
from kettrack.importing.remarks import Remarks

# What a person can be known by and is let in, and what makes cells unreadable.
QUIET = frozenset({"ids", "names", "notes", "columns", "tables"})
LOUD = frozenset({"ids", "names", "notes", "drugs", "dates", "scores"})


def run(*arguments: object) -> BaseException | None:
    """The command as it is run, with the error it ends in."""
    try:
        app([*map(str, arguments)], prog_name="kettrack", standalone_mode=False)
    except BaseException as error:
        return error
    return None


def said_by(error: BaseException | None) -> Iterator[str]:
    """Everything that an error says, and every error behind it, also a hidden one."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield "".join(traceback.format_exception(error))
        yield repr(error)
        error = error.__cause__ or error.__context__


def written(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder)).encode()
        if path.is_file():
            yield path.read_bytes()


def require_silence(
    error: BaseException | None, out: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = capfd.readouterr()
    for text in (printed.out, printed.err, *said_by(error)):
        assert SECRET.casefold() not in text.casefold()
    for content in written(out):
        assert SECRET.casefold().encode() not in content.lower()


@pytest.mark.parametrize("planted", [QUIET, LOUD], ids=["read", "refused"])
@pytest.mark.parametrize("form", EVERY_FORM)
def test_no_secret_comes_out(
    form: str,
    planted: frozenset[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    _, write = EVERY_FORM[form]
    source = write(Clinic(planted), _new(tmp_path / "raw"))
    out = _new(tmp_path / "out")
    # No name of a file stands here but those that a person has typed.
    with contextlib.chdir(source.parent):
        error = run("import", source.name, "--dry-run")
        require_silence(error, out, capfd)
        error = run("import", source.name, "-o", out / "clinic")
        require_silence(error, out, capfd)
        if isinstance(error, QuestionsOpen):
            plan = out / "map.toml"
            answers = {one.key: one.choices[0] for one in error.questions}
            plan.write_text(with_answers(plan.read_text(), answers))
            error = run("import", source.name, "-o", out / "clinic", "--map", plan)
            require_silence(error, out, capfd)
    assert error is None
    assert (out / "clinic" / "import_problems.csv").is_file()


@pytest.mark.parametrize("form", EVERY_FORM)
def test_no_secret_comes_out_of_a_damaged_file(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    kind, write = EVERY_FORM[form]
    source = write(Clinic(QUIET - {"tables"}), _new(tmp_path / "raw"))
    out = _new(tmp_path / "out")
    files = [source] if source.is_file() else sorted(source.iterdir())
    whole = {path: path.read_bytes() for path in files}
    # Cut in the middle; a piece of a row in the middle of the bytes.
    for damage in (_cut, _garbled):
        for path, content in whole.items():
            path.write_bytes(damage(content))
        error = run("import", source, "-o", out / damage.__name__, "--kind", kind)
        require_silence(error, out, capfd)
        (out / "map.toml").unlink(missing_ok=True)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def _garbled(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + b'"\xff\x00' + SECRET.encode() + content[middle:]


VISITS = """
    Patient | Date | Visit type | PHQ-9
    K1 | 2025-01-13 | Ketamine infusion | 20
    K1 | 2025-01-14 | Follow-up | 18
    K2 | 2025-01-15 | Infusion for Zyxwarth | 18
    K2 | 2025-01-16 | Booster | 18
    K3 | 2025-01-16 | Booster | 18
    K4 | 2025-01-16 | Booster | 18
"""


def test_words_of_visits_that_could_be_somebody_stay_out_of_the_map() -> None:
    remarks = Remarks()
    plan = propose(source_of(log=VISITS), {}, remarks)
    assert SECRET not in map_text(plan, remarks.asked)
    assert [one.key for one in remarks.asked] == ["visit.log.Booster"]
    assert [one.count for one in remarks.said] == [1]
    plan = propose(source_of(log=VISITS), {"visit.log.Booster": "yes"}, Remarks())
    assert plan.tables[0].where == {"Visit type": ("Booster", "Ketamine infusion")}


def test_a_word_that_names_no_drug_stays_out_of_the_map() -> None:
    log = """
        Patient | Date | Treatment
        K1 | 2025-01-13 | Ketamine IV
        K1 | 2025-01-14 | Spravato 84 mg
        K2 | 2025-01-15 | Zyxwarth 84 mg
        K2 | 2025-01-16 | Ketamine
    """
    plan = propose(source_of(log=log), {}, Remarks())
    assert {"route", "dose_mg"} <= plan.tables[0].columns.keys()
    assert SECRET not in map_text(plan)
