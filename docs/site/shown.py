"""The directive `shown`: a command of kettrack in a page, and below it what the command says now.

On GitHub the command stands there alone. A command that fails is a warning, and so stops the build.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

CHECKOUT = Path(__file__).parents[2]


class Shown(SphinxDirective):
    """Run commands, one a line; with `lines`, only so many lines of what they say are shown."""

    has_content = True
    option_spec = {"lines": directives.positive_int, "exit": directives.nonnegative_int}

    def run(self) -> list[nodes.Node]:
        told = [self._told(command) for command in self.content if command.strip()]
        block = nodes.literal_block("\n".join(told), "\n".join(told))
        block["language"] = "text"
        return [block]

    def _told(self, command: str) -> str:
        name, *arguments = shlex.split(command, comments=True)
        if name != "kettrack":
            raise self.error(f"Only commands of kettrack are run: {command!r}")
        ran = subprocess.run(
            [sys.executable, "-m", "kettrack", *arguments],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
        )
        if ran.returncode != self.options.get("exit", 0):
            raise self.error(f"{command!r} ends with {ran.returncode}: {ran.stderr}")
        lines = (ran.stdout + ran.stderr).rstrip().splitlines()
        most = self.options.get("lines", len(lines))
        left_out = ["..."] if len(lines) > most else []
        return "\n".join([f"$ {command}", *lines[:most], *left_out])


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("shown", Shown)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
