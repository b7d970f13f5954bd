"""Answers coded one too high or one too low are noticed by their range, and the way on works."""

import numpy as np
import pandas as pd
import pytest

from kettrack import load_cohort
from kettrack.errors import DataProblems
from kettrack.reading.item_coding import coded_wrongly
from kettrack.vocabulary.instruments import CSSRS, HAMD17, PHQ9, PROMIS_DEPRESSION
from kettrack.vocabulary.limits import FEWEST_FORMS_FOR_CODING

GAP = np.nan
MANY = FEWEST_FORMS_FOR_CODING


def asked(scale, forms, totals=None):
    items = np.array(forms, float)
    score = np.full(len(items), GAP) if totals is None else np.array(totals, float)
    return bool(coded_wrongly(scale, items, score))


# scale, forms, stated totals, whether it is asked
@pytest.mark.parametrize(
    ("scale", "forms", "totals", "expected"),
    [
        pytest.param(PHQ9, [[1] * 8 + [4]], None, True, id="no 0 and a 4"),
        pytest.param(PHQ9, [[1] * 8 + [5]], None, False, id="a 5 is a slip"),
        pytest.param(PHQ9, [[0] * 8 + [4]], None, False, id="a 4 beside a 0 is a slip"),
        pytest.param(PHQ9, [[1, 2, 3] * 3] * MANY, None, True, id="no 0 in many forms"),
        pytest.param(
            PHQ9, [[1, 2, 3] * 3] * (MANY - 1), None, False, id="no 0 in a few forms"
        ),
        pytest.param(
            PHQ9, [[2] * 9] * MANY, None, False, id="no 1 either: nothing starts there"
        ),
        pytest.param(
            PHQ9, [[1, 2, 3] * 3] * 3, [9] * 3, True, id="every sum 9 above its total"
        ),
        pytest.param(
            PHQ9, [[1, 2, 3] * 3] * 3, [9, 9, 18], False, id="one total is the sum"
        ),
        pytest.param(
            PHQ9,
            [[1, 2, 3] * 3] * MANY,
            [18] * (MANY - 1) + [9],
            False,
            id="most totals are the sums: no 0 in many severe forms",
        ),
        pytest.param(
            PHQ9,
            [[1, 2, 3] * 3] * MANY,
            [18] + [9] * (MANY - 1),
            True,
            id="one total is the sum by chance",
        ),
        pytest.param(
            PHQ9, [[1, 2, 3] * 3] * 2, [9] * 2, False, id="two totals may be chance"
        ),
        pytest.param(
            HAMD17, [[1] * 17, [1, 1, 1, 3] + [1] * 13], None, True, id="HAMD from 1"
        ),
        pytest.param(PROMIS_DEPRESSION, [[0] * 7 + [4]], None, True, id="from 0 for 1"),
        pytest.param(PROMIS_DEPRESSION, [[0] * 7 + [5]], None, False, id="0 is a slip"),
        pytest.param(CSSRS, [[1, 2, 1, 1, 1]], None, False, id="a yes is no number"),
        pytest.param(PHQ9, [[GAP] * 9], None, False, id="no answer at all"),
    ],
)
def test_coding_is_asked_about(scale, forms, totals, expected):
    assert asked(scale, forms, totals) is expected


def folder(path, coding):
    """Twenty people before and after, on a PHQ-9 that is written from 1 to 4."""
    rows = [
        {"patient_id": f"P{who:02}", "day": day, "instrument": "PHQ-9"}
        | {f"item_{number}": answer for number in range(1, 10)}
        for who in range(MANY)
        for day, answer in ((-1, 1 + who % 3), (7, 2))
    ]
    sessions = [{"patient_id": f"P{who:02}", "day": 0} for who in range(MANY)]
    pd.DataFrame(rows).to_csv(path / "scores.csv", index=False)
    pd.DataFrame(sessions).to_csv(path / "sessions.csv", index=False)
    (path / "kettrack.toml").write_text(coding)
    return path


def test_one_question_and_both_ways_on(tmp_path):
    with pytest.raises(DataProblems) as caught:
        load_cohort(folder(tmp_path, ""))
    (problem,) = caught.value.problems
    assert (problem.column, problem.line) == ("item_1 to item_9", 2)
    assert "every sum 9 too high" in problem.expected
    for start, total in ((1, 9), (0, 18)):
        coding = f"[instruments.PHQ-9]\nitems_coded_from = {start}\n"
        cohort = load_cohort(folder(tmp_path, coding))
        assert cohort.scores.query("day == 7")["score"].tolist() == [total] * MANY
        # 2 as the file writes it
        assert cohort.scores["item_1"].max() == 3 - start
    assert "written from 1 up" not in " ".join(cohort.notes)


def test_answers_of_yes_and_no_cannot_be_moved(tmp_path):
    coding = "[instruments.C-SSRS]\nitems_coded_from = 1\n"
    with pytest.raises(DataProblems, match="no numbers that can be moved"):
        load_cohort(folder(tmp_path, coding))
