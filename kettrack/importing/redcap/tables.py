"""The forms of an export as tables of the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import (
    dataclass,
    replace,
)
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools
from kettrack.importing.delimited import Delimited
from kettrack.importing.redcap.cells import (
    FormCells,
    form_cells,
)
from kettrack.importing.redcap.dictionary import DataDictionary
from kettrack.importing.redcap.layout import (
    RedcapForm,
    layout_of,
)
from kettrack.importing.redcap.occasions import (
    FormTime,
    Project,
    date_fields,
    occasion_of,
    repeats_within_records,
)
from kettrack.importing.redcap.rows import (
    FormRows,
    has_labels,
    one_entry_each,
    rows_of_form,
    say_empty_rows,
)
from kettrack.importing.redcap.scores import (
    FoundScale,
    contract_cells,
    scales_in,
    with_points,
)
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    OpenQuestion,
    Remark,
    Remarks,
)
from kettrack.importing.source import (
    DATE,
    SourceTable,
)
from kettrack.privacy.identifying_people import shown
from kettrack.reading.problems import counted

_MISSING: Final = "missing_codes"
# What stays beside the fields of a form, by the name of a raw export.
_KEPT: Final = {"event": "redcap_event_name", "instance": "redcap_repeat_instance"}
_Records = dict[tuple[str, str], pa.Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One form on its way to tables.

    Parameters
    ----------
    file : str
        That it stands in.
    lines : pyarrow.Array
        Lines of its rows there.
    rows : FormRows
        Where it was filled.
    cells : FormCells
        What stands in it.
    occasion : FormTime
        When.
    scales : tuple of FoundScale
        That its fields leave no doubt about.
    """

    file: str
    lines: pa.Array
    rows: FormRows
    cells: FormCells
    occasion: FormTime
    scales: tuple[FoundScale, ...]


def export_tables(
    export: Delimited,
    dictionary: DataDictionary,
    answers: Answers,
    remarks: Remarks,
) -> tuple[list[SourceTable], _Records]:
    """Make one table or more of each form of an export.

    Parameters
    ----------
    export : Delimited
        The file.
    dictionary : DataDictionary
        Of the project; may be empty.
    answers : mapping
        To questions.
    remarks : Remarks
        Takes what was left out, assumed and asked.

    Returns
    -------
    tables, records
        As in `SourceData`.
    """
    layout = layout_of(export.headers, dictionary, export.file)
    export, other_entries = one_entry_each(export, layout.record, answers, remarks)
    names = _shown_names(layout.forms)
    forms = tuple(
        rows_of_form(
            form,
            name,
            export,
            dictionary,
            answers.get(f"without_status.{name}", ""),
            remarks,
        )
        for form, name in zip(layout.forms, names, strict=True)
    )
    project = Project(
        export=export,
        layout=layout,
        dictionary=dictionary,
        forms=forms,
        answers=answers,
        dates={
            form.name: date_fields(form, export, dictionary) for form in layout.forms
        },
    )
    # Only now is known which rows hold no form at all.
    empty = say_empty_rows(export, forms, remarks)
    held = {export.file: [*empty, *other_entries]}
    tables = []
    unknown = 0
    for rows in forms:
        made: list[SourceTable] = []
        if len(rows.places):
            form = _form(rows, project, remarks)
            unknown += sum(form.cells.unknown.values())
            made = _tables(form, project, remarks)
        tables += made
        for name, lines in _lines_held(rows, made, export).items():
            # Where nothing parts the columns, the one form is called like its file.
            held.setdefault(name, []).extend(lines)
    _ask_for_codes(unknown, answers, remarks)
    _say_group_and_survey(project, remarks)
    records = {
        (export.file, name): pa.array(sorted(lines), pa.int64())
        for name, lines in held.items()
        if lines
    }
    return tables, records


def _lines_held(
    rows: FormRows,
    tables: Sequence[SourceTable],
    export: Delimited,
) -> dict[str, list[int]]:
    """Name of each table of a form to its lines; those that reach no table are the form's."""
    held = {table.name: table.rows.to_pylist() for table in tables}
    own = set(held.get(rows.shown, []))
    elsewhere = {line for lines in held.values() for line in lines} - own
    holding = export.lines[rows.holding].tolist()
    return held | {rows.shown: [line for line in holding if line not in elsewhere]}


def _shown_names(
    forms: Sequence[RedcapForm],
) -> list[str]:
    """Names of forms as they may be printed, each once."""
    found: list[str] = []
    for place, form in enumerate(forms, start=1):
        name = shown(form.name, hidden=f"form {place}", file=True)
        found.append(f"{name} {place}" if name in found else name)
    return found


def _form(
    rows: FormRows,
    project: Project,
    remarks: Remarks,
) -> _Form:
    """Read the cells of a form, and find out when it was filled."""
    places = pa.array(rows.places)
    columns = {
        name: project.export.columns[place].take(places)
        for name, place in rows.form.columns.items()
    }
    # Commas, semicolons and blanks: whatever people put between codes.
    written = project.answers.get(_MISSING, "").replace(",", " ").replace(";", " ")
    # "none" answers the question, and may be a word of the data.
    missing = frozenset(written.split()) - {"none"}
    cells = form_cells(columns, project.dictionary, missing)
    cells.labelled = has_labels(rows.form, project.export)
    for name, (why, n_filled) in cells.left.items():
        _say_column(project, rows, name, why, n_filled, remarks)
    named = scales_in(cells.columns)
    where = (project.export.file, rows.shown)
    pointed = [
        with_points(scale, cells, project.dictionary, where, project.answers, remarks)
        for scale in named
    ]
    scales = tuple(scale for scale in pointed if scale is not None)
    # Of a person's own form, such as age and sex, nobody need know when it was filled.
    needed = bool(scales)
    timed = needed or repeats_within_records(rows, project)
    occasion = occasion_of(rows, project, needed, remarks) if timed else FormTime()
    if not occasion.of_survey:
        _say_time_of_survey(rows, project, remarks)
    return _Form(
        file=project.export.file,
        lines=pa.array(project.export.lines[rows.places], pa.int64()),
        rows=rows,
        cells=cells,
        occasion=occasion,
        scales=scales,
    )


def _say_time_of_survey(
    rows: FormRows,
    project: Project,
    remarks: Remarks,
) -> None:
    """A clock time that nothing needs is left behind."""
    place = rows.form.timestamp
    if place is not None:
        column = project.export.columns[place].take(pa.array(rows.places))
        name = project.export.headers[place]
        n_filled = len(column) - column.null_count
        why = "the time at which the survey was sent in is not needed"
        _say_column(project, rows, name, why, n_filled, remarks)


def _say_column(
    project: Project,
    rows: FormRows,
    name: str,
    why: str,
    n_filled: int,
    remarks: Remarks,
) -> None:
    if n_filled:
        said = Remark(
            file=project.export.file,
            table=rows.shown,
            column=shown(name),
            action="dropped",
            reason=why,
            count=n_filled,
        )
        remarks.add(said)


def _tables(
    form: _Form,
    project: Project,
    remarks: Remarks,
) -> list[SourceTable]:
    """The tables of one form: one per scale, and one for its other fields."""
    tables = [_scores(form, scale, project) for scale in form.scales]
    _say_uncounted(form, project, remarks)
    # A form may hold two scales, and the vital signs of the visit beside them.
    of_scales = frozenset[str]().union(*(scale.fields for scale in form.scales))
    rest = [name for name in form.cells.columns if name not in of_scales]
    if not tables or _worth_a_table(rest, form, project):
        tables.append(_others(form, rest, project))
    elif tables:
        tables[0] = replace(tables[0], name=form.rows.shown)
    _say_no_answers(form, tables, remarks)
    return [table for table in tables if table.data.num_rows]


def _scores(
    form: _Form,
    scale: FoundScale,
    project: Project,
) -> SourceTable:
    patient = _of_rows(project.layout.record, form, project)
    columns = contract_cells(scale, patient, form.occasion, form.cells)
    numbers = {name for name in columns if name == "score" or name.startswith("item_")}
    # A row in which only another scale of the form was answered is no row of this one.
    answered = np.zeros(len(patient), dtype=bool)
    for name in numbers:
        answered |= columns[name].is_valid().to_numpy(zero_copy_only=False)
    fields = {"score": scale.total}
    fields |= {f"item_{number}": name for number, name in scale.items.items()}
    # Why an answer is missing is known also where no other is given.
    reasons = {
        column: form.cells.reasons[name]
        for column, name in fields.items()
        if column in columns and name in form.cells.reasons
    }
    return _table(
        f"{form.rows.shown}: {scale.instrument}",
        columns,
        answered,
        form,
        reasons,
        is_a="scores",
    )


def _others(
    form: _Form,
    rest: Sequence[str],
    project: Project,
) -> SourceTable:
    """The fields that no scale claims, under their own names."""
    headers = project.export.headers
    of_rows = project.layout.of_rows
    record = project.layout.record
    columns = {headers[record]: _of_rows(record, form, project)}
    for role, name in _KEPT.items():
        if role in of_rows:
            cells = _of_rows(of_rows[role], form, project)
            if cells.null_count < len(cells):
                columns[name] = cells
    if form.occasion.date is not None and not form.occasion.used:
        columns.setdefault(DATE, form.occasion.date)
    if form.occasion.day is not None:
        columns.setdefault("day", form.occasion.day)
    # Where scales took their part, a row with nothing but a date has nothing left to say.
    answered = np.full(len(form.rows.places), not form.scales)
    dates = project.dates[form.rows.form.name]
    for name in rest:
        columns[name] = form.cells.columns[name]
        if name not in dates:
            answered |= columns[name].is_valid().to_numpy(zero_copy_only=False)
    return _table(
        form.rows.shown,
        columns,
        answered,
        form,
        form.cells.reasons,
    )


def _table(
    name: str,
    columns: dict[str, pa.Array],
    answered: Bools,
    form: _Form,
    reasons: dict[str, pa.Array],
    is_a: str = "",
) -> SourceTable:
    kept = pa.array(answered)
    there = columns.keys()
    labels = form.cells.labels
    value_labels = form.cells.value_labels
    return SourceTable(
        file=form.file,
        name=name,
        data=pa.table(columns).filter(kept),
        rows=form.lines.filter(kept),
        is_a=is_a,
        labels={one: text for one, text in labels.items() if one in there},
        value_labels={
            one: words for one, words in value_labels.items() if one in there
        },
        reasons={one: why.filter(kept) for one, why in reasons.items() if one in there},
    )


def _of_rows(
    place: int,
    form: _Form,
    project: Project,
) -> pa.Array:
    return project.export.columns[place].take(pa.array(form.rows.places))


def _worth_a_table(
    rest: Sequence[str],
    form: _Form,
    project: Project,
) -> bool:
    """Whether fields beside the scales hold more than the date of the form."""
    dates = project.dates[form.rows.form.name]
    others = [name for name in rest if name not in dates]
    columns = [form.cells.columns[name] for name in others]
    return any(column.null_count < len(column) for column in columns)


def _say_uncounted(
    form: _Form,
    project: Project,
    remarks: Remarks,
) -> None:
    """The question on how difficult the problems make life has no place among the scores."""
    for scale in form.scales:
        if scale.uncounted:
            column = form.cells.columns[scale.uncounted]
            _say_column(
                project,
                form.rows,
                scale.uncounted,
                f"a question that is no part of the total of {scale.instrument}",
                len(column) - column.null_count,
                remarks,
            )


def _say_no_answers(
    form: _Form,
    tables: Sequence[SourceTable],
    remarks: Remarks,
) -> None:
    """Rows of a form that reach none of its tables."""
    # One remark a row: what is a row of any table of the form has arrived.
    reached = pa.chunked_array([table.rows for table in tables], pa.int64())
    missed = form.lines.filter(pc.invert(pc.is_in(form.lines, reached)))
    why = "no question of the form is answered"
    remarks.drop_rows(form.file, form.rows.shown, missed.to_pylist(), why)


def _ask_for_codes(
    n_cells: int,
    answers: Answers,
    remarks: Remarks,
) -> None:
    if n_cells and _MISSING not in answers:
        question = OpenQuestion(
            key=_MISSING,
            asks=f"{counted(n_cells, 'cell')} hold what cannot be an answer to their question."
            " Which codes of this project mean that data are missing? Write them with commas,"
            " as in -999, UNK; or none.",
            why="Such a code must not be read as a score.",
        )
        remarks.ask(question)


def _say_group_and_survey(
    project: Project,
    remarks: Remarks,
) -> None:
    """Columns of the whole export that name a clinic or a person."""
    export = project.export
    whys = {
        "group": "the data access group names the clinic",
        "survey": "the identifier of a survey may be an e-mail address",
    }
    for role, why in whys.items():
        place = project.layout.of_rows.get(role)
        if place is None:
            continue
        column = export.columns[place]
        n_filled = len(column) - column.null_count
        if n_filled:
            said = Remark(
                file=export.file,
                table=export.file,
                column=export.headers[place],
                action="dropped",
                reason=why,
                count=n_filled,
            )
            remarks.add(said)
