"""What the registry is told: the `auth.token` part of its settings, and our keys.

distribution 2.8 knows `rootcertbundle` alone; 3.x knows `jwks` too. The same is
written as YAML and as the variables that stand for it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from dockcred.errors import InvalidInputError
from dockcred.system import private_file
from dockcred.token_service.settings import JWKS, Settings, is_safe_url
from dockcred.token_service.signing_key import ALGORITHM, SigningKey

CERTIFICATES = "token-service.pem"
KEYS = "token-service.jwks.json"
YAML = "auth.yml"
VARIABLES = "registry.env"
_READABLE = 0o644  # by the registry, which runs as somebody else; nothing is secret


def bundle(keys: Iterable[SigningKey]) -> bytes:
    """Write the certificates of our keys, for `rootcertbundle`."""
    return b"".join(key.certificate_pem() for key in keys)


def key_set(keys: Iterable[SigningKey]) -> bytes:
    """Write our public keys, for `jwks`."""
    return f"{json.dumps({'keys': [key.jwk() for key in keys]}, indent=2)}\n".encode()


def write(
    directory: str, seen_as: str, realm: str, settings: Settings, keys: list[SigningKey]
) -> list[str]:
    """Write the files into a directory, which the registry sees as `seen_as`.

    `realm` is the URL of our /token as the registry's clients reach it. Answers the
    paths that were written.
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
    """Write the part of the registry's file; a JSON string is one of YAML too."""
    lines = [f"    {name}: {json.dumps(value)}" for name, value in options.items()]
    if by_set:
        lines.append(f"    signingalgorithms: [{ALGORITHM}]")
    return "\n".join(("auth:", "  token:", *lines, ""))


def _variables(options: dict[str, str]) -> str:
    return "".join(
        f"REGISTRY_AUTH_TOKEN_{name.upper()}={value}\n"
        for name, value in options.items()
    )
