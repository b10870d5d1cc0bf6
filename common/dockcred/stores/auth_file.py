"""Credentials in the clear, as docker's config.json and podman's auth.json keep them.

A place to import from: it reads, lists and removes, and never writes a secret.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress

from dockcred.clients.edit import ABSENT, json_text, past
from dockcred.clients.entries import decode
from dockcred.credential import Credential
from dockcred.errors import InvalidInputError
from dockcred.stores.problems import KeychainAbsentError, KeychainError
from dockcred.system import file_lock, private_file, shared_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from dockcred.system.environment import Environment


class AuthFile:
    """The `auths` of one file."""

    def __init__(self, path: str) -> None:
        """Resolve links once, so that a changed file stays where the link points."""
        self.path = os.path.realpath(path)
        self._seen: dict[str, tuple[str, str]] = {}

    def read(self, key: str) -> Credential | None:
        """Return the entry's credential, or None where it holds none."""
        found = _credential(self._auths(self._load()).get(key))
        if found is not None:
            self._seen[key] = found.username, found.secret
        return found

    def users(self) -> dict[str, str]:
        """Return every key that holds a credential."""
        auths = self._auths(self._load())
        return {
            key: found.username
            for key, entry in auths.items()
            if (found := _credential(entry)) is not None
        }

    def remove(self, keys: Iterable[str]) -> list[str]:
        """Remove these entries as they were read; return those that were removed.

        All else stays to the byte, also a login that came since, and owner, group, mode
        and links of the file. No copy is left.
        """
        wanted = {key: self._seen[key] for key in keys if key in self._seen}
        with self._held():
            past.record_moved(self.path, wanted)
            for _ in shared_file.attempts():
                before = self._bytes()
                after = text = self._text(before)
                for key, seen in wanted.items():
                    place = "auths", key
                    # A name that stands twice is there again without the last one.
                    while _same(json_text.get(after, place), seen):
                        after = json_text.drop(after, place)
                if after == text or self._replaced(before, after.encode()):
                    past.remove_moved(self.path)
                    auths = self._auths(after)
                    return [key for key in wanted if key not in auths]
        raise KeychainError(
            f"another program goes on changing {self.path}, and it stays as it is",
            "try again when that has ended",
        )

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
                f"{self.path} cannot be written and stays as it was: {error.strerror}"
            ) from None

    def uses_store(self, name: str) -> bool:
        """Return whether the file sends docker to this credential store."""
        return bool(json_text.get(self._load(), ("credsStore",)) == name)

    def _load(self) -> str:
        return self._text(self._bytes())

    def _bytes(self) -> bytes:
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise KeychainAbsentError(f"there is no {self.path}") from None
        except OSError as error:
            raise KeychainError(f"{self.path}: {error.strerror}") from None

    def _text(self, data: bytes) -> str:
        try:
            text = data.decode()
            json_text.get(text, ())
        except (UnicodeDecodeError, InvalidInputError):
            raise KeychainError(f"{self.path} is not a JSON object") from None
        return text

    def _auths(self, text: str) -> dict[str, Any]:
        auths = json_text.get(text, ("auths",))
        if auths is ABSENT or auths is None:
            return {}
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
    config = environment.get("XDG_CONFIG_HOME") or f"{environment.home()}/.config"
    places = (
        environment.get("REGISTRY_AUTH_FILE"),
        f"{runtime}/containers/auth.json" if runtime else "",
        f"/run/containers/{os.geteuid()}/auth.json",
        f"{config}/containers/auth.json",
    )
    found = [place for place in places if place and os.path.exists(place)]
    return AuthFile(found[0] if found else places[-1])


def _same(entry: object, seen: tuple[str, str]) -> bool:
    found = _credential(entry)
    return found is not None and (found.username, found.secret) == seen


def _credential(entry: object) -> Credential | None:
    """Return the credential of an entry that holds a whole one, else None."""
    if not isinstance(entry, dict):
        return None
    try:
        found = decode(entry)
    except ValueError:
        return None
    return found if found and found.username and found.secret else None
