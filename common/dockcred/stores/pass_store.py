"""The password store of `pass`, in the layout of docker's own `pass` helper."""

from __future__ import annotations

import binascii
import os

from dockcred.credential import Credential
from dockcred.errors import InvalidInputError
from dockcred.stores import external

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.stores.guarded_file import StoreLock
    from dockcred.system.environment import Environment

FOLDER = "docker-credential-helpers"
SUFFIX = ".gpg"
_ENCODED = "base64url:"
_MAX_NAME_BYTES = 255
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def key_directory(key: str) -> str:
    """Return a key's directory below the store's root."""
    return f"{FOLDER}/{_encoded(key)}"


def key_of(directory: str) -> str | None:
    """Return the key of a directory's name, or None if it is not a key's."""
    try:
        return _decoded(directory)
    except ValueError:
        return None


def user_file(user: str) -> str:
    """Return the file name of a user's entry, without the suffix, safe in a path."""
    safe = not user.startswith((".", _ENCODED)) and "/" not in user
    if not safe or not user.isprintable():
        user = _ENCODED + _encoded(user)
    return user


def user_of(name: str) -> str:
    """Return the user in the name of an entry."""
    if name.startswith(_ENCODED):
        try:
            return _decoded(name.removeprefix(_ENCODED))
        except ValueError:
            return name
    return name


def entry(key: str, user: str) -> str:
    """Return the entry's path below the store's root, as `pass` takes it.

    Raises InvalidInputError if a part is too long for a file name.
    """
    path = f"{key_directory(key)}/{user_file(user)}"
    longest = max(len(os.fsencode(part)) for part in path.split("/"))
    if longest > _MAX_NAME_BYTES - len(SUFFIX):
        raise InvalidInputError(
            "the server URL or the user name is too long for a file's name",
            "use another store, such as the vault",
        )
    return path


def entries_of(root: str, key: str) -> list[tuple[str, str]]:
    """Return (entry, user) of each of a key's files, the last written first.

    Raises KeychainError if they cannot be listed: that must not count as "no entry".
    """
    top = key_directory(key)
    found = []
    for directory, _, files in os.walk(f"{root}/{top}", onerror=_refuse):
        for file in files:
            path = f"{directory}/{file}"
            if file.endswith(SUFFIX):
                name = path.removeprefix(f"{root}/{top}/").removesuffix(SUFFIX)
                found.append((_modified(path), f"{top}/{name}", user_of(name)))
    found.sort(reverse=True)
    return [(name, user) for _, name, user in found]


def keys(root: str) -> list[str]:
    """Return every key that has a directory; KeychainError if they cannot be listed."""
    try:
        names = os.listdir(f"{root}/{FOLDER}")
    except OSError as error:
        _refuse(error)
        return []
    return [key for name in names if (key := key_of(name)) is not None]


def _refuse(error: OSError) -> None:
    """Raise KeychainError, except for a missing directory."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return
    from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - at a failure

    raise KeychainError(
        f"the password store cannot be searched: {error.strerror}",
        f"look at {error.filename}",
    )


def _encoded(text: str) -> str:
    """Return base64url. The module base64 would import re: 20 M instructions."""
    encoded = binascii.b2a_base64(text.encode(), newline=False)
    return encoded.translate(_TO_URL_SAFE).decode()


def _decoded(text: str) -> str:
    """Return the text in base64url; raise ValueError for invalid input."""
    return binascii.a2b_base64(text.encode().translate(_FROM_URL_SAFE)).decode()


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


_LINE_END = "\n"
_DECRYPT = ("--quiet", "--yes", "--batch", "--status-fd", "2", "--decrypt")
_TYPING = b"[GNUPG:] PINENTRY_LAUNCHED"
"""gpg's status line when its agent asks a person for a passphrase (doc/DETAILS)."""


class PassStore:
    """docker's entries in a password store."""

    def __init__(self, environment: Environment) -> None:
        """Locate the store; raise KeychainAbsentError if it was never initialised."""
        self._environment = environment
        named = environment.get("PASSWORD_STORE_DIR")
        root = named or f"{environment.home()}/.password-store"
        # Like `pass`, do not expand a ~ in it.
        self._root = root if root[0] == "/" else f"{os.getcwd()}/{root}"
        places = (self._root, f"{self._root}/{FOLDER}")
        if not environment.get("PASSWORD_STORE_KEY") and not any(
            os.path.exists(f"{place}/.gpg-id") for place in places
        ):
            from dockcred.stores.problems import KeychainAbsentError  # noqa: PLC0415 - only here

            raise KeychainAbsentError(
                "pass has no store here yet", "run 'pass init' with the id of a GPG key"
            )
        self._variables = external.variables(environment)
        if named:
            self._variables["PASSWORD_STORE_DIR"] = self._root

    def read(self, key: str) -> Credential | None:
        """Return the key's credential, or None.

        If another program has left several entries, the last written one counts.
        """
        for name, user in entries_of(self._root, key):
            return Credential(user, self._decrypt(name))
        return None

    def write(self, key: str, credential: Credential) -> None:
        """Insert the entry, then remove the key's other entries, under one lock."""
        with self._held():
            self._write(key, credential)

    def _write(self, key: str, credential: Credential) -> None:
        name = entry(key, credential.username)
        # `read` removes one line end, because editors add one.
        ending = _LINE_END if credential.secret.endswith(_LINE_END) else ""
        self._pass(
            "insert", "-m", "-f", name, text=(credential.secret + ending).encode()
        )
        for other, _ in entries_of(self._root, key):
            if other != name:
                self._pass("rm", "-f", other)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove every entry of these keys."""
        with self._held():
            for key in keys:
                for name, _ in entries_of(self._root, key):
                    self._pass("rm", "-f", name)

    def users(self) -> dict[str, str]:
        """Return every key with the user of its last written entry."""
        return {
            key: entries[0][1]
            for key in keys(self._root)
            if (entries := entries_of(self._root, key))
        }

    def _held(self) -> StoreLock:
        """Return the lock. Its file is removed after use: git may track the folder."""
        from dockcred.stores.guarded_file import StoreLock  # noqa: PLC0415 - a writer's

        path = f"{self._root}/.{FOLDER}.lock"
        return StoreLock(path, "the password store", stays=False)

    def _decrypt(self, name: str) -> str:
        gpg = external.find("gpg", self._environment, "install gnupg")
        # Split at white space: `pass` is a shell script, and does the same.
        options = self._variables.get(external.GPG_OPTIONS, "").split()
        file = f"{self._root}/{name}{SUFFIX}"
        ended = external.run(
            [gpg, *options, *_DECRYPT, file], self._variables, b"", _TYPING
        )
        if ended.status:
            from dockcred.stores.problems import not_decrypted  # noqa: PLC0415 - only here

            raise not_decrypted(ended.errors, name)
        return ended.output.removesuffix(_LINE_END)

    def _pass(self, *arguments: str, text: bytes = b"") -> None:
        program = external.find("pass", self._environment, "install pass")
        ended = external.run([program, *arguments], self._variables, text)
        if ended.status:
            from dockcred.stores.problems import pass_failed  # noqa: PLC0415 - only here

            raise pass_failed(arguments[0], ended.errors)
