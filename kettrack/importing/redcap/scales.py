"""Scales that the names of a form's fields leave no doubt about."""

from __future__ import annotations

import re
from collections.abc import (
    Iterable,
    Mapping,
)
from dataclasses import (
    dataclass,
    field,
)
from typing import Final

from kettrack.vocabulary.instruments import (
    BDI2,
    CADSS,
    GAD7,
    HAMD17,
    IDS_SR30,
    INSTRUMENTS,
    MADRS,
    PCL5,
    PHQ9,
    QIDS_SR16,
)

# How names of fields begin. HAMD and BDI alone may be another version, so they need their number.
_BEGINS: Final[Mapping[str, str]] = {
    PHQ9.name: r"phq_?(?:9|nine)",
    GAD7.name: r"gad_?(?:7|seven)",
    MADRS.name: r"madrs",
    QIDS_SR16.name: r"qids(?:_?sr)?(?:_?16)?",
    IDS_SR30.name: r"ids_?(?:sr)?_?30",
    HAMD17.name: r"(?:ham_?d|hdrs|hrsd)_?17",
    BDI2.name: r"bdi_?(?:2|ii)",
    PCL5.name: r"pcl_?5",
    CADSS.name: r"cadss",
}
# `phq_1 ... phq_9` without the 9 in front: only a whole set of questions tells which scale it is.
_LOOSE: Final[Mapping[str, str]] = {PHQ9.name: r"phq", GAD7.name: r"gad"}
_ITEM: Final = r"_?(?:q|item|i)?_?0?(\d{1,2})"
_TOTAL: Final = r"_?(?:total_?score|sum_?score|total|score|sum|tot|summary)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScale:
    """A scale on a form.

    Parameters
    ----------
    instrument : str
        Its name.
    items : mapping
        Number of a question to its field.
    total : str
        Field of the total; empty where there is none.
    uncounted : str
        Field of the question that is on the form and not in the total; empty where there is none.
    """

    instrument: str
    items: Mapping[int, str] = field(default_factory=dict)
    total: str = ""
    uncounted: str = ""

    @property
    def fields(
        self,
    ) -> frozenset[str]:
        """All fields of the scale."""
        return frozenset(
            filter(None, [*self.items.values(), self.total, self.uncounted])
        )


def scales_in(
    names: Iterable[str],
) -> tuple[FoundScale, ...]:
    """Find the scales among the fields of a form.

    Parameters
    ----------
    names : iterable of str
        Names of fields.

    Examples
    --------
    >>> [one.instrument for one in scales_in(["phq9_date", "phq9_total", "madrs_score"])]
    ['PHQ-9', 'MADRS']
    >>> scales_in(["bdi_total", "hamd_total", "phq_total"])
    ()
    """
    fields = list(names)
    found = [_scale(instrument, fields) for instrument in _BEGINS]
    return tuple(one for one in found if one is not None)


def _scale(
    instrument: str,
    fields: list[str],
) -> FoundScale | None:
    begins = _BEGINS[instrument]
    items = _items(begins, fields) or _items(_LOOSE.get(instrument, "(?!)"), fields)
    totals = [name for name in fields if _fits(begins + _TOTAL, name)]
    # The tenth field of PHQ-9 must not make it a scale of ten questions.
    uncounted = INSTRUMENTS[instrument].uncounted_item
    beside = items.pop(uncounted, "") if uncounted else ""
    whole = set(items) == set(range(1, INSTRUMENTS[instrument].n_items + 1))
    # Two totals, or questions beyond the last one, are those of a form that is not known here.
    if len(totals) > 1 or (items and not whole) or not (items or totals):
        return None
    return FoundScale(
        instrument=instrument,
        items=items,
        total="".join(totals),
        uncounted=beside,
    )


def _items(
    begins: str,
    fields: Iterable[str],
) -> dict[int, str]:
    """Number of a question to its field."""
    found = {}
    for name in fields:
        fit = re.fullmatch(begins + _ITEM, name, re.IGNORECASE)
        if fit:
            found[int(fit[1])] = name
    return dict(sorted(found.items()))


def _fits(
    pattern: str,
    name: str,
) -> bool:
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None
