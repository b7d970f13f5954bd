"""Build the documentation site: `make docs`.

The pages of the project are copied to a folder of their own, in the places where they stand, and
what the code says itself is written beside them. Sphinx makes the site of it. Nothing is fetched.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import nbformat
from check import problems
from figure_pages import figure_page
from listing import list_pages
from polish import polish_all
from program_pages import commands_page, python_pages
from question_pages import question_pages, sample_answers, trials_page
from rule_pages import rule_pages
from settings_pages import settings_page
from sphinx.cmd.build import main as sphinx
from table_pages import tables_page

import kettrack as kt

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
REFERENCE = Path("docs", "reference")
# What pages link to without being one.
BESIDE = (
    "docs/*.png",
    "docs/*.R",
    "docs/*.json",
    "findings/*.sh",
    "LICENSE",
    "CITATION.cff",
)
PAGES = (
    "*.md",
    "docs/**/*.md",
    "findings/*.md",
    "benchmarks/*.md",
    "data/sample/*.md",
    "notebooks/*.ipynb",
)
START = '<meta http-equiv="refresh" content="0; url=docs/index.html">\n'


def copy_pages(source: Path) -> None:
    """Copy every page of the project to where Sphinx reads it."""
    for path in _pages():
        target = source / path.relative_to(CHECKOUT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            _copy_notebook(path, target)
        else:
            shutil.copyfile(path, target)


def _pages() -> Iterator[Path]:
    for pattern in (*PAGES, *BESIDE):
        yield from (path for path in CHECKOUT.glob(pattern) if HERE not in path.parents)


def _copy_notebook(path: Path, target: Path) -> None:
    """A notebook whose pictures have a text: the heading they stand under."""
    notebook = nbformat.read(path, as_version=4)
    heading = ""
    for cell in notebook.cells:
        headings = [one for one in cell.source.splitlines() if one.startswith("#")]
        if cell.cell_type == "markdown" and headings:
            heading = headings[-1].lstrip("# ")
        if cell.cell_type == "code":
            cell.metadata["mystnb"] = {"image": {"alt": f"Figure: {heading}"}}
    nbformat.write(notebook, target)


def write_reference(source: Path) -> None:
    """Write the pages that the code itself tells."""
    home = source / REFERENCE
    cohort = kt.derive(kt.load_cohort(kt.sample_folder()))
    answers = sample_answers(cohort)
    pages = {
        **rule_pages(),
        **question_pages(answers),
        **python_pages(),
        "trials": trials_page(),
        "tables": tables_page(cohort),
        "settings": settings_page(),
        "commands": commands_page(),
        "figures": figure_page(cohort, answers, home / "pictures"),
    }
    for name, text in pages.items():
        path = home / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main(folder: str) -> None:
    """Build the site into a folder, and leave with 1 when anything is wrong with it."""
    site = Path(folder).resolve()
    source = site.with_name(f"{site.name}-source")
    for old in (site, source):
        shutil.rmtree(old, ignore_errors=True)
    began = time.monotonic()
    copy_pages(source)
    list_pages(source / "docs")
    write_reference(source)
    print(f"Pages written in {time.monotonic() - began:.0f} s.", flush=True)
    strict = ["-W", "--keep-going", "-q", "-j", "auto", "-b", "html", "-c", str(HERE)]
    if sphinx([*strict, str(source), str(site)]):
        sys.exit(1)
    polish_all(site)
    (site / "index.html").write_text(START, encoding="utf-8")
    shutil.rmtree(site / ".doctrees", ignore_errors=True)
    found = list(problems(site))
    print("\n".join(found) or f"The site is in {site}: open index.html.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(sys.argv[1])
