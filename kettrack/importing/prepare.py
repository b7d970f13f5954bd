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
    read = read_source(path, answers, remarks, kind)
    source = with_safe_names(read)
    plan = propose(source, answers, remarks)
    if edited is not None:
        plan = _joined(source, plan, edited, remarks)
    return Prepared(source=source, plan=plan, remarks=remarks)


def _joined(
    source: SourceData,
    fresh: ImportMap,
    edited: ImportMap,
    remarks: Remarks,
) -> ImportMap:
    """The proposal with the parts that a person has changed in its map."""
    # What kettrack itself wrote, before and after the answers.
    proposed = [
        *propose(source, {}, Remarks()).tables,
        *propose(source, edited.answers, Remarks()).tables,
    ]
    changed = [part for part in edited.tables if part not in proposed]
    gone = _taken_out(proposed, edited)
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
    return replace(fresh, tables=tuple(parts), unused=edited.unused)


def _taken_out(
    proposed: Sequence[TableMap],
    edited: ImportMap,
) -> bool:
    """Whether the person has taken a part out."""
    there = {_name_of(part) for part in edited.tables}
    return not {_name_of(part) for part in proposed} <= there


def _name_of(
    part: TableMap,
) -> tuple[str, str, str]:
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
