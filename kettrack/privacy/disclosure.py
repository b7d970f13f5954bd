"""The one gate for everything printed: what may be seen under which policy.

A policy that hides small counts also hides what follows from them in the same table. A policy that
rounds makes all figures again from rounded counts (`release/rounding.py`).
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats
from kettrack.errors import UsageError, WrongArgument
from kettrack.privacy.policies import Policy, get_policy
from kettrack.privacy.release.cells import Printed
from kettrack.privacy.release.columns import (
    column_numbers,
    counts_behind,
    hide_derived,
)
from kettrack.privacy.release.merging import merged_curve
from kettrack.privacy.release.rounding import rounded_table
from kettrack.privacy.release.row_differences import sides_together
from kettrack.privacy.release.step_blocks import counted_columns, one_curve
from kettrack.privacy.release.whole import protected_alone
from kettrack.result import SUPPRESSED, Result
from kettrack.vocabulary.made_of import Kept

# Under a policy that hides small counts, of every curve by session or week.
TAKEN_TOGETHER: Final = (
    "Rows without numbers are taken together with the next row that has them, until no number is"
    " small. A count there stands for all rows since the last one that shows its column, and"
    " the number at risk for the first of them. Where few logs end, people are counted as followed"
    " on, which makes every share a little smaller. Where more end, who left in one way is a part"
    " of the share of all who left: as many as of those who were counted."
)

ROWS_GONE: Final = "Rows of single patients are not shown under this policy."


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
        Marked with the policy. Under a release policy small counts and what follows from them in
        the same table are missing, and such rows marked `suppressed`; a table of single patients is
        empty.
    """
    if not isinstance(result, Result):
        raise WrongArgument("apply", "a Result", result)
    rules = get_policy(policy)
    if not rules.for_release:
        return replace(result, policy=rules.name)
    caveats = (*result.caveats, rules.banner)
    if "person" in result.roles.values():
        # What the table shows is not said of an empty one.
        return replace(
            result,
            policy=rules.name,
            table=result.table.iloc[:0],
            sentence=ROWS_GONE,
            retell=None,
            caveats=caveats,
        )
    result = replace(
        result,
        policy=rules.name,
        caveats=caveats,
    )
    # A refusal may have no table at all.
    if result.table.empty:
        return result
    return sides_together(_protected(result, rules))


def _protected(result: Result, rules: Policy) -> Result:
    """The result with its table hidden, rounded, or both."""
    table = result.table
    if rules.smallest_count > 1:
        table = _without_small(result, rules)
        # Before it is rounded: 7 must not become 5. Rounding can only blur it more.
        table = protected_alone(
            result,
            table,
            replace(rules, rounding=None),
        )
    if rules.rounding is not None:
        table = rounded_table(
            result,
            table,
            rules,
        )
        # Of a table by itself; where some are hidden, too little is left to tell the others.
        if rules.smallest_count <= 1:
            table = protected_alone(result, table, rules)
    merged = Printed.of(result)._replace(table=table).merged
    if merged and table[SUPPRESSED].any():
        result = replace(result, caveats=(*result.caveats, TAKEN_TOGETHER))
    # A sentence over hidden numbers would take them for missing ones.
    if result.retell is None or (rules.smallest_count > 1 and not merged):
        return replace(result, table=table)
    # Which session half had responded by may be another one after rounding.
    return replace(
        result,
        table=table,
        sentence=result.retell(table),
    )


def _without_small(result: Result, rules: Policy) -> pd.DataFrame:
    """The table without small counts: the steps of a curve taken together, any other with holes."""
    curve = one_curve(result.recipes, result.table)
    if curve is None:
        return suppress_small(result, rules.smallest_count)
    table = merged_curve(
        curve,
        result.table,
        rules.smallest_count,
    )
    shown = table[curve.at_risk].notna().to_numpy(bool)
    # Columns go before rows: what else stands beside the curve is of other counts.
    simulated = [
        name
        for recipe in result.recipes
        if isinstance(recipe, Kept)
        and result.table[recipe.of].min() >= rules.fewest_behind
        for name in recipe.values
    ]
    steps = counted_columns(curve)
    for column in _columns(result, "count"):
        if column in steps:
            continue
        few = _few(column_numbers(table, column), rules.smallest_count)
        # A count that moves from step to step would tell how many logs have ended.
        moves = table[column].nunique(dropna=False) > 1
        table[column] = table[column].astype("Int64").mask(few | moves)
    for column in set(_columns(result, "derived")) - set(curve.columns):
        table[column] = table[column].where(shown & (column in simulated))
    return table.assign(**{SUPPRESSED: True})


def suppress_small(result: Result, smallest: int) -> pd.DataFrame:
    """The table of a result without small counts and what follows from them in the same table.

    Hidden are counts and denominators from 1 to `smallest` - 1; counts, and denominators, that
    leave so few of a denominator of their row; denominators so few below the largest of the table;
    derived cells of such rows, but for those whose own counts are shown. Running counts keep only
    values at least `smallest` apart, and where anything is hidden only the first.
    """
    table = result.table.copy()
    counts = _columns(result, "count")
    denominators = _columns(result, "denominator")
    hidden = _small(
        table,
        counts,
        denominators,
        smallest,
    )
    touched = hidden.any(axis=1).to_numpy(bool)
    was = result.table[counts + denominators + _columns(result, "running")].notna()
    for column in counts + denominators:
        table[column] = (
            table[column].astype("Int64").mask(hidden[column].to_numpy(bool))
        )
    for column in _columns(result, "running"):
        table[column] = _thinned(
            table[column].astype("Int64"), smallest, bool(touched.any())
        )
        touched = touched | (
            table[column].isna() & result.table[column].notna()
        ).to_numpy(bool)
    gone = was & table[was.columns].isna()
    hide_derived(
        table,
        _columns(result, "derived"),
        gone,
        counts_behind(result.recipes),
    )
    return table.assign(**{SUPPRESSED: touched})


def _small(
    table: pd.DataFrame,
    counts: list[str],
    denominators: list[str],
    smallest: int,
) -> pd.DataFrame:
    """Which cells of counts and denominators to hide."""
    names = counts + denominators
    numbers = np.full((len(table), len(names)), np.nan)
    for at, name in enumerate(names):
        numbers[:, at] = column_numbers(table, name)
    parts = numbers[:, : len(counts)]
    hidden = _few(numbers, smallest)
    for at in range(len(counts), len(names)):
        whole = numbers[:, at]
        # The rest of a denominator is a count too: 19 of 22 tells that 3 did not.
        hidden |= _few(whole[:, None] - numbers, smallest)
        # So is what a row lacks of the largest one: 232 with an age, of 240, tells of 8 without.
        largest = whole.max(initial=0, where=~np.isnan(whole))
        hidden[:, at] |= _few(largest - whole, smallest)
        for row in np.flatnonzero(np.nansum(parts, axis=1) == whole).tolist():
            mine = pd.Series(parts[row], counts)
            _hide_partition(mine, hidden[row], smallest)
    return pd.DataFrame(hidden, table.index, names)


def _hide_partition(
    parts: pd.Series,
    hidden: Bools,
    smallest: int,
) -> None:
    """Where counts add up to their denominator, hide the smallest of the others too, until the
    hidden ones cannot be told.

    Parameters
    ----------
    parts : Series
        The counts, by column.
    hidden : bool
        Which are hidden, in the order of the counts; changed in place.
    smallest : int
        As in the policy.
    """
    # One hidden part follows from the others; of two, only the sum is known. That sum must not be
    # small itself.
    place = {name: at for at, name in enumerate(parts.index)}
    names = parts[parts > 0].sort_values(kind="stable").index
    gone = [name for name in names if hidden[place[name]]]
    for name in names.drop(gone):
        if not gone or (len(gone) > 1 and parts[gone].sum() >= smallest):
            return
        hidden[place[name]] = True
        gone.append(name)


def _few(numbers: Floats, smallest: int) -> Bools:
    # What is missing is not few.
    return np.asarray((numbers > 0) & (numbers < smallest), bool)


def _thinned(
    running: pd.Series,
    smallest: int,
    only_first: bool,
) -> pd.Series:
    """Keep a running count where it has moved by at least `smallest` since the last one kept, or
    not at all, and is not small itself: a number at risk may fall to any number.
    """
    kept = []
    last = None
    for value in running:
        far = last is None or (
            not only_first and (value == last or abs(value - last) >= smallest)
        )
        large = value >= smallest or (value == 0 and last is not None)
        kept.append(value if far and large else pd.NA)
        last = value if far else last
    return pd.Series(kept, index=running.index, dtype="Int64")


def gate_rows(
    frame: pd.DataFrame,
    policy: str,
) -> pd.DataFrame:
    """Let rows of single patients through, or not.

    Raises
    ------
    UsageError
        Under any policy but `internal`: two or three days with their scores are enough to find a
        person in such rows.
    """
    if not isinstance(frame, pd.DataFrame):
        raise WrongArgument("gate_rows", "a DataFrame", frame)
    if get_policy(policy).for_release:
        raise UsageError(
            f"Rows of single patients are not released under the policy {policy!r}. Use"
            " --policy internal inside the clinic, or `kettrack report` for counts."
        )
    return frame


def hide_page_differences(
    results: Sequence[Result],
    policy: str,
) -> list[Result]:
    """Hide, under a release policy, what a reader could work out from the other sentences of the
    same page.

    Parameters
    ----------
    results : sequence of Result
        In the order of the page, each through the gate. Looked at are the numbers of people in
        their sentences.
    policy : str
        In force.

    Returns
    -------
    list of Result
        As they came under `internal`. Else the counts of a row are hidden where one of its numbers,
        or the sum of two, is nearer to a number before it on the page, or to a sum of two in one
        row, than the policy's smallest count. Its shares then have no decimals.
    """
    rules = get_policy(policy)
    smallest = rules.smallest_count
    # Rounded counts are farther apart than what they could tell.
    if smallest <= 1 or rules.rounding is not None:
        return list(results)
    kept: list[int] = []
    page = []
    for result in results:
        silent = result.status == "refused" or result.all_hidden
        page.append(result if silent else _without_near_numbers(result, kept, smallest))
    return page


def _without_near_numbers(
    result: Result,
    kept: list[int],
    smallest: int,
) -> Result:
    """The result without rows that come too near to what is kept; what it shows is kept from now
    on.
    """
    gone: list[int] = []
    for row, values in _people_in_sentence(result):
        numbers = [*values, sum(values)] if len(values) == 2 else values
        if any(
            0 < abs(number - other) < smallest for number in numbers for other in kept
        ):
            gone.append(row)
        else:
            kept += numbers
    return _with_rows_hidden(result, gone)


def _people_in_sentence(result: Result) -> Iterator[tuple[int, list[int]]]:
    """Per row, the numbers of people that the sentence names."""
    key = next((column for column, role in result.roles.items() if role == "key"), "")
    names = {
        name for _, name, _, _ in string.Formatter().parse(result.sentence) if name
    }
    people = [
        column
        for column, role in result.roles.items()
        if role in ("count", "denominator", "running")
    ]
    for row, cells in enumerate(result.table.to_dict("records")):
        label = cells[key] if isinstance(cells[key], str) else f"row{cells[key]}"
        values = [
            int(cells[column])
            for column in people
            if f"{label}.{column}" in names and pd.notna(cells[column])
        ]
        if values:
            yield row, values


def _with_rows_hidden(
    result: Result,
    rows: list[int],
) -> Result:
    """Counts missing in some rows, which are marked, and shares there without decimals."""
    if not rows:
        return result
    table = result.table.copy()
    mask = np.isin(
        np.arange(len(table)),
        rows,
    )
    for column, role in result.roles.items():
        if role in ("count", "denominator", "running"):
            table[column] = table[column].astype("Int64").mask(mask)
        # With all its decimals a share would tell of how many it is.
        elif role == "derived" and pd.api.types.is_numeric_dtype(table[column]):
            table[column] = table[column].where(
                ~mask,
                table[column].round(),
            )
    marked = table[SUPPRESSED] | mask if SUPPRESSED in table else mask
    return replace(result, table=table.assign(**{SUPPRESSED: marked}))


def _columns(result: Result, role: str) -> list[str]:
    return [
        str(column) for column in result.table if result.roles.get(str(column)) == role
    ]
