"""Each registry gets the credential of the identity that config.toml names for it."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

from support.program import HOST, NOT_FOUND

OTHER = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
ALIAS = "registry.corp.example"


def _principal(cloud, answer) -> str:
    return cloud.minted(answer.password).principal


def test_a_profile_per_registry(ecr, cloud, configured) -> None:
    """Also if keys in variables would win otherwise, and in parallel gets."""
    keys = dict(cloud.environment("env-keys"))
    config = cloud.environment("profile")
    keys["AWS_CONFIG_FILE"] = f"{config['HOME']}/.aws/config"
    keys["AWS_SHARED_CREDENTIALS_FILE"] = f"{config['HOME']}/.aws/credentials"
    text = f'[[registry]]\nmatch = "{OTHER}"\nprofile = "{config["AWS_PROFILE"]}"\n'
    environment = configured(keys, text)
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda h: ecr.get(environment, h), [HOST, OTHER] * 4))
    principals = [_principal(cloud, answer) for answer in answers]
    assert set(principals[::2]) == {principals[0]}
    assert set(principals[1::2]) == {principals[1]}
    assert "123456789012" in principals[0]
    assert "210987654321" in principals[1]
    assert cloud.calls["ecr:GetAuthorizationToken"] == 2


def test_an_alias_is_answered_for_the_registry_behind_it(
    ecr, cloud, configured
) -> None:
    """The answer repeats the alias; one exchange with the registry serves both."""
    text = f'[[registry]]\nmatch = "{ALIAS}"\nregistry = "{HOST}"\n'
    environment = configured(dict(cloud.environment("env-keys")), text)
    answer = ecr.get(environment, ALIAS)
    assert f'"ServerURL":"{ALIAS}"'.encode() in answer.stdout
    assert ecr.get(environment, HOST).password == answer.password
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1
    listed = ecr("list", environment=environment).stdout
    assert ALIAS.encode() in listed
    assert HOST.encode() in listed


def test_an_alias_over_plain_http_gets_no_jobs_token(oidc, cloud, configured) -> None:
    """The same rule holds for an alias and for its registry: no token without TLS."""
    for alias, is_served in ((ALIAS, False), ("localhost", True)):
        text = (
            f'[[registry]]\nmatch = "{alias}"\nregistry = "r.example"\n'
            'identity = "oidc"\n'
        )
        environment = configured(cloud.environment("ci-github"), text)
        assert oidc.get(environment, f"https://{alias}").password
        cloud.reset()
        answer = oidc.get(environment, f"http://{alias}")
        assert (answer.stdout != NOT_FOUND) == is_served
        assert bool(cloud.calls) == is_served


def test_what_is_not_written_is_not_an_alias(ecr, cloud, configured) -> None:
    text = f'[[registry]]\nmatch = "{ALIAS}"\nregistry = "{HOST}"\n'
    environment = configured(dict(cloud.environment("env-keys")), text)
    assert ecr.get(environment, f"x.{ALIAS}").stdout == NOT_FOUND
    assert not cloud.calls


def test_a_role_is_assumed_for_one_registry(ecr, cloud, configured) -> None:
    """The environment's identity assumes the role, once for ten gets."""
    role = "arn:aws:iam::123456789012:role/assume-role"
    source = dict(cloud.environment("assume-role"))
    source["AWS_PROFILE"] = "source"
    text = f'[[registry]]\nmatch = "{HOST}"\nrole_arn = "{role}"\n'
    environment = configured(source, text)
    answers = [ecr.get(environment) for _ in range(10)]
    assert "assume-role" in _principal(cloud, answers[0])
    assert cloud.calls["sts:AssumeRole"] == 1
    assert len({answer.password for answer in answers}) == 1


def test_the_profile_of_the_registrys_account_is_found(ecr, cloud, configured) -> None:
    """profile = "auto" takes the profile of the account in the registry's host."""
    login = dict(cloud.environment("sso"))
    login.pop("AWS_PROFILE", None)
    text = '[[registry]]\nmatch = "*.dkr.ecr.*.amazonaws.com"\nprofile = "auto"\n'
    environment = configured(login, text)
    assert "sso" in _principal(cloud, ecr.get(environment))
    said = ecr.get(environment, OTHER).said
    assert "no AWS profile leads to the account 210987654321" in said


def test_nomad_gets_an_empty_answer_for_a_miss(ecr, cloud, configured) -> None:
    environment = configured(dict(cloud.environment("nothing")), 'on_miss = "empty"\n')
    answer = ecr.get(environment, "docker.io")
    assert answer.status == 0
    assert answer.stdout == b'{"ServerURL":"docker.io","Username":"","Secret":""}\n'


def test_login_can_be_refused(ecr, cloud, configured) -> None:
    text = f'[[registry]]\nmatch = "{HOST}"\nlogin = "refuse"\n'
    environment = configured(dict(cloud.environment("env-keys")), text)
    request = b'{"ServerURL":"%s","Username":"AWS","Secret":"s"}' % HOST.encode()
    answer = ecr("store", environment=environment, stdin=request)
    assert "login = refuse" in answer.said


def test_private_registries_can_be_made_anonymous(ecr, cloud, configured) -> None:
    text = f'[[registry]]\nmatch = "{HOST}"\nanonymous = true\n'
    environment = configured(dict(cloud.environment("nothing")), text)
    assert ecr.get(environment).stdout == NOT_FOUND


def test_the_front_sees_that_the_configuration_changed(
    ecr, cloud, configured, tmp_path, helper_bin
) -> None:
    """A ticket has the look of config.toml, so the launcher notices a change."""
    text = f'[[registry]]\nmatch = "{ALIAS}"\nregistry = "{HOST}"\n'
    environment = configured(dict(cloud.environment("env-keys")), text)
    path = environment["DOCKCRED_CONFIG"]
    os.utime(path, (1, 1))
    os.utime(os.path.dirname(path), (1, 1))
    place = tmp_path / "bin"
    place.mkdir()
    subprocess.run(
        [helper_bin / "dockcred", "install", "--dir", place],
        env=environment,
        check=True,
        capture_output=True,
    )
    os.utime(tmp_path, (1, 1))
    launcher = type(ecr)(str(place / "docker-credential-ecr-login"))
    assert launcher.get(environment, ALIAS).password
    configured(environment, "")
    assert launcher.get(environment, ALIAS).stdout == NOT_FOUND
