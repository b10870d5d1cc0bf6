"""Our helper and docker's `wincred`, on one Credential Manager, with equal stdin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import oracles

from .conftest import Windows
from .test_helpers import KEYRING, PATIENT

pytestmark = pytest.mark.slow

OURS = PATIENT | {"DOCKCRED_STORE": "wincred"}
KEYS = ("https://index.docker.io/v1/", "r.example:5000/a/b", "[fe80::1]:5000")
SECRET = 'sécret \U0001f511 " \\ ' + "x" * 2000
LONG = "long" * 2500
ONE = '{"ServerURL": "r.example", "Username": "üser", "Secret": "s\u00e9cret"}'


class Both:
    """The two programs, and methods that run both."""

    def __init__(self, windows: Windows, theirs: Path) -> None:
        self.windows, self.theirs_at = windows, theirs

    def ours(self, verb: str, text: str | bytes = "") -> tuple[int, object]:
        answer = self.windows.run(KEYRING, verb, text=text, variables=OURS)
        assert b"Traceback" not in answer.stderr
        return answer.status, _read(answer.stdout)

    def theirs(self, verb: str, text: str | bytes = "") -> tuple[int, object]:
        answer = self.windows.other(self.theirs_at, verb, text=text)
        return answer.status, _read(answer.stdout)


def _read(stdout: bytes) -> object:
    try:
        return json.loads(stdout)
    except ValueError:
        return stdout.decode().strip()


def item(key: str, user: str = "user", secret: str = SECRET) -> str:
    return json.dumps({"ServerURL": key, "Username": user, "Secret": secret})


@pytest.fixture
def both(windows: Windows, credentials: None) -> Both:
    """Return both, with a Credential Manager without docker's credentials."""
    both = Both(windows, oracles.program("wincred"))
    status, left = both.theirs("list")
    assert (status, isinstance(left, dict)) == (0, True)
    for key in left:
        assert both.ours("erase", key) == (0, "")
    return both


def test_what_one_stores_the_other_reads_lists_and_erases(both):
    for one, other in ((both.ours, both.theirs), (both.theirs, both.ours)):
        for key in KEYS:
            assert one("store", item(key)) == (0, ""), key
            assert other("get", key) == (0, json.loads(item(key)))
        assert one("list") == other("list") == (0, dict.fromkeys(KEYS, "user"))
        assert other("store", item(KEYS[0], "another", "new")) == (0, "")
        assert one("get", KEYS[0]) == (0, json.loads(item(KEYS[0], "another", "new")))
        for key in KEYS:
            assert other("erase", key) == (0, ""), key
        assert one("list") == other("list") == (0, {})
        assert one("get", KEYS[0])[0] == 1


def test_a_secret_in_pieces_is_one_item_to_docker(both):
    assert both.ours("store", item("r.example", secret=LONG)) == (0, "")
    assert both.ours("get", "r.example")[1]["Secret"] == LONG
    assert both.theirs("list") == both.ours("list") == (0, {"r.example": "user"})
    assert both.theirs("get", "r.example")[1]["Secret"] == ""
    assert both.theirs("store", item("r.example", secret=LONG))[0] == 1
    assert both.theirs("store", item("r.example", secret="short")) == (0, "")
    assert both.ours("get", "r.example")[1]["Secret"] == "short"


SENT = {
    "PowerShell 7": ONE.encode() + b"\r\n",
    "no end of line": ONE.encode(),
    "Windows PowerShell": ONE.encode("ascii", "replace") + b"\r\n",
    "UTF-8 with a mark": b"\xef\xbb\xbf" + ONE.encode() + b"\r\n",
    "UTF-16 with a mark": (ONE + "\r\n").encode("utf-16"),
    "UTF-16": (ONE + "\r\n").encode("utf-16-le"),
}
TAKEN_BY_DOCKER = {"PowerShell 7", "no end of line", "Windows PowerShell"}
TAKEN_BY_OURS = TAKEN_BY_DOCKER | {"UTF-8 with a mark"}


def test_stdin_as_powershell_sends_it_is_taken_wherever_docker_takes_it(both):
    """PowerShell encodes it by $OutputEncoding: its default, or what users set."""
    for how, sent in SENT.items():
        both.ours("erase", "r.example")
        assert (both.theirs("store", sent)[0] == 0) == (how in TAKEN_BY_DOCKER), how
        theirs = both.ours("get", "r.example")
        both.ours("erase", "r.example")
        status, said = both.ours("store", sent)
        assert (status == 0) == (how in TAKEN_BY_OURS), (how, said)
        assert status == 0 or "not JSON" in said
        if how in TAKEN_BY_DOCKER:
            assert both.ours("get", "r.example") == theirs, how


def test_a_host_as_powershell_sends_it_is_found_wherever_docker_finds_it(both):
    assert both.theirs("store", item("r.example")) == (0, "")
    kept = (0, json.loads(item("r.example")))
    for sent in (b"r.example\r\n", b"r.example"):
        assert both.theirs("get", sent) == both.ours("get", sent) == kept, sent
    marked = b"\xef\xbb\xbfr.example\r\n"
    assert both.theirs("get", marked)[0] == 1
    assert both.ours("get", marked) == kept
    for verb in (both.theirs, both.ours):
        status, said = verb("get", "r.example\r\n".encode("utf-16"))
        assert (status, "\n" in said) == (1, False)
