"""Only hosts that are configured get a job's token, look-alikes get none."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.program import NOT_FOUND, Program

from dockcred.credential import ServerURL
from dockcred.errors import InvalidInputError
from dockcred.identity.provider import is_one_of

from .conftest import HOST

AUDIENCE = "https://registry.example.com"


@pytest.fixture(params=["oidc", "auto"])
def helper(request, helper_bin: Path) -> Program:
    return Program(str(helper_bin / f"docker-credential-{request.param}"))


@pytest.fixture
def configured(cloud, tmp_path):
    """Return a function: it writes config.toml and returns a GitHub job's variables."""

    def write(text: str, name: str = "ci-github") -> dict[str, str]:
        file = tmp_path / "config.toml"
        file.write_text(text)
        environment = cloud.environment(name) | {"DOCKCRED_CONFIG": str(file)}
        for variable in ("HOSTS", "AUDIENCE"):
            del environment[f"DOCKCRED_OIDC_{variable}"]
        return environment

    return write


def entry(match: str = HOST, **more: str) -> str:
    lines = {"match": match, "identity": "oidc", "token_audience": AUDIENCE} | more
    return "\n".join(["[[registry]]", *(f'{k} = "{v}"' for k, v in lines.items()), ""])


@pytest.mark.parametrize(
    "asked",
    [
        HOST,
        "REGISTRY.example.com.",
        f"https://{HOST}",
        f"https://{HOST}/v2/",
        f"{HOST}:5000",
        f"{HOST}/team/app",
    ],
)
def test_a_host_of_the_variable_is_served(asked, cloud, helper):
    answer = helper.get(cloud.environment("ci-github"), asked)
    assert cloud.ci.github.verify(answer.password, audience=AUDIENCE, now=time.time())
    assert json.loads(answer.stdout)["ServerURL"] == asked


LOOK_ALIKES = (
    f"{HOST}.evil.example",
    f"evil.{HOST}",
    f"x{HOST}",
    "registry-example.com",
    "example.com",
    "com",
    f"evil.example/{HOST}",
    f"http://{HOST}",
)


@pytest.mark.parametrize("asked", LOOK_ALIKES)
def test_a_look_alike_touches_no_identity(asked, cloud, oidc):
    answer = oidc.get(cloud.environment("ci-github"), asked)
    assert answer.stdout == NOT_FOUND
    assert not cloud.calls


@pytest.mark.parametrize("asked", LOOK_ALIKES)
def test_nor_does_a_look_alike_of_an_entry(asked, cloud, oidc, configured):
    environment = configured(entry())
    if asked.startswith("http://"):
        environment["DOCKCRED_LOG"] = ""
    assert oidc.get(environment, asked).stdout == NOT_FOUND
    assert not cloud.calls


@given(st.from_regex(r"[a-z0-9.-]{1,30}", fullmatch=True))
def test_no_other_host_is_one_of_those_named(text):
    try:
        server = ServerURL.parse(text)
    except InvalidInputError:
        return
    assert is_one_of(server, (HOST,)) == (server.host == HOST)


def test_a_port_that_is_named_is_meant_alone(cloud, oidc):
    environment = cloud.environment("ci-github")
    environment["DOCKCRED_OIDC_HOSTS"] = f"other.example.com {HOST}:5000"
    assert oidc.get(environment, f"{HOST}:5000").status == 0
    assert oidc.get(environment, HOST).stdout == NOT_FOUND
    assert oidc.get(environment, f"{HOST}:5001").stdout == NOT_FOUND


def test_plain_http_is_served_on_this_machine_alone(cloud, oidc):
    environment = cloud.environment("ci-github")
    environment["DOCKCRED_OIDC_HOSTS"] = "127.0.0.1:5000"
    assert oidc.get(environment, "http://127.0.0.1:5000").status == 0


@pytest.mark.parametrize("named", ["https://a.example", "a.example/x", "*.b", "a b@c"])
def test_a_host_that_is_none_is_told(named, cloud, oidc):
    environment = cloud.environment("ci-github") | {"DOCKCRED_OIDC_HOSTS": named}
    assert "no registry's host" in oidc.get(environment, HOST).said


def test_an_entry_is_served(cloud, helper, configured):
    answer = helper.get(configured(entry(token_username="ci")), HOST)
    assert json.loads(answer.stdout)["Username"] == "ci"
    assert cloud.ci.github.verify(answer.password, audience=AUDIENCE, now=time.time())


def test_each_registry_has_its_own_audience(cloud, oidc, configured):
    other = "https://other.example.com"
    text = entry() + entry("other.example.com", token_audience=other)
    environment = configured(text)
    for host, audience in ((HOST, AUDIENCE), ("other.example.com", other)):
        password = oidc.get(environment, host).password
        assert cloud.ci.github.verify(password, audience=audience, now=time.time())


def test_an_entry_s_source_hides_the_variable_s(cloud, oidc, configured):
    for name, said in (
        ("ci-github", {"token_source": "github-actions"}),
        ("ci-variable", {"token_variable": "JOB_TOKEN"}),
    ):
        environment = configured(entry(**said), name)
        environment["DOCKCRED_OIDC_TOKEN_FILE"] = "/nowhere"
        assert oidc.get(environment, HOST).status == 0


def test_an_entry_without_the_identity_is_not_served(cloud, oidc, configured):
    text = f'[[registry]]\nmatch = "{HOST}"\ntoken_audience = "{AUDIENCE}"\n'
    assert oidc.get(configured(text), HOST).stdout == NOT_FOUND
    assert not cloud.calls


def test_an_identity_that_is_none_is_told_with_its_line(cloud, oidc, configured):
    environment = configured(entry(identity="aws"))
    said = oidc.get(environment, HOST).said
    assert "config.toml:3: there is no identity 'aws'" in said


def test_outside_of_a_job_the_keychain_is_asked(cloud, helper_bin, configured):
    """One config.toml serves both the job and the person who wrote it."""
    auto = Program(str(helper_bin / "docker-credential-auto"))
    environment = configured(entry(store="helper:desk"), "ci-nobody")
    desk = Path(environment["HOME"], "bin/docker-credential-desk")
    environment["PATH"] = f"{desk.parent}:/usr/bin:/bin"
    desk.parent.mkdir()
    script = "#!/bin/sh\necho '{}'\nexit {}\n"
    held = json.dumps({"ServerURL": HOST, "Username": "me", "Secret": "mine"})
    desk.write_text(script.format(held, 0))
    desk.chmod(0o700)
    assert auto.get(environment, HOST).password == "mine"
    desk.write_text(script.format(NOT_FOUND.decode().strip(), 1))
    assert "no job's identity was found" in auto.get(environment, HOST).said


def test_a_job_without_a_token_may_pull_what_is_public(cloud, oidc, configured):
    """Such as the job of a fork's pull request, if the entry allows anonymous pulls."""
    name = "ci-github-without-permission"
    environment = configured(entry(anonymous="true"), name)
    assert oidc.get(environment, HOST).stdout == NOT_FOUND
    assert "id-token: write" in oidc.get(configured(entry(), name), HOST).said


def test_store_and_list_and_erase_are_polite(cloud, oidc):
    environment = cloud.environment("ci-github")
    login = {"ServerURL": HOST, "Username": "a", "Secret": "b"}
    stored = oidc("store", environment=environment, stdin=json.dumps(login).encode())
    assert stored.status == 0
    assert b"nothing was stored" in stored.stderr
    listed = json.loads(oidc("list", environment=environment).stdout)
    assert listed == {HOST: "JWT"}
    assert oidc("erase", environment=environment, stdin=HOST.encode()).status == 0
    foreign = login | {"ServerURL": "other.example"}
    refused = oidc("store", environment=environment, stdin=json.dumps(foreign).encode())
    assert refused.status == 1
