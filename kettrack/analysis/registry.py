"""The one list of questions: what each asks, in which unit it answers, and what every answer goes
through before anyone sees it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache, wraps
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import walk_packages
from typing import Any, Concatenate, Final, ParamSpec, cast

import pandas as pd

from kettrack.analysis.context import made_from, refusal, release
from kettrack.errors import NotIdentified, UsageError
from kettrack.memory import one_thread
from kettrack.reading.cohort import Cohort
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.made_of import MadeOf

P = ParamSpec("P")
# Name, values and options of a question that is asked.
_Asked = tuple[str, tuple[Any, ...], Mapping[str, Any]]

# Entry points under this name are modules of other packages that register questions of their own.
ENTRY_POINTS: Final = "kettrack.questions"
# The rooms in the order in which a case conference asks.
ROOMS: Final = (
    "quality",
    "people",
    "courses",
    "adherence",
    "response",
    "durability",
    "subgroups",
    "prognosis",
    "safety",
    "suicidality",
    "together",
    "association",
    "horizons",
    "next_session",
    "stop_after",
    "session_answers",
    "cost",
    "against",
    "calibration",
)
# Options that `estimate` hands on by itself.
_OWN_OPTIONS: Final = ("on_step",)
# Weeks, days, sessions and draws of an option; days of so many weeks still fit an index.
_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question found; the registry makes a `Result` of it.

    Parameters
    ----------
    table : DataFrame
        Unrounded; missing is NaN or None.
    sentence : str, or callable
        Template over the table's cells, such as `{row6.estimate}`; or what makes it from the table,
        where its words depend on the figures.
    caveats : tuple of str
        What a reader must know before using the numbers.
    estimand, unit : str
        Where they differ from those of the question.
    roles, decimals, show, recipes
        As in `Result`, where they differ from those of the question.
    level, seed : float, int, optional
        Of intervals and of everything drawn.
    people : int, optional
        People behind the whole table, where its rows count something else.
    rows : callable, optional
        Makes the person-level rows behind the answer, from the very exits that were counted; see
        `person_rows`.
    refused : NotIdentified, optional
        Why it is no answer after all; the table it rests on is shown all the same.
    """

    table: pd.DataFrame
    sentence: str | Callable[[pd.DataFrame], str] = ""
    caveats: tuple[str, ...] = ()
    estimand: str = ""
    unit: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)
    show: tuple[str, ...] = ()
    recipes: tuple[MadeOf, ...] = ()
    level: float | None = None
    seed: int | None = None
    people: int | None = None
    rows: Callable[[], pd.DataFrame] | None = None
    refused: NotIdentified | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question that can be asked of a cohort.

    Parameters
    ----------
    name : str
        By which it is asked for, and under which its answer is stored.
    asks : str
        The question, as a person would put it.
    unit : str
        Of the answer, such as `percent of patients`.
    estimand : str
        What the numbers are about, in one sentence; also said when it is refused.
    roles : mapping
        Column to role, for disclosure control.
    decimals, show, recipes
        As in `Result`.
    balanced : bool or tuple of str
        Whether its sentence sets good and bad figures beside each other, or which, as in `Result`.
    by_group : bool
        Whether it can be answered by group.
    log_end : bool
        Whether the answer can depend on where logs end; a chosen end is then named in it.
    steps : int, optional
        How often a long one says that it has come further.
    count : callable, optional
        Its mergeable half: a derived cohort in, counts out that can be added over clinics.
    answer : callable
        A cohort in, a `Result` out, through the disclosure gate.
    room : str
        Where it was registered.
    """

    name: str
    asks: str
    unit: str
    answer: Callable[..., Result]
    estimand: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)
    show: tuple[str, ...] = ()
    recipes: tuple[MadeOf, ...] = ()
    balanced: bool | tuple[str, ...] = False
    by_group: bool = False
    log_end: bool = True
    steps: int | None = None
    count: Callable[..., Any] | None = None
    room: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """Options that can be chosen, each with its default."""
        parameters = list(inspect.signature(self.answer).parameters.values())[1:]
        return {
            each.name: None if each.default is each.empty else each.default
            for each in parameters
            if each.name not in _OWN_OPTIONS
        }


_QUESTIONS: Final[dict[str, Question]] = {}


def question(
    name: str, *, asks: str, unit: str = "", **facts: Any
) -> Callable[
    [Callable[Concatenate[DerivedCohort, P], Answer | Result]],
    Callable[Concatenate[Cohort | DerivedCohort, P], Result],
]:
    """Register a function as the answer to a question.

    The function takes a `DerivedCohort` and returns an `Answer`, or raises `NotIdentified`. What it
    becomes takes a cohort as well, makes a refusal a result, adds where the numbers come from, and
    passes the disclosure gate.

    Parameters
    ----------
    name, asks, unit
        As in `Question`.
    **facts
        Other fields of `Question`: `estimand`, `roles`, `decimals`, `show`, `recipes`, `balanced`,
        `by_group`, `log_end`, `steps`, `count`.

    Raises
    ------
    UsageError
        When another function has registered the name before.
    """

    def register(
        function: Callable[Concatenate[DerivedCohort, P], Answer | Result],
    ) -> Callable[Concatenate[Cohort | DerivedCohort, P], Result]:
        @wraps(function)
        def ask(
            cohort: Cohort | DerivedCohort, *args: P.args, **options: P.kwargs
        ) -> Result:
            derived = derive(cohort)

            def find() -> Answer | Result:
                return function(derived, *args, **options)

            said = (name, args, options)
            return answered_once(
                derived,
                said,
                lambda: _answered(
                    asked, derived, lambda: _found_once(derived, said, find)
                ),
            )

        asked = Question(
            name=name,
            asks=asks,
            unit=unit,
            answer=ask,
            room=function.__module__,
            **facts,
        )
        before = _QUESTIONS.get(name)
        if before is not None and before.room != asked.room:
            raise UsageError(
                f"Two questions are called {name!r}: one in {before.room}, one in"
                f" {asked.room}."
            )
        _QUESTIONS[name] = asked
        return cast(Callable[Concatenate[Cohort | DerivedCohort, P], Result], ask)

    return register


def answered_once(
    cohort: DerivedCohort,
    asked: _Asked,
    answer: Callable[[], Result],
) -> Result:
    """An answer that is worked out the first time, and then kept with the cohort.

    Parameters
    ----------
    cohort : DerivedCohort
        Of which it is asked.
    asked : tuple
        Name, values and options of the question.
    answer : callable
        Works it out.
    """
    # Two policies may share what is kept, and never what is told; nor may two reports that hide
    # different numbers.
    kept_by = _kept_by("answer", asked, cohort.policy, cohort.settings.withheld)
    found = answer() if kept_by is None else cohort.once(kept_by, answer)
    # Whoever changes the table changes only their own.
    return replace(found, table=found.table.copy(deep=False))


def _found_once(
    cohort: DerivedCohort, asked: _Asked, find: Callable[[], Answer | Result]
) -> Answer | Result:
    """What a question finds before the gate: the same under every policy, unless it looks at it."""

    def find_and_look() -> Answer | Result:
        found = find()
        if isinstance(found, Answer) and callable(found.sentence):
            # It is told again after the gate, of a cohort under a policy.
            cohort.look()
        return found

    kept_by = _kept_by("found", asked)
    if kept_by is None:
        return find()
    return cohort.once_for_all(kept_by, find_and_look)


def _kept_by(kind: str, asked: _Asked, *hangs_on: Hashable) -> Hashable | None:
    """By what a cohort keeps it; None where a choice has no name, such as a table."""
    name, values, options = asked
    told = {key: value for key, value in options.items() if key not in _OWN_OPTIONS}
    key = (kind, name, values, tuple(sorted(told.items())), *hangs_on)
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _answered(
    asked: Question,
    cohort: DerivedCohort,
    answer: Callable[[], Answer | Result],
    people: int | None = None,
) -> Result:
    """An answer, or the refusal of one, through the disclosure gate."""
    n = len(cohort.patients) if people is None else people
    try:
        _require_somebody(n)
        with one_thread():
            found = answer()
    except NotIdentified as error:
        refused = refusal(asked.name, cohort, error, asked.estimand, n)
        return release(refused, cohort, asked.log_end)
    if isinstance(found, Result):
        return found
    return release(_result(asked, found, cohort), cohort, asked.log_end)


def _require_somebody(people: int) -> None:
    """No question is asked of nobody: tables in memory may be empty, and a choice of people too."""
    if not people:
        raise NotIdentified(
            "there is no patient in them.", "sessions, and scores of the same people."
        )


def answered_with_less(
    name: str,
    cohort: DerivedCohort,
    answer: Callable[[], Answer],
    people: int | None = None,
) -> Result:
    """A question answered without what takes long and is not shown where it is asked.

    Parameters
    ----------
    name : str
        Of a question that is registered: its unit, roles and estimand hold.
    cohort : DerivedCohort
        Of whom it is asked.
    answer : callable
        Makes the answer instead of the function that was registered.
    people : int, optional
        How many they are, where they were counted elsewhere and `cohort` holds their settings only.
    """
    return _answered(_QUESTIONS[name], cohort, answer, people)


def _result(asked: Question, answer: Answer, cohort: DerivedCohort) -> Result:
    """The answer with what the question says of it, and where the numbers come from."""
    error = answer.refused
    # A refusal gives no quantity that could have a unit.
    unit = "" if error else answer.unit or asked.unit
    made = made_from(cohort, unit=unit, level=answer.level, seed=answer.seed)
    retell = answer.sentence if callable(answer.sentence) else None
    told = retell(answer.table) if retell else answer.sentence
    return Result(
        name=asked.name,
        table=answer.table,
        roles=answer.roles or asked.roles,
        decimals=answer.decimals or asked.decimals,
        show=answer.show or asked.show,
        sentence="" if error else str(told),
        retell=None if error else retell,
        recipes=answer.recipes or asked.recipes,
        balanced=asked.balanced,
        estimand=answer.estimand or asked.estimand,
        caveats=answer.caveats,
        made_from=made,
        status="refused" if error else "ok",
        reason=error.reason if error else "",
        collect=error.collect if error else "",
        people=answer.people,
        rows=answer.rows,
    )


def load_questions() -> Mapping[str, Question]:
    """Every question there is, by name: those of kettrack in the order of `ROOMS`, then those that
    other packages register through entry points.
    """
    _import_all(tuple(sys.path))
    return dict(sorted(_QUESTIONS.items(), key=lambda named: _place(named[1])))


@cache
def _import_all(search_path: tuple[str, ...]) -> None:
    """Import every module that registers questions: once, and again when the search path changes,
    where another package may have been added.
    """
    package = import_module("kettrack.analysis")
    for module in walk_packages(package.__path__, "kettrack.analysis."):
        import_module(module.name)
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()


def _place(asked: Question) -> int:
    """Place of a question's room in the conference; others come last."""
    room = asked.room.removeprefix("kettrack.analysis.").partition(".")[0]
    return ROOMS.index(room) if room in ROOMS else len(ROOMS)


def get_question(name: str) -> Question:
    """Look a question up.

    Raises
    ------
    UsageError
        For a name that is none; the message has the nearest, and all there are.

    Examples
    --------
    >>> get_question("session_counts").asks
    'How many sessions did people have?'
    """
    there = load_questions()
    if not isinstance(name, str):
        raise UsageError(
            "The name of a question comes first and the cohort second, as in"
            " estimate('session_counts', cohort)."
        )
    if name not in there:
        near = get_close_matches(name, there, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(
            f"No question is called {name!r}.{meant} There are: {', '.join(there)}."
        )
    return there[name]


def asked_as(name: str) -> str:
    """A question in a person's words, for a sentence that sends readers to its answer; who wants
    its name finds it by these words in `questions`.

    Raises
    ------
    UsageError
        For a name that is none.

    Examples
    --------
    >>> asked_as("session_counts")
    '"How many sessions did people have?"'
    """
    return f'"{get_question(name).asks}"'


def questions() -> pd.DataFrame:
    """Every question that can be asked of a cohort: one row per question.

    Returns
    -------
    DataFrame
        `name` `asks` `unit` (empty where rows differ) `by_group` (whether `by=` can be given)
        `mergeable` (whether its counts can be added over clinics) `options` (further keywords of
        `estimate`, with their defaults).

    Examples
    --------
    >>> questions().set_index("name").loc["durability", "asks"]
    'How long does a response last after the planned course?'
    """
    rows = [
        {
            "name": name,
            "asks": asked.asks,
            "unit": asked.unit,
            "by_group": asked.by_group,
            "mergeable": asked.count is not None,
            "options": ", ".join(f"{k}={v!r}" for k, v in asked.options.items()),
        }
        for name, asked in load_questions().items()
    ]
    return pd.DataFrame(rows)


def require_options(asked: Question, options: Mapping[str, Any]) -> None:
    """Stop at an option that a question does not take, and at a number that none could use.

    Raises
    ------
    UsageError
        Naming those it takes, or which numbers will do.
    """
    unknown = [name for name in options if name not in asked.options]
    if unknown:
        there = ", ".join(asked.options) or "none"
        raise UsageError(
            f"{asked.name} takes no option {unknown[0]!r}. Its options are: {there}."
        )
    # The bounds of a single option, such as a week, are told by its question.
    for name, value in options.items():
        if name == "seed":
            _require_seed(value)
        elif isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
            raise UsageError(
                f"{name} is {value}, which is beyond {_LARGEST:,}: no log is so long."
            )


def _require_seed(value: Any) -> None:
    """Stop at what is no whole number from 0 up; None is left to the question."""
    if value is not None and (not isinstance(value, int) or value < 0):
        raise UsageError(f"seed is {value!r}; a whole number from 0 up is needed.")
