"""kettrack's own rules for an instrument, where no publication decides.

Response is at least 50 % down from baseline, inclusive, in every trial cited here. A convention
confirms loss of response by a second score 7-60 days later, because a single score is mostly noise;
response and remission need one score, because waiting for a second loses the well people who leave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kettrack.vocabulary.instrument import Fact, Instrument
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
