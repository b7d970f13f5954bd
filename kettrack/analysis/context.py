"""What every answer about a cohort carries with it, and the disclosure gate that each passes before
anyone sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack import __version__
from kettrack.analysis.person_rows import finished
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.privacy import disclosure
from kettrack.privacy.policies import Policy, get_policy
from kettrack.privacy.release.whole import withhold
from kettrack.privacy.release.words import rounded_words
from kettrack.result import Result
from kettrack.settings import LAST_ROW, SETTINGS_FILE
from kettrack.timelines.as_of import death_days
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.kernels import NO_ROW
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, COMPLETE_LOG_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE

# Of every interval, and the standard errors to each side at that level.
LEVEL: Final = 0.95
NORMAL_QUANTILE: Final = 1.959963984540054
SCORES_TO_RECORD: Final = "scores between sessions and after the last one."

# Words of reasons that more people would end; a rule that is not defined is none of them.
_NEEDS_PEOPLE: Final = re.compile(
    rf"\b{FEWEST_PEOPLE}\b|\bfewer\b|\bonly\b|\bnobody\b|\bno log\b"
)
# A count of 1 to 10 in words that no cell of the table stands behind; "fewer than 10 people" is a
# threshold, not a count.
_SMALL_COUNT: Final = re.compile(
    r"(?<!than )(?<!every )\b([1-9]|10)"
    r"(?= (?:people|persons?|patients?|pairs|decisions|of them|who) ?)"
)


# Columns of tables that say why a row has no figure.
_REASONS: Final = ("reason", "note")
_LEFT_OUT: Final = ("reason", "n_rows", "n_patients")


def made_from(
    cohort: DerivedCohort,
    unit: str,
    level: float | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Instrument, rules, unit and provenance of a result, under the names of the contract.

    Parameters
    ----------
    cohort : DerivedCohort
        Of which it was asked.
    unit : str
        Of the estimate.
    level, seed : float, int, optional
        Of intervals, and of everything drawn.
    """
    criteria = cohort.criteria
    return {
        "instrument": cohort.instrument.name,
        "criteria": {
            "name": criteria.name,
            "version": criteria.version,
            "hash": criteria.hash,
        },
        "baseline_rule": cohort.settings.baseline,
        "level": level,
        "unit": unit,
        "seed": seed,
        "extract": cohort.settings.extract,
        "log_complete_to": cohort.settings.log_complete_to,
        "left_out": _left_out(cohort),
        "input_sha256": cohort.provenance.input_sha256,
        "version": __version__,
    }


def _left_out(cohort: DerivedCohort) -> list[dict[str, Any]] | None:
    """Rows that the reader left out, by reason; None under a policy that hides counts."""
    policy = get_policy(cohort.policy)
    if policy.for_release:
        return None
    # By columns, as plain numbers: JSON knows no others.
    columns = [cohort.exclusions[name].tolist() for name in _LEFT_OUT]
    rows = zip(*columns, strict=True)
    return [dict(zip(_LEFT_OUT, row, strict=True)) for row in rows]


def release(result: Result, cohort: DerivedCohort, log_end: bool = True) -> Result:
    """Pass a result through the gate under the cohort's own policy; reasons and caveats name no
    small count either.

    Parameters
    ----------
    result : Result
        Before the gate.
    cohort : DerivedCohort
        Of which it was asked.
    log_end : bool
        Whether the answer can depend on where logs end: then a chosen end is named.
    """
    if log_end:
        caveats = (*result.caveats, *chosen_log_end(cohort))
        result = replace(result, caveats=caveats)
    else:
        recorded = {**result.made_from, "log_complete_to": "observed_to_day"}
        result = replace(result, made_from=recorded)
    result = replace(result, caveats=(*result.caveats, *_prorated_totals(cohort)))
    policy = cohort.policy
    result = replace(result, started=len(cohort.patients))
    if result.rows is not None:
        result = replace(result, rows=partial(_gated_rows, result.rows, policy))
    rules = get_policy(policy)
    if rules.for_release:
        reason = rounded_words(without_counts(result.reason), rules)
        sentence = rounded_words(without_counts(result.sentence), rules)
        result = replace(result, table=_reasons_rounded(result.table, rules))
        # A caveat may repeat why another question is refused, with its numbers.
        caveats = tuple(
            rounded_words(without_counts(caveat), rules) for caveat in result.caveats
        )
        result = replace(result, reason=reason, sentence=sentence, caveats=caveats)
        if result.retell is not None:
            retell = partial(_told_without_counts, result.retell, rules)
            result = replace(result, retell=retell)
    return withhold(disclosure.apply(result, policy), cohort.settings.withheld)


def _gated_rows(rows: Callable[[], pd.DataFrame], policy: str) -> pd.DataFrame:
    """Rows of single patients, which no policy releases."""
    # The policy is asked first: a refusal costs no work.
    disclosure.gate_rows(pd.DataFrame(), policy)
    return finished(rows())


def chosen_log_end(cohort: DerivedCohort) -> tuple[str, ...]:
    """What it means that the folder chose where logs end; nothing where it did not."""
    if cohort.settings.log_complete_to != LAST_ROW:
        return ()
    return (
        "Where observed_to_day is missing, the log is taken to be complete to the"
        f" {LAST_ROW} (log_complete_to in {SETTINGS_FILE}). A stop is then known only of people"
        f" who were scored {COMPLETE_LOG_DAYS} days or more after their last session. People who"
        " left without a later score are left out of the shares by session, as if they had come"
        " only just now; those who stay in are often the better ones.",
    )


def _prorated_totals(cohort: DerivedCohort) -> tuple[str, ...]:
    """What the folder says of totals with decimals; nothing where it says nothing."""
    scale = cohort.instrument
    if not scale.prorated:
        return ()
    done = "rounded, half a point up" if scale.prorated == "round" else "kept"
    return (
        f"{scale.name} totals with decimals are taken to be prorated for missing answers, and"
        f" {done} (prorated in {SETTINGS_FILE}). How the clinic prorated them is not known here.",
    )


def _told_without_counts(
    retell: Callable[[pd.DataFrame], str],
    rules: Policy,
    table: pd.DataFrame,
) -> str:
    return rounded_words(without_counts(retell(table)), rules)


def _reasons_rounded(table: pd.DataFrame, rules: Policy) -> pd.DataFrame:
    """The table with the counts in its reasons rounded: rows may be refused one by one."""
    columns = [name for name in _REASONS if name in table]
    if not columns:
        return table
    words = {
        name: table[name].map(
            lambda text: rounded_words(text, rules) if isinstance(text, str) else text
        )
        for name in columns
    }
    return table.assign(**words)


def without_counts(words: str) -> str:
    """The words with `few` in the place of small counts."""
    return _SMALL_COUNT.sub("few", words)


def refusal(
    name: str,
    cohort: DerivedCohort,
    error: NotIdentified,
    estimand: str,
    people: int | None = None,
) -> Result:
    """A refusal as a result, so that a report shows it as a row and not as a blank.

    Parameters
    ----------
    name, estimand : str
        Of the question.
    cohort : DerivedCohort
        Of which it was asked.
    error : NotIdentified
        Why it cannot be answered.
    people : int, optional
        How many there are, where they were counted elsewhere.
    """
    n = len(cohort.patients) if people is None else people
    return Result(
        name=name,
        table=pd.DataFrame(),
        roles={},
        sentence="",
        estimand=estimand,
        status="refused",
        reason=error.reason,
        collect=_collect(cohort, error, n),
        made_from=made_from(cohort, unit=""),
        policy=cohort.policy,
    )


def _collect(cohort: DerivedCohort, error: NotIdentified, n: int) -> str:
    """What would have to be recorded. A log with fewer people than any curve can be drawn for lacks
    people first, whatever else it lacks.
    """
    if n >= FEWEST_PEOPLE or not _NEEDS_PEOPLE.search(error.reason):
        return error.collect
    counts_hidden = get_policy(cohort.policy).for_release
    there = "fewer" if counts_hidden else f"only {n}"
    return f"at least {FEWEST_PEOPLE} people (this log holds {there}). Also record: {error.collect}"


def log_end_days(
    cohort: DerivedCohort,
) -> Floats:
    """Last day on which an event of each patient would stand in the log."""
    everyone = cohort.patients["patient_id"]
    end = cohort.log_ends.reindex(everyone).to_numpy(np.float64)
    # Nobody is at risk after death, even where the extract goes on.
    return np.fmin(end, death_days(cohort.cohort).to_numpy(np.float64, na_value=np.nan))


DEATH_IS_A_STOP: Final = (
    "Where the log goes on after a death, it counts here as a stop; where the log ends with it, as"
    " the end of the log."
)


def death_words(
    cohort: DerivedCohort, standing: str = DEATH_IS_A_STOP
) -> tuple[str, ...]:
    """How many people died, and where they stand in a table; nothing where nobody did."""
    count = int(death_days(cohort.cohort).notna().sum())
    if not count:
        return ()
    said = get_policy(cohort.policy).said_beside_tables(count)
    return (f"Deaths in this log: {said}. {standing}",)


def require_log_end(cohort: DerivedCohort) -> None:
    """Refuse, in the same words for every question, where no log says to which day it is complete.

    Raises
    ------
    NotIdentified
        Asking for `observed_to_day`, or for a choice in the folder's settings.
    """
    if cohort.patients["observed_to_day"].isna().all():
        raise NotIdentified(
            "no log says to which day it is complete, so nobody can tell who stopped and who"
            " went on.",
            "observed_to_day for each patient in patients.csv. Or choose log_complete_to ="
            f' "{LAST_ROW}" in {SETTINGS_FILE}; people who left without a later score are then'
            " left out.",
        )


def scored_later(cohort: DerivedCohort) -> Bools:
    """Whether each patient was scored after session 1."""
    bucket = cohort.bucket
    later = bucket.score_known & (cohort.alignment.sessions_to_date > 0)
    return np.asarray(bucket.first_row(later) != NO_ROW)


def never_scored_again() -> NotIdentified:
    """Nobody who is counted was scored once sessions had begun."""
    return NotIdentified(
        "nobody who is counted was scored after session 1.", SCORES_TO_RECORD
    )


def require_scored_later(cohort: DerivedCohort, people: Bools) -> None:
    """Refuse where none of these people was scored after session 1: a share of 0 % with a short
    interval would then stand for knowing nothing.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    people : bool, shape (patients,)
        Who is counted.

    Raises
    ------
    NotIdentified
        Asking for scores.
    """
    if not (people & scored_later(cohort)).any():
        raise never_scored_again()


def rule_words(cohort: DerivedCohort) -> str:
    """Instrument and rules as they stand under every figure.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> rule_words(load_cohort(sample_folder()))
    'PHQ-9, convention 1, baseline: last score in the 30 days up to session 1'
    """
    criteria = cohort.criteria
    baseline = cohort.settings.baseline
    scale = cohort.instrument
    # Readers count from 0 unless they are told otherwise.
    percent = ""
    if scale.percent_change and scale.minimum:
        percent = f", percent change counted from the lowest score, {scale.minimum:g}"
    return (
        f"{criteria.instrument}, {criteria.label}, baseline: {baseline} score in the"
        f" {BASELINE_WINDOW_DAYS} days up to session 1{percent}"
    )


def shown_steps(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a curve that have a number; all rows where none has.

    A release policy may take steps together, and the rows before the last of them are then empty.
    """
    known = table["estimate"].notna()
    # Where everything is hidden, the words are about all rows, and say that they are hidden.
    if not known.any():
        return table
    return table[known]
