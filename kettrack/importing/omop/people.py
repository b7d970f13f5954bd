"""People of an extract: birth, sex and death, and nothing else of PERSON."""

from __future__ import annotations

from typing import Final

import pandas as pd
import pyarrow as pa

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
    Remark,
    Remarks,
)
from kettrack.importing.source import (
    BIRTH_DATE,
    DATE,
    SourceTable,
)

_PERSON: Final = (
    "person_id",
    "year_of_birth",
    "month_of_birth",
    "day_of_birth",
    "gender_concept_id",
    "gender_source_value",
)
_DEATH: Final = ("person_id", "death_date", "death_datetime")
_PERIOD: Final = ("person_id", "observation_period_end_date")
# Key and answer that make the end of a period the end of a person's log.
PERIOD_KEY: Final = "observation_period"
COMPLETE: Final = "each log is complete to the end of its period"
_SEX_WORDS: Final = {
    "m": "male",
    "male": "male",
    "f": "female",
    "female": "female",
}
# The middle of what is not known.
_MIDDLE_MONTH: Final = "7"
_MIDDLE_DAY: Final = "15"


def person_table(
    table: OmopTable,
    concepts: Concepts,
    treated: frozenset[str],
    remarks: Remarks,
) -> SourceTable:
    """Birth and sex of the people who have a session or a score.

    Parameters
    ----------
    table : OmopTable
        PERSON.
    concepts : Concepts
        What numbers mean.
    treated : frozenset of str
        Numbers of the people that anything else is known of.
    remarks : Remarks
        Takes the others, and dates of birth that are known in part.
    """
    frame = _of_people(table, _PERSON, treated, remarks)
    # Most extracts give no more than the year.
    month = frame["month_of_birth"]
    day = frame["day_of_birth"].where(month.notna())
    in_part = frame["year_of_birth"].notna() & day.isna()
    if in_part.any():
        said = Remark(
            file=table.file,
            table=table.kind,
            column="year_of_birth",
            action="mended",
            reason="only the year or month of birth is known; its middle is taken for the age",
            count=int(in_part.sum()),
        )
        remarks.add(said)
    month = month.fillna(_MIDDLE_MONTH).str.zfill(2)
    day = day.fillna(_MIDDLE_DAY).str.zfill(2)
    born = frame["year_of_birth"].str.zfill(4) + "-" + month + "-" + day
    sex = looked_up(frame["gender_concept_id"], concepts.sexes)
    in_words = looked_up(frame["gender_source_value"].str.casefold(), _SEX_WORDS)
    columns = {
        "patient_id": text_column(frame["person_id"]),
        BIRTH_DATE: text_column(born),
        "sex": text_column(sex.fillna(in_words)),
    }
    return _source_table(table, columns, frame, "patients")


def death_table(
    table: OmopTable,
    treated: frozenset[str],
    remarks: Remarks,
) -> SourceTable:
    """Deaths of the people who have a session or a score; their causes are not read.

    Parameters
    ----------
    table, treated, remarks
        As in `person_table`.
    """
    frame = _of_people(table, _DEATH, treated, remarks)
    # Why somebody died is asked by no question, and would tell who it was.
    columns = {
        "patient_id": text_column(frame["person_id"]),
        DATE: text_column(day_only(frame["death_date"], frame["death_datetime"])),
        "event": pa.repeat("death", len(frame)),
    }
    return _source_table(table, columns, frame, "events")


def period_table(
    table: OmopTable,
    treated: frozenset[str],
    answers: Answers,
    remarks: Remarks,
) -> SourceTable | None:
    """To which day the log of each person is complete, where the owner of the extract says that it
    is; None otherwise.

    Parameters
    ----------
    table : OmopTable
        OBSERVATION_PERIOD.
    treated, remarks
        As in `person_table`.
    answers : mapping
        Whether the logs are complete to the end of the periods.
    """
    # Many extracts end a period with the last record of a person. Then nobody would ever have
    # stopped: every log would end with a visit.
    if answers.get(PERIOD_KEY) != COMPLETE:
        said = Remark(
            file=table.file,
            table=table.kind,
            action="noted",
            reason="the periods are not read: in many extracts they end with the last record of a"
            f' person. If yours do not, answer {PERIOD_KEY} = "{COMPLETE}"',
        )
        remarks.add(said)
        return None
    frame = _of_people(table, _PERIOD, treated, remarks)
    ends = frame["observation_period_end_date"]
    columns = {
        "patient_id": text_column(frame["person_id"]),
        "observed_to_day": text_column(day_only(ends, ends)),
    }
    return _source_table(table, columns, frame, "patients")


def _source_table(
    table: OmopTable,
    columns: dict[str, pa.Array],
    frame: pd.DataFrame,
    is_a: str,
) -> SourceTable:
    return SourceTable(
        file=table.file,
        name=table.kind,
        data=pa.table(columns),
        rows=pa.array(frame["row"], pa.int64()),
        is_a=is_a,
    )


def _of_people(
    table: OmopTable,
    wanted: tuple[str, ...],
    treated: frozenset[str],
    remarks: Remarks,
) -> pd.DataFrame:
    skipped: list[int] = []
    found = [pd.DataFrame(columns=[*wanted, "row"], dtype="str")]
    n_others = 0
    for rows, batch in table.batches(wanted, skipped):
        frame = batch.to_pandas().astype("str").assign(row=rows)
        ours = frame["person_id"].isin(treated)
        n_others += int((~ours).sum())
        found.append(frame[ours])
    say_rest(table, n_others, skipped, "of people without a session or score", remarks)
    return pd.concat(found, ignore_index=True).astype({"row": "int64"})
