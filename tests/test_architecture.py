"""The house rules that a reader of the code relies on: imports run one way, modules and functions
stay small.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "kettrack"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 500
LONGEST_BODY = 80
FACTS = {"arrays", "errors", "vocabulary", "settings", "writing"}
READING = FACTS | {"result", "privacy", "reading", "resources"}
# room -> the rooms it may import. Errors, vocabulary, settings and writing are one floor: an
# instrument raises errors, settings name instruments.
MAY_IMPORT = {
    "arrays": set(),
    "errors": set(),
    "vocabulary": {"arrays", "errors"},
    "settings": {"errors", "vocabulary"},
    "writing": {"errors"},
    "resources": {"errors"},
    "result": FACTS,
    "privacy": FACTS | {"result"},
    "reading": FACTS | {"result", "privacy"},
    "timelines": READING,
    "simulation": FACTS | {"result"},
    "estimators": {"arrays", "errors"},
    "figures": {"arrays", "vocabulary"},
    "analysis": READING | {"timelines", "estimators"},
    "trials": READING | {"timelines", "estimators", "analysis", "simulation"},
    "report": READING | {"timelines", "analysis"},
    "cli": READING | {"timelines", "analysis", "report", "simulation"},
}
# room of `analysis` -> the rooms of `analysis` it may import; `context` serves all, and `overview`
# chooses from all.
ANALYSIS_MAY_IMPORT = {
    "courses": set(),
    "durability": set(),
    "association": set(),
    "response": {"courses"},
    "people": {"courses"},
    "subgroups": {"courses", "response", "durability"},
    "next_session": {"courses", "response", "association"},
    "stop_after": set(),
    "calibration": {"association", "response", "next_session", "stop_after"},
    "session_answers": {"association", "next_session", "stop_after"},
}
HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "matplotlib",
    "pyarrow",
    "statsmodels",
    "numba",
    "nbclient",
    "nbconvert",
    "rich",
)


def room_of(module: str) -> str | None:
    """`kettrack.reading.cohort` -> `reading`; None for the front door itself."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """Every kettrack module imported anywhere in a module, also inside functions and for type
    checkers.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                alias.name
                for alias in node.names
                if alias.name.split(".")[0] == "kettrack"
            )
        elif (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] == "kettrack"
        ):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(path: Path) -> set[str]:
    names = {name_of(module) for module in MODULES}
    found = imports(ast.parse(path.read_text(encoding="utf-8")))
    return {name if name in names else name.rpartition(".")[0] for name in found} - {
        "kettrack"
    }


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    room = room_of(name_of(path))
    if room in (None, "__main__"):
        return
    rooms = {room_of(module) for module in imported_modules(path)} - {room}
    assert rooms <= MAY_IMPORT[room], (
        f"{room} must not import {sorted(map(str, rooms - MAY_IMPORT[room]))}"
    )


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if path.parent.parent.name == "analysis"],
    ids=name_of,
)
def test_questions_build_on_one_another_one_way(path: Path) -> None:
    room = path.parent.name
    rooms = {
        module.split(".")[2]
        for module in imported_modules(path)
        if module.startswith("kettrack.analysis.")
    }
    assert rooms <= ANALYSIS_MAY_IMPORT[room] | {room, "context"}


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "figures").rglob("*.py")), ids=name_of
)
def test_figures_draw_plain_tables(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    outside = {
        (
            (node.module or "").split(".")[0]
            if isinstance(node, ast.ImportFrom)
            else node.names[0].name.split(".")[0]
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert outside <= {"kettrack", "matplotlib", "numpy", "pandas"} | set(
        sys.stdlib_module_names
    )


def test_no_import_cycles() -> None:
    waiting = {
        name_of(path): imported_modules(path) - {name_of(path)} for path in MODULES
    }
    # the front door names its rooms, and loads them only when asked
    waiting.pop("kettrack")
    while free := {
        name for name, needs in waiting.items() if not needs & waiting.keys()
    }:
        waiting = {name: needs for name, needs in waiting.items() if name not in free}
    assert not waiting, f"these import each other in a circle: {sorted(waiting)}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    if path.name == "_kernels.py":  # the compiler wants flat loops
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert body_lines(node) <= LONGEST_BODY, f"{node.name} is too long"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function after its docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_public_names_and_type_checkers_agree() -> None:
    import kettrack

    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    told = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == kettrack._HOME
    for name in kettrack.__all__:
        assert getattr(kettrack, name) is not None
        assert name in dir(kettrack)


def test_unknown_public_name() -> None:
    import kettrack

    with pytest.raises(AttributeError, match="no attribute 'load_cohorts'"):
        kettrack.load_cohorts  # noqa: B018


@pytest.fixture(scope="module")
def cached(
    tmp_path_factory: pytest.TempPathFactory, plain_environment: dict[str, str]
) -> dict[str, str]:
    """Environment whose compiled modules are kept, also where the caller keeps none: a second start
    is what users see.
    """
    kept = {
        name: value
        for name, value in plain_environment.items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }
    return kept | {"PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("cache"))}


def run_python(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import kettrack",
        "from kettrack.cli.app import app; app(['--help'], standalone_mode=False)",
    ],
    ids=["import", "help"],
)
def test_nothing_heavy_is_imported(cached: dict[str, str], statement: str) -> None:
    loaded = "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    assert not set(run_python(cached, "-c", statement + loaded).split()) & set(HEAVY)


def test_import_adds_little_to_pandas(cached: dict[str, str]) -> None:
    timed = (
        "import pandas, time; start = time.process_time(); import kettrack;"
        " print(time.process_time() - start)"
    )
    assert min(float(run_python(cached, "-c", timed)) for _ in range(5)) < 0.15


def test_help_is_quick(cached: dict[str, str]) -> None:
    """Seconds of the processor, which other work on the machine does not stretch as it does those
    of the clock.
    """
    assert min(seconds(cached, "-m", "kettrack", "--help") for _ in range(8)) < 0.3


def seconds(environment: dict[str, str], *arguments: str) -> float:
    start = os.times()
    run_python(environment, *arguments)
    end = os.times()
    if os.name == "nt":  # Windows does not keep the time of child processes
        return end.elapsed - start.elapsed
    return (
        end.children_user
        + end.children_system
        - start.children_user
        - start.children_system
    )
