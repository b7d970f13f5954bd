"""The published rule bundles, and the door to every bundle by name.

A preset takes from kettrack's convention what its publication does not define. One marked
`recalled` is applied only when it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kettrack.errors import UsageError
from kettrack.vocabulary.conventions import convention as convention
from kettrack.vocabulary.conventions import conventions
from kettrack.vocabulary.instrument import Construct, Fact, Instrument
from kettrack.vocabulary.instruments import HAMD17, INSTRUMENTS, MADRS, PHQ9, QIDS_SR16
from kettrack.vocabulary.rules import Criteria, Measure, Operator, Predicate, Rule, Run

_ADMISSION: Final = ("hospitalisation", "suicide_attempt", "suicide")


def _preset(
    base: Instrument, name: str, source: str, **rules: Rule | Fact | str | int | None
) -> Criteria:
    return replace(
        convention(base),
        name=name,
        source=source,
        **{"standing": "verified", **rules},  # type: ignore[arg-type]
    )


def _score(operator: str, limit: float, run: Run | None = None, **more: object) -> Rule:
    return Rule(Predicate("score", operator, limit), run or Run(), **more)  # type: ignore[arg-type]


def _recalled(
    measure: Measure,
    operator: Operator,
    limit: float,
    source: str,
    run: Run = Run(),  # noqa: B008 - a frozen value
) -> Rule:
    return Rule(Predicate(measure, operator, limit), run, source, "recalled")


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

PRESETS: Final[tuple[Criteria, ...]] = (
    _preset(
        PHQ9,
        "McInnes 2022",
        _MCINNES,
        remission=_score("at most", 4, source=_MCINNES),
        loss_of_response=Rule(
            Predicate("percent_change", "above", -50), source=_MCINNES
        ),
        deterioration=Rule(
            Predicate("change", "at least", 1), source=f"{_MCINNES}: any rise"
        ),
    ),
    _preset(
        MADRS,
        "SUSTAIN-1",
        _SUSTAIN1,
        remission=_score("at most", 12, source=_SUSTAIN1),
        # The registry dates a relapse at the event itself; dating two scores at the second could
        # not be confirmed.
        relapse=_score(
            "at least", 22, Run(2, 5, 15), source=_SUSTAIN1, event_rows=_ADMISSION
        ),
    ),
    _preset(
        MADRS,
        "ESCAPE-TRD",
        _ESCAPE,
        remission=_score("at most", 10, source=_ESCAPE),
        relapse=_score(
            "at least",
            22,
            Run(2, 5, 15),
            source="wording as SUSTAIN-1, unconfirmed",
            standing="recalled",
        ),
        standing="recalled",
    ),
    _preset(
        MADRS,
        "Salloum 2019",
        _SALLOUM,
        remission=_score("at most", 10, source=_SALLOUM),
        relapse=_score(
            "at least",
            22,
            source=f"{_SALLOUM}: one score within 30 days of a single infusion",
        ),
    ),
    _preset(
        HAMD17,
        "NCT04007367",
        "registry record NCT04007367",
        relapse=_score(
            "at least", 18, Run(2, 7, 14), source="registry record NCT04007367"
        ),
    ),
    _preset(
        PHQ9, "SUSTAIN-3", _SUSTAIN3, remission=_score("at most", 4, source=_SUSTAIN3)
    ),
    _preset(
        MADRS, "SUSTAIN-3", _SUSTAIN3, remission=_score("at most", 12, source=_SUSTAIN3)
    ),
    _preset(
        MADRS,
        "Hawley 2002",
        "Hawley 2002",
        remission=_score("at most", 9, source="Hawley 2002: below 10"),
    ),
    _preset(
        HAMD17,
        "desvenlafaxine",
        "desvenlafaxine relapse prevention: 16 or more once",
        relapse=_score("at least", 16, source="desvenlafaxine relapse prevention"),
    ),
    _preset(
        MADRS,
        "Wilkinson 2018",
        _YALE,
        remission=_recalled("score", "at most", 10, _YALE),
        standing="recalled",
    ),
    _preset(
        QIDS_SR16,
        "Wilkinson 2018",
        _YALE,
        remission=_recalled("score", "at most", 5, _YALE),
        standing="recalled",
    ),
    _preset(
        MADRS,
        "Singh 2016",
        _SINGH,
        remission=_recalled("score", "at most", 10, _SINGH),
        standing="recalled",
    ),
    _preset(
        MADRS,
        "Murrough 2013",
        _MURROUGH,
        loss_of_response=_recalled("percent_change", "above", -50, _MURROUGH, Run(2)),
        standing="recalled",
    ),
    _preset(
        MADRS,
        "Phillips 2019",
        _PHILLIPS,
        loss_of_response=_recalled("percent_change", "at least", -20, _PHILLIPS),
        standing="recalled",
    ),
    _preset(
        HAMD17,
        "Frank 1991",
        _FRANK,
        remission=_score("at most", 7, source="Szegedi 2003; Medicographia 2011"),
        relapse=_recalled("score", "at least", 15, _FRANK),
        recovery_days=183,
        standing="recalled",
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
