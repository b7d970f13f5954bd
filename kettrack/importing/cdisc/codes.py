"""What the codes of tests stand for: known ones, those that the owner of the data names, and
others, which are asked about where they look like a total.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools
from kettrack.importing.cdisc.dataset import Dataset
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.vocabulary.cdisc_words import CDISC_SCORES, score_code_of
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.outside_codes import ScoreCode

NOT_USED: Final = "not used"
_KEY: Final = "test_code"
# Eight letters and digits: a code, and nobody's name or number.
_CODE: Final = r"[A-Z_][A-Z0-9_]{0,7}"
_LIKE_A_TOTAL: Final = re.compile("total|score|sum", re.IGNORECASE)
_HIDDEN: Final = "(hidden)"


def codes_known(
    dataset: Dataset,
    among: Bools,
    variables: tuple[str, str],
    answers: Answers,
    remarks: Remarks,
) -> tuple[dict[str, ScoreCode], Bools]:
    """Code to what its number is, and the records of such codes; others are dropped and counted.

    Parameters
    ----------
    dataset : Dataset
        Whose codes they are.
    among : bool array
        The records that are looked at.
    variables : tuple of str
        The variable of the code, and the one that says in words what it is.
    answers : mapping
        `test_code.CODE` says what a code is.
    remarks : Remarks
        Takes the records of codes that are not known, and the questions.
    """
    codes = dataset.words(variables[0])
    meanings = dataset.texts(variables[1])
    found: dict[str, ScoreCode] = {}
    none = among & np.asarray(codes.isna())
    dataset.say(none, "dropped", "no code says which test it is", remarks)
    kept = among & ~none
    # What the owner says goes before what the list says.
    for code in codes[kept].unique().tolist():
        here = kept & np.asarray(codes == code)
        answer = answers.get(f"{_KEY}.{code}", "")
        known = score_code_of(answer) if answer else CDISC_SCORES.get(code)
        if known is not None:
            found[code] = known
            continue
        shown_code = code if re.fullmatch(_CODE, code) else _HIDDEN
        if answer != NOT_USED:
            _ask(dataset, shown_code, meanings[here], remarks)
        reason = f"its code {shown_code} is not one of a known scale"
        # A trial asks many other things: their number is told, not each of them.
        dataset.count(int(here.sum()), "dropped", reason, remarks)
        kept &= ~here
    return found, kept


def _ask(
    dataset: Dataset,
    code: str,
    meanings: pd.Series[str],
    remarks: Remarks,
) -> None:
    """Items are many; the total is what a cohort needs."""
    total = any(_LIKE_A_TOTAL.search(one) for one in meanings.dropna().unique())
    if not total or code == _HIDDEN:
        return
    n_records = len(meanings)
    remarks.ask(
        OpenQuestion(
            key=f"{_KEY}.{code}",
            asks=f"{n_records} records of {dataset.name} in {dataset.file} have the code {code},"
            " which is not known. The total of which scale is it?",
            choices=(*INSTRUMENTS, NOT_USED),
            why='Records of other codes are left out. An item is named so: "PHQ-9 item 9".',
        )
    )
