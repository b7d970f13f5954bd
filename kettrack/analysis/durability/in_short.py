"""How long a response lasts, in the short words of the first page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pandas as pd

from kettrack.analysis.durability.counts import Estimand
from kettrack.analysis.durability.words import (
    DAYS_SAID,
    firsts_said,
    rows_said,
    silent_said,
    single_beside,
)
from kettrack.result import Result
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.plain_words import share_with_interval

_TWO_SCORES: Final = "A loss of response counts once a second score confirms it."
_STRATEGIES: Final = (
    "Three other questions count another session in their own way, after the strategies of ICH"
    " E9(R1)."
)
_NO_ADVICE: Final = (
    "These shares do not say whether another session keeps a response longer."
)


def how_long_it_lasts(held: Result) -> Result:
    """What came first after the first course, a loss or another session; and who was still
    responding by each strategy for other sessions.

    Parameters
    ----------
    held : Result
        From `durability`, through the gate.

    Returns
    -------
    Result
        The same table with a shorter sentence; a refusal as it is.
    """
    return _in_short(held, "how_long_it_lasts", _after_course_sentence)


def _in_short(
    held: Result, name: str, sentence_of: Callable[[pd.DataFrame], str]
) -> Result:
    """The same table under another name and with a shorter sentence."""
    # A refusal has no table to read.
    refused = held.status == "refused"
    sentence = "" if refused else sentence_of(held.table)
    return replace(held, name=name, table_of=held.name, sentence=sentence)


def _after_course_sentence(table: pd.DataFrame) -> str:
    """What had come first by the days said, the three strategies at the last of them, and the
    silent.
    """
    n = f"{{{table['key'].iloc[0]}.n}}"
    started = f"{n} people were responding when their planned first course ended."
    # Each on a line of its own: so many numbers in one paragraph are read by nobody.
    firsts = "\n".join(filter(None, (firsts_said(table, day) for day in DAYS_SAID)))
    if not firsts:
        return f"{started} {_too_few_words()} {silent_said(table)}".strip()
    confirmed = (table["rule"] == "single_score").any()
    parts = [
        started,
        firsts,
        _TWO_SCORES if confirmed else "",
        _STRATEGIES,
        _strategy_words(
            table,
            "treatment_policy",
            "Whatever sessions followed (treatment policy)",
            "were still responding",
        ),
        _strategy_words(
            table,
            "hypothetical",
            "If nobody had had another session (hypothetical)",
            "would still be responding",
        ),
        _strategy_words(
            table,
            "composite",
            "When another session counts as a loss (composite)",
            "were still responding",
        ),
        silent_said(table),
        _NO_ADVICE,
    ]
    return "\n".join(part for part in parts if part)


def _too_few_words() -> str:
    """That the curve ends before the first day said."""
    return (
        f"{DAYS_SAID[0] // DAYS_IN_WEEK} weeks later, fewer than {FEWEST_PEOPLE} of them had lost"
        " it or were still scored, which is too few to say how long it lasted."
    )


def _strategy_words(table: pd.DataFrame, kind: Estimand, name: str, still: str) -> str:
    """The share by one strategy at the last day said that its curve reaches."""
    rows = rows_said(table, kind)
    if not rows:
        return f"{name}: too few people are left to say."
    key, day = rows[-1]
    return (
        f"{name}, {share_with_interval(key)} {still} after {day // DAYS_IN_WEEK} weeks"
        f"{single_beside(table, key)}."
    )


def how_long_from_response(held: Result) -> Result:
    """The second view: the same people and others from the first response on, whatever followed.

    Parameters
    ----------
    held : Result
        From `durability_from_response`, through the gate.

    Returns
    -------
    Result
        The same table with a shorter sentence; a refusal as it is.
    """
    return _in_short(held, "how_long_from_response", _from_response_sentence)


def _from_response_sentence(table: pd.DataFrame) -> str:
    """The shares at the days said and at the end of the curve, and who had another session."""
    rows = table[table["estimand"] == "treatment_policy"]
    rows = rows[rows["rule"] == "in_force"]
    n = f"{{{rows['key'].iloc[0]}.n}}"
    said = rows_said(table, "treatment_policy")
    if not said:
        few = f"{n} people responded during their first course. {_too_few_words()}"
        return f"{few} {silent_said(table)}".strip()
    shares = [
        f"After {day // DAYS_IN_WEEK} weeks: {share_with_interval(key)}"
        f"{single_beside(table, key)}."
        for key, day in said
    ]
    key, day = said[-1]
    lines = "\n".join(shares)
    return (
        f"Counted from the first response of {n} people, this many were still responding, whatever"
        f" sessions followed.\n{lines}\n{{{key}.retreated}} of them had a session"
        f" after their first course within {day // DAYS_IN_WEEK} weeks. {silent_said(table)}"
    ).strip()
