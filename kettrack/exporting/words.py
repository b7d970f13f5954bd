"""Words and days that records of an export are made of, each the meaning of a word or day of
kettrack's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from kettrack.settings import BaselineRule
from kettrack.vocabulary.columns import ADVERSE_EVENTS

YES: Final = "Y"
NO: Final = "N"
# `unknown` has no word: nothing is said of it.
TIME_POINTS: Final[Mapping[str, str]] = {"before": "PRE-DOSE", "after": "POST-DOSE"}
BASELINE_TYPES: Final[Mapping[BaselineRule, str]] = {
    "last": "LAST BEFORE FIRST SESSION",
    "mean": "MEAN BEFORE FIRST SESSION",
    "worst": "WORST BEFORE FIRST SESSION",
}
# Where the log does not say it, the status is empty.
TREATMENT_STATUSES: Final[Mapping[str, str]] = {
    "in_care": "ONGOING",
    "stopped": "DISCONTINUED",
    "planned_end": "COMPLETED",
}


def capitals(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words of a closed list as CDISC writes them."""
    return tuple(word.upper() for word in words)


# Values of CNSR, and why somebody is censored; 0 is an event.
CENSORED_LAST_SCORE: Final = 1
CENSORED_NOT_PROVEN: Final = 2
CENSORED_NEVER_SCORED: Final = 3
CENSORED_OTHER_RETURN: Final = 4
CENSORED_WORDS: Final[Mapping[int, str]] = {
    CENSORED_LAST_SCORE: "LAST COMPLETE SCORE",
    CENSORED_NOT_PROVEN: (
        "LAST SCORE WITHOUT THE EVENT; A LATER ONE SHOWED IT AND WAS NOT CONFIRMED"
    ),
    CENSORED_NEVER_SCORED: "FIRST DAY; NO COMPLETE SCORE AFTERWARDS",
    CENSORED_OTHER_RETURN: "ANOTHER RETURN OF THE ILLNESS CAME FIRST",
}


@dataclass(frozen=True, slots=True)
class TimeTo:
    """One parameter of ADTTE.

    Parameters
    ----------
    code : str
        PARAMCD.
    event : str
        As in `outcomes_table`.
    words : str
        The event in words.
    origin : str
        Event from which time counts; empty for the first session.
    """

    code: str
    event: str
    words: str
    origin: str = ""

    @property
    def param(self) -> str:
        """PARAM."""
        begin = self.origin.replace("_", " ") or "first session"
        return f"Time from {begin} to {self.words} (days)"


# The returns of an illness can only be seen in people who had got well.
TIMES: Final = (
    TimeTo("TTRESP", "response", "response"),
    TimeTo("TTREM", "remission", "remission"),
    TimeTo("TTDET", "deterioration", "deterioration"),
    TimeTo("TTLOR", "loss_of_response", "loss of response", "response"),
    TimeTo("TTRELAP", "relapse", "relapse", "remission"),
    TimeTo("TTRECUR", "recurrence", "recurrence", "remission"),
)
# Entries of the events table that harm somebody; the others tell of treatment or follow-up.
HARMS: Final = (
    "adverse_event",
    "hospitalisation",
    "suicide_attempt",
    "suicide",
    "death",
)
# Serious by the definition of ICH E2A: what somebody dies of or is admitted for.
SERIOUS: Final = ("hospitalisation", "suicide_attempt", "suicide", "death")
# The session says that nothing happened, or it was serious and says not what.
NO_EVENT: Final = "none"
NOT_NAMED: Final = "not_named"
_OF_SESSIONS: Final = tuple(word for word in ADVERSE_EVENTS if word != NO_EVENT)
# A word that both tables have stands once.
TERMS: Final = tuple(dict.fromkeys((*_OF_SESSIONS, *HARMS, NOT_NAMED)))


def study_days(days: pd.Series) -> pd.Series:
    """Days since the first session as study days: day 0 becomes 1, and day -1 stays.

    Parameters
    ----------
    days : Series
        Whole days on the patient's own clock; missing ones stay missing.

    Examples
    --------
    >>> study_days(pd.Series([-1, 0, 7, None], dtype="Int64")).tolist()
    [-1, 1, 8, <NA>]
    """
    whole = days.astype("Int64")
    # The standard counts the day of the first dose as the first day of the study.
    before = whole < 0
    since = whole + 1
    return whole.where(before, since)
