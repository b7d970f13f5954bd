"""Every command, and every public name of the package."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import click
import docstrings
import md
import typer

import kettrack as kt
from kettrack.cli.app import app

# Room of a public name to its heading, in order; other rooms come last.
ROOMS = {
    "reading": "Read a cohort",
    "timelines": "Tables and rules",
    "analysis": "Questions",
    "figures": "Figures",
    "pooling": "Several sites",
    "sharding": "Larger than memory",
    "exporting": "Export",
    "privacy": "Identifiers",
    "report": "Trials of the methods",
    "result": "The result",
    "resources": "Where things are",
    "errors": "Errors",
}


def commands_page() -> str:
    """The help of every command."""
    group = typer.main.get_command(app)
    context = click.Context(group, info_name="kettrack")
    sections = [
        _command(group.get_command(context, name), name, context)
        for name in group.list_commands(context)
    ]
    return md.page(
        md.anchor("commands"),
        "# Every command",
        "Exit codes: 0 ok, 1 fault in kettrack, 2 bad input or usage, 3 refused: the data cannot"
        " answer.",
        *sections,
    )


def _command(command: click.Command, name: str, parent: click.Context) -> str:
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        max_content_width=100,
        terminal_width=100,
    )
    return md.page(
        f"## kettrack {name}", f"```text\n{command.get_help(context).strip()}\n```"
    )


def python_pages() -> dict[str, str]:
    """Every public name, by room."""
    listed: dict[str, list[str]] = {}
    for name, module in public_names().items():
        listed.setdefault(module.split(".")[0], []).append(name)
    rooms = [*ROOMS, *sorted(set(listed) - set(ROOMS))]
    pages = {f"python/{room}": _room(_heading(room), listed[room]) for room in rooms}
    index = md.page(
        md.anchor("python"),
        "# Every function",
        "`import kettrack as kt` loads a name when it is first used. Every example below is run by"
        " the tests.",
        md.contents(rooms),
    )
    return {"python/index": index} | pages


def public_names() -> dict[str, str]:
    """Public name to the module it comes from, as `__init__.pyi` lists them."""
    stub = Path(kt.__file__).with_name("__init__.pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    return {
        one.asname or one.name: str(node.module)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for one in node.names
    }


def _heading(room: str) -> str:
    """The heading of a room; of one that is not listed, what its package says of itself."""
    told = docstrings.first_line(import_module(f"kettrack.{room}"))
    return ROOMS.get(room) or told.rstrip(".")


def _room(heading: str, names: list[str]) -> str:
    sections = [_name(name) for name in sorted(names, key=str.lower)]
    return md.page(f"# {heading}", *sections)


def _name(name: str) -> str:
    thing = getattr(kt, name)
    kind = "autoclass" if isinstance(thing, type) else "autofunction"
    if isinstance(thing, type) and issubclass(thing, BaseException):
        kind = "autoexception"
    members = "   :members:\n" if kind == "autoclass" else ""
    return md.page(
        f"## {name}", f"```{{eval-rst}}\n.. {kind}:: kettrack.{name}\n{members}```"
    )
