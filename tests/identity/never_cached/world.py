"""One user's machine: files, variables, clocks and clouds, and everybody who answers.

Each change is what a person, an administrator or a cluster does. Each question goes to
the cache or the front, and to an oracle that never caches, in the same world.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from dockcred import protocol, registry_table
from dockcred.cache.entry import Entry
from dockcred.config import compiled
from dockcred.environment import Environment
from dockcred.errors import CredentialsNotFoundError, DockcredError
from dockcred.launcher import entry as launched
from dockcred.launcher import render
from dockcred.server_url import ServerURL
from dockcred.testing.sandbox import Sandbox, proxy
from dockcred.testing.sandbox.aws import ENDPOINT_VARIABLES
from dockcred.testing.sandbox.home import make_private

from . import names as registries
from .people import ROLES, TOKENS, People
from .places import Ground

LEASE_S = 900.0
LIVES_S = {"ecr": 43200.0, "acr": 10800.0}
SHELLS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "sh")}
_HANDED_OVER = 77
_PYTHON = f"#!/bin/sh\nexit {_HANDED_OVER}\n"
_SESSION = re.compile(r"(assumed-role/[^/]+)/.*")
_FAILED, _NOT_FOUND = "failed", "not found"


@dataclass(frozen=True)
class Answer:
    """Who was answered for, or how it ended."""

    who: str
    secret: str = field(default="", repr=False, compare=False)
    username: str = ""
    why: str = field(default="", compare=False)


@dataclass
class Machine:
    """A boot of a host, and who the machine is from when on."""

    name: str
    boot: str
    role: int = 0
    history: list[tuple[float, int]] = field(default_factory=list)


class Cast:
    """What all worlds of a run share: clouds, launchers, the ground."""

    def __init__(self, directory: Path, ground: Ground, clouds: list[Sandbox]) -> None:
        self.directory = directory
        self.ground = ground
        self.clouds = clouds
        self.people = [People(cloud) for cloud in clouds]
        first, second = (cloud.aws.keys for cloud in clouds)
        second._keys = first._keys  # a key is known wherever requests are led to
        users = [user.client_id for user in self.people[0].users]
        self.registries = registries.clouds((users[0], users[1]))
        self.shells = {n: w for n, w in SHELLS.items() if shutil.which(w[0])}
        self._python = directory / "python"
        self._python.write_text(_PYTHON)
        self._python.chmod(0o755)
        self.launchers = {
            cloud.program: self._launcher(cloud) for cloud in self.registries
        }
        self.worlds = 0

    def _launcher(self, cloud: registries.Cloud) -> Path:
        provider = registry_table.provider(cloud.provider)
        path = self.directory / cloud.program
        path.write_text(render.launcher(cloud.program, str(self._python), (), provider))
        path.chmod(0o755)
        return path


class World:
    """One of many worlds; `place` is where it keeps its files."""

    def __init__(self, cast: Cast, disk: str, cache_disk: str, cache_by: str) -> None:
        self.cast = cast
        cast.worlds += 1
        name = f"w{cast.worlds}"
        disks = cast.ground.disks
        self.place = disks.get(disk, disks["fine"]) / name
        self.cache_place = disks.get(cache_disk, disks["fine"]) / f"{name}c"
        self.homes = [self.place / "home1", self.place / "home2"]
        for directory in (
            *self.homes,
            self.cache_place,
            self.place / "one",
            self.place / "two",
        ):
            make_private(directory)
        self.place.chmod(0o755)
        self.home = 0
        self.cloud = 0
        self.cache_by = cache_by
        self.xdg: str | None = None
        self.config: str | None = None
        self.directory = "one"
        self.uid = 0
        self.aws, self.azure, self.google = "machine", "machine", "machine"
        self.more: dict[str, str] = {}
        self.version = 0
        self._known: dict[object, Answer] = {}
        self._offset_s = 0.0
        self.clock_is_wrong = False
        self.tokens = dict.fromkeys(TOKENS, "one")
        self.machines = [
            Machine(f"host{n}", cast.ground.new_boot(), n)
            for n in range(cast.ground.machines)
        ]
        self.machine = self.machines[0]
        self.dead: set[str] = set()
        self.is_meddled = False
        self.target_of: dict[str, tuple[Path, str]] = {}
        self.born: dict[str, float] = {}
        self.files: dict[str, Path] = {}
        compiled.SYSTEM_FILE = str(self.place / "etc.toml")
        for home in self.homes:
            for kind in TOKENS:
                self._write(home / f"token-{kind}", self._people.token(kind, "one", 0))
            self._write(home / "google.json", self._people.google_file(2, home))
            self._write(home / ".aws/credentials", self._profiles("one", "two"))
        self.be_machine(0)

    def close(self) -> None:
        """Leave nothing."""
        os.chdir("/")
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.rmtree(self.cache_place, ignore_errors=True)

    # Variables

    @property
    def _people(self) -> People:
        return self.cast.people[0]

    @property
    def cache(self) -> Path:
        """Return the cache's directory."""
        if self.cache_by == "HOME":
            return self.homes[self.home] / ".cache/dockcred"
        below = {"DOCKCRED_CACHE_DIR": "own", "XDG_CACHE_HOME": "dockcred"}
        return self.cache_place / below[self.cache_by]

    def environment(self) -> dict[str, str]:
        """Return the variables of the user's shell."""
        home = self.homes[self.home]
        cloud = self.cast.clouds[self.cloud]
        people = self.cast.people[self.cloud]
        found = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "DOCKCRED_REFRESH": "off",
            "AWS_REGION": "eu-west-1",
            **dict.fromkeys(ENDPOINT_VARIABLES, cloud.url),
            **proxy.variables(cloud.url, cloud.ca_file),
        }
        if self.cache_by == "DOCKCRED_CACHE_DIR":
            found[self.cache_by] = str(self.cache)
        elif self.cache_by == "XDG_CACHE_HOME":
            found[self.cache_by] = str(self.cache_place)
        if self.xdg is not None:
            found["XDG_CONFIG_HOME"] = str(self.place / self.xdg)
        if self.config is not None:
            found["DOCKCRED_CONFIG"] = self.config
        own = cloud.url if self.aws == "machine" else ""
        assert not own or own == cloud.url
        return (
            found
            | people.aws(self.aws, home)
            | people.azure(self.azure, home)
            | people.google(self.google, home)
            | self.more
        )

    # Files

    def _write(self, path: Path, text: str, how: str = "in place") -> None:
        """Write as editors, clusters, `cp -p` and `mv` do."""
        make_private(path.parent)
        if how == "in place" or not path.exists():
            with path.open("w") as file:
                file.write(text)
            path.chmod(0o644)
        elif how == "times set back":
            status = path.stat()
            path.write_text(text)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        else:
            aside = path.with_name(f"{path.name}.aside")
            aside.write_text(text)
            aside.chmod(0o644)
            if how == "moved, as old":
                status = path.stat()
                os.utime(aside, ns=(status.st_atime_ns, status.st_mtime_ns))
            aside.rename(path)
        self.version += 1

    def config_files(self) -> dict[str, Path]:
        """Name each configuration file that may be read."""
        return {
            "system": self.place / "etc.toml",
            "xdg one": self.place / "xdg1/dockcred/config.toml",
            "xdg two": self.place / "xdg2/dockcred/config.toml",
            "home one": self.homes[0] / ".config/dockcred/config.toml",
            "home two": self.homes[1] / ".config/dockcred/config.toml",
            "named": self.place / "named.toml",
            "cwd one": self.place / "one/config.toml",
            "cwd two": self.place / "two/config.toml",
        }

    def configure(self, which: str, text: str | None, how: str) -> None:
        """Write a configuration file, or take it away."""
        path = self.config_files()[which]
        if text is None:
            path.unlink(missing_ok=True)
            self.version += 1
        else:
            self._write(path, text, how)

    def choose_config(
        self, xdg: str | None, config: str | None, directory: str
    ) -> None:
        """Choose configuration files by variables and by where one stands."""
        self.xdg, self.directory = xdg, directory
        self.config = str(self.place / config) if config == "named.toml" else config
        self.version += 1

    def rotate(self, kind: str, subject: str, age: int, how: str) -> None:
        """Write a token file anew, for the same subject or for another."""
        token = self._people.token(kind, subject, age)
        self._write(self.homes[self.home] / f"token-{kind}", token, how)

    def swap_google_file(self, number: int, how: str) -> None:
        """Put another credentials file in the place of Google's."""
        home = self.homes[self.home]
        self._write(home / "google.json", self._people.google_file(number, home), how)

    def swap_profiles(self, first: str, second: str, how: str) -> None:
        """Give the profiles one and two other keys."""
        path = self.homes[self.home] / ".aws/credentials"
        self._write(path, self._profiles(first, second), how)

    def _profiles(self, first: str, second: str) -> str:
        lines = []
        for profile, user in (("one", first), ("two", second)):
            key = self._people.keys[f"profile-{user}"]
            lines += [
                f"[{profile}]",
                f"aws_access_key_id = {key.access_key_id}",
                f"aws_secret_access_key = {key.secret_access_key}",
            ]
        return "\n".join((*lines, ""))

    # Machines and time

    @property
    def now(self) -> float:
        """Return the true time, whatever the clock says."""
        return time.time() + self._offset_s

    def be_machine(self, number: int) -> None:
        """Go on at this machine, with the same home, as NFS has it."""
        self.machine = self.machines[number % len(self.machines)]
        self.cast.ground.become(self.machine.boot, self.machine.name)
        self.swap_role(self.machine.role)

    def reboot(self) -> None:
        """Boot the machine: what it knew of its role before does not count."""
        self.machine.boot = self.cast.ground.new_boot()
        if self.cast.ground.machines > 1:
            self.machine.history.clear()
        self.be_machine(self.machines.index(self.machine))

    def swap_role(self, number: int) -> None:
        """Give the machine another role in every cloud."""
        self.machine.role = number
        self.machine.history.append((self.now, number))
        for people in self.cast.people:
            people.swap(number)
        self.version += 1

    def _leased(self) -> set[str]:
        """Name who the machine has been within a lease."""
        ends = [start for start, _ in self.machine.history[1:]] + [self.now]
        since = self.now - LEASE_S - 1
        history = zip(self.machine.history, ends, strict=True)
        return {ROLES[role] for (_, role), end in history if end >= since}

    def pass_time(self, seconds: float) -> None:
        """Let time pass: all that the cache holds gets older."""
        self._offset_s += seconds
        self._shift(-seconds)

    def set_clock(self, *, wrong: bool) -> None:
        """Set the clock back by ten days, or right again."""
        if wrong != self.clock_is_wrong:
            self.clock_is_wrong = wrong
            self._shift(864000.0 if wrong else -864000.0)

    def _shift(self, seconds: float) -> None:
        for path in self._cached():
            status = path.stat()
            text = path.read_text("utf-8", "surrogateescape")
            if entry := Entry.from_text(text):
                entry.credential.issued_at += seconds
                if entry.credential.expires_at is not None:
                    entry.credential.expires_at += seconds
                if entry.lease_until is not None:
                    entry.lease_until += seconds
                path.write_text(entry.to_text(), "utf-8", "surrogateescape")
            stamp = int((status.st_mtime + seconds) * 1e9)
            os.utime(path, ns=(stamp, stamp))

    def _cached(self) -> list[Path]:
        places = {self.cache, *(home / ".cache/dockcred" for home in self.homes)}
        files = [path for place in places if place.is_dir() for path in place.iterdir()]
        kept = {"config", "CACHEDIR.TAG", "pruned"}
        return [path for path in files if path.is_file() and path.name not in kept]

    # The cache's directory

    def set_mode(self, mode: int, owner: int) -> None:
        """Change who may do what in the cache's directory."""
        if self.cache.is_dir():
            self.cache.chmod(mode)
            os.chown(self.cache, owner, -1)

    @property
    def cache_is_trusted(self) -> bool:
        """Tell whether nobody else can change what is in the cache."""
        if self.uid or not self.cache.is_dir():
            return False
        status = self.cache.stat()
        return status.st_uid == 0 and not status.st_mode & 0o022

    def meddle(self, first: int, second: int, *, covers_up: bool) -> None:
        """Let others write in the cache's directory, and one of them swap two names.

        `covers_up` tells that the directory is the user's alone again afterwards.
        """
        kind = (".stamp", "", ".lock")[first % 3]
        files = sorted(
            path
            for path in self._cached()
            if path.suffix == kind or (not kind and not path.suffix.isalpha())
        )
        if not files:
            return
        status = self.cache.stat()
        self.set_mode(0o777, status.st_uid)
        one, other = files[first % len(files)], files[second % len(files)]
        if one != other and one.parent == other.parent:
            aside = one.with_name("aside")
            one.rename(aside)
            other.rename(one)
            aside.rename(other)
            self.is_meddled = True
        if covers_up:
            self.set_mode(0o700, 0)

    # Questions

    def ask(self, cloud: registries.Cloud, name: str, way: str) -> tuple[Answer, str]:
        """Ask by one way; return the answer and who has given it."""
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
        """Ask who never caches; asked once while nothing outside the cache changes."""
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
            store = registry_table.identity_store(cloud.provider)
            try:
                output, _ = protocol.answer("get", lambda: store, name.encode())
            except CredentialsNotFoundError:
                return Answer(_NOT_FOUND)
            except DockcredError as error:
                return Answer(_FAILED, why=str(error))
            except OSError as error:
                return Answer(_FAILED, why=protocol.unforeseen(error))
            store.after_answer()
            return self._read(output, name)

        return self._inside(environment, short, ask)

    def _inside(self, environment, short, work):
        """Run a call as a process of its own would: variables, user and directory."""
        os.environ.clear()
        os.environ.update(environment)
        launched.short = short
        os.chdir(self.place / self.directory)
        os.seteuid(self.uid)
        try:
            return work()
        finally:
            os.seteuid(0) if self.uid else None
            launched.short = ""

    def _ask_front(self, cloud, name, shell, environment) -> Answer | None:
        """Let the launcher answer; None where it hands over to Python."""
        done = subprocess.run(
            [*self.cast.shells[shell], str(self.cast.launchers[cloud.program]), "get"],
            input=name.encode(),
            env=environment,
            cwd=self.place / self.directory,
            user=self.uid or None,
            capture_output=True,
            timeout=20,
            check=False,
        )
        if done.returncode == _HANDED_OVER and not done.stdout:
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
            store = registry_table.identity_store(cloud.provider)
            try:
                protocol.answer("erase", lambda: store, name.encode())
            except DockcredError:
                return False  # a broken configuration, and the user is told
            return True

        done = self._inside(self.environment(), "", ask)
        # What a stranger has put aside, a logout cannot find.
        if done and self.cache_is_trusted and not self.is_meddled:
            place = (self.cache, target)
            self.dead |= {s for s, kept in self.target_of.items() if kept == place}

    def store(self, cloud: registries.Cloud, name: str) -> None:
        """Log in by hand, which a cloud's helper takes and does not keep."""
        text = {"ServerURL": name, "Username": "ada", "Secret": "by hand"}

        def ask() -> None:
            store = registry_table.identity_store(cloud.provider)
            try:
                protocol.answer("store", lambda: store, json.dumps(text).encode())
            except DockcredError:
                return

        self._inside(self.environment(), "", ask)

    def target(self, cloud: registries.Cloud, name: str) -> str:
        """Return the registry that a name stands for now; nothing where that fails."""
        variables = Environment(self.environment() | {"DOCKCRED_CACHE": "off"})

        def ask() -> str:
            try:
                router = registry_table.identities(variables, (cloud.provider,))
                return router.identity_for(ServerURL.parse(name))[0].host
            except DockcredError:
                return ""

        return self._inside(self.environment(), "", ask)

    def wrong(self, cloud: registries.Cloud, name: str, answer: Answer) -> str:
        """Say what is wrong with an answer; nothing where it is as without a cache."""
        truth = self.oracle(cloud, name)
        secret = answer.secret
        if not self._is_as(answer, truth):
            return f"answered {answer}, without a cache it is {truth}"
        if not secret:
            return ""
        if cloud.provider == "google":
            return ""  # its metadata server hands out one token again and again
        self.born.setdefault(secret, self.now)
        self.target_of.setdefault(secret, (self.cache, self.target(cloud, name)))
        if secret in self.dead:
            return f"answered what was erased: {answer}"
        life = (
            3600
            if cloud.provider == "google"
            else 10800
            if cloud.provider == "acr"
            else 43200
        )
        if self.now - self.born[secret] > life:
            return f"answered what has expired: {answer}"
        return ""

    def _is_as(self, answer: Answer, truth: Answer) -> bool:
        """Tell whether they are the same, but for a lease that has not ended."""
        if answer == truth:
            return True

        def without(who: str) -> str:
            for role in ROLES:
                who = who.replace(role, "MACHINE")
            return who

        leased = any(role in answer.who for role in self._leased())
        same = without(answer.who) == without(truth.who) != truth.who
        return leased and same and answer.username == truth.username

    def held(self) -> list[tuple[str, str]]:
        """Name each file of the cache that holds an erased secret, and the secret."""
        found = []
        for path in self._cached():
            text = path.read_text("utf-8", "replace")
            found += [(path.name, secret) for secret in self.dead if secret in text]
        return found
