"""Requests as kubelet writes them, and what a plugin's call gave."""

from __future__ import annotations

import json

from support.program import HOST

GROUP = "credentialprovider.kubelet.k8s.io"
VERSIONS = ("v1", "v1beta1", "v1alpha1")
IMAGE = f"{HOST}/team/app"


def request(image: str = IMAGE, version: str = "v1", **more: object) -> bytes:
    """A request in the order of Go's fields."""
    fields = {"kind": "CredentialProviderRequest", "apiVersion": f"{GROUP}/{version}"}
    return json.dumps(fields | {"image": image} | more).encode()


def account_claims(namespace: str, name: str, uid: str) -> dict[str, object]:
    """What Kubernetes says of an account in a bound token."""
    account = {"name": name, "uid": uid}
    bound = {"namespace": namespace, "serviceaccount": account}
    return {"kubernetes.io": bound}


def response(answer) -> dict:
    """The response of a call that succeeded and kept silent."""
    assert (answer.status, answer.stderr) == (0, b""), answer
    assert answer.stdout.endswith(b"}\n")
    assert answer.stdout.count(b"\n") == 1
    return json.loads(answer.stdout)


def password(answer, key: str = HOST) -> str:
    """The password under the one key of a response."""
    auth = response(answer)["auth"]
    assert list(auth) == [key]
    return auth[key]["password"]


def complaint(answer) -> str:
    """What a call that failed said: on stderr, which kubelet quotes within a line."""
    assert (answer.status, answer.stdout) == (1, b""), answer
    assert b"\n" not in answer.stderr
    assert len(answer.stderr) < 1100
    return answer.stderr.decode("ascii")
