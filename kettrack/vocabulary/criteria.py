"""The published rule bundles, and kettrack's conventions where no publication decides.

Response is at least 50 % down from baseline, inclusive, in every trial cited here. A convention confirms loss of response by a
second score 7-60 days later, because a single score is mostly noise; response and remission need one score, because waiting for
a second loses the well people who leave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kettrack.errors import UsageError
from kettrack.vocabulary.instrument import Fact, Instrument
from kettrack.vocabulary.instruments import HAMD17, INSTRUMENTS, MADRS, PHQ9
from kettrack.vocabulary.rules import Criteria, Operator, Predicate, Rule, Run

_HALF: Final = "at least 50 % down, as in every trial cited"
_ADMISSION: Final = ("hospitalisation", "suicide_attempt", "suicide")
TWICE_IN_60_DAYS: Final = Run(count=2, min_gap=7, max_gap=60)


def _falls_by_percent(instrument: Instrument) -> bool:
    """A percentage down is an improvement; a scale that rises needs rules of its own in `kettrack.toml`."""
    return instrument.percent_change and instrument.higher_is_worse


def _half_down(instrument: Instrument, run: Run = Run()) -> Rule | None:  # noqa: B008 - Run() is a frozen value
    if not _falls_by_percent(instrument):
        return None
    return Rule(Predicate("percent_change", "at most", -50), run, _HALF)


def _at_or_below(fact: Fact | None, instrument: Instrument) -> Rule | None:
    if fact is None or not fact.usable:
        return None
    operator: Operator = "at most" if instrument.higher_is_worse else "at least"
    return Rule(Predicate("score", operator, fact.value), source=fact.source, standing=fact.standing)


def _reliable_rise(instrument: Instrument) -> Rule | None:
    change = instrument.reliable_change
    if change is None or not change.usable:
        return None
    rise = instrument.sign * change.value
    predicate = Predicate("change", "at least" if rise > 0 else "at most", rise)
    return Rule(predicate, source=f"rise by the reliable change: {change.source}", standing="convention")


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
    >>> str(convention(PHQ9).loss_of_response)
    'percent change above -50 % (2 scores in a row, 7-60 days apart)'
    """
    percent = _falls_by_percent(instrument)
    lost = Rule(Predicate("percent_change", "above", -50), TWICE_IN_60_DAYS, "kettrack: confirmed loss", "convention")
    partial = Rule(Predicate("percent_change", "at most", -25), source="ESCAPE-TRD: below 25 % is non-response")
    return Criteria(
        name="convention",
        version="1",
        instrument=instrument.name,
        caseness=instrument.caseness,
        response=_half_down(instrument),
        remission=_at_or_below(next((fact for fact in instrument.remission if fact.usable), None), instrument),
        partial=partial if percent else None,
        loss_of_response=lost if percent else None,
        deterioration=_reliable_rise(instrument),
        source="kettrack, from the instrument's published cut-offs",
        standing="user" if instrument.standing == "user" else "convention",
    )


def _preset(base: Instrument, name: str, source: str, **rules: Rule | Fact | str | None) -> Criteria:
    return replace(convention(base), name=name, source=source, **{"standing": "verified", **rules})  # type: ignore[arg-type]


def _score(operator: str, limit: float, run: Run | None = None, **more: object) -> Rule:
    return Rule(Predicate("score", operator, limit), run or Run(), **more)  # type: ignore[arg-type]


_MCINNES: Final = "McInnes 2022, J Affect Disord 301:486"
_SUSTAIN1: Final = "SUSTAIN-1 registry record NCT02493868"
_ESCAPE: Final = "ESCAPE-TRD registry record NCT04338321"
_SALLOUM: Final = "Salloum 2019, pubmed 31494365"

PRESETS: Final[tuple[Criteria, ...]] = (
    _preset(
        PHQ9,
        "McInnes 2022",
        _MCINNES,
        remission=_score("at most", 4, source=_MCINNES),
        loss_of_response=Rule(Predicate("percent_change", "above", -50), source=_MCINNES),
        deterioration=Rule(Predicate("change", "at least", 1), source=f"{_MCINNES}: any rise"),
    ),
    _preset(
        MADRS,
        "SUSTAIN-1",
        _SUSTAIN1,
        remission=_score("at most", 12, source=_SUSTAIN1),
        # The registry dates a relapse at the event itself; dating two scores at the second could not be confirmed.
        relapse=_score("at least", 22, Run(2, 5, 15), source=_SUSTAIN1, event_rows=_ADMISSION),
    ),
    _preset(
        MADRS,
        "ESCAPE-TRD",
        _ESCAPE,
        remission=_score("at most", 10, source=_ESCAPE),
        relapse=_score("at least", 22, Run(2, 5, 15), source="wording as SUSTAIN-1, unconfirmed", standing="recalled"),
        standing="recalled",
    ),
    _preset(
        MADRS,
        "Salloum 2019",
        _SALLOUM,
        remission=_score("at most", 10, source=_SALLOUM),
        relapse=_score("at least", 22, source=f"{_SALLOUM}: one score within 30 days of a single infusion"),
    ),
    _preset(
        HAMD17,
        "NCT04007367",
        "registry record NCT04007367",
        relapse=_score("at least", 18, Run(2, 7, 14), source="registry record NCT04007367"),
    ),
)


def get_criteria(instrument: Instrument, name: str = "convention", extra: tuple[Criteria, ...] = ()) -> Criteria:
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
    if name == "convention":
        return convention(instrument)
    there = [bundle for bundle in (*extra, *PRESETS) if bundle.instrument == instrument.name]
    found = next((bundle for bundle in there if bundle.name == name), None)
    if found is None:
        names = ", ".join(["convention", *(bundle.name for bundle in there)])
        raise UsageError(f"No criteria {name!r} for {instrument.name}; there are: {names}.")
    return found


def rated_instruments() -> list[str]:
    """Names of the built-in instruments that have a response rule, in order.

    Examples
    --------
    >>> "CADSS" in rated_instruments()
    False
    """
    return [scale.name for scale in INSTRUMENTS.values() if convention(scale).response is not None]
