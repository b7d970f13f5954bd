"""Files are written under a temporary name in the same folder and then renamed: whole or not at
all.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp, mkstemp
from typing import TYPE_CHECKING, Final

from kettrack.errors import NotWritten, UsageError, WrongArgument

if TYPE_CHECKING:
    import pandas as pd

# Begins like a formula, also in the wide letters of Asian keyboards and behind blanks, which some
# spreadsheets take away; a minus or plus before a number does not.
_FORMULA: Final = re.compile(
    r"\s*[=@＝＠]|[\t\r\n]|\s*[+-](?!\d+(?:[.,]\d+)?$)|\s*[＋－]"
)
TABLE_ENDINGS = (".csv", ".parquet")
# Names of drafts begin so: with a dot, so that no reader takes them for input. The name of the file
# itself is not part of it, which would be too long for some systems.
DRAFT_MARK: Final = ".kettrack-"
_OLD: Final = "old"  # folder in a draft where the one to be replaced waits
_LEFT_AFTER_SECONDS: Final = 24 * 60 * 60
# Numbers of Linux: paths count from the folder we are in; two names change places.
_HERE: Final = -100
_CHANGE_PLACES: Final = 2


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Hand out a temporary path beside `path`, and rename it to `path` when the block ends without
    an error.

    Parameters
    ----------
    path : str or Path
        Where the file shall stand; its folder must exist.

    Yields
    ------
    Path
        Write here. After an error it is removed and `path` is as it was.

    Raises
    ------
    NotWritten
        When the disk is full, or the system refuses for another reason.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(
            f"There is no folder {str(target.parent)!r} to write {target.name} into."
        )
    remove_leftovers(target.parent)
    with _naming(target):
        handle, name = mkstemp(
            prefix=DRAFT_MARK, suffix=target.suffix, dir=target.parent
        )
        # Windows does not rename a file that is open.
        os.close(handle)
        draft = Path(name)
        try:
            yield draft
            # mkstemp makes files that only their owner can read.
            draft.chmod(0o666 & ~_umask())
            # Renaming within one folder happens at once or not at all.
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Hand out a temporary folder beside `path`, and rename it to `path` when the block ends
    without an error.

    Parameters
    ----------
    path : str or Path
        Where the folder shall stand. A folder that is there is replaced as a whole; the folder
        around it must exist.

    Yields
    ------
    Path
        Write into it. After an error it is removed and `path` is as it was.

    Raises
    ------
    NotWritten
        When the disk is full, or the system refuses for another reason.
    """
    target = Path(path)
    around = target.absolute().parent
    if not around.is_dir():
        raise UsageError(
            f"There is no folder {str(target.parent)!r} to write {target.name} into."
        )
    remove_leftovers(around)
    with _naming(target):
        room = Path(mkdtemp(prefix=DRAFT_MARK, dir=around))
        draft = room / "draft"
        try:
            draft.mkdir()
            yield draft
            if not target.exists():
                draft.replace(target)
            elif not _exchange(draft, target):
                _replace_in_two_steps(draft, target, room)
        finally:
            # An interrupt may come between two steps: better the old folder than none.
            _put_back(room)
            rmtree(room, ignore_errors=True)


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Let an error of the system name what was to be written, not the temporary path."""
    try:
        yield
    except OSError as error:
        raise NotWritten(target, error) from error
    # A file of a folder that is written as a whole: the person has named the folder.
    except NotWritten as inner:
        raise NotWritten(target, inner.error) from inner.error


def _exchange(draft: Path, target: Path) -> bool:
    """Let two folders change places at once; False where the system cannot."""
    # Python has no name for it. Without it there is a moment with neither folder in place.
    if sys.platform != "linux":
        return False
    change = getattr(ctypes.CDLL(None), "renameat2", None)
    if change is None:
        return False
    names = [os.fsencode(path.absolute()) for path in (draft, target)]
    failed = change(_HERE, names[0], _HERE, names[1], _CHANGE_PLACES)
    return failed == 0


def _replace_in_two_steps(draft: Path, target: Path, room: Path) -> None:
    # The old folder keeps its name, so that it can be put back, by a later run if need be.
    old = room / _OLD
    old.mkdir()
    target.replace(old / target.name)
    draft.replace(target)


def _put_back(room: Path) -> None:
    """Give the folder that was to be replaced its place again, where nothing has taken it."""
    old = room / _OLD
    for waiting in old.iterdir() if old.is_dir() else ():
        place = room.parent / waiting.name
        if not place.exists():
            waiting.replace(place)


def write_together(
    writers: Mapping[Path, Callable[[Path], object]],
) -> None:
    """Write several files: all of them, or none when one cannot be made.

    Parameters
    ----------
    writers : mapping
        Path to what writes the file, given the path of its draft.
    """
    with ExitStack() as files:
        for path, write in writers.items():
            write(files.enter_context(whole_file(path)))


def remove_leftovers(folder: Path, mark: str = DRAFT_MARK) -> None:
    """Remove the drafts that runs left behind when they were killed: only those that kettrack made
    for the same person, and that nothing was written to for a day.

    Parameters
    ----------
    folder : Path
        Where drafts are made.
    mark : str
        How the names of drafts begin.
    """
    for path in folder.glob(f"{mark}*"):
        # Another run may do the same at this moment, and a file that stays harms nobody.
        with suppress(OSError):
            if _is_left_over(path):
                _remove(path)


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink()
        return
    _put_back(path)
    rmtree(path)


def _is_left_over(path: Path) -> bool:
    """Whether a draft is ours, no link to elsewhere, and long without a change."""
    found = path.lstat()
    # Windows has no owner's number; there nobody else writes into a person's own folder.
    own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    if not own or path.is_symlink():
        return False
    inside = [Path(top, name) for top, _, names in os.walk(path) for name in names]
    newest = max(one.lstat().st_mtime for one in (path, *inside))
    return time.time() - newest > _LEFT_AFTER_SECONDS


def _umask() -> int:
    # The mask can only be read by setting it, so it is put back at once.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(text: str, path: str | Path) -> Path:
    r"""Write text as UTF-8 with `\n` at line ends on every system.

    Parameters
    ----------
    text : str
        The whole content.
    path : str or Path
        Replaced if it exists.

    Returns
    -------
    Path
        The path written.
    """
    with whole_file(path) as draft:
        draft.write_bytes(text.encode("utf-8"))
    return Path(path)


def write_table(frame: pd.DataFrame, path: str | Path) -> Path:
    r"""Write a frame without its index, as CSV or Parquet by the ending. The same frame gives the
    same bytes.

    Parameters
    ----------
    frame : DataFrame
        Any of kettrack's tables. In CSV a missing value is an empty cell, a truth value `TRUE` or
        `FALSE` (R reads no other word as one), a line end `\n`; text that begins with = + - @ has
        an apostrophe before it, so that no spreadsheet takes it for a formula.
    path : str or Path
        Ends in `.csv` or `.parquet`; replaced if it exists.

    Returns
    -------
    Path
        The path written.

    Raises
    ------
    UsageError
        For another ending, or when the folder does not exist.
    """
    _require_frame("write_table", frame)
    ending = Path(path).suffix.lower()
    if ending not in TABLE_ENDINGS:
        raise UsageError(
            f"{Path(path).name} does not end in {' or '.join(TABLE_ENDINGS)}: the ending says how"
            " a table is written."
        )
    with whole_file(path) as draft:
        if ending == ".csv":
            draft.write_bytes(csv_text(frame).encode("utf-8"))
        else:
            _write_parquet(frame, draft)
    return Path(path)


def _require_frame(function: str, frame: object) -> None:
    """Stop when a table is no table, as when the arguments are swapped."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise WrongArgument(function, "a DataFrame as its first argument", frame)


def write_table_in_parts(frames: Iterable[pd.DataFrame], path: str | Path) -> int:
    """Write frames one below the other as `write_table` writes one, and return how many rows.

    Parameters
    ----------
    frames : iterable of DataFrame
        At least one, all with the same columns; each is let go before the next is asked for.
    path : str or Path
        Ends in `.csv` or `.parquet`; replaced if it exists.
    """
    with whole_file(path) as draft:
        if Path(path).suffix.lower() == ".csv":
            return _write_csv_parts(frames, draft)
        return _write_parquet_parts(frames, draft)


def _write_csv_parts(frames: Iterable[pd.DataFrame], draft: Path) -> int:
    n_rows = 0
    with draft.open("wb") as file:
        for place, frame in enumerate(frames):
            text = csv_text(frame, header=not place)
            file.write(text.encode("utf-8"))
            n_rows += len(frame)
    return n_rows


def _write_parquet_parts(frames: Iterable[pd.DataFrame], draft: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    n_rows = 0
    rest = iter(frames)
    first = pa.Table.from_pandas(next(rest), preserve_index=False)
    # As of one frame: its own metadata would make equal tables differ.
    schema = first.schema.remove_metadata()
    with pq.ParquetWriter(draft, schema) as writer:
        writer.write_table(first.cast(schema))
        n_rows += len(first)
        for frame in rest:
            rows = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
            writer.write_table(rows.replace_schema_metadata(None))
            n_rows += len(rows)
    return n_rows


def csv_text(frame: pd.DataFrame, header: bool = True) -> str:
    r"""Return a frame as CSV text, in the form `write_table` writes.

    Parameters
    ----------
    frame : DataFrame
        Any table.
    header : bool
        Whether the names of the columns stand above the rows.

    Examples
    --------
    >>> import pandas as pd
    >>> csv_text(pd.DataFrame({"well": [True, False], "score": [3.5, None]}))
    'well,score\nTRUE,3.5\nFALSE,\n'
    """
    import pandas as pd

    # `read.csv` of R 4.2 takes `true` for text.
    truth = {
        name: frame[name].map({True: "TRUE", False: "FALSE"}).astype("str")
        for name in frame.columns
        if pd.api.types.is_bool_dtype(frame[name].dtype)
    }
    texts = {
        name: _as_no_formula(frame[name])
        for name in frame.columns
        if _is_text(frame[name].dtype)
    }
    # `\n` on every system: the same frame gives the same bytes.
    plain = frame.assign(**truth, **texts)
    return plain.to_csv(index=False, header=header, lineterminator="\n")


def _is_text(dtype: object) -> bool:
    import pandas as pd

    return (
        isinstance(dtype, pd.StringDtype)
        or dtype == "object"
        or isinstance(dtype, pd.CategoricalDtype)
    )


def reads_as_formula(text: str) -> bool:
    """Whether a spreadsheet could take a text for a formula; in CSV it gets an apostrophe.

    Examples
    --------
    >>> reads_as_formula("=1+1"), reads_as_formula("-5"), reads_as_formula("-A5")
    (True, False, True)
    """
    return _FORMULA.match(text) is not None


def _as_no_formula(texts: pd.Series) -> pd.Series:
    """Put an apostrophe before text that a spreadsheet would run as a formula; numbers are left as
    they are.
    """
    levels = [
        text
        for text in texts.dropna().unique()
        if isinstance(text, str) and reads_as_formula(text)
    ]
    return (
        texts.astype("object").replace({text: f"'{text}" for text in levels})
        if levels
        else texts
    )


def _write_parquet(frame: pd.DataFrame, draft: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # The frame's own metadata names library versions, which would make equal tables differ.
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(
        None
    )
    pq.write_table(table, draft)
