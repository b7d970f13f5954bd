"""Who is scored and who is not: the ladder by group, what tells who is scored, and how far the
people without a score could move an answer.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb
import matplotlib
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from scipy import stats
from simulated import simulated_cohort
from spec.tables import cohort

from kettrack import (
    Cohort,
    cohort_from_frames,
    estimate,
    plot_equity_ladder,
    sample_folder,
)
from kettrack.analysis.subgroups import at_week
from kettrack.timelines.derived import derive

matplotlib.use("Agg")

# Twelve people with a baseline of 20 on day -1; each name says what is there around week 12.
SCORES = """
patient      | day | score
on_the_day   |  -1 | 20
on_the_day   |  84 | 10    # half of the baseline: responds
first_day    |  -1 | 20
first_day    |  77 | 11    # the first day of the window; one point short of a response
last_day     |  -1 | 20
last_day     |  91 | 26    # the last day; worse by six points
too_early    |  -1 | 20
too_early    |  76 | 4
too_late     |  -1 | 20
too_late     |  92 | 4
nearer       |  -1 | 20
nearer       |  80 | 20
nearer       |  86 | 5     # two days away beats four
never        |  -1 | 20
low          |  -1 | 9     # below caseness: not rated
low          |  84 | 2
no_baseline  |  84 | 2
short_log    |  -1 | 20
short_log    |  84 | 2
again        |  -1 | 20
again        |  20 | 8
silent_well  |  -1 | 20
silent_well  |  20 | 20
silent_well  |  40 | 9     # responding when last seen
"""
NAMES = list(
    dict.fromkeys(line.split("|")[0].strip() for line in SCORES.split("\n")[2:-1])
)
PATIENTS = "patient | observed_to_day | ethnicity\n" + "\n".join(
    f"{name} | {90 if name == 'short_log' else 91} | white" for name in NAMES
)
SESSIONS = "patient | days\n" + "\n".join(
    f"{name} | 0 {60 if name == 'again' else 48}" for name in NAMES
)


def small() -> Cohort:
    return cohort(SCORES, SESSIONS, PATIENTS)


def test_windows_and_logs_by_hand() -> None:
    people = at_week.people_at_week(derive(small()))
    assert "short_log" not in people.index
    assert set(people.index[people["scored"]]) == {
        "on_the_day",
        "first_day",
        "last_day",
        "nearer",
    }
    assert set(people.index[~people["rated"]]) == {"low", "no_baseline"}
    # A score on day 76 is the last one before the window opens; one of day 77 is inside of it.
    responding = people["state"] == at_week.LAST_STATES[1]
    assert set(people.index[responding]) == {"too_early", "again", "silent_well"}
    assert people.loc["first_day", "state"] == at_week.LAST_STATES[2]
    # 28 days before day 77 is day 49: one of day 48 is too long ago.
    coming = people["coming"] == at_week.STILL_COMING[1]
    assert set(people.index[coming]) == {"again"}


def test_the_ladder_of_everybody_by_hand() -> None:
    table = estimate("equity_ladder", small()).table.set_index("key")
    # `never` was not scored after session 1; `low` and `no_baseline` are not rated.
    assert table.loc["all", ["n", "analysable", "scored"]].tolist() == [11, 8, 4]
    assert table.loc["all", "estimate"] == pytest.approx(100 * 4 / 11)


def test_bounds_are_whole_people() -> None:
    many = pd.concat([_copy(place) for place in range(3)], ignore_index=True)
    found = estimate("silent_bounds", _clinic(many))
    table = found.table.set_index("key")
    assert table.loc["responded_scored", ["n", "events"]].tolist() == [12, 6]
    assert table.loc["worse_scored", ["n", "events"]].tolist() == [12, 3]
    assert table.loc["responded_if_none", "estimate"] == pytest.approx(100 * 6 / 27)
    assert table.loc["responded_if_all", "estimate"] == pytest.approx(100 * 21 / 27)
    assert table.loc["worse_if_all", "estimate"] == pytest.approx(100 * 18 / 27)
    # too_early, again and silent_well were responding; too_late was never scored before.
    assert table.loc["responded_last_seen", ["n", "events"]].tolist() == [9, 9]
    # With so many of the silent as the tipping point says, everybody's share is that end.
    for end in ("low", "high"):
        share = table.loc[f"responded_tipping_{end}", "estimate"] / 100
        whole = 100 * (6 + share * 15) / 27
        assert whole == pytest.approx(table.loc["responded_scored", f"ci_{end}"])
    assert "tipping point" in found.text


def test_few_who_are_worse_are_told_by_no_row_of_a_release() -> None:
    table = sample_answer("silent_bounds", "cms").table.set_index("key")
    worse = table[table["outcome"] == "worse"]
    # Everybody less the silent, or a tipping point, would tell the ten who are worse.
    assert worse[["events", "estimate", "ci_low", "ci_high"]].isna().all(axis=None)
    assert table.loc["responded_if_all", "estimate"] > 0


def _copy(place: int) -> pd.DataFrame:
    scores = small().scores[["patient_id", "day", "score"]].astype(object)
    return scores.assign(patient_id=scores["patient_id"] + f"_{place}")


def _clinic(scores: pd.DataFrame) -> Cohort:
    codes = scores["patient_id"].unique()
    short = [code.startswith("short_log") for code in codes]
    patients = pd.DataFrame(
        {"patient_id": codes, "observed_to_day": np.where(short, 90, 91)}
    )
    sessions = pd.DataFrame({"patient_id": codes, "day": 0})
    return cohort_from_frames(
        sessions, scores.assign(instrument="PHQ-9"), patients=patients
    )


def _told_by_last_score(n: int, seed: int, least: float) -> tuple[Cohort, float]:
    """Whoever does not respond on day 28 is scored less at week 12, and responds less; returned
    with the share of everybody who responds.
    """
    rng = np.random.default_rng(seed)
    early = rng.random(n) < 0.5
    late = rng.random(n) < np.where(early, 0.7, 0.2)
    scored = rng.random(n) < np.where(early, 0.9, least)
    codes = np.array([f"P{place:05d}" for place in range(n)])
    rows = [
        pd.DataFrame({"patient_id": codes, "day": -1, "score": 20}),
        pd.DataFrame({"patient_id": codes, "day": 28, "score": np.where(early, 8, 18)}),
        pd.DataFrame({"patient_id": codes, "day": 84, "score": np.where(late, 8, 18)})[
            scored
        ],
    ]
    return _clinic(pd.concat(rows, ignore_index=True)), 100 * float(late.mean())


def test_people_alike_stand_for_the_silent() -> None:
    clinic, truth = _told_by_last_score(3000, 5, least=0.4)
    table = estimate("silent_bounds", clinic).table.set_index("key")
    alike = table.loc["responded_alike"]
    assert table.loc["responded_scored", "ci_low"] > truth + 5
    assert alike["ci_low"] < truth < alike["ci_high"]
    assert alike["estimate"] == pytest.approx(truth, abs=2.5)
    ends = table["estimate"]
    assert ends["responded_if_none"] < truth < ends["responded_if_all"]


def test_where_silence_tells_nothing_both_agree() -> None:
    clinic, truth = _told_by_last_score(3000, 6, least=0.9)
    table = estimate("silent_bounds", clinic).table.set_index("key")
    scored, alike = table["estimate"][["responded_scored", "responded_alike"]]
    assert scored == pytest.approx(alike, abs=1)
    assert scored == pytest.approx(truth, abs=3)


def test_weights_are_those_of_statsmodels() -> None:
    from statsmodels.api import Logit

    people = at_week.people_at_week(derived_sample())
    people = people[people["rated"]]
    from kettrack.analysis.subgroups.silent_bounds import _columns

    x = _columns(derived_sample(), people)
    scored = people["scored"].to_numpy(float)
    chance = Logit(scored, x).fit(disp=0).predict(x)
    responded = people["score"] <= people["baseline"] / 2
    weights = scored / chance
    share = 100 * (weights * responded).sum() / weights.sum()
    table = sample_answer("silent_bounds").table.set_index("key")
    assert table.loc["responded_alike", "estimate"] == pytest.approx(share, abs=1e-4)


def test_the_ladder_agrees_with_sql() -> None:
    folder = sample_folder()
    counted = duckdb.sql(f"""
        with started as (
            select patient_id from read_csv('{folder}/sessions.csv')
            group by patient_id
        ), scores as (
            select patient_id, day, score, coalesce(timing, '') as timing
            from read_csv('{folder}/scores.csv')
            where instrument = 'PHQ-9' and score is not null
        ), before as (
            select patient_id, arg_max(score, 10 * day + (timing = 'before')::int)
                as baseline
            from scores where day between -30 and 0 and not (day = 0 and timing = 'after')
            group by patient_id
        )
        select coalesce(p.ethnicity, 'unknown') as ethnicity, count(*) as n,
            count(*) filter (
                b.baseline >= 10 and coalesce(p.prior_sessions, 0) = 0 and exists (
                    from scores s where s.patient_id = p.patient_id
                    and s.day between 77 and 91
                )
            ) as scored
        from read_csv('{folder}/patients.csv') p
        join started using (patient_id)
        left join before b using (patient_id)
        where p.observed_to_day >= 91
        group by 1
    """).df()
    by_sql = counted.set_index("ethnicity")
    table = sample_answer("equity_ladder").table
    own = table[table["characteristic"] == "ethnicity"].set_index("group")
    for group in ("white", "hispanic", "black"):
        assert own.loc[group, ["n", "scored"]].tolist() == [
            by_sql.loc[group, "n"],
            by_sql.loc[group, "scored"],
        ]
    # Nobody is left out of a characteristic.
    assert own["n"].sum() == by_sql["n"].sum() == table["n"].iloc[0]


def test_differences_at_equal_others_are_those_of_statsmodels() -> None:
    from statsmodels.api import OLS

    from kettrack.analysis.subgroups.adjusted import known_characteristics

    derived = derived_sample()
    people = at_week.people_at_week(derived)
    people = people[people["rated"]]
    there = known_characteristics(derived, people.index)
    parts = [np.ones((len(people), 1))]
    names = ["constant"]
    for each in there:
        number = [each.number[:, None]] if len(each.number) else []
        columns = [each.dummies, each.unknown]
        # Of what is compared the number is left out, as it says the same.
        columns += [] if each.name == "ethnicity" else number
        for column in columns:
            parts.append(column)
            names += [f"{each.name}{place}" for place in range(column.shape[1])]
    x = pd.DataFrame(np.hstack(parts), columns=names)
    # What follows from the columns before it, such as the drug from the route, adds nothing.
    own = np.abs(np.diag(np.linalg.qr(x.to_numpy())[1])) > 1e-8
    x = x.loc[:, own]
    outcome = 100 * people["scored"].to_numpy(float)
    fits = [OLS(outcome, x).fit(cov_type=kind) for kind in ("HC1", "nonrobust")]
    table = sample_answer("scored_predictors").table.set_index("key")
    assert table.loc["ethnicity_1", "adjusted"] == pytest.approx(
        fits[0].params["ethnicity0"].iloc[0], abs=1e-6
    )
    # The larger error of both, as many times as all looks together ask for.
    errors = [float(fit.bse["ethnicity0"].iloc[0]) for fit in fits]
    n_differences = table["adjusted"].notna().sum()
    reach = stats.t.ppf(1 - 0.025 / n_differences, fits[0].df_resid)
    half = (
        table.loc["ethnicity_1", "adjusted_high"] - table.loc["ethnicity_1", "adjusted"]
    )
    assert half == pytest.approx(reach * max(errors), rel=1e-6)


SIMULTANEOUS = {
    "equity_ladder": ("difference_low", "difference_high"),
    "scored_predictors": ("adjusted_low", "adjusted_high"),
}


@pytest.mark.parametrize("name", SIMULTANEOUS)
def test_the_group_that_the_sample_follows_less_is_found(name: str) -> None:
    low, high = SIMULTANEOUS[name]
    found = sample_answer(name)
    table = found.table
    outside = table[(table[low] > 0) | (table[high] < 0)]
    start = outside[
        ~outside["characteristic"].isin(["still coming", "before the week"])
    ]
    assert start["group"].tolist() == ["hispanic"]
    assert "hispanic" in found.text


@pytest.fixture(scope="module")
def clinic() -> Cohort:
    """A group made by lot, of whom seven in ten are not scored late."""
    made = simulated_cohort("measured", 500, seed=4)
    rng = np.random.default_rng(9)
    codes = made.patients["patient_id"]
    asian = rng.random(len(codes)) < 0.3
    gone = set(codes[asian & (rng.random(len(codes)) < 0.7)])
    late = (made.scores["day"] > 60) & made.scores["patient_id"].isin(gone)
    group = np.where(asian, "asian", "white")
    return replace(
        made,
        patients=made.patients.assign(ethnicity=group),
        scores=made.scores[~late].reset_index(drop=True),
    )


@pytest.mark.parametrize("name", SIMULTANEOUS)
def test_a_group_followed_less_is_found_and_planted_nulls_are_not(
    clinic: Cohort, name: str
) -> None:
    low, high = SIMULTANEOUS[name]
    table = estimate(name, clinic).table
    assert table.set_index("group")[high]["asian"] < -20
    nulls = table[table["characteristic"].isin(["site", "sex"])].dropna(subset=[low])
    assert ((nulls[low] < 0) & (nulls[high] > 0)).all()


def test_the_figure_draws_the_ladder(clinic: Cohort) -> None:
    table = estimate("equity_ladder", clinic).table
    ax = plot_equity_ladder(table)
    _, filled, hollow = ax.lines
    assert list(filled.get_xdata()) == pytest.approx(list(table["estimate"]))
    assert list(hollow.get_xdata()) == pytest.approx(list(table["analysable_share"]))
    # Names stand at their marks, from the top down.
    assert list(filled.get_ydata()) == list(ax.get_yticks())
    assert ax.get_yticklabels()[0].get_text() == f"everybody ({table['n'].iloc[0]:,})"
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_nothing_to_predict_is_refused() -> None:
    everybody = "patient | day | score\n" + "\n".join(
        f"p{place} | -1 | 20\np{place} | 84 | 9" for place in range(12)
    )
    codes = [f"p{place}" for place in range(12)]
    patients = "patient | observed_to_day\n" + "\n".join(f"{c} | 200" for c in codes)
    there = cohort(everybody, "", patients)
    assert "everybody" in estimate("scored_predictors", there).reason
    assert "nobody is silent" in estimate("silent_bounds", there).reason
    unknown = cohort(everybody)
    for name in ("equity_ladder", "scored_predictors", "silent_bounds"):
        assert "no log says" in estimate(name, unknown).reason
    short = cohort(everybody, "", patients.replace("200", "90"))
    assert "fewer than 11 people" in estimate("equity_ladder", short).reason
