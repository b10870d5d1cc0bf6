"""Our own keys: a directory with one file per key, and one with the keys' roles.

A registry reads the public keys once, when it starts. So a key is published before it
signs: when `next` becomes `signing`, it has been in the registries' file since the last
rotation. A `retired` key stays in the file until the next rotation.

A running service notices a rotation by itself. Several services may share the
directory; only `rotate` writes there. It may also be a Kubernetes Secret. kubelet
mounts that read-only, with each version in its own directory, and a link to the current
one.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dockcred.clients.edit import past
from dockcred.commands.token_service.signing_key import SigningKey
from dockcred.errors import InvalidInputError, MissingIdentityError
from dockcred.system import private_file
from dockcred.system.file_lock import FileLock

_ROLES = "roles.json"
_START, _END = "key-", ".pem"
_FIRST_KEYS = 2
_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_VERSION = "..data"
# A pod that is not root reads a Secret through a group that only the pod has
# (`fsGroup`).
_OTHERS_OF_SECRET = 0o027


@dataclass(frozen=True)
class Roles:
    """The role of each key, by the key's id."""

    signing: str
    next: str
    retired: tuple[str, ...] = ()

    @property
    def published(self) -> tuple[str, ...]:
        """Return the ids of the keys that a registry must trust."""
        return (self.signing, self.next, *self.retired)


class KeyDirectory:
    """The keys in one directory; DockcredError if other users have access to it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._look: tuple[int, int, int] | None = None
        self._signing: SigningKey | None = None

    def create(self) -> None:
        """Create the directory and two keys; InvalidInputError if roles exist."""
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        with self._writing():
            if os.path.lexists(self._file(_ROLES)):
                raise InvalidInputError(
                    f"there are keys in {self.path} already", "use 'rotate'"
                )
            # A killed call may have made keys before it wrote their roles.
            made = sorted(self._key_ids())
            if len(made) > _FIRST_KEYS:
                raise InvalidInputError(
                    f"there are keys in {self.path}, but no {_ROLES}",
                    "bring it back from a backup, or name a new directory",
                )
            while len(made) < _FIRST_KEYS:
                made.append(self._new_key())
            signing, following = made
            self._write_roles(Roles(signing, following))

    def rotate(self) -> Roles:
        """Rotate the keys; return the new roles.

        The next key becomes the signing key, a new key becomes the next. The signing
        key is retired, and keys retired before are removed.
        """
        with self._writing():
            old = self.roles()
            new = Roles(old.next, self._new_key(), (old.signing,))
            self._write_roles(new)
            for key_id in self._key_ids() - set(new.published):
                past.remove(self._file(_key_name(key_id)))
        return new

    def roles(self) -> Roles:
        """Read the roles; raise DockcredError if they are missing or damaged."""
        try:
            found = json.loads(self._read(_ROLES))
            retired = tuple(map(str, found["retired"]))
            return Roles(str(found["signing"]), str(found["next"]), retired)
        except FileNotFoundError:
            raise MissingIdentityError(
                f"there are no keys in {self.path}",
                f"run: dockcred token-service keygen --keys {self.path}",
            ) from None
        except (ValueError, KeyError, TypeError):
            raise InvalidInputError(
                f"{self._file(_ROLES)} does not say which key signs",
                "bring it back from a backup, or make keys in a new directory",
            ) from None

    def signing_key(self) -> SigningKey:
        """Return the signing key; it is read again after a rotation."""
        look = self._looks()
        if self._signing is None or look is None or look != self._look:
            self._signing = self._load(self.roles().signing)
            self._look = look
        return self._signing

    def published(self) -> list[SigningKey]:
        """Return the keys that a registry must trust."""
        return [self._load(key_id) for key_id in self.roles().published]

    def _looks(self) -> tuple[int, int, int] | None:
        try:
            status = os.stat(self._file(_ROLES))
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _new_key(self) -> str:
        key = SigningKey.generate()
        private_file.replace(self._file(_key_name(key.id)), key.pem())
        return key.id

    def _key_ids(self) -> set[str]:
        """Return the ids of all keys in the directory, whatever their role."""
        names = [name for name in os.listdir(self.path) if name.startswith(_START)]
        return {
            name.removeprefix(_START).removesuffix(_END)
            for name in names
            if name.endswith(_END)
        }

    def _load(self, key_id: str) -> SigningKey:
        name = _key_name(key_id)
        try:
            return SigningKey.from_pem(self._read(name))
        except FileNotFoundError:
            raise InvalidInputError(
                f"the key {self._file(name)} is gone", "bring it back"
            ) from None

    def _write_roles(self, roles: Roles) -> None:
        text = {"signing": roles.signing, "next": roles.next, "retired": roles.retired}
        private_file.replace(self._file(_ROLES), f"{json.dumps(text)}\n".encode())

    def _read(self, name: str) -> bytes:
        """Read a file; raise InvalidInputError if other users have access."""
        version = self._version()
        if not version:
            self._check_directory()
        path = f"{self.path}/{version}/{name}" if version else self._file(name)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(path, flags), "rb") as file:
            forbidden = _OTHERS_OF_SECRET if version else _OTHERS
            _check(path, os.fstat(file.fileno()), forbidden)
            return file.read()

    def _version(self) -> str:
        """Return the current version of a mounted Secret, "" for a plain directory.

        Raises InvalidInputError if it looks like a Secret but is writable.
        """
        link = self._file(_VERSION)
        if not os.path.islink(link):
            return ""
        if not os.statvfs(self.path).f_flag & os.ST_RDONLY:
            raise InvalidInputError(
                f"{self.path} is no Secret: it can be written", "mount it readOnly"
            )
        return os.path.basename(os.readlink(link))

    def _check_directory(self) -> None:
        _check(self.path, os.stat(self.path), _OTHERS_WRITE)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock for changes; raise InvalidInputError for a mounted Secret."""
        if os.path.lexists(self._file(_VERSION)):
            raise InvalidInputError(
                f"the keys in {self.path} are a mounted Secret",
                "rotate where they were made, and apply the Secret again",
            )
        self._check_directory()
        with FileLock(self._file(".lock"), stays=True):
            private_file.remove_leftovers(self.path)
            yield

    def _file(self, name: str) -> str:
        return f"{self.path}/{name}"


def _key_name(key_id: str) -> str:
    return f"{_START}{os.path.basename(key_id)}{_END}"


def _check(path: str, status: os.stat_result, forbidden: int) -> None:
    if status.st_uid not in {os.geteuid(), 0}:
        raise InvalidInputError(
            f"{path} belongs to uid {status.st_uid}", "run the service as that user"
        )
    if stat.S_IMODE(status.st_mode) & forbidden:
        raise InvalidInputError(
            f"{path} is open to others", f"run: chmod go-rwx {path}"
        )
