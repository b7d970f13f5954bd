"""The tables and the methods of a paper: the numbers of the report, under its policy, as files that
other programs open.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import docx
import openpyxl
import pytest
from sample_answers import derived_sample, sample_answer

from kettrack import sample_folder
from kettrack.cli import main
from kettrack.errors import UsageError
from kettrack.report import browser, formats, papers, run
from kettrack.report.browser import NotPrinted, print_pdf
from kettrack.report.first_page import PageAnswer
from kettrack.report.methods import Methods, as_markdown, describe_methods
from kettrack.report.paper_tables import (
    ASKED,
    NOT_SHOWN,
    PaperRow,
    PaperTable,
    paper_tables,
    provenance_of,
)
from kettrack.report.papers import Paper, write_docx, write_workbook
from kettrack.report.together import _FIRST_PAGE
from kettrack.result import Result
from kettrack.writing import write_together

PART_OF_TEXT = re.compile(r"\bS\d{3,}\b")


def found(policy: str = "internal") -> dict[str, Result]:
    return {name: sample_answer(name, policy) for name in ASKED}


@cache
def tables(policy: str = "internal") -> dict[str, PaperTable]:
    made = paper_tables(derived_sample(policy), found(policy))
    return {table.name: table for table in made}


def rows_of(table: PaperTable) -> dict[str, tuple[str, ...]]:
    return {row.cells[0]: row.cells for row in table.rows}


@cache
def methods(policy: str = "internal") -> Methods:
    return describe_methods(derived_sample(policy), found(policy))


def paper(policy: str = "internal") -> Paper:
    return Paper(
        tuple(tables(policy).values()),
        provenance_of(derived_sample(policy)),
        methods(policy).paragraphs,
    )


def test_intervals_of_a_document_stand_on_one_line(tmp_path: Path) -> None:
    """Counts had as much room as intervals, and every interval was broken in two."""
    write_docx(paper(), tmp_path / "paper.docx")
    document = docx.Document(str(tmp_path / "paper.docx"))
    for table in document.tables:
        whole = sum(column.width.cm for column in table.columns)
        assert whole == pytest.approx(23.0, abs=0.1)
        for row in table.rows[1:]:
            for cell in row.cells:
                if re.fullmatch(r"[\d.,]+ % \([\d.]+ to [\d.]+\)", cell.text):
                    # Letters of 9 points are about 0.17 cm wide; the edges take 0.4.
                    assert cell.width.cm - 0.4 >= 0.17 * len(cell.text)


def test_table_1_is_what_the_columns_of_the_folder_say() -> None:
    rows = rows_of(tables()["Table 1"])
    frame = derived_sample("internal").patients
    n_female = int((frame["sex"] == "female").sum())
    share = 100 * n_female / frame["sex"].notna().sum()
    assert rows["female"][2] == f"{n_female} ({share:.1f})"
    age = frame["age"].dropna().astype(float)
    low, middle, high = age.quantile([0.25, 0.5, 0.75])
    cells = [row.cells for row in tables()["Table 1"].rows]
    place = next(i for i, row in enumerate(cells) if row[0].startswith("age"))
    assert cells[place][1] == str(len(age))
    assert cells[place + 1][2] == f"{age.mean():.1f} ({age.std():.1f})"
    assert cells[place + 2][2] == f"{middle:.1f} [{low:.1f}, {high:.1f}]"
    assert tables()["Table 1"].columns[2].endswith(f"N = {len(frame)}")


def test_main_results_are_those_of_the_questions() -> None:
    table = tables()["Main results"]
    cells = [row.cells for row in table.rows]
    curve = sample_answer("response_by_session").table.set_index("session")
    six = curve.loc[6]
    said = f"{six.estimate:.1f} % ({six.ci_low:.1f} to {six.ci_high:.1f})"
    assert cells[0][1] == derived_sample("internal").criteria.response.words  # type: ignore[union-attr]
    by_six = [row for row in cells if row[0].startswith("by session 6")]
    assert by_six[0][2:] == (str(int(six.n)), "", said)
    worse = sample_answer("worsening").table.set_index("key").loc["worse"]
    assert rows_of(table)["one score"][2:4] == (str(worse.n), str(worse.events))
    following = sample_answer("next_session").table.iloc[0]
    assert cells[-1][4].startswith(f"{following.estimate:.2f} points")


def test_every_number_of_a_paper_is_asked_by_the_report_too() -> None:
    # What the whole report may not show is worked out over the questions of the report.
    first = {name for name, _ in _FIRST_PAGE}
    sources = [run._source(name) for name in run.read_contents().notebooks]
    asked = {name for name in ASKED if f'estimate("{name}"' in "\n".join(sources)}
    assert set(ASKED) == (first | asked) & set(ASKED)


def test_a_policy_hides_small_counts_in_every_file(tmp_path: Path) -> None:
    rows = rows_of(tables("cms")["Table 1"])
    assert rows_of(tables()["Table 1"])["native"][2] == "4 (0.7)"
    assert rows["native"][2] == NOT_SHOWN
    write_docx(paper("cms"), tmp_path / "a.docx")
    write_workbook(paper("cms"), tmp_path / "a.xlsx")
    for name in ("a.docx", "a.xlsx"):
        archive = zipfile.ZipFile(tmp_path / name)
        text = "".join(
            archive.read(part).decode("utf-8", "replace") for part in archive.namelist()
        )
        assert "4 (0.7)" not in text
        assert NOT_SHOWN in text
        # Study codes stand in rows of people, and there are none.
        assert not PART_OF_TEXT.search(text)


def test_good_news_is_not_shown_where_its_harm_is_hidden() -> None:
    there = found("cms")
    worse = there["worsening"].table.astype(object).copy()
    hidden = worse["key"] == "worse"
    worse.loc[hidden, ["events", "estimate", "ci_low", "ci_high"]] = None
    worse["suppressed"] = hidden
    there["worsening"] = replace(there["worsening"], table=worse)
    main_results = paper_tables(derived_sample("cms"), there)[1]
    good = [row for row in main_results.rows if "session 6" in row.cells[0]]
    assert good
    assert all(row.cells[2:] == (NOT_SHOWN,) * 3 for row in good)
    assert any("harm" in note for note in main_results.notes)


def test_a_refused_question_is_a_note_and_no_row() -> None:
    there = found()
    refused = replace(
        there["durability"], status="refused", reason="no log.", collect="logs."
    )
    there["durability"] = refused
    main_results = paper_tables(derived_sample("internal"), there)[1]
    assert not any("weeks after" in row.cells[0] for row in main_results.rows)
    assert any(note.startswith("durability: Cannot") for note in main_results.notes)


def test_a_document_has_headings_that_repeat_and_its_banner_on_every_page(
    tmp_path: Path,
) -> None:
    write_docx(paper("midpoint6"), tmp_path / "a.docx")
    document = docx.Document(str(tmp_path / "a.docx"))
    assert len(document.tables) == len(tables())
    for grid in document.tables:
        assert "w:tblHeader" in grid.rows[0]._tr.xml
    header = document.sections[0].header.paragraphs[0].text
    assert header.startswith("For release")
    shown = [cell.text for row in document.tables[0].rows for cell in row.cells]
    assert "    female" in shown


def test_a_workbook_takes_no_text_for_a_formula(tmp_path: Path) -> None:
    row = PaperRow(("=1+1", "@x", "\x07bell"))
    table = PaperTable(name="T", title="=T", columns=("a", "b", "c"), rows=(row,))
    made = Paper((table,), {"Use": "=2"}, (PageAnswer("M", ("=3",)),))
    write_workbook(made, tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["T", "About"]
    cells = [cell for sheet in book for line in sheet for cell in line if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert "=1+1" in [cell.value for cell in cells]


def test_a_row_of_a_workbook_is_as_high_as_its_text(tmp_path: Path) -> None:
    long = "A text that takes more than one line of its cell. " * 8
    table = PaperTable(
        name="T", title="T", columns=("a", "b"), rows=(PaperRow((long, "1")),)
    )
    parts = (PageAnswer("Data", (long,)),)
    write_workbook(Paper((table,), {}, parts), tmp_path / "a.xlsx")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    # 400 letters: 7 lines of 60, and 4 of 120.
    heights = [
        book["T"].row_dimensions[3].height,
        book["About"].row_dimensions[1].height,
    ]
    assert heights == [7 * papers._LINE_POINTS, 4 * papers._LINE_POINTS]


def test_what_is_not_installed_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "find_spec", lambda _: None)
    monkeypatch.setattr(browser.shutil, "which", lambda _: None)
    monkeypatch.setattr(browser, "_APPLICATIONS", ())
    monkeypatch.setattr(run, "load_cohort", lambda *_, **__: pytest.fail("it read"))
    for ending, told in (
        (".docx", r"pip install 'kettrack\[papers\]'"),
        (".xlsx", r"pip install 'kettrack\[papers\]'"),
        (".pdf", "Chromium, Chrome or Edge"),
    ):
        with pytest.raises(UsageError, match=told):
            run.write_report(sample_folder(), tmp_path / "r.html", ending)
    assert list(tmp_path.iterdir()) == []


def test_several_files_are_written_all_or_none(tmp_path: Path) -> None:
    def write(draft: Path) -> None:
        draft.write_text("new", encoding="utf-8")

    def fail(draft: Path) -> None:
        raise NotPrinted("no")

    (tmp_path / "a").write_text("old", encoding="utf-8")
    with pytest.raises(NotPrinted):
        write_together({tmp_path / "a": write, tmp_path / "b": fail})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"
    write_together({tmp_path / "a": write, tmp_path / "b": write})
    assert (tmp_path / "b").read_text(encoding="utf-8") == "new"


def test_a_page_is_printed(chromium: str, tmp_path: Path) -> None:
    print_pdf("<html lang=en><title>T</title><p>text</html>", tmp_path / "a.pdf")
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_a_browser_that_prints_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").touch()
    for program in ("true", "false"):
        monkeypatch.setattr(browser, "find_browser", lambda name=program: name)
        with pytest.raises(NotPrinted, match=f"{program} made no PDF"):
            print_pdf("<p>", tmp_path / "a.pdf")


def test_the_files_of_a_report_have_its_name(tmp_path: Path) -> None:
    page = tmp_path / "june.html"
    made = formats.writers(page, [".pdf", ".xlsx"], "<p>", paper())
    assert [path.name for path in made] == ["june.pdf", "june.xlsx"]


def test_methods_name_rules_versions_and_what_was_asked() -> None:
    text = as_markdown(methods())
    cohort = derived_sample("internal")
    for rule in (cohort.criteria.response, cohort.criteria.loss_of_response):
        assert rule is not None
        assert rule.words in text
    assert cohort.provenance.input_sha256[:12] in text
    assert "pandas " in text
    assert sample_answer("next_session").estimand in text
    # Each item of the checklists has one line, and the trial is described in each of its parts.
    assert text.count("\n| 6a, 7a |") == text.count("\n| RECORD 7.1 |") == 1
    assert "See One more session." not in text
    assert "What could not be answered" not in text


def test_methods_say_what_was_refused_and_emulate_no_trial_then() -> None:
    there = found()
    refused = replace(
        there["next_session"], status="refused", reason="few.", collect="more people."
    )
    there["next_session"] = refused
    text = as_markdown(describe_methods(derived_sample("internal"), there))
    assert "## What could not be answered" in text
    assert "No trial was emulated. Cannot be answered" in text
    assert "## One more session" not in text


def test_methods_of_a_release_tell_no_exact_count() -> None:
    inside = as_markdown(methods())
    outside = as_markdown(methods("midpoint6"))
    assert "600 people started" in inside
    assert "600 people" not in outside
    assert "midpoint6" in outside or "middle of its 6" in outside


def test_the_command_writes_a_file_or_says_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kettrack.report.paper_tables.ask_for_paper", lambda _: found())
    with pytest.raises(SystemExit) as left:
        main(["methods", str(sample_folder()), "-o", str(tmp_path / "m.md")])
    assert left.value.code == 0
    written = (tmp_path / "m.md").read_text(encoding="utf-8")
    capfd.readouterr()
    with pytest.raises(SystemExit):
        main(["methods", str(sample_folder())])
    assert capfd.readouterr().out == written
