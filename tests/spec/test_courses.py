"""From session days alone: induction, maintenance, re-induction, and whether care goes on."""

from spec.tables import all_of, cohort, one_each, read

from kettrack.timelines.courses import derive_courses
from kettrack.timelines.derived import derive
from kettrack.timelines.tables import courses_table
from kettrack.vocabulary.rules import CourseRules

SHORT = {"induction": "I", "maintenance": "M", "re-induction": "R"}


def clinic(sessions, patients=""):
    scores = "patient | day | score\n" + "\n".join(
        f"{name} | -1 | 20" for name in sorted(set(read(sessions)["patient"]))
    )
    return cohort(scores, sessions, patients)


def courses(sessions):
    """Patient -> one letter per session: I induction, M maintenance, R re-induction."""
    return {
        name: "".join(SHORT[course] for course in row)
        for name, row in all_of(courses_table(clinic(sessions)), "course").items()
    }


def test_the_first_series_is_the_induction():
    assert courses("""
        patient  | days
        one_only | 0                              # one session is an induction that went no further
        six      | 0 3 7 10 14 17
        gap_10   | 0 10 20                        # ten days apart still belong together
        gap_11   | 0 10 21
        stretch  | 0 3 7 10 14 17 31 52 80 108
        """) == {
        "one_only": "I",
        "six": "IIIIII",
        "gap_10": "III",
        "gap_11": "IIM",
        "stretch": "IIIIIIMMMM",
    }


def test_an_induction_has_at_most_twelve_sessions():
    assert courses("""
        patient | days
        twelve  | 0 3 7 10 14 17 21 24 28 31 35 38
        more    | 0 3 7 10 14 17 21 24 28 31 35 38 42 45
        weekly  | 0 7 14 21 28 35 42 49 56 63 70 77 84 91 98   # never leaves weekly
        """) == {
        "twelve": "I" * 12,
        "more": "I" * 12 + "MM",
        "weekly": "I" * 12 + "MMM",
    }


def test_an_induction_also_ends_where_its_pace_slackens_for_good():
    assert courses("""
        patient  | days
        weekly   | 0 3 7 10 14 17 24 31 38  # twice a week, then two gaps of seven days in a row
        late     | 0 3 7 10 17 20 24               # one late session
        two_last | 0 3 7 10 14 17 24               # nobody knows yet whether it stays weekly
        gap_6    | 0 2 4 6 12 18 24                # six days are no weekly pace
        then_6   | 0 2 4 6 13 19 25                # the second gap is too short
        three    | 0 2 4 11 14 17                  # before the fourth session nothing slackens
        third    | 0 2 4 11 18 25  # the first long gap follows the third; the second counts
        slow     | 0 5 10 15 22 29 36              # seven is less than one and a half times five
        just     | 0 4 9 14 21 28 35               # and exactly that is enough
        always   | 0 7 14 21 28 35 42
        one_only | 0
        """) == {
        "weekly": "IIIIIIMMM",
        "late": "IIIIIII",
        "two_last": "IIIIIII",
        "gap_6": "IIIIIII",
        "then_6": "IIIIIII",
        "three": "IIIIII",
        "third": "IIIIMM",
        "slow": "IIIIIII",
        "just": "IIIIMMM",
        "always": "IIIIIII",
        "one_only": "I",
    }


def test_what_clinics_do():
    assert courses("""
        patient    | days
        esketamine | 0 3 7 10 14 17 21 24 31 38 45 52   # twice a week for four weeks, then weekly
        cut_off    | 0 3 7                              # the log ends in mid-course
        """) == {"esketamine": "IIIIIIIIMMMM", "cut_off": "III"}
    cut_off = clinic(
        "patient | days\n cut_off | 0 3 7",
        "patient | observed_to_day\n cut_off | 14",
    )
    assert one_each(derive(cut_off).care, "care_status") == {"cut_off": "in_care"}


def test_another_route_or_drug_begins_no_new_course():
    days = clinic("patient | days\n switch | 0 3 7 10").sessions
    switched = days.assign(
        route=["iv", "iv", "intranasal", "intranasal"],
        drug=["ketamine", "ketamine", *["esketamine"] * 2],
    )
    assert derive_courses(switched).equals(derive_courses(days))


def test_a_new_series_after_a_pause_is_a_re_induction():
    assert courses("""
        patient  | days
        again    | 0 3 7 10 50 53 57                 # pause of 40 days, three sessions
        pause_28 | 0 3 7 10 38 41 45
        pause_27 | 0 3 7 10 37 40 44   # too short a pause: maintenance in a denser phase
        two_only | 0 3 7 10 50 53                    # too few: two boosters
        singles  | 0 3 7 10 50 90 130                # monthly maintenance
        third    | 0 3 7 50 53 57 100 103 107        # and once more
        then     | 0 3 7 50 53 57 78 99              # re-induction, then maintenance
        long     | 0 3 7 50 53 57 60 64 67 71 74 78 81 85 88 92   # twelve at most here too
        slackens | 0 1 2 3 4 5 6 7 40 41 42 43 50 57   # goes on where its pace slackens
        """) == {
        "again": "IIIIRRR",
        "pause_28": "IIIIRRR",
        "pause_27": "IIIIMMM",
        "two_only": "IIIIMM",
        "singles": "IIIIMMM",
        "third": "IIIRRRRRR",
        "then": "IIIRRRMM",
        "long": "III" + "R" * 12 + "M",
        "slackens": "I" * 8 + "R" * 6,
    }


def test_two_sessions_on_one_day_are_two_sessions():
    table = courses_table(
        clinic("""
            patient | days | order
            twice   | 0    | 1
            twice   | 3    | 1
            twice   | 3    | 2
            twice   | 7    |
            """)
    )
    assert all_of(table, "session_number") == {"twice": [1, 2, 3, 4]}
    assert all_of(table, "gap_days") == {"twice": [None, 3, 0, 4]}
    assert all_of(table, "course") == {"twice": ["induction"] * 4}


def test_courses_and_the_sessions_in_them_are_numbered():
    table = courses_table(
        clinic("""
            patient | days
            several | 0 3 7 30 50 90 93 97 140 143 147
            one     | 0
            """)
    )
    assert all_of(table, "course_number") == {
        "one": [1],
        "several": [1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4],
    }
    assert all_of(table, "number_in_course") == {
        "one": [1],
        "several": [1, 2, 3, 1, 2, 1, 2, 3, 1, 2, 3],
    }
    assert all_of(table, "gap_days") == {
        "one": [None],
        "several": [None, 3, 4, 23, 20, 40, 3, 4, 43, 3, 4],
    }


def test_one_patients_sessions_do_not_run_into_the_next_ones():
    assert courses("""
        patient | days
        a       | 0 3 60 63 66
        b       | 0 3 7
        c       | 0
        """) == {"a": "IIRRR", "b": "III", "c": "I"}


def test_course_rules_can_be_changed():
    sessions = clinic("""
        patient | days
        anna    | 0 14 28 70 84
        ben     | 0
        """).sessions
    fortnightly = CourseRules(
        series_gap_days=14,
        induction_sessions=2,
        reinduction_sessions=2,
        reinduction_pause_days=42,
    )
    table = derive_courses(sessions, fortnightly)
    assert all_of(table, "course")["anna"] == [
        "induction",
        "induction",
        "maintenance",
        "re-induction",
        "re-induction",
    ]


def test_no_sessions_no_courses():
    sessions = clinic("patient | days\nanna | 0\nben | 0").sessions
    assert derive_courses(sessions.iloc[:0]).empty


def care(sessions, patients):
    return one_each(
        derive(clinic(sessions, patients)).care, "care_status", "stop_reason"
    )


def test_a_stop_is_known_at_its_recorded_day_or_when_60_days_pass_without_a_session():
    assert care(
        """
        patient    | days
        recorded   | 0 3 7
        on_the_day | 0 3 7
        resumed    | 0 3 70
        day_63     | 0 3
        day_59     | 0 3 4
        day_60     | 0 3 10
        no_end     | 0 3 7
        """,
        """
        patient    | stop_day | stop_reason | observed_to_day
        recorded   | 20       | cost        |
        on_the_day | 7        | well        |
        resumed    | 20       | cost        | 77        # a session after it: that was not the end
        day_63     |          |             | 63        # complete for exactly 60 days after day 3
        day_59     |          |             | 63        # 59 days after day 4: still in care
        day_60     |          | unknown     | 70        # exactly 60
        no_end     |          | moved       |  # nobody knows to which day the log is complete
        """,
    ) == {
        "recorded": ("stopped", "cost"),
        "on_the_day": ("stopped", "well"),
        "resumed": ("in_care", None),
        "day_63": ("stopped", None),
        "day_59": ("in_care", None),
        "day_60": ("stopped", "unknown"),
        "no_end": ("unknown", None),
    }


def test_the_planned_number_of_sessions_is_no_early_stop():
    assert care(
        """
        patient | days
        planned | 0 3 7
        fewer   | 0 3
        more    | 0 3 7 10
        going   | 0 3 7
        unclear | 0 3 7
        no_plan | 0 3 7
        """,
        """
        patient | planned_sessions | observed_to_day
        planned | 3                | 84
        fewer   | 3                | 84
        more    | 3                | 84
        going   | 3                | 35
        unclear | 3                |
        no_plan |                  | 84
        """,
    ) == {
        "planned": ("planned_end", None),
        "fewer": ("stopped", None),
        "more": ("stopped", None),
        "going": ("in_care", None),
        "unclear": ("unknown", None),
        "no_plan": ("stopped", None),
    }


def test_without_the_patients_table_care_is_unknown():
    assert care("patient | days\nanna | 0 3\nben | 0", "") == {
        "anna": ("unknown", None),
        "ben": ("unknown", None),
    }
