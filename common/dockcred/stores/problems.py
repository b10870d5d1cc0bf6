"""What can go wrong with a place that keeps secrets.

None of these is "not found": that sentence means that the place was searched and
keeps nothing for the server. A store on the way of a `get` imports this where it fails:
0.5 M of the 34 M instructions of a `get` from `pass`.
"""

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
