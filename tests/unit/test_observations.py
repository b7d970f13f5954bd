"""Which rows are observations: every kind of status column, other spellings, other tables, and what
is asked.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest

from kettrack import cohort_from_frames, estimate, load_cohort
from kettrack.cli import main
from kettrack.errors import DataProblems
from kettrack.settings import Settings
from kettrack.vocabulary.status_words import (
    STATUS_COLUMNS,
    OwnStatus,
    bare,
    status_column,
)

SESSIONS = pd.DataFrame({"patient_id": ["a", "a", "b"], "day": [0, 3, 0]})
SCORES = pd.DataFrame(
    {
        "patient_id": ["a", "a", "b"],
        "day": [-1, 7, -1],
        "instrument": "PHQ-9",
        "score": [20, 9, 15],
    }
)


def load(sessions=SESSIONS, scores=SCORES, events=None, **settings):
    return cohort_from_frames(
        sessions, scores, events=events, settings=Settings(**settings)
    )


def problems(**given):
    with pytest.raises(DataProblems) as caught:
        load(**given)
    return caught.value.problems


def left(cohort):
    return list(cohort.exclusions.itertuples(index=False, name=None))


# header, word of the second score, word that is printed
NOT_OBSERVED = """
DTYPE               | LOCF               | LOCF
dtype               | wocf               | WOCF
DTYPE               | Average            | AVERAGE
Derivation Type     | BOCF               | BOCF
ANL01FL             | N                  | no
QSSTAT              | NOT DONE           | NOT DONE
rsstat              | Not done           | NOT DONE
status              | voided             | voided
status              | entered-in-error   | entered in error
Status              | ENTERED_IN_ERROR   | entered in error
record_status       | Void               | voided
result status       | cancelled          | cancelled
questionnaireStatus | not-done           | not done
imputed             | yes                | yes
is_imputed          | TRUE               | yes
imputed_flag        | 1                  | yes
imputed             | LOCF               | LOCF
voided              | 1                  | yes
deleted             | t                  | yes
attended            | no                 | no
Attended            | DNA                | no show
"""


@pytest.mark.parametrize(
    ("header", "word", "printed"),
    [
        tuple(cell.strip() for cell in line.split("|"))
        for line in NOT_OBSERVED.strip().splitlines()
    ],
)
def test_a_row_that_is_no_observation_is_left_out(header, word, printed):
    cohort = load(scores=SCORES.assign(**{header: ["", word, ""]}))
    assert cohort.scores["day"].tolist() == [-1, -1]
    assert left(cohort) == [
        (f"no observation in scores: {header} says {printed}", 1, 1)
    ]
    assert not any("unknown column" in note for note in cohort.notes)


SESSION_WORDS = """
status             | No-Show             | no show
status             | DNAED               | no show
status             | did not attend      | no show
appointment_status | noshow              | no show
attendance         | Canceled            | cancelled
visit status       | rescheduled         | rescheduled
session status     | late cancellation   | cancelled
EXSTAT             | NOT DONE            | NOT DONE
no_show            | yes                 | yes
cancelled          | 1                   | yes
ATTENDED OR DID NOT ATTEND CODE | 3      | did not attend
Terminstatus       | abgesagt            | cancelled
Status             | nicht erschienen    | no show
Erschienen         | nein                | no
Nicht erschienen   | ja                  | yes
statut             | Annulée             | cancelled
estado             | no asistió          | no show
status             | Geannuleerd         | cancelled
presenza           | assente             | no show
"""


@pytest.mark.parametrize(
    ("header", "word", "printed"),
    [
        tuple(cell.strip() for cell in line.split("|"))
        for line in SESSION_WORDS.strip().splitlines()
    ],
)
def test_an_appointment_that_nobody_kept_is_no_session(header, word, printed):
    cohort = load(sessions=SESSIONS.assign(**{header: ["", word, ""]}))
    assert len(cohort.sessions) == 2
    assert left(cohort) == [
        (f"no observation in sessions: {header} says {printed}", 1, 1)
    ]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("status", ["completed", "Attended", "done"]),
        ("status", ["final", "amended", "corrected"]),
        ("ANL01FL", ["Y", "Y", "Y"]),
        ("imputed", ["no", "0", "false"]),
        ("voided", ["0", "0", "0"]),
        ("attended", ["yes", "TRUE", "1"]),
        ("DTYPE", ["", "", ""]),
        # a number column of a frame comes as 0.0
        ("imputed", [0.0, 0.0, 0.0]),
    ],
)
def test_rows_that_are_observations_stay(header, words):
    cohort = load(scores=SCORES.assign(**{header: words}))
    assert len(cohort.scores) == 3
    assert cohort.exclusions.empty


def test_each_word_is_a_reason_of_its_own_and_spellings_are_one():
    scores = SCORES.assign(status=["Entered in error", "entered-in-error", "void"])
    sessions = SESSIONS
    others = SCORES.assign(day=[8, 9, 8], status="final")
    with_one_left = pd.concat([scores, others])
    assert left(load(sessions, with_one_left)) == [
        ("no observation in scores: status says entered in error", 2, 1),
        ("no observation in scores: status says voided", 1, 1),
    ]


@pytest.mark.parametrize(
    "word",
    [
        "Total",
        " mean: ",
        "Summe",
        "AVERAGE",
        "Grand Total",
        "Total général",
        "Gesamtergebnis",
        "Ogółem",
        "Yhteensä",
        "Итого",
        "合计",
        "i alt",
        "a Total",
        "Total b",
    ],
)
def test_a_row_of_totals_is_no_patient(word):
    """Below the table, as a spreadsheet leaves it; its cells would stop the load."""
    sessions = pd.concat([SESSIONS, pd.DataFrame({"patient_id": [word], "day": [3.5]})])
    below = {"patient_id": [word], "day": [7], "instrument": ["PHQ-9"], "score": [44]}
    cohort = load(sessions, pd.concat([SCORES, pd.DataFrame(below)]))
    assert cohort.patients["patient_id"].tolist() == ["a", "b"]
    assert (len(cohort.sessions), len(cohort.scores)) == (len(SESSIONS), len(SCORES))
    why = "no observation in {}: a row of totals or means"
    files = [why.format(file) for file in ("sessions", "scores")]
    assert [
        reason for reason, n_rows, n_patients in left(cohort) if n_rows == 1
    ] == files
    assert sum(n_patients for _, _, n_patients in left(cohort)) == 0


@pytest.mark.parametrize("code", ["max", "N", "sum1", "mean 2", "Summer", "c Total"])
def test_a_short_word_may_be_a_patient(code):
    sessions = pd.concat([SESSIONS, pd.DataFrame({"patient_id": [code], "day": [0]})])
    cohort = load(sessions)
    assert code in set(cohort.patients["patient_id"])
    assert left(cohort) == []


def test_a_row_that_two_columns_speak_of_is_counted_once():
    scores = SCORES.assign(DTYPE=["", "LOCF", ""], imputed=["no", "yes", "no"])
    assert [row[1] for row in left(load(scores=scores))] == [1]


def test_a_row_that_is_left_out_may_hold_what_would_stop_the_load():
    sessions = SESSIONS.assign(day=["0", "to be told", "0"], status=["", "no show", ""])
    assert len(load(sessions=sessions).sessions) == 2


def test_spellings_of_rows_that_are_left_out_are_not_spoken_of():
    scores = SCORES.assign(status=["", "voided", ""], timing=["before", "AFTER", ""])
    cohort = load(scores=scores.assign(patient_id=["a", "A", "b"]))
    assert not any("capital" in note for note in cohort.notes)


def test_a_row_that_is_left_out_is_searched_for_people_all_the_same():
    scores = SCORES.assign(status=["final", "voided", "final"])
    mail = scores.assign(seen_by=["", "someone@example.org", ""])
    assert "e-mail address" in problems(scores=mail)[0].expected
    codes = scores.assign(patient_id=["a", "someone@example.org", "b"])
    assert problems(scores=codes)[0].column == "patient_id"


def test_a_patient_with_no_kept_session_is_no_patient():
    cohort = load(sessions=SESSIONS.assign(status=["done", "done", "no show"]))
    assert cohort.patients["patient_id"].tolist() == ["a"]
    assert ("scores of patients without a session", 1, 1) in left(cohort)


def test_nothing_left_is_a_problem():
    found = problems(sessions=SESSIONS.assign(status="cancelled"))
    assert "no row of this file is an observation" in found[0].expected


def test_events_that_were_taken_back_are_left_out():
    events = pd.DataFrame(
        {
            "patient_id": ["a", "b"],
            "day": [1, 1],
            "event": "ect",
            "status": ["voided", ""],
        }
    )
    cohort = load(events=events)
    assert cohort.events["patient_id"].tolist() == ["b"]


def test_an_unknown_word_is_a_question_with_the_way_on():
    scores = SCORES.assign(status=["final", "Jane Example", "final"])
    (found,) = problems(scores=scores)
    assert (found.file, found.line, found.column) == ("scores", 2, "status")
    # The word may be anything, so it is not repeated.
    assert found.value == "(hidden)"
    for part in (
        "observed: completed",
        "not observed: no show",
        'kettrack.toml: [status], then "the word" = "observed"',
        'ignore = ["status"]',
    ):
        assert part in found.expected


@pytest.mark.parametrize(
    "word", ["in progress", "preliminary", "stopped", "on-hold", "scheduled", "7"]
)
def test_a_word_that_leaves_it_open_is_asked_about(word):
    scores = SCORES.assign(status=["final", word, "final"])
    assert problems(scores=scores)[0].column == "status"


def own(toml, tmp_path, **columns):
    SESSIONS.to_csv(tmp_path / "sessions.csv", index=False)
    SCORES.assign(**columns).to_csv(tmp_path / "scores.csv", index=False)
    (tmp_path / "kettrack.toml").write_text(toml)
    return load_cohort(tmp_path)


def test_the_settings_say_what_a_word_means(tmp_path):
    toml = '[status]\n"seen by nurse" = "observed"\n"walked out" = "not observed"\n'
    words = ["Seen by nurse", "walked-out", "final"]
    cohort = own(toml, tmp_path, status=words)
    assert left(cohort) == [
        ("no observation in scores.csv: status says a word of [status]", 1, 1)
    ]


def test_the_settings_come_before_the_usual_meaning(tmp_path):
    toml = '[status]\nimputed = "observed"\n[status.sessions]\nfinal = "not observed"'
    cohort = own(toml, tmp_path, status=["imputed", "final", "final"])
    assert len(cohort.scores) == 3


def test_an_empty_status_is_kept_and_said_unless_the_settings_say_more(tmp_path):
    words = ["final", "", "final"]
    cohort = own("", tmp_path, status=words)
    assert len(cohort.scores) == 3
    assert any("status is empty in 1 row" in note for note in cohort.notes)
    cohort = own('[status]\nempty = "not observed"', tmp_path, status=words)
    assert len(cohort.scores) == 2


def test_a_column_can_be_ignored_and_another_one_read(tmp_path):
    toml = '[status]\nignore = ["status"]\ncolumns = ["Termin"]'
    cohort = own(
        toml,
        tmp_path,
        status=["private", "public", "public"],
        Termin=["done", "no show", "done"],
    )
    assert len(cohort.scores) == 2
    assert any("1 unknown column was not used: status" in note for note in cohort.notes)


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ('[status]\nwaiting = "maybe"', '"observed" or "not observed"'),
        ("[status]\nignore = 3", "a list of column names"),
        ('[status]\n"-" = "observed"', "a word as it stands in the column"),
        ('[status]\nA-b = "observed"\n"a b" = "observed"', "each word once"),
        ("status = 3", "a table: [status]"),
        ('[status]\ncolumns = ["Termin"]', "there is no column 'Termin' in any table"),
        ('[status]\nignore = ["Termin"]', "there is no column 'Termin' in any table"),
    ],
)
def test_settings_that_cannot_be(toml, expected, tmp_path):
    with pytest.raises(DataProblems, match="kettrack.toml") as caught:
        own(toml, tmp_path)
    assert expected in str(caught.value)


def test_an_empty_analysis_flag_means_no_where_others_say_yes():
    cohort = load(scores=SCORES.assign(ANL01FL=["Y", "", "Y"]))
    assert left(cohort) == [("no observation in scores: ANL01FL is empty", 1, 1)]


def test_parquet_and_csv_leave_out_the_same_rows(tmp_path):
    scores = SCORES.assign(DTYPE=[None, "LOCF", None], voided=[False, False, True])
    kept = []
    for ending in ("csv", "parquet"):
        folder = tmp_path / ending
        folder.mkdir()
        SESSIONS.to_csv(folder / "sessions.csv", index=False)
        write = getattr(scores, f"to_{ending}")
        write(folder / f"scores.{ending}", index=False)
        cohort = load_cohort(folder)
        kept.append((cohort.scores["day"].tolist(), len(cohort.exclusions)))
    assert kept == [([-1], 2)] * 2


@pytest.mark.parametrize(
    "header",
    [
        "employment_status",
        "marital status",
        "smoking_status",
        "QSDRVFL",
        "phq9_complete",
        "ANL02FL",
        "derived",
        "responder_status",
        "state",
    ],
)
def test_other_columns_are_no_status(header):
    assert status_column(header, "scores") is None
    cohort = load(scores=SCORES.assign(**{header: ["A", "B", "B"]}))
    assert len(cohort.scores) == 3


def test_no_word_has_two_meanings():
    for kind in STATUS_COLUMNS:
        words = [
            bare(word)
            for row in (*kind.observed, *kind.not_observed)
            for word in row.split(",")
        ]
        assert len(words) == len(set(words)), kind.headers


def test_own_words_know_no_capitals():
    status = OwnStatus(words={"": {"Walked Out": "not observed"}})
    assert status.meaning("walked_out", "scores") == "not observed"


# REDCap


def redcap(**columns):
    scores = SCORES.assign(redcap_event_name=["b", "f", "b"])
    return scores.assign(**columns)


@pytest.mark.parametrize("instrument", ["PHQ-9", None])
def test_a_blank_row_of_a_block_matrix_is_skipped(instrument):
    scores = redcap(
        day=[-1, None, -1],
        score=[20, None, 15],
        instrument=["PHQ-9", instrument] * 1 + ["PHQ-9"],
    )
    assert left(load(scores=scores)) == [
        ("no observation in scores: no cell of this table is filled (REDCap)", 1, 1)
    ]


def test_a_row_with_something_in_it_is_not_blank():
    assert problems(scores=redcap(day=[-1, None, -1]))[0].column == "day"


def test_without_redcap_a_blank_row_is_a_mistake():
    scores = SCORES.assign(day=[-1, None, -1], score=[20, None, 15])
    assert problems(scores=scores)[0].column == "day"


# doses


def doses(drug, *mg):
    sessions = SESSIONS.assign(dose_mg=list(mg))
    return sessions.assign(drug=drug) if drug else sessions


def test_a_session_without_a_dose_is_no_session():
    cohort = load(sessions=doses(None, 40, 0, 40))
    assert len(cohort.sessions) == 2
    assert left(cohort)[0][1:] == (1, 1)
    assert "no dose was given in sessions: dose_mg is 0" in left(cohort)[0][0]


def test_placebo_has_no_dose_and_counts():
    assert len(load(sessions=doses("placebo", 0, 0, 0)).sessions) == 3
    mixed = doses(["placebo", None, "ketamine"], 0, 0, 40)
    assert len(load(sessions=mixed).sessions) == 2


def test_a_drug_with_a_dose_of_0_contradicts_itself():
    found = problems(sessions=doses("ketamine", 40, 0, 40))
    assert (found[0].line, found[0].column) == (2, "dose_mg")
    assert "empty the column drug of this row" in found[0].expected


def test_every_dose_0_is_asked_about():
    found = problems(sessions=doses(None, 0, 0, 0))
    assert len(found) == 3
    assert "every one is 0" in found[0].expected


def test_an_unknown_dose_is_no_dose_of_0():
    assert len(load(sessions=doses(None, 40, None, 40)).sessions) == 3


def test_the_check_the_table_and_the_json_say_what_was_left_out(tmp_path, capsys):
    cohort = own("", tmp_path, DTYPE=["", "LOCF", ""])
    reason = "no observation in scores.csv: DTYPE says LOCF"
    assert left(cohort) == [(reason, 1, 1)]
    said = json.loads(estimate("ladder", cohort).to_json())
    assert said["left_out"] == [{"reason": reason, "n_rows": 1, "n_patients": 1}]
    with pytest.raises(SystemExit, match="0"):
        main(["check", str(tmp_path)])
    assert f"Left out: 1 row of 1 patient: {reason}." in capsys.readouterr().out


def test_under_a_release_policy_no_count_of_rows_is_told(tmp_path):
    cohort = own('policy = "cms"', tmp_path, DTYPE=["", "LOCF", ""])
    assert json.loads(estimate("ladder", cohort).to_json())["left_out"] is None


@pytest.mark.parametrize("header", ["outcome", "Termin", "visit_type", "state"])
def test_a_column_of_another_name_with_the_words_of_a_status_is_asked_about(header):
    sessions = SESSIONS.assign(**{header: ["attended", "No-Show", ""]})
    (found,) = problems(sessions=sessions)
    assert (found.file, found.line, found.column) == ("sessions", 2, header)
    assert "It says no show" in found.expected
    for key in ("columns", "ignore"):
        assert f'{key} = ["{header}"]' in found.expected


@pytest.mark.parametrize(
    ("answer", "n_sessions"),
    [({"columns": ("outcome",)}, 2), ({"ignore": ("outcome",)}, 3)],
)
def test_the_answer_to_that_question_is_taken(answer, n_sessions):
    sessions = SESSIONS.assign(outcome=["attended", "DNA", ""])
    cohort = load(sessions=sessions, status=OwnStatus(**answer))
    assert len(cohort.sessions) == n_sessions
    assert not any("Look at this first" in note for note in cohort.notes)


@pytest.mark.parametrize(
    ("header", "words", "said"),
    [
        ("how_it_went", ["came late", "cancelled", ""], "it says cancelled"),
        ("cancellation_reason", ["", "ill", ""], "is filled in some rows"),
        ("cancelled_day", [None, 3, None], "is filled in some rows"),
    ],
)
def test_a_remark_is_noted_and_does_not_stop_a_folder(header, words, said):
    cohort = load(sessions=SESSIONS.assign(**{header: words}))
    (note,) = [note for note in cohort.notes if note.startswith("Look at this first")]
    assert header in note
    assert said in note


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("psychosis", ["absent", "absent", "present"]),
        ("blood_test", ["not done", "done", "pending"]),
        ("first_visit", ["yes", "no", "no"]),
        ("insight", ["missed", "present", "seen"]),
        ("room", ["2", "3", "5"]),
    ],
)
def test_words_that_may_speak_of_something_else_are_no_status(header, words):
    cohort = load(sessions=SESSIONS.assign(**{header: words}))
    assert len(cohort.sessions) == 3
    assert not any("Look at this first" in note for note in cohort.notes)


def test_a_session_that_was_not_completed_is_asked_about():
    sessions = SESSIONS.assign(completed=["yes", "no", "yes"])
    assert problems(sessions=sessions)[0].column == "completed"
    assert len(load(sessions=SESSIONS.assign(completed=[1, 1, 1])).sessions) == 3


def test_a_form_that_is_not_valid_is_left_out():
    cohort = load(scores=SCORES.assign(valid=[1, 0, 1]))
    assert left(cohort) == [("no observation in scores: valid says no", 1, 1)]


# C81224 of 2021-12-17; the codelist is open, and no other word of a sponsor is guessed at.
@pytest.mark.parametrize(
    "word", ["NOCB", "MEDIAN", "ENDPOINT", "MI", "RESTRICTED MEAN"]
)
def test_a_derivation_that_no_codelist_names_is_asked_about(word):
    scores = SCORES.assign(DTYPE=["", word, ""])
    assert problems(scores=scores)[0].column == "DTYPE"


@pytest.mark.parametrize(
    "word", ["LVPD", "WOV", "PHANTOM", "moth", "Worst Case", "IMPUTED"]
)
def test_a_derivation_of_the_codelist_is_left_out(word):
    assert len(load(scores=SCORES.assign(DTYPE=["", word, ""])).scores) == 2


def test_a_word_that_stands_nowhere_is_told():
    sessions = SESSIONS.assign(status=["completed", "seen by nurse", "completed"])
    words = {"": {"seen by nurse": "observed", "seen by nurs": "not observed"}}
    notes = load(sessions, status=OwnStatus(words=words)).notes
    told = [note for note in notes if "stands in no status column" in note]
    assert told == [
        "kettrack.toml, [status]: 'seen by nurs' stands in no status column; it changes nothing."
    ]
