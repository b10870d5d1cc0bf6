"""Our reader of JSON returns what the module json returns, for any input."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockcred.transport import json_reader

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
PIECES = ['"', "a", "\\", "{", "}", "[", "]", ",", ":", "1", "0", ".", "e", "-", "+",
          "_", " ", "\n", "\0", "true", "null", "NaN", "é", "\ufeff"]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def outcome(loads, text: bytes):
    try:
        return repr(loads(text))
    except (ValueError, RecursionError) as error:
        return type(error)


@given(documents, st.sampled_from([None, 1]), st.booleans())
def test_a_document_is_read_as_json_reads_it(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert outcome(json_reader.loads, text) == outcome(json.loads, text)


@given(texts)
def test_what_is_none_is_refused_as_json_refuses_it(text):
    data = text.encode()
    assert outcome(json_reader.loads, data) == outcome(json.loads, data)


@pytest.mark.parametrize("text", [b"[" * 5000, b"9" * 5000, b"", b"\xff", b"1e1_0"])
def test_what_is_extreme_ends_as_with_json(text):
    assert outcome(json_reader.loads, text) == outcome(json.loads, text)


def test_the_usual_needs_no_json(monkeypatch):
    """Usual answers, such as ECR's, are read without json: that is what it saves."""
    monkeypatch.setattr(json, "loads", None)
    text = (
        b'{"authorizationData":[{"authorizationToken":"QVdTOng=","expiresAt":1.7E9}]}'
    )
    read = json_reader.loads(text)
    assert read["authorizationData"][0]["expiresAt"] == 1.7e9
