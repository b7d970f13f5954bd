"""Words that logs use in their cells for what the contract calls otherwise, in English, German,
French, Spanish, Dutch and Italian.

Codes of diagnoses are those of ICD-10: F31 bipolar affective disorder, F32 and F33 depressive
episode and recurrent depressive disorder, F40 and F41 phobic and other anxiety disorders, F43.1
post-traumatic stress disorder (WHO, ICD-10 version 2019, chapter V).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from kettrack.vocabulary.outside_codes import drug_in_words
from kettrack.vocabulary.status_words import NO, YES, bare

Lists = Mapping[str, str]

_SEX: Final[Lists] = {
    "female": (
        "f, w, v, female, woman, weiblich, frau, femme, feminin, femenino, mujer, vrouw,"
        " vrouwelijk, femmina, femminile, donna"
    ),
    "male": (
        "m, male, man, mannlich, maennlich, mann, homme, h, masculin, masculino, hombre, varon,"
        " mannelijk, maschio, maschile, uomo"
    ),
    "other": "other, x, d, divers, nonbinary, non binary, intersex, autre, andere, otro, altro",
    "unknown": "unknown, u, unk, unbekannt, inconnu, desconocido, onbekend, sconosciuto",
}
_ROUTE: Final[Lists] = {
    "iv": (
        "iv, i v, intravenous, intravenously, intravenos, intravenoes, intraveineux,"
        " intraveineuse, intravenosa, intravenoso, intraveneus, endovenosa, endovenoso, ev,"
        " infusion, iv infusion, infuus, perfusion"
    ),
    "im": (
        "im, i m, intramuscular, intramuscularly, intramuskular, intramuskulaer,"
        " intramusculaire, intramusculair, intramuscolare, im injection"
    ),
    "sc": (
        "sc, s c, sq, subq, subcut, subcutaneous, subkutan, sous cutanee, sous cutane,"
        " subcutanea, subcutaneo, subcutaan, sottocutanea, sottocutaneo"
    ),
    "sublingual": "sl, sublingual, sublinguale, sublinguaal, troche, lozenge, rdt, odt",
    "intranasal": (
        "in, nasal, nas, intranasal, nasal spray, nasenspray, intranasale, neusspray, nasaal,"
        " spray nasal, spray nasale, nasally"
    ),
    "oral": "po, p o, oral, orally, by mouth, per os, peroral, orale, oraal, os",
}
# Words that terminologies and clinics put beside a route, and that change nothing of it.
_BESIDE_A_ROUTE: Final = frozenset(
    [
        "route",
        "use",
        "administration",
        "injection",
        "infusion",
        "push",
        "drip",
        "bolus",
        "spray",
        "qualifier",
        "value",
        "by",
        "mouth",
        "tablet",
        "troche",
        "lozenge",
        "given",
        "via",
    ]
)
_DRUG: Final[Lists] = {
    "ketamine": "ket, ketalar, racemic ketamine, r s ketamine, ketanest",
    "esketamine": "esk, spravato, ketanest s, s ketamine, esketamine",
    "placebo": "placebo, saline, nacl, kochsalz, kochsalzlosung, plazebo, sham",
}
_DIAGNOSIS: Final[Lists] = {
    "major_depression": (
        "mdd, trd, major depression, major depressive disorder, depression, depressive disorder,"
        " treatment resistant depression, recurrent depression, unipolar, unipolar depression,"
        " depressive episode, rezidivierende depression, depressive storung, depressive episode,"
        " depression majeure, episode depressif, depresion mayor, depresion, depressie,"
        " depressione, depressione maggiore"
    ),
    "bipolar": (
        "bipolar, bipolar disorder, bipolar depression, bipolar i, bipolar ii, bd,"
        " bipolare storung, bipolaire, trouble bipolaire, trastorno bipolar, bipolair, bipolare,"
        " disturbo bipolare, bp"
    ),
    "ptsd": (
        "ptsd, post traumatic stress disorder, posttraumatic stress disorder, ptbs, tspt, espt,"
        " tept, ptss, dpts"
    ),
    "anxiety": (
        "anxiety, anxiety disorder, gad, generalised anxiety disorder, generalized anxiety"
        " disorder, panic disorder, social anxiety, angststorung, angst, anxiete,"
        " trouble anxieux, ansiedad, ansia, ocd"
    ),
    "other": "other, andere, sonstige, autre, otro, anders, altro",
    "unknown": "unknown, unbekannt, inconnu, desconocido, onbekend, sconosciuto",
}
_ICD_10: Final = (
    (r"f3[23](?:\.?\d+)?[a-z]?", "major_depression"),
    (r"f31(?:\.?\d+)?[a-z]?", "bipolar"),
    (r"f43\.?1\d*[a-z]?", "ptsd"),
    (r"f4[01](?:\.?\d+)?[a-z]?", "anxiety"),
    (r"f\d\d(?:\.?\d+)?[a-z]?", "other"),
)
_ADVERSE_EVENTS: Final[Lists] = {
    "none": "none, no, nil, keine, keins, aucun, ninguno, geen, nessuno, nein, non, n",
    "dissociation": (
        "dissociation, dissociative, dissociated, dissoziation, disociacion, dissociatie,"
        " dissociazione, derealisation, depersonalisation"
    ),
    "nausea": "nausea, nauseous, ubelkeit, nausee, nausees, nauseas, misselijk, misselijkheid",
    "vomiting": (
        "vomiting, vomit, emesis, erbrechen, vomissement, vomissements, vomito, vomitos, braken"
    ),
    "dizziness": (
        "dizziness, dizzy, vertigo, lightheaded, schwindel, vertige, vertiges, mareo, mareos,"
        " duizelig, duizeligheid, vertigini"
    ),
    "headache": (
        "headache, headaches, kopfschmerz, kopfschmerzen, cephalee, mal de tete, cefalea,"
        " dolor de cabeza, hoofdpijn, mal di testa"
    ),
    "sedation": (
        "sedation, sedated, drowsy, drowsiness, somnolence, sleepy, mudigkeit, sedierung,"
        " somnolencia, slaperig, slaperigheid, sedazione, sonnolenza"
    ),
    "anxiety": "anxiety, anxious, panic, angst, anxiete, ansiedad, ansia",
    "hypertension": (
        "hypertension, high bp, bp increased, elevated bp, raised bp, bluthochdruck,"
        " hypertonie, hipertension, ipertensione, hypertensie, blood pressure increased"
    ),
    "palpitations": "palpitations, tachycardia, herzrasen, palpitaciones, hartkloppingen",
    "blurred_vision": (
        "blurred vision, blurry vision, diplopia, verschwommenes sehen, vision floue,"
        " vision borrosa, wazig zien, visione offuscata"
    ),
    "urinary": "urinary, cystitis, dysuria, urinary symptoms, blasenbeschwerden",
    "dysgeusia": "dysgeusia, bad taste, metallic taste, geschmacksstorung",
    "other": "other, andere, sonstige, autre, otro, anders, altro",
}
_EVENT: Final[Lists] = {
    "hospitalisation": (
        "hospitalisation, hospitalization, admission, inpatient admission, hospitalised,"
        " hospitalized, krankenhausaufenthalt, stationare aufnahme, hospitalizacion, opname,"
        " ricovero"
    ),
    "suicide_attempt": (
        "suicide attempt, suizidversuch, tentative de suicide, intento de suicidio,"
        " suicidepoging, tentato suicidio"
    ),
    "suicide": "suicide, suizid, suicidio, zelfdoding",
    "death": "death, died, deceased, tod, verstorben, deces, muerte, overleden, decesso",
    "ect": "ect, ekt, electroconvulsive therapy, sismotherapie, tec",
    "tms": "tms, rtms, transcranial magnetic stimulation",
    "medication_change": (
        "medication change, med change, medikationsanderung, changement de traitement,"
        " cambio de medicacion, medicatiewijziging"
    ),
    "lost_to_follow_up": "lost to follow up, lost to followup, ltfu, perdu de vue",
    "adverse_event": "adverse event, ae",
}
_ETHNICITY: Final[Lists] = {
    "asian": "asian",
    "black": "black, african american, black or african american, african",
    "hispanic": "hispanic, latino, latina, latinx, hispanic or latino",
    "mixed": "mixed, multiracial, two or more races, more than one race",
    "native": "native, american indian, native american, alaska native",
    "white": "white, caucasian, european",
    "other": "other",
    "unknown": "unknown, declined, not reported, prefer not to say",
}
_TIMING: Final[Lists] = {
    "before": "before, pre, vor, vorher, avant, antes, voor, prima, pre infusion, pre dose",
    "after": "after, post, nach, nachher, apres, despues, na, dopo, post infusion, post dose",
}
_STOP_REASON: Final[Lists] = {
    "well": "well, remission, recovered, improved, completed, gesund, symptom free",
    "not_helped": "not helped, no response, no benefit, lack of efficacy, ineffective",
    "side_effects": "side effects, adverse event, adverse events, intolerance",
    "cost": "cost, insurance, financial, kosten",
    "access": "access, transport, distance, scheduling",
    "moved": "moved, relocated, umzug",
    "other": "other",
    "unknown": "unknown",
}
# How bad symptoms are. A bare yes says no grade, and is asked about.
_GRADE: Final[Lists] = {
    "none": (
        "no, none, absent, not present, nil, negative, keine, kein, aucun, aucune, ninguno, geen"
    ),
    "mild": "mild, slight, minor, leicht, mild ausgepragt, leger, legere, leve, licht, lieve",
    "moderate": "moderate, mod, medium, mittel, massig, maessig, modere, moderado, matig, moderato",
    "severe": "severe, serious, schwer, stark, severo, ernstig, grave",
}
_MANIA_PSYCHOSIS: Final[Lists] = {
    "none": "no, none, absent, not present, nil, negative, keine, aucun, ninguno, geen",
    "mania": "mania, manic, hypomania, hypomanic, manie, manisch, hypomanie",
    "psychosis": "psychosis, psychotic, psychose, psychotisch, psicosis, psicosi",
    "both": "both, mania and psychosis, beide, beides, les deux, ambos",
}
_WORDS: Final[Mapping[str, Lists]] = {
    "bladder": _GRADE,
    "cognition": _GRADE,
    "mania_psychosis": _MANIA_PSYCHOSIS,
    "sex": _SEX,
    "route": _ROUTE,
    "drug": _DRUG,
    "diagnosis": _DIAGNOSIS,
    "adverse_events": _ADVERSE_EVENTS,
    "event": _EVENT,
    "ethnicity": _ETHNICITY,
    "timing": _TIMING,
    "stop_reason": _STOP_REASON,
}

_YES: Final = f"{YES}, checked, on, present"
_NO: Final = f"{NO}, unchecked, off, absent, none, keine, aucun, ninguno, nessuno"
_MEANS: Final = {bare(word): True for word in _YES.split(", ")} | {
    bare(word): False for word in _NO.split(", ")
}
# Signs are no letters, so they are told apart as they stand.
_SIGNS: Final = {
    "✓": True,
    "✔": True,
    "☑": True,
    "☒": True,
    "☐": False,
    "✗": False,
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Beside a drug these say nothing more.
_BESIDE_A_DRUG: Final = _words(
    "infusion infusions treatment session injection inj spray hcl hydrochloride therapy solution"
    " ketamine ketamin ketamina kétamine esketamine esketamin spravato s r racemic dose therapie"
    " behandlung infusie seance perfusion device devices induction maintenance booster"
)
# Of these alone nobody can tell the route.
_NO_ROUTE_ALONE: Final = _words("infusion perfusion infuus")
_LONGEST: Final = 300  # letters of a cell that can be a word of a closed list
_DOSE: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mg\s*/\s*kg|mg|µg|μg|ug|mcg|g)\b")


def plain(word: str) -> str:
    """A word without capitals, accents and marks; blanks between its parts.

    Examples
    --------
    >>> plain("  Männlich "), plain("i.v."), plain("Non-binary")
    ('mannlich', 'i v', 'non binary')
    """
    spelt = unicodedata.normalize("NFKD", word.replace("ß", "ss").replace("ø", "o"))
    ascii_only = spelt.encode("ascii", "ignore").decode().casefold()
    return " ".join(re.findall(r"[a-z0-9]+", ascii_only))


def _spelt(lists: Lists) -> dict[str, str]:
    found: dict[str, str] = {}
    for meant, words in lists.items():
        for word in (meant.replace("_", " "), *words.split(",")):
            found.setdefault(word.strip(), meant)
    return found


_MEANT: Final = {column: _spelt(lists) for column, lists in _WORDS.items()}


def has_words(column: str) -> bool:
    """Whether words for a column of the contract are known here."""
    return column in _MEANT


def word_meant(column: str, word: str) -> str | None:
    """What a cell means in a column of the contract, None where nobody can tell.

    Parameters
    ----------
    column : str
        `drug`, `route`, `sex`, `diagnosis`, ...; a column of another kind knows no word.
    word : str
        As it stands in the cell. Every part of it must be understood, but for what is no part of
        the closed list beside a drug: its route and dose.

    Examples
    --------
    >>> word_meant("drug", "Ketamine IV"), word_meant("route", "Ketamine IV")
    ('ketamine', 'iv')
    >>> word_meant("sex", "weiblich"), word_meant("diagnosis", "F33.2")
    ('female', 'major_depression')
    >>> word_meant("drug", "Ketamine J. Example") is None
    True
    """
    # A cell without end would take hours, and is no word.
    if len(word) > _LONGEST:
        return None
    text = plain(word)
    found = _MEANT.get(column, {}).get(text)
    if found:
        return found
    if column == "diagnosis":
        return _of_icd_10(word)
    if column == "route":
        return _route_in_words(text) or _beside_drug(column, word)
    return _beside_drug(column, word) if column == "drug" else None


def _route_in_words(text: str) -> str | None:
    """The one route of a text that says nothing else, as `intravenous route` in a terminology."""
    parts = text.split()
    routes = _routes_of(parts)
    said = all(part in _BESIDE_A_ROUTE or _route_part(part) for part in parts)
    return next(iter(routes)) if said and len(routes) == 1 else None


def dose_within(word: str) -> str | None:
    """The dose with its unit that stands beside a drug, None where there is none.

    Examples
    --------
    >>> dose_within("Spravato 84mg"), dose_within("Ketamine 0,5 mg/kg iv"), dose_within("iv")
    ('84 mg', '0.5 mg/kg', None)
    """
    found = _DOSE.search(word.casefold()) if len(word) <= _LONGEST else None
    if not found or _beside_drug("drug", word) is None:
        return None
    amount, unit = found.groups()
    return f"{amount.replace(',', '.')} {''.join(unit.split())}"


def _of_icd_10(word: str) -> str | None:
    code = word.strip().casefold()
    for pattern, meant in _ICD_10:
        if re.fullmatch(pattern, code):
            return meant
    return None


def _beside_drug(column: str, word: str) -> str | None:
    """The drug or route of a text that names a drug, where every part of it is understood."""
    rest = _DOSE.sub(" ", word.casefold())
    parts = plain(rest).split()
    drug = _MEANT["drug"].get(" ".join(parts)) or drug_in_words(rest)
    named = {_MEANT["drug"].get(part) for part in parts} - {None}
    if drug is None and len(named) == 1:
        drug = named.pop()
    routes = _routes_of(parts)
    known = [
        part in _BESIDE_A_DRUG or part in _MEANT["drug"] or _route_part(part)
        for part in parts
    ]
    if drug is None or not all(known) or len(routes) > 1:
        return None
    if column == "drug":
        return drug
    # Spravato is a nasal spray and nothing else.
    return next(iter(routes), "intranasal" if "spravato" in parts else None)


def _route_part(part: str) -> bool:
    return part in _MEANT["route"] or part in ("i", "v", "m", "p", "o", "c")


def _routes_of(parts: list[str]) -> set[str]:
    """Routes that parts of a text name; an infusion alone is none of them."""
    # Parts are plain words, and so are the words of routes: no word begins within another.
    joined = f" {' '.join(parts)} "
    return {
        route
        for word, route in _MEANT["route"].items()
        if f" {word} " in joined and word not in _NO_ROUTE_ALONE
    }


def truth_of(word: str) -> bool | None:
    """What a word says; None where it is neither yes nor no.

    Examples
    --------
    >>> truth_of("Ja"), truth_of("NON"), truth_of("1.0"), truth_of("perhaps")
    (True, False, True, None)
    """
    return _SIGNS.get(word.strip(), _MEANS.get(bare(word)))
