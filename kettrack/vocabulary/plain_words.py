"""Generated text as people write it: one person has, two people have; codes as words."""

from __future__ import annotations

import re
from typing import Final

_PLURAL_PEOPLE: Final = {"people": "person", "losses": "loss"}
_NOUNS: Final = (
    "people|patients|persons|sessions|scores|days|weeks|months|courses|decisions|pairs|losses|responses|intervals|gaps|treatments|"
    "reasons|spells|answers|logs|lines|rows|visits|points|samples"
)
_VERBS: Final = {
    "have": "has",
    "were": "was",
    "are": "is",
    "do": "does",
    "go": "goes",
    "need": "needs",
    "count": "counts",
}
# After these a 1 is a name and not a number: "by session 1 people had".
_NAMED: Final = re.compile(
    r"(?i)session|day|week|row|item|visit|course|number|step|convention|version|treatment"
)
_BETWEEN: Final = (
    r"(?:(?!(?:of|to|in|at|and|or|by|the|with|for|from|who|that)\b)[a-z]+ ){0,2}?"
)
_ONE: Final = re.compile(
    r"(?P<before>[\w-]+ )?(?<![\w.,-])1 "
    rf"(?:(?P<between>{_BETWEEN})(?P<noun>{_NOUNS})\b(?: (?P<verb>{'|'.join(_VERBS)})\b)?"
    rf"|(?P<alone>of them |more )?(?P<bare>{'|'.join(_VERBS)})\b)"
)
_CODE: Final = re.compile(r"(?=\d*[a-z_]*[a-z])[a-z0-9]+(?:_[a-z0-9]+)+")


def agree(text: str) -> str:
    """Bring nouns and verbs behind the number 1 into the singular.

    Examples
    --------
    >>> agree("Of 1 people who started, 1 were below caseness; 1 days ago; 11 people have, 1 analysable people have.")
    'Of 1 person who started, 1 was below caseness; 1 day ago; 11 people have, 1 analysable person
    has.'
    >>> agree("By session 1 people had a score; 0.1 points; 1,000 people.")
    'By session 1 people had a score; 0.1 points; 1,000 people.'
    """
    return _ONE.sub(_singular, text)


def _singular(found: re.Match[str]) -> str:
    if _NAMED.fullmatch((found["before"] or "").strip()):
        return found[0]
    if found["noun"] is None:
        return f"{found['before'] or ''}1 {found['alone'] or ''}{_VERBS[found['bare']]}"
    noun = _PLURAL_PEOPLE.get(found["noun"], found["noun"].removesuffix("s"))
    verb = f" {_VERBS[found['verb']]}" if found["verb"] else ""
    return f"{found['before'] or ''}1 {found['between']}{noun}{verb}"


def readable(text: str) -> str:
    """A sentence for people: numbers and nouns agree, and names of estimates stand without marks of
    code.

    Examples
    --------
    >>> readable("Decisions that `next_session` uses: 1 decisions.")
    'Decisions that next_session uses: 1 decision.'
    """
    return agree(text.replace("`", ""))


def in_words(code: str) -> str:
    """A code of lower-case words as a reader knows it; any other text as it is.

    Examples
    --------
    >>> in_words("treatment_policy"), in_words("20_to_49"), in_words("S001"), in_words("not scored")
    ('treatment policy', '20 to 49', 'S001', 'not scored')
    """
    return code.replace("_", " ") if _CODE.fullmatch(code) else code
