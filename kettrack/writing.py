"""Files are written under a temporary name in the same folder and then renamed: whole or not at
all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp, mkstemp
from typing import TYPE_CHECKING, Final

from kettrack.errors import UsageError, WrongArgument

if TYPE_CHECKING:
    import pandas as pd

# Begins like a formula, also in the wide letters of Asian keyboards and behind blanks, which some
# spreadsheets take away; a minus or plus before a number does not.
_FORMULA: Final = re.compile(
    r"\s*[=@＝＠]|[\t\r\n]|\s*[+-](?!\d+(?:[.,]\d+)?$)|\s*[＋－]"
)
TABLE_ENDINGS = (".csv", ".parquet")


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
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise UsageError(
            f"There is no folder {str(target.parent)!r} to write {target.name} into."
        )
    handle, name = mkstemp(
        prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent
    )
    # Windows does not rename a file that is open.
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
        draft.chmod(0o666 & ~_umask())  # mkstemp makes files only their owner can read
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
    """
    target = Path(path)
    around = target.absolute().parent
    if not around.is_dir():
        raise UsageError(
            f"There is no folder {str(target.parent)!r} to write {target.name} into."
        )
    # Two names within one folder: the draft, and where the old one waits for its end.
    room = Path(mkdtemp(prefix=f".{target.name}.", dir=around))
    draft = room / "draft"
    old = room / "old"
    draft.mkdir()
    try:
        yield draft
        if target.exists():
            target.replace(old)
        try:
            draft.replace(target)
        except OSError:
            # Better the old folder than none.
            if old.exists():
                old.replace(target)
            raise
    finally:
        rmtree(room, ignore_errors=True)


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


def csv_text(frame: pd.DataFrame) -> str:
    r"""Return a frame as CSV text, in the form `write_table` writes.

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
    return frame.assign(**truth, **texts).to_csv(index=False, lineterminator="\n")


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
