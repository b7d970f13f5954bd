"""Who a record is about: every way of pointing at a patient, to one id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from kettrack.importing.fhir.resources import Identifier, Patient, Reference, decoded

SEVERAL_SERVERS: Final = (
    "records point at patients of several servers; one number is taken for one patient"
)
# The server of an absolute address, before anything of the record is decoded.
_SERVER: Final = re.compile(
    rb'"subject"\s*:\s*\{[^{}]*"reference"\s*:\s*"(https?://[^"]+/)Patient/'
)
NO_SUBJECT: Final = "it does not say which patient it is about"
NO_PATIENT: Final = "it is about something else than a patient"
LOCAL_ONLY: Final = "its patient stands inside the record and has no number"
_RELATIVE: Final = re.compile(
    r"(?P<base>(?:https?|ftp)://.+/)?(?P<kind>[A-Z]\w+)/(?P<id>[^/?#]+)(?:/_history/.*)?"
)
_BY_NUMBER: Final = re.compile(
    r"Patient\?identifier=(?:(?P<system>.*)\|)?(?P<value>.+)"
)
_PATIENT: Final = "Patient"
_CONTAINED: Final = msgspec.json.Decoder(Patient)


class NoPerson(ValueError):
    """A record that is about nobody; the text is the reason and names nobody."""


class PatientNumber(NamedTuple):
    """A patient by a number that somebody gave."""

    system: str
    value: str


Pointer = str | PatientNumber


@dataclass(slots=True)
class KnownPatients:
    """The patients of the source, and every name under which a record may point at one.

    Parameters
    ----------
    ids : dict
        Address, id or number to the id by which the patient is called.
    replaced : dict
        Id to the id of the record that replaced it.
    servers : set of bytes
        Servers on which records say that their patients are.
    """

    ids: dict[Pointer, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    servers: set[bytes] = field(default_factory=set)

    def note_server(self, body: bytes) -> None:
        """Keep the server that a record names; on two servers a number may be two people."""
        found = _SERVER.search(body)
        if found:
            self.servers.add(found[1])

    def add(self, patient: Patient, full_url: str) -> str:
        """Take a patient in; returns the id, empty where the record has none."""
        address = _from_text(full_url) if full_url else ""
        name = patient.id or (address if isinstance(address, str) else "")
        if not name:
            return ""
        self.ids[name] = name
        self.ids[address] = name
        for number in patient.identifier:
            if number.value:
                # Of two patients with one number the first is meant; nobody can tell.
                self.ids.setdefault(PatientNumber(number.system, number.value), name)
        for link in patient.link:
            if link.type == "replaced-by" and link.other and link.other.reference:
                self.replaced[name] = link.other.reference
        return name

    def id_of(self, pointer: Pointer) -> str:
        """The id of a patient; a patient whose own record is not there is called as pointed at."""
        found = self.ids.get(pointer)
        if found is None:
            found = "|".join(pointer) if isinstance(pointer, PatientNumber) else pointer
        seen = {found}
        # Records that replace one another in a circle end at the first.
        while (after := self._after(found)) not in seen:
            found = after
            seen.add(found)
        return found

    def _after(self, name: str) -> str:
        reference = self.replaced.get(name)
        if reference is None:
            return name
        pointer = _from_text(reference)
        return self.ids.get(pointer, pointer) if isinstance(pointer, str) else name


def pointer_to(subject: Reference | None, contained: Iterable[Raw]) -> Pointer:
    """What a subject points at.

    Parameters
    ----------
    subject : Reference or None
        As in the record.
    contained : iterable of Raw
        Records inside the record.

    Raises
    ------
    NoPerson
        When it points at no patient.

    Examples
    --------
    >>> pointer_to(Reference(reference="https://example.org/fhir/Patient/7/_history/2"), [])
    '7'
    """
    if subject is None:
        raise NoPerson(NO_SUBJECT)
    # Groups, devices and places can be subjects too.
    if subject.type and subject.type != _PATIENT:
        raise NoPerson(NO_PATIENT)
    text = subject.reference.strip()
    if text.startswith("#"):
        return _inside(text.removeprefix("#"), contained)
    if text:
        return _from_text(text)
    if subject.identifier is None or not subject.identifier.value:
        raise NoPerson(NO_SUBJECT)
    return _number(subject.identifier)


def _from_text(text: str) -> Pointer:
    by_number = _BY_NUMBER.fullmatch(text)
    if by_number:
        return PatientNumber(by_number["system"] or "", by_number["value"])
    # Found by the address that its bundle gives it.
    if text.casefold().startswith("urn:"):
        return text
    found = _RELATIVE.fullmatch(text)
    if found is None:
        # A bare id is no reference of FHIR, but it can mean only one thing.
        return text
    if found["kind"] != _PATIENT:
        raise NoPerson(NO_PATIENT)
    return found["id"]


def _number(identifier: Identifier) -> PatientNumber:
    return PatientNumber(identifier.system, identifier.value)


def _inside(name: str, contained: Iterable[Raw]) -> Pointer:
    for raw in contained:
        try:
            patient = decoded(_CONTAINED, raw)
        except msgspec.DecodeError:
            continue
        if patient.id == name:
            numbers = [one for one in patient.identifier if one.value]
            if numbers:
                return _number(numbers[0])
    # Such an id is unique in its record alone: two patients may be called p1.
    raise NoPerson(LOCAL_ONLY)
