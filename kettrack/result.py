"""The result of any estimate: a table, the sentence that goes with it, and what produced both."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal

from kettrack.errors import UsageError
from kettrack.escapes import in_html, in_json, on_one_line, visible
from kettrack.showing import (
    RowsSaid,
    command_for,
    kept_rows,
    people_counted,
    plain_value,
    shown_number,
    table_in_html,
    table_rows,
)
from kettrack.vocabulary.made_of import MadeOf, percentages
from kettrack.vocabulary.plain_words import (
    NOT_SHOWN,
    CellText,
    hidden_once,
    in_words,
    readable,
)

if TYPE_CHECKING:
    import pandas as pd
    from great_tables import GT
    from matplotlib.axes import Axes

# How the text of every refusal begins; a report tells one cause once.
REFUSED: Final = "Cannot be answered from these data:"
# Of the JSON; it goes up when a name in it changes.
SCHEMA: Final = 1
HIDDEN_CELL: Final = "hidden"  # in a cell of a table
_TOO_FEW: Final = "Not shown: too few people, or the number would tell of too few."
# A notebook sets what stands between two dollar signs as a formula, but not in these classes.
_NO_FORMULAS: Final = '"tex2jax_ignore mathjax_ignore"'
# column that marks rows in which a small count was hidden
SUPPRESSED: Final = "suppressed"

Role = Literal["key", "label", "count", "running", "denominator", "derived", "person"]
# Columns of names that people gave, or write in a file.
_AS_WRITTEN: Final = ("patient_id", "column")
_OTHERS: Final = "The other rows of the same table."
# Roles of the columns that a policy hides cells of.
_NUMBERS: Final = ("count", "running", "denominator", "derived")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A table, its sentence, its estimand, its caveats, and what produced them.

    Parameters
    ----------
    name : str
        As in `kettrack estimate NAME`.
    table : DataFrame
        One row per quantity; a quantity stands in `estimate` `ci_low` `ci_high` `n`.
    roles : mapping
        Column to role: what disclosure control takes it for. `key` names the row in the sentence; a
        `running` count falls from row to row, so that its differences are counts themselves.
    sentence : str
        Template of the text; `{row.column}` is a cell, so that what is hidden in the table is
        hidden in the text. Rows go by their key, numbered ones as `row6`.
    estimand : str
        What the numbers are about, in one sentence.
    caveats : tuple of str
        What a reader must know before using them.
    decimals : mapping
        Column to number of decimals shown; 1 where not named.
    show : tuple of str
        Columns people see, in this order; empty = all.
    made_from : mapping
        `instrument` `criteria` `baseline_rule` `level` `unit` `seed` `left_out` `input_sha256`
        `version`.
    status, reason, collect : str
        `ok`, or `refused` with the reason and what to record so that it could be answered.
    policy : str
        Disclosure policy the table has been through; empty before the gate.
    people : int, optional
        People behind the whole table, where its rows count something else, such as decisions; named
        under a figure.
    started : int, optional
        People in the cohort, of whom those counted are a part; named under a figure that nobody
        outside of the clinic sees.
    table_of : str
        Question that gives the whole table, where the sentence is a shorter one under a name of its
        own; empty otherwise.
    rows : callable, optional
        Makes the person-level rows that the answer was counted from; it refuses under a release
        policy. Never part of the JSON.
    recipes : tuple of MadeOf
        How derived columns are made of counts, for a policy that rounds counts; a derived column
        that none of them names is then not shown.
    balanced : bool or tuple of str
        Whether the sentence sets good and bad figures beside each other, so that it is shown whole
        or not at all; or the columns of those figures, of which none may be hidden.
    retell : callable, optional
        Makes the sentence from a table, where its words depend on the figures: a policy that rounds
        tells it again from its own table.
    """

    name: str
    table: pd.DataFrame
    roles: Mapping[str, Role]
    sentence: str
    estimand: str
    caveats: tuple[str, ...] = ()
    decimals: Mapping[str, int] = field(default_factory=dict)
    show: tuple[str, ...] = ()
    made_from: Mapping[str, Any] = field(default_factory=dict)
    status: Literal["ok", "refused"] = "ok"
    reason: str = ""
    collect: str = ""
    policy: str = ""
    people: int | None = None
    started: int | None = field(default=None, repr=False, compare=False)
    table_of: str = ""
    rows: Callable[[], pd.DataFrame] | None = field(
        default=None, repr=False, compare=False
    )
    recipes: tuple[MadeOf, ...] = field(default=(), repr=False, compare=False)
    balanced: bool | tuple[str, ...] = False
    retell: Callable[[pd.DataFrame], str] | None = field(
        default=None, repr=False, compare=False
    )
    rows_shown: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The sentence, with every number taken from the table."""
        if self.status == "refused":
            return visible(
                readable(
                    f"{REFUSED} {self.reason} To answer it, record: {self.collect}"
                )
            )
        if self.all_hidden:
            return (
                f"Not shown under the policy {self.policy!r}: every figure of this answer rests"
                " on counts that are hidden, or would reveal one."
            )
        if self.one_sided:
            return (
                f"Not shown under the policy {self.policy!r}: a figure of this answer is hidden,"
                " because too few people are behind it. Good and bad figures are shown together"
                " or not at all."
            )
        # The cells come from the table after the gate, so a hidden number cannot slip into the
        # text.
        said = string.Formatter().vformat(self.sentence, (), self._cells())
        plain = hidden_once(said)
        why = f" {_TOO_FEW}" if NOT_SHOWN in plain else ""
        return visible(readable(f"{plain}{why}"))

    @property
    def all_hidden(self) -> bool:
        """Whether the sentence names figures, and every one of them is hidden."""
        hidden = self._hidden_in_sentence("derived")
        return bool(hidden) and all(hidden)

    @property
    def one_sided(self) -> bool:
        """Whether the sentence sets good and bad figures beside each other, and one of them is
        hidden.
        """
        if self.balanced is False:
            return False
        named = None if self.balanced is True else self.balanced
        roles: tuple[Role, ...] = ("count", "running", "denominator", "derived")
        return any(self._hidden_in_sentence(*roles, columns=named))

    def cell_text(self, name: str) -> str:
        """A cell as a sentence would say it.

        Parameters
        ----------
        name : str
            `row.column`, as in a template.
        """
        row, _, column = name.partition(".")
        return str(getattr(self._cells()[row], column))

    def _hidden_in_sentence(
        self, *roles: Role, columns: tuple[str, ...] | None = None
    ) -> list[bool]:
        """Of each number of such a role, and column, that is in the sentence: is it hidden?"""
        if SUPPRESSED not in self.table:
            return []
        cells = self._cells()
        named = [
            name.partition(".")
            for _, name, _, _ in string.Formatter().parse(self.sentence)
            if name
        ]
        # A row that the sentence does not name may be hidden without harm to it.
        return [
            str(getattr(cells[row], column)) == NOT_SHOWN
            for row, _, column in named
            if self.roles.get(column) in roles and (not columns or column in columns)
        ]

    @property
    def shown(self) -> pd.DataFrame:
        """The table as text with fixed decimals, for people; hidden cells say so, and a long table
        is shortened.
        """
        columns = self.show or tuple(
            str(column) for column in self.table if column != SUPPRESSED
        )
        every = self._rows()
        kept = self._kept()
        rows: list[list[str]] = []
        # A row of dots stands where rows of a long table were left out.
        for place, last in zip(kept, [-1, *kept], strict=False):
            gap = place > last + 1 and not self.rows_shown
            rows += [["..."] * len(columns)] if gap else []
            rows.append([self._format(column, every[place]) for column in columns])
        return type(self.table)(
            rows, columns=[column.replace("_", " ") for column in columns]
        )

    def texts(self, *columns: str) -> list[tuple[str, ...]]:
        """Every row of the table as text with fixed decimals; hidden cells say so.

        Parameters
        ----------
        *columns : str
            In the order in which they are wanted.
        """
        return [
            tuple(self._format(column, row) for column in columns)
            for row in self._rows()
        ]

    def only(self, *keys: str) -> Result:
        """The same answer, of whose table people see these rows alone.

        Parameters
        ----------
        *keys : str
            Of rows; those that this table lacks are left out.
        """
        return replace(self, rows_shown=keys)

    def others(self, *keys: str) -> Result:
        """The rows that `only` leaves out, without the sentence and the caveats.

        Parameters
        ----------
        *keys : str
            Of rows that people do not see here.
        """
        # A refusal has no other rows.
        if self.status == "refused":
            return self
        rest = [key for key in self._keys() if key not in keys]
        return replace(
            self,
            rows_shown=tuple(rest),
            sentence=_OTHERS,
            retell=None,
            caveats=(),
        )

    @property
    def cut(self) -> str:
        """How many rows are not shown, and where the whole table is; empty when all are."""
        hidden = len(self.table) - len(self._kept())
        if not hidden:
            return ""
        command = command_for(self.table_of or self.name)
        whole = ".table in Python" if self.name == "patient_page" else command
        dots = "" if self.rows_shown else " (...)"
        said = f"{hidden} rows of {len(self.table)} are not shown here{dots}."
        return readable(f"{said} The whole table: {whole}")

    @property
    def caption(self) -> str:
        """N, instrument, rules and extract in one line, for under a figure."""
        # A count that has not been through the gate is for the clinic alone.
        inside = self.people if self.policy in ("", "internal") else None
        hidden = SUPPRESSED in self.table
        n = people_counted(self.table, self.roles, hidden, inside)
        people = [] if n is None else [f"N = {n:,.0f}{self._of_how_many(n)}"]
        criteria = self.made_from.get("criteria", {})
        log_end = self.made_from.get("log_complete_to", "observed_to_day")
        # A recorded end of the log needs no word; a chosen one stands under every figure.
        chosen = "" if log_end == "observed_to_day" else f"log complete to: {log_end}"
        rules = (
            f"{self.made_from.get('instrument', '')}, {criteria.get('name', '')}"
            f" {criteria.get('version', '')}"
        )
        caption = " · ".join(
            [
                *people,
                rules,
                *filter(
                    None,
                    [
                        self.made_from.get("extract"),
                        chosen,
                        f"policy: {self.policy}",
                    ],
                ),
            ]
        )
        return visible(on_one_line(caption))

    def _of_how_many(self, n: float) -> str:
        """The step from everybody to those counted, where it is one and may be told."""
        part = self.started is not None and n < self.started
        return f" of {self.started:,}" if part and self.policy == "internal" else ""

    def to_json(self) -> str:
        """The result as JSON under the contract's names; NaN is null, a hidden cell null with
        `suppressed: true`.
        """
        rows = [
            {name: plain_value(value) for name, value in row.items()}
            for row in self._rows()
        ]
        said: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.name,
            "status": self.status,
        }
        said |= {
            name: readable(getattr(self, name))
            for name in ("reason", "collect", "estimand")
        }
        said |= {
            "text": self.text,
            "table": rows,
            "caveats": [readable(caveat) for caveat in self.caveats],
        }
        said |= dict(self.made_from) | {"policy": self.policy}
        return in_json(json.dumps(said, indent=2, ensure_ascii=False))

    def to_frame(self) -> pd.DataFrame:
        """The whole table as a plain frame of one's own; `attrs` says what it is."""
        frame = self.table.copy()
        said = {"name": self.name, "estimand": self.estimand, "cite": self.cite()}
        frame.attrs |= said | {"policy": self.policy}
        return frame

    def to_great_table(self) -> GT:
        """The table as journals print it: interval beside the estimate, what it is about below.

        Raises
        ------
        UsageError
            When the extra `papers` is not installed.
        """
        from kettrack.showing import great_table

        there = map(str, self.table)
        names = self.show or tuple(name for name in there if name != SUPPRESSED)
        # Ends that people do not see by themselves belong to their estimate.
        columns = zip(*self.texts(*names), strict=True)
        words = [name for name in names if self.roles.get(name) in ("key", "label")]
        notes = [readable(self.estimand), self.caption]
        return great_table(
            dict(zip(names, columns, strict=False)),
            labels=words,
            text=self.text,
            notes=[note for note in notes if note],
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the answer, with its caption.

        Parameters
        ----------
        ax : Axes, optional
            Where; a new figure by default.

        Raises
        ------
        UsageError
            When no figure draws it.
        """
        from kettrack.figures.by_question import figure_of

        draw = figure_of(self.name)
        if draw is None:
            raise UsageError(
                f"No figure draws {self.name}. Its table is there: .table, or .to_great_table()."
            )
        return draw(self.table, ax=ax, caption=self.caption)

    def cite(self) -> str:
        """How to cite it: version, question, rules with their source, input and policy."""
        from kettrack.showing import citation

        return citation(self.name, self.made_from, self.policy)

    def __repr__(self) -> str:
        table = (
            [] if self.table.empty else [self.shown.to_string(index=False), self.cut]
        )
        caveats = [f"- {readable(caveat)}" for caveat in self.caveats]
        return visible("\n\n".join([self.text, *filter(None, table), *caveats]))

    def _repr_html_(self) -> str:
        notes = "".join(
            f"<li>{in_html(readable(caveat))}</li>" for caveat in self.caveats
        )
        table = "" if self.table.empty else self._table_in_html()
        estimand = (
            f"<p><i>{in_html(readable(self.estimand))}</i></p>" if self.estimand else ""
        )
        said = f"<p><b>{in_html(self.text)}</b></p>"
        return (
            f"<div class={_NO_FORMULAS}>{said}{table}{estimand}<ul>{notes}</ul></div>"
        )

    def _table_in_html(self) -> str:
        """The table, with what a page must know to set it."""
        shares = percentages(self.recipes)
        facts = {
            "question": self.name,
            "unit": str(self.made_from.get("unit", "")),
            "percent": " ".join("/".join(share) for share in shares),
        }
        return table_in_html(self.shown, facts, self.cut)

    def _kept(self) -> list[int]:
        """Rows that are shown."""
        if self.rows_shown:
            keys = enumerate(self._keys())
            return [place for place, key in keys if key in self.rows_shown]
        labels = [
            column
            for column, role in self.roles.items()
            if role == "label" and column in self.table
        ]
        return kept_rows(self._rows(), labels)

    def _keys(self) -> list[str]:
        """Names of the rows."""
        key = next(column for column, role in self.roles.items() if role == "key")
        # Not from the rows: a sentence needs both, and rows take long to make.
        return [_cell_name(value) for value in self.table[key].tolist()]

    def _cells(self) -> Mapping[str, SimpleNamespace]:
        named = zip(self._keys(), self._rows(), strict=True)
        # Of two rows of one name the last is told, as everywhere where rows go by name.
        return RowsSaid(self._said, dict(named))

    def _said(self, row: dict[str, Any]) -> SimpleNamespace:
        """The cells of one row for a sentence."""
        return SimpleNamespace(**{name: self._cell(name, row) for name in row})

    def _rows(self) -> list[dict[str, Any]]:
        return table_rows(self.table)

    def _cell(self, column: str, row: dict[str, Any]) -> CellText:
        """A cell for the sentence: its text, and the number behind what is not hidden."""
        value = plain_value(row[column])
        if value is None and row.get(SUPPRESSED) and self.roles.get(column) in _NUMBERS:
            return CellText(NOT_SHOWN)
        # A truth value is an integer in Python and no number here.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return CellText(self._format(column, row), float(value) if is_number else None)

    def _format(self, column: str, row: dict[str, Any]) -> str:
        value = plain_value(row[column])
        role = self.roles.get(column)
        # Missing in a marked row: hidden where it is a number, and truly empty otherwise.
        if value is None and row.get(SUPPRESSED):
            return HIDDEN_CELL if role in _NUMBERS else ""
        if value is None or isinstance(value, str):
            return (
                in_words(value or "")
                if role in ("key", "label") and column not in _AS_WRITTEN
                else value or ""
            )
        if role in ("count", "running", "denominator"):
            return f"{int(value):,}"
        places = self.decimals.get(column, 1)
        # More than one decimal of a percentage promises what no clinic can know.
        if str(row.get("unit", "")).startswith("%"):
            places = min(places, 1)
        shown = shown_number(value, places, least=column == "p")
        return shown if role in ("derived", "person") else str(value)


def _cell_name(key: Any) -> str:
    return key if isinstance(key, str) else f"row{key}"
