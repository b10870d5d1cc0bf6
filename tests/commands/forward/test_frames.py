"""Each kind of request gets the transcript's answer, and its line in the log."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from support.program import HOST, wait_until

from .near import Near

TEXT = (Path(__file__).parent / "frames.txt").read_text()
STANDS_FOR = {
    "<password>": "[A-Za-z0-9+/=]{1500,4000}",
    "<seconds>": r"\d+",
    "<pid>": r"\d+",
    "<time>": r"[\dTZ:-]+",
    "<host>": re.escape(HOST),
}


def agrees(expected: str, found: str) -> bool:
    pattern = re.escape(expected)
    for name, meaning in STANDS_FOR.items():
        pattern = pattern.replace(re.escape(name), meaning)
    return re.fullmatch(pattern, found) is not None


def frame(line: str) -> bytes:
    if line.startswith("<* "):
        times, text = line.removeprefix("<* ").split()
        return int(times) * text.encode()
    text = line.removeprefix("< ").replace("<host>", HOST)
    return text.encode().decode("unicode_escape").encode()


def test_each_request_is_answered_and_told_as_written(near: Near) -> None:
    import json

    sections = TEXT.strip().split("\n\n")
    passwords = set()
    for number, section in enumerate(sections, 1):
        title, asked, answered, told = section.split("\n")
        found = near.send(frame(asked))
        passwords.add(found.get("Secret"))
        text = json.dumps(found, separators=(",", ":"))
        assert agrees(answered.removeprefix("> "), text), f"{title}: {text[:300]}"
        wait_until(lambda number=number: len(near.lines()) == number)
        name = Path(sys.executable).resolve().name[:15]
        line = near.lines()[-1].replace(f"for {name} (", "for python3 (")
        line = re.sub(r"for (pytest|python)[\w.-]* \(", "for python3 (", line)
        assert agrees(told.removeprefix("! "), line), f"{title}: {line}"
    # All get the same password: a request that is sent again mints no new one.
    assert len(passwords - {None}) == 1
    assert not any(secret and secret in near.told() for secret in passwords)
    assert "s3cr3t" not in near.told()
