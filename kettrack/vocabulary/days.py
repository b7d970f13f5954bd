"""Lengths of time that a rule, a question or a sentence uses, in days.

A length that a user can set lives in `Criteria` or `CourseRules` instead. Everything here is fixed;
a sentence that tells one of them reads it from here. Lengths without a publication are kettrack's
own conventions.
"""

from __future__ import annotations

from typing import Final

DAYS_IN_WEEK: Final = 7
# Of person-years, leap years among them.
DAYS_IN_YEAR: Final = 365.25

# A baseline is a score of so many days up to the first session. An older score tells little of how
# somebody is when treatment starts.
BASELINE_WINDOW_DAYS: Final = 30

# A dose per kg is multiplied by the last weight on or before its day. No publication was found that
# says how old it may be; an older one is asked about.
WEIGHT_KEPT_DAYS: Final = 90

# Nobody counts as having stopped before so many days without a session, and a session is judged
# only when the log is complete for as long after it. Esketamine persistence is counted with the
# same gap (Mindful Health Solutions, n = 911).
COMPLETE_LOG_DAYS: Final = 60

# Recovery: a remission that has lasted four months (ACNP task force, Rush 2006, pubmed 16794566),
# or six (Frank 1991).
FOUR_MONTHS_DAYS: Final = 120
SIX_MONTHS_DAYS: Final = 183

# How far back a score looks where the instrument's own recall window is not confirmed: the window
# of PHQ-9, GAD-7 and BDI-II, the longest that is confirmed for a built-in scale. Too long a window
# leaves out some scores; too short a window blames a session for the weeks before it.
ASSUMED_RECALL_DAYS: Final = 14

# A score, or a session of ECT or TMS, tells how somebody is now for so many days; at a maintenance
# session the last score tells it for as long.
FRESH_DAYS: Final = 14

# A patient counts as scored after the course from the first to the last of these days after its
# last session (McInnes 2022, J Affect Disord 301:486).
AFTER_COURSE_DAYS: Final = (14, 31)

# Sessions within so many days, the first being day 0: six in three weeks, two infusions a week; and
# at least four in four weeks, the fewest of an induction in McInnes 2022 (J Affect Disord 301:486),
# where it is 4 to 8 infusions in 7 to 28 days.
INDUCTION_WINDOWS: Final = ((6, 21), (4, 28))

# One more session: the next session counts as going on within the grace; the outcome is the first
# score of a window that begins after the grace and the recall.
NEXT_SESSION_GRACE_DAYS: Final = 7
NEXT_SESSION_WINDOW_DAYS: Final = 14

# Maintenance: the grace is a multiple of the person's own last gap, within these limits.
MAINTENANCE_GRACE_FACTOR: Final = 1.5
MAINTENANCE_GRACE_DAYS: Final = (14, 60)

# Stop after k: the next session of a course comes within the grace; the outcome is the score
# nearest to the horizon, twelve weeks after the first session, by at most the tolerance.
STOP_AFTER_GRACE_DAYS: Final = 28
HORIZON_DAYS: Final = 12 * DAYS_IN_WEEK
HORIZON_TOLERANCE_DAYS: Final = 7

# Early, where an early change is set against a later one: two weeks after session 1, as far as a
# PHQ-9 looks back. kettrack's own convention.
EARLY_WEEK: Final = 2

# Further horizons at which every patient is looked at, in weeks since session 1, with the tolerance
# of the horizon. Earlier visits help to tell what a missing score may have been; they are so early
# that a wider window would take the same score twice.
OTHER_HORIZON_WEEKS: Final = (4, 6, 26)
EARLY_VISIT_WEEKS: Final = (1, 2)
EARLY_VISIT_TOLERANCE_DAYS: Final = 3

# Four to eight months after an elevated PHQ-9 score: the window of HEDIS "Depression Remission or
# Response" (DRR-E; NCQA's page of the measure), in which the most recent score counts; remission is
# below 5 and response half of the elevated score (provider tips for 2023, Horizon BCBSNJ). Which
# score is elevated stands with the scale.
HEDIS_WINDOW_DAYS: Final = (120, 240)

# Stop after k, where remission ends the sessions: two scores in remission are at least so many days
# apart, and one session that was already due within so many days of the second may still come.
SECOND_REMISSION_DAYS: Final = 7

# The year of a durability curve, in whole weeks.
LAST_CURVE_DAY: Final = 52 * DAYS_IN_WEEK
# Bands of the days between maintenance sessions, by their last day: about a week, two weeks, three
# weeks, a month; what is longer is open.
MAINTENANCE_GAP_ENDS: Final = (10, 17, 24, 38)

# A session is on time when it is at most so large a share of the planned days off, and at least a
# day: a week may become six to eight days, a month three to five weeks. kettrack's own convention.
ON_TIME_SHARE: Final = 0.25

# The last week since session 1 of the curves by week: half a year.
LAST_WEEK_OF_RESPONSE: Final = 26
