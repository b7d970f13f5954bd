"""Scales, rules and conventions, each with its source: read from `kettrack/vocabulary`."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import docstrings
import md

import kettrack as kt
from kettrack.vocabulary import days, limits, safety
from kettrack.vocabulary.instrument import Fact, Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.published_results import PUBLISHED_RATES, SOURCES

STANDINGS = {
    "verified": "read in the source that is named",
    "computed": "follows from verified numbers",
    "convention": "kettrack's own choice, named in every output",
    "recalled": "not confirmed; applied only when it is asked for by name",
    "user": "from a `kettrack.toml`",
}


def rule_pages() -> dict[str, str]:
    """The pages of scales, rules, conventions and published results."""
    return {
        "scales": _scales(),
        "rules": _rules(),
        "conventions": _conventions(),
        "published": _published(),
    }


def _standings() -> str:
    return md.bullets(f"*{name}*: {meaning}" for name, meaning in STANDINGS.items())


def _scales() -> str:
    return md.page(
        md.anchor("scales"),
        "# Every scale",
        "What kettrack knows of each built-in scale, and where it was read. Each number has a"
        " standing:",
        _standings(),
        "A clinic can add a scale of its own: see [A scale of your own](../howto/scale.md).",
        *map(_scale, INSTRUMENTS.values()),
    )


def _scale(scale: Instrument) -> str:
    facts = [
        ("range of a total", f"{scale.minimum:g} to {scale.maximum:g}", "", ""),
        ("items", scale.n_items or "", "", ""),
        *_facts(scale),
        *(
            (
                f"severity: {band.label}",
                f"{band.low:g} to {band.high:g}",
                "",
                scale.bands_source,
            )
            for band in scale.bands
        ),
    ]
    return md.page(
        f"## {scale.name}",
        f"{scale.title}. Construct: {scale.construct}. Licence: {scale.licence or 'not stated'}.",
        md.table(("what", "value", "standing", "source"), facts),
        _sources(scale),
    )


def _sources(scale: Instrument) -> str:
    """The publications in full, as the file of the scale lists them."""
    home = "kettrack.vocabulary.instruments"
    for found in iter_modules(import_module(home).__path__):
        module = import_module(f"{home}.{found.name}")
        if scale in vars(module).values():
            listed = docstrings.section(module, "Sources").split("\n- ")
            return md.bullets(md.plain(one.removeprefix("- ")) for one in listed if one)
    return ""


def _facts(scale: Instrument) -> Iterator[tuple[object, ...]]:
    """The numbers of a scale that carry a source."""
    for name in scale.__dataclass_fields__:
        value = getattr(scale, name)
        several = value if isinstance(value, tuple) else (value,)
        for fact in several:
            if isinstance(fact, Fact):
                words = name.replace("_", " ")
                yield words, f"{fact.value:g}", fact.standing, fact.source


def _rules() -> str:
    presets = kt.list_presets()
    sections = [
        md.page(
            f"## {scale}",
            md.table(
                ("name", "outcome", "rule", "standing", "source"),
                (
                    (row.name, row.outcome, row.rule, row.standing, row.source)
                    for row in rows.itertuples(index=False)
                ),
            ),
        )
        for scale, rows in presets.groupby("instrument", sort=False)
    ]
    return md.page(
        md.anchor("rules"),
        "# Every rule",
        "A rule is a value with a publication, never a number in code. Each has a standing:",
        _standings(),
        "Choose a set of rules with `--criteria NAME`, or `criteria` in `kettrack.toml`. A rule"
        " that rates each person once is used by `kettrack specification`. Your own rules: see"
        " [Rules of your own](../howto/rules.md). In Python, `kt.list_presets()` gives this table.",
        *sections,
    )


def _conventions() -> str:
    return md.page(
        "# Limits and lengths of time",
        "Where no publication decides, kettrack chooses. These are its choices.",
        _module(limits, "Smallest numbers of people"),
        _module(days, "Lengths of time, in days"),
        _module(safety, "Safety"),
    )


def _module(module: ModuleType, title: str) -> str:
    rows = [
        (md.code(name), md.plain(value), md.plain(why))
        for name, value, why in _constants(module)
    ]
    about = (inspect.getdoc(module) or "").replace("\n", " ")
    return md.page(f"## {title}", about, md.table(("name", "value", "why"), rows))


def _constants(module: ModuleType) -> Iterator[tuple[str, str, str]]:
    """Numbers of a module, each with the comment above it."""
    source = inspect.getsource(module)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        value = getattr(module, node.target.id)
        if isinstance(value, int | float | tuple) and re.fullmatch(
            r"[\d., ()]+", str(value)
        ):
            yield node.target.id, str(value), _comment_above(lines, node.lineno - 1)


def _comment_above(lines: list[str], place: int) -> str:
    told: list[str] = []
    while place and lines[place - 1].startswith("#"):
        place -= 1
        told.insert(0, lines[place].lstrip("# "))
    return " ".join(told)


def _published() -> str:
    rows = [
        (
            rate.study,
            rate.n,
            rate.scale,
            rate.route,
            rate.session,
            rate.response,
            rate.remission,
            rate.kind,
            rate.standing,
        )
        for rate in PUBLISHED_RATES
    ]
    heads = (
        "study",
        "people",
        "scale",
        "route",
        "session",
        "response %",
        "remission %",
    )
    return md.page(
        "# What others have published",
        "These rates stand beside a clinic's own. *Point* is how people were at that session;"
        " *cumulative* is who had ever responded by then. A recalled one is never drawn.",
        md.table((*heads, "kind", "standing"), rows),
        "## Sources",
        md.bullets(f"{name}: {md.plain(source)}" for name, source in SOURCES.items()),
    )
