"""A real browser for the site's tests: Chromium, driven by selenium."""

from __future__ import annotations

import time
from pathlib import Path

from support.program import BUSY_S
from support.real import program

# The list of search results has settled when it was the same at so many looks.
_LOOKS, _LOOK_S = 3, 0.1
# Without transitions: axe must see a page's final colours.
_STILL = (
    "*, ::before, ::after { transition: none !important; animation: none !important }"
)
_AXE = (
    "window.told = null; axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"
    ".then(found => { window.told = found.violations })"
)

_LETTERS = """function() {
    const text = this.querySelector("span, tspan") ?? this;
    return parseFloat(getComputedStyle(text).fontSize) * this.getScreenCTM().a;
}"""


class Browser:
    """Chromium, driven by selenium; it requests nothing but the site."""

    def __init__(self, size: tuple[int, int] = (1280, 900)) -> None:
        """Start Chromium without a window."""
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
        """Run a script until its result is true in JavaScript; return that result."""
        give_up = time.monotonic() + BUSY_S
        while not (found := self.run(script)):
            assert time.monotonic() < give_up, script
            time.sleep(0.05)
        return found

    def click(self, selector: str) -> None:
        """Click the first element of a CSS selector, as a person does."""
        self._driver.find_element("css selector", selector).click()

    def complaints(self) -> list[str]:
        """Return the console's messages since the last call."""
        return [entry["message"] for entry in self._driver.get_log("browser")]

    def asked(self) -> list[str]:
        """Return the URLs that the page has asked for."""
        return self.run(
            "return performance.getEntriesByType('resource').map(e => e.name)"
        )

    def narrow(self, width: int, height: int) -> None:
        """Show the page at a telephone's size; 0 and 0 restore the window's size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 0}
        self._driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", metrics | {"mobile": False}
        )

    def letters_px(self) -> list[float]:
        """Return the font size of each text in the diagrams, in pixels on the screen.

        A diagram is in a closed shadow root: the page's own scripts see none of it.
        """
        ask = self._driver.execute_cdp_cmd
        ask("DOM.enable", {})
        nodes = ask("DOM.getFlattenedDocument", {"depth": -1, "pierce": True})["nodes"]
        found = []
        for node in nodes:
            if node["nodeName"] in {"text", "foreignObject"}:
                by_id = {"backendNodeId": node["backendNodeId"]}
                at = ask("DOM.resolveNode", by_id)["object"]["objectId"]
                call = {"functionDeclaration": _LETTERS, "objectId": at}
                told = ask("Runtime.callFunctionOn", call | {"returnByValue": True})
                found += [float(told["result"]["value"])]
        return found

    def violations(self, axe: str) -> list[tuple[str, str, str]]:
        """Return what axe finds in the page: rule, place and HTML of each."""
        if not self.run("return !!window.axe"):
            self.run(
                f"{axe}; document.head.append(document.createElement('style'));"
                f"document.head.lastChild.textContent = {_STILL!r}"
            )
        self.wait("return document.getAnimations().length == 0")
        self.run(_AXE)
        return [
            (rule["id"], str(node["target"]), node["html"][:200])
            for rule in self.wait("return window.told && [window.told]")[0]
            for node in rule["nodes"]
        ]

    def found(self, words: str) -> list[str]:
        """Return the headings that the site's search finds, best first."""
        host = (
            "[...document.querySelectorAll('*')]"
            ".find(e => e.shadowRoot?.querySelector('[role=listbox]'))?.shadowRoot"
        )
        if not self.run(
            f"return {host}?.querySelector('input')?.getClientRects().length"
        ):
            self.run("document.querySelector('.md-search__button').click()")
        field = f"{host}.querySelector('input')"
        self.wait(f"return {host}?.querySelector('input')")
        heads = f"return [...{host}.querySelectorAll('ol a')].map(e => e.innerText)"
        # Empty the field first, so that no result of the last words is taken for ours.
        self.run(f"{field}.select(); document.execCommand('delete')")
        self.wait(f"return !{host}.querySelector('ol a')")
        paste = (
            "const data = new DataTransfer(); data.setData('text/plain', arguments[0]);"
            f"{field}.focus(); {field}.dispatchEvent(new ClipboardEvent('paste', "
            "{clipboardData: data, bubbles: true, composed: true, cancelable: true}))"
        )
        self.run(paste, words)
        seen = [
            self.wait(
                f"const all = {heads.removeprefix('return ')}; return all.length && all"
            )
        ]
        while len(seen) < _LOOKS or any(each != seen[-1] for each in seen[-_LOOKS:]):
            time.sleep(_LOOK_S)
            seen += [self.run(heads)]
        return [head.split("\n")[0] for head in seen[-1]]

    def picture(self, file: Path) -> bool:
        """Write a screenshot into a file; return whether that succeeded."""
        return self._driver.save_screenshot(str(file))

    def end(self) -> None:
        """End Chromium."""
        self._driver.quit()
