"""A real Nomad agent pulls with our helpers, set up by the page's own commands.

A spy records the requests to the helper; the registry's log has the users.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.documents import ROOT, blocks

from .clients import Account
from .nomad_agent import INSTALLED, Agent, open_agent, require_nomad
from .registry import ACCOUNT_HOST, BACKEND, Visits
from .world import World

pytestmark = pytest.mark.slow

PRIVATE, PUBLIC = f"get {ACCOUNT_HOST}", f"get {BACKEND}"


@pytest.fixture(scope="module")
def installed(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run the page's commands; a temporary directory is mounted on /usr/local/bin."""
    require_nomad()
    own = tmp_path_factory.mktemp("usr-local-bin")
    home = tmp_path_factory.mktemp("operator")
    world.check("mount", "--bind", str(own), INSTALLED)
    try:
        (block,) = (b for b in blocks("console") if b.page == ROOT / "docs/nomad.md")
        bin_dir = os.environ.get("DOCKCRED_BIN") or str(Path(os.sys.executable).parent)
        variables = {"HOME": str(home), "PATH": f"{bin_dir}:{os.environ['PATH']}"}
        script = "\n".join(("set -eu", f"cd {home}", *(c for c, _ in block.steps())))
        done = world.run("bash", "-c", script, env=variables, seconds=120)
        assert done.returncode == 0, done.stderr + done.stdout
        yield home
    finally:
        world.run("umount", INSTALLED)


Start = Callable[..., AbstractContextManager[Agent]]


@pytest.fixture
def start(
    world: World,
    installed: Path,
    engine: str,
    cloud: Mapping[str, str],
    tmp_path: Path,
) -> Start:
    """Return a function: it starts an agent with a cloud's variables and an engine."""

    def started(configuration: Path, **more: str) -> AbstractContextManager[Agent]:
        # With AWS_CA_BUNDLE, Nomad 1.10 does not start.
        own = {n: v for n, v in cloud.items() if n != "AWS_CA_BUNDLE"}
        variables = {**own, "DOCKER_HOST": engine, **more}
        variables["DOCKCRED_CACHE_DIR"] = str(tmp_path / "cache")
        return open_agent(world, tmp_path / "agent", configuration, variables)

    return started


@pytest.fixture
def pulled(world: World, engine: str) -> Callable[[Agent, str], str]:
    """Return a function: it runs a job with a new image; "" or why it has none."""

    def run(agent: Agent, image: str) -> str:
        docker = ("docker", "--host", engine, "image")
        world.run(*docker, "rm", "--force", image)
        said = agent.events(image)
        has_it = world.run(*docker, "inspect", image).returncode == 0
        return "" if has_it else said

    return run


def test_by_host_as_the_page_sets_it_up(
    start: Start, installed: Path, image: str, world: World, pulled
) -> None:
    """A private image is pulled by the helper; another host's does not reach it."""
    with start(installed / "nomad.d") as agent:
        visits = Visits(world)
        assert pulled(agent, image) == ""
        assert agent.asked() == [PRIVATE]
        assert visits.seen("AWS", 200)
        assert pulled(agent, _public(image)) == ""
        assert agent.asked() == []
        assert agent.validate(ROOT / "packaging/nomad/install.nomad.hcl") == ""


def test_without_a_block_nobody_is_asked_and_nobody_pulls(
    start: Start, image: str, tmp_path: Path, pulled
) -> None:
    """Without the helper the pull fails: the engine itself has no credential."""
    empty = tmp_path / "nomad.d"
    empty.mkdir()
    with start(empty) as agent:
        assert "no basic auth credentials" in pulled(agent, image)
        assert agent.asked() == []


def test_a_block_of_the_agent_s_own_keeps_what_it_says(
    start: Start, installed: Path, image: str, account: Account, tmp_path: Path, pulled
) -> None:
    """`configure` changes the file that the agent's own block names; Nomad reads it."""
    agent_dir = tmp_path / "nomad.d"
    agent_dir.mkdir()
    theirs = tmp_path / "theirs.json"
    theirs.write_text("{}")
    block = (
        'plugin "docker" { config { volumes { enabled = true }\n'
        f'auth {{ config = "{theirs}" }} }} }}'
    )
    (agent_dir / "own.hcl").write_text(block.replace("{ ", "{\n").replace(" }", "\n}"))
    call = ("dockcred", "configure", "nomad", "--registry", ACCOUNT_HOST)
    account.succeed(*call, "--agent-dir", str(agent_dir))
    with start(agent_dir) as agent:
        assert pulled(agent, image) == ""
        assert agent.asked() == [PRIVATE]


def test_one_helper_for_every_image(start: Start, image: str, pulled) -> None:
    """As in packaging/nomad/client.hcl, with the variable that its unit sets."""
    file = ROOT / "packaging/nomad/client.hcl"
    with start(file, DOCKCRED_ON_MISS="empty") as agent:
        for name, asked in ((image, PRIVATE), (_public(image), PUBLIC)):
            assert pulled(agent, name) == ""
            assert agent.asked() == [asked]


def test_a_miss_and_a_refusal_are_what_nomad_shows(
    start: Start, image: str, pulled
) -> None:
    """Without DOCKCRED_ON_MISS a public image fails: its event says what to set."""
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    with start(
        ROOT / "packaging/nomad/client.hcl", **nobody, AWS_EC2_METADATA_DISABLED="true"
    ) as agent:
        said = pulled(agent, _public(image))
        assert "Failed to find docker auth" in said
        assert "DOCKCRED_ON_MISS=empty" in said
        assert "no AWS identity was found" in pulled(agent, image)


def _public(image: str) -> str:
    return image.replace(ACCOUNT_HOST, BACKEND)
