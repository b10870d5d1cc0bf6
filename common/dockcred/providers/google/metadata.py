"""The machine's own service account, from the metadata server: the direct road.

Source: cloud.google.com/compute/docs/metadata. GKE's metadata server answers the same
paths for a pod's account. The server is asked by address, since outside of Google the
lookup of its name may take long to fail. It is never asked through a proxy.
"""

from __future__ import annotations

import time

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.google import access_token
from dockcred.providers.google.access_token import Token, is_sound
from dockcred.system.environment.google import UNIVERSE
from dockcred.transport import http
from dockcred.transport.http import ask_if_there, probe, request, with_retries
from dockcred.transport.json_reader import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
_UNIVERSE = "/computeMetadata/v1/universe/universe-domain"
HOST_VARIABLES = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
_ADDRESS = "169.254.169.254"
_FLAVOR = {"metadata-flavor": "Google"}
_CONNECT_S, _ANSWER_S = 1.0, 3.0
_LONGEST_PAUSE_S = 2.0
_OK, _NOT_FOUND, _REQUEST_TIMEOUT = 200, 404, 408
_WHAT = "the metadata server's service account"
_REMEDY = (
    "see that the machine's account exists and is enabled; on GKE, that the pod's has "
    "roles/iam.workloadIdentityUser on it"
)
_SCOPES = "https://www.googleapis.com/auth/"
_ENOUGH = frozenset(
    {
        "cloud-platform",
        "cloud-platform.read-only",
        "devstorage.read_only",
        "devstorage.read_write",
        "devstorage.full_control",
    }
)


class Machine:
    """The default service account of a machine, a pod or a serverless instance."""

    sources: tuple[str, ...] = ("google:metadata",)
    files: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()

    def __init__(self, environment: Environment) -> None:
        """Determine the server's address; no request is sent yet."""
        self._environment = environment
        named = environment.first(*HOST_VARIABLES)
        self._is_named = bool(named)
        self._base = f"http://{named or _ADDRESS}"
        self.principal = ""

    def current_principal(self) -> str:
        """Return the account and its scopes; IssueError if none reach registries."""
        fields = self._account()
        scopes = [str(scope).removeprefix(_SCOPES) for scope in fields["scopes"]]
        if scopes and _ENOUGH.isdisjoint(scopes):
            raise IssueError(
                f"the scopes of this machine's service account {fields['email']} "
                "do not reach registries",
                "give the instance the scope cloud-platform, or devstorage.read_only",
            )
        return f"{fields['email']} {' '.join(sorted(scopes))}"

    def universe(self) -> str:
        """Return the machine's universe; Google's own where the server knows none.

        Raises MissingIdentityError where this machine is not in Google's cloud.
        """
        self._account()
        answer = self._ask(_UNIVERSE, is_there=True)
        if answer.status == _NOT_FOUND:
            return UNIVERSE
        if answer.status != _OK:
            raise access_token.meaning(str(answer.status), "", _WHAT, _REMEDY)
        return answer.body.decode("ascii", "replace").strip() or UNIVERSE

    def token(self, scope: str) -> Token:
        """Return a token; its scopes are the machine's, and `scope` is ignored.

        The account is asked for first. If another account is attached before the token
        is fetched, this is noticed when the lease ends.
        """
        del scope
        self.principal = self.current_principal()
        return self._token()

    def _token(self) -> Token:
        before = time.time()
        answer = self._ask(f"{ACCOUNT}token", is_there=True)
        if answer.status != _OK:
            raise access_token.meaning(str(answer.status), "", _WHAT, _REMEDY)
        try:
            fields = answer.json()
            token, expires_in = fields["access_token"], seconds(fields["expires_in"])
        except (ValueError, LookupError, TypeError, RecursionError):
            raise self._unusable() from None
        if not is_sound(token) or expires_in is None:
            raise self._unusable()
        return Token(token, before + expires_in)

    def _account(self) -> dict[str, Any]:
        if self._environment.get("NO_GCE_CHECK").lower() == "true":
            raise access_token.missing("NO_GCE_CHECK keeps the metadata server from us")
        answer = self._first()
        if answer.status == _NOT_FOUND:
            raise MissingIdentityError(
                "this machine has no Google service account",
                "attach one, or run: gcloud auth application-default login",
            )
        if answer.status != _OK:
            raise access_token.meaning(str(answer.status), "", _WHAT, _REMEDY)
        try:
            fields = answer.json()
            found = {"email": fields["email"], "scopes": fields.get("scopes") or []}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            raise self._unusable() from None
        if not is_sound(found["email"]) or not isinstance(found["scopes"], list):
            raise self._unusable()
        return found

    def _first(self) -> Response:
        """Ask for the account; raise MissingIdentityError where there is no server."""
        from dockcred.system.cloud import GOOGLE, Hardware  # noqa: PLC0415 - a miss only

        own = Hardware()
        is_there = own.is_surely(GOOGLE)

        def ask() -> Response:
            return self._ask(f"{ACCOUNT}?recursive=true", is_there=is_there)

        if is_there:
            return ask()
        whose, missing = "" if self._is_named else GOOGLE, access_token.missing
        answer = ask_if_there(whose, self._environment, ask, missing, own)
        if not _is_googles(answer):
            raise missing("this machine's metadata server is not Google's")
        return answer

    def _ask(self, path: str, *, is_there: bool) -> Response:
        """Return the answer, with the retries that google-auth does.

        Where nothing says that the server `is_there`, the timeout to connect is a
        second.
        """
        chosen_s = _chosen_s(self._environment)
        answer_s = chosen_s or _ANSWER_S

        def ask() -> Response:
            return (request if is_there else probe)(
                "GET",
                f"{self._base}{path}",
                self._environment,
                headers=_FLAVOR,
                timeout_s=answer_s,
                connect_s=answer_s if is_there or chosen_s else _CONNECT_S,
            )

        def may_pass(answer: Response) -> bool:
            return _is_passing(answer) and (is_there or _is_googles(answer))

        return with_retries(ask, may_pass, _LONGEST_PAUSE_S)

    def _unusable(self) -> IssueError:
        return IssueError(
            "the metadata server did not answer as Google's does",
            "see what listens there",
        )


def _is_googles(answer: Response) -> bool:
    return answer.headers.get("metadata-flavor") == "Google"


def _is_passing(answer: Response) -> bool:
    return answer.status == _REQUEST_TIMEOUT or http.is_temporary(answer)


def _chosen_s(environment: Environment) -> float:
    """Return the timeout in google-auth's variable, in seconds; 0 if it is not set."""
    text = environment.get("GCE_METADATA_TIMEOUT").strip()
    return float(text) if text.isdecimal() else 0.0


def check_mtls(environment: Environment) -> None:
    """Raise IssueError where a variable demands mutual TLS with the metadata server."""
    if environment.get("GCE_METADATA_MTLS_MODE").lower() == "strict":
        raise IssueError(
            "GCE_METADATA_MTLS_MODE is strict, and mutual TLS with the metadata "
            "server is not spoken here",
            "unset it",
        )
