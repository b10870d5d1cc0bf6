"""gh's stored login: the forms of hosts.yml, the keychain, and failures of gh."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.program import LONG_S

from dockcred.providers.github import gh
from dockcred.providers.github.hosts import gh_file
from dockcred.system.environment import Environment

from .conftest import NOT_FOUND

NOW = """\
github.com:
    users:
        monalisa:
            oauth_token: gho_inner
    git_protocol: https
    user: monalisa
    oauth_token: gho_outer
ghe.example.com:
    oauth_token: gho_enterprise
    user: hubot
"""
BEFORE_MULTIPLE_ACCOUNTS = """\
# gh 2.39 and before
github.com:
  user: monalisa
  oauth_token: "gho_old"
  git_protocol: ssh
"""


@pytest.mark.parametrize(
    ("text", "github", "user", "token"),
    [
        (NOW, "github.com", "monalisa", "gho_outer"),
        pytest.param(
            *(30_000 * "# a comment\n" + NOW, "ghe.example.com"),
            *("hubot", "gho_enterprise"),
            id="behind 330 kB",
        ),
        (NOW, "ghe.example.com", "hubot", "gho_enterprise"),
        (BEFORE_MULTIPLE_ACCOUNTS, "github.com", "monalisa", "gho_old"),
    ],
)
def test_the_active_accounts_token_is_read(text, github, user, token, tmp_path):
    (tmp_path / "hosts.yml").write_text(text)
    login = gh.login(github, Environment({"GH_CONFIG_DIR": str(tmp_path)}))
    assert (login.user, login.token) == (user, token)
    assert token not in repr(login)


@pytest.mark.parametrize("text", ["", "{}", "other.com:\n    user: x\n", "\0\0", ":::"])
def test_a_file_without_the_host_is_no_login(text, tmp_path):
    (tmp_path / "hosts.yml").write_text(text)
    environment = Environment({"GH_CONFIG_DIR": str(tmp_path)})
    assert gh.login("github.com", environment) is None


READ_BY_GH_ALONE = {
    "a comment": "github.com:\n    oauth_token: gho_x # mine\n    user: m\n",
    "flow": "github.com: {oauth_token: gho_x, user: m}\n",
    "one flow": "{github.com: {oauth_token: gho_x, user: m}}\n",
    "an escape": 'github.com:\n    oauth_token: "gho\\x5fx"\n    user: m\n',
    "an anchor": "github.com: &a\n    oauth_token: gho_x\n    user: m\n",
    "a tag": "github.com:\n    oauth_token: !!str gho_x\n    user: m\n",
    "a block": "github.com:\n    oauth_token: >-\n        gho_x\n    user: m\n",
    "a document": "---\ngithub.com:\n    oauth_token: gho_x\n    user: m\n",
    "a list": "github.com:\n  - oauth_token: gho_x\n    user: m\n",
    "a byte order mark": "\ufeffgithub.com:\n    oauth_token: gho_x\n    user: m\n",
    "a tabulator": "github.com:\n    oauth_token:\tgho_x\n    user: m\n",
    "twice": "github.com:\n    user: m\ngithub.com:\n    oauth_token: gho_x\n",
    "half undented": "github.com:\n    user: m\n  oauth_token: gho_x\n",
}


@pytest.mark.parametrize("text", READ_BY_GH_ALONE.values(), ids=READ_BY_GH_ALONE)
def test_a_file_that_we_do_not_wholly_understand_is_left_to_gh(text, cloud, run):
    environment = cloud.environment("github-gh-keychain")
    token = program(environment).read_text().split("echo ")[-1].strip()
    Path(environment["XDG_CONFIG_HOME"], "gh/hosts.yml").write_text(text)
    assert run(environment).secret == token
    without = run(environment | {"PATH": "/nowhere", "DOCKCRED_LOG": "info"})
    assert without.output == NOT_FOUND
    assert "of a form that gh alone reads" in without.errors


@pytest.mark.parametrize("text", ["other.com: {user: x}\n", "\t\n", "- a\n", ":\n"])
def test_an_odd_file_that_does_not_name_the_host_is_no_login(text, tmp_path):
    (tmp_path / "hosts.yml").write_text(text)
    environment = Environment({"GH_CONFIG_DIR": str(tmp_path)})
    assert gh.login("github.com", environment) is None


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        (
            {"GH_CONFIG_DIR": "/a", "XDG_CONFIG_HOME": "/b", "HOME": "/c"},
            "/a/hosts.yml",
        ),
        ({"XDG_CONFIG_HOME": "/b", "HOME": "/c"}, "/b/gh/hosts.yml"),
        ({"HOME": "/c"}, "/c/.config/gh/hosts.yml"),
    ],
)
def test_the_file_is_where_gh_keeps_it(variables, path):
    assert gh_file(Environment(variables)) == path


def program(environment):
    return Path(environment["HOME"]) / "bin/gh"


def test_gh_is_asked_for_what_is_in_the_keychain(cloud, run):
    environment = cloud.environment("github-gh-keychain")
    run(environment)
    calls = (Path(environment["HOME"]) / "gh-calls").read_text()
    assert calls == "auth token --hostname github.com\n"


def test_gh_gets_no_stdin_and_no_secret(cloud, run):
    environment = cloud.environment("github-gh-keychain")
    left = Path(environment["HOME"]) / "left"
    token = program(environment).read_text().split("echo ")[-1].strip()
    program(environment).write_text(
        f"#!/bin/sh\ncat >{left}; env >>{left}\necho {token}"
    )
    run(
        environment
        | {"AWS_SECRET_ACCESS_KEY": "secret", "GH_ENTERPRISE_TOKEN": "secret"}
    )
    text = left.read_text()
    assert "ghcr.io" not in text.splitlines()[0]
    assert "secret" not in text


def test_noise_before_ghs_answer_is_passed_over(cloud, run):
    environment = cloud.environment("github-gh-keychain")
    token = program(environment).read_text().split("echo ")[-1].strip()
    program(environment).write_text(
        f"#!/bin/sh\necho A new release of gh is available\necho W >&2\necho {token}\n"
    )
    assert run(environment).secret == token


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1", "gh auth status --hostname github.com"),
        ("echo no oauth token found", "gh did not hand out its login"),
        (f"exec sleep {LONG_S}", "gh"),
    ],
)
def test_a_gh_that_fails_is_named_within_the_time(script, said, cloud, run):
    environment = cloud.environment("github-gh-keychain") | {"DOCKCRED_TIMEOUT": "3"}
    program(environment).write_text(f"#!/bin/sh\n{script}\n")
    result = run(environment)
    assert result.status == 1
    assert said in result.output
    assert "\n" not in result.output


@pytest.mark.slow
def test_a_gh_that_needs_seven_seconds_has_them_where_the_call_does(cloud, run):
    environment = cloud.environment("github-gh-keychain") | {"DOCKCRED_TIMEOUT": "30"}
    token = program(environment).read_text().split("echo ")[-1].strip()
    program(environment).write_text(f"#!/bin/sh\nsleep 7\necho {token}\n")
    assert run(environment).secret == token


def test_a_login_in_the_keychain_without_gh_leaves_public_images_alone(cloud, run):
    environment = cloud.environment("github-gh-keychain")
    environment |= {"PATH": "/nowhere", "DOCKCRED_LOG": "info"}
    result = run(environment)
    assert result.output == NOT_FOUND
    assert "no gh is found on PATH" in result.errors


def test_logout_and_login_in_gh_are_misses(cloud, run):
    environment = cloud.environment("github-gh-login")
    first = run(environment)
    path = Path(environment["XDG_CONFIG_HOME"]) / "gh/hosts.yml"
    text = path.read_text()
    other = cloud.github.tokens.oauth("hubot", "read:packages")
    path.write_text(text.replace(first.secret, other).replace("monalisa", "hubot"))
    second = run(environment)
    assert (second.username, second.secret) == ("hubot", other)
    path.unlink()
    assert run(environment).output == NOT_FOUND
