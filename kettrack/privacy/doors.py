"""One rule for every door that figures leave by: under a policy that hides, what leaves is what a
report prints, or is protected together with it; what can be neither is refused.
"""

from __future__ import annotations

from kettrack.errors import UsageError
from kettrack.privacy.policies import get_policy


def hides_counts(policy: str) -> bool:
    """Whether a policy hides small counts, so that what leaves has to be protected together.

    Examples
    --------
    >>> [hides_counts(name) for name in ("internal", "release", "cms")]
    [False, False, True]
    """
    return get_policy(policy).smallest_count > 1


def require_together(policy: str, what: str, instead: str) -> None:
    """Stop at what cannot be protected together with a report.

    Parameters
    ----------
    policy : str
        In force.
    what : str
        What was asked for, as the subject of a sentence.
    instead : str
        What else can be done.

    Raises
    ------
    UsageError
        Under a policy that hides small counts.
    """
    # Rounded counts tell no more for standing beside others.
    if hides_counts(policy):
        raise UsageError(
            f"The policy {policy!r} hides small counts, and {what} cannot be protected together"
            " with a report: whoever has both could work out what each of them hides. Choose"
            f" --policy release, which rounds, or {instead}."
        )
