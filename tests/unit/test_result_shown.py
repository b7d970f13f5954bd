"""A result as people see it: words for codes, one person and two people, and a word where rows are
left out.
"""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from kettrack.result import Result
from kettrack.showing import FEWEST_ROWS, MOST_ROWS
from kettrack.vocabulary.plain_words import agree


def long_table(rows: int, *parts: str, name: str = "durability") -> Result:
    frames = [
        pd.DataFrame(
            {"key": [f"{part}_{row}" for row in range(rows)], "rule": part, "n": 20}
        )
        for part in parts
    ]
    roles = {"key": "key", "rule": "label", "n": "denominator"}
    return Result(
        name=name,
        table=pd.concat(frames, ignore_index=True),
        roles=roles,
        sentence="",
        estimand="",
        show=("key", "rule"),
    )


def test_codes_are_words_for_people_and_codes_in_the_data() -> None:
    found = long_table(1, "off_treatment", "S001")
    assert found.shown["rule"].tolist() == ["off treatment", "S001"]
    assert [row["rule"] for row in json.loads(found.to_json())["table"]] == [
        "off_treatment",
        "S001",
    ]


def test_every_part_of_a_long_table_is_seen() -> None:
    found = long_table(40, "in_force", "single_score", "other")
    shown = found.shown["rule"].tolist()
    assert {"in force", "single score", "other"} <= set(shown)
    assert shown.count("...") == 3
    whole = "kettrack estimate durability FOLDER -o durability.csv"
    assert (
        found.cut
        == f"{123 - len(shown)} rows of 120 are not shown here (...). The whole table: {whole}"
    )
    assert found.cut in repr(found)
    # The command is set as one on a page.
    assert found.cut in re.sub("</?code>", "", found._repr_html_())


def test_some_rows_are_shown_and_the_others_elsewhere() -> None:
    found = long_table(3, "in_force", "other")
    few = found.only("in_force_0", "no_such_row")
    assert few.shown["key"].tolist() == ["in force 0"]
    assert few.text == found.text
    assert few.cut.startswith("5 rows of 6 are not shown here. The whole table: ")
    assert len(few.table) == 6
    rest = found.others("in_force_0", "other_2")
    assert rest.shown["rule"].tolist() == ["in force", "in force", "other", "other"]
    assert (rest.text, rest.caveats) == ("The other rows of the same table.", ())


@pytest.mark.parametrize("rows", [MOST_ROWS, 3])
def test_a_short_table_is_whole(rows: int) -> None:
    found = long_table(rows, "in_force")
    assert (len(found.shown), found.cut) == (rows, "")


def test_two_ends_where_labels_make_no_parts() -> None:
    found = long_table(FEWEST_ROWS, *(f"r{n}" for n in range(12)))
    assert found.shown["key"].tolist().count("...") == 1
    assert found.shown["key"].iloc[-1] == "r11 9"


def test_grouped_answers_and_pages_of_one_patient_say_how_they_are_had() -> None:
    assert (
        "FOLDER --by severity -o durability_by_severity.csv"
        in long_table(60, "a", name="durability_by_severity").cut
    )
    assert long_table(60, "a", name="patient_page").cut.endswith(".table in Python")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "Of 1 people who started, 1 (100.0 %) can be analysed.",
            "Of 1 person who started, 1 (100.0 %) can be analysed.",
        ),
        (
            "only 1 people have a score, 1 days ago",
            "only 1 person has a score, 1 day ago",
        ),
        ("1 were below caseness, 2 were not", "1 was below caseness, 2 were not"),
        (
            "11 people have 0.1 points by session 1 people had",
            "11 people have 0.1 points by session 1 people had",
        ),
        ("after week 1 scores come", "after week 1 scores come"),
    ],
)
def test_number_agreement(written: str, read: str) -> None:
    assert agree(written) == read
    table = pd.DataFrame({"key": ["a"], "n": [1]})
    found = Result(
        name="t",
        table=table,
        roles={"key": "key", "n": "denominator"},
        sentence=written,
        estimand="",
        caveats=(written,),
    )
    assert found.text == read
    assert json.loads(found.to_json())["caveats"] == [read]
    assert f"- {read}" in repr(found)
