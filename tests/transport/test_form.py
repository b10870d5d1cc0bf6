"""The standard library decodes our form encoding to the original values."""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from dockcred.transport.target import urlencode

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT, TEXT))
def test_fields_read_back_as_they_were(fields):
    encoded = urlencode(fields)
    assert (
        dict(parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(fields)))
        == fields
    )
    assert encoded.isascii()
    assert " " not in encoded


def test_a_token_is_as_it_was():
    assert urlencode({"t": "eyJ-_.~09"}) == "t=eyJ-_.~09"
