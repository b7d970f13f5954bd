"""The recipe of docs/shard.md: outcomes of all buckets by Spark, the same rows as from one process.

    python benchmarks/spark_buckets.py [BUCKETS]

It needs pyspark and Java, which kettrack itself does not, and ends with 1 where a row differs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import kettrack as kt

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def outcomes_by_spark(spark: SparkSession, path: str) -> DataFrame:
    """One row per patient, as `kettrack outcomes` writes it."""
    from pyspark.sql.pandas.types import from_arrow_schema

    def rate(key: tuple[Any, ...], _numbers: pd.DataFrame) -> pd.DataFrame:
        bucket = kt.open_sharded(path).bucket(int(key[0]))
        return kt.outcomes_table(bucket)

    import pyarrow as pa

    folder = kt.open_sharded(path)
    first = pa.Table.from_pandas(kt.outcomes_table(folder.bucket(0)))
    numbers = [(number,) for number in range(folder.manifest.n_buckets)]
    # A row for each bucket: the rows of patients never pass through the JVM on their way in.
    rows = spark.createDataFrame(numbers, "bucket int")
    # Rows are so few that Spark would put all of them into one task.
    buckets = rows.repartition(len(numbers), "bucket")
    schema = from_arrow_schema(first.schema)
    return buckets.groupBy("bucket").applyInPandas(rate, schema)


def main() -> None:
    """Make buckets, rate them in both ways, compare."""
    from pyspark.sql import SparkSession

    # Spark would start its workers with the first `python3`, which may lack kettrack.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    n_buckets = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    with tempfile.TemporaryDirectory() as made:
        place = str(Path(made) / "buckets")
        kt.shard(kt.sample_folder(), place, buckets=n_buckets)
        builder = SparkSession.builder.master("local[2]")
        spark = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
        begin = time.perf_counter()
        found = outcomes_by_spark(spark, place).toPandas()
        print(
            f"Spark, local[2], {n_buckets} buckets: {time.perf_counter() - begin:.1f} s"
        )
        spark.stop()
        expected = pd.concat(kt.rows_by_bucket("outcomes", kt.open_sharded(place)))
    both = [
        one.sort_values("patient_id").reset_index(drop=True)
        for one in (found, expected)
    ]
    # Spark has fewer types than pandas: the values are compared.
    pd.testing.assert_frame_equal(*map(_plain, both), check_dtype=False)
    print(f"{len(found):,} rows, equal")


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype("object").where(frame.notna(), None).map(_as_number)


def _as_number(value: object) -> object:
    return float(value) if isinstance(value, int | float) else value


if __name__ == "__main__":
    main()
