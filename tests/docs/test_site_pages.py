"""The site's pages and their paths, checked without building it."""

from __future__ import annotations

import json
import re
import sys

from support.documents import ROOT, pages

sys.path.append(str(ROOT / "docs/generate"))

import versions

_ENTRY = re.compile(r": ([\w/.-]+\.md)$", re.MULTILINE)


def test_each_page_has_its_place_in_the_site() -> None:
    named = _ENTRY.findall((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert len(named) == len(set(named))
    docs = [
        page.relative_to(ROOT / "docs")
        for page in pages()
        if (ROOT / "docs") in page.parents
    ]
    assert docs
    assert {str(page) for page in docs} - set(named) == set()


def test_versions_stand_side_by_side_and_latest_leads_to_the_newest(tmp_path) -> None:
    """1.10.0 is newer than 1.9.0, also after 1.9.0 was built again."""
    site, built = tmp_path / "site", tmp_path / "built"
    for version in ("1.9.0", "1.10.0", "1.9.0"):
        (built / "tasks").mkdir(parents=True)
        for page in ("index.html", "404.html", "tasks/one.html"):
            (built / page).write_text(version)
        versions.place(built, site, version)
    told = (site / "versions.js").read_text().partition(" = ")[2]
    assert list(json.loads(told)) == ["1.10.0", "1.9.0"]
    assert json.loads(told)["1.9.0"] == ["index.html", "tasks/one.html"]
    assert (site / "1.9.0/tasks/one.html").read_text() == "1.9.0"
    leads = (site / "latest/tasks/one.html").read_text()
    assert 'url=../../1.10.0/tasks/one.html"' in leads
    assert 'url=1.10.0/index.html"' in (site / "index.html").read_text()
    assert not (site / "latest/404.html").exists()
