"""Read a systemd unit from its files: its user, its variables, its command line.

systemd itself is not asked: a unit may be looked at on a machine where it does not run.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field

from dockcred import system
from dockcred.errors import InvalidInputError
from dockcred.system import people
from dockcred.system.environment import Environment

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH that systemd gives a service; cron, Nomad and kubelet have a similar one."""

CONFIG_FLAG = "image-credential-provider-config"
BIN_FLAG = "image-credential-provider-bin-dir"

_UNITS = tuple(
    f"{root}/systemd/system"
    for root in ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
)


@dataclass
class SystemdUnit:
    """A unit as its files say: its user, variables and command line (`words`)."""

    unit: str
    user: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def environment(self) -> Environment:
        """Return the variables that the service has."""
        own = {"PATH": DEFAULT_PATH}
        if self.user:
            own |= {"HOME": self._home(), "USER": self.user}
        return Environment(own | self.variables)

    def become(self) -> str:
        """Run as the unit's user from now on; return why that fails, else nothing."""
        if self.user:
            self._home()  # raises the error for an unknown user
        if name := people.become(self.user):
            return f"{self.unit} is {name}'s, and this is not: use sudo"
        return ""

    def _home(self) -> str:
        """Return the user's home; raise InvalidInputError for an unknown user."""
        if found := people.home_of(self.user):
            return found
        raise InvalidInputError(
            f"{self.unit} is to run as {self.user}, who is not known here",
            "fix User= in the unit",
        )

    def option(self, *names: str) -> str:
        """Return the last value of a flag that the service is started with."""
        given = [*self.words, *(w for v in self.variables.values() for w in v.split())]
        found = ""
        for word, following in zip(given, [*given[1:], ""], strict=True):
            name, equals, value = word.lstrip("-").partition("=")
            if word.startswith("-") and name in names:
                found = value if equals else following
        return found


def service(name: str) -> SystemdUnit | None:
    """Return a unit by its name or the path of its file; None where there is none."""
    if not system.SYSTEMD:
        return None
    if "/" in name:
        places = [name] if os.path.isfile(name) else []
        folders = [f"{name}.d"]
    else:
        unit = name if "." in name else f"{name}.service"
        places = [p for d in _UNITS if os.path.isfile(p := f"{d}/{unit}")]
        folders = [f"{d}/{unit}.d" for d in _UNITS]
    if not places:
        return None
    drop_ins: dict[str, str] = {}
    for folder in reversed(folders):
        if os.path.isdir(folder):
            drop_ins |= {
                n: f"{folder}/{n}" for n in os.listdir(folder) if n.endswith(".conf")
            }
    found = SystemdUnit(os.path.basename(places[0]))
    for path in (places[0], *(drop_ins[n] for n in sorted(drop_ins))):
        _read(found, path)
    return found


def agent(name: str) -> SystemdUnit | None:
    """Return kubelet's or Nomad's unit; without one, root's process of that name.

    The process must be in our mount namespace: else its files are not the ones that we
    see. So only root finds it, and never a process of a node in a container.
    """
    return service(name) or _running(name)


def _running(name: str) -> SystemdUnit | None:
    for process in sorted(_processes(), key=int):
        place = f"/proc/{process}"
        try:
            if os.stat(place).st_uid != 0:
                continue
            with open(f"{place}/comm", encoding="utf-8", errors="replace") as file:
                is_it = file.read().strip() == name
            if is_it and os.path.samefile(f"{place}/ns/mnt", "/proc/self/ns/mnt"):
                words, lines = (_zeros(f"{place}/{f}") for f in ("cmdline", "environ"))
                pairs = (line.partition("=") for line in lines)
                own = {key: value for key, equals, value in pairs if equals}
                return SystemdUnit(f"{name}, process {process},", "", own, words)
        except OSError:
            continue  # it has ended, or is not ours to look at
    return None


def _processes() -> list[str]:
    try:
        return [entry for entry in os.listdir("/proc") if entry.isdecimal()]
    except OSError:
        return []  # no Linux


def _zeros(path: str) -> list[str]:
    """Return the texts of a file in which each text ends with a zero byte."""
    with open(path, "rb") as file:
        return [os.fsdecode(each) for each in file.read().split(b"\0") if each]


def kubelet_places(unit: SystemdUnit | None) -> tuple[str, str]:
    """Return kubelet's file of providers and its folder of plugins; empty if missing.

    They are those of the unit's flags, else those that our documentation uses.
    """
    file = unit.option(CONFIG_FLAG) if unit else ""
    folder = unit.option(BIN_FLAG) if unit else ""
    return file or _there(_PROVIDERS), folder or _there(_PLUGINS)


def nomad_directory(unit: SystemdUnit | None) -> str:
    """Return the directory of the Nomad agent's configuration files."""
    return (unit.option("config") if unit else "") or _NOMAD


_PROVIDERS, _PLUGINS = "/etc/dockcred/credential-provider.yaml", "/opt/dockcred/plugins"
_NOMAD = "/etc/nomad.d"


def _there(path: str) -> str:
    return path if os.path.exists(path) else ""


def _read(into: SystemdUnit, path: str) -> None:
    """Read from one of a unit's files what we need of its section Service."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read().replace("\\\n", " ")
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line
        name, equals, value = (part.strip() for part in line.partition("="))
        if section != "[Service]" or not equals or line[0] in "#;":
            continue
        if name == "User":
            into.user = "" if value == "root" else value
        elif name == "Environment":
            into.variables = into.variables | _assignments(value) if value else {}
        elif name == "EnvironmentFile" and value:
            into.variables |= _of_file(value)
        elif name == "ExecStart":
            into.words = into.words + _words(value) if value else []


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _assignments(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in _words(text))
    return {name: value for name, equals, value in pairs if equals}


def _of_file(named: str) -> dict[str, str]:
    """Return an EnvironmentFile's variables; empty if it is missing or unreadable."""
    try:
        with open(named.removeprefix("-"), encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file]
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and line[0] not in "#;":
            found[name] = " ".join(_words(value))
    return found
