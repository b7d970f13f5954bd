"""Other conditions, two scales on one day, and items: counted again in SQL and in plain loops, and
tried on people made by another kind of process.
"""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from spec.tables import cohort
from statsmodels.stats.inter_rater import cohens_kappa

import kettrack as kt
from kettrack.analysis.together.agreement import kappa_interval, limits_of_agreement
from kettrack.analysis.together.joint import correlation
from kettrack.estimators.intervals import patient_weights, simultaneous_band
from kettrack.estimators.item_shift import item_shift, shift_replicates, widened

SAMPLE = kt.sample_folder()
# The score nearest to day 84 of people who were a case, and the last score before session 1.
AT_WEEK = """
    with b as (
        select patient_id, arg_max(score, day) as baseline from s
        where instrument = '{scale}' and score is not null and day between -30 and 0
            and coalesce(timing, 'unknown') <> 'after'
        group by patient_id),
    w as (
        select patient_id, score, row_number() over (
            partition by patient_id order by abs(day - 84), day) as place from s
        where instrument = '{scale}' and score is not null and abs(day - 84) <= 7),
    {name} as (
        select b.patient_id, baseline, score from b join w using (patient_id)
        join p using (patient_id)
        where place = 1 and baseline >= {case} and coalesce(prior_sessions, 0) = 0
            and observed_to_day >= 91)
"""


@pytest.fixture(scope="module")
def ask():
    base = duckdb.connect()
    for name, file in {"s": "scores", "p": "patients"}.items():
        base.execute(
            f"create table {name} as select * from read_csv('{SAMPLE / file}.csv', nullstr='')"
        )
    return lambda query: base.execute(query).fetchone()


def test_anxiety_is_what_sql_counts(ask):
    n, mean, improved, responded, worse = ask(
        AT_WEEK.format(scale="GAD-7", case=8, name="g")
        + """
        select count(*), avg(score - baseline), count(*) filter (baseline - score >= 4),
            count(*) filter (score <= baseline / 2), count(*) filter (score > baseline) from g
        """
    )
    table = sample_answer("other_conditions").table.set_index("key")
    rows = table[table["scale"] == "GAD-7"]
    prefix = rows.index[0].partition("_")[0]
    assert set(rows["n"]) == {n}
    assert rows.loc[f"{prefix}_change", "estimate"] == pytest.approx(mean)
    names = ("improved", "response", "any_worse")
    found = [rows.loc[f"{prefix}_{name}", "events"] for name in names]
    assert found == [improved, responded, worse]


def test_cells_are_what_sql_counts(ask):
    second = AT_WEEK.format(scale="GAD-7", case=8, name="g")
    second = second.replace("with b", "b2").replace("from b ", "from b2 ")
    second = second.replace(" w as", " w2 as").replace("join w ", "join w2 ")
    second = second.replace("b.patient_id, baseline", "b2.patient_id, baseline")
    query = AT_WEEK.format(scale="PHQ-9", case=10, name="d") + "," + second
    cells = "count(*) filter ({} d.baseline - d.score >= 6 and {} g.baseline - g.score >= 4)"
    signs = (("", ""), ("", "not"), ("not", ""), ("not", "not"))
    counted = ", ".join(cells.format(*sign) for sign in signs)
    found = ask(f"{query} select {counted} from d join g using (patient_id)")
    table = sample_answer("joint_change").table.set_index("key")
    told = table.loc["cells", ["both", "first_only", "second_only", "neither"]]
    assert tuple(told) == found
    shares = table.loc[["both", "first_only", "second_only", "neither"]]
    assert shares["estimate"].sum() == pytest.approx(100)
    assert table.loc["cells", "n"] == sum(found)


def test_agreement_is_what_sql_counts(ask):
    n, same, first, second, mean = ask(
        """
        with b as (
            select patient_id, instrument, arg_max(score, day) as baseline from s
            where score is not null and day between -30 and 0
                and coalesce(timing, 'unknown') <> 'after' group by all),
        r as (
            select s.patient_id, s.day, coalesce(s.timing, 'unknown') as timing,
                s.instrument, s.score, baseline, 100.0 * (s.score / baseline - 1) as change
            from s join b using (patient_id, instrument) join p using (patient_id)
            where s.score is not null and coalesce(prior_sessions, 0) = 0
                and (s.day > 0 or s.day = 0 and s.timing = 'after')),
        k as (
            select d.patient_id, d.change as one, m.change as two, row_number() over (
                partition by d.patient_id order by d.day desc, d.timing = 'after' desc) as place
            from r d join r m using (patient_id, day, timing)
            where d.instrument = 'PHQ-9' and m.instrument = 'MADRS'
                and d.baseline >= 10 and m.baseline >= 20)
        select count(*), count(*) filter ((one <= -50) = (two <= -50)),
            count(*) filter (one <= -50), count(*) filter (two <= -50), avg(two - one)
        from k where place = 1
        """
    )
    table = sample_answer("scale_agreement").table.set_index("key")
    assert set(table["n"]) == {n}
    assert table.loc[["same", "first", "second"], "events"].tolist() == [
        same,
        first,
        second,
    ]
    assert table.loc["mean_difference", "estimate"] == pytest.approx(mean)


@pytest.mark.parametrize("seed", range(3))
def test_kappa_is_that_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    first = rng.random(80) < 0.4
    second = np.where(rng.random(80) < 0.7, first, rng.random(80) < 0.5)
    counts = pd.crosstab(first, second).to_numpy()
    theirs = cohens_kappa(counts)
    ours = kappa_interval(first, second)
    assert ours["estimate"] == pytest.approx(theirs.kappa)
    assert ours["ci_low"] == pytest.approx(theirs.kappa_low)
    assert ours["ci_high"] == pytest.approx(theirs.kappa_upp)


def test_kappa_claims_nothing_where_nothing_differs():
    yes = np.ones(20, bool)
    assert np.isnan(kappa_interval(yes, yes)["estimate"])
    half = np.arange(20) < 10
    assert kappa_interval(half, half) == {"estimate": 1.0}


def test_limits_hold_what_they_say():
    rng = np.random.default_rng(3)
    # Quantiles are those of the process, not those of a formula for limits.
    truth = {"mean_difference": 4.0, "limit_low": -15.6, "limit_high": 23.6}
    held = dict.fromkeys(truth, 0)
    for _ in range(400):
        # Sums of uniform draws, which are about normal: 4 with an SD of 10.
        draws = rng.random((60, 12)).sum(axis=1) - 6
        found = limits_of_agreement(4 + 10 * draws)
        for key, value in truth.items():
            held[key] += found[key]["ci_low"] <= value <= found[key]["ci_high"]
    assert all(0.91 <= count / 400 <= 0.98 for count in held.values())


@pytest.mark.parametrize("truth", [0.0, 0.6])
def test_correlation_holds_the_truth(truth):
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(400):
        shared = rng.standard_normal(50) * np.sqrt(truth)
        one, other = shared + rng.standard_normal((2, 50)) * np.sqrt(1 - truth)
        found = correlation(one, other)
        held += found["ci_low"] <= truth <= found["ci_high"]
    assert 0.92 <= held / 400 <= 0.98


def test_a_scale_that_never_changes_has_no_correlation():
    assert np.isnan(correlation(np.zeros(20), np.arange(20.0))["estimate"])


# ---- items


def graded(rng, severity, first_moves):
    """Answers to nine items, each by thresholds of its own on one severity: no sum is fixed.

    `first_moves` is by how much less of the severity the first item feels.
    """
    ease = np.linspace(-1.0, 1.0, 9)
    answers = np.zeros((len(severity), 9))
    for item, easy in enumerate(ease):
        felt = severity - (first_moves if item == 0 else 0.0)
        noise = rng.logistic(size=len(severity))
        for threshold in (-1.0, 0.5, 2.0):
            answers[:, item] += 1.5 * (felt + easy) + noise > threshold
    return answers


def shifted(rng, moves, people=500):
    """Band of the shifts of one simulated clinic whose people are chosen by a high total."""
    severity = rng.normal(0.5, 1.0, people)
    before = graded(rng, severity, 0.0)
    chosen = before.sum(axis=1) >= 10
    severity = severity[chosen]
    early = graded(rng, severity - 0.8, moves)
    later = graded(rng, severity - rng.choice([0.2, 1.6], chosen.sum()), 0.0)
    reference = (before[chosen], later)
    weights = patient_weights(int(chosen.sum()), 200, 1)
    middle = item_shift(early, reference)
    drawn = shift_replicates(early, reference, weights)
    return middle, widened(middle, simultaneous_band(middle, drawn), int(chosen.sum()))


def test_no_item_is_ahead_where_all_follow_one_severity():
    rng = np.random.default_rng(11)
    wrong = 0
    middles = []
    for _ in range(60):
        middle, band = shifted(rng, 0.0, 300)
        assert middle.sum() == pytest.approx(0, abs=1e-9)
        wrong += bool(((band.low > 0) | (band.high < 0)).any())
        middles.append(middle)
    # One in twenty, over all nine items together.
    assert wrong <= 7
    assert np.abs(np.mean(middles, axis=0)).max() < 0.04


def test_a_few_people_do_not_name_an_item_by_chance():
    rng = np.random.default_rng(13)
    wrong = sum(
        bool(((band.low > 0) | (band.high < 0)).any())
        for _, band in (shifted(rng, 0.0, 60) for _ in range(150))
    )
    # Without the room for a few people it is 11 % and more.
    assert wrong <= 12


def test_an_item_that_moves_first_is_found():
    rng = np.random.default_rng(12)
    found = [shifted(rng, 1.0) for _ in range(20)]
    assert sum(band.high[0] < 0 for _, band in found) >= 19
    # The others lag by an eighth each, which is little.
    assert np.mean([middle[0] for middle, _ in found]) < -0.3
    assert np.mean([middle[1:].mean() for middle, _ in found]) > 0


def test_means_of_items_are_those_of_plain_loops():
    table = sample_answer("change_by_item").table.set_index("key")
    scores = derived_sample().scores
    scores = scores[scores["instrument"] == "PHQ-9"]
    names = [f"item_{number}" for number in range(1, 10)]
    complete = scores.dropna(subset=names)
    outcomes = kt.outcomes_table(derived_sample())
    left_out = {"no_baseline", "below_caseness", "prior_sessions", "placebo"}
    reason = outcomes.set_index("patient_id")["exclusion_reason"].astype(object)
    cases = {name for name, why in reason.items() if why not in left_out}
    changes = []
    for patient, rows in complete.groupby("patient_id"):
        if patient not in cases:
            continue
        forms = [
            (row.day, row.timing, [getattr(row, name) for name in names])
            for row in rows.itertuples()
        ]
        before = [
            answers
            for day, timing, answers in forms
            if -30 <= day < 0 or (day == 0 and timing != "after")
        ]
        near = {
            day: [
                (abs(at - day), at, answers)
                for at, timing, answers in forms
                if abs(at - day) <= 7 and (at > 0 or timing == "after")
            ]
            for day in (14, 84)
        }
        if before and all(near.values()):
            # A timing before and one after it of the same day come in that order.
            early = min(near[14], key=lambda form: form[:2])[2]
            changes.append([a - b for a, b in zip(early, before[-1], strict=True)])
            assert min(near[84])[0] <= 7
    assert set(table["n"]) == {len(changes)}
    means = np.mean(np.array(changes, float), axis=0)
    told = [table.loc[f"early_{number}", "estimate"] for number in range(1, 10)]
    assert told == pytest.approx(list(means))
    assert table.loc["early_total", "estimate"] == pytest.approx(sum(means))


# ---- refusals and words


def test_what_is_missing_is_said():
    clinic = cohort("patient | day | score\n a | -1 | 20\n a | 7 | 9")
    for name in (
        "other_conditions",
        "joint_change",
        "scale_agreement",
        "change_by_item",
    ):
        found = kt.estimate(name, clinic)
        assert found.status == "refused"
        assert "day" in found.collect


def test_an_unknown_scale_names_those_there_are():
    with pytest.raises(kt.UsageError, match=r"'HAMD-17'; there are: MADRS, GAD-7"):
        kt.estimate("joint_change", derived_sample(), other="HAMD-17")
    with pytest.raises(kt.UsageError, match=r"'GAD-7'; there are: MADRS"):
        kt.estimate("scale_agreement", derived_sample(), other="GAD-7")
    with pytest.raises(kt.UsageError, match="must come before"):
        kt.estimate("change_by_item", derived_sample(), week=12)


def test_few_who_respond_on_one_scale_alone_are_hidden():
    shown = set(sample_answer("scale_agreement").table["key"])
    released = set(sample_answer("scale_agreement", "cms").table["key"])
    assert {"first", "second", "kappa"} <= shown - released
    # A difference of shares is a count in another dress.
    rounded = set(sample_answer("scale_agreement", "midpoint6").table["key"])
    assert {"kappa", "response_difference"} <= shown - rounded


def test_a_scale_that_rises_is_turned():
    people = [f"p{number:02d}" for number in range(20)]
    rows = ["patient | day | instrument | score"]
    for place, patient in enumerate(people):
        rows += [
            f"{patient} | -1 | PHQ-9 | 20",
            f"{patient} | 84 | PHQ-9 | {20 - place}",
            f"{patient} | -1 | Wellness | 5",
            f"{patient} | 84 | Wellness | {5 + place // 2}",
        ]
    scale = kt_scale()
    clinic = cohort("\n".join(rows), user_instruments=(scale,))
    table = kt.estimate("joint_change", clinic).table.set_index("key")
    # Both get better in step, although one of them rises.
    assert table.loc["correlation", "estimate"] > 0.95
    # Better by 6 points of one, and by 3 of the other: both are places 6 and later.
    cells = table.loc["cells", ["both", "first_only", "second_only", "neither"]]
    assert list(cells) == [14, 0, 0, 6]


def kt_scale():
    from kettrack.vocabulary.instrument import Fact, Instrument

    return Instrument(
        name="Wellness",
        title="a scale that rises",
        construct="well-being",
        minimum=0,
        maximum=20,
        higher_is_worse=False,
        percent_change=False,
        reliable_change=Fact(3, "", "user"),
        standing="user",
    )
