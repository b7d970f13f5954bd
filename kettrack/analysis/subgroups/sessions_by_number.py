"""Do more severe people need more sessions: sessions until a response, and the share who respond,
as a smooth curve in a number known at the start.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import exit_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.benchmark import (
    NULL_CAVEAT,
    NULL_COLUMNS,
    NullClinics,
    benchmark,
    no_null_caveat,
)
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    Characteristic,
    adjusted_comparison,
    known_characteristics,
    others_of,
)
from kettrack.analysis.subgroups.characteristics import (
    characteristic_label,
    characteristic_names,
    characteristic_values,
    plain_name,
)
from kettrack.analysis.subgroups.group_benchmark import NO_CHARACTERISTICS
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.escapes import in_sentence
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.estimators.regression.spline import natural_spline, spline_knots
from kettrack.estimators.survival.competing_risks import pseudo_values
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE_FOR_SLOPE
from kettrack.vocabulary.made_of import SAID_BY_UNIT, ByRow, Kept
from kettrack.vocabulary.plain_words import value_with_interval

SEVERITY: Final = "severity"
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "unit": "label",
    "at": "label",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(NULL_COLUMNS, "derived"),
    "difference": "derived",
    "difference_low": "derived",
    "difference_high": "derived",
    "adjusted": "derived",
    "adjusted_low": "derived",
    "adjusted_high": "derived",
    "chance": "derived",
    "chance_bent": "derived",
}
_DECIMALS: Final = {
    name: 2
    for name, role in _ROLES.items()
    if role == "derived" and "chance" not in name
}
_SHOWN: Final = tuple(name for name in _ROLES if name != "key")
# Shares of people below the values at which the curve is told: the ends would be single people.
_TOLD_AT: Final = tuple(tenth / 10 for tenth in range(1, 10))
_SESSIONS: Final = "sessions until a response"
_SHARE: Final = "% who responded"
# What a person can have.
_LIMITS: Final = {
    _SESSIONS: (1.0, float(TOLD_SESSION)),
    _SHARE: (0.0, 100.0),
}


class _Line(NamedTuple):
    """Everybody with a number: the number, what each adds to both outcomes, and where to tell."""

    number: Floats
    outcomes: dict[str, Floats]
    knots: Floats
    points: Floats

    def at(self, values: Floats) -> Floats:
        """Columns of the curve at some values."""
        return natural_spline(values, self.knots)


@question(
    "sessions_by_number",
    recipes=(
        SAID_BY_UNIT,
        *(
            ByRow(value=name, ends=(f"{name}_low", f"{name}_high"), unit="unit")
            for name in ("difference", "adjusted", "null")
        ),
        Kept(
            values=(
                "chance",
                "chance_bent",
            ),
            of="n",
        ),
    ),
    asks="Do people who start more severe need more sessions?",
    unit="as named in each row",
    estimand=(
        f"Mean number of the first {TOLD_SESSION} sessions of the first course that begin without a"
        " response before them (whoever stops without one counts with all of them), and chance of"
        f" a response by session {TOLD_SESSION}, along a number known at the start. It is an"
        " association."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
    show=_SHOWN,
)
def sessions_by_number(cohort: DerivedCohort, column: str = SEVERITY) -> Answer:
    """Restricted mean sessions to response, and share who respond, along a natural spline.

    Parameters
    ----------
    column : str
        `severity` (the baseline), `age`, another number of the patients table, or another scale.

    Returns
    -------
    Result
        For each outcome one row per value (`at`; the deciles of the people): `estimate` `ci_low`
        `ci_high` (pointwise), `null` `null_low` `null_high` (if sessions did nothing; for severity
        only), `difference` from the middle value and `adjusted` (the same at equal other
        characteristics), with intervals that hold along the whole curve; `chance` of such a curve
        if the number told nothing, `chance_bent` if the curve were straight (in percent, at equal
        other characteristics). Refused with fewer than `FEWEST_PEOPLE_FOR_SLOPE` people, or a
        number that is the same for all.

    Raises
    ------
    UsageError
        For a column that is no number.
    """
    name = plain_name(column)
    exits = first_course_exits(cohort).set_index("patient_id")
    number = _numbers(cohort, name).reindex(exits.index)
    # Whoever never was at risk has no pseudo-value, and a number nobody knows has no place.
    counted = exits[(exits["step"] > 0) & number.notna()]
    line = _line(counted, number.reindex(counted.index))
    others = others_of(name, known_characteristics(cohort, counted.index))
    rows = [
        row
        for place, outcome in enumerate(line.outcomes)
        for row in _rows(line, others, outcome, place)
    ]
    table = pd.DataFrame(rows)
    table, null_caveat = _with_null(table, cohort, name, line)
    table = table.reindex(columns=list(_ROLES))
    table["n"] = table["n"].astype("Int64")
    label = _label(cohort, name)
    return Answer(
        table=table,
        sentence=_sentence(table, label, len(line.points)),
        caveats=_caveats(cohort, label, null_caveat, line),
        level=LEVEL,
        rows=partial(exit_rows, "responded", counted, list(CAUSES)),
    )


def _numbers(cohort: DerivedCohort, name: str) -> pd.Series:
    """The number of each person, by `patient_id`."""
    there = characteristic_names(cohort)
    values = {each: characteristic_values(cohort, each) for each in there}
    # yes and no are numbers to pandas too
    numeric = [
        each
        for each, column in values.items()
        if pd.api.types.is_numeric_dtype(column.dtype)
        and not pd.api.types.is_bool_dtype(column.dtype)
    ]
    if name == SEVERITY:
        found = cohort.outcomes.set_index("patient_id")["baseline"]
    elif name in numeric:
        found = values[name]
    else:
        raise UsageError(
            f"{name!r} is no number known at the start. There are:"
            f" {', '.join([SEVERITY, *numeric])}."
        )
    return found.astype("Float64").astype(np.float64)


def _line(counted: pd.DataFrame, number: pd.Series) -> _Line:
    """The curve's columns and what each person adds."""
    values = number.to_numpy(float)
    if len(values) < FEWEST_PEOPLE_FOR_SLOPE or not np.ptp(values):
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE_FOR_SLOPE} people at risk have this number, or all have"
            " the same.",
            "the number for more people.",
        )
    share, sessions = pseudo_values(
        counted["step"].to_numpy(),
        counted["cause"].to_numpy(),
        len(CAUSES),
        TOLD_SESSION,
    )
    # Values that people have, so that nothing is told of a baseline of 17.4.
    points = np.unique(np.quantile(values, _TOLD_AT, method="inverted_cdf"))
    outcomes = {_SESSIONS: sessions, _SHARE: 100 * share}
    return _Line(values, outcomes, spline_knots(values), points)


def _rows(
    line: _Line,
    others: list[Characteristic],
    outcome: str,
    place: int,
) -> list[dict[str, Any]]:
    """One outcome at every value told, and how far each is from the middle one."""
    values = line.outcomes[outcome]
    columns = line.at(line.number)
    curve = _curve(columns, values, line.at(line.points), _LIMITS[outcome])
    nobody = np.zeros((len(values), 1))
    # Most is known of the middle, so the ends are compared with it.
    middle = line.at(line.points)[[len(line.points) // 2]]
    steps = line.at(line.points) - middle
    plain = adjusted_comparison(values, columns, nobody, [])
    equal = adjusted_comparison(values, columns, nobody, others)
    # The first column is the number itself; the others bend the line.
    chances = {"chance": 100 * equal.chance, "chance_bent": 100 * equal.chance_after(1)}
    # A baseline of 12 is not written as 12.0.
    whole = not (line.points % 1).any()
    rows = []
    for point, at in enumerate(line.points):
        cells: dict[str, Any] = {
            "key": f"{('sessions', 'share')[place]}_{point}",
            "unit": outcome,
            "at": int(at) if whole else float(at),
            "n": len(values),
            **{key: float(ends[point]) for key, ends in curve.items()},
        }
        rows.append(
            cells
            | plain.along("difference", steps[point], LEVEL)
            | equal.along("adjusted", steps[point], LEVEL)
            | chances
        )
    return rows


def _curve(
    columns: Floats, values: Floats, told: Floats, limits: tuple[float, float]
) -> dict[str, Floats]:
    """The curve at some values, with its pointwise interval."""
    from scipy.special import stdtrit

    n = len(values)
    x = np.column_stack([np.ones(n), columns])
    fitted = fit_clustered(x, values, np.arange(n))
    at = np.column_stack([np.ones(len(told)), told])
    estimate = at @ fitted.coefficients
    spread = np.einsum("ij,jk,ik->i", at, fitted.covariance, at)
    half = stdtrit(n - x.shape[1], (1 + LEVEL) / 2) * np.sqrt(spread)
    # No mean lies outside of what people can have, but a curve may.
    return {
        "estimate": np.clip(estimate, *limits),
        "ci_low": np.clip(estimate - half, *limits),
        "ci_high": np.clip(estimate + half, *limits),
    }


def _with_null(
    table: pd.DataFrame, cohort: DerivedCohort, name: str, line: _Line
) -> tuple[pd.DataFrame, str]:
    """The table with the same curve if sessions did nothing, and the caveat about it."""
    empty = table.assign(**dict.fromkeys(NULL_COLUMNS, np.nan))
    if name != SEVERITY:
        return empty, f"No null curve: {NO_CHARACTERISTICS}"
    try:
        found = benchmark(cohort, partial(_null_curves, line))
    except NotIdentified as error:
        return empty, no_null_caveat("curve", error)
    nulls = dict(zip(NULL_COLUMNS, (found.value, found.low, found.high), strict=True))
    return table.assign(**nulls), NULL_CAVEAT


def _null_curves(line: _Line, null: NullClinics) -> Floats:
    """Both outcomes of each simulated clinic at the same values, with the same knots."""
    try:
        exits = first_course_exits(null.cohort).set_index("patient_id")
    except NotIdentified:
        # The simulated clinics may have nobody to count.
        return np.full((len(null), len(line.outcomes) * len(line.points)), np.nan)
    counted = exits[exits["step"] > 0]
    number = _numbers(null.cohort, SEVERITY).reindex(counted.index)
    return null.each(counted.assign(number=number), partial(_null_curve, line))


def _null_curve(line: _Line, counted: pd.DataFrame) -> Floats:
    """The same of one clinic; missing where it has no curve."""
    try:
        other = _line(counted, counted["number"])
    except NotIdentified:
        return np.full(len(line.outcomes) * len(line.points), np.nan)
    # The same knots, so that the curves differ by their people alone.
    columns = line.at(other.number)
    told = line.at(line.points)
    return np.concatenate(
        [
            _curve(columns, values, told, _LIMITS[outcome])["estimate"]
            for outcome, values in other.outcomes.items()
        ]
    )


def _label(cohort: DerivedCohort, name: str) -> str:
    """The number as a reader knows it."""
    if name == SEVERITY:
        return f"{cohort.instrument.name} before session 1"
    return characteristic_label(cohort, name)


def _sentence(table: pd.DataFrame, label: str, n_points: int) -> str:
    """The curve at its ends and in the middle, whether it is beyond chance, and the null."""
    middle = n_points // 2
    last = n_points - 1
    said = (
        f"Low ({in_sentence(label)}: {{sessions_0.at}}):"
        f" {value_with_interval('sessions_0')} of the first {TOLD_SESSION} sessions begin without a"
        f" response before them, and {{share_0.estimate:%}} have responded by session"
        f" {TOLD_SESSION}. High ({{sessions_{last}.at}}):"
        f" {value_with_interval(f'sessions_{last}')} sessions, and {{share_{last}.estimate:%}} have"
        " responded."
    )
    # The interval that holds along the whole curve decides which word stands.
    row = table.set_index("key").loc[f"sessions_{last}"]
    beyond = row["adjusted_low"] > 0 or row["adjusted_high"] < 0
    judged = (
        " At equal other characteristics, high is"
        f" {value_with_interval(f'sessions_{last}', of='adjusted', ends='adjusted')} sessions from"
        f" the middle ({{sessions_{middle}.at}}):"
        + (
            " this is beyond chance."
            if beyond
            else " this is not beyond chance, which is not the same as no difference."
        )
    )
    null = (
        " If sessions did nothing, it would be about {sessions_0.null} and"
        f" {{sessions_{last}.null}} sessions."
        if table["null"].notna().all()
        else ""
    )
    return said + judged + null


def _caveats(
    cohort: DerivedCohort, label: str, null_caveat: str, line: _Line
) -> tuple[str, ...]:
    """What the curve is, what is held equal, and what it cannot say."""
    shape = (
        f"a natural cubic spline with {len(line.knots)} knots"
        if len(line.knots)
        else "a straight line, since most people share few values"
    )
    return (
        f"The curve in {label} is {shape}, by least squares on pseudo-values, one row a person."
        " Errors of differences are the larger of two: the usual one, and one that does not ask for"
        " equal spread. The intervals of the differences hold along the whole curve (Scheffé).",
        f"Whoever stops without a response counts with all {TOLD_SESSION} sessions: more sessions"
        " until a response are either a later response, or none. This does not say that more"
        " sessions would help.",
        "People whose log is too short, who were not yet scored, or whose number is not recorded"
        " are not counted.",
        null_caveat,
        f"{rule_words(cohort)}.",
    )
