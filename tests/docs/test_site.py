"""The documentation as a site, in a real browser: from a server and from files.

`make site` builds it first; it fails if a link or an anchor leads nowhere.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.browser import Browser
from support.documents import ROOT
from support.once import make_once
from support.real import missing, program

import dockcred.system.version

sys.path.append(str(ROOT / "docs/generate"))

import versions

pytestmark = pytest.mark.slow

VERSION = dockcred.system.version.__version__
SITE = ROOT / "build/site" / VERSION
TELEPHONE = (360, 740)
READABLE_PX = 12
# Lines that people paste into the search, as a client shows them, with values. The
# heading of that error must come first.
PASTED = (ROOT / "tests/docs/pasted.txt").read_text(encoding="utf-8").splitlines()
_ROW = re.compile(r"^\| (.+?) \| ", re.MULTILINE)
_MARKS = re.compile(r"(?<!\\)\*([^*]+)\*")
# By the heading on the site, a pattern of its messages. The last value, after a colon
# or in parentheses, is often left out.
SAID = {
    re.sub(r"\\(.)", r"\1", _MARKS.sub(r"\1", says)): re.sub(
        r"(:\\ |\\ \\\()\[\^;\]\*(\\\))?$",
        "[^;]*",
        "[^;]*".join(re.escape(part) for part in _MARKS.split(says)[::2]),
    )
    for says in _ROW.findall((ROOT / "docs/errors.md").read_text(encoding="utf-8"))
}
_PART = re.compile(r'<(\w+)(?: [^>]*?class="([^"]*)")?')


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """Build the site once for all workers: a second build would remove the first."""
    pytest.importorskip("selenium")
    for name in ("chromedriver", "npm"):
        program(name)
    place = make_once(tmp_path_factory, "site", _build)
    if (why := place / "missing").exists():
        missing(why.read_text(encoding="utf-8"))
    return place / "site" / VERSION


def _build(place: Path) -> None:
    done = subprocess.run(
        ["make", "site"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode and not (ROOT / ".venv/site/ready").exists():
        why = f"the site's generator is not to be had: {done.stderr}"
        (place / "missing").write_text(why, encoding="utf-8")
        return
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(SITE.parent, place / "site")


@pytest.fixture(scope="module")
def url(site) -> Iterator[str]:
    """Serve the site from a subfolder."""
    handler = functools.partial(Quiet, directory=site.parents[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{site.parent.name}/{site.name}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """A server that does not log."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def browser(site) -> Iterator[Browser]:
    """Start a desktop's browser."""
    found = Browser()
    yield found
    found.end()


def pages() -> list[str]:
    """Return the site's pages, without 404.html."""
    found = (page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html"))
    return sorted(page for page in found if page != "404.html")


def share() -> list[str]:
    """Return few pages that together have every kind of element.

    A kind is an element's name with its classes: tables, tabs, diagrams, notes. With
    DOCKCRED_NIGHT set all pages are returned.
    """
    if os.environ.get("DOCKCRED_NIGHT"):
        return pages()
    texts = {page: (SITE / page).read_text(encoding="utf-8") for page in pages()}
    parts = {page: set(_PART.findall(text)) for page, text in texts.items()}
    left, chosen = set().union(*parts.values()), []
    while left:
        page = max(parts, key=lambda each: len(parts[each] & left) / len(texts[each]))
        left -= parts[page]
        chosen.append(page)
    return chosen


def test_no_page_complains_asks_anybody_else_or_is_wider_than_a_telephone(
    browser, url
) -> None:
    ours = url.removesuffix(VERSION)
    for page in pages():
        browser.open(f"{url}/{page}")
        assert browser.complaints() == [], page
        others = [each for each in browser.asked() if not each.startswith(ours)]
        assert others == [], page
        browser.narrow(*TELEPHONE)
        wide = browser.run("return document.documentElement.scrollWidth")
        browser.narrow(0, 0)
        assert wide <= TELEPHONE[0], page


def test_it_works_without_a_server(browser, site) -> None:
    browser.open(f"{site.as_uri()}/index.html")
    assert browser.found("this EC2 instance has no role")[0].startswith("this EC2")
    assert browser.complaints() == []
    assert not [each for each in browser.asked() if not each.startswith("file:")]


def test_what_people_paste_is_found_first(browser, url) -> None:
    assert len(set(PASTED)) >= 20
    browser.open(f"{url}/index.html")
    for pasted in PASTED:
        first = browser.found(pasted)[0]
        assert re.match(rf"{SAID[first]}(;|$)", pasted), f"{pasted}: {first}"


def test_diagrams_are_drawn_and_can_be_read_on_a_telephone(browser, url) -> None:
    drawn = 0
    ours = url.removesuffix(VERSION)
    browser.open(f"{url}/check.html")  # which has none: the first is come to by a link
    for page in pages():
        text = (SITE / page).read_text(encoding="utf-8")
        if count := text.count('class="mermaid"'):
            if drawn:
                browser.open(f"{url}/{page}")
            else:
                browser.run(
                    "[...document.links].find(e => e.href == arguments[0]).click()",
                    f"{url}/{page}",
                )
            browser.wait(
                "return document.querySelector('div.mermaid')"
                " && !document.querySelector('pre.mermaid')"
            )
            assert browser.complaints() == [], page
            assert not [each for each in browser.asked() if not each.startswith(ours)]
            browser.narrow(*TELEPHONE)
            assert min(browser.letters_px()) >= READABLE_PX, page
            browser.narrow(0, 0)
            drawn += count
    assert drawn >= 6


def test_tabs_change_and_code_is_copied(browser, url) -> None:
    browser.open(f"{url}/index.html")
    shown = (
        "return [...document.querySelectorAll('.tabbed-block')]"
        ".filter(e => e.offsetParent).map(e => e.innerText).join()"
    )
    assert "pipx install" in browser.wait(shown)
    browser.click(".tabbed-labels label:nth-child(2)")
    browser.wait(f"{shown}.includes('uv tool install')")
    # The page gives a button its label when the button works.
    browser.wait(
        "return [...document.querySelectorAll('[data-md-type=copy]')]"
        ".find(e => e.offsetParent)?.setAttribute('id', 'seen') === undefined"
        " && document.getElementById('seen')"
    )
    browser.run(
        "window.copied = ''; document.addEventListener('copy',"
        " () => { window.copied = String(document.getSelection()) })"
    )
    browser.click("#seen")
    assert "uv tool install" in str(browser.wait("return window.copied"))


def test_another_version_is_chosen_without_a_server(browser, site, tmp_path) -> None:
    """The chooser opens the same page of that version, or its first page."""
    for name in ("0.0.1", VERSION):
        (tmp_path / name).symlink_to(site)
    built = tmp_path / "built"
    built.mkdir()
    (built / "index.html").write_text("<title>Before all others</title>")
    versions.place(built, tmp_path, "0.0.0")
    browser.open(f"{tmp_path.as_uri()}/latest/errors.html")
    for version, page in (("0.0.1", "errors"), ("0.0.0", "index")):
        browser.wait("return document.querySelector('.versions')")
        browser.run(
            "const e = document.querySelector('.versions'); e.value = arguments[0];"
            "e.dispatchEvent(new Event('change'))",
            version,
        )
        browser.wait(f"return location.pathname.endsWith('{version}/{page}.html')")
    assert browser.complaints() == []


def paint(browser: Browser, scheme: str) -> None:
    """Show the open page in a colour scheme of the theme: default or slate."""
    browser.run(f"document.body.setAttribute('data-md-color-scheme', {scheme!r})")


def test_the_accessibility_checker_finds_nothing(browser, url) -> None:
    """Contrast, landmarks, names of buttons: axe-core's rules of WCAG 2.1, A and AA.

    In light and dark.
    """
    axe = pytest.importorskip("axe_core_python")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    wrong = {}
    for page in share():
        browser.open(f"{url}/{page}")
        for scheme in ("default", "slate"):
            paint(browser, scheme)
            if found := browser.violations(script):
                wrong[page, scheme] = found[:3]
    assert wrong == {}, next(iter(wrong.items()))


def test_it_is_to_be_looked_at(browser, url) -> None:
    """Writes screenshots into $CI_ARTIFACTS; those of a telephone in dark colours."""
    folder = os.environ.get("CI_ARTIFACTS")
    if not folder:
        pytest.skip("CI_ARTIFACTS names no folder")
    for name, size, scheme in (
        ("desktop", (0, 0), "default"),
        ("telephone", TELEPHONE, "slate"),
    ):
        browser.narrow(*size)
        for page in ("index", "install", "errors", "tasks/ecr-laptop"):
            browser.open(f"{url}/{page}.html")
            paint(browser, scheme)
            time.sleep(0.5)
            file = Path(folder, f"{name}-{page.replace('/', '-')}.png")
            assert browser.picture(file)
