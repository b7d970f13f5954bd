"""Counts of people that stand in words and in no table: rounded as those in tables are."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from kettrack.privacy.policies import Policy

_COUNT: Final = re.compile(
    r"\b(\d[\d,]*)(?= (?:(?:analysable|other|more) )?"
    # Per 100 person-years is no number of persons.
    r"(?:people|persons?|patients?|pairs|decisions|of them|who)\b(?!-))"
)
# A number behind these words is what a method needs, or the name of a session or a week.
_NO_COUNT: Final = re.compile(
    r"(?i)(?:than|least|most|groups of|takes|needs|clinics of|sample of|cohorts of|groups have"
    r"|groups by [\w ]+ have|groups by [\w ]+ with|session|week|day|row|number)\s$"
)


def rounded_words(words: str, policy: Policy) -> str:
    """Words in which each number of people is rounded by the policy; thresholds stay.

    Parameters
    ----------
    words : str
        A reason, or a sentence with numbers that stand in no table.
    policy : Policy
        In force.

    Examples
    --------
    >>> from kettrack.privacy.policies import get_policy
    >>> rounded_words("only 52 patients went on; at least 30 people", get_policy("midpoint6"))
    'only 51 patients went on; at least 30 people'
    >>> rounded_words("7.6 per 100 person-years", get_policy("midpoint6"))
    '7.6 per 100 person-years'
    """
    rounding = policy.rounding
    if rounding is None:
        return words

    def rounded(found: re.Match[str]) -> str:
        if _NO_COUNT.search(words[: found.start()]):
            return found[0]
        # A thousand has a comma in a sentence.
        count = np.array([float(found[1].replace(",", ""))])
        return f"{rounding.of(count)[0]:,.0f}"

    return _COUNT.sub(rounded, words)
