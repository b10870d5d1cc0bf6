"""`dockcred doctor --self-test`: whether the keychain here keeps what it is given.

A person runs it on a system that we do not have, and pastes the output into an issue.
The output has no secret, no user name and no machine name. The installed helper is
called as docker calls it, with server names made for the test. They are erased at the
end, however it ends.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import secrets
import shutil
import signal
import sys
import traceback
from contextlib import contextmanager, suppress
from subprocess import SubprocessError
from typing import NamedTuple

from dockcred.commands.console import progress, say, warn
from dockcred.commands.doctor import locked
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.stores import choice
from dockcred.system.private_directory import private_directory
from dockcred.system.version import __version__
from dockcred.testing import store_contract
from dockcred.testing.store_contract import Answer, Helper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockcred.system.environment import Environment

PROGRAM = "docker-credential-keyring"
PEERS = ("secretservice", "pass", "osxkeychain", "wincred")
"""The stores for which docker has a helper of the same name, which uses them too."""
_NAME = re.compile(r"dockcred-self-test-[0-9a-f]{8}\.invalid")
OK, FAILED, NOT_TRIED = "ok", "FAILED", "not tried"
_MOST_SAID = 200


class TrialEnd(NamedTuple):
    """How one trial ended, and why."""

    state: str
    what: str
    why: str = ""


class Cleaned(Helper):
    """A helper that remembers what was stored through it, and can erase that."""

    def __init__(self, program: str, variables: dict[str, str], host: str) -> None:
        """Hold the program and the variables that it gets."""
        super().__init__(program, variables, host)
        self._stored: dict[str, None] = {}

    def store(self, server: str, user: str, secret: str) -> None:
        """Remember the server, then store: a call that breaks off may have stored."""
        self._stored[server] = None
        super().store(server, user, secret)

    def clear(self) -> None:
        """Erase what was stored, the last first; raise ValueError if one stays."""
        for server in [*self._stored][::-1]:
            answer = self.run("erase", server)
            if answer.status and store_contract.NOT_FOUND.encode() not in answer.stdout:
                raise ValueError
            del self._stored[server]


class SelfTest:
    """One run of the self-test; each trial adds to `results`."""

    def __init__(self, variables: Environment) -> None:
        """Choose the store, find its helpers; raise DockcredError if there is none."""
        if not __debug__:
            raise InvalidInputError(
                "this Python leaves out what a test asserts", "unset PYTHONOPTIMIZE"
            )
        self._variables = variables
        self.store = choice.choose(variables)
        self.program = _find(PROGRAM, variables)
        if not self.program:
            raise InvalidInputError(
                f"{PROGRAM} is not installed",
                f"run: dockcred install --programs {PROGRAM}",
            )
        host = f"dockcred-self-test-{secrets.token_hex(4)}.invalid"
        known = variables.set_values()
        self.helper = Cleaned(self.program, known, host)
        peer = self.store in PEERS and _find(self._peer_name, variables)
        self.peer = Cleaned(peer, known, host) if peer else None
        self.results: list[TrialEnd] = []

    @property
    def _peer_name(self) -> str:
        return f"docker-credential-{self.store}"

    def run(self, tell: Callable[[str], object]) -> None:
        """Make every trial; `tell` is called with its name before it begins."""
        with _cleaning_up(self.helper, self.peer):
            self._remove_leftovers()
            for behaviour in store_contract.BEHAVIOURS:
                if behaviour not in store_contract.WITH_OTHERS:
                    what = (behaviour.__doc__ or "").rstrip(".")
                    tell(what)
                    self._try(what, lambda each=behaviour: each(self.helper))  # type: ignore[misc]
            tell("docker's own helper")
            self._try_beside()
        tell("a locked place")
        self._try_locked()

    def head(self) -> list[str]:
        """Return the versions, system and store that a reader of the issue needs."""
        system = f"{platform.system()} {platform.release()} {platform.machine()}"
        version = platform.mac_ver()[0] or platform.win32_ver()[1]
        system += f" ({version})" if version else ""
        return [
            f"dockcred {__version__}, Python {platform.python_version()}, {system}",
            f"store: {self.store}, by {os.path.basename(self.program)}",
        ]

    @property
    def status(self) -> int:
        """Return 1 where a trial failed, else 0."""
        return int(any(each.state == FAILED for each in self.results))

    def _try(self, what: str, trial: Callable[[], object]) -> None:
        try:
            trial()
        except (AssertionError, LookupError, TypeError, ValueError) as error:
            self._note(FAILED, what, _reason(error))
        except (SubprocessError, OSError) as error:
            self._note(FAILED, what, f"the helper could not be run: {_kind(error)}")
        else:
            self._note(OK, what)
        with suppress(SubprocessError, OSError, ValueError):
            self.helper.clear()

    def _try_beside(self) -> None:
        what = "docker's own helper and ours answer and erase each other's items"
        if self.store not in PEERS:
            self._note(NOT_TRIED, what, "docker has no helper for this store")
        elif self.peer is None:
            self._note(NOT_TRIED, what, f"{self._peer_name} is not installed")
        else:
            peer = self.peer
            version = peer.run("version").stdout.decode("utf-8", "replace").strip()
            self._try(
                f"{what} ({version})",
                lambda: store_contract.shares_with(self.helper, peer),
            )

    def _try_locked(self) -> None:
        what = "A place that is locked is told as that, never as empty"
        if self.store not in locked.PLACES:
            why = f"nothing locks {self.store} but the system itself"
            self._note(NOT_TRIED, what, why)
            return
        try:
            with private_directory(self._variables) as directory:
                own = {**self._variables.set_values(), "DOCKCRED_STORE": self.store}
                with locked.place(self.store, directory, own) as (variables, lock):
                    helper = Helper(self.program, variables, self.helper.host)
                    self._try(what, lambda: store_contract.tells_locked(helper, lock))
        except (locked.NotHereError, DockcredError) as error:
            self._note(NOT_TRIED, what, str(error))

    def _remove_leftovers(self) -> None:
        """Erase what an earlier run has left because it was killed."""
        try:
            left = [key for key in self.helper.list() if _NAME.search(key)]
        except (AssertionError, ValueError):
            return  # the trials will say what is wrong with it
        for key in left:
            self.helper.run("erase", key)

    def _note(self, state: str, what: str, why: str = "") -> None:
        self.results.append(TrialEnd(state, what, why))


def run(variables: Environment) -> int:
    """Make the self-test, print it and return the exit status."""
    test = SelfTest(variables)
    hide = _hiding(variables)
    for line in test.head():
        say(hide(line))
    with progress("testing") as tell:
        test.run(tell)
    for state, what, why in test.results:
        say(hide(f"{state:9}  {what}{f': {why}' if why else ''}"))
    counts = [
        f"{sum(r.state == s for r in test.results)} {s}"
        for s in (OK, FAILED, NOT_TRIED)
    ]
    say(f"The self-test {'failed' if test.status else 'passed'}: {', '.join(counts)}.")
    return test.status


def _find(name: str, variables: Environment) -> str:
    """Return a program on PATH, else beside this one; nothing where it is neither."""
    beside_us = os.path.dirname(os.path.abspath(sys.argv[0]))
    for path in (variables.get("PATH", os.defpath), beside_us):
        if found := shutil.which(name, path=path):
            return found
    return ""


def _reason(error: Exception) -> str:
    """Return what went wrong, without any part of an answer that may be a secret."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in {store_contract.__file__, __file__}
    ]
    said = "it answered otherwise"
    for answer in error.args:
        if isinstance(answer, Answer):
            said = f"it ended with {answer.status}"
            text = answer.stdout.decode("utf-8", "replace").strip()
            if text and '"' not in text:
                said += f" and said: {' '.join(text.split())[:_MOST_SAID]}"
    return f"{said} (line {lines[-1]})" if lines else said


def _kind(error: Exception) -> str:
    return getattr(error, "strerror", "") or type(error).__name__


def _hiding(variables: Environment) -> Callable[[str], str]:
    """Return a function that replaces home, user and machine names in a line."""
    known = {variables.home(): "~", platform.node(): "MACHINE"}
    with suppress(OSError, KeyError, ImportError):
        known[getpass.getuser()] = "USER"
    known = {name: word for name, word in known.items() if len(name) > 1}
    names = sorted(known, key=len, reverse=True)
    pattern = re.compile(
        rf"(?<!\w)(?:{'|'.join(map(re.escape, names)) or '(?!)'})(?!\w)"
    )
    return lambda line: pattern.sub(lambda found: known[found[0]], line)


@contextmanager
def _cleaning_up(*helpers: Cleaned | None) -> Iterator[None]:
    """Erase at the end what was stored, also when a signal ends this process.

    A second signal does not stop the erasing, here or in the helper.
    """

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    names = ("SIGTERM", "SIGHUP", "SIGBREAK")
    ends = [found for name in names if (found := getattr(signal, name, None))]
    for each in ends:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each in (*ends, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        for helper in helpers:
            try:
                if helper:
                    helper.clear()
            except (SubprocessError, OSError, ValueError):
                warn("a name of this self-test stays; the next one tries again")
        for each in (*ends, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
