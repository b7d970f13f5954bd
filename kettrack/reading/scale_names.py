"""Names of scales that are not known: a slip of one that is, or another scale.

Another version is another scale: HAMD-21 is no slip of HAMD-17, nor MADRS-S of MADRS. So only a
name whose numbers and short endings agree is taken for a slip.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from kettrack.settings import SETTINGS_FILE

_ALIKE: Final = 0.8
_SHORTEST: Final = 3  # letters; a shorter name begins too many others
_ROMAN: Final = {"i": "1", "ii": "2", "iii": "3"}
_MOST_DIGITS: Final = 3


def nearest_scale(
    value: str,
    names: Iterable[str],
) -> str | None:
    """The scale that a name was probably meant to be, None where it is another scale.

    Examples
    --------
    >>> names = ["PHQ-9", "HAMD-17", "BDI-II", "MADRS", "QIDS-SR16"]
    >>> [nearest_scale(name, names) for name in ["PHQ9", "MARDS", "QIDS", "BDI-2"]]
    ['PHQ-9', 'MADRS', 'QIDS-SR16', 'BDI-II']
    >>> [nearest_scale(name, names) for name in ["HAMD-21", "MADRS-S", "PHQ-2", "BDI-I"]]
    [None, None, None, None]
    """
    known = {_joined(name): name for name in names}
    joined = _joined(value)
    if joined in known:
        return known[joined]
    if len(joined) < _SHORTEST:
        return None
    begun = [name for name in known.values() if _without_version(joined, name)]
    if begun:
        return begun[0]
    version = _version(value)
    same_version = {
        key: name
        for key, name in known.items()
        # HAMD-21 is as near to HAMD-17 as a slip would be.
        if _version(name) == version
    }
    found = difflib.get_close_matches(joined, list(same_version), n=1, cutoff=_ALIKE)
    return same_version[found[0]] if found else None


def other_version(
    value: str,
    names: Iterable[str],
) -> bool:
    """Whether a name is that of a known scale but for a number or a last letter, so that it may be
    printed: it names nobody.

    Examples
    --------
    >>> [other_version(name, ["HAMD-17", "MADRS"]) for name in ["HAMD-21", "MADRS-S", "Adams 2"]]
    [True, True, False]
    """
    if sum(sign.isdigit() for sign in value) > _MOST_DIGITS:
        return False
    letters = _letters(value)
    families = {_letters(name) for name in names}
    return letters in families or letters[:-1] in families


def scale_meant(
    value: str,
    names: Iterable[str],
) -> str:
    """What was probably meant by an unknown name, or how the scale is defined.

    Examples
    --------
    >>> scale_meant("PHQ9", ["PHQ-9"])
    'did you mean PHQ-9?'
    """
    known = list(names)
    near = nearest_scale(value, known)
    if near is None:
        # Any other name may be a person's, in a file whose columns have moved.
        may_be_named = other_version(value, known)
        return f"for another scale, {_definition(value if may_be_named else 'NAME')}"
    question = f"did you mean {near}?"
    # The same letters and numbers are a matter of hyphens and blanks.
    if _joined(near) == _joined(value):
        return question
    return f"{question} If it is another scale, {_definition('NAME')}"


def _definition(name: str) -> str:
    return (
        f"define it in {SETTINGS_FILE}: [instruments.{_key(name)}] with minimum, maximum and"
        ' direction = "higher is worse" or "higher is better"'
    )


def _key(name: str) -> str:
    """A name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalpha())


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", text.casefold())


def _joined(text: str) -> str:
    """The name without marks; a Roman number after the first part is a number."""
    tokens = _tokens(text)
    rest = [_ROMAN.get(token, token) for token in tokens[1:]]
    return "".join([*tokens[:1], *rest])


def _version(text: str) -> list[str]:
    """Numbers and short endings, by which versions of a scale differ."""
    rest = [_ROMAN.get(token, token) for token in _tokens(text)[1:]]
    return [token for token in rest if token.isdigit() or len(token) <= 2]


def _without_version(joined: str, name: str) -> bool:
    """Whether a name stops before the last parts of a known one, as QIDS before SR16."""
    tokens = _tokens(name)
    for end in range(1, len(tokens)):
        begin = " ".join(tokens[:end])
        if _joined(begin) == joined:
            return True
    return False
