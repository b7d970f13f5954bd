"""kettrack's own rules for an instrument, where no publication decides.

Response is at least 50 % down from baseline, inclusive, in every trial cited here. A convention
confirms loss of response by a second score 7-60 days later, because a single score is mostly noise;
response and remission need one score, because waiting for a second loses the well people who leave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kettrack.vocabulary.instrument import Fact, Instrument
from kettrack.vocabulary.rules import Criteria, Operator, Predicate, Rule, Run

_HALF: Final = "at least 50 % down, as in every trial cited"
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


def _half_down(instrument: Instrument, run: Run = Run()) -> Rule | None:  # noqa: B008 - Run() is a frozen value
    if not falls_by_percent(instrument):
        return None
    return Rule(Predicate("percent_change", "at most", -50), run, _HALF)


def _at_or_below(fact: Fact | None, instrument: Instrument) -> Rule | None:
    if fact is None or not fact.usable:
        return None
    operator: Operator = "at most" if instrument.higher_is_worse else "at least"
    return Rule(
        Predicate("score", operator, fact.value),
        source=fact.source,
        standing=fact.standing,
    )


def _reliable_rise(instrument: Instrument) -> Rule | None:
    change = instrument.reliable_change
    if change is None or not change.usable:
        return None
    rise = instrument.sign * change.value
    predicate = Predicate("change", "at least" if rise > 0 else "at most", rise)
    return Rule(
        predicate,
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
    lost = Rule(
        Predicate("percent_change", "above", -50),
        TWICE_IN_60_DAYS,
        "kettrack: confirmed loss",
        "convention",
    )
    partial = Rule(
        Predicate("percent_change", "at most", -25),
        source="ESCAPE-TRD: below 25 % is non-response",
    )
    return Criteria(
        name="convention",
        version="1",
        instrument=instrument.name,
        caseness=instrument.caseness,
        response=_half_down(instrument),
        remission=_at_or_below(
            next((fact for fact in instrument.remission if fact.usable), None),
            instrument,
        ),
        partial=partial if percent else None,
        loss_of_response=lost if percent else None,
        deterioration=_reliable_rise(instrument),
        source="kettrack, from the instrument's published cut-offs",
        standing="user" if instrument.standing == "user" else "convention",
    )


CONFIRMED: Final = "convention, confirmed"
SINGLE_LOSS: Final = "convention, single loss"


def conventions(instrument: Instrument) -> tuple[Criteria, ...]:
    """The convention and its labelled seconds: response and remission confirmed by a second score,
    and loss by one score.

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
    if first.response is None or lost is None:
        return (first,)
    return (
        first,
        replace(
            first,
            name=CONFIRMED,
            response=_twice(first.response),
            remission=_twice(first.remission),
        ),
        replace(
            first,
            name=SINGLE_LOSS,
            loss_of_response=replace(
                lost, run=Run(), source="kettrack: loss by one score"
            ),
        ),
    )


def _twice(rule: Rule | None) -> Rule | None:
    return (
        None
        if rule is None
        else replace(rule, run=TWICE_IN_60_DAYS, standing="convention")
    )
