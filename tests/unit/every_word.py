"""Print every sentence that kettrack says of a cohort under rules that are nobody's default.

Run as a program of its own: the lengths of time and the smallest numbers of people are replaced
before anything that reads them is imported. Printed as JSON: where it is said -> what is said.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kettrack.vocabulary import criteria, days, limits, rules

# Every constant whose number could be typed into a sentence: its name -> another number.
OTHER_DAYS = {
    "BASELINE_WINDOW_DAYS": 33,
    "COMPLETE_LOG_DAYS": 58,
    "ASSUMED_RECALL_DAYS": 17,
    "FRESH_DAYS": 18,
    "AFTER_COURSE_DAYS": (12, 32),
    "NEXT_SESSION_GRACE_DAYS": 6,
    "NEXT_SESSION_WINDOW_DAYS": 16,
    "MAINTENANCE_GRACE_DAYS": (15, 57),
    "STOP_AFTER_GRACE_DAYS": 27,
    "HORIZON_DAYS": 91,
    "HORIZON_TOLERANCE_DAYS": 8,
}
# Of groups the others say what the clinic says, but that nobody of a group was scored again.
OF_GROUPS = {"clinic": ("severity", "early_response"), "unscored": ("severity",)}
FEW_DRAWS = {"cohorts": 2, "replicates": 10}
OTHER_PLAN = {"SESSIONS_WITHOUT_PLAN": 5}
OTHER_LIMITS = {"FEWEST_PEOPLE": 9, "FEWEST_SIMULATED_ANSWERS": 8}
OTHER_COURSES = {
    "series_gap_days": 9,
    "induction_sessions": 13,
    "stretch_after_sessions": 5,
    "stretch_gap_days": 8,
    "stretch_factor": 1.6,
    "reinduction_sessions": 4,
    "reinduction_pause_days": 26,
}


def replace_constants() -> None:
    """Put other numbers in the place of the constants, in their only homes."""
    homes = ((days, OTHER_DAYS), (limits, OTHER_LIMITS), (rules, OTHER_PLAN))
    for home, others in homes:
        for name, value in others.items():
            assert type(getattr(home, name)) is type(value), name
            setattr(home, name, value)
    criteria.TWICE_IN_60_DAYS = rules.Run(count=2, min_gap=9, max_gap=56)
    fields = [field.name for field in dataclasses.fields(rules.CourseRules)]
    assert fields == list(OTHER_COURSES)
    rules.CourseRules.__init__.__defaults__ = tuple(OTHER_COURSES.values())


def other_criteria() -> Any:
    """Criteria in which every number differs from the convention, and from every other."""
    from kettrack.vocabulary.instrument import Fact
    from kettrack.vocabulary.rules import Criteria, Predicate, ReviewRules, Rule, Run

    percent = "percent_change"
    return Criteria(
        name="ours",
        version="9",
        instrument="PHQ-9",
        caseness=Fact(12, "", "user"),
        response=Rule(Predicate(percent, "at most", -43), Run(), "", "user"),
        remission=Rule(Predicate("score", "at most", 6), Run(), "", "user"),
        partial=Rule(Predicate(percent, "at most", -22), Run(), "", "user"),
        loss_of_response=Rule(
            Predicate(percent, "above", -37), Run(2, 5, 54), "", "user"
        ),
        deterioration=Rule(Predicate("change", "at least", 4), Run(), "", "user"),
        relapse=Rule(Predicate("score", "at least", 19), Run(2, 3, 23), "", "user"),
        recovery_days=131,
        recovery_max_gap=67,
        late_after_days=19,
        state_holds_days=36,
        review=ReviewRules(
            suicidality_item=1,
            cssrs=3,
            off_track_percentile=88,
            unscored_days=24,
            fewest_gaps=2,
            last_scores=4,
        ),
        source="ours",
        standing="user",
    )


def cohorts(in_force: Any) -> Iterator[tuple[str, Any]]:
    """A clinic that can answer, and clinics that make questions refuse."""
    from kettrack.reading.load import cohort_from_frames
    from kettrack.simulation.cohort import simulate
    from kettrack.simulation.presets import CLINIC
    from kettrack.vocabulary.instrument import Fact
    from kettrack.vocabulary.instruments import PHQ9

    made = simulate(CLINIC, 240, 20261121)
    whole = cohort_from_frames(made.sessions, made.scores, made.patients, made.events)
    scale = dataclasses.replace(PHQ9, recall_days=Fact(13, "ours", "user"))
    settings = dataclasses.replace(whole.settings, user_instruments=(scale,))
    whole = dataclasses.replace(whole, settings=settings).with_criteria(in_force)
    yield "clinic", whole
    few = whole.patients["patient_id"].iloc[:4]
    tables = ("sessions", "scores", "patients", "events")
    kept = {
        name: getattr(whole, name)[lambda rows: rows["patient_id"].isin(few)]
        for name in tables
    }
    kept = {name: rows.reset_index(drop=True) for name, rows in kept.items()}
    yield "few", dataclasses.replace(whole, **kept)
    open_end = whole.patients.assign(observed_to_day=None)
    open_end = open_end.astype({"observed_to_day": "Int64"})
    yield "open end", dataclasses.replace(whole, patients=open_end)
    unscored = whole.scores[whole.scores["day"] <= 0].reset_index(drop=True)
    yield "unscored", dataclasses.replace(whole, scores=unscored)


def said_by(result: Any) -> Iterator[tuple[str, str]]:
    """Everything a person reads of a result."""
    for name in ("text", "reason", "collect", "estimand", "cut"):
        yield name, getattr(result, name)
    for place, caveat in enumerate(result.caveats):
        yield f"caveat {place}", caveat
    if result.table.empty:
        return
    yield "caption", result.caption
    for column in result.table.columns:
        if result.roles.get(column) in ("key", "label"):
            words = {str(value) for value in result.table[column] if str(value)}
            yield f"column {column}", " | ".join(sorted(words))


def asked_of(derived: Any, label: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every question, as a whole and by group: where its answer is said, and how to ask it."""
    import kettrack as kt
    from kettrack.analysis.registry import load_questions

    for name, asked in load_questions().items():
        simulates = "cohorts" in asked.options
        if simulates and label != "clinic":
            continue
        # The words are the same, however often something is drawn.
        few = {key: n for key, n in FEW_DRAWS.items() if key in asked.options}
        yield f"{label}: {name}", partial(asked.answer, derived, **few)
        for by in OF_GROUPS.get(label, ()) if asked.by_group else ():
            yield f"{label}: {name} by {by}", partial(kt.estimate, name, derived, by=by)


def tell(told: dict[str, str], place: str, ask: Callable[[], Any]) -> None:
    """Add what an answer says, or the error in its place."""
    from kettrack.errors import KettrackError

    try:
        result = ask()
    except KettrackError as error:
        told[place] = str(error)
        return
    told.update({f"{place}: {part}": words for part, words in said_by(result)})


def every_word() -> dict[str, str]:
    """Where it is said -> what is said."""
    import read_once

    import kettrack as kt
    from kettrack.analysis.overview import first_page
    from kettrack.analysis.registry import load_questions
    from kettrack.analysis.short_answers import short_answers
    from kettrack.reading.completeness import missing_information

    # The same is said, however much is drawn; only numbers of the data differ.
    read_once.install()
    told: dict[str, str] = {}
    for name, asked in load_questions().items():
        told[f"{name}: question"] = f"{asked.asks} {asked.estimand} {asked.unit}"
    for label, cohort in cohorts(other_criteria()):
        derived = kt.derive(cohort)
        told[f"{label}: check"] = " ".join(missing_information(cohort))
        told[f"{label}: review"] = " | ".join(kt.review_table(derived)["words"])
        for place, ask in asked_of(derived, label):
            tell(told, place, ask)
        for number, result in enumerate(first_page(derived)):
            page = {f"page {number}: {part}": words for part, words in said_by(result)}
            told.update({f"{label}: {place}": words for place, words in page.items()})
        for answer in short_answers(derived):
            words = f"{answer.question} {answer.headline} {answer.sentence}"
            told[f"{label}: short {answer.key}"] = words
        if label == "clinic":
            told["as of"] = str(kt.as_of(cohort, 4).notes)
    return told


if __name__ == "__main__":
    replace_constants()
    json.dump(every_word(), sys.stdout)
