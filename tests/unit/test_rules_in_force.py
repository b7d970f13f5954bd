"""A number of a rule lives once: under other rules the old number is in no sentence."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from every_word import other_criteria, said_by
from simulated import thin_clinic

import kettrack as kt
from kettrack.vocabulary.instrument import Fact

# Files that quote what a publication did, which no rule in force changes.
QUOTES = {"targets.py", "criteria.py"}
HERE = Path(__file__).resolve().parent
# How a number of the convention, or of a constant, would stand in a sentence had somebody typed it.
TYPED_IN = {
    "late_after_days, recall, windows of 14 days": r"\b14[ -]days?\b|two weeks|fortnight",
    "baseline window": r"\b30[ -]days?\b",
    "state_holds_days, grace of a stop": r"\b28[ -]days?\b|four weeks old",
    "complete log, longest gap": r"\b60[ -]days?\b|7-60|7 to 60",
    "recovery_days": r"\b120[ -]days?\b|four months",
    "window after the course": r"14-31|14 to 31|two to four weeks",
    "horizon": r"\bweek 12\b|\b12 weeks\b|\bday 84\b",
    "smallest number of people": r"\b11 (people|patients|persons|scores)\b|than 11\b|least 11\b",
    "response": (
        r"at least 50 % (below|down|lower|less)|half of (the|their) baseline|-50 %|less than 50 %"
    ),
    "partial response": r"at least 25 %|below 25 %|-25 %",
    "remission": r"(?<![\d.])4 or (less|below)|at most 4\b",
    "deterioration": r"\b6 points? or more|at least 6 points?|6 or more points?",
    "caseness": r"\b10 or (more|above)|at or above 10\b|at least 10\b",
    "a series of sessions": r"\b10 days apart|up to 12\b",
}
# What looks like a typed-in number and is none: a number found in these data, a range that names a
# band, a rhythm of simulated scores, a published rule, a rule that has a home of its own, and the
# convention of another scale, which the rules in force for the primary one do not touch.
NO_RULE = (
    r"\d+ days before session",
    r"no PHQ-9 for \d+ days",
    r"(?:MADRS|GAD-7), convention \d+, .*?response: [^.;]*",
    r"still responding \d+ days later",
    r"\d+-\d+ days (since|between)",
    r"\bat \d+-\d+ days",
    r", [\d.]+ at \d+-\d+ days",
    r"by day 56: scored every [^.]*",
    r"lost = [^;]*; McInnes 2022",
    r"at most 14 days old|a score in the 14 days before each maintenance session",
)
# Short questions that between them read every field of the criteria.
QUICK = (
    "ladder",
    "worsening",
    "losses",
    "state_occupancy",
    "waterfall",
    "state_after_course",
    "durability_intervals",
    "recurrent_loss",
    "retreatment",
)
# Field of the criteria -> another value, and how the number stands in what is said.
FIELDS = {
    "late_after_days": (20, "20"),
    "state_holds_days": (35, "35"),
    "caseness": (Fact(13, "", "user"), "13"),
    "response": (-44, "44"),
    "remission": (5, "5"),
    "loss_of_response": (-38, "38"),
    "deterioration": (3, "3"),
}


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """Everything that is said under rules that are nobody's default."""
    command = [sys.executable, str(HERE / "every_word.py")]
    # where it finds what tests share
    beside = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    ran = subprocess.run(
        command, env=beside, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    said: dict[str, str] = json.loads(ran.stdout)
    return said


@pytest.mark.parametrize("rule", TYPED_IN)
def test_no_old_number_survives(told: dict[str, str], rule: str) -> None:
    found = {}
    for place, words in told.items():
        for other in NO_RULE:
            words = re.sub(other, "", words)
        if re.search(TYPED_IN[rule], words, re.IGNORECASE):
            found[place] = words
    assert found == {}


def test_what_is_said_is_much(told: dict[str, str]) -> None:
    """The test would also be green if nothing were said."""
    assert len(told) > 500
    assert any("19 days" in words for words in told.values())


@pytest.fixture(scope="module")
def clinic() -> kt.Cohort:
    return thin_clinic().with_criteria(other_criteria())


def words_under(cohort: kt.Cohort) -> str:
    derived = kt.derive(cohort)
    results = [kt.estimate(name, derived) for name in QUICK]
    events = kt.state_events_table(derived)["rule"].unique()
    said = [words for result in results for _, words in said_by(result)]
    return " | ".join([*said, *events])


@pytest.fixture(scope="module")
def before(clinic: kt.Cohort) -> str:
    return words_under(clinic)


@pytest.mark.parametrize("field", FIELDS)
def test_one_field_changed_is_said_everywhere(
    clinic: kt.Cohort, before: str, field: str
) -> None:
    value, new = FIELDS[field]
    rules = clinic.criteria
    old = getattr(rules, field)
    if isinstance(value, int) and not isinstance(old, int):
        predicate = dataclasses.replace(old.predicate, limit=value)
        value = dataclasses.replace(old, predicate=predicate)
    if isinstance(old, int):
        was = str(old)
    else:
        was = f"{abs(getattr(old, 'value', None) or old.predicate.limit):g}"
    after = words_under(
        clinic.with_criteria(dataclasses.replace(rules, name="other", **{field: value}))
    )
    # A length of time has its unit, a share of the baseline its sign or the word below; a score
    # could be any number, so only the new one is looked for.
    forms = {"late_after_days": "{} days", "state_holds_days": "{} days"}
    share = r"(-{0} %|(?<![\d.,]){0} % below)"
    forms |= dict.fromkeys(("response", "loss_of_response"), share)
    form = forms.get(field, r"(?<![\d.,]){0}\b(?![.,]\d)")
    assert re.search(form.format(new), after), f"nothing says {new}"
    if field in forms:
        assert re.search(form.format(was), before), f"nothing said {was}"
        assert not re.search(form.format(was), after), f"something still says {was}"


def test_no_number_of_a_rule_is_typed_into_a_sentence() -> None:
    """Sentences read the rule in force: no length of time or smallest number stands in one."""
    typed = re.compile(r"\b(11 people|11 patients|(14|28|30|60|120) days)\b")
    found = []
    modules = sorted(Path(kt.__file__).parent.rglob("*.py"))
    for path in (path for path in modules if path.name not in QUOTES):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documents = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        }
        found += [
            f"{path.name}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documents
            and typed.search(node.value)
        ]
    assert "\n".join(found) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rules", "reliably"), [("convention", True), ("McInnes 2022", False)]
)
def test_reliably_is_said_only_of_a_reliable_change(rules: str, reliably: bool) -> None:
    cohort = kt.derive(kt.load_cohort(kt.sample_folder(), criteria=rules))
    said = [words for name in QUICK for _, words in said_by(kt.estimate(name, cohort))]
    review = kt.review_table(cohort)
    said += review.loc[review["reason"] == "deterioration", "words"].tolist()
    assert any("worse" in words for words in said)
    assert any("reliabl" in words.lower() for words in said) is reliably
