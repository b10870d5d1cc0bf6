"""The layout of `docker-credential-pass`, with room for every user name.

    docker-credential-helpers/<base64url of the URL>/<user name>.gpg

A user name that is no file name (a slash, `..`) is kept as `base64url:…`, which that
helper shows as the user but whose secret it reads. What it wrote itself for such a
name lies in subdirectories, and is found there.
"""

from __future__ import annotations

import binascii
import os

from dockcred.errors import InvalidInputError

FOLDER = "docker-credential-helpers"
SUFFIX = ".gpg"
_ENCODED = "base64url:"
_MAX_NAME_BYTES = 255
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def key_directory(key: str) -> str:
    """Answer a key's directory below the store's root."""
    return f"{FOLDER}/{_encoded(key)}"


def key_of(directory: str) -> str | None:
    """Answer the key whose directory has this name, or None if it is not one."""
    try:
        return _decoded(directory)
    except ValueError:
        return None


def user_file(user: str) -> str:
    """Answer the name of a user's entry, without the suffix, safe in a path."""
    safe = not user.startswith((".", _ENCODED)) and "/" not in user
    if not safe or not user.isprintable():
        user = _ENCODED + _encoded(user)
    return user


def user_of(name: str) -> str:
    """Answer the user of an entry's name."""
    if name.startswith(_ENCODED):
        try:
            return _decoded(name.removeprefix(_ENCODED))
        except ValueError:
            return name
    return name


def entry(key: str, user: str) -> str:
    """Answer the entry's name below the store's root, as `pass` takes it."""
    path = f"{key_directory(key)}/{user_file(user)}"
    longest = max(len(os.fsencode(part)) for part in path.split("/"))
    if longest > _MAX_NAME_BYTES - len(SUFFIX):
        raise InvalidInputError(
            "the server URL or the user name is too long for a file's name",
            "use another store, such as the vault",
        )
    return path


def entries(root: str, key: str) -> list[tuple[str, str]]:
    """Answer (entry, user) of a key's files, the one written last first.

    Raises KeychainError where they cannot be listed: that is not "none is kept".
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
    """Answer every key that has a directory; KeychainError where none can be listed."""
    try:
        names = os.listdir(f"{root}/{FOLDER}")
    except OSError as error:
        _refuse(error)
        return []
    return [key for name in names if (key := key_of(name)) is not None]


def _refuse(error: OSError) -> None:
    """Raise KeychainError, but not for a directory that is not there."""
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return
    from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - at a failure

    raise KeychainError(
        f"the password store cannot be searched: {error.strerror}",
        f"look at {error.filename}",
    )


def _encoded(text: str) -> str:
    """Write as base64url; base64 itself would import re: 20 M instructions."""
    encoded = binascii.b2a_base64(text.encode(), newline=False)
    return encoded.translate(_TO_URL_SAFE).decode()


def _decoded(text: str) -> str:
    """Read base64url; ValueError for what is none."""
    return binascii.a2b_base64(text.encode().translate(_FROM_URL_SAFE)).decode()


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
