"""Sheets of one patient that somebody carries: one for a payer who renews treatment, one for the
talk with the patient. For the treating clinic, asked for by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.person_rows import require_internal, require_patient, rows_of
from kettrack.analysis.suicidality.readings import suicidality_readings
from kettrack.arrays import Bools
from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.timelines.states import meets
from kettrack.vocabulary.days import DAYS_IN_WEEK, FRESH_DAYS
from kettrack.vocabulary.plain_words import agree, in_words
from kettrack.vocabulary.rules import Rule

SheetKind = Literal["payer", "progress"]
KINDS: Final[tuple[SheetKind, ...]] = ("payer", "progress")
_TITLES: Final[dict[SheetKind, str]] = {
    "payer": "Treatment summary for a payer",
    "progress": "How treatment is going",
}
_NOT_RECORDED: Final = "not recorded"
# Of the patients table, in the order in which a payer asks; as the reader sees them.
_BACKGROUND: Final = {
    "diagnosis": "Diagnosis",
    "failed_antidepressants": "Antidepressants that failed before",
    "psychotherapy": "Psychotherapy alongside",
}
_PAYER_RULE: Final = (
    "Every payer has a rule of its own. Compare it with the rules named here before this sheet is"
    " sent."
)
_NO_CAUSE: Final = (
    "A lower score after treatment does not prove that treatment caused it: depression also gets"
    " better by itself, and scores vary from week to week."
)
_TALK: Final = (
    "One score is one week. Talk with your team about what it does not show, and tell them at once"
    " about thoughts of suicide."
)


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of a sheet: what is told, and what it is."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One patient's sheet, ready to be laid out.

    Parameters
    ----------
    title : str
        What the sheet is for.
    headline, sentence : str
        First and last score, and what changed, in words.
    lines : tuple of SheetLine
        What stands below, in order; `not recorded` where the log does not say.
    cautions : tuple of str
        What may not be concluded.
    scores : DataFrame
        One row per score or session, for the picture: `what` (score, session) `day` `score`.
    """

    title: str
    headline: str
    sentence: str
    lines: tuple[SheetLine, ...]
    cautions: tuple[str, ...]
    scores: pd.DataFrame


def patient_sheet(
    cohort: Cohort | DerivedCohort, patient_id: str, kind: SheetKind
) -> Sheet:
    """Baseline, last score and what changed, with sessions, side effects and thoughts of suicide.

    Parameters
    ----------
    cohort : Cohort
        Under the policy `internal`.
    patient_id : str
        The study code.
    kind : {"payer", "progress"}
        For whom it is.

    Returns
    -------
    Sheet
        Days count from the first session; the sheet names no date.

    Raises
    ------
    UsageError
        Under a release policy, for an unknown kind or code, and where the patient has no score.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> patient_sheet(load_cohort(sample_folder()), "S061", "payer").title
    'Treatment summary for a payer'
    """
    cohort = derive(cohort)
    _require(cohort, patient_id, kind)
    line = rows_of(cohort.timeline, patient_id).dropna(subset=["score"])
    if line.empty:
        raise UsageError(
            f"This patient has no score of {cohort.instrument.name}, so there is no sheet."
        )
    sessions = rows_of(cohort.sessions, patient_id)
    headline, sentence = _change_words(cohort, line)
    sentence += _since_session_words(line, sessions)
    lines = [
        _scores_line(cohort, line),
        *_mild_baseline_lines(cohort, line),
        *_rule_lines(cohort, line),
    ]
    if kind == "payer":
        lines += _background_lines(rows_of(cohort.patients, patient_id).iloc[0])
    lines += _session_lines(sessions)
    # Good news never stands without the harm beside it.
    lines += [_side_effects_line(sessions), _suicidality_line(cohort, patient_id)]
    if kind == "payer":
        lines.append(SheetLine("Rules", rule_words(cohort)))
    cautions = (_NO_CAUSE, _PAYER_RULE if kind == "payer" else _TALK)
    return Sheet(
        title=_TITLES[kind],
        headline=headline,
        sentence=sentence,
        lines=tuple(lines),
        cautions=cautions,
        scores=_drawn(line, sessions),
    )


def _require(cohort: DerivedCohort, patient_id: str, kind: str) -> None:
    """Stop where no sheet may or can be made."""
    if kind not in KINDS:
        raise UsageError(f"There are two sheets: {' and '.join(KINDS)}.")
    require_internal(cohort, "sheet")
    require_patient(cohort, patient_id)


def _points(score: float) -> str:
    return f"{score:g}"


def _when(day: float) -> str:
    """A day as people say it."""
    if day <= 0:
        return "before the first session"
    return f"day {day:.0f} after the first session (week {day // DAYS_IN_WEEK:.0f})"


def _change_words(cohort: DerivedCohort, line: pd.DataFrame) -> tuple[str, str]:
    """First and last score, and what lies between them."""
    last = line.iloc[-1]
    baseline = last["baseline"]
    if pd.isna(baseline):
        return _points(
            last["score"]
        ), "at the last score; there is none before treatment."
    if last["day"] <= 0:
        return _points(baseline), "before treatment; there is no score after it yet."
    change = last["score"] - baseline
    side = "lower" if change < 0 else "higher"
    better = "Lower" if cohort.instrument.higher_is_worse else "Higher"
    percent = last["percent_change"]
    # A baseline at the very end of the scale has no percentage.
    share = "" if pd.isna(percent) else f" ({abs(percent):.0f} %)"
    words = f"{_points(abs(change))} points {side}{share}" if change else "no change"
    return (
        f"{_points(baseline)} → {_points(last['score'])}",
        f"{cohort.instrument.name} score before treatment and at {_when(last['day'])}: {words}."
        f" {better} is better.",
    )


def _since_session_words(line: pd.DataFrame, sessions: pd.DataFrame) -> str:
    """How long treatment had been over at the last score, where that is long."""
    last = line["day"].iloc[-1]
    before = sessions.loc[sessions["day"] <= last, "day"]
    if before.empty:
        return ""
    gap = last - before.max()
    # A score soon after a session may be of it; one long after tells of other weeks too.
    return f" The last session was {gap:.0f} days before." if gap > FRESH_DAYS else ""


def _mild_baseline_words(cohort: DerivedCohort, line: pd.DataFrame) -> str:
    """On which side of a case somebody began who is not rated; empty for a case."""
    case = cohort.criteria.caseness
    baseline = line["baseline"].iloc[-1]
    if case is None or pd.isna(baseline):
        return ""
    above = cohort.instrument.higher_is_worse
    ill = baseline >= case.value if above else baseline <= case.value
    side = "below" if above else "above"
    return "" if ill else f"{side} {case.value:g} before treatment"


def _mild_baseline_lines(cohort: DerivedCohort, line: pd.DataFrame) -> list[SheetLine]:
    """That somebody was less ill than the people whom the report rates."""
    mild = _mild_baseline_words(cohort, line)
    if not mild:
        return []
    baseline = _points(line["baseline"].iloc[-1])
    return [
        SheetLine(
            "Not rated",
            f"{baseline}, {mild}: response and remission are rated from there on only. The report"
            " counts this patient neither as a responder nor as somebody who did not respond.",
        )
    ]


def _scores_line(cohort: DerivedCohort, line: pd.DataFrame) -> SheetLine:
    later = line[line["day"] > 0]
    scale = cohort.instrument
    # A title may hold brackets of its own.
    ends = f"{scale.name}: {scale.title}, {scale.minimum:g} to {scale.maximum:g}"
    if later.empty:
        return SheetLine("Scores", f"{ends}. None after the first session.")
    best = later["score"].min()
    worst = later["score"].max()
    return SheetLine(
        "Scores",
        agree(f"{ends}. {len(later)} scores after the first session")
        + f": from {_points(best)} to {_points(worst)}.",
    )


def _rule_lines(cohort: DerivedCohort, line: pd.DataFrame) -> list[SheetLine]:
    """Whether the last score meets each rule in force, and the first day on which one did."""
    rules = cohort.criteria
    mild = _mild_baseline_words(cohort, line)
    none = pd.isna(line["baseline"].iloc[-1])
    unrated = "no score before treatment" if none else mild
    # Somebody who was hardly ill can still become worse; without a first score nobody can say so.
    asked = {
        "Response": (rules.response, unrated),
        "Remission": (rules.remission, unrated),
        "Worse than before treatment": (rules.deterioration, unrated if none else ""),
    }
    return [
        SheetLine(
            f"{name} ({rule.predicate.words})",
            f"not rated: {why}." if why else _met_words(rule, line),
        )
        for name, (rule, why) in asked.items()
        if rule is not None
    ]


def _met_words(rule: Rule, line: pd.DataFrame) -> str:
    later = line[line["day"] > 0]
    met = later[_met(rule, later)]
    if later.empty:
        return "not known: no score after the first session."
    if met.empty:
        return "at no score so far."
    now = "yes" if _met(rule, later)[-1] else "no"
    first = _when(met["day"].iloc[0])
    return f"at the last score: {now}. First at {first}, at {len(met)} of {len(later)} scores."


def _met(rule: Rule, later: pd.DataFrame) -> Bools:
    """Whether each score by itself meets the rule; a missing measure does not."""
    # The columns of the timeline have the names of the measures.
    measures = {
        name: later[name].astype("Float64").to_numpy(float, na_value=np.nan)
        for name in ("score", "change", "percent_change")
    }
    return np.asarray(meets(rule, measures), dtype=bool)


def _background_lines(patient: pd.Series) -> list[SheetLine]:
    lines = []
    for column, label in _BACKGROUND.items():
        value = patient.get(column)
        lines.append(SheetLine(label, _cell_words(value)))
    return lines


def _cell_words(value: object) -> str:
    """A cell of the patients table as a person says it."""
    if pd.isna(value):  # type: ignore[call-overload]
        return _NOT_RECORDED
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return in_words(str(value))


def _session_lines(sessions: pd.DataFrame) -> list[SheetLine]:
    """How many, how given, the last dose, and how far apart."""
    if sessions.empty:
        return [SheetLine("Sessions", "none in this log")]
    last = sessions.iloc[-1]
    drug = _NOT_RECORDED if pd.isna(last["drug"]) else last["drug"]
    route = "" if pd.isna(last["route"]) else f", {last['route']}"
    dose = "" if pd.isna(last["dose_mg"]) else f", {last['dose_mg']:g} mg"
    days = sessions["day"].to_numpy(float)
    when = _when(days[-1]) if days[-1] > 0 else "day 0"
    given = f"{len(days)}, the last one on {when}: {drug}{route}{dose}"
    lines = [SheetLine("Sessions", given)]
    if len(days) > 1:
        gaps = pd.Series(days).diff().dropna()
        middle = f"median {gaps.median():g}, at most {gaps.max():g}"
        lines.append(SheetLine("Days between sessions", middle))
    return lines


def _side_effects_line(sessions: pd.DataFrame) -> SheetLine:
    """At how many sessions any was noted, of those with a record, and how many were serious."""
    told = sessions["adverse_events"].dropna()
    some = told[told != "none"]
    words = sorted({word for cell in some for word in str(cell).split(";")})
    which = f": {', '.join(map(in_words, words))}" if words else ""
    noted = f"at {len(some)} of {len(told)} sessions with a record{which}."
    if told.empty:
        noted = f"{_NOT_RECORDED}."
    text = agree(f"{noted} {_serious_words(sessions['serious'])}")
    return SheetLine("Side effects", text)


def _serious_words(serious: pd.Series) -> str:
    """At how many sessions one was serious; silence about it is not said to be none."""
    told = serious.dropna()
    if told.empty:
        return "Whether any was serious is not recorded."
    number = int(told.sum())
    if len(told) < len(serious):
        return f"Serious: at {number} of {len(told)} sessions with a record of that."
    return f"Serious: at {number}."


def _suicidality_line(cohort: DerivedCohort, patient_id: str) -> SheetLine:
    """First, highest and last answer of every scale that asks about it."""
    label = "Thoughts of suicide"
    readings = rows_of(suicidality_readings(cohort), patient_id).dropna(
        subset=["value"]
    )
    if readings.empty:
        return SheetLine(label, "never asked")
    parts = []
    for scale, asked in readings.groupby("instrument", sort=True, observed=True):
        value = asked.sort_values("day", kind="stable")["value"]
        parts.append(
            f"{scale}: first answer {value.iloc[0]:g}, highest {value.max():g}, last"
            f" {value.iloc[-1]:g}"
        )
    return SheetLine(label, "; ".join(parts))


def _drawn(line: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    scores = pd.DataFrame({"day": line["day"], "score": line["score"]})
    given = pd.DataFrame({"day": sessions["day"], "score": float("nan")})
    parts = [scores.assign(what="score"), given.assign(what="session")]
    table = pd.concat(parts, ignore_index=True)
    return table.astype({"day": "float64", "score": "float64"})
