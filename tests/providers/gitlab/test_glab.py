"""glab's login: the forms of its file, the keychain, renewal, and failures of glab."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.program import NOT_FOUND

from dockcred.providers.gitlab import glab
from dockcred.system.environment import Environment

from .conftest import CALL, HOST, answered, calls, file_of


def rewrite(environment, old: str, new: str) -> None:
    path = file_of(environment)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_token_that_is_good_is_read_without_glab(get, cloud):
    environment = cloud.environment("gitlab-glab-login")
    first = answered(get(environment))
    assert answered(get(environment)) == first
    assert calls(environment) == []
    assert cloud.calls[CALL] == 1


def test_a_token_that_has_ended_is_renewed_by_glab_once(get, cloud):
    environment = cloud.environment("gitlab-glab-ended")
    user, token = answered(get(environment))
    assert cloud._clouds[-1].admits(user, token, HOST, time.time())
    assert answered(get(environment)) == (user, token)
    assert calls(environment) == ["auth docker-helper get"]


def test_a_token_that_has_ended_is_never_answered(get, cloud):
    environment = cloud.environment("gitlab-glab-ended")
    program = Path(environment["HOME"]) / "bin/glab"
    program.write_text(
        '#!/bin/sh\necho \'{"ServerURL": "", "Username": "me", "Secret": "old"}\'\n'
    )
    told = get(environment).said
    assert told.startswith("glab's login at gitlab.com is over")
    program.unlink()
    told = get(environment | {"PATH": "/nowhere"}).said
    assert told.startswith("glab's login at gitlab.com is over: ")
    assert "install glab" in told


def test_an_ended_login_that_glab_cannot_renew_is_told(get, cloud):
    environment = cloud.environment("gitlab-glab-ended")
    program = Path(environment["HOME"]) / "bin/glab"
    program.write_text("#!/bin/sh\necho glpat-secret\necho glpat-secret >&2\nexit 1\n")
    answer = get(environment)
    assert answer.said.endswith("run: glab auth status --hostname gitlab.com")
    assert b"glpat-secret" not in answer.stdout + answer.stderr


def test_a_keychain_is_glabs_to_read(get, cloud):
    environment = cloud.environment("gitlab-glab-keychain")
    answered(get(environment))
    assert calls(environment) == ["config get token --host gitlab.com"]


def test_a_file_that_glab_made_before_any_login_is_no_login(get, cloud):
    environment = cloud.environment("gitlab-glab-token")
    lines = file_of(environment).read_text().splitlines()
    kept = [each for each in lines if "token:" not in each and "user:" not in each]
    file_of(environment).write_text("\n".join(kept))
    assert get(environment).stdout == NOT_FOUND
    token = cloud.environment("gitlab-token")["GITLAB_TOKEN"]
    assert answered(get(environment | {"GITLAB_TOKEN": token}))[1] == token


def test_a_login_goes_before_a_variable_as_in_glabs_docker_helper(get, cloud):
    environment = cloud.environment("gitlab-glab-token")
    token = cloud.environment("gitlab-token")["GITLAB_TOKEN"]
    assert answered(get(environment | {"GITLAB_TOKEN": token}))[1] != token


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o606])
def test_a_file_that_others_can_read_is_passed_over_as_glab_does(mode, get, cloud):
    environment = cloud.environment("gitlab-glab-token")
    file_of(environment).chmod(mode)
    answer = get(environment | {"DOCKCRED_LOG": "warning"})
    assert answer.stdout == NOT_FOUND
    assert b"chmod 600" in answer.stderr


READ_BY_GLAB_ALONE = {
    "a list": ("host:", "custom_headers:\n  - name: x\nhost:"),
    "a comment": ("git_protocol: ssh", "git_protocol: ssh # mine"),
    "a tag": ("git_protocol: ssh", "git_protocol: !!str ssh"),
    "an anchor": ("git_protocol: ssh", "git_protocol: &a ssh"),
    "flow": ("git_protocol: ssh", "x: {a: b}"),
    "twice": ("git_protocol: ssh", "git_protocol: ssh\ngit_protocol: ssh"),
}


@pytest.mark.parametrize("change", READ_BY_GLAB_ALONE.values(), ids=READ_BY_GLAB_ALONE)
def test_a_file_that_we_do_not_wholly_understand_is_left_to_glab(change, get, cloud):
    environment = cloud.environment("gitlab-glab-login")
    there = file_of(environment).read_text()
    rewrite(environment, *change)
    _, token = answered(get(environment))
    assert token not in there
    assert calls(environment) == ["auth docker-helper get"]
    rewrite(environment, "git_protocol: ssh", "git_protocol: ssh # mine")
    rewrite(environment, "gitlab.com", "gitlab.example")
    assert get(environment).stdout == NOT_FOUND


def test_the_tag_that_old_versions_write_is_passed_over(get, cloud):
    environment = cloud.environment("gitlab-glab-token")
    first = answered(get(environment))
    rewrite(environment, " token: glpat", " token: !!null glpat")
    assert answered(get(environment)) == first
    assert calls(environment) == []


@pytest.mark.parametrize(
    ("written", "ends"),
    [
        ("2026-11-29T18:54:03Z", 1795978443),
        ("2026-11-29T18:54:03+01:00", 1795974843),
        ("29 Nov 26 18:54 UTC", 1795978440),
        ("29 Nov 26 18:54 +0100", 1795974840),
        ("soon", 0),
        ("", 0),
    ],
)
def test_an_end_is_read_in_every_form_that_glab_wrote(written, ends):
    found = {"is_oauth2": "true", "oauth2_expiry_date": written}
    assert glab._ends(found) == ends


@pytest.mark.parametrize(
    ("variables", "paths"),
    [
        ({"GLAB_CONFIG_DIR": "/a", "HOME": "/c"}, ("/a/config.yml",)),
        ({"HOME": "/c"}, ("/c/.config/glab-cli/config.yml",)),
        (
            {"XDG_CONFIG_HOME": "/b", "HOME": "/c"},
            ("/c/.config/glab-cli/config.yml", "/b/glab-cli/config.yml"),
        ),
    ],
)
def test_the_file_is_where_glab_keeps_it(variables, paths, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    assert Environment(variables).glab_files() == paths


def test_glab_gets_no_secret(get, cloud):
    environment = cloud.environment("gitlab-glab-keychain")
    left = Path(environment["HOME"]) / "left"
    program = Path(environment["HOME"]) / "bin/glab"
    program.write_text(f"#!/bin/sh\nenv >{left}\necho glpat-x\n")
    get(environment | {"AWS_SECRET_ACCESS_KEY": "s3cr3t", "OAUTH_TOKEN": "s3cr3t"})
    assert "s3cr3t" not in left.read_text()
    assert "NO_PROMPT=1" in left.read_text()


def test_a_login_does_not_show_itself(cloud):
    logins = glab.GlabFile("x", "hosts:\n  gitlab.com:\n    token: glpat-x\n")
    assert "glpat-x" not in repr(logins)
