"""Credentials in the clear, as docker's config.json and podman's auth.json keep them.

A place to import from: it reads, lists and removes, and never writes a secret.
"""

from __future__ import annotations

import json
import os

from dockcred.credential import Credential
from dockcred.lookup.auths import decode
from dockcred.stores.problems import KeychainAbsentError, KeychainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from dockcred.environment import Environment

# docker's name for a user whose secret is an identity token (docker/cli).


class AuthFile:
    """The `auths` of one file."""

    def __init__(self, path: str) -> None:
        """Follow links once, so that a changed file stays where the link points."""
        self.path = os.path.realpath(path)

    def read(self, key: str) -> Credential | None:
        """Answer the entry's credential, or None where it holds none."""
        return _credential(self._auths(self._load()).get(key))

    def users(self) -> dict[str, str]:
        """Answer every key that holds a credential."""
        auths = self._auths(self._load())
        return {
            key: found.username
            for key, entry in auths.items()
            if (found := _credential(entry)) is not None
        }

    def remove(self, keys: Iterable[str]) -> None:
        """Drop these entries; all else in the file stays, and no copy is left."""
        content = self._load()
        auths = self._auths(content)
        for key in keys:
            auths.pop(key, None)
        aside = f"{self.path}.{os.getpid()}.new"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            mode = os.stat(self.path).st_mode & 0o700
            with os.fdopen(os.open(aside, flags, mode), "w", encoding="utf-8") as file:
                json.dump(content, file, indent="\t", ensure_ascii=False)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.rename(aside, self.path)
        except OSError as error:
            if os.path.exists(aside):
                os.unlink(aside)
            raise KeychainError(
                f"{self.path} cannot be written and stays as it was: {error.strerror}"
            ) from None

    def uses_store(self, name: str) -> bool:
        """Tell whether the file sends docker to this credential store."""
        return bool(self._load().get("credsStore") == name)

    def _load(self) -> dict[str, Any]:
        try:
            with open(self.path, encoding="utf-8") as file:
                content = json.load(file)
        except FileNotFoundError:
            raise KeychainAbsentError(f"there is no {self.path}") from None
        except OSError as error:
            raise KeychainError(f"{self.path}: {error.strerror}") from None
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise KeychainError(f"{self.path} is not a JSON object")
        return content

    def _auths(self, content: dict[str, Any]) -> dict[str, Any]:
        auths = content.get("auths") or {}
        if not isinstance(auths, dict):
            raise KeychainError(f"the auths of {self.path} are not a JSON object")
        return auths


def docker(environment: Environment) -> AuthFile:
    """Open docker's configuration."""
    directory = environment.get("DOCKER_CONFIG") or f"{environment.home()}/.docker"
    return AuthFile(f"{directory}/config.json")


def podman(environment: Environment) -> AuthFile:
    """Open podman's, buildah's and skopeo's: the first of containers-auth.json(5)."""
    runtime = environment.get("XDG_RUNTIME_DIR")
    places = (
        environment.get("REGISTRY_AUTH_FILE"),
        f"{runtime}/containers/auth.json" if runtime else "",
        f"/run/containers/{os.geteuid()}/auth.json",
        f"{environment.home()}/.config/containers/auth.json",
    )
    found = [place for place in places if place and os.path.exists(place)]
    return AuthFile(found[0] if found else places[-1])


def _credential(entry: object) -> Credential | None:
    """Return the credential of an entry that holds a whole one, else None."""
    if not isinstance(entry, dict):
        return None
    try:
        found = decode(entry)
    except ValueError:
        return None
    return found if found and found.username and found.secret else None
