"""From a path to a source with its map: read, proposed, and joined with a map that was edited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kettrack.importing.import_map import ImportMap, TableMap
from kettrack.importing.proposal.propose import propose
from kettrack.importing.registry import Answers, read_source
from kettrack.importing.remarks import Remarks
from kettrack.importing.safe_names import with_safe_names
from kettrack.importing.source import SourceData

_Name = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A source that can be imported once nothing is open.

    Parameters
    ----------
    source : SourceData
        With names that may be shown.
    plan : ImportMap
        What is what.
    remarks : Remarks
        What was noticed so far, and what is open.
    """

    source: SourceData
    plan: ImportMap
    remarks: Remarks


def prepare(
    path: Path,
    kind: str,
    answers: Answers,
    edited: ImportMap | None = None,
) -> Prepared:
    """Read a source and find its map.

    Parameters
    ----------
    path : Path
        File or folder.
    kind : str
        Name of a reader; empty = guess.
    answers : mapping
        To the questions of earlier runs.
    edited : ImportMap, optional
        The map of an earlier run. What a person changed in it stays; the rest follows the answers.
    """
    remarks = Remarks()
    source = _read(path, kind, answers, remarks)
    plan = propose(source, answers, remarks)
    if edited is not None:
        # What kettrack itself wrote, before and after the answers.
        written = [
            *propose(source, {}, Remarks()).tables,
            *propose(source, edited.answers, Remarks()).tables,
        ]
        names = {_name_of(part) for part in written}
        if edited.answers and (
            _changed(edited, written) or not names <= _there(edited)
        ):
            # An answer may give a table other columns than it had when the map was written.
            earlier = propose(_read(path, kind, {}, Remarks()), {}, Remarks()).tables
            written += earlier
            names = {_name_of(part) for part in earlier}
        plan = _joined(plan, edited, written, names, remarks)
    return Prepared(source=source, plan=plan, remarks=remarks)


def _read(
    path: Path,
    kind: str,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    read = read_source(
        path,
        answers,
        remarks,
        kind,
    )
    return with_safe_names(read)


def _changed(
    edited: ImportMap,
    written: Sequence[TableMap],
) -> list[TableMap]:
    """The parts that a person has changed."""
    return [part for part in edited.tables if part not in written]


def _there(
    edited: ImportMap,
) -> set[_Name]:
    return {_name_of(part) for part in edited.tables}


def _joined(
    fresh: ImportMap,
    edited: ImportMap,
    written: Sequence[TableMap],
    names: set[_Name],
    remarks: Remarks,
) -> ImportMap:
    """The proposal with the parts that a person has changed in its map.

    `names` are those of the parts that stood in the map when kettrack wrote it.
    """
    changed = _changed(edited, written)
    gone = not names <= _there(edited)
    if not changed and not gone:
        return fresh
    # Whoever wrote a part has answered what was open about its table.
    own = {part.source for part in changed}
    remarks.asked[:] = [
        one
        for one in remarks.asked
        if not any(f".{name}." in f"{one.key}." for name in own)
    ]
    parts = []
    for part in edited.tables:
        now = part if part in changed else _same_part(part, fresh.tables)
        if now is not None:
            parts.append(now)
    # A table that only an answer has opened is no table that the person took out.
    known = names | _there(edited)
    parts += [part for part in fresh.tables if _name_of(part) not in known]
    return replace(fresh, tables=tuple(parts), unused=edited.unused)


def _name_of(
    part: TableMap,
) -> _Name:
    return part.source, part.to, part.constants.get("instrument", "")


def _same_part(
    part: TableMap,
    parts: Sequence[TableMap],
) -> TableMap | None:
    """The part of a newer proposal that stands for one of an older; None where it is gone."""
    # Two parts of one name, such as rows and visits of one scale, stay as they were.
    found = [one for one in parts if _name_of(one) == _name_of(part)]
    if len(found) > 1:
        return part if part in found else found[0]
    return found[0] if found else None
