"""A source and its map to a cohort folder: the way of every import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.apply import apply_map
from kettrack.importing.deidentify.deidentify import Deidentified, deidentify
from kettrack.importing.deidentify.options import Deidentification
from kettrack.importing.deidentify.people import ask_who_is_who
from kettrack.importing.folder import write_cohort
from kettrack.importing.import_map import ImportMap
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import SourceData
from kettrack.reading.import_remarks import COLUMN_NOT_USED

_ID: Final = "patient_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a cohort folder shall stand.

    Parameters
    ----------
    folder, settings, replace
        As for `write_cohort`.
    """

    folder: Path
    settings: str = ""
    replace: bool = False


def make_folder(
    source: SourceData,
    plan: ImportMap,
    how: Deidentification,
    into: Destination,
    remarks: Remarks,
) -> Deidentified | None:
    """Apply a map, take names and dates out, and write the cohort folder.

    Parameters
    ----------
    source : SourceData
        As its reader returned it.
    plan : ImportMap
        What is what, with the answers so far.
    how : Deidentification
        How record numbers and dates are taken out.
    into : Destination
        The folder to make.
    remarks : Remarks
        Takes what happened on the way, and what is still open.

    Returns
    -------
    Deidentified or None
        With the linkage; None where a question came up, and nothing was written.

    Raises
    ------
    DataProblems
        When the cohort cannot be read as it is; places are those of the source.
    """
    _tell_unused(source, plan, remarks)
    dated = apply_map(source, plan, remarks)
    if remarks.asked:
        # All questions at once: whoever answers them should not be asked again.
        ask_who_is_who(_record_numbers(source, plan), plan.answers, remarks)
        return None
    done = deidentify(dated.named(), how, plan.answers, remarks)
    # A question may also come up here, as whether two record numbers are one patient.
    if remarks.asked:
        return None
    write_cohort(
        done.tables,
        into.folder,
        remarks,
        settings=into.settings,
        replace=into.replace,
        allow=how.keep,
    )
    return done


def _record_numbers(
    source: SourceData,
    plan: ImportMap,
) -> dict[str, pa.Table]:
    """The record numbers of each table as the source writes them, before any row is refused."""
    found: dict[str, list[pa.Table]] = {}
    there = {table.name: table.data for table in source.tables}
    for part in plan.tables:
        column = part.columns.get(_ID, "")
        data = there.get(part.source)
        if data is None or column not in data.column_names:
            continue
        numbers = pc.unique(data[column])
        # A number with decimals is read with more care later.
        if pa.types.is_floating(numbers.type):
            continue
        text = pc.utf8_trim_whitespace(numbers.cast(pa.string()))
        found.setdefault(part.to, []).append(pa.table({_ID: text}))
    return {name: pa.concat_tables(several) for name, several in found.items()}


def _tell_unused(
    source: SourceData,
    plan: ImportMap,
    remarks: Remarks,
) -> None:
    """Say of each column that is not used why, and how many cells of it are filled."""
    for table in source.tables:
        unused = plan.unused.get(table.name, {})
        # A map may be older than its source, and know columns that are gone.
        for column in table.data.column_names:
            if column not in unused:
                continue
            cells = table.data[column]
            remarks.add(
                Remark(
                    file=table.file,
                    table=table.name,
                    column=column,
                    action="dropped",
                    reason=f"{COLUMN_NOT_USED}{unused[column]}",
                    count=len(cells) - cells.null_count,
                )
            )
