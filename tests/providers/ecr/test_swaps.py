"""An identity that changes while the configuration stays the same is noticed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support import entries
from support.program import HOST

from dockcred.credential import ServerURL
from dockcred.identity.cache.files import Cache
from dockcred.identity.store import IdentityStore
from dockcred.providers.ecr import ECR
from dockcred.providers.ecr.direct import DirectIdentity
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.aws.container import AUDIENCE
from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role
from dockcred.testing.sandbox.aws.workplace import Workplace

ECR_CALL = "ecr:GetAuthorizationToken"


def _workplace(cloud, identity: str) -> Workplace:
    return Workplace(cloud.aws, cloud.home / identity, cloud.url)


def test_a_role_swapped_on_the_instance_is_noticed_when_the_lease_ends(ecr, cloud):
    environment = cloud.environment("instance-profile")
    first = ecr.get(environment).password
    cloud.aws.role = "second-role"
    entries.end_lease(entries.only(environment))
    second = ecr.get(environment).password
    assert second != first
    assert "/second-role/" in cloud.minted(second).principal


def test_a_lease_ends_after_a_quarter_of_an_hour(ecr, cloud):
    for identity in ("instance-profile", "container-relative", "pod-identity"):
        environment = cloud.environment(identity)
        ecr.get(environment)
        entry = entries.read(entries.only(environment))
        lease = entry.lease_until - entry.credential.issued_at
        assert 890 < lease <= 900, identity


@pytest.mark.parametrize("identity", ["instance-profile", "container-relative"])
def test_the_same_role_at_the_end_of_a_lease_renews_it_without_a_mint(
    identity, ecr, cloud
):
    environment = cloud.environment(identity)
    first = ecr.get(environment).password
    entries.end_lease(entries.only(environment))
    cloud.reset()
    assert ecr.get(environment).password == first
    assert cloud.calls[ECR_CALL] == 0
    assert cloud.calls.total() > 0, "the source was asked who it is"
    cloud.reset()
    assert ecr.get(environment).password == first
    assert cloud.calls.total() == 0, "the lease was renewed"


@pytest.mark.parametrize("identity", ["instance-profile", "container-relative"])
def test_another_role_at_the_end_of_a_lease_is_minted_for(identity, ecr, cloud):
    environment = cloud.environment(identity)
    first = ecr.get(environment).password
    path = entries.only(environment)
    entries.end_lease(path)
    entry = entries.read(path)
    entry.principal = "another-role"
    entries.write(path, entry)
    assert ecr.get(environment).password != first


@pytest.mark.parametrize("identity", ["pod-identity", "credential-process"])
def test_who_cannot_say_who_it_is_is_minted_for_when_the_lease_ends(
    identity, ecr, cloud
):
    environment = cloud.environment(identity)
    first = ecr.get(environment).password
    entries.end_lease(entries.only(environment))
    assert ecr.get(environment).password != first


def test_a_metadata_server_that_fails_at_the_end_of_a_lease_yields_no_old_password(
    ecr, cloud
):
    """If the identity cannot be read, the previous identity's password is not given."""
    environment = cloud.environment("instance-profile")
    first = ecr.get(environment).password
    entries.end_lease(entries.only(environment))
    cloud.fail("imds:garbage")
    answer = ecr.get(environment)
    assert answer.status == 1
    assert first.encode() not in answer.stdout


def test_another_pod_on_the_same_path_is_another_identity_at_once(ecr, cloud):
    environment = cloud.environment("pod-identity")
    first = ecr.get(environment).password
    work = _workplace(cloud, "pod-identity")
    work.identity_token("system:serviceaccount:default:other-pod", AUDIENCE)
    second = ecr.get(environment).password
    assert second != first
    assert "/other-pod/" in cloud.minted(second).principal


def test_another_job_on_the_same_path_never_gets_the_last_one_s_password(ecr, cloud):
    """The role does not trust the second subject: it is refused, no cached password."""
    environment = cloud.environment("web-identity")
    first = ecr.get(environment).password
    token = Path(environment["AWS_WEB_IDENTITY_TOKEN_FILE"])
    token.write_text(
        _token(cloud, "system:serviceaccount:default:stranger", "sts.amazonaws.com")
    )
    answer = ecr.get(environment)
    assert answer.status == 1
    assert first.encode() not in answer.stdout


def _token(cloud, subject: str, audience: str) -> str:
    return cloud.aws.issuer.issue(
        subject=subject, audience=audience, issued_at=time.time(), lifetime_s=3600
    )


@pytest.mark.parametrize("identity", ["web-identity", "pod-identity"])
def test_a_token_rotated_for_the_same_subject_still_hits(identity, ecr, cloud):
    """A cluster writes a new token every few minutes; it is still the same pod."""
    environment = cloud.environment(identity)
    first = ecr.get(environment).password
    path = cloud.home / identity / "token"
    audience = AUDIENCE if identity == "pod-identity" else "sts.amazonaws.com"
    subject = f"system:serviceaccount:default:{identity}"
    time.sleep(1.1)  # another iat, another signature
    path.write_text(_token(cloud, subject, audience))
    cloud.reset()
    assert ecr.get(environment).password == first
    assert cloud.calls.total() == 0


def test_a_token_that_is_no_jwt_is_watched_as_a_file(ecr, cloud):
    """There is no subject to compare, so any change of the file is a new identity."""
    environment = cloud.environment("web-identity")
    ecr.get(environment)
    Path(environment["AWS_WEB_IDENTITY_TOKEN_FILE"]).write_text("a.b.c")
    assert ecr.get(environment).status == 1


@pytest.fixture
def pod(monkeypatch):
    """The token's path, a function to become another pod, and one to name the pod."""
    with Sandbox(tls=True) as cloud:
        environment = cloud.environment("pod-identity")
        path = Path(environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"])
        tokens = {
            name: _token(cloud, f"system:serviceaccount:default:{name}", AUDIENCE)
            for name in ("pod-a", "pod-b")
        }

        def become(name: str, *, stamp: os.stat_result | None = None):
            path.write_text(tokens[name])
            if stamp:
                os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

        def who() -> str:
            store = IdentityStore(
                ECR(),
                Cache(environment["DOCKCRED_CACHE_DIR"]),
                Environment(environment),
            )
            password = store.get(ServerURL.parse(HOST)).secret
            return cloud.minted(password).principal.split("/")[1]

        yield path, become, who


def test_two_pods_within_one_tick_of_the_clock_do_not_mix(pod):
    """The tokens have the same path and size, and are written as fast as possible."""
    _, become, who = pod
    for _ in range(10):
        for name in ("pod-a", "pod-b"):
            become(name)
            assert who() == name


def test_another_pod_with_the_mtime_of_the_first_is_noticed(pod):
    """The writer of a file can set back its mtime, but not its ctime."""
    path, become, who = pod
    become("pod-a")
    assert who() == "pod-a"
    become("pod-b", stamp=path.stat())
    assert who() == "pod-b"


def test_a_token_swapped_while_the_mint_is_under_way_is_not_kept(pod, monkeypatch):
    """The mint reads the second pod's token; before and after it is the first's."""
    _, become, who = pod
    issue = DirectIdentity.issue

    def swapped(self):
        become("pod-b")
        credential = issue(self)
        become("pod-a")
        return credential

    become("pod-a")
    monkeypatch.setattr(DirectIdentity, "issue", swapped)
    assert who() == "pod-b"
    monkeypatch.undo()
    assert who() == "pod-a"


def test_an_sso_login_anew_is_a_miss_at_once(ecr, cloud):
    environment = cloud.environment("sso")
    first = ecr.get(environment).password
    work = _workplace(cloud, "sso")
    role = Role(ACCOUNT, "AWSReservedSSO_sso_0123456789abcdef")
    work.sso_token("sandbox", cloud.aws.logins.start(role, time.time() + 3600))
    cloud.reset()
    assert ecr.get(environment).password != first
    assert cloud.calls["sso:GetRoleCredentials"] == 1


def test_a_logout_of_aws_login_is_a_miss_at_once(ecr, cloud):
    environment = cloud.environment("login")
    assert ecr.get(environment).password == ecr.get(environment).password
    for path in (cloud.home / "login/.aws/login/cache").iterdir():
        path.unlink()
    assert "aws login --profile login" in ecr.get(environment).said


@pytest.mark.parametrize("identity", ["sso", "sso-legacy"])
def test_an_sso_logout_is_a_miss_at_once(identity, ecr, cloud):
    environment = cloud.environment(identity)
    first = ecr.get(environment).password
    for path in (cloud.home / identity / ".aws/sso/cache").iterdir():
        path.unlink()
    answer = ecr.get(environment)
    assert "aws sso login" in answer.said
    assert first.encode() not in answer.stdout


def test_a_process_that_prints_another_identity_is_asked_when_the_lease_ends(
    ecr, cloud
):
    environment = cloud.environment("credential-process")
    ecr.get(environment)
    work = _workplace(cloud, "credential-process")
    work.process(work.session("second-process"))
    entries.end_lease(entries.only(environment))
    password = ecr.get(environment).password
    assert "/second-process/" in cloud.minted(password).principal


def test_a_password_is_kept_no_longer_than_the_process_s_keys(ecr, cloud):
    environment = cloud.environment("credential-process")
    ecr.get(environment)
    credential = entries.read(entries.only(environment)).credential
    assert 3500 < credential.expires_at - credential.issued_at <= 3600


def test_a_process_without_an_expiration_is_asked_every_time(ecr, cloud):
    environment = cloud.environment("credential-process")
    work = _workplace(cloud, "credential-process")
    program = work.process(work.session("no-end"))
    text = program.read_text()
    start = text.index(', "Expiration"')
    end = text.index('"', text.index(": ", start) + 3) + 1
    program.write_text(text[:start] + text[end:])
    first = ecr.get(environment).password
    assert ecr.get(environment).password != first


def test_another_role_in_the_config_file_is_noticed_at_once(ecr, cloud):
    environment = cloud.environment("assume-role")
    first = ecr.get(environment).password
    work = _workplace(cloud, "assume-role")
    source = cloud.minted(first)
    assert source is not None
    trusted = f"arn:aws:iam::{ACCOUNT}:user/assume-role-source"
    role = work.role("other-role", trusted)
    config = cloud.home / "assume-role/.aws/config"
    config.write_text(config.read_text().replace("role/assume-role", "role/other-role"))
    assert role.arn in config.read_text()
    password = ecr.get(environment).password
    assert "/other-role/" in cloud.minted(password).principal


def test_other_keys_in_the_credentials_file_are_noticed_at_once(ecr, cloud):
    environment = cloud.environment("shared-credentials")
    ecr.get(environment)
    work = _workplace(cloud, "shared-credentials")
    work.credentials("default", work.user("second-user"))
    password = ecr.get(environment).password
    assert cloud.minted(password).principal.endswith("user/second-user")


def test_one_cloud_s_password_never_answers_for_another(ecr, cloud):
    """The cache key holds every variable that leads requests elsewhere."""
    environment = cloud.environment()
    first = ecr.get(environment).password
    with Sandbox(tls=True) as elsewhere:
        ways = (
            "HTTPS_PROXY",
            "https_proxy",
            "SSL_CERT_FILE",
            "AWS_CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
        )
        there = elsewhere.environment()
        answer = ecr.get(environment | {name: there[name] for name in ways})
        assert answer.status == 1
        assert first.encode() not in answer.stdout
        assert elsewhere.calls["ecr:refused"] == 1


def test_a_test_cloud_s_password_never_answers_for_the_real_host(ecr):
    """After AWS_ENDPOINT_URL_ECR is unset, the real host is asked again."""
    with Sandbox() as loopback, Sandbox(tls=True) as real:
        environment = loopback.environment()
        assert loopback.minted(ecr.get(environment).password)
        without = {k: v for k, v in environment.items() if "ENDPOINT_URL" not in k}
        there = real.environment()
        ways = {k: v for k, v in there.items() if "PROXY" in k.upper() or "CERT" in k}
        answer = ecr.get(without | ways)
        assert answer.status == 1
        assert real.calls["ecr:refused"] == 1
