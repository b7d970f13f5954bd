"""Who started: the baseline table."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import made_from, release, rule_words
from kettrack.analysis.registry import question
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import PATIENTS

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
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "characteristic": "label",
    "level": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "mean": "derived",
    "sd": "derived",
}


@question("baseline_table", asks="Who are the patients, before their first session?")
def baseline_table(cohort: DerivedCohort) -> Result:
    """Characteristics of everyone who started, with what is missing counted.

    Returns
    -------
    Result
        One row per number (`mean` and `sd` of the `n` with a value) or per level of a choice
        (`events` of `n` with a value, `estimate` in %). A characteristic nobody has a value for is
        left out and named in a caveat.
    """
    outcomes = cohort.outcomes
    first = (
        cohort.sessions.groupby("patient_id", sort=False)
        .first()
        .reindex(cohort.patients["patient_id"])
    )
    frame = cohort.patients.assign(
        baseline=outcomes["baseline"].to_numpy(),
        route=first["route"].to_numpy(),
        drug=first["drug"].to_numpy(),
    )
    rows = [
        _number(frame, "baseline", f"baseline {cohort.instrument.name}"),
        *(_number(frame, name, _about(name)) for name in NUMBERS),
    ]
    for name in (*CHOICES, "drug", "route"):
        rows += _levels(frame, name)
    table = pd.DataFrame([row for row in rows if row["n"]], columns=list(_ROLES))
    missing = [
        name
        for name in (*NUMBERS, *CHOICES, "drug", "route")
        if frame[name].isna().all()
    ]
    result = Result(
        name="baseline_table",
        table=table,
        roles=_ROLES,
        show=("characteristic", "level", "n", "events", "estimate", "mean", "sd"),
        sentence=_sentence(cohort, int(outcomes["baseline"].notna().sum())),
        estimand="Everyone with at least one session, as recorded at the start.",
        caveats=(
            rule_words(cohort),
            *([f"Not recorded for anyone: {', '.join(missing)}."] if missing else []),
        ),
        made_from=made_from(cohort, unit="patients"),
    )
    return release(result, cohort)


def _sentence(cohort: DerivedCohort, n: int) -> str:
    """The mean baseline, with its spread where there is one."""
    if not n:
        return "Nobody has a baseline score."
    spread = " (SD {baseline.sd})" if n > 1 else ""
    return (
        f"Mean baseline {cohort.instrument.name} was {{baseline.mean}}{spread} in the"
        " {baseline.n} people with one."
    )


def _about(name: str) -> str:
    return (
        name.replace("_", " ") if name not in PATIENTS.names else PATIENTS[name].about
    )


def _number(frame: pd.DataFrame, name: str, about: str) -> dict[str, object]:
    values = frame[name].dropna().astype(float)
    return {
        "key": name,
        "characteristic": about,
        "level": "",
        "n": len(values),
        "mean": values.mean(),
        "sd": values.std(),
    }


def _levels(frame: pd.DataFrame, name: str) -> list[dict[str, object]]:
    values = (
        frame[name]
        .dropna()
        .map(lambda value: {True: "yes", False: "no"}.get(value, value))
    )
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
