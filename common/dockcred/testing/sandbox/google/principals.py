"""The principals of the Google sandbox, and their access tokens."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PROJECT = "sandbox-project"
PROJECT_NUMBER = "123456789012"
SCOPE = "https://www.googleapis.com/auth/"
CLOUD_PLATFORM = f"{SCOPE}cloud-platform"


def email(name: str) -> str:
    """Return the address of a service account in the sandbox's project."""
    return f"{name}@{PROJECT}.iam.gserviceaccount.com"


@dataclass(frozen=True, slots=True)
class Key:
    """A service account's key, with the fields of its JSON file."""

    key_id: str
    account: str
    private: RSAPrivateKey = field(repr=False)

    def document(self, token_uri: str) -> dict[str, Any]:
        """Return the content of the key file."""
        from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": self.key_id,
            "private_key": rs256.pem(self.private),
            "client_email": self.account,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The principal and scopes of an access token; `expires_at` in epoch seconds."""

    principal: str
    scopes: frozenset[str]
    expires_at: float


class Principals:
    """All keys, logins, grants and tokens of the sandbox."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.grants: dict[str, set[str]] = {}
        self._tokens: dict[str, AccessToken] = {}

    def new_key(self, name: str) -> Key:
        """Issue a key of a service account."""
        from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

        key = Key(secrets.token_hex(20), email(name), rs256.new_key())
        self.keys[key.key_id] = key
        return key

    def login(self, user: str) -> str:
        """Log a user in, and return the refresh token."""
        token = f"1//{secrets.token_urlsafe(60)}"
        self.refresh_tokens[token] = user
        return token

    def allow(self, member: str, account: str) -> None:
        """Allow `member` to impersonate a service account."""
        self.grants.setdefault(account, set()).add(member)

    def token(self, principal: str, scopes: frozenset[str], expires_at: float) -> str:
        """Issue an access token."""
        token = f"ya29.c.{secrets.token_urlsafe(150)}"
        self._tokens[token] = AccessToken(principal, scopes, expires_at)
        return token

    def find(self, token: str) -> AccessToken | None:
        """Return the access token of this value; None if it is not ours."""
        return self._tokens.get(token)

    def has_key_file(self, text: str) -> bool:
        """Return whether this text is one of our key files."""
        try:
            fields = json.loads(text)
            key = self.keys[fields["private_key_id"]]
        except (ValueError, LookupError, TypeError):
            return False
        return bool(fields == key.document(fields.get("token_uri", "")))
