"""Study codes that are probably one code in two spellings: they are kept apart, and said."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.reading.problems import Ledger, counted

_UNSEEN = r"[\x{00ad}\x{200b}-\x{200f}\x{2060}\x{feff}\s]"


def note_near_twins(codes: pd.Index, ledger: Ledger) -> None:
    """Say how many study codes differ from another only by something nobody sees or means.

    Parameters
    ----------
    codes : Index
        Every code of every table, once each.
    ledger : Ledger
        Takes the note; it names no code.
    """
    folded = pd.Series(_folded(pa.array(codes, pa.string())).to_pandas(), copy=False)
    twins = folded.duplicated(keep=False)
    if twins.any():
        ledger.note(
            f"{counted(int(twins.sum()), 'patient code')} differ from another only by capital"
            " letters, leading noughts, invisible spaces or the Unicode form"
            f" ({counted(int(folded[twins].nunique()), 'patient')} if they are the same people);"
            " each is read as a patient of its own. Write each patient's code the same in every"
            " table."
        )


def _folded(codes: pa.Array) -> pa.Array:
    plain = pc.utf8_lower(pc.utf8_normalize(codes, form="NFKC"))
    seen = pc.replace_substring_regex(plain, _UNSEEN, "")
    return pc.replace_substring_regex(seen, r"(^|\D)0+(\d)", r"\1\2")
