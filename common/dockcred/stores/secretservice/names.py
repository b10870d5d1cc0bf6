"""The Secret Service's names on the bus, the bus's address, and our errors."""

from __future__ import annotations

import os

from dockcred.stores.problems import (
    KeychainAbsentError,
    KeychainError,
    KeychainLockedError,
)
from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment


def find(environment: Environment) -> str:
    """Return the bus's address, or "" if this session has none."""
    if named := environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return named
    # systemd's user bus. libdbus finds it in the same way without the variable.
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return f"unix:path={runtime}/bus" if os.path.exists(f"{runtime}/bus") else ""


def address(environment: Environment) -> str:
    """Return the bus's address; raise KeychainAbsentError if there is none."""
    if found := find(environment):
        return found
    raise KeychainAbsentError(
        "there is no D-Bus session bus here (ssh, container or server), "
        "so no desktop keyring",
        "run 'dockcred vault create' for a vault that needs none",
    )


SERVICE = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
NOTHING = "/"
INTERFACE = "org.freedesktop.Secret"
MAX_WAIT_S = 5.0
WAITING = "waiting for the keyring service, which does not answer"
_LAST_WORDS_S = 0.5

_DBUS = "org.freedesktop.DBus.Error."
_ABSENT = frozenset(
    (f"{_DBUS}ServiceUnknown", f"{_DBUS}NameHasNoOwner", f"{_DBUS}Spawn.ExecFailed")
)
_GONE = frozenset(
    ("org.freedesktop.Secret.Error.NoSuchObject", f"{_DBUS}UnknownObject")
)
_LOCKED = "org.freedesktop.Secret.Error.IsLocked"
FINAL = frozenset((*_ABSENT, f"{_DBUS}NoReply"))
"""The D-Bus errors after which another try is useless."""

SCHEMA = "io.docker.Credentials"
LABEL = "Docker Credentials"
OURS = {"docker_cli": "1"}
"""The attribute by which docker's helper finds its items."""


UNLOCK = (
    "unlock it on the desktop, or run 'gnome-keyring-daemon --replace --unlock' with "
    "the keyring's password on stdin"
)


class ObjectGoneError(KeychainError):
    """The item or collection does not exist any more."""


def bounded(seconds: float) -> float:
    """Return the timeout of a step, so that time is left to report an error.

    In seconds. It is `seconds`, or half of the remaining time if that is more, but
    never more than the remaining time. _LAST_WORDS_S of the call do not count.
    """
    left = process.remaining_s() - _LAST_WORDS_S
    usual = seconds if left == float("inf") else max(seconds, left / 2)
    return max(0.1, min(usual, left))


def no_answer(seconds: float) -> KeychainError:
    """Return the error for a service that did not answer in time."""
    return KeychainError(
        f"the keyring service does not answer (waited {seconds:.2g} s)",
        "look for an unlock prompt on the desktop, or restart the service",
    )


def bus_gone(error: OSError) -> KeychainError:
    """Return the error for a connection that broke."""
    return KeychainError(
        f"the D-Bus session bus went away ({type(error).__name__})",
        "log in to the desktop session again",
    )


def refusal(name: str) -> KeychainError:
    """Return our error for a D-Bus error with this name."""
    if name in _ABSENT:
        return KeychainAbsentError(
            "no program on the D-Bus session bus keeps secrets",
            "start gnome-keyring, KWallet or KeePassXC, or run "
            "'dockcred vault create' for a vault that needs none",
        )
    if name in _GONE:
        return ObjectGoneError("the keyring's item is no longer there", "try again")
    if name == _LOCKED:
        return KeychainLockedError("the keyring is locked", UNLOCK)
    if name == f"{_DBUS}NoReply":
        return KeychainError(
            "the keyring service ended while it was asked", "start it again"
        )
    return KeychainError(
        f"the keyring service refused with {name or 'an error'}",
        "see that service's log",
    )
