"""Registry passwords, and what each was issued for."""

from __future__ import annotations

import base64
import json
import secrets

from dockcred.testing.sandbox.service import Minted


class Passwords:
    """All issued registry passwords, to look up what each was issued for."""

    def __init__(self) -> None:
        self._minted: dict[str, Minted] = {}

    def mint(self, minted: Minted) -> str:
        """Return a new password: opaque, about 2 kB long, like a real one."""
        envelope = {
            "payload": base64.b64encode(secrets.token_bytes(1050)).decode(),
            "datakey": base64.b64encode(secrets.token_bytes(184)).decode(),
            "version": "2",
            "type": "DATA_KEY",
            "expiration": int(minted.expires_at),
        }
        password = base64.b64encode(json.dumps(envelope).encode()).decode()
        self._minted[password] = minted
        return password

    def find(self, password: str) -> Minted | None:
        """Return what the password was issued for; None if it is not ours."""
        return self._minted.get(password)
