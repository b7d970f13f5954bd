"""The built wheel, installed where no checkout is: notebooks and sample come with it, and it makes a report."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest


class Installed(NamedTuple):
    """A Python that has kettrack only from the wheel, and an empty folder to work in."""

    programs: Path
    folder: Path
    environment: dict[str, str]

    def run(self, program: str, *arguments: str) -> str:
        command = [str(self.programs / program), *arguments]
        ran = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory, plain_environment: dict[str, str]) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(checkout)]
    subprocess.run(command, env=plain_environment, check=True, capture_output=True)
    return next(folder.glob("kettrack-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory, plain_environment: dict[str, str]) -> Installed:
    home, empty = tmp_path_factory.mktemp("python"), tmp_path_factory.mktemp("empty")
    venv.create(home, with_pip=True, symlinks=os.name != "nt")
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    # The dependencies are borrowed from the running environment, which also tells where Jupyter's own files are.
    # A folder named in a .pth file does not have its own .pth files read, so the checkout stays out of sight.
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    environment = plain_environment | {"JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter"))}
    python = Installed(programs, empty, environment)
    python.run("python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    own = Path(python.run("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (own / "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    return python


def test_wheel_holds_what_a_reader_needs(wheel: Path, checkout: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    notebooks = {path.name for path in (checkout / "notebooks").glob("*.ipynb")}
    assert {f"kettrack/shipped/notebooks/{name}" for name in notebooks} <= names
    assert {f"kettrack/shipped/sample/{name}.csv" for name in ("sessions", "scores", "patients", "events")} <= names
    assert {"kettrack/py.typed", "kettrack/figures/kettrack.mplstyle", "kettrack/report/template/page.css"} <= names
    assert not [name for name in names if "checkpoint" in name or name.endswith(".pyc") or name.startswith("tests/")]


def test_package_and_its_folders_come_from_the_wheel(installed: Installed, checkout: Path) -> None:
    said = "import kettrack as k; print(k.__file__, k.sample_folder(), k.notebook_folder(), sep='\\n')"
    places = [Path(line) for line in installed.run("python", "-c", said).splitlines()]
    assert all(place.is_relative_to(installed.programs.parent.resolve()) for place in places)
    assert not any(place.is_relative_to(checkout) for place in places)


def test_report_from_an_empty_folder(installed: Installed) -> None:
    sample = installed.run("python", "-c", "import kettrack; print(kettrack.sample_folder())").strip()
    assert installed.run("kettrack", "report", sample, "-o", "report.html") == "The report is in report.html.\n"
    assert [path.name for path in installed.folder.iterdir()] == ["report.html"]
    text = (installed.folder / "report.html").read_text(encoding="utf-8")
    assert "Who is counted" in text
    assert text.count("data:image/png") > 1
    assert str(installed.programs.parent) not in text
