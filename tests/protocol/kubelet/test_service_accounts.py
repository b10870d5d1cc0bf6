"""K13, K14, K16: a pod's own identity is used instead of the node's (KEP-4412)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support import entries
from support.kubelet import (
    account_claims,
    complaint,
    password,
    request,
    response,
)
from support.program import BUSY_S, wait_until

from dockcred.identity.web_identity import in_memory
from dockcred.testing.sandbox.alibaba import Alibaba
from dockcred.testing.sandbox.alibaba import services as alibaba
from dockcred.testing.sandbox.aws import sts
from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role
from dockcred.testing.sandbox.azure.directory import TENANT, Principal
from dockcred.testing.sandbox.google import sts as google_sts
from dockcred.testing.sandbox.google.principals import email

ROLE = "eks.amazonaws.com/ecr-role-arn"
CLIENT = "kubernetes.azure.com/acr-client-id"
ACR = "teamregistry.azurecr.io"
RRSA = "pod-identity.alibabacloud.com/role-name"
ALIBABA = "crpi-1a2b3c4d5e.cn-hangzhou.personal.cr.aliyuncs.com"


@pytest.fixture
def token(cloud) -> Callable[..., str]:
    """Issue a token as the cluster's API server does for kubelet."""

    def issue(
        name: str = "builder",
        *,
        namespace: str = "team",
        uid: str = "uid-1",
        audience: str = sts.AUDIENCE,
        lifetime_s: float = 3600,
        ago_s: float = 0,
    ) -> str:
        return cloud.aws.issuer.issue(
            subject=f"system:serviceaccount:{namespace}:{name}",
            audience=audience,
            issued_at=time.time() - ago_s,
            lifetime_s=lifetime_s,
            **account_claims(namespace, name, uid),
        )

    return issue


@pytest.fixture
def role(cloud) -> Role:
    """A role that only team/builder may assume."""
    subject = "system:serviceaccount:team:builder"
    return cloud.aws.add_role(Role(ACCOUNT, "pull", trusts=subject))


def _as(token: str, **annotations: str) -> bytes:
    return request(serviceAccountToken=token, serviceAccountAnnotations=annotations)


def test_the_account_s_role_pulls(plugin, node, cloud, token, role):
    answer = plugin(environment=node(), stdin=_as(token(), **{ROLE: role.arn}))
    minted = cloud.minted(password(answer))
    assert minted.principal == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/pull/team@builder"
    )
    assert not cloud.calls["imds:credentials"]


def test_a_second_pod_of_the_account_hits_the_cache(plugin, node, cloud, token, role):
    """Another token of the same account is the same identity."""
    first = plugin(environment=node(), stdin=_as(token(), **{ROLE: role.arn}))
    second = plugin(environment=node(), stdin=_as(token(ago_s=5), **{ROLE: role.arn}))
    assert password(first) == password(second)
    assert cloud.calls["sts:AssumeRoleWithWebIdentity"] == 1


@pytest.mark.parametrize(
    "other",
    [{"name": "thief"}, {"namespace": "other"}],
)
def test_a_second_account_with_the_first_s_annotation_reaches_sts_and_is_refused(
    other, plugin, node, cloud, token, role
):
    """Whoever may write an account can write annotations: STS decides."""
    password(plugin(environment=node(), stdin=_as(token(), **{ROLE: role.arn})))
    cloud.reset()
    said = complaint(
        plugin(environment=node(), stdin=_as(token(**other), **{ROLE: role.arn}))
    )
    assert "AssumeRoleWithWebIdentity" in said
    subject = "system:serviceaccount:{namespace}:{name}".format(
        **{"namespace": "team", "name": "builder", **other}
    )
    for word in (f"asked for the role {role.arn} as {subject} with", "trust policy"):
        assert word in said
    assert cloud.calls["sts:AssumeRoleWithWebIdentity"] == 1
    assert not cloud.calls["ecr:GetAuthorizationToken"]


def test_an_account_made_anew_under_its_name_reaches_sts(
    plugin, node, cloud, token, role
):
    """The new account has another uid, and so another cache key."""
    for uid in ("uid-1", "uid-2"):
        text = _as(token(uid=uid), **{ROLE: role.arn})
        password(plugin(environment=node(), stdin=text))
    assert cloud.calls["sts:AssumeRoleWithWebIdentity"] == 2


def test_a_token_for_another_audience_is_refused_though_one_is_cached(
    plugin, node, cloud, token, role
):
    password(plugin(environment=node(), stdin=_as(token(), **{ROLE: role.arn})))
    other = token(audience="vault.example")
    said = complaint(plugin(environment=node(), stdin=_as(other, **{ROLE: role.arn})))
    assert "audience" in said.lower() or "token" in said


def test_the_node_and_the_pod_do_not_share_what_they_got(
    plugin, node, cloud, token, role
):
    pod = password(plugin(environment=node(), stdin=_as(token(), **{ROLE: role.arn})))
    machine = password(plugin(environment=node(), stdin=request()))
    assert "pull" in cloud.minted(pod).principal
    assert "instance-profile" in cloud.minted(machine).principal


def test_what_was_got_lives_no_longer_than_the_token(plugin, node, cloud, token, role):
    """ECR's credential lives 12 h, the token 60 s: kubelet may keep it for 50 s."""
    text = _as(token(lifetime_s=60), **{ROLE: role.arn})
    fields = response(plugin(environment=node(), stdin=text))
    assert 40 < int(fields["cacheDuration"].removesuffix("s")) <= 50


def test_an_entry_has_ended_with_its_token(plugin, node, cloud, token, role):
    text = _as(token(lifetime_s=60), **{ROLE: role.arn})
    password(plugin(environment=node(), stdin=text))
    entries.shift(entries.only(node()), 60)
    password(plugin(environment=node(), stdin=_as(token(), **{ROLE: role.arn})))
    assert cloud.calls["sts:AssumeRoleWithWebIdentity"] == 2


def test_an_operator_s_role_serves_accounts_without_annotation(
    plugin, node, cloud, token, role
):
    """K14: AWS_ECR_ROLE_ARN is set in `env` of kubelet's configuration."""
    environment = node(AWS_ECR_ROLE_ARN=role.arn)
    answer = plugin(environment=environment, stdin=_as(token()))
    assert "assumed-role/pull/" in cloud.minted(password(answer)).principal


def test_without_any_role_the_node_pulls(plugin, node, cloud, token):
    """As ecr-credential-provider does: the annotation is optional."""
    answer = plugin(environment=node(), stdin=_as(token()))
    assert "instance-profile" in cloud.minted(password(answer)).principal


def test_the_node_s_own_variables_do_not_stand_before_the_account(
    plugin, node, cloud, token, role
):
    environment = node("env-keys")
    answer = plugin(environment=environment, stdin=_as(token(), **{ROLE: role.arn}))
    assert "assumed-role/pull/" in cloud.minted(password(answer)).principal


@pytest.mark.parametrize("text", ["not-a-token", "a.b.c", "eyJhIjoxfQ.eyJhIjoxfQ.x"])
def test_what_is_no_bound_token_is_refused_unsaid(text, plugin, node, cloud):
    said = complaint(plugin(environment=node(), stdin=_as(text, **{ROLE: "arn:x"})))
    assert "serviceAccountToken" in said
    assert text not in said
    assert not cloud.calls


def test_the_token_is_nowhere(plugin, node, cloud, token, role, tmp_path):
    """K16: it is not in the cache, in logs, in argv or in the environment."""
    secret = token()
    environment = node(DOCKCRED_LOG="debug")
    cloud.fail("sts:hang")
    process = plugin.start(environment=environment | {"DOCKCRED_TIMEOUT": "4"})
    process.stdin.write(_as(secret, **{ROLE: role.arn}))
    process.stdin.close()
    process.stdin = None
    wait_until(lambda: cloud.calls["sts:AssumeRoleWithWebIdentity"])
    for name in ("cmdline", "environ"):
        assert secret.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    stdout, stderr = process.communicate(timeout=BUSY_S)
    assert process.returncode == 1
    assert (secret.encode() in stdout, secret.encode() in stderr) == (False, False)
    cloud.recover()
    answer = plugin(environment=environment, stdin=_as(secret, **{ROLE: role.arn}))
    assert answer.status == 0
    assert secret.encode() not in answer.stderr
    signature = secret.rpartition(".")[2]
    for directory, _, names in os.walk(tmp_path):
        for name in names:
            assert signature not in name
            assert signature.encode() not in Path(directory, name).read_bytes()


def test_no_child_program_inherits_the_token():
    path = in_memory("secret")
    descriptor = int(path.rpartition("/")[2])
    assert Path(path).read_text() == "secret"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def _federated(cloud, name: str) -> str:
    audience = "api://AzureADTokenExchange"
    return cloud.azure.cluster.sign(
        audience=[audience],
        now=time.time(),
        lifetime_s=3600,
        sub=f"system:serviceaccount:team:{name}",
        **account_claims("team", name, f"uid-{name}"),
    )


def test_an_azure_application_pulls_for_the_account_that_it_trusts(plugin, far_node):
    cloud, environment = far_node
    application = Principal("pull", subject="system:serviceaccount:team:builder")
    cloud.azure.directory.add(application)
    annotations = {
        CLIENT: application.client_id,
        "kubernetes.azure.com/acr-tenant-id": TENANT,
    }

    def ask(name: str):
        text = request(
            f"{ACR}/app",
            serviceAccountToken=_federated(cloud, name),
            serviceAccountAnnotations=annotations,
        )
        return plugin(environment=environment, stdin=text)

    answer = ask("builder")
    minted = cloud.minted(password(answer, ACR))
    assert minted.host == ACR
    assert "pull" in minted.principal
    said = complaint(ask("thief"))
    assert "federated" in said
    for word in (application.client_id, "team:thief", "api://AzureADTokenExchange"):
        assert word in said


def test_an_azure_account_without_a_tenant_is_told_where_to_name_it(plugin, far_node):
    cloud, environment = far_node
    text = request(
        f"{ACR}/app",
        serviceAccountToken=_federated(cloud, "builder"),
        serviceAccountAnnotations={CLIENT: "some-client"},
    )
    said = complaint(plugin(environment=environment, stdin=text))
    assert "acr-tenant-id" in said


def _alibaba(cloud) -> Alibaba:
    (found,) = (each for each in cloud._clouds if isinstance(each, Alibaba))
    return found


def _of_ack(cloud, name: str, **annotations: str) -> bytes:
    token = _alibaba(cloud).issuer.issue(
        subject=f"system:serviceaccount:team:{name}",
        audience=alibaba.AUDIENCE,
        issued_at=time.time(),
        lifetime_s=3600,
        **account_claims("team", name, f"uid-{name}"),
    )
    return request(
        f"{ALIBABA}/team/app",
        serviceAccountToken=token,
        serviceAccountAnnotations=annotations,
    )


def test_alibaba_clouds_sts_takes_the_account_that_the_role_trusts(plugin, far_node):
    """RRSA by kubelet: the pod's own token is used, and not the node's keys."""
    cloud, environment = far_node
    role = f"acs:ram::{alibaba.ACCOUNT}:role/pull"
    _alibaba(cloud).roles[role] = "system:serviceaccount:team:builder"
    node = environment | {
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": alibaba.PROVIDER,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "node",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "of-the-node",
    }
    answer = plugin(environment=node, stdin=_of_ack(cloud, "builder", **{RRSA: "pull"}))
    minted = cloud.minted(password(answer, ALIBABA))
    assert minted.principal.endswith("assumed-role/pull/team@builder")
    said = complaint(
        plugin(environment=node, stdin=_of_ack(cloud, "thief", **{RRSA: "pull"}))
    )
    for word in (role, "team:thief", alibaba.AUDIENCE, "trust policy"):
        assert word in said


def test_a_ram_role_without_a_provider_is_told_where_to_name_it(plugin, far_node):
    cloud, environment = far_node
    stdin = _of_ack(cloud, "builder", **{RRSA: "pull"})
    said = complaint(plugin(environment=environment, stdin=stdin))
    assert "no ALIBABA_CLOUD_OIDC_PROVIDER_ARN is set; set it for kubelet" in said


def test_without_a_ram_role_the_node_of_alibaba_cloud_pulls(plugin, far_node):
    cloud, environment = far_node
    node = environment | cloud.environment("alibaba-env-keys", inherit={})
    answer = plugin(environment=node, stdin=_of_ack(cloud, "builder"))
    assert cloud.minted(password(answer, ALIBABA)).principal.endswith("user/builder")


def _of_pool(cloud, name: str) -> str:
    return cloud.google.issuer.issue(
        subject=f"system:serviceaccount:team:{name}",
        audience=f"https:{google_sts.PROVIDERS['oidc']}",
        issued_at=time.time(),
        lifetime_s=1800,
        **account_claims("team", name, f"uid-{name}"),
    )


@pytest.mark.parametrize("impersonated", [False, True])
def test_google_s_sts_takes_the_account_of_any_pool(impersonated, plugin, far_node):
    """With impersonation, only an account that may impersonate the other one pulls."""
    cloud, environment = far_node
    subject = google_sts.principal("system:serviceaccount:team:builder")
    annotations = {}
    if impersonated:
        account = email("puller")
        annotations["iam.gke.io/gcp-service-account"] = account
        cloud.google.principals.allow(subject, account)

    def ask(name: str):
        text = request(
            "europe-docker.pkg.dev/project/app",
            serviceAccountToken=_of_pool(cloud, name),
            serviceAccountAnnotations=annotations,
        )
        audience = f"--google-audience={google_sts.PROVIDERS['oidc']}"
        return plugin(audience, environment=environment, stdin=text)

    answer = ask("builder")
    minted = cloud.minted(password(answer, "europe-docker.pkg.dev"))
    assert minted.principal == (account if impersonated else subject)
    assert response(answer)["cacheDuration"] in {"25m0s", "24m59s", "24m58s", "24m57s"}
    assert cloud.calls["google-sts:token-exchange"] == 1
    other = ask("thief")
    assert cloud.calls["google-sts:token-exchange"] == 2
    if impersonated:
        assert "impersonation" in complaint(other)
    else:
        found = cloud.minted(password(other, "europe-docker.pkg.dev"))
        assert found.principal.endswith(":thief")


@pytest.mark.parametrize(
    "variables",
    [
        {"DOCKCRED_ROAD": "direct"},
        {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": "node@p.iam.gserviceaccount.com"},
    ],
)
def test_the_node_s_own_google_settings_do_not_stand_before_the_account(
    variables, plugin, far_node
):
    cloud, environment = far_node
    subject = google_sts.principal("system:serviceaccount:team:builder")
    text = request("gcr.io/p/a", serviceAccountToken=_of_pool(cloud, "builder"))
    audience = f"--google-audience={google_sts.PROVIDERS['oidc']}"
    answer = plugin(audience, environment=environment | variables, stdin=text)
    assert cloud.minted(password(answer, "gcr.io")).principal == subject


def test_a_gke_cluster_s_own_pool_is_the_one_that_the_flags_name(plugin, far_node):
    """auth-provider-gcp's annotation and flags; without flags the error names them."""
    cloud, environment = far_node
    text = request(
        "gcr.io/project/app",
        serviceAccountToken=_of_pool(cloud, "builder"),
        serviceAccountAnnotations={"iam.gke.io/enable-wi-image-pull": "true"},
    )
    said = complaint(plugin("get-credentials", environment=environment, stdin=text))
    assert "--project-id" in said
    flags = ("--project-id=p", "--identity-provider=https://container.googleapis.com/x")
    complaint(plugin("get-credentials", *flags, environment=environment, stdin=text))
    (sent,) = [r for r in cloud.requests if r.path == "/v1/token"]
    assert sent.form["audience"] == (
        "identitynamespace:p.svc.id.goog:https://container.googleapis.com/x"
    )


def test_a_registry_that_takes_the_token_itself_gets_it(
    plugin, node, cloud, token, tmp_path
):
    """The token itself is the password: nothing is exchanged and nothing is cached."""
    config = tmp_path / "config.toml"
    config.write_text('[[registry]]\nmatch = "zot.example"\ntoken_username = "k8s"\n')
    config.chmod(0o644)
    secret = token(audience="zot.example", lifetime_s=600)
    environment = node(DOCKCRED_CONFIG=str(config))
    text = request("zot.example/a", serviceAccountToken=secret)
    fields = response(plugin(environment=environment, stdin=text))
    assert fields["auth"] == {"zot.example": {"username": "k8s", "password": secret}}
    assert fields["cacheDuration"].startswith("8m")
    foreign = request("quay.io/a", serviceAccountToken=secret)
    assert response(plugin(environment=environment, stdin=foreign))["auth"] == {}
    without = request("zot.example/a")
    assert response(plugin(environment=environment, stdin=without))["auth"] == {}
    kept = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert not any(secret in path.read_text() for path in kept)
    assert not cloud.calls
