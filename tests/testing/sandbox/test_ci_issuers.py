"""The issuers of CI systems: PyJWT accepts their tokens, and no other tokens."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request

import jwt
import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.service import Refusal

NAMES = (
    *("github", "gitlab", "kubernetes", "circleci", "buildkite"),
    *("azure_pipelines", "generic"),
)
AUDIENCE = "https://registry.example.com"


@pytest.fixture
def cloud():
    with Sandbox() as sandbox:
        yield sandbox


def read(url: str, **headers: str):
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=BUSY_S) as answer:
        return json.loads(answer.read())


def verified(issuer, token: str):
    """Verify a token with PyJWT, by the keys that the issuer publishes."""
    found = read(f"{issuer.url}/.well-known/openid-configuration")
    assert found["issuer"] == issuer.url
    key = jwt.PyJWKClient(found["jwks_uri"]).get_signing_key_from_jwt(token)
    return jwt.decode(
        token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=issuer.url
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_is_published_verifies_the_tokens(name, cloud):
    issuer = getattr(cloud.ci, name)
    claims = verified(issuer, issuer.token(AUDIENCE))
    assert claims["sub"] == issuer.job["sub"]
    assert claims["exp"] - claims["iat"] == issuer.life_s


def test_a_claim_is_changed_or_left_out(cloud):
    issuer = cloud.ci.github
    token = issuer.token(AUDIENCE, ref="refs/heads/evil", sub=None)
    claims = verified(issuer, token)
    assert claims["ref"] == "refs/heads/evil"
    assert "sub" not in claims


def test_a_new_key_signs_and_the_old_one_goes_when_it_is_withdrawn(cloud):
    issuer = cloud.ci.gitlab
    old = issuer.token(AUDIENCE)
    issuer.rotate()
    assert verified(issuer, old)
    assert verified(issuer, issuer.token(AUDIENCE))
    issuer.withdraw()
    with pytest.raises(jwt.PyJWKClientError):
        verified(issuer, old)


def test_real_names_lead_to_real_issuers():
    with Sandbox(tls=True) as cloud:
        trust = urllib.request.HTTPSHandler(
            context=ssl.create_default_context(cafile=cloud.ca_file)
        )
        proxy = urllib.request.ProxyHandler({"https": cloud.proxy_url})
        opener = urllib.request.build_opener(proxy, trust)
        for name in NAMES:
            issuer = getattr(cloud.ci, name)
            url = f"{issuer.url}/.well-known/openid-configuration"
            found = json.loads(opener.open(url, timeout=BUSY_S).read())
            assert found["issuer"] == issuer.url == issuer.issuer


def test_a_job_asks_github_for_its_audience(cloud):
    issuer = cloud.ci.github
    bearer = {"Authorization": f"Bearer {issuer.request_token}"}
    token = read(f"{issuer.request_url}&audience={AUDIENCE}", **bearer)["value"]
    assert verified(issuer, token)["repository"] == "octo/app"
    unnamed = read(issuer.request_url, **bearer)["value"]
    with pytest.raises(jwt.InvalidAudienceError):
        verified(issuer, unnamed)
    assert cloud.calls["github-actions:token"] == 2


@pytest.mark.parametrize("wrong", ["token", "job", "nothing"])
def test_github_answers_nobody_but_the_job(wrong, cloud):
    issuer = cloud.ci.github
    url, token = issuer.request_url, issuer.request_token
    if wrong == "job":
        issuer.start_job()
        token = issuer.request_token
    headers = {
        "token": {"Authorization": "Bearer other"},
        "job": {"Authorization": f"Bearer {token}"},
        "nothing": {},
    }[wrong]
    with pytest.raises(urllib.error.HTTPError) as refused:
        read(url, **headers)
    refused.value.close()
    assert refused.value.code == (403 if wrong == "job" else 401)


def test_the_registry_of_the_sandbox_takes_a_token_for_itself_and_no_other(cloud):
    ci, now = cloud.ci, time.time()
    good = ci.github.token(ci.audience)
    host = ci.registry
    assert ci.admits("JWT", good, host, now)
    assert not ci.admits("other", good, host, now)
    assert not ci.admits("JWT", good, "registry.example.com.evil.example", now)
    assert not ci.admits("JWT", good, host, now + 301)
    assert not ci.admits("JWT", ci.github.token("https://other.example"), host, now)
    assert not ci.admits("JWT", ci.github.token(ci.audience, iss="other"), host, now)
    with pytest.raises(Refusal):
        ci.gitlab.verify(good, audience=ci.audience, now=now)
