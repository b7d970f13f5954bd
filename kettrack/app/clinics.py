"""What the dashboard shows of a clinic. Two kinds: the clinic's own view, where every filter goes
with every other, and a release, where nobody can choose what would tell of few people.

A release shows everyone and has no filter. Or it shows the groups of one column, chosen by whoever
starts the dashboard, and never the whole: then no two pages share a person, and nothing can be
subtracted from anything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from kettrack.analysis.overview import first_page
from kettrack.analysis.short_answers import (
    ShortAnswer,
    more_sessions_answer,
    quick_answers,
    short_answers,
)
from kettrack.analysis.subgroups.groups import grouping_name, grouping_words
from kettrack.app.choices import (
    Choice,
    Option,
    Select,
    filters,
    first_choice,
    group_names,
    people_in,
    read_groups,
    read_rules,
    settings_selects,
)
from kettrack.app.key_figures import BY_NAME, KEY_FIGURES
from kettrack.app.later import Later
from kettrack.errors import UsageError
from kettrack.privacy.policies import INTERNAL, get_policy
from kettrack.privacy.release.whole import withheld_names
from kettrack.reading.cohort import Cohort
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort, derive

Thing = TypeVar("Thing")

GROUP: Final = "group"
# What the last choices needed is kept, so that memory does not grow with every look.
_COHORTS: Final = 6
_ANSWERS: Final = 64
# What the first page leaves out under a policy for release.
_INSIDE_ONLY: Final = ("responders",)
_FAULT: Final = (
    "kettrack made a mistake over it. `kettrack estimate next_session` says where; please tell the"
    " issue tracker."
)


@dataclass(frozen=True, slots=True)
class View:
    """What was chosen, and how it reads.

    Parameters
    ----------
    query : str
        End of the address.
    selects : tuple of Select
        What can be chosen.
    remarks : tuple of str
        What of the address could not be done.
    about : str
        Whose answers they are.
    key : hashable
        By which the clinic knows it.
    """

    query: str
    selects: tuple[Select, ...]
    remarks: tuple[str, ...]
    about: str
    key: Hashable


class Clinic(Protocol):
    """One cohort folder as the dashboard shows it."""

    @property
    def cohort(self) -> Cohort:
        """The folder, as it was read."""
        ...

    def view(
        self,
        arguments: Mapping[str, str],
    ) -> View:
        """What an address asks for."""
        ...

    def under(
        self,
        view: View,
    ) -> Cohort:
        """The folder under the scale, the rules and the baseline of a view."""
        ...

    def answers(
        self,
        view: View,
    ) -> list[ShortAnswer]:
        """The five answers."""
        ...

    def figure(
        self,
        view: View,
        name: str,
    ) -> Result:
        """The answer behind a figure."""
        ...


class Shelf(Generic[Thing]):
    """The things used last, by key.

    Examples
    --------
    >>> shelf = Shelf(1)
    >>> shelf.get("a", lambda: 1), shelf.get("b", lambda: 2), shelf.get("a", lambda: 3)
    (1, 2, 3)
    """

    def __init__(
        self,
        most: int,
    ) -> None:
        self._most = most
        self._things: OrderedDict[Hashable, Thing] = OrderedDict()

    def get(
        self,
        key: Hashable,
        make: Callable[[], Thing],
    ) -> Thing:
        """The thing of a key, made where it is not there."""
        if key not in self._things:
            self._things[key] = make()
        self._things.move_to_end(key)
        while len(self._things) > self._most:
            self._things.popitem(last=False)
        return self._things[key]


@dataclass
class OwnClinic:
    """The clinic's own view: every filter, and nothing hidden.

    Parameters
    ----------
    cohort : Cohort
        Under the policy `internal`.
    later : Later
        Works out what takes seconds, beside the pages.
    """

    cohort: Cohort
    later: Later[ShortAnswer] = field(default_factory=lambda: Later(_ANSWERS))
    _cohorts: Shelf[DerivedCohort] = field(default_factory=lambda: Shelf(_COHORTS))
    _answers: Shelf[list[ShortAnswer]] = field(default_factory=lambda: Shelf(_ANSWERS))
    _figures: Shelf[Result] = field(default_factory=lambda: Shelf(_ANSWERS))

    def view(
        self,
        arguments: Mapping[str, str],
    ) -> View:
        """What an address asks for; what there is not is said and left out."""
        # Scales and rules are those of the folder, whatever is chosen now.
        folder = self._everyone(first_choice(derive(self.cohort)))
        choice, remarks = read_rules(arguments, folder)
        # Bands of severity hang on the scale, so groups are read after it.
        everyone = self._everyone(choice)
        choice, more = read_groups(arguments, choice, everyone)
        selects = settings_selects(folder, choice) + filters(everyone, choice)
        return View(
            query=choice.query,
            selects=tuple(selects),
            remarks=(*remarks, *more),
            about=self._about(choice, selects),
            key=choice,
        )

    def under(
        self,
        view: View,
    ) -> Cohort:
        """The folder under the scale, the rules and the baseline of a view."""
        choice = view.key
        assert isinstance(choice, Choice)
        return self._everyone(choice).cohort

    def chosen(
        self,
        view: View,
    ) -> DerivedCohort:
        """The people of a view, under its rules."""
        choice = view.key
        assert isinstance(choice, Choice)
        everyone = self._everyone(choice)
        if not choice.groups:
            return everyone
        return self._cohorts.get(
            choice, lambda: everyone.of_people(people_in(everyone, choice.groups))
        )

    def answers(
        self,
        view: View,
    ) -> list[ShortAnswer]:
        """The five answers; the fifth once it is there."""
        cohort = self.chosen(view)
        # First those that the page waits for; the other thread would slow them down.
        first = self._answers.get(
            view.key, lambda: [_to_keep(answer) for answer in quick_answers(cohort)]
        )
        more = self.later.ask(view.key, lambda: _to_keep(more_sessions_answer(cohort)))
        if more is None and self.later.failed(view.key):
            more = replace(first[-1], headline="Not known", sentence=_FAULT)
        return first if more is None else [*first[:-1], more]

    def figure(
        self,
        view: View,
        name: str,
    ) -> Result:
        """The answer behind a figure."""
        cohort = self.chosen(view)
        asked = BY_NAME[name]
        return self._figures.get(
            (view.key, name), lambda: _without_cohort(asked.ask(cohort))
        )

    def _everyone(
        self,
        choice: Choice,
    ) -> DerivedCohort:
        """Everyone under the settings of a choice."""
        rules = (choice.instrument, choice.criteria, choice.baseline)
        return self._cohorts.get(rules, lambda: self._under(*rules))

    def _under(
        self,
        instrument: str,
        criteria: str,
        baseline: str,
    ) -> DerivedCohort:
        settings = replace(
            self.cohort.settings,
            instrument=instrument,
            criteria=criteria,
            baseline=baseline,  # type: ignore[arg-type]  # read_rules lets no other through
        )
        return derive(replace(self.cohort, settings=settings))

    def _about(
        self,
        choice: Choice,
        selects: list[Select],
    ) -> str:
        everyone = self._everyone(choice)
        labels = {select.name: select.label for select in selects}
        n = len(everyone.patients)
        if not choice.groups:
            return f"Everyone: {n:,} people."
        # Under `internal` a number of people may be told, however small.
        inside = int(people_in(everyone, choice.groups).sum())
        named = "; ".join(f"{labels[name]}: {group}" for name, group in choice.groups)
        return f"{inside:,} of {n:,} people. {named}."


def _to_keep(answer: ShortAnswer) -> ShortAnswer:
    """A short answer that holds no cohort."""
    behind = tuple(_without_cohort(result) for result in answer.behind)
    return replace(answer, behind=behind)


def _without_cohort(result: Result) -> Result:
    """An answer without what would make the rows of its people or another sentence: that holds the
    whole cohort in memory for as long as the answer is kept.
    """
    return replace(
        result,
        rows=None,
        retell=None,
    )


@dataclass(frozen=True)
class Released:
    """All that is shown of one group."""

    answers: list[ShortAnswer]
    figures: Mapping[str, Result]


class ReleasedClinic:
    """A release: everyone, or the groups of one column. All of it is worked out before anybody can
    ask.

    Parameters
    ----------
    cohort : Cohort
        Under a policy for release.
    by : str
        Grouping whose groups are shown; empty for everyone.
    on_group : callable
        Called after each group.

    Raises
    ------
    UsageError
        For a grouping that there is not, or when no group is large enough.
    """

    def __init__(
        self,
        cohort: Cohort,
        by: str = "",
        on_group: Callable[[], object] = lambda: None,
    ) -> None:
        self.cohort = cohort
        everyone = derive(cohort)
        self._fewest = get_policy(cohort.settings.policy).fewest_behind
        self._by = grouping_name(everyone, by) if by else ""
        self._words = grouping_words(everyone, by) if by else ""
        self._groups: dict[str, Released] = {}
        self._small: list[str] = []
        for name, people in self.parts(everyone, self._by):
            # A mean of few would tell of each of them.
            if len(people.patients) < self._fewest:
                self._small.append(name)
            else:
                self._groups[name] = protected_group(people)
            on_group()
        if not self._groups:
            raise UsageError(
                f"No group has {self._fewest} people or more, so nothing can be shown under the"
                f" policy {cohort.settings.policy!r}. Choose another column with --by, or leave"
                " it out."
            )

    @staticmethod
    def parts(
        everyone: DerivedCohort,
        by: str,
    ) -> Iterator[tuple[str, DerivedCohort]]:
        """The pages with the people behind them; no two share anybody.

        Parameters
        ----------
        everyone : DerivedCohort
            The clinic.
        by : str
            Grouping; empty for one page of everyone.
        """
        if not by:
            yield "", everyone
            return
        for name in group_names(everyone, by):
            inside = people_in(everyone, [(by, name)])
            yield name, everyone.of_people(inside)

    def under(
        self,
        view: View,
    ) -> Cohort:
        """The folder: under a policy for release nothing of that can be chosen."""
        del view
        return self.cohort

    def view(
        self,
        arguments: Mapping[str, str],
    ) -> View:
        """The page of a group; a release has no other choice.

        Raises
        ------
        UsageError
            For anything else in the address.
        """
        names = list(self._groups)
        # A page of a release exists, or it does not: nothing of an address is put together here.
        asked = arguments.get(GROUP, names[0])
        if asked not in names or set(arguments) - {GROUP}:
            raise UsageError(
                "This page does not exist. Under a policy for release nobody can choose filters or"
                " rules: two choices could be subtracted from each other."
            )
        if not self._by:
            return View("", (), (), "Everyone.", "")
        label = f"Group by {self._by.replace('_', ' ')}"
        options = tuple(Option(name, name) for name in names)
        return View(
            query=urlencode({GROUP: asked}),
            selects=(Select(GROUP, label, options, asked),),
            remarks=self._left_out(),
            about=f"People in the group: {asked}. Groups by {self._words}.",
            key=asked,
        )

    def answers(
        self,
        view: View,
    ) -> list[ShortAnswer]:
        """The five answers."""
        return self._groups[str(view.key)].answers

    def figure(
        self,
        view: View,
        name: str,
    ) -> Result:
        """The answer behind a figure."""
        return self._groups[str(view.key)].figures[name]

    def figures_of(
        self,
        view: View,
    ) -> list[Result]:
        """The answers behind all figures of a page."""
        return list(self._groups[str(view.key)].figures.values())

    def _left_out(self) -> tuple[str, ...]:
        """Which people no page shows."""
        said = ["The whole clinic is not shown beside its groups."]
        if self._small:
            few = ", ".join(self._small)
            said.append(f"Not shown, with fewer than {self._fewest} people: {few}.")
        return (*said, "People whose group is not recorded are in none.")


def protected_group(
    people: DerivedCohort,
) -> Released:
    """All that is shown of some people, protected as one release.

    Parameters
    ----------
    people : DerivedCohort
        Under a policy for release.
    """
    rules = get_policy(people.settings.policy)
    # What is hidden can only be judged by somebody who sees it.
    open_settings = replace(people.settings, policy=INTERNAL, withheld=())
    inside = people.replace(settings=open_settings)
    before = shown_together(inside.sharing(people))
    # Asked again: some answers have fewer rows when they leave, and lose less at the gate.
    after = shown_together(people)
    # What a report hides stays hidden.
    withheld = {*people.settings.withheld, *withheld_names(before, after, rules)}
    settings = replace(people.settings, withheld=tuple(sorted(withheld)))
    protected = people.replace(settings=settings).sharing(people)
    figures = {each.question: each.ask(protected) for each in KEY_FIGURES}
    return Released(short_answers(protected), figures)


def shown_together(
    people: DerivedCohort,
) -> list[Result]:
    """Every table that is shown of some people, under their policy.

    Parameters
    ----------
    people : DerivedCohort
        Under any policy.
    """
    behind = [
        replace(result, name=result.table_of or result.name)
        for result in first_page(people)
        if result.name not in _INSIDE_ONLY
    ]
    figures = [each.ask(people) for each in KEY_FIGURES]
    # A table that stands behind an answer and under a figure is one table; the page may show less
    # of it than the figure does.
    named = {result.name: result for result in [*behind, *figures]}
    return [result for result in named.values() if result.status == "ok"]
