"""Body weights (VS), which doses by body weight need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Floats
from kettrack.importing.cdisc.dataset import SUBJECT, Dataset
from kettrack.importing.cdisc.study_days import Clock, Times
from kettrack.importing.remarks import Remarks
from kettrack.vocabulary.units import factor

_WEIGHT: Final = "WEIGHT"
_KG: Final = "kg"


def holds_weights(dataset: Dataset) -> bool:
    """Whether a data set holds body weights.

    Parameters
    ----------
    dataset : Dataset
        Any.
    """
    codes = dataset.words("VSTESTCD")
    return dataset.domain == "VS" and bool((codes == _WEIGHT).any())


def weights_at(
    doses: Times,
    vitals: Sequence[Dataset],
    clock: Clock,
    remarks: Remarks,
) -> Floats:
    """For each dose the last weight of the person until then, else the first one after; in kg, NaN
    where there is none.

    Parameters
    ----------
    doses : Times
        When the doses were.
    vitals : sequence of Dataset
        Of the domain VS.
    clock : {"day", "date"}
        Which of both times counts.
    remarks : Remarks
        Takes how many weights were read.
    """
    known = [_weights(one, clock, remarks) for one in vitals]
    if not known:
        return np.full(len(doses.dataset), np.nan)
    weighed = pd.concat(known).sort_values("when", kind="stable")
    wanted = pd.DataFrame(
        {
            "who": doses.dataset.texts(SUBJECT).astype("object"),
            "when": doses.ordinals(clock),
        }
    )
    timed = wanted.dropna().sort_values("when", kind="stable")
    found = pd.Series(np.nan, index=wanted.index)
    # Before the first weighing the first one after is the best there is.
    for direction in ("backward", "forward"):
        merged = pd.merge_asof(
            timed,
            weighed,
            on="when",
            by="who",
            direction=direction,
        )
        nearest = pd.Series(merged["kg"].to_numpy(), index=timed.index)
        found = found.fillna(nearest)
    return np.asarray(found, dtype=np.float64)


def _weights(
    dataset: Dataset,
    clock: Clock,
    remarks: Remarks,
) -> pd.DataFrame:
    """Who weighed how much, and when."""
    times = Times(
        dataset=dataset,
        study_days=dataset.numbers("VSDY"),
        dates=dataset.dates("VSDTC"),
    )
    units = dataset.texts("VSSTRESU", "VSORRESU").fillna(_KG)
    of_unit = {unit: factor(unit, _KG) or np.nan for unit in units.unique().tolist()}
    kilograms = dataset.numbers("VSSTRESN", "VSORRES")
    weighed = pd.DataFrame(
        {
            "who": dataset.texts(SUBJECT).astype("object"),
            "when": times.ordinals(clock),
            "kg": kilograms * units.map(of_unit).to_numpy(dtype=np.float64),
        }
    )
    kept = weighed[dataset.words("VSTESTCD") == _WEIGHT].dropna()
    dataset.note(
        "body weights were taken from it, and nothing else", len(kept), remarks
    )
    return kept
