"""google-auth's errors, translated once, by type, at the edge."""

from __future__ import annotations

import json
from contextlib import contextmanager
from subprocess import SubprocessError

from google.auth import exceptions as theirs

from dockcred.errors import IssueError
from dockcred.providers.google import problems

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WHAT = {
    "service_account": (
        "the service account's key",
        "see that the key still exists, and set the clock (NTP)",
    ),
    "authorized_user": ("the Google login", problems.LOGIN),
    "external_account_authorized_user": ("the Google login", problems.LOGIN),
    "external_account": (
        "the federated token",
        "see the provider's issuer, audience and attribute condition",
    ),
    "metadata": ("the machine's service account", "see the instance's account"),
}


@contextmanager
def translated(info: dict[str, Any]) -> Iterator[None]:
    """Turn what google-auth raises into a cause with a remedy.

    Its texts are not repeated: they quote whole answers, and a program's output.
    """
    inner = info.get("source_credentials")
    kind = (inner if isinstance(inner, dict) else info)["type"]
    what, remedy = _WHAT.get(kind, ("the Google identity", problems.LOGIN))
    try:
        yield
    except (theirs.RefreshError, theirs.OAuthError) as error:
        code, subtype = _code(error)
        if code:
            raise problems.meaning(code, subtype, what, remedy) from None
        raise _unread(info, what) from None
    except (OSError, SubprocessError) as error:
        raise IssueError(
            f"{what} could not be had ({type(error).__name__})",
            "see credential_source in the credentials file",
        ) from None
    except theirs.GoogleAuthError as error:
        raise IssueError(
            f"the Google credentials file is not usable ({type(error).__name__})",
            "make it anew",
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise IssueError(
            f"{what}: an answer was not to be read",
            "see the endpoints in the credentials file, and any proxy",
        ) from None
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        raise IssueError(
            f"the Google credentials file of type {info['type']} is not whole",
            "make it anew",
        ) from None


def _unread(info: dict[str, Any], what: str) -> IssueError:
    """Say which half failed: the source of the subject token, or Google's endpoint."""
    source = info.get("credential_source")
    if isinstance(source, dict) and source:
        kinds = ", ".join(sorted(map(str, source)))[:80]
        return IssueError(
            f"{what} could not be had from its source ({kinds})",
            "see credential_source in the credentials file",
        )
    return IssueError(
        f"{what} was answered by something that is not Google's token endpoint",
        "see token_uri in the credentials file, and any proxy",
    )


def _code(error: Exception) -> tuple[str, str]:
    """Read the OAuth error code and its subtype from what google-auth kept."""
    for argument in error.args[1:]:
        fields = argument
        if isinstance(argument, str | bytes):
            try:
                fields = json.loads(argument)
            except ValueError:
                continue
        if isinstance(fields, dict) and isinstance(fields.get("error"), str):
            return fields["error"], str(fields.get("error_subtype") or "")
    return "", ""
