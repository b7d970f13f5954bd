"""The report of the sample, made once, by the built wheel where no checkout is: the bytes that
the stored notebooks of the checkout lay out to, and no network.

The report has one chapter: nbval runs every notebook of the checkout, and the wheel holds the same
notebooks and the same modules, byte by byte.
"""

from __future__ import annotations

import ensurepip
import os
import re
import subprocess
import sys
import venv
import zipfile
from functools import cache
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from sample_answers import derived_sample, sample_answer

from kettrack import load_cohort, notebook_folder, sample_folder
from kettrack.report.first_page import FirstPage, compose_first_page
from kettrack.report.layout import render
from kettrack.report.methods import describe_methods
from kettrack.report.paper_tables import ASKED
from kettrack.report.release_check import release_check
from kettrack.report.run import read_contents

CHAPTER = "01_cohort_overview.ipynb"
FEW_CODES = 5
# One white point.
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/"
    "PchI7wAAAABJRU5ErkJggg=="
)
OF_COLOUR_AND_SIZE = (
    "color-contrast",
    "link-in-text-block",
    "scrollable-region-focusable",
    "target-size",
)
PICTURE = re.compile(r'data:image/png;base64,[^"]*')
# A figure of a chapter: drawn in lines where the report makes it, in dots where it was stored.
DRAWN = re.compile(r'<div class="output_(?:svg|png)[^>]*>.*?</div>', re.DOTALL)
TOLD = re.compile(r'(?:alt|aria-label)="(Figure: [^"]*)"')


class Installed(NamedTuple):
    """A Python that has kettrack only from the wheel, and an empty folder to work in."""

    programs: Path
    folder: Path
    environment: dict[str, str]

    def run(self, program: str, *arguments: str) -> str:
        command = [str(self.programs / program), *arguments]
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def wheel(
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
    plain_environment: dict[str, str],
) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(checkout),
    ]
    subprocess.run(command, env=plain_environment, check=True, capture_output=True)
    return next(folder.glob("kettrack-*.whl"))


@pytest.fixture(scope="module")
def installed(
    wheel: Path,
    tmp_path_factory: pytest.TempPathFactory,
    plain_environment: dict[str, str],
) -> Installed:
    home = tmp_path_factory.mktemp("python")
    empty = tmp_path_factory.mktemp("empty")
    # Without a pip of its own, whose set-up takes longer than everything else here: the one that
    # Python brings along runs from its archive.
    venv.create(home, symlinks=os.name != "nt")
    bundled = Path(ensurepip.__file__).parent / "_bundled"
    pip = next(bundled.glob("pip-*.whl"))
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    # The dependencies are borrowed from the running environment, which also tells where Jupyter's
    # own files are. A folder named in a .pth file does not have its own .pth files read, so the
    # checkout stays out of sight.
    borrowed = [
        place
        for place in sys.path
        if Path(place).name in ("site-packages", "dist-packages")
    ]
    environment = plain_environment | {
        "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter"))
    }
    python = Installed(programs, empty, environment)
    python._replace(environment=environment | {"PYTHONPATH": str(pip)}).run(
        "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    )
    own = Path(
        python.run(
            "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
        ).strip()
    )
    (own / "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    return python


def test_wheel_holds_what_a_reader_needs(wheel: Path, checkout: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    sources = {
        f"kettrack/shipped/notebooks/{path.name}": path
        for path in (checkout / "notebooks").glob("*.ipynb")
    }
    # The trials of the methods stay in the checkout.
    sources |= {
        path.relative_to(checkout).as_posix(): path
        for path in (checkout / "kettrack").rglob("*.py")
        if path.relative_to(checkout).parts[1] != "trials"
    }
    assert len(sources) > 200
    assert sources.keys() <= names
    changed = [
        name
        for name, path in sources.items()
        if archive.read(name) != path.read_bytes()
    ]
    assert changed == []
    assert {
        f"kettrack/shipped/sample/{name}.csv"
        for name in ("sessions", "scores", "patients", "events")
    } <= names
    assert {
        "kettrack/py.typed",
        "kettrack/figures/kettrack.mplstyle",
        "kettrack/report/template/page.css",
    } <= names
    assert not [
        name
        for name in names
        if "checkpoint" in name or name.endswith(".pyc") or name.startswith("tests/")
    ]


def test_package_and_its_folders_come_from_the_wheel(
    installed: Installed, checkout: Path
) -> None:
    said = (
        "import kettrack as k; print(k.__file__, k.sample_folder(), k.notebook_folder(),"
        " sep='\\n')"
    )
    places = [Path(line) for line in installed.run("python", "-c", said).splitlines()]
    assert all(
        place.is_relative_to(installed.programs.parent.resolve()) for place in places
    )
    assert not any(place.is_relative_to(checkout) for place in places)


@pytest.fixture(scope="module")
def report(installed: Installed) -> Path:
    """The report of one chapter that the wheel makes of its sample in an empty folder."""
    find_contents = (
        "import kettrack.report.run as run, pathlib;"
        " print(pathlib.Path(run.__file__).parent / 'contents.toml')"
    )
    contents = Path(installed.run("python", "-c", find_contents).strip())
    assert contents.is_relative_to(installed.programs.parent.resolve())
    contents.write_text(
        f'title = "{read_contents().title}"\nnotebooks = ["{CHAPTER}"]\n',
        encoding="utf-8",
    )
    find_sample = "import kettrack; print(kettrack.sample_folder())"
    sample = installed.run("python", "-c", find_sample).strip()
    said = installed.run("kettrack", "report", sample, "-o", "report.html")
    assert said == "The report is in report.html.\n"
    assert [path.name for path in installed.folder.iterdir()] == ["report.html"]
    return installed.folder / "report.html"


def test_nothing_of_this_machine_in_the_page(
    report: Path, installed: Installed
) -> None:
    text = report.read_text(encoding="utf-8")
    for place in (
        sample_folder(),
        installed.folder,
        installed.programs.parent,
        Path.home(),
        Path.cwd(),
        Path(nbformat.__file__).parent,
    ):
        assert str(place) not in text
    assert "ipykernel_" not in text
    assert not re.search(r"20\d\d-\d\d-\d\dT\d\d:", text), "a time stamp"


def test_main_figures_come_first(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert 'class="banner"' in text
    assert (
        text.index('class="first"') < text.index("<nav") < text.index('class="chapter"')
    )
    assert all(label in text for label in ("Extract", "Rules", "SHA-256"))


def test_code_is_folded_and_contents_lead_somewhere(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert text.count('<details class="code"') == text.count("show code") > 0
    assert "<details open" not in text
    targets = re.findall(r'href="#([^"]+)"', text)
    assert targets
    assert set(targets) <= set(re.findall(r'id="([^"]+)"', text))


def test_every_picture_has_a_text(report: Path) -> None:
    pictures = re.findall(r"<(?:img|svg) [^>]*>", report.read_text(encoding="utf-8"))
    assert pictures
    assert all(
        re.search(r'(?:alt|aria-label)="[^"]{8,}"', picture) for picture in pictures
    )


class Links(HTMLParser):
    """Everything a page might fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("script", "link", "iframe", "object", "embed"):
            self.fetched.append(tag)
        elif "src" in named and not (named["src"] or "").startswith("data:"):
            self.fetched.append(str(named["src"]))


def test_page_names_nothing_to_fetch(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    page = Links()
    page.feed(text)
    assert page.fetched == []
    assert "@import" not in text
    # Within the page, a picture may name a part of itself.
    assert not re.search(r"url\((?!#)", text)


def test_no_request_leaves_the_page(report: Path, chromium: str) -> None:
    """In a real browser: opened, every fold unfolded, printed."""
    requests, complaints = open_in_browser(chromium, report)
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


def open_in_browser(chromium: str, path: Path) -> tuple[list[str], list[str]]:
    from playwright.sync_api import sync_playwright

    requests: list[str] = []
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(path.as_uri())
        page.evaluate(
            "() => document.querySelectorAll('details').forEach(fold => { fold.open = true })"
        )
        page.emulate_media(media="print")
        page.wait_for_load_state("networkidle")
        browser.close()
    return requests, complaints


def test_a_fetch_would_be_noticed(chromium: str, tmp_path: Path) -> None:
    """The guard guards: a picture on another host is forbidden by the page itself, and the browser
    says so.
    """
    picture = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("# A\n\n![x](https://example.org/x.png)")]
    )
    path = tmp_path / "page.html"
    path.write_text(
        render("T", FirstPage("", (), {}), {"a.ipynb": picture}), encoding="utf-8"
    )
    _, complaints = open_in_browser(chromium, path)
    assert any("Content Security Policy" in text for text in complaints)


@cache
def whole_page() -> str:
    """Every chapter as stored, with methods and release check; no notebook runs."""
    contents = read_contents()
    notebooks = {
        name: nbformat.read(notebook_folder() / name, as_version=4)
        for name in contents.notebooks
    }
    outside = derived_sample("midpoint6")
    found = {name: sample_answer(name) for name in ASKED}
    return render(
        contents.title,
        compose_first_page(load_cohort(sample_folder())),
        notebooks,
        release_check(outside.cohort, [], notebooks),
        describe_methods(derived_sample(), found).paragraphs,
    )


def shortened(page: str) -> str:
    """The page with one row of each table, the code of a few cells, and one picture: every kind of
    element is there, and what looks at each of them takes a tenth of the time.
    """

    def one_row(found: re.Match[str]) -> str:
        head, end, body = found[0].partition("</thead>")
        row, *_ = re.findall(r"<tr.*?</tr>", body, re.DOTALL) or [""]
        return f"{head}{end}<tbody>{row}</tbody></table>"

    codes = count()

    def few(found: re.Match[str]) -> str:
        return found[0] if next(codes) < FEW_CODES else ""

    page = re.sub(r"<table.*?</table>", one_row, page, flags=re.DOTALL)
    page = re.sub(r'<details class="code">.*?</details>', few, page, flags=re.DOTALL)
    return PICTURE.sub(PIXEL, page)


def test_nothing_bars_who_reads_in_another_way(
    chromium: str, tmp_path: Path, report: Path
) -> None:
    """All rules of axe-core, in light; those that depend on colours and sizes also in the dark, in
    print and on a small phone. One chapter is looked at with its figures as they are drawn.
    """
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    from playwright.sync_api import sync_playwright

    path = tmp_path / "page.html"
    path.write_text(shortened(whole_page()), encoding="utf-8")
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(path.as_uri())
        page.evaluate(
            "() => document.querySelectorAll('details').forEach(fold => { fold.open = true })"
        )
        # Of what is right only one example is told: to tell them all takes as long as to look.
        told = {"resultTypes": ["violations"]}
        found["light"] = axe.Axe().run(page, options=told)
        only = told | {"runOnly": list(OF_COLOUR_AND_SIZE)}
        page.emulate_media(color_scheme="dark")
        found["dark"] = axe.Axe().run(page, options=only)
        page.emulate_media(color_scheme="light", media="print")
        # Nobody taps on paper.
        on_paper = told | {"runOnly": ["color-contrast"]}
        found["print"] = axe.Axe().run(page, options=on_paper)
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 320, "height": 640})
        found["phone"] = axe.Axe().run(page, options=only)
        page.goto(report.as_uri())
        found["drawn"] = axe.Axe().run(page, options=told)
        browser.close()
    broken = {
        (way, rule["id"], node["html"])
        for way, result in found.items()
        for rule in result.response["violations"]
        for node in rule["nodes"]
    }
    assert broken == set()
    # Looked at, and not passed over.
    for result in found.values():
        assert "color-contrast" in {rule["id"] for rule in result.response["passes"]}


def test_neither_a_phone_nor_a_desk_needs_a_sideways_scroll(
    chromium: str, tmp_path: Path
) -> None:
    """Every chapter as stored, with everything unfolded: a small phone scrolls no more than its
    tables, and a desk not even those.
    """
    from playwright.sync_api import sync_playwright

    path = tmp_path / "page.html"
    path.write_text(whole_page(), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        phone = browser.new_page(viewport={"width": 320, "height": 640})
        phone.goto(path.as_uri())
        phone.evaluate(
            "() => document.querySelectorAll('details').forEach(fold => { fold.open = true })"
        )
        width = phone.evaluate("document.documentElement.scrollWidth")
        # What scrolls inside the page takes the focus, so that keys can scroll it.
        stuck = phone.evaluate(
            "() => [...document.querySelectorAll('.wide')]"
            ".filter(box => box.scrollWidth > box.clientWidth && box.tabIndex < 0).length"
        )
        hints = phone.locator(".scroll").first.is_visible()
        phone.set_viewport_size({"width": 1280, "height": 900})
        scrolled = phone.evaluate(
            "() => [...document.querySelectorAll('.wide')]"
            ".filter(box => box.scrollWidth > box.clientWidth).map(box => box.innerText)"
        )
        wide = phone.evaluate("document.documentElement.scrollWidth")
        hints_too = phone.locator(".scroll").first.is_visible()
        browser.close()
    assert width == 320
    assert stuck == 0
    assert wide == 1280
    assert scrolled == []
    # Who need not scroll is not told to.
    assert (hints, hints_too) == (True, False)


def test_figures_can_be_read_on_a_phone_and_words_on_paper(
    chromium: str, report: Path
) -> None:
    """A figure shrunk to a phone would have letters of 4 points; nobody unfolds paper."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 320, "height": 640})
        page.goto(report.as_uri())
        figures = page.evaluate(
            "() => [...document.querySelectorAll('.output_svg')].map(box => ["
            "box.firstElementChild.getBoundingClientRect().width"
            " / box.firstElementChild.viewBox.baseVal.width, box.tabIndex])"
        )
        wide = page.evaluate("document.documentElement.scrollWidth")
        page.set_viewport_size({"width": 1280, "height": 900})
        scrolled = page.evaluate(
            "() => [...document.querySelectorAll('.output_svg')]"
            ".filter(box => box.scrollWidth > box.clientWidth).length"
        )
        page.emulate_media(media="print")
        printed = page.evaluate(
            "() => ['.glossary dd', '.cautions li', '.answer details p'].map("
            "name => document.querySelector(name).checkVisibility())"
        )
        browser.close()
    assert figures
    # Pixels for each point it was drawn with.
    assert min(shown for shown, _ in figures) >= 0.99
    assert {index for _, index in figures} == {0}
    assert (wide, scrolled) == (320, 0)
    assert printed == [True, True, False]


@pytest.fixture(scope="module")
def stored_page() -> str:
    """The page of the chapter of the checkout as it is stored; no notebook runs."""
    notebook = nbformat.read(notebook_folder() / CHAPTER, as_version=4)
    cohort = derived_sample()
    found = {name: sample_answer(name) for name in ASKED}
    return render(
        read_contents().title,
        compose_first_page(load_cohort(sample_folder())),
        {CHAPTER: notebook},
        methods=describe_methods(cohort, found).paragraphs,
    )


def test_wheel_makes_the_page_of_the_stored_notebooks(
    report: Path, stored_page: str
) -> None:
    text = report.read_text(encoding="utf-8")
    assert DRAWN.sub("", text) == DRAWN.sub("", stored_page)


def test_the_wheel_draws_in_lines_what_the_notebooks_store(
    report: Path, stored_page: str
) -> None:
    text = report.read_text(encoding="utf-8")
    drawn = DRAWN.findall(text)
    assert len(drawn) == len(DRAWN.findall(stored_page)) > 1
    assert TOLD.findall(text) == TOLD.findall(stored_page)
    # No chapter of it has a figure of thousands of marks; the text of each is text.
    assert all("<svg" in figure and "<text" in figure for figure in drawn)
    # Parts of two figures never share a name.
    names = re.findall(r' id="([^"]+)"', text)
    assert len(names) == len(set(names))
