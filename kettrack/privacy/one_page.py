"""Several answers on one page: no two numbers of people so near to one another that their
difference tells a hidden count.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from kettrack.privacy.disclosure import get_policy
from kettrack.result import SUPPRESSED, Result


def apart(results: Sequence[Result], policy: str) -> list[Result]:
    """Hide, under a release policy, what a reader could work out from the other sentences of the
    same page.

    Parameters
    ----------
    results : sequence of Result
        In the order of the page, each through the gate. Looked at are the numbers of people in
        their sentences.
    policy : str
        In force.

    Returns
    -------
    list of Result
        As they came under `internal`. Else a row is hidden where one of its numbers, or the sum of
        two, is nearer to a number before it on the page, or to a sum of two in one row, than the
        policy's smallest count.
    """
    smallest = get_policy(policy).smallest_count
    if smallest <= 1:
        return list(results)
    kept: list[int] = []
    page = []
    for result in results:
        silent = result.status == "refused" or result.all_hidden
        page.append(result if silent else _far_from(result, kept, smallest))
    return page


def _far_from(result: Result, kept: list[int], smallest: int) -> Result:
    """The result without rows that come too near to what is kept; what it shows is kept from now
    on.
    """
    gone: list[int] = []
    for row, values in _said(result):
        numbers = [*values, sum(values)] if len(values) == 2 else values
        if any(
            0 < abs(number - other) < smallest for number in numbers for other in kept
        ):
            gone.append(row)
        else:
            kept += numbers
    return _without(result, gone)


def _said(result: Result) -> Iterator[tuple[int, list[int]]]:
    """Per row, the numbers of people that the sentence names."""
    key = next((column for column, role in result.roles.items() if role == "key"), "")
    names = {
        name for _, name, _, _ in string.Formatter().parse(result.sentence) if name
    }
    people = [
        column
        for column, role in result.roles.items()
        if role in ("count", "denominator", "running")
    ]
    for row, cells in enumerate(result.table.to_dict("records")):
        label = cells[key] if isinstance(cells[key], str) else f"row{cells[key]}"
        values = [
            int(cells[column])
            for column in people
            if f"{label}.{column}" in names and pd.notna(cells[column])
        ]
        if values:
            yield row, values


def _without(result: Result, rows: list[int]) -> Result:
    """Counts and what is derived from them missing in some rows, and marked."""
    if not rows:
        return result
    table = result.table.copy()
    mask = np.isin(np.arange(len(table)), rows)
    for column, role in result.roles.items():
        if role in ("count", "denominator", "running"):
            table[column] = table[column].astype("Int64").mask(mask)
        elif role == "derived":
            table[column] = table[column].mask(mask)
    marked = table[SUPPRESSED] | mask if SUPPRESSED in table else mask
    return replace(result, table=table.assign(**{SUPPRESSED: marked}))
