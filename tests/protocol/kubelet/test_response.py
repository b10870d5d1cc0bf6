"""K4 to K9, K11, K12, K14: the plugin's answers."""

from __future__ import annotations

import json
import re

import pytest
from support.kubelet import GROUP, IMAGE, complaint, password, request, response
from support.program import HOST, PUBLIC

from dockcred.credential import Credential
from dockcred.protocol.kubelet.wire import cache_duration, encode, go_duration


def test_the_bytes_are_those_of_go_s_encoder():
    """Order, escapes and line end are as in encoding/json (test_codec compares with
    it)."""
    auth = {"h": Credential("AWS", 'a<&>"\\\u2028é')}
    assert (
        encode(f"{GROUP}/v1", "Registry", "6h0m0s", auth)
        == (
            '{"kind":"CredentialProviderResponse",'
            f'"apiVersion":"{GROUP}/v1",'
            '"cacheKeyType":"Registry","cacheDuration":"6h0m0s",'
            '"auth":{"h":{"username":"AWS",'
            '"password":"a\\u003c\\u0026\\u003e\\"\\\\\\u2028é"}}}\n'
        ).encode()
    )


@pytest.mark.parametrize(
    "seconds, text",
    {
        0: "0s", 0.9: "0s", -5: "0s", 1: "1s", 59.9: "59s", 60: "1m0s", 3599: "59m59s",
        3600: "1h0m0s", 41400: "11h30m0s", 90061: "25h1m1s",
    }.items(),
)  # fmt: skip
def test_durations_are_go_s(seconds, text):
    assert go_duration(seconds) == text


@pytest.mark.parametrize(
    "remaining, text",
    [(43200, "11h30m0s"), (10800, "2h30m0s"), (3600, "50m0s"), (60, "50s"), (0, "0s"), (-9, "0s")],
)  # fmt: skip
def test_the_cache_duration_ends_before_the_credential(remaining, text):
    """It ends half an hour earlier, or by a sixth of the remaining time if shorter."""
    assert cache_duration(1000.0 + remaining, 1000.0) == text


def test_a_credential_without_an_end_leaves_it_to_the_node():
    """K7: null means the configuration's defaultCacheDuration."""
    assert cache_duration(None, 1000.0) is None
    text = encode(f"{GROUP}/v1", "Registry", None, {"h": Credential("u", "p")})
    assert b"cacheDuration" not in text


def test_an_ecr_image_gets_its_registry_s_password(plugin, node, cloud):
    """K6, K14: the registry is kubelet's cache key, its host the one key of auth."""
    fields = response(plugin(environment=node(), stdin=request()))
    assert list(fields) == [
        *("kind", "apiVersion", "cacheKeyType", "cacheDuration", "auth"),
    ]
    assert fields["kind"] == "CredentialProviderResponse"
    assert fields["cacheKeyType"] == "Registry"
    assert re.fullmatch(r"11h(30m0s|29m5\ds)", fields["cacheDuration"])
    assert list(fields["auth"]) == [HOST]
    assert fields["auth"][HOST].keys() == {"username", "password"}
    assert fields["auth"][HOST]["username"] == "AWS"
    assert cloud.minted(fields["auth"][HOST]["password"]).host == HOST


def test_the_duration_is_of_what_remains_of_a_cached_password(plugin, node, cloud):
    """kubelet's copy of an old entry expires with the entry, not later."""
    cloud.aws.expires_s = 60
    first = response(plugin(environment=node(), stdin=request()))
    assert re.fullmatch(r"(49|50)s", first["cacheDuration"])


@pytest.mark.parametrize(
    "image",
    [
        *("nginx", "library/nginx", "docker.io/library/nginx", "ghcr.io/a/b"),
        *("localhost:5000/x", "registry.example:5000/ns/img", f"evil.example/{HOST}/x"),
        *(f"{HOST}.evil.example/x", f"evil-{HOST}/x"),
    ],
)
def test_what_is_nobody_s_is_empty_and_not_cached(image, plugin, node, cloud):
    """K7, K8: rc 0, so that kubelet pulls anonymously or asks the next plugin."""
    fields = response(plugin(environment=node(), stdin=request(image)))
    assert (fields["auth"], fields["cacheDuration"]) == ({}, "0s")
    assert fields["cacheKeyType"] == "Registry"
    assert not cloud.calls


def test_no_identity_does_not_stop_public_images(plugin, node):
    """eks-ami#1949: a node that may not ask for public.ecr.aws still pulls from it."""
    environment = node("nothing")
    fields = response(plugin(environment=environment, stdin=request(f"{PUBLIC}/x/y")))
    assert (fields["auth"], fields["cacheDuration"]) == ({}, "0s")


def test_a_configured_identity_that_fails_is_told(plugin, node, cloud):
    """K9: rc 1, no answer, and one short line for kubelet's log."""
    cloud.fail("ecr:access-denied")
    said = complaint(plugin(environment=node(), stdin=request()))
    assert said.startswith("dockcred-credential-provider: AWS denies")


def test_the_key_is_the_image_s_host_as_it_is_written(plugin, node):
    """K11: a key without a port matches no image with one."""
    answer = plugin(environment=node(), stdin=request(f"{HOST}:443/team/app"))
    assert password(answer, f"{HOST}:443")


@pytest.mark.parametrize(
    "suffix", [":1.2", "@sha256:" + "0" * 64, ":1@sha256:" + "0" * 64]
)
def test_a_tag_or_digest_does_not_matter(suffix, plugin, node):
    """K3: kubelet sends none; others that call its plugins may."""
    assert password(plugin(environment=node(), stdin=request(IMAGE + suffix)))


def test_nothing_of_the_call_is_logged_but_what_it_does(plugin, node):
    """DOCKCRED_LOG shows steps on stderr, never the password."""
    answer = plugin(environment=node(DOCKCRED_LOG="debug"), stdin=request())
    secret = json.loads(answer.stdout)["auth"][HOST]["password"]
    assert secret.encode() not in answer.stderr
