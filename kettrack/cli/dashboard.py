"""`kettrack dashboard`: the answers and key figures of a cohort folder in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kettrack.cli.cohorts import (
    Allowed,
    CriteriaName,
    Folder,
    InstrumentName,
    PolicyName,
    given,
    require_folder,
)
from kettrack.cli.output import answer, say, working
from kettrack.errors import UsageError

if TYPE_CHECKING:
    from kettrack.app.clinics import Clinic
    from kettrack.reading.cohort import Cohort

_HIGHEST_PORT = 65_535


def dashboard(
    folder: Folder,
    instrument: InstrumentName = None,
    criteria: CriteriaName = None,
    policy: PolicyName = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help=(
                "Under a policy for release: show the groups of this column, such as site or"
                " severity, in place of the whole clinic."
            ),
        ),
    ] = None,
    row_level: Annotated[
        bool,
        typer.Option(
            "--row-level",
            help="Show pages of single patients and who needs a look. For the clinic alone.",
        ),
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=0,
            max=_HIGHEST_PORT,
            metavar="N",
            help="Port; 0 takes a free one.",
        ),
    ] = 0,
    idle_minutes: Annotated[
        int,
        typer.Option(
            "--idle-minutes",
            min=1,
            metavar="N",
            help="A browser that has asked for nothing for N minutes has to enter again.",
        ),
    ] = 30,
    allow: Allowed = None,
) -> None:
    """Show the answers and figures of a clinic in your browser.

    Open the address that is printed, on this machine; it works once. Nothing leaves the
    machine: the pages have no script and ask nobody for anything. Under the policy internal
    everything can be filtered. A policy for release has no filters: with --by it shows the
    groups of one column. Ctrl-C ends it.

    \b
    Example:
      kettrack dashboard clinic
      kettrack dashboard clinic --row-level
      kettrack dashboard clinic --policy midpoint6 --by site
    """
    # A wrong path is told at once, before anything heavy is imported.
    require_folder(folder)
    _require_server()
    import asyncio

    from kettrack.app.server import serve
    from kettrack.reading.load import load_cohort

    columns = tuple(allow or ())
    options = given(instrument=instrument, criteria=criteria, policy=policy)

    # Read by the server: a folder that cannot be read yet is told by the page, and read again.
    def open_clinic() -> Clinic:
        cohort = load_cohort(folder, allow=columns, **options)
        for note in cohort.shown_notes:
            say(note)
        cohort.require_scores()
        return _clinic(cohort, by or "", row_level)

    asyncio.run(
        serve(
            open_clinic,
            answer,
            port=port,
            idle_minutes=idle_minutes,
            rows=row_level,
        )
    )
    answer("The dashboard has ended.")


def _require_server() -> None:
    """Stop with the command that installs what is missing.

    Raises
    ------
    UsageError
        Without Tornado.
    """
    from importlib.util import find_spec

    if find_spec("tornado") is None:
        raise UsageError(
            "The dashboard needs Tornado, which is not installed. Install it with:"
            ' pip install "kettrack[app]"'
        )


def _clinic(cohort: Cohort, by: str, row_level: bool) -> Clinic:
    """The clinic as its policy lets it be shown.

    Raises
    ------
    UsageError
        For rows of single patients under a policy for release, or a split without one.
    """
    from kettrack.app.clinics import OwnClinic, ReleasedClinic
    from kettrack.privacy.doors import require_together
    from kettrack.privacy.policies import get_policy

    # `kettrack.toml` may name the policy, so it is known only now.
    policy = cohort.settings.policy
    if not get_policy(policy).for_release:
        if by:
            raise UsageError(
                "--by is for a policy for release. Under the policy 'internal' every filter is on"
                " the page."
            )
        return OwnClinic(cohort)
    if row_level:
        raise UsageError(
            f"--row-level shows single patients, which the policy {policy!r} does not release."
            " Use --policy internal inside the clinic."
        )
    if by:
        require_together(
            policy,
            "the groups of a dashboard",
            "leave out --by to show everyone",
        )
    from kettrack.report.run import as_in_report

    with working("Working out all that is shown"):
        return ReleasedClinic(as_in_report(cohort), by)
