"""Fixtures: issuers, registries of distribution 2 and 3, and jobs with real clients."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from real.parts import SYSTEM_PATH, program
from support.program import BUSY_S
from support.real import missing

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.ci.issuer import Issuer

from . import registries
from .clients import CLIENTS, Client, Job
from .registries import Site

GENERATIONS = {
    "2.8": (registries.distribution_2, "certificate"),
    "3": (registries.distribution_3, "jwks"),
}
RULES = """
[issuers.github]
url = "{github}"
audience = "{audience}"
kind = "github"

[issuers.gitlab]
url = "{gitlab}"
audience = "{audience}"
kind = "gitlab"

[[rules]]
issuer = "github"
claims = {{ repository_id = "74012345", event_name = "push", ref = "refs/heads/main" }}
repositories = ["team/app", "team/mounted"]
actions = ["pull", "push"]

[[rules]]
issuer = "github"
claims = {{ repository_owner_id = "6501234" }}
repositories = ["team/**"]
actions = ["pull"]

[[rules]]
issuer = "gitlab"
claims = {{ project_id = "20", ref = "main", ref_protected = "true" }}
repositories = ["group/app", "team/base"]
actions = ["pull", "push"]

[[rules]]
anonymous = true
repositories = ["public/*"]
actions = ["pull"]

[[rules]]
issuer = "gitlab"
claims = {{ namespace_id = "72", ref_protected = "true" }}
repositories = ["public/*", "secret/*"]
actions = ["push", "pull"]
"""


@pytest.fixture(scope="session")
def helper_bin() -> Path:
    """The directory of the programs under test: DOCKCRED_BIN, or our venv's."""
    return Path(os.environ.get("DOCKCRED_BIN") or Path(sys.executable).parent)


@pytest.fixture(scope="session")
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as cloud:
        yield cloud


@pytest.fixture(scope="session", params=GENERATIONS)
def site(
    request: pytest.FixtureRequest,
    cloud: Sandbox,
    helper_bin: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """A registry of each generation, with the signature that it checks."""
    binary, sign_for = GENERATIONS[request.param]
    rules = RULES.format(
        github=cloud.ci.github.url,
        gitlab=cloud.ci.gitlab.url,
        audience=cloud.ci.audience,
    )
    place = tmp_path_factory.mktemp(f"site-{sign_for}")
    with registries.serving(place, helper_bin, binary(), sign_for, rules) as site:
        yield site


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a docker engine apart from the machine's own; return its address."""
    if os.geteuid() != 0:
        missing("a docker engine needs root")
    place = tmp_path_factory.mktemp("engine")
    address = f"unix://{place}/docker.sock"
    command = [
        *(program("dockerd"), "--host", address, "--pidfile", f"{place}/pid"),
        *("--data-root", f"{place}/data", "--exec-root", f"{place}/exec"),
        *("--storage-driver=vfs", "--bridge=none", "--iptables=false"),
        *("--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
    ]
    log = place / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env={"PATH": SYSTEM_PATH}, stdout=output, stderr=output
        ) as process,
    ):
        try:
            give_up = time.monotonic() + BUSY_S
            asked = [program("docker"), "--host", address, "version"]
            while subprocess.run(asked, capture_output=True, check=False).returncode:
                alive = process.poll() is None and time.monotonic() < give_up
                assert alive, log.read_text()
                time.sleep(0.1)
            yield address
        finally:
            process.terminate()


Start = Callable[..., Job]


@pytest.fixture
def job(cloud: Sandbox, site: Site, engine: str) -> Iterator[Start]:
    """Return a function that makes a job of GitHub, or of another sandbox identity."""
    with TemporaryDirectory(prefix="k-") as short:

        def start(identity: str = "ci-github", **more: str) -> Job:
            return Job(site, cloud.environment(identity) | more, engine, short)

        yield start


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, job: Start) -> Client:
    """Each client, in a job of GitHub that was started by a push to main."""
    return CLIENTS[request.param](job())


@contextmanager
def changed(issuer: Issuer, **claims: object) -> Iterator[None]:
    """Change claims in the tokens of the issuer's next jobs."""
    before, issuer.job = issuer.job, issuer.job | claims
    try:
        yield
    finally:
        issuer.job = before
