"""HL7 v2 messages: results (ORU) and administrations, one file or a folder of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kettrack.errors import DataProblems, Problem
from kettrack.importing.hl7.messages import MessageReading
from kettrack.importing.hl7.segments import looks_like_hl7
from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData
from kettrack.privacy.identifying_people import shown

_ENDINGS: Final = (".hl7", ".oru", ".er7")
# Endings under which messages come as well; their content decides.
_OTHERS: Final = (".txt", ".dat", ".msg", "")
_KIND: Final = "hl7"


def _begins_like_one(path: Path) -> bool:
    with path.open("rb") as file:
        return looks_like_hl7(file.read(20))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(
        one
        for one in path.iterdir()
        if one.is_file()
        and (
            one.suffix.lower() in _ENDINGS
            or (one.suffix.lower() in _OTHERS and _begins_like_one(one))
        )
    )


def _is_hl7(path: Path) -> int:
    files = _files(path)
    if path.is_dir():
        return 2 if files else 0
    # A table with a column MSH has another ending, and other marks.
    ending = path.suffix.lower()
    if ending in (*_ENDINGS, *_OTHERS) and _begins_like_one(path):
        return 2
    return int(ending in _ENDINGS)


@reader(
    _KIND,
    about="HL7 v2 messages: results and administrations, .hl7 or a folder of them",
    recognise=_is_hl7,
)
def read_hl7(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read a file of messages, or all of a folder.

    Parameters
    ----------
    path, answers, remarks
        As `read_source` takes them.
    """
    reading = MessageReading(answers, remarks)
    problems: list[Problem] = []
    for number, one in enumerate(_files(path), start=1):
        # A file may be named after a patient.
        file = shown(one.name, f"file {number}{one.suffix.lower()}", file=True)
        if not reading.read(file, one.read_bytes()):
            expected = "HL7 v2 messages; no line of this file begins with MSH"
            problems.append(Problem(file, None, "", "", expected))
    if problems:
        raise DataProblems(problems)
    return reading.finish(_KIND)
