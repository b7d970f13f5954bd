"""A cohort that is exported and read again is the same cohort: as a data package to the last cell,
through the data sets of CDISC in everything that they have a place for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

import kettrack as kt
from kettrack.errors import DataProblems
from kettrack.importing.deidentify.options import Deidentification
from kettrack.importing.make import Destination, make_folder
from kettrack.importing.prepare import prepare
from kettrack.settings import Settings
from kettrack.vocabulary.columns import (
    ADVERSE_EVENTS,
    DRUGS,
    EVENTS,
    ROUTES,
    SEXES,
    STOP_REASONS,
)

TABLES = ("sessions", "scores", "patients", "events")
# Signs at which a spreadsheet, a CSV reader or a transport file might stumble.
CODES = ("A1", "007", "1E3", "a,b", 'q"uote', "x y", "Ünï", "TRUE", "9-1")
KINDS = ("parquet", "xpt", "dataset-json")
ITEMS = 9


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *values])


def tenths(least: int, most: int) -> st.SearchStrategy[float]:
    """Decimals as a clinic writes them."""
    return st.integers(least * 10, most * 10).map(lambda value: value / 10)


SESSION = st.fixed_dictionaries(
    {
        "day": st.integers(0, 60),
        "drug": maybe(*DRUGS),
        "route": maybe(*ROUTES),
        "dose_mg": st.none() | tenths(20, 400),
        "duration_min": maybe(20, 40, 90),
        "systolic_peak": maybe(120, 180),
        "adverse_events": maybe("none", "nausea", ";".join(ADVERSE_EVENTS[1:3])),
        "serious": maybe(True, False),
        "cost": st.none() | tenths(1, 900),
    }
)
ANSWERS = st.lists(st.integers(0, 3), min_size=ITEMS, max_size=ITEMS)
SCORE = st.fixed_dictionaries(
    {
        "day": st.integers(-60, 200),
        "instrument": st.sampled_from(["PHQ-9", "GAD-7", "PROMIS Depression"]),
        "timing": maybe("before", "after", "unknown"),
        "answers": st.none() | ANSWERS,
        "total": st.integers(0, 21),
        "shown": st.integers(0, ITEMS),
    }
)
PATIENT = st.fixed_dictionaries(
    {
        "age": maybe("18", "45", "90+"),
        "sex": maybe(*SEXES),
        "ethnicity": maybe("asian", "hispanic", "native", "unknown"),
        "site": maybe("K1", "south"),
        "anxiety": maybe(True, False),
        "planned_sessions": maybe(4, 6),
        "observed_to_day": maybe(63, 210),
        "stop_day": maybe(70),
        "stop_reason": maybe(*STOP_REASONS),
    }
)
EVENT = st.fixed_dictionaries(
    {"day": st.integers(-5, 90), "event": st.sampled_from(EVENTS)}
)
PERSON = st.tuples(
    st.lists(SESSION, min_size=1, max_size=4),
    st.lists(SCORE, max_size=5),
    PATIENT,
    st.lists(EVENT, max_size=2),
)
CLINIC = st.dictionaries(st.sampled_from(CODES), PERSON, min_size=1, max_size=4)
CHOSEN = st.builds(
    Settings,
    baseline=st.sampled_from(["last", "mean", "worst"]),
    duplicates=st.sampled_from(["last", "first", "worst"]),
    extract=st.sampled_from(["", 'all logs of "2025"\\to June']),
    currency=st.sampled_from(["", "EUR"]),
)


def cohort_of(clinic: dict[str, Any], chosen: Settings) -> kt.Cohort:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for code, (sessions, scores, patient, events) in clinic.items():
        named = {"patient_id": code}
        rows["sessions"] += [named | one for one in sessions]
        rows["scores"] += [named | score_row(one) for one in scores]
        rows["patients"].append(named | patient)
        rows["events"] += [named | one for one in events]
    # A cohort without any score has nothing to export but sessions, and is tried elsewhere.
    first = next(iter(clinic))
    rows["scores"].append(
        {"patient_id": first, "day": -70, "instrument": "PHQ-9", "score": 9}
    )
    frames = [pd.DataFrame(rows[name], dtype=object) for name in TABLES[:3]]
    events = pd.DataFrame(rows["events"], dtype=object) if rows["events"] else None
    try:
        return kt.cohort_from_frames(*frames, events, settings=chosen)
    except DataProblems:
        # Such as a death before a session: no cohort, and so nothing to export.
        reject()


def score_row(score: dict[str, Any]) -> dict[str, Any]:
    """A total, or the answers of PHQ-9, some of them missing."""
    row = {name: score[name] for name in ("day", "instrument", "timing")}
    if row["instrument"] == "PROMIS Depression":
        return row | {"score": 50.5}
    if row["instrument"] != "PHQ-9" or score["answers"] is None:
        return row | {"score": score["total"]}
    answers = score["answers"][: max(score["shown"], 1)]
    return row | {f"item_{place}": one for place, one in enumerate(answers, 1)}


def assert_same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_like=False)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(CLINIC, CHOSEN)
def test_a_data_package_is_the_cohort(clinic: dict[str, Any], chosen: Settings) -> None:
    cohort = cohort_of(clinic, chosen)
    with TemporaryDirectory() as place:
        kt.export(cohort, Path(place) / "out", formats=["datapackage"])
        again = kt.load_cohort(Path(place) / "out/datapackage")
    for name in TABLES:
        assert_same(getattr(cohort, name), getattr(again, name))
    # What follows from a name in the file is no choice of the clinic.
    assert replace(again.settings, scores_of="") == cohort.settings
    assert_same(kt.outcomes_table(cohort), kt.outcomes_table(again))


# Every kind takes its turn; which clinic it gets makes no difference to the others.
@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(CLINIC)
def test_what_cdisc_has_a_place_for_comes_back(
    kind: str, clinic: dict[str, Any]
) -> None:
    for sessions, *_ in clinic.values():
        for one in sessions:
            # A record of EX without a treatment is no session for any reader.
            one["drug"] = one["drug"] or "ketamine"
    cohort = cohort_of(clinic, Settings())
    with TemporaryDirectory() as place:
        out = Path(place) / "out"
        kt.export(cohort, out, formats=[kind])
        ready = prepare(out / kind, "", {})
        into = Destination(folder=Path(place) / "again")
        done = make_folder(
            ready.source, ready.plan, Deidentification(), into, ready.remarks
        )
        assert done is not None
        again = kt.load_cohort(into.folder)
    links = done.linkage.to_pandas()
    originals = {
        kind: dict(zip(rows["code"], rows["original"], strict=True))
        for kind, rows in links.groupby("kind")
    }
    known = ["day", "order", "drug", "route", "dose_mg", "duration_min"]
    assert comparable(again.sessions, originals, known) == comparable(
        cohort.sessions, {}, known
    )
    answered = [name for name in again.scores if str(name).startswith("item_")]
    # A form without any number has no record that a reader takes.
    filled = cohort.scores[["score", *answered]].notna().any(axis=1)
    known = ["day", "instrument", "timing", "score", *answered]
    assert comparable(again.scores, originals, known) == comparable(
        cohort.scores[filled], {}, known
    )
    known = ["age", "sex", "ethnicity", "site", "observed_to_day"]
    # The standard has two words for it, and neither is known to be meant.
    ethnicity = cohort.patients["ethnicity"].replace({"native": "other"})
    people = cohort.patients.assign(ethnicity=ethnicity)
    assert comparable(again.patients, originals, known) == comparable(people, {}, known)


def comparable(
    frame: pd.DataFrame,
    originals: dict[str, dict[str, str]],
    columns: list[str],
) -> list[tuple[Any, ...]]:
    """Rows under the codes that they had, in an order that the codes do not decide."""
    told = frame.copy()
    for column, kind in (("patient_id", "patient"), ("site", "site")):
        if kind in originals and column in told:
            told[column] = told[column].map(originals[kind])
    cells = told[["patient_id", *columns]].astype("object")
    plain = cells.where(cells.notna(), None)
    return sorted(map(tuple, plain.to_numpy().tolist()), key=repr)
