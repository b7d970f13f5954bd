"""An answer in other forms than a frame: a long table in short, a table as journals print it, and
how to cite it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from kettrack.errors import UsageError
from kettrack.escapes import in_html, visible

if TYPE_CHECKING:
    import pandas as pd
    from great_tables import GT

# The name of a result by groups ends with the kind of group.
_GROUPED: Final = re.compile(r"(.+)_by_(severity|route|early_response)")
# a longer table is shortened when it is shown; JSON and figures get all of it
MOST_ROWS: Final = 48
MOST_PARTS: Final = 8  # of a long table, each shown from its beginning
FEWEST_ROWS: Final = 10  # shown of each part, as far as it has them
_ENDS: Final = ("estimate", "ci_low", "ci_high")
# Of a hash: enough to tell two inputs apart.
_HASH_LETTERS: Final = 12
_OF_A_CLINIC: Final = "rules of the clinic"


def plain_value(value: Any) -> Any:
    """A cell as a plain Python value; every kind of missing is None."""
    plain = value.item() if hasattr(value, "item") else value
    if (
        plain is None
        or type(plain).__name__ in ("NAType", "NaTType")
        or (isinstance(plain, float) and math.isnan(plain))
    ):
        return None
    return plain


def table_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table by the names of its columns.

    Examples
    --------
    >>> import pandas as pd
    >>> table_rows(pd.DataFrame({"n": [1, 2]}))
    [{'n': 1}, {'n': 2}]
    """
    names = list(map(str, table))
    # By columns: row by row, pandas asks each cell for its kind, which takes longer.
    columns = [table[name].tolist() for name in table]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def people_counted(
    table: pd.DataFrame,
    roles: Mapping[str, str],
    hidden: bool,
    inside: int | None,
) -> float | None:
    """How many people a table is about, for its caption; None where it does not say.

    Parameters
    ----------
    table : DataFrame
        With its people in `n`, or with a row for each of them.
    roles : mapping
        Column to role.
    hidden : bool
        Whether a policy may have hidden numbers of it.
    inside : int, optional
        As the answer counted them, where everything may be told.
    """
    if "n" not in table:
        persons = "person" in roles.values()
        counted = len(table) if inside is None else inside
        return counted if persons else None
    if inside is not None:
        return inside
    most: float | None = plain_value(table["n"].max())
    # Where everybody is hidden, a part of them, or nobody, would read as everybody.
    part = roles.get("n") == "count" or most == 0
    return None if part and hidden and table["n"].isna().any() else most


def command_for(asked: str) -> str:
    """The command that writes all rows of an answer.

    Examples
    --------
    >>> command_for("durability_by_route")
    'kettrack estimate durability FOLDER --by route -o durability_by_route.csv'
    """
    found = _GROUPED.fullmatch(asked)
    name, by = found.groups() if found else (asked, "")
    group = f" --by {by}" if by else ""
    return f"kettrack estimate {name} FOLDER{group} -o {asked}.csv"


class RowsSaid(dict[str, SimpleNamespace]):
    """Rows by name, each put into words when a sentence names it: few of many are.

    Parameters
    ----------
    say : callable
        A row to its cells in words.
    rows : mapping
        By name.
    """

    def __init__(
        self,
        say: Callable[[dict[str, Any]], SimpleNamespace],
        rows: Mapping[str, dict[str, Any]],
    ) -> None:
        super().__init__()
        self._say = say
        self._rows = rows

    def __missing__(self, name: str) -> SimpleNamespace:
        said = self._say(self._rows[name])
        self[name] = said
        return said


def shown_number(value: float, places: int, *, least: bool = False) -> str:
    """A number as people see it.

    Parameters
    ----------
    value : float
        The number.
    places : int
        Decimals.
    least : bool
        Whether it is said to be below the least that is shown, since it is never 0.

    Examples
    --------
    >>> shown_number(-0.04, 1), shown_number(0.0004, 3, least=True)
    ('0.0', '<0.001')
    """
    smallest = 10**-places
    if least and value < smallest:
        return f"<{smallest:.{places}f}"
    # What rounds to nothing has no sign.
    return f"{value:z.{places}f}"


def table_in_html(shown: pd.DataFrame, facts: Mapping[str, str], cut: str) -> str:
    """A table as HTML, with what a page must know to set it.

    Parameters
    ----------
    shown : DataFrame
        Cells as text.
    facts : mapping
        `question`, `unit`, and `percent`: columns that are percentages, with their counts.
    cut : str
        Which rows are not shown, and the command that gives them.
    """
    table = shown.to_html(index=False, border=0, classes="kettrack")
    known = "".join(f'data-{name}="{in_html(value)}" ' for name, value in facts.items())
    # pandas escapes what would be a tag, but not what nobody sees.
    told = visible(table).replace("<table ", f"<table {known}", 1)
    if not cut:
        return told
    rest, command, asked = in_html(cut).partition("kettrack estimate")
    code = f"<code>{command}{asked}</code>" if command else ""
    return f"{told}<p><i>{rest}{code}</i></p>"


def kept_rows(
    rows: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> list[int]:
    """Rows of a table that are shown: all, or of a long one the beginning and the end of each part
    that its labels make.

    Parameters
    ----------
    rows : sequence of mapping
        Column to cell.
    labels : sequence of str
        Columns of words.
    """
    n = len(rows)
    if n <= MOST_ROWS:
        return list(range(n))
    parts = _parts(rows, labels)
    if len(parts) == 1:
        few = MOST_ROWS // 4
        return [*range(few), *range(n - few, n)]
    most = max(MOST_ROWS // len(parts), FEWEST_ROWS)
    shown: list[int] = []
    for part in parts:
        if len(part) <= most:
            shown += part
            continue
        shown += part[: most - 1]
        shown.append(part[-1])
    return shown


def _parts(
    rows: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> list[list[int]]:
    """Runs of rows with the same text labels, such as an estimand and a rule; one part where there
    would be many.
    """
    texts = [
        column
        for column in labels
        if not any(isinstance(plain_value(row[column]), int | float) for row in rows)
    ]
    parts: dict[tuple[Any, ...], list[int]] = {}
    for place, row in enumerate(rows):
        told = tuple(plain_value(row[column]) for column in texts)
        parts.setdefault(told, []).append(place)
    # Parts can be shortened one by one only where each is one run of rows.
    in_order = [row for part in parts.values() for row in part] == list(
        range(len(rows))
    )
    if len(parts) <= MOST_PARTS and in_order:
        return list(parts.values())
    return [list(range(len(rows)))]


def great_table(
    rows: Mapping[str, Sequence[str]],
    *,
    labels: Sequence[str],
    text: str,
    notes: Sequence[str],
) -> GT:
    """A table with its interval in one column, its title above and its notes below.

    Parameters
    ----------
    rows : mapping
        Column to its cells as text.
    labels : sequence of str
        Columns of words; the others hold numbers.
    text : str
        The answer: its first sentence stands above, the others below.
    notes : sequence of str
        Below the table.

    Raises
    ------
    UsageError
        When the package is not installed.
    """
    if find_spec("great_tables") is None:
        raise UsageError(
            "A table as journals print it needs a package that is not installed. Type: pip install"
            " 'kettrack[papers]'."
        )
    import pandas as pd
    from great_tables import GT, html

    shown = _with_intervals(rows)
    cells = {}
    heads = {}
    for name, texts in shown.items():
        # The package makes HTML of cells by itself, and takes headings as they come.
        cells[name] = list(map(visible, texts))
        heads[name] = html(in_html(name.replace("_", " ")))
    first, stop, others = text.partition(". ")
    title = in_html(first + stop.strip())
    table = GT(pd.DataFrame(cells))
    table = table.tab_header(title=html(title))
    table = table.cols_label(heads)
    words = [name for name in shown if name in labels]
    numbers = [name for name in shown if name not in labels]
    table = table.cols_align("left", words) if words else table
    table = table.cols_align("right", numbers) if numbers else table
    for note in filter(None, (others, *notes)):
        escaped = in_html(note)
        table = table.tab_source_note(html(escaped))
    return table


def _with_intervals(
    rows: Mapping[str, Sequence[str]],
) -> dict[str, Sequence[str]]:
    """The columns, with an estimate and the ends of its interval as one."""
    if not set(_ENDS) <= set(rows):
        return dict(rows)
    heading = "estimate (95 % interval)"
    shown: dict[str, Sequence[str]] = {}
    for name, column in rows.items():
        if name == "estimate":
            ends = zip(column, rows["ci_low"], rows["ci_high"], strict=True)
            shown[heading] = [_with_ends(*texts) for texts in ends]
        elif name not in _ENDS:
            shown[name] = column
    return shown


def _with_ends(
    value: str,
    low: str,
    high: str,
) -> str:
    return f"{value} ({low} to {high})" if low and high else value


def citation(
    name: str,
    made_from: Mapping[str, Any],
    policy: str,
) -> str:
    """How an answer is cited: program, question, rules with their source, and input.

    Parameters
    ----------
    name : str
        Of the question.
    made_from : mapping
        As in a result.
    policy : str
        Under which it is shown.
    """
    criteria = made_from.get("criteria", {})
    rules = f"{criteria.get('name', '')} {criteria.get('version', '')}".strip()
    extract = made_from.get("extract") or "not named"
    input_hash = made_from.get("input_sha256", "")[:_HASH_LETTERS] or "none"
    return (
        f"kettrack {made_from.get('version', '')}, question {name}."
        f" {made_from.get('instrument', '')}; rules: {rules}"
        f" ({_source_of(made_from)}; hash {criteria.get('hash', '')}); baseline:"
        f" {made_from.get('baseline_rule', '')}. Extract: {extract}; SHA-256 of the input:"
        f" {input_hash}. Policy: {policy or 'none'}."
    )


def _source_of(made_from: Mapping[str, Any]) -> str:
    """The publication of the rules in force."""
    # Only who cites waits for all scales and rules.
    from kettrack.vocabulary.criteria import get_criteria
    from kettrack.vocabulary.instruments import INSTRUMENTS

    criteria = made_from.get("criteria", {})
    scale = INSTRUMENTS.get(made_from.get("instrument", ""))
    if scale is None:
        return _OF_A_CLINIC
    try:
        rules = get_criteria(scale, criteria.get("name", ""))
    except UsageError:
        return _OF_A_CLINIC
    # A clinic may use the name of a published rule for other numbers.
    same = rules.hash == criteria.get("hash")
    return rules.source if same and rules.source else _OF_A_CLINIC
