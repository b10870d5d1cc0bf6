"""The places of a secret: a program's output, a file, a variable of the process.

The place is found and checked first, without reading the secret. What is read or
printed is never shown, in no error and no log. That holds for the secret, and for what
a program writes to stderr beside it.
"""

from __future__ import annotations

import os
import stat

from dockcred import system
from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.system import child_program
from dockcred.system.private_file import check_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

MAX_BYTES = 64 * 1024
_OURS = "DOCKCRED_SECRET_"
_CREDENTIALS = "$CREDENTIALS_DIRECTORY/"


class SecretPlace:
    """A place; `source` is its row in SecretProvider, `origin` its name in words."""

    source = ""
    origin = ""

    def read(self) -> str:
        """Return the text, without the one line end that it may have."""
        raise NotImplementedError

    def _text(self, data: str) -> str:
        """Return the text if it can be a secret; raise IssueError otherwise."""
        end = "\r\n" if data.endswith("\r\n") else "\n"
        text = data.removesuffix(end)
        if not text.strip():
            raise IssueError(
                f"{self.origin} is empty", "see what should have put it there"
            )
        if len(data.encode("utf-8", "replace")) > MAX_BYTES:
            raise IssueError(
                f"{self.origin} is longer than {MAX_BYTES // 1024} KiB, as no"
                " password is",
                "see what else is there",
            )
        if "\0" in text or "\ufffd" in text:
            raise IssueError(
                f"{self.origin} is no text in UTF-8", "write the secret as text"
            )
        return text


def place(what: str, environment: Environment) -> SecretPlace | None:
    """Return the place of USERNAME or PASSWORD; None where none is configured.

    Raises InvalidInputError for a setting that is no place, and MissingIdentityError
    for a place that does not exist.
    """
    for kind in (_Command, _File, _Variable):
        setting = f"{what}_{kind.word}"
        if text := environment.get(_OURS + setting):
            return kind(setting.lower(), text, environment)
    return None


def about(what: str, environment: Environment) -> dict[str, str]:
    """Return the place by its kind; of a command only the program's name."""
    if text := environment.get(f"{_OURS}{what}_COMMAND"):
        words = _words(text)
        return {"command": os.path.basename(words[0])} if words else {}
    for kind in ("FILE", "VARIABLE"):
        if text := environment.get(f"{_OURS}{what}_{kind}"):
            return {kind.lower(): text}
    return {}


def _words(text: str) -> list[str]:
    """Parse a command: a JSON list, which config.toml is passed on as, or words."""
    try:
        if text.startswith("["):
            import json  # noqa: PLC0415 - a command only

            found = json.loads(text)
            return found if all(isinstance(word, str) for word in found) else []
        return system.words(text)
    except (ValueError, RecursionError):
        return []


class _Command(SecretPlace):
    """A program; it is run without a shell, a terminal or secret variables."""

    word = "COMMAND"
    source = "secret:command"

    def __init__(self, setting: str, text: str, environment: Environment) -> None:
        """Check that the program exists; it is not run yet."""
        self._environment = environment
        words = _words(text)
        if not words or not words[0] or any("\0" in word for word in words):
            raise InvalidInputError(
                f"{setting} names no program",
                f'write it as a list: {setting} = ["pass", "show", "registry"]',
            )
        self._shown = os.path.basename(words[0])
        self.origin = f"what {self._shown} printed"
        self._command = [self._found(setting, words[0]), *words[1:]]

    def _found(self, setting: str, name: str) -> str:
        environment = self._environment
        if name.startswith("~/"):
            name = environment.home() + name[1:]
        if os.path.dirname(name):
            if not os.path.isabs(name):
                raise InvalidInputError(
                    f"{setting} names {name!a}, which is another program in each"
                    " directory",
                    "write its absolute path, or its name alone",
                )
            if os.path.isfile(name) and os.access(name, os.X_OK):
                return name
            raise MissingIdentityError(
                f"{setting} names {name}, which is no program that can be run",
                "install it there, or fix the path in config.toml",
            )
        if path := child_program.find(name, environment):
            return path
        if refused := child_program.refusal(name, environment):
            raise IssueError(*refused)
        raise MissingIdentityError(
            f"{setting} names {name}, which is not on PATH",
            f"install {name}, or write its absolute path in config.toml",
        )

    def read(self) -> str:
        """Run the program, and return its output; its stderr may quote a secret."""
        outcome = child_program.run(
            self._command, self._environment, kind="secret-command"
        )
        if outcome.status:
            raise IssueError(
                f"{self._shown} gave nothing (status {outcome.status})",
                f"run {self._shown} by hand, without a terminal, to see what it says:"
                " that may hold a secret, and is not shown here",
            )
        return self._text(outcome.output)


class _File(SecretPlace):
    """A file of this user or root that others cannot read; links are followed."""

    word = "FILE"
    source = "secret:file"

    def __init__(self, setting: str, text: str, environment: Environment) -> None:
        """Check the file; it is not read yet."""
        path = text
        if text.startswith(_CREDENTIALS):
            directory = environment.get("CREDENTIALS_DIRECTORY")
            if not directory:
                raise MissingIdentityError(
                    f"{setting} names {text}, and no service manager has set"
                    " CREDENTIALS_DIRECTORY",
                    "run it in the unit that has LoadCredential=",
                )
            path = f"{directory}/{text.removeprefix(_CREDENTIALS)}"
        elif text.startswith("~/"):
            path = environment.home() + text[1:]
        if not os.path.isabs(path):
            raise InvalidInputError(
                f"{setting} names {text!a}, which is another file in each directory",
                "name the file by its path from the root, or from ~/",
            )
        self._path = path
        self.origin = f"the text in {path}"
        self._setting = setting
        os.close(self._open())

    def _open(self) -> int:
        """Open the file; raise InvalidInputError where others can read or write it."""
        setting = self._setting
        try:
            # READ_ANY, since a plain open of a pipe without a writer would block.
            descriptor = os.open(self._path, os.O_RDONLY | system.READ_ANY)
        except FileNotFoundError:
            raise MissingIdentityError(
                f"{setting} names {self._path}, which is not there",
                "put the secret there, or see that it is mounted",
            ) from None
        except OSError as error:
            raise InvalidInputError(
                f"{setting} names {self._path}, which cannot be read: {error.strerror}",
                "see whose it is: its owner and group may read it",
            ) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InvalidInputError(
                f"{setting} names {self._path}, which is no file",
                "name the file with the secret",
            )
        try:
            check_secret(self._path, descriptor)
        except InvalidInputError:
            os.close(descriptor)
            raise
        return descriptor

    def read(self) -> str:
        """Read the file, after it is checked once more."""
        descriptor = self._open()
        with open(descriptor, "rb") as file:
            data = file.read(MAX_BYTES + 2)
        return self._text(data.decode("utf-8", "replace"))


class _Variable(SecretPlace):
    """A variable of this process, such as a CI system or a container sets."""

    word = "VARIABLE"
    source = "secret:variable"

    def __init__(self, setting: str, text: str, environment: Environment) -> None:
        """Check that the variable is set."""
        self._value = environment.get(text)
        self.origin = f"the text in {text}"
        if not self._value:
            raise MissingIdentityError(
                f"{setting} names {text}, which is not set here",
                f"have it set for what runs docker: export {text}=VALUE",
            )

    def read(self) -> str:
        """Return the variable's value."""
        return self._text(self._value)
