"""One line per person: courses, sessions with dose, states, events, and why the line ends. For the
clinic's own eyes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import made_from, release, rule_words
from kettrack.analysis.courses.occupancy import log_words
from kettrack.analysis.registry import question
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort

MOST_PEOPLE: Final = 60
SEED: Final = 20240
EVENTS: Final = (
    "response",
    "loss_of_response",
    "relapse",
    "recurrence",
    "return_timing_unclear",
)
COLUMNS: Final = ("place", "n", "what", "label", "from_day", "to_day", "dose_mg")


@question("swimmer", asks="What happened to each person, day by day?")
def swimmer(cohort: DerivedCohort, seed: int = SEED) -> Result:
    """Everything that a swimmer plot draws, one row per stretch or mark.

    Parameters
    ----------
    cohort : DerivedCohort
        Of more than 60 people a random sample of 60 is drawn.
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
    chosen = everyone.sort_values().to_numpy()
    if len(chosen) > MOST_PEOPLE:
        chosen = np.sort(
            np.random.default_rng(seed).choice(chosen, MOST_PEOPLE, replace=False)
        )
    table = swimmer_rows(cohort)
    table = table[table["patient_id"].isin(chosen)]
    sampled = (
        f" A random sample of {MOST_PEOPLE} of all who started (seed {seed})."
        if len(everyone) > len(chosen)
        else ""
    )
    result = Result(
        name="swimmer",
        table=_placed(table.assign(n=len(everyone))),
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
        sentence=(
            f"One line per person from session 1 to the end of the log, longest first.{sampled}"
        ),
        estimand=(
            "Courses, states and events of single people, as recorded; not for comparing groups."
        ),
        caveats=(
            log_words(cohort),
            (
                f"A state holds until the next score, at most {cohort.criteria.state_holds_days}"
                f" days. {rule_words(cohort)}."
            ),
            "Events not yet confirmed, or never confirmable, are marked as such.",
        ),
        made_from=made_from(cohort, unit="days", seed=seed),
    )
    return release(result, cohort)


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
    out = rows.assign(place=rows["patient_id"].map(place)).sort_values(
        "place", kind="stable", ignore_index=True
    )
    return out[list(COLUMNS)]


def _courses(cohort: DerivedCohort) -> pd.DataFrame:
    sessions = cohort.courses
    groups = sessions.groupby(["patient_id", "course_number"], sort=False)
    out = groups.agg(
        label=("course", "first"), from_day=("day", "min"), to_day=("day", "max")
    ).reset_index()
    out = out.astype({"label": str})
    return out.drop(columns="course_number").assign(what="course", dose_mg=np.nan)


def _states(cohort: DerivedCohort) -> pd.DataFrame:
    """State segments, cut where the log ends."""
    out = cohort.state_segments.rename(columns={"state": "label"}).astype(
        {"label": str}
    )
    last = cohort.log_ends.reindex(out["patient_id"]).to_numpy() + 1
    return out.assign(
        to_day=np.minimum(out["to_day"], last), what="state", dose_mg=np.nan
    )


def _sessions(cohort: DerivedCohort) -> pd.DataFrame:
    rows = cohort.sessions[["patient_id", "day", "route", "dose_mg"]].rename(
        columns={"day": "from_day", "route": "label"}
    )
    label = rows["label"].astype(object).fillna("route not recorded")
    return rows.assign(to_day=rows["from_day"], what="session", label=label)


def _events(cohort: DerivedCohort) -> pd.DataFrame:
    found = cohort.state_events
    rated = cohort.patients["patient_id"][cohort.rated]
    found = found[found["event"].isin(EVENTS) & found["patient_id"].isin(rated)]
    waiting = found["status"].isin(["pending", "unconfirmable"])
    label: pd.Series = found["event"].str.replace("_", " ") + np.where(
        waiting, " (" + found["status"].astype(str) + ")", ""
    )
    day = found["day"].astype(np.int64)
    rows = {
        "patient_id": found["patient_id"],
        "what": "event",
        "label": label,
        "from_day": day,
        "to_day": day,
    }
    return pd.DataFrame(rows).assign(dose_mg=np.nan)


def _ends(cohort: DerivedCohort) -> pd.DataFrame:
    """End of treatment and its reason where it is over; the end of the log for everyone."""
    care = cohort.care
    ends = cohort.log_ends
    label = care["care_status"].astype(str).str.replace("_", " ")
    over = care["care_status"].isin(["stopped", "planned_end"])
    reason = (
        care["stop_reason"]
        .astype(object)
        .fillna("reason unknown")
        .astype(str)
        .str.replace("_", " ")
    )
    label = label.where(care["care_status"] != "stopped", "stopped: " + reason)
    from_day = care["last_session_day"].where(
        over, ends.reindex(care["patient_id"]).to_numpy()
    )
    return pd.DataFrame(
        {
            "patient_id": care["patient_id"],
            "what": "end",
            "label": label,
            "from_day": from_day,
            "to_day": ends.reindex(care["patient_id"]).to_numpy(),
            "dose_mg": np.nan,
        }
    )
