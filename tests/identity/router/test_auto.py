"""docker-credential-auto: clouds answer for their hosts, the store for all others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.program import HOST, NOT_FOUND, PUBLIC, Program, with_system_path

PRIVATE = "registry.example:5000"


def _store(auto: Program, environment, server: str, secret: str = "s3cret"):
    request = json.dumps({"ServerURL": server, "Username": "me", "Secret": secret})
    return auto("store", environment=environment, stdin=request.encode())


def test_a_cloud_answers_for_its_hosts_and_the_store_for_the_rest(
    auto, cloud, vault
) -> None:
    environment = {**cloud.environment("env-keys"), **vault}
    assert auto.get(environment, PRIVATE).stdout == NOT_FOUND
    assert _store(auto, environment, PRIVATE).status == 0
    assert auto.get(environment, PRIVATE).password == "s3cret"
    assert cloud.minted(auto.get(environment, HOST).password)


def test_list_is_the_stores_keys_and_the_cached_hosts(auto, cloud, vault) -> None:
    """There are no duplicates; listed hosts are answered by the cache or the store."""
    environment = {**cloud.environment("env-keys"), **vault}
    _store(auto, environment, PRIVATE)
    auto.get(environment, HOST)
    cloud.reset()
    listed = json.loads(auto("list", environment=environment).stdout)
    assert listed == {HOST: "AWS", PUBLIC: "AWS", PRIVATE: "me"}
    for server in (HOST, PRIVATE):
        assert auto.get(environment, server).password
    assert not cloud.calls


def test_a_login_to_a_cloud_with_an_identity_is_not_stored(auto, cloud, vault) -> None:
    environment = {**cloud.environment("env-keys"), **vault}
    answer = _store(auto, environment, HOST, "typed")
    assert answer.status == 0
    assert b"nothing was stored" in answer.stderr
    assert cloud.minted(auto.get(environment, HOST).password)


def test_a_login_to_a_cloud_without_an_identity_is_stored_and_answered(
    auto, cloud, vault
) -> None:
    """`aws ecr get-login-password | docker login` still works on a laptop."""
    environment = {**cloud.environment("nothing"), **vault}
    assert _store(auto, environment, HOST, "typed").status == 0
    assert auto.get(environment, HOST).password == "typed"
    assert json.loads(auto("list", environment=environment).stdout) == {HOST: "me"}
    auto("erase", environment=environment, stdin=HOST.encode())
    assert "no AWS identity" in auto.get(environment, HOST).said


@pytest.mark.parametrize(
    "server",
    [
        "docker.io",
        "https://index.docker.io/v1/",
        "public.ecr.aws",
        "gcr.io",
        "ghcr.io",
        "example.azurecr.io",
        "us-docker.pkg.dev",
    ],
)
def test_public_images_need_neither_identity_nor_keychain(auto, cloud, server) -> None:
    """It is "not found", without stderr: strict clients then pull anonymously."""
    answer = auto.get(with_system_path(cloud.environment("nothing")), server)
    assert (answer.status, answer.stdout, answer.stderr) == (1, NOT_FOUND, b"")


def test_without_a_keychain_a_login_names_the_remedy(auto, cloud) -> None:
    answer = _store(auto, cloud.environment("nothing"), PRIVATE)
    assert "dockcred vault create" in answer.said


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Another helper, which keeps one credential in a file; a test makes it call us."""
    program = tmp_path / "bin/docker-credential-other"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'case $1 in store) cat >"$HOME/kept" ;; get) cat "$HOME/kept" ;;\n'
        'list) printf "{\\"registry.example:5000\\":\\"me\\"}" ;; esac\n'
    )
    program.chmod(0o755)
    return program


def test_another_helper_can_be_the_store(auto, cloud, elsewhere) -> None:
    """So Docker Desktop's store stays in use for hosts that are no cloud's."""
    environment = {**cloud.environment("nothing"), "DOCKCRED_STORE": "helper:other"}
    environment["PATH"] = f"{elsewhere.parent}:/usr/bin:/bin"
    assert _store(auto, environment, PRIVATE).status == 0
    assert auto.get(environment, PRIVATE).password == "s3cret"
    assert json.loads(auto("list", environment=environment).stdout) == {PRIVATE: "me"}


def test_a_store_that_leads_back_to_us_is_refused(auto, cloud, elsewhere) -> None:
    elsewhere.write_text(f'#!/bin/sh\nexec {auto.path} "$@"\n')
    environment = {**cloud.environment("env-keys"), "DOCKCRED_STORE": "helper:other"}
    environment["PATH"] = f"{elsewhere.parent}:/usr/bin:/bin"
    assert "leads back to dockcred" in auto.get(environment, PRIVATE).said


def test_a_store_per_registry_is_listed_too(auto, cloud, vault, tmp_path) -> None:
    """config.toml chooses one registry's account; list and get use the same one."""
    config = tmp_path / "config.toml"
    config.write_text(f'[[registry]]\nmatch = "{PRIVATE}"\naccount = "second"\n')
    config.chmod(0o600)
    environment = {**cloud.environment("nothing"), **vault}
    _store(auto, environment, PRIVATE, "first")
    chosen = {**environment, "DOCKCRED_CONFIG": str(config)}
    assert auto.get(chosen, PRIVATE).stdout == NOT_FOUND
    _store(auto, chosen, PRIVATE, "second")
    assert auto.get(chosen, PRIVATE).password == "second"
    assert auto.get(environment, PRIVATE).password == "first"
    assert json.loads(auto("list", environment=chosen).stdout) == {PRIVATE: "me"}


def test_a_bus_without_a_keychain_keeps_nothing(auto, cloud, tmp_path) -> None:
    """As with a user's bus over ssh: the get is "not found", so public pulls work."""
    address = f"unix:path={tmp_path}/bus"
    environment = {
        **cloud.environment("nothing"),
        "DBUS_SESSION_BUS_ADDRESS": address,
    }
    answer = auto.get(environment, "docker.io")
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)
    assert auto("list", environment=environment).stdout == b"{}\n"
