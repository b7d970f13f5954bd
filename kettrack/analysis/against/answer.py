"""Two clinics, or two periods, side by side: the five answers of the first page with how far the
sides are apart, as they are and with the same people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.against.case_mix import (
    CASE_MIX,
    MadeAlike,
    case_mix,
    known_on_both,
    made_alike,
)
from kettrack.analysis.against.measures import (
    MEASURES,
    OF_SESSIONS,
    PER_YEARS,
    POINTS,
    ComparedMeasure,
    SideFigure,
)
from kettrack.analysis.against.sides import (
    PERIOD_COLUMN,
    ComparedSides,
    compared_sides,
)
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.subgroups.groups import said_number
from kettrack.errors import NotIdentified
from kettrack.estimators.difference import Ends
from kettrack.privacy.release.row_differences import fill_row_differences
from kettrack.reading.cohort import Cohort
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.made_of import (
    ByRow,
    LikeCounts,
    Rate,
    RowDifference,
    Scaled,
    Share,
)
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval

_ENDS: Final = ("ci_low", "ci_high")
_APART: Final = ("difference", "difference_low", "difference_high")
_JOINT: Final = ("joint_low", "joint_high")
_ALIKE: Final = ("alike", "alike_low", "alike_high")
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "answer": "label",
    "about": "label",
    "unit": "label",
    "side": "label",
    "n": "denominator",
    "sessions": "denominator",
    "events": "count",
    **dict.fromkeys(("estimate", *_ENDS), "derived"),
    **dict.fromkeys((*_APART, *_JOINT), "derived"),
    **dict.fromkeys(("standardised", *_ALIKE), "derived"),
    "effective": "derived",
    "note": "label",
}
_SHOWN: Final = (
    "about",
    "side",
    "n",
    "events",
    "estimate",
    *_ENDS,
    "unit",
    *_APART,
    *_JOINT,
    *_ALIKE,
)
_DIFFERENCE: Final = RowDifference(
    value=_APART[0],
    ends=_APART[1:],
    joint=_JOINT,
    figure="estimate",
    figure_ends=_ENDS,
    within="about",
)
_RECIPES: Final = (
    ByRow(events="events", unit="unit", anew=True),
    Share(
        value="estimate",
        events="events",
        of="sessions",
        ends=_ENDS,
        interval="clustered",
        rows="unit",
        unit=OF_SESSIONS,
    ),
    Rate(
        value="estimate",
        events="events",
        ends=_ENDS,
        rows="unit",
        unit=PER_YEARS,
    ),
    _DIFFERENCE,
    Scaled(value="standardised", of="n"),
    Scaled(value="alike", of="n", ends=_ALIKE[1:], weighted=True),
    LikeCounts(values=("effective",)),
)
_COUNTS: Final = ("n", "sessions", "events")
# What a reader is told of each answer; the others stand in the table.
_TOLD: Final = (
    "responded",
    "lasting",
    "worse",
    "side_effect",
    "thoughts",
    "not_known",
    "one_more",
)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One measure of both sides, or why it is not compared."""

    measure: ComparedMeasure
    at: int = 0
    here: SideFigure | None = None
    there: SideFigure | None = None
    alike: MadeAlike | None = None
    why_not: str = ""

    @property
    def about(self) -> str:
        """What is compared, with its time where both sides reach one."""
        shown = self.at // self.measure.shown_per
        time = self.measure.time.format(shown) if shown else ""
        return self.measure.about.format(time)


@question(
    "against",
    asks="How far are two clinics, or two periods, apart in the answers of the first page?",
    unit="as named in each row",
    estimand=(
        "Figure of one side less that of the other, of the people as they came (difference), and"
        " with the case mix of both sides together (alike). It is an association: it does not say"
        " why the sides differ."
    ),
    roles=_ROLES,
    recipes=_RECIPES,
    decimals={"effective": 0},
    show=_SHOWN,
    balanced=True,
)
def against(
    cohort: DerivedCohort,
    other: str | Cohort | DerivedCohort = "",
) -> Answer:
    """The five answers of the first page for two sides, and how far they are apart.

    Parameters
    ----------
    other : str, Cohort or DerivedCohort
        Another clinic, or a period: `2023`, `2022-2023`, or `2024:2022-2023`. Default: the later
        years in which people started against the earlier ones.

    Returns
    -------
    Result
        Two rows per measure: the side that is compared with, then the one that is looked at.
        `about` `unit` `side`; `n` people, `sessions` and `events` where it is counted so;
        `estimate` with its interval. In the second row: `difference` (second less first) with an
        interval by itself, `joint_low` `joint_high` (hold for all measures at once), and `alike`
        with its interval (the difference with the case mix of both sides together: the score before
        session 1 and failed antidepressants, as far as both sides know them). `standardised` is the
        share of a side at that case mix, and `effective` how many people it rests on. `note`: why a
        measure is not compared. Refused for rules that differ, and for sides that are too small.

    Raises
    ------
    UsageError
        For a period that is none, or that no patient says anything of.
    """
    sides = compared_sides(cohort, other)
    pairs = [_pair(measure, sides) for measure in MEASURES]
    _require_an_answer(pairs)
    return Answer(
        table=_table(pairs, sides),
        sentence=partial(_sentence, sides=sides),
        caveats=_caveats(cohort, sides, pairs),
        level=LEVEL,
        people=sides.here.people + sides.there.people,
    )


def compared_table(
    sides: ComparedSides,
    measures: Sequence[ComparedMeasure] = MEASURES,
) -> pd.DataFrame:
    """The table of `against` for two sides, of some measures only: one of them takes most of the
    time.
    """
    return _table([_pair(measure, sides) for measure in measures], sides)


# ---- figures


def _require_an_answer(pairs: list[_Pair]) -> None:
    """Refuse where nothing that was seen after session 1 can be compared."""
    told = [pair.why_not for pair in pairs if pair.measure.key in _TOLD]
    if all(told):
        raise NotIdentified(
            f"no answer of the first page can be compared; the first: {told[0]}",
            "on both sides what the answers of the first page need.",
        )


def _pair(measure: ComparedMeasure, sides: ComparedSides) -> _Pair:
    """Both sides at the latest time that both can be seen at."""
    try:
        at = min(measure.latest(side.cohort) for side in sides.both)
        there, here = (measure.figure(side.cohort, at) for side in sides.both)
    except NotIdentified as error:
        return _Pair(measure, why_not=error.reason)
    return _Pair(
        measure=measure,
        at=at,
        here=here,
        there=there,
        alike=_alike(here, there, sides),
    )


def _alike(
    here: SideFigure, there: SideFigure, sides: ComparedSides
) -> MadeAlike | None:
    if here.persons is None or there.persons is None:
        return None
    return made_alike(
        here.persons.join(_mix(sides.here.cohort)),
        there.persons.join(_mix(sides.there.cohort)),
    )


def _mix(cohort: DerivedCohort) -> pd.DataFrame:
    # Every measure asks for it.
    return cohort.once("case mix", lambda: case_mix(cohort))


def _table(pairs: list[_Pair], sides: ComparedSides) -> pd.DataFrame:
    """Two rows for each pair; the second tells how far it is from the first."""
    rows = [row for pair in pairs for row in _rows(pair, sides)]
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table[[*_APART, *_JOINT]] = np.nan
    fill_row_differences(_DIFFERENCE, table)
    return table.astype(dict.fromkeys(_COUNTS, "Int64"))


def _rows(pair: _Pair, sides: ComparedSides) -> Iterator[dict[str, Any]]:
    for side, figure in zip(sides.both, (pair.there, pair.here), strict=True):
        yield {
            "key": f"{pair.measure.key}_{side.key}",
            "answer": pair.measure.answer,
            "about": pair.about,
            "unit": pair.measure.unit,
            "side": side.words,
            "note": pair.why_not,
            **(_figure_cells(figure) if figure else {}),
            **_alike_cells(pair.alike, side is sides.here),
        }


def _figure_cells(figure: SideFigure) -> dict[str, Any]:
    return {
        "n": figure.n,
        "sessions": figure.sessions,
        "events": figure.events,
        **_cells(("estimate", *_ENDS), figure.ends),
    }


def _alike_cells(alike: MadeAlike | None, is_here: bool) -> dict[str, Any]:
    if alike is None:
        return {}
    if not is_here:
        return {"standardised": alike.there, "effective": alike.effective[1]}
    own = {"standardised": alike.here, "effective": alike.effective[0]}
    return own | _cells(_ALIKE, alike.apart)


def _cells(names: tuple[str, ...], ends: Ends) -> dict[str, float]:
    return dict(zip(names, map(float, ends), strict=True))


# ---- the words


def _sentence(table: pd.DataFrame, sides: ComparedSides) -> str:
    """Each of the five answers on a line, then what is beyond chance."""
    rows = table.set_index("key")
    lines = [_line(name, rows, sides) for name in _TOLD]
    return "\n".join(
        [
            f"Two sides: {_who(sides.here.words)}, and {_who(sides.there.words)}. Differences are"
            " the first less the second.",
            *lines,
            _beyond_chance(table),
            _NOT_BETTER,
        ]
    )


def _who(words: str) -> str:
    """A side as the beginning of a sentence names it."""
    return f"people who {words}" if words.startswith("started") else words


def _line(name: str, rows: pd.DataFrame, sides: ComparedSides) -> str:
    """One measure: both figures, and how far they are apart."""
    here = f"{name}_{sides.here.key}"
    there = f"{name}_{sides.there.key}"
    about = str(rows["about"][here])
    begins = f"{about[:1].upper()}{about[1:]}"
    if rows["note"][here]:
        return f"{begins}: not compared, for the reason in the notes."
    points = rows["unit"][here] == POINTS
    said = value_with_interval if points else share_with_interval
    apart = value_with_interval(here, of=_APART[0], ends=_APART[0])
    # The same people on both sides is the fairer question, so it stands in the same line.
    alike = (
        f"; with the same case mix {value_with_interval(here, of='alike', ends='alike')}"
        if pd.notna(rows["alike"][here])
        else ""
    )
    return (
        f"{begins}: {said(here)} and {said(there)}, a difference of {apart}"
        f"{_unit_words(str(rows['unit'][here]))}{alike}."
    )


def _unit_words(unit: str) -> str:
    """Of a difference."""
    return " percentage points" if unit.startswith("%") else f" {unit}"


def _beyond_chance(table: pd.DataFrame) -> str:
    """What differs by more than chance would make, over all comparisons together."""
    outside = table[(table["joint_low"] > 0) | (table["joint_high"] < 0)]
    n = int(table["difference"].notna().sum())
    told = "; ".join(
        f"{row.about}, {{{row.key}.difference}} ({{{row.key}.joint_low}} to"
        f" {{{row.key}.joint_high}}){_unit_words(str(row.unit))}"
        for row in outside.itertuples()
    )
    if told:
        return f"Beyond chance, by intervals that hold for all {n} comparisons: {told}."
    return (
        f"None of the {n} differences is beyond chance when all are looked at together. That is not"
        " the same as no difference."
    )


_NOT_BETTER: Final = (
    "This does not say that one side is better: other people may be sent to it, and it may score"
    " and ask in other ways or at another time."
)


def _caveats(
    cohort: DerivedCohort,
    sides: ComparedSides,
    pairs: list[_Pair],
) -> tuple[str, ...]:
    """What such a comparison cannot say, and how it was made."""
    why_not = [
        f"{pair.about} ({pair.why_not.rstrip('.')})" for pair in pairs if pair.why_not
    ]
    return (
        "This is no ranking. Who is referred and who can pay, how carefully scores and harm are"
        " asked for, and what else people are treated with can differ between two sides. None of it"
        f" is in these figures.{_KINDS[sides.kind]}",
        _alike_words(sides),
        f"Intervals hold {100 * LEVEL:g} % and count people. `difference` has an interval by itself"
        " (Zou and Donner 2008), `joint` one that holds for all comparisons at once (Bonferroni).",
        "People of one side may be followed for longer. So what came at some time is counted up to"
        " a week that both sides reach, and side effects in the first sessions. The first page"
        " counts all of the time.",
        *([f"Not compared: {'; '.join(why_not)}."] if why_not else []),
        *_people_words(cohort, sides),
        f"{rule_words(cohort)}, on both sides.",
    )


_KINDS: Final = {
    "clinics": " The calendar may differ as well.",
    "periods": (
        " Care around the clinic, referral and who asks for treatment change with the years. People"
        " of the later period have shorter logs."
    ),
}


def _alike_words(sides: ComparedSides) -> str:
    mixes = [_mix(side.cohort) for side in (sides.here, sides.there)]
    names = known_on_both(*mixes)
    if not names:
        return "Nothing that both sides know of enough people could be made alike."
    left = [words for name, words in CASE_MIX.items() if name not in names]
    lacks = f" Not known on both sides: {', '.join(left)}." if left else ""
    return (
        "`alike`: both sides weighted to the case mix of all their people, in"
        f" {' and '.join(CASE_MIX[name] for name in names)}. Everything else may still differ. It"
        f" is missing where there are too few events, or too few comparable people.{lacks}"
    )


def _people_words(cohort: DerivedCohort, sides: ComparedSides) -> list[str]:
    """People of neither side, and people of both."""
    words = []
    if sides.neither:
        n = said_number(cohort, sides.neither)
        words.append(f"{n} people belong to neither period, by {PERIOD_COLUMN}.")
    if sides.same:
        n = said_number(cohort, sides.same)
        words.append(
            f"{n} people of this side have the very scores of somebody on the other: they seem to"
            " be the same people, and the intervals take them for different ones."
        )
    return words
