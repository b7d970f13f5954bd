"""The settings in force: what the caller says, over `kettrack.toml`, over the defaults.

The file is checked key by key, with its lines. A value built in Python passes no schema, and a
slip of the pen in it would give numbers that look like any others: here it is held to the same
sense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from kettrack.errors import UsageError, WrongArgument
from kettrack.privacy.identifying_people import may_be_shown
from kettrack.privacy.identifying_text import HOW_TO_NAME_DATA, reason_in_text
from kettrack.privacy.policies import get_policy
from kettrack.reading.problems import Ledger, did_you_mean
from kettrack.reading.rule_sense import (
    published_name,
    senseless_rules,
    senseless_scale,
)
from kettrack.reading.scale_names import scale_meant
from kettrack.reading.settings_file import read_settings
from kettrack.reading.settings_schema import CHOICES
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.criteria import PRESETS, get_criteria
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS, get_instrument
from kettrack.vocabulary.rules import Criteria
from kettrack.vocabulary.status_words import OwnStatus

# Setting to its kind and the words for it.
_KINDS: Final[Mapping[str, tuple[type, str]]] = {
    "currency": (str, "text"),
    "extract": (str, "text"),
    "crisis_line": (str, "text"),
    "scores_of": (str, "the name of an instrument"),
    "columns": (Mapping, "a mapping of table names to renamed columns"),
    "status": (OwnStatus, "an OwnStatus"),
}
_MEMBERS: Final[Mapping[str, tuple[type, str]]] = {
    "user_instruments": (Instrument, "a tuple of Instrument"),
    "user_criteria": (Criteria, "a tuple of Criteria"),
    "withheld": (str, "a tuple of names of numbers"),
}


def settings_of_folder(
    folder: Path, overrides: Mapping[str, object], ledger: Ledger
) -> Settings | None:
    """The settings in force: what the caller says, over the file, over the defaults."""
    known = [field.name for field in fields(Settings)]
    for name in overrides:
        # A misspelt keyword would otherwise be taken for an option not given.
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(
                f"There is no setting {name!r}{near or '.'} There are: {', '.join(known)}."
            )
    path = folder / SETTINGS_FILE
    settings = read_settings(path, ledger) if path.is_file() else Settings()
    if settings is None:
        return None
    # The command line passes None for every option that was not given.
    given = {name: value for name, value in overrides.items() if value is not None}
    chosen = replace(settings, **given)  # type: ignore[arg-type]
    # A mistake in the file may be why an instrument is not known; it is told with the others.
    return chosen if ledger.problems else usable_settings(chosen)


def usable_settings(settings: Settings) -> Settings:
    """Fail at the door, not in the middle of an analysis, when instrument, criteria, policy or a
    rule does not exist.
    """
    _refuse_wrong_kinds(settings)
    for name, allowed in CHOICES.items():
        value = getattr(settings, name)
        if value not in allowed:
            near = did_you_mean(str(value), allowed)
            raise UsageError(
                f"There is no such {name}; there are: {', '.join(allowed)}{near}."
            )
    defined = {
        "instrument": list(settings.known_instruments),
        # Published rules go by their first author and a year.
        "criteria": [rules.name for rules in (*settings.user_criteria, *PRESETS)],
    }
    # Callers can pass anything here; `kettrack.toml` is checked by its schema.
    for what in ("instrument", "criteria"):
        value = getattr(settings, what)
        if not isinstance(value, str):
            raise WrongArgument(f"The setting {what!r}", "a name", value)
        # A name of a scale such as HAM-A may look like a person's; where it is defined, it is none.
        if value not in defined[what] and not may_be_shown(value):
            raise UsageError(
                f"There is no such {what}. The name is not repeated here, because it looks"
                " like a person's."
            )
    if settings.instrument not in settings.known_instruments:
        known = defined["instrument"]
        raise UsageError(
            f"No instrument is called {settings.instrument!r}; there are:"
            f" {', '.join(known)}; {scale_meant(settings.instrument, known)}."
        )
    _refuse_identifying_words(settings)
    _refuse_senseless(settings)
    # Looked up only to fail now where there is none; the cohort looks them up again.
    instrument = get_instrument(settings.instrument, settings.known_instruments)
    get_criteria(instrument, settings.criteria, settings.user_criteria)
    # What is printed names the policy itself, also where the word for the usual one was given.
    return replace(settings, policy=get_policy(settings.policy).name)


def _refuse_identifying_words(settings: Settings) -> None:
    """Stop at settings from Python or the command line that could identify somebody; those of the
    file are reported with their line.
    """
    scales = [scale.name for scale in settings.user_instruments]
    own = [criteria.name for criteria in settings.user_criteria]
    given_words = {
        "extract": [settings.extract],
        "currency": [settings.currency],
        "user_instruments": scales,
        "user_criteria": own,
    }
    for name, words in given_words.items():
        reasons = [reason for word in words if (reason := reason_in_text(str(word)))]
        if reasons:
            raise UsageError(
                f"The setting {name!r} holds what looks like {reasons[0]}."
                f" {HOW_TO_NAME_DATA.capitalize()}."
            )


def _refuse_wrong_kinds(settings: Settings) -> None:
    """Stop at a setting of another kind than it needs; its value, which may be a person's, is not
    repeated.
    """
    for name, (kind, words) in _KINDS.items():
        value = getattr(settings, name)
        if not isinstance(value, kind):
            raise WrongArgument(f"The setting {name!r}", words, value)
    for name, (kind, words) in _MEMBERS.items():
        value = getattr(settings, name)
        if not isinstance(value, (tuple, list)):
            raise WrongArgument(f"The setting {name!r}", words, value)
        # One wrong member is enough to say what is wrong.
        strange = [member for member in value if not isinstance(member, kind)]
        if strange:
            raise WrongArgument(f"The setting {name!r}", words, strange[0])


def _refuse_senseless(settings: Settings) -> None:
    """Stop at scales and rules of one's own that cannot be meant; every fault is named."""
    faults = []
    for scale in settings.user_instruments:
        faults += [f"{scale.name}, {fault}" for fault in _of_scale(scale)]
    for criteria in settings.user_criteria:
        faults += [
            f"{criteria.name}, {fault}" for fault in _of_rules(criteria, settings)
        ]
    if faults:
        raise UsageError(
            "Scales or rules of one's own cannot be meant:\n  " + "\n  ".join(faults)
        )


def _of_scale(scale: Instrument) -> list[str]:
    built_in = {name.casefold(): known for name, known in INSTRUMENTS.items()}
    known = built_in.get(scale.name.casefold())
    if known is None:
        wrong = senseless_scale(scale)
        return [f"{key}: expected {expected}" for key, expected in wrong.items()]
    # A clinic may say how it uses a built-in scale; its name must stay that of this scale.
    same = (known.name, known.minimum, known.maximum, known.higher_is_worse)
    if same != (scale.name, scale.minimum, scale.maximum, scale.higher_is_worse):
        return ["name: another one is needed, since a built-in instrument has this one"]
    return []


def _of_rules(criteria: Criteria, settings: Settings) -> list[str]:
    if published_name(criteria.name):
        return ["name: another one is needed, since built-in criteria have this one"]
    scale = settings.known_instruments.get(criteria.instrument)
    if scale is None:
        return [f"instrument: expected one of {', '.join(settings.known_instruments)}"]
    wrong = senseless_rules(criteria, scale)
    return [f"{key}: expected {expected}" for key, expected in wrong.items()]
