"""A part of a score: what one record says of one form on one day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from kettrack.importing.fhir.codes import ITEM, SCORE
from kettrack.importing.fhir.notes import RecordOrigin
from kettrack.importing.fhir.people import Pointer
from kettrack.importing.fhir.times import ClinicMoment
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.totals import total_from_items


@dataclass(slots=True)
class ScorePart:
    """What one record says.

    Parameters
    ----------
    origin : RecordOrigin
        Where it stands.
    pointer : str or PatientNumber
        The patient, as the record points at one.
    moment : ClinicMoment
        When it was answered.
    instrument : str
        Name of the scale.
    cells : dict
        `score` and `item_n` to their numbers.
    mends : bool
        Whether it replaces an earlier record.
    joined : list of RecordOrigin
        Records whose numbers have been put into this one.
    total : float or None
        What its answers make; None where an answer is missing.
    timing : str
        `before` or `after` a session of the day; empty where nobody can tell.
    """

    origin: RecordOrigin
    pointer: Pointer
    moment: ClinicMoment
    instrument: str
    cells: dict[str, float]
    mends: bool = False
    joined: list[RecordOrigin] = field(default_factory=list)
    total: float | None = None
    timing: str = ""

    @property
    def contradicts_itself(self) -> bool:
        """Whether its stated total is not that of its answers."""
        stated = self.cells.get(SCORE)
        if stated is None or self.total is None:
            return False
        return stated != self.total

    @property
    def answered(self) -> Set[str]:
        """The questions that it answers."""
        return self.cells.keys() - {SCORE}

    def agrees_with(self, other: ScorePart) -> bool:
        """Whether both can be of one form: no number of theirs differs."""
        # What only one of them has cannot differ.
        for name, number in other.cells.items():
            if self.cells.get(name, number) != number:
                return False
        stated = self.cells.get(SCORE, other.cells.get(SCORE))
        # Of one time they are one form, and its total is then not that of its answers.
        if stated is None or self.moment == other.moment:
            return True
        total = self._total_with(other)
        return total is None or stated == total

    def take_in(self, other: ScorePart) -> None:
        """Put the numbers of another part of the same form beside the own ones."""
        self.total = self._total_with(other)
        self.cells |= other.cells
        self.joined += [other.origin, *other.joined]
        self.mends |= other.mends

    def _total_with(self, other: ScorePart) -> float | None:
        own = self.answered
        others = other.answered
        # A total beside its answers is the common case, and adds no answer.
        if others <= own:
            return self.total
        if own <= others:
            return other.total
        together = self.cells | other.cells
        (total,) = _totals(self.instrument, [together])
        return total


def with_totals(parts: Iterable[ScorePart]) -> None:
    """Work out the totals that the answers of parts make, all of one scale at once."""
    by_scale: dict[str, list[ScorePart]] = {}
    for part in parts:
        scale = by_scale.setdefault(part.instrument, [])
        scale.append(part)
    # A call for each form would take most of the time of a large export.
    for instrument, several in by_scale.items():
        totals = _totals(
            instrument,
            [part.cells for part in several],
        )
        for part, total in zip(several, totals, strict=True):
            part.total = total


def _totals(
    instrument: str,
    forms: Sequence[Mapping[str, float]],
) -> list[float | None]:
    scale = INSTRUMENTS.get(instrument)
    # A scale of the clinic's own has its rule in kettrack.toml, which is not read here.
    if scale is None or not scale.n_items:
        return [None] * len(forms)
    names = [f"{ITEM}{number}" for number in range(1, scale.n_items + 1)]
    answers = [
        [
            cells.get(name, np.nan)  # not answered
            for name in names
        ]
        for cells in forms
    ]
    totals = total_from_items(scale, np.array(answers))
    return [_or_none(total) for total in totals.tolist()]


def _or_none(total: float) -> float | None:
    return None if np.isnan(total) else total
