"""The score some weeks after the first course: who responded, who is worse, and who was never
asked.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import state_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.exits import counted_outcomes
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets
from kettrack.vocabulary.criteria import worse_words
from kettrack.vocabulary.days import AFTER_COURSE_DAYS
from kettrack.vocabulary.made_of import Share
from kettrack.vocabulary.plain_words import UNCHANGED_MEANS, share_with_interval

_SOURCE: Final = "the window of McInnes 2022, J Affect Disord 301:486"
_DAYS_WORDS: Final = f"{AFTER_COURSE_DAYS[0]} to {AFTER_COURSE_DAYS[1]} days"
_ESTIMAND: Final = (
    f"State {_DAYS_WORDS} after the last session of the first course, among the people who were"
    " scored then."
)
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
# Worsening is said in the same sentence as response.
_HAPPENED: Final = {
    "response": "had responded",
    "remission": "were in remission",
    "any_rise": "scored worse than before treatment",
}


def scores_after_course(cohort: DerivedCohort) -> pd.DataFrame:
    """First score in the window after the last session of the first course.

    Returns
    -------
    DataFrame
        One row per patient with a rated baseline whose log reaches to the end of the window
        (`AFTER_COURSE_DAYS`): `patient_id` `score` `change` `percent_change` `state` `days_after`,
        all missing when nobody scored in the window. Where nobody has an `observed_to_day`,
        everybody.
    """
    end = cohort.first_courses["end_day"]
    counted = counted_outcomes(cohort).index
    line = cohort.timeline.dropna(subset=["score"])
    line["days_after"] = line["day"] - line["patient_id"].map(end).astype("Float64")
    in_window = line[line["days_after"].between(*AFTER_COURSE_DAYS)]
    # Rows rise by day within a patient: the first of the window is the earliest.
    first = in_window.groupby("patient_id").first()
    patients = cohort.patients.set_index("patient_id")
    observed = patients["observed_to_day"].astype("Float64").reindex(counted)
    reaches = observed >= end.reindex(counted) + AFTER_COURSE_DAYS[1]
    # Where no log says how far it reaches everybody stays in: leaving out those without a later row
    # would keep only the scored.
    stays = reaches.fillna(False).to_numpy(bool) | observed.isna().all()
    columns = ["score", "change", "percent_change", "state", "days_after"]
    chosen = first.reindex(counted[stays])[columns]
    return chosen.rename_axis("patient_id").reset_index()


@question(
    "state_after_course",
    asks="How were people in the weeks after the first course?",
    unit="percent of patients scored in the window",
    estimand=_ESTIMAND,
    roles=_ROLES,
    balanced=True,
    recipes=(
        Share(
            value="estimate",
            events="events",
            of="n",
            ends=("ci_low", "ci_high"),
            interval="wilson",
        ),
        Share(value="if_none", events="events", of="eligible"),
        Share(value="if_all", events="events", of="eligible", plus=("eligible", "n")),
    ),
)
def state_after_course(cohort: DerivedCohort) -> Answer:
    """Response, remission and worsening some weeks after the first course, with bounds for those
    not scored.

    Returns
    -------
    Result
        Refused when nobody was scored in the window (`AFTER_COURSE_DAYS`), or no log reaches to
        its end. Rows `response` `remission` `any_rise` `deterioration`, as far as defined: `events`
        of `n` scored with Wilson interval, and `if_none` / `if_all`: the percentage had none, or
        all, of the unscored had it.
    """
    scores = scores_after_course(cohort)
    scored = scores.dropna(subset=["score"])
    if scores.empty:
        last = AFTER_COURSE_DAYS[1]
        raise NotIdentified(
            f"nobody with a rated baseline has a log that reaches {last} days past the first"
            " course, so nobody can be called scored or not scored then.",
            f"observed_to_day, and logs that go on for {last} days after the course.",
        )
    if scored.empty:
        raise NotIdentified(
            f"nobody with a rated baseline was scored {_DAYS_WORDS} after the first course.",
            f"a score {_DAYS_WORDS} after the last session of the course.",
        )
    flags = _state_flags(cohort, scored)
    rows = [
        _row(key, int(flag.sum()), len(scored), len(scores))
        for key, flag in flags.items()
    ]
    return Answer(
        table=pd.DataFrame(rows),
        sentence=_sentence(cohort, list(flags)),
        caveats=(
            f"{cohort.criteria.label}; {_SOURCE}. The first score in the window counts."
            " Maintenance sessions in between are not excluded.",
            *_log_end_caveats(cohort),
            "These are shares of the people who were scored. People who are well, or who have"
            " left, are scored less often. The last two columns are the extremes: none, or all, of"
            " the people without a score were in that state.",
        ),
        level=LEVEL,
        rows=partial(_person_rows, scores, flags),
    )


def _person_rows(scores: pd.DataFrame, flags: dict[str, Bools]) -> pd.DataFrame:
    """Who was in which state, and who was not scored in the window."""
    unscored = scores["score"].isna()
    who = scores["patient_id"]
    return state_rows(flags, who[~unscored].to_list(), who[unscored].to_list())


def _state_flags(cohort: DerivedCohort, scored: pd.DataFrame) -> dict[str, Bools]:
    """Whether each scored person is in each state that the rules in force define."""
    rules = cohort.criteria
    values = {
        name: scored[name].to_numpy(float)
        for name in ("score", "change", "percent_change")
    }
    named = {
        "response": rules.response,
        "remission": rules.remission,
        "deterioration": rules.deterioration,
    }
    flags = {
        key: np.asarray(meets(rule, values))
        for key, rule in named.items()
        if rule is not None
    }
    # Any rise at all counts, so that harm is seen where no rule for deterioration is in force.
    return flags | {"any_rise": values["change"] * cohort.instrument.sign > 0}


def _row(key: str, events: int, n: int, eligible: int) -> dict[str, object]:
    """One state: its share of the scored, and its bounds among all who could have been scored."""
    estimate, low, high = wilson(events, n)
    # Bounds without any assumption about the people who were not scored (Manski 1990).
    share = 100 / eligible if eligible else float("nan")
    unscored = eligible - n
    return {
        "key": key,
        "eligible": eligible,
        "n": n,
        "events": events,
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "if_none": events * share,
        "if_all": (events + unscored) * share,
    }


def _log_end_caveats(cohort: DerivedCohort) -> list[str]:
    """What it means that no log says how far it reaches; empty where one does."""
    if cohort.patients["observed_to_day"].notna().any():
        return []
    return [
        "No log says how far it reaches (observed_to_day), so people whose course has just ended"
        " count as not scored."
    ]


def _sentence(cohort: DerivedCohort, keys: list[str]) -> str:
    """How many were scored, and the share in each state, worsening among them."""
    worse = worse_words(cohort.criteria, cohort.instrument)
    happened = _HAPPENED | {"deterioration": f"were {worse}"}
    parts = [
        f"{{{key}.events}} {happened[key]}, {share_with_interval(key)}" for key in keys
    ]
    return (
        f"{{{keys[0]}.n}} of {{{keys[0]}.eligible}} people whose first course had ended were scored"
        f" {_DAYS_WORDS} later: {'; '.join(parts)}."
    )


@question(
    "waterfall",
    asks="How much had each person changed after the first course?",
    unit="percent of baseline",
    estimand=_ESTIMAND,
    roles={"place": "key", "percent_change": "person", "state": "label"},
)
def waterfall(cohort: DerivedCohort) -> Answer:
    """Percent change some weeks after the first course, one row per person, worst first, those
    without a score last.

    Returns
    -------
    Result
        `place` `percent_change` `state`; empty under a release policy, since every row is one
        person.
    """
    scores = scores_after_course(cohort)
    # Worst first; people without a score keep an empty place, or only the scored would be seen.
    order = scores.sort_values(
        "percent_change",
        ascending=False,
        kind="stable",
        na_position="last",
        ignore_index=True,
    )
    change = order["percent_change"]
    state = order["state"].astype("str").where(change.notna(), "not scored")
    table = pd.DataFrame(
        {"place": order.index + 1, "percent_change": change, "state": state}
    )
    rule = cohort.criteria.deterioration
    worse = rule.words if rule else "no such rule is in force"
    return Answer(
        table=table,
        sentence=(
            f"Percent change from baseline of each person, {_DAYS_WORDS} after the first course."
            " Empty places are people who were not scored."
        ),
        caveats=(
            f"{rule_words(cohort)}. Each bar is named by the best rule that its score meets."
            f" Worse: {worse}. {UNCHANGED_MEANS}.",
        ),
    )
