"""The documentation as a site, in a real browser: from a folder's server and from files.

`make site` builds it first, and fails where a link or an anchor leads nowhere.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.documents import ROOT
from support.once import make_once
from support.real import missing, program

pytestmark = pytest.mark.slow

SITE = ROOT / "build/site"
SEARCHED_S = 10
TELEPHONE = (360, 740)
# What people paste, up to what differs: the heading of that error shall come first.
PASTED = (
    "credentials not found in native keychain",
    "no credentials server URL",
    "no credentials username",
    "the AWS SSO login has expired or was never made",
    "the AWS login has expired or was never made",
    "this EC2 instance has no role",
    "no AWS identity was found in variables, profiles, container or metadata",
    "AWS's certificate is refused",
    "the role needs an MFA code of",
    "this AWS identity needs boto3, which is not installed",
    "this Azure identity needs azure-identity, which is not installed",
    "no Azure identity was found",
    "gcloud has no active account",
    "this machine has no Google service account",
    "no Google identity was found in GOOGLE_APPLICATION_CREDENTIALS",
    "gh did not hand out its login (status",
    "no audience is configured for the token: DOCKCRED_OIDC_AUDIENCE is not set",
    "the vault is locked",
    "the keychain is locked, or macOS may not ask (as over ssh)",
    "nothing here keeps credentials: no keychain (no D-Bus session bus) and no vault",
)


class Browser:
    """Chromium, driven by selenium; it asks nobody but the site."""

    def __init__(self, size: tuple[int, int] = (1280, 900)) -> None:
        """Start it, without a window."""
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage"):
            options.add_argument(f"--{flag}")
        options.add_argument("--window-size={},{}".format(*size))
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(str(program("chromedriver")))
        self._driver = webdriver.Chrome(options=options, service=service)
        self.run = self._driver.execute_script

    def open(self, url: str) -> None:
        """Open a page, and wait until its scripts have run."""
        self._driver.get(url)
        self.wait("return document.readyState == 'complete'")

    def wait(self, script: str) -> object:
        """Return what a script returns, once that is something."""
        give_up = time.monotonic() + SEARCHED_S
        while not (found := self.run(script)):
            assert time.monotonic() < give_up, script
            time.sleep(0.05)
        return found

    def click(self, selector: str) -> None:
        """Click the first of what a selector finds, as a person does."""
        self._driver.find_element("css selector", selector).click()

    def complaints(self) -> list[str]:
        """Return what the console has said since the last call."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def asked(self) -> list[str]:
        """Return the URLs that the page has asked for."""
        return self.run(
            "return performance.getEntriesByType('resource').map(e => e.name)"
        )

    def found(self, words: str) -> list[str]:
        """Return the headings that the site's search finds, best first."""
        self.run("document.querySelector('.md-search__button').click()")
        host = "[...document.querySelectorAll('*')].find(e => e.shadowRoot?.querySelector('[role=listbox]'))?.shadowRoot"
        field = self.wait(f"return {host}?.querySelector('input')")
        field.clear()
        field.send_keys(words)
        heads = f"return [...{host}.querySelectorAll('ol a')].map(e => e.innerText)"
        before, now = None, self.wait(heads)
        while before != now:
            time.sleep(0.3)
            before, now = now, self.run(heads)
        return [head.split("\n")[0] for head in now]

    def end(self) -> None:
        """End it."""
        self._driver.quit()


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """Build the site once for all workers: another build would take it away."""
    pytest.importorskip("selenium")
    for name in ("chromedriver", "npm"):
        program(name)
    place = make_once(tmp_path_factory, "site", _build)
    if (why := place / "missing").exists():
        missing(why.read_text(encoding="utf-8"))
    return place / SITE.name


def _build(place: Path) -> None:
    done = subprocess.run(
        ["make", "site"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode and not (ROOT / ".venv/site/ready").exists():
        why = f"the site's generator is not to be had: {done.stderr}"
        (place / "missing").write_text(why, encoding="utf-8")
        return
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(SITE, place / SITE.name)


@pytest.fixture(scope="module")
def url(site) -> Iterator[str]:
    """Serve the site from a subfolder."""
    handler = functools.partial(Quiet, directory=site.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """A server that does not log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def browser(site) -> Iterator[Browser]:
    """Start a desktop's browser."""
    found = Browser()
    yield found
    found.end()


@pytest.fixture(scope="module")
def telephone(site) -> Iterator[Browser]:
    """Start a telephone's browser."""
    found = Browser(TELEPHONE)
    yield found
    found.end()


def pages() -> list[str]:
    """Return the site's pages, but for the one of what is not found."""
    found = (page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html"))
    return sorted(page for page in found if page != "404.html")


def test_no_page_complains_or_asks_anybody_else(browser, url) -> None:
    for page in pages():
        browser.open(f"{url}/{page}")
        assert browser.complaints() == [], page
        assert [each for each in browser.asked() if not each.startswith(url)] == [], (
            page
        )


def test_it_works_without_a_server(browser, site) -> None:
    browser.open(f"{site.as_uri()}/index.html")
    assert browser.found("this EC2 instance has no role")[0].startswith("this EC2")
    assert browser.complaints() == []
    assert not [each for each in browser.asked() if not each.startswith("file:")]


@pytest.mark.parametrize("words", PASTED)
def test_what_people_paste_is_found_first(words, browser, url) -> None:
    browser.open(f"{url}/index.html")
    first = next(iter(browser.found(words)), "nothing")
    assert first.startswith(words)


def test_diagrams_are_drawn(browser, url) -> None:
    drawn = 0
    for page in pages():
        text = (SITE / page).read_text(encoding="utf-8")
        if count := text.count('class="mermaid"'):
            browser.open(f"{url}/{page}")
            browser.wait("return !document.querySelector('pre.mermaid')")
            browser.wait("return document.querySelector('div.mermaid')")
            assert browser.complaints() == [], page
            drawn += count
    assert drawn >= 6


def test_tabs_change_and_code_is_copied(browser, url) -> None:
    browser.open(f"{url}/index.html")
    labels = browser.run(
        "return [...document.querySelectorAll('.tabbed-labels label')].map(e => e.innerText)"
    )
    assert len(labels) > 3
    browser.run("document.querySelectorAll('.tabbed-labels label')[1].click()")
    shown = browser.wait(
        "return [...document.querySelectorAll('.tabbed-block')]"
        ".filter(e => e.offsetParent).map(e => e.innerText).join()"
    )
    assert "uv tool install" in shown
    browser.run(
        "window.copied = ''; document.addEventListener('copy',"
        " () => { window.copied = String(document.getSelection()) })"
    )
    browser.click("[data-md-type=copy]")
    assert "make demo" in str(browser.wait("return window.copied"))


def test_a_telephone_shows_each_page_whole(telephone, url) -> None:
    for page in pages():
        telephone.open(f"{url}/{page}")
        wide = telephone.run("return document.documentElement.scrollWidth")
        assert wide <= telephone.run("return window.innerWidth"), page


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_accessibility_checker_finds_nothing(colours, browser, url) -> None:
    """Contrast, landmarks, names of buttons: axe-core's rules of WCAG 2.1, A and AA."""
    axe = pytest.importorskip("axe_core_python")
    script = Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    wrong = {}
    for page in pages():
        browser.open(f"{url}/{page}")
        scheme = {"light": "default", "dark": "slate"}[colours]
        browser.run(f"document.body.setAttribute('data-md-color-scheme', {scheme!r})")
        time.sleep(0.5)  # colours change by and by
        browser.run(script)
        browser.run(
            "window.told = null; axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"
            ".then(found => { window.told = found })"
        )
        told = browser.wait("return window.told")
        found = [
            (rule["id"], str(node["target"]), node["html"][:200])
            for rule in told["violations"]
            for node in rule["nodes"]
        ]
        if found:
            wrong[page] = found[:3]
    assert wrong == {}, next(iter(wrong.items()))


def test_it_is_to_be_looked_at(browser, telephone, url) -> None:
    """Screenshots, where $CI_ARTIFACTS says to."""
    folder = os.environ.get("CI_ARTIFACTS")
    if not folder:
        pytest.skip("CI_ARTIFACTS names no folder")
    for name, eyes in (("desktop", browser), ("telephone", telephone)):
        for page in ("index", "errors", "architecture", "tasks/ecr-laptop"):
            eyes.open(f"{url}/{page}.html")
            time.sleep(1)
            file = Path(folder, f"{name}-{page.replace('/', '-')}.png")
            assert eyes._driver.save_screenshot(str(file))
