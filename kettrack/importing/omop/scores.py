"""Scores of an extract: totals and answers of MEASUREMENT and OBSERVATION, put together by person,
day and scale.
"""

from __future__ import annotations

import re
from collections.abc import (
    Mapping,
    Sequence,
)
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.omop.concepts import Concepts
from kettrack.importing.omop.tables import OmopTable
from kettrack.importing.remarks import (
    Remark,
    Remarks,
)
from kettrack.importing.source import (
    DATE,
    SourceTable,
)
from kettrack.reading.problems import counted
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.outside_codes import (
    LOINC_ANSWERS,
    LOINC_OTHERS,
    LOINC_SCORES,
    ScoreCode,
)

KINDS: Final = ("measurement", "observation")
NO_SCORE: Final = (
    "no score: value_as_number is empty, and no other field holds a number"
)
_VALUES: Final = (
    "value_as_number",
    "value_as_string",
    "value_as_concept_id",
    "value_source_value",
)
_PERSON: Final = "person_id"
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
# One answer of one person at one time.
_SAME: Final = [_PERSON, DATE, "instrument", "column"]


def records_of_scores(
    tables: Sequence[OmopTable],
    concepts: Concepts,
    remarks: Remarks,
) -> pd.DataFrame:
    """Every record that is about a scale.

    Parameters
    ----------
    tables : sequence of OmopTable
        Of the extract.
    concepts : Concepts
        What numbers mean.
    remarks : Remarks
        Takes the records that hold no score.

    Returns
    -------
    DataFrame
        One row per record: `file` `table` `row` `person_id` `date` `time` `instrument` `column`
        `value`; the value is empty where the record holds no number.
    """
    frames = [
        _records_of(table, concepts, remarks) for table in tables if table.kind in KINDS
    ]
    columns = ["file", "table", "row", *_SAME, "time", "value"]
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame(columns=columns, dtype="str")
    return pd.concat(filled, ignore_index=True)


def _records_of(
    table: OmopTable,
    concepts: Concepts,
    remarks: Remarks,
) -> pd.DataFrame:
    kind = table.kind
    fields = {
        "concept": f"{kind}_concept_id",
        "source_concept": f"{kind}_source_concept_id",
        "source": f"{kind}_source_value",
        "person_id": _PERSON,
        "date": f"{kind}_date",
        "time": f"{kind}_datetime",
    }
    # Those that are taken for a scale are fetched too, so that they can be said.
    known = pa.array([*concepts.scores, *concepts.others], pa.string())
    codes = pa.array([*LOINC_SCORES, *LOINC_OTHERS])
    skipped: list[int] = []
    found = []
    n_others = 0
    for rows, batch in table.batches([*fields.values(), *_VALUES], skipped):
        ours = pc.is_in(batch[fields["source"]], codes)
        for name in ("concept", "source_concept"):
            ours = pc.or_(ours, pc.is_in(batch[fields[name]], known))
        few = batch.filter(ours).rename_columns([*fields, *_VALUES])
        frame = few.to_pandas().astype("str")
        frame["row"] = rows[ours.to_numpy()]
        frame["date"] = day_only(frame["date"], frame["time"])
        n_others += len(rows) - len(frame)
        found.append(frame)
    say_rest(table, n_others, skipped, "about other things", remarks)
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    return _understood(frame, table, concepts, remarks)


def day_only(
    date: pd.Series,
    time: pd.Series,
) -> pd.Series:
    """The day of a record: its date, or that of its date and time; the clock is left out.

    Examples
    --------
    >>> empty = pd.Series([None, "2025-01-06 00:00:00"], dtype="str")
    >>> day_only(empty, pd.Series(["2025-01-07 10:30:00", None], dtype="str")).tolist()
    ['2025-01-07', '2025-01-06']
    """
    day = date.where(date.notna(), time)
    return day.str.replace(r"^(\d{4}-\d{2}-\d{2})[ T].*$", r"\1", regex=True)


def looked_up(
    column: pd.Series,
    words: Mapping[str, str],
) -> pd.Series:
    """What each cell stands for, as text; missing where it is not among the words."""
    return column.map(words).astype("str")


def say_rest(
    table: OmopTable,
    n_others: int,
    skipped: Sequence[int],
    what: str,
    remarks: Remarks,
) -> None:
    """Say how many rows of a table are not read, and which are broken.

    Parameters
    ----------
    table : OmopTable
        Where.
    n_others : int
        Rows that nothing here asks for.
    skipped : sequence of int
        Numbers of broken rows.
    what : str
        What the others are about.
    remarks : Remarks
        Takes both.
    """
    if n_others:
        said = Remark(
            file=table.file,
            table=table.kind,
            action="dropped",
            reason=f"the rows are {what}; only their number is known here",
            count=n_others,
        )
        remarks.add(said)
    for row in skipped:
        said = Remark(
            file=table.file,
            table=table.kind,
            row=row,
            action="refused",
            reason=f"{counted(len(table.columns), 'cell')} expected, as in the first line",
        )
        remarks.add(said)


def _understood(
    frame: pd.DataFrame,
    table: OmopTable,
    concepts: Concepts,
    remarks: Remarks,
) -> pd.DataFrame:
    """The records with scale, column and value."""
    if frame.empty:
        return pd.DataFrame()
    # Scale and question of each record; None where it only looks like one.
    meant = [
        _meaning(*said, concepts=concepts)
        for said in zip(
            frame["concept"], frame["source_concept"], frame["source"], strict=True
        )
    ]
    frame["file"] = table.file
    frame["table"] = table.kind
    frame["instrument"] = [one.instrument if one else None for one in meant]
    frame["column"] = [one.column if one else None for one in meant]
    scale = frame["instrument"].notna()
    why = "it is part of another scale, such as the two questions of PHQ-2"
    remarks.drop_rows(table.file, table.kind, frame.loc[~scale, "row"].tolist(), why)
    frame = frame[scale]
    told = zip(frame["instrument"], frame["column"], strict=True)
    # An array: an empty list would be a list of columns.
    counted_in = np.array([_counts(*one) for one in told], dtype=bool)
    beside = frame.loc[~counted_in, "row"].tolist()
    why = "the question is no part of the total"
    remarks.drop_rows(table.file, table.kind, beside, why)
    frame = frame[counted_in].copy()
    # What is left must hold a number, wherever the table keeps it.
    frame["value"] = _values(frame, table, concepts, remarks)
    empty = frame["value"].isna()
    _say_panels(frame[~empty], table, concepts, remarks)
    remarks.drop_rows(
        table.file, table.kind, frame.loc[empty, "row"].tolist(), NO_SCORE
    )
    return frame


def _say_panels(
    frame: pd.DataFrame,
    table: OmopTable,
    concepts: Concepts,
    remarks: Remarks,
) -> None:
    """A number under the code of a whole form can only be its total."""
    of_form = frame["concept"].isin(concepts.panels)
    if of_form.any():
        said = Remark(
            file=table.file,
            table=table.kind,
            action="mended",
            reason="the number stands under the code of the whole form and is read as its total",
            count=int(of_form.sum()),
        )
        remarks.add(said)


def _counts(
    instrument: str,
    column: str,
) -> bool:
    return column != f"item_{INSTRUMENTS[instrument].uncounted_item}"


def _meaning(
    concept: str | None,
    source_concept: str | None,
    source: str | None,
    concepts: Concepts,
) -> ScoreCode | None:
    """What a record is about: by its concept, then by that of its source, then by its code."""
    for number in (concept, source_concept):
        if number in concepts.scores:
            return concepts.scores[number]
        if number in concepts.others:
            return None
    return LOINC_SCORES.get(source or "")


def _values(
    frame: pd.DataFrame,
    table: OmopTable,
    concepts: Concepts,
    remarks: Remarks,
) -> pd.Series:
    """The number of each record as text; an empty one is no 0."""
    value = pd.Series(None, index=frame.index, dtype="str")
    for name in _VALUES:
        words = {}
        for word in frame[name].dropna().unique():
            number = _number(word, name, concepts)
            if number:
                words[word] = number
        numbers = looked_up(frame[name], words)
        new = value.isna() & numbers.notna()
        value = value.where(~new, numbers)
        if name != "value_as_number" and new.any():
            said = Remark(
                file=table.file,
                table=table.kind,
                column=name,
                action="mended",
                reason=f"value_as_number is empty; the number stands in {name}",
                count=int(new.sum()),
            )
            remarks.add(said)
    return value


def _number(
    word: str,
    field: str,
    concepts: Concepts,
) -> str:
    """A cell as a number; empty where it is none."""
    points = None
    if field == "value_as_concept_id":
        points = concepts.answers.get(word)
    elif field == "value_source_value":
        points = LOINC_ANSWERS.get(word)
    if points is not None:
        return str(points)
    # The number of a concept is no score.
    if field == "value_as_concept_id" or not _NUMBER.fullmatch(word):
        return ""
    return word


def tables_of_scores(
    records: pd.DataFrame,
    remarks: Remarks,
) -> tuple[list[SourceTable], dict[tuple[str, str], pa.Array]]:
    """Put totals and answers of one person, day and scale in one row.

    Parameters
    ----------
    records : DataFrame
        From `records_of_scores`.
    remarks : Remarks
        Takes the records that say nothing new.

    Returns
    -------
    tables, joined
        As in `SourceData`.
    """
    held = records[records["value"].notna()].sort_values(
        ["time", "file", "row"], kind="stable"
    )
    twice = held.duplicated([*_SAME, "time", "value"])
    for (file, table), again in held[twice].groupby(["file", "table"]):
        why = "the same number stands in another record of the same time"
        remarks.drop_rows(str(file), str(table), again["row"].tolist(), why)
    held = held[~twice].copy()
    # A second total on one day goes with the second set of answers, in the order of time.
    held["number"] = held.groupby(_SAME, dropna=False).cumcount()
    tables = []
    joined: dict[tuple[str, str], pa.Array] = {}
    whole = _whole(held)
    for (file, table), rows in whole.groupby(["file", "table"]):
        tables.append(_source_table(rows, str(file), str(table)))
    # A record that gave its cells to another one is joined, not lost.
    owners = set(zip(whole["file"], whole["table"], whole["row"], strict=True))
    for (file, table), records_there in held.groupby(["file", "table"]):
        numbers = records_there["row"].tolist()
        others = [row for row in numbers if (file, table, row) not in owners]
        if others:
            joined[str(file), str(table)] = pa.array(sorted(others), pa.int64())
    return tables, joined


def _whole(
    held: pd.DataFrame,
) -> pd.DataFrame:
    """One row per person, day, scale and number; it stands where its total does."""
    key = [_PERSON, DATE, "instrument", "number"]
    # The total first: the row stands where the total does, else at its first answer.
    held = held.assign(answer=held["column"] != "score")
    held = held.sort_values([*key, "answer"], kind="stable", na_position="last")
    place = held.groupby(key, dropna=False, sort=False).ngroup()
    first = held[~place.duplicated()]
    wide = held.assign(place=place).pivot(
        index="place", columns="column", values="value"
    )
    owner = first[["file", "table", "row", *key]].reset_index(drop=True)
    return pd.concat([owner, wide.reset_index(drop=True)], axis=1)


def _source_table(
    rows: pd.DataFrame,
    file: str,
    table: str,
) -> SourceTable:
    rows = rows.sort_values("row", kind="stable")
    columns: Mapping[str, pa.Array] = {
        "patient_id": text_column(rows[_PERSON]),
        DATE: text_column(rows[DATE]),
        "instrument": text_column(rows["instrument"]),
        **{name: text_column(rows[name]) for name in _answers(rows)},
    }
    return SourceTable(
        file=file,
        name=table,
        data=pa.table(dict(columns)),
        rows=pa.array(rows["row"], pa.int64()),
        is_a="scores",
    )


def _answers(
    rows: pd.DataFrame,
) -> list[str]:
    """Total and questions that are there, in the order of the contract."""
    items = [name for name in rows.columns if str(name).startswith("item_")]
    order = sorted(items, key=lambda name: int(name.removeprefix("item_")))
    named = ["score", *order] if "score" in rows.columns else order
    return [name for name in named if rows[name].notna().any()]


def text_column(
    column: pd.Series,
) -> pa.Array:
    """A column of a frame as text of Arrow, null where it is missing."""
    return pa.array(column.astype("str"), pa.string(), from_pandas=True)
