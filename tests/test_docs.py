"""The documentation site, as far as it can be tried without building it: `make docs` builds it,
with warnings as errors, in a job of its own.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import kettrack as kt
from kettrack.analysis import registry
from kettrack.analysis.registry import load_questions
from kettrack.settings import SETTINGS_FILE

SCORES = "patient_id,day,instrument,score\nA1,-1,{scale},20\nA1,7,{scale},9\n"
SESSIONS = "patient_id,day\nA1,0\n"
CLEAN = (
    '<link rel="stylesheet" href="site.css"><img src="data:image/png;base64,AA">'
    '<a href="#here" id="here">x</a><a href="https://example.org">y</a>'
)


@pytest.fixture
def load(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Modules of the site by name."""
    monkeypatch.syspath_prepend(checkout / "docs" / "site")

    def one(name: str) -> ModuleType:
        return importlib.import_module(name)

    return one


@pytest.fixture
def check(load: Any, tmp_path: Path) -> Any:
    """What is wrong with a site of one page."""

    def problems(page: str, css: str = "") -> list[str]:
        (tmp_path / "index.html").write_text(page, encoding="utf-8")
        (tmp_path / "site.css").write_text(css, encoding="utf-8")
        return list(load("check").problems(tmp_path))

    return problems


def blocks(page: Path, language: str) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    yield from re.findall(
        rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    )


def test_a_sound_page_passes(check: Any) -> None:
    assert check(CLEAN, "p { color: red; background: url(#here) }") == []


@pytest.mark.parametrize(
    "asks",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<script src="//cdn.example.org/x.js"></script>',
        '<link rel="preconnect" href="https://fonts.example.org">',
        '<img srcset="https://example.org/x.png 2x">',
        '<style>@import "https://example.org/x.css";</style>',
        '<p style="background: url(https://example.org/x.png)">',
        '<iframe src="https://example.org"></iframe>',
    ],
)
def test_a_page_that_asks_another_host_is_told(check: Any, asks: str) -> None:
    assert ["asks another host" in told for told in check(CLEAN + asks)] == [True]


def test_a_style_sheet_that_asks_another_host_is_told(check: Any) -> None:
    assert check(CLEAN, "@font-face { src: url('https://example.org/f.woff2') }")


@pytest.mark.parametrize("address", ["other.html", "#nowhere", "index.html#nowhere"])
def test_a_link_that_leads_nowhere_is_told(check: Any, address: str) -> None:
    (told,) = check(f'{CLEAN}<a href="{address}">x</a>')
    assert told.endswith(f"leads nowhere: {address}")


def test_what_the_theme_leaves_out_is_added_once(load: Any) -> None:
    polish = load("polish")
    page = "<head></head>" + "".join(polish.BETTER)
    better = polish.polish(page)
    assert better.count("tabindex") == 3
    assert better.count("aria-label") == 2
    assert polish.polish(better.replace("</head>", "")) == better.replace("</head>", "")


def test_the_newest_release_is_stable(load: Any, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    pages = tmp_path / "pages"
    for name in ("v0.9.0", "v0.10.0", "main", "v0.9.1"):
        (site / "index.html").write_text(name, encoding="utf-8")
        load("versions").add_version(site, pages, name)
    assert (pages / "stable" / "index.html").read_text() == "v0.10.0"
    listed = re.findall(r'href="([^/]+)/', (pages / "index.html").read_text())
    assert listed == ["v0.10.0", "v0.9.1", "v0.9.0", "main"]


def test_the_gallery_knows_what_each_figure_draws(load: Any) -> None:
    figures = load("figure_pages")
    questions = load_questions()
    plots = [name for name in kt.__all__ if name.startswith("plot_")]
    unknown = {
        name
        for name in plots
        if not figures.question_drawn(getattr(kt, name), questions)
    }
    # of one person, of trials, and of several sites
    assert unknown == {
        "plot_methods",
        "plot_patient",
        "plot_sites",
        "plot_sites_funnel",
    }


def test_the_reasons_on_a_page_are_those_that_are_given(load: Any) -> None:
    reach = load("reach")
    asked = load_questions()["next_session"]
    reasons = reach.reasons_to_refuse(reach.home_of(asked.answer))
    small = kt.cohort_from_frames(*_two_frames())
    given = kt.estimate("next_session", small)
    assert given.status == "refused"
    shapes = [
        re.escape(one.partition(" *Record:*")[0].rstrip(".")).replace("…", ".*")
        for one in reasons
    ]
    assert any(re.match(shape, given.reason, re.IGNORECASE) for shape in shapes)


def _two_frames() -> tuple[Any, Any]:
    cohort = kt.load_cohort(kt.sample_folder())
    few = cohort.sessions["patient_id"].unique()[:5]
    return tuple(
        table[table["patient_id"].isin(few)].dropna(axis="columns", how="all")
        for table in (cohort.sessions, cohort.scores)
    )


def test_a_page_that_nobody_has_listed_is_listed(checkout: Path, load: Any) -> None:
    """Sphinx stops at a page that is not in the contents."""
    listing = load("listing")
    index = (checkout / "docs" / "index.md").read_text("utf-8")
    listed = re.findall(r"^[\w./]+$", index, re.MULTILINE)
    assert len(listed) == len(set(listed)) > 30
    assert listing.with_pages(index, ["faq", "release"]) == index
    longer = listing.with_pages(index, ["faq", "quite_new"])
    (how_to,) = re.findall(r":caption: How to\n.*?```", longer, re.DOTALL)
    assert how_to.endswith("\nmessages\nquite_new\n```")


def test_every_public_name_has_a_place(load: Any) -> None:
    pages = load("program_pages").python_pages()
    shown = re.findall(r":: kettrack\.(\w+)", "\n".join(pages.values()))
    assert set(shown) == set(kt.__all__) - {"__version__"}


def test_every_public_function_has_an_example() -> None:
    functions = [getattr(kt, name) for name in kt.__all__]
    without = {
        one.__name__
        for one in functions
        if inspect.isfunction(one) and ">>>" not in (one.__doc__ or "")
    }
    # Shown in docs/howto/question.md: here it would register a question.
    elsewhere = {"question"}
    # Shown in docs/shard.md: they need a folder in buckets.
    elsewhere |= {name for name in without if "bucket" in name or "sharded" in name}
    assert without == elsewhere


def test_every_column_that_comes_out_is_explained(load: Any) -> None:
    """A column without a word on the page of tables has none in its docstring either."""
    cohort = kt.derive(kt.load_cohort(kt.sample_folder()))
    page = load("table_pages").tables_page(cohort)
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|", page, re.MULTILINE)
    assert {name for name, _ in rows} >= set(kt.outcomes_table(cohort).columns)
    assert [name for name, meaning in rows if not meaning] == []


@pytest.mark.parametrize("page", ["rules.md", "scale.md"])
def test_the_settings_of_a_page_are_read(
    checkout: Path, tmp_path: Path, page: str
) -> None:
    for text in blocks(checkout / "docs" / "howto" / page, "toml"):
        scale = re.search(r"instruments\.(\w+)", text)
        named = "" if text.startswith("instrument =") else 'instrument = "PHQ-9"\n'
        (tmp_path / SETTINGS_FILE).write_text(named + text, encoding="utf-8")
        (tmp_path / "sessions.csv").write_text(SESSIONS)
        (tmp_path / "scores.csv").write_text(
            SCORES.format(scale=scale[1] if scale else "PHQ-9")
        )
        cohort = kt.load_cohort(tmp_path)
        if scale is None:
            assert [one.name for one in cohort.settings.user_criteria] == ["ours"]
        else:
            assert (cohort.scores["instrument"] == scale[1]).all()


def test_the_question_of_a_page_is_answered(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It goes again after the test.
    monkeypatch.setattr(registry, "_QUESTIONS", dict(load_questions()))
    (code,) = blocks(checkout / "docs" / "howto" / "question.md", "python")
    before, call = code.rstrip().rsplit("\n", 1)
    names: dict[str, Any] = {"__name__": "our_clinic"}
    exec(before, names)
    answer = eval(call, names)
    assert re.match(
        r"600 people were in care for \d+\.\d days on average\.", answer.text
    )


def test_pages_run_only_commands_of_kettrack(checkout: Path) -> None:
    for page in (checkout / "docs").rglob("*.md"):
        for block in blocks(page, r"\{shown\}"):
            lines = [line for line in block.splitlines() if line[:1] not in ("", ":")]
            assert all(line.startswith("kettrack ") for line in lines), page


def test_every_page_of_other_folders_is_in_the_contents(checkout: Path) -> None:
    """Sphinx warns of a page that no list of contents leads to, and the site is not built."""
    contents = (checkout / "docs/index.md").read_text(encoding="utf-8")
    # Not imported: it needs Sphinx.
    build = (checkout / "docs/site/build.py").read_text(encoding="utf-8")
    patterns = re.findall(r'"((?!docs)[a-z/]+/\*\.md)"', build)
    assert len(patterns) == 3
    outside = [
        path.relative_to(checkout).with_suffix("").as_posix()
        for pattern in patterns
        for path in checkout.glob(pattern)
    ]
    assert [page for page in outside if f"../{page}\n" not in contents] == []
