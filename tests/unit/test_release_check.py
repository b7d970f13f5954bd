"""The last page of a release: what it says of hiding and rounding, how easily people are found, and
how much of page one a clinic of 240 people still tells.
"""

from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_cohort
from spec.tables import cohort

import kettrack as kt
from kettrack.analysis.overview import first_page
from kettrack.report.release_check import (
    figures_said,
    release_check,
    rounding_distances,
)
from kettrack.timelines.derived import derive
from kettrack.vocabulary.plain_words import NOT_SHOWN

SHOWN_AT_LEAST = 0.8


def under(clinic, policy):
    return replace(clinic, settings=replace(clinic.settings, policy=policy))


@pytest.fixture(scope="module")
def clinic():
    return simulated_cohort("clinic", 240, 1)


@pytest.fixture(scope="module")
def page(clinic):
    return first_page(under(clinic, "midpoint6"))


def test_page_one_of_a_middle_sized_clinic_is_told(page):
    said = [text for result in page for text in figures_said(result).values()]
    shown = np.mean([text != NOT_SHOWN for text in said])
    assert len(said) > 100
    assert shown >= SHOWN_AT_LEAST


def test_good_and_bad_news_are_told_together(page):
    told = {result.name: result.text for result in page}
    assert "had responded" in told["response_by_session"]
    assert "were worse than" in told["worsening"]
    assert "side effect was noted at" in told["adverse_events"]
    assert not any("Not shown" in text for text in told.values())


def test_rounding_moves_little_and_the_clinic_alone_is_told(clinic, page):
    moved = rounding_distances(first_page(clinic), page)
    assert len(moved) > 50
    assert moved["distance"].abs().mean() < 4
    # In what leaves nothing tells the internal figures.
    said = " ".join(
        sentence
        for answer in release_check(under(clinic, "midpoint6"), page, {})
        for sentence in answer.sentences
    )
    assert "internal" not in said
    assert "midpoint6" in said
    assert f"0 of {sum(len(figures_said(each)) for each in page)} numbers" in said


def test_what_stays_inside_has_no_release_check(clinic):
    assert release_check(clinic, [], {}) == ()


ROWS = """
patient | day | score
a | 0 | 20
a | 7 | 12
b | 0 | 20
b | 7 | 12
c | 0 | 20
c | 7 | 11
"""


def test_who_is_alone_with_scores_by_hand():
    """All begin with 20; only c has an 11, so two scores leave c alone, and one may."""
    found = kt.estimate("uniqueness", cohort(ROWS)).table.set_index("key")
    assert found.loc["alone", "events"] == 0
    assert found.loc["few", "events"] == 3
    assert found.loc["scores_2", ["n", "events"]].tolist() == [3, 1]
    assert found.loc["scores_1", "events"] in (0, 1)
    assert found.loc["scores_3", "n"] == 0


def test_who_is_alone_is_what_plain_loops_find(clinic):
    derived = derive(clinic)
    people = derived.patients
    known = [
        tuple(
            "unknown"
            if str(value) in ("<NA>", "nan", "None")
            else (int(value) // 10 if name == "age" else value)
            for name, value in zip(row._fields, row, strict=True)
        )
        for row in people[
            [n for n in ("age", "sex", "site", "start_year") if n in people]
        ].itertuples(index=False)
    ]
    alone = sum(known.count(each) == 1 for each in known)
    found = kt.estimate("uniqueness", derived).table.set_index("key")
    assert found.loc["alone", "events"] == alone
