"""Who comes: each person's course without treatment, responsiveness, plan and readiness to
answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import UsageError
from kettrack.simulation.habits import DAYS_PER_WEEK
from kettrack.simulation.parameters import Parameters
from kettrack.vocabulary.instruments import PHQ9

# candidates drawn per place, of whom the first who pass screening enter
DRAWN_PER_PLACE = 3
# decimals before a value meets a threshold: the last bits may differ between machines
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


def rate(severity: Floats) -> Ints:
    """Turn a noisy severity into a PHQ-9 total: rounded, clipped to the range of the scale."""
    return np.clip(
        np.rint(np.round(severity, ROUNDED_TO)), PHQ9.minimum, PHQ9.maximum
    ).astype(np.int64)


def choose(uniform: Floats, weighted: tuple[tuple[int, float], ...]) -> Ints:
    """Pick one of the values for each uniform number, by their shares."""
    edges = np.round(np.cumsum([share for _, share in weighted]), ROUNDED_TO)
    values = np.array([value for value, _ in weighted])
    return values[
        np.minimum(np.searchsorted(edges, uniform, side="right"), len(values) - 1)
    ]


def _screen(
    parameters: Parameters, n: int, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    """Severity and score of the first n candidates who enter."""
    natural = parameters.natural
    screening = parameters.screening
    candidates = DRAWN_PER_PLACE * n
    start = rng.normal(natural.start_mean, natural.start_sd, candidates)
    score = rate(start + rng.normal(0, parameters.scoring.error_sd, candidates))
    enters = np.flatnonzero(
        (score >= screening.lowest) | (rng.random(candidates) < screening.exempt)
    )[:n]
    if len(enters) < n:
        raise UsageError(
            f"Too few people pass the screening of {parameters.name!r}: {len(enters)} of"
            f" {candidates}."
        )
    return start[enters], score[enters]


def _seen(
    parameters: Parameters, n: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Day of the clinic's life at the start, and whole weeks seen from there to the extract."""
    if not parameters.open_days:
        return np.zeros(n, np.int64), np.full(n, parameters.seen_to_day)
    start_day = rng.integers(0, parameters.open_days - DAYS_PER_WEEK, n)
    return start_day, (
        parameters.open_days - start_day
    ) // DAYS_PER_WEEK * DAYS_PER_WEEK


def draw_people(parameters: Parameters, n: int, rng: np.random.Generator) -> People:
    """Draw n patients, one entry each, in no order that means anything."""
    natural = parameters.natural
    screening = parameters.screening
    scoring = parameters.scoring
    schedule = parameters.schedule
    start, score = _screen(parameters, n, rng)
    start_day, seen_to = _seen(parameters, n, rng)
    people = People(
        start=start,
        level=np.clip(
            rng.normal(natural.level_mean, natural.level_sd, n),
            natural.level_low,
            natural.level_high,
        ),
        responsiveness=rng.gamma(
            parameters.effect.shape, 1 / parameters.effect.shape, n
        ),
        first_day=rng.integers(screening.earliest_day, screening.latest_day + 1, n),
        first_score=score,
        recorded=rng.random(n) >= screening.unrecorded,
        planned=choose(rng.random(n), schedule.planned),
        longest_gap=rng.integers(
            schedule.longest_gap[0], schedule.longest_gap[1] + 1, n
        ),
        first_request=rng.integers(
            scoring.remote_first[0], scoring.remote_first[1] + 1, n
        ),
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


def _at_sites(
    people: People, parameters: Parameters, rng: np.random.Generator
) -> People:
    """Share the patients out over the sites; this chance comes last, so that scenarios without
    sites keep theirs.
    """
    sites = parameters.extras.sites
    natural = parameters.natural
    site = choose(
        rng.random(people.n),
        tuple((place, one.share) for place, one in enumerate(sites)),
    )
    shift = np.array([one.level_shift for one in sites])[site]
    level = np.clip(people.level + shift, natural.level_low, natural.level_high)
    return replace(
        people,
        level=level,
        site=site,
        stop_shift=np.array([one.stop_shift for one in sites])[site],
    )
