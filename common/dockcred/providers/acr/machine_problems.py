"""What a managed identity's endpoint means when it gives no token."""

from __future__ import annotations

from dockcred.errors import IssueError
from dockcred.providers.acr import problems

_MAX_NAMED = 8
_CHOOSE = "set AZURE_CLIENT_ID to the client id of one"


def meaning(text: str, whom: str) -> IssueError | problems.AbsentError:
    """Read the error text of IMDS or App Service.

    AbsentError where the machine has no such identity, whether or not it was chosen.
    """
    if problems.code_in(text):
        return problems.meaning(text, whom)
    said = text.lower()
    if "multiple user assigned identities" in said:
        named = ", ".join(_identities_in(text))
        which = f": {named}" if named else ""
        return IssueError(
            f"this machine has several managed identities{which}", _CHOOSE
        )
    if "invalid_resource" in said:
        return problems.UnknownAudienceError(
            f"{whom} does not know the registry's audience",
            "set DOCKCRED_ACR_AUDIENCE to the resource that this cloud has",
        )
    if "identity not found" in said or "no managed identity" in said:
        return problems.AbsentError(
            "this machine does not have the managed identity",
            "assign it to the machine, or see AZURE_CLIENT_ID",
        )
    return IssueError(f"{whom} gave no token", "try again; then see Azure's status")


def _identities_in(text: str) -> list[str]:
    """Answer the GUIDs and resource ids that Azure names; they are no secrets."""
    words = "".join(c if c.isalnum() or c in "-/._" else " " for c in text).split()
    found = [word.strip(".") for word in words if _is_identity(word.strip("."))]
    return list(dict.fromkeys(found))[:_MAX_NAMED]


def _is_identity(word: str) -> bool:
    if word.lower().startswith("/subscriptions/"):
        return word.isascii()
    groups = [len(part) for part in word.split("-")]
    return groups == [8, 4, 4, 4, 12] and set(word.lower()) <= set("0123456789abcdef-")
