"""Kubernetes' own API types and strict codec read what we write, and vice versa."""

from __future__ import annotations

import json

import pytest
from support.kubelet import GROUP, IMAGE, VERSIONS, password, request, response
from support.program import HOST

from dockcred.credential import Credential
from dockcred.protocol.kubelet.wire import encode, nothing


@pytest.mark.parametrize("version", VERSIONS)
def test_what_kubelet_sends_is_understood(version, kubelet, plugin, node, cloud):
    """The plugin reads the bytes of kubelet's encoder, in every version."""
    internal = json.dumps({"image": IMAGE}).encode()
    sent = kubelet("encode", version, environment={}, stdin=internal)
    assert sent.status == 0, sent.stderr
    answer = plugin(environment=node(), stdin=sent.stdout)
    assert cloud.minted(password(answer)).host == HOST
    assert response(answer)["apiVersion"] == f"{GROUP}/{version}"


def test_a_token_s_fields_are_those_of_v1(kubelet):
    fields = {"image": "a/b", "serviceAccountToken": "t"}
    fields["serviceAccountAnnotations"] = {"k": "v"}
    internal = json.dumps(fields).encode()
    sent = kubelet("encode", "v1", environment={}, stdin=internal)
    more = {k: fields[k] for k in list(fields)[1:]}
    assert json.loads(sent.stdout) == json.loads(request("a/b", **more))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("duration", ["11h30m0s", "50m0s", "59s", None])
def test_our_bytes_are_those_that_go_would_write(version, duration, kubelet):
    """kubelet's codec decodes our bytes strictly, and encodes the same bytes again."""
    auth = {
        "registry.example:5000/team": Credential("AWS", 'p<&>"\\/\u2028é\x7f\t'),
        HOST: Credential("", ""),
    }
    ours = encode(f"{GROUP}/{version}", "Registry", duration, auth)
    theirs = kubelet("decode", version, environment={}, stdin=ours)
    assert theirs.status == 0, theirs.stderr
    assert theirs.stdout == ours


@pytest.mark.parametrize("version", VERSIONS)
def test_the_empty_answer_is_decoded_strictly(version, kubelet):
    ours = nothing(f"{GROUP}/{version}")
    theirs = kubelet("decode", version, environment={}, stdin=ours)
    assert theirs.status == 0, theirs.stderr
    assert json.loads(theirs.stdout)["cacheDuration"] == "0s"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_real_answer_of_the_plugin_is_decoded_strictly(
    version, kubelet, plugin, node
):
    answer = plugin(environment=node(), stdin=request(version=version))
    theirs = kubelet("decode", version, environment={}, stdin=answer.stdout)
    assert (theirs.status, theirs.stdout) == (0, answer.stdout), theirs.stderr


def test_the_codec_is_strict(kubelet):
    """kubelet's codec really refuses what it must refuse by the rules K4 to K7."""
    ours = encode(f"{GROUP}/v1", "Registry", "1h0m0s", {"h": Credential("u", "p")})
    for was, now, why in (
        (b'"auth"', b'"expiresAt":"x","auth"', "unknown field"),
        (b'"password"', b'"email":"x","password"', "unknown field"),
        (b'"auth"', b'"cacheDuration":"1s","auth"', "duplicate field"),
        (b'"1h0m0s"', b'"1d"', "unknown unit"),
        (b'"1h0m0s"', b"3600", "cannot unmarshal"),
        (b"/v1", b"/v2", "no kind"),
    ):
        assert was in ours
        text = ours.replace(was, now, 1)
        answer = kubelet("decode", "v1", environment={}, stdin=text)
        assert answer.status == 1
        assert why in answer.stderr.decode(), answer.stderr
