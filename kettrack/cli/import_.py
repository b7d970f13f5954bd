"""`kettrack import`: the files of another program to a cohort folder."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kettrack.cli.coding import (
    ExtractDate,
    KeyFile,
    LinkageFile,
    NewKeyFile,
    Replace,
    chosen,
    day_of,
    tell_what_happened,
    write_links,
)
from kettrack.cli.output import answer, say, working
from kettrack.cli.questions import QuestionsOpen, ask_all, can_ask
from kettrack.errors import UsageError
from kettrack.escapes import in_terminal

if TYPE_CHECKING:
    from kettrack.importing.deidentify.options import Deidentification
    from kettrack.importing.import_map import ImportMap
    from kettrack.importing.overview import FoundColumn
    from kettrack.importing.prepare import Prepared

# Answers may open new questions, but no file needs as many rounds as this.
_MOST_ROUNDS = 20
_NO_EXTRACT_DATE = (
    "- Nothing says to which day the logs are complete, so a stop cannot be told from a gap. If you"
    " know the day, import again with --extract-date."
)


def import_(
    source: Annotated[
        Path | None,
        typer.Argument(help="File, or folder of files, of another program."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Cohort folder to make."),
    ] = None,
    kind: Annotated[
        str,
        typer.Option("--kind", help="What SOURCE is, where it cannot be guessed."),
    ] = "",
    map_file: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="FILE",
            help="The map of an earlier run, as you have edited it.",
        ),
    ] = None,
    extract_date: ExtractDate = "",
    key: KeyFile = None,
    new_key: NewKeyFile = None,
    linkage: LinkageFile = None,
    instrument: Annotated[
        str, typer.Option("--instrument", help="Primary instrument.")
    ] = "",
    replace: Replace = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show the columns and write nothing. No value is shown."
        ),
    ] = False,
    list_kinds: Annotated[
        bool, typer.Option("--list", help="List the kinds of files that can be read.")
    ] = False,
) -> None:
    """Make a cohort folder from the files of another program.

    It reads SOURCE, guesses which column is what, and writes the guess to map.toml beside FOLDER.
    Names, record numbers and dates do not reach FOLDER: patients get codes, and dates become days.
    What the file does not tell is asked. import_problems.csv in FOLDER lists what was left out.

    \b
    Examples:
      kettrack import log.xlsx -o clinic
      kettrack import log.xlsx --dry-run
      kettrack import log.xlsx -o clinic --map map.toml --extract-date 2025-06-30
      kettrack import exports/ -o clinic --kind fhir
      kettrack report clinic
    """
    if list_kinds:
        _list_kinds()
        return
    if source is None:
        raise UsageError(
            "Name a file or folder to read: kettrack import SOURCE -o FOLDER."
        )
    _look_at_places(source, output, dry_run)
    how = None
    if output is not None and not dry_run:
        how = chosen(
            output,
            key=key,
            new_key=new_key,
            linkage=linkage,
            extract_date=day_of(extract_date),
            replace=replace,
        )
    Import(
        source,
        output,
        kind,
        map_file,
        how,
        linkage,
        instrument,
        replace,
    ).run(dry_run)


def _list_kinds() -> None:
    # Imported late: `--help` needs none of the readers.
    from kettrack.importing.registry import known_readers

    for reader in known_readers().values():
        answer(f"{reader.kind:<12} {reader.about}")


def _look_at_places(
    source: Path,
    output: Path | None,
    dry_run: bool,
) -> None:
    """Refuse before any work what could not be written in the end."""
    # Spreadsheets of a large clinic take a minute to read.
    if not source.exists():
        raise UsageError(f"There is no file or folder {str(source)!r}.")
    if dry_run:
        return
    if output is None:
        raise UsageError(
            f"Name the cohort folder to make: kettrack import {shlex.quote(str(source))} -o FOLDER."
        )
    if not output.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {str(output.parent)!r} to make {output.name!r} in."
        )


class Import:
    """One run of the command.

    Parameters
    ----------
    source, output, kind, map_file, how, linkage, instrument, replace
        As given.
    """

    def __init__(
        self,
        source: Path,
        output: Path | None,
        kind: str,
        map_file: Path | None,
        how: Deidentification | None,
        linkage: Path | None,
        instrument: str,
        replace: bool,
    ) -> None:
        self.source = source
        self.output = output
        self.kind = kind
        self.map_file = map_file
        self.how = how
        self.linkage = linkage
        self.instrument = instrument
        self.replace = replace
        # What was found is told once, though a source with questions is read again.
        self.told = False

    def run(
        self,
        dry_run: bool,
    ) -> None:
        """Read, ask, and write the folder."""
        edited = self._edited()
        answers = dict(edited.answers) if edited else {}
        for _ in range(_MOST_ROUNDS):
            ready = self._prepared(answers, edited)
            if not self.told:
                self._tell(ready, dry_run)
            if dry_run:
                return
            # Dates and codes may raise questions that the columns did not.
            if not ready.remarks.asked:
                self._imported(ready)
            if not ready.remarks.asked:
                self._write_map(ready)
                return
            answers |= self._answers(ready)
        raise UsageError(
            "The answers led to more and more questions. Nothing was written."
        )

    def _edited(self) -> ImportMap | None:
        if self.map_file is None:
            return None
        from kettrack.importing.map_file import read_map

        return read_map(self.map_file)

    def _prepared(
        self,
        answers: dict[str, str],
        edited: ImportMap | None,
    ) -> Prepared:
        from kettrack.importing.prepare import prepare

        # The kind of the map holds for its source, unless another one is asked for.
        kind = self.kind or (edited.kind if edited else "")
        with working(f"Reading {self.source.name}"):
            return prepare(
                self.source,
                kind,
                answers,
                edited,
            )

    def _tell(
        self,
        ready: Prepared,
        dry_run: bool,
    ) -> None:
        from kettrack.importing.overview import counted_tables, found_columns

        self.told = True
        answer(f"Read as {ready.source.kind}.")
        for sentence in counted_tables(ready.source):
            answer(f"- {sentence}")
        answer("")
        _print_columns(found_columns(ready.source, ready.plan, ranges=not dry_run))
        n_open = len(ready.remarks.asked)
        if dry_run and n_open:
            answer(f"{n_open} question{'s' if n_open != 1 else ''} would be asked.")

    def _answers(
        self,
        ready: Prepared,
    ) -> dict[str, str]:
        """Answers of the person at the terminal; off it the command ends with the questions."""
        if can_ask():
            return ask_all(ready.remarks.asked)
        place = self._write_map(ready)
        # A map that was named is not rewritten: it holds the work of a person.
        how = (
            "Take the # away from the right line under [answers]"
            if self.map_file is None
            else "Write the answers under [answers]"
        )
        raise QuestionsOpen(
            ready.remarks.asked,
            f"{how} in {str(place)!r}, then type: {self._command(place)}",
        )

    def _command(
        self,
        place: Path,
    ) -> str:
        parts = ["kettrack", "import", str(self.source), "-o", str(self.output)]
        return shlex.join([*parts, "--map", str(place)])

    def _place_of_map(self) -> Path:
        if self.map_file is not None:
            return self.map_file
        assert self.output is not None  # a dry run writes no map
        return self.output.absolute().parent / "map.toml"

    def _write_map(
        self,
        ready: Prepared,
    ) -> Path:
        from kettrack.importing.map_writing import map_text
        from kettrack.writing import write_text

        place = self._place_of_map()
        text = map_text(ready.plan, ready.remarks.asked)
        # A map that was named holds the work of a person, and is only added to.
        if self.map_file is None and place.exists():
            self._spare(place, text)
        if self.map_file is None:
            write_text(text, place)
            say(f"Wrote {place}.")
        return place

    def _spare(
        self,
        place: Path,
        text: str,
    ) -> None:
        if place.read_text(encoding="utf-8") != text:
            raise UsageError(
                f"{str(place)!r} is there from an earlier run, and says something else. Use it:"
                f" {self._command(place)} - or move it away."
            )

    def _imported(
        self,
        ready: Prepared,
    ) -> None:
        """Make the folder, unless new questions come up."""
        from kettrack.importing.make import Destination, make_folder

        # Refused at the start, unless nothing is to be written.
        assert self.output is not None
        assert self.how is not None
        _require_sessions(ready)
        into = Destination(
            folder=self.output,
            settings=self._settings(),
            replace=self.replace,
        )
        with working("Taking names and dates out"):
            done = make_folder(
                ready.source,
                ready.plan,
                self.how,
                into,
                ready.remarks,
            )
        if done is None:
            return
        tell_what_happened(ready.remarks)
        write_links(done.linkage, self.linkage, self.output)
        if self.how.extract_date is None:
            answer(_NO_EXTRACT_DATE)
        answer(
            f"Wrote the cohort folder {self.output}. Next: kettrack report {self.output}"
        )

    def _settings(self) -> str:
        assert self.output is not None
        # What a person wrote into the settings outlives a newer export.
        kept = self.output / "kettrack.toml"
        if kept.is_file():
            return kept.read_text(encoding="utf-8")
        return f'instrument = "{self.instrument}"\n' if self.instrument else ""


def _require_sessions(
    ready: Prepared,
) -> None:
    if any(part.to == "sessions" for part in ready.plan.tables):
        return
    raise UsageError(
        "No table of the source says who had which session when, so there is nothing to count"
        ' from. If one does, say so in a map: its [[tables]] with to = "sessions" needs the'
        " columns patient_id and date."
    )


def _print_columns(
    found: list[FoundColumn],
) -> None:
    rows = [(one.table, one.column, one.holds, one.used_as) for one in found]
    heads = ("table", "column", "holds", "used as")
    if sys.stdout.isatty():
        _print_rich(heads, rows)
        return
    # The last column ends the line and needs no width.
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(3)]
    for row in [heads, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        answer("  ".join([*cells, row[-1]]))


def _print_rich(
    heads: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*heads)
    for row in rows:
        # Square brackets in a name would be taken for a colour.
        table.add_row(*(escape(in_terminal(cell)) for cell in row))
    Console().print(table)
