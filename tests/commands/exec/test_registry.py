"""A private registry, and passwords that expire while the command runs."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.private_registry import PrivateRegistry, private_registry
from support.program import wait_until

from dockcred.testing.sandbox import Sandbox

from .conftest import Caller

LIFE_S = 6
CLIENT_BY_LINE = """
while read line; do crane digest $IMAGE 2>/dev/null || echo refused; done
"""


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox(expires_s=LIFE_S) as sandbox:
        yield sandbox


@pytest.fixture
def registry(cloud: Sandbox, tmp_path: Path) -> Iterator[PrivateRegistry]:
    with private_registry(cloud, tmp_path) as served:
        yield served


@pytest.fixture
def caller(
    helper_bin: Path, cloud: Sandbox, place: str, registry: PrivateRegistry
) -> Caller:
    variables = {
        "DOCKCRED_CONFIG": str(registry.config),
        "IMAGE": f"{registry.host}/team/app:1",
    }
    return Caller(helper_bin / "dockcred", cloud.environment() | variables, place)


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    path = tmp_path / "layer.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    return path


def push(layer: Path, name: str = "$IMAGE") -> tuple[str, ...]:
    return ("sh", "-c", f"crane append --new_layer {layer} --new_tag {name}")


@pytest.mark.parametrize(
    ("options", "second"), [((), "sha256:"), (("--secret",), "refused")]
)
def test_a_command_that_outlives_its_password_still_pulls(
    caller: Caller,
    registry: PrivateRegistry,
    layer: Path,
    options: tuple[str, ...],
    second: str,
) -> None:
    """The helper mints a new password; with --secret there is only the expired one."""
    named = {"registries": (registry.host,), "options": options}
    done = caller.run(*push(layer), **named)
    assert done.returncode == 0, done.stderr
    script = ("sh", "-c", CLIENT_BY_LINE)
    with caller.start(*script, **named) as running:
        assert ask(running).startswith("sha256:")
        passwords = registry.passwords()
        wait_until(lambda: not any(map(registry.admits, passwords)))
        assert ask(running).startswith(second)
        running.communicate()
    assert caller.leaves_nothing()


def ask(running) -> str:
    running.stdin.write("\n")
    running.stdin.flush()
    return running.stdout.readline()


def test_two_identities_side_by_side_do_not_meet(
    caller: Caller, cloud: Sandbox, registry: PrivateRegistry, layer: Path
) -> None:
    """Both use one home, one cache and one registry at once; each pushes as itself."""
    other = Caller(caller.dockcred, {**caller.environment}, caller.place)
    role = cloud.environment("web-identity")
    for name in [name for name in other.environment if name.startswith("AWS_")]:
        del other.environment[name]
    other.environment |= {n: v for n, v in role.items() if n.startswith("AWS_")}
    both = {
        "user": (caller, push(layer, f"{registry.host}/team/user:1")),
        "role": (other, push(layer, f"{registry.host}/team/role:1")),
    }
    waiting = 'echo ready; read line; exec "$@"'
    running = [
        one.start("sh", "-c", waiting, "sh", *command, registries=(registry.host,))
        for one, command in both.values()
    ]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    assert len(caller.left()) == 2
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in running:
        process.communicate()
        assert process.returncode == 0
    who = {cloud.minted(password).principal for password in registry.passwords()}
    assert len(who) == 2, who
    assert caller.leaves_nothing()
