"""How many times a response is lost: a response that came back and is lost again counts again."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.durability.counts import loss_rule
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.recurrent_events import (
    RecurrenceCounts,
    count_recurrences,
    estimate_mean_count,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.repeated_loss import repeated_losses
from kettrack.vocabulary.days import DAYS_IN_WEEK, LAST_CURVE_DAY
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Scaled
from kettrack.vocabulary.plain_words import value_with_interval

# Half a year and a year, in whole weeks.
_DAYS_SAID: Final = (LAST_CURVE_DAY // 2, LAST_CURVE_DAY)
_ROLES: Final[dict[str, Role]] = {
    "day": "key",
    "n": "denominator",
    "at_risk": "running",
    "losses": "running",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}


def count(cohort: DerivedCohort) -> RecurrenceCounts:
    """Losses and follow-up since the first response; counts of several sites can be added.

    Raises
    ------
    NotIdentified
        When the rules in force define no response or no loss of it.
    """
    people, losses = repeated_losses(cohort, loss_rule(cohort))
    patients = pd.Index(losses["patient_id"])
    place: Ints = people.index.get_indexer(patients).astype(np.int64)
    time = losses["day"].to_numpy(np.int64)
    followed_to = people["followed_to"].to_numpy(np.int64)
    # Every row is a loss, none a competing end.
    is_loss = np.ones(time.size, bool)
    return count_recurrences(place, time, is_loss, followed_to)


def estimate(counts: RecurrenceCounts) -> pd.DataFrame:
    """Mean cumulative function on a weekly grid, to the last week with at least `FEWEST_PEOPLE` at
    risk.

    Returns
    -------
    DataFrame
        `day` `n` (people with a response, followed afterwards) `at_risk` (on that day) `losses` (up
        to it) `estimate` `ci_low` `ci_high` (per person; before the first loss the upper end
        is exact).
    """
    found = estimate_mean_count(counts, LEVEL)
    last = int((found.at_risk >= FEWEST_PEOPLE).sum())
    days = np.arange(DAYS_IN_WEEK, last + 1, DAYS_IN_WEEK)
    # The arrays begin with day 1.
    place = days - 1
    return pd.DataFrame(
        {
            "day": days,
            "n": int(found.at_risk.max(initial=0)),
            "at_risk": found.at_risk[place],
            "losses": np.cumsum(found.events)[place],
            "estimate": found.estimate[place],
            "ci_low": found.ci_low[place],
            "ci_high": found.ci_high[place],
        }
    )


@question(
    "recurrent_loss",
    recipes=(
        Scaled(
            value="estimate",
            of="n",
            ends=("ci_low", "ci_high"),
            weighted=True,
            per=1,
            at_most_all=False,
        ),
    ),
    asks="How often is a response lost, regained and lost again?",
    unit="losses per person",
    estimand=(
        "Mean number of losses of response per person, by day since the first response, whatever"
        " sessions followed."
    ),
    roles=_ROLES,
    decimals={"estimate": 2, "ci_low": 2, "ci_high": 2},
    count=count,
)
def recurrent_loss(cohort: DerivedCohort) -> Answer:
    """How often a response was lost, per person, since the first response; a response that came
    back and is lost again counts again.

    Returns
    -------
    Result
        See `estimate` for the table. Refused when fewer than `FEWEST_PEOPLE` are followed for a
        week after a first response.
    """
    table = estimate(count(cohort))
    require_followed(table)
    return Answer(
        table=table,
        sentence=losses_sentence(table),
        caveats=_caveats(cohort),
        level=LEVEL,
        rows=partial(_person_rows, cohort),
    )


def require_followed(table: pd.DataFrame) -> None:
    """Refuse a table without a week.

    Raises
    ------
    NotIdentified
        Asking for scores after the response.
    """
    if table.empty:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people were followed for a week after a first response.",
            "scores after the first response, for everyone.",
        )


def _person_rows(cohort: DerivedCohort) -> pd.DataFrame:
    """One row per loss, from the one before it, and one for the rest of the time followed."""
    people, losses = repeated_losses(cohort, loss_rule(cohort))
    ends = people.rename_axis("patient_id").reset_index()
    ends = ends.rename(columns={"followed_to": "day"})[["patient_id", "day"]]
    both = pd.concat(
        [
            losses[["patient_id", "day"]].assign(status=True, cause="lost"),
            ends.assign(status=False, cause="log_ends"),
        ]
    )
    # A loss on the last day comes before the end of the log.
    both = both.sort_values(
        ["patient_id", "day", "status"], ascending=[True, True, False]
    )
    start = both.groupby("patient_id")["day"].shift(fill_value=0)
    rows = both.assign(curve="losses", start=start, time=both["day"], weight=1.0)
    return rows.assign(dated=both["day"]).reset_index(drop=True)


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    response = cohort.criteria.response
    again = response.words if response is not None else "not defined"
    return (
        (
            f"Loss of response: {loss_rule(cohort).words}. Response again: {again}."
            f" {rule_words(cohort)}."
        ),
        (
            "This is a mean over people: some lose the response many times, most never. Brackets"
            f" hold {100 * LEVEL:g} % intervals on the log scale, each for its own day only, with"
            " patients as clusters."
        ),
        (
            "Sessions are ignored. People are followed to the last score that could have shown a"
            " loss. The mean is valid if people do not stop being scored because of a loss."
        ),
    )


def losses_sentence(table: pd.DataFrame) -> str:
    """The mean number half a year and a year later, or at the last week there is."""
    there = set(table["day"])
    days = [day for day in _DAYS_SAID if day in there]
    days = days or [int(table["day"].iloc[-1])]
    first = f"row{table['day'].iloc[0]}"
    last = f"row{days[-1]}"
    times = " and ".join(
        f"{value_with_interval(f'row{day}')} times by day {day}" for day in days
    )
    return (
        f"{{{first}.n}} people were followed after a first response. On average, a person lost"
        f" the response {times} ({{{last}.losses}} losses by then)."
    )
