"""The house rules that a reader of the code relies on: imports run one way, a line holds one
thought, and a public name means one thing.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator

import pytest
from layout import (
    Module,
    modules,
    n_statements,
    public_names,
    room_of,
    totals,
)

MOST_TOKENS = 8.0  # a line, on average over a module
MOST_STATEMENTS = 25  # of a function
MOST_LINES = 500  # of a module that is about one topic
FEWEST_COMMENTS = 5.0  # per 100 lines of code, over the package
# Modules of facts may be as long and as dense as their facts: module -> why.
DATA_MODULES: dict[str, str] = {
    "kettrack.vocabulary.instruments": "the list of scales: one import each",
}
# Names that several modules may offer: name -> why.
SHARED_NAMES = {
    "count": "the half of a question that adds up over clinics",
    "estimate": "the half of a question that takes counts to an answer",
    "main": "what a module does when it is run from the command line",
}
FACTS = {"arrays", "errors", "escapes", "memory", "vocabulary", "settings", "writing"}
READING = FACTS | {"result", "privacy", "reading", "resources"}
# room -> the rooms it may import. Errors, vocabulary, settings and writing are one floor: an
# instrument raises errors, settings name instruments.
MAY_IMPORT = {
    "arrays": set(),
    "errors": {"escapes"},
    "escapes": set(),
    "memory": {"errors"},
    "vocabulary": {"arrays", "errors", "escapes"},
    "settings": {"errors", "vocabulary"},
    "writing": {"errors", "escapes"},
    "resources": {"errors"},
    # an answer draws itself
    "result": FACTS | {"figures", "showing"},
    "showing": {"errors", "escapes", "vocabulary"},
    # figures are made again from rounded counts by the same mathematics
    "privacy": FACTS | {"result", "estimators"},
    "reading": FACTS | {"result", "privacy"},
    "importing": READING,
    "timelines": READING,
    "simulation": FACTS | {"result"},
    "exporting": READING | {"arrays", "timelines"},
    "estimators": {"arrays", "errors"},
    "figures": {"arrays", "escapes", "vocabulary"},
    "analysis": READING | {"timelines", "estimators"},
    "trials": READING | {"timelines", "estimators", "analysis", "simulation"},
    "report": READING | {"timelines", "analysis", "figures"},
    "app": READING | {"arrays", "timelines", "analysis", "figures", "report"},
    "pooling": READING | {"timelines", "estimators", "analysis", "figures", "report"},
    "sharding": READING | {"arrays", "timelines", "analysis", "pooling"},
    "cli": READING
    | {"importing", "timelines", "exporting", "analysis", "report", "simulation"}
    | {"app", "pooling", "sharding"},
}
# Modules of `analysis` that serve every question.
ANY_QUESTION = (
    "context",
    "registry",
    "person_rows",
    "rules_in_force",
)
# room of `analysis` -> the rooms of `analysis` it may import; `overview` chooses from all.
ANALYSIS_MAY_IMPORT = {
    "quality": set(),
    "courses": set(),
    "adherence": set(),
    "cost": {"courses", "next_session", "response"},
    "durability": {"response"},
    "association": {"response"},
    "together": {"association", "suicidality"},
    "safety": set(),
    "horizons": {"association"},
    "response": {"courses"},
    "suicidality": {"courses"},
    "people": {"courses", "suicidality"},
    "subgroups": {"association", "courses", "response", "durability"},
    "prognosis": {"response"},
    "next_session": {"courses", "response", "association"},
    "stop_after": set(),
    "against": {
        "association",
        "courses",
        "durability",
        "next_session",
        "response",
        "safety",
        "subgroups",
        "suicidality",
    },
    "calibration": {"association", "response", "next_session", "stop_after"},
    "session_answers": {"association", "next_session", "stop_after"},
}
HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "matplotlib",
    "pyarrow",
    "msgspec",
    "statsmodels",
    "IPython",
    "nbconvert",
    "rich",
    "tomlkit",
    "duckdb",
    "tornado",
    "dask",
    "distributed",
)


def imports(module: Module) -> Iterator[str]:
    """Every kettrack module imported anywhere in a module, also inside functions and for type
    checkers.
    """
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and is_ours(node.module or ""):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_ours(module: str) -> bool:
    return module.split(".")[0] == "kettrack"


@pytest.fixture(scope="module")
def needs() -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports."""
    names = {module.name for module in modules()}
    return {
        module.name: {
            name if name in names else name.rpartition(".")[0]
            for name in imports(module)
        }
        - {"kettrack"}
        for module in modules()
    }


def test_imports_run_one_way(needs: dict[str, set[str]]) -> None:
    offenders = {}
    for name, needed in needs.items():
        room = room_of(name)
        if room in (None, "__main__"):
            continue
        rooms = {room_of(other) for other in needed} - {room}
        if rooms - MAY_IMPORT[room]:
            offenders[name] = rooms - MAY_IMPORT[room]
    assert offenders == {}


def test_questions_build_on_one_another_one_way(needs: dict[str, set[str]]) -> None:
    offenders = {}
    for name, needed in needs.items():
        parts = name.split(".")
        if parts[1:2] != ["analysis"] or len(parts) < 4:
            continue
        rooms = {
            other.split(".")[2]
            for other in needed
            if other.startswith("kettrack.analysis.")
        }
        wrong = rooms - ANALYSIS_MAY_IMPORT[parts[2]] - {parts[2], *ANY_QUESTION}
        if wrong:
            offenders[name] = wrong
    assert offenders == {}


def test_figures_draw_plain_tables() -> None:
    drawn_with = {"kettrack", "matplotlib", "numpy", "pandas"} | set(
        sys.stdlib_module_names
    )
    offenders = {}
    for module in modules():
        wrong = set(packages(module)) - drawn_with
        if module.room == "figures" and wrong:
            offenders[module.name] = wrong
    assert offenders == {}


def packages(module: Module) -> Iterator[str]:
    """Top level of everything that a module imports."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


def test_no_import_cycles(needs: dict[str, set[str]]) -> None:
    # the front door names its rooms, and loads them only when asked
    waiting = {
        name: needed - {name} for name, needed in needs.items() if name != "kettrack"
    }
    while free := {
        name for name, needed in waiting.items() if not needed & waiting.keys()
    }:
        waiting = {name: left for name, left in waiting.items() if name not in free}
    assert not waiting, f"these import each other in a circle: {sorted(waiting)}"


def require_none(offenders: Iterable[str]) -> None:
    """Nothing offends; all that does is named at once."""
    assert sorted(offenders) == [], "these break the rule"


def test_a_line_holds_one_thought() -> None:
    dense = {
        module.name
        for module in modules()
        if module.tokens_a_line > MOST_TOKENS and module.name not in DATA_MODULES
    }
    require_none(dense)


def test_unrelated_values_are_assigned_apart() -> None:
    offenders = {module.name for module in modules() if any(module.assigned_at_once)}
    require_none(offenders)


def test_ties_stand_in_one_order_on_every_machine() -> None:
    """The usual way of sorting puts ties in an order that depends on the processor. Several keys
    are always sorted in a stable way.
    """
    offenders = {
        f"{module.name}, line {call.lineno}"
        for module in modules()
        for call in module.nodes
        if isinstance(call, ast.Call) and may_mix_ties(call)
    }
    require_none(offenders)


def may_mix_ties(call: ast.Call) -> bool:
    """Whether a call sorts by one key, and not in a stable way."""
    if not isinstance(call.func, ast.Attribute):
        return False
    sorts = call.func.attr in ("argsort", "sort_values")
    stable = any(keyword.arg == "kind" for keyword in call.keywords)
    keys = call.args[0] if call.args else None
    # A name stands for the list of keys of a table.
    several = isinstance(keys, ast.List | ast.Name) and call.func.attr == "sort_values"
    return sorts and not stable and not several


def test_functions_are_short() -> None:
    offenders = {
        f"{module.name}.{function.name}"
        for module in modules()
        for function in module.functions
        if n_statements(function) > MOST_STATEMENTS
    }
    require_none(offenders)


def test_a_module_is_about_one_topic() -> None:
    offenders = {
        module.name: module.n_lines
        for module in modules()
        if module.n_lines > MOST_LINES and module.name not in DATA_MODULES
    }
    assert offenders == {}


def test_exempt_modules_exist() -> None:
    assert {module.name for module in modules()} >= DATA_MODULES.keys()


def test_every_module_says_what_it_is_for() -> None:
    silent = [module.name for module in modules() if not ast.get_docstring(module.tree)]
    assert silent == []


def test_comments_say_why() -> None:
    """Where an array trick holds an invariant, where a choice needs its reason."""
    assert totals(modules())["comments / 100"] >= FEWEST_COMMENTS


# A list of single patients, a page and the two sides of a comparison, which are no questions.
LOOK_UNCOUNTED = {
    "kettrack.analysis.people.review",
    "kettrack.analysis.handout",
    "kettrack.analysis.against.sides",
}


def test_an_answer_that_looks_at_the_policy_is_counted():
    """What is found without looking is kept for every policy: `settings.policy` counts nobody."""
    looking = {
        module.name
        for module in modules()
        if module.name.startswith("kettrack.analysis")
        and "settings.policy" in ast.unparse(module.tree)
    }
    require_none(looking - LOOK_UNCOUNTED)


def test_a_public_name_means_one_thing() -> None:
    homes: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        # a command is named after what it runs
        if module.room != "cli":
            for name in public_names(module):
                homes[name].add(home_of(name, module))
    several = {name for name, places in homes.items() if len(places) > 1}
    require_none(several - SHARED_NAMES.keys())


def home_of(name: str, module: Module) -> str:
    """Where a name lives: a module; for a number such as `FEWEST_PEOPLE` its folder."""
    return module.name.rpartition(".")[0] if name.isupper() else module.name


def test_every_public_name_is_there() -> None:
    import kettrack

    assert {*dir(kettrack), "__version__"} == set(kettrack.__all__)
    assert all(getattr(kettrack, name) is not None for name in kettrack.__all__)


def test_unknown_public_name() -> None:
    import kettrack

    with pytest.raises(AttributeError, match="No kettrack attribute load_cohorts"):
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
    """One quick start of several is enough: other work on the machine only makes them slower."""
    timed = (
        "import pandas, time; start = time.process_time(); import kettrack;"
        " print(time.process_time() - start)"
    )
    assert any(float(run_python(cached, "-c", timed)) < 0.15 for _ in range(5))


def test_help_is_quick(cached: dict[str, str]) -> None:
    """Seconds of the processor, which other work on the machine does not stretch as it does those
    of the clock.
    """
    assert any(seconds(cached, "-m", "kettrack", "--help") < 0.3 for _ in range(8))


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
