"""`kettrack check`: is this folder fit to be read?"""

from __future__ import annotations

from pathlib import Path

from kettrack.cli.cohorts import read_cohort
from kettrack.cli.options import Allowed, CriteriaName, Folder, InstrumentName, Output
from kettrack.cli.output import answer, check_output, say
from kettrack.errors import DataProblems, Problem
from kettrack.writing import write_table


def check(
    folder: Folder,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    allow: Allowed = None,
) -> None:
    """Read a cohort folder and say what is wrong with it, everything at once; -o writes the problems as a table.

    \b
    Example:
      kettrack check clinic -o problems.csv
    """
    check_output(output)
    try:
        cohort = read_cohort(folder, allow, instrument=instrument, criteria=criteria)
    except DataProblems as found:
        if output is not None:
            _write_problems(found.problems, output)
        raise
    if output is not None:
        _write_problems([], output)
    for sentence in cohort.notes:
        answer(sentence)
    answer(f"{len(cohort.patients)} patients, {len(cohort.sessions)} sessions, {len(cohort.scores)} scores: no problems.")


def _write_problems(problems: list[Problem], output: Path) -> None:
    from kettrack.reading.problems import problem_table

    write_table(problem_table(problems), output)
    say(f"Wrote the table of problems to {output}.")
