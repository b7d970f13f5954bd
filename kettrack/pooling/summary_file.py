"""Reading what a site sent; all that is wrong with a file is told at once, with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kettrack.analysis.rules_in_force import RULES, RulesInForce
from kettrack.errors import DataProblems, KettrackError, Problem, UsageError
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.summary import (
    FORMAT,
    LONGEST_SITE,
    SUMMARY_SCHEMA,
    Summary,
    reason_in_site,
)
from kettrack.pooling.tallies import MOST, NUMBERED, Shape
from kettrack.privacy.policies import POLICIES

_HINT: Final = "A site makes such a file with: kettrack summarise FOLDER -o site.json"
_COUNT: Final = f"a whole number from 0 to {MOST:,}"
_LAST_STEP: Final = (
    100_000  # days or sessions: far beyond any log, and no strain on memory
)
_STEP: Final = f"a whole number from 0 to {_LAST_STEP:,}"
# Far beyond any sum of scores, and its square is still a number of the machine.
_MOST_SUM: Final = 10**30
_NUMBER: Final = "a number, not beyond 1e30"
_TEXT: Final = "text without control characters,"
# Half a letter cannot be written again, and a control character acts on a terminal.
_NO_TEXT: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_OBJECT: Final = "an object with names"
_LIST: Final = "a list"
_LONGEST: Final = 500  # letters of a text
_MOST_ROWS: Final = 3  # named of many with the same problem
_ROW: Final = re.compile(r"\[(\d+)\]")
_Problems = list[Problem]


def _with_rows(place: str, rows: list[str]) -> str:
    """A place with the first of its rows.

    Examples
    --------
    >>> _with_rows("rows[].n", ["0", "4", "5", "6"])
    'rows[0, 4, 5 and 1 more].n'
    """
    more = f" and {len(rows) - _MOST_ROWS} more" if len(rows) > _MOST_ROWS else ""
    return place.replace("[]", f"[{', '.join(rows[:_MOST_ROWS])}{more}]")


class _File:
    """One file while it is read, and the problems found in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.unreadable: _Problems = []
        self._rows: dict[tuple[str, str], list[str]] = {}

    def wrong(self, place: str, expected: str) -> None:
        """Note a problem; the value itself is never repeated."""
        # A column that is wrong is wrong in many rows: they are told once.
        row = _ROW.search(place)
        general = _ROW.sub("[]", place)
        rows = self._rows.setdefault((general, expected), [])
        rows.append(row[1] if row else "")

    @property
    def problems(self) -> _Problems:
        """Every problem, rows with the same one together."""
        return [
            *self.unreadable,
            *(
                Problem(self.name, None, _with_rows(place, rows), "", expected)
                for (place, expected), rows in self._rows.items()
            ),
        ]

    def names(self, value: object, place: str) -> Mapping[str, Any]:
        """An object; empty, and a problem, where it is none."""
        if isinstance(value, dict):
            return value
        self.wrong(place, _OBJECT)
        return {}

    def text(self, value: object, place: str, longest: int = _LONGEST) -> str:
        """A text that is not too long; empty, and a problem, where it is none."""
        if (
            isinstance(value, str)
            and len(value) <= longest
            and not _NO_TEXT.search(value)
        ):
            return value
        self.wrong(place, f"{_TEXT} of at most {longest} letters")
        return ""

    def whole(self, value: object, place: str, most: int = MOST) -> int:
        """A whole number from 0; 0, and a problem, where it is none."""
        # A truth value is an integer in Python and no number here.
        if (
            isinstance(value, int)
            and not isinstance(value, bool)
            and 0 <= value <= most
        ):
            return value
        self.wrong(place, _STEP if most == _LAST_STEP else _COUNT)
        return 0

    def number(self, value: object, place: str) -> float:
        """A number of a possible size; 0, and a problem, where it is none."""
        # Compared before it is a float: a whole number of JSON may be longer than any float.
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and abs(value) <= _MOST_SUM
        ):
            return float(value)
        self.wrong(place, _NUMBER)
        return 0.0


def read_summary(path: str | Path) -> Summary:
    """Read the file of one site.

    Raises
    ------
    UsageError
        When there is no such file.
    DataProblems
        With every problem found in it.

    Examples
    --------
    >>> read_summary("nowhere.json")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    kettrack.errors.UsageError: There is no file 'nowhere.json'. ...
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"There is no file {str(path)!r}. {_HINT}")
    # The name only: a path can tell of a person or a place.
    file = _File(path.name)
    said = _parsed(path, file)
    # Of another version nothing else can be judged.
    if not file.problems:
        _check_version(said, file)
    summary = None if file.problems else _summary(said, file)
    if file.problems or summary is None:
        raise DataProblems(file.problems, _HINT)
    return summary


def read_summaries(paths: list[Path]) -> list[Summary]:
    """Read the files of all sites; the problems of all are told at once."""
    found = []
    problems: _Problems = []
    for path in paths:
        try:
            found.append(read_summary(path))
        except DataProblems as error:
            problems += error.problems
    if problems:
        raise DataProblems(problems, _HINT)
    return found


def _parsed(path: Path, file: _File) -> Mapping[str, Any]:
    """The file as JSON; empty, with a problem, where it is none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return file.names(
            json.loads(
                text,
                object_pairs_hook=_names_once,
                parse_constant=_no_such_number,
            ),
            "",
        )
    except json.JSONDecodeError as error:
        problem = Problem(
            file.name, error.lineno, f"letter {error.colno}", "", _WHOLE_JSON
        )
        file.unreadable.append(problem)
    except UnicodeDecodeError:
        file.wrong("", "text in UTF-8")
    except _NotJson as error:
        file.wrong("", str(error))
    # Thousands of brackets, or of digits: Python itself gives up.
    except (RecursionError, ValueError):
        file.wrong(
            "",
            "JSON as kettrack writes it, no deeper nested and with no longer numbers",
        )
    return {}


_WHOLE_JSON: Final = "JSON to its end; from here on it is cut off, or something else"


class _NotJson(KettrackError):
    """What Python reads and JSON does not allow."""


def _names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different: of two values of one name, one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _NotJson("each name once in an object")
    return found


def _no_such_number(constant: str) -> float:
    raise _NotJson("numbers that JSON has: no NaN and no Infinity")


def _check_version(said: Mapping[str, Any], file: _File) -> None:
    schema = said.get("schema")
    if said.get("format") != FORMAT:
        file.wrong("format", f"{FORMAT!r}; this file was not made for pooling")
    # true is 1 in Python, and no version.
    elif isinstance(schema, bool) or schema != SUMMARY_SCHEMA:
        file.wrong(
            "schema",
            f"{SUMMARY_SCHEMA}; the site needs the version of kettrack that reads the files",
        )


def _summary(said: Mapping[str, Any], file: _File) -> Summary:
    """The summary that a file holds, as far as it holds one."""
    policy = file.text(said.get("policy"), "policy")
    if policy not in POLICIES:
        file.wrong("policy", f"one of {', '.join(POLICIES)}")
    site = file.text(said.get("site"), "site", LONGEST_SITE)
    if not site.strip():
        file.wrong("site", "a name")
    elif reason := reason_in_site(site):
        file.wrong("site", f"a code, and not what looks like {reason}")
    reasons = file.names(said.get("not_counted"), "not_counted")
    questions = file.names(said.get("questions"), "questions")
    # The name of an unknown question is not repeated: it may be anything, a person's among it.
    if unknown := {*reasons, *questions} - PARTS.keys():
        file.wrong(
            "questions", f"questions that can be pooled; {len(unknown)} are none"
        )
    for name in [name for name in PARTS if name in questions and name in reasons]:
        file.wrong(f"not_counted.{name}", "no question that stands in questions too")
    missing = [name for name in PARTS if name not in {*reasons, *questions}]
    if missing:
        file.wrong(
            "questions", f"every question that can be pooled; not there: {missing[0]}"
        )
    tables = {
        name: _tables(name, questions[name], file)
        for name in PARTS
        if name in questions
    }
    people = file.whole(said.get("people"), "people")
    _check_people(people, tables.get("ladder", {}), policy, file)
    return Summary(
        site=site,
        people=people,
        rules=_rules(said, file),
        policy=policy,
        input_sha256=file.text(said.get("input_sha256"), "input_sha256"),
        version=file.text(said.get("kettrack"), "kettrack"),
        tables=tables,
        not_counted={
            name: file.text(reason, f"not_counted.{name}")
            for name, reason in reasons.items()
            if name in PARTS
        },
    )


def _check_people(
    people: int, ladder: Mapping[str, pd.DataFrame], policy: str, file: _File
) -> None:
    """Everybody with a session is counted twice, and both times as many; fewer are left out."""
    # One of the two was changed by hand: which one, nobody can tell.
    for table in ladder.values():
        started = table.loc[table["reason"] == "started", "people"]
        if not started.empty and started.iloc[0] != people:
            file.wrong("people", "as many people as started in questions.ladder")
        reasons = table.loc[table["reason"] != "started", "people"]
        # Each of the rounded numbers may be off by half a band.
        rounding = POLICIES[policy].rounding if policy in POLICIES else None
        slack = rounding.step // 2 * (len(reasons) + 1) if rounding else 0
        if not started.empty and reasons.sum() > started.iloc[0] + slack:
            file.wrong("questions.ladder", "no more people left out than have started")


def _rules(said: Mapping[str, Any], file: _File) -> RulesInForce:
    """The rules by which a site has counted."""
    rules = file.names(said.get("rules"), "rules")
    words = file.names(rules.get("in_words"), "rules.in_words")
    known = said.get("log_end_known")
    if not isinstance(known, bool):
        file.wrong("log_end_known", "true or false")
    # Every other field of the rules is a text.
    apart = ("in_words", "log_end_known")
    texts = [each.name for each in fields(RulesInForce) if each.name not in apart]
    return RulesInForce(
        **{name: file.text(rules.get(name), f"rules.{name}") for name in texts},
        in_words={
            name: file.text(words.get(name), f"rules.in_words.{name}") for name in RULES
        },
        log_end_known=bool(known),
    )


def _tables(question: str, said: object, file: _File) -> dict[str, pd.DataFrame]:
    """The tables of one question."""
    place = f"questions.{question}.tables"
    tables = file.names(file.names(said, place).get("tables"), place)
    shapes = PARTS[question].shapes
    if tables.keys() - shapes.keys():
        file.wrong(place, f"only the tables of this question: {', '.join(shapes)}")
    for name, shape in shapes.items():
        if name not in tables and not shape.optional:
            file.wrong(place, f"all tables of this question; not there: {name}")
    return {
        name: _table(shape, tables[name], f"{place}.{name}", file)
        for name, shape in shapes.items()
        if name in tables
    }


def _table(shape: Shape, said: object, place: str, file: _File) -> pd.DataFrame:
    """One table; a column that is missing, or a cell of another kind, is a problem."""
    rows = file.names(said, place).get("rows")
    if not isinstance(rows, list):
        file.wrong(f"{place}.rows", _LIST)
        rows = []
    read = [
        _row(shape, row, f"{place}.rows[{number}]", file)
        for number, row in enumerate(rows)
    ]
    table = pd.DataFrame(read, columns=shape.columns)
    if table.duplicated(list(shape.keys)).any():
        file.wrong(f"{place}.rows", f"one row for each {', '.join(shape.keys)}")
    there = set(table[next(iter(shape.keys))])
    missing = [key for key in shape.needed if key not in there]
    if missing:
        file.wrong(f"{place}.rows", f"a row for {missing[0]!r}")
    if shape.allowed and there - shape.allowed:
        file.wrong(
            f"{place}.rows", f"rows of {len(shape.allowed)} kinds that are known"
        )
    _check_parts(shape, table, place, file)
    # A column without rows has no kind of its own, and is added to others later.
    kinds = {name: "int64" for name in shape.columns if _is_whole(shape, name)}
    return table.astype(kinds | dict.fromkeys(shape.sums, "float64"))


def _check_parts(shape: Shape, table: pd.DataFrame, place: str, file: _File) -> None:
    """A part larger than its whole was counted by nobody: one of the two was changed by hand.

    Rounding keeps the order of numbers, so this holds of rounded counts as well.
    """
    for part, whole in shape.part_of.items():
        for row in table.index[table[part] > table[whole]]:
            file.wrong(f"{place}.rows[{row}].{part}", f"no more than {whole}")
    key = next(iter(shape.keys))
    for part, whole in shape.row_part_of.items():
        for count in shape.counts:
            most = table.loc[table[key] == whole, count]
            own = table.loc[table[key] == part, count]
            if len(most) and len(own) and own.iloc[0] > most.iloc[0]:
                file.wrong(
                    f"{place}.rows[{own.index[0]}].{count}",
                    f"no more than in the row {whole!r}",
                )


def _is_whole(shape: Shape, name: str) -> bool:
    return name in shape.counts or name in NUMBERED


def _row(shape: Shape, said: object, place: str, file: _File) -> dict[str, Any]:
    """One row with every column that the table has."""
    row = file.names(said, place)
    # A column more could be anything, a name among it: what belongs here is told instead.
    if row.keys() - set(shape.columns):
        file.wrong(place, f"only the columns of this table: {', '.join(shape.columns)}")
    read: dict[str, Any] = {}
    for name in shape.columns:
        value = row.get(name)
        where = f"{place}.{name}"
        if name in shape.sums:
            read[name] = file.number(value, where)
        elif name in shape.counts:
            read[name] = file.whole(value, where)
        elif name in NUMBERED:
            read[name] = file.whole(value, where, _LAST_STEP)
        else:
            read[name] = file.text(value, where)
    return read
