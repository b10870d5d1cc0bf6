"""`dockcred configure docker` and `helm`, run as people run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import Person

HUB_KEYS = ["https://index.docker.io/v1/", "docker.io", "index.docker.io"]
LOGIN = {"auth": "dXNlcjpzM2NyM3Q="}


def config_of(person: Person, name: str = ".docker/config.json") -> dict:
    return json.loads((person.home / name).read_text())


@pytest.mark.parametrize(
    "hub",
    [
        "docker.io",
        "index.docker.io",
        "registry-1.docker.io",
        "https://index.docker.io/v1/",
    ],
)
def test_docker_hub_gets_a_key_for_each_reader_of_the_file(
    person: Person, hub: str
) -> None:
    person.configure("docker", "--registry", hub, "--helper", "recorder")
    assert config_of(person) == {"credHelpers": dict.fromkeys(HUB_KEYS, "recorder")}


@pytest.mark.parametrize(
    "named, key",
    [
        ("ghcr.io", "ghcr.io"),
        ("https://GHCR.io/v2/", "ghcr.io"),
        ("registry.example:443", "registry.example:443"),
        ("https://registry.example:5000/", "registry.example:5000"),
        ("[::1]:5000", "[::1]:5000"),
    ],
)
def test_other_registries_have_one_key_as_images_write_it(
    person: Person, named: str, key: str
) -> None:
    person.configure("docker", "--registry", named, "--helper", "recorder")
    assert config_of(person) == {"credHelpers": {key: "recorder"}}


def test_all_sets_the_store_and_leaves_stubs_and_unknown_keys(person: Person) -> None:
    text = '{\n\t"auths": {\n\t\t"a.example": {}\n\t},\n\t"psFormat": "{{.ID}}"\n}'
    path = person.write(".docker/config.json", text)
    done = person.configure("docker", "--all", "--helper", "recorder")
    assert path.read_text() == text[:-2] + ',\n\t"credsStore": "recorder"\n}'
    assert done.stderr == ""


def test_twice_is_once(person: Person) -> None:
    person.configure("docker", "--all", "--helper", "recorder")
    before = person.everything()
    done = person.configure("docker", "--all", "--helper", "recorder")
    assert "says so already" in done.stdout
    assert person.everything() == before


def test_a_dry_run_writes_nothing_and_shows_the_difference_without_secrets(
    person: Person,
) -> None:
    secrets = {
        "auths": {"a.example": LOGIN, "b.example": {"identitytoken": "s3cr3t"}},
        "HttpHeaders": {"Authorization": "Bearer s3cr3t"},
        "proxies": {"default": {"httpProxy": "http://me:s3cr3t@proxy"}},
        "list": ["s3cr3t", {"deep": ["s3cr3t"]}],
        "credsStore": "pass",
    }
    for indent in (None, 1):
        person.write(".docker/config.json", json.dumps(secrets, indent=indent))
        before = person.everything()
        done = person.configure("docker", "--all", "--helper", "recorder", "--dry-run")
        assert person.everything() == before
        shown = done.stdout
        assert "s3cr3t" not in shown
        assert LOGIN["auth"] not in shown
        assert any(line[0] == "-" and '"pass"' in line for line in shown.splitlines())
        assert any(
            line[0] == "+" and '"recorder"' in line for line in shown.splitlines()
        )


def test_a_dry_run_of_undo_shows_the_way_back_and_takes_none(person: Person) -> None:
    person.configure("docker", "--all", "--helper", "recorder")
    before = person.everything()
    shown = person.configure("docker", "--undo", "--dry-run").stdout
    assert '-\t"credsStore": "recorder"' in shown
    assert person.everything() == before


def test_undo_restores_to_the_byte_and_says_so(person: Person) -> None:
    person.write(".docker/config.json", '{"credsStore":"pass", "auths" : {} }', 0o644)
    before = person.everything()
    person.configure("docker", "--all", "--helper", "recorder")
    person.configure("docker", "--registry", "docker.io", "--helper", "recorder")
    done = person.configure("docker", "--undo")
    assert "byte for byte" in done.stdout
    assert person.everything() == before
    assert person.configure("docker", "--undo").stdout == "nothing to undo\n"


def test_undo_after_a_change_of_docker_s_own_says_so_and_keeps_it(
    person: Person,
) -> None:
    person.write(".docker/config.json", '{\n\t"credsStore": "pass"\n}')
    person.configure("docker", "--all", "--helper", "recorder")
    mine = '{\n\t"auths": {\n\t\t"a.example": {}\n\t},\n\t"credsStore": "%s"\n}'
    person.write(".docker/config.json", mine % "recorder")
    done = person.configure("docker", "--undo")
    assert "others have changed it since" in done.stdout
    assert (person.home / ".docker/config.json").read_text() == mine % "pass"


def test_a_link_stays_a_link_and_its_aim_is_written(person: Person) -> None:
    aim = person.write("dotfiles/docker.json", "{}\n", 0o640)
    link = person.home / ".docker/config.json"
    link.parent.mkdir()
    link.symlink_to("../dotfiles/docker.json")
    before = person.everything()
    person.configure("docker", "--all", "--helper", "recorder")
    assert os.readlink(link) == "../dotfiles/docker.json"
    assert json.loads(aim.read_text()) == {"credsStore": "recorder"}
    assert aim.stat().st_mode & 0o777 == 0o640
    person.configure("docker", "--undo")
    assert person.everything() == before


def test_docker_config_names_the_directory(person: Person) -> None:
    place = str(person.home / "elsewhere")
    person.configure("docker", "--all", "--helper", "recorder", DOCKER_CONFIG=place)
    assert config_of(person, "elsewhere/config.json") == {"credsStore": "recorder"}
    assert not (person.home / ".docker").exists()


def test_docker_config_that_is_a_file_is_refused(person: Person) -> None:
    file = person.write("config.json", "{}")
    line = person.refused("docker", "--all", DOCKER_CONFIG=str(file))
    assert "DOCKER_CONFIG is a file" in line
    assert "directory" in line


def test_logins_that_docker_will_no_longer_read_are_named(person: Person) -> None:
    auths = {"a.example": LOGIN, "b.example": LOGIN, "stub.example": {}}
    person.write(".docker/config.json", json.dumps({"auths": auths}))
    one = person.configure(
        "docker", "--registry", "a.example", "--registry", "stub.example",
        "--helper", "recorder",
    )  # fmt: skip
    assert "logins in auths are not read: a.example;" in one.stderr
    every = person.configure("docker", "--all", "--helper", "recorder")
    assert "a.example, b.example" in every.stderr
    assert "stub.example" not in every.stderr
    assert LOGIN["auth"] not in one.stderr + every.stderr
    assert config_of(person)["auths"] == auths


def test_a_store_that_is_replaced_is_named_and_can_be_kept_behind_auto(
    person: Person,
) -> None:
    path = person.write(".docker/config.json", '{"credsStore": "recorder"}')
    done = person.configure("docker", "--all")
    assert json.loads(path.read_text()) == {"credsStore": "auto"}
    assert "credsStore was recorder" in done.stderr
    (setting,) = re.findall(r"set (store = \S+)", done.stderr)
    person.write(".config/dockcred/config.toml", setting)
    person.run("docker-credential-auto", "get", stdin="registry.example")
    assert person.asked() == ["get registry.example"]


def test_a_program_of_ours_may_be_named_before_it_is_installed(person: Person) -> None:
    path = f"{Path(person.bin)}:/usr/bin:/bin"
    ours = person.run("which", "dockcred").stdout.strip()
    done = person.run(
        ours, "configure", "docker", "--all", "--helper", "ecr-login", PATH=path
    )
    assert done.returncode == 0
    assert "is not on your PATH; run: dockcred install" in done.stderr


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["docker"], "no registry is named"),
        (["docker", "--all", "--helper", "nobody-s"], "there is no helper"),
        (["docker", "--registry", "*.example", "--helper", "recorder"], "no wildcards"),
        (["docker", "--registry", "a.example/team", "--helper", "recorder"], "by host, not by path"),
        (["docker", "--registry", "u:p@a.example", "--helper", "recorder"], "refused"),
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_is_refused_in_a_line(
    person: Person, arguments: list[str], complaint: str
) -> None:
    assert complaint in person.refused(*arguments)
    assert person.everything() == {}


@pytest.mark.parametrize(
    "text, complaint",
    [
        ('{\n"a": ,}', "not JSON at line 2"),
        ("[]", "not a JSON object"),
        ('{"credHelpers": "x"}', "credHelpers is not an object"),
    ],
)
def test_a_file_that_is_broken_is_named_and_left(
    person: Person, text: str, complaint: str
) -> None:
    path = person.write(".docker/config.json", text)
    before = person.everything()
    line = person.refused("docker", "--registry", "a.example", "--helper", "recorder")
    assert str(path) in line
    assert complaint in line
    assert person.everything() == before


def test_a_file_that_is_not_utf8_is_named_and_left(person: Person) -> None:
    path = person.write(".docker/config.json", "")
    path.write_bytes(b'{"a": "\xff"}')
    line = person.refused("docker", "--all", "--helper", "recorder")
    assert f"{path}: it is not UTF-8" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_root_writes_nothing_into_another_s_home(person: Person) -> None:
    os.chown(person.home, 12345, 12345)
    line = person.refused("docker", "--all", "--helper", "recorder")
    assert "belongs to uid 12345" in line
    assert person.everything() == {}


@pytest.mark.parametrize(
    "variables, place",
    [
        ({}, ".config/helm/registry/config.json"),
        ({"XDG_CONFIG_HOME": "xdg"}, "xdg/helm/registry/config.json"),
        ({"HELM_CONFIG_HOME": "helm"}, "helm/registry/config.json"),
        ({"HELM_REGISTRY_CONFIG": "registry.json"}, "registry.json"),
    ],
)
def test_helm_s_file_is_where_helm_looks(
    person: Person, variables: dict[str, str], place: str
) -> None:
    absolute = {name: str(person.home / value) for name, value in variables.items()}
    arguments = ("--registry", "docker.io", "--registry", "ghcr.io")
    person.configure("helm", *arguments, "--helper", "recorder", **absolute)
    assert config_of(person, place) == {
        "credHelpers": {HUB_KEYS[0]: "recorder", "ghcr.io": "recorder"}
    }
    person.configure("helm", "--undo", **absolute)
    assert person.everything() == {}


@pytest.mark.parametrize(
    ("flags", "more"),
    [
        ([], []),
        (["--registries", "gcr.io,eu.gcr.io"], []),
        (["-include-artifact-registry"], ["europe-west1-docker.pkg.dev"]),
        (["--include-artifact-registry", "--overwrite"], ["us-docker.pkg.dev"]),
    ],
)
def test_the_peers_configure_docker_goes_on_working(helper_bin, tmp_path, flags, more):
    """Start-up scripts under `set -e` call docker-credential-gcr like this."""
    environment = {"HOME": str(tmp_path), "PATH": f"{helper_bin}:/usr/bin:/bin"}
    done = subprocess.run(
        [helper_bin / "docker-credential-gcr", "configure-docker", *flags],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    config = json.loads((tmp_path / ".docker/config.json").read_text())
    for host in ("gcr.io", "eu.gcr.io", *more):
        assert config["credHelpers"][host] == "gcr"
