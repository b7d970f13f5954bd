"""Rows of the one table of sessions and change, taken from the results of the methods; a refusal is
a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.next_session.answer_table import UNRECORDED
from kettrack.result import SUPPRESSED, Result

BIASED: Final = "biased by design"
CAUSAL: Final = "causal, under assumptions"
SECOND: Final = "second opinion"
DOUBTED: Final = "contradicted by its check"
CHECK: Final = "check"
USUAL_DIFFERENCE: Final = 3  # sessions; where no two strategies are compared
HORIZON: Final = "week 12"
Row = dict[str, Any]
Cells = dict[str, Any]


def cells_of(result: Result, key: str) -> Cells | None:
    """One row of a result; None where it has no such row, as after most refusals."""
    if result.table.empty or not (result.table["key"] == key).any():
        return None
    row = result.table[result.table["key"] == key].iloc[0]
    return {str(name): value for name, value in row.to_dict().items()}


def take(
    key: str, about: str, kind: str, cells: Cells | None, why: str, times: float = 1.0
) -> Row:
    """A row of the table from a row of another, or the reason why there is none.

    Parameters
    ----------
    why : str
        Reason where the whole method was refused.
    times : float
        Factor on the estimate and its interval.
    """
    row: Row = {"key": key, "about": about, "unit": "points", "kind": kind, "n": pd.NA}
    row |= {"status": "refused", "reason": why, "note": ""}
    if cells is None:
        return row
    row["n"] = cells["n"]
    for name in ("estimate", "ci_low", "ci_high"):
        row[name] = float(times * cells[name]) if pd.notna(cells[name]) else np.nan
    if pd.notna(cells["estimate"]):
        return row | {"status": "ok", "reason": ""}
    if cells.get(SUPPRESSED):
        return row | {
            "status": "hidden",
            "reason": "a small count is hidden under this policy",
        }
    return row | {
        "reason": str(
            cells.get("reason") or cells.get("note") or why or "nothing to go by"
        )
    }


def naive_rows(naive: Result, stop: Result) -> list[Row]:
    """What everyone plots, for as many sessions as the two strategies differ by; at week 12, else
    at the end of the course.
    """
    k, m = compared(stop)
    more = abs(k - m) if k and m else USUAL_DIFFERENCE
    fixed = cells_of(naive, "slope_fixed")
    name, when = (
        ("fixed", f"at {HORIZON}")
        if fixed is None or pd.notna(fixed["estimate"])
        else ("last", "at the end")
    )
    few = f"{more} more sessions" if more > 1 else "one more session"
    rows = (
        (
            "naive_slope",
            f"slope_{name}",
            f"People who ended up having {few}: change {when}",
        ),
        (
            "adjusted_slope",
            f"slope_{name}_adjusted",
            f"People who ended up having {few}, at equal baselines: score {when}",
        ),
    )
    return [
        take(key, about, BIASED, cells_of(naive, source), naive.reason, more)
        for key, source, about in rows
    ]


def doubted(following: Result) -> bool:
    """Whether the measure left out of the history shows that reasons nobody recorded decide who
    goes on.
    """
    control = cells_of(following, "negative_control")
    return control is not None and str(control["note"]).startswith(UNRECORDED)


def next_rows(following: Result) -> list[Row]:
    """One more session, among people still coming."""
    cells = cells_of(following, "next_session")
    about = "One more session soon, against none: people still coming, alike so far"
    if cells is None:
        return [take("next_session", about, CAUSAL, None, following.reason)]
    if not str(cells["about"]).startswith("one more"):
        on, off = (cells_of(following, f"{arm}_sessions") for arm in ("on", "off"))
        given = (
            f" ({on['estimate']:.1f} v {off['estimate']:.1f} sessions)"
            if on and off and _seen(on, off)
            else ""
        )
        about = f"Going on, against pausing{given}: people still coming, alike so far"
    day = cells_of(following, "on_day")
    when = (
        f"; score about {day['estimate']:.0f} days later" if day and _seen(day) else ""
    )
    return [take("next_session", about + when, CAUSAL, cells, following.reason)]


def _seen(*rows: Cells) -> bool:
    return all(pd.notna(cells["estimate"]) for cells in rows)


def compared(stop: Result) -> tuple[int | None, int | None]:
    """The two numbers of sessions compared, where they were chosen."""
    if "k" not in stop.table or stop.table.empty:
        return None, None
    k, m = (stop.table[name].dropna() for name in ("k", "m"))
    return (int(k.iloc[0]), int(m.iloc[0])) if len(k) and len(m) else (None, None)


def stop_rows(stop: Result) -> list[Row]:
    """Stopping after k against stopping after m, three ways."""
    k, m = compared(stop)
    pair = (
        f"{k} sessions rather than {m}"
        if k and m
        else "more sessions rather than fewer"
    )
    rows = (
        (
            "stop_after",
            f"If everyone had stopped after {pair}: score at {HORIZON}",
            CAUSAL,
        ),
        ("strict", "The same, only from those who stopped exactly there", CAUSAL),
        ("g_formula", "The same, by models of the score week by week", SECOND),
    )
    again = "the comparison above is refused"
    return [
        take(
            key,
            about,
            kind,
            cells_of(stop, key),
            stop.reason if key == "stop_after" else again,
        )
        for key, about, kind in rows
    ]


def check_rows(
    following: Result, stop: Result, calibrations: Sequence[Result]
) -> list[Row]:
    """What would change our mind about the answers above."""
    why = "the answer to one more session is refused"
    rows = [
        _next_check(following, key, about, unit, why)
        for key, about, unit in _NEXT_CHECKS
    ]
    why = "the comparison of stopping after so many is refused"
    for key, number, unnamed in zip(
        ("k", "m"), compared(stop), ("the more", "the fewer"), strict=True
    ):
        about = f"people's worth of information on stopping after {number or unnamed}"
        rows.append(
            _check(
                _moved(stop, f"window_{key}", "ess"),
                f"effective_{key}",
                about,
                "people",
                why,
            )
        )
    about = "of the information on one of the two comes from a single person"
    share = _moved(stop, "stop_after", "largest_share", 100)
    rows.append(_check(share, "largest_share", about, "%", why))
    return rows + [
        row for calibration in calibrations for row in _calibration_rows(calibration)
    ]


def _next_check(following: Result, key: str, about: str, unit: str, why: str) -> Row:
    """A check of one more session; where a measure was left out of the history it is named."""
    cells = cells_of(following, key)
    named = (
        str(cells["about"]) if cells and key.startswith("negative_control") else about
    )
    return _check(cells, key, named, unit, why)


def _moved(result: Result, key: str, column: str, times: float = 1.0) -> Cells | None:
    """A row with another of its columns as the estimate."""
    cells = cells_of(result, key)
    if cells is None or column not in cells:
        return None
    return cells | {
        "estimate": times * cells[column],
        "ci_low": np.nan,
        "ci_high": np.nan,
        "note": "",
    }


def _check(cells: Cells | None, key: str, about: str, unit: str, why: str) -> Row:
    row = take(key, about, CHECK, cells, why) | {"unit": unit}
    return row | (
        {"note": str(cells.get("note", ""))} if cells and row["status"] == "ok" else {}
    )


def _calibration_rows(calibration: Result) -> list[Row]:
    """What a method finds in simulated cohorts like this one, of those in which it answers."""
    method, words = _CALIBRATED[calibration.name]
    like = "simulated cohorts like this one"
    asked = (
        (
            "zero",
            f"{method}_0",
            "holds",
            "%",
            f"of the answers to {words} in {like} hold 0 in their interval when sessions do nothing",
        ),
        (
            "point",
            f"{method}_1",
            "bias",
            "points",
            f"mean error of {words}, in {like} in which each session takes off 1 point",
        ),
    )
    rows = []
    for key, source, column, unit, about in asked:
        row = _check(
            _moved(calibration, source, column),
            f"{calibration.name}_{key}",
            about,
            unit,
            calibration.reason,
        )
        cells = cells_of(calibration, source)
        refused = (
            0.0
            if cells is None or pd.isna(cells["refused"])
            else float(cells["refused"])
        )
        rows.append(
            row | ({"note": f"refused in {refused:.0f} % of them"} if refused else {})
        )
    return rows


# Result of a calibration -> key of its rows, and what it tried.
_CALIBRATED: Final = {
    "calibration": ("next_session", "one more session"),
    "stop_after_calibration": ("stop_after", "stopping after so many"),
}
_NEXT_CHECKS: Final = (
    (
        "negative_control",
        (
            "a measure left out of the history, at the same time: those who went on less similar"
            " others"
        ),
        "points",
    ),
    ("negative_control_detectable", "imbalance in it that would have been seen", "SD"),
    (
        "e_value",
        "strength of an unrecorded reason that would remove the answer to one more session",
        "risk ratio",
    ),
    (
        "e_value_limit",
        "strength of one that would make its interval reach 0",
        "risk ratio",
    ),
    ("overlap", "of the decisions to go on could have gone either way", "%"),
)
