"""Cost per patient, per responder, per remitter and per month in response, to a fixed week."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, require_log_end, rule_words
from kettrack.analysis.cost.one_more import OneMore, cost_of_one_more
from kettrack.analysis.courses.by_week import event_days
from kettrack.analysis.next_session.outcome_model import Interval
from kettrack.analysis.person_rows import COLUMNS
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import patient_weights, percentile_interval
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK, HORIZON_DAYS
from kettrack.vocabulary.limits import FEWEST_EVENTS, FEWEST_PEOPLE
from kettrack.vocabulary.made_of import PerEvent

_REPLICATES: Final = 1000
_SEED: Final = 1
_DAYS_IN_MONTH: Final = 365.25 / 12
_WEEK: Final = HORIZON_DAYS // DAYS_IN_WEEK
_WELL: Final = ("response", "remission")
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
# Row -> what it is, and the column of `cost_rows` that it is divided by.
_ASKED: Final = {
    "per_patient": ("cost per patient", "person"),
    "per_responder": ("cost of everybody per person who responded", "response"),
    "per_remitter": ("cost of everybody per person who remitted", "remission"),
    "per_month": ("cost of everybody per month in response", "months"),
}


@question(
    "cost",
    recipes=(
        PerEvent(
            value="estimate",
            events="events",
            of="n",
            ends=("ci_low", "ci_high"),
        ),
    ),
    asks="What do sessions cost, per patient, per responder and per month in response?",
    unit="as named in each row",
    estimand=(
        f"Cost of all sessions to week {_WEEK} of everybody who started, divided by the people, by"
        " those who had responded or remitted by then, and by the months in which a response was"
        " seen. It does not say what the responses were caused by."
    ),
    roles=_ROLES,
    decimals={"estimate": 0, "ci_low": 0, "ci_high": 0},
)
def cost(cohort: DerivedCohort) -> Answer:
    """Cost per patient, per responder, per remitter and per month in response.

    Returns
    -------
    Result
        One row each: `events` people with the outcome (months: people who were in response at all)
        of `n`, and a percentile interval from bootstrap samples of patients. Missing where fewer
        than `FEWEST_EVENTS` have it. `more_cost` `more_responders` (per 100 decisions): going on
        against pausing at equal histories, by the trials of `next_session`, with their normal
        intervals; `per_additional_responder`: the first by the second, with Fieller's interval,
        whose upper end is missing where it has none. These three are missing where that question
        refuses. Refused without `cost`, and with fewer than `FEWEST_PEOPLE` whose log reaches to
        the week.
    """
    require_log_end(cohort)
    people, without = cost_rows(cohort)
    if len(people) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a rated baseline, a log that reaches to week"
            f" {_WEEK}, and the cost of each of their sessions.",
            "cost of each session in sessions.csv, and observed_to_day.",
        )
    unit = cohort.settings.currency or "currency not named"
    more, why = _one_more(cohort)
    table = _table(people, unit, more)
    known = table.set_index("key")["estimate"].notna()
    return Answer(
        table=table,
        sentence=partial(_sentence, known=known, more=more),
        caveats=(
            f"{without} people besides are left out because the cost of a session of theirs is not"
            " recorded."
            if without
            else "The cost of each session of these people is recorded.",
            "Counted is what the column cost holds, in most logs what the patient paid. The people"
            " who did not respond cost money too: they are in every row.",
            "What one more session costs per additional responder is no ratio of totals, because"
            " more sessions go to other people than fewer do. Cost and response are outcomes of the"
            f" decisions behind {asked_as('next_session')}, and what that answer assumes is assumed"
            f" here too. {why}",
            "A month counts in response as long as a score told so, at most"
            f" {cohort.criteria.state_holds_days} days after it. {rule_words(cohort)}.",
        ),
        level=LEVEL,
        seed=_SEED,
        rows=partial(_person_rows, people),
    )


def cost_rows(cohort: DerivedCohort) -> tuple[pd.DataFrame, int]:
    """Cost and outcomes of each person to the week, and how many lack the cost of a session.

    Returns
    -------
    people : DataFrame
        One row per patient with a rated baseline and a log that reaches to the week, by
        `patient_id`: `cost` `person` (1) `response` `remission` (0 or 1; 0 without such a rule)
        `months`.
    without : int
        People like them of whom a session has no cost.

    Raises
    ------
    NotIdentified
        When no session has a cost.
    """
    sessions = cohort.sessions
    if sessions["cost"].isna().all():
        raise NotIdentified(
            "no session has a cost.",
            "cost of each session in sessions.csv, and currency in kettrack.toml.",
        )
    # Logs differ in length; to a fixed day everybody is looked at alike.
    inside = sessions[sessions["day"] <= HORIZON_DAYS]
    money = inside["cost"].astype("Float64")
    # One missing cost makes a total too low, so the person has none.
    totals = money.groupby(inside["patient_id"].astype(object)).agg(
        ["sum", "count", "size"]
    )
    known = totals["sum"].where(totals["count"] == totals["size"])
    index = pd.Index(cohort.bucket.patient_id, name="patient_id")
    people = pd.DataFrame({"cost": known.reindex(index).astype(float), "person": 1.0})
    for event in _WELL:
        people[event] = _had(cohort, event)
    people["months"] = _months(cohort).reindex(index).fillna(0.0)
    reaches = np.asarray(cohort.bucket.observed_to_day) >= HORIZON_DAYS
    chosen = people[cohort.rated & reaches]
    complete = chosen.dropna(subset=["cost"])
    return complete, len(chosen) - len(complete)


def _had(cohort: DerivedCohort, event: str) -> Floats:
    """1 for each person with a proven event by the week, else 0."""
    rule = getattr(cohort.criteria, event)
    if rule is None:
        return np.zeros(cohort.bucket.n)
    day = event_days(cohort, rule, cohort.rated)
    return (day <= HORIZON_DAYS).astype(np.float64)


def _months(cohort: DerivedCohort) -> pd.Series:
    """Months in which each person was known to be in response or remission, to the week."""
    segments = cohort.state_segments
    well = segments[segments["state"].isin(_WELL)]
    # A state that begins after the last day comes to have no length.
    begin = well["from_day"].clip(upper=HORIZON_DAYS)
    end = well["to_day"].clip(upper=HORIZON_DAYS)
    days = (end - begin).astype(float)
    total: pd.Series = days.groupby(well["patient_id"].astype(object)).sum()
    return total / _DAYS_IN_MONTH


def _one_more(cohort: DerivedCohort) -> tuple[OneMore | None, str]:
    """What going on costs and brings; without it, why not. Then what was done."""
    try:
        found = cost_of_one_more(cohort)
    except NotIdentified as error:
        return (
            None,
            f"It is refused: {error.reason} To have it, record: {error.collect}",
        )
    return found, (
        "A response is there counted at the score after the decision, the cost up to it. The"
        " interval of their ratio is Fieller's; where these data also fit no additional responder,"
        " it has no upper end."
    )


def _more_rows(more: OneMore | None, unit: str, n: int) -> list[dict[str, Any]]:
    """Cost and people in response of going on, and the one for each of the other."""
    per = "cost of going on for each additional person in response"
    if more is None:
        return [
            {
                "key": "per_additional_responder",
                "about": f"{per}: refused",
                "unit": unit,
                "n": n,
            }
        ]
    shown = (
        ("more_cost", "cost of going on instead of pausing", unit, more.cost, 1),
        (
            "more_responders",
            "more people in response when they went on instead of pausing",
            "per 100 decisions",
            more.responders,
            100,
        ),
        ("per_additional_responder", per, unit, more.ratio, 1),
    )
    return [
        {
            "key": key,
            "about": about,
            "unit": each,
            "n": more.people,
            "estimate": times * found.estimate,
            "ci_low": times * found.low,
            # without an end there is no number
            "ci_high": times * found.high if np.isfinite(found.high) else np.nan,
        }
        for key, about, each, found, times in shown
    ]


def _table(people: pd.DataFrame, unit: str, more: OneMore | None) -> pd.DataFrame:
    """Ratios of totals; every replicate weighs the people anew."""
    # A patient drawn twice brings money and outcome twice: both change together.
    weights = patient_weights(len(people), _REPLICATES, _SEED).astype(np.float64)
    money = people["cost"].to_numpy()
    spent = weights @ money
    rows: list[dict[str, Any]] = []
    for key, (about, column) in _ASKED.items():
        amount = people[column].to_numpy()
        events = int((amount > 0).sum())
        row: dict[str, Any] = {
            "key": key,
            "about": about,
            "unit": unit,
            "n": len(people),
            "events": events,
            "estimate": np.nan,
        }
        if events >= FEWEST_EVENTS:
            drawn = weights @ amount
            # A sample without any outcome has no ratio.
            safe = np.where(drawn > 0, drawn, np.nan)
            low, high = percentile_interval(spent / safe, LEVEL)
            row |= {
                "estimate": money.sum() / amount.sum(),
                "ci_low": float(low),
                "ci_high": float(high),
            }
        rows.append(row)
    rows += _more_rows(more, unit, len(people))
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    return table.astype({"events": "Int64"})


def _sentence(table: pd.DataFrame, known: pd.Series, more: OneMore | None) -> str:
    """Each cost that can be told, with its interval, and that no cause is claimed."""
    words = {
        "per_responder": "for each of the {per_responder.events} people who had responded",
        "per_remitter": "for each of the {per_remitter.events} people who had remitted",
        "per_month": "for each month in which a response was seen",
    }
    parts = [
        f"{{{key}.estimate}} ({{{key}.ci_low}} to {{{key}.ci_high}}) {said}"
        for key, said in words.items()
        if known[key]
    ]
    divided = f" That is {'; '.join(parts)}." if parts else ""
    return (
        f"To week {_WEEK}, the sessions of {{per_patient.n}} people cost {{per_patient.estimate}}"
        " ({per_patient.ci_low} to {per_patient.ci_high}) {per_patient.unit} per patient."
        f"{divided} {_more_words(table, more)}"
    )


def _more_words(table: pd.DataFrame, more: OneMore | None) -> str:
    """What going on costs and brings, and the ratio where more people responded."""
    asked = "What one more session costs per additional responder"
    if more is None:
        return f"{asked} cannot be told."
    if table.set_index("key")["estimate"].isna()["more_cost"]:
        # a policy that rounds has nothing to make it again from
        return f"{asked} is not shown."
    told = (
        "Going on instead of pausing cost {more_cost.estimate} ({more_cost.ci_low} to"
        f" {{more_cost.ci_high}}) more until the score about {more.days:.0f} days later, and"
        " {more_responders.estimate:pc} ({more_responders.ci_low:pc} to"
        " {more_responders.ci_high:pc}) more people per 100 decisions were then in response,"
        " provided that every reason to stop was recorded."
    )
    return f"{told} {_ratio_words(more.ratio)}"


def _ratio_words(ratio: Interval) -> str:
    """The cost of each additional person in response, as far as there is one."""
    each = "each additional person in response"
    begin = "{per_additional_responder.ci_low}"
    if np.isnan(ratio.low):
        return f"Every cost for {each} fits these data."
    if ratio.high < 0:
        return f"Fewer people responded, so {each} has no cost."
    at_least = (
        f"the interval begins at {begin} and has no upper end, because no additional"
        " response would fit these data too"
    )
    if np.isnan(ratio.estimate):
        return f"For {each} {at_least}."
    per = f"That is {{per_additional_responder.estimate}} for {each}"
    if np.isinf(ratio.high):
        return f"{per}; {at_least}."
    return f"{per} ({begin} to {{per_additional_responder.ci_high}})."


def _person_rows(people: pd.DataFrame) -> pd.DataFrame:
    """Cost of each person as the value, and whether they had responded by the week."""
    rows = people.reset_index().assign(
        curve="cost",
        status=people["response"].to_numpy() > 0,
        weight=1.0,
        value=people["cost"].to_numpy(),
    )
    return rows.reindex(columns=list(COLUMNS))
