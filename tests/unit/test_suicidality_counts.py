"""Questions on suicidality: counted again in SQL on the sample, and intervals against a process
whose rate is known.
"""

import numpy as np
import pytest
from sample_answers import derived_sample, sample_answer

from kettrack.estimators.exact import clopper_pearson, poisson_rate

BEFORE = """
    SELECT patient_id, arg_max(item_9, day) AS value FROM scores
    WHERE item_9 IS NOT NULL AND day BETWEEN -30 AND 0 AND timing <> 'after'
    GROUP BY patient_id
"""
AFTER = """
    SELECT patient_id, max(item_9) AS most, arg_max(item_9, day) AS latest FROM scores
    WHERE item_9 IS NOT NULL AND (day > 0 OR day = 0 AND timing = 'after')
    GROUP BY patient_id
"""


@pytest.fixture(scope="module")
def ask():
    duckdb = pytest.importorskip("duckdb")
    cohort = derived_sample()
    base = duckdb.connect()
    scores = cohort.scores.astype({"timing": "str"})
    scores = scores[scores["instrument"] == "PHQ-9"]
    tables = {"scores": scores, "events": cohort.events, "patients": cohort.patients}
    for name, table in tables.items():
        base.register(f"{name}_given", table)
        base.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_given")
    return lambda query: base.execute(query).fetchone()


def test_shift_and_emergence_are_what_sql_counts(ask):
    n, rose, latest_rose = ask(f"""
        WITH b AS ({BEFORE}), a AS ({AFTER})
        SELECT count(*), count(*) FILTER (most > value), count(*) FILTER (latest > value)
        FROM a JOIN b USING (patient_id)
    """)
    table = sample_answer("ideation_shift").table.set_index("key")
    assert table.loc["worst", ["n", "rose"]].tolist() == [n, rose]
    assert table.loc["last", ["n", "rose"]].tolist() == [n, latest_rose]
    n, some, latest = ask(f"""
        WITH b AS ({BEFORE}), a AS ({AFTER})
        SELECT count(*), count(*) FILTER (most >= 1), count(*) FILTER (latest >= 1)
        FROM a JOIN b USING (patient_id) WHERE value = 0
    """)
    emerged = sample_answer("treatment_emergent_ideation").table.set_index("key")
    assert emerged.loc["emerged", ["n", "events"]].tolist() == [n, some]
    assert emerged.loc["last", ["n", "events"]].tolist() == [n, latest]


def test_admissions_and_person_years_are_what_sql_counts(ask):
    events, people = ask("""
        SELECT count(*), count(DISTINCT patient_id) FROM events
        WHERE event = 'hospitalisation' AND detail <> 'medical' AND day >= 0
    """)
    table = sample_answer("attempts_and_admissions").table.set_index("key")
    assert table.loc["psychiatric", ["events", "people"]].tolist() == [events, people]
    (days,) = ask("SELECT sum(observed_to_day + 1) FROM patients")
    years = table.loc["psychiatric", "person_years"]
    # A row of the last days can lie after the end of a log, which is told in whole weeks.
    assert years == pytest.approx(days / 365.25, rel=0.02)
    parts = table.loc[["psychiatric_during", "psychiatric_after"]]
    assert parts["events"].sum() == events
    assert parts["person_years"].sum() == pytest.approx(years)


def test_small_numbers_are_hidden():
    told = sample_answer("suicidality_in_short", "cms")
    never = told.table.set_index("key").loc["never"]
    assert never["suppressed"]
    assert "7 of 600" not in told.text
    keys = set(sample_answer("attempts_and_admissions", "cms").table["key"])
    assert keys == {"attempt", "suicide", "death", "psychiatric"}


@pytest.mark.parametrize("rate", [0.4, 3.0, 12.0])
def test_exact_intervals_hold_the_rate_that_events_came_by(rate):
    rng = np.random.default_rng(7)
    # Waiting times, and not Poisson counts, so that the truth is made in another way.
    waits = rng.exponential(1 / rate, (2000, 60)).cumsum(axis=1)
    counts = (waits < 1).sum(axis=1)
    found = [poisson_rate(int(count), 1.0) for count in counts]
    held = np.mean([each.ci_low <= rate <= each.ci_high for each in found])
    assert 0.94 <= held <= 1.0


def test_exact_ends_are_those_of_the_tables():
    # Garwood 1936: for 5 events 1.62 to 11.67; for none 0 to 3.69.
    assert poisson_rate(5, 1.0)[1:] == pytest.approx((1.623, 11.668), abs=1e-3)
    assert poisson_rate(0, 1.0)[1:] == pytest.approx((0.0, 3.689), abs=1e-3)
    assert clopper_pearson(1, 10)[1:] == pytest.approx((0.253, 44.502), abs=1e-3)
    assert np.isnan(poisson_rate(0, 0.0).ci_high)
