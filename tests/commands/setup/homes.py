"""The eight homes in which `dockcred setup` is tried: what people have before it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from real.registry import (
    ACCOUNT_HOST,
    AZURE_HOST,
    GITHUB_HOST,
    GOOGLE_HOST,
    HUB_PASSWORD,
    HUB_USER,
    OTHER_ACCOUNT_HOST,
)
from support.real import missing, program

from .person import Person

if TYPE_CHECKING:
    from .conftest import CloudDesk

HUB_KEY = "https://index.docker.io/v1/"
PROD_HOST = "345678901234.dkr.ecr.eu-west-1.amazonaws.com"
AWS_S_OWN = "/usr/local/lib/dockcred-ci/bin/docker-credential-ecr-login"


@dataclass
class Home:
    """A person's home, the arguments of their `setup`, and what must work after it.

    hosts       registries that are arguments of `setup`
    pulls       clients and images, as they stand in the command of the pull
    open_before  images of these that could be pulled before `setup`
    identities  by host, a part of what the plan says of its identity
    moved       secrets that are readable in files before `setup`, and in none after it
    """

    person: Person
    hosts: tuple[str, ...] = ()
    pulls: list[tuple[str, str]] = field(default_factory=list)
    open_before: frozenset[str] = frozenset()
    identities: dict[str, str] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    finds_nothing: bool = False


Asked = Callable[[str], Any]
Maker = Callable[["Person", "CloudDesk", str, Asked], AbstractContextManager[Home]]


def _auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def _with_keyring(person: Person, asked: Asked) -> None:
    desk = asked("keyring")
    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
        person.variables[name] = desk.variables[name]


@contextmanager
def desktop(
    person: Person, cloud: CloudDesk, image: str, asked: Asked
) -> Iterator[Home]:
    """A desktop with gnome-keyring, and logins in plain text in docker's file."""
    _with_keyring(person, asked)
    token = cloud.ask("github-token")["token"]
    logins = {HUB_KEY: _auth(HUB_USER, HUB_PASSWORD), GITHUB_HOST: _auth("ada", token)}
    person.write(
        ".docker/config.json",
        {"auths": logins, "detachKeys": "ctrl-e,e", "psFormat": "table {{.Names}}"},
    )
    kept = f"{GITHUB_HOST}/{image}"
    pulls = [("docker", image), ("docker", kept), ("podman", kept), ("skopeo", kept)]
    yield Home(
        person,
        pulls=pulls,
        open_before=frozenset(name for _, name in pulls),
        identities={GITHUB_HOST: "ada"},
        moved=tuple(entry["auth"] for entry in logins.values()),
    )


@contextmanager
def aws_sso(person: Person, cloud: CloudDesk, image: str, _: Asked) -> Iterator[Home]:
    """A login at AWS IAM Identity Center, with profiles of three accounts."""
    cloud.ask("sso", home=str(person.home), profiles="dev stage prod")
    accounts = {ACCOUNT_HOST: "dev", OTHER_ACCOUNT_HOST: "stage", PROD_HOST: "prod"}
    pulls = [("docker", f"{host}/{image}") for host in accounts]
    pulls.append(("podman", f"{PROD_HOST}/{image}"))
    yield Home(person, pulls=pulls, identities=accounts)


@contextmanager
def azure_vm(person: Person, cloud: CloudDesk, image: str, _: Asked) -> Iterator[Home]:
    """A virtual machine in Azure that has an identity."""
    cloud.ask("become", home=str(person.home), identity="azure-imds")
    pulls = [("docker", f"{AZURE_HOST}/{image}")]
    with cloud.azure_machine():
        yield Home(person, (AZURE_HOST,), pulls, identities={AZURE_HOST: ""})


@contextmanager
def google(person: Person, cloud: CloudDesk, image: str, _: Asked) -> Iterator[Home]:
    """A login with gcloud, and application default credentials."""
    for identity in ("google-gcloud", "google-authorized-user"):
        cloud.ask("become", home=str(person.home), identity=identity)
    pulls = [("docker", f"{GOOGLE_HOST}/{image}")]
    yield Home(person, (GOOGLE_HOST,), pulls, identities={GOOGLE_HOST: ""})


@contextmanager
def several(person: Person, cloud: CloudDesk, image: str, _: Asked) -> Iterator[Home]:
    """Logins in four clouds, and an image from one of them in the engine."""
    home = str(person.home)
    cloud.ask("sso", home=home, profiles="dev")
    for identity in ("google-authorized-user", "azure-cli", "github-gh-login"):
        cloud.ask("become", home=home, identity=identity)
    # Only this image in the engine tells `setup` that Azure's registry is used.
    seen = f"{AZURE_HOST}/{image.partition(':')[0]}:before"
    engine = ("docker", "--host", person.engine)
    person.world.check(*engine, "tag", _any_image(person), seen)
    hosts = (ACCOUNT_HOST, GOOGLE_HOST, AZURE_HOST, GITHUB_HOST)
    pulls = [("docker", f"{host}/{image}") for host in hosts]
    try:
        yield Home(person, (GOOGLE_HOST,), pulls, identities=dict.fromkeys(hosts, ""))
    finally:
        person.world.check(*engine, "image", "rm", "-f", seen)


@contextmanager
def old_helpers(
    person: Person, cloud: CloudDesk, image: str, asked: Asked
) -> Iterator[Home]:
    """The helpers of AWS and Google are configured, and docker's own for the rest."""
    _with_keyring(person, asked)
    secretservice = program("docker-credential-secretservice")
    helper = person.home / "bin/docker-credential-ecr-login"
    helper.parent.mkdir()
    helper.symlink_to(_aws_s_own())
    cloud.ask("aws-keys", home=str(person.home))
    for identity in ("google-gcloud", "google-authorized-user"):
        cloud.ask("become", home=str(person.home), identity=identity)
    person.write("bin/docker-credential-gcloud", _GCLOUD_HELPER, 0o755)
    helpers = {ACCOUNT_HOST: "ecr-login", GOOGLE_HOST: "gcloud"}
    person.write(
        ".docker/config.json",
        {"auths": {HUB_KEY: {}}, "credsStore": "secretservice", "credHelpers": helpers},
        0o644,
    )
    request = (
        f'{{"ServerURL":"{HUB_KEY}","Username":"{HUB_USER}","Secret":"{HUB_PASSWORD}"}}'
    )
    stored = person.run(secretservice, "store", stdin=request)
    assert stored.returncode == 0, stored.stderr + stored.stdout
    names = [image, f"{ACCOUNT_HOST}/{image}", f"{GOOGLE_HOST}/{image}"]
    yield Home(
        person,
        pulls=[("docker", name) for name in names],
        open_before=frozenset(names),
        identities={ACCOUNT_HOST: "docker-credential-ecr-login", GOOGLE_HOST: "gcloud"},
    )


@contextmanager
def podman_only(
    person: Person, cloud: CloudDesk, image: str, _: Asked
) -> Iterator[Home]:
    """podman and skopeo without docker; AWS keys in ~/.aws."""
    person.without("docker", "crane", "oras")
    person.engine = ""
    cloud.ask("aws-keys", home=str(person.home))
    pulls = [(client, f"{ACCOUNT_HOST}/{image}") for client in ("podman", "skopeo")]
    yield Home(person, (ACCOUNT_HOST,), pulls, identities={ACCOUNT_HOST: ""})


@contextmanager
def nothing(person: Person, _: CloudDesk, image: str, __: Asked) -> Iterator[Home]:
    """docker, and no identity at all."""
    pulls = [("docker", f"public.ecr.aws/{image}")]
    open_before = frozenset(name for _, name in pulls)
    yield Home(person, pulls=pulls, open_before=open_before, finds_nothing=True)


HOMES: dict[str, Maker] = {
    made.__name__.replace("_", "-"): made
    for made in (
        *(desktop, aws_sso, azure_vm, google),
        *(several, old_helpers, podman_only, nothing),
    )
}

# Does what gcloud's own helper does: it asks gcloud, and answers in docker's protocol.
_GCLOUD_HELPER = """\
#!/bin/sh
[ "$1" = list ] && echo '{}' && exit
read -r server
token=$(gcloud config config-helper --format=json |
    sed -n 's/.*"access_token": "\\([^"]*\\)".*/\\1/p')
echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"_dcgcloud_token\\",\\"Secret\\":\\"$token\\"}"
"""


def _aws_s_own() -> str:
    import os

    if not os.access(AWS_S_OWN, os.X_OK):
        missing("AWS's own helper is not there: see .ci/run")
    return AWS_S_OWN


def _any_image(person: Person) -> str:
    layer = person.world.directory / "layer.tar"
    command = ("docker", "--host", person.engine, "import", str(layer))
    return person.world.check(*command).strip()
