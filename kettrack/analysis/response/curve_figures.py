"""How the figures of the curve by session are made of its counts, when a policy rounds them."""

from __future__ import annotations

from typing import Final

from kettrack.analysis.response.curve_words import MEDIAN
from kettrack.analysis.response.exits import CAUSES
from kettrack.vocabulary.made_of import IncidenceCurve, Kept, MadeOf, Scaled

COURSE_RECIPES: Final[tuple[MadeOf, ...]] = (
    IncidenceCurve(
        step="session",
        n="n",
        at_risk="at_risk",
        causes={"estimate": "new_responded"}
        | {cause: f"new_{cause}" for cause in CAUSES[1:]},
        censored="log_ends",
        ends=("ci_low", "ci_high"),
        free="still_in_course",
        sums={"at_most": ("estimate", "not_scored", "scored_later")},
        half_by=MEDIAN,
    ),
    Scaled(value="remitted", of="n", most="estimate"),
    Scaled(
        value="confirmed",
        of="n",
        ends=("confirmed_low", "confirmed_high"),
        most="estimate",
    ),
    # Of simulated people, whom nobody needs to protect.
    Kept(values=("null", "null_low", "null_high", "null_confirmed"), of="n"),
)
