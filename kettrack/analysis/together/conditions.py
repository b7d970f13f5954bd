"""Depression and the conditions beside it, each on its own scale and by the same timeline."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK
from kettrack.analysis.association.regression_to_mean import (
    CAVEAT,
    find_entry_cutoff,
    regression_rows,
)
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import COLUMNS
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.together.scales import (
    COLLECT,
    at_week,
    improved_by_error,
    on_scale,
    rule_flags,
    scales_beside,
    without_caseness,
)
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.clustered import clustered_mean
from kettrack.estimators.exact import clopper_pearson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "scale": "label",
    "measures": "label",
    "about": "label",
    "unit": "label",
    "started": "denominator",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_DECIMALS: Final = {"estimate": 2, "ci_low": 2, "ci_high": 2}
# They have questions of their own, which say more.
_ELSEWHERE: Final = ("suicidality", "dissociation")
_SHARES: Final = {
    "improved": "improved by more than measurement error",
    "response": "response by the rule of the scale",
    "no_case": "no longer a case",
    "worse": "worse by more than measurement error",
    "any_worse": "scored worse than before, by any amount",
}
# Told in the sentence, in this order, as far as the scale has them.
_SAID: Final = {
    "improved": "had improved by more than measurement error",
    "response": "had responded by the rule of the scale",
}


@question(
    "other_conditions",
    recipes=(COUNTED_BY_UNIT,),
    asks="How did anxiety, trauma symptoms, daily life and other scales change?",
    unit="as named in each row",
    estimand=(
        "Change from the baseline to the score nearest to a fixed week on each scale, among the"
        " people who were a case on that scale before session 1 and were scored on it then,"
        " whatever sessions they had."
    ),
    roles=_ROLES,
    balanced=True,
    decimals=_DECIMALS,
    show=tuple(name for name in _ROLES if name != "key"),
)
def other_conditions(cohort: DerivedCohort, week: int = WEEK) -> Answer:
    """The primary scale first, then every other scale of the log.

    Parameters
    ----------
    week : int
        Weeks since session 1.

    Returns
    -------
    Result
        Per scale (`scale1` and so on; the primary one is `scale0`), with `started` = people who
        were a case on it and could have been scored, `n` = people who were: `_baseline` `_change`
        (mean, Student's interval), `_improved` `_response` `_no_case` `_worse` `_any_worse`
        (percent of `n`, exact intervals; as far as the scale has the rule), and what regression to
        the mean alone would make of the change (`_mean_regression_low` `_mean_regression_high`).
        A scale with fewer than `FEWEST_PEOPLE` scored has one row without an estimate. Refused
        where no other scale has enough.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> found = other_conditions(load_cohort(sample_folder()))
    >>> "scale1_improved" in set(found.table["key"])
    True
    """
    scales = [
        scale for scale in scales_beside(cohort) if scale.construct not in _ELSEWHERE
    ]
    named = {"scale0": cohort.instrument}
    named |= {f"scale{place}": scale for place, scale in enumerate(scales, start=1)}
    # Each scale has people of its own: those who were a case on it.
    people = {
        prefix: at_week(on_scale(cohort, scale.name), week)
        for prefix, scale in named.items()
    }
    enough = [
        prefix
        for prefix, rows in people.items()
        if rows["score"].notna().sum() >= FEWEST_PEOPLE
    ]
    # The primary scale alone has better questions.
    if not set(enough) - {"scale0"}:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people were a case on another scale before session 1 and"
            f" were scored on it within {HORIZON_TOLERANCE_DAYS} days of week {week}.",
            COLLECT,
        )
    # Scales with few people stay in the table, so that nobody takes them for forgotten.
    rows: list[dict[str, Any]] = []
    for prefix, scale in named.items():
        rows += _scale_rows(on_scale(cohort, scale.name), prefix, people[prefix])
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table["events"] = table["events"].astype("Int64")
    return Answer(
        table=table,
        sentence=_sentence(table, named, enough, week),
        caveats=_caveats(cohort, [named[prefix] for prefix in enough]),
        level=LEVEL,
        rows=partial(_person_rows, {named[key].name: people[key] for key in enough}),
    )


def _scale_rows(
    cohort: DerivedCohort,
    prefix: str,
    people: pd.DataFrame,
) -> list[dict[str, Any]]:
    """All rows of one scale; one without a number where too few were scored."""
    scale = cohort.instrument
    scored = people.dropna(subset=["score"])
    common = {
        "scale": scale.name,
        "measures": scale.construct or "not stated",
        "started": len(people),
        "n": len(scored),
    }
    if len(scored) < FEWEST_PEOPLE:
        row = {
            "key": f"{prefix}_few",
            "about": "too few scored",
            "unit": "people",
        }
        return [row | common]
    rows = [
        *_mean_rows(scored),
        *_share_rows(cohort, scored),
        *_regression(cohort, scored),
    ]
    return [row | common | {"key": f"{prefix}_{row['key']}"} for row in rows]


def _mean_rows(scored: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean before treatment, and mean change."""
    # Everybody once: the interval is then that of Student.
    one_each = np.ones(len(scored))
    means = {
        "baseline": "mean baseline",
        "change": "mean change",
    }
    return [
        {
            "key": name,
            "about": about,
            "unit": "points",
        }
        | clustered_mean(scored[name], one_each, LEVEL)._asdict()
        for name, about in means.items()
    ]


def _share_rows(
    cohort: DerivedCohort,
    scored: pd.DataFrame,
) -> list[dict[str, Any]]:
    """Shares of the people scored, as far as the scale has a rule for them."""
    rows = []
    for key, flag in _flags(cohort, scored).items():
        events = int(flag.sum())
        share = clopper_pearson(events, len(flag), LEVEL)
        rows.append(
            {
                "key": key,
                "about": _SHARES[key],
                "unit": "%",
                "events": events,
                **share._asdict(),
            }
        )
    return rows


def _flags(
    cohort: DerivedCohort,
    scored: pd.DataFrame,
) -> dict[str, Bools]:
    """What one score of each person shows, by rule."""
    rules = cohort.criteria
    sign = cohort.instrument.sign
    flags: dict[str, Bools] = {}
    better = improved_by_error(cohort, scored)
    if better is not None:
        flags["improved"] = better
    if rules.response is not None:
        flags["response"] = rule_flags(rules.response, scored)
    # Everybody here was a case before session 1, where the scale says what a case is.
    if rules.caseness is not None:
        case = sign * rules.caseness.value
        flags["no_case"] = (sign * scored["score"] < case).to_numpy(bool)
    if rules.deterioration is not None:
        flags["worse"] = rule_flags(rules.deterioration, scored)
    # Harm has a row on every scale, also where no rule says how much is too much.
    flags["any_worse"] = (sign * scored["change"] > 0).to_numpy(bool)
    return flags


def _regression(
    cohort: DerivedCohort,
    scored: pd.DataFrame,
) -> list[dict[str, Any]]:
    """What regression to the mean alone would make of it."""
    people = scored.rename(columns={"score": "last"})
    entry = find_entry_cutoff(cohort)
    # The first row is the change itself, which has a row of its own.
    rows = regression_rows(cohort, people, entry)[1:]
    return [row for row in rows if not np.isnan(row["estimate"])]


# ---- words


def _sentence(
    table: pd.DataFrame,
    named: dict[str, Instrument],
    enough: list[str],
    week: int,
) -> str:
    """One scale after the other, each with its harm."""
    there = set(table["key"])
    parts = [f"At week {week}, among people scored then."]
    for prefix in enough:
        parts.append(_scale_words(prefix, named[prefix], there))
    # Silence about a scale would look like nothing to see.
    few = [prefix for prefix in named if prefix not in enough]
    for prefix in few:
        parts.append(
            f"{in_sentence(named[prefix].name)}: too few to say anything"
            f" ({{{prefix}_few.n}} scored of {{{prefix}_few.started}})."
        )
    return " ".join(parts)


def _scale_words(
    prefix: str,
    scale: Instrument,
    there: set[str],
) -> str:
    """Change, improvement and worsening on one scale, and what comes by itself."""
    change = f"{prefix}_change"
    words = (
        f"{in_sentence(scale.name)} ({scale.construct or 'measure not stated'}):"
        f" {{{change}.n}} of {{{change}.started}} people scored, mean change"
        f" {value_with_interval(change)} points"
    )
    # No fall is told without the fall that comes by itself, where the baselines show it.
    low = f"{prefix}_mean_regression_low"
    if low in there:
        words += (
            f", of which regression to the mean alone would make {{{low}.estimate}} to"
            f" {{{prefix}_mean_regression_high.estimate}} points of improvement"
        )
    told = [
        f"{share_with_interval(f'{prefix}_{key}')} {said}"
        for key, said in _SAID.items()
        if f"{prefix}_{key}" in there
    ]
    # The share that got worse is told in the same breath.
    told.append(
        f"{share_with_interval(f'{prefix}_any_worse')} scored worse than before treatment"
    )
    return f"{words}; {', '.join(told)}."


def _caveats(
    cohort: DerivedCohort,
    scales: list[Instrument],
) -> tuple[str, ...]:
    rules = "; ".join(rule_words(on_scale(cohort, scale.name)) for scale in scales)
    return (
        "The scales speak of different people: each row counts those who were a case on its own"
        " scale. Points of two scales are not the same points, and a response on one is none on"
        " the other. Nobody was chosen by the other scales, so their change may be smaller.",
        "Only people who were scored then are counted. People who are well, or who have left, are"
        " scored less often.",
        f"The score nearest to the week counts, at most {HORIZON_TOLERANCE_DAYS} days before or"
        f" after. {rules}. Rates on a scale that is not the primary one follow kettrack's"
        " convention for it.",
        *without_caseness(scales),
        f"Shares have exact {100 * LEVEL:g} % intervals (Clopper and Pearson). {CAVEAT}",
    )


def _person_rows(people: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The change of each person on each scale; missing without a score."""
    parts = []
    for name, rows in people.items():
        own = rows.rename_axis("patient_id").reset_index()
        scored = own["score"].notna()
        parts.append(
            own.assign(
                curve=name,
                time=own["sessions"],
                status=scored,
                cause=np.where(scored, "scored", "not_scored"),
                weight=1.0,
                value=own["change"],
            )
        )
    return pd.concat(parts, ignore_index=True).reindex(columns=list(COLUMNS))
