"""A state holds until the next score, at most 28 days; who started stays in the denominator; what
is not known is a band.
"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spec.tables import all_of, cohort

from kettrack import Cohort, load_cohort, sample_folder
from kettrack.analysis import estimate
from kettrack.analysis.courses.flows import VISITS, visit_nodes
from kettrack.analysis.courses.occupancy import BANDS, occupancy_rows
from kettrack.timelines.derived import derive


def bands(clinic: Cohort, weeks: int) -> dict[str, list[str]]:
    return all_of(occupancy_rows(derive(clinic), weeks), "band")


def test_a_state_holds_28_days_and_not_longer():
    clinic = cohort(
        """
        patient | day | score
        a       | -1  | 20
        a       |  7  |  9      # holds on day 35, week 5; not on day 36
        b       | -1  | 20
        b       |  6  |  9      # holds to day 34
        c       | -1  | 20
        c       |  7  |  9
        c       | 14  |  4      # a new score takes over
        d       | -1  | 20
        d       |  7  |  9
        d       | 14  |         # an incomplete one does not
        """,
        patients="patient | observed_to_day\n a | 56\n b | 56\n c | 56\n d | 56",
    )
    assert {name: rows[:7] for name, rows in bands(clinic, 7).items()} == {
        "a": [
            "unchanged",
            "response",
            "response",
            "response",
            "response",
            "response",
            "not_known",
        ],
        "b": [
            "unchanged",
            "response",
            "response",
            "response",
            "response",
            "not_known",
            "not_known",
        ],
        "c": [
            "unchanged",
            "response",
            "remission",
            "remission",
            "remission",
            "remission",
            "remission",
        ],
        "d": [
            "unchanged",
            "response",
            "response",
            "response",
            "response",
            "response",
            "not_known",
        ],
    }
    held = derive(clinic).state_segments.groupby("patient_id").last()
    assert held.loc["a", ["from_day", "to_day"]].tolist() == [7, 36]


def test_the_log_ends_and_treatment_ends():
    clinic = cohort(
        """
        patient  | day | score
        followed | -1  | 20
        cut_off  | -1  | 20
        stopped  | -1  | 20
        well     | -1  | 20
        well     | 70  |  4     # known after the stop: shown
        no_base  |  7  |  4
        no_case  | -1  |  9
        no_case  |  7  |  4
        """,
        """
        patient  | days
        followed | 0 7 60
        cut_off  | 0
        stopped  | 0
        well     | 0
        no_base  | 0
        no_case  | 0
        """,
        """
        patient  | observed_to_day
        followed | 70
        cut_off  | 49
        stopped  | 77
        well     | 77
        no_base  | 77
        no_case  | 77
        """,
    )
    # weeks 8 to 11
    last = {name: rows[-4:] for name, rows in bands(clinic, 11).items()}
    assert last == {
        "followed": ["not_known", "not_known", "not_known", "log_ended"],
        "cut_off": ["log_ended"] * 4,
        "stopped": ["not_known_after_stop"] * 4,
        "well": [
            "not_known_after_stop",
            "not_known_after_stop",
            "remission",
            "remission",
        ],
        "no_base": ["not_rated"] * 4,
        "no_case": ["not_rated"] * 4,
    }


def test_without_observed_to_day_the_log_ends_with_its_last_row():
    clinic = cohort("patient | day | score\n a | -1 | 20\n a | 14 | 9")
    assert bands(clinic, 3) == {
        "a": ["unchanged", "unchanged", "response", "log_ended"]
    }


def test_the_later_score_of_a_day_counts():
    clinic = cohort(
        """
        patient | day | score | timing
        a       | -1  | 20    |
        a       | 14  | 18    | before
        a       | 14  |  4    | after
        """,
        "patient | days\n a | 0 14",
    )
    assert bands(clinic, 2)["a"][2] == "remission"


def test_every_week_adds_up_to_everyone_who_started():
    clinic = load_cohort(sample_folder())
    table = estimate("state_occupancy", clinic).table
    assert (table[list(BANDS)].sum(axis=1) == len(clinic.patients)).all()
    assert (table["followed"] + table["log_ended"] == table["n"]).all()
    assert table["followed"].min() >= 11
    assert table["log_ended"].is_monotonic_increasing


def test_it_refuses_when_nearly_nobody_can_be_rated():
    found = estimate("state_occupancy", cohort("patient | day | score\n a | -1 | 20"))
    assert (found.status, "30 days before session 1" in found.collect) == (
        "refused",
        True,
    )


def test_the_visits_of_the_flows():
    clinic = cohort(
        """
        patient | day | score
        seen    | -1  | 20
        seen    |  9  | 12      # after session 3, before session 4
        seen    | 23  |  7      # after session 6
        seen    | 84  |  4
        edges   | -1  | 15
        edges   |  7  | 14      # on the day of session 3: before it
        edges   | 33  |  9      # 15 days after session 6: too late
        edges   | 70  | 10      # 14 days before day 84
        edges   | 98  |  4      # as far on the other side: the earlier one counts
        late    | -1  | 20
        late    | 69  |  4
        late    | 99  |  4
        stopped | -1  | 20
        cut_off | -1  | 20
        slow    |     |
        """.replace("slow    |     |", "slow    | 200 | 20"),
        """
        patient | days
        seen    | 0 3 7 10 14 18 60 100
        edges   | 0 3 7 10 14 18 60 100
        late    | 0 3 7 10 14 18 60 100
        stopped | 0 3
        cut_off | 0 3
        slow    | 0 50 90 95 99 103
        """,
        """
        patient | observed_to_day
        seen    | 140
        edges   | 140
        late    | 140
        stopped | 140
        cut_off | 49
        slow    | 210
        """,
    )
    nodes = visit_nodes(derive(clinic)).set_index("patient_id")[list(VISITS)]
    assert {
        name: tuple(row)
        for name, row in zip(nodes.index, nodes.to_numpy(), strict=True)
    } == {
        "seen": ("severe", "moderate", "mild", "minimal"),
        "edges": ("moderately severe", "no score", "no score", "moderate"),
        "late": ("severe", "no score", "no score", "no score"),
        "stopped": ("severe", "stopped", "stopped", "stopped"),
        "cut_off": ("severe", "log ended", "log ended", "log ended"),
        "slow": ("no score", "not yet there", "not yet there", "no score"),
    }


A_DAY = st.one_of(st.sampled_from([7, 34, 35, 36, 70, 98]), st.integers(1, 120))
LOGS = st.dictionaries(A_DAY, st.sampled_from([3, 9, 10, 16, 27]), max_size=6).map(
    lambda scores: {-2: 20} | scores
)


def clinic_of(logs: list[dict[int, int]], names: list[str]) -> Cohort:
    rows = [
        f"{name} | {day} | {score}"
        for name, log in zip(names, logs, strict=True)
        for day, score in log.items()
    ]
    sessions = "\n".join(f"{name} | 0 3 7 10 40" for name in names)
    return cohort(
        "\n".join(["patient | day | score", *rows]), f"patient | days\n{sessions}"
    )


@pytest.mark.slow
@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    st.lists(LOGS, min_size=1, max_size=4), st.permutations(["a", "b", "c", "d"]), LOGS
)
def test_names_order_and_other_patients_change_nothing(logs, names, newcomer):
    plain_names = sorted(names)[: len(logs)]
    other_names = list(names)[: len(logs)]
    straight, renamed = (
        bands(clinic_of(logs, some), 16) for some in (plain_names, other_names)
    )
    assert [renamed[name] for name in other_names] == [
        straight[name] for name in plain_names
    ]
    grown = clinic_of([newcomer, *logs], ["0_new", *plain_names])
    assert {
        name: rows for name, rows in bands(grown, 16).items() if name != "0_new"
    } == straight
    nodes, more = (
        visit_nodes(derive(clinic)).set_index("patient_id")
        for clinic in (clinic_of(logs, plain_names), grown)
    )
    assert more.loc[plain_names].equals(nodes.loc[plain_names])


def test_where_no_log_says_when_treatment_ended_it_is_missing_and_not_none():
    clinic = load_cohort(sample_folder())
    patients = clinic.patients.copy()
    patients.loc[:, ["observed_to_day", "stop_day"]] = None
    found = estimate("state_occupancy", replace(clinic, patients=patients))
    assert found.table["treatment_over"].isna().all()
    assert "treatment was over" not in found.text
    assert any(
        "look like people followed to the end" in caveat for caveat in found.caveats
    )
