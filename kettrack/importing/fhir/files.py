"""Files of FHIR: one record a line, one a file, or many in a bundle, as JSON or XML, packed or not.

Every record has a number: its line where a line holds one, its place in the bundle, or 1.
"""

from __future__ import annotations

import gzip
import types
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args, get_origin, get_type_hints
from xml.etree.ElementTree import Element, ParseError

import msgspec
from msgspec import Raw, Struct

from kettrack.errors import DataProblems, Problem
from kettrack.importing.fhir.resources import READ, Bundle, Head, decoded
from kettrack.importing.registry import require
from kettrack.privacy.identifying_people import may_be_shown

# Endings that exports use for one record a line.
_LINES: Final = (".ndjson", ".jsonl", ".ldjson")
_WHOLE: Final = ".json"
_XML: Final = ".xml"
_PACKED: Final = ".gz"
_PROBE: Final = 65_536  # bytes that are looked at to guess what a file is
_MARK: Final = b"\xef\xbb\xbf"
_LIST: Final = msgspec.json.Decoder(list[Raw])
_BUNDLE: Final = msgspec.json.Decoder(Bundle)
_ANY: Final = msgspec.json.Decoder()
_HEAD: Final = msgspec.json.Decoder(Head)
_NO_XML: Final = "is no XML, is cut off, or holds entities"
_DAMAGED: Final = "is damaged, or no packed file"
# What the standard library raises over damaged packing; its words are not passed on.
_BROKEN: Final = (OSError, EOFError, zlib.error)
NAMESPACE: Final = "http://hl7.org/fhir"
# Text in XML, numbers in JSON.
_INTEGER: Final = "valueInteger"
_DECIMALS: Final = ("valueDecimal", "value")
_NOTHING: Final = b"null"


class FhirFile(NamedTuple):
    """A file, and the name by which it is called."""

    path: Path
    name: str


class FhirRecord(NamedTuple):
    """One record as it stands in its file.

    Parameters
    ----------
    file : str
        Name of the file.
    row : int
        Number in the file.
    body : bytes
        JSON; empty where nothing could be read.
    full_url : str
        Its address where a bundle gives one.
    """

    file: str
    row: int
    body: bytes
    full_url: str = ""


def ending(path: Path) -> str:
    """The ending that tells the format, without that of the packing.

    Examples
    --------
    >>> ending(Path("Observation.000.ndjson.gz"))
    '.ndjson'
    """
    name = path.name.casefold().removesuffix(_PACKED)
    return Path(name).suffix


def files_of(path: Path) -> list[FhirFile]:
    """The files of a folder that may hold FHIR, by name; or the one file.

    Files are often named after patients: such a name is replaced by a number.
    """
    # A file that is named by hand is read whatever its ending.
    if path.is_file():
        return [FhirFile(path, _name(path.name, 1))]
    inside = sorted(
        one
        for one in path.rglob("*")
        if one.is_file() and ending(one) in (*_LINES, _WHOLE, _XML)
    )
    names = [_name(one.name, place) for place, one in enumerate(inside, start=1)]
    several = Counter(names)
    # Two folders may hold files of one name; rows of both must be told apart.
    return [
        FhirFile(one, name if several[name] == 1 else f"{name} (file {place})")
        for place, (one, name) in enumerate(zip(inside, names, strict=True), start=1)
    ]


def _name(name: str, place: int) -> str:
    return name if may_be_shown(name, file=True) else f"file {place} (name hidden)"


def looks_like_fhir(path: Path) -> bool:
    """Tell from the beginning of a file whether it holds FHIR."""
    if ending(path) not in (*_LINES, _WHOLE, _XML):
        return False
    try:
        with _opened(path) as stream:
            start = stream.read(_PROBE)
    except _BROKEN:
        return False
    # The namespace tells FHIR from other XML.
    if ending(path) == _XML:
        return NAMESPACE.encode() in start
    return b'"resourceType"' in start


def _opened(path: Path) -> gzip.GzipFile:
    """A stream of the file as it was before it was packed."""
    if path.name.casefold().endswith(_PACKED):
        return gzip.open(path, "rb")
    return path.open("rb")  # type: ignore[return-value]


def records_of(files: list[FhirFile]) -> Iterator[FhirRecord]:
    """Every record of every file.

    Raises
    ------
    DataProblems
        Naming each file that cannot be read.
    """
    problems: list[Problem] = []
    for file in files:
        try:
            yield from _records(file)
        except _BROKEN:
            problems.append(_problem(file, _DAMAGED))
        except DataProblems as found:
            problems += found.problems
    if problems:
        raise DataProblems(problems)


def _problem(file: FhirFile, what: str, line: int | None = None) -> Problem:
    return Problem(file.name, line, "", "", f"this file {what}")


def _records(file: FhirFile) -> Iterator[FhirRecord]:
    if ending(file.path) in _LINES:
        return _by_line(file)
    with _opened(file.path) as stream:
        content = stream.read().removeprefix(_MARK).strip()
    if ending(file.path) == _XML:
        return _of_xml(file, content)
    return _of_json(file, content)


def _by_line(file: FhirFile) -> Iterator[FhirRecord]:
    """One record a line. Where the first is a bundle, records are numbered through all bundles."""
    # Lines and places in bundles would collide as numbers.
    bundles = False
    count = 0
    with _opened(file.path) as stream:
        for line, text in enumerate(stream, start=1):
            body = text.removeprefix(_MARK).strip()
            if not body:
                continue
            # A line with a bundle after plain lines is one record that cannot be read.
            if count == 0:
                bundles = _kind(body) == "Bundle"
            if not bundles:
                count += 1
                yield FhirRecord(file.name, line, body)
                continue
            for one in _numbered(file, [(body, "")]):
                count += 1
                yield one._replace(row=count)


def _kind(body: bytes) -> str:
    with suppress(msgspec.DecodeError):
        return decoded(_HEAD, body).resource_type
    return ""


def _of_json(file: FhirFile, content: bytes) -> Iterator[FhirRecord]:
    """A record, a bundle, a list of records, or lines under the ending of a whole file."""
    with suppress(msgspec.DecodeError):
        bodies = [Raw(content)]
        if content.startswith(b"["):
            bodies = decoded(_LIST, content)
        # A broken end shows only when the whole is read.
        decoded(_ANY, content)
        return _numbered(file, [(bytes(body), "") for body in bodies])
    # Some servers call a file of lines .json.
    first, _, _ = content.partition(b"\n")
    if _kind(first):
        return _by_line(file)
    raise DataProblems([_problem(file, "is no JSON, or is cut off")])


def _numbered(
    file: FhirFile,
    bodies: list[tuple[bytes, str]],
) -> Iterator[FhirRecord]:
    flat = (one for body, url in bodies for one in _unpacked(body, url))
    for number, (body, url) in enumerate(flat, start=1):
        yield FhirRecord(file.name, number, body, url)


def _unpacked(body: bytes, full_url: str) -> Iterator[tuple[bytes, str]]:
    """The records of a bundle, also of one within another; or the record itself."""
    if _kind(body) != "Bundle":
        yield body, full_url
        return
    try:
        entries = decoded(_BUNDLE, body).entry
    except msgspec.DecodeError:
        # It is counted as one record that cannot be read.
        yield b"", full_url
        return
    for entry in entries:
        resource = bytes(entry.resource)
        if resource not in (b"", b"null"):
            yield from _unpacked(resource, entry.full_url)


def _of_xml(file: FhirFile, content: bytes) -> Iterator[FhirRecord]:
    try:
        body = as_json(_parsed(file, content))
    # Elements within elements without end.
    except RecursionError:
        raise DataProblems([_problem(file, _NO_XML)]) from None
    return _numbered(file, [(body, "")])


def _parsed(file: FhirFile, content: bytes) -> Element:
    require("defusedxml.ElementTree", "defusedxml")
    parser = import_module("defusedxml.ElementTree")
    try:
        root: Element = parser.fromstring(content)
    # Entities and other things that a file of data does not need are a ValueError.
    except (ParseError, ValueError):
        raise DataProblems([_problem(file, _NO_XML)]) from None
    return root


def as_json(resource: Element) -> bytes:
    """One record as JSON.

    Parameters
    ----------
    resource : Element
        The element of the record, such as `Patient`.

    Examples
    --------
    >>> from xml.etree.ElementTree import fromstring
    >>> text = '<Patient xmlns="http://hl7.org/fhir"><gender value="female"/></Patient>'
    >>> as_json(fromstring(text))
    b'{"resourceType":"Patient","gender":"female"}'
    """
    kind = _local(resource)
    fields = Bundle if kind == "Bundle" else READ.get(kind, Head)
    shape = _shape(resource, fields)
    return msgspec.json.encode({"resourceType": kind, **shape})


def _local(element: Element) -> str:
    """The name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2]


def _shape(element: Element, fields: type[Struct]) -> dict[str, Any]:
    """The fields of an element; `url` and `id` of parts are attributes in XML."""
    wanted = _wanted(fields) | _wanted(Head)
    found: dict[str, Any] = {}
    for name, value in element.attrib.items():
        if name in wanted:
            found[name] = value
    for child in element:
        name = _local(child)
        if name not in wanted:
            continue
        many, kind = wanted[name]
        value = _value(child, name, kind)
        if many:
            values = found.setdefault(name, [])
            values.append(value)
        else:
            found[name] = value
    return found


def _value(child: Element, name: str, kind: Any) -> Any:
    if kind is Raw:
        # A record stands inside `contained` or `resource`.
        inside = list(child)
        body = as_json(inside[0]) if inside else _NOTHING
        return Raw(body)
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _shape(child, kind)
    text = child.get("value", "")
    # A field of text, such as a patient's number, is never made a number.
    return text if kind is str else _number(name, text)


def _number(name: str, text: str) -> Any:
    """What stands in JSON for this text."""
    try:
        if name == _INTEGER:
            return int(text)
        return float(text) if name in _DECIMALS else text
    except ValueError:
        return text


@cache
def _wanted(fields: type[Struct]) -> dict[str, tuple[bool, Any]]:
    """Name in the file to whether it may come several times, and to its kind."""
    hints = get_type_hints(fields)
    wanted = {}
    for field in msgspec.structs.fields(fields):
        hint = hints[field.name]
        wanted[field.encode_name] = _kind_of(hint)
    return wanted


def _kind_of(hint: Any) -> tuple[bool, Any]:
    shape = get_origin(hint)
    kinds = get_args(hint)
    if shape is list:
        return True, kinds[0]
    # Of a field that may be missing the kind stands first, None behind it.
    return False, kinds[0] if shape is types.UnionType else hint
