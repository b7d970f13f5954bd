"""What the trials found, as the notebook shows it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kettrack.errors import UsageError
from kettrack.resources import notebook_folder

FOLDER = "results"
INDEPENDENT = "independent_run.csv"
OTHER_COHORTS = 200


def trial_results(
    gate: str | None = None, folder: str | Path | None = None
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
    files = sorted(
        path
        for path in home.glob("*.csv")
        if gate is None or path.stem.partition("-")[0] == gate
    )
    if not files:
        raise UsageError(
            f"No results of {gate or 'any gate'} in {home.name!r}; `make truth` writes them."
        )
    return pd.concat(
        [pd.read_csv(path, dtype={"passed": "boolean"}) for path in files],
        ignore_index=True,
    )


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
    rows = trial_results("methods").rename(columns={"check": "method"})
    return rows[["method", "scenario", "found", "mc_error", "truth"]]


def methods_by_scenario() -> pd.DataFrame:
    """The same as text, `mean (Monte-Carlo error)`: one row per method, one column per scenario.

    Examples
    --------
    >>> methods_by_scenario().columns[:2].tolist()
    ['method', 'A']
    """
    rows = methods_table()
    said = (
        rows["found"].map("{:.2f}".format)
        + " ("
        + rows["mc_error"].map("{:.2f}".format)
        + ")"
    )
    table = rows.assign(said=said).pivot(
        index="method", columns="scenario", values="said"
    )
    return (
        table.reindex(rows["method"].drop_duplicates())
        .reset_index()
        .rename_axis(columns=None)
    )


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
    wide = pd.read_csv(Path(__file__).with_name(INDEPENDENT))
    other = wide.melt("method", var_name="scenario", value_name="other").dropna()
    checks = trial_results("methods").rename(columns={"check": "method"})
    rows = checks.merge(other, on=["method", "scenario"])
    rows["difference"] = rows["found"] - rows["other"]
    rows["errors"] = rows["difference"] / (
        rows["mc_error"] * (1 + rows["cohorts"] / OTHER_COHORTS) ** 0.5
    )
    return rows[["method", "scenario", "found", "other", "difference", "errors"]]
