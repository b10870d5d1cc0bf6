"""A ticket is for one registry, in the form of its get, and for one configuration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.program import HOST

from dockcred.testing.sandbox import Sandbox

from .conftest import Primed
from .launched import SHELLS, Launched

ALIAS = "registry.corp.example"
OTHER = HOST.replace("123456789012", "210987654321")
NEVER_ENDING_MB = 64
READ_AT_MOST_MB = 16


def alias_of(match: str, registry: str) -> str:
    return f'[[registry]]\nmatch = "{match}"\nregistry = "{registry}"\n'


class World:
    """A launcher with AWS keys in variables, and a config.toml that a test writes."""

    def __init__(self, launched: Launched, cloud: Sandbox) -> None:
        self.launched = launched
        self.environment = dict(cloud.environment("env-keys"))
        self.home = Path(self.environment["HOME"])
        self.cache = self.home / ".cache/dockcred"
        self.configure(self.home / ".config", "")

    def configure(self, base: Path, text: str) -> None:
        file = base / "dockcred/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def get(self, key: str, shell: str = "dash", **more: str):
        return self.launched(key.encode(), self.environment | more, shell=shell)

    def tickets(self) -> list[str]:
        return sorted(path.name for path in self.cache.glob("front,*"))


@pytest.fixture
def world(launched, cloud) -> World:
    return World(launched, cloud)


@pytest.mark.parametrize("order", [(":5000", ""), ("", ":5000"), (":5000", ":5001")])
def test_a_port_has_its_own_ticket(world, cloud, shell, order) -> None:
    """With another port, a name is another registry, or none that is configured."""
    world.configure(world.home / ".config", alias_of(f"{ALIAS}:5000", HOST))
    first, second = (ALIAS + port for port in order)
    for key in (first, first, second, second):
        answer = world.get(key, shell)
        assert (answer.status == 0) == key.endswith(":5000")
    assert not world.get(f"{ALIAS}:5000", shell).by_python
    assert world.get(f"{ALIAS}:05000", shell).by_python


def test_two_ports_are_two_registries(world, cloud, shell) -> None:
    world.configure(
        world.home / ".config",
        alias_of(f"{ALIAS}:5000", HOST) + alias_of(f"{ALIAS}:5001", OTHER),
    )
    answers = {}
    for port in ("5000", "5001", "5000", "5001"):
        answer = world.get(f"{ALIAS}:{port}", shell)
        secret = json.loads(answer.stdout)["Secret"]
        assert answers.setdefault(port, secret) == secret
    assert answers["5000"] != answers["5001"]
    assert not answer.by_python


def test_a_key_in_clear_leaves_no_ticket(world, shell) -> None:
    """With http:// other rules hold: an alias that is not local may get no answer."""
    world.configure(world.home / ".config", alias_of("localhost", HOST))
    world.get("http://localhost", shell)
    assert world.tickets() == []
    world.get("localhost", shell)
    assert len(world.tickets()) == 2


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "DOCKCRED_CONFIG", "HOME"])
def test_another_configuration_is_another_answer(world, shell, variable) -> None:
    """This holds for each variable that chooses the file."""
    for name, registry in (("one", HOST), ("two", OTHER)):
        base = world.home / name
        world.configure(base, alias_of(ALIAS, registry))
        world.configure(base / ".config", alias_of(ALIAS, registry))
    cache = {"DOCKCRED_CACHE_DIR": str(world.cache)}
    world.environment.pop("XDG_CONFIG_HOME", None)
    tail = "dockcred/config.toml" if variable == "DOCKCRED_CONFIG" else ""

    def get(name: str):
        return world.get(
            ALIAS, shell, **cache, **{variable: str(world.home / name / tail)}
        )

    first = get("one")
    again, second = get("one"), get("two")
    assert first.stdout == again.stdout
    assert (first.status, again.by_python) == (0, False)
    assert second.by_python
    assert second.stdout != first.stdout


@pytest.mark.parametrize("erased", [ALIAS, f"{ALIAS}:5000", HOST, "other.example"])
def test_a_logout_leaves_nothing_under_any_name(world, shell, erased) -> None:
    """A logout from an alias, another alias, or their registry removes all tickets."""
    world.configure(
        world.home / ".config",
        alias_of(ALIAS, HOST)
        + alias_of(f"{ALIAS}:5000", HOST)
        + alias_of("other.example", HOST)
        + alias_of("kept.example", OTHER),
    )
    for key in (ALIAS, f"{ALIAS}:5000", "other.example", HOST, OTHER, "kept.example"):
        assert world.get(key, shell).status == 0
    assert len(world.tickets()) == 12
    secrets = [path.read_text() for path in world.cache.glob("front,*")]
    assert secrets
    assert world.launched(erased.encode(), world.environment, verb="erase").status == 0
    left = {name.split(",")[2] for name in world.tickets()}
    assert left == {OTHER, "kept.example"}
    assert not list(world.cache.glob(f"ecr,{HOST},*"))
    assert world.get(ALIAS, shell).by_python
    assert not world.get("kept.example", shell).by_python


def test_a_logout_of_what_was_an_alias_leaves_no_ticket(world) -> None:
    world.configure(world.home / ".config", alias_of(ALIAS, HOST))
    assert world.get(ALIAS).status == 0
    world.configure(world.home / ".config", "")
    world.launched(ALIAS.encode(), world.environment, verb="erase")
    assert world.tickets() == []


def test_a_logout_of_an_alias_that_has_moved_leaves_no_ticket(world) -> None:
    """The ticket belongs to an entry of the alias's former registry."""
    world.configure(world.home / ".config", alias_of(ALIAS, HOST))
    assert world.get(ALIAS).status == 0
    world.configure(world.home / ".config", alias_of(ALIAS, OTHER))
    world.launched(ALIAS.encode(), world.environment, verb="erase")
    assert world.tickets() == []


@pytest.mark.parametrize("what", ["ticket", "stamp"])
def test_a_renamed_file_answers_for_nothing_else(world, shell, what) -> None:
    """In a directory that others can write, they can rename files they cannot read."""
    world.configure(world.home / ".config", alias_of(ALIAS, OTHER))
    mine, other = world.get(HOST, shell).stdout, world.get(ALIAS, shell).stdout
    world.cache.chmod(0o777)
    files = {}
    for path in world.cache.glob("front,*"):
        kind = "stamp" if path.suffix == ".stamp" else "ticket"
        files[kind, path.name.split(",")[2]] = path
    os.replace(files[what, ALIAS], files[what, HOST])
    answer = world.get(HOST, shell)
    secret = json.loads(other)["Secret"].encode()
    assert secret not in answer.stdout
    assert answer.by_python or answer.stdout == mine


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory away needs root")
def test_a_strangers_directory_is_pythons(launched, primed, shell) -> None:
    os.chown(primed.cache, 12345, 12345)
    assert launched(HOST.encode(), primed.environment, shell=shell).by_python


def test_a_link_in_place_of_the_directory_is_pythons(launched, primed, shell) -> None:
    moved = primed.cache.rename(primed.cache.with_name("moved"))
    primed.cache.symlink_to(moved)
    assert launched(HOST.encode(), primed.environment, shell=shell).by_python


def test_a_stamp_holds_no_answer(primed: Primed) -> None:
    """So renaming a stamp moves a time only, and no password."""
    assert json.loads(primed.answer)["Secret"] not in primed.stamp.read_text()


def test_a_line_that_never_ends_is_not_read_to_its_end(launched, primed, shell) -> None:
    """The shell reads byte by byte, and ends at its memory limit."""
    first, *rest = SHELLS[shell]
    theirs, ours = os.pipe()
    with subprocess.Popen(
        [shutil.which(first), *rest, launched.path, "get"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=primed.environment,
    ) as process:
        os.close(theirs)
        taken = 0
        try:
            while taken < NEVER_ENDING_MB << 20:
                taken += os.write(ours, b"a" * 65536)
        except BrokenPipeError:
            pass
        os.close(ours)
        said = process.stdout.read()
    assert taken < READ_AT_MOST_MB << 20
    assert b"Secret" not in said
    assert process.returncode


def test_python_gets_its_memory_back(launched, primed, tmp_path) -> None:
    """The memory limit is for the shell only; a caller's lower hard limit stays."""
    launched(HOST.encode(), primed.environment, verb="list")
    for hard, expected in (("unlimited", "unlimited"), ("4000000", "4000000")):
        python = tmp_path / "python"
        python.write_text("#!/bin/sh\nulimit -Sd\n")
        python.chmod(0o755)
        text = launched.path.read_text().replace(str(launched.python), str(python))
        asked = tmp_path / "launcher"
        asked.write_text(text)
        done = subprocess.run(
            ["sh", "-c", f'ulimit -d {hard}; exec sh "$0" get', asked],
            input=f"{HOST}:444".encode(),
            env=primed.environment,
            capture_output=True,
            check=False,
        )
        assert done.stdout.decode().split()[0] == expected
