"""Counts of people that stand in words and in no table: rounded as those in tables are, or told as
a bound where a policy hides.
"""

from __future__ import annotations

import re
from typing import Final

from kettrack.privacy.policies import Policy

_COUNT: Final = re.compile(
    r"\b(\d[\d,]*)(?= (?:(?:analysable|other|more) )?"
    # Per 100 person-years is no number of persons.
    r"(?:people|persons?|patients?|pairs|decisions|of them|who)\b(?!-))"
)
# A number behind these words is what a method needs, or the name of a session or a week.
_NO_COUNT: Final = re.compile(
    r"(?i)(?:than|least|most|up to|every|per|are of|groups of|takes|needs?|hold|clinics of"
    r"|sample of|cohorts of|groups have|groups by [\w ]+ have|groups by [\w ]+ with"
    r"|session|week|day|row|number)\s$"
)
_ONLY_BOUND: Final = re.compile(r"only (?=\d+ or more)")


def rounded_words(
    words: str,
    policy: Policy,
) -> str:
    """Words in which each number of people is told as the policy allows; thresholds stay.

    Parameters
    ----------
    words : str
        A reason, a caveat, or a sentence with numbers that stand in no table.
    policy : Policy
        In force.

    Examples
    --------
    >>> from kettrack.privacy.policies import get_policy
    >>> rounded_words("only 52 patients went on; at least 30 people", get_policy("midpoint6"))
    'only 51 patients went on; at least 30 people'
    >>> rounded_words("only 52 patients went on; at least 30 people", get_policy("cms"))
    '11 or more patients went on; at least 30 people'
    >>> rounded_words("7.6 per 100 person-years", get_policy("midpoint6"))
    '7.6 per 100 person-years'
    """
    if not policy.for_release:
        return words

    def told(found: re.Match[str]) -> str:
        if _NO_COUNT.search(words[: found.start()]):
            return found[0]
        # A thousand has a comma in a sentence.
        count = int(found[1].replace(",", ""))
        said = policy.said_beside_tables(count).removeprefix("about ")
        return f"{int(said):,}" if said.isdecimal() else said

    return _ONLY_BOUND.sub("", _COUNT.sub(told, words))
