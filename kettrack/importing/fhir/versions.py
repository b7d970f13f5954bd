"""Records that come several times: of one address the latest version counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kettrack.importing.fhir.files import FhirRecord
from kettrack.importing.fhir.resources import Head, Meta

EARLIER: Final = "an earlier version of another record"
SAME: Final = "the same record stands elsewhere"
_NONE: Final = Meta()
_Place = tuple[str, int]


class _Version(NamedTuple):
    place: _Place
    number: str
    updated: str
    content: int


@dataclass(slots=True)
class RecordVersions:
    """Finds records of one id.

    Parameters
    ----------
    left_out : dict
        (file, number) of a record to the reason why it does not count.
    """

    left_out: dict[_Place, str] = field(default_factory=dict)
    _latest: dict[tuple[str, str], _Version] = field(default_factory=dict)

    def see(self, record: FhirRecord, head: Head) -> None:
        """Take a record in, and leave out the one of both that is older."""
        # Records of a bundle that was never stored have none.
        if not head.id:
            return
        meta = head.meta or _NONE
        new = _Version(
            (record.file, record.row),
            meta.version_id,
            meta.last_updated,
            hash(record.body),
        )
        key = (head.resource_type, head.id)
        old = self._latest.setdefault(key, new)
        if old is new:
            return
        if old.content == new.content:
            self.left_out[new.place] = SAME
            return
        later = _later(old, new)
        # Without versions these may be two records whose maker gave both one id.
        if later is None:
            return
        self._latest[key] = later
        earlier = old if later is new else new
        self.left_out[earlier.place] = EARLIER


def _later(old: _Version, new: _Version) -> _Version | None:
    """The later of two versions; None where neither says."""
    # As numbers: version 10 comes after 9.
    if old.number.isdigit() and new.number.isdigit() and old.number != new.number:
        return new if int(new.number) > int(old.number) else old
    if old.updated and new.updated:
        # Times of one server are written alike, so their text has their order.
        return new if new.updated > old.updated else old
    return None
