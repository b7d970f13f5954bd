"""Words of column names that promise something identifying, in ten languages, and the words beside
them that settle or soften the promise.

English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish and Danish. A word
that means something harmless in another of them, such as `via`, `cap` or `nombre`, is not in the
list, or only together with a second word.
"""

from __future__ import annotations

from typing import Final


def words_in(text: str) -> frozenset[str]:
    """The words of a text, once each."""
    return frozenset(text.split())


# One of these names the thing: what it is -> words.
TELLING: Final[dict[str, frozenset[str]]] = {
    "a name": words_in(
        "firstname lastname surname forename fullname familyname givenname middlename maidenname"
        " patientname clientname username initials vorname nachname familienname prenom"
        " nomdefamille initialen initiales nickname apellido apellidos cognome sobrenome apelido"
        " voornaam achternaam imie nazwisko fornamn efternamn fornavn efternavn"
    ),
    "a date of birth": words_in(
        "dob birth birthday birthdate birthdt birthyear dateofbirth geburtsdatum geburtstag"
        " geburt geburtsjahr naissance datenaissance gebdat nacimiento fechanacimiento nascita"
        " datanascita nascimento geboortedatum geboorte geboortejaar urodzenia fodelsedatum"
        " fodselsdato foedselsdato"
    ),
    "a national number": words_in(
        "ssn nino socialsecurity nationalinsurance passport ppsn nhsno nhsnumber"
        " sozialversicherungsnummer rentenversicherungsnummer svnr rvnr steuerid"
        " personalausweis personalausweisnummer ahv nir numsecu securitesociale dni nie nif curp"
        " cedula seguridadsocial codicefiscale codfisc cpf bsn burgerservicenummer sofinummer"
        " rijksregisternummer niss nss pesel personnummer cprnummer cprnr fodselsnummer hetu"
        " henkilotunnus rodnecislo tajszam"
    ),
    "a health insurance number": words_in(
        "medicare medicaid versichertennummer krankenversicherungsnummer kvnr"
        " krankenversichertennummer tesserasanitaria tarjetasanitaria cartevitale numeroutente"
    ),
    "a record number": words_in(
        "mrn medrec medicalrecord empi uhid patientennummer patientennr patientnummer patientnr"
        " patientennumer fallnummer fallnr aktenzeichen aktennummer dossiernummer dossiernr"
        " numerodossier numdossier ipp nhc historiaclinica numerohistoria expediente"
        " cartellaclinica numerocartella prontuario numeroprocesso kartoteki journalnummer"
    ),
    "a telephone number": words_in(
        "phone telephone tel mobilephone cellphone fax telefon handy mobil telefax telefonnummer"
        " portable telefono movil cellulare telefone telemovel celular telefoon mobiel"
        " telefoonnummer handynummer"
    ),
    "an e-mail address": words_in(
        "email mail courriel emailaddress mailadresse emailadresse correo correoelectronico"
        " epost mejl"
    ),
    "an address": words_in(
        "address addr street city county postcode postalcode zip zipcode adresse anschrift"
        " strasse plz postleitzahl wohnort ville codepostal rue latitude longitude gps"
        " direccion domicilio calle ciudad codigopostal indirizzo citta endereco morada cidade"
        " adres straat woonplaats ulica miasto kodpocztowy postnummer postadress"
    ),
    "a network address": words_in("ipaddress url website"),
    "a person or firm": words_in(
        "employer kin insurance insurer employeur arbeitgeber krankenkasse versicherung assurance"
        " mutuelle werkgever empleador"
    ),
    "a picture": words_in("photo photograph picture foto"),
    "free text": words_in(
        "notes note comment comments remarks remark freetext kommentar bemerkung bemerkungen"
        " notizen commentaire commentaires remarque remarques narrative comentario comentarios"
        " opmerking opmerkingen uwagi"
    ),
    "a date or time": words_in("timestamp datetime datum"),
}
# These need one of the words named, right before or behind them, or to stand alone.
PEOPLE: Final = words_in(
    "first last middle given family full patient client person maiden preferred fore sur user"
    " subject participant mother father parent partner spouse contact clinician provider doctor"
    " physician therapist nurse prescriber gp arzt therapeut patienten patientin medecin referrer"
    " relative carer guardian famille paciente paziente klient"
)
NUMBERS: Final = words_in(
    "number no num nr nummer numero numer id code identifier identification"
)
IN_COMPANY: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "name": ("a name", PEOPLE),
    "names": ("a name", PEOPLE),
    "nom": ("a name", PEOPLE),
    "nome": ("a name", PEOPLE | {"completo"}),
    "nombre": ("a name", words_in("paciente cliente completo pila")),
    "naam": ("a name", PEOPLE | {"volledige"}),
    "ne": ("a date of birth", words_in("le e")),
    "nee": ("a date of birth", words_in("le")),
    "nhs": ("a national number", NUMBERS),
    "chi": ("a national number", NUMBERS),
    "pps": ("a national number", NUMBERS),
    "cpr": ("a national number", NUMBERS),
    "national": ("a national number", NUMBERS | {"insurance"}),
    "nationale": ("a national number", NUMBERS),
    "social": ("a national number", words_in("security")),
    "securite": ("a national number", words_in("sociale")),
    "seguridad": ("a national number", words_in("social")),
    "codice": ("a national number", words_in("fiscale")),
    "utente": ("a health insurance number", NUMBERS),
    "tessera": ("a health insurance number", words_in("sanitaria")),
    "tarjeta": ("a health insurance number", words_in("sanitaria")),
    "record": (
        "a record number",
        words_in("number no num nr medical hospital patient"),
    ),
    "chart": ("a record number", NUMBERS),
    "hospital": ("a record number", words_in("number no num nr id")),
    "medical": ("a record number", words_in("record number no")),
    "patienten": ("a record number", words_in("nummer nr")),
    "dossier": ("a record number", NUMBERS),
    "fall": ("a record number", words_in("nummer nr")),
    "rodne": ("a national number", words_in("cislo")),
    "beneficiario": ("a health insurance number", NUMBERS),
    "matricula": ("a record number", words_in("paciente numero")),
    "akten": ("a record number", words_in("nummer nr zeichen")),
    "historia": ("a record number", words_in("clinica numero")),
    "cartella": ("a record number", words_in("clinica numero")),
    "accession": ("a record number", NUMBERS),
    "contact": ("a telephone number", words_in("number no nr nummer numero")),
    "mobile": ("a telephone number", (NUMBERS | PEOPLE) - {"user"}),
    "policy": ("an insurance number", NUMBERS),
    "account": ("an account number", NUMBERS),
    "iban": ("an account number", frozenset()),
    "serial": ("a device number", NUMBERS),
    "lot": ("a lot number", NUMBERS),
    "device": ("a device number", NUMBERS),
    "provider": ("a person or firm", NUMBERS),
    "npi": ("a person or firm", frozenset()),
    "clinician": ("a person or firm", NUMBERS),
    "therapist": ("a person or firm", NUMBERS),
    "physician": ("a person or firm", NUMBERS),
    "prescriber": ("a person or firm", NUMBERS),
    "doctor": ("a person or firm", frozenset()),
    "ip": ("a network address", words_in("address adresse")),
    "survey": ("a record number", words_in("identifier")),
    "free": ("free text", words_in("text")),
    "driver": ("a licence number", words_in("license licence")),
    "codigo": ("an address", words_in("postal")),
    "kod": ("an address", words_in("pocztowy")),
    "place": ("an address", words_in("residence")),
    "house": ("an address", NUMBERS),
}
# Between a word and its company: "name of the patient", "numéro de dossier".
GLUE: Final = words_in(
    "of the de du des del della di do da der dem des la le el l d van het"
)
LAST_WORD_TIMES: Final = words_in("date dates dt time zeit heure fecha")
NUMBER_WORDS: Final = words_in(
    "number no num nr nummer numero record chart hospital medical identifier contact cell"
    " identity"
)
# With these alone a name still promises what the telling word says.
SETTLING: Final = (
    PEOPLE
    | NUMBERS
    | GLUE
    | LAST_WORD_TIMES
    | words_in(
        "name names home work office daytime evening private personal primary secondary main"
        " current previous second other alternate alternative legal permanent residential"
        " residence mailing billing postal emergency next and text string value field raw original"
        " line digits area sector district region outward ext extension prefix suffix hash hashed"
        " encrypted year month day jahr tag monat annee jour mois fecha data place town village"
        " own pt privat dienstlich e electronico elettronica eletronico ip national"
    )
)
# With one of these a name is about something else, where its values fit: few different ones.
SOFTENING: Final = words_in(
    "size order followup up level deprivation index use used usage sent received returned changed"
    " change reminder reminders session sessions pump history control type kind status available"
    " availability known missing present given verified confirmed valid consent consented"
    " preference count counts score scale rating rated risk rate density population income rural"
    " urban noise drug drugs weight length defect complications trauma injury plan method mode"
    " channel survey visit visits call calls screening support interview coverage covered class"
    " category group setting based quality satisfaction access reason source country taken"
)
# A number behind one of these is a measure, however many digits it has.
MEASURES: Final = words_in(
    "size index score level rate count population density income percent ratio weight length"
)
# Values that identify nobody under any softened name.
HARMLESS_VALUES: Final = words_in(
    "yes no pre post baseline followup"
    " y n true false t f none unknown other na low medium middle high moderate mild severe"
    " never rarely sometimes often always daily weekly monthly small large normal abnormal"
    " positive negative good fair poor better worse same rural urban suburban inner outer public"
    " private mixed text phone video person remote both sent received done pending planned ja nein"
    " oui non si nee tak nie morning afternoon evening night full part early late new old mobile"
    " landline email letter post paper online app not and or very one two three four five first"
    " second third left right male female past current past former full-time part-time minor major"
)
