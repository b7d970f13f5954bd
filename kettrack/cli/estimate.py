"""`kettrack estimate`: the answer to one question, in words, as a table, or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kettrack.cli.cohorts import (
    Against,
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    PolicyName,
    SchedulerName,
    open_buckets,
    open_cohort,
    read_other,
)
from kettrack.cli.options import options_in_words, read_options
from kettrack.cli.output import (
    answer,
    check_output,
    refused,
    say,
    working,
    write_rows,
)
from kettrack.errors import NotIdentified, UsageError
from kettrack.escapes import in_terminal
from kettrack.writing import TABLE_ENDINGS, write_table, write_text

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort
    from kettrack.reading.sharded.opened import ShardedFolder
    from kettrack.result import Result

JSON_ENDING = ".json"
# The question that sets two sides beside each other.
COMPARES = "against"


def _list_estimates(asked: bool) -> None:
    """Print every name with its question and leave."""
    # typer calls this for every run of the command, with False where --list was not given.
    if not asked:
        return
    from kettrack.analysis.registry import load_questions

    there = load_questions()
    width = max(map(len, there))
    for name, asked_of in there.items():
        # One line each, so that a script finds a name at the start of every line.
        told = f"{name:<{width}}  {asked_of.asks} {options_in_words(asked_of)}"
        answer(told.rstrip())
    raise typer.Exit


def estimate(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Name of the question; --list shows all of them."
        ),
    ],
    folder: Folder,
    json: Annotated[
        bool, typer.Option("--json", help="Print the whole result as JSON.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="GROUP",
            help=(
                "Compare groups: severity, route, early-response, a column of patients.csv such as"
                " age, or another scale such as GAD-7 by its baseline."
            ),
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Write to this file. It ends in .csv, .parquet or .json.",
        ),
    ] = None,
    rows: Annotated[
        Path | None,
        typer.Option(
            "--rows",
            metavar="FILE",
            help=(
                "Also write the rows of single patients behind the answer to this file (.csv or"
                " .parquet). Not for release."
            ),
        ),
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help=(
                "Set an option of the question, such as week=26. --list shows which there are. May"
                " be repeated."
            ),
        ),
    ] = None,
    recall_days: Annotated[
        int | None,
        typer.Option(
            "--recall-days",
            metavar="DAYS",
            min=0,
            help="How many days back a score looks, for questions that need it.",
        ),
    ] = None,
    against: Against = None,
    list_names: Annotated[
        bool,
        typer.Option(
            "--list",
            is_eager=True,
            callback=_list_estimates,
            help="List the names, the questions they answer, and their options.",
        ),
    ] = False,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
    scheduler: SchedulerName = None,
) -> None:
    """Answer one question about a cohort.

    The answer is a sentence, the table behind it, and what a reader must know to use them.

    \b
    Example:
      kettrack estimate --list
      kettrack estimate response_by_session clinic
      kettrack estimate durability clinic --json > durability.json
      kettrack estimate response_by_session clinic --by severity -o response.csv
      kettrack estimate durability clinic --rows durability_rows.csv
      kettrack estimate adverse_events clinic --policy release -o events.csv
      kettrack estimate missing_scores clinic --set horizon=months_4_to_8
      kettrack estimate next-session clinic --instrument MADRS --recall-days 7
      kettrack estimate against clinic --against other_clinic
    """
    _check_output(output, folder, json)
    check_output(rows, folder)
    from kettrack.analysis.registry import get_question
    from kettrack.privacy.disclosure import gate_rows

    # Names in Python have underscores; on a command line hyphens are usual.
    find_name = name.replace("-", "_")
    # A wrong name is told before the cohort is read.
    asked = get_question(find_name)
    settings = read_options(asked, options or ())
    settings |= _recall(find_name, recall_days, settings)
    chosen = {"instrument": instrument, "criteria": criteria, "policy": policy}
    settings |= _other(find_name, against, allow, chosen)
    opened = open_buckets(folder, allow, scheduler=scheduler, **chosen)
    # Groups, options and rows of people need everybody at once.
    plain = by is None and rows is None and not settings
    if opened is not None and _by_bucket(find_name, opened, plain, scheduler):
        result = _counted(find_name, opened, scheduler)
    else:
        cohort = open_cohort(folder, allow, scored=True, **chosen)
        if rows is not None:
            # Told before the work: nothing of it could be written.
            gate_rows(cohort.patients, cohort.settings.policy)
        cohort = _beside_a_report(find_name, cohort, by, settings)
        result = _asked_of_all(find_name, cohort, by, settings)
    # A refusal is given first, with the table it rests on; then the exit code says so.
    _give(result, output, json)
    if rows is not None and result.status == "ok":
        _write_rows(result, cohort, rows)
    if result.status == "refused":
        # A JSON file holds the refusal itself; a table of a refusal is not written.
        missing = (
            None
            if output is not None and output.suffix.lower() == JSON_ENDING
            else output
        )
        raise typer.Exit(NotIdentified.exit_code) if json else refused(result, missing)


def _beside_a_report(
    name: str,
    cohort: Cohort,
    by: str | None,
    settings: Mapping[str, Any],
) -> Cohort:
    """The cohort that hides what a report hides: two answers that leave one by one would else tell
    what each of them hides.

    Raises
    ------
    UsageError
        For an answer with options of its own under a policy that hides.
    """
    from kettrack.privacy.doors import hides_counts, require_together

    policy = cohort.settings.policy
    if not hides_counts(policy):
        return cohort
    # A comparison is for readers who get no report, and says so where it is refused in one.
    if name != COMPARES and settings:
        require_together(
            policy,
            "an answer with options",
            f"leave out {', '.join(settings)}",
        )
    # Seconds to import, for policies that hide only.
    from kettrack.report.run import as_in_report

    group = f', by="{by}"' if by else ""
    with working("Working out what a report hides"):
        return as_in_report(cohort, f'estimate("{name}", cohort{group})')


def _asked_of_all(
    name: str,
    cohort: Cohort,
    by: str | None,
    settings: dict[str, Any],
) -> Result:
    from kettrack.analysis import estimate as find
    from kettrack.analysis.registry import get_question

    steps = get_question(name).steps
    with working(f"Estimating {name}", steps) as on_step:
        return find(
            name,
            cohort,
            by=by,
            on_step=on_step,
            **settings,
        )


def _by_bucket(
    name: str,
    opened: ShardedFolder,
    plain: bool,
    scheduler: str | None,
) -> bool:
    """Whether a question is counted bucket by bucket. One of which a part needs all rows, or its
    protection, is asked of all rows where they fit.

    Raises
    ------
    UsageError
        Where a scheduler is given and nothing is left for it to do.
    """
    from kettrack.pooling.catalogue import PARTS
    from kettrack.privacy.doors import hides_counts

    if name in PARTS and plain:
        # A report needs all rows too, and so does what is protected together with it.
        together = PARTS[name].lacks or hides_counts(opened.settings.policy)
        whole = together and opened.fits and scheduler is None
        return not whole
    if scheduler is not None:
        raise UsageError(
            f"{name}, asked so, needs all rows at once, so that --scheduler changes nothing. These"
            f" questions are counted bucket by bucket: {', '.join(PARTS)}."
        )
    return False


def _counted(
    name: str,
    opened: ShardedFolder,
    scheduler: str | None,
) -> Result:
    from kettrack.sharding.answers import estimate_by_bucket

    opened.require_scores()
    with working(f"Estimating {name}", opened.manifest.n_buckets) as advance:
        return estimate_by_bucket(name, opened, scheduler, advance)


def _recall(
    name: str,
    recall_days: int | None,
    settings: dict[str, Any],
) -> dict[str, int]:
    """`--recall-days`, where it was given.

    Raises
    ------
    UsageError
        When the question does not take it, naming those that do; and when it was set twice.
    """
    if recall_days is None:
        return {}
    if "recall_days" in settings:
        raise UsageError("recall_days is given twice.")
    from kettrack.analysis.registry import load_questions

    takes = [
        one.name for one in load_questions().values() if "recall_days" in one.options
    ]
    if name not in takes:
        raise UsageError(
            f"{name} does not ask how far back a score looks, so --recall-days changes nothing."
            f" These questions take it: {', '.join(takes)}."
        )
    return {"recall_days": recall_days}


def _other(
    name: str,
    against: str | None,
    allow: list[str] | None,
    reading: dict[str, str | None],
) -> dict[str, Any]:
    """`--against`, where it was given.

    Raises
    ------
    UsageError
        For any question but the one that compares two sides.
    """
    if against is None:
        return {}
    if name != COMPARES:
        raise UsageError(
            f"{name} does not compare two sides, so --against changes nothing. Ask:"
            f" kettrack estimate {COMPARES} FOLDER --against {in_terminal(against)}"
        )
    return {"other": read_other(against, allow, **reading)}


def _write_rows(result: Result, cohort: Cohort, file: Path) -> None:
    """Write the rows behind an answer, with the note that they are not for release.

    Raises
    ------
    UsageError
        For an answer that is not counted from exits or states of single people.
    """
    if result.rows is None:
        raise UsageError(
            f"{result.name} has no rows of single patients: it is neither a curve nor a share of"
            " people."
        )
    write_rows(result.rows(), cohort, file)


def _check_output(output: Path | None, folder: Path, json: bool) -> None:
    """Stop before the work when the file cannot be written, or when its ending contradicts
    `--json`.
    """
    check_output(output, folder, (*TABLE_ENDINGS, JSON_ENDING))
    if output is not None and json and output.suffix.lower() != JSON_ENDING:
        raise UsageError(
            f"--json writes JSON, but {output.name} does not end in {JSON_ENDING}."
        )


def _give(result: Result, output: Path | None, json: bool) -> None:
    """Write or print what there is; a refusal is JSON as well, and shows what it rests on."""
    if output is not None and output.suffix.lower() == JSON_ENDING:
        write_text(result.to_json() + "\n", output)
    elif json:
        # No "Wrote ..." line: with --json standard output is for another program.
        answer(result.to_json())
        return
    elif result.status == "refused":
        if output is None and not result.table.empty:
            answer(result.shown.to_string(index=False))
        return
    elif output is not None:
        write_table(result.table, output)
    else:
        answer("\n\n".join(filter(None, [repr(result), result.estimand])))
        return
    say(f"Wrote {result.name} to {output}.")
