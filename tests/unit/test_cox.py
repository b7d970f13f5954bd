"""Cox regression: against the likelihood written out row by row, against a Poisson regression, and
what must change nothing.
"""

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.survival.cox import fit_cox
from kettrack.estimators.survival.partial_likelihood import risk_sets

# patient, start, stop, event, dose, women: late entry, ties, entry at the time of an event, two
# patients with two rows.
TWELVE = np.array(
    [
        (1, 0, 2, 0, 0.0, 1),
        (1, 2, 6, 1, 1.5, 1),
        (2, 0, 3, 1, 0.5, 0),
        (3, 0, 3, 1, 2.0, 1),
        (4, 1, 5, 0, 1.0, 0),
        (5, 3, 6, 1, 0.0, 0),
        (6, 3, 9, 0, 0.7, 1),
        (7, 0, 4, 1, 1.2, 0),
        (8, 2, 6, 1, 0.3, 0),
        (9, 0, 5, 0, 0.4, 0),
        (9, 5, 8, 1, 1.1, 0),
        (10, 4, 9, 0, 0.2, 1),
    ]
)


def columns(table):
    return {
        "patient": table[:, 0],
        "start": table[:, 1],
        "stop": table[:, 2],
        "event": table[:, 3],
        "x": table[:, 4:],
    }


def written_out(beta, rows, ties, weight):
    """Weighted log partial likelihood in plain loops."""
    total = 0.0
    risk = weight * np.exp(rows["x"] @ beta)
    for moment in np.unique(rows["stop"][rows["event"] == 1]):
        at_risk = (rows["start"] < moment) & (moment <= rows["stop"])
        tied = np.flatnonzero((rows["event"] == 1) & (rows["stop"] == moment))
        for gone in range(len(tied)):
            left = gone / len(tied) if ties == "efron" else 0
            total -= weight[tied].mean() * np.log(
                risk[at_risk].sum() - left * risk[tied].sum()
            )
        total += (weight[tied] * (rows["x"][tied] @ beta)).sum()
    return total


def maximum(rows, ties, weight):
    from scipy.optimize import minimize

    start = np.zeros(rows["x"].shape[1])
    return minimize(
        lambda beta: -written_out(beta, rows, ties, weight),
        start,
        jac="3-point",
        options={"gtol": 1e-7},
    ).x


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_twelve_rows_written_out(ties):
    rows = columns(TWELVE)
    fit = fit_cox(**rows, ties=ties)
    ones = np.ones(len(TWELVE))
    assert fit.coefficient == pytest.approx(maximum(rows, ties, ones), abs=1e-5)
    assert fit.loglik == pytest.approx(
        written_out(fit.coefficient, rows, ties, ones), abs=1e-10
    )
    assert (fit.n_patients, fit.n_rows, fit.events) == (10, 12, 7)

    def likelihood(beta):
        return written_out(beta, rows, ties, ones)

    steps = 1e-4 * np.eye(2)
    curvature = [
        [
            (
                likelihood(fit.coefficient + a + b)
                - likelihood(fit.coefficient + a - b)
                - likelihood(fit.coefficient - a + b)
                + likelihood(fit.coefficient - a - b)
            )
            / 4e-8
            for a in steps
        ]
        for b in steps
    ]
    assert fit.standard_error == pytest.approx(
        np.sqrt(np.diag(np.linalg.inv(-np.array(curvature)))), rel=1e-4
    )


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_robust_error_is_how_the_maximum_moves_when_a_patient_counts_a_little_more(
    ties,
):
    """The infinitesimal jackknife, by weighing each patient up and down and maximising anew."""
    rows = columns(TWELVE)
    moves = []
    for who in np.unique(rows["patient"]):
        little = 0.01 * (rows["patient"] == who)
        moves.append(
            (maximum(rows, ties, 1 + little) - maximum(rows, ties, 1 - little)) / 0.02
        )
    assert fit_cox(**rows, ties=ties).robust_error == pytest.approx(
        np.sqrt(np.square(moves).sum(axis=0)), rel=1e-3
    )


def cohort(seed, patients, frailty=0.0):
    """A row a day for 20 days; rate frailty x exp(group / 2 + 0.3 x last score), frailty with mean
    1.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(rng.integers(0, 2, patients), 20)
    shape = 1 / max(frailty, 1e-9)
    hidden = np.repeat(rng.gamma(shape, 1 / shape, patients), 20)
    day = np.tile(np.arange(20.0), patients)
    score = rng.normal(size=20 * patients)
    event = rng.random(20 * patients) < 0.05 * hidden * np.exp(group / 2 + 0.3 * score)
    return columns(
        np.column_stack(
            [np.repeat(np.arange(patients), 20), day, day + 1, event, group, score]
        )
    )


def thinned(rows, seed):
    """Some rows, two days longer, in no order: patients come and go and overlap with themselves."""
    rng = np.random.default_rng(seed)
    kept = rng.permutation(np.flatnonzero(rng.random(len(rows["stop"])) < 0.3))
    rows = {name: column[kept] for name, column in rows.items()}
    return rows | {"stop": rows["stop"] + 2}


def test_breslow_is_a_poisson_regression_on_risk_set_rows_with_a_factor_for_event_time():
    import statsmodels.api as sm

    rows = thinned(cohort(1, 100), 1)
    times = np.unique(rows["stop"][rows["event"] == 1])
    row, slot = np.nonzero(
        (rows["start"][:, None] < times) & (times <= rows["stop"][:, None])
    )
    happened = (rows["event"][row] == 1) & (rows["stop"][row] == times[slot])
    design = np.hstack([rows["x"][row], np.eye(len(times))[slot]])
    model = sm.GLM(happened.astype(float), design, family=sm.families.Poisson())
    cluster = {"groups": rows["patient"][row].astype(int), "use_correction": False}
    other = model.fit(cov_type="cluster", cov_kwds=cluster, tol=1e-12)
    fit = fit_cox(**rows)
    assert fit.coefficient == pytest.approx(other.params[:2], abs=1e-6)
    assert fit.robust_error == pytest.approx(other.bse[:2], abs=1e-6)
    assert fit.standard_error == pytest.approx(model.fit(tol=1e-12).bse[:2], abs=1e-6)


def test_nobody_is_at_risk_at_their_own_entry():
    rows = columns(TWELVE)
    # in at the time of three events, an outlier
    late = np.array([[11, 6, 8, 0, 50.0, 1]])
    joined = columns(np.vstack([TWELVE, late]))
    last = rows["stop"] == 8
    without = {name: column[~last] for name, column in rows.items()}
    kept = np.append(~last, True)
    assert fit_cox(
        **{name: column[kept] for name, column in joined.items()}
    ).coefficient == pytest.approx(fit_cox(**without).coefficient, abs=1e-9)
    joined["start"][-1] = 5.99
    assert fit_cox(**joined).coefficient != pytest.approx(
        fit_cox(**rows).coefficient, abs=0.1
    )


def test_without_entry_everyone_is_at_risk_from_the_beginning():
    rows = columns(TWELVE)
    early = rows | {"start": np.full(12, -1.0)}
    endless = rows | {"start": np.full(12, -np.inf)}
    assert np.array_equal(fit_cox(**endless).coefficient, fit_cox(**early).coefficient)


def test_one_who_leaves_early_takes_no_digits_along():
    start = np.zeros(3)
    stop = np.array([1.0, 2.0, 2.0])
    sets = risk_sets(start, stop, np.array([True, True, False]), np.zeros(3, int))
    assert sets.sums(np.array([[1e20], [1.0], [2.0]])).ravel().tolist() == [1e20 + 3, 3]


def test_robust_intervals_cover_when_some_patients_relapse_again_and_again():
    """Recurrent events, patients with rates of their own; the log rate ratio of the group is 0.5 in
    150 clinics of 80.
    """
    hits = []
    for seed in range(150):
        fit = fit_cox(**cohort(seed, 80, frailty=1.0))
        hits.append(
            abs(fit.coefficient[0] - 0.5)
            <= 1.96 * np.array([fit.robust_error[0], fit.standard_error[0]])
        )
    robust, model = np.mean(hits, axis=0)
    assert 0.91 <= robust <= 0.98
    assert model < 0.88


def test_the_truth_is_found():
    fit = fit_cox(**cohort(3, 2000), names=["group", "score"])
    assert fit.names == ("group", "score")
    assert abs(fit.coefficient - [0.5, 0.3]) == pytest.approx([0, 0], abs=0.08)
    assert fit.robust_error == pytest.approx(fit.standard_error, rel=0.1)


def test_large_cohorts_take_well_under_a_second():
    rng = np.random.default_rng(0)
    cuts = np.sort(
        rng.permuted(np.tile(np.arange(1, 366), (2000, 1)), axis=1)[:, :20], axis=1
    )
    start = np.hstack([np.zeros((2000, 1)), cuts[:, :-1]]).ravel()
    stop = cuts.ravel()
    x = rng.normal(size=(40_000, 4))
    patient = np.repeat(np.arange(2000), 20)
    event = rng.random(40_000) < 0.05 * np.exp(0.3 * x[:, 0])
    assert min(seconds(start, stop, event, x, patient) for _ in range(3)) < 1


def seconds(*arrays):
    start = time.process_time()
    fit_cox(*arrays, ties="efron")
    return time.process_time() - start


# What cannot be fitted.


def test_constant_covariate_is_named():
    rows = columns(TWELVE)
    with pytest.raises(NotIdentified, match="route is the same for all at risk"):
        fit_cox(
            **rows | {"x": np.column_stack([rows["x"], np.full(12, 0.1)])},
            names=["dose", "women", "route"],
        )


def test_covariate_constant_within_each_stratum_is_named():
    rows = columns(TWELVE)
    with pytest.raises(NotIdentified, match="women is the same for all at risk"):
        fit_cox(
            **rows,
            strata=np.where(rows["x"][:, 1] == 1, "w", "m"),
            names=["dose", "women"],
        )


def test_combination_of_covariates_is_named():
    rows = columns(TWELVE)
    extra = 3 - 2 * rows["x"][:, :1] + 0.1 * rows["x"][:, 1:]
    with pytest.raises(
        NotIdentified, match="twice is a combination of dose, women among"
    ):
        fit_cox(
            **rows | {"x": np.hstack([rows["x"], extra])},
            names=["dose", "women", "twice"],
        )


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_coefficient_without_bound_is_named(ties):
    """Only women have the event."""
    rows = columns(TWELVE)
    only = rows | {"event": rows["event"] * rows["x"][:, 1]}
    with pytest.raises(NotIdentified, match="nothing bounds the coefficient of women:"):
        fit_cox(**only | {"x": rows["x"][:, 1:]}, ties=ties, names=["women"])


def test_large_but_bounded_coefficient_is_given():
    """One woman of 401 patients has no event while 200 others do: the maximum is far out, but
    there.
    """
    women = np.r_[np.ones(201), np.zeros(200)]
    event = np.r_[np.ones(200), 0, 1, np.zeros(199)]
    fit = fit_cox(
        np.zeros(401),
        np.r_[np.full(200, 1.0), 2, np.full(200, 1.0)],
        event,
        women[:, None],
        np.arange(401),
    )
    # All at one time: 200 of 201 events are in women, who are 201 of 401 at risk: odds 200 to 1
    # against 201 to 200.
    assert fit.coefficient[0] == pytest.approx(np.log(200 / 1) - np.log(201 / 200))


def test_nobody_had_the_event():
    with pytest.raises(NotIdentified, match="nobody had the event"):
        fit_cox(**columns(TWELVE) | {"event": np.zeros(12)})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"ties": "exact"},
            "no way 'exact' to treat ties; there are breslow and efron",
        ),
        ({"stop": TWELVE[:, 1]}, "12 of 12 rows do not start before they stop"),
        ({"start": np.full(12, np.nan)}, "12 of 12 rows do not start before they stop"),
        ({"x": TWELVE[:, 4]}, "at least one"),
        ({"x": np.full((12, 2), np.nan)}, "none missing"),
        ({"event": np.full(12, 2)}, "event 0 or 1"),
        ({"patient": np.full(12, np.nan)}, "no patient"),
        ({"patient": np.arange(11)}, "one value for each row"),
        ({"strata": np.arange(11)}, "one value for each row"),
        ({"names": ["dose"]}, "2 covariates have 1 names"),
    ],
)
def test_what_cannot_be_read_is_said(changed, told):
    with pytest.raises(UsageError, match=told):
        fit_cox(**columns(TWELVE) | changed)


# What must change nothing.

row = st.tuples(
    st.integers(0, 6),
    st.integers(0, 5),
    st.integers(1, 5),
    st.booleans(),
    st.integers(-2, 2),
    st.integers(-2, 2),
    st.booleans(),
)
tables = st.lists(row, min_size=15, max_size=40)
either = st.sampled_from(["breslow", "efron"])
few = settings(max_examples=30)


def drawn(table):
    """Columns of a drawn table; stop = start + length, the last column is the stratum."""
    table = np.array(table, float)
    table[:, 2] += table[:, 1]
    return columns(table[:, :6]) | {"strata": table[:, 6]}


def fitted(rows, ties):
    try:
        return fit_cox(**rows, ties=ties)
    except NotIdentified:
        assume(False)


@few
@given(st.lists(row, min_size=1, max_size=8), either)
def test_a_handful_of_rows_gives_numbers_or_a_reason(table, ties):
    try:
        fit = fit_cox(**drawn(table), ties=ties)
    except NotIdentified:
        return
    assert np.isfinite([fit.coefficient, fit.standard_error, fit.robust_error]).all()


def assert_same(one, other):
    for name in ("coefficient", "standard_error", "robust_error", "loglik"):
        assert getattr(one, name) == pytest.approx(
            getattr(other, name), rel=1e-6, abs=1e-8
        )


@few
@given(tables, either, st.integers(0, 1000))
def test_order_of_rows_and_names_of_patients_and_strata(table, ties, seed):
    rows = drawn(table)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    ids = rng.permutation(7)
    other = {name: column[order] for name, column in rows.items()}
    other |= {
        "patient": np.array([f"p{ids[int(who)]}" for who in other["patient"]]),
        "strata": 1 - other["strata"],
    }
    assert_same(fitted(rows, ties), fitted(other, ties))


@few
@given(tables, either)
def test_rows_cut_at_an_inner_point(table, ties):
    rows = drawn(table)
    middle = np.ceil((rows["start"] + rows["stop"]) / 2)
    cut = middle < rows["stop"]
    first = {name: column[cut] for name, column in rows.items()} | {
        "stop": middle[cut],
        "event": np.zeros(cut.sum()),
    }
    rest = rows | {"start": np.where(cut, middle, rows["start"])}
    both = {name: np.concatenate([first[name], rest[name]]) for name in rows}
    assert_same(fitted(rows, ties), fitted(both, ties))


@few
@given(tables)
def test_everyone_four_times_under_the_same_names(table):
    """The cluster error stays; the other one believes in four times the data and halves."""
    rows = drawn(table)
    once = fitted(rows, "breslow")
    often = fitted(
        {name: np.concatenate([column] * 4) for name, column in rows.items()}, "breslow"
    )
    assert often.coefficient == pytest.approx(once.coefficient, rel=1e-6, abs=1e-8)
    assert often.robust_error == pytest.approx(once.robust_error, rel=1e-6, abs=1e-8)
    assert often.standard_error == pytest.approx(once.standard_error / 2, rel=1e-6)


@few
@given(tables, either)
def test_strata_are_stretches_of_time_that_never_meet(table, ties):
    rows = drawn(table)
    apart = {name: column for name, column in rows.items() if name != "strata"}
    for name in ("start", "stop"):
        apart[name] = rows[name] + 100 * rows["strata"]
    assert_same(fitted(rows, ties), fitted(apart, ties))


@few
@given(tables, either, st.floats(-50, 50), st.floats(0.01, 100))
def test_units_of_covariates_and_of_time(table, ties, shift, unit):
    rows = drawn(table)
    one = fitted(rows, ties)
    other = fitted(
        rows
        | {
            "x": shift + rows["x"] * unit,
            "start": rows["start"] * 7 - 3,
            "stop": rows["stop"] * 7 - 3,
        },
        ties,
    )
    assert other.coefficient * unit == pytest.approx(
        one.coefficient, rel=1e-5, abs=1e-7
    )
    assert other.robust_error * unit == pytest.approx(
        one.robust_error, rel=1e-5, abs=1e-7
    )
