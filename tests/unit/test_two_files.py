"""Sessions and scores alone: what they answer, what a chosen end of the log does, and that every
answer says so.
"""

from __future__ import annotations

import pandas as pd
import pytest
from sample_answers import derived_sample
from spec.tables import cohort

from kettrack import Cohort, cohort_from_frames, derive, estimate
from kettrack.analysis.overview import first_page
from kettrack.analysis.registry import load_questions
from kettrack.errors import NotIdentified, UsageError
from kettrack.reading.completeness import missing_information
from kettrack.report.first_page import page_answer, sources_of
from kettrack.settings import LAST_ROW, Settings
from kettrack.timelines.as_of import as_of

# Baseline 20 on day -1, so response is a score of 10 or less and worse is one of 26 or more.
SCORES = """
patient     | day | score
well        |  -1 | 20
well        |   9 | 10   # the boundary: half of the baseline
lost_again  |  -1 | 20
lost_again  |   9 |  4
lost_again  |  40 | 18
worse       |  -1 | 20
worse       |   5 | 20
worse       |  30 | 26
unscored    |  -1 | 20
twice       |  -1 | 20
twice       |   9 |  8
twice       |  20 |  9
mild        |  -1 |  9   # below caseness: not rated
mild        |   9 |  2
"""
SESSIONS = """
patient    | days
well       | 0 3 7
lost_again | 0 3 7
worse      | 0 3
unscored   | 0
twice      | 0 3 7
mild       | 0
"""
# Days of the last session or score, by hand.
LAST_ROWS = {
    "lost_again": 40,
    "mild": 9,
    "twice": 20,
    "unscored": 0,
    "well": 9,
    "worse": 30,
}
SAMPLE = derived_sample()


def test_last_and_best_score_by_hand() -> None:
    table = estimate("among_scored", cohort(SCORES, SESSIONS)).table.set_index("key")
    assert table["events"].to_dict() == {
        "last_response": 2,  # well, twice
        "last_remission": 0,
        "last_deterioration": 1,
        "last_any_rise": 1,
        "best_response": 3,  # lost_again too
        "best_remission": 1,
        "confirmed_response": 1,  # twice
    }
    assert set(table["n"]) == {4}
    assert set(table["eligible"]) == {5}
    # One of five was never scored again.
    assert table.loc["last_response", ["if_none", "if_all"]].tolist() == [40, 60]
    # Last scores on days 9, 20, 30, 40.
    assert table.loc["last_response", "day"] == 25


def test_nobody_scored_later_is_refused() -> None:
    found = estimate("among_scored", cohort("patient | day | score\n a | -1 | 20"))
    assert found.status == "refused"
    assert "nobody with a rated baseline was scored" in found.reason


def test_a_chosen_end_of_the_log_fills_only_what_is_missing() -> None:
    patients = "patient | observed_to_day\n well | 70"
    found = cohort(SCORES, SESSIONS, patients, log_complete_to=LAST_ROW)
    ends = found.patients.set_index("patient_id")["observed_to_day"].to_dict()
    assert ends == LAST_ROWS | {"well": 70}
    assert any("is missing for 5 of 6 patients" in note for note in found.notes)


def test_a_choice_that_fills_nothing_is_none() -> None:
    patients = "patient | observed_to_day\n a | 70"
    found = cohort(
        "patient | day | score\n a | -1 | 20", "", patients, log_complete_to=LAST_ROW
    )
    assert found.settings.log_complete_to == "observed_to_day"
    assert any("changes nothing" in note for note in found.notes)


def test_an_unknown_choice_stops() -> None:
    with pytest.raises(UsageError, match="log_complete_to"):
        cohort("patient | day | score\n a | -1 | 20", log_complete_to="today")


def _two_files(**settings: str) -> Cohort:
    return cohort_from_frames(
        SAMPLE.sessions, SAMPLE.scores, settings=Settings(**settings)
    )


def test_page_one_of_two_files_answers_and_refuses_once() -> None:
    page = first_page(_two_files())
    names = [result.name for result in page]
    assert names[:2] == ["among_scored", "scores_by_week"]
    refused = [result for result in page if result.status == "refused"]
    assert [result.name for result in refused] == ["how_many_sessions"]
    said = refused[0].text
    assert "For the same reason there is no answer on response by week" in said
    assert "remission by session" in said
    assert "observed_to_day" in said
    assert f'log_complete_to = "{LAST_ROW}"' in said
    assert len([result for result in page if result.status == "ok"]) >= 6
    # Shares by session are not spoken of where there are none.
    assert not any("the shares by session" in result.text for result in page)
    # Nobody knows that a log went on whose end is not recorded.
    told = " ".join(result.text for result in page)
    assert "although no end of their log is recorded" in told
    assert "while their log went on" not in told
    # Every answer has a heading of its own.
    assert "How were people when they were scored?" in {
        page_answer(result).heading for result in page
    }


def test_the_choice_is_named_in_every_output_it_touches() -> None:
    chosen = _two_files(log_complete_to=LAST_ROW)
    curve = estimate("response_by_session", chosen)
    assert curve.status == "ok"
    assert any(LAST_ROW in caveat for caveat in curve.caveats)
    assert f"log complete to: {LAST_ROW}" in curve.caption
    assert f'"log_complete_to": "{LAST_ROW}"' in curve.to_json()
    assert LAST_ROW in sources_of(chosen)["Log complete to"]
    # By groups, and in a refusal, too.
    by_severity = estimate("response_by_session", chosen, by="severity")
    assert any(LAST_ROW in caveat for caveat in by_severity.caveats)
    told = [result for result in first_page(chosen) if LAST_ROW in result.text]
    assert [result.name for result in told] == ["how_many_sessions", "ladder"]
    # The first answer says how many people it leaves out, and never that it counts everyone.
    first = told[0].text
    n, too_new = curve.table[["n", "too_new"]].iloc[0]
    assert f"{n} people count, and {too_new} are left out" in first
    assert not any("counting everyone who started" in each.text for each in told)
    assert n + too_new == int(derive(chosen).rated.sum())


def test_outputs_that_no_choice_touches_do_not_name_it() -> None:
    chosen = _two_files(log_complete_to=LAST_ROW)
    for found in (
        estimate("session_counts", chosen),
        estimate("response_by_session", SAMPLE),
    ):
        assert not any(LAST_ROW in caveat for caveat in found.caveats)
        assert LAST_ROW not in found.caption + found.to_json()


@pytest.mark.parametrize(
    "name", [name for name, asked in load_questions().items() if not asked.log_end]
)
def test_answers_said_to_need_no_log_end_do_not_change_with_it(name: str) -> None:
    known = derive(SAMPLE)
    later = known.patients["observed_to_day"] + 70
    moved = known.replace(patients=known.patients.assign(observed_to_day=later))
    gone = later.where(later < 0)
    without = known.replace(patients=known.patients.assign(observed_to_day=gone))
    table = estimate(name, known).table
    for other in (moved, without):
        pd.testing.assert_frame_equal(estimate(name, other).table, table)


def test_the_list_of_some_weeks_ago_needs_a_recorded_end() -> None:
    with pytest.raises(NotIdentified, match="observed_to_day is not recorded"):
        as_of(cohort(SCORES, SESSIONS, log_complete_to=LAST_ROW), 2)


def test_check_says_what_each_missing_column_costs() -> None:
    said = missing_information(_two_files())
    log_end = said[0]
    assert log_end.startswith("observed_to_day is missing for every patient")
    assert f'log_complete_to = "{LAST_ROW}" in kettrack.toml' in log_end
    costs = said[-1]
    for column in ("stop_day", "stop_reason", "prior_sessions", "events"):
        assert f"{column} (" in costs
    # What is recorded costs nothing.
    assert "route" not in costs
    # Under the choice nothing is missing any more; a note says what was assumed.
    chosen = _two_files(log_complete_to=LAST_ROW)
    assert not any(
        "observed_to_day is missing" in x for x in missing_information(chosen)
    )


def test_questions_without_a_log_end_refuse_in_one_sentence() -> None:
    two = derive(_two_files())
    reasons = {
        estimate(name, two).reason
        for name in (
            "response_by_session",
            "should_we_go_on",
            "response_if_all_continued",
            "association",
            "next_session",
            "going_on_by_score",
            "stop_after",
        )
    }
    assert len(reasons) == 1
