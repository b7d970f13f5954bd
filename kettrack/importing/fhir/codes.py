"""What the code of a record says: a total, an answer, a form, or something else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kettrack.importing.fhir.resources import Coding, Concept, NamedCoding
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks
from kettrack.privacy.identifying_people import may_be_shown
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.outside_codes import (
    LOINC_BODY_WEIGHT,
    LOINC_OTHERS,
    LOINC_PANELS,
    LOINC_SCORES,
    ScoreCode,
    system_of,
)

SCORE: Final = "score"
ITEM: Final = "item_"
NO_SCALE: Final = "its code is of no scale that kettrack knows"
UNCOUNTED: Final = "this question is on the form, and not in its total"
NO_SYSTEM: Final = "its code names no system; read as one of LOINC"
_LOINC: Final = "LOINC"
# Digits, and a check digit behind a hyphen.
_LOINC_SHAPE: Final = re.compile(r"\d{3,6}-\d")
NONE: Final = "none"
_SURVEY: Final = "survey"
# A code that is printed in a question: short, and no sentence.
_SHOWN: Final = re.compile(r"[A-Za-z0-9][\w.^:-]{0,39}")
MOST_ASKED: Final = 20


class CodeMeaning(NamedTuple):
    """What a code says.

    Parameters
    ----------
    score : ScoreCode or None
        Scale and column; `score` where it is the code of a whole form.
    panel : bool
        Whether it is the code of a whole form.
    said : str
        What was assumed; empty where nothing was.
    reason : str
        Why it says nothing here; empty where it says something.
    """

    score: ScoreCode | None = None
    panel: bool = False
    said: str = ""
    reason: str = ""


@dataclass(slots=True)
class CodeReader:
    """Looks codes up, and asks about those that look like a score.

    Parameters
    ----------
    answers : mapping
        `code.SYSTEM|CODE` says what a code is: the name of a scale for its total, the name and a
        column for one answer ("MADRS item_3"), or "none".
    remarks : Remarks
        Takes the questions.
    """

    answers: Answers
    remarks: Remarks
    # An export repeats a dozen codes a million times.
    _known: dict[tuple[str, str], CodeMeaning] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    def meaning(self, concept: Concept | None) -> CodeMeaning:
        """What the codes of a record say together; a total or an answer goes before a form."""
        found = [self._meaning(one) for one in concept.coding] if concept else []
        scores = {one.score for one in found if one.score and not one.panel}
        if len(scores) > 1:
            return CodeMeaning(reason="its codes are of two different questions")
        for wanted in (
            [one for one in found if one.score and not one.panel],
            [one for one in found if one.panel],
            [one for one in found if one.reason != NO_SCALE],
        ):
            if wanted:
                return wanted[0]
        return CodeMeaning(reason=NO_SCALE)

    def _meaning(self, coding: Coding) -> CodeMeaning:
        name = (coding.system, coding.code)
        if name not in self._known:
            self._known[name] = self._looked_up(coding)
        return self._known[name]

    def _looked_up(self, coding: Coding) -> CodeMeaning:
        # What the clinic says goes before the tables.
        own = self.answers.get(question_key(coding), "")
        if own:
            return _own(own)
        code = coding.code.strip()
        said = ""
        if not coding.system and _LOINC_SHAPE.fullmatch(code):
            said = NO_SYSTEM
        elif system_of(coding.system) != _LOINC:
            return CodeMeaning(reason=NO_SCALE)
        if code in LOINC_OTHERS:
            return CodeMeaning(reason=f"its code is that of {LOINC_OTHERS[code]}")
        if code in LOINC_PANELS:
            return CodeMeaning(ScoreCode(LOINC_PANELS[code], SCORE), True, said)
        score = LOINC_SCORES.get(code)
        if score is None:
            return CodeMeaning(reason=NO_SCALE)
        if is_uncounted(score):
            return CodeMeaning(reason=UNCOUNTED)
        return CodeMeaning(score, False, said)

    def ask_about_survey(
        self,
        concept: Concept | None,
        categories: Iterable[Concept],
    ) -> None:
        """Ask about the codes of a record that a clinic has filed as a survey."""
        # Vital signs and laboratory results are not asked about.
        filed = {one.code for category in categories for one in category.coding}
        if _SURVEY not in filed or concept is None:
            return
        for coding in concept.coding:
            key = question_key(coding)
            # Each code once, and not hundreds of them: a clinic has few scales.
            if key in self._asked or len(self._asked) >= MOST_ASKED:
                continue
            if may_be_printed(coding):
                self._asked.add(key)
                self.remarks.ask(_question(key))


def question_key(coding: Coding | NamedCoding) -> str:
    """Under which `[answers]` says what a code is."""
    return f"code.{coding.system}|{coding.code}"


def may_be_printed(coding: Coding | NamedCoding) -> bool:
    """Whether a code can stand in a question: it is short, and names nobody."""
    if not _SHOWN.fullmatch(coding.code):
        return False
    # A code of a public system names nobody.
    if system_of(coding.system):
        return True
    return may_be_shown(coding.code) and may_be_shown(coding.system)


def _question(key: str) -> OpenQuestion:
    return OpenQuestion(
        key=key,
        asks=(
            "Records of a survey have this code, and kettrack does not know it. Is it the total of"
            " a scale? Then write its name, such as MADRS. Is it one answer? Then write name and"
            ' column, such as "MADRS item_3". Otherwise write "none".'
        ),
        why="The records with this code are left out until somebody says what it is.",
    )


def _own(words: str) -> CodeMeaning:
    if words.strip().casefold() == NONE:
        return CodeMeaning(reason="its code was answered to be no score")
    name, _, column = words.strip().rpartition(" ")
    if name and column.startswith(ITEM):
        return CodeMeaning(ScoreCode(name, column))
    return CodeMeaning(ScoreCode(words.strip(), SCORE))


def is_body_weight(concept: Concept | None) -> bool:
    """Whether a record tells the weight of a patient.

    Examples
    --------
    >>> is_body_weight(Concept([Coding("http://loinc.org", "29463-7")]))
    True
    """
    return concept is not None and any(
        one.code == LOINC_BODY_WEIGHT and system_of(one.system) == _LOINC
        for one in concept.coding
    )


def is_uncounted(score: ScoreCode) -> bool:
    """Whether a question is on the form of a scale but never in its total.

    Examples
    --------
    >>> is_uncounted(ScoreCode("PHQ-9", "item_10"))
    True
    """
    scale = INSTRUMENTS.get(score.instrument)
    uncounted = scale.uncounted_item if scale else None
    return uncounted is not None and score.column == f"{ITEM}{uncounted}"
