"""Which questions can be pooled, and why the others cannot."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.registry import load_questions
from kettrack.pooling.questions.by_day import BY_DAY
from kettrack.pooling.questions.by_session import BY_SESSION
from kettrack.pooling.questions.change import CHANGE, LINES
from kettrack.pooling.questions.durability import DURABILITY
from kettrack.pooling.questions.people import PEOPLE
from kettrack.pooling.questions.safety import SAFETY
from kettrack.pooling.tallies import PooledQuestion

# In the order in which a report tells them.
PARTS: Final[dict[str, PooledQuestion]] = {
    part.question: part
    for part in (*PEOPLE, *BY_SESSION, *BY_DAY, *DURABILITY, *SAFETY, *CHANGE, *LINES)
}
# Reasons why a question is not pooled, each in the words that a site reads.
_ROWS: Final = "It shows rows of single people, and these do not leave a site."
_MODEL: Final = (
    "It fits a model to the rows of single people (weights, bootstrap or a simulated clinic)."
    " Counts do not hold what that needs."
)
_FILES: Final = "It is about the files of one clinic. Ask each site by itself."
_QUANTILES: Final = (
    "It tells quantiles of values that differ from person to person; a table of all values would be"
    " nearly the rows."
)
NOT_YET: Final = (
    "Its counts could be added, but nobody has written this yet. Ask each site by"
    " itself."
)
# A question stands under the first reason that rules it out, even if a second would too.
WHY_NOT: Final = {
    _ROWS: ("swimmer", "waterfall", "retreatment_courses"),
    _MODEL: (
        "expected_course",
        "response_if_all_continued",
        "maintenance_lengths",
        "holding_interval",
        "durability_intervals",
        "maintenance",
        "for_whom",
        "two_groups",
        "against",
        "association",
        "change_by_sessions",
        "next_session",
        "next_session_maintenance",
        "going_on_by_score",
        "balance",
        "stop_after",
        "sessions_and_change",
        "calibration",
        "stop_after_calibration",
        "tolerance",
        "pressure_rise",
    ),
    _FILES: (
        "columns_filled",
        "days_in_order",
        "people_by_table",
        "rows_used",
        "scored_by_week",
        "totals_and_items",
    ),
    _QUANTILES: (
        "session_gaps",
        "session_intervals",
        "induction_completed",
        "session_duration",
        "cost",
    ),
}
_REASONS: Final = {name: why for why, names in WHY_NOT.items() for name in names}


def pooled_questions() -> pd.DataFrame:
    """Every question, and whether sites can answer it together without rows: one row per question.

    Returns
    -------
    DataFrame
        `name` `asks` `pooled` (yes, in part, no) `why` (what is missing, and why; empty where
        everything is pooled).

    Examples
    --------
    >>> pooled_questions().set_index("name").loc["ladder", "pooled"]
    'yes'
    """
    rows = []
    for name, asked in load_questions().items():
        part = PARTS.get(name)
        if part is None:
            pooled = "no"
            # A question that somebody added has no reason of its own yet.
            why = _REASONS.get(name, NOT_YET)
        else:
            pooled = "in part" if part.lacks else "yes"
            why = part.lacks
        rows.append({"name": name, "asks": asked.asks, "pooled": pooled, "why": why})
    return pd.DataFrame(rows)
