"""The standard Unix password manager, `pass` (https://www.passwordstore.org/).

Changes go through `pass`, which commits them where the store is a git repository.
Reading runs gpg itself, as `pass show` would: that halves the time (performance.md B6).
"""

from __future__ import annotations

import os

from dockcred.credential import Credential
from dockcred.stores import child, pass_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.environment import Environment
    from dockcred.stores.store_lock import StoreLock

_LINE_END = "\n"


class PassStore:
    """docker's entries in a password store."""

    def __init__(self, environment: Environment) -> None:
        """Find the store; KeychainAbsentError where it was never initialised."""
        self._environment = environment
        self._root = (
            environment.get("PASSWORD_STORE_DIR")
            or f"{environment.home()}/.password-store"
        )
        places = (self._root, f"{self._root}/{pass_layout.FOLDER}")
        if not environment.get("PASSWORD_STORE_KEY") and not any(
            os.path.exists(f"{place}/.gpg-id") for place in places
        ):
            from dockcred.stores.problems import KeychainAbsentError  # noqa: PLC0415 - only here

            raise KeychainAbsentError(
                "pass has no store here yet", "run 'pass init' with the id of a GPG key"
            )
        self._variables = child.variables(environment)

    def read(self, key: str) -> Credential | None:
        """Answer the entry that was written last, should a peer have left several."""
        for name, user in pass_layout.entries(self._root, key):
            return Credential(user, self._decrypt(name))
        return None

    def write(self, key: str, credential: Credential) -> None:
        """Insert the entry, then drop those of other users, as one change of ours."""
        with self._held():
            self._write(key, credential)

    def _write(self, key: str, credential: Credential) -> None:
        name = pass_layout.entry(key, credential.username)
        # One line's end is taken off when reading, since editors put one on.
        ending = _LINE_END if credential.secret.endswith(_LINE_END) else ""
        self._pass(
            "insert", "-m", "-f", name, text=(credential.secret + ending).encode()
        )
        for other, _ in pass_layout.entries(self._root, key):
            if other != name:
                self._pass("rm", "-f", other)

    def remove(self, keys: Iterable[str]) -> None:
        """Drop every entry of these keys."""
        with self._held():
            for key in keys:
                for name, _ in pass_layout.entries(self._root, key):
                    self._pass("rm", "-f", name)

    def users(self) -> dict[str, str]:
        """Answer every key with the user who was written last."""
        return {
            key: entries[0][1]
            for key in pass_layout.keys(self._root)
            if (entries := pass_layout.entries(self._root, key))
        }

    def _held(self) -> StoreLock:
        """Return the lock, whose file is gone after it: the directory may be git's."""
        from dockcred.stores.store_lock import StoreLock  # noqa: PLC0415 - a writer's

        path = f"{self._root}/.{pass_layout.FOLDER}.lock"
        return StoreLock(path, "the password store", stays=False)

    def _decrypt(self, name: str) -> str:
        gpg = child.find("gpg", self._environment, "install gnupg")
        # Split at blanks, as the shell script that `pass` is splits them.
        options = self._environment.get("PASSWORD_STORE_GPG_OPTS").split()
        file = f"{self._root}/{name}{pass_layout.SUFFIX}"
        ended = child.run(
            [gpg, *options, "--quiet", "--yes", "--batch", "--decrypt", file],
            self._variables,
        )
        if ended.status:
            from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - only here

            raise KeychainError(
                f"gpg did not decrypt the entry: {_last_line(ended.errors)}",
                f"run 'pass show {name}' in a terminal, which can ask for the "
                "key's passphrase",
            )
        return ended.output.removesuffix(_LINE_END)

    def _pass(self, *arguments: str, text: bytes = b"") -> None:
        program = child.find("pass", self._environment, "install pass")
        ended = child.run([program, *arguments], self._variables, text)
        if ended.status:
            from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - only here

            raise KeychainError(
                f"pass {arguments[0]} failed: {_last_line(ended.errors)}",
                "run 'pass ls' in a terminal to see the store's state",
            )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no reason given"
