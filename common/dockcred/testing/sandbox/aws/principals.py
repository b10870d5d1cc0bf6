"""The principals of the AWS sandbox, and their access keys."""

from __future__ import annotations

import base64
import secrets
import string
from dataclasses import dataclass, field

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
REGION = "eu-west-1"
KEY_ALPHABET = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, or the session of an assumed role."""

    account: str
    resource: str

    @property
    def arn(self) -> str:
        """Return the ARN of the caller."""
        service = "sts" if self.resource.startswith("assumed-role/") else "iam"
        return f"arn:aws:{service}::{self.account}:{self.resource}"

    @property
    def trusted_as(self) -> str:
        """Return the ARN that a role's trust policy names: role or user."""
        kind, name, *_ = self.resource.split("/")
        kind = "role" if kind == "assumed-role" else kind
        return f"arn:aws:iam::{self.account}:{kind}/{name}"


@dataclass(frozen=True, slots=True)
class Role:
    """A role, the principal that may assume it, and the MFA device it requires."""

    account: str
    name: str
    trusts: str = ""
    mfa_serial: str = ""

    @property
    def arn(self) -> str:
        """Return the ARN that a profile's role_arn names."""
        return f"arn:aws:iam::{self.account}:role/{self.name}"

    def session(self, name: str) -> Principal:
        """Return the principal of a session of this role."""
        return Principal(self.account, f"assumed-role/{self.name}/{name}")


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key; `expires_at` in epoch seconds, None if it never expires."""

    access_key_id: str
    principal: Principal
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    expires_at: float | None = None


class AccessKeys:
    """All keys that the sandbox has issued."""

    def __init__(self) -> None:
        self._keys: dict[str, AccessKey] = {}

    def find(self, access_key_id: str) -> AccessKey | None:
        """Return the key with this id; None if the sandbox never issued it."""
        return self._keys.get(access_key_id)

    def permanent(self, account: str, user: str) -> AccessKey:
        """Issue a user's long-lived key."""
        return self._add(
            AccessKey(_key_id("AKIA"), Principal(account, f"user/{user}"), _secret())
        )

    def temporary(self, principal: Principal, expires_at: float) -> AccessKey:
        """Issue a key that needs its session token, and expires."""
        # Real session tokens are base64, and some hundred characters long.
        token = base64.b64encode(secrets.token_bytes(540)).decode()
        return self._add(
            AccessKey(_key_id("ASIA"), principal, _secret(), token, expires_at)
        )

    def _add(self, key: AccessKey) -> AccessKey:
        self._keys[key.access_key_id] = key
        return key


def _key_id(prefix: str) -> str:
    return prefix + "".join(secrets.choice(KEY_ALPHABET) for _ in range(16))


def _secret() -> str:
    return base64.b64encode(secrets.token_bytes(30)).decode()
