"""Serve the sandbox cloud in the world, and make people's homes there on request.

Each line of stdin is a request, a JSON object, and gets one JSON line on stdout. The
first line on stdout has the cloud's URL, its CA, and the certificate by which Azure's
registries check tokens. In the world, /etc/hosts maps the clouds' real names to it.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.aws.principals import REGION, Role
from dockcred.testing.sandbox.aws.sso import LIFETIME_S
from dockcred.testing.sandbox.aws.workplace import SSO_START_URL
from dockcred.testing.sandbox.aws.workplace import Workplace as AwsWorkplace

ACCOUNTS = {
    "dev": "123456789012",
    "stage": "210987654321",
    "prod": "345678901234",
}


def sso(cloud: Sandbox, home: Path, *names: str) -> None:
    """Write an IAM Identity Center login and a profile for each account to a home."""
    work = AwsWorkplace(cloud.aws, home, cloud.url)
    text = ""
    for name in names:
        role = cloud.aws.add_role(
            Role(ACCOUNTS[name], f"AWSReservedSSO_{name}_0123456789abcdef")
        )
        # A login of the sandbox is for one role. So each role has a session, with the
        # same start URL.
        login = cloud.aws.logins.start(role, work.now + LIFETIME_S)
        work.sso_token(f"corp-{name}", login)
        text += (
            f"[profile {name}]\nsso_session = corp-{name}\n"
            f"sso_account_id = {role.account}\nsso_role_name = {role.name}\n"
            f"region = {REGION}\n\n"
            f"[sso-session corp-{name}]\nsso_start_url = {SSO_START_URL}\n"
            f"sso_region = {REGION}\nsso_registration_scopes = sso:account:access\n\n"
        )
    work.config(text)


def aws_keys(cloud: Sandbox, home: Path) -> None:
    """Write a user's long-lived keys, as `aws configure` does."""
    work = AwsWorkplace(cloud.aws, home, cloud.url)
    work.credentials("default", work.user("ada"))
    work.config(f"[default]\nregion = {REGION}\n")


def become(cloud: Sandbox, home: Path, name: str) -> None:
    """Set up an identity of the sandbox in a home, without its variables."""
    owner = {"google": cloud.google, "azure": cloud.azure, "github": cloud.github}
    owner[name.partition("-")[0]].environment(name, home=home, url=cloud.url, tls=True)


def answer(cloud: Sandbox, asked: dict[str, str]) -> dict[str, object]:
    """Carry out one request; return the answer."""
    home = Path(asked.get("home", ""))
    match asked["do"]:
        case "listen":
            tls = asked.get("port") == "443"
            cloud.listen(asked["address"], int(asked["port"]), tls=tls)
        case "sso":
            sso(cloud, home, *asked["profiles"].split())
        case "aws-keys":
            aws_keys(cloud, home)
        case "github-token":
            tokens = cloud.github.tokens
            return {"token": tokens.personal("ada", "repo", "read:packages")}
        case "become":
            become(cloud, home, asked["identity"])
    return {}


def main() -> None:
    """Serve until stdin ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with Sandbox() as cloud:
        told: dict[str, object] = {
            "url": cloud.url,
            "certificate": cloud.azure.registry_certificate.decode(),
            "authority": cloud.ca_file.read_text(),
        }
        print(json.dumps(told), flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(cloud, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
