"""From severity band to severity band over four visits, with those not scored and those who
stopped.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import made_from, refusal, release
from kettrack.analysis.courses.occupancy import log_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

VISITS: Final = ("baseline", "session 3", "session 6", "12 weeks")
AFTER_SESSION: Final = {"session 3": 3, "session 6": 6}
WEEK_12: Final = (70, 98)  # days 84 - 14 to 84 + 14
OTHERS: Final = ("no score", "not yet there", "stopped", "log ended")
FEWEST: Final = 6  # a thinner ribbon is merged with the others of its node
MERGED: Final = "merged"
ESTIMAND: Final = (
    "Severity band of everyone who started at four visits, with those not scored and those who"
    " stopped kept in."
)
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
    - 12 weeks: the score nearest to day 84 from day 70 to 98, the earlier of two.

    Without one, at a session: `stopped` when treatment was over before it, `not yet there` when it
    had not come by day 84. At any visit after the baseline: `log ended` when the log does not reach
    the end of its window, at 12 weeks also for those who stopped. At 12 weeks: `stopped` when the
    last session was before day 84. Else `no score`.

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
    out = pd.DataFrame({"patient_id": patients})
    for visit in VISITS:
        score = scores[visit].reindex(patients).astype(float).to_numpy()
        band = names[np.maximum(np.searchsorted(lowest, score, side="right") - 1, 0)]
        node = np.where(np.isnan(score), _without_score(cohort, visit), band)
        out[visit] = pd.Categorical(node, categories=[*names, *OTHERS], ordered=True)
    return out


def _scores(cohort: DerivedCohort) -> dict[str, pd.Series]:
    """Score of each patient at each visit after the baseline, by `patient_id`; those without are
    not in it.
    """
    line = cohort.timeline.dropna(subset=["score"])
    soon = line[
        (line["days_since_session"] <= cohort.criteria.late_after_days)
        .fillna(False)
        .astype(bool)
    ]
    found = {
        visit: soon[soon["sessions_to_date"] == number]
        .groupby("patient_id")["score"]
        .last()
        for visit, number in AFTER_SESSION.items()
    }
    late = line[line["day"].between(*WEEK_12)]
    late = late.assign(apart=(late["day"] - sum(WEEK_12) / 2).abs()).sort_values(
        ["patient_id", "apart"], kind="stable"
    )
    return found | {"12 weeks": late.groupby("patient_id")["score"].first()}


def _without_score(cohort: DerivedCohort, visit: str) -> np.ndarray:
    """Why each patient has no score at a visit."""
    if visit == "baseline":
        return np.full(len(cohort.patients), "no score", object)
    care = cohort.care
    over = care["care_status"].isin(["stopped", "planned_end"]).to_numpy(bool)
    ends = cohort.log_ends.to_numpy()
    days = sum(WEEK_12) // 2
    if visit in AFTER_SESSION:
        there = _day_of_session(cohort, AFTER_SESSION[visit])
        came = there <= days
        scored_by = there + cohort.criteria.late_after_days
        choices = {
            "no score": came & (ends >= scored_by),
            "log ended": (came & (ends < scored_by)) | (~came & ~over & (ends < days)),
            "stopped": ~came & over & np.isinf(there),
        }
    else:
        stopped = over & (care["last_session_day"].to_numpy() < days)
        choices = {
            "log ended": ends < WEEK_12[1],
            "stopped": stopped,
            "no score": ~stopped,
        }
    return np.select(
        list(choices.values()),
        [np.array(name, object) for name in choices],
        np.array("not yet there", object),
    )


def _day_of_session(cohort: DerivedCohort, number: int) -> np.ndarray:
    """Day of each patient's session of that number; inf without one."""
    chosen = cohort.sessions[
        cohort.sessions.groupby("patient_id").cumcount() == number - 1
    ]
    days: np.ndarray = (
        chosen.set_index("patient_id")["day"]
        .reindex(cohort.patients["patient_id"])
        .to_numpy(float)
    )
    return np.where(np.isnan(days), np.inf, days)


@question("severity_flows", asks="Between which bands of severity did people move?")
def severity_flows(cohort: DerivedCohort) -> Result:
    """People in each severity band at four visits, and how many went from which to which.

    Returns
    -------
    Result
        Rows of kind `node` (`people` at `source` at a visit, `step`; `place` orders them, best
        first) and `ribbon` (from `source` at a visit to `target` at the next). Ribbons of fewer
        than 6 people are merged: what leaves a node so stands as `target` merged, what arrives so
        as `source` merged. Nodes of one step add up to `n`, everyone who started. Refused without
        severity bands.
    """
    try:
        nodes = visit_nodes(cohort)
    except NotIdentified as error:
        return release(refusal("severity_flows", cohort, error, ESTIMAND), cohort)
    table = pd.DataFrame(_node_rows(nodes) + _ribbon_rows(nodes)).assign(n=len(nodes))
    result = Result(
        name="severity_flows",
        table=table,
        roles=_ROLES,
        show=("kind", "step", "source", "target", "people"),
        sentence=_sentence(nodes),
        estimand=ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="people"),
    )
    return release(result, cohort)


def _node_rows(nodes: pd.DataFrame) -> list[dict[str, object]]:
    rows = []
    for visit in VISITS:
        counts = nodes[visit].value_counts(sort=False)
        order = {name: place for place, name in enumerate(counts.index)}
        rows += [
            _row("node", visit, name, "", people) | {"place": order[name]}
            for name, people in counts[counts > 0].items()
        ]
    return rows


def _ribbon_rows(nodes: pd.DataFrame) -> list[dict[str, object]]:
    """Ribbons between each pair of visits; thin ones merged at both their ends."""
    rows = []
    for here, there in zip(VISITS, VISITS[1:], strict=False):
        counts = (
            nodes.groupby([here, there], observed=True)
            .size()
            .reset_index(name="people")
        )
        thick = counts[counts["people"] >= FEWEST]
        rows += [
            _row("ribbon", here, *cells) for cells in thick.itertuples(index=False)
        ]
        thin = counts[counts["people"] < FEWEST]
        out, into = (
            thin.groupby(end, observed=True)["people"].sum() for end in (here, there)
        )
        rows += [
            _row("ribbon", here, name, MERGED, int(people))
            for name, people in out.items()
        ]
        rows += [
            _row("ribbon", here, MERGED, name, int(people))
            for name, people in into.items()
        ]
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
    """A name for a row that a sentence can use: letters, digits and underscores."""
    return re.sub(r"\W+", "_", "_".join(filter(None, parts)))


def _sentence(nodes: pd.DataFrame) -> str:
    """What is known at the last visit, best band first, and what is not."""
    counts = nodes[VISITS[-1]].value_counts(sort=False)
    keys = {
        str(name): _key("node", VISITS[-1], str(name))
        for name in counts[counts > 0].index
    }
    parts = [f"{{{key}.people}} {name}" for name, key in keys.items()]
    return (
        f"Of {{{next(iter(keys.values()))}.n}} people who started, at 12 weeks:"
        f" {', '.join(parts)}."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    days = cohort.criteria.late_after_days
    first, last = WEEK_12
    bands = "; ".join(
        f"{band.label} {band.low:g}-{band.high:g}" for band in cohort.instrument.bands
    )
    return (
        (
            f"Baseline: {cohort.settings.baseline} score of the 30 days up to session 1. Session"
            f" 3 and 6: last score after it, before the next, within {days} days. 12 weeks: score"
            f" nearest to day 84 of days {first}-{last}, stopped or not."
        ),
        f"{cohort.instrument.name} bands: {bands} ({cohort.instrument.bands_source}).",
        (
            f"Ribbons of fewer than {FEWEST} people are merged with the others of their node."
            " Stopped: no score, and treatment was over; a person who stopped and was scored at"
            " 12 weeks stands in a band."
        ),
        log_words(cohort),
        "What happened, not what treatment did; those without a score may be anywhere.",
    )
