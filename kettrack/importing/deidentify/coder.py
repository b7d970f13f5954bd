"""Codes in place of record numbers and names of clinics.

A plain hash of a record number is no code: whoever has a list of all record numbers hashes them all
and looks the code up (45 CFR 164.514(c)). So a secret key goes into every code; without one that
was given, a key is drawn for this run and forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

import pyarrow as pa

from kettrack.errors import UsageError

# No vowels, so that no code is a word; no 1E3, which a spreadsheet takes for a thousand.
_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
_PAIRS: Final = 7  # two codes of 100,000 are equal in one of two million clinics
_PAIRS_OF_SITE: Final = 2
_KEY_BYTES: Final = 32


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
