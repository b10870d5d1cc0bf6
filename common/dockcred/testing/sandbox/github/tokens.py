"""The tokens of GitHub's sandbox, and their permissions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

REACHES_PACKAGES = frozenset({"read:packages", "write:packages"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `scopes` is None for a token with permissions."""

    login: str
    scopes: frozenset[str] | None
    packages: str = ""
    expires_at: float | None = None

    @property
    def opens_packages(self) -> bool:
        """Return whether the registry would accept the token."""
        if self.scopes is None:
            return self.packages in {"read", "write"}
        return not self.scopes.isdisjoint(REACHES_PACKAGES)


class Tokens:
    """All issued tokens that were not revoked."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    def personal(self, login: str, *scopes: str) -> str:
        """Issue a classic personal access token."""
        return self._add("ghp_", Token(login, frozenset(scopes)))

    def oauth(self, login: str, *scopes: str) -> str:
        """Issue the token of `gh auth login`."""
        return self._add("gho_", Token(login, frozenset(scopes)))

    def installation(self, app: str, packages: str, expires_at: float) -> str:
        """Issue an App's installation token."""
        return self._add("ghs_", Token(f"{app}[bot]", None, packages, expires_at))

    def find(self, value: str, now: float) -> Token | None:
        """Return the token of this value; None if it is unknown or expired."""
        token = self._tokens.get(value)
        over = token and token.expires_at is not None and now >= token.expires_at
        return None if over else token

    def revoke(self, value: str) -> None:
        """Revoke a token."""
        self._tokens.pop(value, None)

    def _add(self, prefix: str, token: Token) -> str:
        value = prefix + secrets.token_hex(18)
        self._tokens[value] = token
        return value
