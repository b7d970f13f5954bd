"""Cells of workbooks that were written by hand, part by part: what no library writes on demand."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import pytest

from kettrack.errors import DataProblems
from kettrack.importing.registry import read_source
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable
from kettrack.importing.workbooks.days import number_format
from kettrack.importing.workbooks.grid import adds_up

RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# Prefixes, absolute targets and other names of parts than the usual ones are all valid.
WORKBOOK = f"""<x:workbook xmlns:x="{MAIN}" xmlns:r="{RELATIONS}"><x:sheets>
<x:sheet name="Log" sheetId="1" r:id="a"/></x:sheets></x:workbook>"""
STYLES = f"""<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="h:mm"/>
</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>
<xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="22"/></cellXfs></styleSheet>"""
TEXTS = f"""<sst xmlns="{MAIN}"><si><t>Patient</t></si><si><r><t>PHQ</t></r><r><t>-9</t></r></si>
<si><t>When</t><rPh sb="0" eb="1"><t>SPOKEN</t></rPh></si></sst>"""


def relations(**parts: str) -> str:
    """Relations by kind, each with the id of its first letter."""
    ids = {"worksheet": "a", "styles": "b", "sharedStrings": "c", "officeDocument": "d"}
    lines = [
        f'<Relationship Id="{ids[kind]}" Type="{RELATIONS}/{kind}" Target="{part}"/>'
        for kind, part in parts.items()
    ]
    return f'<Relationships xmlns="{PACKAGE}">{"".join(lines)}</Relationships>'


def xlsx(folder: Path, rows: str, sheet: str = "") -> Path:
    path = folder / "log.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_rels/.rels", relations(officeDocument="xl/book.xml"))
        archive.writestr("xl/book.xml", WORKBOOK)
        listed = relations(
            worksheet="/xl/one.xml", styles="styles.xml", sharedStrings="texts.xml"
        )
        archive.writestr("xl/_rels/book.xml.rels", listed)
        archive.writestr("xl/styles.xml", STYLES)
        archive.writestr("xl/texts.xml", TEXTS)
        whole = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
        archive.writestr("xl/one.xml", sheet or whole)
    return path


def shared(*numbers: int) -> str:
    cells = "".join(f'<c t="s"><v>{number}</v></c>' for number in numbers)
    return f"<row>{cells}</row>"


def read(path: Path) -> tuple[SourceData, Remarks]:
    remarks = Remarks()
    return read_source(path, {}, remarks), remarks


def only(path: Path) -> SourceTable:
    data, _ = read(path)
    (table,) = data.tables
    return table


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_shared_texts_without_their_reading(tmp_path: Path) -> None:
    """Rows and cells without references follow one another."""
    path = xlsx(tmp_path, shared(0, 1, 2) + "<row><c><v>7</v></c><c><v>3</v></c></row>")
    table = only(path)
    assert table.data.column_names == ["Patient", "PHQ-9", "When"]
    assert table.data.slice(0, 1).to_pylist() == [
        {"Patient": 7, "PHQ-9": 3, "When": None}
    ]


def test_hours_that_are_shown_of_a_date(tmp_path: Path) -> None:
    rows = shared(0, 2) + "".join(
        f'<row><c><v>{patient}</v></c><c s="2"><v>{days}</v></c></row>'
        for patient, days in ((1, 45292.5), (2, 45293.25))
    )
    assert only(xlsx(tmp_path, rows)).data["When"].to_pylist() == [
        moment("2024-01-01T12:00"),
        moment("2024-01-02T06:00"),
    ]


def test_dates_with_a_time_of_day(tmp_path: Path) -> None:
    rows = shared(0, 2) + "".join(
        f'<row><c><v>1</v></c><c s="3"><v>{days}</v></c></row>'
        for days in (45292, 45292 + 570 / 1440)
    )
    assert only(xlsx(tmp_path, rows)).data["When"].to_pylist() == [
        moment("2024-01-01"),
        moment("2024-01-01T09:30"),
    ]


def test_minutes_are_whole(tmp_path: Path) -> None:
    """7 of 1,440 is no binary number; cut off, many lengths would lose a second."""
    minutes = range(1, 121)
    rows = shared(0, 2) + "".join(
        f'<row><c><v>1</v></c><c s="2"><v>{one / 1440!r}</v></c></row>'
        for one in minutes
    )
    cells = only(xlsx(tmp_path, rows)).data["When"].to_pylist()
    assert cells == [dt.timedelta(minutes=one) for one in minutes]


def test_dates_of_strict_open_xml(tmp_path: Path) -> None:
    rows = shared(0, 2) + "".join(
        f'<row><c><v>1</v></c><c t="d" s="1"><v>{written}</v></c></row>'
        for written in (
            "2024-01-31",
            "2024-01-31T00:00:00Z",
            "2024-01-31T00:00:00+01:00",
        )
    )
    day = dt.date.fromisoformat("2024-01-31")
    assert only(xlsx(tmp_path, rows)).data["When"].to_pylist() == [day] * 3


def test_a_formula_with_an_empty_text_is_an_empty_cell(tmp_path: Path) -> None:
    row = '<row><c><v>1</v></c><c t="str"><f>IF(A2=1,"",2)</f><v></v></c></row>'
    data, remarks = read(xlsx(tmp_path, shared(0, 1) + row + row))
    assert data.tables[0].data["PHQ-9"].null_count == 2
    assert remarks.said == []


@pytest.mark.parametrize("value", ["1e999", "NaN", "twelve"])
def test_what_is_no_number_stays_text(tmp_path: Path, value: str) -> None:
    row = f"<row><c><v>1</v></c><c><v>{value}</v></c></row>"
    table = only(xlsx(tmp_path, shared(0, 1) + row))
    assert table.data["PHQ-9"].to_pylist() == [value]


def test_days_that_no_calendar_has(tmp_path: Path) -> None:
    row = '<row><c><v>1</v></c><c s="1"><v>1e12</v></c></row>'
    table = only(xlsx(tmp_path, shared(0, 1) + row))
    assert table.data["PHQ-9"].to_pylist() == [10**12]


def test_entities_are_refused(tmp_path: Path) -> None:
    sheet = f"""<!DOCTYPE x [<!ENTITY many "SECRET">]>
    <worksheet xmlns="{MAIN}"><sheetData/></worksheet>"""
    with pytest.raises(DataProblems, match="XML entities") as caught:
        read(xlsx(tmp_path, "", sheet))
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("dd/mm/yyyy", "DAY"),
        ("d-mmm", "DAY"),
        ("mmm yy", "DAY"),
        ("[$-409]d\\-mmm\\-yy;@", "DAY"),
        ('d. mmmm yyyy "Uhr"', "DAY"),
        ("ggge", "DAY"),
        ("h:mm", "CLOCK"),
        ("[h]:mm:ss", "CLOCK"),
        ("[mm]:ss", "CLOCK"),
        ("hh:mm AM/PM", "CLOCK"),
        ("0%", "PERCENT"),
        ("0.00", "NUMBER"),
        ("#,##0.00 [$€-407]", "NUMBER"),
        ('0 "days"', "NUMBER"),
        ('"day "0', "NUMBER"),
        ("General", "NUMBER"),
        ("@", "NUMBER"),
        ("0.00E+00", "NUMBER"),
        ("[Red]0.0", "NUMBER"),
    ],
)
def test_what_formats_make_of_numbers(code: str, kind: str) -> None:
    assert number_format(164, code).kind.name == kind


@pytest.mark.parametrize(
    ("formula", "total"),
    [
        ("SUM(B2:B40)", True),
        ("=AVERAGE($B$2:$B$40)", True),
        ("SUBTOTAL(109,B2:B40)", True),
        ("SUBTOTAL(101,Visits[PHQ-9])", True),
        ("_xlfn.STDEV.S(B2:B40)", True),
        ("of:=COUNTA([.B2:.B40])", True),
        ("SUM(B2:J2)", False),
        ("B2+B3", False),
        ("SUMIF(B2:B40,1)", False),
    ],
)
def test_which_formulas_add_up_a_column(formula: str, total: bool) -> None:
    assert adds_up(formula) is total


OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"


def ods(folder: Path, sheets: str, manifest: str = "<m/>") -> Path:
    path = folder / "log.ods"
    hidden = (
        '<style:style style:name="ta2"><style:table-properties table:display="false"/>'
        "</style:style>"
    )
    content = (
        f'<office:document-content xmlns:office="{OFFICE}" xmlns:table="{TABLE}"'
        f' xmlns:style="{STYLE}" xmlns:text="{TEXT}" xmlns:calcext="{CALC}">{hidden}{sheets}'
        "</office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return path


def word(text: str) -> str:
    return (
        '<table:table-cell office:value-type="string">'
        f"<text:p>{text}</text:p></table:table-cell>"
    )


def cell(kind: str, attributes: str, shown: str = "", more: str = "") -> str:
    return (
        f'<table:table-cell office:value-type="{kind}" {attributes} {more}>'
        f"<text:p>{shown}</text:p></table:table-cell>"
    )


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def test_every_kind_of_cell_of_opendocument(tmp_path: Path) -> None:
    names = ("Patient", "Date", "Length", "SpO2", "Better", "Error", "Note", "Cost")
    note = (
        '<table:table-cell office:value-type="string"><office:annotation><text:p>SECRET</text:p>'
        "</office:annotation><text:p>two<text:s text:c='2'/>blanks</text:p><text:p>lines</text:p>"
        "</table:table-cell>"
    )
    record = row(
        cell("float", 'office:value="7"', "007"),
        cell("date", 'office:date-value="2024-01-31"'),
        cell("time", 'office:time-value="PT30H05M00S"'),
        cell("percentage", 'office:value="0.97"'),
        cell("boolean", 'office:boolean-value="true"'),
        cell("string", 'calcext:value-type="error"', "#DIV/0!"),
        note,
        cell("currency", 'office:value="350.5"'),
    )
    path = ods(
        tmp_path,
        f"<table:table table:name='Log'>{row(*map(word, names))}{record}</table:table>",
    )
    data, remarks = read(path)
    (table,) = data.tables
    assert table.data.to_pylist() == [
        {
            "Patient": "007",
            "Date": dt.date.fromisoformat("2024-01-31"),
            "Length": dt.timedelta(hours=30, minutes=5),
            "SpO2": 97,
            "Better": True,
            "Error": None,
            "Note": "two  blanks\nlines",
            "Cost": 350.5,
        }
    ]
    assert "the cell holds the error #DIV/0!" in {one.reason for one in remarks.said}


def test_repeated_rows_and_cells_of_opendocument(tmp_path: Path) -> None:
    """Equal neighbours are written once, and a million empty rows as well."""
    twice = 'table:number-columns-repeated="2"'
    record = row(
        cell("float", 'office:value="1"'),
        cell("float", 'office:value="3"', more=twice),
        more='table:number-rows-repeated="3"',
    )
    gap = row("<table:table-cell/>", more='table:number-rows-repeated="4"')
    last = row(*(cell("float", f'office:value="{number}"') for number in (2, 4, 5)))
    end = row("<table:table-cell/>", more='table:number-rows-repeated="1048000"')
    names = row(*map(word, ("Patient", "PHQ-9", "GAD-7")))
    sheet = (
        f"<table:table table:name='Log'>{names}{record}{gap}{last}{end}</table:table>"
    )
    table = only(ods(tmp_path, sheet))
    assert table.rows.to_pylist() == [2, 3, 4, 9]
    assert table.data["GAD-7"].to_pylist() == [3, 3, 3, 5]


def test_what_opendocument_hides(tmp_path: Path) -> None:
    names = row(*map(word, ("Patient", "PHQ-9")))
    numbers = [cell("float", f'office:value="{number}"') for number in (1, 2)]
    shown = (
        f"<table:table-column/><table:table-column table:visibility='collapse'/>{names}"
    )
    shown += row(*numbers) + row(*numbers, more='table:visibility="filter"')
    sheets = f"<table:table table:name='Log'>{shown}</table:table>"
    old = names + row(*numbers)
    sheets += "<table:table table:name='Old' table:style-name='ta2'>"
    sheets += f"{old}</table:table>"
    data, remarks = read(ods(tmp_path, sheets))
    assert [table.data.num_rows for table in data.tables] == [2, 1]
    assert sorted(one.reason for one in remarks.said) == [
        "hidden columns were read like all others",
        "hidden rows were read like all others",
        "the sheet is hidden; it was read",
    ]


def test_a_formula_without_a_result_in_opendocument(tmp_path: Path) -> None:
    names = row(*map(word, ("Patient", "PHQ-9")))
    empty = '<table:table-cell table:formula="of:=1+1"/>'
    record = row(cell("float", 'office:value="1"'), empty)
    sheet = f"<table:table table:name='Log'>{names}{record}</table:table>"
    data, remarks = read(ods(tmp_path, sheet))
    assert data.tables[0].reasons["PHQ-9"].to_pylist() == ["formula never calculated"]
    assert [one.count for one in remarks.said] == [1]


def test_an_opendocument_workbook_with_a_password(tmp_path: Path) -> None:
    manifest = "<m><manifest:encryption-data xmlns:manifest='x'/></m>"
    with pytest.raises(DataProblems, match="password"):
        read(ods(tmp_path, "", manifest))


def test_more_copies_than_any_clinic_has(tmp_path: Path) -> None:
    wide = 'table:number-columns-repeated="16384"'
    record = row(
        cell("float", 'office:value="1"', more=wide),
        more='table:number-rows-repeated="1048576"',
    )
    sheet = f"<table:table table:name='Log'>{record}</table:table>"
    with pytest.raises(DataProblems, match="too large"):
        read(ods(tmp_path, sheet))
