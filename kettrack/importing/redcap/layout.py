"""Which column of an export belongs to which form, read from the header line alone."""

from __future__ import annotations

import re
from collections.abc import (
    Mapping,
    Sequence,
)
from dataclasses import (
    dataclass,
    field,
    replace,
)
from typing import Final

from kettrack.importing.redcap.dictionary import (
    DataDictionary,
    without_markup,
)

# Of every row, by their names in a raw export and in one with labels in English.
_OF_ROWS: Final = {
    "redcap_event_name": "event",
    "event name": "event",
    "redcap_repeat_instrument": "repeats",
    "repeat instrument": "repeats",
    "redcap_repeat_instance": "instance",
    "repeat instance": "instance",
    "redcap_data_access_group": "group",
    "data access group": "group",
    "redcap_survey_identifier": "survey",
    "survey identifier": "survey",
}
_COMPLETE: Final = "_complete"
_COMPLETE_LABEL: Final = "complete?"
_TIMESTAMP: Final = "_timestamp"
_TIMESTAMP_LABEL: Final = "survey timestamp"
_BOX_LABEL: Final = re.compile(r"(.*) \(choice=(.*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedcapForm:
    """The columns of one form.

    Parameters
    ----------
    name : str
        Of the form; where the export does not tell, `form 1` and so on.
    columns : mapping
        Name of a field, or of a box of it, to its place in the export.
    complete, timestamp : int, optional
        Places of its status and of the time its survey was sent in.
    """

    name: str
    columns: dict[str, int] = field(default_factory=dict)
    complete: int | None = None
    timestamp: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLayout:
    """What the columns of an export are.

    Parameters
    ----------
    record : int
        Place of the record's number: the first field of the project, whatever it is called.
    of_rows : mapping
        `event`, `repeats`, `instance`, `group` and `survey` to their places, where they are there.
    forms : tuple of RedcapForm
        In the order of the export.
    """

    record: int
    of_rows: dict[str, int]
    forms: tuple[RedcapForm, ...]


def is_export(
    headers: Sequence[str],
) -> bool:
    """Tell whether a header line is one of REDCap.

    Examples
    --------
    >>> is_export(["record_id", "redcap_event_name", "phq9_total"])
    True
    >>> is_export(["record_id", "phq9_total", "phq9_complete"]), is_export(["patient_id", "day"])
    (True, False)
    """
    small = [header.casefold() for header in headers]
    if any(header.startswith("redcap_") for header in small):
        return True
    # A form ends with its status, so that the last column of an export of whole forms is one.
    last = small[-1] if small else ""
    return len(small) > 1 and (last.endswith(_COMPLETE) or last == _COMPLETE_LABEL)


def layout_of(
    headers: Sequence[str],
    dictionary: DataDictionary,
    title: str,
) -> ExportLayout:
    """Read a header line.

    Parameters
    ----------
    headers : sequence of str
        As written.
    dictionary : DataDictionary
        Of the project; may be empty.
    title : str
        Name of the one form where nothing parts the columns.
    """
    names = _field_names(headers, dictionary)
    of_rows: dict[str, int] = {}
    for place, header in enumerate(headers):
        role = _OF_ROWS.get(header.casefold())
        if role:
            of_rows.setdefault(role, place)
    record = _record(names, dictionary)
    # These belong to the row as a whole, and to no form.
    taken = {record, *of_rows.values()}
    columns = [place for place in range(len(names)) if place not in taken]
    forms = _forms(names, columns, dictionary, title)
    return ExportLayout(record=record, of_rows=of_rows, forms=forms)


def _record(
    names: Sequence[str],
    dictionary: DataDictionary,
) -> int:
    # Projects name it as they like: record_id, study_id, participant.
    first = next(iter(dictionary.fields), "")
    return names.index(first) if first in names else 0


def _forms(
    names: Sequence[str],
    columns: Sequence[int],
    dictionary: DataDictionary,
    title: str,
) -> tuple[RedcapForm, ...]:
    """Forms by the dictionary; without one a form ends with its status."""
    found: dict[str, RedcapForm] = {}
    waiting: list[int] = []
    n_closed = 0
    for place in columns:
        name = names[place]
        field_of_column = dictionary.field_of(name)
        if field_of_column:
            _add(found, field_of_column.form, names, [place])
        elif _is_status(name):
            n_closed += 1
            closed = _closed(name, list(found.values()), n_closed)
            _add(found, closed, names, waiting)
            found[closed] = replace(found[closed], complete=place)
            waiting = []
        else:
            waiting.append(place)
    # Columns behind the last status: a part of an export, or one without any.
    if waiting:
        _add(found, "other fields" if found else title, names, waiting)
    return tuple(_with_time(form) for form in found.values())


def _is_status(
    name: str,
) -> bool:
    small = name.casefold()
    return small.endswith(_COMPLETE) or small == _COMPLETE_LABEL


def _closed(
    name: str,
    before: Sequence[RedcapForm],
    number: int,
) -> str:
    """The form that a status ends."""
    if name.casefold() != _COMPLETE_LABEL:
        return name[: -len(_COMPLETE)]
    # With labels every status is called alike, and ends the form that stands before it.
    if before and before[-1].complete is None:
        return before[-1].name
    return f"form {number}"


def _add(
    found: dict[str, RedcapForm],
    form: str,
    names: Sequence[str],
    places: Sequence[int],
) -> None:
    columns = found.setdefault(form, RedcapForm(name=form)).columns
    for place in places:
        columns[_unlike(names[place], columns)] = place


def _unlike(
    name: str,
    taken: dict[str, int],
) -> str:
    """Two questions may have one label; the second is numbered."""
    number = 1
    unlike = name or "no name"
    while unlike in taken:
        number += 1
        unlike = f"{name} ({number})"
    return unlike


def _with_time(
    form: RedcapForm,
) -> RedcapForm:
    """The form with the time of its survey apart from its fields."""
    for name, place in form.columns.items():
        small = name.casefold()
        if small in (form.name + _TIMESTAMP, _TIMESTAMP_LABEL):
            fields = {one: at for one, at in form.columns.items() if at != place}
            return replace(form, columns=fields, timestamp=place)
    return form


def _field_names(
    headers: Sequence[str],
    dictionary: DataDictionary,
) -> list[str]:
    """The headers, with labels turned into the fields that they stand for.

    The columns stand in the order of the dictionary, so that a label that several fields share is
    the next of them.
    """
    labelled = [without_markup(header) for header in headers]
    fields = list(dictionary.fields.values())
    names = list(headers)
    # One pass through both: each label is looked for behind the last one found.
    next_field = 0
    for place, header in enumerate(labelled):
        if dictionary.field_of(headers[place]):
            continue
        box = _BOX_LABEL.fullmatch(header)
        label = box[1] if box else header
        for at in range(max(next_field - bool(box), 0), len(fields)):
            if fields[at].label == label:
                names[place] = _box_name(fields[at].name, fields[at].choices, box)
                next_field = at + 1
                break
    return names


def _box_name(
    name: str,
    choices: Mapping[str, str],
    box: re.Match[str] | None,
) -> str:
    """`route (choice=IV)` is `route___1` where 1 is IV."""
    if box is None:
        return name
    codes = {label: code for code, label in choices.items()}
    code = codes.get(box[2], box[2])
    return f"{name}___{written_in_name(code)}"


def written_in_name(
    code: str,
) -> str:
    """A code as it stands in the name of a box: small, every other sign as `_`.

    Examples
    --------
    >>> written_in_name("-1"), written_in_name("UNK")
    ('_1', 'unk')
    """
    return re.sub(r"[^a-z0-9]", "_", code.casefold())
