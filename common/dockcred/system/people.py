"""The people of this machine: whose a file is, who shares a group, where a home is.

On Windows nobody is another behind sudo, and no unit has a user of its own.
"""

from __future__ import annotations

import functools
import os
import sys

if sys.platform != "win32":
    import grp
    import pwd


def owner_name(path: str) -> str:
    """Return the name of the user whom a path belongs to, or the number."""
    if sys.platform == "win32":
        from dockcred.system.windows import access  # noqa: PLC0415 - its half

        return access.owner_name(path)
    return name_of(os.stat(path).st_uid)


def name_of(uid: int) -> str:
    """Return a user's name, or the number."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def home_of(name: str) -> str:
    """Return the home of a user; nothing where nobody is called so."""
    if sys.platform == "win32":
        return ""
    try:
        return pwd.getpwnam(name).pw_dir if name else ""
    except KeyError:
        return ""


@functools.cache
def is_shared(gid: int, uid: int) -> bool:
    """Return whether anyone but root and a user is in a group."""
    us = {"root", name_of(uid)}
    try:
        members = set(grp.getgrgid(gid).gr_mem)
    except KeyError:
        members = set()
    members |= {user.pw_name for user in pwd.getpwall() if user.pw_gid == gid}
    return bool(members - us)


def become(name: str) -> str:
    """Run as a user, root without a name, from now on; return whose it is instead."""
    person = pwd.getpwnam(name) if name else pwd.getpwuid(0)
    if person.pw_uid == os.geteuid():
        return ""
    if os.geteuid() != 0:
        return person.pw_name
    os.initgroups(person.pw_name, person.pw_gid)
    os.setgid(person.pw_gid)
    os.setuid(person.pw_uid)
    return ""
