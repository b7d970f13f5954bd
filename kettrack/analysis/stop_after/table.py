"""The table of "stop after k against stop after m": its columns, what each row is about, and who is
left out.
"""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from kettrack.analysis.stop_after.rows import LEFT_OUT, StopData
from kettrack.analysis.stop_after.weights import Pair
from kettrack.errors import NotIdentified
from kettrack.vocabulary.days import HORIZON_DAYS, STOP_AFTER_GRACE_DAYS

LABELS: Final = ("about", "unit", "k", "m", "status", "reason")
# Taken out of a refused row.
ESTIMATES: Final = ("estimate", "ci_low", "ci_high")
# Kept in a refused row, as they say why it is refused.
WEIGHTS: Final = ("ess", "largest_share", "mean_weight", "p99_weight", "max_weight")
COLUMNS: Final = (
    "key",
    "about",
    "unit",
    "k",
    "m",
    "n",
    "followers",
    *ESTIMATES,
    *WEIGHTS,
    "status",
    "reason",
)
UNIT: Final = "points"
OUTCOME: Final = f"mean score around day {HORIZON_DAYS}"
# what may follow the last session, by whether usual care is allowed
_AFTERWARDS: Final = (
    "no session afterwards",
    "usual care afterwards, with sessions after a relapse (experimental)",
)


def estimands(pair: Pair, irregular: str = "") -> dict[str, str]:
    """What each row is about, in words; `irregular` says in what visits are.

    Examples
    --------
    >>> words = estimands(Pair(6, 3, False, 12))
    >>> words["strict_k"].partition("; ")[0]
    'Mean score around day 84 if everyone stopped after 6 sessions'
    >>> words["dynamic"].rpartition("; ")[2]
    'no session afterwards'
    """
    later = _AFTERWARDS[pair.usual_care]
    other = _AFTERWARDS[not pair.usual_care]
    difference = difference_words(pair.k, pair.m)
    exactly = "weighted mean of the people who stopped exactly there"
    doubt = f" (experimental here: {irregular})" if irregular else ""
    return {
        "stop_after": f"{difference}; {later}; a smooth curve over the number of sessions",
        "strict": f"{difference}; {later}; weighted means of the people who stopped exactly there",
        "strict_k": f"{mean_words(pair.k)}; {later}; {exactly}",
        "strict_m": f"{mean_words(pair.m)}; {later}; {exactly}",
        "other_rule": f"{difference}; {other}; a different question",
        "dynamic": (
            f"{OUTCOME.capitalize()} if everyone had at most {pair.k} sessions, minus if everyone"
            f" had at most {pair.m}; two scores in remission end the sessions earlier{doubt};"
            f" {_AFTERWARDS[0]}"
        ),
        "g_formula": (
            f"{difference}; {_AFTERWARDS[0]}; second opinion by week-by-week models, less exact"
            " where scores are noisy or often missing"
        ),
    }


def mean_words(number: int | str) -> str:
    """The mean under one strategy."""
    return f"{OUTCOME.capitalize()} if everyone stopped after {number} sessions"


def difference_words(k: int | str, m: int | str) -> str:
    """The difference between two strategies."""
    return f"{mean_words(k)}, minus if everyone stopped after {m}"


def row_of(
    key: str, about: str, error: NotIdentified | None = None, **cells: Any
) -> dict[str, Any]:
    """A row; refused, it keeps who followed and the weights, and loses the estimate."""
    row = {"key": key, "about": about, "unit": UNIT}
    if error is None:
        return row | cells
    kept = {name: value for name, value in cells.items() if name not in ESTIMATES}
    return row | kept | {"status": "refused", "reason": error.reason}


def people_left_out(data: StopData) -> list[dict[str, Any]]:
    """Who is not in it and why, and who came back past the grace; each a row of its own, so that a
    small one hides alone.
    """
    rows = [
        row_of(f"left_out_{name}", f"Left out: people {LEFT_OUT[name]}", followers=n)
        for name, n in data.left_out.items()
    ]
    later = (
        f"People with a session more than {STOP_AFTER_GRACE_DAYS} days after the last one of the"
        f" course, up to day {HORIZON_DAYS}"
    )
    rows.append(row_of("later_sessions", later, followers=int(data.later.sum())))
    everybody = "Everybody followed from session 1, whatever they did"
    rows.append(row_of("cohort", everybody, followers=data.n))
    # counts of people, not points of the scale
    return [{**row, "unit": "patients"} for row in rows]


def table_of(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The table with whole numbers of people, numbers as floats, and a status in every row."""
    # a column that no row fills is there all the same, and missing
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    whole = dict.fromkeys(("k", "m", "n", "followers"), "Int64")
    floats = dict.fromkeys((*ESTIMATES, *WEIGHTS), "float64")
    table = table.astype(whole | floats)
    for name, usual in (("status", "ok"), ("reason", "")):
        words = table[name].astype(object)
        table[name] = words.where(table[name].notna(), usual)
    return table
