"""Pieces of a page in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; empty text where there is no row."""
    lines = [_line(row) for row in rows]
    if not lines:
        return ""
    return "\n".join([_line(heads), _line(["---"] * len(heads)), *lines])


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: object) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    return " ".join(str(value).replace("|", r"\|").split())


def code(text: object) -> str:
    """A name as code; empty text stays empty."""
    return f"`{text}`" if str(text) else ""


def plain(text: str) -> str:
    """Words that are no Markdown: what would be read as mark-up is made harmless. Code between
    backticks stays code.
    """
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_<>\[\]#`|])", r"\\\1", part)
        for part in parts
    )


def bullets(lines: Iterable[str]) -> str:
    """A list, one line for each."""
    return "\n".join(f"- {' '.join(line.split())}" for line in lines)


def anchor(name: str) -> str:
    """A target that other pages can link to: put it before a heading."""
    return f"({name})="


def link(words: str, target: str) -> str:
    """A link to a target of `anchor`, on whichever page it stands."""
    return f"[{words}](#{target})"


def page(*parts: str) -> str:
    """Parts with an empty line between them; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def contents(names: Iterable[str]) -> str:
    """A list of the pages below this one."""
    listed = "\n".join(names)
    return f"```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```"
