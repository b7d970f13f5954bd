"""Clinics of the families as cohorts, and what one more session truly does in them: one decision of
each person is forced, once to go on and once not to, with all other chance alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from kettrack.analysis.next_session.decisions import decision_points
from kettrack.analysis.next_session.outcome_model import SESSION_GROUPS
from kettrack.analysis.next_session.protocol import range_key
from kettrack.analysis.next_session.trials import find_trials
from kettrack.arrays import Floats, Ints
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames
from kettrack.settings import Settings
from kettrack.simulation.families.clinic import (
    LEAD,
    FamilyRun,
    Forced,
    family_tables,
    run_family,
)
from kettrack.simulation.families.presets import FAMILIES
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import derive
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS

_PEOPLE: Final = 100_000
_SEED: Final = 23
# Truth of the whole; those of the groups of sessions are named as in the answer.
WHOLE: Final = "next_session"


@dataclass(frozen=True, slots=True)
class FamilySource:
    """A family as the source of a gate's cohorts.

    Parameters
    ----------
    name : str
        In `FAMILIES`. The family itself stays behind, as a gate goes to other processes.
    """

    name: str

    def draw(
        self,
        n: int,
        seed: int,
    ) -> Cohort:
        """A checked cohort."""
        return _cohort(self.name, run_family(FAMILIES[self.name], n, seed))

    def truths(self) -> dict[str, Truth]:
        """As they were found by `find_truths`; 0 where sessions do nothing."""
        keys = [WHOLE, *(range_key("session", *ends) for ends in SESSION_GROUPS)]
        if not FAMILIES[self.name].effect:
            return dict.fromkeys(keys, Truth(0.0, 0.0))
        found = KNOWN[self.name]
        return {key: Truth(*found[key]) for key in keys if key in found}

    def numbers(self) -> str:
        """What a measurement depends on besides the gate."""
        family = FAMILIES[self.name]
        values = {field.name: getattr(family, field.name) for field in fields(family)}
        # A better wording must not cost hours of simulation.
        del values["about"]
        # the address of a function differs from run to run
        named = {
            name: getattr(value, "__qualname__", value)
            for name, value in values.items()
        }
        return repr(named)


def _cohort(name: str, run: FamilyRun) -> Cohort:
    family = FAMILIES[name]
    tables = family_tables(family, run)
    settings = Settings(instrument=family.instrument)
    return cohort_from_frames(
        tables["sessions"],
        tables["scores"],
        tables["patients"],
        settings=settings,
    )


def find_truths(
    name: str,
    n: int = _PEOPLE,
    seed: int = _SEED,
) -> dict[str, Truth]:
    """Mean difference in severity between going on and not, over all eligible decisions, and over
    those of each group of sessions.
    """
    natural = run_family(FAMILIES[name], n, seed)
    cohort = derive(_cohort(name, natural))
    recall = cohort.instrument.recall(None).days
    points = decision_points(cohort)
    trials = find_trials(points, NEXT_SESSION_GRACE_DAYS, recall)
    rng = np.random.default_rng([seed, 3])
    # one decision of each person, which stands for all of theirs
    order = rng.permutation(trials.n)
    people, first = np.unique(trials.patient[order], return_index=True)
    chosen = trials.take(order[first])
    decisions = np.bincount(trials.patient, minlength=n)
    weight = decisions[people].astype(np.float64)
    seen = trials.after[trials.observed]
    after = rng.choice(seen, chosen.n).astype(np.int64)
    day = chosen.day + after + LEAD
    at = np.zeros(n, np.int64)
    at[chosen.patient] = chosen.session
    severity = {}
    for goes_on in (True, False):
        forced = Forced(
            at,
            goes_on,
            NEXT_SESSION_GRACE_DAYS,
            natural.called_off,
        )
        run = run_family(FAMILIES[name], n, seed, forced)
        severity[goes_on] = run.severity[day, chosen.patient]
    difference = severity[True] - severity[False]
    return _truths(chosen.session, difference, weight)


def _truths(
    session: Ints,
    difference: Floats,
    weight: Floats,
) -> dict[str, Truth]:
    """Of the whole, and of each group of sessions."""
    truths = {WHOLE: _mean(difference, weight)}
    for low, high in SESSION_GROUPS:
        inside = (session >= low) & (session <= high)
        key = range_key("session", low, high)
        truths[key] = _mean(difference[inside], weight[inside])
    return truths


def _mean(difference: Floats, weight: Floats) -> Truth:
    mean = float(np.average(difference, weights=weight))
    share = weight / weight.sum()
    deviation = share * (difference - mean)
    error = np.sqrt(deviation @ deviation)
    return Truth(mean, float(error))


# Found by `find_truths`: value and Monte-Carlo error.
KNOWN: Final[dict[str, dict[str, tuple[float, float]]]] = {
    "walk": {
        "next_session": (-0.9192, 0.0079),
        "session_1": (-1.3183, 0.0215),
        "session_2": (-1.1898, 0.0208),
        "session_3": (-0.9601, 0.0200),
        "session_4_6": (-0.7061, 0.0112),
        "session_7_on": (-0.3475, 0.0083),
    },
    "blocks": {
        "next_session": (-0.7730, 0.0035),
        "session_1": (-0.7429, 0.0063),
        "session_2": (-0.5577, 0.0068),
        "session_3": (-0.4309, 0.0079),
        "session_4_6": (-1.1120, 0.0065),
        "session_7_on": (-0.8101, 0.0102),
    },
    "plan": {
        "next_session": (-0.8302, 0.0056),
        "session_1": (-0.9096, 0.0132),
        "session_2": (-0.8672, 0.0139),
        "session_3": (-0.7437, 0.0144),
        "session_4_6": (-1.0198, 0.0096),
        "session_7_on": (-0.1848, 0.0075),
    },
    "spells": {
        "next_session": (-0.7954, 0.0035),
        "session_1": (-0.8126, 0.0064),
        "session_2": (-0.6272, 0.0070),
        "session_3": (-0.4820, 0.0081),
        "session_4_6": (-1.0655, 0.0067),
        "session_7_on": (-0.8180, 0.0109),
    },
    "walk-thin": {
        "next_session": (-0.7230, 0.0078),
        "session_1": (-0.7670, 0.0192),
        "session_2": (-1.1437, 0.0195),
        "session_3": (-0.8713, 0.0198),
        "session_4_6": (-0.5303, 0.0121),
        "session_7_on": (-0.2245, 0.0073),
    },
    "blocks-thin": {
        "next_session": (-0.6758, 0.0038),
        "session_1": (-0.5676, 0.0066),
        "session_2": (-0.4058, 0.0071),
        "session_3": (-0.3210, 0.0082),
        "session_4_6": (-1.1407, 0.0074),
        "session_7_on": (-0.7678, 0.0116),
    },
    "walk-silent": {
        "next_session": (-0.6972, 0.0075),
        "session_1": (-0.8329, 0.0204),
        "session_2": (-1.1548, 0.0206),
        "session_3": (-0.8169, 0.0197),
        "session_4_6": (-0.4825, 0.0108),
        "session_7_on": (-0.2512, 0.0068),
    },
    "blocks-silent": {
        "next_session": (-0.6885, 0.0038),
        "session_1": (-0.5770, 0.0066),
        "session_2": (-0.4298, 0.0072),
        "session_3": (-0.3370, 0.0084),
        "session_4_6": (-1.1308, 0.0074),
        "session_7_on": (-0.7885, 0.0115),
    },
}
