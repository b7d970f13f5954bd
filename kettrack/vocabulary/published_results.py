"""What others have published, to set beside a clinic's own numbers: response and remission by
session number, going on without improvement, and how long a response lasted.

A rate stands here only when it belongs to a session number: nothing that was "within six weeks", at
a study's end, or under another name than response and remission. Rates differ between scales, so a
MADRS rate is never expected of the PHQ-9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from kettrack.vocabulary.instrument import Standing

MOST_ON_FIGURE: Final = 3  # published marks; the others are told in words
# Rates "at" a session can fall again; rates "by" a session cannot.
RateKind = Literal["point", "cumulative"]

SOURCES: Final = {
    "Zheng 2019": (
        "Zheng 2019,"
        " stichtingopen.nl/investigation-of-medical-effect-of-multiple-ketamine-infusions-on-"
        "patients-with-major-depressive-disorder"
    ),
    "Zheng 2018": "Zheng 2018, J Psychiatr Res 106:61, read.qxmd.com/read/30278319",
    "Shiroma 2014": "Shiroma 2014, J Affect Disord 155:123",
    "Cusin": "open-label study summarised in BMC Psychiatry 2022, doi 10.1186/s12888-022-03789-3",
    "Phillips 2019": "Phillips 2019, Am J Psychiatry 176:401, pubmed 30922101",
    "aan het Rot 2010": "aan het Rot 2010, unconfirmed",
    "Rasmussen 2013": "Rasmussen 2013, pubmed 23428794",
    "McIntyre 2020": "McIntyre 2020 (CRTCE), experts.mcmaster.ca/display/publication1914851",
    "Sakurai 2020": "Sakurai 2020 (MGH), pubmed 32871698",
    "Oliver 2022": "Oliver 2022, J Clin Psychiatry 83(6):21m14336",
    "Anand 2023": "Anand 2023 (ELEKT-D), N Engl J Med 388:2315",
    "KADS 2023": "Loo 2023 (KADS), Br J Psychiatry 223:533; figures unconfirmed",
    "Turkoz 2021": (
        "Turkoz 2021 (TRANSFORM-1 and -2), J Clin Psychiatry,"
        " psychiatrist.com/jcp/depression/response-to-esketamine-after-initial-nonresponse"
    ),
    "TRANSFORM-2": "TRANSFORM-2, Clin Pharmacol Ther 2020;109:536 table 1, PMC7894501",
    "Hull 2022": "Hull 2022 (Mindbloom), J Affect Disord 314:59",
    "veterans 2025": "20 veterans of a private clinic, 2025, program evaluation of 2025-12-12",
    "Lipsitz 2021": (
        "Lipsitz 2021 (CRTCE), Prog Neuropsychopharmacol Biol Psychiatry 105:110126, pubmed"
        " 33031861"
    ),
    "early stop": "Transl Psychiatry 2024, doi 10.1038/s41398-024-03027-2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRate:
    """Response and remission of one cohort after one session.

    Parameters
    ----------
    study : str
        As on a figure; a key of `SOURCES`.
    n : int
        People rated.
    scale, route : str
        Instrument, and route in words.
    session : int
        Session number after which people were rated.
    response, remission : float or None
        Percent; None where not reported.
    kind : {"point", "cumulative"}
        Status after that session in those still treated, or ever reached by then.
    standing : str
        `verified`, `computed` from verified numbers, or `recalled`: never drawn.
    same_people_as : str
        Another study here that holds these people; such a row is not drawn beside it.
    """

    study: str
    n: int
    scale: str
    route: str
    session: int
    response: float | None = None
    remission: float | None = None
    kind: RateKind = "point"
    standing: Standing = "verified"
    same_people_as: str = ""

    @property
    def source(self) -> str:
        """Full citation."""
        return SOURCES[self.study]

    @property
    def label(self) -> str:
        """Study, scale and n, as on a figure."""
        return f"{self.study} ({self.scale}, n={self.n})"


# session, response in percent, remission in percent
_Row = tuple[int, float | None, float | None]


def _rates(  # noqa: PLR0913 - each fact by its name
    study: str,
    n: int,
    scale: str,
    route: str,
    *rows: _Row,
    kind: RateKind = "point",
    standing: Standing = "verified",
    same_people_as: str = "",
) -> tuple[PublishedRate, ...]:
    """The rates of one group of people after several sessions."""
    return tuple(
        PublishedRate(
            study=study,
            n=n,
            scale=scale,
            route=route,
            session=session,
            response=response,
            remission=remission,
            kind=kind,
            standing=standing,
            same_people_as=same_people_as,
        )
        for session, response, remission in rows
    )


PUBLISHED_RATES: Final[tuple[PublishedRate, ...]] = (
    *_rates("Zheng 2019", 77, "MADRS", "IV", (1, 13.0, 7.8), (6, 67.5, 48.1)),
    *_rates(
        "Zheng 2018", 97, "MADRS", "IV", (6, 68.0, 50.5), same_people_as="Zheng 2019"
    ),
    *_rates(
        "Shiroma 2014",
        12,
        "MADRS",
        "IV",
        (1, 25.0, 8.0),
        (6, 91.6, 66.6),
        kind="cumulative",
    ),
    *_rates(
        "Shiroma 2014",
        12,
        "MADRS",
        "IV",
        (2, 58.0, 17.0),
        kind="cumulative",
        standing="computed",
    ),
    *_rates("Cusin", 14, "MADRS", "IV", (3, 7.0, None), (6, 42.0, 17.0)),
    *_rates("Phillips 2019", 41, "MADRS", "IV", (6, 59.0, None), kind="cumulative"),
    *_rates("Phillips 2019", 41, "MADRS", "IV", (1, 27.0, None), standing="recalled"),
    *_rates(
        "aan het Rot 2010", 10, "MADRS", "IV", (1, 90.0, None), standing="recalled"
    ),
    *_rates(
        "aan het Rot 2010", 9, "MADRS", "IV", (6, 100.0, None), standing="recalled"
    ),
    *_rates("Rasmussen 2013", 10, "MADRS", "IV", (4, None, 50.0), kind="cumulative"),
    *_rates("McIntyre 2020", 190, "QIDS-SR16", "IV", (4, 27.0, 13.0)),
    *_rates("Sakurai 2020", 82, "QIDS-SR16", "IV", (6, 18.3, None)),
    *_rates("Oliver 2022", 424, "PHQ-9", "IV", (10, 72.0, 38.0), kind="cumulative"),
    *_rates("Anand 2023", 195, "QIDS-SR16", "IV", (6, 55.4, None)),
    *_rates("KADS 2023", 174, "MADRS", "SC", (8, 29.0, 19.6), standing="recalled"),
    *_rates("Turkoz 2021", 318, "MADRS", "intranasal esketamine", (1, 17.3, None)),
    *_rates("Turkoz 2021", 310, "MADRS", "intranasal esketamine", (8, 58.7, None)),
    *_rates(
        "TRANSFORM-2",
        114,
        "MADRS",
        "intranasal esketamine",
        (8, 69.3, 52.5),
        same_people_as="Turkoz 2021",
    ),
    *_rates("Hull 2022", 1247, "PHQ-9", "sublingual at home", (4, 62.8, 32.6)),
    *_rates("veterans 2025", 20, "PHQ-9", "IV or IM", (6, 35.0, 10.0)),
)


def rates_to_draw(
    event: Literal["response", "remission"], last_session: int
) -> list[PublishedRate]:
    """Verified rates of an event up to a session, each group of people once, by session and rate.

    Examples
    --------
    >>> [rate.study for rate in rates_to_draw("remission", 4)]
    ['Zheng 2019', 'Shiroma 2014', 'McIntyre 2020', 'Hull 2022', 'Rasmussen 2013']
    """
    # Some studies report response without remission.
    known = [rate for rate in PUBLISHED_RATES if getattr(rate, event) is not None]
    # The same people are drawn once: a row that repeats another study's people gives way to it.
    studies = {rate.study for rate in known}
    chosen = [
        rate
        for rate in known
        if rate.standing == "verified"
        and rate.session <= last_session
        and rate.same_people_as not in studies
    ]
    return sorted(chosen, key=lambda rate: (rate.session, getattr(rate, event)))


def rates_on_figure(
    event: Literal["response", "remission"], last_session: int
) -> list[PublishedRate]:
    """The few of `rates_to_draw` that a figure has room for: the studies with the most people, each
    after the last session that it tells of.

    Examples
    --------
    >>> [rate.study for rate in rates_on_figure("response", 8)]
    ['Hull 2022', 'Anand 2023', 'Turkoz 2021']
    """
    last_of = {rate.study: rate for rate in rates_to_draw(event, last_session)}
    largest = sorted(last_of.values(), key=lambda rate: -rate.n)[:MOST_ON_FIGURE]
    return sorted(largest, key=lambda rate: (rate.session, getattr(rate, event)))


def published_words(
    event: Literal["response", "remission"], last_session: int
) -> list[str]:
    """The rates of `rates_to_draw` in words: one entry per study, named as on a figure, with its
    source.

    Examples
    --------
    >>> published_words("remission", 4)[-1]
    'Rasmussen 2013: 50 % by session 4 (MADRS, n = 10; Rasmussen 2013, pubmed 23428794)'
    """
    by_study: dict[str, list[PublishedRate]] = {}
    for rate in rates_to_draw(event, last_session):
        # The order of the first rate of each study is kept.
        by_study.setdefault(rate.study, []).append(rate)
    return [_in_words(rates, event) for rates in by_study.values()]


def _in_words(rates: list[PublishedRate], event: str) -> str:
    """The rates of one study: name, percent at or by each session, scale, n and source."""
    words = {"point": "at", "cumulative": "by"}
    said = ", ".join(
        f"{getattr(rate, event):.0f} % {words[rate.kind]} session {rate.session}"
        for rate in rates
    )
    first = rates[0]
    return f"{first.study}: {said} ({first.scale}, n = {first.n}; {first.source})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFinding:
    """A published finding on going on after little improvement.

    Parameters
    ----------
    study : str
        A key of `SOURCES`.
    n : int
        People.
    scale : str
        Instrument.
    says : str
        The finding in one sentence.
    speaks_for : {"going on", "stopping"}
        Which way it points.
    """

    study: str
    n: int
    scale: str
    says: str
    speaks_for: Literal["going on", "stopping"]

    def __str__(self) -> str:
        return f"{self.says} ({SOURCES[self.study]}; n = {self.n}, {self.scale})."


# Findings on both sides: either alone would steer the reader.
GOING_ON: Final[tuple[PublishedFinding, ...]] = (
    PublishedFinding(
        study="Lipsitz 2021",
        n=134,
        scale="QIDS-SR16",
        says=(
            "For going on: 58 % of those not improved by 20 % after session 1 or 2 still reach 20"
            " % by session 4"
        ),
        speaks_for="going on",
    ),
    PublishedFinding(
        study="Turkoz 2021",
        n=318,
        scale="MADRS",
        says=(
            "For going on: 54.9 % of those without response on day 2 of esketamine respond by day"
            " 28 (44.3 % under placebo)"
        ),
        speaks_for="going on",
    ),
    PublishedFinding(
        study="early stop",
        n=135,
        scale="MADRS",
        says=(
            "For stopping: 20 % improvement 24 hours after session 4 has more than 90 %"
            " sensitivity for the final (partial) response after session 6, and those without it"
            " show no further fall that could be told from chance"
        ),
        speaks_for="stopping",
    ),
)


@dataclass(frozen=True, slots=True)
class PublishedDurability:
    """One published share of people who were still responding.

    Parameters
    ----------
    study : str
        As printed beside a mark.
    day : int
        Days since the study's own origin.
    percent : float
        Share who were still responding.
    n : int or None
        Responders it is about, where known.
    about : str
        Treatment, rule and origin in short.
    source : str
        Where it was read.
    standing : str
        `verified`, `computed` from verified numbers, or `recalled`; a recalled one is never shown
        unless asked for.
    """

    study: str
    day: int
    percent: float
    n: int | None
    about: str
    source: str
    standing: Standing = "verified"

    def __str__(self) -> str:
        of = "" if self.n is None else f" of {self.n}"
        return f"{self.percent:g} %{of} on day {self.day} ({self.about}; {self.source})"

    @property
    def usable(self) -> bool:
        """Whether it may be shown: everything but a recalled one."""
        return self.standing != "recalled"


# Told beside each number: a clinic that gives maintenance sees something else.
_NO_MAINTENANCE: Final = (
    "intravenous, no maintenance; lost = less than 50 % below baseline"
)
_MCINNES: Final = "McInnes 2022, J Affect Disord 301:486"
_SHIROMA: Final = "Shiroma 2014, J Affect Disord 155:123"
_ELEKT_D: Final = "ELEKT-D, unconfirmed"

PUBLISHED_DURABILITY: Final[tuple[PublishedDurability, ...]] = (
    PublishedDurability("McInnes 2022", 28, 80, None, _NO_MAINTENANCE, _MCINNES),
    PublishedDurability("McInnes 2022", 56, 60, None, _NO_MAINTENANCE, _MCINNES),
    PublishedDurability(
        "Shiroma 2014",
        28,
        45,
        11,
        "six infusions, 5 of 11 kept the response",
        _SHIROMA,
        "computed",
    ),
    PublishedDurability(
        "ELEKT-D", 30, 81.0, None, "ketamine responders", _ELEKT_D, "recalled"
    ),
    PublishedDurability(
        "ELEKT-D", 91, 75.0, None, "ketamine responders", _ELEKT_D, "recalled"
    ),
    PublishedDurability(
        "ELEKT-D", 182, 65.5, None, "ketamine responders", _ELEKT_D, "recalled"
    ),
)


def published_durability(recalled: bool = False) -> tuple[PublishedDurability, ...]:
    """The figures that may be shown, or all of them.

    Examples
    --------
    >>> str(published_durability()[0])[:43]
    '80 % on day 28 (intravenous, no maintenance'
    """
    return tuple(figure for figure in PUBLISHED_DURABILITY if recalled or figure.usable)


def durability_on_figure(last_day: int) -> list[PublishedDurability]:
    """The few of `published_durability` that a figure has room for: what was read before what was
    computed from it, and the studies with the most people first.

    Examples
    --------
    >>> [share.day for share in durability_on_figure(30)]
    [28, 28]
    """
    there = [share for share in published_durability() if share.day <= last_day]

    def worth(share: PublishedDurability) -> tuple[bool, int]:
        return share.standing == "verified", share.n or 0

    best = sorted(there, key=worth, reverse=True)[:MOST_ON_FIGURE]
    return [share for share in there if share in best]
