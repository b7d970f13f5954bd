"""One line per person: courses, sessions with dose, states, events, and why the line ends. For the
clinic's own eyes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.courses.occupancy import log_words
from kettrack.analysis.registry import Answer, question
from kettrack.timelines.derived import DerivedCohort

# People whose lines can be told apart on one page.
_MOST_PEOPLE: Final = 60
_SEED: Final = 20240
EVENTS: Final = (
    "response",
    "loss_of_response",
    "relapse",
    "recurrence",
    "return_timing_unclear",
)
COLUMNS: Final = ("place", "n", "what", "label", "from_day", "to_day", "dose_mg")


@question(
    "swimmer",
    asks="What happened to each person, day by day?",
    unit="days",
    estimand=(
        "Courses, states and events of single people, as recorded. It is not for comparing"
        " groups."
    ),
    roles={
        "place": "key",
        "n": "denominator",
        "what": "label",
        "label": "label",
        "from_day": "person",
        "to_day": "person",
        "dose_mg": "person",
    },
    decimals={"from_day": 0, "to_day": 0},
    show=tuple(name for name in COLUMNS if name != "n"),
)
def swimmer(cohort: DerivedCohort, seed: int = _SEED) -> Answer:
    """Everything that a swimmer plot draws, one row per stretch or mark.

    Parameters
    ----------
    cohort : DerivedCohort
        Of more people than fit on a page a random sample is drawn.
    seed : int
        Of that sample.

    Returns
    -------
    Result
        `place` (line of the person, 1 = longest log) `n` (all who started) `what` (course, state,
        session, event, end) `label` (which one; of the end: in care, log ended, or the stop reason)
        `from_day` `to_day` (the same for a mark) `dose_mg` (sessions). No names; empty under a
        release policy, since every row is about one person.
    """
    everyone = cohort.patients["patient_id"]
    # Sorted, so that the sample does not depend on the order of the rows.
    chosen = everyone.sort_values(kind="stable").to_numpy()
    sampled = ""
    if len(chosen) > _MOST_PEOPLE:
        drawn = np.random.default_rng(seed).choice(chosen, _MOST_PEOPLE, replace=False)
        chosen = np.sort(drawn)
        sampled = (
            f" A random sample of {_MOST_PEOPLE} people is shown, of all who started (seed"
            f" {seed})."
        )
    rows = swimmer_rows(cohort)
    rows = rows[rows["patient_id"].isin(chosen)]
    holds = cohort.criteria.state_holds_days
    return Answer(
        table=_placed(rows.assign(n=len(everyone))),
        sentence=(
            "Each line is one person, from session 1 to the end of the log, the longest first."
            f"{sampled}"
        ),
        caveats=(
            log_words(cohort),
            (
                f"A state lasts until the next score, at most {holds} days."
                f" {rule_words(cohort)}."
            ),
            "Events are marked where they are not confirmed yet, or can no longer be confirmed.",
        ),
        seed=seed,
    )


def swimmer_rows(cohort: DerivedCohort) -> pd.DataFrame:
    """One row per stretch or mark of each patient: `patient_id` and the columns of `swimmer` but
    `place`.
    """
    parts = [
        _courses(cohort),
        _states(cohort),
        _sessions(cohort),
        _events(cohort),
        _ends(cohort),
    ]
    rows = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return rows.astype({"from_day": np.int64, "to_day": np.int64})


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the line of their person: longest log first, then most sessions; names decide only
    between equals.
    """
    length = rows[rows["what"] == "end"].set_index("patient_id")["to_day"]
    sessions = rows[rows["what"] == "session"].groupby("patient_id").size()
    order = pd.DataFrame(
        {"length": length, "sessions": sessions, "name": length.index},
        index=length.index,
    )
    order = order.sort_values(
        ["length", "sessions", "name"], ascending=[False, False, True]
    )
    place = pd.Series(np.arange(1, len(order) + 1), index=order.index)
    rows = rows.assign(place=rows["patient_id"].map(place))
    rows = rows.sort_values("place", kind="stable", ignore_index=True)
    return rows[list(COLUMNS)]


def _courses(cohort: DerivedCohort) -> pd.DataFrame:
    """Stretches of courses."""
    groups = cohort.courses.groupby(["patient_id", "course_number"], sort=False)
    out = groups.agg(
        label=("course", "first"),
        from_day=("day", "min"),
        to_day=("day", "max"),
    )
    out = out.reset_index().astype({"label": str})
    return out.drop(columns="course_number").assign(what="course", dose_mg=np.nan)


def _states(cohort: DerivedCohort) -> pd.DataFrame:
    """Stretches of states, cut where the log ends."""
    out = cohort.state_segments.rename(columns={"state": "label"})
    out = out.astype({"label": str})
    # A stretch ends on the day after its last one.
    last = cohort.log_ends.reindex(out["patient_id"]).to_numpy() + 1
    to_day = np.minimum(out["to_day"], last)
    return out.assign(to_day=to_day, what="state", dose_mg=np.nan)


def _sessions(cohort: DerivedCohort) -> pd.DataFrame:
    """Marks of sessions, with route and dose."""
    rows = cohort.sessions[["patient_id", "day", "route", "dose_mg"]]
    rows = rows.rename(columns={"day": "from_day", "route": "label"})
    label = rows["label"].astype(object).fillna("route not recorded")
    return rows.assign(to_day=rows["from_day"], what="session", label=label)


def _events(cohort: DerivedCohort) -> pd.DataFrame:
    """Marks of events of those whose change is rated, with how sure they are."""
    found = cohort.state_events
    rated = cohort.patients["patient_id"][cohort.rated]
    found = found[found["event"].isin(EVENTS) & found["patient_id"].isin(rated)]
    status = found["status"].astype(str)
    waiting = found["status"].isin(["pending", "unconfirmable"])
    how_sure = (" (" + status + ")").where(waiting, "")
    day = found["day"].astype(np.int64)
    rows = {
        "patient_id": found["patient_id"],
        "what": "event",
        "label": found["event"].str.replace("_", " ") + how_sure,
        "from_day": day,
        "to_day": day,
    }
    return pd.DataFrame(rows).assign(dose_mg=np.nan)


def _ends(cohort: DerivedCohort) -> pd.DataFrame:
    """End of treatment and its reason where it is over; the end of the log for everyone."""
    care = cohort.care
    status = care["care_status"]
    ends = cohort.log_ends.reindex(care["patient_id"]).to_numpy()
    over = status.isin(["stopped", "planned_end"])
    reason = care["stop_reason"].astype(object).fillna("reason unknown").astype(str)
    stopped = "stopped: " + reason.str.replace("_", " ")
    label = status.astype(str).str.replace("_", " ")
    return pd.DataFrame(
        {
            "patient_id": care["patient_id"],
            "what": "end",
            "label": label.where(status != "stopped", stopped),
            "from_day": care["last_session_day"].where(over, ends),
            "to_day": ends,
            "dose_mg": np.nan,
        }
    )
