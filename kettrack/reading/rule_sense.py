"""Scales and rules of one's own that cannot be meant: each with the figure that it would give.

A rule with a slip of the pen still gives numbers, and they look like any others: response at +50 %
makes a responder of everybody. What cannot be meant is refused, and the message says what it would
do.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

from kettrack.vocabulary.criteria import PRESETS, QUARTER_DOWN, conventions
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import PHQ9
from kettrack.vocabulary.rules import Criteria, Operator, Predicate, Rule

_FALLING: Final[tuple[Operator, ...]] = ("at most", "below")
# A rule of these names is about becoming better; the others are about becoming worse.
_BETTER: Final = ("response", "remission", "partial")
_CALLED: Final = {
    "response": "a response",
    "remission": "a remission",
    "partial": "a partial response",
    "loss_of_response": "a lost response",
    "relapse": "a relapse",
    "deterioration": "a deterioration",
}
_FOR_THE_BETTER: Final = "is for the better"
_FOR_THE_WORSE: Final = "is for the worse"
# A limit nearer to 0 than one percent is a share that was written for a percentage.
_LEAST_PERCENT: Final = 1

_Wrong = dict[str, str]


def published_name(name: str) -> bool:
    """Whether a bundle of rules of this name is built in, in whatever capital letters.

    Examples
    --------
    >>> published_name("sustain-1"), published_name("ours")
    (True, False)
    """
    built_in = [bundle.name for bundle in (*PRESETS, *conventions(PHQ9))]
    return name.strip().casefold() in {known.casefold() for known in built_in}


def senseless_scale(scale: Instrument) -> _Wrong:
    """Keys of a scale that cannot be meant, each with what was expected.

    Parameters
    ----------
    scale : Instrument
        User-defined, with a minimum below the maximum.

    Examples
    --------
    >>> from kettrack.vocabulary.instrument import Band
    >>> k10 = Instrument(name="K10", title="K10", minimum=10, maximum=50, bands=(
    ...     Band("low", 10, 20), Band("high", 30, 50)))
    >>> senseless_scale(k10)
    {'bands': 'bands that hold every score once; in none of these: 21 to 29'}
    """
    wrong = _reliable_change(scale) | _remission_of_a_case(scale)
    if fault := _fault_of_bands(scale):
        wrong["bands"] = f"bands that hold every score once; {fault}"
    return wrong | _sums_of_items(scale)


def _reliable_change(scale: Instrument) -> _Wrong:
    change = scale.reliable_change
    span = scale.maximum - scale.minimum
    if change is None or 0 < change.value <= span:
        return {}
    would = "nobody could be" if change.value > 0 else "everybody would be"
    return {
        "reliable_change": (
            f"a number of points above 0 and at most {span:g}, the whole range; with this one"
            f" {would} worse by a reliable change"
        )
    }


def _remission_of_a_case(scale: Instrument) -> _Wrong:
    case = scale.caseness
    if case is None:
        return {}
    ill = [cut for cut in scale.remission if _overlap(scale, cut.value, case.value)]
    if not ill:
        return {}
    side = "below" if scale.higher_is_worse else "above"
    return {
        "remission": (
            f"a score {side} caseness, {case.value:g}; as written, a person who scores"
            f" {ill[0].value:g} is a case and in remission at once"
        )
    }


def _overlap(scale: Instrument, well: float, ill: float) -> bool:
    """Whether a score can be on the well side of one limit and on the ill side of the other."""
    return scale.sign * well >= scale.sign * ill


def _fault_of_bands(scale: Instrument) -> str:
    """The first scores that lie in two bands or in none; empty where every score lies in one."""
    bands = sorted(scale.bands, key=lambda band: band.low)
    if not bands:
        return ""
    # On a scale with decimals less than one point between two bands is rounding.
    step = 1 if scale.whole_numbers else 0
    if bands[0].low > scale.minimum:
        return f"in none of these: {_span(scale.minimum, bands[0].low - step)}"
    for before, band in itertools.pairwise(bands):
        if band.low <= before.high:
            both = min(before.high, band.high)
            return f"in two of these: {_span(band.low, both)}"
        if band.low - before.high > 1:
            return f"in none of these: {_span(before.high + step, band.low - step)}"
    if bands[-1].high < scale.maximum:
        return f"in none of these: {_span(bands[-1].high + step, scale.maximum)}"
    return ""


def _span(first: float, last: float) -> str:
    return f"{first:g}" if first == last else f"{first:g} to {last:g}"


def _sums_of_items(scale: Instrument) -> _Wrong:
    if not scale.item_maxima or scale.total != "sum":
        return {}
    least = scale.item_minimum * scale.n_items
    most = sum(scale.item_maxima)
    if scale.minimum <= least and most <= scale.maximum:
        return {}
    return {
        "item_maxima": (
            f"items that add up to {scale.minimum:g} to {scale.maximum:g}, the range of the scale;"
            f" these add up to {least} to {most}"
        )
    }


def senseless_rules(criteria: Criteria, scale: Instrument) -> _Wrong:
    """Keys of a bundle of rules that cannot be meant, each with what was expected.

    Parameters
    ----------
    criteria : Criteria
        As it would be in force, with what it takes from the convention.
    scale : Instrument
        That it rates.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from kettrack.vocabulary.criteria import convention
    >>> up = Rule(Predicate("percent_change", "at most", 50))
    >>> list(senseless_rules(replace(convention(PHQ9), response=up), PHQ9))
    ['response.limit']
    """
    rules = {name: getattr(criteria, name) for name in _CALLED}
    wrong: _Wrong = {}
    for name, rule in rules.items():
        if rule is not None:
            wrong |= _senseless_rule(name, rule, criteria, scale)
    # Rules that are wrong by themselves are not compared as well.
    faulty = {key.partition(".")[0] for key in wrong}
    sound = {
        name: rule.predicate
        for name, rule in rules.items()
        if rule is not None and name not in faulty
    }
    return wrong | _contradictions(sound, criteria, scale)


def _senseless_rule(
    name: str, rule: Rule, criteria: Criteria, scale: Instrument
) -> _Wrong:
    predicate = rule.predicate
    if predicate.measure == "percent_change" and not scale.percent_change:
        return {f"{name}.measure": f"score or change; {scale.name} has no percentage"}
    falls = predicate.operator in _FALLING
    better = name in _BETTER
    would = _figure(name, predicate, criteria, scale)
    if falls != (better == scale.higher_is_worse):
        operators = "at most or below" if not falls else "at least or above"
        way = _FOR_THE_BETTER if better else _FOR_THE_WORSE
        expected = f"{operators}, since {name} {way}; as written, {would}"
        return {f"{name}.operator": expected}
    fault = _fault_of_limit(name, predicate, scale)
    return {f"{name}.limit": f"{fault}; as written, {would}"} if fault else {}


def _fault_of_limit(name: str, predicate: Predicate, scale: Instrument) -> str:
    """What was expected of a limit; empty where it can be meant."""
    limit = predicate.limit
    if predicate.measure == "score":
        inside = scale.minimum <= limit <= scale.maximum
        return "" if inside else f"a score of the scale, {scale.range_text}"
    worse = scale.sign * limit
    percent = predicate.measure == "percent_change"
    if percent and 0 < abs(limit) < _LEAST_PERCENT:
        return (
            f"a percentage, such as {'-' if limit < 0 else ''}50, and not a share of 1"
        )
    if name in _BETTER and worse >= 0:
        return f"a number {'below' if scale.higher_is_worse else 'above'} 0"
    # Unchanged is not worse, so 0 itself must not be enough.
    enough = predicate.operator in ("at least", "at most")
    if name == "deterioration" and (worse < 0 or (worse == 0 and enough)):
        return f"a number {'above' if scale.higher_is_worse else 'below'} 0"
    span = scale.maximum - scale.minimum
    most = 100.0 if percent else span
    # A rise from a low baseline can be many times that baseline; a fall ends at the lowest score.
    beyond = -limit > most if percent else abs(limit) > most
    return f"at most {most:g}{' %' if percent else ''} of change" if beyond else ""


def _figure(
    name: str, predicate: Predicate, criteria: Criteria, scale: Instrument
) -> str:
    """What a rule would do to one baseline, in points."""
    case = criteria.caseness
    # Twice the way from the lowest score to caseness: a baseline that many people have.
    middle = (scale.minimum + scale.maximum) / 2
    baseline = middle if case is None else 2 * case.value - scale.minimum
    baseline = min(max(baseline, scale.minimum), scale.maximum)
    cut = predicate.limit
    if predicate.measure == "change":
        cut = baseline + predicate.limit
    if predicate.measure == "percent_change":
        cut = baseline + predicate.limit * (baseline - scale.minimum) / 100
    words = Predicate("score", predicate.operator, cut).words
    from_baseline = f"from a baseline of {baseline:g} " * (predicate.measure != "score")
    return f"{from_baseline}{words} would be {_CALLED[name]}"


def _contradictions(
    sound: Mapping[str, Predicate], criteria: Criteria, scale: Instrument
) -> _Wrong:
    """Rules that overlap: a score would be two things at once."""
    wrong: _Wrong = {}
    tested = dict(sound)
    if criteria.caseness is not None:
        worse: Operator = "at least" if scale.higher_is_worse else "at most"
        tested["caseness"] = Predicate("score", worse, criteria.caseness.value)
    if _both_hold(tested, "remission", "caseness"):
        wrong["remission.limit"] = (
            f"a score on the well side of caseness, {tested['caseness'].limit:g}; as written, a"
            f" person who scores {tested['remission'].limit:g} is a case and in remission at once"
        )
    if _both_hold(tested, "remission", "relapse"):
        wrong["relapse.limit"] = (
            f"a score on the ill side of remission, {tested['remission'].limit:g}; as written, a"
            f" person who scores {tested['relapse'].limit:g} is in remission and has relapsed at"
            " once"
        )
    if _both_hold(tested, "response", "loss_of_response"):
        wrong["loss_of_response.limit"] = (
            f"a limit where response, {sound['response']}, has ended; as written, a score is a"
            " response and a lost one at once"
        )
    if _hides(sound, scale):
        wrong["partial.limit"] = (
            f"less than response, {sound['response']}; as written, nobody is ever partial"
        )
    return wrong


def _both_hold(sound: Mapping[str, Predicate], good: str, bad: str) -> bool:
    """Whether one score can hold both rules, where both test the same measure."""
    if good not in sound or bad not in sound:
        return False
    up = sound[good]
    down = sound[bad]
    if up.measure != down.measure:
        return False
    # For the better is below a limit on a scale that falls, and above one on a scale that rises.
    turn = 1 if up.operator in _FALLING else -1
    room = turn * (up.limit - down.limit)
    touches = up.operator.startswith("at") and down.operator.startswith("at")
    return room > 0 or (room == 0 and touches)


def _hides(sound: Mapping[str, Predicate], scale: Instrument) -> bool:
    """Whether every partial improvement is a response already."""
    if "partial" not in sound or "response" not in sound:
        return False
    partial = sound["partial"]
    response = sound["response"]
    # The convention's own partial may be passed over where response asks for less.
    same = partial.measure == response.measure and partial != QUARTER_DOWN
    return same and scale.sign * (partial.limit - response.limit) < 0
