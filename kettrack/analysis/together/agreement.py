"""Two scales of one condition on the same day: do they say the same of the same person?"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, NORMAL_QUANTILE, rule_words
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.together.joint import correlation
from kettrack.analysis.together.scales import (
    choose_other,
    rule_flags,
    scales_beside,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.clustered import clustered_mean
from kettrack.estimators.exact import clopper_pearson
from kettrack.privacy.policies import get_policy
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_DECIMALS: Final = {"estimate": 2, "ci_low": 2, "ci_high": 2}
_FROM_COUNTS: Final = ("kappa", "response_difference")
_COLLECT: Final = (
    "a second scale of the same condition, such as the MADRS beside the PHQ-9, on the same day: in"
    f" the {BASELINE_WINDOW_DAYS} days before session 1 and after it."
)


@question(
    "scale_agreement",
    recipes=(COUNTED_BY_UNIT,),
    asks="Do two scales of one condition say the same on the same day?",
    unit="as named in each row",
    log_end=False,
    estimand=(
        "Agreement of two scales of the same condition at the last day after session 1 on which a"
        " person was scored on both, each against its own baseline and by its own rules, among the"
        " people who were a case on both."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
)
def scale_agreement(cohort: DerivedCohort, other: str = "") -> Answer:
    """Agreement on response, and of the percent change, each person once.

    Parameters
    ----------
    other : str
        Name of the other scale; default: that of the same condition which most people were rated
        on.

    Returns
    -------
    Result
        `same`: percent of `n` people of whom both scales say response, or both say none; `kappa`:
        Cohen's kappa, with the interval of Fleiss. `first` `second`: percent who responded by each
        scale; `response_difference`: the second minus the first, in percentage points.
        `mean_difference` `limit_low` `limit_high`: percent change on the second minus percent
        change on the first, its mean and 95 % limits of agreement (Bland and Altman), each with its
        interval. `correlation` of the two percent changes. No score is ever converted. Refused
        where no second scale of the same condition has a rule for response, and with fewer than
        `FEWEST_PEOPLE`.
    """
    first = cohort
    second = _second(cohort, other)
    pairs = same_day_pairs(first, second)
    if len(pairs) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people were a case on both scales and were scored on both"
            " on one day after session 1.",
            _COLLECT,
        )
    # Each scale judges by its own rule and its own baseline: nothing is converted.
    flags = [
        rule_flags(first.response_rule, _side(pairs, "first")),
        rule_flags(second.response_rule, _side(pairs, "second")),
    ]
    names = [each.instrument.name for each in (first, second)]
    rows = _response_rows(flags, names)
    if _tells_a_small_cell(flags, cohort.policy):
        rows = rows[:1]
    # Both follow from exact counts, so that a policy that rounds these cannot show them.
    if get_policy(cohort.policy).rounding is not None:
        rows = [row for row in rows if row["key"] not in _FROM_COUNTS]
    rows += _difference_rows(pairs, names)
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table["events"] = table["events"].astype("Int64")
    return Answer(
        table=table,
        sentence=_sentence(table, names),
        caveats=_caveats(first, second),
        level=LEVEL,
        rows=partial(_person_rows, pd.Index(pairs["patient_id"]), flags),
    )


def _second(
    cohort: DerivedCohort,
    other: str,
) -> DerivedCohort:
    """The same people on another scale of the same condition."""
    own = cohort.instrument.construct
    # A scale that does not say what it measures is compared with no other.
    fitting = [
        scale
        for scale in scales_beside(cohort)
        if own is not None and scale.construct == own
    ]
    lacking = NotIdentified(
        f"no second scale measures what the {cohort.instrument.name} does.", _COLLECT
    )
    return choose_other(cohort, other, fitting, lacking)


def same_day_pairs(
    first: DerivedCohort,
    second: DerivedCohort,
) -> pd.DataFrame:
    """The last day after session 1 on which each person has a score on both scales.

    Returns
    -------
    DataFrame
        One row per person rated on both: `patient_id` `day`, and `score` `change` `percent_change`
        of each, with `_first` and `_second` behind.
    """
    columns = [
        "patient_id",
        "day",
        "timing",
        "score",
        "change",
        "percent_change",
    ]
    sides = []
    for each in (first, second):
        line = each.timeline
        rated = each.patients["patient_id"][each.rated]
        after = line["sessions_to_date"] > 0
        # A baseline at the lowest score has no percentage, and so no response.
        known = line["percent_change"].notna() & line["patient_id"].isin(rated)
        sides.append(line.loc[after & known, columns])
    # Before a session and after it are two moments of one day.
    both = sides[0].merge(
        sides[1],
        on=["patient_id", "day", "timing"],
        suffixes=("_first", "_second"),
    )
    # The last day of each person, so that nobody counts more often for being scored more often.
    both = both.sort_values(["patient_id", "day", "timing"], kind="stable")
    return both.groupby("patient_id", sort=False).tail(1).reset_index(drop=True)


def _side(
    pairs: pd.DataFrame,
    which: str,
) -> pd.DataFrame:
    """The scores of one of the two scales."""
    names = ("score", "change", "percent_change")
    return pd.DataFrame({name: pairs[f"{name}_{which}"] for name in names})


# ---- rows


def _tells_a_small_cell(
    flags: list[Bools],
    policy: str,
) -> bool:
    """Whether the shares of the two scales would tell how few responded by one of them alone."""
    smallest = get_policy(policy).smallest_count
    first, second = flags
    alone = ((first & ~second).sum(), (second & ~first).sum())
    # Both margins and the number that agree give each of the two by subtraction.
    return any(0 < count < smallest for count in alone)


def _response_rows(
    flags: list[Bools],
    names: list[str],
) -> list[dict[str, Any]]:
    """How often both scales say the same of a response, and how often each says it."""
    first, second = flags
    n = len(first)
    # Two scales that both say no agree as much as two that both say yes.
    same = first == second
    shares = {
        "same": ("both say response, or both say none", same),
        "first": (f"responded by the {names[0]}", first),
        "second": (f"responded by the {names[1]}", second),
    }
    rows: list[dict[str, Any]] = [
        {
            "key": key,
            "about": about,
            "unit": "%",
            "n": n,
            "events": int(flag.sum()),
            **clopper_pearson(int(flag.sum()), n, LEVEL)._asdict(),
        }
        for key, (about, flag) in shares.items()
    ]
    rows.append(
        {
            "key": "kappa",
            "about": "agreement beyond chance",
            "unit": "kappa",
            "n": n,
            **kappa_interval(first, second),
        }
    )
    # The same people on both scales: the difference of each person, and its mean.
    points = 100.0 * (second.astype(np.float64) - first)
    rows.append(
        {
            "key": "response_difference",
            "about": f"responded by the {names[1]} minus by the {names[0]}",
            "unit": "percentage points",
            "n": n,
            **clustered_mean(points, np.ones(n), LEVEL)._asdict(),
        }
    )
    return rows


def kappa_interval(
    first: Bools,
    second: Bools,
) -> dict[str, float]:
    """Cohen's kappa with the large-sample interval of Fleiss, Cohen and Everitt 1969 (Psychol Bull
    72:323).

    Missing where a scale says the same of everybody, since nothing is then left to agree on beyond
    chance; without an interval at full agreement, where the formula has no width.

    Examples
    --------
    >>> one = np.array([True] * 20 + [False] * 20)
    >>> other = np.array([True] * 15 + [False] * 25)
    >>> {name: round(value, 2) for name, value in kappa_interval(one, other).items()}
    {'estimate': 0.75, 'ci_low': 0.55, 'ci_high': 0.95}
    """
    n = len(first)
    table = np.array(
        [
            [(first & second).sum(), (first & ~second).sum()],
            [(~first & second).sum(), (~first & ~second).sum()],
        ]
    )
    share = table / n
    rows = share.sum(axis=1)
    columns = share.sum(axis=0)
    seen = float(np.trace(share))
    # How often the two would agree if each kept its share and chose people by lot.
    chance = float(rows @ columns)
    if max(rows.max(), columns.max()) >= 1:
        return {"estimate": np.nan}
    kappa = (seen - chance) / (1 - chance)
    # Full agreement has no spread to work with, which is no certainty.
    if seen >= 1:
        return {"estimate": kappa}
    # The agreeing and the disagreeing cells move it in their own ways.
    own = np.diag(share) * (1 - (rows + columns) * (1 - kappa)) ** 2
    sums = rows[None, :] + columns[:, None]
    others = share * sums**2 * (1 - kappa) ** 2
    off = others.sum() - np.trace(others)
    center = (kappa - chance * (1 - kappa)) ** 2
    variance = (own.sum() + off - center) / (n * (1 - chance) ** 2)
    half = NORMAL_QUANTILE * float(np.sqrt(max(variance, 0.0)))
    return {
        "estimate": kappa,
        "ci_low": max(kappa - half, -1.0),
        "ci_high": min(kappa + half, 1.0),
    }


def _difference_rows(
    pairs: pd.DataFrame,
    names: list[str],
) -> list[dict[str, Any]]:
    """Percent change on the second scale minus that on the first: mean, limits, correlation."""
    first = pairs["percent_change_first"].to_numpy(np.float64)
    second = pairs["percent_change_second"].to_numpy(np.float64)
    about = f"percent change on the {names[1]} minus that on the {names[0]}"
    # Percent of each scale's own baseline: the one unit that two scales share.
    parts = limits_of_agreement(second - first)
    rows: list[dict[str, Any]] = [
        {
            "key": key,
            "about": f"{about}, {words}",
            "unit": "percentage points",
            "n": len(first),
            **parts[key],
        }
        for key, words in {
            "mean_difference": "mean",
            "limit_low": "lower limit of agreement",
            "limit_high": "upper limit of agreement",
        }.items()
    ]
    rows.append(
        {
            "key": "correlation",
            "about": "correlation of the two percent changes",
            "unit": "r",
            "n": len(first),
            **correlation(first, second),
        }
    )
    return rows


def limits_of_agreement(differences: Floats) -> dict[str, dict[str, float]]:
    """Mean difference and limits within which 95 % of people lie, each with its interval.

    Parameters
    ----------
    differences : float64, shape (people,)
        One for each person.

    Notes
    -----
    Bland and Altman 1986 (Lancet 1:307), with the error of a limit from Bland and Altman 1999 (Stat
    Methods Med Res 8:135).

    Examples
    --------
    >>> found = limits_of_agreement(np.array([-2.0, 0.0, 1.0, 3.0, -1.0, -1.0]))
    >>> round(found["limit_low"]["estimate"], 2), round(found["limit_high"]["estimate"], 2)
    (-3.51, 3.51)
    """
    from scipy.special import stdtrit

    n = len(differences)
    mean = float(differences.mean())
    sd = float(differences.std(ddof=1))
    # The limits speak of single people, so the spread is not divided by the number of people.
    reach = NORMAL_QUANTILE * sd
    quantile = float(stdtrit(n - 1, (1 + LEVEL) / 2))
    of_mean = quantile * sd / np.sqrt(n)
    # A limit holds the error of the mean, and that of the spread.
    of_limit = quantile * sd * np.sqrt(1 / n + NORMAL_QUANTILE**2 / (2 * (n - 1)))
    places = {
        "mean_difference": (mean, of_mean),
        "limit_low": (mean - reach, of_limit),
        "limit_high": (mean + reach, of_limit),
    }
    return {
        key: {
            "estimate": middle,
            "ci_low": middle - half,
            "ci_high": middle + half,
        }
        for key, (middle, half) in places.items()
    }


# ---- words


def _sentence(
    table: pd.DataFrame,
    names: list[str],
) -> str:
    """How often they agree, how often each says response, how far single people are apart."""
    one, two = map(in_sentence, names)
    # Rows that would give a small number away are not there.
    intervals = table.set_index("key")["ci_low"].notna()
    more = ""
    if intervals.get("kappa", False):
        more = f" Beyond chance, kappa is {value_with_interval('kappa')}."
    if "first" in intervals:
        more += (
            f" By the {one} {share_with_interval('first')} had responded, by the {two}"
            f" {share_with_interval('second')}."
        )
    return (
        f"On the last day on which {{same.n}} people were scored on both the {one} and the {two},"
        f" the two said the same of a response in {share_with_interval('same')}.{more}"
        " In single people the two can be far apart: from one"
        " person to the next, 95 % of the differences in percent change lie between"
        " {limit_low.estimate:.0f} and {limit_high.estimate:.0f} percentage points. A score of one"
        " scale cannot be turned into one of the other."
    )


def _caveats(
    first: DerivedCohort,
    second: DerivedCohort,
) -> tuple[str, ...]:
    return (
        "Each person counts once, on the last such day. People who are scored on both scales may"
        " not be like the others.",
        "Each scale is judged against its own baseline and by its own rule: "
        f"{rule_words(first)}, response: {first.response_rule.words}; {rule_words(second)},"
        f" response: {second.response_rule.words}. Remission is not compared: it is a cut-off of"
        " one scale, and no score is converted.",
        "Two scales that look back for different numbers of days can differ and both be right."
        " Limits of agreement take differences to be about normal; percent changes of low"
        " baselines vary most.",
    )


def _person_rows(
    people: pd.Index,
    flags: list[Bools],
) -> pd.DataFrame:
    """Who responded by each scale."""
    names = ("first", "second")
    return joined(
        [
            share_rows(name, people, flag)
            for name, flag in zip(names, flags, strict=True)
        ]
    )
