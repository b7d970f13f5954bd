"""Every question: what it is about, what it assumes, when it is refused, and how its method did on
trial.
"""

from __future__ import annotations

from collections.abc import Mapping

import md
import pandas as pd
from reach import (
    Place,
    home_of,
    reached_from,
    reasons_to_refuse,
    used_by,
)

import kettrack as kt
from kettrack.analysis.registry import ROOMS, Question, load_questions
from kettrack.cli.options import options_in_words
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.trials.gate import all_gates

ANALYSIS = "kettrack.analysis."
TRIALS = "kettrack.trials."
# Each simulates dozens of clinics, which takes minutes; what they say stands in their docstrings.
TOO_LONG = ("calibration", "stop_after_calibration")
# What every question may share says nothing of its method.
SHARED = ("context",)


def question_pages(answers: Mapping[str, Result]) -> dict[str, str]:
    """One page for each room, and the page that lists them."""
    questions = load_questions()
    rooms: dict[str, list[Question]] = {}
    for asked in questions.values():
        rooms.setdefault(_room(asked.room), []).append(asked)
    tried = _trials_by_question(questions)
    pages = {
        f"questions/{room}": _room_page(room, asked, answers, tried)
        for room, asked in rooms.items()
    }
    return {"questions/index": _index(rooms)} | pages


def target(name: str) -> str:
    """Where the section of a question can be linked to."""
    return f"question-{name}"


def _room(module: str) -> str:
    return module.removeprefix(ANALYSIS).partition(".")[0]


def _index(rooms: Mapping[str, list[Question]]) -> str:
    lists = [
        md.page(
            f"## {_title(room)}",
            md.bullets(
                f"{md.link(md.code(one.name), target(one.name))}: {one.asks}"
                for one in asked
            ),
        )
        for room, asked in rooms.items()
    ]
    return md.page(
        md.anchor("every-question"),
        "# Every question",
        "Each question has a page section: what its numbers are about (the estimand), what must be"
        " known to use them, when it is refused, and how its method did on simulated clinics."
        " `kettrack estimate NAME FOLDER` answers it, and so does `kt.estimate(NAME, cohort)`.",
        *lists,
        md.contents(rooms),
    )


def _title(room: str) -> str:
    """The first sentence of a room's own docstring says what is in it."""
    return room.replace("_", " ").capitalize() if room in ROOMS else room


def _room_page(
    room: str,
    asked: list[Question],
    answers: Mapping[str, Result],
    tried: Mapping[str, list[str]],
) -> str:
    sections = [
        _section(one, answers.get(one.name), tried.get(one.name, [])) for one in asked
    ]
    return md.page(f"# {_title(room)}", *sections)


def _section(asked: Question, answer: Result | None, gates: list[str]) -> str:
    about = [
        ("Estimand", asked.estimand),
        ("Unit", asked.unit or "differs by row"),
        ("Options", md.code(options_in_words(asked)) or "none"),
        ("By group", "yes, with `--by`" if asked.by_group else "no"),
    ]
    place = home_of(asked.answer)
    return md.page(
        md.anchor(target(asked.name)),
        f"## {md.code(asked.name)}",
        f"**{asked.asks}**",
        "\n".join(f"{term}\n: {' '.join(told.split())}\n" for term, told in about),
        _reference(place),
        _assumptions(answer),
        _refusals(place),
        _on_trial(gates),
    )


def _reference(place: Place) -> str:
    """The docstring, in the place of the reader who wants every column; without the example, which
    the tests run.
    """
    return (
        f"```{{eval-rst}}\n.. autofunction:: {place[0]}.{place[1]}\n   :no-index:\n```"
    )


def _assumptions(answer: Result | None) -> str:
    if answer is None or not answer.caveats:
        return ""
    return md.page(
        "*What must be known to use the numbers, as said beside the answer on the sample:*",
        md.bullets(map(md.plain, answer.caveats)),
    )


def _refusals(place: Place) -> str:
    reasons = reasons_to_refuse(place)
    if not reasons:
        return ""
    return md.page(
        "*It is refused, or leaves a part out, for these reasons (… is filled in from the data):*",
        md.bullets(_safe(one) for one in reasons),
    )


def _safe(reason: str) -> str:
    """A reason whose own words are no mark-up, and what to record after it."""
    told, mark, record = reason.partition(" *Record:* ")
    return md.plain(told) + mark + md.plain(record)


def _on_trial(gates: list[str]) -> str:
    if not gates:
        return ""
    links = [md.link(gate, f"trial-{gate}") for gate in gates]
    return f"*The method, or a part of it, on trial:* {', '.join(links)}."


def _trials_by_question(questions: Mapping[str, Question]) -> dict[str, list[str]]:
    """Question to the groups of gates that call its own modules."""
    parts = {
        name: {place[0] for place in reached_from(home_of(asked.answer))}
        for name, asked in questions.items()
    }
    tried: dict[str, list[str]] = {}
    for gate, modules in _modules_on_trial().items():
        for name, asked in questions.items():
            own = {one for one in modules if _room(one) == _room(asked.room)}
            if own and own <= parts[name]:
                tried.setdefault(name, []).append(gate)
    return tried


def _modules_on_trial() -> dict[str, set[str]]:
    """Group of gates to the modules of `analysis` that their measurements call."""
    # A trial that has not been run yet has nothing to show.
    shown = set(kt.trial_results()["gate"])
    found: dict[str, set[str]] = {}
    for gate in (one for one in all_gates().values() if one.name in shown):
        reached = reached_from(home_of(gate.measured_by))
        called = {
            used[0]
            for place in reached
            if place[0].startswith(TRIALS)
            for used in used_by(place)
        }
        own = {one for one in called if one.startswith(ANALYSIS)}
        named = {one for one in own if _room(one) not in SHARED}
        found.setdefault(group_of(gate.name), set()).update(named)
    return found


def group_of(gate: str) -> str:
    """What gates of one method in several scenarios have in common in their names."""
    return gate.partition("-")[0]


def trials_page() -> str:
    """What was found on trial, gate by gate."""
    found = kt.trial_results()
    found["group"] = found["gate"].map(group_of)
    sections = [
        _trial(str(group), rows) for group, rows in found.groupby("group", sort=False)
    ]
    return md.page(
        md.anchor("trials"),
        "# Methods on trial",
        "Every method is tried on simulated clinics whose truth is known, because it was set."
        " *Found* is the number over all simulated cohorts, with its Monte-Carlo error. *Wanted* is"
        " what must be found before the method may be trusted. `make truth` runs the trials again."
        " The notebook [Methods on trial](../../notebooks/09_methods_on_trial.ipynb) shows the same"
        " with pictures.",
        *sections,
    )


def _trial(group: str, rows: pd.DataFrame) -> str:
    heads = (
        "scenario",
        "check",
        "people",
        "cohorts",
        "found",
        "truth",
        "wanted",
        "held",
    )
    lines = [
        (
            row.scenario,
            row.check,
            row.n,
            row.cohorts,
            f"{row.found:.3g} ± {row.mc_error:.2g}",
            "" if pd.isna(row.truth) else f"{row.truth:.3g}",
            row.wanted,
            "" if pd.isna(row.passed) else ("yes" if row.passed else "no"),
        )
        for row in rows.itertuples()
    ]
    asked = list(dict.fromkeys(rows["question"]))
    return md.page(
        md.anchor(f"trial-{group}"),
        f"## {group}",
        "\n\n".join(asked),
        md.table(heads, lines),
    )


def sample_answers(cohort: DerivedCohort) -> dict[str, Result]:
    """Every question asked of the sample, without those that take minutes."""
    return {
        name: kt.estimate(name, cohort)
        for name in load_questions()
        if name not in TOO_LONG
    }
