"""A keychain in memory; it behaves as the Security framework's documents say.

https://developer.apple.com/documentation/security/keychain-items
"""

from __future__ import annotations

import os
from typing import Any

from dockcred.stores.problems import SecurityError

DUPLICATE_ITEM = -25299
ITEM_NOT_FOUND = -25300
CLASS = "kSecClass"
# Attributes that must be unique together in a class of items (errSecDuplicateItem).
IDENTITY = {
    "kSecClassInternetPassword": (
        "kSecAttrAccount",
        "kSecAttrSecurityDomain",
        "kSecAttrServer",
        "kSecAttrProtocol",
        "kSecAttrAuthenticationType",
        "kSecAttrPort",
        "kSecAttrPath",
    ),
    "kSecClassGenericPassword": ("kSecAttrAccount", "kSecAttrService"),
}


class Keychain:
    """Passwords as SecItem documents them: a query finds items with its attributes.

    dockcred.stores.macos uses it instead of the framework, and so does docker's helper.
    If `status` is not 0, every call fails with this status.
    """

    def __init__(self) -> None:
        self.items: dict[bytes, tuple[dict[str, Any], bytes]] = {}
        self.status = 0

    def add(self, attributes: dict[str, Any], secret: bytes) -> None:
        names = IDENTITY[attributes[CLASS]]
        identity = {name: attributes.get(name) for name in names}
        for _, item in self.find({CLASS: attributes[CLASS]}):
            if {name: item.get(name) for name in names} == identity:
                raise SecurityError(DUPLICATE_ITEM)
        self.items[os.urandom(4)] = (dict(attributes), secret)

    def find(self, attributes: dict[str, Any]) -> list[tuple[bytes, dict[str, Any]]]:
        assert attributes[CLASS] in IDENTITY
        if self.status:
            raise SecurityError(self.status)
        return [
            (reference, dict(item))
            for reference, (item, _) in self.items.items()
            if attributes.items() <= item.items()
        ]

    def secret(self, reference: bytes) -> bytes | None:
        return self.items[reference][1] if reference in self.items else None

    def update(self, reference: bytes, secret: bytes) -> None:
        self.items[reference] = (self.items[reference][0], secret)

    def delete(self, reference: bytes) -> None:
        self.items.pop(reference, None)

    def delete_all(self, attributes: dict[str, Any]) -> None:
        """Delete every item that a query finds, as SecItemDelete does."""
        found = self.find(attributes)
        if not found:
            raise SecurityError(ITEM_NOT_FOUND)
        for reference, _ in found:
            self.delete(reference)

    def kept(self) -> list[tuple[dict[str, Any], bytes]]:
        return sorted(self.items.values(), key=repr)
