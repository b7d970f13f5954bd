"""FHIR XML as the JSON that says the same: the fields of `resources` and no others."""

from __future__ import annotations

import types
from functools import cache
from typing import Any, Final, get_args, get_origin, get_type_hints
from xml.etree.ElementTree import Element

import msgspec
from msgspec import Raw, Struct

from kettrack.importing.fhir.resources import READ, Bundle, Head

NAMESPACE: Final = "http://hl7.org/fhir"
# Text in XML, numbers in JSON.
_WHOLE: Final = "valueInteger"
_DECIMALS: Final = ("valueDecimal", "value")
_NOTHING: Final = b"null"


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
        if name == _WHOLE:
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
