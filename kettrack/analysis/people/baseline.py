"""Who started: the baseline table."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.escapes import in_sentence
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import PATIENTS
from kettrack.vocabulary.made_of import Kept, Share

NUMBERS: Final = ("age", "failed_antidepressants", "planned_sessions")
CHOICES: Final = (
    "sex",
    "ethnicity",
    "diagnosis",
    "anxiety",
    "ptsd",
    "substance_use",
    "psychotherapy",
)
_OF_FIRST_SESSION: Final = ("drug", "route")
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "characteristic": "label",
    "level": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "mean": "derived",
    "sd": "derived",
    "median": "derived",
    "q1": "derived",
    "q3": "derived",
}


@question(
    "baseline_table",
    recipes=(
        Share(value="estimate", events="events", of="n"),
        Kept(
            values=(
                "mean",
                "sd",
                "median",
                "q1",
                "q3",
            ),
            of="n",
        ),
    ),
    asks="Who are the patients, before their first session?",
    unit="patients",
    log_end=False,
    estimand="Everyone with at least one session, as recorded at the start.",
    roles=_ROLES,
    show=("characteristic", "level", "n", "events", "estimate", "mean", "sd"),
)
def baseline_table(cohort: DerivedCohort) -> Answer:
    """Characteristics of everyone who started, with what is missing counted.

    Returns
    -------
    Result
        One row per number (`mean`, `sd`, `median` and the quartiles `q1` and `q3` of the `n` with
        a value) or per level of a choice
        (`events` of `n` with a value, `estimate` in %). A characteristic nobody has a value for is
        left out and named in a caveat.
    """
    frame = _characteristics(cohort)
    rows = [_number(frame, "baseline", f"baseline {cohort.instrument.name}")]
    rows += [_number(frame, name, _about(name)) for name in NUMBERS]
    for name in (*CHOICES, *_OF_FIRST_SESSION):
        rows += _levels(frame, name)
    # What nobody has a value for is named in a caveat instead of a row.
    table = pd.DataFrame([row for row in rows if row["n"]], columns=list(_ROLES))
    caveats = [f"{rule_words(cohort)}."]
    recorded = frame.notna().any()
    names = (*NUMBERS, *CHOICES, *_OF_FIRST_SESSION)
    missing = [name for name in names if not recorded[name]]
    if missing:
        caveats.append(f"Not recorded for anyone: {', '.join(missing)}.")
    return Answer(
        table=table,
        sentence=_sentence(cohort, int(frame["baseline"].notna().sum())),
        caveats=tuple(caveats),
    )


def _characteristics(cohort: DerivedCohort) -> pd.DataFrame:
    """Patients with their baseline score, and drug and route of their first session."""
    first = cohort.sessions.groupby("patient_id", sort=False).first()
    first = first.reindex(cohort.patients["patient_id"])
    return cohort.patients.assign(
        baseline=cohort.outcomes["baseline"].to_numpy(),
        route=first["route"].to_numpy(),
        drug=first["drug"].to_numpy(),
    )


def _sentence(cohort: DerivedCohort, n: int) -> str:
    """The mean baseline, with its spread where there is one."""
    if not n:
        return "Nobody has a baseline score."
    spread = " (SD {baseline.sd})" if n > 1 else ""
    scale = in_sentence(cohort.instrument.name)
    return (
        f"The mean baseline {scale} was {{baseline.mean}}{spread}, among the"
        " {baseline.n} people who have one."
    )


def _about(name: str) -> str:
    """What a column of the patients table holds, in words."""
    if name in PATIENTS.names:
        return PATIENTS[name].about
    return name.replace("_", " ")


def _number(frame: pd.DataFrame, name: str, about: str) -> dict[str, object]:
    """Mean and standard deviation of a number among those with a value."""
    values = frame[name].dropna().astype(float)
    return {
        "key": name,
        "characteristic": about,
        "level": "",
        "n": len(values),
        "mean": values.mean(),
        "sd": values.std(),
        "median": values.median(),
        "q1": values.quantile(1 / 4),
        "q3": values.quantile(3 / 4),
    }


def _levels(frame: pd.DataFrame, name: str) -> list[dict[str, object]]:
    """Number of people at each level of a choice, among those with a value."""
    words = {True: "yes", False: "no"}
    values = frame[name].dropna().map(lambda value: words.get(value, value))
    counts = values.value_counts().sort_index()
    return [
        {
            "key": f"{name}_{level}",
            "characteristic": _about(name),
            "level": str(level).replace("_", " "),
            "n": len(values),
            "events": int(count),
            "estimate": 100 * count / len(values),
        }
        for level, count in counts.items()
    ]
