"""The installer's image: built from scratch without network, pushed, pulled and run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.release import ROOT

from .clients import Account
from .registry import ACCOUNT_HOST
from .world import World

pytestmark = pytest.mark.slow

KUBERNETES = ROOT / "packaging/kubernetes"
IMAGE = f"{ACCOUNT_HOST}/team/dockcred-installer:1"
PLUGIN = "/opt/dockcred/plugins/dockcred-credential-provider"
DOCKER = ("docker", "--host")


@pytest.fixture
def image(
    account: Account, engine: str, directory: Path, tmp_path: Path
) -> Iterator[str]:
    """Build the image as the page says; it is in the engine and in the registry."""
    shutil.copytree(directory, tmp_path / "image/amd64")
    dockerfile = str(KUBERNETES / "Dockerfile")
    named = ("--network", "none", "--tag", IMAGE, "--file", dockerfile)
    account.succeed(*DOCKER, engine, "build", *named, str(tmp_path / "image"))
    account.docker_helper("ecr-login")
    account.succeed(*DOCKER, engine, "push", IMAGE)
    account.succeed(*DOCKER, engine, "image", "rm", IMAGE)
    account.succeed(*DOCKER, engine, "pull", IMAGE)
    yield IMAGE
    account.succeed(*DOCKER, engine, "image", "rm", "--force", IMAGE)


@pytest.fixture
def node(world: World, tmp_path: Path) -> Iterator[Path]:
    """The root directory of a node without any program."""
    root = tmp_path / "node"
    for name in ("proc", "etc", "opt", "run"):
        (root / name).mkdir(parents=True)
    world.check("mount", "-t", "proc", "proc", str(root / "proc"))
    yield root
    world.check("umount", str(root / "proc"))


def confined() -> list[str]:
    """Return docker's options that mean the same as the DaemonSet's securityContext."""
    manifest = yaml.safe_load((KUBERNETES / "install/daemonset.yaml").read_text())
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    context = container["securityContext"]
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    assert context["capabilities"]["drop"] == ["ALL"]
    added = [f"--cap-add={name}" for name in context["capabilities"]["add"]]
    given = [f"--env={row['name']}={row['value']}" for row in container["env"]]
    limit = container["resources"]["limits"]["memory"].removesuffix("Mi")
    return [
        *("--read-only", "--security-opt=no-new-privileges", "--cap-drop=ALL", *added),
        *(f"--user={context['runAsUser']}", f"--memory={limit}m", *given),
    ]


def test_the_daemonset_s_image_installs_and_removes(
    account: Account, engine: str, image: str, node: Path, world: World, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    shutil.copy(
        KUBERNETES / "install/configs/aws.yaml",
        tmp_path / "config/credential-provider.yaml",
    )
    inspected = account.succeed(*DOCKER, engine, "image", "inspect", image).stdout
    (facts,) = json.loads(inspected)
    assert len(facts["RootFS"]["Layers"]) == 1, "nothing but the directory"
    run = (
        *(*DOCKER, engine, "run", "--rm", "--network=none", "--env=ONCE=1"),
        *(f"--volume={node}:/host", f"--volume={tmp_path}/config:/config:ro"),
        *(*confined(), image),
    )
    account.succeed(*run, "install")
    said = world.check("/usr/sbin/chroot", str(node), PLUGIN, "version")
    assert said.startswith("dockcred-credential-provider (dockcred)")
    assert (node / "etc/dockcred/credential-provider.yaml").is_file()
    account.succeed(*run, "remove")
    assert sorted(path.name for path in node.iterdir()) == ["etc", "opt", "proc", "run"]
    assert not [*(node / "opt").iterdir(), *(node / "etc").iterdir()]
