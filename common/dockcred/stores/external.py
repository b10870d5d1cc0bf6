"""Another credential helper as the store: DOCKCRED_STORE=helper:desktop.

The client's side of the protocol (docker-credential-helpers, client/client.go). A
helper that leads back to us is refused: by its name, and by a variable that our own
child would find set.
"""

from __future__ import annotations

import os

from dockcred import wire
from dockcred.credential import Credential
from dockcred.environment import children
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.stores import child
from dockcred.stores.problems import KeychainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.server_url import ServerURL

PREFIX = "helper:"
INSIDE = "DOCKCRED_INSIDE"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class External:
    """One program called docker-credential-NAME, found on PATH at each call."""

    def __init__(self, chosen: str, environment: Environment) -> None:
        """Take helper:NAME; raise InvalidInputError for a loop or no name at all."""
        name = chosen.removeprefix(PREFIX)
        if environment.get(INSIDE):
            raise InvalidInputError(
                f"the store {chosen} leads back to dockcred",
                "name a store that keeps credentials itself",
            )
        if not name or not _NAME.issuperset(name):
            raise InvalidInputError(
                f"{chosen!a} names no helper", "write helper:NAME, such as helper:pass"
            )
        self._program = f"docker-credential-{name}"
        self._environment = environment

    def get(self, server: ServerURL) -> Credential:
        """Ask it; its "not found" is ours."""
        found = self._answer("get", server.raw.encode())
        return Credential(found.get("Username", ""), found.get("Secret", ""))

    def store(self, server: ServerURL, credential: Credential) -> None:
        """Hand it the credential."""
        self._call("store", wire.credential_line(server, credential))

    def erase(self, server: ServerURL) -> None:
        """Let it drop the credential; one that it does not have is success."""
        try:
            self._call("erase", server.raw.encode())
        except CredentialsNotFoundError:
            return

    def list(self) -> dict[str, str]:
        """Let it list its servers."""
        return self._answer("list", b"unused")

    def after_answer(self) -> None:
        """Nothing is left to do."""

    def _answer(self, verb: str, request: bytes) -> dict[str, str]:
        import json  # noqa: PLC0415 - a child program costs more

        try:
            found = json.loads(self._call(verb, request))
        except ValueError:
            found = None
        if found is None or not isinstance(found, dict):
            raise KeychainError(
                f"{self._program} did not answer {verb} in JSON", "see that program"
            )
        return {str(name): str(value) for name, value in found.items()}

    def _call(self, verb: str, request: bytes) -> str:
        path = child.find(self._program, self._environment, "install it, or mend PATH")
        passed = children.variables("helper", self._environment)
        variables = passed | {INSIDE: str(os.getpid())}
        done = child.run([path, verb], variables, request)
        if done.status == 0:
            return done.output
        said = done.output.strip()
        if said == CredentialsNotFoundError.sentence:
            raise CredentialsNotFoundError
        raise KeychainError(
            f"{self._program} failed: {said[:200] or 'it did not say why'}",
            f"see {self._program} {verb}",
        )
