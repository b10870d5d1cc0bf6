"""Our D-Bus messages and jeepney's: each side reads what the other writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeepney import DBusAddress, Parser, new_method_call

from dockcred.stores.secretservice import wire

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
LEAVES = {
    "y": st.integers(0, 255),
    "b": st.sampled_from([0, 1]),
    "u": st.integers(0, 2**32 - 1),
    "t": st.integers(0, 2**64 - 1),
    "s": TEXT,
    "o": st.sampled_from(["/", "/org/freedesktop/secrets"]),
    "g": st.sampled_from(["", "s", "a{sv}"]),
}
TO = ("org.example.to", "/path", "org.example.Face.Method")


def typed(depth=2):
    """Generate pairs of a D-Bus type and a value of it, nested to `depth`."""
    leaves = st.sampled_from(sorted(LEAVES)).flatmap(
        lambda kind: st.tuples(st.just(kind), LEAVES[kind])
    )
    if depth == 0:
        return leaves
    inner = typed(depth - 1)
    return st.one_of(
        leaves,
        inner.map(lambda pair: ("v", pair)),
        inner.map(lambda pair: (f"a{pair[0]}", [pair[1]] * 3)).filter(no_bytes),
        inner.map(lambda pair: (f"a{pair[0]}", [])).filter(no_bytes),
        st.binary().map(lambda data: ("ay", data)),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda pairs: (
                f"({''.join(kind for kind, _ in pairs)})",
                tuple(value for _, value in pairs),
            )
        ),
        st.tuples(TEXT, inner).map(
            lambda both: (f"a{{s{both[1][0]}}}", {both[0]: both[1][1]})
        ),
    )


def no_bytes(pair):
    return pair[0] != "ay"


def body(pairs):
    return "".join(kind for kind, _ in pairs), tuple(value for _, value in pairs)


BODIES = st.lists(typed(), max_size=4)


@given(BODIES)
def test_jeepney_reads_what_we_write(pairs):
    types, values = body(pairs)
    data = wire.call(7, (*TO, types, *values))
    assert wire.length(data) == len(data)
    (message,) = Parser().feed(data)
    assert message.header.serial == 7
    assert message.body == values


@given(BODIES)
def test_we_read_what_jeepney_writes(pairs):
    types, values = body(pairs)
    address = DBusAddress("/path", "org.example.to", "org.example.Face")
    call = new_method_call(address, "Method", types or None, values)
    data = call.serialise(serial=7)
    assert wire.length(data + b"more") == len(data)
    assert wire.Message(data).body == values
    assert wire.call(7, (*TO, types, *values)) == data


@given(BODIES, st.data())
def test_damage_is_an_error_of_value_or_place(pairs, data):
    types, values = body(pairs)
    whole = bytearray(wire.call(7, (*TO, types, *values)))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(whole)))
    try:
        wire.length(bytes(whole))
        wire.Message(bytes(whole[:end]))
    except (ValueError, LookupError, RecursionError):
        return


def test_too_little_has_no_length():
    data = wire.call(1, (*TO, ""))
    assert [wire.length(data[:n]) for n in (0, 1, 15)] == [0, 0, 0]


@pytest.mark.parametrize("number", [-1, -(2**31)])
def test_signed_numbers_keep_their_sign(number):
    message = new_method_call(DBusAddress("/path", "a.b", "a.b"), "M", "i", (number,))
    assert wire.Message(message.serialise(serial=1)).body == (number,)


def test_an_array_of_nothing_has_an_end():
    with pytest.raises(ValueError, match="nothing"):
        wire._read(b"\x08" + bytes(15), 0, "a()")
