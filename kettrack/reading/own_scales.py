"""Scales that a `kettrack.toml` defines, and what it says of built-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from msgspec import structs

from kettrack.reading.rule_sense import senseless_scale
from kettrack.reading.settings_schema import (
    BuiltInTable,
    InstrumentTable,
    Place,
    given,
    read_table,
)
from kettrack.settings import SETTINGS_FILE
from kettrack.vocabulary.instrument import (
    RESERVED_BANDS,
    Band,
    Fact,
    Instrument,
)
from kettrack.vocabulary.instruments import INSTRUMENTS

# Numbers of an instrument that carry their source.
_FACTS: Final = ("caseness", "reliable_change", "recall_days", "suicidality_item")


def own_scales(
    content: Mapping[str, object],
    place: Place,
) -> tuple[Instrument, ...]:
    """Every `[instruments.NAME]` of a settings file as an instrument.

    Parameters
    ----------
    content : mapping
        Name to table, as `tomllib` returns it.
    place : Place
        Where they stand; takes what is wrong.

    Returns
    -------
    tuple of Instrument
        A built-in scale stands here where the clinic says how it uses it. A faulty scale of its
        own is a placeholder.
    """
    made: dict[str, Instrument] = {}  # by name without regard to capital letters
    for written, table in content.items():
        name = written.strip()
        here = place.at(written)
        if not name:
            here.problem("a name that is not empty")
        elif name.casefold() in made:
            here.problem(
                "another instrument has this name but for capital letters or blanks;"
                " choose another"
            )
        else:
            instrument = _instrument(name, table, here)
            # A faulty scale is kept as a placeholder: its scores are not reported a second time.
            made[name.casefold()] = instrument or _placeholder(name)
    return tuple(made.values())


def _placeholder(name: str) -> Instrument:
    """Stands for an instrument whose definition is wrong, so that its scores are not called unknown
    as well.
    """
    return Instrument(
        name=name,
        title=name,
        minimum=-1e12,
        maximum=1e12,
        whole_numbers=False,
        standing="user",
    )


def _instrument(
    name: str,
    content: object,
    place: Place,
) -> Instrument | None:
    """A user's instrument; None when something was wrong."""
    # A user's PHQ-9 beside the built-in one would leave it open which was meant.
    taken = {known.casefold(): scale for known, scale in INSTRUMENTS.items()}
    if name.casefold() in taken:
        return _as_the_clinic_uses_it(taken[name.casefold()], content, place)
    table = read_table(content, InstrumentTable, place)
    if table is None:
        return None
    # Asked of what was built, which has the defaults of what was not said; what contradicts itself
    # is told first.
    instrument = _built_instrument(name, given(table))
    wrong = senseless_scale(instrument) | _contradictions(table)
    if table.minimum >= table.maximum:
        # Nothing can be said of a scale without a range.
        wrong = _contradictions(table)
    for key, expected in wrong.items():
        place.at(key).problem(expected)
    return None if wrong else instrument


def _as_the_clinic_uses_it(
    scale: Instrument,
    content: object,
    place: Place,
) -> Instrument:
    """A built-in scale with what differs between clinics; itself where something was wrong."""
    known = [field.name for field in structs.fields(BuiltInTable)]
    if isinstance(content, dict) and not content.keys() <= set(known):
        place.problem(
            f"a built-in instrument has this name: only {', '.join(known)} can be set for it;"
            " choose another name for another scale"
        )
        return scale
    table = read_table(content, BuiltInTable, place)
    if table is None:
        return scale
    values = given(table)
    start = values.get("items_coded_from")
    if start is not None and (not scale.n_items or scale.total == "highest"):
        # One taken off 1 = yes, 2 = no would turn every answer round.
        place.at("items_coded_from").problem(
            f"nothing: the answers of {scale.name} are no numbers that can be moved"
        )
        return scale
    if values.get("prorated") and not scale.whole_numbers:
        place.at("prorated").problem(
            f"nothing: {scale.name} has decimals by itself, so that a prorated score looks like"
            " any other"
        )
        return scale
    # Kept totals have decimals from here on; rounded ones have none.
    if values.get("prorated") == "keep":
        values["whole_numbers"] = False
    if "recall_days" in values:
        values["recall_days"] = Fact(values["recall_days"], SETTINGS_FILE, "user")
    return replace(scale, **values)


def _built_instrument(
    name: str,
    values: dict[str, Any],
) -> Instrument:
    source = values.pop("source", SETTINGS_FILE)
    if values.get("prorated") == "keep":
        values["whole_numbers"] = False
    for key in _FACTS:
        if key in values:
            values[key] = Fact(values[key], source, "user")
    # One cut-off, or several with the default first.
    cuts = _as_list(values.pop("remission", []))
    edges = values.pop("bands", {})
    # In rising order, whatever the order of the file.
    bands = tuple(
        sorted(
            (Band(label, low, high) for label, (low, high) in edges.items()),
            key=lambda band: band.low,
        )
    )
    return Instrument(
        name=name,
        title=values.pop("title", name),
        higher_is_worse=values.pop("direction") == "higher is worse",
        item_maxima=tuple(values.pop("item_maxima", ())),
        remission=tuple(Fact(cut, source, "user") for cut in cuts),
        bands=bands,
        bands_source=source,
        standing="user",
        **values,
    )


def _as_list(cuts: float | list[float]) -> list[float]:
    return cuts if isinstance(cuts, list) else [cuts]


def _contradictions(table: InstrumentTable) -> dict[str, str]:
    """Keys of an instrument that contradict another one, with what was expected."""
    wrong = _outside(table)
    if table.minimum >= table.maximum:
        # Everything would be outside such a range; one complaint is enough.
        wrong = {"maximum": "a number above the minimum"}
    bands = table.bands or {}
    if any(low > high for low, high in bands.values()):
        wrong["bands"] = "the lower edge of each band first"
    elif any(not label.strip() or label in RESERVED_BANDS for label in bands):
        taken = ", ".join(RESERVED_BANDS)
        wrong["bands"] = f"labels that are not empty and none of these words: {taken}"
    if given(table).get("prorated") and table.whole_numbers is False:
        wrong["prorated"] = (
            "nothing, as whole_numbers = false lets every decimal through"
        )
    return wrong | _wrong_items(table)


def _wrong_items(table: InstrumentTable) -> dict[str, str]:
    """Keys about the items that contradict each other."""
    wrong = {}
    maxima = table.item_maxima or []
    lowest = table.item_minimum or 0
    if any(most <= lowest for most in maxima):
        wrong["item_maxima"] = "each above item_minimum"
    if "items_coded_from" in given(table) and not maxima:
        wrong["items_coded_from"] = "item_maxima as well, to know the items"
    item = given(table).get("suicidality_item")
    if item is None:
        return wrong
    if not maxima:
        wrong["suicidality_item"] = "item_maxima as well, to know the items"
    elif not 1 <= item <= len(maxima):
        wrong["suicidality_item"] = f"the number of an item, 1 to {len(maxima)}"
    return wrong


def _outside(table: InstrumentTable) -> dict[str, str]:
    """Cut-offs and bands outside the range of the scale."""
    low = table.minimum
    high = table.maximum
    values = given(table)
    bands = values.get("bands", {})
    cuts = {
        "caseness": [values.get("caseness", low)],
        "remission": _as_list(values.get("remission", [])),
        "bands": [edge for edges in bands.values() for edge in edges],
    }
    expected = f"within the range of the scale, {low:g} to {high:g}"
    return {
        key: expected
        for key, edges in cuts.items()
        if not all(low <= edge <= high for edge in edges)
    }
