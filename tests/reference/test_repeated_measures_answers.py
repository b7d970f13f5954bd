"""Repeated measures on real data: Beat the Blues as R's nlme fits it. The data are no part of the
repository. The table of the rbmi quickstart is tried by `benchmarks/rbmi_quickstart.py`.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kettrack.estimators.regression.repeated_measures import fit_repeated_measures


def table_of(*parts):
    folder = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not folder:
        pytest.skip("KETTRACK_REFERENCE_DATA is not set")
    path = Path(folder, *parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not among the reference data")
    return pd.read_csv(path)


def test_beat_the_blues_is_that_of_nlme():
    """gls(bdi ~ visit * arm) of R's nlme 3.1-162, unstructured, REML."""
    rows = table_of("btheb", "BtheB.csv")
    y = rows[["bdi.2m", "bdi.4m", "bdi.6m", "bdi.8m"]].to_numpy(float)
    arm = (rows["treatment"] == "BtheB").to_numpy(float)
    fit = fit_repeated_measures(np.column_stack([np.ones(len(arm)), arm]), y)
    effect = fit.coefficients[:, 1]
    assert effect[0] == pytest.approx(-4.755128, abs=1e-4)
    assert np.sqrt(fit.error[0, 1, 0, 1]) == pytest.approx(2.153077, abs=1e-3)
    assert effect[3] - effect[0] == pytest.approx(2.749921, abs=1e-3)
    assert fit.log_likelihood == pytest.approx(-948.1784, abs=1e-3)
