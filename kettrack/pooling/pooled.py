"""Counts of several sites added up, and the answers that follow from the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kettrack import __version__
from kettrack.analysis.registry import Answer, get_question
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.errors import NotIdentified, UsageError, WrongArgument
from kettrack.pooling.between_sites import (
    DIFFERENCES,
    ESTIMANDS,
    SIDE_BY_SIDE,
    SiteEffects,
    differences,
    effects_by_measure,
    sites_in_order,
)
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.counts import summed
from kettrack.pooling.summary import Summary, fingerprint_of
from kettrack.pooling.summary_file import read_summaries
from kettrack.privacy import disclosure
from kettrack.privacy.identifying_text import reason_in_text
from kettrack.privacy.policies import INTERNAL, get_policy
from kettrack.result import Result
from kettrack.vocabulary.limits import FEWEST_PEOPLE

_ONE_SITE: Final = (
    "what that reason asks for, at one site or more. Where rounding is the reason, exact counts"
    " (--policy internal) from sites that may send them."
)
_ROUNDED_THERE: Final = (
    "Every site has rounded its counts before they were added. Running numbers are off by at most"
    " half a step of the rounding for each site, and shares by what follows from that."
)
# How the sites are set beside each other -> what does it.
COMPARED: Final = {
    DIFFERENCES: differences,
    SIDE_BY_SIDE: sites_in_order,
}
# Questions whose counts tell one site from another.
_TOLD_APART_BY: Final = (
    "ladder",
    "session_counts",
    "adverse_events",
    "worsening",
    "paired_change",
)
_SAME_RULES: Final = (
    "counts of all sites by the same rules: kettrack summarise FOLDER --instrument NAME --criteria"
    " NAME, with the same version of kettrack."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Several sites as one: made by `pool`.

    Parameters
    ----------
    sites : tuple of Summary
        As they came.
    results : mapping
        Question to its answer from the counts of all sites, in the order of a report; refused where
        the sum is still too little. `differences_between_sites` and `sites_side_by_side` come last.
    policy : str
        Disclosure policy that the answers have been through.
    fingerprint : str
        SHA-256 of all sites, in whatever order they came.
    """

    sites: tuple[Summary, ...]
    results: Mapping[str, Result]
    policy: str
    fingerprint: str

    def __getitem__(self, question: str) -> Result:
        """The pooled answer to one question.

        Raises
        ------
        UsageError
            For a question that is not pooled.
        """
        if question not in self.results:
            there = ", ".join(self.results)
            raise UsageError(f"{question!r} is not pooled. These are: {there}.")
        return self.results[question]

    @property
    def rules(self) -> RulesInForce:
        """Those of every site."""
        known = all(site.rules.log_end_known for site in self.sites)
        return replace(self.sites[0].rules, log_end_known=known)


def pool(
    sites: Sequence[Summary | str | Path],
    policy: str | None = None,
) -> Pool:
    """Add up the counts of several sites, and answer every question that counts can answer.

    Parameters
    ----------
    sites : sequence of Summary or path
        Two or more, from `summarise`, or the files that `kettrack summarise` wrote.
    policy : str, optional
        Disclosure policy of the answers. By default that of the sites where all have rounded by
        the same one, and else `internal`.

    Returns
    -------
    Pool
        Where the counts are exact, each answer is that of all rows in one folder.

    Raises
    ------
    DataProblems
        When a file cannot be read.
    UsageError
        With fewer than two sites, or where the same site comes twice.
    NotIdentified
        When the sites have counted by different rules or versions.

    Examples
    --------
    >>> from kettrack import cohort_from_frames, load_cohort, sample_folder, summarise
    >>> whole = load_cohort(sample_folder())
    >>> patients = whole.patients["patient_id"]
    >>> halves = []
    >>> for place, site in enumerate("AB"):
    ...     here = patients[place::2]
    ...     tables = (whole.sessions, whole.scores, whole.patients)
    ...     kept = [table[table["patient_id"].isin(here)] for table in tables]
    ...     halves.append(summarise(cohort_from_frames(*kept), site=site))
    >>> bool(pool(halves)["ladder"].table["left"].iloc[0] == len(patients))
    True
    """
    # In the order of their names, so that the order of the files says nothing.
    summaries = sorted(_summaries(sites), key=lambda site: site.site)
    # Asked for now, so that a wrong name is told before anything else.
    chosen = get_policy(policy or INTERNAL).name
    _require_different(summaries)
    _require_same_rules(summaries)
    # Answers need the pool: they say how many sites they come from.
    pooled = Pool(
        sites=tuple(summaries),
        results={},
        policy=chosen if policy else _policy_of(summaries),
        fingerprint=_fingerprint(summaries),
    )
    answers = {name: _answer(pooled, name) for name in PARTS}
    effects = effects_by_measure(summaries)
    beside = {name: _compared(pooled, name, effects) for name in COMPARED}
    return replace(pooled, results=answers | beside)


def _summaries(sites: Sequence[Summary | str | Path]) -> list[Summary]:
    """All sites, those that are files read."""
    if isinstance(sites, str | Path | Summary):
        raise WrongArgument("pool", "a list of summaries or files", sites)
    paths = [Path(each) for each in sites if not isinstance(each, Summary)]
    read = iter(read_summaries(paths))
    found = [each if isinstance(each, Summary) else next(read) for each in sites]
    if len(found) < 2:
        raise UsageError(
            "Pooling needs the counts of two sites or more. For one clinic: kettrack report"
            " FOLDER"
        )
    return found


def _policy_of(sites: Sequence[Summary]) -> str:
    """The policy that all sites have rounded by; `internal` where they differ."""
    policies = {site.policy for site in sites}
    return policies.pop() if len(policies) == 1 else INTERNAL


def _require_different(sites: Sequence[Summary]) -> None:
    """Stop where the same people would count twice, as far as that can be seen.

    Raises
    ------
    UsageError
        Naming the sites.
    """
    for what, marks in {
        "were made from the same files": [site.input_sha256 for site in sites],
        "hold the same counts": [_mark(site) for site in sites],
        "have the same name": [site.site for site in sites],
    }.items():
        seen = Counter(mark for mark in marks if mark)
        twice = [
            site.site for site, mark in zip(sites, marks, strict=True) if seen[mark] > 1
        ]
        if twice:
            raise UsageError(
                f"These summaries {what}: {', '.join(map(repr, twice))}. Each site counts once;"
                " name sites with --site."
            )


def _fingerprint(sites: Sequence[Summary]) -> str:
    """One hash of all sites."""
    # In whatever order the files were named, the same sites are the same input.
    marks = sorted(site.input_sha256 or _mark(site) for site in sites)
    return sha256("".join(marks).encode()).hexdigest()


def _mark(site: Summary) -> str:
    """What tells the counts of a site from those of another; empty where chance alone could make
    two alike.
    """
    if site.people < FEWEST_PEOPLE:
        return ""
    # Some short tables are enough: no two sites agree in all of them.
    return fingerprint_of(
        {
            question: site.tables[question]
            for question in _TOLD_APART_BY
            if question in site.tables
        }
    )


def _require_same_rules(sites: Sequence[Summary]) -> None:
    """Refuse to add what was not counted alike.

    Raises
    ------
    NotIdentified
        Naming what differs, and which site has what.
    """
    first = _counted_by(sites[0])
    for site in sites[1:]:
        other = _counted_by(site)
        differ = [name for name, value in first.items() if other[name] != value]
        if differ:
            name = differ[0]
            raise NotIdentified(
                f"the sites have not counted alike: {name.replace('_', ' ')} is"
                f" {_told(first[name])} at {sites[0].site!r} and {_told(other[name])} at"
                f" {site.site!r}.",
                _SAME_RULES,
            )


def _told(value: object) -> str:
    """What stands in a file, where it is no word that somebody may have put there by mistake."""
    words = str(value)
    return repr(value) if reason_in_text(words) is None else "something else"


def _counted_by(site: Summary) -> dict[str, Any]:
    """Everything that must be the same: the rules, and the version."""
    rules = asdict(site.rules)
    del rules["log_end_known"]
    return {
        **rules,
        "version_of_kettrack": site.version,
    }


def answer_of(sites: Sequence[Summary], rules: RulesInForce, question: str) -> Answer:
    """The answer to one question from the counts of some sites.

    Raises
    ------
    NotIdentified
        When no site has counted it, or the sum is too little.
    """
    if not any(question in site.tables for site in sites):
        # The sites may have different reasons; one of them is enough to go on with.
        reason = next(iter(site.not_counted.get(question, "") for site in sites))
        raise NotIdentified(reason or "no site has counted it.", _ONE_SITE)
    return PARTS[question].answer(summed(sites, question), rules)


def _answer(pooled: Pool, question: str) -> Result:
    """One pooled answer as a result, through the disclosure gate."""
    asked = get_question(question)
    answer = _or_refused(lambda: answer_of(pooled.sites, pooled.rules, question))
    # The words of a question speak of one clinic.
    estimand = asked.estimand.replace("this clinic", "these sites")
    answer = replace(
        answer,
        roles=answer.roles or asked.roles,
        decimals=answer.decimals or asked.decimals,
        show=answer.show or asked.show,
        recipes=answer.recipes or asked.recipes,
        estimand=estimand,
        unit=asked.unit,
        caveats=(*answer.caveats, *_about_sites(pooled, question)),
    )
    return _released(pooled, question, answer)


def _compared(
    pooled: Pool,
    name: str,
    effects: SiteEffects,
) -> Result:
    """Sites side by side, or how far they differ, as a result."""
    compare = _no_site_alone if _hides(pooled, name) else COMPARED[name]
    answer = _or_refused(lambda: compare(pooled.sites, pooled.rules, effects))
    answer = replace(answer, estimand=ESTIMANDS[name])
    return _released(pooled, name, answer)


def _hides(pooled: Pool, name: str) -> bool:
    """Whether the policy of the pool hides counts, which those of a site alone would give away."""
    return name == SIDE_BY_SIDE and get_policy(pooled.policy).smallest_count > 1


def _no_site_alone(
    sites: Sequence[Summary],
    rules: RulesInForce,
    effects: SiteEffects,
) -> Answer:
    """Refuse to show sites: a count that is hidden would follow from the sum and the others."""
    raise NotIdentified(
        "under this policy no site is shown alone: what is hidden of one would follow from the"
        " sum.",
        "the same with a policy that rounds, or inside of the project with --policy internal.",
    )


def _or_refused(ask: Callable[[], Answer]) -> Answer:
    """An answer, or the refusal as one."""
    try:
        return ask()
    except NotIdentified as refused:
        return Answer(table=pd.DataFrame(), refused=refused)


def _released(pooled: Pool, name: str, answer: Answer) -> Result:
    """An answer as a result, through the disclosure gate."""
    error = answer.refused
    retell = answer.sentence if callable(answer.sentence) else None
    said = retell(answer.table) if retell else str(answer.sentence)
    # Columns that are not pooled are not there.
    roles = {
        column: role for column, role in answer.roles.items() if column in answer.table
    }
    result = Result(
        name=name,
        table=answer.table,
        roles=roles,
        decimals=answer.decimals,
        show=tuple(column for column in answer.show if column in roles),
        sentence="" if error else said,
        retell=None if error else retell,
        recipes=answer.recipes,
        estimand=answer.estimand,
        caveats=answer.caveats,
        made_from=_made_from(pooled, answer, answer.unit),
        status="refused" if error else "ok",
        reason=error.reason if error else "",
        collect=error.collect if error else "",
        people=answer.people,
    )
    return _through_gate(pooled, result)


def _through_gate(pooled: Pool, result: Result) -> Result:
    """The result under the policy of the pool; what every site has rounded by it is not rounded
    again.
    """
    rounded_there = _policy_of(pooled.sites) == pooled.policy
    if not (rounded_there and get_policy(pooled.policy).for_release):
        return disclosure.apply(result, pooled.policy)
    return replace(
        result,
        policy=pooled.policy,
        caveats=(*result.caveats, _ROUNDED_THERE),
    )


def _about_sites(pooled: Pool, question: str) -> tuple[str, ...]:
    """From how many sites an answer comes, and why others are not in it."""
    without = [site for site in pooled.sites if question not in site.tables]
    n = len(pooled.sites) - len(without)
    said = (
        f"Added up from the counts of {n} sites; no row of a person left a site. Sites differ in"
        " people, treatment and care, and the sum hides that: see how far the sites differ."
    )
    # Sites with the same reason are told once.
    reasons = Counter(site.not_counted.get(question, "") for site in without)
    return (
        said,
        *(
            f"Not counted by {count} of the sites: {reason}"
            for reason, count in reasons.items()
        ),
    )


def _made_from(pooled: Pool, answer: Answer, unit: str) -> dict[str, Any]:
    """Where the numbers come from, under the names of the contract."""
    rules = pooled.rules
    return {
        "instrument": rules.instrument,
        "criteria": {
            "name": rules.criteria,
            "version": rules.criteria_version,
            "hash": rules.criteria_hash,
        },
        "baseline_rule": rules.baseline,
        "level": answer.level,
        "unit": unit,
        "seed": None,
        "extract": f"{len(pooled.sites)} sites, pooled",
        "log_complete_to": rules.log_complete_to,
        "left_out": None,
        "input_sha256": pooled.fingerprint,
        "version": __version__,
    }
