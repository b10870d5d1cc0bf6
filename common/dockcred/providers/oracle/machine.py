"""Exchange the identity of an instance or a pod for a session token.

An instance proves its identity by the certificate in its metadata, a pod of OKE by its
service account's token. Both get a token for a new key, which is used for this call
only. Sources: docs.oracle.com "Calling Services from an Instance", "Granting Workloads
Access to OCI Resources". The requests are those of Oracle's SDK (oci.auth).
"""

from __future__ import annotations

import base64
import hashlib
import json

from dockcred import system
from dockcred.errors import IssueError
from dockcred.providers.oracle import api, metadata, signature
from dockcred.transport.http import is_temporary_for_one, request, with_retries
from dockcred.transport.target import Target

# Imported after `signature`: that module raises the error which says what to install.
from cryptography import x509  # isort: skip
from cryptography.hazmat.primitives.asymmetric import rsa  # isort: skip
from cryptography.hazmat.primitives.serialization import (  # isort: skip
    Encoding,
    PublicFormat,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

_OK, _FORBIDDEN = 200, 403
_TENANT = ("opc-tenant:", "opc-identity:")
_INSTANCE = ("opc-instance:", "opc-identity:")
_SESSION_BITS = 2048
_SIGNED = ("date", "(request-target)")
_WHAT = "this instance's certificate"


def principal(instance: metadata.Instance) -> str:
    """Return the instance's name in its certificate."""
    return _names(_leaf(instance))[1]


def instance_signer(instance: metadata.Instance) -> tuple[signature.Signer, str]:
    """Return a signer for the instance, and the instance's name."""
    leaf = _leaf(instance)
    tenancy, name = _names(leaf)
    key = signature.read_key(instance.get(metadata.KEY), "", "of this instance")
    session_key, public = _session_key()
    body = {
        "certificate": _bare(instance.certificate()),
        "publicKey": public,
        "intermediateCertificates": [_bare(instance.get(metadata.INTERMEDIATE))],
    }
    # Oracle's service finds the certificate by this hash. The hash proves nothing.
    mark = hashlib.sha1(leaf.public_bytes(Encoding.DER), usedforsecurity=False)
    fingerprint = ":".join(f"{byte:02X}" for byte in mark.digest())
    shown = signature.Signer(f"{tenancy}/fed-x509/{fingerprint}", key, _SIGNED)
    answer = _exchange(instance, shown, json.dumps(body).encode())
    try:
        token = answer.json()["token"]
    except (ValueError, LookupError, TypeError, RecursionError):
        token = ""
    return _session_signer(token, session_key, "Oracle's token service"), name


def _exchange(
    instance: metadata.Instance, shown: signature.Signer, body: bytes
) -> Response:
    environment = instance.environment
    url = environment.get("OCI_CLI_FEDERATION_ENDPOINT") or instance.endpoint()
    target = Target(url)
    answer = with_retries(
        lambda: request(
            "POST",
            url,
            environment,
            headers=lambda: shown.headers("POST", target.netloc, target.path, body),
            body=body,
            ca_variables=api.CA_VARIABLES,
        ),
        is_temporary_for_one,
    )
    if answer.status != _OK:
        raise api.refusal(answer, target.netloc, _WHAT)
    return answer


def _leaf(instance: metadata.Instance) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(instance.certificate())
    except ValueError:
        raise metadata.unusable(_OK) from None


def _names(leaf: x509.Certificate) -> tuple[str, str]:
    """Return the names of tenancy and instance in a certificate."""
    values = [str(attribute.value) for attribute in leaf.subject]

    def first(prefixes: tuple[str, ...]) -> str:
        found = (v.removeprefix(p) for v in values for p in prefixes if v.startswith(p))
        return next(found, "")

    tenancy, instance = first(_TENANT), first(_INSTANCE)
    if not tenancy:
        raise IssueError(
            f"{_WHAT} names no tenancy", "see what answers for the metadata service"
        )
    return tenancy, instance or tenancy


def _session_key() -> tuple[rsa.RSAPrivateKey, str]:
    """Return a new private key, and its public key in the form that Oracle expects."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_SESSION_BITS)
    public = key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return key, _bare(public)


def _bare(pem: bytes) -> str:
    """Return the first certificate or key of a PEM text, without frame or newlines."""
    lines = pem.decode("ascii", "replace").strip().split("\n")
    return "".join(line.strip() for line in lines if not line.startswith("-----"))


def _session_signer(
    token: object, key: rsa.RSAPrivateKey, name: str
) -> signature.Signer:
    if not isinstance(token, str) or not api.is_sound(token):
        raise api.garbage(name)
    return signature.Signer(f"ST${token.removeprefix('ST$')}", key)


CLUSTER_CA = "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH"
_CLUSTER_CA = f"{system.IN_POD}/ca.crt"
_CLUSTER_PORT = 12250


def pod_signer(token: str, environment: Environment) -> signature.Signer:
    """Return a signer for a pod, by its service account's token."""
    host = environment.get("KUBERNETES_SERVICE_HOST")
    shown = f"[{host}]" if ":" in host else host
    url = f"https://{shown}:{_CLUSTER_PORT}/resourcePrincipalSessionTokens"
    key, public = _session_key()
    there = environment.with_values(
        {CLUSTER_CA: environment.get(CLUSTER_CA, _CLUSTER_CA)}
    )
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    answer = with_retries(
        lambda: request(
            "POST",
            url,
            there,
            headers=headers,
            body=json.dumps({"podKey": public}).encode(),
            ca_variables=(CLUSTER_CA,),
        ),
        is_temporary_for_one,
    )
    if answer.status == _FORBIDDEN:
        raise IssueError(
            "the cluster gives pods no identity of Oracle's (403)",
            "make it an enhanced cluster: a basic one has no workload identity",
        )
    if answer.status != _OK:
        raise api.refusal(answer, "the cluster", "this pod's service account")
    try:
        found = json.loads(base64.b64decode(answer.body, validate=True))["token"]
    except (ValueError, LookupError, TypeError, RecursionError):
        found = ""
    return _session_signer(found, key, "the cluster")
