"""Places for secrets that `doctor --self-test` makes, locks and removes.

A place is a new vault, password store, keyring or keychain, in a directory that is
removed with it. Nothing of the person's own is locked.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from contextlib import contextmanager, suppress

from dockcred.system import private_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Variables = dict[str, str]
    Place = tuple[Variables, Callable[[], object]]

_START_S = 10.0
_RUN_S = 60.0


class NotHereError(Exception):
    """No such place can be made here; the text says why."""


@contextmanager
def place(store: str, directory: str, variables: Variables) -> Iterator[Place]:
    """Yield the environment variables of an open place, and a function that locks it.

    `store` is one of PLACES. Raises NotHereError if none can be made here.
    """
    with PLACES[store](directory, variables) as found:
        yield found


@contextmanager
def _vault(directory: str, variables: Variables) -> Iterator[Place]:
    """Make a vault; to lock it, its key file is removed."""
    from dockcred.stores import vault, vault_key  # noqa: PLC0415 - an extra

    path, key_file = f"{directory}/vault", f"{directory}/key"
    key = os.urandom(32)
    vault_key.write_key(key_file, key)
    vault.create(path, key, {"kind": "random", "path": key_file})
    kept = {n: v for n, v in variables.items() if not n.startswith("DOCKCRED_VAULT_")}
    kept["DOCKCRED_VAULT_FILE"] = path
    yield kept, lambda: os.unlink(key_file)


@contextmanager
def _pass(directory: str, variables: Variables) -> Iterator[Place]:
    """Make a password store; to lock it, its private key is removed."""
    gpg = f"{directory}/gpg"
    os.mkdir(gpg, 0o700)
    own = variables | {"GNUPGHOME": gpg, "PASSWORD_STORE_DIR": f"{directory}/store"}
    name = "dockcred-self-test@example.invalid"
    quietly = ("gpg", "--batch", "--quiet", "--passphrase", "")
    kind = ("default", "default", "never")

    def lock() -> None:
        _run(own, "gpgconf", "--kill", "all")
        shutil.rmtree(f"{gpg}/private-keys-v1.d")

    try:
        _run(own, *quietly, "--quick-generate-key", name, *kind)
        _run(own, "pass", "init", name)
        yield own, lock
    finally:
        with suppress(NotHereError):
            _run(own, "gpgconf", "--kill", "all")


@contextmanager
def _secret_service(directory: str, variables: Variables) -> Iterator[Place]:
    """Start gnome-keyring on a bus of its own.

    To lock it, it is restarted without its password.
    """
    bus = f"unix:path={directory}/bus"
    own = variables | {
        "DBUS_SESSION_BUS_ADDRESS": bus,
        "XDG_RUNTIME_DIR": directory,
        "XDG_DATA_HOME": f"{directory}/data",
        "HOME": directory,
    }
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "GNOME_KEYRING_CONTROL"):
        own.pop(name, None)
    written = _BUS.format(bus).encode()
    private_file.replace(f"{directory}/bus.conf", written, private_file.NEW_FILE)
    started: list[subprocess.Popen[bytes]] = []

    def keyring(*words: str, text: str = "") -> None:
        options = ("--foreground", "--components=secrets", *words)
        started.append(_start(own, "gnome-keyring-daemon", *options, text=text))
        _wait_for(lambda: _has_keyring(own), "gnome-keyring-daemon")

    def lock() -> None:
        _end(started.pop())
        _wait_for(lambda: not _has_keyring(own), "the end of gnome-keyring-daemon")
        keyring()

    try:
        started.append(
            _start(
                own, "dbus-daemon", f"--config-file={directory}/bus.conf", "--nofork"
            )
        )
        _wait_for(lambda: os.path.exists(f"{directory}/bus"), "dbus-daemon")
        keyring("--unlock", text=secrets.token_hex(16))
        yield own, lock
    finally:
        for child in reversed(started):
            _end(child)


_BUS = (
    "<busconfig><type>session</type><listen>{}</listen>"
    '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
    '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>'
)


def _has_keyring(variables: Variables) -> bool:
    try:
        answer = _run(
            variables,
            *("dbus-send", "--session", "--print-reply=literal"),
            *("--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"),
            *("org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"),
        )
    except NotHereError:
        return False
    return "true" in answer


@contextmanager
def _keychain(directory: str, variables: Variables) -> Iterator[Place]:
    """Make a keychain of macOS, the default one of a home of its own."""
    own = variables | {"HOME": directory}
    os.makedirs(f"{directory}/Library/Keychains")
    os.makedirs(f"{directory}/Library/Preferences")
    path = f"{directory}/Library/Keychains/self-test.keychain-db"
    _run(own, "security", "create-keychain", "-p", secrets.token_hex(16), path)
    try:
        _run(own, "security", "list-keychains", "-d", "user", "-s", path)
        _run(own, "security", "default-keychain", "-d", "user", "-s", path)
        yield own, lambda: _run(own, "security", "lock-keychain", path)
    finally:
        with suppress(NotHereError):
            _run(own, "security", "delete-keychain", path)


PLACES = {
    "vault": _vault,
    "pass": _pass,
    "secretservice": _secret_service,
    "osxkeychain": _keychain,
}


def _run(variables: Variables, *command: str, text: str = "") -> str:
    """Run to the end and return stdout; NotHereError where it fails."""
    try:
        done = subprocess.run(
            [_program(command[0], variables), *command[1:]],
            input=text.encode(),
            env=variables,
            capture_output=True,
            timeout=_RUN_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        raise NotHereError(f"{command[0]} does not run here") from None
    if done.returncode:
        raise NotHereError(f"{command[0]} ended with {done.returncode}")
    return done.stdout.decode("utf-8", "replace")


def _start(
    variables: Variables, *command: str, text: str = ""
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that Ctrl-C does not reach it."""
    child = subprocess.Popen(
        [_program(command[0], variables), *command[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=variables,
        start_new_session=True,
    )
    if child.stdin:
        with suppress(OSError), child.stdin as stdin:
            stdin.write(text.encode())
    return child


def _program(name: str, variables: Variables) -> str:
    if found := shutil.which(name, path=variables.get("PATH", os.defpath)):
        return found
    raise NotHereError(f"{name} is not installed")


def _wait_for(ready: Callable[[], bool], name: str) -> None:
    give_up = time.monotonic() + _START_S
    while not ready():
        if time.monotonic() > give_up:
            raise NotHereError(f"{name} did not come within {_START_S:g} s")
        time.sleep(0.02)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
