"""A million patients, from arrays to the outcomes frame, against the SQL a user would otherwise
write.

Prints one ratio per line. Both sides start from the same sorted arrays in memory and use every
core; the results are compared row for row before anything is printed. Run with `make bench`;
`--patients` makes it smaller.
"""

from __future__ import annotations

import argparse
import time

import duckdb
import numpy as np
import pandas as pd

from kettrack.timelines.bucket import bucket_from_arrays
from kettrack.timelines.outcomes import outcomes_of
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instruments import PHQ9

SQL = """
WITH care AS (
  SELECT patient, count(*) AS n_sessions, max(day) AS last_session_day
  FROM sessions GROUP BY patient
), baseline AS (
  SELECT patient, arg_max(score, day) AS baseline, max(day) AS baseline_day
  FROM scores WHERE day BETWEEN -30 AND 0 GROUP BY patient
), follow_up AS (
  SELECT patient, count(*) AS n_assessments, max(day) AS end_day
  FROM scores WHERE day > 0 GROUP BY patient
), closed AS (
  SELECT patient, greatest(c.last_session_day, max(s.day)) AS closed_day
  FROM care c JOIN scores s USING (patient) GROUP BY patient, c.last_session_day
), rated AS (
  SELECT s.patient, s.day, 100.0 * (s.score - b.baseline) / b.baseline <= -50 AS good
  FROM scores s JOIN baseline b USING (patient) WHERE s.day > 0 AND b.baseline >= 10
), response AS (
  SELECT patient, min(day) FILTER (good) AS response_day
  FROM rated GROUP BY patient HAVING bool_or(good)
), before_response AS (
  SELECT r.patient, max(r.day) AS response_after_day
  FROM rated r JOIN response e ON r.patient = e.patient AND r.day < e.response_day
  GROUP BY r.patient
), later AS (
  SELECT t.patient, t.day, t.good,
         min(t.day) FILTER (t.good) OVER following AS next_good,
         max(t.day) FILTER (t.good) OVER preceding AS last_good
  FROM rated t JOIN response r ON t.patient = r.patient AND t.day >= r.response_day
  WINDOW following AS (PARTITION BY t.patient ORDER BY t.day
                       ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING),
         preceding AS (PARTITION BY t.patient ORDER BY t.day
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), candidate AS (
  SELECT a.patient, a.day, a.last_good,
         min(b.day) FILTER (b.day BETWEEN a.day + 7 AND a.day + 60) AS confirming_day,
         a.next_good IS NOT NULL AND a.next_good <= a.day + 60 AS refutable
  FROM later a LEFT JOIN later b
    ON a.patient = b.patient AND NOT b.good AND b.day > a.day AND b.day <= a.day + 60
   AND (a.next_good IS NULL OR b.day < a.next_good)
  WHERE NOT a.good GROUP BY a.patient, a.day, a.last_good, a.next_good
), graded AS (
  SELECT k.patient, k.day, k.last_good,
         CASE WHEN confirming_day IS NOT NULL THEN 'confirmed'
              WHEN closed_day >= k.day + 60 THEN 'unconfirmable'
              ELSE 'pending' END AS status
  FROM candidate k JOIN closed USING (patient) WHERE confirming_day IS NOT NULL OR NOT refutable
), loss AS (
  SELECT patient, arg_min(day, (status <> 'confirmed', day)) AS loss_day,
         arg_min(last_good, (status <> 'confirmed', day)) AS loss_after_day,
         arg_min(status, (status <> 'confirmed', day)) AS loss_status
  FROM graded GROUP BY patient
), at_response AS (
  SELECT r.patient, count(*) AS n, max(s.day) AS day
  FROM response r JOIN sessions s ON s.patient = r.patient AND s.day < r.response_day
  GROUP BY r.patient
), at_loss AS (
  SELECT l.patient, count(*) AS n, max(s.day) AS day
  FROM loss l JOIN sessions s ON s.patient = l.patient AND s.day < l.loss_day GROUP BY l.patient
)
SELECT c.patient, b.baseline, b.baseline_day, c.n_sessions,
       coalesce(f.n_assessments, 0) AS n_assessments, f.end_day,
       r.response_day, p.response_after_day,
       CASE WHEN r.response_day - ar.day <= 14 THEN ar.n END AS response_session,
       l.loss_day AS loss_of_response_day, l.loss_after_day AS loss_of_response_after_day,
       CASE WHEN l.loss_day - al.day <= 14 THEN al.n END AS loss_of_response_session,
       coalesce(l.loss_status, 'none') AS loss_of_response_status
FROM care c LEFT JOIN baseline b USING (patient) LEFT JOIN follow_up f USING (patient)
LEFT JOIN response r USING (patient) LEFT JOIN before_response p USING (patient)
LEFT JOIN at_response ar USING (patient)
LEFT JOIN loss l USING (patient) LEFT JOIN at_loss al USING (patient)
ORDER BY c.patient
"""


def make_arrays(n: int, seed: int = 1) -> dict[str, np.ndarray]:
    """A clinic of n patients with about 12 scores and 11 sessions each, as sorted arrays."""
    rng = np.random.default_rng(seed)
    n_scores = 2 + rng.integers(0, 21, n)
    n_sessions = 1 + rng.integers(0, 21, n)
    score_patient = np.repeat(np.arange(n, dtype=np.int32), n_scores)
    session_patient = np.repeat(np.arange(n, dtype=np.int32), n_sessions)
    place = np.arange(score_patient.size) - np.repeat(
        np.cumsum(n_scores) - n_scores, n_scores
    )
    level = np.repeat(rng.normal(16, 4, n), n_scores) - np.repeat(
        rng.gamma(2, 2, n), n_scores
    ) * np.sqrt(place)
    relapse = (
        0.35 * np.maximum(place - 6, 0) * np.repeat(rng.integers(0, 5, n), n_scores)
    )
    score = np.clip(
        np.rint(level + relapse + rng.normal(0, 2, place.size)), 0, 27
    ).astype(np.int16)
    return {
        "score_patient": score_patient,
        "score_day": _rising(rng, n_scores, first=-3, smallest=2, largest=15),
        "score": score,
        "session_patient": session_patient,
        "session_day": _rising(rng, n_sessions, first=0, smallest=2, largest=12),
    }


def _rising(
    rng: np.random.Generator,
    counts: np.ndarray,
    first: int,
    smallest: int,
    largest: int,
) -> np.ndarray:
    """Days that begin at `first` in every patient and rise by random steps."""
    steps = rng.integers(smallest, largest, counts.sum())
    begins = np.cumsum(counts) - counts
    total = np.cumsum(steps)
    return (total - np.repeat(total[begins], counts) + first).astype(np.int32)


def run_kettrack(n: int, arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    """The outcomes frame."""
    bucket = bucket_from_arrays(n, *arrays.values())
    return outcomes_of(
        bucket, convention(PHQ9), wanted=("response", "loss_of_response")
    )


def connect(arrays: dict[str, np.ndarray]) -> duckdb.DuckDBPyConnection:
    """The same arrays as tables in memory, with DuckDB's own column statistics."""
    connection = duckdb.connect()
    scores = pd.DataFrame(
        {
            "patient": arrays["score_patient"],
            "day": arrays["score_day"],
            "score": arrays["score"],
        }
    )
    sessions = pd.DataFrame(
        {"patient": arrays["session_patient"], "day": arrays["session_day"]}
    )
    for name, frame in (("scores", scores), ("sessions", sessions)):
        connection.register("frame", frame)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
    return connection


def compare(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Stop unless both say the same of every patient, in every column the SQL computes."""
    for column in theirs.columns.drop("patient"):
        kind = "str" if column.endswith("_status") else "Float64"
        pd.testing.assert_series_equal(
            ours[column].astype(kind),
            theirs[column].astype(kind),
            check_names=False,
            obj=column,
        )


def main() -> None:
    """Time both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000_000)
    n = parser.parse_args().patients
    arrays = make_arrays(n)
    print(
        f"{n:,} patients, {arrays['score'].size:,} scores, {arrays['session_day'].size:,}"
        " sessions"
    )
    connection = connect(arrays)
    run_kettrack(n, arrays)  # compiles, or loads what was compiled
    ours_seconds, ours = min(
        (_timed(lambda: run_kettrack(n, arrays)) for _ in range(5)),
        key=lambda pair: pair[0],
    )
    theirs_seconds, theirs = min(
        (_timed(lambda: connection.execute(SQL).df()) for _ in range(3)),
        key=lambda pair: pair[0],
    )
    compare(ours, theirs)
    print(
        f"outcomes: kettrack {ours_seconds:.2f} s, DuckDB {theirs_seconds:.2f} s,"
        f" {theirs_seconds / ours_seconds:.1f} x faster"
    )
    string_ids = pd.array(
        np.char.add("P", arrays["score_patient"].astype("U7")), dtype="str"
    )
    seconds, _ = _timed(lambda: pd.factorize(string_ids))
    print(
        f"string ids: {seconds:.2f} s more, to turn {string_ids.size:,} of them into codes"
    )


def _timed(work):
    begin = time.perf_counter()
    out = work()
    return time.perf_counter() - begin, out


if __name__ == "__main__":
    main()
