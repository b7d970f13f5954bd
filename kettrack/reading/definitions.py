"""A user's own instruments and criteria, from the tables of `kettrack.toml` to the same frozen
values as the built-in ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from kettrack.reading.problems import did_you_mean
from kettrack.vocabulary.columns import EVENTS, MOST_ITEMS
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instrument import Band, Fact, Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.rules import (
    Criteria,
    Measure,
    Operator,
    Predicate,
    ReviewRules,
    Rule,
    Run,
)

Complain = Callable[[str, str], None]
Content = Mapping[str, Any]

_SOURCE: Final = "kettrack.toml"
_DIRECTIONS: Final = {"higher is worse": True, "higher is better": False}
_FACTS: Final = ("caseness", "reliable_change", "recall_days", "suicidality_item")
# Key of [instruments.X] to what its value must be.
_INSTRUMENT_KEYS: Final[dict[str, tuple[Callable[[object], bool], str]]] = {}
_RULES: Final = (
    "response",
    "remission",
    "partial",
    "loss_of_response",
    "relapse",
    "deterioration",
)
_DAYS: Final = (
    "recovery_days",
    "recovery_max_gap",
    "late_after_days",
    "state_holds_days",
)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _are_numbers(value: object) -> bool:
    return _is_number(value) or (
        isinstance(value, list) and bool(value) and all(map(_is_number, value))
    )


def _are_items(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_ITEMS
        and all(map(_is_whole, value))
    )


def _are_bands(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(edges, list)
        and len(edges) == 2
        and all(map(_is_number, edges))
        and edges[0] <= edges[1]
        for edges in value.values()
    )


_INSTRUMENT_KEYS.update(
    {
        "title": (_is_text, "text"),
        "source": (_is_text, "text: where the numbers come from"),
        "licence": (_is_text, "text"),
        "direction": (
            lambda value: isinstance(value, str) and value in _DIRECTIONS,
            f"one of: {', '.join(_DIRECTIONS)}",
        ),
        "minimum": (_is_number, "a number"),
        "maximum": (_is_number, "a number"),
        "whole_numbers": (_is_truth, "true or false"),
        "percent_change": (_is_truth, "true or false"),
        "item_maxima": (
            _are_items,
            f"a list of at most {MOST_ITEMS} whole numbers, the highest answer of each item",
        ),
        "item_minimum": (_is_whole, "a whole number"),
        "caseness": (_is_number, "a number"),
        "remission": (
            _are_numbers,
            "a number, or a list of numbers, the default first",
        ),
        "reliable_change": (_is_number, "a number"),
        "recall_days": (_is_whole, "a whole number of days"),
        "suicidality_item": (_is_whole, "the number of the item"),
        "bands": (_are_bands, "a table of label = [lowest, highest]"),
    }
)
_RULE_KEYS: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    "measure": (
        lambda value: value in get_args(Measure),
        f"one of: {', '.join(get_args(Measure))}",
    ),
    "operator": (
        lambda value: value in get_args(Operator),
        f"one of: {', '.join(get_args(Operator))}",
    ),
    "limit": (_is_number, "a number"),
    "count": (lambda value: _is_whole(value) and value != 0, "a whole number from 1"),
    "min_gap": (_is_whole, "a whole number of days"),
    "max_gap": (_is_whole, "a whole number of days"),
    "dated_at": (
        lambda value: value in ("first", "confirming"),
        "one of: first, confirming",
    ),
    "event_rows": (
        lambda value: (
            isinstance(value, list) and all(event in EVENTS for event in value)
        ),
        f"a list of events: {', '.join(EVENTS)}",
    ),
    "source": (_is_text, "text"),
}
_REVIEW_KEYS: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    **dict.fromkeys(
        ("suicidality_item", "cssrs", "fewest_gaps", "last_scores"),
        (_is_whole, "a whole number"),
    ),
    "off_track_percentile": (
        lambda value: _is_number(value) and 0 <= float(str(value)) <= 100,
        "a percentile, 0 to 100",
    ),
    "unscored_days": (_is_whole, "a whole number of days"),
}
_CRITERIA_KEYS: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    "instrument": (_is_text, "the name of an instrument"),
    "version": (_is_text, "text"),
    "source": (_is_text, "text"),
    "caseness": (_is_number, "a number"),
    **dict.fromkeys(_DAYS, (_is_whole, "a whole number of days")),
    "review": (lambda value: isinstance(value, dict), "a table"),
    **{
        key: (
            lambda value: isinstance(value, dict) or value is False,
            "a table, or false for no such rule",
        )
        for key in _RULES
    },
}


def instrument_from(
    name: str, content: object, complain: Complain
) -> Instrument | None:
    """Build a user's instrument.

    Parameters
    ----------
    name : str
        As it will stand in the `instrument` column.
    content : object
        The table `[instruments.name]`; `minimum`, `maximum` and `direction` are needed.
    complain : callable
        Called with a key and what was expected there.

    Returns
    -------
    Instrument or None
        None when something was wrong.
    """
    if name.strip().casefold() in {known.casefold() for known in INSTRUMENTS}:
        complain("", "a built-in instrument has this name; choose another")
        return None
    good = _good(
        content, _INSTRUMENT_KEYS, ("minimum", "maximum", "direction"), complain
    )
    if good is None or not _holds_together(good, complain):
        return None
    source = good.pop("source", _SOURCE)
    facts: dict[str, Any] = {
        key: Fact(good.pop(key), source, "user") for key in _FACTS if key in good
    }
    remission = good.pop("remission", [])
    cuts = remission if isinstance(remission, list) else [remission]
    return Instrument(
        name=name,
        title=good.pop("title", name),
        higher_is_worse=_DIRECTIONS[good.pop("direction")],
        item_maxima=tuple(good.pop("item_maxima", ())),
        remission=tuple(Fact(cut, source, "user") for cut in cuts),
        bands=tuple(
            Band(label, *edges) for label, edges in good.pop("bands", {}).items()
        ),
        bands_source=source,
        standing="user",
        **facts,
        **good,
    )


def _holds_together(good: Mapping[str, Any], complain: Complain) -> bool:
    """Tell whether the numbers of an instrument agree with each other; each one that does not is
    reported.
    """
    low = good["minimum"]
    high = good["maximum"]
    n_items = len(good.get("item_maxima", ()))
    wrong = (
        {"maximum": "above the minimum"} if low >= high else _outside(good, low, high)
    )
    if "suicidality_item" in good and not 1 <= good["suicidality_item"] <= n_items:
        wrong["suicidality_item"] = (
            f"the number of an item, 1 to {n_items}"
            if n_items
            else "item_maxima, to know the items"
        )
    if any(most <= good.get("item_minimum", 0) for most in good.get("item_maxima", ())):
        wrong["item_maxima"] = "each above item_minimum"
    for key, expected in wrong.items():
        complain(key, expected)
    return not wrong


def _outside(good: Mapping[str, Any], low: float, high: float) -> dict[str, str]:
    remission = good.get("remission", [])
    cuts = {
        "caseness": [good.get("caseness", low)],
        "remission": remission if isinstance(remission, list) else [remission],
    }
    cuts["bands"] = [edge for edges in good.get("bands", {}).values() for edge in edges]
    expected = f"within the range of the scale, {low:g} to {high:g}"
    return {
        key: expected
        for key, values in cuts.items()
        if not all(low <= value <= high for value in values)
    }


def criteria_from(
    name: str, content: object, known: Mapping[str, Instrument], complain: Complain
) -> Criteria | None:
    """Build a user's criteria; what is not said is as in kettrack's convention for the instrument.

    Parameters
    ----------
    name : str
        As chosen by `criteria`.
    content : object
        The table `[criteria.name]`; `instrument` is needed. A rule is a table (`measure`,
        `operator`, `limit`, and where a single score is not enough `count`, `min_gap`, `max_gap`,
        `dated_at`), or false where there shall be none. `review` is a table of thresholds of the
        review list.
    known : mapping
        Instruments by name.
    complain : callable
        Called with a key and what was expected there.

    Returns
    -------
    Criteria or None
        None when something was wrong.
    """
    good = _good(content, _CRITERIA_KEYS, ("instrument",), complain)
    if good is None:
        return None
    instrument = known.get(good.pop("instrument"))
    if instrument is None or name == "convention":
        (
            complain("instrument", f"one of: {', '.join(known)}")
            if instrument is None
            else complain("", "this name is taken")
        )
        return None
    if (
        not instrument.minimum
        <= good.get("caseness", instrument.minimum)
        <= instrument.maximum
    ):
        complain(
            "caseness",
            f"within the range of {instrument.name}, {instrument.minimum:g} to"
            f" {instrument.maximum:g}",
        )
        return None
    source = good.pop("source", _SOURCE)
    caseness = (
        {"caseness": Fact(good.pop("caseness"), source, "user")}
        if "caseness" in good
        else {}
    )
    rules = {
        key: _rule(key, good.pop(key), source, complain)
        for key in _RULES
        if key in good
    }
    review = _good(
        good.pop("review", {}),
        _REVIEW_KEYS,
        (),
        lambda key, expected: complain(f"review.{key}", expected),
    )
    if review is None or any(rule is _BROKEN for rule in rules.values()):
        return None
    base = replace(
        convention(instrument),
        name=name,
        source=source,
        standing="user",
        version=good.pop("version", "1"),
    )
    return replace(base, review=ReviewRules(**review), **caseness, **rules, **good)  # type: ignore[arg-type]


_BROKEN: Final = Rule(Predicate("score", "at most", float("nan")))


def _rule(key: str, content: object, source: str, complain: Complain) -> Rule | None:
    if content is False:
        return None
    good = _good(
        content,
        _RULE_KEYS,
        ("measure", "operator", "limit"),
        lambda part, expected: complain(f"{key}.{part}", expected),
    )
    if good is None:
        return _BROKEN
    run = Run(
        **{
            part: good[part]
            for part in ("count", "min_gap", "max_gap", "dated_at")
            if part in good
        }
    )
    if run.min_gap > run.max_gap:
        complain(f"{key}.max_gap", "not below min_gap")
        return _BROKEN
    predicate = Predicate(good["measure"], good["operator"], good["limit"])
    return Rule(
        predicate,
        run,
        good.get("source", source),
        "user",
        tuple(good.get("event_rows", ())),
    )


def _good(
    content: object,
    keys: Mapping[str, tuple[Callable[[object], bool], str]],
    needed: tuple[str, ...],
    complain: Complain,
) -> dict[str, Any] | None:
    """Return the table when every key is known, every value fits and nothing needed is missing."""
    if not isinstance(content, dict):
        complain("", "a table")
        return None
    wrong = {
        key: f"unknown key{did_you_mean(key, keys) or '; there are: ' + ', '.join(keys)}"
        for key in content
        if key not in keys
    }
    wrong |= {
        key: keys[key][1]
        for key in content
        if key in keys and not keys[key][0](content[key])
    }
    wrong |= {key: f"missing: {keys[key][1]}" for key in needed if key not in content}
    for key, expected in wrong.items():
        complain(key, expected)
    return None if wrong else dict(content)
