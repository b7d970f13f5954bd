"""Numbers that a state or a health service gives to one person, told by their form and their check
digit.

A check digit alone is worth little: one in eleven random codes passes. So a kind of number is found
when so many different values pass that chance is out of the question; a form that nothing else has
is found at one. Only the form and the check are here: a package such as python-stdnum would bring
two hundred formats under the LGPL, and would leave the judgement of a column to us all the same.

Sources: the documents that define the numbers, as named at each check.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Objects
from kettrack.privacy.identifying_shapes import any_of, matches

_CHANCE: Final = 1e-5  # that codes made up at random pass
_NEARLY_ALL: Final = 0.9
_TRIED: Final = 100  # values of a column before all are
_LETTERS_OF_DNI: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_LETTERS_OF_HETU: Final = "0123456789ABCDEFHJKLMNPRSTUVWXY"
# What an odd place of a codice fiscale adds, by digit and by letter (D.M. 12 March 1974).
_ODD: Final = "1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"


class NumberKind(NamedTuple):
    """A kind of personal number.

    Parameters
    ----------
    what : str
        In words.
    form : str
        Pattern of a whole value, blanks and marks taken away.
    valid : callable
        Whether the check digit is right.
    passing : float
        Share of made-up values of this form that pass.
    telling : bool
        Whether nothing else has the form, so that one value is enough among study codes.
    marked : bool
        Whether a hyphen or plus in it says in which century somebody was born, and is kept.
    """

    what: str
    form: str
    valid: Callable[[str], bool]
    passing: float
    telling: bool = False
    marked: bool = False

    @property
    def fewest(self) -> int:
        """Different values that must pass, so that it is no accident."""
        needed = math.log(_CHANCE) / math.log(self.passing)
        return max(2, math.ceil(needed))


def _weighted(digits: str, weights: str) -> int:
    return sum(_products(digits, weights))


def _products(digits: str, weights: str) -> list[int]:
    """Each digit times its weight; the weights stand as text, `8 7 6`."""
    pairs = zip(digits, weights.split(), strict=False)
    return [int(digit) * int(weight) for digit, weight in pairs]


def _sums_of_digits(products: list[int]) -> int:
    """The sum of products, of which those above 9 count by their two digits."""
    return sum(product // 10 + product % 10 for product in products)


def _luhn(digits: str) -> bool:
    """The check of Swedish numbers: every second digit counts twice."""
    products = _products(digits, "2 1 2 1 2 1 2 1 2 1")
    return _sums_of_digits(products) % 10 == 0


def _nhs(digits: str) -> bool:
    """Modulus 11, weights 10 to 2 (NHS Data Dictionary)."""
    total = _weighted(digits[:9], "10 9 8 7 6 5 4 3 2")
    check = 11 - total % 11
    # 11 stands for 0; a number whose check would be 10 is never issued.
    return check != 10 and check % 11 == int(digits[9])


def _bsn(digits: str) -> bool:
    """The eleven-proof of the Netherlands (Besluit BSN); nothing but noughts passes too."""
    total = _weighted(digits, "9 8 7 6 5 4 3 2 -1")
    return total % 11 == 0 and int(digits) > 0


def _pesel(digits: str) -> bool:
    """The register of Poland: a date of birth with its century, then a check digit."""
    total = _weighted(digits, "1 3 7 9 1 3 7 9 1 3 1")
    # The century is added to the month.
    month = int(digits[2:4]) % 20
    day = int(digits[4:6])
    return total % 10 == 0 and 1 <= month <= 12 and 1 <= day <= 31


def _dni(text: str) -> bool:
    """The letter of Spain: the number modulo 23; X, Y and Z of a NIE stand for 0, 1 and 2."""
    digits = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _LETTERS_OF_DNI[int(digits) % 23] == text[-1]


def _nir(text: str) -> bool:
    """The number of INSEE: 97 less the remainder; Corsica writes 2A and 2B."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(number) % 97 == int(text[13:])


def _nif(digits: str) -> bool:
    """The tax number of Portugal, modulus 11."""
    total = _weighted(digits[:8], "9 8 7 6 5 4 3 2")
    check = 11 - total % 11
    return (0 if check > 9 else check) == int(digits[8])


def _kvnr(text: str) -> bool:
    """The unchanging part of the German health card: weights 1 and 2, sums of digits."""
    digits = f"{ord(text[0]) - ord('A') + 1:02d}{text[1:9]}"
    products = _products(digits, "1 2 1 2 1 2 1 2 1 2")
    return _sums_of_digits(products) % 10 == int(text[9])


def _rvnr(text: str) -> bool:
    """The German pension number: area, date of birth, letter of the name."""
    digits = f"{text[:8]}{ord(text[8]) - ord('A') + 1:02d}{text[9:11]}"
    products = _products(digits, "2 1 2 5 7 1 2 1 2 1 2 1")
    return _sums_of_digits(products) % 10 == int(text[11])


def _steuer_id(digits: str) -> bool:
    """The German tax number: ISO 7064, modulus 11 and 10; one digit of the first ten comes twice or
    three times.
    """
    product = 10
    for digit in digits[:10]:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    n_different = len(set(digits[:10]))
    check = (11 - product) % 10
    return n_different in (8, 9) and check == int(digits[10])


def _codice_fiscale(text: str) -> bool:
    """The tax code of Italy: letters of the name, date of birth, place, check letter."""
    odd = [int(value) for value in _ODD.split()]
    # A digit counts as the letter of its place, 0 as A.
    values = [int(sign) if sign.isdigit() else _letter(sign) for sign in text]
    total = sum(odd[value] for value in values[0:15:2])
    total += sum(values[1:15:2])
    return total % 26 == values[15]


def _letter(sign: str) -> int:
    return ord(sign) - ord("A")


def _cpf(digits: str) -> bool:
    """The register of Brazil: two check digits, modulus 11."""
    for last in (9, 10):
        # The weights fall to 2.
        weights = "11 " * (last == 10) + "10 9 8 7 6 5 4 3 2"
        rest = _weighted(digits, weights) * 10 % 11
        if rest % 10 != int(digits[last]):
            return False
    return len(set(digits)) > 1


def _fodselsnummer(digits: str) -> bool:
    """The number of Norway: a date of birth and two check digits, modulus 11."""
    first = _weighted(digits, "3 7 6 1 8 9 4 5 2 1")
    second = _weighted(digits, "5 4 3 2 7 6 5 4 3 2 1")
    return first % 11 == 0 and second % 11 == 0


def _niss(digits: str) -> bool:
    """The register of Belgium: 97 less the remainder, a 2 in front for those born since 2000."""
    check = int(digits[9:])
    before_2000 = int(digits[:9])
    since_2000 = int(f"2{digits[:9]}")
    return check in (97 - before_2000 % 97, 97 - since_2000 % 97)


def _ahv(digits: str) -> bool:
    """The number of Switzerland: the check digit of an EAN-13."""
    total = _weighted(digits, "1 3 1 3 1 3 1 3 1 3 1 3 1")
    return total % 10 == 0


def _personnummer(text: str) -> bool:
    return _luhn(re.sub(r"\D", "", text)[-10:])


def _hetu(text: str) -> bool:
    """The code of Finland: the digits modulo 31 name the last sign."""
    number = int(text[:6] + text[7:10])
    return _LETTERS_OF_HETU[number % 31] == text[10]


_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_SEX_YEAR_MONTH: Final = r"[12]\d\d(?:0[1-9]|1[0-2]|[2-9]\d)"
NUMBER_KINDS: Final = (
    NumberKind(
        "an Italian tax code",
        r"[A-Z]{6}\d\d[ABCDEHLMPRST]\d\d[A-Z]\d{3}[A-Z]",
        _codice_fiscale,
        1 / 26,
        telling=True,
    ),
    NumberKind(
        "a French social security number",
        rf"{_SEX_YEAR_MONTH}(?:\d\d|2[AB])\d{{8}}",
        _nir,
        1 / 97,
    ),
    NumberKind(
        "a Swiss social insurance number",
        r"756\d{10}",
        _ahv,
        1 / 10,
        telling=True,
    ),
    NumberKind(
        "a German pension insurance number",
        rf"\d\d{_DAY}{_MONTH}\d\d[A-Z]\d{{3}}",
        _rvnr,
        1 / 10,
        telling=True,
    ),
    NumberKind(
        "a Finnish identity code",
        rf"{_DAY}{_MONTH}\d\d[-+A]\d{{3}}[0-9A-Y]",
        _hetu,
        1 / 31,
        telling=True,
        marked=True,
    ),
    NumberKind(
        "a Spanish identity number",
        r"(?:\d{8}|[XYZ]\d{7})[A-Z]",
        _dni,
        1 / 23,
    ),
    NumberKind(
        "a German health insurance number",
        r"[A-Z]\d{9}",
        _kvnr,
        1 / 10,
    ),
    NumberKind(
        "a Polish identity number",
        r"\d{11}",
        _pesel,
        1 / 25,
    ),
    NumberKind(
        "a Brazilian tax number",
        r"\d{11}",
        _cpf,
        1 / 100,
    ),
    NumberKind(
        "a Norwegian identity number",
        rf"{_DAY}{_MONTH}\d{{7}}",
        _fodselsnummer,
        1 / 121,
    ),
    NumberKind(
        "a Belgian register number",
        r"\d{11}",
        _niss,
        2 / 97,
    ),
    NumberKind(
        "a German tax number",
        r"[1-9]\d{10}",
        _steuer_id,
        1 / 15,
    ),
    NumberKind(
        "a Swedish identity number",
        rf"(?:19|20)?\d\d{_MONTH}{_DAY}[-+]?\d{{4}}",
        _personnummer,
        1 / 10,
        marked=True,
    ),
    NumberKind(
        "an NHS number",
        r"\d{10}",
        _nhs,
        1 / 11,
    ),
    NumberKind(
        "a Dutch citizen service number",
        r"\d{9}",
        _bsn,
        1 / 11,
    ),
    NumberKind(
        "a Portuguese tax number",
        r"[1-35689]\d{8}",
        _nif,
        1 / 11,
    ),
)
# What stands between the digits as people write them.
_MARKS: Final = r"[ ./-]"


_BARE_FORMS: Final = any_of(one.form for one in NUMBER_KINDS if not one.marked)
_MARKED_FORMS: Final = any_of(one.form for one in NUMBER_KINDS if one.marked)


def without_marks(text: pa.Array) -> pa.Array:
    """Capitals without blanks and marks."""
    return pc.replace_substring_regex(text, _MARKS, "")


def personal_numbers(
    levels: Objects, *, codes: bool = False
) -> tuple[NumberKind, Bools] | None:
    """The kind of personal number that a column holds, and which of its values do.

    Parameters
    ----------
    levels : object array of str
        The distinct values.
    codes : bool
        Whether they are study codes, where one unmistakable number is one too many.

    Examples
    --------
    >>> kind, _ = personal_numbers(np.array(["RSSMRA85T10A562S"], dtype=object), codes=True)
    >>> kind.what
    'an Italian tax code'
    """
    # Letters and marks may stand beside them, but no number is without nine digits in a row of
    # signs; the codice fiscale has seven.
    if not matches(levels, r"\d.*\d.*\d.*\d.*\d.*\d.*\d", whole=False).any():
        return None
    capitals = pc.utf8_upper(pa.array(levels, pa.string()))
    bare = without_marks(capitals)
    trimmed = pc.utf8_trim_whitespace(capitals)
    # Of most columns of codes no value has the form of any kind.
    if not (_any_formed(bare, _BARE_FORMS) or _any_formed(trimmed, _MARKED_FORMS)):
        return None
    with_marks = _objects(trimmed)
    without = _objects(bare)
    for kind in NUMBER_KINDS:
        values = with_marks if kind.marked else without
        found = _of_kind(kind, values, codes and kind.telling)
        if found is not None:
            return kind, found
    return None


def _of_kind(
    kind: NumberKind,
    values: Objects,
    one_tells: bool,
) -> Bools | None:
    """Which values are numbers of a kind; None where they may be so by accident."""
    formed = matches(values, kind.form)
    if not formed.any():
        return None
    judged = values[formed]
    if not one_tells and not _promising(judged, kind):
        return None
    passed = np.zeros(len(values), dtype=bool)
    passed[formed] = [kind.valid(value) for value in judged]
    n_passed = passed.sum()
    # of those of the form: other codes beside them say nothing of them
    nearly_all = n_passed >= _NEARLY_ALL * len(judged)
    enough = n_passed >= kind.fewest and nearly_all
    return passed if enough or (one_tells and n_passed) else None


def _promising(values: Objects, kind: NumberKind) -> bool:
    """Whether most of a few values pass. Of a column of codes hardly any do, and the others need
    not be tried.
    """
    few = values[:: max(1, len(values) // _TRIED)]
    return sum(map(kind.valid, few)) > len(few) / 2


def _any_formed(text: pa.Array, forms: str) -> bool:
    """Whether any value as a whole has one of some forms."""
    found = pc.match_substring_regex(text, f"^(?:{forms})$")
    return bool(pc.any(found).as_py())


def _objects(text: pa.Array) -> Objects:
    return np.asarray(text.to_numpy(zero_copy_only=False), dtype=object)
