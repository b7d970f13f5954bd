"""The parts a rule is made of: a predicate on one score, and a run of scores that hold it; and when
a series of sessions is an induction.

All values are frozen, so that a rule can be hashed, compared and printed; numbers never stand in
functions.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final, Literal

from kettrack.vocabulary.days import FOUR_MONTHS_DAYS
from kettrack.vocabulary.instrument import Fact, Standing

# days; "no largest gap" as a number, since kernels take no None
NO_LIMIT: Final = 1_000_000

# Where no plan is recorded, durability looks from the end of the usual induction: kettrack's own
# convention.
SESSIONS_WITHOUT_PLAN: Final = 6

Measure = Literal["score", "change", "percent_change"]
Operator = Literal["at most", "at least", "above", "below"]

# How a limit is said. A limit below 0 is an improvement where higher is worse, and "at most -50"
# is then at least 50 below baseline: the words turn round with the sign.
_SCORE_WORDS: Final[dict[Operator, str]] = {
    "at most": "a score of {:g} or less",
    "at least": "a score of {:g} or more",
    "above": "a score above {:g}",
    "below": "a score below {:g}",
}
_UP_WORDS: Final[dict[Operator, str]] = {
    "at most": "at most",
    "at least": "at least",
    "above": "more than",
    "below": "less than",
}
_DOWN_WORDS: Final[dict[Operator, str]] = {
    "at most": "at least",
    "at least": "at most",
    "above": "less than",
    "below": "more than",
}
_NO_CHANGE_WORDS: Final[dict[Operator, str]] = {
    "at most": "at or below baseline",
    "at least": "at or above baseline",
    "above": "above baseline",
    "below": "below baseline",
}


@dataclass(frozen=True, slots=True)
class Predicate:
    """A test of one score: `percent_change at most -50`.

    Parameters
    ----------
    measure : {"score", "change", "percent_change"}
        `change` is score - baseline in points, `percent_change` the same in % of what the baseline
        is above the lowest score of the scale; improvement is negative where higher is worse.
    operator : {"at most", "at least", "above", "below"}
        `at most` and `at least` include the limit.
    limit : float
        In the unit of the measure, in the instrument's own direction.
    """

    measure: Measure
    operator: Operator
    limit: float

    def __str__(self) -> str:
        unit = " %" if self.measure == "percent_change" else ""
        return f"{self.measure.replace('_', ' ')} {self.operator} {self.limit:g}{unit}"

    @property
    def words(self) -> str:
        """The predicate as a person says it, for sentences; tables keep the short form of `str`.

        Examples
        --------
        >>> Predicate("percent_change", "above", -50).words
        'less than 50 % below baseline'
        >>> Predicate("change", "at least", 6).words, Predicate("score", "at most", 4).words
        ('at least 6 points above baseline', 'a score of 4 or less')
        """
        if self.measure == "score":
            return _SCORE_WORDS[self.operator].format(self.limit)
        if self.limit == 0:
            return _NO_CHANGE_WORDS[self.operator]
        unit = "%" if self.measure == "percent_change" else "points"
        size = f"{abs(self.limit):g} {unit}"
        if self.limit > 0:
            return f"{_UP_WORDS[self.operator]} {size} above baseline"
        return f"{_DOWN_WORDS[self.operator]} {size} below baseline"


@dataclass(frozen=True, slots=True)
class Run:
    """How many known scores in a row must hold the predicate.

    Parameters
    ----------
    count : int
        1 = a single score is enough.
    min_gap, max_gap : int
        Days between one score of the run and the next, both ends included. A score closer than
        `min_gap` can refute but not confirm; when `max_gap` passes without a score the run is
        unconfirmable.
    dated_at : {"first", "confirming"}
        Which score gives the event its day.
    """

    count: int = 1
    min_gap: int = 0
    max_gap: int = NO_LIMIT
    dated_at: Literal["first", "confirming"] = "first"

    def __str__(self) -> str:
        if self.count == 1:
            return "one score"
        if self.max_gap < NO_LIMIT:
            span = f"{self.min_gap}-{self.max_gap} days"
        else:
            span = f"at least {self.min_gap} days"
        return f"{self.count} scores in a row, {span} apart"

    @property
    def words(self) -> str:
        """The run as a person says it, for sentences.

        Examples
        --------
        >>> Run(2, 7, 60).words
        'at 2 scores in a row that are 7 to 60 days apart'
        """
        if self.count == 1:
            return "at one score"
        span = f"at least {self.min_gap} days"
        if self.max_gap < NO_LIMIT:
            span = f"{self.min_gap} to {self.max_gap} days"
        return f"at {self.count} scores in a row that are {span} apart"


# one score is enough: the run of every rule that needs no second score
ONCE: Final = Run()


@dataclass(frozen=True, slots=True)
class Rule:
    """A predicate, the run that confirms it, and the publication that says so.

    `event_rows` are entries of the events table that count as the event by themselves, whatever the
    score.
    """

    predicate: Predicate
    run: Run = ONCE
    source: str = ""
    standing: Standing = "verified"
    event_rows: tuple[str, ...] = ()

    def __str__(self) -> str:
        by_scores = f"{self.predicate} ({self.run})"
        rows = [row.replace("_", " ") for row in self.event_rows]
        return ", or ".join([by_scores, " or ".join(rows)]) if rows else by_scores

    @property
    def words(self) -> str:
        """The rule as a person says it, for sentences; tables keep the short form of `str`.

        Examples
        --------
        >>> Rule(Predicate("percent_change", "at most", -50)).words
        'at least 50 % below baseline at one score'
        """
        by_scores = f"{self.predicate.words} {self.run.words}"
        rows = [row.replace("_", " ") for row in self.event_rows]
        return ", or ".join([by_scores, " or ".join(rows)]) if rows else by_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRules:
    """When a patient is put on the review list. All are kettrack's own conventions, for each clinic
    to set.

    Parameters
    ----------
    suicidality_item : int
        Answer to the item on suicidal thoughts from which it is listed whatever else is known.
    cssrs : int
        C-SSRS ideation from which it is listed; 4 and 5 are intent (C-SSRS scoring guide).
    off_track_percentile : float
        Listed when the score is worse than that of so many % of the people with a similar baseline
        after as many sessions.
    unscored_days : int or None
        Listed when the last score is older; None = the days that the instrument looks back, see
        `Instrument.recall`.
    fewest_gaps : int
        Maintenance gaps, each with a score, before a patient counts as having a usual one.
    last_scores : int
        Scores shown beside each reason.
    """

    suicidality_item: int = 2
    cssrs: int = 4
    off_track_percentile: float = 90
    unscored_days: int | None = None
    fewest_gaps: int = 3
    last_scores: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """A named, versioned bundle of rules for one instrument. A rule of None is not defined here and
    never fires.

    Parameters
    ----------
    name, version : str
        Printed in every output; the version changes whenever a number does.
    instrument : str
        Name of the instrument the limits are in.
    caseness : Fact or None
        Baselines at or above it are rated; None rates every baseline above 0.
    response, remission, partial, loss_of_response, relapse, deterioration : Rule or None
        `loss_of_response` is looked for after response; `relapse` after remission, and split from
        recurrence by `recovery_days`.
    recovery_days, recovery_max_gap : int
        A well score this many days after remission, with no longer unscored gap than that on the
        way, makes a later return a recurrence instead of a relapse (ACNP: about four months).
    late_after_days : int
        An event seen longer than this after the last session belongs to the day axis only.
    state_holds_days : int
        A state lasts until the next score, at most this long.
    review : ReviewRules
        Thresholds of the review list.
    source : str
        The publication of the bundle.
    standing : str
        `verified`, `convention`, `recalled` or `user`.
    """

    name: str
    version: str
    instrument: str
    caseness: Fact | None
    response: Rule | None
    remission: Rule | None
    partial: Rule | None
    loss_of_response: Rule | None
    deterioration: Rule | None
    relapse: Rule | None = None
    recovery_days: int = FOUR_MONTHS_DAYS
    recovery_max_gap: int = 60
    late_after_days: int = 14
    state_holds_days: int = 28
    review: ReviewRules = ReviewRules()
    source: str = ""
    standing: Standing = "convention"

    @property
    def hash(self) -> str:
        """First twelve hex digits of the SHA-256 of every value that rates a score: equal hashes,
        equal rules.

        The thresholds of the review list are left out: they decide who is looked at, and change no
        number.
        """
        values = asdict(self)
        del values["review"]
        text = json.dumps(values, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """Name, version and, where the name does not say it, standing: as printed under every
        figure.
        """
        named = f"{self.name} {self.version}"
        return named if self.standing == self.name else f"{named} ({self.standing})"


@dataclass(frozen=True, slots=True)
class CourseRules:
    """When a series of sessions is an induction.

    The default extends McInnes 2022 (4-8 infusions within 7-28 days) to clinics that give 2-3
    sessions a week for 2-3 weeks, up to 12, before the intervals stretch.

    Parameters
    ----------
    series_gap_days : int
        Sessions at most this far apart belong to one series.
    induction_sessions : int
        A series is induction up to this number; what follows in it is maintenance.
    stretch_after_sessions : int
        From this many sessions on, the first series also ends where its pace slackens for good:
        twice a week becoming weekly, but not one late session.
    stretch_gap_days : int
        The pace slackens for good when two gaps in a row are at least so long,
    stretch_factor : float
        and the first of them is at least so many times the mean gap so far.
    reinduction_sessions : int
        A later series of at least this many sessions can be a re-induction; a smaller one is
        maintenance.
    reinduction_pause_days : int
        A series of that many sessions is a re-induction when it begins at least so long after the
        session before it.
    """

    series_gap_days: int = 10
    induction_sessions: int = 12
    stretch_after_sessions: int = 4
    stretch_gap_days: int = 7
    stretch_factor: float = 1.5
    reinduction_sessions: int = 3
    reinduction_pause_days: int = 28
