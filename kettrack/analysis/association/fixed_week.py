"""Change from the baseline to a fixed week: its mean, and against the number of sessions by then,
the people who had none included.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import STRATA, strata
from kettrack.analysis.association.paired import (
    POINTS,
    PairedCounts,
    mean_cells,
    paired_counts,
    paired_rows,
    sums_of,
)
from kettrack.analysis.association.regression_to_mean import (
    CAVEAT,
    EntryCutoff,
    find_entry_cutoff,
    regression_rows,
    regression_words,
)
from kettrack.analysis.context import LEVEL, NORMAL_QUANTILE, rule_words
from kettrack.analysis.person_rows import COLUMNS
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import ratable
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    DAYS_IN_WEEK,
    HORIZON_DAYS,
    HORIZON_TOLERANCE_DAYS,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE, FEWEST_PEOPLE_FOR_SLOPE
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT, MEANS, Kept
from kettrack.vocabulary.plain_words import share_with_interval

WEEK: Final[int] = HORIZON_DAYS // DAYS_IN_WEEK
NONE: Final = "none"
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "started": "denominator",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "sd": "derived",
}
# Of whom something is counted stands in one row of one table only.
_MEAN_ROLES: Final = {name: role for name, role in _ROLES.items() if name != "events"}
_DECIMALS: Final = {"estimate": 2, "ci_low": 2, "ci_high": 2, "sd": 2}


def require_week(week: int) -> None:
    """Stop at what is no week after session 1.

    Raises
    ------
    UsageError
        When the week is no whole number above 0.
    """
    if isinstance(week, bool) or not isinstance(week, int) or week < 1:
        raise UsageError(f"A week is a whole number above 0, not {week!r}.")


def scores_at_week(cohort: DerivedCohort, week: int) -> pd.DataFrame:
    """Baseline, score and number of sessions at a fixed week, of everybody who could be scored.

    Returns
    -------
    DataFrame
        One row per patient with a baseline that is a case, no sessions before the log, and a log
        that reaches to the end of the window, by `patient_id`: `baseline` `score` (the nearest to
        the day, at most `HORIZON_TOLERANCE_DAYS` away, of two as near the earlier; missing without
        one) `change` `sessions` (before the score, placebo not counted; without a score, by that
        day).

    Raises
    ------
    UsageError
        When the week is no whole number above 0.
    """
    require_week(week)
    day = DAYS_IN_WEEK * week
    people = cohort.patients.set_index("patient_id").index
    nearest = nearest_scores(cohort, day)
    out = pd.DataFrame({"baseline": cohort.baselines.score}, index=people)
    out["score"] = nearest["score"]
    out["change"] = out["score"] - out["baseline"]
    # A session after the score cannot have changed it.
    until = nearest["sessions_to_date"].astype("Float64").reindex(people)
    out["sessions"] = _active_sessions(cohort, day, until)
    return out[_could_be_scored(cohort, day)]


def nearest_scores(cohort: DerivedCohort, day: int) -> pd.DataFrame:
    """Score nearest to a day, at most `HORIZON_TOLERANCE_DAYS` away, by patient."""
    scores = cohort.timeline.dropna(subset=["score"])
    away = (scores["day"] - day).abs()
    near = scores.assign(away=away)[away <= HORIZON_TOLERANCE_DAYS]
    near = near.sort_values(["patient_id", "away", "day"], kind="stable")
    return near.groupby("patient_id")[["score", "sessions_to_date"]].first()


def _active_sessions(cohort: DerivedCohort, day: int, until: pd.Series) -> pd.Series:
    """Sessions with a drug before each person's score, or by the day where there is none."""
    sessions = cohort.sessions
    number = sessions.groupby("patient_id").cumcount() + 1
    last = sessions["patient_id"].map(until)
    in_time = (number <= last).where(last.notna(), sessions["day"] <= day)
    active = in_time.fillna(False) & sessions["drug"].ne("placebo").fillna(True)
    counted = active.astype(int).groupby(sessions["patient_id"].astype(object)).sum()
    return counted.reindex(until.index).fillna(0).astype(int)


def _could_be_scored(cohort: DerivedCohort, day: int) -> np.ndarray:
    """Whether each patient is a case whose whole treatment is in a log that goes on long enough."""
    # People on placebo stay in: they are those who had no session of the drug.
    before = cohort.log_reasons["prior_sessions"]
    case = ratable(cohort.baselines, cohort.criteria) & ~before
    return np.asarray(case & log_reaches(cohort, day + HORIZON_TOLERANCE_DAYS))


def log_reaches(cohort: DerivedCohort, day: int) -> Bools:
    """Whether the log of each patient goes on to a day; where no log says how far it reaches, all
    do.
    """
    observed = cohort.patients["observed_to_day"].astype("Float64")
    reaches = (observed >= day).fillna(False).to_numpy(bool)
    return np.asarray(reaches | bool(observed.isna().all()))


@question(
    "paired_change",
    recipes=(
        COUNTED_BY_UNIT,
        Kept(values=("sd",), of="n"),
    ),
    asks="How much did scores change from before treatment to a fixed week?",
    unit="as named in each row",
    estimand=(
        "Mean change from the baseline to the score nearest to a fixed week, among the people who"
        " were scored then, whatever sessions they had."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
)
def paired_change(cohort: DerivedCohort, week: int = WEEK) -> Answer:
    """Paired mean change, with what regression to the mean alone would make of it.

    Parameters
    ----------
    week : int
        Weeks since session 1.

    Returns
    -------
    Result
        Rows `baseline` `score` `change` (means, with Student's interval; `sd`), `standardised`
        (mean change in SDs of the baseline), `paired` (in SDs of the change), `worse` (percent
        whose score is worse than their baseline, by any amount; `events` people), and
        `mean_regression_low` `mean_regression_high`, as in `association`. `started` = people who
        could have been scored, `n` = people who were. People whose sessions were all placebo are
        not counted. Refused with fewer than `FEWEST_PEOPLE` scored.
    """
    people = _treated(scores_at_week(cohort, week))
    scored = _require_scored(people, week)
    entry = find_entry_cutoff(cohort)
    counts = paired_counts(scored, len(people), cohort.instrument.sign)
    rows = [*paired_rows(counts, week), *_regression(cohort, scored)]
    table = pd.DataFrame(rows).assign(started=len(people), n=len(scored))
    table["events"] = table["events"].astype("Int64")
    return Answer(
        table=table.reindex(columns=list(_ROLES)),
        sentence=f"{paired_words(counts, week)} {regression_words(entry)}",
        caveats=(_OBSERVED, _window_words(cohort), CAVEAT),
        level=LEVEL,
        rows=partial(_person_rows, people),
    )


def _require_scored(people: pd.DataFrame, week: int) -> pd.DataFrame:
    scored = people.dropna(subset=["score"])
    require_enough(len(scored), week)
    return scored


def require_enough(scored: int, week: int) -> None:
    """Refuse where too few people were scored at a week.

    Raises
    ------
    NotIdentified
        Asking for baselines and for scores at the week.
    """
    if scored < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people with a baseline that is a case were scored within"
            f" {HORIZON_TOLERANCE_DAYS} days of week {week}.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1, and one at week {week},"
            " for everyone.",
        )


def count_paired(cohort: DerivedCohort, week: int = WEEK) -> PairedCounts:
    """What `paired_rows` needs of the people scored at a week; counts of several sites can be
    added.
    """
    people = _treated(scores_at_week(cohort, week))
    scored = people.dropna(subset=["score"])
    return paired_counts(scored, len(people), cohort.instrument.sign)


def _treated(people: pd.DataFrame) -> pd.DataFrame:
    """People with a session of the drug: placebo is no treatment whose change is asked for."""
    return people[people["sessions"] > 0]


def _regression(cohort: DerivedCohort, scored: pd.DataFrame) -> list[dict[str, Any]]:
    """What regression to the mean alone would make; the observed fall has rows of its own."""
    entry = find_entry_cutoff(cohort)
    people = scored.rename(columns={"score": "last"})
    return regression_rows(cohort, people, entry)[1:]


def paired_words(counts: PairedCounts, week: int) -> str:
    """How many were scored at the week, how their scores changed, and how many were worse."""
    # Where all began with one score, there is no spread to measure by.
    in_sds = (
        ", which is {standardised.estimate} SDs of the baseline"
        if counts.sums["baseline"].sd
        else ""
    )
    return (
        f"{{change.n}} of {{change.started}} people were scored at week {week}. Their mean score"
        " went from {baseline.estimate:.0f} to {score.estimate:.0f}: a mean change of"
        " {change.estimate} points (95 % interval {change.ci_low} to {change.ci_high})"
        f"{in_sds}. {share_with_interval('worse')} scored worse than before treatment."
    )


@question(
    "change_by_sessions",
    recipes=(
        MEANS,
        Kept(values=("sd",), of="n"),
    ),
    asks="How is the number of sessions by a fixed week related to the change by then?",
    unit="as named in each row",
    estimand=(
        "Association between the number of sessions before the score at a fixed week and the"
        " change from the baseline to that score, people without a session of the drug included."
        " Who stops when is decided by how people do. So this does not say what a session does."
    ),
    roles=_MEAN_ROLES,
    decimals=_DECIMALS,
)
def change_by_sessions(cohort: DerivedCohort, week: int = WEEK) -> Answer:
    """Mean change at a fixed week by number of sessions, and its slope.

    Parameters
    ----------
    week : int
        Weeks since session 1.

    Returns
    -------
    Result
        One row per number of sessions (`sessions_none`: nobody counts here but people whose
        sessions were all placebo): `started` people with that many, `n` of them scored, and their
        mean change with Student's interval. `slope` and `slope_adjusted`: points per session, raw
        and at equal baselines, missing with fewer than `FEWEST_PEOPLE_FOR_SLOPE` scored;
        `none_against_any`: difference in mean change, Welch's interval, where both have
        `FEWEST_PEOPLE`. `mean_regression_low` `mean_regression_high` as in `association`. Refused
        with fewer than `FEWEST_PEOPLE` scored.
    """
    people = scores_at_week(cohort, week)
    scored = _require_scored(people, week)
    rows = [
        *_group_rows(people),
        *_slopes_at_week(scored),
        _none_against_any(scored),
        *_whole(_regression(cohort, scored), scored),
    ]
    table = pd.DataFrame(rows).reindex(columns=list(_MEAN_ROLES))
    return Answer(
        table=table,
        sentence=_sessions_sentence(table, week, find_entry_cutoff(cohort)),
        caveats=(
            "Who stops when: people who feel well stop, and people who are not helped leave. The"
            " number of sessions follows from how people do as much as the other way round."
            f" What a session changes is asked by {asked_as('next_session')} and"
            f" {asked_as('stop_after')}; both can refuse.",
            "No session of the drug means that all sessions were placebo. People of whom the log"
            " has no session at all are left out when it is read.",
            _OBSERVED,
            _window_words(cohort),
            CAVEAT,
        ),
        level=LEVEL,
        rows=partial(_person_rows, people),
    )


def _whole(rows: list[dict[str, Any]], scored: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows that speak of everybody scored."""
    return [row | {"started": len(scored), "n": len(scored)} for row in rows]


def _group_rows(people: pd.DataFrame) -> list[dict[str, Any]]:
    """Mean change by number of sessions; a number that nobody had is left out."""
    bands = pd.Series(strata(people["sessions"]), index=people.index).astype(object)
    bands = bands.where(people["sessions"] > 0, NONE)
    rows: list[dict[str, Any]] = []
    for band in (NONE, *STRATA):
        here = people[bands == band]
        if here.empty:
            continue
        change = here["change"].dropna()
        name = band.replace(" ", "_").replace("+", "_and_more")
        cells = mean_cells(sums_of(change)) if len(change) else {"estimate": np.nan}
        about = "no session of the drug" if band == NONE else f"{band} sessions"
        rows.append(
            {
                "key": f"sessions_{name}",
                "about": about,
                "unit": POINTS,
            }
            | {
                "started": len(here),
                "n": len(change),
                **cells,
            }
        )
    return rows


def _slopes_at_week(scored: pd.DataFrame) -> list[dict[str, Any]]:
    """Least squares with errors that allow for unequal spread (HC1)."""
    asked = {
        "slope": ("change per session, raw", "change", ["sessions"]),
        "slope_adjusted": (
            "score per session, at equal baselines",
            "score",
            ["sessions", "baseline"],
        ),
    }
    n = len(scored)
    rows: list[dict[str, Any]] = []
    for key, (about, outcome, columns) in asked.items():
        cells = {"estimate": np.nan}
        if n >= FEWEST_PEOPLE_FOR_SLOPE and scored["sessions"].nunique() > 1:
            varying = [name for name in columns if scored[name].nunique() > 1]
            x = np.column_stack([np.ones(n), scored[varying].to_numpy(float)])
            fit = fit_clustered(x, scored[outcome].to_numpy(float), np.arange(n))
            middle = float(fit.coefficients[1])
            half = NORMAL_QUANTILE * float(fit.error[1])
            cells = {
                "estimate": middle,
                "ci_low": middle - half,
                "ci_high": middle + half,
            }
        about_row = {"key": key, "about": about, "unit": "points per session"}
        rows.append(about_row | {"started": n, "n": n} | cells)
    return rows


def _none_against_any(scored: pd.DataFrame) -> dict[str, Any]:
    """Difference in mean change between people with and without a session of the drug."""
    # Welch's test: the two need not spread alike.
    had = scored["sessions"] > 0
    groups = [scored.loc[had, "change"], scored.loc[~had, "change"]]
    row: dict[str, Any] = {
        "key": "none_against_any",
        "about": "mean change with sessions minus mean change without",
        "unit": POINTS,
        "started": len(scored),
        "n": len(scored),
        "estimate": np.nan,
    }
    if min(map(len, groups)) < FEWEST_PEOPLE:
        return row
    from scipy.stats import ttest_ind

    welch = ttest_ind(*(group.to_numpy(float) for group in groups), equal_var=False)
    ends = welch.confidence_interval(LEVEL)
    middle = float(groups[0].mean() - groups[1].mean())
    return row | {"estimate": middle, "ci_low": ends.low, "ci_high": ends.high}


def _sessions_sentence(table: pd.DataFrame, week: int, entry: EntryCutoff) -> str:
    """The means, the slope, and what it is not."""
    rows = table.set_index("key")
    groups = [key for key in rows.index if key.startswith("sessions_")]
    told = [key for key in groups if rows["n"][key] >= FEWEST_PEOPLE]
    means = "; ".join(
        f"{rows['about'][key]}: {{{key}.estimate}} points, {{{key}.n}} of"
        f" {{{key}.started}} people scored"
        for key in told
    )
    slope = (
        "Too few people were scored for a slope."
        if np.isnan(rows["estimate"]["slope_adjusted"])
        else "At equal baselines, the score differs by {slope_adjusted.estimate} points per session"
        " (95 % interval {slope_adjusted.ci_low} to {slope_adjusted.ci_high}). This is"
        " association: it mixes what sessions do with who stops when."
    )
    any_none = (
        ""
        if np.isnan(rows["estimate"]["none_against_any"])
        else " People with sessions of the drug changed by {none_against_any.estimate} points more"
        " than people without one (95 % interval {none_against_any.ci_low} to"
        " {none_against_any.ci_high}; a negative number is a lower score)."
    )
    begin = (
        f"Mean change at week {week} by number of sessions. {means}. " if told else ""
    )
    return f"{begin}{slope}{any_none} {regression_words(entry)}"


_OBSERVED: Final = (
    "Only people who were scored then are in a mean. People who are well, or who have left, are"
    " scored less often, so the mean of everybody may be better or worse."
)


def _window_words(cohort: DerivedCohort) -> str:
    return (
        f"The score nearest to the week counts, at most {HORIZON_TOLERANCE_DAYS} days before or"
        " after, whatever sessions there were. Counted are people with a baseline that is a case,"
        f" and a log that reaches to the end of that window. {rule_words(cohort)}."
    )


def _person_rows(people: pd.DataFrame) -> pd.DataFrame:
    """Number of sessions of each person as the time, and the change as the value; missing without a
    score.
    """
    rows = people.rename_axis("patient_id").reset_index()
    scored = rows["score"].notna()
    rows = rows.assign(
        curve="change",
        time=rows["sessions"],
        status=scored,
        cause=np.where(scored, "scored", "not_scored"),
        weight=1.0,
        value=rows["change"],
    )
    return rows.reindex(columns=list(COLUMNS))
