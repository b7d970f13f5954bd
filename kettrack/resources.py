"""Where the notebooks and the sample are: inside an installed package, or beside it in a
checkout.
"""

from __future__ import annotations

from pathlib import Path

from kettrack.errors import UsageError


def notebook_folder() -> Path:
    """Folder of the notebooks that a report runs.

    Examples
    --------
    >>> (notebook_folder() / "01_cohort_overview.ipynb").is_file()
    True
    """
    return _find("notebooks", "notebooks")


def sample_folder() -> Path:
    """Cohort folder of the synthetic sample clinic.

    Examples
    --------
    >>> (sample_folder() / "sessions.csv").is_file()
    True
    """
    return _find("sample", "data/sample")


def _find(shipped: str, in_checkout: str) -> Path:
    """Look beside the package first, in a checkout: that is what the reader edits. An installed
    package has nothing there.
    """
    package = Path(__file__).resolve().parent
    places = (package.parent / in_checkout, package / "shipped" / shipped)
    # Beside an installed package a folder "notebooks" may be anybody's.
    checkout = (package.parent / "pyproject.toml").is_file()
    for place in places if checkout else places[1:]:
        if place.is_dir():
            return place
    raise UsageError(
        f"This installation of kettrack has no {shipped!r} folder; install it again."
    )
