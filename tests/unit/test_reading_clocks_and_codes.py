"""Clocks without a day 0, days with a part behind the point, patient codes written in two ways, and
columns under another name.
"""

from __future__ import annotations

import pandas as pd
import pytest

from kettrack import cohort_from_frames, load_cohort
from kettrack.errors import DataProblems, UsageError
from kettrack.reading.scale_names import nearest_scale
from kettrack.settings import Settings
from kettrack.vocabulary.instruments import INSTRUMENTS


def frames(sessions, scores):
    """(patient, day) of sessions, and of scores; every score is a PHQ-9 of 15."""
    named = pd.DataFrame(scores, columns=["patient_id", "day"])
    return (
        pd.DataFrame(sessions, columns=["patient_id", "day"]),
        named.assign(instrument="PHQ-9", score=15),
    )


def load(sessions, scores, **more):
    return cohort_from_frames(*frames(sessions, scores), **more)


def problems(sessions, scores, **more):
    with pytest.raises(DataProblems) as caught:
        load(sessions, scores, **more)
    return caught.value.problems


def said(cohort, part):
    return any(part in note for note in cohort.notes)


# study days


# sessions | scores -> sessions and scores on the patient's own clock
CLOCKS = [
    # day 1 follows day -1
    ([1, 4], [-1, 8], [0, 3], [-1, 7]),
    ([1, 4], [-7, 1, 8], [0, 3], [-7, 0, 7]),
    # a day 0 somewhere: an ordinary clock
    ([1, 4], [0, 8], [0, 3], [-1, 7]),
    ([0, 3], [-1, 7], [0, 3], [-1, 7]),
    # nothing before day 1: nothing to close
    ([1, 4], [1, 8], [0, 3], [0, 7]),
    # the first session is elsewhere: nobody can tell, and the days are kept
    ([3, 6], [-1, 8], [0, 3], [-4, 5]),
    ([-3, 4], [-4, 8], [0, 7], [-1, 11]),
]


@pytest.mark.parametrize(("sessions", "scores", "own", "own_scores"), CLOCKS)
def test_days_of_each_clock(sessions, scores, own, own_scores):
    cohort = load([("a", day) for day in sessions], [("a", day) for day in scores])
    assert cohort.sessions["day"].tolist() == own
    assert cohort.scores["day"].tolist() == own_scores


def test_study_days_are_said():
    cohort = load([("a", 1)], [("a", -1)])
    assert said(cohort, "read as study days (CDISC)")


def test_a_clock_that_nobody_can_tell_is_said():
    cohort = load([("a", 3)], [("a", -1)])
    assert said(cohort, "No table has a day 0. If your days are study days (CDISC")


def test_one_day_0_anywhere_is_an_ordinary_clock():
    cohort = load([("a", 1), ("b", 1)], [("a", -1), ("b", 0)])
    assert cohort.scores["day"].tolist() == [-2, -1]
    assert not said(cohort, "CDISC")


def test_a_patient_who_began_later_moves_along():
    cohort = load([("a", 1), ("b", 1), ("c", 5)], [("a", -1), ("b", -1), ("c", -1)])
    assert cohort.scores["day"].tolist() == [-1, -1, -5]


def test_a_session_before_day_1_is_no_first_dose_of_a_study():
    cohort = load([("a", 1), ("b", 1), ("c", -2)], [("a", -1), ("b", -1), ("c", -3)])
    assert cohort.scores["day"].tolist() == [-2, -2, -1]


def test_all_tables_move_alike():
    sessions, scores = frames([("a", 1)], [("a", -1), ("a", 8)])
    patients = pd.DataFrame({"patient_id": ["a"], "stop_day": [15]})
    events = pd.DataFrame({"patient_id": "a", "day": [-3, 9], "event": "ect"})
    cohort = cohort_from_frames(sessions, scores, patients, events)
    assert cohort.patients["stop_day"].tolist() == [14]
    assert cohort.events["day"].tolist() == [-3, 8]


# parts of days


@pytest.mark.parametrize(
    ("day", "part"),
    [
        (2.9583333333333335, "a change of the clocks is in it"),
        (3.0416667, "a change of the clocks is in it"),
        (-1.0416, "a change of the clocks is in it"),
        (2.5, "a time of day is in it"),
        (0.708, "a time of day is in it"),
    ],
)
def test_a_part_of_a_day_is_told_with_the_way_on(day, part):
    (found,) = problems([("a", 0), ("a", day)], [("a", 0)])
    assert found.column == "day"
    assert part in found.expected


@pytest.mark.parametrize("day", [5000.5, "soon"])
def test_what_is_no_day_at_all_is_no_clock(day):
    (found,) = problems([("a", 0), ("a", day)], [("a", 0)])
    assert "is in it" not in found.expected


# patient codes


# codes of the sessions, of the scores, the cause that is told
CODES = [
    (["ab1", "ab2"], ["AB1", "AB2"], "capital letters"),
    (["7", "8"], ["007", "008"], "leading zeros"),
    (["KT-07", "KT-08"], ["KT-7", "KT-8"], "leading zeros"),
    (["K 1", "K 2"], ["K1", "K2"], "blanks or invisible characters"),
    (["1", "2"], ["1.0", "x2"], "none"),
    (["KT-1", "KT-2"], ["KT1", "KT2"], "hyphens or other marks"),
    (["1", "2"], ["P01", "P02"], "what stands around the number"),
    (["kt-01", "kt-02"], ["KT_1", "KT_2"], "capital letters, zeros, blanks and marks"),
    (["a", "b"], ["x", "y"], "If they are the same people"),
]


@pytest.mark.parametrize(("sessions", "scores", "cause"), CODES)
def test_scores_of_nobody_are_a_problem_with_the_likely_cause(sessions, scores, cause):
    found = problems([(code, 0) for code in sessions], [(code, 0) for code in scores])
    assert len(found) == 1
    assert (
        "none of the 2 patient codes of this file is in sessions" in found[0].expected
    )
    assert cause in found[0].expected
    shown = found[0].expected
    # A bare number may be the count of the codes.
    assert not any(code in shown for code in (*sessions, *scores) if len(code) > 2)


def test_two_codes_with_one_number_are_two_people():
    found = problems([("A1", 0), ("B1", 0)], [("C1", 0), ("D1", 0)])
    assert "what stands around" not in found[0].expected


def test_1_and_1_0_are_told_apart_where_not_all_are_so():
    found = problems([("1", 0), ("2", 0)], [("1.0", 0), ("2.0", 0), ("x", 0)])
    assert "a .0 at the end" in found[0].expected


def test_numbers_that_passed_through_a_float_are_the_same():
    assert len(load([("1", 0), ("2", 0)], [("1.0", 0), ("2.0", 0)]).scores) == 2


# patients with a session, of ten in the scores; whether it is said first
SHARES = [(10, False), (8, False), (7, True), (1, True)]


@pytest.mark.parametrize(("n", "loud"), SHARES)
def test_a_large_share_lost_is_said_first(n, loud):
    cohort = load(
        [(f"a{one}", 0) for one in range(n)], [(f"a{one}", 0) for one in range(10)]
    )
    assert said(cohort, f"Look at this first: {10 - n} of 10 patients") is loud


def test_patients_of_whom_none_is_treated_are_a_problem_where_the_cause_is_plain():
    sessions, scores = frames([("a1", 0)], [("a1", 0)])
    patients = pd.DataFrame({"patient_id": ["A1"], "age": [40]})
    with pytest.raises(DataProblems, match="capital letters"):
        cohort_from_frames(sessions, scores, patients)


def test_events_of_other_people_are_no_problem():
    sessions, scores = frames([("a", 0)], [("a", 0)])
    events = pd.DataFrame({"patient_id": ["z"], "day": [1], "event": "ect"})
    assert cohort_from_frames(sessions, scores, None, events).events.empty


# scales


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("PHQ9", "PHQ-9"),
        ("phq_9", "PHQ-9"),
        ("PHQ", "PHQ-9"),
        ("HAM-D17", "HAMD-17"),
        ("HAMD", "HAMD-17"),
        ("QIDS", "QIDS-SR16"),
        ("QIDS-SR", "QIDS-SR16"),
        ("BDI2", "BDI-II"),
        ("BDI", "BDI-II"),
        ("MARDS", "MADRS"),
        ("CSSRS", "C-SSRS"),
        ("Promis", "PROMIS Depression"),
        ("HAMD-21", None),
        ("HAMD-6", None),
        ("HAM-D24", None),
        ("PHQ-2", None),
        ("PHQ-8", None),
        ("PHQ-15", None),
        ("PHQ-A", None),
        ("GAD-2", None),
        ("MADRS-S", None),
        ("QIDS-C16", None),
        ("IDS-C30", None),
        ("BDI-I", None),
        ("PCL-C", None),
        ("CADSS-6", None),
        ("Smith", None),
    ],
)
def test_a_slip_is_no_other_version(written, meant):
    assert nearest_scale(written, INSTRUMENTS) == meant


def test_an_unknown_scale_is_never_shown_where_it_may_be_a_person():
    sessions, scores = frames([("a", 0)], [("a", 0)])
    with pytest.raises(DataProblems) as caught:
        cohort_from_frames(sessions, scores.assign(instrument="Jane Example"))
    assert "Jane" not in str(caught.value)
    assert "[instruments.NAME]" in str(caught.value)


def folder(tmp_path, scores, toml=""):
    (tmp_path / "sessions.csv").write_text("patient_id,day\na,0\nb,0\n")
    (tmp_path / "scores.csv").write_text(scores)
    (tmp_path / "kettrack.toml").write_text(toml)
    return tmp_path


def stops(tmp_path, scores, toml=""):
    with pytest.raises(DataProblems) as caught:
        load_cohort(folder(tmp_path, scores, toml))
    return caught.value.problems


def test_the_primary_instrument_may_be_another_version(tmp_path):
    scores = "patient_id,day,instrument,score\na,0,HAMD-21,20\n"
    with pytest.raises(UsageError, match=r"\[instruments.HAMD-21\]") as caught:
        load_cohort(folder(tmp_path, scores, 'instrument = "HAMD-21"'))
    assert "mean" not in str(caught.value)


@pytest.mark.parametrize("name", ["HAM-A", "Young Mania", "Clark-Beck"])
def test_an_own_scale_may_look_like_a_person(tmp_path, name):
    scores = f"patient_id,day,instrument,score\na,0,{name},20\nb,0,{name},21\n"
    toml = (
        f'instrument = "{name}"\n[instruments."{name}"]\nminimum = 0\nmaximum = 60\n'
        'direction = "higher is worse"\n'
    )
    cohort = load_cohort(folder(tmp_path, scores, toml))
    assert cohort.instrument.name == name
    assert len(cohort.scores) == 2


# columns under another name


WIDE = "patient_id,day,phq9_total\na,0,20\nb,0,21\n"
RENAMED = '[columns.scores]\nscore = "phq9_total"\n'


def test_without_a_named_instrument_the_way_on_is_told(tmp_path):
    (found,) = stops(tmp_path, WIDE, RENAMED)
    assert found.column == "instrument"
    assert 'name it in kettrack.toml: instrument = "PHQ-9"' in found.expected


def test_another_primary_instrument_does_not_rename_the_scores(tmp_path):
    path = folder(tmp_path, WIDE, f'instrument = "PHQ-9"\n{RENAMED}')
    cohort = load_cohort(path, instrument="MADRS")
    assert cohort.scores["instrument"].unique().tolist() == ["PHQ-9"]


@pytest.mark.parametrize("header", ["instruments", "scale", "form", "QSTESTCD"])
def test_several_scales_under_another_name_do_not_become_one(tmp_path, header):
    scores = f"patient_id,day,{header},score\na,0,PHQ-9,20\nb,0,GAD-7,20\n"
    (found,) = stops(tmp_path, scores, 'instrument = "PHQ-9"\n')
    assert found.column == "instrument"


def test_the_names_of_one_scale_are_enough(tmp_path):
    scores = "patient_id,day,form,score\na,0,phq9,20\nb,0,phq9,21\n"
    cohort = load_cohort(folder(tmp_path, scores, 'instrument = "PHQ-9"\n'))
    assert len(cohort.scores) == 2


ITEMS = ",".join(f"item_{number}" for number in range(1, 10))


@pytest.mark.parametrize("header", ["total", "phq9_total", "Sum Score", "AVAL"])
def test_a_misnamed_score_column_is_a_question(tmp_path, header):
    scores = (
        f"patient_id,day,instrument,{header},{ITEMS}\n"
        f"a,0,PHQ-9,9,{','.join('1' * 9)}\n"
        f"b,0,GAD-7,12,{',' * 8}\n"
    )
    (found,) = stops(tmp_path, scores)
    assert found.column == "score"
    assert f"did you mean {header!r}?" in found.expected
    assert "1 row of scales without items would have no score" in found.expected


def test_rows_without_items_and_without_a_score_are_a_problem(tmp_path):
    scores = (
        f"patient_id,day,instrument,{ITEMS}\n"
        f"a,0,PHQ-9,{','.join('1' * 9)}\nb,0,GAD-7,{',' * 8}\n"
    )
    (found,) = stops(tmp_path, scores)
    assert "1 row of scales without items" in found.expected


def test_a_blank_form_among_others_is_not_filled_in(tmp_path):
    answers = ",".join("1" * 9)
    scores = (
        f"patient_id,day,instrument,{ITEMS}\na,0,PHQ-9,{answers}\nb,0,PHQ-9,{',' * 8}\n"
    )
    cohort = load_cohort(folder(tmp_path, scores))
    assert cohort.scores["score"].isna().tolist() == [False, True]


def test_a_total_beside_complete_items_can_be_named_or_removed(tmp_path):
    answers = ",".join("1" * 9)
    scores = f"patient_id,day,instrument,total,{ITEMS}\na,0,PHQ-9,9,{answers}\n"
    (found,) = stops(tmp_path, scores)
    assert "or remove it if it is no total" in found.expected
    named = '[columns.scores]\nscore = "total"\n'
    assert load_cohort(folder(tmp_path, scores, named)).scores["score"].tolist() == [9]


def test_an_empty_score_column_beside_a_full_one_is_a_question(tmp_path):
    scores = "patient_id,day,instrument,score,total\na,0,PHQ-9,,9\nb,0,GAD-7,,8\n"
    (found,) = stops(tmp_path, scores)
    assert "empty in every row; did you mean 'total'?" in found.expected


def test_a_scale_without_a_single_score_is_said(tmp_path):
    scores = "patient_id,day,instrument,score\na,0,PHQ-9,9\nb,0,GAD-7,\nb,7,GAD-7,\n"
    cohort = load_cohort(folder(tmp_path, scores))
    assert said(cohort, "scores.csv: GAD-7 has 2 rows and not one score.")
    assert not said(cohort, "PHQ-9 has")


def test_complete_items_alone_are_enough(tmp_path):
    answers = ",".join("1" * 9)
    scores = f"patient_id,day,instrument,{ITEMS}\na,0,PHQ-9,{answers}\n"
    assert load_cohort(folder(tmp_path, scores)).scores["score"].tolist() == [9]


def test_only_item_9_is_judged_as_item_9():
    sessions, scores = frames([("a", 0)], [("a", 0)])
    own = Settings(instrument="QIDS-SR16")
    # Item 9 of the QIDS goes to 3, whatever place it has among the filled ones.
    scores = scores.assign(instrument="PHQ-9", item_9=3, score=12)
    cohort = cohort_from_frames(sessions, scores, settings=own)
    assert cohort.scores["item_9"].tolist() == [3]
    with pytest.raises(DataProblems, match="item 9 of PHQ-9 is 0 to 3"):
        cohort_from_frames(sessions, scores.assign(item_9=4))
