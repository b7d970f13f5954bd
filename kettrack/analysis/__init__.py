"""Estimates: a cohort in, a `Result` out, through the disclosure gate."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from kettrack.errors import UsageError

if TYPE_CHECKING:
    from kettrack.reading.cohort import Cohort
    from kettrack.result import Result


class Entry(NamedTuple):
    """Where an estimate stands, and the question it answers; what it needs is imported when it is
    asked for.
    """

    module: str
    function: str
    question: str


ESTIMATES: Final[dict[str, Entry]] = {
    name: Entry(module, name, question)
    for name, module, question in (
        ("ladder", "people.ladder", "Who is counted, and who is left out, and why?"),
        (
            "baseline_table",
            "people.baseline",
            "Who are the patients, before their first session?",
        ),
        (
            "session_counts",
            "courses.session_counts",
            "How many sessions did people have?",
        ),
        ("session_gaps", "courses.session_counts", "How far apart were the sessions?"),
        (
            "response_by_session",
            "response.response_curve",
            "How many have responded by each session, of all who started?",
        ),
        (
            "remission_by_session",
            "response.response_curve",
            "How many have remitted by each session, of all who started?",
        ),
        (
            "response_if_all_continued",
            "response.continued",
            "How many would have responded if nobody had stopped early?",
        ),
        (
            "should_we_go_on",
            "response.should_we_go_on",
            "Not better so far: how many respond later if they go on?",
        ),
        (
            "durability",
            "durability.curve",
            "How long does a response last after the planned course?",
        ),
        (
            "durability_from_response",
            "durability.curve",
            "How long does a response last, from when it was first seen?",
        ),
        (
            "durability_intervals",
            "durability.intervals",
            "Between which scores were responses lost, and how sure is that?",
        ),
        (
            "recurrent_loss",
            "durability.recurrent_loss",
            "How often is a response lost, regained and lost again?",
        ),
        (
            "trajectories",
            "association.trajectories",
            "How does the mean score go, and who stops when?",
        ),
        (
            "association",
            "association.slopes",
            "How is the number of sessions related to change, and why does that mislead?",
        ),
        (
            "next_session",
            "next_session.answer",
            "What does one more session change, among people still coming?",
        ),
        (
            "next_session_maintenance",
            "next_session.maintenance",
            "What does one more maintenance session change?",
        ),
        (
            "going_on_by_score",
            "next_session.positivity",
            "Who goes on, by last score and session: could it have gone either way?",
        ),
        (
            "balance",
            "next_session.positivity",
            "Were those who went on like those who did not?",
        ),
        (
            "stop_after",
            "stop_after.answer",
            "Would stopping after more sessions have changed the score at week 12?",
        ),
        ("worsening", "courses.worsening", "How many got worse, and when?"),
        (
            "state_after_course",
            "response.after_course",
            "How were people two to four weeks after the first course?",
        ),
        (
            "waterfall",
            "response.after_course",
            "How much had each person changed after the first course?",
        ),
        (
            "expected_course",
            "courses.expected_course",
            "What is the usual course of people who began alike?",
        ),
        ("swimmer", "people.swimmer", "What happened to each person, day by day?"),
        (
            "state_occupancy",
            "courses.occupancy",
            "In which state is everyone who started, week by week?",
        ),
        (
            "severity_flows",
            "courses.flows",
            "Between which bands of severity did people move?",
        ),
        (
            "losses",
            "courses.losses",
            "How often was a response or remission seen to be lost?",
        ),
        (
            "retreatment",
            "courses.retreatment",
            "Did a second series work, for those who came back?",
        ),
        (
            "retreatment_courses",
            "courses.retreatment",
            "Each second series beside the first of the same person.",
        ),
        (
            "maintenance",
            "durability.maintenance",
            "When is a response lost in maintenance, by days since the last session?",
        ),
        (
            "maintenance_lengths",
            "durability.holding",
            "Over which maintenance intervals did a response hold?",
        ),
        (
            "holding_interval",
            "durability.holding",
            "Which interval holds, by each patient's own log?",
        ),
        (
            "session_intervals",
            "durability.holding",
            "How far apart were sessions, by session number?",
        ),
        (
            "specification",
            "courses.specification",
            "What would the answer be under every other published rule?",
        ),
    )
} | {
    "sessions_and_change": Entry(
        "session_answers.answer",
        "session_answers",
        "What do more sessions change, by every method side by side?",
    ),
    "calibration": Entry(
        "calibration.next_session",
        "calibration_check",
        "What does the method find where the truth is known, in a clinic like this?",
    ),
    "stop_after_calibration": Entry(
        "calibration.stop_after",
        "stop_after_calibration",
        "What does stopping after more sessions come to where the truth is known, in a clinic"
        " like this?",
    ),
}


def require_name(name: str) -> None:
    """Stop at a name that is no estimate.

    Raises
    ------
    UsageError
        With the nearest name, and all there are.
    """
    if name not in ESTIMATES:
        near = [
            f" Did you mean {match!r}?"
            for match in get_close_matches(name, ESTIMATES, n=1)
        ]
        raise UsageError(
            f"No estimate is called {name!r}.{''.join(near)} There are: {', '.join(ESTIMATES)}."
        )


def steps_of(name: str) -> int | None:
    """How often a long estimate says that it has come further; None for those that say nothing."""
    steps: int | None = getattr(
        import_module(f"kettrack.analysis.{ESTIMATES[name].module}"), "N_STEPS", None
    )
    return steps


def estimate(
    name: str,
    cohort: Cohort,
    by: str | None = None,
    on_step: Callable[[], None] | None = None,
) -> Result:
    """Answer one question about a cohort.

    Parameters
    ----------
    name : str
        One of `kettrack.analysis.ESTIMATES`.
    cohort : Cohort
        From `load_cohort`.
    by : {"severity", "route", "early_response"}, optional
        Compare groups; for `response_by_session`, `remission_by_session`, `should_we_go_on`,
        `durability` and `maintenance`.
    on_step : callable, optional
        Called `steps_of(name)` times at most while a long estimate runs.

    Returns
    -------
    Result
        Through the disclosure gate under the cohort's policy; `status` is `refused` where the data
        cannot answer.

    Raises
    ------
    UsageError
        For an unknown name or group; the message lists those there are.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> estimate("session_counts", load_cohort(sample_folder())).status
    'ok'
    """
    from kettrack.timelines.kept import one_question

    require_name(name)
    with one_question():
        return _answer(name, cohort, by, on_step)


def _answer(
    name: str, cohort: Cohort, by: str | None, on_step: Callable[[], None] | None
) -> Result:
    if by is not None:
        from kettrack.analysis.subgroups.compared import compare_groups

        return compare_groups(name, cohort, by)
    entry = ESTIMATES[name]
    steps = {"on_step": on_step} if on_step is not None and steps_of(name) else {}
    result: Result = getattr(
        import_module(f"kettrack.analysis.{entry.module}"), entry.function
    )(cohort, **steps)
    return result
