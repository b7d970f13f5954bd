"""The sessions of a cohort as safety is counted by: phase, route, dose band, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import ADVERSE_EVENTS
from kettrack.vocabulary.safety import (
    ANY_EVENT,
    ASKED_TERMS,
    MG_ENDS,
    PER_KG_ENDS,
    PHASES,
    SERIOUS,
    STOPPED_EARLY,
    TREATED_BEFORE,
    VITAL_LIMITS,
    VitalLimit,
)

_NO_EVENT: Final = "none"
PLACEBO: Final = "placebo"
# Columns of the log that hold a yes or a no for each session.
_YES_NO: Final = (SERIOUS, STOPPED_EARLY)
# Kinds of groups that sessions fall into -> as a reader sees them.
GROUPINGS: Final = {
    "phase": "phase",
    "route": "route",
    "drug": "drug",
    "dose": "dose in mg, by route",
    "dose_per_kg": "dose in mg per kg, by route",
    "psychotherapy": "psychotherapy with the session",
}


@dataclass(frozen=True, slots=True)
class SafetySessions:
    """Sessions with an active drug, as arrays in the order of the log.

    Parameters
    ----------
    people : Index
        Patient codes; everybody with at least one such session.
    person : int64, shape (sessions,)
        Place in `people`.
    number : float64, shape (sessions,)
        Number of the session; missing for people treated before the log begins.
    flags : dict of str to float64
        1 = noted, 0 = not noted, missing = not recorded: by adverse event and by limit.
    values : dict of str to float64
        Pressures, their rise, dissociation, minutes, mg per kg.
    groups : dict of str to Series
        Kind of group to an ordered category per session.
    placebo : int
        Sessions with placebo, which are left out.
    """

    people: pd.Index
    person: Ints
    number: Floats
    flags: dict[str, Floats]
    values: dict[str, Floats]
    groups: dict[str, pd.Series]
    placebo: int

    def by_person(
        self,
        values: Floats,
        inside: Bools,
    ) -> tuple[Floats, Floats]:
        """Sum and number of the known values inside, per person."""
        known = inside & ~np.isnan(values)
        whose = self.person[known]
        size = len(self.people)
        sums = np.bincount(
            whose,
            values[known],
            minlength=size,
        )
        # People without a known value have a number of 0, and are left out by whoever asks.
        numbers = np.bincount(whose, minlength=size)
        return (
            sums.astype(np.float64),
            numbers.astype(np.float64),
        )

    def split(
        self,
        kind: str,
    ) -> Iterator[tuple[str, Bools]]:
        """Groups of a kind that have a session, each with the sessions in it."""
        group = self.groups[kind]
        codes = group.cat.codes.to_numpy()
        for code, label in enumerate(group.cat.categories):
            inside = codes == code
            if inside.any():
                yield str(label), inside


def safety_sessions(cohort: DerivedCohort) -> SafetySessions:
    """The sessions of a cohort as safety is counted by; made once.

    Raises
    ------
    NotIdentified
        Nobody had a session with an active drug.
    """
    found: SafetySessions = cohort.once("safety_sessions", lambda: _made(cohort))
    if not len(found.people):
        raise NotIdentified(
            "there is no session with an active drug.", "sessions, with their drug."
        )
    return found


def _made(cohort: DerivedCohort) -> SafetySessions:
    rows = cohort.sessions
    # Courses have the rows of the sessions, in the same order.
    number = cohort.courses["session_number"].to_numpy(np.float64)
    placebo = (rows["drug"] == PLACEBO).to_numpy(bool, na_value=False)
    # Sessions that nobody recorded came before, so the numbers of theirs are not known.
    before = _treated_before(cohort, rows)
    number = np.where(before, np.nan, number)
    number = number[~placebo]
    rows = rows[~placebo]
    person, people = pd.factorize(rows["patient_id"])
    values = _values(rows)
    noted = _event_flags(rows)
    reached = _limit_flags(values)
    asked = _asked_flags(rows)
    return SafetySessions(
        people=pd.Index(people),
        person=person.astype(np.int64),
        number=number,
        flags={**noted, **reached, **asked},
        values=values,
        groups=_groups(rows, number, values),
        placebo=int(placebo.sum()),
    )


def _treated_before(cohort: DerivedCohort, rows: pd.DataFrame) -> Bools:
    """Sessions of people who had others before the log begins."""
    prior = cohort.patients.set_index("patient_id")["prior_sessions"]
    had = (prior > 0).fillna(False).astype(bool)
    there = rows["patient_id"].map(had).fillna(False)
    return np.asarray(there.to_numpy(bool))


def _float(column: pd.Series) -> Floats:
    """A column as floats, a truth value as 0 or 1."""
    numbers = column.astype("Float64")
    return np.asarray(numbers.to_numpy(np.float64, na_value=np.nan), np.float64)


# ---- what was seen


def _event_flags(rows: pd.DataFrame) -> dict[str, Floats]:
    """Adverse events of each session, by name."""
    noted = rows["adverse_events"]
    unknown = noted.isna().to_numpy(bool)
    # Few lists of events are different, so that each of them is taken apart once.
    codes, lists = pd.factorize(noted)
    parts = [set(str(names).split(";")) for names in lists]
    names = [name for name in ADVERSE_EVENTS if name != _NO_EVENT]
    flags = {}
    for name in (ANY_EVENT, *names):
        holds = [_holds(part, name) for part in parts]
        # The last entry is what the code -1 of a missing list finds.
        holds.append(False)
        found = np.array(holds, np.float64)[codes]
        flags[name] = np.where(unknown, np.nan, found)
    for name in _YES_NO:
        flags[name] = _float(rows[name])
    # A serious event is an event, also where the list of the session says none. Where the list is
    # empty it stays unknown: sessions without a list would count with a serious event alone.
    unlisted = ~unknown & (flags[SERIOUS] == 1)
    flags[ANY_EVENT] = np.where(unlisted, 1.0, flags[ANY_EVENT])
    return flags


def _holds(noted: set[str], name: str) -> bool:
    """Whether a list of events holds one, or any at all."""
    return bool(noted - {_NO_EVENT}) if name == ANY_EVENT else name in noted


def _asked_flags(rows: pd.DataFrame) -> dict[str, Floats]:
    """What the session's own columns say of each thing that clinics are asked to watch."""
    flags = {}
    for term in ASKED_TERMS:
        column = rows[term.column]
        if term.answers:
            holds = column.astype("object").isin(term.answers).astype(np.float64)
            flags[term.key] = np.where(column.isna(), np.nan, holds)
            continue
        value = _float(column)
        found = value
        if term.at_most is not None:
            found = (value <= term.at_most).astype(np.float64)
        elif term.at_least is not None:
            found = (value >= term.at_least).astype(np.float64)
        # Where nobody asked, nothing is known: not even that there was nothing.
        flags[term.key] = np.where(np.isnan(value), np.nan, found)
    return flags


def _values(rows: pd.DataFrame) -> dict[str, Floats]:
    """Measurements of each session."""
    pressures = [
        f"{kind}_{when}"
        for kind in ("systolic", "diastolic")
        for when in ("before", "peak", "after")
    ]
    columns = [
        *pressures,
        "spo2_min",
        "dissociation",
        "duration_min",
        "dose_mg",
        "weight_kg",
    ]
    values = {name: _float(rows[name]) for name in columns}
    for kind in ("systolic", "diastolic"):
        before = values[f"{kind}_before"]
        peak = values[f"{kind}_peak"]
        after = values[f"{kind}_after"]
        # Missing where either end is: no pressure is taken from another session.
        values[f"{kind}_rise"] = peak - before
        values[f"{kind}_left"] = after - before
    values["per_kg"] = values["dose_mg"] / values["weight_kg"]
    return values


def _limit_flags(values: dict[str, Floats]) -> dict[str, Floats]:
    """Which limits each session reached."""
    return {limit.key: _reached(limit, values) for limit in VITAL_LIMITS}


def _reached(
    limit: VitalLimit,
    values: dict[str, Floats],
) -> Floats:
    """1 where a limit was reached, 0 where not; missing unless everything it asks for is known."""
    if limit.oxygen is not None:
        lowest = values["spo2_min"]
        below = lowest < limit.oxygen
        return np.where(
            np.isnan(lowest),
            np.nan,
            below.astype(np.float64),
        )
    parts = _pressures(limit, values)
    known = [~np.isnan(seen) for seen, _ in parts]
    # One of two pressures is enough to reach it, but only both can show that it was not reached:
    # sessions with one of them would count as reached alone.
    over = [seen >= end for seen, end in parts]
    reached = np.any(over, axis=0).astype(np.float64)
    return np.where(
        np.all(known, axis=0),
        reached,
        np.nan,
    )


def _pressures(
    limit: VitalLimit,
    values: dict[str, Floats],
) -> list[tuple[Floats, float]]:
    """Pressures of each session that a limit asks for, each with its end."""
    when = "rise" if limit.rise else "peak"
    ends = {
        "systolic": limit.systolic,
        "diastolic": limit.diastolic,
    }
    # A limit may name one of the two pressures only.
    return [
        (values[f"{kind}_{when}"], end) for kind, end in ends.items() if end is not None
    ]


def half_measured(values: dict[str, Floats]) -> tuple[int, int]:
    """Sessions with one of the two pressures that a limit asks for, and how many of these reached
    the limit by that one alone.
    """
    alone = np.zeros(len(values["systolic_peak"]), bool)
    reached = alone.copy()
    for limit in VITAL_LIMITS:
        parts = _pressures(limit, values)
        known = [~np.isnan(seen) for seen, _ in parts]
        # Of a limit of one pressure, or of none, nothing is half known.
        half = np.any(known, axis=0) & ~np.all(known, axis=0)
        over = [seen >= end for seen, end in parts]
        alone = alone | half
        reached = reached | (half & np.any(over, axis=0))
    return int(alone.sum()), int(reached.sum())


# ---- groups


def _groups(
    rows: pd.DataFrame,
    number: Floats,
    values: dict[str, Floats],
) -> dict[str, pd.Series]:
    """Group of each session, of each kind."""
    route = rows["route"].astype("object")
    drug = rows["drug"].astype("object")
    talk = rows["psychotherapy"].map({True: "with", False: "without"})
    return {
        "phase": _phase(number),
        "route": _by_size(route),
        "drug": _by_size(drug),
        "dose": _bands(route, values["dose_mg"], MG_ENDS, "mg"),
        "dose_per_kg": _bands(route, values["per_kg"], PER_KG_ENDS, "mg/kg"),
        "psychotherapy": _ordered(talk, ["without", "with"]),
    }


def _ordered(labels: pd.Series, order: list[str]) -> pd.Series:
    kinds = pd.Categorical(labels, categories=order, ordered=True)
    return pd.Series(kinds)


def _by_size(labels: pd.Series) -> pd.Series:
    """The most common group first; equally common ones in alphabetical order."""
    counts = labels.value_counts().sort_index()
    order = counts.sort_values(ascending=False, kind="stable").index
    return _ordered(labels, list(order))


def _phase(number: Floats) -> pd.Series:
    """Phase by the number of the session."""
    first = np.array([phase.first for phase in PHASES])
    place = np.searchsorted(first, number, "right") - 1
    words = [*(phase.words for phase in PHASES), TREATED_BEFORE]
    # Whoever was treated before comes last.
    unknown = np.isnan(number)
    codes = np.where(unknown, len(PHASES), place)
    kinds = pd.Categorical.from_codes(codes, words, ordered=True)  # type: ignore[call-overload]
    return pd.Series(kinds)


def _bands(
    route: pd.Series,
    dose: Floats,
    ends: tuple[float, ...],
    unit: str,
) -> pd.Series:
    """Dose bands within each route: 50 mg by mouth is not 50 mg into a vein."""
    words = band_words(ends, unit)
    unknown = np.isnan(dose)
    place = np.searchsorted(np.array(ends), dose, "left")
    # An unknown dose lies above every end; it gets any band here and none below.
    place = np.where(unknown, 0, place)
    band = np.array(words, dtype=object)[place]
    names = route.astype("str") + ", " + band
    known = route.notna().to_numpy() & ~unknown
    labels = names.where(known, None)
    # The most common route first, and its bands from the lowest dose up.
    routes = _by_size(route).cat.categories
    order = [f"{name}, {word}" for name in routes for word in words]
    return _ordered(labels, order)


def band_words(
    ends: tuple[float, ...],
    unit: str,
) -> list[str]:
    """Names of the bands with these upper ends, and of the open one above.

    Examples
    --------
    >>> band_words((0.5, 1), "mg/kg")
    ['up to 0.5 mg/kg', 'over 0.5 to 1 mg/kg', 'over 1 mg/kg']
    """
    first = f"up to {ends[0]:g} {unit}"
    between = [
        f"over {low:g} to {high:g} {unit}"
        for low, high in zip(ends, ends[1:], strict=False)
    ]
    return [first, *between, f"over {ends[-1]:g} {unit}"]


def left_out_words(found: SafetySessions) -> tuple[str, ...]:
    """That sessions with placebo are left out; nothing where there are none."""
    if not found.placebo:
        return ()
    return ("Sessions with placebo are left out.",)
