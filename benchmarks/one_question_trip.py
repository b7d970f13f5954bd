"""The way of one question through the house: which files it enters, and how often it goes from one
to another.

    python benchmarks/one_question_trip.py [QUESTION] [COHORT FOLDER]

A file is entered when one of its functions is called while the question is answered, for the first
time in the process: rules and kernels that are kept from then on are made on the way. A crossing is
a call of a function in one file of kettrack straight from another; going back is not counted, nor
is what runs on import. The cohort is loaded, the questions are registered, and `estimate` is looked
up, before counting begins.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import kettrack as kt

PACKAGE = Path(kt.__file__).resolve().parent
SAMPLE = PACKAGE.parent / "data" / "sample"
# Frames that stand for no call of a function that anybody wrote.
INNER = {"<genexpr>", "<module>"}


class Trip:
    """What is counted while a question is answered."""

    def __init__(self) -> None:
        self.entered: list[str] = []  # in the order of first entry
        self.crossings: Counter[tuple[str, str]] = Counter()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "call" or frame.f_code.co_name in INNER:
            return
        here = place(frame)
        if here is None:
            return
        if here not in self.entered:
            self.entered.append(here)
        caller = frame.f_back
        there = place(caller) if caller is not None else None
        if there is not None and there != here:
            self.crossings[there, here] += 1


def place(frame: FrameType) -> str | None:
    """File of the package that a frame runs, None for all others."""
    path = Path(frame.f_code.co_filename)
    return str(path.relative_to(PACKAGE)) if path.is_relative_to(PACKAGE) else None


def main() -> None:
    question = sys.argv[1] if len(sys.argv) > 1 else "response_by_session"
    folder = sys.argv[2] if len(sys.argv) > 2 else str(SAMPLE)
    cohort = kt.load_cohort(folder)
    if "questions" in dir(kt):  # older versions have none to register
        kt.questions()
    estimate = kt.estimate  # a name of the front door is looked up once
    trip = Trip()
    sys.setprofile(trip)
    estimate(question, cohort)
    sys.setprofile(None)
    total = sum(trip.crossings.values())
    print(f"{question}: {len(trip.entered)} files, {total:,} crossings\n")
    for number, name in enumerate(trip.entered, start=1):
        calls = sum(n for (_, into), n in trip.crossings.items() if into == name)
        print(f"{number:4} {name:45}{calls:>8,}")


if __name__ == "__main__":
    main()
