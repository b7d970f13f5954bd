"""Data sets of trials as CDISC lays them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from kettrack.arrays import Ints
from kettrack.importing.cdisc.dataset import Dataset
from kettrack.importing.cdisc.exposure import dose_times, holds_weights, sessions_of
from kettrack.importing.cdisc.files import holds_cdisc, read_datasets
from kettrack.importing.cdisc.scores import (
    form_rows,
    holds_scores,
    is_analysis,
    score_times,
)
from kettrack.importing.cdisc.study_days import Times, one_clock
from kettrack.importing.cdisc.subjects import (
    deaths_of,
    event_times,
    events_of,
    patients_of,
)
from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import SourceData, SourceTable

_Where = tuple[str, str]
_NOT_NEEDED: Final = "nothing of this data set is used"
# Of two data sets that say the same, the one nearer to the clinic.
_SAME_AGAIN: Final = (
    "it was not read: another data set, nearer to its source, says the same"
)
_SAME_NAME: Final = (
    "it was not read: another file of the folder holds a data set of this name"
)
_SCORES: Final = "scores"
_SESSIONS: Final = "sessions"
_PATIENTS: Final = "patients"
_EVENTS: Final = "events"
_WEIGHTS: Final = "weights"  # no table of the contract: they stand beside doses
# Patients have no time of their own.
_TIMES: Final[Mapping[str, Callable[[Dataset], Times]]] = {
    _SESSIONS: dose_times,
    _SCORES: score_times,
    _EVENTS: event_times,
}


def _recognise(path: Path) -> int:
    return 2 if holds_cdisc(path) else 0


@reader(
    "cdisc",
    about="CDISC: SDTM QS RS EX DM AE and ADaM ADQS ADSL as XPT, Dataset-JSON, Parquet or CSV",
    recognise=_recognise,
)
def read_cdisc(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read a data set, or a folder of them.

    Parameters
    ----------
    path, answers, remarks
        As `Reader.read` takes them.
    """
    datasets = _once(read_datasets(path, answers, remarks), remarks)
    used = _chosen(datasets, remarks)
    times = [
        (table, times_of(dataset))
        for table, times_of in _TIMES.items()
        for dataset in used[table]
    ]
    # Sessions and scores must be told by one clock, or their order is lost.
    clock = one_clock([one for _, one in times], remarks)
    tables: list[SourceTable] = []
    records = {
        (one.file, one.name): one.rows
        for table, several in used.items()
        for one in several
        if table != _WEIGHTS
    }
    joined: dict[_Where, Ints] = {}
    for table, one in times:
        if table == _SCORES:
            scores = form_rows(one, clock, answers, remarks)
            where = (one.dataset.file, one.dataset.name)
            records[where] = scores.records
            joined[where] = scores.joined
            tables.append(scores.table)
        elif table == _SESSIONS:
            tables.append(sessions_of(one, used[_WEIGHTS], clock, remarks))
        else:
            tables.append(events_of(one, clock, remarks))
    for people in used[_PATIENTS]:
        tables.append(patients_of(people, clock, remarks))
        deaths = deaths_of(people, clock, remarks)
        tables += [deaths] if deaths else []
    return SourceData(
        kind="cdisc",
        tables=tables,
        records={where: pa.array(rows) for where, rows in records.items()},
        joined={where: pa.array(rows) for where, rows in joined.items()},
    )


def _once(datasets: Sequence[Dataset], remarks: Remarks) -> list[Dataset]:
    """Each data set once, also where a folder holds it in two formats."""
    found: dict[str, Dataset] = {}
    for one in datasets:
        if one.name in found:
            _say_not_read(one, _SAME_NAME, remarks)
        else:
            found[one.name] = one
    return list(found.values())


def _chosen(
    datasets: Sequence[Dataset],
    remarks: Remarks,
) -> dict[str, list[Dataset]]:
    """Table of the contract to the data sets that it is made from; what else there is, is said."""
    forms = [one for one in datasets if holds_scores(one)]
    candidates = {
        _SESSIONS: [_of_domain("EX", datasets), _of_domain("EC", datasets)],
        _SCORES: [
            [one for one in forms if not is_analysis(one)],
            [one for one in forms if is_analysis(one)],
        ],
        _PATIENTS: [_of_domain("DM", datasets), _of_domain("ADSL", datasets)],
        _EVENTS: [_of_domain("AE", datasets)],
        _WEIGHTS: [[one for one in datasets if holds_weights(one)]],
    }
    used: dict[str, list[Dataset]] = {}
    reasons: dict[int, str] = {}
    for table, ranked in candidates.items():
        used[table] = next((some for some in ranked if some), [])
        passed_over = [one for some in ranked[1:] for one in some]
        reasons |= {id(one): _SAME_AGAIN for one in passed_over}
    # By identity: two data sets may have one name.
    if not used[_SESSIONS]:
        # Without doses nothing asks for a weight.
        used[_WEIGHTS] = []
    taken = {id(one) for some in used.values() for one in some}
    for one in datasets:
        if id(one) not in taken:
            _say_not_read(one, reasons.get(id(one), _NOT_NEEDED), remarks)
    return used


def _of_domain(
    domain: str,
    datasets: Sequence[Dataset],
) -> list[Dataset]:
    return [one for one in datasets if one.domain == domain]


def _say_not_read(
    dataset: Dataset,
    reason: str,
    remarks: Remarks,
) -> None:
    remarks.add(
        Remark(
            file=dataset.file,
            table=dataset.name,
            action="dropped",
            reason=reason,
            count=len(dataset),
        )
    )
