"""No input of the corpus causes a fault, on any Python, without the fuzzer.

Add what the fuzzer finds to the corpus, with a name that says what is odd about it.
"""

from __future__ import annotations

import re

import pytest

from fuzz.targets import CORPUS, TARGETS, Tried

pytest.importorskip("botocore")
pytest.importorskip("jeepney")
pytest.importorskip("jwt")
pytest.importorskip("yaml")

MOST_FILES, MOST_BYTES = 240, 300_000
_REASON = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_of_the_corpus_is_a_fault(name):
    tried = Tried(name)
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs, "a run would begin with nothing"
    wrong = {each.name: tried(each.read_bytes()) for each in inputs}
    assert not any(wrong.values()), {k: v for k, v in wrong.items() if v}


def test_the_corpus_is_small_and_each_input_is_called_by_its_reason():
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert len(files) <= MOST_FILES
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert {path.parent.name for path in files} == set(TARGETS)
    assert not [path for path in files if not _REASON.fullmatch(path.name)]


def test_a_fault_is_told_with_its_place(monkeypatch):
    """Otherwise these tests would pass whatever the parsers did."""
    tried = Tried("store-request")
    monkeypatch.setattr(tried, "_one", lambda data: [][len(data)])
    assert tried(b"").startswith("IndexError at ")
    shown = b'{"Secret": "hush-7Qx2fuzz"}'
    monkeypatch.setattr(tried, "_one", bytes.decode)
    assert tried(shown) == "shows the secret"
    assert tried(b'{"Name": "hush-7Qx2fuzz"}') == ""
