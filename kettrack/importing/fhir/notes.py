"""What happened to records and to their fields."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from kettrack.importing.remarks import Action, Remark, Remarks


class RecordOrigin(NamedTuple):
    """Where a record stands.

    Parameters
    ----------
    file : str
        Name of the file.
    kind : str
        Kind of record, such as `Observation`.
    row : int
        Its number in the file.
    """

    file: str
    kind: str
    row: int


class _Cell(NamedTuple):
    file: str
    kind: str
    column: str
    action: Action
    reason: str


@dataclass(slots=True)
class FhirNotes:
    """Collects what is said of records and of their cells.

    Parameters
    ----------
    remarks : Remarks
        Takes them.
    """

    remarks: Remarks
    _cells: Counter[_Cell] = field(default_factory=Counter)

    def whole(self, origin: RecordOrigin, action: Action, reason: str) -> None:
        """Say of a whole record why it makes no row."""
        self.remarks.add(
            Remark(
                file=origin.file,
                table=origin.kind,
                row=origin.row,
                action=action,
                reason=reason,
            )
        )

    def cell(
        self, origin: RecordOrigin, column: str, action: Action, reason: str
    ) -> None:
        """Say of one field of a record what was done with it; what nobody has to look up is
        counted by file.
        """
        if column and action in ("refused", "mended"):
            self.remarks.add(
                Remark(
                    file=origin.file,
                    table=origin.kind,
                    row=origin.row,
                    column=column,
                    action=action,
                    reason=reason,
                )
            )
            return
        self._cells[_Cell(origin.file, origin.kind, column, action, reason)] += 1

    def finish(self) -> None:
        """Hand over what was counted."""
        for said, count in self._cells.items():
            self.remarks.add(
                Remark(
                    file=said.file,
                    table=said.kind,
                    column=said.column,
                    action=said.action,
                    reason=said.reason,
                    count=count,
                )
            )
