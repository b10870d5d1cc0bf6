"""The token that the registry accepts, and the configuration that makes it do so."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dockcred.commands.token_service.request import Access
from dockcred.commands.token_service.settings import JWKS, Settings, is_safe_url
from dockcred.commands.token_service.signing_key import ALGORITHM, SigningKey
from dockcred.errors import InvalidInputError
from dockcred.system import private_file

MAX_SUBJECT = 255


@dataclass(frozen=True)
class RegistryToken:
    """A signed token, its id for the log, its time of issue and its life in seconds."""

    text: str
    id: str
    issued_at: int
    life_s: int

    def reply(self, granted: Iterable[Access]) -> dict[str, Any]:
        """Return the response to a client: the token under its old and OAuth names."""
        issued = datetime.fromtimestamp(self.issued_at, UTC)
        return {
            "token": self.text,
            "access_token": self.text,
            "token_type": "Bearer",
            "expires_in": self.life_s,
            "issued_at": issued.isoformat().replace("+00:00", "Z"),
            "scope": " ".join(map(str, granted)),
        }


def sign(
    settings: Settings,
    key: SigningKey,
    *,
    subject: str,
    granted: Iterable[Access],
    now: float,
    until: float,
) -> RegistryToken:
    """Sign a token for what was granted.

    It lives for the settings' `life_s` seconds, but not beyond `until`.
    """
    issued_at, token_id = int(now), str(uuid.uuid4())
    expires_at = int(min(issued_at + settings.life_s, until))
    claims = {
        "iss": settings.name,
        "sub": subject[:MAX_SUBJECT],
        "aud": settings.service,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": expires_at,
        "jti": token_id,
        "access": [access.claim() for access in granted],
    }
    # Distribution 2.8 accepts only one string in `aud`. 3.x with a JWKS rejects a
    # certificate chain; 2.8 with a bundle rejects a key id that is not libtrust's. So a
    # token carries one of the two, never both.
    text = key.sign(claims, by_id=settings.sign_for == JWKS)
    return RegistryToken(text, token_id, issued_at, expires_at - issued_at)


CERTIFICATES = "token-service.pem"
KEYS = "token-service.jwks.json"
YAML = "auth.yml"
VARIABLES = "registry.env"
_READABLE = 0o644  # the registry runs as another user, and no file holds a secret


def bundle(keys: Iterable[SigningKey]) -> bytes:
    """Return the certificates of our keys in PEM, for `rootcertbundle`."""
    return b"".join(key.certificate_pem() for key in keys)


def key_set(keys: Iterable[SigningKey]) -> bytes:
    """Return our public keys as a JWKS, for `jwks`."""
    return f"{json.dumps({'keys': [key.jwk() for key in keys]}, indent=2)}\n".encode()


def write(
    directory: str, seen_as: str, realm: str, settings: Settings, keys: list[SigningKey]
) -> list[str]:
    """Write the files into a directory, which the registry sees as `seen_as`.

    `realm` is the URL of our /token as the registry's clients reach it. Returns the
    paths that were written. Raises InvalidInputError for an unsafe URL.
    """
    if not is_safe_url(realm, plain=True):
        raise InvalidInputError(
            "the realm is not an https URL",
            "write https://HOST/token, as the registry's clients reach it",
        )
    by_set = settings.sign_for == JWKS
    published = KEYS if by_set else CERTIFICATES
    options = {"realm": realm, "service": settings.service, "issuer": settings.name}
    options["jwks" if by_set else "rootcertbundle"] = f"{seen_as}/{published}"
    files = {
        published: key_set(keys) if by_set else bundle(keys),
        YAML: _yaml(options, by_set=by_set).encode(),
        VARIABLES: _variables(options).encode(),
    }
    os.makedirs(directory, exist_ok=True)
    for name, content in files.items():
        path = f"{directory}/{name}"
        private_file.replace(path, content)
        os.chmod(path, _READABLE)
    return [f"{directory}/{name}" for name in files]


def _yaml(options: dict[str, str], *, by_set: bool) -> str:
    """Return the `auth` part of the registry's YAML; a JSON string is valid YAML."""
    lines = [f"    {name}: {json.dumps(value)}" for name, value in options.items()]
    if by_set:
        lines.append(f"    signingalgorithms: [{ALGORITHM}]")
    return "\n".join(("auth:", "  token:", *lines, ""))


def _variables(options: dict[str, str]) -> str:
    return "".join(
        f"REGISTRY_AUTH_TOKEN_{name.upper()}={value}\n"
        for name, value in options.items()
    )
