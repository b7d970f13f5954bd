"""`kettrack check`: is this folder fit to be read?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    Output,
    PolicyName,
    read_cohort,
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
    """Check a cohort folder and list every problem.

    With -o the problems are written as a table. When the folder can be read, the last lines say
    what is not recorded, which questions this leaves unanswered, and how to record it.

    \b
    Example:
      kettrack check clinic -o problems.csv
    """
    # Before the folder is read: a wrong -o should not cost a minute of work.
    check_output(output, folder)
    try:
        cohort = read_cohort(
            folder, allow, instrument=instrument, criteria=criteria, policy=policy
        )
    except DataProblems as found:
        if output is not None:
            # The table is for the person who mends the export; the error still ends the command.
            _write_problems(found.problems, output)
        raise
    if output is not None:
        # An empty table takes the place of the problems of an earlier run.
        _write_problems([], output)
    for sentence in cohort.shown_notes:
        answer(sentence)
    answer(f"{_sizes(cohort)}: no problems.")
    _tell_what_is_missing(cohort)


def _sizes(cohort: Cohort) -> str:
    """How many patients, sessions and scores there are, small counts as the policy has them."""
    # Imported here to keep `--help` fast.
    from kettrack.privacy.disclosure import get_policy

    smallest = get_policy(cohort.settings.policy).smallest_count
    sizes = {
        "patient": len(cohort.patients),
        "session": len(cohort.sessions),
        "score": len(cohort.scores),
    }
    said = []
    for noun, number in sizes.items():
        # A count of 0 tells of nobody and is shown.
        if 0 < number < smallest:
            said.append(f"fewer than {smallest} {noun}s")
        else:
            said.append(f"{number} {noun}{'s' if number != 1 else ''}")
    return ", ".join(said)


def _tell_what_is_missing(cohort: Cohort) -> None:
    from kettrack.reading.completeness import missing_information

    lacks = missing_information(cohort)
    if lacks:
        answer("No errors, but some questions cannot be answered, or not fully:")
    for lack in lacks:
        answer(f"- {lack}")


def _write_problems(problems: list[Problem], output: Path) -> None:
    from kettrack.reading.problems import problem_table

    write_table(problem_table(problems), output)
    say(f"Wrote the table of problems to {output}.")
