"""Columns that hold scores: of which scale, total or item, and on which occasion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from kettrack.importing.proposal.answer_forms import questions_of_forms
from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.privacy.identifying_names import words_of
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.score_headings import (
    DATE_WORDS,
    EMPTY_SCORE_WORDS,
    ITEM_TOPICS,
    ITEM_WORDS,
    NUMBER_WORDS,
    OCCASION_WORDS,
    SCALES,
    TIMING_WORDS,
    TOTAL_WORDS,
    UNSURE,
    Unit,
)

Part = Literal["total", "item", "date"]
_FEWEST_OF_A_RUN: Final = 3
# These stand without a number.
_WITHOUT_NUMBER: Final = ("start", "later")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOccasion:
    """When something was filled in.

    Parameters
    ----------
    unit : str
        What its number counts; `start` is before the first session, `later` at an unknown day.
    number : int
        0 where there is none.
    """

    unit: Unit
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreHeading:
    """What the name of a column says.

    Parameters
    ----------
    scale : str
        Name of the scale, of one that is not built in the empty text; with a question mark where
        its version is open.
    part : {"total", "item", "date"}
        What stands there.
    item : int
        Number of the item; 0 where it is none.
    occasion : Occasion or None
        None where nothing is said.
    timing : str
        `before` or `after` a session, or the whole treatment; empty where nothing is said.
    bare : int or None
        A number that says nothing of what it counts.
    understood : bool
        Whether every word was.
    """

    scale: str
    part: Part = "total"
    item: int = 0
    occasion: NamedOccasion | None = None
    timing: str = ""
    bare: int | None = None
    understood: bool = True


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """A column with what its name and its values say together."""

    facts: ColumnFacts
    heading: ScoreHeading


def columns_of_scores(
    columns: Sequence[ColumnFacts],
    scale_of_table: str | None,
) -> list[ScoreColumn]:
    """The columns of a table that hold scores, or the days of scores.

    Parameters
    ----------
    columns : sequence of ColumnFacts
        All columns.
    scale_of_table : str or None
        The scale that the name of the sheet or file speaks of.
    """
    run = _in_forms(columns) | _in_runs(columns)
    found = []
    for facts in columns:
        heading = run.get(facts.name) or _heading(facts)
        if heading is None and scale_of_table is not None:
            heading = _under(scale_of_table, facts)
        if heading is not None:
            found.append(ScoreColumn(facts, _settled(heading, facts)))
    return _items_of_visits(found)


def _items_of_visits(
    columns: Sequence[ScoreColumn],
) -> list[ScoreColumn]:
    """Columns whose items come once for each of several numbers, as in phq9_0_i1 and phq9_4_i1:
    these are numbers of visits.
    """
    numbers: dict[tuple[str, int], list[int]] = {}
    for one in columns:
        heading = one.heading
        if heading.part == "item" and heading.bare is not None:
            numbers.setdefault((heading.scale, heading.item), []).append(heading.bare)
    return [
        replace(one, heading=_at_visit(one.heading))
        if _tells_visits(one.heading, numbers)
        else one
        for one in columns
    ]


def _tells_visits(
    heading: ScoreHeading,
    numbers: Mapping[tuple[str, int], list[int]],
) -> bool:
    several = numbers.get((heading.scale, heading.item), [])
    free = heading.part == "item" and heading.occasion is None
    return free and heading.bare is not None and len(set(several)) == len(several) > 1


def _at_visit(
    heading: ScoreHeading,
) -> ScoreHeading:
    visit = NamedOccasion(unit="visit", number=heading.bare or 0)
    return replace(heading, occasion=visit)


def scale_named(
    text: str,
) -> str | None:
    """The scale that a name begins with, None where there is none.

    Examples
    --------
    >>> scale_named("PHQ-9 totals"), scale_named("MADRS-S"), scale_named("Visits")
    ('PHQ-9', '', None)
    """
    found = _scale_in(_joined(text))
    return found[0] if found else None


def _heading(
    facts: ColumnFacts,
) -> ScoreHeading | None:
    """What the name says, or the label where the name says nothing."""
    for text in (facts.name, facts.label):
        # bDi11 is one word, weekSix are two: the spelling that is understood counts.
        readings = [parse_heading(text.lower()), parse_heading(text)]
        known = [one for one in readings if one is not None]
        if known:
            return next((one for one in known if one.understood), known[0])
    return None


def parse_heading(
    text: str,
) -> ScoreHeading | None:
    """Read the name of a column.

    Examples
    --------
    >>> found = parse_heading("phq9_week2_q3")
    >>> found.scale, found.part, found.item, found.occasion
    ('PHQ-9', 'item', 3, NamedOccasion(unit='week', number=2))
    >>> parse_heading("bdi.2m").occasion, parse_heading("MADRS total").part
    (NamedOccasion(unit='month', number=2), 'total')
    >>> parse_heading("PHQ-9 item 9 (suicidal thoughts)").understood
    True
    >>> parse_heading("PHQ-9 suicidal thoughts").understood
    False
    >>> parse_heading("weight") is None
    True
    """
    joined = _joined(text)
    found = _scale_in(joined)
    if found is None:
        return None
    scale, start, end = found
    rest = [*joined[:start].split("_"), *joined[end:].split("_")]
    return _of_rest(scale, [word for word in rest if word])


def _joined(
    text: str,
) -> str:
    return "_".join(words_of(text))


def _scale_in(
    joined: str,
) -> tuple[str, int, int] | None:
    for pattern, scale in SCALES:
        found = re.search(rf"(?:^|(?<=_))(?:{pattern})", joined)
        if found:
            return scale, found.start(), found.end()
    return None


def _under(
    scale: str,
    facts: ColumnFacts,
) -> ScoreHeading | None:
    """A column of a sheet that is named after its scale: `Q1`, `Total`, `Week 4`."""
    heading = _of_rest(scale, words_of(facts.name))
    said = heading.occasion or heading.timing or heading.bare is not None
    named = heading.part != "total" or said
    total = set(words_of(facts.name)) & TOTAL_WORDS
    if not heading.understood or not (named or total):
        return None
    # The day of a sheet of scores is found as the day of any other sheet.
    return None if heading.part == "date" else heading


def occasion_in(
    text: str,
) -> NamedOccasion | None:
    """The occasion that a cell or heading speaks of, None where it is not understood.

    Examples
    --------
    >>> occasion_in("Baseline"), occasion_in("ses-d10")
    (NamedOccasion(unit='start', number=0), NamedOccasion(unit='day', number=10))
    >>> occasion_in("Clinic A") is None
    True
    """
    heading = _of_rest("", words_of(text))
    if not heading.understood:
        return None
    return heading.occasion or of_treatment(heading.timing)


def item_alone(
    text: str,
) -> int | None:
    """The number of an item whose scale stands elsewhere, 0 for a total; None where it is neither.

    Parameters
    ----------
    text : str
        A cell.

    Examples
    --------
    >>> item_alone("Q3"), item_alone("Item 12"), item_alone("4"), item_alone("Total score")
    (3, 12, 4, 0)
    >>> item_alone("Week 4") is None, item_alone("Sleep") is None
    (True, True)
    """
    words = words_of(text)
    heading = _of_rest("", words)
    if not words or not heading.understood or heading.occasion or heading.timing:
        return None
    if heading.part == "item":
        return heading.item
    if heading.bare is not None:
        return heading.bare or None
    return 0 if set(words) & TOTAL_WORDS else None


def of_treatment(timing: str) -> NamedOccasion | None:
    """The occasion that before or after means where it is said of the whole treatment."""
    units: dict[str, Unit] = {"before": "start", "after": "later"}
    return NamedOccasion(unit=units[timing]) if timing else None


def visit_dated_by(
    facts: ColumnFacts,
) -> NamedOccasion | None:
    """The visit whose date a column holds, as `Date 2` does; None where it says no visit."""
    if facts.kind != "date" and not facts.may_be_date:
        return None
    heading = _of_rest("", words_of(facts.name))
    if heading.part != "date" or not heading.understood:
        return None
    if heading.occasion is None and heading.bare is not None:
        return NamedOccasion(unit="visit", number=heading.bare)
    return heading.occasion


def _of_rest(
    scale: str,
    words: list[str],
) -> ScoreHeading:
    """Read the words beside the name of a scale, from left to right."""
    heading = ScoreHeading(scale=scale)
    parts = list(_with_numbers(words))
    for word, number in parts:
        heading = _with_word(heading, word, number)
    return heading


def _with_numbers(
    words: list[str],
) -> Iterator[tuple[str, int | None]]:
    """Each word with the number that belongs to it: behind it, or else before it."""
    plain = [re.sub(r"^we+k$", "week", word) for word in words]
    numbers = [NUMBER_WORDS.get(word) for word in plain]
    numbers = [
        int(word) if word.isdigit() and len(word) < 4 else number
        for word, number in zip(plain, numbers, strict=True)
    ]
    place = 0
    while place < len(plain):
        after = numbers[place + 1] if place + 1 < len(plain) else None
        if numbers[place] is not None:
            follower = plain[place + 1] if place + 1 < len(plain) else ""
            # 2m, 4 weeks: but q3 in "1 q3" has its own number.
            owned = place + 2 < len(plain) and numbers[place + 2] is not None
            if (
                OCCASION_WORDS.get(follower, "start") not in _WITHOUT_NUMBER
                and not owned
            ):
                yield follower, numbers[place]
                place += 2
                continue
            yield "", numbers[place]
            place += 1
        elif after is not None and _takes_number(plain[place]):
            yield plain[place], after
            place += 2
        else:
            yield plain[place], None
            place += 1


def _takes_number(
    word: str,
) -> bool:
    return word in OCCASION_WORDS or word in ITEM_WORDS


def _with_word(
    heading: ScoreHeading,
    word: str,
    number: int | None,
) -> ScoreHeading:
    unit = OCCASION_WORDS.get(word)
    if not word:
        return replace(heading, bare=number)
    if word in ITEM_WORDS and number is not None:
        return replace(heading, part="item", item=number)
    if unit and (number is not None or unit in _WITHOUT_NUMBER):
        return _at(heading, unit, number)
    if word in TIMING_WORDS:
        return replace(heading, timing=TIMING_WORDS[word])
    if word in DATE_WORDS:
        return replace(heading, part="date")
    topic = heading.part == "item" and word in ITEM_TOPICS
    known = topic or word in TOTAL_WORDS or word in EMPTY_SCORE_WORDS or unit
    return heading if known else replace(heading, understood=False)


def _at(
    heading: ScoreHeading,
    unit: Unit,
    number: int | None,
) -> ScoreHeading:
    """The heading at an occasion; "end" behind a session that is numbered adds nothing."""
    if heading.occasion is not None and unit in _WITHOUT_NUMBER:
        return heading
    return replace(heading, occasion=NamedOccasion(unit=unit, number=number or 0))


def _in_runs(
    columns: Sequence[ColumnFacts],
) -> dict[str, ScoreHeading]:
    """Columns such as phq1 to phq9: the number counts them, and is no part of the scale's name."""
    # A run shows only in all columns together.
    stems: dict[str, dict[str, int]] = {}
    for facts in columns:
        found = re.fullmatch(
            r"([a-z]+?)(?:_q)?_?(\d{1,2})", _joined(facts.name.lower())
        )
        if found:
            stems.setdefault(found[1], {})[facts.name] = int(found[2])
    headings = {}
    for stem, numbers in stems.items():
        scale = scale_named(stem)
        counted = sorted(numbers.values())
        # 1, 2, 3: PHQ-2, PHQ-8 and PHQ-9 beside each other are no run.
        run = len(counted) >= _FEWEST_OF_A_RUN and 1 in counted
        if scale and run and counted[-1] - counted[0] < 2 * len(counted):
            for name, number in numbers.items():
                headings[name] = ScoreHeading(scale=scale, bare=number)
    return headings


def _in_forms(
    columns: Sequence[ColumnFacts],
) -> dict[str, ScoreHeading]:
    return {
        name: ScoreHeading(scale=scale, part="item", item=item)
        for name, (scale, item) in questions_of_forms(columns).items()
    }


def _settled(
    heading: ScoreHeading,
    facts: ColumnFacts,
) -> ScoreHeading:
    """The heading with its bare number as what the values say: an item, or an occasion."""
    if heading.part == "total" and facts.may_be_date and facts.kind == "date":
        heading = replace(heading, part="date")
    if heading.bare is None or heading.part == "item":
        return heading
    if _may_be_item(heading, facts):
        return replace(heading, part="item", item=heading.bare)
    occasion = heading.occasion or NamedOccasion(unit="visit", number=heading.bare)
    return replace(heading, occasion=occasion)


def _may_be_item(
    heading: ScoreHeading,
    facts: ColumnFacts,
) -> bool:
    scale = INSTRUMENTS.get(UNSURE.get(heading.scale, heading.scale))
    if scale is None or not scale.item_maxima or heading.bare is None:
        return False
    # One more than there are items: the question on difficulty, which counts nowhere.
    numbered = 1 <= heading.bare <= len(scale.item_maxima) + 1
    return numbered and facts.within(0, max(scale.item_maxima))
