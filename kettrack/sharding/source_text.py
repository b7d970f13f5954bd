"""A delimited text of any size in blocks of whole records, each a small text file of its own."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from kettrack.errors import NotRead
from kettrack.reading.problems import Ledger
from kettrack.reading.textfile import find_header, utf16_kind

BLOCK_BYTES: Final = 1 << 26  # of text that are read into codes at a time
_STRETCH: Final = 1 << 22
# Where a quotation mark is never closed, no record would end before the file does.
_MOST_HELD: Final = 4
_SAID: Final = {
    "utf-8-sig": "starts with a byte order mark (UTF-8).",
    "utf-16": "the text was read as UTF-16.",
    "cp1252": "the text is not UTF-8, and was read as Windows-1252.",
}


class Content(NamedTuple):
    """What was learnt from reading a file once.

    Parameters
    ----------
    sha256 : bytes
        Of all of it.
    encoding : str
        Of its text; without a meaning where it is none.
    """

    sha256: bytes
    encoding: str


def look_through(path: Path) -> Content:
    """Hash of a file, and the encoding of its text: one byte at its end can tell."""
    whole = hashlib.sha256()
    start = b""
    decoder: Any = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while stretch := file.read(_STRETCH):
                start = start or stretch
                whole.update(stretch)
                decoder = _still_utf8(decoder, stretch)
        decoder = _still_utf8(decoder, b"", final=True)
    except OSError as error:
        raise NotRead(path, error) from error
    return Content(whole.digest(), _encoding(start, decoder is not None))


def _still_utf8(decoder: Any, stretch: bytes, final: bool = False) -> Any:
    """The decoder, or None once the text is no UTF-8."""
    if decoder is None:
        return None
    try:
        decoder.decode(stretch, final)
    except UnicodeDecodeError:
        return None
    return decoder


def _encoding(start: bytes, is_utf8: bool) -> str:
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig" if is_utf8 else "cp1252"
    return utf16_kind(start) or ("utf-8" if is_utf8 else "cp1252")


class TextBlock(NamedTuple):
    """Some records, with the names of the columns above them.

    Parameters
    ----------
    text : bytes
        A text file of its own: UTF-8.
    lines_before : int
        What is added to a line of it to have the line of the file.
    """

    text: bytes
    lines_before: int


def text_blocks(
    file: str,
    path: Path,
    encoding: str,
    known: Iterable[str],
    ledger: Ledger,
) -> Iterator[TextBlock]:
    """The blocks of a file, in order.

    Parameters
    ----------
    file, path : str, Path
        Name in messages, and where it is.
    encoding : str
        From `look_through`.
    known : iterable of str
        Column names by which the header is recognised.
    ledger : Ledger
        Takes what was assumed about the bytes.
    """
    plain = encoding.removesuffix("-le").removesuffix("-be")
    if plain in _SAID:
        ledger.note(f"{file}: {_SAID[plain]}")
    above = b""
    lines = 0
    for text in _whole_records(path, encoding):
        if not above:
            # The first block has the header where it stands.
            yield TextBlock(text, 0)
            above = _above(text, set(known))
        else:
            n_above = above.count(b"\n")
            yield TextBlock(above + text, lines - n_above)
        lines += text.count(b"\n")


def _above(text: bytes, known: set[str]) -> bytes:
    """The separator, declared as Excel does it, and the names of the columns."""
    body, separator = find_header("", text, known, Ledger())
    header = body.lstrip(b"\n").partition(b"\n")[0]
    return f"sep={separator}\n".encode() + header + b"\n"


def _whole_records(path: Path, encoding: str) -> Iterator[bytes]:
    r"""UTF-8 with `\n` at line ends, cut where a record ends."""
    held: list[bytes] = []
    # Stretches are joined once there are enough of them: each is copied once.
    n_bytes = 0
    for text in _decoded(path, encoding):
        held.append(text)
        n_bytes += len(text)
        if n_bytes < BLOCK_BYTES:
            continue
        whole = b"".join(held)
        end = record_end(whole)
        # Told as a problem by whoever reads the block.
        if not end and n_bytes > _MOST_HELD * BLOCK_BYTES:
            end = whole.rfind(b"\n") + 1
        if end:
            yield whole[:end]
        held = [whole[end:]]
        n_bytes = len(held[0])
    if n_bytes:
        yield b"".join(held)


def _decoded(path: Path, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    as_it_is = encoding == "utf-8"
    with path.open("rb") as file:
        last = b""
        while stretch := file.read(_STRETCH):
            text = stretch if as_it_is else decoder.decode(stretch).encode()
            text = last + text
            # The two signs of one line end may be in two stretches.
            last = text[-1:] if text.endswith(b"\r") else b""
            yield _one_kind_of_end(text.removesuffix(b"\r") if last else text)
        if last:
            yield b"\n"


def _one_kind_of_end(text: bytes) -> bytes:
    if b"\r" not in text:
        return text
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def record_end(text: bytes) -> int:
    r"""Where the last whole record ends; a line end between quotation marks ends none.

    Examples
    --------
    >>> record_end(b"a,b\n1,2\n3"), record_end(b'a\n"x\ny')
    (8, 2)
    """
    if b'"' not in text:
        return text.rfind(b"\n") + 1
    letters = np.frombuffer(text, dtype=np.uint8)
    marks = (letters == ord('"')).view(np.uint8)
    inside = np.bitwise_xor.accumulate(marks).view(bool)
    ends = np.flatnonzero((letters == ord("\n")) & ~inside)
    return int(ends[-1]) + 1 if len(ends) else 0
