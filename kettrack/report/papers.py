"""The tables of a paper as files: a Word document and a workbook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kettrack.errors import UsageError
from kettrack.escapes import visible
from kettrack.report.first_page import PageAnswer
from kettrack.report.paper_tables import PaperRow, PaperTable

if TYPE_CHECKING:
    from docx.document import Document
    from openpyxl.cell import Cell, MergedCell
    from openpyxl.worksheet.worksheet import Worksheet

# Package as it is imported, and what needs it.
_NEEDED: Final = {"docx": "A Word document", "openpyxl": "A workbook"}
_INSIDE: Final = "    "  # before a part of the row above
_SMALL_POINTS: Final = 9
_AFTER_NOTE_POINTS: Final = 3
_LINE_POINTS: Final = 15  # of a line of a workbook
# Of a line between the margins, the first column and all others.
_FIRST_CM: Final = 8.0
_OTHERS_CM: Final = 15.0
# Letters: a column of a document is as wide as its longest cell, within these.
_FEWEST_LETTERS: Final = 7
_MOST_LETTERS: Final = 28
_WIDEST: Final = 60  # letters; a longer cell of a workbook wraps


@dataclass(frozen=True, slots=True)
class Paper:
    """What a paper prints of an analysis.

    Parameters
    ----------
    tables : tuple of PaperTable
        From `paper_tables`.
    made_from : mapping
        Label to text; the first says what may be done with it, and stands on every page.
    methods : tuple of PageAnswer
        How the numbers were made.
    """

    tables: tuple[PaperTable, ...]
    made_from: Mapping[str, str]
    methods: tuple[PageAnswer, ...]

    @property
    def banner(self) -> str:
        """What may be done with it."""
        return next(iter(self.made_from.values()), "")


def require_package(name: str) -> None:
    """Stop where a package of the extra `papers` is not installed.

    Parameters
    ----------
    name : str
        `docx` or `openpyxl`.

    Raises
    ------
    UsageError
        Saying what to type.
    """
    if find_spec(name) is None:
        raise UsageError(
            f"{_NEEDED[name]} needs a package that is not installed. Type: pip install"
            " 'kettrack[papers]'."
        )


def write_docx(
    paper: Paper,
    output: Path,
) -> None:
    """Write the tables as a Word document.

    Parameters
    ----------
    paper : Paper
        What is written.
    output : Path
        The file; it is replaced.
    """
    require_package("docx")
    import docx
    from docx.enum.section import WD_ORIENT

    document = docx.Document()
    section = document.sections[0]
    # Intervals need the width.
    section.orientation = WD_ORIENT.LANDSCAPE
    width = section.page_width
    section.page_width = section.page_height
    section.page_height = width
    # On every page.
    header = section.header.paragraphs[0]
    header.text = visible(paper.banner)
    for table in paper.tables:
        _add_table(document, table)
    document.add_heading("Methods", level=2)
    for part in paper.methods:
        said = " ".join(part.sentences)
        document.add_heading(visible(part.heading), level=3)
        document.add_paragraph(visible(said))
    document.add_heading("What these tables are made from", level=2)
    for label, text in paper.made_from.items():
        _add_small(document, f"{label}: {text}")
    document.save(str(output))


def _add_table(document: Document, table: PaperTable) -> None:
    document.add_heading(visible(table.title), level=2)
    widths = _widths(table)
    grid = document.add_table(rows=1, cols=len(widths))
    grid.style = "Table Grid"
    grid.autofit = False
    # Some programs go by the columns, and some by the cells.
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = width
    top = grid.rows[0]
    _repeat_on_every_page(top)
    _fill(top.cells, table.columns, widths, bold=True)
    has_parts = any(row.inside for row in table.rows)
    for row in table.rows:
        added = grid.add_row()
        heads = has_parts and not row.inside
        _fill(added.cells, _indented(row), widths, bold=heads)
    for note in table.notes:
        _add_small(document, note)


def _repeat_on_every_page(row: Any) -> None:
    """Mark a row as the heading of its table, for who sees it and for who hears it."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _widths(table: PaperTable) -> list[Any]:
    """The first column has room for sentences; an interval needs more than a count."""
    from docx.shared import Cm

    letters = []
    for place, head in enumerate(table.columns[1:], start=1):
        # A heading may wrap between its words.
        words = head.split()
        cells = [row.cells[place] for row in table.rows]
        longest = max(map(len, [*words, *cells]), default=0)
        longest = max(longest, _FEWEST_LETTERS)
        letters.append(min(longest, _MOST_LETTERS))
    each = _OTHERS_CM / sum(letters)
    others = [Cm(each * wide) for wide in letters]
    return [Cm(_FIRST_CM), *others]


def _fill(
    cells: Sequence[Any],
    texts: Sequence[str],
    widths: Sequence[Any],
    bold: bool,
) -> None:
    from docx.shared import Pt

    for place, cell in enumerate(cells):
        cell.width = widths[place]
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run(visible(texts[place]))
        run.font.size = Pt(_SMALL_POINTS)
        run.bold = bold


def _add_small(document: Document, text: str) -> None:
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_after = Pt(_AFTER_NOTE_POINTS)
    run = paragraph.add_run(visible(text))
    run.font.size = Pt(_SMALL_POINTS)


def _indented(row: PaperRow) -> tuple[str, ...]:
    first, *others = row.cells
    return (f"{_INSIDE if row.inside else ''}{first}", *others)


def write_workbook(
    paper: Paper,
    output: Path,
) -> None:
    """Write the tables as a workbook: one sheet each, and one on how they were made.

    Parameters
    ----------
    paper, output
        As for `write_docx`.
    """
    require_package("openpyxl")
    import openpyxl
    from openpyxl.styles import Alignment

    book = openpyxl.Workbook()
    # It comes with a sheet that nobody asked for.
    book.remove(book.active)
    for table in paper.tables:
        _write_table(book.create_sheet(table.name), table)
    about = book.create_sheet("About")
    for label, text in paper.made_from.items():
        _append(about, (label, text))
    for part in paper.methods:
        said = " ".join(part.sentences)
        _append(about, (part.heading, said))
    about.column_dimensions["A"].width = _WIDEST / 2
    about.column_dimensions["B"].width = _WIDEST * 2
    for cells in about.iter_rows():
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        _set_height(cells)
    _fit_to_page(about)
    book.save(output)


def _write_table(sheet: Worksheet, table: PaperTable) -> None:
    from openpyxl.styles import Alignment, Font

    _append(sheet, (table.title,))
    _append(sheet, table.columns)
    for row in table.rows:
        _append(sheet, _indented(row))
    wrapped = Alignment(wrap_text=True, vertical="top")
    for line in sheet.iter_rows(min_row=2):
        for cell in line:
            cell.alignment = wrapped
    for cell in (*sheet[1], *sheet[2]):
        cell.font = Font(bold=True)
    width = _set_widths(sheet, table)
    for line in sheet.iter_rows(min_row=2):
        _set_height(line)
    for note in table.notes:
        _append(sheet, (note,))
        number = sheet.max_row
        sheet.merge_cells(
            start_row=number,
            end_row=number,
            start_column=1,
            end_column=len(table.columns),
        )
        sheet.cell(number, 1).alignment = wrapped
        # No program finds the height of merged cells by itself.
        n_lines = math.ceil(len(note) / width)
        sheet.row_dimensions[number].height = n_lines * _LINE_POINTS
    # The headings stay in sight.
    sheet.freeze_panes = "B3"
    _fit_to_page(sheet)


def _fit_to_page(sheet: Worksheet) -> None:
    """A printed page is as wide as the table."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True


def _set_height(cells: Sequence[Cell | MergedCell]) -> None:
    """Make a row as high as its longest text; not every program does so by itself."""
    sheet = cells[0].parent
    lines = [1]
    for cell in cells:
        width = sheet.column_dimensions[cell.column_letter].width
        text = str(cell.value or "")
        lines.append(math.ceil(len(text) / width))
    sheet.row_dimensions[cells[0].row].height = max(lines) * _LINE_POINTS


def _append(
    sheet: Worksheet,
    texts: Sequence[str],
) -> None:
    """Add a line of texts: a site that is called =1+1 is a text and no formula."""
    number = sheet.max_row + 1
    if sheet.cell(1, 1).value is None:
        number = 1
    for place, text in enumerate(texts, start=1):
        cell = sheet.cell(number, place)
        cell.value = visible(text)
        cell.data_type = "s"


def _set_widths(
    sheet: Worksheet,
    table: PaperTable,
) -> int:
    """Make columns as wide as their texts; letters in a line of all of them."""
    from openpyxl.utils import get_column_letter

    lines = [table.columns]
    lines += [_indented(row) for row in table.rows]
    columns = zip(*lines, strict=True)
    whole = 0
    for place, texts in enumerate(columns, start=1):
        longest = max(map(len, texts))
        letter = get_column_letter(place)
        width = min(longest + 2, _WIDEST)
        sheet.column_dimensions[letter].width = width
        whole += width
    return whole
