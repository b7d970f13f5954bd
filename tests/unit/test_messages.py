"""What kettrack says of each bad input, word for word: `docs/messages.md` is made of the same
cases.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bad_inputs import PAGE, cases, page

FEWEST = 150
# Parts of messages that no person should have to read.
NEVER = ("made a mistake", "Traceback", "0x", "<class", "errno")


@pytest.fixture(scope="module")
def said() -> str:
    """The page as it would be written now; the width of the terminal is that of the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        return page()


def sections(text: str) -> dict[str, str]:
    """Case to its change and message."""
    parts = re.split(r"^\*\*(.+?)\*\* ", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_message_is_the_one_on_the_page(said: str) -> None:
    stored = PAGE.read_text(encoding="utf-8")
    # Case by case first: a failure then shows one message, and not the whole page.
    now = sections(said)
    for case, before in sections(stored).items():
        assert now.get(case, "gone") == before, f"{case}: read it, then make messages"
    assert said == stored


def test_there_are_many_and_none_is_told_twice() -> None:
    named = [(case.kind, case.words) for case in cases()]
    assert len(named) >= FEWEST
    assert len(set(named)) == len(named)


def test_every_message_says_something_and_nothing_of_the_machine(said: str) -> None:
    for case, text in sections(said).items():
        change, _, message = text.partition("\n")
        assert message.replace("`", "").strip(), f"{case} is let through: {change}"
        assert not [word for word in NEVER if word in message], case
        assert str(Path.home()) not in message, case


def test_no_message_repeats_who_somebody_is(said: str) -> None:
    found = sections(said)
    for words in ("Names of people", "Addresses of mail", "A surname", "Notes"):
        message = found[words].partition("\n")[2]
        for name in ("Jane", "Smith", "Mary", "Jones", "example.org", "sister"):
            assert name not in message
