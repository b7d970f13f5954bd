"""The sentences of a handout, in the language of a catalogue.

Each sentence is a template with named places, so that a translator may put them in any order. Short
sentences and everyday words: many readers are tired, and some read slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from gettext import NullTranslations
from typing import Final

from kettrack.analysis.handout import Handout, Missing
from kettrack.vocabulary.published_results import PublishedRate, rates_to_draw
from kettrack.vocabulary.rules import Predicate

# Published figures that stand beside those of the clinic: few, so that they can be read.
_MOST_PUBLISHED: Final = 3
# Order of the legend, as the picture is filled.
_STATES: Final = ("better", "not_yet", "stopped", "unknown")


@dataclass(frozen=True, slots=True)
class Block:
    """One of the five parts of the page.

    Parameters
    ----------
    key : str
        As in `ShortAnswer`.
    question : str
        Heading.
    sentences : tuple of str
        In order.
    """

    key: str
    question: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandoutText:
    """The page in words.

    Parameters
    ----------
    title, lead : str
        Above everything.
    blocks : tuple of Block
        Five, in the order of the first page of a report.
    legend : dict
        What became of people to words, in the order of the picture.
    picture, harm_picture : str
        Headings of the two pictures.
    worse_words, others_words : str
        Legend of the second picture.
    limits : tuple of str
        What the page cannot say.
    published : tuple of str
        What others have published.
    headings : dict
        `limits`, `published`, `help` to their headings.
    help : str
        Whom to call.
    """

    title: str
    lead: str
    blocks: tuple[Block, ...]
    legend: dict[str, str]
    picture: str
    harm_picture: str
    worse_words: str
    others_words: str
    limits: tuple[str, ...]
    published: tuple[str, ...]
    headings: dict[str, str]
    help: str


def handout_text(told: Handout, words: NullTranslations) -> HandoutText:
    """Put the figures of a handout into sentences.

    Parameters
    ----------
    told : Handout
        The figures.
    words : NullTranslations
        From `read_catalogue`.
    """
    say = _Sentences(told, words)
    return HandoutText(
        title=words.gettext("Ketamine treatment here, in numbers"),
        lead=say.lead(),
        blocks=(
            Block(
                "response",
                words.gettext("How many got much better, and by when?"),
                say.better(),
            ),
            Block(
                "lasting",
                words.gettext("How long did it last after the first course?"),
                say.lasting(),
            ),
            Block(
                "harm",
                words.gettext("How many got worse, and what harm was seen?"),
                say.harm(),
            ),
            Block(
                "counted",
                words.gettext("Who was counted, and who is not known?"),
                say.counted(),
            ),
            Block(
                "more_sessions",
                words.gettext("What does one more session change?"),
                say.more(),
            ),
        ),
        legend=say.legend(),
        picture=say.picture(),
        harm_picture=words.gettext("100 people, at any time"),
        worse_words=words.gettext("got worse"),
        others_words=words.gettext("not seen to get worse"),
        limits=say.limits(),
        published=say.published(),
        headings={
            "limits": words.gettext("What this page cannot say"),
            "published": words.gettext("What others have seen"),
            "help": words.gettext("If you think of ending your life"),
        },
        help=say.help(),
    )


@dataclass(frozen=True, slots=True)
class _Sentences:
    """The figures, and the language they are said in."""

    told: Handout
    words: NullTranslations

    # ---- numbers

    def whole(self, share: float) -> str:
        """A share as people of 100; a small one is not said to be none."""
        if 0 < share < 0.5:
            return self.words.gettext("fewer than 1")
        return str(round(share))

    def points(self, value: float) -> str:
        """A number of points with one decimal."""
        mark = self.words.pgettext("decimal mark", ".")
        return f"{abs(value):.1f}".replace(".", mark)

    def lacking(self, missing: Missing) -> str:
        """Why a part says nothing."""
        if missing == "hidden":
            return self.words.gettext(
                "This is not shown here. So few people are behind it that somebody could be"
                " recognised."
            )
        return self.words.gettext("The records of this clinic cannot tell this.")

    # ---- the five parts

    def lead(self) -> str:
        """Who these people are, and of whom the numbers do not speak."""
        return self.words.gettext(
            "These are numbers of people who were treated here. They do not say what will happen"
            " to you."
        )

    def better(self) -> tuple[str, ...]:
        if not self.told.better:
            return (self.lacking(self.told.missing["better"]),)
        lines = [
            self.words.ngettext(
                "After {sessions} sessions, {people} of 100 people had felt much better.",
                "After {sessions} sessions, {people} of 100 people had felt much better.",
                max(people, 1),
            ).format(sessions=sessions, people=people)
            for sessions, people in self.told.better.items()
        ]
        return (*lines, self.rule())

    def rule(self) -> str:
        """What much better means by the rule in force."""
        rule = self.told.response
        if _is_share_of_fall(rule):
            return self.words.gettext(
                "Much better means: the score for low mood ({scale}) fell by {share} % or more."
            ).format(scale=self.told.instrument, share=f"{abs(rule.limit):g}")
        return self.words.gettext("Much better means ({scale}): {rule}.").format(
            scale=self.told.instrument, rule=rule.words
        )

    def lasting(self) -> tuple[str, ...]:
        told = self.told
        if told.still is None or told.again is None or told.lost is None:
            return (self.lacking(told.missing["lasting"]),)
        still = self.words.ngettext(
            "Of 100 people who felt much better after the first course, {people} still did"
            " {weeks} weeks later with no more sessions.",
            "Of 100 people who felt much better after the first course, {people} still did"
            " {weeks} weeks later with no more sessions.",
            max(told.still, 1),
        ).format(people=told.still, weeks=told.weeks)
        others = self.words.gettext(
            "{again} had a further session first. {lost} lost the gain first."
        ).format(again=told.again, lost=told.lost)
        return still, others

    def harm(self) -> tuple[str, ...]:
        return (
            *self.worse(),
            *self.side_effects(),
            *self.thoughts(),
            *self.recorded(),
        )

    def worse(self) -> tuple[str, ...]:
        told = self.told
        if told.worse is None:
            why = self.lacking(told.missing["worse"])
            return (self.words.gettext("Who got worse:") + " " + why,)
        return (
            self.words.ngettext(
                "{people} of 100 people got worse at some time.",
                "{people} of 100 people got worse at some time.",
                max(round(told.worse), 1),
            ).format(people=self.whole(told.worse)),
        )

    def side_effects(self) -> tuple[str, ...]:
        told = self.told
        if told.side_effects is None:
            why = self.lacking(told.missing["side_effects"])
            return (self.words.gettext("Side effects:") + " " + why,)
        common = self.words.ngettext(
            "Side effects came in {sessions} of 100 sessions.",
            "Side effects came in {sessions} of 100 sessions.",
            max(round(told.side_effects), 1),
        ).format(sessions=self.whole(told.side_effects))
        # No session with a record is not the same as no serious one.
        if told.serious is None or not told.sessions:
            return common, self.words.gettext(
                "How many of them were serious is not known or not shown."
            )
        if told.serious == 0:
            return common, self.words.gettext(
                "In about {sessions} sessions, no serious one was seen."
            ).format(sessions=told.sessions)
        serious = self.words.ngettext(
            "In about {serious} of {sessions} sessions they were serious.",
            "In about {serious} of {sessions} sessions they were serious.",
            max(told.serious, 1),
        ).format(serious=told.serious, sessions=told.sessions)
        return common, serious

    def thoughts(self) -> tuple[str, ...]:
        told = self.told
        if told.thoughts is None:
            why = self.lacking(told.missing["thoughts"])
            return (self.words.gettext("Thoughts of suicide:") + " " + why,)
        return (
            self.words.ngettext(
                "In {people} of 100 people thoughts of suicide grew at some time.",
                "In {people} of 100 people thoughts of suicide grew at some time.",
                max(round(told.thoughts), 1),
            ).format(people=self.whole(told.thoughts)),
        )

    def recorded(self) -> tuple[str, ...]:
        """Attempts and deaths that were written down, and that others may have been."""
        lines = [self.attempts(), self.deaths()]
        if self.told.unended:
            lines.append(
                self.words.gettext(
                    "More was written down of people whose records are not complete."
                )
            )
        return tuple(lines)

    def attempts(self) -> str:
        number = self.told.attempts
        if number is None:
            why = self.lacking(self.told.missing["attempts"])
            return self.words.gettext("Attempts at suicide:") + " " + why
        if number == 0:
            return self.words.gettext("No attempt at suicide was written down.")
        return self.words.ngettext(
            "About {number} attempt at suicide was written down.",
            "About {number} attempts at suicide were written down.",
            number,
        ).format(number=number)

    def deaths(self) -> str:
        number = self.told.deaths
        if number is None:
            why = self.lacking(self.told.missing["deaths"])
            return self.words.gettext("Deaths:") + " " + why
        if number == 0:
            return self.words.gettext("No death was written down.")
        return self.words.ngettext(
            "About {number} death was written down, of any cause.",
            "About {number} deaths were written down, of any cause.",
            number,
        ).format(number=number)

    def counted(self) -> tuple[str, ...]:
        told = self.told
        lines = []
        if told.people is not None:
            lines.append(
                self.words.gettext("About {people} people started here.").format(
                    people=told.people
                )
            )
        if told.counted is None or told.at_most is None:
            return (*lines, self.lacking(told.missing["better"]))
        unknown = self.words.ngettext(
            "After {sessions} sessions we do not know how {people} of 100 people were.",
            "After {sessions} sessions we do not know how {people} of 100 people were.",
            max(told.states["unknown"], 1),
        ).format(sessions=max(told.better), people=told.states["unknown"])
        counted = self.words.gettext(
            "The numbers on getting better are of about {people} of them."
        ).format(people=told.counted)
        best = self.words.gettext(
            "If all of these had felt much better, it would be {people} of 100."
        ).format(people=told.at_most)
        return (*lines, counted, unknown, best)

    def more(self) -> tuple[str, ...]:
        told = self.told
        if told.more is None:
            return (self.lacking(told.missing["more"]),)
        change, low, high = told.more
        compared = self.words.gettext(
            "We set people who had one more session beside people like them who had a break."
        )
        if low <= 0 <= high:
            # Nothing is claimed, so there is nothing to call no proof.
            return compared, self.words.gettext(
                "We cannot tell if one more session helped, did harm or changed nothing."
            )
        if high < 0:
            found = self.words.gettext(
                "With one more session the score was {points} points lower. That is better."
            ).format(points=self.points(change))
        else:
            found = self.words.gettext(
                "With one more session the score was {points} points higher. That is worse."
            ).format(points=self.points(change))
        sure = self.words.gettext(
            "This is no proof: the people may have differed in ways that nobody wrote down."
        )
        return compared, found, sure

    # ---- the rest of the page

    def legend(self) -> dict[str, str]:
        """What became of people -> words."""
        legend = {
            "better": self.words.gettext("felt much better"),
            "not_yet": self.words.gettext("did not feel much better by then"),
            "stopped": self.words.gettext("stopped and did not feel much better"),
            "unknown": self.words.gettext("not known"),
        }
        return {state: legend[state] for state in _STATES}

    def picture(self) -> str:
        """Heading of the first picture; empty where there is none."""
        if not self.told.better:
            return ""
        return self.words.gettext("100 people, after {sessions} sessions").format(
            sessions=max(self.told.better)
        )

    def limits(self) -> tuple[str, ...]:
        """What may not be read into the page."""
        return (
            self.words.gettext(
                "Nobody here was set beside people with no treatment. Low mood often gets better"
                " by itself. So not all of this comes from the sessions."
            ),
            self.words.gettext("You may be different from the people who came here."),
            self.words.gettext(
                "All numbers are rounded, so that nobody can be recognised."
            ),
        )

    def published(self) -> tuple[str, ...]:
        """Published shares after as many sessions as are told, the largest groups first."""
        last = max(self.told.better, default=0)
        rates = [
            rate
            for rate in (rates_to_draw("response", last) if last else [])
            if rate.session in self.told.better
        ]
        largest = sorted(rates, key=lambda rate: -rate.n)[:_MOST_PUBLISHED]
        if not largest:
            return ()
        care = self.words.gettext(
            "Other people, other scales and other rules: do not set these beside the numbers of"
            " this clinic."
        )
        return (*(self.one_published(rate) for rate in largest), care)

    def one_published(self, rate: PublishedRate) -> str:
        """One published share, its scale and its people."""
        assert rate.response is not None, "rates without a response are not drawn"
        people = round(rate.response)
        return self.words.ngettext(
            "{study}: {people} of 100 people felt much better after {sessions} sessions"
            " ({n} people, {scale}).",
            "{study}: {people} of 100 people felt much better after {sessions} sessions"
            " ({n} people, {scale}).",
            max(people, 1),
        ).format(
            study=rate.study,
            people=people,
            sessions=rate.session,
            n=rate.n,
            scale=rate.scale,
        )

    def help(self) -> str:
        """Whom to call."""
        if self.told.crisis_line:
            return self.words.gettext("Call at any hour: {line}").format(
                line=self.told.crisis_line
            )
        return self.words.gettext(
            "Tell somebody now. Call the emergency number of your country, or go to the nearest"
            " hospital."
        )


def _is_share_of_fall(rule: Predicate) -> bool:
    """Whether a rule asks for a fall by some percent or more."""
    return (
        rule.measure == "percent_change"
        and rule.operator == "at most"
        and rule.limit < 0
    )
