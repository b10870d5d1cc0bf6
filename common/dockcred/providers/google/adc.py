"""Application default credentials: the files of Google's tools, by type.

cloud.google.com/docs/authentication/application-default-credentials. Reading one
asks nobody; google-auth, which knows what to do with it, is imported to mint only.
"""

from __future__ import annotations

import json

from dockcred.errors import IssueError
from dockcred.providers.google.access_token import Token
from dockcred.providers.google.places import ADC_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.environment import Environment

SERVICE_ACCOUNT = "service_account"
_MAX_BYTES = 1024 * 1024
_ROWS = {
    SERVICE_ACCOUNT: "google:service-account",
    "authorized_user": "google:authorized-user",
    "external_account_authorized_user": "google:authorized-user",
    "external_account": "google:wif",
    "impersonated_service_account": "google:impersonation",
}


class File:
    """One credentials file, asked through google-auth."""

    def __init__(self, environment: Environment, where: str) -> None:
        """Read it and note what is watched; IssueError where it is not usable."""
        self._environment = environment
        self.info = _read(where)
        self.said = ""
        self.files: tuple[str, ...] = (where,)
        self.tokens: tuple[str, ...] = ()
        self.sources: tuple[str, ...] = ()
        self._note(self.info)

    def _note(self, info: dict[str, Any]) -> None:
        """Name the file's row, and those of the file within an impersonating one."""
        row = _ROWS[info["type"]]
        if row == "google:wif":
            source = info.get("credential_source") or {}
            kind = _kind(source)
            row = f"{row}-{kind}"
            if kind == "file":
                self.tokens = (str(source["file"]),)
        self.sources += (row,)
        inner = info.get("source_credentials")
        if isinstance(inner, dict) and inner.get("type") in _ROWS:
            self._note(inner)

    def token(self, scope: str) -> Token:
        """Mint through google-auth."""
        from dockcred.providers.google import sdk  # noqa: PLC0415 - a miss only

        return sdk.token(self.info, self._environment, scope)

    def who(self) -> str:
        """Say nothing: a file's sources can only be asked by minting."""
        return ""


def _kind(source: dict[str, Any]) -> str:
    if "environment_id" in source:
        return "aws"
    return next(
        (
            kind
            for kind in ("file", "url", "executable", "certificate")
            if kind in source
        ),
        "unknown",
    )


def _read(where: str) -> dict[str, Any]:
    try:
        with open(where, "rb") as file:
            info = json.loads(file.read(_MAX_BYTES))
    except OSError as error:
        raise IssueError(
            f"the Google credentials file {where} cannot be read ({error.strerror})",
            f"see {ADC_VARIABLE}",
        ) from None
    except (ValueError, RecursionError):
        raise IssueError(
            f"the Google credentials file {where} is not JSON", f"see {ADC_VARIABLE}"
        ) from None
    if not isinstance(info, dict) or info.get("type") not in _ROWS:
        raise IssueError(
            f"the Google credentials file {where} is of no type that registries take",
            f"it is one of: {', '.join(_ROWS)}",
        )
    return info
