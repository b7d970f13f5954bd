"""How long the parts of a report took: each step, each notebook, each question in it."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kettrack.report.execute import CellRun

LONGEST: Final = 12  # questions that are named; the others are quick
_CALLED: Final = re.compile(r"\bkt\.(\w+)\(")
_ASKED: Final = re.compile(r'\bkt\.estimate\(\s*"(\w+)"(?:, cohort, by="(\w+)")?')
_DRAWN: Final = "plot_"


class Timings:
    """A clock that runs beside a report.

    Examples
    --------
    >>> timings = Timings()
    >>> timings.cell(CellRun("a.ipynb", 'held = kt.estimate("durability", cohort)', 2.0))
    >>> timings.cell(CellRun("a.ipynb", "_ = kt.plot_durability(held.table)", 1.0))
    >>> print(*timings.lines(), sep="\\n")
    Notebooks, each by itself:
        3.0 s  a.ipynb (figures 1.0 s)
    Questions that took longest:
        2.0 s  durability (a.ipynb)
    """

    def __init__(self) -> None:
        self._steps: list[tuple[str, float]] = []
        self._inside = [0.0]
        self._cells: list[CellRun] = []

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """Time a step of the whole; a step inside of it is told by itself."""
        began = time.perf_counter()
        self._inside.append(0.0)
        yield
        took = time.perf_counter() - began
        inside = self._inside.pop()
        self._inside[-1] += took
        self._steps.append((words, took - inside))

    def cell(self, run: CellRun) -> None:
        """Note a cell of a notebook; may be called from several threads."""
        self._cells.append(run)

    def lines(self) -> list[str]:
        """What was timed, for a person."""
        said = [_line(words, seconds) for words, seconds in self._steps]
        if said:
            total = sum(seconds for _, seconds in self._steps)
            said += [_line("in all", total), ""]
        if not self._cells:
            return said
        said.append("Notebooks, each by itself:")
        said += self._notebooks()
        said.append("Questions that took longest:")
        return said + self._questions()

    def _notebooks(self) -> list[str]:
        whole: dict[str, float] = defaultdict(float)
        drawing: dict[str, float] = defaultdict(float)
        for cell in self._cells:
            whole[cell.notebook] += cell.seconds
            if _question_of(cell.source).startswith(_DRAWN):
                drawing[cell.notebook] += cell.seconds
        return [
            _line(f"{name} (figures {drawing[name]:.1f} s)", seconds)
            for name, seconds in sorted(whole.items())
        ]

    def _questions(self) -> list[str]:
        asked = [
            (cell.seconds, f"{question} ({cell.notebook})")
            for cell in self._cells
            if (question := _question_of(cell.source))
            and not question.startswith(_DRAWN)
        ]
        longest = sorted(asked, reverse=True)[:LONGEST]
        return [_line(words, seconds) for seconds, words in longest]


def _question_of(source: str) -> str:
    """What a cell asks or draws; empty where it calls nothing of kettrack."""
    if asked := _ASKED.search(source):
        name, by = asked.groups()
        return f"{name} by {by}" if by else name
    called = _CALLED.search(source)
    return called[1] if called else ""


def _line(words: str, seconds: float) -> str:
    return f"{seconds:7.1f} s  {words}"
