"""The invented clinic in the other forms in which the same readers take it: another kind of file
behind the same kind of source.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import import_clinics as clinics
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
from import_clinics import Clinic

Writer = Callable[[Clinic, Path], Path]
OPEN_DOCUMENT = "urn:oasis:names:tc:opendocument:xmlns"


def ods(clinic: Clinic, folder: Path) -> Path:
    """What LibreOffice saves, with every cell as text."""
    tables = {
        "Sessions": clinic.sessions,
        clinic.name_of_scores: clinic.scores,
        "Patients": clinic.patients,
    }
    sheets = "".join(
        f"<table:table table:name={quoteattr(name)}>{_sheet_rows(frame)}</table:table>"
        for name, frame in tables.items()
    )
    names = "".join(
        f' xmlns:{name}="{OPEN_DOCUMENT}:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    content = f"<office:document-content{names}>{sheets}</office:document-content>"
    with zipfile.ZipFile(folder / "log.ods", "w") as archive:
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<m/>")
    return folder / "log.ods"


def _sheet_rows(frame: pd.DataFrame) -> str:
    rows = [list(frame.columns), *frame.to_numpy().tolist()]
    cells = [
        "".join(
            '<table:table-cell office:value-type="string">'
            f"<text:p>{escape(str(cell))}</text:p></table:table-cell>"
            for cell in row
        )
        for row in rows
    ]
    return "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)


def zsav(clinic: Clinic, folder: Path) -> Path:
    def write(frame: pd.DataFrame, path: str, **more: Any) -> None:
        pyreadstat.write_sav(frame, path, compress=True, **more)

    return clinics._statistics(clinic, folder, "zsav", write)


def portable(clinic: Clinic, folder: Path) -> Path:
    # Names in portable files are short.
    return clinics._statistics(
        clinic, folder, "por", lambda frame, path, **more: _write_por(frame, path, more)
    )


def _write_por(frame: pd.DataFrame, path: str, more: dict[str, Any]) -> None:
    short = {name: name.replace("phq9_", "")[:8] for name in frame.columns}
    pyreadstat.write_por(frame.rename(columns=short), path, **more)


def fhir_xml(clinic: Clinic, folder: Path) -> Path:
    """One bundle, as XML."""
    entries = "".join(
        f"<entry><resource>{_element(one['resourceType'], one)}</resource></entry>"
        for one in _records(clinic, folder)
    )
    bundle = f'<Bundle xmlns="http://hl7.org/fhir">{entries}</Bundle>'
    (folder / "bundle.xml").write_text(bundle)
    return folder / "bundle.xml"


def fhir_bundle(clinic: Clinic, folder: Path) -> Path:
    entries = [{"resource": one} for one in _records(clinic, folder)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (folder / "bundle.json").write_text(json.dumps(bundle))
    return folder / "bundle.json"


def fhir_packed(clinic: Clinic, folder: Path) -> Path:
    place = clinics.fhir(clinic, folder)
    for path in sorted(place.iterdir()):
        packed = path.with_name(f"{path.name}.gz")
        packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        path.unlink()
    return place


def _records(clinic: Clinic, folder: Path) -> list[dict[str, Any]]:
    place = clinics.fhir(clinic, folder)
    lines = [
        line
        for path in sorted(place.iterdir())
        for line in path.read_text().splitlines()
    ]
    return [json.loads(line) for line in lines]


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if not isinstance(value, dict):
        return f"<{name} value={quoteattr(str(value))}/>"
    inside = [_element(*one) for one in value.items() if one[0] != "resourceType"]
    return f"<{name}>{''.join(inside)}</{name}>"


def _as_parquet(place: Path) -> Path:
    for path in sorted(place.iterdir()):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        pq.write_table(pa.Table.from_pandas(frame), path.with_suffix(".parquet"))
        path.unlink()
    return place


def omop_parquet(clinic: Clinic, folder: Path) -> Path:
    return _as_parquet(clinics.omop(clinic, folder))


def omop_duckdb(clinic: Clinic, folder: Path) -> Path:
    duckdb = pytest.importorskip("duckdb")
    path = folder / "clinic.duckdb"
    with duckdb.connect(str(path)) as connection:
        for file in sorted(clinics.omop(clinic, folder).iterdir()):
            made = pa.Table.from_pandas(
                pd.read_csv(file, dtype=str, keep_default_na=False)
            )
            connection.register("made", made)
            connection.execute(f"CREATE TABLE {file.stem} AS SELECT * FROM made")
            connection.unregister("made")
    return path


def dataset_json(clinic: Clinic, folder: Path) -> Path:
    def write(path: Path, about: dict[str, Any], rows: list[list[Any]]) -> None:
        path.with_suffix(".json").write_text(json.dumps({**about, "rows": rows}))

    return _data_sets(clinic, folder, write)


def dataset_ndjson(clinic: Clinic, folder: Path) -> Path:
    def write(path: Path, about: dict[str, Any], rows: list[list[Any]]) -> None:
        lines = [json.dumps(one) for one in (about, *rows)]
        path.with_suffix(".ndjson").write_text("\n".join(lines) + "\n")

    return _data_sets(clinic, folder, write)


def _data_sets(
    clinic: Clinic,
    folder: Path,
    write: Callable[[Path, dict[str, Any], list[list[Any]]], None],
) -> Path:
    place = clinics.cdisc(clinic, folder)
    for path in sorted(place.iterdir()):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        name = path.stem.upper()
        columns = [
            {
                "itemOID": f"IT.{name}.{column}",
                "name": column,
                "label": column,
                "dataType": "string",
            }
            for column in frame.columns
        ]
        about = {
            "datasetJSONCreationDateTime": "2025-08-01T12:00:00",
            "datasetJSONVersion": "1.1.0",
            "itemGroupOID": f"IG.{name}",
            "records": len(frame),
            "name": name,
            "label": name,
            "columns": columns,
        }
        write(path, about, frame.to_numpy().tolist())
        path.unlink()
    return place


def cdisc_parquet(clinic: Clinic, folder: Path) -> Path:
    return _as_parquet(clinics.cdisc(clinic, folder))


def tabs(clinic: Clinic, folder: Path) -> Path:
    place = clinics.text(clinic, folder)
    for path in sorted(place.iterdir()):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frame.to_csv(path.with_suffix(".tsv"), sep="\t", index=False)
        path.unlink()
    return place


# Form to the kind of its reader and what writes it.
EVERY_FORM: dict[str, tuple[str, Writer]] = {
    **{kind: (kind, write) for kind, write in clinics.WRITERS.items()},
    "ods": ("ods", ods),
    "spss zsav": ("spss", zsav),
    "spss por": ("spss", portable),
    "fhir xml": ("fhir", fhir_xml),
    "fhir bundle": ("fhir", fhir_bundle),
    "fhir gz": ("fhir", fhir_packed),
    "omop parquet": ("omop", omop_parquet),
    "omop duckdb": ("omop", omop_duckdb),
    "cdisc dataset-json": ("cdisc", dataset_json),
    "cdisc ndjson": ("cdisc", dataset_ndjson),
    "cdisc parquet": ("cdisc", cdisc_parquet),
    "text tabs": ("text", tabs),
}
