"""Put a built site beside those of other versions, and write the page that lists them.

`python docs/site/versions.py SITE PAGES NAME`: NAME is a tag such as v0.2.0, or a branch.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
STABLE = "stable"
LIST = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>kettrack: all versions</title>
<style>body {{ font-family: system-ui, sans-serif; margin: 2rem auto; max-width: 40rem;
padding: 0 1rem; color-scheme: light dark; }}</style>
<h1>kettrack</h1>
<p>Documentation of every version:</p>
<ul>
{lines}
</ul>
</html>
"""


def add_version(site: Path, pages: Path, name: str) -> None:
    """Copy a site to its folder; the newest release is also `stable`."""
    pages.mkdir(exist_ok=True)
    _replace(pages / name, site)
    names = [
        path.name for path in pages.iterdir() if path.is_dir() and path.name != ".git"
    ]
    newest = newest_release(names)
    if newest is not None:
        _replace(pages / STABLE, pages / newest)
    # Pages would otherwise leave out folders whose names begin with an underscore.
    (pages / ".nojekyll").touch()
    (pages / "index.html").write_text(list_of_versions({*names} - {STABLE}), "utf-8")


def _replace(folder: Path, content: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(content, folder)


def _number(name: str) -> tuple[int, ...]:
    found = RELEASE.fullmatch(name)
    return tuple(map(int, found.groups())) if found else ()


def newest_release(names: list[str]) -> str | None:
    """The highest version among names of folders; None where there is no release yet."""
    releases = [name for name in names if _number(name)]
    return max(releases, key=_number) if releases else None


def list_of_versions(names: set[str]) -> str:
    """The page: the newest release first, branches last."""
    ordered = sorted(names, key=lambda name: (_number(name), name), reverse=True)
    newest = newest_release(ordered)
    lines = []
    for name in ordered:
        about = " (newest release)" if name == newest else ""
        lines.append(f'<li><a href="{name}/index.html">{name}</a>{about}</li>')
    return LIST.format(lines="\n".join(lines))


if __name__ == "__main__":
    given = sys.argv[1:]
    add_version(Path(given[0]), Path(given[1]), given[2])
