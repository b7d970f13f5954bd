"""Dissociation over the sessions, and tolerance: whether the same people react less later on."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.safety.sessions import (
    SafetySessions,
    left_out_words,
    safety_sessions,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.clustered import clustered_mean
from kettrack.estimators.regression.growth import fit_growth
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.instruments import CADSS
from kettrack.vocabulary.limits import FEWEST_PEOPLE, FEWEST_PEOPLE_FOR_SLOPE
from kettrack.vocabulary.made_of import MEANS, Kept
from kettrack.vocabulary.plain_words import value_with_interval
from kettrack.vocabulary.safety import PHASES

# The end of early maintenance: later sessions are of few people.
LAST_SESSION: Final = PHASES[1].last
_COLLECT: Final = f"dissociation ({CADSS.name} total) of each session in sessions.csv."
_EVERYBODY: Final = "everybody"
_QUARTERS: Final = {"q25": 25, "median": 50, "q75": 75}
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "route": "label",
    "session": "label",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(_QUARTERS, "derived"),
}


@question(
    "dissociation_over_sessions",
    recipes=(
        MEANS,
        Kept(
            values=(
                "q25",
                "median",
                "q75",
            ),
            of="n",
        ),
    ),
    asks="How strong is dissociation, session by session?",
    unit="points",
    log_end=False,
    estimand=(
        f"Mean {CADSS.name} total during a session, among the people who had that session and were"
        " rated in it. Later sessions are of fewer and other people."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
)
def dissociation_over_sessions(cohort: DerivedCohort) -> Answer:
    """Mean and quartiles of dissociation by session number, for everybody and by route.

    Returns
    -------
    Result
        One row per route (everybody first) and session 1 to 12: `n` people, `estimate` (mean) with
        its interval, `q25` `median` `q75`. Rows of fewer than `FEWEST_PEOPLE` people are left out.
        Refused when nobody was rated often enough.
    """
    found = safety_sessions(cohort)
    rows = [
        row
        for place, (route, inside) in enumerate(_strata(found))
        for row in _session_rows(found, place, route, inside)
    ]
    if not rows:
        raise NotIdentified(
            f"dissociation is recorded for fewer than {FEWEST_PEOPLE} people.", _COLLECT
        )
    table = pd.DataFrame(rows)
    return Answer(
        table=table,
        sentence=_session_sentence(table),
        caveats=(
            "A few people have high totals, so the mean lies above the median."
            " People whose earlier sessions are not in the log have no session number and do not"
            " count.",
            *left_out_words(found),
        ),
        level=LEVEL,
    )


def _strata(found: SafetySessions) -> list[tuple[str, Bools]]:
    everything = np.ones(len(found.person), bool)
    return [(_EVERYBODY, everything), *found.split("route")]


def _session_rows(
    found: SafetySessions, place: int, route: str, inside: Bools
) -> list[dict[str, Any]]:
    """One row per session of one route that enough people were rated in."""
    values = found.values["dissociation"]
    rows = []
    for session in range(1, LAST_SESSION + 1):
        # A session number is had once, so that one row is one person.
        own = inside & (found.number == session)
        there = values[own & ~np.isnan(values)]
        if len(there) < FEWEST_PEOPLE:
            continue
        mean = clustered_mean(there, np.ones(len(there)), LEVEL)
        quarters = np.percentile(there, list(_QUARTERS.values()))
        rows.append(
            {
                "key": f"route{place}_{session}",
                "route": route,
                "session": session,
                "n": len(there),
                **mean._asdict(),
                **dict(zip(_QUARTERS, quarters.tolist(), strict=True)),
            }
        )
    return rows


def _session_sentence(table: pd.DataFrame) -> str:
    """The first and the last session of everybody, then the first one by route."""
    everybody = table[table["route"] == _EVERYBODY]
    first = everybody.iloc[0]
    last = everybody.iloc[-1]
    words = (
        f"Mean dissociation was {value_with_interval(first['key'])} points in session"
        f" {first['session']} ({{{first['key']}.n}} people)"
    )
    if last["session"] > first["session"]:
        words += (
            f" and {value_with_interval(last['key'])} in session {last['session']}"
            f" ({{{last['key']}.n}} people)"
        )
    # Routes are compared where nobody has left yet.
    start = table[(table["session"] == 1) & (table["route"] != _EVERYBODY)]
    named = [f"{{{row.key}.estimate}} with {row.route}" for row in start.itertuples()]
    by_route = f" In session 1 it was {'; '.join(named)}." if len(named) > 1 else ""
    return f"{words}.{by_route}"


# ---- tolerance

_MEASURES: Final = {
    "dissociation": f"dissociation ({CADSS.name})",
    "systolic_rise": "systolic rise",
}
# What a row is about.
_DOUBLING: Final = "each doubling of the session number, at the same dose"
_DOSE: Final = "each 0.1 mg/kg more, at the same session number"
_PAIRED: Final = "session 1 to session {last}, people who had both"
_DOSE_STEP: Final = 0.1
_FIT_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "measure": "label",
    "route": "label",
    "about": "label",
    "unit": "label",
    "sessions": "denominator",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "model": "label",
}


@question(
    "tolerance",
    recipes=(MEANS,),
    asks="Do the same people react less to later sessions at the same dose?",
    log_end=False,
    estimand=(
        "Change in dissociation, and in the rise of systolic pressure, for each doubling of the"
        " session number within a person and at the same dose per kg, up to session"
        f" {LAST_SESSION}. It holds as far as people who stop would have gone on like similar"
        " people who stay."
    ),
    roles=_FIT_ROLES,
    decimals=dict.fromkeys(("estimate", "ci_low", "ci_high"), 2),
    show=tuple(name for name in _FIT_ROLES if name != "key"),
)
def tolerance(cohort: DerivedCohort) -> Answer:
    """How dissociation and the rise of blood pressure change over the sessions of a person, and
    with the dose.

    Returns
    -------
    Result
        Per measure and route: `estimate` for each doubling of the session number, and for each 0.1
        mg/kg, from a mixed model with an intercept and a slope for each person; `model` says where
        a simpler one had to do. Then, for everybody, the mean difference between the first and a
        late session of the people who had both. Refused where fewer than `FEWEST_PEOPLE_FOR_SLOPE`
        people can be used.
    """
    found = safety_sessions(cohort)
    rows = []
    for measure in _MEASURES:
        for place, (route, inside) in enumerate(found.split("route")):
            rows += _model_rows(found, measure, f"{measure}{place}", route, inside)
        rows += _paired_rows(found, measure)
    if not rows:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE_FOR_SLOPE} people have two sessions with a dose per kg and"
            " a rating.",
            f"{_COLLECT} Also dose_mg, weight_kg, and blood pressure.",
        )
    table = pd.DataFrame(rows)
    return Answer(
        table=table,
        sentence=_tolerance_sentence(table),
        caveats=(
            "The mixed model takes residuals to be normal, which dissociation is not: the rows of"
            " people who had both sessions take nothing of the kind, and are about people who"
            " stayed. It is fitted by restricted maximum likelihood, with Satterthwaite's degrees"
            " of freedom.",
            "Where people did not differ in their slope, or in their level, by more than chance, a"
            " variance ended at zero and a simpler model was used; the column `model` says which.",
            "Doses are chosen by how a person reacted before, so that the row of the dose is an"
            " association.",
            *left_out_words(found),
        ),
        level=LEVEL,
    )


def _model_rows(
    found: SafetySessions, measure: str, key: str, route: str, inside: Bools
) -> list[dict[str, Any]]:
    """Two rows of one route: by session number, and by dose."""
    y = found.values[measure]
    dose = found.values["per_kg"] / _DOSE_STEP
    known = inside & (found.number <= LAST_SESSION) & ~np.isnan(y) & ~np.isnan(dose)
    person = found.person[known]
    # One session of a person tells nothing of how that person changes.
    several = np.bincount(person, minlength=1) > 1
    if several.sum() < FEWEST_PEOPLE_FOR_SLOPE:
        return []
    # The first sessions change most: each doubling counts the same.
    doublings = np.log2(found.number[known])
    # Clinics raise the dose over the sessions, which would hide tolerance.
    columns = {
        "start": np.ones(len(person)),
        "doublings": doublings,
        "dose": dose[known],
    }
    # Where everybody gets one dose, or has one session number, nothing can be told of it.
    if np.linalg.matrix_rank(np.column_stack(list(columns.values()))) < len(columns):
        return []
    # A slope of each person's own: some get used to it, and others do not.
    fit = fit_growth(y[known], columns, person, slope="doublings", restricted=True)
    unit = "points" if measure == "dissociation" else "mmHg"
    common = {
        "measure": _MEASURES[measure],
        "route": route,
        "unit": unit,
        "sessions": len(person),
        "n": fit.n_patients,
        "model": fit.kind,
    }
    about = {"doublings": _DOUBLING, "dose": _DOSE}
    return [
        {
            "key": f"{key}_{name}",
            "about": words,
            **common,
            **fit.interval(name, LEVEL)._asdict(),
        }
        for name, words in about.items()
    ]


def _paired_rows(found: SafetySessions, measure: str) -> list[dict[str, Any]]:
    """The mean difference between session 1 and the last session that enough people reached."""
    first = _of_session(found, measure, 1)
    # Session 1 is without any tolerance; the later the other one is, the more there can be.
    for last in range(PHASES[0].last, 1, -1):
        # Two measurements of one person, whatever the person is like.
        change = _of_session(found, measure, last) - first
        change = change[~np.isnan(change)]
        if len(change) < FEWEST_PEOPLE_FOR_SLOPE:
            continue
        mean = clustered_mean(change, np.ones(len(change)), LEVEL)
        return [
            {
                "key": f"{measure}_paired",
                "measure": _MEASURES[measure],
                "route": _EVERYBODY,
                "about": _PAIRED.format(last=last),
                "unit": "points" if measure == "dissociation" else "mmHg",
                "sessions": 2 * len(change),
                "n": len(change),
                **mean._asdict(),
                "model": "mean of the differences",
            }
        ]
    return []


def _of_session(found: SafetySessions, measure: str, session: int) -> Floats:
    """A measurement of each person in one session; missing where there is none."""
    values = np.full(len(found.people), np.nan)
    inside = found.number == session
    values[found.person[inside]] = found.values[measure][inside]
    return values


def _tolerance_sentence(table: pd.DataFrame) -> str:
    """Each measure by route, then the people who had both sessions."""
    parts = []
    for words in _MEASURES.values():
        own = table[table["measure"] == words]
        slopes = own[own["about"] == _DOUBLING]
        named = [
            f"{value_with_interval(str(row.key))} {row.unit} with {row.route}"
            for row in slopes.itertuples()
        ]
        if named:
            parts.append(
                f"With each doubling of the session number, at the same dose, {words} changed by"
                f" {'; '.join(named)}."
            )
        paired = own[own["model"] == "mean of the differences"]
        for row in paired.itertuples():
            between = str(row.about).partition(",")[0]
            parts.append(
                f"In the {{{row.key}.n}} people with both sessions, {words} changed by"
                f" {value_with_interval(str(row.key))} {row.unit} from {between},"
                " whatever the doses were."
            )
    return " ".join(parts)
