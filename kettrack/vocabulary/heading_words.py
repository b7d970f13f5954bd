"""How people head the columns of a log, in English, German, French, Spanish, Dutch and Italian.

Words are written without accents and capitals; a phrase is met where all its words stand in a
heading, whatever stands between them. What the values must look like is said elsewhere: `data` is a
date in Italian and anything in English. The words are those of plain clinic logs and dictionaries,
collected by kettrack; no publication lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.split()) for phrase in text.split(","))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Contract column, or one of the names of a source, to its headings.
HEADINGS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "patient_id": _phrases(
        "patient id, patient, patient no, patient number, patient code, patient ref, patid,"
        " pat, pat id, pat no, pat nr, pt, pt id, pt no, pid, client, client id, client no,"
        " client number,"
        " client code, subject, subject id, subjectkey, subject no, subject number, subj,"
        " subjid, usubjid, subject code, subj id, ptid, pt code, ptno, patno, patnr, patcode,"
        " participant, participant id, participant no, participant number, person, person id, id,"
        " study id, study code, study no, study number, record id, record, record no,"
        " record number, mrn, medical record number, medical record no, chart, chart no,"
        " chart number, chart id, case id, case no, case number, hospital no, hospital number,"
        " nhs number, patienten nr, patientennummer, patientennr, patient nr, patientnr,"
        " patienten id, patientencode, patientenkennung, kennung, fallnummer, fallnr, fall nr,"
        " aktenzeichen, aktennummer, proband, probandennummer, probanden nr, no patient,"
        " numero patient, num patient, n patient, code patient, dossier, no dossier, n dossier,"
        " numero dossier, num dossier, ipp, identifiant, paciente, id paciente, codigo paciente,"
        " numero paciente, n paciente, nhc, historia clinica, numero historia, n historia,"
        " expediente, patientnummer, clientnummer, dossiernummer, dossier nr, patientcode,"
        " paziente, id paziente, codice paziente, numero paziente, n paziente, cartella,"
        " numero cartella, cartella clinica"
    ),
    "date": _phrases(
        "date, visit date, date time, datetime, appointment date, appointment, appt date, appt,"
        " day date,"
        " service date, dos, interview date, start date, dtc, dt, visdt, visitdt, visit dt, vdate,"
        " visitdate, datum, termin, besuchsdatum,"
        " tag der visite, date visite, date consultation, fecha, fecha visita, fecha consulta,"
        " bezoekdatum, datum bezoek, afspraak, data, data visita, visit"
    ),
    "session_date": _phrases(
        "session date, infusion date, treatment date, dose date, dosing date, date given,"
        " date administered, administration date, injection date, date treatment, procedure date,"
        " tx date, inf date, infdate, infdt, session dt, sessdt, dosedt, dose dt, trtdt, trt date,"
        " taken on, given on, sitzungsdatum, infusionsdatum, behandlungsdatum, gabe am,"
        " datum infusion, datum behandlung, date perfusion, date seance, date traitement,"
        " date administration, fecha infusion, fecha sesion, fecha tratamiento, infuusdatum,"
        " sessiedatum, behandeldatum, datum infuus, datum sessie, data infusione, data seduta,"
        " data trattamento"
    ),
    "score_date": _phrases(
        "assessment date, test date, score date, date completed, completed date, survey date,"
        " questionnaire date, date assessment, rating date, completed on, collected on,"
        " answered on, filled in on, submitted on, date answered, date submitted,"
        " erhebungsdatum, ausgefullt am, messdatum, testdatum, datum fragebogen,"
        " date evaluation, date questionnaire, fecha evaluacion, fecha cuestionario, afnamedatum,"
        " meetdatum, invuldatum, data valutazione, data questionario"
    ),
    "day": _phrases(
        "day, study day, days, days since first session, days since first infusion,"
        " days since infusion, days since baseline, tag, studientag, jour, dia, dag, giorno"
    ),
    "week": _phrases(
        "week, wk, weeks, study week, woche, studienwoche, semaine, semana, settimana"
    ),
    "month": _phrases("month, months, monat, mois, mes, maand, mese"),
    "occasion": _phrases(
        "timepoint, time point, time, visit name, visit, visit type, appointment type,"
        " appt type, appt name,"
        " appointment name, service, service type, event name, event, wave, terminart, termintyp,"
        " besuchsart, type rendez vous, tipo cita, type afspraak, tipo visita,"
        " assessment point, occasion, session id, ses id, redcap event name, avisit, phase,"
        " zeitpunkt, messzeitpunkt, visite, temps, moment, momento, meetmoment, tempo"
    ),
    "session_number": _phrases(
        "session, session no, session number, session nr, infusion no, infusion number,"
        " treatment no, treatment number, dose no, dose number, sitzung, sitzung nr,"
        " sitzungsnummer, infusion nr, seance, no seance, numero seance, sesion, n sesion,"
        " numero sesion, sessie, sessienummer, seduta, n seduta, numero seduta"
    ),
    "birth_date": _phrases(
        "birth date, date birth, dob, birthday, geburtsdatum, geboren, gebdat, geb datum, geb,"
        " date naissance, ne le, fecha nacimiento, geboortedatum, data nascita, birthdate"
    ),
    "instrument": _phrases(
        "instrument, scale, measure, questionnaire, test, assessment, survey, tool, form,"
        " instrument name, scale name, measure name, test name, rating scale, skala, fragebogen,"
        " verfahren, echelle, escala, cuestionario, schaal, vragenlijst, scala, questionario"
    ),
    "score": _phrases(
        "score, total, total score, sum score, sum, result, value, score total, raw score,"
        " gesamt, gesamtwert, gesamtpunktzahl, punkte, punktwert, summe, summenwert, wert,"
        " ergebnis, somme, resultat, valeur, puntuacion, puntuacion total, puntaje, valor, suma,"
        " totaal, totaalscore, uitslag, waarde, totale, punteggio, punteggio totale, risultato"
    ),
    # In a table with one row for each answer.
    "item": _phrases(
        "item, question, question text, item text, item code, question code, question id, item id,"
        " item name, question name, item number, question number, item no, question no, variable,"
        " variable name, field name, linkid, frage, fragetext, itemnummer, fragennummer, pregunta,"
        " vraag, domanda, question posee"
    ),
    "answer": _phrases(
        "answer, response, reply, answer value, response value, item score, item value, item"
        " response, question score, answer score, answer text, response text, answer code, value,"
        " score, result, antwort, antwortwert, wert, punkte, reponse, valeur, respuesta, valor,"
        " antwoord, waarde, risposta, valore"
    ),
    "form": _phrases(
        "form id, response id, submission id, assessment id, questionnaire id, survey id, form"
        " number, questionnaire response id, form instance, bogen nr, fragebogen nr"
    ),
    "timing": _phrases("timing, before after, pre post, vor nach, avant apres"),
    "drug": _phrases(
        "drug, medication, medicine, substance, treatment, product, drug name, agent, compound,"
        " medikament, wirkstoff, substanz, praparat, behandlung, medicament, traitement, produit,"
        " farmaco, medicamento, tratamiento, middel, geneesmiddel, behandeling, farmaco,"
        " trattamento, study drug, arm, trt"
    ),
    "route": _phrases(
        "route, route of administration, roa, admin route, applikation, applikationsweg,"
        " verabreichung, applikationsart, voie, voie administration, via, via administracion,"
        " toedieningsweg, toediening, via somministrazione"
    ),
    "dose": _phrases(
        "dose, mg, dosage, dose given, dosemg,"
        " amount, total dose, dosis, menge, dose administree, posologie,"
        " dosis total, dosering, dosaggio, dose totale"
    ),
    "dose_unit": _phrases(
        "dose unit, unit, units, dose units, dosiseinheit, einheit, unite, unidad, eenheid, unita"
    ),
    "weight_kg": _phrases(
        "weight, body weight, wt, gewicht, korpergewicht, poids, peso, lichaamsgewicht, bw"
    ),
    "duration_min": _phrases(
        "duration, infusion time, infusion duration, length, session length, minutes, dauer,"
        " infusionsdauer, duree, duracion, duur, infuusduur, durata"
    ),
    "blood_pressure": _phrases(
        "bp, blood pressure, rr, blutdruck, tension, tension arterielle, pression arterielle,"
        " presion arterial, bloeddruk, pressione, pressione arteriosa, bp before, bp pre,"
        " rr vor, rr vorher, blutdruck vor, blutdruck vorher, tension avant, presion antes,"
        " bloeddruk voor, pressione prima"
    ),
    "blood_pressure_peak": _phrases(
        "bp peak, peak bp, bp max, max bp, highest bp, rr max, blutdruck max, tension max"
    ),
    "blood_pressure_after": _phrases(
        "bp after, bp post, bp end, discharge bp, rr nach, rr nachher, blutdruck nach,"
        " blutdruck nachher, tension apres, presion despues, bloeddruk na, pressione dopo"
    ),
    "systolic_before": _phrases(
        "systolic, sbp, bp systolic, systolic pre, sbp pre, systolic before, sys, rr sys,"
        " systolisch, systolique, pas, sistolica, sistolico, bovendruk"
    ),
    "systolic_peak": _phrases(
        "systolic peak, systolic max, sbp max, sbp peak, max systolic, peak systolic,"
        " sys peak, sys max, bp sys peak, bp sys max, sys bp peak, sys bp max"
    ),
    "systolic_after": _phrases(
        "systolic after, systolic post, sbp post, sbp after, sys after, sys post,"
        " bp sys after, bp sys post, sys bp after, sys bp post"
    ),
    "diastolic_before": _phrases(
        "diastolic, dbp, bp diastolic, diastolic pre, dbp pre, diastolic before, dia bp, rr dia,"
        " diastolisch, diastolique, diastolica, diastolico, onderdruk"
    ),
    "diastolic_peak": _phrases(
        "diastolic peak, diastolic max, dbp max, dbp peak, max diastolic, peak diastolic,"
        " dia peak, dia max, bp dia peak, bp dia max, dia bp peak, dia bp max"
    ),
    "diastolic_after": _phrases(
        "diastolic after, diastolic post, dbp post, dbp after, dia after, dia post,"
        " bp dia after, bp dia post, dia bp after, dia bp post"
    ),
    "heart_rate_before": _phrases(
        "heart rate, hr, pulse, heart rate pre, hr pre, puls, herzfrequenz, pouls,"
        " frequence cardiaque, frecuencia cardiaca, pulso, hartslag, polso"
    ),
    "heart_rate_peak": _phrases("heart rate peak, hr max, hr peak, max hr"),
    "spo2_min": _phrases(
        "spo2, o2 sat, oxygen saturation, sao2, spo2 min, min spo2, spo2 lowest, lowest spo2,"
        " o2 sat lowest, lowest o2 sat, sauerstoffsattigung, saturation oxygene, saturation o2,"
        " saturacion oxigeno, zuurstofsaturatie, saturazione ossigeno"
    ),
    "adverse_events": _phrases(
        "adverse events, adverse event, side effects, side effect, ae, aes, nebenwirkungen,"
        " nebenwirkung, unerwunschte ereignisse, effets indesirables, effets secondaires,"
        " efectos adversos, efectos secundarios, bijwerkingen, bijwerking, effetti avversi,"
        " effetti collaterali"
    ),
    "serious": _phrases("serious, sae, serious adverse event, schwerwiegend, grave"),
    "stopped_early": _phrases(
        "stopped early, terminated early, aborted, abgebrochen, abbruch, interrompu"
    ),
    "moaas_lowest": _phrases(
        "moaas, moaa s, moaas lowest, lowest moaas, moaas min, moaas score, sedation score"
    ),
    "bladder": _phrases(
        "bladder, bladder symptoms, cystitis, luts, blase, blasenbeschwerden, vessie, vejiga"
    ),
    "cognition": _phrases(
        "cognition, cognitive problems, cognitive complaints, memory problems, kognition"
    ),
    "mania_psychosis": _phrases(
        "mania psychosis, mania or psychosis, mania, psychosis, manie, psychose"
    ),
    "misuse_concern": _phrases("misuse concern, misuse, abuse concern, missbrauch"),
    "benzodiazepine": _phrases(
        "benzodiazepine, benzodiazepines, concurrent benzodiazepine, benzo, benzodiazepin"
    ),
    "planned_next_days": _phrases(
        "planned next days, days to next session, planned interval, next session planned in days"
    ),
    "no_shows_before": _phrases("no shows before, missed appointments before"),
    "cost": _phrases("cost, price, fee, charge, kosten, preis, cout, prix, costo"),
    "age": _phrases(
        "age, age years, age at start, age at baseline, alter, edad, leeftijd, eta"
    ),
    "sex": _phrases(
        "sex, gender, geschlecht, sexe, genre, sexo, genero, geslacht, sesso, genere"
    ),
    "ethnicity": _phrases("ethnicity, race, ethnic group, ethnie, etnia, herkunft"),
    "site": _phrases(
        "site, clinic, center, centre, location, standort, klinik, zentrum, clinique, clinica,"
        " sede, locatie, vestiging, study site"
    ),
    "diagnosis": _phrases(
        "diagnosis, dx, primary dx, primary diagnosis, icd, icd 10, icd10, main diagnosis,"
        " diagnose, hauptdiagnose, diagnostic, diagnostico, diagnosi, indication, indikation"
    ),
    "failed_antidepressants": _phrases(
        "failed antidepressants, failed trials, prior antidepressants, antidepressant failures,"
        " failed medications, erfolglose antidepressiva"
    ),
    "prior_sessions": _phrases(
        "prior sessions, previous sessions, prior infusions, previous infusions, prior ketamine"
    ),
    "planned_sessions": _phrases(
        "planned sessions, planned infusions, sessions planned, geplante sitzungen,"
        " seances prevues, sesiones previstas, geplande sessies, sedute previste"
    ),
    "anxiety": _phrases("anxiety disorder, comorbid anxiety, angststorung"),
    "ptsd": _phrases("ptsd, comorbid ptsd, ptbs, tspt, tept"),
    "substance_use": _phrases(
        "substance use, substance use disorder, sud, substance abuse, sucht"
    ),
    "psychotherapy": _phrases("psychotherapy, therapy, psychotherapie, psicoterapia"),
    "observed_to_day": _phrases(
        "observed to, log complete to, complete to, follow up end, censor date"
    ),
    "last_contact_day": _phrases(
        "last contact, last seen, last contact date, last visit, letzter kontakt,"
        " dernier contact, ultimo contacto, laatste contact, ultimo contatto"
    ),
    "stop_day": _phrases(
        "stop date, treatment end, treatment end date, end date, discontinuation date,"
        " date stopped, discharge date, behandlungsende, fin traitement, fin tratamiento"
    ),
    "stop_reason": _phrases(
        "stop reason, reason stopped, discontinuation reason, reason for stopping,"
        " abbruchgrund, raison arret, motivo, reden stop"
    ),
    "detail": _phrases("detail, event detail"),
}
# Every word by which a column is named: none of them is a part of a person's name.
WORDS_OF_HEADINGS: Final = frozenset(
    word for phrases in HEADINGS.values() for phrase in phrases for word in phrase
)
# Of columns that clinics keep and no cohort takes, and the units behind them.
OTHER_HEADINGS: Final = _words(
    "status statut estado stato anwesenheit aanwezigheid attendance type kind category level grade"
    " severity reason response responses answer answers text version language completion completed"
    " submitted created updated modified scheduled duration height size bmi grosse größe groesse"
    " taille talla altura altezza lengte temperature oxygen saturation difficulty tolerated"
    " schedule report summary log medications referral insurance consent education occupation"
    " erschienen anwesend wahrgenommen abgesagt storniert antwort antworten schweregrad grund"
    " reponse reponses gravite motif respuesta respuestas gravedad risposta risposte gravita"
    " antwoord antwoorden ernst reden verlauf überweiser"
    " mg kg lb lbs cm mm ml min mmhg bpm years jahre ans anos jaar anni"
)
# Words of a heading that say nothing of what the column is.
EMPTY_WORDS: Final = _words(
    "of the a an for at in on de du des del della di la le les el los das der die dem den van het"
    " een und et y e en"
)
# Of a sheet or file: what its rows are.
TABLE_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "sessions": _words(
        "session sessions infusion infusions treatment treatments dosing doses administrations"
        " administration sitzungen sitzung infusionen behandlungen gaben seance seances perfusion"
        " perfusions"
        " traitements sesion sesiones infusiones tratamientos sessies infuus behandelingen sedute"
        " infusioni trattamenti spravato ketamine ketamin"
    ),
    "scores": _words(
        "score scores rating ratings questionnaire questionnaires assessment assessments outcome"
        " outcomes scale scales prom proms fragebogen messungen skalen echelles evaluations"
        " cuestionarios escalas vragenlijsten metingen questionari scale"
    ),
    "patients": _words(
        "patient patients demographics demography client clients people stammdaten patienten"
        " pacientes pazienti patienten participants baseline"
    ),
    "events": _words(
        "event events hospitalisations hospitalizations ereignisse evenements eventos"
        " gebeurtenissen eventi"
    ),
}
# Of a sheet or file whose rows tell something of sessions, and are none.
DETAIL_WORDS: Final = _words(
    "vitals vital weights weight monitoring observations obs side adverse ae aes effects"
    " vitalwerte vitalzeichen gewicht gewichte nebenwirkungen effets signos efectos"
)
# When a reading was taken in a session, in a column beside it.
READING_TIMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        _words("pre before baseline vor vorher avant antes voor prima"), "before"
    ),
    **dict.fromkeys(_words("peak max maximum highest"), "peak"),
    **dict.fromkeys(
        _words("post after end nach nachher apres despues na dopo"), "after"
    ),
}
# Of a visit that is no session.
VISIT_WORDS: Final = _words(
    "followup follow consultation consult phone call telephone assessment screening baseline"
    " intake review kontrolle nachsorge controle suivi control seguimiento visita evaluation eval"
    " telehealth telemedicine telemedizin video beratung vorgesprach erstgesprach gesprach anamnese"
    " entretien entrevista colloquio gesprek"
)
# Units that are written behind a heading without brackets; shorter ones mean too much else.
TRAILING_UNITS: Final[Mapping[str, str]] = {
    "mg": "mg",
    "mg kg": "mg/kg",
    "mgkg": "mg/kg",
    "mg per kg": "mg/kg",
    "kg": "kg",
    "lb": "lb",
    "lbs": "lb",
    "pounds": "lb",
    "min": "min",
    "mins": "min",
    "minutes": "min",
    "hours": "h",
    "mmhg": "mmHg",
}
