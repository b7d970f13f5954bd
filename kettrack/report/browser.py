"""Print a page as PDF with the Chromium that is installed, without a window."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from kettrack.errors import KettrackError, UsageError

# Chromium by the names under which systems install it, and what is built from it.
_PROGRAMS: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
_APPLICATIONS: Final = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_LONGEST_SECONDS: Final = 600  # a report of many sites on a slow machine


class NotPrinted(KettrackError):
    """The browser made no PDF."""


def find_browser() -> str:
    """The program that prints.

    Raises
    ------
    UsageError
        When there is none, saying what to install, or how to do without.
    """
    found = [path for name in _PROGRAMS if (path := shutil.which(name))]
    found += [path for path in _APPLICATIONS if Path(path).exists()]
    if not found:
        raise UsageError(
            "A PDF is printed by Chromium, Chrome or Edge, and none of them is installed. Install"
            " one. Or open the HTML file in any browser and print it to a file."
        )
    return found[0]


def print_pdf(page: str, output: Path) -> None:
    """Print a page of HTML that needs nothing but itself.

    Parameters
    ----------
    page : str
        HTML.
    output : Path
        The PDF; it is replaced.

    Raises
    ------
    UsageError
        When no browser is installed.
    NotPrinted
        When the browser fails or takes too long.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # Only its owner can look into a temporary folder.
        source = Path(profile, "page.html")
        source.write_text(page, encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-pdf-header-footer",
            # A profile of its own: the user's has settings, and may be in use.
            f"--user-data-dir={profile}",
            "--no-first-run",
            "--disable-background-networking",
            f"--print-to-pdf={output}",
            source.resolve().as_uri(),
        ]
        # The administrator of a container has no sandbox to start.
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        try:
            subprocess.run(
                command, check=True, capture_output=True, timeout=_LONGEST_SECONDS
            )
        # What a browser says may name paths; it says nothing that helps.
        except (OSError, subprocess.SubprocessError):
            raise NotPrinted(_failed(browser)) from None
    if not output.read_bytes().startswith(b"%PDF"):
        raise NotPrinted(_failed(browser))


def _failed(browser: str) -> str:
    return (
        f"{Path(browser).name} made no PDF of the page. Leave out --pdf, open the HTML file in a"
        " browser, and print it to a file."
    )
