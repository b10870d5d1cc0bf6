"""Targets: the vault's file, and D-Bus messages of the keychain."""

from __future__ import annotations

from jeepney.low_level import Parser

from dockcred.errors import DockcredError
from dockcred.stores import vault_key
from dockcred.stores.secretservice import wire
from dockcred.stores.vault import _decode
from dockcred.stores.vault_file import VaultFile

ERRORS = (DockcredError,)
_KEY = bytes(range(32))
_MOST_WORK = 2**14


def vault(data: bytes) -> str:
    """Open a vault with the key of the corpus, and with one from a passphrase."""
    file = VaultFile.parse(data)
    if file.key["kind"] == "scrypt":
        numbers = [file.key.get(name) for name in "nrp"]
        if all(isinstance(n, int) and n * 8 <= _MOST_WORK for n in numbers):
            file.open(vault_key.derive(b"passphrase", file.key))
    content = _decode(file.open(_KEY))
    return " ".join(f"{key} {kept['username']}" for key, kept in content.items())


def d_bus(data: bytes) -> str:
    """Parse a D-Bus message; if jeepney can parse it too, both must agree."""
    try:
        size = wire.length(data)
        if not 0 < size <= len(data):
            return ""
        ours = wire.Message(data[:size])
    except (ValueError, LookupError, RecursionError):
        return ""
    assert isinstance(ours.body, tuple)
    try:
        (theirs,) = Parser().feed(data[:size])
    except Exception:  # noqa: BLE001 - jeepney is stricter, or cannot parse it
        return ""
    assert ours.body == theirs.body, "jeepney reads another body"
    assert ours.kind == theirs.header.message_type.value
    return ""
