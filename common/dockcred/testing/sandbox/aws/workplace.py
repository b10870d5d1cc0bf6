"""Where an AWS identity is set up: its home directory, and its sandbox."""

from __future__ import annotations

import hashlib
import json
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.aws import wire
from dockcred.testing.sandbox.aws.principals import (
    ACCOUNT,
    REGION,
    AccessKey,
    Role,
)
from dockcred.testing.sandbox.home import write_private

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws
    from dockcred.testing.sandbox.aws.sso import Login

Variables = dict[str, str]

NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}
SSO_START_URL = "https://sandbox.awsapps.com/start"


class Workplace:
    """Writes the files of an identity into its home, readable only by the owner."""

    def __init__(self, aws: Aws, home: Path, url: str) -> None:
        self.aws = aws
        self.home = home
        self.url = url
        self.now = time.time()

    def user(self, name: str, account: str = ACCOUNT) -> AccessKey:
        """Return a new long-lived key of this user."""
        return self.aws.keys.permanent(account, name)

    def session(self, name: str) -> AccessKey:
        """Return a new temporary key of this role, valid for an hour."""
        principal = Role(ACCOUNT, name).session("sandbox")
        return self.aws.keys.temporary(principal, self.now + 3600)

    def role(self, name: str, trusts: str, mfa_serial: str = "") -> Role:
        """Create a role that `trusts` may assume."""
        return self.aws.add_role(Role(ACCOUNT, name, trusts, mfa_serial))

    def write(self, path: str, text: str, mode: int = 0o600) -> Path:
        """Write a file below the home directory."""
        return write_private(self.home / path, text.encode(), mode)

    def config(self, text: str) -> None:
        """Write ~/.aws/config."""
        self.write(".aws/config", textwrap.dedent(text))

    def credentials(self, profile: str, key: AccessKey) -> None:
        """Write ~/.aws/credentials with one profile."""
        lines = (
            f"[{profile}]",
            f"aws_access_key_id = {key.access_key_id}",
            f"aws_secret_access_key = {key.secret_access_key}",
        )
        self.write(".aws/credentials", "\n".join((*lines, "")))

    def identity_token(self, subject: str, audience: str) -> Path:
        """Write the token that a cluster mounts into a pod; it is valid for an hour."""
        token = self.aws.issuer.issue(
            subject=subject, audience=audience, issued_at=self.now, lifetime_s=3600
        )
        return self.write("token", token)

    def process(self, key: AccessKey) -> Path:
        """Write a program that prints the key in the format of credential_process."""
        document = wire.key_document(key)
        document["SessionToken"] = document.pop("Token")
        text = json.dumps({"Version": 1, **document})
        script = f"#!/bin/sh\nexec cat <<'KEY'\n{text}\nKEY\n"
        return self.write("credential-process", script, mode=0o700)

    def sso_token(self, name: str, login: Login, *, refreshable: bool = True) -> None:
        """Write the cache file of `aws sso login` for a session name or a start URL."""
        document = {
            "startUrl": SSO_START_URL,
            "region": REGION,
            "accessToken": login.access_token,
            "expiresAt": wire.rfc3339(login.expires_at),
        }
        if refreshable:
            document |= {
                "refreshToken": login.refresh_token,
                "clientId": login.client_id,
                "clientSecret": login.client_secret,
                "registrationExpiresAt": wire.rfc3339(self.now + 90 * 86400),
            }
        # The SDKs name the cache file by this digest.
        digest = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
        self.write(f".aws/sso/cache/{digest}.json", json.dumps(document))
