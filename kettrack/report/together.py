"""What the answers of one report tell together, beyond what each of them tells by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from kettrack.analysis import estimate
from kettrack.analysis.registry import load_questions
from kettrack.privacy.disclosure import apply
from kettrack.privacy.policies import INTERNAL, get_policy
from kettrack.privacy.release.manifest import Manifest, manifest_text, require_same
from kettrack.privacy.release.whole import withheld_names, withhold
from kettrack.report.against_page import Other, compare_inside
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort, derive

_ASKED: Final = re.compile(r'estimate\("(\w+)", cohort(?:, by="(\w+)")?\)')
# Asked by the first page and by no notebook of every report.
_FIRST_PAGE: Final = (
    ("ladder", ""),
    ("session_counts", ""),
    ("response_by_session", ""),
    ("remission_by_session", ""),
    ("response_by_week", ""),
    ("worsening", ""),
    ("worsening_by_week", ""),
    ("suicidality_in_short", ""),
    ("adverse_events", ""),
    ("state_after_course", ""),
    ("durability", ""),
    ("durability_from_response", ""),
    ("among_scored", ""),
    ("trajectories", ""),
)
# They draw clinics or people anew, and no sum of other tables gives their numbers.
_APART: Final = frozenset({"next_session", "next_session_maintenance"})


def withheld_in_report(
    outside: DerivedCohort,
    sources: Iterable[str],
    previous: Manifest | None = None,
    other: Other | None = None,
) -> tuple[tuple[str, ...], str]:
    """The numbers that a report may not show beside its others, and the manifest of those that it
    shows; nothing of both where the policy is not for release.

    Parameters
    ----------
    outside : DerivedCohort
        Under the policy of the report. It keeps what was found on the way.
    sources : iterable of str
        Code of its notebooks.
    previous : Manifest, optional
        Of an earlier report on the same clinic.
    other : Cohort or str, optional
        What the report compares the clinic with: both sides are then protected together with
        everything else.

    Raises
    ------
    UsageError
        When the earlier report was made under other rules.
    """
    cohort = outside.cohort
    rules = get_policy(cohort.settings.policy)
    made_by = {
        "policy": rules.name,
        "instrument": cohort.instrument.name,
        "criteria": cohort.criteria.label,
    }
    if previous is not None:
        require_same(previous, **made_by)
    if not rules.for_release:
        return (), ""
    # What is hidden can only be judged by somebody who sees it.
    settings = replace(cohort.settings, policy=INTERNAL)
    # First what may be refused, since the others take minutes.
    before = [] if other is None else [compare_inside(cohort, other)]
    # A comparison has the same rows under every policy. Other answers are asked again: some have
    # fewer rows under a policy for release, and the gate then hides less of them.
    after = [apply(result, rules.name) for result in before]
    # What both are made of, such as simulated clinics, is worked out once.
    inside = derive(replace(cohort, settings=settings)).sharing(outside)
    before += _answers(inside, sources)
    after += _answers(outside, sources)
    withheld = withheld_names(before, after, rules, previous)
    shown = [withhold(result, withheld) for result in after]
    return withheld, manifest_text(shown, previous, **made_by)


def _answers(derived: DerivedCohort, sources: Iterable[str]) -> Iterator[Result]:
    """Every answer of the report, under the policy of the cohort."""
    there = load_questions()
    asked = [
        found.groups(default="") for code in sources for found in _ASKED.finditer(code)
    ]
    for name, by in dict.fromkeys([*_FIRST_PAGE, *asked]):
        if name in there and name not in _APART:
            yield estimate(name, derived, by=by or None)
