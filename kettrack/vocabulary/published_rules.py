"""The published rules that rate a patient once, for each instrument they can be applied to.

A rule stands as `verified` only on the scale it was published for; carried over to another scale it
is a `convention`. A `recalled` rule is applied only when it is asked for by name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kettrack.vocabulary.criteria import HALF_DOWN, convention, falls_by_percent
from kettrack.vocabulary.days import FOUR_MONTHS_DAYS, SIX_MONTHS_DAYS
from kettrack.vocabulary.instrument import Fact, Instrument, Standing
from kettrack.vocabulary.instruments import (
    BDI2,
    GAD7,
    HAMD17,
    MADRS,
    PCL5,
    PHQ9,
    QIDS_SR16,
)
from kettrack.vocabulary.patient_rules import (
    ChangeRule,
    DeadlineRule,
    GainRule,
    LastRule,
    PatientRule,
    RecoveryRule,
    Symptom,
    SymptomRule,
    TwoScaleRule,
    VisitRule,
)
from kettrack.vocabulary.rules import Predicate

_SZEGEDI: Final = "Szegedi 2003, J Clin Psychiatry"
_SUSTAIN1: Final = "SUSTAIN-1 registry record NCT02493868"
_ESCAPE: Final = "ESCAPE-TRD registry record NCT04338321"
_SUSTAINED: Final = "registry record NCT03321526"
_ACNP: Final = "ACNP task force, Rush 2006 (pubmed 16794566)"
_ITEMS: Final = (
    "a symptom is there from an answer of 1 (kettrack's reading for this scale)"
)
_NHS: Final = "NHS Talking Therapies as registered in NCT05134103"
# Read in the analysis code that a provider of NHS Talking Therapies (Ieso) published, not in the
# manual itself: improved on at least one scale, and not reliably worse on the other.
_UNOPPOSED: Final = (
    f"{_NHS}; a reliable change for the worse on the other scale forbids it (definition as a"
    " provider, Ieso, computes it)"
)
_CUTOFF: Final = (
    "Jacobson-Truax c from NHS 2022-23 (clinical) and Kocalevent 2013, Löwe 2008"
    " (norms)"
)
_NORMS: Final = (
    "two standard deviations above the norms of Kocalevent 2013 and Löwe 2008"
)
# The remission cut-off of the esketamine trials on the MADRS.
_LOW_12: Final = Predicate("score", "at most", 12)

# `missing="not met"` is non-responder imputation: an unscored week counts as a failure.
_ON_MADRS: Final[tuple[PatientRule, ...]] = (
    VisitRule(
        name="SUSTAIN-1 stable remission",
        outcome="sustained remission",
        instrument=MADRS.name,
        source=_SUSTAIN1,
        predicates=(_LOW_12,),
        weeks=(13, 14, 15, 16),
        # One of these weeks may fail or be missing; the last two may not.
        excusable=(13, 14),
        missing="not met",
        reach_days=3,
    ),
    VisitRule(
        name="SUSTAIN-1 stable response",
        outcome="sustained response",
        instrument=MADRS.name,
        standing="recalled",
        source="SUSTAIN-1, unconfirmed; those in stable remission are not taken out",
        predicates=(HALF_DOWN,),
        weeks=(15, 16),
        missing="not met",
        reach_days=3,
    ),
    VisitRule(
        name="ESCAPE-TRD remission at week 8",
        outcome="remission at a fixed week",
        instrument=MADRS.name,
        source=_ESCAPE,
        predicates=(Predicate("score", "at most", 10),),
        weeks=(8,),
        missing="not met",
        in_care=True,
    ),
    VisitRule(
        name="NCT03321526 sustained remission",
        outcome="sustained remission",
        instrument=MADRS.name,
        source=_SUSTAINED,
        predicates=(_LOW_12,),
        weeks=(12, 18, 24),
        missing="not met",
    ),
    VisitRule(
        name="NCT03321526 sustained response",
        outcome="sustained response",
        instrument=MADRS.name,
        source=_SUSTAINED,
        predicates=(HALF_DOWN,),
        weeks=(12, 18, 24),
        missing="not met",
    ),
)

_ON_HAMD17: Final[tuple[PatientRule, ...]] = (
    VisitRule(
        name="Szegedi stable remission",
        outcome="sustained remission",
        instrument=HAMD17.name,
        source=_SZEGEDI,
        predicates=(Predicate("score", "at most", 7),),
        weeks=(4, 6),
    ),
)


_NHS_RECOVERY: Final = TwoScaleRule(
    name="NHS recovery",
    outcome="recovery",
    instrument=PHQ9.name,
    second=GAD7.name,
    source=_NHS,
    recovery=True,
)
_NHS_IMPROVEMENT: Final = TwoScaleRule(
    name="NHS reliable improvement",
    outcome="reliable improvement",
    instrument=PHQ9.name,
    second=GAD7.name,
    source=_UNOPPOSED,
    reliable="improvement",
)
_ON_TWO_SCALES: Final[tuple[PatientRule, ...]] = (
    _NHS_RECOVERY,
    _NHS_IMPROVEMENT,
    replace(
        _NHS_RECOVERY,
        name="NHS reliable recovery",
        source=_UNOPPOSED,
        reliable="improvement",
    ),
    # The statistics count each course once, as improved, deteriorated or without reliable change;
    # how one that is both counts was read for the improvement only.
    replace(
        _NHS_IMPROVEMENT,
        name="NHS reliable deterioration",
        outcome="deterioration",
        source=f"{_NHS}; a reliable change for the better on the other scale forbids it (kettrack's"
        " reading: the mirror of reliable improvement)",
        standing="convention",
        reliable="deterioration",
    ),
)


def _symptoms(
    scale: Instrument, core: tuple[int, ...], others: tuple[Symptom, ...]
) -> tuple[PatientRule, ...]:
    """ACNP remission and recovery on a scale with items for the nine symptoms; the reading of the
    scale is ours.
    """
    # Relapse is read as a score of a case, where the scale has one.
    case = scale.caseness
    remission = SymptomRule(
        name="ACNP remission",
        outcome="remission, symptoms",
        instrument=scale.name,
        source=f"{_ACNP}; {_ITEMS}",
        standing="convention",
        core=tuple(((item,),) for item in core),
        others=others,
    )
    recovery = replace(
        remission,
        name="ACNP recovery",
        outcome="recovery",
        source=f"{_ACNP}; {_ITEMS}; relapse is a score of a case",
        recovery_days=FOUR_MONTHS_DAYS,
        back=None if case is None else Predicate("score", "at least", case.value),
    )
    return remission, recovery


def _changes(scale: Instrument, **cutoffs: Fact) -> tuple[PatientRule, ...]:
    """Clinically significant change by each cut-off that has a number."""
    change = scale.reliable_change
    if change is None:
        return ()
    return tuple(
        ChangeRule(
            name=f"clinically significant change ({letter})",
            outcome="clinically significant change",
            instrument=scale.name,
            source=fact.source,
            standing=fact.standing,
            reliable_change=change,
            cutoff=fact,
        )
        for letter, fact in cutoffs.items()
    )


_MCMILLAN: Final = LastRule(
    name="McMillan 2010",
    outcome="clinically significant change",
    instrument=PHQ9.name,
    source="McMillan 2010, pubmed 20569992",
    predicates=(Predicate("score", "at most", 9), HALF_DOWN),
)

# Sleep 1-4, appetite and weight 6-9 (6 or 7, and 8 or 9, is answered), then 10 to 12, 14, and
# restlessness or slowness 15-16.
_QIDS_OTHERS: Final[tuple[Symptom, ...]] = (
    ((1,), (2,), (3,), (4,)),
    ((6, 7), (8, 9)),
    *(((item,),) for item in (10, 11, 12, 14)),
    ((15,), (16,)),
)

_BY_NAME: Final[dict[str, tuple[PatientRule, ...]]] = {
    MADRS.name: _ON_MADRS,
    HAMD17.name: _ON_HAMD17,
    PHQ9.name: (
        *_symptoms(PHQ9, (1, 2), tuple(((item,),) for item in range(3, 10))),
        *_changes(
            PHQ9,
            # a, b and c are the cut-offs of Jacobson and Truax (1991): two standard deviations
            # from the patients, two from the norms, and where both are equally likely
            a=Fact(
                4.5, "clinical mean recovered from cut-off c, unconfirmed", "recalled"
            ),
            b=Fact(9.91, f"2.91 + 2 × 3.5: {_NORMS}", "computed"),
            c=Fact(7.8, _CUTOFF, "computed"),
        ),
        _MCMILLAN,
        *_ON_TWO_SCALES,
    ),
    QIDS_SR16.name: _symptoms(QIDS_SR16, (5, 13), _QIDS_OTHERS),
    GAD7.name: _changes(
        GAD7,
        b=Fact(9.75, f"2.95 + 2 × 3.4: {_NORMS}", "computed"),
        c=Fact(7.7, _CUTOFF, "computed"),
    ),
    PCL5.name: _changes(
        PCL5,
        Marx=Fact(28.5, "Marx: reliable change of 15 and an end state of 28 or less"),
    ),
}


def published_rules(instrument: Instrument) -> tuple[PatientRule, ...]:
    """Every rule of this kind that can be applied to an instrument, recalled ones included.

    Parameters
    ----------
    instrument : Instrument
        Built-in or user-defined.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import MADRS
    >>> [rule.name for rule in published_rules(MADRS) if rule.outcome == "sustained remission"]
    ['SUSTAIN-1 stable remission', 'NCT03321526 sustained remission']
    """
    # Rules that fit any scale come first, then those made for this one.
    general = (*_early(instrument), *_recoveries(instrument), *_gains(instrument))
    return (*general, *_BY_NAME.get(instrument.name, ()))


def _early(scale: Instrument) -> tuple[PatientRule, ...]:
    if not falls_by_percent(scale):
        return ()
    # Szegedi's rules were published for the HAMD-17; on any other scale they are carried over.
    carried: Standing = "verified" if scale.name == HAMD17.name else "convention"
    return (
        DeadlineRule(
            name="early improvement",
            outcome="early improvement",
            instrument=scale.name,
            standing=carried,
            source="Szegedi 2009 (HAMD-17), pubmed 28647668",
            predicate=Predicate("percent_change", "at most", -20),
            by_day=14,
        ),
        DeadlineRule(
            name="early response",
            outcome="early response",
            instrument=scale.name,
            source="Medicographia 2010",
            predicate=HALF_DOWN,
            by_day=28,
        ),
        VisitRule(
            name="Szegedi stable response",
            outcome="sustained response",
            instrument=scale.name,
            standing=carried,
            source=f"{_SZEGEDI} (HAMD-17)",
            predicates=(HALF_DOWN,),
            weeks=(4, 6),
        ),
    )


def _recoveries(scale: Instrument) -> tuple[PatientRule, ...]:
    """Recovery from scores alone: four months without a score of a case, six months in remission
    throughout.
    """
    remission = convention(scale).remission
    # Without a remission or a case there is nothing to recover to, or from.
    if remission is None or scale.caseness is None or not scale.higher_is_worse:
        return ()
    well = remission.predicate
    case = Predicate("score", "at least", scale.caseness.value)
    return (
        RecoveryRule(
            name="recovery, 4 months",
            outcome="recovery",
            instrument=scale.name,
            standing="convention",
            source=f"{_ACNP}; remission by one score",
            remission=well,
            lost=case,
            days=FOUR_MONTHS_DAYS,
        ),
        RecoveryRule(
            name="recovery, 6 months",
            outcome="recovery",
            instrument=scale.name,
            standing="verified" if scale.name == HAMD17.name else "convention",
            source="Frank 1991 as told in Medicographia 2011 (HAMD-17)",
            remission=well,
            # Frank asks for remission throughout: any score above it ends the count.
            lost=Predicate("score", "above", well.limit),
            days=SIX_MONTHS_DAYS,
        ),
    )


def _gains(scale: Instrument) -> tuple[PatientRule, ...]:
    drop = scale.reliable_change
    # The drop that was published for the BDI; other scales take their reliable change.
    if scale.name == BDI2.name:
        drop = Fact(7, "BDI, PMC4606893 table 2")
    if drop is None or not drop.usable or not falls_by_percent(scale):
        return ()
    source = "suddengains R package; PMC4606893 table 2"
    standing: Standing = "verified" if scale.name == BDI2.name else "convention"
    return (
        GainRule(
            name="sudden gain",
            outcome="sudden gain",
            instrument=scale.name,
            smallest_drop=drop,
            standing="convention",
            source=f"{source}, third criterion with sqrt(1/n1 + 1/n2)",
        ),
        GainRule(
            name="sudden gain, as published",
            outcome="sudden gain",
            instrument=scale.name,
            smallest_drop=drop,
            standing=standing,
            source=source,
            third="published",
        ),
    )
