"""Requests as real clients send them: GET, POST, scopes in every form, chunks, HEAD."""

from __future__ import annotations

import http.client
import json
import time
from urllib.parse import urlencode

import jwt
import pytest
from support.oidc_issuer import Issuer
from support.token_service import SERVICE, Service, basic

APP = "repository:team/app:pull,push"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def access(name: str, *actions: str) -> dict[str, object]:
    return {"type": "repository", "name": name, "actions": sorted(actions)}


def test_a_get_with_basic_credentials_is_answered(service: Service, issuer: Issuer):
    reply = service.get(APP, token=issuer.token(), account="JWT")
    assert reply.access == [access("team/app", "pull", "push")]
    assert reply.headers["cache-control"] == "no-store"
    found = reply.json()
    assert found["token"] == found["access_token"]
    assert found["expires_in"] == 300
    assert found["issued_at"].endswith("Z")
    assert found["scope"] == APP


def test_offline_token_makes_no_refresh_token(service: Service, issuer: Issuer):
    """A refresh token that outlives the ID token would be as good as a password."""
    reply = service.get(
        APP, token=issuer.token(), offline_token="true", client_id="docker"
    )
    assert reply.access
    assert "refresh_token" not in reply.json()


def test_any_username_will_do(service: Service, issuer: Issuer):
    reply = service.get(APP, token=issuer.token(), username="a:b"[:1])
    assert reply.access


@pytest.mark.parametrize("grant", ["password", "refresh_token"])
def test_a_post_is_answered(service: Service, issuer: Issuer, grant: str):
    fields = {grant: issuer.token(), "grant_type": grant, "client_id": "containerd"}
    if grant == "password":
        fields["username"] = "JWT"
    assert service.post(APP, **fields).access == [access("team/app", "pull", "push")]


def test_a_body_in_chunks_is_read(service: Service, issuer: Issuer):
    """podman and skopeo send a refresh token so, without Content-Length."""
    body = urlencode(
        {
            "grant_type": "refresh_token",
            "refresh_token": issuer.token(),
            "service": SERVICE,
            "scope": APP,
        }
    ).encode()
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    pieces = (body[at : at + 100] for at in range(0, len(body), 100))
    connection.request("POST", "/token", pieces, FORM, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    assert json.loads(answer.read())["scope"] == APP
    connection.close()


@pytest.mark.parametrize("together", [True, False], ids=["spaces", "parameters"])
def test_several_scopes_are_each_granted_or_not(
    service: Service, issuer: Issuer, together: bool
):
    """A mount needs two repositories: buildx names them in one field, skopeo in two."""
    scopes = [
        "repository:team/app:pull,push",
        "repository:team/base:pull,push",
        "repository:other/app:pull",
    ]
    sent = [" ".join(scopes)] if together else scopes
    reply = service.get(*sent, token=issuer.token())
    assert reply.access == [
        access("team/app", "pull", "push"),
        access("team/base", "pull"),
    ]


def test_a_scope_asked_for_twice_is_one(service: Service, issuer: Issuer):
    reply = service.get(
        "repository:team/app:pull", "repository:team/app:push", token=issuer.token()
    )
    assert reply.access == [access("team/app", "pull", "push")]


def test_every_action_means_those_that_are_allowed(service: Service, issuer: Issuer):
    reply = service.get("repository:team/app:*", token=issuer.token())
    assert reply.access == [access("team/app", "pull", "push")]


def test_a_plugin_is_granted_as_such(service: Service, issuer: Issuer):
    """docker sends this scope for `docker plugin install` and `docker plugin push`."""
    scope = "repository(plugin):team/app:pull,push"
    reply = service.get(scope, token=issuer.token())
    plugin = {"type": "repository", "class": "plugin", "name": "team/app"}
    assert reply.access == [plugin | {"actions": ["pull", "push"]}]
    assert reply.json()["scope"] == scope


def test_a_name_may_have_a_port(service: Service, issuer: Issuer):
    name = "host.example.com:5000/team/app"
    reply = service.get(f"repository:{name}:pull,push", token=issuer.token())
    assert reply.access == [access(name, "pull")]


def test_no_scope_is_a_login(service: Service, issuer: Issuer):
    assert service.get(token=issuer.token()).access == []


@pytest.mark.parametrize(
    "scope",
    ["registry:catalog:*", "repository(plugin):no/app:pull", "other:team/app:pull"],
)
def test_what_no_rule_is_about_is_left_out(
    service: Service, issuer: Issuer, scope: str
):
    assert service.get(scope, token=issuer.token()).access == []


def test_head_is_answered_as_get_is_without_a_body(service: Service, issuer: Issuer):
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    headers = {"Authorization": basic("JWT", issuer.token())}
    for method in ("HEAD", "GET", "HEAD"):  # on one connection
        connection.request(method, f"/token?service={SERVICE}", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert bool(answer.read()) == (method == "GET")
    connection.close()


def test_strangers_pull_what_is_public_and_nothing_else(service: Service):
    reply = service.get("repository:public/app:pull,push", "repository:team/app:pull")
    assert reply.access == [access("public/app", "pull")]


def test_who_is_known_may_do_what_strangers_may(service: Service, issuer: Issuer):
    reply = service.get("repository:public/app:pull", token=issuer.token())
    assert reply.access == [access("public/app", "pull")]


def test_the_token_ends_with_the_id_token(service: Service, issuer: Issuer):
    ends = int(time.time()) + 90
    found = service.get(APP, token=issuer.token(exp=ends)).json()
    said = jwt.decode(found["token"], options={"verify_signature": False})
    assert said["exp"] == ends
    assert 80 <= found["expires_in"] <= 90


def test_the_token_lives_five_minutes_at_most(service: Service, issuer: Issuer):
    ends = int(time.time()) + 7200
    found = service.get(APP, token=issuer.token(exp=ends)).json()
    said = jwt.decode(found["token"], options={"verify_signature": False})
    assert said["exp"] - said["iat"] == found["expires_in"] == 300


def test_who_asked_and_what_was_granted_is_logged(service: Service, issuer: Issuer):
    subject = f"repo:octo/app:run-{time.time_ns()}"
    service.get(APP, token=issuer.token(sub=subject))
    line = service.said(event="answered", subject=subject)
    assert line["issuer"] == "github"
    assert line["asked"] == line["granted"] == [APP]
    assert line["peer"] == "127.0.0.1"
