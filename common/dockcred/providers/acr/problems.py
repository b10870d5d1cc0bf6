"""What Entra and the machine's endpoints mean by their errors."""

from __future__ import annotations

from dockcred.errors import IssueError, MissingIdentityError

_MARK = "AADSTS"
_UNKNOWN_RESOURCE = frozenset({"500011", "50001", "650057"})
_LOGIN = "log in anew: az login"
_SECRET = "make a new secret for the application and set AZURE_CLIENT_SECRET"  # noqa: S105
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
    "501051": (
        "the identity is not assigned to the application",
        "assign it in Entra, Enterprise applications",
    ),
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
    "70043": ("the login has expired", _LOGIN),
    "700082": ("the login has expired", _LOGIN),
    "50126": (
        "Entra refuses the user's password",
        "see AZURE_USERNAME and AZURE_PASSWORD, or use another identity",
    ),
    "50057": ("the account is disabled in Entra", "let an administrator enable it"),
    "90024": ("Entra throttles the login", "try again later"),
    "50196": ("Entra throttles the login", "try again later"),
    "90033": ("Entra is not available just now", "try again; then see Azure's status"),
}


class UnknownAudienceError(IssueError):
    """Entra has no such resource in this cloud: another audience may be asked for."""


class AbsentError(MissingIdentityError):
    """There is no identity at this source: the next may be asked."""


def code_in(text: str) -> str:
    """Return the digits after the first AADSTS in a text, nothing if there is none."""
    _, found, rest = text.partition(_MARK)
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return rest[: min(digits, 10)] if found else ""


def meaning(text: str, whom: str) -> IssueError:
    """Return cause and remedy of what Entra wrote (its JSON, or an SDK's text).

    `whom` names who was asked, for a text without a code.
    """
    code = code_in(text)
    if code in _UNKNOWN_RESOURCE:
        return UnknownAudienceError(
            f"Entra does not know the registry's audience ({_MARK}{code})",
            "set DOCKCRED_ACR_AUDIENCE to the resource that this cloud has",
        )
    if code in _MEANINGS:
        cause, remedy = _MEANINGS[code]
        return IssueError(f"{cause} ({_MARK}{code})", remedy)
    if code:
        return IssueError(
            f"{whom} gave no token ({_MARK}{code})",
            f"look the code up: https://login.microsoftonline.com/error?code={code}",
        )
    return IssueError(f"{whom} gave no token", "try again; then see Azure's status")


_MAX_NAMED = 8
_CHOOSE = "set AZURE_CLIENT_ID to the client id of one"


def machine_meaning(text: str, whom: str) -> IssueError | AbsentError:
    """Read the error text of IMDS or App Service.

    AbsentError where the machine has no such identity, whether or not it was chosen.
    """
    if code_in(text):
        return meaning(text, whom)
    said = text.lower()
    if "multiple user assigned identities" in said:
        named = ", ".join(_identities_in(text))
        which = f": {named}" if named else ""
        return IssueError(
            f"this machine has several managed identities{which}", _CHOOSE
        )
    if "invalid_resource" in said:
        return UnknownAudienceError(
            f"{whom} does not know the registry's audience",
            "set DOCKCRED_ACR_AUDIENCE to the resource that this cloud has",
        )
    if "identity not found" in said or "no managed identity" in said:
        return AbsentError(
            "this machine does not have the managed identity",
            "assign it to the machine, or see AZURE_CLIENT_ID",
        )
    return IssueError(f"{whom} gave no token", "try again; then see Azure's status")


def _identities_in(text: str) -> list[str]:
    """Return the GUIDs and resource ids that Azure names; they are no secrets."""
    words = "".join(c if c.isalnum() or c in "-/._" else " " for c in text).split()
    found = [word.strip(".") for word in words if _is_identity(word.strip("."))]
    return list(dict.fromkeys(found))[:_MAX_NAMED]


def _is_identity(word: str) -> bool:
    if word.lower().startswith("/subscriptions/"):
        return word.isascii()
    groups = [len(part) for part in word.split("-")]
    return groups == [8, 4, 4, 4, 12] and set(word.lower()) <= set("0123456789abcdef-")
