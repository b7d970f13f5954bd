"""Tables on a page: what stands in one cell, what stands over it, and what no reader may meet."""

from __future__ import annotations

import html
import re

import nbformat
import pandas as pd
import pytest

from kettrack import notebook_folder
from kettrack.report.first_page import FirstPage
from kettrack.report.layout import render
from kettrack.report.run import read_contents
from kettrack.report.tables import boxed_tables
from kettrack.result import Result
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.made_of import COUNTED, COUNTED_BY_UNIT, Kept, MadeOf

# Words of programs and of the trade of statistics; a reader has others for each.
INTERNAL = "ci low|ci high|ess|estimand|kwargs|nan|NaN|null low|q05|q25|q75|q95|silent low|stratum"


def result(
    table: dict[str, list[object]],
    *recipes: MadeOf,
    unit: str = "percent of people",
) -> Result:
    words = {name: "label" for name in table if isinstance(table[name][0], str)}
    counts = {name: "count" for name in table if isinstance(table[name][0], int)}
    return Result(
        name="some",
        table=pd.DataFrame(table),
        roles=dict.fromkeys(table, "derived")
        | words
        | counts
        | {next(iter(table)): "key"},
        sentence="",
        estimand="",
        recipes=recipes,
        made_from={"unit": unit},
    )


def read(page: str) -> list[list[str]]:
    """Heads and rows of the first table."""
    table = page[page.index("<table") :].partition("</table>")[0]
    # Where a line may end is no word.
    table = table.replace("\N{NO-BREAK SPACE}", " ")
    rows = re.findall("<tr>(.*?)</tr>", table)
    return [re.findall(r"<t[hd](?: [^>]*)?>(.*?)</t[hd]>", row) for row in rows]


def laid_out(found: Result) -> list[list[str]]:
    return read(boxed_tables(found._repr_html_()))


SHARE: dict[str, list[object]] = {
    "about": ["first", "second"],
    "n": [50, 1_200],
    "events": [10, 300],
    "estimate": [20.0, 25.0],
    "ci_low": [10.0, 22.0],
    "ci_high": [33.0, 27.5],
}


def test_a_count_stands_beside_its_percentage_and_the_interval_beside_both() -> None:
    assert laid_out(result(SHARE, COUNTED)) == [
        ["about", "N", "n (% of people)", "95 % interval"],
        ["first", "50", "10 (20.0)", "10.0 to 33.0"],
        ["second", "1,200", "300 (25.0)", "22.0 to 27.5"],
    ]


def test_a_curve_that_its_counts_do_not_make_keeps_both_apart() -> None:
    # Of 50 people 10 are 20 %; a log that ended makes it 21 %.
    heads, first, _ = laid_out(result(SHARE | {"estimate": [21.0, 25.0]}, COUNTED))
    assert heads == ["about", "N", "events", "% of people (95 % interval)"]
    assert first == ["first", "50", "10", "21.0 (10.0 to 33.0)"]


def test_the_unit_of_all_rows_stands_in_the_head() -> None:
    table = {name: SHARE[name] for name in ("about", "estimate", "ci_low", "ci_high")}
    units = table | {"unit": ["points", "points"]}
    said = [laid_out(result(units, COUNTED_BY_UNIT))[0]]
    said += [
        laid_out(result(table, Kept(values=("estimate",), of="n"), unit="mmHg"))[0]
    ]
    assert said == [
        ["about", "points (95 % interval)"],
        ["about", "mmHg (95 % interval)"],
    ]
    own = laid_out(result(table | {"unit": ["points", "%"]}, COUNTED_BY_UNIT))
    assert own[0] == ["about", "value (95 % interval)", "unit"]


@pytest.mark.parametrize(
    ("ends", "cell"),
    [
        ((None, None), "20.0"),
        ((10.0, None), "20.0 (from 10.0)"),
        ((None, 33.0), "20.0 (to 33.0)"),
    ],
)
def test_an_interval_without_an_end_says_which_it_has(ends, cell) -> None:
    low, high = ends
    some = {"about": ["first", "second"], "estimate": [20.0, 1.0]}
    some |= {"ci_low": [low, 0.0], "ci_high": [high, 2.0]}
    assert laid_out(result(some, unit="days"))[1] == ["first", cell]


def test_every_row_says_what_it_is_about_and_words_stand_at_the_left() -> None:
    table = {"group": ["a", "a"], "when": ["early", "late"], "n": [1, 2]}
    page = boxed_tables(result(table)._repr_html_())
    # The same group in all rows is told once.
    assert "In every row: group: a." in page
    assert re.findall("<t[hd] [^>]*>[^<]*", page) == [
        '<th scope="col" class="words">when',
        '<th scope="col">N',
        '<th scope="row" class="words">early',
        '<th scope="row" class="words">late',
    ]
    # Two columns together name a row where one does not.
    page = boxed_tables(result(table | {"group": ["a", "b"]})._repr_html_())
    assert page.count('scope="row"') == 2
    both = {"group": ["a", "b", "a"], "when": ["x", "x", "y"], "n": [1, 2, 3]}
    assert boxed_tables(result(both)._repr_html_()).count('scope="row"') == 6


def test_hidden_cells_and_rows_of_dots_stay() -> None:
    table = pd.DataFrame(SHARE | {"suppressed": [True, False]})
    table.loc[0, ["events", "estimate", "ci_low", "ci_high"]] = None
    found = Result(
        name="some",
        table=table,
        roles=result(SHARE).roles,
        sentence="",
        estimand="",
        recipes=(COUNTED,),
    )
    assert laid_out(found)[1] == ["first", "50", "hidden", "hidden"]


def test_users_words_stay_words() -> None:
    found = result({"about": ["<b>x", "y"], "n": [1, 2]})
    assert "&lt;b&gt;x" in boxed_tables(found._repr_html_())


def test_what_rounds_to_nothing_has_no_sign() -> None:
    found = result({"about": ["a", "b"], "estimate": [-0.04, -0.06]}, unit="points")
    assert [row[1] for row in laid_out(found)[1:]] == ["0.0", "-0.1"]


@pytest.fixture(scope="module")
def seen() -> str:
    """What who reads the stored report sees: without code, commands and pictures."""
    notebooks = {
        name: nbformat.read(notebook_folder() / name, as_version=4)
        for name in read_contents().notebooks
    }
    page = render("T", FirstPage("", (), {}), notebooks)
    for part in ("style", "pre", "code", "svg"):
        page = re.sub(rf"<{part}[ >].*?</{part}>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub("<[^>]+>", " ", page))


def test_no_name_of_a_program_stands_in_the_report(seen) -> None:
    # What to record is told by the columns that hold it.
    own = {column.name for table in TABLES.values() for column in table.columns}
    joined = set(re.findall(r"\b[a-z]+[a-z0-9]*_\w+", seen))
    assert joined <= own
    assert set(re.findall(rf"\b(?:{INTERNAL})\b", seen)) == set()


def test_nothing_has_a_sign_and_every_p_is_more_than_nothing(seen) -> None:
    assert re.findall(r"(?<![\d.])-0(?:\.0+)?(?![\d.])", seen) == []
    assert "0.000" not in seen.replace("<0.001", "")
