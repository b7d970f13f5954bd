"""Users' words are data: whatever stands in the name of a scale, band, rule or site, in a study
code or in the extract, every question, figure, command and page goes on, and shows it as written.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import matplotlib
import pandas as pd
import pytest
from matplotlib.text import Text
from sample_answers import AnswersOnce

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import kettrack as kt
from kettrack import escapes
from kettrack.analysis.courses import flows
from kettrack.analysis.registry import load_questions
from kettrack.analysis.short_answers import summary_text
from kettrack.cli import main, output
from kettrack.errors import UsageError
from kettrack.report.first_page import compose_first_page
from kettrack.report.layout import render
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.instrument import RESERVED_BANDS
from kettrack.writing import csv_text

# Cells of a template, a formula, a tag, an entry no legend shows, a colour for rich and for a
# terminal, a line that is turned around, a line end.
NASTY = '_{b}{all.n}{{$a$^<i>&"%[red]\\\x1b[m\u202e#'
SEEN = NASTY.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
PRINTED = re.sub("[\x1b\u202e]", "", NASTY)
OBEYED = re.compile("[\x1b\x9b\u202e\u2028]")
BANDS = {"low": (0, 4), "low+": (5, 9), "low-": (10, 14), "1.5": (15, 19)}
PEOPLE = 90
# The words are the same, however many clinics are simulated.
FEW = {"cohorts": 2, "replicates": 20}
FASTER = {
    name: {key: FEW[key] for key in asked.options if key in FEW}
    for name, asked in load_questions().items()
}


def quoted(text: str) -> str:
    """A text in TOML, which has the escapes of JSON."""
    return json.dumps(text)


def settings_text() -> str:
    bands = {f"{name} {NASTY}": edges for name, edges in BANDS.items()}
    bands[NASTY] = (20, 27)
    edges = ", ".join(f"{quoted(name)} = {list(has)}" for name, has in bands.items())
    rule = 'measure = "percent_change", operator = "at most", limit = -50'
    rule += f", source = {quoted(NASTY)}"
    return f"""
    instrument = {quoted(NASTY)}
    currency = {quoted(NASTY)}
    extract = {quoted(f"first{NASTY}")}
    [instruments.{quoted(NASTY)}]
    minimum = 0
    maximum = 27
    direction = "higher is worse"
    title = {quoted(NASTY)}
    source = {quoted(NASTY)}
    licence = {quoted(NASTY)}
    caseness = 10
    remission = 4
    reliable_change = 6
    bands = {{ {edges} }}
    [criteria]
    use = {quoted(NASTY)}
    [criteria.{quoted(NASTY)}]
    instrument = {quoted(NASTY)}
    version = {quoted(NASTY)}
    source = {quoted(NASTY)}
    response = {{ {rule} }}
    """


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some people of the sample, with such words wherever a user has the word."""
    folder = tmp_path_factory.mktemp("clinic")
    for path in Path(kt.sample_folder()).glob("*.csv"):
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
        table = table[table["patient_id"] <= f"S{PEOPLE:03d}"]
        # The reader lets no sign into a study code that nobody sees.
        table["patient_id"] = f"={PRINTED}" + table["patient_id"]
        if "instrument" in table:
            table["instrument"] = table["instrument"].replace("PHQ-9", NASTY)
        if "site" in table:
            table["site"] = NASTY + table["site"]
        table.to_csv(folder / path.name, index=False)
    (folder / "kettrack.toml").write_text(settings_text(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def told(clinic: Path) -> AnswersOnce:
    return AnswersOnce(lambda: kt.load_cohort(clinic), FASTER)


@pytest.fixture(scope="module")
def people(told: AnswersOnce) -> DerivedCohort:
    return told.derived()


# Simulated clinics take seconds: once is enough.
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        (name, policy)
        for name, asked in load_questions().items()
        for policy in ("internal", "cms", "midpoint6")
        if policy == "internal" or "cohorts" not in asked.options
    ],
)
def test_every_answer_shows_the_words_and_obeys_none(told, name, policy):
    found = told.answer(name, policy)
    page = found._repr_html_()
    for said in (found.text, repr(found), page, found.to_json(), found.caption):
        assert not OBEYED.search(said)
    assert "<i>" not in page.replace("<p><i>", "").replace("<li><i>", "")
    assert "{" not in found.text.replace(SEEN, "")
    assert json.loads(found.to_json())["instrument"] == NASTY


@pytest.mark.parametrize(
    "name", [name for name, asked in load_questions().items() if asked.by_group]
)
def test_groups_that_the_user_has_named(told, name):
    found = told.answer(name, by="severity")
    assert found.text
    assert found.status == "refused" or SEEN in repr(found)


def test_a_sentence_names_the_words_as_they_are(told, people):
    assert SEEN in told.answer("baseline_table").text
    assert SEEN in told.answer("severity_flows").text
    assert SEEN in summary_text(people)


def test_bands_that_differ_by_a_mark_have_a_row_each(told):
    keys = told.answer("severity_flows").table["key"]
    assert keys.is_unique
    assert told.answer("expected_course").table["key"].is_unique


def test_no_band_takes_the_place_of_those_who_are_in_none(tmp_path):
    assert (*flows.OTHERS, flows.MERGED) == RESERVED_BANDS
    text = settings_text().replace(quoted(NASTY) + " = [20", '"stopped" = [20')
    (tmp_path / "kettrack.toml").write_text(text, encoding="utf-8")
    (tmp_path / "sessions.csv").write_text("patient_id,day\na,0\n")
    (tmp_path / "scores.csv").write_text("patient_id,day,instrument,score\n")
    with pytest.raises(kt.DataProblems) as caught:
        kt.load_cohort(tmp_path)
    assert "none of these words: no score" in str(caught.value)


# Plot -> the question it draws; the others are drawn below.
DRAWN = {
    "plot_ladder": "ladder",
    "plot_session_counts": "session_counts",
    "plot_response_by_session": "response_by_session",
    "plot_waterfall": "waterfall",
    "plot_specification": "specification",
    "plot_swimmer": "swimmer",
    "plot_occupancy": "state_occupancy",
    "plot_flows": "severity_flows",
    "plot_maintenance": "maintenance_lengths",
    "plot_futility": "should_we_go_on",
    "plot_durability": "durability_from_response",
    "plot_trajectories": "trajectories",
}


def written(axes: plt.Axes) -> list[str]:
    """Every text of a figure, drawn to see that none breaks it."""
    figure = axes.get_figure(root=True)
    figure.canvas.draw()
    texts = axes.findobj(Text)
    plt.close(figure)
    for text in texts:
        assert not text.get_parse_math(), text.get_text()
        assert not OBEYED.search(text.get_text())
    return [text.get_text() for text in texts]


@pytest.mark.parametrize("plot", DRAWN)
def test_a_figure_writes_the_words_as_they_are(told, plot):
    found = told.answer(DRAWN[plot])
    axes = getattr(kt, plot)(found.table, caption=found.caption)
    assert SEEN in "".join(written(axes))


def test_the_figures_of_one_person_write_the_words_as_they_are(told, people):
    patient = str(people.outcomes["patient_id"].iloc[0])
    page = kt.patient_page(people, patient)
    axes = kt.plot_patient(page.table, caption=page.caption)
    assert SEEN in "".join(written(axes))
    expected = told.answer("expected_course")
    assert SEEN in "".join(written(kt.plot_expected(expected.table)))


def test_a_name_that_begins_with_a_bar_stands_in_the_legend():
    _, axes = plt.subplots()
    axes.plot([0, 1], label=escapes.in_figure("_total"))
    assert [entry.get_text()[1:] for entry in axes.legend().texts] == ["_total"]


def test_axes_of_the_caller_keep_their_own_formulas(told):
    figure, (own, other) = plt.subplots(1, 2)
    other.set_title("$x^2$")
    kt.plot_ladder(told.answer("ladder").table, ax=own)
    assert other.title.get_parse_math()
    assert not own.title.get_parse_math()
    plt.close(figure)


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "courses",
        "timeline",
        "outcomes",
        "events",
        "review",
        "estimate baseline_table",
        "estimate severity_flows --json",
        "estimate stop_after",
        "specification",
        "check --instrument [red]\x1b[m",
        "estimate \x1b[m",
    ],
)
def test_no_command_hands_a_terminal_what_it_would_obey(
    clinic, command, capsys, monkeypatch
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with pytest.raises(SystemExit) as left:
        main([*command.split(), str(clinic)])
    said = capsys.readouterr()
    assert left.value.code in (0, 2, 3)
    # On standard error the bar itself moves the cursor; what it says is tested below.
    assert not OBEYED.search(said.out)


def test_a_bar_says_its_words_as_they_are(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    # Closing a colour that was never opened is an error of rich.
    with output.working("reading [/red] \x1b[m"):
        pass
    assert "\x1b[m \x1b[m" not in capsys.readouterr().err


def test_rows_reach_another_program_as_they_are(clinic, capsys):
    with pytest.raises(SystemExit):
        main(["timeline", str(clinic)])
    assert NASTY in capsys.readouterr().out.replace('""', '"')


def test_an_error_names_a_file_and_moves_no_cursor():
    assert str(UsageError("no \x1b[2J file")) == "no \\x1b[2J file"


def test_the_page_of_the_report_has_the_words_and_no_tag(people):
    page = render(f"Report {NASTY}", compose_first_page(people.cohort), {})
    assert not OBEYED.search(page)
    assert "<i>" not in page
    assert "{b}{all.n}{{$a$^&lt;i&gt;" in page


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "@SUM(A1)", "+cmd", "-cmd", "\t=1", " =1", "＝1+1", "＋1", "\n=1"],
)
def test_a_spreadsheet_runs_no_cell(cell):
    (line,) = csv_text(pd.DataFrame({"site": [cell]})).split("\n", 1)[1:]
    assert line.lstrip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-3", "+3", "-3.5", "S001", "a=b", "x@y"])
def test_harmless_cells_are_written_as_they_are(cell):
    assert csv_text(pd.DataFrame({"site": [cell]})) == f"site\n{cell}\n"
