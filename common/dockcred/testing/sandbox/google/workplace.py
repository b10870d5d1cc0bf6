"""Where a Google identity is set up: its home directory, and its sandbox."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dockcred.testing.sandbox.google import oauth, sts
from dockcred.testing.sandbox.google.principals import Key
from dockcred.testing.sandbox.home import write_private

if TYPE_CHECKING:
    from dockcred.testing.sandbox.google import Google

Variables = dict[str, str]

NO_METADATA = {"NO_GCE_CHECK": "true"}


class Workplace:
    """Writes the files of an identity into its home, readable only by the owner."""

    def __init__(self, google: Google, home: Path, url: str, *, tls: bool) -> None:
        self.google = google
        self.home = home
        self.url = url
        self.now = time.time()
        self._tls = tls

    def endpoint(self, host: str, path: str) -> str:
        """Return a service's URL: its real name with TLS, else the loopback."""
        return f"https://{host}{path}" if self._tls else f"{self.url}{path}"

    def write(self, path: str, text: str, mode: int = 0o600) -> Path:
        """Write a file below the home directory."""
        return write_private(self.home / path, text.encode(), mode)

    def credentials(self, document: dict[str, Any]) -> Variables:
        """Write a credentials file and name it in the variables."""
        path = self.write("credentials.json", json.dumps(document))
        return NO_METADATA | {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}

    def key_document(self, key: Key) -> dict[str, Any]:
        """Return the content of a service account's key file."""
        path = oauth.PATH if self._tls else oauth.LOOPBACK_PATH
        return key.document(self.endpoint("oauth2.googleapis.com", path))

    def federation(
        self, source: dict[str, Any], kind: str = "oidc", account: str = ""
    ) -> dict[str, Any]:
        """Return an external account's file; with `account`, it impersonates that."""
        document = {
            "type": "external_account",
            "audience": sts.PROVIDERS[kind],
            "subject_token_type": sts.AWS4 if kind == "aws" else sts.JWT,
            "token_url": self.endpoint("sts.googleapis.com", "/v1/token"),
            "credential_source": source,
            "universe_domain": "googleapis.com",
        }
        if account:
            document["service_account_impersonation_url"] = self.impersonation(account)
        return document

    def impersonation(self, account: str) -> str:
        """Return the URL that issues a token of this account."""
        path = f"/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
        return self.endpoint("iamcredentials.googleapis.com", path)
