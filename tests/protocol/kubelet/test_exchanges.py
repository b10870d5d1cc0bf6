"""A pod's token goes to the exchange that config.toml names, and nowhere else.

The requests are like kubelet's; each endpoint verifies the token by the cluster's keys.
"""

from __future__ import annotations

import pytest
from support.kubelet import complaint, request, response
from support.pods import AUDIENCES, IMAGES, asked_as, is_let_in

from dockcred.testing.sandbox.aws.principals import ACCOUNT
from dockcred.testing.sandbox.azure.directory import TENANT

every = pytest.mark.parametrize("kind", IMAGES)
two = pytest.mark.parametrize("kind", ["aws", "sts"])


@every
def test_the_exchange_gets_the_token_and_the_registry_what_was_got(
    kind, plugin, cluster
):
    """Also if a user name is set: in the past, the raw token then was the password."""
    token = cluster.token(kind)
    environment = cluster.variables(cluster.settings(kind))
    answer = plugin(environment=environment, stdin=asked_as(kind, token))
    (login,) = response(answer)["auth"].values()
    assert is_let_in(cluster, kind, login)
    assert token.encode() not in answer.stdout
    cluster.cloud.reset()
    again = plugin(environment=environment, stdin=asked_as(kind, cluster.token(kind)))
    assert response(again)["auth"] == response(answer)["auth"]
    assert not cluster.cloud.calls


@every
def test_who_is_not_trusted_is_told_as_what_of_whom_and_for_whom(kind, plugin, cluster):
    """The line that kubelet logs has what the trust policy must name."""
    environment = cluster.variables(cluster.settings(kind))
    token = cluster.token(kind, "thief")
    answer = plugin(environment=environment, stdin=asked_as(kind, token))
    if kind == "google":
        # The pool accepts any subject; IAM decides by the subject's name.
        (login,) = response(answer)["auth"].values()
        assert not is_let_in(cluster, kind, login)
        return
    said = complaint(answer)
    named = {
        "aws": (f"the role {cluster.role.arn}", "trust policy"),
        "azure": (cluster.application.client_id, "federated credential"),
        "docker-hub": (cluster.cloud.ci.docker_hub.connection, "connection's rules"),
        "quay": (cluster.cloud.ci.quay.robot, "robot's federation"),
        "chainguard": (cluster.cloud.ci.chainguard.identity, "claim match"),
        "jfrog": (cluster.cloud.ci.jfrog.provider, "identity mappings"),
        "cloudsmith": (cluster.cloud.ci.cloudsmith.service, "service accounts"),
        "sts": (cluster.cloud.ci.sts.client, "trust"),
    }[kind]
    for word in (*named, "system:serviceaccount:team:thief", AUDIENCES[kind]):
        assert word in said
    assert token not in said


@two
def test_a_token_for_others_goes_nowhere(kind, plugin, cluster):
    environment = cluster.variables(cluster.settings(kind))
    token = cluster.token(kind, aud=["https://kubernetes.default.svc"])
    said = complaint(plugin(environment=environment, stdin=asked_as(kind, token)))
    assert "the service account's token is for the audience" in said
    assert not cluster.cloud.calls


@two
def test_an_audience_must_be_said(kind, plugin, cluster):
    settings = cluster.settings(kind)
    del settings["token_audience"]
    environment = cluster.variables(settings)
    said = complaint(
        plugin(environment=environment, stdin=asked_as(kind, cluster.token(kind)))
    )
    assert "no audience is configured" in said
    assert not cluster.cloud.calls


@two
def test_without_a_token_it_is_told_what_kubelet_lacks(kind, plugin, cluster):
    """As for a static pod, or with a configuration without tokenAttributes."""
    environment = cluster.variables(cluster.settings(kind))
    said = complaint(plugin(environment=environment, stdin=request(IMAGES[kind])))
    assert "kubelet sent no service account token" in said
    assert "tokenAttributes" in said
    assert not cluster.cloud.calls


@two
def test_an_exchange_without_an_identity_lets_no_token_go(kind, plugin, cluster):
    """An entry without `identity` sends no token, neither raw nor to the exchange."""
    settings = cluster.settings(kind)
    del settings["identity"]
    token = cluster.token(kind)
    answer = plugin(
        environment=cluster.variables(settings)
        | {"AWS_EC2_METADATA_DISABLED": "true", "AZURE_TOKEN_CREDENTIALS": "prod"},
        stdin=asked_as(kind, token),
    )
    assert token.encode() not in answer.stdout + answer.stderr
    assert not any(
        token in (r.form or {}).values() or token in r.header("authorization")
        for r in cluster.cloud.requests
        if r.host != "sts.googleapis.com"
    )


def test_an_exchange_of_the_plugin_s_own_variables_is_one_too(plugin, cluster):
    """DOCKCRED_OIDC_EXCHANGE in `env` of kubelet's configuration is for all images."""
    settings = {"match": "registry.example.com", "token_username": "kubernetes"}
    environment = cluster.variables(settings)
    token = cluster.token("sts")
    answer = plugin(
        environment=environment
        | {"DOCKCRED_OIDC_EXCHANGE": "https://sts.example.com/"},
        stdin=asked_as("sts", token),
    )
    assert token.encode() not in answer.stdout


def test_a_token_that_is_handed_on_is_for_the_audience_that_is_said(plugin, cluster):
    settings = {
        "match": "registry.example.com",
        "token_username": "kubernetes",
        "token_audience": "registry.example.com",
    }
    environment = cluster.variables(settings)
    token = cluster.token("sts")
    said = complaint(plugin(environment=environment, stdin=asked_as("sts", token)))
    assert "the service account's token is for" in said
    token = cluster.token("sts", aud=["registry.example.com"])
    answer = plugin(environment=environment, stdin=asked_as("sts", token))
    assert response(answer)["auth"] == {
        "registry.example.com": {"username": "kubernetes", "password": token}
    }


def test_an_identity_without_an_exchange_hands_the_token_on(plugin, cluster):
    """With `identity = "oidc"` only, the registry gets the token; it is not cached."""
    settings = {
        "match": "registry.example.com",
        "identity": "oidc",
        "token_audience": AUDIENCES["sts"],
    }
    environment = cluster.variables(settings)
    for token in (cluster.token("sts"), cluster.token("sts", jti="other")):
        answer = plugin(environment=environment, stdin=asked_as("sts", token))
        assert response(answer)["auth"] == {
            "registry.example.com": {"username": "JWT", "password": token}
        }


def test_another_source_that_the_entry_names_is_the_node_s(plugin, cluster, tmp_path):
    """The node's operator wrote the entry: its token file precedes kubelet's token."""
    file = tmp_path / "token"
    file.write_text(cluster.token("quay"))
    settings = cluster.settings("quay") | {"token_file": str(file)}
    environment = cluster.variables(settings)
    thief = cluster.token("quay", "thief")
    answer = plugin(environment=environment, stdin=asked_as("quay", thief))
    (login,) = response(answer)["auth"].values()
    assert is_let_in(cluster, "quay", login)


@pytest.mark.parametrize("kind", ["aws", "azure"])
def test_what_is_noted_on_the_account_goes_before_the_entry(kind, plugin, cluster):
    wrong = {
        "aws": {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/other"},
        "azure": {"client_id": "00000000-0000-4000-8000-000000000000"},
    }[kind]
    noted = {
        "aws": {"eks.amazonaws.com/ecr-role-arn": cluster.role.arn},
        "azure": {
            "kubernetes.azure.com/acr-client-id": cluster.application.client_id,
            "kubernetes.azure.com/acr-tenant-id": TENANT,
        },
    }[kind]
    environment = cluster.variables(cluster.settings(kind) | wrong)
    answer = plugin(
        environment=environment, stdin=asked_as(kind, cluster.token(kind), **noted)
    )
    (login,) = response(answer)["auth"].values()
    assert "pull" in cluster.cloud.minted(login["password"]).principal


def test_a_second_account_does_not_get_what_the_first_was_given(plugin, cluster):
    """The cache key of an exchanged credential holds the account, for each exchange."""
    environment = cluster.variables(cluster.settings("quay"))
    plugin(environment=environment, stdin=asked_as("quay", cluster.token("quay")))
    thief = asked_as("quay", cluster.token("quay", "thief"))
    complaint(plugin(environment=environment, stdin=thief))


def test_a_tenant_of_the_entry_serves_an_account_that_names_none(plugin, cluster):
    """An entry's settings apply to pods as well, also without an exchange."""
    settings = {"match": "teamregistry.azurecr.io", "tenant_id": TENANT}
    environment = cluster.variables(settings)
    noted = {"kubernetes.azure.com/acr-client-id": cluster.application.client_id}
    answer = plugin(
        environment=environment,
        stdin=asked_as("azure", cluster.token("azure"), **noted),
    )
    (login,) = response(answer)["auth"].values()
    assert is_let_in(cluster, "azure", login)
