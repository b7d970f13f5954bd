"""`kettrack summarise` and `kettrack pool`: sites send counts, and the counts are added up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kettrack.cli.check import PAGE_ENDINGS
from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    PolicyName,
    SchedulerName,
    open_buckets,
    open_cohort,
)
from kettrack.cli.output import answer, check_output, say, working

_SUMMARY_ENDINGS = (".json",)


def summarise(
    folder: Folder,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The JSON file.")
    ] = Path("site.json"),
    site: Annotated[
        str,
        typer.Option(
            "--site",
            help="Name of the site in the pooled report. A code is better than a place.",
        ),
    ] = "",
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    allow: Allowed = None,
    scheduler: SchedulerName = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            "--previous",
            metavar="FILE",
            help="The rounded summary that was sent before this one: a mean that few people have"
            " changed stays as it was.",
        ),
    ] = None,
) -> None:
    """Write the counts of one site, to be pooled without rows.

    No row of a person leaves the site. The file names in words what each number counts. Read it
    before you send it.

    \b
    Example:
      kettrack summarise clinic -o site.json --site A
      kettrack summarise clinic -o site.json --site A --policy release
      kettrack summarise clinic -o july.json --site A --policy release --previous june.json
    """
    check_output(output, folder, _SUMMARY_ENDINGS)
    asked = {"instrument": instrument, "criteria": criteria, "policy": policy}
    opened = open_buckets(folder, allow, scheduler=scheduler, **asked)
    from kettrack.pooling.since import checked_since
    from kettrack.pooling.summary import summarise as count
    from kettrack.pooling.summary_file import read_summary
    from kettrack.privacy.policies import get_policy
    from kettrack.writing import write_text

    # A file that is none is told before anything is counted.
    before = None if previous is None else read_summary(previous)
    if opened is None:
        cohort = open_cohort(folder, allow, scored=True, **asked)
        with working("Counting"):
            summary = count(cohort, site)
    else:
        from kettrack.sharding.answers import summarise_by_bucket

        opened.require_scores()
        with working("Counting", opened.manifest.n_buckets) as advance:
            summary = summarise_by_bucket(opened, site, scheduler, advance)
    if before is not None:
        summary, stayed = checked_since(summary, before)
        say(f"{stayed} means are as in {previous}, since few people have changed them.")
    write_text(summary.to_json(), output)
    say(get_policy(summary.policy).banner)
    answer(f"The counts of {summary.people:,} people are in {output}.")


def pool(
    sites: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILES", help="Files of two sites or more, from kettrack summarise."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The HTML file."),
    ] = None,
    policy: PolicyName = None,
) -> None:
    """Add up the counts of several sites, and write one report.

    Without -o the answers are printed.

    \b
    Example:
      kettrack pool site_a.json site_b.json -o report.html
    """
    check_output(output, None, PAGE_ENDINGS)
    # Files are read before figures are imported: a wrong one is told at once.
    from kettrack.pooling.pooled import pool as add_up

    pooled = add_up(sites, policy)
    if output is None:
        for name, result in pooled.results.items():
            answer(f"{name}: {result.text}\n")
        return
    # Figures are imported only once the files are known to be right.
    from kettrack.pooling.page import write_pooled_report

    with working("Writing the report"):
        write_pooled_report(pooled, output)
    answer(f"The report of {len(pooled.sites)} sites is in {output}.")
