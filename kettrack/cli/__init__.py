"""The command line: one file per command, nothing heavy imported before a command runs."""

from kettrack.cli.app import main

__all__ = ["main"]
