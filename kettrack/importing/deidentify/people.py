"""Which record numbers are one patient, and the codes in place of record numbers and names of
clinics.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.errors import UsageError
from kettrack.importing.deidentify.options import ArrowTables
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remark, Remarks
from kettrack.reading.patient_codes import folded_codes, likely_difference
from kettrack.reading.problems import counted
from kettrack.vocabulary.limits import LARGE_SHARE_LOST

# No vowels, so that no code is a word; no 1E3, which a spreadsheet takes for a thousand.
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_PAIRS: Final = 7  # two codes of 100,000 are equal in one of two million clinics
_PAIRS_OF_SITE: Final = 2
_KEY_BYTES: Final = 32
SAME_PATIENTS: Final = "same_patients"
SAME: Final = "the same people"
DIFFERENT: Final = "different people"
_ID: Final = "patient_id"


# A plain hash of a record number is no code: whoever has a list of all record numbers hashes them
# all and looks the code up (45 CFR 164.514(c)). So a secret key goes into every code; without one
# that was given, a key is drawn for this run and forgotten.
class Coder:
    """Makes codes with one key.

    Parameters
    ----------
    key : bytes, optional
        Secret; None = drawn now and kept nowhere else.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key or secrets.token_bytes(_KEY_BYTES)

    def patients(self, record_numbers: pa.Array) -> pa.Array:
        """Codes of patients, one for each of some distinct record numbers."""
        return self._codes("patient", record_numbers, _PAIRS)

    def sites(self, names: pa.Array) -> pa.Array:
        """Codes of clinics, one for each of some distinct names."""
        return self._codes("site", names, _PAIRS_OF_SITE)

    def _codes(
        self,
        kind: str,
        texts: pa.Array,
        n_pairs: int,
    ) -> pa.Array:
        known = texts.to_pylist()
        codes = [self._code(kind, text, n_pairs) for text in known]
        if len(set(codes)) < len(set(known)):
            raise UsageError(
                f"With this key two of the {len(known)} {kind}s would get one code. Make another"
                " key, or leave the key out."
            )
        return pa.array(codes, pa.string())

    def _code(self, kind: str, text: str, n_pairs: int) -> str:
        """Letters and digits in turn, as K7R2M9: no date, no word and no number looks like it."""
        # The kind goes in, so that a clinic called like a record number has another code.
        message = f"{kind}\0{text}".encode()
        rest = int.from_bytes(hmac.digest(self._key, message, hashlib.sha256))
        pairs = []
        for _ in range(n_pairs):
            rest, place = divmod(rest, len(_LETTERS) * 10)
            pairs.append(f"{_LETTERS[place // 10]}{place % 10}")
        return "".join(pairs)


def code_patients(
    tables: ArrowTables,
    coder: Coder,
    answers: Answers,
    remarks: Remarks,
) -> pa.Table:
    """Give each patient a code.

    A record number has the same code in all tables. Capital letters, leading zeros and invisible
    characters do not matter for a code, so that it stays the same when the next export writes the
    number in another way; where two numbers differ only by that, it is asked.

    Parameters
    ----------
    tables : mapping
        Table name to table.
    coder : Coder
        Makes the codes.
    answers : mapping
        `same_patients` says "the same people" or "different people".
    remarks : Remarks
        Takes the question, and what was done.

    Returns
    -------
    pyarrow.Table
        `original` (every spelling, once) and `code`.
    """
    everyone = _record_numbers(tables)
    answer = answers.get(SAME_PATIENTS, "")
    plain = folded_codes(everyone)
    twins = plain.duplicated(keep=False)
    if answer == SAME:
        others = _in_other_form(tables)
        meant = [others.get(one, one) for one in everyone]
        plain = folded_codes(pd.Index(meant, dtype="str"))
        _say_joined(everyone, plain, remarks)
    else:
        # The whole number as it is written; the mark keeps it apart from a folded one.
        plain = plain.where(~twins, pd.Series(everyone) + "\0")
        ask_who_is_who(tables, answers, remarks)
    # One code for each person, however many spellings there are.
    people = pa.array(plain, pa.string()).dictionary_encode()
    codes = coder.patients(people.dictionary).take(people.indices)
    return pa.table(
        {
            "original": pa.array(everyone, pa.string()),
            "code": codes,
        }
    )


def ask_who_is_who(
    tables: ArrowTables,
    answers: Answers,
    remarks: Remarks,
) -> None:
    """Ask whether record numbers that differ only by something nobody means are one patient.

    Parameters
    ----------
    tables : mapping
        Table name to table; only `patient_id` is looked at.
    answers, remarks
        As for `code_patients`.
    """
    # Where questions about reading are open there may be no table yet.
    if not tables or answers.get(SAME_PATIENTS, "") in (SAME, DIFFERENT):
        return
    everyone = _record_numbers(tables)
    n_twins = int(folded_codes(everyone).duplicated(keep=False).sum())
    others = _in_other_form(tables)
    if n_twins or others:
        _ask(n_twins, others, remarks)


def _record_numbers(tables: ArrowTables) -> pd.Index:
    """Every record number of every table, once each, sorted."""
    found = [pc.unique(table[_ID]) for table in tables.values()]
    every = pa.concat_arrays([one.cast(pa.string()) for one in found]).unique()
    # Sorted: equal files give equal codes, whatever the order of their rows.
    return pd.Index(sorted(every.drop_null().to_pylist()), dtype="str")


def _in_other_form(tables: ArrowTables) -> dict[str, str]:
    """Numbers without a session that are most likely written in another way there: number to the
    one that is meant.
    """
    sessions = tables["sessions"][_ID] if "sessions" in tables else pa.array([""])
    treated = pd.Series(pc.unique(sessions).drop_null().to_pylist(), dtype="str")
    meant: dict[str, str] = {}
    for name, table in tables.items():
        codes = pd.Series(pc.unique(table[_ID]).drop_null().to_pylist(), dtype="str")
        lost = codes[~codes.isin(treated)].reset_index(drop=True)
        # Some people without a session are nothing unusual.
        if name == "sessions" or len(lost) <= LARGE_SHARE_LOST * len(codes):
            continue
        difference = likely_difference(lost, treated)
        if difference is not None:
            meant |= _partners(
                difference.plain(lost), lost, difference.plain(treated), treated
            )
    return meant


def _partners(
    plain_lost: pd.Series,
    lost: pd.Series,
    plain_treated: pd.Series,
    treated: pd.Series,
) -> dict[str, str]:
    """Each lost number with the one treated number that reads the same."""
    # Two numbers that become one without their marks are of two people.
    single = ~plain_treated.duplicated(keep=False)
    by_form = dict(zip(plain_treated[single], treated[single], strict=True))
    pairs = zip(lost, plain_lost.map(by_form), strict=True)
    return {number: other for number, other in pairs if isinstance(other, str)}


def _ask(n_twins: int, others: dict[str, str], remarks: Remarks) -> None:
    said = []
    if n_twins:
        said.append(
            f"{counted(n_twins, 'record number')} differ from another only by capital letters,"
            " leading zeros, invisible spaces or the Unicode form"
        )
    if others:
        said.append(
            f"{counted(len(others), 'record number')} without a session differ from one with"
            " sessions only in how it is written"
        )
    remarks.ask(
        OpenQuestion(
            key=SAME_PATIENTS,
            asks=f"Are these the same people? {'; '.join(said)}.",
            choices=(SAME, DIFFERENT),
            why="As different people, those without a session are in no answer.",
        )
    )


def _say_joined(everyone: pd.Index, plain: pd.Series, remarks: Remarks) -> None:
    n_joined = len(everyone) - plain.nunique()
    if n_joined:
        remarks.add(
            Remark(
                file="",
                table="",
                column=_ID,
                action="mended",
                reason="the record number is written in another way than in other rows, and was"
                " answered to be the same patient",
                count=n_joined,
            )
        )
