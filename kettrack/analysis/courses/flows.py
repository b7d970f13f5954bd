"""From severity band to severity band over four visits, with those not scored and those who
stopped.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.courses.occupancy import log_words
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats, Objects
from kettrack.errors import NotIdentified
from kettrack.escapes import as_key, in_sentence
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    DAYS_IN_WEEK,
    FRESH_DAYS,
    HORIZON_DAYS,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE_IN_RIBBON

LAST_VISIT: Final = f"{HORIZON_DAYS // DAYS_IN_WEEK} weeks"
VISITS: Final = ("baseline", "session 3", "session 6", LAST_VISIT)
AFTER_SESSION: Final = {"session 3": 3, "session 6": 6}
# Days from which the score of the last visit may be taken.
_FIRST_DAY: Final = HORIZON_DAYS - FRESH_DAYS
_LAST_DAY: Final = HORIZON_DAYS + FRESH_DAYS
OTHERS: Final = ("no score", "not yet there", "stopped", "log ended")
MERGED: Final = "merged"
_Rows = list[dict[str, object]]
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "place": "label",
    "kind": "label",
    "step": "label",
    "source": "label",
    "target": "label",
    "people": "count",
    "n": "denominator",
}


def visit_nodes(cohort: DerivedCohort) -> pd.DataFrame:
    """Node of each patient at each visit: one row per patient, one ordered category per visit.

    - baseline: the baseline score.
    - session 3, session 6: the last score after it and before the next, at most
      `Criteria.late_after_days` days later.
    - `LAST_VISIT`: the score nearest to `HORIZON_DAYS`, at most `FRESH_DAYS` away, the earlier of
      two.

    Without one, at a session: `stopped` when treatment was over before it, `not yet there` when it
    had not come by `HORIZON_DAYS`. At any visit after the baseline: `log ended` when the log does
    not reach the end of its window, at `LAST_VISIT` also for those who stopped. There, `stopped`
    when the last session was before `HORIZON_DAYS`. Else `no score`.

    Raises
    ------
    NotIdentified
        When the instrument has no published severity bands.
    """
    bands = cohort.instrument.bands
    if not bands:
        raise NotIdentified(
            f"no severity bands are published for {cohort.instrument.name}.",
            "scores of an instrument with severity bands.",
        )
    patients = pd.Index(cohort.patients["patient_id"])
    outcomes = cohort.outcomes.set_index("patient_id")
    scores = {"baseline": outcomes["baseline"]} | _scores(cohort)
    names = np.array([band.label for band in bands], object)
    lowest = np.array([band.low for band in bands])
    categories = [*names, *OTHERS]
    out = pd.DataFrame({"patient_id": patients})
    for visit in VISITS:
        found = scores[visit].reindex(patients)
        score = found.to_numpy(float)
        # The last band that begins at or below the score; NaN sorts last and is replaced.
        place = np.searchsorted(lowest, score, side="right") - 1
        place = np.maximum(place, 0)
        band = names[place]
        missing = np.isnan(score)
        reason = _reasons_without_score(cohort, visit)
        node = np.where(missing, reason, band)
        out[visit] = pd.Categorical(node, categories=categories, ordered=True)
    return out


def _scores(cohort: DerivedCohort) -> dict[str, pd.Series]:
    """Score of each patient at each visit after the baseline, by `patient_id`; those without are
    not in it.
    """
    line = cohort.timeline.dropna(subset=["score"])
    most = cohort.criteria.late_after_days
    in_time = line["days_since_session"] <= most
    in_time = in_time.fillna(False)
    soon = line[in_time.astype(bool)]
    found = {}
    for visit, number in AFTER_SESSION.items():
        after = soon["sessions_to_date"] == number
        own = soon[after].groupby("patient_id")
        found[visit] = own["score"].last()
    in_window = line["day"].between(_FIRST_DAY, _LAST_DAY)
    late = line[in_window]
    apart = late["day"] - HORIZON_DAYS
    apart = apart.abs()
    late = late.assign(apart=apart)
    # Of two equally near scores the earlier one stays first.
    late = late.sort_values(["patient_id", "apart"], kind="stable")
    return found | {LAST_VISIT: late.groupby("patient_id")["score"].first()}


def _reasons_without_score(cohort: DerivedCohort, visit: str) -> Objects:
    """Why each patient has no score at a visit."""
    if visit == "baseline":
        return np.full(len(cohort.patients), "no score", object)
    care = cohort.care
    over = care["care_status"].isin(["stopped", "planned_end"]).to_numpy(bool)
    ends = cohort.log_ends.to_numpy()
    if visit in AFTER_SESSION:
        there = _day_of_session(cohort, AFTER_SESSION[visit])
        came = there <= HORIZON_DAYS
        scored_by = there + cohort.criteria.late_after_days
        too_short = came & (ends < scored_by)
        not_come = ~came & ~over & (ends < HORIZON_DAYS)
        choices = {
            "no score": came & (ends >= scored_by),
            "log ended": too_short | not_come,
            "stopped": ~came & over & np.isinf(there),
        }
    else:
        stopped = over & (care["last_session_day"].to_numpy() < HORIZON_DAYS)
        choices = {
            "log ended": ends < _LAST_DAY,
            "stopped": stopped,
            "no score": ~stopped,
        }
    return np.select(
        list(choices.values()),
        [np.array(name, object) for name in choices],
        np.array("not yet there", object),
    )


def _day_of_session(cohort: DerivedCohort, number: int) -> Floats:
    """Day of each patient's session of that number; inf without one."""
    sessions = cohort.sessions
    nth = sessions.groupby("patient_id").cumcount() == number - 1
    days = sessions[nth].set_index("patient_id")["day"]
    each = days.reindex(cohort.patients["patient_id"]).to_numpy(float)
    return np.where(np.isnan(each), np.inf, each)


@question(
    "severity_flows",
    asks="Between which bands of severity did people move?",
    unit="people",
    estimand=(
        "Severity band of everyone who started, at four visits. People who were not scored and"
        " people who stopped are kept in."
    ),
    roles=_ROLES,
    show=("kind", "step", "source", "target", "people"),
)
def severity_flows(cohort: DerivedCohort) -> Answer:
    """People in each severity band at four visits, and how many went from which to which.

    Returns
    -------
    Result
        Rows of kind `visit` (`people` at `source` at a visit, `step`; `place` orders them, best
        first) and `change` (from `source` at a visit to `target` at the next). Changes of fewer
        than `FEWEST_PEOPLE_IN_RIBBON` are merged: what leaves a band so stands as `target` merged,
        what arrives so as `source` merged. Visits of one step add up to `n`, everyone who started.
        Refused without severity bands.
    """
    nodes = visit_nodes(cohort)
    rows = _node_rows(nodes) + _ribbon_rows(nodes)
    table = pd.DataFrame(rows)
    return Answer(
        table=table.assign(n=len(nodes)),
        sentence=_sentence(nodes),
        caveats=_caveats(cohort),
    )


def _node_rows(nodes: pd.DataFrame) -> _Rows:
    rows = []
    for visit in VISITS:
        counts = nodes[visit].value_counts(sort=False)
        order = {name: place for place, name in enumerate(counts.index)}
        rows += [
            _row("visit", visit, name, "", people) | {"place": order[name]}
            for name, people in counts[counts > 0].items()
        ]
    return rows


def _ribbon_rows(nodes: pd.DataFrame) -> _Rows:
    """Ribbons between each pair of visits; thin ones merged at both their ends."""
    rows = []
    for here, there in zip(VISITS, VISITS[1:], strict=False):
        ends = [here, there]
        pairs = nodes.groupby(ends, observed=True).size()
        counts = pairs.reset_index(name="people")
        enough = counts["people"] >= FEWEST_PEOPLE_IN_RIBBON
        for cells in counts[enough].itertuples(index=False):
            rows.append(_row("change", here, *cells))
        # What is merged leaves one node without saying where to, and arrives without saying whence.
        thin = counts[~enough]
        leaving = thin.groupby(here, observed=True)["people"].sum()
        for name, people in leaving.items():
            rows.append(_row("change", here, name, MERGED, people))
        arriving = thin.groupby(there, observed=True)["people"].sum()
        for name, people in arriving.items():
            rows.append(_row("change", here, MERGED, name, people))
    return rows


def _row(
    kind: str, visit: str, source: object, target: object, people: int
) -> dict[str, object]:
    key = _key(kind, visit, str(source), str(target))
    return {
        "key": key,
        "place": -1,
        "kind": kind,
        "step": visit,
        "source": source,
        "target": target,
        "people": int(people),
    }


def _key(*parts: str) -> str:
    """A name for a row that a sentence can use."""
    return as_key("_".join(filter(None, parts)))


# How many people, `#`, are where no band is known.
_OTHERS_SAID: Final = {
    "no score": "# had no score",
    "stopped": "# had stopped and were not scored",
    "log ended": "the log of # had ended",
}


def _sentence(nodes: pd.DataFrame) -> str:
    """What is known at the last visit, best band first, and what is not."""
    counts = nodes[VISITS[-1]].value_counts(sort=False)
    there = [str(name) for name in counts[counts > 0].index]
    keys = {name: _key("visit", VISITS[-1], name) for name in there}
    parts = [
        _OTHERS_SAID.get(name, f"# were {in_sentence(name)}").replace(
            "#", f"{{{key}.people}}", 1
        )
        for name, key in keys.items()
    ]
    known = ", ".join(parts[:-1])
    said = " and ".join(filter(None, (known, parts[-1])))
    first = next(iter(keys.values()))
    return f"{{{first}.n}} people started. At {VISITS[-1]}, {said}."


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    days = cohort.criteria.late_after_days
    baseline = cohort.settings.baseline
    bands = "; ".join(
        f"{band.label} {band.low:g}-{band.high:g}" for band in cohort.instrument.bands
    )
    return (
        (
            f"Baseline: {baseline} score of the {BASELINE_WINDOW_DAYS} days up to session 1."
            f" Sessions 3 and 6: the last score after the session, before the next one and within"
            f" {days} days. {VISITS[-1]}: the score nearest to day {HORIZON_DAYS}, from day"
            f" {_FIRST_DAY} to {_LAST_DAY}, also of people who had stopped."
        ),
        f"{cohort.instrument.name} bands: {bands} ({cohort.instrument.bands_source}).",
        (
            f"Changes of fewer than {FEWEST_PEOPLE_IN_RIBBON} people are merged with the others"
            " from or to the same band. Stopped: treatment was over and there is no score. A person"
            f" who stopped and was scored at {VISITS[-1]} stands in a band."
        ),
        log_words(cohort),
        (
            "This is what happened, not the effect of treatment. People without a score may be"
            " in any band."
        ),
    )
