"""A second summary of a site beside the first: what few people have changed is not told."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.summary import Summary
from kettrack.pooling.tallies import Shape
from kettrack.privacy.policies import Policy, get_policy

_THEN: Final = " then"  # behind the name of a column of the summary before


def checked_since(now: Summary, before: Summary) -> tuple[Summary, int]:
    """A summary that tells nothing of few people beside the one that was sent before it.

    Counts are rounded, and move by whole steps. A mean that few people have moved would tell their
    scores: it stays as it was sent, with its people, until enough have come.

    Parameters
    ----------
    now : Summary
        As it would leave.
    before : Summary
        The one that was sent before.

    Returns
    -------
    tuple of Summary and int
        The summary to send, and how many means stayed.

    Raises
    ------
    UsageError
        When one of them is exact, or they are not of one site, counted and rounded alike.
    """
    policy = get_policy(now.policy)
    if now.exact or before.exact:
        which = "This summary" if now.exact else "The summary before this one"
        raise UsageError(
            f"{which} is exact, so whoever has both can subtract everything, and no check helps."
            " Only rounded summaries can be checked against each other: make both with --policy"
            " release."
        )
    _require_alike(now, before)
    tables = {}
    stayed = 0
    for name, found in now.tables.items():
        then = before.tables.get(name, {})
        tables[name] = dict(found)
        for table in found.keys() & then.keys():
            shape = PARTS[name].shapes[table]
            if shape.sums:
                kept, few = _as_sent(
                    shape,
                    found[table],
                    then[table],
                    policy,
                )
                tables[name][table] = kept
                stayed += few
    return replace(now, tables=tables), stayed


def _require_alike(now: Summary, before: Summary) -> None:
    """Refuse to compare summaries of different sites or rules.

    Raises
    ------
    UsageError
        Naming what differs.
    """
    differ = {
        "the name of the site (--site)": now.site != before.site,
        "the policy (--policy)": now.policy != before.policy,
        "the rules it was counted by": replace(
            now.rules,
            log_end_known=before.rules.log_end_known,
        )
        != before.rules,
    }
    names = [name for name, other in differ.items() if other]
    if names:
        # Nothing of the file is repeated: it may name a place.
        raise UsageError(
            "The summary before this one differs in"
            f" {', '.join(names)}, so the two cannot be checked against each other. Make this one"
            " like that one, or send it to nobody who has that one."
        )


def _as_sent(
    shape: Shape,
    table: pd.DataFrame,
    before: pd.DataFrame,
    policy: Policy,
) -> tuple[pd.DataFrame, int]:
    """A table whose means stay as they were where few people have come or gone; and how many."""
    keys = list(shape.keys)
    numbers = [*shape.counts, *shape.sums]
    both = table[keys].merge(
        before[[*keys, *numbers]],
        how="left",
        on=keys,
    )
    then = both[numbers].set_axis(table.index).add_suffix(_THEN)
    assert policy.rounding is not None, "only a rounded summary is checked"
    # Both numbers are rounded: this many have changed at the least.
    moved = (table["n"] - then[f"n{_THEN}"]).abs() - (policy.rounding.step - 1)
    few = (moved < policy.fewest_behind).to_numpy(bool)
    kept = table.copy()
    for name in numbers:
        sent = then[f"{name}{_THEN}"].where(few, table[name])
        kept[name] = sent.astype(table[name].dtype)
    changed = kept[numbers].ne(table[numbers]).any(axis=1)
    return kept, int(changed.sum())
