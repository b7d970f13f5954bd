"""A release on the dashboard under attack: all pages that anybody can reach, read together."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import pytest
from release_attack import attack

from kettrack.app import clinics
from kettrack.app.choices import filters, first_choice
from kettrack.app.clinics import ReleasedClinic, View, shown_together
from kettrack.app.key_figures import BY_NAME
from kettrack.errors import UsageError
from kettrack.privacy.policies import get_policy
from kettrack.privacy.release.cells import Release, ReleaseCell, release_of
from kettrack.privacy.release.puzzle import Puzzle
from kettrack.privacy.release.relations import Relations, stored_relations
from kettrack.timelines.derived import derive
from kettrack.trials.simulated_answers import clinic

# Two drugs, so that there are two pages; few enough people that much has to be hidden.
SEED = 31
N = 90
BY = "drug"
SMALLEST = get_policy("cms").smallest_count


# Quick ones that tell of the same people; how all of a page is protected together is tried in
# test_release.py.
QUICK = ("ladder", "session_counts", "adverse_events", "worsening_by_week")


@pytest.fixture(scope="module", autouse=True)
def few_figures() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        few = [BY_NAME[name] for name in QUICK]
        patch.setattr(clinics, "KEY_FIGURES", few)
        patch.setattr(clinics, "first_page", lambda cohort: [])
        patch.setattr(clinics, "short_answers", lambda cohort: [])
        yield


@functools.cache
def dashboard(policy: str) -> ReleasedClinic:
    return ReleasedClinic(clinic(SEED, N, policy), BY)


def views(shown: ReleasedClinic) -> list[View]:
    first = shown.view({})
    return [shown.view({"group": o.value}) for o in first.selects[0].options]


def printed(shown: ReleasedClinic, view: View) -> Release:
    """Every table of a page, which is what its files hold too."""
    return release_of(shown.figures_of(view))


@functools.cache
def truth() -> dict[str, Release]:
    everyone = derive(clinic(SEED, N))
    return {
        name: release_of(shown_together(people))
        for name, people in ReleasedClinic.parts(everyone, BY)
    }


def test_no_page_tells_of_few_people():
    shown = dashboard("cms")
    n_shown = 0
    for view in views(shown):
        page = printed(shown, view)
        seen = attack(truth()[view.key], page, get_policy("cms"), stored_relations())
        assert seen.told == ()
        n_shown += seen.shown
    # The attack must have something to read.
    assert n_shown > 20


def test_no_two_pages_share_a_person_and_no_page_is_the_whole():
    everyone = derive(clinic(SEED, N, "cms"))
    groups = [
        set(people.patients["patient_id"])
        for _, people in ReleasedClinic.parts(everyone, BY)
    ]
    assert len(groups) == 2
    for one, other in itertools.combinations(groups, 2):
        assert not one & other
    whole = set(everyone.patients["patient_id"])
    assert all(group < whole for group in groups)


def test_no_other_page_can_be_reached():
    """Every filter and rule of the clinic's own view, with and without a group."""
    shown = dashboard("cms")
    own = derive(clinic(SEED, N))
    there = filters(own, first_choice(own))
    asked = [{select.name: select.options[1].value} for select in there]
    asked += [{"instrument": "GAD-7"}, {"criteria": "convention"}, {"baseline": "mean"}]
    asked += [{"group": ""}, {"group": "everyone"}, {"group": "placebo"}]
    asked += [{"group": "ketamine", **more} for more in asked[: len(there)]]
    for arguments in asked:
        with pytest.raises(UsageError, match="could be subtracted"):
            shown.view(arguments)


def test_the_whole_beside_its_groups_would_tell():
    """Why the whole is not shown: who has both subtracts one drug from it."""
    shown = dashboard("cms")
    pages = {f"{view.key}": printed(shown, view) for view in views(shown)}
    groups = named_apart(pages)
    whole = derive(clinic(SEED, N, "cms"))
    inside = release_of(shown_together(derive(clinic(SEED, N))))
    true = named_apart({**truth(), "whole": inside})
    relations = Relations(cells=tuple(sums(true, list(pages))))

    def told(release: Release) -> list[ReleaseCell]:
        puzzle = Puzzle(release, relations, true)
        return puzzle.told(puzzle.system(), puzzle.small(SMALLEST), SMALLEST)

    assert told(groups) == []
    released = release_of(clinics.protected_group(whole).figures.values())
    assert told({**groups, **named_apart({"whole": released})})


def named_apart(pages: dict[str, Release]) -> Release:
    """The tables of several pages as one release."""
    return {
        f"{name} {page}": table
        for page, tables in pages.items()
        for name, table in tables.items()
    }


def sums(true: Release, pages: list[str]) -> Iterator[tuple]:
    """What adds up over the pages to the whole, as anybody would guess."""
    for name in QUICK:
        whole = true[f"{name} whole"]
        key = next(c for c, role in whole.roles.items() if role == "key")
        parts = [true[f"{name} {page}"].table.set_index(key) for page in pages]
        for row, column in itertools.product(whole.table[key], whole.counts):
            if not all(row in part.index for part in parts):
                continue
            cells = [ReleaseCell(f"{name} {page}", str(row), column) for page in pages]
            total = ReleaseCell(f"{name} whole", str(row), column)
            yield ((total, -1), *((cell, 1) for cell in cells))
