"""Identities in three clouds: the variables and files of each.

Every identity has its own principal, so that an answer shows whose it is.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.aws.container import AUDIENCE as POD_AUDIENCE
from dockcred.testing.sandbox.aws.container import POD_PATH
from dockcred.testing.sandbox.aws.principals import ACCOUNT, OTHER_ACCOUNT, Role
from dockcred.testing.sandbox.aws.sts import AUDIENCE as STS_AUDIENCE
from dockcred.testing.sandbox.azure.directory import TENANT, Principal
from dockcred.testing.sandbox.google import sts
from dockcred.testing.sandbox.google.workplace import Workplace as GoogleWorkplace

NO_IMDS = {"AWS_EC2_METADATA_DISABLED": "true"}
SUBJECTS = ("one", "two")
TOKENS = ("web", "pod", "azure", "google")
"""Names of the token files; each proves another kind of identity."""
ROLES = ("machine-one", "machine-two", "machine-three")
"""Roles that a machine may have in each cloud; an administrator swaps them."""


class People:
    """All identities in one sandbox, with tokens that are signed once."""

    def __init__(self, cloud: Sandbox) -> None:
        self.cloud = cloud
        aws, azure = cloud.aws, cloud.azure
        self.keys = {
            "user-one": aws.keys.permanent(ACCOUNT, "user-one"),
            "user-two": aws.keys.permanent(OTHER_ACCOUNT, "user-two"),
            "profile-one": aws.keys.permanent(ACCOUNT, "profile-one"),
            "profile-two": aws.keys.permanent(OTHER_ACCOUNT, "profile-two"),
        }
        for subject in SUBJECTS:
            aws.add_role(Role(ACCOUNT, f"web-{subject}", _subject(subject)))
        for name in ("user-one", "user-two"):
            account = self.keys[name].principal.account
            trusted = f"arn:aws:iam::{account}:user/{name}"
            aws.add_role(Role(ACCOUNT, f"assumed-by-{name}", trusted))
        self.applications = {
            "secret": Principal("azure-secret", secret="application-secret-one"),
            "federated-one": Principal("azure-one", subject=_subject("one")),
            "federated-two": Principal("azure-two", subject=_subject("two")),
        }
        for principal in self.applications.values():
            azure.directory.add(principal)
        self.users = [Principal("azure-user-one"), Principal("azure-user-two")]
        azure.machine.users = self.users
        self._tokens = {
            (kind, subject, age): self._sign(kind, subject, age)
            for kind in TOKENS
            for subject in SUBJECTS
            for age in (0, 1, 2)
        }
        self._work = GoogleWorkplace(cloud.google, cloud.home, cloud.url, tls=False)
        self.google_keys = [
            self._work.key_document(cloud.google.principals.new_key(name))
            for name in ("keyed-one", "keyed-two")
        ]

    def token(self, kind: str, subject: str, age: int) -> str:
        """Return one of a subject's three tokens, which a cluster rotates."""
        return self._tokens[kind, subject, age]

    def _sign(self, kind: str, subject: str, age: int) -> str:
        now = time.time() - age
        if kind == "azure":
            signer = self.cloud.azure.cluster
            return signer.sign(
                audience="api://AzureADTokenExchange",
                now=now,
                sub=_subject(subject),
                lifetime_s=86400,
            )
        if kind == "google":
            google = self.cloud.google
            return google.subject_token(_subject(subject), now, lifetime_s=86400)
        audience = POD_AUDIENCE if kind == "pod" else STS_AUDIENCE
        return self.cloud.aws.issuer.issue(
            subject=_subject(subject),
            audience=audience,
            issued_at=now,
            lifetime_s=86400,
        )

    def swap(self, number: int) -> None:
        """Give the machine another role in every cloud."""
        name = ROLES[number]
        self.cloud.aws.role = name
        self.cloud.azure.machine.system = Principal(name)
        self.cloud.google.machine_account = f"{name}@sandbox.example"

    def aws(self, name: str, home: Path) -> dict[str, str]:
        """Return the variables of an identity in AWS."""
        url = self.cloud.url
        match name.split("/"):
            case ["keys", user]:
                key = self.keys[user]
                return NO_IMDS | {
                    "AWS_ACCESS_KEY_ID": key.access_key_id,
                    "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
                }
            case ["role", user]:
                role = f"arn:aws:iam::{ACCOUNT}:role/assumed-by-{user}"
                return self.aws(f"keys/{user}", home) | {"DOCKCRED_AWS_ROLE_ARN": role}
            case ["profile", profile]:
                return NO_IMDS | {"AWS_PROFILE": profile}
            case ["web", subject]:
                return NO_IMDS | {
                    "AWS_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/web-{subject}",
                    "AWS_WEB_IDENTITY_TOKEN_FILE": str(home / "token-web"),
                }
            case ["pod"]:
                return NO_IMDS | {
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}{POD_PATH}",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(home / "token-pod"),
                }
            case ["task"]:
                path = self.cloud.aws.container.task_path
                return NO_IMDS | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}{path}"}
            case ["machine"]:
                return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}
        return NO_IMDS

    def azure(self, name: str, home: Path) -> dict[str, str]:
        """Return the variables of an identity in Azure."""
        near = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": self.cloud.url}
        match name.split("/"):
            case ["user", number]:
                return near | {"AZURE_CLIENT_ID": self.users[int(number)].client_id}
            case ["secret"]:
                application = self.applications["secret"]
                return near | {
                    "AZURE_TENANT_ID": TENANT,
                    "AZURE_CLIENT_ID": application.client_id,
                    "AZURE_CLIENT_SECRET": application.secret,
                }
            case ["federated", subject]:
                return near | {
                    "AZURE_TENANT_ID": TENANT,
                    "AZURE_CLIENT_ID": self.applications[
                        f"federated-{subject}"
                    ].client_id,
                    "AZURE_FEDERATED_TOKEN_FILE": str(home / "token-azure"),
                }
        return near

    def google(self, name: str, home: Path) -> dict[str, str]:
        """Return the variables of an identity at Google."""
        match name:
            case "file":
                path = home / "google.json"
                return {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}
        host = self.cloud.url.removeprefix("http://")
        return {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}

    def profiles(self, first: str, second: str) -> str:
        """Return a credentials file: profiles one and two have these users' keys."""
        lines = []
        for profile, user in (("one", first), ("two", second)):
            key = self.keys[f"profile-{user}"]
            lines += [
                f"[{profile}]",
                f"aws_access_key_id = {key.access_key_id}",
                f"aws_secret_access_key = {key.secret_access_key}",
            ]
        return "\n".join((*lines, ""))

    def google_file(self, number: int, home: Path) -> str:
        """Return a Google credentials file: a key, or a token file's federation."""
        if number < len(self.google_keys):
            return json.dumps(self.google_keys[number])
        document = self._work.federation({"file": str(home / "token-google")})
        assert document["audience"] == sts.PROVIDERS["oidc"]
        return json.dumps(document)


AWS = (
    *("keys/user-one", "keys/user-two", "web/one", "web/two", "pod", "task"),
    *("machine", "machine", "nobody"),
)
AWS_BY_SDK = ("profile/one", "profile/two", "role/user-one", "role/user-two")
AZURE = ("machine", "user/0", "user/1", "secret", "federated/one", "federated/two")
GOOGLE = ("machine", "machine", "file")


def _subject(name: str) -> str:
    return f"system:serviceaccount:default:{name}"
