"""A company's registry in the sandbox: one user, one password, and its places."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from dockcred.testing.sandbox.home import path_led_by, write_private
from dockcred.testing.sandbox.service import Minted, Service, Subject

HOST = "registry.corp.example"
USER = "robot"
_MODE = 0o700


def in_file(registry: CompanyRegistry, home: Path) -> dict[str, str]:
    """Have the password in a file."""
    path = write_private(home / "password", f"{registry.password}\n".encode(), 0o600)
    return {
        "DOCKCRED_SECRET_USERNAME": USER,
        "DOCKCRED_SECRET_PASSWORD_FILE": str(path),
    }


def in_variable(registry: CompanyRegistry, home: Path) -> dict[str, str]:
    """Have the password in a variable."""
    del home
    return {
        "DOCKCRED_SECRET_USERNAME": USER,
        "DOCKCRED_SECRET_PASSWORD_VARIABLE": "REGISTRY_PASSWORD",
        "REGISTRY_PASSWORD": registry.password,
    }


def by_command(registry: CompanyRegistry, home: Path) -> dict[str, str]:
    """Have a program print user, password and end."""
    answer = {
        "username": USER,
        "password": registry.password,
        "expiry": registry.ends,
    }
    kept = write_private(home / "answer", json.dumps(answer).encode(), 0o600)
    program = home / "bin/print-secret"
    script = f'#!/bin/sh\ncat "{kept}"\necho asked >>"$HOME/asked"\n'
    write_private(program, script.encode(), _MODE)
    return path_led_by(program.parent) | {
        "DOCKCRED_SECRET_PASSWORD_COMMAND": "print-secret",
    }


def nobody(registry: CompanyRegistry, home: Path) -> dict[str, str]:
    """Have nothing that says where the password is."""
    del registry, home
    return {}


IDENTITIES: dict[str, Callable[[CompanyRegistry, Path], dict[str, str]]] = {
    f"secret-{identity.__name__.replace('_', '-')}": identity
    for identity in (in_file, in_variable, by_command, nobody)
}


class CompanyRegistry:
    """One registry with one password, until a test changes it."""

    identities = IDENTITIES
    subject = Subject(
        provider="secret",
        hosts=(HOST,),
        nobody="secret-nobody",
        somebody="secret-by-command",
    )
    needs_tls = True
    services: tuple[Service, ...] = ()

    def __init__(self, life_s: float) -> None:
        self.ends = time.time() + life_s
        self.password = secrets.token_hex(16)

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        del url, tls  # clients use its real name only
        return IDENTITIES[identity](self, home)

    def minted(self, password: str) -> Minted | None:
        """Return what a password was issued for; None if it is another one."""
        if password != self.password:
            return None
        return Minted("secret", "", HOST, USER, USER, "", self.ends)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        is_here = host.lower().partition(":")[0] == HOST and now < self.ends
        return is_here and (username, password) == (USER, self.password)


CLOUD = CompanyRegistry
