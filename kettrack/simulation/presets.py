"""The clinic behind `data/sample`, and every parameter set by name; those on which methods are
tried stand in `weekly_presets`.

Sources by key: McInnes 2022 (J Affect Disord 301:486), Pfeiffer 2024 (VA clinics), Sakurai 2020
(MGH), Alnefeesi 2022 (meta-analysis of real-world cohorts), Phillips 2019, Zheng 2019. A number
without a key is an assumption, chosen so that the targets of `calibration` are met together;
`calibration` prints how near they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kettrack.simulation.habits import Schedule, Scoring, StopRule
from kettrack.simulation.parameters import (
    NaturalCourse,
    Parameters,
    Screening,
    SessionEffect,
)
from kettrack.simulation.weekly_presets import TRIALS

CLINIC: Final = Parameters(
    name="clinic",
    about="a synthetic ketamine clinic over 18 months: induction, maintenance, re-induction, people who stop for many reasons",
    natural=NaturalCourse(
        start_mean=18.9,
        start_sd=5.3,
        level_mean=13.0,
        level_sd=6.5,
        reversion=0.4,
        shock_sd=1.0,
    ),
    effect=SessionEffect(per_session=0.55, shape=0.22, keep=0.91, first_factor=3.0),
    screening=Screening(
        lowest=10, exempt=0.5, earliest_day=-14, latest_day=0, unrecorded=0.03
    ),
    stops=(
        StopRule(
            reason="well",
            alpha=-4.6,
            beta=0.7,
            from_session=3,
            phases=("induction", "re-induction"),
        ),
        StopRule(
            reason="not_helped",
            alpha=-4.4,
            beta=0.7,
            who="ill",
            pivot=12,
            from_session=2,
            phases=("induction", "re-induction"),
        ),
        StopRule(reason="well", alpha=-4.0, beta=0.5, phases=("maintenance",)),
        StopRule(
            reason="not_helped",
            alpha=-3.6,
            beta=0.6,
            who="ill",
            pivot=12,
            phases=("maintenance",),
        ),
        StopRule(reason="cost", alpha=-4.4),
        StopRule(reason="access", alpha=-5.0),
        StopRule(reason="moved", alpha=-6.0),
        StopRule(reason="other", alpha=-5.5),
        StopRule(reason="unknown", alpha=-4.6),
    ),
    schedule=Schedule(
        # McInnes: 4 to 8 sessions; most clinics plan 6
        planned=((4, 0.10), (6, 0.75), (8, 0.15)),
        # VA: every 5 days
        gaps=(
            (2, 0.14),
            (3, 0.22),
            (4, 0.18),
            (5, 0.14),
            (6, 0.07),
            (7, 0.17),
            (9, 0.05),
            (14, 0.03),
        ),
        goes_on=0.9,
        goes_on_slope=0.45,
        # VA: every 3-4 weeks by month 5, 18 sessions in a year
        maintenance_gaps=(7, 14, 14, 21, 28, 35),
        gap_spread=0.15,
        longest_gap=(24, 42),
        retreat=0.5,
        returns=0.12,
        hard_session=0.03,
        leaves_after_hard=0.12,
    ),
    scoring=Scoring(
        # two answers without change then differ with SD 2.5; published retest noise is 2 to 2.5
        error_sd=1.75,
        at_visits=0.8,
        timing=(0.84, 0.08, 0.08),
        remote_first=(8, 18),
        remote_interval=14,
        remote_jitter=3,
        answers=-0.1,
        answers_sd=1.1,
        sicker_answers_less=0.05,
        quiet_days=5,
        exit_call=0.45,
        never_scored=0.02,
        followed_less=0.14,
        followed_less_factor=0.6,
        silent_after_stop=(
            ("", 0.25),
            ("well", 0.3),
            ("not_helped", 0.5),
            ("side_effects", 0.5),
            ("cost", 0.4),
            ("access", 0.4),
            ("moved", 0.8),
            ("other", 0.5),
            ("unknown", 0.85),
        ),
    ),
    last_day=547,
    open_days=547,
    detailed=True,
)
CLINIC_NULL: Final = replace(
    CLINIC,
    name="clinic-null",
    about="the same clinic with sessions that do nothing",
    effect=replace(CLINIC.effect, per_session=0.0),
)

SCENARIOS: Final[dict[str, Parameters]] = {
    p.name: p for p in (*TRIALS, CLINIC, CLINIC_NULL)
}
