"""A person in the world: their home, the programs on their PATH, and their pulls."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from real.parts import SYSTEM_PATH, every, program
from real.world import SYSTEM_TRUST, Result, World
from support import terminal
from support.program import BUSY_S

LOCAL = "/usr/local/bin"  # where root's `install` puts the launchers
PODMAN = ("--storage-driver=vfs", "--cgroup-manager=cgroupfs")
# Not files of the person: caches and logs, which any `get` writes, ours or AWS's; notes
# of the stand-in programs; and a keychain's empty lock file with its directories.
_CACHES = (".cache", ".ecr")
_NOTES = re.compile(
    r"(gcloud|gh|az)-calls$|\.azure/sandbox-"
    r"|\.local(/share(/dockcred(/secretservice\.lock)?)?)?$"
)
Tree = dict[str, tuple[str, ...]]


@dataclass
class Person:
    """Runs programs as a person who has just installed `dockcred`, and no helper."""

    world: World
    home: Path
    tools: Path
    engine: str
    variables: dict[str, str] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables of their shell, which name no cloud."""
        trusts = ("SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home}/bin:{self.tools}:{SYSTEM_PATH}",
            "LANG": "C.UTF-8",
            "USER": "root",
            **({"DOCKER_HOST": self.engine} if self.engine else {}),
            **dict.fromkeys(trusts, SYSTEM_TRUST),
            **self.variables,
        }

    def run(self, *argv: str, stdin: str = "") -> Result:
        """Run a program to its end, without a terminal."""
        return self.world.run(*argv, env=self.environment, stdin=stdin, seconds=BUSY_S)

    def setup(self, *arguments: str) -> Result:
        """Run `dockcred setup` without a terminal."""
        return self.run("dockcred", "setup", *arguments)

    def talk(
        self,
        *arguments: str,
        answers: Mapping[str, str] | None = None,
        width: int = 100,
    ) -> tuple[int, str, list[str]]:
        """Run `dockcred setup` on a terminal; return what it showed and asked."""
        answers = answers or {}
        command = self.world.command("dockcred", "setup", *arguments, seconds=100)
        return terminal.talk(command, self.environment, answers, width=width)

    def plan(self, *arguments: str) -> dict[str, Any]:
        """Return the plan that `setup --dry-run --json` prints."""
        done = self.setup("--dry-run", "--json", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def write(self, name: str, content: object, mode: int = 0o600) -> Path:
        """Write a file below the home."""
        path = self.home / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        path.write_text(text)
        path.chmod(mode)
        return path

    def pull(self, client: str, image: str) -> Result:
        """Pull an image by a client, then remove it from docker's engine."""
        if client == "podman":
            name = self.home.parent.name
            # podman requires a short path of its runroot.
            places = (
                "--root",
                f"{self.home.parent}/images",
                "--runroot",
                f"/run/{name}",
            )
            return self.run(program("podman"), *PODMAN, *places, "pull", image)
        if client == "skopeo":
            words = (program("skopeo"), "--insecure-policy", "inspect")
            return self.run(*words, f"docker://{image}")
        assert client == "docker", client
        done = self.run("docker", "pull", image)
        self.run("docker", "image", "rm", "-f", image)
        return done

    def pulled(self, client: str, image: str) -> None:
        """Pull an image by a client; it must succeed."""
        done = self.pull(client, image)
        assert done.returncode == 0, f"{client}: {done.stdout}{done.stderr}"

    def refused(self, client: str, image: str) -> None:
        """Pull an image by a client; the registry must refuse it without a login."""
        done = self.pull(client, image)
        said = (done.stdout + done.stderr).lower()
        assert done.returncode, f"{client} pulls {image} as nobody"
        words = ("unauthorized", "denied", "no basic auth", "authentication required")
        assert any(word in said for word in words), said

    def keychain(self) -> str:
        """Return the logins in the person's keyring, listed by docker's own helper."""
        if "DBUS_SESSION_BUS_ADDRESS" not in self.variables:
            return ""
        listed = self.run(program("docker-credential-secretservice"), "list")
        assert listed.returncode == 0, listed.stderr + listed.stdout
        return listed.stdout

    def without(self, *names: str) -> None:
        """Hide programs of the machine until `bring_back`."""
        for name in names:
            for file in every(name):
                if file.startswith("/"):
                    self.world.check("mount", "--bind", "/dev/null", file)
                    self.hidden.append(file)

    def bring_back(self) -> None:
        """Show the hidden programs again."""
        for file in self.hidden:
            self.world.check("umount", "--lazy", file)

    def tree(self) -> Tree:
        """Return the state of the person's files, without caches, and of LOCAL."""
        found: Tree = {}
        for path in sorted(self.home.rglob("*")):
            name = str(path.relative_to(self.home))
            if name.split("/", maxsplit=1)[0] in _CACHES or _NOTES.search(name):
                continue
            found[f"~/{name}"] = _seen(path)
        return found | self._local()

    def _local(self) -> Tree:
        shape = self.world.check("find", LOCAL, "-printf", r"%p\t%m %u:%g %l\n")
        digest = ("-name", "dock*", "-type", "f", "-exec", "sha256sum", "{}", "+")
        sums = dict(
            reversed(line.split(maxsplit=1))
            for line in self.world.check("find", LOCAL, *digest).splitlines()
        )
        lines = (line.split("\t", 1) for line in shape.splitlines())
        return {path: (said, sums.get(path, "")) for path, said in lines}


def _seen(path: Path) -> tuple[str, ...]:
    status = path.lstat()
    owner = f"{status.st_uid}:{status.st_gid}"
    content = ""
    if path.is_symlink():
        content = str(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        data = path.read_bytes()
        content = f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()}"
    return oct(status.st_mode), owner, content


def changed(before: Tree, after: Tree) -> list[str]:
    """Return the names that are in one tree only, or differ."""
    names = before.keys() | after.keys()
    return sorted(n for n in names if before.get(n) != after.get(n))


def is_file(tree: Tree, name: str) -> bool:
    """Return whether a name in a tree is a file or a link."""
    seen = tree[name]
    return len(seen) == 2 or seen[0].startswith(("0o10", "0o12"))


@contextmanager
def own_machine(world: World, place: Path) -> Iterator[None]:
    """Mount an overlay on LOCAL, so that each home finds it unchanged."""
    place.mkdir()
    world.check("mount", "-t", "tmpfs", "local", str(place))
    world.check("mkdir", f"{place}/upper", f"{place}/work")
    layers = f"lowerdir={LOCAL},upperdir={place}/upper,workdir={place}/work"
    world.check("mount", "-t", "overlay", "-o", layers, "local", LOCAL)
    try:
        yield
    finally:
        world.check("umount", "--lazy", LOCAL)
        world.check("umount", "--lazy", str(place))
