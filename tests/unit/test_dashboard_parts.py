"""Parts of the dashboard by themselves: the door, what an address chooses, and what is kept."""

from __future__ import annotations

import gc
import re
import threading
from dataclasses import replace

import pytest
from sample_answers import derived_sample

from kettrack import load_cohort, sample_folder
from kettrack.analysis.people.ladder import ladder
from kettrack.analysis.response.response_curve import curve_alone
from kettrack.app.clinics import OwnClinic, ReleasedClinic, Shelf
from kettrack.app.guard import Guard
from kettrack.app.later import Later
from kettrack.app.pages import answers_page
from kettrack.cli.dashboard import _clinic
from kettrack.errors import UsageError
from kettrack.timelines.derived import DerivedCohort, derive

TAGS = re.compile(r"<[^>]*>")


def token(door: Guard) -> str:
    return door.address.partition("token=")[2]


def test_a_session_ends_when_nobody_asks():
    now = [0.0]
    door = Guard(8000, idle_minutes=30, clock=lambda: now[0])
    session = door.enter(token(door))
    for minutes in (29, 58):
        now[0] = minutes * 60.0
        assert door.knows(session), "asking keeps it alive"
    now[0] = (58 + 31) * 60.0
    assert not door.knows(session)
    assert not door.knows(session)
    assert not door.knows("")


def test_the_browser_that_was_seen_longest_ago_goes_first():
    now = [0.0]
    door = Guard(8000, clock=lambda: now[0])
    sessions = []
    for _ in range(17):
        now[0] += 1
        sessions.append(door.enter(token(door)))
    assert [door.knows(each) for each in sessions] == [False, *[True] * 16]


def test_a_page_of_another_scale_names_that_scale_and_takes_the_form_as_it_is_sent():
    """It named the scale of the folder, and complained of a filter that the form sends."""
    own = OwnClinic(derived_sample().cohort)
    form = {select.name: select.chosen for select in own.view({}).selects}
    view = own.view(form | {"instrument": "MADRS"})
    assert view.remarks == ()
    own.later.ask = lambda key, make: None
    page = answers_page(own, view, own.answers(view), rows=False)
    foot = page[page.index("What this page is made from") :]
    assert "MADRS: " in foot
    assert "PHQ-9" not in foot
    # What was chosen and is gone is told.
    gone = own.view(form | {"instrument": "MADRS", "madrs": "MADRS severe"})
    assert len(gone.remarks) == 1
    assert re.findall(r"\d %", TAGS.sub("", page)) == []


def test_rules_chosen_on_the_page_are_those_of_a_folder_that_names_them():
    """Nothing of the old scale is left when another one is chosen."""
    own = OwnClinic(load_cohort(sample_folder()))
    chosen = {"instrument": "MADRS", "criteria": "SUSTAIN-1", "baseline": "worst"}
    view = own.view(chosen)
    assert view.remarks == ()
    read = derive(load_cohort(sample_folder(), **chosen))
    for question in (ladder, lambda cohort: curve_alone(cohort, "response")):
        one = question(own.chosen(view))
        other = question(read)
        assert one.to_json() == other.to_json()


def test_a_table_has_no_column_for_what_was_not_worked_out():
    curve = curve_alone(derived_sample("internal"), "response")
    shown = curve.shown.columns
    assert "confirmed" in shown
    assert not [name for name in shown if name.startswith("null")]


def test_what_an_address_cannot_have_is_said():
    own = OwnClinic(derived_sample().cohort)
    view = own.view({"instrument": "X", "severity": "Anna", "Anna": "1", "sex": "male"})
    assert len(view.remarks) == 3
    assert "Anna" not in " ".join(view.remarks)
    assert view.query.endswith("sex=male")
    assert view.about.endswith("of 600 people. Sex: male.")


def test_nobody_fits_all_filters():
    own = OwnClinic(derived_sample().cohort)
    view = own.view({"severity": "minimal", "madrs": "MADRS severe", "site": "K1"})
    assert view.about.startswith("0 of 600")
    answers = own.answers(view)
    assert [answer.headline for answer in answers[:3]] == ["Not known"] * 3


def test_a_release_without_a_group_that_is_large_enough_is_refused():
    few = derived_sample("cms")
    few = few.of_people((few.patients["patient_id"] < "S011").to_numpy(bool))
    with pytest.raises(UsageError, match="No group has 11 people or more"):
        ReleasedClinic(few.cohort)
    with pytest.raises(UsageError, match="Nothing can be split by 'shoes'"):
        ReleasedClinic(few.cohort, by="shoes")


def test_a_shelf_keeps_what_was_used_last():
    shelf: Shelf[int] = Shelf(2)
    made = []

    def make(n: int) -> int:
        made.append(n)
        return n

    for n in (1, 2, 1, 3, 1, 2):
        assert shelf.get(n, lambda n=n: make(n)) == n
    assert made == [1, 2, 3, 2]


def test_the_newest_wish_comes_first_and_a_fault_ends_nothing():
    later: Later[str] = Later(8)
    begun = threading.Event()
    go_on = threading.Event()
    done: list[str] = []

    def slow() -> str:
        begun.set()
        go_on.wait(10)
        return "slow"

    def make(name: str) -> str:
        done.append(name)
        if name == "fault":
            raise ValueError("S001 has 27 points")
        return name

    later.ask("slow", slow)
    begun.wait(10)
    for name in ("first", "fault", "second"):
        assert later.ask(name, lambda name=name: make(name)) is None
    go_on.set()
    while len(done) < 3:
        threading.Event().wait(0.01)
    assert done == ["second", "fault", "first"]
    assert later.ask("fault", lambda: make("again")) is None
    assert later.failed("fault")


def test_a_fifth_answer_that_fails_is_told():
    own = OwnClinic(derived_sample().cohort, later=Later(4))
    own.later.ask = lambda key, make: None  # type: ignore[method-assign]
    own.later.failed = lambda key: True  # type: ignore[method-assign]
    last = own.answers(own.view({}))[-1]
    assert last.headline == "Not known"
    assert "made a mistake" in last.sentence


def test_settings_of_the_folder_are_the_first_choice():
    cohort = load_cohort(sample_folder())
    own = OwnClinic(
        replace(cohort, settings=replace(cohort.settings, instrument="GAD-7"))
    )
    assert "instrument=GAD-7" in own.view({}).query


@pytest.mark.slow
def test_answers_that_are_kept_hold_no_cohort():
    own = OwnClinic(derived_sample().cohort, _cohorts=Shelf(2))
    own.later.ask = lambda key, make: None
    everyone = own.view({})
    sites = next(select for select in everyone.selects if select.name == "severity")
    before = n_cohorts()
    for option in sites.options:
        view = own.view({sites.name: option.value})
        own.answers(view)
        own.figure(view, "response_by_session")
    # Two on the shelf, of which one was there.
    assert n_cohorts() - before <= 1


def n_cohorts() -> int:
    gc.collect()
    return sum(isinstance(thing, DerivedCohort) for thing in gc.get_objects())


@pytest.mark.parametrize("policy", ["cms", "opensafely", "nhs"])
def test_groups_of_a_policy_that_hides_are_not_shown_beside_a_report(policy):
    """The groups add up to everybody, whom a report is about."""
    cohort = load_cohort(sample_folder(), policy=policy)
    with pytest.raises(UsageError, match="groups of a dashboard cannot be") as told:
        _clinic(cohort, "sex", row_level=False)
    assert "leave out --by to show everyone" in str(told.value)
