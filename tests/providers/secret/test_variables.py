"""Secrets in variables that other tools define: each is for its own host only."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from support.program import NOT_FOUND

from .conftest import Desk

HOST = "registry.example.com"
STEM = "DOCKER_registry_example_com"
PAIR = {f"{STEM}_USR": "me", f"{STEM}_PSW": "s3cr3t"}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_REGISTRY": "registry.gitlab.example",
    "CI_REGISTRY_USER": "gitlab-ci-token",
    "CI_REGISTRY_PASSWORD": "job",
}


@pytest.fixture
def job(desk: Desk) -> Desk:
    """A job without a config.toml."""
    del desk.variables["DOCKCRED_CONFIG"]
    return desk


def answered(answer) -> tuple[str, str]:
    assert answer.status == 0, answer
    found = json.loads(answer.stdout)
    return found["Username"], found["Secret"]


def auths(**entries: str) -> dict[str, str]:
    coded = {
        key: {"auth": base64.b64encode(text.encode()).decode()}
        for key, text in entries.items()
    }
    return {"DOCKER_AUTH_CONFIG": json.dumps({"auths": coded})}


def test_a_hosts_variables_answer_for_it_in_every_form(job: Desk) -> None:
    for form in ("{}", "https://{}", "https://{}/v2/", "{}:5000", "{}."):
        found = answered(job.get(form.format(HOST), **PAIR))
        assert found == ("me", "s3cr3t"), form


@pytest.mark.parametrize(
    "other",
    [
        "example.com",
        f"x.{HOST}",
        f"{HOST}.example",
        "registry-example.com",
        "registry.example-com",
        "registry_example.com",
        f"http://{HOST}",
    ],
)
def test_no_other_host_gets_them(job: Desk, other: str) -> None:
    """docker-credential-env gives them to every host below, and to look-alikes."""
    answer = job.get(other, **PAIR, CI_REGISTRY="other.example")
    assert answer.stdout == NOT_FOUND


def test_the_name_for_every_host_answers_none(job: Desk) -> None:
    variables = {"DOCKER__USR": "me", "DOCKER__PSW": "s3cr3t"}
    variables |= {"DOCKER_com_USR": "me", "DOCKER_com_PSW": "s3cr3t"}
    assert job.get(HOST, **variables).stdout == NOT_FOUND


@pytest.mark.parametrize("half", ["_USR", "_PSW"])
def test_half_a_pair_is_none_and_so_is_an_empty_one(job: Desk, half: str) -> None:
    without = {n: v for n, v in PAIR.items() if not n.endswith(half)}
    assert job.get(HOST, **without).stdout == NOT_FOUND
    assert job.get(HOST, **without, **{f"{STEM}{half}": ""}).stdout == NOT_FOUND


def test_a_host_with_a_hyphen_is_answered_where_a_file_names_it(job: Desk) -> None:
    """The variable's name fits several hosts; then it is used for no other one."""
    pair = {"DOCKER_my_corp_com_USR": "me", "DOCKER_my_corp_com_PSW": "s3cr3t"}
    assert job.get("my-corp.com", **pair).stdout == NOT_FOUND
    assert answered(job.get("my.corp.com", **pair)) == ("me", "s3cr3t")
    told = job.get("my-corp.com", **pair, DOCKCRED_LOG="warning").stderr.decode()
    assert "may be meant for another host: name it in docker's credHelpers" in told

    docker = job.home / "docker"
    docker.mkdir()
    named = {"credHelpers": {"my-corp.com": "env"}}
    (docker / "config.json").write_text(json.dumps(named))
    pair["DOCKER_CONFIG"] = str(docker)
    assert answered(job.get("my-corp.com", **pair)) == ("me", "s3cr3t")
    assert job.get("my.corp.com", **pair).stdout == NOT_FOUND

    (docker / "config.json").unlink()
    job.configure('identity = "secret"', "my-corp.com")
    pair["DOCKCRED_CONFIG"] = f"{job.home}/config.toml"
    assert answered(job.get("my-corp.com", **pair)) == ("me", "s3cr3t")
    assert job.get("my.corp.com", **pair).stdout == NOT_FOUND


def test_a_variable_goes_before_the_cloud_whose_host_it_is(job: Desk) -> None:
    pair = {"DOCKER_ghcr_io_USR": "me", "DOCKER_ghcr_io_PSW": "s3cr3t"}
    assert answered(job.get("ghcr.io", **pair, GH_TOKEN="ghp_x")) == ("me", "s3cr3t")


def test_what_config_toml_says_of_a_host_goes_before_variables(job: Desk) -> None:
    job.script(
        'echo \'{"Username":"hand","Secret":"typed"}\'', "docker-credential-kept"
    )
    job.configure('store = "helper:kept"', HOST)
    pair = PAIR | {"DOCKCRED_CONFIG": f"{job.home}/config.toml"}
    assert answered(job.get(HOST, **pair)) == ("hand", "typed")
    job.configure('on_miss = "empty"', HOST)
    assert answered(job.get(HOST, **pair)) == ("me", "s3cr3t")


def test_places_that_are_set_for_configured_hosts_do_not_answer_for_variables(
    job: Desk,
) -> None:
    pair = PAIR | {
        "DOCKCRED_SECRET_USERNAME": "x",
        "DOCKCRED_SECRET_PASSWORD_FILE": "/x",
    }
    assert answered(job.get(HOST, **pair)) == ("me", "s3cr3t")


@pytest.mark.parametrize(
    ("variables", "host", "expected"),
    [
        ({}, "registry.gitlab.example", ("gitlab-ci-token", "job")),
        ({}, "registry.gitlab.example:443", ("gitlab-ci-token", "job")),
        ({}, "registry.gitlab.example:5050", None),
        ({}, "gitlab.example", None),
        ({}, "x.registry.gitlab.example", None),
        ({"CI_REGISTRY": "gitlab.example:5050"}, "gitlab.example", None),
        (
            {"CI_REGISTRY": "gitlab.example:5050"},
            "gitlab.example:5050",
            ("gitlab-ci-token", "job"),
        ),
        (
            {"CI_REGISTRY_PASSWORD": "", "CI_JOB_TOKEN": "token"},
            "registry.gitlab.example",
            ("gitlab-ci-token", "token"),
        ),
        (
            {
                "CI_REGISTRY_PASSWORD": "",
                "CI_DEPLOY_USER": "gitlab+deploy-token-1",
                "CI_DEPLOY_PASSWORD": "deploy",
            },
            "registry.gitlab.example",
            ("gitlab+deploy-token-1", "deploy"),
        ),
        (
            {
                "CI_DEPENDENCY_PROXY_SERVER": "gitlab.example:443",
                "CI_DEPENDENCY_PROXY_USER": "proxy",
                "CI_DEPENDENCY_PROXY_PASSWORD": "cached",
            },
            "gitlab.example:443",
            ("proxy", "cached"),
        ),
        ({"CI_REGISTRY": "not a host"}, "registry.gitlab.example", None),
        ({"CI_REGISTRY": ""}, "registry.gitlab.example", None),
    ],
)
def test_gitlabs_variables_are_for_its_registry_and_proxy(
    job: Desk, variables: dict[str, str], host: str, expected
) -> None:
    answer = job.get(host, **GITLAB | variables)
    if expected is None:
        assert answer.stdout == NOT_FOUND
    else:
        assert answered(answer) == expected


@pytest.mark.parametrize(
    ("key", "host", "is_for_it"),
    [
        (HOST, HOST, True),
        (HOST, f"{HOST}:5000", False),
        (f"{HOST}:5000", f"{HOST}:5000", True),
        (HOST, f"x.{HOST}", False),
        (f"{HOST}/team", HOST, False),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/", True),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("https://index.docker.io/v1/", "docker.io.example", False),
    ],
)
def test_docker_auth_config_is_for_its_very_keys(
    job: Desk, key: str, host: str, *, is_for_it: bool
) -> None:
    answer = job.get(host, **auths(**{key: "me:s3cr3t"}))
    if is_for_it:
        assert answered(answer) == ("me", "s3cr3t")
    else:
        assert answer.stdout == NOT_FOUND


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"auths": {"registry.example.com": {"auth": "bWU6czNjcjN0"}}, "x": 1}',
        '{"auths": {"registry.example.com": {"auth": "%"}}}',
    ],
)
def test_what_docker_passes_over_is_passed_over(job: Desk, text: str) -> None:
    answer = job.get(HOST, DOCKER_AUTH_CONFIG=text, DOCKCRED_LOG="warning")
    assert answer.stdout == NOT_FOUND
    assert b"DOCKER_AUTH_CONFIG is passed over, as docker does" in answer.stderr
    assert b"bWU6czNjcjN0" not in answer.stderr


def test_list_names_the_hosts_that_variables_mean(job: Desk) -> None:
    variables = PAIR | GITLAB | auths(**{"other.example": "you:s3cr3t"})
    listed = job.program("list", environment=job.variables | variables).stdout
    assert json.loads(listed) == {
        HOST: "me",
        "other.example": "you",
        "registry.gitlab.example": "gitlab-ci-token",
    }


def test_list_runs_no_program_and_reads_no_file(job: Desk) -> None:
    job.script('echo asked >>"$HOME/asked"; echo s3cr3t')
    job.configure('username = "me"\npassword_command = ["print-it"]', HOST)
    variables = job.variables | {"DOCKCRED_CONFIG": f"{job.home}/config.toml"}
    listed = job.program("list", environment=variables).stdout
    assert json.loads(listed) == {HOST: "me"}
    assert not (job.home / "asked").exists()


def test_a_variable_is_never_cached(job: Desk) -> None:
    assert answered(job.get(HOST, **PAIR)) == ("me", "s3cr3t")
    kept = [path for path in job.home.glob("cache/*") if path.is_file()]
    assert not any(b"s3cr3t" in path.read_bytes() for path in kept)
    changed = PAIR | {f"{STEM}_PSW": "other"}
    assert answered(job.get(HOST, **changed)) == ("me", "other")
    assert job.get(HOST).stdout == NOT_FOUND


def test_a_login_to_such_a_registry_succeeds_and_stores_nothing(job: Desk) -> None:
    text = json.dumps({"ServerURL": HOST, "Username": "x", "Secret": "typed"}).encode()
    stored = job.program("store", environment=job.variables | PAIR, stdin=text)
    assert stored.status == 0, stored
    assert b"nothing was stored" in stored.stderr


def test_install_alias_env_goes_on_for_configurations_of_that_name(
    job: Desk, helper_bin: Path
) -> None:
    from support.program import Program

    launchers = job.home / "launchers"
    launchers.mkdir(mode=0o755)
    dockcred = Program(str(helper_bin / "dockcred"))
    variables = job.variables | {"PATH": f"{launchers}:{os.environ['PATH']}"}
    done = dockcred(
        *("install", "--dir", str(launchers), "--alias", "env"), environment=variables
    )
    assert done.status == 0, done
    alias = Program(str(launchers / "docker-credential-env"))
    assert answered(alias.get(job.variables | PAIR, HOST)) == ("me", "s3cr3t")
