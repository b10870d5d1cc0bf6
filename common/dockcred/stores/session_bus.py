"""Where the D-Bus session bus is, found without starting one."""

from __future__ import annotations

import os

from dockcred.stores.problems import KeychainAbsentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment


def find(environment: Environment) -> str:
    """Answer the bus's address, or nothing where this session has none."""
    if named := environment.get("DBUS_SESSION_BUS_ADDRESS"):
        return named
    # systemd's user bus, as libdbus finds it where the variable is not passed on.
    runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return f"unix:path={runtime}/bus" if os.path.exists(f"{runtime}/bus") else ""


def address(environment: Environment) -> str:
    """Answer the bus's address; KeychainAbsentError where there is none."""
    if found := find(environment):
        return found
    raise KeychainAbsentError(
        "there is no D-Bus session bus here (ssh, container or server), "
        "so no desktop keyring",
        "run 'dockcred vault create' for a vault that needs none",
    )
