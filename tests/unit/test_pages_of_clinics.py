"""Page one of simulated clinics of 240 people under each policy for release: what is left of it,
and whether good and bad figures stand together. `make attack` looks at twenty of them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, replace

import pytest

from kettrack.analysis import short_answers as module
from kettrack.analysis.overview import first_page
from kettrack.analysis.short_answers import ShortAnswer, short_answers
from kettrack.privacy.policies import POLICIES
from kettrack.report.release_check import figures_said
from kettrack.result import NOT_SHOWN, Result
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.trials.simulated_answers import clinic, without_null

PEOPLE = 240
N_CLINICS = int(os.environ.get("KETTRACK_CLINICS", "4"))
CLINICS = range(95_000, 95_000 + N_CLINICS)
# Policies of one rule give the same page.
RULES = {
    (each.smallest_count, each.rounding): name
    for name, each in POLICIES.items()
    if each.for_release
}
SHOWN_AT_LEAST = (
    0.8  # of the numbers of a page, under the policy that keeps the answers
)


@dataclass(frozen=True)
class Page:
    """What the first page of a clinic says under a policy."""

    results: list[Result]
    answers: list[ShortAnswer]

    @classmethod
    def of(cls, cohort: DerivedCohort) -> Page:
        results = first_page(cohort)
        # The question that takes longest says nothing of response and stopping.
        refused = replace(
            results[0], name="next_session", status="refused", reason="Not asked."
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "first_page", lambda _: results)
            patch.setattr(module, "next_session", lambda _: refused)
            return cls(results, short_answers(cohort))


@pytest.fixture(scope="module")
def pages() -> dict[tuple[str, int], Page]:
    found = {}
    with without_null():
        for seed in CLINICS:
            inside = derive(clinic(seed, PEOPLE))
            for policy in RULES.values():
                settings = replace(inside.settings, policy=policy)
                cohort = derive(replace(inside.cohort, settings=settings))
                found[policy, seed] = Page.of(cohort.sharing(inside))
    return found


@pytest.mark.slow
def test_good_and_bad_figures_of_every_page_stand_together(pages):
    """Whoever reads how many responded reads how many had stopped without it."""
    told = Counter()
    for (policy, seed), page in pages.items():
        answer = next(each for each in page.answers if each.key == "response")
        good = "%" in answer.headline
        bad = re.search(r"\d % had stopped without", answer.sentence) is not None
        assert good == bad == (not answer.picture.empty), (policy, seed, answer)
        told[policy] += good
        for result in page.results:
            assert "(not shown) had stopped" not in result.text, (policy, seed)
    # It must be an answer where the clinic can give one.
    assert told["midpoint6"] == len(CLINICS)
    assert min(told.values()) >= len(CLINICS) / 2


@pytest.mark.slow
def test_the_policy_that_keeps_the_answers_shows_page_one(pages):
    for seed in CLINICS:
        said = [
            text
            for result in pages["midpoint6", seed].results
            for text in figures_said(result).values()
        ]
        shown = sum(text != NOT_SHOWN for text in said)
        assert shown >= SHOWN_AT_LEAST * len(said), seed
        assert len(said) > 60
