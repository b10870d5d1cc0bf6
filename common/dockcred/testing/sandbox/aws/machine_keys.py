"""The keys of a machine's roles, rotated as the metadata services do."""

from __future__ import annotations

import threading

from dockcred.testing.sandbox.aws.principals import AccessKey, AccessKeys, Role

LIFETIME_S = 6 * 3600
ROTATE_BEFORE_S = 300


class MachineKeys:
    """The current key of each role, for all callers until it is about to expire."""

    def __init__(self, keys: AccessKeys) -> None:
        self._keys = keys
        self._lock = threading.Lock()
        self._current: dict[str, AccessKey] = {}

    def current(self, role: Role, session: str, now: float) -> AccessKey:
        """Return the role's key; a new one if the last expires within 5 minutes."""
        with self._lock:
            key = self._current.get(role.arn)
            if key is None or (key.expires_at or 0) - now < ROTATE_BEFORE_S:
                principal = role.session(session)
                key = self._keys.temporary(principal, now + LIFETIME_S)
                self._current[role.arn] = key
            return key
