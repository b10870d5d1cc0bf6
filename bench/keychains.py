"""Make a keyring or a password store for a row, filled by the peer's `store`."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECRET = "correct horse battery staple"
NAMES = ("secretservice", "pass")


@contextmanager
def open_store(name: str, peer: str, host: str, path: str) -> Iterator[dict[str, str]]:
    """Make a new store with one item that the peer stored; yield its environment."""
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        home.chmod(0o700)
        environment = {"PATH": path, "HOME": directory, "LANG": "C.UTF-8"}
        environment |= {"DOCKCRED_STORE": name, "XDG_RUNTIME_DIR": directory}
        opened = _keyring if name == "secretservice" else _password_store
        with opened(home, environment) as more:
            environment |= more
            item = {"ServerURL": host, "Username": "robot", "Secret": SECRET}
            _run([peer, "store"], environment, json.dumps(item))
            yield environment


@contextmanager
def _keyring(home: Path, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Start a session bus and an unlocked gnome-keyring on it."""
    bus = f"unix:path={home}/bus"
    session = {"DBUS_SESSION_BUS_ADDRESS": bus}
    daemon = ["dbus-daemon", "--session", "--nofork", "--print-address"]
    with subprocess.Popen(
        [*daemon, f"--address={bus}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        keyring = ["gnome-keyring-daemon", "--foreground", "--unlock"]
        with subprocess.Popen(
            [*keyring, "--components=secrets"],
            env=environment | session,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as unlocked:
            assert unlocked.stdin
            assert unlocked.stdout
            unlocked.stdin.write(b"a password for the login keyring")
            unlocked.stdin.close()
            try:
                unlocked.stdout.readline()
                yield session
            finally:
                unlocked.terminate()
                process.terminate()


@contextmanager
def _password_store(
    home: Path, environment: dict[str, str]
) -> Iterator[dict[str, str]]:
    """Make a key without a passphrase and a password store; stop the agent at the end.

    The key is GnuPG's default since 2.3 (ed25519 with cv25519). With the default of
    2.2, RSA of 3072 bits, the agent takes 7 ms more, for both programs.
    """
    (home / "gnupg").mkdir(mode=0o700)
    store = {
        "GNUPGHOME": f"{home}/gnupg",
        "PASSWORD_STORE_DIR": f"{home}/store",
    }
    name = "bench@example.com"
    quietly = ["gpg", "--batch", "--passphrase", ""]
    key = ["--quick-generate-key", name, "future-default", "default", "never"]
    _run([*quietly, *key], environment | store)
    _run(["pass", "init", name], environment | store)
    try:
        yield store
    finally:
        _run(["gpgconf", "--kill", "gpg-agent"], environment | store)


def _run(argv: list[str], environment: dict[str, str], text: str = "") -> None:
    subprocess.run(
        argv, env=environment, input=text, text=True, check=True, capture_output=True
    )
