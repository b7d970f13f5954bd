"""Which pages the contents of the site list, beside those that `docs/index.md` names."""

from __future__ import annotations

import re
from pathlib import Path

import md

INDEX = "index.md"
# Folders whose README.md is the first of several pages.
FOLDERS = ("decisions", "import")
# The part of the contents that a page comes to when nobody has said where it belongs.
LAST_OF_HOW_TO = re.compile(r"(:caption: How to\n.*?)(\n```)", re.DOTALL)


def list_pages(docs: Path) -> None:
    """Complete the contents in a copy of the folder `docs`."""
    for folder in FOLDERS:
        _list_folder(docs / folder)
    index = docs / INDEX
    text = index.read_text("utf-8")
    names = [path.stem for path in sorted(docs.glob("*.md")) if path.name != INDEX]
    index.write_text(with_pages(text, names), encoding="utf-8")


def with_pages(index: str, names: list[str]) -> str:
    """The contents with the pages that they lack, at the end of the how-to pages."""
    lacking = [
        name for name in names if not re.search(rf"^{name}$", index, re.MULTILINE)
    ]
    more = "".join(f"\n{name}" for name in lacking)
    return LAST_OF_HOW_TO.sub(lambda found: found[1] + more + found[2], index, count=1)


def _list_folder(home: Path) -> None:
    """Let the first page of a folder list the others."""
    others = sorted(path.relative_to(home) for path in home.rglob("*.md"))
    names = [path.with_suffix("").as_posix() for path in others]
    listed = md.contents(name for name in names if name != "README")
    hidden = listed.replace(":maxdepth: 1", ":hidden:")
    with (home / "README.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{hidden}\n")
