"""The recipes of docs/exec.md work as written, and fail without `dockcred exec`."""

from __future__ import annotations

import importlib.util
import io
import re
import shlex
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from support import build
from support.documents import ROOT, Block, blocks

from .clients import Account
from .parts import missing, program
from .registry import ACCOUNT_HOST, Visits
from .world import World

PAGE = ROOT / "docs/exec.md"
EXEC = re.compile(r"dockcred exec .*? -- (\\\n)?")
COMMANDS = [
    block
    for block in blocks("console")
    if block.page == PAGE and block.elsewhere == "tests/real/test_exec_recipes.py"
]
JOBS = [block for block in blocks("yaml") if block.page == PAGE]

HELM = """#!{python} -I
import sys
from helm_python import RegistryClient
RegistryClient().push(*sys.argv[2:])
"""
# Like genpolicy: the crate docker_credential is asked for the image's registry.
CONTRAST = """#!/bin/sh -e
image=$(sed -n 's/^ *image: //p' "$2")
pair=$({reader} genpolicy "${{image%%/*}}")
exec skopeo --insecure-policy inspect --creds "$pair" "docker://$image"
"""
ATTEST = """
import oci from "{package}/dist/index.js";
const imageName = process.argv[2];
const image = {{ imageName, credentials: oci.getRegistryCredentials(imageName) }};
const imageDigest = await oci.getImageDigest({{ ...image, imageTag: "1" }});
const artifact = {{ artifact: Buffer.from("{{}}"), mediaType: "application/json" }};
await oci.attachArtifactToImage({{ ...image, ...artifact, imageDigest }});
"""
TESTCONTAINERS = """
import {{ execFileSync }} from "node:child_process";
import found from "{package}/build/container-runtime/auth/get-auth-config.js";
const login = await found.getAuthConfig("{host}");
execFileSync("skopeo", [
  "--insecure-policy", "inspect", "docker://{host}/team/app:1",
  ...(login ? ["--creds", `${{login.username}}:${{login.password}}`] : []),
]);
"""


class Project:
    """A person's project in the world, and the tools that its recipes call."""

    def __init__(self, account: Account, directory: Path, engine: str) -> None:
        self.account = account
        self.directory = directory
        self._variables = {
            "DOCKER_HOST": engine,
            "DOCKER_BUILDKIT": "0",
            "NODE_EXTRA_CA_CERTS": f"{account.world.directory}/ca.pem",
            "npm_config_update_notifier": "false",
        }

    def typing(self, commands: str, more: Mapping[str, str]) -> list[str]:
        """Return the command line of a shell that runs these commands."""
        exports = (self._variables | dict(more)).items()
        said = [f"export {name}={shlex.quote(value)}" for name, value in exports]
        script = "\n".join(("set -eu", f"cd {self.directory}", *said, commands))
        return ["bash", "-c", script]

    def uses_testcontainers(self) -> None:
        """Write a test of the project whose image testcontainers would pull."""
        package = build.node("testcontainers", "10.28.0")
        script = TESTCONTAINERS.format(package=package, host=ACCOUNT_HOST)
        (self.directory / "test.mjs").write_text(script)

    def works_within_alone(self, commands: str, **more: str) -> None:
        without = EXEC.sub("", commands)
        assert without != commands
        visits = Visits(self.account.world)
        done = self.account.run(*self.typing(without, more))
        assert done.returncode not in {0, 124}, done
        assert not visits.authenticated(), done
        self.account.succeed(*self.typing(commands, more))
        assert visits.seen("AWS", 200) or visits.seen("AWS", 201)


@pytest.fixture
def project(
    world: World,
    cloud: Mapping[str, str],
    helper_bin: Path,
    engine: str,
    image: str,
    layer: Path,
    rust_reader: str,
) -> Project:
    home = Path(tempfile.mkdtemp(prefix="home-", dir=world.directory))
    tools = home / "tools"
    tools.mkdir()
    # PATH has our `dockcred` only, and no helper.
    (tools / "dockcred").symlink_to(helper_bin / "dockcred")
    for name, text in {
        "helm": HELM.format(python=sys.executable),
        "contrast": CONTRAST.format(reader=rust_reader),
    }.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    directory = home / "project"
    directory.mkdir()
    for name, text in {
        "Dockerfile": "FROM scratch\nADD layer.tar /\n",
        "deployment.yml": f"spec:\n  image: {image}\n",
        "package.json": '{"scripts": {"test": "node test.mjs"}}',
    }.items():
        (directory / name).write_text(text)
    (directory / "layer.tar").write_bytes(layer.read_bytes())
    with tarfile.open(directory / "app-1.0.0.tgz", "w:gz") as tar:
        chart = b"apiVersion: v2\nname: app\nversion: 1.0.0\n"
        entry = tarfile.TarInfo("app/Chart.yaml")
        entry.size = len(chart)
        tar.addfile(entry, io.BytesIO(chart))
    return Project(Account(world, home, (tools,), cloud), directory, engine)


def named(block: Block) -> str:
    words = EXEC.sub("", block.text.strip()).split()
    return " ".join(words[1:3])


@pytest.mark.parametrize("block", COMMANDS, ids=named)
def test_a_command_is_let_in_as_the_page_has_it(project: Project, block: Block) -> None:
    ((command, shown),) = block.steps()
    assert not shown
    if "helm" in command and not importlib.util.find_spec("helm_python"):
        missing("helm is not installed: pip install helm-python-sdk")
    if "node " in command:
        package = build.node("@sigstore/oci", "0.5.0")
        (project.directory / "attest.mjs").write_text(ATTEST.format(package=package))
    if "npm " in command:
        project.uses_testcontainers()
    project.works_within_alone(command)


def test_testcontainers_reads_a_variable_that_is_set_and_nothing_else(
    project: Project,
) -> None:
    project.uses_testcontainers()
    command = f"dockcred exec --secret-variable --registry {ACCOUNT_HOST} -- npm test"
    project.works_within_alone(command, DOCKER_AUTH_CONFIG='{"auths": {}}')


@pytest.mark.parametrize("block", JOBS, ids=["gitlab", "github"])
def test_a_job_pushes_what_it_has_built(project: Project, block: Block) -> None:
    program("dockerd")
    (job,) = yaml.safe_load(block.text).values()
    if "push" in job:  # GitHub's jobs
        job = job["push"]
        lines, variables = [step.get("run", "") for step in job["steps"]], job["env"]
    else:
        lines, variables = job["script"], job["variables"]
    project.works_within_alone("\n".join(lines), **variables)
