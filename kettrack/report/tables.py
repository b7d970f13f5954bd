"""Tables of results as a page shows them: an interval in one cell, a count with its percentage, the
unit in the head, words at the left and numbers at the right, and for every row what it is about.

A notebook keeps the columns that a program knows. The numbers are the same in both.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from kettrack.report.table_columns import (
    DOTS,
    CellTexts,
    ShownColumn,
    ShownColumns,
    columns_as_read,
)
from kettrack.report.table_heads import HEADS_OF, NAMES

FoundPart = re.Match[str]
TABLE: Final = re.compile(r"<table.*?</table>", re.DOTALL)
_TOLD: Final = re.compile(r'data-(question|unit|percent)="([^"]*)"')
_ROW: Final = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL)
_CELL: Final = re.compile(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", re.DOTALL)
_CELL_OF_BODY: Final = re.compile(r"<td>([^<]*)</td>")
_HEAD_CELL: Final = re.compile(r"<th(?=[ >])")
_HEAD_END: Final = "</thead>"
_WORDS: Final = ' class="words"'
_LONG: Final = ' class="long"'
_OWN: Final = "<table data-question"
# With more columns a table is set smaller; with more still it is said that it scrolls.
SMALLER_FROM: Final = 9
SCROLLS_FROM: Final = 12
LONG_CELL: Final = 36  # letters; such a cell wraps at a width that can be read
MOST_ROW_HEADS: Final = 3
SCROLL: Final = (
    '<p class="about scroll">Scroll sideways to see all columns of this table.</p>'
)


def boxed_tables(page: str) -> str:
    """HTML whose tables can be read on a phone, by keyboard and by ear.

    Examples
    --------
    >>> boxed_tables("<table><thead><th>n</th></thead></table>")[-58:]
    '<table><thead><th scope="col">n</th></thead></table></div>'
    """
    return TABLE.sub(_boxed_table, page)


def _boxed_table(found: FoundPart) -> str:
    """A table in a box that scrolls where it must, smaller or with a word where it is wide."""
    table = found[0]
    rows = _rows(table)
    above = ""
    own = table.startswith(_OWN)
    if rows and own:
        above, shown = _as_read(table, rows)
    else:
        shown = _with_scopes(table)
    head = shown.partition(_HEAD_END)[0]
    columns = head.count("<th ")
    kind = "wide many" if columns > SMALLER_FROM else "wide"
    # A list of people that somebody works through does not scroll in a box.
    kind = f"{kind} tall" if own else kind
    note = SCROLL if columns > SCROLLS_FROM else ""
    # Whoever has only a keyboard must be able to scroll it.
    box = f'<div class="{kind}" role="group" aria-label="Table" tabindex="0">'
    return f"{above}{note}{box}{shown}</div>"


def _with_scopes(table: str) -> str:
    """Any other table: its heads say whether they head a column or a row, and long cells wrap."""
    head, end, body = table.partition(_HEAD_END)
    head = _HEAD_CELL.sub('<th scope="col"', head)
    body = _CELL_OF_BODY.sub(_wrapped, body)
    body = _HEAD_CELL.sub('<th scope="row"', body)
    return head + end + body


def _wrapped(cell: FoundPart) -> str:
    text = cell[1]
    if len(text) <= LONG_CELL:
        return cell[0]
    return f'<td class="long">{text}</td>'


def _rows(table: str) -> list[list[str]]:
    """The cells of the rows."""
    body = table.partition(_HEAD_END)[2]
    rows = _ROW.findall(body)
    return list(map(_CELL.findall, rows))


def _as_read(table: str, rows: list[list[str]]) -> tuple[str, str]:
    """What stands above the table of a result, and the table."""
    pairs = _TOLD.findall(table)
    told = {key: html.unescape(value) for key, value in pairs}
    head = table.partition(_HEAD_END)[0]
    names = _CELL.findall(head)
    columns = map(_column, names, zip(*rows, strict=True))
    shown = columns_as_read(
        list(columns),
        HEADS_OF.get(told["question"], {}),
        told["unit"],
        told["percent"],
    )
    same = list(filter(_is_said_once, shown))
    rest = [one for one in shown if one not in same]
    # The only row of a table is told by its words.
    if not same or not rest or len(rows) == 1:
        return "", _written(shown)
    words = [f"{one.head}: {one.said.pop()}" for one in same]
    above = f'<p class="about">In every row: {"; ".join(words)}.</p>'
    return above, _written(rest)


def _column(name: str, cells: CellTexts) -> ShownColumn:
    """A column; names of columns of a file stand as they are written there."""
    if name not in NAMES:
        return ShownColumn(name, cells)
    written = [f"<code>{cell}</code>" for cell in cells]
    return ShownColumn(name, tuple(written))


def _is_said_once(column: ShownColumn) -> bool:
    """Whether it says the same words in every row."""
    return column.is_words and len(column.said) == 1


def _written(columns: ShownColumns) -> str:
    """The table as HTML, with a scope for each head."""
    kinds = [_WORDS if one.is_words else "" for one in columns]
    heads = [one.head for one in columns]
    cells = [one.cells for one in columns]
    n_heads = _row_heads(columns)
    titles = map('<th scope="col"{}>{}</th>'.format, kinds, heads)
    rows = [_row(row, kinds, n_heads) for row in zip(*cells, strict=True)]
    head = f"<thead><tr>{''.join(titles)}</tr>{_HEAD_END}"
    body = f"<tbody>{''.join(rows)}</tbody>"
    return f'<table class="kettrack">{head}{body}</table>'


def _row_heads(columns: ShownColumns) -> int:
    """How many columns at the left say what a row is about."""
    last = min(MOST_ROW_HEADS, len(columns) - 1)
    for n in range(1, last + 1):
        first = [one.cells for one in columns[:n]]
        named = Counter(zip(*first, strict=True))
        twice = (count > 1 and DOTS not in row for row, count in named.items())
        if not any(twice):
            return n
    return 1


def _row(cells: CellTexts, kinds: Sequence[str], n_heads: int) -> str:
    written = []
    for place, cell in enumerate(cells):
        kind = kinds[place]
        if len(cell) > LONG_CELL:
            kind = _LONG
        # A head that says nothing is no head.
        if cell and place < n_heads:
            shown = f'<th scope="row"{kind}>{cell}</th>'
        else:
            shown = f"<td{kind}>{cell}</td>"
        written.append(shown)
    return f"<tr>{''.join(written)}</tr>"
