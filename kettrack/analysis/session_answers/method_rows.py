"""Rows of the one table of sessions and change, taken from the results of the methods; a refusal is
a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.analysis.next_session.answer_table import ONE_MORE, UNRECORDED
from kettrack.result import SUPPRESSED, Result
from kettrack.vocabulary.days import DAYS_IN_WEEK, HORIZON_DAYS
from kettrack.vocabulary.limits import FEWEST_SIMULATED_ANSWERS

BIASED: Final = "biased by design"
CAUSAL: Final = "causal, under assumptions"
SECOND_OPINION: Final = "second opinion"
CONTRADICTED: Final = "contradicted by its check"
CHECK: Final = "check"
# Difference in sessions of the naive rows where no two strategies are compared.
USUAL_DIFFERENCE: Final = 3
HORIZON_WORDS: Final = f"week {HORIZON_DAYS // DAYS_IN_WEEK}"
# Scaled together: a factor on a slope is one on its interval too.
_INTERVAL: Final = ("estimate", "ci_low", "ci_high")
# Result of a calibration -> key of its rows, and what it tried.
_CALIBRATED: Final = {
    "calibration": ("next_session", "one more session"),
    "stop_after_calibration": (
        "stop_after",
        "stopping after one number of sessions rather than another",
    ),
}
# Key, what it is, and its unit; with the unit % the number comes before the words.
_NEXT_SESSION_CHECKS: Final = (
    (
        "negative_control",
        (
            "a measure left out of the history, at the time of the decision: those who went on"
            " minus similar others"
        ),
        "points",
    ),
    (
        "negative_control_detectable",
        "smallest difference in it that this test would usually have found",
        "SD",
    ),
    (
        "e_value",
        (
            "strength of an unrecorded reason that would explain the whole difference of one more"
            " session"
        ),
        "risk ratio",
    ),
    (
        "e_value_limit",
        "strength of an unrecorded reason that would bring its interval to 0",
        "risk ratio",
    ),
    ("overlap", "of the decisions to go on could have gone either way", "%"),
)
MethodRow = dict[str, Any]


def cells_of(result: Result, key: str) -> MethodRow | None:
    """One row of a result; None where it has no such row, as after most refusals."""
    if result.table.empty:
        return None
    rows = result.table[result.table["key"] == key]
    if rows.empty:
        return None
    return {str(name): value for name, value in rows.iloc[0].to_dict().items()}


def row_from(
    key: str,
    about: str,
    kind: str,
    cells: MethodRow | None,
    why: str,
    times: float = 1.0,
) -> MethodRow:
    """A row of the table from a row of another, or the reason why there is none.

    Parameters
    ----------
    why : str
        Reason where the whole method was refused.
    times : float
        Factor on the estimate and its interval.
    """
    row: MethodRow = {
        "key": key,
        "about": about,
        "unit": "points",
        "kind": kind,
        "n": pd.NA,
        "status": "refused",
        "reason": why,
        "note": "",
    }
    if cells is None:
        return row
    row["n"] = cells["n"]
    for name in _INTERVAL:
        row[name] = float(times * cells[name]) if pd.notna(cells[name]) else np.nan
    if pd.notna(cells["estimate"]):
        return row | {"status": "ok", "reason": ""}
    # a hidden number is no refusal, and its cells must not say more than that it is hidden
    if cells.get(SUPPRESSED):
        hidden = "a small count is hidden under this policy"
        return row | {"status": "hidden", "reason": hidden}
    reason = cells.get("reason") or cells.get("note") or why
    return row | {"reason": str(reason or "the method gives no number for it")}


def naive_rows(naive: Result, stop: Result) -> list[MethodRow]:
    """What everyone plots, for as many sessions as the two strategies differ by; at the horizon,
    else at the end of the course.
    """
    k, m = sessions_compared(stop)
    # the naive answer to the same question as that of the two strategies
    more = abs(k - m) if k and m else USUAL_DIFFERENCE
    who = f"People who had {_more_sessions(more)} in the end"
    at_horizon = cells_of(naive, "slope_fixed")
    name = "fixed"
    when = f"at {HORIZON_WORDS}"
    # where nobody is scored at the horizon, the end of the course is left
    if at_horizon is not None and pd.isna(at_horizon["estimate"]):
        name = "last"
        when = "at the end of the course"
    rows = (
        ("naive_slope", f"slope_{name}", f"{who}: change {when}"),
        (
            "adjusted_slope",
            f"slope_{name}_adjusted",
            f"{who}, at equal baselines: score {when}",
        ),
    )
    return [
        row_from(key, about, BIASED, cells_of(naive, source), naive.reason, more)
        for key, source, about in rows
    ]


def _more_sessions(more: int) -> str:
    return f"{more} more sessions" if more > 1 else ONE_MORE


def is_contradicted(following: Result) -> bool:
    """Whether the measure left out of the history shows that reasons nobody recorded decide who
    goes on.
    """
    control = cells_of(following, "negative_control")
    return control is not None and str(control["note"]).startswith(UNRECORDED)


def next_rows(following: Result) -> list[MethodRow]:
    """One more session, among people still coming."""
    cells = cells_of(following, "next_session")
    about = "One more session soon, against none: people still coming, alike so far"
    if cells is None:
        return [row_from("next_session", about, CAUSAL, None, following.reason)]
    if not str(cells["about"]).startswith(ONE_MORE):
        received = _sessions_received(following)
        about = (
            f"Going on, against pausing{received}: people still coming, alike so far"
        )
    # hidden where a small count stands behind it
    day = cells_of(following, "on_day")
    if day and _shown(day):
        about += f"; score about {day['estimate']:.0f} days later"
    return [row_from("next_session", about, CAUSAL, cells, following.reason)]


def _sessions_received(following: Result) -> str:
    """Mean sessions of those who went on and of those who paused, where they are shown."""
    on = cells_of(following, "on_sessions")
    off = cells_of(following, "off_sessions")
    if not (on and off and _shown(on, off)):
        return ""
    return f" ({on['estimate']:.1f} v {off['estimate']:.1f} sessions)"


def _shown(*rows: MethodRow) -> bool:
    return all(pd.notna(cells["estimate"]) for cells in rows)


def sessions_compared(stop: Result) -> tuple[int | None, int | None]:
    """The two numbers of sessions compared, where they were chosen."""
    if "k" not in stop.table or stop.table.empty:
        return None, None
    # every row of one answer compares the same two
    k = stop.table["k"].dropna()
    m = stop.table["m"].dropna()
    if k.empty or m.empty:
        return None, None
    return int(k.iloc[0]), int(m.iloc[0])


def stop_rows(stop: Result) -> list[MethodRow]:
    """Stopping after k against stopping after m, three ways."""
    k, m = sessions_compared(stop)
    pair = (
        f"{k} sessions rather than {m}"
        if k and m
        else "more sessions rather than fewer"
    )
    about = f"If everyone had stopped after {pair}: score at {HORIZON_WORDS}"
    strict = "The same, only from those who stopped exactly there"
    by_models = "The same, by models of the score week by week"
    rows = (
        ("stop_after", about, CAUSAL, stop.reason),
        ("strict", strict, CAUSAL, stop.reason),
        ("g_formula", by_models, SECOND_OPINION, stop.reason),
    )
    found = [
        row_from(key, about, kind, cells_of(stop, key), why)
        for key, about, kind, why in rows
        # refused with the whole, they would only say it once more
        if key == "stop_after" or cells_of(stop, key) is not None
    ]
    return [_as_check(row) if row["key"] != "stop_after" else row for row in found]


def _as_check(row: MethodRow) -> MethodRow:
    """Another way to the same answer that is refused: no answer, but a reason to doubt the one
    there is.
    """
    return row | {"kind": CHECK} if row["status"] == "refused" else row


def check_rows(
    following: Result, stop: Result, calibrations: Sequence[Result]
) -> list[MethodRow]:
    """What would change our mind about the answers above."""
    # first the checks of one more session, then those of stopping after a number of sessions
    # a method that is refused has nothing to be checked: its own row says why
    rows = [
        _next_session_check(following, key, about, unit)
        for key, about, unit in _NEXT_SESSION_CHECKS
        if cells_of(following, "next_session") is not None
    ]
    if cells_of(stop, "stop_after") is not None:
        rows += _weight_checks(stop)
    said = {following.reason, stop.reason}
    for calibration in calibrations:
        # refused for the reason of the answer itself, it would only say it once more
        if calibration.status == "ok" or calibration.reason not in said:
            rows += _calibration_rows(calibration)
    return rows


def _next_session_check(
    following: Result, key: str, about: str, unit: str
) -> MethodRow:
    """A check of one more session; where a measure was left out of the history it is named."""
    cells = cells_of(following, key)
    if cells and key.startswith("negative_control"):
        about = str(cells["about"])
    return _check(cells, key, about, unit, "the answer to one more session is refused")


def _weight_checks(stop: Result) -> Iterator[MethodRow]:
    """On how many people the two sides of `stop_after` rest."""
    why = "the comparison of two numbers of sessions is refused"
    k, m = sessions_compared(stop)
    sides = (
        ("k", f"{k} sessions" if k else "the larger number of sessions"),
        ("m", f"{m} sessions" if m else "the smaller number of sessions"),
    )
    for key, sessions in sides:
        about = f"effective sample size for stopping after {sessions}"
        cells = _with_estimate(cells_of(stop, f"window_{key}"), "ess")
        yield _check(cells, f"effective_{key}", about, "people", why)
    about = "of the weight on one of the two sides is that of a single person"
    # a share from 0 to 1 is shown in percent
    cells = _with_estimate(cells_of(stop, "stop_after"), "largest_share", times=100)
    yield _check(cells, "largest_share", about, "%", why)


def _with_estimate(
    cells: MethodRow | None, column: str, times: float = 1.0
) -> MethodRow | None:
    """A row with another of its columns as the estimate."""
    if cells is None or column not in cells:
        return None
    return cells | {
        "estimate": times * cells[column],
        "ci_low": np.nan,
        "ci_high": np.nan,
        "note": "",
    }


def _check(
    cells: MethodRow | None, key: str, about: str, unit: str, why: str
) -> MethodRow:
    row = row_from(key, about, CHECK, cells, why) | {"unit": unit}
    # the note of a refused row is its reason already
    if cells and row["status"] == "ok":
        row["note"] = str(cells.get("note", ""))
    return row


def _calibration_rows(calibration: Result) -> Iterator[MethodRow]:
    """What a method finds in simulated cohorts like this one, of those in which it answers."""
    method, words = _CALIBRATED[calibration.name]
    like = "simulated cohorts like this one"
    checks = (
        (
            "zero",
            f"{method}_0",
            "holds",
            "%",
            f"of the intervals for {words} in {like} include 0 when sessions do nothing",
        ),
        (
            "point",
            f"{method}_1",
            "bias",
            "points",
            f"mean error for {words} in {like}, when each session lowers the score by 1 point",
        ),
    )
    nothing = False
    for key, source, column, unit, about in checks:
        cells = cells_of(calibration, source)
        # what is refused where sessions do nothing is said by that row alone
        if nothing:
            continue
        row = _check(
            _with_estimate(cells, column),
            f"{calibration.name}_{key}",
            about,
            unit,
            calibration.reason,
        )
        if cells is not None and row["status"] == "ok":
            row |= _simulation_error(cells, column)
        nothing = row["status"] == "refused"
        if cells is not None and nothing:
            row["reason"] = (
                f"it answered in {cells['answers']:.0f} of {cells['cohorts']:.0f} simulated"
                f" cohorts; {FEWEST_SIMULATED_ANSWERS} answers are necessary"
            )
        refused = 0.0 if cells is None else cells["refused"]
        # shares are of the cohorts that were answered, so the others must be said
        if pd.notna(refused) and refused:
            row["note"] = f"refused in {refused:.0f} % of them"
        yield row


def _simulation_error(cells: MethodRow, column: str) -> MethodRow:
    """Interval of a figure of a calibration: what the number of simulated cohorts leaves open."""
    if column == "holds":
        return {"ci_low": cells["holds_low"], "ci_high": cells["holds_high"]}
    half = NORMAL_QUANTILE * cells["bias_error"]
    return {"ci_low": cells["bias"] - half, "ci_high": cells["bias"] + half}
