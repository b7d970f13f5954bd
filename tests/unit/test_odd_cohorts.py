"""Broken and odd cohorts through the front door: an answer or a refusal with a reason, and nobody
given away.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd
import pytest
from simulated import thin_clinic

from kettrack import Cohort, cohort_from_frames, estimate, questions
from kettrack.analysis.registry import load_questions
from kettrack.settings import Settings
from kettrack.timelines.derived import derive
from kettrack.vocabulary.instrument import Instrument

DAYS = (0, 3, 7, 10, 14, 17)
Scores = list[tuple[int, int]]


def odd(
    people: int,
    sessions: Callable[[int], int],
    scores: Callable[[int, tuple[int, ...]], Scores],
    **more: object,
) -> Cohort:
    """So many people with sessions and scores each by number; six sessions planned, logs complete
    to day 300.
    """
    names = [f"p{i:03d}" for i in range(people)]
    came = {name: DAYS[: sessions(i)] for i, name in enumerate(names)}
    settings = Settings(**more)  # type: ignore[arg-type]
    visits = pd.DataFrame(
        [(name, day) for name in names for day in came[name]],
        columns=["patient_id", "day"],
    )
    rows = [
        (name, *score)
        for i, name in enumerate(names)
        for score in scores(i, came[name])
    ]
    scored = pd.DataFrame(rows, columns=["patient_id", "day", "score"]).assign(
        instrument=settings.instrument
    )
    about = pd.DataFrame(
        {"patient_id": names, "observed_to_day": 300, "planned_sessions": 6}
    )
    return cohort_from_frames(
        visits.assign(route="iv"), scored, about, settings=settings
    )


def flat(_: int, days: tuple[int, ...]) -> Scores:
    """The same score before, after each session and for eight weeks."""
    return (
        [(-1, 15)]
        + [(day + 1, 15) for day in days]
        + [(days[-1] + 1 + 7 * week, 15) for week in range(1, 9)]
    )


def all_respond(_: int, days: tuple[int, ...]) -> Scores:
    return (
        [(-1, 20)]
        + [(day + 1, 5) for day in days]
        + [(days[-1] + 1 + 7 * week, 5) for week in range(1, 5)]
    )


def drifting(i: int, days: tuple[int, ...]) -> Scores:
    """Improvement that differs between people and sessions, on a scale of any range above 40."""
    return [(-1, 30 + i % 7)] + [
        (day + 1, 28 - place - (5 * i + 3 * place) % 11)
        for place, day in enumerate(days)
    ]


# ---- no crash ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["response_by_session", "remission_by_session"])
def test_a_clinic_in_which_everybody_stops_after_session_1_has_a_curve(name):
    found = estimate(
        name,
        odd(
            40,
            lambda i: 1,
            lambda i, days: [*flat(i, days)[:2], (8, 10 + i % 8), (15, 9 + i % 9)],
        ),
    )
    assert found.status == "ok"


def test_next_session_where_every_score_is_the_same():
    found = estimate("next_session", odd(120, lambda i: 1 + i % 6, flat))
    # with a spread of 0 there is no E-value; that is no fault
    assert found.status in ("ok", "refused")


def test_every_question_refuses_where_there_is_nobody():
    nobody = odd(0, lambda i: 1, flat)
    for name in questions()["name"]:
        assert estimate(name, nobody).status == "refused", name


@pytest.mark.parametrize(
    ("name", "score"),
    [("paired_change", 15), ("worsening", 27), ("induction_completed", 15)],
)
def test_a_number_that_does_not_exist_leaves_no_hole_in_a_sentence(name, score):
    """One baseline for everybody, one session each, nobody who could get worse."""
    alike = odd(30, lambda i: 1, lambda i, days: [(-1, score), (1, score), (84, score)])
    text = estimate(name, alike).text
    assert "  " not in text
    assert " ;" not in text


def large(changed: Callable[[pd.DataFrame], pd.DataFrame]) -> Cohort:
    """The thin clinic of 240 people with other scores of its primary scale."""
    thin = thin_clinic()
    scores = thin.scores.drop(columns=thin.scores.filter(like="item_").columns)
    own = scores["instrument"] == "PHQ-9"
    scores = pd.concat([changed(scores[own]), scores[~own]])
    return cohort_from_frames(thin.sessions, scores, thin.patients, thin.events)


def as_before(scores: pd.DataFrame) -> pd.DataFrame:
    """Everybody scores for ever as at first: nobody responds, though people differ."""
    first = scores.sort_values("day").groupby("patient_id")["score"].transform("first")
    return scores.assign(score=first)


ODD_SCORES = {
    "nobody responds": as_before,
    "all the same": lambda scores: scores.assign(score=15),
    "all as ill as can be": lambda scores: scores.assign(score=27),
    "all well at once": lambda scores: scores.assign(
        score=scores["score"].where(scores["day"] <= 0, 2)
    ),
}
SIMULATE = {"cohorts": 2, "replicates": 5}


@pytest.mark.parametrize("kind", ODD_SCORES)
def test_every_question_has_an_answer_or_a_refusal_and_no_share_is_certain(kind):
    people = derive(large(ODD_SCORES[kind]))
    for name, asked in load_questions().items():
        few = {key: n for key, n in SIMULATE.items() if key in asked.options}
        found = estimate(name, people, **few)
        table = found.table
        if found.status == "refused" or "ci_low" not in table:
            continue
        units = table["unit"] if "unit" in table else pd.Series(asked.unit, table.index)
        shares = table[units.astype("str").str.contains("%|percent of")]
        certain = shares["estimate"].isin([0, 100]) & (
            shares["ci_low"] == shares["ci_high"]
        )
        assert not certain.any(), f"{name}: {shares.loc[certain].to_dict('records')}"


# ---- no number that the data cannot carry
# -------------------------------------------------------------------------------


def test_no_response_at_all_has_an_exact_interval_if_all_continued():
    table = estimate("response_if_all_continued", odd(60, lambda i: 1, flat)).table
    assert (table["estimate"] == 0).all()
    assert (table["ci_low"] == 0).all()
    # 0 of 60
    assert table["ci_high"].iloc[0] == pytest.approx(5.96, abs=0.01)


def test_everybody_losing_the_response_has_no_interval_of_width_0():
    def lost(_: int, days: tuple[int, ...]) -> Scores:
        return all_respond(0, days)[:-4] + [
            (days[-1] + 1 + 7 * week, 20) for week in range(1, 5)
        ]

    table = estimate("durability_intervals", odd(60, lambda i: 6, lost)).table
    shares = table[table["kind"] == "share"]
    assert shares["ci_low"].isna().all() or (shares["ci_high"] > shares["ci_low"]).all()


def test_everybody_responding_at_once_is_not_a_median_that_is_not_reached():
    text = estimate("response_by_session", odd(40, lambda i: 6, all_respond)).text
    assert "interval not reached to not reached" not in text


# ---- words that fit the scale
# -------------------------------------------------------------------------------------------


def test_association_leaves_no_blank_where_every_baseline_is_the_same():
    alike = odd(
        36,
        lambda i: 1 + i % 6,
        lambda i, days: [(-1, 33), *drifting(i, days)[1:]],
        instrument="MADRS",
    )
    assert "between  and  of them" not in estimate("association", alike).text


def test_association_says_no_way_where_everybody_had_as_many_sessions():
    """No slope can be fitted, so nobody ended lower or higher."""
    text = estimate(
        "association", odd(36, lambda i: 6, drifting, instrument="MADRS")
    ).text
    assert "ended lower" not in text
    assert "( to )" not in text


def test_association_where_change_and_sessions_lie_on_one_line():
    """A correlation of -1 has no interval; warnings are errors here."""
    line = odd(
        36,
        lambda i: 1 + i % 6,
        lambda i, days: (
            [(-1, 20)] + [(day + 1, 18 - 2 * k) for k, day in enumerate(days)]
        ),
    )
    assert estimate("association", line).status == "ok"


def test_association_speaks_of_rising_scores_where_higher_is_better():
    scale = Instrument(
        name="Wellness", title="Wellness", minimum=0, maximum=60, higher_is_worse=False
    )
    rising = odd(
        36,
        lambda i: 1 + i % 6,
        lambda i, days: [(day, 60 - score) for day, score in drifting(i, days)],
        instrument="Wellness",
        user_instruments=(scale,),
    )
    text = estimate("association", rising).text
    assert "Scores fell by" not in text
    assert "scored high." not in text
    # more sessions, better: not because people who feel well stop
    if "ended higher" in text:
        assert "people who feel well stop" not in text


# ---- nothing that gives a person away under the policy cms
# ---------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "durability",
        "durability_from_response",
        "durability_intervals",
        "maintenance",
        "association",
        "next_session",
    ],
)
def test_a_refusal_tells_no_small_count(name):
    found = estimate(name, odd(7, lambda i: 6, all_respond, policy="cms"))
    assert found.status == "refused"
    assert not re.search(r"\b7 (people|who)\b", found.text)


def test_a_share_by_group_gives_no_small_count_away():
    """30 people each; of the moderate ones 3 respond, and 3 of 30 is 10 %. 12 of them stop after
    session 1.
    """

    def scores(i: int, days: tuple[int, ...]) -> Scores:
        start, to = (12, 5 if i < 6 else 11) if i % 2 else (22, 5 if i < 30 else 20)
        return [(-1, start)] + [(day + 1, to) for day in days]

    cohort = odd(60, lambda i: 1 if i % 2 and i >= 36 else 6, scores, policy="cms")
    found = estimate("response_by_session", cohort, by="severity").table
    shown = found.dropna(subset=["estimate", "n"])
    people = shown["estimate"].astype(float) / 100 * shown["n"].astype(float)
    assert not ((people > 0.5) & (people < 10.5)).any()


def test_those_at_risk_by_group_leave_no_small_difference_from_time_to_time():
    """Of the 30 severe ones 12 stop after session 1 and 3 more after session 3."""

    def stays(i: int) -> int:
        return 1 if i % 2 == 0 and i < 24 else 3 if i % 2 == 0 and i < 30 else 6

    def scores(i: int, days: tuple[int, ...]) -> Scores:
        return [(-1, 22 if i % 2 == 0 else 12)] + [
            (day + 1, 21 if i % 2 == 0 else 11) for day in days
        ]

    found = estimate(
        "response_by_session", odd(60, stays, scores, policy="cms"), by="severity"
    ).table
    for _, part in found.groupby("group"):
        steps = part["at_risk"].dropna().astype(float).diff().abs().dropna()
        assert not ((steps > 0) & (steps < 11)).any()


def test_the_futility_sheet_does_not_show_by_subtraction_who_stopped():
    """Of 60 without improvement 5 stop after session 2, and 55 go on; 30 more have responded by
    then.
    """
    cohort = odd(
        90,
        lambda i: 2 if i < 5 else 6,
        lambda i, days: (flat if i < 60 else all_respond)(i, days),
        policy="cms",
    )
    row = (
        estimate("should_we_go_on", cohort)
        .table.set_index("key")
        .loc["after2_below_20"]
    )
    shown = [row[name] for name in ("in_group", "went_on")]
    assert any(pd.isna(cell) for cell in shown)


def test_people_without_a_group_are_not_counted_out():
    """The route of four people is not recorded."""
    cohort = odd(60, lambda i: 6, flat, policy="cms")
    place = cohort.sessions["patient_id"].str[1:].astype(int)
    routes = (
        pd.Series("iv", index=place.index, dtype=object)
        .mask(place % 2 == 0, "im")
        .mask(place < 4, None)
    )
    routed = cohort_from_frames(
        cohort.sessions.assign(route=routes),
        cohort.scores,
        cohort.patients,
        settings=cohort.settings,
    )
    found = estimate("response_by_session", routed, by="route")
    assert found.status == "ok"
    assert not any("4 people are in no group" in caveat for caveat in found.caveats)


def test_the_reason_for_no_null_curve_tells_no_small_count():
    """Four people are scored once more, a week after the course: 4 pairs of scores without a
    session in between.
    """

    def scores(i: int, days: tuple[int, ...]) -> Scores:
        return (
            [(-1, 20)]
            + [(day + 1, 12) for day in days]
            + ([(days[-1] + 8, 12)] if i < 4 else [])
        )

    found = estimate("response_by_session", odd(30, lambda i: 6, scores, policy="cms"))
    assert not any(re.search(r"\b4 (pairs|people)", caveat) for caveat in found.caveats)
