"""Extracts of the OMOP common data model, version 5.3 or 5.4: a folder of CSV or Parquet files,
or a DuckDB file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa

from kettrack.errors import (
    DataProblems,
    NotIdentified,
    Problem,
)
from kettrack.importing.omop.concepts import concepts_of
from kettrack.importing.omop.people import (
    death_table,
    period_table,
    person_table,
)
from kettrack.importing.omop.scores import (
    KINDS,
    records_of_scores,
    tables_of_scores,
)
from kettrack.importing.omop.sessions import (
    records_of_doses,
    tables_of_doses,
)
from kettrack.importing.omop.tables import (
    OmopTable,
    is_duckdb,
    omop_tables,
)
from kettrack.importing.registry import (
    Answers,
    reader,
)
from kettrack.importing.remarks import (
    Remark,
    Remarks,
)
from kettrack.importing.source import (
    SourceData,
    SourceTable,
)
from kettrack.privacy.identifying_people import shown
from kettrack.reading.problems import counted

KIND: Final = "omop"
_CLINICAL: Final = frozenset(
    ("measurement", "observation", "drug_exposure", "procedure_occurrence")
)
_Records = dict[tuple[str, str], pa.Array]


def _recognise(
    path: Path,
) -> int:
    """A file or folder with at least one table of the model that can hold a score or a dose."""
    if path.is_file() and is_duckdb(path):
        # What is in a database is looked at when it is read.
        return 1
    return 2 if any(table.kind in _CLINICAL for table in omop_tables(path)) else 0


@reader(KIND, about="OMOP extracts: CSV, Parquet or DuckDB", recognise=_recognise)
def read_omop(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read scores, sessions, births and deaths of an extract.

    Parameters
    ----------
    path : Path
        The folder, or a file.
    answers : mapping
        `concept.NUMBER` says what a concept means, as "MADRS", "PHQ-9 item_3" or "ketamine".
    remarks : Remarks
        Takes what was dropped, refused or assumed, and what is to be asked.

    Raises
    ------
    DataProblems
        When there is no table of the model, or when one is damaged.
    NotIdentified
        When there is neither a score nor a session.
    """
    tables = omop_tables(path)
    if not any(table.kind in _CLINICAL for table in tables):
        expected = "tables of OMOP, such as measurement, observation and drug_exposure"
        raise DataProblems(
            [Problem(shown(path.name, file=True), None, "", "", expected)]
        )
    concepts = concepts_of(tables, answers)
    _say_stays(tables, remarks)
    _say_vocabulary(concepts.told, tables, remarks)
    about_scales = records_of_scores(tables, concepts, remarks)
    doses = records_of_doses(tables, concepts, answers, remarks)
    scores, answers_joined = tables_of_scores(about_scales, remarks)
    sessions, doses_joined = tables_of_doses(doses, remarks)
    _stop_without_either(scores, sessions, about_scales)
    _say_no_scores(scores, about_scales, remarks)
    # An extract holds everybody; births of people without a session or score are not read.
    treated = _people([*scores, *sessions])
    people = [
        person_table(table, concepts, treated, remarks)
        for table in tables
        if table.kind == "person"
    ]
    periods = [
        one
        for one in (
            period_table(table, treated, answers, remarks)
            for table in tables
            if table.kind == "observation_period"
        )
        if one is not None
    ]
    deaths = [
        death_table(table, treated, remarks)
        for table in tables
        if table.kind == "death"
    ]
    others = [*people, *periods, *deaths]
    made = [*sessions, *scores, *others]
    return SourceData(
        kind=KIND,
        tables=tuple(table for table in made if table.data.num_rows),
        records=_records(about_scales, doses, others),
        joined=answers_joined | doses_joined,
    )


def _say_vocabulary(
    told: bool,
    tables: Sequence[OmopTable],
    remarks: Remarks,
) -> None:
    if not told:
        reason = (
            "the extract holds no table CONCEPT; records are told by the codes and words of their"
            " source alone, and those that have none are not found"
        )
        file = tables[0].file
        remarks.add(Remark(file=file, table=file, action="noted", reason=reason))


def _say_stays(
    tables: Sequence[OmopTable],
    remarks: Remarks,
) -> None:
    """Why somebody was in hospital decides whether it is a worsening."""
    for table in tables:
        if table.kind == "visit_occurrence":
            reason = (
                "hospital stays are not read, as the table does not say why; write those for"
                " depression into events.csv"
            )
            said = Remark(
                file=table.file, table=table.kind, action="noted", reason=reason
            )
            remarks.add(said)


def _people(
    tables: Sequence[SourceTable],
) -> frozenset[str]:
    found: set[str] = set()
    for table in tables:
        found |= set(table.data["patient_id"].to_pylist())
    return frozenset(found - {None})


def _why_no_scores(
    about_scales: pd.DataFrame,
) -> str:
    """Why an extract has no score, in numbers."""
    n_empty = len(about_scales)
    if not n_empty:
        return "No record of MEASUREMENT or OBSERVATION is about a scale that kettrack knows."
    by_scale = about_scales["instrument"].value_counts()
    named = ", ".join(
        f"{counted(n, 'record')} of {name}" for name, n in by_scale.items()
    )
    return (
        f"There are no scores: in {named} value_as_number is empty, and no other field holds a"
        " number. An empty value is not read as 0."
    )


_COLLECT: Final = (
    "the total of the scale in value_as_number of MEASUREMENT or OBSERVATION, or the answers to its"
    " questions as records of their own"
)


def _stop_without_either(
    scores: Sequence[SourceTable],
    sessions: Sequence[SourceTable],
    about_scales: pd.DataFrame,
) -> None:
    if not scores and not sessions:
        why = _why_no_scores(about_scales)
        raise NotIdentified(
            f"{why} There are no sessions either: no record is about ketamine or esketamine.",
            _COLLECT,
        )


def _say_no_scores(
    scores: Sequence[SourceTable],
    about_scales: pd.DataFrame,
    remarks: Remarks,
) -> None:
    if not scores:
        remarks.add(
            Remark(
                file=KIND,
                table=" and ".join(KINDS),
                action="noted",
                reason=_why_no_scores(about_scales),
                count=len(about_scales),
            )
        )


def _records(
    about_scales: pd.DataFrame,
    doses: pd.DataFrame,
    others: Sequence[SourceTable],
) -> _Records:
    """All records that are about a scale, a dose, or a person with either."""
    found: _Records = {(table.file, table.name): table.rows for table in others}
    for frame in (about_scales, doses):
        for (file, table), rows in frame.groupby(["file", "table"]):
            found[str(file), str(table)] = pa.array(rows["row"], pa.int64())
    return found
