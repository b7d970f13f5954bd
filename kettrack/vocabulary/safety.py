"""What is looked at for safety: phases of treatment, adverse events by their usual terms, limits of
blood pressure and oxygen, dose bands, and what others have published.

A cut-off names its publication. One without a publication is kettrack's own convention, and every
output that uses it says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kettrack.vocabulary.instrument import Standing

# ---- phases


@dataclass(frozen=True, slots=True)
class TreatmentPhase:
    """A stretch of session numbers.

    Parameters
    ----------
    key : str
        Short name.
    words : str
        As a reader sees it.
    first, last : int
        Session numbers, both included; `last` is 0 where it is open.
    """

    key: str
    words: str
    first: int
    last: int = 0


# Induction, early and late maintenance as the esketamine REMS reports them (see `REMS`).
PHASES: Final = (
    TreatmentPhase("induction", "sessions 1 to 8", 1, 8),
    TreatmentPhase("early_maintenance", "sessions 9 to 12", 9, 12),
    TreatmentPhase("late_maintenance", "sessions 13 and later", 13),
)
# People who had sessions before the log begins: nobody knows the number of a session.
TREATED_BEFORE: Final = "treated before the log begins"


# ---- adverse events


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTerm:
    """How an adverse event is called.

    Parameters
    ----------
    key : str
        As in the column `adverse_events`, or name of a column.
    words : str
        As a reader sees it.
    term : str
        Term in the style of MedDRA; kettrack does not hold MedDRA itself.
    special : bool
        An adverse event of special interest: those that the esketamine label warns of.
    """

    key: str
    words: str
    term: str
    special: bool = False


ANY_EVENT: Final = "any"
SERIOUS: Final = "serious"
STOPPED_EARLY: Final = "stopped_early"
EVENT_TERMS: Final = (
    EventTerm(key=ANY_EVENT, words="any adverse event", term=""),
    EventTerm(
        key="dissociation", words="dissociation", term="Dissociation", special=True
    ),
    EventTerm(key="sedation", words="sedation", term="Sedation", special=True),
    EventTerm(
        key="hypertension",
        words="high blood pressure, noted as an event",
        term="Blood pressure increased",
        special=True,
    ),
    EventTerm(key="nausea", words="nausea", term="Nausea"),
    EventTerm(key="vomiting", words="vomiting", term="Vomiting"),
    EventTerm(key="dizziness", words="dizziness", term="Dizziness"),
    EventTerm(key="headache", words="headache", term="Headache"),
    EventTerm(key="anxiety", words="anxiety", term="Anxiety"),
    EventTerm(key="palpitations", words="palpitations", term="Palpitations"),
    EventTerm(key="blurred_vision", words="blurred vision", term="Vision blurred"),
    EventTerm(
        key="urinary",
        words="urinary symptoms",
        term="Lower urinary tract symptoms",
        special=True,
    ),
    EventTerm(key="dysgeusia", words="bad taste", term="Dysgeusia"),
    EventTerm(key="other", words="another event", term=""),
    EventTerm(key=SERIOUS, words="serious adverse event", term="Serious adverse event"),
    EventTerm(
        key=STOPPED_EARLY, words="administration stopped early", term="Drug interrupted"
    ),
)


# ---- what labels ask clinics to watch


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTerm:
    """Something that a clinic asks about at each session, in a column of its own.

    Parameters
    ----------
    key : str
        Short name.
    words : str
        As a reader sees it.
    column : str
        Of sessions.csv.
    answers : tuple of str
        Answers that count, of a choice; empty for a number or a yes.
    at_most, at_least : float or None
        Numbers that count; neither for a choice or a yes.
    source : str
        Where the cut comes from; empty for a convention.
    """

    key: str
    words: str
    column: str
    answers: tuple[str, ...] = ()
    at_most: float | None = None
    at_least: float | None = None
    source: str = ""


_MOAAS: Final = (
    "mild sedation is a MOAA/S of 4, moderate or more is below 4: Janssen medical information on"
    " esketamine, 2024"
)
_ANY_GRADE: Final = ("mild", "moderate", "severe")
_BAD_GRADE: Final = ("moderate", "severe")
# The warnings of the esketamine label, sections 5.1 to 5.9, and mania.
ASKED_TERMS: Final = (
    AskedTerm(
        key="sedated",
        words="sedation of any degree (MOAA/S below 5)",
        column="moaas_lowest",
        at_most=4,
        source=_MOAAS,
    ),
    AskedTerm(
        key="sedated_moderate",
        words="moderate sedation or more (MOAA/S below 4)",
        column="moaas_lowest",
        at_most=3,
        source=_MOAAS,
    ),
    AskedTerm(
        key="unconscious",
        words="loss of consciousness (MOAA/S of 0)",
        column="moaas_lowest",
        at_most=0,
        source="esketamine label, sedation, section 5.1: 0.3 % of people",
    ),
    AskedTerm(
        key="bladder_any",
        words="bladder symptoms",
        column="bladder",
        answers=_ANY_GRADE,
    ),
    AskedTerm(
        key="bladder_bad",
        words="bladder symptoms, moderate or severe",
        column="bladder",
        answers=_BAD_GRADE,
    ),
    AskedTerm(
        key="cognition_any",
        words="problems with memory or thinking",
        column="cognition",
        answers=_ANY_GRADE,
    ),
    AskedTerm(
        key="cognition_bad",
        words="problems with memory or thinking, moderate or severe",
        column="cognition",
        answers=_BAD_GRADE,
    ),
    AskedTerm(
        key="mania",
        words="signs of mania",
        column="mania_psychosis",
        answers=("mania", "both"),
    ),
    AskedTerm(
        key="psychosis",
        words="signs of psychosis",
        column="mania_psychosis",
        answers=("psychosis", "both"),
    ),
    AskedTerm(
        key="misuse_concern",
        words="concern about misuse",
        column="misuse_concern",
    ),
    AskedTerm(
        key="benzodiazepine",
        words="a benzodiazepine on the day",
        column="benzodiazepine",
    ),
    AskedTerm(
        key="no_show",
        words="an appointment missed without notice since the session before",
        column="no_shows_before",
        at_least=1,
    ),
)


# ---- limits


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalLimit:
    """A limit that a vital sign reaches or not.

    Parameters
    ----------
    key : str
        Short name.
    words : str
        As a reader sees it.
    systolic, diastolic : float or None
        mmHg from which it is reached; either of the two is enough.
    rise : bool
        Whether it counts the rise from before to the peak.
    oxygen : float or None
        Lowest saturation in % that is still inside.
    source : str
        Publication; empty for a convention.
    standing : str
        `verified` or `convention`.
    """

    key: str
    words: str
    systolic: float | None = None
    diastolic: float | None = None
    rise: bool = False
    oxygen: float | None = None
    source: str = ""
    standing: Standing = "verified"


_LABEL: Final = "esketamine label, increases in blood pressure, section 6.1"
VITAL_LIMITS: Final = (
    VitalLimit(
        key="rise_20",
        words="systolic pressure up by 20 mmHg or more",
        systolic=20,
        rise=True,
        standing="convention",
    ),
    VitalLimit(
        key="rise_40_25",
        words="pressure up by 40 mmHg systolic or 25 mmHg diastolic",
        systolic=40,
        diastolic=25,
        rise=True,
        source=_LABEL,
    ),
    VitalLimit(
        key="peak_165_100",
        words="pressure of 165/100 mmHg or more",
        systolic=165,
        diastolic=100,
        source="Rodrigues 2020 (CRTCE)",
    ),
    VitalLimit(
        key="peak_180_110",
        words="pressure of 180/110 mmHg or more",
        systolic=180,
        diastolic=110,
        source=_LABEL,
    ),
    VitalLimit(
        key="oxygen_90",
        words="oxygen saturation below 90 %",
        oxygen=90,
        standing="convention",
    ),
)

# ---- dose bands

# Upper ends of the bands, the last of them open. 0.5 mg/kg over 40 minutes is the usual infusion.
PER_KG_ENDS: Final = (0.45, 0.55, 0.8, 1.05, 2.05)
# 56 and 84 mg are the doses of intranasal esketamine.
MG_ENDS: Final = (30, 56, 84, 150, 250)

# ---- published rates

RateOf = Literal["sessions", "people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEventRate:
    """How often others saw an adverse event.

    Parameters
    ----------
    event : str
        Key of `EVENT_TERMS`, or of `VITAL_LIMITS`.
    percent : float
        Of sessions, or of people with it at least once.
    of : {"sessions", "people"}
        What it is a share of.
    n : int
        How many of these there were.
    source : str
        Short name with year.
    phase : str
        Key of a phase; empty = the whole treatment.
    at_most : bool
        Whether only an upper end was published.
    """

    event: str
    percent: float
    of: RateOf
    n: int
    source: str
    phase: str = ""
    at_most: bool = False

    @property
    def words(self) -> str:
        """As it stands beside a rate of the clinic."""
        below = "below " if self.at_most else ""
        return f"{below}{self.percent:g} % of {self.n:,} {self.of} ({self.source})"


SAFETY_SOURCES: Final = {
    "REMS 2024": (
        "esketamine REMS, 58 months: Psych Congress 2024 poster,"
        " hmpgloballearningnetwork.com/node/327442"
    ),
    "REMS 2022": (
        "esketamine REMS, first 34 months: Psych Congress 2022 poster 30 (abstract)"
    ),
    "IM 2022": (
        "59 adverse events in 2,532 intramuscular sessions, chart review, BMC Psychiatry 2022,"
        " doi 10.1186/s12888-022-04268-5"
    ),
    "CRTCE 2020": "Rodrigues 2020 (CRTCE), n = 203, courses of about four infusions",
}


def _by_person(phase: str, rates: dict[str, float]) -> tuple[PublishedEventRate, ...]:
    """Shares of people of the esketamine REMS in one phase."""
    return tuple(
        PublishedEventRate(
            event=event,
            percent=percent,
            of="people",
            n=19151,
            source="REMS 2022",
            phase=phase,
        )
        for event, percent in rates.items()
    )


def _by_session(rates: dict[str, float]) -> tuple[PublishedEventRate, ...]:
    """Shares of sessions of the esketamine REMS."""
    return tuple(
        PublishedEventRate(
            event=event,
            percent=percent,
            of="sessions",
            n=1486213,
            source="REMS 2024",
            at_most=event == SERIOUS,
        )
        for event, percent in rates.items()
    )


# Each of them was read in its abstract. They are esketamine, asked for on a form at every session;
# a clinic that writes down what people tell sees less.
REMS: Final = (
    *_by_session(
        {"sedation": 34.7, "dissociation": 41.0, "hypertension": 0.9, SERIOUS: 0.1}
    ),
    *_by_person(
        "induction",
        {"sedation": 61.2, "dissociation": 64.8, "hypertension": 6.9, SERIOUS: 1.6},
    ),
    *_by_person(
        "early_maintenance",
        {"sedation": 50.3, "dissociation": 54.1, "hypertension": 3.3, SERIOUS: 0.5},
    ),
)
# What a chart of intramuscular sessions held; the share is of sessions if each had one event.
OTHER_RATES: Final = (
    PublishedEventRate(
        event=ANY_EVENT, percent=2.3, of="sessions", n=2532, source="IM 2022"
    ),
)
PUBLISHED_EVENT_RATES: Final = (*REMS, *OTHER_RATES)


def published_rate_words(event: str, of: str = "", phase: str = "") -> str:
    """What others published of an event, one after the other; empty where nothing is known.

    Parameters
    ----------
    event : str
        Key of `EVENT_TERMS`.
    of : {"", "sessions", "people"}
        Only shares of these; empty = of either.
    phase : str
        Key of a phase; empty = the whole treatment.

    Examples
    --------
    >>> published_rate_words("dissociation")
    '41 % of 1,486,213 sessions (REMS 2024)'
    """
    there = [
        rate.words
        for rate in PUBLISHED_EVENT_RATES
        if rate.event == event and rate.phase == phase and of in ("", rate.of)
    ]
    return "; ".join(there)
