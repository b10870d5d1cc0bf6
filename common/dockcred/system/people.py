"""The users of this machine: owners of files, members of groups, homes.

Windows has no other user behind sudo, and no systemd unit with a user of its own.
"""

from __future__ import annotations

import functools
import os
import sys

from dockcred import system
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

if sys.platform != "win32":
    import grp
    import pwd


def owner_name(path: str) -> str:
    """Return the name of a path's owner, or the number."""
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
    """Return the home of a user; "" if there is no such user."""
    if sys.platform == "win32":
        return ""
    try:
        return pwd.getpwnam(name).pw_dir if name else ""
    except KeyError:
        return ""


def home_fault(environment: Environment) -> str:
    """Return why nothing can be stored below this user's home, else ""."""
    home = environment.home()
    if not home:
        return f"{system.HOME} is not set, and this user has no home"
    if not os.path.isabs(home):
        return f"{system.HOME} is {home}, which is no absolute path"
    if not os.path.isdir(home):
        return f"the home {home} is no directory that is there"
    return ""


def require_home(environment: Environment, *others: str) -> None:
    """Raise InvalidInputError if nothing can be stored below the home.

    It is no error if one of `others` is set: a variable that names another place. We
    never make a home. Root would make /nonexistent, which must never exist, and a
    relative home would only be found from the current directory.
    """
    if environment.first(*others):
        return
    if fault := home_fault(environment):
        more = f", or {others[0]}" if others else ""
        raise InvalidInputError(fault, f"set {system.HOME} to one that is there{more}")


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
    """Become a user, root without a name; return the user's name if that is refused."""
    person = pwd.getpwnam(name) if name else pwd.getpwuid(0)
    if person.pw_uid == os.geteuid():
        return ""
    if os.geteuid() != 0:
        return person.pw_name
    os.initgroups(person.pw_name, person.pw_gid)
    os.setgid(person.pw_gid)
    os.setuid(person.pw_uid)
    return ""
