"""A Debian without compilers, inside the world: a new one for each way to install.

The directory that .ci/machine.sh made is never changed: all writes go to an overlay,
which is removed with the machine.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .parts import missing, program
from .world import Result, World

BASE = Path("/usr/local/lib/dockcred-ci/machine")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/tools/bin"
NEVER_LISTED = ("/proc", "/dev", "/dist", "/wheels")
COMPILERS = ("gcc", "cc", "clang", "rustc", "go")
# Files that pip, pipx, uv, apt and dpkg keep for themselves.
INSTALLERS_OWN = (
    *(f"/home/ada/.{name}" for name in ("cache/pip", "cache/uv", "cache/pipx")),
    *(f"/home/ada/.local/{name}" for name in ("share/pipx", "state/pipx", "share/uv")),
    *("/var/lib/dpkg", "/var/lib/apt", "/var/cache", "/var/log"),
)


@dataclass(frozen=True)
class Machine:
    """Runs programs as one user of the machine, with the variables of `cloud`."""

    world: World
    root: Path
    user: str
    cloud: Mapping[str, str]

    @property
    def home(self) -> str:
        return "/root" if self.user == "root" else f"/home/{self.user}"

    def run(self, *argv: str, stdin: str = "", **variables: str) -> Result:
        """Run a program to its end; of our variables it gets only the cloud's."""
        environment = {
            **self.cloud,
            "HOME": self.home,
            "PATH": f"{self.home}/.local/bin:{PATH}",
            "LANG": "C.UTF-8",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": "/wheels",
            "UV_OFFLINE": "1",
            "UV_FIND_LINKS": "/wheels",
            "DEBIAN_FRONTEND": "noninteractive",
            **variables,
        }
        enter = (program("chroot"), f"--userspec={self.user}:", str(self.root))
        inside = ("/bin/sh", "-c", 'cd && exec "$@"', "sh", *argv)
        return self.world.run(
            *enter, *inside, env=environment, stdin=stdin, seconds=120
        )

    def succeed(self, *argv: str, stdin: str = "") -> str:
        """Run a program that must succeed; return its stdout."""
        done = self.run(*argv, stdin=stdin)
        assert done.returncode == 0, f"{argv}: {done.stderr}{done.stdout}"
        return done.stdout

    def files(self) -> dict[str, str]:
        """Return each file's kind, mode, owner, link, time of change and size."""
        prune = [word for path in NEVER_LISTED for word in ("-path", path, "-o")][:-1]
        form = r"%p\t%y %m %u:%g %l %T@ %s\n"
        listed = self.world.check(
            *(program("chroot"), str(self.root), "find", "/"),
            *("(", *prune, ")", "-prune", "-o", "-printf", form),
        )
        return dict(line.split("\t", 1) for line in listed.splitlines())

    def changed(self, before: Mapping[str, str]) -> set[str]:
        """Return the files that were added, removed or changed since `before`.

        A directory counts only if it was added or removed.
        """
        after = self.files()
        differ = {
            path
            for path in before.keys() | after.keys()
            if before.get(path) != after.get(path)
            and not (
                path in before
                and path in after
                and before[path].startswith("d")
                and after[path].startswith("d")
            )
        }
        return {path for path in differ if not _is_installers_own(path)}


def _is_installers_own(path: str) -> bool:
    """Return whether a path is an installer's own file, and not one named after us.

    Files in caches and our lock file count as the installer's own.
    """
    named = (
        "dockcred" in path.removesuffix("/.dockcred.lock") and "/.cache/" not in path
    )
    return path.startswith(INSTALLERS_OWN) and not named


@contextmanager
def open_machine(
    world: World, dist: Path, ca: Path, user: str, cloud: Mapping[str, str]
) -> Iterator[Machine]:
    """Open a machine with `dist` in /dist, our wheel on its index, and one real client.

    The machine trusts only `ca`, and knows the world's host names.
    """
    if not BASE.exists():
        missing(f"there is no {BASE}; run .ci/machine.sh")
    place = Path(tempfile.mkdtemp(prefix="machine-", dir=world.directory))
    world.check("mount", "-t", "tmpfs", "machine", str(place))
    root = place / "root"
    world.check("mkdir", *(str(place / name) for name in ("root", "upper", "work")))
    layers = f"lowerdir={BASE},upperdir={place}/upper,workdir={place}/work"
    world.check("mount", "-t", "overlay", "-o", layers, "machine", str(root))
    try:
        world.check("mount", "-t", "proc", "proc", f"{root}/proc")
        world.check("mount", "--rbind", "/dev", f"{root}/dev")
        world.check("mkdir", f"{root}/dist")
        world.check("mount", "--bind", "-o", "ro", str(dist), f"{root}/dist")
        world.check("cp", "/etc/hosts", f"{root}/etc/hosts")
        world.check("cp", str(ca), f"{root}{BUNDLE}")
        world.check("cp", "-L", program("crane"), f"{root}/usr/local/bin/crane")
        world.check("sh", "-c", f"cp {dist}/*.whl {root}/wheels")
        machine = Machine(world, root, user, cloud)
        for compiler in COMPILERS:
            assert machine.run("sh", "-c", f"command -v {compiler}").returncode != 0
        yield machine
    finally:
        world.check("umount", "--recursive", str(place))
