"""The traps of the machine and its variables, each told with its remedy."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockcred.clients.findings import Finding, Severity, exit_status
from dockcred.protocol.launcher.render import MARK
from dockcred.testing.sandbox import Sandbox

from .machine import GOOD, Machine

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
HUB = "https://index.docker.io/v1/"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_machine_without_a_trap_has_no_problem(machine: Machine) -> None:
    assert exit_status(machine.examine()) == 0


def test_a_directory_on_path_that_all_can_write(machine: Machine) -> None:
    machine.variables["PATH"] = f"{machine.path}/first:{machine.path}/bin"
    (machine.path / "first").chmod(0o777)
    found = machine.problem()
    assert f"everybody can write {machine.path}/first" in found.text
    assert found.severity is Severity.WARNING
    machine.fix(found)
    assert exit_status(machine.examine()) == 0


def test_an_empty_entry_on_path(machine: Machine) -> None:
    machine.variables["PATH"] = f":{machine.path}/bin"
    assert "PATH holds the current directory" in machine.problem().text


def test_two_helpers_of_one_name(machine: Machine) -> None:
    machine.variables["PATH"] += f":{machine.path}/first"
    machine.program("first/docker-credential-mine", GOOD + "# older\n")
    found = machine.problem()
    assert "two programs have one name" in found.text
    machine.fix(found)
    assert exit_status(machine.examine()) == 0


PLAIN = "#!/bin/sh\nfrom docker_credential_mine import main\n"
LAUNCHER = f"#!/bin/sh\n# docker-credential-mine, {MARK} (dockcred 1).\n"


def test_a_launcher_before_the_program_that_pip_installed_is_no_trap(
    machine: Machine,
) -> None:
    machine.program("bin/docker-credential-mine", LAUNCHER + GOOD)
    machine.variables["PATH"] += f":{machine.path}/first"
    machine.program("first/docker-credential-mine", PLAIN)
    assert exit_status(machine.examine()) == 0


def test_a_launcher_behind_the_program_that_pip_installed_is_told_as_slow(
    machine: Machine,
) -> None:
    machine.program("bin/docker-credential-mine", PLAIN)
    machine.variables["PATH"] += f":{machine.path}/first"
    machine.program("first/docker-credential-mine", LAUNCHER + GOOD)
    said = [found for found in machine.examine() if "never runs" in found.text]
    assert [found.severity for found in said] == [Severity.NOTE]
    assert f"put {machine.path}/first before it" in said[0].remedy


def namesakes(machine: Machine, first: str, second: str) -> list[Finding]:
    """Put two programs of one name on PATH; return the findings."""
    machine.program("bin/docker-credential-mine", first)
    machine.variables["PATH"] += f":{machine.path}/first"
    machine.program("first/docker-credential-mine", second)
    return machine.examine()


FAILS = "#!/bin/sh\nread -r key\necho no such login\nexit 1\n"


def test_of_two_programs_that_are_not_ours_one_that_fails_is_put_aside_alone(
    machine: Machine,
) -> None:
    """If both were put aside, no helper would be left."""
    found = namesakes(machine, FAILS, GOOD)
    fixes = {f.fix for f in found if f.fix}
    assert fixes == {_aside(machine, "bin")}
    machine.fix(next(f for f in found if f.fix))
    assert exit_status(machine.examine()) == 0


@pytest.mark.parametrize("theirs", [FAILS, GOOD + "# theirs\n"], ids=["bad", "good"])
def test_of_two_programs_ours_stays(machine: Machine, theirs: str) -> None:
    found = namesakes(machine, theirs, LAUNCHER + GOOD)
    assert {f.fix for f in found if f.fix} == {_aside(machine, "bin")}
    machine.fix(next(f for f in found if f.fix))
    assert exit_status(machine.examine()) == 0


def test_why_ours_fails_it_says_itself_and_another_is_no_remedy(
    machine: Machine,
) -> None:
    ended = "echo 'the login has ended; run: log in'\nexit 1\n"
    found = namesakes(machine, f"{LAUNCHER}read -r key\n{ended}", GOOD)
    told = next(f for f in found if f.severity is Severity.ERROR)
    assert (told.remedy, told.fix) == ("run: log in", "")
    assert {f.fix for f in found if f.fix} == {_aside(machine, "first")}


def test_a_reinstall_that_put_its_program_in_a_launcher_s_place_is_told(
    machine: Machine,
) -> None:
    machine.program("bin/docker-credential-mine", PLAIN + GOOD)
    told = machine.note("also after a reinstall")
    assert told.text.endswith("run: dockcred install")
    machine.program("bin/docker-credential-mine", LAUNCHER + GOOD)
    assert not any("after a reinstall" in f.text for f in machine.examine())


def _aside(machine: Machine, directory: str) -> str:
    file = f"{machine.path}/{directory}/docker-credential-mine"
    return f"mv {file} {file}.aside"


def test_one_helper_by_two_links_is_no_trap(machine: Machine) -> None:
    machine.variables["PATH"] += f":{machine.path}/first"
    link = machine.path / "first/docker-credential-mine"
    link.symlink_to(machine.path / "bin/docker-credential-mine")
    assert exit_status(machine.examine()) == 0


def test_no_home(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    home = str(machine.path)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: _user(home))
    del machine.variables["HOME"]
    found = machine.problem()
    assert "HOME is not set" in found.text
    assert found.fix == f"export {shlex.quote('HOME=' + home)}"


def test_sudo_reads_roots_file(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setattr(pwd, "getpwnam", lambda _: _user(str(machine.path)))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    machine.variables |= {"HOME": str(root), "SUDO_USER": "somebody"}
    found = machine.problem()
    assert f"but {machine.path}/.docker/config.json has" in found.text
    assert found.fix == f"export DOCKER_CONFIG={machine.path}/.docker"
    machine.variables["DOCKER_CONFIG"] = f"{machine.path}/.docker"
    assert exit_status(machine.examine()) == 0


def test_snaps_docker(machine: Machine) -> None:
    (machine.path / "snap/bin").mkdir(parents=True)
    machine.program("snap/bin/docker")
    machine.variables["PATH"] += f":{machine.path}/snap/bin"
    found = machine.problem()
    assert "is snap's docker: it sees neither this PATH" in found.text


def test_a_helper_that_services_do_not_find_is_a_note(machine: Machine) -> None:
    assert "install" in machine.note("not on the PATH of services").remedy


def test_docker_desktops_store_is_a_note(machine: Machine) -> None:
    machine.docker({"credsStore": "desktop", "credHelpers": {"r.example": "mine"}})
    machine.note("Docker Desktop's store")


def test_docker_desktop_that_is_gone(machine: Machine) -> None:
    machine.docker({"credsStore": "desktop"})
    found = machine.problem()
    assert "docker-credential-desktop is not on PATH" in found.text
    assert found.severity is Severity.ERROR


def test_a_helper_of_another_registry_that_is_gone(machine: Machine) -> None:
    machine.docker({"credHelpers": {"r.example": "mine", "o.example": "gone"}})
    assert "docker-py's builds" in machine.problem().text


@pytest.mark.parametrize("alias", ["docker.io", "index.docker.io"])
def test_a_key_of_docker_hub_that_docker_never_asks(
    machine: Machine, alias: str
) -> None:
    machine.docker({"credHelpers": {alias: "mine"}})
    found = machine.problem("docker.io")
    assert f'credHelpers names "{alias}", but docker asks for "{HUB}"' in found.text
    assert found.fix.endswith("--registry docker.io --helper mine")


def test_each_client_is_asked_by_its_own_key_of_docker_hub(machine: Machine) -> None:
    machine.docker({"credHelpers": {HUB: "mine", "docker.io": "mine"}})
    for client in ("docker", "podman"):
        assert exit_status(machine.examine("docker.io", client)) == 0


def test_passwords_that_others_can_read(machine: Machine) -> None:
    file = machine.docker({"auths": {"r.example": {"auth": "bWU6czNjcjN0"}}})
    file.chmod(0o644)
    found = machine.problem()
    assert "can be read by others" in found.text
    machine.fix(found)
    assert exit_status(machine.examine()) == 0


def test_an_identity_token_is_noted_for_those_who_cannot_use_it(
    machine: Machine,
) -> None:
    machine.docker({"auths": {"r.example": {"identitytoken": "s3cr3t"}}}).chmod(0o600)
    machine.note("Nomad and Kubernetes cannot use it")


def test_a_config_json_that_is_a_directory(machine: Machine) -> None:
    file = machine.path / ".docker/config.json"
    file.unlink()
    file.mkdir()
    found = machine.problem()
    assert "a bind mount makes one" in found.text
    machine.fix(found)
    assert not file.exists()


def test_a_variable_that_newer_docker_asks_first(machine: Machine) -> None:
    machine.variables["DOCKER_AUTH_CONFIG"] = '{"auths":{}}'
    machine.note("DOCKER_AUTH_CONFIG is set")


def test_a_helper_of_registries_conf_comes_before_the_files(machine: Machine) -> None:
    conf = machine.path / ".config/containers/registries.conf"
    conf.parent.mkdir(parents=True)
    empty = "echo credentials not found in native keychain; exit 1"
    machine.program("bin/docker-credential-empty", f"#!/bin/sh\nread -r k\n{empty}\n")
    conf.write_text('credential-helpers = ["empty", "containers-auth.json"]\n')
    found = machine.examine("r.example", "podman")
    assert exit_status(found) == 0
    assert any("the client asks the next" in f.text for f in found)
    assert any(f.text.startswith("the user me") for f in found)


def test_an_answer_that_is_none(machine: Machine) -> None:
    machine.program("bin/docker-credential-mine", "#!/bin/sh\necho s3cr3t\n")
    assert "printed something else than a credential" in machine.problem().text


def test_a_failure_that_prints_its_credential_is_not_repeated(
    machine: Machine,
) -> None:
    machine.program("bin/docker-credential-mine", GOOD + "exit 3\n")
    assert "it printed a credential and ended with 3" in machine.problem().text


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def clouded(machine: Machine, cloud: Sandbox, helper_bin: Path) -> Machine:
    machine.variables |= cloud.environment()
    machine.variables |= {
        "PATH": f"{helper_bin}:/usr/bin:/bin",
        "DOCKER_CONFIG": f"{machine.path}/.docker",
    }
    machine.docker({"credHelpers": {HOST: "ecr-login"}})
    return machine


def test_a_cache_that_others_can_write(clouded: Machine) -> None:
    cache = Path(clouded.variables["DOCKCRED_CACHE_DIR"])
    cache.mkdir(parents=True, mode=0o700)
    cache.chmod(0o777)
    found = clouded.problem(HOST)
    assert "others can write" in found.text
    clouded.fix(found)
    assert exit_status(clouded.examine(HOST)) == 0


def test_the_last_failure_is_told(clouded: Machine, cloud: Sandbox) -> None:
    cloud.fail("ecr:access-denied")
    found = clouded.examine(HOST)
    errors = [f for f in found if f.severity is Severity.ERROR]
    assert "AWS denies ecr:GetAuthorizationToken" in errors[0].text
    assert errors[0].remedy == "allow it in the identity's IAM policy"
    assert any("the last failure" in f.text for f in found)


def test_a_mistake_in_config_toml_is_told_with_its_place(clouded: Machine) -> None:
    config = clouded.path / "config.toml"
    config.write_text("[[registry]]\nmatch = 'r.example'\nprofil = 'x'\n")
    config.chmod(0o600)
    clouded.variables["DOCKCRED_CONFIG"] = str(config)
    found = [f for f in clouded.examine(HOST) if f.is_problem]
    assert any(f"{config}:3" in f.text for f in found)


def test_a_time_limit_that_is_none_is_told(clouded: Machine) -> None:
    clouded.variables["DOCKCRED_TIMEOUT"] = "soon"
    found = [f for f in clouded.examine(HOST) if f.step == "identity"]
    assert "DOCKCRED_TIMEOUT is not a number" in found[0].text


def test_an_alias_is_told_to_receive_the_credential(clouded: Machine) -> None:
    config = clouded.path / "config.toml"
    config.write_text(f"[[registry]]\nmatch = 'cr.example'\nregistry = '{HOST}'\n")
    config.chmod(0o600)
    clouded.variables["DOCKCRED_CONFIG"] = str(config)
    clouded.docker({"credHelpers": {"cr.example": "ecr-login"}})
    clouded.note("whoever owns cr.example receives the credential", "cr.example")


def _user(home: str) -> pwd.struct_passwd:
    return pwd.struct_passwd(("somebody", "x", 1000, 1000, "", home, "/bin/sh"))


def podmans(machine: Machine, name: str, text: str) -> None:
    path = machine.path / ".config/containers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "is empty: podman"),
        ("\ufeff{}", "is not JSON (line 1, a byte-order mark): podman"),
        ('{"auths": {"x": {"auth": 1}}}', 'is wrong (auths["x"].auth'),
        ('{"credHelpers": {"r.example": ""}}', "a helper of no name"),
    ],
)
def test_an_auth_json_at_which_podman_stops(
    machine: Machine, text: str, said: str
) -> None:
    podmans(machine, "auth.json", text)
    found = machine.examine("r.example", "podman")
    assert any(said in finding.text for finding in found)
    assert exit_status(found) == 2


def test_a_registries_conf_at_which_podman_stops(machine: Machine) -> None:
    podmans(machine, "registries.conf", "a = [")
    found = machine.examine("r.example", "podman")
    assert any("podman 5 and podman 6 stop" in finding.text for finding in found)
    podmans(machine, "registries.conf", "[registries.search]\nregistries = ['a']\n")
    found = machine.examine("r.example", "podman")
    assert any("version 1: podman 6 stops" in finding.text for finding in found)


def test_two_versions_of_podman_that_ask_others(machine: Machine) -> None:
    podmans(machine, "registries.conf", "credential-helpers = ['mine']\n")
    machine.variables["XDG_CONFIG_HOME"] = str(machine.path / "xdg")
    found = machine.examine("r.example", "podman")
    (told,) = [f for f in found if "they read other registries.conf" in f.text]
    assert told.fix == "dockcred configure podman --all --helper mine"


def test_docker_config_hides_auth_json_from_podman(machine: Machine) -> None:
    """podman and buildah read the file in DOCKER_CONFIG first; skopeo does not."""
    podmans(machine, "auth.json", '{"auths": {"r.example": {"auth": "bWU6cA=="}}}')
    machine.variables["DOCKER_CONFIG"] = str(machine.path / ".docker")
    found = machine.examine("r.example", "podman")
    assert any(finding.fix == "unset DOCKER_CONFIG" for finding in found)
