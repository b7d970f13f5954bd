"""Published rules that rate a patient once: fixed weeks, deadlines, first against last, two scales,
symptoms, recovery, gains.

A rule here answers met, not met or not rated; the runs of `rules` give dated changes of state
instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kettrack.vocabulary.instrument import Fact, Standing
from kettrack.vocabulary.rules import Predicate

# Item numbers by which a symptom is told: the highest answer counts, and of each inner group one
# answer is needed.
Symptom = tuple[tuple[int, ...], ...]


# The `__str__` of each rule stands in tables; every number in it is read from a field.
@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRule:
    """What every such rule carries.

    Parameters
    ----------
    name : str
        As printed, and as asked for by name.
    outcome : str
        What it is a definition of, such as `sustained remission`.
    instrument : str
        The scale its numbers are in.
    source : str
        The publication.
    standing : str
        `verified`, `computed`, `convention` or `recalled`; a recalled rule is applied only when
        asked for by name.
    """

    name: str
    outcome: str
    instrument: str
    source: str
    standing: Standing = "verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRule(PatientRule):
    """Scores on a grid of weeks: the one closest to each target day must hold every predicate.

    Parameters
    ----------
    predicates : tuple of Predicate
        All must hold at a week.
    weeks : tuple of int
        Rising; week w is aimed at day 7 w from the first session.
    excusable : tuple of int
        Weeks of which one may fail or be missing.
    missing : {"not rated", "not met"}
        What an unscored week means where it decides: `not met` is non-responder imputation.
    in_care : bool
        Whether a stop before the last week is itself a failure.
    reach_days : int
        How far from its target day a score still counts for a week; windows of neighbouring weeks
        never overlap.
    """

    predicates: tuple[Predicate, ...]
    weeks: tuple[int, ...]
    excusable: tuple[int, ...] = ()
    missing: Literal["not rated", "not met"] = "not rated"
    in_care: bool = False
    reach_days: int = 7

    def __str__(self) -> str:
        held = " and ".join(map(str, self.predicates))
        told = f"{held} at week {_listed(self.weeks)} (± {self.reach_days} days)"
        if self.excusable:
            weeks = " or ".join(map(str, self.excusable))
            told += f", one failing or missing at week {weeks} allowed"
        if self.in_care:
            told += ", a stop before is not met"
        return f"{told}; missing: {self.missing}"


def _listed(numbers: tuple[int, ...]) -> str:
    """Numbers as they stand in a sentence: `12, 18 and 24`."""
    # At least one number is there: a rule without a week asks nothing.
    *before, last = map(str, numbers)
    return f"{', '.join(before)} and {last}" if before else last


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineRule(PatientRule):
    """Some score up to a day holds the predicate."""

    predicate: Predicate
    by_day: int

    def __str__(self) -> str:
        return f"{self.predicate} at any score up to day {self.by_day}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRule(PatientRule):
    """The last score holds every predicate."""

    predicates: tuple[Predicate, ...]

    def __str__(self) -> str:
        return f"{' and '.join(map(str, self.predicates))} at the last score"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRule(PatientRule):
    """Clinically significant change from baseline to the last score: reliable, and across the
    cut-off (Jacobson-Truax).
    """

    reliable_change: Fact
    cutoff: Fact

    def __str__(self) -> str:
        change = self.reliable_change.value
        cutoff = self.cutoff.value
        return (
            f"last score at least {change:g} below baseline, and from at or above {cutoff:g} to"
            " below it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoScaleRule(PatientRule):
    """First against last on two scales at once (NHS Talking Therapies).

    Parameters
    ----------
    second : str
        The other scale.
    recovery : bool
        Whether a case on either scale must have become a case on neither.
    reliable : {"", "improvement", "deterioration"}
        Whether one of the scales must have changed by its reliable change, and the other not by its
        own the other way.
    fewest_sessions : int
        Sessions needed to be rated.
    """

    second: str
    recovery: bool = False
    reliable: Literal["", "improvement", "deterioration"] = ""
    fewest_sessions: int = 2

    def __str__(self) -> str:
        scales = f"{self.instrument} or {self.second}"
        parts = []
        if self.recovery:
            parts.append(f"a case on {scales} first, on neither at the last score")
        if self.reliable:
            parts.append(f"reliable {self.reliable} on {scales}")
            # Better on one and worse on the other is neither improvement nor deterioration.
            opposite = "worse" if self.reliable == "improvement" else "better"
            parts.append(f"no reliable change for the {opposite} on the other")
        parts.append(f"at least {self.fewest_sessions} sessions")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomRule(PatientRule):
    """Weeks in a row of minimal symptoms by items, and how long they last (ACNP).

    Parameters
    ----------
    core, others : tuple of Symptom
        No core symptom may be there, and of the others fewer than `fewer_than`.
    present_from : int
        Answer from which a symptom is there.
    weeks : int
        Consecutive weekly ratings.
    shortest_gap, longest_gap : int
        Days between one weekly rating and the next, both ends included.
    recovery_days : int
        0 = remission; else the days from its onset to recovery.
    back : Predicate or None
        Score that is a relapse, and so the end of the remission.
    """

    core: tuple[Symptom, ...]
    others: tuple[Symptom, ...]
    fewer_than: int = 3
    present_from: int = 1
    weeks: int = 3
    shortest_gap: int = 5
    longest_gap: int = 9
    recovery_days: int = 0
    recovery_max_gap: int = 60
    back: Predicate | None = None

    def __str__(self) -> str:
        minimal = (
            f"{self.weeks} weekly ratings in a row without sadness or loss of interest and with"
            f" fewer than {self.fewer_than} of the {len(self.others)} other symptoms"
        )
        if not self.recovery_days:
            return minimal
        return (
            f"{minimal}; {self.recovery_days} days from its onset without {self.back}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRule(PatientRule):
    """Remission that has lasted: from its onset a well score so many days later, never lost and
    never long unscored.
    """

    remission: Predicate
    lost: Predicate
    days: int
    max_gap: int = 60

    def __str__(self) -> str:
        return (
            f"{self.days} days from the first {self.remission} without {self.lost}, gaps up to"
            f" {self.max_gap} days"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GainRule(PatientRule):
    """Sudden gain between one score and the next.

    Parameters
    ----------
    smallest_drop : Fact
        First criterion, in points.
    share : float
        Second criterion: drop as a part of the score before.
    third : {"corrected", "published"}
        Third criterion: the drop between the means of up to three scores before and after exceeds t
        times the pooled standard deviation (`published`), or that times sqrt(1/n1 + 1/n2), which
        makes it the t-test it is meant to be (`corrected`).
    """

    smallest_drop: Fact
    share: float = 0.25
    third: Literal["corrected", "published"] = "corrected"

    def __str__(self) -> str:
        return (
            f"a drop of at least {self.smallest_drop.value:g} and {100 * self.share:g} % from one"
            f" score to the next, and of the means around it (third criterion as {self.third})"
        )
