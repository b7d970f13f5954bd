"""Every column of every table that comes in: the only place that defines them.

The loader, the data dictionary, `datapackage.json` and the error texts are generated from these
values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kettrack.vocabulary.instruments import CADSS, INSTRUMENTS
from kettrack.vocabulary.units import with_unit

ColumnKind = Literal["text", "whole", "decimal", "yes_no", "choice", "choices"]
ColumnRole = Literal["id", "time", "measure", "demographic", "label"]

# Ten years to each side of the first session: a day beyond them is a slip or a calendar date.
EARLIEST_DAY: Final = -3650
LATEST_DAY: Final = 3650
# People older than 89 are few enough to be known by their age (HIPAA Safe Harbor).
AGE_CAP: Final = 90
# Item columns are there for the longest built-in scale.
MOST_ITEMS: Final = max(scale.n_items for scale in INSTRUMENTS.values())


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the reader expects it.

    Parameters
    ----------
    name : str
        As it stands in the file's first line.
    kind : {"text", "whole", "decimal", "yes_no", "choice", "choices"}
        How a cell is read; `choices` is a list joined by `;`.
    about : str
        One line for the data dictionary.
    unit : str
        Empty where there is none.
    low, high : float or None
        Range, both ends included.
    allowed : tuple of str
        The closed list of a `choice` or `choices` column.
    role : {"id", "time", "measure", "demographic", "label"}
        What disclosure control and the dictionary take it for.
    required : bool
        Whether the column must be there and no cell may be empty.
    """

    name: str
    kind: ColumnKind
    about: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] = ()
    role: ColumnRole = "measure"
    required: bool = False

    @property
    def expected(self) -> str:
        """What a cell should look like, for error texts, as in `a whole number of days, 0 to 9`."""
        allowed = ", ".join(self.allowed)
        if self.kind == "choice":
            return f"one of: {allowed}"
        if self.kind == "choices":
            return f"one or more of, joined by ';': {allowed}"
        if self.kind == "yes_no":
            return "true or false"
        if self.kind == "text":
            return "a study code"
        kind = "a whole number" if self.kind == "whole" else "a number"
        what = with_unit(kind, self.unit)
        # Such a column has its range elsewhere: that of a score is its instrument's.
        if self.low is None or self.high is None:
            return what
        return f"{what}, {self.low:.9g} to {self.high:.9g}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table that comes in.

    Parameters
    ----------
    name : str
        File name without ending.
    grain : str
        What one row is.
    columns : tuple of Column
        In the order in which kettrack writes them.
    key : tuple of str
        Columns that tell rows apart.
    required : bool
        Whether a cohort folder must hold it.
    """

    name: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    required: bool = False

    def __getitem__(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)


# The closed lists. A value that is not in its list is a problem with the line it stands in, never
# a new category. `other` and `unknown` differ: the one was recorded, the other was not.
DRUGS: Final = ("ketamine", "esketamine", "placebo")
ROUTES: Final = ("iv", "im", "sc", "sublingual", "intranasal", "oral")
ADVERSE_EVENTS: Final = (
    "none",
    "dissociation",
    "nausea",
    "vomiting",
    "dizziness",
    "headache",
    "sedation",
    "anxiety",
    "hypertension",
    "palpitations",
    "blurred_vision",
    "urinary",
    "dysgeusia",
    "other",
)
# How bad symptoms are that build up over many sessions, as a clinician would write it down.
SYMPTOM_GRADES: Final = ("none", "mild", "moderate", "severe")
MANIA_PSYCHOSIS: Final = ("none", "mania", "psychosis", "both")
STOP_REASONS: Final = (
    "well",
    "not_helped",
    "side_effects",
    "cost",
    "access",
    "moved",
    "other",
    "unknown",
)
EVENTS: Final = (
    "hospitalisation",
    "suicide_attempt",
    "suicide",
    "death",
    "ect",
    "tms",
    "medication_change",
    "lost_to_follow_up",
    "adverse_event",
)
# Those that end a log.
DEATHS: Final = ("death", "suicide")
EVENT_DETAILS: Final = (
    "worsening",
    "prevention",
    "other_psychiatric",
    "medical",
    "started",
    "stopped",
    "dose_up",
    "dose_down",
    "switched",
    "other",
)
SEXES: Final = ("female", "male", "other", "unknown")
ETHNICITIES: Final = (
    "asian",
    "black",
    "hispanic",
    "mixed",
    "native",
    "white",
    "other",
    "unknown",
)
DIAGNOSES: Final = (
    "major_depression",
    "bipolar",
    "ptsd",
    "anxiety",
    "other",
    "unknown",
)
TIMINGS: Final = ("before", "after", "unknown")

_ID = Column(
    "patient_id",
    "text",
    "the patient's study code, not made from anything that identifies",
    role="id",
    required=True,
)
_DAY = Column(
    "day",
    "whole",
    "day on the patient's own clock; day 0 is the first session",
    "days",
    EARLIEST_DAY,
    LATEST_DAY,
    role="time",
    required=True,
)


def _patient_day(name: str, about: str) -> Column:
    return Column(name, "whole", about, "days", EARLIEST_DAY, LATEST_DAY, role="time")


def _vital(name: str, about: str, unit: str, low: float, high: float) -> Column:
    return Column(name, "whole", about, unit, low, high)


# What the labels of esketamine and ketamine ask clinics to watch. Last, so that the columns before
# them keep their places.
_ASKED: Final = (
    Column(
        "moaas_lowest",
        "whole",
        "lowest MOAA/S during the session: 5 = awake, 0 = no response",
        "points",
        0,
        5,
    ),
    Column(
        "bladder",
        "choice",
        "bladder symptoms since the session before",
        allowed=SYMPTOM_GRADES,
        role="label",
    ),
    Column(
        "cognition",
        "choice",
        "problems with memory or thinking since the session before",
        allowed=SYMPTOM_GRADES,
        role="label",
    ),
    Column(
        "mania_psychosis",
        "choice",
        "signs of mania or psychosis at or since the session before",
        allowed=MANIA_PSYCHOSIS,
        role="label",
    ),
    Column(
        "misuse_concern",
        "yes_no",
        "concern that the drug, or another one, is misused",
        role="label",
    ),
    Column(
        "benzodiazepine",
        "yes_no",
        "a benzodiazepine on the day of the session",
        role="label",
    ),
    # An appointment that nobody kept is no session, so it is counted at the next one.
    Column(
        "no_shows_before",
        "whole",
        "appointments missed without notice since the session before",
        "",
        0,
        50,
    ),
    Column(
        "planned_next_days",
        "whole",
        "days to the next session, as planned at this one",
        "days",
        1,
        730,
    ),
)

SESSIONS: Final = Table(
    "sessions",
    "one row per patient and session",
    (
        _ID,
        _DAY,
        Column(
            # May be empty: sessions of one day are then numbered in the order of the file.
            "order",
            "whole",
            "order of sessions within a day",
            "",
            1,
            20,
            role="time",
        ),
        Column("drug", "choice", "what was given", allowed=DRUGS, role="label"),
        Column("route", "choice", "how it was given", allowed=ROUTES, role="label"),
        # In mg, never in mg per kg: with the weight beside it both can be told.
        Column("dose_mg", "decimal", "dose", "mg", 0, 2000),
        Column("weight_kg", "decimal", "body weight", "kg", 20, 350),
        Column("duration_min", "whole", "length of administration", "min", 0, 600),
        Column(
            "psychotherapy", "yes_no", "psychotherapy with this session", role="label"
        ),
        *(
            _vital(
                f"{kind}_{when}", f"{kind} blood pressure, {words}", "mmHg", low, high
            )
            for kind, low, high in (("systolic", 60, 300), ("diastolic", 30, 200))
            for when, words in (
                ("before", "before the session"),
                ("peak", "highest"),
                ("after", "after the session"),
            )
        ),
        _vital("heart_rate_before", "heart rate before the session", "/min", 25, 250),
        _vital("heart_rate_peak", "highest heart rate", "/min", 25, 250),
        _vital("spo2_min", "lowest oxygen saturation", "%", 40, 100),
        Column(
            "dissociation",
            "whole",
            # A column of the session, since it is rated during it; as a score it would need a time.
            f"{CADSS.name} total during the session",
            "points",
            CADSS.minimum,
            CADSS.maximum,
        ),
        Column(
            "adverse_events",
            "choices",
            "adverse events of the session",
            allowed=ADVERSE_EVENTS,
            role="label",
        ),
        Column("serious", "yes_no", "a serious adverse event", role="label"),
        Column(
            "stopped_early", "yes_no", "the administration was broken off", role="label"
        ),
        Column(
            "cost",
            "decimal",
            "what the session cost the patient",
            "currency of kettrack.toml",
            0,
            1_000_000,
        ),
        *_ASKED,
    ),
    key=("patient_id", "day", "order"),
    required=True,
)

SCORES: Final = Table(
    "scores",
    "one row per patient, instrument, day and timing",
    (
        _ID,
        _DAY,
        Column("instrument", "text", "name of the scale", role="label", required=True),
        # No range here: every instrument has its own.
        Column("score", "decimal", "total of the scale; empty = incomplete", "points"),
        Column(
            "timing",
            "choice",
            "relative to a session on that day; unknown counts as before",
            allowed=TIMINGS,
            role="time",
        ),
        *(
            # 0 to 6 holds the items of every scale; the instrument narrows it.
            Column(f"item_{i}", "whole", f"answer to item {i}", "points", 0, 6)
            for i in range(1, MOST_ITEMS + 1)
        ),
    ),
    key=("patient_id", "instrument", "day", "timing"),
    required=True,
)

PATIENTS: Final = Table(
    "patients",
    "one row per patient",
    (
        _ID,
        Column(
            "age",
            "whole",
            "age at the first session; 90+ is read as 90",
            "years",
            0,
            AGE_CAP,
            role="demographic",
        ),
        Column("sex", "choice", "sex", allowed=SEXES, role="demographic"),
        Column(
            "ethnicity", "choice", "ethnicity", allowed=ETHNICITIES, role="demographic"
        ),
        Column("site", "text", "code of the clinic", role="demographic"),
        Column(
            "diagnosis",
            "choice",
            "main diagnosis",
            allowed=DIAGNOSES,
            role="demographic",
        ),
        Column(
            "failed_antidepressants",
            "whole",
            "antidepressants that had not helped",
            "",
            0,
            40,
            role="demographic",
        ),
        Column(
            "prior_sessions",
            "whole",
            "sessions before the first recorded one",
            "sessions",
            0,
            500,
            role="demographic",
        ),
        Column(
            "planned_sessions",
            "whole",
            "planned length of the first course",
            "sessions",
            1,
            100,
            role="demographic",
        ),
        Column("anxiety", "yes_no", "an anxiety disorder as well", role="demographic"),
        Column("ptsd", "yes_no", "PTSD as well", role="demographic"),
        Column(
            "substance_use",
            "yes_no",
            "a substance use disorder as well",
            role="demographic",
        ),
        Column(
            "psychotherapy", "yes_no", "psychotherapy alongside", role="demographic"
        ),
        Column(
            "start_year",
            "whole",
            "calendar year of the first session",
            "",
            1990,
            2100,
            role="demographic",
        ),
        _patient_day(
            # In whole weeks, so that the day does not tell the date of the extract.
            "observed_to_day",
            "last day to which the log is complete; whole weeks",
        ),
        # May lie before the end of the log: the patient may be unheard of since.
        _patient_day("last_contact_day", "last day anything is known of the patient"),
        _patient_day("stop_day", "day on which treatment was ended"),
        Column(
            "stop_reason",
            "choice",
            "why treatment ended",
            allowed=STOP_REASONS,
            role="label",
        ),
    ),
    key=("patient_id",),
)

EVENT_ROWS: Final = Table(
    "events",
    "one row per patient and event",
    (
        _ID,
        _DAY,
        Column(
            "event",
            "choice",
            "what happened",
            allowed=EVENTS,
            role="label",
            required=True,
        ),
        Column(
            "detail", "choice", "what it was about", allowed=EVENT_DETAILS, role="label"
        ),
    ),
    # Two medication changes on one day differ by their detail.
    key=("patient_id", "day", "event", "detail"),
)

TABLES: Final[dict[str, Table]] = {
    table.name: table for table in (SESSIONS, SCORES, PATIENTS, EVENT_ROWS)
}
