"""Names of the clinics of `presets`, and what is true in each, for whoever only lists them:
`--help` need not make the clinics.
"""

from __future__ import annotations

from typing import Final

# In the order of `presets.SCENARIOS`; `about` there says the same with more of the numbers.
SCENARIOS_IN_SHORT: Final = {
    "A": "weekly sessions that help; people stop when well",
    "B": "as A, but sessions do nothing",
    "C": "sessions do nothing; people stop when ill",
    "D": "as C, but sessions help",
    "E": "sessions help; people stop by chance",
    "F": "as B, with a reason to stop nobody measured",
    "G": "as A; a quarter of the final scores is missing",
    "H": "as A; a score looks back two weeks, as the PHQ-9 does",
    "I": "as A, stopping nearly decided by the score",
    "J0": "as A, scored at visits only",
    "J30": "as A, scored at visits; elsewhere 30 % answer",
    "J70": "as A, scored at visits; elsewhere 70 % answer",
    "capped": "as A, but the course ends after 6 sessions for all",
    "durability": "6 sessions and none after them; weekly scores",
    "irregular": "as A, with visits 3 to 21 days apart",
    "clinics": "as A, in six clinics that differ",
    "maintenance": "maintenance puts off the loss of a response",
    "side-effects": "as A; one session in twelve is tolerated badly",
    "silent": "as A, but nobody is scored after the last session",
    "returns": "as E; half of those who lose a response come back",
    "steered": "as A; who feels well calls off the next session",
    "steered-null": "as steered, but sessions do nothing",
    "clinic": "the clinic of the sample, over 18 months",
    "clinic-null": "the same clinic with sessions that do nothing",
    "measured": "as clinic, with a score every week, also after stopping",
}
