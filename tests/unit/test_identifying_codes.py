"""Study codes made from a person, and numbers that a state gives to one: what stops, what is noted,
and which honest codes pass.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettrack.privacy import identifiers, identifying_codes, identifying_numbers
from kettrack.privacy import identifying_shapes as shapes
from kettrack.privacy.identifiers import Finding, find_identifiers
from kettrack.privacy.identifying_numbers import NUMBER_KINDS, without_marks

CODES = [f"P{i}" for i in range(500)]
# Published examples, and those of the documents that define the numbers.
EXAMPLES = {
    "an Italian tax code": ["RSSMRA85T10A562S"],
    "a French social security number": ["2 95 10 99 126 111 93", "253072B07300470"],
    "a Swiss social insurance number": ["756.9217.0769.85"],
    "a German pension insurance number": ["65 170839 J 003"],
    "a Finnish identity code": ["131052-308T"],
    "a Spanish identity number": ["54362315K", "12345678-Z", "X-2482300-W"],
    "a German health insurance number": ["A123456780"],
    "a Polish identity number": ["44051401359"],
    "a Brazilian tax number": ["390.533.447-05", "111.444.777-35"],
    "a Norwegian identity number": ["15108695088"],
    "a Belgian register number": ["85.07.30-033 28"],
    "a German tax number": ["36 574 261 809"],
    "a Swedish identity number": ["880320-0016"],
    "an NHS number": ["943-476-5870", "401 023 2137"],
    "a Dutch citizen service number": ["1112.22.333", "111222333"],
    "a Portuguese tax number": ["123456789"],
}
KINDS = {kind.what: kind for kind in NUMBER_KINDS}


def judged(codes: list[str], name: str = "patient_id") -> Finding | None:
    found = find_identifiers(pd.DataFrame({name: codes}))
    return found[0] if found else None


def as_compared(kind: str, value: str) -> str:
    return (
        value
        if KINDS[kind].marked
        else without_marks(pa.array([value.upper()]))[0].as_py()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_published_example_passes_its_check(kind):
    for value in EXAMPLES[kind]:
        assert KINDS[kind].valid(as_compared(kind, value)), value


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_check_digit_fails(kind):
    value = as_compared(kind, EXAMPLES[kind][0])
    places = [place for place, sign in enumerate(value) if sign.isdigit()]
    wrong = 0
    for place in places:
        other = str((int(value[place]) + 1) % 10)
        wrong += not KINDS[kind].valid(value[:place] + other + value[place + 1 :])
    assert wrong >= len(places) - 1


def some_of(kind: str, n: int) -> list[str]:
    """So many different numbers of a kind, from its example by changing digits."""
    start = as_compared(kind, EXAMPLES[kind][-1])
    places = [place for place, sign in enumerate(start) if sign.isdigit()]
    form = re.compile(KINDS[kind].form)
    draw = np.random.default_rng(3)
    found: set[str] = set()
    while len(found) < n:
        digits = list(start)
        for place, digit in zip(places[-6:], draw.integers(0, 10, 6), strict=True):
            digits[place] = str(digit)
        value = "".join(digits)
        if form.fullmatch(value) and KINDS[kind].valid(value):
            found.add(value)
    return sorted(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["patient_id", "x"])
def test_a_column_of_them_stops_under_any_name(kind, name):
    found = judged(some_of(kind, 12), name)
    assert found is not None
    assert found.stop
    assert found.hit.any()


@pytest.mark.parametrize("kind", EXAMPLES)
def test_some_of_them_among_many_codes_of_another_form_stop(kind):
    """Codes of another form say nothing of those that pass their check."""
    found = judged([*CODES, *some_of(kind, 12)])
    assert found is not None
    assert found.stop
    assert found.hit.sum() == 12


def test_one_unmistakable_number_among_codes_stops():
    for kind in NUMBER_KINDS:
        found = judged([*CODES, EXAMPLES[kind.what][0]])
        if kind.telling:
            assert found is not None
            assert found.stop


@pytest.mark.parametrize("digits", [8, 9, 10, 11, 13, 15])
@pytest.mark.parametrize("seed", [1, 2])
def test_codes_made_up_at_random_or_in_order_do_not_stop(digits, seed):
    """Those at random may be record numbers, as far as anybody can tell: up to ten digits they are
    noted.
    """
    draw = np.random.default_rng(seed)
    drawn = draw.integers(10 ** (digits - 1), 10**digits, 40)
    first = int(drawn[0])
    for codes in (range(first, first + 40), range(first, first + 440, 11)):
        found = judged([str(code) for code in codes])
        assert found is None, found
    at_random = judged([str(code) for code in drawn])
    if digits > 10:
        assert at_random is None
    else:
        assert at_random is not None
        assert not at_random.stop
        assert at_random.why.startswith("may be record numbers; if these are study")


@pytest.mark.parametrize(
    "value",
    [
        "Ashworth_1942",
        "ashworth1942",
        "ASHWORTH-1942",
        "Ashworth 1942",
        "O'Neil_1951",
        "Müller_1960",
        "smith.j",
        "j.smith",
        "Smith_J",
        "J_Smith",
        "SmithJ",
    ],
)
def test_one_code_made_from_a_person_stops(value):
    found = judged([*CODES, value])
    assert found is not None
    assert (found.stop, found.hit.sum()) == (True, 1)


def born(form: str, letters: tuple[str, ...]) -> list[str]:
    draw = np.random.default_rng(5)
    days = pd.Timestamp("1940-01-01") + pd.to_timedelta(
        draw.integers(0, 20_000, 30), "D"
    )
    return [
        f"{letters[place % len(letters)]}{day:{form}}" for place, day in enumerate(days)
    ]


INITIALS = ("JS", "AB", "CD", "KM", "RT", "WE", "BB", "HK", "LZ", "MN")


@pytest.mark.parametrize(
    "form", ["%d%m%y", "-%d%m%Y", "%y%m%d", "_%d.%m.%y", "%Y%m%d", "%Y", "-%Y"]
)
def test_initials_with_a_birth_date_stop(form):
    found = judged(born(form, INITIALS))
    assert found is not None
    assert found.stop


def test_a_few_of_them_among_codes_are_noted_with_the_way_on():
    found = judged([*CODES, *born("%d%m%y", INITIALS)[:6]])
    assert found is not None
    assert not found.stop
    assert "if these are study codes, nothing has to be done" in found.why


SURNAMES = ("Ashworth", "Miller", "Novak", "Jansen", "Rossi", "Dubois")


@pytest.mark.parametrize(
    "form", ["{0}_{1}", "{0}{1}", "{0}.{2}", "{0}_{2}{3}", "{0}{3}", "{0}_{3}"]
)
def test_surnames_that_patients_share_are_noted(form):
    """In a small place many have one name; several words may also be sites."""
    codes = [
        form.format(SURNAMES[place % 6], 1940 + place, "abcdefgh"[place % 8], place % 9)
        for place in range(24)
    ]
    found = judged(codes)
    assert found is not None
    assert not found.stop
    assert re.match("may be a (sur)?name with", found.why)


def test_first_names_with_a_number_stop():
    found = judged(["Alice01", "Thomas02", "Sarah03", *CODES])
    assert found is not None
    assert (found.stop, found.hit.sum()) == (True, 3)


@pytest.mark.parametrize("form", ["{}", "H{}"])
def test_long_numbers_far_apart_are_noted_and_those_counted_on_are_not(form):
    apart = [form.format(2_034_567 + 1_371 * place) for place in range(40)]
    found = judged(apart)
    assert found is not None
    assert not found.stop
    assert found.why.startswith("may be record numbers; if these are study codes")
    assert judged([form.format(20_260_001 + place) for place in range(40)]) is None


def test_a_surname_with_an_initial_and_a_number_stops():
    found = judged(["smith.j2", "ashworth.k1", "novak.b", *CODES])
    assert found is not None
    assert found.stop


@pytest.mark.parametrize(
    "codes",
    [
        [f"Ketawell_{year}" for year in range(1950, 1990)],
        [f"ketawell{year}" for year in range(2000, 2020)],
        ["Site_2024", "Cohort_1999", "Arm_1950", *CODES],
        ["arm.b", "site.c", "group_a", *CODES],
        ["kappa_a", "kappa_b", "kappa_c", "kappa_d"],
        [f"KT{day:02d}0185" for day in range(1, 29)],
        [f"KT-{year}" for year in range(1950, 1990)],
        [
            f"{site}{i}"
            for site in ("BER", "LON", "PAR", "ROM")
            for i in range(2001, 2030)
        ],
        ["JS07", "AB12", "CD99", "KM03"],
        [f"{site}-{i:04d}" for i, site in enumerate(["BER", "LON", "PAR"] * 10)],
    ],
    ids=lambda codes: codes[0],
)
def test_honest_codes_pass(codes):
    assert judged(codes) is None


def test_a_note_where_a_false_alarm_is_likely():
    found = judged(["alpha_b", *CODES])
    assert found is not None
    assert not found.stop


# Of these are made names, dates, addresses, numbers of every kind, and honest codes.
PARTS = (
    *("Jane", "smith", "JS", "KT", "S", "X", "mail", "https://", "mrn", "1 May"),
    *("-", ".", "/", "_", " ", "@", "+", "(", ")", "'"),
    *("0", "4", "19", "85", "07", "12", "2024", "943", "476", "5870", "756"),
    *(kind for examples in EXAMPLES.values() for kind in examples),
)
VALUES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join)


@given(st.lists(VALUES, min_size=1, max_size=6), st.sampled_from(["patient_id", "x"]))
@pytest.mark.slow
def test_one_look_for_all_forms_finds_what_looking_for_each_finds(values, name):
    frame = pd.DataFrame({name: values})
    quick = find_identifiers(frame)
    with pytest.MonkeyPatch.context() as slow:
        for module in (shapes, identifiers, identifying_codes):
            slow.setattr(module, "none_match", lambda *_, **__: False)
        slow.setattr(identifying_numbers, "_any_formed", lambda *_: True)
        singly = find_identifiers(frame)
    assert [repr(found) for found in quick] == [repr(found) for found in singly]
