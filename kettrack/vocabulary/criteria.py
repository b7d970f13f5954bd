"""The published rule bundles, and the door to every bundle by name.

A preset takes from kettrack's convention what its publication does not define. One marked
`recalled` is applied only when it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kettrack.errors import UsageError
from kettrack.vocabulary.conventions import ABOVE_HALF, conventions
from kettrack.vocabulary.conventions import convention as convention
from kettrack.vocabulary.days import SIX_MONTHS_DAYS
from kettrack.vocabulary.instrument import Construct, Instrument
from kettrack.vocabulary.instruments import HAMD17, INSTRUMENTS, MADRS, PHQ9, QIDS_SR16
from kettrack.vocabulary.rules import ONCE, Criteria, Operator, Predicate, Rule, Run

_ADMISSION: Final = ("hospitalisation", "suicide_attempt", "suicide")


def _score(operator: Operator, limit: float, source: str, run: Run = ONCE) -> Rule:
    """A rule on the score itself, as its publication says."""
    return Rule(Predicate("score", operator, limit), run, source)


def _recalled(rule: Rule) -> Rule:
    """The same rule, marked as one that nobody could confirm."""
    return replace(rule, standing="recalled")


# What a preset does not say is taken from the convention for its scale.
_ON_PHQ9: Final = replace(convention(PHQ9), standing="verified")
_ON_MADRS: Final = replace(convention(MADRS), standing="verified")
_ON_HAMD17: Final = replace(convention(HAMD17), standing="verified")
_ON_QIDS: Final = replace(convention(QIDS_SR16), standing="verified")

_MCINNES: Final = "McInnes 2022, J Affect Disord 301:486"
_SUSTAIN1: Final = "SUSTAIN-1 registry record NCT02493868"
_ESCAPE: Final = "ESCAPE-TRD registry record NCT04338321"
_SALLOUM: Final = "Salloum 2019, pubmed 31494365"
_SUSTAIN3: Final = "SUSTAIN-3, PMC10439056 table 3"
_YALE: Final = "Wilkinson 2018 (Yale), unconfirmed"
_MURROUGH: Final = "Murrough 2013, PMC3725185; relapse wording unconfirmed"
_PHILLIPS: Final = "Phillips 2019; the share of baseline is unconfirmed"
_SINGH: Final = "Singh 2016, unconfirmed"
_FRANK: Final = "Frank 1991; relapse threshold unconfirmed"
_NCT04007367: Final = "registry record NCT04007367"
_DESVENLAFAXINE: Final = "desvenlafaxine relapse prevention"
# The relapse of the esketamine trials: a MADRS of 22 or more twice, 5 to 15 days apart.
_RELAPSE_22: Final = Predicate("score", "at least", 22)
_TWICE_IN_15_DAYS: Final = Run(count=2, min_gap=5, max_gap=15)

PRESETS: Final[tuple[Criteria, ...]] = (
    replace(
        _ON_PHQ9,
        name="McInnes 2022",
        source=_MCINNES,
        remission=_score("at most", 4, _MCINNES),
        # one score is enough there, unlike in the convention
        loss_of_response=Rule(ABOVE_HALF, source=_MCINNES),
        deterioration=Rule(
            Predicate("change", "at least", 1), source=f"{_MCINNES}: any rise"
        ),
    ),
    replace(
        _ON_MADRS,
        name="SUSTAIN-1",
        source=_SUSTAIN1,
        remission=_score("at most", 12, _SUSTAIN1),
        # The registry dates a relapse at the event itself; dating two scores at the second could
        # not be confirmed.
        relapse=Rule(_RELAPSE_22, _TWICE_IN_15_DAYS, _SUSTAIN1, event_rows=_ADMISSION),
    ),
    replace(
        _ON_MADRS,
        name="ESCAPE-TRD",
        source=_ESCAPE,
        standing="recalled",
        remission=_score("at most", 10, _ESCAPE),
        relapse=Rule(
            _RELAPSE_22,
            _TWICE_IN_15_DAYS,
            "wording as SUSTAIN-1, unconfirmed",
            "recalled",
        ),
    ),
    replace(
        _ON_MADRS,
        name="Salloum 2019",
        source=_SALLOUM,
        remission=_score("at most", 10, _SALLOUM),
        relapse=Rule(
            _RELAPSE_22,
            source=f"{_SALLOUM}: one score within 30 days of a single infusion",
        ),
    ),
    replace(
        _ON_HAMD17,
        name="NCT04007367",
        source=_NCT04007367,
        relapse=_score(
            "at least", 18, _NCT04007367, Run(count=2, min_gap=7, max_gap=14)
        ),
    ),
    replace(
        _ON_PHQ9,
        name="SUSTAIN-3",
        source=_SUSTAIN3,
        remission=_score("at most", 4, _SUSTAIN3),
    ),
    replace(
        _ON_MADRS,
        name="SUSTAIN-3",
        source=_SUSTAIN3,
        remission=_score("at most", 12, _SUSTAIN3),
    ),
    replace(
        _ON_MADRS,
        name="Hawley 2002",
        source="Hawley 2002",
        remission=_score("at most", 9, "Hawley 2002: below 10"),
    ),
    replace(
        _ON_HAMD17,
        name="desvenlafaxine",
        source=f"{_DESVENLAFAXINE}: 16 or more once",
        relapse=_score("at least", 16, _DESVENLAFAXINE),
    ),
    replace(
        _ON_MADRS,
        name="Wilkinson 2018",
        source=_YALE,
        standing="recalled",
        remission=_recalled(_score("at most", 10, _YALE)),
    ),
    replace(
        _ON_QIDS,
        name="Wilkinson 2018",
        source=_YALE,
        standing="recalled",
        remission=_recalled(_score("at most", 5, _YALE)),
    ),
    replace(
        _ON_MADRS,
        name="Singh 2016",
        source=_SINGH,
        standing="recalled",
        remission=_recalled(_score("at most", 10, _SINGH)),
    ),
    replace(
        _ON_MADRS,
        name="Murrough 2013",
        source=_MURROUGH,
        standing="recalled",
        loss_of_response=_recalled(Rule(ABOVE_HALF, Run(count=2), _MURROUGH)),
    ),
    replace(
        _ON_MADRS,
        name="Phillips 2019",
        source=_PHILLIPS,
        standing="recalled",
        loss_of_response=_recalled(
            Rule(Predicate("percent_change", "at least", -20), source=_PHILLIPS)
        ),
    ),
    replace(
        _ON_HAMD17,
        name="Frank 1991",
        source=_FRANK,
        standing="recalled",
        remission=_score("at most", 7, "Szegedi 2003; Medicographia 2011"),
        relapse=_recalled(_score("at least", 15, _FRANK)),
        recovery_days=SIX_MONTHS_DAYS,
    ),
)


def get_criteria(
    instrument: Instrument, name: str = "convention", extra: tuple[Criteria, ...] = ()
) -> Criteria:
    """Look up the rules for an instrument.

    Parameters
    ----------
    instrument : Instrument
        The scale to be rated.
    name : str
        `"convention"` or a preset such as `"SUSTAIN-1"`.
    extra : tuple of Criteria
        User-defined bundles; they are found first.

    Raises
    ------
    UsageError
        When no bundle of that name is defined for the instrument; the message lists those that are.

    Examples
    --------
    >>> get_criteria(MADRS, "SUSTAIN-1").relapse.run.max_gap
    15
    """
    # The convention is made for the instrument at hand, so it exists for every scale.
    if name == "convention":
        return convention(instrument)
    there = criteria_for(instrument, extra)
    found = next((bundle for bundle in there if bundle.name == name), None)
    if found is None:
        names = "; ".join(bundle.name for bundle in there)
        raise UsageError(
            f"No criteria {name!r} for {instrument.name}; there are: {names}."
        )
    return found


def criteria_for(
    instrument: Instrument, extra: tuple[Criteria, ...] = ()
) -> tuple[Criteria, ...]:
    """Every bundle defined for an instrument, the user's own first, recalled ones included.

    Examples
    --------
    >>> verified = [bundle for bundle in criteria_for(MADRS) if bundle.standing == "verified"]
    >>> [bundle.name for bundle in verified if bundle.relapse]
    ['SUSTAIN-1', 'Salloum 2019']
    """
    # The user's own come first, so that a name of theirs is found before a preset's.
    presets = (*extra, *conventions(instrument), *PRESETS)
    return tuple(bundle for bundle in presets if bundle.instrument == instrument.name)


def rated_instruments(
    construct: Construct, known: Mapping[str, Instrument] = INSTRUMENTS
) -> list[str]:
    """Names of the instruments that measure a construct and have a response rule, in order.

    Parameters
    ----------
    construct : str
        Such as `depression`. A scale that does not state its construct is never among them.
    known : mapping
        Name to Instrument; default the built-in ones.

    Examples
    --------
    >>> rated_instruments("anxiety")
    ['GAD-7']
    """
    return [
        scale.name
        for scale in known.values()
        if scale.construct == construct and convention(scale).response is not None
    ]
