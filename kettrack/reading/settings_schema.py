"""What each key of `kettrack.toml` must hold, declared once, and the function that checks a table
against it.

`msgspec` judges the values. It stops at the first that does not fit, so `read_table` asks it key by
key: a person sees every mistake at once, each with what was expected.
"""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec
from msgspec import UNSET, Meta, UnsetType, structs

from kettrack.privacy.identifying_people import shown
from kettrack.privacy.identifying_text import reason_in_text
from kettrack.privacy.policies import POLICY_WORDS
from kettrack.reading.problems import HIDDEN, Ledger, did_you_mean
from kettrack.settings import BaselineRule, DuplicateRule, LogEndRule
from kettrack.vocabulary.columns import EVENTS, MOST_ITEMS
from kettrack.vocabulary.instrument import Construct
from kettrack.vocabulary.rules import Measure, Operator

_Direction = Literal["higher is worse", "higher is better"]


def one_of(words: Collection[str]) -> Meta:
    """Return the constraint "one of these words", for words that a table of the package holds."""
    pattern = "|".join(map(re.escape, words))
    return Meta(
        # \Z and not $, which would let a line end through.
        pattern=rf"^(?:{pattern})\Z",
        description=f"one of: {', '.join(words)}",
        examples=list(words),
    )


# The bounds keep out nan and inf, which TOML has and no rule can use. Whole numbers stay `int`: the
# hash of a user's criteria is taken over the numbers as they were written.
_LARGEST: Final = 10**15
_FINITE: Final = Meta(ge=-_LARGEST, le=_LARGEST)
_SIZE: Final = Meta(ge=0, le=_LARGEST)
_Number = Annotated[
    Annotated[int, _FINITE] | Annotated[float, _FINITE],
    Meta(description="a number of at most 15 digits"),
]
_Whole = Annotated[int, _SIZE, Meta(description="a whole number")]
_Days = Annotated[int, _SIZE, Meta(description="a whole number of days")]
_Text = Annotated[str, Meta(description='text in quotation marks, as in key = "text"')]
_Truth = Annotated[bool, Meta(description="true or false")]
_Policy = Annotated[str, one_of(POLICY_WORDS)]
_Event = Annotated[str, one_of(EVENTS)]
_Tables = dict[str, Any]
ProratedTotals = Literal["round", "keep"]


# UNSET tells a key that was not given from one that was given as false.
class SettingsTable(msgspec.Struct, kw_only=True):
    """The whole file. What stands in `[columns]`, `[instruments]`, `[criteria]` and `[status]` has
    names that only the user knows, and is read table by table.
    """

    instrument: _Text | UnsetType = UNSET
    criteria: (
        Annotated[
            str | _Tables,
            Meta(description="text in quotation marks, or tables: [criteria.NAME]"),
        ]
        | UnsetType
    ) = UNSET
    baseline: BaselineRule | UnsetType = UNSET
    duplicates: DuplicateRule | UnsetType = UNSET
    log_complete_to: LogEndRule | UnsetType = UNSET
    policy: _Policy | UnsetType = UNSET
    currency: _Text | UnsetType = UNSET
    extract: _Text | UnsetType = UNSET
    crisis_line: _Text | UnsetType = UNSET
    columns: (
        Annotated[
            _Tables,
            Meta(
                description=(
                    'a table: [columns], then contract name = "name in the source"'
                )
            ),
        ]
        | UnsetType
    ) = UNSET
    instruments: (
        Annotated[_Tables, Meta(description="tables: [instruments.NAME]")] | UnsetType
    ) = UNSET
    status: (
        Annotated[
            _Tables,
            Meta(
                description=(
                    'a table: [status], then "the word" = "observed" or "not observed"'
                )
            ),
        ]
        | UnsetType
    ) = UNSET


class InstrumentTable(msgspec.Struct, kw_only=True):
    """One `[instruments.NAME]`."""

    minimum: _Number
    maximum: _Number
    direction: _Direction
    title: _Text | UnsetType = UNSET
    source: (
        Annotated[
            str,
            Meta(description="text in quotation marks: where the numbers come from"),
        ]
        | UnsetType
    ) = UNSET
    licence: _Text | UnsetType = UNSET
    construct: Construct | UnsetType = UNSET
    whole_numbers: _Truth | UnsetType = UNSET
    prorated: ProratedTotals | UnsetType = UNSET
    percent_change: _Truth | UnsetType = UNSET
    item_maxima: (
        Annotated[
            list[_Whole],
            Meta(
                max_length=MOST_ITEMS,
                description=(
                    f"a list of at most {MOST_ITEMS} whole numbers, the highest answer of"
                    " each item"
                ),
            ),
        ]
        | UnsetType
    ) = UNSET
    item_minimum: _Whole | UnsetType = UNSET
    items_coded_from: _Whole | UnsetType = UNSET
    caseness: _Number | UnsetType = UNSET
    remission: (
        Annotated[
            _Number | Annotated[list[_Number], Meta(min_length=1)],
            Meta(description="a number, or a list of numbers, the default first"),
        ]
        | UnsetType
    ) = UNSET
    reliable_change: _Number | UnsetType = UNSET
    recall_days: _Days | UnsetType = UNSET
    suicidality_item: (
        Annotated[int, _SIZE, Meta(description="the number of the item")] | UnsetType
    ) = UNSET
    bands: (
        Annotated[
            dict[str, tuple[_Number, _Number]],
            Meta(description="a table of label = [lowest, highest]"),
        ]
        | UnsetType
    ) = UNSET


class BuiltInTable(msgspec.Struct, kw_only=True):
    """`[instruments.NAME]` of a built-in scale: what differs from clinic to clinic."""

    recall_days: _Days | UnsetType = UNSET
    items_coded_from: _Whole | UnsetType = UNSET
    prorated: ProratedTotals | UnsetType = UNSET


class RuleTable(msgspec.Struct, kw_only=True):
    """One rule of `[criteria.NAME]`."""

    measure: Measure
    operator: Operator
    limit: _Number
    count: (
        Annotated[int, Meta(ge=1, le=_LARGEST, description="a whole number, 1 or more")]
        | UnsetType
    ) = UNSET
    min_gap: _Days | UnsetType = UNSET
    max_gap: _Days | UnsetType = UNSET
    dated_at: Literal["first", "confirming"] | UnsetType = UNSET
    event_rows: (
        Annotated[
            list[_Event],
            Meta(description=f"a list of events: {', '.join(EVENTS)}"),
        ]
        | UnsetType
    ) = UNSET
    source: _Text | UnsetType = UNSET


class ReviewTable(msgspec.Struct, kw_only=True):
    """`[criteria.NAME.review]`."""

    suicidality_item: _Whole | UnsetType = UNSET
    cssrs: _Whole | UnsetType = UNSET
    off_track_percentile: (
        Annotated[
            Annotated[int, Meta(ge=0, le=100)] | Annotated[float, Meta(ge=0, le=100)],
            Meta(description="a percentile, 0 to 100"),
        ]
        | UnsetType
    ) = UNSET
    unscored_days: _Days | UnsetType = UNSET
    fewest_gaps: _Whole | UnsetType = UNSET
    last_scores: _Whole | UnsetType = UNSET


class CriteriaTable(msgspec.Struct, kw_only=True):
    """One `[criteria.NAME]`; a rule of None is one that shall not be there."""

    instrument: Annotated[str, Meta(description="the name of an instrument")]
    version: _Text | UnsetType = UNSET
    source: _Text | UnsetType = UNSET
    caseness: _Number | UnsetType = UNSET
    recovery_days: _Days | UnsetType = UNSET
    recovery_max_gap: _Days | UnsetType = UNSET
    late_after_days: _Days | UnsetType = UNSET
    state_holds_days: _Days | UnsetType = UNSET
    review: ReviewTable | UnsetType = UNSET
    response: RuleTable | None | UnsetType = UNSET
    remission: RuleTable | None | UnsetType = UNSET
    partial: RuleTable | None | UnsetType = UNSET
    loss_of_response: RuleTable | None | UnsetType = UNSET
    relapse: RuleTable | None | UnsetType = UNSET
    deterioration: RuleTable | None | UnsetType = UNSET


KeyPath = tuple[str, ...]
AnyTable = TypeVar("AnyTable", bound=msgspec.Struct)


# Tables of a map of which there are several, `[[tables]]`.
_SEVERAL: Final = "tables"
_ORDINALS: Final = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a settings file something stands, and the ledger that takes what is wrong there.

    Parameters
    ----------
    file : str
        As named in problems.
    ledger : Ledger
        Takes the problems.
    lines : mapping
        Path of a key to its line, as far as known.
    path : tuple of str
        Keys from the top of the file down to here.
    """

    file: str
    ledger: Ledger
    lines: Mapping[KeyPath, int]
    path: KeyPath = ()

    def at(self, *keys: str) -> Place:
        """The place of a key in this table."""
        return replace(self, path=(*self.path, *keys))

    def lines_below(self) -> dict[KeyPath, int]:
        """Keys from here down, and the line of each."""
        depth = len(self.path)
        return {
            path[depth:]: line
            for path, line in self.lines.items()
            if path[:depth] == self.path
        }

    def problem(self, expected: str) -> None:
        """Report that something else was expected here. The value is never repeated, and a key
        only where it does not read like a person's name.
        """
        shown_keys = [
            HIDDEN if reason_in_text(key) else shown(key) for key in self.path if key
        ]
        name = _in_order(shown_keys)
        self.ledger.problem(self.file, self._line(), name, "", expected)

    def _line(self) -> int | None:
        """The line of the key, or of the nearest table around it: an inline table has one line."""
        paths = (self.path[:depth] for depth in range(len(self.path), 0, -1))
        return next((self.lines[path] for path in paths if path in self.lines), None)


def _in_order(keys: Sequence[str]) -> str:
    """Names of keys as the file writes them; one of several tables of a name by its place.

    Examples
    --------
    >>> _in_order(["columns", "scores"]), _in_order(["tables", "0", "columns", "mood"])
    ('columns.scores', 'columns.mood of the first [[tables]]')
    """
    several, place = [*keys, "", ""][:2]
    rest = keys[2:]
    if several != _SEVERAL or not place.isdigit():
        return ".".join(keys)
    number = int(place)
    which = f"number {number + 1} of the"
    if number < len(_ORDINALS):
        which = f"the {_ORDINALS[number]}"
    table = f"{which} [[{several}]]"
    return f"{'.'.join(rest)} of {table}" if rest else table


def read_table(
    content: object,
    schema: type[AnyTable],
    place: Place,
    *,
    keep_what_fits: bool = False,
) -> AnyTable | None:
    """Hold a table of the file against its schema, and report everything that does not fit.

    Parameters
    ----------
    content : object
        As `tomllib` returns it.
    schema : type of Struct
        The keys it may have.
    place : Place
        Where it stands.
    keep_what_fits : bool
        Whether values that fit are returned though others do not; only for a schema without needed
        keys.

    Returns
    -------
    Struct or None
        Keys that are not given are `UNSET`; None when something was wrong.
    """
    if not isinstance(content, dict):
        place.problem("a table")
        return None
    fields = {field.name: field for field in structs.fields(schema)}
    fitting: dict[str, Any] = {}
    for key in content:
        # An unknown key is an error: a misspelt rule that is ignored would change numbers silently.
        if key not in fields:
            near = did_you_mean(key, fields) or f"; there are: {', '.join(fields)}"
            place.at(key).problem(f"unknown key{near}")
    for key, field in fields.items():
        if key in content:
            value = _fitting(content[key], field.type, place.at(key))
            if value is not UNSET:
                fitting[key] = value
        elif field.required:
            place.at(key).problem(f"missing: {_expected(field.type)}")
    # Nothing unknown, nothing wrong and nothing missing.
    whole = len(fitting) == len(content) and all(
        key in fitting for key, field in fields.items() if field.required
    )
    return schema(**fitting) if whole or keep_what_fits else None


def given(table: msgspec.Struct) -> dict[str, Any]:
    """Return the keys of a table that were given, with their values."""
    values = structs.asdict(table)
    return {key: value for key, value in values.items() if value is not UNSET}


def _fitting(value: object, kind: object, place: Place) -> Any:
    """The value as its kind has it; `UNSET`, and a problem, where it does not fit."""
    schema = _nested(kind)
    if schema is not None and isinstance(value, dict):
        inner = read_table(value, schema, place)
        return UNSET if inner is None else inner
    if value is False and types.NoneType in _kinds(kind):
        return None  # TOML has no word for "none"
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        # The words of the schema are told: those of msgspec may quote the value.
        near = did_you_mean(value, _words(kind)) if isinstance(value, str) else ""
        place.problem(f"{_expected(kind)}{near}")
        return UNSET


def _kinds(kind: object) -> tuple[Any, ...]:
    """The kinds a value may be of, `UNSET` left out."""
    union = get_origin(kind) in (Union, types.UnionType)
    kinds = get_args(kind) if union else (kind,)
    return tuple(one for one in kinds if one is not UnsetType)


def _nested(kind: object) -> type[msgspec.Struct] | None:
    """The schema of a table within a table."""
    for one in _kinds(kind):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None


def _meta(kind: object) -> Meta | None:
    """What is said about a kind in words."""
    parts = [part for one in _kinds(kind) for part in get_args(one)]
    # Parts that only hold bounds have no description.
    metas = [part for part in parts if isinstance(part, Meta) and part.description]
    return metas[0] if metas else None


def _words(kind: object) -> tuple[str, ...]:
    """The words a value may be one of; none where it may be any text."""
    for one in _kinds(kind):
        if get_origin(one) is Literal:
            return get_args(one)
    meta = _meta(kind)
    return tuple(meta.examples or ()) if meta else ()


def _expected(kind: object) -> str:
    """What was expected, in words."""
    if _nested(kind) is not None:
        or_none = types.NoneType in _kinds(kind)
        return "a table, or false for no such rule" if or_none else "a table"
    meta = _meta(kind)
    if meta is not None and meta.description:
        return meta.description
    return f"one of: {', '.join(_words(kind))}"


# Settings whose value is one of a few words, for callers who give them without a file.
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    field.name: _words(field.type)
    for field in structs.fields(SettingsTable)
    if _words(field.type)
}
