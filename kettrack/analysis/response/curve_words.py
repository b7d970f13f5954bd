"""What the curve by session says in words: the share by the usual length of a course, what had
become of the others, and when half had responded.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import shown_steps
from kettrack.vocabulary.plain_words import share_with_interval

# First session with one half, and the ends of its interval.
MEDIAN: Final[tuple[str, ...]] = ("half_by", "half_by_low", "half_by_high")
# The session that the sentence tells: the usual length of a course in the trials (six infusions).
TOLD_SESSION: Final = 6
HAPPENED: Final = {"response": "responded", "remission": "remitted"}


# The good figure and the bad one of a curve: no sentence tells one without the other.
GOOD_AND_BAD: Final[tuple[str, str]] = ("estimate", "stopped")


def told_steps(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a curve that a sentence may tell: those with a share, and beside it whoever had
    stopped; all rows with a share where a policy hides in each of them who had stopped.
    """
    steps = shown_steps(table)
    both = steps[[*GOOD_AND_BAD]].notna().all(axis=1)
    return steps[both] if both.any() else steps


def told_session(table: pd.DataFrame, usual: int = TOLD_SESSION) -> int:
    """The session that a sentence tells: the last one that can be told up to the usual one, or the
    first one after it.
    """
    sessions = told_steps(table)["session"]
    early = sessions[sessions <= usual]
    return int(early.iloc[-1] if len(early) else sessions.iloc[0])


def session_sentence(table: pd.DataFrame, event: str) -> str:
    """What had happened by session 6, or by the last session shown.

    Parameters
    ----------
    table : DataFrame
        Of the curve, with what stands beside it.
    event : {"response", "remission"}
        What it is about.
    """
    row = f"row{told_session(table)}"
    happened = HAPPENED[event]
    return (
        f"Of {{{row}.n}} people who started with a rated baseline, {share_with_interval(row)} had"
        f" {happened} by session {{{row}.session}} of their first course; {{{row}.stopped:%}} had"
        f" stopped without a {event}, {{{row}.completed:%}} had completed the course without a"
        f" {event}, {{{row}.not_scored:%}} were never scored after its last session,"
        f" {{{row}.scored_later:%}} were scored only later, and {{{row}.still_in_course:%}} were"
        f" still in the course. {unscored_words(row, happened)}"
        f"{waiting_words(table, row)}{_confirmed_words(row, happened)}"
        f"{null_words(table, row, happened)}"
        f"{_median_words(shown_steps(table).iloc[-1], happened)}"
    )


def unscored_words(row: str, happened: str) -> str:
    """How far those whom nobody scored in time could move the share.

    Parameters
    ----------
    row : str
        Key of the row, as a template names it.
    happened : str
        What the people of the share had done.
    """
    return (
        f"If everyone who was not scored in time had {happened} as well, it would be"
        f" {{{row}.at_most:%}}. "
    )


def waiting_words(table: pd.DataFrame, row: str) -> str:
    """Who is too new to be counted; empty where nobody is."""
    if table["too_new"].eq(0).all():
        return ""
    return f"{{{row}.too_new}} more people cannot be counted yet. "


def _confirmed_words(row: str, happened: str) -> str:
    """The same share where a second score must show it again."""
    share = share_with_interval(row, of="confirmed", ends="confirmed")
    return f"When a second score must confirm it, {share} had {happened}. "


def null_words(table: pd.DataFrame, row: str, happened: str) -> str:
    """What sessions that do nothing would show, by one score and by two; empty without a null.

    Parameters
    ----------
    table : DataFrame
        Of the curve.
    row : str
        Key of the row, as a template names it.
    happened : str
        What the people of the share had done.
    """
    if table["null"].isna().all():
        return ""
    return (
        "In a model fitted to this clinic in which sessions do nothing, about"
        f" {{{row}.null:%}} (95 % interval {{{row}.null_low:%}} to {{{row}.null_high:%}}) had"
        f" {happened} by then, and about {{{row}.null_confirmed:%}} when a second score must"
        " confirm it. "
    )


def _median_words(end: pd.Series, happened: str) -> str:
    """The median with its interval, read off the last row."""
    row = f"row{end['session']:.0f}"
    low, high = (
        f"{{{row}.{name}}}" if pd.notna(end[name]) else "not reached"
        for name in MEDIAN[1:]
    )
    has_low = pd.notna(end["half_by_low"])
    if pd.notna(end["half_by"]):
        # Everybody at once: a share of 100 % has no interval, and neither has its median.
        interval = f" (95 % interval {low} to {high})" if has_low else ""
        return (
            f"Half of the people had {happened} by session {{{row}.half_by}}{interval}."
        )
    interval = f" (95 % interval {low} to not reached)" if has_low else ""
    return (
        f"Fewer than half had {happened} by session {{{row}.session}}, the last session that can"
        f" be shown, so the median is not reached{interval}."
    )
