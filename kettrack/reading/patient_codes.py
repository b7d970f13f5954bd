"""Patient codes that differ between tables only by something nobody means, and the rows lost to
that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Ints
from kettrack.reading.coded import CodedRows
from kettrack.reading.problems import Ledger, counted
from kettrack.vocabulary.limits import LARGE_SHARE_LOST

# Soft hyphens, zero-width and direction marks, byte order marks, and every kind of blank.
_UNSEEN: Final = r"[\x{00ad}\x{200b}-\x{200f}\x{2060}\x{feff}\s]"
_LEADING_ZEROS: Final = r"(^|\D)0+(\d)"
_TEXT: Final = pa.string()
_MOST: Final = 0.5


def note_similar_ids(
    folded: pd.Series,
    ledger: Ledger,
) -> None:
    """Say how many patient codes differ from another only by something that nobody sees or means.

    Parameters
    ----------
    folded : Series
        `folded_codes` of every code of every table, once each, or numbers that stand for them.
    ledger : Ledger
        Takes the note; it names no code.
    """
    similar = folded.duplicated(keep=False)
    if not similar.any():
        return
    n_codes = counted(int(similar.sum()), "patient code")
    n_patients = counted(folded[similar].nunique(), "patient")
    ledger.note(
        f"{n_codes} differ from another only by capital letters, leading zeros, invisible"
        f" spaces or the Unicode form. If these are the same people, they are {n_patients};"
        " now each code is read as a patient of its own. Write each patient's code the"
        " same in every table."
    )


def folded_codes(
    codes: pd.Index,
) -> pd.Series:
    """Codes without what may differ by accident; codes that are similar become equal.

    Parameters
    ----------
    codes : Index
        Codes as written.

    Examples
    --------
    >>> folded_codes(pd.Index(["P007", "p7 "])).tolist()
    ['p7', 'p7']
    """
    text = pa.array(codes, pa.string())
    plain = pc.utf8_lower(pc.utf8_normalize(text, form="NFKC"))
    seen = pc.replace_substring_regex(plain, _UNSEEN, "")
    short = pc.replace_substring_regex(seen, _LEADING_ZEROS, r"\1\2")
    return pd.Series(short.to_pandas(), copy=False)


def report_lost(
    tables: Mapping[str, CodedRows],
    files: Mapping[str, str],
    ledger: Ledger,
) -> None:
    """Report a table none of whose patients has a session, and note one that loses a large share.

    The codes are then most likely written in two ways, and every answer would rest on the few who
    are left.

    Parameters
    ----------
    tables : mapping
        Table name to rows.
    files : mapping
        Table name to file, for messages.
    ledger : Ledger
        Takes a problem or a note; neither names a code.
    """
    # All tables have one list of patients by now, so that places in it can be compared.
    everyone = pd.Index(tables["sessions"]["patient_id"].values, dtype="str")
    treated = _places(tables["sessions"])
    if not len(treated):
        return
    for name in ("scores", "patients", "events"):
        codes = _places(tables[name])
        lost = np.setdiff1d(codes, treated, assume_unique=True)
        cause = _likely_cause(_texts(everyone, lost), everyone, treated)
        # A list of patients or events may be of other people; without scores nothing is left.
        if len(lost) and len(lost) == len(codes) and (name == "scores" or cause):
            ledger.problem(
                files[name],
                None,
                "patient_id",
                "",
                f"{_none_of(len(codes))} of this file is in"
                f" {files['sessions']}, so all its rows would be left out. {cause or _OTHER}",
            )
        elif len(lost) > LARGE_SHARE_LOST * len(codes):
            ledger.note(
                f"Look at this first: {len(lost)} of {counted(len(codes), 'patient')} in"
                f" {files[name]} have no session in {files['sessions']}, and their rows are left"
                f" out. {cause or _OTHER}"
            )


def _none_of(number: int) -> str:
    """A file may speak of one patient only."""
    return "no patient code" if number == 1 else f"none of the {number} patient codes"


_OTHER: Final = (
    "If they are the same people, write each patient's code the same in every file."
)


def _places(rows: CodedRows) -> Ints:
    """Places of a table's patients in the list of all, once each."""
    return np.flatnonzero(rows["patient_id"].used)


def _texts(
    everyone: pd.Index,
    places: Ints,
) -> pd.Series:
    return pd.Series(everyone[places], dtype="str")


def _likely_cause(
    lost: pd.Series,
    everyone: pd.Index,
    places: Ints,
) -> str:
    """What most lost codes differ by from one in the sessions; empty where it is not found."""
    treated = _texts(everyone, places)
    difference = likely_difference(lost, treated)
    if difference is None:
        return ""
    n_same = int(difference.plain(lost).isin(difference.plain(treated)).sum())
    return (
        f"{n_same} of them {'differs' if n_same == 1 else 'differ'} from a code there only by"
        f" {difference.what}. Write each"
        " patient's code the same in every file."
    )


class Difference(NamedTuple):
    """What codes differ by, in words, and how to write them without it."""

    what: str
    plain: Callable[[pd.Series], pd.Series]


def likely_difference(
    lost: pd.Series,
    treated: pd.Series,
) -> Difference | None:
    """The narrowest difference that most codes of one table have to one of the sessions.

    Parameters
    ----------
    lost, treated : Series of str
        Codes without a session, and those with one.

    Examples
    --------
    >>> found = likely_difference(pd.Series(["7.0", "8.0"]), pd.Series(["7", "8", "9"]))
    >>> found.what
    'a .0 at the end, as if the code had been a number'
    """
    # Most tables lose nobody, and the codes of a large clinic take long to write anew.
    differences = _DIFFERENCES if len(lost) else ()
    for difference in differences:
        same = difference.plain(lost).isin(difference.plain(treated))
        if same.mean() > _MOST:
            return difference
    return None


def _replaced(
    codes: pd.Series,
    pattern: str,
    by: str = "",
) -> pd.Series:
    text = pc.replace_substring_regex(pa.array(codes, _TEXT), pattern, by)
    plain: pd.Series = text.to_pandas().astype("str")
    return plain.set_axis(codes.index)


def _digits(
    codes: pd.Series,
) -> pd.Series:
    """The number in a code without leading zeros; a code without one stays as it is."""
    numbers = _replaced(_replaced(codes, r"\D"), r"^0+(\d)", r"\1")
    # Two codes with one number, such as A1 and B1, are two people.
    return numbers.where((numbers != "") & ~numbers.duplicated(keep=False), codes)


def _everything(
    codes: pd.Series,
) -> pd.Series:
    without_points = _replaced(codes, r"\.0+$")
    plain = folded_codes(pd.Index(without_points)).set_axis(codes.index)
    return _replaced(plain, r"[^\p{L}\p{N}]")


# From the narrowest difference to the widest.
_DIFFERENCES: Final = (
    Difference("capital letters", lambda codes: codes.str.casefold()),
    Difference(
        "blanks or invisible characters", lambda codes: _replaced(codes, _UNSEEN)
    ),
    Difference(
        "leading zeros", lambda codes: _replaced(codes, _LEADING_ZEROS, r"\1\2")
    ),
    Difference(
        "a .0 at the end, as if the code had been a number",
        lambda codes: _replaced(codes, r"\.0+$"),
    ),
    Difference(
        "hyphens or other marks", lambda codes: _replaced(codes, r"[^\p{L}\p{N}]")
    ),
    Difference("capital letters, zeros, blanks and marks", _everything),
    Difference("what stands around the number", _digits),
)
