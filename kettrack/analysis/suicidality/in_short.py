"""The one sentence on suicidality that stands beside response: whose thoughts appeared or grew, who
was never asked, and what happened.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.suicidality.events import (
    PER_YEARS,
    require_events,
    whole_time,
    whole_time_rows,
)
from kettrack.analysis.suicidality.no_log_end import events_without_end, no_end_words
from kettrack.analysis.suicidality.people import (
    BY_ITSELF,
    RECORDED,
    Asked,
    asked_by_scale,
    ever_asked,
    no_placebo,
)
from kettrack.analysis.suicidality.recorded import IN_SHORT
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.exact import clopper_pearson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.made_of import Rate, Share
from kettrack.vocabulary.plain_words import share_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "what": "label",
    "unit": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_PERCENT: Final = "% of people"
_RATE: Final = f"per {PER_YEARS} person-years"
_NO_RATE: Final = "recorded, without a rate: the log has no end"


@question(
    "suicidality_in_short",
    asks="Whose thoughts of suicide appeared or grew, who was never asked, and what happened?",
    estimand=(
        "Share of the people asked before and after session 1 whose highest answer afterwards, and"
        " whose last one, was higher than before; people never asked; and recorded suicide attempts"
        " and psychiatric admissions since session 1."
    ),
    roles=_ROLES,
    balanced=True,
    recipes=(
        Share(
            value="estimate",
            events="events",
            of="n",
            ends=("ci_low", "ci_high"),
            interval="exact",
            rows="unit",
            unit=_PERCENT,
        ),
        Rate(
            value="estimate",
            events="events",
            ends=("ci_low", "ci_high"),
            rows="unit",
            unit=_RATE,
        ),
    ),
    decimals={"estimate": 2, "ci_low": 2, "ci_high": 2},
    show=tuple(name for name in _ROLES if name != "key"),
)
def suicidality_in_short(cohort: DerivedCohort) -> Answer:
    """The harm that stands beside response on the first page.

    Returns
    -------
    Result
        `grew` (highest answer after session 1 above the one before it) and `grew_last` (the last
        answer), on the main scale; `never` (asked by no scale at any time); `attempt` and
        `psychiatric` (events per person-year). Rows that the log cannot tell are not there, and the
        sentence says so; never refused.
    """
    people = no_placebo(cohort)
    # Who was never asked is known of every log.
    rows = [_never(cohort, people)]
    words = "{never.events} of {never.n} people were never asked by any scale."
    scales = asked_by_scale(cohort)
    if scales and (scales[0].asked_twice & people).any():
        rows = [*_grown(scales[0], people), *rows]
        words = f"{_grown_words(scales[0])} {words}"
    happened, told = _happened(cohort)
    table = pd.DataFrame([*rows, *happened], columns=list(_ROLES))
    return Answer(
        table=table,
        sentence=f"{words} {told}",
        caveats=(BY_ITSELF, RECORDED),
        level=LEVEL,
        people=int(people.sum()),
        rows=partial(_person_rows, cohort, people),
    )


def _person_rows(
    cohort: DerivedCohort,
    people: Bools,
) -> pd.DataFrame:
    """Who was never asked, whose answer was higher, and every event."""
    everyone = pd.Index(cohort.patients["patient_id"])
    # The same people as in the table, so that the rows give its counts.
    never = ~ever_asked(cohort)
    parts = [share_rows("never", everyone[people], never[people])]
    for asked in asked_by_scale(cohort)[:1]:
        twice = asked.asked_twice & people
        parts += [
            share_rows(key, everyone[twice], (after > asked.before)[twice])
            for key, (_, after) in _compared(asked).items()
        ]
    # Without events the sentence tells none either.
    with suppress(NotIdentified):
        require_events(cohort)
        parts.append(whole_time_rows(cohort))
    return joined(parts)


def _never(
    cohort: DerivedCohort,
    people: Bools,
) -> dict[str, object]:
    silent = people & ~ever_asked(cohort)
    return _percent_row(
        "never",
        "never asked about suicidal thoughts, by any scale",
        int(silent.sum()),
        int(people.sum()),
    )


def _compared(
    asked: Asked,
) -> dict[str, tuple[str, Floats]]:
    """Answers that are held against the one before session 1."""
    # The highest of many answers is often higher by itself, so the last one stands beside it.
    return {
        "grew": ("highest answer", asked.highest),
        "grew_last": ("last answer", asked.last),
    }


def _grown(
    asked: Asked,
    people: Bools,
) -> list[dict[str, object]]:
    """Whose answer was higher than before session 1: at some time, and at the last answer."""
    twice = asked.asked_twice & people
    return [
        _percent_row(
            key,
            f"{what} after session 1 higher than before it ({asked.item})",
            int((after > asked.before)[twice].sum()),
            int(twice.sum()),
        )
        for key, (what, after) in _compared(asked).items()
    ]


def _grown_words(
    asked: Asked,
) -> str:
    return (
        "Thoughts of suicide appeared or grew at one answer or more in {grew.events} of {grew.n}"
        f" people asked before and after session 1, {share_with_interval('grew')}"
        f" ({asked.item}); at the last answer they were more than before in {{grew_last.events}}"
        " people. Answers also rise and fall without any session."
    )


def _percent_row(
    key: str,
    what: str,
    events: int,
    n: int,
) -> dict[str, object]:
    return {
        "key": key,
        "what": what,
        "unit": _PERCENT,
        "n": n,
        "events": events,
        **clopper_pearson(events, n, LEVEL)._asdict(),
    }


def _happened(
    cohort: DerivedCohort,
) -> tuple[list[dict[str, object]], str]:
    """Attempts and admissions, or why the log cannot tell them."""
    besides = no_end_words(cohort, IN_SHORT)
    unfollowed = [
        {**row, "unit": _NO_RATE, "what": f"{row['what']}, log without an end"}
        for row in events_without_end(cohort, IN_SHORT)
    ]
    try:
        require_events(cohort)
    except NotIdentified as error:
        # A rate cannot be told, but what was recorded can.
        return unfollowed, _put_together(
            f"Attempts and admissions cannot be told: {error.reason}", besides
        )
    found = whole_time(cohort)
    names = ("key", "what", "n", "events", "estimate", "ci_low", "ci_high")
    rows = [
        {"unit": _RATE, **{name: row[name] for name in names}} for row in found.values()
    ]
    admissions = "{psychiatric.events} psychiatric admissions"
    # An attempt that nobody recorded is not known to be none.
    if found["attempt"]["events"]:
        words = f"{{attempt.events}} suicide attempts and {admissions} were recorded."
    else:
        words = (
            f"no suicide attempt was recorded (the {100 * LEVEL:g} % interval reaches"
            f" {{attempt.ci_high}} {_RATE}), and {admissions}."
        )
    deaths = {
        "suicide": "{suicide.events} people died by suicide.",
        "death": "{death.events} people died of another or unknown cause.",
    }
    died = [said for key, said in deaths.items() if key in found]
    # Where more is known of others, none among these people is not none at all.
    among = ", of people whose log has an end" if besides else ""
    told = " ".join([f"Since session 1{among}, {words}", *died])
    return [*rows, *unfollowed], _put_together(told, besides)


def _put_together(
    told: str,
    besides: str,
) -> str:
    return f"{told} {besides}".rstrip()
