"""Every figure, drawn from the synthetic sample."""

from __future__ import annotations

import doctest
import inspect
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import docstrings
import matplotlib.pyplot as plt
import md
from question_pages import target

import kettrack as kt
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort

LONGEST_ALT = 300


def figure_page(
    cohort: DerivedCohort, answers: Mapping[str, Result], pictures: Path
) -> str:
    """The gallery; the pictures are written into a folder beside it."""
    pictures.mkdir(parents=True, exist_ok=True)
    by_module: dict[str, list[str]] = {}
    for name in sorted(one for one in kt.__all__ if one.startswith("plot_")):
        by_module.setdefault(getattr(kt, name).__module__, []).append(name)
    sections = []
    for module, names in by_module.items():
        about = docstrings.first_line(sys.modules[module])
        figures = [_section(name, cohort, answers, pictures) for name in names]
        sections.append(md.page(f"## {about.rstrip('.')}", *figures))
    return md.page(
        md.anchor("gallery"),
        "# Every figure",
        "Each figure draws the table of one question and computes nothing, so that every number"
        " in it stands in a table. The people are synthetic. `cohort` is"
        " `kt.load_cohort(kt.sample_folder())`.",
        *sections,
    )


def _section(
    name: str, cohort: DerivedCohort, answers: Mapping[str, Result], pictures: Path
) -> str:
    plot = getattr(kt, name)
    asked = question_drawn(plot, answers)
    plt.close("all")
    if asked is not None:
        answer = answers[asked]
        plot(answer.table, caption=answer.caption)
        code = _code(name, f'kt.estimate("{asked}", cohort)')
        alt = answer.text
    else:
        code = _run_example(plot)
        alt = docstrings.first_line(plot)
    plt.gcf().savefig(pictures / f"{name}.png", dpi=120, metadata={"Software": None})
    plt.close("all")
    return md.page(
        f"### {name}",
        docstrings.first_line(plot),
        f"```{{image}} {pictures.name}/{name}.png\n:alt: {_short(alt)}\n```",
        f"```python\n{code}\n```",
        f"*Question:* {md.link(md.code(asked), target(asked))}." if asked else "",
    )


def _code(name: str, answer: str) -> str:
    return f"found = {answer}\nkt.{name}(found.table, caption=found.caption)"


def question_drawn(plot: object, questions: Mapping[str, object]) -> str | None:
    """The question whose table a figure draws: the first that its docstring names."""
    told = docstrings.parameters(plot).get("table", "")
    named = [one for one in re.findall(r"`(\w+)`", told) if one in questions]
    return named[0] if named else None


def _run_example(plot: object) -> str:
    """Draw what the docstring draws, and return the lines that did it."""
    parsed = doctest.DocTestParser().get_examples(inspect.getdoc(plot) or "")
    names = dict(vars(sys.modules[plot.__module__]))
    for example in parsed:
        exec(example.source, names)
    return "".join(example.source for example in parsed).rstrip()


def _short(words: str) -> str:
    """Alternative text on one line, cut behind a whole sentence."""
    told = " ".join(words.split())
    if len(told) <= LONGEST_ALT:
        return told
    whole, stop, _ = told[:LONGEST_ALT].rpartition(". ")
    return (
        whole + stop.strip() if stop else f"{told[:LONGEST_ALT].rpartition(' ')[0]} ..."
    )
