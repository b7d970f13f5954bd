"""The sequential trials of `next_session` beside those of the package pySEQTarget, on one clinic in
which both read the same: prints the frozen numbers of `tests/reference/test_sequential_trials.py`.

Run it where `pySEQTarget` 0.14.3, polars and statsmodels are installed; kettrack needs none of them
for this and is not imported.

Where the design coincides: weekly decisions, everybody still coming is eligible, the arm is whether
the next session comes, the outcome is the score a week later, nobody is unscored.

Where it differs: pySEQTarget tells a continuous outcome as the mean of each arm, without adjustment
for the history unless by weights for staying in the arm, which an intention to treat does not use.
So the adjusted number is least squares (statsmodels) on its expanded trials, with the score at the
decision and the week; `next_session` has further columns and arm x history.
"""

from __future__ import annotations

import json
import sys

import numpy as np

SEED = 17
PEOPLE = 400
WEEKS = 10
Row = tuple[int, int, int, int, float]


def clinic_rows() -> list[Row]:
    """Person, week, still coming, goes on, score; the sicker people are, the likelier they go
    on.
    """
    rng = np.random.default_rng(SEED)
    out = []
    for person in range(PEOPLE):
        state = rng.normal(17, 4)
        coming = True
        for week in range(WEEKS):
            # everybody is a case at the start, as kettrack leaves out those who are none
            lowest = 0 if week else 10
            score = int(np.clip(round(state + rng.normal(0, 1.5)), lowest, 27))
            chance = 1 / (1 + np.exp(-(0.5 + 0.12 * (score - 10))))
            goes_on = bool(coming and rng.random() < chance)
            out.append((person, week, int(coming), int(goes_on), float(score)))
            state = state - 0.9 * goes_on - 0.2 + rng.normal(0, 1.5)
            coming = goes_on
    return out


def main() -> None:
    """Print what pySEQTarget finds."""
    import polars as pl
    import statsmodels.api as sm
    from pySEQTarget import SEQopts, SEQuential

    names = ["id", "week", "coming", "goes_on", "score"]
    data = pl.DataFrame(clinic_rows(), schema=names, orient="row")
    found = SEQuential(
        data,
        id_col="id",
        time_col="week",
        eligible_col="coming",
        treatment_col="goes_on",
        outcome_col="score",
        method="ITT",
        parameters=SEQopts(
            end_of_fup=True, end_of_fup_time=1, end_of_fup_type="continuous"
        ),
    )
    found.expand()
    trials = found.DT
    # the week after the decision; the score of the decision stands in follow-up 0
    start = trials.filter(pl.col("followup") == 0).rename({"score": "before"})
    later = trials.filter(pl.col("followup") == 1)
    pairs = later.join(start.select("id", "trial", "before"), on=["id", "trial"])
    arm = pairs["goes_on_bas"].cast(pl.Int64).to_numpy().astype(float)
    score = pairs["score"].to_numpy().astype(float)
    week = pairs["trial"].to_numpy()
    dummies = [(week == one).astype(float) for one in np.unique(week)]
    x = np.column_stack([arm, pairs["before"].to_numpy().astype(float), *dummies])
    told = {
        "trials": len(pairs),
        "went_on": int(arm.sum()),
        "crude": float(score[arm == 1].mean() - score[arm == 0].mean()),
        "adjusted": float(sm.OLS(score, x).fit().params[0]),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
