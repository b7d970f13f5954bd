"""Draw the picture of the README from the sample: `make notebooks` runs it."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import kettrack as kt

curve = kt.estimate("response_by_session", kt.load_cohort(kt.sample_folder()))
axes = kt.plot_response_by_session(curve.table, caption=curve.caption)
axes.figure.savefig(
    Path(__file__).with_name("response_by_session.png"),
    dpi=120,
    metadata={"Software": None},
)
