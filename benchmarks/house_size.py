"""Size of the house: how many modules there are, and how much a reader finds on a line.

    python benchmarks/house_size.py [PACKAGE]

PACKAGE is a folder of modules, `kettrack` beside this one unless told otherwise. How each figure is
counted stands beside it in the output. Names, operators and numbers are tokens; text, comments
and docstrings are none. A line of code is a line that holds a token.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

# The layout rules and this script count alike, and leave out the same modules: those that hold
# facts and hardly a statement.
import layout  # noqa: E402
from test_architecture import DATA_MODULES  # noqa: E402


def imported_by(modules: Iterable[layout.Module]) -> Counter[str]:
    """How many modules import each module, imports inside functions among them."""
    modules = list(modules)
    names = {module.name for module in modules}
    importers: Counter[str] = Counter()
    for module in modules:
        found = set(imported_names(module))
        # `from kettrack.room import module` names a module, all else something in one
        homes = {name if name in names else name.rpartition(".")[0] for name in found}
        importers.update(homes & names - {module.name})
    return importers


def imported_names(module: layout.Module) -> Iterable[str]:
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def tuple_assignments(module: layout.Module) -> int:
    """Assignments of a written tuple, or of a generator, to a tuple of names: `a, b = x, y`."""
    return sum(
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Tuple | ast.GeneratorExp)
        and isinstance(node.targets[0], ast.Tuple)
        for node in module.nodes
    )


def function_tokens(module: layout.Module) -> Iterable[int]:
    """Tokens of each function, signature included."""
    places = [token.start[0] for token in module.tokens if token.type in layout.COUNTED]
    for function in module.functions:
        last = function.end_lineno or function.lineno
        yield sum(function.lineno <= line <= last for line in places)


def code_lines(modules: Iterable[layout.Module]) -> int:
    return sum(module.n_code_lines for module in modules)


def median_over(
    modules: Iterable[layout.Module],
    measure: Callable[[layout.Module], Iterable[int]],
) -> float:
    return statistics.median(value for module in modules for value in measure(module))


def statements(module: layout.Module) -> Iterable[int]:
    """Statements of each function at every depth, its docstring left out."""
    return (layout.n_statements(function) for function in module.functions)


def figures() -> list[tuple[str, float, str]]:
    """Name, value and method of each figure."""
    every = layout.modules()
    counted = [module for module in every if module.name not in DATA_MODULES]
    importers = imported_by(every)
    lines = code_lines(counted)
    tokens = sum(module.n_tokens for module in counted)
    pairs = sum(tuple_assignments(module) for module in counted)
    comments = sum(module.n_comments for module in counted)
    written = sum(
        bool(line.strip()) for module in counted for line in module.text.splitlines()
    )
    dense = sum(module.tokens_a_line > 8 for module in counted)
    longest = max(count for module in counted for count in statements(module))
    single = sum(count == 1 for count in importers.values())
    return [
        ("modules", len(every), "files ending in .py, `__init__.py` among them"),
        ("with one importer", single, "imported by one other module of the package"),
        ("tokens a line", tokens / lines, "tokens over lines of code"),
        ("modules above 8", dense, "modules with more than 8 tokens a line"),
        (
            "tuple assignments",
            1000 * pairs / lines,
            "`a, b = x, y`, or from a generator, per 1,000 lines of code",
        ),
        ("comments", 100 * comments / lines, "per 100 lines of code"),
        (
            "comments, all lines",
            100 * comments / written,
            "per 100 lines that are not empty, docstrings among them",
        ),
        (
            "tokens of a function",
            median_over(counted, function_tokens),
            "median, signature included",
        ),
        (
            "statements",
            median_over(counted, statements),
            "median of a function's body, at every depth",
        ),
        ("most statements", longest, "of the longest function"),
    ]


def main() -> None:
    if len(sys.argv) > 1:
        layout.PACKAGE = Path(sys.argv[1]).resolve()
    for name, value, method in figures():
        written = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
        print(f"{name:22}{written:>8}   {method}")
    print("\nLeft out of what is counted on a line:")
    for name, why in DATA_MODULES.items():
        print(f"  {name}: {why}")


if __name__ == "__main__":
    main()
