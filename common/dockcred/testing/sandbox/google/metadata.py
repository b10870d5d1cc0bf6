"""The metadata server of Compute Engine, GKE and the serverless products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockcred.testing.sandbox.google import wire
from dockcred.testing.sandbox.google.principals import PROJECT, PROJECT_NUMBER, SCOPE
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.google import Google

ROOT = "/computeMetadata/v1/"
ACCOUNTS = f"{ROOT}instance/service-accounts"
FLAVOR = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
_GO = "gcloud-golang"
KEEPS_S = 300  # seconds before expiry at which a new token replaces the old one


class Metadata(Service):
    """The instance's facts and tokens, for requests with the header Metadata-Flavor."""

    name = "gce-metadata"
    near = True

    def __init__(self, google: Google) -> None:
        self._google = google
        self._current = ("", "", 0.0)

    def has_host(self, host: str) -> bool:
        """See Service."""
        # Google's Go library asks by address; all of the names lead to it.
        return host.rstrip(".") in {"metadata.google.internal", "169.254.169.254"}

    def recognises(self, request: Request) -> bool:
        """See Service."""
        # Google's Go library requests the address without the header, while it looks up
        # the name. An answer of another cloud would end its search.
        asks = request.header("metadata-flavor") or _GO in request.header("user-agent")
        ping = request.path == "/" and bool(asks)
        return ping or request.path.startswith("/computeMetadata/")

    def operation(self, request: Request) -> str:
        """See Service."""
        if request.path == "/":
            return "ping"
        return request.path.rstrip("/").rpartition("/")[2]

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.path == "/":
            return _text("computeMetadata/\n")
        if request.header("metadata-flavor") != "Google":
            raise Refusal(Reason.UNSIGNED, "Missing Metadata-Flavor:Google header.")
        # A token must not leave the machine through an open proxy.
        if request.header("x-forwarded-for"):
            raise Refusal(Reason.DENIED, "no answer for a forwarded request")
        if request.method != "GET":
            raise Refusal(Reason.DENIED, "only GET is served here")
        path = request.path.rstrip("/")
        if path == f"{ROOT}project/project-id":
            return _text(PROJECT)
        if path == f"{ROOT}project/numeric-project-id":
            return _text(PROJECT_NUMBER)
        if path == f"{ROOT}universe/universe-domain":
            if not self._google.universe:
                raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")
            return _text(self._google.universe)
        account = self._google.machine_account
        if account and path == ACCOUNTS:
            return _text("default/\n" + f"{account}/\n")
        # An account has two names: `default`, and its address.
        path = path.replace(f"{ACCOUNTS}/{account}", f"{ACCOUNTS}/default")
        if not account or not path.startswith(f"{ACCOUNTS}/default"):
            raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")
        leaf = path.removeprefix(f"{ACCOUNTS}/default")
        return self._account(request, leaf, account, now)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.plain_error(refusal, FLAVOR)

    def _account(
        self, request: Request, leaf: str, account: str, now: float
    ) -> Response:
        scopes = self._google.machine_scopes
        if leaf == "/token":
            return wire.answer(self._token(account, scopes, now), FLAVOR)
        if leaf == "/email":
            return _text(account)
        if leaf == "/identity":
            audience = request.parameters.get("audience")
            if not audience:
                raise Refusal(Reason.INVALID, "non-empty audience parameter required")
            return _text(self._google.identity_token(audience))
        if leaf == "/scopes":
            return _text("\n".join(scopes))
        if not leaf and request.parameters.get("recursive") == "true":
            facts = {"aliases": ["default"], "email": account, "scopes": scopes}
            return wire.answer(facts, FLAVOR)
        raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")

    def _token(self, account: str, scopes: list[str], now: float) -> dict[str, object]:
        held, token, ends = self._current
        if held != account or ends - now < KEEPS_S:
            ends = now + self._google.life_s
            full = frozenset(scope.removeprefix(SCOPE) for scope in scopes)
            token = self._google.principals.token(account, full, ends)
            self._current = (account, token, ends)
        return {
            "access_token": token,
            "expires_in": int(ends - now),
            "token_type": "Bearer",
        }


def _text(text: str) -> Response:
    return Response(200, text.encode(), FLAVOR | {"Content-Type": "application/text"})
