"""Losses and returns are counted by how sure they are, with the rule by a single score beside the
confirmed one.
"""

from spec.tables import cohort

from kettrack import load_cohort, sample_folder
from kettrack.analysis import estimate

SCORES = """
    patient       | day | score
    kept          | -1  | 20
    kept          |  7  | 10
    kept          | 60  | 10     # exactly half: not lost
    confirmed     | -1  | 20
    confirmed     |  7  | 10
    confirmed     | 21  | 11
    confirmed     | 28  | 11     # seven days later
    refuted       | -1  | 20
    refuted       |  7  | 10
    refuted       | 21  | 11
    refuted       | 30  | 10
    waiting       | -1  | 20
    waiting       |  7  | 10
    waiting       | 21  | 11     # nobody asked again, and the log has ended
    never_asked   | -1  | 20
    never_asked   |  7  | 10
    never_asked   | 21  | 11     # the window has closed
    empty         | -1  | 20
    empty         |  7  | 10
    empty         | 21  |        # an incomplete score shows nothing
    no_response   | -1  | 20
    no_response   |  7  | 11
    """
LOGS = """
    patient     | observed_to_day
    waiting     | 28
    never_asked | 98
    """


def test_losses_by_status_and_by_a_single_score():
    names = list(
        dict.fromkeys(
            line.split("|")[0].strip() for line in SCORES.strip().splitlines()[1:]
        )
    )
    sessions = "patient | days\n" + "\n".join(f"{name} | 0 3" for name in names)
    table = estimate("losses", cohort(SCORES, sessions, LOGS)).table.set_index("key")
    columns = ["n", "seen", "pending", "unconfirmable", "not_seen"]
    assert table.loc["loss_of_response_in_force", columns].tolist() == [6, 1, 1, 1, 3]
    assert table.loc["loss_of_response_single_score", columns].tolist() == [
        6,
        4,
        0,
        0,
        2,
    ]
    assert table.loc["loss_of_response_in_force", "median_days"] == 14
    assert list(table.index) == [
        "loss_of_response_in_force",
        "loss_of_response_single_score",
    ]


def test_the_rows_add_up_for_every_event_of_a_preset_that_defines_relapse():
    table = estimate(
        "losses", load_cohort(sample_folder(), instrument="MADRS", criteria="SUSTAIN-1")
    ).table
    assert set(table["event"]) == {
        "loss of response",
        "relapse",
        "recurrence",
        "return timing unclear",
    }
    assert (
        table[["seen", "pending", "unconfirmable", "not_seen"]].sum(axis=1)
        == table["n"]
    ).all()


def test_it_refuses_where_nobody_responded():
    found = estimate(
        "losses", cohort("patient | day | score\n a | -1 | 20\n a | 7 | 19")
    )
    assert (found.status, "nobody is known to have responded" in found.reason) == (
        "refused",
        True,
    )


def test_refusals_name_the_reason_where_scores_before_treatment_are_too_old():
    """Somebody was scored before treatment, only too long before it for a baseline."""
    old = cohort("patient | day | score\n a | -40 | 20\n a | 7 | 9")
    lasting = estimate("durability", old)
    assert "The most common reason: no score in the 30 days up to session 1." in (
        lasting.reason
    )
    worse = estimate("worsening", old)
    assert worse.reason == (
        "nobody was scored in the 30 days up to session 1 and again after it."
    )


def test_a_refusal_on_durability_says_that_people_did_not_respond():
    found = estimate(
        "durability_of_every_response",
        cohort("patient | day | score\n a | -1 | 20\n a | 7 | 19"),
    )
    assert "The most common reason: no response at that time." in found.reason
