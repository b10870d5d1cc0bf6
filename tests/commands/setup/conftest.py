"""The world of tests/real, with a cloud under its real names and people's homes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from real.conftest import helper_bin, layer  # noqa: F401 - fixtures
from real.engine import open_engine
from real.parts import program
from real.registry import BACKEND, HOSTS, make_certificates, open_registry
from real.world import BARE_ENVIRONMENT, SERVER_SECONDS, World, open_world
from stores.places import Desk, short_directory

from .cloud_desk import ACCOUNTS
from .homes import HOMES, Home
from .person import Person, own_machine

IMAGE = "team/app:1"
CLOUD_ADDRESS = "192.0.2.2"
METADATA = "169.254.169.254"
# More registries than tests/real has: the third AWS account's, and a Google host that
# its identities name.
MORE_HOSTS = (
    f"{ACCOUNTS['prod']}.dkr.ecr.eu-west-1.amazonaws.com",
    "us-docker.pkg.dev",
)
# Real host names of the clouds' services: so no variable has to set an endpoint.
NAMES = (
    *("api.ecr.eu-west-1.amazonaws.com", "ecr.eu-west-1.api.aws"),
    *("portal.sso.eu-west-1.amazonaws.com", "oidc.eu-west-1.amazonaws.com"),
    *("sts.eu-west-1.amazonaws.com", "sts.amazonaws.com"),
    *("api.ecr-public.us-east-1.amazonaws.com", "oauth2.googleapis.com"),
    *("api.github.com", "login.microsoftonline.com"),
)


class CloudDesk:
    """The process of cloud_desk.py, which makes people's identities on request."""

    def __init__(self, world: World, process: subprocess.Popen[str]) -> None:
        self.world = world
        self._process = process
        self.told: dict[str, str] = self._read()
        self._is_metadata_served = False

    def ask(self, do: str, **words: str) -> dict[str, str]:
        """Send a request; return the answer when it is done."""
        assert self._process.stdin
        print(json.dumps({"do": do, **words}), file=self._process.stdin, flush=True)
        return self._read()

    @contextmanager
    def azure_machine(self) -> Iterator[None]:
        """Make firmware and metadata look like those of a virtual machine in Azure."""
        check = self.world.check
        check("mount", "-t", "tmpfs", "firmware", "/sys/class")
        says = {
            "sys_vendor": "Microsoft Corporation",
            "product_name": "Virtual Machine",
            "chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77",
        }
        check("mkdir", "-p", "/sys/class/dmi/id")
        for name, text in says.items():
            check("sh", "-c", f"echo '{text}' >/sys/class/dmi/id/{name}")
        check("ip", "address", "add", f"{METADATA}/32", "dev", "lo")
        try:
            if not self._is_metadata_served:
                self.ask("listen", address=METADATA, port="80")
                self._is_metadata_served = True
            yield
        finally:
            check("ip", "address", "del", f"{METADATA}/32", "dev", "lo")
            check("umount", "--lazy", "/sys/class")

    def _read(self) -> dict[str, str]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the cloud has ended"
        return json.loads(line)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    def certificates(directory: Path) -> Path:
        return make_certificates(directory, *MORE_HOSTS)

    with open_world((*HOSTS, *MORE_HOSTS), certificates) as world:
        yield world


@pytest.fixture(scope="session")
def cloud_desk(world: World) -> Iterator[CloudDesk]:
    """Serve the cloud under its real names, and the registries that trust it."""
    script = str(Path(__file__).with_name("cloud_desk.py"))
    command = world.command(sys.executable, script, seconds=SERVER_SECONDS)
    with subprocess.Popen(
        command,
        env=BARE_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            desk = CloudDesk(world, process)
            world.check("ip", "address", "add", f"{CLOUD_ADDRESS}/32", "dev", "lo")
            desk.ask("listen", address=CLOUD_ADDRESS, port="443")
            with (world.directory / "hosts").open("a") as hosts:
                hosts.write(f"{CLOUD_ADDRESS} {' '.join(NAMES)}\n")
            with (world.directory / "ca.pem").open("a") as trusted:
                trusted.write(desk.told["authority"])
            with open_registry(world, desk.told["url"], desk.told["certificate"]):
                yield desk
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def engine(world: World, cloud_desk: CloudDesk) -> Iterator[str]:
    assert cloud_desk.told
    with open_engine(world) as address:
        yield address


@pytest.fixture(scope="session")
def image(world: World, cloud_desk: CloudDesk, layer: Path) -> str:  # noqa: F811
    """Push an image to the registries' backend, without a login; return its path."""
    assert cloud_desk.told
    world.check(
        *(program("skopeo"), "--insecure-policy", "copy", "--format=v2s2"),
        *("--dest-tls-verify=false", f"tarball:{layer}", f"docker://{BACKEND}/{IMAGE}"),
    )
    return IMAGE


@pytest.fixture
def person(world: World, engine: str, helper_bin: Path) -> Iterator[Person]:  # noqa: F811
    """Make a person with `dockcred` on PATH, and an empty home."""
    for name in ("docker", "podman", "skopeo"):
        program(name)
    place = Path(tempfile.mkdtemp(prefix="person-", dir=world.directory))
    home, tools = place / "ada", place / "tools"
    home.mkdir(mode=0o700)
    tools.mkdir()
    (tools / "dockcred").symlink_to(helper_bin / "dockcred")
    with own_machine(world, place / "local"):
        made = Person(world, home, tools, engine)
        yield made
        made.bring_back()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def keyring() -> Iterator[Desk]:
    """Provide an unlocked gnome-keyring on a D-Bus of its own, outside the home."""
    with short_directory() as path, Desk(path) as desk:
        desk.start_keyring("password")
        yield desk


@pytest.fixture(params=HOMES)
def home(
    request: pytest.FixtureRequest, person: Person, cloud_desk: CloudDesk, image: str
) -> Iterator[Home]:
    """Make each of the eight homes, one for each test run."""
    with HOMES[request.param](
        person, cloud_desk, image, request.getfixturevalue
    ) as made:
        yield made
