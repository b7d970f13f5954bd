"""The score 14-31 days after the first course: who responded, who is worse, and who was never
asked.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.analysis.response.exits import counted_outcomes
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets

WINDOW: Final = (14, 31)  # days after the last session of the course; McInnes 2022
SOURCE: Final = "window of McInnes 2022, J Affect Disord 301:486"
_ESTIMAND: Final = "State 14-31 days after the last session of the first course, among those scored then."


def scores_after_course(cohort: DerivedCohort) -> pd.DataFrame:
    """First score 14-31 days after the last session of the first course.

    Returns
    -------
    DataFrame
        One row per patient with a rated baseline whose log reaches to day 31 after the course:
        `patient_id` `score` `change` `percent_change` `state` `days_after`, all missing when nobody
        scored in the window. Where nobody has an `observed_to_day`, everybody.
    """
    end = cohort.first_courses["end_day"]
    counted = counted_outcomes(cohort).index
    line = cohort.timeline.dropna(subset=["score"])
    line["days_after"] = line["day"] - line["patient_id"].map(end).astype("Float64")
    within = line[line["days_after"].between(*WINDOW)].groupby("patient_id").first()
    observed = (
        cohort.patients.set_index("patient_id")["observed_to_day"]
        .astype("Float64")
        .reindex(counted)
    )
    # Where no log says how far it reaches everybody stays in: leaving out those without a later row
    # would keep only the scored.
    complete = counted[
        (observed >= end.reindex(counted) + WINDOW[1]).fillna(False).to_numpy(bool)
        | observed.isna().all()
    ]
    columns = ["score", "change", "percent_change", "state", "days_after"]
    return within.reindex(complete)[columns].rename_axis("patient_id").reset_index()


@question(
    "state_after_course",
    asks="How were people two to four weeks after the first course?",
)
def state_after_course(cohort: DerivedCohort) -> Result:
    """Response, remission and worsening 14-31 days after the first course, with bounds for those
    not scored.

    Returns
    -------
    Result
        Refused when nobody was scored in the window. Rows `response` `remission` `any_rise`
        `reliable_deterioration`, as far as defined: `events` of `n` scored with Wilson interval,
        and `if_none` / `if_all`: the percentage had none, or all, of the unscored had it.
    """
    scores = scores_after_course(cohort)
    scored = scores.dropna(subset=["score"])
    if scored.empty:
        nobody = NotIdentified(
            "nobody with a rated baseline was scored 14-31 days after the first course.",
            "a score two weeks to a month after the last session of the course.",
        )
        return release(refusal("state_after_course", cohort, nobody, _ESTIMAND), cohort)
    rules = cohort.criteria
    measures = {
        name: scored[name].to_numpy(float)
        for name in ("score", "change", "percent_change")
    }
    named = {
        "response": rules.response,
        "remission": rules.remission,
        "reliable_deterioration": rules.deterioration,
    }
    had = {
        key: meets(rule, measures) for key, rule in named.items() if rule is not None
    }
    had["any_rise"] = measures["change"] * cohort.instrument.sign > 0
    rows = [
        _row(key, int(flags.sum()), len(scored), len(scores))
        for key, flags in had.items()
    ]
    result = Result(
        name="state_after_course",
        table=pd.DataFrame(rows),
        roles=_ROLES,
        sentence=_sentence(list(had)),
        estimand=_ESTIMAND,
        caveats=(
            (
                f"{rules.label}; {SOURCE}. First score in the window; maintenance sessions in"
                " between are not excluded."
            ),
            *_log_ends(cohort),
            (
                "Of those scored only: people who are well, or gone, are asked less often. The"
                " last two columns are the extremes."
            ),
        ),
        made_from=made_from(
            cohort, unit="percent of patients scored in the window", level=0.95
        ),
    )
    return release(result, cohort)


_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "eligible": "denominator",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "if_none": "derived",
    "if_all": "derived",
}


def _row(key: str, events: int, n: int, eligible: int) -> dict[str, object]:
    estimate, low, high = wilson(events, n)
    share = 100 / eligible if eligible else float("nan")
    bounds = {"if_none": events * share, "if_all": (events + eligible - n) * share}
    return {
        "key": key,
        "eligible": eligible,
        "n": n,
        "events": events,
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
    } | bounds


def _log_ends(cohort: DerivedCohort) -> list[str]:
    if cohort.patients["observed_to_day"].notna().any():
        return []
    return [
        "No log says how far it reaches (observed_to_day): people whose course has just ended"
        " count as not scored."
    ]


def _sentence(keys: list[str]) -> str:
    words = {
        "response": "had responded",
        "remission": "were in remission",
        "any_rise": "scored worse than before treatment",
        "reliable_deterioration": "were reliably worse",
    }
    parts = [
        f"{{{key}.events}} ({{{key}.estimate}} %; {{{key}.ci_low}}-{{{key}.ci_high}})"
        f" {words[key]}"
        for key in keys
    ]
    return (
        "{any_rise.n} of {any_rise.eligible} people whose first course had ended were scored"
        f" 14-31 days later: {', '.join(parts)}."
    )


@question("waterfall", asks="How much had each person changed after the first course?")
def waterfall(cohort: DerivedCohort) -> Result:
    """Percent change 14-31 days after the first course, one row per person, worst first, those
    without a score last.

    Returns
    -------
    Result
        `place` `percent_change` `state`; empty under a release policy, since every row is one
        person.
    """
    scores = scores_after_course(cohort)
    order = scores.sort_values(
        "percent_change", ascending=False, na_position="last", ignore_index=True
    )
    table = pd.DataFrame(
        {
            "place": order.index + 1,
            "percent_change": order["percent_change"],
            "state": order["state"].astype("str"),
        }
    )
    table["state"] = table["state"].where(order["percent_change"].notna(), "not scored")
    result = Result(
        name="waterfall",
        table=table,
        roles={"place": "key", "percent_change": "person", "state": "label"},
        sentence=(
            "Percent change from baseline of each person, 14-31 days after the first course;"
            " empty slots were not scored."
        ),
        estimand=_ESTIMAND,
        caveats=(
            (
                f"{rule_words(cohort)}. A bar is named by the best rule its score meets."
                " Unchanged means that none is met: no partial response, and not worse by the"
                f" rule ({cohort.criteria.deterioration or 'none in force'}), so even a rise in"
                " percent can stand there."
            ),
        ),
        made_from=made_from(cohort, unit="percent of baseline"),
    )
    return release(result, cohort)
