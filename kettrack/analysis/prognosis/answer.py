"""Can a response be told beforehand? Forecasts of people whom the model has not seen, beside the
one forecast that needs no model; and what became of people like one patient.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import require_internal, require_patient
from kettrack.analysis.prognosis.forecast import (
    LANDMARKS,
    PARTS,
    Forecasts,
    Landmark,
    by_patients,
    by_site,
    describe,
    landmark,
    learnt,
    require_sklearn,
    score,
)
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.estimators.exact import clopper_pearson
from kettrack.privacy.policies import POLICIES
from kettrack.reading.cohort import Cohort
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.limits import (
    FEWEST_EFFECTIVE_PEOPLE,
    FEWEST_PEOPLE,
)
from kettrack.vocabulary.made_of import (
    MEANS,
    FigureDifference,
    Kept,
    OneForecast,
    Share,
)
from kettrack.vocabulary.plain_words import value_with_interval

_PATIENTS: Final = "patients"
_SITES: Final = "sites"
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "session": "label",
    "left_out_by": "label",
    "n": "denominator",
    "events": "count",
    "unknown": "count",
    "base_rate": "derived",
    "brier": "derived",
    "brier_base": "derived",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "auc": "derived",
    "slope": "derived",
}
_DECIMALS: Final = {
    **dict.fromkeys(("brier", "brier_base", "estimate", "ci_low", "ci_high"), 3),
    "auc": 0,
    "slope": 2,
}
_COLLECT: Final = (
    f"more people: at least {FEWEST_EFFECTIVE_PEOPLE} who responded and as many who did not, with"
    " age, diagnosis and the other columns of patients.csv."
)
# A quarter of the people in each group of alike forecasts, and what a decision may rest on.
_GROUPS: Final = 4
_THRESHOLDS: Final = (10, 20, 30, 40, 50, 60)

_OF: Final = 100
_COLLECT_MORE: Final = "more people, and what may tell them apart, in patients.csv."


@question(
    "prognosis",
    recipes=(
        Share(value="base_rate", events="events", of="n"),
        OneForecast(value="brier_base", events="events", of="n"),
        # How much closer forecasts come is no share of people; what they come to follows from it.
        MEANS,
        FigureDifference(value="brier", first="brier_base", second="estimate"),
        Kept(values=("auc", "slope"), of="n"),
    ),
    asks="Can it be told beforehand who will respond?",
    unit="Brier score",
    estimand=(
        f"How much closer forecasts of a response by session {TOLD_SESSION} come than one forecast"
        " for everybody, in people whom the model has not seen. Both are measured by the Brier"
        " score: the mean squared distance of forecast and outcome, 0 is perfect."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
    show=tuple(name for name in _ROLES if name != "key"),
)
def prognosis(cohort: DerivedCohort) -> Answer:
    """Forecasts before session 1 and after sessions 2 and 4, cross-validated by patient and by
    site.

    Returns
    -------
    Result
        One row per landmark and way of validation: `session` (sessions had) `left_out_by`
        (patients, sites) `n` `events` `unknown` (left out: not scored in time, or the log ends)
        `base_rate` (%) `brier` `brier_base` `estimate` `ci_low` `ci_high` (how much smaller the
        Brier score is than that of the base rate) `auc` (%) `slope` (of calibration). Refused with
        fewer than `FEWEST_EFFECTIVE_PEOPLE` people with and without a response, and without
        scikit-learn.

    Notes
    -----
    The model is a logistic regression with a ridge. Names follow TRIPOD (Collins 2015).
    """
    require_sklearn()
    asked = [landmark(cohort, session) for session in LANDMARKS]
    if not any(enough(people.responded) for people in asked):
        raise NotIdentified(
            f"fewer than {FEWEST_EFFECTIVE_PEOPLE} people responded, or fewer than that did not.",
            _COLLECT,
        )
    # A landmark with too few people stays, with its counts and no score.
    rows = [
        row
        for people in asked
        for row in (
            _rows_of(cohort, people)
            if enough(people.responded)
            else [_counts(people, _PATIENTS)]
        )
    ]
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=_caveats(cohort),
        level=LEVEL,
        seed=None,
    )


def enough(responded: Bools) -> bool:
    """Whether there are enough people with and without a response for a model of them."""
    n_responded = int(responded.sum())
    rarer = min(n_responded, len(responded) - n_responded)
    return rarer >= FEWEST_EFFECTIVE_PEOPLE


def _by_patients(cohort: DerivedCohort, people: Landmark) -> Forecasts:
    """Forecasts of everybody at a landmark; the table and the curves are made of the same."""
    return cohort.once(
        ("forecasts by patients", people.session),
        lambda: by_patients(people.known, people.responded),
    )


def _rows_of(cohort: DerivedCohort, people: Landmark) -> list[dict[str, Any]]:
    """How good forecasts at one landmark are, by each way of validation."""
    ways: dict[str, Forecasts | None] = {
        _PATIENTS: _by_patients(cohort, people),
        _SITES: by_site(people.known, people.responded, people.site),
    }
    return [
        _counts(people, way) | _score_columns(forecasts, people.responded)
        for way, forecasts in ways.items()
        if forecasts is not None
    ]


def _counts(people: Landmark, way: str) -> dict[str, Any]:
    """Who is counted at a landmark, and how many of them responded."""
    n = len(people.responded)
    events = int(people.responded.sum())
    return {
        "key": f"after_{people.session}_{way}",
        "session": people.session,
        "left_out_by": way,
        "n": n,
        "events": events,
        "unknown": people.unknown,
        "base_rate": 100 * events / n if n else np.nan,
    }


def _score_columns(forecasts: Forecasts, responded: Bools) -> dict[str, float]:
    found = score(forecasts, responded)
    return {
        "brier": found.brier,
        "brier_base": found.brier_base,
        "estimate": found.gain,
        "ci_low": found.gain_low,
        "ci_high": found.gain_high,
        "auc": found.auc,
        "slope": found.slope,
    }


def better(row: pd.Series) -> bool:
    """Whether forecasts were closer than one for everybody beyond chance, by the strictest way."""
    return bool(row["ci_low"] > 0)


def _sentence(table: pd.DataFrame) -> str:
    """Each landmark in turn: how much closer, or that it is no better than the base rate."""
    parts = []
    for _, rows in table.groupby("session"):
        # New sites are what a forecast is used on, so they decide where they are known.
        row = rows.iloc[-1]
        key = row["key"]
        session = row["session"]
        when = f"After session {session}" if session else "Before session 1"
        base = f"{{{key}.base_rate:%}} of {{{key}.n}} people responded later"
        if np.isnan(row["estimate"]):
            parts.append(
                f"{when}: {{{key}.events}} of {{{key}.n}} people responded later. A forecast needs"
                f" at least {FEWEST_EFFECTIVE_PEOPLE} who do and as many who do not."
            )
        elif better(row):
            parts.append(
                f"{when}: {base}. Forecasts of people not seen before were closer than this one"
                f" number, by {value_with_interval(key)} of a Brier score of {{{key}.brier_base}}."
            )
        else:
            parts.append(
                f"{when}: {base}. Forecasts were no better than this one number for everybody, so"
                " they should not be used."
            )
    return "\n".join(parts)


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        f"{rule_words(cohort)}.",
        f"Counted are people who came to the next session without a response so far. A response"
        f" counts by session {TOLD_SESSION} of the first course; who stopped before without one"
        " counts as no response.",
        "People who were not scored in time, or whose log ends before, are left out: unknown. If"
        " they differ from the others, the forecasts are wrong for them.",
        f"Left out by patients: each of {PARTS} parts is forecast by a model of the others. Left"
        " out by sites: each site by a model of the other sites.",
        "The interval is that of the paired differences between people. It does not hold how much"
        " the model itself would change in another clinic.",
        "A forecast is not an effect: it does not say who is helped by more sessions.",
    )


_CURVE_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "session": "label",
    "kind": "label",
    "at": "derived",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "all": "derived",
}


@question(
    "prognosis_curves",
    asks="Do forecasts mean what they say, and would decisions by them do any good?",
    unit="percent",
    estimand=(
        "Calibration: of people with alike forecasts, how many responded. Net benefit (Vickers"
        " 2006): responders found less non-responders wrongly taken for one, each weighed by the"
        " threshold, per 100 people."
    ),
    roles=_CURVE_ROLES,
    show=tuple(name for name in _CURVE_ROLES if name != "key"),
)
def prognosis_curves(cohort: DerivedCohort) -> Answer:
    """Calibration by quarters, and decision curves, of forecasts cross-validated by patient.

    Returns
    -------
    Result
        `kind` calibration: `at` (mean forecast, %) `n` `events` `estimate` `ci_low` `ci_high` (%
        who responded). `kind` benefit: `at` (threshold, %) `n` `events` (people at or above it)
        `estimate` (net benefit of the forecasts, per 100 people) `all` (of taking everybody for a
        responder; taking nobody has 0).
    """
    require_sklearn()
    policy = POLICIES[cohort.policy]
    rows: list[dict[str, Any]] = []
    n_left_out = 0
    for session in LANDMARKS:
        people = landmark(cohort, session)
        if enough(people.responded):
            chance = _by_patients(cohort, people).chance
            told = pd.DataFrame({"chance": chance, "responded": people.responded})
            rows += _calibration_rows(session, told)
            benefit = _benefit_rows(session, told, policy.smallest_count)
            n_left_out += len(_THRESHOLDS) - len(benefit)
            rows += benefit
    if not rows:
        raise NotIdentified(
            f"fewer than {FEWEST_EFFECTIVE_PEOPLE} people responded, or fewer than that did not.",
            _COLLECT,
        )
    return Answer(
        table=pd.DataFrame(rows, columns=list(_CURVE_ROLES)),
        sentence=(
            "Where forecasts mean what they say, as many respond as were forecast. Where decisions"
            " by them do good, their net benefit lies above that of treating everybody and above 0."
        ),
        caveats=(
            *_caveats(cohort),
            *_hidden_words(cohort),
            *_left_out_words(n_left_out),
        ),
        level=LEVEL,
    )


def _left_out_words(n_left_out: int) -> tuple[str, ...]:
    """How many thresholds are not shown, and why; nothing where all are."""
    if not n_left_out:
        return ()
    thresholds = (
        "1 threshold was" if n_left_out == 1 else f"{n_left_out} thresholds were"
    )
    return (
        f"{thresholds} left out of the net benefit: the number would tell how many of the people at"
        " or above the threshold responded, or of those below it, and they are few.",
    )


def _hidden_words(cohort: DerivedCohort) -> tuple[str, ...]:
    """Why the curves are hidden where counts are rounded; nothing elsewhere."""
    if POLICIES[cohort.policy].rounding is None:
        return ()
    return (
        "Where counts are rounded these curves are not shown. Forecasts are as high on average as"
        " the share that responded, so the means of all groups together would tell how many people"
        " that were. The table of prognosis is shown, made again from rounded counts.",
    )


def _calibration_rows(session: int, told: pd.DataFrame) -> list[dict[str, Any]]:
    group = pd.qcut(told["chance"], _GROUPS, labels=False, duplicates="drop")
    rows = []
    for place, alike in told.groupby(group):
        n = len(alike)
        if n < FEWEST_PEOPLE:
            continue
        events = int(alike["responded"].sum())
        rows.append(
            {
                "key": f"calibration_{session}_{place}",
                "session": session,
                "kind": "calibration",
                "at": 100 * float(alike["chance"].mean()),
                "n": n,
                "events": events,
                **clopper_pearson(events, n, LEVEL)._asdict(),
            }
        )
    return rows


def _benefit_rows(
    session: int, told: pd.DataFrame, smallest: int
) -> list[dict[str, Any]]:
    """A row for each threshold; without those that would tell a count below `smallest`."""
    n = len(told)
    n_responded = int(told["responded"].sum())
    rate = n_responded / n
    rows = []
    for threshold in _THRESHOLDS:
        share = threshold / 100
        odds = share / (1 - share)
        taken = told[told["chance"] >= share]
        right = int(taken["responded"].sum())
        wrong = len(taken) - right
        missed = n_responded - right
        spared = n - len(taken) - missed
        # With the people taken and the threshold, the net benefit can be solved for these four.
        if any(0 < count < smallest for count in (right, wrong, missed, spared)):
            continue
        rows.append(
            {
                "key": f"benefit_{session}_{threshold}",
                "session": session,
                "kind": "benefit",
                "at": float(threshold),
                "n": n,
                "events": len(taken),
                "estimate": 100 * (right - odds * wrong) / n,
                "all": 100 * (rate - odds * (1 - rate)),
            }
        )
    return rows


def people_like(cohort: Cohort | DerivedCohort, patient_id: str) -> str:
    """Of 100 people like this one, how many responded.

    Parameters
    ----------
    cohort : Cohort
        Under the policy `internal`.
    patient_id : str
        The study code.

    Returns
    -------
    str
        One sentence, from the last landmark that the patient has reached, with how many responded
        of all people there.

    Raises
    ------
    UsageError
        Under a release policy, and for an unknown code.
    NotIdentified
        Where forecasts at that landmark are no better than one number for everybody, or there are
        too few people to tell.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> people_like(load_cohort(sample_folder()), "S012")[:29]
    'Of 100 people like this one a'
    """
    require_sklearn()
    cohort = derive(cohort)
    require_internal(cohort, "forecast")
    require_patient(cohort, patient_id)
    had = int((cohort.sessions["patient_id"] == patient_id).sum())
    session = max(place for place in LANDMARKS if place <= had)
    people = landmark(cohort, session)
    _require_worth(cohort, people)
    model = learnt(people.known, people.responded)
    own = describe(cohort, session, pd.Index([patient_id]))
    # The patient may lack a column that the others have, or have a kind that nobody has.
    own = own.reindex(columns=people.known.columns)
    chance = float(model.predict_proba(own)[0, 1])
    when = f"after session {session}" if session else "before session 1"
    return (
        f"Of {_OF} people like this one {when}, about {np.rint(_OF * chance):.0f} responded by"
        f" session {TOLD_SESSION}; of {_OF} people of all kinds,"
        f" {np.rint(_OF * people.responded.mean()):.0f} did. It is a forecast, and does not say"
        " what more sessions would change."
    )


def _require_worth(cohort: DerivedCohort, people: Landmark) -> None:
    """Refuse where one number for everybody does as well."""
    if not enough(people.responded):
        raise NotIdentified("too few people responded, or did not.", _COLLECT_MORE)
    judged = prognosis(cohort).table
    rows = judged[judged["session"] == people.session]
    if rows.empty or not better(rows.iloc[-1]):
        raise NotIdentified(
            f"after session {people.session}, forecasts were no better than one number for"
            " everybody.",
            _COLLECT_MORE,
        )
