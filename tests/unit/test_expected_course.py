"""The expected course against numbers counted by hand, and added up over buckets."""

import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from spec.tables import cohort

from kettrack.analysis.courses.expected_course import (
    baseline_bands,
    cell_shares,
    comparable_scores,
    count,
    estimate,
    expected_course,
    percentiles,
)
from kettrack.timelines.derived import derive
from kettrack.vocabulary.instruments import PCL5, PHQ9
from kettrack.vocabulary.limits import FEWEST_PEOPLE


def people(n, *scores):
    """n people with baseline 15 and the same scores, one after each weekly session."""
    rows = [
        f"p{who:02d} | {7 * k - 1} | {score}"
        for who in range(n)
        for k, score in enumerate((15, *scores))
    ]
    sessions = [
        f"p{who:02d} | {' '.join(str(7 * k) for k in range(len(scores)))}"
        for who in range(n)
    ]
    return cohort(
        "patient | day | score\n" + "\n".join(rows),
        "patient | days\n" + "\n".join(sessions),
    )


def test_quantiles_of_eleven_people():
    scores = "\n".join(
        f"p{who:02d} | -1 | 15\np{who:02d} | 7 | {who}" for who in range(11)
    )
    table = estimate(count(derive(cohort("patient | day | score\n" + scores))))
    after = table[table["sessions"] == 1].iloc[0]
    assert after["n"] == 11
    # Eleven different scores 0-10, each the middle of an eleventh: the median is the sixth, the
    # tenth percentile 0.6.
    assert after[["q10", "q25", "estimate", "q75", "q90"]].tolist() == pytest.approx(
        [0.6, 2.25, 5.0, 7.75, 9.4]
    )


def test_a_cell_under_eleven_has_its_number_and_nothing_else():
    both = "\n".join(
        f"p{who:02d} | -1 | {15 if who < 11 else 12}\np{who:02d} | 7 | 5"
        for who in range(21)
    )
    table = estimate(count(derive(cohort("patient | day | score\n" + both)))).set_index(
        ["band", "sessions"]
    )
    assert table.loc[("moderate", 1), "n"] == FEWEST_PEOPLE - 1
    assert table.loc[("moderate", 1)].drop(["n", "key"]).isna().all()
    assert table.loc[("moderately severe", 1), "estimate"] == 5


def test_no_cell_of_eleven_is_a_refusal():
    result = expected_course(people(10, 9))
    assert result.status == "refused"
    assert "11 people" in result.reason


def test_neighbours_count_half_as_much_but_not_the_baseline():
    shares = cell_shares(count(derive(people(11, 12, 9, 6))))
    assert shares.loc[("moderately severe", 1)].to_dict() == {6: 0, 9: 0, 12: 1, 15: 0}
    assert shares.loc[("moderately severe", 2)].to_dict() == {
        6: 0.25,
        9: 0.5,
        12: 0.25,
        15: 0,
    }
    assert shares.loc[("moderately severe", 3)].to_dict() == {6: 1, 9: 0, 12: 0, 15: 0}


def test_percentiles_count_equals_half():
    scores = "\n".join(
        f"p{who:02d} | -1 | 15\np{who:02d} | 7 | {who // 2}" for who in range(20)
    )
    cells = cell_shares(count(derive(cohort("patient | day | score\n" + scores))))
    rows = pd.DataFrame(
        {
            "band": "moderately severe",
            "sessions": [1, 1, 1, 9],
            "score": [0.0, 9.0, 27.0, 5.0],
        }
    )
    assert percentiles(cells, rows)[:3].tolist() == pytest.approx([5, 95, 100])
    assert percentiles(cells, rows, sign=-1)[:3].tolist() == pytest.approx([95, 5, 0])
    assert np.isnan(percentiles(cells, rows)[3])
    assert np.isnan(percentiles(cells.iloc[:0], rows)).all()


def test_each_person_is_in_a_cell_once_and_fresh():
    clinic = cohort("""
        patient | day | score
        twice   |  -1 | 15
        twice   |   7 |  9
        twice   |  14 |  8      # a second score after the same session
        edge    |  -1 | 15
        edge    |  28 |  7      # as long as a state holds
        stale   |  -1 | 15
        stale   |  29 |  7
        lacking |  -1 | 15
        lacking |   7 |
        well    |  -1 |  9      # below caseness
        well    |   7 |  3
        """)
    after = comparable_scores(derive(clinic)).query("sessions == 1")
    assert after.groupby("patient_id")["score"].apply(list).to_dict() == {
        "edge": [7],
        "twice": [9, 8],
    }
    assert count(derive(clinic)).query("sessions == 1")["n"].tolist() == [1, 1]


def test_bands_include_both_edges():
    assert baseline_bands(np.array([0, 4, 5, 14.5, 20, 27]), PHQ9).tolist() == [
        "minimal",
        "minimal",
        "mild",
        "moderate",
        "severe",
        "severe",
    ]
    assert baseline_bands(np.array([40.0, np.nan]), PCL5).tolist() == ["all", None]


def test_the_sentence_and_the_gate():
    found = sample_answer("expected_course")
    assert found.status == "ok"
    assert "{" not in found.text
    assert (found.table["estimate"].isna() == (found.table["n"] < FEWEST_PEOPLE)).all()
    assert (
        found.table.dropna()[["q10", "q25", "estimate", "q75", "q90"]]
        .diff(axis=1)
        .iloc[:, 1:]
        .ge(0)
        .all(axis=None)
    )
