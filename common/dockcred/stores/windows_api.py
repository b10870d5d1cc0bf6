"""Call advapi32's functions for credentials, such as CredReadW, through ctypes.

https://learn.microsoft.com/windows/win32/api/wincred/
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_ubyte, c_void_p, c_wchar_p, string_at
from ctypes.wintypes import DWORD, FILETIME

from dockcred.stores.problems import CredentialError, Item, KeychainAbsentError

_GENERIC = 1
_LOCAL_MACHINE = 2
_NOT_FOUND = 1168


class Attribute(ctypes.Structure):
    """The structure CREDENTIAL_ATTRIBUTEW."""

    _fields_ = (
        ("Keyword", c_wchar_p),
        ("Flags", DWORD),
        ("ValueSize", DWORD),
        ("Value", POINTER(c_ubyte)),
    )


class NativeCredential(ctypes.Structure):
    """The structure CREDENTIALW."""

    _fields_ = (
        ("Flags", DWORD),
        ("Type", DWORD),
        ("TargetName", c_wchar_p),
        ("Comment", c_wchar_p),
        ("LastWritten", FILETIME),
        ("CredentialBlobSize", DWORD),
        ("CredentialBlob", POINTER(c_ubyte)),
        ("Persist", DWORD),
        ("AttributeCount", DWORD),
        ("Attributes", POINTER(Attribute)),
        ("TargetAlias", c_wchar_p),
        ("UserName", c_wchar_p),
    )


def to_native(target: str, item: Item) -> NativeCredential:
    """Return an item as the structure that CredWriteW takes."""
    attributes = (Attribute * len(item.attributes))()
    for slot, (keyword, value) in zip(attributes, item.attributes.items(), strict=True):
        slot.Keyword, slot.ValueSize, slot.Value = keyword, len(value), _buffer(value)
    return NativeCredential(
        Type=_GENERIC,
        TargetName=target,
        CredentialBlobSize=len(item.blob),
        CredentialBlob=_buffer(item.blob),
        Persist=_LOCAL_MACHINE,
        AttributeCount=len(attributes),
        Attributes=attributes,
        UserName=item.user,
    )


def from_native(native: NativeCredential) -> Item:
    """Return an item, copied from the API's memory."""
    attributes = {
        slot.Keyword or "": _copy(slot.Value, slot.ValueSize)
        for slot in native.Attributes[: native.AttributeCount]
    }
    blob = _copy(native.CredentialBlob, native.CredentialBlobSize)
    return Item(native.UserName or "", blob, attributes)


def _buffer(data: bytes) -> ctypes.Array[c_ubyte]:
    return (c_ubyte * len(data)).from_buffer_copy(data)


def _copy(pointer: object, size: int) -> bytes:
    return string_at(pointer, size) if size else b""  # type: ignore[arg-type]


class GenericCredentials:
    """The user's generic credentials."""

    def __init__(self) -> None:
        """Load advapi32; raise KeychainAbsentError if this is not Windows."""
        load: type[ctypes.CDLL] | None = getattr(ctypes, "WinDLL", None)
        if load is None:
            raise KeychainAbsentError(
                "the wincred store is Windows' Credential Manager, which is not here",
                "set DOCKCRED_STORE to another store",
            )
        self._api = load("advapi32", use_last_error=True)

    def read(self, target: str) -> Item | None:
        """Return a credential, or None."""
        found = POINTER(NativeCredential)()
        if not self._ok(self._api.CredReadW(target, _GENERIC, 0, byref(found))):
            return None
        try:
            return from_native(found.contents)
        finally:
            self._api.CredFree(found)

    def write(self, target: str, item: Item) -> None:
        """Create or replace a credential."""
        if not self._ok(self._api.CredWriteW(byref(to_native(target, item)), 0)):
            raise CredentialError(_NOT_FOUND)

    def delete(self, target: str) -> None:
        """Delete a credential, which may be missing."""
        self._ok(self._api.CredDeleteW(target, _GENERIC, 0))

    def targets(self) -> list[str]:
        """Return the targets of all generic credentials."""
        count, found = DWORD(), POINTER(POINTER(NativeCredential))()
        if not self._ok(self._api.CredEnumerateW(None, 0, byref(count), byref(found))):
            return []
        try:
            every = [pointer.contents for pointer in found[: count.value]]
            return [kept.TargetName for kept in every if kept.Type == _GENERIC]
        finally:
            self._api.CredFree(ctypes.cast(found, c_void_p))

    def _ok(self, result: int) -> bool:
        """Return False if nothing was found; raise CredentialError for other errors."""
        if result:
            return True
        code: int = getattr(ctypes, "get_last_error")()  # noqa: B009 - Windows only
        if code == _NOT_FOUND:
            return False
        raise CredentialError(code)
