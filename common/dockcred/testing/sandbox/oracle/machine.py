"""An instance's metadata service, the service for its certificate, OKE's cluster."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.oracle.identities import CLUSTER
from dockcred.testing.sandbox.oracle.registry import refuse
from dockcred.testing.sandbox.oracle.tenancy import (
    INSTANCE_LIFE_S,
    REALM,
    REGION,
    REGION_KEY,
    TENANCY,
)
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from dockcred.testing.sandbox.oracle import Oracle

ROOT = "/opc/v2/"
AUTH = f"auth.{REGION}.{REALM}"
EXCHANGE = "/v1/x509"
SIGNED = ("date", "(request-target)")
POD_TOKENS = "/resourcePrincipalSessionTokens"


class Metadata(Service):
    """The instance's facts and certificate, for requests with the header."""

    name = "oci-metadata"
    near = True

    def __init__(self, cloud: Oracle) -> None:
        self._cloud = cloud

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host in {"169.254.169.254", "fd00:c1::a9fe:a9fe"}

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path.startswith(ROOT)

    def operation(self, request: Request) -> str:
        """See Service."""
        return request.path.removeprefix(ROOT)

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        del now
        if request.header("authorization") != "Bearer Oracle":
            raise Refusal(Reason.DENIED, "the header of version 2 is missing")
        # A certificate must not leave the machine through an open proxy.
        if request.header("x-forwarded-for"):
            raise Refusal(Reason.DENIED, "no answer for a forwarded request")
        from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography
        from dockcred.testing.sandbox.oracle import certificates  # noqa: PLC0415

        tenancy = self._cloud.tenancy
        match self.operation(request):
            case "instance/id":
                body = tenancy.instance.encode()
            case "instance/region":
                body = REGION_KEY.encode()
            case "instance/regionInfo":
                region = {
                    "realmDomainComponent": REALM,
                    "realmKey": "oc1",
                    "regionIdentifier": REGION,
                    "regionKey": REGION_KEY.upper(),
                }
                body = json.dumps(region).encode()
            case "identity/cert.pem":
                body = certificates.pem(tenancy.leaf()[0])
            case "identity/key.pem":
                body = rs256.pem(tenancy.leaf()[1]).encode()
            case "identity/intermediate.pem":
                body = certificates.pem(tenancy.intermediate)
            case _:
                raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")
        return Response(200, body, {"Content-Type": "text/plain"})

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return refuse(refusal)


class Auth(Service):
    """Issues a session for an instance's certificate; its key signs the request."""

    name = "oci-auth"

    def __init__(self, cloud: Oracle) -> None:
        self._cloud = cloud

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == AUTH

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == EXCHANGE

    def operation(self, request: Request) -> str:
        """See Service."""
        return request.path.rpartition("/")[2]

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        from cryptography import x509  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415

        from dockcred.testing.sandbox.oracle import signatures  # noqa: PLC0415

        if (request.method, request.path) != ("POST", EXCHANGE):
            raise Refusal(Reason.UNKNOWN_OPERATION, "there is no such path")
        try:
            fields = json.loads(request.body)
            shown = x509.load_der_x509_certificate(
                base64.b64decode(fields["certificate"], validate=True)
            )
            between = fields["intermediateCertificates"]
            session_key = _public_key(fields["publicKey"])
        except (ValueError, LookupError, TypeError) as error:
            raise Refusal(Reason.INVALID, "the body is not whole") from error
        leaf, key = self._cloud.tenancy.leaf()
        authority = self._cloud.tenancy.intermediate
        if shown != leaf or len(between) != 1:
            raise Refusal(Reason.UNKNOWN_KEY, "the certificate is no instance's here")
        leaf.verify_directly_issued_by(authority)
        mark = leaf.fingerprint(SHA1()).hex(":").upper()

        def find(name: str) -> rsa.RSAPublicKey:
            if name != f"{TENANCY}/fed-x509/{mark}":
                raise Refusal(Reason.UNKNOWN_KEY, "the key is another certificate's")
            return key.public_key()

        signatures.verify(request, find, SIGNED, now)
        instance = self._cloud.tenancy.instance
        token = self._cloud.tenancy.session(instance, session_key, now, INSTANCE_LIFE_S)
        body = json.dumps({"token": token}).encode()
        return Response(200, body, {"Content-Type": "application/json"})

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return refuse(refusal)


class Cluster(Service):
    """OKE's endpoint for pods: a session for a service account's token."""

    name = "oke"

    def __init__(self, cloud: Oracle) -> None:
        self._cloud = cloud

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == CLUSTER

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == POD_TOKENS

    def operation(self, request: Request) -> str:
        """See Service."""
        return request.path.strip("/")

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if (request.method, request.path) != ("POST", POD_TOKENS):
            raise Refusal(Reason.UNKNOWN_OPERATION, "there is no such path")
        shown = request.header("authorization").removeprefix("Bearer ")
        tenancy = self._cloud.tenancy
        claims = tenancy.issuer.verify(shown, audience="api", now=now)
        try:
            key = _public_key(json.loads(request.body)["podKey"])
        except (ValueError, LookupError, TypeError) as error:
            raise Refusal(Reason.INVALID, "the body is not whole") from error
        token = tenancy.session(claims["sub"], key, now, INSTANCE_LIFE_S)
        body = base64.b64encode(json.dumps({"token": f"ST${token}"}).encode())
        return Response(200, body, {"Content-Type": "text/plain"})

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return refuse(refusal)


def _public_key(text: str) -> rsa.RSAPublicKey:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = serialization.load_der_public_key(base64.b64decode(text, validate=True))
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not RSA")
    return key
