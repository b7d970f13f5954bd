"""The one gate for everything printed: what may be seen under which policy.

`internal` hides nothing and says so; `cms` hides every count from 1 to 10 and what follows from it in the same row (the
cell-size rule of CMS and ResDAC, resdac.org/node/1506). Differences between rows can still give a hidden count away: a release
needs secondary suppression as well, which no policy here does yet, and the caveat says that too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.result import SUPPRESSED, Result


@dataclass(frozen=True, slots=True)
class Policy:
    """A disclosure policy.

    Parameters
    ----------
    name : str
        As given to `--policy`.
    smallest_count : int
        Smallest count above 0 that may be shown.
    banner : str
        Printed with everything that went through it.
    """

    name: str
    smallest_count: int
    banner: str


POLICIES: Final = {
    policy.name: policy
    for policy in (
        Policy("internal", 1, "Internal: for the treating clinic's own eyes, nothing is hidden. Not for release."),
        Policy(
            "cms",
            11,
            "Counts from 1 to 10 are hidden, with what follows from them in the same row. "
            "Check differences between rows before release.",
        ),
    )
}


def get_policy(name: str) -> Policy:
    """Look a policy up.

    Raises
    ------
    UsageError
        When there is none of that name; the message lists those there are.

    Examples
    --------
    >>> get_policy("cms").smallest_count
    11
    """
    if name not in POLICIES:
        raise UsageError(f"No disclosure policy is called {name!r}; there are: {', '.join(POLICIES)}.")
    return POLICIES[name]


def apply(result: Result, policy: str) -> Result:
    """Pass a result through the gate.

    Parameters
    ----------
    result : Result
        Straight from an estimator.
    policy : str
        Name of a policy.

    Returns
    -------
    Result
        Marked with the policy. Under a release policy small counts, counts that leave a small rest of their denominator, and
        all derived cells of such a row are missing and the row is marked `suppressed`; a table of single patients is empty.
    """
    rules = get_policy(policy)
    if rules.smallest_count <= 1:
        return replace(result, policy=policy)
    caveats = (*result.caveats, rules.banner)
    if "person" in result.roles.values():
        gone = (*caveats, "Rows of single patients are not shown under this policy.")
        return replace(result, policy=policy, table=result.table.iloc[:0], caveats=gone)
    return replace(result, policy=policy, caveats=caveats, table=suppress_small(result, rules.smallest_count))


def suppress_small(result: Result, smallest: int) -> pd.DataFrame:
    """The table of a result without counts from 1 to `smallest` - 1 and what follows from them in the same row."""
    table = result.table.copy()
    counts = _columns(result, "count")
    denominators = _columns(result, "denominator")
    numbers = table[counts + denominators].astype("Float64")
    small = (numbers > 0) & (numbers < smallest)
    for denominator in denominators:  # 19 of 22 tells that 3 did not
        rest = numbers[counts].rsub(numbers[denominator], axis=0)
        small[counts] |= (rest > 0) & (rest < smallest)
    touched = small.any(axis=1).to_numpy(bool)
    for column in counts + denominators:
        table[column] = table[column].astype("Int64").mask(small[column].fillna(False).astype(bool))
    for column in _columns(result, "derived"):
        table[column] = table[column].mask(touched)
    return table.assign(**{SUPPRESSED: touched})


def _columns(result: Result, role: str) -> list[str]:
    return [str(column) for column in result.table if result.roles.get(str(column)) == role]


def gate_rows(frame: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Let rows of single patients through, or not.

    Raises
    ------
    UsageError
        Under any policy but `internal`: two or three days with their scores are enough to find a person in such rows.
    """
    if get_policy(policy).smallest_count > 1:
        raise UsageError(
            f"Rows of single patients are not released under the policy {policy!r}; "
            "use --policy internal inside the clinic, or `kettrack report` for counts."
        )
    return frame
