"""The tables that the five short answers are told from, by name, and what can be asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from kettrack.analysis.durability.words import KNOWN_TO_RESPOND, NO_LONGER
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.safety import ANY_EVENT

# Names of the longer answers.
CURVE: Final = "how_many_sessions"
HELD: Final = "how_long_it_lasts"
EVENTS: Final = "adverse_events"
SUICIDALITY: Final = "suicidality_in_short"
NEXT: Final = "next_session"
# What stands where a number would.
NOT_KNOWN: Final = "Not known"
NOT_SHOWN: Final = "Not shown"
_HARM: Final = {"worsening": "worse", EVENTS: ANY_EVENT, SUICIDALITY: "grew"}
# Recorded events by row, as the short answer counts them; deaths have a row where there are any.
RECORDED_KINDS: Final = {
    "attempt": "suicide attempts",
    "psychiatric": "psychiatric admissions",
    "suicide": "deaths by suicide",
    "death": "deaths of another or unknown cause",
}
_TOO_FEW: Final = "Too few people are behind it to be shown under the policy"
_BELOW: Final = "The reason stands under the details."
# Each answer with the longer ones behind it, by name of the result.
_BEHIND: Final[dict[str, tuple[str, ...]]] = {
    "response": (
        "among_scored",
        "scores_by_week",
        "how_many_sessions",
        "response_by_session",
        "response_by_week",
        "remission_by_session",
        "state_after_course",
    ),
    "lasting": ("how_long_it_lasts", "how_long_from_response"),
    "harm": (
        "worsening",
        "worsening_by_week",
        "adverse_events",
        "suicidality_in_short",
    ),
    "counted": ("ladder", "session_counts", "responders"),
    "more_sessions": ("next_session",),
}

_EVERY_SESSION: Final = 100.0
_EVERYBODY: Final = 100 - 1e-9  # percent, but for rounding


@dataclass(frozen=True, slots=True)
class PageTables:
    """The longer answers of one cohort.

    Parameters
    ----------
    results : mapping
        Name to result, through the gate.
    cohort : DerivedCohort
        That they are about.
    """

    results: Mapping[str, Result]
    cohort: DerivedCohort

    def behind(self, key: str) -> tuple[Result, ...]:
        """The longer answers of a short one."""
        # A page without scores by session, or under a release policy, lacks some of them.
        there = [name for name in _BEHIND[key] if name in self.results]
        return tuple(self.results[name] for name in there)

    def rows(self, name: str) -> pd.DataFrame:
        """The table of an answer, its rows named by their keys as text; empty where refused."""
        result = self.results.get(name)
        if result is None or result.status == "refused":
            return pd.DataFrame()
        key = next(column for column, role in result.roles.items() if role == "key")
        return result.table.set_index(result.table[key].astype(str))

    def has(self, name: str, row: str) -> bool:
        """Whether a row is there, hidden or not: one that the log cannot tell is in no table."""
        return row in self.rows(name).index

    def knows(self, name: str, row: str, column: str = "estimate") -> bool:
        """Whether a cell is there and not hidden."""
        return self.has(name, row) and bool(self.rows(name)[column].notna()[row])

    def was_asked(self, name: str, row: str) -> bool:
        """Whether any session has a record of a row; 0 of 0 sessions is not none."""
        # How many there are may be hidden; then some are.
        if not self.knows(name, row, "sessions"):
            return True
        sessions = self.rows(name)["sessions"]
        return bool(sessions[row] > 0)

    def only_where_they_came(self) -> bool:
        """Whether no session has a record of no side effect while others have no record: 100 % is
        then no finding.
        """
        row = self.rows(EVENTS).loc[ANY_EVENT]
        everywhere = row["estimate"] == _EVERY_SESSION
        return bool(everywhere and row["unrecorded"] > 0)

    def nobody_scored(self, session: int) -> bool:
        """Whether everybody may have responded by a session and nobody is known to have: 0 % would
        be no answer.
        """
        row = str(session)
        known = self.knows(
            CURVE,
            row,
            "at_most",
        )
        if not known:
            return False
        end = self.rows(CURVE).T[row]
        # a hidden share compares as no
        nobody = bool(end["estimate"] == 0)
        anybody = bool(end["at_most"] >= _EVERYBODY)
        return nobody and anybody

    def lacks_curve(self, session: int) -> tuple[str, str]:
        """`lacks` of the curve by session, where nobody was scored in time too."""
        if self.nobody_scored(session):
            return NOT_KNOWN, "Nobody was scored soon after a session."
        return self.lacks(CURVE, "These data cannot tell by session.")

    def lacks_lasting(self) -> tuple[str, str]:
        """`lacks` of how long a response lasted: people who had lost it by the end of the course
        are bad news, and not people whom nobody can follow.
        """
        result = self.results.get(HELD)
        reason = "" if result is None else result.reason
        why = "Too few people can be followed."
        if NO_LONGER in reason:
            why = "Too few people still responded when it ended."
        elif KNOWN_TO_RESPOND in reason:
            why = "Too few people are known to have responded when it ended."
        return self.lacks(HELD, why)

    def lacks(self, name: str, why: str, row: str | None = None) -> tuple[str, str]:
        """Headline and sentence where the figure of an answer is hidden, or not known because of
        `why`.

        Parameters
        ----------
        name, row : str
            Answer and its row; without a row, any row.
        """
        policy = self.cohort.policy
        there = not self.rows(name).empty if row is None else self.has(name, row)
        if policy == "internal" or not there:
            return NOT_KNOWN, f"{why} {_BELOW}"
        return NOT_SHOWN, f"{_TOO_FEW} {policy}."

    def hides_harm(self) -> bool:
        """Whether some harm is known and a policy hides it."""
        return any(
            self.lacks(name, "", key)[0] == NOT_SHOWN and not self.knows(name, key)
            for name, key in _HARM.items()
        )

    def says(self, name: str, sentence: str) -> str:
        """A sentence over the table of an answer."""
        return replace(self.results[name], sentence=sentence).text
