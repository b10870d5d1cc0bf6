"""A job's token at the clouds: our providers use it, the clouds' services verify it."""

from __future__ import annotations

import time

import pytest

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role
from dockcred.testing.sandbox.azure.directory import TENANT, Principal
from dockcred.testing.sandbox.google import sts
from dockcred.testing.sandbox.google.principals import email

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ACR = "contoso.azurecr.io"
GOOGLE = "europe-docker.pkg.dev"
HOSTS = {"aws": ECR, "azure": ACR, "google": GOOGLE}
AUDIENCES = {
    "aws": "sts.amazonaws.com",
    "azure": "api://AzureADTokenExchange",
    "google": f"https:{sts.PROVIDERS['oidc']}",
}
every = pytest.mark.parametrize("kind", HOSTS)


@pytest.fixture
def cloud():
    """Each cloud trusts GitHub's issuer, for the job of octo/app."""
    with Sandbox(tls=True) as sandbox:
        sandbox.aws.issuer = sandbox.ci.github
        sandbox.azure.cluster = sandbox.ci.github
        sandbox.google.issuer = sandbox.ci.github
        yield sandbox


@pytest.fixture
def job(cloud):
    """Return a function: it returns the variables of a job that uses one cloud."""
    subject = str(cloud.ci.github.job["sub"])
    role = Role(ACCOUNT, "ci", trusts=subject)
    cloud.aws.roles[role.arn] = role
    application = cloud.azure.directory.add(Principal("ci", subject=subject))
    own = {
        "aws": {"AWS_ROLE_ARN": role.arn},
        "azure": {
            "AZURE_CLIENT_ID": application.client_id,
            "AZURE_TENANT_ID": TENANT,
        },
        "google": {"DOCKCRED_GOOGLE_AUDIENCE": sts.PROVIDERS["oidc"]},
    }

    def configured(kind: str, identity: str = "ci-github") -> dict[str, str]:
        cloud.ci.audience = AUDIENCES[kind]
        return cloud.environment(identity) | {
            "DOCKCRED_OIDC_HOSTS": ",".join(HOSTS.values()),
            "DOCKCRED_OIDC_EXCHANGE": kind,
            **own[kind],
        }

    return configured


@every
def test_the_registry_takes_what_the_cloud_gave_and_it_is_kept(
    kind, cloud, job, oidc, helper_bin
):
    environment = job(kind)
    answer = oidc.get(environment, HOSTS[kind])
    minted = cloud.minted(answer.password)
    assert minted is not None
    cloud.reset()
    assert oidc.get(environment, HOSTS[kind]).stdout == answer.stdout
    assert not cloud.calls


@every
@pytest.mark.parametrize("claim", ["sub", "key"])
def test_one_claim_changed_is_refused_by_the_cloud(kind, claim, cloud, job, oidc):
    environment = job(kind, "ci-variable")
    signer = cloud.ci.gitlab if claim == "key" else cloud.ci.github
    changes = {"sub": "repo:evil/app"} if claim == "sub" else {}
    token = signer.token(AUDIENCES[kind], **changes)
    answer = oidc.get(environment | {"JOB_TOKEN": token}, HOSTS[kind])
    if (kind, claim) == ("google", "sub"):
        # The pool accepts any subject; IAM decides by the subject's name.
        assert "subject/repo:evil/app" in cloud.minted(answer.password).principal
        return
    assert token not in answer.said
    good = cloud.ci.github.token(AUDIENCES[kind])
    assert oidc.get(environment | {"JOB_TOKEN": good}, HOSTS[kind]).status == 0


@every
def test_a_registry_of_another_s_is_refused(kind, cloud, job, oidc):
    other = next(host for host in HOSTS.values() if host != HOSTS[kind])
    said = oidc.get(job(kind), other).said
    assert f"the exchange {kind} serves the hosts of docker-credential-" in said
    assert not cloud.calls


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        ("aws", "AWS_ROLE_ARN"),
        ("azure", "AZURE_CLIENT_ID"),
        ("azure", "AZURE_TENANT_ID"),
        ("google", "DOCKCRED_GOOGLE_AUDIENCE"),
    ],
)
def test_what_is_missing_is_named(kind, variable, cloud, job, oidc):
    said = oidc.get(job(kind) | {variable: ""}, HOSTS[kind]).said
    assert f"{variable} is not set" in said
    assert not cloud.calls


def test_keys_in_variables_do_not_stand_before_the_job(cloud, job, oidc):
    keys = cloud.environment("env-keys")
    hidden = {n: keys[n] for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    answer = oidc.get(job("aws") | hidden, ECR)
    assert "assumed-role/ci/" in cloud.minted(answer.password).principal


def test_aws_notes_the_job_s_subject_as_the_session(cloud, job, oidc):
    answer = oidc.get(job("aws"), ECR)
    principal = cloud.minted(answer.password).principal
    assert principal.endswith("/repo-octo-app-ref-refs-heads-main")


def test_a_service_account_is_impersonated(cloud, job, oidc):
    subject = str(cloud.ci.github.job["sub"])
    account = email("impersonated")
    cloud.google.principals.allow(sts.principal(subject), account)
    environment = job("google") | {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": account}
    answer = oidc.get(environment, GOOGLE)
    assert cloud.minted(answer.password).principal == account


def test_the_clouds_own_helpers_are_the_job_where_an_entry_says_so(
    cloud, job, ecr, tmp_path
):
    """docker-credential-ecr-login in a job that has no AWS identity but its token."""
    file = tmp_path / "config.toml"
    environment = job("aws") | {"DOCKCRED_CONFIG": str(file)}
    for name in ("HOSTS", "EXCHANGE", "AUDIENCE"):
        del environment[f"DOCKCRED_OIDC_{name}"]
    role = environment.pop("AWS_ROLE_ARN")
    file.write_text(
        f'[[registry]]\nmatch = "*.dkr.ecr.*.amazonaws.com"\nidentity = "oidc"\n'
        f'exchange = "aws"\ntoken_audience = "sts.amazonaws.com"\n'
        f'role_arn = "{role}"\n'
    )
    answer = ecr.get(environment, ECR)
    assert "assumed-role/ci/" in cloud.minted(answer.password).principal
    assert cloud.ci.github.job["repository"] == "octo/app"
    assert time.time() < cloud.minted(answer.password).expires_at


def test_without_files_in_memory_a_cloud_is_not_asked(monkeypatch):
    """As on macOS: an error says so, and no token is written to a disk instead."""
    import os

    from dockcred.errors import IssueError
    from dockcred.identity.web_identity import in_memory

    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(IssueError, match="on Linux only"):
        in_memory("token")
