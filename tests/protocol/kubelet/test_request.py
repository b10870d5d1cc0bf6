"""K1, K3, K5: which requests are accepted, and which are refused."""

from __future__ import annotations

import json

import pytest
from support.kubelet import GROUP, IMAGE, VERSIONS, complaint, password, request
from support.program import HOST

BASE = json.loads(request())

REFUSED = {
    "another kind": {**BASE, "kind": "CredentialProviderResponse"},
    "no kind": {k: v for k, v in BASE.items() if k != "kind"},
    "another group": {**BASE, "apiVersion": "kubelet.config.k8s.io/v1"},
    "a version to come": {**BASE, "apiVersion": f"{GROUP}/v2"},
    "no version": {k: v for k, v in BASE.items() if k != "apiVersion"},
    "a version that is a list": {**BASE, "apiVersion": [f"{GROUP}/v1"]},
    "an unknown field": {**BASE, "node": "n1"},
    "a field in another case": {**BASE, "Image": IMAGE},
    "an image that is a number": {**BASE, "image": 5},
    "a token in v1beta1": json.loads(request(version="v1beta1", serviceAccountToken="x")),
    "annotations in v1alpha1": json.loads(request(version="v1alpha1", serviceAccountAnnotations={})),
    "a token that is no text": {**BASE, "serviceAccountToken": {}},
    "an annotation that is no text": {**BASE, "serviceAccountAnnotations": {"a": 1}},
    "annotations that are a list": {**BASE, "serviceAccountAnnotations": ["a"]},
    "no image": {**BASE, "image": ""},
    "an image with a scheme": {**BASE, "image": f"https://{IMAGE}"},
    "an image with a line end": {**BASE, "image": f"{IMAGE}\nhost=evil"},
    "user info": {**BASE, "image": f"user:pass\\@{IMAGE}"},
}  # fmt: skip

RAW = {
    "a field twice": request()[:-1] + b', "image": "evil.example/x"}',
    "an annotation twice": request(serviceAccountAnnotations={"a": "b"})[:-2]
    + b', "a": "c"}}',
    "text after it": request() + b"x",
    "a second value": request() + request(),
    "half of it": request()[:-5],
    "not a number": request()[:-1] + b', "serviceAccountToken": NaN}',
    "not UTF-8": request()[:-2] + b'\xff"}',
    "too deep": b'{"kind":' * 100_000,
    "too long": request(IMAGE + "x" * 2_000_000),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_is_answered_in_its_own(version, plugin, node, cloud):
    answer = plugin(environment=node(), stdin=request(version=version))
    fields = json.loads(answer.stdout)
    assert fields["apiVersion"] == f"{GROUP}/{version}"
    assert cloud.minted(password(answer)).host == HOST


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_what_kubelet_would_not_decode_is_refused(fields, plugin, node, cloud):
    """No cloud is asked, and the error does not quote the request."""
    said = complaint(plugin(environment=node(), stdin=json.dumps(fields).encode()))
    assert "refused" in said
    assert "evil" not in said
    assert not cloud.calls


@pytest.mark.parametrize("text", RAW.values(), ids=RAW)
def test_what_is_not_one_json_object_is_refused(text, plugin, node, cloud):
    said = complaint(plugin(environment=node(), stdin=text))
    assert "refused" in said
    assert not cloud.calls


def test_null_is_no_token_as_go_decodes_it(plugin, node):
    text = request(serviceAccountToken=None, serviceAccountAnnotations=None)
    assert password(plugin(environment=node(), stdin=text))


def test_white_space_around_the_request_does_not_matter(plugin, node):
    assert password(plugin(environment=node(), stdin=b" \t\n" + request() + b"\n"))
