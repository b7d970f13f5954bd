"""Every number of what is recorded beside the PHQ-9 total: who people are, other scales, dose,
vitals, side effects, events.

Nothing here acts on the course of depression. Sources by key: IM network (BMC Psychiatry
2022;22:634), enTRD (Vienna registry), CRTCE (Rodrigues 2020, n = 203), AJP letter 2022 (survey of
clinics), MGH (Sakurai 2020). Everything else is an assumption.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FOLLOWED_LESS_ETHNICITY: Final = "hispanic"
OPENING_YEAR: Final = 2024
# the imaginary clinic opens in the middle of that year
OPENING_DAY_OF_YEAR: Final = 182

PLANTED: Final[dict[str, str]] = {
    "dose_to_blood_pressure": (
        "each mg/kg (counted as if given IV) raises the highest systolic pressure by 18 mmHg on"
        " average"
    ),
    "route_to_dissociation": (
        "dissociation is commonest IV, then IM, intranasal, sublingual; it falls after session 1"
    ),
    "benzodiazepine_to_sedation": (
        "a benzodiazepine on the day, and a higher dose, make sedation commoner"
    ),
    "sessions_to_bladder": (
        "bladder symptoms become commoner with the number of sessions"
    ),
    "ethnicity_to_follow_up": (
        f"people recorded as {FOLLOWED_LESS_ETHNICITY} have 0.6 times the chance of being scored"
    ),
    "interest_moves_first": (
        "of equal totals, little interest (item 1 of the PHQ-9) has fallen further in the first"
        " weeks after session 1; later all items have fallen alike"
    ),
    "sicker_answers_less": (
        "the worse people truly are, the less they answer from home: scores are missing not at"
        " random"
    ),
}
PLANTED_NULLS: Final[dict[str, str]] = {
    "site": "differs in nothing: outcome, follow-up, dose, side effects",
    "sessions_to_memory": (
        "problems with memory or thinking do not become commoner with the number of sessions"
    ),
    "dose_to_outcome": (
        "dose and route change nothing about the effect of a session on depression"
    ),
    "demographics_to_outcome": (
        "age, sex, diagnosis, comorbidity and psychotherapy change nothing about depression"
    ),
    "events_to_outcome": (
        "medication changes, TMS, ECT and admissions change nothing about the course of"
        " depression"
    ),
}

SEX: Final = (("female", 0.58), ("male", 0.40), ("other", 0.015), ("unknown", 0.005))
ETHNICITY_OTHERWISE: Final = (
    ("white", 0.72),
    ("black", 0.11),
    ("asian", 0.07),
    ("mixed", 0.05),
    ("native", 0.01),
    ("other", 0.02),
    ("unknown", 0.02),
)
SITE: Final = (("K1", 0.5), ("K2", 0.3), ("K3", 0.2))
DIAGNOSIS: Final = (
    ("major_depression", 0.74),
    ("bipolar", 0.10),
    ("ptsd", 0.08),
    ("anxiety", 0.04),
    ("other", 0.02),
    ("unknown", 0.02),
)
ROUTE: Final = (("iv", 0.55), ("im", 0.15), ("sublingual", 0.15), ("intranasal", 0.15))


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristics:
    """Who people are. Shares 0 to 1, years."""

    age_mean: float = 43.0
    age_sd: float = 14.0
    age_low: int = 18
    age_high: int = 85
    anxiety: float = 0.55
    ptsd: float = 0.28
    substance_use: float = 0.12
    psychotherapy: float = 0.38
    failed_mean: float = 3.2
    failed_most: int = 12
    prior: float = 0.03
    prior_most: int = 12
    unstated: float = 0.03
    stop_recorded: float = 0.82
    stop_noted_within: int = 14
    weight_mean: tuple[float, float] = (76.0, 88.0)  # female and everybody else; male
    weight_sd: float = 16.0
    weight_low: float = 45.0
    weight_high: float = 160.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherScales:
    """GAD-7, MADRS and the items of the PHQ-9, in points.

    The GAD-7 baseline is that of the IM network (12.8, SD 5.7). A MADRS of 31.5 stands beside a
    PHQ-9 of 18.5 in enTRD; its slope of 2 makes response commoner on it than on the PHQ-9, as in
    SUSTAIN-3.
    """

    gad7_share: float = 0.75
    gad7_intercept: float = 3.4
    gad7_slope: float = 0.55
    gad7_person_sd: float = 5.0
    gad7_anxiety: float = 2.0
    gad7_error_sd: float = 2.0
    madrs_people: float = 0.28
    madrs_share: float = 0.4
    madrs_intercept: float = -5.5
    madrs_slope: float = 2.0
    madrs_error_sd: float = 3.5
    incomplete: float = 0.015
    item_person_sd: float = 0.8
    item_weight: tuple[float, ...] = (0.2, 0.4, 0.4, 0.6, 0.0, 0.2, 0.1, -0.7)
    # How much less item 1 is endorsed just after session 1, and the days in which that wears off.
    interest_lead: float = 1.0
    interest_lead_days: float = 21.0
    suicidality_intercept: float = -1.72
    suicidality_slope: float = 0.095
    suicidality_person_sd: float = 1.0
    suicidality_error_sd: float = 0.45
    suicidality_step: float = 0.9


@dataclass(frozen=True, slots=True)
class RouteDetail:
    """One route: dose, what share of it acts, dissociation, length, price.

    Parameters
    ----------
    drug : str
        Ketamine or esketamine.
    per_kg : bool
        Whether dose counts per kg of body weight.
    start, step, usual_most, most_sd, rounded_to : float
        First dose, rise per session, mean and SD of a person's own highest dose, rounding; mg/kg or
        mg (rounding always mg).
    acts : float
        Share that acts as if given IV.
    dissociation_first, dissociation_later : float
        Chance at session 1, and the chance it falls to.
    minutes, price : int
        Usual length, and what the patient pays.
    monitored : float
        Share of sessions with vital signs (sublingual: mostly at home).
    """

    drug: str
    per_kg: bool
    start: float
    step: float
    usual_most: float
    most_sd: float
    rounded_to: float
    acts: float
    dissociation_first: float
    dissociation_later: float
    minutes: int
    price: int
    monitored: float


ROUTES: Final[dict[str, RouteDetail]] = {
    # AJP letter: 53 % start at 0.5 mg/kg, 88 % titrate; MGH: maintenance at 0.91 (SD 0.28) mg/kg;
    # CRTCE: dissociation 35.6 %
    "iv": RouteDetail(
        "ketamine", True, 0.5, 0.1, 0.91, 0.28, 5, 1.0, 0.36, 0.20, 40, 425, 0.97
    ),
    "im": RouteDetail(
        "ketamine", True, 0.5, 0.1, 0.85, 0.25, 5, 0.93, 0.30, 0.16, 60, 350, 0.95
    ),
    "sublingual": RouteDetail(
        "ketamine", False, 150, 50, 300, 60, 50, 0.15, 0.08, 0.05, 60, 180, 0.3
    ),
    "intranasal": RouteDetail(
        "esketamine", False, 56, 28, 84, 0, 28, 0.45, 0.24, 0.13, 120, 95, 0.97
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """Blood pressure in mmHg, rates per session: assumptions, with the per-course rates of CRTCE as
    anchor.
    """

    titrates: float = 0.88
    # mean, SD between people, SD between sessions
    systolic: tuple[float, float, float] = (123.0, 11.0, 6.0)
    diastolic: tuple[float, float, float] = (77.0, 7.0, 4.5)
    rise: float = 6.0
    rise_per_mg_kg: float = 18.0
    rise_sd: float = 8.0
    diastolic_rise: float = 0.5
    hypertension: tuple[int, int] = (165, 100)
    hypertension_noted: float = 0.5
    # share of the first-session excess of dissociation left after each session
    settles: float = 0.6
    # gamma shape and scale with dissociation noted
    cadss_with: tuple[float, float] = (2.2, 12.0)
    cadss_without: tuple[float, float] = (1.0, 3.5)
    unrecorded: float = 0.05
    stopped_early: float = 0.0025
    stopped_after_hard: float = 0.1
    serious: float = 0.0006
    rates: tuple[tuple[str, float], ...] = (
        ("nausea", 0.088),
        ("vomiting", 0.02),
        ("dizziness", 0.13),
        ("headache", 0.06),
        ("sedation", 0.08),
        ("anxiety", 0.03),
        ("palpitations", 0.01),
        ("blurred_vision", 0.02),
        ("urinary", 0.003),
        ("other", 0.01),
    )
    hard_factor: float = 6.0
    dysgeusia_intranasal: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedHarms:
    """What labels ask clinics to watch: chances per session, all assumptions."""

    takes_benzodiazepine: float = 0.18
    benzodiazepine_that_day: float = 0.7
    sedated: float = 0.1
    sedated_per_mg_kg: float = 0.3
    sedated_with_benzodiazepine: float = 0.15
    # one step below awake, two, three; never without any response
    depths: tuple[float, ...] = (0.88, 0.1, 0.02)
    prone_shape: float = 0.3
    bladder: float = 0.004
    bladder_per_session: float = 0.0025
    cognition: float = 0.02
    # mild, moderate, severe
    grades: tuple[float, ...] = (0.78, 0.19, 0.03)
    # none, mania, psychosis, both
    mania_psychosis: tuple[float, ...] = (0.9975, 0.0015, 0.001, 0.0)
    misuse: float = 0.002
    missed: float = 0.04
    asked: float = 0.88


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """How intervals were planned against those that were kept: assumptions."""

    late: float = 0.16
    early: float = 0.05
    # share of the interval by which a session was late or early
    off: tuple[float, float] = (0.3, 0.6)
    written: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Happenings:
    """Events beside sessions: rates per year of observation, shares 0 to 1."""

    medication_change: float = 0.7
    tms: float = 0.02
    ect: float = 0.01
    hospitalisation: float = 0.05
    suicide_attempt: float = 0.006
    lost_after_silent_stop: float = 0.5
    lost_noted_after: tuple[int, int] = (30, 75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """All of it, one value."""

    characteristics: Characteristics = Characteristics()
    scales: OtherScales = OtherScales()
    safety: Safety = Safety()
    watched: WatchedHarms = WatchedHarms()
    plans: Plans = Plans()
    happenings: Happenings = Happenings()


DETAIL: Final = Detail()
