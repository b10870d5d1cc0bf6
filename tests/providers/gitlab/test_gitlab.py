"""docker-credential-gitlab and the sandbox's GitLab: tokens go to no other host."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.differential import meant
from support.program import NOT_FOUND

from .conftest import CALL, HOST, answered, calls

SELF_MANAGED = "images.corp.example"


@pytest.mark.parametrize(
    ("identity", "user"),
    [
        ("job", "gitlab-ci-token"),
        ("token", "oauth2"),
        ("deploy-token", "gitlab+deploy-token-1"),
        ("glab-token", "tanuki"),
        ("glab-login", "tanuki"),
        ("glab-ended", "tanuki"),
        ("glab-keychain", "tanuki"),
    ],
)
def test_the_registry_admits_whom_it_is_answered(identity, user, get, cloud):
    found = answered(get(cloud.environment(f"gitlab-{identity}")))
    assert found[0] == user
    assert cloud.minted(found[1]).account == "gitlab.com"
    assert cloud._clouds[-1].admits(*found, HOST, time.time())


@pytest.mark.parametrize(
    ("identity", "host"),
    [("job", "gitlab.com:443"), ("token", "gitlab.com"), ("glab-login", "gitlab.com")],
)
def test_the_dependency_proxy_is_answered_too(identity, host, get, cloud):
    answered(get(cloud.environment(f"gitlab-{identity}"), host))


@pytest.mark.parametrize(
    "other",
    [
        "registry.gitlab.com.example.com",
        "x.registry.gitlab.com",
        "evilgitlab.com",
        "registry.gitlab.example",
        f"http://{HOST}",
    ],
)
def test_a_look_alike_gets_nothing(other, either, cloud):
    """tests/providers/gitlab/test_hosts.py has more look-alikes."""
    answer = either(cloud.environment("gitlab-glab-login"), other)
    assert answer.stdout == NOT_FOUND
    assert cloud.calls[CALL] == 0


def test_another_gitlab_does_not_get_gitlab_coms_token(either, cloud):
    environment = cloud.environment("gitlab-token")
    environment |= {"DOCKCRED_GITLAB_HOSTS": "gitlab.corp.example"}
    for host in ("registry.gitlab.corp.example", "registry.t.gitlab-dedicated.com"):
        assert either(environment, host).stdout == NOT_FOUND
    named = environment | {"GITLAB_HOST": "https://gitlab.corp.example/"}
    assert either(named).stdout == NOT_FOUND
    assert cloud.calls[CALL] == 0


@pytest.mark.parametrize(
    "hosts",
    [
        "gitlab.corp.example, images.corp.example=gitlab.corp.example",
        "images.corp.example=gitlab.corp.example",
    ],
)
def test_a_gitlab_of_ones_own_is_named_by_a_variable(hosts, either, cloud):
    gitlab = cloud._clouds[-1]
    token = gitlab.token("glpat-", "read_registry", instance="gitlab.corp.example")
    environment = cloud.environment("gitlab-nobody") | {
        "DOCKCRED_GITLAB_HOSTS": hosts,
        "GITLAB_HOST": "gitlab.corp.example",
        "GITLAB_TOKEN": token,
    }
    assert answered(either(environment, SELF_MANAGED))[1] == token
    assert answered(either(environment, f"{SELF_MANAGED}:5050"))[1] == token
    assert either(environment).stdout == NOT_FOUND


def test_or_by_config_toml(either, cloud, config):
    gitlab = cloud._clouds[-1]
    token = gitlab.token("glpat-", "read_registry", instance="gitlab.corp.example")
    environment = cloud.environment("gitlab-nobody") | {
        "GITLAB_HOST": "gitlab.corp.example",
        "GITLAB_TOKEN": token,
    }
    assert either(environment, SELF_MANAGED).stdout == NOT_FOUND
    environment |= config(
        f'[[registry]]\nmatch = "{SELF_MANAGED}"\nidentity = "gitlab"\n'
        'gitlab_instance = "gitlab.corp.example"\n'
    )
    assert answered(either(environment, SELF_MANAGED))[1] == token
    assert either(environment, f"x.{SELF_MANAGED}").stdout == NOT_FOUND
    assert either(environment, f"http://{SELF_MANAGED}").stdout == NOT_FOUND


def test_or_by_glabs_own_file(either, cloud):
    environment = cloud.environment("gitlab-glab-self-managed")
    user, token = answered(either(environment, SELF_MANAGED))
    assert user == "tanuki"
    assert cloud.minted(token).account == "gitlab.corp.example"
    for other in (f"{SELF_MANAGED}:5050", f"x.{SELF_MANAGED}", HOST):
        assert either(environment, other).stdout == NOT_FOUND


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("narrow-token", "GITLAB_TOKEN lacks the scope read_registry"),
        ("invalid-token", "GITLAB_TOKEN is invalid, expired or revoked"),
    ],
)
def test_a_token_that_opens_nothing_leaves_public_images_alone(
    identity, said, get, cloud
):
    environment = cloud.environment(f"gitlab-{identity}")
    assert get(environment).stdout == NOT_FOUND
    told = get(environment | {"DOCKCRED_ANONYMOUS": "false"}).said
    assert told.startswith(said)
    assert "https://gitlab.com/-/user_settings/personal_access_tokens" in told
    assert cloud.calls[CALL] == 1


def test_a_deploy_token_needs_its_own_user(get, cloud):
    environment = cloud.environment("gitlab-deploy-token")
    del environment["GLAB_USER"]
    told = get(environment | {"DOCKCRED_ANONYMOUS": "false"}).said
    assert "is a deploy token" in told
    assert "set GLAB_USER" in told


def test_nobody_is_told_as_nobody(get, cloud):
    environment = cloud.environment("gitlab-nobody")
    assert get(environment).stdout == NOT_FOUND
    told = get(environment | {"DOCKCRED_ANONYMOUS": "false"}).said
    assert told.endswith("run: glab auth login --hostname gitlab.com")


def test_an_oauth_token_of_nobody_knows_whom_is_not_shown_to_gitlab(get, cloud):
    environment = cloud.environment("gitlab-token")
    environment["OAUTH_TOKEN"] = environment.pop("GITLAB_TOKEN")
    assert get(environment).stdout == NOT_FOUND, meant("glab-token-of-anybody")
    assert cloud.calls[CALL] == 0
    answered(get(environment | {"GITLAB_HOST": "gitlab.com"}))


def test_a_variable_serves_without_a_login(get, cloud):
    environment = cloud.environment("gitlab-token")
    told = meant("glab-helper-without-variables")
    assert answered(get(environment))[1] == environment["GITLAB_TOKEN"], told


def test_a_job_token_goes_before_everything(get, cloud):
    environment = cloud.environment("gitlab-glab-token")
    environment |= {"CI_REGISTRY": HOST, "CI_JOB_TOKEN": "of-the-job"}
    assert answered(get(environment)) == ("gitlab-ci-token", "of-the-job")
    assert answered(get(environment, "gitlab.com"))[0] == "tanuki"


def test_fifty_cold_gets_ask_once(get, cloud):
    environment = cloud.environment("gitlab-glab-ended") | {"DOCKCRED_TIMEOUT": "60"}
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(get, [environment] * 50))
    assert {answered(each) for each in answers} == {answered(answers[0])}
    assert cloud.calls[CALL] == 1
    assert calls(environment) == ["auth docker-helper get"]


def test_what_gitlab_cannot_be_asked_is_answered_all_the_same(get, cloud):
    cloud.fail("gitlab:page")
    answered(get(cloud.environment("gitlab-token")))


@pytest.mark.parametrize("word", ["http://gitlab.corp.example", "a b=", "=x", "a/b"])
def test_a_variable_that_names_no_host_is_told(word, get, cloud):
    environment = cloud.environment("gitlab-token") | {"DOCKCRED_GITLAB_HOSTS": word}
    assert get(environment, "other.example").said.startswith("DOCKCRED_GITLAB_HOSTS")
