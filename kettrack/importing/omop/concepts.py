"""What the numbers of concepts mean, by the vocabulary tables of the extract.

No number of a concept stands in this code: they differ between vocabularies, and most are nowhere
confirmed. A number means what the table CONCEPT says it means, or what its owner answers.
"""

from __future__ import annotations

import re
from collections.abc import (
    Mapping,
    Sequence,
)
from dataclasses import (
    dataclass,
    field,
)
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.errors import UsageError
from kettrack.importing.omop.tables import OmopTable
from kettrack.importing.registry import Answers
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.outside_codes import (
    INGREDIENTS,
    LOINC_ANSWERS,
    LOINC_OTHERS,
    LOINC_PANELS,
    LOINC_SCORES,
    ScoreCode,
    drug_in_words,
    drug_of_code,
    route_of_code,
)

_CONCEPT: Final = (
    "concept_id",
    "vocabulary_id",
    "concept_code",
    "concept_name",
    "domain_id",
    "concept_class_id",
)
_ANCESTOR: Final = ("ancestor_concept_id", "descendant_concept_id")
_DRUG_WORDS: Final = r"(?i)k[eé]tamin|spravato"
_OWN: Final = "concept."
_ANSWER: Final = re.compile(r"(?P<scale>.+?)(?: (?P<column>score|item_\d+))?")
# Kinds of drug records that say what was wished or handed over, not what was given.
_NOT_GIVEN: Final = re.compile(r"prescri|dispens|order|pharmacy|mail|refill")
_LABORATORY: Final = re.compile(r"assay|screen|level|measure|test|allerg|antibod")
# Creams and drops against pain are no session.
_ON_THE_SKIN: Final = re.compile(
    r"topical|cutaneous|transdermal|cream|ointment|\bgel\b|lotion|ophthalmic|patch"
)
_SEXES: Final = {"M": "male", "F": "female"}


@dataclass(frozen=True, slots=True)
class Concepts:
    """Number of a concept to what it means, each as text.

    Parameters
    ----------
    scores : mapping
        To the scale and its total or question.
    others : mapping
        To what it is, where it is taken for a scale and is none.
    answers : mapping
        To points.
    drugs : mapping
        To `ketamine` or `esketamine`; drugs and procedures alike.
    routes, sexes : mapping
        To words of the contract.
    panels : frozenset of str
        Of the scores, those of a whole form: a number beside it is the total.
    no_sessions : frozenset of str
        Drugs and routes by which no session is given, such as a cream.
    not_given : frozenset of str
        Kinds of drug records that are no administration.
    told : bool
        Whether the extract holds the table CONCEPT.
    """

    scores: dict[str, ScoreCode] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    drugs: dict[str, str] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)
    sexes: dict[str, str] = field(default_factory=dict)
    not_given: set[str] = field(default_factory=set)
    panels: set[str] = field(default_factory=set)
    no_sessions: set[str] = field(default_factory=set)
    told: bool = False


def concepts_of(
    tables: Sequence[OmopTable],
    answers: Answers,
) -> Concepts:
    """Read the vocabulary of an extract.

    Parameters
    ----------
    tables : sequence of OmopTable
        Of the extract.
    answers : mapping
        `concept.NUMBER` to a scale, a question of it (`PHQ-9 item_3`), or a drug.
    """
    vocabularies = [table for table in tables if table.kind == "concept"]
    found = Concepts(told=bool(vocabularies))
    ingredients: dict[str, str] = {}
    for table in vocabularies:
        for _, batch in table.batches(_CONCEPT, []):
            for row in batch.filter(_telling(batch)).to_pylist():
                _learn(found, row, ingredients)
    _add_products(found, tables, ingredients)
    for key, answer in answers.items():
        if key.startswith(_OWN):
            _take_answer(found, key.removeprefix(_OWN), answer)
    return found


def _telling(
    batch: pa.Table,
) -> pa.Array:
    """The few concepts of millions that say anything here."""
    # A code counts only together with its vocabulary.
    known = (LOINC_SCORES, LOINC_PANELS, LOINC_OTHERS, LOINC_ANSWERS)
    codes = pa.array([code for table in known for code in table])
    loinc = pc.equal(batch["vocabulary_id"], "LOINC")
    scores = pc.and_(loinc, pc.is_in(batch["concept_code"], codes))
    drugs = pc.match_substring_regex(batch["concept_name"], _DRUG_WORDS)
    few = pa.array(["Type Concept", "Gender", "ATC"])
    small = pc.is_in(batch["vocabulary_id"], few)
    routes = pc.equal(batch["domain_id"], "Route")
    found = pc.fill_null(scores, False)
    for one in (drugs, small, routes):
        found = pc.or_(found, pc.fill_null(one, False))
    return found


def _learn(
    found: Concepts,
    row: Mapping[str, str | None],
    ingredients: dict[str, str],
) -> None:
    """Take one concept in."""
    said = {name: text or "" for name, text in row.items()}
    number = said["concept_id"]
    code = said["concept_code"]
    match said["vocabulary_id"]:
        case "LOINC":
            _learn_score(found, number, code)
        case "Gender":
            if code in _SEXES:
                found.sexes[number] = _SEXES[code]
        case "Type Concept":
            if _NOT_GIVEN.search(said["concept_name"].casefold()):
                found.not_given.add(number)
        case _:
            _learn_treatment(found, said, ingredients)


def _learn_treatment(
    found: Concepts,
    said: Mapping[str, str],
    ingredients: dict[str, str],
) -> None:
    """A route, or a drug or procedure by code or name."""
    number = said["concept_id"]
    code = (said["vocabulary_id"], said["concept_code"])
    words = said["concept_name"]
    if _ON_THE_SKIN.search(words.casefold()):
        found.no_sessions.add(number)
    if said["domain_id"] == "Route":
        route = route_of_code(*code) or _route_in_words(words)
        if route:
            found.routes[number] = route
    elif said["domain_id"] in ("Drug", "Procedure", "Device"):
        coded = drug_of_code(*code)
        drug = coded.drug if coded else drug_in_words(words)
        # What a laboratory looks for was not given by the clinic.
        if drug and not _LABORATORY.search(words.casefold()):
            found.drugs[number] = drug
        if code in INGREDIENTS.values() and drug:
            ingredients[number] = drug


def _learn_score(
    found: Concepts,
    number: str,
    code: str,
) -> None:
    if code in LOINC_SCORES:
        found.scores[number] = LOINC_SCORES[code]
    elif code in LOINC_PANELS:
        found.scores[number] = ScoreCode(LOINC_PANELS[code], "score")
        found.panels.add(number)
    elif code in LOINC_OTHERS:
        found.others[number] = LOINC_OTHERS[code]
    elif code in LOINC_ANSWERS:
        found.answers[number] = LOINC_ANSWERS[code]


def _route_in_words(
    words: str,
) -> str:
    """The route that the name of a concept says in plain words."""
    named = {
        "intravenous": "iv",
        "intramuscular": "im",
        "subcutaneous": "sc",
        "sublingual": "sublingual",
        "nasal": "intranasal",
        "intranasal": "intranasal",
        "oral": "oral",
    }
    return named.get(words.casefold(), "")


def _add_products(
    found: Concepts,
    tables: Sequence[OmopTable],
    ingredients: Mapping[str, str],
) -> None:
    """Products whose name does not tell, such as brands, are told by their ingredient."""
    # The table is large; only what lies below the few ingredients is kept.
    numbers = pa.array(list(ingredients), pa.string())
    for table in tables:
        if table.kind != "concept_ancestor" or not ingredients:
            continue
        for _, batch in table.batches(_ANCESTOR, []):
            below = batch.filter(pc.is_in(batch["ancestor_concept_id"], numbers))
            for row in below.to_pylist():
                drug = ingredients[row["ancestor_concept_id"]]
                found.drugs.setdefault(row["descendant_concept_id"], drug)


def _take_answer(
    found: Concepts,
    number: str,
    answer: str,
) -> None:
    """What the owner of an extract says that a concept means."""
    told = _ANSWER.fullmatch(answer.strip())
    drug = drug_in_words(answer)
    if told and told["scale"] in INSTRUMENTS:
        column = told["column"] or "score"
        found.scores[number] = ScoreCode(told["scale"], column)
    elif drug:
        found.drugs[number] = drug
    else:
        scales = ", ".join(INSTRUMENTS)
        raise UsageError(
            f"[answers] {_OWN}{number} must be ketamine, esketamine or a scale, alone or with a"
            f" question of it, as in PHQ-9 item_9. Scales are: {scales}."
        )
