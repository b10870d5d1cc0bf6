"""One user's machine: its files, variables, clocks, boots and clouds.

Each method changes what a person, an administrator, a cluster or a stranger can change.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from dockcred.identity import config as compiled
from dockcred.identity.cache import Entry
from dockcred.testing.sandbox import proxy
from dockcred.testing.sandbox.aws import ENDPOINT_VARIABLES
from dockcred.testing.sandbox.home import make_private

from .cast import Cast
from .people import ROLES, TOKENS, People

LEASE_S = 900.0


@dataclass
class Machine:
    """A host with its boot id, and its roles with the times at which they began."""

    name: str
    boot: str
    role: int = 0
    history: list[tuple[float, int]] = field(default_factory=list)


class World:
    """One of many worlds; `place` is the directory of its files."""

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
        self.offset_s = 0.0
        self.clock_is_wrong = False
        self.tokens = dict.fromkeys(TOKENS, "one")
        self.machines = [
            Machine(f"host{n}", cast.ground.new_boot(), n)
            for n in range(cast.ground.machines)
        ]
        self.machine = self.machines[0]
        self.is_meddled = False
        compiled.SYSTEM_FILE = str(self.place / "etc.toml")
        for home in self.homes:
            for kind in TOKENS:
                self._write(home / f"token-{kind}", self._people.token(kind, "one", 0))
            self._write(home / "google.json", self._people.google_file(2, home))
            self._write(home / ".aws/credentials", self._people.profiles("one", "two"))
        self.be_machine(0)

    def close(self) -> None:
        """Remove all files of the world."""
        os.chdir("/")
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.rmtree(self.cache_place, ignore_errors=True)

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
        return (
            found
            | people.aws(self.aws, home)
            | people.azure(self.azure, home)
            | people.google(self.google, home)
            | self.more
        )

    def _write(self, path: Path, text: str, how: str = "in place") -> None:
        """Write a file as editors, clusters, `cp -p` or `mv` do."""
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
        """Return the path of each configuration file that may be read, by name."""
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
        """Write a configuration file, or remove it if `text` is None."""
        path = self.config_files()[which]
        if text is None:
            path.unlink(missing_ok=True)
            self.version += 1
        else:
            self._write(path, text, how)

    def choose_config(
        self, xdg: str | None, config: str | None, directory: str
    ) -> None:
        """Choose configuration files by variables and by the current directory."""
        self.xdg, self.directory = xdg, directory
        self.config = str(self.place / config) if config == "named.toml" else config
        self.version += 1

    def rotate(self, kind: str, subject: str, age: int, how: str) -> None:
        """Rewrite a token file, for the same subject or for another."""
        token = self._people.token(kind, subject, age)
        self._write(self.homes[self.home] / f"token-{kind}", token, how)

    def swap_google_file(self, number: int, how: str) -> None:
        """Replace Google's credentials file."""
        home = self.homes[self.home]
        self._write(home / "google.json", self._people.google_file(number, home), how)

    def swap_profiles(self, first: str, second: str, how: str) -> None:
        """Give the profiles one and two these users' keys."""
        path = self.homes[self.home] / ".aws/credentials"
        self._write(path, self._people.profiles(first, second), how)

    @property
    def now(self) -> float:
        """Return the world's true time in seconds; a wrong clock does not change it."""
        return time.time() + self.offset_s

    def be_machine(self, number: int) -> None:
        """Continue on this machine with the same home directory, as on NFS."""
        self.machine = self.machines[number % len(self.machines)]
        self.cast.ground.become(self.machine.boot, self.machine.name)
        self.swap_role(self.machine.role)

    def reboot(self) -> None:
        """Reboot the machine: its earlier roles do not count any more."""
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

    def leased(self) -> set[str]:
        """Return the roles that the machine has had within a lease."""
        ends = [start for start, _ in self.machine.history[1:]] + [self.now]
        since = self.now - LEASE_S - 1
        history = zip(self.machine.history, ends, strict=True)
        return {ROLES[role] for (_, role), end in history if end >= since}

    def pass_time(self, seconds: float) -> None:
        """Let seconds pass: everything in the cache gets older."""
        self.offset_s += seconds
        self._shift(-seconds)

    def set_clock(self, *, wrong: bool) -> None:
        """Set the clock back by ten days, or to the true time again."""
        if wrong != self.clock_is_wrong:
            self.clock_is_wrong = wrong
            self._shift(864000.0 if wrong else -864000.0)

    def _shift(self, seconds: float) -> None:
        for path in self.cached():
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

    def cached(self) -> list[Path]:
        places = {self.cache, *(home / ".cache/dockcred" for home in self.homes)}
        files = [path for place in places if place.is_dir() for path in place.iterdir()]
        kept = {"config", "CACHEDIR.TAG", "pruned"}
        return [path for path in files if path.is_file() and path.name not in kept]

    def set_mode(self, mode: int, owner: int) -> None:
        """Change mode and owner of the cache's directory."""
        if self.cache.is_dir():
            self.cache.chmod(mode)
            os.chown(self.cache, owner, -1)

    @property
    def cache_is_trusted(self) -> bool:
        """Return whether only this user can change the cache's files."""
        if self.uid or not self.cache.is_dir():
            return False
        status = self.cache.stat()
        return status.st_uid == 0 and not status.st_mode & 0o022

    def meddle(self, first: int, second: int, *, covers_up: bool) -> None:
        """Let others write in the cache's directory, and swap the names of two files.

        The files are stamps, tickets and entries, or tickets with their stamps.
        With `covers_up` only the user can write in the directory afterwards.
        """
        files = self.cached()
        stamps = sorted(path for path in files if path.suffix == ".stamp")
        others = sorted({*files} - {*stamps} - {*self.cache.glob("*.lock")})
        tickets = [path for path in others if path.name.startswith("front,")]
        named = (stamps, others, tickets)[first % 3]
        if not named or not self.cache.is_dir():
            return
        self.set_mode(0o777, self.cache.stat().st_uid)
        one, other = named[first // 3 % len(named)], named[second // 3 % len(named)]
        if one != other and one.parent == other.parent:
            self._swap(one, other, stamps if named is tickets else [])
            self.is_meddled = True
        if covers_up:
            self.set_mode(0o700, 0)

    def _swap(self, one: Path, other: Path, stamps: list[Path]) -> None:
        """Swap the names of two files, and of stamps whose names begin with theirs."""
        renamed = {one: other, other: one}
        for stamp in stamps:
            for ticket, to in ((one, other), (other, one)):
                if stamp.name.startswith(f"{ticket.name}."):
                    rest = stamp.name.removeprefix(ticket.name)
                    renamed[stamp] = to.with_name(to.name + rest)
        for path in renamed:
            path.rename(path.with_name(f"{path.name}.aside"))
        for path, to in renamed.items():
            path.with_name(f"{path.name}.aside").rename(to)
