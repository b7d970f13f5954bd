"""Labels of SAS codes: they stand in a catalog of formats beside the data, if at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kettrack.importing.registry import require
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.statistics.formats import NUMBER, told_by
from kettrack.importing.statistics.stored import (
    StoredColumn,
    StoredTable,
    code_as_text,
)
from kettrack.privacy.identifying_people import shown

_ENDING: Final = ".sas7bcat"
Labels = Mapping[str, Mapping[Any, str]]


def with_catalog(
    table: StoredTable,
    path: Path,
    remarks: Remarks,
) -> StoredTable:
    """Add the labels of a catalog that has the name of the data, or is the only one there.

    Parameters
    ----------
    table : StoredTable
        As read.
    path : Path
        Of the data.
    remarks : Remarks
        Takes which catalog was used.
    """
    beside = sorted(
        one for one in path.parent.iterdir() if one.suffix.lower() == _ENDING
    )
    named = [one for one in beside if one.stem.lower() == path.stem.lower()] or beside
    if len(named) != 1:
        return table
    labels = _labels(named[0])
    said = "gave the labels of its codes" if labels else "could not be read"
    remarks.add(
        Remark(
            file=table.file,
            table=table.name,
            action="noted",
            reason=f"the catalog of formats {shown(named[0].name, file=True)} {said}",
        )
    )
    columns = [_labelled(column, labels) for column in table.columns]
    return replace(table, columns=columns)


def _labels(catalog: Path) -> Labels:
    """Name of a format to its labels; none where the catalog cannot be read."""
    require("pyreadstat", "pyreadstat")
    import pyreadstat

    try:
        _, meta = pyreadstat.read_sas7bcat(str(catalog), output_format="dict")
    # Too little memory is no fault of the file.
    except MemoryError:
        raise
    except Exception:
        return {}
    return {str(name).upper(): words for name, words in meta.value_labels.items()}


def _labelled(
    column: StoredColumn,
    labels: Labels,
) -> StoredColumn:
    name = re.sub(r"[\d.]+$", "", column.form.upper())
    words = labels.get(name, {})
    # A format of SAS itself keeps its meaning, whatever a catalog calls so.
    if not words or told_by("sas", name) != NUMBER:
        return column
    named = {code_as_text(code): word for code, word in words.items()}
    return replace(column, value_labels=named)
