"""Rule bundles for an instrument: kettrack's own conventions, the published ones, and the door to
every bundle by name.

Response is at least 50 % down from baseline, inclusive, in every trial cited here. A convention
confirms loss of response by a second score 7-60 days later, because a single score is mostly noise;
response and remission need one score, because waiting for a second loses the well people who leave.

A preset takes from kettrack's convention what its publication does not define. One marked
`recalled` is applied only when it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kettrack.errors import UsageError
from kettrack.vocabulary.days import SIX_MONTHS_DAYS
from kettrack.vocabulary.instrument import Construct, Fact, Instrument
from kettrack.vocabulary.instruments import HAMD17, INSTRUMENTS, MADRS, PHQ9, QIDS_SR16
from kettrack.vocabulary.rules import ONCE, Criteria, Operator, Predicate, Rule, Run

# Half of the baseline itself is a response; any score above it is none.
HALF_DOWN: Final = Predicate("percent_change", "at most", -50)
ABOVE_HALF: Final = Predicate("percent_change", "above", -50)
QUARTER_DOWN: Final = Predicate("percent_change", "at most", -25)
# kettrack's own window for the score that confirms another one
TWICE_IN_60_DAYS: Final = Run(count=2, min_gap=7, max_gap=60)


def falls_by_percent(instrument: Instrument) -> bool:
    """Whether a percentage down is an improvement; a scale that rises needs rules of its own in
    `kettrack.toml`.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> falls_by_percent(PHQ9)
    True
    """
    return instrument.percent_change and instrument.higher_is_worse


def _at_or_below(cut_off: Fact, instrument: Instrument) -> Rule:
    """A score at the cut-off or better, whichever way the scale runs."""
    operator: Operator = "at most" if instrument.higher_is_worse else "at least"
    well = Predicate("score", operator, cut_off.value)
    return Rule(well, source=cut_off.source, standing=cut_off.standing)


def _reliable_rise(instrument: Instrument) -> Rule | None:
    """A change for the worse by at least the reliable change; None where no usable one is known."""
    # A recalled value is never a default, so the rule is then not defined at all.
    change = instrument.reliable_change
    if change is None or not change.usable:
        return None
    operator: Operator = "at least" if instrument.higher_is_worse else "at most"
    worse = Predicate("change", operator, instrument.sign * change.value)
    return Rule(
        worse,
        source=f"rise by the reliable change: {change.source}",
        standing="convention",
    )


def is_reliable(criteria: Criteria, instrument: Instrument) -> bool:
    """Whether who is worse by the rules in force is worse by a reliable change at least.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> is_reliable(convention(PHQ9), PHQ9)
    True
    >>> is_reliable(get_criteria(PHQ9, "McInnes 2022"), PHQ9)  # any rise
    False
    """
    rule = criteria.deterioration
    change = instrument.reliable_change
    if rule is None or change is None or not change.usable:
        return False
    predicate = rule.predicate
    rise = instrument.sign * predicate.limit
    return predicate.measure == "change" and rise >= change.value


def worse_words(criteria: Criteria, instrument: Instrument) -> str:
    """How somebody is called who is worse by the rules in force: `reliably` only where the rule is
    a reliable change.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> worse_words(convention(PHQ9), PHQ9)
    'reliably worse'
    """
    reliable = is_reliable(criteria, instrument)
    return "reliably worse" if reliable else "worse by the rule for deterioration"


def convention(instrument: Instrument) -> Criteria:
    """kettrack's own rules for an instrument, from its published cut-offs.

    Parameters
    ----------
    instrument : Instrument
        Built-in or user-defined.

    Returns
    -------
    Criteria
        Named `convention`; rules the scale has no usable number for are None.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> str(convention(PHQ9).loss_of_response)
    'percent change above -50 % (2 scores in a row, 7-60 days apart)'
    """
    percent = falls_by_percent(instrument)
    half = Rule(HALF_DOWN, source="at least 50 % down, as in every trial cited")
    lost = Rule(ABOVE_HALF, TWICE_IN_60_DAYS, "kettrack: confirmed loss", "convention")
    partial = Rule(QUARTER_DOWN, source="ESCAPE-TRD: below 25 % is non-response")
    cut_offs = [fact for fact in instrument.remission if fact.usable]
    return Criteria(
        name="convention",
        version="1",
        instrument=instrument.name,
        caseness=instrument.caseness,
        response=half if percent else None,
        remission=_at_or_below(cut_offs[0], instrument) if cut_offs else None,
        partial=partial if percent else None,
        loss_of_response=lost if percent else None,
        deterioration=_reliable_rise(instrument),
        source="kettrack, from the instrument's published cut-offs",
        standing="user" if instrument.standing == "user" else "convention",
    )


CONFIRMED: Final = "convention, confirmed"
SINGLE_LOSS: Final = "convention, single loss"


def conventions(instrument: Instrument) -> tuple[Criteria, ...]:
    """The convention and two variants that are always labelled: response and remission confirmed
    by a second score, and loss by one score.

    Parameters
    ----------
    instrument : Instrument
        Built-in or user-defined.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> [bundle.name for bundle in conventions(PHQ9)]
    ['convention', 'convention, confirmed', 'convention, single loss']
    """
    first = convention(instrument)
    lost = first.loss_of_response
    # A scale without a percentage has no response, so there is nothing to confirm or to lose.
    if first.response is None or lost is None:
        return (first,)
    confirmed = replace(
        first,
        name=CONFIRMED,
        response=_twice(first.response),
        remission=_twice(first.remission),
    )
    lost_once = replace(lost, run=ONCE, source="kettrack: loss by one score")
    single_loss = replace(first, name=SINGLE_LOSS, loss_of_response=lost_once)
    return first, confirmed, single_loss


def _twice(rule: Rule | None) -> Rule | None:
    """The same rule, confirmed by a second score."""
    if rule is None:
        return None
    return replace(rule, run=TWICE_IN_60_DAYS, standing="convention")


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
