"""What a handout for patients tells: counts of 100 people, from the tables of the first page.

Nothing is counted here. Every figure is one of a table that has passed the gate of a release
policy, rounded to whole people of 100, so that the handout tells nothing that a report under the
same policy does not tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kettrack.analysis.next_session.answer import next_session
from kettrack.analysis.overview import first_page
from kettrack.analysis.page_tables import (
    CURVE,
    EVENTS,
    HELD,
    NEXT,
    NOT_SHOWN,
    SUICIDALITY,
    PageTables,
)
from kettrack.analysis.short_answers import weeks_told
from kettrack.analysis.suicidality.no_log_end import no_end_words
from kettrack.errors import NotIdentified, UsageError
from kettrack.privacy.policies import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.limits import FEWEST_STARTED_FOR_HANDOUT
from kettrack.vocabulary.rules import Predicate
from kettrack.vocabulary.safety import ANY_EVENT, SERIOUS

# Numbers of sessions that people ask about.
_SESSIONS: Final = (2, 4, 6, 8)
# What became of people, in the order of the picture -> columns of the curve that say so. Who was
# scored too late is not known at that session, as who was not scored at all.
_STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "better": ("estimate",),
    "not_yet": ("completed", "still_in_course"),
    "stopped": ("stopped",),
    "unknown": ("not_scored", "scored_later"),
}
# What came first after the first course.
_FIRST: Final = ("estimate", "again_first", "lost_first")
_ENDS: Final = ("estimate", "ci_low", "ci_high")
_ATTEMPT: Final = "attempt"
_DEATHS: Final = ("suicide", "death")
# Why a figure is missing.
Missing = Literal["hidden", "not known"]


@dataclass(frozen=True, slots=True)
class Handout:
    """The figures of a handout. Shares are percent; a figure that is missing is None.

    Parameters
    ----------
    instrument : str
        Name of the scale.
    response : Predicate
        The rule for much better.
    people, counted : int or None
        Who started, and whom the shares by session count.
    better : mapping
        Number of sessions to the people of 100 who had become much better by then; empty where no
        such share may be told.
    states : mapping
        What became of 100 people by the last of these sessions: `better`, `not_yet`, `stopped`,
        `unknown`. The sum is 100.
    at_most : int or None
        How many of the 100 would have become better, had everybody who is not known.
    weeks : int or None
        Weeks after the first course of the next three.
    still, again, lost : int or None
        Of 100 people who were better after the course: still better, another session first, lost
        first.
    worse, thoughts, side_effects : float or None
        People who got worse, people whose thoughts of suicide grew, sessions with a side effect.
    serious, sessions : int or None
        Serious side effects, and the sessions that were looked at.
    attempts, deaths : int or None
        Suicide attempts and deaths of any cause that were recorded while people were followed.
    unended : bool
        Whether such events are recorded of people whose log has no end, too.
    more : tuple of float or None
        Points that one more session changes: estimate, lower and upper end.
    missing : mapping
        Part of the page to why it says nothing: a policy hides it, or the data do not tell it.
    policy : str
        Under which the figures are.
    crisis_line : str
        As the clinic set it; empty where it did not.
    """

    instrument: str
    response: Predicate
    people: int | None
    counted: int | None
    better: Mapping[int, int]
    states: Mapping[str, int]
    at_most: int | None
    weeks: int | None
    still: int | None
    again: int | None
    lost: int | None
    worse: float | None
    thoughts: float | None
    side_effects: float | None
    serious: int | None
    sessions: int | None
    attempts: int | None
    deaths: int | None
    unended: bool
    more: tuple[float, float, float] | None
    missing: Mapping[str, Missing]
    policy: str
    crisis_line: str


def handout_figures(cohort: Cohort | DerivedCohort) -> Handout:
    """The figures of a handout.

    Parameters
    ----------
    cohort : Cohort
        Under a policy for release.

    Returns
    -------
    Handout
        Good figures are missing where a policy hides the harm beside them.

    Raises
    ------
    UsageError
        Under a policy that hides nothing: a handout leaves the clinic.
    NotIdentified
        When fewer people started than a handout needs, or no rule says who responded.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> told = handout_figures(load_cohort(sample_folder(), policy="release"))
    >>> sum(told.states.values())
    100
    """
    cohort = derive(cohort)
    settings = cohort.settings
    if not get_policy(settings.policy).for_release:
        raise UsageError(
            "A handout leaves the clinic, so it needs a policy for release: --policy release."
        )
    response = cohort.criteria.response
    if response is None:
        raise NotIdentified(
            f"The rules {cohort.criteria.label} do not say what a response is.",
            "name rules that do with --criteria",
        )
    page = _tables(cohort)
    good = not page.hides_harm()
    curve = _curve(page) if good else {}
    last = max(curve, default=None)
    row = curve[last] if last else {}
    held = _held(page) if good else {}
    states = _states(row)
    return Handout(
        instrument=cohort.instrument.name,
        response=response.predicate,
        people=_whole(page, "ladder", "started", "left"),
        counted=int(row["n"]) if row else None,
        better={session: round(found["estimate"]) for session, found in curve.items()},
        states=states,
        # Of the people in the picture, so that a reader can add them up.
        at_most=states["better"] + states["unknown"] if states else None,
        weeks=held.get("week"),
        still=held.get("estimate"),
        again=held.get("again_first"),
        lost=held.get("lost_first"),
        worse=_share(page, "worsening", "worse"),
        thoughts=_share(page, SUICIDALITY, "grew"),
        side_effects=_share(page, EVENTS, ANY_EVENT),
        serious=_whole(page, EVENTS, SERIOUS, "events"),
        sessions=_whole(page, EVENTS, SERIOUS, "sessions"),
        attempts=_recorded(page, [_ATTEMPT]),
        deaths=_recorded(page, _DEATHS),
        unended=bool(no_end_words(cohort, [_ATTEMPT, *_DEATHS])),
        more=_more(page),
        missing=_missing(page, good),
        policy=settings.policy,
        crisis_line=settings.crisis_line,
    )


def whole_people(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole people of a number: each share is rounded down, and the people left over go to those
    who lost most by it, the first of equals first.

    Parameters
    ----------
    shares : mapping
        Name to people with decimals; together `total`, or less than one away from it.
    total : int
        To which the people add up.

    Returns
    -------
    dict
        Name to people.

    Examples
    --------
    >>> whole_people({"a": 33.4, "b": 33.3, "c": 33.3}, 100)
    {'a': 34, 'b': 33, 'c': 33}
    """
    people = {name: int(share) for name, share in shares.items()}
    left_over = total - sum(people.values())
    most_lost = sorted(shares, key=lambda name: people[name] - shares[name])
    for name in most_lost[:left_over]:
        people[name] += 1
    return people


def _tables(cohort: DerivedCohort) -> PageTables:
    """The tables of the first page, when enough people started."""
    started = len(cohort.outcomes)
    if started < FEWEST_STARTED_FOR_HANDOUT:
        # How many there are is not said: it may be a count that the policy hides.
        raise NotIdentified(
            f"Fewer than {FEWEST_STARTED_FOR_HANDOUT} people started here. Of so few, one person"
            " more or less changes every number of a handout.",
            f"a log of at least {FEWEST_STARTED_FOR_HANDOUT} people",
        )
    results = [*first_page(cohort), next_session(cohort)]
    return PageTables({result.name: result for result in results}, cohort)


def _curve(page: PageTables) -> dict[int, dict[str, float]]:
    """Number of sessions -> cells of the curve, where all of them may be told."""
    columns = ["n"]
    for of_state in _STATES.values():
        columns.extend(of_state)
    rows = {
        session: _cells(page, CURVE, str(session), columns) for session in _SESSIONS
    }
    return {session: row for session, row in rows.items() if row}


def _cells(
    page: PageTables,
    name: str,
    row: str,
    columns: Sequence[str],
) -> dict[str, float]:
    """Cells of one row; none at all where one of them may not be told."""
    if not all(page.knows(name, row, column) for column in columns):
        return {}
    # A column holds numbers and hidden ones, which only the known cell is asked for.
    rows = page.rows(name)
    return {column: float(rows[column].astype(float)[row]) for column in columns}


def _states(row: Mapping[str, float]) -> dict[str, int]:
    """What became of 100 people; nothing where it may not be told."""
    if not row:
        return {}
    shares = {
        state: sum(row[column] for column in columns)
        for state, columns in _STATES.items()
    }
    # The sentence beside the picture tells the first of them, rounded by itself.
    better = {"better": round(shares.pop("better"))}
    return better | whole_people(shares, 100 - better["better"])


def _held(page: PageTables) -> dict[str, int]:
    """The last week that the first page tells: what came first."""
    told = weeks_told(page)
    if not told:
        return {}
    key = list(told)[-1]
    shares = _cells(page, HELD, key, _FIRST)
    if not shares:
        return {}
    return {**whole_people(shares, 100), "week": told[key]}


def _share(
    page: PageTables,
    name: str,
    row: str,
) -> float | None:
    return _cells(page, name, row, ["estimate"]).get("estimate")


def _whole(
    page: PageTables,
    name: str,
    row: str,
    column: str,
) -> int | None:
    cells = _cells(page, name, row, [column])
    return int(cells[column]) if cells else None


def _recorded(page: PageTables, kinds: Sequence[str]) -> int | None:
    """How many events of some kinds were recorded; None where that may not be told, and where the
    log holds no events.
    """
    # Every log of events has a row of attempts. Deaths have one where there are any.
    if not page.has(SUICIDALITY, _ATTEMPT):
        return None
    there = [kind for kind in kinds if page.has(SUICIDALITY, kind)]
    counts = [_whole(page, SUICIDALITY, kind, "events") for kind in there]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _more(page: PageTables) -> tuple[float, float, float] | None:
    cells = _cells(page, NEXT, NEXT, _ENDS)
    if not cells:
        return None
    estimate, low, high = cells.values()
    return estimate, low, high


def _missing(page: PageTables, good: bool) -> dict[str, Missing]:
    """Part of the page -> why it says nothing, for every part that could."""
    parts = {
        "better": (CURVE, None),
        "lasting": (HELD, None),
        "worse": ("worsening", "worse"),
        "side_effects": (EVENTS, ANY_EVENT),
        "thoughts": (SUICIDALITY, "grew"),
        "attempts": (SUICIDALITY, _ATTEMPT),
        # What is known of attempts is known of deaths.
        "deaths": (SUICIDALITY, _ATTEMPT),
        "more": (NEXT, NEXT),
    }
    reasons: dict[str, Missing] = {
        part: "hidden" if page.lacks(name, "", row)[0] == NOT_SHOWN else "not known"
        for part, (name, row) in parts.items()
    }
    # Good news is hidden with the harm that belongs beside it.
    beside: dict[str, Missing] = (
        {} if good else {"better": "hidden", "lasting": "hidden"}
    )
    return reasons | beside
