"""What the words of the first page mean, a tap away from it; `GLOSSARY.md` has all words."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "Session": "one dose of ketamine or esketamine that was given.",
    "Baseline": "the score from before the first session; later scores are compared with it.",
    "Much better, response": (
        "a score as far below the baseline as the rule says; the rule stands above."
    ),
    "Remission": "a score so low that hardly any symptom is left; the rule stands above.",
    "Worse": "a score as far above the baseline as the rule says, at some time.",
    "First course": (
        "the sessions that were planned, with their pauses; without a plan, those up to the first"
        " long gap."
    ),
    "Lost": "a response that no longer holds, by the rule in force.",
    "Side effect": "anything unwanted that was written down for a session; serious as recorded.",
    "At most": "what would be, had everyone whom nobody scored again responded.",
    "The two numbers in brackets": (
        "an interval: in 95 of 100 repetitions such an interval holds the true number. A wide one"
        " says that few people are behind it."
    ),
    "Points": "of the scale; below 0 means a lower score, which is better.",
}
