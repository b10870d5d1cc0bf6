"""A CI job pushes with its own token and real programs: no secret is stored.

GitHub's or GitLab's issuer, docker-credential-oidc, the token service, Debian's
docker-registry; the docker engine, skopeo, podman, oras and crane.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from real.clients import Account
from real.parts import program
from real.world import Result

from .chain import HOST, Chain
from .conftest import Runner

Push = Callable[[Account, str, Path, str], Result]
OWN = {"github": "octo", "gitlab": "group"}
GITHUB_TWINS = ("repository", "event", "ref", "subject-only")
GITLAB_TWINS = ("project", "ref", "unprotected")
EVERY_TWIN = ("issuer", "audience", "expired", "not-yet", "key")


def _skopeo(*words: str) -> tuple[str, ...]:
    return (program("skopeo"), "--insecure-policy", *words)


def _podman(*words: str) -> tuple[str, ...]:
    own = ("--storage-driver=vfs", "--cgroup-manager=cgroupfs")
    return (program("podman"), *own, *words)


def docker(account: Account, image: str, layer: Path, engine: str) -> Result:
    command = ("docker", "--host", engine)
    account.succeed(*command, "import", str(layer), image)
    return account.run(*command, "push", image)


def skopeo(account: Account, image: str, layer: Path, engine: str) -> Result:
    source = f"tarball:{layer}"
    return account.run(*_skopeo("copy", "--format=v2s2", source, f"docker://{image}"))


def podman(account: Account, image: str, layer: Path, engine: str) -> Result:
    account.succeed(*_podman("import", str(layer), image))
    return account.run(*_podman("push", image))


def oras(account: Account, image: str, layer: Path, engine: str) -> Result:
    (account.home / "artifact.txt").write_text("an artifact\n")
    # By a relative path: oras unpacks only below its working directory.
    script = 'cd "$HOME" && exec "$0" push "$1" artifact.txt'
    return account.run("sh", "-c", script, program("oras"), image)


def crane(account: Account, image: str, layer: Path, engine: str) -> Result:
    return account.run(program("crane"), "append", "-f", str(layer), "-t", image)


CLIENTS: tuple[Push, ...] = (docker, skopeo, podman, oras, crane)
every_client = pytest.mark.parametrize("push", CLIENTS, ids=lambda c: c.__name__)
every_system = pytest.mark.parametrize("system", OWN)


@pytest.fixture
def denied(chain: Chain):
    """Return a check that a client failed because the registry refused it."""

    def check(done: Result, repository: str) -> None:
        said = done.stdout + done.stderr
        assert done.returncode not in {0, 124}, said
        words = ("denied", "unauthorized", "authentication required", "forbidden")
        assert any(word in said.lower() for word in words), said
        # The access log shows that the registry accepted nothing.
        seen = [v for v in chain.visits() if f"/v2/{repository}/" in v]
        assert seen
        assert not [v for v in seen if v.startswith("20")], seen

    return check


@every_client
@every_system
def test_a_job_pushes_and_pulls(chain, runner: Runner, push, system, layer, engine):
    image = f"{HOST}/{OWN[system]}/{push.__name__}:1"
    account = runner(chain.jobs[system])
    done = push(account, image, layer, engine)
    assert done.returncode == 0, done.stderr + done.stdout
    # A second runner, which has only the job's identity.
    other = runner(chain.jobs[system])
    if push is docker:
        command = ("docker", "--host", engine)
        other.succeed(*command, "image", "rm", image)
        other.succeed(*command, "pull", image)
    elif push is podman:
        other.succeed(*_podman("pull", image))
    elif push is oras:
        other.succeed(program("oras"), "pull", "-o", str(other.home / "got"), image)
        assert list((other.home / "got").rglob("artifact.txt"))
    elif push is crane:
        other.succeed(program("crane"), "export", image, str(other.home / "got.tar"))
    else:
        shown = other.succeed(*_skopeo("inspect", f"docker://{image}"))
        assert json.loads(shown.stdout)["Layers"]


@every_client
def test_another_s_repository_is_denied(
    chain, runner: Runner, push, layer, engine, denied
):
    """GitHub's job has no rule for GitLab's group, and GitLab's none for GitHub's."""
    for system, group in (("github", "group"), ("gitlab", "octo")):
        repository = f"{group}/stolen-by-{push.__name__}-of-{system}"
        account = runner(chain.jobs[system])
        denied(push(account, f"{HOST}/{repository}:1", layer, engine), repository)


TWINS = [
    *(("github", twin) for twin in (*GITHUB_TWINS, *EVERY_TWIN)),
    *(("gitlab", twin) for twin in (*GITLAB_TWINS, *EVERY_TWIN)),
]


@pytest.mark.parametrize(("system", "twin"), TWINS)
def test_one_claim_changed_is_denied(
    chain, runner: Runner, system, twin, layer, engine, denied
):
    """crane, the fastest client, tries a token for each claim that is checked."""
    repository = f"{OWN[system]}/denied-{system}-{twin}"
    account = runner(chain.twin(system, twin))
    done = crane(account, f"{HOST}/{repository}:1", layer, engine)
    said = done.stdout + done.stderr
    assert done.returncode not in {0, 124}, said
    assert chain.twins[system][twin] not in said
    seen = [v for v in chain.visits() if f"/v2/{repository}/" in v]
    assert not [v for v in seen if v.startswith("20")], seen


@every_client
def test_a_pull_request_is_denied_whatever_the_client(
    chain, runner: Runner, push, layer, engine, denied
):
    repository = f"octo/pull-request-by-{push.__name__}"
    account = runner(chain.twin("github", "event"))
    denied(push(account, f"{HOST}/{repository}:1", layer, engine), repository)


def _mounted(chain: Chain, repository: str) -> bool:
    """Return whether the registry mounted a layer, so that it was not uploaded."""
    start = f"201 POST /v2/{repository}/blobs/uploads/"
    return any(
        v.startswith(start) and "mount=" in v and "from=octo" in v
        for v in chain.visits()
    )


@pytest.mark.parametrize("client", ["skopeo", "oras", "crane"])
def test_a_layer_is_mounted_from_another_repository(
    chain, runner: Runner, client, layer, engine
):
    """The token has two scopes: pull from one repository, push to the other."""
    account = runner(chain.jobs["github"])
    base, copy = f"{HOST}/octo/base-{client}:1", f"{HOST}/octo/copy-{client}:1"
    pushed = crane(account, base, layer, engine)
    assert pushed.returncode == 0, pushed.stderr
    command = {
        "skopeo": _skopeo("copy", f"docker://{base}", f"docker://{copy}"),
        "oras": (program("oras"), "cp", base, copy),
        "crane": (program("crane"), "copy", base, copy),
    }[client]
    account.succeed(*command)
    if client != "skopeo":
        # skopeo 1.9 mounts only layers in its cache, which is empty on a new runner.
        assert _mounted(chain, f"octo/copy-{client}")


def test_the_engine_mounts_a_layer(chain, runner: Runner, layer, engine):
    account = runner(chain.jobs["github"])
    base, copy = f"{HOST}/octo/base-docker:1", f"{HOST}/octo/copy-docker:1"
    assert docker(account, base, layer, engine).returncode == 0
    account.succeed("docker", "--host", engine, "tag", base, copy)
    account.succeed("docker", "--host", engine, "push", copy)
    assert _mounted(chain, "octo/copy-docker")


def test_a_mount_from_where_one_may_not_pull_is_an_upload_or_a_denial(
    chain, runner: Runner, layer, engine
):
    secret = f"{HOST}/group/secret:1"
    assert crane(runner(chain.jobs["gitlab"]), secret, layer, engine).returncode == 0
    account = runner(chain.jobs["github"])
    done = account.run(program("crane"), "copy", secret, f"{HOST}/octo/leak:1")
    assert done.returncode == 1
    assert not _mounted(chain, "octo/leak")


def test_one_helper_for_every_registry_is_the_job_too(
    chain, runner: Runner, layer, engine
):
    """docker-credential-auto is docker's credsStore, then stands in registries.conf."""
    account = runner(chain.jobs["github"])
    account.docker_store("auto")
    assert docker(account, f"{HOST}/octo/by-auto:1", layer, engine).returncode == 0
    other = runner(chain.jobs["github"])
    (other.home / ".config/containers/auth.json").unlink()
    other.docker_config.unlink()
    other.containers_store("auto")
    for push in (skopeo, podman):
        image = f"{HOST}/octo/by-auto-and-{push.__name__}:1"
        done = push(other, image, layer, engine)
        assert done.returncode == 0, done.stderr


def test_nothing_is_left_of_a_token(chain, runner: Runner, layer, engine):
    """Neither on the runner nor in the registry's log."""
    account = runner(chain.jobs["gitlab"])
    image = f"{HOST}/group/traceless:1"
    assert crane(account, image, layer, engine).returncode == 0
    token = chain.jobs["gitlab"]["REGISTRY_ID_TOKEN"].rpartition(".")[2]
    for file in account.home.rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), file
    for log in chain.world.directory.glob("*.log"):
        assert token.encode() not in log.read_bytes(), log
