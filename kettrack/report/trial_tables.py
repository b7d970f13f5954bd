"""What the trials of the methods found, read from the results that come with the notebooks.

The trials themselves are run by `kettrack.trials`, in a checkout only; an installed kettrack reads
what they wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.resources import notebook_folder

FOLDER: Final = "results"
# An independent run by other code, one column per scenario: its numbers are rounded to 2 decimals.
INDEPENDENT: Final = Path("elsewhere", "independent_run.csv")
INDEPENDENT_COHORTS: Final = 200
COLUMNS: Final = [
    "method",
    "scenario",
    "found",
    "mc_error",
    "truth",
]


def trial_results(
    gate: str | None = None,
    folder: str | Path | None = None,
) -> pd.DataFrame:
    """Checks of every gate that `make truth` has written.

    Parameters
    ----------
    gate : str, optional
        Part of the name before `-`, such as `next_session`; default: all.
    folder : str or Path, optional
        Default: the results that come with the notebooks.

    Returns
    -------
    DataFrame
        One row per check: `gate` `scenario` `question` `check` `n` (patients in a cohort) `cohorts`
        `found` `mc_error` (Monte-Carlo standard error) `truth` `wanted` `passed` (missing where it
        was only reported) `version` `date`.

    Raises
    ------
    UsageError
        When there are none.

    Examples
    --------
    >>> bool(trial_results("plain_curve").passed.all())
    True
    """
    home = Path(folder) if folder is not None else notebook_folder() / FOLDER
    files = [
        path for path in sorted(home.glob("*.csv")) if gate in (None, _gate_of(path))
    ]
    if not files:
        raise UsageError(
            f"No results of {gate or 'any gate'} in {home.name!r}; `make truth` writes them."
        )
    tables = [pd.read_csv(path, dtype={"passed": "boolean"}) for path in files]
    return pd.concat(tables, ignore_index=True)


def _gate_of(path: Path) -> str:
    """Name of the gate whose results a file holds, its scenario left out."""
    return path.stem.partition("-")[0]


def methods_table() -> pd.DataFrame:
    """What every method finds on average in every weekly scenario.

    Returns
    -------
    DataFrame
        One row per method and scenario: `method` `scenario` `found` `mc_error` `truth` (missing
        where the method only describes), in points, or fractions for responses. Each truth is a row
        of its own before the methods that aim at it.

    Examples
    --------
    >>> methods_table().columns.tolist()
    ['method', 'scenario', 'found', 'mc_error', 'truth']
    """
    return _checks_by_method()[COLUMNS]


def _checks_by_method() -> pd.DataFrame:
    """The checks of the gate that puts all methods side by side; each is named by its method."""
    return trial_results("methods").rename(columns={"check": "method"})


def methods_by_scenario() -> pd.DataFrame:
    """The same as text, `mean (Monte-Carlo error)`: one row per method, one column per scenario.

    Examples
    --------
    >>> methods_by_scenario().columns[:2].tolist()
    ['method', 'A']
    """
    rows = methods_table()
    found = rows["found"].map("{:.2f}".format)
    error = rows["mc_error"].map("{:.2f}".format)
    cells = rows.assign(cell=found + " (" + error + ")")
    table = cells.pivot(
        index="method",
        columns="scenario",
        values="cell",
    )
    # the pivot sorts by name; the methods stand in the order of the trials
    in_order = table.reindex(rows["method"].drop_duplicates())
    return in_order.reset_index().rename_axis(columns=None)


def beside_independent_run() -> pd.DataFrame:
    """What the methods find here, less what other code found that ran the same scenarios with draws
    of its own.

    Returns
    -------
    DataFrame
        One row per method and scenario that both ran: `method` `scenario` `found` (here) `other`
        `difference` and `errors` (the difference in Monte-Carlo errors; the other run had 200
        cohorts and is taken to be as exact for its number).

    Examples
    --------
    >>> beside_independent_run().columns.tolist()
    ['method', 'scenario', 'found', 'other', 'difference', 'errors']
    """
    wide = pd.read_csv(notebook_folder() / FOLDER / INDEPENDENT)
    other = wide.melt(
        "method",
        var_name="scenario",
        value_name="other",
    ).dropna()
    rows = _checks_by_method().merge(other, on=["method", "scenario"])
    rows["difference"] = rows["found"] - rows["other"]
    # the variances of both runs add up; that of a mean falls with the number of cohorts
    more = (1 + rows["cohorts"] / INDEPENDENT_COHORTS) ** 0.5
    rows["errors"] = rows["difference"] / (rows["mc_error"] * more)
    return rows[
        [
            "method",
            "scenario",
            "found",
            "other",
            "difference",
            "errors",
        ]
    ]
