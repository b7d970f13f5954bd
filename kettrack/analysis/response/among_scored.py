"""How people are, as far as scores show: at their last score and at their best. It needs no end of
the log, and so it can be answered from sessions and scores alone.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import state_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.exits import require_confirmation
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.made_of import Kept, Share
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.rules import Rule

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
    "day": "derived",
}
# Of everyone who counts, each said of the last score first, then of the best.
_HAPPENED: Final = {
    "last_response": "{} had responded",
    "last_remission": "{} were in remission",
    "last_deterioration": "{} were worse by the rule for deterioration",
    "last_any_rise": "{} scored worse than before treatment",
    "best_response": "{} had responded",
    "best_remission": "{} were in remission",
}


@question(
    "among_scored",
    asks="How were people at their last score, and at their best?",
    unit="percent of patients scored after session 1",
    estimand=(
        "State at the last and at the best score after session 1, among the people who were scored"
        " then, whenever that was."
    ),
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
        Kept(values=("day",), of="n"),
    ),
    decimals={"day": 0},
    log_end=False,
)
def among_scored(cohort: DerivedCohort) -> Answer:
    """Response, remission and worsening at the last score of each person, and the best they ever
    reached.

    Returns
    -------
    Result
        Refused when nobody with a rated baseline was scored after session 1. Rows
        `last_response` `last_remission` `last_deterioration` `last_any_rise` `best_response`
        `best_remission` `confirmed_response`, as far as the rules in force define them: `events` of
        `n` people scored, of `eligible` who started with a rated baseline; `estimate` with its
        interval in percent; `if_none` / `if_all`: the percentage had none, or all, of the people
        without a score been so; `day`: median day of the score that counts, of the last scores
        only.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> found = among_scored(load_cohort(sample_folder()))
    >>> "last_response" in set(found.table["key"])
    True
    """
    flags, last = _flags(cohort)
    eligible = int(cohort.rated.sum())
    rows = [_row(key, flag, eligible) for key, flag in flags.items()]
    table = pd.DataFrame(rows)
    at_last = table["key"].str.startswith("last_")
    return Answer(
        table=table.assign(day=np.where(at_last, last.median(), np.nan)),
        sentence=_sentence(list(flags)),
        caveats=_caveats(cohort),
        level=LEVEL,
        rows=partial(_person_rows, cohort, flags, last),
    )


def _person_rows(
    cohort: DerivedCohort, flags: dict[str, Bools], last: pd.Series
) -> pd.DataFrame:
    """Who was in which state, with the day of the last score, and who was never scored again."""
    started = cohort.patients["patient_id"][cohort.rated]
    unscored = started[~started.isin(last.index)]
    rows = state_rows(flags, last.index, unscored.to_list())
    return rows.assign(time=rows["patient_id"].map(last))


def _flags(cohort: DerivedCohort) -> tuple[dict[str, Bools], pd.Series]:
    """Whether each scored person was in each state, by row of the table, and the day of the last
    score of each, by `patient_id`.
    """
    scores = _later_scores(cohort)
    last = scores.groupby("patient_id", sort=False).tail(1).set_index("patient_id")
    rules = cohort.criteria
    named = {
        "response": rules.response,
        "remission": rules.remission,
        "deterioration": rules.deterioration,
    }
    defined = {name: rule for name, rule in named.items() if rule is not None}
    met = {name: _meets(rule, scores) for name, rule in defined.items()}
    # Any rise at all counts, so that harm is seen where no rule for deterioration is in force.
    met["any_rise"] = scores["change"] * cohort.instrument.sign > 0
    by_person = {name: flag.groupby(scores["patient_id"]) for name, flag in met.items()}
    flags = {
        f"last_{name}": grouped.last().reindex(last.index).to_numpy(bool)
        for name, grouped in by_person.items()
    }
    # The best score meets a rule for improvement exactly when any score does.
    flags |= {
        f"best_{name}": by_person[name].any().reindex(last.index).to_numpy(bool)
        for name in ("response", "remission")
        if name in by_person
    }
    if rules.response is not None:
        flags["confirmed_response"] = _confirmed(cohort, last.index)
    return flags, last["day"]


def _later_scores(cohort: DerivedCohort) -> pd.DataFrame:
    """Complete scores after session 1 of everyone with a rated baseline, in time order.

    Raises
    ------
    NotIdentified
        Where there is none.
    """
    line = cohort.timeline.dropna(subset=["score"])
    rated = cohort.patients["patient_id"][cohort.rated]
    after = line["sessions_to_date"] > 0
    scores = line[after & line["patient_id"].isin(rated)]
    if scores.empty:
        raise NotIdentified(
            "nobody with a rated baseline was scored after session 1.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1, and scores after it.",
        )
    return scores


def _meets(rule: Rule, scores: pd.DataFrame) -> pd.Series:
    """Whether each score meets the predicate of a rule, along the scores."""
    measures = {
        name: scores[name].to_numpy(float)
        for name in ("score", "change", "percent_change")
    }
    return pd.Series(meets(rule, measures), index=scores.index)


def _confirmed(cohort: DerivedCohort, people: pd.Index) -> Bools:
    """Whether a second score in a row confirmed a response of each person."""
    outcomes = require_confirmation(cohort).outcomes.set_index("patient_id")
    status = outcomes["response_status"].reindex(people)
    return status.isin(["single", "confirmed"]).to_numpy(bool)


def _row(key: str, flag: Bools, eligible: int) -> dict[str, object]:
    """One state: its share of the scored, and its bounds among all who started."""
    events = int(flag.sum())
    estimate, low, high = wilson(events, flag.size)
    # Bounds without any assumption about the people who were not scored (Manski 1990).
    unscored = eligible - flag.size
    return {
        "key": key,
        "eligible": eligible,
        "n": flag.size,
        "events": events,
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "if_none": 100 * events / eligible,
        "if_all": 100 * (events + unscored) / eligible,
    }


def _sentence(keys: list[str]) -> str:
    """The last score with its harm first, then the best one and how much of it was confirmed."""
    said = {
        key: f"{words.format(f'{{{key}.events}}')}, {share_with_interval(key)}"
        for key, words in _HAPPENED.items()
        if key in keys
    }
    last = "; ".join(words for key, words in said.items() if key.startswith("last_"))
    best = "; ".join(words for key, words in said.items() if key.startswith("best_"))
    confirmed = (
        " A second score in a row confirmed the response of {confirmed_response.events},"
        f" {share_with_interval('confirmed_response')}."
        if "confirmed_response" in keys
        else ""
    )
    at_best = f" At their best score {best}.{confirmed}" if best else ""
    return (
        "{last_any_rise.n} of {last_any_rise.eligible} people who started with a rated baseline"
        " were scored after session 1. At their last score (half of these came on day"
        f" {{last_any_rise.day}} or later) {last}.{at_best} These are shares of the people who were"
        " scored. Nobody knows from these files who stopped and who went on elsewhere."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        f"{rule_words(cohort)}.",
        "The last score is that of the day on which somebody happened to be scored last: early for"
        " some people, a year later for others. It is not the state after a course.",
        "The best of many scores is too good. Scores vary by chance, so people who are scored more"
        " often reach a better best score, treated or not. A response that a second score confirms"
        " is less often chance.",
        "People who are well, or who have left, are scored less often. The columns if none and if"
        " all are the extremes: none, or all, of the people without a score were in that state.",
    )
