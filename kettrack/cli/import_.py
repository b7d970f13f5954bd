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
    QuestionsOpen,
    Replace,
    ask_all,
    can_ask,
    chosen,
    day_of,
    tell_what_happened,
    write_links,
)
from kettrack.cli.output import answer, say, working
from kettrack.errors import UsageError
from kettrack.escapes import in_terminal
from kettrack.writing import write_text

if TYPE_CHECKING:
    from kettrack.importing.deidentify.deidentify import Deidentified
    from kettrack.importing.deidentify.options import Deidentification
    from kettrack.importing.import_map import ImportMap
    from kettrack.importing.overview import FoundColumn
    from kettrack.importing.prepare import Prepared
    from kettrack.importing.remarks import Remarks

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
            help="The map of an earlier run, as you have edited it; or where to write it.",
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
    # Spreadsheets of a large clinic take a minute to read, so slips are told first.
    if not source.exists():
        raise UsageError(f"There is no file or folder {str(source)!r}.")
    run = Import(source, output, kind, map_file)
    if dry_run:
        run.show()
        return
    if output is None:
        raise UsageError(
            "Name the cohort folder to make: kettrack import"
            f" {shlex.quote(str(source))} -o FOLDER."
        )
    _require_parent(output)
    how = chosen(
        output,
        key=key,
        new_key=new_key,
        linkage=linkage,
        extract_date=day_of(extract_date),
        replace=replace,
    )
    settings = f'instrument = "{_known(instrument)}"\n' if instrument else ""
    done = run.make(how, settings, replace)
    write_links(done.linkage, linkage, output)
    if not _ends_known(done):
        answer(_NO_EXTRACT_DATE)
    answer(f"Wrote the cohort folder {output}. Next: kettrack report {output}")


def _ends_known(done: Deidentified) -> bool:
    """Whether any patient's log has an end, from the date of the extract or from the source."""
    patients = done.tables.get("patients")
    if patients is None or "observed_to_day" not in patients.column_names:
        return False
    ends = patients["observed_to_day"]
    return bool(ends.null_count < len(ends))


def _list_kinds() -> None:
    # Imported late: `--help` needs none of the readers.
    from kettrack.importing.registry import known_readers

    for reader in known_readers().values():
        answer(f"{reader.kind:<12} {reader.about}")


def _require_parent(output: Path) -> None:
    if not output.absolute().parent.is_dir():
        raise UsageError(
            f"There is no folder {str(output.parent)!r} to make {output.name!r} in."
        )


def _known(instrument: str) -> str:
    """The name of a scale, refused before any work where there is none of that name."""
    from kettrack.vocabulary.instruments import get_instrument

    return get_instrument(instrument).name


class Import:
    """One run of the command.

    Parameters
    ----------
    source, output, kind, map_file
        As given.
    """

    def __init__(
        self,
        source: Path,
        output: Path | None,
        kind: str,
        map_file: Path | None,
    ) -> None:
        self.source = source
        self.output = output
        self.kind = kind
        self.map_file = map_file
        # A map that this run wrote may be written again, once more is known.
        self.wrote_map = False

    def show(self) -> None:
        """Show the columns, and write nothing."""
        edited = self._edited()
        ready = self._prepared(dict(edited.answers) if edited else {}, edited)
        self._tell(ready, ranges=False)
        n_open = len(ready.remarks.asked)
        # The questions themselves name words of cells.
        if n_open:
            answer(f"{n_open} question{'s' if n_open != 1 else ''} would be asked.")

    def make(
        self,
        how: Deidentification,
        settings: str,
        replace: bool,
    ) -> Deidentified:
        """Read, ask, and write the folder.

        Parameters
        ----------
        how : Deidentification
            How record numbers and dates are taken out.
        settings : str
            Content of `kettrack.toml`; empty = as the import finds it.
        replace : bool
            Whether a folder of an earlier import is replaced.
        """
        from kettrack.importing.make import Destination, make_folder

        assert self.output is not None  # only a dry run has none
        into = Destination(folder=self.output, settings=settings, replace=replace)
        edited = self._edited()
        answers = dict(edited.answers) if edited else {}
        for turn in range(_MOST_ROUNDS):
            ready = self._prepared(answers, edited)
            # What was found is told once, though a source with questions is read again.
            if turn == 0:
                self._tell(ready, ranges=True)
            if not ready.remarks.asked:
                # The map is there before anything can fail: it is what a person changes.
                _require_sessions(ready, self._write_map(ready))
            # With questions open nothing is written, but all others come up at once.
            with working("Applying the map"):
                done = make_folder(
                    ready.source,
                    ready.plan,
                    how,
                    into,
                    ready.remarks,
                )
            _ask_once(ready.remarks)
            if done is not None:
                tell_what_happened(ready.remarks)
                return done
            given = self._answers(ready)
            answers |= given
            if edited is not None:
                self._keep_answers(given)
        raise UsageError(
            "The answers led to more and more questions. Nothing was written."
        )

    def _edited(self) -> ImportMap | None:
        if self.map_file is None or not self.map_file.exists():
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
        ranges: bool,
    ) -> None:
        from kettrack.importing.overview import counted_tables, found_columns

        answer(f"Read as {ready.source.kind}.")
        for sentence in counted_tables(ready.source):
            answer(f"- {sentence}")
        answer("")
        _print_columns(found_columns(ready.source, ready.plan, ranges=ranges))

    def _answers(self, ready: Prepared) -> dict[str, str]:
        """Answers of the person at the terminal; off it the command ends with the questions."""
        if can_ask():
            return ask_all(ready.remarks.asked)
        place = self._write_map(ready)
        # A map that was there is not rewritten: it holds the work of a person.
        how = (
            "Take the # away from the right line under [answers]"
            if self.wrote_map
            else "Write the answers under [answers]"
        )
        raise QuestionsOpen(
            ready.remarks.asked,
            f"{how} in {str(place)!r}, then type: {self._command(place)}",
        )

    def _command(self, place: Path) -> str:
        parts = ["kettrack", "import", str(self.source), "-o", str(self.output)]
        kind = ["--kind", self.kind] if self.kind else []
        return shlex.join([*parts, *kind, "--map", str(place)])

    def _write_map(self, ready: Prepared) -> Path:
        """Write the map, unless it is the one that a person has named and edited."""
        place = self._place_of_map()
        if self.map_file is not None and place.exists() and not self.wrote_map:
            return place
        from kettrack.importing.map_writing import map_text
        from kettrack.importing.overview import doubts

        notes = doubts(ready.source, ready.plan)
        text = map_text(ready.plan, ready.remarks.asked, notes)
        if place.exists() and not self.wrote_map:
            self._spare(place, text)
        write_text(text, place)
        self.wrote_map = True
        say(f"Wrote the map {place}.")
        return place

    def _place_of_map(self) -> Path:
        if self.map_file is not None:
            return self.map_file
        from kettrack.importing.map_file import MAP_FILE

        assert self.output is not None  # only a dry run has none
        return self.output.parent / MAP_FILE

    def _keep_answers(self, given: dict[str, str]) -> None:
        """Write what was answered at the terminal into the map that was named."""
        from kettrack.importing.map_writing import with_answers

        place = self._place_of_map()
        write_text(with_answers(place.read_text(encoding="utf-8"), given), place)

    def _spare(
        self,
        place: Path,
        text: str,
    ) -> None:
        """Refuse to write over a map that somebody has edited, or that is of another source."""
        if place.read_text(encoding="utf-8") != text:
            raise UsageError(
                f"{str(place)!r} is there from an earlier run, and says something else. Use it:"
                f" {self._command(place)} - or name another one with --map, or move it away."
            )


def _ask_once(remarks: Remarks) -> None:
    """Leave out what is asked of all words of a column where it is asked of each."""
    words = [one.key for one in remarks.asked if one.key.startswith("value.")]
    remarks.asked[:] = [
        one
        for one in remarks.asked
        if not one.key.startswith("unknown_words.")
        or not any(
            word.startswith(f"value.{one.key.rpartition('.')[2]}.") for word in words
        )
    ]


def _require_sessions(
    ready: Prepared,
    place: Path,
) -> None:
    if any(part.to == "sessions" for part in ready.plan.tables):
        return
    raise UsageError(
        "No table of the source says who had which session when, so there is nothing to count"
        f" from. If one does, say so in {str(place)!r}, and give it back with --map: a [[tables]]"
        ' with to = "sessions" needs the columns patient_id and date.'
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
