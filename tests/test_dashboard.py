"""The dashboard of the sample, as one program and in one browser: who may ask, what can be chosen,
what can be taken away, by keyboard too, and how it ends.
"""

from __future__ import annotations

import csv
import http.client
import io
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from kettrack import sample_folder
from kettrack.app.key_figures import BY_NAME

TOKEN = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class Running(NamedTuple):
    """A dashboard that runs, and how to ask it."""

    program: subprocess.Popen[str]
    port: int
    first: str

    def address(self) -> str:
        """The next address that it prints."""
        assert self.program.stdout is not None
        for line in self.program.stdout:
            found = TOKEN.search(line)
            if found:
                return found[0]
        raise AssertionError("it ended")

    def ask(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """One request, with exactly these headers; its body is read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        sent = {"Host": f"127.0.0.1:{self.port}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return answer


@contextmanager
def started(*options: str, environment: dict[str, str]) -> Iterator[Running]:
    command = [sys.executable, "-u", "-m", "kettrack", "dashboard", *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as program:
        found = TOKEN.search(Running(program, 0, "").address())
        assert found is not None
        yield Running(program, int(found[1]), f"/?token={found[2]}")
        program.kill()


@pytest.fixture(scope="module")
def running(plain_environment: dict[str, str]) -> Iterator[Running]:
    sample = str(sample_folder())
    with started(sample, "--row-level", environment=plain_environment) as dashboard:
        yield dashboard


@pytest.fixture(scope="module")
def cookie(running: Running) -> str:
    """A session, begun as a browser does."""
    path = running.first
    # A browser that fetches ahead does not use the token up.
    assert running.ask(path, Sec_Purpose="prefetch;prerender").status == 403
    entered = running.ask(path)
    assert (entered.status, entered.getheader("Location")) == (302, "/")
    told = str(entered.getheader("Set-Cookie"))
    assert "HttpOnly" in told
    assert "SameSite=Strict" in told
    assert running.ask(path).status == 403, "the token works once"
    return told.partition(";")[0]


def test_nothing_is_shown_to_who_may_not_ask(running, cookie):
    own = f"127.0.0.1:{running.port}"
    assert running.ask("/figure/ladder", Cookie=cookie).status == 200
    refused = {
        "no session": {},
        "another session": {"Cookie": cookie[:-3] + "abc"},
        "a foreign host": {"Cookie": cookie, "Host": f"clinic.example:{running.port}"},
        "another port": {"Cookie": cookie, "Host": "127.0.0.1:80"},
        "a foreign origin": {"Cookie": cookie, "Origin": "http://clinic.example"},
        "no origin that can be named": {"Cookie": cookie, "Origin": "null"},
        "another scheme": {"Cookie": cookie, "Origin": f"https://{own}"},
        "another site": {"Cookie": cookie, "Sec_Fetch_Site": "cross-site"},
        "another port of this machine": {
            "Cookie": cookie,
            "Sec_Fetch_Site": "same-site",
        },
    }
    for path in ("/", "/table/ladder.csv", "/patient/S001", "/nowhere"):
        for who, headers in refused.items():
            answer = running.ask(path, **headers)
            assert answer.status == 403, who
            assert "people" not in answer.text, who


def test_a_page_may_load_nothing_and_stays_nowhere(running, cookie):
    for path in ("/figure/ladder", "/nowhere", "/table/ladder.csv"):
        headers = dict(running.ask(path, Cookie=cookie).getheaders())
        assert headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert "script" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nowhere", 404, "There is no such page"),
        ("/figure/nothing", 404, "There is no such page"),
        ("/patient/Anna%20Smith", 400, "No patient of the cohort has this code"),
        ("/figure/ladder?site=Anna", 200, "Site: there is no such group here"),
        ("/figure/ladder?sex=female&Anna=1", 200, "filter of the address is not there"),
    ],
)
def test_what_there_is_not_is_told_and_not_repeated(
    running, cookie, path, status, words
):
    answer = running.ask(path, Cookie=cookie)
    assert answer.status == status
    assert words in answer.text
    assert "Anna" not in answer.text


def test_a_table_is_the_one_of_the_people_chosen(running, cookie):
    def people(query: str) -> int:
        answer = running.ask(f"/table/ladder.csv?{query}", Cookie=cookie)
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        return int(next(row["left"] for row in rows if row["key"] == "started"))

    sites = [people(f"site=K{number}") for number in (1, 2, 3)]
    assert all(0 < n < 600 for n in sites)
    assert sum(sites) == people("") == 600


def test_a_page_of_a_patient_has_all_rows(running, cookie):
    page = running.ask("/patient/S001", Cookie=cookie).text
    assert "not shown here" not in page
    # Each score of the folder stands in a row of its own.
    scores = pd.read_csv(sample_folder() / "scores.csv")
    own = scores[(scores.patient_id == "S001") & (scores.instrument == "PHQ-9")]
    assert page.count(">score<") >= own.score.notna().sum()


def test_kept_pages_stay_apart(running, cookie):
    """A page that is asked for again is the same; another figure or choice is another page."""
    asked = ["ladder", "session_counts", "ladder?site=K1", "ladder?site=K2"]

    def pages() -> list[str]:
        return [running.ask(f"/figure/{name}", Cookie=cookie).text for name in asked]

    first = pages()
    assert len(set(first)) == len(asked)
    assert pages() == first


def test_links_of_the_first_page_lead_to_pages_of_the_dashboard(running, cookie):
    page = running.ask("/", Cookie=cookie).text
    links = set(re.findall(r'href="([^"]+)"', page))
    assert all(link.startswith(("/", "#", "data:,")) for link in links)
    named = {link.split("/figure/")[1] for link in links if "/figure/" in link}
    assert {name.partition("?")[0] for name in named} <= set(BY_NAME)
    longer = re.findall(r'href="(/figure/[^"]+)">See the table', page)
    assert any(link.startswith("/figure/durability") for link in longer)


def test_a_figure_is_no_larger_than_it_was_drawn(running, cookie):
    page = running.ask("/figure/ladder", Cookie=cookie).text
    width = re.search(r'viewBox="0 0 ([\d.]+) ', page)
    assert width is not None
    assert re.search(rf'<svg style="[^"]*max-width: {width[1]}pt"', page)


def test_in_a_browser(running, cookie, chromium):
    """Enter, choose by keyboard alone, look at a figure, take it away."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    from playwright.sync_api import sync_playwright

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(running.address())
        assert page.url == f"http://127.0.0.1:{running.port}/"
        # The fifth answer came on the same page, after the others.
        assert page.locator(".headline").count() == 5
        assert _violations(axe, page) == []

        choose_by_keyboard(page)
        assert "Site: K2" in page.locator(".whom").inner_text()
        page.get_by_role("link", name="Side effects").click()
        assert "Site: K2" in page.locator(".whom").inner_text(), "the choice is kept"
        assert _violations(axe, page) == []
        files = take_away(page)
        assert b"<svg" in files["SVG"]
        assert files["PNG"].startswith(b"\x89PNG")
        assert files["CSV"].startswith(b"key,")

        page.get_by_role("link", name="Who needs a look").click()
        page.locator("tbody th a").first.click()
        assert page.locator("h1").inner_text().startswith("Patient S")
        assert page.locator(".whom").count() == 0, "one person is not everyone"
        assert _violations(axe, page) == []
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        browser.close()
    assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{running.port}"}


def choose_by_keyboard(page):
    """From the top of the page to the site, one down, and to the button."""
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # skip to the answers
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "site":
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
    with page.expect_navigation():
        page.keyboard.press("Enter")


def take_away(page):
    files = {}
    for kind in ("SVG", "PNG", "CSV"):
        with page.expect_download() as download:
            page.get_by_role("link", name=f"({kind})").click()
        files[kind] = Path(download.value.path()).read_bytes()
    return files


def _violations(axe, page):
    found = axe.Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found]


def test_it_ends_by_ctrl_c(running, cookie):
    """Also while an answer is being worked out."""
    running.ask("/figure/ladder?instrument=GAD-7", Cookie=cookie)
    running.program.send_signal(signal.SIGINT)
    assert running.program.wait(timeout=20) == 0
    assert running.program.stdout is not None
    assert running.program.stdout.read().endswith("The dashboard has ended.\n")


def test_a_bad_folder_is_told_by_the_page(tmp_path, plain_environment):
    """And it is read again until it can be read."""
    for file in sample_folder().glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    good = (tmp_path / "scores.csv").read_text("utf-8")
    (tmp_path / "scores.csv").write_text(f"{good}S001,3,PHQ-9,99\n", encoding="utf-8")
    with started(str(tmp_path), environment=plain_environment) as running:
        entered = running.ask(running.first)
        cookie = str(entered.getheader("Set-Cookie")).partition(";")[0]
        told = running.ask("/", Cookie=cookie).text
        assert "This folder cannot be read yet" in told
        assert "scores.csv" in told
        (tmp_path / "scores.csv").write_text(good, encoding="utf-8")
        assert "Everyone: 600" in running.ask("/figure/ladder", Cookie=cookie).text
        running.program.send_signal(signal.SIGINT)
        assert running.program.wait(timeout=20) == 0
