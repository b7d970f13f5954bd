"""From which answer to which: thoughts of suicide before session 1, at their worst after it, and at
the last answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.suicidality.people import (
    BY_ITSELF,
    EXACT,
    RECORDED,
    Asked,
    asked_by_scale,
    ever_asked,
    main_scale,
    no_placebo,
    recall_words,
)
from kettrack.arrays import Bools, Floats
from kettrack.estimators.exact import clopper_pearson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.made_of import ByRow
from kettrack.vocabulary.plain_words import share_with_interval

# No scale has answers beyond the 6 of the MADRS.
LEVELS: Final = tuple(range(7))
_LEVEL_COLUMNS: Final = tuple(f"answer_{level}" for level in LEVELS)
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "scale": "label",
    "compared": "label",
    "before": "label",
    "n": "denominator",
    "rose": "count",
    "same": "count",
    "fell": "count",
    **dict.fromkeys(_LEVEL_COLUMNS, "count"),
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
WORST: Final = "highest answer after session 1"
LAST: Final = "last answer after session 1"
FIRST: Final = "first answer after session 1"
UNTREATED: Final = "next answer, still before session 1"
NEVER: Final = "never asked"
EVERYBODY: Final = "all"


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two answers of some people: what is compared, and with what."""

    key: str
    compared: str
    before: Floats
    after: Floats
    people: Bools


@question(
    "ideation_shift",
    recipes=(ByRow(events="rose", percent=True),),
    asks="How did thoughts of suicide change from before treatment?",
    unit="percent of people whose answer rose",
    log_end=False,
    estimand=(
        "Answers on suicidal thoughts after session 1 against the last one before it, in people"
        " who were asked at both times: the highest, the last and the first. The share is of people"
        " whose answer was higher than before."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
)
def ideation_shift(cohort: DerivedCohort) -> Answer:
    """How many answered higher, the same and lower than before session 1, scale by scale.

    Returns
    -------
    Result
        Per scale and comparison one row for everybody asked twice (`before` = all) and, under the
        internal policy, one per answer before: `n`, `rose` `same` `fell`, and how many gave each
        answer afterwards (`answer_0` and so on; missing where the scale ends before). The
        comparison of two answers that were both given before session 1 tells what happens without
        any session. People asked only once or never have rows of their own. Refused when nobody was
        asked.
    """
    # A refusal comes before anything is counted.
    main = main_scale(cohort)
    people = no_placebo(cohort)
    internal = cohort.policy == "internal"
    rows: list[dict[str, object]] = []
    for number, asked in enumerate(asked_by_scale(cohort)):
        prefix = f"scale{number + 1}_" if number else ""
        for pair in pairs(asked, people, cohort):
            rows += _rows(asked, pair, prefix, internal)
        if internal:
            rows += _asked_once(asked, people, prefix)
    rows.append(_never(people & ~ever_asked(cohort)))
    table = pd.DataFrame(rows, columns=list(_ROLES))
    # A second way in which the same people add up would give a small number away.
    if not internal:
        table[list(_LEVEL_COLUMNS)] = pd.NA
    return Answer(
        table=table,
        sentence=_sentence(table, main),
        caveats=_caveats(cohort, main),
        level=LEVEL,
        people=int(people.sum()),
        rows=partial(_person_rows, main, people, cohort),
    )


def pairs(
    asked: Asked,
    people: Bools,
    cohort: DerivedCohort,
) -> Iterator[_Pair]:
    """What is compared with what on one scale."""
    twice = asked.asked_twice & people
    afterwards = {
        "worst": (WORST, asked.highest),
        "last": (LAST, asked.last),
        "first": (FIRST, asked.first),
    }
    for key, (compared, after) in afterwards.items():
        yield _Pair(key, compared, asked.before, after, twice)
    # Whoever was treated before the log begins gave no untreated answer.
    fresh = people & ~np.asarray(cohort.log_reasons["prior_sessions"], bool)
    before_both = fresh & np.isfinite(asked.earlier)
    if before_both.any():
        yield _Pair(
            "untreated",
            UNTREATED,
            asked.earlier,
            asked.before,
            before_both,
        )


def _rows(
    asked: Asked,
    pair: _Pair,
    prefix: str,
    internal: bool,
) -> Iterator[dict[str, object]]:
    """Everybody, and everybody by the answer before."""
    yield _row(asked, pair, f"{prefix}{pair.key}", EVERYBODY, pair.people)
    # Parts that add up to everybody would give a small one away.
    if not internal:
        return
    for level in LEVELS:
        began = pair.people & (pair.before == level)
        if began.any():
            key = f"{prefix}{pair.key}_{level}"
            yield _row(asked, pair, key, str(level), began)


def _row(
    asked: Asked,
    pair: _Pair,
    key: str,
    before: str,
    people: Bools,
) -> dict[str, object]:
    """How one group of people answered afterwards."""
    # Missing answers are not among these people.
    change = (pair.after - pair.before)[people]
    n = len(change)
    rose = int((change > 0).sum())
    answers = pair.after[people]
    # A scale that ends at 3 has no 4: missing, and not 0.
    top = max(np.nanmax(asked.highest, initial=0), np.nanmax(asked.before, initial=0))
    given = {
        column: int((answers == level).sum()) if level <= top else pd.NA
        for level, column in enumerate(_LEVEL_COLUMNS)
    }
    share = clopper_pearson(rose, n, LEVEL)
    return {
        "key": key,
        "scale": asked.item,
        "compared": pair.compared,
        "before": before,
        "n": n,
        "rose": rose,
        "same": int((change == 0).sum()),
        "fell": int((change < 0).sum()),
        **given,
        **share._asdict(),
    }


def _asked_once(
    asked: Asked,
    people: Bools,
    prefix: str,
) -> Iterator[dict[str, object]]:
    """People of whom one scale tells nothing of a change."""
    once = {
        "only_before": asked.asked_before & ~asked.asked_after,
        "only_after": asked.asked_after & ~asked.asked_before,
    }
    words = {
        "only_before": "asked before session 1 only",
        "only_after": "asked after session 1 only",
    }
    for name, who in once.items():
        yield {
            "key": f"{prefix}{name}",
            "scale": asked.item,
            "compared": words[name],
            "n": int((who & people).sum()),
        }


def _never(
    people: Bools,
) -> dict[str, object]:
    return {
        "key": "never",
        "scale": "any scale",
        "compared": NEVER,
        "n": int(people.sum()),
    }


def _person_rows(
    main: Asked,
    people: Bools,
    cohort: DerivedCohort,
) -> pd.DataFrame:
    """Whose answer rose, comparison by comparison, on the main scale."""
    # The rows of the other scales would mix two kinds of answers in one file.
    everyone = pd.Index(cohort.patients["patient_id"])
    return joined(
        [
            share_rows(
                pair.key,
                everyone[pair.people],
                (pair.after > pair.before)[pair.people],
            )
            for pair in pairs(main, people, cohort)
        ]
    )


def _sentence(
    table: pd.DataFrame,
    main: Asked,
) -> str:
    """The harm first, then the fall, then what the fall is without any session."""
    words = (
        f"{{worst.rose}} of {{worst.n}} people, {share_with_interval('worst')}, gave a higher"
        f" answer to {main.item} at some time after session 1 than before it."
        " At the last answer, {last.rose} were higher than before treatment, {last.same} the same"
        " and {last.fell} lower."
    )
    if "untreated" in set(table["key"]):
        words += (
            " Answers also change without any session: of {untreated.n} people with two answers"
            " before session 1, {untreated.estimate:%} rose from one to the next and"
            " {untreated.fell} people fell. Of all {first.n}, {first.estimate:%} had risen at the"
            " first answer after session 1."
        )
    return f"{words} {{never.n}} people were never asked, by any scale."


def _caveats(
    cohort: DerivedCohort,
    main: Asked,
) -> tuple[str, ...]:
    return (
        BY_ITSELF,
        f"Before: the last answer in the {BASELINE_WINDOW_DAYS} days up to session 1."
        f" {recall_words(cohort, main.scale)} The highest of many answers is often higher than the"
        " one before treatment, even where nothing changes: the more often somebody is asked, the"
        " more often.",
        f"{EXACT} Each scale is counted by itself, since a 1 on one scale is no 1 on another."
        " People who had placebo are not counted.",
        RECORDED,
    )
