"""Our own keys: a directory with one file per key, and one that says what each is for.

A registry reads the public keys once, when it starts. So a key is published before
it signs: `next` has been in the registries' file since the last rotation when it
becomes `signing`, and a `retired` one stays there until the next rotation.

A running service sees a rotation by itself. Many services may share the directory;
none but `rotate` writes there. It may also be a Secret of Kubernetes: kubelet mounts it
read-only, each version in a directory of its own, to which one link leads.
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
# A pod that is not root reads a Secret by its group (`fsGroup`), the pod's alone.
_OTHERS_OF_SECRET = 0o027


@dataclass(frozen=True)
class Roles:
    """Which key does what, by its id."""

    signing: str
    next: str
    retired: tuple[str, ...] = ()

    @property
    def published(self) -> tuple[str, ...]:
        """Return the keys that a registry shall believe."""
        return (self.signing, self.next, *self.retired)


class KeyDirectory:
    """The keys in one directory; raises DockcredError where it is not ours alone."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._look: tuple[int, int, int] | None = None
        self._signing: SigningKey | None = None

    def create(self) -> None:
        """Make the directory and its first two keys; there may be none yet."""
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        with self._writing():
            if os.path.lexists(self._file(_ROLES)):
                raise InvalidInputError(
                    f"there are keys in {self.path} already", "use 'rotate'"
                )
            # Keys that a killed call has made before it said what they are for.
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
        """Rotate: the next key signs, a new one follows it, those retired before go."""
        with self._writing():
            old = self.roles()
            new = Roles(old.next, self._new_key(), (old.signing,))
            self._write_roles(new)
            for key_id in self._key_ids() - set(new.published):
                past.remove(self._file(_key_name(key_id)))
        return new

    def roles(self) -> Roles:
        """Read which key does what."""
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
        """Return the key that signs now; it is read again when `rotate` has run."""
        look = self._looks()
        if self._signing is None or look is None or look != self._look:
            self._signing = self._load(self.roles().signing)
            self._look = look
        return self._signing

    def published(self) -> list[SigningKey]:
        """Return the keys that a registry shall believe."""
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
        """Return the keys that there are, whatever they are for."""
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
        """Read a file that is its owner's alone, in a directory that is ours."""
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
        """Return which version of a mounted Secret counts, "" for a plain directory.

        Raise InvalidInputError for what looks like one and could be written.
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
        """Hold the one right to change what is here."""
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
