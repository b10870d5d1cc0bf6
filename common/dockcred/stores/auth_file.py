"""Read the plain credentials in docker's config.json and podman's auth.json.

Credentials are imported from these files: we read, list and remove them, and never
write a secret. A file is read exactly as its client reads it. `undecoded` names the
entries that the client cannot decode.
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
        """Resolve links once, so that a link's target is changed and not the link.

        A file named auth.json, or one with `is_podmans`, is read as podman reads it.
        Any other file is read as docker reads it.
        """
        self.path = os.path.realpath(path)
        self.is_podmans = is_podmans or os.path.basename(path) == "auth.json"
        self._seen: dict[str, tuple[str, str]] = {}

    def read(self, key: str) -> Credential | None:
        """Return the entry's credential, or None if it has none."""
        found = _credential(self._logins(self._bytes())[0].get(key))
        if found is not None:
            self._seen[key] = found.username, found.secret
        return found

    def users(self) -> dict[str, str]:
        """Return the user of every key that has a credential."""
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
        """Remove these entries if they are still as they were read; return their keys.

        All other bytes stay, also those of a newer login, and so do owner, group, mode
        and links of the file. No copy is left. Raises KeychainError on a failure.
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
        """Return the text without these logins.

        Raises KeychainError if the text is not one JSON object.
        """
        try:
            text = data.decode()
            for key, seen in wanted.items():
                # If a name is there twice, removing the last one leaves the first.
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
        """Remove what a killed `remove` has left beside the file, if possible."""
        with suppress(KeychainError, InvalidInputError), self._held():
            past.remove_moved(self.path)

    def _replaced(self, before: bytes, after: bytes) -> bool:
        """Replace the text; return whether it is still so after other writers ended.

        Raises KeychainError if another writer does not end in time.
        """
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
        """Hold the file's lock, and remove the leftovers of killed writers."""
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
        """Return whether the file names this credential store for docker."""
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
        """Return the entries, the store's name, and why some cannot be decoded.

        Raises KeychainError if the client could not read the text.
        """
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
    """Return docker's configuration file."""
    directory = variables.get("DOCKER_CONFIG") or f"{variables.home()}/.docker"
    return AuthFile(f"{directory}/config.json")


def podman(variables: Environment) -> list[AuthFile]:
    """Return the files with logins of podman, buildah and skopeo, in their order.

    If REGISTRY_AUTH_FILE names a file, that is the only one, even if it is missing. If
    no file has a login, the user's own is returned. docker's file, which these clients
    read last, is not included (see `docker`). Raises KeychainError for a file at which
    podman stops with an error.
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
            # With a login from an earlier file, podman need not read this file.
            if not found:
                raise
    return found or files[-1:]


def _same(entry: object, seen: tuple[str, str]) -> bool:
    found = _credential(entry)
    return found is not None and (found.username, found.secret) == seen


def _credential(entry: object) -> Credential | None:
    """Return an entry's credential if it has a user and a secret, else None."""
    if not isinstance(entry, dict):
        return None
    found = held(entry)
    return found if found and found.username and found.secret else None
