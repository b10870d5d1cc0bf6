"""The tokens that GitHub knows in the sandbox, and what each may do."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

REACHES_PACKAGES = frozenset({"read:packages", "write:packages"})


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `scopes` is None for one that has permissions instead."""

    login: str
    scopes: frozenset[str] | None
    packages: str = ""
    expires_at: float | None = None

    @property
    def opens_packages(self) -> bool:
        """Return whether the registry would let it in."""
        if self.scopes is None:
            return self.packages in {"read", "write"}
        return not self.scopes.isdisjoint(REACHES_PACKAGES)


class Tokens:
    """Every token that the sandbox has given out and not taken back."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    def personal(self, login: str, *scopes: str) -> str:
        """Issue a classic personal access token."""
        return self._add("ghp_", Token(login, frozenset(scopes)))

    def oauth(self, login: str, *scopes: str) -> str:
        """Issue what `gh auth login` gets."""
        return self._add("gho_", Token(login, frozenset(scopes)))

    def installation(self, app: str, packages: str, expires_at: float) -> str:
        """Issue an App's installation token."""
        return self._add("ghs_", Token(f"{app}[bot]", None, packages, expires_at))

    def find(self, value: str, now: float) -> Token | None:
        """Return what a token stands for, None where it is unknown or over."""
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
