"""`dockcred status`, and the JSON of `get`, `list`, `cache` and `refresh`."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import terminal
from support.documents import blocks
from support.program import HOST, PUBLIC, Answer, Program, with_system_path

from dockcred.testing.sandbox import Sandbox

ACR_HOST = "contoso.azurecr.io"
TYPED = "typed-by-hand"
SCHEMA = next(
    json.loads(block.text)
    for block in blocks("json")
    if block.page.name == "json.md" and "$schema" in block.text
)


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def dockcred(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "dockcred"))


@pytest.fixture
def someone(cloud: Sandbox, helper_bin: Path):
    """The variables of an identity, with the helpers on PATH."""

    def make(identity: str = "env-keys", **more: str) -> dict[str, str]:
        variables = with_system_path(cloud.environment(identity))
        return variables | {"PATH": str(helper_bin)} | more

    return make


def docker_file(variables: dict[str, str], **content: object) -> Path:
    file = Path(variables["HOME"], ".docker/config.json")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content))
    return file


def config_file(variables: dict[str, str], text: str) -> dict[str, str]:
    file = Path(variables["HOME"], "dockcred.toml")
    file.write_text(text)
    file.chmod(0o600)
    return {**variables, "DOCKCRED_CONFIG": str(file)}


def document(answer: Answer, status: int = 0) -> dict:
    """Return the answer's JSON; it must match the schema of docs/json.md."""
    jsonschema = pytest.importorskip("jsonschema")
    assert answer.status == status, (answer.stdout, answer.stderr)
    found = json.loads(answer.stdout)
    jsonschema.validate(found, SCHEMA, jsonschema.Draft202012Validator)
    return found


def row(found: dict, registry: str) -> dict:
    (one,) = [each for each in found["registries"] if each["registry"] == registry]
    return one


def asked(dockcred: Program, variables: dict[str, str], *words: str) -> dict:
    return document(dockcred("status", "--json", *words, environment=variables))


WHO = {
    "env-keys": (HOST, "aws:env-keys", {"key": "…"}),
    "web-identity": (
        HOST,
        "aws:web-identity",
        {"arn": "arn:aws:iam::123456789012:role/", "account": "123456789012"},
    ),
    "instance-profile": (HOST, "aws:instance-profile", {"role": "instance-profile"}),
    "azure-imds": (
        ACR_HOST,
        "azure:imds",
        {"tenant": "5a4db0c5-", "client": "-", "object": "-"},
    ),
    "google-metadata": (
        "gcr.io",
        "google:metadata",
        {"account": "machine@", "project": "sandbox-project"},
    ),
}


@pytest.mark.parametrize("identity", WHO)
def test_status_says_who_answers_and_until_when(
    identity: str, dockcred, someone, cloud
) -> None:
    host, source, who = WHO[identity]
    variables = someone(identity)
    assert dockcred("get", host, environment=variables).status == 0
    cloud.reset()
    found = row(asked(dockcred, variables), host)
    assert (found["state"], found["source"]) == ("cached", source)
    for name, part in who.items():
        assert part in found["who"][name], found["who"]
    ends = time.strptime(found["expires"], "%Y-%m-%dT%H:%M:%SZ")
    assert found["expires_in"] > 0
    assert time.mktime(ends) > time.mktime(time.gmtime())
    assert not cloud.calls


def test_a_registry_that_was_never_asked_says_whom_it_would_ask(
    dockcred, someone, cloud
) -> None:
    variables = someone()
    docker_file(variables, credHelpers={HOST: "ecr-login", ACR_HOST: "acr-login"})
    found = asked(dockcred, variables)
    assert row(found, HOST)["state"] == "configured"
    assert row(found, HOST)["source"] == "aws:env-keys"
    assert row(found, ACR_HOST)["state"] == "machine"
    assert not cloud.calls


def test_ask_asks_what_is_not_cached_and_nothing_else(dockcred, someone, cloud) -> None:
    variables = someone()
    docker_file(variables, credHelpers={HOST: "ecr-login", PUBLIC: "ecr-login"})
    assert dockcred("get", HOST, environment=variables).status == 0
    cloud.reset()
    found = asked(dockcred, variables, "--ask")
    assert {row(found, host)["state"] for host in (HOST, PUBLIC)} == {"cached"}
    minted = {call: n for call, n in cloud.calls.items() if call.startswith("ecr")}
    assert list(minted.values()) == [1]


ARNS = {
    "env-keys": "arn:aws:iam::123456789012:user/",
    "shared-credentials": "arn:aws:iam::123456789012:user/",
    "assume-role": "arn:aws:sts::123456789012:assumed-role/assume-role/",
    "sso": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_sso",
    "pod-identity": "arn:aws:sts::123456789012:assumed-role/",
}


@pytest.mark.parametrize("road", ["", "sdk"])
@pytest.mark.parametrize("identity", ARNS)
def test_ask_asks_aws_who_it_is(identity, road, dockcred, someone, cloud) -> None:
    """On both roads, our own HTTP and the SDK; without --ask AWS is not asked."""
    pytest.importorskip("botocore")
    variables = someone(identity, DOCKCRED_ROAD=road)
    docker_file(variables, credHelpers={HOST: "ecr-login"})
    found = row(asked(dockcred, variables, "--ask"), HOST)
    assert found["state"] == "cached"
    assert found["who"]["arn"].startswith(ARNS[identity])
    assert found["who"]["account"] == "123456789012"
    assert cloud.calls["sts:GetCallerIdentity"] == 1
    cloud.reset()
    asked(dockcred, variables)
    assert not cloud.calls


def test_who_it_is_may_stay_unknown(dockcred, someone, cloud) -> None:
    variables = someone()
    docker_file(variables, credHelpers={HOST: "ecr-login"})
    cloud.fail("sts:access-denied:9")
    found = row(asked(dockcred, variables, "--ask"), HOST)
    assert (found["state"], "arn" in found["who"]) == ("cached", False)


def test_ask_says_why_nobody_answers(dockcred, someone) -> None:
    variables = someone("nothing")
    docker_file(variables, credHelpers={HOST: "ecr-login"})
    found = row(asked(dockcred, variables, "--ask"), HOST)
    assert found["state"] == "nobody"
    assert "no AWS identity" in found["problem"]["cause"]
    assert found["source"] is None


def test_two_identities_of_one_registry_are_told_apart(dockcred, someone) -> None:
    """The cache holds both: the current one answers, the other is listed with it."""
    first, second = someone("env-keys"), someone("web-identity")
    second["DOCKCRED_CACHE_DIR"] = first["DOCKCRED_CACHE_DIR"] = (
        first["HOME"] + "/cache"
    )
    for variables in (first, second):
        assert dockcred("get", HOST, environment=variables).status == 0
    for variables, mine, other in (
        (first, "aws:env-keys", "aws:web-identity"),
        (second, "aws:web-identity", "aws:env-keys"),
    ):
        found = row(asked(dockcred, variables), HOST)
        assert found["source"] == mine
        assert [each["source"] for each in found["others"]] == [other]
        named = found if mine == "aws:web-identity" else found["others"][0]
        assert named["who"]["account"] == "123456789012"


def test_what_has_ended_is_said_to_be_over(dockcred, helper_bin, tmp_path) -> None:
    with Sandbox(expires_s=2) as cloud:
        variables = with_system_path(cloud.environment("env-keys"))
        assert dockcred("get", HOST, environment=variables).status == 0
        time.sleep(2.1)
        found = row(asked(dockcred, variables), HOST)
        told = dockcred("status", environment=variables).stdout.decode()
    assert found["state"] == "over"
    assert found["expires_in"] <= 0
    assert re.search(r"until \S+Z, \d+ s ago", told)
    assert "the next get mints anew" in told


def test_the_clients_and_their_helpers_are_named(dockcred, someone, tmp_path) -> None:
    variables = someone("nothing")
    file = docker_file(
        variables,
        credsStore="auto",
        credHelpers={"quay.io": "others", HOST: "gone"},
        auths={"registry.example.com": {"auth": "bWU6c2VjcmV0"}, "ghcr.io": {}},
    )
    (tmp_path / "docker-credential-others").write_text("#!/bin/sh\n")
    (tmp_path / "docker-credential-others").chmod(0o755)
    variables["PATH"] += f":{tmp_path}"
    found = asked(dockcred, variables)
    (docker, podman) = row(found, "registry.example.com")["clients"]
    assert docker == {
        "client": "docker",
        "helper": "docker-credential-auto",
        "user": None,
        "file": str(file),
        "key": "credsStore",
        "ours": True,
        "installed": True,
    }
    assert (podman["client"], podman["helper"], podman["user"]) == (
        "podman",
        None,
        "me",
    )
    assert row(found, "registry.example.com")["state"] == "in-clear"
    assert row(found, "quay.io")["state"] == "others"
    gone = row(found, HOST)["clients"][0]
    assert (gone["ours"], gone["installed"]) == (False, False)
    told = dockcred("status", environment=variables).stdout.decode()
    assert "docker: docker-credential-gone, which is not on PATH" in told
    assert "(credsStore in ~/.docker/config.json)" in told


def test_a_login_in_docker_s_variable_is_named(dockcred, someone) -> None:
    entry = {"auths": {"registry.example.com": {"auth": "bWU6c2VjcmV0"}}}
    variables = someone("nothing", DOCKER_AUTH_CONFIG=json.dumps(entry))
    found = row(asked(dockcred, variables), "registry.example.com")
    assert (found["state"], found["user"]) == ("configured", "me")
    assert found["who"] == {"variable": "DOCKER_AUTH_CONFIG"}
    (docker, *_) = found["clients"]
    assert (docker["client"], docker["user"]) == ("docker", "me")


def test_a_client_with_nothing_for_a_registry_is_not_named(dockcred, someone) -> None:
    variables = someone()
    dockcred("get", HOST, environment=variables)
    assert row(asked(dockcred, variables), HOST)["clients"] == []


def test_what_is_kept_in_the_vault_is_listed(
    dockcred, helper_bin, someone, tmp_path
) -> None:
    variables = someone("nothing", DOCKCRED_VAULT_FILE=str(tmp_path / "vault"))
    key = str(tmp_path / "key")
    made = dockcred("vault", "create", "--key-file", key, environment=variables)
    if made.status != 0 and b"pip install" in made.stderr + made.stdout:
        pytest.skip("the vault's extra is not installed")
    assert made.status == 0, made
    keyring = Program(str(helper_bin / "docker-credential-keyring"))
    login = {"ServerURL": "registry.example:5000", "Username": "me", "Secret": TYPED}
    keyring("store", environment=variables, stdin=json.dumps(login).encode())
    answer = dockcred("status", "--json", environment=variables)
    found = document(answer)
    assert found["keychain"] == {
        "place": "vault",
        "logins": [{"registry": "registry.example:5000", "user": "me"}],
        "problem": None,
    }
    kept = row(found, "registry.example:5000")
    assert (kept["state"], kept["source"], kept["user"]) == (
        "kept",
        "keychain:vault",
        "me",
    )
    told = dockcred("status", environment=variables)
    assert b"keychain vault: registry.example:5000 (me)" in told.stdout
    Path(key).unlink()
    locked = document(dockcred("status", "--json", environment=variables))
    assert "key" in locked["keychain"]["problem"]["cause"]


def test_a_broken_config_is_a_problem_with_its_place(dockcred, someone) -> None:
    variables = someone()
    dockcred("get", HOST, environment=variables)
    variables = config_file(variables, '[[registry]]\nmatch = "ghcr.io"\nprofil = "x"')
    answer = dockcred("status", "--json", environment=variables)
    found = document(answer, status=1)
    (problem,) = found["problems"]
    assert "dockcred.toml:3: there is no setting 'profil'" in problem["cause"]
    assert row(found, HOST)["state"] == "broken"
    told = dockcred("status", environment=variables)
    assert told.status == 1
    assert told.stdout.count(b"there is no setting") == 1
    assert b"Traceback" not in told.stdout + told.stderr
    alone = dockcred(environment=variables)
    assert (alone.status, b"next   dockcred doctor" in alone.stdout) == (0, True)


def test_an_identity_that_cannot_work_is_broken(dockcred, someone) -> None:
    variables = someone("nothing", AWS_ACCESS_KEY_ID="AKIAHALF")
    docker_file(variables, credHelpers={HOST: "ecr-login"})
    found = row(
        document(dockcred("status", "--json", environment=variables), status=1), HOST
    )
    assert found["state"] == "broken"
    assert "AWS_SECRET_ACCESS_KEY is not" in found["problem"]["cause"]


def test_a_bare_service_without_a_home_is_answered(dockcred, someone) -> None:
    for variables in ({"PATH": "/usr/bin:/bin"}, {}):
        answer = dockcred("status", HOST, "--json", environment=variables)
        assert answer.status in {0, 1}, answer
        assert row(document(answer, answer.status), HOST)["registry"] == HOST
        assert b"Traceback" not in answer.stderr


def test_nobody_for_the_named_host_is_status_1(dockcred, someone) -> None:
    variables = someone("nothing")
    answer = dockcred("status", "registry.example", environment=variables)
    assert answer.status == 1
    assert b"nobody answers: clients go on anonymously" in answer.stdout


def test_the_last_failure_is_remembered(dockcred, someone, cloud) -> None:
    variables = someone()
    cloud.fail("ecr:access-denied:9")
    assert dockcred("get", HOST, environment=variables).status == 1
    docker_file(variables, credHelpers={HOST: "ecr-login"})
    found = row(asked(dockcred, variables), HOST)
    assert found["last_failure"]["cause"]
    told = dockcred("status", environment=variables).stdout.decode()
    assert re.search(r"failed \d+ s ago: ", told)


def test_one_shape_and_no_secret_in_any_of_them(
    dockcred, someone, helper_bin, tmp_path
) -> None:
    variables = someone()
    secret = b64encode(b"me:" + TYPED.encode()).decode()
    docker_file(variables, auths={"registry.example.com": {"auth": secret}})
    password = dockcred("get", HOST, "--password", environment=variables).stdout
    targets = tmp_path / "refresh.toml"
    targets.write_text(
        f'[[target]]\nformat = "docker-config"\nregistries = ["{HOST}"]\n'
        f'file = "{tmp_path}/out.json"\n'
    )
    once = dockcred("refresh", "--once", str(targets), environment=variables)
    assert once.status == 0, once
    calls = (
        ("get", HOST),
        ("list",),
        ("cache",),
        ("status",),
        ("refresh", "--status", str(targets)),
    )
    for words in calls:
        for more in ((), ("--json",)):
            answer = dockcred(*words, *more, environment=variables)
            said = answer.stdout + answer.stderr
            for hidden in (password.strip(), TYPED.encode(), secret.encode()):
                assert hidden not in said, words
        found = document(answer)
        assert found["version"] == 1
    assert found["targets"][0]["good"]
    assert found["targets"][0]["registries"] == [HOST]
    got = row(document(dockcred("get", HOST, "--json", environment=variables)), HOST)
    assert (got["state"], got["user"], got["source"]) == (
        "cached",
        "AWS",
        "aws:env-keys",
    )
    kept = document(dockcred("cache", "--json", environment=variables))
    (entry,) = kept["caches"][0]["entries"]
    assert (entry["registry"], entry["expires"]) == (HOST, got["expires"])
    listed = document(dockcred("list", "--json", environment=variables))
    assert {each["registry"]: each["user"] for each in listed["registries"]} == {
        HOST: "AWS",
        PUBLIC: "AWS",
    }


@pytest.mark.parametrize(
    "words",
    [
        ("get", HOST, "--password", "--json"),
        ("cache", "--clear", "--json"),
        ("refresh", "x.toml", "--json"),
    ],
    ids=lambda words: words[0],
)
def test_json_and_what_excludes_it(words, dockcred, someone) -> None:
    assert dockcred(*words, environment=someone("nothing")).status == 2


def on_a_terminal(program: str, variables: dict[str, str], *words: str) -> str:
    status, shown = terminal.run([program, *words], variables)
    assert status == 0, shown
    return shown


def test_colour_and_folding_are_a_terminal_s(dockcred, someone) -> None:
    variables = someone("web-identity")
    docker_file(variables, credsStore="auto")
    dockcred("get", HOST, environment=variables)
    plain = dockcred("status", environment=variables).stdout.decode()
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) > 80
    variables |= {"TERM": "xterm-256color", "COLUMNS": "80"}
    shown = on_a_terminal(dockcred.path, variables, "status")
    assert "\x1b[32m" in shown
    bare = on_a_terminal(dockcred.path, variables | {"NO_COLOR": "1"}, "status")
    assert not re.search(r"\x1b\[[\d;]*3[1-7]", bare)
    folded = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", bare).replace("\r", "")
    assert max(len(line.rstrip()) for line in folded.splitlines()) <= 80
    assert "".join(folded.split()) == "".join(plain.split())
    for word in plain.split():
        assert len(word) > 70 or word in folded.split(), word
