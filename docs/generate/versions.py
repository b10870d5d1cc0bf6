"""Add a built site to those of other versions.

    python docs/generate/versions.py BUILT SITE

SITE/1.2.0/ is the site of a version; each page in SITE/latest/ redirects to the newest
version. SITE/versions.js lists the versions and their pages for the version chooser.
Only files are written, so that SITE works from any folder, without a server.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LATEST = "latest"
_SAID = ROOT / "common/dockcred/system/version.py"
_LEADS = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>dockcred</title>
<link rel="canonical" href="{to}">
<script>location.replace("{to}" + location.hash)</script>
<meta http-equiv="refresh" content="1; url={to}">
<a href="{to}">{to}</a>
"""


def current() -> str:
    """Return the version of this tree."""
    return re.findall(r'__version__ = "(.+)"', _SAID.read_text(encoding="utf-8"))[0]


def place(built: Path, site: Path, version: str) -> None:
    """Move a built site to its version's folder; write versions.js and redirects."""
    target = site / version
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    built.rename(target)
    found = {name: _pages(site / name) for name in _versions(site)}
    text = f"window.dockcredVersions = {json.dumps(found, indent=1)}\n"
    (site / "versions.js").write_text(text, encoding="utf-8")
    shutil.rmtree(site / LATEST, ignore_errors=True)
    newest = next(iter(found))
    for page in found[newest]:
        _lead(site / LATEST / page, f"{'../' * (page.count('/') + 1)}{newest}/{page}")
    _lead(site / "index.html", f"{newest}/index.html")


def _versions(site: Path) -> list[str]:
    """Return the versions in the site, newest first; 1.10 is newer than 1.9."""
    found = [each.parent.name for each in site.glob("*/index.html")]
    numbers = {
        name: [int(each) for each in re.findall(r"\d+", name)]
        for name in found
        if name != LATEST
    }
    return sorted(numbers, key=numbers.__getitem__, reverse=True)


def _pages(version: Path) -> list[str]:
    """Return a version's pages, without 404.html."""
    found = (page.relative_to(version).as_posix() for page in version.rglob("*.html"))
    return sorted(page for page in found if page != "404.html")


def _lead(page: Path, to: str) -> None:
    """Write a page that redirects to another one."""
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(_LEADS.format(to=to), encoding="utf-8")


if __name__ == "__main__":
    place(Path(sys.argv[1]), Path(sys.argv[2]), current())
