"""Loss of response in maintenance by group: rates, and their ratios with intervals that hold
together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, made_from, refusal, release, rule_words
from kettrack.analysis.durability.maintenance import PER, maintenance_stretches
from kettrack.analysis.subgroups.groups import (
    differ_caveat,
    grouping_name,
    grouping_words,
    groups_of,
    left_out_groups,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.intervals import (
    patient_weights,
    percentile_interval,
    simultaneous_band,
)
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_EVENTS, FEWEST_PEOPLE

RATE_REPLICATES: Final = 1000
RATE_SEED: Final = 20261122
_PERSON_WEEKS: Final = PER // DAYS_IN_WEEK
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "group": "label",
    "n": "denominator",
    "events": "count",
    "person_days": "derived",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "ratio": "derived",
    "ratio_low": "derived",
    "ratio_high": "derived",
}
_RATES: Final = ("estimate", "ci_low", "ci_high", "ratio", "ratio_low", "ratio_high")
# Rates are a few losses per 100 person-weeks: one decimal would make them alike.
_DECIMALS: Final = dict.fromkeys(_RATES, 2) | {"person_days": 0}


def compare_loss_rates(cohort: DerivedCohort, by: str) -> Result:
    """Rate at which a response held in maintenance is lost, by group.

    Parameters
    ----------
    cohort : DerivedCohort
        With maintenance sessions and scores between them.
    by : str
        One of `all_groupings`.

    Returns
    -------
    Result
        One row per group: `n` `events` `person_days`, `estimate` `ci_low` `ci_high` (losses per 100
        person-weeks, patient bootstrap) and, but for the first group, `ratio` `ratio_low`
        `ratio_high` to it (intervals that hold all at once). Refused when fewer than two groups
        have `FEWEST_PEOPLE` and `FEWEST_EVENTS`.
    """
    by = grouping_name(cohort, by)
    name = f"maintenance_by_{by}"
    estimand = (
        "Rate at which a response held in maintenance is first lost, by"
        f" {grouping_words(cohort, by)}. It is an association, not a cause."
    )
    group = groups_of(cohort, by)
    try:
        people = _people(cohort, group)
    except NotIdentified as error:
        return release(refusal(name, cohort, error, estimand), cohort)
    table = _table(people)
    result = Result(
        name=name,
        table=table,
        roles=_ROLES,
        decimals=_DECIMALS,
        sentence=_sentence(table),
        estimand=estimand,
        caveats=_caveats(cohort, group, people, by),
        made_from=made_from(
            cohort,
            unit=f"losses per {_PERSON_WEEKS} person-weeks",
            level=LEVEL,
            seed=RATE_SEED,
        ),
    )
    return release(result, cohort)


def _caveats(
    cohort: DerivedCohort, group: pd.Series, people: pd.DataFrame, by: str
) -> tuple[str, ...]:
    """What groups are and are not, who is left out, and how the intervals were made."""
    small = ", ".join(left_out_groups(group, people["group"].unique()))
    left_out = (
        f"Left out are groups with fewer than {FEWEST_PEOPLE} people or {FEWEST_EVENTS} losses:"
        f" {small}."
    )
    return (
        differ_caveat(cohort, by),
        *([left_out] if small else []),
        "Ratios are to the first group. Their 95 % intervals hold for all of them at once:"
        f" {RATE_REPLICATES} bootstrap samples of patients, seed {RATE_SEED}.",
        f"{rule_words(cohort)}.",
    )


def _people(cohort: DerivedCohort, group: pd.Series) -> pd.DataFrame:
    """Losses and days at risk of each person in maintenance, in groups that are large enough."""
    # A person may have several stretches; groups are of people, so they are added up.
    stretches = maintenance_stretches(cohort)
    days = stretches["stop"] - stretches["start"]
    stretches = stretches.assign(days=days)
    people = stretches.groupby("patient_id")[["event", "days"]].sum().astype(float)
    people = people.assign(group=group.reindex(people.index)).dropna(subset=["group"])
    sizes = people.groupby("group", observed=True)["event"].agg(["size", "sum"])
    # `size` counts people, `sum` their losses.
    enough = (sizes["size"] >= FEWEST_PEOPLE) & (sizes["sum"] >= FEWEST_EVENTS)
    large = sizes.index[enough]
    if len(large) < 2:
        raise NotIdentified(
            f"fewer than two groups have {FEWEST_PEOPLE} people who were responding in"
            f" maintenance, and {FEWEST_EVENTS} losses.",
            "scores between maintenance sessions, for more people.",
        )
    return people[people["group"].isin(large)]


def _table(people: pd.DataFrame) -> pd.DataFrame:
    """Rate of each group, and its ratio to the first with intervals that hold all at once."""
    rows = []
    samples = []
    for place, (label, part) in enumerate(people.groupby("group", observed=True)):
        drawn = _log_rates(part, place)
        low, high = percentile_interval(drawn)
        events = part["event"].sum()
        days = part["days"].sum()
        samples.append(drawn)
        rows.append(
            {
                "key": f"group{place}",
                "group": str(label),
                "n": len(part),
                "events": int(events),
                "person_days": days,
                "estimate": PER * events / days,
                "ci_low": PER * np.exp(low),
                "ci_high": PER * np.exp(high),
            }
        )
    table = pd.DataFrame(rows)
    # On the log scale ratios are differences, and their intervals are symmetric.
    logs = np.log(table["estimate"].to_numpy(float))
    ratio = logs[1:] - logs[0]
    # One row per replicate, one column per group after the first.
    differences = np.array(samples[1:]).T - samples[0][:, None]
    band = simultaneous_band(ratio, differences)
    for name, values in {
        "ratio": ratio,
        "ratio_low": band.low,
        "ratio_high": band.high,
    }.items():
        table[name] = np.concatenate([[np.nan], np.exp(values)])
    return table


def _log_rates(part: pd.DataFrame, place: int) -> Floats:
    """Logarithm of the daily rate of one group in each bootstrap sample of its patients."""
    events = part["event"].to_numpy()
    days = part["days"].to_numpy()
    # Each group draws from a stream of its own, so that one more group changes none of the others.
    stream = np.random.SeedSequence([RATE_SEED, place])
    weights = patient_weights(len(part), RATE_REPLICATES, stream).astype(float)
    # A sample without a loss counts half a loss: the logarithm of 0 does not exist.
    losses = np.maximum(weights @ events, 0.5)
    return np.asarray(np.log(losses / (weights @ days)))


def _sentence(table: pd.DataFrame) -> str:
    """The rate of each group, with its losses and people, and its ratio to the first."""
    parts = []
    for row in table.itertuples():
        words = (
            f"{in_sentence(str(row.group))}, {{{row.key}.estimate}} ({{{row.key}.events}} of"
            f" {{{row.key}.n}} people)"
        )
        ratio = (
            f", {{{row.key}.ratio}} times the first group ({{{row.key}.ratio_low}} to"
            f" {{{row.key}.ratio_high}})"
        )
        parts.append(words + (ratio if row.Index else ""))
    return (
        "Losses of a response that was held in maintenance, per"
        f" {_PERSON_WEEKS} person-weeks: {'; '.join(parts)}."
    )
