"""Loss of response in maintenance by group: rates, and their ratios with intervals that hold
together.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, made_from, refusal, release, rule_words
from kettrack.analysis.durability.maintenance import PER, maintenance_stretches
from kettrack.analysis.subgroups.groups import GROUPINGS, groups_of
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import (
    patient_weights,
    percentile_interval,
    simultaneous_band,
)
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

FEWEST_EVENTS: Final = 5
REPLICATES: Final = 1000
SEED: Final = 20261122
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


def compare_loss_rates(cohort: DerivedCohort, by: str) -> Result:
    """Rate at which a response held in maintenance is lost, by group.

    Parameters
    ----------
    cohort : DerivedCohort
        With maintenance sessions and scores between them.
    by : {"severity", "route", "early_response"}
        Groups.

    Returns
    -------
    Result
        One row per group: `n` `events` `person_days`, `estimate` `ci_low` `ci_high` (losses per 100
        person-weeks, patient bootstrap) and, but for the first group, `ratio` `ratio_low`
        `ratio_high` to it (intervals that hold all at once). Refused when fewer than two groups
        have 11 people and 5 losses.
    """
    name = f"maintenance_by_{by}"
    words = GROUPINGS.get(by, by)
    estimand = (
        f"Rate at which a response held in maintenance is first lost, by {words}; an association,"
        " not a cause."
    )
    group = groups_of(cohort, by)
    try:
        people = _people(cohort, group)
    except NotIdentified as error:
        return release(refusal(name, cohort, error, estimand), cohort)
    table = _table(people)
    small = [
        str(label)
        for label in group.cat.categories
        if label not in people["group"].unique() and (group == label).any()
    ]
    result = Result(
        name=name,
        table=table,
        roles=_ROLES,
        decimals={
            "estimate": 2,
            "ci_low": 2,
            "ci_high": 2,
            "ratio": 2,
            "ratio_low": 2,
            "ratio_high": 2,
            "person_days": 0,
        },
        sentence=_sentence(table),
        estimand=estimand,
        caveats=(
            (
                f"Groups by {GROUPINGS[by]}. They differ in more than that: a difference between"
                " groups is no reason for it."
            ),
            *(
                [
                    f"Left out, with fewer than {FEWEST} people or {FEWEST_EVENTS} losses:"
                    f" {', '.join(small)}."
                ]
                if small
                else []
            ),
            (
                "Ratios are to the first group; 95 % intervals that hold for all of them at"
                f" once, {REPLICATES} bootstrap samples of patients, seed {SEED}."
            ),
            rule_words(cohort) + ".",
        ),
        made_from=made_from(
            cohort, unit="losses per 100 person-weeks", level=0.95, seed=SEED
        ),
    )
    return release(result, cohort)


def _people(cohort: DerivedCohort, group: pd.Series) -> pd.DataFrame:
    """Losses and days at risk of each person in maintenance, in groups that are large enough."""
    stretches = maintenance_stretches(cohort).assign(
        days=lambda rows: rows["stop"] - rows["start"]
    )
    people = stretches.groupby("patient_id")[["event", "days"]].sum().astype(float)
    people = people.assign(group=group.reindex(people.index)).dropna(subset=["group"])
    sizes = people.groupby("group", observed=True)["event"].agg(["size", "sum"])
    large = sizes.index[(sizes["size"] >= FEWEST) & (sizes["sum"] >= FEWEST_EVENTS)]
    if len(large) < 2:
        raise NotIdentified(
            f"fewer than two groups have {FEWEST} people in maintenance who held a response, and"
            f" {FEWEST_EVENTS} losses.",
            "scores between maintenance sessions, for more people.",
        )
    return people[people["group"].isin(large)]


def _table(people: pd.DataFrame) -> pd.DataFrame:
    rows = []
    samples = []
    for place, (label, part) in enumerate(people.groupby("group", observed=True)):
        events = part["event"].to_numpy()
        days = part["days"].to_numpy()
        drawn = patient_weights(
            len(part), REPLICATES, np.random.SeedSequence([SEED, place])
        ).astype(float)
        samples.append(np.log(np.maximum(drawn @ events, 0.5) / (drawn @ days)))
        low, high = percentile_interval(samples[-1])
        cells = {
            "key": f"group{place}",
            "group": str(label),
            "n": len(part),
            "events": int(events.sum()),
        }
        cells |= {
            "person_days": days.sum(),
            "estimate": PER * events.sum() / days.sum(),
            "ci_low": PER * np.exp(low),
            "ci_high": PER * np.exp(high),
        }
        rows.append(cells)
    table = pd.DataFrame(rows)
    logs = np.log(table["estimate"].to_numpy(float))
    apart = np.array(samples[1:]).T - samples[0][:, None]
    band = simultaneous_band(logs[1:] - logs[0], apart)
    for name, values in (
        ("ratio", logs[1:] - logs[0]),
        ("ratio_low", band.low),
        ("ratio_high", band.high),
    ):
        table[name] = np.concatenate([[np.nan], np.exp(values)])
    return table


def _sentence(table: pd.DataFrame) -> str:
    parts = []
    for row in table.itertuples():
        ratio = (
            f", {{{row.key}.ratio}} times the first ({{{row.key}.ratio_low}} to"
            f" {{{row.key}.ratio_high}})"
        )
        said = (
            f"{row.group}: {{{row.key}.estimate}} ({{{row.key}.events}} of {{{row.key}.n}}"
            " people)"
        )
        parts.append(said + (ratio if row.Index else ""))
    return f"Losses of a response held in maintenance per 100 person-weeks: {'; '.join(parts)}."
