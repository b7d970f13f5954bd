"""The identifier check: what stops a load, what must not, and that it never says the value."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettrack.arrays import Bools, Objects
from kettrack.privacy import identifying_shapes
from kettrack.privacy.identifiers import (
    _TWO_NAMES,
    find_identifiers,
    find_in_column,
)
from kettrack.privacy.identifying_names import promise_of
from kettrack.privacy.identifying_people import (
    _CAPITAL_WORD,
    _PERSON,
    _TITLED,
    _WORD,
    first_names,
    person_like,
    titled,
)
from kettrack.privacy.identifying_shapes import (
    IN_CODES,
    IN_TEXT,
    PATTERNS,
    all_plain,
    is_calendar_date,
    looked_through_together,
    matches,
    telephone,
)


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "Name",
        "first_name",
        "PatientName",
        "surname",
        "initials",
        "dob",
        "birth_date",
        "birth.dt",
        "year_of_birth",
        "MRN",
        "nhs_number",
        "SSN",
        "CHI",
        "email",
        "e_mail_address",
        "Phone",
        "tel",
        "mobile number",
        "address",
        "city",
        "postcode",
        "ZIP",
        "visit_date",
        "session_time",
        "timestamp",
        "ip",
        "url",
        "employer",
        "next_of_kin",
        "insurance_no",
        "lot_number",
        "provider_name",
        "clinician_name",
        "photo",
        "notes",
        "comment",
        "free_text",
        "redcap_survey_identifier",
        "nom",
        "Vorname",
        "Nachname",
        "Geburtsdatum",
        "Né(e) le",
        "prénom",
        "date_naissance",
        "Straße",
        "PLZ",
    ],
)
def test_identifying_names(name):
    assert promise_of(name)


@pytest.mark.parametrize(
    "name",
    [
        "score_name",
        "scale_name",
        "drug_name",
        "event_name",
        "site_name",
        "patient",
        "patient_id",
        "day",
        "order",
        "timing",
        "weight_kg",
        "academic_year_code",
        "item_1",
        "site",
        "policy_version_flag",
        "number_of_sessions",
        "nom_echelle",
        "center",
        "chi_square",
        "severity",
        "location_in_room",
        "streak",
        "phase_of_care",
        "dose",
        "rate",
        "update",
        "centre_code",
    ],
)
def test_harmless_names(name):
    assert promise_of(name) is None


def test_a_time_in_small_numbers_is_a_duration():
    assert find_identifiers(pd.DataFrame({"infusion_time": [40, 45, 40]})) == []


@pytest.mark.parametrize(
    "values",
    [
        ["ann@example.org", "bob@example.org", "cy@example.org"],
        ["555-010-1234", "555-010-1235", "555-010-1236"],
        ["+44 20 7946 0958", "+44 20 7946 0959", "(020) 7946 0960"],
        ["123-45-6789", "123-45-6780", "123-45-6781"],
        ["2024-05-01", "2024-05-02", "2024-05-03"],
        ["2024-05-01 10:00:00", "2024-05-02T10:00:00Z", "2024-05-03"],
        ["5/1/2024", "12/31/24", "1.5.2024"],
        ["01-Mar-2024", "02 March 2024", "March 3, 2024"],
        ["20240501", "20240502", "20240503"],
        ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
        ["https://example.org/1", "https://example.org/2", "www.example.org"],
        ["SW1A 1AA", "M1 1AE", "EC1A 1BB"],
        ["felt well", "call ann@example.org", "ok"],
    ],
)
def test_identifying_values_stop_under_any_name(values):
    (found,) = find_identifiers(pd.DataFrame({"x": values}))
    assert found.stop


def test_a_fraction_with_many_digits_is_no_telephone_number():
    days = ["-0.04166666666667", "17.15537303", "12.0416666667"]
    assert find_identifiers(pd.DataFrame({"x": days})) == []
    numbers = ["030.12345678", "+44 20 7946 0958", "020.79460958"]
    assert find_identifiers(pd.DataFrame({"x": numbers}))[0].stop


def test_one_date_in_many_codes_is_not_a_column_of_dates():
    (found,) = find_identifiers(
        pd.DataFrame({"x": [f"K{i}" for i in range(40)] + ["2024-05-01"]})
    )
    assert (found.stop, found.lone, found.hit.sum()) == (False, True, 1)


@pytest.mark.parametrize(
    "codes",
    [
        [f"P{i:03d}" for i in range(50)],
        [f"KT-{i:04d}-1985" for i in range(50)],
        [f"JS{i:02d}" for i in range(50)],
        [f"{i:03d}-0001-01" for i in range(50)],
        # one in eleven is a valid NHS number
        [str(1_000_000_000 + i) for i in range(50)],
        # every one is a ZIP code
        [str(i) for i in np.random.default_rng(1).integers(10**4, 10**5, 50)],
        [str(i) for i in range(50)],
        ["1007c05b-8d20-8fe6-6790-44622f8316df"] * 3,
        ["lost", "refuted", "no_base"],
    ],
    ids=lambda codes: codes[0],
)
def test_study_codes_pass(codes):
    assert find_identifiers(pd.DataFrame({"patient_id": codes})) == []


def test_nine_digits_at_random_are_no_social_security_numbers():
    """Most would be valid ones. They may be record numbers, which is noted."""
    drawn = np.random.default_rng(1).integers(10**8, 10**9, 50)
    codes = pd.DataFrame({"patient_id": [str(code) for code in drawn]})
    (found,) = find_identifiers(codes)
    assert not found.stop
    assert "may be record numbers" in found.why


@pytest.mark.parametrize(
    "value",
    [
        "Ann Example",
        "Example, Ann",
        "EXAMPLE, ANN",
        "ann@example.org",
        "Ann B. Example",
    ],
)
def test_a_single_name_or_address_among_study_codes_stops(value):
    (found,) = find_identifiers(
        pd.DataFrame({"patient_id": [f"P{i}" for i in range(500)] + [value]})
    )
    assert found.stop
    assert found.hit.sum() == 1


CODES = [f"P{i}" for i in range(500)]


@pytest.mark.parametrize(
    "value",
    [
        "ANN EXAMPLE",
        "ann example",
        "Example, A",
        "Example A",
        "Ann.Example",
        "Ann-Example",
        "Ann Example (1980)",
        "Ann Example 1980",
        "A. Example",
        "O'Brien, Pat",
        "Dr. Example",
        "123-45-6789",
        "1980-03-01",
        "1/3/1980",
        "03/01/1980",
        "555-010-1234",
        "(555) 010-1234",
        "+44 20 7946 0958",
        "K7 ann@example.org",
        "MRN123456",
        "mrn 0042",
        "AE-1980-03-01",
        "AE19800301",
    ],
)
def test_one_unmistakable_study_code_stops(value):
    (found,) = find_identifiers(pd.DataFrame({"patient_id": [*CODES, value]}))
    assert (found.stop, found.hit.sum()) == (True, 1)


@pytest.mark.parametrize(
    "codes",
    [
        [
            "KT-0001",
            "S001",
            "arm-b-017",
            "KTB",
            "P-AB",
            "alpha",
            "Arm B",
            "Site North",
            "ward_2",
            "S-1980",
            "1.2.3",
        ],
        ["alpha", "beta", "gamma", "moved"],
        ["KTA", "KTB", "KTC", "KTD"],
        ["Ann", *CODES],
    ],
)
def test_study_codes_that_are_words_pass(codes):
    assert find_identifiers(pd.DataFrame({"patient_id": codes})) == []


@pytest.mark.parametrize(
    "codes",
    [
        ["Jane", "Bob", "Marilyn"],
        ["JANE", "BOB", "MARILYN"],
        ["jane", "bob", "marilyn", "S1"],
    ],
)
def test_a_column_of_first_names_stops(codes):
    assert find_identifiers(pd.DataFrame({"patient_id": codes}))[0].stop
    assert (
        find_identifiers(pd.DataFrame({"patient_id": codes}), allow=["patient_id"])
        == []
    )


@pytest.mark.parametrize(
    "value", ["ann@example.org", "555-010-1234", "1980-03-01", "Mrs Example"]
)
@pytest.mark.parametrize("others", [["7"] * 99, ["north"] * 50 + ["south"] * 49])
def test_a_lone_hit_is_said(value, others):
    (found,) = find_identifiers(pd.DataFrame({"x": [*others, value]}))
    assert found.hit.sum() == 1


def test_bare_digits_need_a_name_that_agrees():
    numbers = [str(4_000_000_000 + 7 * i) for i in range(20)]
    assert find_identifiers(pd.DataFrame({"code": numbers})) == []
    assert find_identifiers(pd.DataFrame({"record_no": numbers}))[0].stop
    assert find_identifiers(pd.DataFrame({"patient number": numbers}))[0].stop


def test_a_column_of_valid_nhs_numbers_stops_whatever_its_name():
    assert find_identifiers(
        pd.DataFrame({"code": [valid_nhs(400_000_000 + 13 * i) for i in range(30)]})
    )[0].stop


def valid_nhs(nine: int) -> str:
    """The next nine digits with a check digit, and that digit; worked out apart from the
    package.
    """
    while True:
        weighted = sum(
            int(digit) * (10 - place) for place, digit in enumerate(str(nine))
        )
        check = (11 - weighted % 11) % 11
        if check < 10:
            return f"{nine}{check}"
        nine += 1


def test_names_and_prose_elsewhere_only_warn():
    frame = pd.DataFrame(
        {
            "center": ["Scripps Institute", "Saint Example", "North Hall"],
            "x": ["the patient slept well again " * 3] * 3,
        }
    )
    assert [(found.column, found.stop) for found in find_identifiers(frame)] == [
        ("center", False),
        ("x", False),
    ]


def test_allow_leaves_a_column_out():
    assert (
        find_identifiers(
            pd.DataFrame({"visit_date": ["2024-05-01"]}), allow=["visit_date"]
        )
        == []
    )


@pytest.mark.parametrize(
    ("file", "columns"),
    [
        ("survival_R/cgd.csv", {"random"}),
        ("survival_R/jasa.csv", {"birth.dt", "accept.dt", "tx.date", "fu.date"}),
        (
            "omop_synthea27nj/person.csv",
            {"birth_datetime", "year_of_birth", "month_of_birth", "day_of_birth"},
        ),
    ],
)
def test_real_tables_with_identifiers_stop(file, columns):
    folder = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not folder:
        pytest.skip("KETTRACK_REFERENCE_DATA is not set: reference data not there")
    frame = pd.read_csv(Path(folder) / file, dtype="str")
    assert columns <= {found.column for found in find_identifiers(frame) if found.stop}


LETTERS = "aZé ßÜ'’-_.,()/+"
SHAPES = [pattern for _, pattern in (*IN_TEXT, *IN_CODES)]


def any_shape(levels):
    """Whether any pattern at all finds anything, by the slow way."""
    within = [matches(levels, pattern, whole=False) for pattern in SHAPES]
    whole = [matches(levels, pattern) for _, pattern in PATTERNS]
    return bool(
        np.any(
            [
                *within,
                *whole,
                is_calendar_date(levels),
                telephone(levels),
                titled(levels),
            ]
        )
    )


@given(
    st.lists(
        st.from_regex(r"\A(?:[A-Za-z_-]{1,40}|[+-]?[0-9]{1,4}(?:[.,][0-9]{1,3})?)\Z"),
        min_size=1,
        max_size=5,
    )
)
@pytest.mark.slow
def test_plain_words_and_short_numbers_are_nothing_anyway(values):
    """Columns of them are passed over at a glance: no pattern could have found anything."""
    levels = np.array(values, dtype=object)
    assert all_plain(levels, codes=False)
    assert not any_shape(levels)


@given(st.lists(st.from_regex(r"\A[A-Z]?[0-9]{1,6}\Z"), min_size=1, max_size=5))
@pytest.mark.slow
def test_plain_study_codes_are_nothing_anyway(values):
    levels = np.array(values, dtype=object)
    assert all_plain(levels, codes=True)
    assert not any_shape(levels)
    assert not (
        person_like(levels) | first_names(levels, np.full(len(levels), 9))
    ).any()


@given(st.text(LETTERS, min_size=1, max_size=30))
def test_without_a_digit_an_at_sign_or_a_colon_there_is_no_shape(value):
    level = np.array([value], dtype=object)
    assert not any(matches(level, pattern, whole=False).any() for pattern in SHAPES)


@given(st.text("aZé'’ÜJ", min_size=1, max_size=12))
@pytest.mark.slow
def test_a_name_of_two_parts_has_something_between_them(value):
    assert not matches(np.array([value], dtype=object), _PERSON).any()


# What the patterns look for, in parts that meet by chance.
PARTS = (
    *("Jane", "SMITH", "o'neil", "J.", "Dr. ", "mrn ", "K7", "x", "ab", "A"),
    *(" ", "-", ".", ", ", "/", ":", "@", "(", ")", "+44 ", "\n", "\t"),
    *("2024-05-01", "1.5.2024", "May 1, 2024", "1 mars 2024", "09:30", "1980"),
    *("020", "7946", "0958", "123-45-6789", "10.0.0.1", "SW1A 1AA", "www."),
)


def test_ascii_text_is_judged_as_beside_text_of_other_alphabets():
    """Columns of ASCII text are judged by shorter patterns; one other letter brings the long ones
    back.
    """
    chance = np.random.default_rng(1)
    sizes = chance.integers(1, 6, size=2000)
    ascii_only = ["".join(chance.choice(PARTS, size)) for size in sizes]
    ascii_only += map(chr, range(128))
    values = np.array(ascii_only, dtype=object)
    beside = np.append(values, "é")
    patterns = {pattern for _, pattern in (*PATTERNS, *IN_CODES)}
    patterns |= {_PERSON, _TITLED, _WORD, _CAPITAL_WORD, f"{_TWO_NAMES} {_TWO_NAMES}"}
    for pattern in (*patterns, r"[\p{L}]"):
        for whole in (True, False):
            found = matches(values, pattern, whole=whole)
            assert (found == matches(beside, pattern, whole=whole)[:-1]).all(), pattern
    assert matches(values, _PERSON).any()


KINDS_OF_COLUMNS = [
    ["12", "7"],
    ["a@b.org", "c@d.org", "e@f.org"],
    ["2024-05-01", "1.5.2024", "May 1, 2024"],
    ["Jane Smith", "Ann Walker", "Zoë Kühn"],
    ["well", "seen on 2024-05-01 by Dr. Example", "worse"],
    ["+49 30 1234567", "030 7654321", "030 1111111"],
    ["13.31.2024", "x", "é"],
    [],
]


@pytest.mark.slow
def test_many_columns_are_judged_together_as_each_by_itself() -> None:
    # As many as it takes to be looked through together.
    columns = [
        np.array([*kind, f"own {place}"] if place % 3 else kind, dtype=object)
        for place, kind in enumerate(KINDS_OF_COLUMNS * 20)
    ]
    alone = [judged(column) for column in columns]
    assert len({why for why, _ in alone}) > 4, "they differ, or this would tell nothing"
    with looked_through_together(columns):
        together = [judged(column) for column in columns]
    assert together == alone


def judged(levels: Objects) -> tuple[str, list[bool]]:
    counts = np.ones(len(levels), dtype=np.int64)
    found = find_in_column("field_x", levels, counts)
    return (found.why, found.hit.tolist()) if found else ("", [])


def test_a_pattern_is_set_up_once_for_many_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def found(levels: Objects, searched: str) -> Bools:
        asked.append(searched)
        return np.zeros(len(levels), dtype=bool)

    monkeypatch.setattr(identifying_shapes, "_found", found)
    columns = [np.array([f"text {place}"], dtype=object) for place in range(200)]
    with looked_through_together(columns):
        for column in columns:
            find_in_column("field_x", column, np.ones(1, dtype=np.int64))
    assert asked
    assert len(asked) == len(set(asked))
