"""What several tests share: the checkout, the reference data, a browser, and a clean environment
for other processes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine, and no clock: a slow machine is no failure.
settings.register_profile("kettrack", deadline=None, derandomize=True)
settings.load_profile("kettrack")

CHECKOUT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Root of the checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the published data sets; they are not part of the repository."""
    named = os.environ.get("KETTRACK_REFERENCE_DATA")
    if not named:
        pytest.skip("KETTRACK_REFERENCE_DATA names no folder of reference data")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"KETTRACK_REFERENCE_DATA names {named}, which is no folder")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture(scope="session")
def plain_environment() -> dict[str, str]:
    """Environment for other processes, without what the caller's own shell may have switched on."""
    dropped = (
        "MPLBACKEND",
        "KETTRACK_DEBUG",
        "PYTHONPATH",
        "PYTHONWARNINGS",
        "PYTEST_ADDOPTS",
        "NO_COLOR",
        "FORCE_COLOR",
    )
    return {name: value for name, value in os.environ.items() if name not in dropped}
