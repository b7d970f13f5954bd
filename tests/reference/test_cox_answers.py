"""Cox regression against published answers: R 4.2.2 with survival 3.5-3, unless said, to 1e-5.

The data sets are those of the R package survival; Gehan's is small, and typed in.
"""

import numpy as np
import pandas as pd
import pytest

from kettrack.estimators.survival.cox import fit_cox

# Weeks in remission of 42 children with leukaemia, + = still in remission (Gehan 1965; Freireich et
# al. 1963).
MERCAPTOPURINE = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"

EXACT = 1e-5


@pytest.fixture(scope="module")
def survival(reference_data):
    """Read one of the data sets."""
    return lambda name: pd.read_csv(reference_data / "survival_R" / f"{name}.csv")


def fit(rows, covariates, ties="efron", span=("start", "stop", "event"), **more):
    return fit_cox(
        *(rows[name] for name in span),
        rows[covariates],
        rows["id"],
        ties=ties,
        names=covariates,
        **more,
    )


@pytest.mark.parametrize(
    ("ties", "coefficient", "error"),
    [("breslow", 1.509, 0.410), ("efron", 1.572, 0.412)],
)
def test_gehan(ties, coefficient, error):
    """Breslow: Kleinbaum and Klein, Survival Analysis, chapter 3. Efron: default of R's coxph,
    three digits.
    """
    weeks = [(word, 0) for word in MERCAPTOPURINE.split()] + [
        (word, 1) for word in PLACEBO.split()
    ]
    stop = [int(word.strip("+")) for word, _ in weeks]
    event = ["+" not in word for word, _ in weeks]
    found = fit_cox(
        np.zeros(42),
        stop,
        event,
        [[placebo] for _, placebo in weeks],
        np.arange(42),
        ties=ties,
    )
    assert (found.n_patients, found.events) == (42, 30)
    assert (found.coefficient[0], found.standard_error[0]) == pytest.approx(
        (coefficient, error), abs=5.1e-4
    )
    if ties == "breslow":
        assert -2 * found.loglik == pytest.approx(172.759, abs=5.1e-4)


def test_heart_transplant_as_it_happened(survival):
    """Stanford heart transplants: nobody is counted as transplanted before the transplant."""
    found = fit(survival("heart"), ["transplant"])
    assert (found.coefficient[0], found.standard_error[0]) == pytest.approx(
        (0.127141, 0.301141), abs=EXACT
    )
    assert (found.n_patients, found.n_rows, found.events) == (103, 172, 75)


def test_wrong_on_purpose_transplant_known_from_day_0_is_immortal_time(survival):
    """The wrong way: who lived long enough to get a heart looks saved by it, -1.32 instead of
    +0.13.
    """
    people = survival("jasa")
    never_at_risk_before = np.full(len(people), -np.inf)  # one died on day 0
    wrong = fit_cox(
        never_at_risk_before,
        people["futime"],
        people["fustat"],
        people[["transplant"]],
        people.index,
        ties="efron",
    )
    assert (wrong.coefficient[0], wrong.standard_error[0]) == pytest.approx(
        (-1.323445, 0.243803), abs=EXACT
    )
    right = fit(survival("heart"), ["transplant"])
    assert wrong.coefficient[0] + 2 * wrong.standard_error[0] < 0 < right.coefficient[0]


def test_heart_with_age_and_surgery(survival):
    found = fit(survival("heart"), ["age", "surgery", "transplant"])
    assert found.coefficient == pytest.approx(
        [0.030536, -0.773328, 0.016096], abs=EXACT
    )
    assert found.standard_error == pytest.approx(
        [0.013893, 0.359668, 0.308586], abs=EXACT
    )


def test_heart_with_year(survival):
    found = fit(survival("heart"), ["age", "surgery", "transplant", "year"])
    assert found.coefficient == pytest.approx(
        [0.0271666, -0.6372099, -0.0102508, -0.1463463], abs=EXACT
    )


def test_heart_with_interactions(survival):
    rows = survival("heart")
    rows = rows.assign(
        age_tx=rows["age"] * rows["transplant"],
        surgery_tx=rows["surgery"] * rows["transplant"],
    )
    found = fit(rows, ["age", "surgery", "transplant", "age_tx", "surgery_tx"])
    assert found.coefficient == pytest.approx(
        [0.013909, -0.54654, 0.119504, 0.034614, -0.292951], abs=EXACT
    )


def test_heart_breslow_with_patients_as_clusters(survival):
    found = fit(survival("heart"), ["age", "surgery", "transplant"], "breslow")
    assert found.coefficient == pytest.approx([0.030532, -0.77161, 0.01442], abs=EXACT)
    assert found.robust_error == pytest.approx(
        [0.014307, 0.332648, 0.308043], abs=EXACT
    )


BLADDER = {
    "Andersen-Gill, Efron": (
        "efron",
        False,
        (-0.464687, -0.04366, 0.17496),
        (0.265561, 0.077616, 0.063041),
    ),
    "Andersen-Gill, Breslow": (
        "breslow",
        False,
        (-0.459791, -0.042562, 0.171644),
        (0.25801, 0.075548, 0.061314),
    ),
    "Prentice-Williams-Peterson": (
        "efron",
        True,
        (-0.333489, -0.008495, 0.119617),
        (0.204787, 0.061635, 0.051387),
    ),
}


@pytest.mark.parametrize(
    ("ties", "by_number", "coefficient", "robust"), BLADDER.values(), ids=BLADDER
)
def test_bladder_recurrences(survival, ties, by_number, coefficient, robust):
    rows = survival("bladder2")
    found = fit(
        rows, ["rx", "size", "number"], ties, strata=rows["enum"] if by_number else None
    )
    assert found.coefficient == pytest.approx(coefficient, abs=EXACT)
    assert found.robust_error == pytest.approx(robust, abs=EXACT)


def test_bladder_gap_time(survival):
    rows = survival("bladder2")
    rows = rows.assign(stop=rows["stop"] - rows["start"], start=0)
    found = fit(rows, ["rx", "size", "number"], strata=rows["enum"])
    assert found.coefficient == pytest.approx(
        [-0.279005, 0.007415, 0.158046], abs=EXACT
    )
    assert found.robust_error == pytest.approx([0.215624, 0.064333, 0.05094], abs=EXACT)


def test_bladder_each_recurrence_from_the_beginning(survival):
    """Wei, Lin and Weissfeld: every patient is at risk of every recurrence, 340 rows."""
    rows = survival("bladder").assign(start=-1)
    found = fit(rows, ["rx", "size", "number"], strata=rows["enum"])
    assert (found.n_rows, found.n_patients) == (340, 85)
    assert found.coefficient == pytest.approx(
        [-0.584793, -0.051617, 0.210294], abs=EXACT
    )
    assert found.robust_error == pytest.approx(
        [0.307946, 0.094587, 0.066642], abs=EXACT
    )


def test_infections_in_granulomatous_disease(survival):
    rows = survival("cgd")
    rows = rows.assign(
        gamma=rows["treat"] == "rIFN-g", x_linked=rows["inherit"] == "X-linked"
    )
    found = fit(
        rows, ["gamma", "x_linked", "steroids"], span=("tstart", "tstop", "status")
    )
    assert (found.coefficient[0], found.robust_error[0]) == pytest.approx(
        (-1.072222, 0.31183), abs=EXACT
    )
    assert found.n_patients == 128


def test_veterans_with_lung_cancer(survival):
    rows = survival("veteran").assign(start=-1, id=range(137))
    found = fit(rows, ["trt", "karno", "age"], span=("start", "time", "status"))
    assert found.coefficient == pytest.approx(
        [0.1895464, -0.0344439, -0.0038644], abs=EXACT
    )


def test_lung_cancer(survival):
    rows = survival("lung").dropna(subset=["ph.ecog"])
    rows = rows.assign(start=-1, dead=rows["status"] == 2, id=range(len(rows)))
    found = fit(rows, ["age", "sex", "ph.ecog"], span=("start", "time", "dead"))
    assert found.n_rows == 227
    assert found.coefficient == pytest.approx(
        [0.0110668, -0.5526124, 0.4637285], abs=EXACT
    )
