"""The review list: who needs a look this week, and why. For the treating clinic; every row is one
person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.people.review_reasons import (
    ReviewScores,
    care_reasons,
    review_scores,
)
from kettrack.analysis.people.review_safety import safety_reasons
from kettrack.privacy.disclosure import gate_rows
from kettrack.reading.cohort import Cohort
from kettrack.timelines.as_of import as_of
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.columns import DEATHS
from kettrack.vocabulary.days import FRESH_DAYS
from kettrack.vocabulary.plain_words import agree
from kettrack.vocabulary.rules import Criteria

SAFETY: Final = (
    "suicidality_high",
    "cssrs_high",
    "cssrs_behaviour",
    "suicidality_rise",
    "suicidality_not_recorded",
)
IN_CARE: Final = (
    "relapse",
    "loss_of_response",
    "deterioration",
    "not_on_track",
    "no_assessment",
    "maintenance_overdue",
)
# In order of urgency.
REASONS: Final = SAFETY + IN_CARE
COLUMNS: Final = (
    "patient_id",
    "urgency",
    "reason",
    "words",
    "day",
    "age_days",
    "last_scores",
)
# Reasons that rest on an answer, recent or old.
ANSWERS: Final = (
    "suicidality_high",
    "cssrs_high",
    "cssrs_behaviour",
    "suicidality_rise",
)
_FRESH: Final = f"  answered within the last {FRESH_DAYS} days:"
_OLD: Final = "  older, with no newer answer to this question (ask again):"
STEPS: Final = "▁▂▃▄▅▆▇█"


def review_table(cohort: Cohort | DerivedCohort, weeks_ago: int = 0) -> pd.DataFrame:
    """Everyone who needs a look, as of each patient's `observed_to_day`: one row per patient and
    reason.

    Safety reasons are given for every patient, the others for those whose care goes on, or is not
    known to have stopped. Patients known to have died are not on the list.

    Parameters
    ----------
    cohort : DerivedCohort
        Under the policy `internal`. Thresholds stand in `criteria.review`.
    weeks_ago : int
        Look back: only what was known so many weeks before is used, see `as_of`.

    Returns
    -------
    DataFrame
        In order of urgency, then the freshest first: `patient_id` `urgency` (1 = first) `reason`
        (one of `REASONS`, in that order) `words` (the reason as a sentence) `day` (of the score,
        session or event it rests on; missing where there is none) `age_days` (from then to the day
        of the review) `last_scores` (of the primary instrument, `ReviewRules.last_scores` of them,
        oldest first, as a line and as numbers).

    Raises
    ------
    UsageError
        Under a release policy: rows of single patients are for the treating clinic.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> review_table(load_cohort(sample_folder())).reason.iloc[0]
    'suicidality_high'
    """
    # Stop before anything is worked out where rows of single patients may not be shown.
    gate_rows(pd.DataFrame(), cohort.settings.policy)
    known = derive(as_of(derive(cohort).cohort, weeks_ago))
    scored = review_scores(known)
    parts = [safety_reasons(known), care_reasons(scored)]
    rows = pd.concat(parts, ignore_index=True)
    patients = pd.Index(rows["patient_id"])
    place = scored.bucket.patient_id.get_indexer(patients)
    in_care = _in_care(known)[place]
    is_safety = rows["reason"].isin(SAFETY).to_numpy()
    listed = ~_died(known)[place] & (is_safety | in_care)
    rows = rows[listed].reset_index(drop=True)
    place = place[listed]
    order = {reason: number for number, reason in enumerate(REASONS, start=1)}
    reason = pd.Categorical(rows["reason"], categories=list(REASONS), ordered=True)
    as_of_day = pd.Series(scored.as_of[place], dtype="Int64")
    out = rows.assign(
        urgency=rows["reason"].map(order).astype("int64"),
        reason=reason,
        age_days=as_of_day - rows["day"].astype("Int64"),
        last_scores=_last_scores(scored, place),
    )
    out = out.sort_values(["urgency", "age_days", "patient_id"], ignore_index=True)
    return out[list(COLUMNS)]


def _in_care(cohort: DerivedCohort) -> Array:
    """Whether care goes on, or is not known to have stopped, per patient."""
    return cohort.care["care_status"].isin(["in_care", "unknown"]).to_numpy()


def _died(cohort: DerivedCohort) -> Array:
    """Whether each patient is known to have died."""
    events = cohort.events
    dead = events.loc[events["event"].isin(DEATHS), "patient_id"]
    return cohort.patients["patient_id"].isin(dead).to_numpy()


def _last_scores(scored: ReviewScores, place: Array) -> pd.Series:
    """Sparkline and numbers of each patient named by position."""
    bucket = scored.bucket
    scale = scored.cohort.instrument
    most = scored.cohort.criteria.review.last_scores
    known = np.flatnonzero(bucket.score_known)
    ends = np.searchsorted(known, bucket.score_offsets)
    texts = {}
    for who in np.unique(place):
        end = ends[who + 1]
        rows = known[max(ends[who], end - most) : end]
        scores = bucket.score[rows].tolist()
        texts[who] = sparkline(scores, scale.minimum, scale.maximum)
    return pd.Series([texts[who] for who in place], dtype="str")


def sparkline(scores: list[float], low: float, high: float) -> str:
    """Scores as a line of blocks and as numbers, oldest first.

    Parameters
    ----------
    low, high : float
        Range of the scale: the lowest block is `low`, the highest `high`, so that lines can be
        compared.

    Examples
    --------
    >>> sparkline([27, 18, 9, 0], 0, 27)
    '█▆▃▁ 27 18 9 0'
    """
    top = len(STEPS) - 1
    shares = [(score - low) / (high - low) for score in scores]
    blocks = [STEPS[min(int(share * len(STEPS)), top)] for share in shares]
    numbers = [f"{score:g}" for score in scores]
    return f"{''.join(blocks)} {' '.join(numbers)}".strip()


TITLES: Final = {
    "suicidality_high": "Suicidal thoughts at the last answer",
    "cssrs_high": "C-SSRS: intent or plan at the last answer, or not ruled out",
    "cssrs_behaviour": "C-SSRS: suicidal behaviour at the last answer",
    "suicidality_rise": "Suicidal thoughts had risen at the last answer",
    "suicidality_not_recorded": "Suicidal thoughts not asked with the last score",
    "relapse": "Relapse",
    "loss_of_response": "Response lost",
    "deterioration": "Worse than before treatment",
    "not_on_track": "Not on track",
    "no_assessment": "Not scored",
    "maintenance_overdue": "Maintenance overdue",
}


def review_lines(table: pd.DataFrame, criteria: Criteria) -> Iterator[str]:
    """The list for reading: a heading per reason, with its rule where the criteria hold one, then
    one line per patient.

    Answers on suicidal thoughts of the last `FRESH_DAYS` stand apart from older ones, to which
    there is no newer one.

    Parameters
    ----------
    table : DataFrame
        From `review_table`.
    criteria : Criteria
        The rules it was made under.
    """
    if table.empty:
        yield "Nobody is on the review list."
    answered = table[table["reason"].isin(ANSWERS)]
    if len(answered):
        recent = answered[answered["age_days"] <= FRESH_DAYS]["patient_id"].nunique()
        whole = answered["patient_id"].nunique()
        yield (
            "Patients whose last answer showed suicidal thoughts, intent, behaviour or a rise:"
            f" {_counts(whole, recent)}. An old answer does not mean that these thoughts are"
            " over: the question was not answered again."
        )
    for reason, rows in table.groupby("reason", observed=True, sort=True):
        rule = getattr(criteria, str(reason), None)
        fresh = rows["age_days"] <= FRESH_DAYS
        split = str(reason) in ANSWERS
        number = f"{len(rows)}"
        if split:
            number = _counts(len(rows), int(fresh.sum()))
        words = f": {rule.words}" if rule else ""
        yield f"\n{TITLES[str(reason)]} ({number}){words}"
        parts = {"": rows}
        if split:
            parts = {_FRESH: rows[fresh], _OLD: rows[~fresh]}
        for title, part in parts.items():
            yield from [title] if title and len(part) else []
            yield from _patient_lines(part)


def _counts(n: int, recent: int) -> str:
    """How many there are, and how many of them rest on a recent answer."""
    return f"{n:,}, {recent:,} within {FRESH_DAYS} days, {n - recent:,} older"


def _patient_lines(rows: pd.DataFrame) -> Iterator[str]:
    """One line per patient: the reason, the day it rests on and its age, the last scores."""
    width = max(map(len, rows["patient_id"]), default=0)
    for row, said in zip(rows.itertuples(), _dated(rows), strict=True):
        yield f"  {row.patient_id:<{width}}  {said}  {row.last_scores}".rstrip()


def _dated(rows: pd.DataFrame) -> list[str]:
    """Each reason with the day it rests on and its age, where it rests on one."""
    day = rows["day"].astype("str")
    days_ago = rows["age_days"].astype("str")
    age = "  [day " + day + ", " + days_ago + " days ago]"
    age = age.where(rows["day"].notna(), "")
    return [agree(said) for said in rows["words"].astype("str") + age]


@dataclass(frozen=True, slots=True)
class Listed:
    """One person of the list.

    Parameters
    ----------
    patient : str
        Study code.
    reasons : tuple of str
        Most urgent first, each with its day.
    scores : str
        The last ones.
    """

    patient: str
    reasons: tuple[str, ...]
    scores: str


# Of the list by person: each stands in the first part that fits.
PARTS: Final = (
    f"Suicidal thoughts, answered within the last {FRESH_DAYS} days",
    "Suicidal thoughts, older answers: ask again",
    "Other reasons",
)


def review_parts(table: pd.DataFrame) -> dict[str, list[Listed]]:
    """The list by person, for a page: a person with several reasons stands once.

    Parameters
    ----------
    table : DataFrame
        From `review_table`.

    Returns
    -------
    dict
        Heading to its people, in the order of `PARTS`; a part without people is left out.
    """
    dated = table.assign(said=_dated(table))
    parts: dict[str, list[Listed]] = {heading: [] for heading in PARTS}
    for code, rows in dated.groupby("patient_id", sort=False):
        person = Listed(
            str(code), tuple(rows["said"]), str(rows["last_scores"].iloc[0])
        )
        parts[_part_of(rows)].append(person)
    return {heading: people for heading, people in parts.items() if people}


def _part_of(rows: pd.DataFrame) -> str:
    """The part in which a person stands."""
    recent, older, other = PARTS
    answered = rows[rows["reason"].isin(ANSWERS)]
    if answered.empty:
        return other
    fresh = (answered["age_days"] <= FRESH_DAYS).any()
    return recent if fresh else older
