"""A compute instance's metadata service: its certificate, region and realm.

Source: docs.oracle.com "Getting Instance Metadata", version 2. The service is asked by
address, and never through a proxy.
"""

from __future__ import annotations

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.oracle import hosts
from dockcred.system.cloud import ORACLE, Hardware
from dockcred.transport.http import (
    ask_if_there,
    is_temporary,
    probe,
    request,
    with_retries,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

_ADDRESS = "http://169.254.169.254/opc/v2"
_HEADER = {"authorization": "Bearer Oracle"}
_CERTIFICATE, KEY = "identity/cert.pem", "identity/key.pem"
INTERMEDIATE, _REGION = "identity/intermediate.pem", "instance/regionInfo"
_CONNECT_S, _ANSWER_S = 1.0, 3.0
_OK = 200


class Instance:
    """A compute instance, as its metadata service describes it."""

    def __init__(self, environment: Environment) -> None:
        """Determine the service's address; no request is sent yet."""
        self.environment = environment
        named = environment.get("OCI_METADATA_BASE_URL").strip()
        self._is_named = bool(named)
        self._base = (named or _ADDRESS).rstrip("/")
        self._own = Hardware()
        self._is_there = self._own.is_surely(ORACLE)
        self._certificate = b""

    def endpoint(self) -> str:
        """Return the URL that exchanges a certificate, in the instance's region."""
        try:
            fields = self._ask(_REGION).json()
            region = fields["regionIdentifier"].lower()
            realm = fields["realmDomainComponent"].lower()
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise IssueError(
                "the metadata service does not say in which region this instance is",
                "name the token service in OCI_CLI_FEDERATION_ENDPOINT",
            ) from None
        if realm not in hosts.REALMS or not hosts.is_region(region):
            raise IssueError(
                "the metadata service names a realm that is none of Oracle's",
                "name the token service in OCI_CLI_FEDERATION_ENDPOINT",
            )
        return f"https://auth.{region}.{realm}/v1/x509"

    def certificate(self) -> bytes:
        """Return the certificate in PEM; MissingIdentityError without a service."""
        if self._certificate:
            return self._certificate
        answer = self._first()
        is_theirs = answer.body.lstrip().startswith(b"-----BEGIN CERTIFICATE-----")
        if answer.status != _OK or not is_theirs:
            if self._is_there or is_temporary(answer):
                raise unusable(answer.status)
            raise missing("this machine's metadata service is not Oracle's")
        self._certificate = answer.body
        return answer.body

    def get(self, path: str) -> bytes:
        """Return the service's answer for a path; IssueError where it refuses."""
        answer = self._ask(path)
        if answer.status != _OK:
            raise unusable(answer.status)
        return answer.body

    def _first(self) -> Response:
        def ask() -> Response:
            return self._ask(_CERTIFICATE)

        if self._is_there:
            return ask()
        whose = "" if self._is_named else ORACLE
        return ask_if_there(whose, self.environment, ask, missing, self._own)

    def _ask(self, path: str) -> Response:
        send = request if self._is_there else probe
        return with_retries(
            lambda: send(
                "GET",
                f"{self._base}/{path}",
                self.environment,
                headers=_HEADER,
                timeout_s=_ANSWER_S,
                connect_s=_ANSWER_S if self._is_there else _CONNECT_S,
            )
        )


def missing(reason: str) -> MissingIdentityError:
    """Return the error for a metadata service, the last source, without an identity."""
    return MissingIdentityError(
        "no Oracle identity was found in variables, configuration or metadata: "
        f"{reason}",
        "run: oci setup config",
    )


def unusable(status: int) -> IssueError:
    """Return the error for a service that exists, but gives no certificate."""
    return IssueError(
        f"the metadata service gave no certificate (status {status})",
        "see that the instance's metadata service is on, in version 2",
    )
