"""Call the Security framework's functions for keychain items through ctypes.

https://developer.apple.com/documentation/security/keychain-items
Core Foundation objects that this module creates are never released by it: the process
makes a few calls and ends.
"""

from __future__ import annotations

from ctypes import (
    CDLL,
    POINTER,
    byref,
    c_bool,
    c_char_p,
    c_int32,
    c_int64,
    c_long,
    c_uint32,
    c_void_p,
    create_string_buffer,
    string_at,
)

from dockcred.stores.problems import KeychainAbsentError, SecurityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Attributes = dict[str, str | int]

_UTF8 = 0x08000100
_SINT64 = 4
_NOT_FOUND = -25300
_TEXTS = (
    "kSecAttrAccount",
    "kSecAttrLabel",
    "kSecAttrPath",
    "kSecAttrProtocol",
    "kSecAttrServer",
    "kSecAttrService",
)
_MAX_TEXT_BYTES = 64 * 1024
_END_OF_CLASS = b"\0"


class SecurityFramework:
    """SecItemAdd, SecItemCopyMatching, SecItemUpdate and SecItemDelete."""

    def __init__(self) -> None:
        """Load both frameworks; raise KeychainAbsentError if this is not macOS."""
        frameworks = "/System/Library/Frameworks"
        try:
            self._sec = CDLL(f"{frameworks}/Security.framework/Security")
            core = CDLL(f"{frameworks}/CoreFoundation.framework/CoreFoundation")
        except OSError:
            raise KeychainAbsentError(
                "the osxkeychain store is the keychain of macOS, which is not here",
                "set DOCKCRED_STORE to another store",
            ) from None
        self._core = core
        pointer = c_void_p
        for name, result, arguments in (
            (
                "CFStringCreateWithBytes",
                pointer,
                (pointer, c_char_p, c_long, c_uint32, c_bool),
            ),
            ("CFStringGetCString", c_bool, (pointer, c_char_p, c_long, c_uint32)),
            ("CFNumberCreate", pointer, (pointer, c_long, pointer)),
            ("CFNumberGetValue", c_bool, (pointer, c_long, pointer)),
            ("CFDataCreate", pointer, (pointer, c_char_p, c_long)),
            ("CFDataGetBytePtr", pointer, (pointer,)),
            ("CFDataGetLength", c_long, (pointer,)),
            ("CFArrayCreate", pointer, (pointer, pointer, c_long, pointer)),
            ("CFArrayGetCount", c_long, (pointer,)),
            ("CFArrayGetValueAtIndex", pointer, (pointer, c_long)),
            ("CFDictionaryGetValue", pointer, (pointer, pointer)),
            ("CFDictionaryCreateMutable", pointer, (pointer, c_long, pointer, pointer)),
            ("CFDictionarySetValue", None, (pointer, pointer, pointer)),
        ):
            function = getattr(core, name)
            function.restype, function.argtypes = result, arguments
        for name, taken in (
            ("SecItemAdd", (pointer, POINTER(pointer))),
            ("SecItemUpdate", (pointer, pointer)),
            ("SecItemCopyMatching", (pointer, POINTER(pointer))),
            ("SecItemDelete", (pointer,)),
        ):
            function = getattr(self._sec, name)
            function.restype, function.argtypes = c_int32, taken

    def add(self, attributes: Attributes, secret: bytes) -> None:
        """Add an item."""
        query = self._query(attributes)
        self._put(query, "kSecValueData", self._data(secret))
        _check(self._sec.SecItemAdd(query, None))

    def find(self, attributes: Attributes) -> list[tuple[bytes, Attributes]]:
        """Return the reference (see `_reference`) and attributes of every match."""
        query = self._query(attributes)
        self._put(query, "kSecMatchLimit", self._constant("kSecMatchLimitAll"))
        for wanted in ("kSecReturnAttributes", "kSecReturnPersistentRef"):
            self._put(query, wanted, self._true())
        found = c_void_p()
        if not _check(self._sec.SecItemCopyMatching(query, byref(found))):
            return []
        matches = (
            self._core.CFArrayGetValueAtIndex(found, index)
            for index in range(self._core.CFArrayGetCount(found))
        )
        kind = str(attributes["kSecClass"])
        return [
            (self._reference(kind, match), self._attributes(match)) for match in matches
        ]

    def secret(self, reference: bytes) -> bytes | None:
        """Return an item's secret, or None if the item does not exist."""
        query = self._item(reference)
        self._put(query, "kSecReturnData", self._true())
        found = c_void_p()
        if not _check(self._sec.SecItemCopyMatching(query, byref(found))):
            return None
        return self._bytes(found)

    def update(self, reference: bytes, secret: bytes) -> None:
        """Replace an item's secret."""
        changes = self._dictionary()
        self._put(changes, "kSecValueData", self._data(secret))
        _check(self._sec.SecItemUpdate(self._item(reference), changes))

    def delete(self, reference: bytes) -> None:
        """Delete an item, which may be missing."""
        _check(self._sec.SecItemDelete(self._item(reference)))

    def _item(self, reference: bytes) -> c_void_p:
        """Return a query for one item. macOS needs a list of references for that."""
        kind, _, persistent = reference.partition(_END_OF_CLASS)
        query = self._query({"kSecClass": kind.decode()})
        one = (c_void_p * 1)(self._data(persistent))
        callbacks = byref(c_void_p.in_dll(self._core, "kCFTypeArrayCallBacks"))
        array = c_void_p(self._core.CFArrayCreate(None, one, 1, callbacks))
        self._put(query, "kSecMatchItemList", array)
        return query

    def _reference(self, kind: str, match: c_void_p) -> bytes:
        """Return an item's class and persistent reference: a query needs both."""
        name = self._constant("kSecValuePersistentRef")
        persistent = self._bytes(self._core.CFDictionaryGetValue(match, name))
        return kind.encode() + _END_OF_CLASS + persistent

    def _bytes(self, data: c_void_p) -> bytes:
        size = self._core.CFDataGetLength(data)
        return string_at(self._core.CFDataGetBytePtr(data), size) if size else b""

    def _query(self, attributes: Attributes) -> c_void_p:
        query = self._dictionary()
        for name, value in attributes.items():
            if isinstance(value, int):
                made = self._number(value)
            elif name == "kSecClass":
                made = self._constant(value)
            else:
                made = self._text(value)
            self._put(query, name, made)
        return query

    def _attributes(self, found: c_void_p) -> Attributes:
        answer: Attributes = {}
        for name in _TEXTS:
            value = self._core.CFDictionaryGetValue(found, self._constant(name))
            buffer = create_string_buffer(_MAX_TEXT_BYTES)
            if value and self._core.CFStringGetCString(
                value, buffer, _MAX_TEXT_BYTES, _UTF8
            ):
                answer[name] = buffer.value.decode()
        port = c_int64()
        value = self._core.CFDictionaryGetValue(found, self._constant("kSecAttrPort"))
        if value and self._core.CFNumberGetValue(value, _SINT64, byref(port)):
            answer["kSecAttrPort"] = port.value
        return answer

    def _dictionary(self) -> c_void_p:
        callbacks = [
            byref(c_void_p.in_dll(self._core, f"kCFTypeDictionary{part}CallBacks"))
            for part in ("Key", "Value")
        ]
        return c_void_p(self._core.CFDictionaryCreateMutable(None, 0, *callbacks))

    def _put(self, dictionary: c_void_p, name: str, value: c_void_p) -> None:
        self._core.CFDictionarySetValue(dictionary, self._constant(name), value)

    def _constant(self, name: str) -> c_void_p:
        return c_void_p.in_dll(self._sec, name)

    def _true(self) -> c_void_p:
        return c_void_p.in_dll(self._core, "kCFBooleanTrue")

    def _text(self, text: str) -> c_void_p:
        data = text.encode()
        made = self._core.CFStringCreateWithBytes(None, data, len(data), _UTF8, False)
        return c_void_p(made)

    def _number(self, number: int) -> c_void_p:
        value = c_int64(number)
        return c_void_p(self._core.CFNumberCreate(None, _SINT64, byref(value)))

    def _data(self, data: bytes) -> c_void_p:
        return c_void_p(self._core.CFDataCreate(None, data, len(data)))


def _check(status: int) -> bool:
    """Return whether an item was found; raise SecurityError for any other error."""
    if status not in {0, _NOT_FOUND}:
        raise SecurityError(status)
    return status == 0
