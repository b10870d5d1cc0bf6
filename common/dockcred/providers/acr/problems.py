"""What the errors of Entra and of the machine's endpoints mean."""

from __future__ import annotations

from dockcred.errors import (
    IssueError,
    MissingIdentityError,
    ThrottledError,
    TransportError,
)
from dockcred.providers.acr.sources import CLOUD_SHELL, IMDS, MANAGED, PROGRAMS
from dockcred.transport.http import may_pass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockcred.errors import DockcredError

_MARK = "AADSTS"
_UNKNOWN_RESOURCE = frozenset({"500011", "50001", "650057"})
_LOGIN = "log in anew"
_OTHERWISE = "use an identity that needs no person: a managed one, or an application's"
LATER = "try again; then see Azure's status"
_SECRET = "make a new secret for the application and set AZURE_CLIENT_SECRET"  # noqa: S105
_ASSIGN = "assign it in Entra, Enterprise applications"
_FEDERATION = "see issuer, subject and audience of its federated credential in Entra"

_MEANINGS = {
    "700016": (
        "Entra has no application of this client id in the tenant",
        "see AZURE_CLIENT_ID and AZURE_TENANT_ID",
    ),
    "7000112": (
        "the application is disabled in Entra",
        "let an administrator enable it",
    ),
    "7000215": ("Entra refuses the client secret", _SECRET),
    "7000222": ("the client secret has expired", _SECRET),
    "90002": ("Entra has no such tenant", "see AZURE_TENANT_ID"),
    "900023": ("Entra has no such tenant", "see AZURE_TENANT_ID"),
    "70021": ("Entra trusts no such federated token", _FEDERATION),
    "700211": ("Entra does not trust the federated token's issuer", _FEDERATION),
    "700212": ("Entra does not accept the federated token's audience", _FEDERATION),
    "700213": ("Entra does not trust the federated token's subject", _FEDERATION),
    "700024": (
        "the assertion is not within its time",
        "see this machine's clock (NTP), and that the token file is renewed",
    ),
    "700027": (
        "Entra cannot verify the assertion's signature",
        "see that the certificate, or the issuer's key, is the registered one",
    ),
    "50027": (
        "Entra cannot read the assertion",
        "see that the token file is the one that AZURE_FEDERATED_TOKEN_FILE means",
    ),
    "65001": (
        "consent to the registry's resource is missing",
        "let an administrator consent, or assign the identity a role on the registry",
    ),
    "501051": ("the identity is not assigned to the application", _ASSIGN),
    "50105": ("the user is not assigned to the application", _ASSIGN),
    "53003": (
        "conditional access blocks the login",
        "meet its conditions, or have the identity excluded from the policy",
    ),
    "53000": ("conditional access wants a compliant device", _LOGIN),
    "53001": ("conditional access wants a joined device", _LOGIN),
    "50076": ("the login needs multi-factor authentication", _LOGIN),
    "50079": ("the login needs multi-factor authentication", _LOGIN),
    "50078": ("the multi-factor login has expired", _LOGIN),
    "50158": ("the login needs another factor", _LOGIN),
    "50173": ("the login was revoked", _LOGIN),
    "70008": ("the login has expired", _LOGIN),
    "70043": ("the login has expired", _LOGIN),
    "700081": ("the login has expired", _LOGIN),
    "700082": ("the login has expired", _LOGIN),
    "50132": ("the login ended with its password", _LOGIN),
    "50133": ("the login ended with its password", _LOGIN),
    "50055": ("the user's password has expired", "change it, and log in anew"),
    "50034": (
        "Entra does not know the user in this tenant",
        "see the login's tenant, AZURE_USERNAME and AZURE_TENANT_ID",
    ),
    "50020": (
        "the user is of another tenant, and no guest in this one",
        "log in as a user of this tenant, or have this one invited",
    ),
    "50053": (
        "Entra has locked the account, or the address that asks",
        "wait, or let an administrator unlock it",
    ),
    "1000502": (
        "the application's certificate has expired",
        "register a new one and set AZURE_CLIENT_CERTIFICATE_PATH",
    ),
    "50126": (
        "Entra refuses the user's password",
        "see AZURE_USERNAME and AZURE_PASSWORD, or use another identity",
    ),
    "50057": ("the account is disabled in Entra", "let an administrator enable it"),
    "90024": ("Entra throttles the login", "try again later"),
    "50196": ("Entra throttles the login", "try again later"),
    "90033": ("Entra is not available just now", LATER),
}


_THROTTLES = frozenset({"90024", "50196"})


class UnknownAudienceError(IssueError):
    """Entra does not know the audience in this cloud; the next one may be tried."""


class AbsentError(MissingIdentityError):
    """The source has no identity; the next source may be asked."""


class PassedOverError(IssueError):
    """The source gives no token, but the next source may; so that one is asked."""


class BusyError(PassedOverError, ThrottledError):
    """The source is throttled; the next source may be asked."""


def is_passed_over(source: str, error: DockcredError) -> bool:
    """Return whether the next source is asked after this failure.

    The rule is that of azure-identity's chain. The next source is asked after a refusal
    of a machine's endpoint, and after any failure of instance metadata or of a program.
    It is not asked after an application fails, since that one's proof is configured. It
    is not asked either where a platform's endpoint does not answer as Azure does, or
    where Cloud Shell fails in any way.
    """
    if isinstance(error, (AbsentError, PassedOverError)):
        return True
    if isinstance(error, UnknownAudienceError) and source in MANAGED:
        return source != CLOUD_SHELL
    return source == IMDS or source in PROGRAMS


_LOG_IN = (
    "log in (az login), assign a managed identity, or set AZURE_CLIENT_ID, "
    "AZURE_TENANT_ID and a secret"
)


def nobody(failed: Sequence[DockcredError], *, chosen: bool) -> DockcredError:
    """Return the error for a chain of sources that all gave no token.

    With a failure among them, or if an identity was `chosen`, it is an IssueError.
    Otherwise it is a MissingIdentityError, after which a client goes on anonymously.
    """
    failures = [one for one in failed if not isinstance(one, AbsentError)]
    steps = "; ".join(one.cause for one in failed)
    if len(failed) == 1 and failures:
        return failures[0]
    if not failures and not chosen:
        tried = f" ({steps})" if steps else ""
        # A person who has the program and is not logged in needs nothing else.
        login = (one.remedy for one in failed if one.remedy.startswith("run: "))
        remedy = next(login, _LOG_IN)
        return MissingIdentityError(f"no Azure identity was found{tried}", remedy)
    first = next(iter((*failures, *failed)), None)
    remedy = (first.remedy if first else "") or _LOG_IN
    if len(failed) == 1:
        return IssueError(steps, remedy)
    if failures and all(isinstance(one, TransportError) for one in failures):
        return TransportError(f"no Azure identity gave a token ({steps})", remedy)
    return IssueError(
        f"no Azure identity gave a token ({steps or 'none is set up'})", remedy
    )


def code_in(text: str) -> str:
    """Return the digits after the first AADSTS in a text; "" if there are none."""
    _, found, rest = text.partition(_MARK)
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return rest[: min(digits, 10)] if found else ""


def meaning(text: str, whom: str, login: str = "") -> IssueError:
    """Return the error, with cause and remedy, for Entra's text (JSON, or an SDK's).

    `whom` names the source, for a text without a code. `login` is the command by which
    a person logs in to that source; "" for a source without a login.
    """
    code = code_in(text)
    if code in _UNKNOWN_RESOURCE:
        return UnknownAudienceError(
            f"Entra does not know the registry's audience ({_MARK}{code})",
            "set DOCKCRED_ACR_AUDIENCE to the resource that this cloud has",
        )
    if code in _MEANINGS:
        cause, remedy = _MEANINGS[code]
        if remedy == _LOGIN:
            remedy = f"{_LOGIN}: {login}" if login else _OTHERWISE
        if code in _THROTTLES:
            return ThrottledError(f"{cause} ({_MARK}{code})", remedy)
        return IssueError(f"{cause} ({_MARK}{code})", remedy)
    if code:
        return IssueError(
            f"{whom} gave no token ({_MARK}{code})",
            f"look the code up: https://login.microsoftonline.com/error?code={code}",
        )
    return IssueError(f"{whom} gave no token", LATER)


_MAX_NAMED = 8
_NO_IDENTITY = (
    "identity not found",  # instance metadata
    "no managed identity",
    "managed identity found",  # App Service: "No User Assigned or Delegated …"
)
_BAD_REQUEST, _NOT_FOUND = 400, 404
"""A 404 of instance metadata means that its own endpoint is not ready: it may pass."""
_CHOOSE = "set AZURE_CLIENT_ID to the client id of one"


def machine_meaning(text: str, whom: str, status: int = 0) -> IssueError | AbsentError:
    """Return the error for the answer of a machine's endpoint; status 0 is unknown.

    It is an AbsentError where the machine does not have the identity, chosen or not.
    Else it is a PassedOverError or an UnknownAudienceError.
    """
    if code_in(text):
        found = meaning(text, whom)
        if isinstance(found, UnknownAudienceError):
            return found
        return PassedOverError(found.cause, found.remedy)
    said = text.lower()
    if "multiple user assigned identities" in said:
        named = ", ".join(_identities_in(text))
        which = f": {named}" if named else ""
        return PassedOverError(
            f"this machine has several managed identities{which}", _CHOOSE
        )
    if "invalid_resource" in said:
        return UnknownAudienceError(
            f"{whom} does not know the registry's audience",
            "set DOCKCRED_ACR_AUDIENCE to the resource that this cloud has",
        )
    if any(words in said for words in _NO_IDENTITY) and not may_pass(status):
        return AbsentError(
            "this machine does not have the managed identity",
            "assign it to the machine, or see AZURE_CLIENT_ID",
        )
    if status >= _BAD_REQUEST and status != _NOT_FOUND and not may_pass(status):
        return PassedOverError(
            f"{whom} refuses a token (status {status})",
            "see which identities the machine has, and AZURE_CLIENT_ID",
        )
    return PassedOverError(f"{whom} gave no token", LATER)


def _identities_in(text: str) -> list[str]:
    """Return the GUIDs and resource ids in Azure's text; they are no secrets."""
    words = "".join(c if c.isalnum() or c in "-/._" else " " for c in text).split()
    found = [word.strip(".") for word in words if _is_identity(word.strip("."))]
    return list(dict.fromkeys(found))[:_MAX_NAMED]


def _is_identity(word: str) -> bool:
    if word.lower().startswith("/subscriptions/"):
        return word.isascii()
    groups = [len(part) for part in word.split("-")]
    return groups == [8, 4, 4, 4, 12] and set(word.lower()) <= set("0123456789abcdef-")
