"""Who comes: each person's course without treatment, responsiveness, plan and readiness to
answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import UsageError
from kettrack.simulation.parameters import Parameters
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.instruments import PHQ9

# Candidates drawn per place, of whom the first who pass screening enter.
DRAWN_PER_PLACE = 3
# Decimals that are kept before a value meets a threshold or is rounded to a whole number: the last
# bits of a sum may differ between machines, and a cohort must not.
ROUNDED_TO = 9


@dataclass(frozen=True, slots=True)
class People:
    """One entry per patient in every array.

    Parameters
    ----------
    start, level : array of float
        Severity at the screening score, and the own long-run level, in points.
    responsiveness : array of float
        Mean 1; times the mean effect of a session.
    first_day, first_score : array of int
        Day and value of the screening score.
    recorded : array of bool
        Whether scores before the first session reach the log.
    planned, longest_gap, first_request : array of int
        Sessions of the first course, longest maintenance gap, day of the first remote request.
    answers : array of float
        Logit of answering a remote request.
    never_scored, followed_less : array of bool
        Sessions but not one score; member of the group that is scored less.
    silent : array of float
        Uniform; below the share of the stop reason the person is never scored after stopping.
    start_day, seen_to : array of int
        Day of the clinic's life on which the person starts (0 where not used), and
        `observed_to_day`.
    site : array of int
        Position in the sites of the scenario; 0 without sites.
    stop_shift : array of float
        What the site adds to the logit of every reason to stop.
    """

    start: Floats
    level: Floats
    responsiveness: Floats
    first_day: Ints
    first_score: Ints
    recorded: Bools
    planned: Ints
    longest_gap: Ints
    first_request: Ints
    answers: Floats
    never_scored: Bools
    followed_less: Bools
    silent: Floats
    start_day: Ints
    seen_to: Ints
    site: Ints
    stop_shift: Floats

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.start)


def whole_numbers(values: Floats) -> Floats:
    """Round to whole numbers, the same on every machine; the values stay floats."""
    return np.rint(np.round(values, ROUNDED_TO))


def phq9_total(severity: Floats) -> Ints:
    """Turn a noisy severity into a PHQ-9 total: rounded, clipped to the range of the scale."""
    total = np.clip(whole_numbers(severity), PHQ9.minimum, PHQ9.maximum)
    return total.astype(np.int64)


def place_of(uniform: Floats, shares: list[float]) -> Ints:
    """Position of the share that each uniform number falls into."""
    edges = np.round(np.cumsum(shares), ROUNDED_TO)
    # shares that add up to a little less than 1 leave their rest to the last of them
    return np.minimum(np.searchsorted(edges, uniform, side="right"), len(shares) - 1)


def choose(uniform: Floats, weighted: tuple[tuple[int, float], ...]) -> Ints:
    """Pick one of the values for each uniform number, by their shares."""
    values = np.array([value for value, _ in weighted])
    return values[place_of(uniform, [share for _, share in weighted])]


def draw_people(
    parameters: Parameters,
    n: int,
    rng: np.random.Generator,
) -> People:
    """Draw n patients, one entry each, in no order that means anything.

    Parameters
    ----------
    parameters : Parameters
        The clinic.
    n : int
        Number of patients.
    rng : numpy.random.Generator
        Stream of the people.

    Returns
    -------
    People
        Arrays of n entries.

    Raises
    ------
    UsageError
        When too few candidates pass the screening.
    """
    natural = parameters.natural
    screening = parameters.screening
    scoring = parameters.scoring
    schedule = parameters.schedule
    shape = parameters.effect.shape
    start, score = _screened(parameters, n, rng)
    start_day, seen_to = _time_in_view(parameters, n, rng)
    # The order of the draws is part of a seed: drawn in another order, these are other people.
    level = rng.normal(natural.level_mean, natural.level_sd, n)
    people = People(
        start=start,
        level=np.clip(level, natural.level_low, natural.level_high),
        # Shape and scale multiply to 1, so the mean effect stays what the parameters say.
        responsiveness=rng.gamma(shape, 1 / shape, n),
        first_day=_days_between(
            screening.earliest_day,
            screening.latest_day,
            n,
            rng,
        ),
        first_score=score,
        recorded=rng.random(n) >= screening.unrecorded,
        planned=choose(rng.random(n), schedule.planned),
        longest_gap=_days_between(*schedule.longest_gap, n, rng),
        first_request=_days_between(*scoring.remote_first, n, rng),
        answers=rng.normal(scoring.answers, scoring.answers_sd, n),
        never_scored=rng.random(n) < scoring.never_scored,
        followed_less=rng.random(n) < scoring.followed_less,
        silent=rng.random(n),
        start_day=start_day,
        seen_to=seen_to,
        site=np.zeros(n, np.int64),
        stop_shift=np.zeros(n),
    )
    return _at_sites(people, parameters, rng) if parameters.extras.sites else people


def _screened(
    parameters: Parameters,
    n: int,
    rng: np.random.Generator,
) -> tuple[Floats, Ints]:
    """Severity and score of the first n candidates who enter."""
    natural = parameters.natural
    screening = parameters.screening
    candidates = DRAWN_PER_PLACE * n
    severity = rng.normal(natural.start_mean, natural.start_sd, candidates)
    error = rng.normal(0, parameters.scoring.error_sd, candidates)
    score = phq9_total(severity + error)
    # Some enter below the threshold, as in clinics without a strict rule.
    exempt = rng.random(candidates) < screening.exempt
    enters = np.flatnonzero((score >= screening.lowest) | exempt)[:n]
    if len(enters) < n:
        raise UsageError(
            f"Too few people pass the screening of {parameters.name!r}: {len(enters)} of"
            f" {candidates}."
        )
    return severity[enters], score[enters]


def _time_in_view(
    parameters: Parameters,
    n: int,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Day of the clinic's life at the start, and whole weeks seen from there to the extract."""
    # nobody starts in the last week: everybody is seen for one at least
    opened = parameters.open_days
    if not opened:
        return np.zeros(n, np.int64), np.full(n, parameters.seen_to_day)
    start_day = rng.integers(0, opened - DAYS_IN_WEEK, n)
    weeks = (opened - start_day) // DAYS_IN_WEEK
    return start_day, weeks * DAYS_IN_WEEK


def _days_between(
    first: int,
    last: int,
    n: int,
    rng: np.random.Generator,
) -> Ints:
    """A day of each patient from the first to the last, both included."""
    return rng.integers(first, last + 1, n)


def _at_sites(
    people: People,
    parameters: Parameters,
    rng: np.random.Generator,
) -> People:
    """Share the patients out over the sites; this chance comes last, so that scenarios without
    sites keep theirs.
    """
    sites = parameters.extras.sites
    natural = parameters.natural
    # Sites differ in how ill their people are and in how readily they stop.
    site = place_of(rng.random(people.n), [one.share for one in sites])
    level_shift = np.array([one.level_shift for one in sites])
    stop_shift = np.array([one.stop_shift for one in sites])
    level = people.level + level_shift[site]
    return replace(
        people,
        level=np.clip(level, natural.level_low, natural.level_high),
        site=site,
        stop_shift=stop_shift[site],
    )
