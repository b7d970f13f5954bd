"""From scores to stretches of time: a state holds from its score to the next, but not for ever."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.timelines.derived import DerivedCohort

NOT_RATED = ("no_baseline", "below_caseness", "prior_sessions", "placebo")


def state_segments(cohort: DerivedCohort) -> pd.DataFrame:
    """Stretches of days in which a patient's state is known.

    A state begins on the day of its score and holds until the next complete score, at most
    `Criteria.state_holds_days` days after its own. The baseline is `unchanged` by definition, from
    the first session on. Of two scores on one day the later one counts. An incomplete score neither
    begins nor ends anything.

    Returns
    -------
    DataFrame
        One row per patient and segment, sorted: `patient_id` `state` (ordered category) `from_day`
        `to_day` (the first day on which it holds no more). Patients without a rated baseline have
        none; nothing begins before day 0.

    Examples
    --------
    >>> from kettrack import derive, load_cohort, sample_folder
    >>> segments = state_segments(derive(load_cohort(sample_folder())))
    >>> int((segments.to_day - segments.from_day).max())
    29
    """
    line = cohort.timeline.dropna(subset=["score"])
    rated = cohort.outcomes.set_index("patient_id")
    rated = rated[cohort.rated]
    states = line.dropna(subset=["state"])[["patient_id", "day", "state"]]
    baseline = pd.DataFrame(
        {
            "patient_id": rated.index,
            "day": rated["baseline_day"].to_numpy(),
            "state": "unchanged",
        }
    )
    rows = pd.concat(
        [
            baseline,
            states[states["patient_id"].isin(rated.index)].astype({"state": object}),
        ]
    )
    rows = rows.sort_values(
        ["patient_id", "day"], kind="stable", ignore_index=True
    ).astype({"day": np.int64})
    following = rows.groupby("patient_id", sort=False)["day"].shift(-1).fillna(np.inf)
    ends = np.minimum(
        following, rows["day"] + cohort.criteria.state_holds_days + 1
    ).astype(np.int64)
    kind = cohort.timeline["state"].dtype
    out = rows.assign(
        from_day=rows["day"].clip(lower=0),
        to_day=ends,
        state=rows["state"].astype(kind),
    )
    return out.loc[
        out["to_day"] > out["from_day"], ["patient_id", "state", "from_day", "to_day"]
    ].reset_index(drop=True)


def log_ends(cohort: DerivedCohort) -> pd.Series:
    """Day to which each patient's log reaches, by `patient_id`: `observed_to_day`, or its last row
    where that is later.

    Without `observed_to_day` nothing is known after the last row.
    """
    rows = pd.concat(
        [
            frame[["patient_id", "day"]]
            for frame in (cohort.sessions, cohort.scores, cohort.events)
        ]
    )
    patients = cohort.patients.set_index("patient_id")
    latest = (
        rows.groupby("patient_id")["day"]
        .max()
        .reindex(patients.index)
        .astype("Float64")
    )
    observed = patients["observed_to_day"].astype("Float64")
    return observed.where(observed > latest, latest).fillna(latest).astype(np.int64)
