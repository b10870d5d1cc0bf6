"""User names, the key file as a password, the peer's verbs, and the variables."""

from __future__ import annotations

import ast
import json
import time
from pathlib import Path

import google.auth
import google.oauth2
import pytest
from google.auth import environment_vars

from dockcred import environment as names
from dockcred.cache.files import Cache
from dockcred.environment import Environment
from dockcred.errors import InvalidInputError, IssueError, NotServedError
from dockcred.identity_store import IdentityStore
from dockcred.providers.google import Google
from dockcred.server_url import ServerURL

GCR = ServerURL.parse("gcr.io")


def store(cloud, name, tmp_path, **choices):
    environment = Environment(cloud.environment(name))
    return IdentityStore(Google(**choices), Cache(str(tmp_path / "c")), environment)


@pytest.mark.parametrize(
    "username",
    ["oauth2accesstoken", "_token", "_dcgcloud_token", "_dcgcr_2_1_30_token"],
)
def test_the_registry_takes_the_token_under_each_user_name(username, cloud, tmp_path):
    held = store(cloud, "google-metadata", tmp_path, username=username).get(GCR)
    assert held.username == username
    assert cloud.google.admits(username, held.secret, "gcr.io", time.time())


@pytest.mark.parametrize("username", ["", "root", "_dcgcr__token", "_dcgcr_a b_token"])
def test_another_user_name_is_refused(username):
    with pytest.raises(InvalidInputError):
        Google(username=username)


def test_two_user_names_do_not_share_an_entry(cloud, tmp_path):
    first = store(cloud, "google-metadata", tmp_path).get(GCR)
    other = store(cloud, "google-metadata", tmp_path, username="_token").get(GCR)
    assert (first.username, other.username) == ("oauth2accesstoken", "_token")


def test_a_key_file_is_the_password_of_json_key_and_is_not_cached(cloud, tmp_path):
    opened = store(cloud, "google-service-account", tmp_path, username="_json_key")
    held = opened.get(GCR)
    assert cloud.google.admits("_json_key", held.secret, "gcr.io", time.time())
    assert not cloud.calls
    assert held.secret.isprintable()
    texts = [path.read_bytes() for path in (tmp_path / "c").iterdir()]
    assert not any(b"PRIVATE KEY" in text for text in texts)


def test_json_key_needs_a_service_accounts_key(cloud, tmp_path):
    opened = store(cloud, "google-wif-direct", tmp_path, username="_json_key")
    with pytest.raises(IssueError, match="is of type external_account"):
        opened.get(GCR)


@pytest.mark.parametrize(
    ("verb", "status", "word"),
    [
        ("configure-docker", 0, "nothing was changed"),
        ("gcr-login", 1, "gcloud auth application-default login"),
        ("gcr-logout", 1, "revoke"),
        ("config", 1, "README"),
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
    """Every variable that the installed google-auth reads, by its source text."""
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
    """The key of os.environ[KEY], environ.get(KEY), os.getenv(KEY), env[KEY] = …."""
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
    known = {*names.COMMON, *names.GOOGLE, *names.GOOGLE_SECRET, *names.GOOGLE_IGNORED}
    assert not read - known


def test_no_variable_is_in_two_lists_and_each_reason_is_one():
    lists = (names.GOOGLE, names.GOOGLE_SECRET, tuple(names.GOOGLE_IGNORED))
    together = [name for one in lists for name in one]
    assert len(together) == len(set(together))
    assert all(names.GOOGLE_IGNORED.values())


def test_a_foreign_host_is_refused_by_store(cloud, tmp_path):
    opened = store(cloud, "google-nobody", tmp_path)
    with pytest.raises(NotServedError):
        opened.store(ServerURL.parse("ghcr.io"), None)
