"""Look a built site through: every link inside leads somewhere, and no page asks another host.

`python docs/site/check.py FOLDER` prints what is wrong, and leaves with 1 if anything is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself; a link is followed only by a person.
FETCHED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "form": ("action",),
    "input": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
# Of these a browser follows `rel`: a link to a licence or to the next page is not fetched.
LINKS_FETCHED = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
}
IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")


@dataclass
class Page(HTMLParser):
    """What one page has: places to link to, links, and what it fetches."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    _in_style: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and LINKS_FETCHED & set(given.get("rel", "").split()):
            self.fetched.append(given.get("href", ""))
        for name in FETCHED.get(tag, ()):
            if given.get(name):
                self.fetched.append(given[name])
        self.fetched += _in_css(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.fetched += _in_css(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def _in_css(style: str) -> list[str]:
    return [one or other for one, other in IN_STYLE.findall(style)]


def read_page(text: str) -> Page:
    """Parse one page."""
    page = Page()
    page.feed(text)
    return page


def is_elsewhere(address: str) -> bool:
    """Whether an address names another host; data in the page itself are none."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp")


def problems(site: Path) -> Iterator[str]:
    """Everything that is wrong with a site, one line each."""
    pages = {
        path: read_page(path.read_text("utf-8"))
        for path in sorted(site.rglob("*.html"))
    }
    for path, page in pages.items():
        here = path.relative_to(site)
        for address in filter(is_elsewhere, page.fetched):
            yield f"{here} asks another host: {address}"
        for address in [*page.links, *page.fetched]:
            if not is_elsewhere(address) and not _leads(address, path, pages):
                yield f"{here} has a link that leads nowhere: {address}"
    for path in sorted(site.rglob("*.css")):
        for address in filter(is_elsewhere, _in_css(path.read_text("utf-8"))):
            yield f"{path.relative_to(site)} asks another host: {address}"


def _leads(address: str, path: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(address)
    if parts.scheme or address in ("", "#"):
        return True
    target = path
    if parts.path:
        target = (path.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return False
    return (
        not parts.fragment or target not in pages or _has(pages[target], parts.fragment)
    )


def _has(page: Page, fragment: str) -> bool:
    # The top of a page needs no place of its own.
    return unquote(fragment) in page.anchors | {"", "top"}


def main(folder: str) -> None:
    """Print what is wrong."""
    found = list(problems(Path(folder).resolve()))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(sys.argv[1])
