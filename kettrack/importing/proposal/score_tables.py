"""Scores of one table: one part of the map for each scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from kettrack.importing.import_map import TableMap, WideBlock
from kettrack.importing.proposal.answer_tables import answer_part
from kettrack.importing.proposal.score_columns import (
    NamedOccasion,
    ScoreColumn,
    of_treatment,
    visit_dated_by,
)
from kettrack.importing.proposal.table_columns import TableColumns
from kettrack.importing.proposal.versions import Asking, version_of
from kettrack.importing.proposal.when import When
from kettrack.importing.proposal.words import ClosedColumn, word_map
from kettrack.importing.remarks import OpenQuestion, Remark
from kettrack.importing.source import DATE
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.score_headings import UNSURE

_DAYS_IN_MONTH: Final = 365.25 / 12
# Nobody scored a patient "before" on a later day than this one.
_START: Final = 0.0


def score_parts(
    known: TableColumns,
    when: When,
    asking: Asking,
    unused: dict[str, str],
) -> list[TableMap]:
    """The parts of the map that take scores from a table.

    Parameters
    ----------
    known : TableColumns
        The table.
    when : When
        The day of its rows.
    asking : Asking
        Answers and questions.
    unused : dict
        Takes the columns that are left out, with the reason.
    """
    parts = []
    of_scale: dict[str, list[ScoreColumn]] = defaultdict(list)
    for one in known.scores:
        if one.heading.understood and one.heading.scale:
            of_scale[one.heading.scale].append(one)
        else:
            unused[one.facts.name] = _why_not(one)
    for scale, columns in of_scale.items():
        named = version_of(known, scale, asking)
        if not named or all(one.heading.part == "date" for one in columns):
            unused |= dict.fromkeys(
                (one.facts.name for one in columns), "its scale is not built in"
            )
            continue
        parts += _of_scale(known, named, columns, when, asking)
    # A table that names scales in its headings does not name them in its cells too.
    if parts:
        return parts
    long = answer_part(known, when, asking) or _long(known, when, asking)
    return [long] if long else []


def _why_not(
    column: ScoreColumn,
) -> str:
    if not column.heading.scale:
        return "a scale that is not built in; kettrack.toml can define it"
    return "it names a scale, and it is not clear what of it stands here"


def _of_scale(
    known: TableColumns,
    scale: str,
    columns: Sequence[ScoreColumn],
    when: When,
    asking: Asking,
) -> list[TableMap]:
    parts = []
    # Columns without an occasion belong to the day of their row.
    for timing, plain in _of_rows(known, columns, when).items():
        dates = [one.facts.name for one in plain if one.heading.part == "date"]
        filled = {_into(one): one.facts.name for one in plain if _into(one)}
        if filled:
            constants = {"instrument": scale} | _timed(timing)
            day = {DATE: dates[0]} if dates else dict(when.columns)
            parts.append(when.part(known, "scores", day | filled, constants))
    # Visits beside each other, after those whose row has its own day.
    blocks = _blocks(known, _at_occasions(known, columns, when), asking)
    if blocks:
        # A date of the row beside occasions would be that of day 0, which nobody said.
        columns_too = {"patient_id": known.patient}
        parts.append(
            TableMap(
                source=known.table.name,
                to="scores",
                columns=columns_too,
                constants={"instrument": scale},
                wide=blocks,
            )
        )
    return parts


def _timed(timing: str) -> dict[str, str]:
    return {"timing": timing} if timing else {}


def _of_rows(
    known: TableColumns,
    columns: Sequence[ScoreColumn],
    when: When,
) -> dict[str, list[ScoreColumn]]:
    """Timing to the columns that belong to the day of their row."""
    found: dict[str, list[ScoreColumn]] = defaultdict(list)
    for one in columns:
        if _occasion_of(known, one, when) is None:
            found[one.heading.timing].append(one)
    return found


def _at_occasions(
    known: TableColumns,
    columns: Sequence[ScoreColumn],
    when: When,
) -> dict[NamedOccasion, list[ScoreColumn]]:
    found: dict[NamedOccasion, list[ScoreColumn]] = defaultdict(list)
    for one in columns:
        occasion = _occasion_of(known, one, when)
        if occasion is not None:
            found[occasion].append(one)
    return found


def _occasion_of(
    known: TableColumns,
    column: ScoreColumn,
    when: When,
) -> NamedOccasion | None:
    """The occasion of a column; None where it is the day of its row."""
    heading = column.heading
    # "Pre" in a log of sessions is before each of them, else before the treatment.
    of_row = bool(when.columns) and known.several_rows
    return heading.occasion or (None if of_row else of_treatment(heading.timing))


def _into(
    column: ScoreColumn,
) -> str:
    """The column of the contract that a column of scores fills; empty where it fills none."""
    heading = column.heading
    if heading.part == "date":
        return ""
    if heading.part == "total":
        return "score"
    scale = INSTRUMENTS.get(UNSURE.get(heading.scale, heading.scale))
    most = len(scale.item_maxima) if scale else 0
    # An item that is on the form and counts nowhere.
    beyond = scale.uncounted_item if scale else None
    there = heading.item <= most or heading.item == beyond
    return f"item_{heading.item}" if there and heading.item else ""


def _blocks(
    known: TableColumns,
    occasions: Mapping[NamedOccasion, list[ScoreColumn]],
    asking: Asking,
) -> tuple[WideBlock, ...]:
    """One block for each column of the contract; what was filled in before treatment, or before
    or after a session, stands apart, as it says so.
    """
    days: dict[tuple[str, str], dict[str, float | None]] = defaultdict(dict)
    dates: dict[str, str] = {}
    sessions: dict[str, int] = {}
    # Date 2 beside PHQ-9 2 and GAD-7 2 is the date of all that was filled in then.
    beside: dict[NamedOccasion | None, list[str]] = defaultdict(list)
    for facts in known.facts:
        beside[visit_dated_by(facts)].append(facts.name)
    for occasion, columns in occasions.items():
        # A visit with a date of its own needs no day from its name.
        dated = [one.facts.name for one in columns if one.heading.part == "date"]
        dated += beside.get(occasion, [])
        for one in columns:
            into = _into(one)
            if not into:
                continue
            name = one.facts.name
            timing = "before" if occasion.unit == "start" else one.heading.timing
            days[into, timing][name] = None
            if dated:
                dates[name] = dated[0]
            elif _by_session(occasion, asking):
                sessions[name] = occasion.number
            else:
                day = _day_of(known, name, occasion, asking)
                days[into, timing][name] = day
    return tuple(
        WideBlock(
            columns=of_each,
            dates={name: dates[name] for name in of_each if name in dates},
            sessions={name: sessions[name] for name in of_each if name in sessions},
            into=into,
            constants=_timed(timing),
        )
        for (into, timing), of_each in days.items()
    )


def _by_session(
    occasion: NamedOccasion,
    asking: Asking,
) -> bool:
    # Session 0 is none: it stands for a visit before the first.
    numbered = occasion.unit == "session" and occasion.number > 0
    return numbered and asking.sessions_are_dated


def _day_of(
    known: TableColumns,
    name: str,
    occasion: NamedOccasion,
    asking: Asking,
) -> float | None:
    """The day of an occasion on the patient's clock, asked for where its name does not say it."""
    number = occasion.number
    if occasion.unit == "start":
        return _START
    if occasion.unit == "day":
        return float(number)
    if occasion.unit == "week":
        return float(number * DAYS_IN_WEEK)
    if occasion.unit == "month":
        _say_month(known, name, asking)
        return float(round(number * _DAYS_IN_MONTH))
    return _asked_day(known, name, asking)


def _say_month(
    known: TableColumns,
    name: str,
    asking: Asking,
) -> None:
    remark = Remark(
        file=known.table.file,
        table=known.table.name,
        column=name,
        action="noted",
        reason="months are counted as 30.4 days each; the map can say another day",
    )
    asking.remarks.add(remark)


def _asked_day(
    known: TableColumns,
    name: str,
    asking: Asking,
) -> float | None:
    key = f"day.{known.table.name}.{name}"
    answer = asking.answers.get(key, "")
    number = answer.strip().removeprefix("+")
    if number.removeprefix("-").isdigit():
        return float(number)
    question = OpenQuestion(
        key=key,
        asks=(
            f"On which day was {name!r} of {known.table.name!r} filled in? Day 0 is that of the"
            " first session; 14 is two weeks later."
        ),
        why="A score needs its day.",
    )
    asking.remarks.ask(question)
    return None


def _long(
    known: TableColumns,
    when: When,
    asking: Asking,
) -> TableMap | None:
    """Scores of several scales below each other: one column names the scale."""
    instrument = known.best("instrument")
    score = known.best("score")
    if not score or not (instrument or known.scale):
        return None
    columns = dict(when.columns) | {"score": score}
    named = {"instrument": instrument} if instrument else {}
    constants = {} if instrument else {"instrument": str(known.scale)}
    # Items and timing stand in columns of their own, under kettrack's own names.
    beside = [name for name in known.fits if name.startswith("item_")]
    beside += ["timing"] if known.best("timing") else []
    columns |= {name: known.best(name) for name in beside}
    part = when.part(known, "scores", columns | named, constants)
    return replace(part, values={**part.values, **_timing_words(known, asking)})


def _timing_words(
    known: TableColumns,
    asking: Asking,
) -> dict[str, dict[str, str]]:
    """Words of the column that says whether a score was before or after the session."""
    fits = known.fits.get("timing", [])
    if not fits:
        return {}
    closed = ClosedColumn(known.table, "scores", "timing", fits[0], known.patient)
    words = word_map(closed, asking.answers, asking.remarks)
    return {"timing": words} if words else {}
