"""One sentence on what the data can and cannot say about sessions and change."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from kettrack.analysis.association.association import EXPECTED
from kettrack.analysis.next_session.answer import (
    ENOUGH_OVERLAP_PERCENT,
    NO_DIFFERENCE_FITS,
    signed_interval,
)
from kettrack.analysis.session_answers.rows import DOUBTED

_DOUBT: Final = (
    "But a measure left out of the adjustment differs by {negative_control.estimate} points"
    " ({negative_control.ci_low} to {negative_control.ci_high}) between those who went on and"
    " those who did not at equal histories: reasons that were not recorded decide who goes on, so"
    " none of these differences must be read as what sessions do."
)
Row = dict[str, Any]


def one_sentence(table: pd.DataFrame) -> str:
    """Template of the text: what goes with more sessions, what one more session does, what stopping
    later does.

    Parameters
    ----------
    table : DataFrame
        Of `session_answers`.
    """
    rows = {
        str(row["key"]): {str(name): value for name, value in row.items()}
        for row in table.to_dict("records")
    }
    parts = [
        _naive(rows["adjusted_slope"]),
        _next(rows["next_session"], rows),
        _stop(rows["stop_after"]),
    ]
    return " ".join(
        [*parts, _DOUBT] if rows["next_session"]["kind"] == DOUBTED else parts
    )


def _naive(row: Row) -> str:
    if row["status"] != "ok":
        return f"How the score goes with the number of sessions cannot be described: {_why(row)}."
    meaning = "better" if _way(row) == row["better"] else "worse"
    who, when = row["about"].split(": ")
    return (
        f"{who}, scored {{adjusted_slope.size}} points {_way(row)} {when.removeprefix('score ')} "
        f"({_interval('adjusted_slope', row)}). {EXPECTED[meaning]}"
    )


def _next(row: Row, rows: dict[str, Row]) -> str:
    if row["status"] != "ok":
        return f"These data cannot say what one more session changes: {_why(row)}."
    one = row["about"].startswith("One more")
    later = (
        f"{row['about'].rpartition('; score ')[2]} "
        if "; score " in row["about"]
        else ""
    )
    said = (
        f"Among people still coming, those who {'had one more session' if one else 'went on'}"
        f" scored {{next_session.size}} points {_way(row)} {later}than similar people who"
        f" {'did not' if one else 'paused'} ({_interval('next_session', row)})."
    )
    shared = rows["overlap"]
    if shared["status"] == "ok" and shared["estimate"] < ENOUGH_OVERLAP_PERCENT:
        said += (
            " Only {overlap.estimate} % of the decisions could have gone either way; for the"
            " others the models speak."
        )
    if row["kind"] == DOUBTED:
        return said
    said += " It assumes we recorded the reasons people stop"
    if _holds_none(row):
        return f"{said}. {NO_DIFFERENCE_FITS}"
    factor = (
        "; a reason linked to both by a factor of {e_value.estimate} would remove it"
    )
    return said + (factor if rows["e_value"]["status"] == "ok" else "") + "."


def _stop(row: Row) -> str:
    if row["status"] != "ok":
        why = _why(row)
        return (
            f"{why[0].upper()}{why[1:]}."
            if "cannot say" in why
            else f"Stopping later cannot be compared: {why}."
        )
    said = (
        f"{row['about'].split(':')[0]}, the score at week 12 would have been {{stop_after.size}}"
        f" points {_way(row)} ({_interval('stop_after', row)}), as far as the recorded history"
        " explains who stops."
    )
    return f"{said} {NO_DIFFERENCE_FITS}" if _holds_none(row) else said


def _holds_none(row: Row) -> bool:
    return bool(row["ci_low"] <= 0 <= row["ci_high"])


def _interval(key: str, row: Row) -> str:
    return signed_interval(key, _way(row), _holds_none(row))


def _way(row: Row) -> str:
    return "lower" if row["estimate"] < 0 else "higher"


def _why(row: Row) -> str:
    return str(row["reason"]).rstrip(".")
