"""What is known of people when they start, as groups and as numbers: every column of the patients
table, the drug of the first session, and the baseline of every other scale.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.courses.expected_course import baseline_bands
from kettrack.errors import UsageError
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import PATIENTS
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.instrument import Instrument

# What stands in the patients table and was known at the start; ends of logs and stops come later.
START_COLUMNS: Final = tuple(
    column.name for column in PATIENTS.columns if column.role == "demographic"
)
# Of the first session.
FIRST_SESSION: Final = ("drug",)
# Nobody recorded these, so they make no group.
_NOT_KNOWN: Final = "unknown"
# Numbers are cut into so many groups of about as many people.
NUMBER_GROUPS: Final = 3
_PARTS: Final = {3: "thirds"}[NUMBER_GROUPS]


def plain_name(name: str) -> str:
    """A name as it may be asked for: `GAD-7` and `gad_7` are one.

    Examples
    --------
    >>> plain_name("GAD-7"), plain_name("failed-antidepressants")
    ('gad_7', 'failed_antidepressants')
    """
    return re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")


def other_scales(cohort: DerivedCohort) -> dict[str, Instrument]:
    """Scales of the scores other than the primary one, by their plain name."""
    # Every look at a characteristic asks for them, and there are many scores.
    return cohort.once("other scales", lambda: _other_scales(cohort))


def _other_scales(cohort: DerivedCohort) -> dict[str, Instrument]:
    known = cohort.settings.known_instruments
    there = sorted(map(str, cohort.scores["instrument"].dropna().unique()))
    primary = cohort.instrument.name
    return {
        plain_name(name): known[name]
        for name in there
        if name in known and name != primary
    }


def characteristic_names(cohort: DerivedCohort) -> tuple[str, ...]:
    """Names of everything recorded of at least one person at the start.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> from kettrack.timelines.derived import derive
    >>> characteristic_names(derive(load_cohort(sample_folder())))[:3]
    ('age', 'sex', 'ethnicity')
    """
    return cohort.once("characteristic names", lambda: _names(cohort))


def _names(cohort: DerivedCohort) -> tuple[str, ...]:
    # A column that nobody filled in has nothing to split by.
    own = [name for name in START_COLUMNS if _has(cohort.patients, name)]
    given = [name for name in FIRST_SESSION if _has(cohort.sessions, name)]
    return (*own, *given, *other_scales(cohort))


def _has(
    table: pd.DataFrame,
    name: str,
) -> bool:
    return name in table and bool(table[name].notna().any())


def characteristic_label(
    cohort: DerivedCohort,
    name: str,
) -> str:
    """The short name of a characteristic or of another grouping, as a reader knows it."""
    scale = other_scales(cohort).get(name)
    return scale.name if scale else name.replace("_", " ")


def characteristic_words(
    cohort: DerivedCohort,
    name: str,
) -> str:
    """What a characteristic is, and how it is cut into groups, in words."""
    if name in FIRST_SESSION:
        return f"{name} of the first session"
    if name in START_COLUMNS:
        column = PATIENTS[name]
        cut = f", in {_PARTS}" if column.kind == "whole" else ""
        return f"{column.about}{cut}"
    scale = other_scales(cohort)[name]
    cut = "severity band" if scale.bands else "value"
    return f"{cut} of the {scale.name} baseline" + (
        "" if scale.bands else f", in {_PARTS}"
    )


def characteristic_values(
    cohort: DerivedCohort,
    name: str,
) -> pd.Series:
    """The characteristic as recorded, by `patient_id`; missing where nobody knows it."""
    people = pd.Index(cohort.patients["patient_id"], name="patient_id")
    if name in START_COLUMNS:
        return pd.Series(cohort.patients[name].array, index=people, name=name)
    if name in FIRST_SESSION:
        first = cohort.sessions.groupby("patient_id", sort=False)[name].first()
        return first.reindex(people)
    return _scale_baseline(cohort, other_scales(cohort)[name].name).reindex(people)


def _scale_baseline(
    cohort: DerivedCohort,
    scale: str,
) -> pd.Series:
    """Last score of a scale in the window up to session 1, by `patient_id`."""
    scores = cohort.scores
    day = scores["day"].to_numpy()
    inside = (day >= -BASELINE_WINDOW_DAYS) & (day <= 0)
    # A score of the first day counts unless it was taken after the session.
    after = (day == 0) & (scores["timing"] == "after").to_numpy(bool)
    of_scale = (scores["instrument"] == scale).to_numpy(bool)
    kept = scores[inside & ~after & of_scale & scores["score"].notna().to_numpy()]
    # Scores stand in the order of days.
    return kept.groupby("patient_id")["score"].last()


def characteristic_groups(
    cohort: DerivedCohort,
    name: str,
) -> pd.Series:
    """Group of each person: levels of a choice, bands of a scale, thirds of another number.

    Parameters
    ----------
    cohort : DerivedCohort
        With patients, sessions and scores.
    name : str
        One of `characteristic_names`.

    Returns
    -------
    Series
        Ordered category by `patient_id`. The first is what the others are compared with: the
        commonest level, "no", or the lowest numbers. Missing where it is not known.

    Raises
    ------
    UsageError
        For a name that is none.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> from kettrack.timelines.derived import derive
    >>> cohort = derive(load_cohort(sample_folder()))
    >>> characteristic_groups(cohort, "ptsd").cat.categories.tolist()
    ['ptsd: no', 'ptsd: yes']
    """
    if name not in characteristic_names(cohort):
        raise UsageError(f"Nothing is recorded of anybody under {name!r}.")
    values = characteristic_values(cohort, name)
    scale = other_scales(cohort).get(name)
    if scale is not None and scale.bands:
        return _bands(values, scale)
    # yes and no are numbers to pandas too, so they come first
    if pd.api.types.is_bool_dtype(values.dtype):
        return _yes_no(values, name)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return _parts(values, scale.name if scale else name.replace("_", " "))
    return _levels(values)


def _levels(values: pd.Series) -> pd.Series:
    """Levels of a choice, the commonest first."""
    # "Unknown" was not recorded: a group of such people would be one of forms, not of people.
    named = values.astype("object").where(values.notna() & (values != _NOT_KNOWN))
    shown = named.map(lambda level: str(level).replace("_", " "), na_action="ignore")
    # Equally common levels stay in alphabetical order: the second sort is stable.
    counts = shown.value_counts().sort_index()
    order = counts.sort_values(ascending=False, kind="stable").index
    cut = pd.Categorical(shown, categories=list(order), ordered=True)
    return pd.Series(cut, index=values.index)


def _yes_no(
    values: pd.Series,
    name: str,
) -> pd.Series:
    """No before yes, each with what it is about."""
    about = name.replace("_", " ")
    labels = [f"{about}: no", f"{about}: yes"]
    codes = values.astype("Int64").fillna(-1).to_numpy(np.int64)
    cut = pd.Categorical.from_codes(
        codes,
        labels,
        ordered=True,
    )  # type: ignore[call-overload]
    return pd.Series(cut, index=values.index)


def _bands(
    values: pd.Series,
    scale: Instrument,
) -> pd.Series:
    """Published bands of another scale, under its name."""
    labels = [f"{scale.name} {band.label}" for band in scale.bands]
    bands = baseline_bands(values.to_numpy(float), scale)
    named = [f"{scale.name} {band}" if pd.notna(band) else None for band in bands]
    cut = pd.Categorical(
        named,
        categories=labels,
        ordered=True,
    )
    return pd.Series(cut, index=values.index)


def _parts(
    values: pd.Series,
    about: str,
) -> pd.Series:
    """Groups of about as many people each, cut at whole numbers, each with its range."""
    number = values.astype("Float64").to_numpy(float, na_value=np.nan)
    known = number[~np.isnan(number)]
    shares = np.arange(1, NUMBER_GROUPS) / NUMBER_GROUPS
    cuts = np.unique(np.floor(np.quantile(known, shares)))
    # A cut at the largest number would leave nobody above it.
    cuts = cuts[cuts < known.max()]
    if not len(cuts):
        # Most people share the largest number: those below it are the other group.
        cuts = np.unique(np.floor(known[known < known.max()]))[-1:]
    lows = [f"{cut + 1:g}" for cut in cuts]
    labels = _range_labels(
        about,
        cuts,
        lows,
    )
    codes = np.where(
        np.isnan(number),
        -1,
        np.searchsorted(cuts, number),
    )
    cut = pd.Categorical.from_codes(
        codes,
        labels,
        ordered=True,
    )  # type: ignore[call-overload]
    return pd.Series(cut, index=values.index)


def _range_labels(
    about: str,
    cuts: np.ndarray,
    lows: list[str],
) -> list[str]:
    """Each part with its range, the ends open: they would name the one person at the edge."""
    if not len(cuts):
        return [f"{about}: any"]
    middle = [
        f"{about} {low}" if low == f"{high:g}" else f"{about} {low} to {high:g}"
        for low, high in zip(
            lows[:-1],
            cuts[1:],
            strict=True,
        )
    ]
    first = f"{about} {cuts[0]:g} or less" if cuts[0] else f"{about} 0"
    return [first, *middle, f"{about} {lows[-1]} or more"]
