"""Who can write a path, and so what our programs say: us and root, or it is refused."""

from __future__ import annotations

import grp
import os
import pwd
import stat

from dockcred.errors import InvalidInputError


def check(path: str) -> None:
    """Raise InvalidInputError if another can write this path or a directory above it.

    For root every part must be root's. A sticky directory (/tmp) may be above.
    """
    part = os.path.realpath(path)
    first = True
    while True:
        status = os.stat(part)
        sticky = status.st_mode & stat.S_ISVTX and not first
        if status.st_uid not in {0, os.geteuid()}:
            raise _refused(path, part, f"belongs to {_user(status.st_uid)}")
        if status.st_mode & stat.S_IWOTH and not sticky:
            raise _refused(path, part, "can be written by everybody")
        if status.st_mode & stat.S_IWGRP and not sticky and _is_shared(status.st_gid):
            raise _refused(path, part, "can be written by its group")
        if part == os.path.dirname(part):
            return
        part, first = os.path.dirname(part), False


def _is_shared(gid: int) -> bool:
    """Tell whether anyone but root and us is in a group."""
    us = {"root", _user(os.geteuid())}
    try:
        members = set(grp.getgrgid(gid).gr_mem)
    except KeyError:
        members = set()
    members |= {user.pw_name for user in pwd.getpwall() if user.pw_gid == gid}
    return bool(members - us)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _refused(path: str, part: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is refused: {part} {why}",
        "use a directory and an interpreter that only you and root can write",
    )
