"""What may be wrong with a keychain, as the clients are told."""

from __future__ import annotations

from dockcred.errors import DockcredError


class KeychainError(DockcredError):
    """The place was asked and failed."""


class KeychainAbsentError(KeychainError):
    """There is no such place here."""


class KeychainLockedError(KeychainError):
    """The place has to be unlocked first."""


class InsecureKeychainError(KeychainError):
    """The place would keep secrets in the clear, or not at all."""


class SecurityError(Exception):
    """The framework answered with this OSStatus."""

    def __init__(self, status: int) -> None:
        """Hold the number, as `security error` explains it."""
        super().__init__(status)
        self.status = status


class Item:
    """A generic credential: user, blob, and attributes by keyword."""

    __slots__ = ("attributes", "blob", "user")

    def __init__(self, user: str, blob: bytes, attributes: dict[str, bytes]) -> None:
        """Hold the three as they are."""
        self.user = user
        self.blob = blob
        self.attributes = attributes


class CredentialError(Exception):
    """The API answered with this error code."""

    def __init__(self, code: int) -> None:
        """Hold the number, as `net helpmsg` explains it."""
        super().__init__(code)
        self.code = code
