"""What a docstring in numpydoc's form says of parameters and of columns."""

from __future__ import annotations

import inspect
import re

_SECTION = r"\n{name}\n-+\n(.*?)(?=\n\w[\w ]*\n-+\n|\Z)"
_ENTRY = re.compile(r"^(\w[\w, *]*?) : .*\n((?:(?: .*)?(?:\n|\Z))+)", re.MULTILINE)
_COLUMN = re.compile(r"`([^`]+)`(?:\s+\(((?:[^()`]|`[^`]*`|\([^()]*\))*)\))?")


def section(thing: object, name: str) -> str:
    """One section of a docstring, without its heading; empty where there is none."""
    text = inspect.getdoc(thing) or ""
    found = re.search(_SECTION.format(name=name), text, re.DOTALL)
    return found[1] if found else ""


def first_line(thing: object) -> str:
    """The summary of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def parameters(thing: object) -> dict[str, str]:
    """Name of each parameter to what is said of it; names that share an entry share the text."""
    told = {}
    for names, text in _ENTRY.findall(section(thing, "Parameters") + "\n"):
        for name in names.split(","):
            told[name.strip()] = " ".join(text.split())
    return told


def columns(thing: object) -> dict[str, str]:
    """Column that a docstring names to what stands in brackets behind it, or was said before."""
    told: dict[str, str] = {}
    for name, about in _COLUMN.findall(section(thing, "Returns")):
        if about or name not in told:
            told[name] = " ".join(about.split())
    return told
