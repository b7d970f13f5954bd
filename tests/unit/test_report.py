"""The report: what its parts become on the page, and that it fails in one line."""

from __future__ import annotations

import os
import re
import struct
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode
from sample_answers import derived_sample

from kettrack import DataProblems, load_cohort, notebook_folder, sample_folder
from kettrack.analysis.context import refusal
from kettrack.errors import NotIdentified
from kettrack.report import run
from kettrack.report.drawn import MOST_MARKS, as_dots, as_lines, n_marks
from kettrack.report.execute import (
    METADATA,
    READS,
    SIDE_BY_SIDE,
    AtHand,
    CellRun,
    Meanwhile,
    NotebookFailed,
    execute,
    execute_all,
    main,
    store,
)
from kettrack.report.first_page import (
    HEADINGS,
    FirstAnswer,
    FirstPage,
    PageAnswer,
    compose_first_page,
    page_answer,
    sources_of,
)
from kettrack.report.layout import render
from kettrack.report.pictures import draw_inline
from kettrack.report.timings import Timings

HALF_BY_3 = pd.DataFrame(
    {
        "session": [1, 2, 3],
        "estimate": [10.0, 30.0, 50.0],
        "ci_low": [5.0, 20.0, 40.0],
        "ci_high": [15.0, 40.0, 60.0],
        "at_most": [12.0, 40.0, 70.0],
    }
)
PAGE = FirstPage(
    "Not for release",
    (
        PageAnswer(
            "Response", ("12 of 40 <patients>.", "Worse: 3 of 40."), "By session 6."
        ),
    ),
    {"Extract": "May & June"},
)


def notebook_of(*sources: str) -> NotebookNode:
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources]
    )


def prose_notebook(*sources: str) -> NotebookNode:
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(source) for source in sources]
    )


def test_text_is_escaped() -> None:
    text = render("Tom & Co", PAGE, {})
    assert "<title>Tom &amp; Co</title>" in text
    assert "12 of 40 &lt;patients&gt;." in text
    assert "May &amp; June" in text


def test_links_between_notebooks_lead_down_the_page() -> None:
    notebooks = {
        "a_b.ipynb": prose_notebook("# A\n\n[next](c.ipynb)"),
        "c.ipynb": prose_notebook("# C\n\n## Limits"),
    }
    text = render("T", PAGE, notebooks)
    assert 'href="#c"' in text
    assert 'id="c"' in text
    assert text.count(">Limits<") == 2  # in the contents and in its place


def test_warning_keeps_its_words_and_loses_its_place() -> None:
    notebook = notebook_of("1")
    said = (
        "/home/someone/lib/python3.11/site-packages/pandas/core.py:12: FutureWarning: mind the"
        " gap\n"
    )
    notebook.cells[0].outputs = [
        nbformat.v4.new_output("stream", name="stderr", text=said)
    ]
    text = render("T", PAGE, {"a.ipynb": notebook})
    assert "FutureWarning: mind the gap" in text
    assert "/home/someone" not in text
    assert "/home/someone" in notebook.cells[0].outputs[0].text, (
        "the notebook itself is left alone"
    )


def test_wide_tables_say_that_they_scroll_and_long_cells_wrap() -> None:
    def table(columns: int, cell: str = "x") -> str:
        head = f"<thead><tr>{'<th>c</th>' * columns}</tr></thead>"
        return f"<table>{head}<tbody><tr><td>{cell}</td></tr></tbody></table>"

    notebook = notebook_of("1", "2", "3")
    for cell, html in zip(
        notebook.cells,
        (
            table(16),
            table(10),
            table(3, "so many words that they take a line of their own"),
        ),
        strict=True,
    ):
        cell.outputs = [
            nbformat.v4.new_output("display_data", data={"text/html": html})
        ]
    text = render("T", PAGE, {"a.ipynb": notebook})
    assert text.count("Scroll sideways") == 1
    assert text.count('<div class="wide many"') == 2
    assert text.count('<div class="wide"') == text.count('<td class="long">') == 1
    # By keyboard and by ear: each box takes the focus, each heading says what it heads.
    assert text.count('tabindex="0"') == 3
    assert text.count('<th scope="col">') == 16 + 10 + 3


def test_first_answers_lead_to_their_section_and_hold_their_picture() -> None:
    name = "02_sessions_to_response.ipynb"
    longer = (
        PageAnswer("How many?", ("Half by 3.",), "", name),
        PageAnswer("How long?", ("Weeks.",), "", "absent.ipynb"),
    )
    first = FirstAnswer("Did it help?", "34 %", "of 90 people.", "<svg></svg>", longer)
    text = render("T", FirstPage("", (), {}, (first,)), {name: notebook_of("1")})
    assert 'href="#02-sessions-to-response"' in text
    assert text.count("See the table, the curve") == 1
    assert text.count("<svg>") == 1
    # Cautions are one level down, and closed.
    assert "<details><summary>Details" in text
    # A number and its sign stay on one line.
    headline = text.index("34\N{NO-BREAK SPACE}%")
    assert headline < text.index("<details>") < text.index("Half by 3.")


def test_a_figure_is_told_by_what_was_found_above_it() -> None:
    notebook = notebook_of("1", "2")
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("## Response"))
    notebook.cells.append(nbformat.v4.new_markdown_cell("## Another"))
    notebook.cells.append(nbformat.v4.new_code_cell("3", id="d"))
    long = "Of 90 people, 34 % &amp; more had responded. " + "And so on. " * 40
    found = {"text/html": f"<div><p><b>{long}</b></p></div>"}
    picture = {"image/png": "QUJD"}
    for cell, data in ((1, found), (2, picture), (4, picture)):
        output = nbformat.v4.new_output("display_data", data=data)
        notebook.cells[cell].outputs = [output]
    alts = re.findall(r'alt="([^"]*)"', render("T", PAGE, {"a.ipynb": notebook}))
    assert alts[0].startswith("Figure: Response. Of 90 people, 34 % &amp; more had")
    assert alts[0].endswith("And so on.")
    assert len(alts[0]) < len(long)
    # What was found under one heading is not told of the figure under the next.
    assert alts[1] == "Figure: Another"
    notebook.cells[0].source = "## How many?"
    text = render("T", PAGE, {"a.ipynb": notebook})
    assert 'alt="Figure: How many? Of 90 people' in text


def test_no_line_ends_between_a_number_and_its_percent_sign() -> None:
    notebook = notebook_of("5 % 3")
    notebook.cells[0].outputs = [finding("34 % (30 to 39 %) of 90 people.")]
    longer = (PageAnswer("How many?", ("26 % had a second score.",)),)
    first = FirstAnswer("Did it help?", "34 %", "of 90; 22 % not.", "", longer)
    page = FirstPage("", (PageAnswer("Last", ("9 % did.",), "Of 8 %."),), {}, (first,))
    text = render("T", page, {"a.ipynb": notebook}, longer, longer)
    assert re.findall(r".{9}\d %", text) == []
    assert text.count("\N{NO-BREAK SPACE}%") == 9
    # Code can be copied.
    assert ' <span class="o">%</span> ' in text


def finding(words: str) -> NotebookNode:
    shown = {"text/html": f"<div><p><b>{words}</b></p></div>"}
    return nbformat.v4.new_output("display_data", data=shown)


def test_a_chapter_opens_with_what_was_found() -> None:
    notebook = notebook_of("1", "2")
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# Loss\n\nAbout."))
    said = "9 of 20 lost it &lt; 1 %. 3 are not known. A third sentence."
    notebook.cells[2].outputs = [finding(said)]
    assert "class=" + '"opening"' not in render("T", PAGE, {"a.ipynb": notebook})
    notebook.cells[2].metadata["tags"] = ["answer"]
    text = render("T", PAGE, {"a.ipynb": notebook})
    opening = '<p class="opening">9 of 20 lost it &lt; 1\N{NO-BREAK SPACE}%. 3 are not known.</p>'
    assert text.index("Loss</h1>") < text.index(opening) < text.index("About.")


def test_only_the_beginning_of_a_long_answer_stands_out() -> None:
    notebook = notebook_of("1")
    said = "9 of 20 &amp; more. 3 are not known. A third. A fourth. A fifth. A sixth."
    notebook.cells[0].outputs = [finding(said)]
    text = render("T", PAGE, {"a.ipynb": notebook})
    assert "<b>9 of 20 &amp; more. 3 are not known.</b></p>" in text
    assert "<p>A third. A fourth. A fifth.</p><p>A sixth.</p>" in text


def test_sections_for_who_checks_stand_at_the_end() -> None:
    notebook = prose_notebook("# A", "## Model", "Of the model.", "## Main", "Last.")
    notebook.cells[1].metadata["tags"] = ["checks"]
    other = prose_notebook("# B")
    text = render("T", PAGE, {"a.ipynb": notebook, "b.ipynb": other})
    order = [
        "Last.",
        '<a href="#a-checks-1">Model',
        'id="b"',
        "Methods and checks</h1>",
    ]
    order += ['id="a-checks-1"', "Of the model."]
    body = text[text.index("</nav>") :]
    places = [body.index(words) for words in order]
    assert places == sorted(places)
    # It is told once, and the contents lead to it.
    assert body.count("Of the model.") == 1
    assert '<a href="#a-checks-1">Model' in text[: text.index("</nav>")]


def test_the_banner_stands_on_every_printed_page() -> None:
    page = FirstPage('Not "for" release </style>', (), {})
    text = render("T", page, {})
    assert "content: \"Not 'for' release /style>\"" in text
    assert "@page { @top-center" not in render("T", FirstPage("", (), {}), {})


def test_the_words_of_the_first_page_are_a_tap_away() -> None:
    first = FirstAnswer("How many?", "34 %", "of 474 people", "", ())
    text = render("T", replace(PAGE, first=(first,)), {})
    assert text.index("What the words mean") < text.index("<dt>Baseline</dt>")
    assert "What the words mean" not in render("T", PAGE, {})


def test_a_cohort_that_is_given_is_not_read_again() -> None:
    notebook = notebook_of("cohort = 1 / 0", "cohort")
    notebook.cells[0].metadata.tags = ["reads"]
    execute_all({"a.ipynb": notebook}, given=AtHand({"cohort": 7}))
    assert notebook.cells[0].outputs == []
    assert notebook.cells[1].outputs[0].data["text/plain"] == "7"


def test_every_notebook_of_the_report_says_where_it_reads() -> None:
    for name in run.read_contents().notebooks:
        notebook = nbformat.read(notebook_folder() / name, as_version=4)
        tagged = [c for c in notebook.cells if READS in c.metadata.get("tags", [])]
        assert [cell.source for cell in tagged] == [
            "cohort = kt.derive(kt.load_cohort(folder, **options))"
        ]


def test_what_is_worked_out_meanwhile_is_there_for_those_that_begin_later() -> None:
    found: list[str] = []
    notebooks = {name: notebook_of("len(found)") for name in ("a", "b", "c")}
    beside = min(SIDE_BY_SIDE, os.cpu_count() or 1)
    runs: list[CellRun] = []

    def work_out() -> Iterator[None]:
        # The second begins between two steps, when the first has ended.
        while len(runs) < 2 and beside > 1:
            time.sleep(0.01)
            yield
        found.append("the answer")
        yield

    execute_all(
        notebooks,
        runs.append,
        AtHand({"found": found}),
        Meanwhile(work_out(), early=2),
    )
    shown = [
        notebook.cells[0].outputs[0].data["text/plain"]
        for notebook in notebooks.values()
    ]
    # Where there is one processor, the first two begin later too.
    assert shown == (["0", "0", "1"] if beside > 1 else ["1", "1", "1"])


def test_a_process_that_is_killed_is_told() -> None:
    dies = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(NotebookFailed, match=r"a, cell [12]: Python was ended"):
        execute(notebook_of("1", dies), "a")


def test_a_figure_of_very_many_marks_is_drawn_in_dots() -> None:
    figure, axes = plt.subplots()
    axes.plot(range(MOST_MARKS - 100), "o")
    drawn = as_lines(figure)
    assert drawn is not None
    assert "<svg" in drawn
    assert as_dots(figure) is None
    axes.scatter(range(200), range(200))
    assert as_lines(figure) is None
    dots = as_dots(figure)
    assert dots is not None
    # Twice as many as they are shown at.
    written = b64decode(dots[0])
    width, height = struct.unpack(">II", written[16:24])
    assert dots[1] == {"width": width // 2, "height": height // 2}
    plt.close(figure)


def test_bars_in_one_outline_are_counted_one_by_one() -> None:
    figure, axes = plt.subplots()
    few = n_marks(figure)
    axes.stairs([1.0, float("nan"), 3.0], fill=True)
    assert n_marks(figure) - few == 2
    plt.close(figure)


def test_failing_cell_is_named_in_one_line_and_quotes_no_data() -> None:
    with pytest.raises(NotebookFailed) as caught:
        execute(notebook_of("1", "{}['Ann Example']"), "a.ipynb")
    assert str(caught.value).startswith("a.ipynb, cell 2: KeyError")
    assert "\n" not in str(caught.value)
    assert "Ann Example" not in str(caught.value)


def test_a_notebook_finds_nothing_of_those_before_it_in_the_same_python() -> None:
    # More of them than there are Pythons.
    warns = "import warnings\nwarnings.warn('mind the gap')"
    notebooks = {
        name: notebook_of("'x' in dir()", f"x = {name!r}\nx", warns)
        for name in ("a", "b", "c", "d")
    }
    runs: list[CellRun] = []
    execute_all(notebooks, runs.append)
    cells = {name: notebook.cells for name, notebook in notebooks.items()}
    for name, (before, own, told) in cells.items():
        assert before.outputs[0].data["text/plain"] == "False"
        assert own.outputs[0].data["text/plain"] == repr(name)
        # A warning is told by each, and cells are counted from 1.
        assert "mind the gap" in told.outputs[0].text
        assert [cell.execution_count for cell in cells[name]] == [1, 2, 3]
        assert own.outputs[0].execution_count == 2
    assert sorted((run.notebook, run.source) for run in runs) == sorted(
        (name, cell.source) for name in cells for cell in cells[name]
    )
    assert all(run.seconds > 0 for run in runs)


def test_a_notebook_that_fails_stops_the_others() -> None:
    waiting = notebook_of("import time\ntime.sleep(300)")
    notebooks = {"waits": waiting, "fails": notebook_of("1 / 0")}
    with pytest.raises(NotebookFailed, match="fails, cell 1: ZeroDivisionError"):
        execute_all(notebooks)


def test_own_refusal_keeps_its_words() -> None:
    source = (
        "from kettrack.errors import NotIdentified\nraise NotIdentified('Nobody is scored after"
        " stopping.')"
    )
    with pytest.raises(
        NotebookFailed,
        match=r"^a.ipynb, cell 1: NotIdentified: Nobody is scored after stopping\.$",
    ):
        execute(notebook_of(source), "a.ipynb")


def test_notebook_runs_in_an_empty_folder_with_inline_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    notebook = notebook_of(
        "import os\nsorted(set(os.listdir()) - {'ipython'})", "os.environ['MPLBACKEND']"
    )
    execute(notebook, "a.ipynb")
    shown = [cell.outputs[0].data["text/plain"] for cell in notebook.cells]
    assert shown == ["[]", "'module://matplotlib_inline.backend_inline'"]


def test_bad_folder_stops_before_any_notebook_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "execute_all", lambda *_: pytest.fail("a notebook ran"))
    (tmp_path / "sessions.csv").write_text(
        "patient_id,day\nS001,soon\n", encoding="utf-8"
    )
    with pytest.raises(DataProblems):
        run.write_report(tmp_path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_contents_name_notebooks_that_are_there() -> None:
    assert [
        name
        for name in run.read_contents().notebooks
        if not (notebook_folder() / name).is_file()
    ] == []


def test_every_result_of_the_first_page_has_a_heading_and_its_estimand() -> None:
    first = compose_first_page(load_cohort(sample_folder())).first
    answers = [longer for answer in first for longer in answer.behind]
    # Without any end of the log there are two more, which stand first.
    without = [
        heading
        for name, heading in HEADINGS.items()
        if name not in ("among_scored", "scores_by_week")
    ]
    assert sorted(one.heading for one in answers) == sorted(without)
    assert all(one.sentences and one.about for one in answers)


@pytest.mark.parametrize("table", [pd.DataFrame(), HALF_BY_3])
def test_a_picture_of_the_page_has_text_and_asks_for_nothing(table) -> None:
    drawn = draw_inline("response", table, 'Half "by" 3')
    assert drawn == draw_inline("response", table, 'Half "by" 3')
    if table.empty:
        assert not drawn
        return
    assert 'aria-label="Half &quot;by&quot; 3"' in drawn
    assert ">session<" in drawn
    assert "://" not in drawn
    # Names of two pictures on one page differ.
    names = re.findall(r'id="([^"]+)"', drawn)
    assert names
    assert all(name.startswith("response-") for name in names)
    used = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", drawn))
    assert {a or b for a, b in used} <= set(names)


def test_refusal_on_the_first_page_says_what_to_record() -> None:
    refused = refusal(
        "new_question",
        derived_sample(),
        NotIdentified("Nobody stops.", "who stops, and when."),
        "E",
    )
    said = page_answer(refused)
    assert said.heading == "New question"
    assert said.sentences == (refused.text,)
    assert "who stops, and when." in refused.text


def test_made_from_names_extract_rules_and_input() -> None:
    cohort = load_cohort(sample_folder())
    said = sources_of(cohort)
    assert said["Extract"] == cohort.settings.extract
    assert cohort.criteria.label in said["Rules"]
    assert cohort.provenance.input_sha256[:12] in said["Input"]


def stored(tmp_path: Path, *sources: str) -> dict[str, Any]:
    path = tmp_path / "a.ipynb"
    nbformat.write(notebook_of(*sources), path)
    store(path)
    notebook: dict[str, Any] = nbformat.read(path, as_version=4)
    return notebook


def test_stored_notebook_holds_nothing_of_machine_time_or_chance(
    tmp_path: Path,
) -> None:
    notebook = stored(tmp_path, "1 + 1", "print('a')\nprint('b')")
    assert notebook["metadata"] == METADATA
    assert [cell["id"] for cell in notebook["cells"]] == ["cell-01", "cell-02"]
    assert [cell["execution_count"] for cell in notebook["cells"]] == [1, 2]
    assert [cell["metadata"] for cell in notebook["cells"]] == [{}, {}]
    first = (tmp_path / "a.ipynb").read_bytes()
    store(tmp_path / "a.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == first


def test_notebook_that_warns_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(NotebookFailed, match="standard error"):
        stored(tmp_path, "import warnings\nwarnings.warn('mind the gap')")


def test_store_says_how_it_is_used() -> None:
    with pytest.raises(SystemExit, match="Give one folder"):
        main([])


def test_progress_is_silent_off_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with run._progress(2) as on_cell:
        on_cell()
    assert capfd.readouterr() == ("", "")


def test_timings_name_the_questions_that_took_longest() -> None:
    timings = Timings()
    with timings.step("the first page"):
        pass
    asked = 'kt.estimate("durability", cohort, by="severity")'
    timings.cell(CellRun("a.ipynb", asked, 2.0))
    timings.cell(CellRun("a.ipynb", "folder = 1", 0.25))
    timings.cell(CellRun("b.ipynb", "_ = kt.plot_ladder(ladder.table)", 4.0))
    for place in range(20):
        quick = CellRun("b.ipynb", f"kt.outcomes_table({place})", 0.1)
        timings.cell(quick)
    lines = timings.lines()
    assert lines[0].endswith("the first page")
    assert "    2.2 s  a.ipynb (figures 0.0 s)" in lines
    assert "    6.0 s  b.ipynb (figures 4.0 s)" in lines
    longest = lines[lines.index("Questions that took longest:") + 1 :]
    assert longest[0] == "    2.0 s  durability by severity (a.ipynb)"
    # Figures are told with their notebook, and what is quick is not told one by one.
    assert not any("plot_" in line for line in longest)
    assert len(longest) == 12


def test_one_cause_is_told_once_in_a_report() -> None:
    refused = (
        "<div><b>Cannot be answered from these data: no log. Record: logs.</b></div>"
    )
    other = refused.replace("no log", "no plan")

    def cell(html: str) -> NotebookNode:
        output = nbformat.v4.new_output("display_data", data={"text/html": html})
        return nbformat.v4.new_code_cell("x", outputs=[output])

    def part(title: str, *htmls: str) -> NotebookNode:
        heading = nbformat.v4.new_markdown_cell(f"## {title}")
        return nbformat.v4.new_notebook(cells=[heading, *map(cell, htmls)])

    notebooks = {
        "a.ipynb": part("One", refused),
        "b.ipynb": part("Two", refused, other),
    }
    text = render("T", PAGE, notebooks)
    assert text.count("no log. Record: logs.") == 1
    assert "for the reason given under “One”." in text
    assert text.count("no plan. Record: logs.") == 1
    # The notebooks themselves stay as they were run.
    assert refused in notebooks["b.ipynb"].cells[1].outputs[0]["data"]["text/html"]
