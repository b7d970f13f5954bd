"""FHIR as servers really write it: every record becomes a row or is accounted for, and what nobody
can tell is asked.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from kettrack.errors import DataProblems, UsageError
from kettrack.importing.apply import apply_map
from kettrack.importing.prepare import prepare
from kettrack.importing.registry import read_source, recognised
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData

Json = dict[str, Any]
LOINC = "http://loinc.org"
PHQ9_ITEMS = (
    "44250-9",
    "44255-8",
    "44259-0",
    "44254-1",
    "44251-7",
    "44258-2",
    "44252-5",
    "44253-3",
    "44260-8",
)
ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
NOON = "2024-03-05T12:00:00-05:00"


class Read(NamedTuple):
    source: SourceData
    remarks: Remarks

    def rows(self, is_a: str) -> list[Json]:
        return [
            {name: cell for name, cell in row.items() if cell is not None}
            for table in self.source.tables
            if table.is_a == is_a
            for row in table.data.to_pylist()
        ]

    @property
    def scores(self) -> list[Json]:
        return self.rows("scores")

    @property
    def sessions(self) -> list[Json]:
        return self.rows("sessions")

    @property
    def reasons(self) -> list[str]:
        return [one.reason for one in self.remarks.said]

    @property
    def questions(self) -> list[str]:
        return [one.key for one in self.remarks.asked]


def read(path: Path, answers: Mapping[str, str] | None = None) -> Read:
    remarks = Remarks()
    source = read_source(path, answers or {}, remarks, "fhir")
    check_accounts(source, remarks)
    return Read(source, remarks)


def check_accounts(source: SourceData, remarks: Remarks) -> None:
    """Every record is a row, is joined to one, or is said."""
    said: dict[tuple[str, str], set[int]] = {}
    for one in remarks.said:
        if one.row is not None and not one.column:
            said.setdefault((one.file, one.table), set()).add(one.row)
    for table in source.tables:
        # Deaths are cells of the records of patients.
        kind = table.name.replace("Patient deaths", "Patient")
        said.setdefault((table.file, kind), set()).update(table.rows.to_pylist())
    for place, numbers in source.joined.items():
        said.setdefault(place, set()).update(numbers.to_pylist())
    assert said == {
        place: set(numbers.to_pylist()) for place, numbers in source.records.items()
    }


def of_records(
    tmp_path: Path,
    *records: Json,
    answers: Mapping[str, str] | None = None,
) -> Read:
    """Records of a bulk export, one a line."""
    path = tmp_path / "Export.ndjson"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in records))
    return read(path, answers)


def coded(code: str, system: str = LOINC) -> Json:
    coding = {"system": system, "code": code} if system else {"code": code}
    return {"coding": [coding]}


def observation(loinc: str = "44261-6", **fields: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": coded(loinc),
        "subject": {"reference": "Patient/a"},
        "effectiveDateTime": NOON,
        **fields,
    }


def answer(link: str, points: int, **fields: Any) -> Json:
    coding = {"system": LOINC, "code": ANSWERS[points]}
    return {"linkId": link, "answer": [{"valueCoding": coding, **fields}]}


def response(*items: Json, **fields: Any) -> Json:
    return {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "http://hl7.org/fhir/us/core/Questionnaire/phq-9-example",
        "subject": {"reference": "Patient/a"},
        "authored": NOON,
        "item": list(items),
        **fields,
    }


def administration(**fields: Any) -> Json:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": coded(
            "6130", "http://www.nlm.nih.gov/research/umls/rxnorm"
        ),
        "subject": {"reference": "Patient/a"},
        "effectivePeriod": {
            "start": "2024-03-05T10:00:00-05:00",
            "end": "2024-03-05T10:40:00-05:00",
        },
        "dosage": {
            "route": {"text": "iv"},
            "dose": {"value": 40, "unit": "mg", "code": "mg"},
        },
        **fields,
    }


# --- totals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ({"valueQuantity": {"value": 17, "code": "{score}"}}, 17),
        ({"valueInteger": 17}, 17),
        ({"valueInteger": 17.0}, 17),
        ({"valueDecimal": 17.5}, 17.5),
        ({"valueString": "17"}, 17),
        ({"valueInteger": 0}, 0),
        ({"valueString": "17 points"}, None),
        ({"valueString": "seventeen"}, None),
        ({"valueBoolean": True}, None),
        ({"valueInteger": True}, None),
        ({"valueQuantity": {"value": 5, "comparator": "<"}}, None),
        ({"valueQuantity": {"value": 63, "code": "%"}}, None),
        ({"valueQuantity": {"unit": "{score}"}}, None),
        ({"dataAbsentReason": coded("asked-declined", "x")}, None),
    ],
)
def test_a_total_in_every_type(tmp_path: Path, value: Json, score: float) -> None:
    found = of_records(tmp_path, observation(**value)).scores
    assert [row["score"] for row in found] == ([] if score is None else [score])


def test_the_code_of_the_form_may_carry_the_total(tmp_path: Path) -> None:
    found = of_records(tmp_path, observation("44249-1", valueInteger=12))
    assert [row["score"] for row in found.scores] == [12]
    assert "its code names the form; its number is read as the total" in found.reasons


@pytest.mark.parametrize(
    ("code", "system"),
    [
        ("44261-6", "http://example.org/forms"),
        ("55758-7", LOINC),
        ("44261-6 ", "http://snomed.info/sct"),
        ("69722-7", LOINC),
    ],
)
def test_another_code_is_no_score(tmp_path: Path, code: str, system: str) -> None:
    one = observation(valueInteger=3, code=coded(code, system))
    assert of_records(tmp_path, one).scores == []


def test_a_code_without_its_system_is_read_and_said(tmp_path: Path) -> None:
    found = of_records(tmp_path, observation(code=coded("44261-6", ""), valueInteger=3))
    assert len(found.scores) == 1
    assert "its code names no system; read as one of LOINC" in found.reasons


def test_a_code_of_a_survey_is_asked_about(tmp_path: Path) -> None:
    survey = [{"coding": [{"code": "survey"}]}]
    one = observation("99999-9", valueInteger=31, category=survey)
    found = of_records(tmp_path, one)
    key = "code.http://loinc.org|99999-9"
    assert (found.scores, found.questions) == ([], [key])
    told = of_records(tmp_path, one, answers={key: "MADRS"})
    assert [(row["instrument"], row["score"]) for row in told.scores] == [("MADRS", 31)]
    item = of_records(
        tmp_path,
        one | {"valueInteger": 3},
        answers={key: "MADRS item_3"},
    )
    assert item.scores[0]["item_3"] == 3
    assert of_records(tmp_path, one, answers={key: "none"}).questions == []


def test_records_of_no_survey_are_not_asked_about(tmp_path: Path) -> None:
    found = of_records(tmp_path, observation("8480-6", valueInteger=120))
    assert (found.scores, found.questions) == ([], [])


# --- answers ----------------------------------------------------------------------------


def test_answers_as_records_make_one_row(tmp_path: Path) -> None:
    items = [
        observation(code, valueCodeableConcept=coded(ANSWERS[place % 4]))
        for place, code in enumerate(PHQ9_ITEMS)
    ]
    total = observation(valueString="12")
    members = observation("44249-1", hasMember=[{"reference": "Observation/1"}])
    found = of_records(tmp_path, *items, total, members)
    assert [(row["score"], row["item_4"]) for row in found.scores] == [(12, 3)]
    (joined,) = found.source.joined.values()
    assert joined.to_pylist() == list(range(1, 10))


def test_answers_as_parts_of_one_record(tmp_path: Path) -> None:
    parts = [
        {"code": coded(code), "valueInteger": place % 4}
        for place, code in enumerate([*PHQ9_ITEMS, "69722-7"])
    ]
    found = of_records(tmp_path, observation("44249-1", component=parts)).scores
    assert [(row.get("score"), row["item_9"]) for row in found] == [(None, 0)]
    assert "item_10" not in found[0]


FORMS = [
    ["/44250-9", "/44255-8", "/44260-8"],
    ["44250-9", "44255-8", "44260-8"],
    ["/44249-1/44250-9", "/44249-1/44255-8", "/44249-1/44260-8"],
    ["PHQ.1", "PHQ.2", "PHQ.9"],
    ["PHQ-9.1", "PHQ-9.2", "PHQ-9.9"],
    ["phq9_1", "phq9_2", "phq9_9"],
    ["phq9q1", "phq9q2", "phq9q9"],
    ["1", "2", "9"],
    ["/q01", "/q02", "/q09"],
]


@pytest.mark.parametrize("links", FORMS, ids=lambda links: links[0])
def test_links_of_questions(tmp_path: Path, links: list[str]) -> None:
    items = [
        answer(link, points) for link, points in zip(links, (1, 2, 3), strict=True)
    ]
    (row,) = of_records(tmp_path, response(*items)).scores
    assert (row["item_1"], row["item_2"], row["item_9"]) == (1, 2, 3)


@pytest.mark.parametrize("link", ["1", "PHQ.1", "q1", "14363", "phq91", "PHQ-9"])
def test_a_link_that_nobody_can_read_is_asked_about(tmp_path: Path, link: str) -> None:
    one = response(
        answer(link, 1), questionnaire="http://example.org/Questionnaire/intake"
    )
    found = of_records(tmp_path, one)
    assert (found.scores, found.questions) == ([], ["form.intake"])


def test_an_answer_says_which_scale_a_form_is(tmp_path: Path) -> None:
    one = response(
        answer("1", 1), questionnaire="http://example.org/Questionnaire/intake"
    )
    (row,) = of_records(tmp_path, one, answers={"form.intake": "PHQ-9"}).scores
    assert row["item_1"] == 1


FORM = {
    "resourceType": "Questionnaire",
    "id": "intake",
    "url": "http://example.org/Questionnaire/intake",
    "item": [
        {
            "linkId": "g",
            "item": [
                {"linkId": "1", "code": [{"system": LOINC, "code": "44255-8"}]},
                {
                    "linkId": "14363",
                    "code": [{"system": LOINC, "code": "44250-9"}],
                    "answerOption": [
                        {
                            "valueCoding": {
                                "code": "often",
                                "extension": [
                                    {
                                        "url": "http://hl7.org/fhir/StructureDefinition/ordinalValue",
                                        "valueDecimal": 3,
                                    }
                                ],
                            }
                        }
                    ],
                },
            ],
        }
    ],
}


@pytest.mark.parametrize("inside", [False, True], ids=["beside", "contained"])
def test_the_form_says_which_question_it_is(tmp_path: Path, inside: bool) -> None:
    group = {
        "linkId": "g",
        "item": [
            answer("1", 2),
            answer("/44260-8", 0),
            {"linkId": "14363", "answer": [{"valueCoding": {"code": "often"}}]},
        ],
    }
    records = (
        [response(group, questionnaire="#intake", contained=[FORM])]
        if inside
        # The form stands behind its response, and is named with its version.
        else [response(group, questionnaire=f"{FORM['url']}|2.0"), FORM]
    )
    (row,) = of_records(tmp_path, *records).scores
    assert (row["item_1"], row["item_2"]) == (3, 2)


ORDINALS = [
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-ordinalValue",
]


@pytest.mark.parametrize("url", ORDINALS)
@pytest.mark.parametrize("where", ["coding", "answer"])
def test_points_beside_an_answer_go_before_its_code(
    tmp_path: Path, url: str, where: str
) -> None:
    points = [{"url": url, "valueDecimal": 3}]
    item = answer("/44250-9", 1)
    one = item["answer"][0]
    (one["valueCoding"] if where == "coding" else one)["extension"] = points
    found = of_records(tmp_path, response(item))
    assert found.scores[0]["item_1"] == 3
    assert any("those beside it count" in reason for reason in found.reasons)


def test_a_total_in_the_response(tmp_path: Path) -> None:
    items = [answer(f"/{code}", 1) for code in PHQ9_ITEMS]
    total = {"linkId": "/44261-6", "answer": [{"valueDecimal": 9}]}
    hard = {"linkId": "/69722-7", "answer": [{"valueCoding": {"code": "LA6574-3"}}]}
    found = of_records(tmp_path, response(*items, total, hard))
    (row,) = found.scores
    assert (row["score"], row["item_9"], "item_10" in row) == (9, 1, False)


def test_two_answers_to_one_question_are_refused(tmp_path: Path) -> None:
    item = answer("/44250-9", 1)
    item["answer"] += answer("/44250-9", 2)["answer"]
    found = of_records(tmp_path, response(item, answer("/44255-8", 1)))
    assert found.scores[0].keys() & {"item_1", "item_2"} == {"item_2"}
    assert "two different answers to one question" in found.reasons


def test_codes_that_are_bare_numbers_are_asked_about(tmp_path: Path) -> None:
    item = {"linkId": "/44250-9", "answer": [{"valueCoding": {"code": "2"}}]}
    one = response(item, answer("/44260-8", 1))
    found = of_records(tmp_path, one)
    assert found.questions == ["answer_codes.phq-9-example"]
    assert "item_1" not in found.scores[0]
    for choice, points in (("points", 2), ("one more than the points", 1)):
        told = of_records(
            tmp_path,
            one,
            answers={"answer_codes.phq-9-example": choice},
        )
        assert told.scores[0]["item_1"] == points


def test_one_form_may_hold_two_scales(tmp_path: Path) -> None:
    one = response(answer("/44250-9", 1), answer("/69725-0", 2))
    found = of_records(tmp_path, one).scores
    assert {row["instrument"] for row in found} == {"PHQ-9", "GAD-7"}


# --- one row a day ----------------------------------------------------------------------


def full_response(points: int, **fields: Any) -> Json:
    return response(*(answer(f"/{code}", points) for code in PHQ9_ITEMS), **fields)


def test_response_and_total_are_one(tmp_path: Path) -> None:
    found = of_records(
        tmp_path,
        observation(
            valueInteger=9, derivedFrom=[{"reference": "QuestionnaireResponse/1"}]
        ),
        full_response(1),
    )
    (row,) = found.scores
    assert (row["score"], row["item_1"]) == (9, 1)
    assert (
        "records of the same patient, scale and day; they make one row" in found.reasons
    )


def test_an_amended_record_replaces_the_first(tmp_path: Path) -> None:
    found = of_records(
        tmp_path,
        observation(valueInteger=9),
        observation(valueInteger=11, status="amended"),
    )
    assert [row["score"] for row in found.scores] == [11]


def test_different_scores_of_one_day_are_asked_about(tmp_path: Path) -> None:
    records = [
        observation(valueInteger=9),
        observation(valueInteger=20, effectiveDateTime="2024-03-05T09:00:00-05:00"),
    ]
    found = of_records(tmp_path, *records)
    assert (found.scores, found.questions) == ([], ["same_day.PHQ-9"])
    for choice, score in (("first", 20), ("last", 9)):
        told = of_records(tmp_path, *records, answers={"same_day.PHQ-9": choice})
        assert [row["score"] for row in told.scores] == [score]


def test_different_scores_of_one_time_are_refused(tmp_path: Path) -> None:
    found = of_records(
        tmp_path,
        observation(valueInteger=9),
        observation(valueInteger=20),
        answers={"same_day.PHQ-9": "first"},
    )
    assert found.scores == []


def test_a_total_that_is_not_that_of_its_answers(tmp_path: Path) -> None:
    total = {"linkId": "/44261-6", "answer": [{"valueInteger": 12}]}
    one = full_response(1)
    one["item"].append(total)
    found = of_records(tmp_path, one)
    key = "total_or_answers.PHQ-9"
    assert (found.scores, found.questions) == ([], [key])
    (by_answers,) = of_records(tmp_path, one, answers={key: "answers"}).scores
    assert ("score" in by_answers, by_answers["item_1"]) == (False, 1)
    (by_total,) = of_records(tmp_path, one, answers={key: "total"}).scores
    assert (by_total["score"], "item_1" in by_total) == (12, False)


# --- status and versions ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "n_rows"),
    [
        (observation(valueInteger=3, status="entered-in-error"), 0),
        (observation(valueInteger=3, status="cancelled"), 0),
        (observation(valueInteger=3, status="preliminary"), 0),
        (observation(valueInteger=3, status="registered"), 0),
        (observation(valueInteger=3, status="Jane Smith"), 0),
        (observation(valueInteger=3, status="corrected"), 1),
        (full_response(1, status="in-progress"), 0),
        (full_response(1, status="stopped"), 0),
        (full_response(1, status="amended"), 1),
        (administration(status="not-done"), 0),
        (administration(status="entered-in-error"), 0),
        (administration(status="on-hold"), 0),
        (administration(status="stopped"), 1),
    ],
)
def test_status(tmp_path: Path, record: Json, n_rows: int) -> None:
    found = of_records(tmp_path, record)
    assert len(found.scores) + len(found.sessions) == n_rows
    assert "Jane" not in str(found.remarks)


def test_a_status_that_leaves_it_open_is_asked_about(tmp_path: Path) -> None:
    one = observation(valueInteger=3, status="preliminary")
    key = "status.Observation.preliminary"
    assert of_records(tmp_path, one, one).questions == [key]
    assert len(of_records(tmp_path, one, answers={key: "observed"}).scores) == 1


def test_a_session_that_was_broken_off(tmp_path: Path) -> None:
    (row,) = of_records(tmp_path, administration(status="stopped")).sessions
    assert row["stopped_early"] is True


def test_the_latest_version_counts(tmp_path: Path) -> None:
    found = of_records(
        tmp_path,
        observation(id="1", valueInteger=20, meta={"versionId": "10"}),
        observation(id="1", valueInteger=9, meta={"versionId": "9"}),
    )
    assert [row["score"] for row in found.scores] == [20]
    assert found.reasons == ["an earlier version of another record"]


def test_a_record_that_comes_twice(tmp_path: Path) -> None:
    one = observation(id="1", valueInteger=20)
    found = of_records(tmp_path, one, one)
    assert len(found.scores) == 1
    assert found.reasons == ["the same record stands elsewhere"]


def test_one_id_for_two_records_without_versions(tmp_path: Path) -> None:
    other = {"subject": {"reference": "Patient/b"}}
    found = of_records(
        tmp_path,
        observation(id="1", valueInteger=20),
        observation(id="1", valueInteger=9, **other),
    )
    assert [row["score"] for row in found.scores] == [20, 9]


# --- days -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-03-05", "2024-03-05"),
        ("2024-03-05T23:30:00-05:00", "2024-03-05"),
        ("2024-03-05T00:30:00.123+13:00", "2024-03-05"),
        ("2024-03-05T23:30Z", "2024-03-05"),
        ("2024-03-05T23:30:00", "2024-03-05"),
        ("2024-02-29", "2024-02-29"),
        ("2024-03", None),
        ("2024", None),
        ("2023-02-29", None),
        ("0024-03-05", None),
        ("05.03.2024", None),
        ("2024-03-05 12:00", None),
        ("", None),
    ],
)
def test_the_day_is_the_clinics(tmp_path: Path, text: str, day: str | None) -> None:
    found = of_records(tmp_path, observation(valueInteger=3, effectiveDateTime=text))
    assert [str(row["date"]) for row in found.scores] == ([day] if day else [])
    assert not text or text not in str(found.remarks)


@pytest.mark.parametrize("text", ["2024-03", "2024"])
def test_a_date_without_its_day_is_refused_with_that_reason(
    tmp_path: Path, text: str
) -> None:
    found = of_records(tmp_path, full_response(1, authored=text))
    assert found.reasons == ["its date names no day"]


def test_times_in_utc_near_midnight_are_asked_about(tmp_path: Path) -> None:
    one = observation(valueInteger=3, effectiveDateTime="2024-03-06T01:30:00Z")
    assert of_records(tmp_path, one).questions == ["time_zone"]
    told = of_records(tmp_path, one, answers={"time_zone": "America/New_York"})
    assert (str(told.scores[0]["date"]), told.questions) == ("2024-03-05", [])
    assert of_records(tmp_path, one, answers={"time_zone": "UTC"}).questions == []
    with pytest.raises(UsageError, match="names no time zone"):
        of_records(tmp_path, one, answers={"time_zone": "Gotham"})


def test_midnight_in_utc_is_a_date(tmp_path: Path) -> None:
    one = observation(valueInteger=3, effectiveDateTime="2024-03-06T00:00:00Z")
    told = of_records(tmp_path, one, answers={"time_zone": "America/New_York"})
    assert (str(told.scores[0]["date"]), told.questions) == ("2024-03-06", [])


def test_a_period_of_several_days_has_no_day(tmp_path: Path) -> None:
    period = {"start": "2024-03-01", "end": "2024-03-05"}
    one = observation(valueInteger=3, effectivePeriod=period)
    del one["effectiveDateTime"]
    found = of_records(tmp_path, one)
    assert found.reasons == [
        "it stands for a period of several days, and no day of its own"
    ]


# --- who --------------------------------------------------------------------------------

PATIENT = {
    "resourceType": "Patient",
    "id": "a",
    "identifier": [{"system": "urn:mrn", "value": "007"}],
    "birthDate": "1980-05-06",
    "gender": "female",
    "name": [{"family": "Planted"}],
    "address": [{"city": "Planted"}],
    "text": {"status": "generated", "div": "<div>Planted</div>"},
}


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/a"},
        {"reference": "Patient/a/_history/3"},
        {"reference": "https://example.org/fhir/Patient/a"},
        {"reference": "Patient?identifier=urn:mrn|007"},
        {"identifier": {"system": "urn:mrn", "value": "007"}, "type": "Patient"},
        {"reference": "#p1"},
    ],
    ids=lambda subject: str(subject.get("reference", "number")),
)
def test_every_way_to_point_at_a_patient(tmp_path: Path, subject: Json) -> None:
    inside = {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": PATIENT["identifier"],
    }
    one = observation(valueInteger=3, subject=subject, contained=[inside])
    found = of_records(tmp_path, one, PATIENT)
    assert [row["patient_id"] for row in found.scores] == ["a"]


@pytest.mark.parametrize(
    "subject",
    [
        None,
        {},
        {"display": "Jane Smith"},
        {"reference": "Group/1"},
        {"reference": "#x"},
    ],
)
def test_a_record_about_nobody_is_refused(tmp_path: Path, subject: Json | None) -> None:
    one = observation(valueInteger=3)
    one.pop("subject")
    found = of_records(
        tmp_path, one | ({"subject": subject} if subject is not None else {})
    )
    assert found.scores == []


def test_a_bundle_names_its_patient_by_address(tmp_path: Path) -> None:
    path = tmp_path / "bundle.json"
    patient = {key: value for key, value in PATIENT.items() if key != "id"}
    name = "urn:uuid:1a2b"
    entries = [
        {"resource": observation(valueInteger=3, subject={"reference": name})},
        {"fullUrl": name, "resource": patient},
    ]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    found = read(path)
    assert found.scores[0]["patient_id"] == found.rows("patients")[0]["patient_id"]


def test_a_patient_whose_record_was_replaced(tmp_path: Path) -> None:
    link = [{"type": "replaced-by", "other": {"reference": "Patient/b"}}]
    found = of_records(
        tmp_path,
        observation(valueInteger=3),
        PATIENT | {"link": link},
        PATIENT | {"id": "b", "identifier": []},
    )
    assert [row["patient_id"] for row in found.scores] == ["b"]
    assert [row["patient_id"] for row in found.rows("patients")] == ["b"]


def test_of_a_patient_only_age_and_sex_are_read(tmp_path: Path) -> None:
    found = of_records(tmp_path, PATIENT)
    (row,) = found.rows("patients")
    assert (str(row["birth_date"]), row["sex"]) == ("1980-05-06", "female")
    assert set(row) == {"patient_id", "birth_date", "sex"}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1980", "1980-07-15"),
        ("1980-03", "1980-03-15"),
        ("80", None),
        ("1980-13", None),
    ],
)
def test_of_a_birth_known_in_part_the_middle_is_taken(
    tmp_path: Path, text: str, day: str | None
) -> None:
    found = of_records(tmp_path, PATIENT | {"birthDate": text})
    (row,) = found.rows("patients")
    assert str(row.get("birth_date")) == str(day)
    assert text not in found.remarks.table().to_csv()


# --- sessions ---------------------------------------------------------------------------


def test_an_infusion(tmp_path: Path) -> None:
    (row,) = of_records(tmp_path, administration()).sessions
    assert row | {"date": str(row["date"])} == {
        "patient_id": "a",
        "date": "2024-03-05",
        "drug": "ketamine",
        "route": "iv",
        "dose_mg": "40 mg",
        "duration_min": 40,
    }


@pytest.mark.parametrize(
    ("route", "word"),
    [
        ({"text": "Intravenous route (qualifier value)"}, "iv"),
        ({"coding": [{"display": "Nasal use"}]}, "intranasal"),
        (coded("78421000", "http://snomed.info/sct"), "im"),
        ({"text": "through the pump"}, "through the pump"),
        ({}, None),
    ],
)
def test_routes(tmp_path: Path, route: Json, word: str | None) -> None:
    (row,) = of_records(tmp_path, administration(dosage={"route": route})).sessions
    assert row.get("route") == word


def r5(**fields: Any) -> Json:
    one = administration(**fields)
    del one["medicationCodeableConcept"]
    del one["effectivePeriod"]
    return one


@pytest.mark.parametrize(
    "record",
    [
        r5(
            medication={"concept": {"text": "Spravato 28 mg nasal spray"}},
            occurenceDateTime=NOON,
        ),
        r5(
            medication={"reference": {"reference": "Medication/m"}},
            occurencePeriod={"start": NOON},
        ),
        r5(
            medication={"reference": {"display": "esketamine"}}, occurrenceDateTime=NOON
        ),
        r5(medicationReference={"reference": "Medication/m"}, effectiveDateTime=NOON),
        r5(
            medicationReference={"reference": "#m"},
            effectiveDateTime=NOON,
            contained=[
                {"resourceType": "Medication", "id": "m", "code": {"text": "Spravato"}}
            ],
        ),
    ],
)
def test_a_drug_in_every_form(tmp_path: Path, record: Json) -> None:
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "code": coded("2201623", "http://www.nlm.nih.gov/research/umls/rxnorm"),
    }
    (row,) = of_records(tmp_path, record, medication).sessions
    assert (row["drug"], str(row["date"])) == ("esketamine", "2024-03-05")


@pytest.mark.parametrize(
    "concept",
    [
        {"text": "Norketamine level"},
        {"text": "Ondansetron"},
        coded("6130", "http://example.org/accounts"),
        {},
    ],
)
def test_another_drug_is_no_session(tmp_path: Path, concept: Json) -> None:
    one = administration(medicationCodeableConcept=concept)
    assert of_records(tmp_path, one).sessions == []


@pytest.mark.parametrize(
    ("start", "field", "r5_field"),
    [
        (NOON, "performedDateTime", "occurrenceDateTime"),
        ({"start": NOON}, "performedPeriod", "occurrencePeriod"),
    ],
)
def test_a_procedure_in_both_versions(
    tmp_path: Path, start: object, field: str, r5_field: str
) -> None:
    for name in (field, r5_field):
        one = {
            "resourceType": "Procedure",
            "status": "completed",
            "code": {"text": "Ketamine infusion"},
            "subject": {"reference": "Patient/a"},
            name: start,
        }
        assert len(of_records(tmp_path, one).sessions) == 1


def test_administration_and_procedure_are_one_session(tmp_path: Path) -> None:
    procedure = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": "Ketamine infusion"},
        "subject": {"reference": "Patient/a"},
        "performedPeriod": {"start": NOON, "end": "2024-03-05T12:50:00-05:00"},
    }
    one = administration(effectiveDateTime=NOON)
    del one["effectivePeriod"]
    (row,) = of_records(tmp_path, procedure, one).sessions
    assert (row["dose_mg"], row["duration_min"]) == ("40 mg", 50)


def test_a_session_that_ends_before_it_begins(tmp_path: Path) -> None:
    period = {"start": NOON, "end": "2024-03-05T11:00:00-05:00"}
    found = of_records(tmp_path, administration(effectivePeriod=period))
    assert "duration_min" not in found.sessions[0]
    assert "it ends before it begins" in found.reasons


# --- files ------------------------------------------------------------------------------


def test_a_bulk_folder(tmp_path: Path) -> None:
    (tmp_path / "Patient.000.ndjson").write_text(json.dumps(PATIENT))
    packed = gzip.compress(f"\n{json.dumps(observation(valueInteger=3))}\n".encode())
    (tmp_path / "Observation.000.ndjson.gz").write_bytes(packed)
    (tmp_path / "export.json").write_text('{"output": []}')
    assert recognised(tmp_path).kind == "fhir"
    found = read(tmp_path)
    (scores,) = [one for one in found.source.tables if one.is_a == "scores"]
    # The number is the line of the file, empty ones counted.
    assert (scores.name, scores.rows.to_pylist()) == ("Observation", [2])
    assert found.reasons == ["no record of FHIR stands in this file; it was not read"]


def test_a_broken_line_loses_one_record(tmp_path: Path) -> None:
    path = tmp_path / "Observation.ndjson"
    good = json.dumps(observation(valueInteger=3))
    path.write_text(f'{good}\n{{"resourceType": "Obs\n[1]\n{{}}\n{good}\n')
    found = read(path)
    assert len(found.scores) == 1
    assert [one.action for one in found.remarks.said[:3]] == ["refused"] * 3


def test_a_field_of_another_type_refuses_its_record(tmp_path: Path) -> None:
    found = of_records(tmp_path, observation(valueInteger=3, status=["Planted"]))
    assert found.reasons == [
        "a field that is read is not of the type that FHIR gives it"
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"resourceType": "Observation", "status": '),
        ("a.json.gz", b"\x1f\x8b no packed file"),
        ("a.xml", b'<Patient xmlns="http://hl7.org/fhir"><id'),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataProblems, match="this file is"):
        read(path)


def test_xml_says_the_same_as_json(tmp_path: Path) -> None:
    path = tmp_path / "bundle.xml"
    path.write_text(
        """<?xml version="1.0" encoding="UTF-8"?>
        <Bundle xmlns="http://hl7.org/fhir"><type value="collection"/>
        <entry><resource><QuestionnaireResponse>
          <text><div xmlns="http://www.w3.org/1999/xhtml">Planted</div></text>
          <status value="completed"/>
          <subject><reference value="Patient/007"/></subject>
          <authored value="2024-03-05T12:00:00-05:00"/>
          <item><linkId value="g"/><item><linkId value="/44250-9"/>
            <answer><valueCoding>
              <extension url="http://hl7.org/fhir/StructureDefinition/ordinalValue">
                <valueDecimal value="2"/></extension>
              <system value="http://loinc.org"/><code value="LA6570-1"/>
            </valueCoding></answer></item></item>
          <item><linkId value="/44261-6"/><answer><valueInteger value="17"/></answer></item>
        </QuestionnaireResponse></resource></entry>
        <entry><resource><MedicationAdministration>
          <status value="completed"/>
          <medicationCodeableConcept><text value="Ketamine"/></medicationCodeableConcept>
          <subject><reference value="Patient/007"/></subject>
          <effectiveDateTime value="2024-03-05"/>
          <dosage><dose><value value="0.5"/><unit value="mg/kg"/></dose></dosage>
        </MedicationAdministration></resource></entry></Bundle>"""
    )
    assert recognised(path).kind == "fhir"
    found = read(path)
    (row,) = found.scores
    assert (row["patient_id"], row["item_1"], row["score"]) == ("007", 2, 17)
    assert found.sessions[0]["dose_mg"] == "0.5 mg/kg"


def test_xml_with_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        '<!DOCTYPE a [<!ENTITY b "c">]><Patient xmlns="http://hl7.org/fhir">'
        '<id value="&b;"/></Patient>'
    )
    with pytest.raises(DataProblems, match="holds entities"):
        read(path)


def test_names_of_files_may_be_names_of_people(tmp_path: Path) -> None:
    for name in ("Jane_Smith.json", "John_Miller.json"):
        (tmp_path / name).write_text(json.dumps(PATIENT | {"id": name}))
    found = read(tmp_path)
    files = {table.file for table in found.source.tables}
    assert files == {"file 1 (name hidden)", "file 2 (name hidden)"}


def test_nothing_identifying_is_said(tmp_path: Path) -> None:
    secret = "Planted"
    found = of_records(
        tmp_path,
        PATIENT,
        observation(valueString=secret, note=[{"text": secret}]),
        observation(secret, valueInteger=3),
        observation(valueInteger=3, subject={"reference": f"Group/{secret}"}),
        {"resourceType": secret},
        administration(medicationCodeableConcept={"text": secret}),
        response(answer(secret, 1), questionnaire=secret),
    )
    assert secret not in found.remarks.table().to_csv()
    assert not any(secret in str(table.data) for table in found.source.tables)


def test_the_official_examples_of_germany() -> None:
    data = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not data:
        pytest.skip("no reference data")
    found = read(Path(data) / "fhir_mii_phq9")
    (row,) = found.scores
    assert row["score"] == 27
    assert [row[f"item_{number}"] for number in range(1, 10)] == [3] * 9
    assert found.questions == []


def test_columns_are_typed(tmp_path: Path) -> None:
    found = of_records(tmp_path, observation(valueInteger=3), full_response(1))
    for table in found.source.tables:
        assert table.data.schema.field("date").type == pa.date32()
        assert table.data.schema.field("patient_id").type == pa.string()


# --- sessions and scores of one day -----------------------------------------------------


def spray(minute: int, value: float = 28) -> Json:
    return administration(
        medicationCodeableConcept={"text": "Spravato"},
        effectivePeriod={"start": f"2024-03-05T10:{minute:02}:00-05:00"},
        dosage={"dose": {"value": value, "unit": "mg"}},
    )


@pytest.mark.parametrize("codes", [PHQ9_ITEMS[:2], ("69725-0", "68509-9")])
def test_the_first_two_questions_alone_are_a_short_form(
    tmp_path: Path, codes: tuple[str, ...]
) -> None:
    as_form = response(*(answer(f"/{code}", 1) for code in codes))
    as_records = [observation(code, valueInteger=1) for code in codes]
    for records in ([as_form], as_records):
        found = of_records(tmp_path, *records)
        assert found.scores == []
        assert any("its two answers are those of" in one for one in found.reasons)


def test_several_administrations_of_a_day_are_asked_about(tmp_path: Path) -> None:
    records = [spray(5), spray(0), spray(10)]
    found = of_records(tmp_path, *records)
    assert (len(found.sessions), found.questions) == (3, ["same_day_sessions"])
    choice = {"same_day_sessions": "parts of one session"}
    (row,) = of_records(tmp_path, *records, answers=choice).sessions
    assert (row["dose_mg"], row["duration_min"]) == ("84 mg", 10)
    several = {"same_day_sessions": "several sessions"}
    assert len(of_records(tmp_path, *records, answers=several).sessions) == 3


def test_parts_of_different_units_have_no_sum(tmp_path: Path) -> None:
    other = spray(5)
    other["dosage"]["dose"] = {"value": 0.3, "unit": "mL"}
    choice = {"same_day_sessions": "parts of one session"}
    (row,) = of_records(tmp_path, spray(0), other, answers=choice).sessions
    assert "dose_mg" not in row


@pytest.mark.parametrize(
    ("quantity", "kg"),
    [
        ({"value": 70, "unit": "kg", "code": "kg"}, 70),
        ({"value": 154, "unit": "lb", "code": "[lb_av]"}, 69.9),
        ({"value": 5, "unit": "foot", "code": "[ft_i]"}, None),
    ],
)
def test_the_weight_of_a_session_day(
    tmp_path: Path, quantity: Json, kg: float | None
) -> None:
    weight = observation("29463-7", valueQuantity=quantity)
    before = weight | {"effectiveDateTime": "2024-03-04"}
    (row,) = of_records(tmp_path, administration(), weight, before).sessions
    assert row.get("weight_kg") == kg


def test_times_of_scores_on_a_session_day(tmp_path: Path) -> None:
    early = {"effectiveDateTime": "2024-03-05T09:00:00-05:00"}
    late = {"effectiveDateTime": "2024-03-05T11:00:00-05:00"}
    before = observation(valueInteger=20, **early)
    after = observation("70274-6", valueInteger=9, **late)
    found = of_records(tmp_path, administration(), before, after)
    assert found.questions == ["score_times"]
    assert not any("timing" in row for row in found.scores)
    answered = {"score_times": "when the person answered"}
    told = of_records(tmp_path, administration(), before, after, answers=answered)
    assert [row["timing"] for row in told.scores] == ["before", "after"]
    saved = of_records(
        tmp_path,
        administration(),
        after,
        answers={"score_times": "when it was saved"},
    )
    assert ("timing" in saved.scores[0], saved.questions) == (False, [])
    assert of_records(tmp_path, administration(), before).questions == []


def test_scores_from_before_and_after_a_session_are_two(tmp_path: Path) -> None:
    early = {"effectiveDateTime": "2024-03-05T09:00:00-05:00"}
    late = {"effectiveDateTime": "2024-03-05T11:00:00-05:00"}
    found = of_records(
        tmp_path,
        observation(valueInteger=20, **early),
        observation(valueInteger=9, **late),
        administration(),
        answers={"score_times": "when the person answered"},
    )
    assert [(row["timing"], row["score"]) for row in found.scores] == [
        ("before", 20),
        ("after", 9),
    ]


def test_a_death_ends_a_log(tmp_path: Path) -> None:
    found = of_records(
        tmp_path,
        PATIENT | {"deceasedDateTime": "2024-06-01T08:00:00-05:00"},
        PATIENT | {"id": "b", "deceasedDateTime": "2024-06"},
        PATIENT | {"id": "c", "deceasedBoolean": True},
    )
    (row,) = found.rows("events")
    assert row | {"date": str(row["date"])} == {
        "patient_id": "a",
        "date": "2024-06-01",
        "event": "death",
    }
    assert "its date names no day" in found.reasons


def test_a_score_that_was_only_issued(tmp_path: Path) -> None:
    one = observation(valueInteger=3, issued=NOON)
    del one["effectiveDateTime"]
    found = of_records(tmp_path, one)
    assert (found.scores, found.questions) == ([], ["issued_is_day"])
    told = of_records(tmp_path, one, answers={"issued_is_day": "yes"})
    assert str(told.scores[0]["date"]) == "2024-03-05"
    assert of_records(tmp_path, one, answers={"issued_is_day": "no"}).scores == []


def test_codes_without_words_are_asked_about_where_no_session_is_found(
    tmp_path: Path,
) -> None:
    system = "http://www.nlm.nih.gov/research/umls/rxnorm"
    one = administration(medicationCodeableConcept=coded("1234567", system))
    key = f"code.{system}|1234567"
    assert of_records(tmp_path, one).questions == [key]
    assert of_records(tmp_path, one, administration()).questions == []
    (row,) = of_records(tmp_path, one, answers={key: "esketamine"}).sessions
    assert row["drug"] == "esketamine"
    assert of_records(tmp_path, one, answers={key: "none"}).sessions == []


@pytest.mark.parametrize("name", ["a.ndjson", "a.json", "a.xml"])
def test_a_record_that_is_nested_without_end(tmp_path: Path, name: str) -> None:
    start = '{"resourceType": "QuestionnaireResponse", "item": '
    text = start + '[{"item": ' * 3000 + "[]" + "}]" * 3000 + "}"
    if name.endswith("xml"):
        inside = "<item>" * 3000 + "</item>" * 3000
        kind = "QuestionnaireResponse"
        text = f'<{kind} xmlns="http://hl7.org/fhir">{inside}</{kind}>'
    path = tmp_path / name
    path.write_text(text)
    if name.endswith("ndjson"):
        assert read(path).reasons == [
            "a field that is read is not of the type that FHIR gives it"
        ]
    else:
        with pytest.raises(DataProblems):
            read(path)


def test_files_of_one_kind_share_their_part_of_the_map(tmp_path: Path) -> None:
    """A bundle for each patient, or several files of one kind in a bulk export."""
    for number, form in enumerate([full_response(1), observation(valueInteger=3)]):
        subject = {"subject": {"reference": f"Patient/{number}"}}
        records = [administration(**subject), form | subject]
        entries = [{"resource": one} for one in records]
        path = tmp_path / f"bundle_{number}.json"
        path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    ready = prepare(tmp_path, "", {})
    made = apply_map(ready.source, ready.plan, ready.remarks)
    assert made.sessions is not None
    assert made.scores is not None
    assert [part.source for part in ready.plan.tables] == [
        "MedicationAdministration",
        "QuestionnaireResponse",
        "Observation",
    ]
    assert sorted(made.sessions["patient_id"].to_pylist()) == ["0", "1"]
    assert sorted(made.scores["patient_id"].to_pylist()) == ["0", "1"]


def test_a_total_of_the_same_time_is_that_of_the_answers(tmp_path: Path) -> None:
    records = [full_response(1), observation(valueInteger=12)]
    found = of_records(tmp_path, *records)
    key = "total_or_answers.PHQ-9"
    assert (found.scores, found.questions) == ([], [key])
    (row,) = of_records(tmp_path, *records, answers={key: "total"}).scores
    assert row["score"] == 12


def test_a_total_of_another_time_is_another_score(tmp_path: Path) -> None:
    later = {"effectiveDateTime": "2024-03-05T18:00:00-05:00"}
    found = of_records(
        tmp_path,
        full_response(1),
        observation(valueInteger=12, **later),
        answers={"same_day.PHQ-9": "last"},
    )
    assert [row["score"] for row in found.scores] == [12]


@pytest.mark.parametrize("meta", ["lastUpdated", "versionId"])
def test_without_a_version_on_both_nobody_can_tell(tmp_path: Path, meta: str) -> None:
    later = observation(id="1", valueInteger=9, meta={meta: "2024-03-06T00:00:00Z"})
    earlier = observation(
        id="1", valueInteger=20, meta={"lastUpdated": "2024-03-05T00:00:00Z"}
    )
    found = of_records(tmp_path, later, earlier)
    kept = [9] if meta == "lastUpdated" else []
    assert [row["score"] for row in found.scores] == kept


def test_bundles_one_a_line(tmp_path: Path) -> None:
    lines = [
        {
            "resourceType": "Bundle",
            "entry": [{"resource": observation(valueInteger=3, effectiveDateTime=day)}],
        }
        for day in ("2024-03-05", "2024-03-06")
    ]
    found = of_records(tmp_path, *lines)
    (table,) = found.source.tables
    assert table.rows.to_pylist() == [1, 2]


def test_a_cell_that_is_refused_or_mended_has_its_row(tmp_path: Path) -> None:
    found = of_records(tmp_path, PATIENT, observation(valueString="3"))
    (said,) = found.remarks.said
    assert (said.row, said.column, said.action) == (2, "value[x]", "mended")


def test_a_part_that_was_broken_off(tmp_path: Path) -> None:
    choice = {"same_day_sessions": "parts of one session"}
    records = [spray(0), spray(5) | {"status": "stopped"}]
    (row,) = of_records(tmp_path, *records, answers=choice).sessions
    assert row["stopped_early"] is True


def test_a_weight_that_is_no_observation(tmp_path: Path) -> None:
    weight = observation("29463-7", valueQuantity={"value": 70, "unit": "kg"})
    wrong = weight | {"status": "entered-in-error"}
    (row,) = of_records(tmp_path, administration(), wrong).sessions
    assert "weight_kg" not in row


def test_a_scale_of_the_clinics_own(tmp_path: Path) -> None:
    key = "code.http://example.org/scales|who5"
    code = coded("who5", "http://example.org/scales")
    records = [
        observation(code=code, valueInteger=60),
        observation(code=code, valueInteger=60, status="amended"),
    ]
    found = of_records(tmp_path, *records, answers={key: "WHO-5"})
    assert [(row["instrument"], row["score"]) for row in found.scores] == [
        ("WHO-5", 60)
    ]


def test_a_question_that_the_scale_does_not_have(tmp_path: Path) -> None:
    links = ["PHQ-9.1", "PHQ-9.14", "PHQ-9.9"]
    found = of_records(tmp_path, response(*(answer(link, 1) for link in links)))
    (row,) = found.scores
    names = [name for name in row if name.startswith("item_")]
    assert names == ["item_1", "item_9"]


@pytest.mark.parametrize("links", [range(9), range(2, 11), range(2, 12)])
@pytest.mark.parametrize("name", ["{}", "PHQ.{}", "phq9_{}"])
def test_numbers_that_do_not_begin_with_the_first_question(
    tmp_path: Path, links: range, name: str
) -> None:
    """Counted from 0, or behind a heading that has the number 1."""
    items = [answer(name.format(number), 1) for number in links]
    found = of_records(tmp_path, response(*items))
    assert found.scores == []
    assert any("do not begin with the first" in reason for reason in found.reasons)


@pytest.mark.parametrize("points", [True, "3", None])
def test_points_that_are_no_number_are_not_read(tmp_path: Path, points: object) -> None:
    item = answer("/44260-8", 1)
    beside = {"url": ORDINALS[0], "valueDecimal": points}
    item["answer"][0]["valueCoding"]["extension"] = [beside]
    assert of_records(tmp_path, response(item)).scores[0]["item_9"] == 1


@pytest.mark.parametrize("n_servers", [1, 2])
def test_patients_of_several_servers_are_said(tmp_path: Path, n_servers: int) -> None:
    addresses = ["https://one.example/fhir/Patient/a", "https://two.example/Patient/a"]
    records = [
        observation(
            valueInteger=3,
            subject={"reference": addresses[number % n_servers]},
            effectiveDateTime=f"2024-03-0{number + 1}",
        )
        for number in range(2)
    ]
    found = of_records(tmp_path, *records)
    assert len(found.scores) == 2
    said = any("several servers" in reason for reason in found.reasons)
    assert said == (n_servers > 1)


def test_letters_that_are_broken_take_one_record_with_them(tmp_path: Path) -> None:
    lines = [json.dumps(observation(id=f"o{place}")).encode() for place in range(3)]
    lines[1] = lines[1].replace(b"o1", b"\xd5 1")
    (tmp_path / "Observation.ndjson").write_bytes(b"\n".join(lines))
    _, remarks = read(tmp_path)
    assert [one.row for one in remarks.said if one.action == "refused"] == [2]
