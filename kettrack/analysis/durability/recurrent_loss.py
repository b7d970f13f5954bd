"""How many times a response is lost: regained and lost again counts again."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.analysis.context import (
    FEWEST,
    LEVEL,
    made_from,
    refusal,
    release,
    rule_words,
)
from kettrack.analysis.durability.counts import loss_rule
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.recurrent_events import (
    RecurrenceCounts,
    count_recurrences,
    estimate_mean_count,
)
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.repeated_loss import repeated_losses

WEEK: Final = 7
SENTENCE_DAYS: Final = (182, 364)
ESTIMAND: Final = (
    "Mean number of losses of response per person, by day since the first response, whatever"
    " sessions followed."
)
ROLES: Final[dict[str, Role]] = {
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
    place: npt.NDArray[np.int64] = people.index.get_indexer(
        pd.Index(losses["patient_id"])
    ).astype(np.int64)
    time = losses["day"].to_numpy(np.int64)
    return count_recurrences(
        place, time, np.ones(time.size, bool), people["followed_to"].to_numpy(np.int64)
    )


def estimate(counts: RecurrenceCounts) -> pd.DataFrame:
    """Mean cumulative function on a weekly grid, to the last week with at least 11 at risk.

    Returns
    -------
    DataFrame
        `day` `n` (people with a response, followed afterwards) `at_risk` (on that day) `losses` (up
        to it) `estimate` `ci_low` `ci_high` (per person; the interval is missing before the first
        loss).
    """
    found = estimate_mean_count(counts, LEVEL)
    last = int((found.at_risk >= FEWEST).sum())
    days = np.arange(WEEK, last + 1, WEEK)
    place = days - 1
    table = pd.DataFrame(
        {
            "day": days,
            "n": int(found.at_risk.max(initial=0)),
            "at_risk": found.at_risk[place],
        }
    )
    table["losses"] = np.cumsum(found.events)[place]
    return table.assign(
        estimate=found.estimate[place],
        ci_low=found.ci_low[place],
        ci_high=found.ci_high[place],
    )


@question(
    "recurrent_loss", asks="How often is a response lost, regained and lost again?"
)
def recurrent_loss(cohort: DerivedCohort) -> Result:
    """How often a response was lost, per person, since the first response; regained and lost again
    counts again.

    Returns
    -------
    Result
        See `estimate` for the table. Refused when fewer than 11 people are followed for a week
        after a first response.
    """
    try:
        table = estimate(count(cohort))
        if table.empty:
            raise NotIdentified(
                f"fewer than {FEWEST} people were followed for a week after a first response.",
                "scores after the first response, for everyone.",
            )
    except NotIdentified as error:
        return release(refusal("recurrent_loss", cohort, error, ESTIMAND), cohort)
    result = Result(
        name="recurrent_loss",
        table=table,
        roles=ROLES,
        decimals={"estimate": 2, "ci_low": 2, "ci_high": 2},
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=(
            (
                f"Loss of response: {loss_rule(cohort)}, regained: {cohort.criteria.response};"
                f" {rule_words(cohort)}."
            ),
            (
                "A mean over people: some lose it many times, most never. Interval on the log"
                " scale, patients as clusters, pointwise."
            ),
            (
                "Sessions are ignored; follow-up ends at the last score that could have shown a"
                " loss. Valid when scores do not stop because of a loss."
            ),
        ),
        made_from=made_from(cohort, unit="losses per person", level=LEVEL),
    )
    return release(result, cohort)


def _sentence(table: pd.DataFrame) -> str:
    """The mean number half a year and a year on, or at the last week there is."""
    days = [day for day in SENTENCE_DAYS if day in set(table["day"])] or [
        int(table["day"].iloc[-1])
    ]
    first = f"row{table['day'].iloc[0]}"
    last = f"row{days[-1]}"
    parts = [
        f"{{row{day}.estimate}} times ({{row{day}.ci_low}}-{{row{day}.ci_high}}) by day"
        f" {{row{day}.day}}"
        for day in days
    ]
    return (
        f"{{{first}.n}} people followed after a first response lost a response on average"
        f" {' and '.join(parts)} ({{{last}.losses}} losses by then)."
    )
