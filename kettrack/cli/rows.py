"""The commands that give rows: `courses`, `timeline`, `outcomes`, `events` and `review`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

import kettrack
from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    Output,
    PolicyName,
    SchedulerName,
    open_buckets,
    open_cohort,
)
from kettrack.cli.output import (
    answer,
    check_output,
    say,
    working,
    write_rows,
    write_rows_in_parts,
)
from kettrack.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from kettrack.reading.cohort import Cohort


_MOST_WEEKS: Final = 5_200  # a hundred years: nobody means more


def _rows_command(
    name: str,
    about: str,
    table: str,
    *,
    scored: bool = True,
    without_file: Callable[[Cohort], str] | None = None,
) -> Callable[..., None]:
    """Make a command that writes one of kettrack's tables of single patients.

    Parameters
    ----------
    name, about : str
        Of the command; `about` is what `--help` prints.
    table : str
        The public function that makes the table. It is looked up when the command runs, so that
        `--help` imports nothing heavy.
    scored : bool
        Whether the table needs scores of the primary instrument.
    without_file : callable, optional
        Makes the text that is printed instead of rows when no file is named.
    """

    def command(
        folder: Folder,
        output: Output = None,
        instrument: InstrumentName = None,
        criteria: CriteriaName = None,
        policy: PolicyName = None,
        allow: Allowed = None,
        scheduler: SchedulerName = None,
    ) -> None:
        check_output(output, folder)
        asked = {"instrument": instrument, "criteria": criteria, "policy": policy}
        by_bucket = output is not None or without_file is None
        if scheduler is not None and not by_bucket:
            raise UsageError("--scheduler makes rows of patients. Name a file: -o FILE")
        if by_bucket and _wrote_buckets(
            name, folder, output, allow, scheduler=scheduler, scored=scored, **asked
        ):
            return
        cohort = open_cohort(folder, allow, scored=scored, **asked)
        # `outcomes` without a file answers with a summary: thousands of rows help nobody at a
        # terminal.
        if output is None and without_file is not None:
            answer(without_file(cohort))
            return
        with working("Rating every patient"):
            # The public function, so that the command and Python give the same table.
            rows = getattr(kettrack, table)(cohort)
        write_rows(rows, cohort, output)

    # typer takes the name and the help of a command from its function.
    command.__name__ = name
    command.__doc__ = about
    return command


def _wrote_buckets(
    name: str,
    folder: Path,
    output: Path | None,
    allow: list[str] | None,
    *,
    scheduler: str | None,
    scored: bool,
    **options: str | None,
) -> bool:
    """Write the rows of a folder of `kettrack shard`, bucket by bucket; False for any other."""
    opened = open_buckets(folder, allow, scheduler=scheduler, **options)
    if opened is None:
        return False
    if scored:
        opened.require_scores()
    from kettrack.sharding.person_tables import rows_by_bucket

    with working("Rating every patient", opened.manifest.n_buckets) as advance:
        rows = rows_by_bucket(name, opened, scheduler)
        write_rows_in_parts(rows, opened.settings.policy, output, advance)
    return True


def _summary(cohort: Cohort) -> str:
    from kettrack.analysis.short_answers import summary_text

    return summary_text(cohort)


courses = _rows_command(
    "courses",
    """Write one row per session, with its course.

    Each row holds the number of the session, the course it belongs to, and the gap before it.

    \b
    Example:
      kettrack courses clinic -o courses.csv
    """,
    "courses_table",
    scored=False,
)
timeline = _rows_command(
    "timeline",
    """Write one row per score, with the patient's state.

    Each row holds the change from baseline, the number of sessions so far, and the state.

    \b
    Example:
      kettrack timeline clinic --instrument MADRS -o timeline.parquet
    """,
    "timeline_table",
)
outcomes = _rows_command(
    "outcomes",
    """Summarise what became of the patients.

    Without -o a short summary is printed. With -o one row per patient is written: first response,
    remission, loss of response, and relapse.

    \b
    Example:
      kettrack outcomes clinic
      kettrack outcomes clinic -o outcomes.csv
    """,
    "outcomes_table",
    without_file=_summary,
)
events = _rows_command(
    "events",
    """Write one row per event, with its proof.

    Events are response, remission, loss of response, relapse and more; each row names the scores
    that prove it.

    \b
    Example:
      kettrack events clinic --criteria SUSTAIN-1 --instrument MADRS -o events.csv
    """,
    "state_events_table",
)


def review(
    folder: Folder,
    weeks_ago: Annotated[
        int,
        typer.Option(
            "--weeks-ago",
            min=0,
            max=_MOST_WEEKS,
            metavar="N",
            help="Go back N weeks, and use only what was known then.",
        ),
    ] = 0,
    output: Output = None,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
) -> None:
    """List the patients who need a look, and why.

    Safety comes first. The list is for the treating clinic only.

    \b
    Example:
      kettrack review clinic --weeks-ago 4 -o review.csv
    """
    check_output(output, folder)
    cohort = open_cohort(
        folder,
        allow,
        scored=True,
        instrument=instrument,
        criteria=criteria,
        policy=policy,
    )
    from kettrack.analysis.people.review import review_lines, review_table
    from kettrack.timelines.as_of import as_of

    # Everything after that week is taken away before anything is derived.
    known = as_of(cohort, weeks_ago)
    # The notes of the cohort were told when it was opened; these came with going back.
    for note in known.notes[len(cohort.notes) :]:
        say(note)
    with working(f"Reviewing {len(known.patients):,} patients"):
        table = review_table(known)
    if output is not None:
        write_rows(table, known, output)
        return
    answer(_review_heading(known, table["patient_id"].nunique(), len(table), weeks_ago))
    for line in review_lines(table, known.criteria):
        answer(line)


def _review_heading(
    cohort: Cohort, n_listed: int, n_reasons: int, weeks_ago: int
) -> str:
    """Say how many patients are listed, at what time, and under which rules."""
    when = "now"
    if weeks_ago:
        weeks = f"{weeks_ago} week{'s' if weeks_ago > 1 else ''}"
        when = f"as known {weeks} ago"
    return (
        f"Review {when}: {n_listed:,} of {len(cohort.patients):,} patients,"
        f" {n_reasons:,} reasons.\n{cohort.criteria.instrument}, {cohort.criteria.label}."
        " For the treating clinic, not for release."
    )
