"""Generated text as people write it: one person has, two people have; codes and states as words."""

from __future__ import annotations

import re
from typing import Final

# `6.4 %` and `37 %`: a decimal of a large percentage tells nothing.
ONE_DECIMAL_BELOW: Final = 10  # percent
# Plurals that do not just end in s.
_PLURAL_PEOPLE: Final = {"people": "person", "losses": "loss"}
_NOUNS: Final = (
    "people|patients|persons|sessions|scores|days|weeks|months|courses|decisions|pairs|losses|responses|intervals|gaps|treatments|"
    "reasons|spells|answers|logs|lines|rows|visits|points|samples|attempts|admissions|deaths"
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
# Up to two words between number and noun, such as "1 analysable people", but none that ends the
# phrase.
_BETWEEN: Final = (
    r"(?:(?!(?:of|to|in|at|and|or|by|the|with|for|from|who|that)\b)[a-z]+ ){0,2}?"
)
_ONE: Final = re.compile(
    r"(?P<before>[\w-]+ )?(?<![\w.,-])1 "
    rf"(?:(?P<between>{_BETWEEN})(?P<noun>{_NOUNS})\b(?: (?P<verb>{'|'.join(_VERBS)})\b)?"
    rf"|(?P<alone>of them |more )?(?P<bare>{'|'.join(_VERBS)})\b)"
)
# Small letters and digits joined by underscores; a study code has capitals.
_CODE: Final = re.compile(r"(?=\d*[a-z_]*[a-z])[a-z0-9]+(?:_[a-z0-9]+)+")

# What stands in a sentence for a hidden number.
NOT_SHOWN: Final = "(not shown)"
# A quantity of which every part is hidden becomes one word: share, interval, and what it is of.
_GONE: Final = re.escape(NOT_SHOWN)
_HIDDEN_QUANTITY: Final = re.compile(
    rf"{_GONE}(?: %)?(?:,? \(?{_GONE} to {_GONE}\)?)?(?: of {_GONE})?|\({_GONE}(?: %)?\)"
)
_REPEATED: Final = re.compile(rf"\(?{_GONE}\)?(?:,? \(?{_GONE}\)?)+|\({_GONE}\)")
# An interval that does not exist, as of a share of 100 %, leaves no empty brackets.
_NO_INTERVAL: Final = re.compile(r" \(-\)| \( to \)|; -(?=\))")

# The value in the column `state` -> as it is read, from worst to best.
STATE_WORDS: Final = {
    "worse": "worse",
    "unchanged": "unchanged",
    "partial": "partial response",
    "response": "response",
    "remission": "remission",
}

# With a rule in points, a small rise of a low baseline is a large one in percent.
UNCHANGED_MEANS: Final = (
    "Unchanged means that no rule in force calls the score better or worse. A rise or fall that is"
    " too small for these rules is in it, however many percent it is of a low baseline"
)


class CellText(str):
    """A cell as text, which a sentence may ask for as a percentage: `{row6.estimate:%}`.

    A plain `{row6.estimate}` is the text as it stands in the table. With `%` it is a percentage for
    reading, with its sign (`37 %`, `6.4 %`); with `pc` the same without the sign, for the first end
    of an interval; with `.0f` a whole number. A hidden or missing cell stays as it is.

    Parameters
    ----------
    text : str
        As in the table.
    value : float or None
        The number behind it; None where it is hidden or missing.

    Examples
    --------
    >>> cell = CellText("36.6", 36.6)
    >>> f"{cell}; {cell:%}; {cell:pc}; {cell:.0f}; {CellText('hidden'):%}"
    '36.6; 37 %; 37; 37; hidden'
    """

    value: float | None

    def __new__(cls, text: str, value: float | None = None) -> CellText:
        """Text with the number behind it."""
        cell = super().__new__(cls, text)
        cell.value = value
        return cell

    def __format__(self, spec: str) -> str:
        """The text, or the number as a percentage or without its decimals."""
        if spec not in ("%", "pc", ".0f"):
            return super().__format__(spec)
        # A hidden cell says "hidden" in a sentence as well.
        if self.value is None:
            return str(self)
        if spec == ".0f":
            return f"{self.value:.0f}"
        return f"{percentage(self.value)} %" if spec == "%" else percentage(self.value)


def percentage(value: float) -> str:
    """A percentage as it stands in a sentence: whole from 10 on, one decimal below.

    Examples
    --------
    >>> [percentage(value) for value in (36.6, 9.96, 6.42, 0.0, 100.0)]
    ['37', '10', '6.4', '0', '100']
    """
    if value == 0 or round(abs(value), 1) >= ONE_DECIMAL_BELOW:
        return f"{value:.0f}"
    return f"{value:.1f}"


def share_with_interval(row: str, *, of: str = "estimate", ends: str = "ci") -> str:
    """Template of a percentage with its interval, the one way in which sentences say it.

    Parameters
    ----------
    row : str
        Key of the row, as a template names it.
    of : str
        Column of the percentage.
    ends : str
        Columns of the interval, without `_low` and `_high`.

    Examples
    --------
    >>> share_with_interval("row6")
    '{row6.estimate:%} ({row6.ci_low:pc} to {row6.ci_high:%})'
    """
    return f"{{{row}.{of}:%}} ({{{row}.{ends}_low:pc}} to {{{row}.{ends}_high:%}})"


def value_with_interval(row: str, *, of: str = "estimate", ends: str = "ci") -> str:
    """Template of a number with its interval, in the unit of the table.

    Examples
    --------
    >>> value_with_interval("slope")
    '{slope.estimate} ({slope.ci_low} to {slope.ci_high})'
    """
    return f"{{{row}.{of}}} ({{{row}.{ends}_low}} to {{{row}.{ends}_high}})"


def score_difference_words(row: str, estimate: float) -> tuple[str, str]:
    """Template of how far apart two groups scored, and the word before the other group.

    Parameters
    ----------
    row : str
        Key of the row, which has a `size` shown with one decimal.
    estimate : float
        The difference with its sign.

    Examples
    --------
    >>> score_difference_words("next_session", -0.4)
    ('{next_session.size} points lower', 'than')
    >>> score_difference_words("next_session", -0.04)
    ('almost the same', 'as')
    """
    # "0.0 points lower" would give a way to a difference that the reader cannot see
    if round(abs(estimate), 1) == 0:
        return "almost the same", "as"
    way = "lower" if estimate < 0 else "higher"
    return f"{{{row}.size}} points {way}", "than"


def agree(text: str) -> str:
    """Bring nouns and verbs behind the number 1 into the singular.

    Examples
    --------
    >>> agree("Of 1 people who started, 1 were below caseness; 1 days ago.")
    'Of 1 person who started, 1 was below caseness; 1 day ago.'
    >>> agree("11 people have, 1 analysable people have.")
    '11 people have, 1 analysable person has.'
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


def hidden_once(said: str) -> str:
    """A sentence in which one word stands for all that is hidden side by side, and none for an
    interval that does not exist.

    Examples
    --------
    >>> hidden_once("Of 9, (not shown) % ((not shown) to (not shown)) did.")
    'Of 9, (not shown) did.'
    """
    quantities = _HIDDEN_QUANTITY.sub(NOT_SHOWN, said)
    plain = _REPEATED.sub(NOT_SHOWN, quantities)
    return _NO_INTERVAL.sub("", plain).rstrip()


def in_words(code: str) -> str:
    """A code of lower-case words as a reader knows it; any other text as it is.

    Examples
    --------
    >>> in_words("treatment_policy"), in_words("20_to_49"), in_words("S001"), in_words("not scored")
    ('treatment policy', '20 to 49', 'S001', 'not scored')
    """
    return code.replace("_", " ") if _CODE.fullmatch(code) else code


# Figures and sentences read the words from here, so that nobody is called one thing in a table
# and another in the picture beside it.
