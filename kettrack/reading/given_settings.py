"""Settings that come from Python: they are held to the same sense as those of `kettrack.toml`.

The file is checked key by key, with its lines. A value built in Python passes no schema, and a
slip of the pen in it would give numbers that look like any others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kettrack.errors import UsageError, WrongArgument
from kettrack.reading.rule_sense import (
    published_name,
    senseless_rules,
    senseless_scale,
)
from kettrack.settings import Settings
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
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


def refuse_wrong_kinds(settings: Settings) -> None:
    """Stop at a setting of another kind than it needs.

    Parameters
    ----------
    settings : Settings
        From Python, the command line or the file.

    Raises
    ------
    UsageError
        Names the setting and what it needs; never its value, which may be a person's.

    Examples
    --------
    >>> refuse_wrong_kinds(Settings(status={"walked out": "not observed"}))
    Traceback (most recent call last):
    ...
    kettrack.errors.WrongArgument: The setting 'status' needs an OwnStatus, but it was given a dict.
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


def refuse_senseless(settings: Settings) -> None:
    """Stop at scales and rules of one's own that cannot be meant, each with what it would do.

    Parameters
    ----------
    settings : Settings
        Of the right kinds, free of words that could identify somebody.

    Raises
    ------
    UsageError
        Names every fault.
    """
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
