"""Which truths a scenario has: not every question makes sense in every clinic."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from kettrack.simulation.parameters import Parameters

Kind = Literal[
    "stop_after",
    "at_most",
    "usual_care",
    "response",
    "seen_response",
    "one_more_session",
    "going_on",
    "durability",
]
_COURSE: Final[tuple[Kind, ...]] = ("response", "seen_response")
_WEEKLY: Final[tuple[Kind, ...]] = ("stop_after", *_COURSE, "one_more_session")
KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    **dict.fromkeys(
        ("B", "C", "D", "F", "G", "H", "I", "clinics", "side-effects", "silent"),
        _WEEKLY,
    ),
    **dict.fromkeys(("A", "E"), (*_WEEKLY, "at_most")),
    **dict.fromkeys(("J0", "J30", "J70"), _COURSE),
    "irregular": (*_COURSE, "going_on"),
    "returns": ("stop_after", "usual_care"),
    **dict.fromkeys(("steered", "steered-null"), ("going_on",)),
    **dict.fromkeys(("capped", "durability", "maintenance"), (*_COURSE, "durability")),
}
ANSWERS_ALWAYS: Final = 99.0


def take_every_score(parameters: Parameters) -> Parameters:
    """The same clinic in which nobody fails to answer, at home or after stopping; when scores are
    due stays as it is.
    """
    scoring = parameters.scoring
    return replace(
        parameters,
        scoring=replace(
            scoring, answers=ANSWERS_ALWAYS, answers_sd=0.0, silent_after_stop=()
        ),
    )
