"""`kettrack check`: is this folder fit to be read?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kettrack.cli.cohorts import read_cohort
from kettrack.cli.options import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    Output,
    PolicyName,
)
from kettrack.cli.output import answer, check_output, say
from kettrack.errors import DataProblems, Problem
from kettrack.writing import write_table

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort


def check(
    folder: Folder,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """Read a cohort folder and say what is wrong with it, everything at once; -o writes the
    problems as a table.

    At the end stands what no error is but will leave questions unanswered, and how to record it.

    \b
    Example:
      kettrack check clinic -o problems.csv
    """
    check_output(output)
    try:
        cohort = read_cohort(
            folder, allow, instrument=instrument, criteria=criteria, policy=policy
        )
    except DataProblems as found:
        if output is not None:
            _write_problems(found.problems, output)
        raise
    if output is not None:
        _write_problems([], output)
    for sentence in cohort.shown_notes:
        answer(sentence)
    sizes = {
        "patient": len(cohort.patients),
        "session": len(cohort.sessions),
        "score": len(cohort.scores),
    }
    answer(
        f"{', '.join(_size(number, noun, cohort) for noun, number in sizes.items())}: no"
        " problems."
    )
    from kettrack.reading.completeness import missing_information

    if lacks := missing_information(cohort):
        answer(
            "\n".join(
                [
                    "Missing, or not fitting together; none of it is an error:",
                    *(f"- {lack}" for lack in lacks),
                ]
            )
        )


def _size(number: int, noun: str, cohort: Cohort) -> str:
    from kettrack.privacy.disclosure import get_policy

    smallest = get_policy(cohort.settings.policy).smallest_count
    return (
        f"fewer than {smallest} {noun}s"
        if 0 < number < smallest
        else f"{number} {noun}{'s' if number != 1 else ''}"
    )


def _write_problems(problems: list[Problem], output: Path) -> None:
    from kettrack.reading.problems import problem_table

    write_table(problem_table(problems), output)
    say(f"Wrote the table of problems to {output}.")
