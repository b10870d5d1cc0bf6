"""Run other programs for a store: another credential helper, `pass` or gpg."""

from __future__ import annotations

import os

from dockcred.credential import Credential
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    InvalidInputError,
    IssueError,
)
from dockcred.protocol import credential_line
from dockcred.system import child_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.system.child_program import Outcome
    from dockcred.system.environment import Environment


def find(name: str, environment: Environment, remedy: str) -> str:
    """Return a program's absolute path.

    Raises KeychainAbsentError if it is missing, with this remedy, and KeychainError if
    it is there but cannot be trusted.
    """
    if found := child_program.find(name, environment):
        return found
    from dockcred.stores import problems  # noqa: PLC0415 - at a failure

    if refused := child_program.refusal(name, environment):
        raise problems.KeychainError(*refused)
    raise problems.KeychainAbsentError(f"{name} is not installed", remedy)


def variables(environment: Environment) -> dict[str, str]:
    """Return the variables for `pass` and gpg, with messages in English.

    Only the character set of a locale is set: so gpg opens twelve files fewer.
    """
    return {"LC_CTYPE": "C.UTF-8", **_variables_for("pass", environment)}


def _variables_for(kind: str, environment: Environment) -> dict[str, str]:
    passed = child_program.variables_for(kind, environment)
    if options := passed.get(GPG_OPTIONS):
        passed[GPG_OPTIONS] = " ".join(_absolute_home(options.split()))
    return passed


GPG_OPTIONS = "PASSWORD_STORE_GPG_OPTS"
_HOME = "--homedir"


def _absolute_home(options: list[str]) -> list[str]:
    """Return gpg's options with the directory of its keys as an absolute path."""
    found = []
    for before, option in zip(("", *options), options, strict=False):
        name, mark, path = option.partition("=")
        if before == _HOME:
            found.append(child_program.absolute(option))
        elif name == _HOME and mark:
            found.append(f"{_HOME}={child_program.absolute(path)}")
        else:
            found.append(option)
    return found


def run(
    command: list[str],
    variables: dict[str, str],
    text: bytes = b"",
    asks_person: bytes = b"",
) -> Outcome:
    """Run a program to its end and return the outcome.

    `text` goes to its stdin. Once `asks_person` is in its stderr, a person gets time to
    type. Raises KeychainError if it cannot start, or when the call's time is over.
    """
    seconds = child_program.patience_s()
    try:
        return child_program.ask(
            command, variables, timeout_s=seconds, text=text, asks_person=asks_person
        )
    except IssueError as error:
        from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - at a failure

        raise KeychainError(error.cause, error.remedy) from None


PREFIX = "helper:"
INSIDE = "DOCKCRED_INSIDE"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


class External:
    """One program called docker-credential-NAME, found on PATH at each call."""

    def __init__(self, chosen: str, environment: Environment) -> None:
        """Parse `helper:NAME`; raise InvalidInputError for a loop or a wrong name."""
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
        """Return the credential that its `get` prints.

        Raises CredentialsNotFoundError if it prints "not found".
        """
        found = self._answer("get", server.raw.encode())
        return Credential(found.get("Username", ""), found.get("Secret", ""))

    def store(self, server: ServerURL, credential: Credential) -> None:
        """Run its `store` with the credential."""
        self._call("store", credential_line(server, credential))

    def erase(self, server: ServerURL) -> None:
        """Run its `erase`; a credential that it does not have is success."""
        try:
            self._call("erase", server.raw.encode())
        except CredentialsNotFoundError:
            return

    def list(self) -> dict[str, str]:
        """Return its list of servers with their users."""
        return self._answer("list", b"unused")

    def after_answer(self) -> None:
        """Do nothing: no work is deferred until after the answer."""

    def _answer(self, verb: str, request: bytes) -> dict[str, str]:
        import json  # noqa: PLC0415 - a child program costs more

        try:
            found = json.loads(self._call(verb, request))
        except ValueError:
            found = None
        if found is None or not isinstance(found, dict):
            from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - at a failure

            raise KeychainError(
                f"{self._program} did not answer {verb} in JSON", "see that program"
            )
        return {str(name): str(value) for name, value in found.items()}

    def _call(self, verb: str, request: bytes) -> str:
        path = find(self._program, self._environment, "install it, or fix PATH")
        variables = _variables_for("helper", self._environment)
        variables[INSIDE] = str(os.getpid())
        try:
            done = run([path, verb], variables, request)
        except DockcredError as error:
            raise self._why_not_started() or error from None
        if done.status == 0:
            return done.output
        said = done.output.strip()
        if said == CredentialsNotFoundError.sentence:
            raise CredentialsNotFoundError
        from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - at a failure

        raise KeychainError(
            f"{self._program} failed: {said[:200] or 'it did not say why'}",
            f"see {self._program} {verb}",
        )

    def _why_not_started(self) -> DockcredError | None:
        """Return why a Windows program cannot start in WSL; None for other causes."""
        from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - at a failure
        from dockcred.system import wsl  # noqa: PLC0415 - as above

        here = wsl.find(self._environment)
        if not here or not here.off or not wsl.is_windows_program(self._program):
            return None
        cause, remedy = here.off
        return KeychainError(
            f"{self._program} is a program of Windows: {cause}", remedy
        )
