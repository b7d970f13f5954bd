"""What was known of people before a session, forecasts of people whom the model has not seen, and
how good they are.

The model is a logistic regression with a ridge, from scikit-learn: with some hundred people and a
dozen columns, what is more flexible learns the clinic by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from kettrack.analysis.context import LEVEL
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


# Sessions after which somebody asks what will come; 0 = before the first one.
LANDMARKS: Final = (0, 2, 4)
# Of the patients table; a column without entries is left out.
NUMBERS: Final = ("age", "failed_antidepressants")
KINDS: Final = (
    "sex",
    "diagnosis",
    "anxiety",
    "ptsd",
    "substance_use",
    "psychotherapy",
)
_RESPONDED: Final = CAUSES.index("responded") + 1
# Who left so was not scored in time: whether there was a response is not known.
_NOT_KNOWN: Final = tuple(
    CAUSES.index(cause) + 1 for cause in ("not_scored", "scored_later")
)

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


@dataclass(frozen=True, slots=True)
class Landmark:
    """People who came to the next session without a response so far.

    Parameters
    ----------
    session : int
        Sessions they had had.
    known : DataFrame
        One row per person, by `patient_id`: what was known of them; missing where it was not.
    responded : bool, shape (people,)
        By session `TOLD_SESSION` of the first course.
    site : Series
        By `patient_id`; missing where not recorded.
    unknown : int
        People left out, since nobody knows whether they responded.
    """

    session: int
    known: pd.DataFrame
    responded: Bools
    site: pd.Series
    unknown: int


def landmark(cohort: DerivedCohort, session: int) -> Landmark:
    """Who came to the next session without a response, what was known, and what became of it."""
    exits = first_course_exits(cohort).set_index("patient_id")
    # A response after this session came before the next one, so that it is no forecast.
    there = exits[exits["step"] > session]
    step = there["step"]
    unscored = there["cause"].isin(_NOT_KNOWN)
    lost = unscored & (step <= TOLD_SESSION)
    # A log that ends before the session says nothing of it.
    open_end = there["cause"] == 0
    waiting = open_end & (step < TOLD_SESSION)
    unknown = lost | waiting
    counted = there[~unknown]
    in_time = counted["step"] <= TOLD_SESSION
    responded = (counted["cause"] == _RESPONDED) & in_time
    site = cohort.patients.set_index("patient_id")["site"]
    return Landmark(
        session=session,
        known=describe(cohort, session, counted.index),
        responded=responded.to_numpy(bool),
        site=site.loc[counted.index],
        unknown=int(unknown.sum()),
    )


def describe(cohort: DerivedCohort, session: int, people: pd.Index) -> pd.DataFrame:
    """What was known of people before the session after this one; a row each, by `patient_id`."""
    patients = cohort.patients.set_index("patient_id").loc[people]
    known = _known_at_start(cohort, patients)
    if session:
        known["percent_change"] = _last_change(cohort, session, people)
    return known


def _known_at_start(cohort: DerivedCohort, patients: pd.DataFrame) -> pd.DataFrame:
    """Baseline score and what the patients table says; numbers as floats, kinds as text."""
    baseline = pd.Series(cohort.baselines.score, cohort.patients["patient_id"])
    known = pd.DataFrame({"baseline": baseline.loc[patients.index]})
    for column in NUMBERS:
        values = patients[column].astype("Float64")
        if values.notna().any():
            known[column] = values.to_numpy(float, na_value=np.nan)
    for column in KINDS:
        kinds = patients[column]
        # Not being asked may say something as well, so it is a kind of its own.
        if kinds.notna().any():
            known[column] = kinds.astype("str").fillna("not recorded")
    return known


def _last_change(
    cohort: DerivedCohort, session: int, people: pd.Index
) -> pd.Series[float]:
    """Percent change at the last score before the next session; missing without one."""
    line = cohort.timeline
    so_far = (line["day"] > 0) & (line["sessions_to_date"] <= session)
    known = line["percent_change"].notna()
    rows = line[so_far & known]
    by_person = rows.groupby("patient_id", observed=True)
    # Rows rise by day within a patient, so the last one is the latest.
    last = by_person["percent_change"].last()
    return last.reindex(people).astype("float64")


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
    from sklearn.compose import make_column_transformer
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
    of_kind = _of_kind(known)
    others = [name for name in known if name not in of_kind]
    columns = make_column_transformer(
        (numbers, others),
        (kinds, of_kind),
    )
    ridge = LogisticRegression(C=1 / _RIDGE, max_iter=1_000)
    model = make_pipeline(columns, ridge)
    return model.fit(known, responded)


def _of_kind(known: pd.DataFrame) -> list[str]:
    return [name for name in KINDS if name in known]


def _coded(known: pd.DataFrame) -> pd.DataFrame:
    """Kinds as numbers in the order of their names: scikit-learn counts text cell by cell, which
    took most of the time.
    """
    coded = known.copy()
    for name in _of_kind(known):
        places, _ = pd.factorize(
            known[name],
            sort=True,
        )
        coded[name] = places
    return coded


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
    known = _coded(known)
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
