"""Bad inputs and the exact message of each: the cases of `bad_inputs.txt`, and the page
`docs/messages.md` that is made of them.

`python tests/unit/bad_inputs.py` writes the page anew. Read what has changed before you commit it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from kettrack.cli import main
from kettrack.errors import DataProblems, KettrackError
from kettrack.reading.load import load_cohort

CASES: Final = Path(__file__).with_suffix(".txt")
PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "messages.md"
GOOD: Final = {
    "sessions.csv": "patient_id,day\na1,0\nb2,0\n",
    "scores.csv": "patient_id,day,instrument,score\na1,-1,PHQ-9,20\nb2,-1,PHQ-9,15\n",
}
# Beside the folder, not in it.
_BESIDE: Final = "CLINIC"
_TIMES: Final = re.compile(r"\{(\d+)\*([^}]*)\}")
_LONGEST: Final = 160  # letters of a change; longer ones are shown from their beginning
_TOP: Final = """\
# What kettrack says when an input is wrong

Each case is a good folder of two patients with one thing wrong. The message is the exact one: file,
line, column, what stands there where it can identify nobody, and what was expected. All problems of
a folder are told at once, and nothing is written. The exit code is 2.

The good folder:

```
sessions.csv        scores.csv
patient_id,day      patient_id,day,instrument,score
a1,0                a1,-1,PHQ-9,20
b2,0                b2,-1,PHQ-9,15
```

`FILE + ROW` adds a row, `FILE = TEXT` is the whole file, `FILE -` takes it away, and `{N*TEXT}` is
a text N times. This page is made by `make messages`, and a test holds it.
"""


class Case(NamedTuple):
    """One bad input."""

    kind: str
    words: str
    change: str


def cases() -> Iterator[Case]:
    """Every case of the table, in its order."""
    kind = ""
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("= "):
            kind = line[2:]
        elif line and not line.startswith("#"):
            words, _, change = line.partition(" | ")
            yield Case(kind, words, change)


def message_of(case: Case, around: Path) -> str:
    """What a person is told; `around` is an empty folder, in which the clinic is made."""
    clinic = around / "clinic"
    clinic.mkdir()
    for name, text in GOOD.items():
        (clinic / name).write_text(text, encoding="utf-8")
    command = ""
    for part in case.change.split(" && "):
        if part.startswith("$ "):
            command = part[2:]
        else:
            _change(clinic, part)
    said = _run(command, around) if command else _read(clinic)
    return said.replace(str(around), "").replace("'/", "'")


def _change(clinic: Path, part: str) -> None:
    """Change one file, as the table says."""
    if part.endswith("/"):
        _place(clinic, part[:-1]).mkdir()
        return
    name, sign, text = re.fullmatch(r"(\S+) ([-+=]) ?(.*)", part).groups()  # type: ignore[union-attr]
    path = _place(clinic, name if "." in name else f"{name}.csv")
    if sign == "-":
        path.unlink()
        return
    repeated = _TIMES.sub(lambda found: int(found[1]) * found[2], text)
    content = repeated.encode().decode("unicode_escape").encode("latin-1")
    before = path.read_bytes() if sign == "+" else b""
    path.write_bytes(before + content + (b"\n" if sign == "+" else b""))


def _place(clinic: Path, name: str) -> Path:
    beside = name.startswith(_BESIDE)
    return (
        clinic.with_name(f"clinic{name[len(_BESIDE) :]}") if beside else clinic / name
    )


def _read(clinic: Path) -> str:
    """The problems of a folder, without the lines that are the same for all."""
    try:
        load_cohort(clinic)
    except DataProblems as found:
        return str(found).partition("\nNothing was loaded.")[0]
    except KettrackError as error:
        return str(error)
    return ""


def _run(command: str, around: Path) -> str:
    """What a command says on standard error, with the exit code where it is not 2."""
    said = io.StringIO()
    here = Path.cwd()
    os.chdir(around)
    try:
        with (
            contextlib.redirect_stderr(said),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            main(shlex.split(command.replace(_BESIDE, "clinic")))
    except SystemExit as left:
        code = "" if left.code == 2 else f"\n(exit code {left.code})"
    finally:
        os.chdir(here)
    return said.getvalue().strip() + code


def page() -> str:
    """The page of all cases and their messages."""
    lines = [_TOP]
    kind = ""
    for case in cases():
        if case.kind != kind:
            kind = case.kind
            lines.append(f"## {kind}\n")
        with TemporaryDirectory() as place:
            said = message_of(case, Path(place).resolve())
        shown = case.change.replace(_BESIDE, "clinic")
        if len(shown) > _LONGEST:
            shown = f"{shown[:_LONGEST]} ..."
        lines.append(f"**{case.words}** `{shown}`\n\n```\n{said}\n```\n")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
