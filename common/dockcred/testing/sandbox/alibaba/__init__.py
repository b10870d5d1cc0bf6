"""Alibaba Cloud in the sandbox: its accounts, its services, its identities."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from dockcred.testing.sandbox.alibaba.services import (
    ACCOUNT,
    AUDIENCE,
    PROVIDER,
    Cr,
    Metadata,
    Sts,
)
from dockcred.testing.sandbox.alibaba.signatures import Gate, Key
from dockcred.testing.sandbox.home import write_private
from dockcred.testing.sandbox.service import Minted, Service, Subject

REGION = "cn-hangzhou"
PERSONAL = f"registry.{REGION}.aliyuncs.com"
ENTERPRISE = f"acme-registry.{REGION}.cr.aliyuncs.com"
OTHER_ACCOUNT = "6543210987654321"
SUBJECT = "system:serviceaccount:default:builder"
ROLE = f"acs:ram::{ACCOUNT}:role/registry"
NETWORKS = "(?:-intl)?(?:-vpc)?(?:-internal)?"
HOSTS = re.compile(
    rf"registry{NETWORKS}\.(?P<old>[a-z0-9-]+)\.aliyuncs\.com"
    r"|crpi-[a-z0-9]+(?:-vpc)?\.(?P<new>[a-z0-9-]+)\.personal\.cr\.aliyuncs\.com"
    rf"|(?P<name>[a-z0-9-]+)-registry{NETWORKS}\.(?P<region>[a-z0-9-]+)\.cr"
    r"\.aliyuncs\.com"
)
NO_METADATA = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}


class Place:
    """Where an identity is set up: its home, and the URL of the loopback server."""

    def __init__(self, cloud: Alibaba, home: Path, url: str) -> None:
        self.cloud = cloud
        self.home = home
        self.url = url + Metadata.below

    def user(self) -> Key:
        """Return a new key of a user of the account."""
        return self.cloud.gate.permanent(ACCOUNT, "builder")

    def cli(self, **settings: str) -> None:
        """Write ~/.aliyun/config.json with one profile."""
        profile = {"name": "work", "region_id": REGION, **settings}
        content = {"current": "work", "profiles": [profile]}
        text = json.dumps(content, indent="\t")
        write_private(self.home / ".aliyun/config.json", text.encode(), 0o600)

    def token(self) -> Path:
        """Write the token that a cluster mounts into a pod; it is valid for an hour."""
        token = self.cloud.issuer.issue(
            subject=SUBJECT, audience=AUDIENCE, issued_at=time.time(), lifetime_s=3600
        )
        return write_private(self.home / "token", token.encode(), 0o600)

    def trust(self, who: str) -> None:
        """Let this subject or ARN assume the role of the registry."""
        self.cloud.roles[ROLE] = who


def env_keys(place: Place) -> dict[str, str]:
    """Have a RAM user's access key in the variables."""
    key = place.user()
    return NO_METADATA | {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
    }


def session_keys(place: Place) -> dict[str, str]:
    """Have the temporary keys of a role in the variables, good for an hour."""
    ends = time.time() + 3600
    key = place.cloud.gate.temporary(ACCOUNT, "builder", "sandbox", ends)
    return NO_METADATA | {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": key.token,
    }


def rrsa(place: Place) -> dict[str, str]:
    """Be a pod of ACK with a role for its service account (RRSA)."""
    place.trust(SUBJECT)
    return NO_METADATA | {
        "ALIBABA_CLOUD_ROLE_ARN": ROLE,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": PROVIDER,
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(place.token()),
    }


def cli(place: Place) -> dict[str, str]:
    """Have configured Alibaba's CLI with an access key."""
    key = place.user()
    place.cli(mode="AK", access_key_id=key.access_key_id, access_key_secret=key.secret)
    return NO_METADATA


def cli_role(place: Place) -> dict[str, str]:
    """Have a profile of Alibaba's CLI that assumes a role."""
    key = place.user()
    place.trust(key.arn)
    place.cli(
        mode="RamRoleArn",
        access_key_id=key.access_key_id,
        access_key_secret=key.secret,
        ram_role_arn=ROLE,
        ram_session_name="sandbox",
    )
    return NO_METADATA


def file(place: Place) -> dict[str, str]:
    """Have an access key in ~/.alibabacloud/credentials.ini."""
    key = place.user()
    text = f"""\
[default]
type = access_key
access_key_id = {key.access_key_id}
access_key_secret = {key.secret}  # of the builder
"""
    path = place.home / ".alibabacloud/credentials.ini"
    write_private(path, text.encode(), 0o600)
    return NO_METADATA


def ecs_role(place: Place) -> dict[str, str]:
    """Be an ECS instance with a RAM role."""
    place.cloud.role = "ecs-registry"
    return {"DOCKCRED_ALIBABA_METADATA": place.url}


def uri(place: Place) -> dict[str, str]:
    """Have keys at a URI, beside which no metadata service is."""
    return NO_METADATA | {
        "ALIBABA_CLOUD_CREDENTIALS_URI": place.url + Metadata.uri,
    }


def nobody(place: Place) -> dict[str, str]:
    """Have no Alibaba Cloud identity at all."""
    del place
    return NO_METADATA


IDENTITIES: dict[str, Callable[[Place], dict[str, str]]] = {
    f"alibaba-{identity.__name__.replace('_', '-')}": identity
    for identity in (
        *(env_keys, session_keys, rrsa, cli, cli_role),
        *(file, ecs_role, uri, nobody),
    )
}


class Alibaba:
    """The state that the services share: keys, roles, instances and passwords.

    `role` is the machine's RAM role, "" for none. With `insists`, its metadata service
    requires a token.
    """

    identities = IDENTITIES
    subject = Subject(
        provider="alibaba",
        hosts=(
            PERSONAL,
            ENTERPRISE,
            f"acme-registry-vpc.{REGION}.cr.aliyuncs.com",
            f"crpi-5xaxq6dpq8nzd1ws.{REGION}.personal.cr.aliyuncs.com",
        ),
        nobody="alibaba-nobody",
        somebody="alibaba-env-keys",
    )
    needs_tls = True

    def __init__(self, life_s: float) -> None:
        # This needs cryptography, which the extra `sandbox` installs.
        from dockcred.testing.sandbox.identity_tokens import Issuer  # noqa: PLC0415

        self.life_s = life_s
        self.gate = Gate()
        self.issuer = Issuer("https://oidc-ack-cn-hangzhou.oss-cn-hangzhou.example")
        self.role = "ecs-registry"
        self.insists = True
        self.roles: dict[str, str] = {}
        self.instances = {
            (REGION, "acme-development"): (ACCOUNT, "cri-development0001"),
            (REGION, "acme"): (ACCOUNT, "cri-acme00000000001"),
            ("cn-beijing", "acme"): (ACCOUNT, "cri-acme00000000002"),
            (REGION, "globex"): (OTHER_ACCOUNT, "cri-globex000000001"),
        }
        self.passwords: dict[str, Minted] = {}
        self.services: tuple[Service, ...] = (Cr(self), Sts(self), Metadata(self))
        self._machine_keys: dict[str, Key] = {}

    def machine_key(self, role: str, now: float) -> Key:
        """Return the key of a machine's role; replaced 5 minutes before expiry."""
        key = self._machine_keys.get(role)
        if key is None or (key.expires_at or 0) < now + 300:
            key = self.gate.temporary(ACCOUNT, role, "i-bp1sandbox", now + 6 * 3600)
            self._machine_keys[role] = key
        return key

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        del tls  # its clients always use the real host names
        return IDENTITIES[identity](Place(self, home, url))

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is unknown."""
        return self.passwords.get(password)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        minted, found = self.passwords.get(password), HOSTS.fullmatch(host.lower())
        if minted is None or found is None:
            return False
        region = found["old"] or found["new"] or found["region"]
        opened = (minted.region, minted.host) == (region, found["name"] or "")
        return opened and username == "cr_temp_user" and now < minted.expires_at


CLOUD = Alibaba
