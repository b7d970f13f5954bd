"""The two sides of a comparison: two clinics, or the people who started in two periods."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.rules_in_force import rules_of_site
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.escapes import in_terminal
from kettrack.privacy.policies import INTERNAL, get_policy
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.limits import FEWEST_PEOPLE

# The only thing of a calendar that a cohort folder holds.
PERIOD_COLUMN: Final = "start_year"
_YEARS: Final = r"(\d{4})(?:-(\d{4}))?"
_PERIODS: Final = re.compile(rf"{_YEARS}(?::{_YEARS})?")
_HOW: Final = (
    "A period is a year or a span of years in which people started, such as 2023 or 2022-2023, and"
    " is compared with all other years; 2024:2022-2023 compares the first with the second."
)
# People with as many equal scores on equal days are taken to be the same person.
_FEWEST_EQUAL_SCORES: Final = 3


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One of two sides.

    Parameters
    ----------
    key : str
        Short name, part of the keys of rows.
    words : str
        As a reader sees it.
    cohort : DerivedCohort
        Its people, before any disclosure policy: what is hidden is decided over both sides.
    """

    key: str
    words: str
    cohort: DerivedCohort

    @property
    def people(self) -> int:
        """How many started."""
        return len(self.cohort.patients)


@dataclass(frozen=True, slots=True)
class ComparedSides:
    """Both sides; figures are told as the first less the second.

    Parameters
    ----------
    here, there : ComparedSide
        The side that is looked at, and the one that it is compared with.
    neither : int
        People of the clinic in neither period.
    same : int
        People who seem to be on both sides.
    kind : {"clinics", "periods"}
        What is compared.
    """

    here: ComparedSide
    there: ComparedSide
    neither: int
    same: int
    kind: str

    @property
    def both(self) -> tuple[ComparedSide, ComparedSide]:
        """The one compared with first, as tables have it."""
        return self.there, self.here


def compared_sides(
    cohort: DerivedCohort,
    other: Cohort | DerivedCohort | str,
) -> ComparedSides:
    """The two sides of a comparison.

    Parameters
    ----------
    cohort : DerivedCohort
        The clinic that is looked at.
    other : Cohort, DerivedCohort or str
        Another clinic, or a period such as `2023`, `2022-2023` or `2024:2022-2023`; empty: the
        later years against the earlier ones.

    Raises
    ------
    UsageError
        For a period that is none, or of which no patient says when they started; and for clinics
        under different policies.
    NotIdentified
        For clinics that count by different rules, and sides that are too small.
    """
    sides = (
        _periods(cohort, other)
        if isinstance(other, str)
        else _clinics(cohort, derive(other))
    )
    for side in sides.both:
        if side.people < FEWEST_PEOPLE:
            raise NotIdentified(
                f"{side.words} has {side.people} people, and a side needs {FEWEST_PEOPLE}.",
                "more people on that side, or a longer period.",
            )
    return sides


def _inside(cohort: DerivedCohort) -> DerivedCohort:
    """The cohort as its own clinic sees it."""
    settings = replace(cohort.settings, policy=INTERNAL, withheld=())
    return cohort.replace(settings=settings)


# ---- two clinics


def _clinics(
    here: DerivedCohort,
    there: DerivedCohort,
) -> ComparedSides:
    if here.settings.policy != there.settings.policy:
        raise UsageError(
            f"This folder is under the policy {here.settings.policy!r} and the other one under"
            f" {there.settings.policy!r}. Both sides are protected together: choose one with"
            " --policy."
        )
    mine = rules_of_site(here)
    theirs = rules_of_site(there)
    name = mine.differs_from(theirs)
    if name:
        what = name.replace("_", " ")
        raise NotIdentified(
            f"the two sides are not counted alike: {what} is {getattr(mine, name)!r} in this"
            f" folder and {getattr(theirs, name)!r} in the other one.",
            "both folders by the same rules: choose --instrument and --criteria for both, and"
            " make the rest the same in both kettrack.toml.",
        )
    return ComparedSides(
        here=ComparedSide("here", "this clinic", _inside(here)),
        there=ComparedSide("there", "the other clinic", _inside(there)),
        neither=0,
        same=_same_people(here, there),
        kind="clinics",
    )


def _same_people(
    here: DerivedCohort,
    there: DerivedCohort,
) -> int:
    """How many people of one side have the very scores of somebody on the other."""
    marks = [_marks(side) for side in (here, there)]
    return int(marks[0].isin(marks[1]).sum())


def _marks(cohort: DerivedCohort) -> pd.Series:
    """One number for all scores of each person with a few of them, by whatever code."""
    scores = cohort.scores.dropna(subset=["score"])
    rows = pd.DataFrame(
        {
            "instrument": scores["instrument"].astype(str),
            "day": scores["day"].astype("int64"),
            "score": scores["score"].astype("float64"),
        }
    )
    each = pd.util.hash_pandas_object(rows, index=False)
    grouped = each.groupby(scores["patient_id"].to_numpy())
    # Sums of numbers of 64 bits wrap round, and stay the same for the same scores.
    return grouped.sum()[grouped.size() >= _FEWEST_EQUAL_SCORES]


# ---- two periods


def _periods(
    cohort: DerivedCohort,
    asked: str,
) -> ComparedSides:
    year = _start_years(cohort, asked)
    spans = _read_spans(asked) if asked else _halves(year)
    then = _within(year, spans[-1])
    # Everybody else of whom it is known, unless a second period is named.
    now = _within(year, spans[0]) if len(spans) > 1 else ~np.isnan(year) & ~then
    if (now & then).any():
        raise UsageError(
            f"The two periods of {in_terminal(asked)!r} share a year. {_HOW}"
        )
    names = [_span_words(span) for span in spans]
    words = names[0] if len(names) > 1 else _others_words(year[now], names[0])
    neither = int((~now & ~then).sum())
    _require_no_rest(cohort, neither)
    return ComparedSides(
        here=ComparedSide("now", words, _inside(cohort.of_people(now))),
        there=ComparedSide("then", names[-1], _inside(cohort.of_people(then))),
        neither=neither,
        same=0,
        kind="periods",
    )


def _start_years(
    cohort: DerivedCohort,
    asked: str,
) -> Floats:
    """Year in which each patient started; missing where nobody recorded it."""
    column = cohort.patients[PERIOD_COLUMN].astype("Float64")
    year = np.asarray(column.to_numpy(float, na_value=np.nan), np.float64)
    if not np.isnan(year).all():
        return year
    reason = f"no patient of this folder has a {PERIOD_COLUMN}."
    collect = (
        f"the column {PERIOD_COLUMN} (year of the first session) in patients.csv. Or compare with"
        " the folder of another clinic."
    )
    # Whoever names a period has asked for what is not there.
    if asked:
        raise UsageError(f"Periods are not known: {reason} Write {collect}")
    raise NotIdentified(reason, collect)


def _read_spans(asked: str) -> list[tuple[int, int]]:
    found = _PERIODS.fullmatch(asked.strip())
    if found is None:
        raise UsageError(
            f"{in_terminal(asked)!r} is neither a folder nor a period. {_HOW}"
        )
    first, first_end, second, second_end = found.groups()
    spans = [(int(first), int(first_end or first))]
    if second:
        spans.append((int(second), int(second_end or second)))
    for begin, end in spans:
        if end < begin:
            raise UsageError(f"A period ends before it begins: {begin}-{end}. {_HOW}")
    return spans


def _halves(year: Floats) -> list[tuple[int, int]]:
    """The later years and the earlier ones, each with about half of the people."""
    known = np.sort(year[~np.isnan(year)]).astype(int)
    years = np.unique(known)
    if len(years) < 2:
        raise NotIdentified(
            f"everybody of whom it is known started in one year ({years[0]}).",
            f"people of at least two years, by {PERIOD_COLUMN} in patients.csv; or the folder of"
            " another clinic.",
        )
    # The cut that leaves the smaller half as large as it can be.
    before = np.searchsorted(known, years[1:])
    smaller = np.minimum(before, len(known) - before)
    cut = years[1:][int(smaller.argmax())]
    earlier = years[years < cut]
    return [(int(cut), int(years[-1])), (int(years[0]), int(earlier[-1]))]


def _within(
    year: Floats,
    span: tuple[int, int],
) -> Bools:
    # Comparing with a missing year is False.
    return np.asarray((year >= span[0]) & (year <= span[1]), bool)


def _span_words(span: Sequence[int]) -> str:
    begin, end = span
    return f"started in {begin}" if begin == end else f"started in {begin} to {end}"


def _others_words(years: Floats, name: str) -> str:
    """All other years by their names, where the period does not lie between them."""
    if not len(years):
        return "started in another year"
    begin = int(years.min())
    end = int(years.max())
    first = int(re.findall(r"\d{4}", name)[0])
    if begin < first < end:
        return "started in another year"
    return _span_words((begin, end))


def _require_no_rest(
    cohort: DerivedCohort,
    neither: int,
) -> None:
    """Refuse to show two parts of a clinic whose whole would tell of the few others."""
    if not neither:
        return
    policy = get_policy(cohort.policy)
    if neither < policy.smallest_count:
        raise NotIdentified(
            "a few people belong to neither period. Beside the figures of the whole clinic, those"
            " of the two periods would tell of them.",
            f"{PERIOD_COLUMN} for everyone, or periods that leave nobody out; or use the policy"
            " release, which rounds.",
        )
