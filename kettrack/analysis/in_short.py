"""The mission's question in its shortest form: how many sessions, and how long it lasts, each with
its caution.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd

from kettrack.analysis.context import FEWEST
from kettrack.result import Result

STEPS: Final = (2, 4, 6)  # sessions named on the way to the last one that is named
WEEK: Final = 7
WEEKS: Final = (4, 8)
_COUNTED: Final = (
    "This is what happened here, with everyone who started counted; not what more sessions"
    " would do."
)
_FOLLOWED: Final = (
    "How long a response lasts without more sessions is another question."
)


def how_many_sessions(response: Result) -> Result:
    """By which session half had responded, or that fewer than half did.

    Parameters
    ----------
    response : Result
        From `response_by_session`, through the gate.

    Returns
    -------
    Result
        The same table with a shorter sentence; a refusal as it is.
    """
    sentence = "" if response.status == "refused" else _sessions_said(response.table)
    return replace(response, name="how_many_sessions", sentence=sentence)


def _sessions_said(table: pd.DataFrame) -> str:
    last = int(table["session"].iloc[-1])
    steps = sorted({step for step in STEPS if step < last} | {last})
    shares = ", ".join(
        f"{{row{n}.estimate}} % ({{row{n}.ci_low}}-{{row{n}.ci_high}}) by session {n}"
        for n in steps
    )
    at = min(STEPS[-1], last)
    null = (
        " If the sessions did nothing, a model fitted to this clinic expects about"
        f" {{row{at}.null}} % by session {at}."
    )
    return (
        f"{_half_said(table.iloc[-1])}: {shares}.{null if table['null'].notna().any() else ''}"
        f" {_COUNTED}"
    )


def _half_said(end: pd.Series) -> str:
    row = f"row{end['session']:.0f}"
    if pd.isna(end["half_by"]):
        return (
            f"Fewer than half had responded by session {end['session']:.0f}, the last that can be"
            " shown"
        )
    low, high = (
        f"{{{row}.{name}}}" if pd.notna(end[name]) else "not reached"
        for name in ("half_by_low", "half_by_high")
    )
    return f"Half had responded by session {{{row}.half_by}} (95 % interval {low} to {high})"


def how_long(durability: Result) -> Result:
    """What share still held a response 4 and 8 weeks after it was first seen.

    Parameters
    ----------
    durability : Result
        From `durability_from_response`, through the gate.

    Returns
    -------
    Result
        The same table with a shorter sentence; a refusal as it is.
    """
    sentence = "" if durability.status == "refused" else _weeks_said(durability.table)
    return replace(durability, name="how_long_it_lasts", sentence=sentence)


def _weeks_said(table: pd.DataFrame) -> str:
    rows = table[
        (table["estimand"] == "treatment_policy") & (table["rule"] == "in_force")
    ]
    single = table[
        (table["estimand"] == "treatment_policy") & (table["rule"] == "single_score")
    ]
    first = f"{{{rows['key'].iloc[0]}.n}}"
    end = int(rows["day"].iloc[-1]) // WEEK
    held = [share for weeks in WEEKS if (share := _held(rows, weeks))]
    if not held:
        few = f"fewer than {FEWEST} were followed by scores for {WEEKS[0]} weeks"
        return f"{first} people responded; {few}, which is too few to say how long it lasted."
    beyond = (
        f"; {_held(rows, end)}, the last that can be shown" if end > WEEKS[-1] else ""
    )
    again = (
        f"{{treatment_policy_in_force_{WEEK * WEEKS[0]}.retreated}} of them had another session"
        f" within {WEEKS[0]} weeks"
    )
    rule = " A loss counts once a second score confirms it" if len(single) else ""
    by_one = (
        f"; by a single score, {share}" if (share := _held(single, WEEKS[0])) else ""
    )
    return (
        f"Of {first} people who responded, still held it: {', '.join(held)}{beyond}. Sessions may"
        f" have followed: {again}. {_FOLLOWED}{f'{rule}{by_one}.' if rule else ''}"
    )


def _held(rows: pd.DataFrame, weeks: int) -> str:
    """The share after so many weeks with its interval; empty where the curve does not reach so
    far.
    """
    key = rows.loc[rows["day"] == WEEK * weeks, "key"].to_list()
    return (
        f"{{{key[0]}.estimate}} % ({{{key[0]}.ci_low}}-{{{key[0]}.ci_high}}) after {weeks} weeks"
        if key
        else ""
    )


def who_the_shares_count(ladder: Result, response: Result) -> str:
    """How the people behind the shares by session fit the ladder; nothing under a release policy,
    or where it was refused.
    """
    if response.status == "refused" or ladder.policy != "internal":
        return ""
    n = int(response.table["n"].iloc[0])
    too_new = int(response.table["too_new"].iloc[0])
    steps = ladder.table.set_index("key")
    analysable = int(steps["left"]["analysable"])
    unscored = int(steps["lost"]["no_follow_up"])
    if n == analysable:
        return ""
    if n + too_new == analysable + unscored:
        whole = f"{n + too_new:,} people: the {analysable:,} and the {unscored:,} never scored"
    else:
        whole = (
            f"{n + too_new:,} people: everyone with a rated baseline and no session before the"
            " log, scored or not"
        )
    waiting = f", {too_new:,} not yet" if too_new else ""
    complete = f"{n:,} of them have a log that is complete for 60 days after session 1{waiting}"
    return f" Shares by session are about {whole}; {complete}."
