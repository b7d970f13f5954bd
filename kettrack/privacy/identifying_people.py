"""Values that read like the name of a person, and words that may be printed because they do not.

What is caught where a study code should stand: two or more words of letters in any case (`Jane
Smith`, `JANE SMITH`, `jane smith`, `Jane-Smith`, `Jane.Smith`, `Jane Smith (1980)`), a surname with
initials (`Smith J`, `Smith, J`), and a whole column of single words of letters. What this costs:
study codes that are words. Words of study design (`Arm B`, `site north`) are left alone. A single
word stops only when most of the column are such words of different lengths, and most of them begin
with a capital or three are common first names (fewer than three words must be both): `alpha`,
`moved` pass, a column of `Alpha`, `Gamma`, `Epsilon` does not. Lower-case words joined by hyphens
pass. Whoever has such codes lets the column through by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import (
    cache,
    lru_cache,
)
from typing import Final
from unicodedata import category

import numpy as np

from kettrack.arrays import Bools, Ints, Objects
from kettrack.escapes import on_one_line, visible
from kettrack.privacy.identifying_names import all_known_words
from kettrack.privacy.identifying_shapes import matches
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.heading_words import (
    OTHER_HEADINGS,
    TABLE_WORDS,
    VISIT_WORDS,
    WORDS_OF_HEADINGS,
)
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.score_headings import WORDS_OF_SCORES

_NAME: Final = r"[\p{Lu}][\p{L}'’]*[\p{Ll}][\p{L}'’]*"
_PART: Final = r"[\p{L}][\p{L}'’-]+"
_INITIALS: Final = r"[\p{Lu}]\.?(?:[ -]?[\p{Lu}]\.?){0,2}"
_YEARS: Final = r"(?:[ ,]*(?:\([^)]*\)|(?:19|20)\d\d))?"
_PERSON: Final = (
    # Jane Smith, JANE B. SMITH, jane smith, Smith, Jane
    rf"(?:{_PART}(?:,? (?:{_PART}|[\p{{L}}]\.))*,? {_PART}"
    rf"|[\p{{Lu}}][\p{{L}}'’-]+(?: |, ?){_INITIALS}"  # Smith J, Smith, J
    rf"|{_INITIALS} [\p{{Lu}}][\p{{L}}'’-]+"  # J. Smith
    # Jane.Smith, Jane-Smith, jane.smith
    rf"|{_NAME}(?:[._-]{_NAME})+|[a-z]{{2,}}\.[a-z]{{2,}}"
    rf"|{_PART}, ?{_PART}(?: .*)?){_YEARS}"
)
_TITLED: Final = (
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|Monsieur|Madame)\.? [\p{Lu}][\p{L}]+"
)
# Jane Smith, Jane B. Smith, JANE SMITH
_PAIR: Final = r"\b([A-Z][A-Za-z]+) (?:[A-Z]\.? )?(?=([A-Z][A-Za-z'’-]+))"
_WORD: Final = r"[\p{L}][\p{L}'’]+"
# Jane, O'Neil, JANE
_CAPITAL_WORD: Final = r"[\p{Lu}][\p{L}]*[\p{Ll}'’][\p{L}]*|[\p{Lu}]{3,}"
_NUMBER_BEHIND_A_HYPHEN: Final = r"[^\W\d_]{3,}-\d{3,}"
_YEAR_BEHIND: Final = r"[^\W\d_]{3,}[_ .-]?(?:19|20)\d\d(?!\d)"
_MOST: Final = 0.5  # of a column, or of its words
# Cells of a row that were taken for one heading: in a question, a blank follows a semicolon.
_CELLS: Final = r";\S.*;\S|\|\S.*\|\S"
_LINE_ENDS: Final = str.maketrans("", "", "\r\n")
_CONTROL: Final = ("Cc", "Cs")  # kinds of signs in Unicode that nobody types
_FEWEST: Final = 3  # words; fewer must be common first names
_FEWEST_LETTERS: Final = 4  # of a word that is no initial
_DIGITS_TOO_MANY: Final = (
    5  # in a name that is printed: part of a date or a record number
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STUDY_WORDS: Final = _words(
    "arm group site cohort study trial control case patient participant subject test placebo"
    " active ketamine esketamine center centre clinic ward pilot phase code number no id north"
    " south east west part block batch sample dummy synthetic person"
)
_FILE_WORDS: Final = _words(
    "old new raw backup copy export data log monthly weekly visit visits total totals cost costs"
    " lab results report problems final draft version readme codebook dictionary measure scale"
    " rating room mood value unit type of the and for to at on by in with first last depression"
    " self drug exposure procedure occurrence observation measurement"
)
_FIRST_NAMES: Final = _words(
    "james john robert michael william david richard joseph thomas charles christopher daniel"
    " matthew anthony mark donald paul andrew joshua kenneth kevin brian george edward ronald"
    " timothy jason jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott"
    " brandon benjamin samuel frank gregory raymond alexander patrick jack dennis jerry peter"
    " adam henry nathan zachary kyle noah ethan jeremy walter keith roger terry sean austin carl"
    " arthur lawrence dylan jesse jordan bryan billy bruce gabriel joe logan alan juan albert"
    " willie elijah wayne randy vincent liam bob bill tom ben sam max mary patricia jennifer"
    " linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley"
    " emily donna michelle carol amanda melissa deborah stephanie rebecca sharon laura cynthia"
    " dorothy amy kathleen angela emma brenda pamela nicole anna samantha katherine christine"
    " debra rachel carolyn janet maria olivia heather helen catherine diane julie victoria joyce"
    " lauren kelly christina ruth joan virginia judith evelyn hannah andrea megan cheryl"
    " jacqueline madison teresa abigail sophia martha sara gloria janice kathryn ann isabella"
    " judy charlotte julia amber alice jean denise frances danielle marilyn natalie beverly diana"
    " brittany kayla alexis jane lucy kate sophie marie pierre jacques louis michel claude"
    " nathalie isabelle sylvie hans peter klaus wolfgang ursula monika petra sabine renate karin"
    " jose carlos luis"
)


def person_like(levels: Objects) -> Bools:
    """Tell which of some distinct values read like a person's name of two parts or more.

    Examples
    --------
    >>> names = ["Jane Smith", "jane smith", "Smith, J", "Jane-Smith", "Jane Smith (1980)"]
    >>> person_like(np.array(names, dtype=object)).tolist()
    [True, True, True, True, True]
    >>> person_like(np.array(["KT-0001", "S001", "Arm B"], dtype=object)).tolist()
    [False, False, False]
    """
    found = _of_parts(levels)
    for place in np.flatnonzero(found).tolist():
        words = _letters_of(levels[place])
        found[place] = _STUDY_WORDS.isdisjoint(words)
    return found


def _letters_of(text: str) -> list[str]:
    """The words of a text in small letters, without digits and marks."""
    return re.findall(r"[^\W\d_]+", text.casefold())


def _of_parts(levels: Objects) -> Bools:
    """Tell which values are built like a name of two parts or more."""
    # The pattern is slow to set up, and most columns hold no value of two parts.
    parted = matches(levels, "[ ,._-]", whole=False)
    return matches(levels, _PERSON) if parted.any() else parted


def titled(levels: Objects) -> Bools:
    """Tell which values hold a title with a name, such as `Dr. Example`."""
    return matches(levels, _TITLED, whole=False)


def full_names(levels: Objects) -> Bools:
    """Tell which texts hold a common first name with a capital, and a capital word behind it."""
    pairs = [re.findall(_PAIR, level) for level in levels]
    named = []
    for found in pairs:
        firsts = {first.casefold() for first, _ in found}
        named.append(not firsts.isdisjoint(_FIRST_NAMES))
    return np.array(named, dtype=bool)


def common_first_names(levels: Objects) -> Bools:
    """Tell which values hold a common first name as a word of its own."""
    named = [not _FIRST_NAMES.isdisjoint(_letters_of(level)) for level in levels]
    return np.array(named, dtype=bool)


def first_names(
    levels: Objects,
    counts: Ints,
) -> Bools:
    """Tell which values are single words that make up most of a column of study codes, where they
    read like first names.
    """
    words = matches(levels, _WORD)
    none = np.zeros(len(levels), dtype=bool)
    n_words = int(words.sum())
    few = n_words < min(_FEWEST, len(levels))
    if few or counts[words].sum() <= _MOST * counts.sum():
        return none
    # Words of one length, such as AAB, AAC, are codes that were made up.
    lengths = {len(word) for word in levels[words]}
    if n_words > 1 and len(lengths) == 1:
        return none
    n_capital = int((matches(levels, _CAPITAL_WORD) & words).sum())
    n_common = sum(word.casefold() in _FIRST_NAMES for word in levels[words])
    # Of fewer than three words each must be written like a name and be a common one.
    if n_words >= _FEWEST:
        telling = n_capital > _MOST * n_words
    else:
        telling = n_capital == n_common == n_words
    return words if telling or n_common >= _FEWEST else none


@cache
def _harmless() -> frozenset[str]:
    """Words of the contract, of study design and of file names, which are nobody's name."""
    names = [*TABLES, *INSTRUMENTS]
    for table in TABLES.values():
        names += table.names
    parts = {part for name in names for part in _letters_of(name)}
    # Dr. Via and Mrs. Max exist, so a word that is also a first name stays out.
    tables = frozenset[str]().union(*TABLE_WORDS.values())
    headings = WORDS_OF_HEADINGS | OTHER_HEADINGS | VISIT_WORDS | tables
    headings -= _FIRST_NAMES
    # Short ones are initials as well.
    headings |= {word for word in WORDS_OF_SCORES if len(word) >= _FEWEST_LETTERS}
    return frozenset(parts) | _STUDY_WORDS | _FILE_WORDS | all_known_words() | headings


def word_of_nobody(word: str) -> bool:
    """Tell whether a word in small letters is one of study design, of the contract or of files.

    Examples
    --------
    >>> word_of_nobody("cohort"), word_of_nobody("ashworth")
    (True, False)
    """
    return word in _harmless()


def _parted_at_capitals(text: str) -> list[str]:
    """The words of a text as written, a capital behind a small letter beginning a new one."""
    pairs = zip(f" {text}", text, strict=False)
    # sessionNumber is two words, MADRS one.
    marked = "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter
        for before, letter in pairs
    )
    return re.findall(r"[^\W\d_]+", marked)


def _record_glued_on(text: str) -> bool:
    """Tell whether a heading may end in the first record: a lost line end puts a name or a study
    code behind the name of the last column, as in `commentExample` or `Example-001`.
    """
    # Blanks part words of a heading: Größe (cm) is no record. What is glued on has none.
    return any(_glued(chunk) for chunk in text.split())


def _glued(chunk: str) -> bool:
    """Tell whether words without blanks may be a heading's end and a record."""
    parts = _parted_at_capitals(chunk)
    strange = [part for part in parts if part.casefold() not in _harmless()]
    # A title such as Stimmung stands alone. With a second word or a number it may be a person.
    capitals = [part for part in strange if part[0].isupper() and len(part) >= _FEWEST]
    # SMITH may be a scale's short name, unless a letter stands right before it.
    titles = [
        part
        for part in capitals
        if part.istitle() or re.search(rf"[^\W\d_]{part}", chunk)
    ]
    joined = len(parts) > 1 or sum(letter.isdigit() for letter in chunk) > 1
    # In small letters, ybocs_01 is an item of somebody's scale: only these two say otherwise.
    behind = re.search(_NUMBER_BEHIND_A_HYPHEN, chunk) or re.search(_YEAR_BEHIND, chunk)
    return bool(titles and joined) or bool(strange and behind)


def _holds_control_signs(text: str) -> bool:
    """Tell whether a sign stands there that nobody types: a tab between cells, or a broken file.
    Line ends come from wrapped cells.
    """
    kept = text.translate(_LINE_ENDS)
    kinds = set(map(category, kept))
    return not kinds.isdisjoint(_CONTROL)


def _without_unseen(text: str) -> str:
    """Text as people read it: without soft hyphens and signs that have no width."""
    seen = [sign for sign in text if category(sign) != "Cf"]
    return "".join(seen)


# Each name of a column is asked about several times, and a file can have thousands.
@lru_cache(maxsize=1 << 14)
def may_be_shown(
    text: str,
    file: bool = False,
) -> bool:
    """Tell whether a column's, file's or setting's name may be printed: it does not read like a
    person, date, or number.

    Parameters
    ----------
    text : str
        As written.
    file : bool
        Whether `jane_smith` counts as two words; column names are often written so.

    Examples
    --------
    >>> may_be_shown("nurse_mood"), may_be_shown("Visit Date")
    (True, True)
    >>> may_be_shown("Jane Smith"), may_be_shown("jane_smith", file=True)
    (False, False)
    >>> may_be_shown("visits.sas7bdat", file=True)
    True
    """
    if sum(letter.isdigit() for letter in text) >= _DIGITS_TOO_MANY or "@" in text:
        return False
    # Whatever such cells hold is no name of a column.
    if re.search(_CELLS, text):
        return False
    if _holds_control_signs(text):
        return False
    text = _without_unseen(text)
    if file:
        text = re.sub(r"\.(?:\w{1,7}|sas7b[cd]at)$", "", text)  # the ending
    # Jane_Smith is two words also in the name of a column; nurse_mood is one there.
    capitals = re.search(r"[A-Z].*[_.-][A-Z]", text)
    between = r"[_\s.-]+" if file or capitals else r"\s+"
    spaced = re.sub(between, " ", text).strip()
    known = [part in _harmless() for part in _letters_of(spaced)]
    if all(known):
        return True
    if not file and _record_glued_on(text):
        return False
    # One harmless word is enough in a column's name, unless a later word begins with a capital.
    if not file and any(known) and not re.search(r"[\W_][A-Z]", spaced):
        return True
    # With and without digits and brackets: "Jane Smith (2)" is a name too.
    bare = re.sub(r"[\d()]+", "", spaced).strip()
    # A letter by itself may be the cell beside: "M Smith, Jane".
    longer = re.sub(r"\b[^\W\d_]\b\s*", "", bare).strip()
    values = np.array([spaced, bare, longer], dtype=object)
    return not (_of_parts(values) | titled(values)).any()


def shown(
    text: str,
    hidden: str = "(hidden)",
    file: bool = False,
) -> str:
    """Return a name as it may be printed."""
    return visible(on_one_line(text)) if may_be_shown(text, file) else hidden


def shown_names(
    names: Iterable[str],
    file: bool = False,
) -> str:
    """Return names joined by commas, those that may not be printed as `(hidden)`."""
    return ", ".join(shown(name, file=file) for name in names)
