"""Who can write a path, and so what our programs say: us and root, or it is refused."""

from __future__ import annotations

import functools
import grp
import os
import pwd
import stat

from dockcred.errors import InvalidInputError

_ACL = "system.posix_acl_access"


def check(path: str) -> None:
    """Raise InvalidInputError if another can write this path or a directory above it.

    For root every part must be root's. A sticky directory (/tmp) may be above.
    """
    part = os.path.realpath(path)
    check_one(part, path)
    while part != os.path.dirname(part):
        part = os.path.dirname(part)
        check_one(part, path, is_above=True)


def check_one(part: str, path: str = "", *, is_above: bool = False) -> None:
    """Raise InvalidInputError if another can write this very file or directory.

    `path` is what it is a part of, for the message.
    """
    if why := problem(os.stat(part), part, is_above=is_above):
        raise InvalidInputError(
            f"{path or part} is refused: {part} {why}",
            "use a directory and an interpreter that only you and root can write",
        )


def problem(status: os.stat_result, part: str, *, is_above: bool = False) -> str:
    """Return why others can write a part, nothing where they cannot."""
    sticky = is_above and status.st_mode & stat.S_ISVTX
    if status.st_uid not in {0, os.geteuid()}:
        return f"belongs to {_user(status.st_uid)}"
    if sticky:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    if status.st_mode & stat.S_IWGRP:
        if _is_shared(status.st_gid, os.geteuid()):
            return "can be written by its group"
        # An access control list shows as the group's bits, whoever it names.
        if _has_list(part):
            return "can be written by those in its access control list"
    return ""


def _has_list(path: str) -> bool:
    try:
        return bool(os.getxattr(path, _ACL))
    except (OSError, AttributeError):
        return False


@functools.cache
def _is_shared(gid: int, uid: int) -> bool:
    """Tell whether anyone but root and a user is in a group."""
    us = {"root", _user(uid)}
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
