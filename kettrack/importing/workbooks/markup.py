"""The parts of a workbook that is a zip archive of XML, read as a stream."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import IO, Any, Final
from xml.parsers import expat

Attributes = Mapping[str, str]
_CHUNK: Final = 1 << 20
# A part that unpacks to more than this is no clinic's workbook.
_MOST_BYTES: Final = 4 << 30


_DAMAGE: Final = (
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
)


class NotReadable(Exception):
    """The file is no workbook of its kind; says what it is instead, without a value of it."""


def open_part(
    archive: zipfile.ZipFile,
    name: str,
) -> IO[bytes] | None:
    """A part of the archive, None where there is none of that name."""
    # Some programs write names with a leading slash, or in other capitals.
    wanted = name.lstrip("/").casefold()
    for info in archive.infolist():
        if info.filename.lstrip("/").casefold() != wanted:
            continue
        if info.flag_bits & 1:
            raise NotReadable(PROTECTED)
        if info.file_size > _MOST_BYTES:
            raise NotReadable("a workbook of a usual size; this one is too large")
        return archive.open(info)
    return None


PROTECTED: Final = (
    "a workbook without a password; open it, take the password away, and save it"
)


def local_attributes(attributes: Attributes) -> dict[str, str]:
    """Attributes under their names without the prefix of a namespace."""
    return {name.rpartition(":")[2]: value for name, value in attributes.items()}


class _Local(dict[str, str]):
    """Name of an element to its name without prefix: few names, and many elements."""

    def __missing__(
        self,
        name: str,
    ) -> str:
        bare = name.rpartition(":")[2]
        self[name] = bare
        return bare


def walk(
    stream: IO[bytes],
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> None:
    """Go through XML as it is unpacked; names come without the prefix of their namespace.

    Raises
    ------
    NotReadable
        When it is no XML, or declares entities, which no workbook does.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    local = _Local()

    def refuse(*_: Any) -> None:
        raise NotReadable("a workbook; this one declares XML entities")

    parser.StartElementHandler = lambda name, given: start(local[name], given)
    parser.EndElementHandler = lambda name: end(local[name])
    parser.CharacterDataHandler = text
    # Entities that stand for other entities can grow without end.
    parser.EntityDeclHandler = refuse
    try:
        with stream:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
        parser.Parse(b"", True)
    # Attributes that are no numbers, parts that do not unpack: all of it is damage.
    except _DAMAGE:
        raise NotReadable("a workbook that is whole; this one is damaged") from None


def open_archive(path: Any) -> zipfile.ZipFile:
    """The archive.

    Raises
    ------
    NotReadable
        When it is damaged.
    """
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError):
        raise NotReadable("a workbook that is whole; this one is damaged") from None
