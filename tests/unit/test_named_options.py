"""Every option that a message, a page or a docstring names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer

from kettrack.cli.app import app

HOME = Path(__file__).parents[2]
# The map of the rooms draws arrows with hyphens.
PAGES = [
    path
    for path in [*HOME.glob("*.md"), *HOME.glob("docs/**/*.md")]
    if path.name != "ARCHITECTURE.md"
]
# Of other programs.
FOREIGN = {
    "--no-deps",
    "--nbval",
    "--nbval-lax",
    "--convert-to",
    "--dashboard-address",
    "--headless",
    "--host",
    "--drawn",  # a property of a style sheet
    "--inplace",
    "--keep-count",
    "--keep-id",
    "--memory-limit",
    "--mpl-generate-path",
    "--nthreads",
    "--protocol",
}
OPTION = re.compile(r"(?:(?<=[ `('\"])|^)--[a-z][a-z-]*[a-z](?![\w-])", re.M)


@pytest.fixture(scope="module")
def options() -> set[str]:
    group = typer.main.get_command(app)
    found = {"--help"}
    commands = group.commands.values()  # type: ignore[attr-defined]
    for command in (group, *commands):
        for parameter in command.params:
            found |= set(parameter.opts) | set(parameter.secondary_opts)
    return found


def texts() -> dict[str, str]:
    """Strings of the package, and the pages that people read."""
    # That page shows what is wrong.
    right = [path for path in PAGES if path.name != "messages.md"]
    found = {str(path.relative_to(HOME)): path.read_text("utf-8") for path in right}
    for path in (HOME / "kettrack").rglob("*.py"):
        # A program of its own, for those who change kettrack.
        if path.parent.name == "trials":
            continue
        # What a browser is told.
        if path.name == "browser.py":
            continue
        strings = [
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        found[str(path.relative_to(HOME))] = "\n".join(strings)
    return found


@pytest.mark.slow
def test_every_option_that_is_named_exists(options: set[str]) -> None:
    unknown = {
        (place, option)
        for place, text in texts().items()
        for option in OPTION.findall(text)
        if option not in options | FOREIGN
    }
    assert unknown == set()
