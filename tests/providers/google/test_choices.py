"""User names, a key file as password, the commands of Google's helper, variables."""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path

import google.auth
import google.oauth2
import pytest
from google.auth import environment_vars
from support import ignored_variables as ignored

from dockcred.system.environment import COMMON
from dockcred.system.environment import google as names
from dockcred.testing.sandbox.google.principals import email

NAMED = "DOCKCRED_GOOGLE_USERNAME"


@pytest.mark.parametrize(
    "username",
    ["oauth2accesstoken", "_token", "_dcgcloud_token", "_dcgcr_2_1_30_token"],
)
def test_the_registry_takes_the_token_under_each_user_name(username, cloud, run):
    held = run(cloud.environment("google-metadata") | {NAMED: username})
    assert held.username == username
    assert cloud.google.admits(username, held.secret, "gcr.io", time.time())


@pytest.mark.parametrize("username", ["root", "_dcgcr__token", "_dcgcr_a b_token"])
def test_another_user_name_is_refused(username, cloud, run):
    result = run(cloud.environment("google-metadata") | {NAMED: username})
    assert result.status == 1
    assert "choose one of: oauth2accesstoken" in result.output
    assert not cloud.calls


def test_two_user_names_do_not_share_an_entry(cloud, run):
    environment = cloud.environment("google-metadata")
    assert run(environment).username == "oauth2accesstoken"
    assert run(environment | {NAMED: "_token"}).username == "_token"


def test_a_key_file_is_the_password_of_json_key_and_is_not_cached(cloud, run):
    environment = cloud.environment("google-service-account") | {NAMED: "_json_key"}
    held = run(environment)
    assert cloud.google.admits("_json_key", held.secret, "gcr.io", time.time())
    assert not cloud.calls
    assert held.secret.isprintable()
    kept = Path(environment["DOCKCRED_CACHE_DIR"]).iterdir()
    assert not any(b"PRIVATE KEY" in path.read_bytes() for path in kept)


def test_json_key_needs_a_service_accounts_key(cloud, run):
    result = run(cloud.environment("google-wif-direct") | {NAMED: "_json_key"})
    assert result.status == 1
    assert "is of type external_account" in result.output


def test_a_sovereign_host_is_served_where_the_variable_names_it(cloud, run):
    environment = cloud.environment("google-metadata")
    named = {"DOCKCRED_GOOGLE_HOSTS": "docker.s3nsregistry.fr"}
    assert run(environment, "get", "docker.s3nsregistry.fr").status == 1
    assert not cloud.calls
    assert run(environment | named, "get", "docker.s3nsregistry.fr").status == 0


def test_a_registry_has_its_own_identity_by_config_toml(cloud, run, tmp_path):
    keyed = cloud.environment("google-service-account")
    config = tmp_path / "config.toml"
    config.write_text(
        '[[registry]]\nmatch = "eu-docker.pkg.dev"\nusername = "_token"\n'
        f'credentials_file = "{keyed["GOOGLE_APPLICATION_CREDENTIALS"]}"\n'
    )
    environment = cloud.environment("google-metadata")
    environment["DOCKCRED_CONFIG"] = str(config)
    machine, named = run(environment), run(environment, "get", "eu-docker.pkg.dev")
    assert cloud.minted(machine.secret).principal == email("machine")
    assert cloud.minted(named.secret).principal == email("keyed")
    assert (machine.username, named.username) == ("oauth2accesstoken", "_token")


@pytest.mark.parametrize(
    ("verb", "status", "word"),
    [
        ("gcr-login", 1, "gcloud auth application-default login"),
        ("gcr-logout", 1, "revoke"),
        ("config", 1, "dockcred status gcr.io"),
        ("clear", 1, "docker logout"),
    ],
)
def test_the_peers_other_verbs_answer_in_one_line(verb, status, word, cloud, run):
    flags = ("--include-artifact-registry", "--registries", "gcr.io")
    result = run(cloud.environment("google-nobody"), verb, "", *flags)
    assert result.status == status
    assert word in result.output
    assert "\n" not in result.output


def test_the_five_verbs_take_no_flags(cloud, run):
    result = run(cloud.environment("google-nobody"), "get", "", "--flag")
    assert result.status == 1
    assert result.output.startswith("Usage:")


def test_docker_login_does_not_fail_and_a_foreign_host_is_sent_on(cloud, run):
    environment = cloud.environment("google-nobody")
    request = {"ServerURL": "gcr.io", "Username": "u", "Secret": "s"}
    stored = run(environment, "store", json.dumps(request))
    assert (stored.status, stored.output) == (0, "")
    assert "nothing was stored" in stored.errors
    foreign = run(environment, "store", json.dumps(request | {"ServerURL": "ghcr.io"}))
    assert foreign.status == 1
    assert "docker-credential-ghcr-login" in foreign.output


def variables_of_google_auth():
    """Return each variable that the installed google-auth reads, from its source."""
    found = {
        value
        for name, value in vars(environment_vars).items()
        if name.isupper() and isinstance(value, str)
    }
    for package in (google.auth, google.oauth2):
        for path in Path(package.__file__).parent.rglob("*.py"):
            tree = ast.parse(path.read_text())
            constants = {
                node.targets[0].id: node.value.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, ast.Constant)
            }
            for node in ast.walk(tree):
                key = _read_key(node)
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found.add(key.value)
                elif isinstance(key, ast.Name):
                    found.add(constants[key.id])
                elif isinstance(key, ast.Attribute) and key.attr == "_ENV_VAR":
                    found.add("GOOGLE_AUTH_WEBAUTHN_PLUGIN")
    return found


def _read_key(node):
    """Return the KEY node of os.environ[KEY], os.getenv(KEY) and so on, else None."""
    if isinstance(node, ast.Subscript):
        holder, key = ast.unparse(node.value), node.slice
    elif isinstance(node, ast.Call) and node.args:
        holder, key = ast.unparse(node.func), node.args[0]
        holder = holder.removesuffix(".get").removesuffix(".pop")
    else:
        return None
    return (
        key
        if holder in {"os.environ", "environ", "os.getenv", "getenv", "env"}
        else None
    )


def test_every_variable_of_google_auth_is_in_the_key_or_ignored_with_a_reason():
    read = variables_of_google_auth()
    assert "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES" in read
    assert "NO_GCE_CHECK" in read
    known = {*COMMON, *names.VARIABLES, *names.SECRETS, *ignored.GOOGLE}
    assert not read - known


def test_no_variable_is_in_two_lists_and_each_reason_is_one():
    lists = (names.VARIABLES, names.SECRETS, tuple(ignored.GOOGLE))
    together = [name for one in lists for name in one]
    assert len(together) == len(set(together))
    assert all(ignored.GOOGLE.values())
