"""What each state of a score is called: one word for one state, wherever it stands.

Figures and sentences read the words from here, so that nobody is called one thing in a table and
another in the picture beside it.
"""

from __future__ import annotations

from typing import Final

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
