"""When a form was filled: a date on the form, that of its survey, that of the visit, or the name of
the event.
"""

from __future__ import annotations

import re
from collections.abc import (
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.delimited import Delimited
from kettrack.importing.redcap.dictionary import DataDictionary
from kettrack.importing.redcap.layout import (
    ExportLayout,
    RedcapForm,
)
from kettrack.importing.redcap.rows import FormRows
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    OpenQuestion,
    Remark,
    Remarks,
)
from kettrack.privacy.identifying_names import (
    promise_of,
    words_of,
)
from kettrack.privacy.identifying_people import shown
from kettrack.vocabulary.days import DAYS_IN_WEEK

_DAYS_IN_MONTH: Final = 365.25 / 12
_UNITS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("day", "days", "d"), 1.0),
    **dict.fromkeys(("week", "weeks", "wk", "wks", "w"), float(DAYS_IN_WEEK)),
    **dict.fromkeys(("month", "months", "mo", "mth"), _DAYS_IN_MONTH),
}
# Words of an event's name that do not change its day.
_BESIDE: Final = frozenset(
    ("follow", "up", "fu", "followup", "visit", "assessment", "post", "after")
)
_BASELINE: Final = frozenset(("baseline", "bl"))
_DATE_WORDS: Final = frozenset(("date", "dt", "datum", "fecha", "data", "day"))
# As REDCap writes them, or as a spreadsheet left them.
_DATES: Final = r"^(\d{4}-\d{2}-\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4})\b"
BY_EVENT: Final = "by the name of the event"
BY_SURVEY: Final = "by the time of the survey"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTime:
    """When the rows of a form were filled.

    Parameters
    ----------
    date : pyarrow.Array, optional
        Text of the date of each row.
    day : pyarrow.Array, optional
        Day of each row on the patient's own clock.
    used : str
        Field of the form that holds the date.
    of_survey : bool
        Whether the date is the time at which the survey was sent in.
    """

    date: pa.Array | None = None
    day: pa.Array | None = None
    used: str = ""
    of_survey: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What stands around a form.

    Parameters
    ----------
    export : Delimited
        The file.
    layout : ExportLayout
        What its columns are.
    dictionary : DataDictionary
        May be empty.
    forms : tuple of FormRows
        All forms with the rows in which they were filled.
    answers : mapping
        To questions.
    dates : mapping
        Name of a form to its fields with dates.
    """

    export: Delimited
    layout: ExportLayout
    dictionary: DataDictionary
    forms: tuple[FormRows, ...]
    answers: Answers
    dates: Mapping[str, tuple[str, ...]]


def day_of_event(
    name: str,
) -> int | None:
    """The day that the name of an event says, None where it says none.

    Examples
    --------
    >>> day_of_event("baseline_arm_1"), day_of_event("week_2_arm_1"), day_of_event("Month 3")
    (0, 14, 91)
    >>> day_of_event("visit_3_arm_1") is None, day_of_event("treatment_arm_1") is None
    (True, True)
    """
    small = re.sub(r"_arm_\d+[a-z]?$", "", name.casefold())
    # The arm stands in brackets where events are written as labels.
    small = re.sub(r"\(arm \d+: .*\)$", "", small)
    words = [word for word in re.findall(r"[a-z]+|\d+", small) if word not in _BESIDE]
    if words and _BASELINE.issuperset(words):
        return 0
    numbers = [word for word in words if word.isdigit()]
    units = [word for word in words if word in _UNITS]
    # Anything else in the name may mean another clock.
    if len(words) != 2 or len(numbers) != 1 or len(units) != 1:
        return None
    return round(int(numbers[0]) * _UNITS[units[0]])


def date_fields(
    form: RedcapForm,
    export: Delimited,
    dictionary: DataDictionary,
) -> tuple[str, ...]:
    """The fields of a form that hold the date of what was done; a date of birth is none.

    Parameters
    ----------
    form : RedcapForm
        The form.
    export : Delimited
        The file.
    dictionary : DataDictionary
        Knows which fields are dates; without it names and values must agree.
    """
    found = []
    for name, place in form.columns.items():
        known = dictionary.field_of(name)
        if known and not known.is_date:
            continue
        if not known and not _looks_like_dates(name, export.columns[place]):
            continue
        promise = promise_of(name)
        if promise is None or promise.reason != "a date of birth":
            found.append(name)
    return tuple(found)


def _looks_like_dates(
    name: str,
    column: pa.Array,
) -> bool:
    # The name first: to look at every value of every column would take long.
    if not _DATE_WORDS.intersection(words_of(name)):
        return False
    return bool(pc.all(pc.match_substring_regex(column.drop_null(), _DATES)).as_py())


def occasion_of(
    rows: FormRows,
    project: Project,
    needed: bool,
    remarks: Remarks,
) -> FormTime:
    """Find out when a form was filled.

    Parameters
    ----------
    rows : FormRows
        The form.
    project : Project
        What stands around it.
    needed : bool
        Whether it is asked about where nothing tells.
    remarks : Remarks
        Takes what was assumed, and the question.
    """
    # First what the form itself says, then what stands around it, last the names of events.
    own = dict(_shown_fields(rows, project))
    answer = project.answers.get(f"date.{rows.shown}", "")
    if answer in own or len(own) == 1:
        field = own.get(answer) or next(iter(own.values()))
        dates = _cells(rows.form.columns[field], rows, project)
        return FormTime(date=dates, used=field)
    visits = _visit_dates(rows, project)
    if answer in visits:
        return FormTime(date=visits[answer])
    if answer == BY_EVENT:
        return _by_event(rows, project, remarks)
    survey = _survey(rows, project)
    if answer == BY_SURVEY or (not own and survey is not None):
        _note_date(rows, project, "the time of its survey", remarks)
        return FormTime(date=_or_visit(survey, visits), of_survey=True)
    # One date that is there for every row of the form can only be that of the visit.
    covering = [name for name, dates in visits.items() if not dates.null_count]
    if not own and len(covering) == 1:
        _note_date(rows, project, f"{covering[0]} of the same visit", remarks)
        return FormTime(date=visits[covering[0]])
    if not own and not visits and _events_tell(rows, project, every=not needed):
        return _by_event(rows, project, remarks)
    if not needed:
        return FormTime()
    _ask_for_date(rows, project, [*own, *visits], survey is not None, remarks)
    return FormTime()


def _shown_fields(
    rows: FormRows,
    project: Project,
) -> list[tuple[str, str]]:
    """The fields of a form with dates: as they may be printed, and as they are called."""
    # Names of fields are the project's own, and may hold a person's.
    fields = enumerate(project.dates[rows.form.name], start=1)
    return [(shown(name, hidden=f"date {place}"), name) for place, name in fields]


def _cells(
    place: int,
    rows: FormRows,
    project: Project,
) -> pa.Array:
    return project.export.columns[place].take(pa.array(rows.places))


def _note_date(
    rows: FormRows,
    project: Project,
    what: str,
    remarks: Remarks,
) -> None:
    said = Remark(
        file=project.export.file,
        table=rows.shown,
        action="noted",
        reason=f"the form has no date of its own; its date is {what}",
        count=len(rows.places),
    )
    remarks.add(said)


def _survey(
    rows: FormRows,
    project: Project,
) -> pa.Array | None:
    """The time each survey was sent in; None where the form is no survey."""
    if rows.form.timestamp is None:
        return None
    text = _cells(rows.form.timestamp, rows, project)
    # REDCap writes [not completed] where a survey was begun and not sent in.
    sent = pc.match_substring_regex(pc.fill_null(text, ""), r"^\d")
    dates = pc.if_else(sent, text, None)
    return dates if dates.null_count < len(dates) else None


def _or_visit(
    survey: pa.Array | None,
    visits: Mapping[str, pa.Array],
) -> pa.Array | None:
    """A survey that was begun and not sent in has no time; its visit may have a date."""
    if survey is None or len(visits) != 1:
        return survey
    return pc.coalesce(survey, next(iter(visits.values())))


def _visit_dates(
    rows: FormRows,
    project: Project,
) -> dict[str, pa.Array]:
    """Dates on other forms of the same visit: `form: field` to the date of each row."""
    event = project.layout.of_rows.get("event")
    repeats = project.layout.of_rows.get("repeats")
    if event is None:
        return {}
    # An instrument that repeats within a visit has a date of its own each time.
    if repeats is not None and _cells(repeats, rows, project).null_count < len(
        rows.places
    ):
        return {}
    # Forms without a date of their own are common: the date stands once per visit.
    found = {}
    mine = _visits(rows, project)
    for other in project.forms:
        fields = _shown_fields(other, project)
        if not fields or other.form.name == rows.form.name:
            continue
        theirs = _visits(other, project)
        for label, field in fields:
            dates = _cells(other.form.columns[field], other, project)
            there = pc.index_in(mine, theirs.filter(dates.is_valid()))
            if there.null_count < len(there):
                found[f"{other.shown}: {label}"] = dates.drop_null().take(there)
    return found


def _visits(
    rows: FormRows,
    project: Project,
) -> pa.Array:
    """One word for the visit of each row: record, event, and number of the event."""
    layout = project.layout
    places = [layout.record, layout.of_rows["event"]]
    if "instance" in layout.of_rows:
        places.append(layout.of_rows["instance"])
    # An empty number of the event is the event itself, not an unknown one.
    parts = [pc.fill_null(_cells(place, rows, project), "") for place in places]
    return pc.binary_join_element_wise(*parts, "\x1f")


def _events(
    rows: FormRows,
    project: Project,
) -> pa.Array | None:
    place = project.layout.of_rows.get("event")
    return None if place is None else _cells(place, rows, project)


def _events_tell(
    rows: FormRows,
    project: Project,
    every: bool,
) -> bool:
    """Whether the project has events, and the name of one or of every one of them says its day."""
    events = _events(rows, project)
    if events is None:
        return False
    names = events.unique().drop_null().to_pylist()
    tell = [day_of_event(name) is not None for name in names]
    return all(tell) if every else any(tell)


def _by_event(
    rows: FormRows,
    project: Project,
    remarks: Remarks,
) -> FormTime:
    """Days from the names of events; those that say none are asked about."""
    events = _events(rows, project)
    if events is None:
        return FormTime()
    coded = pc.dictionary_encode(events)
    # Each name is read, and asked about, once.
    names = coded.dictionary.to_pylist()
    days = [_day(name, project.answers, remarks) for name in names]
    said = Remark(
        file=project.export.file,
        table=rows.shown,
        action="noted",
        reason="the form has no date; the names of the events are taken as days after the first"
        " session",
        count=len(rows.places),
    )
    remarks.add(said)
    return FormTime(day=pa.array(days, pa.int64()).take(coded.indices))


def _day(
    name: str,
    answers: Answers,
    remarks: Remarks,
) -> int | None:
    said = answers.get(f"day.{shown(name)}", "")
    if re.fullmatch(r"-?\d{1,4}", said):
        return int(said)
    day = day_of_event(name)
    if day is None:
        question = OpenQuestion(
            key=f"day.{shown(name)}",
            asks=f"How many days after the first session was the event {shown(name)}? A whole"
            " number; before it a negative one.",
            why="Without an answer the forms of this event have no day and are refused.",
        )
        remarks.ask(question)
    return day


def _ask_for_date(
    rows: FormRows,
    project: Project,
    fields: Sequence[str],
    survey: bool,
    remarks: Remarks,
) -> None:
    choices = list(fields)
    if survey:
        choices.append(BY_SURVEY)
    if "event" in project.layout.of_rows:
        choices.append(BY_EVENT)
    question = OpenQuestion(
        key=f"date.{rows.shown}",
        asks=f"Which date says when the form {rows.shown} was filled?",
        choices=tuple(choices),
        why="Without a date the scores of this form have no day and are refused.",
    )
    remarks.ask(question)


def repeats_within_records(
    rows: FormRows,
    project: Project,
) -> bool:
    """Whether some record has the form more than once, so that it is no form of the person."""
    records = _cells(project.layout.record, rows, project)
    # Age and sex stand once per person, sessions and scores more often.
    n_different = len(pc.unique(records))
    return bool(np.less(n_different, len(rows.places)))
