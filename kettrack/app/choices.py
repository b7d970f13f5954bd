"""What can be chosen on the dashboard: scale, rules, baseline, and whose answers are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from kettrack.analysis.subgroups.characteristics import characteristic_label
from kettrack.analysis.subgroups.groups import all_groupings, groups_of
from kettrack.arrays import Bools
from kettrack.reading.settings_schema import CHOICES
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.criteria import criteria_for, get_criteria

EVERYONE: Final = ""
# Known only after the start: whoever is chosen by it has lived until then.
_LATER: Final = "early_response"
# Filters that a clinic asks for first; the others stand behind a fold.
_FIRST: Final = ("severity", "route", "drug", "site", "start_year")
_WORDS: Final = {
    "severity": "Severity before session 1",
    "route": "Route of the first session",
    "drug": "Drug of the first session",
    "start_year": "Period of care (year of the first session)",
    "ptsd": "PTSD",
}
# With one group there is nothing to choose.
_FEWEST_GROUPS: Final = 2
_RULES: Final = ("instrument", "criteria", "baseline")


class Option(NamedTuple):
    """One thing that can be chosen."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Select:
    """One filter, or one setting.

    Parameters
    ----------
    name, label : str
        In the address, and on the page.
    options : tuple of Option
        In order.
    chosen : str
        Value in force.
    first : bool
        Whether it stands in the open.
    """

    name: str
    label: str
    options: tuple[Option, ...]
    chosen: str
    first: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Parameters
    ----------
    instrument, criteria, baseline : str
        As in `Settings`.
    groups : tuple of (str, str)
        Grouping and group, in the order of the page; empty for everyone.
    """

    instrument: str
    criteria: str
    baseline: str
    groups: tuple[tuple[str, str], ...] = ()

    @property
    def query(self) -> str:
        """The choice as the end of an address."""
        named = [(name, getattr(self, name)) for name in _RULES]
        return urlencode([*named, *self.groups])


def first_choice(
    cohort: DerivedCohort,
) -> Choice:
    """Everyone, under the settings of the folder and the command line."""
    return Choice(*(getattr(cohort.settings, name) for name in _RULES))


def read_rules(
    arguments: Mapping[str, str], cohort: DerivedCohort
) -> tuple[Choice, list[str]]:
    """The settings that an address asks for, and what is said of those that there are not.

    Parameters
    ----------
    arguments : mapping
        Name to value.
    cohort : DerivedCohort
        Everyone, under the settings of the folder.
    """
    default = first_choice(cohort)
    remarks = []
    found = default
    for name, allowed in (
        ("instrument", _scored(cohort)),
        ("baseline", CHOICES["baseline"]),
    ):
        value = arguments.get(name, getattr(default, name))
        if value in allowed:
            found = replace(found, **{name: value})
        else:
            remarks.append(f"There is no such {name}; the one of the folder is used.")
    # Rules belong to a scale: those of another one are not kept.
    rules = [option.value for option in _rules_of(cohort, found.instrument)]
    value = arguments.get("criteria", default.criteria)
    found = replace(found, criteria=value if value in rules else rules[0])
    if value not in rules:
        remarks.append(
            f"The rules chosen before are not defined for {found.instrument}; {rules[0]} is used."
        )
    return found, remarks


def read_groups(
    arguments: Mapping[str, str], choice: Choice, cohort: DerivedCohort
) -> tuple[Choice, list[str]]:
    """The choice with the groups that an address asks for, and what is said of those that there
    are not.

    Parameters
    ----------
    arguments : mapping
        Name to value.
    choice : Choice
        From `read_rules`.
    cohort : DerivedCohort
        Everyone, under the settings of that choice.
    """
    remarks = []
    groups = []
    there = filters(cohort, choice)
    names = [select.name for select in there]
    for select in there:
        value = arguments.get(select.name, EVERYONE)
        if value in [option.value for option in select.options[1:]]:
            groups.append((select.name, value))
        elif value:
            # Bands of severity have other names on another scale.
            remarks.append(
                f"{select.label}: there is no such group here, so the filter was taken off."
            )
    # The form sends every filter of the scale before, also those for everyone.
    asked = [name for name, value in arguments.items() if value != EVERYONE]
    if any(name not in (*names, *_RULES) for name in asked):
        remarks.append(
            "A filter of the address is not there, or not with this scale; it was taken off."
        )
    return replace(choice, groups=tuple(groups)), remarks


def settings_selects(
    cohort: DerivedCohort,
    choice: Choice,
) -> list[Select]:
    """Scale, rules and baseline, as they can be chosen."""
    scales = tuple(Option(name, name) for name in _scored(cohort))
    rules = tuple(_rules_of(cohort, choice.instrument))
    baselines = tuple(
        Option(name, f"{name} score before session 1") for name in CHOICES["baseline"]
    )
    return [
        Select("instrument", "Scale", scales, choice.instrument),
        Select("criteria", "Rules", rules, choice.criteria),
        Select("baseline", "Baseline", baselines, choice.baseline),
    ]


def filters(
    cohort: DerivedCohort,
    choice: Choice,
) -> list[Select]:
    """Whose answers can be shown: every grouping that is known when somebody starts.

    Parameters
    ----------
    cohort : DerivedCohort
        Everyone, under the settings of the choice.
    choice : Choice
        What is chosen now.
    """
    chosen = dict(choice.groups)
    # People who improved early have stayed until then; they are no filter.
    there = [name for name in all_groupings(cohort) if name != _LATER]
    order = sorted(there, key=lambda name: name not in _FIRST)
    found = []
    for name in order:
        groups = group_names(cohort, name)
        if len(groups) < _FEWEST_GROUPS:
            continue
        label = characteristic_label(cohort, name)
        words = _WORDS.get(name, label[:1].upper() + label[1:])
        options = (Option(EVERYONE, "everyone"), *(Option(g, g) for g in groups))
        now = chosen.get(name, EVERYONE)
        found.append(Select(name, words, options, now, name in _FIRST))
    return found


def group_names(
    cohort: DerivedCohort,
    grouping: str,
) -> list[str]:
    """Groups that somebody is in."""
    groups = _groups(cohort, grouping)
    there = set(groups.dropna().unique())
    return [str(name) for name in groups.cat.categories if name in there]


def people_in(
    cohort: DerivedCohort,
    groups: Sequence[tuple[str, str]],
) -> Bools:
    """Who is in all of some groups, per patient.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> from kettrack.timelines.derived import derive
    >>> clinic = derive(load_cohort(sample_folder()))
    >>> bool(people_in(clinic, ()).all())
    True
    """
    # Somebody whose group is not known is in none.
    inside = np.ones(len(cohort.patients), bool)
    for name, group in groups:
        inside &= (_groups(cohort, name) == group).to_numpy(bool)
    return inside


def _groups(
    cohort: DerivedCohort,
    grouping: str,
) -> pd.Series:
    """Groups by patient, kept: every page asks for all of them."""
    return cohort.once(
        ("dashboard groups", grouping), lambda: groups_of(cohort, grouping)
    )


def _scored(
    cohort: DerivedCohort,
) -> list[str]:
    """Scales with scores that rate change, the folder's own first."""
    counts = cohort.scores["instrument"].value_counts()
    known = cohort.settings.known_instruments
    own = cohort.settings.instrument
    others = [str(name) for name in counts.index if name in known and name != own]
    return [own, *others]


def _rules_of(
    cohort: DerivedCohort,
    instrument: str,
) -> list[Option]:
    """Rules that are defined for a scale: the convention first, then the user's own and published
    ones.
    """
    settings = cohort.settings
    scale = settings.known_instruments[instrument]
    own = settings.user_criteria
    bundles = [get_criteria(scale), *criteria_for(scale, own)]
    # A preset may be called like the convention: what was put in last stays, which is the first.
    named = {bundle.name: bundle.label for bundle in reversed(bundles)}
    return [Option(name, named[name]) for name in reversed(named)]
