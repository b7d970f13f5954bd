"""Words that say whether a row is an observation: the only place that lists them.

A row that was filled in by a rule, was taken back, or stands for an appointment that nobody kept is
no observation. A word is left out here where it leaves that open (`in progress`, `preliminary`,
`on hold`, `stopped`, `unknown`, and `scheduled`, which may be the contrary of an unplanned visit);
the reader then asks.

Sources. `DTYPE`: every word is a term of codelist C81224 in CDISC ADaM Controlled Terminology
2021-12-17, or its synonym or preferred name there (evs.nci.nih.gov; also read in the repository
cdisc-org/cdisc-rules-engine), but for IMPUTED, which is plain English. It "must be populated, when
the value of AVAL or AVALC has been imputed or derived" (ADaM Implementation Guide, variables of
analysis parameters). `ANL01FL`: the same guide, table 3.3.8.1; Y, and empty for rows not analysed.
`--STAT`: "Completion Status", codelist C66789 of CDISC SDTM Controlled Terminology, "used to
indicate that a question was not asked or a test was not done"; its word NOT DONE. Words: HL7 FHIR
R4 code systems `observation-status`, `questionnaire-answers-status`, `appointmentstatus`,
`encounter-status`, `medication-admin-status` (hl7.org/fhir/R4). Codes of attendance: NHS Data
Dictionary, ATTENDED OR DID NOT ATTEND CODE (archive.datadictionary.nhs.uk, June 2026). `voided`:
the column of every OpenMRS table. Flags and spellings beside these are those of clinic logs.
German, French, Spanish, Dutch and Italian words are what plain dictionaries give for the English
ones; no publication lists them. `geplant`, `prévu` and their kin are left out like `scheduled`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final, Literal

Meaning = Literal["observed", "not observed"]
OBSERVED: Final = "observed"
NOT_OBSERVED: Final = "not observed"
# How an empty cell is called in `[status]`, where a word is needed.
EMPTY: Final = "empty"

# The word that is printed, then other spellings; blanks, hyphens, capitals and accents make no
# difference.
_TOOK_PLACE: Final = (
    "completed, complete, abgeschlossen, erledigt, terminé, terminée, completado, completada,"
    " afgerond, completato, completata",
    "done, performed, durchgeführt, durchgefuehrt, erfolgt, stattgefunden, effectué, effectuée,"
    " réalisé, réalisée, realizado, realizada, uitgevoerd, eseguito, eseguita, effettuato,"
    " effettuata",
    "attended, arrived, present, seen, showed, show, kept, erschienen, gekommen, anwesend,"
    " wahrgenommen, venu, venue, asistió, presente, verschenen, gekomen,"
    " aanwezig",
    "given, administered, gegeben, verabreicht, administré, administrée, administrado,"
    " administrada, toegediend, somministrato, somministrata",
    "fulfilled, finished, checked out",
    "final, amended, corrected",
    "observed, valid",
)
_DID_NOT: Final = (
    "no show, no showed, did not attend, dna, dnad, dnaed, did not arrive, did not come,"
    " not attended, absent, missed, missed appointment, failed to attend,"
    " nicht erschienen, nicht gekommen, nicht wahrgenommen, ferngeblieben, ausgeblieben, abwesend,"
    " non venu, non venue, pas venu, pas venue, non présenté, non présentée, absente, no asistió,"
    " no se presentó, ausente, niet verschenen, niet gekomen, afwezig, non presentato,"
    " non presentata, non si è presentato, non si è presentata, assente",
    "cancelled, canceled, cancelled by patient, canceled by patient, cancelled by clinic,"
    " canceled by clinic, cancelled by provider, canceled by provider, late cancel,"
    " late cancelled, late canceled, late cancellation, cancellation, revoked,"
    " abgesagt, storniert, ausgefallen, annulé, annulée, cancelado, cancelada, anulado, anulada,"
    " geannuleerd, afgezegd, annullato, annullata, cancellato, cancellata, disdetto, disdetta",
    "rescheduled, postponed, moved to another day, deferred, verschoben, verlegt, reporté,"
    " reportée, reprogramado, reprogramada, aplazado, aplazada, verzet, verplaatst, rinviato,"
    " rinviata, rimandato, rimandata, spostato, spostata",
    "booked, proposed, pending, waitlist, waitlisted, future",
    "not done, nd, not performed, not taken, not assessed, not recorded, nicht durchgeführt,"
    " nicht durchgefuehrt, nicht erfolgt, non effectué, non effectuée, non réalisé, non réalisée,"
    " no realizado, no realizada, niet uitgevoerd, niet gedaan, non eseguito, non eseguita,"
    " non effettuato, non effettuata",
    "not given, not administered, no dose, dose not given, withheld, nicht gegeben,"
    " nicht verabreicht, non administré, non administrée, no administrado, no administrada,"
    " niet toegediend, non somministrato, non somministrata",
    "declined, refused, abgelehnt, verweigert, refusé, refusée, rechazado, rechazada, geweigerd,"
    " rifiutato, rifiutata",
    "voided, void, deleted, gelöscht, geloescht, ungültig, ungueltig, supprimé, supprimée,"
    " eliminado, eliminada, verwijderd, ongeldig, eliminato, eliminata,"
    " retracted, invalid, invalidated, rejected",
    "entered in error, error, erroneous, data entry error, duplicate",
    "imputed, carried forward",
)
# The codelist is open: a word of a sponsor's own is asked about. Limits of detection are left out,
# since no questionnaire has one.
_DERIVED: Final = (
    "LOCF, last observation carried forward",
    "WOCF, worst observation carried forward, worst observed value carried forward",
    "BOCF, best observation carried forward",
    "BLOCF, baseline observation carried forward",
    "POCF, penultimate observation carried forward",
    "SOCF, screening observation carried forward",
    "AVERAGE",
    "MAXIMUM",
    "MINIMUM",
    "INTERP, interpolation",
    "EXTRAP, extrapolation",
    "LOV, last observed value",
    "LVPD, last value prior to dosing",
    "BC, best case",
    "WC, worst case",
    "BOC, best observed case",
    "WOC, worst observed case",
    "WOV, worst observed value in a group",
    "COPY",
    "PHANTOM, phantom record",
    "MOTH, mean of other group",
    "MOV, mean observed value in a group",
    "ML, maximum likelihood",
    "IMPUTED",
)
# Said of nothing but a row: such a word is noticed in whatever column it stands.
_SAID_OF_ROWS: Final = (
    "no show, no showed, did not attend, dna, dnad, dnaed, did not arrive, not attended,"
    " failed to attend, nicht erschienen, nicht wahrgenommen, ferngeblieben, no asistió,"
    " no se presentó, niet verschenen, non presentato, non presentata, non si è presentato,"
    " non si è presentata",
    "cancelled, canceled, cancelled by patient, canceled by patient, cancelled by clinic,"
    " canceled by clinic, cancelled by provider, canceled by provider, late cancel,"
    " late cancelled, late canceled, late cancellation, abgesagt, storniert, annulé, annulée,"
    " cancelado, cancelada, geannuleerd, afgezegd, annullato, annullata, disdetto, disdetta",
    "rescheduled",
    "voided",
    "entered in error, data entry error",
    "carried forward",
    "imputed",
    *_DERIVED[:6],
)
# In six languages; Dutch has the German word for yes.
YES: Final = "yes, y, true, t, 1, ja, j, wahr, oui, o, vrai, sí, s, verdadero, vero, x"
NO: Final = "no, n, false, f, 0, nein, falsch, non, faux, falso, nee"
_TABLES: Final = ("sessions", "scores", "events")


def bare(word: str) -> str:
    """A word without what makes no difference: capitals, accents, blanks, hyphens, points.

    Examples
    --------
    >>> bare("No-Show"), bare("entered_in_error"), bare("Annulé")
    ('noshow', 'enteredinerror', 'annule')
    """
    # 1.0 is a 1 that passed through a column of numbers.
    whole = re.sub(r"^(\d+)\.0$", r"\1", word)
    # An accent taken apart from its letter is no letter.
    apart = unicodedata.normalize("NFD", whole.casefold())
    return "".join(letter for letter in apart if letter.isalnum())


@cache
def _spellings(rows: tuple[str, ...]) -> dict[str, str]:
    """Every spelling, bare, to the word that is printed for it."""
    found: dict[str, str] = {}
    for row in rows:
        words = [word.strip() for word in row.split(",")]
        found |= {bare(word): words[0] for word in words}
    return found


@dataclass(frozen=True, slots=True)
class StatusColumn:
    """One kind of column that says whether a row is an observation.

    Parameters
    ----------
    headers : str
        Pattern of the column's name without capitals, blanks and marks.
    observed, not_observed : tuple of str
        Words of each meaning; the first of a row is the one that is printed.
    tables : tuple of str
        Where such a column is looked for.
    empty_is_said : bool
        Whether an empty cell is worth a note: in such a column every row should have a word.
    only_with_yes : bool
        Whether an empty cell means "not observed" as soon as another row says yes.
    """

    headers: str
    observed: tuple[str, ...]
    not_observed: tuple[str, ...]
    tables: tuple[str, ...] = _TABLES
    empty_is_said: bool = False
    only_with_yes: bool = False

    def meaning(self, word: str) -> tuple[Meaning, str] | None:
        """What a word means and how it is printed; None where it is not known."""
        key = bare(word)
        left_out = _spellings(self.not_observed)
        if key in left_out:
            return NOT_OBSERVED, left_out[key]
        kept = _spellings(self.observed)
        return (OBSERVED, kept[key]) if key in kept else None

    @property
    def known_words(self) -> str:
        """The words of both meanings, for a message."""
        said = []
        for meaning, rows in (
            (OBSERVED, self.observed),
            (NOT_OBSERVED, self.not_observed),
        ):
            words = ", ".join(row.split(",")[0] for row in rows)
            if words:
                said.append(f"{meaning}: {words}")
        return "; ".join(said)


STATUS: Final = StatusColumn(
    r"(?:session|appointment|appt|visit|attendance|record|row|result|observation|score|"
    r"assessment|questionnaire|encounter|administration|infusion|event|qs|fhir)?status"
    r"|attendance|(?:termin|sitzungs|behandlungs|besuchs)status|anwesenheit|statut|presence"
    r"|estado(?:dela)?(?:cita|sesion)?|asistencia|aanwezigheid|(?:afspraak|sessie)status"
    r"|stato(?:della)?(?:visita|seduta)?|presenza",
    _TOOK_PLACE,
    (*_DID_NOT, *_DERIVED[:6]),
    empty_is_said=True,
)
# The first kind whose pattern fits the name of a column decides.
STATUS_COLUMNS: Final = (
    StatusColumn("dtype|derivationtype", (), _DERIVED, ("scores",)),
    StatusColumn("anl01fl", (YES,), (NO,), ("scores",), only_with_yes=True),
    StatusColumn("[a-z]{2}stat", _TOOK_PLACE[:2], ("NOT DONE, nd",)),
    StatusColumn(
        "attendedordidnotattend(?:code)?",
        ("attended, 5, attended on time", "arrived late but was seen, 6"),
        (
            "cancelled by patient, 2",
            "did not attend, 3, dna, no show",
            "cancelled by provider, 4",
            "arrived late and could not be seen, 7",
            "not applicable, 0, future",
        ),
        empty_is_said=True,
    ),
    StatusColumn(
        "(?:is)?(?:imputed|imputation|locf|carriedforward)(?:flag|fl)?",
        (NO, "observed"),
        (YES, *_DERIVED),
    ),
    StatusColumn(
        "(?:is|was)?(?:voided?|deleted|enteredinerror|cancelled|canceled|noshow|dna"
        "|didnotattend|notdone|missed|rescheduled|abgesagt|storniert|ausgefallen"
        "|nichterschienen|annulee?|cancelad[oa]|noasistio|geannuleerd|afgezegd|nietverschenen"
        "|annullat[oa]|disdett[oa])(?:flag|fl)?",
        (NO, *_TOOK_PLACE),
        (YES, *_DID_NOT),
    ),
    StatusColumn(
        "(?:is|was)?(?:attended|showed|showedup|tookplace|valid|administered|erschienen|anwesend"
        "|wahrgenommen|durchgefue?hrt|stattgefunden|venu|presente?|asistio|verschenen"
        "|aanwezig)(?:flag|fl)?",
        (YES, *_TOOK_PLACE),
        (NO, *_DID_NOT),
        empty_is_said=True,
    ),
    # "No" may mean that the session was broken off, so it is asked about.
    StatusColumn(
        "(?:is|was)?(?:completed|done|finished)(?:flag|fl)?", (YES, *_TOOK_PLACE), ()
    ),
    STATUS,
)


# A word of one column stands in many others too.
@lru_cache(maxsize=1 << 14)
def says_no_observation(word: str) -> str:
    """The word that is printed for one that is said of nothing but a row that is no observation;
    empty for another word.

    Examples
    --------
    >>> says_no_observation("No-Show"), says_no_observation("absent")
    ('no show', '')
    """
    return _spellings(_SAID_OF_ROWS).get(bare(word), "")


def status_column(header: str, table: str) -> StatusColumn | None:
    """The kind of status column that a name stands for, None where it is none.

    Examples
    --------
    >>> status_column("QSSTAT", "scores").meaning("Not done")
    ('not observed', 'NOT DONE')
    >>> status_column("Appointment status", "sessions").meaning("DNA")
    ('not observed', 'no show')
    >>> status_column("employment_status", "scores") is None
    True
    """
    name = bare(header)
    for kind in STATUS_COLUMNS:
        if table in kind.tables and re.fullmatch(kind.headers, name):
            return kind
    return None


@dataclass(frozen=True, slots=True)
class OwnStatus:
    """What `[status]` of a settings file says.

    Parameters
    ----------
    words : mapping
        Table name to {word: meaning}; the key `""` holds those for every table.
    columns : tuple of str
        Further columns that are read as a status.
    ignore : tuple of str
        Columns that look like a status and are none.
    """

    words: Mapping[str, Mapping[str, Meaning]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def meaning(self, word: str, table: str) -> Meaning | None:
        """What the user says a word means; what is said for one table comes first."""
        for section in (table, ""):
            for own, meaning in self.words.get(section, {}).items():
                if bare(own) == bare(word):
                    return meaning
        return None

    def kind(self, header: str, table: str) -> StatusColumn | None:
        """The kind of status column that a name stands for in this folder."""
        name = bare(header)
        if name in map(bare, self.ignore):
            return None
        return status_column(header, table) or (
            STATUS if name in map(bare, self.columns) else None
        )
