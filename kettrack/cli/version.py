"""`kettrack version`: which kettrack this is."""

from __future__ import annotations

from kettrack import __version__
from kettrack.cli.output import answer


def version() -> None:
    """Print the version.

    \b
    Example:
      kettrack version
    """
    answer(f"kettrack {__version__}")
