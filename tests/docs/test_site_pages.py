"""Which pages the site has, and where: told without building it."""

from __future__ import annotations

import re

from support.documents import ROOT, pages

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
