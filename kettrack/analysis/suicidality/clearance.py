"""When thoughts of suicide that were there before session 1 were gone: between which two answers,
and whether they came back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.suicidality.emergent import not_asked
from kettrack.analysis.suicidality.people import (
    ANY_THOUGHT,
    BY_ITSELF,
    COLLECT,
    EXACT,
    RECORDED,
    Asked,
    main_scale,
    no_placebo,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.exact import clopper_pearson
from kettrack.estimators.survival.turnbull import Turnbull, fit_turnbull
from kettrack.estimators.survival.turnbull_band import (
    FEWEST_TO_SUBSAMPLE,
    subsample_survival,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Scaled
from kettrack.vocabulary.plain_words import share_with_interval

WEEKS: Final = (1, 2, 4, 6, 8, 12, 26)
# The weeks that the sentence tells, where enough people are still asked.
_SAID: Final = (2, 6)
_SEED: Final = 1
_SUBSAMPLES: Final = 500
# Two bounds nearer than this are one share.
_SAME: Final = 1e-6
_HALF_A_DAY: Final = 0.5
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "scale": "label",
    "what": "label",
    "week": "label",
    "n": "denominator",
    "at_risk": "count",
    "events": "count",
    "estimate": "derived",
    "least": "derived",
    "most": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}


@dataclass(frozen=True, slots=True)
class Cleared:
    """Who had such thoughts before session 1 and was asked again; arrays of those people.

    Parameters
    ----------
    place : int64
        Of the patient in the cohort.
    left, right : float64
        They went in (left, right], in days since session 1; right is infinite where they did not.
    last_day : float64
        Of the last answer.
    answered_again : bool
        Whether there was an answer after the first one without them.
    came_back : bool
        Whether one of those showed them again.
    """

    place: np.ndarray
    left: Floats
    right: Floats
    last_day: Floats
    answered_again: Bools
    came_back: Bools


@question(
    "ideation_clearance",
    recipes=(
        Scaled(value="estimate", of="n", ends=("ci_low", "ci_high"), weighted=True),
        Scaled(value="least", of="n", most="estimate"),
        Scaled(value="most", of="n", least="estimate"),
    ),
    asks="When were thoughts of suicide gone in people who had them, and did they come back?",
    unit="percent of people",
    log_end=False,
    estimand=(
        "Share of the people with thoughts of suicide at the last answer before session 1 who have"
        " answered at least once that they had none by so many weeks after it, whatever sessions"
        " followed."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
)
def ideation_clearance(cohort: DerivedCohort) -> Answer:
    """By when the first answer of 0 came, known to lie between two answers.

    Returns
    -------
    Result
        `week_1` and so on: % cleared, from Turnbull's estimate, between `least` and `most`, with
        `estimate` where those are equal and an interval from subsamples; `at_risk` = people whose
        answers go on so long without a 0 before. `by_first`: % with 0 at the first answer after
        session 1. `came_back`: of people asked again after an answer of 0, those who answered 1 or
        more later. `last`: % with 0 at the last answer. `untreated`: of people with such thoughts
        at an answer before session 1, those with 0 at the next one, still before it. `not_asked`
        are people without an answer after session 1. Refused below `FEWEST_PEOPLE`.
    """
    asked = main_scale(cohort)
    began = no_placebo(cohort) & (asked.before >= ANY_THOUGHT)
    people = began & asked.asked_after
    if people.sum() < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people had thoughts of suicide before session 1 and were"
            " asked again.",
            COLLECT,
        )
    # People who were never asked again say nothing of when.
    found = cleared(asked, people)
    silent = began & ~asked.asked_after
    rows = _weeks(found, asked)
    rows += _shares(found, asked, people, cohort)
    rows.append(not_asked(asked, silent))
    table = pd.DataFrame(rows, columns=list(_ROLES))
    table["week"] = table["week"].astype("Int64")
    return Answer(
        table=table,
        sentence=_sentence(table, asked),
        caveats=_caveats(len(found.left)),
        level=LEVEL,
        seed=_SEED,
        rows=partial(_person_rows, found, cohort),
    )


def cleared(
    asked: Asked,
    people: Bools,
) -> Cleared:
    """Between which two answers thoughts of suicide went, of the chosen people."""
    rows = asked.rows
    without = rows["value"] < ANY_THOUGHT
    n = len(asked.before)
    right = _by_person(rows[without], "first", n, np.inf)
    # Session 1 itself comes before the first answer.
    earlier = rows[rows["day"] < right[rows["who"]]]
    left = _by_person(earlier, "last", n, 0.0)
    # An answer of the day of session 1, after it: they went within that day.
    right = np.maximum(right, _HALF_A_DAY)
    later = rows[rows["day"] > right[rows["who"]]]
    again = np.zeros(n, bool)
    again[later["who"].to_numpy(np.int64)] = True
    back = np.zeros(n, bool)
    returned = later[later["value"] >= ANY_THOUGHT]
    back[returned["who"].to_numpy(np.int64)] = True
    return Cleared(
        place=np.flatnonzero(people),
        left=left[people],
        right=right[people],
        last_day=asked.last_day[people],
        answered_again=again[people],
        came_back=back[people],
    )


def _by_person(
    rows: pd.DataFrame,
    which: str,
    n: int,
    missing: float,
) -> Floats:
    """First or last day of each patient's rows."""
    day = rows.groupby("who")["day"].agg(which)
    days = day.reindex(range(n))
    return np.asarray(days.fillna(missing), np.float64)


# ---- rows


def _weeks(
    found: Cleared,
    asked: Asked,
) -> list[dict[str, object]]:
    """% cleared by some weeks, as far as enough people are asked."""
    days = DAYS_IN_WEEK * np.array(WEEKS)
    curve = fit_turnbull(found.left, found.right)
    still, gone = _two_bounds(curve, days)
    low, high = _band(found, days)
    # Whoever has cleared stays known; the others only as long as they answer.
    reached = np.where(np.isfinite(found.right), np.inf, found.last_day)
    rows = []
    for place, week in enumerate(WEEKS):
        day = days[place]
        if (reached >= day).sum() < FEWEST_PEOPLE:
            break
        same = gone[place] - still[place] <= _SAME
        rows.append(
            {
                "key": f"week_{week}",
                "scale": asked.item,
                "what": "an answer of 0 by then",
                "week": week,
                "n": len(found.left),
                "at_risk": int(((found.right > day) & (reached >= day)).sum()),
                "estimate": 100 * still[place] if same else np.nan,
                "least": 100 * still[place],
                "most": 100 * gone[place],
                "ci_low": 100 * low[place],
                "ci_high": 100 * high[place],
            }
        )
    return rows


def _two_bounds(
    curve: Turnbull,
    days: np.ndarray,
) -> tuple[Floats, Floats]:
    """Least and most share that has cleared by each day."""
    least_left, most_left = curve.survival(days)
    return 1 - most_left, 1 - least_left


def _band(
    found: Cleared,
    days: np.ndarray,
) -> tuple[Floats, Floats]:
    """Interval of the share that has cleared; missing where there are too few people for it."""
    try:
        band = subsample_survival(
            found.left,
            found.right,
            days,
            replicates=_SUBSAMPLES,
            seed=_SEED,
        )
    except NotIdentified:
        # Too few for subsamples: the caveat says so.
        nothing = np.full(len(days), np.nan)
        return nothing, nothing
    return 1 - band.ci_high, 1 - band.ci_low


def _shares(
    found: Cleared,
    asked: Asked,
    people: Bools,
    cohort: DerivedCohort,
) -> list[dict[str, object]]:
    """What happened at the first answer, after an answer of 0, and at the last one."""
    fresh = no_placebo(cohort) & ~np.asarray(cohort.log_reasons["prior_sessions"], bool)
    had = fresh & (asked.earlier >= ANY_THOUGHT)
    # What came back and what falls by itself stand beside every good number.
    shares = {
        "by_first": (
            "0 at the first answer after session 1",
            asked.first[people] < ANY_THOUGHT,
        ),
        "came_back": (
            "1 or more again, of people asked again after a 0",
            found.came_back[found.answered_again],
        ),
        "last": (
            "0 at the last answer after session 1",
            asked.last[people] < ANY_THOUGHT,
        ),
        "untreated": (
            "0 at the next answer, still before session 1",
            asked.before[had] < ANY_THOUGHT,
        ),
    }
    return [
        {
            "key": key,
            "scale": asked.item,
            "what": what,
            "n": len(has),
            "events": int(has.sum()),
            **clopper_pearson(int(has.sum()), len(has), LEVEL)._asdict(),
        }
        for key, (what, has) in shares.items()
        if len(has)
    ]


def _person_rows(
    found: Cleared,
    cohort: DerivedCohort,
) -> pd.DataFrame:
    """The interval (start, time] in which the thoughts of each person went; and who had them
    again.
    """
    everyone = pd.Index(cohort.patients["patient_id"])
    # Open intervals begin with the last answer that still showed them.
    went = np.isfinite(found.right)
    spells = pd.DataFrame(
        {
            "curve": "cleared",
            "patient_id": everyone[found.place],
            "start": np.where(went, found.left, found.last_day),
            "time": np.where(went, found.right, np.nan),
            "status": went,
            "cause": np.where(went, "cleared", "log_ends"),
            "weight": 1.0,
        }
    )
    again = found.answered_again
    returned = share_rows(
        "came_back",
        everyone[found.place[again]],
        found.came_back[again],
    )
    return joined([spells, returned])


# ---- words


def _sentence(
    table: pd.DataFrame,
    asked: Asked,
) -> str:
    """By when, with what came back, and what answers do by themselves."""
    there = set(table["key"])
    told = [week for week in _SAID if f"week_{week}" in there]
    key = f"week_{told[0]}" if told else "by_first"
    words = f"Of {{{key}.n}} people with thoughts of suicide before session 1 ({asked.item}), "
    by = [f"{_share(table, f'week_{week}')} by week {week}" for week in told]
    words += (
        f"{' and '.join(by)} had answered at least once that they had none."
        if told
        else f"{share_with_interval('by_first')} had none at the first answer after it."
    )
    if "came_back" in there:
        words += (
            " This need not last: of {came_back.n} people asked again after such an answer,"
            f" {share_with_interval('came_back')} had the thoughts again at a later one."
        )
    words += f" At the last answer, {share_with_interval('last')} had none."
    if "untreated" in there:
        words += (
            " Answers also fall without any session: of {untreated.n} people with such thoughts at"
            f" one answer before session 1, {share_with_interval('untreated')} had none at the"
            f" next, against {share_with_interval('by_first')} at the first answer after"
            " session 1."
        )
    return f"{words} {{not_asked.n}} more people were not asked again."


def _share(
    table: pd.DataFrame,
    key: str,
) -> str:
    """One number where the data decide it, else two bounds."""
    # Brackets without an interval would be empty.
    row = table[table["key"] == key]
    interval = f" ({{{key}.ci_low:pc}} to {{{key}.ci_high:%}})"
    interval = interval * bool(row["ci_low"].notna().item())
    if row["estimate"].notna().item():
        return f"{{{key}.estimate:%}}{interval}"
    return f"between {{{key}.least:%}} and {{{key}.most:%}}{interval}"


def _caveats(
    n: int,
) -> tuple[str, ...]:
    interval = (
        f"Intervals by week need {FEWEST_TO_SUBSAMPLE} people."
        if n < FEWEST_TO_SUBSAMPLE
        else f"Intervals by week hold {100 * LEVEL:g} % and come from {_SUBSAMPLES} subsamples of"
        f" people (seed {_SEED})."
    )
    return (
        BY_ITSELF,
        "The first answer without such thoughts lies between two answers, and nobody knows where;"
        f" on a day between them the share is known only between two bounds. {interval} {EXACT}"
        " The answer is valid only if people are not asked because they feel worse or better.",
        "One answer of 0 is little: the more often people are asked, the more of them answer 0 at"
        f" least once. Before: the last answer in the {BASELINE_WINDOW_DAYS} days up to session 1."
        " People who had placebo are not counted.",
        RECORDED,
    )
