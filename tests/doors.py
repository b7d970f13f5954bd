"""Every way by which a file comes in, with a good file for each: what is broken by
`property/test_broken_files.py` and by `guided_fuzz.py`, and what must hold of it then.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from import_clinics import SECRET, Clinic
from import_forms import EVERY_FORM

from kettrack.cli.import_ import import_
from kettrack.errors import KettrackError
from kettrack.importing.map_file import read_map
from kettrack.pooling.summary import summarise
from kettrack.pooling.summary_file import read_summary
from kettrack.privacy.release.manifest import read_manifest
from kettrack.reading.load import cohort_from_frames, load_cohort
from kettrack.resources import sample_folder

# Seconds of processor time that a small file may take, the first look at it among them.
SECONDS: Final = 10.0
# Codes of patients, which no message may repeat.
CODE: Final = f"{SECRET}4711"
SESSIONS: Final = (
    "patient_id,day,order,drug,route,dose_mg,weight_kg,adverse_events,serious\n"
    f"{CODE},0,1,ketamine,iv,40,70,nausea;headache,false\n"
    "b2,0,,,,,,,\nb2,4,1,esketamine,,56,,,1\n"
)
SCORES: Final = (
    "patient_id,day,instrument,score,timing,item_1\n"
    f"{CODE},-1,PHQ-9,20,before,2\nb2,-1,PHQ-9,15,,1\nb2,9,MADRS,12,after,\n"
)
PATIENTS: Final = (
    "patient_id,age,sex,site,observed_to_day,stop_reason\n"
    f"{CODE},90+,female,A,90,\nb2,41,male,B,9,cost\n"
)
EVENTS: Final = (
    "patient_id,day,event,detail\n"
    f"{CODE},3,hospitalisation,worsening\nb2,9,medication_change,started\n"
)
TOML: Final = (
    'instrument = "PHQ-9"\npolicy = "internal"\nextract = "all to 2025"\n[columns.scores]\n'
    'score = "score"\n[instruments.Mood]\nminimum = 0\nmaximum = 10\n'
    'direction = "higher is worse"\n[criteria.own]\ninstrument = "Mood"\n'
    'response = { measure = "percent_change", operator = "at most", limit = -50 }\n'
    'remission = false\n[status]\nkept = "observed"\n'
)
MAP: Final = (
    'kind = "text"\n[[tables]]\nsource = "visits.csv"\nto = "sessions"\n[tables.columns]\n'
    'patient_id = "Record"\ndate = "Visit"\ndrug = "Given"\n[tables.where]\nWhat = ["Infusion"]\n'
    '[tables.units]\nweight_kg = "lb"\n[tables.values.drug]\n"K" = "ketamine"\n[answers]\n'
    '"date_order.visits.csv.Visit" = "day first"\n'
)
MANIFEST: Final = (
    '{"schema": 2, "about": "", "policy": "midpoint6", "instrument": "PHQ-9",'
    ' "criteria": "convention", "numbers": [["ladder", "first", "n_people", 45],'
    ' ["ladder", "second", "n_people", 39]],'
    ' "figures": [["trajectories", "week_2", "estimate", 12.5, 45]], "earlier": []}'
)
FOLDER: Final[Mapping[str, bytes]] = {
    "sessions.csv": SESSIONS.encode(),
    "scores.csv": SCORES.encode(),
    "patients.csv": PATIENTS.encode(),
    "events.csv": EVENTS.encode(),
    "kettrack.toml": TOML.encode(),
}
# What breaks readers elsewhere: marks, ends of lines, numbers without end, halves of letters.
PIECES: Final = (
    *('"', "'", '"""', ",", ";", "\t", "\n", "\r", "\r\n", "\x00", "\x1a", "\ufeff"),
    *("[", "]", "{", "}", "=", "==", "#", "\\", "\\u0000", ".", "..", "-", "+", "%"),
    *("nan", "inf", "-inf", "1e400", "-0", "0x1", "1_000", "9" * 30, "9" * 400, "1e20"),
    *("true", "null", "None", "NA", "=1+1", "90+", "2024-01-05", "12:30", "é", "ＡＢ"),
    *("\ud7ff", "\u202e", "\U0001f600", "patient_id", "score", "PHQ-9", " " * 50),
)


@dataclass(frozen=True, slots=True)
class Door:
    """A way by which a file comes in.

    Parameters
    ----------
    name : str
        As it is told.
    files : mapping of str to bytes
        Good files by their name.
    broken : str
        The one of them that is broken.
    read : callable
        Reads the folder in which these files stand.
    within : callable, optional
        Where the file is packed: puts the content into it.
    seed : bytes
        The good content.
    """

    name: str
    files: Mapping[str, bytes]
    broken: str
    read: Callable[[Path], object]
    seed: bytes
    within: Callable[[bytes], bytes] = bytes

    def enter(self, content: bytes) -> bool:
        """Read with this content in the place of the good one: it is read, or told as a problem.

        Returns
        -------
        bool
            Whether a problem was told.

        Raises
        ------
        AssertionError
            When a problem has no words, a secret is told, something is left, or it takes long.
        """
        with TemporaryDirectory() as around:
            folder = Path(around) / "in"
            folder.mkdir()
            for name, good in self.files.items():
                broken = name == self.broken
                (folder / name).write_bytes(self.within(content) if broken else good)
            begin = time.process_time()
            failed = _read_or_told(self.read, folder)
            took = time.process_time() - begin
            assert took < SECONDS, f"{self.name}: {took:.1f} s"
            _nothing_left(folder, self.files, failed)
        return failed


def _read_or_told(read: Callable[[Path], object], folder: Path) -> bool:
    """Whether a problem was told; with words, without a secret, and with its exit code."""
    said = io.StringIO()
    error: KettrackError | None = None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            read(folder)
        except KettrackError as told:
            error = told
    if error is not None:
        # Of bad input or of a refusal.
        assert error.exit_code in (2, 3)
        assert str(error).strip()
        said.write(str(error))
    assert SECRET.casefold() not in said.getvalue().casefold(), "a secret is told"
    return error is not None


def _nothing_left(folder: Path, before: Mapping[str, bytes], failed: bool) -> None:
    """After an error no folder stands half written; no secret ever stands in what was made."""
    assert {path.name for path in folder.iterdir()} == set(before)
    made = {path.name for path in folder.parent.iterdir()} - {folder.name}
    # The map is written first: it is what a person changes.
    assert made <= ({"map.toml"} if failed else {"map.toml", "out"}), made
    for path in (folder.parent / "out").glob("*"):
        assert SECRET.casefold().encode() not in path.read_bytes().lower(), path.name


def _import(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        place = folder / name if name else folder
        return import_(source=place, output=folder.parent / "out")

    return read


def _parquet() -> bytes:
    table = pa.table({"patient_id": [CODE, "b2"], "day": ["0", "0"]})
    place = io.BytesIO()
    pq.write_table(table, place)
    return place.getvalue()


def _site() -> str:
    """What a site of six people of the sample sends."""
    whole = load_cohort(sample_folder())
    few = whole.patients["patient_id"][:6]
    frames = {
        name: getattr(whole, name)[getattr(whole, name)["patient_id"].isin(few)]
        for name in ("sessions", "scores", "patients")
    }
    return summarise(cohort_from_frames(**frames), site="A").to_json()


def _folder_doors() -> Iterator[Door]:
    for name, good in FOLDER.items():
        yield Door(name, FOLDER, name, load_cohort, good)
    packed = {"scores.csv": FOLDER["scores.csv"], "sessions.parquet": _parquet()}
    name = "sessions.parquet"
    yield Door(name, packed, name, load_cohort, packed[name])


def _file_doors() -> Iterator[Door]:
    def one(read: Callable[[Path], object]) -> Callable[[Path], object]:
        return lambda folder: read(folder / "file")

    files = (
        ("map", MAP, read_map),
        ("site", _site(), read_summary),
        ("manifest", MANIFEST, read_manifest),
    )
    for name, text, read in files:
        good = text.encode()
        yield Door(name, {"file": good}, "file", one(read), good)


def _import_doors() -> Iterator[Door]:
    """A door for each file of each form in which a clinic's files come."""
    clinic = Clinic(frozenset({"ids", "names", "notes", "columns"}), n_patients=2)
    for form, (_, write) in EVERY_FORM.items():
        with TemporaryDirectory() as around:
            source = write(clinic, Path(around))
            alone = source.is_file()
            files = {
                path.name: path.read_bytes()
                for path in ([source] if alone else sorted(source.iterdir()))
            }
        read = _import(source.name if alone else "")
        for name, good in files.items():
            door = Door(f"{form}: {name}", files, name, read, good)
            yield door
            yield from _unpacked(door)


def _unpacked(door: Door) -> Iterator[Door]:
    """The door behind a packing, so that what is broken is not the packing alone."""
    if door.broken.endswith(".gz"):
        content = gzip.decompress(door.seed)
        yield Door(
            f"{door.name}, inside",
            door.files,
            door.broken,
            door.read,
            content,
            gzip.compress,
        )
    if not zipfile.is_zipfile(io.BytesIO(door.seed)):
        return
    with zipfile.ZipFile(io.BytesIO(door.seed)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name in parts:
        if name.endswith((".xml", ".rels")):
            yield Door(
                f"{door.name}, {name}",
                door.files,
                door.broken,
                door.read,
                parts[name],
                _zipped(parts, name),
            )


def _zipped(parts: Mapping[str, bytes], name: str) -> Callable[[bytes], bytes]:
    def within(content: bytes) -> bytes:
        place = io.BytesIO()
        with zipfile.ZipFile(place, "w") as archive:
            for part, good in parts.items():
                archive.writestr(part, content if part == name else good)
        return place.getvalue()

    return within


def folder_doors() -> list[Door]:
    """The doors of a cohort folder and of the files that kettrack writes itself."""
    return [*_folder_doors(), *_file_doors()]


def every_door() -> list[Door]:
    """All doors, those of every import among them."""
    return [*folder_doors(), *_import_doors()]
