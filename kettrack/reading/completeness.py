"""What a cohort that can be read still lacks: questions that will be refused, and days that
contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from kettrack.privacy.policies import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.settings import LAST_ROW, SETTINGS_FILE
from kettrack.vocabulary.columns import DEATHS
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    COMPLETE_LOG_DAYS,
    DAYS_IN_WEEK,
)

# Optional columns -> what is lost where they are recorded for nobody; the others that a question
# reads have a sentence of their own.
_COSTS: Final = {
    ("sessions", "route"): "nothing can be compared by route",
    ("sessions", "drug"): "placebo cannot be told from treatment",
    ("sessions", "dose_mg"): "the dose is not among what explains who goes on",
    ("scores", "timing"): "a score on a session day counts as taken before the session",
    ("patients", "prior_sessions"): (
        "people who were treated before the log begins count as new"
    ),
    ("patients", "stop_day"): (
        f"a stop is seen only after {COMPLETE_LOG_DAYS} days without a session"
    ),
    ("patients", "stop_reason"): "nobody can say why people stopped",
}


def missing_information(cohort: Cohort) -> list[str]:
    """Say what cannot be answered from a cohort because a column is missing, and which days
    contradict each other.

    Returns
    -------
    list of str
        One item each, with how to record it; none is an error. Counts are left out under a release
        policy.
    """
    return [
        *_incomplete_logs(cohort),
        *_missing_baselines(cohort),
        *_missing_plans(cohort),
        *_missing_suicidality_item(cohort),
        *_missing_absence(cohort),
        *_other_costs(cohort),
        *_contradictions(cohort),
    ]


def _incomplete_logs(cohort: Cohort) -> Iterator[str]:
    # Without the end of the log, "no session since" is not the same as "stopped".
    unknown = cohort.patients["observed_to_day"].isna()
    if not unknown.any():
        return
    consequence = "These patients are left out of the shares by session."
    if unknown.all():
        consequence = (
            "These questions are refused: response and remission by session, the same if"
            " nobody had stopped, whether to go on, and what more sessions change. Answered are"
            " how people were at their last and at their best score, who ever responded, the"
            " mean score by week, how long responses lasted, and who got worse, all of them"
            " among the people who were scored."
        )
    yield (
        f"observed_to_day is missing for {_of(unknown, cohort)}: without it, nobody can tell"
        f" whether a patient has stopped or only has a gap. {consequence} Record in"
        " patients.csv the last day to which the log of this patient is complete, counted"
        f' from the first session. Or choose log_complete_to = "{LAST_ROW}" in {SETTINGS_FILE}:'
        " then the shares by session are shown, but they leave out people who left without a"
        " later score, and every answer says so."
    )


def _missing_baselines(cohort: Cohort) -> Iterator[str]:
    name = cohort.instrument.name
    scores = cohort.scores
    scored = scores[(scores["instrument"] == name) & scores["score"].notna()]
    in_window = scored["day"].between(-BASELINE_WINDOW_DAYS, 0)
    # A score after the first session already holds its effect and is no baseline.
    after_session = (scored["day"] == 0) & (scored["timing"] == "after")
    baselines = scored[in_window & ~after_session]
    patients = cohort.patients["patient_id"]
    unrated = ~patients.isin(baselines["patient_id"])
    if unrated.any():
        yield (
            f"There is no {name} in the {BASELINE_WINDOW_DAYS} days up to the first session"
            f" for {_of(unrated, cohort)}: neither change nor response can be rated. Record a"
            " score before the first session."
        )
    # Two scales of one clinic, or one that has taken the place of another.
    scales = [
        scale.name
        for scale in cohort.settings.known_instruments.values()
        if scale.name != name and scale.construct == cohort.instrument.construct
    ]
    others = scores[scores["instrument"].isin(scales) & scores["score"].notna()]
    before = others[others["day"].between(-BASELINE_WINDOW_DAYS, 0)]
    elsewhere = unrated & patients.isin(before["patient_id"])
    if elsewhere.any():
        yield (
            "Instead there is another scale of the same kind in these days for"
            f" {_of(elsewhere, cohort)}: {_scales(before, patients[elsewhere])}. Each"
            " answer is about one scale; choose with --instrument."
        )
    later = patients.isin(scored.loc[scored["day"] > 0, "patient_id"])
    switched = (
        ~unrated & ~later & patients.isin(others[others["day"] > 0]["patient_id"])
    )
    if switched.any():
        yield (
            f"The scale changes from {name} to another after the first session for"
            f" {_of(switched, cohort)}. In answers on {name} they count as not scored again."
        )


def _scales(scores: pd.DataFrame, people: pd.Series) -> str:
    """Names of the scales of some people, the most frequent first."""
    theirs = scores[scores["patient_id"].isin(people)]
    return ", ".join(map(str, theirs["instrument"].value_counts().index))


def _missing_plans(cohort: Cohort) -> Iterator[str]:
    if cohort.patients["planned_sessions"].isna().all():
        yield (
            "planned_sessions is recorded for nobody: nobody can be said to have completed a"
            " course, and the first course is taken from the gaps between sessions. Record"
            " how many sessions were planned at the start."
        )


def _other_costs(cohort: Cohort) -> Iterator[str]:
    tables = {
        "sessions": cohort.sessions,
        "scores": cohort.scores,
        "patients": cohort.patients,
    }
    costs = [
        f"{column} ({cost})"
        for (table, column), cost in _COSTS.items()
        if _nowhere(tables[table][column])
    ]
    if cohort.events.empty:
        costs.append(
            "events (hospital stays, ECT, TMS and changes of medication are not seen)"
        )
    if costs:
        yield f"Also recorded for nobody: {'; '.join(costs)}."


def _nowhere(column: pd.Series) -> bool:
    """Whether a column says nothing in any row; an unknown timing says nothing."""
    return not column.notna().any() or bool((column == "unknown").all())


def _missing_suicidality_item(cohort: Cohort) -> Iterator[str]:
    number = cohort.instrument.suicidality_item
    # An item that is only recalled is no reason to ask a clinic for data.
    if number is None or not number.usable:
        return
    item = f"item_{number.value:.0f}"
    if item not in cohort.scores or cohort.scores[item].isna().all():
        yield (
            f"{item} of the {cohort.instrument.name} is recorded for nobody: the review list"
            " cannot show answers on suicidal thoughts from it."
        )


def _missing_absence(cohort: Cohort) -> Iterator[str]:
    """Logs that write a side effect down and leave the cell empty where there was none."""
    noted = cohort.sessions["adverse_events"]
    known = noted.dropna()
    if known.empty or len(known) == len(noted) or (known == "none").any():
        return
    yield (
        "adverse_events is recorded only at sessions that had one: no session says none, and"
        " others are empty. Side effects then seem to come at every session. Write none where"
        " somebody looked and saw none."
    )


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One comparison of two days.

    Parameters
    ----------
    earlier : str
        What should not be earlier, such as `stop_day`.
    noun : str
        What should not come after it: `session` or `score`.
    means : str
        What it would mean.
    people : Series of bool
        By patient: whether the two days contradict each other.
    """

    earlier: str
    noun: str
    means: str
    people: pd.Series

    @property
    def what(self) -> str:
        """The comparison in words."""
        return f"{self.earlier} is earlier than the last {self.noun}"


def contradictions(cohort: Cohort) -> list[Contradiction]:
    """Compare the days that should be the last with the last session and the last score.

    Returns
    -------
    list of Contradiction
        One per comparison, also where nobody contradicts it.
    """
    patients = cohort.patients.set_index("patient_id")
    last_session = _last_days(cohort.sessions, patients)
    last_score = _last_days(cohort.scores, patients)
    # Float64 of pandas keeps missing days missing in the comparison.
    stop = patients["stop_day"].astype("Float64")
    contact = patients["last_contact_day"].astype("Float64")
    # `observed_to_day` is floored to whole weeks: rows of the week after it contradict nothing.
    end = patients["observed_to_day"].astype("Float64") + (DAYS_IN_WEEK - 1)
    after_stop = "The patient has sessions after the stop"
    after_contact = "A session is a contact"
    after_end = "The log goes on after its end"
    death = _deaths(cohort, patients)
    after_death = "The log goes on after it"
    return [
        Contradiction(earlier, noun, means, (last > limit).fillna(False).astype(bool))
        for earlier, limit, noun, last, means in (
            ("stop_day", stop, "session", last_session, after_stop),
            ("last_contact_day", contact, "session", last_session, after_contact),
            ("observed_to_day", end, "session", last_session, after_end),
            ("observed_to_day", end, "score", last_score, after_end),
            ("A death", death, "session", last_session, after_death),
            ("A death", death, "score", last_score, after_death),
        )
    ]


def _contradictions(cohort: Cohort) -> Iterator[str]:
    for one in contradictions(cohort):
        if one.people.any():
            yield (
                f"{one.what} of {_of(one.people, cohort)}. {one.means}: one of the two days is"
                " wrong."
            )


def _deaths(cohort: Cohort, patients: pd.DataFrame) -> pd.Series:
    """Day of each patient's death, missing where there is none."""
    fatal = cohort.events[cohort.events["event"].isin(DEATHS)]
    first = fatal.groupby("patient_id")["day"].min()
    return first.reindex(patients.index).astype("Float64")


def _last_days(rows: pd.DataFrame, patients: pd.DataFrame) -> pd.Series:
    """Last day of each patient in a table, missing where there is none."""
    last = rows.groupby("patient_id")["day"].max()
    return last.reindex(patients.index).astype("Float64")


def _of(flags: pd.Series, cohort: Cohort) -> str:
    """How many of how many patients; under a release policy only whether all."""
    if flags.all():
        return "every patient"
    # A count of few people may not be shown under a release policy.
    if get_policy(cohort.settings.policy).for_release:
        return "some patients"
    return f"{int(flags.sum()):,} of {len(flags):,} patients"
