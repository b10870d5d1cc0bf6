"""Questions to Python, the front (launcher) and an oracle, and checks of the answers.

The oracle is the same program in the same world, with DOCKCRED_CACHE=off.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from support.program import BUSY_S

from dockcred import protocol, wiring
from dockcred.credential import ServerURL
from dockcred.errors import CredentialsNotFoundError, DockcredError, unforeseen
from dockcred.system import process as launched
from dockcred.system.environment import Environment

from . import names as registries
from .cast import HANDED_OVER, Cast
from .people import ROLES
from .world import World

LIVES_S = {"ecr": 43200.0, "acr": 10800.0}
_SESSION = re.compile(r"(assumed-role/[^/]+)/.*")
_FAILED, _NOT_FOUND = "failed", "not found"
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """The principal of an answer's secret, or how the get ended without a secret."""

    who: str
    secret: str = field(default="", repr=False, compare=False)
    username: str = ""
    why: str = field(default="", compare=False)


class AskedWorld(World):
    """A world in which a user asks; it remembers the answers."""

    def __init__(self, cast: Cast, disk: str, cache_disk: str, cache_by: str) -> None:
        super().__init__(cast, disk, cache_disk, cache_by)
        self._known: dict[object, Answer] = {}
        self._dead: set[str] = set()
        self._target_of: dict[str, tuple[Path, str]] = {}
        self._born: dict[str, float] = {}

    def ask(self, cloud: registries.Cloud, name: str, way: str) -> tuple[Answer, str]:
        """Ask by one way; return the answer, and whether front or Python gave it."""
        environment = self.environment()
        if way in self.cast.shells:
            answer = self._ask_front(cloud, name, way, environment)
            if answer is not None:
                return answer, f"front in {way}"
            way = "launched"
        short = cloud.program.removeprefix("docker-credential-")
        short = short if way == "launched" else ""
        return self._ask_python(cloud, name, environment, short), f"python, {way}"

    def oracle(self, cloud: registries.Cloud, name: str) -> Answer:
        """Return the answer without a cache; kept until something outside changes."""
        environment = self.environment() | {"DOCKCRED_CACHE": "off"}
        place = (self.version, self.uid, name, tuple(environment.items()))
        if place not in self._known:
            self._known = {k: v for k, v in self._known.items() if k[0] == self.version}
            self._known[place] = self._ask_python(cloud, name, environment, "")
        return self._known[place]

    def _ask_python(
        self,
        cloud: registries.Cloud,
        name: str,
        environment: dict[str, str],
        short: str,
    ) -> Answer:
        def ask() -> Answer:
            store = wiring.identity_store(cloud.provider)
            try:
                output, _ = protocol.answer("get", lambda: store, name.encode())
            except CredentialsNotFoundError:
                return Answer(_NOT_FOUND)
            except DockcredError as error:
                return Answer(_FAILED, why=str(error))
            except OSError as error:
                return Answer(_FAILED, why=unforeseen(error))
            store.after_answer()
            return self._read(output, name)

        return self._inside(environment, short, ask)

    def _inside(
        self, environment: dict[str, str], short: str, work: Callable[[], T]
    ) -> T:
        """Run a call like a new process: with these variables, user and directory."""
        os.environ.clear()
        os.environ.update(environment)
        launched.short = short
        os.chdir(self.place / self.directory)
        os.seteuid(self.uid)
        try:
            return work()
        finally:
            os.seteuid(os.getuid())
            launched.short = ""

    def _ask_front(
        self,
        cloud: registries.Cloud,
        name: str,
        shell: str,
        environment: dict[str, str],
    ) -> Answer | None:
        """Return the launcher's answer; None if it starts Python."""
        done = subprocess.run(
            [*self.cast.shells[shell], str(self.cast.launchers[cloud.program]), "get"],
            input=name.encode(),
            env=environment,
            cwd=self.place / self.directory,
            user=self.uid or None,
            capture_output=True,
            timeout=BUSY_S,
            check=False,
        )
        if done.returncode == HANDED_OVER and not done.stdout:
            return None
        assert done.returncode == 0, (done.returncode, done.stderr)
        return self._read(done.stdout, name)

    def _read(self, output: bytes, name: str) -> Answer:
        said = json.loads(output)
        assert said["ServerURL"] == name, "another key is echoed"
        secret = said["Secret"]
        for number, cloud in enumerate(self.cast.clouds):
            if minted := cloud.minted(secret):
                principal = _SESSION.sub(r"\1", minted.principal)
                place = f"{minted.account} {minted.region} {minted.host}"
                who = f"{minted.service} {number} {place} {principal}"
                return Answer(who, secret, said["Username"])
        return Answer(
            "nobody" if not secret else "a stranger's", secret, said["Username"]
        )

    def erase(self, cloud: registries.Cloud, name: str) -> None:
        """Log out of a name."""
        target = self.target(cloud, name)

        def ask() -> bool:
            store = wiring.identity_store(cloud.provider)
            try:
                protocol.answer("erase", lambda: store, name.encode())
            except DockcredError:
                return False  # the configuration is broken, and the user is told so
            return True

        done = self._inside(self.environment(), "", ask)
        # A logout cannot find files that a stranger has renamed.
        if done and self.cache_is_trusted and not self.is_meddled:
            place = (self.cache, target)
            self._dead |= {s for s, kept in self._target_of.items() if kept == place}

    def store(self, cloud: registries.Cloud, name: str) -> None:
        """Log in by hand; a cloud's helper accepts this and stores nothing."""
        text = {"ServerURL": name, "Username": "ada", "Secret": "by hand"}

        def ask() -> None:
            store = wiring.identity_store(cloud.provider)
            try:
                protocol.answer("store", lambda: store, json.dumps(text).encode())
            except DockcredError:
                return

        self._inside(self.environment(), "", ask)

    def target(self, cloud: registries.Cloud, name: str) -> str:
        """Return the registry that a name stands for now; "" for an error."""
        variables = Environment(self.environment() | {"DOCKCRED_CACHE": "off"})

        def ask() -> str:
            try:
                router = wiring.identities(variables, (cloud.provider,))
                return router.identity_for(ServerURL.parse(name))[0].host
            except DockcredError:
                return ""

        return self._inside(self.environment(), "", ask)

    def wrong(self, cloud: registries.Cloud, name: str, answer: Answer) -> str:
        """Return what is wrong with an answer; "" if it is as without a cache."""
        truth = self.oracle(cloud, name)
        secret = answer.secret
        if not self._is_as(answer, truth):
            return f"answered {answer}, without a cache it is {truth}"
        if not secret:
            return ""
        if cloud.provider == "google":
            return ""  # its metadata server returns one token again and again
        self._born.setdefault(secret, self.now)
        self._target_of.setdefault(secret, (self.cache, self.target(cloud, name)))
        if secret in self._dead:
            return f"answered what was erased: {answer}"
        life = (
            3600
            if cloud.provider == "google"
            else 10800
            if cloud.provider == "acr"
            else 43200
        )
        if self.now - self._born[secret] > life:
            return f"answered what has expired: {answer}"
        return ""

    def _is_as(self, answer: Answer, truth: Answer) -> bool:
        """Return whether two answers are equal; a role within its lease may differ."""
        if answer == truth:
            return True

        def without(who: str) -> str:
            for role in ROLES:
                who = who.replace(role, "MACHINE")
            return who

        leased = any(role in answer.who for role in self.leased())
        same = without(answer.who) == without(truth.who) != truth.who
        return leased and same and answer.username == truth.username

    def held(self) -> list[tuple[str, str]]:
        """Return each cache file that holds an erased secret: its name, the secret."""
        found = []
        for path in self.cached():
            text = path.read_text("utf-8", "replace")
            found += [(path.name, secret) for secret in self._dead if secret in text]
        return found
