"""Tables that leave together: what each may still show when a reader has all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

import pandas as pd

from kettrack.privacy.policies import Policy
from kettrack.privacy.release.cells import Printed, Release, ReleaseCell, release_of
from kettrack.privacy.release.manifest import Manifest, figures_since
from kettrack.privacy.release.protect import hidden_cells, told_by_rounding, without
from kettrack.privacy.release.relations import (
    Relations,
    relations_within,
    stored_relations,
)
from kettrack.privacy.release.row_differences import sides_together
from kettrack.result import SUPPRESSED, Result

# Between the words of a cell's name; no key of a row holds it.
_BETWEEN: Final = "\t"


def protected_alone(
    before: Result, table: pd.DataFrame, policy: Policy
) -> pd.DataFrame:
    """A table without the numbers that its own others tell.

    Parameters
    ----------
    before : Result
        Before the gate.
    table : DataFrame
        After it, with small counts hidden.
    policy : Policy
        In force.
    """
    # Where the gate had nothing to hide in a table, a rest between two rows can still be small.
    whole = Printed.of(before)
    truth = {before.name: whole}
    release = {before.name: whole._replace(table=table)}
    mine = relations_within(before.name)
    hidden = _cells_to_hide(truth, release, policy, mine)
    return without(
        release[before.name],
        hidden,
        before.name,
    ).table


def withheld_names(
    before: Sequence[Result],
    after: Sequence[Result],
    policy: Policy,
    previous: Manifest | None = None,
) -> tuple[str, ...]:
    """The numbers that must go so that tables that leave together tell nothing, as
    `Settings.withheld` takes them.

    Parameters
    ----------
    before : sequence of Result
        Before the gate.
    after : sequence of Result
        The same as they are asked under the policy, each through the gate by itself. An answer that
        has more rows inside the clinic would lose others at the gate than it does when it leaves.
    policy : Policy
        In force.
    previous : Manifest, optional
        Of an earlier release of the same clinic.
    """
    hidden = _cells_to_hide(
        release_of(before),
        release_of(after),
        policy,
        stored_relations(),
        previous,
    )
    if previous is not None:
        hidden |= figures_since(after, previous, policy)
    return tuple(sorted(_BETWEEN.join(cell) for cell in hidden))


def _cells_to_hide(
    truth: Release,
    release: Release,
    policy: Policy,
    relations: Relations,
    previous: Manifest | None = None,
) -> set[ReleaseCell]:
    """Further numbers that a policy must hide."""
    if policy.smallest_count > 1:
        return hidden_cells(
            truth,
            release,
            relations,
            policy,
            [shown.numbers for shown in previous.releases] if previous else (),
        )
    return told_by_rounding(truth, release, relations, policy)


def withhold(result: Result, names: Iterable[str]) -> Result:
    """A result without some of its numbers.

    Parameters
    ----------
    result : Result
        Through the gate.
    names : iterable of str
        From `withheld_names`; those of other questions are passed over.
    """
    cells = [ReleaseCell(*name.split(_BETWEEN)) for name in names]
    mine = [cell for cell in cells if cell.question == result.name]
    if not mine or SUPPRESSED not in result.table:
        return result
    # Its caption and its sentence read the table, so they follow.
    printed = without(
        Printed.of(result),
        mine,
        result.name,
    )
    # A curve may end earlier now, and its sentence tells its end.
    if result.retell is None or not printed.merged:
        return sides_together(replace(result, table=printed.table))
    return replace(result, table=printed.table, sentence=result.retell(printed.table))
