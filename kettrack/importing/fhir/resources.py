"""The fields of FHIR that are read, and no others: what is not named here never leaves the file.

Names, addresses, telephone numbers, narratives, notes and photographs have no field, so they are
skipped while a record is decoded. Fields of R4 and R5 stand side by side. A leaf whose type may be
wrong in real files is taken as it is and judged where it is used.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw, Struct

# A number, or what stands in its place.
Loose = Any
_T = TypeVar("_T")


class Extension(Struct, rename="camel"):
    """A number that goes with an answer, such as its points."""

    url: str = ""
    value_decimal: Loose = None
    value_integer: Loose = None


class Coding(Struct, rename="camel"):
    """A code and its system."""

    system: str = ""
    code: str = ""
    extension: list[Extension] = []


class Concept(Struct, rename="camel"):
    """Codes that say the same; their words are not read."""

    coding: list[Coding] = []


class NamedCoding(Struct, rename="camel"):
    """A code of a drug or route with its words."""

    # No words in `Coding`: a display of a score is never matched, since codes alone are sure.
    system: str = ""
    code: str = ""
    display: str = ""


class NamedConcept(Struct, rename="camel"):
    """A drug or route: many systems give words only."""

    coding: list[NamedCoding] = []
    # Many records name the drug in a text and give no code.
    text: str = ""


class Identifier(Struct, rename="camel"):
    """A patient by number where a reference has no address."""

    system: str = ""
    value: str = ""


class Reference(Struct, rename="camel"):
    """Where another record is."""

    reference: str = ""
    # The kind of record where there is no address to tell it.
    type: str = ""
    identifier: Identifier | None = None


class DrugReference(Struct, rename="camel"):
    """Where the drug is described."""

    # The display of a drug is a drug; that of a patient is a name, and has no field.
    reference: str = ""
    display: str = ""


class CodeableReference(Struct, rename="camel"):
    """R5: a drug in words and codes, or where it is described."""

    concept: NamedConcept | None = None
    reference: DrugReference | None = None


class Quantity(Struct, rename="camel"):
    """A number with its unit; with a comparator it is "at most" or "at least" that number."""

    value: Loose = None
    comparator: str = ""
    unit: str = ""
    system: str = ""
    code: str = ""


class Period(Struct, rename="camel"):
    """From when to when."""

    start: str = ""
    end: str = ""


class Meta(Struct, rename="camel"):
    """Which version of a record this is."""

    # Servers count up, or give words without an order; then the time decides.
    version_id: str = ""
    last_updated: str = ""


class Head(Struct, rename="camel"):
    """What every record has."""

    resource_type: str = ""
    id: str = ""
    meta: Meta | None = None


class Entry(Struct, rename="camel"):
    """One record of a bundle."""

    # Records of a bundle point at one another by this address.
    full_url: str = ""
    # Empty where the entry has none.
    resource: Raw = Raw()


class Bundle(Struct, rename="camel"):
    """Records in one file."""

    entry: list[Entry] = []


class Link(Struct, rename="camel"):
    """Another record of the same patient."""

    type: str = ""
    other: Reference | None = None


class Patient(Struct, rename="camel"):
    """A patient: age and sex; numbers only to find who is meant elsewhere."""

    id: str = ""
    # Kept only until every record has found its patient.
    identifier: list[Identifier] = []
    birth_date: str = ""
    gender: str = ""
    deceased_date_time: str = ""
    link: list[Link] = []


class Component(Struct, rename="camel"):
    """A part of an observation."""

    code: Concept | None = None
    value_quantity: Quantity | None = None
    value_integer: Loose = None
    value_decimal: Loose = None
    value_string: Loose = None
    value_boolean: Loose = None
    # The other types, such as a ratio or a time, are no scores.
    value_codeable_concept: Concept | None = None
    extension: list[Extension] = []


class Observation(Component, rename="camel"):
    """A number that was measured: a total, an answer, or a form with both as its parts."""

    id: str = ""
    status: str = ""
    # Tells surveys from laboratory results where a code is not known.
    category: list[Concept] = []
    subject: Reference | None = None
    effective_date_time: str = ""
    effective_instant: str = ""
    effective_period: Period | None = None
    # When it was made available: not the day of the answers, unless somebody says so.
    issued: str = ""
    component: list[Component] = []
    # Only whether there are any: members are records of their own.
    has_member: list[Reference] = []
    contained: list[Raw] = []


class FormAnswer(Struct, rename="camel"):
    """One answer, and the questions that follow from it."""

    value_coding: Coding | None = None
    value_quantity: Quantity | None = None
    value_integer: Loose = None
    value_decimal: Loose = None
    value_string: Loose = None
    value_boolean: Loose = None
    extension: list[Extension] = []
    # A question that is asked only after this answer.
    item: list[ResponseItem] = []


class ResponseItem(Struct, rename="camel"):
    """A question with its answers, or a group of questions."""

    # The text of the question is not read: it is the form's, in any language.
    link_id: str = ""
    answer: list[FormAnswer] = []
    item: list[ResponseItem] = []


class QuestionnaireResponse(Struct, rename="camel"):
    """A form that was filled in."""

    id: str = ""
    status: str = ""
    # An address, an id, or `#` and a form inside the record.
    questionnaire: str = ""
    subject: Reference | None = None
    # R4 and R5: when the answers were given together.
    authored: str = ""
    item: list[ResponseItem] = []
    contained: list[Raw] = []


class AnswerOption(Struct, rename="camel"):
    """What may be answered, and its points."""

    value_coding: Coding | None = None
    extension: list[Extension] = []


class FormItem(Struct, rename="camel"):
    """A question of a form."""

    # Here a code is a list of codings, not one concept.
    link_id: str = ""
    code: list[Coding] = []
    answer_option: list[AnswerOption] = []
    item: list[FormItem] = []


class Questionnaire(Struct, rename="camel"):
    """A form that is not filled in."""

    id: str = ""
    url: str = ""
    code: list[Coding] = []
    item: list[FormItem] = []


class Medication(Struct, rename="camel"):
    """A drug that administrations refer to."""

    id: str = ""
    code: NamedConcept | None = None


class Dosage(Struct, rename="camel"):
    """How much, and by which route."""

    route: NamedConcept | None = None
    dose: Quantity | None = None
    # A rate says how fast, not how much: it has no field.


class MedicationAdministration(Struct, rename="camel"):
    """A drug that was given. R5 spells `occurence` with one r."""

    id: str = ""
    status: str = ""
    subject: Reference | None = None
    # R4 has two fields for the drug, R5 one with both inside.
    medication_codeable_concept: NamedConcept | None = None
    medication_reference: DrugReference | None = None
    medication: CodeableReference | None = None
    effective_date_time: str = ""
    effective_period: Period | None = None
    # Converters and hand-made files spell it with two r.
    occurence_date_time: str = ""
    occurence_period: Period | None = None
    occurrence_date_time: str = ""
    occurrence_period: Period | None = None
    dosage: Dosage | None = None
    contained: list[Raw] = []


class Procedure(Struct, rename="camel"):
    """Something that was done; R4 `performed`, R5 `occurrence`."""

    id: str = ""
    status: str = ""
    subject: Reference | None = None
    code: NamedConcept | None = None
    # R4; a text, an age or a range in its place is no day.
    performed_date_time: str = ""
    performed_period: Period | None = None
    occurrence_date_time: str = ""
    occurrence_period: Period | None = None
    contained: list[Raw] = []


# Kind of record to its fields. A record of another kind is counted and not read.
READ: Final[dict[str, type[Struct]]] = {
    one.__name__: one
    for one in (
        Patient,
        Observation,
        QuestionnaireResponse,
        Questionnaire,
        Medication,
        MedicationAdministration,
        Procedure,
    )
}
# Kinds that are named when they are counted: a name that nobody knows could be a person's.
NAMED: Final = frozenset(READ) | frozenset(
    """
    AdverseEvent AllergyIntolerance Appointment Binary CarePlan CareTeam Claim CodeSystem
    Communication Composition Condition Consent Coverage Device DeviceRequest DiagnosticReport
    DocumentReference Encounter EpisodeOfCare ExplanationOfBenefit FamilyMemberHistory Flag Goal
    Group ImagingStudy Immunization List Location Media MedicationDispense MedicationRequest
    MedicationStatement MedicationUsage NutritionOrder OperationOutcome Organization Parameters
    PatientRow Practitioner PractitionerRole Provenance RelatedPerson RequestGroup ResearchStudy
    ResearchSubject RiskAssessment Schedule ServiceRequest Slot Specimen Substance SupplyDelivery
    Task ValueSet VisionPrescription
    """.split()  # noqa: SIM905
)
OTHER: Final = "other"


def decoded(
    decoder: msgspec.json.Decoder[_T],
    body: bytes | msgspec.Raw,
) -> _T:
    """Decode JSON.

    Parameters
    ----------
    decoder : Decoder
        Knows the fields.
    body : bytes or Raw
        JSON.

    Raises
    ------
    DecodeError
        When it is no JSON, of other types, or nested deeper than any record of FHIR.
    """
    try:
        return decoder.decode(body)
    except RecursionError:
        raise msgspec.ValidationError("nested too deep") from None
    # Bytes that are no UTF-8 are told apart from other faults only within some texts.
    except UnicodeDecodeError:
        raise msgspec.DecodeError("no UTF-8") from None
