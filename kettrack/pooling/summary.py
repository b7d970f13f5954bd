"""What one site sends: its counts for every question that can be pooled, each number in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack import __version__
from kettrack.analysis.context import without_counts
from kettrack.analysis.registry import get_question
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.errors import UsageError
from kettrack.escapes import in_json, on_one_line, visible
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.counts import CountTables, PeopleCounts, count_people
from kettrack.pooling.released import released, require_addable
from kettrack.pooling.tallies import Shape, without_empty_rows
from kettrack.privacy.identifying_text import reason_in_text
from kettrack.privacy.policies import Policy, get_policy
from kettrack.privacy.release.words import rounded_words
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive

FORMAT: Final = "kettrack site summary"
# Of the file; it goes up when a name in it changes, or what a number counts.
SUMMARY_SCHEMA: Final = 1
LONGEST_SITE: Final = 40  # letters of a site's name
_HASH_LETTERS: Final = 8  # of the name of a site that was given none
_MADE_NAME: Final = re.compile(rf"site [0-9a-f]{{{_HASH_LETTERS}}}")
_ABOUT: Final = (
    "Counts of people and sessions of one site, and sums over its people. There is no row of a"
    " single person, no date, no code and no name of a patient. Each table says in words what each"
    " of its columns counts."
)
_NEARLY_ROWS: Final = (
    "its counts are nearly as fine as the people, and rounding leaves nothing of them.",
    "",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The counts of one site. Made by `summarise`, or read from the file that it wrote.

    Parameters
    ----------
    site : str
        Name under which the site is shown.
    people : int
        People with at least one session.
    rules : RulesInForce
        By which it was counted.
    policy : str
        Disclosure policy that the counts have been through; `internal` leaves them exact.
    input_sha256 : str
        Of the site's files, so that the same data are not pooled twice.
    version : str
        Of kettrack.
    tables : mapping
        Question to its tables, by name.
    not_counted : mapping
        Question to the reason why the site cannot count it.
    """

    site: str
    people: int
    rules: RulesInForce
    policy: str
    input_sha256: str
    version: str
    tables: CountTables
    not_counted: Mapping[str, str]

    @property
    def exact(self) -> bool:
        """Whether every number is as it was counted."""
        return not get_policy(self.policy).for_release

    def to_json(self) -> str:
        """The file that leaves the site: every number under a name, every name in words."""
        rules = asdict(self.rules)
        # Sites may differ in it, so it is no part of the rules.
        log_end_known = rules.pop("log_end_known")
        said: dict[str, Any] = {
            "format": FORMAT,
            "schema": SUMMARY_SCHEMA,
            "kettrack": self.version,
            "about": _ABOUT,
            "site": self.site,
            "policy": self.policy,
            "what_the_policy_says": get_policy(self.policy).banner,
            "people": self.people,
            "people_in_words": "people with at least one session in the log of this site",
            "rules": rules,
            "log_end_known": log_end_known,
            "input_sha256": self.input_sha256,
            "not_counted": dict(self.not_counted),
            "questions": {
                name: {
                    "asks": get_question(name).asks,
                    "tables": {
                        table: _table_said(PARTS[name].shapes[table], frame)
                        for table, frame in tables.items()
                    },
                }
                for name, tables in self.tables.items()
            },
        }
        return in_json(_laid_out(said))


def _table_said(shape: Shape, frame: pd.DataFrame) -> dict[str, Any]:
    # Steps of zeros would make the file ten times as long.
    rows = without_empty_rows(shape, frame)[shape.columns]
    return {
        "about": shape.about,
        "columns": shape.words,
        "rows": rows.to_dict("records"),
    }


def _laid_out(value: Any, depth: int = 0) -> str:
    """JSON that a person can read: one line for each row of a table."""
    inside = " " * (depth + 1)
    if isinstance(value, dict) and value:
        lines = (
            f"{inside}{json.dumps(name, ensure_ascii=False)}: {_laid_out(each, depth + 1)}"
            for name, each in value.items()
        )
        return _block("{", lines, "}", depth)
    if isinstance(value, list) and value:
        rows = (f"{inside}{json.dumps(row, ensure_ascii=False)}" for row in value)
        return _block("[", rows, "]", depth)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _block(opened: str, lines: Iterable[str], closed: str, depth: int) -> str:
    inside = ",\n".join(lines)
    return f"{opened}\n{inside}\n{' ' * depth}{closed}"


def summarise(cohort: Cohort | DerivedCohort, site: str = "") -> Summary:
    """Count what a site sends, so that sites can be pooled without rows of people.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        Of one site.
    site : str
        Name under which it is shown, at most 40 letters; a code rather than the name of a clinic,
        which can be a place. By default a code made from the files.

    Returns
    -------
    Summary
        `to_json()` is the file to send.

    Raises
    ------
    UsageError
        For a name that is too long, or no text; and under a policy that hides counts.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> summary = summarise(load_cohort(sample_folder()), site="A")
    >>> summary.people == len(load_cohort(sample_folder()).patients)
    True
    """
    derived = derive(cohort)
    policy = require_addable(derived.settings.policy)
    counts = count_people(derived, countable(policy))
    return summary_of(counts, derived, site)


def countable(policy: Policy) -> list[str]:
    """Questions whose counts may leave under a policy: all but those of which rounding would leave
    nothing.
    """
    return [
        name
        for name, part in PARTS.items()
        if not (part.nearly_rows and policy.for_release)
    ]


def summary_of(counts: PeopleCounts, cohort: DerivedCohort, site: str) -> Summary:
    """What a site sends of its counts.

    Parameters
    ----------
    counts : PeopleCounts
        Exact ones.
    cohort : DerivedCohort
        Whose settings and provenance hold; its people are not looked at.
    site : str
        As for `summarise`.
    """
    policy = require_addable(cohort.settings.policy)
    tables = {}
    not_counted = {}
    for name, part in PARTS.items():
        if name in counts.tables:
            tables[name] = {
                table: released(part.shapes[table], frame, policy)
                for table, frame in counts.tables[name].items()
            }
        else:
            # What a site cannot count, others may: the reason is sent in its place.
            reason, _ = counts.refused.get(name, _NEARLY_ROWS)
            not_counted[name] = _said(reason, policy)
    fingerprint = cohort.provenance.input_sha256
    return Summary(
        site=_site_name(site, fingerprint, tables),
        people=_rounded(counts.people, policy),
        rules=counts.rules,
        policy=cohort.settings.policy,
        input_sha256=fingerprint,
        version=__version__,
        tables=tables,
        not_counted=not_counted,
    )


def _said(reason: str, policy: Policy) -> str:
    """A reason on one line; under a release policy without an exact count."""
    line = visible(on_one_line(reason))
    return rounded_words(without_counts(line), policy) if policy.for_release else line


def _rounded(people: int, policy: Policy) -> int:
    """A number of people as it may leave."""
    if policy.rounding is None:
        return people
    return int(policy.rounding.of(np.array([float(people)]))[0])


def _site_name(site: str, fingerprint: str, tables: CountTables) -> str:
    """The name given, or one made from the files; frames in memory have no file, but counts."""
    if not isinstance(site, str) or len(site) > LONGEST_SITE:
        raise UsageError(
            f"The name of a site is text of at most {LONGEST_SITE} letters."
        )
    if reason := reason_in_site(site):
        raise UsageError(
            f"The name of the site looks like {reason}. It stands in the pooled report: give a"
            " code, such as --site A."
        )
    if site.strip():
        return visible(on_one_line(site.strip()))
    made_from = fingerprint or fingerprint_of(tables)
    return f"site {made_from[:_HASH_LETTERS]}"


def reason_in_site(site: str) -> str | None:
    """What in the name of a site could identify a person; None where nothing does.

    Examples
    --------
    >>> reason_in_site("North"), reason_in_site("Jane Smith")
    (None, "a person's name")
    """
    # A name made from the files may be digits only, by chance.
    return None if _MADE_NAME.fullmatch(site) else reason_in_text(site)


def fingerprint_of(tables: CountTables) -> str:
    """SHA-256 over all counts, by which the same counts are known again."""
    # Names of the site and of its files are no part of it.
    found = sha256()
    for question, parts in tables.items():
        for name, frame in parts.items():
            shape = PARTS[question].shapes[name]
            rows = without_empty_rows(shape, frame)[shape.columns]
            found.update(f"{question} {name} {rows.to_dict('records')}".encode())
    return found.hexdigest()
