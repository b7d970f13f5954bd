"""How easily a person could be found in the rows of a cohort: by what an outsider knows, and by a
few scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import ByRow

# What an outsider may know of a person without any record.
_KNOWN: Final = ("age", "sex", "site", "start_year")
_BAND: Final = 10  # years of age; a neighbour knows no more
_PAIRS: Final = (1, 2, 3)
# Looking everybody up in a cohort of a million would take hours.
_MOST_PEOPLE: Final = 2000
_SEED: Final = 20240


@question(
    "uniqueness",
    recipes=(ByRow(events="events", ends=(), percent=True),),
    asks="How easily could somebody be found in the rows of this cohort?",
    unit="percent of people",
    log_end=False,
    estimand=(
        "Share of people whom nobody else is like: in age band, sex, site and year of the first"
        " session, and in a few scores with their days. It describes the rows, which do not leave;"
        " it is no certificate."
    ),
    roles={
        "key": "key",
        "about": "label",
        "n": "denominator",
        "events": "count",
        "estimate": "derived",
    },
    show=("about", "n", "events", "estimate"),
)
def uniqueness(cohort: DerivedCohort) -> Answer:
    """How many people are alone with what is known of them, and with one to three scores.

    Returns
    -------
    Result
        Rows `alone` and `few` (people whose age band, sex, site and year of the first session
        nobody, or fewer than `FEWEST_PEOPLE` people, have in all), and `scores_1` to `scores_3`
        (of people with so many scores, drawn at random: whom that many of their scores, each with
        its day, leave alone). No intervals: it describes the people of this log. Refused for an
        empty log.
    """
    people = cohort.patients
    if people.empty:
        raise NotIdentified("nobody has a session.", "sessions and scores.")
    rows = [*_by_what_is_known(people), *_by_scores(cohort)]
    table = pd.DataFrame(rows)
    table["estimate"] = 100 * table["events"] / table["n"].where(table["n"] > 0)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            "Scores are those of the primary instrument, each with its day since the first session,"
            f" drawn at random (seed {_SEED}); at most {_MOST_PEOPLE:,} people are looked up.",
            "A study code does not make rows anonymous: whoever knows two or three dates and scores"
            " of a person can often find all of them.",
        ),
        seed=_SEED,
    )


def _by_what_is_known(people: pd.DataFrame) -> Iterator[dict[str, object]]:
    """People alone, or with few others, in what an outsider may know."""
    there = [name for name in _KNOWN if name in people and people[name].notna().any()]
    known = people[there].copy()
    if "age" in known:
        known["age"] = known["age"].astype("Float64") // _BAND
    # Not knowing is a value of its own: it sets people apart as well.
    size = pd.Series(len(people), people.index)
    if there:
        place = pd.Series(known.groupby(there, dropna=False).ngroup(), people.index)
        size = place.groupby(place).transform("size")
    words = ", ".join(name.replace("_", " ") for name in there) or "nothing recorded"
    for key, fewest in (("alone", 2), ("few", FEWEST_PEOPLE)):
        events = int((size < fewest).sum())
        about = "alone" if key == "alone" else f"fewer than {FEWEST_PEOPLE} alike"
        yield {
            "key": key,
            "about": f"{about} in {words}",
            "n": len(people),
            "events": events,
        }


def _by_scores(cohort: DerivedCohort) -> Iterator[dict[str, object]]:
    """People whom so many of their scores leave alone."""
    scores = cohort.scores
    own = scores["instrument"] == cohort.instrument.name
    rows = scores[own & scores["score"].notna()]
    holders: dict[tuple[int, float], set[object]] = {}
    owned: dict[object, list[tuple[int, float]]] = {}
    for who, day, score in zip(
        rows["patient_id"], rows["day"], rows["score"], strict=True
    ):
        moment = (int(day), float(score))
        holders.setdefault(moment, set()).add(who)
        owned.setdefault(who, []).append(moment)
    rng = np.random.default_rng(_SEED)
    everybody = sorted(owned, key=str)
    drawn = rng.permutation(len(everybody))[:_MOST_PEOPLE]
    for many in _PAIRS:
        asked = [
            owned[everybody[place]]
            for place in drawn
            if len(owned[everybody[place]]) >= many
        ]
        alone = 0
        for moments in asked:
            chosen = rng.choice(len(moments), many, replace=False)
            like = set.intersection(*(holders[moments[place]] for place in chosen))
            # The person is always one of them.
            alone += len(like) == 1
        plural = "score" if many == 1 else "scores"
        yield {
            "key": f"scores_{many}",
            "about": f"alone with {many} {plural} and days",
            "n": len(asked),
            "events": alone,
        }


def _sentence(table: pd.DataFrame) -> str:
    """Both kinds of finding, as numbers."""
    there = table.set_index("key")
    words = (
        "Of {alone.n} people, {alone.events} are alone in what an outsider may know, and"
        f" {{few.events}} share it with fewer than {FEWEST_PEOPLE} people in all."
    )
    said = [
        f"{many} in {{scores_{many}.estimate:%}}"
        for many in _PAIRS
        if there["n"][f"scores_{many}"] > 0
    ]
    if not said:
        return words
    return f"{words} So many scores with their days leave a person alone: {', '.join(said)}."
