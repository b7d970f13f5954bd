"""A part of a score: what one record says of one form on one day."""

from __future__ import annotations

from collections.abc import Mapping
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
    """

    origin: RecordOrigin
    pointer: Pointer
    moment: ClinicMoment
    instrument: str
    cells: dict[str, float]
    mends: bool = False
    joined: list[RecordOrigin] = field(default_factory=list)

    @property
    def total(self) -> float | None:
        """The total that the answers make; None where an answer is missing."""
        return _total(self.instrument, self.cells)

    @property
    def contradicts_itself(self) -> bool:
        """Whether its stated total is not that of its answers."""
        stated = self.cells.get(SCORE)
        if stated is None or self.total is None:
            return False
        return stated != self.total

    def agrees_with(self, other: ScorePart) -> bool:
        """Whether both can be of one form: no number of theirs differs."""
        for name, number in other.cells.items():
            if self.cells.get(name, number) != number:
                return False
        together = other.cells | self.cells
        stated = together.get(SCORE)
        total = _total(self.instrument, together)
        return stated is None or total is None or stated == total


def _total(
    instrument: str,
    cells: Mapping[str, float],
) -> float | None:
    scale = INSTRUMENTS.get(instrument)
    # A scale of the clinic's own has its rule in kettrack.toml, which is not read here.
    if scale is None or not scale.n_items:
        return None
    answers = [
        cells.get(
            f"{ITEM}{number}",
            np.nan,
        )
        for number in range(1, scale.n_items + 1)
    ]
    if all(np.isnan(answers)):
        return None
    total = total_from_items(
        scale,
        np.array([answers]),
    )
    return None if np.isnan(total[0]) else float(total[0])
