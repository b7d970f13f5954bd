"""The built-in instruments: ranges, bands, cut-offs and error, each with the source it was read in.

Item wording never ships; item numbers, ranges and cut-offs do.

Sources by key
--------------
- IAPT: NHS Talking Therapies rules as registered in NCT05134103 (PHQ-9 case > 9, GAD-7 case > 7,
  reliable change 6 and 4)
- MII: PRO module of the German Medical Informatics Initiative (FHIR questionnaires, LOINC codes)
- IDSQ: ids-qids.org, interpretation table;  Rush 2003: Biol Psychiatry 54:573
- Carmody 2006: Eur Neuropsychopharmacol 16:601 and 16:611 (MADRS, QIDS and HRSD in
  treatment-resistant depression)
- McDowell: review text on the MADRS bands after Snaith;  Zimmerman 2013: J Affect Disord 150:384
- Marx: PCL-5 reliable and clinically significant change against CAPS-5;  Blevins 2015: J Trauma
  Stress, PCL-5 psychometrics
- Kroenke 2020: PROMIS depression bands (PMC7103541);  Choi 2014: PROsetta (PMC5515387)
- CamCOPS: task documentation of the Cambridge Cognitive and Psychiatric Assessment Kit
"""

from __future__ import annotations

from typing import Final

from kettrack.errors import UsageError
from kettrack.vocabulary.instrument import Band, Fact, Instrument

_EDGE: Final = "lower edge of the moderate band, where no caseness is published"


def _bands(text: str) -> tuple[Band, ...]:
    """Read `"minimal 0-4; mild 5-9"`."""
    parts = (part.strip().rpartition(" ") for part in text.split(";"))
    return tuple(
        Band(label, *map(float, edges.split("-"))) for label, _, edges in parts
    )


PHQ9: Final = Instrument(
    name="PHQ-9",
    title="Patient Health Questionnaire, depression (9 items)",
    minimum=0,
    maximum=27,
    item_maxima=(3,) * 9,  # the tenth question, on difficulty, never counts
    recall_days=Fact(14, "MII questionnaire"),
    bands=_bands(
        "minimal 0-4; mild 5-9; moderate 10-14; moderately severe 15-19; severe 20-27"
    ),
    bands_source="MII questionnaire documentation",
    caseness=Fact(10, "IAPT: above 9"),
    remission=(
        Fact(4, "McInnes 2022; SUSTAIN-3 (PMC10439056): below 5"),
        Fact(9, "McMillan 2010, with a 50 % drop"),
    ),
    reliable_change=Fact(6, "IAPT"),
    suicidality_item=Fact(9, "MII questionnaire"),
    loinc="44261-6",
    loinc_panel="44249-1",
    item_text_may_ship=True,
    licence="no permission needed to reproduce, translate, display or distribute",
)

QIDS_SR16: Final = Instrument(
    name="QIDS-SR16",
    title="Quick Inventory of Depressive Symptomatology, self-report (16 items, 9 domains)",
    minimum=0,
    maximum=27,
    item_maxima=(3,) * 16,
    total="qids",
    recall_days=Fact(7, "IDS/QIDS manual"),
    bands=_bands(
        "none 0-5; mild 6-10; moderate 11-15; severe 16-20; very severe 21-27"
    ),
    bands_source="IDSQ",
    caseness=Fact(11, _EDGE, "convention"),
    remission=(Fact(5, "IDSQ"),),
    reliable_change=Fact(
        6.0,
        "1.96 √2 SD √(1-r): SD 5.8 (Carmody 2006, one year), alpha .86 (Rush 2003)",
        "computed",
    ),
    suicidality_item=Fact(12, "published item order"),
    licence="Rush / UT Southwestern, licensed",
)

IDS_SR30: Final = Instrument(
    name="IDS-SR30",
    title="Inventory of Depressive Symptomatology, self-report (30 items, 28 counted)",
    minimum=0,
    maximum=84,
    item_maxima=(3,) * 30,
    total="ids",
    recall_days=Fact(7, "IDS/QIDS manual"),
    bands=_bands(
        "none 0-13; mild 14-25; moderate 26-38; severe 39-48; very severe 49-84"
    ),
    bands_source="IDSQ",
    caseness=Fact(26, _EDGE, "convention"),
    remission=(
        Fact(13, "IDSQ link table: QIDS 5", "computed"),
        Fact(14, "unconfirmed", "recalled"),
    ),
    suicidality_item=Fact(18, "unconfirmed", "recalled"),
    licence="Rush / UT Southwestern, licensed",
)

MADRS: Final = Instrument(
    name="MADRS",
    title="Montgomery-Åsberg Depression Rating Scale (10 items)",
    minimum=0,
    maximum=60,
    item_maxima=(6,) * 10,
    recall_days=Fact(7, "unconfirmed; a 24-hour version exists", "recalled"),
    bands=_bands("normal 0-6; mild 7-19; moderate 20-34; severe 35-60"),
    bands_source="Snaith, in McDowell",
    caseness=Fact(20, _EDGE, "convention"),
    remission=(
        Fact(10, "ESCAPE-TRD; KetECT (PMC9154276)"),
        Fact(12, "SUSTAIN-1; SUSTAIN-3; NCT03321526"),
        Fact(9, "Hawley 2002: below 10"),
    ),
    reliable_change=Fact(
        9.2,
        "1.96 √2 SD √(1-r): SD 11.0 (Carmody 2006, one year), r .91 (24-hour version)",
        "computed",
    ),
    suicidality_item=Fact(10, "SUSTAIN-1 item order"),
    licence="Royal College of Psychiatrists / Montgomery",
)

HAMD17: Final = Instrument(
    name="HAMD-17",
    title="Hamilton Depression Rating Scale (17 items)",
    minimum=0,
    maximum=52,
    item_maxima=(4, 4, 4, 2, 2, 2, 4, 4, 4, 4, 4, 2, 2, 2, 4, 2, 2),
    recall_days=Fact(7, "unconfirmed", "recalled"),
    bands=_bands("none 0-7; mild 8-16; moderate 17-23; severe 24-52"),
    bands_source="Zimmerman 2013 (the IDSQ table puts the edges at 14, 20 and 26 instead)",
    caseness=Fact(17, _EDGE, "convention"),
    remission=(Fact(7, "Szegedi 2003, 2009"),),
    suicidality_item=Fact(3, "PMC6884875, table 1"),
    item_text_may_ship=True,
    licence="public domain (NINDS CDE)",
)

BDI2: Final = Instrument(
    name="BDI-II",
    title="Beck Depression Inventory, second edition (21 items)",
    minimum=0,
    maximum=63,
    item_maxima=(3,) * 21,  # items 16 and 18 have seven options, still scored 0-3
    recall_days=Fact(14, "CamCOPS"),
    bands=_bands("minimal 0-13; mild 14-19; moderate 20-28; severe 29-63"),
    bands_source="published BDI-II bands (not the 10/19/30 edges of the first BDI)",
    caseness=Fact(20, _EDGE, "convention"),
    remission=(
        Fact(
            13,
            "upper edge of the minimal band; no published cut-off could be verified",
            "convention",
        ),
        Fact(9, "unconfirmed", "recalled"),
    ),
    reliable_change=Fact(9.4, "SD 12.75 (unconfirmed), r .93", "recalled"),
    suicidality_item=Fact(9, "CamCOPS"),
    loinc="89209-1",
    loinc_panel="89210-9",
    licence="Pearson, commercial",
)

GAD7: Final = Instrument(
    name="GAD-7",
    title="Generalised Anxiety Disorder scale (7 items)",
    minimum=0,
    maximum=21,
    item_maxima=(3,) * 7,
    recall_days=Fact(14, "MII questionnaire"),
    bands=_bands("minimal 0-4; mild 5-9; moderate 10-14; severe 15-21"),
    bands_source="published edges 5, 10, 15",
    caseness=Fact(8, "IAPT: above 7"),
    remission=(
        Fact(7, "IAPT: no longer a case"),
        Fact(4, "unconfirmed: below 5", "recalled"),
    ),
    reliable_change=Fact(4, "IAPT"),
    loinc="70274-6",
    item_text_may_ship=True,
    licence="as PHQ-9",
)

PCL5: Final = Instrument(
    name="PCL-5",
    title="PTSD Checklist for DSM-5 (20 items)",
    minimum=0,
    maximum=80,
    item_maxima=(4,) * 20,
    recall_days=Fact(30, "unconfirmed; a weekly version exists", "recalled"),
    caseness=Fact(31, "probable PTSD 31 to 33 (PMC10292741)"),
    remission=(Fact(28, "Marx: end state of clinically significant change"),),
    reliable_change=Fact(15, "Marx (18 by the stricter variant)"),
    item_text_may_ship=True,
    licence="United States Department of Veterans Affairs, not copyrighted",
)

CSSRS: Final = Instrument(
    name="C-SSRS",
    title="Columbia Suicide Severity Rating Scale, ideation severity (highest yes of five)",
    minimum=0,
    maximum=5,
    item_maxima=(1,) * 5,
    total="highest",
    bands=_bands("none 0-0; ideation 1-3; intent or plan 4-5"),
    bands_source="C-SSRS scoring guide: 4 and 5 are intent",
    percent_change=False,  # ordinal: never averaged, never a percentage
    loinc_panel="93373-9",
    licence="Research Foundation for Mental Hygiene / Posner 2008",
)

CADSS: Final = Instrument(
    name="CADSS",
    title="Clinician-Administered Dissociative States Scale (23 items)",
    minimum=0,
    maximum=92,
    item_maxima=(4,) * 23,
    recall_days=Fact(0, "rated during the session"),
    percent_change=False,  # a safety measure, not an outcome
    licence="Bremner",
)

PROMIS_DEPRESSION: Final = Instrument(
    name="PROMIS Depression",
    title="PROMIS Depression, short form 8a, as T value (mean 50, SD 10)",
    minimum=38.2,
    maximum=81.3,
    item_maxima=(5,) * 8,
    item_minimum=1,
    total="promis_sf8a",
    whole_numbers=False,
    recall_days=Fact(7, "form"),
    bands=_bands(
        "none 38.2-54.9; mild 55-59.9; moderate 60-64.9; moderately severe 65-69.9; severe"
        " 70-81.3"
    ),
    bands_source="Kroenke 2020",
    caseness=Fact(60, _EDGE, "convention"),
    remission=(
        Fact(49.9, "unconfirmed: below 50", "recalled"),
        Fact(54.9, "unconfirmed: below 55", "recalled"),
    ),
    reliable_change=Fact(
        5.5, "1.96 √2 SE, SE 2.0 in mid-range (score table)", "computed"
    ),
    percent_change=False,  # a T value has no zero, so a percentage of it says nothing
    loinc="77861-3",
    licence="PROMIS Health Organization; terms apply",
)

INSTRUMENTS: Final[dict[str, Instrument]] = {
    scale.name: scale
    for scale in (
        PHQ9,
        QIDS_SR16,
        IDS_SR30,
        MADRS,
        HAMD17,
        BDI2,
        GAD7,
        PCL5,
        CSSRS,
        CADSS,
        PROMIS_DEPRESSION,
    )
}


def get_instrument(name: str, known: dict[str, Instrument] | None = None) -> Instrument:
    """Look an instrument up by name.

    Parameters
    ----------
    name : str
        As in the `instrument` column, for instance `"PHQ-9"`.
    known : dict, optional
        Name to Instrument; default the built-in ones. A cohort's own dict also holds the
        user-defined ones.

    Raises
    ------
    UsageError
        When there is none of that name; the message lists those there are.

    Examples
    --------
    >>> get_instrument("PHQ-9").maximum
    27
    """
    known = INSTRUMENTS if known is None else known
    if name not in known:
        raise UsageError(
            f"No instrument is called {name!r}; there are: {', '.join(known)}."
        )
    return known[name]
