"""The tables of patients and events, and what is recorded with a PHQ-9 total.

Who people are on paper, why they left as far as was written down, and what else happened; the items
of each total, now and then a GAD-7, and a MADRS in some patients.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints, Objects
from kettrack.simulation.detail import (
    DIAGNOSIS,
    ETHNICITY_OTHERWISE,
    FOLLOWED_LESS_ETHNICITY,
    OPENING_DAY_OF_YEAR,
    OPENING_YEAR,
    SEX,
    SITE,
    Characteristics,
    Happenings,
    OtherScales,
)
from kettrack.simulation.history import History, ScoreLog, last_session_days
from kettrack.simulation.parameters import NOT_STOPPED, PLANNED_END, REASON_CODE
from kettrack.simulation.people import place_of, whole_numbers
from kettrack.vocabulary.columns import STOP_REASONS
from kettrack.vocabulary.instruments import GAD7, MADRS, PHQ9

ITEM_NAMES: Final = tuple(f"item_{i}" for i in range(1, PHQ9.n_items + 1))
HIGHEST_ANSWER: Final = 3
OTHER_ITEMS: Final = PHQ9.n_items - 1  # all but the one on suicidality
INTEREST: Final = 0  # place of the item that moves first: little interest or pleasure
_CHUNK: Final = 100_000  # rows whose items are drawn at once, to keep memory small
DAYS_PER_YEAR: Final = 365
# Columns of the patients table that are answered yes or no.
YES_NO: Final = ("anxiety", "ptsd", "substance_use", "psychotherapy")
Shares = tuple[tuple[str, float], ...]  # name and share
EVENT_DETAIL_SHARES: Final[dict[str, Shares]] = {
    "medication_change": (
        ("started", 0.2),
        ("stopped", 0.2),
        ("dose_up", 0.25),
        ("dose_down", 0.2),
        ("switched", 0.15),
    ),
    "hospitalisation": (
        ("worsening", 0.6),
        ("other_psychiatric", 0.2),
        ("medical", 0.2),
    ),
    "tms": (("started", 1.0),),
    "ect": (("started", 1.0),),
    "suicide_attempt": (("", 1.0),),
}


def draw_names(
    shares: Shares,
    n: int,
    rng: np.random.Generator,
) -> Objects:
    """Draw n names by their shares."""
    names = np.array([name for name, _ in shares], dtype=object)
    return names[place_of(rng.random(n), [share for _, share in shares])]


def draw_characteristics(
    history: History,
    numbers: Characteristics,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per patient: age to start year; a few values are not stated."""
    people = history.people
    n = people.n
    # The order of the draws is part of a seed: drawn in another order, these are other people.
    age = whole_numbers(rng.normal(numbers.age_mean, numbers.age_sd, n))
    otherwise = draw_names(ETHNICITY_OTHERWISE, n, rng)
    ethnicity = np.where(people.followed_less, FOLLOWED_LESS_ETHNICITY, otherwise)
    sex = draw_names(SEX, n, rng)
    site = draw_names(SITE, n, rng)
    diagnosis = draw_names(DIAGNOSIS, n, rng)
    failed = 1 + rng.poisson(numbers.failed_mean - 1, n)
    prior = rng.integers(1, numbers.prior_most + 1, n)
    had_prior = rng.random(n) < numbers.prior
    answers = {
        name: _yes_no(
            getattr(numbers, name),
            numbers,
            n,
            rng,
        )
        for name in YES_NO
    }
    age_unstated = rng.random(n) < numbers.unstated
    in_range = np.clip(age, numbers.age_low, numbers.age_high)
    opened = people.start_day + OPENING_DAY_OF_YEAR
    return pd.DataFrame(
        {
            "age": pd.Series(in_range).astype("Int64").mask(age_unstated),
            "sex": sex,
            "ethnicity": ethnicity,
            "site": site,
            "diagnosis": diagnosis,
            "failed_antidepressants": np.minimum(failed, numbers.failed_most),
            "prior_sessions": np.where(had_prior, prior, 0),
            "planned_sessions": people.planned,
            **answers,
            "start_year": OPENING_YEAR + opened // DAYS_PER_YEAR,
        }
    )


def _yes_no(
    share: float,
    numbers: Characteristics,
    n: int,
    rng: np.random.Generator,
) -> pd.Series:
    """Yes, no, or missing where it is not stated."""
    answer = pd.Series(rng.random(n) < share).astype("boolean")
    return answer.mask(rng.random(n) < numbers.unstated)


def add_endings(
    patients: pd.DataFrame,
    history: History,
    numbers: Characteristics | None,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Add how far the log goes and why treatment ended.

    Parameters
    ----------
    patients : DataFrame
        One row per patient, in the order of the history; the columns are added in place.
    history : History
        The run.
    numbers : Characteristics or None
        How often and how late an end is noted; None: exactly, on the day of the last session.
    rng : numpy.random.Generator
        Stream of the events.

    Returns
    -------
    DataFrame
        The same table with `observed_to_day` `last_contact_day` `stop_day` `stop_reason`.
    """
    n = history.people.n
    seen = history.people.seen_to
    stopped = history.reason != NOT_STOPPED
    # Plain scenarios: the log tells the truth, so that an estimator is tried without this noise.
    if numbers is None:
        noted = stopped & (history.reason != PLANNED_END)
        delay = np.zeros(n, np.int64)
    else:
        noted = stopped & (rng.random(n) < numbers.stop_recorded)
        delay = rng.integers(0, numbers.stop_noted_within + 1, n)
    day = np.minimum(last_session_days(history) + delay, seen)
    last_contact = last_contact_days(history)
    noted_contact = np.where(noted, day, last_contact)
    # `NOT_STOPPED` is -1, and a planned end lies behind the last reason: both find the empty name
    names = np.array([*STOP_REASONS, ""], dtype=object)[history.reason]
    patients["observed_to_day"] = seen
    # A stop that was noted is itself a contact.
    patients["last_contact_day"] = np.maximum(last_contact, noted_contact)
    patients["stop_day"] = pd.Series(day).astype("Int64").where(noted)
    patients["stop_reason"] = pd.Series(names).where(noted & (names != ""))
    return patients


def last_contact_days(history: History) -> Ints:
    """Day of the last session or score of each patient."""
    last = last_session_days(history)
    np.maximum.at(last, history.scores.who, history.scores.day)
    return last


def draw_events(
    history: History,
    serious: Bools,
    numbers: Happenings,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What happened beside the sessions.

    Parameters
    ----------
    history : History
        The run.
    serious : array of bool
        Which sessions had a serious adverse event.
    numbers : Happenings
        Rates per year of observation.
    rng : numpy.random.Generator
        Stream of the events.

    Returns
    -------
    DataFrame
        One row per patient, day and event: `who` (position) `day` `event` `detail`.
    """
    seen = last_contact_days(history)
    years = np.maximum(seen, 0) / DAYS_PER_YEAR
    tables = [_lost_to_follow_up(history, numbers, rng)]
    for event, details in EVENT_DETAIL_SHARES.items():
        rate = getattr(numbers, event)
        who, day = _random_days(rate * years, seen, rng)
        tables.append(
            _rows(
                who,
                day,
                event,
                draw_names(details, len(who), rng),
            )
        )
    sessions = history.sessions
    bad = np.flatnonzero(serious)
    adverse = _rows(
        sessions.who[bad],
        sessions.day[bad],
        "adverse_event",
        "other",
    )
    events = pd.concat([*tables, adverse], ignore_index=True)
    # an event counts once a day
    return events.drop_duplicates(["who", "day", "event"])


def _lost_to_follow_up(
    history: History,
    numbers: Happenings,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Some who left without a word are written down as lost, weeks later."""
    n = history.people.n
    last_session = last_session_days(history)
    # nobody told the clinic why, and no score came after the last session
    left_silently = history.reason == REASON_CODE["unknown"]
    unheard = left_silently & (last_contact_days(history) <= last_session)
    earliest, latest = numbers.lost_noted_after
    day = last_session + rng.integers(earliest, latest + 1, n)
    noted = rng.random(n) < numbers.lost_after_silent_stop
    who = np.flatnonzero(unheard & (day <= history.people.seen_to) & noted)
    return _rows(
        who,
        day[who],
        "lost_to_follow_up",
        "",
    )


def _random_days(
    expected: Floats,
    seen: Ints,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Positions and days of events that come at random: `expected` number per patient, evenly over
    the days seen.
    """
    # A Poisson number of events, each on a day of its own: a constant rate over time.
    count = rng.poisson(expected)
    who = np.repeat(np.arange(len(count)), count)
    days_seen = seen[who] + 1
    return who, np.floor(rng.random(len(who)) * days_seen).astype(np.int64)


def _rows(
    who: Ints,
    day: Ints,
    event: str,
    detail: Objects | str,
) -> pd.DataFrame:
    return pd.DataFrame({"who": who, "day": day, "event": event, "detail": detail})


def phq9_rows(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per PHQ-9: total and items; in a few one item is missing, and with it the total."""
    answers = draw_items(
        scores,
        n,
        scales,
        rng,
    )
    items = pd.DataFrame(answers, columns=list(ITEM_NAMES)).astype("Int64")
    incomplete = rng.random(len(items)) < scales.incomplete
    left_out = rng.integers(
        0,
        PHQ9.n_items,
        len(items),
    )
    # One item is left out, any of the nine as likely.
    for place, name in enumerate(ITEM_NAMES):
        items[name] = items[name].mask(incomplete & (left_out == place))
    total = pd.Series(scores.score).astype("Int64").mask(incomplete)
    rows = np.arange(len(total))
    table = pd.DataFrame({"row": rows, "instrument": PHQ9.name, "score": total})
    return table.join(items)


def draw_items(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> Ints:
    """Answers to the nine items of each score (rows × 9); they add up to the total."""
    spread = scales.item_person_sd * rng.standard_normal((n, OTHER_ITEMS))
    # Some items are endorsed more by everybody, and some by this person.
    liking = np.asarray(scales.item_weight) + spread
    ninth = _suicidality_answers(
        scores,
        n,
        scales,
        rng,
    )
    pages = []
    for start in range(
        0,
        len(ninth),
        _CHUNK,
    ):
        rows = slice(start, start + _CHUNK)
        others = scores.score[rows] - ninth[rows]
        likely = liking[scores.who[rows]]
        likely[:, INTEREST] -= _interest_lead(scores, scales)[rows]
        shared = _answers_adding_up_to(others, likely, rng)
        pages.append(np.column_stack([shared, ninth[rows]]))
    return np.concatenate(pages)


def _interest_lead(scores: ScoreLog, scales: OtherScales) -> Floats:
    """How much less little interest is endorsed: most just after session 1, and less by and by."""
    # Nothing has moved before session 1; what is drawn at random stays as it was without this.
    since = np.where(scores.day > 0, scores.day, np.inf)
    return np.asarray(scales.interest_lead * np.exp(-since / scales.interest_lead_days))


def _suicidality_answers(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> Ints:
    """Answer to item 9: a person's own proneness plus severity, cut at equal steps, kept possible
    for the total.
    """
    prone = scales.suicidality_person_sd * rng.standard_normal(n)[scores.who]
    error = scales.suicidality_error_sd * rng.standard_normal(len(scores.who))
    usual = scales.suicidality_intercept + scales.suicidality_slope * scores.severity
    steps = np.round((usual + prone + error) / scales.suicidality_step, 9)
    answer = np.clip(
        np.ceil(steps),
        0,
        HIGHEST_ANSWER,
    ).astype(np.int64)
    # the other items can hold so many points and no more; the rest must be the answer to this one
    lowest = np.maximum(scores.score - OTHER_ITEMS * HIGHEST_ANSWER, 0)
    highest = np.minimum(scores.score, HIGHEST_ANSWER)
    return np.clip(
        answer,
        lowest,
        highest,
    )


def _answers_adding_up_to(
    total: Ints,
    liking: Floats,
    rng: np.random.Generator,
) -> Ints:
    """Share totals over the first eight items: of 24 points, the `total` with the highest keys are
    given.

    The keys of an item's three points are sorted by chance plus the item's liking, so nothing
    exceeds 3 and all add up.
    """
    chance = rng.gumbel(size=(len(total), OTHER_ITEMS * HIGHEST_ANSWER))
    keys = np.round(
        np.repeat(
            liking,
            HIGHEST_ANSWER,
            axis=1,
        )
        + chance,
        9,
    )
    # The order of an order is the rank: 0 for the highest key of a row. Stable, since rounded keys
    # may tie.
    order = np.argsort(
        -keys,
        axis=1,
        kind="stable",
    )
    rank = np.argsort(
        order,
        axis=1,
        kind="stable",
    )
    given = rank < total[:, None]
    return given.reshape(
        len(total),
        OTHER_ITEMS,
        HIGHEST_ANSWER,
    ).sum(axis=2)


def gad7_rows(
    scores: ScoreLog,
    anxious: Bools,
    scales: OtherScales,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per GAD-7, taken with most PHQ-9s: moves with depression around the person's own
    level.
    """
    own = scales.gad7_person_sd * rng.standard_normal(len(anxious))
    # centred, so that the mean of all stays where the intercept puts it
    own += scales.gad7_anxiety * (anxious - anxious.mean())
    usual = scales.gad7_intercept + scales.gad7_slope * scores.severity
    error = scales.gad7_error_sd * rng.standard_normal(len(scores.who))
    severity = usual + own[scores.who] + error
    taken = rng.random(len(scores.who)) < scales.gad7_share
    return _other_scale(
        GAD7.name,
        severity,
        GAD7.maximum,
        taken,
    )


def madrs_rows(
    scores: ScoreLog,
    n: int,
    scales: OtherScales,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per MADRS: in some patients, always with the scores before the first session, now and
    then later.
    """
    rated = (rng.random(n) < scales.madrs_people)[scores.who]
    usual = scales.madrs_intercept + scales.madrs_slope * scores.severity
    error = scales.madrs_error_sd * rng.standard_normal(len(scores.who))
    now_and_then = rng.random(len(scores.who)) < scales.madrs_share
    # The baseline is always rated, since change is counted from it.
    taken = rated & ((scores.day <= 0) | now_and_then)
    return _other_scale(
        MADRS.name,
        usual + error,
        MADRS.maximum,
        taken,
    )


def _other_scale(
    name: str,
    severity: Floats,
    highest: float,
    taken: Bools,
) -> pd.DataFrame:
    """One row per score taken, rounded and clipped to the range of the scale."""
    score = np.clip(
        whole_numbers(severity),
        0,
        highest,
    ).astype(np.int64)
    rows = np.flatnonzero(taken)
    taken_scores = pd.Series(score[rows]).astype("Int64")
    return pd.DataFrame({"row": rows, "instrument": name, "score": taken_scores})
