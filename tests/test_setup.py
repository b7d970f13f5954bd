"""What a fresh machine is told to install is the same in every place that says so, and needs no
address.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import kettrack

# Packages that conda-forge has under another name.
CONDA_NAMES = {"build": "python-build", "duckdb": "python-duckdb"}
SPECIFICATION = re.compile(r"^\s*-\s+([A-Za-z][\w.-]*)\s*(>=\S+)?$", re.MULTILINE)


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict[str, Any]:
    said: dict[str, Any] = tomllib.loads(
        (checkout / "pyproject.toml").read_text(encoding="utf-8")
    )
    return said


def wanted(project: dict[str, Any]) -> dict[str, str]:
    """Package -> version asked for, of the package and all its extras."""
    extras = project["project"]["optional-dependencies"].values()
    lines = [
        line
        for lines in (project["project"]["dependencies"], *extras)
        for line in lines
    ]
    split = [
        re.fullmatch(r"([\w.-]+)(>=[\w.]+)", line)
        for line in lines
        if not line.startswith("kettrack[")
    ]
    return {found[1]: found[2] for found in split if found}


def test_every_requirement_has_a_lower_bound(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"].values()
    lines = [
        line
        for lines in (project["project"]["dependencies"], *extras)
        for line in lines
    ]
    assert len(wanted(project)) == len(
        # an extra may need what another one needs
        {line for line in lines if not line.startswith("kettrack[")}
    )


def test_conda_environment_is_in_step(checkout: Path, project: dict[str, Any]) -> None:
    text = (checkout / "environment.yml").read_text(encoding="utf-8")
    listed = dict(SPECIFICATION.findall(text.partition("dependencies:")[2]))
    assert listed.pop("python") == project["project"]["requires-python"]
    assert listed.pop("pip") == ""
    assert listed == {
        CONDA_NAMES.get(name, name): version
        for name, version in wanted(project).items()
    }
    assert "- -e ." in text


@pytest.mark.parametrize("lock", ["requirements.lock", "docs/requirements.lock"])
def test_lock_holds_hashes_and_no_address(checkout: Path, lock: str) -> None:
    text = (checkout / lock).read_text(encoding="utf-8")
    assert not re.search(
        r"://|@ |^-|^ *--(?!hash=sha256:[0-9a-f]{64}( \\)?$)", text, re.MULTILINE
    )
    pins = [block for block in re.split(r"\n(?=\S)", text) if block.strip()]
    assert all("==" in block and "--hash=sha256:" in block for block in pins)


def test_lock_holds_everything_the_tests_need(
    checkout: Path, project: dict[str, Any]
) -> None:
    locked = set(
        re.findall(
            r"^([\w.-]+)==",
            (checkout / "requirements.lock").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    assert set(wanted(project)) - {"jupyter"} <= locked
    assert "jupyter" not in locked, "the metapackage slows every start of a kernel"


def test_lock_of_the_site_holds_what_the_site_needs(
    checkout: Path, project: dict[str, Any]
) -> None:
    """And the same versions of what the tests need too: both are seen at once."""
    pinned = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
    locks = [
        dict(pinned.findall((checkout / name).read_text(encoding="utf-8")))
        for name in ("docs/requirements.lock", "requirements.lock")
    ]
    site, tests = locks
    wanted_there = project["dependency-groups"]["docs"]
    assert {line.partition(">=")[0] for line in wanted_there} <= set(site)
    both = set(site) & set(tests)
    assert {name: site[name] for name in both} == {name: tests[name] for name in both}


def test_version_is_said_once(checkout: Path, project: dict[str, Any]) -> None:
    version = project["project"]["version"]
    assert version == kettrack.__version__
    citation = yaml.safe_load((checkout / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    archived = json.loads((checkout / ".zenodo.json").read_text(encoding="utf-8"))
    # The archive takes it from the release.
    assert "version" not in archived
    assert archived["title"] == citation["title"]
    assert archived["license"] == citation["license"] == project["project"]["license"]
    assert archived["keywords"] == citation["keywords"]


def test_workflows_can_be_read_and_name_what_exists(checkout: Path) -> None:
    makefile = (checkout / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    workflows = sorted((checkout / ".github" / "workflows").glob("*.yml"))
    assert [path.stem for path in workflows] == ["docs", "release", "test"]
    for path in workflows:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        # YAML 1.1 reads the word on as a truth value.
        assert set(said) == {"name", True, "permissions", "jobs"}
        assert said["permissions"] == {"contents": "read"}
        for job in said["jobs"].values():
            assert {"runs-on", "steps"} <= set(job)
            for step in job["steps"]:
                assert ("run" in step) != ("uses" in step)
                for target in re.findall(r"\bmake (\w+)", step.get("run", "")):
                    assert target in targets
                for script in re.findall(
                    r"(?<!\S)[\w./-]+\.(?:sh|py)\b", step.get("run", "")
                ):
                    assert (checkout / script).is_file()
    for path in (checkout / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))


def test_only_a_release_may_publish(checkout: Path) -> None:
    path = checkout / ".github" / "workflows" / "release.yml"
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert jobs["publish"]["if"] == "github.ref_type == 'tag'"
    # Trusted publishing: no password and no token is stored anywhere.
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in path.read_text(encoding="utf-8")


def test_make_help_names_every_target(
    checkout: Path, plain_environment: dict[str, str]
) -> None:
    if os.name == "nt":
        pytest.skip("make is not part of Windows")
    shown = subprocess.run(
        ["make", "help"],
        cwd=checkout,
        env=plain_environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    targets = re.search(
        r"^\.PHONY: (.*)$",
        (checkout / "Makefile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert targets
    assert set(re.findall(r"^  make ([\w-]+)", shown, re.MULTILINE)) == set(
        targets[1].split()
    )


def test_workflow_and_makefile_run_the_same_tests(checkout: Path) -> None:
    makefile = (
        (checkout / "Makefile")
        .read_text(encoding="utf-8")
        .replace("$(SANITIZE)", "notebooks/sanitize.cfg")
    )
    command = re.search(
        r"\$\(BIN\)/(python -m pytest -n auto .*)$", makefile, re.MULTILINE
    )
    assert command
    assert command[1] in (checkout / ".github/workflows/test.yml").read_text(
        encoding="utf-8"
    )


def test_a_commit_is_checked_as_make_check_does(checkout: Path) -> None:
    hooks = (checkout / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    makefile = (checkout / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^check: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe
    checks = re.findall(r"\$\(BIN\)/(ruff check|ruff format --check|mypy)", recipe[1])
    entries = re.findall(r"entry: \.venv/bin/(.*)$", hooks, re.MULTILINE)
    assert [entry.removesuffix(" --force-exclude") for entry in entries] == checks
    # no other version than the one of the lock
    assert set(re.findall(r"repo: (.*)$", hooks, re.MULTILINE)) == {"local"}
    assert hooks.count("language: system") == len(entries)


@pytest.mark.parametrize(
    "folder", ["kettrack", "notebooks", "benchmarks", ".ci", ".github"]
)
def test_no_path_of_a_machine(checkout: Path, folder: str) -> None:
    suspicious = re.compile(r"(?<![\w.])/(home|Users|root|work|tmp|mnt)/\w")
    files = [
        path
        for path in (checkout / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    guilty = [
        str(path)
        for path in files
        if suspicious.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert guilty == []


def test_shell_script_of_the_check_is_sound(checkout: Path) -> None:
    if os.name == "nt":
        pytest.skip("bash is not part of Windows")
    script = checkout / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", str(script)], check=True)
