"""What a function of kettrack may come to: the functions that it calls, read from the source.

A call through an attribute of an object is not followed.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = "kettrack."
FILLED_IN = "…"
Place = tuple[str, str]  # module and name


@dataclass(frozen=True, slots=True)
class Source:
    """A module: what it defines, and where its other names come from."""

    defined: dict[str, ast.AST]
    imported: dict[str, Place]


@functools.cache
def read_source(module: str) -> Source:
    """Parse a module of kettrack."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        return Source({}, {})
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    return Source(dict(_defined(tree)), dict(_imported(tree)))


def _defined(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node
        if isinstance(node, ast.Assign):
            names = [one for one in node.targets if isinstance(one, ast.Name)]
            yield from ((one.id, node) for one in names)


def _imported(tree: ast.Module) -> Iterator[tuple[str, Place]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(HOME):
            for one in node.names:
                yield one.asname or one.name, (str(node.module), one.name)


def home_of(function: Callable[..., Any]) -> Place:
    """Where a function was written: below what wraps it, and what fixes its arguments."""
    while isinstance(function, functools.partial):
        function = function.func
    return function.__module__, function.__name__


def reached_from(start: Place) -> dict[Place, ast.AST]:
    """Everything that a function may use, itself first."""
    found: dict[Place, ast.AST] = {}
    waiting = [start]
    while waiting:
        place = waiting.pop(0)
        node = read_source(place[0]).defined.get(place[1])
        if node is None or place in found:
            continue
        found[place] = node
        waiting += used_by(place)
    return found


@functools.cache
def used_by(place: Place) -> tuple[Place, ...]:
    """What a function names itself, of its own module and of others."""
    source = read_source(place[0])
    node = source.defined[place[1]]
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    inside = [(place[0], name) for name in sorted(names & set(source.defined))]
    outside = [source.imported[name] for name in sorted(names & set(source.imported))]
    return (*inside, *outside)


@functools.cache
def refusals_in(place: Place) -> tuple[str, ...]:
    """The refusals that stand in one function."""
    source = read_source(place[0])
    calls = [
        one for one in ast.walk(source.defined[place[1]]) if isinstance(one, ast.Call)
    ]
    return tuple(_told(call, source) for call in calls if _is_refusal(call))


def reasons_to_refuse(start: Place) -> list[str]:
    """Why a question may be refused: one sentence for each, and what to record; `…` stands for
    what the data fill in.
    """
    told = [one for place in reached_from(start) for one in refusals_in(place)]
    return list(dict.fromkeys(filter(None, told)))


def _is_refusal(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "NotIdentified"


def _told(call: ast.Call, source: Source) -> str:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    reason, *collect = [_text(one, source).strip() for one in given]
    # What is worked out elsewhere says nothing here.
    if not any(map(str.isalpha, reason)):
        return ""
    told = f"{reason[0].upper()}{reason[1:].rstrip('.')}."
    record = next((one for one in collect if any(map(str.isalpha, one))), "")
    return f"{told} *Record:* {record.rstrip('.')}." if record else told


def _text(node: ast.AST, source: Source) -> str:
    """The words of an expression, as far as the source tells them."""
    if isinstance(node, ast.Constant):
        return str(node.value or "")
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, source) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, source) + _text(node.right, source)
    if isinstance(node, ast.Name):
        known = _constant(node.id, source)
        return FILLED_IN if known is None else known
    return FILLED_IN


def _constant(name: str, source: Source) -> str | None:
    if name in source.imported:
        module, name = source.imported[name]
        source = read_source(module)
    node = source.defined.get(name)
    value = getattr(node, "value", None)
    return None if value is None else _text(value, source)
