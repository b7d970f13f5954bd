"""How the code reads, in numbers: what the layout rules of `test_architecture.py` count.

`python tests/layout.py` prints the totals of the package and of each room.
"""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "kettrack"
COUNTED = {tokenize.NAME, tokenize.OP, tokenize.NUMBER}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """A module of the package, read and parsed once."""

    path: Path

    @property
    def name(self) -> str:
        """Dotted name, `kettrack.reading.cohort`."""
        parts = self.path.relative_to(PACKAGE.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str | None:
        """`kettrack.reading.cohort` -> `reading`; None for the front door itself."""
        return room_of(self.name)

    @functools.cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @functools.cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @functools.cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @property
    def n_lines(self) -> int:
        """Lines of the file, empty ones and prose among them."""
        return len(self.text.splitlines())

    @functools.cached_property
    def n_tokens(self) -> int:
        """Names, operators and numbers."""
        return sum(token.type in COUNTED for token in self.tokens)

    @functools.cached_property
    def n_code_lines(self) -> int:
        """Lines that hold a name, an operator or a number."""
        return len({token.start[0] for token in self.tokens if token.type in COUNTED})

    @property
    def n_comments(self) -> int:
        return sum(token.type == tokenize.COMMENT for token in self.tokens)

    @property
    def tokens_a_line(self) -> float:
        return self.n_tokens / self.n_code_lines if self.n_code_lines else 0.0

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))

    @property
    def assigned_at_once(self) -> Iterator[ast.Assign]:
        """Assignments of unrelated values in one line, `a, b = x, y`.

        A step that needs both old values at once, `a, b = b, a`, relates them.
        """
        for node in self.nodes:
            if not isinstance(node, ast.Assign) or not isinstance(
                node.value, ast.Tuple
            ):
                continue
            targets = [t for t in node.targets if isinstance(t, ast.Tuple)]
            given = {ast.unparse(t) for target in targets for t in target.elts}
            used = {ast.unparse(part) for part in ast.walk(node.value)}
            if targets and not given & used:
                yield node


def room_of(module: str) -> str | None:
    """`kettrack.reading.cohort` -> `reading`; None for the front door itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def n_statements(function: Function) -> int:
    """Statements of a function at every depth, its docstring left out."""
    inside = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
    return inside - (ast.get_docstring(function) is not None)


def public_names(module: Module) -> Iterator[str]:
    """Functions, classes, names of types and numbers that a module offers to others."""
    for node in module.tree.body:
        if isinstance(node, Function | ast.ClassDef):
            yield from _public([node.name])
        elif isinstance(node, ast.Assign):
            names = [name.id for name in node.targets if isinstance(name, ast.Name)]
            yield from _public(names if _is_shared_kind(names, node.value) else [])
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
            yield from _public(names if _is_shared_kind(names, node.value) else [])


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]


def _is_shared_kind(names: list[str], value: ast.expr | None) -> bool:
    """Whether these are names of a type (`Floats`) or of a number (`WEEK`).

    Tables of words may be named alike: each module has its own `COLUMNS`.
    """
    number = isinstance(value, ast.UnaryOp) or (
        isinstance(value, ast.Constant) and isinstance(value.value, int | float)
    )
    return number or any(not name.isupper() and name[0].isupper() for name in names)


@functools.cache
def modules() -> tuple[Module, ...]:
    """Every module of the package, by path."""
    return tuple(Module(path) for path in sorted(PACKAGE.rglob("*.py")))


def totals(some: Iterable[Module]) -> dict[str, float]:
    """The size figures of some modules together."""
    some = list(some)
    code = sum(module.n_code_lines for module in some) or 1
    at_once = sum(len(list(module.assigned_at_once)) for module in some)
    return {
        "modules": len(some),
        "lines": sum(module.n_lines for module in some),
        "code": code,
        "tokens a line": sum(module.n_tokens for module in some) / code,
        "at once / 1000": 1000 * at_once / code,
        "comments / 100": 100 * sum(module.n_comments for module in some) / code,
    }


def main() -> None:
    rooms = sorted({module.room or "(front door)" for module in modules()})
    rows = {"kettrack": totals(modules())}
    for room in rooms:
        rows[room] = totals(m for m in modules() if (m.room or "(front door)") == room)
    print(f"{'':14}" + "".join(f"{name:>16}" for name in rows["kettrack"]))
    for name, row in rows.items():
        cells = [
            f"{cell:16.2f}" if cell % 1 else f"{cell:16,.0f}" for cell in row.values()
        ]
        print(f"{name:14}" + "".join(cells))


if __name__ == "__main__":
    main()
