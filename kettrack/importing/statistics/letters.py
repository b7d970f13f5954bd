"""How letters beyond ASCII are written where a file does not say so."""

from __future__ import annotations

from typing import Final

from kettrack.importing.remarks import OpenQuestion, Remark, Remarks
from kettrack.privacy.identifying_people import shown

# Under which `[answers]` names the encoding; the first is what files of today have.
ENCODING: Final = "encoding"
USUAL: Final = "WINDOWS-1252"
UNICODE: Final = "UTF-8"
_CHOICES: Final = (UNICODE, USUAL, "WINDOWS-1250", "WINDOWS-1251", "SHIFT_JIS")


def say_unicode(file: str, remarks: Remarks) -> None:
    """Letters that are right in UTF-8 are hardly ever so by chance, so nobody is asked."""
    remarks.add(
        Remark(
            file=file,
            table=file,
            action="noted",
            reason="the file does not say how letters are written; they were read as UTF-8",
        )
    )


def ask_encoding(file: str, remarks: Remarks) -> None:
    """Ask which encoding is right; meanwhile the usual one is taken."""
    asks = (
        f"{shown(file, file=True)} does not say how letters such as é are written. They were"
        f" read as {USUAL}. Which is right?"
    )
    remarks.ask(
        OpenQuestion(
            key=ENCODING,
            asks=asks,
            choices=_CHOICES,
            why="A record number or a word with such letters is read wrongly otherwise.",
        )
    )
