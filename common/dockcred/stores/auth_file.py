"""Credentials in the clear, as docker's config.json and podman's auth.json keep them.

A place to import from: it reads, lists and removes, and never writes a secret. What is
in the file is what its client makes of it; what that cannot decode is left out by name.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from dockcred.clients import containers, go_json
from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import read as docker_read
from dockcred.clients.edit import json_text, past
from dockcred.clients.entries import held
from dockcred.credential import Credential
from dockcred.errors import InvalidInputError
from dockcred.stores.problems import KeychainAbsentError, KeychainError
from dockcred.system import (
    environment,
    file_lock,
    private_file,
    shared_file,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    Content = tuple[Mapping[str, Any], str, Mapping[str, str]]

    from dockcred.system.environment import Environment


class AuthFile:
    """The `auths` of one file."""

    def __init__(self, path: str, *, is_podmans: bool = False) -> None:
        """Resolve links once, so that a changed file stays where the link points.

        auth.json is podman's by its name; every other is read as docker reads it, but
        where it is said to be podman's.
        """
        self.path = os.path.realpath(path)
        self.is_podmans = is_podmans or os.path.basename(path) == "auth.json"
        self._seen: dict[str, tuple[str, str]] = {}

    def read(self, key: str) -> Credential | None:
        """Return the entry's credential, or None where it holds none."""
        found = _credential(self._logins(self._bytes())[0].get(key))
        if found is not None:
            self._seen[key] = found.username, found.secret
        return found

    def users(self) -> dict[str, str]:
        """Return every key that holds a credential."""
        return {
            key: found.username
            for key, entry in self._logins(self._bytes())[0].items()
            if (found := _credential(entry)) is not None
        }

    def undecoded(self) -> dict[str, str]:
        """Return the keys with an `auth` that the client does not decode, and why."""
        entries, _, lost = self._logins(self._bytes())
        return {key: why for key, why in lost.items() if not _credential(entries[key])}

    def remove(self, keys: Iterable[str]) -> list[str]:
        """Remove these entries as they were read; return those that were removed.

        All else stays to the byte, also a login that came since, and owner, group, mode
        and links of the file. No copy is left.
        """
        wanted = {key: self._seen[key] for key in keys if key in self._seen}
        with self._held():
            known = past.load(self.path)
            past.record_moved(self.path, wanted)
            for _ in shared_file.attempts():
                before = self._bytes()
                after = self._without(before, wanted)
                if after == before or self._replaced(before, after):
                    past.remove_moved(self.path)
                    left = self._logins(after)[0]
                    return [key for key in wanted if key not in left]
            past.restore(self.path, known)
        raise KeychainError(
            f"another program goes on changing {self.path}, and it stays as it is",
            "try again when that has ended",
        )

    def _without(self, data: bytes, wanted: Mapping[str, tuple[str, str]]) -> bytes:
        """Return the text without these logins; raise KeychainError for an odd one."""
        try:
            text = data.decode()
            for key, seen in wanted.items():
                # A name that stands twice is there again without the last one.
                while _same(self._logins(text.encode())[0].get(key), seen):
                    before, text = text, json_text.drop_last(text, ("auths", key))
                    if text == before:
                        break
        except (UnicodeDecodeError, InvalidInputError, ValueError):
            raise KeychainError(
                f"{self.path} is more than one JSON object, and stays as it is",
                "take out what stands behind the first",
            ) from None
        return text.encode()

    def remove_leftovers(self) -> None:
        """Remove what a killed `remove` has left beside the file, if it can be."""
        with suppress(KeychainError, InvalidInputError), self._held():
            past.remove_moved(self.path)

    def _replaced(self, before: bytes, after: bytes) -> bool:
        """Replace the text; return whether it stays so when others have ended."""
        if not shared_file.swap(self.path, before, after):
            return False
        if busy := shared_file.wait(self.path):
            raise KeychainError(
                f"{self.path} is changed, but {busy} was there before and may write "
                "back what it has read",
                "run this again when that has ended",
            )
        return self._bytes() == after

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the file's lock, and remove what writers that were killed have left."""
        try:
            with file_lock.beside(self.path):
                private_file.remove_leftovers(*os.path.split(self.path))
                yield
        except OSError as error:
            raise KeychainError(
                f"{self.path} cannot be written and stays as it was: {error.strerror}",
                file_lock.remedy(error, environment.current()),
            ) from None

    def uses_store(self, name: str) -> bool:
        """Return whether the file sends docker to this credential store."""
        return self._logins(self._bytes())[1] == name

    def _bytes(self) -> bytes:
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise KeychainAbsentError(f"there is no {self.path}") from None
        except OSError as error:
            raise KeychainError(f"{self.path}: {error.strerror}") from None

    def _logins(self, data: bytes) -> Content:
        """Return entries, store, and what is not decoded; KeychainError for no file."""
        try:
            if not self.is_podmans:
                return docker_read.logins(data)
            found = containers.decode(data)
            return found["auths"], "", {}
        except InvalidInputError as error:
            said = error.cause
        except go_json.TooDeepError:
            said = "it is nested too deeply"
        except (ValueError, RecursionError):
            said = "it is not a JSON object to its client"
        raise KeychainError(f"{self.path}: {said}")


def docker(variables: Environment) -> AuthFile:
    """Open docker's configuration."""
    directory = variables.get("DOCKER_CONFIG") or f"{variables.home()}/.docker"
    return AuthFile(f"{directory}/config.json")


def podman(variables: Environment) -> list[AuthFile]:
    """Open those of podman, buildah and skopeo that hold logins, in their order.

    Where REGISTRY_AUTH_FILE names one it is the only one, there or not; where none has
    a login it is the user's own. docker's file, which they read last, is `docker`'s.
    Raises KeychainError for a file at which podman stops.
    """
    first, *others = containers_read.auth_paths(variables)
    if variables.get("REGISTRY_AUTH_FILE"):
        return [AuthFile(first, is_podmans=True)]
    files = [AuthFile(path, is_podmans=True) for path in (first, others[0])]
    found: list[AuthFile] = []
    for file in files:
        try:
            found += [file] if os.path.exists(file.path) and file.users() else []
        except KeychainError:
            # What podman finds before it, it sends without reading this one.
            if not found:
                raise
    return found or files[-1:]


def _same(entry: object, seen: tuple[str, str]) -> bool:
    found = _credential(entry)
    return found is not None and (found.username, found.secret) == seen


def _credential(entry: object) -> Credential | None:
    """Return the credential of an entry that holds a whole one, else None."""
    if not isinstance(entry, dict):
        return None
    found = held(entry)
    return found if found and found.username and found.secret else None
