"""Every question that counts can answer gives one table: from all rows, from buckets, from buckets
on the workers of Dask, and from sites that were pooled.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from sample_answers import sample_answer

import kettrack as kt
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.counts import PeopleCounts, added, count_people

# Of some questions a part needs all rows: these rows and columns are not counted.
NOT_COUNTED = {
    "hypothetical": "estimand",
    "mean_regression_low": "key",
    "mean_regression_high": "key",
}
MODELLED = ("null", "null_low", "null_high", "null_confirmed", "ess")
N_BUCKETS = 5
NUMBERS = range(N_BUCKETS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> kt.ShardedFolder:
    place = tmp_path_factory.mktemp("everywhere") / "buckets"
    kt.shard(kt.sample_folder(), place, buckets=N_BUCKETS)
    return kt.open_sharded(place)


@pytest.fixture(scope="module")
def sharded(folder: kt.ShardedFolder) -> PeopleCounts:
    """Counts of all buckets, each by itself."""
    return added([count_people(folder.bucket(number), PARTS) for number in NUMBERS])


@pytest.fixture(scope="module")
def pooled(folder: kt.ShardedFolder) -> kt.Pool:
    """Each bucket a site."""
    sites = [kt.summarise(folder.bucket(number), f"s{number}") for number in NUMBERS]
    # All come from the same files, which two sites never do.
    return kt.pool([replace(site, input_sha256="") for site in sites])


@pytest.fixture(scope="module")
def on_workers(folder: kt.ShardedFolder) -> kt.Summary:
    return kt.summarise_by_bucket(folder, "A", scheduler="local")


def require_same(found: pd.DataFrame, question: str) -> None:
    """To the last digit, but for what is not counted."""
    expected = sample_answer(question).table
    for value, column in NOT_COUNTED.items():
        if column in expected:
            expected = expected[expected[column] != value]
    shared = [name for name in expected if name not in MODELLED]
    pd.testing.assert_frame_equal(
        found[shared].reset_index(drop=True),
        expected[shared].reset_index(drop=True),
        check_exact=True,
    )


@pytest.mark.parametrize("question", PARTS)
def test_sharded(question: str, sharded: PeopleCounts) -> None:
    require_same(sharded.answer(question).table, question)


@pytest.mark.parametrize("question", PARTS)
def test_pooled(question: str, pooled: kt.Pool) -> None:
    require_same(pooled[question].table, question)


# Processes of a cluster start slowly: one run for all questions.
@pytest.mark.slow
def test_on_workers(folder: kt.ShardedFolder, on_workers: kt.Summary) -> None:
    assert on_workers.to_json() == kt.summarise_by_bucket(folder, "A").to_json()


@pytest.mark.slow
def test_rows_of_patients_on_workers(folder: kt.ShardedFolder) -> None:
    found = pd.concat(kt.rows_by_bucket("timeline", folder, "local"))
    expected = pd.concat(kt.rows_by_bucket("timeline", folder))
    pd.testing.assert_frame_equal(found, expected)
