"""The smallest numbers of people, events and scores that an answer is given for, and how far apart
two groups may be and still count as alike.

Each limit is kettrack's own convention. An estimate below its limit is refused or left out, and the
sentence that says so reads the number from here. Limits of a statistical method itself, such as the
fewest pairs of scores that identify a process, stand beside that method in `estimators`.
"""

from __future__ import annotations

from typing import Final

# A share, a mean or a point on a curve: with fewer people, one person moves a share by a tenth. A
# curve counts those at risk and those who have had the event, or a competing one, so it ends where
# too few are left because logs ended (`still_counted` in `estimators/survival/life_table.py`).
FEWEST_PEOPLE: Final = 11

# A handout for patients: of fewer people, each one moves "of 100 people" by more than two.
FEWEST_STARTED_FOR_HANDOUT: Final = 50

# A ribbon between two visits of the flow diagram; thinner ones are merged with their neighbours.
# It is far below `FEWEST_PEOPLE`, as nobody reads a share from a ribbon.
FEWEST_PEOPLE_IN_RIBBON: Final = 6

# A slope of scores on sessions: with fewer people its interval covers every plausible slope.
FEWEST_PEOPLE_FOR_SLOPE: Final = 30

# Baselines from which the entry cut-off of a clinic, and everyone beyond it, can be told.
FEWEST_BASELINES_FOR_ENTRY: Final = 100

# Each arm of a comparison that is adjusted for a history of a dozen columns.
FEWEST_PEOPLE_IN_ARM: Final = 30

# Each arm of a row for one group of decisions; that row is unadjusted detail beside the answer.
FEWEST_DECISIONS_IN_GROUP: Final = 10

# Outcomes needed for each column of the history that explains why outcomes are missing: the usual
# rule of ten events per variable.
FEWEST_MISSING_PER_COLUMN: Final = 10

# People who followed a strategy "stop after k sessions" by themselves.
FEWEST_FOLLOWERS: Final = 30

# Effective sample size after weighting. Below it a weighted mean rests on a handful of people.
FEWEST_EFFECTIVE_PEOPLE: Final = 50

# Answers in simulated cohorts from which it is told how well a method works.
FEWEST_SIMULATED_ANSWERS: Final = 10

# Effective number of outcomes of an arm after weighting for the missing ones.
FEWEST_EFFECTIVE_OUTCOMES: Final = 30

# Events in a group whose rate is told.
FEWEST_EVENTS: Final = 5

# People treated again on the day of origin, and people not, before that day gets a chance of its
# own.
FEWEST_PEOPLE_ON_DAY: Final = 5

# Decisions with a score between the decision and the end of the waiting time.
FEWEST_SCORED_MEANWHILE: Final = 30

# Gaps to draw from after each session of a simulated clinic; with fewer, those of the sessions
# around it are drawn too.
FEWEST_GAPS: Final = 30

# Two groups count as alike in a measure when their means are at most so many standard deviations
# apart (Austin 2009, Stat Med 28:3083).
ALIKE_WITHIN_SD: Final = 0.1

# Complete forms without a single lowest answer before the reader asks whether the answers are coded
# one too high. Even among severely ill people somebody answers one question with "not at all".
FEWEST_FORMS_FOR_CODING: Final = 20

# Share of a table's patients without a session from which the reader says so first: more than a
# slip, and an answer from the others may be one from the wrong people.
LARGE_SHARE_LOST: Final = 0.2

# Share of people who left although hardly anybody like them stays, beyond which weights cannot
# speak for everybody.
MOST_UNLIKE: Final = 0.1

# SDs of the outcome by which people without a score may be worse than similar people with one, in
# the bounds beside an answer.
UNSCORED_WORSE_BY_SD: Final = 0.5

# People whose curves are bootstrapped; of more than these, so many drawn by chance stand for all.
# Beyond them a replicate takes long and tells nothing new: only the width is wanted, and it is
# scaled to all.
MOST_BOOTSTRAPPED: Final = 2_000

# The same where each replicate fits models of who goes on: few of the people follow any strategy to
# its end, so an interval needs more of them.
MOST_REWEIGHTED: Final = 5_000

# People in each simulated cohort of a calibration; of more than these, so many drawn by chance. A
# hundred cohorts are simulated, and the method is fitted anew in each of them.
MOST_SIMULATED: Final = 1_000

# Scored people for each visit of a model of repeated measures: the usual rule of ten. With fewer
# the visits farthest from the horizon are left out.
FEWEST_SCORED_PER_VISIT: Final = 10
