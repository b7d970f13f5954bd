"""Table 1 and the main results of a cohort as a paper prints them: n (%), median [quartiles], an
effect with its interval, the rule, and the number of people. Counts of a cohort, never rows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from kettrack.analysis import estimate
from kettrack.analysis.page_tables import PageTables
from kettrack.privacy.policies import get_policy
from kettrack.report.first_page import sources_of
from kettrack.result import HIDDEN_CELL, Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.rules import Rule

NOT_SHOWN: Final = "not shown"
# Each of them is asked by the report too: no number stands here that the report does not hold.
ASKED: Final = (
    "ladder",
    "baseline_table",
    "response_by_session",
    "remission_by_session",
    "durability",
    "state_after_course",
    "worsening",
    "adverse_events",
    "suicidality_in_short",
    "next_session",
)
_SESSIONS: Final = ("1", "2", "4", "6", "8")
_WEEKS: Final = (4, 13, 26)
_INTERVAL: Final = ("estimate", "ci_low", "ci_high")
_HARM_HIDDEN: Final = (
    "Responses are not shown, because the harm that belongs beside them is hidden."
)
_AFTER_COURSE: Final = {
    "response": "response",
    "remission": "remission",
    "deterioration": "deterioration",
    "any_rise": "any score above the baseline",
}
_SHARE_UNIT: Final = "% of "


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row of text; a part of the one above it, or a heading over parts.

    Parameters
    ----------
    cells : tuple of str
        One for each column; a heading leaves most of them empty.
    inside : bool
        Whether it belongs to the heading above it.
    """

    cells: tuple[str, ...]
    inside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTable:
    """A table as it is printed.

    Parameters
    ----------
    name : str
        A word or two, as for a sheet of a workbook.
    title : str
        Above it.
    columns : tuple of str
        Headings.
    rows : tuple of PaperRow
        In order.
    notes : tuple of str
        Below it: rules, estimands, what is hidden, why something is missing.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PaperRow, ...]
    notes: tuple[str, ...] = ()


def ask_for_paper(cohort: DerivedCohort) -> dict[str, Result]:
    """The answers behind the tables and the methods of a paper, by name.

    Parameters
    ----------
    cohort : DerivedCohort
        Under the policy of the report, with what the whole report may not show.
    """
    return {name: estimate(name, cohort) for name in ASKED}


def paper_tables(
    cohort: DerivedCohort,
    found: Mapping[str, Result],
) -> tuple[PaperTable, ...]:
    """The tables of a paper on one cohort.

    Parameters
    ----------
    cohort : DerivedCohort
        Of which was asked.
    found : mapping
        From `ask_for_paper`.

    Returns
    -------
    tuple of PaperTable
        Who started, the main results, side effects, and who is counted.

    Examples
    --------
    >>> import kettrack as kt
    >>> cohort = kt.derive(kt.load_cohort(kt.sample_folder()))
    >>> tables = paper_tables(cohort, ask_for_paper(cohort))
    >>> [table.name for table in tables]
    ['Table 1', 'Main results', 'Side effects', 'Flow']
    """
    return (
        _who_started(found),
        _main_results(found, cohort),
        _side_effects(found["adverse_events"]),
        _flow(found["ladder"]),
    )


def provenance_of(cohort: DerivedCohort) -> dict[str, str]:
    """What the tables are made from; label to text."""
    policy = get_policy(cohort.settings.policy)
    return {"What may be done with it": policy.banner, **sources_of(cohort)}


def _who_started(found: Mapping[str, Result]) -> PaperTable:
    result = found["baseline_table"]
    people = _people(found["ladder"])
    columns = ("Characteristic", "N with a value", f"Everyone who started{people}")
    return PaperTable(
        name="Table 1",
        title="Table 1. People before their first session",
        columns=columns,
        rows=tuple(_characteristics(result)),
        notes=(
            "Choices: n (% of those with a value). Numbers: mean (standard deviation) and median"
            " [quartiles].",
            *_said_of(result),
        ),
    )


def _people(ladder: Result) -> str:
    """How many started, for the heading of a column."""
    rows = ladder.texts("left")
    known = bool(rows) and rows[0][0] != HIDDEN_CELL
    return f", N = {rows[0][0]}" if known else ""


def _characteristics(result: Result) -> Iterator[PaperRow]:
    rows = result.texts("characteristic", "n", "level", "events", "estimate")
    numbers = result.texts("mean", "sd", "median", "q1", "q3")
    both = zip(rows, numbers, strict=True)
    for about, group in groupby(both, key=lambda row: row[0][0]):
        parts = list(group)
        yield PaperRow((about, _cell(parts[0][0][1]), ""))
        for (_, _, level, events, share), (mean, sd, median, q1, q3) in parts:
            if level:
                yield PaperRow((level, "", _with(events, share)), inside=True)
                continue
            quartiles = f"{median} [{q1}, {q3}]"
            yield PaperRow(("mean (SD)", "", _with(mean, sd)), inside=True)
            yield PaperRow(
                ("median [quartiles]", "", _hidden_or(quartiles)), inside=True
            )


def _main_results(found: Mapping[str, Result], cohort: DerivedCohort) -> PaperTable:
    rules = cohort.criteria
    # As on the first page: good news never stands alone.
    hidden = PageTables(found, cohort).hides_harm()
    good = [
        *_by_session(found["response_by_session"], "First response", rules.response),
        *_by_session(found["remission_by_session"], "First remission", rules.remission),
        *_lasting(found["durability"], rules.loss_of_response),
        *_after_course(found["state_after_course"]),
    ]
    rows = [
        *(map(_without_numbers, good) if hidden else good),
        *_worse(found["worsening"], rules.deterioration),
        *_suicidality(found["suicidality_in_short"]),
        *_one_more(found["next_session"]),
    ]
    asked = [name for name in ASKED[2:] if name != "adverse_events"]
    notes = [note for name in asked for note in _said_of(found[name])]
    return PaperTable(
        name="Main results",
        title=f"Table 2. Main results, {cohort.instrument.name}",
        columns=("Outcome", "Rule", "N", "n", "Estimate (95 % interval)"),
        rows=tuple(rows),
        notes=(
            "N: people in the denominator. n: people with the outcome; a curve has none, since it"
            " also uses people who were followed for a part of the time.",
            *([_HARM_HIDDEN] if hidden else []),
            *notes,
        ),
    )


def _by_session(result: Result, what: str, rule: Rule | None) -> Iterator[PaperRow]:
    if result.status == "refused":
        return
    yield _heading(f"{what}, people with a rated baseline", _words(rule))
    for session, n, *ends in result.texts("session", "n", *_INTERVAL):
        if session in _SESSIONS:
            about = f"by session {session} of the first course"
            yield _row(about, n=n, estimate=_share(*ends))


def _lasting(result: Result, rule: Rule | None) -> Iterator[PaperRow]:
    if result.status == "refused":
        return
    yield _heading("Response kept, people who had responded", _loss_words(rule))
    days = {
        f"treatment_policy_in_force_{weeks * DAYS_IN_WEEK}": weeks for weeks in _WEEKS
    }
    for key, (n, *ends) in _by_key(result, "n", *_INTERVAL):
        if key in days:
            about = f"{days[key]} weeks after the score that showed it"
            yield _row(about, n=n, estimate=_share(*ends))


def _after_course(result: Result) -> Iterator[PaperRow]:
    if result.status == "refused":
        return
    yield _heading("After the first course, people scored then")
    for key, (n, events, *ends) in _by_key(result, "n", "events", *_INTERVAL):
        about = _AFTER_COURSE.get(key, key)
        yield _row(about, n=n, events=events, estimate=_share(*ends))


def _worse(result: Result, rule: Rule | None) -> Iterator[PaperRow]:
    if result.status == "refused":
        return
    yield _heading("Worse than before treatment, everybody scored", _words(rule))
    # The other rows are parts of these people.
    told = {"worse", "worse_confirmed"}
    for key, (about, n, events, *ends) in _by_key(
        result, "rule", "n", "events", *_INTERVAL
    ):
        if key in told:
            yield _row(about, n=n, events=events, estimate=_share(*ends))


def _suicidality(result: Result) -> Iterator[PaperRow]:
    if result.status == "refused":
        return
    yield _heading("Thoughts of suicide, attempts and admissions")
    columns = ("what", "unit", "n", "events", *_INTERVAL)
    for about, unit, n, events, *ends in result.texts(*columns):
        shown = _share(*ends) if unit.startswith(_SHARE_UNIT) else _value(unit, *ends)
        yield _row(about, n=n, events=events, estimate=shown)


def _one_more(result: Result) -> Iterator[PaperRow]:
    if result.status == "refused":
        return
    # The first row is the answer; the others are its parts and its checks.
    about, unit, n, *ends = result.texts("about", "unit", "n", *_INTERVAL)[0]
    yield _heading("One more session or a pause, under the assumptions in Methods")
    yield _row(about, n=n, estimate=_value(unit, *ends))


def _side_effects(result: Result) -> PaperTable:
    columns = (
        "event",
        "sessions",
        "events",
        *_INTERVAL,
        "n",
        "people_with",
        "people_share",
        "people_low",
        "people_high",
    )
    rows: list[PaperRow] = []
    for event, sessions, events, *rest in (
        result.texts(*columns) if result.status == "ok" else []
    ):
        *ends, n, people, share, low, high = rest
        cells = (
            event,
            _of(events, sessions),
            _share(*ends),
            _of(people, n),
            _share(share, low, high),
        )
        rows.append(PaperRow(cells))
    return PaperTable(
        name="Side effects",
        title="Table 3. Side effects noted at or after a session",
        columns=(
            "Event",
            "Sessions with it, of those with a record",
            "% of sessions (95 % interval)",
            "People with it, of those with a record",
            "% of people (95 % interval)",
        ),
        rows=tuple(rows),
        notes=tuple(_said_of(result)),
    )


def _flow(ladder: Result) -> PaperTable:
    return PaperTable(
        name="Flow",
        title="Table 4. Who is counted, and who is left out for which reason",
        columns=("Step", "Left out here", "Left"),
        rows=tuple(
            PaperRow(tuple(map(_cell, row)))
            for row in ladder.texts("step", "lost", "left")
        ),
        notes=tuple(_said_of(ladder)),
    )


def _said_of(result: Result) -> list[str]:
    """What the numbers are about, or why there are none."""
    if result.status == "refused":
        return [f"{result.name}: {result.text}"]
    return [result.estimand]


def _by_key(result: Result, *columns: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    # Keys are told as they are, not as words.
    keys = result.table["key"].astype(str)
    return zip(keys, result.texts(*columns), strict=True)


def _heading(about: str, rule: str = "") -> PaperRow:
    return PaperRow((about, rule, "", "", ""))


def _row(about: str, *, n: str, estimate: str, events: str = "") -> PaperRow:
    return PaperRow((about, "", _cell(n), _cell(events), estimate), inside=True)


def _without_numbers(row: PaperRow) -> PaperRow:
    """Good news whose harm is hidden."""
    if not row.inside:
        return row
    return PaperRow((*row.cells[:2], *(NOT_SHOWN for _ in row.cells[2:])), inside=True)


def _words(rule: Rule | None) -> str:
    return rule.words if rule else "not defined by these rules"


def _loss_words(rule: Rule | None) -> str:
    return f"lost: {_words(rule)}"


def _cell(text: str) -> str:
    return NOT_SHOWN if text == HIDDEN_CELL else text


def _hidden_or(text: str) -> str:
    """A quantity of several numbers; one that is hidden hides it."""
    return NOT_SHOWN if HIDDEN_CELL in text else text


def _with(number: str, other: str) -> str:
    """A number, and another one in brackets where it is shown."""
    if number == HIDDEN_CELL:
        return NOT_SHOWN
    return f"{number} ({other})" if other and other != HIDDEN_CELL else number


def _of(events: str, whole: str) -> str:
    return _hidden_or(f"{events} / {whole}")


def _share(share: str, low: str, high: str) -> str:
    return _hidden_or(f"{share} % ({low} to {high})") if share else ""


def _value(unit: str, value: str, low: str, high: str) -> str:
    return _hidden_or(f"{value} {unit} ({low} to {high})") if value else ""
