"""Write requests as kubelet does, and read a plugin's responses."""

from __future__ import annotations

import json

from support.program import HOST

GROUP = "credentialprovider.kubelet.k8s.io"
VERSIONS = ("v1", "v1beta1", "v1alpha1")
IMAGE = f"{HOST}/team/app"


def request(image: str = IMAGE, version: str = "v1", **more: object) -> bytes:
    """Return a request, with its fields in the order of Go's struct."""
    fields = {"kind": "CredentialProviderRequest", "apiVersion": f"{GROUP}/{version}"}
    return json.dumps(fields | {"image": image} | more).encode()


def account_claims(namespace: str, name: str, uid: str) -> dict[str, object]:
    """Return the claim about a service account that a bound token has."""
    account = {"name": name, "uid": uid}
    bound = {"namespace": namespace, "serviceaccount": account}
    return {"kubernetes.io": bound}


def response(answer) -> dict:
    """Return the response of a call that succeeded and wrote nothing to stderr."""
    assert (answer.status, answer.stderr) == (0, b""), answer
    assert answer.stdout.endswith(b"}\n")
    assert answer.stdout.count(b"\n") == 1
    return json.loads(answer.stdout)


def password(answer, key: str = HOST) -> str:
    """Return the password under the only key of a response."""
    auth = response(answer)["auth"]
    assert list(auth) == [key]
    return auth[key]["password"]


def complaint(answer) -> str:
    """Return a failed call's one line on stderr, which kubelet quotes in its log."""
    assert (answer.status, answer.stdout) == (1, b""), answer
    assert b"\n" not in answer.stderr
    assert len(answer.stderr) < 1100
    return answer.stderr.decode("ascii")
