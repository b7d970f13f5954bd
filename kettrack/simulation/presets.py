"""Every clinic by name: the one behind `data/sample`, and those on which methods are tried.

Sources by key: McInnes 2022 (J Affect Disord 301:486), Pfeiffer 2024 (VA clinics), Sakurai 2020
(MGH), Alnefeesi 2022 (meta-analysis of real-world cohorts), Phillips 2019, Zheng 2019. A number
without a key is an assumption, chosen so that the targets of `calibration` are met together;
`calibration` prints how near they are.

Each scenario for the trials of the methods asks one question, so that what goes wrong has one
reason. It has twelve weekly sessions and a score every week, also after stopping, unless it says
otherwise. There are three ways of stopping: the well stop, those who are not helped leave, or
chance decides. The names A ... J are used in every table that compares estimators.
"""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Final, Literal

from kettrack.simulation.parameters import (
    REASON_CODE,
    Extras,
    LostFinal,
    NaturalCourse,
    Parameters,
    ResponseLoss,
    Schedule,
    Scoring,
    Screening,
    SessionEffect,
    Site,
    Sparser,
    StopRule,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK

LAST_SESSION_DAY: Final = 77  # the twelfth weekly session
WEEK_26_DAY: Final = 26 * DAYS_IN_WEEK
# Ten weeks more: every log is complete for 60 days after the last session, so that people who
# stopped can be told from people who go on.
SEEN_LONG_TO: Final = WEEK_26_DAY + 10 * DAYS_IN_WEEK
# A logit at which nobody answers.
_NEVER: Final = -99.0

# ---- clinics on which methods are tried

# Strong enough to put a curve that censors stoppers off by three points where the well stop, and
# by six where those who are not helped leave; the trials hold the curves to that.
_WELL: Final = StopRule(reason="well", alpha=-1.2, beta=0.6)
_ILL: Final = StopRule(reason="not_helped", alpha=-1.5, beta=0.5, who="ill", pivot=12.0)
_NO_EFFECT: Final = SessionEffect(per_session=0.0)

A: Final = Parameters(
    name="A", about="weekly sessions that help; people stop when well", stops=(_WELL,)
)
B: Final = replace(
    A, name="B", about="as A, but sessions do nothing", effect=_NO_EFFECT
)
C: Final = Parameters(
    name="C",
    about="sessions do nothing; people stop when ill",
    stops=(_ILL,),
    effect=_NO_EFFECT,
)
D: Final = replace(C, name="D", about="as C, but sessions help", effect=SessionEffect())
E: Final = Parameters(
    name="E",
    about="sessions help; people stop by chance",
    stops=(StopRule(reason="other", alpha=-1.8),),
)
F: Final = replace(
    B,
    name="F",
    about="as B, with a reason to stop nobody measured",
    stops=(replace(_WELL, unmeasured=1.0),),
)
G: Final = replace(
    A,
    name="G",
    about=(
        "as A; a quarter of the final scores is missing at random given the last score on"
        " treatment"
    ),
    extras=Extras(lost_final=LostFinal(missing=0.25)),
)
H: Final = replace(
    A,
    name="H",
    about="as A; a score looks back two weeks, as the PHQ-9 does",
    extras=Extras(two_week_recall=True),
)
I: Final = replace(  # noqa: E741 - the letter is the name of the scenario
    A,
    name="I",
    about="as A, stopping nearly decided by the score",
    stops=(replace(_WELL, beta=1.2),),
)


def _at_visits(share: float) -> Parameters:
    """As A, but the week's score is taken at the next visit before the session; who has stopped
    answers with chance `share`.
    """
    answers = log(share / (1 - share)) if share else _NEVER
    return replace(
        A,
        name=f"J{round(100 * share)}",
        about=(
            f"as A, scored at visits before the session; away from visits {share:.0%} of the"
            " weekly scores are answered"
        ),
        # the first score is that of the first visit
        screening=Screening(earliest_day=0, latest_day=0),
        scoring=Scoring(at_visits=1.0, timing=(1.0, 0.0, 0.0), answers=answers),
        last_day=LAST_SESSION_DAY + 2 * DAYS_IN_WEEK,
    )


CAPPED: Final = replace(
    A,
    name="capped",
    about=(
        "as A, but the course is planned to end after 6 sessions for everybody; weekly scores to"
        " week 26"
    ),
    schedule=Schedule(planned=((6, 1.0),)),
    last_day=WEEK_26_DAY,
    seen_to_day=SEEN_LONG_TO,
)
DURABILITY: Final = replace(
    CAPPED,
    name="durability",
    about=(
        "everybody has the 6 sessions that were planned and none after them; weekly scores to"
        " week 26"
    ),
    stops=(),
)
IRREGULAR: Final = replace(
    A,
    name="irregular",
    about=(
        "as A, with visits 3 to 21 days apart and scores at most visits and now and then from home"
    ),
    schedule=Schedule(
        gaps=(
            (3, 0.1),
            (5, 0.15),
            (7, 0.35),
            (9, 0.15),
            (11, 0.1),
            (14, 0.1),
            (21, 0.05),
        )
    ),
    screening=Screening(earliest_day=-10, latest_day=0),
    scoring=Scoring(
        at_visits=0.75,
        timing=(0.7, 0.2, 0.1),
        remote_first=(4, 10),
        remote_jitter=3,
        answers=0.4,
        answers_sd=0.8,
        quiet_days=2,
    ),
    last_day=WEEK_26_DAY,
    seen_to_day=SEEN_LONG_TO,
)
CLINICS: Final = replace(
    A,
    name="clinics",
    about="as A, in six clinics whose patients and stopping differ",
    extras=Extras(
        sites=(
            Site(name="K1", share=0.3, level_shift=-2.0, stop_shift=0.6),
            Site(name="K2", share=0.2, level_shift=-1.0, stop_shift=-0.4),
            Site(name="K3", share=0.2),
            Site(name="K4", share=0.1, level_shift=1.0, stop_shift=0.8),
            Site(name="K5", share=0.1, level_shift=2.0, stop_shift=-0.8),
            Site(name="K6", share=0.1, level_shift=3.0, stop_shift=0.2),
        )
    ),
)
MAINTENANCE: Final = Parameters(
    name="maintenance",
    about=(
        "after 6 sessions a response is held and then lost at a constant rate; maintenance sessions"
        " put that off"
    ),
    natural=NaturalCourse(
        start_mean=17.0, start_sd=1.5, level_mean=17.0, level_sd=1.0, shock_sd=0.5
    ),
    # Far from the line of response before and after the loss; nearly alike in all people, and
    # without fading, so that only the loss itself moves a score across the line.
    effect=SessionEffect(per_session=2.2, shape=200.0, keep=1.0),
    stops=(StopRule(reason="cost", alpha=-3.0, phases=("maintenance",)),),
    schedule=Schedule(
        planned=((6, 1.0),),
        goes_on=0.5,
        maintenance_gaps=(14, 21, 56),
        gap_spread=0.15,
        longest_gap=(14, 56),
    ),
    # half the usual error: a score tells whether the response is lost
    scoring=Scoring(error_sd=1.0),
    extras=Extras(
        held=ResponseLoss(from_session=6, protected_days=14, half_life_days=56.0)
    ),
    last_day=364,
    seen_to_day=434,
)
SIDE_EFFECTS: Final = replace(
    A,
    name="side-effects",
    about="as A; one session in twelve is tolerated badly, and half of those people stop for it",
    schedule=Schedule(hard_session=1 / 12, leaves_after_hard=0.5),
)
SILENT: Final = replace(
    A,
    name="silent",
    about="as A, but nobody is ever scored again after the last session",
    scoring=Scoring(silent_after_stop=tuple((reason, 1.0) for reason in REASON_CODE)),
)
RETURNS: Final = replace(
    E,
    name="returns",
    about=(
        "as E; half of the scores that show a lost response bring people who had stopped back for"
        " three sessions"
    ),
    schedule=Schedule(returns=0.5, retreat_sessions=3),
)
STEERED: Final = replace(
    A,
    name="steered",
    about=(
        "as A, but scored at home between sessions, when people who feel well call off the"
        " next one"
    ),
    # decided at the score between two sessions, which the score at the session does not tell
    stops=(replace(_WELL, beta=0.8, between=True),),
    scoring=Scoring(remote_first=(4, 4)),
    last_day=LAST_SESSION_DAY + 4 * DAYS_IN_WEEK,
)
STEERED_NULL: Final = replace(
    STEERED,
    name="steered-null",
    about="as steered, but sessions do nothing",
    effect=_NO_EFFECT,
)

# ---- the clinic behind `data/sample`

CLINIC: Final = Parameters(
    name="clinic",
    about=(
        "a synthetic ketamine clinic over 18 months: induction, maintenance, re-induction, people"
        " who stop for many reasons"
    ),
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
# The same treatment in a clinic that asks everybody for a score every week, and goes on asking
# after the last session. More people stop for reasons that their scores do not tell, as where
# people pay themselves: only they make "stop after" a question that data can answer.
_STOPS_BY_CHANCE: Final = tuple(
    StopRule(reason=reason, alpha=alpha, phases=("induction",))
    for reason, alpha in (("cost", -3.7), ("access", -4.6), ("other", -4.9))
)
MEASURED: Final = replace(
    CLINIC,
    name="measured",
    about="the clinic of the sample: as clinic, with a score every week, also after stopping",
    screening=replace(CLINIC.screening, earliest_day=-21),
    stops=(*CLINIC.stops, *_STOPS_BY_CHANCE),
    schedule=replace(
        CLINIC.schedule, planned=((4, 0.3), (6, 0.45), (8, 0.25)), goes_on=0.7
    ),
    scoring=replace(
        CLINIC.scoring,
        remote_first=(7, 7),
        remote_interval=DAYS_IN_WEEK,
        remote_jitter=1,
        sparser=Sparser(from_day=126, interval=28),
        answers=1.8,
        answers_sd=1.0,
        quiet_days=2,
        never_scored=0.01,
        silent_after_stop=(
            ("", 0.1),
            ("well", 0.12),
            ("not_helped", 0.25),
            ("side_effects", 0.25),
            ("cost", 0.2),
            ("access", 0.2),
            ("moved", 0.4),
            ("other", 0.25),
            ("unknown", 0.5),
        ),
    ),
)
CLINIC_NULL: Final = replace(
    CLINIC,
    name="clinic-null",
    about="the same clinic with sessions that do nothing",
    effect=replace(CLINIC.effect, per_session=0.0),
)

SCENARIOS: Final[dict[str, Parameters]] = {
    parameters.name: parameters
    for parameters in (
        A,
        B,
        C,
        D,
        E,
        F,
        G,
        H,
        I,
        *map(_at_visits, (0.0, 0.3, 0.7)),
        CAPPED,
        DURABILITY,
        IRREGULAR,
        CLINICS,
        MAINTENANCE,
        SIDE_EFFECTS,
        SILENT,
        RETURNS,
        STEERED,
        STEERED_NULL,
        CLINIC,
        CLINIC_NULL,
        MEASURED,
    )
}

TruthKind = Literal[
    "stop_after",
    "usual_pair",
    "at_most",
    "usual_care",
    "response",
    "seen_response",
    "one_more_session",
    "going_on",
    "durability",
]
_COURSE: Final[tuple[TruthKind, ...]] = ("response", "seen_response")
_WEEKLY: Final[tuple[TruthKind, ...]] = ("stop_after", *_COURSE, "one_more_session")
# Not every question makes sense in every clinic. The order stands in the fingerprints.
TRUTH_KINDS: Final[dict[str, tuple[TruthKind, ...]]] = {
    **dict.fromkeys(
        ("B", "C", "D", "F", "G", "H", "I", "clinics", "side-effects", "silent"),
        _WEEKLY,
    ),
    **dict.fromkeys(("A", "E"), (*_WEEKLY, "at_most")),
    **dict.fromkeys(("J0", "J30", "J70"), _COURSE),
    "irregular": (*_COURSE, "going_on"),
    "returns": ("stop_after", "usual_care"),
    **dict.fromkeys(("steered", "steered-null"), ("going_on",)),
    "measured": ("going_on", "usual_pair"),
    **dict.fromkeys(("capped", "durability", "maintenance"), (*_COURSE, "durability")),
}
