"""Clients can log in with what `dockcred render` wrote, not with one change in it."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import build

from . import rendered
from .clients import Account
from .parts import program
from .registry import (
    ACCOUNT_HOST,
    AZURE_HOST,
    HUB_PASSWORD,
    HUB_USER,
    OTHER_ACCOUNT_HOST,
    Visits,
)
from .rendered import Client, Renderer, altered, payload
from .world import World

NOMAD = """
import json, sys
from docker import DockerClient
engine, image, file = sys.argv[1:]
items = json.load(open(file))["Items"]
login = {name: items[name] for name in ("username", "password")}
DockerClient(base_url=engine).images.pull(image, auth_config=login)
"""
MEMORY = """
import os, sys
fd = os.memfd_create("auth", 0)
os.write(fd, sys.stdin.buffer.read())
os.set_inheritable(fd, True)
words = [word.replace("@", f"/proc/self/fd/{fd}") for word in sys.argv[1:]]
os.execvp(words[0], words)
"""
SIGSTORE = """
const { username, password } = require(process.argv[1])
  .getRegistryCredentials(process.argv[2]);
process.stdout.write(`${username}:${password}`);
"""
# Azure's refresh token, in the form of an identity token of docker.
TOKEN = """#!/bin/sh
docker-credential-acr-login get | sed 's/"0[0-9-]*"/"<token>"/'
"""
OTHER_USER = 65534


@pytest.fixture
def render(account: Account, helper_bin: Path) -> Renderer:
    return Renderer(account, str(helper_bin / "dockcred"))


@pytest.mark.parametrize(
    "form, client",
    [
        ("docker-config", rendered.docker),
        ("docker-config", rendered.crane),
        ("docker-config", rendered.oras),
        ("docker-config", rendered.skopeo),
        ("helm", rendered.helm),
        ("helm", rendered.oras),
        ("containers-auth", rendered.skopeo),
        ("containers-auth", rendered.podman),
    ],
)
def test_a_client_pulls_with_its_file(
    render: Renderer, image: str, form: str, client: Client
) -> None:
    render.serves(render(form), lambda file: client(file, image))


@pytest.mark.parametrize("client", [rendered.skopeo, rendered.podman])
def test_the_strict_file_of_a_guest_is_one_that_podman_takes(
    render: Renderer, image: str, client: Client
) -> None:
    text = render("containers-auth", "--for", "coco")
    render.serves(text, lambda file: client(file, image))


@pytest.mark.parametrize(
    "form, client, image",
    [
        ("docker-config", rendered.docker, "team/app:1"),
        ("docker-config", rendered.crane, "team/app:1"),
        ("docker-config", rendered.oras, "docker.io/team/app:1"),
        ("docker-config", rendered.skopeo, "docker.io/team/app:1"),
        ("containers-auth", rendered.skopeo, "docker.io/team/app:1"),
        ("containers-auth", rendered.podman, "docker.io/team/app:1"),
    ],
)
@pytest.mark.usefixtures("image")
def test_docker_hub_is_found_by_whatever_key_a_client_looks_up(
    render: Renderer, form: str, client: Client, image: str
) -> None:
    text = render.docker_hub(form)
    render.serves(text, lambda file: client(file, image), user=HUB_USER)


@pytest.mark.parametrize(
    "form, client",
    [
        ("docker-config", rendered.docker),
        ("docker-config", rendered.crane),
        ("helm", rendered.oras),
        ("containers-auth", rendered.skopeo),
    ],
)
@pytest.mark.usefixtures("image")
def test_an_identity_token_is_exchanged_by_who_can(
    world: World,
    identities: Mapping[str, Mapping[str, str]],
    helper_bin: Path,
    form: str,
    client: Client,
) -> None:
    home = Path(tempfile.mkdtemp(prefix="home-", dir=world.directory))
    helper = home / "docker-credential-token"
    helper.write_text(TOKEN)
    helper.chmod(0o755)
    account = Account(world, home, (home, helper_bin), identities["azure-imds"])
    render = Renderer(account, str(helper_bin / "dockcred"))
    text = render(form, "--source", "helper:token", registry=AZURE_HOST)
    assert list(json.loads(text)["auths"][AZURE_HOST]) == ["auth", "identitytoken"]
    image = f"{AZURE_HOST}/team/app:1"
    account.succeed(*client(render.file(text), image))
    assert account.run(*client(render.file(altered(text)), image)).returncode == 1


@pytest.mark.usefixtures("image")
def test_a_namespace_opens_itself_alone(render: Renderer) -> None:
    text = render("containers-auth", registry=f"{ACCOUNT_HOST}/team")
    file = render.file(text, "auth.json")
    account = render.account
    account.refused(*rendered.skopeo(file, f"{ACCOUNT_HOST}/other/app:1"), user="-")
    account.succeed(*rendered.skopeo(file, f"{ACCOUNT_HOST}/team/app:1"))


def test_a_credential_opens_its_own_registry_alone(
    render: Renderer, image: str
) -> None:
    file = render.file(render("docker-config"))
    elsewhere = image.replace(ACCOUNT_HOST, OTHER_ACCOUNT_HOST)
    render.account.refused(*rendered.skopeo(file, elsewhere), user="-")


def test_the_secret_of_kubernetes_opens_the_registry(
    render: Renderer, image: str
) -> None:
    text = payload(render("kubernetes-secret", "--namespace", "apps"))
    found = json.loads(text)["auths"]
    for entry in found.values():
        entry["auth"] = altered(entry["auth"])
        del entry["password"]
    broken = render.file(json.dumps({"auths": found}))
    render.account.refused(*rendered.docker(broken, image))
    visits = Visits(render.account.world)
    render.account.succeed(*rendered.docker(render.file(text), image))
    assert visits.seen("AWS", 200)


@pytest.mark.parametrize("form", ["contrast-toml", "contrast-secret"])
def test_contrast_pulls(
    render: Renderer, go_reader: str, image: str, form: str
) -> None:
    """The reader has go-toml v2 and go-containerregistry, like Contrast's puller."""
    text = render(form)
    text = payload(text) if form == "contrast-secret" else text
    render.serves(text, lambda file: [go_reader, "contrast", str(file), image])


@pytest.mark.usefixtures("image")
def test_contrast_pulls_from_docker_hub(render: Renderer, go_reader: str) -> None:
    text = render.docker_hub("contrast-toml")
    image = "docker.io/team/app:1"
    render.serves(
        text, lambda file: [go_reader, "contrast", str(file), image], user=HUB_USER
    )


def test_genpolicy_of_contrast_reads_docker_s_file(
    render: Renderer, rust_reader: str, image: str
) -> None:
    """The crate docker_credential looks for the server's name as in the image."""

    def command(file: Path) -> list[str]:
        pair = render.account.succeed(
            *("env", f"DOCKER_CONFIG={file.parent}"),
            *(rust_reader, "genpolicy", ACCOUNT_HOST),
        ).stdout
        return rendered.by_creds(pair, image)

    render.serves(render("docker-config"), command)


def test_genpolicy_finds_docker_hub(render: Renderer, rust_reader: str) -> None:
    file = render.file(render.docker_hub("docker-config"))
    directory = f"DOCKER_CONFIG={file.parent}"
    found = render.account.succeed(
        "env", directory, rust_reader, "genpolicy", "index.docker.io"
    )
    assert found.stdout == f"{HUB_USER}:{HUB_PASSWORD}"


def test_image_rs_reads_the_file_of_a_guest(
    render: Renderer, rust_reader: str, image: str
) -> None:
    def command(file: Path) -> list[str]:
        done = render.account.succeed(rust_reader, "image-rs", stdin=file.read_text())
        key, _, pair = done.stdout.removesuffix("\n").partition(" ")
        assert key == ACCOUNT_HOST
        return rendered.by_creds(pair, image)

    render.serves(render("containers-auth", "--for", "coco"), command)


def test_sigstore_js_reads_the_file_of_a_home(render: Renderer, image: str) -> None:
    package = str(build.node("@sigstore/oci", "0.5.0"))

    def command(file: Path) -> list[str]:
        home = file.parent / "home"
        (home / ".docker").mkdir(parents=True, exist_ok=True)
        (home / ".docker/config.json").write_text(file.read_text())
        words = (program("node"), "-e", SIGSTORE, package, image.removesuffix(":1"))
        pair = render.account.succeed("env", f"HOME={home}", *words).stdout
        return rendered.by_creds(pair, image)

    render.serves(render("docker-config"), command)


def test_nomad_s_driver_pulls_with_the_variable(
    render: Renderer, engine: str, image: str
) -> None:
    """As with Nomad's `auth` block, the engine gets user and password, key by key."""
    python = (sys.executable, "-I", "-c", NOMAD, engine, image)
    render.serves(render("nomad"), lambda file: [*python, str(file)])


@pytest.mark.parametrize("form", ["user-pass", "argocd"])
def test_a_pair_is_user_and_password(render: Renderer, image: str, form: str) -> None:
    def command(file: Path) -> list[str]:
        return rendered.by_creds(file.read_text().removesuffix("\n"), image)

    render.serves(render(form), command)


def test_a_shell_reads_the_variables(render: Renderer, image: str) -> None:
    words = rendered.by_creds("$REGISTRY_USER:$REGISTRY_PASSWORD", image)
    script = " ".join(['. "$1";', *(f'"{word}"' for word in words)])
    lines = render("env").splitlines(keepends=True)
    own = "".join(line for line in lines if "DOCKER_AUTH_CONFIG" not in line)
    render.serves(own, lambda file: ["sh", "-c", script, "sh", str(file)])


def test_docker_s_own_code_takes_the_variable_before_its_file(
    render: Renderer, go_reader: str, image: str
) -> None:
    """docker 28.3 and newer read DOCKER_AUTH_CONFIG; Debian's docker does not."""
    render.account.docker_config.parent.mkdir()
    render.account.docker_config.write_text('{"credsStore": "nowhere"}')

    def command(file: Path) -> list[str]:
        script = '. "$1"; exec "$2" docker "$3"'
        pair = render.account.succeed(
            "sh", "-c", script, "sh", str(file), go_reader, ACCOUNT_HOST
        ).stdout
        return rendered.by_creds(pair, image)

    (line,) = (x for x in render("env").splitlines() if "DOCKER_AUTH_CONFIG" in x)
    render.serves(line, command)


@pytest.mark.parametrize(
    "client", [rendered.crane, rendered.oras, rendered.skopeo, rendered.docker]
)
def test_another_user_s_file_that_only_it_may_read(
    render: Renderer, image: str, client: Client
) -> None:
    """The file has mode 0400, is owned by the client's user, and is on a read-only
    mount: Dagger and Kubernetes mount secrets like this."""
    world, account = render.account.world, render.account
    file = render.file(render("docker-config"))
    file.chmod(0o400)
    world.check("chown", "-R", f"{OTHER_USER}:{OTHER_USER}", str(file.parent))
    mounted = file.parent.parent / "mounted"
    mounted.mkdir()
    world.check("mount", "--bind", "-o", "ro", str(file.parent), str(mounted))
    modes = {place: place.stat().st_mode for place in (account.home, world.directory)}
    try:
        for directory in modes:
            directory.chmod(0o711)
        setpriv = ("setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}")
        there = mounted / file.name
        assert account.run("touch", f"{there}.new").returncode != 0
        visits = Visits(world)
        account.succeed(*setpriv, "--clear-groups", *client(there, image))
        assert visits.seen("AWS", 200)
    finally:
        world.check("umount", str(mounted))
        for directory, mode in modes.items():
            directory.chmod(mode)


@pytest.mark.parametrize("client", [rendered.skopeo, rendered.oras])
def test_a_file_in_memory_alone(render: Renderer, image: str, client: Client) -> None:
    text = render("containers-auth")
    command = (sys.executable, "-I", "-c", MEMORY, *client(Path("@"), image))
    render.account.refused(*command, stdin=altered(text))
    visits = Visits(render.account.world)
    render.account.succeed(*command, stdin=text)
    assert visits.seen("AWS", 200)


def test_the_registry_finds_out_a_user_with_a_newline(
    render: Renderer, go_reader: str, image: str
) -> None:
    """`echo user:pass | base64` encodes a newline; our pair has none."""
    pair = shlex.quote(render("user-pass"))
    script = f"echo {pair} | base64 -w0"
    auth = render.account.succeed("sh", "-c", script).stdout
    file = render.file(f'[registries."{ACCOUNT_HOST}."]\nauth = "{auth}"\n')
    render.account.refused(go_reader, "contrast", str(file), image)
