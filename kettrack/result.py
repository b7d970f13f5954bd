"""The result of any estimate: a table, the sentence that goes with it, and what produced both."""

from __future__ import annotations

import json
import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Final = 1
MOST_ROWS: Final = 48  # a longer table is shortened when it is shown; JSON and figures get all of it
# A quantity of which every part is hidden becomes one word.
_HIDDEN_QUANTITY: Final = re.compile(r"\(?hidden %[;]? ?\(?hidden-hidden\)|\(hidden %\)|hidden %")
SUPPRESSED: Final = "suppressed"  # column that marks rows in which a small count was hidden

Role = Literal["key", "label", "count", "running", "denominator", "derived", "person"]


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
        Column to role: what disclosure control takes it for. `key` names the row in the sentence; a `running` count falls from
        row to row, so that its differences are counts themselves.
    sentence : str
        Template of the text; `{row.column}` is a cell, so that what is hidden in the table is hidden in the text. Rows go by
        their key, numbered ones as `row6`.
    estimand : str
        What the numbers are about, in one sentence.
    caveats : tuple of str
        What a reader must know before using them.
    decimals : mapping
        Column to number of decimals shown; 1 where not named.
    show : tuple of str
        Columns people see, in this order; empty = all.
    made_from : mapping
        `instrument` `criteria` `baseline_rule` `level` `unit` `seed` `input_sha256` `version`.
    status, reason, collect : str
        `ok`, or `refused` with the reason and what to record so that it could be answered.
    policy : str
        Disclosure policy the table has been through; empty before the gate.
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

    @property
    def text(self) -> str:
        """The sentence, with every number taken from the table."""
        if self.status == "refused":
            return f"Cannot be answered from these data: {self.reason} To answer it, record: {self.collect}"
        said = string.Formatter().vformat(self.sentence, (), self._cells())
        return _HIDDEN_QUANTITY.sub("(hidden)", said).replace(" (-)", "").replace("; -)", ")")

    @property
    def shown(self) -> pd.DataFrame:
        """The table as text with fixed decimals, for people; hidden cells say so, and a long table shows its two ends."""
        columns = self.show or tuple(str(column) for column in self.table if column != SUPPRESSED)
        rows = [[self._format(column, row) for column in columns] for row in self._rows()]
        if len(rows) > MOST_ROWS:
            rows = [*rows[: MOST_ROWS // 4], ["..."] * len(columns), *rows[-MOST_ROWS // 4 :]]
        return type(self.table)(rows, columns=[column.replace("_", " ") for column in columns])

    @property
    def caption(self) -> str:
        """N, instrument, rules and extract in one line, for under a figure."""
        n = self.table["n"].max() if "n" in self.table else len(self.table)
        people = [f"N = {n:,.0f}"] if "n" in self.table or "person" in self.roles.values() else []
        criteria = self.made_from.get("criteria", {})
        rules = f"{self.made_from.get('instrument', '')}, {criteria.get('name', '')} {criteria.get('version', '')}"
        return " · ".join([*people, rules, *filter(None, [self.made_from.get("extract"), f"policy: {self.policy}"])])

    def to_json(self) -> str:
        """The result as JSON under the contract's names; NaN is null, a hidden cell null with `suppressed: true`."""
        rows = [{name: _plain(value) for name, value in row.items()} for row in self._rows()]
        said = {"schema": SCHEMA, "name": self.name, "status": self.status, "reason": self.reason, "collect": self.collect}
        said |= {"estimand": self.estimand, "text": self.text, "table": rows, "caveats": list(self.caveats)}
        said |= dict(self.made_from) | {"policy": self.policy}
        return json.dumps(said, indent=2, ensure_ascii=False)

    def __repr__(self) -> str:
        parts = [self.text, *([] if self.table.empty else [self.shown.to_string(index=False)])]
        return "\n\n".join([*parts, *(f"- {caveat}" for caveat in self.caveats)])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(caveat)}</li>" for caveat in self.caveats)
        table = "" if self.table.empty else self.shown.to_html(index=False, border=0, classes="kettrack")
        estimand = f"<p><i>{escape(self.estimand)}</i></p>" if self.estimand else ""
        return f"<p><b>{escape(self.text)}</b></p>{table}{estimand}<ul>{notes}</ul>"

    def _cells(self) -> dict[str, SimpleNamespace]:
        key = next(column for column, role in self.roles.items() if role == "key")
        cells = ((row[key], {column: self._format(column, row) for column in row}) for row in self._rows())
        return {_cell_name(name): SimpleNamespace(**texts) for name, texts in cells}

    def _rows(self) -> list[dict[str, Any]]:
        return [{str(name): value for name, value in row.items()} for row in self.table.to_dict("records")]

    def _format(self, column: str, row: dict[str, Any]) -> str:
        value, role = _plain(row[column]), self.roles.get(column)
        if value is None and row.get(SUPPRESSED):
            return "hidden" if role in ("count", "running", "denominator", "derived") else ""
        if value is None or isinstance(value, str):
            return value or ""
        if role in ("count", "running", "denominator"):
            return f"{int(value):,}"
        return f"{value:.{self.decimals.get(column, 1)}f}" if role in ("derived", "person") else str(value)


def _cell_name(key: Any) -> str:
    return key if isinstance(key, str) else f"row{key}"


def _plain(value: Any) -> Any:
    """A cell as a plain Python value; every kind of missing is None."""
    plain = value.item() if hasattr(value, "item") else value
    if plain is None or type(plain).__name__ in ("NAType", "NaTType") or (isinstance(plain, float) and math.isnan(plain)):
        return None
    return plain
