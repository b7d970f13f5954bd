"""Sessions of an extract: doses of ketamine or esketamine in DRUG_EXPOSURE and in
PROCEDURE_OCCURRENCE.
"""

from __future__ import annotations

from collections.abc import (
    Mapping,
    Sequence,
)
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.omop.concepts import Concepts
from kettrack.importing.omop.scores import (
    day_only,
    looked_up,
    say_rest,
    text_column,
)
from kettrack.importing.omop.tables import OmopTable
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
from kettrack.reading.problems import counted
from kettrack.vocabulary.outside_codes import (
    drug_in_words,
    drug_of_code,
)

_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "drug_exposure": {
        "patient_id": "person_id",
        "date": "drug_exposure_start_date",
        "time": "drug_exposure_start_datetime",
        "concept": "drug_concept_id",
        "source_concept": "drug_source_concept_id",
        "source": "drug_source_value",
        "type": "drug_type_concept_id",
        "route": "route_concept_id",
        "route_source": "route_source_value",
    },
    "procedure_occurrence": {
        "patient_id": "person_id",
        "date": "procedure_date",
        "time": "procedure_datetime",
        "concept": "procedure_concept_id",
        "source_concept": "procedure_source_concept_id",
        "source": "procedure_source_value",
        "type": "procedure_type_concept_id",
        "route": "",
        "route_source": "",
    },
}
# A bare number may be another list's code, so only its owner can say that it is one of RxNorm.
_BARE: Final = r"^\d{1,5}$"
_ONE_SESSION: Final = ["patient_id", DATE, "drug"]
SAME: Final = "the drug of RxNorm"
OTHER: Final = "something else"


def records_of_doses(
    tables: Sequence[OmopTable],
    concepts: Concepts,
    answers: Answers,
    remarks: Remarks,
) -> pd.DataFrame:
    """Every record that says that the drug was given.

    Parameters
    ----------
    tables : sequence of OmopTable
        Of the extract.
    concepts : Concepts
        What numbers mean.
    answers : mapping
        To the question about codes that are a bare number.
    remarks : Remarks
        Takes prescriptions, and the question.

    Returns
    -------
    DataFrame
        One row per record: `file` `table` `row` `patient_id` `date` `drug` `route`.
    """
    frames = [
        _records_of(table, concepts, answers, remarks)
        for table in tables
        if table.kind in _FIELDS
    ]
    columns = ["file", "table", "row", *_ONE_SESSION, "route"]
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame(columns=columns, dtype="str")
    return pd.concat(filled, ignore_index=True)


def _records_of(
    table: OmopTable,
    concepts: Concepts,
    answers: Answers,
    remarks: Remarks,
) -> pd.DataFrame:
    fields = _FIELDS[table.kind]
    known = pa.array(list(concepts.drugs), pa.string())
    skipped: list[int] = []
    found = []
    n_others = 0
    # A field that the table does not have is asked for under a name that no table has.
    names = {name: field or f"no {name}" for name, field in fields.items()}
    for rows, batch in table.batches(list(names.values()), skipped):
        ours = pa.array(_drug_of_source(batch[names["source"]], answers)).is_valid()
        for name in ("concept", "source_concept"):
            ours = pc.or_(ours, pc.is_in(batch[names[name]], known))
        frame = batch.filter(ours).rename_columns(list(names)).to_pandas().astype("str")
        frame["row"] = rows[ours.to_numpy(zero_copy_only=False)]
        n_others += len(rows) - len(frame)
        found.append(frame)
        _ask_about_bare(batch[names["source"]], answers, remarks)
    say_rest(table, n_others, skipped, "about other things", remarks)
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    if frame.empty:
        return frame
    return _given(frame, table, concepts, answers, remarks)


def _drug_of_source(
    source: pa.ChunkedArray,
    answers: Answers,
) -> list[str | None]:
    """The drug that each spelling of the source names, in words or by its code."""
    coded = pc.dictionary_encode(source).combine_chunks()
    if isinstance(coded, pa.ChunkedArray):  # an empty one stays chunked
        return []
    drugs = [_drug(word, answers) for word in coded.dictionary.to_pylist()]
    return pa.array(drugs, pa.string()).take(coded.indices).to_pylist()


def _drug(
    word: str,
    answers: Answers,
) -> str | None:
    code = drug_of_code("RxNorm", word)
    if code and (not _is_bare(word) or answers.get(_key(word)) == SAME):
        return code.drug
    return drug_in_words(word)


def _is_bare(
    word: str,
) -> bool:
    return word.isdigit() and len(word) <= 5


def _key(
    word: str,
) -> str:
    return f"drug_source.{word}"


def _ask_about_bare(
    source: pa.ChunkedArray,
    answers: Answers,
    remarks: Remarks,
) -> None:
    """Ask about a short number that is the code of the drug in RxNorm."""
    bare = source.filter(pc.fill_null(pc.match_substring_regex(source, _BARE), False))
    for word in bare.unique().to_pylist():
        code = drug_of_code("RxNorm", word)
        if code and _key(word) not in answers:
            question = OpenQuestion(
                key=_key(word),
                asks=f"drug_source_value is {word} in some rows. In RxNorm this number is"
                f" {code.drug}. Is it meant so here?",
                choices=(SAME, OTHER),
                why="Another list of drugs may use the number for another drug.",
            )
            remarks.ask(question)


def _given(
    frame: pd.DataFrame,
    table: OmopTable,
    concepts: Concepts,
    answers: Answers,
    remarks: Remarks,
) -> pd.DataFrame:
    """Records of what was given, with drug and route."""
    # A month of lozenges on one prescription would otherwise be one session.
    prescribed = frame["type"].isin(concepts.not_given)
    why = "a prescription or a delivery is no session"
    remarks.drop_rows(
        table.file, table.kind, frame.loc[prescribed, "row"].tolist(), why
    )
    frame = frame[~prescribed]
    skin = frame[["concept", "source_concept", "route"]].isin(concepts.no_sessions)
    on_skin = skin.any(axis="columns")
    why = "a cream or drops are no session"
    remarks.drop_rows(table.file, table.kind, frame.loc[on_skin, "row"].tolist(), why)
    frame = frame[~on_skin].copy()
    frame["file"] = table.file
    frame["table"] = table.kind
    words = {
        word: _drug(word, answers) or "" for word in frame["source"].dropna().unique()
    }
    by_source = looked_up(frame["source"], words)
    # The standard concept first; the source stands in where it was not mapped.
    by_concept = looked_up(frame["concept"], concepts.drugs)
    by_source_concept = looked_up(frame["source_concept"], concepts.drugs)
    frame["drug"] = by_concept.fillna(by_source_concept).fillna(by_source)
    in_words = looked_up(frame["route_source"].str.casefold(), _ROUTE_WORDS)
    frame["route"] = looked_up(frame["route"], concepts.routes).fillna(in_words)
    frame[DATE] = day_only(frame["date"], frame["time"])
    if not concepts.told and len(frame):
        said = Remark(
            file=table.file,
            table=table.kind,
            action="noted",
            reason="without the table CONCEPT a prescription cannot be told from a dose that"
            f" was given: {counted(len(frame), 'record')} are read as given",
            count=len(frame),
        )
        remarks.add(said)
    return frame


_ROUTE_WORDS: Final = {
    "iv": "iv",
    "intravenous": "iv",
    "im": "im",
    "intramuscular": "im",
    "sc": "sc",
    "subcutaneous": "sc",
    "sl": "sublingual",
    "sublingual": "sublingual",
    "in": "intranasal",
    "nasal": "intranasal",
    "intranasal": "intranasal",
    "po": "oral",
    "oral": "oral",
}


def tables_of_doses(
    records: pd.DataFrame,
    remarks: Remarks,
) -> tuple[list[SourceTable], dict[tuple[str, str], pa.Array]]:
    """One row per person, day and drug: three sprays of 28 mg are one session.

    Parameters
    ----------
    records : DataFrame
        From `records_of_doses`.
    remarks : Remarks
        Takes how many records became part of another one's session.

    Returns
    -------
    tables, joined
        As in `SourceData`.
    """
    ordered = records.sort_values(["table", "file", "row"], kind="stable")
    again = ordered.duplicated(_ONE_SESSION)
    # One of the records may know the route where the first does not.
    routes = ordered.groupby(_ONE_SESSION, dropna=False)["route"].transform("first")
    first = ordered.assign(route=routes)[~again]
    tables = []
    for (file, table), rows in first.groupby(["file", "table"]):
        columns = {
            "patient_id": text_column(rows["patient_id"]),
            DATE: text_column(rows[DATE]),
            "drug": text_column(rows["drug"]),
        }
        if rows["route"].notna().any():
            columns["route"] = text_column(rows["route"])
        made = SourceTable(
            file=str(file),
            name=str(table),
            data=pa.table(columns),
            rows=pa.array(rows["row"], pa.int64()),
            is_a="sessions",
        )
        tables.append(made)
    joined = {
        (str(file), str(table)): pa.array(sorted(rows["row"]), pa.int64())
        for (file, table), rows in ordered[again].groupby(["file", "table"])
    }
    for (file, table), rows in joined.items():
        said = Remark(
            file=file,
            table=table,
            action="noted",
            reason="records of the same drug on one day are one session",
            count=len(rows),
        )
        remarks.add(said)
    return tables, joined
