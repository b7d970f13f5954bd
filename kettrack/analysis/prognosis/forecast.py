"""Forecasts of people whom the model has not seen, and how good they are.

The model is a logistic regression with a ridge, from scikit-learn: with some hundred people and a
dozen columns, what is more flexible learns the clinic by heart.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kettrack.analysis.context import LEVEL
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

PARTS: Final = 10  # of a cross-validation by patients
FEWEST_SITES: Final = 3
_SEED: Final = 20261129
_FEWEST_OF_A_KIND: Final = 10  # people
# Stronger than the usual 1: over simulated clinics a weaker ridge gives forecasts that are too far
# apart where little is told, and a stronger one draws them together where much is
# (`kettrack/trials/prognosis.py`).
_RIDGE: Final = 4.0
# Forecasts are kept off 0 and 1, where their logit is infinite.
_EDGE: Final = 1e-6


class Score(NamedTuple):
    """How good the forecasts of some people are.

    Parameters
    ----------
    brier, brier_base : float
        Mean squared distance of forecast and outcome; the same for one forecast for all, the share
        who responded in the people learnt from.
    gain, gain_low, gain_high : float
        How much smaller the first is, with the interval of the mean of paired differences.
    auc : float
        How often the one who responded had the higher forecast, of all pairs; 50 % is chance.
    slope : float
        Of the outcome on the logit of the forecast; 1 where forecasts are as far apart as they
        should be, below 1 where they are too far.
    """

    brier: float
    brier_base: float
    gain: float
    gain_low: float
    gain_high: float
    auc: float
    slope: float


class Forecasts(NamedTuple):
    """Forecasts of everybody by a model that was learnt from others."""

    chance: Floats
    base: Floats


def require_sklearn() -> None:
    """Refuse, with the way on, where scikit-learn is not installed.

    Raises
    ------
    NotIdentified
        Saying what to install. A report goes on without a prognosis.
    """
    if find_spec("sklearn") is None:
        raise NotIdentified(
            "a prognosis needs scikit-learn, which is not installed.",
            "nothing more. Type: pip install 'kettrack[prognosis]'.",
        )


def learnt(known: pd.DataFrame, responded: Bools) -> Pipeline:
    """The model, fitted to people."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    # That a score is missing can itself say something, so it has a column of its own.
    filled = SimpleImputer(
        strategy="median",
        add_indicator=True,
        keep_empty_features=True,
    )
    # A ridge draws all columns alike, so they need the same spread.
    numbers = make_pipeline(filled, StandardScaler())
    # A kind of fewer people is joined with others; one that nobody had is none of them.
    kinds = OneHotEncoder(handle_unknown="ignore", min_frequency=_FEWEST_OF_A_KIND)
    is_number = make_column_selector(dtype_include="number")
    is_kind = make_column_selector(dtype_exclude="number")
    columns = make_column_transformer(
        (numbers, is_number),
        (kinds, is_kind),
    )
    ridge = LogisticRegression(C=1 / _RIDGE, max_iter=1_000)
    model = make_pipeline(columns, ridge)
    return model.fit(known, responded)


def by_patients(known: pd.DataFrame, responded: Bools) -> Forecasts:
    """Each tenth of the people forecast by a model of the other nine."""
    from sklearn.model_selection import StratifiedKFold

    parts = StratifiedKFold(PARTS, shuffle=True, random_state=_SEED)
    return _forecast(known, responded, parts.split(known, responded))


def by_site(known: pd.DataFrame, responded: Bools, site: pd.Series) -> Forecasts | None:
    """Each site forecast by a model of the others; None where there are too few sites."""
    from sklearn.model_selection import LeaveOneGroupOut

    # People of no site would be learnt from and forecast at once.
    if site.isna().any():
        return None
    if site.nunique() < FEWEST_SITES:
        return None
    names = site.astype("str").to_numpy()
    # A model needs people who responded and people who did not.
    for name in np.unique(names):
        rest = responded[names != name]
        if rest.all() or not rest.any():
            return None
    parts = LeaveOneGroupOut().split(known, responded, names)
    return _forecast(known, responded, parts)


def _forecast(known: pd.DataFrame, responded: Bools, parts: Any) -> Forecasts:
    n = len(responded)
    chance = np.full(n, np.nan)
    base = np.full(n, np.nan)
    for others, these in parts:
        taught = responded[others]
        model = learnt(known.iloc[others], taught)
        both = model.predict_proba(known.iloc[these])
        # The second column is the chance of a response.
        chance[these] = both[:, 1]
        # The one number is learnt from the same people as the model.
        base[these] = taught.mean()
    return Forecasts(chance, base)


def score(forecasts: Forecasts, responded: Bools) -> Score:
    """How good forecasts are, against one forecast for everybody."""
    from sklearn.metrics import roc_auc_score

    outcome = responded.astype(float)
    own = (forecasts.chance - outcome) ** 2
    base = (forecasts.base - outcome) ** 2
    # Paired: what is hard to tell of a person is hard for both.
    closer = base - own
    spread = closer.std(ddof=1)
    error = spread / np.sqrt(len(closer))
    reach = ndtri((1 + LEVEL) / 2) * error
    gain = float(closer.mean())
    return Score(
        brier=float(own.mean()),
        brier_base=float(base.mean()),
        gain=gain,
        gain_low=gain - float(reach),
        gain_high=gain + float(reach),
        auc=100 * float(roc_auc_score(responded, forecasts.chance)),
        slope=_slope(forecasts.chance, outcome),
    )


def _slope(chance: Floats, outcome: Floats) -> float:
    """Calibration slope by an unpenalised logistic regression."""
    from sklearn.linear_model import LogisticRegression

    inside = np.clip(chance, _EDGE, 1 - _EDGE)
    odds = inside / (1 - inside)
    logit = np.log(odds)[:, np.newaxis]
    # Without any spread there is no slope.
    if np.ptp(logit) < _EDGE:
        return float("nan")
    # No ridge here: it would draw the slope to 0.
    model = LogisticRegression(C=np.inf, max_iter=1_000)
    fitted = model.fit(logit, outcome)
    return float(fitted.coef_[0, 0])
